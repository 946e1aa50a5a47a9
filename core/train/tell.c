/* tell.c - what is told while it trains: running losses, evaluations, progress, and to callbacks
 * the moments that they want. */
#include "loop.h"

#include "base/clock.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- running losses ----------------------------------------------------------------------- */

struct sums loop_sums(const struct trainer *t, int64_t from, int64_t to)
{
    struct sums s = {0};

    for (int64_t i = from; i < to; i++) {
        s.loss += (double)t->history[LOSS].host[i];
        s.weight += (double)t->history[WEIGHT].host[i];
        s.correct += (double)t->history[CORRECT].host[i];
    }
    return s;
}

int loop_read_history(struct trainer *t)
{
    int64_t n = t->state.step_in_epoch - t->read_to;

    for (int i = 0; i < HISTORIES && n; i++)
        if (i != CORRECT || t->classifies)
            TRY(t->dev->ops->download(t->dev, t->history[i].host + t->read_to,
                                      t->history[i].dev + t->read_to, (size_t)n * sizeof(rn_real)));
    for (; t->read_to < t->state.step_in_epoch; t->read_to++)
        if (!isfinite(t->history[LOSS].host[t->read_to]) && t->bad < 0)
            t->bad = t->read_to;
    return RN_OK;
}

int64_t loop_samples_done(const struct trainer *t)
{
    return min64(t->state.step_in_epoch * t->e->train.batch_size, t->d->n_train);
}

double loop_seconds(const struct trainer *t) { return t->before_s + clock_s(t->started_ns); }

/* ---- reporters ---------------------------------------------------------------------------- */

static int tell(struct trainer *t, const char *split, const struct rn_metric *metrics, int n)
{
    struct rn_record r = {.size = sizeof r,
                          .n_metrics = (uint32_t)n,
                          .split = split,
                          .step = t->state.step,
                          .epoch = t->state.epoch,
                          .seconds = loop_seconds(t),
                          .metrics = metrics};

    return t->events->record ? t->events->record(t->events->ctx, &r) : RN_OK;
}

int loop_tell_training(struct trainer *t)
{
    struct sums s = loop_sums(t, t->told_to, t->read_to);
    int64_t samples = loop_samples_done(t) - t->told_to * t->e->train.batch_size;
    struct rn_metric m[3] = {{"loss", s.loss / s.weight}, {"lr", t->lr}};

    t->told_to = t->read_to;
    if (t->classifies) {
        m[2] = m[1];
        m[1] = (struct rn_metric){"accuracy", s.correct / (double)samples};
    }
    return tell(t, "train", m, t->classifies ? 3 : 2);
}

int loop_tell_evaluation(struct trainer *t, const char *split, const struct evaluation *e)
{
    struct rn_metric m[2 + EXTRA_METRICS_MAX] = {{"loss", e->loss}};
    int n = 1;

    if (t->classifies)
        m[n++] = (struct rn_metric){"accuracy", e->accuracy};
    for (int i = 0; i < e->n_extra; i++)
        m[n++] = e->extra[i];
    return tell(t, split, m, n);
}

int loop_tell_progress(struct trainer *t, double epoch_s)
{
    const struct trainer_state *s = &t->state;

    TRY(loop_read_history(t));
    struct sums sums = loop_sums(t, 0, t->read_to);
    double done = (double)(s->epoch - 1) + (double)s->step_in_epoch / (double)s->steps_per_epoch;
    double per_epoch = loop_seconds(t) / done;
    struct rn_progress p = {.size = sizeof p,
                            .phase = "train",
                            .epoch = s->epoch,
                            .epochs = t->e->train.epochs,
                            .step = s->step_in_epoch,
                            .steps = s->steps_per_epoch,
                            .loss = sums.loss / sums.weight,
                            .samples_per_s = (double)loop_samples_done(t) / epoch_s,
                            .seconds_left = per_epoch * ((double)t->e->train.epochs - done)};

    t->shown_ns = clock_ns();
    return t->events->progress ? t->events->progress(t->events->ctx, &p) : RN_OK;
}

int loop_tell_epoch(struct trainer *t, bool best)
{
    struct rn_epoch row = {.epoch = t->state.epoch,
                           .step = t->state.step,
                           .train_loss = t->train_loss,
                           .train_accuracy = t->train_accuracy,
                           .fit_loss = t->fit.loss,
                           .fit_accuracy = t->fit.accuracy,
                           .val_loss = t->val.loss,
                           .val_accuracy = t->val.accuracy,
                           .lr = t->lr,
                           .train_s = t->train_s,
                           .samples_per_s = (double)loop_samples_done(t) / t->train_s,
                           .val_s = t->val.seconds};

    return t->events->epoch ? t->events->epoch(t->events->ctx, &row, best, &t->fit, &t->val)
                            : RN_OK;
}

/* ---- callbacks ---------------------------------------------------------------------------- */

struct rn_progress_point loop_point(const struct trainer *t)
{
    return rate_point(t->e, t->d->n_train, t->state.updates);
}

struct list { /* of metrics with full names, which live in names */
    struct rn_metric at[3 * (2 + EXTRA_METRICS_MAX) + 1];
    char names[3 * (2 + EXTRA_METRICS_MAX)][64];
    int n;
};

static void list_add(struct list *l, const char *split, const char *name, double value)
{
    snprintf(l->names[l->n], sizeof l->names[l->n], "%s.%s", split, name);
    l->at[l->n] = (struct rn_metric){l->names[l->n], value};
    l->n++;
}

static void list_evaluation(struct list *l, const char *split, const struct evaluation *e,
                            bool classifies)
{
    if (isnan(e->loss) && !e->n)
        return;
    list_add(l, split, "loss", e->loss);
    if (classifies)
        list_add(l, split, "accuracy", e->accuracy);
    for (int i = 0; i < e->n_extra; i++)
        list_add(l, split, e->extra[i].name, e->extra[i].value);
}

static void list_all(const struct trainer *t, struct list *l)
{
    l->n = 0;
    list_add(l, "train", "loss", t->train_loss);
    if (t->classifies)
        list_add(l, "train", "accuracy", t->train_accuracy);
    list_evaluation(l, "fit", &t->fit, t->classifies);
    list_evaluation(l, "val", &t->val, t->classifies);
    l->at[l->n++] = (struct rn_metric){"lr", t->lr};
}

int loop_tell_callbacks(struct trainer *t, uint32_t when)
{
    struct list metrics = {.n = 0};
    struct rn_moment m = {.size = sizeof m,
                          .when = when,
                          .at = loop_point(t),
                          .epoch = t->state.epoch,
                          .epochs = t->e->train.epochs,
                          .seconds = loop_seconds(t),
                          .bad_step =
                              t->bad < 0 ? 0 : t->state.step - t->state.step_in_epoch + t->bad + 1,
                          .metrics = metrics.at};

    if (!watch_wants(t->watch, when))
        return RN_OK;
    if (when & (RN_AT_EPOCH | RN_AT_END))
        list_all(t, &metrics);
    m.n_metrics = metrics.n;
    return watch_tell(t->watch, &m, &t->state, t->events, &t->wanted);
}

double loop_monitored(struct trainer *t, const char *name)
{
    struct list metrics;
    struct rn_moment m = {.metrics = metrics.at};

    list_all(t, &metrics);
    m.n_metrics = metrics.n;
    return rn_moment_metric(&m, name);
}
