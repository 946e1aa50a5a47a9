/* test_analysis.c - each rule at both sides of its threshold, and where it has to be silent. */
#include "support/judged.h"
#include "support/suite.h"

static void judged(struct made *m, enum fit_verdict wanted, int64_t onset)
{
    struct numbers numbers;

    judge_numbers(m->r.test, m->wanted, m->predicted, &numbers);
    struct fit f = judge_fit(&m->r, &numbers);

    ck_assert_msg(f.verdict == wanted, "%s, wanted %s", fit_words(f.verdict), fit_words(wanted));
    ck_assert_int_eq(f.onset, onset);
}

/* ---- noise ---------------------------------------------------------------- */

START_TEST(noise_comes_from_the_accuracy_or_the_test_losses)
{
    const double flat[] = {0.5, 0.5, 0.5};
    struct made *m = curves(3, flat, flat);
    const struct rn_sample samples[] = {{.loss = 0}, {.loss = 1}, {.loss = 0}, {.loss = 1}};

    /* 0.5 sqrt(0.9 / 0.1) / sqrt(10000) */
    ck_assert_double_eq_tol(val_loss_error(&m->r), 0.015, 1e-12);
    m->e[0].val_accuracy = NAN; /* as if exponential: the mean itself */
    ck_assert_double_eq_tol(val_loss_error(&m->r), 0.005, 1e-12);
    m->t = (struct rn_test){.n = 4, .loss = 0.5, .samples = samples};
    m->r.test = &m->t; /* measured: sqrt(1/3) */
    ck_assert_double_eq_tol(val_loss_error(&m->r), sqrt(1 / 3.0) / 100, 1e-12);
    m->r.test = NULL;
    m->e[0].val_accuracy = 1; /* all right: one sample may be wrong, and it stays finite */
    ck_assert(isfinite(val_loss_error(&m->r)));
    m->e[0].val_accuracy = 0.9;
    m->r.val_samples = 10000;
    ck_assert_double_eq_tol(loss_gap_error(&m->r, NAN, m->e), 0.015 * sqrt(2), 1e-12);
    m->r.train_samples = 2500; /* fewer: twice the error of the one mean */
    ck_assert_double_eq_tol(loss_gap_error(&m->r, NAN, m->e), 0.015 * sqrt(5), 1e-12);
    m->r.val_samples = 0;
    ck_assert(isnan(val_loss_error(&m->r)));
    free(m);
}
END_TEST

/* ---- the fit -------------------------------------------------------------- */

START_TEST(a_rise_beyond_the_noise_is_strong_overfitting)
{
    const double fit[] = {0.5, 0.3, 0.2, 0.1, 0.05, 0.02};
    const double val[] = {0.5, 0.4, 0.41, 0.45, 0.5, 0.6};
    struct made *m = curves(6, fit, val);

    judged(m, FIT_STRONG, 4); /* the error is 0.012: 0.41 is within it */
    says(m, "overfitting", "from epoch 4 on");
    says(m, "overfitting", "Keep the weights of epoch 2");
    says(m, "longer", "would probably not help");
    says(m, "verdict", "best at epoch 2 of 6, strong overfitting");
    m->t.epoch = 2; /* its weights were brought back */
    m->r.test = &m->t;
    says(m, "overfitting", "The weights of epoch 2 were brought back and measured");
    free(m);
}
END_TEST

START_TEST(a_small_rise_or_a_gap_is_mild)
{
    const double fit[] = {0.5, 0.42, 0.4, 0.4, 0.4}, gap[] = {0.5, 0.3, 0.25, 0.22, 0.2};
    const double rise[] = {0.5, 0.4, 0.42, 0.43, 0.44}, flat[] = {0.5, 0.4, 0.4, 0.4, 0.4};
    struct made *m = curves(5, fit, rise), *g = curves(5, gap, flat);

    judged(m, FIT_MILD, 3);
    says(m, "overfitting", "from epoch 3 on");
    judged(g, FIT_MILD, 0);
    says(g, "overfitting", "has not risen beyond the noise");
    free(m);
    free(g);
}
END_TEST

START_TEST(a_rise_together_with_training_loss_is_no_overfitting)
{
    const double fit[] = {0.5, 0.39, 0.41, 0.45, 0.5, 0.6};
    const double val[] = {0.5, 0.4, 0.41, 0.45, 0.5, 0.6};
    struct made *m = curves(6, fit, val);

    judged(m, FIT_UNSTABLE, 4);
    says(m, "overfitting", "validation loss rose together with training loss, from 0.4");
    free(m);
}
END_TEST

START_TEST(a_change_beyond_the_noise_is_told_as_such)
{
    const double fit[] = {0.5, 0.4, 0.45, 0.4, 0.4, 0.42}, val[] = {0.5, 0.4, 0.45, 0.4, 0.4, 0.42};
    struct made *m = curves(6, fit, val);

    says(m, "longer", "rose by 0.02, more than the noise (±0.012); it was lowest at epoch 2");
    free(m);
}
END_TEST

START_TEST(one_bad_epoch_at_the_end_is_no_onset)
{
    const double fit[] = {0.5, 0.4, 0.4, 0.4, 0.4}, val[] = {0.5, 0.4, 0.4, 0.4, 0.42};
    struct made *m = curves(5, fit, val);

    judged(m, FIT_GOOD, 0);
    free(m);
}
END_TEST

START_TEST(a_loss_that_still_falls_is_underfitting)
{
    const double fit[] = {2, 1.6, 1.3, 1.1, 0.9}, val[] = {2, 1.6, 1.3, 1.1, 0.9};
    const double guess[] = {2.3, 2.3, 2.3, 2.3, 2.3};
    struct made *m = curves(5, fit, val), *g = curves(5, guess, guess);

    judged(m, FIT_UNDER, 0);
    says(m, "overfitting", "validation loss is still falling");
    says(m, "longer",
         "would probably help: validation loss was still falling, from 1.3 at epoch 3");
    judged(g, FIT_GOOD, 0); /* whatever such a loss means: 90 % are right */
    g->e[4].fit_accuracy = 0.18;
    judged(g, FIT_UNDER, 0);
    says(g, "overfitting", "hardly right more often");
    g->e[4].fit_accuracy = 0.2;
    judged(g, FIT_GOOD, 0);
    free(m);
    free(g);
}
END_TEST

START_TEST(a_flat_end_without_a_gap_is_a_good_fit)
{
    const double fit[] = {0.6, 0.41, 0.4, 0.4}, val[] = {0.6, 0.405, 0.4, 0.4};
    struct made *m = curves(4, fit, val);
    int tone = 0;

    judged(m, FIT_GOOD, 0);
    said(m, "overfitting", &tone);
    ck_assert_int_eq(tone, RN_GOOD);
    says(m, "longer", "cannot be told");
    free(m);
}
END_TEST

START_TEST(few_samples_say_nothing)
{
    const double fit[] = {0.6, 0.41, 0.4, 0.4}, val[] = {0.6, 0.405, 0.4, 0.4};
    struct made *m = curves(4, fit, val);

    m->r.val_samples = 20; /* the error is 0.27 */
    judged(m, FIT_NOISY, 0);
    says(m, "overfitting", "with 20 validation samples");
    free(m);
}
END_TEST

START_TEST(few_epochs_show_no_trend)
{
    const double y[] = {0.5, 0.1, 0.1, 0.1};
    const double gaps[] = {0.5, NAN, 0.1, NAN};
    struct made *one = curves(1, y, y), *two = curves(2, y, y), *gappy = curves(4, y, gaps);

    judged(one, FIT_UNKNOWN, 0);
    judged(two, FIT_UNKNOWN, 0);
    judged(gappy, FIT_UNKNOWN, 0);
    says(one, "overfitting", "cannot be judged from 1 epoch; it takes at least 3");
    ck_assert_str_eq(said(one, "longer", NULL), "");
    ck_assert_str_eq(said(two, "longer", NULL), "");
    free(one);
    free(two);
    free(gappy);
}
END_TEST

START_TEST(without_validation_nothing_is_judged)
{
    const double y[] = {0.5, 0.1, 0.1, 0.1}, none[] = {NAN, NAN, NAN, NAN};
    struct made *m = curves(4, y, none), *empty = curves(0, y, y);

    m->e[3].val_accuracy = NAN;
    ck_assert_str_eq(said(m, "overfitting", NULL), "");
    ck_assert_str_eq(said(m, "longer", NULL), "");
    says(m, "verdict", "Nothing was measured on held-out samples.");
    says(empty, "verdict", "Nothing was measured");
    free(m);
    free(empty);
}
END_TEST

START_TEST(divergence_is_named)
{
    const double fit[] = {0.5, 0.4, NAN}, val[] = {0.5, 0.4, NAN};
    struct made *m = curves(3, fit, val);
    int tone = 0;

    m->r.status = "diverged";
    says(m, "diverged", "from epoch 3 on. A lower learning rate (now 0.5)");
    said(m, "verdict", &tone);
    ck_assert_int_eq(tone, RN_BAD);
    says(m, "verdict", "Diverged: ");
    m->e[1].train_loss = NAN;
    m->e[2].train_loss = 0.5;
    says(m, "diverged", "not a finite number in epoch 2. A lower");
    free(m);
}
END_TEST

START_TEST(numbers_that_differ_look_different)
{
    const double val[] = {2.4, 2.3045, 2.304, 2.303}, large[] = {1500, 1300, 1100, 1040};
    struct made *m = curves(4, val, val), *l = curves(4, large, large);

    m->r.val_samples = l->r.val_samples = 100000000;
    says(m, "longer", "from 2.304 at epoch 2 to 2.303 at");
    says(l, "longer", "from 1300 at epoch 2 to 1040 at");
    ck_assert_int_eq(digits_apart(1, 1), 3);
    ck_assert_int_eq(digits_apart(1.23456, 1.23457), 6);
    ck_assert_int_le(digits_apart(NAN, 1e300), 9);
    free(m);
    free(l);
}
END_TEST

START_TEST(what_was_not_measured_is_said_to_be_missing)
{
    const double val[] = {0.6, 0.405, 0.4, 0.4}, none[] = {NAN, NAN, NAN, NAN};
    struct made *m = curves(4, none, val);

    says(m, "overfitting", "The fit was not judged");
    free(m);
}
END_TEST

START_TEST(what_a_callback_ended_is_not_asked_whether_it_was_too_short)
{
    const double flat[] = {0.5, 0.4, 0.4, 0.4};
    struct made *m = curves(4, flat, flat);

    says(m, "longer", "cannot be told");
    m->r.epochs_planned = 10;
    m->r.patience = 2;
    silent(m, "longer");
    m->r.epochs_planned = 4;
    says(m, "longer", "cannot be told");
    free(m);
}
END_TEST

/* ---- the test pass -------------------------------------------------------- */

START_TEST(accuracy_has_its_interval_and_its_digits)
{
    struct made *m = tested((const int64_t[]){960, 20, 20, 10, 980, 10, 5, 5, 990});
    int tone = 0;

    says(m, "quality", "97.7 % of 3000 test samples are right (95 % interval 97.1 to 98.1 %)");
    says(m, "quality", "always saying ant would give 33.3 %");
    said(m, "quality", &tone);
    ck_assert_int_eq(tone, RN_GOOD);
    ck_assert_int_eq(percent_digits(0.03), 0);
    ck_assert_int_eq(percent_digits(0.003), 1);
    ck_assert_int_eq(percent_digits(0.0003), 2);
    free(m);
}
END_TEST

START_TEST(guessing_is_called_guessing)
{
    struct made *m = tested((const int64_t[]){800, 0, 0, 100, 0, 0, 100, 0, 0});
    int tone = 0;

    says(m, "quality", "No better than always saying ant");
    said(m, "quality", &tone);
    ck_assert_int_eq(tone, RN_BAD);
    free(m);
}
END_TEST

START_TEST(weak_classes_stand_out_only_beyond_chance)
{
    struct made *m = tested((const int64_t[]){900, 100, 0, 10, 990, 0, 0, 10, 990});
    struct made *even = tested((const int64_t[]){96, 2, 2, 1, 98, 1, 1, 2, 97});
    struct made *few = tested((const int64_t[]){0, 5, 0, 0, 5, 0, 0, 4, 4});

    says(m, "weakest_classes", "ant (90.0 % of 1000)");
    ck_assert_ptr_null(strstr(said(m, "weakest_classes", NULL), "cat"));
    says(even, "weakest_classes", "No class stands out: the lowest recall, 96.0 % of 100");
    ck_assert_str_eq(said(few, "weakest_classes", NULL), ""); /* fewer than 10 of each */
    free(m);
    free(even);
    free(few);
}
END_TEST

START_TEST(weak_classes_beyond_three_are_counted)
{
    struct made *m = tested((const int64_t[]){900, 100, 0, 10, 990, 0, 0, 10, 990});
    struct rn_class_fact c[5];

    for (int i = 0; i < 5; i++)
        c[i] = (struct rn_class_fact){.name = "x", .support = 600, .recall = i ? 0.9 : 1};
    m->t.classes = 5;
    m->t.per_class = c;
    m->t.pairs = NULL;
    m->t.n_pairs = 0;
    says(m, "weakest_classes", "x (90.0 % of 600) and 1 more.");
    free(m);
}
END_TEST

START_TEST(pairs_stand_out_only_beyond_chance)
{
    struct made *m = tested((const int64_t[]){960, 40, 0, 2, 996, 2, 1, 2, 997});
    struct made *even = tested((const int64_t[]){96, 2, 2, 1, 98, 1, 1, 2, 97});
    struct made *none = tested((const int64_t[]){10, 0, 0, 0, 10, 0, 0, 0, 10});

    says(m, "confused_pairs",
         "Most frequent mistake: ant taken for bee (40 times); 85 % of all 47");
    ck_assert_str_eq(said(even, "confused_pairs", NULL), "");
    says(none, "confused_pairs", "Not one test sample was mistaken");
    ck_assert_str_eq(said(none, "weakest_classes", NULL), "");
    free(m);
    free(even);
    free(none);
}
END_TEST

START_TEST(perfect_scores_leave_room_for_chance)
{
    struct made *m = tested((const int64_t[]){10, 0, 0, 0, 10, 0, 0, 0, 10});

    m->r.val_samples = 30;
    m->e[3].val_accuracy = 1;
    says(m, "validation_against_test",
         "agree within chance (±11.35 points)"); /* 1 - Wilson's bound */
    free(m);
}
END_TEST

#define NUMBERS 40
START_TEST(numbers_are_held_against_their_mean)
{
    const double flat[] = {0.5, 0.41, 0.4, 0.4};
    struct made *m = curves(4, flat, flat);
    double wanted[NUMBERS], near[NUMBERS], mean[NUMBERS], far[NUMBERS];
    struct rn_sample samples[NUMBERS] = {{.loss = 0}};
    int tone = 0;

    for (int i = 0; i < NUMBERS; i++) {
        wanted[i] = i % 2 ? 3 : 1;
        near[i] = wanted[i] + 0.1;
        mean[i] = 2;
        far[i] = 4;
    }
    m->t = (struct rn_test){.n = NUMBERS, .loss = 0.4, .samples = samples};
    m->r.test = &m->t;
    m->r.classes = 0;
    says(m, "quality", "The mean loss over 40 test samples is 0.4.");
    m->wanted = wanted;
    m->predicted = near;
    says(m, "quality",
         "is 0.1; always answering the mean of the true values would give 1 (R² 0.99)");
    said(m, "quality", &tone);
    ck_assert_int_eq(tone, RN_GOOD);
    says(m, "verdict", "good fit");
    m->predicted = mean;
    says(m, "quality", "No better than always answering the mean");
    said(m, "quality", &tone);
    ck_assert_int_eq(tone, RN_BAD);
    says(m, "verdict", "underfitting");
    says(m, "overfitting", "it errs hardly less than by always answering the mean");
    m->predicted = far;
    says(m, "quality", "is 2.24, and that would give 1 (R² -4.00)");
    judged(m, FIT_UNDER, 0);
    m->t.loss = 12345.67;
    says(m, "verdict", "Loss 12346 on test");
    far[0] = NAN;
    says(m, "quality", "The mean loss over");
    free(m);
}
END_TEST

START_TEST(what_guessing_does_as_well_is_no_good_fit)
{
    struct made *m = tested((const int64_t[]){800, 0, 0, 100, 0, 0, 100, 0, 0});
    struct made *one = tested((const int64_t[]){30, 0, 0, 0, 0, 0, 0, 0, 0});

    judged(m, FIT_UNDER, 0); /* whatever it got right of the training samples */
    one->r.classes = 1;
    judged(one, FIT_UNKNOWN, 0);
    free(m);
    free(one);
}
END_TEST

START_TEST(one_class_alone_proves_nothing)
{
    struct made *m = tested((const int64_t[]){30, 0, 0, 0, 0, 0, 0, 0, 0});

    says(m, "quality", "All 30 test samples are of the class ant");
    free(m);
}
END_TEST

START_TEST(validation_and_test_are_compared_with_their_noise)
{
    struct made *m = tested((const int64_t[]){900, 50, 50, 50, 900, 50, 50, 50, 900});

    says(m, "validation_against_test", "agree within chance");
    m->e[3].val_accuracy = 0.95; /* 5 points above; the noise is 1.15 */
    says(m, "validation_against_test", "5.00 points below validation");
    m->e[3].val_accuracy = 0.85;
    says(m, "validation_against_test", "5.00 points above validation");
    m->t.epoch = 2; /* the weights of an epoch that agrees */
    says(m, "validation_against_test", "agree within chance");
    m->e[1].val_accuracy = NAN;
    ck_assert_str_eq(said(m, "validation_against_test", NULL), "");
    free(m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("analysis");
    TCase *c = tcase_create("analysis");

    tcase_add_test(c, noise_comes_from_the_accuracy_or_the_test_losses);
    tcase_add_test(c, a_rise_beyond_the_noise_is_strong_overfitting);
    tcase_add_test(c, a_small_rise_or_a_gap_is_mild);
    tcase_add_test(c, a_rise_together_with_training_loss_is_no_overfitting);
    tcase_add_test(c, a_change_beyond_the_noise_is_told_as_such);
    tcase_add_test(c, one_bad_epoch_at_the_end_is_no_onset);
    tcase_add_test(c, a_loss_that_still_falls_is_underfitting);
    tcase_add_test(c, a_flat_end_without_a_gap_is_a_good_fit);
    tcase_add_test(c, few_samples_say_nothing);
    tcase_add_test(c, few_epochs_show_no_trend);
    tcase_add_test(c, without_validation_nothing_is_judged);
    tcase_add_test(c, divergence_is_named);
    tcase_add_test(c, numbers_that_differ_look_different);
    tcase_add_test(c, what_was_not_measured_is_said_to_be_missing);
    tcase_add_test(c, what_a_callback_ended_is_not_asked_whether_it_was_too_short);
    tcase_add_test(c, accuracy_has_its_interval_and_its_digits);
    tcase_add_test(c, guessing_is_called_guessing);
    tcase_add_test(c, weak_classes_stand_out_only_beyond_chance);
    tcase_add_test(c, weak_classes_beyond_three_are_counted);
    tcase_add_test(c, pairs_stand_out_only_beyond_chance);
    tcase_add_test(c, validation_and_test_are_compared_with_their_noise);
    tcase_add_test(c, perfect_scores_leave_room_for_chance);
    tcase_add_test(c, numbers_are_held_against_their_mean);
    tcase_add_test(c, what_guessing_does_as_well_is_no_good_fit);
    tcase_add_test(c, one_class_alone_proves_nothing);
    suite_add_tcase(s, c);
    return suite_run(s);
}
