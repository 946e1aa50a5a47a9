/* predict.c - `runner predict`. */
#include "cli/predict.h"

#include "base/error.h"
#include "run/predict.h"

#include <string.h>

enum { TOPS = 3 };

static int show(const struct args *a, const struct trained *t, const struct samples *s,
                struct text *out)
{
    struct predictions p = {0};

    int status = predict(t, s, TOPS, &p);
    if (status >= 0)
        status = a->json  ? predict_json(t, &p, out)
                 : a->csv ? predict_csv(t, &p, out)
                          : predict_table(t, &p, out);
    predictions_free(&p);
    return status;
}

int predict_command(const struct args *a, struct text *out)
{
    const struct trained_args args = {.root = a->out,
                                      .word = a->n_words ? a->words[0] : NULL,
                                      .weights = a->weights,
                                      .overrides = a->overrides,
                                      .n_overrides = a->n_overrides,
                                      .plugin_dirs = a->plugin_dirs,
                                      .n_plugin_dirs = a->n_plugin_dirs};
    const struct samples_args how = {.resize = a->resize,
                                     .polarity = a->invert  ? POLARITY_TURN
                                                 : a->as_is ? POLARITY_KEEP
                                                            : POLARITY_LOOK,
                                     .divide = a->divide};
    struct samples s = {0};
    struct trained t;

    if (a->n_words < 2)
        return FAIL(RN_EINVAL, "expected `predict RUN FILE ...`, a run and what it is asked about; "
                               "- is standard input; see `runner help predict`");
    int status = trained_told(&t, trained_open(&args, &t));
    for (int i = 1; i < a->n_words && status >= 0; i++)
        status = samples_add(&s, &t, &how, a->words[i]);
    if (status >= 0)
        status = show(a, &t, &s, out);
    samples_free(&s);
    trained_close(&t);
    return status;
}
