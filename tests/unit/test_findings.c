/* test_findings.c - the rules on confidence, labels, uneven classes, the run before, the inside of
 * the model and time: each at both sides of its threshold, and silent without evidence. */
#include "support/judged.h"
#include "support/suite.h"

#define SAMPLES 10000

/* Two bins of samples: `sure` of them with that mean probability, the rest with 0.5 and half right.
 */
static struct made *calibrated(int64_t n, double mean, int64_t right)
{
    static struct rn_confidence bins[RN_CONFIDENCE_BINS];
    struct made *m = tested((const int64_t[]){900, 50, 50, 50, 900, 50, 50, 50, 900});

    memset(bins, 0, sizeof bins);
    bins[7] = (struct rn_confidence){n / 2, n / 4, 0.5};
    bins[13] = (struct rn_confidence){n - n / 2, right, mean};
    m->t.confidence = bins;
    return m;
}

START_TEST(calibration_is_judged_against_chance)
{
    struct made *m = calibrated(SAMPLES, 0.9, 4500); /* as it says */
    struct calibration c;

    ck_assert(judge_calibration(&m->t, &c));
    ck_assert_double_eq_tol(c.ece, 0, 1e-12);
    /* sqrt(2 / pi) (0.5 sqrt(0.25 / 5000) + 0.5 sqrt(0.09 / 5000)) */
    ck_assert_double_eq_tol(c.chance, 0.0045135, 1e-6);
    ck_assert_double_eq_tol(c.top - c.chance, 2 * 0.0024855, 1e-6);
    says(m, "confidence",
         "No deviation of its confidence from the share of right answers can be shown: they differ "
         "by 0.0 points on average, and chance alone gives up to 0.9");
    free(m);
    m = calibrated(SAMPLES, 0.9, 4500 - 94); /* 0.94 points: just within */
    says(m, "confidence", "No deviation");
    free(m);
    m = calibrated(SAMPLES, 0.9, 4500 - 96); /* and just beyond */
    says(m, "confidence", "Overconfident: on average it is 70.0 % sure and right in 69.0 %");
    free(m);
    m = calibrated(SAMPLES, 0.9, 4500 + 96);
    says(m, "confidence", "Underconfident: ");
    free(m);
}
END_TEST

START_TEST(opposite_deviations_are_no_overconfidence)
{
    struct made *m = calibrated(SAMPLES, 0.9, 4300);
    struct rn_confidence bins[RN_CONFIDENCE_BINS];

    memcpy(bins, m->t.confidence, sizeof bins);
    bins[7].right += 200;
    m->t.confidence = bins;
    says(m, "confidence", "too high or too low over all cannot be shown");
    free(m);
}
END_TEST

START_TEST(confidence_is_silent_without_evidence)
{
    struct made *m = calibrated(98, 0.9, 0),
                *none = tested((const int64_t[]){9, 0, 0, 0, 9, 0, 0, 0, 9});

    silent(m, "confidence");
    silent(none, "confidence");
    silent(none, "coverage");
    silent(none, "labels");
    free(m);
    free(none);
}
END_TEST

/* n samples, of which the last `doubtful` have a probability of 0.6; some of each are wrong. */
static struct rn_sample *answers(struct made *m, int64_t n, int64_t doubtful, int64_t wrong_sure,
                                 int64_t wrong_doubtful)
{
    struct rn_sample *s = calloc((size_t)n, sizeof *s);

    for (int64_t i = 0; i < n; i++) {
        bool doubt = i >= n - doubtful, wrong = doubt ? n - 1 - i < wrong_doubtful : i < wrong_sure;
        s[i] = (struct rn_sample){.index = i,
                                  .predicted = wrong,
                                  .p_true = wrong ? 0.001 * (double)(i + 1) : 0.5,
                                  .p_predicted = (doubt ? 0.6 : 0.995) - 1e-7 * (double)i};
    }
    m->t.n = n;
    m->t.samples = s;
    m->t.accuracy = 1 - (double)(wrong_sure + wrong_doubtful) / (double)n;
    wilson_interval(n - wrong_sure - wrong_doubtful, n, &m->t.low, &m->t.high);
    return s;
}

START_TEST(refusing_is_proposed_where_it_pays)
{
    struct made *m = tested((const int64_t[]){900, 50, 50, 50, 900, 50, 50, 50, 900});
    struct rn_sample *s = answers(m, 10000, 500, 20, 200);

    says(m, "coverage",
         "Refusing the least sure 2 % of samples, those below a confidence of 0.599, "
         "leaves 99.8 % right of the rest of these samples");
    for (int64_t i = 0; i < m->t.n; i++)
        s[i].p_predicted = 0.9; /* all alike: there is no least sure */
    silent(m, "coverage");
    s[5].p_predicted = NAN;
    silent(m, "coverage");
    free(s);
    s = answers(m, 10000, 500, 110, 100); /* less than half of the mistakes are doubtful */
    silent(m, "coverage");
    free(s);
    s = answers(m, 200, 10, 0, 2); /* two mistakes are chance */
    silent(m, "coverage");
    free(s);
    free(m);
}
END_TEST

START_TEST(labels_are_doubted_only_where_certainty_means_something)
{
    struct made *m = tested((const int64_t[]){900, 50, 50, 50, 900, 50, 50, 50, 900});
    struct rn_sample *s = answers(m, 1000, 500, 5, 0); /* 5 of 500 sure ones: 1 % */

    says(m, "labels",
         "at least 99 % sure, it errs 5 times in 500. There the label itself may be "
         "wrong; worth a look: test samples 0 (labelled ant, taken for bee), 1 ");
    ck_assert_ptr_null(strstr(said(m, "labels", NULL), " 3 ("));
    free(s);
    s = answers(m, 1000, 500, 6, 0);
    silent(m, "labels");
    free(s);
    s = answers(m, 1000, 500, 0, 9);
    silent(m, "labels");
    free(s);
    s = answers(m, 150, 51, 1, 0); /* 99 sure ones */
    silent(m, "labels");
    free(s);
    free(m);
}
END_TEST

START_TEST(uneven_classes_are_named)
{
    struct made *m = tested((const int64_t[]){500, 0, 0, 0, 100, 0, 10, 0, 40});
    struct made *even = tested((const int64_t[]){500, 0, 0, 0, 100, 0, 10, 0, 41});

    says(m, "imbalance", "500 test samples of ant, 50 of cat. Accuracy says little");
    says(m, "imbalance", "F1 of all classes is 0.50");
    silent(even, "imbalance");
    m->t.macro_f1 = NAN;
    silent(m, "imbalance");
    free(m);
    free(even);
}
END_TEST

START_TEST(a_class_that_is_never_predicted_is_named)
{
    struct made *m = tested((const int64_t[]){500, 0, 0, 10, 0, 0, 10, 0, 40});
    struct made *few = tested((const int64_t[]){500, 0, 0, 9, 0, 0, 10, 0, 40});
    struct made *once = tested((const int64_t[]){500, 1, 0, 10, 0, 0, 10, 0, 40});
    int tone = 0;

    says(m, "never_predicted", "for any test sample: bee (10 test samples).");
    said(m, "never_predicted", &tone);
    ck_assert_int_eq(tone, RN_BAD);
    silent(few, "never_predicted");
    silent(once, "never_predicted");
    free(m);
    free(few);
    free(once);
}
END_TEST

START_TEST(the_run_before_is_compared_with_both_intervals)
{
    struct made *m = tested((const int64_t[]){900, 50, 50, 50, 900, 50, 50, 50, 900});
    const struct rn_change changes[] = {{"optimizer.lr", "0.1", "0.01"}, {"scheduler", NULL, "on"}};
    struct rn_previous before = {.accuracy = 0.914, .changes = changes, .n_changes = 2};

    wilson_interval(2742, 3000, &before.low, &before.high);
    m->r.previous = &before;
    says(m, "previous",
         "No difference from the previous run can be shown: 90.0 % of the test "
         "samples are right, then 91.4 % (chance alone: ±1.47");
    free(m);
    m = tested((const int64_t[]){898, 50, 52, 50, 900, 50, 52, 50, 898});
    m->r.previous = &before;
    says(m, "previous", "Worse than the previous run: 89.9 %");
    says(m, "previous", "Changed: optimizer.lr from 0.1 to 0.01, scheduler from nothing to on.");
    before.changes = (const struct rn_change[]){
        {"loss.weights", NULL, "1"},       {"optimizer.beta1", NULL, "0.9"},
        {"optimizer.lr", "0.1", "0.01"},   {"optimizer.momentum", "0.9", NULL},
        {"optimizer.type", "sgd", "adam"}, {"seed", "1", "2"}};
    before.n_changes = 6;
    says(m, "previous",
         "Changed: optimizer.lr from 0.1 to 0.01, optimizer.type from sgd to adam, loss.weights "
         "from nothing to 1 and 3 more.");
    before.accuracy = 0.88;
    wilson_interval(2640, 3000, &before.low, &before.high);
    before.n_changes = 0;
    says(m, "previous", "Better than the previous run: ");
    says(m, "previous", "No value of the configuration was changed.");
    before.changes = (const struct rn_change[]){{"data, test set", "not known", "not known"}};
    before.n_changes = 1;
    says(m, "previous", "is not known to have been measured on the same test set: its 88.0 %");
    says(m, "previous", "No value of the configuration was changed.");
    before.accuracy = NAN;
    silent(m, "previous");
    free(m);
}
END_TEST

/* ---- the inside ----------------------------------------------------------- */

enum { LAYERS = 3, ROWS = 6 };

/* Three weights in each of six epochs, whose gradient is 1 per value and whose steps are 1e-3. */
static struct rn_param_fact *params(struct made *m)
{
    static struct rn_param_fact p[LAYERS * ROWS];
    static const char *const names[] = {"a.weight", "b.weight", "c.weight"};

    for (int i = 0; i < LAYERS * ROWS; i++)
        p[i] = (struct rn_param_fact){.name = names[i % LAYERS],
                                      .epoch = 1 + i / LAYERS,
                                      .n = 100,
                                      .grad_norm = 10,
                                      .weight_norm = 1,
                                      .update_norm = 1e-3};
    m->r.params = p;
    m->r.n_params = LAYERS * ROWS;
    return p;
}

static struct made *flat(void)
{
    const double y[] = {0.4, 0.4, 0.4, 0.4, 0.4, 0.4};

    return curves(6, y, y);
}

START_TEST(gradients_vanish_when_they_do_in_every_epoch)
{
    struct made *m = flat();
    struct rn_param_fact *p = params(m);
    int tone = 0;

    silent(m, "gradients");
    for (int e = 0; e < ROWS; e++)
        p[LAYERS * e].grad_norm = 0.0099;
    says(m, "gradients",
         "vanish towards the input: for a weight of a.weight it is 0.001 on average, "
         "for one of c.weight 1");
    said(m, "gradients", &tone);
    ck_assert_int_eq(tone, RN_BAD);
    p[LAYERS].grad_norm = 0.0101;
    silent(m, "gradients");
    for (int e = 0; e < ROWS; e++)
        p[LAYERS * e].grad_norm = 10001;
    says(m, "gradients", "explode towards the input");
    p[1].name = "b.bias"; /* two weights are no depth */
    silent(m, "gradients");
    p[5].grad_norm = NAN;
    says(m, "gradients", "The gradient of c.weight is not a finite number at the end of epoch 2");
    m->r.n_params = 0;
    silent(m, "gradients");
    free(m);
}
END_TEST

START_TEST(gradients_explode_when_two_epochs_show_it)
{
    struct made *m = flat();
    struct rn_param_fact *p = params(m);

    for (int i = 0; i < LAYERS; i++)
        p[LAYERS * 5 + i].grad_norm = 2000;
    silent(m, "gradients"); /* one epoch: it was one batch */
    for (int i = 0; i < LAYERS; i++)
        p[LAYERS * 4 + i].grad_norm = 1001;
    says(m, "gradients",
         "Gradients explode: their norm at the end of an epoch was 17 before and is "
         "3.5e+03 now");
    for (int i = 0; i < LAYERS; i++)
        p[LAYERS * 4 + i].grad_norm = 999;
    silent(m, "gradients");
    free(m);
}
END_TEST

START_TEST(updates_are_small_or_large_in_every_epoch)
{
    struct made *m = flat();
    struct rn_param_fact *p = params(m);

    silent(m, "updates");
    for (int i = 0; i < LAYERS * ROWS; i++)
        p[i].update_norm = 0.9e-4;
    says(m, "updates",
         "A step changes the weights little: in each epoch that was looked at, at its end, by at "
         "most "
         "9e-05 of their norm");
    p[0].update_norm = p[1].update_norm = 1.1e-4; /* as warm-up or a schedule would */
    silent(m, "updates");
    for (int i = 0; i < LAYERS * ROWS; i++)
        p[i].update_norm = 1.1e-2;
    says(m, "updates", "changes the weights much");
    p[0].update_norm = p[1].update_norm = 0.9e-2;
    silent(m, "updates");
    for (int i = 0; i < LAYERS * ROWS; i++)
        p[i].weight_norm = 0;
    silent(m, "updates");
    free(m);
}
END_TEST

START_TEST(silent_units_are_named_when_they_stay)
{
    struct made *m = flat();
    struct rn_units_fact u[] = {
        {"relu1", 1, 10, 5}, {"relu2", 1, 10, 0}, {"relu1", 2, 10, 5}, {"relu2", 2, 10, 9}};

    m->r.units = u;
    m->r.n_units = 4;
    says(m, "silent_units", "a batch: relu1 (5 of 10). Those");
    u[2].silent = 4;
    silent(m, "silent_units");
    m->r.n_units = 1; /* one epoch */
    silent(m, "silent_units");
    free(m);
}
END_TEST

START_TEST(time_is_spoken_of_when_one_thing_dominates)
{
    struct made *m = flat();
    struct rn_layer_fact l[] = {
        {.name = "a", .type = "conv2d", .forward_us = 20, .backward_us = 30},
        {.name = "b", .forward_us = 25, .update_us = NAN},
        {.name = "c", .forward_us = 25}};
    struct rn_time_fact t[] = {{"start", 1}, {"train", 4}, {"files", 4.1}, {"test", 0.9}};

    m->r.layers = l;
    m->r.n_layers = 3;
    m->r.times = t;
    m->r.n_times = 4;
    m->r.seconds = 10;
    says(m, "slowest_layer", "a (conv2d) takes 50 % of the time of all layers");
    m->r.status = "diverged"; /* in a few steps it may be chance */
    silent(m, "slowest_layer");
    m->r.status = "finished";
    says(m, "time",
         "More time went into writing files (4.1 s) than into training steps (4.0 s "
         "of 10.0 s in all)");
    l[2].forward_us = 26;
    t[2].seconds = 4;
    silent(m, "slowest_layer");
    silent(m, "time");
    m->r.n_layers = 2; /* of two one always dominates */
    silent(m, "slowest_layer");
    t[2].seconds = 5;
    m->r.seconds = 0.9;
    silent(m, "time");
    free(m);
}
END_TEST

/* Nothing may depend on a measurement that this kind of run does not have. */
START_TEST(odd_runs_are_told_in_sane_words)
{
    const double y[] = {0.5}, bad[] = {0.5, NAN, NAN};
    struct made *runs[] = {curves(0, y, y),
                           curves(1, y, y),
                           curves(3, bad, bad),
                           tested((const int64_t[]){9, 0, 0, 0, 0, 0, 0, 0, 0}),
                           tested((const int64_t[]){9, 1, 0, 3, 7, 0, 0, 0, 0}),
                           flat()};
    struct made *regression = runs[5];

    const struct rn_sample samples[50] = {{.loss = 20}};

    runs[2]->r.status = "diverged";
    regression->t = (struct rn_test){.n = 50,
                                     .samples = samples,
                                     .loss = 0.4,
                                     .accuracy = NAN,
                                     .low = NAN,
                                     .high = NAN,
                                     .ece = NAN,
                                     .macro_f1 = NAN};
    regression->r.test = &regression->t;
    regression->r.classes = 0;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        struct pool *p = pool_new();
        struct rn_finding *f;
        int64_t n;

        ck_assert_int_eq(analysis_make(p, &runs[i]->r, NULL, NULL, NULL, &f, &n), 0);
        ck_assert_int_ge(n, 1);
        for (int64_t k = 0; k < n; k++) {
            size_t length = strlen(f[k].text);
            ck_assert_msg(!strstr(f[k].text, "nan") && !strstr(f[k].text, "inf "), "%s", f[k].text);
            ck_assert_msg(length > 10 && f[k].text[length - 1] == '.', "%s", f[k].text);
            ck_assert_ptr_null(f[k].override);
        }
        pool_free(p);
        free(runs[i]);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("findings");
    TCase *c = tcase_create("findings");

    tcase_add_test(c, calibration_is_judged_against_chance);
    tcase_add_test(c, opposite_deviations_are_no_overconfidence);
    tcase_add_test(c, confidence_is_silent_without_evidence);
    tcase_add_test(c, refusing_is_proposed_where_it_pays);
    tcase_add_test(c, labels_are_doubted_only_where_certainty_means_something);
    tcase_add_test(c, uneven_classes_are_named);
    tcase_add_test(c, a_class_that_is_never_predicted_is_named);
    tcase_add_test(c, the_run_before_is_compared_with_both_intervals);
    tcase_add_test(c, gradients_vanish_when_they_do_in_every_epoch);
    tcase_add_test(c, gradients_explode_when_two_epochs_show_it);
    tcase_add_test(c, updates_are_small_or_large_in_every_epoch);
    tcase_add_test(c, silent_units_are_named_when_they_stay);
    tcase_add_test(c, time_is_spoken_of_when_one_thing_dominates);
    tcase_add_test(c, odd_runs_are_told_in_sane_words);
    suite_add_tcase(s, c);
    return suite_run(s);
}
