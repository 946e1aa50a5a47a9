/* rebuild.c - `runner report`: the pages of a run made again from the files of its folder. */
#include "rebuild.h"

#include "base/error.h"
#include "report/report.h"
#include "report/runs.h"

#include <string.h>

static bool from_files(const struct plugin *p) { return p->traits & RN_TRAIT_FROM_FILES; }

static int cannot(struct registry *registry, const char *name)
{
    const struct plugin *const *all;
    struct text bad = {0}, can = {0};
    int n;

    int status = registry_all(registry, RN_KIND_REPORTER, &all, &n, &bad);
    for (int i = 0; !status && i < n; i++)
        if (from_files(all[i]))
            text_add(&can, "%s%s", can.n ? ", " : "", all[i]->name);
    status = status ? status
                    : FAIL(RN_EINVAL,
                           "reporter '%s' tells of a run while it goes on, and cannot be made from "
                           "files; those that can: %s",
                           name, text_str(&can));
    text_free(&can);
    text_free(&bad);
    return status;
}

/* What the run's configuration says about this reporter; NULL: nothing. */
static const struct node *spec_of(struct pool *p, const struct rn_report *r, const char *name)
{
    struct node *root;

    if (tree_resolved(p, r->config_yaml, &root) < 0 || !root)
        return NULL;
    const struct node *list = tree_get(root, "reporters");
    for (const struct node *c = list && list->kind == NODE_LIST ? list->child : NULL; c;
         c = c->next) {
        const struct node *type = c->kind == NODE_MAP ? tree_get(c, "type") : NULL;
        if (type && type->kind == NODE_SCALAR && !strcmp(type->text, name))
            return c;
    }
    return NULL;
}

static int parse_options(struct pool *p, const struct plugin *plugin, const struct node *spec,
                         void **out)
{
    static const char *const skip[] = {"type", "name", NULL};
    struct diag *d = diag_new(p);

    return d ? options_parse(p, &plugin->options, spec, (struct mark){0}, "reporters", plugin->name,
                             skip, d, out)
             : RN_ENOMEM;
}

int reporter_defaults(struct pool *p, const struct plugin *plugin, void **out)
{
    int status = parse_options(p, plugin, NULL, out);

    return status == RN_EINVAL ? FAIL(status, "reporter '%s' needs options", plugin->name) : status;
}

int reporters_each(struct registry *registry,
                   int (*tell)(void *ctx, const struct rn_reporter_ops *ops, const void *opts),
                   void *ctx)
{
    const struct plugin *const *all;
    struct text bad = {0};
    struct pool *p = pool_new();
    void *opts;
    int n = 0, status = p ? registry_all(registry, RN_KIND_REPORTER, &all, &n, &bad) : RN_ENOMEM;

    for (int i = 0; !status && i < n; i++) {
        if (!(all[i]->traits & RN_TRAIT_DEFAULT))
            continue;
        status = reporter_defaults(p, all[i], &opts);
        status = status < 0 ? status : tell(ctx, &all[i]->ops.reporter, opts);
        status = status < 0 ? error_prefix(status, "reporter (%s)", all[i]->name) : RN_OK;
    }
    text_free(&bad);
    pool_free(p);
    return status;
}

/* Those of the run; the defaults where it has none that this plugin still takes. */
static int options_of(struct pool *p, const struct plugin *plugin, const struct rn_report *r,
                      void **out)
{
    const struct node *spec = spec_of(p, r, plugin->name);

    for (int i = 0; i < 2; i++, spec = NULL) {
        int status = parse_options(p, plugin, spec, out);
        if (status != RN_EINVAL)
            return status;
    }
    return FAIL(RN_EINVAL, "reporter '%s' needs options, and the run gave it none", plugin->name);
}

static int tell(struct pool *p, const struct plugin *plugin, const struct rn_report *r)
{
    const struct rn_reporter_ops *ops = &plugin->ops.reporter;
    void *opts, *handle = NULL;

    TRY(options_of(p, plugin, r, &opts));
    int status = ops->open(opts, r, &handle);
    if (status >= 0) {
        status = ops->end ? ops->end(handle, r) : RN_OK;
        ops->close(handle);
    }
    return status < 0 ? error_prefix(status, "reporter (%s)", plugin->name) : RN_OK;
}

static int tell_all(struct pool *p, struct registry *registry, const char *name,
                    const struct rn_report *r)
{
    const struct plugin *const *all, *one;
    struct text bad = {0};
    int n, status;

    if (name) {
        TRY(registry_find(registry, RN_KIND_REPORTER, name, &one));
        return from_files(one) ? tell(p, one, r) : cannot(registry, name);
    }
    status = registry_all(registry, RN_KIND_REPORTER, &all, &n, &bad);
    text_free(&bad);
    for (int i = 0; !status && i < n; i++)
        if (from_files(all[i]) && all[i]->traits & RN_TRAIT_DEFAULT)
            status = tell(p, all[i], r);
    return status;
}

int run_rebuild(struct registry *registry, const struct run_name *run, const char *reporter)
{
    struct pool *p = pool_new();
    struct report *r = NULL;

    int status = p ? report_load(run->dir, &r) : RN_ENOMEM;
    status = status ? status : report_figures(r);
    status = status ? status : report_list_files(r);
    status = status ? status : tell_all(p, registry, reporter, report_view(r));
    report_close(r);
    pool_free(p);
    return status;
}

int runs_rebuild(struct registry *registry, const char *root)
{
    const struct plugin *const *all;
    struct text bad = {0};
    struct pool *p = pool_new();
    int n = 0, status = p ? registry_all(registry, RN_KIND_REPORTER, &all, &n, &bad) : RN_ENOMEM;

    for (int i = 0; !status && i < n; i++) {
        void *opts;
        if (!all[i]->ops.reporter.runs || !(all[i]->traits & RN_TRAIT_DEFAULT))
            continue;
        status = reporter_defaults(p, all[i], &opts);
        status = status ? status : runs_page(root, all[i], opts);
    }
    text_free(&bad);
    pool_free(p);
    return status;
}
