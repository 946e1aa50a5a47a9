/* test_names.c - runs by what people type for them. */
#define _XOPEN_SOURCE 700
#include "base/error.h"
#include "base/file.h"
#include "run/names.h"
#include "support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char root[32];
static struct pool *pool;

static void make(const char *name, const char *file)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", root, name);
    file_mkdirs(path);
    snprintf(path, sizeof path, "%s/%s/%s", root, name, file);
    file_write(path, "x", 1);
}

static void start(const char *name, const char *started, int microseconds)
{
    char path[256], text[128];

    snprintf(path, sizeof path, "%s/%s/status.json", root, name);
    snprintf(text, sizeof text, "{\"started\": \"%s\", \"microseconds\": %d}", started,
             microseconds);
    file_write(path, text, strlen(text));
}

static void begin(void)
{
    snprintf(root, sizeof root, "/tmp/test_names_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    pool = pool_new();
    make("mlp/20260101-000000-aaaaaa", "config.yaml");
    make("mlp/20260301-000000-bbbbbb", "config.yaml");
    make("cnn/20260201-000000-cccccc", "config.yaml");
    make("cnn/20260201-000000-bbbbbb", "config.yaml"); /* the same second, but later */
    start("mlp/20260101-000000-aaaaaa", "2026-01-01T00:00:00Z", 0);
    start("mlp/20260301-000000-bbbbbb", "2026-03-01T00:00:00Z", 0);
    start("cnn/20260201-000000-cccccc", "2026-02-01T00:00:00Z", 9999);
    start("cnn/20260201-000000-bbbbbb", "2026-02-01T00:00:00Z", 10000);
    make("cnn/20260401-000000-cccccc", "nothing"); /* not begun */
    make("cnn/notes", "config.yaml");
    make("mlp/20260501-000000-ABCDEF", "config.yaml");
}

static void end(void)
{
    pool_free(pool);
    file_remove_tree(root);
}

static void means(const char *word, const char *id)
{
    struct run_name run;

    ck_assert_msg(run_find(pool, root, word, &run) == 0, "%s: %s", word, error_text());
    ck_assert_str_eq(run.id, id);
    ck_assert(file_exists(run.dir));
}

static void fails(const char *word, const char *message)
{
    struct run_name run;

    ck_assert_int_eq(run_find(pool, root, word, &run), RN_EDATA);
    ck_assert_msg(strstr(error_text(), message) != NULL, "%s: %s", word, error_text());
}

START_TEST(runs_have_many_names)
{
    char path[256];

    means("latest", "20260301-000000-bbbbbb");
    means("latest:mlp", "20260301-000000-bbbbbb");
    means("latest:cnn", "20260201-000000-bbbbbb");
    means("@1", "20260301-000000-bbbbbb");
    means("@3", "20260201-000000-cccccc");
    means("@4", "20260101-000000-aaaaaa");
    means("202603", "20260301-000000-bbbbbb");
    means("20260201-000000-cccccc", "20260201-000000-cccccc");
    snprintf(path, sizeof path, "%s/mlp/latest", root);
    ck_assert_int_eq(symlink("20260101-000000-aaaaaa", path), 0);
    means(path, "20260101-000000-aaaaaa");
    snprintf(path, sizeof path, "%s/cnn/20260201-000000-cccccc//", root);
    means(path, "20260201-000000-cccccc");
}
END_TEST

START_TEST(what_is_no_run_is_told_with_those_that_are)
{
    fails("2027", "no run's id begins with that; the newest runs are: mlp/20260301-000000-bbbbbb");
    fails("202602", "more than one run begins with that: cnn/20260201-000000-bbbbbb, cnn/");
    fails("latest:mpl", "no run has that name");
    fails("mlp", "'latest:mlp'");
    fails("@5", "there are 4 runs");
    fails("some/where", "is not there");
    fails(".", "no run's id");
}
END_TEST

START_TEST(a_root_without_runs_is_told)
{
    struct run_name run, *runs;
    int64_t n;

    ck_assert_int_eq(run_find(pool, root, "@0", &run), RN_EINVAL);
    ck_assert_int_eq(run_find(pool, root, "@x", &run), RN_EINVAL);
    ck_assert_ptr_nonnull(strstr(error_text(), "expected a number from 1"));
    ck_assert_int_eq(run_find(pool, "nowhere", "latest", &run), RN_EDATA);
    ck_assert_ptr_nonnull(strstr(error_text(), "'latest'"));
    ck_assert_ptr_nonnull(strstr(error_text(), "there are no runs in 'nowhere'"));
    ck_assert_int_eq(run_names(pool, "nowhere", NULL, &runs, &n), 0);
    ck_assert_int_eq(n, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("names");
    TCase *c = tcase_create("names");

    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, runs_have_many_names);
    tcase_add_test(c, what_is_no_run_is_told_with_those_that_are);
    tcase_add_test(c, a_root_without_runs_is_told);
    suite_add_tcase(s, c);
    return suite_run(s);
}
