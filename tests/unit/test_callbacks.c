/* test_callbacks.c - what the callbacks ask for, told of moments that never were. */
#define _XOPEN_SOURCE 700
#include "support/options.h"
#include "support/plugin.h"
#include "verify/ref_device.h"
#include "support/suite.h"

#include <runner/callback.h>

#include <check.h>
#include <math.h>

enum { STATE = 256, EPOCHS = 8 };
#define NO (double)NAN

static struct pool *pool;

static void setup(void) { pool = pool_new(); }

static void teardown(void)
{
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

struct watcher {
    const struct rn_callback_ops *ops;
    const void *opts;
    const char *metric;
    char state[STATE];
};

static struct watcher watcher(const char *name, const char *options, const char *metric)
{
    const struct rn_plugin *p = test_plugin("callbacks", name);
    const struct rn_callback_ops *ops = p->ops;

    ck_assert_uint_le(ops->state_size, STATE);
    return (struct watcher){.ops = ops, .opts = options_from(pool, p, options), .metric = metric};
}

static struct rn_moment tell(struct watcher *w, struct rn_moment m)
{
    m.size = sizeof m;
    m.epochs = EPOCHS;
    ck_assert(w->ops->when & m.when);
    ck_assert_int_eq(w->ops->at(w->opts, w->state, &m), RN_OK);
    return m;
}

/* An epoch is over, and the metric has that value. */
static struct rn_moment epoch(struct watcher *w, int64_t number, double value)
{
    const struct rn_metric metrics[] = {
        {"lr", 1e-3}, {"val.los", -9}, {w->metric, value}, {"val.loss.not", -9}};
    struct rn_moment m =
        tell(w, (struct rn_moment){
                    .when = RN_AT_EPOCH, .epoch = number, .metrics = metrics, .n_metrics = 4});

    m.metrics = NULL;
    return m;
}

/* ---- early_stopping --------------------------------------------------------- */

static const struct {
    const char *options, *metric;
    double values[EPOCHS];
    const char *want; /* an epoch each: Keep, Stop, . nothing */
    const char *reason;
} stops[] = {
    {"{}",
     "val.loss",
     {1, 2, 2, 2, 2, 2},
     "K....S",
     "val.loss did not improve for 5 epochs; best 1 in epoch 1"},
    {"{patience: 2}",
     "val.loss",
     {1, .07123, .95, .93},
     "KK.S",
     "val.loss did not improve for 2 epochs; best 0.07123 in epoch 2"},
    {"{patience: 2}", "val.loss", {1, 1.1, .9, 1, .8, .9, .7, .7}, "K.K.K.K.", ""},
    {"{patience: 1}",
     "val.loss",
     {1, 1},
     "KS",
     "val.loss did not improve for 1 epoch; best 1 in epoch 1"},
    {"{patience: 2, min_delta: 0.05}",
     "val.loss",
     {1, .97, .94, .9, .89},
     "K.K.S",
     "val.loss did not improve for 2 epochs; best 0.94 in epoch 3"},
    {"{patience: 2, min_delta: 0.25}", "val.loss", {1, .75, .75}, "K.S", NULL},
    {"{patience: 2}",
     "val.loss",
     {NO, 1, NO, .9, NO, NO},
     ".K.K.S",
     "val.loss did not improve for 2 epochs; best 0.9 in epoch 4"},
    {"{patience: 3}", "val.loss", {NO, NO, NO}, "..S", "val.loss was no number for 3 epochs"},
    {"{patience: 2}", "train.loss", {1, 1}, ".S", "val.loss was no number for 2 epochs"},
    {"{patience: 2}", "val.loss", {INFINITY, INFINITY, 1, -1}, "K.KK", ""},
    {"{monitor: val.accuracy, patience: 2}", "val.accuracy", {.5, .6, .6, .55}, "KK.S", NULL},
    {"{monitor: val.accuracy, patience: 2, min_delta: 0.25}",
     "val.accuracy",
     {.25, .5, .75, .5},
     "K.K.",
     ""},
    {"{mode: max, patience: 1}", "val.loss", {1, 2, 1.5}, "KKS", NULL},
    {"{monitor: val.f1, mode: min, patience: 1}", "val.f1", {1, .5, .7}, "KKS", NULL},
    {"{restore: last, patience: 2}", "val.loss", {1, .9, .95, .93}, "...S", NULL},
};

START_TEST(early_stopping_stops)
{
    struct watcher w = watcher("early_stopping", stops[_i].options, stops[_i].metric);
    int n = (int)strlen(stops[_i].want);
    char got[EPOCHS + 1] = "";
    struct rn_moment m = {0};

    for (int e = 0; e < n; e++) {
        m = epoch(&w, e + 1, stops[_i].values[e]);
        got[e] = m.want == 0              ? '.'
                 : m.want == RN_WANT_KEEP ? 'K'
                 : m.want == RN_WANT_STOP ? 'S'
                                          : '?';
    }
    ck_assert_str_eq(got, stops[_i].want);
    if (stops[_i].reason)
        ck_assert_str_eq(m.reason, stops[_i].reason);
}
END_TEST

/* Whatever ended it, and in the middle of an epoch too. */
START_TEST(early_stopping_restores_at_the_end)
{
    const struct rn_moment end = {.when = RN_AT_END, .epoch = 3};
    struct watcher w = watcher("early_stopping", "{}", "val.loss");

    ck_assert_uint_eq(tell(&w, end).want, 0);
    epoch(&w, 1, NO);
    ck_assert_uint_eq(tell(&w, end).want, 0);
    epoch(&w, 2, .5);
    epoch(&w, 3, .6);
    ck_assert_uint_eq(tell(&w, end).want, RN_WANT_RESTORE);
    ck_assert_int_eq(tell(&w, end).kept_epoch, 2);

    w = watcher("early_stopping", "{restore: last}", "val.loss");
    epoch(&w, 1, .5);
    epoch(&w, 2, .6);
    ck_assert_uint_eq(tell(&w, end).want, 0);
}
END_TEST

START_TEST(early_stopping_has_room_for_any_name)
{
    char name[600];

    memset(name, 'm', sizeof name);
    name[sizeof name - 1] = '\0';
    struct watcher w =
        watcher("early_stopping", pool_printf(pool, "{monitor: %s, patience: 1}", name), name);
    epoch(&w, 1, -1.25e-300);
    struct rn_moment m = epoch(&w, 2, 1);
    ck_assert_uint_eq(m.want, RN_WANT_STOP);
    ck_assert_ptr_nonnull(strstr(m.reason, "for 1 epoch; best -1.25e-300 in epoch 1"));
}
END_TEST

/* ---- checkpoint ------------------------------------------------------------- */

static const struct {
    const char *options, *metric;
    double values[EPOCHS];
    int n;
    const char *files; /* an epoch each, after a space: what is saved, -what is removed */
} saves[] = {
    {"{}",
     "val.loss",
     {1, 2, 1, .5, NO, .4},
     6,
     " best-val.loss . . best-val.loss . best-val.loss"},
    {"{}", "val.loss", {NO, INFINITY, 3}, 3, " . best-val.loss best-val.loss"},
    {"{monitor: val.accuracy}",
     "val.accuracy",
     {.5, .4, .6, .6},
     4,
     " best-val.accuracy . best-val.accuracy ."},
    {"{monitor: val.accuracy, mode: min, name: worst}",
     "val.accuracy",
     {.5, .4, .6},
     3,
     " worst worst ."},
    {"{mode: max, name: best}", "val.loss", {1, 2, 0}, 3, " best best ."},
    {"{monitor: \"../a b\"}", "../a b", {1}, 1, " best-..-a-b"},
    {"{name: \"../a\\nb\"}", "val.loss", {1}, 1, " -.-a-b"},
    {"{save: last}", "val.loss", {1, 2, NO}, 3, " last last last"},
    {"{save: last, every: 2, name: recent}", "val.loss", {1, 2, 3, 4}, 4, " . recent . recent"},
    {"{save: every}", "val.loss", {1, NO, 1}, 3, " epoch-1 epoch-2 epoch-3"},
    {"{save: every, keep: 1}",
     "val.loss",
     {1, 1, 1},
     3,
     " epoch-1 epoch-2-epoch-1 epoch-3-epoch-2"},
    {"{save: every, every: 2, keep: 2, name: e}",
     "val.loss",
     {1, 1, 1, 1, 1, 1, 1, 1},
     8,
     " . e-2 . e-4 . e-6-e-2 . e-8-e-4"},
};

START_TEST(checkpoint_saves)
{
    struct watcher w = watcher("checkpoint", saves[_i].options, saves[_i].metric);
    char got[256] = "";
    size_t n = 0;

    for (int e = 0; e < saves[_i].n; e++) {
        struct rn_moment m = epoch(&w, e + 1, saves[_i].values[e]);
        bool saved = m.want & RN_WANT_SAVE, removed = m.want & RN_WANT_REMOVE;

        ck_assert_uint_eq(m.want & ~(uint32_t)(RN_WANT_SAVE | RN_WANT_REMOVE), 0);
        n += (size_t)snprintf(got + n, sizeof got - n, " %s%s%s", saved ? m.file : ".",
                              removed ? "-" : "", removed ? m.old_file : "");
    }
    ck_assert_str_eq(got, saves[_i].files);
}
END_TEST

/* ---- nan_guard -------------------------------------------------------------- */

static struct rn_moment losses(struct watcher *w, uint32_t when, int64_t number, int64_t bad_step)
{
    return tell(w, (struct rn_moment){.when = when, .epoch = number, .bad_step = bad_step});
}

START_TEST(nan_guard_goes_back_to_what_was_good)
{
    struct watcher w = watcher("nan_guard", "{}", "val.loss");

    ck_assert(test_plugin("callbacks", "nan_guard")->traits & RN_TRAIT_DEFAULT);
    ck_assert_uint_eq(losses(&w, RN_AT_INTERVAL, 1, 0).want, RN_WANT_KEEP);
    ck_assert_uint_eq(losses(&w, RN_AT_EPOCH, 1, 0).want, RN_WANT_KEEP);
    ck_assert_uint_eq(losses(&w, RN_AT_INTERVAL, 2, 0).want, RN_WANT_KEEP);
    struct rn_moment m = losses(&w, RN_AT_EPOCH, 3, 77);
    ck_assert_uint_eq(m.want, RN_WANT_RESTORE | RN_WANT_DIVERGED);
    ck_assert_int_eq(m.kept_epoch, 2);
}
END_TEST

START_TEST(nan_guard_restores_nothing_when_nothing_was_kept)
{
    struct watcher w = watcher("nan_guard", "{}", "val.loss");

    ck_assert_uint_eq(losses(&w, RN_AT_INTERVAL, 1, 1).want, RN_WANT_DIVERGED);
}
END_TEST

/* What the last update of an epoch did shows in the evaluation: nothing is kept before it. */
START_TEST(nan_guard_looks_at_the_evaluation)
{
    struct watcher w = watcher("nan_guard", "{}", "val.loss");
    const struct rn_progress_point end = {.step = 20, .steps_per_epoch = 10, .steps = 40};

    ck_assert_uint_eq(losses(&w, RN_AT_INTERVAL, 1, 0).want, RN_WANT_KEEP);
    ck_assert_uint_eq(
        tell(&w, (struct rn_moment){.when = RN_AT_INTERVAL, .epoch = 2, .at = end}).want, 0);
    ck_assert_uint_eq(epoch(&w, 2, 0.5).want, RN_WANT_KEEP);
    struct rn_moment m = epoch(&w, 3, NO);
    ck_assert_uint_eq(m.want, RN_WANT_RESTORE | RN_WANT_DIVERGED);
    ck_assert_str_eq(m.reason, "val.loss is not finite");
    ck_assert_int_eq(m.kept_epoch, 2);
    ck_assert_uint_eq(epoch(&w, 3, INFINITY).want, RN_WANT_RESTORE | RN_WANT_DIVERGED);
}
END_TEST

START_TEST(nan_guard_can_be_left_out)
{
    struct watcher w = watcher("nan_guard", "{enabled: false}", "val.loss");

    ck_assert_uint_eq(losses(&w, RN_AT_INTERVAL, 1, 0).want, 0);
    ck_assert_uint_eq(losses(&w, RN_AT_EPOCH, 1, 5).want, 0);
}
END_TEST

/* ---- time_limit ------------------------------------------------------------- */

START_TEST(time_limit_stops)
{
    const struct rn_plugin *p = test_plugin("callbacks", "time_limit");
    struct watcher w = watcher("time_limit", "{limit: 2 m}", "val.loss");
    struct rn_moment m = {.when = RN_AT_STEP, .epoch = 3, .seconds = 119.99};

    ck_assert_uint_eq(tell(&w, m).want, 0);
    m.seconds = 120;
    m = tell(&w, m);
    ck_assert_uint_eq(m.want, RN_WANT_STOP);
    ck_assert_str_eq(m.reason, "the time limit of 120 s was reached in epoch 3");
    ck_assert_uint_eq(p->options[0].flags, RN_OPT_REQUIRED | RN_OPT_TIME | RN_OPT_OPEN_MIN);
}
END_TEST

/* ---- ema -------------------------------------------------------------------- */

static double ema_takes(const char *options, int64_t step)
{
    struct watcher w = watcher("ema", options, "val.loss");
    double out[RN_SCALARS];

    ck_assert_int_eq(w.ops->scalars(w.opts, step, 0.1, out), RN_OK);
    return out[0];
}

START_TEST(ema_begins_quickly)
{
    ck_assert_double_eq_tol(ema_takes("{decay: 0.9}", 1), 9 / 11.0, 1e-15);
    ck_assert_double_eq_tol(ema_takes("{decay: 0.9}", 79), 9 / 89.0, 1e-15);
    ck_assert_double_eq_tol(ema_takes("{decay: 0.9}", 81), 0.1, 1e-15);
    ck_assert_double_eq_tol(ema_takes("{decay: 0.9}", 1000000), 0.1, 1e-15);
    ck_assert_double_eq_tol(ema_takes("{decay: 0.9, warmup: false}", 1), 0.1, 1e-15);
    ck_assert_double_eq_tol(ema_takes("{}", 1000000), 1e-3, 1e-15);
}
END_TEST

enum { N = 15, STEPS = 60, FROM = 7 };

/* Parameters that move, as a buffer without gradient does, and their mean. */
static void average(struct rn_device *d, const struct watcher *w, float *param, float *mean)
{
    rn_real *slot[] = {mean};
    struct rn_update u = {.size = sizeof u,
                          .opts = w->opts,
                          .dev = d,
                          .rows = 3,
                          .cols = N / 3,
                          .param = param,
                          .slot = slot,
                          .scalar_from = FROM};
    struct rn_block block = {.f = {0}};
    struct rn_recording *rec;

    ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    ck_assert_int_eq(w->ops->record(&u), RN_OK);
    ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
    for (int t = 1; t <= STEPS; t++) {
        double out[RN_SCALARS] = {0};

        for (int i = 0; i < N; i++)
            param[i] = (float)sin(i + 0.1 * t);
        ck_assert_int_eq(w->ops->scalars(w->opts, t, 0.1, out), RN_OK);
        for (int i = 0; i < RN_SCALARS; i++)
            block.f[FROM + i] = (float)out[i];
        ck_assert_int_eq(d->ops->replay(d, rec, &block), RN_OK);
    }
    d->ops->discard(d, rec);
}

START_TEST(ema_is_the_running_mean)
{
    struct watcher w = watcher("ema", "{decay: 0.8}", "val.loss");
    struct rn_device *d;
    float param[N], mean[N];

    ck_assert_uint_eq(w.ops->n_slots, 1);
    ck_assert_uint_eq(w.ops->flags, RN_CALLBACK_EVALUATES);
    ck_assert_int_eq(ref_device_open(&d), RN_OK);
    for (int i = 0; i < N; i++)
        mean[i] = (float)sin(i);
    average(d, &w, param, mean);
    for (int i = 0; i < N; i++) {
        double want = sin(i);

        for (int t = 1; t <= STEPS; t++) {
            double keeps = fmin(0.8, (1.0 + t) / (10.0 + t));

            want = keeps * want + (1 - keeps) * sin(i + 0.1 * t);
        }
        ck_assert_double_eq_tol((double)mean[i], want, 1e-6);
        ck_assert_float_eq(param[i], (float)sin(i + 0.1 * STEPS));
    }
    d->ops->close(d);
}
END_TEST

/* Rounding moves it nowhere: the mean of what never changes is that, to the bit. */
START_TEST(ema_of_what_stays_stays)
{
    struct watcher w = watcher("ema", "{}", "val.loss");
    struct rn_device *d;
    float param[N], mean[N];
    rn_real *slot[] = {mean};
    struct rn_update u = {.size = sizeof u,
                          .opts = w.opts,
                          .rows = 1,
                          .cols = N,
                          .param = param,
                          .slot = slot,
                          .scalar_from = FROM};
    struct rn_block block = {.f = {[FROM] = (float)ema_takes("{}", 1000000)}};
    struct rn_recording *rec;

    ck_assert_int_eq(ref_device_open(&d), RN_OK);
    u.dev = d;
    for (int i = 0; i < N; i++)
        param[i] = mean[i] = (float)cos(i);
    ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    ck_assert_int_eq(w.ops->record(&u), RN_OK);
    ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
    for (int t = 0; t < 1000; t++)
        ck_assert_int_eq(d->ops->replay(d, rec, &block), RN_OK);
    for (int i = 0; i < N; i++)
        ck_assert_float_eq(mean[i], param[i]);
    d->ops->discard(d, rec);
    d->ops->close(d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("callbacks");
    TCase *tc = tcase_create("callbacks");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, early_stopping_stops, 0, sizeof stops / sizeof *stops);
    tcase_add_test(tc, early_stopping_restores_at_the_end);
    tcase_add_test(tc, early_stopping_has_room_for_any_name);
    tcase_add_loop_test(tc, checkpoint_saves, 0, sizeof saves / sizeof *saves);
    tcase_add_test(tc, nan_guard_goes_back_to_what_was_good);
    tcase_add_test(tc, nan_guard_restores_nothing_when_nothing_was_kept);
    tcase_add_test(tc, nan_guard_looks_at_the_evaluation);
    tcase_add_test(tc, nan_guard_can_be_left_out);
    tcase_add_test(tc, time_limit_stops);
    tcase_add_test(tc, ema_begins_quickly);
    tcase_add_test(tc, ema_is_the_running_mean);
    tcase_add_test(tc, ema_of_what_stays_stays);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
