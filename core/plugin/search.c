/* search.c - the folders that plugins are looked for in, and the names of the files in them. */
#define _XOPEN_SOURCE 700
#include "search.h"

#include "base/error.h"
#include "base/log.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef RUNNER_LIBDIR
#define RUNNER_LIBDIR "lib"
#endif

/* ---- the search path ------------------------------------------------------ */

static int dir_insert(struct search *s, int at, const char *dir)
{
    size_t n = strlen(dir);

    while (n > 1 && dir[n - 1] == '/')
        n--;
    for (int i = 0; i < s->n; i++)
        if (!strncmp(s->dirs[i], dir, n) && !s->dirs[i][n])
            return RN_OK;
    if (s->n == SEARCH_DIRS_MAX)
        return FAIL(RN_EINVAL, "more than %d plugin folders", SEARCH_DIRS_MAX);
    const char *copy = pool_strndup(s->pool, dir, n);
    if (!copy)
        return RN_ENOMEM;
    memmove(s->dirs + at + 1, s->dirs + at, (size_t)(s->n - at) * sizeof *s->dirs);
    s->dirs[at] = copy;
    s->n++;
    return RN_OK;
}

int search_add(struct search *s, const char *dir)
{
    struct stat st;

    if (*dir != '/')
        return FAIL(RN_EINVAL, "the plugin folder %s is no absolute path", dir);
    if (stat(dir, &st) || !S_ISDIR(st.st_mode))
        return FAIL(RN_EINVAL, "the plugin folder %s does not exist", dir);
    int n = s->n;
    TRY(dir_insert(s, s->n_asked, dir));
    if (s->n == n) /* there already */
        return RN_OK;
    s->n_asked++;
    return RN_OK;
}

/* $RN_PLUGIN_PATH: absolute folders with colons between them. */
static int add_environment(struct search *s)
{
    const char *path = getenv("RN_PLUGIN_PATH");

    for (const char *c = path ? path : ""; *c; c += strspn(c, ":")) {
        size_t n = strcspn(c, ":");
        const char *dir = pool_strndup(s->pool, c, n);
        if (!dir)
            return RN_ENOMEM;
        if (*dir == '/')
            TRY(dir_insert(s, s->n, dir));
        else if (n)
            log_line(RN_WARNING, "RN_PLUGIN_PATH", "'%s' is left out: it is no absolute path", dir);
        c += n;
    }
    return RN_OK;
}

/* <folder of the executable>/plugins in a build tree, <prefix>/lib/runner/plugins installed. */
static int add_builtin(struct search *s)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    if (n <= 0)
        return RN_OK;
    exe[n] = '\0';
    *strrchr(exe, '/') = '\0';
    const char *dir = pool_printf(s->pool, "%s/plugins", exe);
    TRY(dir ? dir_insert(s, s->n, dir) : RN_ENOMEM);
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    dir = pool_printf(s->pool, "%s/" RUNNER_LIBDIR "/runner/plugins", exe);
    return dir ? dir_insert(s, s->n, dir) : RN_ENOMEM;
}

int search_init(struct search *s, struct pool *p, const char *const *dirs, int n)
{
    *s = (struct search){.pool = p};
    for (int i = 0; i < n; i++)
        TRY(search_add(s, dirs[i]));
    TRY(add_environment(s));
    return add_builtin(s);
}

/* ---- folders -------------------------------------------------------------- */

struct names { /* grows in a pool */
    const char **at;
    int n, cap;
};

static int names_add(struct pool *p, struct names *list, const char *name, size_t length)
{
    if (list->n == list->cap) {
        int cap = list->cap ? list->cap * 2 : 32;
        const char **at = pool_alloc(p, (size_t)cap * sizeof *at);
        if (!at)
            return RN_ENOMEM;
        if (list->n)
            memcpy(at, list->at, (size_t)list->n * sizeof *at);
        list->at = at;
        list->cap = cap;
    }
    list->at[list->n] = pool_strndup(p, name, length);
    return list->at[list->n++] ? RN_OK : RN_ENOMEM;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts, each name once. */
static void names_sort(struct names *list)
{
    int n = 0;

    if (list->n)
        qsort(list->at, (size_t)list->n, sizeof *list->at, by_text);
    for (int i = 0; i < list->n; i++)
        if (!n || strcmp(list->at[n - 1], list->at[i]))
            list->at[n++] = list->at[i];
    list->n = n;
}

/* The names of the plugin files of a kind in one folder; a missing folder has none. */
static int folder_names(struct pool *p, const char *dir, uint32_t kind, struct names *list)
{
    char path[PATH_MAX];
    int status = RN_OK;

    snprintf(path, sizeof path, "%s/%s", dir, kind_folder(kind));
    DIR *d = opendir(path);
    for (struct dirent *e; d && !status && (e = readdir(d));) {
        size_t n = strlen(e->d_name), tail = sizeof PLUGIN_SUFFIX - 1;
        if (*e->d_name != '.' && n > tail && !strcmp(e->d_name + n - tail, PLUGIN_SUFFIX))
            status = names_add(p, list, e->d_name, n - tail);
    }
    if (d)
        closedir(d);
    return status;
}

int search_names(struct search *s, int dir, uint32_t kind, const char *const **names, int *n)
{
    struct names list = {0};

    for (int i = dir < 0 ? 0 : dir; i < (dir < 0 ? s->n : dir + 1); i++)
        TRY(folder_names(s->pool, s->dirs[i], kind, &list));
    names_sort(&list);
    *names = list.at;
    *n = list.n;
    return RN_OK;
}
