/* sweep_figures_axes.c - what the axes of a sweep do: effects one by one and in pairs, all of them
 * across, and how much each explains. */
#define _XOPEN_SOURCE 700
#include "sweep_figures.h"

#include "base/error.h"
#include "escape.h"
#include "figures.h"
#include "svg.h"

#include <math.h>
#include <string.h>

enum { EFFECTS_MAX = 12, GRIDS_MAX = 6, PARALLEL_AXES = 8 };

/* The last two parts of a path, which have room in a drawing. */
static const char *short_path(const char *path)
{
    const char *at = path + strlen(path);

    for (int dots = 0; at > path; at--)
        if (at[-1] == '.' && ++dots == 2)
            break;
    return at;
}

static bool has_numbers(const struct sweep *s, int64_t a)
{
    bool some = false;

    if (!strcmp(s->axes[a].scale, "choice"))
        return false;
    for (int64_t g = 0; g < s->n; g++) {
        const char *v = s->groups[g].g.values[a];
        if (v && isnan(sweep_number(v)))
            return false;
        some |= v != NULL;
    }
    return some;
}

static bool is_log(const struct sweep *s, int64_t a)
{
    for (int64_t g = 0; g < s->n; g++)
        if (s->groups[g].g.values[a] && !(sweep_number(s->groups[g].g.values[a]) > 0))
            return false;
    return !strcmp(s->axes[a].scale, "log");
}

/* Where a group stands on an axis: its number, or the place of its value. NaN: nowhere. */
static double place_of(const struct sweep *s, int64_t a, const struct group *g, bool numbers)
{
    int64_t i = numbers ? 0 : sweep_effect_of(s, a, g);

    return numbers ? sweep_number(g->g.values[a]) : i < 0 ? NAN : (double)i;
}

/* ---- effects -------------------------------------------------------------- */

static void put_groups(struct album *a, int64_t axis, bool numbers, struct chart_mark *marks,
                       int64_t *n)
{
    for (int64_t g = 0; g < a->s->n; g++) {
        const struct group *group = &a->s->groups[g];
        if (group_counts(group) && group->g.values[axis])
            marks[(*n)++] = (struct chart_mark){.x = place_of(a->s, axis, group, numbers),
                                                .y = group->g.objective.mean,
                                                .low = NAN,
                                                .high = NAN,
                                                .form = KEY_DOT,
                                                .look = SVG_SERIES - 1,
                                                .faint = true,
                                                .tip = group->g.label};
    }
}

static void put_effects(struct album *a, int64_t axis, bool numbers, struct chart_mark *marks,
                        int64_t *n)
{
    const struct rn_axis *x = &a->s->axes[axis];
    char value[32];

    text_add(&a->csv, "value,groups,seeds,mean,low,high\n");
    for (int64_t i = 0; i < x->n_effects; i++) {
        const struct rn_effect *e = &x->effects[i];
        marks[(*n)++] = (struct chart_mark){.x = numbers ? sweep_number(e->value) : (double)i,
                                            .y = e->objective.mean,
                                            .low = e->objective.low,
                                            .high = e->objective.high,
                                            .form = KEY_DIAMOND,
                                            .look = 0};
        escape_csv(&a->csv, e->value);
        text_add(&a->csv, ",%lld,%lld", (long long)e->n_groups, (long long)e->objective.n);
        put_cell(&a->csv, e->objective.mean);
        put_cell(&a->csv, e->objective.low);
        put_cell(&a->csv, e->objective.high);
        text_add(&a->csv, "\n");
        text_add(&a->alt, "%s%s: %s.", i ? " " : "", e->value,
                 sweep_text(a->s, e->objective.mean, value));
    }
}

static void put_each(struct album *a, int64_t axis)
{
    text_add(&a->csv, "value,objective\n");
    for (int64_t g = 0; g < a->s->n; g++) {
        const struct group *group = &a->s->groups[g];
        if (!group_counts(group) || !group->g.values[axis])
            continue;
        escape_csv(&a->csv, group->g.values[axis]);
        put_cell(&a->csv, group->g.objective.mean);
        text_add(&a->csv, "\n");
    }
    text_add(&a->alt, "Each configuration by its value of %s.", a->s->axes[axis].path);
}

static int draw_effect(struct album *a, int64_t axis)
{
    struct sweep *s = a->s;
    const struct rn_axis *x = &s->axes[axis];
    bool numbers = has_numbers(s, axis);
    int64_t n = 0, before;
    struct chart_mark *marks = pool_alloc(s->p, (size_t)(s->n + x->n_effects) * sizeof *marks + 1);
    const char **names = pool_alloc(s->p, (size_t)x->n_effects * sizeof *names + 1);
    double *line = pool_alloc(s->p, 2 * (size_t)x->n_effects * sizeof *line + 1);

    if (!marks || !names || !line)
        return RN_ENOMEM;
    if (x->n_effects == 1 || (!numbers && !x->n_effects))
        return RN_OK;
    put_groups(a, axis, numbers, marks, &n);
    before = n;
    if (x->n_effects)
        put_effects(a, axis, numbers, marks, &n);
    else
        put_each(a, axis);
    for (int64_t i = 0; i < x->n_effects; i++) {
        names[i] = x->effects[i].value;
        line[i] = marks[before + i].x;
        line[x->n_effects + i] = marks[before + i].y;
    }
    const char *name = pool_printf(s->p, "effect_%lld", (long long)axis + 1);
    const char *title = pool_printf(s->p, "Effect of %s", x->path);
    if (!name || !title)
        return RN_ENOMEM;
    int status = chart_cloud(
        &a->svg,
        &(struct chart_cloud){.head = {title, text_str(&a->alt),
                                       x->n_effects ? "dots: configurations; diamond: "
                                                      "their mean, 95 % interval over seeds"
                                                    : "each configuration",
                                       NULL},
                              .x_label = x->path,
                              .y_label = a->label,
                              .marks = marks,
                              .n = n,
                              .names = numbers ? NULL : names,
                              .n_names = numbers ? 0 : x->n_effects,
                              .x_log = numbers && is_log(s, axis),
                              .percent = s->view.percent,
                              .line_x = line,
                              .line_y = line + x->n_effects,
                              .n_line = numbers ? x->n_effects : 0,
                              .line_look = 0});
    return album_keep(a, name, title, status);
}

int draw_effects(struct album *a)
{
    for (int64_t i = 0; i < a->s->view.n_axes && i < EFFECTS_MAX; i++)
        TRY(draw_effect(a, i));
    return RN_OK;
}

/* ---- pairs ---------------------------------------------------------------- */

struct cells { /* of a pair of axes */
    double *sum;
    const char **words, **tips;
    int64_t *n;
};

static int fill_cells(struct sweep *s, int64_t x, int64_t y, struct cells *c)
{
    int64_t cols = s->axes[x].n_effects, all = cols * s->axes[y].n_effects;
    char value[32];

    *c = (struct cells){pool_alloc(s->p, (size_t)all * sizeof *c->sum),
                        pool_alloc(s->p, (size_t)all * sizeof *c->words),
                        pool_alloc(s->p, (size_t)all * sizeof *c->tips),
                        pool_alloc(s->p, (size_t)all * sizeof *c->n)};
    if (!c->sum || !c->words || !c->tips || !c->n)
        return RN_ENOMEM;
    for (int64_t g = 0; g < s->n; g++) {
        int64_t col = sweep_effect_of(s, x, &s->groups[g]);
        int64_t row = sweep_effect_of(s, y, &s->groups[g]);
        if (!group_counts(&s->groups[g]) || col < 0 || row < 0)
            continue;
        c->sum[row * cols + col] += s->groups[g].g.objective.mean;
        c->n[row * cols + col]++;
    }
    for (int64_t i = 0; i < all; i++) {
        c->sum[i] = c->n[i] ? c->sum[i] / (double)c->n[i] : NAN;
        c->words[i] = c->n[i] ? pool_strdup(s->p, sweep_text(s, c->sum[i], value)) : "";
        c->tips[i] = pool_printf(
            s->p, "%s %.60s, %s %.60s: %s, %lld configuration%s", s->axes[y].path,
            s->axes[y].effects[i / cols].value, s->axes[x].path, s->axes[x].effects[i % cols].value,
            c->n[i] ? c->words[i] : "none", (long long)c->n[i], c->n[i] == 1 ? "" : "s");
        if (!c->words[i] || !c->tips[i])
            return RN_ENOMEM;
    }
    return RN_OK;
}

static int draw_grid(struct album *a, int64_t x, int64_t y)
{
    struct sweep *s = a->s;
    const struct rn_axis *across = &s->axes[x], *down = &s->axes[y];
    const char *cols[SWEEP_VALUES], *rows[SWEEP_VALUES];
    struct cells c;

    TRY(fill_cells(s, x, y, &c));
    for (int64_t i = 0; i < across->n_effects; i++)
        cols[i] = across->effects[i].value;
    for (int64_t i = 0; i < down->n_effects; i++)
        rows[i] = down->effects[i].value;
    escape_csv(&a->csv, down->path);
    text_add(&a->csv, ",");
    escape_csv(&a->csv, across->path);
    text_add(&a->csv, ",mean,configurations\n");
    for (int64_t i = 0; i < across->n_effects * down->n_effects; i++) {
        escape_csv(&a->csv, rows[i / across->n_effects]);
        text_add(&a->csv, ",");
        escape_csv(&a->csv, cols[i % across->n_effects]);
        put_cell(&a->csv, c.sum[i]);
        text_add(&a->csv, ",%lld\n", (long long)c.n[i]);
        if (c.n[i])
            text_add(&a->alt, "%s%s, %s: %s.", a->alt.n ? " " : "", rows[i / across->n_effects],
                     cols[i % across->n_effects], c.words[i]);
    }
    const char *name = pool_printf(s->p, "grid_%lld_%lld", (long long)x + 1, (long long)y + 1);
    const char *title = pool_printf(s->p, "%s and %s", down->path, across->path);
    if (!name || !title)
        return RN_ENOMEM;
    int status =
        chart_grid(&a->svg, &(struct chart_grid){.head = {title, text_str(&a->alt), a->label, NULL},
                                                 .row_label = down->path,
                                                 .col_label = across->path,
                                                 .rows = rows,
                                                 .cols = cols,
                                                 .n_rows = down->n_effects,
                                                 .n_cols = across->n_effects,
                                                 .values = c.sum,
                                                 .words = c.words,
                                                 .tips = c.tips});
    return album_keep(a, name, title, status);
}

int draw_grids(struct album *a)
{
    int64_t n = a->s->view.n_axes;
    int drawn = 0;

    for (int64_t y = 0; y < n; y++)
        for (int64_t x = y + 1; x < n && drawn < GRIDS_MAX; x++)
            if (a->s->axes[x].n_effects > 1 && a->s->axes[y].n_effects > 1) {
                TRY(draw_grid(a, x, y));
                drawn++;
            }
    return RN_OK;
}

/* ---- all axes ------------------------------------------------------------- */

struct extent {
    double low, high;
    bool numbers, log;
};

static double share_of_axis(const struct sweep *s, int64_t a, const struct group *g,
                            const struct extent *e)
{
    double v = place_of(s, a, g, e->numbers);

    if (e->high <= e->low)
        return isnan(v) ? NAN : 0.5;
    return e->log ? log(v / e->low) / log(e->high / e->low) : (v - e->low) / (e->high - e->low);
}

static int measure_axis(struct sweep *s, int64_t a, struct extent *e,
                        struct chart_parallel_axis *out)
{
    *e = (struct extent){INFINITY, -INFINITY, has_numbers(s, a), is_log(s, a)};
    *out = (struct chart_parallel_axis){short_path(s->axes[a].path), "", ""};
    for (int64_t g = 0; g < s->n; g++) {
        double v = place_of(s, a, &s->groups[g], e->numbers);
        if (!group_counts(&s->groups[g]) || isnan(v))
            continue;
        if (v < e->low)
            out->low = s->groups[g].g.values[a];
        if (v > e->high)
            out->high = s->groups[g].g.values[a];
        e->low = fmin(e->low, v);
        e->high = fmax(e->high, v);
    }
    e->log &= e->numbers && e->low > 0;
    return RN_OK;
}

static int put_paths(struct sweep *s, int n_axes, const struct extent *e, struct chart_path *paths,
                     int64_t n)
{
    double worst = s->groups[n - 1].g.objective.mean, best = s->groups[0].g.objective.mean;

    for (int64_t g = 0; g < n; g++) {
        worst = sweep_better(s, worst, s->groups[g].g.objective.mean)
                    ? s->groups[g].g.objective.mean
                    : worst;
        best = sweep_better(s, s->groups[g].g.objective.mean, best) ? s->groups[g].g.objective.mean
                                                                    : best;
    }
    for (int64_t g = 0; g < n; g++) {
        double *at = pool_alloc(s->p, (size_t)(n_axes + 1) * sizeof *at);
        double v = s->groups[g].g.objective.mean;
        char value[32];
        if (!at)
            return RN_ENOMEM;
        for (int a = 0; a < n_axes; a++)
            at[a] = share_of_axis(s, a, &s->groups[g], &e[a]);
        at[n_axes] = best > worst || best < worst ? (v - worst) / (best - worst) : 0.5;
        bool top = g < (n + 4) / 5, reference = g == s->view.reference;
        paths[g] = (struct chart_path){
            .at = at,
            .look = reference ? 1
                    : top     ? 0
                              : SVG_SERIES - 1,
            .faint = !top && !reference,
            .tip = pool_printf(s->p, "%s: %s", s->groups[g].g.label, sweep_text(s, v, value))};
        if (!paths[g].tip)
            return RN_ENOMEM;
    }
    return RN_OK;
}

static void put_parallel_csv(struct album *a, int64_t n)
{
    const struct sweep *s = a->s;

    text_add(&a->csv, "configuration");
    for (int64_t x = 0; x < s->view.n_axes; x++) {
        text_add(&a->csv, ",");
        escape_csv(&a->csv, s->axes[x].path);
    }
    text_add(&a->csv, ",objective\n");
    for (int64_t g = 0; g < n; g++) {
        escape_csv(&a->csv, s->groups[g].g.label);
        for (int64_t x = 0; x < s->view.n_axes; x++) {
            text_add(&a->csv, ",");
            escape_csv(&a->csv, s->groups[g].g.values[x] ? s->groups[g].g.values[x] : "");
        }
        put_cell(&a->csv, s->groups[g].g.objective.mean);
        text_add(&a->csv, "\n");
    }
}

/* Of more axes than two, and of searches: a grid says more of two. */
int draw_parallel(struct album *a)
{
    struct sweep *s = a->s;
    int n_axes = (int)(s->view.n_axes < PARALLEL_AXES ? s->view.n_axes : PARALLEL_AXES);
    struct chart_parallel_axis axes[PARALLEL_AXES + 1];
    struct extent e[PARALLEL_AXES];
    int64_t n = groups_counted(s);
    struct chart_path *paths = pool_alloc(s->p, (size_t)n * sizeof *paths + 1);
    bool search = false;
    char value[32];

    if (!paths)
        return RN_ENOMEM;
    for (int x = 0; x < n_axes; x++) {
        TRY(measure_axis(s, x, &e[x], &axes[x]));
        search |= !s->axes[x].n_effects;
    }
    if (n < 3 || n_axes < 2 || (n_axes == 2 && !search))
        return RN_OK;
    TRY(put_paths(s, n_axes, e, paths, n));
    axes[n_axes] = (struct chart_parallel_axis){
        a->label, "worst", pool_strdup(s->p, sweep_text(s, s->groups[0].g.objective.mean, value))};
    put_parallel_csv(a, n);
    text_add(&a->alt, "The best is %s; the table has all values.", s->groups[0].g.label);
    struct chart_key keys[] = {{"best fifth", 0, KEY_LINE},
                               {"others", SVG_SERIES - 1, KEY_THIN},
                               {"reference", 1, KEY_LINE}};
    int status =
        axes[n_axes].high
            ? chart_parallel(&a->svg,
                             &(struct chart_parallel){
                                 .head = {"All axes", text_str(&a->alt), NULL,
                                          n_axes < s->view.n_axes ? "the first axes alone" : NULL},
                                 .axes = axes,
                                 .n_axes = n_axes + 1,
                                 .paths = paths,
                                 .n = n,
                                 .keys = keys,
                                 .n_keys = s->view.reference < 0 ? 2 : 3})
            : RN_ENOMEM;
    return album_keep(a, "parallel", "All axes", status);
}

/* ---- importance ----------------------------------------------------------- */

int draw_importance(struct album *a)
{
    struct sweep *s = a->s;
    struct chart_bar bars[SWEEP_AXES_MAX];
    int64_t n = 0;

    text_add(&a->csv, "axis,importance\n");
    for (int64_t x = 0; x < s->view.n_axes; x++) {
        double v = s->axes[x].importance;
        if (isnan(v))
            continue;
        bars[n] = (struct chart_bar){.name = short_path(s->axes[x].path),
                                     .value = pool_printf(s->p, "%.0f %%", 100 * v),
                                     .part = {v},
                                     .low = NAN,
                                     .high = NAN};
        if (!bars[n++].value)
            return RN_ENOMEM;
        escape_csv(&a->csv, s->axes[x].path);
        put_cell(&a->csv, v);
        text_add(&a->csv, "\n");
        text_add(&a->alt, "%s%s: %.0f %%.", a->alt.n ? " " : "", s->axes[x].path, 100 * v);
    }
    if (n < 2) {
        text_free(&a->csv);
        text_free(&a->alt);
        return RN_OK;
    }
    int status = chart_bars(
        &a->svg, &(struct chart_bars){.head = {"Which axis matters", text_str(&a->alt),
                                               "share of the variance between configurations that "
                                               "an axis explains alone",
                                               NULL},
                                      .bars = bars,
                                      .n = n,
                                      .percent = true});
    return album_keep(a, "importance", "Which axis matters", status);
}
