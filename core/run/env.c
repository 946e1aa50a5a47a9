/* env.c - where a run takes place: machine, system, compiler, source version. The files of /proc,
 * /sys and .git are read here by lines: they have no size that file_read() could trust. */
#define _GNU_SOURCE
#include "env.h"

#include "base/error.h"
#include "base/log.h"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FACTS_MAX 16

static FILE *lines_open(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return NULL;
    FILE *f = !fstat(fd, &st) && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;
    if (!f)
        close(fd);
    return f;
}

/* What follows key in the first line that begins with it, without separators and quotes. */
static bool line_value(const char *path, const char *key, char *out, size_t size)
{
    char line[PATH_MAX + 64];
    size_t n = strlen(key);
    FILE *f = lines_open(path);

    out[0] = '\0';
    while (f && !out[0] && fgets(line, sizeof line, f)) {
        if (strncmp(line, key, n))
            continue;
        char *s = line + n + strspn(line + n, " \t:=\"");
        s[strcspn(s, "\n\"")] = '\0';
        snprintf(out, size, "%s", s);
    }
    if (f)
        fclose(f);
    log_clean(out);
    return out[0];
}

/* ---- git ------------------------------------------------------------------ */

/* path as seen from dir. */
static bool path_join(char out[PATH_MAX], const char *dir, const char *path)
{
    return snprintf(out, PATH_MAX, "%s%s%s", path[0] == '/' ? "" : dir, path[0] == '/' ? "" : "/",
                    path) < PATH_MAX;
}

static bool is_commit(const char *s)
{
    size_t n = strspn(s, "0123456789abcdef");

    return !s[n] && (n == 40 || n == 64);
}

/* The .git of the repository around dir, or the folder that it names when it is a file, as in a
 * worktree or a submodule. */
static bool git_folder(const char *around, char out[PATH_MAX])
{
    char dir[PATH_MAX], target[PATH_MAX];
    struct stat st;

    if (!realpath(around, dir))
        return false;
    while (snprintf(out, PATH_MAX, "%s/.git", dir) >= PATH_MAX || stat(out, &st)) {
        char *slash = strrchr(dir, '/');
        if (!slash)
            return false;
        *slash = '\0';
    }
    if (S_ISDIR(st.st_mode))
        return true;
    return line_value(out, "gitdir:", target, sizeof target) && path_join(out, dir, target);
}

/* The commit of a ref from git's folder: its own file, or its line of packed-refs. */
static bool ref_commit(const char *git, const char *ref, char out[72])
{
    char path[PATH_MAX], line[PATH_MAX];
    bool found = false;

    if (path_join(path, git, ref) && line_value(path, "", out, 72) && is_commit(out))
        return true;
    FILE *f = path_join(path, git, "packed-refs") ? lines_open(path) : NULL;
    while (f && !found && fgets(line, sizeof line, f)) {
        char *name = line + strcspn(line, " \n");
        if (*name != ' ')
            continue;
        *name++ = '\0';
        name[strcspn(name, "\n")] = '\0';
        found = !strcmp(name, ref) && is_commit(line);
    }
    if (f)
        fclose(f);
    snprintf(out, 72, "%s", found ? line : "");
    return found;
}

void env_commit(const char *dir, char out[72])
{
    char git[PATH_MAX], path[PATH_MAX], head[PATH_MAX], common[PATH_MAX];

    out[0] = '\0';
    if (!git_folder(dir, git) || !path_join(path, git, "HEAD") ||
        !line_value(path, "", head, sizeof head))
        return;
    if (strncmp(head, "ref: ", 5)) {
        snprintf(out, 72, "%s", is_commit(head) ? head : "");
        return;
    }
    if (ref_commit(git, head + 5, out))
        return;
    if (path_join(path, git, "commondir") && /* of a worktree */
        line_value(path, "", common, sizeof common) && path_join(path, git, common))
        ref_commit(path, head + 5, out);
}

/* ---- limits --------------------------------------------------------------- */

/* A limit of this process's control group, version 2, or of the root that a container sees. */
static bool cgroup_value(const char *name, char *out, size_t size)
{
    char group[PATH_MAX], path[2 * PATH_MAX];

    if (line_value("/proc/self/cgroup", "0::", group, sizeof group)) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", group, name);
        if (line_value(path, "", out, size))
            return true;
    }
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s", name);
    return line_value(path, "", out, size);
}

int env_cores(void)
{
    cpu_set_t set;
    char limit[64], *end;
    int n = sched_getaffinity(0, sizeof set, &set) ? (int)sysconf(_SC_NPROCESSORS_ONLN)
                                                   : CPU_COUNT(&set);

    if (cgroup_value("cpu.max", limit, sizeof limit)) { /* "200000 100000", or "max 100000" */
        long long quota = strtoll(limit, &end, 10), period = strtoll(end, NULL, 10);
        if (quota > 0 && period > 0 && (quota + period - 1) / period < n)
            n = (int)((quota + period - 1) / period);
    }
    return n > 0 ? n : 1;
}

static double memory_gib(void)
{
    char limit[64];
    double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);

    if (cgroup_value("memory.max", limit, sizeof limit)) {
        double most = (double)strtoull(limit, NULL, 10);
        if (most > 0 && most < bytes)
            bytes = most;
    }
    return bytes / 0x1p30;
}

/* ---- facts ---------------------------------------------------------------- */

struct facts {
    struct pool *pool;
    struct rn_fact *list;
    int n, status;
};

RN_PRINTF(3, 4) static void add(struct facts *f, const char *key, const char *fmt, ...)
{
    char value[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(value, sizeof value, fmt, args);
    va_end(args);
    if (!value[0] || f->status || f->n == FACTS_MAX)
        return;
    f->list[f->n] = (struct rn_fact){key, pool_strdup(f->pool, value)};
    if (!f->list[f->n++].value)
        f->status = RN_ENOMEM;
}

static const char *vectors(void)
{
    const char *name = env_vectors();

    return !strcmp(name, "-avx512") ? ", AVX-512" : !strcmp(name, "-avx2") ? ", AVX2" : "";
}

const char *env_vectors(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return "-avx512";
    if (__builtin_cpu_supports("avx2"))
        return "-avx2";
#endif
    return "";
}

int env_facts(struct pool *p, const struct rn_fact **out, int *n)
{
    struct facts f = {.pool = p, .list = pool_alloc(p, FACTS_MAX * sizeof *f.list)};
    struct utsname u;
    char value[256], commit[72];

    if (!f.list)
        return RN_ENOMEM;
    add(&f, "runner", "%s", RUNNER_VERSION);
    add(&f, "compiler", "%s", RUNNER_COMPILER);
    add(&f, "flags", "%s", RUNNER_FLAGS);
    env_commit(".", commit);
    add(&f, "git commit", "%s", commit);
    if (!line_value("/proc/cpuinfo", "model name", value, sizeof value))
        snprintf(value, sizeof value, "unknown");
    add(&f, "processor", "%s%s", value, vectors());
    add(&f, "cores", "%d", env_cores());
    add(&f, "memory", "%.1f GiB", memory_gib());
    line_value("/etc/os-release", "PRETTY_NAME", value, sizeof value);
    add(&f, "system", "%s", value);
    if (!uname(&u)) {
        add(&f, "kernel", "%s %s %s", u.sysname, u.release, u.machine);
        add(&f, "host", "%s", u.nodename);
    }
    add(&f, "C library", "glibc %s", gnu_get_libc_version());
    *out = f.list;
    *n = f.n;
    return f.status;
}
