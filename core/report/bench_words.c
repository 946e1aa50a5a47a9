/* bench_words.c - what can be said of devices side by side. One is called faster only where the
 * quartiles of both do not overlap. */
#include "bench.h"

#include "base/error.h"
#include "say.h"

#include <math.h>
#include <string.h>

enum { FINDINGS_MAX = 200 };
enum speed { UNKNOWN, SLOWER, ALIKE, FASTER };

static enum speed speed_of(const struct rn_bench_time *t)
{
    if (!isfinite(t->speedup_low) || !isfinite(t->speedup_high))
        return UNKNOWN;
    return t->speedup_low > 1 ? FASTER : t->speedup_high < 1 ? SLOWER : ALIKE;
}

/* ---- speed ---------------------------------------------------------------- */

struct run_of { /* the speeds of a variant with the sizes of batches that were timed, ascending */
    int64_t n, n_faster, n_slower;
    int64_t from; /* the batch behind which all are faster; 0: there is none */
    int64_t upto; /* the batch up to which all are faster; 0: there is none */
};

static struct run_of look(const struct rn_bench *b, int64_t v)
{
    struct run_of r = {0};
    bool up = true;

    for (int64_t i = 0; i < bench_batches(b); i++) {
        const struct rn_bench_time *t = bench_time(b, i, v);
        enum speed speed = speed_of(t);
        if (speed == UNKNOWN)
            continue;
        r.n++;
        r.n_faster += speed == FASTER;
        r.n_slower += speed == SLOWER;
        r.from = speed != FASTER ? 0 : r.from ? r.from : t->batch;
        up &= speed == FASTER;
        r.upto = up ? t->batch : r.upto;
    }
    return r;
}

/* " with every batch size measured", " from batch 256 on": where it is faster. */
static void put_where(struct text *t, const struct run_of *r)
{
    if (r->n_faster == r->n || r->n_slower == r->n)
        text_add(t, "with every batch size measured");
    else if (r->from)
        text_add(t, "from batch %lld on", (long long)r->from);
    else if (r->upto)
        text_add(t, "up to batch %lld", (long long)r->upto);
    else
        text_add(t, "with some batch sizes, and with others not");
}

static void put_speeds(struct text *t, const struct rn_bench *b, int64_t v)
{
    bool first = true;

    for (int64_t i = 0; i < bench_batches(b); i++) {
        const struct rn_bench_time *x = bench_time(b, i, v);
        if (speed_of(x) == UNKNOWN)
            continue;
        text_add(t, "%s%.3g (%.3g to %.3g)%s with %lld", first ? "" : ", ", x->speedup,
                 x->speedup_low, x->speedup_high, first ? " times as fast" : "",
                 (long long)x->batch);
        first = false;
    }
}

/* What one epoch took says nothing of how much the next would differ. */
static int say_single(struct saying *s, const struct rn_bench *b, int64_t v)
{
    const char *name = b->variants[v].name, *reference = b->variants[b->reference].name;
    struct text t = {0};

    for (int64_t i = 0; i < bench_batches(b); i++) {
        const struct rn_bench_time *x = bench_time(b, i, v);
        if (isfinite(x->speedup))
            text_add(&t, "%s%.3g%s with %lld", t.n ? ", " : "", x->speedup,
                     t.n ? "" : " times as fast", (long long)x->batch);
    }
    int status = t.status;
    if (!status && t.n)
        status = say(s, RN_NEUTRAL, "speed",
                     "%s beside %s: %s. A single epoch of one of them was timed: whether that is "
                     "chance is not known.",
                     name, reference, text_str(&t));
    text_free(&t);
    return status;
}

static int say_speed(struct saying *s, const struct rn_bench *b, int64_t v)
{
    const char *name = b->variants[v].name, *reference = b->variants[b->reference].name;
    struct run_of r = look(b, v);
    struct text t = {0};

    if (!r.n)
        return say_single(s, b, v);
    if (r.n == 1) {
        text_add(&t,
                 r.n_faster   ? "%s is faster than %s"
                 : r.n_slower ? "%s is slower than %s"
                              : "Between %s and %s no difference of speed can be seen",
                 name, reference);
    } else if (!r.n_faster && r.n_slower < r.n) {
        text_add(&t, "%s is not faster than %s with any batch size measured", name, reference);
    } else {
        text_add(&t, "%s is %s than %s ", name, r.n_faster ? "faster" : "slower", reference);
        put_where(&t, &r);
    }
    text_add(&t, ": ");
    put_speeds(&t, b, v);
    int status = t.status;
    if (!status)
        status = say(s, r.n_faster ? RN_GOOD : RN_NEUTRAL, "speed", "%s.", text_str(&t));
    text_free(&t);
    return status;
}

/* ---- what was not measured ------------------------------------------------ */

static int say_missing(struct saying *s, const struct rn_bench *b)
{
    for (int64_t i = 0; i < b->n_variants; i++)
        if (b->variants[i].unusable)
            TRY(say(s, b->variants[i].required ? RN_BAD : RN_NEUTRAL, "unusable",
                    "%s cannot be used: %s.", b->variants[i].name, b->variants[i].unusable));
    for (int64_t i = 0; i < b->n_times; i++) {
        const struct rn_bench_time *t = &b->times[i];
        if (!t->why || b->variants[t->variant].unusable)
            continue;
        TRY(say(s, t->n ? RN_NEUTRAL : RN_BAD, "missing",
                "%s with batches of %lld: %lld of %lld epochs were timed: %s.",
                b->variants[t->variant].name, (long long)t->batch, (long long)t->n,
                (long long)t->planned, t->why));
    }
    return RN_OK;
}

/* ---- agreement ------------------------------------------------------------ */

/* The largest difference in step 1, and where. */
static double worst(const struct rn_agreement *a, const char **what, const char **layer)
{
    double most = -1;

    for (int64_t i = 0; i < a->n_layers; i++)
        for (int k = 0; k < 2; k++) {
            double v = k ? a->layers[i].gradient[0] : a->layers[i].output[0];
            if (!(v > most))
                continue;
            most = v;
            *what = k ? "gradient" : "output";
            *layer = a->layers[i].name;
        }
    return most;
}

static int say_agreement(struct saying *s, const struct rn_bench *b, const struct rn_agreement *a)
{
    const char *name = b->variants[a->variant].name, *reference = b->variants[b->reference].name;
    const char *what = "", *layer = "";
    double most = worst(a, &what, &layer);

    if (a->why)
        return say(s, RN_NEUTRAL, "agreement", "Whether %s computes what %s does is not known: %s.",
                   name, reference, a->why);
    if (a->beyond)
        return say(s, RN_BAD, "agreement",
                   "%s does not compute what %s does: in the first step the %s is further apart "
                   "than %g of the largest value; the largest difference there is %.2g, the %s of "
                   "%s. Their times compare two different things.",
                   name, reference, a->beyond, a->rel, most, what, layer);
    if (most <= 0 && a->loss_gap <= 0)
        return say(s, RN_GOOD, "agreement",
                   "%s computes what %s does, to the last bit: %lld steps with the same outputs, "
                   "gradients and losses.",
                   name, reference, (long long)a->steps);
    return say(s, RN_GOOD, "agreement",
               "%s computes what %s does: in the first step no output and no gradient of a layer "
               "is further apart than %.2g of its largest value (%s of %s), and over %lld steps "
               "the losses by %.2g.",
               name, reference, most, what, layer, (long long)a->steps, a->loss_gap);
}

/* ---- what to keep in mind ------------------------------------------------- */

static int say_conditions(struct saying *s, const struct bench *b)
{
    if (!strcmp(b->view.status, "interrupted"))
        TRY(say(s, RN_NEUTRAL, "stopped", "It was stopped before all was measured."));
    if (b->cores && b->load > 0.5 * b->cores)
        TRY(say(s, RN_BAD, "load",
                "Other programs ran when it began: a load of %.1f on %d core%s. Times on the "
                "processor are longer than on an idle machine.",
                b->load, b->cores, b->cores == 1 ? "" : "s"));
    return RN_OK;
}

int bench_words(struct bench *b)
{
    struct saying s;

    TRY(say_open(&s, b->drawn, FINDINGS_MAX));
    for (int64_t v = 0; v < b->view.n_variants; v++)
        if (v != b->view.reference)
            TRY(say_speed(&s, &b->view, v));
    for (int64_t i = 0; i < b->view.n_agreements; i++)
        TRY(say_agreement(&s, &b->view, &b->view.agreements[i]));
    TRY(say_missing(&s, &b->view));
    TRY(say_conditions(&s, b));
    b->view.findings = s.list;
    b->view.n_findings = s.n;
    return RN_OK;
}
