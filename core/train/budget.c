/* budget.c - adds up what setup.c, feed.c, data.c and the model are going to allocate, and looks
 * for what would fit. Where the host's memory is the device's, its own copies count, too. */
#include "budget.h"

#include "base/error.h"
#include "base/log.h"
#include "feed.h"
#include "model/step.h"
#include "rate.h"

#include <stdio.h>
#include <string.h>

#define BLOCK   512 /* what an array may take beyond its bytes */
#define REAL    ((int64_t)sizeof(rn_real))
#define ARRAYS  10 /* of setup.c, each at most BLOCK more than its values */
#define BYTES_N 24

struct need {
    int64_t parameters, samples, step, results;
};

struct budget {
    const struct experiment *e;
    const struct model *m;
    const struct data *d;
    struct diag *diag;
    bool host_visible;
    bool known;            /* what the device can give: */
    int64_t room, reserve; /* without what it keeps for itself */
};

static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t total(const struct need *n)
{
    return n->parameters + n->samples + n->step + n->results;
}

/* ---- adding up -------------------------------------------------------------------------- */

int budget_arena(struct pool *p, const struct model *m, const struct batches *b, int64_t *bytes)
{
    const int64_t *rows[] = {b->train, b->val, b->fit, b->test};

    *bytes = 0;
    for (int i = 0; i < 8; i++) {
        struct step_layout l;
        if (!rows[i / 2][i % 2])
            continue;
        TRY(step_layout(p, m, i < 2, rows[i / 2][i % 2], &l));
        *bytes = most(*bytes, l.bytes);
    }
    return RN_OK;
}

/* Samples that runs have in common were counted by none of them, and are not again. */
static int sample_bytes(const struct budget *b, const bool streamed[RN_SPLITS], int64_t *bytes)
{
    int any[SHARE_SLOTS];

    *bytes = (int64_t)(2 * CHANNELS_MAX * sizeof(rn_real)) + 6 * (int64_t)BLOCK;
    if (b->host_visible && share_descriptors(any))
        return RN_OK;
    for (int s = 0; s < RN_SPLITS; s++) {
        size_t inputs, targets, sum = (size_t)*bytes;
        TRY(data_sizes(b->d, s, &inputs, &targets));
        inputs = streamed[s] && !b->host_visible ? 0 : inputs;
        targets *= b->host_visible ? 2 : 1;
        if (__builtin_add_overflow(sum, inputs, &sum) ||
            __builtin_add_overflow(sum, targets, &sum) || sum > INT64_MAX / 4)
            return FAIL(RN_ENOMEM, "the samples are too large for memory");
        *bytes = (int64_t)sum;
    }
    return RN_OK;
}

/* Curves, orders, scores and losses of single samples; what there are of each on the host. */
static int64_t result_bytes(const struct budget *b, const struct experiment *e)
{
    const struct data *d = b->d;
    const struct model *m = b->m;
    int64_t steps = rate_batches(e, d->n_train), n_eval = most(d->n_val, d->n_test);
    int64_t width = rn_count(&m->layers[m->n_layers].in), copies = b->host_visible ? 2 : 1;
    int64_t bytes = copies * (3 * steps + n_eval * (width + 2)) * REAL;

    bytes += (copies * d->n_train + n_eval) * (int64_t)sizeof(int32_t) + ARRAYS * (int64_t)BLOCK;
    if (b->host_visible)
        bytes += (n_eval * m->target_width + m->flat) * REAL;
    return bytes;
}

/* With the batches of e. Where the host's memory is the device's, with two copies of all that
 * training changes, as one who keeps the last good state has. */
static int add_up(const struct budget *b, const struct experiment *e,
                  const bool streamed[RN_SPLITS], struct need *n)
{
    struct batches rows = data_batches(e, b->d);
    struct data as = *b->d;
    struct pool *p = pool_new();

    memcpy(as.streamed, streamed, sizeof as.streamed);
    struct feed_size feed = feed_size(e, &as, &rows);
    *n = (struct need){.parameters = model_bytes(b->m)};
    if (b->host_visible && e->n_callbacks)
        n->parameters *= 3;
    int status = p ? budget_arena(p, b->m, &rows, &n->step) : RN_ENOMEM;
    pool_free(p);
    TRY(status);
    TRY(sample_bytes(b, streamed, &n->samples));
    n->step += BLOCK;
    if (feed.half)
        n->samples += 2 * feed.half + feed.indices * (int64_t)sizeof(int32_t) + 2 * BLOCK;
    n->results = result_bytes(b, e);
    return RN_OK;
}

static int fits(const struct budget *b, const struct experiment *e, const bool streamed[RN_SPLITS],
                bool *yes)
{
    struct need n;

    TRY(add_up(b, e, streamed, &n));
    *yes = total(&n) <= b->room;
    return RN_OK;
}

/* ---- what is said ------------------------------------------------------------------------ */

static const char *bytes_text(int64_t bytes, char out[BYTES_N])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double v = (double)bytes;
    size_t u = 0;

    for (; v >= 1023.5 && u + 1 < sizeof units / sizeof *units; u++)
        v /= 1024;
    snprintf(out, BYTES_N, u && v < 99.95 ? "%.1f %s" : "%.0f %s", v, units[u]);
    return out;
}

/* Where the file says so, or else the section. */
static struct mark place(const struct experiment *e, const char *section, const char *key)
{
    const struct node *n = tree_get(e->root, section), *value = tree_get(n, key);

    return value && value->mark.line ? value->mark : n ? n->mark : (struct mark){0};
}

/* "31.2 GiB on the device (parameters ..., a step 31.0 GiB), which has 8.0 GiB free" */
static const char *sum_text(const struct budget *b, const struct need *n)
{
    char t[7][BYTES_N], own[64] = "";

    if (b->reserve)
        snprintf(own, sizeof own, " beside %s of its own", bytes_text(b->reserve, t[6]));
    return pool_printf(
        b->e->pool,
        "%s on the device (parameters %s, samples %s, results %s, a step %s), which has %s free%s",
        bytes_text(total(n), t[0]), bytes_text(n->parameters, t[1]), bytes_text(n->samples, t[2]),
        bytes_text(n->results, t[3]), bytes_text(n->step, t[4]), bytes_text(b->room, t[5]), own);
}

static int refuse(const struct budget *b, struct mark at, const char *path, const char *message)
{
    if (!message)
        return RN_ENOMEM;
    int status = diag_add(b->diag, DIAG_ERROR, at, path, NULL, "%s", message);
    if (status == RN_ENOMEM)
        return status;
    if (at.source && at.line)
        return FAIL(RN_ENOMEM, "%s:%d:%d: %s: %s", at.source->path, (int)at.line, (int)at.col, path,
                    message);
    return FAIL(RN_ENOMEM, "%s: %s", path, message);
}

/* Not even one sample at a time. */
static int too_large(const struct budget *b, const bool streamed[RN_SPLITS])
{
    struct experiment one = *b->e;
    struct need n;

    one.train.batch_size = one.train.eval_batch_size = 1;
    TRY(add_up(b, &one, streamed, &n));
    bool samples = n.samples >= n.parameters && n.samples >= n.step && n.samples >= n.results;
    bool model = n.parameters >= n.step && n.parameters >= n.results;
    const char *needs = sum_text(b, &n);
    const char *what = !b->room  ? "the device has too little memory"
                       : samples ? "the samples are too large; see data.limit"
                       : model   ? "the model is too large, make it smaller"
                                 : "its layers are too large, make them smaller";
    if (!needs)
        return RN_ENOMEM;
    return refuse(b, samples ? b->e->data.mark : place(b->e, "model", "layers"),
                  samples ? "data" : "model",
                  pool_printf(b->e->pool, "even a batch of 1 needs %s: %s", needs, what));
}

struct batch_key {
    const char *path, *key, *advice;
    bool eval;
};
static const struct batch_key batch_key = {"train.batch_size", "batch_size", "a batch of ", false};
static const struct batch_key eval_key = {"train.eval_batch_size", "eval_batch_size", "", true};

static int64_t *size_in(struct experiment *e, const struct batch_key *k)
{
    return k->eval ? &e->train.eval_batch_size : &e->train.batch_size;
}

/* Sets the size to the largest that fits; 0: none does. Small batches need a little more for the
 * losses of their many steps, so what fits is looked for from above. */
static int largest(const struct budget *b, struct experiment *e, const struct batch_key *k,
                   const bool streamed[RN_SPLITS])
{
    int64_t *size = size_in(e, k), good = 0, bad = *size;
    bool yes = false;

    for (*size /= 2; *size && !yes; *size /= yes ? 1 : 2) {
        TRY(fits(b, e, streamed, &yes));
        *(yes ? &good : &bad) = *size;
    }
    while (good && bad - good > 1) {
        *size = good + (bad - good) / 2;
        TRY(fits(b, e, streamed, &yes));
        *(yes ? &good : &bad) = *size;
    }
    *size = good;
    return RN_OK;
}

static int refuse_batch(const struct budget *b, const struct need *n, const struct batch_key *k,
                        int64_t good)
{
    struct experiment e = *b->e;
    const char *needs = sum_text(b, n);

    if (!needs)
        return RN_ENOMEM;
    return refuse(b, place(b->e, "train", k->key), k->path,
                  pool_printf(e.pool, "%lld needs %s; %s%lld%s would fit",
                              (long long)*size_in(&e, k), needs, k->advice, (long long)good,
                              k->eval ? " at once" : ""));
}

/* First the batch beside the smallest that is evaluated, then the other beside what fits. */
static int refuse_run(const struct budget *b, const bool streamed[RN_SPLITS])
{
    struct experiment try = *b->e;
    struct need n;
    bool yes;

    TRY(add_up(b, b->e, streamed, &n));
    try.train.eval_batch_size = 1;
    TRY(fits(b, &try, streamed, &yes));
    if (!yes) {
        TRY(largest(b, &try, &batch_key, streamed));
        if (!try.train.batch_size)
            return too_large(b, streamed);
    }
    int status = yes ? RN_OK : refuse_batch(b, &n, &batch_key, try.train.batch_size);
    try.train.eval_batch_size = b->e->train.eval_batch_size;
    int tried = fits(b, &try, streamed, &yes);
    if (tried < 0 || yes)
        return tried < 0 ? tried : status;
    TRY(largest(b, &try, &eval_key, streamed));
    int refused = refuse_batch(b, &n, &eval_key, try.train.eval_batch_size);
    return status < 0 ? status : refused;
}

/* ---- who stays --------------------------------------------------------------------------- */

static int refuse_resident(const struct budget *b)
{
    static const bool none[RN_SPLITS] = {false};
    struct need n;

    TRY(add_up(b, b->e, none, &n));
    const char *needs = sum_text(b, &n);
    return refuse(b, place(b->e, "data", "resident"), "data.resident",
                  needs ? pool_printf(b->e->pool,
                                      "training needs %s; with `auto` samples come from "
                                      "the host, a batch at a time",
                                      needs)
                        : NULL);
}

/* Tries what stays, the training samples first. False in *found: not even the batches fit. */
static int find(const struct budget *b, bool streamed[RN_SPLITS], bool *found)
{
    static const bool ways[][RN_SPLITS] = {
        {false, false}, {false, true}, {true, false}, {true, true}};
    int64_t resident = b->e->split.resident;
    size_t first = resident == RESIDENT_NO ? 3 : 0;
    size_t end = b->host_visible && resident != RESIDENT_NO ? 1 : 4;

    *found = !b->known;
    for (size_t i = first; i < end; i++) {
        for (int s = 0; s < RN_SPLITS; s++)
            streamed[s] = ways[i][s] && b->d->info.count[s];
        if (!b->known)
            return RN_OK;
        TRY(fits(b, b->e, streamed, found));
        if (*found)
            return RN_OK;
    }
    return RN_OK;
}

static int note(const struct budget *b, struct data *d)
{
    bool both = d->streamed[RN_TRAIN] && d->streamed[RN_TEST];
    const char *which = both ? "all" : d->streamed[RN_TRAIN] ? "training" : "test";
    size_t inputs, targets, sum = 0;
    char t[2][BYTES_N];

    for (int s = 0; s < RN_SPLITS; s++) {
        TRY(data_sizes(d, s, &inputs, &targets));
        sum += d->streamed[s] ? inputs : 0;
    }
    if (!sum)
        return RN_OK;
    const char *why = b->e->split.resident == RESIDENT_NO
                          ? "data.resident is no"
                          : pool_printf(b->e->pool,
                                        "%s do not fit beside the rest into the %s "
                                        "that the device has free",
                                        bytes_text((int64_t)sum, t[0]), bytes_text(b->room, t[1]));
    if (why)
        d->streamed_note = pool_printf(b->e->pool, "%s samples come from the host: %s", which, why);
    if (!d->streamed_note)
        return RN_ENOMEM;
    log_line(RN_INFO, "data", "%s", d->streamed_note);
    return RN_OK;
}

int budget_decide(const struct experiment *e, const struct model *m, struct data *d,
                  struct rn_device *dev, struct diag *diag)
{
    struct rn_device_info info = {.size = sizeof info};
    bool found;

    TRY(dev->ops->info(dev, &info));
    struct budget b = {.e = e, .m = m, .d = d, .diag = diag, .host_visible = info.host_visible};
    b.known = info.free_bytes > 0;
    b.reserve = (int64_t)info.reserve_bytes;
    if (info.free_bytes > info.reserve_bytes)
        b.room = (int64_t)(info.free_bytes - info.reserve_bytes);
    TRY(find(&b, d->streamed, &found));
    if (!found)
        return refuse_run(&b, d->streamed);
    bool some = d->streamed[RN_TRAIN] || d->streamed[RN_TEST];
    if (some && e->split.resident == RESIDENT_YES)
        return refuse_resident(&b);
    return note(&b, d);
}
