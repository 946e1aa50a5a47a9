/* test_runs.c - lists of runs: what is found and what is passed over, the cache whatever is in it,
 * what differs, filters and order. */
#define _GNU_SOURCE
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "report/differ.h"
#include "report/runs.h"
#include "support/suite.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[] = "/tmp/test_runs_XXXXXX";
static struct pool *pool;
static struct run_list list;

static void setup(void)
{
    memcpy(strrchr(root, '_') + 1, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(root));
    pool = pool_new();
}

static void teardown(void)
{
    pool_free(pool);
    file_remove_tree(root);
    ck_assert_uint_eq(mem_live(), 0);
}

static void put(const char *dir, const char *name, const char *text)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", root, dir);
    ck_assert_int_eq(file_mkdirs(path), RN_OK);
    snprintf(path, sizeof path, "%s/%s/%s", root, dir, name);
    FILE *f = fopen(path, "wb"); /* quicker than file_write(), which waits for the disk */
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void put_status(const char *dir, const char *status, const char *started, long pid,
                       const char *host)
{
    char text[1024];

    snprintf(text, sizeof text,
             "{\"status\": \"%s\", \"reason\": \"so\", \"started\": \"%s\", \"pid\": %ld, "
             "\"host\": \"%s\"}",
             status, started, pid, host);
    put(dir, "status.json", text);
}

/* A finished run of that accuracy in percent, started in that hour. */
static void make_run(const char *dir, int hour, int percent, const char *config)
{
    char text[1024], started[32];

    snprintf(started, sizeof started, "2026-01-01T%02d:00:00Z", hour);
    put_status(dir, "finished", started, 1, "elsewhere");
    snprintf(text, sizeof text,
             "{\"name\": \"%.*s\", \"device\": \"cpu\", \"samples\": {\"test\": 100}, "
             "\"training\": {\"epochs\": 3, \"epochs_planned\": 4}, \"times\": {\"total_s\": 9.5, "
             "\"train_s\": %d}, \"test\": {\"n\": 100, \"loss\": 0.5, \"accuracy\": %g, \"top3\": "
             "0.99}, \"best\": {\"epoch\": 2, \"val\": {\"loss\": %g}}, \"final\": {\"val\": "
             "{\"loss\": \"inf\"}}}",
             (int)strcspn(dir, "/"), dir, hour, percent / 100.0, 1 - percent / 100.0);
    put(dir, "summary.json", text);
    put(dir, "config.yaml", config);
}

static void make_three(void)
{
    make_run("mlp/20260101-a", 1, 90, "seed: 1\noptimizer: {type: adam, lr: 0.001}\n");
    make_run("mlp/20260103-b", 3, 95, "seed: 1\noptimizer: {type: adam, lr: 0.01}\ntags: [x y]\n");
    make_run("cnn/20260102-c", 2, 99, "seed: 18446744073709551615\ntags: [good]\n");
}

static void read_runs(void) { ck_assert_msg(!runs_read(pool, root, &list), "%s", error_text()); }

static void expect_ids(const char *want)
{
    char have[512] = "";

    for (int64_t i = 0; i < list.n; i++) {
        size_t n = strlen(list.runs[i].id), at = strlen(have);
        snprintf(have + at, sizeof have - at, "%c", list.runs[i].id[n - 1]);
    }
    ck_assert_str_eq(have, want);
}

static char *cache_text(void)
{
    char path[PATH_MAX];
    void *data;
    uint64_t n;

    snprintf(path, sizeof path, "%s/" RUNS_CACHE, root);
    ck_assert_msg(!file_read(path, 1 << 20, &data, &n), "%s", error_text());
    char *text = pool_strndup(pool, data, n);
    mem_free(data);
    return text;
}

static ino_t cache_inode(void)
{
    char path[PATH_MAX];
    struct stat st;

    snprintf(path, sizeof path, "%s/" RUNS_CACHE, root);
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_ino;
}

/* ---- what is found -------------------------------------------------------- */

START_TEST(newest_first_with_what_the_files_say)
{
    make_three();
    put("mlp/20260103-b", "epochs.csv",
        "epoch,step,train_loss,val_loss\n1,1,9,0.75\n2,2,9,nan\n3,3,9,0.25\n");
    read_runs();
    expect_ids("bca");
    const struct rn_run *r = &list.runs[0];
    ck_assert_str_eq(r->name, "mlp");
    ck_assert_str_eq(r->dir, "mlp/20260103-b");
    ck_assert_str_eq(r->status, "finished");
    ck_assert_int_eq(r->n_test, 100);
    ck_assert_int_eq(r->epochs_planned, 4);
    ck_assert_double_eq_tol(r->accuracy, 0.95, 1e-12);
    ck_assert_double_eq_tol(r->low, 0.8883, 1e-3); /* Wilson, 95 of 100 */
    ck_assert_double_eq_tol(r->high, 0.9785, 1e-3);
    ck_assert_int_eq(r->n_curve, 3);
    ck_assert_double_eq(r->curve[0], 0.75);
    ck_assert(isnan(r->curve[1]));
    ck_assert_int_eq(r->n_tags, 1);
    ck_assert_str_eq(r->tags[0], "x y");
    ck_assert_double_eq_tol(run_metric(&list, 0, "test.top3"), 0.99, 1e-12);
    ck_assert_double_eq(run_metric(&list, 0, "best.epoch"), 2);
    ck_assert(isinf(run_metric(&list, 0, "val.loss")));
    ck_assert(isnan(run_metric(&list, 0, "test.n")));
    ck_assert_double_eq_tol(r->val_loss, 0.05, 1e-9);
}
END_TEST

START_TEST(runs_of_a_sweep_lie_deeper)
{
    char path[PATH_MAX], link[PATH_MAX];

    make_three();
    make_run("sweep/runs/lr=0.1/20260104-d", 4, 50, "");
    make_run("a/b/c/d/20260105-e", 5, 50, ""); /* too deep */
    make_run("mlp/20260103-b/inside-f", 6, 50, "");
    snprintf(path, sizeof path, "%s/mlp/20260103-b", root);
    snprintf(link, sizeof link, "%s/mlp/latest", root);
    ck_assert_int_eq(file_symlink(path, link), RN_OK);
    read_runs();
    expect_ids("dbca");
    ck_assert_str_eq(list.runs[0].dir, "sweep/runs/lr=0.1/20260104-d");
}
END_TEST

START_TEST(what_is_no_run_is_passed_over)
{
    static const char *const damaged[] = {"", "{", "[]", "null", "\"status\"", "{\"status\": 3}"};
    char dir[64];

    make_three();
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        snprintf(dir, sizeof dir, "odd/%zu", i);
        put(dir, "status.json", damaged[i]);
    }
    put(".hidden/x", "status.json", "{\"status\": \"finished\"}");
    put("notes", "readme.txt", "hello");
    snprintf(dir, sizeof dir, "%s", "odd/pipe");
    put(dir, "x", "");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/odd/pipe/status.json", root);
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* to read it would take for ever */
    read_runs();
    expect_ids("bca5"); /* an object is a run, though it says little */
    ck_assert_str_eq(list.runs[3].status, "unknown");
    ck_assert_str_eq(list.runs[3].name, "5");
}
END_TEST

START_TEST(damaged_files_of_a_run_leave_the_rest)
{
    static const char *const damaged[] = {
        "", "{\"test\": ", "{\"test\": [1, 2], \"best\": 7, \"samples\": {\"test\": \"many\"}}",
        "{\"name\": 5, \"test\": {\"accuracy\": {\"a\": {\"b\": {\"c\": 1}}}}}"};

    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        make_run("mlp/20260101-a", 1, 90, "name: from config\nseed: 1\n");
        put("mlp/20260101-a", "summary.json", damaged[i]);
        put("mlp/20260101-a", "epochs.csv", i % 2 ? "val_loss\n\n\n,,,\n" : "\xff\n,\n");
        put("mlp/20260101-a", "config.yaml", i == 1 ? "a: [" : "name: from config\n");
        read_runs();
        ck_assert_int_eq(list.n, 1);
        ck_assert_str_eq(list.runs[0].name, i == 1 ? "20260101-a" : "from config");
        ck_assert(isnan(list.runs[0].accuracy) && isnan(list.runs[0].low));
    }
}
END_TEST

START_TEST(expectations_are_told_and_filtered)
{
    static const char *const filter[] = {"expect=failed"};

    make_three();
    put("mlp/20260101-a", "summary.json",
        "{\"expectations\": [{\"holds\": true}, {\"holds\": false}, {\"holds\": true}]}");
    put("mlp/20260103-b", "summary.json", "{\"expectations\": [{\"holds\": true}]}");
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        read_runs();
        expect_ids("bca");
        ck_assert_int_eq(list.runs[0].expected, 1);
        ck_assert_int_eq(list.runs[1].expected, 0);
        ck_assert_int_eq(list.runs[2].expected, 2);
    }
    ck_assert_int_eq(runs_filter(pool, &list, filter, 1), RN_OK);
    expect_ids("a");
}
END_TEST

START_TEST(a_long_curve_keeps_its_ends)
{
    struct text t = {0};

    make_three();
    text_add(&t, "epoch,val_loss\n");
    for (int i = 1; i <= 500; i++)
        text_add(&t, "%d,%d\n", i, i);
    put("mlp/20260103-b", "epochs.csv", text_str(&t));
    text_free(&t);
    put("mlp/20260101-a", "epochs.csv", "epoch,train_loss,val_loss\n1,0.5,nan\n2,0.25,nan\n");
    read_runs();
    ck_assert_int_eq(list.runs[0].n_curve, 40);
    ck_assert_double_eq(list.runs[0].curve[0], 1);
    ck_assert_double_eq(list.runs[0].curve[39], 500);
    ck_assert_int_eq(list.runs[2].n_curve, 2); /* of training where nothing was validated */
    ck_assert_double_eq(list.runs[2].curve[1], 0.25);
}
END_TEST

START_TEST(values_that_no_run_could_have_are_told)
{
    static const struct {
        const char *filter, *why;
    } bad[] = {{"test.accuracy>high", "is no number"},
               {"epochs=abc", "is no number"},
               {"status=finish", "expected one of finished, diverged"}};
    static const char *const good[] = {"*", "test.accuracy=*", "status=fin*", "status!=lost"};
    char file[PATH_MAX];

    make_three();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        read_runs();
        ck_assert_int_eq(runs_filter(pool, &list, &bad[i].filter, 1), RN_EINVAL);
        ck_assert_ptr_nonnull(strstr(error_text(), bad[i].why));
    }
    read_runs();
    ck_assert_int_eq(runs_filter(pool, &list, good, 4), RN_OK);
    ck_assert_int_eq(list.n, 3);
    snprintf(file, sizeof file, "%s/mlp/20260101-a/config.yaml", root);
    ck_assert_int_eq(runs_read(pool, file, &list), RN_EINVAL);
}
END_TEST

START_TEST(of_one_second_the_later_is_newer)
{
    static const int us[] = {9999, 10000, 5};
    char text[128], dir[32];

    for (int i = 0; i < 3; i++) {
        snprintf(text, sizeof text,
                 "{\"status\": \"failed\", \"started\": \"2026-01-01\", \"microseconds\": %d}",
                 us[i]);
        snprintf(dir, sizeof dir, "x/1-%c", 'a' + i);
        put(dir, "status.json", text);
    }
    read_runs();
    expect_ids("bac");
}
END_TEST

START_TEST(a_number_of_a_process_that_was_given_again_is_lost)
{
    static const char *const words[] = {"running", "lost"};
    double began = clock_process_start(getpid());
    char host[256] = "", text[512];

    ck_assert_double_gt(began, 0);
    gethostname(host, sizeof host - 1);
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text,
                 "{\"status\": \"running\", \"pid\": %d, \"pid_start\": %.0f, \"host\": \"%s\"}",
                 (int)getpid(), began - i, host);
        put("x/1-a", "status.json", text);
        read_runs();
        ck_assert_str_eq(list.runs[0].status, words[i]);
    }
}
END_TEST

START_TEST(a_run_whose_process_is_gone_is_lost)
{
    char host[256] = "";
    pid_t gone = fork();

    if (!gone)
        _exit(0);
    ck_assert_int_eq(waitpid(gone, NULL, 0), gone);
    gethostname(host, sizeof host - 1);
    put_status("x/1-a", "running", "2026-01-04", gone, host);
    put_status("x/1-b", "running", "2026-01-03", getpid(), host);
    put_status("x/1-c", "running", "2026-01-02", gone, "elsewhere");
    put_status("x/1-d", "running", "2026-01-01", -1, host); /* kill(-1) would ask for everybody */
    for (int i = 0; i < 2; i++) {                           /* the second time from the cache */
        read_runs();
        expect_ids("abcd");
        ck_assert_str_eq(list.runs[0].status, "lost");
        for (int k = 1; k < 4; k++)
            ck_assert_str_eq(list.runs[k].status, "running");
        ck_assert_str_eq(cache_text(), "");
    }
}
END_TEST

START_TEST(no_root_has_no_runs)
{
    ck_assert_int_eq(runs_read(pool, "/nowhere/at all", &list), RN_OK);
    ck_assert_int_eq(list.n, 0);
    read_runs();
    ck_assert_int_eq(list.n, 0);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" RUNS_CACHE, root);
    ck_assert(!file_exists(path));
}
END_TEST

/* ---- the cache ------------------------------------------------------------ */

START_TEST(the_cache_is_written_only_when_something_changed)
{
    make_three();
    read_runs();
    ino_t first = cache_inode();
    char *text = cache_text();
    read_runs();
    expect_ids("bca");
    ck_assert_uint_eq(cache_inode(), first);
    make_run("mlp/20260101-a", 1, 91, "seed: 1\n");
    read_runs();
    ck_assert_double_eq_tol(list.runs[2].accuracy, 0.91, 1e-12);
    ck_assert_str_ne(cache_text(), text);
    snprintf(text, 32, "%s", "mlp/20260101-a");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", root, text);
    file_remove_tree(path);
    read_runs();
    expect_ids("bc");
    ck_assert_ptr_null(strstr(cache_text(), "20260101-a"));
}
END_TEST

START_TEST(a_line_is_taken_from_the_cache_when_its_key_fits)
{
    make_three();
    read_runs();
    char *text = cache_text(), *at = strstr(text, "\"accuracy\"");
    at = at ? at : strstr(text, "test.accuracy\":0.9");
    ck_assert_ptr_nonnull(at);
    memcpy(strstr(at, "0.9"), "0.1", 3);
    put(".", RUNS_CACHE, text);
    read_runs();
    int changed = 0;
    for (int64_t i = 0; i < list.n; i++)
        changed += list.runs[i].accuracy < 0.5;
    ck_assert_int_eq(changed, 1); /* so the folder was not read again */
}
END_TEST

START_TEST(a_damaged_cache_does_no_harm)
{
    make_three();
    read_runs();
    char *good = cache_text();
    size_t n = strlen(good);
    for (size_t i = 0; i < n; i += 61) {
        char *bad = pool_strdup(pool, good);
        bad[i] = (char)(bad[i] ^ (i % 3 ? 0x11 : 0x80));
        put(".", RUNS_CACHE, bad);
        read_runs();
        ck_assert_int_eq(list.n, 3);
        put(".", RUNS_CACHE, good);
        bad[i] = '\0'; /* cut off */
        put(".", RUNS_CACHE, bad);
        read_runs();
        ck_assert_int_eq(list.n, 3);
        ck_assert_str_eq(cache_text(), good);
    }
    put(".", RUNS_CACHE, "{\"dir\": \"a\"}\n{\"dir\": \"mlp/20260101-a\", \"key\": 3}\n[]\n\n{}\n");
    read_runs();
    expect_ids("bca");
    ck_assert_str_eq(cache_text(), good);
}
END_TEST

/* ---- what differs --------------------------------------------------------- */

START_TEST(differs_from_the_others_of_its_name)
{
    make_three();
    make_run("mlp/20260104-d", 4, 95,
             "seed: 1\noptimizer: {type: adam, lr: 0.01}\nreporters: [x]\nname: mlp\n"
             "train: {log_every: 50 steps}\n");
    read_runs();
    expect_ids("dbca");
    ck_assert_str_eq(list.runs[0].differs, "optimizer.lr=0.01 'train.log_every=50 steps'");
    ck_assert_str_eq(list.runs[1].differs, "optimizer.lr=0.01");
    ck_assert_str_eq(list.runs[2].differs, ""); /* the only one of its name */
    ck_assert_str_eq(list.runs[3].differs, "optimizer.lr=0.001");
}
END_TEST

START_TEST(a_part_that_a_run_lacks_is_told_by_its_type)
{
    static const struct rn_fact a[] = {{"optimizer.beta", "0.9"}, {"optimizer.type", "adam"}};
    static const struct rn_fact b[] = {
        {"callbacks.ema1.decay", "0.9"},   {"callbacks.ema1.type", "ema"},
        {"callbacks.stop1.patience", "3"}, {"callbacks.stop1.type", "stop"},
        {"optimizer.momentum", "0"},       {"optimizer.type", "sgd"},
    };
    static const struct rn_fact c[] = {
        {"callbacks.ema1.decay", "0.9"},
        {"callbacks.ema1.type", "ema"},
        {"callbacks.stop1.patience", "5"},
        {"callbacks.stop1.type", "stop"},
        {"name", "other"},
        {"optimizer.momentum", "0"},
        {"optimizer.type", "sgd"},
    };
    const struct settings runs[] = {{a, 2}, {b, 6}, {c, 7}};
    static const char *const want[] = {"callbacks.ema1.type",  "callbacks.stop1.patience",
                                       "callbacks.stop1.type", "optimizer.beta",
                                       "optimizer.momentum",   "optimizer.type"};
    struct rn_row *rows;
    int64_t n;

    ck_assert_int_eq(differ(pool, runs, 3, false, &rows, &n), RN_OK);
    ck_assert_int_eq(n, 6);
    for (int64_t i = 0; i < n; i++)
        ck_assert_str_eq(rows[i].key, want[i]);
    ck_assert_ptr_null(rows[1].values[0]);
    ck_assert_str_eq(rows[1].values[1], "3");
    ck_assert_str_eq(rows[1].values[2], "5");
    ck_assert_int_eq(differ(pool, runs, 3, true, &rows, &n), RN_OK);
    ck_assert_int_eq(n, 4); /* brief: without the options of another type */
    ck_assert_int_eq(differ(pool, runs + 1, 2, false, &rows, &n), RN_OK);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(differ(pool, runs, 1, false, &rows, &n), RN_OK);
    ck_assert_int_eq(n, 0);
}
END_TEST

/* ---- filters and order ---------------------------------------------------- */

static const struct {
    const char *filter, *ids;
} filters[] = {{"test.accuracy>0.9", "bc"},
               {"test.accuracy>=0.9", "bca"},
               {"test.accuracy<0.95", "a"},
               {"test.accuracy=0.95", "b"},
               {"test.accuracy==0.95", "b"},
               {"test.accuracy!=0.95", "ca"},
               {"optimizer.lr<=0.001", "a"},
               {"optimizer.lr=1e-2", "b"},
               {"optimizer.type=ADAM", "ba"},
               {"name=m*", "ba"},
               {"name!=m*", "c"},
               {"tag=good", "c"},
               {"tag=x*", "b"},
               {"tag!=good", "ba"},
               {"status=failed", ""},
               {"started>=2026-01-01T02", "bc"},
               {"20260102", "c"},
               {"MLP", "ba"},
               {"good", "c"},
               {"nothing at all", ""},
               {"train_s<2.5", "ca"},
               {"seed=18446744073709551615", "c"}};

START_TEST(filters_keep_what_passes)
{
    make_three();
    read_runs();
    ck_assert_msg(!runs_filter(pool, &list, &filters[_i].filter, 1), "%s", error_text());
    expect_ids(filters[_i].ids);
}
END_TEST

START_TEST(all_filters_must_pass)
{
    static const char *const all[] = {"mlp", "optimizer.lr>0.001", "test.accuracy>0.9"};

    make_three();
    read_runs();
    ck_assert_int_eq(runs_filter(pool, &list, all, 3), RN_OK);
    expect_ids("b");
}
END_TEST

START_TEST(filters_that_cannot_be_are_refused)
{
    static const struct {
        const char *filter, *says;
    } bad[] = {{"=3", "expected KEY"},
               {"a!b", "expected KEY"},
               {"test.accuracy>", "expected"},
               {"optimizr.lr=1", "did you mean 'optimizer.lr'?"},
               {"zzzzzzzzzz<3", "no run has a"}};

    make_three();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        read_runs();
        ck_assert_int_eq(runs_filter(pool, &list, &bad[i].filter, 1), RN_EINVAL);
        ck_assert_msg(strstr(error_text(), bad[i].says) != NULL, "%s", error_text());
        ck_assert_int_eq(list.n, 3);
    }
}
END_TEST

START_TEST(sorted_by_numbers_and_by_words)
{
    static const struct {
        const char *key, *ids;
    } orders[] = {{"test.accuracy", "abc"}, {"-test.accuracy", "cba"}, {"optimizer.lr", "abc"},
                  {"-optimizer.lr", "bac"}, {"name", "cba"},           {"-started", "bca"},
                  {"started", "acb"}};

    make_three();
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        read_runs();
        ck_assert_int_eq(runs_sort(pool, &list, orders[i].key), RN_OK);
        expect_ids(orders[i].ids);
    }
    ck_assert_int_eq(runs_sort(pool, &list, "-optimizer.l"), RN_EINVAL);
    ck_assert_ptr_nonnull(strstr(error_text(), "did you mean 'optimizer.lr'?"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("runs");
    TCase *t = tcase_create("runs");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, newest_first_with_what_the_files_say);
    tcase_add_test(t, runs_of_a_sweep_lie_deeper);
    tcase_add_test(t, what_is_no_run_is_passed_over);
    tcase_add_test(t, damaged_files_of_a_run_leave_the_rest);
    tcase_add_test(t, of_one_second_the_later_is_newer);
    tcase_add_test(t, values_that_no_run_could_have_are_told);
    tcase_add_test(t, a_number_of_a_process_that_was_given_again_is_lost);
    tcase_add_test(t, expectations_are_told_and_filtered);
    tcase_add_test(t, a_long_curve_keeps_its_ends);
    tcase_add_test(t, a_run_whose_process_is_gone_is_lost);
    tcase_add_test(t, no_root_has_no_runs);
    tcase_add_test(t, the_cache_is_written_only_when_something_changed);
    tcase_add_test(t, a_line_is_taken_from_the_cache_when_its_key_fits);
    tcase_add_test(t, a_damaged_cache_does_no_harm);
    tcase_add_test(t, differs_from_the_others_of_its_name);
    tcase_add_test(t, a_part_that_a_run_lacks_is_told_by_its_type);
    tcase_add_loop_test(t, filters_keep_what_passes, 0, (int)(sizeof filters / sizeof *filters));
    tcase_add_test(t, all_filters_must_pass);
    tcase_add_test(t, filters_that_cannot_be_are_refused);
    tcase_add_test(t, sorted_by_numbers_and_by_words);
    suite_add_tcase(s, t);
    return suite_run(s);
}
