/* registry.c - where plugins are looked for, which files were opened, and what they provide.
 * Nothing is opened before it is asked for, no file twice, and none is ever closed. */
#define _XOPEN_SOURCE 700
#include "registry.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "load.h"
#include "search.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct file { /* seen once; by identity, since a link is no second plugin */
    struct file *next;
    dev_t dev;
    ino_t ino;
    uint32_t kind; /* of the folder it was found in */
    const char *path;
    const char *why; /* it can't be used; NULL: it can */
};

struct entry {
    struct entry *next;
    struct plugin plugin;
};

enum { KINDS = RN_KIND_AUGMENTATION + 1 }; /* the last of them, and none */

struct registry {
    struct pool *pool;
    struct search search;
    struct file *files;
    struct entry *entries;
    bool scanned[KINDS];
    struct names { /* of the files of a kind; list NULL: not looked for yet */
        const char *const *list;
        int n;
    } names[KINDS];
};

int registry_open(const char *const *dirs, int n_dirs, struct registry **out)
{
    struct registry *r = mem_alloc(sizeof *r);
    int status;

    *out = NULL;
    if (!r)
        return RN_ENOMEM;
    r->pool = pool_new();
    status = r->pool ? search_init(&r->search, r->pool, dirs, n_dirs) : RN_ENOMEM;
    if (status)
        registry_close(r);
    else
        *out = r;
    return status;
}

void registry_close(struct registry *r)
{
    if (!r)
        return;
    pool_free(r->pool);
    mem_free(r);
}

int registry_add_dir(struct registry *r, const char *dir)
{
    memset(r->scanned, 0, sizeof r->scanned);
    memset(r->names, 0, sizeof r->names);
    return search_add(&r->search, dir);
}

int registry_names(struct registry *r, uint32_t kind, const char *const **names, int *n)
{
    struct names *known = &r->names[kind];

    if (!known->list)
        TRY(search_names(&r->search, -1, kind, &known->list, &known->n));
    *names = known->list;
    *n = known->n;
    return RN_OK;
}

/* ---- one file ------------------------------------------------------------- */

static const struct plugin *registry_get(const struct registry *r, uint32_t kind, const char *name)
{
    for (const struct entry *e = r->entries; e; e = e->next)
        if (e->plugin.kind == kind && !strcmp(e->plugin.name, name))
            return &e->plugin;
    return NULL;
}

/* The path is the name: layers/x.so has to provide a layer x. */
static int check_promise(uint32_t kind, const char *name, const struct plugin *list, int n)
{
    for (int i = 0; i < n; i++)
        if (list[i].kind == kind && !strcmp(list[i].name, name))
            return RN_OK;
    return FAIL(RN_EPLUGIN,
                "it provides %s '%s', but its path promises %s '%s'; "
                "the file belongs at %s/%s" PLUGIN_SUFFIX,
                kind_name(list->kind), list->name, kind_name(kind), name, kind_folder(list->kind),
                list->name);
}

static int check_new(const struct registry *r, const struct plugin *list, int n)
{
    for (int i = 0; i < n; i++) {
        const struct plugin *old = registry_get(r, list[i].kind, list[i].name);
        if (old)
            return FAIL(RN_EPLUGIN, "it provides %s '%s', and so does %s; remove one of them",
                        kind_name(old->kind), old->name, old->path);
        for (int k = 0; k < i; k++)
            if (list[k].kind == list[i].kind && !strcmp(list[k].name, list[i].name))
                return FAIL(RN_EPLUGIN, "it provides %s '%s' twice", kind_name(list[i].kind),
                            list[i].name);
    }
    return RN_OK;
}

static int file_open(struct registry *r, struct file *f, const char *found, const char *name)
{
    struct plugin *list;
    int n;

    TRY(plugin_load(r->pool, found, f->path, &list, &n));
    TRY(check_promise(f->kind, name, list, n));
    TRY(check_new(r, list, n));
    for (int i = 0; i < n; i++) {
        struct entry *e = pool_alloc(r->pool, sizeof *e);
        if (!e)
            return RN_ENOMEM;
        e->plugin = list[i];
        e->next = r->entries;
        r->entries = e;
    }
    return RN_OK;
}

/* Opens the file unless that was done; RN_EPLUGIN with the file's name and what is wrong. */
static int file_use(struct registry *r, uint32_t kind, const char *name, const char *found,
                    const struct stat *st)
{
    char real[PATH_MAX];
    struct file *f, **end;

    for (end = &r->files; (f = *end); end = &f->next)
        if (f->dev == st->st_dev && f->ino == st->st_ino)
            return f->why ? FAIL(RN_EPLUGIN, "%s", f->why) : RN_OK;
    f = pool_alloc(r->pool, sizeof *f);
    if (!f)
        return RN_ENOMEM;
    f->dev = st->st_dev;
    f->ino = st->st_ino;
    f->kind = kind;
    f->path = pool_strdup(r->pool, realpath(found, real) ? real : found);
    int status = f->path ? file_open(r, f, found, name) : RN_ENOMEM;
    if (status == RN_ENOMEM)
        return status;
    if (status) {
        error_prefix(status, "%s", f->path);
        f->why = pool_strdup(r->pool, error_text());
        if (!f->why)
            return RN_ENOMEM;
    }
    *end = f;
    return status;
}

/* Opens <dir>/<folder>/<name>.so. RN_OK also when there is none; *found tells. */
static int folder_open(struct registry *r, const char *dir, uint32_t kind, const char *name,
                       bool *found)
{
    char path[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s/%s" PLUGIN_SUFFIX, dir, kind_folder(kind), name);

    *found = false;
    if (n >= (int)sizeof path || (stat(path, &st) && (errno == ENOENT || errno == ENOTDIR)))
        return RN_OK;
    *found = true;
    if (stat(path, &st) || !S_ISREG(st.st_mode))
        return FAIL(RN_EPLUGIN, "%s: it is not a file that can be read", path);
    return file_use(r, kind, name, path, &st);
}

/* The number of the first folder that has the file. */
static int folder_first(const struct registry *r, uint32_t kind, const char *name)
{
    char path[PATH_MAX];
    int i = 0;

    for (; i < r->search.n; i++) {
        snprintf(path, sizeof path, "%s/%s/%s" PLUGIN_SUFFIX, r->search.dirs[i], kind_folder(kind),
                 name);
        if (file_exists(path))
            break;
    }
    return i;
}

/* Opens all of the i-th folder. Of two files with one name the one found first counts. */
static int folder_scan(struct registry *r, int i, uint32_t kind)
{
    const char *dir = r->search.dirs[i];
    const char *const *names;
    int n;

    TRY(search_names(&r->search, i, kind, &names, &n));
    for (int k = 0; k < n; k++) {
        int first = folder_first(r, kind, names[k]);
        bool found;
        if (first < i)
            log_line(RN_INFO, "plugins", "%s/%s/%s" PLUGIN_SUFFIX " is not used: it is in %s, too",
                     dir, kind_folder(kind), names[k], r->search.dirs[first]);
        else if (folder_open(r, dir, kind, names[k], &found) == RN_ENOMEM)
            return RN_ENOMEM;
    }
    return RN_OK;
}

static int kind_scan(struct registry *r, uint32_t kind)
{
    if (r->scanned[kind])
        return RN_OK;
    for (int i = 0; i < r->search.n; i++)
        TRY(folder_scan(r, i, kind));
    r->scanned[kind] = true;
    return RN_OK;
}

/* ---- finding -------------------------------------------------------------- */

static int not_found(struct registry *r, uint32_t kind, const char *name)
{
    const struct plugin *const *list;
    const char *names[256], *hint = NULL;
    struct text tried = {0};
    int n;

    TRY(registry_all(r, kind, &list, &n, NULL));
    n = n < 256 ? n : 256;
    for (int i = 0; i < n; i++)
        names[i] = list[i]->name;
    if (n)
        hint = diag_suggest(r->pool, name, names, n);
    for (int i = 0; i < r->search.n; i++)
        text_add(&tried, "%s%s", i ? ", " : "", r->search.dirs[i]);
    int status =
        FAIL(RN_EPLUGIN, "no %s is called '%s'%s%s%s; looked for %s/%s" PLUGIN_SUFFIX " in %s",
             kind_name(kind), name, hint ? " (" : "", hint ? hint : "", hint ? ")" : "",
             kind_folder(kind), name, text_str(&tried));
    text_free(&tried);
    return status;
}

int registry_find(struct registry *r, uint32_t kind, const char *name, const struct plugin **out)
{
    bool found = false;

    *out = registry_get(r, kind, name);
    if (*out)
        return RN_OK;
    if (!plugin_name_good(name))
        return FAIL(RN_EPLUGIN, "'%s' is not the name of a %s: names are [a-z][a-z0-9_]*", name,
                    kind_name(kind));
    for (int i = 0; !found && i < r->search.n; i++)
        TRY(folder_open(r, r->search.dirs[i], kind, name, &found));
    if (!found) /* a file of another name may provide it, too */
        TRY(kind_scan(r, kind));
    *out = registry_get(r, kind, name);
    return *out ? RN_OK : not_found(r, kind, name);
}

static int by_rank(const void *a, const void *b)
{
    const struct plugin *p = *(const struct plugin *const *)a,
                        *q = *(const struct plugin *const *)b;

    if (p->kind != q->kind)
        return p->kind < q->kind ? -1 : 1;
    if (p->priority != q->priority)
        return p->priority > q->priority ? -1 : 1;
    return strcmp(p->name, q->name);
}

static bool wanted(uint32_t kind, uint32_t of) { return !kind || kind == of; }

int registry_all(struct registry *r, uint32_t kind, const struct plugin *const **list, int *n,
                 struct text *bad)
{
    size_t count = 0;

    for (uint32_t k = 1; kind_name(k); k++)
        if (wanted(kind, k))
            TRY(kind_scan(r, k));
    for (const struct entry *e = r->entries; e; e = e->next)
        count += wanted(kind, e->plugin.kind);
    const struct plugin **at = pool_alloc(r->pool, (count + 1) * sizeof *at);
    if (!at)
        return RN_ENOMEM;
    *list = at;
    for (const struct entry *e = r->entries; e; e = e->next)
        if (wanted(kind, e->plugin.kind))
            *at++ = &e->plugin;
    *n = (int)count;
    if (count)
        qsort(at - count, count, sizeof *at, by_rank);
    for (const struct file *f = r->files; f && bad; f = f->next)
        if (f->why && wanted(kind, f->kind))
            text_add(bad, "%s\n", f->why);
    return bad ? bad->status : RN_OK;
}

const struct plugin *registry_default(struct registry *r, uint32_t kind)
{
    const struct plugin *const *list;
    int n;

    if (registry_all(r, kind, &list, &n, NULL))
        return NULL;
    for (int i = 0; i < n; i++)
        if (list[i]->traits & RN_TRAIT_DEFAULT)
            return list[i];
    return NULL;
}
