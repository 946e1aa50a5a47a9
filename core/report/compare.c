/* compare.c - opens a few runs, and finds what differs among their parameters and around them. */
#define _XOPEN_SOURCE 700
#include "compare.h"

#include "around.h"
#include "base/error.h"
#include "differ.h"
#include "run_folder.h"
#include "unified.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what differs --------------------------------------------------------- */

/* A plugin that a run did not use is a difference of its parameters. */
static void drop_unused(struct rn_row *rows, int64_t *n_rows, int64_t n)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < *n_rows; i++) {
        bool everywhere = true;
        for (int64_t k = 0; k < n; k++)
            everywhere &= rows[i].values[k] != NULL;
        if (everywhere || strncmp(rows[i].key, "plugin ", 7) != 0)
            rows[kept++] = rows[i];
    }
    *n_rows = kept;
}

static bool is_of(const char *key, const char *const *keys)
{
    for (; *keys; keys++)
        if (!strncmp(key, *keys, strlen(*keys)))
            return true;
    return false;
}

static bool any(const struct rn_row *rows, int64_t n, const char *const *keys)
{
    for (int64_t i = 0; i < n; i++)
        if (is_of(rows[i].key, keys))
            return true;
    return false;
}

/* Whether each run has something of it: what nobody knows is not the same. The seed is a parameter,
 * all else lies around a run. */
static bool is_known(const struct rn_comparison *v, const char *const *keys)
{
    bool all = true;

    for (int64_t i = 0; i < v->n; i++) {
        const struct rn_run *r = &v->runs[i];
        bool one = false;
        for (int64_t k = 0; k < r->n_environment; k++)
            one |= is_of(r->environment[k].key, keys);
        for (int64_t k = 0; k < r->n_config; k++)
            one |= !strcmp(r->config[k].key, *keys);
        all &= one;
    }
    return all;
}

static int find_same(struct comparison *c)
{
    static const struct {
        const char *name, *keys[8];
    } groups[] = {{"data", {"data, ", NULL}},
                  {"seed", {"seed", NULL}},
                  {"commit", {"git commit", "runner", NULL}},
                  {"machine", {"processor", "host", "cores", "memory", "kernel", "device", NULL}},
                  {"plugins", {"plugin ", NULL}}};
    const struct rn_comparison *v = &c->view;
    struct text t = {0};

    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (is_known(v, groups[i].keys) && !any(v->environment, v->n_environment, groups[i].keys) &&
            !any(v->parameters, v->n_parameters, groups[i].keys))
            text_add(&t, "%s%s", t.n ? ", " : "", groups[i].name);
    c->same = t.status ? NULL : pool_strdup(c->pool, text_str(&t));
    text_free(&t);
    return c->same ? RN_OK : RN_ENOMEM;
}

static int find_differences(struct comparison *c)
{
    struct settings config[COMPARE_MAX], around[COMPARE_MAX];
    struct rn_comparison *v = &c->view;
    struct rn_row *parameters, *environment;

    for (int64_t i = 0; i < v->n; i++) {
        config[i] = (struct settings){v->runs[i].config, v->runs[i].n_config};
        around[i] = (struct settings){v->runs[i].environment, v->runs[i].n_environment};
    }
    TRY(differ(c->pool, config, v->n, false, &parameters, &v->n_parameters));
    TRY(differ(c->pool, around, v->n, false, &environment, &v->n_environment));
    drop_unused(environment, &v->n_environment, v->n);
    v->parameters = parameters;
    v->environment = environment;
    return find_same(c);
}

static int make_diff(struct comparison *c)
{
    const struct rn_report *const *r = c->view.reports;
    struct text t = {0};

    unified_diff(&t, c->label[0], r[0]->config_yaml, c->label[1], r[1]->config_yaml);
    c->view.diff = t.status ? NULL : pool_strdup(c->pool, text_str(&t));
    text_free(&t);
    return c->view.diff ? RN_OK : RN_ENOMEM;
}

/* ---- the whole ------------------------------------------------------------ */

static int open_run(struct comparison *c, const struct compared *from, int i, struct rn_run *out)
{
    struct run_parsed parsed;
    struct text line = {0};

    TRY(report_load(from->dir, &c->reports[i]));
    int status = run_line(from->dir, from->link, "", &line);
    status = status ? status : run_parse(c->pool, text_str(&line), &parsed);
    text_free(&line);
    TRY(status);
    *out = parsed.run;
    return run_around(c->pool, from->dir, out);
}

static void name_runs(struct comparison *c)
{
    for (int64_t i = 0; i < c->view.n; i++) {
        bool alone = true;
        for (int64_t k = 0; k < c->view.n; k++)
            alone &= k == i || strcmp(c->view.runs[i].name, c->view.runs[k].name) != 0;
        c->label[i] = alone ? c->view.runs[i].name : c->view.runs[i].id;
    }
}

static int fill(struct comparison *c, const struct compared *runs, int n)
{
    struct rn_run *list = pool_alloc(c->pool, (size_t)n * sizeof *list);
    const struct rn_report **reports = pool_alloc(c->pool, (size_t)n * sizeof *reports);

    if (!list || !reports)
        return RN_ENOMEM;
    for (int i = 0; i < n; i++) {
        TRY(open_run(c, &runs[i], i, &list[i]));
        reports[i] = report_view(c->reports[i]);
    }
    c->view.runs = list;
    c->view.reports = reports;
    c->view.labels = c->label;
    c->view.n = n;
    name_runs(c);
    TRY(find_differences(c));
    TRY(make_diff(c));
    TRY(compare_scores(c));
    TRY(compare_words(c));
    return compare_figures(c);
}

int compare_open(const struct compared *runs, int n, const char *to_root, struct comparison **out)
{
    struct pool *p = pool_new();
    struct comparison *c = p ? pool_alloc(p, sizeof *c) : NULL;

    *out = NULL;
    if (!c) {
        pool_free(p);
        return RN_ENOMEM;
    }
    c->pool = p;
    c->view = (struct rn_comparison){.size = sizeof c->view, .to_root = pool_strdup(p, to_root)};
    int status = c->view.to_root ? fill(c, runs, n) : RN_ENOMEM;
    if (status < 0) {
        compare_close(c);
        return status;
    }
    *out = c;
    return RN_OK;
}

void compare_close(struct comparison *c)
{
    if (!c)
        return;
    for (int i = 0; i < COMPARE_MAX; i++)
        report_close(c->reports[i]);
    pool_free(c->pool);
}
