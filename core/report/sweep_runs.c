/* sweep_runs.c - what the run folders of a sweep say: the objective by epoch, the test, time, size,
 * and what lies around them. One run after the other, keeping numbers alone. */
#define _XOPEN_SOURCE 700
#include "sweep.h"

#include "around.h"
#include "base/error.h"
#include "base/file.h"
#include "differ.h"
#include "rows.h"
#include "run_folder.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { EPOCHS_MAX = 1000000 };

bool sweep_better(const struct sweep *s, double a, double b)
{
    if (isnan(a) || isnan(b))
        return !isnan(a) && isnan(b);
    return s->view.more_is_better ? a > b : a < b;
}

/* ---- the curve ------------------------------------------------------------ */

/* The column of epochs.csv: "val.accuracy" is val_accuracy; -1: it has none. */
static int column_of(const struct rows *t, const char *metric)
{
    char name[128];

    metric += strncmp(metric, "best.", 5) ? 0 : 5;
    if (snprintf(name, sizeof name, "%s", metric) >= (int)sizeof name)
        return -1;
    for (char *dot = name; (dot = strchr(dot, '.'));)
        *dot = '_';
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->head[i], name))
            return i;
    return -1;
}

static int64_t count_lines(const char *s)
{
    int64_t n = 0;

    for (; s && (s = strchr(s, '\n')); s++)
        n++;
    return n;
}

static int read_rows(struct sweep *s, struct rows *t, struct trial *out)
{
    int column = t->n ? column_of(t, s->view.metric) : -1, more;

    if (column < 0)
        return RN_OK;
    out->curve = pool_alloc(s->p, (size_t)count_lines(t->next) * sizeof *out->curve + 1);
    if (!out->curve)
        return RN_ENOMEM;
    while ((more = rows_next(t)) > 0) {
        int64_t epoch = rows_whole(t, 0, 1, EPOCHS_MAX);
        double v = rows_real(t, column);
        out->curve[out->n_curve++] = isfinite(v) ? v : NAN;
        out->t.epochs = epoch;
        if (isfinite(v) && sweep_better(s, v, out->t.objective)) {
            out->t.objective = v;
            out->t.best_epoch = epoch;
        }
    }
    return more;
}

static int read_curve(struct sweep *s, struct trial *t)
{
    char path[PATH_MAX];
    struct rows rows;

    if (snprintf(path, sizeof path, "%s/epochs.csv", t->dir) >= (int)sizeof path)
        return FAIL(RN_EDATA, "%s: the path is too long", t->dir);
    int status = rows_open(&rows, path, "epoch");
    status = status < 0 ? status : read_rows(s, &rows, t);
    rows_close(&rows);
    return status;
}

/* ---- a run ---------------------------------------------------------------- */

static double metric_of(const struct run_parsed *r, const char *name)
{
    for (int64_t i = 0; i < r->more.n; i++)
        if (!strcmp(r->more.metrics[i].name, name))
            return r->more.metrics[i].value;
    return NAN;
}

static int copy_facts(struct pool *p, const struct rn_fact *from, int64_t n,
                      const struct rn_fact **out)
{
    struct rn_fact *f = pool_alloc(p, (size_t)n * sizeof *f + 1);

    for (int64_t i = 0; f && i < n; i++) {
        f[i] = (struct rn_fact){pool_strdup(p, from[i].key), pool_strdup(p, from[i].value)};
        if (!f[i].key || !f[i].value)
            return RN_ENOMEM;
    }
    *out = f;
    return f ? RN_OK : RN_ENOMEM;
}

/* What is kept of the first run of a group, to tell groups apart; and of the environment of each.
 */
static int keep(struct sweep *s, struct trial *t, const struct run_parsed *r)
{
    const char *set = around_fact(&r->run, CHANGE_TEST_SET);

    t->test_set = set ? pool_strdup(s->p, set) : NULL;
    t->run.n_config = r->run.n_config;
    t->run.n_environment = r->run.n_environment;
    TRY(copy_facts(s->p, r->run.config, r->run.n_config, &t->run.config));
    TRY(copy_facts(s->p, r->run.environment, r->run.n_environment, &t->run.environment));
    return set && !t->test_set ? RN_ENOMEM : RN_OK;
}

static int read_with(struct sweep *s, struct trial *t, struct pool *p, struct text *line)
{
    struct run_parsed parsed;

    TRY(run_line(t->dir, t->t.id, "", line));
    TRY(run_parse(p, text_str(line), &parsed));
    TRY(run_around(p, t->dir, &parsed.run));
    t->t.train_s = parsed.run.train_s;
    t->t.parameters = parsed.run.parameters;
    t->t.epochs = parsed.run.epochs;
    t->t.test = metric_of(&parsed, s->view.test_metric);
    TRY(read_curve(s, t));
    if (!t->n_curve)
        t->t.objective = metric_of(&parsed, s->view.metric);
    return keep(s, t, &parsed);
}

static int read_run(struct sweep *s, struct trial *t)
{
    struct pool *p = pool_new();
    struct text line = {0};
    int status = p ? read_with(s, t, p, &line) : RN_ENOMEM;

    text_free(&line);
    pool_free(p);
    if (status != RN_EDATA)
        return status;
    const char *why = pool_strdup(s->p, error_text());
    error_clear();
    t->t.objective = t->t.test = NAN;
    t->n_curve = 0;
    t->t.status = "unreadable";
    t->t.reason = why;
    return why ? RN_OK : RN_ENOMEM;
}

static bool is(const struct trial *t, const char *status) { return !strcmp(t->t.status, status); }

static int open_trial(struct sweep *s, struct group *g, struct trial *t)
{
    struct stat st;
    char path[PATH_MAX];

    const char *dir = pool_printf(s->p, "%s/runs/%s", s->dir, t->t.id);
    if (!dir)
        return RN_ENOMEM;
    if (!lstat(dir, &st) && S_ISDIR(st.st_mode))
        t->dir = dir;
    if (t->dir && !is(t, "pending"))
        TRY(read_run(s, t));
    else if (is(t, "finished")) {
        t->t.status = "unreadable";
        t->t.reason = "its folder is not there";
    }
    if (t->dir && snprintf(path, sizeof path, "%s/report.html", dir) < (int)sizeof path &&
        file_exists(path)) {
        t->t.page = pool_printf(s->p, "runs/%s/report.html", t->t.id);
        if (!t->t.page)
            return RN_ENOMEM;
    }
    if (is(t, "finished") && !isfinite(t->t.objective)) {
        t->t.reason = pool_printf(s->p, "%s was not measured", s->view.metric);
        if (!t->t.reason)
            return RN_ENOMEM;
    }
    t->t.counts = is(t, "finished") && isfinite(t->t.objective);
    g->g.n_diverged += is(t, "diverged");
    g->g.n_waiting += is(t, "pending") || is(t, "running") || is(t, "interrupted");
    g->g.n_failed += is(t, "failed") || is(t, "unreadable") || (is(t, "finished") && !t->t.counts);
    return RN_OK;
}

/* ---- what differs --------------------------------------------------------- */

static const struct rn_run *first_run(const struct group *g)
{
    for (int64_t i = 0; i < g->g.n_trials; i++)
        if (g->trials[i].run.n_config)
            return &g->trials[i].run;
    return NULL;
}

/* Names what is another for some run than for the first; each name once. */
static int find_around(struct sweep *s)
{
    const struct rn_run *first = NULL;
    struct text t = {0};

    for (int64_t g = 0; g < s->n; g++)
        for (int64_t i = 0; i < s->groups[g].g.n_trials; i++) {
            const struct rn_run *r = &s->groups[g].trials[i].run;
            first = first || !r->n_environment ? first : r;
            for (int64_t k = 0; first && r != first && k < r->n_environment; k++) {
                const char *key = r->environment[k].key, *value = around_fact(first, key);
                char word[256];
                snprintf(word, sizeof word, "%.250s; ", key);
                if (value && strcmp(value, r->environment[k].value) != 0 &&
                    !strstr(text_str(&t), word))
                    text_add(&t, "%s", word);
            }
        }
    if (t.n)
        t.s[t.n -= 2] = '\0';
    s->around = t.status ? NULL : pool_strdup(s->p, text_str(&t));
    text_free(&t);
    return s->around ? RN_OK : RN_ENOMEM;
}

int sweep_runs(struct sweep *s)
{
    for (int64_t g = 0; g < s->n; g++) {
        struct group *group = &s->groups[g];
        for (int64_t i = 0; i < group->g.n_trials; i++) {
            struct trial *t = &group->trials[i];
            TRY(open_trial(s, group, t));
            group->g.parameters = t->t.parameters ? t->t.parameters : group->g.parameters;
            group->g.epochs = t->t.epochs > group->g.epochs ? t->t.epochs : group->g.epochs;
        }
    }
    return find_around(s);
}

/* The seed tells runs of a group apart, not groups. */
int sweep_parameters(struct sweep *s)
{
    struct settings *all = pool_alloc(s->p, (size_t)s->n * sizeof *all + 1);
    struct rn_row *rows;
    int64_t n, kept = 0;

    if (!all)
        return RN_ENOMEM;
    for (int64_t g = 0; g < s->n; g++) {
        const struct rn_run *r = first_run(&s->groups[g]);
        all[g] = r ? (struct settings){r->config, r->n_config} : (struct settings){0};
    }
    TRY(differ(s->p, all, s->n, true, &rows, &n));
    for (int64_t i = 0; i < n; i++)
        if (strcmp(rows[i].key, "seed") != 0)
            rows[kept++] = rows[i];
    s->view.parameters = rows;
    s->view.n_parameters = kept;
    return RN_OK;
}
