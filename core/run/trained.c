/* trained.c - a model is made again from config.yaml, data.json and weights/ of a run folder. */
#include "trained.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "config/diag.h"
#include "train/checkpoint.h"

#include <math.h>
#include <string.h>

/* ---- what its samples were like ----------------------------------------------------------------
 */

static int64_t whole(const cJSON *root, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(root, key);

    return cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= INT32_MAX / 2
               ? (int64_t)v->valuedouble
               : -1;
}

static bool read_shape(const cJSON *root, struct rn_shape *s)
{
    const cJSON *dims = cJSON_GetObjectItemCaseSensitive(root, "shape"), *d;
    int64_t channels = whole(root, "channels");

    if (!cJSON_IsArray(dims) || channels < 0 || cJSON_GetArraySize(dims) > RN_MAX_RANK)
        return false;
    *s = (struct rn_shape){.channels = (int32_t)channels};
    cJSON_ArrayForEach(d, dims)
    {
        s->dim[s->rank++] = cJSON_IsNumber(d) && d->valuedouble >= 1 && d->valuedouble < INT32_MAX
                                ? (int64_t)d->valuedouble
                                : 0;
    }
    return true;
}

static int read_names(struct trained *t, const cJSON *root)
{
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(root, "class_names"), *one;
    const char **list = pool_alloc(t->pool, (size_t)(t->info.classes + 1) * sizeof *list);
    int64_t n = 0;

    if (!list)
        return RN_ENOMEM;
    cJSON_ArrayForEach(one, names)
    {
        const char *name = cJSON_GetStringValue(one);
        if (n < t->info.classes && !(list[n++] = pool_strdup(t->pool, name ? name : "")))
            return RN_ENOMEM;
    }
    for (; n < t->info.classes; n++)
        if (!(list[n] = pool_printf(t->pool, "%lld", (long long)n)))
            return RN_ENOMEM;
    t->class_names = list;
    return RN_OK;
}

/* *known: it is all there. */
static int read_info(struct trained *t, bool *known)
{
    cJSON *root = json_read(t->run.dir, "data.json", 1 << 24);
    const char *values = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "values"));
    struct rn_dataset_info *i = &t->info;

    *i = (struct rn_dataset_info){.size = sizeof *i};
    i->classes = whole(root, "classes");
    i->target_width = whole(root, "target_width");
    const cJSON *mean = cJSON_GetObjectItemCaseSensitive(root, "mean");
    t->brightness = cJSON_IsNumber(mean) ? mean->valuedouble : NAN;
    i->dtype = values && !strcmp(values, "bytes") ? RN_U8 : RN_F32;
    *known =
        root && values && i->classes >= 0 && i->target_width >= 1 && read_shape(root, &i->input);
    int status = *known ? model_check_shape(&i->input) : RN_OK;
    if (status < 0)
        status = FAIL(RN_EDATA, "%s/data.json has a shape that can't be", t->run.dir);
    else if (*known)
        status = read_names(t, root);
    cJSON_Delete(root);
    return status;
}

/* Runs of older runners: the data set has to be there. */
static int ask_data(struct trained *t)
{
    struct session *s = &t->session;

    s->data_open = true;
    TRY(data_open(s->experiment->pool, s->experiment, &s->data));
    t->info = s->data.info;
    t->class_names = s->data.class_names;
    return RN_OK;
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static int plan(const struct trained_args *args, struct trained *t)
{
    bool known;

    TRY(run_find(t->pool, args->root, args->word, &t->run));
    const char *file = pool_printf(t->pool, "%s/config.yaml", t->run.dir);
    if (!file)
        return RN_ENOMEM;
    TRY(session_load(&t->session, file, args->overrides, args->n_overrides, args->plugin_dirs,
                     args->n_plugin_dirs));
    TRY(read_info(t, &known));
    TRY(known ? RN_OK : ask_data(t));
    struct experiment *e = t->session.experiment;
    return model_plan(e->pool, e, &t->info, t->session.diag, &t->session.model);
}

int trained_plan(const struct trained_args *args, struct trained *t)
{
    *t = (struct trained){.pool = pool_new()};
    return t->pool ? plan(args, t) : RN_ENOMEM;
}

static int find_weights(struct pool *p, const struct run_name *run, const char *wanted,
                        const char **out)
{
    bool named = !wanted || !strcmp(wanted, "best") || !strcmp(wanted, "last");

    *out = named ? pool_printf(p, "%s/weights/%s.safetensors", run->dir, wanted ? wanted : "last")
                 : wanted;
    if (!*out)
        return RN_ENOMEM;
    return file_exists(*out)
               ? RN_OK
               : FAIL(RN_EDATA,
                      "%s is not there: the run did not come so far, or kept other weights "
                      "(--weights best, or a file)",
                      *out);
}

int trained_files(struct pool *p, const struct trained_args *args, const char **name,
                  const char **config, const char **weights)
{
    struct run_name run;

    TRY(run_find(p, args->root, args->word, &run));
    *name = run.name;
    *config = pool_printf(p, "%s/config.yaml", run.dir);
    return *config ? find_weights(p, &run, args->weights, weights) : RN_ENOMEM;
}

int trained_open(const struct trained_args *args, struct trained *t)
{
    bool verified;

    TRY(trained_plan(args, t));
    TRY(find_weights(t->pool, &t->run, args->weights, &t->weights));
    TRY(session_open_device(&t->session));
    TRY(model_open(t->session.model, t->session.device));
    TRY(checkpoint_read(t->session.model, t->weights, &verified));
    return verified || t->weights == args->weights
               ? RN_OK
               : FAIL(RN_EDATA,
                      "%s has no checksum, so it is not what the run wrote; with --weights FILE it "
                      "is taken as it is",
                      t->weights);
}

int trained_told(const struct trained *t, int status)
{
    struct text why = {0};

    if (status >= 0 || !t->session.diag || !diag_errors(t->session.diag))
        return status;
    diag_text(t->session.diag, false, &why);
    status = FAIL(status, "%s can't be used:\n%s", t->run.dir, text_str(&why));
    text_free(&why);
    return status;
}

void trained_close(struct trained *t)
{
    session_close(&t->session);
    pool_free(t->pool);
    *t = (struct trained){0};
}
