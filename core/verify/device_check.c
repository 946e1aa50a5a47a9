/* device_check.c - one case after the other, on both devices; and the rows that come of it. */
#include "device_check.h"

#include "base/error.h"
#include "base/mem.h"

#include <runner/device.h>

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct device_trial {
    int64_t every, seen; /* which cases are tried; how many came by */
    struct rn_device *d, *against;
    uint64_t seed;
    bool host_visible; /* both of them */
    double *first, *again, *want, *room;
    struct device_row *row; /* of the case under way */
};

RN_PRINTF(2, 3) static int broken(struct device_trial *t, const char *fmt, ...)
{
    va_list args;

    if (!t->row->failed++) {
        va_start(args, fmt);
        vsnprintf(t->row->why, sizeof t->row->why, fmt, args);
        va_end(args);
    }
    return RN_OK;
}

/* A difference of the smallest kind is one here. */
static int repeats(struct device_trial *t, const struct device_case *c, int64_t n)
{
    static const struct {
        enum case_how how;
        const char *what;
    } ways[] = {{CASE_REPLAYED, "recorded and replayed once more"},
                {CASE_EAGER, "done at once, not recorded and replayed"}};

    for (int i = 0; i < (c->moves ? 1 : 2); i++) {
        int64_t n_again;
        if (device_case_f32(t->d, c, ways[i].how, t->again, &n_again) < 0)
            return broken(t, "%s: %s: %s", device_case_text(c), ways[i].what, error_text());
        if (n_again != n || memcmp(t->first, t->again, (size_t)n * sizeof *t->first) != 0)
            return broken(t, "%s: other bits when %s", device_case_text(c), ways[i].what);
    }
    return RN_OK;
}

static int guards(struct device_trial *t, const struct device_case *c, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (t->want[i] == 77 && t->first[i] != 77) /* or a result that is 77: then wrong, too */
            return broken(t,
                          "%s: value %lld is %.9g, and was to stay, or be, 77: it may write "
                          "outside of its output",
                          device_case_text(c), (long long)i, t->first[i]);
    return RN_OK;
}

static int beside(struct device_trial *t, const struct device_case *c, int64_t n)
{
    struct device_case absolute = *c;
    struct case_gap gap;
    int64_t n_want, n_room;

    absolute.absolute = c->op != CASE_CURVE; /* nothing cancels in a curve */
    TRY(device_case_f32(t->against, c, CASE_REPLAYED, t->want, &n_want));
    TRY(device_case_f32(t->against, &absolute, CASE_REPLAYED, t->room, &n_room));
    if (n_want != n || n_room != n)
        return FAIL(RN_EBUG, "%s: %lld values beside %lld", device_case_text(c), (long long)n,
                    (long long)n_want);
    int64_t failed = t->row->failed;
    TRY(guards(t, c, n));
    if (t->row->failed > failed)
        return RN_OK;
    device_case_compare(2 * device_case_roundings(c) * (double)FLT_EPSILON, t->first, t->want,
                        t->room, n, &gap); /* both of them round */
    t->row->worst = fmax(t->row->worst, gap.worst);
    if (gap.worst <= 1)
        return RN_OK;
    return broken(t, "%s: value %lld is %.9g, on the other device %.9g", device_case_text(c),
                  (long long)gap.at, t->first[gap.at], t->want[gap.at]);
}

static int try_case(void *ctx, const struct device_case *given)
{
    struct device_trial *t = ctx;
    struct device_row *rows = t->row;
    struct device_case c = *given;
    int64_t n, failed;

    if (t->seen++ % (t->every > 1 ? t->every : 1))
        return RN_OK;
    if (c.op == CASE_TASK && !c.apart && !t->host_visible)
        return RN_OK;
    c.seed = t->seed;
    t->row = &rows[c.op];
    t->row->cases++;
    failed = t->row->failed;
    int status = RN_OK;
    if (device_case_f32(t->d, &c, CASE_REPLAYED, t->first, &n) < 0)
        broken(t, "%s: %s", device_case_text(&c), error_text());
    else if ((status = beside(t, &c, n)) >= 0 && t->row->failed == failed)
        status = repeats(t, &c, n);
    t->row->failed = t->row->failed > failed ? failed + 1 : failed; /* a case fails once */
    t->row = rows;
    return status;
}

/* ---- data that come while it works ---------------------------------------------------------- */

enum { STAGED = 5000, ROUNDS = 6 };

RN_MAP(staged_twice, 1, 1, 0, y0 = x0 + x0;);

struct staging {
    struct rn_device *d;
    float *host[2];
    void *half[2], *out[2];
};

static int staging_open(struct staging *s)
{
    const struct rn_device_ops *ops = s->d->ops;

    for (int i = 0; i < 2; i++) {
        void *host = NULL;
        TRY(ops->host_alloc(s->d, STAGED * sizeof(float), &host));
        s->host[i] = host;
        TRY(ops->alloc(s->d, STAGED * sizeof(float), &s->half[i]));
        TRY(ops->alloc(s->d, STAGED * sizeof(float), &s->out[i]));
    }
    return RN_OK;
}

static void staging_close(struct staging *s)
{
    for (int i = 0; i < 2; i++) {
        s->d->ops->host_free(s->d, s->host[i]);
        s->d->ops->free(s->d, s->half[i]);
        s->d->ops->free(s->d, s->out[i]);
    }
}

static float staged_value(int round, int64_t i) { return (float)(round * 1000 + i % 997); }

/* Each half takes another batch in turn; what is made of it is read two rounds later. */
static int stage_rounds(struct device_trial *t, struct staging *s, float *seen)
{
    const struct rn_device_ops *ops = s->d->ops;

    for (int round = 0; round < ROUNDS; round++) {
        uint32_t half = (uint32_t)round % 2;
        TRY(ops->staged(s->d, half));
        for (int64_t i = 0; i < STAGED; i++)
            s->host[half][i] = staged_value(round, i);
        TRY(ops->stage(s->d, half, s->half[half], s->host[half], STAGED * sizeof(float)));
        TRY(ops->map(s->d, &staged_twice,
                     &(struct rn_map_call){
                         .rows = 1, .cols = STAGED, .in = {s->half[half]}, .out = {s->out[half]}}));
        TRY(ops->download(s->d, seen, s->out[half], STAGED * sizeof *seen));
        for (int64_t i = 0; i < STAGED; i++)
            if (seen[i] - 2 * staged_value(round, i) != 0) /* NaN is not 0 either */
                return broken(t, "staged data: value %lld of round %d is %.9g, not %.9g",
                              (long long)i, round, (double)seen[i],
                              (double)(2 * staged_value(round, i)));
    }
    return ops->sync(s->d);
}

static int try_staging(struct device_trial *t)
{
    struct staging s = {.d = t->d};
    float *seen = mem_array(STAGED, sizeof *seen);

    if (!seen)
        return RN_ENOMEM;
    t->row->cases = ROUNDS;
    int status = staging_open(&s);
    status = status < 0 ? status : stage_rounds(t, &s, seen);
    if (status < 0)
        broken(t, "staged data: %s", error_text());
    staging_close(&s);
    mem_free(seen);
    return RN_OK;
}

/* ---- all ------------------------------------------------------------------------------------- */

static int check_all(struct device_trial *t, void (*progress)(void *ctx, int64_t done, int64_t of),
                     void *ctx)
{
    struct device_row *rows = t->row;
    int parts = device_case_parts();

    for (int i = 0; i < parts; i++) {
        TRY(device_cases(i, try_case, t));
        if (progress)
            progress(ctx, i + 1, parts);
    }
    t->row = &rows[CASE_OPS];
    return t->d->ops->stage ? try_staging(t) : RN_OK;
}

int device_check(struct rn_device *d, struct rn_device *against, uint64_t seed, int64_t every,
                 void (*progress)(void *ctx, int64_t done, int64_t of), void *ctx,
                 struct device_row rows[DEVICE_ROWS])
{
    struct rn_device_info info = {.size = sizeof info}, other = {.size = sizeof other};
    double *all = mem_array(4 * (size_t)CASE_MAX, sizeof *all);
    struct device_trial t = {.d = d, .against = against, .seed = seed, .every = every, .row = rows};

    if (!all)
        return RN_ENOMEM;
    for (int i = 0; i < DEVICE_ROWS; i++)
        rows[i] = (struct device_row){.name = i < CASE_OPS ? device_case_op((enum case_op)i)
                                                           : "staged data"};
    t.first = all;
    t.again = all + CASE_MAX;
    t.want = all + 2 * (int64_t)CASE_MAX;
    t.room = all + 3 * (int64_t)CASE_MAX;
    int status = d->ops->info(d, &info);
    status = status < 0 ? status : against->ops->info(against, &other);
    t.host_visible = info.host_visible && other.host_visible;
    status = status < 0 ? status : check_all(&t, progress, ctx);
    mem_free(all);
    return status;
}
