/* experiment.c - from a file to a checked experiment: composes, then reads each section by its
 * table, so that all problems of a file are found in one go. */
#include "experiment.h"

#include "base/error.h"
#include "base/hash.h"
#include "config/compose.h"
#include "config/flatten.h"
#include "loader.h"

#include <string.h>

#define NAME_MAX_BYTES 100

const char *const top_keys[] = {"name",    "description", "tags",      "seed",      "device",
                                "data",    "model",       "loss",      "optimizer", "scheduler",
                                "train",   "metrics",     "callbacks", "expect",    "reporters",
                                "plugins", NULL};

const char *const consumed_keys[] = {"extends", "set", "vars"}; /* by compose_file */

struct head {
    const char *name, *description;
    int64_t seed;
};

const struct rn_option head_rows[] = {
    RN_STRING(struct head, name, NULL, 0, "what runs of it are called"),
    RN_STRING(struct head, description, NULL, 0, "what it is for"),
    RN_INT(struct head, seed, "1", 0, 0x1p63, NULL, "where all random numbers come from"), RN_END};

/* ---- shared by the sections ----------------------------------------------- */

int keys_check(struct loader *l, const struct node *map, const char *path, const char *const *known)
{
    const char *names[32];
    int n = 0;

    while (known[n])
        names[n] = known[n], n++;
    for (size_t i = 0; !*path && i < sizeof consumed_keys / sizeof *consumed_keys; i++)
        names[n + (int)i] = consumed_keys[i];
    int n_names = *path ? n : n + (int)(sizeof consumed_keys / sizeof *consumed_keys);
    for (const struct node *c = map->child; c; c = c->next) {
        int i = 0;
        while (i < n && strcmp(known[i], c->key))
            i++;
        if (i < n || !strncmp(c->key, "x-", 2))
            continue;
        const char *hint = diag_suggest(l->pool, c->key, names, n_names);
        CHECKED(diag_add(l->diag, DIAG_ERROR, c->key_mark, *path ? path : NULL, hint,
                         "unknown %s '%s'", *path ? "key" : "section", c->key));
    }
    return RN_OK;
}

int section_read(struct loader *l, const struct rn_option *rows, uint32_t size, struct node *parent,
                 const char *key, const char *path, void **out, struct node **section)
{
    struct option_table table;
    struct node *n = tree_get(parent, key);
    struct mark nowhere = {.source = l->source};

    TRY(options_table(l->pool, rows, sizeof *rows, size, &table));
    if (!n) {
        n = tree_new(l->pool, NODE_MAP, nowhere, "default");
        if (!n)
            return RN_ENOMEM;
        n->key = key;
        tree_add(parent, n);
    }
    if (n->kind == NODE_NULL)
        n->kind = NODE_MAP; /* "train:" with nothing in it: all defaults */
    *section = n;
    TRY(options_parse(l->pool, &table, n, n->mark, path, key, NULL, l->diag, out));
    return options_fill(l->pool, &table, n);
}

/* ---- name, description, seed ---------------------------------------------- */

bool experiment_name_fits(const char *s)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t n = strlen(s);

    return n >= 1 && n <= NAME_MAX_BYTES && strspn(s, allowed) == n && *s != '.' && *s != '-';
}

bool experiment_name_taken(const char *name)
{
    static const char *const taken[] = {"index.html", "index.jsonl", "compare.html", "latest"};

    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (!strcmp(name, taken[i]))
            return true;
    return false;
}

/* The file's name without folder and ending, made to fit. */
static char *name_of_file(struct pool *p, const char *file)
{
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    const char *dot = strrchr(base, '.');
    size_t n = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    char *name = pool_strndup(p, base, n < NAME_MAX_BYTES ? n : NAME_MAX_BYTES);

    for (char *s = name; s && *s; s++) {
        char one[2] = {*s, '\0'};
        if (!experiment_name_fits(one) && (s == name || (*s != '.' && *s != '-')))
            *s = '_';
    }
    return name;
}

/* The keys of the root that stand for themselves, as a section of their own. */
static int head_read(struct loader *l)
{
    struct node *own = tree_new(l->pool, NODE_MAP, (struct mark){.source = l->source}, "file");
    struct option_table table;
    struct head *head;
    void *opts;

    TRY(options_table(l->pool, head_rows, sizeof *head_rows, sizeof *head, &table));
    if (!own)
        return RN_ENOMEM;
    for (const struct rn_option *o = head_rows; o->name; o++) {
        const struct node *n = tree_get(l->root, o->name);
        struct node *copy = n ? tree_copy(l->pool, n) : NULL;
        if (n && !copy)
            return RN_ENOMEM;
        if (n)
            tree_add(own, copy);
    }
    CHECKED(options_parse(l->pool, &table, own, own->mark, "", "", NULL, l->diag, &opts));
    head = opts;
    const struct node *name = tree_get(own, "name");
    if (name && head->name && !experiment_name_fits(head->name))
        CHECKED(diag_add(l->diag, DIAG_ERROR, name->mark, "name",
                         "it becomes a folder: letters, digits, '.', '_', '-'; 1 to 100 of them, "
                         "not beginning with '.' or '-'",
                         "'%s' cannot be the name of a run", head->name));
    l->e->name = head->name ? head->name : name_of_file(l->pool, l->e->file);
    if (l->e->name && experiment_name_taken(l->e->name))
        CHECKED(diag_add(l->diag, DIAG_ERROR, name ? name->mark : own->mark, "name",
                         "give another by `name:` or --name",
                         "'%s' cannot be the name of a run: runner has a file or link of that name",
                         l->e->name));
    l->e->description = head->description ? head->description : "";
    l->e->seed = (uint64_t)head->seed;
    return l->e->name ? RN_OK : RN_ENOMEM;
}

/* Puts name and seed before all else when the file leaves them out. */
static int head_fill(struct loader *l)
{
    struct node *seed = tree_get(l->root, "seed"), *name = tree_get(l->root, "name");

    if (!seed) {
        seed = tree_scalar(l->pool, "seed", head_rows[2].fallback, "default");
        if (!seed)
            return RN_ENOMEM;
        seed->next = l->root->child;
        l->root->child = seed;
    }
    if (!name) {
        name = tree_scalar(l->pool, "name", l->e->name, "default");
        if (!name)
            return RN_ENOMEM;
        name->next = l->root->child;
        l->root->child = name;
    }
    return RN_OK;
}

const void *part_option(const struct part *p, const char *name, uint32_t type)
{
    const struct rn_option *row = options_row(&p->plugin->options, name);

    return row && row->type == type ? (const char *)p->opts + row->offset : NULL;
}

const char *part_monitor(const struct part *p)
{
    const char *const *name = part_option(p, "monitor", RN_OPT_STRING);

    return name ? *name : NULL;
}

/* ---- texts for the run folder --------------------------------------------- */

static int make_text(struct loader *l)
{
    struct text t = {0};

    compose_emit(l->root, &t);
    l->e->config_yaml = t.status ? NULL : pool_strdup(l->pool, text_str(&t));
    text_free(&t);
    return l->e->config_yaml ? RN_OK : RN_ENOMEM;
}

static int keep_input(struct loader *l)
{
    struct text t = {0};
    const struct source *src;

    for (int i = 0; (src = diag_file_at(l->diag, i)); i++) {
        if (!i) {
            text_put(&t, src->text, src->bytes);
            continue;
        }
        text_add(&t, "%s\n# ---- extends %s\n", t.n && t.s[t.n - 1] != '\n' ? "\n" : "", src->path);
        for (const char *s = src->text; *s;) {
            size_t n = strcspn(s, "\n");
            text_add(&t, "# %.*s\n", (int)n, s);
            s += n + (s[n] == '\n');
        }
    }
    l->e->config_input = t.status ? NULL : pool_strdup(l->pool, text_str(&t));
    text_free(&t);
    return l->e->config_input ? RN_OK : RN_ENOMEM;
}

/* ---- all of it ------------------------------------------------------------ */

static int read_all(struct loader *l)
{
    CHECKED(keys_check(l, l->root, "", top_keys));
    CHECKED(head_read(l));
    CHECKED(plugins_read(l));
    CHECKED(parts_read(l));
    CHECKED(sections_read(l));
    CHECKED(expects_read(l));
    int errors = diag_errors(l->diag);
    if (errors)
        return FAIL(errors == l->plugin_errors ? RN_EPLUGIN : RN_EINVAL, "%s: %d error%s",
                    l->e->file, errors, errors == 1 ? "" : "s");
    TRY(head_fill(l));
    l->e->root = l->root;
    return make_text(l);
}

static int load(struct loader *l, const char *path, const char *const *overrides, int n_overrides)
{
    int status = compose_file(l->pool, path, overrides, n_overrides, l->diag, &l->root);

    if (status && status != RN_EINVAL)
        return status;
    if (!l->root)
        return FAIL(RN_EINVAL, "%s: %d error%s", path, diag_errors(l->diag),
                    diag_errors(l->diag) == 1 ? "" : "s");
    l->source = diag_file_at(l->diag, 0);
    l->e->dir = l->source->dir;
    TRY(read_all(l));
    return keep_input(l);
}

int experiment_from_tree(struct pool *p, const char *file, struct node *root, struct registry *r,
                         struct diag *d, struct experiment **out)
{
    struct experiment *e = *out = pool_alloc(p, sizeof *e);

    if (!e)
        return RN_ENOMEM;
    *e = (struct experiment){.pool = p, .file = file, .dir = root->mark.source->dir};
    return read_all(&(struct loader){
        .e = e, .pool = p, .registry = r, .diag = d, .root = root, .source = root->mark.source});
}

bool experiment_places(const char *path)
{
    return !strcmp(path, "device.threads") || !strcmp(path, "data.resident");
}

bool experiment_beside(const char *path)
{
    static const char *const names[] = {"name",   "description", "tags",
                                        "expect", "reporters",   "plugins"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (!strncmp(path, names[i], n) && (!path[n] || path[n] == '.'))
            return true;
    }
    return false;
}

int experiment_identity(const struct experiment *e, char *out)
{
    return experiment_tree_identity(e->pool, e->root, out);
}

int experiment_tree_identity(struct pool *p, const struct node *root, char *out)
{
    const struct rn_fact *facts;
    struct text t = {0};
    int64_t n;

    TRY(tree_flatten(p, root, &facts, &n));
    for (int64_t i = 0; i < n; i++) {
        const char *path = facts[i].key;
        bool expected = !strncmp(path, "expect", 6);
        if ((!experiment_beside(path) || expected) && !experiment_places(path))
            text_add(&t, "%zu %s=%zu %s\n", strlen(path), path, strlen(facts[i].value),
                     facts[i].value);
    }
    if (!t.status)
        hash_sha256(text_str(&t), t.n, out);
    int status = t.status;
    text_free(&t);
    return status;
}

int experiment_load(const char *path, const char *const *overrides, int n_overrides,
                    struct registry *r, struct diag **diag, struct experiment **out)
{
    struct pool *p = pool_new();
    struct experiment *e = p ? pool_alloc(p, sizeof *e) : NULL;

    *diag = NULL;
    *out = NULL;
    if (!e || !(e->file = pool_strdup(p, path)) || !(*diag = diag_new(p))) {
        pool_free(p);
        return RN_ENOMEM;
    }
    e->pool = p;
    *out = e;
    return load(&(struct loader){.e = e, .pool = p, .registry = r, .diag = *diag}, path, overrides,
                n_overrides);
}

void experiment_free(struct experiment *e)
{
    if (e)
        pool_free(e->pool);
}

void experiment_show(const struct experiment *e, bool origin, bool only_changed, struct text *out)
{
    compose_show(e->root, (origin ? EMIT_ORIGIN : 0u) | (only_changed ? EMIT_CHANGED : 0u), out);
}
