/* test_runner.c - the program as its user meets it: files, commands, exit codes. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "program.h"
#include "train/safetensors.h"

#include <stdlib.h>
#include <unistd.h>

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

START_TEST(the_number_of_threads_does_not_change_the_result)
{
    double loss[3];

    for (int threads = 1; threads <= 3; threads++) {
        char line[64];
        snprintf(line, sizeof line, "tiny.yaml --json --threads %d", threads);
        EXPECT_EXIT(0, line);
        cJSON *root = cJSON_Parse(out);
        loss[threads - 1] =
            cJSON_GetObjectItem(cJSON_GetObjectItem(root, "test"), "loss")->valuedouble;
        cJSON_Delete(root);
    }
    ck_assert_double_eq(loss[0], loss[1]);
    ck_assert_double_eq(loss[0], loss[2]);
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

    snprintf(line, sizeof line, "cd %s && %s tiny.yaml --name pipe 2>/dev/null | true", test_dir(),
             getenv("RN_RUNNER"));
    ck_assert_int_eq(system(line), 0);
    for (int i = 0; i < 200 && !exists(run_folder("pipe"), "report.html"); i++)
        usleep(20000);
    usleep(100000);
    expect_status("pipe", "finished");
    snprintf(line, sizeof line, "cd %s && %s tiny.yaml --name closed >&- 2>&-", test_dir(),
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
        snprintf(line, sizeof line, "cp %s/data/%s %s/half", test_dir(), names[i], test_dir());
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
    EXPECT_TEXT(err, "units: steps, epochs, samples, %");
}
END_TEST

/* ---- exit codes ------------------------------------------------------------------------ */

START_TEST(expectation_that_does_not_hold_is_exit_1)
{
    write_config("high.yaml", "expect: [{metric: test.accuracy, min: 1.5}]\n");
    EXPECT_EXIT(1, "high.yaml");
    EXPECT_TEXT(err, "FAILED       test.accuracy          >= 1.5 ");
    EXPECT_TEXT(err, "high.yaml:9");
    EXPECT_TEXT(err, "test.accuracy");
    expect_status("high", "finished");
    write_config("soft.yaml", "expect: [{metric: val.loss, at: epoch 2, max: 0, on_fail: warn},\n"
                              "  {metric: parameters, value: 3220, abs: 1000000}]\n");
    EXPECT_EXIT(0, "soft.yaml");
    EXPECT_TEXT(err, "warning      epoch2.val.loss        <= 0 ");
    cJSON *soft = read_json(run_folder("soft"), "summary.json");
    const cJSON *list = cJSON_GetObjectItem(soft, "expectations");
    ck_assert_int_eq(cJSON_GetArraySize(list), 2);
    ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "warns")));
    ck_assert(cJSON_IsFalse(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 0), "holds")));
    cJSON_Delete(soft);
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
    EXPECT_EXIT(2, "check tiny.yaml data.normalize.mean=[1,2] data.normalize.std=[1,1]");
    EXPECT_TEXT(err, "2 values, but the input has 1 channel");
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

/* ---- commands -------------------------------------------------------------------------------- */

START_TEST(commands_that_only_look)
{
    EXPECT_EXIT(0, "--help");
    EXPECT_TEXT(out, "usage: runner FILE");
    EXPECT_EXIT(0, "--version");
    EXPECT_TEXT(out, "runner ");
    EXPECT_EXIT(0, "version --json");
    EXPECT_TEXT(out, "{\"runner\": \"");
    EXPECT_TEXT(out, "\"commit\": ");
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

int main(void)
{
    const TTest *const tests[] = {run_leaves_the_whole_folder,
                                  resolved_configuration_runs_again_with_the_same_bits,
                                  the_number_of_threads_does_not_change_the_result,
                                  late_work_gives_the_same_result,
                                  json_is_one_document,
                                  quiet_is_one_line,
                                  closed_and_full_output_do_not_stop_training,
                                  more_scores_than_classes_are_a_warning,
                                  without_a_test_set_the_rest_is_judged,
                                  odd_sizes_and_intervals,
                                  expectation_that_does_not_hold_is_exit_1,
                                  wrong_configuration_is_exit_2_and_starts_nothing,
                                  missing_plugin_is_exit_3,
                                  bad_data_is_exit_4_and_leaves_no_folder,
                                  unwritable_output_is_exit_5,
                                  divergence_is_exit_6_with_the_step,
                                  commands_that_only_look};

    return program_tests("runner", tests, sizeof tests / sizeof *tests);
}
