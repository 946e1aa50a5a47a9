/* side.h - one layer, loss or optimizer at work on one device, wherever the memory of that is:
 * made-up values in, and all that it computes of them out, as arrays on the host. */
#ifndef SIDE_H
#define SIDE_H

#include "plugin/registry.h"
#include "rig.h"

struct subject { /* the same on both devices */
    const struct plugin *plugin;
    const void *opts;
    struct rn_shape in; /* of a layer or a loss */
    int64_t batch;      /* of an optimizer: rows of the parameter */
    bool other;         /* layer: gradients are added to what is there; optimizer: no decay */
    uint64_t seed;
};

enum { OUTCOME_TENSORS = 64, OUTCOME_ROOM = 1 << 20, OUTCOME_NAME = 96 };
struct outcome {
    rn_real *at; /* room for OUTCOME_ROOM */
    int tensors;
    struct {
        char name[OUTCOME_NAME];
        int64_t from, n;
    } tensor[OUTCOME_TENSORS];
};

enum { SIDE_AREAS = 6 + RIG_BUFFERS, SIDE_SLOTS = 16, SIDE_RECORDINGS = 3 };
struct side {
    const struct subject *s;
    struct rn_device *dev;
    int wobble; /* not 0: inputs are off by some roundings, others for each number */
    struct rig rig;
    struct rig_plan plan;      /* of a loss */
    struct area a[SIDE_AREAS]; /* of a loss or an optimizer */
    struct rn_recording *rec[SIDE_RECORDINGS];
};

bool side_knows(const struct plugin *p);
/* s and dev are set, and nothing else. Records. RN_ESHAPE, RN_EINVAL: the plugin does not take such
 * an input or such options. side_close() after any status. */
int side_open(struct side *side);
/* RN_EBUG: it wrote around its outputs. */
int side_run(struct side *side, struct outcome *out);
void side_close(struct side *side);

#endif
