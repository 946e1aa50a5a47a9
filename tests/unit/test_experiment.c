/* test_experiment.c - what a checked experiment holds, that its resolved file runs anywhere as it
 * is, and that running out of memory at any point is a plain error. */
#define _XOPEN_SOURCE 700
#include "base/error.h"
#include "experiment/experiment.h"
#include "support/fakes.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <unistd.h>

static const char *dir; /* of the fakes; $RN_PLUGIN_PATH is theirs */
static const char *real_plugins, *source_dir;
static struct registry *registry;
static struct diag *diag;
static struct experiment *e;
static struct text out;

static void setup(void)
{
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert_int_eq(registry_open(NULL, 0, &registry), RN_OK);
}

static void teardown(void)
{
    text_free(&out);
    experiment_free(e);
    e = NULL;
    registry_close(registry);
    ck_assert_uint_eq(mem_live(), 0);
}

static int load(const char *file, const char *const *overrides, int n)
{
    experiment_free(e);
    return experiment_load(file, overrides, n, registry, &diag, &e);
}

static void expect_ok(int status)
{
    if (status) {
        diag_text(diag, false, &out);
        ck_abort_msg("%s\n%s", error_text(), text_str(&out));
    }
}

#define BASE \
    "data: {type: mnist, path: d}\nloss: mse\noptimizer: adam\ntrain: {epochs: 3}\n" \
    "model: {layers: [flatten, {type: dense, units: 4}, relu, {type: dense, units: 2, name: " \
    "out}]}\n"

static void load_text(const char *more)
{
    struct text text = {0};

    text_add(&text, "%s%s", BASE, more);
    expect_ok(load(scratch_write(dir, "e.yaml", text.s), NULL, 0));
    text_free(&text);
}

static void expect_problem(const char *more, const char *part)
{
    struct text text = {0};

    text_add(&text, "%s%s", BASE, more);
    int status = load(scratch_write(dir, "e.yaml", text.s), NULL, 0);
    text_free(&text);
    ck_assert_int_eq(status, RN_EINVAL);
    diag_text(diag, false, &text);
    ck_assert_msg(strstr(text_str(&text), part) != NULL, "no \"%s\" in: %s", part, text_str(&text));
    text_free(&text);
}

static const char *resolved(const char *path_key)
{
    const struct node *n = e->root;
    char key[64];

    for (const char *s = path_key; n && *s; s += *s == '.') {
        size_t len = strcspn(s, ".");
        snprintf(key, sizeof key, "%.*s", (int)len, s);
        n = n->kind == NODE_LIST ? tree_at(n, atoi(key)) : tree_get(n, key);
        s += len;
    }
    return n && n->text ? n->text : "(none)";
}

START_TEST(fills_in_every_default)
{
    char path[PATH_MAX];

    load_text("");
    ck_assert_str_eq(e->name, "e");
    ck_assert_str_eq(e->description, "");
    ck_assert_uint_eq(e->seed, 1);
    ck_assert_str_eq(e->dir, dir);
    ck_assert_str_eq(e->device.plugin->name, "cpu");
    ck_assert(!e->device_auto);
    ck_assert_int_eq(e->train.epochs, 3);
    ck_assert_int_eq(e->train.batch_size, 64);
    ck_assert_int_eq(e->train.eval_batch_size, 1000);
    ck_assert(e->train.shuffle && !e->train.drop_last);
    ck_assert_double_eq(e->train.log_every.value, 50);
    ck_assert_uint_eq(e->train.log_every.unit, RN_STEPS);
    ck_assert_double_eq(e->split.train, 0.9);
    ck_assert_double_eq(e->split.val, 0.1);
    ck_assert_int_eq(e->split.seed, 0);
    ck_assert_int_eq(e->split.mean.count, 0);
    ck_assert_int_eq(e->n_expects, 0);
    ck_assert_int_eq(e->n_tags, 0);
    ck_assert_str_eq(resolved("name"), "e");
    ck_assert_str_eq(resolved("device.threads"), "0");
    ck_assert_str_eq(resolved("optimizer.lr"), "0.001");
    ck_assert_str_eq(resolved("data.split.val"), "0.1");
    ck_assert_str_eq(resolved("data.limit.test"), "0");
    ck_assert_str_eq(resolved("train.log_every"), "50 steps");
    ck_assert_str_eq(resolved("model.layers.1.bias"), "true");
    snprintf(path, sizeof path, "%s/d", dir);
    ck_assert_str_eq(resolved("data.path"), path);
}
END_TEST

START_TEST(names_layers_by_type_and_number)
{
    static const char *const names[] = {"flatten1", "dense1", "relu1", "out"};

    load_text("");
    ck_assert_int_eq(e->n_layers, 4);
    for (int i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "model.layers.%s", names[i]);
        ck_assert_str_eq(e->layers[i].name, names[i]);
        ck_assert_str_eq(e->layers[i].path, path);
        snprintf(path, sizeof path, "model.layers.%d.name", i);
        ck_assert_str_eq(resolved(path), names[i]);
        ck_assert_int_eq(e->layers[i].mark.line, 5);
    }
}
END_TEST

/* ---- layers within layers ------------------------------------------------- */

#define HEAD "data: {type: mnist, path: d}\nloss: mse\noptimizer: adam\ntrain: {epochs: 3}\n"
#define NESTED \
    HEAD "model:\n  layers:\n    - {type: residual, layers: [{type: dense, units: 4}, relu,\n" \
         "        {type: residual, name: inner, layers: [{type: dense, units: 4}, " \
         "{type: dense, units: 4}]}],\n        shortcut: [flatten, {type: dense, units: 4}]}\n" \
         "    - {type: dense, units: 2}\n"

static int64_t units_of(const struct part *p)
{
    const struct rn_option *o = options_row(&p->plugin->options, "units");
    int64_t units;

    memcpy(&units, (const char *)p->opts + o->offset, sizeof units);
    return units;
}

START_TEST(branches_are_read_to_any_depth)
{
    const char *over[] = {"model.layers.residual1.layers.0.units=5",
                          "model.layers.residual1.layers.inner.layers.dense2.units=6",
                          "model.layers.residual1.shortcut.dense1.units=7",
                          "+model.layers.residual1.layers.inner.layers=relu"};

    expect_ok(load(scratch_write(dir, "e.yaml", NESTED), over, 4));
    ck_assert_int_eq(e->n_layers, 2);
    const struct part *outer = &e->layers[0], *inner = &outer->branches[0].layers[2];
    ck_assert_int_eq(outer->n_branches, 2);
    ck_assert_str_eq(outer->branches[1].key, "shortcut");
    ck_assert_int_eq(outer->branches[0].n_layers, 3);
    ck_assert_int_eq(outer->branches[1].n_layers, 2);
    ck_assert_int_eq(e->layers[1].n_branches, 0);
    ck_assert_str_eq(inner->path, "model.layers.residual1.layers.inner");
    ck_assert_int_eq(inner->branches[0].n_layers, 3);
    ck_assert_int_eq(inner->branches[1].n_layers, 0);
    ck_assert_str_eq(inner->branches[0].layers[1].path,
                     "model.layers.residual1.layers.inner.layers.dense2");
    ck_assert_int_eq(units_of(&outer->branches[0].layers[0]), 5);
    ck_assert_int_eq(units_of(&inner->branches[0].layers[1]), 6);
    ck_assert_int_eq(units_of(&outer->branches[1].layers[1]), 7);
    ck_assert_str_eq(resolved("model.layers.0.layers.0.bias"), "true");
    ck_assert_str_eq(resolved("model.layers.0.layers.2.layers.1.name"), "dense2");
    ck_assert_str_eq(resolved("model.layers.0.layers.2.layers.2.name"), "relu1");
    ck_assert_str_eq(resolved("model.layers.0.shortcut.0.name"), "flatten1");
}
END_TEST

START_TEST(a_resolved_branch_runs_as_it_is)
{
    static const char *const over[] = {"model.layers.residual1.layers.inner.layers.dense2.units=6"};

    expect_ok(load(scratch_write(dir, "e.yaml", NESTED), NULL, 0));
    ck_assert_ptr_nonnull(strstr(e->config_yaml, "shortcut: []"));
    const char *again = scratch_write(dir, "again.yaml", e->config_yaml);
    char *first = strdup(e->config_yaml);
    expect_ok(load(again, NULL, 0));
    ck_assert_str_eq(strstr(e->config_yaml, "data:"), strstr(first, "data:"));
    free(first);
    expect_ok(load(again, over, 1));
    ck_assert_int_eq(units_of(&e->layers[0].branches[0].layers[2].branches[0].layers[1]), 6);
}
END_TEST

START_TEST(named_items_of_branches_merge)
{
    scratch_write(dir, "base.yaml",
                  HEAD "model: {layers: [{type: residual, name: a, layers: [{type: dense, name: b, "
                       "units: 4}, relu],\n  shortcut: [{type: dense, name: c, units: 4}]}]}\n");
    expect_ok(load(scratch_write(dir, "e.yaml",
                                 "extends: base.yaml\nmodel: {layers: [{name: a, layers: [{name: "
                                 "b, units: 5}], shortcut: [{name: c, bias: false}]}]}\n"),
                   NULL, 0));
    ck_assert_int_eq(e->layers[0].branches[0].n_layers, 2);
    ck_assert_int_eq(units_of(&e->layers[0].branches[0].layers[0]), 5);
    ck_assert_int_eq(units_of(&e->layers[0].branches[1].layers[0]), 4);
    ck_assert_str_eq(resolved("model.layers.0.shortcut.0.bias"), "false");
    expect_ok(load(scratch_write(dir, "e.yaml",
                                 "extends: base.yaml\nmodel: {layers: [{name: a, layers: [flatten]}"
                                 "]}\n"),
                   NULL, 0));
    ck_assert_int_eq(e->layers[0].branches[0].n_layers, 1);
    ck_assert_str_eq(e->layers[0].branches[0].layers[0].name, "flatten1");
}
END_TEST

/* depth containers in one another around a list of n layers */
static int load_deep(int depth, int n)
{
    struct text text = {0};

    text_add(&text, "%smodel: {layers: [", HEAD);
    for (int i = 0; i < depth; i++)
        text_add(&text, "{type: residual, layers: [");
    for (int i = 0; i < n; i++)
        text_add(&text, "relu, ");
    for (int i = 0; i < depth; i++)
        text_add(&text, "]}");
    text_add(&text, "]}\n");
    int status = load(scratch_write(dir, "e.yaml", text.s), NULL, 0);
    text_free(&text);
    return status;
}

START_TEST(branches_have_limits)
{
    expect_ok(load_deep(16, 1));
    ck_assert_int_eq(load_deep(17, 1), RN_EINVAL);
    diag_text(diag, false, &out);
    ck_assert_ptr_nonnull(strstr(text_str(&out), "more than 16 deep"));
    expect_ok(load_deep(4, 996));
    ck_assert_int_eq(load_deep(5, 996), RN_EINVAL);
    text_free(&out);
    diag_text(diag, false, &out);
    ck_assert_ptr_nonnull(strstr(text_str(&out), "more than 1000 layers in all"));
}
END_TEST

START_TEST(default_reporters_go_by_priority)
{
    load_text("");
    ck_assert_int_eq(e->n_reporters, 2);
    ck_assert_str_eq(e->reporters[0].plugin->name, "html");
    ck_assert_str_eq(e->reporters[1].plugin->name, "console");
    load_text("reporters: [csv, {type: html, samples: 3}]\n");
    ck_assert_int_eq(e->n_reporters, 2);
    ck_assert_str_eq(e->reporters[0].plugin->name, "csv");
    load_text("reporters: []\n");
    ck_assert_int_eq(e->n_reporters, 0);
    ck_assert_ptr_nonnull(strstr(e->config_yaml, "reporters: []\n"));
}
END_TEST

START_TEST(auto_stays_auto)
{
    load_text("device: auto\n");
    ck_assert(e->device_auto);
    ck_assert_str_eq(e->device.plugin->name, "cpu");
    ck_assert_ptr_nonnull(e->device.opts);
    ck_assert_ptr_nonnull(strstr(e->config_yaml, "device:\n  type: auto\n"));
}
END_TEST

static const struct {
    const char *split;
    double train, val;
} splits[] = {
    {"{train: 0.8}", 0.8, 0.2},           {"{val: 0.25}", 0.75, 0.25},  {"{train: 100}", 100, 0},
    {"{train: 0.5, val: 0.1}", 0.5, 0.1}, {"{train: 1, val: 0}", 1, 0}, {"{train: 1}", 1, 0},
    {"{train: 500, val: 20}", 500, 20},   {"{seed: 4}", 0.9, 0.1},      {"{train: 90%}", 0.9, 0.1},
};

START_TEST(a_share_that_is_not_given_is_the_rest)
{
    char text[128];

    snprintf(text, sizeof text, "set: {data.split: %s}\n", splits[_i].split);
    load_text(text);
    ck_assert_double_eq(e->split.train, splits[_i].train);
    ck_assert_double_eq(e->split.val, splits[_i].val);
    ck_assert_double_eq(atof(resolved("data.split.val")), splits[_i].val);
}
END_TEST

START_TEST(expectations_are_bounds)
{
    load_text("expect:\n  - {metric: a, min: 0.9}\n  - {metric: b, max: 2}\n"
              "  - {metric: c, value: 10, rel: 10%}\n  - {metric: d, value: -4, abs: 1}\n"
              "  - {metric: e, value: -4, rel: 0.5}\n");
    ck_assert_int_eq(e->n_expects, 5);
    ck_assert_double_eq(e->expects[0].min, 0.9);
    ck_assert_double_nan(e->expects[0].max);
    ck_assert_double_nan(e->expects[1].min);
    ck_assert_double_eq_tol(e->expects[2].min, 9, 1e-12);
    ck_assert_double_eq_tol(e->expects[2].max, 11, 1e-12);
    ck_assert_double_eq(e->expects[3].min, -5);
    ck_assert_double_eq(e->expects[3].max, -3);
    ck_assert_double_eq(e->expects[4].min, -6);
    ck_assert_str_eq(e->expects[4].metric, "e");
    ck_assert_int_eq(e->expects[4].mark.line, 11);
}
END_TEST

START_TEST(expectations_have_a_side_a_time_and_a_weight)
{
    load_text("expect:\n  - {metric: test.accuracy, value: 0.9, abs: 0.1, direction: worse}\n"
              "  - {metric: val.loss, value: 2, rel: 10%, direction: worse, at: best}\n"
              "  - {metric: val.loss, max: 3, at: epoch 1, on_fail: warn}\n"
              "  - {metric: parameters, value: 12, exact: true}\n"
              "  - {metric: val.loss, max: 3, at: last}\n");
    ck_assert_double_eq_tol(e->expects[0].min, 0.8, 1e-12);
    ck_assert_double_nan(e->expects[0].max);
    ck_assert_double_nan(e->expects[1].min);
    ck_assert_double_eq_tol(e->expects[1].max, 2.2, 1e-12);
    ck_assert_str_eq(e->expects[1].metric, "best.val.loss");
    ck_assert_str_eq(e->expects[2].metric, "epoch1.val.loss");
    ck_assert(e->expects[2].warns && !e->expects[1].warns);
    ck_assert(e->expects[3].min == 12 && e->expects[3].max == 12);
    ck_assert_str_eq(e->expects[4].metric, "val.loss");
}
END_TEST

START_TEST(expectations_that_say_nothing_sensible_are_refused)
{
    static const char *const cases[][2] = {
        {"value: 1, abs: 1, rel: 1", "'value' needs one of 'abs', 'rel' and 'exact: true'"},
        {"value: 1", "'value' needs one of 'abs', 'rel' and 'exact: true'"},
        {"exact: true, min: 2", "need a 'value'"},
        {"min: 1, direction: worse", "'direction' needs a 'value'"},
        {"min: 1, at: noon", "'at' is best, last or an epoch from 1"},
        {"min: 1, at: epoch 0", "'at' is best, last or an epoch from 1"},
        {"min: 1, at: epoch 3x", "'at' is best, last or an epoch from 1"},
        {"min: 1, at: epoch 200", "epochs, so there is no epoch 200"},
        {"min: 1, on_fail: shrug", "shrug"},
        {"min: 1, at: best, metric2: x", "unknown option 'metric2'"},
    };
    char text[200];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "expect: [{metric: val.loss, %s}]\n", cases[i][0]);
        expect_problem(text, cases[i][1]);
    }
    expect_problem("expect: [{metric: test.loss, min: 1, at: best}]\n",
                   "'at' is for what is measured in each epoch");
}
END_TEST

START_TEST(reads_the_rest_of_the_file)
{
    load_text("name: n-1.x_\nseed: 9223372036854775807\ntags: [a, 'b c']\ndescription: it's\n"
              "set: {data.normalize: {mean: [1, 2], std: [3, 4]}, data.limit.train: 1k,\n"
              "  train.log_every: 2 epochs, train.shuffle: false}\n");
    ck_assert_str_eq(e->name, "n-1.x_");
    ck_assert_str_eq(e->description, "it's");
    ck_assert_uint_eq(e->seed, INT64_MAX);
    ck_assert_int_eq(e->n_tags, 2);
    ck_assert_str_eq(e->tags[1], "b c");
    ck_assert_int_eq(e->split.mean.count, 2);
    ck_assert_double_eq(e->split.std.at[1], 4);
    ck_assert_int_eq(e->split.limit_train, 1000);
    ck_assert_uint_eq(e->train.log_every.unit, RN_EPOCHS);
    ck_assert(!e->train.shuffle);
}
END_TEST

START_TEST(names_of_files_are_made_to_fit)
{
    static const struct {
        const char *file, *name;
    } cases[] = {{"my run.yaml", "my_run"},
                 {".hidden.yaml", "_hidden"},
                 {"-x", "_x"},
                 {"größe.v2.yml", "gr____e.v2"},
                 {"plain", "plain"}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        expect_ok(load(scratch_write(dir, cases[i].file, BASE), NULL, 0));
        ck_assert_str_eq(e->name, cases[i].name);
    }
    ck_assert_int_eq(
        load(scratch_write(
                 dir, "n.yaml",
                 BASE "name: 123456789_123456789_123456789_"
                      "123456789_123456789_123456789_123456789_123456789_123456789_123456789_\n"),
             NULL, 0),
        RN_OK);
    ck_assert_int_eq(
        load(scratch_write(
                 dir, "n.yaml",
                 BASE "name: 123456789_123456789_123456789_"
                      "123456789_123456789_123456789_123456789_123456789_123456789_123456789_1\n"),
             NULL, 0),
        RN_EINVAL);
    ck_assert_int_eq(load(scratch_write(dir, "n.yaml", BASE "name: compare.html\n"), NULL, 0),
                     RN_EINVAL);
    ck_assert_int_eq(load(scratch_write(dir, "latest.yaml", BASE), NULL, 0), RN_EINVAL);
}
END_TEST

START_TEST(plugin_folders_of_the_file_are_searched_first)
{
    char path[PATH_MAX];

    ck_assert_int_eq(file_mkdirs("mine/losses"), RN_OK);
    ck_assert_int_eq(file_symlink(getenv("RN_FAKES"), "mine/losses/mse.so"), RN_OK);
    load_text("plugins: {path: [mine]}\n");
    snprintf(path, sizeof path, "%s/mine", dir);
    ck_assert_ptr_nonnull(strstr(e->config_yaml, path));
}
END_TEST

START_TEST(the_resolved_file_runs_as_it_is_from_anywhere)
{
    load_text("description: \"a: ${env:HOME} # $${x}\"\nexpect: [{metric: a, min: 1}]\n"
              "device: {type: cpu, threads: 2}\ntags: [\"1\", x]\n"
              "set: {data.normalize: {mean: 0.1, std: 1}}\n");
    char *first = strdup(e->config_yaml);
    ck_assert_int_eq(file_mkdirs("elsewhere/deep"), RN_OK);
    const char *path = scratch_write(dir, "elsewhere/deep/config.yaml", first);
    ck_assert_int_eq(chdir("/"), 0);
    expect_ok(load(path, NULL, 0));
    ck_assert_str_eq(e->config_yaml, first);
    ck_assert_str_eq(e->name, "e");
    free(first);
}
END_TEST

START_TEST(the_written_file_keeps_what_it_extends_as_comments)
{
    scratch_write(dir, "base.yaml", BASE);
    expect_ok(load(scratch_write(dir, "child.yaml", "extends: base.yaml # yes\nseed: 3"), NULL, 0));
    const char *begin = "extends: base.yaml # yes\nseed: 3\n\n# ---- extends ";
    ck_assert_int_eq(strncmp(e->config_input, begin, strlen(begin)), 0);
    ck_assert_ptr_nonnull(strstr(e->config_input, "base.yaml\n# data: {type: mnist, path: d}\n"));
    for (const char *s = strstr(e->config_input, "\n\n") + 2; *s; s = strchr(s, '\n') + 1)
        ck_assert_int_eq(*s, '#');
}
END_TEST

START_TEST(options_that_are_not_written_can_be_overridden)
{
    static const char *const overrides[] = {
        "train.eval_batch_size=500", "optimizer.beta1=0.8", "model.layers.dense1.bias=false",
        "device.threads=3",          "data.path=rel",       "model.layers.out.units=7"};
    char path[PATH_MAX];

    ck_assert_int_eq(chdir("/usr"), 0);
    expect_ok(load(scratch_write(dir, "e.yaml", BASE), overrides, 6));
    ck_assert_int_eq(e->train.eval_batch_size, 500);
    ck_assert_str_eq(resolved("optimizer.beta1"), "0.8");
    ck_assert_str_eq(resolved("model.layers.1.bias"), "false");
    ck_assert_str_eq(resolved("data.path"), "/usr/rel");
    experiment_show(e, true, true, &out);
    ck_assert_ptr_nonnull(strstr(text_str(&out), "threads: 3"));
    ck_assert_ptr_nonnull(strstr(text_str(&out), "# command line"));
    ck_assert_ptr_null(strstr(text_str(&out), "default"));
    snprintf(path, sizeof path, "%s/e.yaml:3\n", dir);
    ck_assert_ptr_nonnull(strstr(text_str(&out), path));
}
END_TEST

START_TEST(problems_have_the_status_of_their_kind)
{
    ck_assert_int_eq(load("nowhere.yaml", NULL, 0), RN_EINVAL);
    ck_assert_int_eq(diag_errors(diag), 1);
    ck_assert_int_eq(load(scratch_write(dir, "e.yaml", BASE "device: tpu\n"), NULL, 0), RN_EPLUGIN);
    ck_assert_int_eq(load(scratch_write(dir, "e.yaml", BASE "device: tpu\nx: 1\n"), NULL, 0),
                     RN_EINVAL);
    ck_assert_int_eq(diag_errors(diag), 2);
}
END_TEST

START_TEST(the_baseline_loads_with_the_real_plugins)
{
    char path[PATH_MAX];

    setenv("RN_PLUGIN_PATH", real_plugins, 1);
    registry_close(registry);
    ck_assert_int_eq(registry_open(NULL, 0, &registry), RN_OK);
    snprintf(path, sizeof path, "%s/configs/mlp_baseline.yaml", source_dir);
    expect_ok(load(path, NULL, 0));
    ck_assert_str_eq(e->name, "mlp_baseline");
    ck_assert_int_eq(e->n_layers, 6);
    ck_assert_str_eq(e->layers[5].name, "logits");
    ck_assert_double_eq(e->split.mean.at[0], 0.1307);
    ck_assert_double_eq(e->expects[0].min, 0.965);
    ck_assert_int_eq(e->train.batch_size, 64);
    snprintf(path, sizeof path, "%s/data/mnist", source_dir);
    ck_assert_str_eq(resolved("data.path"), path);
}
END_TEST

/* In a process of its own, whose (_i / 2)-th allocation fails; every other time with a mistake. */
START_TEST(no_memory_is_a_plain_error)
{
    static const char *const overrides[] = {"+tags=x", "train.epochs=2", "seed=x"};
    int wrong = _i % 2;
    char n[16];

    snprintf(n, sizeof n, "%d", _i / 2);
    const char *file =
        scratch_write(dir, "m.yaml",
                      BASE "vars: {a: 1}\nname: x${vars.a}\n"
                           "set: {model.layers.1: {type: residual, layers: [relu]}}\n"
                           "expect: [{metric: a, min: 1}]\n");
    setenv("RN_FAIL_ALLOC", n, 1);
    int status = registry_open(NULL, 0, &registry);
    if (!status)
        status = experiment_load(file, overrides, 2 + wrong, registry, &diag, &e);
    ck_assert_msg(status == RN_ENOMEM || status == (wrong ? RN_EINVAL : RN_OK), "%d: %s", status,
                  error_text());
    if (e && diag)
        ck_assert_int_le(diag_errors(diag), wrong);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("experiment");
    TCase *t = tcase_create("experiment"), *memory = tcase_create("memory");

    real_plugins = getenv("RN_PLUGIN_PATH");
    source_dir = getenv("RN_SOURCE");
    fakes_need(real_plugins && source_dir, "RN_PLUGIN_PATH and RN_SOURCE: run this by meson test");
    dir = fakes_open();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, fills_in_every_default);
    tcase_add_test(t, names_layers_by_type_and_number);
    tcase_add_test(t, branches_are_read_to_any_depth);
    tcase_add_test(t, a_resolved_branch_runs_as_it_is);
    tcase_add_test(t, named_items_of_branches_merge);
    tcase_add_test(t, branches_have_limits);
    tcase_add_test(t, default_reporters_go_by_priority);
    tcase_add_test(t, auto_stays_auto);
    tcase_add_loop_test(t, a_share_that_is_not_given_is_the_rest, 0,
                        (int)(sizeof splits / sizeof *splits));
    tcase_add_test(t, expectations_are_bounds);
    tcase_add_test(t, expectations_have_a_side_a_time_and_a_weight);
    tcase_add_test(t, expectations_that_say_nothing_sensible_are_refused);
    tcase_add_test(t, reads_the_rest_of_the_file);
    tcase_add_test(t, names_of_files_are_made_to_fit);
    tcase_add_test(t, plugin_folders_of_the_file_are_searched_first);
    tcase_add_test(t, the_resolved_file_runs_as_it_is_from_anywhere);
    tcase_add_test(t, the_written_file_keeps_what_it_extends_as_comments);
    tcase_add_test(t, options_that_are_not_written_can_be_overridden);
    tcase_add_test(t, problems_have_the_status_of_their_kind);
    tcase_add_test(t, the_baseline_loads_with_the_real_plugins);
    suite_add_tcase(s, t);
    tcase_add_checked_fixture(memory, NULL, teardown);
    tcase_add_loop_test(memory, no_memory_is_a_plain_error, 2, 2 * 80);
    suite_add_tcase(s, memory);
    int failed = suite_run(s);
    file_remove_tree(dir);
    return failed != 0;
}
