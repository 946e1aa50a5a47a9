/* evaluate.c - passes without training, and what is computed from their scores. */
#include "loop.h"

#include "base/clock.h"
#include "base/error.h"

#include <math.h>
#include <string.h>

/* What the scores amount to, beside the loss. */
static int measure(struct trainer *t, const struct data_split *s, const int32_t *index,
                   struct evaluation *out)
{
    int64_t k = t->m->target_width;
    struct metric_input in = {.n = out->n,
                              .width = out->width,
                              .scores = out->scores,
                              .targets = t->eval_target,
                              .target_width = k,
                              .classes = t->d->info.classes,
                              .logits = t->e->loss.plugin->traits & RN_TRAIT_WANTS_LOGITS};

    for (int64_t i = 0; i < out->n; i++)
        memcpy(t->eval_target + i * k, s->host_target + index[i] * k, (size_t)k * sizeof(float));
    out->accuracy = NAN;
    if (t->classifies)
        TRY(metric_compute(metric_find("accuracy"), &in, &out->accuracy));
    for (out->n_extra = 0; out->n_extra < t->n_metrics; out->n_extra++) {
        struct rn_metric *to = &out->extra[out->n_extra];
        to->name = t->metrics[out->n_extra]->name;
        TRY(metric_compute(t->metrics[out->n_extra], &in, &to->value));
    }
    return RN_OK;
}

static int collect(struct trainer *t, int split, const int32_t *index, int64_t n,
                   struct evaluation *out)
{
    double loss = 0, weight = 0;

    TRY(t->dev->ops->download(t->dev, t->row_loss, t->row_loss_dev, (size_t)n * sizeof(rn_real)));
    TRY(t->dev->ops->download(t->dev, t->row_weight, t->row_weight_dev,
                              (size_t)n * sizeof(rn_real)));
    TRY(t->dev->ops->download(t->dev, t->scores, t->scores_dev,
                              (size_t)(n * t->width) * sizeof(rn_real)));
    for (int64_t i = 0; i < n; i++) {
        loss += (double)t->row_loss[i];
        weight += (double)t->row_weight[i];
    }
    out->n = n;
    out->width = t->width;
    out->scores = t->scores;
    out->row_loss = t->row_loss;
    out->loss = loss / weight;
    return measure(t, &t->d->split[split], index, out);
}

/* Of the samples from number at on. */
static const struct phase *phase_at(const struct phase p[2], int64_t n, int64_t at)
{
    return n - at >= p[0].rows && p[0].rows ? &p[0] : &p[1];
}

int loop_evaluate(struct trainer *t, int split, const struct phase p[2], const int32_t *index,
                  int64_t n, struct evaluation *out)
{
    bool fed = loop_is_fed(t, split, false);
    uint64_t begun = clock_ns();

    TRY(t->dev->ops->upload(t->dev, t->eval_index, index, (size_t)n * sizeof *index));
    for (int64_t at = 0; at < n;) {
        const struct phase *now = phase_at(p, n, at);
        struct feed_batch b = {.split = split, .index = index + at, .n = now->rows};
        t->block.u[U_START] = t->block.u[U_INPUT] = t->block.u[U_ROW] = (uint64_t)at;
        t->block.u[U_SCORE] = (uint64_t)(at * t->width);
        TRY(fed ? feed_take(t->feed, &b, &t->block.u[U_INPUT]) : RN_OK);
        TRY(t->dev->ops->replay(t->dev, now->recording[0], &t->block));
        at += now->rows;
        b = (struct feed_batch){
            .split = split, .index = index + at, .n = at < n ? phase_at(p, n, at)->rows : 0};
        TRY(fed && b.n ? feed_next(t->feed, &b) : RN_OK);
    }
    TRY(collect(t, split, index, n, out));
    out->seconds = clock_s(begun);
    return RN_OK;
}
