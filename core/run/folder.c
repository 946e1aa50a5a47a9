/* folder.c - makes the run folder and keeps its status. */
#define _XOPEN_SOURCE 700
#include "folder.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/clock.h"
#include "base/json.h"
#include "experiment/experiment.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STATUS_BYTES (1u << 20)

/* Local time, then six digits of a hash over what no other run has: configuration, time, process.
 */
static const char *make_id(struct pool *p, const char *config, int again)
{
    char stamp[32], hash[HASH_TEXT];
    time_t now = time(NULL);
    struct tm tm;

    char *seed = pool_printf(p, "%s%llu %ld %d", config, (unsigned long long)clock_ns(),
                             (long)getpid(), again);
    if (!seed)
        return NULL;
    hash_sha256(seed, strlen(seed), hash);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &tm));
    return pool_printf(p, "%s-%.6s", stamp, hash + strlen("sha256:"));
}

const char *folder_path(const struct folder *f, const char *name, char *out, size_t n)
{
    snprintf(out, n, "%s/%s", f->dir, name);
    return out;
}

int folder_write(const struct folder *f, const char *name, const char *text, size_t n)
{
    char path[PATH_MAX];

    return file_write(folder_path(f, name, path, sizeof path), text, n);
}

static int set_start(struct pool *p, struct folder *f)
{
    char stamp[32];
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now.tv_sec, &tm));
    f->microseconds = now.tv_nsec / 1000;
    f->started = pool_strdup(p, stamp);
    return f->started ? RN_OK : RN_ENOMEM;
}

int folder_inside(const struct folder *f)
{
    static const char *const inside[] = {"weights", "figures", "state"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        TRY(file_mkdirs(folder_path(f, inside[i], path, sizeof path)));
    return RN_OK;
}

int folder_lock(const char *path, int *fd)
{
    char host[256] = "", stamp[32], holder[512];
    time_t now = time(NULL);
    struct tm tm;

    gethostname(host, sizeof host - 1);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    snprintf(holder, sizeof holder, "process %ld on %s since %s\n", (long)getpid(), host, stamp);
    return file_lock(path, holder, fd);
}

static int take_lock(struct folder *f)
{
    char path[PATH_MAX];

    return folder_lock(folder_path(f, "run.lock", path, sizeof path), &f->lock);
}

int folder_create(struct pool *p, const char *root, const char *name, const char *config,
                  struct folder *f)
{
    int status = RN_EBUSY;

    *f = (struct folder){.parent = pool_printf(p, "%s/%s", root, name),
                         .attempt = 1,
                         .made_parent = true,
                         .lock = -1};
    if (!f->parent)
        return RN_ENOMEM;
    TRY(set_start(p, f));
    TRY(file_mkdirs(f->parent));
    for (int again = 0; status == RN_EBUSY && again < 100; again++) {
        f->id = make_id(p, config, again);
        f->dir = f->id ? pool_printf(p, "%s/%s", f->parent, f->id) : NULL;
        if (!f->dir)
            return RN_ENOMEM;
        status = file_mkdir_new(f->dir);
    }
    if (status)
        return status;
    f->made = true;
    status = take_lock(f);
    if (status)
        folder_remove(f);
    return status;
}

static bool is_empty(const char *dir)
{
    DIR *d = opendir(dir);
    bool empty = d != NULL;

    for (const struct dirent *e; empty && (e = readdir(d));)
        empty = !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
    if (d)
        closedir(d);
    return empty;
}

/* Only in a folder that a run was begun in are files removed and written over. */
static int expect_of_a_run(const struct folder *f)
{
    char path[PATH_MAX];

    if (is_empty(f->dir) || file_exists(folder_path(f, "run.lock", path, sizeof path)))
        return RN_OK;
    cJSON *status = json_read(f->dir, "status.json", STATUS_BYTES);
    bool begun = cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(status, "pid")) &&
                 cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(status, "attempt"));
    cJSON_Delete(status);
    if (begun)
        return RN_OK;
    return FAIL(RN_EINVAL,
                "%s holds files, and none that says that they are a run's (run.lock, or "
                "status.json with pid and attempt); choose a folder that is empty or not there",
                f->dir);
}

int folder_enter(struct pool *p, const char *dir, struct folder *f)
{
    char real[PATH_MAX];

    *f = (struct folder){.attempt = 1, .made = !file_exists(dir), .lock = -1};
    TRY(file_mkdirs(dir));
    char *slash = realpath(dir, real) ? strrchr(real, '/') : NULL;
    f->dir = pool_strdup(p, dir);
    f->id = slash ? pool_strdup(p, slash + 1) : "";
    if (slash)
        *slash = '\0';
    f->parent = pool_strdup(p, slash ? real : "");
    if (!f->dir || !f->id || !f->parent)
        return RN_ENOMEM;
    if (!experiment_name_fits(f->id))
        return FAIL(
            RN_EINVAL,
            "'%s' cannot be a run folder: its last part is the run's name: letters, digits, "
            "'.', '_', '-'; 1 to 100 of them, not beginning with '.' or '-'",
            dir);
    TRY(set_start(p, f));
    TRY(f->made ? RN_OK : expect_of_a_run(f));
    return take_lock(f);
}

static void remove_those(const struct folder *f, const char *const *names, size_t n)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < n; i++)
        file_remove_tree(folder_path(f, names[i], path, sizeof path));
}

void folder_clear_test(const struct folder *f)
{
    static const char *const names[] = {"predictions.csv", "samples.csv", "samples.png"};

    remove_those(f, names, sizeof names / sizeof *names);
}

void folder_clear(const struct folder *f)
{
    static const char *const names[] = {
        "state",      "weights",   "figures",    "summary.json",   "epochs.csv",  "steps.csv",
        "params.csv", "units.csv", "trace.json", "histograms.csv", "profile.json"};

    remove_those(f, names, sizeof names / sizeof *names);
    folder_clear_test(f);
}

void folder_close(struct folder *f)
{
    if (f->dir && f->lock >= 0)
        close(f->lock);
    f->lock = -1;
}

int folder_status(const struct folder *f, const char *status, int exit_code, const char *reason)
{
    char host[256] = "", stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    cJSON *root = cJSON_CreateObject();

    gethostname(host, sizeof host - 1);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    cJSON_AddStringToObject(root, "status", status);
    if (strcmp(status, "running"))
        cJSON_AddNumberToObject(root, "exit_code", exit_code);
    cJSON_AddStringToObject(root, "reason", reason ? reason : "");
    cJSON_AddStringToObject(root, "started", f->started);
    cJSON_AddNumberToObject(root, "microseconds", (double)f->microseconds);
    cJSON_AddStringToObject(root, "updated", stamp);
    cJSON_AddNumberToObject(root, "attempt", (double)f->attempt);
    cJSON_AddNumberToObject(root, "pid", getpid());
    cJSON_AddNumberToObject(root, "pid_start", clock_process_start(getpid()));
    cJSON_AddStringToObject(root, "host", host);
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text)
        return FAIL(RN_ENOMEM, "out of memory for status.json");
    int written = folder_write(f, "status.json", text, strlen(text));
    cJSON_free(text);
    return written;
}

int folder_latest(const struct folder *f)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/latest", f->parent);
    return file_symlink(f->id, path);
}

void folder_remove(const struct folder *f)
{
    file_remove_tree(f->dir);
    if (f->made_parent)
        rmdir(f->parent); /* only when this run was its first */
}
