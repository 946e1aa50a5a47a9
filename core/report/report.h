/* report.h - the facts of a run: collects what was measured, judges it, draws it, and hands it to
 * the reporters as struct rn_report. */
#ifndef REPORT_H
#define REPORT_H

#include "base/mem.h"
#include "stats.h"

#include <runner/reporter.h>
#include <runner/tensor.h>

struct report;

/* facts: name, description, id, dir, command, started, config_yaml, config_input, device, data,
 * seed, sample counts, batch_size, epochs_planned, steps_per_epoch, parameters, flops, layers,
 * class_names, classes, environment, changed, patience, verbosity. All is copied, here and below;
 * real numbers keep the nine digits that files have. */
int report_open(const struct rn_report *facts, struct report **out);
void report_close(struct report *r);
const struct rn_report *report_view(struct report *r); /* valid until the next call */

/* One epoch is over: appends the row, finds the best epoch again. */
int report_epoch(struct report *r, const struct rn_epoch *row);

/* A point of the training curve. However many come, a few hundred are kept, spread evenly: points
 * become one with the mean of their losses by steps, and all else of the later one. */
int report_step(struct report *r, const struct rn_step_fact *s);
/* The inside of the model in an epoch that report_epoch() was told. Of every epoch the norms are
 * kept, of a long run those of every second, fourth ... epoch; bins of the first, the best and the
 * newest alone. */
int report_inside(struct report *r, const struct rn_param_fact *params, int64_t n_params,
                  const struct rn_units_fact *units, int64_t n_units);
/* What an earlier attempt left in dir, up to that epoch, into a report that was just opened:
 * epochs, further metrics, the inside of the model, times of layers. RN_EDATA: a file is damaged.
 */
int report_again(struct report *r, int64_t epoch);
/* The training curve as it is collected, for a checkpoint: so many bytes, from p. And back into a
 * report that was just opened; false: they are none. */
void *report_curve(struct pool *p, const struct report *r, size_t *bytes);
bool report_take_curve(struct report *r, const void *curve, size_t bytes);
/* What a training step spends on layer i. */
void report_layer_time(struct report *r, int64_t i, double forward_us, double backward_us,
                       double update_us);

struct report_spent {
    double seconds; /* of the run so far; of them: */
    double start, train, validation, test;
    double peak_bytes;
};
void report_spent(struct report *r, const struct report_spent *s);
/* In use on a device of its own memory; the largest that was told is kept. */
void report_device_memory(struct report *r, double bytes);
/* Takes the place of what was said before. */
int report_said(struct report *r, const char *const *warnings, int64_t n_warnings, const char *log);

struct report_test {
    int64_t n, classes;
    const double *scores; /* n x classes probabilities; NULL when classes is 0 */
    const int64_t *truth; /* n; NULL when classes is 0 */
    const double *loss;   /* n, each sample's */
    /* n predicted numbers and the true ones, where there is one a sample; NULL: none */
    const rn_real *predicted;
    const float *wanted;
    double mean_loss;
    int64_t epoch; /* whose weights were measured; 0: those of the last */
    /* pictures of the samples: bytes h x w x channels (1 or 3); NULL: no pictures */
    const uint8_t *pixels;
    int64_t h, w, channels;
};
int report_test(struct report *r, const struct report_test *t); /* copies what it keeps */

/* A first parameter in PyTorch's layout, after report_test(); copied and drawn as pictures when its
 * units see the pixels of the test samples: [units, channels * h * w], or a convolution's
 * [units, channels, h, w]. Others are left out. */
int report_first_layer(struct report *r, const char *name, const float *values, int rank,
                       const int64_t *dim);
/* The same for the folder's weights/last.safetensors, if it is there. */
int report_read_first_layer(struct report *r);

struct report_expect {
    const char *metric;
    double min, max;   /* NaN: no bound */
    bool warns;        /* that it does not hold is no failure */
    const char *where; /* "configs/a.yaml:12"; NULL: not known */
};
int report_expect(struct report *r, const struct report_expect *e);
/* Further metrics of a pass without training, after report_epoch() or report_test() of the same:
 * split "fit", "val" or "test", where epoch is 0. Measured again they are replaced. What these two
 * were told already is left out: the loss, and the accuracy where there is one. */
int report_measures(struct report *r, const char *split, int64_t epoch,
                    const struct rn_metric *metrics, int64_t n);

/* A metric by its name; NaN: there is none.
 *   test.loss .accuracy .macro_f1 .ece
 *   train.loss .accuracy, fit.*, val.*, lr, samples_per_s: of the last epoch; best.val.loss and so
 *   on: of the best epoch; epoch3.val.loss and so on: of that one; best.epoch; seconds, train_s,
 * peak_bytes, parameters, flops,
 *   epochs and what report_measures() was told, as test.top3, val.top3,
 * best.val.top3 */
double report_metric(struct report *r, const char *name);
/* All names that report_metric() may know in a run that measures these metrics, from p; NULL: out
 * of memory. */
const char *const *report_names(struct pool *p, const char *const *metrics, int n_metrics, int *n);
/* Whether a name is one of them, or one of them in an epoch. */
bool report_is_named(const char *const *names, int n, const char *name);
/* Asked before something to try is proposed; without one, nothing is. */
struct adviser {
    bool (*accepts)(void *ctx, const char *override); /* whether this experiment takes it */
    /* The name of a plugin of that kind with all these options, ended by NULL; NULL: none. */
    const char *(*find)(void *ctx, uint32_t kind, const char *const *options);
    /* The default of that plugin's option, as text; NULL: none. */
    const char *(*fallback)(void *ctx, uint32_t kind, const char *plugin, const char *option);
    void *ctx;
};
void report_advise(struct report *r, struct adviser a);
/* Something that was proposed before, to be said again; without an adviser. */
int report_proposed(struct report *r, const char *text, const char *override);
/* status and reason as in status.json, seconds; then findings and all figures are made anew. */
int report_finish(struct report *r, const char *status, const char *reason, double seconds,
                  double train_s, double peak_bytes);
int report_draw(struct report *r); /* findings and figures of the curves, while it runs */

/* The run of the same name before this one; NULL: there is none. */
#define CHANGE_TEST_SET "data, test set" /* the key of a change: it is not known to be the same */
int report_previous(struct report *r, const struct rn_previous *p);

/* Into dir, from which report_load() makes the same report again: summary.json and the tables;
 * with report_write() the figures as well. To be called before the reporters' end(): they may put
 * files of their own into figures/. lasting: the disk is waited for, else a power failure may take
 * them. */
int report_store(struct report *r, bool lasting);
int report_write(struct report *r);
int report_figures(struct report *r); /* figures/<name>.svg, .csv alone */
int figures_write(const char *folder, const struct rn_figure *figures, int64_t n); /* the same */
/* What lies in dir by now becomes the list of files. */
int report_list_files(struct report *r);
/* A report from a run folder, finished and drawn, whether its run is or not. What is missing stays
 * empty. RN_EDATA: no run folder, or a file is damaged; the message says where and what to do. */
int report_load(const char *dir, struct report **out);
void report_summary_json(struct report *r, struct text *out);

/* Significant digits for "%.*g", at least three, with which numbers that differ look different and
 * those up to a million need no exponent. */
int digits_apart(double a, double b);

#endif
