/* names.c - runs by what people type for them. What a folder under the root is called tells whether
 * it is a run; when it started, its status.json. */
#define _XOPEN_SOURCE 700
#include "names.h"

#include "base/error.h"
#include "base/file.h"
#include "report/run_folder.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding all ---------------------------------------------------------- */

struct found {
    struct run_name run;
    char started[RUN_STARTED];
};

struct listing {
    struct pool *p;
    const char *root;
    struct found *found; /* from mem_alloc */
    int64_t n, cap;
};

static int by_age(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = strcmp(y->started, x->started);

    order = order ? order : strcmp(y->run.id, x->run.id);
    return order ? order : strcmp(y->run.dir, x->run.dir);
}

static int add(struct listing *l, const char *name, const char *id)
{
    if (l->n == l->cap) {
        int64_t cap = 2 * l->cap + 64;
        struct found *more = mem_array((size_t)cap, sizeof *more);
        if (!more)
            return RN_ENOMEM;
        if (l->n)
            memcpy(more, l->found, (size_t)l->n * sizeof *more);
        mem_free(l->found);
        l->found = more;
        l->cap = cap;
    }
    char *dir = pool_printf(l->p, "%s/%s/%s", l->root, name, id), path[PATH_MAX];
    if (!dir)
        return RN_ENOMEM;
    if (snprintf(path, sizeof path, "%s/config.yaml", dir) >= PATH_MAX || !file_exists(path))
        return RN_OK; /* not begun, or no run */
    const char *slash = strrchr(dir, '/');
    struct run_name run = {pool_strdup(l->p, name), slash + 1, dir};
    if (!run.name)
        return RN_ENOMEM;
    l->found[l->n].run = run;
    run_started(dir, l->found[l->n++].started);
    return RN_OK;
}

static int list_one(struct listing *l, const char *name)
{
    char path[PATH_MAX];
    int status = RN_OK;
    DIR *dir;

    if (name[0] == '.' || snprintf(path, sizeof path, "%s/%s", l->root, name) >= PATH_MAX ||
        !(dir = opendir(path)))
        return RN_OK;
    for (const struct dirent *e; !status && (e = readdir(dir));)
        if (run_is_id(e->d_name))
            status = add(l, name, e->d_name);
    closedir(dir);
    return status;
}

int run_names(struct pool *p, const char *root, const char *name, struct run_name **out, int64_t *n)
{
    struct listing l = {.p = p, .root = root};
    int status = name ? list_one(&l, name) : RN_OK;
    DIR *dir = name ? NULL : opendir(root);

    *n = 0;
    for (const struct dirent *e; dir && !status && (e = readdir(dir));)
        status = list_one(&l, e->d_name);
    if (dir)
        closedir(dir);
    *out = pool_alloc(p, (size_t)l.n * sizeof **out + 1);
    if (!status && *out) {
        if (l.n)
            qsort(l.found, (size_t)l.n, sizeof *l.found, by_age);
        for (int64_t i = 0; i < l.n; i++)
            (*out)[i] = l.found[i].run;
        *n = l.n;
    }
    mem_free(l.found);
    return status ? status : *out ? RN_OK : RN_ENOMEM;
}

/* ---- finding one ---------------------------------------------------------- */

#define CANDIDATES 5

/* "mlp/20260914-153012-7f3a2c, ..." of those that fit, at most CANDIDATES. */
static void say(struct text *t, const struct run_name *runs, int64_t n, const char *prefix)
{
    int64_t said = 0;

    for (int64_t i = 0; i < n; i++) {
        if (strncmp(runs[i].id, prefix, strlen(prefix)) != 0)
            continue;
        if (said == CANDIDATES) {
            text_add(t, ", ...");
            return;
        }
        text_add(t, "%s%s/%s", said++ ? ", " : "", runs[i].name, runs[i].id);
    }
}

/* With what the runs are, or what they are called. */
static int no_run(const char *root, const char *word, const struct run_name *runs, int64_t n,
                  const char *why, const char *prefix)
{
    struct text t = {0};

    if (!n)
        return FAIL(RN_EDATA,
                    "'%s': there are no runs in '%s'; name a run folder, or its root by --out",
                    word, root);
    say(&t, runs, n, prefix);
    int status = FAIL(RN_EDATA, "'%s': %s: %s", word, why, text_str(&t));
    text_free(&t);
    return status;
}

static int newest_of(const char *root, const char *word, const char *name,
                     const struct run_name *runs, int64_t n, struct run_name *out)
{
    for (int64_t i = 0; i < n; i++)
        if (!strcmp(runs[i].name, name)) {
            *out = runs[i];
            return RN_OK;
        }
    return no_run(root, word, runs, n, "no run has that name; the newest runs are", "");
}

static int numbered(const char *root, const char *word, const struct run_name *runs, int64_t n,
                    struct run_name *out)
{
    char *end;
    long long i = strtoll(word + 1, &end, 10);

    if (end == word + 1 || *end || i < 1)
        return FAIL(RN_EINVAL, "'%s': expected a number from 1 behind @: @1 is the newest run",
                    word);
    if (i > n)
        return n ? FAIL(RN_EDATA, "'%s': there %s %lld run%s in '%s'", word, n == 1 ? "is" : "are",
                        (long long)n, n == 1 ? "" : "s", root)
                 : no_run(root, word, runs, n, "", "");
    *out = runs[i - 1];
    return RN_OK;
}

static int prefixed(const char *root, const char *word, const struct run_name *runs, int64_t n,
                    struct run_name *out)
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        if (!strncmp(runs[i].id, word, strlen(word))) {
            *out = runs[i];
            count++;
        }
    if (count == 1)
        return RN_OK;
    if (count)
        return no_run(root, word, runs, n, "more than one run begins with that", word);
    for (int64_t i = 0; i < n; i++)
        if (!strcmp(runs[i].name, word))
            return FAIL(RN_EDATA,
                        "'%s': no run's id begins with that; the newest run of that name "
                        "is 'latest:%s'",
                        word, word);
    return no_run(root, word, runs, n, "no run's id begins with that; the newest runs are", "");
}

/* A run folder wherever it lies, `latest` among them; out->id stays NULL when it is none. */
static int folder(struct pool *p, const char *word, struct run_name *out)
{
    char real[PATH_MAX], path[PATH_MAX];
    size_t n = strlen(word);

    while (n > 1 && word[n - 1] == '/')
        n--;
    if (!realpath(word, real) || snprintf(path, sizeof path, "%s/config.yaml", real) >= PATH_MAX ||
        !file_exists(path))
        return RN_OK;
    char *slash = strrchr(real, '/');
    *slash = '\0';
    const char *parent = strrchr(real, '/');
    out->dir = pool_strndup(p, word, n);
    out->id = pool_strdup(p, slash + 1);
    out->name = pool_strdup(p, parent ? parent + 1 : "");
    return out->dir && out->id && out->name ? RN_OK : RN_ENOMEM;
}

int run_find(struct pool *p, const char *root, const char *word, struct run_name *out)
{
    static const char latest[] = "latest:";
    struct run_name *runs;
    int64_t n;

    *out = (struct run_name){0};
    TRY(folder(p, word, out));
    if (out->id)
        return RN_OK;
    TRY(run_names(p, root, NULL, &runs, &n));
    if (!strncmp(word, latest, strlen(latest)))
        return newest_of(root, word, word + strlen(latest), runs, n, out);
    if (!strcmp(word, "latest"))
        return n ? (*out = runs[0], RN_OK) : no_run(root, word, runs, n, "", "");
    if (word[0] == '@')
        return numbered(root, word, runs, n, out);
    if (strchr(word, '/'))
        return FAIL(RN_EDATA, "'%s' is no run folder: it %s", word,
                    file_exists(word) ? "has no config.yaml" : "is not there");
    return prefixed(root, word, runs, n, out);
}
