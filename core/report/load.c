/* load.c - a report read back from its run folder: summary.json, status.json and texts. Whatever is
 * in the folder, the result is a report or an error. */
#define _XOPEN_SOURCE 700
#include "load.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "experiment/experiment.h"
#include "run_folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_BYTES (64u << 20)
#define LIST_MAX   100000
#define WHOLE_MAX  (1LL << 53)

/* ---- JSON ----------------------------------------------------------------- */

const char *load_path(struct loading *l, const char *name)
{
    return pool_printf(l->p, "%s/%s", l->dir, name);
}

static void bad(struct loading *l, const char *key, const char *expected)
{
    if (!l->status)
        l->status = FAIL(RN_EDATA,
                         "%s/summary.json: '%s': expected %s; the file is damaged, or of "
                         "another version of runner",
                         l->dir, key, expected);
}

const cJSON *load_part(struct loading *l, const cJSON *o, const char *key, int type)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    if (!v || cJSON_IsNull(v))
        return NULL;
    if ((v->type & 0xFF) == type)
        return v;
    bad(l, key, type == cJSON_Object ? "an object" : type == cJSON_Array ? "a list" : "a text");
    return NULL;
}

const char *load_text(struct loading *l, const cJSON *o, const char *key)
{
    const cJSON *v = load_part(l, o, key, cJSON_String);

    return v ? v->valuestring : NULL;
}

double load_real(struct loading *l, const cJSON *o, const char *key)
{
    static const char *const words[] = {"nan", "inf", "-inf"};
    const double values[] = {NAN, INFINITY, -INFINITY};
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    if (!v || cJSON_IsNumber(v))
        return v ? v->valuedouble : NAN;
    for (int i = 0; i < 3; i++)
        if (cJSON_IsString(v) && !strcmp(v->valuestring, words[i]))
            return values[i];
    bad(l, key, "a number");
    return NAN;
}

int64_t load_whole(struct loading *l, const cJSON *o, const char *key, int64_t high)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    if (!v)
        return 0;
    if (cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= (double)high)
        return (int64_t)v->valuedouble;
    bad(l, key, "a whole number that is not too large");
    return 0;
}

/* ---- what was there when it began ------------------------------------------ */

/* Room for as many as the list has. */
static void *room(struct loading *l, const cJSON *list, size_t size, int64_t *n)
{
    int64_t have = list ? cJSON_GetArraySize(list) : 0;
    void *out = pool_alloc(l->p, (size_t)(have > LIST_MAX ? 0 : have) * size + 1);

    *n = 0;
    if (have > LIST_MAX && !l->status)
        l->status =
            FAIL(RN_EDATA, "%s/summary.json: a list of more than %d entries", l->dir, LIST_MAX);
    if (!out && !l->status)
        l->status = RN_ENOMEM;
    return l->status ? NULL : out;
}

static const char **load_words(struct loading *l, const char *key, int64_t *n)
{
    const cJSON *list = load_part(l, l->summary, key, cJSON_Array), *v;
    const char **words = room(l, list, sizeof *words, n);

    if (words)
        cJSON_ArrayForEach(v, list) words[(*n)++] = cJSON_IsString(v) ? v->valuestring : "";
    return words;
}

/* The members of an object, all of them texts. */
static const struct rn_fact *load_facts(struct loading *l, const cJSON *object, int64_t *n)
{
    struct rn_fact *facts = room(l, object, sizeof *facts, n);
    const cJSON *v;

    if (facts)
        cJSON_ArrayForEach(v, object) facts[(*n)++] =
            (struct rn_fact){v->string, cJSON_IsString(v) ? v->valuestring : ""};
    return facts;
}

static const struct rn_layer_fact *load_layers(struct loading *l, const cJSON *model, int64_t *n)
{
    const cJSON *list = load_part(l, model, "layers", cJSON_Array), *v;
    struct rn_layer_fact *layers = room(l, list, sizeof *layers, n);

    if (layers)
        cJSON_ArrayForEach(v, list) layers[(*n)++] =
            (struct rn_layer_fact){.name = load_text(l, v, "name"),
                                   .type = load_text(l, v, "type"),
                                   .output = load_text(l, v, "output"),
                                   .params = load_whole(l, v, "parameters", WHOLE_MAX),
                                   .flops = load_real(l, v, "flops"),
                                   .bytes = load_real(l, v, "bytes"),
                                   .forward_us = load_real(l, v, "forward_us"),
                                   .backward_us = load_real(l, v, "backward_us"),
                                   .update_us = load_real(l, v, "update_us")};
    return layers;
}

/* "" when it is not there. */
static int read_text(struct loading *l, const char *name, const char **out)
{
    const char *path = load_path(l, name);
    uint64_t bytes = 0;
    void *data = NULL;

    *out = "";
    if (!path)
        return RN_ENOMEM;
    if (!file_exists(path))
        return RN_OK;
    TRY(file_read(path, TEXT_BYTES, &data, &bytes));
    *out = pool_strndup(l->p, data, bytes);
    mem_free(data);
    return *out ? RN_OK : RN_ENOMEM;
}

/* A document, or NULL when it is not there; to be deleted. */
static int read_json(struct loading *l, const char *name, cJSON **out)
{
    const char *text;

    *out = NULL;
    const char *path = load_path(l, name);
    if (!path)
        return RN_ENOMEM;
    if (!file_exists(path))
        return RN_OK;
    TRY(read_text(l, name, &text));
    error_clear();
    *out = json_parse(text);
    if (cJSON_IsObject(*out))
        return RN_OK;
    cJSON_Delete(*out);
    if (!*out && error_status() == RN_ENOMEM)
        return RN_ENOMEM;
    *out = NULL;
    return FAIL(RN_EDATA, "%s/%s: no JSON object; the file is damaged, restore it%s", l->dir, name,
                strcmp(name, "summary.json") ? " or remove it" : "");
}

/* More digits than a double has: of our own text, where a line begins with the key. */
static uint64_t load_seed(const char *text)
{
    static const char key[] = "\n  \"seed\": ";
    const char *at = strstr(text, key);

    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Reporters make names of folders of them. */
static void check_names(struct loading *l, const struct rn_report *v)
{
    if (v->name && *v->name && !experiment_name_fits(v->name))
        bad(l, "name", "a name as a configuration may have it");
    if (v->id && *v->id && !experiment_name_fits(v->id))
        bad(l, "id", "the name of a run folder, as 20260914-153012-7f3a2c");
}

static int check_config(struct loading *l)
{
    const char *path = load_path(l, "config.yaml");
    struct diag *d = path ? diag_new(l->p) : NULL;
    struct node *root = NULL;

    if (!d)
        return RN_ENOMEM;
    if (!file_exists(path))
        return RN_OK;
    int status = tree_read(l->p, path, d, &root);
    if (status == RN_ENOMEM)
        return status;
    if (status < 0 || !root || root->kind != NODE_MAP || !root->child || diag_errors(d))
        return FAIL(RN_EDATA, "%s: no configuration; the file is damaged, restore it", path);
    return RN_OK;
}

static int open_report(struct loading *l, const char *text, const cJSON *environment)
{
    const cJSON *s = l->summary, *samples = load_part(l, s, "samples", cJSON_Object),
                *training = load_part(l, s, "training", cJSON_Object),
                *model = load_part(l, s, "model", cJSON_Object);
    struct rn_report v = {.name = load_text(l, s, "name"),
                          .description = load_text(l, s, "description"),
                          .id = load_text(l, s, "id"),
                          .dir = l->dir,
                          .command = load_text(l, s, "command"),
                          .started = load_text(l, s, "started"),
                          .attempt = load_whole(l, s, "attempt", WHOLE_MAX),
                          .resumed_step = load_whole(l, s, "resumed_step", WHOLE_MAX),
                          .device = load_text(l, s, "device"),
                          .data = load_text(l, s, "data"),
                          .seed = load_seed(text),
                          .train_samples = load_whole(l, samples, "train", WHOLE_MAX),
                          .val_samples = load_whole(l, samples, "val", WHOLE_MAX),
                          .test_samples = load_whole(l, samples, "test", WHOLE_MAX),
                          .batch_size = load_whole(l, training, "batch_size", WHOLE_MAX),
                          .epochs_planned = load_whole(l, training, "epochs_planned", WHOLE_MAX),
                          .steps_per_epoch = load_whole(l, training, "steps_per_epoch", WHOLE_MAX),
                          .patience = load_whole(l, training, "patience", WHOLE_MAX),
                          .patience_monitor = load_text(l, training, "patience_monitor"),
                          .parameters = load_whole(l, model, "parameters", WHOLE_MAX),
                          .flops = load_real(l, model, "flops_per_sample"),
                          .classes = load_whole(l, s, "classes", LIST_MAX)};
    int64_t n_names;

    check_names(l, &v);
    v.class_names = load_words(l, "class_names", &n_names);
    if (n_names != v.classes)
        v.class_names = NULL;
    v.layers = load_layers(l, model, &v.n_layers);
    v.environment = load_facts(l, environment, &v.n_environment);
    v.changed = load_facts(l, load_part(l, s, "changed", cJSON_Object), &v.n_changed);
    TRY(check_config(l));
    TRY(read_text(l, "config.yaml", &v.config_yaml));
    TRY(read_text(l, "config.input.yaml", &v.config_input));
    return l->status ? l->status : report_open(&v, &l->r);
}

/* ---- what came at the end --------------------------------------------------- */

static int load_expectations(struct loading *l)
{
    const cJSON *list = load_part(l, l->summary, "expectations", cJSON_Array), *v;

    cJSON_ArrayForEach(v, list)
    {
        const char *metric = load_text(l, v, "metric");
        double min = load_real(l, v, "min"), max = load_real(l, v, "max");
        bool warns = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(v, "warns"));
        const char *where = load_text(l, v, "where");
        if (metric && !(isnan(min) && isnan(max))) /* before format 1 had bounds */
            TRY(report_expect(l->r, &(struct report_expect){metric, min, max, warns, where}));
    }
    return l->status;
}

static int load_previous(struct loading *l)
{
    const cJSON *o = load_part(l, l->summary, "previous", cJSON_Object), *v;
    const cJSON *list = load_part(l, o, "changes", cJSON_Array);
    const cJSON *interval = load_part(l, o, "accuracy_interval", cJSON_Array);
    int64_t n;
    struct rn_change *changes = room(l, list, sizeof *changes, &n);

    if (!o || !changes)
        return l->status;
    cJSON_ArrayForEach(v, list) changes[n++] = (struct rn_change){
        load_text(l, v, "key"), load_text(l, v, "before"), load_text(l, v, "now")};
    const cJSON *low = cJSON_GetArrayItem(interval, 0), *high = cJSON_GetArrayItem(interval, 1);
    return report_previous(
        l->r, &(struct rn_previous){.id = load_text(l, o, "id"),
                                    .started = load_text(l, o, "started"),
                                    .status = load_text(l, o, "status"),
                                    .accuracy = load_real(l, o, "accuracy"),
                                    .low = cJSON_IsNumber(low) ? low->valuedouble : NAN,
                                    .high = cJSON_IsNumber(high) ? high->valuedouble : NAN,
                                    .loss = load_real(l, o, "loss"),
                                    .changes = changes,
                                    .n_changes = n});
}

/* As they were written: the last of them is what the others leave of the whole. */
static void load_times(struct loading *l, const cJSON *times)
{
    static const char *const names[] = {"start", "train", "validation", "test", "files"};
    const cJSON *parts = load_part(l, times, "parts", cJSON_Object);
    int n = (int)(sizeof names / sizeof *names);

    for (int i = 0; i < n; i++) {
        if (!cJSON_GetObjectItemCaseSensitive(parts, names[i]))
            return;
        l->r->times[i] = (struct rn_time_fact){names[i], load_real(l, parts, names[i])};
    }
    l->r->view.times = l->r->times;
    l->r->view.n_times = n;
}

/* As the run told the end of its log. */
static const char *last_lines(const char *log)
{
    const char *at = log + strlen(log);

    for (int lines = 0; at > log; at--)
        if (at[-1] == '\n' && lines++ == LOG_KEPT)
            break;
    return at;
}

static int load_said(struct loading *l)
{
    const char *log;
    int64_t n;
    const char *const *warnings = load_words(l, "warnings", &n);

    TRY(l->status);
    TRY(read_text(l, "log.txt", &log));
    return report_said(l->r, warnings, n, last_lines(log));
}

/* What the run proposed: with its data and plugins at hand, which are not at hand here. */
static int load_advice(struct loading *l)
{
    const cJSON *list = load_part(l, l->summary, "findings", cJSON_Array), *v;

    cJSON_ArrayForEach(v, list)
    {
        const char *override = load_text(l, v, "override"), *text = load_text(l, v, "text");
        if (override && text)
            TRY(report_proposed(l->r, text, override));
    }
    return l->status;
}

/* status.json has the last word: a run that was killed had no time for summary.json. */
static int load_end(struct loading *l, const cJSON *now)
{
    const cJSON *times = load_part(l, l->summary, "times", cJSON_Object);
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(now, "status"));
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(now, "reason"));

    if (!word) {
        word = load_text(l, l->summary, "status");
        reason = load_text(l, l->summary, "reason");
    } else if (!strcmp(word, "running") && run_is_lost(now)) {
        word = "lost";
        reason = RUN_LOST;
    }
    load_times(l, times);
    double total = load_real(l, times, "total_s"), train = load_real(l, times, "train_s");
    double peak = load_real(l, l->summary, "peak_bytes");
    const cJSON *device = cJSON_GetObjectItemCaseSensitive(l->summary, "device_memory_bytes");
    if (cJSON_IsNumber(device))
        report_device_memory(l->r, device->valuedouble);
    TRY(l->status);
    TRY(load_advice(l));
    return report_finish(l->r, word, reason, total, train, peak);
}

static int load_all(struct loading *l, const char *text, const cJSON *environment, const cJSON *now)
{
    TRY(open_report(l, text, environment));
    TRY(load_epochs(l));
    TRY(load_steps(l));
    TRY(load_insides(l));
    TRY(load_test(l));
    TRY(report_read_first_layer(l->r));
    TRY(load_expectations(l));
    TRY(load_previous(l));
    TRY(load_said(l));
    TRY(load_end(l, now));
    return report_list_files(l->r);
}

static int load_again(struct loading *l)
{
    const cJSON *model = load_part(l, l->summary, "model", cJSON_Object);
    const struct rn_layer_fact *layers;
    int64_t n;

    TRY(load_epochs(l));
    TRY(load_insides(l));
    layers = load_layers(l, model, &n);
    TRY(l->status);
    for (int64_t i = 0; n == l->r->view.n_layers && i < n; i++)
        report_layer_time(l->r, i, layers[i].forward_us, layers[i].backward_us,
                          layers[i].update_us);
    return RN_OK;
}

int report_again(struct report *r, int64_t epoch)
{
    struct loading l = {
        .dir = r->view.dir, .p = pool_new(), .r = r, .running = true, .last_epoch = epoch};
    cJSON *summary = NULL;

    int status = l.p ? read_json(&l, "summary.json", &summary) : RN_ENOMEM;
    l.summary = summary;
    status = status ? status : load_again(&l);
    cJSON_Delete(summary);
    pool_free(l.p);
    return status;
}

static bool is_running(const cJSON *now)
{
    const char *word = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(now, "status"));

    return word && !strcmp(word, "running") && !run_is_lost(now);
}

static int load_once(const char *dir, struct report **out, bool *running)
{
    struct loading l = {.dir = dir, .p = pool_new(), .last_epoch = INT64_MAX};
    cJSON *summary = NULL, *environment = NULL, *now = NULL;
    const char *text = "";

    *out = NULL;
    *running = false;
    int status = l.p ? read_text(&l, "summary.json", &text) : RN_ENOMEM;
    status = status ? status : read_json(&l, "summary.json", &summary);
    status = status ? status : read_json(&l, "env.json", &environment);
    status = status ? status : read_json(&l, "status.json", &now);
    if (!status && !summary)
        status = FAIL(RN_EDATA, "%s/summary.json is not there: %s", dir,
                      now ? "the run ended before it was written" : "this is no run folder");
    l.summary = summary;
    *running = l.running = is_running(now);
    status = status ? status : load_all(&l, text, environment, now);
    cJSON_Delete(now);
    cJSON_Delete(environment);
    cJSON_Delete(summary);
    pool_free(l.p);
    if (status < 0) {
        report_close(l.r);
        return status;
    }
    *out = l.r;
    return RN_OK;
}

int report_load(const char *dir, struct report **out)
{
    const struct timespec while_it_writes = {.tv_nsec = 200000000};
    bool running;
    int status = load_once(dir, out, &running);

    if (status != RN_EDATA || !running)
        return status;
    nanosleep(&while_it_writes, NULL);
    status = load_once(dir, out, &running);
    return status == RN_EDATA && running
               ? error_prefix(status, "the run is still being written, try again when it is over")
               : status;
}
