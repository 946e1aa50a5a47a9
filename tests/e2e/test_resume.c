/* test_resume.c - a run that was interrupted ends as if it had not been: at every step of small
 * runs that have between them all that training remembers; and what is refused. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "program.h"
#include "train/safetensors.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STEPS = 15 }; /* 3 epochs of 80 samples by 17 */

static const char *const mlp =
    "  layers: [flatten, {type: dense, units: 12}, relu, {type: dropout, "
    "rate: 0.2}, {type: dense, units: 4}]\n";
static const char *const cnn =
    "  layers: [{type: conv2d, filters: 4, bias: false}, batchnorm, relu, "
    "flatten, {type: dropout, rate: 0.2}, {type: dense, units: 4}]\n";

/* What is remembered, each at least once with each model. */
static const struct course {
    const char *name;
    const char *const *model;
    const char *optimizer, *train, *more;
} courses[] = {
    {"mlp_sgd", &mlp, "{type: sgd, lr: 0.05, momentum: 0.9}", "log_every: 2 steps",
     "scheduler: {type: step, step_size: 1 epochs, gamma: 0.5, warmup: 4 steps}\n"
     "callbacks: [stop_at, {type: early_stopping, patience: 1, min_delta: 0.3}]\n"
     "metrics: [top3]\n"},
    {"mlp_adam", &mlp, "{type: adam, lr: 0.01}", "log_every: 3 steps, accumulate: 2",
     "scheduler: {type: plateau, patience: 0, threshold: 0.5, factor: 0.5}\n"
     "callbacks: [stop_at, {type: ema, decay: 0.9}, {type: early_stopping, patience: 9}]\n"},
    {"cnn_sgd", &cnn, "{type: sgd, lr: 0.05, momentum: 0.9, nesterov: true}",
     "accumulate: 3, clip_norm: 1, log_every: 4 steps",
     "callbacks: [stop_at, {type: early_stopping, patience: 1, min_delta: 0.01},\n"
     "  {type: checkpoint, save: last, name: mine}]\n"},
    {"cnn_adam", &cnn, "{type: adam, lr: 0.01}", "log_every: 1 epochs",
     "scheduler: {type: cosine, warmup: 3 steps}\n"
     "callbacks: [stop_at, {type: ema, decay: 0.9}, {type: early_stopping, patience: 9}]\n"},
};

static void write_course(const struct course *c)
{
    char text[2048], name[64];
    int n = snprintf(text, sizeof text,
                     "seed: 3\n"
                     "data: {type: mnist, path: data, split: {train: 0.8, val: 0.2},\n"
                     "  normalize: {mean: 0.25, std: 0.25}, limit: {train: 100, test: 40},\n"
                     "  augment: [{type: shift, pixels: 1}, {type: rotate, degrees: 10}]}\n"
                     "model:\n%sloss: cross_entropy\noptimizer: %s\n"
                     "train: {epochs: 3, batch_size: 17, %s}\nreporters: [jsonl, console]\n%s",
                     *c->model, c->optimizer, c->train, c->more);

    snprintf(name, sizeof name, "%s.yaml", c->name);
    ck_assert_int_eq(file_write(in_dir(name), text, (uint64_t)n), RN_OK);
}

/* In a process that is asked to end in its step `at`; 0: it is not. */
static int run_to(int at, const char *line)
{
    char number[16];

    snprintf(number, sizeof number, "%d", at);
    setenv("RN_STOP_AT", number, 1);
    int code = run(line);
    unsetenv("RN_STOP_AT");
    return code;
}

/* ---- the same ------------------------------------------------------------------ */

static void expect_same_tensors(const char *a, const char *b, const char *file)
{
    struct safetensors x, y;
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", a, file);
    ck_assert_int_eq(safetensors_read(in_dir(path), &x), RN_OK);
    snprintf(path, sizeof path, "%s/%s", b, file);
    ck_assert_int_eq(safetensors_read(in_dir(path), &y), RN_OK);
    ck_assert(x.verified && y.verified);
    ck_assert_int_eq(x.n, y.n);
    for (int i = 0; i < x.n; i++) {
        size_t n = 1;
        ck_assert_str_eq(x.tensors[i].name, y.tensors[i].name);
        for (int k = 0; k < x.tensors[i].rank; k++)
            n *= (size_t)x.tensors[i].dim[k];
        ck_assert_msg(!memcmp(x.tensors[i].data, y.tensors[i].data, n * sizeof(float)),
                      "%s of %s differs in %s", x.tensors[i].name, path, b);
    }
    for (int i = 0; i < x.n_meta; i++) /* states of scheduler and callbacks */
        if (!strncmp(x.meta[i].key, "state/", 6))
            for (int k = 0; k < y.n_meta; k++)
                if (!strcmp(x.meta[i].key, y.meta[k].key))
                    ck_assert_str_eq(x.meta[i].value, y.meta[k].value);
    safetensors_free(&x);
    safetensors_free(&y);
}

/* Cuts `"t":1.234,` out of each line. */
static void drop_times(char *text)
{
    for (char *at = text, *end; (at = strstr(at, "\"t\":")); memmove(at, end, strlen(end) + 1))
        end = strchr(at, ',') + 1;
}

/* Empties the columns of seconds: train_s, samples_per_s, val_s. */
static void drop_seconds(char *text)
{
    char *to = text;
    int column = 0;

    for (const char *at = text; *at; at++) {
        column = *at == '\n' ? 0 : column + (*at == ',');
        if (*at == ',' || *at == '\n' || column < 9 || column > 11)
            *to++ = *at;
    }
    *to = '\0';
}

static void expect_same_text(const char *a, const char *b, const char *file,
                             void (*drop)(char *text))
{
    static char x[1 << 18], y[1 << 18];
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", a, file);
    slurp(path, x, sizeof x);
    snprintf(path, sizeof path, "%s/%s", b, file);
    slurp(path, y, sizeof y);
    if (drop) {
        drop(x);
        drop(y);
    }
    ck_assert_msg(*x && !strcmp(x, y), "%s of %s:\n%s\nand of %s:\n%s", file, a, x, b, y);
}

static void expect_same_runs(const char *a, const char *b)
{
    static const char *const tables[] = {"predictions.csv", "steps.csv", "params.csv",
                                         "histograms.csv", "units.csv"};

    expect_same_tensors(a, b, "weights/last.safetensors");
    expect_same_tensors(a, b, "weights/best.safetensors");
    expect_same_tensors(a, b, "state/last.safetensors");
    expect_same_text(a, b, "metrics.jsonl", drop_times);
    expect_same_text(a, b, "epochs.csv", drop_seconds);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        expect_same_text(a, b, tables[i], NULL);
}

/* ---- interrupted --------------------------------------------------------------- */

/* By --run-dir and by resume in turns, with one thread and with two; every third twice. */
static void interrupt_at_every_step(const struct course *c)
{
    char line[256], full[64], cut[64];
    int interrupted = 0;

    write_course(c);
    snprintf(full, sizeof full, "runs/%s", c->name);
    snprintf(line, sizeof line, "%s.yaml -q --run-dir %s --threads 1", c->name, full);
    EXPECT_EXIT(0, line);
    for (int step = 1; step < STEPS; step++) {
        snprintf(cut, sizeof cut, "runs/%s-%d", c->name, step);
        snprintf(line, sizeof line, "%s.yaml -q --run-dir %s --threads 2", c->name, cut);
        int code = run_to(step, line);
        ck_assert_msg(code == 75 || (!code && step > 5), "exit %d: %s", code, err);
        interrupted += code == 75;
        if (step % 3 == 0)
            run_to(2, line);
        if (step % 2)
            snprintf(line, sizeof line, "resume %s -q --threads 1", cut);
        EXPECT_EXIT(0, line);
        expect_same_runs(full, cut);
    }
    ck_assert_int_ge(interrupted, 9); /* early stopping may end it sooner */
}

START_TEST(an_mlp_by_sgd_interrupted_at_every_step) { interrupt_at_every_step(&courses[0]); }
END_TEST

START_TEST(an_mlp_by_adam_interrupted_at_every_step) { interrupt_at_every_step(&courses[1]); }
END_TEST

START_TEST(a_cnn_by_sgd_interrupted_at_every_step) { interrupt_at_every_step(&courses[2]); }
END_TEST

START_TEST(a_cnn_by_adam_interrupted_at_every_step) { interrupt_at_every_step(&courses[3]); }
END_TEST

START_TEST(killed_at_any_moment_it_ends_with_the_same_bits)
{
    write_course(&courses[1]);
    const char *line = "mlp_adam.yaml -q --run-dir runs/k --epochs 400";
    EXPECT_EXIT(0, "mlp_adam.yaml -q --run-dir runs/whole --epochs 400");
    srand(1);
    for (int i = 0; i < 8; i++) {
        pid_t pid = start(line);
        usleep((useconds_t)(rand() % 400000));
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    }
    EXPECT_EXIT(0, line);
    expect_same_runs("runs/whole", "runs/k");
}
END_TEST

/* Plugins of tests stand before the others. */
int main(void)
{
    const TTest *const tests[] = {
        an_mlp_by_sgd_interrupted_at_every_step,         an_mlp_by_adam_interrupted_at_every_step,
        a_cnn_by_sgd_interrupted_at_every_step,          a_cnn_by_adam_interrupted_at_every_step,
        killed_at_any_moment_it_ends_with_the_same_bits,
    };
    char path[2 * PATH_MAX];

    snprintf(path, sizeof path, "%s:%s", getenv("RN_TEST_PLUGINS"), getenv("RN_PLUGIN_PATH"));
    setenv("RN_PLUGIN_PATH", path, 1);
    return program_tests("resume", tests, sizeof tests / sizeof *tests);
}
