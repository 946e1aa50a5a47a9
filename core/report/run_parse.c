/* run_parse.c - the line of a run, as struct rn_run. It comes from a file that anybody may have
 * changed: what is no string or number where one belongs is taken for missing. */
#include "run_folder.h"

#include "base/error.h"
#include "base/json.h"
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *at(const cJSON *o, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

/* "" when there is none; *ok becomes false when out of memory. */
static const char *text_of(struct pool *p, const cJSON *v, bool *ok)
{
    const char *s = cJSON_GetStringValue(v), *copy = s ? pool_strdup(p, s) : "";

    *ok &= copy != NULL;
    return copy ? copy : "";
}

static const char *text_at(struct pool *p, const cJSON *o, const char *name, bool *ok)
{
    return text_of(p, at(o, name), ok);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct rn_metric *)a)->name, ((const struct rn_metric *)b)->name);
}

static int parse_metrics(struct pool *p, const cJSON *o, struct run_more *out)
{
    int n = cJSON_IsObject(o) ? cJSON_GetArraySize(o) : 0;
    struct rn_metric *m = pool_alloc(p, (size_t)n * sizeof *m + 1);
    bool ok = m != NULL;
    const cJSON *v, *all = n && ok ? o : NULL;

    cJSON_ArrayForEach(v, all)
    {
        const char *s = cJSON_GetStringValue(v);
        double value = cJSON_IsNumber(v)         ? v->valuedouble
                       : s && !strcmp(s, "inf")  ? INFINITY
                       : s && !strcmp(s, "-inf") ? -INFINITY
                                                 : NAN;
        m[out->n] = (struct rn_metric){v->string ? pool_strdup(p, v->string) : "", value};
        ok &= m[out->n++].name != NULL;
    }
    if (!ok)
        return RN_ENOMEM;
    if (out->n)
        qsort(m, (size_t)out->n, sizeof *m, by_name);
    out->metrics = m;
    return RN_OK;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct rn_fact *)a)->key, ((const struct rn_fact *)b)->key);
}

static int parse_config(struct pool *p, const cJSON *o, struct rn_run *out)
{
    int n = cJSON_IsObject(o) ? cJSON_GetArraySize(o) : 0;
    struct rn_fact *f = pool_alloc(p, (size_t)n * sizeof *f + 1);
    bool ok = f != NULL;
    const cJSON *v, *all = n && ok ? o : NULL;

    cJSON_ArrayForEach(v, all)
    {
        f[out->n_config].key = v->string ? pool_strdup(p, v->string) : "";
        f[out->n_config].value = text_of(p, v, &ok);
        ok &= f[out->n_config++].key != NULL;
    }
    if (!ok)
        return RN_ENOMEM;
    if (out->n_config)
        qsort(f, (size_t)out->n_config, sizeof *f, by_key);
    out->config = f;
    return RN_OK;
}

static int parse_lists(struct pool *p, const cJSON *o, struct rn_run *out)
{
    const cJSON *curve = at(o, "curve"), *tags = at(o, "tags"), *v;
    double *y = pool_alloc(p, (size_t)cJSON_GetArraySize(curve) * sizeof *y + 1);
    const char **words = pool_alloc(p, (size_t)cJSON_GetArraySize(tags) * sizeof *words + 1);
    bool ok = true;

    if (!y || !words)
        return RN_ENOMEM;
    cJSON_ArrayForEach(v, curve) { y[out->n_curve++] = cJSON_IsNumber(v) ? v->valuedouble : NAN; }
    cJSON_ArrayForEach(v, tags) { words[out->n_tags++] = text_of(p, v, &ok); }
    out->curve = y;
    out->tags = words;
    return ok ? RN_OK : RN_ENOMEM;
}

static double metric(const struct run_more *more, const char *name)
{
    struct rn_metric want = {name, 0};
    const struct rn_metric *m =
        more->n ? bsearch(&want, more->metrics, (size_t)more->n, sizeof want, by_name) : NULL;

    return m ? m->value : NAN;
}

double run_metric(const struct run_list *l, int64_t i, const char *name)
{
    return metric(&l->more[i], name);
}

static int64_t whole(const struct run_more *more, const char *name)
{
    double v = metric(more, name);

    return v > 0 && v < 9e15 ? (int64_t)v : 0;
}

static void fill_numbers(struct rn_run *r, const struct run_more *more)
{
    r->seconds = metric(more, "seconds");
    r->train_s = metric(more, "train_s");
    r->epochs = whole(more, "epochs");
    r->epochs_planned = whole(more, "epochs_planned");
    r->parameters = whole(more, "parameters");
    r->n_test = whole(more, "n_test");
    r->loss = metric(more, "test.loss");
    r->accuracy = metric(more, "test.accuracy");
    r->low = r->high = NAN;
    if (r->accuracy >= 0 && r->accuracy <= 1 && r->n_test)
        wilson_interval(llround(r->accuracy * (double)r->n_test), r->n_test, &r->low, &r->high);
    r->val_loss = metric(more, "best.val.loss");
    r->val_accuracy = metric(more, "best.val.accuracy");
}

static int parse(struct pool *p, const cJSON *o, struct run_parsed *out)
{
    struct rn_run *r = &out->run;
    bool ok = true;

    *out = (struct run_parsed){.key = text_at(p, o, "key", &ok),
                               .running = cJSON_IsTrue(at(o, "running")),
                               .microseconds = cJSON_GetNumberValue(at(o, "microseconds"))};
    *r = (struct rn_run){.dir = text_at(p, o, "dir", &ok),
                         .name = text_at(p, o, "name", &ok),
                         .status = text_at(p, o, "status", &ok),
                         .reason = text_at(p, o, "reason", &ok),
                         .started = text_at(p, o, "started", &ok),
                         .device = text_at(p, o, "device", &ok),
                         .data = text_at(p, o, "data", &ok),
                         .note = text_at(p, o, "description", &ok),
                         .differs = ""};
    const cJSON *expected = at(o, "expected");
    r->expected = cJSON_IsNumber(expected) && expected->valuedouble >= 1 ? 1 : 0;
    r->expected += r->expected && expected->valuedouble >= 2;
    const char *slash = strrchr(r->dir, '/');
    r->id = slash ? slash + 1 : r->dir;
    if (!*r->name)
        r->name = r->id;
    TRY(parse_metrics(p, at(o, "metrics"), &out->more));
    TRY(parse_config(p, at(o, "config"), r));
    TRY(parse_lists(p, o, r));
    fill_numbers(r, &out->more);
    return ok ? RN_OK : RN_ENOMEM;
}

int run_parse(struct pool *p, const char *line, struct run_parsed *out)
{
    error_clear();
    cJSON *o = json_parse(line);
    if (!o && error_status() == RN_ENOMEM)
        return RN_ENOMEM;
    const char *dir = cJSON_GetStringValue(at(o, "dir"));
    int status = dir && *dir ? parse(p, o, out) : FAIL(RN_EDATA, "no line of a run");

    cJSON_Delete(o);
    return status;
}
