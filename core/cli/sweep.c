/* sweep.c - `runner sweep`: hands the command line to a sweep, and shows what came of it. */
#include "sweep.h"

#include "base/error.h"
#include "report/sweep.h"
#include "sweep/sweep.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 20 }; /* groups of the ranking */

/* With the digits that the interval allows; of a share in percent. */
static const char *number(char out[48], double v, bool percent)
{
    if (!isfinite(v))
        return "";
    snprintf(out, 48, percent ? "%.2f %%" : "%.4g", percent ? 100 * v : v);
    return out;
}

static const char *between(char out[48], double low, double high, bool percent)
{
    if (!isfinite(low) || !isfinite(high))
        return "";
    snprintf(out, 48, percent ? "%.2f to %.2f" : "%.4g to %.4g", percent ? 100 * low : low,
             percent ? 100 * high : high);
    return out;
}

static int put_difference(struct table *t, const struct rn_sweep *s, int64_t i)
{
    const struct rn_difference *d = &s->groups[i].difference;
    char cell[48];

    if (i == s->reference)
        return table_add(t, "reference");
    if (d->by == RN_NOT_COMPARED)
        return table_add(t, "");
    snprintf(cell, sizeof cell, s->percent ? "%+.2f%s" : "%+.3g%s",
             s->percent ? 100 * d->mean : d->mean, d->differs ? "" : " (not shown)");
    return table_add(t, isfinite(d->mean) ? cell : "");
}

static int put_group(struct table *t, const struct rn_sweep *s, int64_t i)
{
    const struct rn_group *g = &s->groups[i];
    char cell[48];

    TRY(table_add(t, g->label));
    snprintf(cell, sizeof cell, "%lld", (long long)g->objective.n);
    TRY(table_add(t, cell));
    TRY(table_add(t, number(cell, g->objective.mean, s->percent)));
    TRY(table_add(t, between(cell, g->objective.low, g->objective.high, s->percent)));
    TRY(put_difference(t, s, i));
    TRY(table_add(t, number(cell, g->test.mean, s->percent)));
    snprintf(cell, sizeof cell, "%lld failed", (long long)g->n_failed + (long long)g->n_diverged);
    return table_add(t, g->n_failed + g->n_diverged ? cell : "");
}

static int ranking(struct pool *p, const struct rn_sweep *s, struct text *out)
{
    const char *const heads[] = {"group",        "n",   s->metric, "95 % interval", "difference",
                                 s->test_metric, "runs"};
    enum { COLUMNS = sizeof heads / sizeof *heads };
    struct table t = {.p = p, .columns = COLUMNS};

    for (int i = 0; i < COLUMNS; i++)
        TRY(table_add(&t, heads[i]));
    for (int i = 1; i < COLUMNS - 1; i++)
        t.right[i] = true;
    for (int64_t i = 0; i < s->n && i < SHOWN; i++)
        TRY(put_group(&t, s, i));
    table_text(&t, terminal_columns(), out);
    if (s->n > SHOWN)
        text_add(out, "and %lld more\n", (long long)s->n - SHOWN);
    return RN_OK;
}

static int show(struct pool *p, const struct args *a, const char *dir, struct text *out)
{
    struct sweep *s = NULL;

    TRY(sweep_open(dir, &s));
    int status = RN_OK;
    if (a->json) {
        sweep_summary_json(s, out);
    } else {
        if (a->verbosity >= 0) {
            status = ranking(p, &s->view, out);
            for (int64_t i = 0; i < s->view.n_findings; i++)
                if (i < 3 || s->view.findings[i].tone == RN_BAD)
                    text_add(out, "%s%s\n", i ? "" : "\n", s->view.findings[i].text);
        }
        text_add(out, "%s/report.html\n", dir);
    }
    sweep_close(s);
    return status < 0 ? status : out->status;
}

int sweep_command(struct pool *p, const struct args *a, struct registry *r, struct diag **diag,
                  int *code, struct text *out)
{
    const char *dir = NULL, *name = NULL,
               **words = pool_alloc(p, (size_t)(a->n_overrides + 1) * sizeof *words);
    bool check = !strcmp(a->verb, "check");
    int n = 0;

    if (a->n_words != 1)
        return FAIL(RN_EINVAL, "%s; see `runner help sweep`",
                    a->n_words ? "one file at a time" : "a file is needed");
    if (!words)
        return RN_ENOMEM;
    for (int i = 0; i < a->n_overrides; i++)
        if (!strncmp(a->overrides[i], "name=", 5))
            name = a->overrides[i] + 5;
        else
            words[n++] = a->overrides[i];
    const struct sweep_args args = {.file = a->words[0],
                                    .words = words,
                                    .n_words = n,
                                    .root = a->out,
                                    .name = name,
                                    .command = a->command,
                                    .plugin_dirs = a->plugin_dirs,
                                    .n_plugin_dirs = a->n_plugin_dirs,
                                    .jobs = (int)a->jobs,
                                    .verbosity = a->json || check ? -1 : a->verbosity,
                                    .json = a->json,
                                    .colour = a->colour};
    if (a->plan || check)
        return sweep_show(p, r, &args, diag, out);
    TRY(sweep_run(p, r, &args, diag, code, &dir));
    return show(p, a, dir, out);
}
