/* test_compose.c - extends, set, overrides and ${...}: what the one tree is in the end. */
#define _XOPEN_SOURCE 700
#include "config/compose.h"
#include "support/fakes.h"
#include "support/suite.h"

#include <check.h>
#include <time.h>
#include <unistd.h>

static struct pool *pool;
static struct diag *diag;
static struct node *root;
static struct text out;
static char dir[] = "/tmp/rn-compose-XXXXXX";

static void setup(void)
{
    pool = pool_new();
    diag = diag_new(pool);
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static void teardown(void)
{
    text_free(&out);
    pool_free(pool);
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

static void file(const char *name, const char *text) { scratch_write(dir, name, text); }

static int compose(const char *name, const char *const *overrides, int n)
{
    diag = diag_new(pool);
    return compose_file(pool, name, overrides, n, diag, &root);
}

static void expect_tree(const char *expected)
{
    text_free(&out);
    if (diag_errors(diag))
        diag_text(diag, false, &out);
    if (root)
        compose_emit(root, &out);
    ck_assert_str_eq(text_str(&out), expected);
}

static void expect_problem(const char *part)
{
    text_free(&out);
    ck_assert_int_eq(diag_errors(diag), 1);
    diag_text(diag, false, &out);
    if (!strstr(text_str(&out), part))
        ck_abort_msg("expected %s\nin %s", part, text_str(&out));
}

#define OVERRIDE(...) \
    compose("a", (const char *const[]){__VA_ARGS__}, \
            (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

/* ---- bare words, extends ---------------------------------------------------- */

START_TEST(bare_words_become_maps_where_plugins_are_named)
{
    file("a", "device: cpu\nname: x\ntags: [t]\nreporters: [html, {type: csv}]\n"
              "data: {type: d, augment: [shift]}\n"
              "model: {layers: [relu, {type: residual, layers: [dense]}]}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("device:\n  type: cpu\nname: x\ntags: [t]\nreporters:\n  - type: html\n"
                "  - type: csv\ndata:\n  type: d\n  augment:\n    - type: shift\n"
                "model:\n  layers:\n    - type: relu\n    - type: residual\n      layers:\n"
                "        - type: dense\n");
}
END_TEST

START_TEST(maps_merge_and_lists_replace)
{
    file("p", "optimizer: {type: adam, lr: 1, eps: 2}\ntags: [a, b]\nname: p\ndevice: cpu\n");
    file("a", "extends: p\noptimizer: {lr: 3}\ntags: [c]\ndevice: {threads: 2}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("optimizer:\n  type: adam\n  lr: 3\n  eps: 2\ntags: [c]\nname: p\n"
                "device:\n  type: cpu\n  threads: 2\n");
    ck_assert_str_eq(tree_get(root, "name")->origin, "extends");
    ck_assert_str_eq(tree_get(root, "tags")->origin, "file");
    ck_assert_str_eq(tree_get(tree_get(root, "optimizer"), "lr")->mark.source->path, "a");
}
END_TEST

START_TEST(another_type_drops_the_options)
{
    file("p", "optimizer: {type: adam, lr: 1, eps: 2}\nloss: {type: x, y: 1}\n");
    file("a", "extends: p\noptimizer: {type: sgd, lr: 3}\nloss: z\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("optimizer:\n  type: sgd\n  lr: 3\nloss:\n  type: z\n");
}
END_TEST

START_TEST(null_removes_what_the_parent_has)
{
    file("p", "expect: [{metric: a}]\ntrain: {epochs: 1, clip: 2}\n");
    file("a", "extends: p\nexpect: null\ntrain: {clip: ~}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("train:\n  epochs: 1\n");
}
END_TEST

START_TEST(named_items_merge_when_all_are_known)
{
    file("p", "model:\n  layers: [flatten, {type: dense, name: fc, units: 1, bias: no}, relu]\n");
    file("a", "extends: p\nmodel: {layers: [{name: fc, units: 2}]}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("model:\n  layers:\n    - type: flatten\n    - type: dense\n      name: fc\n"
                "      units: 2\n      bias: no\n    - type: relu\n");
    file("a", "extends: p\nmodel: {layers: [{type: conv, name: fc, size: 3}]}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("model:\n  layers:\n    - type: flatten\n    - type: conv\n      name: fc\n"
                "      size: 3\n    - type: relu\n");
    file("a", "extends: p\nmodel: {layers: [relu, {name: fc, type: dense}]}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("model:\n  layers:\n    - type: relu\n    - name: fc\n      type: dense\n");
}
END_TEST

START_TEST(parents_are_read_from_left_to_right_beside_their_file)
{
    file("p", "name: p\nseed: 1\ntags: [p]\n");
    file("q", "name: q\nseed: 2\nset: {tags: [q]}\n");
    ck_assert_int_eq(file_mkdirs("sub"), RN_OK);
    file("sub/r", "extends: ../p\nname: r\n");
    file("a", "extends: [sub/r, q]\nname: a\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("name: a\nseed: 2\ntags: [q]\n");
    ck_assert_str_eq(diag_file_at(diag, 1)->path, "sub/r");
    ck_assert_str_eq(diag_file_at(diag, 2)->path, "sub/../p");
    ck_assert_str_eq(diag_file_at(diag, 2)->dir, dir);
    ck_assert_ptr_null(diag_file_at(diag, 4));
}
END_TEST

START_TEST(chains_end_at_8_files)
{
    char name[8], text[32];

    file("f0", "name: x\n");
    for (int i = 1; i <= 9; i++) {
        snprintf(name, sizeof name, "f%d", i);
        snprintf(text, sizeof text, "extends: f%d\n", i - 1);
        file(name, text);
    }
    ck_assert_int_eq(compose("f8", NULL, 0), RN_OK);
    ck_assert_int_eq(compose("f9", NULL, 0), RN_EINVAL);
    expect_problem("f1:1:10: extends: more than 8 files that extend each other");
}
END_TEST

START_TEST(files_end_at_32)
{
    struct text text = {0};

    file("p", "name: x\n");
    for (int n = 31; n <= 32; n++) {
        text_free(&text);
        text_add(&text, "extends: [");
        for (int i = 0; i < n; i++)
            text_add(&text, "p, ");
        text_add(&text, "]\n");
        file("a", text.s);
        ck_assert_int_eq(compose("a", NULL, 0), n == 31 ? RN_OK : RN_EINVAL);
    }
    text_free(&text);
    expect_problem("a:1:104: extends: more than 32 files in all");
}
END_TEST

START_TEST(circles_are_found_through_links)
{
    file("b", "extends: c\n");
    ck_assert_int_eq(symlink("a", "c"), 0);
    file("a", "extends: b\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_EINVAL);
    ck_assert_ptr_null(root);
    expect_problem("b:1:10: extends: the files extend each other in a circle: c is under way");
}
END_TEST

/* ---- set and the command line ------------------------------------------------ */

START_TEST(set_comes_before_the_command_line)
{
    file("a", "train: {epochs: 1}\nset: {train.epochs: 2, seed: 5, train.new.deep: x}\n");
    ck_assert_int_eq(OVERRIDE("train.epochs=3", "seed=null"), RN_OK);
    expect_tree("train:\n  epochs: 3\n  new:\n    deep: x\n");
    ck_assert_str_eq(tree_get(tree_get(root, "train"), "new")->origin, "set");
    const struct node *epochs = tree_get(tree_get(root, "train"), "epochs");
    ck_assert_str_eq(epochs->origin, "command line");
    ck_assert_str_eq(epochs->mark.source->path, "command line");
    ck_assert_str_eq(epochs->mark.source->dir, dir);
    ck_assert_int_eq(epochs->key_mark.col, 7);
    ck_assert_int_eq(epochs->mark.col, 14);
}
END_TEST

START_TEST(items_are_found_by_name_number_or_default_name)
{
    file("a", "model: {layers: [dense, relu, {type: dense, name: fc}, dense]}\n");
    ck_assert_int_eq(OVERRIDE("model.layers.fc.u=1", "model.layers.0.u=2", "model.layers.relu1.u=3",
                              "model.layers.dense3.u=4"),
                     RN_OK);
    expect_tree("model:\n  layers:\n    - type: dense\n      u: 2\n    - type: relu\n      u: 3\n"
                "    - type: dense\n      name: fc\n      u: 1\n    - type: dense\n      u: 4\n");
    ck_assert_int_eq(OVERRIDE("model.layers.dense2.u=1"), RN_EINVAL);
    expect_problem("no item 'dense2' in a list of 4");
    ck_assert_int_eq(OVERRIDE("~model.layers.1", "model.layers.1=relu", "+model.layers=x"), RN_OK);
    expect_tree("model:\n  layers:\n    - type: dense\n    - type: relu\n    - type: dense\n"
                "    - type: x\n");
}
END_TEST

START_TEST(overrides_are_yaml_and_words_become_maps)
{
    file("a", "optimizer: {type: adam, lr: 1}\ndevice: {type: cpu, threads: 1}\nexpect: [1]\n");
    ck_assert_int_eq(OVERRIDE("optimizer=sgd", "device={type: gpu}", "data.split={train: 0.8}",
                              "+tags=[a]", "+expect={metric: m}", "~expect.0", "name=\"\"",
                              "description=a=b"),
                     RN_OK);
    expect_tree("optimizer:\n  type: sgd\ndevice:\n  type: gpu\nexpect:\n  - metric: m\n"
                "data:\n  split:\n    train: 0.8\ntags:\n  - [a]\nname: \"\"\ndescription: a=b\n");
}
END_TEST

START_TEST(problems_of_overrides_do_not_hide_the_rest)
{
    file("a", "train: {epochs: 1}\n");
    ck_assert_int_eq(OVERRIDE("train.epochs.x=1", "bad", "train.epochs=[", "seed=7"), RN_EINVAL);
    ck_assert_int_eq(diag_errors(diag), 3);
    ck_assert_ptr_nonnull(root);
    ck_assert_str_eq(tree_get(root, "seed")->text, "7");
    ck_assert_str_eq(tree_get(tree_get(root, "train"), "epochs")->text, "1");
}
END_TEST

/* ---- ${...} -------------------------------------------------------------------- */

START_TEST(references_keep_their_type_when_alone)
{
    file("a", "vars: {n: 5, s: '5', list: [1, {a: '${vars.n}'}], m: {x: 1}}\n"
              "a: ${vars.n}\nb: ${vars.s}\nc: ${vars.list}\nd: x${vars.n}-${vars.s}\n"
              "e: $${vars.n} $5 $\nf: \"${a}\"\ng: {<<: {h: '${d}'}}\ni: ${c.1.a}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("a: 5\nb: \"5\"\nc:\n  - 1\n  - a: 5\nd: x5-5\ne: \"$${vars.n} $5 $\"\nf: 5\n"
                "g:\n  h: x5-5\ni: 5\n");
    ck_assert_str_eq(tree_get(root, "e")->text, "${vars.n} $5 $");
}
END_TEST

START_TEST(overrides_change_vars_before_they_are_used)
{
    file("p", "vars: {p: 1}\na: ${vars.p}\n");
    file("a", "extends: p\nvars: {p: 2}\nb: ${vars.p}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("a: 2\nb: 2\n");
    ck_assert_int_eq(OVERRIDE("vars.p=3", "c=${vars.p}${a}"), RN_OK);
    expect_tree("a: 3\nb: 3\nc: 33\n");
}
END_TEST

START_TEST(the_environment_has_values_and_defaults)
{
    setenv("RN_TEST_A", "12", 1);
    setenv("RN_TEST_EVIL", "a\nb: \x1b[2J", 1);
    setenv("RN_TEST_EMPTY", "", 1);
    unsetenv("RN_TEST_NONE");
    file("a", "a: ${env:RN_TEST_A}\nb: x${env:RN_TEST_NONE,../d,e}y\nc: ${env:RN_TEST_EMPTY,z}\n"
              "d: ${env:RN_TEST_NONE,}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("a: 12\nb: \"x../d,ey\"\nc: \"\"\nd: \"\"\n");
    ck_assert(!tree_get(root, "a")->quoted);
    file("a", "a: ${env:RN_TEST_EVIL}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_EINVAL);
    expect_problem("a:1:4: the environment's 'RN_TEST_EVIL' is not plain text");
}
END_TEST

static const struct {
    const char *text, *problem;
} circles[] = {
    {"a: ${a}\n", "a:1:4: ${a} refers to itself"},
    {"a: ${b}\nb: ${c}\nc: ${a}\n", "a:3:4: ${a} refers to itself"},
    {"a: {b: '${a}'}\n", "a:1:8: ${a} refers to itself"},
    {"z: ${a.b}\na: {b: '${a}'}\n", "${a} refers to itself"},
    {"a: [\"${a.0}\"]\n", "${a.0} refers to itself"},
};

START_TEST(circles_of_references_end)
{
    file("a", circles[_i].text);
    ck_assert_int_eq(compose("a", NULL, 0), RN_EINVAL);
    ck_assert_ptr_null(root);
    expect_problem(circles[_i].problem);
}
END_TEST

static double compose_seconds(const char *text)
{
    file("a", text);
    clock_t begin = clock();
    ck_assert_int_eq(compose("a", NULL, 0), RN_EINVAL);
    return (double)(clock() - begin) / CLOCKS_PER_SEC;
}

START_TEST(references_do_not_explode)
{
    struct text text = {0};

    /* each level ten times the one before */
    text_add(&text, "a0: [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 30; i++) {
        text_add(&text, "a%d: [", i);
        for (int k = 0; k < 10; k++)
            text_add(&text, "'${a%d}',", i - 1);
        text_add(&text, "]\n");
    }
    ck_assert_double_lt(compose_seconds(text.s), 1.0);
    text_free(&text);
    /* texts that double */
    text_add(&text, "b0: xxxxxxxx\n");
    for (int i = 1; i < 40; i++)
        text_add(&text, "b%d: ${b%d}${b%d}\n", i, i - 1, i - 1);
    ck_assert_double_lt(compose_seconds(text.s), 1.0);
    text_free(&text);
    /* depth that grows */
    text_add(&text, "c0: [x]\n");
    for (int i = 1; i < 80; i++)
        text_add(&text, "c%d: ['${c%d}']\n", i, i - 1);
    ck_assert_double_lt(compose_seconds(text.s), 1.0);
    text_free(&text);
    /* a chain longer than any stack */
    for (int i = 0; i < 900; i++)
        text_add(&text, "d%d: ${d%d}\n", i, i + 1);
    text_add(&text, "d900: x\n");
    ck_assert_double_lt(compose_seconds(text.s), 1.0);
    text_free(&text);
}
END_TEST

START_TEST(references_end_at_1000)
{
    struct text text = {0};

    for (int n = 1000; n <= 1001; n++) {
        text_free(&text);
        text_add(&text, "a: x\nb: [");
        for (int i = 0; i < n; i++)
            text_add(&text, "'${a}',");
        text_add(&text, "]\n");
        file("a", text.s);
        ck_assert_int_eq(compose("a", NULL, 0), n == 1000 ? RN_OK : RN_EINVAL);
    }
    text_free(&text);
    expect_problem("more than 1000 ${...}");
}
END_TEST

/* ---- consumed keys, kinds of files, emission -------------------------------------- */

START_TEST(notes_and_vars_are_consumed)
{
    file("a", "x-note: &n {epochs: 2}\nvars: {a: 1}\nset: {seed: 2}\ntrain: *n\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    expect_tree("train:\n  epochs: 2\nseed: 2\n");
}
END_TEST

START_TEST(files_of_many_runs_are_refused)
{
    file("a", "base: b\nsweep: {grid: {}}\nset: {model.layers.x.y: 1}\n");
    ck_assert_int_eq(compose("a", NULL, 0), RN_EINVAL);
    ck_assert_ptr_null(root);
    expect_problem("a:2:1: sweep: an experiment is needed here");
}
END_TEST

START_TEST(emission_quotes_what_needs_it)
{
    static const char text[] =
        "a: \"null\"\nb: \"- x\"\nc: \"a: b\"\nd: \"#\"\ne: \"\\e\\n\\u2028\\uFEFF\\U0001F600\"\n"
        "f: [\"a, b\", \"[\", \"\", ~, \"}\", plain]\n\"key: x\": \"true\"\n\"~\": x\nh: \"1\"\n"
        "i: 'it''s'\nj: \"\\\\ \\\"\"\nk: {}\nl: []\nm: [[], {a: [{}]}]\nn: \" x \"\no: -1e-3\n"
        "p: \"$${x}\"\nq: größe\n\"<<\": 1\nr: \"---\"\ns: \"\\xA0\\x85\"\nt: \"@\"\nu: \"%\"\n";
    file("a", text);
    ck_assert_int_eq(compose("a", NULL, 0), RN_OK);
    compose_emit(root, &out);
    struct node *before = root;
    file("b", text_str(&out));
    ck_assert_int_eq(compose("b", NULL, 0), RN_OK);
    struct text again = {0};
    compose_emit(root, &again);
    ck_assert_str_eq(text_str(&again), text_str(&out));
    text_free(&again);
    const struct node *a = before->child, *b = root->child;
    for (; a && b; a = a->next, b = b->next) {
        ck_assert_str_eq(a->key, b->key);
        ck_assert_uint_eq(a->kind, b->kind);
        ck_assert_str_eq(a->text ? a->text : "", b->text ? b->text : "");
        ck_assert(b->quoted >= a->quoted);
    }
    ck_assert(!a && !b);
}
END_TEST

START_TEST(shows_origins_and_changes)
{
    file("p", "name: x\nseed: 1\n");
    file("a", "extends: p\nseed: 2\nset: {tags: [a]}\n");
    ck_assert_int_eq(OVERRIDE("train.epochs=3"), RN_OK);
    struct node *n = tree_scalar(pool, "batch_size", "64", "default");
    tree_add(tree_get(root, "train"), n);
    compose_show(root, EMIT_ORIGIN, &out);
    ck_assert_str_eq(text_str(&out),
                     "name: x                                         # p:1 (extends)\n"
                     "seed: 2                                         # a:2\n"
                     "tags: [a]                                       # a:3 (set)\n"
                     "train:\n"
                     "  epochs: 3                                     # command line\n"
                     "  batch_size: 64                                # default\n");
    text_free(&out);
    compose_show(root, EMIT_CHANGED, &out);
    ck_assert_str_eq(text_str(&out), "name: x\nseed: 2\ntags: [a]\ntrain:\n  epochs: 3\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("compose");
    TCase *t = tcase_create("compose");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, bare_words_become_maps_where_plugins_are_named);
    tcase_add_test(t, maps_merge_and_lists_replace);
    tcase_add_test(t, another_type_drops_the_options);
    tcase_add_test(t, null_removes_what_the_parent_has);
    tcase_add_test(t, named_items_merge_when_all_are_known);
    tcase_add_test(t, parents_are_read_from_left_to_right_beside_their_file);
    tcase_add_test(t, chains_end_at_8_files);
    tcase_add_test(t, files_end_at_32);
    tcase_add_test(t, circles_are_found_through_links);
    tcase_add_test(t, set_comes_before_the_command_line);
    tcase_add_test(t, items_are_found_by_name_number_or_default_name);
    tcase_add_test(t, overrides_are_yaml_and_words_become_maps);
    tcase_add_test(t, problems_of_overrides_do_not_hide_the_rest);
    tcase_add_test(t, references_keep_their_type_when_alone);
    tcase_add_test(t, overrides_change_vars_before_they_are_used);
    tcase_add_test(t, the_environment_has_values_and_defaults);
    tcase_add_loop_test(t, circles_of_references_end, 0, 5);
    tcase_add_test(t, references_do_not_explode);
    tcase_add_test(t, references_end_at_1000);
    tcase_add_test(t, notes_and_vars_are_consumed);
    tcase_add_test(t, files_of_many_runs_are_refused);
    tcase_add_test(t, emission_quotes_what_needs_it);
    tcase_add_test(t, shows_origins_and_changes);
    suite_add_tcase(s, t);
    return suite_run(s);
}
