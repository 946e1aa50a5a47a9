/* plan.h - what a benchmark's file comes to: a configuration for each variant and batch size,
 * checked before anything is started. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "plugin/registry.h"
#include "spec.h"

struct bench_point {         /* a variant with a batch size */
    const char *id, *config; /* "cuda-b256"; resolved: runs as it is */
    int64_t batch, samples;  /* of a step, of an epoch */
};

struct bench_plan {
    struct bench_spec *spec;
    struct registry *registry;
    struct bench_point *points; /* by batch size, then variant; n_variants each */
    int n_points;
    int64_t *samples;      /* that each variant trains with; 0: not known */
    const char **device;   /* of each variant: its section, as JSON */
    const char **unusable; /* why there is no such device; NULL: there is */
};

static inline int bench_batch_count(const struct bench_spec *s)
{
    return s->n_batches ? s->n_batches : 1;
}

/* Problems are in the spec's diag, RN_EINVAL then. */
int bench_plan(struct bench_spec *spec, struct registry *registry, struct bench_plan *out);

#endif
