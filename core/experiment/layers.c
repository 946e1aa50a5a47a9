/* layers.c - model.layers, and the layers that stand in the options of a layer: branches of a
 * container, to any depth. */
#include "loader.h"

#include "base/error.h"
#include "config/compose.h"

#define BRANCH_DEPTH_MAX 16
#define LAYERS_MAX       1000 /* in all */

int layers_read(struct loader *l)
{
    static const char *const known[] = {"layers", NULL};
    const struct node *model = tree_get(l->root, "model");
    struct node *layers = tree_get(model, "layers");
    struct mark at = model ? model->mark : (struct mark){.source = l->source};
    const char *problem = !model                    ? "is missing"
                          : model->kind != NODE_MAP ? "takes a map with 'layers'"
                          : !layers                 ? "has no 'layers'"
                          : layers->kind == NODE_LIST && !layers->child ? "has no layer at all"
                                                                        : NULL;

    if (problem)
        return diag_add(l->diag, DIAG_ERROR, at, "model", "model: {layers: [...]}", "%s", problem);
    CHECKED(keys_check(l, model, "model", known));
    return list_read(l, RN_KIND_LAYER, layers, "model.layers", &l->e->layers, &l->e->n_layers);
}

/* ---- branches --------------------------------------------------------------- */

static int branch_read(struct loader *l, struct node *list, const char *path, struct branch *out)
{
    if (!list || list->kind != NODE_LIST)
        return RN_OK; /* optional, or said so */
    if (l->depth == BRANCH_DEPTH_MAX)
        return diag_add(l->diag, DIAG_ERROR, list->mark, path, NULL,
                        "layers within layers, more than %d deep", BRANCH_DEPTH_MAX);
    TRY(compose_words(l->pool, list));
    l->depth++;
    int status = list_read(l, RN_KIND_LAYER, list, path, &out->layers, &out->n_layers);
    l->depth--;
    return status;
}

int branches_read(struct loader *l, const struct node *item, struct part *out)
{
    const struct option_table *t = &out->plugin->options;

    if (out->plugin->kind != RN_KIND_LAYER)
        return RN_OK;
    if (++l->n_layers == LAYERS_MAX + 1)
        CHECKED(diag_add(l->diag, DIAG_ERROR, item->mark, out->path, NULL,
                         "more than %d layers in all", LAYERS_MAX));
    for (int i = 0; i < t->n; i++)
        out->n_branches += t->rows[i].type == RN_OPT_LAYERS;
    if (!out->n_branches)
        return RN_OK;
    out->branches = pool_alloc(l->pool, (size_t)out->n_branches * sizeof *out->branches);
    if (!out->branches)
        return RN_ENOMEM;
    for (int i = 0, k = 0; i < t->n; i++) {
        if (t->rows[i].type != RN_OPT_LAYERS)
            continue;
        const char *key = out->branches[k].key = t->rows[i].name;
        const char *path = pool_printf(l->pool, "%s.%s", out->path, key);
        if (!path)
            return RN_ENOMEM;
        CHECKED(branch_read(l, tree_get(item, key), path, &out->branches[k++]));
    }
    return RN_OK;
}

/* ---- when all is read --------------------------------------------------------- */

/* Gives layers without a name theirs, so that paths with names work in the resolved file. */
static int list_name(struct loader *l, const struct node *list, const struct part *parts)
{
    for (struct node *item = list ? list->child : NULL; item; item = item->next, parts++) {
        struct node *name = tree_scalar(l->pool, "name", parts->name, "default");
        if (!name)
            return RN_ENOMEM;
        if (!tree_get(item, "name"))
            tree_add(item, name);
        for (int i = 0; i < parts->n_branches; i++)
            TRY(list_name(l, tree_get(item, parts->branches[i].key), parts->branches[i].layers));
    }
    return RN_OK;
}

/* A layer that gives probabilities before a loss that wants scores trains, but badly. */
static int lint_probabilities(struct loader *l)
{
    const struct experiment *e = l->e;
    const struct part *last = e->n_layers ? &e->layers[e->n_layers - 1] : NULL;

    if (!last || !last->plugin || !e->loss.plugin ||
        !(last->plugin->traits & RN_TRAIT_PROBABILITIES) ||
        !(e->loss.plugin->traits & RN_TRAIT_WANTS_LOGITS))
        return RN_OK;
    return diag_add(l->diag, DIAG_WARNING, last->mark, last->path, "leave this layer out",
                    "gives probabilities, but the loss %s applies softmax itself",
                    e->loss.plugin->name);
}

int layers_finish(struct loader *l)
{
    CHECKED(lint_probabilities(l));
    if (diag_errors(l->diag))
        return RN_OK;
    return list_name(l, tree_get(tree_get(l->root, "model"), "layers"), l->e->layers);
}
