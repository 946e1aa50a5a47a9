/* test_env.c - the facts about the machine, and commits of repositories made by git itself. */
#define _GNU_SOURCE
#include "run/env.h"

#include "base/file.h"
#include "support/suite.h"

#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char dir[64];

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_env_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

/* Runs a shell command in dir; the first line of its output. */
static void shell(const char *command, char out[256])
{
    char whole[1024];

    snprintf(whole, sizeof whole,
             "cd %s && export HOME=%s GIT_CONFIG_NOSYSTEM=1 && { %s; } 2>/dev/null", dir, dir,
             command);
    FILE *f = popen(whole, "r");
    ck_assert_ptr_nonnull(f);
    if (!fgets(out, 256, f))
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    ck_assert_msg(pclose(f) == 0, "%s", whole);
}

#define COMMIT "git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"

static void expect_commit(const char *sub, const char *wanted)
{
    char path[256], commit[72];

    snprintf(path, sizeof path, "%s/%s", dir, sub);
    env_commit(path, commit);
    ck_assert_str_eq(commit, wanted);
}

START_TEST(facts)
{
    struct pool *p = pool_new();
    const struct rn_fact *f;
    struct timespec a, b;
    int n, seen = 0;

    clock_gettime(CLOCK_MONOTONIC, &a);
    ck_assert_int_eq(env_facts(p, &f, &n), RN_OK);
    clock_gettime(CLOCK_MONOTONIC, &b);
    double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
    ck_assert_double_lt(ms, 100); /* 10 expected; this machine may be busy */
    for (int i = 0; i < n; i++) {
        ck_assert(f[i].value[0]);
        ck_assert_ptr_null(strchr(f[i].value, '\n'));
        seen += !strcmp(f[i].key, "compiler") || !strcmp(f[i].key, "processor") ||
                !strcmp(f[i].key, "memory") || !strcmp(f[i].key, "kernel");
        if (!strcmp(f[i].key, "runner"))
            ck_assert_int_ge(f[i].value[0], '0');
    }
    ck_assert_int_eq(seen, 4);
    pool_free(p);
}
END_TEST

START_TEST(cores)
{
    cpu_set_t one;

    ck_assert_int_ge(env_cores(), 1);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_int_eq(env_cores(), 1);
}
END_TEST

START_TEST(no_repository)
{
    expect_commit("", "");
    expect_commit("missing", "");
}
END_TEST

START_TEST(commits)
{
    char id[256], other[256];

    shell("git init -q r && cd r && mkdir -p a/b", id);
    expect_commit("r", ""); /* nothing committed */
    shell("cd r && " COMMIT " && git rev-parse HEAD", id);
    ck_assert_uint_eq(strlen(id), 40);
    expect_commit("r", id);
    expect_commit("r/a/b", id);
    shell("cd r && git worktree add -q ../w && cd ../w && " COMMIT " && git rev-parse HEAD", other);
    ck_assert_str_ne(id, other);
    expect_commit("w", other);
    expect_commit("r", id);
    shell("cd r && git pack-refs --all && test ! -e .git/refs/heads/w && echo x", other);
    expect_commit("r", id);
    shell("cd w && git rev-parse HEAD", other);
    expect_commit("w", other);
    shell("cd r && " COMMIT " && git rev-parse HEAD", other); /* newer than the packed one */
    expect_commit("r", other);
    shell("cd r && git checkout -q HEAD~1", id);
    shell("cd r && git rev-parse HEAD", id);
    expect_commit("r", id);
}
END_TEST

static const char *const heads[] = {
    "", "ref: ", "ref: refs/heads/none\n", "xyz\n", "ref: ../../../x\n", "0123456789abcdef\n"};

START_TEST(broken_head)
{
    char path[256];

    snprintf(path, sizeof path, "%s/.git", dir);
    ck_assert_int_eq(file_mkdirs(path), RN_OK);
    expect_commit("", "");
    snprintf(path, sizeof path, "%s/.git/HEAD", dir);
    ck_assert_int_eq(file_write(path, heads[_i], strlen(heads[_i])), RN_OK);
    expect_commit("", "");
    snprintf(path, sizeof path, "%s/.git", dir);
    file_remove_tree(path);
    ck_assert_int_eq(file_write(path, "gitdir: nowhere\n", 16), RN_OK);
    expect_commit("", "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env");
    TCase *t = tcase_create("env");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, facts);
    tcase_add_test(t, cores);
    tcase_add_test(t, no_repository);
    tcase_add_test(t, commits);
    tcase_add_loop_test(t, broken_head, 0, sizeof heads / sizeof *heads);
    suite_add_tcase(s, t);
    return suite_run(s);
}
