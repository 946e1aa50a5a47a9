/* beside.c - one set of options and one input after the other, and how far two devices are apart.
 */
#include "beside.h"

#include "base/error.h"
#include "base/mem.h"
#include "rough.h"
#include "side.h"
#include "variants.h"
#include "verify.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WOBBLES = 4, WHERE = 256 };

/* In units of what WOBBLES wobbles move a tensor by at most, and of roundings of its largest value:
 * functions such as exp are a few of them apart by themselves. */
#define MOVED_TIMES 8
#define ROUNDINGS   16

struct pair {
    struct subject s;
    struct device_row *row;
    char where[WHERE];
    struct side d, against, rough;
    struct rough roughly;            /* the other device, off by roundings */
    int64_t every, seen;             /* which cases are tried; how many came by */
    struct outcome got, want, other; /* other: again, or wobbled */
    double moved[OUTCOME_TENSORS];   /* by the wobbles, at most */
};

RN_PRINTF(2, 3) static int broken(struct pair *p, const char *fmt, ...)
{
    va_list args;

    if (p->row->failed++)
        return RN_OK;
    int n = snprintf(p->row->why, sizeof p->row->why, "%s: ", p->where);
    va_start(args, fmt);
    vsnprintf(p->row->why + n, sizeof p->row->why - (size_t)n, fmt, args);
    va_end(args);
    return RN_OK;
}

static int call_failed(struct pair *p, int status, const char *where)
{
    return status == RN_ENOMEM ? status : broken(p, "%s%s", where, error_text());
}

static bool is_same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

static void measure_moved(struct pair *p)
{
    for (int t = 0; t < p->want.tensors; t++)
        for (int64_t i = 0; i < p->want.tensor[t].n; i++) {
            int64_t at = p->want.tensor[t].from + i;
            double off = fabs((double)p->other.at[at] - (double)p->want.at[at]);

            p->moved[t] = isfinite(off) ? fmax(p->moved[t], off) : p->moved[t];
        }
}

static double allowed(const struct pair *p, int t)
{
    double most = 0;

    for (int64_t i = 0; i < p->want.tensor[t].n; i++) {
        double v = fabs((double)p->want.at[p->want.tensor[t].from + i]);

        most = isfinite(v) ? fmax(most, v) : most;
    }
    return MOVED_TIMES * p->moved[t] + ROUNDINGS * (double)FLT_EPSILON * most;
}

static int judge(struct pair *p)
{
    int64_t at = -1, of = 0;
    double worst = 0;

    for (int t = 0; t < p->want.tensors; t++) {
        double most = allowed(p, t);

        for (int64_t i = 0; i < p->want.tensor[t].n; i++) {
            int64_t k = p->want.tensor[t].from + i;
            double a = (double)p->got.at[k], b = (double)p->want.at[k], off = fabs(a - b);
            double far = is_same(a, b) ? 0 : isfinite(off) && most > 0 ? off / most : INFINITY;

            if (far <= worst)
                continue;
            worst = far;
            at = i;
            of = t;
        }
    }
    p->row->worst = fmax(p->row->worst, worst);
    if (worst <= 1)
        return RN_OK;
    int64_t k = p->want.tensor[of].from + at;
    return broken(p, "%s: value %lld is %.9g, on the other device %.9g", p->want.tensor[of].name,
                  (long long)at, (double)p->got.at[k], (double)p->want.at[k]);
}

static int64_t count(const struct outcome *o)
{
    return o->tensors ? o->tensor[o->tensors - 1].from + o->tensor[o->tensors - 1].n : 0;
}

static int run_both(struct pair *p)
{
    int status = side_run(&p->d, &p->got);

    status = status < 0 ? status : side_run(&p->d, &p->other);
    if (status < 0)
        return call_failed(p, status, "");
    if (memcmp(p->got.at, p->other.at, (size_t)count(&p->got) * sizeof *p->got.at) != 0)
        return broken(p, "other bits when it is done once more");
    memset(p->moved, 0, sizeof p->moved);
    status = side_run(&p->against, &p->want);
    status = status < 0 ? status : side_open(&p->rough);
    for (int i = 1; status >= 0 && i <= WOBBLES; i++) {
        p->rough.wobble = i;
        status = side_run(&p->rough, &p->other);
        if (status >= 0)
            measure_moved(p);
    }
    if (status < 0)
        return call_failed(p, status, "on the other device: ");
    return judge(p);
}

static int try_open(struct pair *p)
{
    int status = side_open(&p->against);

    if (status == RN_ESHAPE || status == RN_EINVAL)
        return RN_OK; /* there is nothing to compare */
    p->row->cases++;
    if (status < 0)
        return call_failed(p, status, "on the other device: ");
    status = side_open(&p->d);
    return status < 0 ? call_failed(p, status, "") : run_both(p);
}

static int try_subject(struct pair *p, struct rn_device *d, struct rn_device *against)
{
    int64_t failed = p->row->failed;

    p->d = (struct side){.s = &p->s, .dev = d};
    p->against = (struct side){.s = &p->s, .dev = against};
    rough_make(against, &p->roughly);
    p->rough = (struct side){.s = &p->s, .dev = &p->roughly.base};
    error_clear();
    int status = try_open(p);
    side_close(&p->d);
    side_close(&p->against);
    side_close(&p->rough);
    p->row->failed = p->row->failed > failed ? failed + 1 : failed; /* a case fails once */
    return status;
}

static int try_batches(struct pair *p, struct rn_device *d, struct rn_device *against,
                       const char *yaml, const char *words)
{
    static const int64_t batches[] = {5, 1};
    const int ways = p->s.plugin->kind == RN_KIND_LOSS ? 1 : 2;

    for (int i = 0; i < 2; i++)
        for (int other = 0; other < ways; other++) {
            if (p->seen++ % p->every)
                continue;
            p->s.batch = batches[i];
            p->s.other = other;
            snprintf(p->where, sizeof p->where, "%.160s%s%s, %s of %d", yaml, *words ? ", " : "",
                     words, *words ? "batch" : "rows", (int)batches[i]);
            TRY(try_subject(p, d, against));
        }
    return RN_OK;
}

static int try_inputs(struct pair *p, struct rn_device *d, struct rn_device *against,
                      const char *yaml)
{
    char words[VERIFY_WORDS];
    int i = 0;

    for (; verify_input(p->s.plugin->kind, i, &p->s.in, words); i++)
        TRY(try_batches(p, d, against, yaml, words));
    return i ? RN_OK : try_batches(p, d, against, yaml, "");
}

static int try_variants(struct pair *p, struct rn_device *d, struct rn_device *against)
{
    const struct option_table *table = &p->s.plugin->options;
    char yaml[VARIANT_TEXT];
    void *opts = NULL;

    for (int i = 0; variant_text(table, i, yaml); i++) {
        struct pool *pool = pool_new();
        int status = pool ? variant_options(pool, table, yaml, &opts) : RN_ENOMEM;

        p->s.opts = opts;
        if (status >= 0)
            status = try_inputs(p, d, against, yaml);
        pool_free(pool);
        if (status == RN_ENOMEM)
            return status;
    }
    if (!p->row->cases && !p->row->failed++)
        snprintf(p->row->why, sizeof p->row->why,
                 "it takes none of the options and inputs: nothing was compared");
    return RN_OK;
}

bool beside_knows(const struct plugin *p) { return side_knows(p); }

int beside_check(struct rn_device *d, struct rn_device *against, const struct plugin *plugin,
                 uint64_t seed, int64_t every, struct device_row *row)
{
    struct pair *p = mem_alloc(sizeof *p);
    rn_real *room = mem_array(3 * (size_t)OUTCOME_ROOM, sizeof *room);
    int status = RN_ENOMEM;

    *row = (struct device_row){.name = plugin->name};
    if (p && room) {
        p->s = (struct subject){.plugin = plugin, .seed = seed};
        p->row = row;
        p->every = every > 1 ? every : 1;
        p->got.at = room;
        p->want.at = room + OUTCOME_ROOM;
        p->other.at = room + 2 * (int64_t)OUTCOME_ROOM;
        status = try_variants(p, d, against);
    }
    mem_free(room);
    mem_free(p);
    return status;
}
