/* augmentation_check.c - one augmentation with images of one shape. */
#include "finding.h"

#include "base/error.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 7, GUARD = 64, FIRST_ROW = 3 };
static const float guard = -7654321;

struct picture { /* n values, and guards before and behind them */
    float *all, *at;
    int64_t n;
};

struct trial {
    const struct check *c;
    const struct rn_augmentation_ops *ops;
    int64_t h, w, channels, size; /* of one image */
    struct picture in, out, scratch;
    float *first;
    char why[WHY_SIZE];
};

static bool picture_make(struct picture *p, int64_t n)
{
    p->all = mem_alloc((size_t)(n + 2 * GUARD) * sizeof *p->all);
    p->at = p->all + GUARD;
    p->n = n;
    return p->all != NULL;
}

static void picture_fill(struct picture *p, float v)
{
    for (int64_t i = -GUARD; i < p->n + GUARD; i++)
        p->at[i] = i < 0 || i >= p->n ? guard : v;
}

static bool intact(const struct picture *p)
{
    for (int64_t i = 1; i <= GUARD; i++)
        if (p->at[-i] != guard || p->at[p->n + i - 1] != guard)
            return false;
    return true;
}

static float pixel(const struct trial *t, int64_t i)
{
    return (float)(0.5 + made_up(t->c->seed * 1000 + 1, i) / 3);
}

/* Rows [from, to) by one call. */
static void apply(struct trial *t, int64_t from, int64_t to, uint64_t draw)
{
    t->ops->apply(&(struct rn_augment_call){.size = sizeof(struct rn_augment_call),
                                            .opts = t->c->opts,
                                            .rows = to - from,
                                            .h = t->h,
                                            .w = t->w,
                                            .channels = t->channels,
                                            .in = t->in.at + from * t->size,
                                            .out = t->out.at + from * t->size,
                                            .scratch = t->scratch.n ? t->scratch.at : NULL,
                                            .key = 0x5eed,
                                            .draw = draw,
                                            .first_row = FIRST_ROW + from});
}

/* All rows, by calls of so many each, over memory filled with `fill`. */
static enum finding go(struct trial *t, int64_t at_once, uint64_t draw, float fill)
{
    picture_fill(&t->in, 0);
    picture_fill(&t->out, fill);
    picture_fill(&t->scratch, fill);
    for (int64_t i = 0; i < t->in.n; i++)
        t->in.at[i] = pixel(t, i);
    snprintf(t->c->v->doing, sizeof t->c->v->doing, "apply()");
    for (int64_t r = 0; r < ROWS; r += at_once)
        apply(t, r, r + at_once < ROWS ? r + at_once : ROWS, draw);
    EXPECT(intact(&t->out), OUTSIDE, "apply() writes around its output");
    EXPECT(intact(&t->scratch), OUTSIDE, "apply() writes around its scratch memory");
    EXPECT(intact(&t->in), OUTSIDE, "apply() writes around its input");
    for (int64_t i = 0; i < t->in.n; i++)
        EXPECT(t->in.at[i] == pixel(t, i), CHANGES_INPUT, "apply() changes its input");
    for (int64_t i = 0; i < t->out.n; i++)
        EXPECT(isfinite(t->out.at[i]), NOT_FINITE, "apply(): element %d of image %d is %g",
               (int)(i % t->size), (int)(i / t->size), (double)t->out.at[i]);
    return FINE;
}

static bool same(const struct trial *t)
{
    return !memcmp(t->out.at, t->first, (size_t)t->out.n * sizeof *t->first);
}

static enum finding first_results(void *trial)
{
    struct trial *t = trial;

    t->first = mem_alloc((size_t)t->in.n * sizeof *t->first);
    EXPECT(t->first, FAILS, "out of memory");
    PASS(go(t, ROWS, 1, NAN));
    memcpy(t->first, t->out.at, (size_t)t->out.n * sizeof *t->first);
    return FINE;
}

static enum finding check_steady(void *trial)
{
    struct trial *t = trial;

    PASS(go(t, ROWS, 1, NAN));
    EXPECT(same(t), UNSTEADY, "the same call gives two results");
    PASS(go(t, ROWS, 1, 3));
    EXPECT(same(t), UNSTEADY, "what lay in fresh memory counts");
    return FINE;
}

static enum finding check_order(void *trial)
{
    struct trial *t = trial;

    for (int64_t at_once = 1; at_once < ROWS; at_once += 2) {
        PASS(go(t, at_once, 1, NAN));
        EXPECT(same(t), ORDER, "%d rows at once give another result than %d", (int)at_once, ROWS);
    }
    return FINE;
}

/* Whatever is drawn, it stays within its memory. */
static enum finding check_draws(void *trial)
{
    struct trial *t = trial;

    for (uint64_t draw = 2; draw < 66; draw++)
        PASS(go(t, ROWS, draw, NAN));
    return FINE;
}

static enum finding check_shape(struct trial *t)
{
    const struct rn_augmentation_ops *ops = t->ops;
    int64_t room = 0;

    error_clear();
    snprintf(t->c->v->doing, sizeof t->c->v->doing, "check()");
    int status = ops->check ? ops->check(t->c->opts, t->h, t->w, t->channels) : RN_OK;
    EXPECT(status != RN_EINVAL && status != RN_ESHAPE, REFUSES, "%s", error_text());
    CALL(status);
    snprintf(t->c->v->doing, sizeof t->c->v->doing, "scratch()");
    if (ops->scratch)
        room = ops->scratch(t->c->opts, t->h, t->w, t->channels);
    EXPECT(room >= 0 && room < 1 << 24, DECLARES, "scratch() asks for %lld floats",
           (long long)room);
    EXPECT(picture_make(&t->in, ROWS * t->size) && picture_make(&t->out, ROWS * t->size) &&
               picture_make(&t->scratch, room),
           FAILS, "out of memory");
    return FINE;
}

static const struct stage stages[] = {{NOT_FINITE, first_results},
                                      {UNSTEADY, check_steady},
                                      {ORDER, check_order},
                                      {OUTSIDE, check_draws}};

enum finding check_augmentation(const struct check *c)
{
    struct trial t = {.c = c,
                      .ops = &c->plugin->ops.augmentation,
                      .h = c->in.dim[0],
                      .w = c->in.dim[1],
                      .channels = c->in.dim[2],
                      .size = rn_count(&c->in)};

    c->v->trials++;
    enum finding f = check_shape(&t);
    if (f == FINE)
        f = stages_run(c->v, stages, sizeof stages / sizeof *stages, &t, t.why);
    else
        verdict_broken(c->v, f, t.why);
    mem_free(t.in.all);
    mem_free(t.out.all);
    mem_free(t.scratch.all);
    mem_free(t.first);
    return f;
}
