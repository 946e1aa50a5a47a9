/* culprit.c - which layer was the first with a value that is not finite. Training is a function of
 * what was kept and of the seed: the steps since then are done again, the last one call by call.
 * And which layer's work it was that a device failed in, where it can tell. */
#include "loop.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct search {
    struct trainer *t;
    char layer[160], phase[16]; /* "" until it is found */
};

static int look(void *ctx, const char *layer, const char *phase, const rn_real *data, int64_t n)
{
    struct search *s = ctx;
    const rn_real *host;

    TRY(loop_see(s->t, data, n, &host));
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(host[i])) {
            snprintf(s->layer, sizeof s->layer, "%s", layer);
            snprintf(s->phase, sizeof s->phase, "%s", phase);
            return 1;
        }
    return RN_OK;
}

/* To the end of the step before number `step`, from 1, of this epoch. */
static int repeat(struct trainer *t, const struct trainer_state *bad, int64_t step)
{
    if (t->wanted.kept.epoch != bad->epoch) {
        t->state.epoch = bad->epoch;
        t->state.step_in_epoch = 0;
    }
    while (t->state.step_in_epoch + 1 < step)
        TRY(loop_step(t));
    return loop_prepare(t);
}

static int probe(struct trainer *t, const struct trainer_state *bad, int64_t step, struct search *s)
{
    TRY(repeat(t, bad, step));
    return step_probe(t->pool, t->m, loop_flags(t, loop_place(t, step - 1)),
                      loop_phase(t, step - 1)->rows, t->arena, &t->train_io, &t->block, look, s);
}

/* No step had a bad loss: a callback found something else. */
static int without_step(const struct trainer *t, const struct trainer_state *bad)
{
    return FAIL(RN_ENUMERIC, "%s after step %lld (epoch %lld): lower the learning rate, now %g",
                *t->wanted.reason ? t->wanted.reason : "a callback says that it diverged",
                (long long)bad->step, (long long)bad->epoch, t->lr);
}

/* Where what was restored stood; time that was spent stays spent. */
static void go_back(struct trainer *t)
{
    double train_s = t->state.train_s;

    if (t->wanted.restored)
        t->state = t->wanted.kept;
    t->state.train_s = train_s;
}

int loop_find_culprit(struct trainer *t)
{
    struct trainer_state bad = t->state;
    struct search s = {.t = t};
    int64_t step = t->bad + 1;

    go_back(t);
    if (t->bad < 0)
        return without_step(t, &bad);
    bad.step += step - bad.step_in_epoch;
    bad.step_in_epoch = step;
    if (t->wanted.restored) {
        TRY(probe(t, &bad, step, &s));
        TRY(watch_restore(t->watch, &t->wanted));
        go_back(t);
    }
    return FAIL(RN_ENUMERIC,
                "the loss is not finite at step %lld (epoch %lld)%s%s%s%s%s: lower the learning "
                "rate, now %g",
                (long long)bad.step, (long long)bad.epoch,
                *s.layer ? "; the first such value is in " : "", s.layer, *s.layer ? " (" : "",
                s.phase, *s.layer ? ")" : "", t->lr);
}

/* ---- a device that fails ------------------------------------------------------------------ */

/* Of a layer, or of what stands beside them. */
static const char *type_of(const struct trainer *t, const char *layer)
{
    const struct experiment *e = t->e;

    for (int i = 0; i < t->m->n_layers; i++)
        if (!strcmp(t->m->layers[i].name, layer))
            return t->m->layers[i].part->plugin->name;
    return !strcmp(layer, "loss")   ? e->loss.plugin->name
           : !strcmp(layer, "data") ? e->data.plugin->name
                                    : e->optimizer.plugin->name;
}

int trainer_fault(const struct trainer *t, const char *device, int status)
{
    const struct rn_device_ops *ops = t->dev->ops;
    struct error why = error_save();
    const char *layer = "", *pass = "";
    uint32_t tag = 0;
    int exact = 0;

    if (status != RN_EDEVICE)
        return status;
    if (ops->fault && ops->fault(t->dev, &tag, &exact) >= 0)
        step_tag_names(t->m, tag, &layer, &pass);
    error_restore(&why);
    if (!*layer)
        return error_prefix(status, "device (%s)", device);
    if (exact)
        return error_prefix(status, "device (%s): %s of %s (%s)", device, pass, layer,
                            type_of(t, layer));
    return FAIL(status,
                "device (%s): %s, in the work of %s (%s) or behind it; RN_SYNC=1 finds the "
                "call",
                device, why.text, layer, pass);
}
