/* test_export.c - runs for other programs: the file store of MLflow, and a reporter that hears of a
 * run once more. That the real programs read both stands in tests/full/interop.py. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "base/mem.h"
#include "program.h"

#include <dirent.h>
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

static char run_path[PATH_MAX]; /* the folder that MLflow's run is in */

static void make_run(void)
{
    file_remove_tree(in_dir("mlruns"));
    EXPECT_EXIT(0, "tiny.yaml -q reporters=[console,jsonl]");
}

static void export_it(void)
{
    EXPECT_EXIT(0, "export latest --to mlflow");
    EXPECT_TEXT(err, "mlflow migrate-filestore --source");
    EXPECT_TEXT(err, "MLFLOW_ALLOW_FILE_STORE=true mlflow ui");
    snprintf(run_path, sizeof run_path, "%.*s", (int)strcspn(out, "\n"), out);
}

/* The last line of a file of the exported run. */
static const char *last_line(const char *name)
{
    static char text[4096];
    char path[PATH_MAX + 64];
    void *data;
    uint64_t n;

    snprintf(path, sizeof path, "%s/%s", run_path, name);
    ck_assert_msg(file_read(path, 1 << 20, &data, &n) == RN_OK, "%s is missing", path);
    char *s = data;
    if (n && s[n - 1] == '\n')
        s[n - 1] = '\0';
    const char *line = strrchr(s, '\n');
    snprintf(text, sizeof text, "%s", line ? line + 1 : s);
    mem_free(data);
    return text;
}

static void has(const char *name, const char *wanted) { ck_assert_str_eq(last_line(name), wanted); }

static int count(const char *path)
{
    DIR *d = opendir(path);
    int n = 0;

    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d));)
        n += *e->d_name != '.';
    closedir(d);
    return n;
}

static cJSON *test_metrics(void)
{
    cJSON *summary = read_json(run_folder("tiny"), "summary.json");
    cJSON *test = cJSON_DetachItemFromObject(summary, "test");

    cJSON_Delete(summary);
    return test;
}

static void metric_is(const char *name, double wanted)
{
    long long ms, step;
    double v;

    ck_assert_int_eq(sscanf(last_line(name), "%lld %lf %lld", &ms, &v, &step), 3);
    ck_assert_double_eq_tol(v, wanted, 1e-9);
    ck_assert(ms > 1700000000000 && step > 0);
}

START_TEST(a_run_becomes_a_run_of_mlflow)
{
    char meta[PATH_MAX + 64];
    void *text;
    uint64_t n;

    make_run();
    export_it();
    has("params/seed", "3");
    has("params/optimizer.type", "adam");
    has("tags/runner.status", "finished");
    has("tags/mlflow.source.name", "runner");
    cJSON *test = test_metrics();
    metric_is("metrics/test.accuracy", cJSON_GetObjectItem(test, "accuracy")->valuedouble);
    metric_is("metrics/test.loss", cJSON_GetObjectItem(test, "loss")->valuedouble);
    cJSON_Delete(test);
    last_line("metrics/val.loss");
    last_line("metrics/best.epoch");
    last_line("artifacts/config.yaml");
    last_line("artifacts/summary.json");
    snprintf(meta, sizeof meta, "%s/meta.yaml", run_path);
    ck_assert_int_eq(file_read(meta, 1 << 16, &text, &n), RN_OK);
    EXPECT_TEXT((char *)text, "lifecycle_stage: active");
    EXPECT_TEXT((char *)text, "status: 3\n");
    EXPECT_TEXT((char *)text, strrchr(run_folder("tiny"), '/') + 1);
    EXPECT_TEXT((char *)text, "artifact_uri: 'file:///");
    mem_free(text);
    snprintf(meta, sizeof meta, "%s/params/old", run_path);
    ck_assert_int_eq(file_write(meta, "1", 1), RN_OK);
    export_it(); /* replaces itself */
    ck_assert(!file_exists(meta));
    ck_assert_int_eq(count(in_dir("mlruns")), 1);
    ck_assert_int_eq(count(dirname(run_path)), 2); /* meta.yaml, the run */
}
END_TEST

START_TEST(an_experiment_of_that_name_is_used)
{
    const char *meta = "name: tiny\nexperiment_id: '7'\nlifecycle_stage: active\n";

    make_run();
    ck_assert_int_eq(file_mkdirs(in_dir("mlruns/7")), RN_OK);
    ck_assert_int_eq(file_write(in_dir("mlruns/7/meta.yaml"), meta, strlen(meta)), RN_OK);
    export_it();
    ck_assert_ptr_nonnull(strstr(run_path, "/mlruns/7/"));
    ck_assert_int_eq(count(in_dir("mlruns")), 1);
}
END_TEST

START_TEST(without_metrics_its_epochs_are_told)
{
    char path[PATH_MAX];

    make_run();
    snprintf(path, sizeof path, "%s/metrics.jsonl", run_folder("tiny"));
    ck_assert_int_eq(unlink(in_dir(path)), 0);
    export_it();
    cJSON *test = test_metrics();
    metric_is("metrics/test.accuracy", cJSON_GetObjectItem(test, "accuracy")->valuedouble);
    metric_is("metrics/test.loss", cJSON_GetObjectItem(test, "loss")->valuedouble);
    cJSON_Delete(test);
    last_line("metrics/train.lr");
    last_line("metrics/val.accuracy");
}
END_TEST

START_TEST(lines_that_are_no_records_are_passed_over)
{
    static const char lines[] = "[1, \"split\"]\n7\n\"split\"\n[{\"split\": \"val\"}]\n"
                                "{\"split\": \"val\", \"odd\": \"0x10\"}\n{\"split\": \"torn\n";
    char path[PATH_MAX];

    make_run();
    snprintf(path, sizeof path, "%s/metrics.jsonl", run_folder("tiny"));
    ck_assert_int_eq(file_append(in_dir(path), lines, strlen(lines)), RN_OK);
    export_it();
    last_line("metrics/val.accuracy");
    snprintf(path, sizeof path, "%s/metrics/val.odd", run_path);
    ck_assert(!file_exists(path));
}
END_TEST

START_TEST(a_reporter_hears_of_it_once_more)
{
    char path[PATH_MAX];

    make_run();
    file_remove_tree(in_dir("events"));
    EXPECT_EXIT(0, "export latest:tiny --to tensorboard --dir events");
    EXPECT_TEXT(out, "/events\n");
    snprintf(path, sizeof path, "events/tiny%s/train", strrchr(run_folder("tiny"), '/'));
    ck_assert_int_eq(count(in_dir(path)), 1);
    EXPECT_EXIT(0, "export @1 --to tensorboard -q");
    ck_assert(exists(run_folder("tiny"), "tb/val"));
    EXPECT_EXIT(0, "tiny.yaml -q -o elsewhere train.epochs=1 ~expect");
    EXPECT_EXIT(0, "export latest --to tensorboard -o elsewhere --dir apart");
    EXPECT_EXIT(4, "export latest --to tensorboard -o nowhere");
    EXPECT_TEXT(err, "'latest': there are no runs in 'nowhere'");
}
END_TEST

START_TEST(what_cannot_be_is_said)
{
    file_remove_tree(in_dir("mlruns"));
    EXPECT_EXIT(2, "export latest --to pdf");
    EXPECT_TEXT(err, "no such format; expected one of safetensors, npz");
    EXPECT_EXIT(2, "export latest --to jsonl"); /* would add to the run's own files */
    EXPECT_EXIT(2, "export latest");
    EXPECT_TEXT(err, "export RUN ... --to FORMAT");
    EXPECT_EXIT(2, "export --to mlflow");
    EXPECT_EXIT(4, "export nothing --to mlflow");
    ck_assert(!file_exists(in_dir("mlruns")));
    EXPECT_EXIT(0, "help export");
    EXPECT_TEXT(out, "--to mlflow");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_run_becomes_a_run_of_mlflow,       an_experiment_of_that_name_is_used,
        without_metrics_its_epochs_are_told, lines_that_are_no_records_are_passed_over,
        a_reporter_hears_of_it_once_more,    what_cannot_be_is_said};

    return program_tests("export", tests, sizeof tests / sizeof *tests);
}
