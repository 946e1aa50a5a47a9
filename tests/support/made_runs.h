/* made_runs.h - lists, comparisons and sweeps of runs that never were, for the tests of their
 * pages. */
#ifndef MADE_RUNS_H
#define MADE_RUNS_H

#include <runner/reporter.h>

#include <math.h>
#include <stdio.h>

enum { MADE_RUNS = 8 };

/* texts: MADE_RUNS of them, one in every text of each run; NULL: harmless. Valid until the next
 * call. */
static inline void made_runs(struct rn_runs *out, const char *const *texts)
{
    static const char *const states[] = {"finished", "interrupted", "diverged", "failed",
                                         "running",  "lost",        "finished", "finished"};
    static struct rn_run runs[MADE_RUNS];
    static struct rn_fact facts[MADE_RUNS][3];
    static char ids[MADE_RUNS][32];
    static double curve[MADE_RUNS][5];

    for (int i = 0; i < MADE_RUNS; i++) {
        const char *s = texts ? texts[i] : NULL;
        bool tested = !s ? i != 3 && i != 4 : i % 2;
        snprintf(ids[i], sizeof ids[i], "2026010%d-120000-abcdef", 9 - i);
        facts[i][0] = (struct rn_fact){s ? s : "optimizer.lr", s ? s : i % 2 ? "0.1" : "0.01"};
        facts[i][1] = (struct rn_fact){"seed", i % 3 ? "1" : "2"};
        facts[i][2] = (struct rn_fact){s ? s : "train.epochs", s ? s : "5"};
        for (int k = 0; k < 5; k++)
            curve[i][k] = k == 2 && i == 2 ? NAN : 1.0 / (k + 1 + i);
        runs[i] = (struct rn_run){.name = s       ? s
                                          : i % 2 ? "mlp_baseline"
                                                  : "cnn_small",
                                  .id = s ? s : ids[i],
                                  .dir = s       ? s
                                         : i % 2 ? "mlp_baseline/1"
                                                 : "cnn_small/2",
                                  .status = s && i > 5 ? s : states[i],
                                  .reason = s ? s : "all epochs done",
                                  .started = s ? s : "2026-01-01T12:00:00Z",
                                  .device = s ? s : "cpu: a processor",
                                  .data = s ? s : "mnist",
                                  .note = s ? s : "about it",
                                  .differs = s ? s : "optimizer.lr=0.1 seed=2",
                                  .seconds = tested ? 12.5 * i : NAN,
                                  .train_s = tested ? 10 : NAN,
                                  .epochs = 5,
                                  .epochs_planned = 5,
                                  .parameters = 1000,
                                  .n_test = 100,
                                  .accuracy = tested ? 0.9 + 0.01 * i : NAN,
                                  .low = tested ? 0.85 : NAN,
                                  .high = tested ? 0.99 : NAN,
                                  .loss = tested   ? 0.5 - 0.01 * i
                                          : i == 3 ? INFINITY
                                                   : NAN,
                                  .val_accuracy = 0.9,
                                  .val_loss = 0.4,
                                  .curve = curve[i],
                                  .n_curve = i == 4 ? 0 : 5,
                                  .config = facts[i],
                                  .n_config = 3,
                                  .expected = i == 6 ? 2 : i % 2};
    }
    *out = (struct rn_runs){
        .size = sizeof *out, .root = texts ? texts[0] : "reports", .runs = runs, .n = 8};
}

/* Of two or more runs whose reports were made by made_run(); texts: as above, in a row of each
 * table. */
static inline void made_comparison(struct rn_comparison *out,
                                   const struct rn_report *const *reports, int64_t n,
                                   const char *const *texts)
{
    static struct rn_runs runs;
    static double numbers[3][MADE_RUNS];
    static const int64_t samples[] = {6, 13, 20};
    static const char *const lr[MADE_RUNS] = {"0.01", "0.1"};
    static const char *const names[] = {"test.accuracy", "test.loss"};
    static struct rn_row rows[MADE_RUNS];
    static struct rn_score scores[MADE_RUNS];
    static struct rn_pair pair;
    static struct rn_finding findings[MADE_RUNS];
    static const char *labels[MADE_RUNS];
    int64_t lines = texts ? MADE_RUNS : 2;

    made_runs(&runs, texts);
    for (int64_t i = 0; i < MADE_RUNS; i++) {
        labels[i] = runs.runs[i].id;
        numbers[0][i] = 0.9 + 0.01 * (double)i;
        numbers[1][i] = numbers[0][i] - 0.02;
        numbers[2][i] = numbers[0][i] + 0.02;
    }
    for (int64_t i = 0; i < lines; i++) {
        rows[i] = (struct rn_row){texts ? texts[i] : "optimizer.lr", texts ? texts : lr};
        scores[i] = (struct rn_score){
            texts ? texts[i] : names[i], numbers[0], numbers[1], numbers[2], i % 2 == 0, 1};
        findings[i] = (struct rn_finding){
            .tone = i % 2 ? RN_BAD : RN_GOOD, .rule = "pair", .text = texts ? texts[i] : "Better."};
    }
    pair = (struct rn_pair){.a = 0,
                            .b = 1,
                            .n = 40,
                            .both = 20,
                            .only_a = 3,
                            .only_b = 10,
                            .neither = 7,
                            .p = 0.0923,
                            .p_corrected = 0.0923,
                            .samples_a = samples,
                            .samples_b = samples,
                            .n_samples_a = 3,
                            .n_samples_b = 2};
    *out = (struct rn_comparison){
        .size = sizeof *out,
        .runs = runs.runs,
        .labels = labels,
        .reports = reports,
        .n = n,
        .parameters = rows,
        .n_parameters = lines,
        .environment = rows,
        .n_environment = lines,
        .scores = scores,
        .n_scores = lines,
        .figures = reports[0]->figures,
        .n_figures = reports[0]->n_figures < 3 ? reports[0]->n_figures : 3,
        .pairs = &pair,
        .n_pairs = 1,
        .findings = findings,
        .n_findings = lines,
        .diff = texts ? texts[1] : "--- a\n+++ b\n@@ -1,1 +1,1 @@\n-lr: 1\n+lr: 2\n",
        .to_root = texts ? texts[2] : ".."};
}

/* MADE_RUNS groups of two runs and two axes. */
static inline const struct rn_group *made_groups(const char *const *texts)
{
    static const char *const states[] = {"finished", "pruned",   "diverged", "failed",
                                         "running",  "finished", "pending",  "unreadable"};
    static struct rn_trial trials[MADE_RUNS][2];
    static struct rn_group groups[MADE_RUNS];
    static const char *values[MADE_RUNS][2];
    static char ids[MADE_RUNS][2][64];

    for (int i = 0; i < MADE_RUNS; i++) {
        const char *s = texts ? texts[i] : NULL;
        double v = 0.9 - 0.01 * i, none = NAN;
        values[i][0] = s ? s : i % 2 ? "0.1" : "0.01";
        for (int k = 0; k < 2; k++) {
            snprintf(ids[i][k], sizeof ids[i][k], "group%d-s%d-0123abcd", i, k);
            trials[i][k] = (struct rn_trial){.id = s ? s : ids[i][k],
                                             .status = s && i > 5 ? s : states[i],
                                             .reason = s        ? s
                                                       : i == 3 ? "out of memory"
                                                                : "",
                                             .page = i % 2 ? NULL
                                                     : s   ? s
                                                           : "runs/x/report.html",
                                             .seed = (uint64_t)k + 1,
                                             .objective = i == 3 ? none : v,
                                             .test = v,
                                             .train_s = 3.5 * i,
                                             .best_epoch = 2,
                                             .epochs = 3,
                                             .counts = i == 0 || i == 5};
        }
        groups[i] = (struct rn_group){.label = s   ? s
                                               : i ? ids[i][0]
                                                   : "reference",
                                      .values = values[i],
                                      .trials = trials[i],
                                      .n_trials = 2,
                                      .objective = {2, i == 3 ? none : v, 0.01, v - 0.09, v + 0.09},
                                      .test = {2, v, 0, v, v},
                                      .train_s = {1, i == 2 ? none : 60.0 * i, none, none, none},
                                      .difference = {.by = i == 0   ? RN_NOT_COMPARED
                                                           : i == 4 ? RN_BY_SAMPLES
                                                                    : RN_BY_SEEDS,
                                                     .differs = i % 3 == 1,
                                                     .n = 2,
                                                     .mean = 0.01 * i,
                                                     .low = i == 4 || i == 6 ? none : -0.01 * i,
                                                     .high = i == 4 || i == 6 ? none : 0.03 * i,
                                                     .p_corrected = i == 6 ? none : 0.0002 * i * i},
                                      .best_share = i == 2 ? none : 0.25,
                                      .parameters = i == 1 ? 0 : 1000 + i};
    }
    return groups;
}

/* Of two reports as above, or more; texts: one in every text of each group. */
static inline void made_sweep(struct rn_sweep *out, const struct rn_report *const *reports,
                              const char *const *texts)
{
    static struct rn_comparison c;
    static struct rn_axis axes[2];
    static struct rn_effect effects[2];
    const struct rn_group *groups = made_groups(texts);

    made_comparison(&c, reports, 2, texts);
    effects[0] = effects[1] = (struct rn_effect){texts ? texts[3] : "0.1", 4, groups[0].objective};
    axes[0] = axes[1] = (struct rn_axis){texts ? texts[4] : "optimizer.lr", "log", effects, 2, 0.5};
    *out = (struct rn_sweep){.size = sizeof *out,
                             .name = texts ? texts[0] : "sweep",
                             .description = texts ? texts[1] : "about it",
                             .file = texts ? texts[2] : "sweep.yaml",
                             .command = texts ? texts[2] : "runner sweep.yaml",
                             .method = texts ? texts[3] : "grid",
                             .metric = texts ? texts[5] : "val.accuracy",
                             .test_metric = texts ? texts[6] : "test.accuracy",
                             .more_is_better = 1,
                             .percent = !texts,
                             .groups = groups,
                             .n = MADE_RUNS,
                             .reference = -1,
                             .n_comparisons = 7,
                             .best_seeds = 2,
                             .draws = 1000,
                             .axes = axes,
                             .n_axes = 2,
                             .parameters = c.parameters,
                             .n_parameters = texts ? MADE_RUNS : 1,
                             .figures = c.figures,
                             .n_figures = c.n_figures,
                             .findings = c.findings,
                             .n_findings = c.n_findings,
                             .said = texts,
                             .n_said = texts ? MADE_RUNS : 0,
                             .pair = c.pairs,
                             .pair_reports = {reports[0], reports[1]},
                             .pair_labels = {c.labels[0], c.labels[1]},
                             .pair_seed = 1};
}

/* Two variants, of which one can't be used, and three sizes of batch; texts: one in every text. */
static inline void made_bench(struct rn_bench *out, const struct rn_comparison *c,
                              const char *const *texts)
{
    static const double epochs[] = {0.5, 0.25, 1}, us[] = {12.5, NAN};
    static struct rn_bench_variant variants[2];
    static struct rn_bench_time times[6];
    static struct rn_layer_fact layers[2];
    static struct rn_agreed agreed[2];
    static struct rn_agreement agreements[2];
    static struct rn_bench_known known;
    static struct rn_fact conditions[2];
    const char *first = texts ? texts[0] : "one", *second = texts ? texts[1] : "two";

    variants[0] = (struct rn_bench_variant){.name = first, .device = second, .required = true};
    variants[1] = (struct rn_bench_variant){.name = second, .device = "", .unusable = first};
    for (int i = 0; i < 6; i++)
        times[i] = (struct rn_bench_time){.variant = i % 2,
                                          .batch = 64 << (i / 2 * 2),
                                          .samples = 54000,
                                          .epochs = epochs,
                                          .n = i == 3 ? 0 : 3,
                                          .planned = 3,
                                          .median = i == 3 ? (double)NAN : 0.5,
                                          .low = i == 5 ? (double)NAN : 0.375,
                                          .high = 0.75,
                                          .samples_per_s = i == 3 ? (double)NAN : 108000,
                                          .speedup = i == 3 ? (double)NAN : 1.5,
                                          .speedup_low = i == 5   ? (double)NAN
                                                         : i == 1 ? 1.2
                                                                  : 0.5,
                                          .speedup_high = 2,
                                          .host_bytes = 1e8,
                                          .device_bytes = i % 2 ? 2e8 : (double)NAN,
                                          .layer_us = i < 4 ? us : NULL,
                                          .why = i == 3 ? first : NULL};
    layers[0] = (struct rn_layer_fact){.name = first, .type = second};
    layers[1] = (struct rn_layer_fact){.name = "last", .type = "dense"};
    agreed[0] = (struct rn_agreed){first, second, {1e-6, 0.5}, {INFINITY, NAN}};
    agreed[1] = (struct rn_agreed){"loss", "other", {0, 0}, {1e-7, 2e-5}};
    agreements[0] = (struct rn_agreement){.variant = 1,
                                          .steps = 50,
                                          .rel = 1e-3,
                                          .loss_gap = 1e-4,
                                          .beyond = first,
                                          .layers = agreed,
                                          .n_layers = 2};
    agreements[1] = (struct rn_agreement){.variant = 1, .steps = 50, .why = second};
    known = (struct rn_bench_known){first, 26.24, 60000};
    conditions[0] = (struct rn_fact){first, second};
    conditions[1] = (struct rn_fact){"cores", "2"};
    *out = (struct rn_bench){.size = sizeof *out,
                             .name = first,
                             .description = second,
                             .file = first,
                             .command = second,
                             .status = "finished",
                             .samples = 54000,
                             .warmup = 1,
                             .variants = variants,
                             .n_variants = 2,
                             .times = times,
                             .n_times = 6,
                             .layers = layers,
                             .n_layers = 2,
                             .agreements = agreements,
                             .n_agreements = 2,
                             .known = &known,
                             .n_known = 1,
                             .conditions = conditions,
                             .n_conditions = 2,
                             .figures = c->figures,
                             .n_figures = c->n_figures,
                             .findings = c->findings,
                             .n_findings = c->n_findings};
}

#endif
