/* judged.h - numbers of a run that never was, and what the analysis says of them. */
#ifndef JUDGED_H
#define JUDGED_H

#include "report/analysis.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCHS_MAX 20

/* A run made of two loss curves. Accuracy 0.9 on 10,000 samples: the losses' spread is three times
 * the mean, the standard error 0.03 of the lowest. */
struct made {
    struct rn_report r;
    struct rn_epoch e[EPOCHS_MAX];
    struct rn_test t;
    struct rn_class_fact c[3];
    int64_t confusion[9];
    struct rn_confusion pairs[6];
    const struct adviser *adviser;
    const double *wanted, *predicted;
};

static inline struct made *curves(int64_t n, const double *fit, const double *val)
{
    struct made *m = calloc(1, sizeof *m);

    m->r = (struct rn_report){
        .status = "finished", .classes = 10, .val_samples = 10000, .epochs = m->e, .n_epochs = n};
    for (int64_t i = 0; i < n; i++) {
        m->e[i] = (struct rn_epoch){.epoch = i + 1,
                                    .train_loss = fit[i],
                                    .fit_loss = fit[i],
                                    .fit_accuracy = 0.9,
                                    .val_loss = val[i],
                                    .val_accuracy = 0.9,
                                    .lr = 0.5};
        if (isfinite(val[i]) && (!m->r.best_epoch || val[i] < m->e[m->r.best_epoch - 1].val_loss))
            m->r.best_epoch = i + 1;
    }
    return m;
}

/* The text of a rule; "" when it is silent. */
static inline const char *said(const struct made *m, const char *rule, int *tone)
{
    static char text[1024];
    struct pool *p = pool_new();
    struct rn_finding *f;
    int64_t n;

    text[0] = '\0';
    ck_assert_int_eq(analysis_make(p, &m->r, m->wanted, m->predicted, m->adviser, &f, &n), 0);
    ck_assert_str_eq(f[0].rule, "verdict");
    for (int64_t i = 0; i < n; i++)
        if (!strcmp(f[i].rule, rule)) {
            snprintf(text, sizeof text, "%s", f[i].text);
            if (tone)
                *tone = (int)f[i].tone;
        }
    pool_free(p);
    return text;
}

static inline void says(const struct made *m, const char *rule, const char *part)
{
    const char *text = said(m, rule, NULL);

    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" does not contain \"%s\"", text, part);
}

/* Three classes; counts[truth][predicted]. */
static inline struct made *tested(const int64_t counts[9])
{
    const double flat[] = {0.4, 0.4, 0.4, 0.4};
    struct made *m = curves(4, flat, flat);
    static const char *const names[] = {"ant", "bee", "cat"};
    int64_t correct = 0;

    m->t = (struct rn_test){.classes = 3,
                            .per_class = m->c,
                            .confusion = m->confusion,
                            .pairs = m->pairs,
                            .loss = NAN,
                            .macro_f1 = 0.5};
    m->r.classes = 3;
    for (int i = 0; i < 9; i++) {
        m->confusion[i] = counts[i];
        m->t.n += counts[i];
        m->c[i / 3].support += counts[i];
        m->c[i % 3].predicted += counts[i];
        if (i / 3 == i % 3)
            correct += m->c[i / 3].correct = counts[i];
        else if (counts[i]) { /* kept in order of the counts */
            int64_t at = m->t.n_pairs++;
            for (; at > 0 && m->pairs[at - 1].count < counts[i]; at--)
                m->pairs[at] = m->pairs[at - 1];
            m->pairs[at] = (struct rn_confusion){i / 3, i % 3, counts[i]};
        }
    }
    for (int c = 0; c < 3; c++) {
        m->c[c].name = names[c];
        m->c[c].recall = m->c[c].support ? (double)m->c[c].correct / (double)m->c[c].support : 0;
    }
    m->t.accuracy = (double)correct / (double)m->t.n;
    wilson_interval(correct, m->t.n, &m->t.low, &m->t.high);
    m->r.test = &m->t;
    return m;
}

static inline void silent(const struct made *m, const char *rule)
{
    const char *text = said(m, rule, NULL);

    ck_assert_msg(!*text, "%s is to be silent, not to say \"%s\"", rule, text);
}

#endif
