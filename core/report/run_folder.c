/* run_folder.c - one run for a list of runs: the files of its folder as a line of JSON. Nothing in
 * a folder is trusted: all is bounded, and what cannot be read is left out. */
#define _XOPEN_SOURCE 700
#include "run_folder.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "config/flatten.h"

#include <runner/utf8.h>

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STATUS_BYTES = 64 << 10,
    SUMMARY_BYTES = 16 << 20,
    EPOCHS_BYTES = 16 << 20,
    TEXT_BYTES = 1000, /* of a text in the line */
    VALUES_MAX = 2000, /* of the configuration */
    CURVE_POINTS = 40
};

/* ---- files ---------------------------------------------------------------- */

static bool path_of(char out[PATH_MAX], const char *folder, const char *name)
{
    return snprintf(out, PATH_MAX, "%s/%s", folder, name) < PATH_MAX;
}

bool run_is_id(const char *s)
{
    const int stamp = 15, whole = 22; /* "20260914-153012", and "-7f3a2c" */

    for (int i = 0; i < whole; i++) {
        bool dash = i == 8 || i == stamp;
        if (dash ? s[i] != '-'
                 : !s[i] || !strchr(i < stamp ? "0123456789" : "0123456789abcdef", s[i]))
            return false;
    }
    return !s[whole];
}

void run_key(const char *folder, char key[RUN_KEY])
{
    static const char *const names[] = {"summary.json", "status.json", "config.yaml", "epochs.csv"};
    char path[PATH_MAX];
    int n = snprintf(key, RUN_KEY, "2"); /* the form of a line */

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st = {0};
        if (!path_of(path, folder, names[i]) || stat(path, &st))
            st = (struct stat){0};
        n += snprintf(key + n, (size_t)(RUN_KEY - n), " %lld.%09ld:%lld",
                      (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_size);
    }
}

/* NULL: missing, too large, or out of memory; the caller goes on without it. */
static char *content(const char *folder, const char *name, uint64_t most)
{
    char path[PATH_MAX];
    void *data = NULL;
    uint64_t n;

    if (!path_of(path, folder, name) || file_read(path, most, &data, &n) < 0)
        return NULL;
    return data;
}

/* ---- JSON to JSON --------------------------------------------------------- */

static const char *text_at(const cJSON *o, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));
}

/* NaN: no number, or not one that says something. */
static double number_of(const cJSON *v)
{
    const char *s = cJSON_GetStringValue(v);

    if (cJSON_IsNumber(v))
        return v->valuedouble;
    return s && !strcmp(s, "inf") ? INFINITY : s && !strcmp(s, "-inf") ? -INFINITY : NAN;
}

static void key(struct text *t, const char *name)
{
    char last = t->n ? t->s[t->n - 1] : '{';

    text_add(t, "%s", last == '{' || last == '[' ? "" : ",");
    json_string(t, name);
    text_put(t, ":", 1);
}

/* At most TEXT_BYTES of it. */
static void put_text(struct text *t, const char *name, const char *value)
{
    char cut[TEXT_BYTES + 1];
    size_t n = 0;

    for (int k; value && value[n] && n + RN_UTF8_MAX < sizeof cut; n += (size_t)k) {
        uint32_t c;
        k = rn_utf8_next(value + n, RN_UTF8_MAX, &c);
        k = k ? k : 1;
    }
    memcpy(cut, value ? value : "", n);
    cut[n] = '\0';
    key(t, name);
    json_string(t, cut);
}

static void put_number(struct text *t, const char *name, double v)
{
    if (isnan(v))
        return;
    key(t, name);
    json_number(t, v);
}

/* The numbers of an object as "before.key"; those of objects within as "before.key.key". */
static void put_metrics(struct text *t, const char *before, const cJSON *o, int depth)
{
    const cJSON *v;
    char name[160];

    cJSON_ArrayForEach(v, o)
    {
        bool within = cJSON_IsObject(v);
        if (!v->string || !strcmp(v->string, "n") || !strcmp(v->string, "step") ||
            snprintf(name, sizeof name, "%s%s%s", before, v->string, within ? "." : "") >=
                (int)sizeof name)
            continue;
        if (!within)
            put_number(t, name, number_of(v));
        else if (depth < 2)
            put_metrics(t, name, v, depth + 1);
    }
}

static const cJSON *at(const cJSON *o, const char *a, const char *b)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, a);

    return b ? cJSON_GetObjectItemCaseSensitive(v, b) : v;
}

/* As rn_run says it. */
static void put_expected(struct text *t, const cJSON *list)
{
    const cJSON *v;
    int expected = 0;

    cJSON_ArrayForEach(v, list)
    {
        bool holds = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(v, "holds"));
        holds |= cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(v, "warns"));
        expected = !holds ? 2 : expected ? expected : 1;
    }
    key(t, "expected");
    text_add(t, "%d", expected);
}

static void put_summary(struct text *t, const cJSON *s)
{
    const struct {
        const char *name, *a, *b;
    } numbers[] = {
        {"epochs", "training", "epochs"},       {"epochs_planned", "training", "epochs_planned"},
        {"flops", "model", "flops_per_sample"}, {"n_test", "samples", "test"},
        {"parameters", "model", "parameters"},  {"peak_bytes", "peak_bytes", NULL},
        {"seconds", "times", "total_s"},        {"train_s", "times", "train_s"}};

    key(t, "metrics");
    text_add(t, "{");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_number(t, numbers[i].name, number_of(at(s, numbers[i].a, numbers[i].b)));
    put_metrics(t, "test.", at(s, "test", NULL), 1);
    put_metrics(t, "best.", at(s, "best", NULL), 0);
    const cJSON *last = at(s, "final", NULL), *split;
    cJSON_ArrayForEach(split, last)
    {
        char before[32];
        if (cJSON_IsObject(split) && split->string && strlen(split->string) < 8) {
            snprintf(before, sizeof before, "%s.", split->string);
            put_metrics(t, before, split, 1);
        }
    }
    text_add(t, "}");
}

/* Within the second that it started in. */
static double microseconds_of(const cJSON *status)
{
    double us = number_of(cJSON_GetObjectItemCaseSensitive(status, "microseconds"));

    return us >= 0 && us < 1e6 ? us : 0;
}

void run_started(const char *folder, char out[RUN_STARTED])
{
    cJSON *status = json_read(folder, "status.json", STATUS_BYTES);
    const char *started = text_at(status, "started");

    snprintf(out, RUN_STARTED, "%.40s %06.0f", started ? started : "", microseconds_of(status));
    cJSON_Delete(status);
}

/* ---- status --------------------------------------------------------------- */

bool run_is_lost(const cJSON *status)
{
    const cJSON *pid = cJSON_GetObjectItemCaseSensitive(status, "pid");
    const char *host = text_at(status, "host");
    char here[256] = "";

    gethostname(here, sizeof here - 1);
    if (!cJSON_IsNumber(pid) || pid->valuedouble < 2 || pid->valuedouble > INT_MAX || !host ||
        strcmp(host, here) != 0)
        return false;
    if (kill((pid_t)pid->valuedouble, 0))
        return errno == ESRCH;
    double began = number_of(cJSON_GetObjectItemCaseSensitive(status, "pid_start"));
    double now = clock_process_start((long)pid->valuedouble);
    return began > 0 && now > 0 && (began < now || began > now); /* the number was given again */
}

static void put_status(struct text *t, const cJSON *status)
{
    const char *word = text_at(status, "status");
    bool running = word && !strcmp(word, "running"), lost = running && run_is_lost(status);

    put_text(t, "status", lost ? "lost" : word ? word : "unknown");
    put_text(t, "reason", lost ? RUN_LOST : text_at(status, "reason"));
    put_text(t, "started", text_at(status, "started"));
    put_number(t, "microseconds", microseconds_of(status));
    if (running) {
        key(t, "running");
        text_add(t, "true");
    }
}

/* ---- the curve ------------------------------------------------------------ */

/* The column of the CSV line that begins at s. -1: none. */
static int column_of(const char *s, const char *name)
{
    size_t n = strlen(name);

    for (int i = 0;; i++) {
        size_t word = strcspn(s, ",\n");
        if (word == n && !memcmp(s, name, n))
            return i;
        if (s[word] != ',')
            return -1;
        s += word + 1;
    }
}

/* Column i of every line after the first; returns how many values are finite. */
static int64_t read_column(const char *s, int column, double *out, int64_t room, int64_t *n)
{
    int64_t finite = 0;

    for (*n = 0, s = strchr(s, '\n'); s && s[1] && *n < room; s = strchr(s, '\n')) {
        s++;
        for (int i = 0; i < column && s[strcspn(s, ",\n")] == ','; i++)
            s += strcspn(s, ",\n") + 1;
        out[*n] = strtod(s, NULL);
        finite += isfinite(out[(*n)++]) != 0;
    }
    return finite;
}

static void put_curve(struct text *t, const char *epochs)
{
    static const char *const columns[] = {"val_loss", "train_loss"};
    int64_t room = 0, n = 0, finite = 0;

    for (const char *s = epochs; (s = strchr(s, '\n')); s++)
        room++;
    double *v = mem_array((size_t)room + 1, sizeof *v);
    for (int i = 0; v && i < 2 && !finite; i++) {
        int column = column_of(epochs, columns[i]);
        finite = column < 0 ? 0 : read_column(epochs, column, v, room, &n);
    }
    key(t, "curve");
    text_add(t, "[");
    int64_t points = !finite ? 0 : n < CURVE_POINTS ? n : CURVE_POINTS;
    for (int64_t i = 0; i < points; i++) {
        double y = v[points < 2 ? 0 : i * (n - 1) / (points - 1)];
        text_add(t, isfinite(y) ? "%s%.4g" : "%snull", i ? "," : "", y);
    }
    text_add(t, "]");
    mem_free(v);
}

/* ---- the configuration ---------------------------------------------------- */

static void put_tags(struct text *t, const struct node *root)
{
    const struct node *tags = tree_get(root, "tags");

    key(t, "tags");
    text_add(t, "[");
    for (const struct node *c = tags && tags->kind == NODE_LIST ? tags->child : NULL; c;
         c = c->next) {
        text_add(t, "%s", c == tags->child ? "" : ",");
        json_string(t, c->kind == NODE_SCALAR ? c->text : "");
    }
    text_add(t, "]");
}

static void put_config(struct text *t, const char *folder, bool named)
{
    struct pool *p = pool_new();
    struct diag *d = p ? diag_new(p) : NULL;
    struct node *root = NULL;
    char path[PATH_MAX];
    const struct rn_fact *facts = NULL;
    int64_t n = 0;

    if (d && path_of(path, folder, "config.yaml") && tree_read(p, path, d, &root) >= 0)
        tree_flatten(p, root, &facts, &n);
    const struct node *name = tree_get(root, "name");
    if (!named && name && name->kind == NODE_SCALAR)
        put_text(t, "name", name->text);
    put_tags(t, root);
    key(t, "config");
    text_add(t, "{");
    for (int64_t i = 0; i < n && i < VALUES_MAX; i++)
        put_text(t, facts[i].key, facts[i].value);
    text_add(t, "}");
    pool_free(p);
}

int run_line(const char *folder, const char *dir, const char *run, struct text *line)
{
    cJSON *status = json_read(folder, "status.json", STATUS_BYTES);

    if (!cJSON_IsObject(status)) {
        cJSON_Delete(status);
        return FAIL(RN_EDATA, "%s holds no run: its status.json cannot be read", folder);
    }
    cJSON *summary = json_read(folder, "summary.json", SUMMARY_BYTES);
    static const char *const texts[] = {"name", "device", "data", "description"};
    text_add(line, "{\"dir\":");
    json_string(line, dir);
    put_text(line, "key", run);
    put_status(line, status);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (text_at(summary, texts[i]))
            put_text(line, texts[i], text_at(summary, texts[i]));
    put_summary(line, summary);
    put_expected(line, at(summary, "expectations", NULL));
    char *epochs = content(folder, "epochs.csv", EPOCHS_BYTES);
    put_curve(line, epochs ? epochs : "");
    mem_free(epochs);
    put_config(line, folder, text_at(summary, "name") != NULL);
    text_add(line, "}");
    cJSON_Delete(summary);
    cJSON_Delete(status);
    return line->status;
}
