/* parts.c - every place of a file that names a plugin: finds it, reads its options. */
#include "loader.h"

#include "base/error.h"
#include "config/compose.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 1000

static const char *const layer_skip[] = {"type", "name", NULL};
static const char *const data_skip[] = {"type",    "split",    "normalize", "limit",
                                        "augment", "resident", NULL};
static const char *const type_skip[] = {"type", NULL};

static int plugin_problem(struct loader *l, struct mark at, const char *path, const char *hint,
                          const char *message)
{
    l->plugin_errors++;
    return diag_add(l->diag, DIAG_ERROR, at, path, hint, "%s", message);
}

/* The plugin that the type names; *out is NULL when there is none to be had. */
static int plugin_of(struct loader *l, uint32_t kind, const struct node *n, const char *path,
                     const struct plugin **out)
{
    const struct node *type = tree_get(n, "type");
    const char *const *names;
    int n_names;

    *out = NULL;
    TRY(registry_names(l->registry, kind, &names, &n_names));
    if (n->kind != NODE_MAP || !type || type->kind != NODE_SCALAR)
        return diag_add(l->diag, DIAG_ERROR, type ? type->mark : n->mark, path,
                        diag_suggest(l->pool, "", names, n_names),
                        n->kind == NODE_LIST ? "is a list; a single %s goes here"
                        : type               ? "'type' is the name of a %s, a single word"
                                             : "does not say which %s: 'type' is missing",
                        kind_name(kind));
    int status = registry_find(l->registry, kind, type->text, out);
    if (status != RN_EPLUGIN)
        return status;
    for (int i = 0; i < n_names; i++) /* it is there, and something is wrong with it */
        if (!strcmp(names[i], type->text))
            return plugin_problem(l, type->mark, path, NULL, error_text());
    const char *message = pool_printf(l->pool, "there is no %s '%s'", kind_name(kind), type->text);
    const char *hint = diag_suggest(l->pool, type->text, names, n_names);
    return message ? plugin_problem(l, type->mark, path, hint, message) : RN_ENOMEM;
}

int part_read(struct loader *l, uint32_t kind, struct node *n, const char *path,
              const char *const *skip, struct part *out)
{
    out->path = path;
    out->mark = n->mark;
    TRY(plugin_of(l, kind, n, path, &out->plugin));
    if (!out->plugin)
        return RN_EINVAL;
    out->name = out->name ? out->name : out->plugin->name;
    TRY(options_parse(l->pool, &out->plugin->options, n, n->mark, path, out->plugin->name, skip,
                      l->diag, &out->opts));
    return options_fill(l->pool, &out->plugin->options, n);
}

int own_read(struct loader *l, const struct rn_option *rows, uint32_t size, struct node *n,
             const char *path, const struct option_table *plugins, const char *const *skip,
             void **out)
{
    struct option_table table;
    int n_all = 0;

    while (skip[n_all])
        n_all++;
    const char **all = pool_alloc(l->pool, (size_t)(n_all + 2 * plugins->n + 1) * sizeof *all);
    if (!all)
        return RN_ENOMEM;
    memcpy(all, skip, (size_t)n_all * sizeof *all);
    for (int i = 0; i < plugins->n; i++) {
        all[n_all++] = plugins->rows[i].name;
        if (plugins->rows[i].alias)
            all[n_all++] = plugins->rows[i].alias;
    }
    TRY(options_table(l->pool, rows, sizeof *rows, size, &table));
    TRY(options_parse(l->pool, &table, n, n->mark, path, path, all, l->diag, out));
    return options_fill(l->pool, &table, n);
}

/* {type: name} under key, as if it stood in the file. */
static struct node *default_spec(struct loader *l, const char *key, const char *name)
{
    struct node *n = tree_new(l->pool, NODE_MAP, (struct mark){.source = l->source}, "default");
    struct node *type = tree_scalar(l->pool, "type", name, "default");

    if (!n || !type)
        return NULL;
    n->key = key;
    tree_add(n, type);
    return n;
}

static int single_missing(struct loader *l, uint32_t kind, const struct node *n, const char *key)
{
    const char *const *names;
    int n_names;

    TRY(registry_names(l->registry, kind, &names, &n_names));
    return diag_add(l->diag, DIAG_ERROR, n ? n->mark : (struct mark){.source = l->source}, key,
                    diag_suggest(l->pool, "", names, n_names), "is missing");
}

/* A part of which there is one: the file's, or the default plugin of its kind, also when the file
 * only gives options. */
static int single_read(struct loader *l, uint32_t kind, const char *key, const char *const *skip,
                       struct part *out)
{
    struct node *n = tree_get(l->root, key);
    bool named = n && n->kind != NODE_NULL && (n->kind != NODE_MAP || tree_get(n, "type"));

    error_clear();
    const struct plugin *plugin = named ? NULL : registry_default(l->registry, kind);
    if (!plugin && error_status() == RN_ENOMEM)
        return RN_ENOMEM;
    if (!plugin && (!n || n->kind == NODE_NULL))
        return single_missing(l, kind, n, key);
    if (plugin) {
        struct node *fresh = default_spec(l, key, plugin->name);
        if (!fresh)
            return RN_ENOMEM;
        if (n && n->kind == NODE_MAP) {
            fresh->child->next = n->child;
            n->child = fresh->child;
        } else if (n)
            tree_replace(l->root, n, fresh);
        else
            tree_add(l->root, fresh);
        n = n && n->kind == NODE_MAP ? n : fresh;
    }
    return part_read(l, kind, n, key, skip, out);
}

/* `auto` is left as it is: which device works is known when it is opened. */
static int device_read(struct loader *l)
{
    struct node *n = tree_get(l->root, "device");
    const struct node *type = tree_get(n, "type");
    struct experiment *e = l->e;

    if (!type || type->kind != NODE_SCALAR || strcmp(type->text, "auto"))
        return single_read(l, RN_KIND_DEVICE, "device", type_skip, &e->device);
    for (const struct node *c = n->child; c; c = c->next)
        if (c != type)
            return diag_add(l->diag, DIAG_ERROR, c->key_mark, "device",
                            "name a device to set its options", "'auto' has no options");
    e->device_auto = true;
    e->device.name = e->device.path = "device";
    e->device.mark = n->mark;
    e->device.plugin = registry_default(l->registry, RN_KIND_DEVICE);
    if (!e->device.plugin)
        return plugin_problem(l, n->mark, "device", NULL, "no device is installed");
    return options_parse(l->pool, &e->device.plugin->options, NULL, n->mark, "device",
                         e->device.plugin->name, NULL, l->diag, &e->device.opts);
}

/* ---- lists ---------------------------------------------------------------- */

static bool item_name_fits(const char *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t n = strlen(s);

    return n >= 1 && n <= 64 && strchr(letters, *s) && strspn(s, rest) == n;
}

static int item_name_check(struct loader *l, const struct node *item, const char *path,
                           const struct part *done, const struct part *me)
{
    const struct node *name = tree_get(item, "name");
    struct mark at = name ? name->mark : item->mark;

    if (name && name->kind != NODE_SCALAR)
        return diag_add(l->diag, DIAG_ERROR, at, path, NULL, "a name is a single word");
    if (name && !item_name_fits(name->text))
        return diag_add(l->diag, DIAG_ERROR, at, path, "letters, digits, '_', '-'; a letter first",
                        "'%s' cannot be a name", name->text);
    for (; done < me; done++)
        if (!strcmp(done->name, me->name))
            return diag_add(l->diag, DIAG_ERROR, at, path, NULL,
                            "the name '%s' is taken by the item in line %d", me->name,
                            done->mark.line);
    return RN_OK;
}

static int item_read(struct loader *l, uint32_t kind, const struct node *list, struct node *item,
                     const char *list_path, struct part *first, struct part *out)
{
    const char *name = compose_item_name(l->pool, list, item);

    out->name = name ? name : pool_printf(l->pool, "%d", (int)(out - first));
    out->path = out->name ? pool_printf(l->pool, "%s.%s", list_path, out->name) : NULL;
    if (!out->path)
        return RN_ENOMEM;
    out->mark = item->mark;
    CHECKED(item_name_check(l, item, out->path, first, out));
    CHECKED(part_read(l, kind, item, out->path, layer_skip, out));
    return out->plugin ? branches_read(l, item, out) : RN_OK;
}

int list_read(struct loader *l, uint32_t kind, struct node *list, const char *path,
              struct part **out, int *n)
{
    int count = tree_count(list), i = 0;

    if (list->kind != NODE_LIST)
        return diag_add(l->diag, DIAG_ERROR, list->mark, path, "[first, {type: second, ...}]",
                        "takes a list");
    if (count > ITEMS_MAX)
        return diag_add(l->diag, DIAG_ERROR, list->mark, path, NULL, "more than %d items",
                        ITEMS_MAX);
    *out = pool_alloc(l->pool, (size_t)(count + 1) * sizeof **out);
    if (!*out)
        return RN_ENOMEM;
    for (struct node *item = list->child; item; item = item->next, i++)
        CHECKED(item_read(l, kind, list, item, path, *out, *out + i));
    *n = count;
    return RN_OK;
}

static bool list_names(const struct node *list, const char *type)
{
    for (const struct node *c = list->child; c; c = c->next) {
        const struct node *t = tree_get(c, "type");
        if (t && t->kind == NODE_SCALAR && !strcmp(t->text, type))
            return true;
    }
    return false;
}

/* registry_all() has those of high priority first. */
int defaults_add(struct loader *l, uint32_t kind, struct node *list, bool front)
{
    const struct plugin *const *all;
    struct text bad = {0};
    int n;

    int status = registry_all(l->registry, kind, &all, &n, &bad);
    if (!status && bad.n)
        diag_add(l->diag, DIAG_WARNING, list->mark, list->key, NULL, "some cannot be used:\n%s",
                 bad.s);
    text_free(&bad);
    TRY(status);
    for (int i = 0; i < n; i++) {
        if (!(all[i]->traits & RN_TRAIT_DEFAULT) || list_names(list, all[i]->name))
            continue;
        struct node *spec = default_spec(l, NULL, all[i]->name);
        if (!spec)
            return RN_ENOMEM;
        if (front) {
            spec->next = list->child;
            list->child = spec;
        } else {
            tree_add(list, spec);
        }
    }
    return RN_OK;
}

static int default_reporters(struct loader *l, struct node **out)
{
    struct node *list = tree_new(l->pool, NODE_LIST, (struct mark){.source = l->source}, "default");

    if (!list)
        return RN_ENOMEM;
    list->key = "reporters";
    TRY(defaults_add(l, RN_KIND_REPORTER, list, false));
    tree_add(l->root, list);
    *out = list;
    return RN_OK;
}

static int reporters_read(struct loader *l)
{
    struct node *list = tree_get(l->root, "reporters");

    if (list && list->kind == NODE_NULL) {
        tree_remove(l->root, list);
        list = NULL;
    }
    if (!list)
        TRY(default_reporters(l, &list));
    return list_read(l, RN_KIND_REPORTER, list, "reporters", &l->e->reporters, &l->e->n_reporters);
}

/* ---- all ------------------------------------------------------------------ */

int parts_read(struct loader *l)
{
    CHECKED(device_read(l));
    CHECKED(single_read(l, RN_KIND_DATASET, "data", data_skip, &l->e->data));
    CHECKED(layers_read(l));
    CHECKED(single_read(l, RN_KIND_LOSS, "loss", type_skip, &l->e->loss));
    CHECKED(single_read(l, RN_KIND_OPTIMIZER, "optimizer", type_skip, &l->e->optimizer));
    CHECKED(course_read(l));
    CHECKED(reporters_read(l));
    return layers_finish(l);
}
