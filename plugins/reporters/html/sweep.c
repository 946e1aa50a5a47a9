/* sweep.c - the page of a sweep: what can be said, the ranking, figures, what failed and why. */
#include "index.h"
#include "pairs.h"
#include "run.h"

#include "html_files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DASH "\xE2\x80\x93"

enum { PARAMETERS = 8, REFRESH_S = 10 }; /* PARAMETERS: columns of a table */

struct sweeping {
    const struct rn_sweep *s;
    struct page page;
};

/* ---- numbers -------------------------------------------------------------- */

static void put_value(struct rn_text *t, const struct rn_sweep *s, double v)
{
    if (isnan(v))
        emit(t, DASH);
    else if (s->percent)
        emit(t, "%2 %%", 100 * v);
    else
        emit(t, "%g", v);
}

static void put_signed(struct rn_text *t, const struct rn_sweep *s, double v)
{
    emit(t, "%r", v < 0 ? "\xE2\x88\x92" : "+");
    if (s->percent)
        emit(t, "%2", 100 * fabs(v));
    else
        emit(t, "%g", fabs(v));
}

static void put_estimate(struct rn_text *t, const struct rn_sweep *s, const struct rn_estimate *e)
{
    emit(t, "<td data-v=\"%9\">", isnan(e->mean) ? -1e300 : e->mean);
    put_value(t, s, e->mean);
    if (isfinite(e->low) && e->high > e->low && s->percent)
        emit(t, "<br><small>%2 to %2</small>", 100 * e->low, 100 * e->high);
    else if (isfinite(e->low) && e->high > e->low)
        emit(t, "<br><small>%g to %g</small>", e->low, e->high);
    emit(t, "</td>");
}

/* ---- head ----------------------------------------------------------------- */

static void put_header(struct sweeping *k)
{
    const struct rn_sweep *s = k->s;
    struct rn_text *t = &k->page.body;
    int64_t runs = 0;

    for (int64_t g = 0; g < s->n; g++)
        runs += s->groups[g].n_trials;
    emit(t, "<header><h1>%s</h1>\n", s->name);
    if (*s->description)
        emit(t, "<p class=\"about\">%s</p>\n", s->description);
    emit(t, "<p class=\"soft\">%I configurations, %I runs; %s of %s</p>\n", s->n, runs,
         s->more_is_better ? "the highest" : "the lowest", s->metric);
    if (*s->command)
        emit(t, "<pre class=\"command\"><code>%s</code></pre>\n", s->command);
    emit(t, "</header>\n\n");
    page_section(&k->page, "findings", "What can be said");
    emit(t, "%r", s->n_findings ? "<ul class=\"findings\">\n" : "");
    for (int64_t i = 0; i < s->n_findings; i++)
        page_finding(t, &s->findings[i]);
    emit(t, "%r", s->n_findings ? "</ul>\n" : "");
    page_section_end(&k->page);
}

/* ---- ranking -------------------------------------------------------------- */

static void put_difference(struct rn_text *t, const struct rn_sweep *s, const struct rn_group *g,
                           bool reference)
{
    const struct rn_difference *d = &g->difference;

    if (reference || d->by == RN_NOT_COMPARED) {
        emit(t, "<td>%r</td><td>%r</td>", reference ? "<small>reference</small>" : DASH, DASH);
        return;
    }
    emit(t, "<td%r data-v=\"%9\">", d->differs ? " class=\"shown\"" : "", d->mean);
    put_signed(t, s, d->mean);
    if (isfinite(d->low)) {
        emit(t, "<br><small>");
        put_signed(t, s, d->low);
        emit(t, " to ");
        put_signed(t, s, d->high);
        emit(t, "</small>");
    } else if (d->by == RN_BY_SAMPLES) {
        emit(t, "<br><small>test, by sample</small>");
    }
    emit(t, "</td>");
    if (isnan(d->p_corrected))
        emit(t, "<td>%r</td>", DASH);
    else
        pairs_p(t, d->p_corrected);
}

static bool sizes_differ(const struct rn_sweep *s)
{
    for (int64_t i = 1; i < s->n; i++)
        if (s->groups[i].parameters && s->groups[0].parameters != s->groups[i].parameters)
            return true;
    return false;
}

static void put_seeds(struct rn_text *t, const struct rn_group *g)
{
    emit(t, "<td>%I", g->objective.n);
    if (g->objective.n < g->n_trials)
        emit(t, "<br><small>of %I</small>", g->n_trials);
    emit(t, "</td>");
}

static void put_group(struct rn_text *t, const struct rn_sweep *s, int64_t i)
{
    const struct rn_group *g = &s->groups[i];

    emit(t, "<tr><td>%I</td><th scope=\"row\"><span class=\"wrap\">", i + 1);
    emit_short(t, "%s</span></th>", g->label);
    put_estimate(t, s, &g->objective);
    put_seeds(t, g);
    put_difference(t, s, g, i == s->reference);
    if (s->best_seeds && isnan(g->best_share))
        emit(t, "<td>%r</td>", DASH);
    else if (s->best_seeds)
        emit(t, "<td data-v=\"%6\">%0 %%</td>", g->best_share, 100 * g->best_share);
    put_estimate(t, s, &g->test);
    emit(t, "<td data-v=\"%3\">", isnan(g->train_s.mean) ? -1.0 : g->train_s.mean);
    page_duration(t, g->train_s.mean);
    if (sizes_differ(s) && g->parameters)
        emit(t, "<br><small>%I</small>", g->parameters);
    emit(t, "</td></tr>\n");
}

static void put_heads(struct rn_text *t, const struct rn_sweep *s)
{
    emit(t,
         "<p class=\"soft\">By validation, never by test. In small type 95 %% intervals: Student's "
         "over seeds; those of differences are corrected for %I comparison%r. Bold: a difference, "
         "since its interval excludes 0, or, with one seed, by McNemar's exact test.",
         s->n_comparisons, s->n_comparisons == 1 ? "" : "s");
    if (s->best_seeds)
        emit(t, " &ldquo;Is best&rdquo;: how often, were %I seeds drawn again.", s->best_seeds);
    emit(t, "</p>\n<div class=\"ranked\">\n");
    page_table(t, true, "Best first");
    emit(t, "<thead><tr>");
    page_th(t, "rank", true);
    page_th(t, "configuration", true);
    page_th(t, s->metric, false);
    page_th(t, "seeds", false);
    page_th(t, "less reference", false);
    page_th(t, "p, corrected", false);
    if (s->best_seeds)
        page_th(t, "is best", false);
    page_th(t, s->test_metric, false);
    page_th(t, sizes_differ(s) ? "training, parameters" : "training", false);
    emit(t, "</tr></thead>\n<tbody>\n");
}

static bool begins(const char *s, const char *with) { return !strncmp(s, with, strlen(with)); }

/* Figures whose names begin with one of these, side by side. */
static void put_figures(struct sweeping *k, const char *const *names)
{
    bool open = false;

    for (; *names; names++)
        for (int64_t i = 0; i < k->s->n_figures; i++) {
            const struct rn_figure *f = &k->s->figures[i];
            if (!begins(f->name, *names))
                continue;
            emit(&k->page.body, "%r", open ? "" : "<div class=\"pair\">\n");
            open = true;
            page_figure(&k->page.body, f, "figures/", false);
        }
    emit(&k->page.body, "%r", open ? "</div>\n" : "");
}

static void put_ranking(struct sweeping *k)
{
    const struct rn_sweep *s = k->s;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "ranking", "Ranking");
    put_figures(k, (const char *const[]){"ranking", "differences", NULL});
    if (s->n)
        put_heads(t, s);
    for (int64_t i = 0; i < s->n; i++)
        put_group(t, s, i);
    if (s->n) {
        emit(t, "</tbody>");
        page_table_end(t);
        emit(t, "</div>\n");
    }
    page_section_end(&k->page);
}

/* ---- what differs --------------------------------------------------------- */

static void put_parameters(struct sweeping *k)
{
    const struct rn_sweep *s = k->s;
    struct rn_text *t = &k->page.body;
    int64_t shown = s->n_parameters < PARAMETERS ? s->n_parameters : PARAMETERS;

    page_section(&k->page, "parameters", "What differs");
    if (shown) {
        page_table(t, true,
                   shown < s->n_parameters
                       ? "Values that are not the same everywhere: the first of them"
                       : "Values that are not the same everywhere");
        emit(t, "<thead><tr>");
        page_th(t, "configuration", true);
    }
    for (int64_t i = 0; i < shown; i++) {
        emit(t, "<th scope=\"col\" class=\"left\"><span class=\"wrap\">");
        emit_short(t, "%s</span></th>", s->parameters[i].key);
    }
    emit(t, "%r", shown ? "</tr></thead>\n<tbody>\n" : "");
    for (int64_t g = 0; shown && g < s->n; g++) {
        emit(t, "<tr><th scope=\"row\"><span class=\"wrap\">");
        emit_short(t, "%s</span></th>", s->groups[g].label);
        for (int64_t i = 0; i < shown; i++) {
            const char *v = s->parameters[i].values[g];
            emit(t, "<td class=\"left\"><span class=\"wrap\">");
            emit_short(t, "%s</span></td>", v ? v : DASH);
        }
        emit(t, "</tr>\n");
    }
    if (shown) {
        emit(t, "</tbody>");
        page_table_end(t);
    }
    page_section_end(&k->page);
}

/* ---- sample by sample ----------------------------------------------------- */

static void put_pair(struct sweeping *k)
{
    const struct rn_sweep *s = k->s;
    const struct rn_pair *p = s->pair;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "samples", "Sample by sample");
    if (p) {
        emit(t,
             "<p>%s against %s, both with seed %u, on the same %I test samples: both are right on "
             "%I, neither on %I, only the first on %I, only the second on %I.</p>\n",
             s->pair_labels[0], s->pair_labels[1], s->pair_seed, p->n, p->both, p->neither,
             p->only_a, p->only_b);
        pairs_gallery(t, p, (struct pair_side){s->pair_reports[0]->test, s->pair_labels[0], 0},
                      (struct pair_side){s->pair_reports[1]->test, s->pair_labels[1], 1}, true);
    }
    page_section_end(&k->page);
}

/* ---- runs ----------------------------------------------------------------- */

static bool is_failure(const struct rn_trial *t)
{
    return !t->counts && strcmp(t->status, "pending") != 0 && strcmp(t->status, "running") != 0 &&
           strcmp(t->status, "pruned") != 0;
}

static void put_id(struct rn_text *t, const struct rn_trial *r)
{
    emit(t, "<th scope=\"row\"><span class=\"wrap\">");
    if (r->page) {
        emit(t, "<a href=\"");
        page_href(t, r->page);
        emit(t, "\">");
    }
    emit_short(t, "%s", r->id);
    emit(t, "%r</span></th>", r->page ? "</a>" : "");
}

static void put_failed(struct sweeping *k)
{
    const struct rn_sweep *s = k->s;
    struct rn_text *t = &k->page.body;
    bool open = false;

    page_section(&k->page, "failed", "Runs that gave no number");
    for (int64_t g = 0; g < s->n; g++)
        for (int64_t i = 0; i < s->groups[g].n_trials; i++) {
            const struct rn_trial *r = &s->groups[g].trials[i];
            if (!is_failure(r))
                continue;
            if (!open) {
                page_table(t, true, "How they ended and why; logs/ has what they said");
                emit(t, "<thead><tr>");
                page_th(t, "run", true);
                page_th(t, "ended", true);
                page_th(t, "exit code", false);
                page_th(t, "attempts", false);
                page_th(t, "why", true);
                emit(t, "</tr></thead>\n<tbody>\n");
                open = true;
            }
            emit(t, "<tr>");
            put_id(t, r);
            emit(t,
                 "<td class=\"left\">%s</td><td>%i</td><td>%i</td><td class=\"left\">"
                 "<span class=\"wrap why\">%s</span></td></tr>\n",
                 r->status, r->exit_code, r->attempts, r->reason);
        }
    if (open) {
        emit(t, "</tbody>");
        page_table_end(t);
    }
    page_section_end(&k->page);
}

static void put_run(struct rn_text *t, const struct rn_sweep *s, const struct rn_trial *r)
{
    emit(t, "<tr>");
    put_id(t, r);
    emit(t, "<td>%u</td><td class=\"left\">%s</td><td data-v=\"%9\">", r->seed, r->status,
         isnan(r->objective) ? -1e300 : r->objective);
    put_value(t, s, r->objective);
    emit(t, "</td><td>%I</td><td>%I</td><td data-v=\"%9\">", r->best_epoch, r->epochs,
         isnan(r->test) ? -1e300 : r->test);
    put_value(t, s, r->test);
    emit(t, "</td><td data-v=\"%3\">", isnan(r->train_s) ? -1.0 : r->train_s);
    page_duration(t, r->train_s);
    emit(t, "</td></tr>\n");
}

static void put_runs(struct sweeping *k)
{
    const struct rn_sweep *s = k->s;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "runs", "All runs");
    if (s->n) {
        emit(t, "<details><summary>Each run, with a link to its report</summary>\n");
        page_table(t, true, "By configuration, in their order, and seed");
        emit(t, "<thead><tr>");
        page_th(t, "run", true);
        page_th(t, "seed", false);
        page_th(t, "ended", true);
        page_th(t, s->metric, false);
        page_th(t, "at epoch", false);
        page_th(t, "of", false);
        page_th(t, s->test_metric, false);
        page_th(t, "training", false);
        emit(t, "</tr></thead>\n<tbody>\n");
    }
    for (int64_t g = 0; g < s->n; g++)
        for (int64_t i = 0; i < s->groups[g].n_trials; i++)
            put_run(t, s, &s->groups[g].trials[i]);
    if (s->n) {
        emit(t, "</tbody>");
        page_table_end(t);
        emit(t, "</details>\n");
    }
    page_section_end(&k->page);
}

/* ---- the page ------------------------------------------------------------- */

static void put_section(struct sweeping *k, const char *anchor, const char *title,
                        const char *const *figures)
{
    page_section(&k->page, anchor, title);
    put_figures(k, figures);
    page_section_end(&k->page);
}

static bool goes_on(const struct rn_sweep *s)
{
    for (int64_t g = 0; g < s->n; g++)
        for (int64_t i = 0; i < s->groups[g].n_trials; i++)
            if (!strcmp(s->groups[g].trials[i].status, "running"))
                return true;
    return false;
}

int sweep_page(const struct rn_sweep *s, const char *dir)
{
    struct sweeping k = {.s = s};
    struct rn_text style = {0};
    char path[4096];

    if (snprintf(path, sizeof path, "%s/report.html", dir) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "html: the path %s is too long", dir);
    put_header(&k);
    put_ranking(&k);
    put_parameters(&k);
    put_section(&k, "curves", "Curves", (const char *const[]){"curves", "trials", NULL});
    put_section(&k, "effects", "What each axis does",
                (const char *const[]){"importance", "effect_", "grid_", "parallel", NULL});
    put_section(&k, "cost", "What a better score costs",
                (const char *const[]){"time", "size", NULL});
    put_section(&k, "test", "Validation against test",
                (const char *const[]){"validation_test", NULL});
    put_pair(&k);
    put_failed(&k);
    put_runs(&k);
    rn_text_str(&style, compare_css);
    for (int i = 0; i < 2 && s->pair; i++)
        run_sprite_style(&style, i ? ".t1" : ".t0", s->pair_reports[i]->test);
    k.page.body.status = k.page.body.status ? k.page.body.status : style.status;
    int status =
        page_write(&k.page, path, s->name, goes_on(s) ? REFRESH_S : 0, style.s ? style.s : "");
    rn_host->free(style.s);
    return status;
}
