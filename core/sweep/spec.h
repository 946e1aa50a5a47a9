/* spec.h - a sweep as its file or the command line describes it: a base experiment, in what its
 * runs differ, and how they are run. */
#ifndef SWEEP_SPEC_H
#define SWEEP_SPEC_H

#include "config/compose.h"
#include "experiment/tables.h"
#include "plugin/registry.h"
#include "run/slurm.h"

#include <runner/option.h>
#include <runner/reporter.h>

enum sweep_method { SWEEP_GRID = 1, SWEEP_RANDOM, SWEEP_TPE };

struct piece {         /* one change that a run may have */
    const char *label; /* "lr0.01", "dropout": fit for the name of a folder */
    const char *path;  /* one value for a path; NULL: change */
    struct mark mark;  /* of the path */
    struct node *value;
    struct change change;
    const struct rn_fact *says; /* "optimizer.lr" "0.01", for people and for exclude */
    int64_t n_says;
};

struct axis {         /* pieces of which a run has one */
    const char *path; /* NULL: rows of zip */
    struct piece *pieces;
    int n;
};

struct dimension { /* of a search */
    const char *path;
    struct mark mark;
    double low, high, step; /* step 0: any number */
    bool log, whole;        /* whole: numbers without a point */
    struct piece *choices;  /* in place of a range */
    int n_choices;
};

struct exclusion { /* runs that say all of this are left out */
    const struct rn_fact *says;
    int64_t n_says;
};

struct sweep_options { /* of the section itself */
    int64_t method, runs, round, seed, retry, on_failure;
    struct rn_span_value timeout; /* of one run; value 0: none */
    const char *reference;
};

struct objective {
    const char *metric; /* NULL: val.accuracy, or val.loss where nothing is classified */
    int64_t goal;       /* enum rn_mode */
};

struct prune { /* by successive halving */
    int64_t type;
    struct rn_span_value rung; /* epochs until the first choice; value 0: no pruning */
    double factor;             /* of what is left one in so many goes on, so many times longer */
    int64_t min_runs;          /* configurations that are never pruned */
};

struct slots {
    int64_t jobs, threads; /* 0: as many as the cores allow; 1 thread */
};

struct sweep_spec {
    struct pool *pool;
    struct diag *diag;
    const char *file, *name, *description;
    struct mark name_at;
    struct node *base; /* composed, ${...} not looked up yet */
    struct change set; /* for every run; sections NULL: none */
    struct piece *variants;
    int n_variants;
    struct axis *axes; /* of grid and zip */
    int n_axes;
    struct piece *includes;
    int n_includes;
    struct exclusion *excludes;
    int n_excludes;
    struct dimension *space;
    int n_space;
    const int64_t *seeds; /* of repeat; n_seeds 0: that of the base */
    int64_t n_seeds;
    const char *const *overrides; /* of the command line, for every run */
    int n_overrides;
    struct sweep_options o;
    struct objective objective;
    struct prune prune;
    struct slots slots;
    bool on_slurm; /* otherwise on this machine */
    struct slurm_options slurm;
};

/* All that can stand in the file of a sweep, for the reference. */
extern const struct section sweep_sections[];

/* Whether a file describes a sweep, or has that section; a file that cannot be read does not. */
bool spec_is_sweep(const char *file);
bool spec_has(const char *file, const char *section);

/* The parts that files with a base have in common; problems go to d. The base, composed as far as
 * it goes; path: value, as a change; whether name may be that of a folder. */
int spec_base(struct pool *p, const char *file, const struct node *root, struct diag *d,
              struct node **out);
int spec_set(struct pool *p, const char *path, struct node *set, struct diag *d,
             struct change *out);
int spec_name(struct diag *d, struct mark at, const char *what, const char *name);

/* Reads the file: a sweep, or an experiment that words of the command line make one of:
 * "path=a,b" is an axis, "path=value" an override of all runs, seed=... takes the place of repeat.
 * name: NULL: as the file says. Problems are in out->diag, made in
 * p; RN_EINVAL then. */
int spec_read(struct pool *p, const char *file, const char *name, const char *const *words,
              int n_words, struct sweep_spec *out);

/* A value as text: of a list "[a, b]", of a map "type=cosine floor=0"; from p. */
const char *piece_text(struct pool *p, const struct node *value);
/* Whether the values are told apart by their ratios: numbers above 0, and the largest at least
 * eight times the least. */
bool axis_is_log(const struct axis *a);
/* One value for a path, as a grid has them; value stays where it is. */
int piece_of_value(struct pool *p, const char *path, struct mark at, struct node *value,
                   struct piece *out);

#endif
