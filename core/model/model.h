/* model.h - the layers of an experiment with their shapes, parameters and buffers; where each
 * tensor lives; and the order of calls that makes a training or an evaluation step.
 *
 * Layers are a list in the order of computation: those of a container's branches stand before it.
 * What flows between them are values: 0 is the input, i + 1 what layer i gives. */
#ifndef MODEL_H
#define MODEL_H

#include "experiment/experiment.h"

struct model_param {
    const char *name; /* "dense1.weight" */
    struct rn_shape shape;
    struct rn_init init;
    struct rn_view view;
    uint32_t flags; /* enum rn_plan_flag */
    int64_t offset; /* in the flat arrays, in elements; a multiple of 16 */
    int layer;
};

struct model_buffer {
    const char *name; /* "batchnorm1.mean" */
    struct rn_shape shape;
    uint32_t life, flags; /* enum rn_life, enum rn_plan_flag */
    int64_t offset;       /* of a persistent one, in struct model's persistent; in elements */
    const double *values; /* of a constant, which is persistent but not saved; else NULL */
};
static inline bool buffer_is_saved(const struct model_buffer *b)
{
    return b->life == RN_PERSISTENT && !b->values;
}

struct model_layer {
    const struct part *part;
    const char *name;        /* "dense1"; in a branch "residual1.layers.dense1" */
    int *from, n_from;       /* the values it reads; for a container one a branch */
    int follows;             /* the value before it in its branch; for a container, its input */
    bool learns;             /* what it gives depends on a parameter */
    struct rn_shape in, out; /* in: of the first value it reads */
    double flops;            /* of one sample, forward */
    int first_param, n_params;
    struct model_buffer *buffers;
    int n_buffers;
};

struct model_watch { /* a callback that keeps arrays of its own */
    const struct part *part;
    rn_real **slots; /* flat + kept elements each, on the device */
    int n_slots;
    uint32_t scalar_from; /* its scalars in the step block */
};

struct model {
    struct pool *pool;
    const struct experiment *experiment;
    struct rn_shape input;
    int64_t target_width;
    struct model_layer *layers; /* one more than n_layers: the last is the loss */
    int n_layers;
    struct model_param *params;
    int n_params;
    int64_t flat;       /* elements of the flat arrays, padding included */
    int64_t kept;       /* elements of the persistent buffers, padding included */
    int64_t parameters; /* without padding */
    double flops;

    struct rn_device *dev; /* the rest is set by model_open() */
    rn_real *param, *grad, **slots, *persistent;
    int n_slots;
    rn_real *norm; /* room for the gradient's norm; NULL when it is not clipped */
    struct model_watch *watches;
    int n_watches;
};

/* Infers all shapes; what does not fit goes to d with the chain of shapes. No device needed. All is
 * in p, which must outlive the model. RN_ESHAPE when d got an error. */
int model_plan(struct pool *p, const struct experiment *e, const struct rn_dataset_info *data,
               struct diag *d, struct model **out);
/* Allocates parameters, gradients, the optimizer's slots and the callbacks', and draws the initial
 * values. */
int model_open(struct model *m, struct rn_device *dev);
/* What model_open() is going to allocate, and somewhat more. */
int64_t model_bytes(const struct model *m);
void model_close(struct model *m);

static inline const struct rn_shape *model_shape(const struct model *m, int value)
{
    return value ? &m->layers[value - 1].out : &m->input;
}

/* "1x28x28" for an image, "784" for a vector; into s, which is returned. */
#define SHAPE_TEXT 128
const char *shape_text(const struct rn_shape *shape, char s[SHAPE_TEXT]);
/* A rank and dimensions that can be computed with; RN_ESHAPE, RN_EPLUGIN. */
int model_check_shape(const struct rn_shape *s);

/* The layer table of `runner summary` as aligned text, or as JSON. more: what others have to say,
 * lines of text or members of the object. */
void model_summary(const struct model *m, bool json, const char *more, struct text *out);

#endif
