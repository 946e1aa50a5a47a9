/* test_csv.c - tables as text: forms, columns, targets, and the place of each mistake. */
#define _GNU_SOURCE
#include "support/dataset.h"

#include <locale.h>

#define CSV        "{path: %s/a.csv}"
#define WITH(more) "{path: %s/a.csv, " more "}"
#define BOTH(more) "{path: %s/a.csv, test: %s/b.csv" more "}"
#define IRIS       "5.1,3.5,setosa\n7,3.2,versicolor\n6.5,3,setosa\n"

static void setup(void) { ds_setup("csv"); }

static void a(const char *text) { ds_put_text("a.csv", text); }

static void b(const char *text) { ds_put_text("b.csv", text); }

static float x(int64_t i) { return ((float *)ds.x[RN_TRAIN])[i]; }

static float y(int64_t i) { return ds.y[RN_TRAIN][i]; }

static void says(const char *text, const char *yaml, const char *message)
{
    a(text);
    ds_bad(yaml, message);
}

/* ---- good files ------------------------------------------------------------ */

static void is_iris(void)
{
    const float want[] = {5.1f, 3.5f, 7, 3.2f, 6.5f, 3};

    ds_good(CSV);
    ck_assert_uint_eq(ds.info.dtype, RN_F32);
    ck_assert_int_eq(ds.info.count[RN_TRAIN], 3);
    ck_assert_int_eq(ds.info.input.rank, 1);
    ck_assert_int_eq(ds.info.input.dim[0], 2);
    ck_assert_int_eq(ds.info.classes, 2);
    ck_assert_str_eq(ds.name[0], "setosa");
    ck_assert_str_eq(ds.name[1], "versicolor");
    for (int i = 0; i < 6; i++)
        ck_assert_float_eq(x(i), want[i]);
    ck_assert(y(0) == 0 && y(1) == 1 && y(2) == 0);
}

START_TEST(forms)
{
    const char *const same[] = {
        IRIS,
        "5.1,3.5,setosa\n7,3.2,versicolor\n6.5,3,setosa",
        "length,width,kind\n" IRIS,
        "\xEF\xBB\xBFlength,width,kind\r\n5.1,3.5,setosa\r\n7,3.2,versicolor\r\n6.5,3,setosa\r\n",
        "\n\n5.1,3.5,setosa\n  \n7,3.2,versicolor\n\r\n6.5,3,setosa\n\n\n \n",
        "\"5.1\",\"3.5\",\"setosa\"\n\"7\" , 3.2 , \"versicolor\" \n6.5,3.0e0,\"setosa\"\n",
        " 5.1\t,3.5 , setosa\n+7.,.32e+1,versicolor\n65E-1,3,setosa\r",
        "\"length\nin cm\",\"a \"\"width\"\"\",\"a, b\"\n" IRIS,
    };

    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        a(same[i]);
        is_iris();
    }
    a("5.1;3.5;setosa\n7;3.2;versicolor\n");
    ds_good(WITH("delimiter: semicolon"));
    ck_assert_float_eq(x(3), 3.2f);
    a("5.1\t3.5\tseto sa\n7\t3.2\tversicolor\n");
    ds_good(WITH("delimiter: tab"));
    ck_assert_str_eq(ds.name[0], "seto sa");
}
END_TEST

START_TEST(header)
{
    a("1,2,3\n4,5,6\n");
    ds_good(CSV);
    ck_assert_int_eq(ds.info.count[RN_TRAIN], 2);
    ds_good(WITH("header: yes"));
    ck_assert_int_eq(ds.info.count[RN_TRAIN], 1);
    ck_assert_float_eq(x(0), 4);
    ds_good(WITH("header: yes, label: 2")); /* the name, not the index */
    ck_assert_float_eq(x(1), 6);
    says("a,b,c\n1,2,3\n", WITH("header: no"),
         "a.csv:1:1: 'a' is no number; when this line names the columns, say header: yes");
    says("a,b,7\n1,2,3\n", CSV, "a.csv:1:1: 'a' is no number; when this line names");
    says("1,2,7\n1,b,3\n", CSV, "a.csv:2:3: 'b' is no number; features are numbers");
}
END_TEST

static void label_is(const char *yaml, float first_feature, float first_target)
{
    ds_good(yaml);
    ck_assert_float_eq(x(0), first_feature);
    ck_assert_float_eq(y(0), first_target);
}

START_TEST(label)
{
    a("a,b,\"c, d\",e\n1,2.5,3,4\n5,6.5,7,8\n");
    label_is(WITH("label: a, task: numbers"), 2.5f, 1);
    label_is(WITH("label: b"), 1, 2.5f);
    label_is(WITH("label: 'c, d', task: numbers"), 1, 3);
    label_is(WITH("label: 0, task: numbers"), 2.5f, 1);
    label_is(WITH("label: -4, task: numbers"), 2.5f, 1);
    label_is(WITH("label: 2, task: numbers"), 1, 3);
    label_is(WITH("task: numbers"), 1, 4);
    ds_good(WITH("label: 'e, 0 ,b'"));
    ck_assert_int_eq(ds.info.classes, 0);
    ck_assert_int_eq(ds.info.target_width, 3);
    ck_assert_int_eq(ds.info.input.dim[0], 1);
    ck_assert(y(0) == 4 && y(1) == 1 && y(2) == 2.5f && y(3) == 8 && x(1) == 7);
}
END_TEST

START_TEST(wrong_label)
{
    a("a,b,b\n1,2,3\n");
    ds_bad_status(RN_EINVAL, WITH("label: c"), "has no column 'c'; a name of its first line");
    ds_bad_status(RN_EINVAL, WITH("label: 3"), "an index from 0 to 2");
    ds_bad_status(RN_EINVAL, WITH("label: -4"), "has no column '-4'");
    ds_bad_status(RN_EINVAL, WITH("label: 99999999999999999999999"), "has no column");
    ds_bad_status(RN_EINVAL, WITH("label: 9999999999999999999"), "has no column");
    ds_bad_status(RN_EINVAL, WITH("label: ''"), "has no column ''");
    ds_bad_status(RN_EINVAL, WITH("label: 'a,'"), "has no column ''");
    ds_bad_status(RN_EINVAL, WITH("label: b"), "two columns of");
    ds_bad_status(RN_EINVAL, WITH("label: 'a, 0'"), "'0' names a column twice");
    ds_bad_status(RN_EINVAL, WITH("label: '0, 1, 2'"), "no feature is left");
    ds_bad_status(RN_EINVAL, WITH("label: '0, 1', task: classes"), "2 columns, but task: classes");
    a("1,2,3\n");
    ds_bad_status(RN_EINVAL, WITH("label: a"), "it has no header");
}
END_TEST

START_TEST(classes_or_numbers)
{
    char many[400] = "";

    a("1,10\n2,9\n3,10\n4,-5\n");
    ds_good(CSV);
    ck_assert_int_eq(ds.info.classes, 3);
    ck_assert_str_eq(ds.name[0], "-5"); /* by value */
    ck_assert_str_eq(ds.name[1], "9");
    ck_assert_str_eq(ds.name[2], "10");
    ck_assert(y(0) == 2 && y(1) == 1 && y(2) == 2 && y(3) == 0);
    ds_good(WITH("task: numbers"));
    ck_assert_int_eq(ds.info.classes, 0);
    ck_assert_float_eq(y(3), -5);
    a("1,1\n2,1.5\n");
    ds_good(CSV);
    ck_assert_int_eq(ds.info.classes, 0);
    ds_good(WITH("task: classes"));
    ck_assert_int_eq(ds.info.classes, 2);
    ck_assert_str_eq(ds.name[1], "1.5");
    a("1,1\n2,1001\n");
    ds_good(CSV);
    ck_assert_int_eq(ds.info.classes, 0);
    a("1,01\n2,1\n3,1.0\n4,2\n"); /* one class, by value */
    ds_good(CSV);
    ck_assert_int_eq(ds.info.classes, 2);
    for (int i = 0; i < 20; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "0,%d\n", 7 * i);
    a(many);
    ds_good(CSV);
    ck_assert_int_eq(ds.info.classes, 20);
    snprintf(many + strlen(many), sizeof many - strlen(many), "0,500\n");
    a(many);
    ds_good(CSV);
    ck_assert_int_eq(ds.info.classes, 0);
    says("1,1\n2,one\n", CSV, "a.csv:2:3: the label 'one' is no number, but others are");
    ds_good(WITH("task: classes"));
    ck_assert_str_eq(ds.name[1], "one");
    ds_bad(WITH("task: numbers"), "a.csv:2:3: 'one' is no number");
    a("1,\"a \"\"b\"\"\"\n2,\"c\nd\"\n");
    ds_good(CSV);
    ck_assert_str_eq(ds.name[0], "a \"b\"");
    ck_assert_str_eq(ds.name[1], "c\nd");
}
END_TEST

START_TEST(test_file)
{
    a("u,v,kind\n1,2,p\n3,4,q\n5,6,r\n");
    b("7,8,r\n9,10,p\n");
    ds_good(BOTH(""));
    ck_assert_int_eq(ds.info.count[RN_TEST], 2);
    ck_assert(ds.y[RN_TEST][0] == 2 && ds.y[RN_TEST][1] == 0);
    ck_assert_float_eq(((float *)ds.x[RN_TEST])[3], 10);
    ck_assert_str_ne(ds.sha256[RN_TRAIN], ds.sha256[RN_TEST]);
    b("u,v,kind\n7,8,r\n");
    ds_good(BOTH(""));
    b("7,8,s\n");
    ds_bad(BOTH(""), "b.csv:1:5: the label 's' does not occur in");
    b("7,8\n");
    ds_bad(BOTH(""), "b.csv:1:1: 2 columns, but");
    b("v,u,kind\n7,8,r\n");
    ds_bad(BOTH(""), "b.csv:1:1: the column 'v' is called 'u' in");
    b("7,x,r\n");
    ds_bad(BOTH(""), "b.csv:1:3: 'x' is no number");
    b("");
    ds_bad(BOTH(""), "b.csv:1:1: the file is empty");
    a("1,2\n");
    b("1,3\n");
    ds_bad(BOTH(""), "b.csv:1:3: the label '3' does not occur in");
    ds_good(BOTH(", task: numbers"));
    unlink(ds_path("b.csv"));
    ds_bad(BOTH(""), "b.csv: No such file");
}
END_TEST

START_TEST(fingerprint_is_of_the_file)
{
    char digest[HASH_TEXT];

    a(IRIS);
    ds_good(CSV);
    hash_sha256(IRIS, strlen(IRIS), digest);
    ck_assert_str_eq(ds.sha256[RN_TRAIN], digest);
}
END_TEST

START_TEST(no_locale)
{
    locale_t german = newlocale(LC_NUMERIC_MASK, "de_DE.UTF-8", (locale_t)0);

    if (german)
        uselocale(german);
    a(IRIS);
    is_iris();
    if (german) {
        uselocale(LC_GLOBAL_LOCALE);
        freelocale(german);
    }
}
END_TEST

/* ---- wrong files ----------------------------------------------------------- */

START_TEST(wrong_structure)
{
    says("", CSV, "a.csv:1:1: the file is empty");
    says("\n \n", CSV, "the file is empty");
    says("\xEF\xBB\xBF", CSV, "the file is empty");
    says("a,b\n", CSV, "a.csv:2:1: the file ends without a row of values");
    says("1\n2\n", CSV, "a.csv:1:1: one column; features and a label expected");
    says("1;2\n", CSV, "is the delimiter right?");
    says("1,2,3\n\n4,5\n", CSV, "a.csv:3:1: 2 fields, but the first line has 3");
    says("1,2,3\n4,5,6,\n", CSV, "a.csv:2:1: 4 fields, but the first line has 3");
    says("1,2\n3,\"4\n", CSV, "a.csv:2:3: this quote is never closed");
    says("1,2\n3,\"4\"\"", CSV, "a.csv:2:3: this quote is never closed");
    says("1,2\n3,\"", CSV, "a.csv:2:3: this quote is never closed");
    says("1,2\n\"3\"4,5\n", CSV, "a.csv:2:4: text behind a closing quote");
    says("1,2\n3\"4,5\n", CSV, "a.csv:2:2: a quote inside a field without quotes");
    says("1,2\r3,4\r", CSV, "a.csv:1:4: a carriage return without a line feed");
    ds_put("a.csv", "1,2\n3\0,4\n", 9);
    ds_bad(CSV, "a.csv:2:2: a 0 byte");
    ds_put("a.csv", "\xff\xfe\x31\0,\0", 6); /* UTF-16 */
    ds_bad(CSV, "save it as that");
    ds_bad("{path: %s/none.csv}", "none.csv: No such file");
    ds_folder("dir");
    ds_bad("{path: %s/dir}", "not a regular file");
}
END_TEST

START_TEST(wrong_values)
{
    static const char *const no_numbers[] = {"1,5", "0x10", "inf", "1e",  "e5",    ".",     "1.2.3",
                                             "--1", "1 2",  "+",   "1_0", "5 000", "Zürich"};
    char text[400];

    for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++) {
        snprintf(text, sizeof text, "1,2,3\n4,\"%s\",5\n", no_numbers[i]);
        says(text, CSV, "a.csv:2:4: '");
        ck_assert_ptr_nonnull(strstr(error_text(), "is no number"));
    }
    says("1,2,3\n4,,5\n", CSV, "a.csv:2:3: the field is empty, a number expected: fill it in");
    says("1,2,3\n4,?,5\n", CSV, "a.csv:2:3: the value is missing (?), a number expected");
    says("1,2,3\nNA,4,5\n", CSV, "a.csv:2:1: the value is missing (NA)");
    says("1,2,3\nnan,4,5\n", CSV, "a.csv:2:1: the value is missing (nan)");
    says("1,2,3\n4,5,\n", CSV, "a.csv:2:5: the label is missing");
    says("1,2,3.5\n4,5,\n", WITH("task: numbers"), "a.csv:2:5: the field is empty");
    says("1,2,3\n4,1e39,5\n", CSV, "a.csv:2:3: 1e39 is too large for 32 bits");
    says("1,2,3\n4,-1e999,5\n", CSV, "a.csv:2:3: -1e999 is too large");
    says("\"\xc3\xbc\xc3\xbc\",2\n\"3\",4\n", CSV, "a.csv:1:2: '\xc3\xbc\xc3\xbc' is no number");
    says("x,y,z\n1,\"\xc3\xbc\",2\n", WITH("label: 0"), "a.csv:2:4:");
    says("\xc3\xbc\xc3\xbc,x,3\n", WITH("label: 0, header: no"), "a.csv:1:4: 'x' is no number");
    says("x,y,kind\n1,\"2\n2\",r\n", CSV, "a.csv:2:4: '2?2' is no number");
    says("1,\x1b[31mred,3\n", CSV, "'?[31mred'");
    snprintf(text, sizeof text, "1,%0200d,3\n", 5);
    says(text, CSV, "'0000000000000000000000000000000000000000...' is no number");
}
END_TEST

START_TEST(every_length)
{
    const char *whole = "a,b,c\r\n1.5,\"2\",x y\r\n3,4,\"z\"\"\"\r\n";

    for (size_t n = 0; n < strlen(whole); n++) {
        ds_put("a.csv", whole, n);
        ck_assert(!ds_try(CSV) || ds.status == RN_EDATA);
    }
}
END_TEST

START_TEST(memory)
{
    a("a,b,c\n" IRIS);
    b(IRIS);
    ds_no_memory(BOTH(""));
    a("a,b,c\n1,2,3\n4,5,6\n");
    ds_no_memory(WITH("label: 'a, c', task: numbers"));
}
END_TEST

START_TEST(damage)
{
    a("a,\"b \"\"2\"\"\",c\r\n1.5,\"2\",x y\r\n3,4,\"z\"\r\n\r\n");
    b("1,2,z\n");
    ds_damage(CSV, "a.csv", 4000);
    ds_damage(WITH("delimiter: semicolon, header: no"), "a.csv", 1000);
    ds_damage(BOTH(""), "b.csv", 2000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("csv");
    TCase *t = tcase_create("files");

    tcase_add_checked_fixture(t, setup, ds_teardown);
    tcase_add_test(t, forms);
    tcase_add_test(t, header);
    tcase_add_test(t, label);
    tcase_add_test(t, wrong_label);
    tcase_add_test(t, classes_or_numbers);
    tcase_add_test(t, test_file);
    tcase_add_test(t, fingerprint_is_of_the_file);
    tcase_add_test(t, no_locale);
    tcase_add_test(t, wrong_structure);
    tcase_add_test(t, wrong_values);
    tcase_add_test(t, every_length);
    tcase_add_test(t, memory);
    tcase_add_test(t, damage);
    suite_add_tcase(s, t);
    return suite_run(s);
}
