/* agree.h - the same steps of one experiment on two devices, compared layer by layer. Each device
 * has a session of its own and trains on its own from the same first weights: what differs after
 * n steps is what a user would see, not only what one operation rounds. */
#ifndef AGREE_H
#define AGREE_H

#include "base/mem.h"

struct agree_plan {
    const char *file; /* the experiment */
    const char *const *overrides, *const *plugin_dirs;
    int n_overrides, n_plugin_dirs;
    const char *device[2]; /* as in YAML: "cpu", "{type: cpu, threads: 1}"; the second is the one to
                              agree with. NULL: the experiment's own */
    int64_t steps;         /* at least 1; more than an epoch has go on with the next one */
    void (*progress)(void *ctx, int64_t done, int64_t of); /* steps of both; may be NULL */
    void *ctx;
};

/* A tensor on device 0, a, beside the same on device 1, b. Of several: the worst. */
struct agree_figure {
    int64_t values;     /* compared; 0: there was nothing */
    double relative;    /* max |a - b| / max |b|; infinite where one is no number alone, too */
    double nmse;        /* sum (a - b)^2 / sum b^2 */
    const char *tensor; /* of parameters: "dense1.weight", else NULL */
};

enum agree_part { AGREE_OUT, AGREE_DINPUT, AGREE_DPARAM, AGREE_PARAM, AGREE_PARTS };
enum agree_moment { AGREE_FIRST, AGREE_LAST, AGREE_MOMENTS }; /* step 1, step n */

/* The first is "data", as the batch reaches the model; the last is "loss", whose output is the loss
 * of each sample. AGREE_PARAM: the parameters behind an update. */
struct agree_layer {
    const char *name, *type;
    struct agree_figure at[AGREE_MOMENTS][AGREE_PARTS];
};

struct agree {
    struct pool *pool;
    const char *device[2], *detail[2]; /* as the devices call themselves */
    int64_t steps;
    double *loss[2]; /* of each step */
    double loss_gap; /* the largest |a - b| / max(|b|, 1) of them; infinite: one is no number */
    struct agree_layer *layers;
    int n_layers;
    struct agree_figure weights; /* after the last step */
};

/* RN_EINVAL: the plan or the experiment is wrong; RN_EDEVICE: a device can't be used; or why a step
 * failed. The message names the device. Memory beside that of two trainings: on the host one copy
 * of what the layers of one step give. */
int agree_run(const struct agree_plan *p, struct agree **out);
void agree_free(struct agree *a); /* NULL is fine */

/* The first result, in the order of a step, that is further apart than relative at a moment. False:
 * there is none. */
bool agree_first(const struct agree *a, enum agree_moment at, double relative, int *layer,
                 enum agree_part *part);
const char *agree_part_name(enum agree_part part); /* "output", "gradient of its input", ... */

#endif
