/* sweep_figures.c - the figures of a sweep: ranking, differences, curves, order of trials, what a
 * better score cost, validation against test. */
#define _XOPEN_SOURCE 700
#include "sweep_figures.h"

#include "base/error.h"
#include "escape.h"
#include "figures.h"
#include "svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 40 }; /* of a drawing: the best, and the reference */

bool group_counts(const struct group *g) { return g->standing <= SOME_DIVERGED; }

int64_t groups_counted(const struct sweep *s)
{
    int64_t n = 0;

    while (n < s->n && group_counts(&s->groups[n]))
        n++;
    return n;
}

int album_keep(struct album *a, const char *name, const char *title, int status)
{
    struct rn_sweep *v = &a->s->view;

    if (v->n_figures == SWEEP_FIGURES) {
        text_free(&a->svg);
        text_free(&a->csv);
        text_free(&a->alt);
        return status;
    }
    status = figure_keep(a->s->p, &a->figures[v->n_figures], name, title, status, &a->svg, &a->csv,
                         &a->alt);
    v->n_figures += !status;
    return status;
}

/* The best that fit, and the reference; returns how many. */
static int64_t shown_rows(const struct sweep *s, const struct group **out)
{
    int64_t n = 0, all = groups_counted(s), most = all > ROWS_MAX ? ROWS_MAX - 1 : all;

    for (int64_t g = 0; g < all; g++)
        if (g < most || g == s->view.reference)
            out[n++] = &s->groups[g];
    return n;
}

/* What a drawing shows, and of how many, where it doesn't show all; NULL: out of memory. */
static const char *some_of(struct album *a, const char *what, int64_t shown)
{
    int64_t all = groups_counted(a->s);

    return shown >= all ? what
                        : pool_printf(a->s->p, "%s; %lld of %lld configurations: the best%s", what,
                                      (long long)shown, (long long)all,
                                      a->s->view.reference >= 0 ? " and the reference" : "");
}

/* ---- ranking -------------------------------------------------------------- */

static int draw_ranking(struct album *a)
{
    const struct group *rows[ROWS_MAX];
    struct chart_strip strips[ROWS_MAX];
    char value[32];
    int64_t n = shown_rows(a->s, rows);

    if (!n)
        return RN_OK;
    text_add(&a->csv, "configuration,n,mean,sd,low,high\n");
    for (int64_t i = 0; i < n; i++) {
        const struct rn_group *g = &rows[i]->g;
        double *x = pool_alloc(a->s->p, (size_t)g->n_trials * sizeof *x);
        if (!x)
            return RN_ENOMEM;
        strips[i] = (struct chart_strip){
            .name = g->label,
            .x = x,
            .mean = g->objective.mean,
            .low = g->objective.low,
            .high = g->objective.high,
            .look =
                rows[i] == &a->s->groups[a->s->view.reference < 0 ? a->s->n : a->s->view.reference]
                    ? 1
                    : 0};
        for (int64_t k = 0; k < g->n_trials; k++)
            if (rows[i]->trials[k].t.counts)
                x[strips[i].n++] = rows[i]->trials[k].t.objective;
        escape_csv(&a->csv, g->label);
        text_add(&a->csv, ",%lld", (long long)g->objective.n);
        put_cell(&a->csv, g->objective.mean);
        put_cell(&a->csv, g->objective.sd);
        put_cell(&a->csv, g->objective.low);
        put_cell(&a->csv, g->objective.high);
        text_add(&a->csv, "\n");
        text_add(&a->alt, "%s%s %s.", i ? " " : "", g->label,
                 sweep_text(a->s, g->objective.mean, value));
    }
    int status = chart_strips(
        &a->svg,
        &(struct chart_strips){
            .head = {"Ranking", text_str(&a->alt),
                     some_of(a, "dots: seeds; diamond: mean, with its 95 % interval", n), NULL},
            .x_label = a->label,
            .strips = strips,
            .n = n,
            .percent = a->s->view.percent,
            .level = NAN});
    return album_keep(a, "ranking", "Ranking", status);
}

/* ---- differences ---------------------------------------------------------- */

static double of_seed(const struct group *g, uint64_t seed)
{
    for (int64_t i = 0; i < g->g.n_trials; i++)
        if (g->trials[i].t.seed == seed)
            return g->trials[i].t.counts ? g->trials[i].t.objective : NAN;
    return NAN;
}

static int put_difference(struct album *a, const struct group *g, const struct group *r,
                          struct chart_strip *out)
{
    const struct rn_difference *d = &g->g.difference;
    double *x = pool_alloc(a->s->p, (size_t)g->g.n_trials * sizeof *x);
    char value[32];

    if (!x)
        return RN_ENOMEM;
    *out = (struct chart_strip){.name = g->g.label,
                                .x = x,
                                .mean = d->mean,
                                .low = d->low,
                                .high = d->high,
                                .look = d->differs ? 0 : SVG_SERIES - 1};
    for (int64_t i = 0; i < g->g.n_trials; i++) {
        double v = of_seed(g, g->trials[i].t.seed) - of_seed(r, g->trials[i].t.seed);
        if (isfinite(v))
            x[out->n++] = v;
    }
    escape_csv(&a->csv, g->g.label);
    text_add(&a->csv, ",%lld", (long long)d->n);
    put_cell(&a->csv, d->mean);
    put_cell(&a->csv, d->low);
    put_cell(&a->csv, d->high);
    put_cell(&a->csv, d->p);
    put_cell(&a->csv, d->p_corrected);
    text_add(&a->csv, ",%s\n", d->differs ? "yes" : "no");
    text_add(&a->alt, "%s%s: %s, %s.", a->alt.n ? " " : "", g->g.label,
             sweep_text(a->s, d->mean, value),
             d->differs ? "a difference" : "no difference can be shown");
    return RN_OK;
}

static int draw_differences(struct album *a)
{
    const struct sweep *s = a->s;
    const struct group *rows[ROWS_MAX], *r;
    struct chart_strip strips[ROWS_MAX];
    int64_t n = 0, all = shown_rows(s, rows);

    if (s->view.reference < 0)
        return RN_OK;
    r = &s->groups[s->view.reference];
    text_add(&a->csv, "configuration,n,mean,low,high,p,p_corrected,differs\n");
    for (int64_t i = 0; i < all; i++)
        if (rows[i] != r && rows[i]->g.difference.by == RN_BY_SEEDS && rows[i]->g.difference.n > 1)
            TRY(put_difference(a, rows[i], r, &strips[n++]));
    if (!n) {
        text_free(&a->csv);
        return RN_OK;
    }
    const char *what =
        pool_printf(s->p,
                    "dots: seeds; diamond: mean, with an interval that is corrected "
                    "for %lld comparison%s; blue: it excludes 0",
                    (long long)s->view.n_comparisons, s->view.n_comparisons == 1 ? "" : "s");
    const char *label = pool_printf(s->p, "%s less that of %.60s", a->label, r->g.label);
    if (!what || !label)
        return RN_ENOMEM;
    int status = chart_strips(
        &a->svg, &(struct chart_strips){.head = {"Difference to the reference, seed by seed",
                                                 text_str(&a->alt), what, NULL},
                                        .x_label = label,
                                        .strips = strips,
                                        .n = n,
                                        .percent = s->view.percent,
                                        .level = 0});
    return album_keep(a, "differences", "Difference to the reference", status);
}

/* ---- curves --------------------------------------------------------------- */

static int curve_of(struct sweep *s, const struct group *g, int64_t rank, struct chart_series *out)
{
    int64_t n = g->g.n_curve;
    double *x = pool_alloc(s->p, (size_t)n * sizeof *x + 1);
    double *low = pool_alloc(s->p, (size_t)n * sizeof *low + 1);
    double *high = pool_alloc(s->p, (size_t)n * sizeof *high + 1);

    if (!x || !low || !high)
        return RN_ENOMEM;
    for (int64_t k = 0; k < n; k++) {
        x[k] = (double)k + 1;
        low[k] = g->g.curve[k] - g->g.curve_sd[k];
        high[k] = g->g.curve[k] + g->g.curve_sd[k];
    }
    *out = (struct chart_series){.name = g->g.label,
                                 .column = pool_printf(s->p, "configuration %lld", (long long)rank),
                                 .x = x,
                                 .y = g->g.curve,
                                 .n = n,
                                 .low = g->g.objective.n > 1 ? low : NULL,
                                 .high = g->g.objective.n > 1 ? high : NULL,
                                 .look = (int)g->g.look};
    return out->column ? RN_OK : RN_ENOMEM;
}

static int draw_curves(struct album *a)
{
    struct chart_series lines[SWEEP_LINES];
    int n = 0;
    int64_t most = 0;
    char value[32];

    for (int64_t g = 0; g < a->s->n && n < SWEEP_LINES; g++) {
        const struct group *group = &a->s->groups[g];
        if (group->g.look < 0 || group->g.n_curve < 2)
            continue;
        TRY(curve_of(a->s, group, g + 1, &lines[n++]));
        most = group->g.n_curve > most ? group->g.n_curve : most;
        text_add(&a->alt, "%s%s ends at %s.", n > 1 ? " " : "", group->g.label,
                 sweep_text(a->s, group->g.curve[group->g.n_curve - 1], value));
    }
    if (!n) {
        text_free(&a->alt);
        return RN_OK;
    }
    text_add(&a->csv, "epoch");
    for (int i = 0; i < n; i++)
        text_add(&a->csv, ",%s", lines[i].column);
    for (int i = 0; i < n; i++)
        text_add(&a->csv, ",%s sd", lines[i].column);
    for (int64_t k = 0; k < most; k++) {
        text_add(&a->csv, "\n%lld", (long long)k + 1);
        for (int i = 0; i < n; i++)
            put_cell(&a->csv, k < lines[i].n ? lines[i].y[k] : NAN);
        for (int i = 0; i < n; i++)
            put_cell(&a->csv,
                     k < lines[i].n && lines[i].low ? lines[i].y[k] - lines[i].low[k] : NAN);
    }
    text_add(&a->csv, "\n");
    int status = chart_lines(
        &a->svg, &(struct chart_lines){.head = {"Objective by epoch", text_str(&a->alt),
                                                some_of(a,
                                                        "mean of the seeds; band: one standard "
                                                        "deviation",
                                                        n),
                                                NULL},
                                       .x_label = "epoch",
                                       .y_label = a->label,
                                       .series = lines,
                                       .n_series = n,
                                       .whole = true,
                                       .percent = a->s->view.percent,
                                       .mark = NAN,
                                       .level = NAN});
    return album_keep(a, "curves", "Objective by epoch", status);
}

/* ---- order of trials ------------------------------------------------------ */

static bool is_search(const struct sweep *s)
{
    bool many = false;

    for (int64_t x = 0; x < s->view.n_axes; x++)
        many |= !s->view.axes[x].n_effects;
    return many || !strcmp(s->view.method, "random") || !strcmp(s->view.method, "tpe");
}

static int draw_trials(struct album *a)
{
    struct sweep *s = a->s;
    size_t n = (size_t)s->n_runs;
    struct chart_mark *marks = pool_alloc(s->p, n * sizeof *marks + 1);
    double *x = pool_alloc(s->p, n * sizeof *x + 1), *y = pool_alloc(s->p, n * sizeof *y + 1);
    double best = NAN;
    int64_t line = 0, shown = 0;

    if (!marks || !x || !y)
        return RN_ENOMEM;
    if (!is_search(s))
        return RN_OK;
    for (int64_t g = 0; g < s->n; g++)
        for (int64_t i = 0; i < s->groups[g].g.n_trials; i++) {
            const struct rn_trial *t = &s->groups[g].trials[i].t;
            if (!isfinite(t->objective))
                continue;
            marks[t->order] = (struct chart_mark){
                .x = (double)t->order + 1,
                .y = t->objective,
                .low = NAN,
                .high = NAN,
                .form = t->counts ? KEY_DOT : KEY_TICK,
                .look = t->counts ? 0 : 1,
                .faint = true,
                .tip = pool_printf(s->p, "%s, %s", s->groups[g].g.label, t->id)};
        }
    text_add(&a->csv, "trial,objective,finished\n");
    for (int64_t i = 0; i < s->n_runs; i++) {
        if (!marks[i].tip)
            continue;
        text_add(&a->csv, "%lld", (long long)i + 1);
        put_cell(&a->csv, marks[i].y);
        text_add(&a->csv, ",%s\n", marks[i].form == KEY_DOT ? "yes" : "no");
        if (marks[i].form == KEY_DOT && sweep_better(s, marks[i].y, best)) {
            best = marks[i].y;
            x[line] = marks[i].x;
            y[line++] = best;
        }
        marks[shown++] = marks[i];
    }
    char value[32];
    text_add(&a->alt, "%lld runs; the best reached %s.", (long long)shown,
             sweep_text(s, best, value));
    int status = chart_cloud(
        &a->svg,
        &(struct chart_cloud){.head = {"Runs in their order", text_str(&a->alt), NULL, NULL},
                              .x_label = "run",
                              .y_label = a->label,
                              .marks = marks,
                              .n = shown,
                              .keys = (const struct chart_key[]){{"finished", 0, KEY_DOT},
                                                                 {"stopped early", 1, KEY_TICK},
                                                                 {"best so far", 2, KEY_LINE}},
                              .n_keys = 3,
                              .percent = s->view.percent,
                              .line_x = x,
                              .line_y = y,
                              .n_line = line,
                              .line_look = 2,
                              .steps = true});
    return album_keep(a, "trials", "Runs in their order", status);
}

/* ---- cost ----------------------------------------------------------------- */

static int by_x(const void *a, const void *b)
{
    double x = ((const struct chart_mark *)a)->x, y = ((const struct chart_mark *)b)->x;

    return (x > y) - (x < y);
}

struct against { /* another number of each group */
    const char *name, *title, *label, *column;
    double (*x)(const struct group *g);
    bool (*is_front)(const struct group *g);
};

static double x_time(const struct group *g) { return g->g.train_s.mean; }
static double x_size(const struct group *g)
{
    return g->g.parameters > 0 ? (double)g->g.parameters : NAN;
}
static bool front_time(const struct group *g) { return g->g.pareto_time; }
static bool front_size(const struct group *g) { return g->g.pareto_size; }

static void put_points(struct album *a, const struct against *how, struct chart_mark *marks,
                       int64_t *n)
{
    struct sweep *s = a->s;

    for (int64_t g = 0; g < s->n; g++) {
        const struct group *group = &s->groups[g];
        double x = how->x(group);
        if (!group_counts(group) || !isfinite(x))
            continue;
        bool front = how->is_front(group), reference = g == s->view.reference;
        marks[(*n)++] = (struct chart_mark){.x = x,
                                            .y = group->g.objective.mean,
                                            .low = group->g.objective.low,
                                            .high = group->g.objective.high,
                                            .form = front ? KEY_DIAMOND : KEY_DOT,
                                            .look = reference ? 1
                                                    : front   ? 0
                                                              : SVG_SERIES - 1,
                                            .faint = !front && !reference,
                                            .tip = group->g.label};
        escape_csv(&a->csv, group->g.label);
        put_cell(&a->csv, x);
        put_cell(&a->csv, group->g.objective.mean);
        text_add(&a->csv, ",%s\n", front ? "yes" : "no");
        if (front && a->alt.n < 2000)
            text_add(&a->alt, "%s%s",
                     a->alt.n ? ", " : "Best for what they cost: ", group->g.label);
    }
}

/* Not where all cost the same: nothing would be seen. */
static int draw_cost(struct album *a, const struct against *how)
{
    size_t room = (size_t)a->s->n;
    struct chart_mark *marks = pool_alloc(a->s->p, room * sizeof *marks + 1);
    double *x = pool_alloc(a->s->p, room * sizeof *x + 1);
    double *y = pool_alloc(a->s->p, room * sizeof *y + 1);
    int64_t n = 0, line = 0;

    if (!marks || !x || !y)
        return RN_ENOMEM;
    text_add(&a->csv, "configuration,%s,objective,pareto\n", how->column);
    put_points(a, how, marks, &n);
    if (n)
        qsort(marks, (size_t)n, sizeof *marks, by_x);
    for (int64_t i = 0; i < n; i++)
        if (marks[i].form == KEY_DIAMOND) {
            x[line] = marks[i].x;
            y[line++] = marks[i].y;
        }
    if (n < 2 || marks[n - 1].x <= 1.001 * marks[0].x) {
        text_free(&a->csv);
        text_free(&a->alt);
        return RN_OK;
    }
    text_add(&a->alt, ".");
    struct chart_key keys[] = {{"best for its cost", 0, KEY_DIAMOND},
                               {"others", SVG_SERIES - 1, KEY_DOT},
                               {"reference", 1, KEY_DOT}};
    int status = chart_cloud(
        &a->svg, &(struct chart_cloud){.head = {how->title, text_str(&a->alt), NULL, NULL},
                                       .x_label = how->label,
                                       .y_label = a->label,
                                       .marks = marks,
                                       .n = n,
                                       .keys = keys,
                                       .n_keys = a->s->view.reference < 0 ? 2 : 3,
                                       .x_log = marks[0].x > 0 && marks[n - 1].x > 20 * marks[0].x,
                                       .percent = a->s->view.percent,
                                       .line_x = x,
                                       .line_y = y,
                                       .n_line = line,
                                       .line_look = 0,
                                       .steps = true});
    return album_keep(a, how->name, how->title, status);
}

/* ---- validation against test ---------------------------------------------- */

static int draw_validation(struct album *a)
{
    struct sweep *s = a->s;
    struct chart_mark *marks = pool_alloc(s->p, (size_t)s->n * sizeof *marks + 1);
    int64_t n = 0, above = 0;

    if (!marks)
        return RN_ENOMEM;
    text_add(&a->csv, "configuration,validation,test\n");
    for (int64_t g = 0; g < s->n; g++) {
        const struct group *group = &s->groups[g];
        if (!group_counts(group) || !isfinite(group->g.test.mean))
            continue;
        bool reference = g == s->view.reference;
        above += sweep_better(s, group->g.objective.mean, group->g.test.mean);
        marks[n++] = (struct chart_mark){.x = group->g.objective.mean,
                                         .y = group->g.test.mean,
                                         .low = group->g.test.low,
                                         .high = group->g.test.high,
                                         .form = reference ? KEY_DIAMOND : KEY_DOT,
                                         .look = reference ? 1 : 0,
                                         .faint = !reference,
                                         .tip = group->g.label};
        escape_csv(&a->csv, group->g.label);
        put_cell(&a->csv, group->g.objective.mean);
        put_cell(&a->csv, group->g.test.mean);
        text_add(&a->csv, "\n");
    }
    if (n < 2) {
        text_free(&a->csv);
        return RN_OK;
    }
    struct chart_key keys[] = {{"configurations", 0, KEY_DOT}, {"reference", 1, KEY_DIAMOND}};
    text_add(&a->alt, "%lld of %lld configurations are better in %s than in %s.", (long long)above,
             (long long)n, s->view.metric, s->view.test_metric);
    int status = chart_cloud(
        &a->svg, &(struct chart_cloud){.head = {"Validation against test", text_str(&a->alt),
                                                "on the line both are the same", NULL},
                                       .x_label = a->label,
                                       .y_label = s->view.test_metric,
                                       .marks = marks,
                                       .n = n,
                                       .keys = keys,
                                       .n_keys = s->view.reference < 0 ? 1 : 2,
                                       .x_percent = s->view.percent,
                                       .percent = s->view.percent,
                                       .diagonal = true});
    return album_keep(a, "validation_test", "Validation against test", status);
}

int sweep_figures(struct sweep *s)
{
    static const struct against time = {"time",        "Score against training time",
                                        "training, s", "train_s",
                                        x_time,        front_time},
                                size = {"size",       "Score against size",
                                        "parameters", "parameters",
                                        x_size,       front_size};
    struct album a = {.s = s,
                      .figures = pool_alloc(s->p, SWEEP_FIGURES * sizeof *a.figures),
                      .label = s->view.metric};

    if (!a.figures)
        return RN_ENOMEM;
    s->view.figures = a.figures;
    TRY(draw_ranking(&a));
    TRY(draw_differences(&a));
    TRY(draw_curves(&a));
    TRY(draw_trials(&a));
    TRY(draw_importance(&a));
    TRY(draw_effects(&a));
    TRY(draw_grids(&a));
    TRY(draw_parallel(&a));
    TRY(draw_cost(&a, &time));
    TRY(draw_cost(&a, &size));
    return draw_validation(&a);
}
