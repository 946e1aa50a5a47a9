/* test_load.c - a report read back from its files is the report that wrote them; files that are
 * missing, damaged or hostile give what is there or an error, never a crash. */
#define _GNU_SOURCE
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "support/made_run.h"
#include "support/suite.h"

#include <check.h>
#include <runner/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[40];

static void begin(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_load_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void end(void)
{
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

static void put(const char *name, const char *text)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_int_eq(file_write(path, text, strlen(text)), 0);
}

static char *content(const char *name, uint64_t *n)
{
    char path[128];
    void *data;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_msg(file_read(path, 1 << 24, &data, n) == 0, "%s", error_text());
    return data;
}

/* ---- a run with all that there can be -------------------------------------- */

static void look_inside(struct report *r, int64_t epoch)
{
    int64_t bins[RN_BINS] = {3, epoch, 7};
    struct rn_param_fact params[] = {{"a,\"b\".weight", epoch, 10, 0.1, 1.0 / 3, 1e-3, -2, 2, bins},
                                     {"=a.bias", epoch, 2, NAN, INFINITY, 0, -1, 1, bins}};
    struct rn_units_fact unit = {"relu1", epoch, 8, epoch};

    ck_assert_int_eq(report_inside(r, params, 2, &unit, 1), 0);
    for (int64_t i = 1; i <= 10; i++)
        report_step(r, &(struct rn_step_fact){10 * (epoch - 1) + i, epoch, 1.0 / (double)i, 0.1});
}

static struct report *full_run(int64_t classes, bool pictures, bool figures)
{
    const struct rn_change changes[] = {{"optimizer.lr", "0.1", "0.2"}, {"scheduler", NULL, "x"}};
    const char *warnings[] = {"careful", "\"quoted\"\n"};
    struct report *r;

    ck_assert_int_eq(made_run(&(struct made_run){classes, 4, 300, NULL, pictures, true}, dir, &r),
                     0);
    for (int64_t e = 1; e <= 4; e++)
        look_inside(r, e);
    report_layer_time(r, 0, 1.5, 2.5, 1.0 / 3);
    report_previous(r, &(struct rn_previous){.id = "20251231-000000-000000",
                                             .started = "2025-12-31T00:00:00Z",
                                             .status = "finished",
                                             .accuracy = classes ? 0.5 : NAN,
                                             .low = 0.4,
                                             .high = 0.6,
                                             .loss = 0.7,
                                             .changes = changes,
                                             .n_changes = 2});
    report_spent(r, &(struct report_spent){
                        .seconds = 2, .start = 0.1, .train = 1.1, .validation = 0.3, .test = 0.2});
    ck_assert_int_eq(report_said(r, warnings, 2, "a line\n"), 0);
    put("config.yaml", "name: run\n");
    put("log.txt", "a line\n");
    put("env.json", "{\"cpu\": \"a processor\"}");
    put("status.json", "{\"status\": \"finished\", \"reason\": \"all epochs done\"}");
    ck_assert_int_eq(report_finish(r, "finished", "all epochs done", 2, 1.1, 1e6), 0);
    ck_assert_int_eq(figures ? report_write(r) : report_store(r, true), 0);
    return r;
}

static void same_text(const char *what, const char *a, const char *b)
{
    ck_assert_msg((!a && !b) || (a && b && !strcmp(a, b)), "%s: '%s' is not '%s'", what,
                  b ? b : "-", a ? a : "-");
}

static void same_number(const char *what, double a, double b)
{
    ck_assert_msg(a == b || (isnan(a) && isnan(b)), "%s: %.17g is not %.17g", what, b, a);
}

static void same_test(const struct rn_test *a, const struct rn_test *b)
{
    same_number("ece", a->ece, b->ece);
    same_number("top3", a->top3, b->top3);
    same_number("macro_f1", a->macro_f1, b->macro_f1);
    ck_assert_int_eq(a->n_pictures, b->n_pictures);
    ck_assert_int_eq(a->sprite_columns, b->sprite_columns);
    ck_assert_int_eq(a->sprite_bytes, b->sprite_bytes);
    for (int64_t i = 0; i < a->n_pictures; i++) {
        ck_assert_int_eq(a->pictures[i].sample, b->pictures[i].sample);
        ck_assert_int_eq(a->pictures[i].why, b->pictures[i].why);
        ck_assert_mem_eq(a->pictures[i].pixels, b->pictures[i].pixels,
                         (size_t)(a->picture_w * a->picture_h * a->picture_channels));
    }
    for (int64_t i = 0; i < a->n; i++)
        for (int k = 0; k < 3; k++) {
            ck_assert_int_eq(a->samples[i].top[k], b->samples[i].top[k]);
            same_number("p_top", a->samples[i].p_top[k], b->samples[i].p_top[k]);
        }
}

static void same_inside(const struct rn_report *a, const struct rn_report *b)
{
    ck_assert_int_eq(a->n_params, b->n_params);
    for (int64_t i = 0; i < a->n_params; i++) {
        same_text("parameter", a->params[i].name, b->params[i].name);
        same_number("weight_norm", a->params[i].weight_norm, b->params[i].weight_norm);
        ck_assert_int_eq(!a->params[i].bins, !b->params[i].bins);
        if (a->params[i].bins)
            ck_assert_mem_eq(a->params[i].bins, b->params[i].bins, RN_BINS * sizeof(int64_t));
    }
    ck_assert_int_eq(a->n_units, b->n_units);
    ck_assert_int_eq(a->units[3].silent, b->units[3].silent);
    ck_assert_int_eq(a->n_steps, b->n_steps);
    same_number("step loss", a->steps[6].loss, b->steps[6].loss);
}

static void same(const struct rn_report *a, const struct rn_report *b)
{
    same_text("name", a->name, b->name);
    same_text("command", a->command, b->command);
    same_text("status", a->status, b->status);
    same_text("reason", a->reason, b->reason);
    same_text("config", a->config_yaml, b->config_yaml);
    same_text("log", a->log, b->log);
    same_text("warning", a->warnings[1], b->warnings[1]);
    same_text("environment", a->environment[0].value, b->environment[0].value);
    same_text("change", a->previous->changes[1].now, b->previous->changes[1].now);
    same_text("change", a->previous->changes[1].before, b->previous->changes[1].before);
    same_number("before", a->previous->accuracy, b->previous->accuracy);
    same_number("layer", a->layers[0].update_us, b->layers[0].update_us);
    ck_assert_int_eq(a->n_times, b->n_times);
    for (int64_t i = 0; i < a->n_times; i++)
        same_number(a->times[i].name, a->times[i].seconds, b->times[i].seconds);
    ck_assert_int_eq(a->n_measures, b->n_measures);
    for (int64_t i = 0; i < a->n_measures; i++) {
        same_text("measure", a->measures[i].name, b->measures[i].name);
        same_text("split", a->measures[i].split, b->measures[i].split);
        same_number("measure", a->measures[i].value, b->measures[i].value);
    }
    ck_assert_int_eq(a->n_findings, b->n_findings);
    for (int64_t i = 0; i < a->n_findings; i++)
        same_text("finding", a->findings[i].text, b->findings[i].text);
    ck_assert_int_eq(a->n_figures, b->n_figures);
    for (int64_t i = 0; i < a->n_figures; i++) {
        same_text(a->figures[i].name, a->figures[i].svg, b->figures[i].svg);
        same_text(a->figures[i].name, a->figures[i].csv, b->figures[i].csv);
    }
    ck_assert_int_eq(a->n_files, b->n_files);
    for (int64_t i = 0; i < a->n_files; i++) {
        same_text("file", a->files[i].key, b->files[i].key);
        same_text(a->files[i].key, a->files[i].value, b->files[i].value);
    }
    same_test(a->test, b->test);
    same_inside(a, b);
}

static void comes_back(int64_t classes, bool pictures)
{
    struct report *r = full_run(classes, pictures, true), *again;
    struct text a = {0}, b = {0};

    ck_assert_msg(report_load(dir, &again) == 0, "%s", error_text());
    same(report_view(r), report_view(again));
    report_summary_json(r, &a);
    report_summary_json(again, &b);
    same_text("summary.json", text_str(&a), text_str(&b));
    text_free(&a);
    text_free(&b);
    report_close(r);
    report_close(again);
}

START_TEST(a_report_comes_back_from_its_files) { comes_back(5, true); }
END_TEST

START_TEST(it_does_without_pictures) { comes_back(100, false); }
END_TEST

START_TEST(numbers_come_back) { comes_back(0, false); }
END_TEST

START_TEST(a_seed_keeps_all_its_digits)
{
    struct report *r;

    report_open(&(struct rn_report){.name = "x", .dir = dir, .seed = UINT64_MAX - 1}, &r);
    report_store(r, true);
    report_close(r);
    ck_assert_int_eq(report_load(dir, &r), 0);
    ck_assert(report_view(r)->seed == UINT64_MAX - 1);
    report_close(r);
}
END_TEST

/* ---- what ended otherwise --------------------------------------------------- */

static void status_is(const char *status_json, const char *status, const char *reason)
{
    struct report *r;

    put("status.json", status_json);
    ck_assert_int_eq(report_load(dir, &r), 0);
    ck_assert_str_eq(report_view(r)->status, status);
    ck_assert_str_eq(report_view(r)->reason, reason);
    report_close(r);
}

START_TEST(the_status_is_that_of_status_json)
{
    char host[256] = "", text[512];
    struct report *r;

    gethostname(host, sizeof host - 1);
    report_open(&(struct rn_report){.name = "x", .dir = dir}, &r);
    report_store(r, true);
    report_close(r);
    status_is("{}", "running", "");
    status_is("{\"status\": \"failed\", \"reason\": \"no room\"}", "failed", "no room");
    snprintf(text, sizeof text,
             "{\"status\": \"running\", \"reason\": \"\", \"pid\": %ld, \"host\": \"%s\"}",
             (long)getpid(), host);
    status_is(text, "running", "");
    snprintf(text, sizeof text,
             "{\"status\": \"running\", \"reason\": \"\", \"pid\": %d, \"host\": \"%s\"}", 1 << 30,
             host);
    status_is(text, "lost", "its process is gone and left no word");
    snprintf(text, sizeof text,
             "{\"status\": \"running\", \"reason\": \"\", \"pid\": %d, \"host\": \"not %s\"}",
             1 << 30, host);
    status_is(text, "running", "");
}
END_TEST

START_TEST(a_run_under_way_is_not_damaged)
{
    char host[256] = "", text[512];
    struct report *r = full_run(5, false, false);

    report_close(r);
    gethostname(host, sizeof host - 1);
    snprintf(text, sizeof text,
             "{\"status\": \"running\", \"reason\": \"\", \"pid\": %ld, \"host\": \"%s\"}",
             (long)getpid(), host);
    put("status.json", text);
    put("params.csv", "epoch,parameter,n,grad_norm,weight_norm,update_norm,least,most\n");
    ck_assert_msg(report_load(dir, &r) == 0, "%s", error_text()); /* histograms of rows to come */
    report_close(r);
    put("predictions.csv", "index,true,predicted,p_true,p_predicted,loss\n");
    ck_assert_int_eq(report_load(dir, &r), RN_EDATA);
    ck_assert_ptr_nonnull(strstr(error_text(), "still being written"));
}
END_TEST

START_TEST(what_is_missing_stays_empty)
{
    struct report *r;

    ck_assert_int_eq(report_load(dir, &r), RN_EDATA);
    ck_assert_ptr_null(r);
    ck_assert_ptr_nonnull(strstr(error_text(), "summary.json is not there: this is no run folder"));
    put("summary.json", "{}");
    ck_assert_int_eq(report_load(dir, &r), 0);
    ck_assert_int_eq(report_view(r)->n_epochs, 0);
    ck_assert_str_eq(report_view(r)->name, "");
    report_close(r);
}
END_TEST

/* ---- damage ----------------------------------------------------------------- */

static const struct damage {
    const char *file, *from, *to, *message;
} damages[] = {
    {"epochs.csv", "2,20,", "1,20,", "epochs.csv:3: a number is none, or out of range"},
    {"epochs.csv", "epoch,step", "epoch,stop", "epochs.csv:1: expected a line that begins with"},
    {"epochs.csv", ",2000", ",x", "a number is none"},
    {"steps.csv", "7,1,", "7,", "steps.csv:8: too few cells"},
    {"steps.csv", "7,1,", "7,1,1,", "too many cells"},
    {"params.csv", ".weight\",", ".weight,", "params.csv:2: a quote is never closed"},
    {"params.csv", "\"b\"\".weight\"", "\"b\"\".weight\"x", "a quote is closed before the end"},
    {"histograms.csv", "'=a.bias", "b.bias", "params.csv has no such row"},
    {"histograms.csv", ",3,1,7", ",-3,1,7", "out of range"},
    {"units.csv", "1,relu1,8", "x,relu1,8", "units.csv:2: a number is none"},
    {"predictions.csv", "1,1,1,", "1,1,5,", "predictions.csv:3: a number is none, or out of range"},
    {"predictions.csv", "\n1,1,1,0", "\n1,1,1,-5", "predictions.csv:3: a share is not between"},
    {"predictions.csv", "\n1,1,1,0.", "\n1,1,1,1e300", "a share is not between 0 and 1"},
    {"epochs.csv", "2,20,0.42,0.86,", "2,20,0.42,inf,", "a share is not between 0 and 1"},
    {"predictions.csv", "\n1,1,1,", "\n2,1,1,", "samples are not in their order"},
    {"predictions.csv", "\n1,1,1,", "\n", "too few cells"},
    {"samples.csv", "0,0,4,4,", "9999,0,4,4,", "out of range"},
    {"samples.csv", "0,0,4,4,", "0,0,64,64,", "outside of samples.png, or has another size"},
    {"samples.png", "IHDR", "IHDX", "samples.png: no PNG"},
    {"samples.png", "IDAT", "IDXT", "samples.png: "},
    {"summary.json", "\"n\": 300", "\"n\": 301", "another number of rows"},
    {"summary.json", "\"n\": 300", "\"n\": -1", "a whole number that is not too large"},
    {"summary.json", "\"n\": 300", "\"n\": 9e15", "another number of rows"},
    {"summary.json", "\"samples\": {", "\"samples\": 7, \"x\": {", "'samples': expected an object"},
    {"summary.json", "\"name\": \"run\"", "\"name\": \"../run\"", "'name': expected a name as"},
    {"summary.json", "\"id\": \"20260101", "\"id\": \"../60101",
     "'id': expected the name of a run"},
    {"summary.json", "\"name\": \"run\"", "\"name\": 7", "'name': expected a text"},
    {"summary.json", "{", "", "no JSON object"},
    {"status.json", "{", "[", "status.json: no JSON object"},
};

START_TEST(damage_is_an_error_with_its_place)
{
    const struct damage *d = &damages[_i];
    uint64_t n;
    struct report *r = full_run(5, true, false);
    struct text t = {0};
    char path[128];

    report_close(r);
    char *data = content(d->file, &n);
    char *at = memmem(data, n, d->from, strlen(d->from));
    ck_assert_msg(at != NULL, "%s has no '%s'", d->file, d->from);
    text_put(&t, data, (size_t)(at - data));
    text_put(&t, d->to, strlen(d->to));
    at += strlen(d->from);
    text_put(&t, at, n - (size_t)(at - data));
    snprintf(path, sizeof path, "%s/%s", dir, d->file);
    file_write(path, t.s, t.n);
    mem_free(data);
    text_free(&t);
    if (report_load(dir, &r) == 0)
        ck_abort_msg("%s: taken", d->message);
    ck_assert_ptr_null(r);
    ck_assert_msg(error_status() == RN_EDATA && strstr(error_text(), d->message), "%s",
                  error_text());
}
END_TEST

/* Bytes set at random, and files cut off: an error or a report. */
START_TEST(whatever_is_in_the_files_nothing_breaks)
{
    static const char *const files[] = {"epochs.csv",   "steps.csv",   "params.csv",
                                        "units.csv",    "samples.csv", "histograms.csv",
                                        "summary.json", "samples.png", "predictions.csv"};
    struct report *r = full_run(5, true, false);
    int taken = 0;

    report_close(r);
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
        uint64_t n;
        char *data = content(files[f], &n), path[128];
        snprintf(path, sizeof path, "%s/%s", dir, files[f]);
        for (uint64_t i = 0; i < 6; i++) {
            char *copy = malloc(n);
            memcpy(copy, data, n);
            for (uint64_t k = 0; i && k < 1 + i / 2; k++) {
                struct rn_philox b = rn_philox(f, i, k);
                copy[b.v[0] % n] =
                    (char)(b.v[1] % 3 ? "0,\"\n-9}]"[b.v[2] % 8] : (char)(b.v[2] & 0xFF));
            }
            file_write(path, copy, i % 3 ? n : n * (i + 1) / 7);
            free(copy);
            int status = report_load(dir, &r);
            ck_assert(status == RN_OK || status == RN_EDATA);
            taken += !status;
            report_close(r);
        }
        file_write(path, data, n);
        mem_free(data);
    }
    ck_assert_int_gt(taken, 0);
    ck_assert_int_eq(report_load(dir, &r), 0);
    report_close(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("load");
    TCase *c = tcase_create("load");

    json_init();
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, a_report_comes_back_from_its_files);
    tcase_add_test(c, it_does_without_pictures);
    tcase_add_test(c, numbers_come_back);
    tcase_add_test(c, a_seed_keeps_all_its_digits);
    tcase_add_test(c, the_status_is_that_of_status_json);
    tcase_add_test(c, a_run_under_way_is_not_damaged);
    tcase_add_test(c, what_is_missing_stays_empty);
    tcase_add_loop_test(c, damage_is_an_error_with_its_place, 0,
                        (int)(sizeof damages / sizeof *damages));
    tcase_add_test(c, whatever_is_in_the_files_nothing_breaks);
    suite_add_tcase(s, c);
    return suite_run(s);
}
