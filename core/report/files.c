/* files.c - the list of a run folder's files for its pages, the same whenever it is made after the
 * last of the files but the pages themselves: a page that is made again is the same, too. */
#define _XOPEN_SOURCE 700
#include "facts.h"

#include "base/error.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 1000

struct finder {
    struct pool *p;
    const char *dir;
    struct rn_fact *files; /* FILES_MAX */
    int64_t n;
};

static bool ends_with(const char *s, const char *ending)
{
    size_t n = strlen(s), m = strlen(ending);

    return n >= m && !strcmp(s + n - m, ending);
}

/* Pages and what is drawn for them: made from the rest, and at another time. And the lock, which
 * says nothing. */
static bool is_page(const char *path)
{
    return !strcmp(path, "run.lock") || !strcmp(path, "report.html") ||
           !strcmp(path, "report.md") || (!strncmp(path, "figures/", 8) && ends_with(path, ".png"));
}

/* Still written to when a page is made. */
static bool grows(const char *path)
{
    return !strcmp(path, "status.json") || !strcmp(path, "log.txt") ||
           !strcmp(path, "metrics.jsonl") || strstr(path, ".tfevents.");
}

static const char *size_words(struct pool *p, int64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double v = (double)bytes;
    int unit = 0;

    for (; v >= 999.5 && unit < 4; unit++)
        v /= 1000;
    return pool_printf(p, unit && v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[unit]);
}

static int find_below(struct finder *f, const char *below, int depth);

static int take(struct finder *f, const char *name, int depth)
{
    char full[PATH_MAX];
    struct stat st;

    if (snprintf(full, sizeof full, "%s/%s", f->dir, name) >= PATH_MAX || lstat(full, &st))
        return RN_OK;
    if (S_ISDIR(st.st_mode) && depth)
        return find_below(f, name, depth - 1);
    if (!S_ISREG(st.st_mode) || is_page(name) || strstr(name, ".tmp-") || f->n == FILES_MAX)
        return RN_OK;
    struct rn_fact *file = &f->files[f->n++];
    file->key = pool_strdup(f->p, name);
    file->value = grows(name) ? "" : size_words(f->p, (int64_t)st.st_size);
    return file->key && file->value ? RN_OK : RN_ENOMEM;
}

static int find_below(struct finder *f, const char *below, int depth)
{
    char path[PATH_MAX];
    int status = RN_OK;

    if (snprintf(path, sizeof path, "%s/%s", f->dir, below) >= PATH_MAX)
        return RN_OK;
    DIR *dir = opendir(path);
    for (const struct dirent *e; dir && !status && (e = readdir(dir));) {
        if (e->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s%s%s", below, *below ? "/" : "", e->d_name) >= PATH_MAX)
            continue;
        status = take(f, path, depth);
    }
    if (dir)
        closedir(dir);
    return status;
}

static int by_path(const void *a, const void *b)
{
    const struct rn_fact *x = a, *y = b;
    bool deep_x = strchr(x->key, '/') != NULL, deep_y = strchr(y->key, '/') != NULL;

    return deep_x != deep_y ? deep_x - deep_y : strcmp(x->key, y->key);
}

int report_list_files(struct report *r)
{
    struct pool *p = pool_new();
    struct finder f = {.p = p, .dir = r->view.dir};

    f.files = p ? pool_alloc(p, FILES_MAX * sizeof *f.files) : NULL;
    int status = f.files ? find_below(&f, "", 2) : RN_ENOMEM;
    if (status) {
        pool_free(p);
        return status;
    }
    qsort(f.files, (size_t)f.n, sizeof *f.files, by_path);
    pool_free(r->listed);
    r->listed = p;
    r->view.files = f.files;
    r->view.n_files = f.n;
    return RN_OK;
}
