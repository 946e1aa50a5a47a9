/* sweep.c - report.md of a sweep: what can be said, the ranking, figures, what failed and why; and
 * how a text is escaped. */
#include "page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROWS_FOLDED 40 /* of the ranking; more are left to report.html and summary.json */

void md_escape(struct rn_text *p, const char *s)
{
    for (int n; *s; s += n ? n : rn_utf8_hidden(s)) {
        n = rn_utf8_shown(s);
        if (!n)
            rn_text_str(p, "\xEF\xBF\xBD");
        else if (strchr("\n\r\t", *s))
            rn_text_put(p, " ", 1);
        else if (strchr("<>&@\"", *s) || (*s == ':' && s[1] == '/'))
            rn_text_add(p, "&#%d;", *s);
        else if (strchr("\\`*_[]#|~$", *s))
            rn_text_add(p, "\\%c", *s);
        else
            rn_text_put(p, s, (size_t)n);
    }
}

static void put_value(struct rn_text *p, const struct rn_sweep *s, double v)
{
    if (isnan(v))
        emit(p, "–");
    else if (s->percent)
        emit(p, "%2 %%", 100 * v);
    else
        emit(p, "%g", v);
}

static void put_signed(struct rn_text *p, const struct rn_sweep *s, double v)
{
    if (s->percent)
        emit(p, "%r%2", v < 0 ? "−" : "+", 100 * fabs(v));
    else
        emit(p, "%r%g", v < 0 ? "−" : "+", fabs(v));
}

static void put_estimate(struct rn_text *p, const struct rn_sweep *s, const struct rn_estimate *e)
{
    put_value(p, s, e->mean);
    if (isfinite(e->low) && e->high > e->low && s->percent)
        emit(p, " (%2 to %2)", 100 * e->low, 100 * e->high);
    else if (isfinite(e->low) && e->high > e->low)
        emit(p, " (%g to %g)", e->low, e->high);
}

static void put_difference(struct rn_text *p, const struct rn_sweep *s, const struct rn_group *g,
                           bool reference)
{
    const struct rn_difference *d = &g->difference;

    if (reference || d->by == RN_NOT_COMPARED) {
        emit(p, "%r", reference ? "reference" : "–");
        return;
    }
    emit(p, "%r", d->differs ? "**" : "");
    put_signed(p, s, d->mean);
    emit(p, "%r", d->differs ? "**" : "");
    if (isfinite(d->low)) {
        emit(p, " (");
        put_signed(p, s, d->low);
        emit(p, " to ");
        put_signed(p, s, d->high);
        emit(p, ")");
    } else if (d->by == RN_BY_SAMPLES) {
        emit(p, " (test, p %4)", d->p_corrected);
    }
}

static void put_ranking(struct rn_text *p, const struct rn_sweep *s)
{
    int64_t n = s->n < ROWS_FOLDED ? s->n : ROWS_FOLDED;

    if (!s->n)
        return;
    emit(p,
         "## Ranking\n\n| | configuration | %s | seeds | less reference | %s | training, s |\n"
         "|---:|---|---:|---:|---:|---:|---:|\n",
         s->metric, s->test_metric);
    for (int64_t i = 0; i < n; i++) {
        const struct rn_group *g = &s->groups[i];
        emit(p, "| %I | %s | ", i + 1, g->label);
        put_estimate(p, s, &g->objective);
        emit(p, " | %I | ", g->objective.n);
        put_difference(p, s, g, i == s->reference);
        emit(p, " | ");
        put_estimate(p, s, &g->test);
        emit(p, " | %1 |\n", g->train_s.mean);
    }
    if (n < s->n)
        emit(p, "\n%I more in report.html.\n", s->n - n);
    emit(p,
         "\nBest first, by validation, never by test. In brackets 95 %% intervals (Student's, over "
         "seeds); those of differences are corrected for %I comparison%r. Bold: a difference.\n\n",
         s->n_comparisons, s->n_comparisons == 1 ? "" : "s");
}

static void put_failed(struct rn_text *p, const struct rn_sweep *s)
{
    bool any = false;

    for (int64_t g = 0; g < s->n; g++)
        for (int64_t i = 0; i < s->groups[g].n_trials; i++) {
            const struct rn_trial *t = &s->groups[g].trials[i];
            if (t->counts || !strcmp(t->status, "pending") || !strcmp(t->status, "running") ||
                !strcmp(t->status, "pruned"))
                continue;
            emit(p, "%r| %s | %s | %i | %s |\n",
                 any ? ""
                     : "## Runs that gave no number\n\n| run | ended | exit code | why |\n"
                       "|---|---|---:|---|\n",
                 t->id, t->status, t->exit_code, t->reason);
            any = true;
        }
    emit(p, "%r", any ? "\n" : "");
}

int sweep_markdown(const struct rn_sweep *s, const char *dir, const char *figures)
{
    struct rn_text p = {0};
    char path[4096];

    if (snprintf(path, sizeof path, "%s/report.md", dir) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "markdown: the path %s is too long", dir);
    emit(&p, "# %s\n\n", s->name);
    if (*s->description)
        emit(&p, "%s\n\n", s->description);
    for (int64_t i = 0; i < s->n_findings; i++)
        emit(&p, "- %s\n", s->findings[i].text);
    emit(&p, "%r", s->n_findings ? "\n" : "");
    put_ranking(&p, s);
    for (int64_t i = 0; i < s->n_figures; i++)
        emit(&p, "%r![%s](figures/%r.%r)\n\n", i ? "" : "## Figures\n\n", s->figures[i].alt,
             s->figures[i].name, figures);
    put_failed(&p, s);
    emit(&p, "All runs and numbers: report.html, summary.json, figures/*.csv.\n");
    int status = p.status ? p.status : rn_host->write_file(path, p.s, p.n);
    rn_host->free(p.s);
    return status;
}
