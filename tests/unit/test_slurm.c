/* test_slurm.c - runs as array jobs: the script, and the launcher against commands that look like
 * Slurm's: they run each task at once. tests/slurm has the real one. */
#define _GNU_SOURCE
#include "run/slurm.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static const char *in_dir(const char *name)
{
    static char path[4][256];
    static int next;

    snprintf(path[next = (next + 1) % 4], sizeof path[0], "%s/%s", dir, name);
    return path[next];
}

/* ---- commands that look like Slurm's -------------------------------------------------- */

static void write_tool(const char *name, const char *text)
{
    ck_assert_int_eq(file_write_soon(in_dir(name), text, strlen(text)), RN_OK);
    ck_assert_int_eq(chmod(in_dir(name), 0755), 0);
}

/* jobs/ has a file "NUMBER.INDEX" with the state of each task, and NUMBER.name. */
static const char sbatch[] =
    "#!/bin/bash\n"
    "jobs=$FAKE/jobs; for script; do :; done\n"
    "if [ -e \"$FAKE/refuse\" ]; then cat \"$FAKE/refuse\" >&2; exit 1; fi\n"
    "id=$(($(ls \"$jobs\" | grep -c name) + 1))\n"
    "echo \"$@\" >>\"$FAKE/asked\"\n"
    "sed -n 's/^#SBATCH --job-name=//p' \"$script\" >\"$jobs/$id.name\"\n"
    "last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' \"$script\")\n"
    "for i in $(seq 0 \"$last\"); do\n"
    "    SLURM_ARRAY_TASK_ID=$i SLURM_JOB_ID=$id.$i bash \"$script\" >/dev/null 2>&1\n"
    "    [ -e \"$jobs/$id.$i\" ] || echo COMPLETED >\"$jobs/$id.$i\"\n"
    "done\n"
    "echo $id\n";
static const char squeue[] = "#!/bin/bash\n"
                             "jobs=$FAKE/jobs\n"
                             "echo x >>\"$FAKE/looks\"\n"
                             "if [ -e \"$FAKE/away\" ]; then rm \"$FAKE/away\"; echo "
                             "'slurm_load_jobs error: Unable to contact"
                             " slurm controller (connect failure)' >&2; exit 1; fi\n"
                             "[ ! -e \"$FAKE/forgets\" ] || exit 0\n"
                             "for f in \"$jobs\"/*.[0-9]*; do\n"
                             "    [ -e \"$f\" ] || continue\n"
                             "    b=${f##*/}; id=${b%.*}\n"
                             "    echo \"$id|${b#*.}|$(cat \"$f\")|$(cat \"$jobs/$id.name\")\"\n"
                             "done\n";
static const char scontrol[] =
    "#!/bin/bash\n"
    "[ \"$1\" = requeue ] && { echo \"$2\" >>\"$FAKE/requeued\"; exit 0; }\n"
    "echo 'MaxArraySize            = 4'\n";
static const char scancel[] = "#!/bin/bash\necho \"$@\" >>\"$FAKE/cancelled\"\n";

static void setup(void)
{
    char path[4096];

    snprintf(dir, sizeof dir, "/tmp/it's a test_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    write_tool("sbatch", sbatch);
    write_tool("squeue", squeue);
    write_tool("scontrol", scontrol);
    write_tool("scancel", scancel);
    ck_assert_int_eq(file_mkdirs(in_dir("jobs")), RN_OK);
    snprintf(path, sizeof path, "%s:%s", dir, getenv("PATH"));
    setenv("PATH", path, 1);
    setenv("FAKE", dir, 1);
    json_init();
}

static void teardown(void)
{
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

static const char *text_of(const char *name)
{
    static char text[1 << 16];
    FILE *f = fopen(in_dir(name), "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

    if (f)
        fclose(f);
    text[n] = '\0';
    return text;
}

static void touch(const char *name, const char *text)
{
    ck_assert_int_eq(file_write_soon(in_dir(name), text, strlen(text)), RN_OK);
}

/* ---- tasks: this program, which ends with the code that it is given -------------------- */

enum { TASKS = 10 };

static char ids[TASKS][16], codes[TASKS][16];
static const char *args[TASKS][4];
static struct launch_task tasks[TASKS];
static int n_started[TASKS], n_ended[TASKS], again_at = -1;
static struct child_end ends[TASKS];

static void make_tasks(const int *code, int n)
{
    static char log[256];

    snprintf(log, sizeof log, "%s/log", dir);
    for (int i = 0; i < n; i++) {
        snprintf(ids[i], sizeof ids[i], "task %d", i);
        snprintf(codes[i], sizeof codes[i], "%d", code[i]);
        args[i][0] = "task";
        args[i][1] = codes[i];
        args[i][2] = "it's $HOME";
        args[i][3] = NULL;
        tasks[i] = (struct launch_task){ids[i], dir, log, args[i]};
        n_started[i] = n_ended[i] = 0;
    }
}

static int be_task(int argc, char **argv)
{
    printf("%s\n", argv[3]);
    return argc == 4 ? (int)strtol(argv[2], NULL, 10) : 99;
}

static int started(void *ctx, int task)
{
    (void)ctx;
    n_started[task]++;
    return RN_OK;
}

static int ended(void *ctx, int task, const struct child_end *end)
{
    (void)ctx;
    ends[task] = *end;
    return n_ended[task]++ == 0 && task == again_at;
}

static int launch(int n)
{
    struct slurm_options o = {.array_limit = 2};
    struct launch_limits limits = {0};
    struct launch_events events = {NULL, started, ended, NULL};

    return launch_slurm(&o, dir, &limits, tasks, n, &events);
}

START_TEST(all_of_them_in_arrays)
{
    static const int code[TASKS] = {0, 1, 2, 137, 75, 130, 0, 0, 6, 0};

    make_tasks(code, TASKS);
    again_at = 6;
    ck_assert_int_eq(launch(TASKS), RN_OK);
    again_at = -1;
    for (int i = 0; i < TASKS; i++) {
        ck_assert_int_eq(n_ended[i], i == 6 ? 2 : 1);
        ck_assert_int_eq(n_started[i], n_ended[i]);
        ck_assert_int_eq(ends[i].exit_code, code[i] == 137 ? -1 : code[i]);
        ck_assert_int_eq(ends[i].signal, code[i] == 137 ? 9 : 0);
        ck_assert_ptr_null(ends[i].why);
    }
    ck_assert_str_eq(text_of("asked"), "--parsable 1.sh\n"
                                       "--parsable --dependency=afterany:1 2.sh\n"
                                       "--parsable --dependency=afterany:2 3.sh\n"
                                       "--parsable 4.sh\n");
    ck_assert_str_eq(text_of("requeued"), ""); /* nobody was told that time is over */
    ck_assert(!file_exists(in_dir("slurm/1.0.exit")));
    ck_assert_ptr_nonnull(strstr(text_of("log"), "it's $HOME\n"));
}
END_TEST

START_TEST(another_start_of_it_still_runs)
{
    static const int code[] = {7};

    make_tasks(code, 1);
    touch("refuse", "");
    unlink(in_dir("refuse"));
    touch("jobs/1.0", "COMPLETED\n"); /* put back, and nobody begins it: given up */
    ck_assert_int_eq(launch(1), RN_OK);
    ck_assert_ptr_nonnull(strstr(text_of("requeued"), "1.0\n"));
    ck_assert_int_eq(ends[0].exit_code, -1);
    ck_assert_ptr_nonnull(ends[0].why);
}
END_TEST

START_TEST(states_without_a_word)
{
    static const struct {
        const char *state, *why;
        bool cancelled;
    } cases[] = {{"CANCELLED", "cancelled in Slurm", true},
                 {"NODE_FAIL", "its node failed", false},
                 {"OUT_OF_MEMORY", "out of memory, says Slurm", false}};
    static const int code[] = {7, 7, 7};

    make_tasks(code, 3);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "jobs/1.%d", i);
        touch(name, cases[i].state);
    }
    ck_assert_int_eq(launch(3), RN_OK);
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(ends[i].why, cases[i].why);
        ck_assert_int_eq(ends[i].cancelled, cases[i].cancelled);
        ck_assert_int_eq(n_ended[i], 1);
    }
}
END_TEST

START_TEST(the_controller_is_away)
{
    static const int code[] = {3};

    make_tasks(code, 1);
    touch("away", "");
    ck_assert_int_eq(launch(1), RN_OK);
    ck_assert(!file_exists(in_dir("away")));
    ck_assert_int_eq(ends[0].exit_code, 3);
}
END_TEST

START_TEST(a_refusal_is_told)
{
    static const int code[] = {0};

    make_tasks(code, 1);
    touch("refuse", "sbatch: error: invalid partition specified: nowhere\n");
    ck_assert_int_eq(launch(1), RN_EINVAL);
    ck_assert_ptr_nonnull(strstr(error_text(), "invalid partition"));
    ck_assert_int_eq(n_ended[0], 0);
}
END_TEST

START_TEST(without_slurm)
{
    static const int code[] = {0};

    make_tasks(code, 1);
    setenv("PATH", "/nowhere", 1);
    ck_assert_int_eq(launch(1), RN_EIO);
    ck_assert_ptr_nonnull(strstr(error_text(), "scontrol"));
}
END_TEST

/* An earlier launcher submitted it: found by its number, or by its name. */
START_TEST(what_was_submitted_is_followed)
{
    static const int code[] = {0};

    make_tasks(code, 1);
    ck_assert_int_eq(file_mkdirs(in_dir("slurm")), RN_OK);
    touch("slurm/1.json",
          _i ? "{\"name\": \"x.1\", \"job\": 0, \"tasks\": [\"gone\", \"task 0\"]}"
             : "{\"name\": \"x.1\", \"job\": 8, \"tasks\": [\"gone\", \"task 0\"]}");
    touch("slurm/1.1.exit", "9 \n");
    touch("jobs/8.name", "x.1\n");
    touch("jobs/8.1", "RUNNING\n");
    if (!fork()) {
        sleep(3);
        touch("jobs/8.1", "COMPLETED\n");
        _exit(0);
    }
    ck_assert_int_eq(launch(1), RN_OK);
    ck_assert_int_eq(ends[0].exit_code, 9);
    ck_assert_str_eq(text_of("asked"), "");
}
END_TEST

START_TEST(damaged_files_are_passed_over)
{
    static const int code[] = {4};
    static const char *const bad[] = {
        "", "[]", "{\"name\": 3, \"tasks\": 4}",
        "{\"name\": \"x.1\", \"job\": \"a\", \"tasks\": [1, \"task 0\"]}"};

    make_tasks(code, 1);
    ck_assert_int_eq(file_mkdirs(in_dir("slurm")), RN_OK);
    touch("slurm/1.json", bad[_i]);
    ck_assert_int_eq(launch(1), RN_OK);
    ck_assert_int_eq(ends[0].exit_code, 4);
    ck_assert_str_eq(text_of("asked"), "--parsable 2.sh\n");
}
END_TEST

/* ---- without any Slurm -------------------------------------------------------------------- */

START_TEST(a_script_says_what_was_asked_for)
{
    static const char *const words[] = {"--qos=short", "--nice=10"};
    static const char *const line[] = {
        "#SBATCH --job-name=x.3\n",    "#SBATCH --array=0-0%8\n",
        "#SBATCH --requeue\n",         "#SBATCH --open-mode=append\n",
        "#SBATCH --partition=gpu\n",   "#SBATCH --account=me\n",
        "#SBATCH --gpus=1\n",          "#SBATCH --mem=2048M\n",
        "#SBATCH --cpus-per-task=4\n", "#SBATCH --time=61\n",
        "#SBATCH --qos=short\n",       "#SBATCH --signal=B:USR1@120\n",
        "#SBATCH --nice=10\n"};
    static const int code[] = {0};
    const struct launch_task *list = tasks;
    struct slurm_options o = {.partition = "gpu",
                              .account = "me",
                              .gpus = 1,
                              .cpus = 4,
                              .memory = 2LL << 30,
                              .time = {3601, RN_SECONDS, 0},
                              .signal_before = {120, RN_SECONDS, 0},
                              .array_limit = 8,
                              .extra = words,
                              .n_extra = 2};
    struct text t = {0};

    make_tasks(code, 1);
    ck_assert_int_eq(slurm_check(&o), RN_OK);
    slurm_script(&o, &(struct slurm_array){"x.3", "what", "/a b", "3", "/c'd", "/r", &list, 1}, &t);
    for (size_t i = 0; i < sizeof line / sizeof *line; i++)
        ck_assert_msg(strstr(t.s, line[i]) != NULL, "no %s in %s", line[i], t.s);
    ck_assert_ptr_nonnull(strstr(t.s, "cd '/c'\\''d' || exit 5\n"));
    ck_assert_ptr_nonnull(strstr(t.s, "end='/a b'/3.$SLURM_ARRAY_TASK_ID.exit\n"));
    text_free(&t);
}
END_TEST

START_TEST(what_would_not_be_one_word_is_refused)
{
    static const char *const extra[] = {"--nice=1\nrm -rf /"};
    struct slurm_options none = {0},
                         cases[] = {
                             {.partition = "a b"},
                             {.partition = ""},
                             {.account = "me\n#SBATCH --x"},
                             {.extra = extra, .n_extra = 1},
                             {.time = {120, RN_SECONDS, 0}, .signal_before = {120, RN_SECONDS, 0}},
                         };

    ck_assert_int_eq(slurm_check(&none), RN_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(slurm_check(&cases[i]), RN_EINVAL);
        ck_assert_ptr_nonnull(strstr(error_text(), "launcher."));
    }
}
END_TEST

START_TEST(tasks_of_an_array)
{
    ck_assert_int_eq(slurm_array_max("A = 1\nMaxArraySize            = 1001\nB = 2\n"), 1000);
    ck_assert_int_eq(slurm_array_max("MaxArraySize = 17\n"), 17);
    ck_assert_int_eq(slurm_array_max("MaxArraySize = 100000\n"), 1000);
    ck_assert_int_eq(slurm_array_max("MaxArraySize = x\n"), 1000);
    ck_assert_int_eq(slurm_array_max(""), 1000);
}
END_TEST

int main(int argc, char **argv)
{
    if (argc > 1)
        return be_task(argc, argv);
    Suite *s = suite_create("slurm");
    TCase *t = tcase_create("slurm");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, all_of_them_in_arrays);
    tcase_add_test(t, another_start_of_it_still_runs);
    tcase_add_test(t, states_without_a_word);
    tcase_add_test(t, the_controller_is_away);
    tcase_add_test(t, a_refusal_is_told);
    tcase_add_test(t, without_slurm);
    tcase_add_loop_test(t, what_was_submitted_is_followed, 0, 2);
    tcase_add_loop_test(t, damaged_files_are_passed_over, 0, 4);
    tcase_add_test(t, a_script_says_what_was_asked_for);
    tcase_add_test(t, what_would_not_be_one_word_is_refused);
    tcase_add_test(t, tasks_of_an_array);
    suite_add_tcase(s, t);
    return suite_run(s);
}
