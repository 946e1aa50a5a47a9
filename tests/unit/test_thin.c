/* test_thin.c - what a report keeps of a run however long it is: the training curve, the inside of
 * the model; and how its time was spent. */
#include "base/error.h"
#include "report/report.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct report *r;
static const struct rn_report *v;

static void setup(void)
{
    ck_assert_int_eq(report_open(&(struct rn_report){.name = "x"}, &r), 0);
    v = report_view(r);
}

static void teardown(void)
{
    report_close(r);
    ck_assert_uint_eq(mem_live(), 0);
}

/* ---- the training curve ------------------------------------------------------------------- */

/* Mean of the losses, each weighted with the steps since the point before. */
static double mean_loss(void)
{
    double sum = 0;

    for (int64_t i = 0; i < v->n_steps; i++)
        sum += v->steps[i].loss * (double)(v->steps[i].step - (i ? v->steps[i - 1].step : 0));
    return sum / (double)v->steps[v->n_steps - 1].step;
}

START_TEST(a_short_curve_is_kept_whole)
{
    for (int64_t i = 1; i <= 600; i++)
        ck_assert_int_eq(report_step(r, &(struct rn_step_fact){7 * i, i / 9, 1.0 / 3, 0.5}), 0);
    ck_assert_int_eq(v->n_steps, 600);
    ck_assert_int_eq(v->steps[599].step, 4200);
    ck_assert(v->steps[0].loss == 0.333333333); /* nine digits */
}
END_TEST

/* The last point of an epoch stands for fewer steps, as in a real run. */
START_TEST(a_long_curve_keeps_its_mean_and_its_ends)
{
    double sum = 0;
    int64_t step = 0;

    for (int64_t i = 0; i < 100001; i++) {
        int64_t n = i % 10 == 9 ? 3 : 10;
        double loss = 1 + sin((double)i / 1000);
        step += n;
        sum += loss * (double)n;
        ck_assert_int_eq(report_step(r, &(struct rn_step_fact){step, i / 10 + 1, loss, 0.5}), 0);
        ck_assert_int_le(v->n_steps, 600);
        ck_assert_int_eq(v->steps[v->n_steps - 1].step, step);
    }
    ck_assert_int_ge(v->n_steps, 300);
    ck_assert_double_eq_tol(mean_loss(), sum / (double)step, 1e-7);
    int64_t first = v->steps[0].step;
    ck_assert_int_le(first, step / 300 + 10);
    for (int64_t i = 1; i + 1 < v->n_steps; i++) { /* evenly spread */
        ck_assert_int_le(v->steps[i].step - v->steps[i - 1].step, first + 20);
        ck_assert_int_ge(v->steps[i].step - v->steps[i - 1].step, first - 20);
    }
    ck_assert_int_eq(v->steps[v->n_steps - 1].epoch, 10001);
}
END_TEST

/* ---- the inside of the model --------------------------------------------------------------- */

static void epoch(int64_t e, double val_loss)
{
    char name[] = "dense1.weight";
    int64_t bins[RN_BINS] = {e, 1};
    struct rn_param_fact p[2] = {
        {.name = name, .epoch = e, .n = 5, .grad_norm = 1.0 / 3, .bins = bins},
        {.name = "dense1.bias", .epoch = e, .n = 1}};
    struct rn_units_fact u = {"relu1", e, 4, e % 5};

    ck_assert_int_eq(report_epoch(r, &(struct rn_epoch){.epoch = e, .val_loss = val_loss}), 0);
    ck_assert_int_eq(report_inside(r, p, 2, &u, 1), 0);
    memset(name, 'x', sizeof name - 1); /* nothing that was handed in is needed any more */
}

START_TEST(bins_are_kept_of_the_first_the_best_and_the_last_epoch)
{
    static const double loss[] = {0.9, 0.5, 0.3, 0.4, 0.2, 0.6, 0.7};
    int64_t with_bins = 0;

    for (int64_t e = 1; e <= 7; e++) {
        epoch(e, loss[e - 1]);
        ck_assert_ptr_nonnull(v->params[2 * (e - 1)].bins); /* for who asks now */
    }
    ck_assert_int_eq(v->n_params, 14);
    ck_assert_int_eq(v->n_units, 7);
    for (int64_t i = 0; i < v->n_params; i++) {
        const struct rn_param_fact *p = &v->params[i];
        ck_assert_int_eq(p->epoch, i / 2 + 1);
        ck_assert_str_eq(p->name, i % 2 ? "dense1.bias" : "dense1.weight");
        if (!p->bins)
            continue;
        with_bins++;
        ck_assert(p->epoch == 1 || p->epoch == 5 || p->epoch == 7);
        ck_assert_int_eq(p->bins[0], p->epoch);
    }
    ck_assert_int_eq(with_bins, 3);
    ck_assert(v->params[0].grad_norm == 0.333333333);
    ck_assert_int_eq(v->units[6].silent, 2);
}
END_TEST

START_TEST(of_many_epochs_every_second_is_kept)
{
    for (int64_t e = 1; e <= 1205; e++)
        epoch(e, e == 334 ? 0.1 : 1);
    ck_assert_int_eq(v->n_params, 2 * v->n_units);
    ck_assert_int_le(v->n_units, 500);
    ck_assert_int_ge(v->n_units, 250);
    bool best = false;
    for (int64_t i = 0; i < v->n_units; i++) {
        int64_t e = v->units[i].epoch;
        ck_assert_int_eq(v->params[2 * i].epoch, e);
        best |= e == 334;
        ck_assert((e - 1) % 4 == 0 || e == 334 || e == 1205);
    }
    ck_assert(best);
    ck_assert_int_eq(v->units[0].epoch, 1);
    ck_assert_int_eq(v->units[v->n_units - 1].epoch, 1205);
    ck_assert_ptr_nonnull(v->params[0].bins);
}
END_TEST

/* ---- time and words ------------------------------------------------------------------------ */

START_TEST(times_add_up)
{
    double sum = 0;

    report_spent(r, &(struct report_spent){.seconds = 10.0 / 3,
                                           .start = 0.1234567891,
                                           .train = 2,
                                           .validation = 0.5,
                                           .test = 0.25,
                                           .peak_bytes = 1e6});
    for (int64_t i = 0; i < v->n_times; i++)
        sum += v->times[i].seconds;
    ck_assert_double_eq_tol(sum, v->seconds, 1e-8);
    ck_assert(v->seconds == 3.33333333);
    ck_assert_str_eq(v->times[0].name, "start");
    ck_assert(v->train_s == 2);
    ck_assert(v->peak_bytes == 1e6);
}
END_TEST

START_TEST(what_was_said_is_replaced)
{
    char first[] = "one";
    const char *warnings[] = {first, "two"};

    ck_assert_int_eq(report_said(r, warnings, 1, "a\n"), 0);
    memcpy(first, "xxx", 3);
    ck_assert_str_eq(v->warnings[0], "one");
    ck_assert_int_eq(report_said(r, warnings, 2, "a\nb\n"), 0);
    ck_assert_int_eq(v->n_warnings, 2);
    ck_assert_str_eq(v->warnings[1], "two");
    ck_assert_str_eq(v->log, "a\nb\n");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_short_curve_is_kept_whole,
                                  a_long_curve_keeps_its_mean_and_its_ends,
                                  bins_are_kept_of_the_first_the_best_and_the_last_epoch,
                                  of_many_epochs_every_second_is_kept,
                                  times_add_up,
                                  what_was_said_is_replaced};
    Suite *s = suite_create("thin");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
