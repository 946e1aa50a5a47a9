/* list.c - `runner runs`: the runs under a root as a table or as JSON. */
#include "list.h"

#include "base/error.h"
#include "base/json.h"
#include "report/runs.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *duration_text(double s, char out[32])
{
    if (!isfinite(s))
        snprintf(out, 32, "%s", "");
    else if (s < 1)
        snprintf(out, 32, "%.0f ms", 1000 * s);
    else if (s < 60)
        snprintf(out, 32, "%.1f s", s);
    else if (s < 3600)
        snprintf(out, 32, "%.0f min %.0f s", floor(s / 60), floor(fmod(s, 60)));
    else
        snprintf(out, 32, "%.0f h %.0f min", floor(s / 3600), floor(fmod(s, 3600) / 60));
    return out;
}

/* ---- table ---------------------------------------------------------------- */

static int add_run(struct table *t, const struct rn_run *r)
{
    char cell[64];

    TRY(table_add(t, r->name));
    TRY(table_add(t, r->id));
    snprintf(cell, sizeof cell, "%.30s%s", r->status,
             r->expected == 2 ? ", expectation failed" : "");
    TRY(table_add(t, cell));
    snprintf(cell, sizeof cell, "%.2f %%", 100 * r->accuracy);
    TRY(table_add(t, isfinite(r->accuracy) ? cell : ""));
    snprintf(cell, sizeof cell, "%.2f to %.2f", 100 * r->low, 100 * r->high);
    TRY(table_add(t, isfinite(r->low) ? cell : ""));
    snprintf(cell, sizeof cell, "%.4g", r->loss);
    TRY(table_add(t, isnan(r->loss) ? "" : cell));
    snprintf(cell, sizeof cell, "%lld/%lld", (long long)r->epochs, (long long)r->epochs_planned);
    TRY(table_add(t, r->epochs_planned ? cell : ""));
    TRY(table_add(t, duration_text(r->seconds, cell)));
    return table_add(t, r->differs);
}

static int put_table(struct pool *p, const struct run_list *l, int64_t n, struct text *out)
{
    static const char *const heads[] = {"name",     "run",           "status",
                                        "accuracy", "95 % interval", "test loss",
                                        "epochs",   "time",          "what differs"};
    enum { COLUMNS = sizeof heads / sizeof *heads };
    struct table t = {.p = p, .columns = COLUMNS};

    for (int i = 3; i < COLUMNS - 1; i++)
        t.right[i] = true;
    for (int i = 0; i < COLUMNS; i++)
        TRY(table_add(&t, heads[i]));
    for (int64_t i = 0; i < n; i++)
        TRY(add_run(&t, &l->runs[i]));
    table_text(&t, terminal_columns(), out);
    return RN_OK;
}

/* ---- JSON ----------------------------------------------------------------- */

static void put_run(struct text *t, const struct run_list *l, int64_t i)
{
    const struct rn_run *r = &l->runs[i];
    const char *const texts[][2] = {{"name", r->name},        {"id", r->id},
                                    {"dir", r->dir},          {"status", r->status},
                                    {"reason", r->reason},    {"started", r->started},
                                    {"device", r->device},    {"data", r->data},
                                    {"description", r->note}, {"differs", r->differs}};

    text_add(t, "{");
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        json_text(t, texts[k][0], texts[k][1]);
    json_key(t, "tags");
    text_add(t, "[");
    for (int64_t k = 0; k < r->n_tags; k++) {
        text_add(t, "%s", k ? ", " : "");
        json_string(t, r->tags[k]);
    }
    text_add(t, "]");
    json_key(t, "metrics");
    text_add(t, "{");
    for (int64_t k = 0; k < l->more[i].n; k++)
        json_real(t, l->more[i].metrics[k].name, l->more[i].metrics[k].value);
    text_add(t, "}");
    json_key(t, "curve");
    text_add(t, "[");
    for (int64_t k = 0; k < r->n_curve; k++) {
        text_add(t, "%s", k ? ", " : "");
        json_number(t, r->curve[k]);
    }
    text_add(t, "]");
    json_key(t, "config");
    json_facts(t, r->config, r->n_config);
    json_whole(t, "expected", r->expected);
    text_add(t, "}");
}

static void put_json(const struct run_list *l, int64_t n, struct text *t)
{
    text_add(t, "{\"root\": ");
    json_string(t, l->root);
    text_add(t, ", \"runs\": [");
    for (int64_t i = 0; i < n; i++) {
        text_add(t, "%s\n", i ? "," : "");
        put_run(t, l, i);
    }
    text_add(t, "]}\n");
}

/* ---- the command ---------------------------------------------------------- */

static int show(struct pool *p, const struct args *a, struct text *out)
{
    struct run_list l;

    TRY(runs_read(p, a->out, &l));
    int64_t all = l.n;
    TRY(runs_filter(p, &l, a->words, a->n_words));
    if (a->sort && all)
        TRY(runs_sort(p, &l, a->sort));
    int64_t n = a->limit && a->limit < l.n ? a->limit : l.n;
    if (a->json) {
        put_json(&l, n, out);
        return out->status;
    }
    if (!all)
        fprintf(stderr, "no runs yet in %s; `runner FILE` makes one, -o names another folder\n",
                a->out);
    else if (!l.n)
        fprintf(stderr, "none of %lld runs passes the filter%s\n", (long long)all,
                a->n_words > 1 ? "s" : "");
    TRY(n ? put_table(p, &l, n, out) : RN_OK);
    return out->status;
}

int list_runs(const struct args *a, struct text *out)
{
    struct pool *p = pool_new();
    int status = p ? show(p, a, out) : RN_ENOMEM;

    pool_free(p);
    return status;
}
