/* test_tree.c - YAML: what becomes of it, where it stands, and that hostile texts end quickly. */
#define _XOPEN_SOURCE 700
#include "config/compose.h"
#include "config/flatten.h"
#include "support/fakes.h"
#include "support/suite.h"

#include <check.h>
#include <sys/resource.h>
#include <time.h>

#ifdef __SANITIZE_ADDRESS__
#define SLOWER 10
#else
#define SLOWER 1
#endif

static struct pool *pool;
static struct diag *diag;
static struct node *root;

static void setup(void)
{
    pool = pool_new();
    diag = diag_new(pool);
    root = NULL;
}

static void teardown(void)
{
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

static int parse_n(const char *text, size_t n)
{
    struct source *s = pool_alloc(pool, sizeof *s);

    *s = (struct source){.path = "t", .dir = "/", .text = pool_strndup(pool, text, n), .bytes = n};
    return tree_parse(pool, s, diag, &root);
}

static int parse(const char *text) { return parse_n(text, strlen(text)); }

/* The first problem. */
static void expect_problem(const char *begins)
{
    struct text out = {0};

    ck_assert_int_ge(diag_errors(diag), 1);
    diag_text(diag, false, &out);
    if (strncmp(text_str(&out), begins, strlen(begins)))
        ck_abort_msg("expected %s\ngot %s", begins, text_str(&out));
    text_free(&out);
}

static const char *show(const struct node *n)
{
    struct text out = {0};

    compose_emit(n, &out);
    const char *s = pool_strdup(pool, text_str(&out));
    text_free(&out);
    return s;
}

START_TEST(keeps_kinds_and_quotes)
{
    ck_assert_int_eq(parse("a: 1\nb: \"1\"\nc: ~\nd:\ne: [x, {f: 'y'}]\ng: |\n  t\nh: {}\n"),
                     RN_OK);
    ck_assert_int_eq(tree_count(root), 7);
    ck_assert_uint_eq(tree_get(root, "a")->kind, NODE_SCALAR);
    ck_assert(!tree_get(root, "a")->quoted);
    ck_assert(tree_get(root, "b")->quoted);
    ck_assert_uint_eq(tree_get(root, "c")->kind, NODE_NULL);
    ck_assert_uint_eq(tree_get(root, "d")->kind, NODE_NULL);
    ck_assert_str_eq(tree_get(root, "g")->text, "t\n");
    ck_assert_uint_eq(tree_get(root, "h")->kind, NODE_MAP);
    const struct node *list = tree_get(root, "e");
    ck_assert_uint_eq(list->kind, NODE_LIST);
    ck_assert_str_eq(tree_at(list, 0)->text, "x");
    ck_assert_str_eq(tree_get(tree_at(list, 1), "f")->text, "y");
    ck_assert_ptr_null(tree_at(list, 2));
    ck_assert_ptr_null(tree_at(list, -1));
    ck_assert_ptr_null(tree_get(list, "e"));
    ck_assert_str_eq(tree_get(root, "a")->origin, "file");
}
END_TEST

START_TEST(marks_are_code_points_from_1)
{
    ck_assert_int_eq(parse("# größe\r\n\"ä\": {ö: wert, ü: \"zwei\"}\r\n"), RN_OK);
    const struct node *map = tree_get(root, "ä"), *second = tree_get(map, "ü");
    ck_assert_int_eq(map->key_mark.line, 2);
    ck_assert_int_eq(map->key_mark.col, 1);
    ck_assert_int_eq(map->key_mark.width, 3);
    ck_assert_int_eq(map->mark.col, 6);
    ck_assert_int_eq(second->key_mark.col, 16);
    ck_assert_int_eq(second->mark.col, 19);
    ck_assert_int_eq(second->mark.width, 6);
}
END_TEST

START_TEST(empty_text_has_no_tree)
{
    ck_assert_int_eq(parse(""), RN_OK);
    ck_assert_ptr_null(root);
    ck_assert_int_eq(parse("# only a comment\n\n"), RN_OK);
    ck_assert_ptr_null(root);
}
END_TEST

START_TEST(aliases_are_copies)
{
    ck_assert_int_eq(parse("a: &x {b: [1, 2]}\nc: *x\nd: *x\n"), RN_OK);
    struct node *c = tree_get(tree_get(root, "c"), "b"), *d = tree_get(tree_get(root, "d"), "b");
    ck_assert_ptr_ne(c, d);
    c->child->text = "changed";
    ck_assert_str_eq(d->child->text, "1");
    ck_assert_int_eq(d->mark.line, 1);
    ck_assert_int_eq(tree_get(root, "d")->key_mark.line, 3);
}
END_TEST

START_TEST(merge_keys_give_what_is_lacking)
{
    ck_assert_int_eq(parse("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\n"
                           "m: {b: own, <<: [*x, *y]}\nn: {<<: *y}\no: {\"<<\": 5}\n"),
                     RN_OK);
    const struct node *m = tree_get(root, "m");
    ck_assert_str_eq(tree_get(m, "b")->text, "own");
    ck_assert_str_eq(tree_get(m, "a")->text, "1");
    ck_assert_str_eq(tree_get(m, "c")->text, "4");
    ck_assert_int_eq(tree_count(m), 3);
    ck_assert_str_eq(tree_get(m, "c")->origin, "merge key");
    ck_assert_str_eq(tree_get(m, "b")->origin, "file");
    ck_assert_str_eq(tree_get(tree_get(root, "n"), "b")->text, "3");
    ck_assert_str_eq(tree_get(tree_get(root, "o"), "<<")->text, "5");
}
END_TEST

START_TEST(goes_on_after_a_duplicate)
{
    ck_assert_int_eq(parse("a: 1\nb: {x: 1, x: {y: 1}, z: 3}\na: [2]\nc: 3\n"), RN_EINVAL);
    ck_assert_int_eq(diag_errors(diag), 2);
    expect_problem("t:2:11: key 'x' appears twice, first at 2:5");
    ck_assert_str_eq(show(root), "a: 1\nb:\n  x: 1\n  z: 3\nc: 3\n");
}
END_TEST

START_TEST(values_within_overrides_keep_their_columns)
{
    struct source s = {.path = "command line", .dir = "/", .text = "süß={a: [1, 2}", .bytes = 16};

    ck_assert_int_eq(tree_parse_from(pool, &s, 6, diag, &root), RN_EINVAL);
    expect_problem("command line:1:9: this list lacks a ',' or its ']' (noticed at 1:14)");
    s.text = "a=b";
    s.bytes = 3;
    ck_assert_int_eq(tree_parse_from(pool, &s, 2, diag, &root), RN_OK);
    ck_assert_int_eq(root->mark.col, 3);
    ck_assert_ptr_eq(root->mark.source, &s);
}
END_TEST

/* ---- limits: n passes, n + 1 does not -------------------------------------- */

/* n times s, with the number in the place of each @ */
static char *repeat(const char *before, const char *s, int n, const char *after)
{
    struct text out = {0};

    text_add(&out, "%s", before);
    for (int i = 0; i < n; i++)
        for (const char *c = s; *c; c++)
            *c == '@' ? text_add(&out, "%d", i) : text_put(&out, c, 1);
    text_add(&out, "%s", after);
    char *copy = pool_strdup(pool, text_str(&out));
    text_free(&out);
    return copy;
}

START_TEST(depth_ends_at_64)
{
    char *deep = repeat("", "[", 64, "x"), *closed = repeat(deep, "]", 64, "");

    ck_assert_int_eq(parse(closed), RN_OK);
    ck_assert_int_eq(parse(repeat(repeat("", "[", 65, "x"), "]", 65, "")), RN_EINVAL);
    expect_problem("t:1:65: nested deeper than 64 levels");
}
END_TEST

START_TEST(aliases_count_for_depth)
{
    char *half = repeat(repeat("a: &a ", "[", 32, "x"), "]", 32, "\n");
    char *fits = repeat(repeat(pool_printf(pool, "%sb: ", half), "[", 31, "*a"), "]", 31, "\n");
    char *more = repeat(repeat(pool_printf(pool, "%sb: ", half), "[", 32, "*a"), "]", 32, "\n");

    ck_assert_int_eq(parse(fits), RN_OK);
    ck_assert_int_eq(parse(more), RN_EINVAL);
    expect_problem("t:2:36: *a makes it nested too deep");
}
END_TEST

START_TEST(nodes_end_at_10000)
{
    ck_assert_int_eq(parse(repeat("[", "x,", 9999, "]")), RN_OK);
    ck_assert_int_eq(tree_count(root), 9999);
    ck_assert_int_eq(parse(repeat("[", "x,", 10000, "]")), RN_EINVAL);
    expect_problem("t:1:20000: more than 10000 values");
}
END_TEST

START_TEST(aliases_count_for_nodes)
{
    /* root, list of 100 + itself, list of aliases: 1 + 101 + 1 + n * 101 */
    char *base = repeat("a: &a [", "x,", 100, "]\nb: [");

    ck_assert_int_eq(parse(repeat(base, "*a ,", 97, "]")), RN_OK);
    ck_assert_int_eq(parse(repeat(base, "*a ,", 98, "]")), RN_EINVAL);
    expect_problem("t:2:393: *a stands for 101 values, which makes more than the 10000 allowed");
}
END_TEST

START_TEST(scalars_end_at_64_kib)
{
    ck_assert_int_eq(parse(repeat("a: ", "x", 65536, "\n")), RN_OK);
    ck_assert_uint_eq(strlen(tree_get(root, "a")->text), 65536);
    ck_assert_int_eq(parse(repeat("a: ", "x", 65537, "\n")), RN_EINVAL);
    expect_problem("t:1:4: a value of 65537 bytes, more than the 65536 allowed");
}
END_TEST

START_TEST(maps_end_at_1000_keys)
{
    ck_assert_int_eq(parse(repeat("{", "k@: x,", 1000, "}")), RN_OK);
    ck_assert_int_eq(parse(repeat("{", "k@: x,", 1001, "}")), RN_EINVAL);
    expect_problem("t:1:7892: a map of more than 1000 keys");
    ck_assert_int_eq(parse(repeat("a: &a {", "k@: x,", 999, "}\nb: {<<: *a, x: y}")), RN_OK);
    ck_assert_int_eq(parse(repeat("a: &a {", "k@: x,", 1000, "}\nb: {<<: *a, x: y}")), RN_EINVAL);
}
END_TEST

START_TEST(anchors_end_at_256)
{
    ck_assert_int_eq(parse(repeat("[", "&a@ x,", 256, "]")), RN_OK);
    ck_assert_int_eq(parse(repeat("[", "&a@ x,", 257, "]")), RN_EINVAL);
    ck_assert_ptr_null(root);
}
END_TEST

START_TEST(files_end_at_1_mib)
{
    char dir[] = "/tmp/rn-tree-XXXXXX";
    char *text = repeat("a: 1\n", "#", TREE_BYTES_MAX - 5, "");

    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(tree_read(pool, scratch_write(dir, "n", text), diag, &root), RN_OK);
    ck_assert_int_eq(tree_count(root), 1);
    text = repeat("a: 1\n", "#", TREE_BYTES_MAX - 4, "");
    ck_assert_int_eq(tree_read(pool, scratch_write(dir, "n1", text), diag, &root), RN_EINVAL);
    ck_assert_ptr_null(root);
    file_remove_tree(dir);
    ck_assert_int_eq(tree_read(pool, "/", diag, &root), RN_EINVAL);
    ck_assert_int_eq(tree_read(pool, "/nowhere.yaml", diag, &root), RN_EINVAL);
    ck_assert_ptr_nonnull(diag_file_at(diag, 0));
    ck_assert_ptr_null(diag_file_at(diag, 1));
}
END_TEST

/* ---- hostile texts ---------------------------------------------------------- */

static const struct bomb {
    const char *before, *body;
    int n;
    const char *after;
} bombs[] = {
    {"", "[", 100000, ""},
    {"", "{a: ", 100000, ""},
    {"", "- ", 100000, ""},
    {"", "? ", 100000, ""},
    {"", "&a@ [", 50000, ""},
    {"", "a:\n  - ", 50000, ""},
    {"a: &a [*a]", "", 0, ""},
    {"a: &a {<<: *a}", "", 0, ""},
    {"a0: &x [x,x,x,x,x,x,x,x,x]\n", "a@: &x [*x,*x,*x,*x,*x,*x,*x,*x,*x]\n", 9, ""},
    {"x: &x {a: 1}\n", "b@: &x {<<: *x, c@: *x, d@: *x}\n", 60, ""},
    {"x: &x [y]\n", "b@: &x [*x]\n", 200, ""},
    {"w: &w [", "x,", 5000, "]\na: *w\nb: *w\nc: *w"},
    {"a: &a {", "k@: x,", 1000,
     "}\nb: [{<<: *a},{<<: *a},{<<: *a},{<<: *a},{<<: *a},{<<: *a},{<<: *a},"
     "{<<: *a},{<<: *a},{<<: *a}]"},
    {"[", "&a@ x, *a@ ,", 20000, "]"},
    {"", "!!str ", 50000, ""},
    {"\"", "x", 1000000, ""},
    {"", "x", 1000000, ": 1"},
    {"a: |\n", " x\n", 300000, ""},
    {"", "%TAG ! !\n", 50000, "a: b"},
    {"", "--- a\n", 100000, ""},
    {"", "a@: x\n", 80000, ""},
    {"", "a: x\n", 100000, ""},
    {"", "'", 99999, ""},
    {"{", "? x ,", 100000, ""},
    {"", "#\n", 500000, "["},
    {"", "#\n", 500000, "\t@"},
};

START_TEST(bombs_end_quickly_in_little_memory)
{
    const struct bomb *b = &bombs[_i];
    char *text = repeat(b->before, b->body, b->n, b->after);
    struct rusage before, after;

    getrusage(RUSAGE_SELF, &before);
    clock_t begin = clock();
    int status = parse(text);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    getrusage(RUSAGE_SELF, &after);
    ck_assert_int_eq(status, RN_EINVAL);
    ck_assert_int_ge(diag_errors(diag), 1);
    ck_assert_msg(seconds < 0.05 * SLOWER, "bomb %d took %.3f s", _i, seconds);
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 32 * 1024 * SLOWER);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *problem;
    } cases[] = {
        {"a: b\0c", 6, "t: not a text file"},
        {"\xff\xfe"
         "a\0",
         4, "t: this is UTF-16"},
        {"\xfe\xff\0a", 4, "t: this is UTF-16"},
        {"a: \xc3", 4, "t:1:4: a byte that is not UTF-8"},
        {"a: \xc0\x80", 5, "t:1:4: a byte that is not UTF-8"},
        {"\xc3\xa4: \xed\xa0\x80", 7, "t:1:4: a byte that is not UTF-8"},
        {"a: \xf5\x80\x80\x80", 7, "t:1:4: a byte that is not UTF-8"},
        {"a:\r\n b\x1b", 7, "t:2:3: the character U+001B is not allowed"},
        {"a: \xc2\x85", 5, "t:1:4: the character U+0085 is not allowed"},
        {"a: \xe2\x80\xa8", 6, "t:1:4: the character U+2028 is not allowed"},
        {"a: \x7f", 4, "t:1:4: the character U+007F is not allowed"},
    };

    ck_assert_int_eq(parse_n(cases[_i].bytes, cases[_i].n), RN_EINVAL);
    ck_assert_ptr_null(root);
    expect_problem(cases[_i].problem);
}
END_TEST

/* Every node of a tree stands within its text. */
static void check_marks(const struct node *n)
{
    ck_assert_int_ge(n->mark.line, 1);
    ck_assert_int_ge(n->mark.col, 1);
    ck_assert_int_ge(n->mark.width, 1);
    for (const struct node *c = n->child; c; c = c->next)
        check_marks(c);
}

START_TEST(damaged_texts_do_no_harm)
{
    static const char text[] =
        "a: &x {b: [1, 'two', \"three\\n\"], c: ~}\nd: *x\n? e\n: - f\n  - |\n"
        "    g\n<<: *x # h\n\"\xc3\xa4\": !t >-\n  folded\n";
    static const char bytes[] = "\0\t\n []{}:,-?&*!|>'\"%@`#~<x\xff\xc3\xa4";
    uint64_t random = 88172645463325252u + (uint64_t)_i;
    char copy[sizeof text];

    for (int k = 0; k < 400; k++) {
        memcpy(copy, text, sizeof text);
        for (int j = 0; j < 3; j++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            copy[random % (sizeof text - 1)] = bytes[(random >> 32) % (sizeof bytes - 1)];
        }
        int status = parse_n(copy, sizeof text - 1 - (random >> 60));
        ck_assert(status == RN_OK || status == RN_EINVAL);
        if (root)
            check_marks(root);
        if (status == RN_OK && root) {
            struct text once = {0}, twice = {0};
            compose_emit(root, &once);
            ck_assert_int_eq(parse(text_str(&once)), RN_OK);
            compose_emit(root, &twice);
            ck_assert_str_eq(text_str(&once), text_str(&twice));
            text_free(&once);
            text_free(&twice);
        }
    }
    struct text out = {0};
    diag_text(diag, false, &out);
    ck_assert_int_eq(out.status, RN_OK);
    text_free(&out);
}
END_TEST

/* ---- flattened ------------------------------------------------------------ */

START_TEST(flattened_by_the_paths_of_overrides)
{
    static const char *const want[][2] = {{"a.b", "1"},
                                          {"callbacks.stop2.patience", "3"},
                                          {"callbacks.stop2.type", "stop"},
                                          {"callbacks.x.type", "stop"},
                                          {"empty", "{}"},
                                          {"milestones", "[2, ~]"},
                                          {"name", "n"},
                                          {"nothing", "null"},
                                          {"pairs.0.b", "1"},
                                          {"pairs.1", "2"}};
    const struct rn_fact *facts;
    int64_t n;

    ck_assert_int_eq(parse("name: n\na: {b: 1}\nmilestones: [2, '~']\nnothing: ~\nempty: {}\n"
                           "callbacks: [{type: stop, name: x}, {type: stop, patience: 3}]\n"
                           "pairs: [{b: 1}, 2]\n"),
                     RN_OK);
    ck_assert_int_eq(tree_flatten(pool, root, &facts, &n), RN_OK);
    ck_assert_int_eq(n, sizeof want / sizeof *want);
    for (int64_t i = 0; i < n; i++) {
        ck_assert_str_eq(facts[i].key, want[i][0]);
        ck_assert_str_eq(facts[i].value, want[i][1]);
    }
}
END_TEST

START_TEST(flattened_without_defaults_is_what_was_written)
{
    const struct rn_fact *facts;
    int64_t n;

    ck_assert_int_eq(parse("a: {b: 1, c: 2}\nd: [1, 2]\ne: [3]\nf: {}\n"), RN_OK);
    tree_set_origin(tree_get(tree_get(root, "a"), "c"), "default");
    tree_set_origin(tree_get(root, "e"), "default");
    tree_set_origin(tree_get(root, "f"), "default");
    ck_assert_int_eq(tree_flatten_changed(pool, root, &facts, &n), RN_OK);
    ck_assert_int_eq(n, 2);
    ck_assert_str_eq(facts[0].key, "a.b");
    ck_assert_str_eq(facts[1].key, "d");
    ck_assert_str_eq(facts[1].value, "[1, 2]");
}
END_TEST

START_TEST(flattened_paths_that_are_too_long_are_cut)
{
    struct text t = {0};
    const struct rn_fact *facts;
    int64_t n;

    text_add(&t, "a: 1\nb:\n  %0900d:\n    %0900d: 2\n", 1, 2);
    ck_assert_int_eq(parse_n(t.s, t.n), RN_OK);
    ck_assert_int_eq(tree_flatten(pool, root, &facts, &n), RN_OK);
    ck_assert_int_eq(n, 2);
    ck_assert_str_eq(facts[0].key, "a");
    ck_assert_str_eq(facts[1].value, "2");
    ck_assert_uint_lt(strlen(facts[1].key), 1024);
    ck_assert_ptr_nonnull(strstr(facts[1].key, "... (1803 characters, sha256:"));
    text_free(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tree");
    TCase *t = tcase_create("tree");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, keeps_kinds_and_quotes);
    tcase_add_test(t, marks_are_code_points_from_1);
    tcase_add_test(t, empty_text_has_no_tree);
    tcase_add_test(t, aliases_are_copies);
    tcase_add_test(t, merge_keys_give_what_is_lacking);
    tcase_add_test(t, goes_on_after_a_duplicate);
    tcase_add_test(t, values_within_overrides_keep_their_columns);
    tcase_add_test(t, depth_ends_at_64);
    tcase_add_test(t, aliases_count_for_depth);
    tcase_add_test(t, nodes_end_at_10000);
    tcase_add_test(t, aliases_count_for_nodes);
    tcase_add_test(t, scalars_end_at_64_kib);
    tcase_add_test(t, maps_end_at_1000_keys);
    tcase_add_test(t, anchors_end_at_256);
    tcase_add_test(t, files_end_at_1_mib);
    tcase_add_loop_test(t, bombs_end_quickly_in_little_memory, 0,
                        (int)(sizeof bombs / sizeof *bombs));
    tcase_add_loop_test(t, bytes_that_are_no_text, 0, 11);
    tcase_add_loop_test(t, damaged_texts_do_no_harm, 0, 10);
    tcase_add_test(t, flattened_by_the_paths_of_overrides);
    tcase_add_test(t, flattened_without_defaults_is_what_was_written);
    tcase_add_test(t, flattened_paths_that_are_too_long_are_cut);
    suite_add_tcase(s, t);
    return suite_run(s);
}
