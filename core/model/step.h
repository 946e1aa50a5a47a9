/* step.h - one training or evaluation step over a fixed number of rows: where its tensors lie in
 * the arena, and the order of calls, recorded once and replayed. */
#ifndef STEP_H
#define STEP_H

#include "model.h"
#include "memory.h"

/* What changes from replay to replay: indices into the step block. 0 is the device's "none". */
enum block_u { U_START = 1, U_STEP, U_ROW, U_SCORE, U_DRAW, U_INPUT };
enum block_f { F_SCALARS = 1, F_SHARE = F_SCALARS + RN_SCALARS, F_WATCH };
#define WATCHES_MAX ((RN_BLOCK_F - F_WATCH) / RN_SCALARS)

struct step_din { /* the gradient of one input of a layer */
    int item;     /* where backward writes it; -1: not wanted */
    bool adds;    /* to what layers wrote that read the same value */
    bool apart;   /* not in the value's own item, to which the core adds it then */
};

struct step_layout { /* items of the arena, by number; -1: there is none */
    struct memory_item *items;
    int n_items;
    int *act, *grad;       /* of each value, and its gradient */
    struct step_din **din; /* [layer][input] */
    int **buffers;         /* [layer][buffer]; the loss is the layer behind the last */
    int target, loss, weight, sum_weight, scale, best, correct;
    int64_t bytes;
};

/* rows: of the batch. All memory from p; RN_ENOMEM. */
int step_layout(struct pool *p, const struct model *m, bool training, int64_t rows,
                struct step_layout *out);
bool step_needs_grad(const struct model *m, int value); /* it depends on a parameter */

struct step_io {                /* device memory that a step reads and writes beside the arena */
    const void *input;          /* samples as the data set gave them */
    const rn_real *target;      /* target_width a sample */
    const int32_t *index;       /* which samples, from block.u[U_START] on */
    const int32_t *input_index; /* which rows of input, from block.u[U_INPUT] on */
    const rn_real *scale, *shift;
    int64_t channels;
    uint8_t dtype; /* enum rn_dtype of input */
    /* training: one value a step, at block.u[U_STEP]; correct may be NULL */
    rn_real *step_loss, *step_weight, *step_correct;
    /* evaluation: one value a row, at block.u[U_ROW]; scores at block.u[U_SCORE] */
    rn_real *row_loss, *row_weight, *scores;
};

enum step_flag {
    STEP_TRAINS = 1 << 0,  /* with a backward pass; else scores and losses are kept */
    STEP_ADDS = 1 << 1,    /* to the gradients that are there */
    STEP_UPDATES = 1 << 2, /* ends in an update of the parameters */
    STEP_SHARES = 1 << 3,  /* the batch is block.f[F_SHARE] of what makes an update */
};
int step_record(struct pool *p, const struct model *m, unsigned flags, int64_t rows, void *arena,
                const struct step_io *io, struct rn_recording **out);
/* What is enqueued from now on updates parameters of that layer; n_layers: of none. */
void step_tag_update(const struct model *m, int layer);
/* What the device's tag of an operation stands for: the layer's name, or "data", "loss",
 * "optimizer"; and "gather", "forward", "sums", "backward", "update", "scores". */
void step_tag_names(const struct model *m, uint32_t tag, const char **layer, const char **pass);

/* For who looks for the first bad number: does a step call by call, on the device, with the values
 * of block, and shows after each what it wrote. layer is a path, or "data", "loss"; phase is
 * "forward", "backward" (gradients of inputs and parameters) or "update"; data is device memory.
 * look returns 0 to go on. The result is its first other one, or the status of what failed. */
typedef int step_look(void *ctx, const char *layer, const char *phase, const rn_real *data,
                      int64_t n);
int step_probe(struct pool *p, const struct model *m, unsigned flags, int64_t rows, void *arena,
               const struct step_io *io, const struct rn_block *block, step_look *look, void *ctx);

/* update.c: elements of struct model's norm. */
int64_t update_norm_count(const struct model *m);
/* update.c: clips the gradient, updates the parameters, then what callbacks keep for each. */
int update_record(struct pool *p, const struct model *m);

#endif
