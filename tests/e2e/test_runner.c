/* test_runner.c - the program as its user meets it: exit codes, files, signals, faults. Most runs
 * learn four little pictures, so that each takes milliseconds. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "base/mem.h"
#include "train/safetensors.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char dir[] = "/tmp/test_runner_XXXXXX";
static char out[65536], err[65536]; /* of the last run */

static const char *in_dir(const char *name)
{
    static char path[4][PATH_MAX];
    static int turn;

    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void slurp(const char *name, char *to, size_t room)
{
    FILE *f = fopen(in_dir(name), "rb");
    size_t n = f ? fread(to, 1, room - 1, f) : 0;

    to[n] = '\0';
    if (f)
        fclose(f);
}

/* Starts the runner with the words of line, which are separated by single spaces. */
static pid_t start(const char *line)
{
    static char words[4096];
    char *argv[64] = {getenv("RN_RUNNER")};
    int argc = 1;
    posix_spawn_file_actions_t files;
    pid_t pid;

    snprintf(words, sizeof words, "%s", line);
    for (char *w = words, *end; w && *w; w = end) {
        end = strchr(w, ' ');
        if (end)
            *end++ = '\0';
        argv[argc++] = w;
    }
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, in_dir("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, in_dir("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_eq(posix_spawn(&pid, argv[0], &files, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&files);
    return pid;
}

static int finish(pid_t pid)
{
    int status;

    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    slurp("out", out, sizeof out);
    slurp("err", err, sizeof err);
    ck_assert_msg(WIFEXITED(status), "killed by signal %d: %s", WTERMSIG(status), err);
    return WEXITSTATUS(status);
}

static int run(const char *line) { return finish(start(line)); }

#define EXPECT_EXIT(code, line) \
    do { \
        int got_ = run(line); \
        ck_assert_msg(got_ == (code), "exit %d, expected %d\n%s\n%s", got_, code, err, out); \
    } while (0)
#define EXPECT_TEXT(text, part) \
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text)

/* ---- little pictures ------------------------------------------------------------ */

static void write_idx(const char *name, const uint8_t *head, size_t n_head, const uint8_t *data,
                      size_t n)
{
    FILE *f = fopen(in_dir(name), "wb");

    ck_assert_ptr_nonnull(f);
    fwrite(head, 1, n_head, f);
    fwrite(data, 1, n, f);
    fclose(f);
}

/* n pictures of 6 x 5 in 4 classes: a bright column at 1 + class, and some noise. */
static void write_pictures(const char *which, int n)
{
    uint8_t *pixels = calloc((size_t)n, 30), *labels = calloc((size_t)n, 1);
    uint8_t images_head[] = {0, 0, 8, 3, 0, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0,
                             0, 6, 0, 0, 0, 5};
    uint8_t labels_head[] = {0, 0, 8, 1, 0, 0, (uint8_t)(n >> 8), (uint8_t)n};
    char name[64];

    for (int i = 0; i < n; i++) {
        labels[i] = (uint8_t)(i * 7 % 4);
        for (int k = 0; k < 30; k++)
            pixels[i * 30 + k] = (uint8_t)(k % 5 == 1 + labels[i] ? 220 : (i * 31 + k * 17) % 90);
    }
    snprintf(name, sizeof name, "data/%s-images-idx3-ubyte", which);
    write_idx(name, images_head, sizeof images_head, pixels, (size_t)n * 30);
    snprintf(name, sizeof name, "data/%s-labels-idx1-ubyte", which);
    write_idx(name, labels_head, sizeof labels_head, labels, (size_t)n);
    free(pixels);
    free(labels);
}

static void write_config(const char *name, const char *extra)
{
    char text[4096];

    int n = snprintf(text, sizeof text,
                     "seed: 3\n"
                     "data: {type: mnist, path: data, split: {train: 0.8, val: 0.2}}\n"
                     "model:\n  layers: [flatten, {type: dense, units: 16}, relu, "
                     "{type: dense, units: 4, name: scores}]\n"
                     "loss: cross_entropy\noptimizer: {type: adam, lr: 0.01}\n"
                     "train: {epochs: 6, batch_size: 16}\n%s",
                     extra);
    ck_assert_int_eq(file_write(in_dir(name), text, (uint64_t)n), RN_OK);
}

/* The newest run folder of an experiment, relative to dir; "" when there is none. */
static const char *run_folder(const char *name)
{
    static char path[PATH_MAX];
    char link[PATH_MAX], target[256];

    snprintf(link, sizeof link, "reports/%s/latest", name);
    ssize_t n = readlink(in_dir(link), target, sizeof target - 1);
    if (n < 0)
        return "";
    target[n] = '\0';
    snprintf(path, sizeof path, "reports/%s/%s", name, target);
    return path;
}

static cJSON *read_json(const char *folder, const char *name)
{
    static char text[1 << 20];
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    slurp(path, text, sizeof text);
    cJSON *root = cJSON_Parse(text);
    ck_assert_msg(root != NULL, "%s is no JSON: %s", path, text);
    return root;
}

static void expect_status(const char *name, const char *want)
{
    cJSON *root = read_json(run_folder(name), "status.json");

    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(root, "status")), want);
    cJSON_Delete(root);
}

static bool exists(const char *folder, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_exists(in_dir(path));
}

/* ---- a run ------------------------------------------------------------------------ */

START_TEST(run_leaves_the_whole_folder)
{
    static const char *const files[] = {"report.html",
                                        "report.md",
                                        "summary.json",
                                        "status.json",
                                        "metrics.jsonl",
                                        "epochs.csv",
                                        "config.yaml",
                                        "config.input.yaml",
                                        "env.json",
                                        "data.json",
                                        "plugins.json",
                                        "predictions.csv",
                                        "log.txt",
                                        "weights/best.safetensors",
                                        "weights/last.safetensors",
                                        "state/last.safetensors",
                                        "figures/loss_train_val.svg",
                                        "figures/loss_train_val.png",
                                        "figures/accuracy.svg",
                                        "figures/confusion_matrix_counts.svg",
                                        "figures/confusion_matrix_normalized.png",
                                        "figures/sample_predictions.png"};

    EXPECT_EXIT(0, "tiny.yaml");
    EXPECT_TEXT(out, "test.accuracy");
    EXPECT_TEXT(out, "report.html");
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        ck_assert_msg(exists(run_folder("tiny"), files[i]), "%s is missing", files[i]);
    expect_status("tiny", "finished");
    cJSON *root = read_json(run_folder("tiny"), "summary.json");
    double accuracy =
        cJSON_GetObjectItem(cJSON_GetObjectItem(root, "test"), "accuracy")->valuedouble;
    ck_assert_double_ge(accuracy, 0.95);
    cJSON_Delete(root);
}
END_TEST

START_TEST(resolved_configuration_runs_again_with_the_same_bits)
{
    struct safetensors a, b;
    char path[PATH_MAX], line[PATH_MAX];

    EXPECT_EXIT(0, "tiny.yaml -q");
    snprintf(path, sizeof path, "%s/weights/last.safetensors", run_folder("tiny"));
    ck_assert_int_eq(safetensors_read(in_dir(path), &a), RN_OK);
    snprintf(line, sizeof line, "%s/config.yaml -q --name again", run_folder("tiny"));
    EXPECT_EXIT(0, line);
    snprintf(path, sizeof path, "%s/weights/last.safetensors", run_folder("again"));
    ck_assert_int_eq(safetensors_read(in_dir(path), &b), RN_OK);
    ck_assert_int_eq(a.n, 4);
    ck_assert_int_eq(b.n, 4);
    for (int i = 0; i < 4; i++) {
        size_t n = 1;
        ck_assert_str_eq(a.tensors[i].name, b.tensors[i].name);
        for (int k = 0; k < a.tensors[i].rank; k++)
            n *= (size_t)a.tensors[i].dim[k];
        ck_assert_mem_eq(a.tensors[i].data, b.tensors[i].data, n * sizeof(float));
    }
    ck_assert_str_eq(a.tensors[0].name, "dense1.weight");
    ck_assert_int_eq(a.tensors[0].dim[0], 16); /* [out, in], as PyTorch has it */
    ck_assert_int_eq(a.tensors[0].dim[1], 30);
    safetensors_free(&a);
    safetensors_free(&b);
}
END_TEST

START_TEST(a_number_of_threads_more_does_not_change_the_result_much)
{
    EXPECT_EXIT(0, "tiny.yaml -q --threads 1");
    EXPECT_TEXT(out, "test.accuracy=");
    EXPECT_EXIT(0, "tiny.yaml -q --threads 3 ~expect");
    EXPECT_TEXT(out, "test.accuracy=");
}
END_TEST

START_TEST(late_work_gives_the_same_result)
{
    char now[256];

    EXPECT_EXIT(0, "tiny.yaml --json");
    cJSON *root = cJSON_Parse(out);
    double loss = cJSON_GetObjectItem(cJSON_GetObjectItem(root, "test"), "loss")->valuedouble;
    cJSON_Delete(root);
    setenv("RN_LATE", "1", 1);
    int code = run("tiny.yaml --json");
    unsetenv("RN_LATE");
    ck_assert_int_eq(code, 0);
    root = cJSON_Parse(out);
    snprintf(now, sizeof now, "%.17g",
             cJSON_GetObjectItem(cJSON_GetObjectItem(root, "test"), "loss")->valuedouble);
    cJSON_Delete(root);
    ck_assert_double_eq(atof(now), loss);
}
END_TEST

START_TEST(json_is_one_document)
{
    EXPECT_EXIT(0, "run tiny.yaml --json train.epochs=1");
    cJSON *root = cJSON_Parse(out);
    ck_assert_ptr_nonnull(root);
    ck_assert_ptr_nonnull(cJSON_GetObjectItem(root, "confusion"));
    cJSON_Delete(root);
    ck_assert_str_eq(err, "");
}
END_TEST

START_TEST(quiet_is_one_line)
{
    EXPECT_EXIT(0, "tiny.yaml -q train.epochs=1");
    ck_assert_ptr_eq(strchr(out, '\n'), out + strlen(out) - 1);
    ck_assert_str_eq(err, "");
    EXPECT_EXIT(0, "tiny.yaml -qq train.epochs=1");
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(closed_and_full_output_do_not_stop_training)
{
    char line[PATH_MAX * 2];

    snprintf(line, sizeof line, "cd %s && %s tiny.yaml --name pipe 2>/dev/null | true", dir,
             getenv("RN_RUNNER"));
    ck_assert_int_eq(system(line), 0);
    for (int i = 0; i < 200 && !exists(run_folder("pipe"), "report.html"); i++)
        usleep(20000);
    usleep(100000);
    expect_status("pipe", "finished");
    snprintf(line, sizeof line, "cd %s && %s tiny.yaml --name closed >&- 2>&-", dir,
             getenv("RN_RUNNER"));
    ck_assert_int_ne(system(line), -1);
    expect_status("closed", "finished");
}
END_TEST

START_TEST(more_scores_than_classes_are_a_warning)
{
    EXPECT_EXIT(0, "tiny.yaml --name wide model.layers.scores.units=7");
    EXPECT_TEXT(err, "gives 7 scores, but the data has 4 classes");
    cJSON *root = read_json(run_folder("wide"), "summary.json");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "confusion")), 7);
    cJSON_Delete(root);
}
END_TEST

START_TEST(without_a_test_set_the_rest_is_judged)
{
    char line[PATH_MAX];

    file_mkdirs(in_dir("half"));
    for (int i = 0; i < 2; i++) {
        static const char *const names[] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
        snprintf(line, sizeof line, "cp %s/data/%s %s/half", dir, names[i], dir);
        ck_assert_int_eq(system(line), 0);
    }
    snprintf(line, sizeof line, "tiny.yaml --name half data.path=%s expect.0.metric=val.accuracy",
             in_dir("half"));
    EXPECT_EXIT(0, line);
    snprintf(line + strlen(line), sizeof line - strlen(line), " expect.0.min=1.5");
    EXPECT_EXIT(1, line);
    EXPECT_TEXT(err, "val.accuracy");
}
END_TEST

START_TEST(odd_sizes_and_intervals)
{
    EXPECT_EXIT(0, "tiny.yaml --epochs 1 train.batch_size=1 data.limit.train=7 ~expect");
    EXPECT_EXIT(0, "tiny.yaml --epochs 1 train.batch_size=9999 ~expect");
    EXPECT_EXIT(0, "tiny.yaml --epochs 2 train.drop_last=true train.eval_batch_size=33 ~expect");
    EXPECT_EXIT(0, "tiny.yaml --epochs 2 data.split.val=0 data.split.train=1 ~expect");
    EXPECT_EXIT(0, "tiny.yaml --epochs 2 train.shuffle=false ~expect");
    write_config("percent.yaml", "");
    EXPECT_EXIT(0, "percent.yaml train.log_every=10%");
    EXPECT_EXIT(2, "check percent.yaml train.log_every=10s");
    EXPECT_TEXT(err, "steps, epochs, samples or %");
}
END_TEST

/* ---- exit codes ------------------------------------------------------------------------ */

START_TEST(expectation_that_does_not_hold_is_exit_1)
{
    write_config("high.yaml", "expect: [{metric: test.accuracy, min: 1.5}]\n");
    EXPECT_EXIT(1, "high.yaml");
    EXPECT_TEXT(err, "test.accuracy");
    expect_status("high", "finished");
}
END_TEST

START_TEST(wrong_configuration_is_exit_2_and_starts_nothing)
{
    write_config("wrong.yaml", "trian: {epochs: 3}\nseed: -1\n");
    EXPECT_EXIT(2, "wrong.yaml");
    EXPECT_TEXT(err, "trian");
    EXPECT_TEXT(err, "did you mean 'train'");
    EXPECT_TEXT(err, "nothing was started");
    EXPECT_EXIT(2, "tiny.yaml --name wrong model.layers.scores.units=3");
    EXPECT_TEXT(err, "4 classes");
    EXPECT_EXIT(2, "tiny.yaml --name wrong ~model.layers.0");
    EXPECT_TEXT(err, "input 1x6x5");
    EXPECT_EXIT(2, "tiny.yaml --name wrong optimizer=sgd optimizer.nesterov=true");
    EXPECT_TEXT(err, "nesterov needs momentum");
    EXPECT_EXIT(2, "tiny.yaml --name wrong expect.0.metric=test.acuracy");
    EXPECT_TEXT(err, "did you mean 'test.accuracy'");
    EXPECT_EXIT(2, "no_such.yaml");
    EXPECT_EXIT(2, "");
    EXPECT_EXIT(2, "chekc");
    EXPECT_TEXT(err, "did you mean 'check'");
    EXPECT_EXIT(2, "tiny.yaml --thread 3 --sed 1");
    ck_assert(!exists("reports", "wrong"));
}
END_TEST

START_TEST(missing_plugin_is_exit_3)
{
    EXPECT_EXIT(3, "tiny.yaml --name plug optimizer=adma optimizer.lr=0.1");
    EXPECT_TEXT(err, "adma");
    EXPECT_TEXT(err, "adam");
    ck_assert(!exists("reports", "plug"));
}
END_TEST

START_TEST(bad_data_is_exit_4_and_leaves_no_folder)
{
    EXPECT_EXIT(4, "tiny.yaml --name bad data.path=/nowhere");
    EXPECT_TEXT(err, "/nowhere");
    file_mkdirs(in_dir("short"));
    uint8_t head[] = {0, 0, 8, 3, 0, 0, 1, 0, 0, 0, 0, 6, 0, 0, 0, 5}, pixel[100] = {0};
    write_idx("short/train-images-idx3-ubyte", head, sizeof head, pixel, sizeof pixel);
    uint8_t labels[] = {0, 0, 8, 1, 0, 0, 1, 0};
    uint8_t label[256] = {0};
    write_idx("short/train-labels-idx1-ubyte", labels, sizeof labels, label, sizeof label);
    char line[PATH_MAX];
    snprintf(line, sizeof line, "tiny.yaml --name bad data.path=%s", in_dir("short"));
    EXPECT_EXIT(4, line);
    EXPECT_TEXT(err, "train-images-idx3-ubyte");
    ck_assert(!exists("reports", "bad"));
}
END_TEST

START_TEST(unwritable_output_is_exit_5)
{
    EXPECT_EXIT(5, "tiny.yaml -o /dev/null/reports");
    EXPECT_TEXT(err, "/dev/null");
}
END_TEST

START_TEST(divergence_is_exit_6_with_the_step)
{
    EXPECT_EXIT(6, "tiny.yaml --name diverge optimizer=sgd optimizer.lr=1e30");
    EXPECT_TEXT(err, "not finite at step");
    expect_status("diverge", "diverged");
    ck_assert(exists(run_folder("diverge"), "report.html"));
}
END_TEST

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
    ck_assert_int_eq(st.n, 12); /* 4 parameters, each with two slots */
    safetensors_free(&st);
}

START_TEST(ctrl_c_is_exit_130_with_checkpoint_and_report) { stop_with(SIGINT, 130, "int"); }
END_TEST

START_TEST(sigterm_is_exit_75_with_checkpoint_and_report) { stop_with(SIGTERM, 75, "term"); }
END_TEST

START_TEST(a_signal_at_any_moment_ends_it_in_order)
{
    for (int i = 0; i < 40; i++) {
        pid_t pid = start("tiny.yaml --name any --epochs 1000000 train.batch_size=400 -q");

        usleep((useconds_t)(20000 + i * 4000)); /* from the loading to the hundredth epoch */
        kill(pid, i % 2 ? SIGTERM : SIGINT);
        int code = finish(pid);
        ck_assert_msg(code == (i % 2 ? 75 : 130), "exit %d: %s", code, err);
    }
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
        ck_assert(!exists(run_folder("nan"), "weights/last.safetensors"));
    } else /* it came before the first step, or before the handler */
        ck_assert(!*run_folder("nan") || (WIFEXITED(status) && WEXITSTATUS(status) == 130));
}
END_TEST

/* ---- faults -----------------------------------------------------------------------------------
 */

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
        char value[32], line[64], name[32];

        snprintf(value, sizeof value, "%d%s", n, onward ? "+" : "");
        snprintf(name, sizeof name, "fault%d", n);
        snprintf(line, sizeof line, "tiny.yaml --epochs 1 -q --name %s", name);
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

START_TEST(every_failing_write_is_exit_5) { fault_loop("RN_FAIL_IO", true, 5, 3, 10); }
END_TEST

START_TEST(every_failing_allocation_is_exit_8) { fault_loop("RN_FAIL_ALLOC", false, 8, 1, 80); }
END_TEST

START_TEST(latest_stays_with_the_last_good_run)
{
    EXPECT_EXIT(0, "tiny.yaml --name stays --epochs 1 -q");
    for (int n = 1; n < 60; n++) {
        char value[16];
        snprintf(value, sizeof value, "%d", n);
        setenv("RN_FAIL_IO", value, 1);
        run("tiny.yaml --name stays --epochs 1 -q");
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
                 "cd %s && ulimit -f %d && %s tiny.yaml --epochs 1 -q --name full >out 2>err", dir,
                 blocks, getenv("RN_RUNNER"));
        int code = WEXITSTATUS(system(line));
        slurp("err", err, sizeof err);
        ck_assert_msg(code == 5 || code == 0, "exit %d: %s", code, err);
        if (*run_folder("full"))
            expect_no_debris(run_folder("full"));
        file_remove_tree(in_dir("reports"));
    }
}
END_TEST

/* ---- commands ---------------------------------------------------------------------------------
 */

START_TEST(commands_that_only_look)
{
    EXPECT_EXIT(0, "--help");
    EXPECT_TEXT(out, "usage: runner FILE");
    EXPECT_EXIT(0, "--version");
    EXPECT_TEXT(out, "runner ");
    EXPECT_EXIT(0, "help exit-codes");
    EXPECT_TEXT(out, "130");
    EXPECT_EXIT(0, "check tiny.yaml");
    EXPECT_TEXT(out, "564 parameters");
    EXPECT_EXIT(0, "check tiny.yaml --json");
    cJSON *root = cJSON_Parse(out);
    ck_assert_ptr_nonnull(root);
    cJSON_Delete(root);
    EXPECT_EXIT(0, "summary tiny.yaml");
    EXPECT_TEXT(out, "1x6x5");
    EXPECT_EXIT(0, "config tiny.yaml optimizer.lr=0.5");
    EXPECT_TEXT(out, "beta1: 0.9");
    EXPECT_TEXT(out, "lr: 0.5");
    EXPECT_EXIT(0, "config tiny.yaml --origin optimizer.lr=0.5");
    EXPECT_TEXT(out, "command line");
    EXPECT_EXIT(0, "config tiny.yaml --json");
    root = cJSON_Parse(out);
    ck_assert_ptr_nonnull(root);
    cJSON_Delete(root);
    EXPECT_EXIT(0, "plugins list");
    EXPECT_TEXT(out, "cross_entropy");
    EXPECT_EXIT(0, "plugins describe layer dense");
    EXPECT_TEXT(out, "units");
    EXPECT_EXIT(0, "plugins describe adam --json");
    root = cJSON_Parse(out);
    ck_assert_ptr_nonnull(root);
    cJSON_Delete(root);
    ck_assert(!file_exists(in_dir("reports")));
}
END_TEST

static void make_data(void)
{
    file_mkdirs(in_dir("data"));
    write_pictures("train", 500);
    write_pictures("t10k", 200);
}

static void set_up(void)
{
    file_remove_tree(in_dir("reports"));
    write_config("tiny.yaml", "expect: [{metric: test.accuracy, min: 0.25}]\n");
}

int main(void)
{
    const TTest *const tests[] = {run_leaves_the_whole_folder,
                                  resolved_configuration_runs_again_with_the_same_bits,
                                  a_number_of_threads_more_does_not_change_the_result_much,
                                  late_work_gives_the_same_result,
                                  more_scores_than_classes_are_a_warning,
                                  without_a_test_set_the_rest_is_judged,
                                  odd_sizes_and_intervals,
                                  a_signal_at_any_moment_ends_it_in_order,
                                  a_stopped_run_that_had_diverged_says_so,
                                  latest_stays_with_the_last_good_run,
                                  json_is_one_document,
                                  quiet_is_one_line,
                                  closed_and_full_output_do_not_stop_training,
                                  expectation_that_does_not_hold_is_exit_1,
                                  wrong_configuration_is_exit_2_and_starts_nothing,
                                  missing_plugin_is_exit_3,
                                  bad_data_is_exit_4_and_leaves_no_folder,
                                  unwritable_output_is_exit_5,
                                  divergence_is_exit_6_with_the_step,
                                  ctrl_c_is_exit_130_with_checkpoint_and_report,
                                  sigterm_is_exit_75_with_checkpoint_and_report,
                                  every_failing_write_is_exit_5,
                                  every_failing_allocation_is_exit_8,
                                  a_file_system_that_is_full,
                                  commands_that_only_look};
    Suite *s = suite_create("runner");
    TCase *t = tcase_create("runner");

    if (!mkdtemp(dir) || chdir(dir))
        return 1;
    tcase_set_timeout(t, 240);
    tcase_add_unchecked_fixture(t, make_data, NULL);
    tcase_add_checked_fixture(t, set_up, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    file_remove_tree(dir);
    return failed != 0;
}
