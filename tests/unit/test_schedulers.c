/* test_schedulers.c - the curves of the schedulers against PyTorch's in tests/golden, and what has
 * to hold for every one of them. */
#define _XOPEN_SOURCE 700
#include "support/golden.h"
#include "support/options.h"
#include "support/plugin.h"
#include "support/suite.h"

#include <runner/scheduler.h>

#include <check.h>
#include <math.h>

enum { EPOCHS = 14, PER_EPOCH = 6, STEPS = EPOCHS * PER_EPOCH, BATCH = 10, STATE = 256 };

static struct pool *pool;
static char *golden;

static void setup(void)
{
    pool = pool_new();
    golden = golden_text(pool, "schedulers.txt");
}

static void teardown(void)
{
    mem_free(golden);
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

static struct rn_progress_point point(int64_t step)
{
    return (struct rn_progress_point){.size = sizeof(struct rn_progress_point),
                                      .step = step,
                                      .steps = STEPS,
                                      .steps_per_epoch = PER_EPOCH,
                                      .batch_size = BATCH};
}

/* ---- PyTorch's curves ------------------------------------------------------- */

static const struct {
    const char *name, *plugin, *options, *metric;
} curves[] = {
    {"constant", "constant", "{}", NULL},
    {"step_1", "step", "{}", NULL},
    {"step_1", "step", "{step_size: 60 samples}", NULL},
    {"step_3", "step", "{step_size: 3 epochs, gamma: 0.5}", NULL},
    {"step_7_steps", "step", "{step_size: 7 steps, gamma: 0.5}", NULL},
    {"step_7_steps", "step", "{step_size: 70 samples, gamma: 0.5}", NULL},
    {"multistep", "multistep", "{milestones: [3, 8]}", NULL},
    {"multistep", "multistep", "{milestones: [8, 3], unit: epochs}", NULL},
    {"multistep_steps", "multistep", "{milestones: [5, 40, 5], unit: steps, gamma: 0.3}", NULL},
    {"multistep_half", "multistep", "{milestones: [50, 75], unit: percent}", NULL},
    {"exponential", "exponential", "{gamma: 0.8}", NULL},
    {"exponential_smooth", "exponential", "{gamma: 0.97, every: 1 step}", NULL},
    {"exponential_smooth", "exponential", "{gamma: 0.8329720049289998, smooth: true}", NULL},
    {"linear", "linear", "{}", NULL},
    {"linear_up", "linear", "{start_factor: 0.25, end_factor: 0.75, over: 20 steps}", NULL},
    {"cosine", "cosine", "{}", NULL},
    {"cosine_floor", "cosine", "{floor: 0.1, over: 40 steps}", NULL},
    {"onecycle", "onecycle", "{}", NULL},
    {"onecycle_linear", "onecycle",
     "{pct_start: 0.25, div_factor: 10, final_div_factor: 100, anneal: linear}", NULL},
    {"onecycle_down", "onecycle", "{pct_start: 0}", NULL},
    {"onecycle_up", "onecycle", "{pct_start: 1}", NULL},
    {"plateau_1", "plateau", "{patience: 1}", "falling"},
    {"plateau_0", "plateau", "{patience: 0, factor: 0.5, cooldown: 2}", "falling"},
    {"plateau_abs", "plateau",
     "{patience: 1, threshold: 0.05, threshold_mode: abs, min_factor: 0.02}", "falling"},
    {"plateau_max", "plateau", "{mode: max, patience: 1, factor: 0.3}", "rising"},
    {"plateau_max", "plateau", "{monitor: val.accuracy, patience: 1, factor: 0.3}", "rising"},
    {"plateau_max_abs", "plateau",
     "{mode: max, patience: 0, factor: 0.3, threshold: 1e-3, threshold_mode: abs, cooldown: 1}",
     "rising"},
    {"plateau_odd", "plateau", "{patience: 1, factor: 0.2}", "odd"},
    {"plateau_10", "plateau", "{}", "flat"},
};

START_TEST(curve_is_pytorchs)
{
    const struct rn_plugin *p = test_plugin("schedulers", curves[_i].plugin);
    const struct rn_scheduler_ops *ops = p->ops;
    const void *opts = options_from(pool, p, curves[_i].options);
    const double *want = golden_line(pool, golden, curves[_i].name, STEPS), *metric = NULL;
    char state[STATE] = {0};

    ck_assert_uint_le(ops->state_size, STATE);
    ck_assert_int_eq(ops->observe != NULL, curves[_i].metric != NULL);
    if (curves[_i].metric)
        metric =
            golden_line(pool, golden, pool_printf(pool, "metric.%s", curves[_i].metric), EPOCHS);
    for (int t = 0; t < STEPS; t++) {
        struct rn_progress_point at = point(t);

        if (metric && t && t % PER_EPOCH == 0)
            ops->observe(opts, state, metric[t / PER_EPOCH - 1]);
        double got = ops->factor(opts, state, &at);
        ck_assert_msg(fabs(got - want[t]) <= 1e-6 * want[t] + 1e-12,
                      "%s, step %d: %.9g, PyTorch has %.9g", curves[_i].name, t, got, want[t]);
    }
}
END_TEST

/* ---- all of them ------------------------------------------------------------ */

static const char *const names[] = {"constant",  "cosine",   "exponential", "linear",
                                    "multistep", "onecycle", "plateau",     "step"};

/* In a training of one step too, and behind the end of a longer one. */
START_TEST(factor_is_usable_everywhere)
{
    const struct rn_plugin *p = test_plugin("schedulers", names[_i]);
    const struct rn_scheduler_ops *ops = p->ops;
    char yaml[OPTIONS_TEXT];

    for (int variant = 0; options_variant(p, variant, yaml); variant++)
        for (int64_t steps = 1; steps < 40; steps += steps < 4 ? 1 : 7)
            for (int64_t t = 0; t < steps + 3; t++) {
                struct rn_progress_point at = {.size = sizeof at,
                                               .step = t,
                                               .steps = steps,
                                               .steps_per_epoch = 1 + steps / 3,
                                               .batch_size = 64};
                char state[STATE] = {0};
                double got = ops->factor(options_from(pool, p, yaml), state, &at);

                ck_assert_msg(isfinite(got) && got >= 0 && got <= 1, "%s %s, step %d of %d: %g",
                              names[_i], yaml, (int)t, (int)steps, got);
            }
}
END_TEST

/* The state is plain bytes: a copy goes on like the original. */
START_TEST(plateau_goes_on_from_a_copy)
{
    const struct rn_plugin *p = test_plugin("schedulers", "plateau");
    const struct rn_scheduler_ops *ops = p->ops;
    const void *opts = options_from(pool, p, "{patience: 1, cooldown: 1}");
    const double *metric = golden_line(pool, golden, "metric.falling", EPOCHS);
    struct rn_progress_point at = point(0);

    for (int cut = 0; cut < EPOCHS; cut++) {
        char state[STATE] = {0}, copy[STATE] = {0};

        for (int e = 0; e < EPOCHS; e++) {
            if (e == cut)
                memcpy(copy, state, ops->state_size);
            ops->observe(opts, state, metric[e]);
            if (e >= cut)
                ops->observe(opts, copy, metric[e]);
        }
        ck_assert_double_eq(ops->factor(opts, state, &at), ops->factor(opts, copy, &at));
    }
}
END_TEST

START_TEST(what_more_of_is_better)
{
    static const char *const more[] = {"val.accuracy", "accuracy", "val.f1", "test.top3"};
    static const char *const less[] = {"val.loss", "train.loss", "val.error", "lr", "val.mse"};

    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        ck_assert_msg(rn_more_is_better(RN_MODE_AUTO, more[i]), "%s", more[i]);
    for (size_t i = 0; i < sizeof less / sizeof *less; i++)
        ck_assert_msg(!rn_more_is_better(RN_MODE_AUTO, less[i]), "%s", less[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedulers");
    TCase *tc = tcase_create("schedulers");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, curve_is_pytorchs, 0, sizeof curves / sizeof *curves);
    tcase_add_loop_test(tc, factor_is_usable_everywhere, 0, sizeof names / sizeof *names);
    tcase_add_test(tc, plateau_goes_on_from_a_copy);
    tcase_add_test(tc, what_more_of_is_better);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
