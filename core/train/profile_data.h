/* profile_data.h - what profile.c collects and profile_show.c shows. Times of operations are summed
 * over the lanes (threads): divided by their number they add up, with waiting, to a step. */
#ifndef PROFILE_DATA_H
#define PROFILE_DATA_H

#include "profile.h"

struct profile_op {
    struct rn_op_info info;
    const char *layer, *pass;
    uint64_t ns, lanes; /* summed; a bit for each lane that took part, modulo 64 */
};

#define WALLS 4096    /* the steps whose median is shown: the last of them */
struct profile_kind { /* steps that replay one recording */
    const struct rn_recording *recording;
    int64_t rows, steps; /* steps: without the first ones */
    struct profile_op *ops;
    uint32_t n_ops, lanes;                           /* lanes: that took part in any */
    uint64_t wall_ns, busy_ns, between_ns, least_ns; /* least_ns: of all steps, also the first */
    int64_t betweens, begun; /* betweens: steps that followed another; begun: all of them */
    bool updates;            /* parameters, in the end */
    float *wall_us;          /* WALLS of them, in a ring */
};

struct profile_event { /* of a step in the trace; at: since the first of them */
    uint64_t at_ns, ns;
    uint32_t lane, op; /* op NO_OP: the whole step */
    int kind;
};
#define NO_OP   UINT32_MAX
#define KINDS   8     /* a full batch and what is left over, each at four places in an update */
#define EVENTS  32768 /* of the trace; more only for one step that has more */
#define TRACED  16    /* steps */
#define WARMING 3     /* first steps of a kind, which are not counted */

struct profile {
    struct pool *pool;
    const struct model *m;
    char device[64];
    bool whole; /* each step counts */
    struct profile_kind kinds[KINDS];
    int n_kinds;
    uint32_t lanes, room;
    struct rn_timing *timings;
    uint64_t ended_ns; /* the last step; 0: nothing to measure from */
    struct profile_event *events;
    uint32_t n_events, room_events;
    int traced;
    uint64_t trace_ns; /* when the trace begins */
};

/* The kind of which there were most steps, one that ends in an update where there is one; NULL when
 * there were none. */
const struct profile_kind *profile_main(const struct profile *p);
double profile_median_us(const struct profile_kind *k);
double profile_flops(const struct profile_kind *k);

#endif
