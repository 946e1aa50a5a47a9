/* compare.c - opens a few runs, and finds what differs among their parameters and around them. */
#define _XOPEN_SOURCE 700
#include "compare.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "differ.h"
#include "run_folder.h"
#include "unified.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_BYTES = 1 << 20, FACTS_MAX = 256 };

/* ---- around a run --------------------------------------------------------- */

struct facts {
    struct pool *p;
    struct rn_fact *list;
    int64_t n;
};

static int put(struct facts *f, const char *key, const char *value)
{
    key = key ? pool_strdup(f->p, key) : NULL;
    value = value ? pool_strdup(f->p, value) : NULL;
    if (!key || !value)
        return RN_ENOMEM;
    if (f->n < FACTS_MAX)
        f->list[f->n++] = (struct rn_fact){key, value};
    return RN_OK;
}

static const char *text_at(const cJSON *o, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

static int put_machine(struct facts *f, const char *dir)
{
    cJSON *root = json_read(dir, "env.json", JSON_BYTES), *v;
    int status = RN_OK;

    cJSON_ArrayForEach(v, root)
    {
        const char *value = cJSON_GetStringValue(v);
        if (v->string && value && !status)
            status = put(f, v->string, value);
    }
    cJSON_Delete(root);
    return status;
}

static int put_data(struct facts *f, const char *dir)
{
    static const char *const counts[][2] = {{"train", "data, training samples"},
                                            {"val", "data, validation samples"},
                                            {"test", "data, test samples"},
                                            {"split_seed", "data, seed of the split"}};
    cJSON *root = json_read(dir, "data.json", JSON_BYTES);
    const cJSON *marks = cJSON_GetObjectItemCaseSensitive(root, "fingerprint");
    int status = RN_OK;

    for (size_t i = 0; i < sizeof counts / sizeof *counts && !status; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(root, counts[i][0]);
        char number[32];
        snprintf(number, sizeof number, "%.0f", cJSON_IsNumber(v) ? v->valuedouble : 0);
        status = cJSON_IsNumber(v) ? put(f, counts[i][1], number) : RN_OK;
    }
    if (!status && text_at(root, "type"))
        status = put(f, "data, type", text_at(root, "type"));
    if (!status && text_at(marks, "train"))
        status = put(f, "data, training set", text_at(marks, "train"));
    if (!status && text_at(marks, "test"))
        status = put(f, "data, test set", text_at(marks, "test"));
    cJSON_Delete(root);
    return status;
}

/* Who reports makes no number. */
static int put_plugins(struct facts *f, const char *dir)
{
    cJSON *root = json_read(dir, "plugins.json", JSON_BYTES), *v;
    int status = RN_OK;

    cJSON_ArrayForEach(v, root)
    {
        const char *kind = text_at(v, "kind"), *name = text_at(v, "name");
        const char *version = text_at(v, "version"), *sha = text_at(v, "sha256");
        if (status || !kind || !name || !sha || !strcmp(kind, "reporter"))
            continue;
        status = put(f, pool_printf(f->p, "plugin %s %s", kind, name),
                     pool_printf(f->p, "%s, sha256 %.12s", version ? version : "?", sha));
    }
    cJSON_Delete(root);
    return status;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct rn_fact *)a)->key, ((const struct rn_fact *)b)->key);
}

static int surroundings(struct pool *p, const char *dir, struct rn_run *r)
{
    struct facts f = {p, pool_alloc(p, FACTS_MAX * sizeof *f.list), 0};

    if (!f.list)
        return RN_ENOMEM;
    TRY(put_machine(&f, dir));
    TRY(put_data(&f, dir));
    TRY(put_plugins(&f, dir));
    TRY(*r->device ? put(&f, "device", r->device) : RN_OK);
    qsort(f.list, (size_t)f.n, sizeof *f.list, by_key);
    r->environment = f.list;
    r->n_environment = f.n;
    return RN_OK;
}

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
    return surroundings(c->pool, from->dir, out);
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
