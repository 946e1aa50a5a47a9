/* rig_plan.c - what plan() declares, taken down and looked at. */
#include "rig.h"

#include "base/error.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static bool shape_good(const struct rn_shape *s)
{
    bool good = s->rank >= 0 && s->rank <= RN_MAX_RANK;

    for (int i = 0; good && i < s->rank; i++)
        good = s->dim[i] > 0 && s->dim[i] <= INT32_MAX;
    return good;
}

static int add_param(struct rn_plan *p, const char *name, struct rn_shape shape,
                     struct rn_init init, const struct rn_view *view, uint32_t flags)
{
    struct rig_plan *plan = p->core;

    if (plan->n_param == RIG_PARAMS || !shape_good(&shape) || !name)
        return FAIL(RN_EPLUGIN, "parameter %s cannot be had", name ? name : "without a name");
    plan->param[plan->n_param] = (struct rig_item){.shape = shape, .init = init, .flags = flags};
    snprintf(plan->param[plan->n_param].name, sizeof plan->param->name, "%s", name);
    if (view)
        plan->param[plan->n_param].view = *view;
    return plan->n_param++;
}

static int add_buffer(struct rn_plan *p, const char *name, uint32_t life, struct rn_shape shape,
                      uint32_t flags)
{
    struct rig_plan *plan = p->core;

    if (plan->n_buf == RIG_BUFFERS || !shape_good(&shape) || !name || life < RN_SCRATCH ||
        life > RN_PERSISTENT)
        return FAIL(RN_EPLUGIN, "buffer %s cannot be had", name ? name : "without a name");
    plan->buf[plan->n_buf] = (struct rig_item){.shape = shape, .life = life, .flags = flags};
    snprintf(plan->buf[plan->n_buf].name, sizeof plan->buf->name, "%s", name);
    return plan->n_buf++;
}

static int add_constant(struct rn_plan *p, const char *name, struct rn_shape shape,
                        const double *values)
{
    struct rig_plan *plan = p->core;
    int64_t n = rn_count(&shape);
    int at = add_buffer(p, name, RN_PERSISTENT, shape, 0);

    if (at < 0)
        return at;
    if (n > RIG_CONSTANTS - plan->n_constants)
        return FAIL(RN_EBUG, "the check has room for %d constants", RIG_CONSTANTS);
    plan->buf[at].constant = 1 + plan->n_constants;
    memcpy(plan->constants + plan->n_constants, values, (size_t)n * sizeof *values);
    plan->n_constants += (int)n;
    return at;
}

int rig_plan(int (*plan)(struct rn_plan *), const void *opts, const struct rn_shape *in, int n_in,
             struct rig_plan *out)
{
    struct rn_plan p = {.size = sizeof p,
                        .n_in = n_in,
                        .opts = opts,
                        .in = in,
                        .core = out,
                        .param = add_param,
                        .buffer = add_buffer,
                        .constant = add_constant};

    memset(out, 0, sizeof *out);
    RN_TRY(plan(&p));
    if (!shape_good(&p.out))
        return FAIL(RN_EPLUGIN, "plan() left an output that is no shape: rank %d", p.out.rank);
    out->out = p.out;
    out->flops = p.flops;
    return RN_OK;
}

/* ---- what can be -------------------------------------------------------------- */

static bool same_item(const struct rig_item *a, const struct rig_item *b)
{
    return !strcmp(a->name, b->name) && a->shape.rank == b->shape.rank &&
           !memcmp(a->shape.dim, b->shape.dim, (size_t)a->shape.rank * sizeof *a->shape.dim) &&
           a->life == b->life && a->flags == b->flags && a->init.rule == b->init.rule &&
           a->init.scale == b->init.scale && a->constant == b->constant;
}

bool rig_plan_same(const struct rig_plan *a, const struct rig_plan *b)
{
    bool same =
        a->n_param == b->n_param && a->n_buf == b->n_buf && rn_count(&a->out) == rn_count(&b->out);

    for (int i = 0; same && i < a->n_param; i++)
        same = same_item(&a->param[i], &b->param[i]);
    for (int i = 0; same && i < a->n_buf; i++)
        same = same_item(&a->buf[i], &b->buf[i]);
    return same;
}

int64_t rig_stored_at(const struct rn_view *v, int64_t i)
{
    int64_t at[RN_MAX_RANK] = {0}, index = 0;

    for (int a = v->rank; a-- > 0;) {
        int64_t n = v->dim[v->perm[a]];

        at[v->perm[a]] = i % n;
        i /= n;
    }
    for (int a = 0; a < v->rank; a++)
        index = index * v->dim[a] + at[a];
    return index;
}

/* Each stored value is exported once, so that it can be loaded again. */
static bool view_good(const struct rn_view *v, int64_t n)
{
    int64_t count = 1;
    unsigned char *seen;
    bool good =
        v->rank >= 0 && v->rank <= RN_MAX_RANK && shape_good(&v->shape) && rn_count(&v->shape) == n;

    for (int i = 0; good && i < v->rank; i++) {
        good = v->dim[i] > 0 && v->perm[i] >= 0 && v->perm[i] < v->rank;
        count *= v->dim[i];
    }
    if (!good || count != n || !(seen = mem_alloc((size_t)n)))
        return false;
    for (int64_t i = 0; good && i < n; i++) {
        int64_t at = rig_stored_at(v, i);

        good = at < n && !seen[at]++;
    }
    mem_free(seen);
    return good;
}

static void param_good(const struct rig_item *b, char *why, size_t n)
{
    if (b->view.rank && !view_good(&b->view, rn_count(&b->shape)))
        snprintf(why, n, "the view of %s does not export each of its values once", b->name);
    else if (b->init.rule > RN_INIT_NORMAL || !isfinite(b->init.scale))
        snprintf(why, n, "%s starts from nothing that is known", b->name);
}

bool rig_plan_good(const struct rig_plan *p, char *why, size_t n)
{
    const struct rig_item *all[RIG_PARAMS + RIG_BUFFERS];
    int count = 0;

    why[0] = '\0';
    for (int i = 0; i < p->n_param; i++)
        all[count++] = &p->param[i];
    for (int i = 0; i < p->n_buf; i++)
        all[count++] = &p->buf[i];
    for (int i = 0; i < count && !*why; i++) {
        if (!*all[i]->name)
            snprintf(why, n, "a parameter or buffer has no name");
        for (int k = 0; k < i; k++)
            if (!strcmp(all[i]->name, all[k]->name))
                snprintf(why, n, "two parameters or buffers are called %s", all[i]->name);
    }
    for (int i = 0; i < p->n_param && !*why; i++)
        param_good(&p->param[i], why, n);
    if (!*why && !(p->flops >= 0 && isfinite(p->flops)))
        snprintf(why, n, "flops is %g", p->flops);
    return !*why;
}
