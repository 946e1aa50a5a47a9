/* analysis_inside.c - what went on in the model: gradients that vanish or explode, steps that move
 * the weights too little or too far, units that are silent, and where the time went. */
#include "analysis.h"

#include <math.h>
#include <string.h>

/* ---- parameters, epoch by epoch ------------------------------------------- */

struct epoch_params {
    const struct rn_param_fact *at;
    int64_t n;
};

/* The next group of rows of one epoch; begin with an empty one. False: there is none. */
static bool next_epoch(const struct rn_report *r, struct epoch_params *g)
{
    int64_t i = g->at ? g->at - r->params + g->n : 0;

    if (i >= r->n_params)
        return false;
    g->at = &r->params[i];
    for (g->n = 0; i + g->n < r->n_params && g->at[g->n].epoch == g->at->epoch; g->n++)
        ;
    return true;
}

/* "conv1.weight", no offsets: they begin at 0, and one step may be as large as they are. */
static bool is_weight(const struct rn_param_fact *p)
{
    const char *dot = strrchr(p->name, '.');

    return dot && !strcmp(dot, ".weight") && p->n > 0;
}

static double per_value(const struct rn_param_fact *p) { return p->grad_norm / sqrt((double)p->n); }

/* ---- gradients ------------------------------------------------------------ */

#define WEIGHTS_MIN    3   /* so many layers that depth can matter */
#define GRADIENT_RATIO 1e3 /* between the first and the last of them */
#define GROWTH         100 /* times what was usual before */

/* The norm of all gradients of an epoch. */
static double all_norm(const struct epoch_params *g)
{
    double sum = 0;

    for (int64_t i = 0; i < g->n; i++)
        sum += g->at[i].grad_norm * g->at[i].grad_norm;
    return sqrt(sum);
}

/* The last two epochs beyond GROWTH times the median of those before, of which it takes two. */
bool gradients_explode(const struct rn_report *r, double *before, double *now)
{
    struct epoch_params g = {0};
    double *norms = r->n_params ? mem_array((size_t)r->n_params, sizeof *norms) : NULL;
    int64_t n = 0;

    while (norms && next_epoch(r, &g))
        norms[n++] = all_norm(&g);
    bool grown = false;
    if (n >= 4) {
        double least = fmin(norms[n - 1], norms[n - 2]);
        *now = norms[n - 1];
        *before = median_of(norms, n - 2);
        grown = isfinite(*now) && *before > 0 && least > GROWTH * *before;
    }
    mem_free(norms);
    return grown;
}

/* Of the first weights against the last, per value; the sign of the answer says how: -1 less by
 * GRADIENT_RATIO in each epoch, 1 more, 0 neither. */
static int depth_trend(const struct rn_report *r, const struct rn_param_fact **first,
                       const struct rn_param_fact **last)
{
    struct epoch_params g = {0};
    int trend = 0;

    for (bool begun = false; next_epoch(r, &g); begun = true) {
        int64_t weights = 0;
        for (int64_t i = 0; i < g.n; i++)
            if (is_weight(&g.at[i])) {
                *last = &g.at[i];
                *first = weights++ ? *first : &g.at[i];
            }
        if (weights < WEIGHTS_MIN)
            return 0;
        double a = per_value(*first), b = per_value(*last);
        int now = !(a > 0 && b > 0) ? 0 : a < b / GRADIENT_RATIO ? -1 : a > b * GRADIENT_RATIO;
        if (!now || (begun && now != trend))
            return 0;
        trend = now;
    }
    return trend;
}

static int rule_gradients(struct judge *j)
{
    static const char rule[] = "gradients";
    const struct rn_report *r = j->r;
    const struct rn_param_fact *first = NULL, *last = NULL;
    double before, now;

    for (int64_t i = 0; i < r->n_params; i++)
        if (!isfinite(r->params[i].grad_norm))
            return SAY(j, rule, RN_BAD,
                       "The gradient of %s is not a finite number at the end of epoch %lld.",
                       r->params[i].name, (long long)r->params[i].epoch);
    if (gradients_explode(r, &before, &now))
        return SAY(j, rule, RN_BAD,
                   "Gradients explode: their norm at the end of an epoch was %.2g before and is "
                   "%.2g now.",
                   before, now);
    int trend = depth_trend(r, &first, &last);
    if (!trend)
        return RN_OK;
    return SAY(j, rule, RN_BAD,
               "Gradients %s towards the input: for a weight of %s it is %.1g on average, for one "
               "of %s %.1g, and so in each epoch that was looked at.",
               trend < 0 ? "vanish" : "explode", first->name, per_value(first), last->name,
               per_value(last));
}

/* ---- updates -------------------------------------------------------------- */

#define PACE_LOW  1e-4
#define PACE_HIGH 1e-2

#define RATE_PART 0.1

/* Whether the epoch's learning rate was near enough to the highest. */
static bool at_full_rate(const struct rn_report *r, int64_t epoch)
{
    const struct rn_epoch *e = row_of(r, epoch);
    double highest = 0;

    for (int64_t i = 0; i < r->n_epochs; i++)
        highest = fmax(highest, r->epochs[i].lr);
    return !e || !(e->lr < RATE_PART * highest);
}

enum pace judge_pace(const struct rn_report *r, double *least, double *most)
{
    struct epoch_params g = {0};
    double *ratios = r->n_params ? mem_array((size_t)r->n_params, sizeof *ratios) : NULL;

    *least = INFINITY;
    *most = 0;
    while (ratios && next_epoch(r, &g)) {
        int64_t n = 0;
        bool full = at_full_rate(r, g.at->epoch);
        for (int64_t i = 0; i < g.n; i++)
            if (full && is_weight(&g.at[i]) && g.at[i].weight_norm > 0 &&
                isfinite(g.at[i].update_norm))
                ratios[n++] = g.at[i].update_norm / g.at[i].weight_norm;
        double middle = median_of(ratios, n);
        *least = n ? fmin(*least, middle) : *least;
        *most = n ? fmax(*most, middle) : *most;
    }
    mem_free(ratios);
    if (!isfinite(*least) || *most <= 0)
        return PACE_UNKNOWN;
    return *most < PACE_LOW ? PACE_SLOW : *least > PACE_HIGH ? PACE_FAST : PACE_USUAL;
}

static int rule_updates(struct judge *j)
{
    double least, most;
    enum pace pace = judge_pace(j->r, &least, &most);

    if (pace != PACE_SLOW && pace != PACE_FAST)
        return RN_OK;
    return SAY(j, "updates", RN_NEUTRAL,
               "A step changes the weights %s: in each epoch that was looked at, at its end, by %s "
               "%.1g of their norm "
               "(median of the parameters); about 1e-3 is usual.",
               pace == PACE_SLOW ? "little" : "much", pace == PACE_SLOW ? "at most" : "at least",
               pace == PACE_SLOW ? most : least);
}

/* ---- silent units --------------------------------------------------------- */

#define SILENT_SHOWN 3
#define UNITS_MIN    8

static bool mostly_silent(const struct rn_units_fact *u)
{
    return u->n >= UNITS_MIN && 2 * u->silent >= u->n;
}

/* Whether it was so at the end of the last two epochs that were looked at. */
static bool stays_silent(const struct rn_report *r, int64_t i)
{
    for (int64_t k = i; k-- > 0;)
        if (!strcmp(r->units[k].layer, r->units[i].layer))
            return mostly_silent(&r->units[i]) && mostly_silent(&r->units[k]);
    return false;
}

bool layer_is_dead(const struct rn_report *r)
{
    for (int64_t i = r->n_units; i-- > 0 && r->units[i].epoch == r->units[r->n_units - 1].epoch;)
        if (r->units[i].n >= UNITS_MIN && r->units[i].silent == r->units[i].n)
            return true;
    return false;
}

static int rule_silent(struct judge *j)
{
    const struct rn_report *r = j->r;
    struct text list = {0};
    int64_t n = 0;

    for (int64_t i = 0; i < r->n_units; i++)
        if (r->units[i].epoch == r->units[r->n_units - 1].epoch && stays_silent(r, i) &&
            n++ < SILENT_SHOWN)
            text_add(&list, "%s%s (%lld of %lld)", n > 1 ? ", " : "", r->units[i].layer,
                     (long long)r->units[i].silent, (long long)r->units[i].n);
    if (n > SILENT_SHOWN)
        text_add(&list, " and %lld more layers", (long long)(n - SILENT_SHOWN));
    int status = list.status;
    if (!status && n)
        status = SAY(j, "silent_units", RN_NEUTRAL,
                     "At least half of the units give 0 for every sample of a batch: %s. Those "
                     "learn nothing from it.",
                     text_str(&list));
    text_free(&list);
    return status;
}

/* ---- time ----------------------------------------------------------------- */

#define SECONDS_MIN 1.0 /* shorter runs are not worth a word */

static int rule_slowest_layer(struct judge *j)
{
    const struct rn_report *r = j->r;
    const struct rn_layer_fact *top = NULL;
    double sum = 0;
    int64_t n = 0;

    for (int64_t i = 0; i < r->n_layers; i++) {
        double us = rn_layer_us(&r->layers[i]);
        sum += us;
        n += us > 0;
        top = !top || us > rn_layer_us(top) ? &r->layers[i] : top;
    }
    if (n < 3 || rn_layer_us(top) < 0.5 * sum || !strcmp(r->status, "diverged"))
        return RN_OK;
    return SAY(j, "slowest_layer", RN_NEUTRAL,
               "One layer dominates: %s (%s) takes %.0f %% of the time of all layers in a training "
               "step.",
               top->name, top->type, 100 * rn_layer_us(top) / sum);
}

static int rule_time(struct judge *j)
{
    static const char *const words[][2] = {{"start", "starting"},
                                           {"validation", "validation"},
                                           {"test", "the test pass"},
                                           {"files", "writing files"}};
    const struct rn_report *r = j->r;
    const struct rn_time_fact *top = NULL;
    double train = NAN;

    for (int64_t i = 0; i < r->n_times; i++)
        if (!strcmp(r->times[i].name, "train"))
            train = r->times[i].seconds;
        else if (!top || r->times[i].seconds > top->seconds)
            top = &r->times[i];
    if (!top || !isfinite(train) || r->seconds < SECONDS_MIN || !(top->seconds > train))
        return RN_OK;
    const char *name = top->name;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        name = strcmp(top->name, words[i][0]) ? name : words[i][1];
    return SAY(j, "time", RN_NEUTRAL,
               "More time went into %s (%.1f s) than into training steps (%.1f s of %.1f s in "
               "all).",
               name, top->seconds, train, r->seconds);
}

int rules_inside(struct judge *j)
{
    RN_TRY(rule_gradients(j));
    RN_TRY(rule_updates(j));
    RN_TRY(rule_silent(j));
    RN_TRY(rule_slowest_layer(j));
    return rule_time(j);
}
