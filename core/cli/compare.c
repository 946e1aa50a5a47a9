/* compare.c - `runner compare`: finds the runs, compares them, and writes it down in the form that
 * was asked for. */
#define _XOPEN_SOURCE 700
#include "compare.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "list.h"
#include "report/compare.h"
#include "report/escape.h"
#include "run/names.h"
#include "run/rebuild.h"
#include "table.h"

#include <runner/text.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char none[] = "\xE2\x80\x93", minus[] = "\xE2\x88\x92";

/* ---- paths ---------------------------------------------------------------- */

/* How to get from one folder to another, both absolute and real: "../x", "x", "". */
static const char *relative(struct pool *p, const char *from, const char *to)
{
    size_t common = 0, i = 0;
    struct text t = {0};

    for (; from[i] && from[i] == to[i]; i++)
        if (from[i] == '/')
            common = i + 1;
    if ((!from[i] || from[i] == '/') && (!to[i] || to[i] == '/'))
        common = i + (from[i] || to[i]);
    for (const char *s = strlen(from) < common ? "" : from + common; *s; s += strcspn(s, "/")) {
        s += *s == '/';
        text_add(&t, "%s..", t.n ? "/" : "");
    }
    const char *rest = strlen(to) < common ? "" : to + common;
    text_add(&t, "%s%s", t.n && *rest ? "/" : "", rest);
    const char *out = t.status ? NULL : pool_strdup(p, text_str(&t));
    text_free(&t);
    return out;
}

static int real_folder(struct pool *p, const char *path, const char **out)
{
    char real[PATH_MAX];

    if (!realpath(path, real))
        return FAIL(RN_EDATA, "%s: there is no such folder", path);
    *out = pool_strdup(p, real);
    return *out ? RN_OK : RN_ENOMEM;
}

/* Runs that are named by their folders need no root. */
static int root_of(struct pool *p, const struct args *a, const char **out)
{
    return real_folder(p, file_exists(a->out) ? a->out : ".", out);
}

/* The folder that a file lies in. */
static int folder_of(struct pool *p, const char *file, const char **out)
{
    const char *slash = strrchr(file, '/');
    char *dir = slash ? pool_strndup(p, file, slash == file ? 1 : (size_t)(slash - file)) : NULL;

    return slash && !dir ? RN_ENOMEM : real_folder(p, slash ? dir : ".", out);
}

/* ---- amounts -------------------------------------------------------------- */

static void put_score(struct text *t, const struct rn_score *s, double v)
{
    char room[32];

    if (isnan(v))
        text_add(t, "%s", none);
    else if (s->percent)
        text_add(t, "%.2f %%", 100 * v);
    else if (!strcmp(s->name, "peak_bytes"))
        text_add(t, "%.1f MiB", v / 1048576);
    else if (!strcmp(s->name, "train_s") || !strcmp(s->name, "seconds"))
        text_add(t, "%s", duration_text(v, room));
    else if (fabs(v) >= 1000 && fabs(v) < 9e15)
        text_add(t, "%s", rn_grouped(llround(v), room));
    else
        text_add(t, "%.4g", v);
}

/* The second less the first, with its sign. */
static void put_difference(struct text *t, const struct rn_score *s)
{
    double d = s->values[1] - s->values[0];

    if (!isfinite(d))
        return;
    text_add(t, "%s", d < 0 ? minus : d > 0 ? "+" : "");
    if (s->percent)
        text_add(t, "%.2f", 100 * fabs(d));
    else
        put_score(t, s, fabs(d));
}

/* ---- a table for people --------------------------------------------------- */

static int add_rows(struct table *t, const struct rn_row *rows, int64_t n_rows, int64_t n)
{
    for (int64_t i = 0; i < n_rows; i++) {
        TRY(table_add(t, rows[i].key));
        for (int64_t k = 0; k < n; k++)
            TRY(table_add(t, rows[i].values[k] ? rows[i].values[k] : none));
        if (n == 2)
            TRY(table_add(t, ""));
    }
    return RN_OK;
}

/* Adds the text as a cell and empties it. */
static int add_text(struct table *t, struct text *cell)
{
    int status = cell->status ? cell->status : table_add(t, text_str(cell));

    text_free(cell);
    return status;
}

static int add_score(struct table *t, const struct comparison *c, const struct rn_score *s)
{
    struct text cell = {0};

    TRY(table_add(t, s->name));
    for (int64_t k = 0; k < c->view.n; k++) {
        put_score(&cell, s, s->values[k]);
        if (isfinite(s->low[k]) && s->percent)
            text_add(&cell, " (%.2f to %.2f)", 100 * s->low[k], 100 * s->high[k]);
        else if (isfinite(s->low[k]))
            text_add(&cell, " (%.4g to %.4g)", s->low[k], s->high[k]);
        TRY(add_text(t, &cell));
    }
    if (c->view.n != 2)
        return RN_OK;
    put_difference(&cell, s);
    if (!strcmp(s->name, "test.accuracy") && c->view.n_pairs) {
        const struct rn_pair *p = &c->view.pairs[0];
        text_add(&cell, p->p_corrected < 0.001 ? "  p < 0.001" : "  p = %.3f", p->p_corrected);
        text_add(&cell, " (McNemar, %lld samples)", (long long)p->n);
    }
    return add_text(t, &cell);
}

static int start(struct table *t, struct pool *p, const struct comparison *c)
{
    *t = (struct table){.p = p, .columns = (int)c->view.n + 1 + (c->view.n == 2)};
    TRY(table_add(t, ""));
    for (int64_t i = 0; i < c->view.n; i++)
        TRY(table_add(t, c->label[i]));
    return c->view.n == 2 ? table_add(t, "") : RN_OK;
}

static int put_table(struct pool *p, const struct comparison *c, struct text *out)
{
    const struct rn_comparison *v = &c->view;
    struct table t;

    TRY(start(&t, p, c));
    TRY(add_rows(&t, v->parameters, v->n_parameters, v->n));
    TRY(add_rows(&t, v->environment, v->n_environment, v->n));
    for (int64_t i = 0; i < v->n_scores; i++)
        TRY(add_score(&t, c, &v->scores[i]));
    if (v->n_environment)
        table_rule(&t, (int)(1 + v->n_parameters));
    table_rule(&t, (int)(1 + v->n_parameters + v->n_environment));
    table_text(&t, 0, out);
    if (*c->same)
        text_add(out, "same: %s\n", c->same);
    text_add(out, "\n");
    for (int64_t i = 0; i < v->n_findings; i++) {
        char *line = pool_strdup(p, v->findings[i].text);
        if (!line)
            return RN_ENOMEM;
        log_clean(line);
        text_add(out, "%s %s\n", v->findings[i].tone == RN_BAD ? "!" : "-", line);
    }
    return out->status;
}

/* ---- CSV, JSON ------------------------------------------------------------ */

static void csv_rows(struct text *t, const char *part, const struct rn_row *rows, int64_t n_rows,
                     int64_t n)
{
    for (int64_t i = 0; i < n_rows; i++) {
        text_add(t, "%s,", part);
        escape_csv(t, rows[i].key);
        for (int64_t k = 0; k < n; k++) {
            text_add(t, ",");
            escape_csv(t, rows[i].values[k] ? rows[i].values[k] : "");
        }
        text_add(t, "\n");
    }
}

/* A line for each run: the p of its pair with the run of each column. */
static void csv_pairs(struct text *t, const struct rn_comparison *v, bool corrected)
{
    for (int64_t a = 0; a < v->n && v->n_pairs; a++) {
        text_add(t, corrected ? "p_corrected," : "p,");
        escape_csv(t, v->runs[a].dir);
        for (int64_t b = 0; b < v->n; b++) {
            text_add(t, ",");
            for (int64_t i = 0; i < v->n_pairs; i++) {
                const struct rn_pair *p = &v->pairs[i];
                if ((p->a == a && p->b == b) || (p->a == b && p->b == a))
                    number_csv(t, corrected ? p->p_corrected : p->p);
            }
        }
        text_add(t, "\n");
    }
}

static void put_csv(const struct comparison *c, struct text *t)
{
    const struct rn_comparison *v = &c->view;

    text_add(t, "part,key");
    for (int64_t i = 0; i < v->n; i++) {
        text_add(t, ",");
        escape_csv(t, v->runs[i].dir);
    }
    text_add(t, "\n");
    csv_rows(t, "parameter", v->parameters, v->n_parameters, v->n);
    csv_rows(t, "environment", v->environment, v->n_environment, v->n);
    for (int64_t i = 0; i < v->n_scores; i++) {
        const struct rn_score *s = &v->scores[i];
        const double *const lines[] = {s->values, s->low, s->high};
        static const char *const ends[] = {"", ".low", ".high"};
        for (int part = 0; part < 3; part++) {
            bool some = !part;
            for (int64_t k = 0; k < v->n; k++)
                some |= !isnan(lines[part][k]);
            if (!some)
                continue;
            text_add(t, "score,%s%s", s->name, ends[part]);
            for (int64_t k = 0; k < v->n; k++) {
                text_add(t, ",");
                if (!isnan(lines[part][k]))
                    number_csv(t, lines[part][k]);
            }
            text_add(t, "\n");
        }
    }
    csv_pairs(t, v, false);
    csv_pairs(t, v, true);
}

static void json_rows(struct text *t, const char *name, const struct rn_row *rows, int64_t n_rows,
                      int64_t n)
{
    text_add(t, ",\n  \"%s\": {", name);
    for (int64_t i = 0; i < n_rows; i++) {
        text_add(t, "%s\n    ", i ? "," : "");
        json_string(t, rows[i].key);
        for (int64_t k = 0; k < n; k++) {
            text_add(t, k ? ", " : ": [");
            json_string(t, rows[i].values[k]);
        }
        text_add(t, "]");
    }
    text_add(t, "}");
}

static void json_numbers(struct text *t, const char *name, const double *v, int64_t n)
{
    text_add(t, "\"%s\": [", name);
    for (int64_t i = 0; i < n; i++) {
        text_add(t, "%s", i ? ", " : "");
        if (isnan(v[i]))
            text_add(t, "null");
        else
            json_number(t, v[i]);
    }
    text_add(t, "]");
}

static void json_judgements(struct text *t, const struct comparison *c)
{
    static const char *const tones[] = {"", "good", "neutral", "bad"};
    const struct rn_comparison *v = &c->view;

    text_add(t, ",\n  \"pairs\": [");
    for (int64_t i = 0; i < v->n_pairs; i++) {
        const struct rn_pair *p = &v->pairs[i];
        text_add(t,
                 "%s\n    {\"a\": %lld, \"b\": %lld, \"n\": %lld, \"both\": %lld, \"only_a\": "
                 "%lld, \"only_b\": %lld, \"neither\": %lld, \"p\": ",
                 i ? "," : "", (long long)p->a, (long long)p->b, (long long)p->n,
                 (long long)p->both, (long long)p->only_a, (long long)p->only_b,
                 (long long)p->neither);
        json_number(t, p->p);
        text_add(t, ", \"p_corrected\": ");
        json_number(t, p->p_corrected);
        text_add(t, "}");
    }
    text_add(t, "],\n  \"findings\": [");
    for (int64_t i = 0; i < v->n_findings; i++) {
        text_add(t, "%s\n    {\"rule\": \"%s\", \"tone\": \"%s\", \"text\": ", i ? "," : "",
                 v->findings[i].rule, tones[v->findings[i].tone & 3]);
        json_string(t, v->findings[i].text);
        text_add(t, "}");
    }
    text_add(t, "],\n  \"diff\": ");
    json_string(t, v->diff);
    text_add(t, "\n}\n");
}

static void put_json(const struct comparison *c, struct text *t)
{
    const struct rn_comparison *v = &c->view;

    text_add(t, "{\n  \"runs\": [");
    for (int64_t i = 0; i < v->n; i++) {
        text_add(t, "%s\n    {", i ? "," : "");
        json_text(t, "name", v->runs[i].name);
        json_text(t, "id", v->runs[i].id);
        json_text(t, "dir", v->runs[i].dir);
        json_text(t, "status", v->runs[i].status);
        text_add(t, "}");
    }
    text_add(t, "]");
    json_rows(t, "parameters", v->parameters, v->n_parameters, v->n);
    json_rows(t, "environment", v->environment, v->n_environment, v->n);
    text_add(t, ",\n  \"scores\": {");
    for (int64_t i = 0; i < v->n_scores; i++) {
        text_add(t, "%s\n    ", i ? "," : "");
        json_string(t, v->scores[i].name);
        text_add(t, ": {");
        json_numbers(t, "values", v->scores[i].values, v->n);
        text_add(t, ", ");
        json_numbers(t, "low", v->scores[i].low, v->n);
        text_add(t, ", ");
        json_numbers(t, "high", v->scores[i].high, v->n);
        text_add(t, "}");
    }
    text_add(t, "}");
    json_judgements(t, c);
}

/* ---- the page ------------------------------------------------------------- */

static int put_page(const struct args *a, const struct comparison *c, const char *file,
                    struct text *out)
{
    struct registry *r = NULL;
    const struct plugin *const *all;
    struct text bad = {0};
    void *opts;
    int n = 0, status = registry_open(a->plugin_dirs, a->n_plugin_dirs, &r);

    status = status < 0 ? status : registry_all(r, RN_KIND_REPORTER, &all, &n, &bad);
    text_free(&bad);
    int i = 0;
    while (!status && i < n && !all[i]->ops.reporter.compare)
        i++;
    if (!status && i == n)
        status = FAIL(RN_EPLUGIN, "no reporter that was found makes a page of a comparison; see "
                                  "`runner plugins list reporter`");
    status = status ? status : reporter_defaults(c->pool, all[i], &opts);
    if (!status) {
        status = all[i]->ops.reporter.compare(opts, &c->view, file);
        status = status < 0 ? error_prefix(status, "reporter (%s)", all[i]->name) : RN_OK;
    }
    if (!status)
        text_add(out, "%s\n", file);
    registry_close(r);
    return status;
}

/* ---- the command ---------------------------------------------------------- */

static int find(struct pool *p, const struct args *a, struct compared *runs)
{
    const char *root = NULL;

    for (int i = 0; i < a->n_words; i++) {
        struct run_name found;
        const char *real;
        TRY(run_find(p, a->out, a->words[i], &found));
        TRY(root ? RN_OK : root_of(p, a, &root));
        TRY(real_folder(p, found.dir, &real));
        runs[i] = (struct compared){found.dir, relative(p, root, real)};
        if (!runs[i].link)
            return RN_ENOMEM;
    }
    return RN_OK;
}

static int show(struct pool *p, const struct args *a, struct text *out)
{
    const char *file = a->page_file ? a->page_file : pool_printf(p, "%s/compare.html", a->out);
    const char *root = NULL, *folder = NULL, *to_root = "";
    struct compared runs[COMPARE_MAX];
    struct comparison *c;

    if (a->n_words < 2 || a->n_words > COMPARE_MAX)
        return FAIL(RN_EINVAL, "%d run%s: 2 to %d can be compared; see `runner help compare`",
                    a->n_words, a->n_words == 1 ? "" : "s", COMPARE_MAX);
    if (a->json + a->csv + a->page > 1)
        return FAIL(RN_EINVAL, "--json, --csv, --html: one at a time");
    if (!file)
        return RN_ENOMEM;
    TRY(find(p, a, runs));
    if (a->page) {
        TRY(folder_of(p, file, &folder));
        TRY(root_of(p, a, &root));
        to_root = relative(p, folder, root);
    }
    TRY(to_root ? compare_open(runs, a->n_words, to_root, &c) : RN_ENOMEM);
    int status = RN_OK;
    if (a->json)
        put_json(c, out);
    else if (a->csv)
        put_csv(c, out);
    else
        status = a->page ? put_page(a, c, file, out) : put_table(p, c, out);
    compare_close(c);
    return status ? status : out->status;
}

int compare_runs(const struct args *a, struct text *out)
{
    struct pool *p = pool_new();
    int status = p ? show(p, a, out) : RN_ENOMEM;

    pool_free(p);
    return status;
}
