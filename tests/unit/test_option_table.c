/* test_option_table.c - the checks of a plugin's option table, and the table in words. */
#include "base/error.h"
#include "config/options.h"
#include "support/suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#ifdef __clang__ /* a row is right but for what it overrides */
#pragma clang diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif

static struct pool *pool;

static void setup(void) { pool = pool_new(); }

static void teardown(void)
{
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

#define ROW(...) \
    { \
        .name = "v", .help = "a value", .type = RN_OPT_INT, .max = 9, __VA_ARGS__ \
    }
static const struct rn_choice none[] = {{NULL, 0, NULL}};
static const struct rn_choice twice[] = {{"a", 1, NULL}, {"a", 2, NULL}, {NULL, 0, NULL}};
static const struct {
    struct rn_option rows[3];
    uint32_t size;
    const char *why;
} faults[] = {
    {{ROW(.name = "Units")}, 8, "option 'Units' has a name that is not [a-z][a-z0-9_]*"},
    {{ROW(.name = "")}, 8, "has a name that is not"},
    {{ROW(.alias = "a-b")}, 8, "has a name that is not"},
    {{ROW(.help = NULL)}, 8, "option 'v' has no help"},
    {{ROW(.help = "")}, 8, "option 'v' has no help"},
    {{ROW(.alias = "v")}, 8, "option 'v' is its own alias"},
    {{ROW(), ROW(.offset = 8)}, 16, "has the same name or alias as option 'v'"},
    {{ROW(), ROW(.name = "w", .alias = "v", .offset = 8)}, 16, "option 'w' has the same name"},
    {{ROW(.type = 0)}, 8, "option 'v' has the unknown type 0"},
    {{ROW(.type = 99)}, 8, "option 'v' has the unknown type 99"},
    {{ROW(.offset = 1)}, 8, "lies outside the options struct: offset 1, 8 bytes of 8"},
    {{ROW(.offset = 0xfffffff8u)}, 8, "lies outside the options struct"},
    {{ROW()}, 0, "lies outside the options struct"},
    {{ROW(.offset = 4)}, 16, "option 'v' lies at offset 4, which does not suit its type"},
    {{ROW(), ROW(.name = "w")}, 8, "option 'w' shares its field with option 'v'"},
    {{ROW(.type = RN_OPT_INTS, .max = 5000), ROW(.name = "w", .offset = 64)},
     72,
     "option 'v' has the lengths 0 to 5000, of 0 to 4096"},
    {{ROW(.type = RN_OPT_CHOICE)}, 8, "option 'v' is a choice of nothing"},
    {{ROW(.type = RN_OPT_CHOICE, .choices = none)}, 8, "option 'v' is a choice of nothing"},
    {{ROW(.type = RN_OPT_CHOICE, .choices = twice)}, 8, "option 'v' has the choice 'a' twice"},
    {{ROW(.type = RN_OPT_STRING, .max = 0)}, 8, "option 'v' has no length: max is 0"},
    {{ROW(.min = 10)}, 8, "has the minimum 10 above the maximum 9"},
    {{ROW(.fallback = "ten")}, 8, "has an unusable default: 'ten' is not a whole number"},
    {{ROW(.fallback = "10")}, 8, "has an unusable default: 10 is above the maximum 9"},
    {{ROW(.fallback = "yes", .type = RN_OPT_BOOL)}, 8, "has an unusable default: 'yes' is neither"},
    {{ROW(.fallback = "1", .flags = RN_OPT_REQUIRED)},
     8,
     "option 'v' is required and has the default '1'"},
};

START_TEST(faulty_table_is_refused)
{
    struct option_table t;

    ck_assert_int_eq(
        options_table(pool, faults[_i].rows, sizeof(struct rn_option), faults[_i].size, &t),
        RN_EPLUGIN);
    ck_assert_msg(strstr(error_text(), faults[_i].why) != NULL, "expected: %s\nsaid: %s",
                  faults[_i].why, error_text());
    ck_assert_int_eq(t.n, 0);
}
END_TEST

START_TEST(short_rows_read_as_zero)
{
    struct old { /* the first fields, as an older header might have them */
        const char *name, *help;
        uint32_t type, flags, offset, reserved;
        const char *fallback;
        double min, max;
    } old[] = {{"v", "a value", RN_OPT_INT, 0, 0, 0, "3", 1, 9}, {0}};
    struct option_table t;

    ck_assert_int_eq(
        options_table(pool, (const struct rn_option *)(const void *)old, sizeof *old, 8, &t),
        RN_OK);
    ck_assert(t.n == 1 && t.rows[0].max == 9 && !t.rows[0].alias && !t.rows[0].unit);
    ck_assert_int_eq(
        options_table(pool, (const struct rn_option *)(const void *)old, sizeof *old - 8, 8, &t),
        RN_EPLUGIN);
    ck_assert_ptr_nonnull(strstr(error_text(), "rows of 48 bytes, at least 56 are needed"));
}
END_TEST

START_TEST(a_table_without_end_is_noticed)
{
    struct rn_option *many = mem_array(200, sizeof *many);
    struct option_table t;

    for (int i = 0; i < 200; i++)
        many[i] = (struct rn_option)ROW();
    ck_assert_int_eq(options_table(pool, many, sizeof *many, 8, &t), RN_EPLUGIN);
    ck_assert_ptr_nonnull(strstr(error_text(), "has no end"));
    mem_free(many);
}
END_TEST

START_TEST(table_in_words)
{
    static const struct rn_choice pools[] = {
        {"max", 7, "the largest"}, {"average", 9, NULL}, {NULL, 0, NULL}};
    struct all {
        bool b;
        int64_t i, c, old;
        double r;
        struct rn_ints l;
        const char *o;
    };
    static const struct rn_option rows[] = {
        RN_BOOL(struct all, b, "true", "a switch"),
        RN_INT(struct all, i, "5", -1000, 1e9, "samples", "a count"),
        RN_CHOICE(struct all, c, "max", pools, "a choice"),
        RN_INTS(struct all, l, "3", 1, 3, "a list"),
        RN_FLOAT(struct all, r, NULL, 0, 1, RN_OPT_OPEN_MAX, NULL, "a rate"),
        RN_STRING(struct all, o, NULL, 0, "optional text"),
        {.name = "age",
         .help = "use i",
         .type = RN_OPT_INT,
         .flags = RN_OPT_DEPRECATED,
         .offset = offsetof(struct all, old),
         .fallback = "1",
         .max = 9,
         .alias = "years"},
        RN_END,
    };
    struct option_table table;
    struct text t = {0};

    ck_assert_int_eq(options_table(pool, rows, sizeof *rows, sizeof(struct all), &table), RN_OK);
    options_describe(&table, &t);
    ck_assert_str_eq(t.s, "  option  type                          default   meaning\n"
                          "  b       true or false                 true      a switch\n"
                          "  i       int -1000…1000000000 samples  5         a count\n"
                          "  c       max | average                 max       a choice\n"
                          "                                                  max: the largest\n"
                          "  l       1…3 x int                     3         a list\n"
                          "  r       float [0…1)                   required  a rate\n"
                          "  o       text                          none      optional text\n"
                          "  age     int 0…9                       1         use i "
                          "(older name: years) (deprecated)\n");
    text_free(&t);
    options_type_text(&rows[1], &t);
    ck_assert_str_eq(text_str(&t), "int -1000…1000000000 samples, default 5");
    text_free(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("option_table");
    TCase *c = tcase_create("tables");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, faulty_table_is_refused, 0, (int)(sizeof faults / sizeof *faults));
    tcase_add_test(c, short_rows_read_as_zero);
    tcase_add_test(c, a_table_without_end_is_noticed);
    tcase_add_test(c, table_in_words);
    suite_add_tcase(s, c);
    return suite_run(s);
}
