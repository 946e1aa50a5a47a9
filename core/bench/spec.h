/* spec.h - a benchmark as its file or the command line describes it: a base experiment, the
 * variants that are timed side by side, and how long. */
#ifndef BENCH_SPEC_H
#define BENCH_SPEC_H

#include "report/bench.h"
#include "sweep/spec.h"

struct bench_variant {
    const char *name;
    bool required;        /* that its device can't be used ends the benchmark with an error code */
    struct change change; /* sections NULL: none */
};

struct bench_options { /* of the section itself */
    const char *reference;
    struct rn_ints batch_sizes;
    int64_t warmup;
    bool per_layer;
};

struct bench_measure {
    int64_t epochs, repeats;
    struct rn_span_value max_time; /* value 0: none */
};

struct bench_verify {
    int64_t steps; /* 0: nothing is compared */
    double rel;
};

struct bench_spec {
    struct pool *pool;
    struct diag *diag;
    const char *file, *name, *description;
    struct mark name_at;
    struct node *base;            /* composed, ${...} not looked up yet */
    struct change set;            /* for every variant; sections NULL: none */
    const char *const *overrides; /* of the command line, for every variant */
    int n_overrides;
    struct bench_variant *variants;
    int n_variants, reference;
    int64_t *batches; /* ascending; n_batches 0: that of the experiment */
    int n_batches;
    struct mark batches_at;
    struct bench_options o;
    struct bench_measure measure;
    struct bench_verify verify;
    struct rn_bench_known *known;
    int n_known;
};

/* All that can stand in the file of a benchmark, for the reference. */
extern const struct section bench_sections[];

struct bench_words {     /* of the command line */
    const char *name;    /* NULL: as the file says */
    const char *devices; /* "cpu,{type: cpu, threads: 1}": in place of variants; NULL: those of the
                            file */
    const char *const *overrides;
    int n_overrides;
};

/* Reads the file: a benchmark, or an experiment that words->devices makes one of. Problems are in
 * out->diag, made in p; RN_EINVAL then. */
int bench_spec_read(struct pool *p, const char *file, const struct bench_words *words,
                    struct bench_spec *out);

#endif
