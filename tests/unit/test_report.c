/* test_report.c - the facts: scores against scikit-learn's published example, intervals against
 * known values, metrics by name, the files. */
#define _GNU_SOURCE
#include "base/error.h"
#include "base/file.h"
#include "support/made_run.h"
#include "support/suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void near(double got, double wanted)
{
    ck_assert_msg(fabs(got - wanted) < 1e-6, "%.9g is not %.9g", got, wanted);
}

static struct report *opened(int64_t classes)
{
    struct report *r;

    ck_assert_int_eq(report_open(&(struct rn_report){.name = "x", .classes = classes}, &r), 0);
    return r;
}

/* One-hot scores for what was said. */
static int tested(struct report *r, int64_t n, int64_t classes, const int64_t *truth,
                  const int64_t *said)
{
    double scores[256] = {0}, loss[64] = {0};

    for (int64_t i = 0; i < n; i++)
        scores[i * classes + said[i]] = 1;
    return report_test(
        r, &(struct report_test){
               .n = n, .classes = classes, .scores = scores, .truth = truth, .loss = loss});
}

/* The example of sklearn.metrics.classification_report in its documentation. */
static const int64_t truth_5[] = {0, 1, 2, 2, 2}, said_5[] = {0, 0, 2, 2, 1};

START_TEST(scores_are_those_of_scikit_learn)
{
    struct report *r = opened(4); /* class 3 never occurs: it does not count in the macro mean */

    ck_assert_int_eq(tested(r, 5, 4, truth_5, said_5), 0);
    const struct rn_test *t = report_view(r)->test;
    const double wanted[4][3] = {{0.5, 1, 2 / 3.0}, {0, 0, 0}, {1, 2 / 3.0, 0.8}, {0, 0, 0}};
    for (int c = 0; c < 4; c++) {
        near(t->per_class[c].precision, wanted[c][0]);
        near(t->per_class[c].recall, wanted[c][1]);
        near(t->per_class[c].f1, wanted[c][2]);
    }
    ck_assert_int_eq(t->per_class[2].support, 3);
    ck_assert_int_eq(t->per_class[0].predicted, 2);
    ck_assert_str_eq(t->per_class[3].name, "3");
    near(t->macro_f1, (2 / 3.0 + 0.8) / 3);
    near(t->accuracy, 0.6);
    ck_assert_int_eq(t->confusion[2 * 4 + 1], 1);
    ck_assert_int_eq(t->confusion[1 * 4 + 2], 0); /* rows are the truth */
    report_close(r);
}
END_TEST

START_TEST(pairs_come_most_frequent_first)
{
    const int64_t truth[] = {0, 0, 1, 2, 2, 1}, said[] = {1, 1, 0, 2, 0, 0};
    struct report *r = opened(3);

    tested(r, 6, 3, truth, said);
    const struct rn_test *t = report_view(r)->test;
    ck_assert_int_eq(t->n_pairs, 3);
    ck_assert_int_eq(t->pairs[0].truth, 0); /* 2 times, as 1 for 0: the smaller class is first */
    ck_assert_int_eq(t->pairs[0].count, 2);
    ck_assert_int_eq(t->pairs[1].truth, 1);
    ck_assert_int_eq(t->pairs[2].count, 1);
    report_close(r);
}
END_TEST

START_TEST(the_interval_is_wilsons)
{
    static const struct { /* checked with 40 digits and against published tables */
        int64_t k, n;
        double low, high;
    } known[] = {
        {8, 10, 0.4901625, 0.9433178}, {0, 10, 0, 0.2775328}, {10, 10, 0.7224672, 1}, {0, 0, 0, 1}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        double low, high;
        wilson_interval(known[i].k, known[i].n, &low, &high);
        near(low, known[i].low);
        near(high, known[i].high);
    }
}
END_TEST

START_TEST(scores_that_are_no_numbers_lose)
{
    const double scores[] = {NAN, 0.2, 0.1, NAN, NAN, NAN}, loss[] = {1, NAN};
    const int64_t truth[] = {1, 2};
    struct report *r = opened(3);

    ck_assert_int_eq(
        report_test(r,
                    &(struct report_test){
                        .n = 2, .classes = 3, .scores = scores, .truth = truth, .loss = loss}),
        0);
    ck_assert_int_eq(report_view(r)->test->samples[0].predicted, 1);
    ck_assert_int_eq(report_view(r)->test->samples[1].predicted, 0);
    report_close(r);
}
END_TEST

START_TEST(a_class_out_of_range_is_refused)
{
    const int64_t truth[] = {0, 3}, said[] = {0, 0};
    struct report *r = opened(3);

    ck_assert_int_eq(tested(r, 2, 3, truth, said), RN_EDATA);
    ck_assert_ptr_nonnull(strstr(error_text(), "test sample 1 has the class 3, expected 0 to 2"));
    ck_assert_ptr_null(report_view(r)->test);
    report_close(r);
}
END_TEST

START_TEST(metrics_have_names)
{
    static const double val[] = {0.5, NAN, 0.3, 0.3, 0.4};
    struct report *r = opened(0);

    ck_assert(isnan(report_metric(r, "val.loss")));
    ck_assert(isnan(report_metric(r, "best.val.loss")));
    for (int i = 0; i < 5; i++)
        report_epoch(r, &(struct rn_epoch){
                            .epoch = i + 1, .val_loss = val[i], .lr = 0.1, .train_accuracy = i});
    ck_assert_int_eq(report_view(r)->best_epoch, 3); /* the first of the equal ones; no NaN */
    near(report_metric(r, "val.loss"), 0.4);
    near(report_metric(r, "best.val.loss"), 0.3);
    near(report_metric(r, "epoch5.val.loss"), 0.4);
    near(report_metric(r, "epoch3.val.loss"), 0.3);
    ck_assert(isnan(report_metric(r, "epoch6.val.loss")));
    ck_assert(isnan(report_metric(r, "epoch.val.loss")));
    ck_assert(isnan(report_metric(r, "epoch3.test.loss")));
    near(report_metric(r, "best.train.accuracy"), 2);
    near(report_metric(r, "best.epoch"), 3);
    near(report_metric(r, "flops"), report_view(r)->flops);
    near(report_metric(r, "epochs"), 5);
    ck_assert(isnan(report_metric(r, "test.accuracy")));
    ck_assert(isnan(report_metric(r, "val.nonsense")));
    ck_assert(isnan(report_metric(r, "best.test.accuracy")));
    report_close(r);
}
END_TEST

START_TEST(expectations_are_judged_again_when_numbers_come)
{
    struct report *r = opened(4);

    report_expect(r, &(struct report_expect){"test.accuracy", 0.6, NAN, false,
                                             NULL}); /* 3 of 5: exactly at the bound */
    report_expect(r, &(struct report_expect){"test.accuracy", 0.2, 0.5, true, "a.yaml:3"});
    report_expect(r, &(struct report_expect){"no.such", NAN, 1, false, NULL});
    const struct rn_expectation *e = report_view(r)->expectations;
    ck_assert(!e[0].holds && isnan(e[0].value)); /* nothing measured does not hold */
    tested(r, 5, 4, truth_5, said_5);
    e = report_view(r)->expectations;
    ck_assert(e[0].holds && !e[1].holds && !e[2].holds);
    ck_assert_str_eq(e[0].wanted, ">= 0.6");
    ck_assert_str_eq(e[1].wanted, "0.2 to 0.5");
    ck_assert_str_eq(e[2].wanted, "<= 1");
    near(e[1].off, 0.1); /* 0.6 where up to 0.5 was wanted */
    ck_assert(e[0].off == 0 && isnan(e[2].off));
    ck_assert(e[1].warns && !e[0].warns);
    ck_assert_str_eq(e[1].where, "a.yaml:3");
    report_close(r);
}
END_TEST

static const struct rn_figure *figure(struct report *r, const char *name)
{
    for (int64_t i = 0; i < report_view(r)->n_figures; i++)
        if (!strcmp(report_view(r)->figures[i].name, name))
            return &report_view(r)->figures[i];
    return NULL;
}

START_TEST(the_same_samples_are_shown_in_every_run)
{
    struct report *r[2];

    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(made_run(&(struct made_run){5, 3, 200, NULL, true, false}, "/tmp", &r[i]),
                         0);
    const struct rn_report *a = report_view(r[0]), *b = report_view(r[1]);
    for (int64_t i = 0; i < a->n_figures; i++) {
        ck_assert_str_eq(a->figures[i].svg, b->figures[i].svg);
        ck_assert_str_eq(a->figures[i].csv, b->figures[i].csv);
        ck_assert_uint_gt(strlen(a->figures[i].alt), 20);
    }
    int fixed = 0;
    for (const char *p = figure(r[0], "sample_predictions")->csv; (p = strstr(p, "\nfixed,")); p++)
        fixed++;
    ck_assert_int_eq(fixed, 40);
    report_close(r[0]);
    report_close(r[1]);
}
END_TEST

START_TEST(tables_have_no_pictures)
{
    struct report *r;

    made_run(&(struct made_run){3, 2, 50, NULL, false, false}, "/tmp", &r);
    ck_assert_ptr_nonnull(figure(r, "accuracy"));
    ck_assert_ptr_null(figure(r, "sample_predictions"));
    ck_assert_ptr_null(figure(r, "worst_mistakes"));
    report_close(r);
}
END_TEST

/* ---- files ---------------------------------------------------------------- */

static cJSON *summary_of(struct report *r)
{
    struct text t = {0};

    report_summary_json(r, &t);
    cJSON *json = cJSON_Parse(text_str(&t));
    ck_assert_msg(json != NULL, "no JSON: %s", text_str(&t));
    text_free(&t);
    return json;
}

static cJSON *at(cJSON *json, const char *a, const char *b)
{
    return cJSON_GetObjectItem(cJSON_GetObjectItem(json, a), b);
}

START_TEST(the_summary_says_it_all)
{
    struct report *r;

    made_run(&(struct made_run){5, 3, 200, NULL, false, false}, "/tmp", &r);
    cJSON *json = summary_of(r);
    near(at(json, "test", "accuracy")->valuedouble, report_view(r)->test->accuracy);
    near(cJSON_GetArrayItem(at(json, "test", "accuracy_interval"), 0)->valuedouble,
         report_view(r)->test->low);
    ck_assert_int_eq(at(json, "final", "epoch")->valueint, 3);
    ck_assert_int_eq(at(json, "best", "epoch")->valueint, 3);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(json, "per_class")), 5);
    cJSON *row = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "confusion"), 4);
    ck_assert_int_eq(cJSON_GetArraySize(row), 5);
    ck_assert_int_eq(cJSON_GetArrayItem(row, 0)->valueint,
                     (int)report_view(r)->test->confusion[4 * 5 + 0]);
    ck_assert_str_eq(cJSON_GetObjectItem(json, "status")->valuestring, "finished");
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(
        cJSON_GetArrayItem(cJSON_GetObjectItem(json, "expectations"), 0), "holds")));
    cJSON_Delete(json);
    report_close(r);
}
END_TEST

START_TEST(what_is_no_number_is_a_string_in_json)
{
    struct report *r = opened(0);

    report_epoch(r, &(struct rn_epoch){.epoch = 1,
                                       .train_loss = -NAN,
                                       .train_accuracy = NAN,
                                       .fit_loss = INFINITY,
                                       .fit_accuracy = NAN,
                                       .val_loss = NAN,
                                       .val_accuracy = NAN});
    report_finish(r, "diverged", "because", 1, 1, 1);
    cJSON *json = summary_of(r);
    cJSON *final = cJSON_GetObjectItem(json, "final");
    ck_assert_str_eq(at(final, "train", "loss")->valuestring, "nan");
    ck_assert_str_eq(at(final, "fit", "loss")->valuestring, "inf");
    ck_assert_ptr_null(cJSON_GetObjectItem(json, "best"));
    cJSON_Delete(json);
    report_close(r);
}
END_TEST

static char *content(const char *dir, const char *name)
{
    char path[256];
    void *data;
    uint64_t n;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_msg(!file_read(path, 1 << 22, &data, &n), "%s", error_text());
    return data;
}

START_TEST(the_files_are_there)
{
    char dir[] = "/tmp/test_report_XXXXXX";
    struct report *r;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    made_run(&(struct made_run){3, 2, 14, "=cmd|' /C calc'!A0", true, false}, dir, &r);
    ck_assert_int_eq(report_write(r), 0);
    char *predictions = content(dir, "predictions.csv");
    ck_assert_ptr_nonnull(strstr(predictions, "index,true,predicted,p_true,p_predicted,loss,"
                                              "second,p_second,third,p_third\n"
                                              "0,0,0,0.9,0.9,0.105360516,1,0.05,2,0.05\n"));
    ck_assert_ptr_nonnull(strstr(predictions, "\n6,0,1,0.05,0.9,2.99573227,0,0.05,2,0.05\n"));
    char *epochs = content(dir, "epochs.csv");
    ck_assert_ptr_nonnull(strstr(epochs, "\n1,10,0.72,0.76,0.6,0.8,0.66,"));
    char *classes = content(dir, "figures/class_errors.csv");
    ck_assert_ptr_nonnull(strstr(classes, "\n'=cmd|")); /* no formula */
    ck_assert_ptr_null(strstr(classes, "\n=cmd|"));
    char *svg = content(dir, "figures/sample_predictions.svg");
    ck_assert_int_eq(strncmp(svg, "<svg ", 5), 0);
    cJSON *json = summary_of(r);
    ck_assert_str_eq(cJSON_GetObjectItem(json, "name")->valuestring, "=cmd|' /C calc'!A0");
    cJSON_Delete(json);
    mem_free(predictions);
    mem_free(epochs);
    mem_free(classes);
    mem_free(svg);
    report_close(r);
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

START_TEST(values_instead_of_classes_have_a_loss_alone)
{
    char dir[] = "/tmp/test_report_XXXXXX";
    const double loss[] = {0.5, 1.5};
    struct report *r;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    report_open(&(struct rn_report){.name = "x", .dir = dir, .val_samples = 10}, &r);
    for (int i = 1; i < 4; i++)
        report_epoch(r, &(struct rn_epoch){.epoch = i,
                                           .train_loss = 1.0 / i,
                                           .train_accuracy = NAN,
                                           .fit_loss = 1.0 / i,
                                           .fit_accuracy = NAN,
                                           .val_loss = 1.0 / i,
                                           .val_accuracy = NAN});
    ck_assert_int_eq(report_test(r, &(struct report_test){.n = 2, .loss = loss, .mean_loss = 1}),
                     0);
    ck_assert_int_eq(report_finish(r, "finished", "", 1, 1, 1), 0);
    ck_assert_ptr_nonnull(figure(r, "loss_train_val"));
    ck_assert_ptr_null(figure(r, "accuracy"));
    ck_assert_ptr_nonnull(strstr(report_view(r)->findings[0].text, "Loss 1 on test"));
    ck_assert(isnan(report_metric(r, "test.accuracy")));
    ck_assert_int_eq(report_write(r), 0);
    char *predictions = content(dir, "predictions.csv");
    ck_assert_ptr_nonnull(strstr(predictions, "\n1,,,nan,nan,1.5\n"));
    cJSON_Delete(summary_of(r));
    mem_free(predictions);
    report_close(r);
    file_remove_tree(dir);
}
END_TEST

START_TEST(a_folder_that_cannot_be_written_is_named)
{
    struct report *r;

    made_run(&(struct made_run){3, 1, 14, NULL, false, false}, "/proc/nowhere", &r);
    ck_assert_int_eq(report_write(r), RN_EIO);
    ck_assert_ptr_nonnull(strstr(error_text(), "/proc/nowhere"));
    report_close(r);
}
END_TEST

/* Each test runs in a process of its own, so that the fault is read anew. */
START_TEST(running_out_of_memory_leaves_nothing_behind)
{
    char n[16];
    struct report *r = NULL;

    snprintf(n, sizeof n, "%d", 1 + _i * 5);
    setenv("RN_FAIL_ALLOC", n, 1);
    int status = made_run(&(struct made_run){3, 2, 14, "a name", true, true}, "/tmp", &r);
    ck_assert_msg(status == 0 || status == RN_ENOMEM, "status %d", status);
    report_close(r);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

static const struct rn_epoch classified = {
    .epoch = 1, .fit_accuracy = 0.5, .val_accuracy = 0.5, .val_loss = 3};

START_TEST(further_metrics_have_names)
{
    struct report *r = opened(0);
    struct rn_epoch e = classified;
    const struct rn_metric first[] = {{"loss", 9}, {"accuracy", 9}, {"top3", 0.25}};

    report_expect(r, &(struct report_expect){"val.top3", 0.5, NAN, false, NULL});
    ck_assert(isnan(report_metric(r, "val.top3")));
    report_epoch(r, &e);
    ck_assert_int_eq(report_measures(r, "val", 1, first, 3), 0);
    ck_assert(!report_view(r)->expectations[0].holds);
    e.epoch = 2;
    e.val_loss = 1;
    report_epoch(r, &e);
    report_measures(r, "val", 2, &(struct rn_metric){"top3", 0.5}, 1);
    report_measures(r, "fit", 2, &(struct rn_metric){"top3", 0.625}, 1);
    e.epoch = 3;
    e.val_loss = 2;
    e.val_accuracy = NAN; /* a loss that does not classify: the metric is the only accuracy */
    report_epoch(r, &e);
    report_measures(r, "val", 3, first, 3);
    report_measures(r, "val", 3, &(struct rn_metric){"top3", 0.75}, 1);
    near(report_metric(r, "val.top3"), 0.75);
    near(report_metric(r, "best.val.top3"), 0.5);
    near(report_metric(r, "best.fit.top3"), 0.625);
    ck_assert(isnan(report_metric(r, "fit.top3")));
    ck_assert(isnan(report_metric(r, "best.top3")));
    ck_assert(isnan(report_metric(r, "test.top3")));
    near(report_metric(r, "val.loss"), 2);
    near(report_metric(r, "val.accuracy"), 9);
    near(report_metric(r, "best.val.accuracy"), 0.5);
    ck_assert(report_view(r)->expectations[0].holds);
    report_measures(r, "test", 0, &(struct rn_metric){"top3", 1}, 1);
    near(report_metric(r, "test.top3"), 1);
    ck_assert(isnan(report_metric(r, "best.test.top3")));
    ck_assert_int_eq(report_view(r)->n_measures, 6);
    near(rn_measured(report_view(r), "val", "top3", 2), 0.5);
    ck_assert(isnan(rn_measured(report_view(r), "val", "top3", 4)));
    report_close(r);
}
END_TEST

START_TEST(names_are_those_of_the_run)
{
    static const char *const metrics[] = {"accuracy", "mse"};
    struct pool *p = pool_new();
    int n, count = 0;
    const char *const *names = report_names(p, metrics, 2, &n);

    for (int i = 0; i < n; i++) {
        count += !strcmp(names[i], "test.accuracy") || !strcmp(names[i], "best.fit.mse");
        for (int k = 0; k < i; k++)
            ck_assert_str_ne(names[i], names[k]);
    }
    ck_assert_int_eq(count, 2);
    report_names(p, NULL, 0, &count);
    ck_assert_int_eq(n, count + 5);
    pool_free(p);
}
END_TEST

START_TEST(further_metrics_are_written)
{
    char dir[] = "/tmp/test_report_XXXXXX";
    struct report *r;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    made_run(&(struct made_run){5, 2, 20, NULL, false, true}, dir, &r);
    ck_assert_int_eq(report_write(r), 0);
    char *epochs = content(dir, "epochs.csv"), *summary = content(dir, "summary.json");
    ck_assert_ptr_nonnull(
        strstr(epochs, "samples_per_s,val_s,fit_top3,val_top3,fit_macro_f1,val_macro_f1\n"));
    ck_assert_ptr_nonnull(strstr(epochs, ",2000,0.25,0.81,0.71,0.71,0.61\n"));
    ck_assert_ptr_nonnull(strstr(epochs, ",2000,0.25,0.82,0.72,0.72,0.62\n"));
    cJSON *json = cJSON_Parse(summary);
    ck_assert_ptr_nonnull(json);
    near(at(cJSON_GetObjectItem(json, "final"), "val", "top3")->valuedouble, 0.72);
    near(at(cJSON_GetObjectItem(json, "best"), "fit", "macro_f1")->valuedouble, 0.72);
    near(at(json, "test", "top3")->valuedouble, 0.88);
    near(at(json, "test", "macro_f1")->valuedouble, 0.78);
    int keys = 0;
    for (cJSON *k = cJSON_GetObjectItem(json, "test")->child; k; k = k->next)
        keys += !strcmp(k->string, "macro_f1");
    ck_assert_int_eq(keys, 1);
    cJSON_Delete(json);
    mem_free(epochs);
    mem_free(summary);
    report_close(r);
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

START_TEST(numbers_are_drawn_and_written)
{
    enum { N = 2500 };
    static rn_real said[N];
    static float wanted[N];
    static double loss[N];
    char dir[] = "/tmp/test_report_XXXXXX";
    struct report *r;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (int i = 0; i < N; i++) {
        wanted[i] = (float)i;
        said[i] = (rn_real)i + (i == 1001 ? 7 : 1);
    }
    said[0] = NAN;
    report_open(&(struct rn_report){.name = "x", .dir = dir}, &r);
    ck_assert_int_eq(
        report_test(
            r, &(struct report_test){.n = N, .loss = loss, .predicted = said, .wanted = wanted}),
        0);
    ck_assert_int_eq(report_finish(r, "finished", "", 1, 1, 1), 0);
    const struct rn_figure *f = figure(r, "predicted_true");
    ck_assert_ptr_nonnull(f);
    ck_assert_str_eq(f->alt,
                     "Predicted against true values of 2500 test samples, 834 of them shown; "
                     "on the line both are equal. Farthest from it: sample 1001, predicted "
                     "1008, true 1001.");
    int dots = 0;
    for (const char *at = f->svg; (at = strstr(at, "<circle")); at++)
        dots++;
    ck_assert_int_eq(dots, 833); /* every third, less one that is no number */
    ck_assert_ptr_nonnull(strstr(f->csv, "index,true,predicted\n0,0,nan\n3,3,4\n"));
    ck_assert_int_eq(report_write(r), 0);
    char *predictions = content(dir, "predictions.csv");
    ck_assert_ptr_nonnull(strstr(predictions, "\n1001,1001,1008,nan,nan,0\n"));
    mem_free(predictions);
    report_close(r);
    file_remove_tree(dir);
}
END_TEST

START_TEST(regression_has_its_metrics)
{
    struct report *r;

    made_run(&(struct made_run){0, 4, 20, NULL, false, true}, "/tmp", &r);
    cJSON *json = summary_of(r);
    near(at(json, "test", "mse")->valuedouble, 0.88);
    near(at(json, "test", "mae")->valuedouble, 0.78);
    near(report_metric(r, "test.mse"), 0.88);
    near(report_metric(r, "best.val.mae"), 0.64);
    ck_assert_ptr_null(at(json, "test", "accuracy"));
    ck_assert_ptr_null(cJSON_GetObjectItem(json, "per_class"));
    ck_assert_ptr_null(figure(r, "accuracy"));
    ck_assert_ptr_null(figure(r, "confusion_matrix_counts"));
    cJSON_Delete(json);
    report_close(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("report");
    TCase *facts = tcase_create("facts"), *files = tcase_create("files");

    tcase_add_test(facts, scores_are_those_of_scikit_learn);
    tcase_add_test(facts, pairs_come_most_frequent_first);
    tcase_add_test(facts, the_interval_is_wilsons);
    tcase_add_test(facts, scores_that_are_no_numbers_lose);
    tcase_add_test(facts, a_class_out_of_range_is_refused);
    tcase_add_test(facts, metrics_have_names);
    tcase_add_test(facts, expectations_are_judged_again_when_numbers_come);
    tcase_add_test(facts, the_same_samples_are_shown_in_every_run);
    tcase_add_test(facts, tables_have_no_pictures);
    tcase_add_test(files, the_summary_says_it_all);
    tcase_add_test(files, what_is_no_number_is_a_string_in_json);
    tcase_add_test(files, the_files_are_there);
    tcase_add_test(facts, further_metrics_have_names);
    tcase_add_test(facts, names_are_those_of_the_run);
    tcase_add_test(files, further_metrics_are_written);
    tcase_add_test(files, regression_has_its_metrics);
    tcase_add_test(files, numbers_are_drawn_and_written);
    tcase_add_test(files, values_instead_of_classes_have_a_loss_alone);
    tcase_add_test(files, a_folder_that_cannot_be_written_is_named);
    tcase_add_loop_test(files, running_out_of_memory_leaves_nothing_behind, 0, 90);
    suite_add_tcase(s, facts);
    suite_add_tcase(s, files);
    return suite_run(s);
}
