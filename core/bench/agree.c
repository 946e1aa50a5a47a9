/* agree.c - whether the devices compute the same: a process for each that does the same steps on it
 * and on the reference's device, and what it says as JSON. */
#include "run/agree.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/stop.h"
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { AGREED_BYTES = 16 << 20, AGREED_LAYERS_MAX = 20000 };

/* ---- the process ---------------------------------------------------------- */

/* Of a layer: what it gives, and the gradients that it makes. */
static double output_of(const struct agree_layer *l, enum agree_moment at)
{
    return l->at[at][AGREE_OUT].values ? l->at[at][AGREE_OUT].relative : (double)NAN;
}

static double gradient_of(const struct agree_layer *l, enum agree_moment at)
{
    const struct agree_figure *in = &l->at[at][AGREE_DINPUT], *param = &l->at[at][AGREE_DPARAM];

    return fmax(in->values ? in->relative : (double)NAN,
                param->values ? param->relative : (double)NAN);
}

/* In the order of a step. What an update makes of a gradient is not asked: a tiny one may have
 * either sign, and some updates go by that alone. */
static void put_beyond(struct text *t, const struct agree *a, double rel)
{
    char what[256];

    json_key(t, "beyond");
    for (int i = 0; i < 2 * a->n_layers; i++) {
        bool back = i >= a->n_layers;
        const struct agree_layer *l = &a->layers[back ? 2 * a->n_layers - 1 - i : i];
        double v = back ? gradient_of(l, AGREE_FIRST) : output_of(l, AGREE_FIRST);
        if (isnan(v) || v <= rel)
            continue;
        snprintf(what, sizeof what, "%s of %s", back ? "gradient" : "output", l->name);
        json_string(t, what);
        return;
    }
    json_string(t, NULL);
}

static void put_layer(struct text *t, const struct agree_layer *l)
{
    text_add(t, "{");
    json_text(t, "name", l->name);
    json_text(t, "type", l->type);
    json_real(t, "output", output_of(l, AGREE_FIRST));
    json_real(t, "gradient", gradient_of(l, AGREE_FIRST));
    json_real(t, "output_last", output_of(l, AGREE_LAST));
    json_real(t, "gradient_last", gradient_of(l, AGREE_LAST));
    text_add(t, "}");
}

int bench_agree(const struct agree_args *args, struct text *json)
{
    struct agree_plan plan = {.file = args->file,
                              .plugin_dirs = args->plugin_dirs,
                              .n_plugin_dirs = args->n_plugin_dirs,
                              .device = {args->device, NULL},
                              .steps = args->steps};
    struct agree *a = NULL;

    TRY(agree_run(&plan, &a));
    text_add(json, "{");
    json_text(json, "device", a->device[0]);
    json_text(json, "reference", a->device[1]);
    json_whole(json, "steps", a->steps);
    json_real(json, "rel", args->rel);
    json_real(json, "loss_gap", a->loss_gap);
    put_beyond(json, a, args->rel);
    json_key(json, "layers");
    text_add(json, "[");
    for (int i = 0; i < a->n_layers; i++) {
        text_add(json, "%s\n  ", i ? "," : "");
        put_layer(json, &a->layers[i]);
    }
    text_add(json, "]}\n");
    agree_free(a);
    return json->status;
}

/* ---- what it said --------------------------------------------------------- */

static double real_at(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);
    const char *s = cJSON_GetStringValue(v);

    return cJSON_IsNumber(v) ? v->valuedouble : s && !strcmp(s, "inf") ? INFINITY : (double)NAN;
}

/* NULL where it is none; *ok becomes false when out of memory. */
static const char *text_at(struct pool *p, const cJSON *o, const char *key, bool *ok)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
    const char *copy = s ? pool_strdup(p, s) : NULL;

    *ok &= !s || copy;
    return copy;
}

static int read_agreed(struct pool *p, const cJSON *o, struct rn_agreement *a)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "layers"), *v;
    int n = cJSON_GetArraySize(list);
    struct rn_agreed *layers = pool_alloc(p, (size_t)n * sizeof *layers + 1);
    bool ok = layers != NULL;

    if (!ok)
        return RN_ENOMEM;
    cJSON_ArrayForEach(v, list)
    {
        const char *name = text_at(p, v, "name", &ok), *type = text_at(p, v, "type", &ok);
        layers[a->n_layers++] =
            (struct rn_agreed){.name = name ? name : "",
                               .type = type ? type : "",
                               .output = {real_at(v, "output"), real_at(v, "output_last")},
                               .gradient = {real_at(v, "gradient"), real_at(v, "gradient_last")}};
    }
    a->layers = layers;
    a->beyond = text_at(p, o, "beyond", &ok);
    a->loss_gap = real_at(o, "loss_gap");
    return ok ? RN_OK : RN_ENOMEM;
}

static int compare(struct benching *x, int variant, struct rn_agreement *a)
{
    struct pool *p = x->spec.pool;
    const char *id = pool_printf(p, "%s-agree", x->spec.variants[variant].name);
    const char *plan =
        pool_printf(p, "%s/plan/%s.yaml", x->b->dir, x->plan.points[x->spec.reference].id);
    const char *dir = pool_printf(p, "%s/runs", x->b->dir);
    const char *file = pool_printf(p, "%s/%s.json", dir, id);
    const char *steps = pool_printf(p, "%lld", (long long)x->spec.verify.steps);
    const char *rel = pool_printf(p, "%.17g", x->spec.verify.rel);
    struct child_end end;

    *a = (struct rn_agreement){
        .variant = variant, .steps = x->spec.verify.steps, .rel = x->spec.verify.rel};
    if (!id || !plan || !dir || !file || !steps || !rel)
        return RN_ENOMEM;
    const char *const args[] = {"bench",   plan,  "--agree", x->plan.device[variant],
                                "--steps", steps, "--rel",   rel,
                                "--out",   file,  NULL};
    TRY(measure_child(x, id, args, 0, &end, &a->why));
    if (a->why)
        return RN_OK;
    const char *name = strrchr(file, '/') + 1;
    cJSON *o = json_read(dir, name, AGREED_BYTES);
    int status = cJSON_IsObject(o) ? read_agreed(p, o, a) : RN_OK;
    if (!cJSON_IsObject(o))
        a->why = "the process left nothing to read";
    cJSON_Delete(o);
    remove(file);
    return status;
}

static bool is_compared(const struct benching *x, int v)
{
    int r = x->spec.reference;

    return v != r && !x->b->variants[v].unusable && !x->b->variants[r].unusable &&
           strcmp(x->plan.device[v], x->plan.device[r]) != 0;
}

int agree_all(struct benching *x)
{
    struct rn_agreement *all = pool_alloc(x->spec.pool, (size_t)x->spec.n_variants * sizeof *all);
    const char *line;

    if (!all)
        return RN_ENOMEM;
    x->b->agreements = all;
    for (int v = 0; v < x->spec.n_variants && x->spec.verify.steps && !stop_requested(); v++) {
        if (!is_compared(x, v))
            continue;
        if (!(line = pool_printf(x->spec.pool, "%s: whether it computes the same\n",
                                 x->spec.variants[v].name)))
            return RN_ENOMEM;
        screen_draw(&x->screen, line);
        TRY(compare(x, v, &all[x->b->view.n_agreements]));
        x->b->view.n_agreements++;
    }
    screen_draw(&x->screen, "");
    return RN_OK;
}
