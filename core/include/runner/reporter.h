/* reporter.h - turns the facts of a run into a form for readers: console lines, JSON lines,
 * Markdown, HTML. The core measures, judges and draws; a reporter only shows. */
#ifndef RN_REPORTER_H
#define RN_REPORTER_H

#include "option.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct rn_metric {
    const char *name; /* "loss", "accuracy" */
    double value;
};

/* One measurement, handed out when it is made. */
struct rn_record {
    uint32_t size, n_metrics;
    const char
        *split; /* "train": running, "fit": training samples in evaluation mode, "val", "test" */
    int64_t step, epoch; /* steps done in all; the epoch under way or just ended, from 1 */
    double seconds;      /* since the start of training */
    const struct rn_metric *metrics;
};

struct rn_progress { /* at most ten times a second */
    uint32_t size, reserved;
    const char *phase;     /* "train"; others may come */
    int64_t epoch, epochs; /* from 1 */
    int64_t step, steps;   /* of this epoch */
    double loss;           /* running mean of this epoch */
    double samples_per_s, seconds_left;
};

/* One epoch. NaN: not measured. Frozen. */
struct rn_epoch {
    int64_t epoch, step;               /* step: done in all at its end */
    double train_loss, train_accuracy; /* running, with the weights as they changed */
    double fit_loss, fit_accuracy;     /* a fixed part of the training set, weights of the end */
    double val_loss, val_accuracy;
    double lr, train_s, samples_per_s;
    double val_s; /* of the pass over the validation samples; 0 without them */
};

/* A further metric of a pass without training. Frozen. */
struct rn_measure {
    const char *split, *name; /* "fit", "val" or "test"; "top3" */
    int64_t epoch;            /* 0: of the test set */
    double value;
};

struct rn_fact { /* "cpu", "AMD EPYC" */
    const char *key, *value;
};

struct rn_layer_fact {
    const char *name, *type, *output; /* "1x28x28" */
    int64_t params;
    double flops; /* of one sample, forward */
    double bytes; /* of what it gives for one sample */
    /* of a training step, measured on some of them; NaN: not measured */
    double forward_us, backward_us, update_us;
};

/* What a training step spends on it, as far as it was measured. */
static inline double rn_layer_us(const struct rn_layer_fact *l)
{
    return (isfinite(l->forward_us) ? l->forward_us : 0) +
           (isfinite(l->backward_us) ? l->backward_us : 0) +
           (isfinite(l->update_us) ? l->update_us : 0);
}

/* A step of the training curve, of which some are kept. Frozen. */
struct rn_step_fact {
    int64_t step, epoch; /* steps done in all */
    double loss, lr;     /* mean since the point before; of that step */
};

/* A parameter of the model in the last training step of an epoch that updates it, one of a full
 * batch where there is one. Norms are L2; of the gradient before it is clipped, NaN where there is
 * none. Frozen. */
enum { RN_BINS = 32 };
struct rn_param_fact {
    const char *name; /* "logits.weight" */
    int64_t epoch, n; /* n: values */
    double grad_norm, weight_norm, update_norm;
    double least, most;  /* of the finite values after it */
    const int64_t *bins; /* RN_BINS counts, of equal width from least to most; NULL: not kept */
};

/* A layer that gives 0 where its input is negative, in the same step. Frozen. */
struct rn_units_fact {
    const char *layer;
    int64_t epoch, n, silent; /* units; of them 0 for every sample of the batch */
};

/* How a part of the run's time was spent. Frozen. */
struct rn_time_fact {
    const char *name; /* "start": until the first step; "train", "validation", "test"; "files": and
                         what is left */
    double seconds;
};

struct rn_class_fact { /* as scikit-learn's classification_report */
    const char *name;
    int64_t support, predicted, correct;
    double precision, recall, f1;
};

struct rn_confusion { /* an off-diagonal cell */
    int64_t truth, predicted, count;
};

struct rn_sample {
    int64_t index; /* in the test set */
    int64_t truth, predicted;
    double p_true, p_predicted, loss;
    int64_t top[3]; /* the most probable classes, most first; -1: fewer classes */
    double p_top[3];
};

/* Samples whose p_predicted lies in (i / n, (i + 1) / n] of n bins. Frozen. */
enum { RN_CONFIDENCE_BINS = 15 };
struct rn_confidence {
    int64_t n, right;
    double mean; /* of p_predicted */
};

enum rn_picture_why {
    RN_FIXED = 1 << 0, /* drawn alike in every run on a test set of this size */
    RN_WORST = 1 << 1, /* of the mistakes those of the largest loss */
    RN_CELL = 1 << 2,  /* stands behind a cell of the confusion matrix */
    RN_SURE = 1 << 3   /* wrong, and the model was surest of it: its label may be, too */
};
struct rn_picture { /* of a test sample. Frozen. */
    int64_t sample;
    uint32_t why, reserved;
    const uint8_t *pixels; /* height x width x channels */
};

enum rn_tone { RN_GOOD = 1, RN_NEUTRAL, RN_BAD };
struct rn_finding {          /* a sentence that a rule made from numbers */
    uint32_t tone, reserved; /* enum rn_tone */
    const char *rule, *text; /* rule: "overfitting"; the first is "verdict": all in one sentence */
    const char *override;    /* something to try: "train.epochs=10"; NULL: no advice */
};

struct rn_expectation {
    const char *metric, *wanted; /* "test.accuracy", ">= 0.965" */
    double value;                /* NaN: there is no such metric */
    bool holds;
    bool warns; /* that it does not hold is no failure */
    char reserved[6];
    double off;        /* by how much value is beyond the bound; 0: it holds; NaN: no value */
    const char *where; /* "configs/a.yaml:12"; NULL: not known */
};

struct rn_figure {
    const char *name, *title, *alt; /* "confusion_matrix_counts"; alt says it in words */
    const char *svg;                /* a whole document, UTF-8, no id in it; what a dark page should
                                       recolour has a class: paper ink soft axis grid good bad, s0..s6 (lines),
                                       s0-dot.. (fills), s0-band.., h0..h7 h-none h-mute (heat), t0..t7 (text
                                       on heat) */
    const char *csv;                /* its numbers */
    const char *svg_other;          /* the same on another scale; NULL: there is none */
    const char *scale, *scale_other; /* "linear", "log" */
};

struct rn_test { /* the final pass over the test set */
    int64_t n;
    double loss, accuracy, low, high; /* Wilson's 95 % interval of the accuracy */
    double macro_f1;
    int64_t classes; /* 0: not a classification; what follows is empty */
    const struct rn_class_fact *per_class;
    const int64_t *confusion;         /* [truth * classes + predicted] */
    const struct rn_confusion *pairs; /* most confused first */
    int64_t n_pairs;
    const struct rn_sample *samples; /* all n, in the order of the test set; also when classes is 0,
                                        with nothing but index and loss */
    int64_t epoch;                   /* whose weights were measured; 0: those of the last */
    double top3, ece;                /* ece: expected calibration error, 0..1 */
    const struct rn_confidence *confidence;                     /* RN_CONFIDENCE_BINS */
    const struct rn_picture *pictures;                          /* in the order of samples */
    int64_t n_pictures, picture_h, picture_w, picture_channels; /* 1 or 3 */
    /* all pictures as one PNG: picture i at column i % sprite_columns, row i / sprite_columns */
    const uint8_t *sprite;
    int64_t sprite_bytes, sprite_columns;
};

/* The run of the same name before this one. Frozen. */
struct rn_previous {
    const char *id, *started, *status;
    double accuracy, low, high, loss; /* of its test; NaN */
    const struct rn_change *changes;  /* of parameters */
    int64_t n_changes;
};
struct rn_change {                  /* Frozen. */
    const char *key, *before, *now; /* "optimizer.lr"; NULL: not there */
};

/* Everything known about a run so far; grown while it runs. All text is UTF-8 and may hold
 * anything that a user wrote: escape it. */
struct rn_report {
    uint32_t size;
    int32_t verbosity;                         /* -1 quiet, 0 normal, 1 verbose */
    const char *name, *description, *id, *dir; /* dir: the run folder, made already */
    const char *command, *started;             /* as typed; UTC, RFC 3339 */
    const char *status, *reason; /* "running", "finished", "interrupted", "diverged", "failed" */
    const char *config_yaml;     /* resolved */
    const char *device, *data;   /* one line each */
    uint64_t seed;
    int64_t train_samples, val_samples, test_samples;
    int64_t batch_size, epochs_planned, steps_per_epoch, parameters;
    double flops;            /* of one sample, forward */
    double seconds, train_s; /* the whole run so far; training steps alone */
    double peak_bytes;       /* largest resident set so far */
    const struct rn_layer_fact *layers;
    int64_t n_layers;
    const struct rn_epoch *epochs;
    int64_t n_epochs, best_epoch; /* by val.loss, from 1; 0: none */
    const char *const *class_names;
    int64_t classes;
    const struct rn_test *test; /* NULL until measured */
    const struct rn_finding *findings;
    int64_t n_findings;
    const struct rn_expectation *expectations;
    int64_t n_expectations;
    const struct rn_figure *figures; /* redrawn at most every 2 s, and at the end */
    int64_t n_figures;
    const struct rn_fact *environment;
    int64_t n_environment;
    const struct rn_measure *measures; /* beside loss and accuracy, as they were measured */
    int64_t n_measures;
    const struct rn_step_fact *steps;
    int64_t n_steps;
    const struct rn_param_fact *params; /* epoch by epoch, in the order of the model */
    int64_t n_params;
    const struct rn_units_fact *units;
    int64_t n_units;
    const struct rn_time_fact *times; /* they add up to seconds */
    int64_t n_times;
    const char *config_input;      /* the file as written, what it extends as comments */
    const struct rn_fact *changed; /* values that are no defaults, by path: "optimizer.lr" */
    int64_t n_changed;
    int64_t patience;             /* of a callback that ends a run, in epochs; 0: there is none */
    const char *patience_monitor; /* "val.loss" */
    const char *const *warnings;
    int64_t n_warnings;
    const char *log;             /* the end of log.txt */
    const struct rn_fact *files; /* of the run folder: path, size in words or "" */
    int64_t n_files;
    const struct rn_previous *previous; /* NULL: there is none */
    int64_t attempt;         /* from 1: how often the run was started, in the same folder */
    int64_t resumed_step;    /* it went on behind so many steps; 0: from the beginning */
    int64_t resumed_records; /* measurements that this reporter was handed by then; 0 in a report
                                that was read back */
    double device_bytes;     /* in use on a device of its own memory; 0: not known */
};

/* The epoch that a callback brought back for the test; 0: it saw the weights of the last. */
static inline int64_t rn_tested_epoch(const struct rn_report *r)
{
    return r->test && r->n_epochs && r->test->epoch != r->epochs[r->n_epochs - 1].epoch
               ? r->test->epoch
               : 0;
}

/* NaN: not measured. */
static inline double rn_measured(const struct rn_report *r, const char *split, const char *name,
                                 int64_t epoch)
{
    for (int64_t i = r->n_measures; i-- > 0;)
        if (r->measures[i].epoch == epoch && !strcmp(r->measures[i].split, split) &&
            !strcmp(r->measures[i].name, name))
            return r->measures[i].value;
    return NAN;
}

/* Whether none before measure i has its name: to go through the names. */
static inline bool rn_measure_is_new(const struct rn_report *r, int64_t i)
{
    for (int64_t k = 0; k < i; k++)
        if (!strcmp(r->measures[k].name, r->measures[i].name))
            return false;
    return true;
}

/* Whether anything was classified. */
static inline bool rn_has_accuracy(const struct rn_report *r)
{
    for (int64_t i = 0; i < r->n_epochs; i++)
        if (isfinite(r->epochs[i].train_accuracy) || isfinite(r->epochs[i].val_accuracy))
            return true;
    return r->test && r->test->classes;
}

/* Training samples that fit is measured on: as many as validation has, as far as there are. */
static inline int64_t rn_fit_samples(const struct rn_report *r)
{
    return r->train_samples > 0 && r->train_samples < r->val_samples ? r->train_samples
                                                                     : r->val_samples;
}

/* A row of the table of numbers. */
struct rn_number {
    const char *what, *split; /* split: of further metrics, for rn_measured(); NULL: none */
    int64_t epoch, n;
    double loss, accuracy; /* NaN: not measured */
    char room[48];         /* for what */
};
enum { RN_NUMBERS = 5 };

static inline struct rn_number rn_number_of(const char *what, const char *split, int64_t epoch,
                                            int64_t n, double loss, double accuracy)
{
    return (struct rn_number){what, split, epoch, n, loss, accuracy, ""};
}

/* The last epoch's, the best validation and the test, as far as they were measured; returns how
 * many. r has an epoch. */
static inline int rn_numbers(const struct rn_report *r, struct rn_number rows[RN_NUMBERS])
{
    const struct rn_epoch *e = &r->epochs[r->n_epochs - 1];
    int n = 0;

    rows[n++] = rn_number_of("train, running mean of the last epoch", NULL, 0, r->train_samples,
                             e->train_loss, e->train_accuracy);
    if (isfinite(e->fit_loss))
        rows[n++] = rn_number_of("train, weights of the end", "fit", e->epoch, rn_fit_samples(r),
                                 e->fit_loss, e->fit_accuracy);
    rows[n++] = rn_number_of("validation, last epoch", "val", e->epoch, r->val_samples, e->val_loss,
                             e->val_accuracy);
    for (int64_t i = 0; i < r->n_epochs && n < RN_NUMBERS - 1; i++)
        if (r->epochs[i].epoch == r->best_epoch)
            rows[n++] = rn_number_of("validation, best epoch", "val", r->best_epoch, r->val_samples,
                                     r->epochs[i].val_loss, r->epochs[i].val_accuracy);
    if (!r->test)
        return n;
    rows[n] = rn_number_of("test", "test", 0, r->test->n, r->test->loss, r->test->accuracy);
    if (rn_tested_epoch(r)) {
        snprintf(rows[n].room, sizeof rows[n].room, "test, weights of epoch %lld",
                 (long long)rn_tested_epoch(r));
        rows[n].what = rows[n].room;
    }
    return n + 1;
}

/* ---- many runs ------------------------------------------------------------ */

struct rn_run { /* one of many. Frozen. */
    const char *name, *id,
        *dir; /* dir: seen from the root, "mlp_baseline/20260914-153012-7f3a2c" */
    const char *status, *reason, *started, *device, *data;
    const char *note;    /* the description */
    const char *differs; /* from the other runs of its name: "optimizer.lr=0.01 train.epochs=3" */
    const char *const *tags;
    int64_t n_tags;
    double seconds, train_s;
    int64_t epochs, epochs_planned, parameters, n_test;
    double accuracy, low, high, loss; /* of the test; NaN: not measured */
    double val_accuracy, val_loss;    /* of the best epoch */
    const double *curve;              /* val.loss by epoch, or train.loss; at most 40 points */
    int64_t n_curve;
    const struct rn_fact *config, *environment; /* every value by its path, sorted */
    int64_t n_config, n_environment;
    int64_t expected; /* 0: nothing was; 1: all expectations hold; 2: some do not */
};

struct rn_runs { /* newest first */
    uint32_t size, reserved;
    const char *root; /* "reports" */
    const struct rn_run *runs;
    int64_t n;
};

struct rn_row { /* of a table with a column for each run. Frozen. */
    const char *key;
    const char *const *values; /* NULL: that run has none */
};

struct rn_score {                     /* a metric of each run. Frozen. */
    const char *name;                 /* "test.accuracy" */
    const double *values;             /* NaN: not measured */
    const double *low, *high;         /* a 95 % interval; NaN: none */
    uint32_t percent, more_is_better; /* percent: a fraction */
};

/* Two runs on the same test samples: McNemar's exact test, two-sided. Frozen. */
struct rn_pair {
    int64_t a, b;                             /* runs of the comparison */
    int64_t n, both, only_a, only_b, neither; /* samples that were right */
    double p, p_corrected; /* after Holm's correction for all pairs: what findings go by */
    const int64_t *samples_a, *samples_b; /* some that only a, only b got right */
    int64_t n_samples_a, n_samples_b;
};

struct rn_comparison {
    uint32_t size, reserved;
    const struct rn_run *runs; /* in the order asked for */
    const char *const *labels; /* of runs: the name, the id where names are alike */
    const struct rn_report *const *reports;
    int64_t n;
    const struct rn_row *parameters, *environment; /* what differs, only that */
    int64_t n_parameters, n_environment;
    const struct rn_score *scores;
    int64_t n_scores;
    const struct rn_figure *figures; /* curves overlaid, trade-offs, validation against test */
    int64_t n_figures;
    const struct rn_pair *pairs;
    int64_t n_pairs;
    const struct rn_finding *findings; /* what can be said, and what cannot */
    int64_t n_findings;
    const char *diff;    /* of the configurations of the first two, unified */
    const char *to_root; /* from the page's folder to the root: "", "..", for links */
};

/* ---- many runs of one plan ------------------------------------------------- */

/* A mean over runs that differ in their seed alone, with Student's 95 % interval; NaN: not to be
 * had, which sd, low and high are of one run. Frozen. */
struct rn_estimate {
    int64_t n;
    double mean, sd, low, high;
};

struct rn_trial { /* a run of a sweep. Frozen. */
    const char *id, *status, *reason;
    const char *page; /* its report.html as seen from the sweep's folder; NULL: there is none */
    uint64_t seed;
    int64_t exit_code, attempts, rung; /* rung: how far a search let it go, from 0 */
    int64_t order;                     /* which of the sweep's runs, from 0 */
    double objective, test;            /* of its best epoch; the same metric of the test set */
    double train_s;
    int64_t best_epoch, epochs, parameters;
    bool counts; /* its objective is one of its group's */
    char reserved[7];
};

enum rn_compared_by {
    RN_NOT_COMPARED,
    RN_BY_SEEDS,  /* paired t over the seeds that both have */
    RN_BY_SAMPLES /* one seed: McNemar's exact test on stored test predictions */
};

/* A group less the reference. A difference is one when `differs`: by seeds, when the interval,
 * which is corrected for all comparisons of the sweep, excludes 0; by samples, when p_corrected is
 * below 0.05. Frozen. */
struct rn_difference {
    uint32_t by, differs; /* enum rn_compared_by */
    int64_t n, left_out;  /* seeds, or samples; seeds that only one of both has */
    double mean, sd, low, high;
    double p, p_corrected;
    int64_t only_this, only_reference; /* by samples: how many only one got right */
};

/* Configurations alike but for the seed. Frozen. */
struct rn_group {
    const char *label;
    const char *const *values; /* one for each axis; NULL: it has none */
    const struct rn_trial *trials;
    int64_t n_trials, n_failed, n_diverged, n_waiting; /* waiting: running or not begun */
    struct rn_estimate objective, test, train_s;
    struct rn_difference difference; /* of the objective */
    double best_share; /* how often it is the best when seeds are drawn again; NaN: not to be had */
    int64_t parameters, epochs;     /* parameters: 0 when not known; epochs: the most of a run */
    const double *curve, *curve_sd; /* the objective by epoch, mean and spread over seeds */
    int64_t n_curve, look;          /* look: of its line in drawings; -1: it has none */
    bool pareto_time, pareto_size;  /* none is at least as good and cheaper */
    char reserved[6];
};

struct rn_effect { /* all groups with one value of an axis. Frozen. */
    const char *value;
    int64_t n_groups;
    struct rn_estimate objective; /* over seeds of the mean of these groups */
};

struct rn_axis {                     /* Frozen. */
    const char *path, *scale;        /* "optimizer.lr"; "linear", "log" or "choice" */
    const struct rn_effect *effects; /* in ascending order, or in that of the file */
    int64_t n_effects;
    double importance; /* share of the objective's variance that it explains alone; NaN */
};

struct rn_sweep {
    uint32_t size, reserved;
    const char *name, *description, *file, *command, *method;
    const char *metric, *test_metric; /* "val.accuracy"; "test.accuracy" */
    uint32_t more_is_better, percent;
    const struct rn_group *groups; /* best first; those of which nothing can be said last */
    int64_t n, reference;          /* reference: which of the groups; -1: there is none */
    int64_t n_comparisons;         /* for which differences are corrected */
    int64_t best_seeds, draws;     /* best_share: seeds that are drawn from, how often */
    const struct rn_axis *axes;
    int64_t n_axes;
    const struct rn_row *parameters; /* what differs between groups; values by group */
    int64_t n_parameters;
    const struct rn_figure *figures;
    int64_t n_figures;
    const struct rn_finding *findings;
    int64_t n_findings;
    const char *const *said; /* by who planned it: what was stopped early, what was searched */
    int64_t n_said;
    /* the best against the reference, the same seed: sample by sample; NULL: there is none */
    const struct rn_pair *pair;
    const struct rn_report *pair_reports[2];
    const char *pair_labels[2];
    uint64_t pair_seed;
};

/* ---- devices side by side -------------------------------------------------- */

struct rn_bench_variant {      /* Frozen. */
    const char *name, *device; /* device: as it calls itself; "" when it was not opened */
    const char *unusable;      /* why its device can't be used; NULL: it can, as far as is known */
    bool required;
    char reserved[7];
};

/* A variant with a size of batch, timed. Seconds; NaN: not to be had. Frozen. */
struct rn_bench_time {
    int64_t variant, batch, samples; /* of a step; that an epoch trains with, 0: not known */
    const double *epochs;            /* what training took in each epoch that was measured */
    int64_t n, planned;
    double median, low, high; /* of them; low, high: the quartiles, NaN for less than 2 */
    double samples_per_s;     /* by the median */
    /* this one's samples_per_s by the reference's for the same batch; and were both at the quartile
     * that says less, or more, of it */
    double speedup, speedup_low, speedup_high;
    double host_bytes, device_bytes; /* largest resident set; in use on the device */
    const double *layer_us;          /* of a step, of each of n_layers; NULL: not measured */
    const char *why;                 /* fewer epochs were measured than planned; NULL */
};

struct rn_agreed { /* a layer; [0] in step 1, [1] in the last. Frozen. */
    const char *name, *type;
    double output[2], gradient[2]; /* largest relative difference; NaN: there is nothing */
};

/* A variant and the reference, the same steps from the same first weights. Frozen. */
struct rn_agreement {
    int64_t variant, steps;
    double rel;         /* differences up to it are rounding; asked of step 1 */
    const char *beyond; /* what is further apart in step 1: "output of dense1"; NULL: nothing */
    const char *why;    /* they could not be compared; NULL: they were */
    double loss_gap;    /* largest |a - b| / max(|b|, 1) of the losses of all steps */
    const struct rn_agreed *layers;
    int64_t n_layers;
};

struct rn_bench_known { /* a figure from elsewhere, as the file gives it. Frozen. */
    const char *name;
    double epoch_s;
    int64_t samples; /* of that epoch; 0: the file does not say */
};

struct rn_bench {
    uint32_t size, reserved;
    const char *name, *description, *file, *command, *status; /* "running", "finished", ... */
    int64_t samples, warmup;                                  /* of an epoch; epochs thrown away */
    const struct rn_bench_variant *variants;
    int64_t n_variants, reference;     /* reference: which of them */
    const struct rn_bench_time *times; /* by size of batch, then variant; n_variants each */
    int64_t n_times;
    const struct rn_layer_fact *layers; /* of layer_us: name and type alone */
    int64_t n_layers;
    const struct rn_agreement *agreements;
    int64_t n_agreements;
    const struct rn_bench_known *known;
    int64_t n_known;
    const struct rn_fact *conditions;
    int64_t n_conditions;
    const struct rn_figure *figures;
    int64_t n_figures;
    const struct rn_finding *findings;
    int64_t n_findings;
};

struct rn_reporter_ops {
    uint32_t size, reserved;
    int (*open)(const void *opts, const struct rn_report *r, void **out);
    int (*progress)(void *rep, const struct rn_progress *p); /* opt */
    int (*record)(void *rep, const struct rn_record *m);     /* opt */
    int (*epoch)(void *rep, const struct rn_report *r);      /* opt */
    int (*end)(void *rep, const struct rn_report *r);        /* opt; the last facts */
    void (*close)(void *rep);                                /* frees; also after an error */
    /* opt; pages over many runs, written to path whole or not at all */
    int (*runs)(const void *opts, const struct rn_runs *runs, const char *path);
    int (*compare)(const void *opts, const struct rn_comparison *c, const char *path);
    /* the pages of a sweep, into its folder, where figures/ is already */
    int (*sweep)(const void *opts, const struct rn_sweep *s, const char *dir);
    /* opt; what was told goes to its files: a checkpoint is written next */
    int (*flush)(void *rep);
    /* opt; the pages of a benchmark, into its folder, where figures/ is already */
    int (*bench)(const void *opts, const struct rn_bench *b, const char *dir);
};
RN_NO_TAIL_PADDING(struct rn_reporter_ops, bench);

#endif
