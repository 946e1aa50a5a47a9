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
    RN_SPAN(struct warmup, warmup, "0 steps", "the learning rate rises linearly over this"),
    RN_FLOAT(struct warmup, warmup_from, "0", 0, 1, 0, NULL,
             "where the warm-up starts, as a share of the learning rate"),
    RN_END};

static const char *const scheduler_skip[] = {"type", "warmup", "warmup_from", NULL};

static int warmup_read(struct loader *l, struct node *n, const struct plugin *plugin)
{
    const char *skip[64] = {"type"};
    struct option_table table;
    int k = 1;
    void *opts;

    for (int i = 0; plugin && i < plugin->options.n && k < 63; i++)
        skip[k++] = plugin->options.rows[i].name;
    if (!plugin)
        return RN_OK;
    TRY(options_table(l->pool, warmup_rows, sizeof *warmup_rows, sizeof(struct warmup), &table));
    TRY(options_parse(l->pool, &table, n, n->mark, "scheduler", "scheduler", skip, l->diag, &opts));
    TRY(options_fill(l->pool, &table, n));
    const struct warmup *w = opts;
    if (w->warmup.unit == RN_SECONDS || w->warmup.value < 0)
        return diag_add(l->diag, DIAG_ERROR, tree_get(n, "warmup")->mark, "scheduler.warmup",
                        "500 steps, 1 epoch, 5%", "takes a number of steps, epochs, samples or %%");
    l->e->warmup.span = w->warmup;
    l->e->warmup.from = w->warmup_from;
    return RN_OK;
}

static int scheduler_read(struct loader *l)
{
    struct node *n = tree_get(l->root, "scheduler");

    if (!n || n->kind == NODE_NULL)
        return RN_OK;
    CHECKED(part_read(l, RN_KIND_SCHEDULER, n, "scheduler", scheduler_skip, &l->e->scheduler));
    return warmup_read(l, n, l->e->scheduler.plugin);
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
