/* test_baselines.c - `runner test` as it is seen from outside: recorded, held to it, and what is
 * changed on purpose is caught. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "program.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define CHECKS \
    "  checks:\n" \
    "    - {metric: test.accuracy, within: 4 sd}   # worse only\n" \
    "    - {metric: test.loss, rel: 60%}\n" \
    "    - {metric: val.loss, at: epoch 1, seed: 1, rel: 0.1%}\n" \
    "    - {metric: parameters, exact: true}\n" \
    "    - {metric: weights.sha256, seed: 2, same: machine}\n"

static void write_text(const char *name, const char *text)
{
    ck_assert_int_eq(file_write(in_dir(name), text, strlen(text)), RN_OK);
}

static void write_baseline(const char *name, const char *set, const char *more)
{
    char text[4096];

    snprintf(text, sizeof text, "baseline:\n  config: %s\n  set: {%s}\n  seeds: [1, 2]\n%s%s",
             "base.yaml", set, CHECKS, more);
    write_text(name, text);
}

static void make(void)
{
    write_text("base.yaml",
               "device: {type: cpu, threads: 1}\n"
               "data: {type: synthetic, kind: blobs, classes: 3, features: 4, samples: 300,\n"
               "  test_samples: 120}\n"
               "model: {layers: [{type: dense, units: 8}, relu, {type: dense, units: 3}]}\n"
               "loss: cross_entropy\noptimizer: {type: sgd, lr: 0.1}\n"
               "train: {epochs: 2, batch_size: 16}\n"
               "expect: [{metric: test.accuracy, min: 2}]\n"); /* of no concern here */
    write_baseline("b.yaml", "", "");
    file_remove_tree(in_dir("reports"));
}

static int n_runs_left(void)
{
    FILE *f = popen("find reports/tests -name summary.json 2>/dev/null | wc -l", "r");
    int n = -1;

    if (f && fscanf(f, "%d", &n) != 1)
        n = -1;
    if (f)
        pclose(f);
    return n;
}

START_TEST(what_was_recorded_holds)
{
    make();
    EXPECT_EXIT(1, "test b.yaml"); /* not recorded is no pass */
    EXPECT_TEXT(out, "FAIL b   what has to be compared cannot be\n");
    EXPECT_TEXT(out, "1 file, 5 checks: 0 passed, 0 failed, 5 not comparable\n");
    file_remove_tree(in_dir("reports"));
    EXPECT_EXIT(0, "test record b.yaml --seeds 1-8");
    EXPECT_TEXT(out, "-    - {metric: test.accuracy, within: 4 sd}   # worse only\n");
    EXPECT_TEXT(out, "+    n: 8\n");
    EXPECT_TEXT(out, "b.yaml: recorded\n");
    EXPECT_EXIT(0, "b.yaml"); /* a file says what it is */
    EXPECT_TEXT(out, "PASS b   5 of 5 checks, 2 runs, ");
    EXPECT_EXIT(0, "test b.yaml");
    EXPECT_TEXT(out, "PASS b   5 of 5 checks, 2 runs, ");
    EXPECT_TEXT(out, "1 file, 5 checks: 5 passed, 0 failed\n");
    ck_assert_int_eq(n_runs_left(), 0);
    EXPECT_EXIT(0, "test b.yaml --keep");
    ck_assert_int_eq(n_runs_left(), 2);
    EXPECT_EXIT(0, "test b.yaml --update");
    EXPECT_TEXT(out, "b.yaml: nothing changed\n");
    EXPECT_EXIT(0, "test b.yaml --seeds 21,22 -v");
    EXPECT_TEXT(out, "n/c b   weights.sha256: no run has this seed   b.yaml:");
    EXPECT_TEXT(out, "PASS b   test.accuracy is ");
    EXPECT_EXIT(1, "test b.yaml --seeds 21,22 --strict");
}
END_TEST

START_TEST(what_is_changed_is_caught)
{
    static const char *const planted[] = {
        "optimizer.lr=0.02", "optimizer.lr=0.4",    "model.layers.0.units=9",
        "data.samples=240",  "train.shuffle=false",
    };

    make();
    EXPECT_EXIT(0, "test record b.yaml --seeds 1-8 --force");
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        char line[200];
        snprintf(line, sizeof line, "test b.yaml %s", planted[i]);
        EXPECT_EXIT(1, line);
        EXPECT_TEXT(out, "FAIL b   ");
        EXPECT_TEXT(out, "most likely: val.loss of seed 1 differs from epoch 1 on; the "
                         "configuration changed\n");
        EXPECT_TEXT(out, "     runs: reports/tests/b/");
        ck_assert_int_gt(n_runs_left(), 0);
    }
}
END_TEST

START_TEST(a_run_that_fails_fails_the_test)
{
    make();
    EXPECT_EXIT(0, "test record b.yaml --seeds 1-5 --force");
    EXPECT_EXIT(1, "test b.yaml optimizer.lr=1e30");
    EXPECT_TEXT(out, "FAIL b   run of seed 1 is exit code 6");
    write_baseline("b.yaml", "optimizer.lr: 1e30", "");
    EXPECT_EXIT(2, "test record b.yaml --force");
    EXPECT_TEXT(err, "nothing is recorded: the run of seed 1: exit code 6");
}
END_TEST

/* Parsed by somebody else, and counted. */
START_TEST(for_other_programs)
{
    make();
    write_baseline("c.yaml", "train.epochs: 3", "    - {metric: test.top3, min: 0}\n");
    EXPECT_EXIT(0, "test record b.yaml c.yaml --seeds 1-5 --force");
    EXPECT_EXIT(1, "test b.yaml c.yaml --junit j.xml --markdown m.md --json optimizer.lr=0.02");
    cJSON *root = cJSON_Parse(out);
    ck_assert_msg(root != NULL, "%s", out);
    ck_assert(cJSON_IsFalse(cJSON_GetObjectItem(root, "holds")));
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "files")), 2);
    cJSON_Delete(root);
    int rc = system("python3 -c \"import xml.etree.ElementTree as E\n"
                    "r = E.parse('j.xml').getroot()\n"
                    "assert r.tag == 'testsuites' and len(r) == 2\n"
                    "for s in r:\n"
                    "    assert s.tag == 'testsuite' and s.get('name') in 'bc'\n"
                    "    cases = s.findall('testcase')\n"
                    "    assert len(cases) == int(s.get('tests')) >= 5\n"
                    "    assert len(s.findall('testcase/failure')) == int(s.get('failures')) > 0\n"
                    "    assert len(s.findall('testcase/skipped')) == int(s.get('skipped'))\n"
                    "    assert all(c.get('name') and c.get('classname') for c in cases)\n"
                    "    float(s.get('time'))\n"
                    "assert sum(int(s.get('tests')) for s in r) == int(r.get('tests'))\n"
                    "assert sum(int(s.get('failures')) for s in r) == int(r.get('failures'))\"");
    ck_assert_int_eq(rc, 0);
    slurp("m.md", out, sizeof out);
    EXPECT_TEXT(out, "# Baselines do not hold\n");
    EXPECT_TEXT(out, "| fail | c | ");
}
END_TEST

START_TEST(mistakes_are_exit_2_and_start_nothing)
{
    make();
    EXPECT_EXIT(2, "test none.yaml");
    EXPECT_EXIT(2, "test");
    EXPECT_TEXT(err, "there is no tests/baselines/*.yaml here");
    EXPECT_EXIT(2, "test record");
    EXPECT_EXIT(2, "test b.yaml --seeds 3-1");
    EXPECT_EXIT(2, "test b.yaml --jobs 0");
    EXPECT_EXIT(2, "test base.yaml");
    EXPECT_TEXT(err, "base.yaml is no baseline");
    EXPECT_EXIT(2, "summary b.yaml");
    EXPECT_TEXT(err, "`runner test FILE` runs it");
    EXPECT_EXIT(2, "test record b.yaml optimizer.lr=0.2 --force");
    EXPECT_TEXT(err, "optimizer.lr=0.2: what is recorded is of the experiment as the file has it");
    EXPECT_EXIT(2, "test b.yaml --update optimizer.lr=0.2 --force");
    write_baseline("c.yaml", "optimizer.lr: fast", "");
    EXPECT_EXIT(2, "test c.yaml");
    EXPECT_TEXT(err, "c.yaml:3:");
    EXPECT_EXIT(2, "check c.yaml");
    EXPECT_TEXT(err, "c.yaml:3:");
    EXPECT_EXIT(0, "check b.yaml");
    EXPECT_TEXT(out, "b.yaml: good: a baseline with 5 checks and 2 seeds\n");
    ck_assert_int_eq(n_runs_left(), 0);
    EXPECT_EXIT(2, "test record b.yaml --seeds 1-4 --force");
    EXPECT_TEXT(err, "'within' needs a spread over at least 5 runs");
    ck_assert_int_eq(n_runs_left(), 4); /* of the last */
}
END_TEST

START_TEST(a_signal_ends_all_of_it)
{
    make();
    pid_t pid = start("test b.yaml train.epochs=100000");
    for (int i = 0; i < 200 && !exists("reports", "tests/b"); i++)
        usleep(20000);
    usleep(300000);
    kill(pid, SIGTERM);
    ck_assert_int_eq(finish(pid), 75);
    EXPECT_TEXT(err, "stopped; its runs were ended");
    ck_assert_int_ne(system("pgrep -f 'plan/seed[12].yaml -o reports/tests/b/' >/dev/null"), 0);
}
END_TEST

/* Both runs are over, and nobody was told of it yet, when the signal comes. */
START_TEST(a_signal_as_runs_end_ends_all_of_it)
{
    char line[100];

    make();
    pid_t pid = start("test b.yaml train.epochs=60 --jobs 2");
    for (int i = 0; i < 2000 && system("ls reports/tests/b/*/logs/seed2.log >log 2>&1"); i++)
        usleep(2000);
    kill(pid, SIGSTOP);
    snprintf(line, sizeof line, "test $(ps --ppid %d -o stat= | grep -c Z) = 2", (int)pid);
    for (int i = 0; i < 500 && system(line); i++)
        usleep(20000);
    ck_assert_int_eq(system(line), 0);
    kill(pid, SIGTERM);
    kill(pid, SIGCONT);
    snprintf(line, sizeof line, "ps -p %d -o stat= | grep -qv Z", (int)pid);
    for (int i = 0; i < 200 && !system(line); i++)
        usleep(20000);
    if (!system(line))
        kill(pid, SIGKILL); /* and finish() fails */
    ck_assert_int_eq(finish(pid), 75);
}
END_TEST

START_TEST(a_file_that_changes_meanwhile_is_not_written)
{
    make();
    write_baseline("b.yaml", "train.epochs: 20", "");
    pid_t pid = start("test record b.yaml --seeds 1-8 --force");
    for (int i = 0; i < 2000 && system("ls reports/tests/b/*/logs/seed1.log >log 2>&1"); i++)
        usleep(2000);
    ck_assert_int_eq(system("echo '# mine' >>b.yaml; cp b.yaml kept.yaml"), 0);
    ck_assert_int_eq(finish(pid), 2);
    EXPECT_TEXT(err, "b.yaml changed while its runs went on: nothing was written");
    ck_assert_int_eq(system("cmp b.yaml kept.yaml"), 0);
}
END_TEST

/* The file's seeds are run when others are asked for, and values are of these. */
START_TEST(values_are_of_the_seeds_of_the_file)
{
    make();
    write_text("v.yaml", "baseline:\n  config: base.yaml\n  seeds: [1, 2, 3]\n  checks:\n"
                         "    - {metric: test.accuracy, exact: true}\n"
                         "    - {metric: test.loss, exact: true}\n"
                         "    - {metric: val.loss, rel: 1e-6%}\n"
                         "    - {metric: test.loss, within: 3 sd}\n");
    EXPECT_EXIT(0, "test record v.yaml --seeds 11-16 --force");
    EXPECT_TEXT(out, "+    n: 9\n");
    EXPECT_EXIT(0, "test v.yaml --strict");
    EXPECT_TEXT(out, "PASS v   4 of 4 checks, 3 runs, ");
}
END_TEST

START_TEST(a_tree_with_changes_is_not_recorded)
{
    make();
    if (system("git --version >/dev/null 2>&1") != 0)
        return;
    ck_assert_int_eq(system("rm -rf .git && git init -q . && git add base.yaml b.yaml && git -c "
                            "user.name=a -c user.email=a@b commit -qm a"),
                     0);
    EXPECT_EXIT(0, "test record b.yaml --seeds 1-5");
    EXPECT_TEXT(out, "+    commit: ");
    EXPECT_EXIT(0, "test b.yaml --update --seeds 1-6"); /* its own changes are none */
    ck_assert_int_eq(system("echo '# x' >>base.yaml"), 0);
    EXPECT_EXIT(2, "test b.yaml --update");
    EXPECT_TEXT(err, "the git tree has changes");
    EXPECT_EXIT(0, "test b.yaml --update --force");
    /* more changes than a pipe holds */
    ck_assert_int_eq(system("mkdir many && cd many && touch $(seq -f a-file-with-a-long-name-%g "
                            "6000) && cd .. && git add many && git -c user.name=a -c "
                            "user.email=a@b commit -qm b && rm -r many"),
                     0);
    EXPECT_EXIT(2, "test b.yaml --update");
    ck_assert_int_eq(system("rm -rf .git"), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_signal_as_runs_end_ends_all_of_it,   a_file_that_changes_meanwhile_is_not_written,
        values_are_of_the_seeds_of_the_file,   what_was_recorded_holds,
        a_run_that_fails_fails_the_test,       for_other_programs,
        mistakes_are_exit_2_and_start_nothing, a_signal_ends_all_of_it,
        a_tree_with_changes_is_not_recorded,   what_is_changed_is_caught};

    return program_tests("baselines", tests, sizeof tests / sizeof *tests);
}
