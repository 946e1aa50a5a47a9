/* around.c - machine, data and plugins of a run, from env.json, data.json, initial.json and
 * plugins.json. */
#include "around.h"

#include "base/error.h"
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_BYTES = 1 << 20, FACTS_MAX = 256 };

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

/* Where they lay does not matter. */
static int put_initial(struct facts *f, const char *dir)
{
    cJSON *root = json_read(dir, "initial.json", JSON_BYTES);
    const char *sha = text_at(root, "sha256");
    int status = sha ? put(f, "initial weights", pool_printf(f->p, "sha256 %.12s", sha)) : RN_OK;

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

int run_around(struct pool *p, const char *dir, struct rn_run *r)
{
    struct facts f = {p, pool_alloc(p, FACTS_MAX * sizeof *f.list), 0};

    if (!f.list)
        return RN_ENOMEM;
    TRY(put_machine(&f, dir));
    TRY(put_data(&f, dir));
    TRY(put_initial(&f, dir));
    TRY(put_plugins(&f, dir));
    TRY(*r->device ? put(&f, "device", r->device) : RN_OK);
    qsort(f.list, (size_t)f.n, sizeof *f.list, by_key);
    r->environment = f.list;
    r->n_environment = f.n;
    return RN_OK;
}

const char *around_fact(const struct rn_run *r, const char *key)
{
    for (int64_t i = 0; i < r->n_environment; i++)
        if (!strcmp(r->environment[i].key, key))
            return r->environment[i].value;
    return NULL;
}
