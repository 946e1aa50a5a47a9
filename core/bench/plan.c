/* plan.c - composes the configuration of every variant and batch size, and checks it. */
#include "plan.h"

#include "base/error.h"
#include "experiment/experiment.h"
#include "run/session.h"

#include <string.h>

/* From the spec's pool: a problem outlives the configuration, and so has its place to. */
static int override(struct pool *p, struct node *root, struct diag *d, const char *text)
{
    return text ? compose_override(p, root, text, d) : RN_ENOMEM;
}

/* base, set, the command line, the variant; then what makes it a measurement: nobody reports, and
 * nothing is expected. */
static int compose(const struct bench_spec *s, struct pool *p, int variant, int64_t batch,
                   struct diag *d, struct node **out)
{
    const struct bench_variant *v = &s->variants[variant];
    struct node *root = tree_copy(p, s->base), *expect;
    int64_t epochs = s->o.warmup + s->measure.epochs;

    *out = root;
    if (!root)
        return RN_ENOMEM;
    if (s->set.sections)
        CHECKED(compose_change(p, &root, &s->set, d));
    for (int i = 0; i < s->n_overrides; i++)
        CHECKED(override(s->pool, root, d, s->overrides[i]));
    if (v->change.sections)
        CHECKED(compose_change(p, &root, &v->change, d));
    if (batch)
        CHECKED(override(s->pool, root, d,
                         pool_printf(s->pool, "train.batch_size=%lld", (long long)batch)));
    CHECKED(
        override(s->pool, root, d, pool_printf(s->pool, "train.epochs=%lld", (long long)epochs)));
    CHECKED(override(s->pool, root, d, pool_printf(s->pool, "name=%s", v->name)));
    CHECKED(override(s->pool, root, d, "reporters=[]"));
    if ((expect = tree_get(root, "expect")))
        tree_remove(root, expect);
    CHECKED(compose_end(p, root, d));
    *out = root;
    return diag_errors(d) ? RN_EINVAL : RN_OK;
}

/* Of a variant that may do without its device: why there is none of that name; NULL: there is. */
static const char *missing_device(struct bench_plan *plan, const struct node *root)
{
    const struct node *device = tree_get(root, "device"), *type = tree_get(device, "type");
    const struct plugin *found;

    if (!type || type->kind != NODE_SCALAR || !strcmp(type->text, "auto") ||
        registry_find(plan->registry, RN_KIND_DEVICE, type->text, &found) >= 0)
        return NULL;
    return pool_strdup(plan->spec->pool, error_text());
}

/* Shapes, data, options: all that can be known before training. */
static int check(struct bench_plan *plan, int variant, struct experiment *e, struct diag *d)
{
    struct session s = {.registry = plan->registry, .experiment = e, .diag = d};

    int status = session_plan(&s);
    plan->samples[variant] = s.data_open ? s.data.n_train : 0;
    model_close(s.model);
    if (s.data_open)
        data_close(&s.data);
    return status;
}

/* A step has no more samples than there are: its time would stand under a size that it hasn't. */
static int check_size(const struct bench_plan *plan, int variant, int64_t size, struct diag *d)
{
    int64_t n = plan->samples[variant];

    if (!n || size <= n)
        return RN_OK;
    return diag_add(d, DIAG_ERROR, plan->spec->batches_at, "bench.batch_sizes", NULL,
                    "%lld, but there are only %lld training samples", (long long)size,
                    (long long)n);
}

static const char *device_text(struct pool *p, const struct experiment *e)
{
    struct text t = {0};

    compose_json(tree_get(e->root, "device"), &t);
    char *s = t.status ? NULL : pool_strdup(p, text_str(&t));
    text_free(&t);
    char *to = s; /* one line of a command, whose texts have no line break */
    for (const char *c = s; c && *c; c++) {
        if (*c == '\n')
            c += strspn(c + 1, " ");
        *to++ = *c == '\n' ? ' ' : *c;
    }
    if (s)
        *to = '\0';
    return s;
}

static int keep(struct bench_plan *plan, int variant, int batch, const struct experiment *e)
{
    struct pool *p = plan->spec->pool;
    struct bench_point *x = &plan->points[batch * plan->spec->n_variants + variant];

    int64_t n = plan->samples[variant];

    x->batch = e->train.batch_size;
    x->samples = e->train.drop_last && n >= x->batch ? n - n % x->batch : n;
    x->config = pool_strdup(p, e->config_yaml);
    x->id = pool_printf(p, "%s-b%lld", plan->spec->variants[variant].name, (long long)x->batch);
    if (!plan->device[variant])
        plan->device[variant] = device_text(p, e);
    return x->config && x->id && plan->device[variant] ? RN_OK : RN_ENOMEM;
}

static int add_point(struct bench_plan *plan, int variant, int batch)
{
    struct bench_spec *s = plan->spec;
    int64_t size = s->n_batches ? s->batches[batch] : 0;
    struct pool *p = pool_new();
    struct diag *d = p ? diag_new(p) : NULL;
    struct experiment *e = NULL;
    struct node *root = NULL;

    plan->points[batch * s->n_variants + variant].batch = size;
    int status = d ? compose(s, p, variant, size, d, &root) : RN_ENOMEM;
    if (status >= 0)
        status = experiment_from_tree(p, s->file, root, plan->registry, d, &e);
    if ((status == RN_EINVAL || status == RN_EPLUGIN) && !s->variants[variant].required && root &&
        (plan->unusable[variant] = missing_device(plan, root)))
        status = RN_OK;
    else if (status >= 0 && !batch)
        status = check(plan, variant, e, d);
    if (status >= 0 && !plan->unusable[variant])
        status = check_size(plan, variant, size, d);
    if (status >= 0 && !plan->unusable[variant])
        status = keep(plan, variant, batch, e);
    if (d && !plan->unusable[variant] && (diag_errors(d) || diag_warnings(d))) {
        int merged = diag_merge(s->diag, d, s->variants[variant].name);
        status = merged < 0 ? merged : status;
    }
    if (e)
        experiment_free(e);
    else
        pool_free(p);
    return status;
}

int bench_plan(struct bench_spec *s, struct registry *registry, struct bench_plan *plan)
{
    size_t n = (size_t)s->n_variants;
    int batches = bench_batch_count(s), status = RN_OK;

    *plan = (struct bench_plan){.spec = s,
                                .registry = registry,
                                .n_points = batches * s->n_variants,
                                .device = pool_alloc(s->pool, n * sizeof *plan->device),
                                .unusable = pool_alloc(s->pool, n * sizeof *plan->unusable),
                                .samples = pool_alloc(s->pool, n * sizeof *plan->samples)};
    plan->points = pool_alloc(s->pool, (size_t)plan->n_points * sizeof *plan->points);
    if (!plan->points || !plan->device || !plan->unusable || !plan->samples)
        return RN_ENOMEM;
    for (int v = 0; v < s->n_variants; v++)
        for (int b = 0; b < batches && !plan->unusable[v]; b++) {
            int bad = add_point(plan, v, b);
            if (bad < 0 && bad != RN_EINVAL && bad != RN_ESHAPE)
                return bad;
            status = bad < 0 ? bad : status;
        }
    return status;
}
