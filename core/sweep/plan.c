/* plan.c - composes the configuration of every run, and checks it before anything is started. */
#include "plan.h"

#include "base/error.h"
#include "config/flatten.h"
#include "report/report.h"
#include "run/session.h"

#include <runner/loss.h>
#include <runner/scheduler.h>

#include <stdlib.h>
#include <math.h>
#include <string.h>

enum { LABEL_MAX = 60, SWEEP_SHOWN = 100 - LABEL_MAX - 5, RUNS_MAX = 100000 };
#define ALONE "base" /* the label of a group that changes nothing */

void plan_open(struct plan *p, struct sweep_spec *spec, struct registry *registry)
{
    *p = (struct plan){
        .spec = spec, .registry = registry, .pool = spec->pool, .counts_threads = true};
}

/* Room for one more, doubled as it grows. */
static int grow(struct pool *pool, void **array, int n, int *room, size_t size)
{
    if (n < *room)
        return RN_OK;
    int more = *room ? 2 * *room : 16;
    void *grown = pool_alloc(pool, (size_t)more * size);
    if (!grown)
        return RN_ENOMEM;
    if (n)
        memcpy(grown, *array, (size_t)n * size);
    *array = grown;
    *room = more;
    return RN_OK;
}

int plan_say(struct plan *p, const char *fmt, ...)
{
    struct text t = {0};
    void *said = (void *)(uintptr_t)p->said;
    va_list args;

    va_start(args, fmt);
    text_vadd(&t, fmt, args);
    va_end(args);
    const char *s = t.status ? NULL : pool_strdup(p->pool, text_str(&t));
    text_free(&t);
    TRY(s ? grow(p->pool, &said, p->n_said, &p->room_said, sizeof s) : RN_ENOMEM);
    ((const char **)said)[p->n_said++] = s;
    p->said = said;
    return RN_OK;
}

/* ---- one configuration ---------------------------------------------------- */

struct choice { /* what makes a group: a variant, and pieces in the order of the axes */
    const struct piece *variant; /* NULL: none */
    const struct piece *const *pieces;
    int n;
};

static int apply_piece(struct pool *p, struct node **root, const struct piece *x, struct diag *d)
{
    if (!x->path)
        return compose_change(p, root, &x->change, d);
    struct patch patch = {x->path, x->mark, tree_copy(p, x->value), "set"};
    return patch.value ? compose_patch(p, *root, &patch, d) : RN_ENOMEM;
}

static int patch_text(struct pool *p, struct node *root, const char *path, const char *text,
                      struct diag *d)
{
    struct node *value = tree_scalar(p, NULL, text, "set");
    struct patch patch = {path, root->mark, value, "set"};

    if (!value)
        return RN_ENOMEM;
    value->mark = root->mark;
    return compose_patch(p, root, &patch, d);
}

/* base, variant, set, axes, the command line; then what makes it this run. seed < 0: as it is. */
static int compose_run(const struct plan *plan, struct pool *p, const struct choice *c,
                       const char *label, int64_t seed, struct diag *d, struct node **out)
{
    const struct sweep_spec *s = plan->spec;
    struct node *root = tree_copy(p, s->base);
    const char *number = pool_printf(p, "%lld", (long long)seed);
    const char *name = strcmp(label, ALONE) != 0
                           ? pool_printf(p, "%.*s.%s", SWEEP_SHOWN, s->name, label)
                           : s->name;

    if (!root || !number || !name)
        return RN_ENOMEM;
    if (c->variant)
        CHECKED(compose_change(p, &root, &c->variant->change, d));
    if (s->set.sections)
        CHECKED(compose_change(p, &root, &s->set, d));
    for (int i = 0; i < c->n; i++)
        CHECKED(apply_piece(p, &root, c->pieces[i], d));
    if (seed >= 0)
        CHECKED(patch_text(p, root, "seed", number, d));
    for (int i = 0; i < s->n_overrides; i++) /* a problem outlives p, and so has its place to */
        CHECKED(compose_override(s->pool, root, s->overrides[i], d));
    CHECKED(patch_text(p, root, "name", name, d));
    CHECKED(compose_end(p, root, d));
    *out = root;
    return RN_OK;
}

static int make_experiment(const struct plan *plan, const struct choice *c, const char *label,
                           int64_t seed, struct diag **d, struct experiment **out)
{
    struct pool *p = pool_new();
    struct node *root = NULL;

    *out = NULL;
    *d = p ? diag_new(p) : NULL;
    int status = *d ? compose_run(plan, p, c, label, seed, *d, &root) : RN_ENOMEM;
    if (status >= 0)
        status = experiment_from_tree(p, plan->spec->file, root, plan->registry, *d, out);
    if (status >= 0)
        return status;
    if (*d && (status == RN_EINVAL || status == RN_EPLUGIN)) {
        int merged = diag_merge(plan->spec->diag, *d, label);
        status = merged < 0 ? merged : status;
    }
    if (!*out) /* it would own the pool */
        pool_free(p);
    else
        experiment_free(*out);
    *out = NULL;
    return status;
}

/* ---- checks --------------------------------------------------------------- */

static int find_objective(struct plan *p, const struct experiment *e)
{
    const struct objective *o = &p->spec->objective;
    bool classifies = e->loss.plugin->traits & RN_TRAIT_CLASSIFIES, known = false;
    int n;

    p->objective = o->metric ? o->metric : classifies ? "val.accuracy" : "val.loss";
    p->more_is_better = rn_more_is_better(o->goal, p->objective);
    const char *const *names = report_names(e->pool, e->metrics, e->n_metrics, &n);
    if (!names)
        return RN_ENOMEM;
    for (int i = 0; i < n; i++)
        known |= !strcmp(names[i], p->objective);
    if (known && (!strncmp(p->objective, "val.", 4) || !strncmp(p->objective, "fit.", 4) ||
                  !strncmp(p->objective, "train.", 6)))
        return RN_OK;
    return diag_add(p->spec->diag, DIAG_ERROR, (struct mark){0}, "sweep.objective.metric",
                    "val.accuracy, val.loss, or another metric of each epoch",
                    "'%s' is not measured after each epoch", p->objective);
}

void plan_close(struct plan *p)
{
    if (p->data_is)
        data_close(&p->data);
    p->data_is = NULL;
}

/* The section data, as text; from pool. NULL: out of memory. */
static const char *data_text(struct pool *pool, const struct experiment *e)
{
    struct text t = {0};

    compose_emit(tree_get(e->root, "data"), &t);
    const char *s = t.status ? NULL : pool_strdup(pool, text_str(&t));
    text_free(&t);
    return s;
}

/* Data are opened again where the section is another. */
static int plan_data(struct plan *p, struct session *s)
{
    const char *is = data_text(s->experiment->pool, s->experiment);

    if (!is)
        return RN_ENOMEM;
    if (p->data_is && !strcmp(p->data_is, is)) {
        s->data = p->data;
        s->data.part = &s->experiment->data;
        return RN_OK;
    }
    plan_close(p);
    TRY(session_plan_data(s, p->pool));
    p->data = s->data;
    p->data_part = s->experiment->data; /* which goes before the data */
    p->data.part = &p->data_part;
    p->data_is = pool_strdup(p->pool, is);
    return p->data_is ? RN_OK : RN_ENOMEM;
}

/* Shapes, data, options: all that can be known before training. */
static int check_run(struct plan *p, struct experiment *e, struct diag *d, const char *label)
{
    struct session s = {.registry = p->registry, .experiment = e, .diag = d};

    if (!p->objective)
        TRY(find_objective(p, e));
    int status = plan_data(p, &s);
    status = status < 0 ? status : session_plan_model(&s);
    p->epochs = e->train.epochs > p->epochs ? e->train.epochs : p->epochs;
    p->counts_threads &= !e->device_auto && options_row(&e->device.plugin->options, "threads");
    model_close(s.model);
    if (s.data_open && !p->data_is)
        data_close(&s.data);
    int merged = diag_errors(d) || diag_warnings(d) ? diag_merge(p->spec->diag, d, label) : RN_OK;
    return merged < 0 ? merged : status;
}

/* ---- groups --------------------------------------------------------------- */

static bool label_is_new(const struct plan *p, const char *label)
{
    for (int i = 0; i < p->n_groups; i++)
        if (!strcmp(p->groups[i].label, label))
            return false;
    return true;
}

/* The labels of the pieces, one behind the other; another when that is taken. */
static const char *make_label(struct plan *p, const struct choice *c)
{
    struct text t = {0};

    if (c->variant)
        text_add(&t, "%s", c->variant->label);
    for (int i = 0; i < c->n; i++)
        text_add(&t, "%s%s", t.n ? "-" : "", c->pieces[i]->label);
    const char *whole = text_str(&t);
    char *label = t.status ? NULL
                           : pool_strndup(p->pool, *whole ? whole : ALONE,
                                          *whole && t.n < LABEL_MAX ? t.n
                                          : *whole                  ? LABEL_MAX
                                                                    : 4);
    for (char *s = label; s && (*s == '.' || *s == '-'); s++) /* no name begins so */
        *s = '_';
    text_free(&t);
    const char *stem = label;
    for (int again = 2; label && !label_is_new(p, label); again++)
        label = pool_printf(p->pool, "%s_%d", stem, again);
    return label;
}

static const struct plan_run *twin_of(const struct plan *p, const char *hash)
{
    for (int i = 0; i < p->n_runs; i++)
        if (!strcmp(p->runs[i].hash, hash))
            return &p->runs[i];
    return NULL;
}

/* One run of a group that is being made. RN_EBUSY: it is there already. */
static int add_run(struct plan *p, const struct choice *c, const char *label, int64_t seed,
                   bool first)
{
    struct experiment *e;
    struct diag *d;
    void *runs = p->runs;

    TRY(make_experiment(p, c, label, seed, &d, &e));
    TRY(grow(p->pool, &runs, p->n_runs, &p->room_runs, sizeof *p->runs));
    p->runs = runs;
    struct plan_run *r = &p->runs[p->n_runs];
    *r = (struct plan_run){
        .group = p->n_groups, .seed = (int64_t)e->seed, .epochs = e->train.epochs};
    int status = experiment_identity(e, r->hash);
    const struct plan_run *twin = status ? NULL : twin_of(p, r->hash);
    if (twin)
        status = FAIL(RN_EBUSY, "%s is the same as %s", label, p->groups[twin->group].label);
    if (!status && first)
        status = check_run(p, e, d, label);
    if (!status) {
        r->config = pool_strdup(p->pool, e->config_yaml);
        r->id = pool_printf(p->pool, "%s-s%lld-%.8s", label, (long long)r->seed,
                            r->hash + strlen("sha256:"));
        status = r->config && r->id ? RN_OK : RN_ENOMEM;
    }
    experiment_free(e);
    p->n_runs += !status;
    return status;
}

static int facts_of(struct plan *p, const struct choice *c, struct plan_group *g)
{
    int64_t n = c->variant ? c->variant->n_says : 0;

    for (int i = 0; i < c->n; i++)
        n += c->pieces[i]->n_says;
    struct rn_fact *says = pool_alloc(p->pool, (size_t)(n + 1) * sizeof *says);
    if (!says)
        return RN_ENOMEM;
    for (int i = c->variant ? -1 : 0; i < c->n; i++) {
        const struct piece *x = i < 0 ? c->variant : c->pieces[i];
        memcpy(says + g->n_says, x->says, (size_t)x->n_says * sizeof *says);
        g->n_says += x->n_says;
    }
    g->says = says;
    return RN_OK;
}

/* A group with all of its seeds. RN_EBUSY: there is the same. */
static int add_group(struct plan *p, const struct choice *c)
{
    const struct sweep_spec *s = p->spec;
    const char *label = make_label(p, c);
    void *groups = p->groups;

    if (!label)
        return RN_ENOMEM;
    TRY(grow(p->pool, &groups, p->n_groups, &p->room_groups, sizeof *p->groups));
    p->groups = groups;
    struct plan_group *g = &p->groups[p->n_groups];
    *g = (struct plan_group){.label = label, .first = p->n_runs};
    TRY(facts_of(p, c, g));
    for (int64_t i = 0; i < (s->n_seeds ? s->n_seeds : 1); i++) {
        if (p->n_runs == RUNS_MAX)
            return FAIL(RN_EINVAL, "%s: more than %d runs", s->file, RUNS_MAX);
        int status = add_run(p, c, label, s->n_seeds ? s->seeds[i] : -1, !i);
        if (status < 0) {
            p->n_runs = g->first;
            return status;
        }
        g->n_runs++;
    }
    p->n_groups++;
    return RN_OK;
}

/* The same once more is left out, which is worth a word; problems do not hide those of others. */
static int add_or_say(struct plan *p, const struct choice *c)
{
    int status = add_group(p, c);

    if (status == RN_EBUSY)
        return plan_say(p, "%s, and is left out.", error_text());
    return status;
}

/* ---- grids ---------------------------------------------------------------- */

static bool says(const struct plan_group *g, const struct rn_fact *want)
{
    double a, b;

    for (int64_t i = 0; i < g->n_says; i++) {
        const struct rn_fact *have = &g->says[i];
        if (strcmp(have->key, want->key))
            continue;
        return !strcmp(have->value, want->value) ||
               (options_float(have->value, &a) && options_float(want->value, &b) && !(a < b) &&
                !(a > b));
    }
    return false;
}

static bool is_excluded(struct plan *p, const struct choice *c, int *status)
{
    struct plan_group g = {0};

    *status = facts_of(p, c, &g);
    for (int i = 0; i < p->spec->n_excludes && *status >= 0; i++) {
        const struct exclusion *x = &p->spec->excludes[i];
        bool all = x->n_says > 0;
        for (int64_t k = 0; k < x->n_says; k++)
            all &= says(&g, &x->says[k]);
        if (all)
            return true;
    }
    return false;
}

/* The points of all axes, the first as the slowest. */
static int add_axes(struct plan *p, const struct piece *variant, const struct piece **pieces,
                    int at)
{
    const struct sweep_spec *s = p->spec;
    int status;

    if (at == s->n_axes) {
        struct choice c = {variant, pieces, s->n_axes};
        if (is_excluded(p, &c, &status))
            return RN_OK;
        return status < 0 ? status : add_or_say(p, &c);
    }
    for (int i = 0; i < s->axes[at].n; i++) {
        pieces[at] = &s->axes[at].pieces[i];
        CHECKED(add_axes(p, variant, pieces, at + 1));
    }
    return RN_OK;
}

int plan_grid(struct plan *p)
{
    struct sweep_spec *s = p->spec;
    const struct piece **pieces = pool_alloc(p->pool, (size_t)(s->n_axes + 1) * sizeof *pieces);

    if (!pieces)
        return RN_ENOMEM;
    for (int v = 0; v < s->n_variants; v++)
        CHECKED(add_axes(p, &s->variants[v], pieces, 0));
    if (!s->n_variants && (s->n_axes || !s->n_includes))
        CHECKED(add_axes(p, NULL, pieces, 0));
    for (int i = 0; i < s->n_includes; i++) {
        const struct piece *one = &s->includes[i];
        CHECKED(add_or_say(p, &(struct choice){NULL, &one, 1}));
    }
    if (diag_errors(s->diag))
        return RN_EINVAL;
    if (!p->n_groups)
        return FAIL(RN_EINVAL, "%s: nothing is left to run%s%s", s->file, p->n_said ? ": " : "",
                    p->n_said ? p->said[0] : "");
    if (s->o.reference && label_is_new(p, s->o.reference))
        return FAIL(RN_EINVAL, "%s: sweep.reference: there is no '%s'; the first is '%s'", s->file,
                    s->o.reference, p->groups[0].label);
    return RN_OK;
}

/* ---- searches ------------------------------------------------------------- */

static int choose(struct plan *p, const double *at, struct piece **room, const struct piece ***out)
{
    const struct sweep_spec *s = p->spec;

    *room = pool_alloc(p->pool, (size_t)s->n_space * sizeof **room);
    *out = pool_alloc(p->pool, (size_t)s->n_space * sizeof **out);
    if (!*room || !*out)
        return RN_ENOMEM;
    for (int i = 0; i < s->n_space; i++) {
        TRY(search_piece(p->pool, &s->space[i], at[i], &(*room)[i]));
        (*out)[i] = &(*room)[i];
    }
    return RN_OK;
}

int plan_point(struct plan *p, double *at, bool *added)
{
    const struct piece **pieces;
    struct piece *room;

    *added = false;
    TRY(choose(p, at, &room, &pieces));
    int status = add_group(p, &(struct choice){NULL, pieces, p->spec->n_space});
    if (status == RN_EBUSY)
        return RN_OK;
    TRY(status);
    *added = true;
    p->groups[p->n_groups - 1].point = (struct point){at, (double)NAN};
    return RN_OK;
}

int plan_check_space(struct plan *p)
{
    static const double corners[] = {0, 0.4142, 1 - 1e-9}; /* and a number that is not whole */
    enum { CORNERS = sizeof corners / sizeof *corners };
    const struct sweep_spec *s = p->spec;
    double *at = pool_alloc(p->pool, (size_t)s->n_space * sizeof *at);
    const struct piece **pieces;
    struct piece *room;

    if (!at)
        return RN_ENOMEM;
    for (int d = 0; d < s->n_space; d++) {
        int n = s->space[d].n_choices ? s->space[d].n_choices : CORNERS;
        for (int i = 0; i < n; i++) {
            struct experiment *e;
            struct diag *diag;
            for (int k = 0; k < s->n_space; k++)
                at[k] = 0;
            at[d] = s->space[d].n_choices ? i : corners[i];
            TRY(choose(p, at, &room, &pieces));
            struct choice c = {NULL, pieces, s->n_space};
            const char *label = make_label(p, &c);
            int status = label ? make_experiment(p, &c, label, -1, &diag, &e) : RN_ENOMEM;
            if (status >= 0) {
                status = check_run(p, e, diag, label);
                experiment_free(e);
            }
            CHECKED(status);
        }
    }
    return diag_errors(s->diag) ? RN_EINVAL : RN_OK;
}
