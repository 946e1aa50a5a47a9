/* measure.h - the processes of a benchmark: one for each measurement, one for each comparison, and
 * what is read of what they leave. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "bench.h"
#include "plan.h"
#include "run/launch.h"
#include "sweep/screen.h"

struct benching {
    const struct bench_args *args;
    struct bench_spec spec;
    struct bench_plan plan;
    struct bench *b;
    struct screen screen;
    double *room; /* epochs: as many as planned, for each time */
    int done;     /* processes */
};

/* Times all that can be timed, in turns, until a signal comes. */
int measure_all(struct benching *x);
/* A process with these arguments, then those about plugins; NULL ends them. *why, from the spec's
 * pool, says how it ended if not well. RN_OK however it ended. */
int measure_child(struct benching *x, const char *id, const char *const *args, double time_s,
                  struct child_end *end, const char **why);
/* agree.c: each variant against the reference. */
int agree_all(struct benching *x);

#endif
