/* manifest.c - what is known about a run before it starts: for the report and the run folder. */
#include "manifest.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "config/flatten.h"
#include "env.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static const char *data_line(struct pool *p, const struct session *s)
{
    const struct data *d = &s->data;

    return pool_printf(p, "%s: %lld train \xC2\xB7 %lld val \xC2\xB7 %lld test%s%s",
                       d->part->plugin->name, (long long)d->n_train, (long long)d->n_val,
                       (long long)d->n_test, d->streamed_note ? " \xC2\xB7 " : "",
                       d->streamed_note ? d->streamed_note : "");
}

static const char *device_line(struct pool *p, const struct session *s)
{
    struct rn_device_info info = {.size = sizeof info};

    if (s->device->ops->info(s->device, &info) < 0)
        return NULL;
    const char *why = s->device_note ? pool_printf(p, "; trained on the %s since %s",
                                                   s->device_plugin->name, s->device_note)
                                     : "";
    const char *threads =
        info.threads ? pool_printf(p, ", %u thread%s", info.threads, info.threads == 1 ? "" : "s")
                     : "";
    return why && threads ? pool_printf(p, "%s: %s%s, %s%s", s->device_plugin->name, info.name,
                                        threads, info.detail, why)
                          : NULL;
}

static struct rn_layer_fact *layer_facts(struct pool *p, const struct model *m)
{
    struct rn_layer_fact *facts = pool_alloc(p, (size_t)(m->n_layers + 1) * sizeof *facts);
    char shape[SHAPE_TEXT];

    for (int i = 0; facts && i < m->n_layers; i++) {
        const struct model_layer *l = &m->layers[i];
        facts[i] = (struct rn_layer_fact){
            .name = l->name,
            .type = l->part->plugin->name,
            .output = pool_strdup(p, shape_text(&l->out, shape)),
            .flops = l->flops,
            .bytes = (double)rn_count(&l->out) * sizeof(rn_real),
            .forward_us = NAN,
            .backward_us = NAN,
            .update_us = NAN,
        };
        for (int k = 0; k < l->n_params; k++)
            facts[i].params += rn_count(&m->params[l->first_param + k].shape);
        if (!facts[i].output)
            return NULL;
    }
    return facts;
}

/* Of the first callback that waits for a metric to get better. */
static void fill_patience(const struct experiment *e, struct rn_report *r)
{
    for (int i = 0; i < e->n_callbacks && !r->patience; i++) {
        const struct part *p = &e->callbacks[i];
        const int64_t *patience = part_option(p, "patience", RN_OPT_INT);
        if (!patience || !part_monitor(p))
            continue;
        r->patience = *patience;
        r->patience_monitor = part_monitor(p);
    }
}

int manifest_fill(struct session *s, struct rn_report *r)
{
    const struct experiment *e = s->experiment;
    struct pool *p = e->pool;
    int n = 0;

    r->name = e->name;
    r->description = e->description ? e->description : "";
    r->config_yaml = e->config_yaml;
    r->config_input = e->config_input;
    r->seed = e->seed;
    r->train_samples = s->data.n_train;
    r->val_samples = s->data.n_val;
    r->test_samples = s->data.n_test;
    r->batch_size = e->train.batch_size;
    r->epochs_planned = e->train.epochs;
    r->parameters = s->model->parameters;
    r->flops = s->model->flops;
    r->class_names = s->data.class_names;
    r->classes = s->data.info.classes;
    r->device = device_line(p, s);
    r->data = data_line(p, s);
    r->layers = layer_facts(p, s->model);
    r->n_layers = s->model->n_layers;
    TRY(env_facts(p, &r->environment, &n));
    r->n_environment = n;
    fill_patience(e, r);
    TRY(tree_flatten_changed(p, e->root, &r->changed, &r->n_changed));
    return r->device && r->data && r->layers ? RN_OK : RN_ENOMEM;
}

/* ---- files ------------------------------------------------------------------------------ */

static int write_json(const struct folder *f, const char *name, cJSON *root)
{
    char *text = cJSON_Print(root);

    cJSON_Delete(root);
    if (!text)
        return FAIL(RN_ENOMEM, "out of memory for %s", name);
    int status = folder_write(f, name, text, strlen(text));
    cJSON_free(text);
    return status;
}

static int write_environment(struct session *s, const struct folder *f)
{
    const struct rn_fact *facts;
    int n;
    cJSON *root = cJSON_CreateObject();

    int status = env_facts(s->experiment->pool, &facts, &n);
    for (int i = 0; !status && i < n; i++)
        cJSON_AddStringToObject(root, facts[i].key, facts[i].value);
    if (status) {
        cJSON_Delete(root);
        return status;
    }
    return write_json(f, "env.json", root);
}

/* Files may have moved: what counts is what is in them. */
static int expect_same_data(const struct folder *f, const cJSON *now)
{
    static const char *const keys[] = {"fingerprint", "train", "val", "test"};
    cJSON *before = json_read(f->dir, "data.json", 1 << 20);
    bool same = true;

    for (size_t i = 0; before && i < sizeof keys / sizeof *keys; i++)
        same &= cJSON_Compare(cJSON_GetObjectItem(before, keys[i]),
                              cJSON_GetObjectItem(now, keys[i]), true);
    cJSON_Delete(before);
    return same
               ? RN_OK
               : FAIL(RN_EDATA,
                      "%s can't go on: its data are not those of %s/data.json any more; bring them "
                      "back, or start a run of its own",
                      f->dir, f->dir);
}

/* All that a model has to know of its samples: trained.c reads it. */
static void add_input(cJSON *root, const struct rn_dataset_info *info)
{
    cJSON *shape = cJSON_AddArrayToObject(root, "shape");

    for (int i = 0; i < info->input.rank; i++)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)info->input.dim[i]));
    cJSON_AddNumberToObject(root, "channels", (double)info->input.channels);
    cJSON_AddStringToObject(root, "values", info->dtype == RN_U8 ? "bytes" : "floats");
    cJSON_AddNumberToObject(root, "target_width", (double)info->target_width);
}

/* Of bytes as shares of white: what tells light on dark from dark on light. The first samples do.
 */
static void add_mean(cJSON *root, const struct data *d)
{
    const struct data_split *s = &d->split[RN_TRAIN];
    const uint8_t *x = s->host_input;
    int64_t n = (s->n < 1000 ? s->n : 1000) * rn_count(&d->info.input), sum = 0;

    if (d->info.dtype != RN_U8 || !x)
        return;
    for (int64_t i = 0; i < n; i++)
        sum += x[i];
    cJSON_AddNumberToObject(root, "mean", (double)sum / 255 / (double)n);
}

static int write_data(const struct session *s, const struct folder *f, bool same)
{
    static const char *const words[] = {"train", "test"};
    const struct data *d = &s->data;
    char hash[HASH_TEXT], shape[SHAPE_TEXT];
    cJSON *root = cJSON_CreateObject(), *files = cJSON_AddObjectToObject(root, "fingerprint");

    cJSON_AddStringToObject(root, "type", d->part->plugin->name);
    cJSON_AddStringToObject(root, "source", d->info.source);
    cJSON_AddStringToObject(root, "input", shape_text(&d->info.input, shape));
    add_input(root, &d->info);
    add_mean(root, d);
    cJSON_AddNumberToObject(root, "classes", (double)d->info.classes);
    cJSON *names = cJSON_AddArrayToObject(root, "class_names");
    for (int64_t i = 0; i < d->info.classes; i++)
        cJSON_AddItemToArray(names, cJSON_CreateString(d->class_names[i]));
    cJSON_AddNumberToObject(root, "train", (double)d->n_train);
    cJSON_AddNumberToObject(root, "val", (double)d->n_val);
    cJSON_AddNumberToObject(root, "test", (double)d->n_test);
    cJSON_AddNumberToObject(root, "split_seed", (double)s->experiment->split.seed);
    for (int i = 0; i < RN_SPLITS; i++)
        if (d->info.count[i] && data_fingerprint(d, i, hash) >= 0)
            cJSON_AddStringToObject(files, words[i], hash);
    int status = same ? expect_same_data(f, root) : RN_OK;
    if (status < 0) {
        cJSON_Delete(root);
        return status;
    }
    return write_json(f, "data.json", root);
}

static int add_plugin(cJSON *list, const struct plugin *p)
{
    char hash[HASH_TEXT];
    cJSON *have, *one;

    cJSON_ArrayForEach(have, list)
    {
        const char *path = cJSON_GetStringValue(cJSON_GetObjectItem(have, "path"));
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(have, "name"));
        if (path && name && !strcmp(path, p->path) && !strcmp(name, p->name))
            return RN_OK;
    }
    one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "kind", kind_name(p->kind));
    cJSON_AddStringToObject(one, "name", p->name);
    cJSON_AddStringToObject(one, "version", p->version);
    cJSON_AddStringToObject(one, "path", p->path);
    cJSON_AddItemToArray(list, one);
    TRY(hash_file(p->path, hash));
    cJSON_AddStringToObject(one, "sha256", hash + strlen("sha256:"));
    return RN_OK;
}

static int add_plugins(cJSON *list, const struct session *s)
{
    const struct experiment *e = s->experiment;

    TRY(add_plugin(list, s->device_plugin));
    TRY(add_plugin(list, e->data.plugin));
    TRY(add_plugin(list, e->loss.plugin));
    TRY(add_plugin(list, e->optimizer.plugin));
    for (int i = 0; i < s->model->n_layers; i++)
        TRY(add_plugin(list, s->model->layers[i].part->plugin));
    if (e->scheduler.plugin)
        TRY(add_plugin(list, e->scheduler.plugin));
    for (int i = 0; i < e->n_augments; i++)
        TRY(add_plugin(list, e->augments[i].plugin));
    for (int i = 0; i < e->n_callbacks; i++)
        TRY(add_plugin(list, e->callbacks[i].plugin));
    for (int i = 0; i < e->n_reporters; i++)
        TRY(add_plugin(list, e->reporters[i].plugin));
    return RN_OK;
}

static int write_plugins(const struct session *s, const struct folder *f)
{
    cJSON *list = cJSON_CreateArray();
    int status = list ? add_plugins(list, s) : RN_ENOMEM;

    if (!status)
        return write_json(f, "plugins.json", list);
    cJSON_Delete(list);
    return status;
}

int manifest_write(struct session *s, const struct folder *f, bool same)
{
    TRY(write_data(s, f, same));
    TRY(write_environment(s, f));
    return write_plugins(s, f);
}
