/* test_bench.c - benchmarks from outside: devices side by side, one that can't be used, one that
 * computes something else, one that crashes, and an end by a signal. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "program.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void use_all_plugins(void)
{
    char path[2 * PATH_MAX];

    if (strstr(getenv("RN_PLUGIN_PATH"), getenv("RN_FAR")))
        return;
    snprintf(path, sizeof path, "%s:%s", getenv("RN_FAR"), getenv("RN_PLUGIN_PATH"));
    setenv("RN_PLUGIN_PATH", path, 1);
    use_test_plugins();
}

static void write_bench(const char *name, const char *section)
{
    char text[2048], file[64];

    use_all_plugins();
    ck_assert_int_eq(
        file_write(in_dir("base.yaml"), text,
                   (uint64_t)snprintf(
                       text, sizeof text,
                       "seed: 1\n"
                       "data: {type: synthetic, kind: spirals, classes: 3, samples: 300, "
                       "test_samples: 60}\n"
                       "model: {layers: [{type: dense, units: 8}, relu, {type: dense, units: "
                       "3}]}\n"
                       "loss: cross_entropy\n"
                       "optimizer: {type: adam, lr: 0.01}\n"
                       "train: {epochs: 400, batch_size: 32}\n")),
        RN_OK);
    int n = snprintf(text, sizeof text, "name: %s\nbase: base.yaml\nbench:\n%s", name, section);
    snprintf(file, sizeof file, "%s.yaml", name);
    ck_assert_int_eq(file_write(in_dir(file), text, (uint64_t)n), RN_OK);
}

/* The folder of its results, of which there is one. */
static const char *folder_of(const char *name)
{
    static char path[PATH_MAX];
    char root[PATH_MAX];
    const struct dirent *e;
    int n = 0;

    snprintf(root, sizeof root, "reports/%s", name);
    DIR *d = opendir(in_dir(root));
    ck_assert_msg(d != NULL, "no %s", root);
    while ((e = readdir(d)))
        if (*e->d_name != '.') {
            snprintf(path, sizeof path, "%s/%s", root, e->d_name);
            n++;
        }
    closedir(d);
    ck_assert_int_eq(n, 1);
    return path;
}

static const cJSON *item(const cJSON *root, const char *list, int i)
{
    const cJSON *o = cJSON_GetArrayItem(cJSON_GetObjectItem(root, list), i);

    ck_assert_ptr_nonnull(o);
    return o;
}

static const char *text_at(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(o, key));

    return s ? s : "";
}

static int epochs_at(const cJSON *root, int i)
{
    return cJSON_GetArraySize(cJSON_GetObjectItem(item(root, "times", i), "epochs_s"));
}

#define TWO \
    "  variants:\n" \
    "    - {name: one, set: {device: {type: cpu, threads: 1}}}\n" \
    "    - {name: two, set: {device: {type: cpu, threads: 2}}}\n"

START_TEST(two_variants_are_timed_and_agree)
{
    write_bench("pair", TWO "  batch_sizes: [64, 16]\n"
                            "  measure: {epochs: 2, repeats: 2}\n"
                            "  verify: {steps: 12}\n");
    EXPECT_EXIT(0, "check pair.yaml");
    EXPECT_TEXT(out, "2 variants with 2 batch sizes, 8 processes of 3 epochs");
    ck_assert(!file_exists(in_dir("reports")));
    EXPECT_EXIT(0, "pair.yaml");
    EXPECT_TEXT(out, "times as fast");
    EXPECT_TEXT(out, "two computes what one does");
    const char *folder = folder_of("pair");
    EXPECT_TEXT(out, folder);
    cJSON *root = read_json(folder, "bench.json");
    ck_assert_str_eq(text_at(root, "status"), "finished");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "times")), 4);
    ck_assert_int_eq(item(root, "times", 0)->child->next->valueint, 16);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(epochs_at(root, i), 4);
        ck_assert_double_gt(
            cJSON_GetObjectItem(item(root, "times", i), "samples_per_s")->valuedouble, 0);
        ck_assert_double_gt(cJSON_GetObjectItem(item(root, "times", i), "host_bytes")->valuedouble,
                            1e6);
        ck_assert_int_eq(
            cJSON_GetArraySize(cJSON_GetObjectItem(item(root, "times", i), "layer_us")), 3);
    }
    EXPECT_TEXT(text_at(item(root, "variants", 1), "device"), "2 threads");
    const cJSON *agreed = item(root, "agreements", 0);
    ck_assert_str_eq(text_at(agreed, "variant"), "two");
    ck_assert_int_eq(cJSON_GetObjectItem(agreed, "steps")->valueint, 12);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(agreed, "layers")), 5);
    cJSON_Delete(root);
    static const char *const files[] = {"report.html",
                                        "report.md",
                                        "figures/cpu_vs_gpu.svg",
                                        "figures/cpu_vs_gpu.csv",
                                        "figures/cpu_vs_gpu.png",
                                        "plan/one-b16.yaml"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        ck_assert_msg(exists(folder, files[i]), "no %s", files[i]);
    ck_assert(!exists(folder, "runs") && !exists(folder, "logs"));
    EXPECT_EXIT(0, "runs"); /* it is no run */
    EXPECT_TEXT(err, "no runs yet");
}
END_TEST

START_TEST(a_device_that_cannot_be_used_costs_its_variant)
{
    write_bench("gone", "  variants:\n"
                        "    - {name: here, set: {device: cpu}}\n"
                        "    - {name: away, set: {device: absent}, required: false}\n"
                        "  measure: {epochs: 1, repeats: 2}\n");
    EXPECT_EXIT(0, "gone.yaml --json");
    cJSON *root = cJSON_Parse(out);
    ck_assert_msg(root != NULL, "no JSON: %s", out);
    EXPECT_TEXT(text_at(item(root, "variants", 1), "unusable"), "libabsent.so.1: cannot open");
    ck_assert_int_eq(epochs_at(root, 0), 2);
    ck_assert_int_eq(epochs_at(root, 1), 0);
    ck_assert_str_eq(text_at(item(root, "times", 1), "samples_per_s"), "nan"); /* never a zero */
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "agreements")), 0);
    cJSON_Delete(root);
    char page[65536], svg[PATH_MAX];
    snprintf(svg, sizeof svg, "%s/report.md", folder_of("gone"));
    slurp(svg, page, sizeof page);
    EXPECT_TEXT(page, "away cannot be used: device (absent)");
    snprintf(svg, sizeof svg, "%s/figures/cpu_vs_gpu.svg", folder_of("gone"));
    slurp(svg, page, sizeof page);
    EXPECT_TEXT(page, "away cannot be used: device (absent)");
    file_remove_tree(in_dir("reports"));
    /* asked for by name it is required */
    EXPECT_EXIT(3, "base.yaml --devices cpu,absent");
    EXPECT_TEXT(out, "absent cannot be used: device (absent): libabsent.so.1");
    ck_assert(exists(folder_of("base_bench"), "report.html"));
    EXPECT_EXIT(3, "base.yaml --devices cpu,nosuch");
    EXPECT_TEXT(err, "nosuch");
}
END_TEST

START_TEST(memory_of_a_device_of_its_own_is_told)
{
    write_bench("far", "  devices: [cpu, far]\n"
                       "  measure: {epochs: 1, repeats: 1}\n"
                       "  verify: {steps: 3}\n");
    setenv("RN_MEMORY", "64M", 1); /* so that nobody else has a part of it */
    EXPECT_EXIT(0, "far.yaml");
    unsetenv("RN_MEMORY");
    cJSON *root = read_json(folder_of("far"), "bench.json");
    ck_assert_str_eq(text_at(item(root, "times", 0), "device_bytes"), "nan");
    double bytes = cJSON_GetObjectItem(item(root, "times", 1), "device_bytes")->valuedouble;
    ck_assert_double_gt(bytes, 300 * 2 * 4); /* the samples alone */
    ck_assert_double_lt(bytes, 64e6);
    cJSON_Delete(root);
    EXPECT_TEXT(out, "far computes what cpu does, to the last bit");
}
END_TEST

START_TEST(what_fails_is_not_timed_and_says_why)
{
    write_bench("bad", "  variants:\n"
                       "    - {name: good, set: {device: {type: cpu, threads: 1}}}\n"
                       "    - {name: crashes, set: {callbacks: [{type: crash, epoch: 1}]}}\n"
                       "    - {name: faulty, set: {device: {type: far, fail: 40}}}\n"
                       "  measure: {epochs: 400, repeats: 1}\n"
                       "  verify: {steps: 0}\n");
    EXPECT_EXIT(9, "bad.yaml -q");
    cJSON *root = read_json(folder_of("bad"), "bench.json");
    ck_assert_int_eq(epochs_at(root, 0), 400);
    ck_assert_int_eq(epochs_at(root, 1), 0);
    EXPECT_TEXT(text_at(item(root, "times", 1), "why"), "killed by signal 11");
    /* that device could be used, and then failed */
    EXPECT_TEXT(text_at(item(root, "times", 2), "why"), "an illegal memory access");
    ck_assert_str_eq(text_at(item(root, "variants", 2), "unusable"), "");
    cJSON_Delete(root);
}
END_TEST

/* What was timed stays, and says what became of the rest. */
START_TEST(a_device_that_goes_away_is_not_unusable)
{
    write_bench("away", "  variants:\n"
                        "    - {name: here, set: {device: cpu}}\n"
                        "    - {name: going, set: {device: {type: far, once: card}}}\n"
                        "  measure: {epochs: 2, repeats: 2}\n"
                        "  verify: {steps: 0}\n");
    ck_assert_int_eq(file_write(in_dir("card"), "", 0), RN_OK);
    EXPECT_EXIT(0, "away.yaml -q");
    cJSON *root = read_json(folder_of("away"), "bench.json");
    ck_assert_str_eq(text_at(item(root, "variants", 1), "unusable"), "");
    ck_assert_int_eq(epochs_at(root, 1), 2);
    EXPECT_TEXT(text_at(item(root, "times", 1), "why"), "the card was taken out");
    cJSON_Delete(root);
}
END_TEST

START_TEST(training_that_ends_by_itself_is_told)
{
#define STOPS "set: {callbacks: [{type: early_stopping, patience: 1, min_delta: 10}]}\n"
    write_bench("early", "  devices: [cpu]\n"
                         "  measure: {epochs: 20, repeats: 2}\n" STOPS);
    EXPECT_EXIT(0, "early.yaml");
    EXPECT_TEXT(out, "2 of 40 epochs were timed: training ended by itself before that.");
    file_remove_tree(in_dir("reports"));
    write_bench("early", "  devices: [cpu]\n"
                         "  warmup: 5\n" STOPS);
    EXPECT_EXIT(9, "early.yaml"); /* none was timed */
    EXPECT_TEXT(out, "0 of 6 epochs were timed: training ended by itself before that.");
}
END_TEST

START_TEST(max_time_keeps_the_epochs_that_were_finished)
{
    write_bench("long", "  devices: [cpu]\n"
                        "  measure: {epochs: 10000, repeats: 1, max_time: 2 s}\n");
    setenv("RN_TEAM", "1", 1);
    EXPECT_EXIT(0, "long.yaml data.samples=20k");
    unsetenv("RN_TEAM");
    cJSON *root = read_json(folder_of("long"), "bench.json");
    ck_assert_int_gt(epochs_at(root, 0), 0);
    ck_assert_int_lt(epochs_at(root, 0), 10000);
    EXPECT_TEXT(text_at(item(root, "times", 0), "why"), "max_time, 2 s, was over");
    cJSON_Delete(root);
}
END_TEST

START_TEST(a_signal_ends_it_with_what_was_measured)
{
    char path[PATH_MAX], text[65536] = "";

    write_bench("stop", TWO "  measure: {epochs: 5000, repeats: 1}\n");
    pid_t pid = start("stop.yaml set=x"); /* refused before anything is begun */
    ck_assert_int_eq(finish(pid), 2);
    pid = start("stop.yaml data.samples=20k");
    for (int i = 0; i < 2000 && !file_exists(in_dir("reports/stop")); i++)
        usleep(10000);
    snprintf(path, sizeof path, "%s/runs/one-b32-1/epochs.csv", folder_of("stop"));
    for (int i = 0; i < 2000 && !file_exists(in_dir(path)); i++)
        usleep(10000);
    usleep(300000);
    kill(pid, SIGINT);
    ck_assert_int_eq(finish(pid), 130);
    cJSON *root = read_json(folder_of("stop"), "bench.json");
    ck_assert_str_eq(text_at(root, "status"), "interrupted");
    ck_assert_int_gt(epochs_at(root, 0), 0);
    ck_assert_int_eq(epochs_at(root, 1), 0);
    cJSON_Delete(root);
    snprintf(path, sizeof path, "%s/report.md", folder_of("stop"));
    slurp(path, text, sizeof text);
    EXPECT_TEXT(text, "It was stopped before all was measured.");
}
END_TEST

START_TEST(one_comparison_alone_is_json)
{
    write_bench("any", "  devices: [cpu]\n");
    EXPECT_EXIT(0, "bench base.yaml --agree far --steps 2");
    cJSON *root = cJSON_Parse(out);
    ck_assert_msg(root != NULL, "no JSON: %s", out);
    ck_assert_int_eq(cJSON_GetObjectItem(root, "steps")->valueint, 2);
    ck_assert_str_eq(text_at(root, "device"), "far away");
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(root, "beyond")));
    cJSON_Delete(root);
    EXPECT_EXIT(0, "bench base.yaml --agree far --out agree.json");
    ck_assert(exists(".", "agree.json"));
    EXPECT_EXIT(3, "bench base.yaml --agree absent");
    EXPECT_TEXT(err, "libabsent.so.1");
    EXPECT_EXIT(2, "bench base.yaml --agree far --rel much");
    EXPECT_TEXT(err, "--rel much: expected a number above 0");
    EXPECT_EXIT(2, "bench base.yaml");
    EXPECT_TEXT(err, "--devices");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {two_variants_are_timed_and_agree,
                                  a_device_that_cannot_be_used_costs_its_variant,
                                  memory_of_a_device_of_its_own_is_told,
                                  what_fails_is_not_timed_and_says_why,
                                  a_device_that_goes_away_is_not_unusable,
                                  training_that_ends_by_itself_is_told,
                                  max_time_keeps_the_epochs_that_were_finished,
                                  a_signal_ends_it_with_what_was_measured,
                                  one_comparison_alone_is_json};

    return program_tests("bench", tests, sizeof tests / sizeof *tests);
}
