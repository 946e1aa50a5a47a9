/* export_mlflow.c - a run as a file store of MLflow: mlruns/<experiment>/<run>/ with meta.yaml and
 * a file for each parameter, tag and metric. Layout: mlflow/store/tracking/file_store.py. MLflow
 * moved to databases and reads it on request, or imports it. */
#define _GNU_SOURCE
#include "export.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "config/flatten.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NAME_BYTES = 250, VALUE_BYTES = 6000 }; /* MLflow's own limits */

struct series { /* of one metric */
    const char *name;
    struct text lines;
};

struct store {
    struct export_job *job;
    const char *experiment, *dir; /* id; folder of the run */
    const char *run;              /* 32 hex digits */
    int64_t began_ms, ended_ms;
    struct series *series;
    int64_t n, cap;
};

/* ---- small things --------------------------------------------------------- */

static int64_t unix_ms(const char *s)
{
    struct tm t = {0};

    return s && strptime(s, "%Y-%m-%dT%H:%M:%SZ", &t) ? (int64_t)timegm(&t) * 1000 : 0;
}

/* In single quotes, so that nothing is taken for a number. */
static void put_quoted(struct text *t, const char *key, const char *value)
{
    text_add(t, "%s: '", key);
    for (; *value; value++)
        text_add(t, *value == '\'' ? "''" : "%c", (unsigned char)*value < ' ' ? ' ' : *value);
    text_add(t, "'\n");
}

static const char *file_uri(struct pool *p, const char *path)
{
    static const char plain[] = "/-._~";
    struct text t = {0};

    text_add(&t, "file://");
    for (; *path; path++)
        text_add(&t, isalnum((unsigned char)*path) || strchr(plain, *path) ? "%c" : "%%%02X",
                 (unsigned char)*path);
    const char *uri = t.status ? NULL : pool_strdup(p, text_str(&t));
    text_free(&t);
    return uri;
}

/* What MLflow takes as a name: letters, digits, "_-. :"; it becomes the name of a file. */
static bool clean_name(const char *from, char to[NAME_BYTES + 1])
{
    size_t n = 0;

    for (; from[n] && n < NAME_BYTES; n++)
        to[n] = isalnum((unsigned char)from[n]) || strchr("_-. :", from[n]) ? from[n] : '_';
    to[n] = '\0';
    return strspn(to, ".") < n;
}

static int write_value(const char *dir, const char *folder, const char *name, const char *value)
{
    char path[PATH_MAX], clean[NAME_BYTES + 1], line[VALUE_BYTES + 1];
    size_t n = strnlen(value, VALUE_BYTES);

    while (n && ((unsigned char)value[n] & 0xC0) == 0x80)
        n--; /* no half a character */
    memcpy(line, value, n);
    for (size_t i = 0; i < n; i++)
        line[i] = line[i] == '\n' || line[i] == '\r' ? ' ' : line[i];
    if (!clean_name(name, clean))
        return RN_OK;
    if (snprintf(path, sizeof path, "%s/%s/%s", dir, folder, clean) >= (int)sizeof path)
        return FAIL(RN_EIO, "%s: the path is too long", dir);
    return file_write(path, line, n);
}

/* ---- the experiment ------------------------------------------------------- */

static const char *text_of(const struct node *root, const char *key)
{
    const struct node *n = root && root->kind == NODE_MAP ? tree_get(root, key) : NULL;

    return n && n->kind == NODE_SCALAR ? n->text : NULL;
}

/* The experiment of that name that is there already, perhaps made by MLflow; NULL: none. */
static const char *find_experiment(struct pool *p, const char *root, const char *name)
{
    DIR *d = opendir(root);
    const char *found = NULL;

    for (struct dirent *e; d && !found && (e = readdir(d));) {
        char path[PATH_MAX];
        struct diag *diag = diag_new(p);
        struct node *meta = NULL;
        if (*e->d_name == '.' || !diag ||
            snprintf(path, sizeof path, "%s/%s/meta.yaml", root, e->d_name) >= (int)sizeof path ||
            !file_exists(path) || tree_read(p, path, diag, &meta) < 0)
            continue;
        const char *have = text_of(meta, "name");
        if (have && !strcmp(have, name))
            found = pool_strdup(p, e->d_name);
    }
    if (d)
        closedir(d);
    return found;
}

/* Eighteen digits, as MLflow's own; the same for the same name. */
static const char *experiment_id(struct pool *p, const char *name)
{
    char hash[HASH_TEXT];

    hash_sha256(name, strlen(name), hash);
    unsigned long long v = strtoull(hash + strlen("sha256:") + 48, NULL, 16); /* its last 64 bits */
    return pool_printf(p, "%llu", 100000000000000000u + v % 900000000000000000u);
}

static int open_experiment(struct store *s)
{
    struct export_job *job = s->job;
    struct text t = {0};

    s->experiment = find_experiment(job->p, job->to, job->r->name);
    if (s->experiment)
        return RN_OK;
    s->experiment = experiment_id(job->p, job->r->name);
    const char *dir = pool_printf(job->p, "%s/%s", job->to, s->experiment);
    const char *uri = dir ? file_uri(job->p, dir) : NULL;
    const char *path = dir ? pool_printf(job->p, "%s/meta.yaml", dir) : NULL;
    if (!s->experiment || !uri || !path)
        return RN_ENOMEM;
    put_quoted(&t, "artifact_location", uri);
    text_add(&t, "creation_time: %lld\n", (long long)s->began_ms);
    put_quoted(&t, "experiment_id", s->experiment);
    text_add(&t, "last_update_time: %lld\nlifecycle_stage: active\n", (long long)s->ended_ms);
    put_quoted(&t, "name", job->r->name);
    int status = t.status ? t.status : file_mkdirs(dir);
    status = status < 0 ? status : file_write(path, t.s, t.n);
    text_free(&t);
    return status;
}

/* ---- the run -------------------------------------------------------------- */

static int status_number(const char *status) /* RUNNING, FINISHED, FAILED, KILLED */
{
    return !strcmp(status, "finished")      ? 3
           : !strcmp(status, "interrupted") ? 5
           : !strcmp(status, "running")     ? 1
                                            : 4;
}

static int write_meta(struct store *s)
{
    const struct rn_report *r = s->job->r;
    const char *artifacts = pool_printf(s->job->p, "%s/artifacts", s->dir);
    const char *uri = artifacts ? file_uri(s->job->p, artifacts) : NULL;
    const char *path = pool_printf(s->job->p, "%s/meta.yaml", s->dir);
    struct text t = {0};

    if (!uri || !path)
        return RN_ENOMEM;
    put_quoted(&t, "artifact_uri", uri);
    text_add(&t, "end_time: %lld\n", (long long)s->ended_ms);
    put_quoted(&t, "entry_point_name", "");
    put_quoted(&t, "experiment_id", s->experiment);
    text_add(&t, "lifecycle_stage: active\n");
    put_quoted(&t, "run_id", s->run);
    put_quoted(&t, "run_name", r->id);
    put_quoted(&t, "run_uuid", s->run);
    put_quoted(&t, "source_name", "");
    text_add(&t, "source_type: 4\n");
    put_quoted(&t, "source_version", "");
    text_add(&t, "start_time: %lld\nstatus: %d\ntags: []\n", (long long)s->began_ms,
             status_number(r->status));
    put_quoted(&t, "user_id", "runner");
    int status = t.status ? t.status : file_write(path, t.s, t.n);
    text_free(&t);
    return status;
}

static int write_parameters(struct store *s)
{
    struct pool *p = s->job->p;
    struct node *root;
    const struct rn_fact *facts = NULL;
    int64_t n = 0;

    TRY(tree_resolved(p, s->job->r->config_yaml, &root));
    if (root)
        TRY(tree_flatten(p, root, &facts, &n));
    for (int64_t i = 0; i < n; i++)
        TRY(write_value(s->dir, "params", facts[i].key, facts[i].value));
    return RN_OK;
}

static int write_tags(struct store *s)
{
    const struct rn_report *r = s->job->r;
    const char *commit = "";

    for (int64_t i = 0; i < r->n_environment; i++)
        if (!strcmp(r->environment[i].key, "git commit"))
            commit = r->environment[i].value;
    const char *const tags[][2] = {{"mlflow.runName", r->id},
                                   {"mlflow.user", "runner"},
                                   {"mlflow.source.name", "runner"},
                                   {"mlflow.source.type", "LOCAL"},
                                   {"mlflow.source.git.commit", commit},
                                   {"mlflow.note.content", r->description},
                                   {"runner.command", r->command},
                                   {"runner.status", r->status},
                                   {"runner.reason", r->reason},
                                   {"runner.device", r->device},
                                   {"runner.data", r->data}};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (tags[i][1] && *tags[i][1])
            TRY(write_value(s->dir, "tags", tags[i][0], tags[i][1]));
    return RN_OK;
}

/* ---- metrics -------------------------------------------------------------- */

static struct series *series_of(struct store *s, const char *name)
{
    for (int64_t i = 0; i < s->n; i++)
        if (!strcmp(s->series[i].name, name))
            return &s->series[i];
    if (s->n == s->cap) {
        int64_t cap = 2 * s->cap + 16;
        struct series *more = pool_alloc(s->job->p, (size_t)cap * sizeof *more);
        if (!more)
            return NULL;
        if (s->n)
            memcpy(more, s->series, (size_t)s->n * sizeof *more);
        s->series = more;
        s->cap = cap;
    }
    s->series[s->n].name = pool_strdup(s->job->p, name);
    return s->series[s->n].name ? &s->series[s->n++] : NULL;
}

static int put_point(struct store *s, const char *name, int64_t ms, double v, int64_t step)
{
    struct series *to = series_of(s, name);

    if (!to)
        return RN_ENOMEM;
    text_add(&to->lines, "%lld %.17g %lld\n", (long long)ms, v, (long long)step);
    return to->lines.status;
}

static int put_record(void *ctx, const struct rn_record *r)
{
    struct store *s = ctx;
    char name[NAME_BYTES + 1];

    for (uint32_t i = 0; i < r->n_metrics; i++) {
        snprintf(name, sizeof name, "%s.%s", r->split, r->metrics[i].name);
        TRY(put_point(s, name, s->began_ms + (int64_t)llround(1000 * r->seconds),
                      r->metrics[i].value, r->step));
    }
    return RN_OK;
}

/* Numbers of the run as a whole, as report_metric() calls them. */
static int put_whole(struct store *s)
{
    const struct rn_report *r = s->job->r;
    const struct rn_epoch *best = NULL;

    for (int64_t i = 0; i < r->n_epochs; i++)
        best = r->epochs[i].epoch == r->best_epoch ? &r->epochs[i] : best;
    const struct rn_metric m[] = {{"best.epoch", best ? (double)best->epoch : NAN},
                                  {"best.val.loss", best ? best->val_loss : NAN},
                                  {"best.val.accuracy", best ? best->val_accuracy : NAN},
                                  {"parameters", (double)r->parameters},
                                  {"seconds", r->seconds},
                                  {"train_s", r->train_s}};
    int64_t step = r->n_epochs ? r->epochs[r->n_epochs - 1].step : 0;
    for (size_t i = 0; i < sizeof m / sizeof *m; i++)
        if (isfinite(m[i].value))
            TRY(put_point(s, m[i].name, s->ended_ms, m[i].value, step));
    return RN_OK;
}

static int write_metrics(struct store *s)
{
    int status = export_records(s->job->r, put_record, s);

    status = status < 0 ? status : put_whole(s);
    for (int64_t i = 0; i < s->n; i++) {
        char path[PATH_MAX], clean[NAME_BYTES + 1];
        struct series *one = &s->series[i];
        if (status >= 0 && clean_name(one->name, clean) &&
            snprintf(path, sizeof path, "%s/metrics/%s", s->dir, clean) < (int)sizeof path)
            status = file_write(path, text_str(&one->lines), one->lines.n);
        text_free(&one->lines);
    }
    return status;
}

/* ---- files ---------------------------------------------------------------- */

#define ARTIFACT_BYTES ((uint64_t)1 << 30)

/* What people want to open there; the rest stays in the run folder. */
static int copy_artifacts(struct store *s)
{
    static const char *const names[] = {"report.html",  "report.md",  "summary.json",
                                        "config.yaml",  "epochs.csv", "predictions.csv",
                                        "metrics.jsonl"};
    char from[PATH_MAX], to[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        void *data;
        uint64_t n;
        if (snprintf(from, sizeof from, "%s/%s", s->job->r->dir, names[i]) >= (int)sizeof from ||
            snprintf(to, sizeof to, "%s/artifacts/%s", s->dir, names[i]) >= (int)sizeof to ||
            !file_exists(from))
            continue;
        TRY(file_read(from, ARTIFACT_BYTES, &data, &n));
        int status = file_write(to, data, n);
        mem_free(data);
        TRY(status);
    }
    return RN_OK;
}

static int make_folders(struct store *s)
{
    static const char *const names[] = {"metrics", "params", "tags", "artifacts"};

    file_remove_tree(s->dir); /* what an export before left */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *path = pool_printf(s->job->p, "%s/%s", s->dir, names[i]);
        TRY(path ? file_mkdirs(path) : RN_ENOMEM);
    }
    return RN_OK;
}

/* meta.yaml comes last: without it MLflow sees no run. */
int export_mlflow(struct export_job *job)
{
    struct store s = {.job = job, .began_ms = unix_ms(job->r->started)};
    char hash[HASH_TEXT];

    s.ended_ms = s.began_ms + (isfinite(job->r->seconds) ? llround(1000 * job->r->seconds) : 0);
    hash_sha256(job->r->id, strlen(job->r->id), hash);
    s.run = pool_strndup(job->p, hash + strlen("sha256:"), 32);
    TRY(open_experiment(&s));
    s.dir = pool_printf(job->p, "%s/%s/%s", job->to, s.experiment, s.run);
    if (!s.run || !s.dir)
        return RN_ENOMEM;
    TRY(make_folders(&s));
    TRY(write_parameters(&s));
    TRY(write_tags(&s));
    TRY(write_metrics(&s));
    TRY(copy_artifacts(&s));
    TRY(write_meta(&s));
    text_add(job->said, "%s\n", s.dir);
    if (!job->hint->n)
        text_add(job->hint,
                 "To see it:\n"
                 "  MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri %s\n"
                 "or, for a server with a database:\n"
                 "  mlflow migrate-filestore --source %s --target sqlite:///mlflow.db\n",
                 job->to, job->to);
    return job->said->status ? job->said->status : job->hint->status;
}
