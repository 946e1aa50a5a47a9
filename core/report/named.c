/* named.c - metrics by their names: those with a place of their own, and further ones. */
#include "facts.h"

#include "base/error.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- further ones --------------------------------------------------------- */

/* What has a place of its own already, and was measured. */
static bool is_told(const struct rn_report *v, const char *split, const char *name)
{
    const struct rn_epoch *e = v->n_epochs ? &v->epochs[v->n_epochs - 1] : NULL;

    if (strcmp(name, "accuracy") != 0)
        return !strcmp(name, "loss");
    if (!strcmp(split, "test"))
        return v->test && !isnan(v->test->accuracy);
    return e && !isnan(!strcmp(split, "fit") ? e->fit_accuracy : e->val_accuracy);
}

static struct rn_measure *find(struct report *r, const char *split, const char *name, int64_t epoch)
{
    for (int64_t i = r->view.n_measures; i-- > 0;) {
        struct rn_measure *m = &r->measures[i];
        if (m->epoch == epoch && !strcmp(m->split, split) && !strcmp(m->name, name))
            return m;
    }
    return NULL;
}

static int append(struct report *r, const char *split, const char *name, int64_t epoch,
                  double value)
{
    struct rn_report *v = &r->view;
    struct rn_measure m = {pool_strdup(r->pool, split), pool_strdup(r->pool, name), epoch, value};

    if (!m.split || !m.name)
        return RN_ENOMEM;
    struct rn_measure *all = roomy(r->measures, v->n_measures, 1, &r->measures_cap, sizeof *all);
    if (!all)
        return RN_ENOMEM;
    v->measures = r->measures = all;
    r->measures[v->n_measures++] = m;
    return RN_OK;
}

int report_measures(struct report *r, const char *split, int64_t epoch,
                    const struct rn_metric *metrics, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        struct rn_measure *old = find(r, split, metrics[i].name, epoch);

        if (old)
            old->value = nine(metrics[i].value);
        else if (!is_told(&r->view, split, metrics[i].name))
            TRY(append(r, split, metrics[i].name, epoch, nine(metrics[i].value)));
    }
    judge_expectations(r);
    return RN_OK;
}

/* ---- by name -------------------------------------------------------------- */

static double field(const void *base, size_t offset)
{
    return *(const double *)(const void *)((const char *)base + offset);
}

static const struct {
    const char *name;
    size_t offset;
} epoch_fields[] = {
    {"train.loss", offsetof(struct rn_epoch, train_loss)},
    {"train.accuracy", offsetof(struct rn_epoch, train_accuracy)},
    {"fit.loss", offsetof(struct rn_epoch, fit_loss)},
    {"fit.accuracy", offsetof(struct rn_epoch, fit_accuracy)},
    {"val.loss", offsetof(struct rn_epoch, val_loss)},
    {"val.accuracy", offsetof(struct rn_epoch, val_accuracy)},
    {"lr", offsetof(struct rn_epoch, lr)},
    {"samples_per_s", offsetof(struct rn_epoch, samples_per_s)},
};
enum { EPOCH_FIELDS = sizeof epoch_fields / sizeof *epoch_fields };

/* "val.top3" */
static double measure(struct report *r, const char *name, int64_t epoch)
{
    static const char *const splits[] = {"fit.", "val.", "test."};

    for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
        size_t n = strlen(splits[i]);
        char split[8];
        if (strncmp(name, splits[i], n) != 0)
            continue;
        snprintf(split, sizeof split, "%.*s", (int)n - 1, splits[i]);
        const struct rn_measure *m = find(r, split, name + n, epoch);
        return m ? m->value : NAN;
    }
    return NAN;
}

double epoch_metric(struct report *r, int64_t epoch, const char *name)
{
    double value = NAN;

    for (int64_t i = 0; i < r->view.n_epochs; i++)
        for (size_t k = 0; r->epochs[i].epoch == epoch && k < EPOCH_FIELDS; k++)
            if (!strcmp(name, epoch_fields[k].name))
                value = field(&r->epochs[i], epoch_fields[k].offset);
    return isnan(value) && strncmp(name, "test.", 5) != 0 ? measure(r, name, epoch) : value;
}

static const char *const names[] = {"test.loss",
                                    "test.accuracy",
                                    "test.macro_f1",
                                    "test.ece",
                                    "train.loss",
                                    "train.accuracy",
                                    "fit.loss",
                                    "fit.accuracy",
                                    "val.loss",
                                    "val.accuracy",
                                    "best.epoch",
                                    "best.train.loss",
                                    "best.train.accuracy",
                                    "best.fit.loss",
                                    "best.fit.accuracy",
                                    "best.val.loss",
                                    "best.val.accuracy",
                                    "lr",
                                    "samples_per_s",
                                    "seconds",
                                    "train_s",
                                    "peak_bytes",
                                    "parameters",
                                    "flops",
                                    "epochs"};
enum { NAMES = sizeof names / sizeof *names };

static bool is_among(const char *const *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(list[i], name))
            return true;
    return false;
}

const char *const *report_names(struct pool *p, const char *const *metrics, int n_metrics, int *n)
{
    static const char *const before[] = {"test", "val", "fit", "best.val", "best.fit"};
    enum { KINDS = sizeof before / sizeof *before };
    const char **out = pool_alloc(p, (size_t)(NAMES + KINDS * n_metrics) * sizeof *out);

    if (!out)
        return NULL;
    memcpy(out, names, sizeof names);
    *n = NAMES;
    for (int i = 0; i < n_metrics * KINDS; i++) {
        const char *name = pool_printf(p, "%s.%s", before[i % KINDS], metrics[i / KINDS]);
        if (!name)
            return NULL;
        if (!is_among(out, *n, name))
            out[(*n)++] = name;
    }
    return out;
}

/* The epoch in "epoch3.val.loss", and the metric behind it; 0: it names none. */
static int64_t named_epoch(const char **name)
{
    char *end;
    long long epoch = strncmp(*name, "epoch", 5) != 0 ? 0 : strtoll(*name + 5, &end, 10);

    if (epoch < 1 || *end != '.')
        return 0;
    *name = end + 1;
    return epoch;
}

bool report_is_named(const char *const *list, int n, const char *name)
{
    return named_epoch(&name) ? strncmp(name, "test.", 5) != 0 && is_among(list, n, name)
                              : is_among(list, n, name);
}

double report_metric(struct report *r, const char *name)
{
    const struct rn_report *v = &r->view;
    const struct {
        const char *name;
        double value;
    } table[] = {
        {"test.loss", v->test ? v->test->loss : NAN},
        {"test.accuracy", v->test ? v->test->accuracy : NAN},
        {"test.macro_f1", v->test ? v->test->macro_f1 : NAN},
        {"test.ece", v->test && v->test->classes ? v->test->ece : NAN},
        {"best.epoch", v->best_epoch ? (double)v->best_epoch : NAN},
        {"seconds", v->seconds},
        {"train_s", v->train_s},
        {"peak_bytes", v->peak_bytes},
        {"parameters", (double)v->parameters},
        {"flops", v->flops},
        {"epochs", (double)v->n_epochs},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(name, table[i].name) && !isnan(table[i].value))
            return table[i].value;
    if (!strncmp(name, "test.", 5))
        return measure(r, name, 0);
    int64_t epoch = named_epoch(&name);
    if (epoch)
        return epoch_metric(r, epoch, name);
    if (!strncmp(name, "best.", 5))
        return v->best_epoch ? epoch_metric(r, v->best_epoch, name + 5) : NAN;
    return v->n_epochs ? epoch_metric(r, v->epochs[v->n_epochs - 1].epoch, name) : NAN;
}
