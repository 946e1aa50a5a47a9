/* made_run.h - a report of a run that never was, for the tests of the report and its reporters. */
#ifndef MADE_RUN_H
#define MADE_RUN_H

#include "report/report.h"

#include <math.h>
#include <string.h>

#define HOSTILE "\"><img src=x onerror=alert(1)>'</script>&\x80\x01\xE2\x80\xAE|`*_"

struct made_run {
    int64_t classes, epochs, n; /* n: test samples */
    const char *text;           /* what stands in every text field and name; NULL: harmless */
    bool pictures;
    bool further; /* metrics besides loss and accuracy */
};

static inline struct rn_epoch made_epoch(int64_t i, int64_t classes)
{
    double fit = 0.1 + 0.5 / (double)i, hits = classes ? 0 : NAN; /* + NaN: not classified */

    return (struct rn_epoch){.epoch = i,
                             .step = 10 * i,
                             .train_loss = fit * 1.2,
                             .train_accuracy = hits + 1 - fit / 2.5,
                             .fit_loss = fit,
                             .fit_accuracy = hits + 1 - fit / 3,
                             .val_loss = fit * 1.1,
                             .val_accuracy = hits + 1 - fit / 2.8,
                             .lr = 0.001,
                             .train_s = 0.5,
                             .samples_per_s = 2000,
                             .val_s = 0.25};
}

/* As val of epoch 2: top3 0.72 and macro_f1 0.62, or mse and mae; fit a tenth more, of the
 * test set 0.88 and 0.78. */
static inline int made_further(struct report *r, const char *split, int64_t epoch, int64_t classes)
{
    double more = !strcmp(split, "fit") ? 0.1 : !strcmp(split, "test") ? 0.18 : 0;
    double v = 0.7 + more + (double)epoch / 100;
    const struct rn_metric m[] = {{classes ? "top3" : "mse", v},
                                  {classes ? "macro_f1" : "mae", v - 0.1}};

    return report_measures(r, split, epoch, m, 2);
}

/* Samples in the order 0, 1, 2 ... of classes; every seventh is taken for the next class. */
static inline int made_test(struct report *r, const struct made_run *m)
{
    double *scores = mem_array((size_t)(m->n * m->classes) + 1, sizeof *scores);
    double *loss = mem_array((size_t)m->n, sizeof *loss);
    int64_t *truth = mem_array((size_t)m->n, sizeof *truth);
    uint8_t *pixels = mem_array((size_t)m->n, 16);
    int status = scores && loss && truth && pixels ? RN_OK : RN_ENOMEM;

    for (int64_t i = 0; !status && i < m->n && !m->classes; i++)
        loss[i] = 0.01 * (double)i;
    for (int64_t i = 0; !status && i < m->n && m->classes; i++) {
        int64_t said = (i + (i % 7 == 6)) % m->classes;
        truth[i] = i % m->classes;
        for (int64_t c = 0; c < m->classes; c++)
            scores[i * m->classes + c] = c == said ? 0.9 : 0.1 / (double)(m->classes - 1);
        loss[i] = -log(scores[i * m->classes + truth[i]]);
        for (int k = 0; k < 16; k++)
            pixels[i * 16 + k] = (uint8_t)(16 * k + i);
    }
    if (!status)
        status = report_test(r, &(struct report_test){.n = m->n,
                                                      .classes = m->classes,
                                                      .scores = scores,
                                                      .truth = truth,
                                                      .loss = loss,
                                                      .mean_loss = 0.4,
                                                      .pixels = m->pictures ? pixels : NULL,
                                                      .h = 4,
                                                      .w = 4,
                                                      .channels = 1});
    mem_free(scores);
    mem_free(loss);
    mem_free(truth);
    mem_free(pixels);
    return status;
}

/* As report_open; the run is finished and drawn. The caller closes it, also after an error. */
static inline int made_run(const struct made_run *m, const char *dir, struct report **out)
{
    const char *s = m->text, *names[128];
    struct rn_layer_fact layer = {.name = s ? s : "logits",
                                  .type = s ? s : "dense",
                                  .output = s ? s : "10",
                                  .params = 100,
                                  .flops = 200,
                                  .bytes = 40,
                                  .forward_us = NAN,
                                  .backward_us = NAN,
                                  .update_us = NAN};
    struct rn_fact fact = {s ? s : "cpu", s ? s : "a processor"};

    for (int i = 0; i < 128; i++)
        names[i] = s;
    RN_TRY(report_open(&(struct rn_report){.name = s ? s : "run",
                                           .description = s ? s : "about it",
                                           .id = s ? s : "20260101-000000-abcdef",
                                           .dir = dir,
                                           .command = s ? s : "runner x.yaml",
                                           .started = s ? s : "2026-01-01T00:00:00Z",
                                           .config_yaml = s ? s : "name: run\n",
                                           .device = s ? s : "cpu",
                                           .data = s ? s : "data",
                                           .train_samples = 1000,
                                           .val_samples = 500,
                                           .test_samples = m->n,
                                           .batch_size = 10,
                                           .epochs_planned = m->epochs,
                                           .parameters = 100,
                                           .layers = &layer,
                                           .n_layers = 1,
                                           .class_names = s ? names : NULL,
                                           .classes = m->classes,
                                           .environment = &fact,
                                           .n_environment = 1},
                       out));
    for (int64_t i = 1; i <= m->epochs; i++) {
        struct rn_epoch e = made_epoch(i, m->classes);
        RN_TRY(report_epoch(*out, &e));
        RN_TRY(m->further ? made_further(*out, "fit", i, m->classes) : RN_OK);
        RN_TRY(m->further ? made_further(*out, "val", i, m->classes) : RN_OK);
    }
    if (m->n)
        RN_TRY(made_test(*out, m));
    if (m->n && m->further)
        RN_TRY(made_further(*out, "test", 0, m->classes));
    RN_TRY(
        report_expect(*out, &(struct report_expect){s ? s : "test.accuracy", 0.5, NAN, false, s}));
    return report_finish(*out, "finished", s ? s : "all epochs done", 2, 1, 1e6);
}

#endif
