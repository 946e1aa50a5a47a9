/* runs.c - finds the runs under a root and reads those that changed; the others come from the
 * lines of index.jsonl. */
#define _DEFAULT_SOURCE
#include "runs.h"

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "differ.h"
#include "escape.h"
#include "run_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CACHE_BYTES = 256 << 20,
    LEVELS = 4,           /* of folders below the root */
    FOLDERS_MAX = 200000, /* that are looked into */
    DIFFERS_BYTES = 400   /* of what differs, in words */
};

struct line {
    const char *dir, *text; /* without '\n' */
    struct run_parsed parsed;
};

struct reading {
    struct pool *p;
    const char *root;
    struct line *cached, *found;
    int64_t n_cached, n_found, cap, folders;
};

/* ---- the cache ------------------------------------------------------------ */

static int by_dir(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->dir, ((const struct line *)b)->dir);
}

static int parse_cache(struct reading *r, char *text)
{
    int64_t lines = 1;

    for (const char *s = text; (s = strchr(s, '\n')); s++)
        lines++;
    r->cached = pool_alloc(r->p, (size_t)lines * sizeof *r->cached);
    if (!r->cached)
        return RN_ENOMEM;
    for (char *s = text, *end; *s; s = end) {
        struct line *l = &r->cached[r->n_cached];
        end = s + strcspn(s, "\n");
        end += *end ? (*end = '\0', 1) : 0;
        int status = run_parse(r->p, s, &l->parsed);
        if (status == RN_ENOMEM)
            return status;
        if (status < 0)
            continue;
        l->dir = l->parsed.run.dir;
        l->text = s;
        r->n_cached++;
    }
    if (r->n_cached)
        qsort(r->cached, (size_t)r->n_cached, sizeof *r->cached, by_dir);
    return RN_OK;
}

/* Never in the way: what cannot be read is made again. */
static int read_cache(struct reading *r, const char *path)
{
    void *data;
    uint64_t n;

    if (file_read(path, CACHE_BYTES, &data, &n) < 0)
        return RN_OK;
    char *text = pool_strndup(r->p, data, n);
    mem_free(data);
    return text ? parse_cache(r, text) : RN_ENOMEM;
}

/* A run under way is not kept: it may be gone without a change of its files. */
static int write_cache(const struct reading *r, const char *path)
{
    struct text t = {0};
    void *old = NULL;
    uint64_t n = 0;

    for (int64_t i = 0; i < r->n_found; i++)
        if (!r->found[i].parsed.running)
            text_add(&t, "%s\n", r->found[i].text);
    int status = t.status;
    if (!status &&
        (file_read(path, CACHE_BYTES, &old, &n) < 0 || n != t.n || (n && memcmp(old, t.s, n) != 0)))
        file_write(path, text_str(&t), t.n); /* a root that is only read is fine, too */
    mem_free(old);
    text_free(&t);
    return status;
}

/* ---- folders -------------------------------------------------------------- */

static int add_found(struct reading *r, struct line *l)
{
    if (r->n_found == r->cap) {
        int64_t cap = r->cap ? 2 * r->cap : 256;
        struct line *found = pool_alloc(r->p, (size_t)cap * sizeof *found);
        if (!found)
            return RN_ENOMEM;
        if (r->n_found)
            memcpy(found, r->found, (size_t)r->n_found * sizeof *found);
        r->found = found;
        r->cap = cap;
    }
    r->found[r->n_found++] = *l;
    return RN_OK;
}

static int add_run(struct reading *r, const char *folder, const char *dir)
{
    struct line want = {.dir = dir}, *have = NULL;
    struct text t = {0};
    char key[RUN_KEY];

    run_key(folder, key);
    if (r->n_cached)
        have = bsearch(&want, r->cached, (size_t)r->n_cached, sizeof want, by_dir);
    if (have && !have->parsed.running && !strcmp(have->parsed.key, key))
        return add_found(r, have);
    int status = run_line(folder, dir, key, &t);
    if (!status) {
        want.text = pool_strdup(r->p, text_str(&t));
        status = want.text ? run_parse(r->p, want.text, &want.parsed) : RN_ENOMEM;
    }
    if (!status) {
        want.parsed.run.dir = dir; /* a name that is no UTF-8 is not the same in JSON */
        status = add_found(r, &want);
    }
    text_free(&t);
    return status == RN_EDATA ? RN_OK : status;
}

static int scan(struct reading *r, const char *folder, const char *dir, int level);

static int scan_one(struct reading *r, const char *folder, const char *dir, const char *name,
                    int level)
{
    char path[PATH_MAX], status[PATH_MAX];
    struct stat st;

    if (name[0] == '.' || ++r->folders > FOLDERS_MAX ||
        snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path ||
        snprintf(status, sizeof status, "%s/status.json", path) >= (int)sizeof status ||
        lstat(path, &st) || !S_ISDIR(st.st_mode)) /* `latest` is a link */
        return RN_OK;
    const char *below = pool_printf(r->p, "%s%s%s", dir, *dir ? "/" : "", name);
    if (!below)
        return RN_ENOMEM;
    if (!lstat(status, &st) && S_ISREG(st.st_mode))
        return add_run(r, path, below);
    return level < LEVELS ? scan(r, path, below, level + 1) : RN_OK;
}

static int scan(struct reading *r, const char *folder, const char *dir, int level)
{
    DIR *d = opendir(folder);
    int status = RN_OK;

    if (!d)
        return RN_OK;
    for (struct dirent *e; !status && (e = readdir(d));)
        if (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN)
            status = scan_one(r, folder, dir, e->d_name, level);
    closedir(d);
    return status;
}

/* ---- what differs --------------------------------------------------------- */

static void put_override(struct text *t, const char *key, const char *value)
{
    struct text word = {0};

    if (t->n > DIFFERS_BYTES) {
        text_add(t, "%s", t->s[t->n - 1] == '\xA6' ? "" : " \xE2\x80\xA6");
        return;
    }
    text_add(&word, "%s=%s", key, value);
    text_add(t, "%s", t->n ? " " : "");
    escape_shell(t, text_str(&word));
    t->status = t->status ? t->status : word.status;
    text_free(&word);
}

/* How many runs have the value that most have, if more than half do; otherwise few enough. */
static int64_t agreeing(const struct rn_row *row, int64_t n)
{
    const char *most = NULL;
    int64_t votes = 0, count = 0;

    for (int64_t i = 0; i < n; i++) { /* Boyer and Moore's majority vote */
        const char *v = row->values[i] ? row->values[i] : "";
        bool same = votes && !strcmp(v, most);
        most = votes ? most : v;
        votes += !votes || same ? 1 : -1;
    }
    for (int64_t i = 0; i < n; i++)
        count += !strcmp(row->values[i] ? row->values[i] : "", most);
    return count;
}

/* What varies most tells most: it comes first. */
static int order_rows(struct pool *p, struct rn_row *rows, int64_t n_rows, int64_t n)
{
    int64_t *agree = pool_alloc(p, (size_t)n_rows * sizeof *agree + 1);

    if (!agree)
        return RN_ENOMEM;
    for (int64_t i = 0; i < n_rows; i++) {
        struct rn_row row = rows[i];
        int64_t count = agreeing(&row, n), k = i;
        for (; k > 0 && agree[k - 1] > count; k--) {
            rows[k] = rows[k - 1];
            agree[k] = agree[k - 1];
        }
        rows[k] = row;
        agree[k] = count;
    }
    return RN_OK;
}

static int tell_differences(struct pool *p, const struct run_list *l, const int64_t *group,
                            int64_t n)
{
    struct settings *s = pool_alloc(p, (size_t)n * sizeof *s);
    struct rn_row *rows;
    int64_t n_rows;

    for (int64_t i = 0; s && i < n; i++)
        s[i] = (struct settings){l->runs[group[i]].config, l->runs[group[i]].n_config};
    TRY(s ? differ(p, s, n, true, &rows, &n_rows) : RN_ENOMEM);
    TRY(order_rows(p, rows, n_rows, n));
    for (int64_t i = 0; i < n && n_rows; i++) {
        struct text t = {0};
        for (int64_t k = 0; k < n_rows; k++)
            if (rows[k].values[i])
                put_override(&t, rows[k].key, rows[k].values[i]);
        const char *differs = t.status ? NULL : pool_strdup(p, text_str(&t));
        text_free(&t);
        if (!differs)
            return RN_ENOMEM;
        l->runs[group[i]].differs = differs;
    }
    return RN_OK;
}

static const struct rn_run *sorted_runs; /* for by_name: qsort hands nothing on */

static int by_name(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    int order = strcmp(sorted_runs[x].name, sorted_runs[y].name);

    return order ? order : (x > y) - (x < y);
}

static int find_differences(struct pool *p, struct run_list *l)
{
    int64_t *order = pool_alloc(p, (size_t)l->n * sizeof *order + 1);

    if (!order)
        return RN_ENOMEM;
    for (int64_t i = 0; i < l->n; i++)
        order[i] = i;
    sorted_runs = l->runs;
    qsort(order, (size_t)l->n, sizeof *order, by_name);
    for (int64_t i = 0, n; i < l->n; i += n) {
        for (n = 1; i + n < l->n; n++)
            if (strcmp(l->runs[order[i]].name, l->runs[order[i + n]].name) != 0)
                break;
        TRY(n > 1 ? tell_differences(p, l, order + i, n) : RN_OK);
    }
    return RN_OK;
}

/* ---- all of them ---------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    const struct rn_run *x = &((const struct line *)a)->parsed.run;
    const struct rn_run *y = &((const struct line *)b)->parsed.run;
    double x_us = ((const struct line *)a)->parsed.microseconds;
    double y_us = ((const struct line *)b)->parsed.microseconds;
    int order = strcmp(y->started, x->started);

    order = order ? order : (x_us < y_us) - (x_us > y_us);
    order = order ? order : strcmp(y->id, x->id);
    return order ? order : strcmp(y->dir, x->dir);
}

static int collect(struct reading *r, struct run_list *out)
{
    out->runs = pool_alloc(r->p, (size_t)r->n_found * sizeof *out->runs + 1);
    out->more = pool_alloc(r->p, (size_t)r->n_found * sizeof *out->more + 1);
    if (!out->runs || !out->more)
        return RN_ENOMEM;
    if (r->n_found)
        qsort(r->found, (size_t)r->n_found, sizeof *r->found, newest_first);
    out->n = r->n_found;
    for (int64_t i = 0; i < out->n; i++) {
        out->runs[i] = r->found[i].parsed.run;
        out->more[i] = r->found[i].parsed.more;
    }
    return find_differences(r->p, out);
}

int runs_read(struct pool *p, const char *root, struct run_list *out)
{
    struct reading r = {.p = p, .root = root};
    char cache[PATH_MAX];

    *out = (struct run_list){.root = root};
    if (snprintf(cache, sizeof cache, "%s/" RUNS_CACHE, root) >= (int)sizeof cache)
        return FAIL(RN_EINVAL, "%s: the path is too long", root);
    struct stat st;
    if (!stat(root, &st) && !S_ISDIR(st.st_mode))
        return FAIL(RN_EINVAL, "%s: expected a folder with runs in it, not a file", root);
    TRY(read_cache(&r, cache));
    TRY(scan(&r, root, "", 1));
    if (r.n_found)
        qsort(r.found, (size_t)r.n_found, sizeof *r.found, by_dir);
    if (r.n_found || r.n_cached)
        TRY(write_cache(&r, cache));
    error_clear(); /* of what was passed over */
    return collect(&r, out);
}

struct rn_runs runs_view(const struct run_list *l)
{
    return (struct rn_runs){
        .size = sizeof(struct rn_runs), .root = l->root, .runs = l->runs, .n = l->n};
}

/* ---- pages ---------------------------------------------------------------- */

static int write_page(const char *root, const struct plugin *reporter, const void *opts)
{
    char path[PATH_MAX];
    struct run_list list;
    struct pool *p = pool_new();
    int status = p ? runs_read(p, root, &list) : RN_ENOMEM;

    if (!status && snprintf(path, sizeof path, "%s/index.html", root) >= (int)sizeof path)
        status = FAIL(RN_EIO, "%s: the path is too long", root);
    if (!status) {
        struct rn_runs view = runs_view(&list);
        status = reporter->ops.reporter.runs(opts, &view, path);
        status = status < 0 ? error_prefix(status, "reporter (%s)", reporter->name) : RN_OK;
    }
    pool_free(p);
    return status;
}

int runs_page(const char *root, const struct plugin *reporter, const void *opts)
{
    if (!reporter->ops.reporter.runs)
        return RN_OK;
    char path[PATH_MAX];
    int lock = -1;
    if (snprintf(path, sizeof path, "%s/.lock", root) < (int)sizeof path)
        lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666); /* NFS: writable */
    if (lock < 0 || flock(lock, LOCK_EX))
        log_line(RN_DEBUG, NULL,
                 "%s cannot be locked; runs that end together may write an older "
                 "page over a newer one",
                 root);
    int status = write_page(root, reporter, opts);
    if (lock >= 0)
        close(lock);
    return status;
}
