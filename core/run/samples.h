/* samples.h - what files hold, made into what a model takes. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include "trained.h"

enum polarity { POLARITY_LOOK, POLARITY_KEEP, POLARITY_TURN };

struct samples_args {
    bool resize;            /* images of another size are scaled */
    enum polarity polarity; /* light and dark; look: what seems turned is an error */
    double divide;          /* values by this; 0: not */
};

struct sample_file {
    const char *name;
    int64_t first, n; /* samples */
};

struct samples {
    struct pool *pool;
    uint32_t dtype; /* of values: RN_U8 as long as no file has floats */
    void *values;   /* n samples, each as the model takes it */
    int64_t n, room;
    struct sample_file *files;
    int n_files, files_room;
};

/* A file that a data set plugin reads, "-" for standard input; the run's own is asked first.
 * RN_EDATA: none reads it, it is damaged, or does not fit the model: the message names the option
 * that mends it. */
int samples_add(struct samples *s, const struct trained *t, const struct samples_args *args,
                const char *path);
void samples_free(struct samples *s);

/* scale.c: h x w x channels from a to b, by a triangle as wide as a pixel of the coarser grid: what
 * is made smaller is averaged (Pillow's BILINEAR). RN_ENOMEM. */
int scale_image(const float *from, int64_t h, int64_t w, int64_t channels, float *to, int64_t to_h,
                int64_t to_w);

#endif
