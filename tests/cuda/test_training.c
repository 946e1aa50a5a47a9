/* test_training.c - whole runs on the CUDA device, on the emulator: the losses of the CPU, the same
 * bits in whatever order blocks and threads are done, and errors that a user understands. */
#define _GNU_SOURCE
#include "e2e/program.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between them all that a step can have. No bias in front of a batchnorm: its gradient is nothing
 * but rounding, which Adam takes for a direction. */
static const char *const texts[][2] = {
    {"mlp", "data: {type: synthetic, kind: spirals, classes: 3, samples: 300, test_samples: 60}\n"
            "model: {layers: [{type: dense, units: 32, bias: false}, batchnorm, relu, {type: "
            "dropout, rate: 0.2}, "
            "{type: dense, units: 24}, gelu, layernorm, {type: dense, units: 3}]}\n"
            "loss: {type: cross_entropy, label_smoothing: 0.1}\n"
            "optimizer: {type: adamw, lr: 0.01, weight_decay: 0.01}\n"
            "scheduler: {type: cosine}\n"
            "callbacks: [{type: ema, decay: 0.9}]\n"
            "train: {epochs: 3, batch_size: 32, clip_norm: 1.0, accumulate: 2}\n"},
    {"cnn", "data: {type: mnist, path: data}\n"
            "model: {layers: [{type: conv2d, filters: 4, kernel: 3, stride: 2}, batchnorm, relu, "
            "{type: maxpool2d, size: 2}, {type: residual, layers: [{type: conv2d, filters: 4, "
            "kernel: 3, padding: same, groups: 2}, silu]}, flatten, {type: dense, units: 10}]}\n"
            "loss: {type: cross_entropy, class_weights: [1, 2, 1, 1, 1, 1, 1, 1, 1, 0.5]}\n"
            "optimizer: {type: sgd, lr: 0.05, momentum: 0.9, nesterov: true}\n"
            "train: {epochs: 2, batch_size: 48}\n"},
};
enum { TEXTS = sizeof texts / sizeof *texts };

static void make_configs(void)
{
    char text[2048], path[32];

    for (int i = 0; i < TEXTS; i++) {
        snprintf(text, sizeof text, "name: %s\nreporters: [console, jsonl]\n%s", texts[i][0],
                 texts[i][1]);
        snprintf(path, sizeof path, "%s.yaml", texts[i][0]);
        ck_assert_int_eq(file_write(path, text, strlen(text)), 0);
    }
}

/* ---- what a run leaves ------------------------------------------------------------------ */

/* The column of epochs.csv, one value for each epoch; returns how many. */
static int losses(const char *name, const char *column, double *to)
{
    char path[PATH_MAX], text[8192], *line, *rest = NULL, *word, *in_line;
    int at = -1, n = 0;

    snprintf(path, sizeof path, "%s/epochs.csv", run_folder(name));
    slurp(path, text, sizeof text);
    for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        int i = 0;
        for (word = strtok_r(line, ",", &in_line); word; word = strtok_r(NULL, ",", &in_line), i++)
            if (at < 0 && !strcmp(word, column))
                at = i;
            else if (i == at && strcmp(word, column))
                to[n++] = strtod(word, NULL);
    }
    ck_assert_msg(n > 0, "no %s in %s", column, path);
    return n;
}

/* Of the parameters alone: what stands before them differs from run to run. */
static void weights(const char *name, char hash[HASH_TEXT])
{
    char path[PATH_MAX];
    void *data;
    uint64_t bytes, head;

    snprintf(path, sizeof path, "%s/weights/last.safetensors", run_folder(name));
    ck_assert_int_eq(file_read(in_dir(path), 1 << 26, &data, &bytes), 0);
    memcpy(&head, data, sizeof head);
    hash_sha256((char *)data + 8 + head, bytes - 8 - head, hash);
    mem_free(data);
}

static void train(const char *name, const char *rest)
{
    char line[256];

    file_remove_tree(in_dir("reports"));
    snprintf(line, sizeof line, "%s.yaml device=cuda %s", name, rest);
    EXPECT_EXIT(0, line);
}

/* ---- tests ---------------------------------------------------------------------------------- */

START_TEST(losses_are_those_of_the_cpu)
{
    static const char *const columns[] = {"train_loss", "val_loss"};
    double cpu[2][16], gpu[16];
    char line[64];

    make_configs();
    for (int i = 0; i < TEXTS; i++) {
        snprintf(line, sizeof line, "%s.yaml device=cpu", texts[i][0]);
        EXPECT_EXIT(0, line);
        for (int c = 0; c < 2; c++)
            losses(texts[i][0], columns[c], cpu[c]);
        train(texts[i][0], "");
        for (int c = 0; c < 2; c++)
            for (int n = losses(texts[i][0], columns[c], gpu); n-- > 0;)
                ck_assert_msg(fabs(gpu[n] - cpu[c][n]) <= 1e-5 * cpu[c][n],
                              "%s, %s of epoch %d: %.9g, on the CPU %.9g", texts[i][0], columns[c],
                              n + 1, gpu[n], cpu[c][n]);
    }
}
END_TEST

/* Blocks, threads and streams in twenty other orders. */
START_TEST(the_order_of_threads_changes_no_bit)
{
    char first[HASH_TEXT], hash[HASH_TEXT], seed[8];

    make_configs();
    for (int i = 0; i < TEXTS; i++)
        for (int k = 1; k <= 20; k++) {
            snprintf(seed, sizeof seed, "%d", k);
            setenv("RN_EMU_SEED", seed, 1);
            train(texts[i][0], k % 2 ? "train.epochs=1 data.resident=no -q" : "train.epochs=1 -q");
            weights(texts[i][0], k == 1 ? first : hash);
            ck_assert_msg(k == 1 || !strcmp(first, hash), "%s, seed %d", texts[i][0], k);
        }
    unsetenv("RN_EMU_SEED");
}
END_TEST

/* One by one and waited for, in few images at a time, or on another attempt. */
START_TEST(how_it_is_done_changes_no_bit)
{
    char first[HASH_TEXT], hash[HASH_TEXT];

    make_configs();
    train("cnn", "-q");
    weights("cnn", first);
    setenv("RN_SYNC", "1", 1);
    train("cnn", "-q");
    unsetenv("RN_SYNC");
    weights("cnn", hash);
    ck_assert_str_eq(first, hash);
    file_remove_tree(in_dir("reports"));
    EXPECT_EXIT(75, "cnn.yaml device=cuda -q --until 1");
    EXPECT_EXIT(0, "resume reports/cnn/latest -q");
    weights("cnn", hash);
    ck_assert_str_eq(first, hash);
}
END_TEST

/* Steps follow each other without a call between; only what the clock asks for stands between some.
 */
START_TEST(an_epoch_waits_for_nothing)
{
    char text[1 << 18], *line, *rest = NULL;
    int launches = 0, most = 0, others = 0;

    make_configs();
    setenv("RN_EMU_LOG", in_dir("log"), 1);
    train("mlp",
          "-q train.epochs=1 train.batch_size=4 train.accumulate=1 train.log_every=1000epochs");
    unsetenv("RN_EMU_LOG");
    slurp("log", text, sizeof text);
    for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        bool launch =
            !strcmp(line, "cuLaunchKernel") || !strcmp(line, "cuGraphLaunch") || line[0] == ' ';
        launches = launch ? launches + !strcmp(line, "cuGraphLaunch") : 0;
        most = launches > most ? launches : most;
        others += !launch;
    }
    ck_assert_int_ge(most, 10); /* in a row: now and then the losses so far are shown */
    ck_assert_int_gt(others, 0);
}
END_TEST

START_TEST(a_fault_names_the_layer)
{
    make_configs();
    setenv("RN_EMU_FAIL", "kernel:im2col:30", 1);
    ck_assert_int_eq(run("cnn.yaml device=cuda"), 3);
    EXPECT_TEXT(err, "illegal memory access");
    EXPECT_TEXT(err, "RN_SYNC=1 finds the call");
    setenv("RN_SYNC", "1", 1);
    ck_assert_int_eq(run("cnn.yaml device=cuda"), 3);
    unsetenv("RN_SYNC");
    unsetenv("RN_EMU_FAIL");
    EXPECT_TEXT(err, "conv2d");
    ck_assert_msg(!strstr(err, "RN_SYNC"), "%s", err);
    expect_status("cnn", "failed");
}
END_TEST

START_TEST(too_large_a_batch_is_told_before_training)
{
    make_configs();
    setenv("RN_EMU_MEMORY", "400", 1);
    ck_assert_int_eq(run("mlp.yaml device=cuda data.samples=1000000 train.batch_size=500000"), 8);
    unsetenv("RN_EMU_MEMORY");
    EXPECT_TEXT(err, "train.batch_size");
    EXPECT_TEXT(err, "would fit");
}
END_TEST

START_TEST(a_profile_has_its_operations)
{
    make_configs();
    train("cnn", "--profile train.epochs=1");
    EXPECT_TEXT(out, "conv2d1");
    EXPECT_TEXT(out, "conv, weights");
}
END_TEST

/* Without the emulator: no driver. */
START_TEST(without_a_card_it_says_so)
{
    make_configs();
    const char *path = getenv("LD_LIBRARY_PATH");
    char kept[4096];

    snprintf(kept, sizeof kept, "%s", path ? path : "");
    setenv("LD_LIBRARY_PATH", "/nowhere", 1);
    if (!file_exists("/usr/lib/x86_64-linux-gnu/libcuda.so.1")) {
        ck_assert_int_eq(run("mlp.yaml device=cuda"), 3);
        EXPECT_TEXT(err, "no NVIDIA driver");
        EXPECT_TEXT(err, "device: cpu");
        EXPECT_EXIT(0, "mlp.yaml device=auto");
        EXPECT_TEXT(err, "trained on the cpu since cuda can't be used: no NVIDIA driver");
        EXPECT_EXIT(0, "plugins list");
        EXPECT_TEXT(out, "can't be used here: no NVIDIA driver");
    }
    setenv("LD_LIBRARY_PATH", kept, 1);
    EXPECT_EXIT(0, "mlp.yaml device=auto train.epochs=1"); /* the card comes first */
    EXPECT_TEXT(err, "emulated on the CPU");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        losses_are_those_of_the_cpu,   the_order_of_threads_changes_no_bit,
        how_it_is_done_changes_no_bit, an_epoch_waits_for_nothing,
        a_fault_names_the_layer,       too_large_a_batch_is_told_before_training,
        a_profile_has_its_operations,  without_a_card_it_says_so};

    return program_tests("cuda_training", tests, sizeof tests / sizeof *tests);
}
