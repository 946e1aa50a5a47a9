/* measure.c - runs the measurements of a benchmark, in turns so that a drift of the machine hits
 * all alike, and reads what each took. */
#define _XOPEN_SOURCE 700
#include "measure.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/stop.h"
#include "report/rows.h"
#include "sweep/run_state.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ARGS_MAX = 16, SUMMARY_BYTES = 64 << 20, LAYERS_MAX = 10000 };

/* ---- processes ------------------------------------------------------------ */

struct waiting {
    struct benching *x;
    struct child_end *end;
};

static int ended(void *ctx, int task, const struct child_end *end)
{
    struct waiting *w = ctx;

    (void)task;
    *w->end = *end;
    return 0;
}

/* The words of the program's own message, without its name. */
static const char *last_words(struct pool *p, const char *log)
{
    static const char name[] = "runner: ";
    const char *line = child_last_line(p, log);

    return line && !strncmp(line, name, sizeof name - 1) ? line + sizeof name - 1 : line;
}

static const char *why_ended(struct pool *p, const char *log, const struct child_end *end,
                             double time_s)
{
    if (end->too_slow)
        return pool_printf(p, "max_time, %g s, was over", time_s);
    if (stop_requested())
        return "it was stopped";
    if (!end->signal && !end->exit_code)
        return NULL;
    const char *line = last_words(p, log), *how = child_end_text(p, end);
    if (!line || !how)
        return NULL;
    return end->signal || !*line ? how : line;
}

int measure_child(struct benching *x, const char *id, const char *const *args, double time_s,
                  struct child_end *end, const char **why)
{
    struct pool *p = x->spec.pool;
    const char *all[ARGS_MAX + 2 * 64];
    int n = 0;

    *end = (struct child_end){0};
    *why = NULL;
    for (; args[n]; n++)
        all[n] = args[n];
    for (int i = 0; i < x->args->n_plugin_dirs && i < 64; i++) {
        all[n++] = "--plugin-dir";
        all[n++] = x->args->plugin_dirs[i];
    }
    all[n] = NULL;
    struct launch_task task = {
        .id = id, .log = pool_printf(p, "%s/logs/%s.log", x->b->dir, id), .args = all};
    struct waiting w = {x, end};
    const struct launch_limits limits = {.jobs = 1, .time_s = time_s};
    const struct launch_events events = {.ctx = &w, .ended = ended};
    if (!task.log)
        return RN_ENOMEM;
    int status = launch_local(&limits, &task, 1, &events);
    if (status < 0)
        return status;
    *why = why_ended(p, task.log, end, time_s);
    if (!*why && (end->signal || end->exit_code))
        return RN_ENOMEM;
    if (!*why)
        remove(task.log);
    return RN_OK;
}

/* ---- what one left -------------------------------------------------------- */

static int column_of(const struct rows *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->head[i], name))
            return i;
    return -1;
}

/* Behind the warm-up. */
static int read_epochs(struct benching *x, const char *dir, struct rn_bench_time *t)
{
    double *room = x->room + (t - x->b->times) * t->planned;
    char path[PATH_MAX];
    struct rows rows;

    snprintf(path, sizeof path, "%s/epochs.csv", dir);
    int status = rows_open(&rows, path, "epoch,step");
    int column = status >= 0 ? column_of(&rows, "train_s") : -1;
    while (status >= 0 && (status = rows_next(&rows)) > 0) {
        int64_t epoch = rows_whole(&rows, 0, 0, INT64_MAX / 2);
        double v = column >= 0 ? rows_real(&rows, column) : (double)NAN;
        if (epoch > x->spec.o.warmup && v > 0 && isfinite(v) && t->n < t->planned)
            room[t->n++] = v;
    }
    rows_close(&rows);
    t->epochs = room;
    return status;
}

static double number_at(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    return cJSON_IsNumber(v) ? v->valuedouble : (double)NAN;
}

/* The names of the first that is read; of others that have as many the times alone. */
static int read_layers(struct benching *x, const cJSON *list, struct rn_bench_time *t)
{
    struct rn_bench *b = &x->b->view;
    struct pool *p = x->spec.pool;
    int n = cJSON_GetArraySize(list), i = 0;
    struct rn_layer_fact *layers = NULL;
    const cJSON *o;

    if (!n || n > LAYERS_MAX || (b->n_layers && b->n_layers != n))
        return RN_OK;
    double *us = pool_alloc(p, (size_t)n * sizeof *us);
    if (!b->n_layers)
        layers = pool_alloc(p, (size_t)n * sizeof *layers);
    if (!us || (!b->n_layers && !layers))
        return RN_ENOMEM;
    cJSON_ArrayForEach(o, list)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(o, "name"));
        const char *type = cJSON_GetStringValue(cJSON_GetObjectItem(o, "type"));
        struct rn_layer_fact fact = {.forward_us = number_at(o, "forward_us"),
                                     .backward_us = number_at(o, "backward_us"),
                                     .update_us = number_at(o, "update_us")};
        us[i] = isfinite(fact.forward_us) ? rn_layer_us(&fact) : (double)NAN;
        if (layers) {
            layers[i].name = pool_strdup(p, name ? name : "");
            layers[i].type = pool_strdup(p, type ? type : "");
            if (!layers[i].name || !layers[i].type)
                return RN_ENOMEM;
        }
        i++;
    }
    if (layers) {
        b->layers = layers;
        b->n_layers = n;
    }
    t->layer_us = us;
    return RN_OK;
}

static int read_summary(struct benching *x, const char *dir, struct rn_bench_time *t)
{
    struct rn_bench_variant *v = &x->b->variants[t->variant];
    cJSON *o = json_read(dir, "summary.json", SUMMARY_BYTES);
    const char *device = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "device"));
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(o, "model");
    int status = RN_OK;

    if (device && !*v->device && !(v->device = pool_strdup(x->spec.pool, device)))
        status = RN_ENOMEM;
    t->host_bytes = fmax(t->host_bytes, number_at(o, "peak_bytes"));
    t->device_bytes = fmax(t->device_bytes, number_at(o, "device_memory_bytes"));
    if (!status && x->spec.o.per_layer)
        status = read_layers(x, cJSON_GetObjectItemCaseSensitive(model, "layers"), t);
    cJSON_Delete(o);
    return status;
}

/* Whether a variant was timed at all, with any size of batch. */
static bool was_timed(const struct benching *x, int64_t variant)
{
    bool any = false;

    for (int i = 0; i < x->plan.n_points; i++)
        any |= x->b->times[i].variant == variant && x->b->times[i].n > 0;
    return any;
}

/* n: epochs that it left. A device that can't be opened leaves no run behind; what failed later, or
 * worked before, is no such device. */
static int judge(struct benching *x, const char *dir, struct rn_bench_time *t, int64_t n,
                 const struct child_end *end, const char *why)
{
    struct run_state state;

    if (!why && n < x->spec.measure.epochs)
        why = "training ended by itself before that";
    TRY(run_state_read(x->spec.pool, dir, &state));
    if (!end->signal && end->exit_code == error_exit_code(RN_EDEVICE) &&
        !strcmp(state.status, "pending") && !was_timed(x, t->variant))
        x->b->variants[t->variant].unusable = why;
    t->why = why ? why : t->why;
    return RN_OK;
}

/* ---- measuring ------------------------------------------------------------ */

static int tell(struct benching *x, const struct rn_bench_time *t)
{
    int all = x->plan.n_points * (int)x->spec.measure.repeats;
    const char *line = pool_printf(x->spec.pool, "[%d/%d] %s, batches of %lld\n", ++x->done, all,
                                   x->spec.variants[t->variant].name, (long long)t->batch);

    if (!line)
        return RN_ENOMEM;
    screen_draw(&x->screen, line);
    return RN_OK;
}

static int measure(struct benching *x, struct rn_bench_time *t, int repeat)
{
    struct pool *p = x->spec.pool;
    const struct bench_point *point = &x->plan.points[t - x->b->times];
    const char *id = pool_printf(p, "%s-%d", point->id, repeat + 1);
    const char *plan = pool_printf(p, "%s/plan/%s.yaml", x->b->dir, point->id);
    const char *dir = pool_printf(p, "%s/runs/%s", x->b->dir, id), *why;
    struct child_end end;

    if (!id || !plan || !dir)
        return RN_ENOMEM;
    TRY(tell(x, t));
    const char *const args[] = {"run", plan, "--run-dir", dir, NULL};
    TRY(measure_child(x, id, args, x->spec.measure.max_time.value, &end, &why));
    int64_t before = t->n;
    int status = read_epochs(x, dir, t);
    status = status < 0 ? status : read_summary(x, dir, t);
    status = status < 0 ? status : judge(x, dir, t, t->n - before, &end, why);
    file_remove_tree(dir);
    return status;
}

/* Whether it is worth it: what failed once would again. */
static bool is_left(const struct benching *x, const struct rn_bench_time *t)
{
    return !stop_requested() && !x->b->variants[t->variant].unusable && (!t->why || t->n);
}

int measure_all(struct benching *x)
{
    for (int r = 0; r < x->spec.measure.repeats; r++)
        for (int i = 0; i < x->plan.n_points; i++)
            if (is_left(x, &x->b->times[i])) {
                TRY(measure(x, &x->b->times[i], r));
                TRY(bench_derive(x->b));
                TRY(bench_write(x->b));
            } else {
                x->done++;
            }
    screen_draw(&x->screen, "");
    return RN_OK;
}
