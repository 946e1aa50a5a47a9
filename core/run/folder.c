/* folder.c - makes the run folder and keeps its status. */
#define _XOPEN_SOURCE 700
#include "folder.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/clock.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

int folder_create(struct pool *p, const char *root, const char *name, const char *config,
                  struct folder *f)
{
    static const char *const inside[] = {"weights", "figures", "state"};
    char path[PATH_MAX], stamp[32];
    struct timespec now;
    struct tm tm;
    int status = RN_EBUSY;

    clock_gettime(CLOCK_REALTIME, &now);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now.tv_sec, &tm));
    f->microseconds = now.tv_nsec / 1000;
    f->started = pool_strdup(p, stamp);
    f->parent = pool_printf(p, "%s/%s", root, name);
    if (!f->started || !f->parent)
        return RN_ENOMEM;
    TRY(file_mkdirs(f->parent));
    for (int again = 0; status == RN_EBUSY && again < 100; again++) {
        f->id = make_id(p, config, again);
        f->dir = f->id ? pool_printf(p, "%s/%s", f->parent, f->id) : NULL;
        if (!f->dir)
            return RN_ENOMEM;
        status = file_mkdir_new(f->dir);
    }
    for (size_t i = 0; i < sizeof inside / sizeof *inside && !status; i++)
        status = file_mkdirs(folder_path(f, inside[i], path, sizeof path));
    if (status && status != RN_EBUSY)
        folder_remove(f);
    return status;
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
    rmdir(f->parent); /* only when this run was its first */
}
