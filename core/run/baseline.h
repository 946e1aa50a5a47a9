/* baseline.h - baselines: what an experiment gave when it was recorded, and the checks that hold it
 * to that. A file says an experiment, seeds and checks; each seed is a run in a process of its own.
 *
 * A recorded mean of n runs has a standard deviation; k new runs hold `within: N sd` while their
 * mean is off by at most N sd sqrt(1/k + 1/n), N deviations of the difference of the two means.
 * Where nothing changed that difference follows Student's t with n - 1 degrees of freedom. */
#ifndef BASELINE_H
#define BASELINE_H

#include "experiment/expects.h"
#include "experiment/experiment.h"

enum { BASELINE_SPREAD_MIN = 5, BASELINE_SEEDS_MAX = 1000, CLASS_TEXT = 96 };

struct check_keys {
    struct expect_keys expect;
    double mean, sd, max_ratio;
    const char *within, *digest; /* digest: the text of value, where it is no number */
    int64_t seed, same;
};

enum check_kind { CHECK_BOUNDS, CHECK_VALUE, CHECK_SPREAD, CHECK_RATIO, CHECK_DIGEST };

struct baseline_check {
    enum check_kind kind;
    const struct check_keys *keys;
    const char *metric; /* as report_metric() knows it */
    double min, max;    /* of bounds and values; NaN: none */
    double spreads;     /* within so many */
    bool seeded;        /* of keys->seed alone; the others are about the mean */
    bool recorded;      /* all numbers are there that it compares with */
    const struct node *node;
};

struct recorded {
    const char *date, *commit, *runner, *data, *machine, *config;
    struct rn_floats val_loss; /* of the first seed, epoch by epoch */
    int64_t n;
};

struct baseline {
    const char *file, *name, *config; /* config: absolute */
    struct mark mark;
    const struct node *node, *set, *record_node, *plugins; /* all but node may be NULL */
    struct rn_ints seeds;
    const struct recorded *recorded; /* NULL: not yet */
    struct baseline_check *checks;
    int n_checks;
};

/* Reads and checks a file; problems go to d. All is in p. RN_EINVAL. */
int baseline_read(struct pool *p, const char *file, struct diag *d, struct baseline **out);
/* Whether the root of a file says that it is one. */
bool baseline_is(const struct node *root);
/* The same of a file; one that cannot be read is none. */
bool baseline_is_file(const char *file);

/* ---- running -------------------------------------------------------------- */

struct baseline_run {
    int64_t seed;
    const char *dir, *log; /* dir NULL: it left none */
    const char *fault;     /* why it counts as failed; NULL: it finished */
    const struct rn_metric *metrics;
    int64_t n_metrics;
    const char *digest, *data; /* "sha256:..", of the weights, of the samples; NULL: not known */
};

struct baseline_how {
    const char *out; /* root: runs go to out/tests/NAME/STAMP */
    const int64_t *seeds;
    int64_t n_seeds;
    const char *const *overrides, *const *plugin_dirs;
    int n_overrides, n_plugin_dirs, jobs; /* jobs 0: as many as there are cores for */
    struct registry *registry;
    struct diag *diag;
    void (*told)(void *ctx, int64_t done, int64_t n); /* after each run; may be NULL */
    void *ctx;
};

struct baseline_result {
    const struct baseline *b;
    struct baseline_run *runs;
    int64_t n_runs;
    const char *dir;               /* with plan, logs and runs */
    char machine[CLASS_TEXT];      /* "x86_64-avx2-2c-gcc12.2.0-O3" */
    char config[80];               /* digest of the experiment with the file's first seed */
    struct rn_floats val_loss;     /* as recorded.val_loss; count 0: that seed was not run */
    const struct rn_fact *plugins; /* name, beginning of its file's sha256; sorted */
    int64_t n_plugins;
    double seconds;
};

/* Whether the experiment of the file's first seed is right, without running it. RN_EINVAL: told in
 * how->diag. */
int baseline_plan(struct pool *p, const struct baseline *b, const struct baseline_how *how);
/* Starts the runs, waits for them, reads what they left. A run that fails is no error. RN_EINVAL:
 * the experiment is wrong, told in how->diag; RN_EBUSY: a signal came, the runs were ended. */
int baseline_run(struct pool *p, const struct baseline *b, const struct baseline_how *how,
                 struct baseline_result *out);
/* A metric of a run by its name; NaN: it has none. */
double baseline_metric(const struct baseline_run *r, const char *name);
void machine_class(char out[CLASS_TEXT]);

/* ---- judging -------------------------------------------------------------- */

enum verdict { VERDICT_PASS, VERDICT_WARN, VERDICT_FAIL, VERDICT_NONE }; /* none: not comparable */
extern const char *const verdict_words[4]; /* "PASS", "WARN", "FAIL", "n/c" */

struct judged {
    const struct baseline_check *check; /* NULL: of the runs themselves */
    enum verdict verdict;
    const char *metric, *got, *wanted, *why; /* why: what does not hold, or cannot be compared */
    const char *where;                       /* "file:line" */
    double value, off;                       /* NaN where there is none */
};

struct verdicts {
    struct judged *list;
    int n, count[4];
    const char *const *likely; /* what else is known to differ */
    int n_likely;
    bool holds; /* nothing failed, all was recorded, and something was compared */
};

/* strict: what cannot be compared has failed. RN_ENOMEM. */
int baseline_judge(struct pool *p, const struct baseline_result *r, bool strict,
                   struct verdicts *out);
/* The allowed difference of a mean of k runs and the recorded one of n. */
double spread_allowed(double spreads, double sd, double k, double n);
/* Mean and standard deviation of a check's values over the runs; false: a value is missing. */
bool baseline_mean(const struct baseline_result *r, const struct baseline_check *c, double *mean,
                   double *sd);
/* The run of a seed; NULL: there is none. */
const struct baseline_run *baseline_seed(const struct baseline_result *r, int64_t seed);

/* ---- recording ------------------------------------------------------------ */

/* The file's text with what r measured; comments stay. Spreads are of all runs, other values of the
 * file's own seeds, since `runner test` compares with these. RN_EINVAL: a run failed, lacks a
 * metric, or a seed of the file was not run. */
int baseline_record(struct pool *p, const struct baseline_result *r, struct text *out);
/* Whether files that git knows in the repository around dir differ from what was committed, but for
 * those named. False without git. */
bool tree_is_dirty(const char *dir, const char *const *but, int n);

/* ---- telling -------------------------------------------------------------- */

struct tested { /* n files */
    struct baseline_result *results;
    struct verdicts *verdicts;
    int n;
    bool strict;
};

void tested_json(const struct tested *t, struct text *out);
void tested_junit(const struct tested *t, struct text *out);
void tested_markdown(const struct tested *t, struct text *out);
/* "2 files, 14 checks: 12 passed, 1 failed, 1 not comparable" */
void tested_line(const struct tested *t, struct text *out);
bool tested_holds(const struct tested *t);

#endif
