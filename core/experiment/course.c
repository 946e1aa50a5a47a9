/* course.c - what happens while a model trains: how the learning rate goes, who looks on, how
 * training images are changed, what is measured. */
#include "loader.h"

#include "base/error.h"

#include <string.h>

struct warmup {
    struct rn_span_value warmup;
    double warmup_from;
};
const struct rn_option warmup_rows[] = {
    RN_SPAN_WITH(struct warmup, warmup, "0 steps", RN_OPT_NO_TIME,
                 "the learning rate rises linearly over this"),
    RN_FLOAT(struct warmup, warmup_from, "0", 0, 1, 0, NULL,
             "where the warm-up starts, as a share of the learning rate"),
    RN_END};

static const char *const scheduler_skip[] = {"type", "warmup", "warmup_from", NULL};

static int warmup_read(struct loader *l, struct node *n, const struct option_table *plugins)
{
    static const char *const skip[] = {"type", NULL};
    void *opts;

    TRY(own_read(l, warmup_rows, sizeof(struct warmup), n, "scheduler", plugins, skip, &opts));
    const struct warmup *w = opts;
    l->e->warmup.span = w->warmup;
    l->e->warmup.from = w->warmup_from;
    return RN_OK;
}

static int scheduler_read(struct loader *l)
{
    struct node *n = tree_get(l->root, "scheduler");
    struct part *part = &l->e->scheduler;

    if (!n || n->kind == NODE_NULL)
        return RN_OK;
    CHECKED(part_read(l, RN_KIND_SCHEDULER, n, "scheduler", scheduler_skip, part));
    return part->plugin ? warmup_read(l, n, &part->plugin->options) : RN_OK;
}

/* Those that are used by default come first, and are there whether the file has a list or not. */
static int callbacks_read(struct loader *l)
{
    struct node *list = tree_get(l->root, "callbacks");

    if (list && list->kind == NODE_NULL) {
        tree_remove(l->root, list);
        list = NULL;
    }
    if (!list) {
        list = tree_new(l->pool, NODE_LIST, (struct mark){.source = l->source}, "default");
        if (!list)
            return RN_ENOMEM;
        list->key = "callbacks";
        tree_add(l->root, list);
    }
    if (list->kind == NODE_LIST)
        TRY(defaults_add(l, RN_KIND_CALLBACK, list, true));
    return list_read(l, RN_KIND_CALLBACK, list, "callbacks", &l->e->callbacks, &l->e->n_callbacks);
}

static int augment_read(struct loader *l)
{
    struct node *list = tree_get(tree_get(l->root, "data"), "augment");

    if (!list || list->kind == NODE_NULL)
        return RN_OK;
    return list_read(l, RN_KIND_AUGMENTATION, list, "data.augment", &l->e->augments,
                     &l->e->n_augments);
}

int course_read(struct loader *l)
{
    const struct node *metrics = tree_get(l->root, "metrics");

    CHECKED(scheduler_read(l));
    CHECKED(callbacks_read(l));
    CHECKED(augment_read(l));
    if (metrics)
        l->e->metrics_mark = metrics->mark;
    return words_read(l, metrics, "metrics", &l->e->metrics, &l->e->n_metrics);
}
