/* rate.c - the warm-up, and the scheduler behind it. */
#include "rate.h"

#include "base/error.h"
#include "base/json.h"

#include <math.h>

double rate_base(const struct experiment *e)
{
    const struct rn_option *row = options_row(&e->optimizer.plugin->options, "lr");

    return *(const double *)(const void *)((const char *)e->optimizer.opts + row->offset);
}

int rate_open(struct pool *p, const struct experiment *e, struct rate *out)
{
    uint32_t bytes = e->scheduler.plugin ? e->scheduler.plugin->ops.scheduler.state_size : 0;

    *out = (struct rate){e, rate_base(e), pool_alloc(p, bytes + 1)};
    return out->state ? RN_OK : RN_ENOMEM;
}

/* As torch.optim.lr_scheduler.SequentialLR has it, of a LinearLR and what follows: the follower
 * begins to count when the warm-up is over. */
double rate_at(const struct rate *r, const struct rn_progress_point *at)
{
    const struct part *s = &r->e->scheduler;
    struct rn_progress_point p = *at;

    if (!s->plugin)
        return r->base;
    int64_t warm = (int64_t)floor(rn_span_steps(&r->e->warmup.span, at) + 0.5);
    double rise = 1;
    if (at->step < warm)
        rise = r->e->warmup.from + (1 - r->e->warmup.from) * (double)at->step / (double)warm;
    p.step = at->step > warm ? at->step - warm : 0;
    p.steps = at->steps > warm ? at->steps - warm : 1;
    return r->base * rise * s->plugin->ops.scheduler.factor(s->opts, r->state, &p);
}

const char *rate_monitor(const struct rate *r)
{
    const struct part *s = &r->e->scheduler;

    return s->plugin && s->plugin->ops.scheduler.observe ? part_monitor(s) : NULL;
}

void rate_observe(struct rate *r, double metric)
{
    const struct part *s = &r->e->scheduler;

    s->plugin->ops.scheduler.observe(s->opts, r->state, metric);
}

/* ---- the curve ------------------------------------------------------------------------------ */

int64_t rate_batches(const struct experiment *e, int64_t n_train)
{
    int64_t batch = e->train.batch_size;
    bool rest = n_train % batch && !(e->train.drop_last && n_train >= batch);

    return n_train / batch + rest;
}

struct rn_progress_point rate_point(const struct experiment *e, int64_t n_train, int64_t updates)
{
    int64_t group = e->train.accumulate, an_epoch = (rate_batches(e, n_train) + group - 1) / group;

    return (struct rn_progress_point){.size = sizeof(struct rn_progress_point),
                                      .step = updates,
                                      .steps = an_epoch * e->train.epochs,
                                      .steps_per_epoch = an_epoch,
                                      .batch_size = e->train.batch_size * group};
}

int rate_curve(const struct experiment *e, int64_t n_train, struct rate_curve *out)
{
    struct rn_progress_point at = rate_point(e, n_train, 0);
    struct pool *p = pool_new();
    struct rate r;

    int status = p ? rate_open(p, e, &r) : RN_ENOMEM;
    *out = (struct rate_curve){.updates = at.steps, .updates_per_epoch = at.steps_per_epoch};
    out->low = INFINITY;
    /* every update where that takes no time, else some ten thousand of them */
    int64_t stride = at.steps / 10000 + 1;
    for (; !status && at.step < at.steps; at.step += stride) {
        double v = rate_at(&r, &at);
        if (v > out->high) {
            out->high = v;
            out->high_step = at.step;
        }
        out->low = fmin(out->low, v);
    }
    for (int i = 0; !status && i < RATE_POINTS; i++) {
        at.step = (int64_t)((double)i / (RATE_POINTS - 1) * (double)(at.steps - 1));
        out->at[i] = rate_at(&r, &at);
    }
    out->first = out->at[0];
    out->last = out->at[RATE_POINTS - 1];
    pool_free(p);
    return status;
}

static void draw(const struct rate_curve *c, struct text *out)
{
    static const char *const block[] = {" ",
                                        "\xE2\x96\x81",
                                        "\xE2\x96\x82",
                                        "\xE2\x96\x83",
                                        "\xE2\x96\x84",
                                        "\xE2\x96\x85",
                                        "\xE2\x96\x86",
                                        "\xE2\x96\x87",
                                        "\xE2\x96\x88"};
    enum { ROWS = 5, LEVELS = 8 };

    for (int row = ROWS - 1; row >= 0; row--) {
        if (row == ROWS - 1)
            text_add(out, "  %8.2g ", c->high);
        else
            text_add(out, "  %8s ", row ? "" : "0");
        text_add(out, "\xE2\x94\x82");
        for (int i = 0; i < RATE_POINTS; i++) {
            int level = (int)(c->at[i] / c->high * ROWS * LEVELS + 0.5) - row * LEVELS;
            text_add(out, "%s", block[level < 0 ? 0 : level > LEVELS ? LEVELS : level]);
        }
        text_add(out, "\n");
    }
}

static void as_text(const struct experiment *e, const struct rate_curve *c, struct text *out)
{
    text_add(out, "learning rate of %lld updates, %lld an epoch: %g at first, %g at last",
             (long long)c->updates, (long long)c->updates_per_epoch, c->first, c->last);
    if (c->high > c->first && c->high > c->last)
        text_add(out, ", highest %g at update %lld", c->high, (long long)c->high_step + 1);
    text_add(out, " (%s)\n", e->scheduler.plugin->name);
    if (c->high > 0)
        draw(c, out);
    if (e->scheduler.plugin->ops.scheduler.observe)
        text_add(out, "  and lower each time that %s does not improve\n",
                 part_monitor(&e->scheduler));
}

int rate_summary(const struct experiment *e, int64_t n_train, bool json, struct text *out)
{
    struct rate_curve c;

    if (!e->scheduler.plugin && !json)
        return RN_OK;
    TRY(rate_curve(e, n_train, &c));
    if (!json) {
        as_text(e, &c, out);
        return RN_OK;
    }
    text_add(out, "\"updates\": %lld, \"lr\": [", (long long)c.updates);
    for (int i = 0; i < RATE_POINTS; i++) {
        text_add(out, i ? ", " : "");
        json_number(out, c.at[i]);
    }
    text_add(out, "]");
    return RN_OK;
}
