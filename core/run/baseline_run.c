/* baseline_run.c - the runs of a baseline: started in processes of their own, as many at once as
 * there are cores for, and what their folders hold. */
#define _XOPEN_SOURCE 700
#include "baseline.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/stop.h"
#include "config/compose.h"
#include "config/flatten.h"
#include "env.h"
#include "experiment/experiment.h"
#include "launch.h"
#include "report/rows.h"
#include "report/run_folder.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define JSON_BYTES    (64u << 20)
#define WEIGHTS_BYTES (1ull << 32)
#define SHA_SHOWN     12       /* hex digits */
#define DIGEST_SHOWN  (7 + 16) /* "sha256:" and as many as tell files apart */

struct batch {
    struct pool *p;
    const struct baseline *b;
    const struct baseline_how *how;
    struct baseline_result *out;
    int jobs;
    int64_t done; /* runs */
};

/* ---- plans ---------------------------------------------------------------- */

/* The experiment with a seed, without what it expects and who reports. */
static int plan_tree(struct batch *x, int64_t seed, struct node **root)
{
    const struct node *set = x->b->set;
    struct diag *d = x->how->diag;
    struct node *old;
    char text[64];

    TRY(compose_read(x->p, x->b->config, d, root));
    for (const struct node *n = set && set->kind == NODE_MAP ? set->child : NULL; n; n = n->next) {
        struct patch patch = {n->key, n->key_mark, tree_copy(x->p, n), "set"};
        if (!patch.value)
            return RN_ENOMEM;
        TRY(compose_patch(x->p, *root, &patch, d));
    }
    for (int i = 0; i < x->how->n_overrides; i++)
        TRY(compose_override(x->p, *root, x->how->overrides[i], d));
    snprintf(text, sizeof text, "seed=%lld", (long long)seed);
    TRY(compose_override(x->p, *root, text, d));
    snprintf(text, sizeof text, "name=seed%lld", (long long)seed);
    TRY(compose_override(x->p, *root, text, d));
    TRY(compose_override(x->p, *root, "reporters=[]", d));
    if ((old = tree_get(*root, "expect")))
        tree_remove(*root, old);
    return compose_end(x->p, *root, d);
}

static int plan(struct batch *x, int64_t seed, struct experiment **out)
{
    struct node *root;

    *out = NULL;
    TRY(plan_tree(x, seed, &root));
    return experiment_from_tree(x->p, x->b->config, root, x->how->registry, x->how->diag, out);
}

/* What has a say in the numbers, wherever the files lie: of absolute paths the last name alone. */
static int config_digest(struct batch *x, const struct experiment *e)
{
    const struct rn_fact *facts;
    struct text t = {0};
    char hash[HASH_TEXT];
    int64_t n;

    TRY(tree_flatten(x->p, e->root, &facts, &n));
    for (int64_t i = 0; i < n; i++) {
        const char *value = facts[i].value, *slash = strrchr(value, '/');
        if (!experiment_beside(facts[i].key) && !experiment_places(facts[i].key))
            text_add(&t, "%s=%s\n", facts[i].key, *value == '/' ? slash : value);
    }
    int status = t.status;
    if (!status)
        hash_sha256(text_str(&t), t.n, hash);
    text_free(&t);
    TRY(status);
    snprintf(x->out->config, sizeof x->out->config, "%.*s", DIGEST_SHOWN, hash);
    return RN_OK;
}

/* How many runs at once: each takes its device's threads, 0 being all cores. */
static int jobs_for(const struct baseline_how *how, const struct experiment *e)
{
    const int64_t *threads = part_option(&e->device, "threads", RN_OPT_INT);
    int cores = env_cores();
    int64_t fit = threads && *threads ? cores / *threads : 1;

    return how->jobs ? how->jobs : fit < 1 ? 1 : fit > cores ? cores : (int)fit;
}

static int plans_write(struct batch *x)
{
    struct experiment *e;

    TRY(plan(x, x->b->seeds.at[0], &e));
    TRY(config_digest(x, e));
    x->jobs = jobs_for(x->how, e);
    for (int64_t i = 0; i < x->out->n_runs; i++) {
        int64_t seed = x->out->runs[i].seed;
        const char *path = pool_printf(x->p, "%s/plan/seed%lld.yaml", x->out->dir, (long long)seed);
        if (!path)
            return RN_ENOMEM;
        TRY(plan(x, seed, &e));
        TRY(file_write_soon(path, e->config_yaml, strlen(e->config_yaml)));
    }
    return RN_OK;
}

static int folder_make(struct batch *x)
{
    char stamp[32];
    struct tm tm;
    time_t now = time(NULL);

    gmtime_r(&now, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &tm);
    x->out->dir =
        pool_printf(x->p, "%s/tests/%s/%s-%ld", x->how->out, x->b->name, stamp, (long)getpid());
    const char *plan_dir = pool_printf(x->p, "%s/plan", x->out->dir);
    const char *log_dir = pool_printf(x->p, "%s/logs", x->out->dir);
    if (!x->out->dir || !plan_dir || !log_dir)
        return RN_ENOMEM;
    TRY(file_mkdirs(plan_dir));
    return file_mkdirs(log_dir);
}

/* ---- what a run left ------------------------------------------------------ */

/* The values alone: the head of the file has the run's name in it. */
static const char *weights_digest(struct pool *p, const char *dir)
{
    const char *path = pool_printf(p, "%s/weights/last.safetensors", dir);
    char hash[HASH_TEXT];
    uint8_t *data;
    uint64_t n, head = 0;
    void *got;

    if (!path || file_read(path, WEIGHTS_BYTES, &got, &n) < 0)
        return NULL;
    data = got;
    for (int i = 7; i >= 0 && n >= 8; i--)
        head = head << 8 | data[i];
    bool whole = n >= 8 && head <= n - 8;
    if (whole)
        hash_sha256(data + 8 + head, n - 8 - head, hash);
    mem_free(got);
    return whole ? pool_strndup(p, hash, DIGEST_SHOWN) : NULL;
}

static const char *data_digest(struct pool *p, const char *dir)
{
    cJSON *root = json_read(dir, "data.json", JSON_BYTES), *v;
    char hash[HASH_TEXT];
    struct text t = {0};

    cJSON_ArrayForEach(v, cJSON_GetObjectItem(root, "fingerprint"))
        text_add(&t, "%s %s\n", v->string, cJSON_GetStringValue(v));
    cJSON_Delete(root);
    if (t.n)
        hash_sha256(text_str(&t), t.n, hash);
    const char *out = t.n ? pool_strndup(p, hash, DIGEST_SHOWN) : NULL;
    text_free(&t);
    return out;
}

/* Each epoch's numbers as metrics "epoch3.val.loss"; those of the last as "lr" and so on, too. */
static int epoch_add(struct pool *p, struct rows *t, struct rn_metric *out, int64_t *n)
{
    static const char *const splits[] = {"train_", "fit_", "val_"};

    for (int i = 2; i < t->n; i++) {
        char *name = pool_printf(p, "epoch%s.%s", t->cell[0], t->head[i]);
        if (!name)
            return RN_ENOMEM;
        char *metric = strchr(name, '.') + 1;
        for (size_t k = 0; k < sizeof splits / sizeof *splits; k++)
            if (!strncmp(metric, splits[k], strlen(splits[k])))
                metric[strlen(splits[k]) - 1] = '.';
        out[(*n)++] = (struct rn_metric){name, rows_real(t, i)};
    }
    return RN_OK;
}

static int epochs_read(struct pool *p, const char *dir, struct rn_metric **out, int64_t *n)
{
    const char *path = pool_printf(p, "%s/epochs.csv", dir);
    struct rows t;
    int64_t room = 0;

    *out = NULL;
    *n = 0;
    if (!path)
        return RN_ENOMEM;
    int status = rows_open(&t, path, "epoch,step");
    while (status >= 0 && (status = rows_next(&t)) > 0) {
        if (*n + t.n > room) {
            room = 2 * room + t.n;
            struct rn_metric *grown = pool_alloc(p, (size_t)room * sizeof *grown);
            if (grown && *n)
                memcpy(grown, *out, (size_t)*n * sizeof *grown);
            *out = grown;
        }
        status = *out ? epoch_add(p, &t, *out, n) : RN_ENOMEM;
    }
    rows_close(&t);
    return status;
}

static int metrics_read(struct pool *p, struct baseline_run *r)
{
    struct rn_metric *epochs, *all;
    struct run_parsed parsed;
    struct text line = {0};
    int64_t n;

    int status = run_line(r->dir, r->dir, "", &line);
    status = status < 0 ? status : run_parse(p, text_str(&line), &parsed);
    text_free(&line);
    TRY(status);
    TRY(epochs_read(p, r->dir, &epochs, &n));
    all = pool_alloc(p, (size_t)(n + parsed.more.n + 1) * sizeof *all);
    if (!all)
        return RN_ENOMEM;
    memcpy(all, parsed.more.metrics, (size_t)parsed.more.n * sizeof *all);
    memcpy(all + parsed.more.n, epochs ? epochs : all, (size_t)n * sizeof *all);
    r->metrics = all;
    r->n_metrics = n + parsed.more.n;
    r->digest = weights_digest(p, r->dir);
    r->data = data_digest(p, r->dir);
    return RN_OK;
}

double baseline_metric(const struct baseline_run *r, const char *name)
{
    bool last = !strcmp(name, "lr") || !strcmp(name, "samples_per_s");

    for (int64_t i = r->n_metrics; i-- > 0;) {
        const char *have = r->metrics[i].name, *dot = last ? strchr(have, '.') : NULL;
        if (!strcmp(have, name) || (dot && !strcmp(dot + 1, name)))
            return r->metrics[i].value;
    }
    return (double)NAN;
}

static int collect(struct batch *x, struct baseline_run *r, const struct child_end *end)
{
    const char *link = pool_printf(x->p, "%s/seed%lld/latest", x->out->dir, (long long)r->seed);
    char real[PATH_MAX];

    if (!link)
        return RN_ENOMEM;
    if (realpath(link, real))
        r->dir = link;
    if (end->signal || end->exit_code) {
        const char *line = child_last_line(x->p, r->log);
        r->fault =
            line ? pool_printf(x->p, "%s%s%s", child_end_text(x->p, end), *line ? ": " : "", line)
                 : NULL;
        return r->fault ? RN_OK : RN_ENOMEM;
    }
    int status = r->dir ? metrics_read(x->p, r) : FAIL(RN_EDATA, "it left no run folder");
    if (status < 0 && status != RN_ENOMEM)
        r->fault = pool_strdup(x->p, error_text());
    return status == RN_ENOMEM ? status : RN_OK;
}

/* ---- the queue ------------------------------------------------------------ */

/* The command line of a run, and where its log is. */
static int task(struct batch *x, struct baseline_run *r, struct launch_task *out)
{
    const struct baseline_how *how = x->how;
    const char **args = pool_alloc(x->p, (size_t)(6 + 2 * how->n_plugin_dirs) * sizeof *args);
    int n = 0;

    r->log = pool_printf(x->p, "%s/logs/seed%lld.log", x->out->dir, (long long)r->seed);
    if (!args || !r->log)
        return RN_ENOMEM;
    args[n++] = "run";
    args[n++] = pool_printf(x->p, "%s/plan/seed%lld.yaml", x->out->dir, (long long)r->seed);
    args[n++] = "-o";
    args[n++] = x->out->dir;
    args[n++] = "-q";
    for (int i = 0; i < how->n_plugin_dirs; i++) {
        args[n++] = "--plugin-dir";
        args[n++] = how->plugin_dirs[i];
    }
    *out = (struct launch_task){.log = r->log, .args = args};
    return args[1] ? RN_OK : RN_ENOMEM;
}

static int ended(void *ctx, int i, const struct child_end *end)
{
    struct batch *x = ctx;

    TRY(collect(x, &x->out->runs[i], end));
    x->done++;
    if (x->how->told)
        x->how->told(x->how->ctx, x->done, x->out->n_runs);
    return RN_OK;
}

static int tick(void *ctx)
{
    (void)ctx;
    return stop_requested() ? FAIL(RN_EBUSY, "stopped by a signal") : RN_OK;
}

static int queue(struct batch *x)
{
    int n = (int)x->out->n_runs;
    struct launch_task *tasks = pool_alloc(x->p, (size_t)n * sizeof *tasks);
    const struct launch_limits limits = {.jobs = x->jobs};
    const struct launch_events events = {.ctx = x, .ended = ended, .tick = tick};

    if (!tasks)
        return RN_ENOMEM;
    for (int i = 0; i < n; i++)
        TRY(task(x, &x->out->runs[i], &tasks[i]));
    return launch_local(&limits, tasks, n, &events);
}

/* ---- what is recorded besides --------------------------------------------- */

void machine_class(char out[CLASS_TEXT])
{
    static const char *const flags = &RUNNER_FLAGS[1], *const compiler =
                                                           RUNNER_COMPILER; /* "-O3 .." */
    struct utsname u;
    char name[40];

    snprintf(name, sizeof name, "%s", compiler);
    for (char *s = name; *s; s++) /* "gcc 12.2.0" */
        if (*s == ' ') {
            memmove(s, s + 1, strlen(s));
            break;
        }
    if (uname(&u))
        snprintf(u.machine, sizeof u.machine, "unknown");
    snprintf(out, CLASS_TEXT, "%.20s%s-%dc-%s-%.*s", u.machine, env_vectors(), env_cores(), name,
             (int)strcspn(flags, " ,"), flags);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct rn_fact *)a)->key, ((const struct rn_fact *)b)->key);
}

static int plugins_read(struct batch *x, const char *dir)
{
    cJSON *list = json_read(dir, "plugins.json", JSON_BYTES), *v;
    struct rn_fact *facts =
        pool_alloc(x->p, (size_t)(cJSON_GetArraySize(list) + 1) * sizeof *facts);
    int64_t n = 0;

    cJSON_ArrayForEach(v, list)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(v, "name"));
        const char *sha = cJSON_GetStringValue(cJSON_GetObjectItem(v, "sha256"));
        if (facts && name && sha)
            facts[n++] =
                (struct rn_fact){pool_strdup(x->p, name), pool_strndup(x->p, sha, SHA_SHOWN)};
    }
    cJSON_Delete(list);
    for (int64_t i = 0; i < n; i++)
        if (!facts[i].key || !facts[i].value)
            return RN_ENOMEM;
    if (n)
        qsort(facts, (size_t)n, sizeof *facts, by_key);
    x->out->plugins = facts;
    x->out->n_plugins = n;
    return facts ? RN_OK : RN_ENOMEM;
}

static int facts_read(struct batch *x)
{
    const struct baseline_run *first = baseline_seed(x->out, x->b->seeds.at[0]), *any = NULL;
    int64_t n = 0;
    char name[48];
    double *loss;

    machine_class(x->out->machine);
    for (int64_t i = 0; i < x->out->n_runs && !any; i++)
        any = x->out->runs[i].dir ? &x->out->runs[i] : NULL;
    if (any)
        TRY(plugins_read(x, any->dir));
    if (!first || first->fault)
        return RN_OK;
    do
        snprintf(name, sizeof name, "epoch%lld.val.loss", (long long)++n);
    while (!isnan(baseline_metric(first, name)));
    loss = pool_alloc(x->p, (size_t)n * sizeof *loss);
    if (!loss)
        return RN_ENOMEM;
    for (int64_t i = 0; i + 1 < n; i++) {
        snprintf(name, sizeof name, "epoch%lld.val.loss", (long long)i + 1);
        loss[i] = baseline_metric(first, name);
    }
    x->out->val_loss = (struct rn_floats){n - 1, loss};
    return RN_OK;
}

int baseline_plan(struct pool *p, const struct baseline *b, const struct baseline_how *how)
{
    struct batch x = {.p = p, .b = b, .how = how};
    struct experiment *e;

    return plan(&x, b->seeds.at[0], &e);
}

int baseline_run(struct pool *p, const struct baseline *b, const struct baseline_how *how,
                 struct baseline_result *out)
{
    struct batch x = {.p = p, .b = b, .how = how, .out = out};
    int64_t n = how->n_seeds ? how->n_seeds : b->seeds.count;
    const int64_t *seeds = how->n_seeds ? how->seeds : b->seeds.at;
    uint64_t begun = clock_ns();

    *out = (struct baseline_result){.b = b, .n_runs = n};
    out->runs = pool_alloc(p, (size_t)n * sizeof *out->runs);
    if (!out->runs)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        out->runs[i].seed = seeds[i];
    TRY(folder_make(&x));
    int status = plans_write(&x);
    if (status < 0)
        return file_remove_tree(out->dir), status;
    TRY(queue(&x));
    out->seconds = clock_s(begun);
    return facts_read(&x);
}
