/* lint.c - looks at the parts of an experiment together; what each says of itself is in traits and
 * in options with agreed names: lr, bias, monitor, patience. */
#include "lint.h"

#include "base/error.h"
#include "metrics.h"
#include "rate.h"

#include <stdio.h>
#include <string.h>

struct lint {
    const struct experiment *e;
    const struct data *d;
    struct diag *diag;
};

/* A warning is no failure. */
#define WARN(l, p, hint, ...) \
    warned(diag_add((l)->diag, DIAG_WARNING, (p)->mark, (p)->path, hint, __VA_ARGS__))
static int warned(int status) { return status == RN_EINVAL ? RN_OK : status; }

/* ---- metrics -------------------------------------------------------------------------------- */

static int known_metrics(const struct lint *l, const char **names, char (*text)[64])
{
    static const char *const splits[] = {"val", "fit", "train"};
    bool classifies = l->e->loss.plugin->traits & RN_TRAIT_CLASSIFIES;
    int n = 0;

    for (int s = l->d->n_val ? 0 : 2; s < 3; s++) {
        snprintf(text[n++], 64, "%s.loss", splits[s]);
        if (classifies)
            snprintf(text[n++], 64, "%s.accuracy", splits[s]);
        for (int i = 0; s < 2 && i < l->e->n_metrics && i < 16; i++)
            if (!classifies || strcmp(l->e->metrics[i], "accuracy") != 0)
                snprintf(text[n++], 64, "%s.%s", splits[s], l->e->metrics[i]);
    }
    for (int i = 0; i < n; i++)
        names[i] = text[i];
    return n;
}

static bool is_default(const struct part *p, const char *name, const char *value)
{
    const struct rn_option *row = options_row(&p->plugin->options, name);

    return row->fallback && !strcmp(row->fallback, value);
}

/* What of the validation was meant by a metric of the test set; what would have to be measured;
 * else the nearest name. */
static const char *suggest(const struct lint *l, const char *metric, const char *const *names,
                           int n)
{
    for (int i = 0; i < n && !strncmp(metric, "test.", 5); i++)
        if (!strncmp(names[i], "val.", 4) && !strcmp(names[i] + 4, metric + 5))
            return pool_printf(l->e->pool, "monitor: %s", names[i]);
    if (!strncmp(metric, "val.", 4) && l->d->n_val && metric_find(metric + 4))
        return pool_printf(l->e->pool, "metrics: [%s]", metric + 4);
    return diag_suggest(l->e->pool, metric, names, n);
}

static int check_monitor(const struct lint *l, const struct part *p)
{
    const char *metric = part_monitor(p), *names[64];
    char text[64][64];

    if (!metric)
        return RN_OK;
    int n = known_metrics(l, names, text);
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], metric))
            return RN_OK;
    bool validates = l->d->n_val > 0;
    const char *why = !strncmp(metric, "test.", 5)
                          ? "is measured once, when training is over; to choose by the test set "
                            "would make its result worthless"
                      : !validates && (!strncmp(metric, "val.", 4) || !strncmp(metric, "fit.", 4))
                          ? "is never measured: data.split leaves nothing for validation"
                          : "is not measured; see the section metrics";
    if (is_default(p, "monitor", metric))
        return WARN(l, p, "monitor: train.loss", "monitors %s, which %s", metric, why);
    return diag_add(l->diag, DIAG_ERROR, p->mark, p->path, suggest(l, metric, names, n),
                    "monitor: '%s' %s", metric, why);
}

static int check_metrics(const struct lint *l)
{
    bool classifies = l->e->loss.plugin->traits & RN_TRAIT_CLASSIFIES;
    const char *names[64];
    int status = RN_OK, n = 0;

    for (; n < 64 && metric_at(n); n++)
        names[n] = metric_at(n)->name;
    for (int i = 0; i < l->e->n_metrics; i++) {
        const struct metric *m = metric_find(l->e->metrics[i]);

        if (!m)
            status = diag_add(l->diag, DIAG_ERROR, l->e->metrics_mark, "metrics",
                              diag_suggest(l->e->pool, l->e->metrics[i], names, n),
                              "there is no metric '%s'", l->e->metrics[i]);
        else if (m->classes && !l->d->info.classes)
            status = diag_add(l->diag, DIAG_ERROR, l->e->metrics_mark, "metrics", NULL,
                              "'%s' needs classes, but the data has numbers as targets", m->name);
        else if (!m->classes && classifies)
            status = diag_add(l->diag, DIAG_ERROR, l->e->metrics_mark, "metrics", NULL,
                              "'%s' needs numbers as targets, but the data has classes", m->name);
    }
    return status;
}

/* ---- layers --------------------------------------------------------------------------------- */

static int lint_layers(const struct lint *l, const struct part *layers, int n)
{
    for (int i = 1; i < n; i++) {
        const bool *bias = part_option(&layers[i - 1], "bias", RN_OPT_BOOL);

        if ((layers[i].plugin->traits & RN_TRAIT_NORMALIZES) && bias && *bias)
            TRY(WARN(l, &layers[i - 1], "bias: false",
                     "its bias does nothing: the next layer subtracts the mean"));
    }
    return RN_OK;
}

static int lint_model(const struct lint *l)
{
    const struct part *layers = l->e->layers;
    int n = l->e->n_layers;
    int64_t batch = l->e->train.batch_size, left = l->d->n_train % batch;
    bool lonely = batch == 1 || (left == 1 && !l->e->train.drop_last);

    TRY(lint_layers(l, layers, n));
    if (layers[n - 1].plugin->traits & RN_TRAIT_DROPS)
        TRY(WARN(l, &layers[n - 1], "leave it out", "drops values of the model's output itself"));
    for (int i = 0; i < n && lonely; i++)
        if (layers[i].plugin->traits & RN_TRAIT_NORMALIZES)
            return WARN(l, &layers[i], "another train.batch_size, or drop_last: true",
                        "normalises over a batch, and some batch has a single sample");
    return RN_OK;
}

/* ---- the course of training ------------------------------------------------------------------ */

static int lint_patience(const struct lint *l, const struct part *p)
{
    const int64_t *patience = part_option(p, "patience", RN_OPT_INT);

    if (!patience || *patience < l->e->train.epochs)
        return RN_OK;
    return WARN(l, p, NULL, "has a patience of %lld epochs in a run of %lld: it never runs out",
                (long long)*patience, (long long)l->e->train.epochs);
}

/* The same rate from the first update to the last. */
static int lint_scheduler(const struct lint *l)
{
    const struct part *s = &l->e->scheduler;
    struct rate_curve curve;

    if (!s->plugin)
        return RN_OK;
    TRY(lint_patience(l, s));
    if (s->plugin->ops.scheduler.observe || !s->plugin->options.n)
        return RN_OK;
    TRY(rate_curve(l->e, l->d->n_train, &curve));
    if (curve.high > curve.low)
        return RN_OK;
    return WARN(l, s, NULL, "never changes the learning rate in a run of this length");
}

static int lint_optimizer(const struct lint *l)
{
    const struct part *o = &l->e->optimizer;

    if (o->plugin->ops.optimizer.n_slots < 2 || rate_base(l->e) <= 0.1)
        return RN_OK;
    return WARN(l, o, "lr: 0.001",
                "a learning rate of %g is very large for %s, which scales each step itself",
                rate_base(l->e), o->plugin->name);
}

static int lint_data(const struct lint *l)
{
    if (l->d->info.dtype == RN_U8 && !l->e->split.mean.count)
        TRY(WARN(l, &l->e->data, "normalize: {mean: 0.1307, std: 0.3081}, for MNIST",
                 "the inputs are bytes and are not normalised: they come as 0 to 1"));
    if (l->e->train.batch_size > l->d->n_train)
        return WARN(l, &l->e->data, NULL,
                    "train.batch_size is %lld, but there are only %lld training samples",
                    (long long)l->e->train.batch_size, (long long)l->d->n_train);
    return RN_OK;
}

int lint_training(const struct experiment *e, const struct data *d, struct diag *diag)
{
    struct lint l = {e, d, diag};
    int status = check_metrics(&l);

    for (int i = 0; i < e->n_callbacks; i++) {
        int found = check_monitor(&l, &e->callbacks[i]);
        status = found < 0 ? found : status;
        TRY(lint_patience(&l, &e->callbacks[i]));
    }
    if (e->scheduler.plugin) {
        int found = check_monitor(&l, &e->scheduler);
        status = found < 0 ? found : status;
    }
    TRY(lint_scheduler(&l));
    TRY(lint_model(&l));
    TRY(lint_optimizer(&l));
    TRY(lint_data(&l));
    return status;
}
