/* test_baseline.c - baselines: what their files may say, the arithmetic of verdicts, that what
 * cannot be compared never passes, and that recording leaves the rest of a file as it was. */
#define _XOPEN_SOURCE 700
#include "run/baseline.h"

#include "base/error.h"
#include "base/file.h"
#include "support/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/test_baseline-XXXXXX", path[64];
static struct pool *p;
static struct diag *d;
static struct baseline *b;
static struct baseline_result r;
static struct rn_metric metrics[8][8];
static struct baseline_run runs[8];

static void setup(void)
{
    p = pool_new();
    d = diag_new(p);
    memset(&r, 0, sizeof r);
    memset(runs, 0, sizeof runs);
}

static void teardown(void)
{
    pool_free(p);
    ck_assert_uint_eq(mem_live(), 0);
}

#define HEAD     "baseline:\n  config: a.yaml\n"
#define RECORDED "  recorded: {n: 20, machine: here}\n"

static int read_text(const char *text)
{
    ck_assert_int_eq(file_write(path, text, strlen(text)), RN_OK);
    return baseline_read(p, path, d, &b);
}

static void read_checks(const char *checks)
{
    struct text t = {0};
    struct text said = {0};

    text_add(&t, HEAD RECORDED "  seeds: [1, 2]\n  checks:\n%s", checks);
    int status = read_text(text_str(&t));
    diag_text(d, false, &said);
    ck_assert_msg(status == RN_OK, "%s", text_str(&said));
    text_free(&said);
    text_free(&t);
}

/* Two runs, seeds 1 and 2, with a metric. */
static void measured(const char *name, double one, double two)
{
    double values[] = {one, two};

    for (int i = 0; i < 2; i++) {
        int64_t n = runs[i].n_metrics++;
        metrics[i][n] = (struct rn_metric){name, values[i]};
        runs[i].seed = i + 1;
        runs[i].metrics = metrics[i];
    }
    r.b = b;
    r.runs = runs;
    r.n_runs = 2;
    snprintf(r.machine, sizeof r.machine, "here");
}

static struct verdicts judged(bool strict)
{
    struct verdicts v;

    ck_assert_int_eq(baseline_judge(p, &r, strict, &v), RN_OK);
    return v;
}

static enum verdict verdict_of(const char *check, const char *name, double one, double two)
{
    runs[0].n_metrics = runs[1].n_metrics = 0;
    d = diag_new(p);
    read_checks(check);
    measured(name, one, two);
    struct verdicts v = judged(false);
    ck_assert_int_eq(v.n, 1);
    return v.list[0].verdict;
}

/* ---- reading -------------------------------------------------------------- */

START_TEST(a_file_is_read)
{
    ck_assert_int_eq(
        read_text("name: x\n" HEAD RECORDED "  set: {train.epochs: 1}\n  seeds: [4, 5]\n  checks:\n"
                  "    - {metric: val.loss, at: epoch 2, max: 1}\n"
                  "    - {metric: test.loss, mean: 2, sd: 0.5, within: 3 sd}\n"
                  "    - {metric: weights.sha256, seed: 4, value: 'sha256:ab'}\n"
                  "    - {metric: train_s, value: 2, max_ratio: 1.5, same: machine}\n"),
        RN_OK);
    ck_assert_str_eq(b->name, "x");
    ck_assert_int_eq(b->seeds.count, 2);
    ck_assert_int_eq(b->n_checks, 4);
    ck_assert_str_eq(b->checks[0].metric, "epoch2.val.loss");
    ck_assert_int_eq(b->checks[1].kind, CHECK_SPREAD);
    ck_assert_double_eq(b->checks[1].spreads, 3);
    ck_assert_int_eq(b->checks[2].kind, CHECK_DIGEST);
    ck_assert(b->checks[2].seeded && b->checks[2].recorded);
    ck_assert_double_eq(b->checks[3].max, 3);
    ck_assert_int_eq(b->recorded->n, 20);
    ck_assert_ptr_nonnull(strstr(b->config, "/a.yaml"));
    ck_assert_int_eq(read_text(HEAD "  checks: [{metric: a, min: 1}]\n"), RN_OK);
    ck_assert_str_eq(b->name, "b"); /* the file's */
    ck_assert_ptr_null(b->recorded);
}
END_TEST

static const char *const wrong[][2] = {
    {"train: {}\n", "is no baseline"},
    {HEAD "  checks: []\n", "3:11: baseline.checks: a list of checks is needed"},
    {HEAD "  chekcs: [{metric: a, min: 1}]\n", "did you mean 'checks'?"},
    {"baseline: {checks: [{metric: a, min: 1}]}\n", "config"},
    {HEAD "  seeds: [1, 1]\n  checks: [{metric: a, min: 1}]\n", "the seed 1 is there twice"},
    {HEAD "  seeds: [-1]\n  checks: [{metric: a, min: 1}]\n", "the seed -1 is below 0"},
    {"train: {}\n" HEAD "  checks: [{metric: a, min: 1}]\n", "1:1: unknown section 'train'"},
    {"name: a/b\n" HEAD "  checks: [{metric: a, min: 1}]\n", "cannot be the name"},
    {HEAD "  set: [a]\n  checks: [{metric: a, min: 1}]\n", "takes a map of path: value"},
    {HEAD "  checks: [{metric: a}]\n", "says nothing"},
    {HEAD "  checks: [{metric: a, min: 1, mni: 2}]\n", "unknown option 'mni'"},
    {HEAD RECORDED "  checks: [{metric: a, mean: 1, sd: 1}]\n", "need 'within'"},
    {HEAD RECORDED "  checks: [{metric: a, mean: 1, within: 3 sd}]\n", "come together"},
    {HEAD RECORDED "  checks: [{metric: a, mean: 1, sd: 1, within: 3}]\n", "need 'within'"},
    {HEAD RECORDED "  checks: [{metric: a, mean: 1, sd: 1, within: -3 sd}]\n", "need 'within'"},
    {HEAD "  checks: [{metric: a, mean: 1, sd: 1, within: 3 sd}]\n", "n >= 5 recorded runs"},
    {HEAD "  recorded: {n: 4}\n  checks: [{metric: a, mean: 1, sd: 1, within: 3 sd}]\n",
     "n >= 5 recorded runs"},
    {HEAD "  checks: [{metric: a, min: 1, within: 3 sd}]\n", "go alone"},
    {HEAD "  checks: [{metric: a, within: 3 sd, seed: 1}]\n", "the mean of all seeds"},
    {HEAD "  checks: [{metric: a, max_ratio: 2, min: 1}]\n", "goes with 'value' alone"},
    {HEAD "  checks: [{metric: a, value: 1}]\n", "needs one of 'abs', 'rel' and 'exact: true'"},
    {HEAD "  checks: [{metric: weights.sha256}]\n", "weights are those of one 'seed'"},
    {HEAD "  recorded: {nn: 4}\n  checks: [{metric: a, min: 1}]\n", "unknown option 'nn'"},
    {HEAD "  recorded: {plugins: 4}\n  checks: [{metric: a, min: 1}]\n", "takes a map"},
};

START_TEST(mistakes_are_named)
{
    struct text said = {0};

    ck_assert_int_eq(read_text(wrong[_i][0]), RN_EINVAL);
    diag_text(d, false, &said);
    ck_assert_msg(strstr(text_str(&said), wrong[_i][1]) != NULL, "no \"%s\" in: %s", wrong[_i][1],
                  text_str(&said));
    ck_assert_ptr_nonnull(strstr(text_str(&said), "b.yaml:"));
    text_free(&said);
}
END_TEST

/* ---- judging -------------------------------------------------------------- */

START_TEST(a_mean_may_be_off_by_the_spread_of_the_difference)
{
    /* two runs against 20: 3 sd sqrt(1/2 + 1/20) = 2.2249 sd */
    static const char worse[] =
        "    - {metric: test.accuracy, mean: 0.9, sd: 0.01, within: 3 sd}\n";
    static const char loss[] = "    - {metric: test.loss, mean: 0.9, sd: 0.01, within: 3 sd}\n";
    static const char both[] =
        "    - {metric: test.loss, mean: 0.9, sd: 0.01, within: 3 sd, direction: both}\n";

    ck_assert_double_eq_tol(spread_allowed(3, 0.01, 2, 20), 0.0222486, 1e-6);
    ck_assert_double_eq_tol(spread_allowed(4, 2, 4, 4), 5.656854, 1e-6);
    ck_assert_int_eq(verdict_of(worse, "test.accuracy", 0.877, 0.879), VERDICT_PASS);
    ck_assert_int_eq(verdict_of(worse, "test.accuracy", 0.876, 0.879), VERDICT_FAIL);
    ck_assert_int_eq(verdict_of(worse, "test.accuracy", 0.99, 0.99), VERDICT_PASS);
    ck_assert_int_eq(verdict_of(loss, "test.loss", 0.5, 0.5), VERDICT_PASS);
    ck_assert_int_eq(verdict_of(loss, "test.loss", 0.95, 0.9), VERDICT_FAIL);
    ck_assert_int_eq(verdict_of(both, "test.loss", 0.5, 0.5), VERDICT_FAIL);
    ck_assert_int_eq(verdict_of(both, "test.loss", 0.92, 0.92), VERDICT_PASS);
}
END_TEST

START_TEST(bounds_and_values)
{
    ck_assert_int_eq(verdict_of("    - {metric: a, min: 1}\n", "a", 0.5, 1.5), VERDICT_PASS);
    ck_assert_int_eq(verdict_of("    - {metric: a, min: 1}\n", "a", 0.5, 1.4), VERDICT_FAIL);
    ck_assert_int_eq(verdict_of("    - {metric: a, min: 1, seed: 2}\n", "a", 0, 1), VERDICT_PASS);
    ck_assert_int_eq(verdict_of("    - {metric: a, min: 1, seed: 1}\n", "a", 0, 9), VERDICT_FAIL);
    ck_assert_int_eq(verdict_of("    - {metric: a, min: 1, on_fail: warn}\n", "a", 0, 1),
                     VERDICT_WARN);
    ck_assert_int_eq(verdict_of("    - {metric: a, value: 2, rel: 10%}\n", "a", 2.1, 2.2),
                     VERDICT_PASS);
    ck_assert_int_eq(verdict_of("    - {metric: a, value: 2, rel: 10%}\n", "a", 2.3, 2.2),
                     VERDICT_FAIL);
    ck_assert_int_eq(
        verdict_of("    - {metric: a, value: 2, abs: 1, direction: worse}\n", "a", -9, -9),
        VERDICT_PASS);
    ck_assert_int_eq(verdict_of("    - {metric: a, value: 7, exact: true}\n", "a", 7, 7),
                     VERDICT_PASS);
    ck_assert_int_eq(verdict_of("    - {metric: a, value: 7, exact: true}\n", "a", 7, 7.0000001),
                     VERDICT_FAIL);
    ck_assert_int_eq(verdict_of("    - {metric: a, value: 2, max_ratio: 2}\n", "a", 4, 4),
                     VERDICT_PASS);
    ck_assert_int_eq(verdict_of("    - {metric: a, value: 2, max_ratio: 2}\n", "a", 4, 4.1),
                     VERDICT_FAIL);
}
END_TEST

START_TEST(what_cannot_be_compared_never_passes)
{
    static const char *const checks[] = {
        "    - {metric: other, min: 0}\n",                              /* not measured */
        "    - {metric: nan, min: 0}\n",                                /* no number */
        "    - {metric: a, min: 0, seed: 9}\n",                         /* no such run */
        "    - {metric: a, within: 3 sd}\n",                            /* not recorded */
        "    - {metric: a, rel: 1%}\n",                                 /* not recorded */
        "    - {metric: weights.sha256, seed: 1, value: 'sha256:a'}\n", /* no weights */
    };

    read_checks(checks[_i]);
    measured("a", 1, 1);
    measured("nan", 1, (double)NAN);
    struct verdicts v = judged(false);
    ck_assert_int_eq(v.list[0].verdict, VERDICT_NONE);
    ck_assert_str_ne(v.list[0].why, "");
    ck_assert(!v.holds); /* nothing was compared */
}
END_TEST

START_TEST(with_strict_it_fails)
{
    read_checks("    - {metric: a, min: 0}\n    - {metric: other, min: 0}\n");
    measured("a", 1, 1);
    struct verdicts v = judged(false);
    ck_assert(v.holds && v.count[VERDICT_PASS] == 1 && v.count[VERDICT_NONE] == 1);
    ck_assert(!judged(true).holds);
}
END_TEST

START_TEST(other_machines_are_not_compared)
{
    static const char check[] = "    - {metric: a, value: 1, rel: 1%, same: machine}\n";

    ck_assert_int_eq(verdict_of(check, "a", 5, 5), VERDICT_FAIL);
    snprintf(r.machine, sizeof r.machine, "there");
    struct verdicts v = judged(false);
    ck_assert_int_eq(v.list[0].verdict, VERDICT_NONE);
    ck_assert(!v.holds);
    ck_assert_str_eq(v.likely[v.n_likely - 1], "recorded on here, this is there");
}
END_TEST

START_TEST(runs_that_fail_and_other_data_fail)
{
    read_checks("    - {metric: a, min: 0, seed: 1}\n");
    measured("a", 1, 1);
    ck_assert(judged(false).holds);
    runs[1].fault = "exit code 6";
    runs[1].log = "log";
    struct verdicts v = judged(false);
    ck_assert_int_eq(v.list[0].verdict, VERDICT_FAIL);
    ck_assert_str_eq(v.list[0].metric, "run of seed 2");
    ck_assert(!v.holds);
    runs[1].fault = NULL;
    ((struct recorded *)(uintptr_t)b->recorded)->data = "sha256:a";
    runs[0].data = "sha256:b";
    v = judged(false);
    ck_assert_str_eq(v.list[0].metric, "data");
    ck_assert(!v.holds);
}
END_TEST

START_TEST(what_differs_is_said)
{
    static const double was[] = {1, 0.5, 0.25}, is[] = {1, 0.5, 0.26};
    static const struct rn_fact plugins[] = {{"adam", "1"}, {"relu", "3"}};

    ck_assert_int_eq(read_text(HEAD "  recorded: {n: 9, val_loss: [1, 0.5, 0.25], config: c,\n"
                                    "    plugins: {adam: 1, relu: 2}}\n"
                                    "  checks: [{metric: a, min: 0}]\n"),
                     RN_OK);
    ck_assert_double_eq(b->recorded->val_loss.at[2], was[2]);
    measured("a", 1, 1);
    r.val_loss = (struct rn_floats){3, is};
    r.plugins = plugins;
    r.n_plugins = 2;
    snprintf(r.config, sizeof r.config, "c");
    struct verdicts v = judged(false);
    ck_assert_int_eq(v.n_likely, 3);
    ck_assert_str_eq(v.likely[0], "val.loss of seed 1 differs from epoch 3 on");
    ck_assert_str_eq(v.likely[1], "the configuration did not change");
    ck_assert_str_eq(v.likely[2], "changed plugins: relu");
}
END_TEST

/* ---- recording ------------------------------------------------------------ */

static char *recorded(const char *text)
{
    struct text out = {0};

    ck_assert_int_eq(read_text(text), RN_OK);
    measured("a", 0.25, 0.75);
    runs[0].digest = "sha256:ff";
    for (int i = 2; i < 6; i++)
        runs[i] = (struct baseline_run){.seed = i + 1, .metrics = metrics[0], .n_metrics = 1};
    r.n_runs = 6;
    int status = baseline_record(p, &r, &out);
    ck_assert_msg(status == RN_OK, "%s", error_text());
    char *copy = pool_strdup(p, text_str(&out));
    text_free(&out);
    return copy;
}

static void has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
}

START_TEST(recording_keeps_what_was_written)
{
    char *s = recorded("# head\nbaseline:   # äöü\n  config: a.yaml # base\n"
                       "  recorded: # by hand never\n    # a note\n    date: 2020-01-01   # old\n"
                       "    n: 9\n\n  # what holds\n  checks:\n"
                       "    - {metric: a, mean: 5, sd: 1, within: 3 sd}   # ±\n"
                       "    - metric: a   # block\n      rel: 10%\n"
                       "    - {metric: a, min: 0.1} # floor\n"
                       "    - {metric: a, value: 3, seed: 2, exact: true}\n"
                       "    - {metric: weights.sha256, seed: 1}\n# end");

    has(s, "# head\nbaseline:   # äöü\n  config: a.yaml # base\n  recorded: # by hand never\n"
           "    # a note\n    date: 20");
    has(s, "   # old\n");
    has(s, "\n    machine: here\n    n: 6\n\n  # what holds\n");
    has(s, "\n    - {metric: a, mean: 0.333333, sd: 0.204, within: 3 sd}   # ±\n");
    /* of seeds 1 to 3, which the file has; the mean above is of all six */
    has(s, "\n    - metric: a   # block\n      value: 0.416666667\n      rel: 10%\n");
    has(s, "\n    - {metric: a, min: 0.1} # floor\n");
    has(s, "\n    - {metric: a, value: 0.75, seed: 2, exact: true}\n");
    has(s, "\n    - {metric: weights.sha256, value: sha256:ff, seed: 1}\n# end");
    ck_assert_int_eq(read_text(s), RN_OK); /* and it can be read again */
    ck_assert_int_eq(b->recorded->n, 6);
    ck_assert_str_eq(recorded(s), s);
}
END_TEST

START_TEST(a_first_recording_makes_the_section)
{
    char *s = recorded(HEAD "  checks: [{metric: a, within: 3 sd}]\n");

    has(s, HEAD "  recorded:  # written by `runner test record`\n    date: ");
    has(s, "    n: 6\n  checks: [{metric: a, mean: 0.333333, sd: 0.204, within: 3 sd}]\n");
    ck_assert_int_eq(read_text(s), RN_OK);
}
END_TEST

START_TEST(a_section_in_braces_becomes_lines)
{
    char *s = recorded(HEAD "  recorded: {n: 9, date: '}'}\n  checks: [{metric: a, rel: 1}]\n");

    has(s, "  recorded: \n    date: ");
    has(s, "    n: 6\n  checks: [{metric: a, value: 0.416666667, rel: 1}]\n");
    ck_assert_int_eq(read_text(s), RN_OK);
}
END_TEST

START_TEST(a_section_may_be_the_end_of_the_file)
{
    char *s = recorded(HEAD "  checks: [{metric: a, rel: 1}]\n  recorded:");

    has(s, "\n  recorded:\n    date: ");
    ck_assert_int_eq(read_text(s), RN_OK);
    ck_assert_int_eq(b->recorded->n, 6);
}
END_TEST

START_TEST(what_could_not_be_read_is_not_recorded)
{
    struct text out = {0};

    ck_assert_int_eq(read_text(HEAD "  recorded: ~\n  seeds: [1, 2]\n"
                                    "  checks: [{metric: a, rel: 1}]\n"),
                     RN_OK);
    measured("a", 1, 1);
    ck_assert_int_eq(baseline_record(p, &r, &out), RN_EINVAL);
    has(error_text(), "nothing is recorded: the section 'recorded' cannot be replaced");
    text_free(&out);
    ck_assert_int_eq(read_text(HEAD "  checks: [{metric: a, rel: 1}]\n"), RN_OK); /* seeds 1 to 3 */
    r.b = b;
    ck_assert_int_eq(baseline_record(p, &r, &out), RN_EINVAL);
    has(error_text(), "nothing is recorded: its seed 3 was not run");
    text_free(&out);
}
END_TEST

/* What was just recorded holds, whatever the numbers are rounded to. */
START_TEST(the_same_numbers_hold)
{
    static const char *const checks[] = {
        "{metric: a, exact: true}",
        "{metric: a, rel: 1e-7%}",
        "{metric: a, abs: 1e-12}",
        "{metric: a, max_ratio: 1}",
        "{metric: a, within: 1 sd, direction: both}",
        "{metric: a, exact: true, seed: 2}",
        "{metric: a, rel: 0, seed: 3}",
    };
    static const double values[][6] = {
        {1, 0, 0, 0.9, 0.9, 0.9},       /* of the file's seeds 1/3, of all 0.6167 */
        {2, 0, 0, 0.1, 0.2, 0.3},       /* 2/3 */
        {0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, /* no spread */
        {1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3},
        {1234567.89123, 1234567.89123, 1234567.89123, 1234567.89123, 1234567.89123, 1234567.89123},
        {-2.0 / 3, -2e-7 / 3, 1e30, 5, 6, 7},
    };
    size_t n_values = sizeof values / sizeof *values;
    const char *check = checks[_i / n_values];
    const double *v = values[_i % n_values];
    struct text text = {0}, out = {0};

    text_add(&text, HEAD "  checks:\n    - %s\n", check);
    ck_assert_int_eq(read_text(text_str(&text)), RN_OK);
    r = (struct baseline_result){.b = b, .runs = runs, .n_runs = 6};
    for (int i = 0; i < 6; i++) {
        metrics[i][0] = (struct rn_metric){"a", v[i]};
        runs[i] = (struct baseline_run){.seed = i + 1, .metrics = metrics[i], .n_metrics = 1};
    }
    ck_assert_int_eq(baseline_record(p, &r, &out), RN_OK);
    ck_assert_int_eq(read_text(text_str(&out)), RN_OK);
    r.b = b;
    if (b->checks[0].kind != CHECK_SPREAD || v[0] == v[1])
        r.n_runs = 3; /* as `runner test` has them */
    struct verdicts said = judged(true);
    ck_assert_msg(said.holds, "%s of %g, %g, %g: got %s, wanted %s, %s", check, v[0], v[1], v[2],
                  said.list[0].got, said.list[0].wanted, said.list[0].why);
    text_free(&text);
    text_free(&out);
}
END_TEST

START_TEST(what_failed_is_not_recorded)
{
    struct text out = {0};

    ck_assert_int_eq(read_text(HEAD "  seeds: [1, 2]\n  checks: [{metric: a, within: 3 sd}]\n"),
                     RN_OK);
    measured("a", 1, 1);
    ck_assert_int_eq(baseline_record(p, &r, &out), RN_EINVAL);
    has(error_text(), "a spread over at least 5 runs, and these are 2");
    runs[1].fault = "exit code 6";
    ck_assert_int_eq(baseline_record(p, &r, &out), RN_EINVAL);
    has(error_text(), "nothing is recorded: the run of seed 2: exit code 6");
    text_free(&out);
}
END_TEST

/* ---- telling -------------------------------------------------------------- */

START_TEST(the_same_for_programs)
{
    struct text out = {0};

    read_checks("    - {metric: a, min: 9}\n    - {metric: a, max: 9}\n"
                "    - {metric: 'x<&\"', max: 9}\n    - {metric: a, min: 9, on_fail: warn}\n");
    measured("a", 1, 1);
    struct verdicts v = judged(false);
    struct tested t = {&r, &v, 1, false};

    tested_line(&t, &out);
    ck_assert_str_eq(text_str(&out),
                     "1 file, 4 checks: 1 passed, 1 failed, 1 warned, 1 not comparable");
    text_free(&out);
    tested_junit(&t, &out);
    has(text_str(&out), "<testsuites name=\"runner test\" tests=\"4\" failures=\"1\"");
    has(text_str(&out), "name=\"x&lt;&amp;&quot;\"");
    has(text_str(&out), "<skipped message=\"a run did not measure it\">");
    has(text_str(&out), "<failure message=\"off by 8\" type=\"fail\">");
    text_free(&out);
    tested_json(&t, &out);
    has(text_str(&out), "\"verdict\": \"not comparable\", \"value\": null");
    text_free(&out);
    tested_markdown(&t, &out);
    has(text_str(&out), "| fail | b | a | 1 (mean of 2) | >= 9 | off by 8 |");
    text_free(&out);
    ck_assert(!tested_holds(&t));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("baseline");
    TCase *t = tcase_create("baseline");

    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/b.yaml", dir);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_file_is_read);
    tcase_add_loop_test(t, mistakes_are_named, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(t, a_mean_may_be_off_by_the_spread_of_the_difference);
    tcase_add_test(t, bounds_and_values);
    tcase_add_loop_test(t, what_cannot_be_compared_never_passes, 0, 6);
    tcase_add_test(t, with_strict_it_fails);
    tcase_add_test(t, other_machines_are_not_compared);
    tcase_add_test(t, runs_that_fail_and_other_data_fail);
    tcase_add_test(t, what_differs_is_said);
    tcase_add_test(t, recording_keeps_what_was_written);
    tcase_add_test(t, a_first_recording_makes_the_section);
    tcase_add_test(t, a_section_in_braces_becomes_lines);
    tcase_add_test(t, a_section_may_be_the_end_of_the_file);
    tcase_add_test(t, what_could_not_be_read_is_not_recorded);
    tcase_add_loop_test(t, the_same_numbers_hold, 0, 7 * 6);
    tcase_add_test(t, what_failed_is_not_recorded);
    tcase_add_test(t, the_same_for_programs);
    suite_add_tcase(s, t);
    int failed = suite_run(s);
    file_remove_tree(dir);
    return failed;
}
