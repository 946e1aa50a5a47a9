/* test_faults.c - signals at any moment, memory and disk that run out: what is said, what is left.
 */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "program.h"
#include "train/safetensors.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Loops of runs need no pictures, nor a second thread that waits for a busy core. */
#define QUICK "--threads 1 reporters=[console,jsonl,html]"

/* ---- signals -------------------------------------------------------------------------------- */

static void stop_with(int sig, int code, const char *name)
{
    char line[256], path[PATH_MAX];
    struct safetensors st;

    snprintf(line, sizeof line, "tiny.yaml --name %s --epochs 1000000", name);
    pid_t pid = start(line);
    for (int i = 0; i < 500 && !exists(run_folder(name), "metrics.jsonl"); i++)
        usleep(10000);
    kill(pid, sig);
    ck_assert_int_eq(finish(pid), code);
    expect_status(name, "interrupted");
    ck_assert(exists(run_folder(name), "report.html"));
    ck_assert(exists(run_folder(name), "report.md"));
    snprintf(path, sizeof path, "%s/state/last.safetensors", run_folder(name));
    ck_assert_int_eq(safetensors_read(in_dir(path), &st), RN_OK);
    ck_assert_int_ge(st.n, 12); /* 4 parameters, each with two slots */
    safetensors_free(&st);
}

START_TEST(ctrl_c_is_exit_130_with_checkpoint_and_report) { stop_with(SIGINT, 130, "int"); }
END_TEST

START_TEST(sigterm_is_exit_75_with_checkpoint_and_report) { stop_with(SIGTERM, 75, "term"); }
END_TEST

/* Until the process has a handler for the signal: on a busy machine that takes a while. */
static void wait_for_handler(pid_t pid, int sig)
{
    char path[64], line[128];
    unsigned long long caught = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    for (int i = 0; i < 10000 && !(caught >> (sig - 1) & 1); i++) {
        FILE *f = fopen(path, "r");
        while (f && fgets(line, sizeof line, f))
            sscanf(line, "SigCgt: %llx", &caught);
        if (f)
            fclose(f);
        usleep(1000);
    }
}

START_TEST(a_signal_at_any_moment_ends_it_in_order)
{
    for (int i = 0; i < 40; i++) {
        pid_t pid = start("tiny.yaml --name any --epochs 1000000 train.batch_size=400 -q " QUICK);

        wait_for_handler(pid, i % 2 ? SIGTERM : SIGINT);
        usleep((useconds_t)(i * 4000)); /* from the loading to the hundredth epoch */
        kill(pid, i % 2 ? SIGTERM : SIGINT);
        int code = finish(pid);
        ck_assert_msg(code == (i % 2 ? 75 : 130), "exit %d: %s", code, err);
    }
}
END_TEST

/* Whether the process was killed between the first signal and its last file. */
static bool killed_while_it_ends(pid_t pid)
{
    int status;

    wait_for_handler(pid, SIGTERM);
    for (int i = 0; i < 500 && !exists(run_folder("twice"), "metrics.jsonl"); i++)
        usleep(10000);
    kill(pid, SIGTERM);
    while (!waitpid(pid, &status, WNOHANG)) {
        cJSON *now = read_json(run_folder("twice"), "status.json");
        const char *word = cJSON_GetStringValue(cJSON_GetObjectItem(now, "status"));
        if (word && !strcmp(word, "interrupted"))
            kill(pid, SIGTERM);
        cJSON_Delete(now);
        usleep(500);
    }
    return WIFSIGNALED(status);
}

START_TEST(a_second_signal_kills_and_the_run_is_interrupted)
{
    bool killed = false;

    for (int i = 0; i < 10 && !killed; i++) /* it may be quicker than we are */
        killed = killed_while_it_ends(start("tiny.yaml --name twice --epochs 1000000 -q"));
    ck_assert(killed);
    expect_status("twice", "interrupted");
    cJSON *now = read_json(run_folder("twice"), "status.json");
    EXPECT_TEXT(cJSON_GetObjectItem(now, "reason")->valuestring, "SIGTERM after step");
    EXPECT_TEXT(cJSON_GetObjectItem(now, "reason")->valuestring, "were not written");
    cJSON_Delete(now);
}
END_TEST

START_TEST(a_stopped_run_that_had_diverged_says_so)
{
    pid_t pid = start("tiny.yaml --name nan optimizer=sgd optimizer.lr=1e30 train.log_every=100%");
    usleep(30000);
    kill(pid, SIGINT);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 6) {
        expect_status("nan", "diverged");
        char path[PATH_MAX];
        struct safetensors st;
        snprintf(path, sizeof path, "%s/weights/last.safetensors", run_folder("nan"));
        ck_assert_int_eq(safetensors_read(in_dir(path), &st), RN_OK); /* kept before it was bad */
        ck_assert_int_eq(st.not_finite, 0);
        safetensors_free(&st);
    } else /* it came before the first step, or before the handler */
        ck_assert(!*run_folder("nan") || (WIFEXITED(status) && WEXITSTATUS(status) == 130));
}
END_TEST

/* ---- faults ---------------------------------------------------------------------------------- */

/* No file of a run folder that says it is whole is cut off; temporary files are gone. */
static void expect_no_debris(const char *folder)
{
    DIR *d = opendir(in_dir(folder));
    struct dirent *e;

    while (d && (e = readdir(d)))
        ck_assert_msg(!strstr(e->d_name, ".tmp-"), "%s was left behind", e->d_name);
    if (d)
        closedir(d);
}

/* Makes the n-th call fail, and with onward all after it, for n = 1, 1 + stride, ... until a dozen
 * runs in a row do not mind: the last fault was beyond their end. */
static void fault_loop(const char *variable, bool onward, int code, int stride, int at_least)
{
    int failures = 0;

    for (int n = 1, good = 0; good < 12; n += stride) {
        char value[32], line[256], name[32];

        snprintf(value, sizeof value, "%d%s", n, onward ? "+" : "");
        snprintf(name, sizeof name, "fault%d", n);
        snprintf(line, sizeof line, "tiny.yaml --epochs 1 -q --name %s " QUICK, name);
        setenv(variable, value, 1);
        int got = run(line);
        unsetenv(variable);
        ck_assert_msg(got == 0 || got == code, "%s=%s: exit %d: %s", variable, value, got, err);
        ck_assert_msg(!got || err[0], "%s=%s: no message", variable, value);
        if (*run_folder(name))
            expect_no_debris(run_folder(name));
        failures += got != 0;
        good = got ? 0 : good + 1;
        file_remove_tree(in_dir("reports"));
    }
    ck_assert_msg(failures >= at_least, "only %d faults were met", failures);
}

START_TEST(every_failing_write_is_exit_5) { fault_loop("RN_FAIL_IO", true, 5, 7, 10); }
END_TEST

START_TEST(every_failing_allocation_is_exit_8) { fault_loop("RN_FAIL_ALLOC", false, 8, 13, 40); }
END_TEST

START_TEST(latest_stays_with_the_last_good_run)
{
    EXPECT_EXIT(0, "tiny.yaml --name stays --epochs 1 -q " QUICK);
    for (int n = 1; n < 60; n += 2) {
        char value[16];
        snprintf(value, sizeof value, "%d", n);
        setenv("RN_FAIL_IO", value, 1);
        run("tiny.yaml --name stays --epochs 1 -q " QUICK);
        unsetenv("RN_FAIL_IO");
        ck_assert_msg(exists(run_folder("stays"), "status.json"), "RN_FAIL_IO=%d", n);
    }
}
END_TEST

START_TEST(a_file_system_that_is_full)
{
    char line[PATH_MAX];

    for (int blocks = 1; blocks < 400; blocks = blocks * 5 / 3 + 1) {
        snprintf(line, sizeof line,
                 "cd %s && ulimit -f %d && %s tiny.yaml --epochs 1 -q --name full " QUICK
                 " >out 2>err",
                 test_dir(), blocks, getenv("RN_RUNNER"));
        int code = WEXITSTATUS(system(line));
        slurp("err", err, sizeof err);
        ck_assert_msg(code == 5 || code == 0, "exit %d: %s", code, err);
        if (*run_folder("full"))
            expect_no_debris(run_folder("full"));
        file_remove_tree(in_dir("reports"));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {ctrl_c_is_exit_130_with_checkpoint_and_report,
                                  sigterm_is_exit_75_with_checkpoint_and_report,
                                  a_second_signal_kills_and_the_run_is_interrupted,
                                  a_signal_at_any_moment_ends_it_in_order,
                                  a_stopped_run_that_had_diverged_says_so,
                                  every_failing_write_is_exit_5,
                                  every_failing_allocation_is_exit_8,
                                  latest_stays_with_the_last_good_run,
                                  a_file_system_that_is_full};

    return program_tests("faults", tests, sizeof tests / sizeof *tests);
}
