/* run_state.c - reads status.json, summary.json and epochs.csv of a run folder, none of which has
 * to be there. */
#define _XOPEN_SOURCE 700
#include "run_state.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "report/rows.h"
#include "report/run_folder.h"
#include "run/folder.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STATUS_BYTES = 64 << 10, SUMMARY_BYTES = 16 << 20 };

static const char *text_at(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

    return s ? s : "";
}

static double number_at(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    return cJSON_IsNumber(v) ? v->valuedouble : (double)NAN;
}

/* Column "val_accuracy" of epochs.csv for "val.accuracy"; -1: there is none. */
static int column_of(const struct rows *t, const char *metric)
{
    char name[128];

    snprintf(name, sizeof name, "%s", metric);
    for (char *s = name; *s; s++)
        *s = *s == '.' ? '_' : *s;
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->head[i], name))
            return i;
    return -1;
}

/* Goes through the epochs; *best may be NULL. */
static int64_t read_epochs(const char *dir, const char *metric, bool more, int64_t most,
                           double *best)
{
    char path[PATH_MAX];
    int64_t n = 0;
    struct rows t;

    snprintf(path, sizeof path, "%s/epochs.csv", dir);
    int status = rows_open(&t, path, "epoch,step");
    int column = status >= 0 && metric ? column_of(&t, metric) : -1;
    while (status >= 0 && (status = rows_next(&t)) > 0) {
        int64_t epoch = rows_whole(&t, 0, 0, INT64_MAX / 2);
        double v = column >= 0 ? rows_real(&t, column) : (double)NAN;
        if (t.status < 0 || (most && epoch > most))
            break;
        n = epoch;
        if (best && !isnan(v) && (isnan(*best) || (more ? v > *best : v < *best)))
            *best = v;
    }
    rows_close(&t);
    error_clear();
    return n;
}

double run_best(const char *dir, const char *metric, bool more_is_better, int64_t epochs)
{
    double best = NAN;

    read_epochs(dir, metric, more_is_better, epochs, &best);
    return best;
}

int run_state_read(struct pool *p, const char *dir, struct run_state *out)
{
    cJSON *status = json_read(dir, "status.json", STATUS_BYTES);

    *out = (struct run_state){.status = "pending", .reason = "", .seconds = (double)NAN};
    if (!status)
        return RN_OK;
    double code = number_at(status, "exit_code"), attempt = number_at(status, "attempt");
    bool lost = !strcmp(text_at(status, "status"), "running") && run_is_lost(status);
    out->status = pool_strdup(p, lost ? "lost" : text_at(status, "status"));
    out->reason = pool_strdup(p, lost ? RUN_LOST : text_at(status, "reason"));
    out->exit_code = code >= 0 && code < 256 ? (int)code : 0;
    out->attempts = attempt >= 1 && attempt < 1e9 ? (int64_t)attempt : 1;
    cJSON_Delete(status);
    if (!out->status || !out->reason)
        return RN_ENOMEM;
    out->epochs = read_epochs(dir, NULL, false, 0, NULL);
    if (!strcmp(out->status, "finished")) {
        cJSON *summary = json_read(dir, "summary.json", SUMMARY_BYTES);
        out->seconds = number_at(cJSON_GetObjectItemCaseSensitive(summary, "times"), "total_s");
        cJSON_Delete(summary);
    }
    return RN_OK;
}

int run_set_failed(const char *dir, int exit_code, const char *reason)
{
    struct pool *p = pool_new();
    cJSON *before = json_read(dir, "status.json", STATUS_BYTES);
    const char *started = p ? pool_strdup(p, text_at(before, "started")) : NULL;
    double attempt = number_at(before, "attempt");
    struct folder f = {
        .dir = dir, .started = started, .attempt = attempt >= 1 ? (int64_t)attempt : 1};
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;

    cJSON_Delete(before);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    if (started && !*started)
        f.started = stamp;
    int status = started ? file_mkdirs(dir) : RN_ENOMEM;
    status = status < 0 ? status : folder_status(&f, "failed", exit_code, reason);
    pool_free(p);
    return status;
}
