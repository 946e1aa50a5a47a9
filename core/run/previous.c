/* previous.c - the run of the same name before this one. */
#define _XOPEN_SOURCE 700
#include "previous.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "config/flatten.h"
#include "names.h"
#include "experiment/experiment.h"
#include "report/report.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define RUNS_TRIED 20 /* before it is told that there is none */
#define BYTES_MAX  (64u << 20)

static double real_of(const cJSON *v) { return cJSON_IsNumber(v) ? v->valuedouble : NAN; }

static const cJSON *member(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static char *text_of(struct pool *p, const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(member(o, key));

    return pool_strdup(p, s ? s : "");
}

/* ---- parameters ------------------------------------------------------------ */

static int settings(struct pool *p, const char *dir, const struct rn_fact **out, int64_t *n)
{
    const char *path = pool_printf(p, "%s/config.yaml", dir);
    struct diag *d = diag_new(p);
    struct node *root;

    *n = 0;
    if (!path || !d)
        return RN_ENOMEM;
    int status = tree_read(p, path, d, &root);
    if (status < 0 || !root || diag_errors(d))
        return status == RN_ENOMEM ? status : RN_EDATA;
    return tree_flatten(p, root, out, n);
}

/* "sha256:0123456789ab, 10000 samples"; *whole is the hash; NULL: not known. */
static int test_set(struct pool *p, const char *dir, const char **whole, const char **shown)
{
    cJSON *data = json_read(dir, "data.json", BYTES_MAX);
    const char *hash = cJSON_GetStringValue(member(member(data, "fingerprint"), "test"));

    *whole = hash ? pool_strdup(p, hash) : NULL;
    *shown = hash ? pool_printf(p, "%.19s, %.0f samples", hash, real_of(member(data, "test")))
                  : "not known";
    cJSON_Delete(data);
    return *shown && (*whole || !hash) ? RN_OK : RN_ENOMEM;
}

/* The first change where the test set is another one, or not known to be the same. */
static int compare_tests(struct pool *p, const char *before, const char *now,
                         struct rn_change *changes, int64_t *n)
{
    const char *a, *b;
    struct rn_change c = {.key = CHANGE_TEST_SET};

    TRY(test_set(p, before, &a, &c.before));
    TRY(test_set(p, now, &b, &c.now));
    if (!a || !b || strcmp(a, b) != 0 || strcmp(c.before, c.now) != 0)
        changes[(*n)++] = c;
    return RN_OK;
}

void previous_changes(const struct rn_fact *a, int64_t n_a, const struct rn_fact *b, int64_t n_b,
                      struct rn_change *changes, int64_t *n)
{
    int64_t i = 0, k = 0;

    while (i < n_a || k < n_b) {
        int order = i == n_a ? 1 : k == n_b ? -1 : strcmp(a[i].key, b[k].key);
        struct rn_change c = {order <= 0 ? a[i].key : b[k].key, order <= 0 ? a[i].value : NULL,
                              order >= 0 ? b[k].value : NULL};
        i += order <= 0;
        k += order >= 0;
        if (!experiment_beside(c.key) && (!c.before || !c.now || strcmp(c.before, c.now) != 0))
            changes[(*n)++] = c;
    }
}

/* ---- the run --------------------------------------------------------------- */

static int describe(struct pool *p, const struct run_name *run, const cJSON *summary,
                    struct rn_previous *out)
{
    const cJSON *test = member(summary, "test"), *interval = member(test, "accuracy_interval");

    *out = (struct rn_previous){.id = run->id,
                                .started = text_of(p, summary, "started"),
                                .status = text_of(p, summary, "status"),
                                .accuracy = real_of(member(test, "accuracy")),
                                .low = real_of(cJSON_GetArrayItem(interval, 0)),
                                .high = real_of(cJSON_GetArrayItem(interval, 1)),
                                .loss = real_of(member(test, "loss"))};
    return out->started && out->status ? RN_OK : RN_ENOMEM;
}

/* *finished: it is such a run. */
static int look_at(struct pool *p, const struct run_name *run, struct rn_previous *out,
                   bool *finished)
{
    cJSON *now = json_read(run->dir, "status.json", BYTES_MAX), *summary = NULL;
    const char *word = cJSON_GetStringValue(member(now, "status"));
    int status = RN_OK;

    *finished = false;
    if (word && !strcmp(word, "finished") &&
        (summary = json_read(run->dir, "summary.json", BYTES_MAX))) {
        status = describe(p, run, summary, out);
        *finished = !status;
    }
    cJSON_Delete(summary);
    cJSON_Delete(now);
    return status;
}

int previous_find(struct pool *p, const char *root, const char *name, const struct folder *f,
                  const struct rn_previous **out)
{
    struct rn_previous *previous = pool_alloc(p, sizeof *previous);
    const struct rn_fact *mine, *theirs;
    struct run_name *runs, *found = NULL;
    int64_t n, n_mine, n_theirs, i = 0;
    bool finished = false;

    *out = NULL;
    if (!previous)
        return RN_ENOMEM;
    TRY(run_names(p, root, name, &runs, &n));
    while (i < n && strcmp(runs[i].id, f->id) != 0)
        i++;
    for (int64_t end = i + RUNS_TRIED; ++i < n && i < end && !finished;) {
        TRY(look_at(p, &runs[i], previous, &finished));
        int status = finished ? settings(p, runs[i].dir, &theirs, &n_theirs) : RN_OK;
        if (status == RN_ENOMEM)
            return status;
        finished = finished && !status;
        found = &runs[i];
    }
    if (!finished)
        return RN_OK;
    TRY(settings(p, f->dir, &mine, &n_mine));
    struct rn_change *changes = pool_alloc(p, (size_t)(1 + n_theirs + n_mine) * sizeof *changes);
    if (!changes)
        return RN_ENOMEM;
    TRY(compare_tests(p, found->dir, f->dir, changes, &previous->n_changes));
    previous_changes(theirs, n_theirs, mine, n_mine, changes, &previous->n_changes);
    previous->changes = changes;
    *out = previous;
    return RN_OK;
}
