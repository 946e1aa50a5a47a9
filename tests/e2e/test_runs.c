/* test_runs.c - many runs: the list, the page over all of them, and comparisons, on real ones. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "program.h"

#include <stdlib.h>
#include <unistd.h>

static char page[1 << 21];

static const cJSON *at(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    ck_assert_msg(v != NULL, "no %s", key);
    return v;
}

static cJSON *parsed(void)
{
    cJSON *root = cJSON_Parse(out);

    ck_assert_msg(root != NULL, "no JSON: %s", out);
    return root;
}

static void has(const char *part)
{
    ck_assert_msg(strstr(page, part) != NULL, "the page has no %s", part);
}

static int count(const char *text, const char *part)
{
    int n = 0;

    for (const char *s = text; (s = strstr(s, part)); s++)
        n++;
    return n;
}

/* ---- the list ------------------------------------------------------------- */

START_TEST(no_runs_are_no_error)
{
    EXPECT_EXIT(0, "runs");
    ck_assert_str_eq(out, "");
    EXPECT_TEXT(err, "no runs yet in reports");
    EXPECT_EXIT(0, "ls --json -o nowhere");
    cJSON *root = parsed();
    ck_assert_int_eq(cJSON_GetArraySize(at(root, "runs")), 0);
    cJSON_Delete(root);
    ck_assert(!exists(".", "nowhere"));
}
END_TEST

START_TEST(runs_of_all_kinds_are_listed)
{
    EXPECT_EXIT(0, "tiny.yaml -q");
    EXPECT_EXIT(0, "tiny.yaml -q optimizer.lr=0.02 seed=9");
    EXPECT_EXIT(0, "tiny.yaml -q --name other train.epochs=1");
    EXPECT_EXIT(0, "runs");
    ck_assert_int_eq(count(out, "\n"), 4);
    EXPECT_TEXT(out, "seed=9");
    EXPECT_TEXT(out, "optimizer.lr=0.02");
    EXPECT_EXIT(0, "runs name=tiny optimizer.lr<=0.01 --json");
    cJSON *root = parsed();
    const cJSON *runs = at(root, "runs"), *one = cJSON_GetArrayItem(runs, 0);
    ck_assert_int_eq(cJSON_GetArraySize(runs), 1);
    ck_assert_str_eq(at(one, "name")->valuestring, "tiny");
    ck_assert_str_eq(at(one, "status")->valuestring, "finished");
    ck_assert_double_ge(at(at(one, "metrics"), "test.accuracy")->valuedouble, 0.9);
    ck_assert_str_eq(at(at(one, "config"), "optimizer.lr")->valuestring, "0.01");
    ck_assert_int_eq(cJSON_GetArraySize(at(one, "curve")), 6);
    cJSON_Delete(root);
    EXPECT_EXIT(0, "runs --sort -epochs --limit 1 --json");
    root = parsed();
    ck_assert_int_eq(cJSON_GetArraySize(at(root, "runs")), 1);
    cJSON_Delete(root);
    EXPECT_EXIT(0, "runs test.accuracy>2");
    EXPECT_TEXT(err, "none of 3 runs");
    EXPECT_EXIT(2, "runs optimizer.rl=1");
    EXPECT_TEXT(err, "did you mean 'optimizer.lr'");
    EXPECT_EXIT(2, "runs --limit 0");
}
END_TEST

START_TEST(the_page_over_all_runs_is_there_after_each)
{
    EXPECT_EXIT(0, "tiny.yaml -q");
    slurp("reports/index.html", page, sizeof page);
    ck_assert_int_eq(count(page, "<tr data-run="), 1);
    EXPECT_EXIT(0, "tiny.yaml -q seed=9 --name x1");
    EXPECT_EXIT(2, "tiny.yaml -q optimizer.lr=nonsense");
    slurp("reports/index.html", page, sizeof page);
    ck_assert_int_eq(count(page, "<tr data-run="), 2);
    has("x1");
    has("/report.html\"");
    has("\"base\":{");
    ck_assert_ptr_null(strstr(page, "src="));
    ck_assert_int_eq(file_write(in_dir("reports/index.html"), "", 0), 0);
    EXPECT_EXIT(0, "report latest");
    slurp("reports/index.html", page, sizeof page);
    ck_assert_int_eq(count(page, "<tr data-run="), 2);
    /* who does not want the page of a run gets none over all */
    EXPECT_EXIT(0, "tiny.yaml -q -o plain reporters=[console]");
    ck_assert(exists("plain", "tiny") && !exists("plain", "index.html"));
}
END_TEST

START_TEST(runs_that_end_together_leave_a_whole_page)
{
    pid_t pids[4];
    char line[64];

    for (int i = 0; i < 4; i++) {
        snprintf(line, sizeof line, "tiny.yaml -qq seed=%d train.epochs=1 ~expect", i + 1);
        pids[i] = start(line);
    }
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(finish(pids[i]), 0);
    slurp("reports/index.html", page, sizeof page);
    ck_assert_int_eq(count(page, "<tr data-run="), 4);
    ck_assert_int_eq(count(page, ">finished</span>"), 4);
    ck_assert_int_eq(count(page, "</html>"), 1);
}
END_TEST

/* ---- comparisons ---------------------------------------------------------- */

static void as_a_table(void)
{
    EXPECT_EXIT(0, "compare latest:tiny latest:bad");
    EXPECT_TEXT(out, "optimizer.lr");
    EXPECT_TEXT(out, "train.epochs");
    ck_assert_ptr_null(strstr(out, "batch_size")); /* only what differs */
    EXPECT_TEXT(out, "same: data, seed, commit, machine, plugins");
    EXPECT_TEXT(out, "tiny gets more of the same 200 test samples right than bad");
    EXPECT_TEXT(out, "p < 0.001 (McNemar, 200 samples)");
    EXPECT_EXIT(0, "diff @1 @2");
    EXPECT_TEXT(out, "optimizer.lr");
    EXPECT_EXIT(0, "compare @2 @2"); /* a run and itself */
    EXPECT_TEXT(out, "are right and wrong on the same of 200 test samples");
    EXPECT_TEXT(out, "p = 1.000");
}

static void as_numbers(void)
{
    EXPECT_EXIT(0, "compare latest:tiny latest:bad --json");
    cJSON *root = parsed();
    const cJSON *pair = cJSON_GetArrayItem(at(root, "pairs"), 0);
    ck_assert_int_eq(cJSON_GetArraySize(at(root, "parameters")), 2);
    ck_assert_str_eq(cJSON_GetArrayItem(at(at(root, "parameters"), "optimizer.lr"), 1)->valuestring,
                     "0.0001");
    ck_assert_int_eq(cJSON_GetArraySize(at(root, "environment")), 0);
    double only_a = at(pair, "only_a")->valuedouble, n = at(pair, "n")->valuedouble;
    ck_assert_double_eq(n, 200);
    ck_assert_double_eq(at(pair, "both")->valuedouble + at(pair, "neither")->valuedouble + only_a +
                            at(pair, "only_b")->valuedouble,
                        n);
    const cJSON *accuracy = at(at(root, "scores"), "test.accuracy");
    double a = cJSON_GetArrayItem(at(accuracy, "values"), 0)->valuedouble;
    double b = cJSON_GetArrayItem(at(accuracy, "values"), 1)->valuedouble;
    ck_assert_double_eq_tol((a - b) * n, only_a - at(pair, "only_b")->valuedouble, 1e-9);
    ck_assert_double_lt(cJSON_GetArrayItem(at(accuracy, "low"), 0)->valuedouble, a);
    ck_assert_ptr_nonnull(strstr(at(root, "diff")->valuestring, "+  lr: 0.0001"));
    cJSON_Delete(root);
    EXPECT_EXIT(0, "compare latest:tiny latest:bad --csv");
    EXPECT_TEXT(out, "parameter,optimizer.lr,0.01,0.0001\n");
    EXPECT_TEXT(out, "score,test.accuracy.low,");
    ck_assert_int_eq(count(out, "\np,"), 2);
    ck_assert_int_eq(count(out, "\np_corrected,"), 2);
}

static void on_a_page(void)
{
    EXPECT_EXIT(0, "compare latest:tiny latest:bad --html");
    ck_assert_str_eq(out, "reports/compare.html\n");
    slurp("reports/compare.html", page, sizeof page);
    has("Parameters that differ");
    has("tiny gets more of the same 200 test samples right");
    has("Only tiny got right");
    has("p, corrected");
    has("class=\"t t1\"");
    has("data-chart=\"lines\"");
    char link[PATH_MAX];
    snprintf(link, sizeof link, "href=\"./%s/report.html\"", strchr(run_folder("bad"), '/') + 1);
    has(link);
    file_mkdirs(in_dir("pages"));
    EXPECT_EXIT(0, "compare latest:tiny latest:bad --html pages/c.html");
    slurp("pages/c.html", page, sizeof page);
    char words[3 * PATH_MAX];
    snprintf(words, sizeof words, "compare %s %s -o nowhere", run_folder("tiny"),
             run_folder("bad"));
    EXPECT_EXIT(0, words);
    snprintf(link, sizeof link, "%s/report.html\"", run_folder("bad"));
    has(link);
}

START_TEST(compared_in_every_form)
{
    EXPECT_EXIT(0, "tiny.yaml -q");
    EXPECT_EXIT(0, "tiny.yaml -q --name bad train.epochs=1 optimizer.lr=0.0001 ~expect");
    as_a_table();
    as_numbers();
    on_a_page();
}
END_TEST

static void lose(const char *name, const char *file)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", run_folder(name), file);
    ck_assert_int_eq(unlink(in_dir(path)), 0);
}

START_TEST(what_nobody_knows_is_not_the_same)
{
    EXPECT_EXIT(0, "tiny.yaml -q --name short train.epochs=1 ~expect");
    EXPECT_EXIT(0, "tiny.yaml -q --name long train.epochs=2 ~expect");
    lose("short", "data.json");
    lose("long", "data.json");
    EXPECT_EXIT(0, "compare latest:short latest:long");
    EXPECT_TEXT(out, "same: seed, commit, machine, plugins");
}
END_TEST

START_TEST(other_samples_are_not_compared)
{
    EXPECT_EXIT(0, "tiny.yaml -q");
    EXPECT_EXIT(0, "tiny.yaml -q --name few data.limit.test=100");
    EXPECT_EXIT(0, "compare latest:tiny latest:few");
    EXPECT_TEXT(out, "data, test samples");
    EXPECT_TEXT(out, "Not all runs were measured on the same test samples");
    EXPECT_TEXT(out, "The data differ");
    ck_assert_ptr_null(strstr(out, "McNemar"));
}
END_TEST

START_TEST(what_cannot_be_compared_is_refused)
{
    EXPECT_EXIT(0, "tiny.yaml -q");
    EXPECT_EXIT(2, "compare latest");
    EXPECT_TEXT(err, "2 to 8");
    EXPECT_EXIT(2, "compare @1 @1 @1 @1 @1 @1 @1 @1 @1");
    EXPECT_EXIT(2, "compare @1 @1 --csv --json");
    EXPECT_EXIT(4, "compare @1 @7");
    EXPECT_EXIT(4, "compare @1 @1 --html nowhere/c.html");
    char path[PATH_MAX];
    lose("tiny", "samples.png");
    EXPECT_EXIT(0, "report latest"); /* without pictures */
    snprintf(path, sizeof path, "%s/predictions.csv", run_folder("tiny"));
    ck_assert_int_eq(file_write(in_dir(path), "index,true\n0,x\n", 15), 0);
    EXPECT_EXIT(4, "compare @1 @1");
    EXPECT_TEXT(err, "predictions.csv");
    snprintf(path, sizeof path, "%s/config.yaml", run_folder("tiny"));
    char summary[PATH_MAX];
    snprintf(summary, sizeof summary, "%s/summary.json", run_folder("tiny"));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(file_write(in_dir(path), "a: [", i ? 4 : 0), 0);
        EXPECT_EXIT(4, "report latest");
        EXPECT_TEXT(err, "config.yaml: no configuration");
    }
    ck_assert_int_eq(file_write(in_dir(summary), "", 0), 0);
    EXPECT_EXIT(4, "report latest");
    EXPECT_TEXT(err, "summary.json: no JSON object; the file is damaged, restore it\n");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {no_runs_are_no_error,
                                  runs_of_all_kinds_are_listed,
                                  the_page_over_all_runs_is_there_after_each,
                                  runs_that_end_together_leave_a_whole_page,
                                  compared_in_every_form,
                                  what_nobody_knows_is_not_the_same,
                                  other_samples_are_not_compared,
                                  what_cannot_be_compared_is_refused};

    return program_tests("runs", tests, sizeof tests / sizeof *tests);
}
