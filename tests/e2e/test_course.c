/* test_course.c - what happens on the way from the first epoch to the last, as it is seen from
 * outside: callbacks, schedules, augmentation, accumulation, metrics, and that all of it gives the
 * same bits however it is run. */
#define _DEFAULT_SOURCE
#include "base/clock.h"
#include "base/file.h"
#include "program.h"
#include "train/safetensors.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* tiny.yaml with more sections, under a name of its own. */
#define CONFIG(name, extra) write_config(name ".yaml", extra)

static cJSON *member(const cJSON *o, const char *path)
{
    char key[64];

    for (size_t n; *path; path += n + (path[n] == '.')) {
        n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        o = cJSON_GetObjectItem(o, key);
    }
    return (cJSON *)(uintptr_t)o;
}

/* The number at path, as "test.loss", of a run's summary. NaN: there is none. */
static double summed(const char *name, const char *path)
{
    cJSON *root = read_json(run_folder(name), "summary.json"), *o = member(root, path);
    double v = cJSON_IsNumber(o) ? o->valuedouble : NAN;

    cJSON_Delete(root);
    return v;
}

static void expect_reason(const char *name, const char *part)
{
    static const char *const files[] = {"status.json", "summary.json"};

    for (int i = 0; i < 2; i++) {
        cJSON *root = read_json(run_folder(name), files[i]);
        EXPECT_TEXT(cJSON_GetStringValue(member(root, "reason")), part);
        cJSON_Delete(root);
    }
}

static void load(const char *name, const char *file, struct safetensors *st)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s.safetensors", run_folder(name), file);
    ck_assert_msg(safetensors_read(in_dir(path), st) == RN_OK, "%s cannot be read", path);
    ck_assert(st->verified);
    ck_assert_int_eq(st->not_finite, 0);
}

static size_t count(const struct st_tensor *t)
{
    size_t n = 1;

    for (int i = 0; i < t->rank; i++)
        n *= (size_t)t->dim[i];
    return n;
}

static const struct st_tensor *tensor(const struct safetensors *st, const char *name)
{
    for (int i = 0; i < st->n; i++)
        if (!strcmp(st->tensors[i].name, name))
            return &st->tensors[i];
    ck_abort_msg("no tensor %s", name);
    return NULL;
}

/* What every state has: without what callbacks keep, and the epoch so far. */
static bool is_common(const struct st_tensor *t)
{
    return strncmp(t->name, "kept.", 5) != 0 && strncmp(t->name, "history/", 8) != 0;
}

static int n_common(const struct safetensors *st)
{
    int n = 0;

    for (int i = 0; i < st->n; i++)
        n += is_common(&st->tensors[i]);
    return n;
}

/* Whether the weights of two runs have the same bits. */
static bool same(const char *a, const char *file_a, const char *b, const char *file_b)
{
    struct safetensors x, y;
    bool equal = true;

    load(a, file_a, &x);
    load(b, file_b, &y);
    ck_assert_int_eq(n_common(&x), n_common(&y));
    for (int i = 0; i < x.n; i++)
        if (is_common(&x.tensors[i]))
            equal &= !memcmp(x.tensors[i].data, tensor(&y, x.tensors[i].name)->data,
                             count(&x.tensors[i]) * sizeof(float));
    safetensors_free(&x);
    safetensors_free(&y);
    return equal;
}

#define LAST "weights/last"

/* ---- early stopping -------------------------------------------------------------------------- */

/* An improvement has to be large, so that it ends soon. */
#define STOPPING "callbacks: [{type: early_stopping, patience: 2, min_delta: 0.1"

START_TEST(early_stopping_brings_back_the_best)
{
    char line[128];

    CONFIG("stop", STOPPING "}]\n");
    EXPECT_EXIT(0, "stop.yaml --epochs 40");
    expect_status("stop", "finished");
    expect_reason("stop", "val.loss did not improve for 2 epochs; best 0.");
    EXPECT_TEXT(err, "of 40: val.loss did not improve for 2 epochs");
    int best = (int)summed("stop", "test.epoch"), ran = (int)summed("stop", "training.epochs");
    ck_assert_int_ge(best, 1);
    ck_assert_int_eq(ran, best + 2);
    snprintf(line, sizeof line, "    weights of epoch %d\n", best);
    EXPECT_TEXT(out, line);
    snprintf(line, sizeof line, "tiny.yaml -q --name short --epochs %d", best);
    EXPECT_EXIT(0, line);
    ck_assert_double_eq(summed("stop", "test.loss"), summed("short", "test.loss"));
    ck_assert(same("stop", LAST, "short", LAST));
    CONFIG("stay", STOPPING ", restore: last}]\n");
    EXPECT_EXIT(0, "stay.yaml -q --epochs 40");
    snprintf(line, sizeof line, "tiny.yaml -q --name long --epochs %d", ran);
    EXPECT_EXIT(0, line);
    ck_assert_double_eq(summed("stay", "test.loss"), summed("long", "test.loss"));
    ck_assert(same("stay", LAST, "long", LAST));
    ck_assert(same("stop", "state/last", "stay", "state/last")); /* to go on from the end */
}
END_TEST

START_TEST(without_validation_early_stopping_warns)
{
    CONFIG("blind", "callbacks: [{type: early_stopping, patience: 2}]\n");
    EXPECT_EXIT(0, "check blind.yaml data.split.val=0 data.split.train=1");
    EXPECT_TEXT(err, "warning: callbacks.early_stopping1: monitors val.loss, which is never "
                     "measured: data.split leaves nothing for validation");
    EXPECT_EXIT(2, "check blind.yaml data.split.val=0 data.split.train=1 --strict");
    EXPECT_EXIT(0, "blind.yaml data.split.val=0 data.split.train=1");
    expect_reason("blind", "val.loss was no number for 2 epochs");
    EXPECT_EXIT(0, "check blind.yaml callbacks.0.monitor=train.loss data.split.val=0 "
                   "data.split.train=1 --strict");
}
END_TEST

/* ---- checkpoints ----------------------------------------------------------------------------- */

START_TEST(checkpoints_appear_and_old_ones_go)
{
    static const char *const there[] = {
        "best-val.accuracy", "epoch-4", "epoch-6", "best", "last", "mine", "each-5", "each-6"};
    static const char *const gone[] = {"epoch-2", "epoch-1", "each-4", "epoch-8"};
    struct safetensors st;
    char path[64];

    CONFIG("keep", "callbacks:\n"
                   "  - {type: checkpoint, save: every, every: 2, keep: 2}\n"
                   "  - {type: checkpoint, save: every, keep: 2, name: each}\n"
                   "  - {type: checkpoint, monitor: val.accuracy}\n"
                   "  - {type: checkpoint, name: mine}\n");
    EXPECT_EXIT(0, "keep.yaml -q --epochs 7");
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
        snprintf(path, sizeof path, "weights/%s.safetensors", gone[i]);
        ck_assert_msg(!exists(run_folder("keep"), path), "%s is still there", path);
    }
    EXPECT_EXIT(0, "keep.yaml -q --epochs 6");
    for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
        snprintf(path, sizeof path, "weights/%s", there[i]);
        load("keep", path, &st);
        ck_assert_int_eq(st.n, 4);
        safetensors_free(&st);
    }
    ck_assert(same("keep", "weights/epoch-6", "keep", LAST));
    ck_assert(same("keep", "weights/each-6", "keep", LAST));
    ck_assert(same("keep", "weights/mine", "keep", "weights/best"));
    ck_assert(!same("keep", "weights/epoch-4", "keep", LAST));
}
END_TEST

/* ---- divergence ------------------------------------------------------------------------------ */

#define DIVERGES "optimizer=sgd optimizer.lr=1e30"

START_TEST(divergence_says_where_and_leaves_what_was_good)
{
    struct safetensors st;

    EXPECT_EXIT(6, "tiny.yaml --name far " DIVERGES);
    EXPECT_TEXT(err, "the loss is not finite at step ");
    EXPECT_TEXT(err, "(epoch 1); the first such value is in model.layers.");
    expect_status("far", "diverged");
    expect_reason("far", "model.layers.");
    load("far", LAST, &st);
    safetensors_free(&st);
    load("far", "state/last", &st);
    safetensors_free(&st);
    CONFIG("on", "callbacks: [{type: nan_guard, enabled: false}]\n");
    EXPECT_EXIT(0, "on.yaml " DIVERGES);
    EXPECT_TEXT(err, "loss nan");
    ck_assert_ptr_null(strstr(err, "-nan"));
    expect_status("on", "finished");
    ck_assert_double_eq(summed("on", "training.epochs"), 6);
    ck_assert(isnan(summed("on", "test.loss")));
}
END_TEST

START_TEST(an_evaluation_that_is_not_finite_is_divergence)
{
    struct safetensors st;

    EXPECT_EXIT(6, "tiny.yaml --name leap train.batch_size=9999 --epochs 1 " DIVERGES);
    EXPECT_TEXT(err, "val.loss is not finite after step 1 (epoch 1): lower the learning rate");
    expect_status("leap", "diverged");
    load("leap", LAST, &st);
    for (int i = 0; i < st.n; i++) /* as before the first step */
        for (size_t k = 0; k < count(&st.tensors[i]); k++)
            ck_assert_float_lt(fabsf(st.tensors[i].data[k]), 1);
    safetensors_free(&st);
}
END_TEST

/* ---- other callbacks ------------------------------------------------------------------------- */

/* Of two dimensions the state has them as they are stored: the other way round. */
START_TEST(the_average_is_what_is_saved)
{
    struct safetensors weights, state;

    CONFIG("mean", "callbacks: [{type: ema, decay: 0.9}]\n");
    EXPECT_EXIT(0, "mean.yaml -q");
    load("mean", LAST, &weights);
    load("mean", "state/last", &state);
    for (int i = 0; i < weights.n; i++) {
        const struct st_tensor *w = &weights.tensors[i];
        char name[2][64];
        snprintf(name[0], sizeof name[0], "ema1.mean/%s", w->name);
        snprintf(name[1], sizeof name[1], "param/%s", w->name);
        const struct st_tensor *m = tensor(&state, name[0]), *p = tensor(&state, name[1]);
        size_t rows = w->rank == 2 ? (size_t)w->dim[0] : 1, cols = count(w) / rows;
        for (size_t k = 0; k < count(w); k++)
            ck_assert(w->data[k] == m->data[k % cols * rows + k / cols]);
        ck_assert(memcmp(m->data, p->data, count(w) * sizeof(float)) != 0);
    }
    safetensors_free(&weights);
    safetensors_free(&state);
    EXPECT_EXIT(0, "tiny.yaml -q --name plain");
    ck_assert(!same("mean", LAST, "plain", LAST));
}
END_TEST

START_TEST(the_time_limit_ends_it)
{
    uint64_t begun = clock_ns();

    CONFIG("time", "callbacks: [{type: time_limit, limit: 0.2 s}]\n");
    EXPECT_EXIT(0, "time.yaml --epochs 1000000 reporters=[console]");
    ck_assert_double_lt(clock_s(begun), 20);
    expect_status("time", "finished");
    expect_reason("time", "the time limit of 0.2 s was reached in epoch ");
    EXPECT_TEXT(err, "of 1000000: the time limit of 0.2 s was reached");
    ck_assert(!isnan(summed("time", "test.loss")));
}
END_TEST

START_TEST(ctrl_c_with_callbacks_is_exit_130)
{
    struct safetensors st;

    CONFIG("int", "callbacks: [ema, {type: early_stopping, patience: 1000000}, "
                  "{type: checkpoint, save: last, name: latest}]\n");
    pid_t pid = start("int.yaml --epochs 1000000 reporters=[jsonl]");
    for (int i = 0; i < 500 && !exists(run_folder("int"), "weights/latest.safetensors"); i++)
        usleep(10000);
    kill(pid, SIGINT);
    ck_assert_int_eq(finish(pid), 130);
    expect_status("int", "interrupted");
    load("int", "state/last", &st);
    ck_assert_int_eq(n_common(&st), 16); /* 4 parameters, each with two slots and a mean */
    safetensors_free(&st);
    load("int", LAST, &st);
    safetensors_free(&st);
    load("int", "weights/latest", &st);
    safetensors_free(&st);
}
END_TEST

/* ---- the rate -------------------------------------------------------------------------------- */

/* The learning rates of metrics.jsonl, in their order; returns how many. */
static int rates_told(const char *name, double *lr, int room)
{
    static char text[1 << 20];
    char path[PATH_MAX];
    int n = 0;

    snprintf(path, sizeof path, "%s/metrics.jsonl", run_folder(name));
    slurp(path, text, sizeof text);
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        cJSON *o = cJSON_Parse(line), *v = member(o, "lr");
        ck_assert_ptr_nonnull(o);
        if (v && n < room)
            lr[n++] = v->valuedouble;
        cJSON_Delete(o);
    }
    return n;
}

START_TEST(the_rate_is_that_of_the_summary)
{
    enum { STEPS = 75 }; /* 3 epochs of 400 samples by 16 */
    double lr[STEPS + 1], last;
    char text[4096], path[PATH_MAX];

    CONFIG("rate", "scheduler: {type: cosine, warmup: 1 epochs}\n");
    EXPECT_EXIT(0, "rate.yaml -q --epochs 3 train.log_every=1steps");
    ck_assert_int_eq(rates_told("rate", lr, STEPS + 1), STEPS);
    EXPECT_EXIT(0, "summary rate.yaml --epochs 3 --json");
    cJSON *root = cJSON_Parse(out), *curve = member(root, "lr");
    ck_assert_double_eq(member(root, "updates")->valuedouble, STEPS);
    int points = cJSON_GetArraySize(curve);
    ck_assert_int_gt(points, 10);
    for (int i = 0; i < points; i++) {
        int step = (int)((double)i / (points - 1) * (STEPS - 1));
        ck_assert_double_eq_tol(cJSON_GetArrayItem(curve, i)->valuedouble, lr[step], 1e-12);
    }
    cJSON_Delete(root);
    ck_assert_double_lt(lr[0], lr[1]);
    ck_assert_double_eq_tol(lr[25], 0.01, 1e-12);
    ck_assert_double_lt(lr[STEPS - 1], 1e-4);
    snprintf(path, sizeof path, "%s/epochs.csv", run_folder("rate"));
    slurp(path, text, sizeof text);
    char *row = strstr(text, "\n3,");
    ck_assert_ptr_nonnull(row);
    for (int i = 0; i < 8; i++)
        row = strchr(row, ',') + 1;
    last = strtod(row, NULL);
    ck_assert_double_eq_tol(last, lr[STEPS - 1], 1e-9);
    EXPECT_EXIT(0, "summary rate.yaml --epochs 3");
    EXPECT_TEXT(out, "learning rate of 75 updates, 25 an epoch: 0 at first");
    EXPECT_TEXT(out, "highest 0.01 at update 26 (cosine)");
    EXPECT_TEXT(out, "\xE2\x96\x88");
}
END_TEST

/* ---- batches and metrics --------------------------------------------------------------------- */

START_TEST(accumulation_clipping_and_metrics_run_through)
{
    CONFIG("more", "metrics: [top3, macro_f1, calibration_error]\n"
                   "expect: [{metric: test.top3, min: 0.9}, {metric: test.macro_f1, min: 0.5}]\n");
    EXPECT_EXIT(0, "more.yaml train.accumulate=3 train.clip_norm=1 train.batch_size=8");
    EXPECT_TEXT(out, "test.top3 ");
    ck_assert_double_ge(summed("more", "test.top3"), 0.9);
    ck_assert_double_ge(summed("more", "final.val.top3"), 0.9);
    ck_assert(!isnan(summed("more", "final.fit.calibration_error")));
    char text[16384], path[PATH_MAX];
    snprintf(path, sizeof path, "%s/metrics.jsonl", run_folder("more"));
    slurp(path, text, sizeof text);
    EXPECT_TEXT(text, "\"top3\":");
    EXPECT_TEXT(text, "\"calibration_error\":");
    EXPECT_EXIT(1, "more.yaml expect.0.min=1.5");
    EXPECT_TEXT(err, "test.top3");
    EXPECT_EXIT(0, "tiny.yaml -q --name wide train.batch_size=48");
    EXPECT_EXIT(0, "tiny.yaml -q --name sum train.batch_size=16 train.accumulate=3");
    ck_assert_double_eq_tol(summed("wide", "test.loss"), summed("sum", "test.loss"), 1e-4);
}
END_TEST

/* ---- the same bits --------------------------------------------------------------------------- */

static void write_npy(const char *name, const char *type, const char *shape, const void *data,
                      size_t bytes)
{
    char head[128];
    FILE *f = fopen(in_dir(name), "wb");

    ck_assert_ptr_nonnull(f);
    memset(head, ' ', sizeof head);
    static const char begin[] = {'\x93', 'N', 'U', 'M', 'P',
                                 'Y',    1,   0,   118, 0}; /* 118 bytes follow */
    memcpy(head, begin, sizeof begin);
    int n = snprintf(head + 10, sizeof head - 10,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", type, shape);
    head[10 + n] = ' ';
    head[127] = '\n';
    fwrite(head, 1, sizeof head, f);
    fwrite(data, 1, bytes, f);
    fclose(f);
}

/* n pictures of 8 x 8 in three colours; the class is the brightest colour of the upper half. */
static void write_colours(const char *which, int n)
{
    uint8_t *x = calloc((size_t)n, 192);
    int32_t *y = calloc((size_t)n, sizeof *y);
    char name[32], shape[32];

    for (int i = 0; i < n; i++) {
        y[i] = i * 5 % 3;
        for (int k = 0; k < 192; k++)
            x[i * 192 + k] =
                (uint8_t)((k % 3 == y[i] && k < 96 ? 120 : 0) + (i * 37 + k * 23) % 90);
    }
    snprintf(name, sizeof name, "x_%s.npy", which);
    snprintf(shape, sizeof shape, "%d, 8, 8, 3", n);
    write_npy(name, "|u1", shape, x, (size_t)n * 192);
    snprintf(name, sizeof name, "y_%s.npy", which);
    snprintf(shape, sizeof shape, "%d,", n);
    write_npy(name, "<i4", shape, y, (size_t)n * sizeof *y);
    free(x);
    free(y);
}

static void write_colour_config(void)
{
    static const char text[] =
        "seed: 3\n"
        "data:\n"
        "  type: npy\n"
        "  x: x_train.npy\n  y: y_train.npy\n  x_test: x_test.npy\n  y_test: y_test.npy\n"
        "  split: {train: 0.8, val: 0.2}\n"
        "  normalize: {mean: [0.3, 0.3, 0.3], std: [0.2, 0.25, 0.3]}\n"
        "  augment: [{type: shift, pixels: 1}, {type: rotate, degrees: 15}, scale, elastic, "
        "erase]\n"
        "model:\n"
        "  layers: [{type: conv2d, filters: 8, padding: same, bias: false}, batchnorm, relu, "
        "maxpool2d,\n"
        "    {type: conv2d, filters: 8}, relu, flatten, {type: dropout, rate: 0.2},\n"
        "    {type: dense, units: 3}]\n"
        "loss: cross_entropy\n"
        "optimizer: {type: adam, lr: 0.01}\n"
        "train: {epochs: 4, batch_size: 16}\n"
        "callbacks: [{type: ema, decay: 0.9}]\n"
        "scheduler: {type: cosine, warmup: 10 steps}\n";

    write_colours("train", 260);
    write_colours("test", 60);
    ck_assert_int_eq(file_write(in_dir("colour.yaml"), text, sizeof text - 1), RN_OK);
}

static void colour(const char *name, const char *more)
{
    char line[128];

    snprintf(line, sizeof line, "colour.yaml -q --name %s%s", name, more);
    EXPECT_EXIT(0, line);
}

START_TEST(the_same_bits_however_it_is_run)
{
    static const char *const other[] = {"one", "three", "again", "late", "idle"};

    write_colour_config();
    colour("two", " --threads 2");
    colour("one", " --threads 1");
    colour("three", " --threads 3");
    colour("again", " --threads 2");
    setenv("RN_LATE", "1", 1);
    colour("late", "");
    unsetenv("RN_LATE");
    colour("idle", " train.log_every=1steps"); /* looks more often */
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        ck_assert_msg(same("two", LAST, other[i], LAST), "%s has other weights", other[i]);
        ck_assert_msg(same("two", "state/last", other[i], "state/last"), "%s", other[i]);
        ck_assert_double_eq(summed("two", "test.loss"), summed(other[i], "test.loss"));
    }
    ck_assert_double_ge(summed("two", "test.accuracy"), 0.6);
    colour("seed", " seed=4");
    ck_assert(!same("two", LAST, "seed", LAST));
    colour("bare", " ~data.augment");
    ck_assert(!same("two", LAST, "bare", LAST));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {early_stopping_brings_back_the_best,
                                  without_validation_early_stopping_warns,
                                  checkpoints_appear_and_old_ones_go,
                                  divergence_says_where_and_leaves_what_was_good,
                                  an_evaluation_that_is_not_finite_is_divergence,
                                  the_average_is_what_is_saved,
                                  the_time_limit_ends_it,
                                  ctrl_c_with_callbacks_is_exit_130,
                                  the_rate_is_that_of_the_summary,
                                  accumulation_clipping_and_metrics_run_through,
                                  the_same_bits_however_it_is_run};

    return program_tests("course", tests, sizeof tests / sizeof *tests);
}
