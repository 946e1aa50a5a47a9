/* sweep_read.c - sweep.json: what was planned, and how each run ended. Anybody may have changed it:
 * all is bounded, names of folders stay within the sweep's. */
#include "sweep.h"

#include "base/error.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES = 64 << 20, ID_BYTES = 200 };

struct reading {
    struct sweep *s;
    int status; /* the first mistake */
};

static const cJSON *at(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static void bad(struct reading *r, const char *key, const char *expected)
{
    if (!r->status)
        r->status = FAIL(RN_EDATA,
                         "%s/" SWEEP_FILE ": '%s' is wrong, expected %s; the file is "
                         "damaged, run the sweep again",
                         r->s->dir, key, expected);
}

/* "" when it is not there. */
static const char *text_at(struct reading *r, const cJSON *o, const char *key)
{
    const cJSON *v = at(o, key);
    const char *s = cJSON_GetStringValue(v), *copy;

    if (v && !s && !cJSON_IsNull(v))
        bad(r, key, "a text");
    copy = s ? pool_strdup(r->s->p, s) : "";
    if (!copy)
        r->status = RN_ENOMEM;
    return copy ? copy : "";
}

static int64_t whole_at(struct reading *r, const cJSON *o, const char *key)
{
    const cJSON *v = at(o, key);

    if (!v)
        return 0;
    if (!cJSON_IsNumber(v) || v->valuedouble != floor(v->valuedouble) ||
        fabs(v->valuedouble) > 9e15) {
        bad(r, key, "a whole number");
        return 0;
    }
    return (int64_t)v->valuedouble;
}

/* A list, and room for what it holds; NULL: it is empty, or not there. */
static void *list_at(struct reading *r, const cJSON *o, const char *key, int64_t most, size_t size,
                     const cJSON **list)
{
    *list = at(o, key);
    if (*list && !cJSON_IsArray(*list)) {
        bad(r, key, "a list");
        *list = NULL;
    }
    int n = *list ? cJSON_GetArraySize(*list) : 0;
    if (n > most) {
        bad(r, key, "a shorter list");
        *list = NULL;
        return NULL;
    }
    void *room = pool_alloc(r->s->p, (size_t)n * size + 1);
    if (!room) {
        r->status = RN_ENOMEM;
        *list = NULL;
    }
    return room;
}

/* One part of a path, which leads nowhere else. */
static bool is_id(const char *s)
{
    return *s && *s != '.' && strlen(s) < ID_BYTES && !strchr(s, '/');
}

/* A seed is a whole number to 2^64 - 1: as a text to the last digit, as a number beyond 2^53
 * rounded. */
static uint64_t seed_at(struct reading *r, const cJSON *o)
{
    const cJSON *v = at(o, "seed");
    const char *s = cJSON_GetStringValue(v);
    double seed = cJSON_IsNumber(v) ? v->valuedouble : -1;
    char *end;

    if (s && *s >= '0' && *s <= '9') {
        uint64_t whole = strtoull(s, &end, 10);
        if (!*end)
            return whole;
    }
    if (seed >= 0 && seed < 18446744073709551616.0 && seed == floor(seed))
        return (uint64_t)seed;
    bad(r, "seed", "a whole number");
    return 0;
}

static struct trial read_trial(struct reading *r, const cJSON *o)
{
    struct rn_trial t = {.id = text_at(r, o, "id"),
                         .status = text_at(r, o, "status"),
                         .reason = text_at(r, o, "reason"),
                         .seed = seed_at(r, o),
                         .exit_code = whole_at(r, o, "exit_code"),
                         .attempts = whole_at(r, o, "attempts"),
                         .rung = whole_at(r, o, "rung"),
                         .order = r->s->n_runs++,
                         .objective = NAN,
                         .test = NAN,
                         .train_s = NAN};
    static const char *const states[] = {"finished", "failed",  "diverged", "interrupted",
                                         "pruned",   "running", "pending"};
    bool known = false;

    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        known |= !strcmp(t.status, states[i]);
    if (!known)
        bad(r, "status", "finished, failed, diverged, interrupted, pruned, running or pending");
    if (!is_id(t.id))
        bad(r, "id", "the name of a folder in runs/");
    if (r->s->n_runs > SWEEP_RUNS_MAX)
        bad(r, "runs", "fewer of them");
    return (struct trial){.t = t};
}

static int by_seed(const void *a, const void *b)
{
    const struct rn_trial *x = &((const struct trial *)a)->t, *y = &((const struct trial *)b)->t;

    return x->seed < y->seed   ? -1
           : x->seed > y->seed ? 1
                               : (x->order > y->order) - (x->order < y->order);
}

static void read_trials(struct reading *r, const cJSON *o, struct group *g)
{
    const cJSON *list, *v;

    g->trials = list_at(r, o, "runs", SWEEP_RUNS_MAX, sizeof *g->trials, &list);
    cJSON_ArrayForEach(v, list) g->trials[g->g.n_trials++] = read_trial(r, v);
    if (g->g.n_trials)
        qsort(g->trials, (size_t)g->g.n_trials, sizeof *g->trials, by_seed);
    for (int64_t i = 1; i < g->g.n_trials; i++)
        if (g->trials[i].t.seed == g->trials[i - 1].t.seed)
            bad(r, "seed", "one run of each seed in a group");
}

static void read_values(struct reading *r, const cJSON *o, struct group *g)
{
    const cJSON *values = at(o, "values");
    const char **out = pool_alloc(r->s->p, (size_t)r->s->view.n_axes * sizeof *out + 1);

    if (values && !cJSON_IsObject(values))
        bad(r, "values", "an object of texts");
    for (int64_t a = 0; out && a < r->s->view.n_axes; a++)
        if (at(values, r->s->axes[a].path))
            out[a] = text_at(r, values, r->s->axes[a].path);
    if (!out)
        r->status = RN_ENOMEM;
    g->g.values = out;
}

static void read_groups(struct reading *r, const cJSON *o)
{
    const cJSON *list, *v;

    r->s->groups = list_at(r, o, "groups", SWEEP_GROUPS_MAX, sizeof *r->s->groups, &list);
    cJSON_ArrayForEach(v, list)
    {
        struct group *g = &r->s->groups[r->s->n];
        g->at = r->s->n++;
        g->g.label = text_at(r, v, "label");
        g->g.look = -1;
        g->g.best_share = NAN;
        if (!*g->g.label)
            bad(r, "label", "a name");
        read_values(r, v, g);
        read_trials(r, v, g);
        if (r->status)
            return;
    }
}

static void read_axes(struct reading *r, const cJSON *o)
{
    const cJSON *list, *v;

    r->s->axes = list_at(r, o, "axes", SWEEP_AXES_MAX, sizeof *r->s->axes, &list);
    cJSON_ArrayForEach(v, list)
    {
        struct rn_axis *a = &r->s->axes[r->s->view.n_axes++];
        *a = (struct rn_axis){
            .path = text_at(r, v, "path"), .scale = text_at(r, v, "scale"), .importance = NAN};
        if (!*a->scale)
            a->scale = "choice";
        if (strcmp(a->scale, "linear") != 0 && strcmp(a->scale, "log") != 0 &&
            strcmp(a->scale, "choice") != 0)
            bad(r, "scale", "linear, log or choice");
        if (!*a->path)
            bad(r, "path", "the path of a value");
    }
    r->s->view.axes = r->s->axes;
}

static void read_said(struct reading *r, const cJSON *o)
{
    const cJSON *list, *v;
    const char **said = list_at(r, o, "said", 1000, sizeof *said, &list);

    cJSON_ArrayForEach(v, list)
    {
        const char *s = cJSON_GetStringValue(v), *copy = s ? pool_strdup(r->s->p, s) : NULL;
        if (!s)
            bad(r, "said", "texts");
        else if (!copy)
            r->status = RN_ENOMEM;
        if (copy)
            said[r->s->view.n_said++] = copy;
    }
    r->s->view.said = said;
}

/* The test set is never the objective: whatever is chosen by it, it says too much good of it. */
static void read_objective(struct reading *r, const cJSON *o)
{
    const cJSON *objective = at(o, "objective");
    const char *metric = text_at(r, objective, "metric"), *goal = text_at(r, objective, "goal");
    const char *name = strrchr(metric, '.') ? strrchr(metric, '.') + 1 : metric;

    if (!*metric || !strncmp(metric, "test.", 5))
        bad(r, "objective", "a metric as val.accuracy, never one of the test set");
    if (strcmp(goal, "max") != 0 && strcmp(goal, "min") != 0)
        bad(r, "goal", "max or min");
    r->s->view.metric = metric;
    r->s->view.more_is_better = !strcmp(goal, "max");
    r->s->view.percent = !strcmp(name, "accuracy") || !strcmp(name, "top3");
    r->s->view.test_metric = pool_printf(r->s->p, "test.%s", name);
    if (!r->s->view.test_metric)
        r->status = RN_ENOMEM;
}

int sweep_read(struct sweep *s)
{
    struct reading r = {.s = s};

    error_clear();
    cJSON *o = json_read(s->dir, SWEEP_FILE, FILE_BYTES);
    if (!o && error_status() == RN_ENOMEM)
        return RN_ENOMEM;
    if (!cJSON_IsObject(o)) {
        cJSON_Delete(o);
        return FAIL(RN_EDATA,
                    "%s/" SWEEP_FILE " cannot be read: this is no folder of a sweep, or "
                    "the file is damaged; run the sweep again",
                    s->dir);
    }
    s->view.name = text_at(&r, o, "name");
    s->view.description = text_at(&r, o, "description");
    s->view.file = text_at(&r, o, "file");
    s->view.command = text_at(&r, o, "command");
    s->view.method = text_at(&r, o, "method");
    s->wanted_reference = text_at(&r, o, "reference");
    read_objective(&r, o);
    read_axes(&r, o);
    read_said(&r, o);
    read_groups(&r, o);
    cJSON_Delete(o);
    return r.status;
}
