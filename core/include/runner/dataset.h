/* dataset.h - samples, loaded once into memory that the core owns. The core splits,
 * shuffles, normalises and batches. */
#ifndef RN_DATASET_H
#define RN_DATASET_H

#include "option.h"
#include "tensor.h"
#include "device.h"

enum rn_split { RN_TRAIN, RN_TEST, RN_SPLITS };

struct rn_dataset_info {
    uint32_t size;
    uint32_t dtype;                 /* enum rn_dtype, of the input; bytes count as 1/255 each */
    int64_t count[RN_SPLITS];       /* samples; 0: has no such split */
    struct rn_shape input;          /* one sample; images height, width, channels */
    int64_t classes;                /* 0: the target is target_width values */
    int64_t target_width;           /* 1 for classes */
    const char *const *class_names; /* NULL: "0", "1", ...; lives until close() */
    char source[128];               /* what and where, for people */
};

struct rn_dataset_ops {
    uint32_t size, reserved;
    /* Looks at the headers only; info->size is set. */
    int (*open)(const void *opts, void **out, struct rn_dataset_info *info);
    /* Fills input (count x input of dtype) and target (count x target_width floats). */
    int (*load)(void *ds, uint32_t split, void *input, float *target);
    /* "sha256:..." over the files of this split, for the run folder; after load(). */
    int (*fingerprint)(void *ds, uint32_t split, char out[72]);
    void (*close)(void *ds);
    /* Optional: the samples of one file, without targets, as those of RN_TEST: count and input of
     * info are set, load() fills input alone (target is NULL). opts: of the data set that a model
     * was trained on; NULL: they are not known. RN_EUNSUPPORTED: it is a file of another format. */
    int (*open_file)(const void *opts, const char *path, void **out, struct rn_dataset_info *info);
};
RN_NO_TAIL_PADDING(struct rn_dataset_ops, open_file);

#endif
