/* test_scalar.c - numbers in text: the ends of their ranges, and no locale in them. */
#define _XOPEN_SOURCE 700
#include "base/file.h"
#include "config/options.h"
#include "support/suite.h"

#include <check.h>
#include <locale.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* A German locale writes 0,5 and 1.000; made here when the machine has only its source. */
START_TEST(scalars_do_not_depend_on_the_locale)
{
    char dir[] = "/tmp/test_options-XXXXXX", path[64];
    char *argv[] = {"localedef", "-c", "-i", "de_DE", "-f", "UTF-8", path, NULL}, *env[] = {NULL};
    posix_spawn_file_actions_t quiet;
    pid_t pid;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/de_DE.UTF-8", dir);
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
    if (!posix_spawnp(&pid, "localedef", &quiet, NULL, argv, env))
        waitpid(pid, NULL, 0);
    posix_spawn_file_actions_destroy(&quiet);
    setenv("LOCPATH", dir, 1);
    bool german = setlocale(LC_ALL, "de_DE.UTF-8") && !strcmp(localeconv()->decimal_point, ",");
    file_remove_tree(dir);
    if (!german) {
        printf("no German locale on this machine: nothing compared\n");
        return;
    }
    double half;
    int64_t bytes;
    struct rn_span_value span;
    ck_assert(options_float("0.5", &half) && half == 0.5);
    ck_assert(!options_float("0,5", &half));
    ck_assert(options_span("2.5 epochs", &span) && span.value == 2.5);
    ck_assert(options_float("1_000.5", &half) && half == 1000.5);
    ck_assert(!options_float("1.000,5", &half) && !options_float("1.000.000", &half));
    ck_assert(options_size("1.5 KiB", &bytes) && bytes == 1536);
    ck_assert(!options_int("1.000", &bytes));
}
END_TEST

START_TEST(edges_of_64_bits)
{
    int64_t v;

    ck_assert(options_int("9223372036854775807", &v) && v == INT64_MAX);
    ck_assert(options_int("-9223372036854775808", &v) && v == INT64_MIN);
    ck_assert(!options_int("9223372036854775808", &v));
    ck_assert(!options_int("-9223372036854775809", &v));
    ck_assert(options_int("9223372036854775k", &v) && v == 9223372036854775000);
    ck_assert(!options_int("9223372036854776k", &v));
    ck_assert(!options_int("", &v) && !options_int("-", &v) && !options_int(" 1", &v));
    ck_assert(!options_int("1 ", &v) && !options_int("_1", &v) && !options_int("k", &v));
    ck_assert(options_size("9007199254740993", &v) && v == 9007199254740993);
    ck_assert(!options_size("8388608 TiB", &v));
}
END_TEST

START_TEST(long_numbers_end_somewhere)
{
    char text[400];
    double f;
    int64_t i;

    memset(text, '1', sizeof text);
    text[399] = '\0';
    ck_assert(!options_int(text, &i) && !options_float(text, &f));
    text[100] = '\0';
    ck_assert(!options_int(text, &i) && options_float(text, &f) && f > 1e99);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("scalar");
    TCase *c = tcase_create("numbers");

    tcase_add_test(c, scalars_do_not_depend_on_the_locale);
    tcase_add_test(c, edges_of_64_bits);
    tcase_add_test(c, long_numbers_end_somewhere);
    suite_add_tcase(s, c);
    return suite_run(s);
}
