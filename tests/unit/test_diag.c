/* test_diag.c - problems: their text, their order, what terminals and programs get; nearest names.
 */
#include "config/diag.h"
#include "support/suite.h"

#include <check.h>
#include <cjson/cJSON.h>
#include <string.h>

static struct pool *pool;
static struct diag *diag;
static struct text out;

static void setup(void)
{
    pool = pool_new();
    diag = diag_new(pool);
}

static void teardown(void)
{
    text_free(&out);
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

static struct source *source(const char *path, const char *text)
{
    struct source *s = pool_alloc(pool, sizeof *s);

    *s = (struct source){.path = path, .dir = "/", .text = text, .bytes = strlen(text)};
    return s;
}

static struct mark at(const struct source *s, int line, int col, int width)
{
    return (struct mark){s, line, col, width};
}

static void expect_text(const char *expected)
{
    text_free(&out);
    diag_text(diag, false, &out);
    ck_assert_str_eq(text_str(&out), expected);
}

START_TEST(shows_the_line_and_a_caret_with_the_hint)
{
    struct source *s = source("a.yaml", "name: x\nmodel: {unit: 3}\n");

    diag_file(diag, s);
    ck_assert_int_eq(diag_add(diag, DIAG_ERROR, at(s, 2, 9, 4), "model", "did you mean 'units'?",
                              "unknown option '%s'", "unit"),
                     RN_EINVAL);
    expect_text("a.yaml:2:9: model: unknown option 'unit'\n"
                "    2 | model: {unit: 3}\n"
                "      |         ^~~~ did you mean 'units'?\n"
                "1 file read, 1 error, nothing was started\n");
}
END_TEST

START_TEST(sorts_by_file_and_position)
{
    struct source *a = source("a", "one\ntwo\n"), *b = source("b", "one\n");

    diag_file(diag, a);
    diag_file(diag, b);
    diag_add(diag, DIAG_ERROR, at(b, 1, 1, 1), NULL, NULL, "fourth");
    diag_add(diag, DIAG_ERROR, at(a, 2, 1, 1), NULL, NULL, "third");
    diag_add(diag, DIAG_WARNING, at(a, 1, 3, 1), NULL, NULL, "second");
    diag_add(diag, DIAG_ERROR, at(a, 1, 2, 1), NULL, NULL, "first");
    diag_add(diag, DIAG_ERROR, (struct mark){0}, "data", "a hint", "nowhere");
    expect_text("data: nowhere\n      a hint\n"
                "a:1:2: first\n    1 | one\n      |  ^\n"
                "a:1:3: warning: second\n    1 | one\n      |   ^\n"
                "a:2:1: third\n    2 | two\n      | ^\n"
                "b:1:1: fourth\n    1 | one\n      | ^\n"
                "2 files read, 4 errors, 1 warning, nothing was started\n");
    ck_assert_int_eq(diag_errors(diag), 4);
    ck_assert_int_eq(diag_warnings(diag), 1);
}
END_TEST

START_TEST(shows_twenty_and_counts_the_rest)
{
    for (int n = 1; n <= 23; n++) {
        diag_add(diag, DIAG_ERROR, (struct mark){0}, NULL, NULL, "problem %d.", n);
        text_free(&out);
        diag_text(diag, false, &out);
        ck_assert_int_eq(strstr(text_str(&out), "... and ") != NULL, n > 20);
    }
    ck_assert_ptr_nonnull(strstr(text_str(&out), "problem 20."));
    ck_assert_ptr_null(strstr(text_str(&out), "problem 21."));
    ck_assert_ptr_nonnull(strstr(text_str(&out), "... and 3 more\n0 files read, 23 errors"));
}
END_TEST

START_TEST(warnings_alone_stop_nothing)
{
    diag_add(diag, DIAG_WARNING, (struct mark){0}, NULL, NULL, "careful");
    expect_text("warning: careful\n0 files read, 0 errors, 1 warning\n");
}
END_TEST

START_TEST(a_warning_in_one_line)
{
    diag_add(diag, DIAG_WARNING, (struct mark){0}, NULL, NULL, "careful");
    diag_add(diag, DIAG_ERROR, (struct mark){0}, NULL, NULL, "wrong");
    diag_add(diag, DIAG_WARNING, (struct mark){0}, "a.b", "do c", "more careful");
    ck_assert_str_eq(diag_warning_at(diag, 0), "careful");
    ck_assert_str_eq(diag_warning_at(diag, 1), "a.b: more careful (do c)");
    ck_assert_ptr_null(diag_warning_at(diag, 2));
}
END_TEST

START_TEST(is_safe_for_terminals)
{
    struct source *s = source("x\033[2J.yaml", "a:\t\033]0;evil\a \xff\xc0\xaf \xe2\x80\xae"
                                               "b\n");

    diag_add(diag, DIAG_ERROR, at(s, 1, 4, 99), "p\nq", "see\n   below", "bad\x9b\x01\ntwo: %s",
             "\xc2\x9b");
    diag_text(diag, false, &out);
    ck_assert_str_eq(text_str(&out), "x?[2J.yaml:1:4: p q: bad??\n      two: ?\n"
                                     "    1 | a: ?]0;evil? ??? ?b\n"
                                     "      |    ^~~~~~~~~~~~~~~~ see\n      below\n"
                                     "0 files read, 1 error, nothing was started\n");
}
END_TEST

START_TEST(shows_a_window_of_long_lines)
{
    char line[400];

    memset(line, 'x', sizeof line);
    line[299] = '!';
    line[sizeof line - 1] = '\0';
    struct source *s = source("a", line);
    diag_add(diag, DIAG_ERROR, at(s, 1, 300, 500), NULL, NULL, "here");
    diag_text(diag, false, &out);
    const char *text = strchr(text_str(&out), '\n') + 1, *caret = strchr(text, '\n') + 1;
    ck_assert_ptr_eq(strchr(text, '!'), text + (strchr(caret, '^') - caret));
    ck_assert_int_lt(strchr(text, '\n') - text, 120);
    ck_assert_int_lt(strchr(caret, '\n') - caret, 120);
}
END_TEST

START_TEST(columns_beyond_the_text_do_not_matter)
{
    struct source *s = source("a", "ab");

    diag_add(diag, DIAG_ERROR, at(s, 1, 3, INT32_MAX), NULL, NULL, "end");
    diag_add(diag, DIAG_ERROR, at(s, 9, 70, 5), NULL, NULL, "beyond");
    diag_text(diag, true, &out);
    ck_assert_int_eq(out.status, RN_OK);
    ck_assert_ptr_nonnull(strstr(text_str(&out), "\033[31m^\033[0m"));
}
END_TEST

START_TEST(json_has_all_of_it)
{
    struct source *s = source("a\xff.yaml", "x: 1\n");
    char long_word[300];

    memset(long_word, 'w', sizeof long_word);
    long_word[sizeof long_word - 1] = '\0';
    for (int i = 0; i < 30; i++)
        diag_add(diag, DIAG_ERROR, at(s, 1, 1, 1), "x", NULL, "\"%s\"\n\x01", long_word);
    diag_add(diag, DIAG_WARNING, (struct mark){0}, NULL, "hint", "w");
    diag_json(diag, &out);
    cJSON *root = cJSON_Parse(text_str(&out));
    ck_assert_ptr_nonnull(root);
    const cJSON *errors = cJSON_GetObjectItem(root, "errors");
    ck_assert_int_eq(cJSON_GetArraySize(errors), 31);
    const cJSON *first = cJSON_GetArrayItem(errors, 0), *last = cJSON_GetArrayItem(errors, 30);
    ck_assert_str_eq(cJSON_GetObjectItem(first, "severity")->valuestring, "warning");
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(first, "file")));
    ck_assert_str_eq(cJSON_GetObjectItem(last, "file")->valuestring, "a\xef\xbf\xbd.yaml");
    ck_assert_int_eq(cJSON_GetObjectItem(last, "line")->valueint, 1);
    ck_assert_int_eq(cJSON_GetObjectItem(last, "col")->valueint, 1);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItem(last, "hint")));
    ck_assert_ptr_nonnull(strstr(cJSON_GetObjectItem(last, "message")->valuestring, long_word));
    cJSON_Delete(root);
}
END_TEST

static const struct {
    const char *word, *near;
} nearest[] = {
    {"unit", "units"},
    {"uints", "units"},
    {"batchsize", "batch_size"},
    {"optimzer", "optimizer"},
    {"learnng_rte", "learning_rate"},
    {"Units", "units"},
    {"batch", "batch_size"},
    {"zzz", NULL},
    {"x", NULL},
    {"", NULL},
    {"lrr", "lr"},
    {"units_of_it", "units"},
    {"learning", "learning_rate"},
    {"nuits", "units"},
    {"optimiser", "optimizer"},
};

START_TEST(finds_the_nearest_name)
{
    static const char *const names[] = {"units", "batch_size", "optimizer", "learning_rate", "lr"};
    const char *near = diag_nearest(nearest[_i].word, names, 5);

    if (nearest[_i].near)
        ck_assert_str_eq(near ? near : "(none)", nearest[_i].near);
    else
        ck_assert_ptr_null(near);
}
END_TEST

START_TEST(long_words_have_no_neighbours)
{
    char word[70000];
    const char *const names[] = {word, "units"};

    memset(word, 'u', sizeof word);
    word[sizeof word - 1] = '\0';
    ck_assert_ptr_null(diag_nearest(word, names, 2));
    ck_assert_str_eq(diag_nearest("unitz", names, 2), "units");
    ck_assert_str_eq(diag_suggest(pool, "qqqq", names + 1, 1), "one of units");
    ck_assert_ptr_null(diag_suggest(pool, "qqqq", names, 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("diag");
    TCase *t = tcase_create("diag");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, shows_the_line_and_a_caret_with_the_hint);
    tcase_add_test(t, sorts_by_file_and_position);
    tcase_add_test(t, shows_twenty_and_counts_the_rest);
    tcase_add_test(t, warnings_alone_stop_nothing);
    tcase_add_test(t, a_warning_in_one_line);
    tcase_add_test(t, is_safe_for_terminals);
    tcase_add_test(t, shows_a_window_of_long_lines);
    tcase_add_test(t, columns_beyond_the_text_do_not_matter);
    tcase_add_test(t, json_has_all_of_it);
    tcase_add_loop_test(t, finds_the_nearest_name, 0, (int)(sizeof nearest / sizeof *nearest));
    tcase_add_test(t, long_words_have_no_neighbours);
    suite_add_tcase(s, t);
    return suite_run(s);
}
