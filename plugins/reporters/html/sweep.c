/* sweep.c - the page of a sweep: what can be said, the ranking, figures, what failed and why. */
#include "index.h"
#include "run.h"

#include "html_files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DASH "\xE2\x80\x93"

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
    emit(t, "<p class=\"soft\">%I configurations, %I runs; %s of %s</p></header>\n\n", s->n, runs,
         s->more_is_better ? "the highest" : "the lowest", s->metric);
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
        emit(t, "<td>%r</td>", reference ? "<small>reference</small>" : DASH);
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
    }
    emit(t, "</td>");
}

static void put_group(struct rn_text *t, const struct rn_sweep *s, int64_t i)
{
    const struct rn_group *g = &s->groups[i];

    emit(t, "<tr><td>%I</td><th scope=\"row\"><span class=\"wrap\">%s</span></th>", i + 1,
         g->label);
    put_estimate(t, s, &g->objective);
    emit(t, "<td>%I</td>", g->objective.n);
    put_difference(t, s, g, i == s->reference);
    put_estimate(t, s, &g->test);
    emit(t, "<td data-v=\"%3\">", g->train_s.mean);
    page_duration(t, g->train_s.mean);
    emit(t, "</td></tr>\n");
}

static void put_ranking(struct sweeping *k)
{
    const struct rn_sweep *s = k->s;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "ranking", "Ranking");
    if (s->n) {
        page_table(t, true, "Best first, by validation; in small type: 95 % intervals");
        emit(t, "<thead><tr>");
        page_th(t, "rank", true);
        page_th(t, "configuration", true);
        page_th(t, s->metric, false);
        page_th(t, "seeds", false);
        page_th(t, "less reference", false);
        page_th(t, s->test_metric, false);
        page_th(t, "training", false);
        emit(t, "</tr></thead>\n<tbody>\n");
    }
    for (int64_t i = 0; i < s->n; i++)
        put_group(t, s, i);
    if (s->n) {
        emit(t, "</tbody>");
        page_table_end(t);
    }
    page_section_end(&k->page);
}

int sweep_page(const struct rn_sweep *s, const char *dir)
{
    struct sweeping k = {.s = s};
    char path[4096];

    if (snprintf(path, sizeof path, "%s/report.html", dir) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "html: the path %s is too long", dir);
    put_header(&k);
    put_ranking(&k);
    return page_write(&k.page, path, s->name, 0, compare_css);
}
