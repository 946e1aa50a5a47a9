/* board.c - what is known of each run, and the files of a sweep. */
#define _DEFAULT_SOURCE
#include "board.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/stop.h"
#include "run/env.h"
#include "run/folder.h"
#include "run/rebuild.h"
#include "run/sweep_report.h"
#include "run_state.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *board_dir(const struct board *b, int run) { return b->dirs[run]; }

bool board_stopped(const struct board *b) { return stop_requested() || b->halt; }

int board_failed(const struct board *b)
{
    int n = 0;

    for (int i = 0; i < b->n_known; i++)
        n += !strcmp(b->records[i].status, "failed") || !strcmp(b->records[i].status, "diverged");
    return n;
}

/* ---- what there is -------------------------------------------------------- */

/* Whether a folder of runs/ holds a run of that hash, by its configuration. */
static bool has_hash(const struct board *b, const char *folder, const char *hash)
{
    struct pool *p = pool_new();
    char path[PATH_MAX], found[HASH_TEXT] = "";
    struct node *root = NULL;
    uint64_t n;
    void *text = NULL;

    snprintf(path, sizeof path, "%s/runs/%s/config.yaml", b->dir, folder);
    if (p && file_read(path, TREE_BYTES_MAX, &text, &n) >= 0 &&
        tree_resolved(p, text, &root) >= 0 && root)
        experiment_tree_identity(p, root, found);
    error_clear();
    mem_free(text);
    pool_free(p);
    return !strcmp(found, hash);
}

/* The run from..n whose folder this is by its name, but for the label; NULL: none. */
static struct plan_run *run_named(struct board *b, int from, const char *folder)
{
    const char *dash = strrchr(folder, '-');

    if (!dash || strlen(dash + 1) != 8 || !experiment_name_fits(folder))
        return NULL;
    for (int i = from; i < b->plan.n_runs; i++)
        if (!memcmp(dash + 1, b->plan.runs[i].hash + strlen("sha256:"), 8))
            return &b->plan.runs[i];
    return NULL;
}

/* A run that was made under another label keeps its folder. */
static int adopt_names(struct board *b, int from)
{
    char path[PATH_MAX];
    const struct dirent *e;
    int status = RN_OK;

    snprintf(path, sizeof path, "%s/runs", b->dir);
    DIR *d = opendir(path);
    while (d && !status && (e = readdir(d))) {
        struct plan_run *r = run_named(b, from, e->d_name);
        if (!r || !strcmp(r->id, e->d_name))
            continue;
        snprintf(path, sizeof path, "%s/runs/%s", b->dir, r->id);
        if (file_exists(path) || !has_hash(b, e->d_name, r->hash))
            continue;
        r->id = pool_strdup(b->pool, e->d_name);
        status = r->id ? RN_OK : RN_ENOMEM;
    }
    if (d)
        closedir(d);
    return status;
}

static int read_record(struct board *b, int run)
{
    struct run_state state;

    TRY(run_state_read(b->pool, board_dir(b, run), &state));
    bool lost = !strcmp(state.status, "lost"); /* it goes on from its checkpoint */
    b->records[run] = (struct run_record){.status = lost ? "interrupted" : state.status,
                                          .reason = state.reason,
                                          .exit_code = state.exit_code,
                                          .attempts = state.attempts};
    return RN_OK;
}

static int write_plan(const struct board *b, int run)
{
    const struct plan_run *r = &b->plan.runs[run];
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/plan/%s.yaml", b->dir, r->id);
    return file_write_soon(path, r->config, strlen(r->config));
}

/* Room for n, at least doubled. */
static int make_room(struct board *b, int n)
{
    int room = n > 2 * b->room ? n : 2 * b->room;
    struct run_record *records = pool_alloc(b->pool, (size_t)room * sizeof *records);
    bool *tried = pool_alloc(b->pool, (size_t)room * sizeof *tried);
    const char **dirs = pool_alloc(b->pool, (size_t)room * sizeof *dirs);

    if (!records || !tried || !dirs)
        return RN_ENOMEM;
    if (b->n_known) {
        memcpy(records, b->records, (size_t)b->n_known * sizeof *records);
        memcpy(tried, b->tried, (size_t)b->n_known * sizeof *tried);
        memcpy(dirs, b->dirs, (size_t)b->n_known * sizeof *dirs);
    }
    b->records = records;
    b->dirs = dirs;
    b->tried = tried;
    b->room = room;
    return RN_OK;
}

int board_grow(struct board *b)
{
    int n = b->plan.n_runs;

    TRY(n > b->room ? make_room(b, n) : RN_OK);
    TRY(adopt_names(b, b->n_known));
    for (int i = b->n_known; i < n; i++) {
        b->dirs[i] = pool_printf(b->pool, "%s/runs/%s", b->dir, b->plan.runs[i].id);
        TRY(b->dirs[i] ? read_record(b, i) : RN_ENOMEM);
        TRY(b->begun ? write_plan(b, i) : RN_OK);
    }
    b->n_known = n;
    return RN_OK;
}

int board_open(struct board *b)
{
    b->dir = pool_printf(b->pool, "%s/%s", b->args->root, b->spec.name);
    return b->dir ? board_grow(b) : RN_ENOMEM;
}

/* ---- beginning ------------------------------------------------------------ */

/* Jobs times threads is at most the number of cores. */
static void set_jobs(struct board *b)
{
    struct slots *s = &b->spec.slots;
    int64_t limit = b->spec.slurm.array_limit;
    int cores = env_cores(), wanted = b->args->jobs ? b->args->jobs : (int)s->jobs;

    b->jobs = limit ? (int)limit : b->plan.n_runs > 0 ? b->plan.n_runs : 1;
    if (b->spec.on_slurm)
        return;
    if (s->threads > cores) {
        log_line(RN_WARNING, NULL, "slots.threads: %lld threads a run, and there are %d cores",
                 (long long)s->threads, cores);
        s->threads = cores;
    }
    int most = b->plan.counts_threads ? cores / (int)s->threads : 1;
    b->jobs = wanted && wanted < most ? wanted : most;
    if (wanted > most)
        log_line(RN_WARNING, NULL,
                 b->plan.counts_threads
                     ? "slots.jobs: %d runs of %lld thread%s at a time, since there are %d cores"
                     : "slots.jobs: %d run at a time, since `device: auto` takes all cores",
                 b->jobs, (long long)s->threads, s->threads == 1 ? "" : "s", cores);
}

static void show_warnings(struct board *b)
{
    struct text t = {0};

    if (!diag_warnings(b->spec.diag) || b->args->verbosity < 0)
        return;
    diag_text(b->spec.diag, b->args->colour, &t);
    if (t.n && t.s[t.n - 1] == '\n')
        t.s[t.n - 1] = '\0';
    screen_line(&b->screen, text_str(&t));
    text_free(&t);
}

int board_begin(struct board *b)
{
    static const char *const inside[] = {"plan", "runs", "logs", "figures"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        snprintf(path, sizeof path, "%s/%s", b->dir, inside[i]);
        TRY(file_mkdirs(path));
    }
    snprintf(path, sizeof path, "%s/sweep.lock", b->dir);
    TRY(folder_lock(path, &b->lock));
    screen_open(&b->screen, b->args->verbosity < 0);
    show_warnings(b);
    set_jobs(b);
    b->begun = true;
    for (int i = 0; i < b->n_known; i++)
        TRY(write_plan(b, i));
    return b->n_known ? board_write(b, false) : RN_OK;
}

int board_write(struct board *b, bool lasting)
{
    b->written_ns = clock_ns();
    return record_write(&b->plan, b->dir, b->args->command, b->records, lasting);
}

void board_close(struct board *b)
{
    if (b->lock >= 0)
        close(b->lock);
    b->lock = -1;
}

int board_end(struct board *b)
{
    struct error why = error_save();

    if (!b->plan.n_groups)
        return RN_OK;
    int status = board_write(b, true);
    status = status < 0 ? status : sweep_report(b->registry, b->dir);
    if (status >= 0 && runs_rebuild(b->registry, b->args->root) < 0)
        log_line(RN_WARNING, NULL, "the page over all runs is as it was: %s", error_text());
    if (why.status)
        error_restore(&why);
    return status;
}
