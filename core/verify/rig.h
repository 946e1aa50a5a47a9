/* rig.h - plays the core for one layer or loss: plans, gives it guarded memory, records its
 * forward and backward and replays them. Nothing of the layer runs but through the device. */
#ifndef RIG_H
#define RIG_H

#include <runner/layer.h>
#include <runner/loss.h>

enum { RIG_INPUTS = 4, RIG_PARAMS = 8, RIG_BUFFERS = 16, RIG_CONSTANTS = 4096 };

/* n values at `at` in room for cap, and values that nobody may touch all around them */
struct area {
    rn_real *at;           /* on the host */
    rn_real *dev;          /* the same on the device: `at` where the host may follow addresses */
    int64_t n, cap, guard; /* guard: values before and behind; more than a fifth of cap */
};
int area_make(struct rn_device *d, int64_t cap, struct area *a); /* the host sees its memory */
int area_make_apart(struct rn_device *d, int64_t cap, struct area *a); /* or may not see it */
/* The one of them that goes with the device: asking it may take a while. */
typedef int area_maker(struct rn_device *d, int64_t cap, struct area *a);
int area_maker_for(struct rn_device *d, area_maker **out);
void area_free(struct rn_device *d, struct area *a);
/* With the guards, to the device and back; nothing where both are one, or there is no memory. */
int area_send(struct rn_device *d, const struct area *a);
int area_fetch(struct rn_device *d, const struct area *a);
void area_size(struct area *a, int64_t n); /* sets the guards, and the values to NaN */
void area_fill(struct area *a, rn_real v);
void area_put(struct area *a, const rn_real *from);
bool area_intact(const struct area *a); /* the guards */
bool area_finite(const struct area *a);
bool area_same(const struct area *a, const rn_real *want); /* bit for bit */

/* what plan() asked for */
struct rig_item {
    char name[64]; /* cut where it is longer */
    struct rn_shape shape;
    struct rn_init init;
    struct rn_view view;
    uint32_t life, flags;
    int constant; /* not 0: it holds the values from constants[constant - 1] on, for good */
};
struct rig_plan {
    struct rig_item param[RIG_PARAMS], buf[RIG_BUFFERS];
    int n_param, n_buf, n_constants;
    double constants[RIG_CONSTANTS];
    struct rn_shape out;
    double flops;
};
/* Where element i of the exported array stands in the stored one. */
int64_t rig_stored_at(const struct rn_view *v, int64_t i);
int64_t rig_buffer_count(const struct rig_item *b, int64_t batch);
/* Puts the values that buffer i starts with, a persistent one or a constant, into a. */
void rig_start(const struct rig_plan *plan, int i, struct area *a);
int rig_plan(int (*plan)(struct rn_plan *), const void *opts, const struct rn_shape *in, int n_in,
             struct rig_plan *out);
bool rig_plan_same(const struct rig_plan *a, const struct rig_plan *b);
/* Whether names, shapes, first values and views can be; why, of n bytes, says what cannot. */
bool rig_plan_good(const struct rig_plan *p, char *why, size_t n);

struct rig {
    const struct rn_layer_ops *ops;
    const void *opts;
    struct rn_device *dev;
    struct rn_shape in; /* of each input */
    int n_in;
    struct rig_plan plan;
    union { /* x is the first of xs */
        struct area x, xs[RIG_INPUTS];
    };
    union {
        struct area dx, dxs[RIG_INPUTS];
    };
    struct area y, dy, p[RIG_PARAMS], dp[RIG_PARAMS], b[RIG_BUFFERS];
    int64_t batch;
    bool alias; /* y lies in x, dx in dy */
    uint64_t key, draw;
    rn_real poison; /* what lies where nobody wrote yet */
};
/* Memory for up to max_batch rows. The status of plan(), or of the device. */
int rig_open(struct rig *r, struct rn_device *dev, const struct rn_layer_ops *ops, const void *opts,
             struct rn_shape in, int64_t max_batch);
/* The same with n_in inputs of that shape. */
int rig_open_inputs(struct rig *r, struct rn_device *dev, const struct rn_layer_ops *ops,
                    const void *opts, struct rn_shape in, int n_in, int64_t max_batch);
void rig_close(struct rig *r);
void rig_batch(struct rig *r, int64_t batch, bool alias);
void rig_poison(struct rig *r); /* everywhere: NaN is what a plain read while recording would see */
/* All of them, those without memory too: i from 0 to RIG_AREAS - 1. */
enum { RIG_AREAS = 2 + 2 * RIG_INPUTS + 2 * RIG_PARAMS + RIG_BUFFERS };
struct area *rig_area(struct rig *r, int i);

/* what backward() is asked for; a bit an input or a parameter */
struct rig_pass {
    uint32_t add_x, skip_x, skip_p;
    bool add_p;
};
/* Records the call over poisoned memory. backward NULL: forward. */
int rig_record(struct rig *r, bool training, const struct rig_pass *backward,
               struct rn_recording **out);
/* Sends all areas, does it, and fetches all. */
int rig_replay(struct rig *r, struct rn_recording *rec);

#endif
