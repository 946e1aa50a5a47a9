/* test_options.c - values of every type as people write them, what is said about wrong ones, and
 * maps of options. */
#include "base/error.h"
#include "config/options.h"
#include "support/suite.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct all {
    bool b;
    int64_t i;
    double f;
    const char *s;
    int64_t c;
    const char *p;
    struct rn_ints l, e;
    struct rn_floats m;
    struct rn_span_value n, t, u; /* any, of time, of no time */
    int64_t z;
    double r;      /* [0, 1) */
    double w;      /* any, also infinite and NaN */
    const char *o; /* optional */
    int64_t old;
};

static const struct rn_choice pools[] = {
    {"max", 7, "the largest"}, {"average", 9, NULL}, {NULL, 0, NULL}};
static const struct rn_option rows[] = {
    RN_BOOL(struct all, b, "true", "a switch"),
    RN_INT(struct all, i, "5", -1000, 1e9, "samples", "a count"),
    RN_FLOAT(struct all, f, "0.5", -DBL_MAX, DBL_MAX, 0, NULL, "a number"),
    RN_STRING(struct all, s, "text", 0, "a text"),
    RN_CHOICE(struct all, c, "max", pools, "a choice"),
    RN_PATH(struct all, p, "../data", 0, "a path"),
    RN_INTS(struct all, l, "3", 1, 3, "a list"),
    RN_INTS_OR(struct all, e, "max", 1, 2, pools, "a list with words"),
    RN_FLOATS(struct all, m, "[0.5, 0.25]", 0, 3, "numbers"),
    RN_SPAN(struct all, n, "1 epoch", "an interval"),
    RN_SPAN_WITH(struct all, t, "10 m", RN_OPT_TIME, "a time"),
    RN_SPAN_WITH(struct all, u, "1 epoch", RN_OPT_NO_TIME | RN_OPT_OPEN_MIN, "a period"),
    RN_SIZE(struct all, z, "1 KiB", 1, 0x1p40, "a size"),
    RN_FLOAT(struct all, r, "0", 0, 1, RN_OPT_OPEN_MAX, NULL, "a rate"),
    RN_FLOAT(struct all, w, "0", NAN, INFINITY, 0, NULL, "anything"),
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

static struct pool *pool;
static struct diag *diag;
static struct option_table table;
static struct text said;

static void setup(void)
{
    pool = pool_new();
    diag = diag_new(pool);
    ck_assert_msg(!options_table(pool, rows, sizeof *rows, sizeof(struct all), &table), "%s",
                  error_text());
}

static void teardown(void)
{
    text_free(&said);
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

static struct node *parse(const char *yaml)
{
    struct source *source = pool_alloc(pool, sizeof *source);
    struct node *map = NULL;

    *source = (struct source){"t.yaml", "/home/me/configs", yaml, strlen(yaml)};
    tree_parse(pool, source, diag, &map);
    return map;
}

/* NULL when yaml is refused; said has the problems then. */
static struct all *read_all(const char *yaml)
{
    static const char *const skip[] = {"type", "name", NULL};
    void *out = NULL;
    struct node *map = parse(yaml);
    struct mark at = map ? map->mark : (struct mark){0};
    int status =
        options_parse(pool, &table, map, at, "model.layers.one", "thing", skip, diag, &out);

    text_free(&said);
    diag_text(diag, false, &said);
    ck_assert_int_eq(status == RN_OK, diag_errors(diag) == 0);
    ck_assert_ptr_nonnull(out);
    return status ? NULL : out;
}

static void says(const char *part)
{
    ck_assert_msg(strstr(text_str(&said), part) != NULL, "expected: %s\nsaid: %s", part,
                  text_str(&said));
}

/* ---- scalars -------------------------------------------------------------- */

static void show(const struct all *a, char key, char *out, size_t n)
{
    const struct rn_ints *list;
    int used = 0;

    switch (key) {
    case 'b': snprintf(out, n, "%d", a->b); break;
    case 'i': snprintf(out, n, "%lld", (long long)a->i); break;
    case 'f': snprintf(out, n, "%a", a->f); break;
    case 'r': snprintf(out, n, "%a", a->r); break;
    case 'w': snprintf(out, n, "%a", a->w); break;
    case 's': snprintf(out, n, "%s", a->s); break;
    case 'o': snprintf(out, n, "%s", a->o ? a->o : "NULL"); break;
    case 'c': snprintf(out, n, "%lld", (long long)a->c); break;
    case 'p': snprintf(out, n, "%s", a->p); break;
    case 'z': snprintf(out, n, "%lld", (long long)a->z); break;
    case 'n': snprintf(out, n, "%.10g/%u", a->n.value, a->n.unit); break;
    case 't': snprintf(out, n, "%.10g/%u", a->t.value, a->t.unit); break;
    case 'u': snprintf(out, n, "%.10g/%u", a->u.value, a->u.unit); break;
    case 'l':
    case 'e':
        list = key == 'l' ? &a->l : &a->e;
        for (int i = 0; i < list->count; i++)
            used += snprintf(out + used, n - (size_t)used, "%lld ", (long long)list->at[i]);
        break;
    default:
        for (int i = 0; i < a->m.count; i++)
            used += snprintf(out + used, n - (size_t)used, "%.10g ", a->m.at[i]);
    }
}

static const struct {
    const char *yaml, *want; /* want: the value, or "!" and a part of the message */
} scalars[] = {
    {"b: true", "1"},
    {"b: false", "0"},
    {"b: yes", "!'yes' is neither true nor false (thing: a switch)"},
    {"b: yes", "!write true"},
    {"b: No", "!write false"},
    {"b: on", "!write true"},
    {"b: off", "!write false"},
    {"b: True", "!write true"},
    {"b: 1", "!write true"},
    {"b: \"true\"", "!write true without quotes"},
    {"b: maybe", "!'maybe' is neither true nor false"},
    {"b: null", "!is nothing, expected true or false"},
    {"b: [true]", "!is a list, expected true or false"},

    {"i: 64", "64"},
    {"i: +64", "64"},
    {"i: -64", "-64"},
    {"i: 012", "12"},
    {"i: 1_000", "1000"},
    {"i: 1_000_000", "1000000"},
    {"i: 64k", "64000"},
    {"i: 3M", "3000000"},
    {"i: 1G", "1000000000"},
    {"i: 0x10", "!'0x10' is not decimal"},
    {"i: 0o17", "!'0o17' is not decimal"},
    {"i: 1__0", "!'1__0' is not a whole number"},
    {"i: 1_", "!'1_' is not a whole number"},
    {"i: 64 k", "!is not a whole number"},
    {"i: 64kB", "!is not a whole number"},
    {"i: 1.5", "!'1.5' is not a whole number"},
    {"i: 1e3", "!write 1000"},
    {"i: \"64\"", "!the text '64' is not a whole number"},
    {"i: \"64\"", "!write 64 without quotes"},
    {"i: ten", "!expected int -1000…1000000000 samples"},
    {"i: 99999999999999999999",
     "!99999999999999999999 is too large or too small for a whole number"},
    {"i: 9223372036854775807", "!9223372036854775807 is above the maximum 1000000000"},
    {"i: -1001", "!-1001 is below the minimum -1000 (thing: a count)"},
    {"i: 10%", "!is not a whole number"},
    {"i: {a: 1}", "!is a map, expected int"},
    {"i:", "!leave the key out for the default, 5"},

    {"f: 1e-3", "0x1.0624dd2f1a9fcp-10"},
    {"f: 1E+3", "0x1.f4p+9"},
    {"f: 10%", "0x1.999999999999ap-4"},
    {"f: 1_000.5", "0x1.f44p+9"},
    {"f: .5", "0x1p-1"},
    {"f: 5.", "0x1.4p+2"},
    {"f: 2", "0x1p+1"},
    {"f: 2k", "0x1.f4p+10"},
    {"f: -0.25", "-0x1p-2"},
    {"f: 0,5", "!'0,5' is not a number"},
    {"f: 1.000,5", "!is not a number"},
    {"f: 1e999", "!1e999 is too large or too small for a number"},
    {"f: 0x1p3", "!'0x1p3' is not decimal"},
    {"f: .inf", "!'.inf' is not a finite number"},
    {"f: -.INF", "!'-.INF' is not a finite number"},
    {"f: .nan", "!'.nan' is not a finite number"},
    {"f: inf", "!'inf' is not a number"},
    {"f: nan", "!'nan' is not a number"},
    {"f: \"0.5\"", "!write 0.5 without quotes"},
    {"f: 1e", "!'1e' is not a number"},
    {"f: 1.2.3", "!'1.2.3' is not a number"},
    {"w: .inf", "inf"},
    {"w: -.inf", "-inf"},
    {"w: .nan", "nan"},
    {"r: 0", "0x0p+0"},
    {"r: 1", "!1 is not below 1 (thing: a rate)"},
    {"r: 100%", "!100% is not below 1"},
    {"r: -1e-9", "!-1e-9 is below the minimum 0"},

    {"s: no", "no"},
    {"s: 012", "012"},
    {"s: \"12\"", "12"},
    {"s: \"\"", ""},
    {"o: ~", "NULL"},
    {"o: some", "some"},

    {"c: max", "7"},
    {"c: \"average\"", "9"},
    {"c: averag", "!'averag' is not one of max | average (thing: a choice)"},
    {"c: averag", "!did you mean 'average'?"},

    {"p: a//b/./c/../d", "/home/me/configs/a/b/d"},
    {"p: ../../x", "/home/x"},
    {"p: /../../etc", "/etc"},
    {"p: /", "/"},
    {"p: ../../../..", "/"},
    {"p: \"\"", "!is an empty path"},

    {"l: 4", "4 "},
    {"l: [1, 2k]", "1 2000 "},
    {"l: []", "!has 0 values, expected 1 to 3"},
    {"l: [1, 2, 3, 4]", "!has 4 values, expected 1 to 3"},
    {"l: [1, x]", "!model.layers.one.l.1: 'x' is not a whole number"},
    {"l: [1, [2]]", "!model.layers.one.l.1: is not a number"},
    {"e: 4", "4 "},
    {"e: average", "9 "},
    {"e: [2, max]", "2 7 "},
    {"e: averag", "!'averag' is not a whole number"},
    {"e: averag", "!expected max | average | 1…2 x int"},
    {"e: [1, 2, max]", "!has 3 values, expected 1 to 2"},
    {"m: [1e-3, 50%]", "0.001 0.5 "},
    {"m: []", ""},

    {"n: 3 epochs", "3/2"},
    {"n: 1 epoch", "1/2"},
    {"n: 500 steps", "500/1"},
    {"n: 2k steps", "2000/1"},
    {"n: 1_000 samples", "1000/3"},
    {"n: 2h", "7200/4"},
    {"n: 1.5 m", "90/4"},
    {"n: 30s", "30/4"},
    {"n: 5%", "5/5"},
    {"n: 0.5 epochs", "0.5/2"},
    {"n: \"3 epochs\"", "3/2"},
    {"n: 3", "!'3' has no unit; write '3 epochs' or '3 steps'"},
    {"n: 3", "!units: steps, epochs, samples, s, m, h, %"},
    {"n: 3 weeks", "!'3 weeks' is not a number with a unit"},
    {"n: -1 epoch", "!-1 epoch is below the minimum 0"},
    {"n: 0.5 steps", "!steps and samples are whole"},
    {"n: 101%", "!101% is above the maximum 100%"},
    {"t: 2 m", "120/4"},
    {"t: 3 epochs", "!'3 epochs' is not a time (thing: a time)"},
    {"t: 3 epochs", "!units: s, m, h"},
    {"t: 5", "!'5' has no unit; write '5 s' or '5 m'"},
    {"t: soon", "!'soon' is not a number with a unit, as '3 s'"},
    {"u: 5%", "5/5"},
    {"u: 5 s", "!'5 s' is a time, which means nothing here"},
    {"u: 5 s", "!units: steps, epochs, samples, %"},
    {"u: 0 steps", "!0 steps is not above 0"},

    {"z: 64 MiB", "67108864"},
    {"z: 10 kB", "10000"},
    {"z: 1.5KiB", "1536"},
    {"z: 512", "512"},
    {"z: 64k", "64000"},
    {"z: 0.3 B", "!is not a size in bytes"},
    {"z: 64 mib", "!units: B, kB, MB"},
    {"z: 0", "!0 is below the minimum 1"},
    {"z: 99999 TiB", "!is above the maximum"},
    {"z: 99999999 TiB", "!is not a size in bytes"},
};

static void check_scalar(int i)
{
    const char *yaml = scalars[i].yaml, *want = scalars[i].want;
    char got[256] = "";
    const struct all *a = read_all(yaml);

    if (*want == '!') {
        ck_assert_msg(!a, "%s was accepted", yaml);
        says(want + 1);
        return;
    }
    ck_assert_msg(a != NULL, "%s: %s", yaml, text_str(&said));
    show(a, *yaml, got, sizeof got);
    ck_assert_msg(!strcmp(got, want) || (!strcmp(want, "nan") && strstr(got, "nan")),
                  "%s gave %s, not %s", yaml, got, want);
}

START_TEST(scalar_is_read) { check_scalar(_i); }
END_TEST

/* ---- maps ----------------------------------------------------------------- */

START_TEST(no_map_gives_the_defaults)
{
    const struct all *a = read_all("");

    ck_assert(a && a->b && a->i == 5 && a->f == 0.5 && a->c == 7 && !a->o);
    ck_assert_str_eq(a->s, "text");
    ck_assert(a->l.count == 1 && a->l.at[0] == 3);
    ck_assert(a->m.count == 2 && a->m.at[0] == 0.5 && a->m.at[1] == 0.25);
    ck_assert(a->n.value == 1 && a->n.unit == RN_EPOCHS && a->z == 1024);
    ck_assert_int_eq(diag_warnings(diag), 0);
}
END_TEST

START_TEST(others_keys_are_left_alone)
{
    ck_assert_ptr_nonnull(read_all("{type: thing, name: one, x-note: [1], i: 3}"));
}
END_TEST

START_TEST(unknown_key_gets_the_nearest_name)
{
    ck_assert_ptr_null(read_all("agee: 5"));
    says("t.yaml:1:1: model.layers.one (thing): unknown option 'agee'");
    says("did you mean 'age'? (int 0…9, use i)");
}
END_TEST

START_TEST(unknown_key_near_none_gets_the_list)
{
    ck_assert_ptr_null(read_all("frobnicate: 5"));
    says("known: b, i, f");
}
END_TEST

START_TEST(unknown_key_near_anothers_gets_that)
{
    ck_assert_ptr_null(read_all("tpye: thing"));
    says("did you mean 'type'?");
}
END_TEST

START_TEST(all_problems_of_a_map_are_listed)
{
    ck_assert_ptr_null(read_all("{i: x, f: y, nonsense: 1, b: maybe}"));
    ck_assert_int_eq(diag_errors(diag), 4);
}
END_TEST

START_TEST(a_bad_value_leaves_the_default)
{
    void *out = NULL;
    struct node *map = parse("{i: 5000000000, l: [1, x]}");

    ck_assert_int_eq(options_parse(pool, &table, map, map->mark, "t", "t", NULL, diag, &out),
                     RN_EINVAL);
    const struct all *a = out;
    ck_assert(a && a->i == 5 && a->l.count == 1 && a->l.at[0] == 3);
}
END_TEST

START_TEST(deprecated_warns_and_works)
{
    const struct all *a = read_all("age: 4");

    ck_assert(a && a->old == 4 && diag_warnings(diag) == 1);
    says("model.layers.one.age: is deprecated: use i");
}
END_TEST

START_TEST(alias_works)
{
    const struct all *a = read_all("years: 4");

    ck_assert(a && a->old == 4);
}
END_TEST

START_TEST(alias_and_name_together_are_refused)
{
    ck_assert_ptr_null(read_all("{years: 4, age: 4}"));
    says("is an older name of 'age', which is there too");
}
END_TEST

START_TEST(a_scalar_is_no_map)
{
    ck_assert_ptr_null(read_all("just words"));
    says("is a scalar, expected a map of options");
}
END_TEST

START_TEST(required_is_missed)
{
    struct one {
        int64_t units;
    };
    static const struct rn_option need[] = {
        RN_INT(struct one, units, NULL, 1, 16777216, NULL, "width of the output"), RN_END};
    void *out;

    ck_assert_int_eq(options_table(pool, need, sizeof *need, sizeof(struct one), &table), RN_OK);
    struct node *map = parse("{type: thing}");
    ck_assert_int_eq(options_parse(pool, &table, map, map->mark, "model.layers.fc", "thing",
                                   (const char *const[]){"type", NULL}, diag, &out),
                     RN_EINVAL);
    diag_text(diag, false, &said);
    says("t.yaml:1:1: model.layers.fc.units: is missing (thing: width of the output)");
    says("int 1…16777216, width of the output");
}
END_TEST

START_TEST(the_path_says_whose_option_it_is)
{
    void *out;
    struct node *map = parse("i: -5k");

    options_parse(pool, &table, map, map->mark, "train", "train", NULL, diag, &out);
    diag_text(diag, false, &said);
    says("train.i: -5k is below the minimum -1000 (a count)");
}
END_TEST

START_TEST(no_table_is_fine)
{
    ck_assert_int_eq(options_table(pool, NULL, 0, 0, &table), RN_OK);
    ck_assert_ptr_nonnull(read_all("{type: thing}") ? "" : NULL);
    ck_assert_ptr_null(read_all("{units: 3}"));
    says("it has no options");
}
END_TEST

/* ---- ranges --------------------------------------------------------------- */

static const struct {
    double min, max;
    uint32_t flags;
    const char *in, *out; /* values at the edge, separated by spaces */
} ranges[] = {
    {1, 64, 0, "1 2 63 64", "0 65 -1"},
    {0, 1, RN_OPT_OPEN_MIN, "1e-300 0.5 1", "0 -0.1 1.0000001"},
    {0, 1, RN_OPT_OPEN_MAX, "0 0.999999999999", "1 1.5 -1e-9"},
    {0, 1, RN_OPT_OPEN_MIN | RN_OPT_OPEN_MAX, "0.5", "0 1"},
    {0, 0, 0, "0", "1e-9 -1e-9"},
    {-DBL_MAX, 0, 0, "-1e308 0", "1e-9"},
};

static bool accepted(const struct rn_option *row, const char *text, size_t n)
{
    struct option_table t;
    void *out;
    char *yaml = pool_printf(pool, "v: %.*s", (int)n, text);

    ck_assert_int_eq(options_table(pool, row, sizeof *row, 8, &t), RN_OK);
    struct node *map = parse(yaml);
    return !options_parse(pool, &t, map, map->mark, "t", "t", NULL, diag, &out);
}

START_TEST(edges_of_a_range)
{
    const struct rn_option row[] = {{.name = "v",
                                     .help = "a value",
                                     .type = RN_OPT_FLOAT,
                                     .min = ranges[_i].min,
                                     .max = ranges[_i].max,
                                     .flags = ranges[_i].flags},
                                    RN_END};

    for (const char *s = ranges[_i].in; *s; s += strspn(s, " ")) {
        size_t n = strcspn(s, " ");
        ck_assert_msg(accepted(row, s, n), "%.*s was refused", (int)n, s);
        s += n;
    }
    for (const char *s = ranges[_i].out; *s; s += strspn(s, " ")) {
        size_t n = strcspn(s, " ");
        ck_assert_msg(!accepted(row, s, n), "%.*s was accepted", (int)n, s);
        s += n;
    }
}
END_TEST

/* ---- filling in ----------------------------------------------------------- */

START_TEST(fill_makes_the_map_say_everything)
{
    struct node *map = parse("{years: 3, p: ../x, i: 64k}");

    ck_assert_int_eq(options_fill(pool, &table, map), RN_OK);
    ck_assert_str_eq(tree_get(map, "i")->text, "64k");
    ck_assert_str_eq(tree_get(map, "age")->text, "3");
    ck_assert_str_eq(tree_get(map, "p")->text, "/home/me/x");
    ck_assert_str_eq(tree_get(map, "f")->text, "0.5");
    ck_assert_str_eq(tree_get(map, "f")->origin, "default");
    ck_assert_int_eq(tree_count(tree_get(map, "m")), 2);
    ck_assert_str_eq(tree_at(tree_get(map, "m"), 1)->text, "0.25");
    ck_assert_ptr_null(tree_get(map, "o"));
    ck_assert_ptr_null(tree_get(map, "years"));
}
END_TEST

START_TEST(fill_adds_nothing_that_warns)
{
    struct node *map = parse("{i: 1}");
    void *out;

    ck_assert_int_eq(options_fill(pool, &table, map), RN_OK);
    ck_assert_ptr_null(tree_get(map, "age"));
    ck_assert_str_eq(tree_get(map, "p")->text, "/home/me/data");
    ck_assert_int_eq(options_parse(pool, &table, map, map->mark, "t", "t", NULL, diag, &out),
                     RN_OK);
    ck_assert_int_eq(diag_warnings(diag), 0);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

int main(void)
{
    Suite *s = suite_create("options");
    TCase *values = tcase_create("values"), *maps = tcase_create("maps");
    const TTest *const in_maps[] = {no_map_gives_the_defaults,
                                    others_keys_are_left_alone,
                                    unknown_key_gets_the_nearest_name,
                                    unknown_key_near_none_gets_the_list,
                                    unknown_key_near_anothers_gets_that,
                                    all_problems_of_a_map_are_listed,
                                    a_bad_value_leaves_the_default,
                                    deprecated_warns_and_works,
                                    alias_works,
                                    alias_and_name_together_are_refused,
                                    a_scalar_is_no_map,
                                    required_is_missed,
                                    no_table_is_fine,
                                    the_path_says_whose_option_it_is,
                                    fill_makes_the_map_say_everything,
                                    fill_adds_nothing_that_warns};

    tcase_add_checked_fixture(values, setup, teardown);
    tcase_add_loop_test(values, scalar_is_read, 0, COUNT(scalars));
    tcase_add_loop_test(values, edges_of_a_range, 0, COUNT(ranges));
    tcase_add_checked_fixture(maps, setup, teardown);
    for (int i = 0; i < COUNT(in_maps); i++)
        tcase_add_test(maps, in_maps[i]);
    suite_add_tcase(s, values);
    suite_add_tcase(s, maps);
    return suite_run(s);
}
