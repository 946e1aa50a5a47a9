/* data.h - the samples of a run in device memory, and who belongs to training and validation. */
#ifndef DATA_H
#define DATA_H

#include "experiment/experiment.h"
#include "share.h"

struct data_split {
    int64_t n;       /* samples as the data set has them */
    void *input;     /* device; info.dtype; NULL when it is streamed and the host can't see it */
    rn_real *target; /* device; target_width a sample */
    float *host_target;
    const void *host_input; /* as input; NULL where only the device has it */
    void *kept_input;       /* host_input when it is memory of its own */
};

/* Rows of the full batch and of what is left over, 0 where there is none. */
struct batches {
    int64_t train[2], val[2], test[2];
    int64_t fit[2]; /* of training samples, where they are fewer than val takes */
};

struct data {
    const struct part *part;
    void *handle;
    struct rn_dataset_info info;
    const char **class_names; /* info.classes of them */
    struct rn_device *dev;
    bool host_visible;
    struct data_split split[RN_SPLITS];
    bool streamed[RN_SPLITS];  /* batches come from host_input, see feed.h; set by budget.c */
    const char *streamed_note; /* which, and why; NULL: none */
    int32_t *train_index, *val_index,
        *test_index; /* host; into split[RN_TRAIN] and split[RN_TEST] */
    int64_t n_train, n_val, n_test;
    rn_real *scale, *shift; /* device; channels of them: x * scale + shift */
    int64_t channels;
    struct share_set shared; /* head NULL: the samples are this run's own */
};

/* Reads the headers: counts, shapes, classes. RN_EDATA with file and reason. All that data_close()
 * does not free is in p. */
int data_open(struct pool *p, const struct experiment *e, struct data *out);
/* Decides who trains and who validates: by the split's own seed, not by the run's. RN_EINVAL when
 * the shares or the normalisation do not fit the data. */
int data_divide(struct pool *p, const struct experiment *e, struct data *d);
struct batches data_batches(const struct experiment *e, const struct data *d);
/* Bytes of a split's inputs and targets; 0 samples take none. RN_ENOMEM: too many to count. */
int data_sizes(const struct data *d, int split, size_t *inputs, size_t *targets);
/* Loads everything onto the device, but for the inputs of what is streamed; labels are checked
 * against the classes. Where the device reads the host's memory, it may be memory that other runs
 * have in common: it can only be read. */
int data_load(const struct experiment *e, struct data *d, struct rn_device *dev);
/* What makes values of that dtype (enum rn_dtype) what the experiment wants: x * scale + shift; how
 * many of each, one a channel or one for all. */
int64_t data_normalization(const struct experiment *e, uint32_t dtype, rn_real scale[CHANNELS_MAX],
                           rn_real shift[CHANNELS_MAX]);
/* "sha256:..." over the files that a split was loaded from. RN_EDATA: has none. */
int data_fingerprint(const struct data *d, int split, char out[HASH_TEXT]);
/* The first n test inputs as bytes on the host, from mem_alloc; *out is NULL when they are no
 * bytes. */
int data_test_bytes(const struct data *d, int64_t n, uint8_t **out);
void data_close(struct data *d);

#endif
