/* test_npy.c - NumPy files: each type and shape, and headers and files that are wrong. */
#define _GNU_SOURCE
#include "support/dataset.h"

#include <math.h>

#define XY "{x: %s/x.npy, y: %s/y.npy}"

static void setup(void) { ds_setup("npy"); }

/* ---- making files ---------------------------------------------------------- */

static uint8_t made[4096];
static size_t made_n;

/* Version and the text between the braces and behind them, as it is. */
static void head(int version, const char *text)
{
    size_t at = version == 1 ? 10 : 12, n = strlen(text);

    memcpy(made, "\x93NUMPY", 6);
    made[6] = (uint8_t)version, made[7] = 0;
    made[8] = (uint8_t)n, made[9] = (uint8_t)(n >> 8), made[10] = made[11] = 0;
    memcpy(made + at, text, n);
    made_n = at + n;
}

static void put_head(const char *name, const char *text, size_t data)
{
    head(1, text);
    for (size_t i = 0; i < data; i++)
        made[made_n++] = (uint8_t)(i & 1);
    ds_put(name, made, made_n);
}

static void put(const char *name, const char *descr, const char *shape, const void *data, size_t n)
{
    char text[256];

    snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }  \n", descr,
             shape);
    head(1, text);
    memcpy(made + made_n, data, n);
    made_n += n;
    ds_put(name, made, made_n);
}

#define PUT(name, descr, shape, type, ...) \
    put(name, descr, shape, (const type[]){__VA_ARGS__}, sizeof((const type[]){__VA_ARGS__}))

static void good_x(void) { PUT("x.npy", "<f4", "(3, 2)", float, 1, 2, 3, 4, 5, 6); }

static void good_y(void) { PUT("y.npy", "|u1", "(3,)", uint8_t, 0, 2, 1); }

/* ---- good files ------------------------------------------------------------ */

static void check_x(const float *want, size_t n)
{
    ck_assert_uint_eq(ds.info.dtype, RN_F32);
    for (size_t i = 0; i < n; i++)
        ck_assert_float_eq(((float *)ds.x[RN_TRAIN])[i], want[i]);
}

START_TEST(types)
{
    const float want[] = {0, 1, -3, 4, 5, 100};

    good_y();
    PUT("x.npy", "<f4", "(3, 2)", float, 0, 1, -3, 4, 5, 100);
    ds_good(XY);
    check_x(want, 6);
    PUT("x.npy", "<f8", "(3, 2)", double, 0, 1, -3, 4, 5, 100);
    ds_good(XY);
    check_x(want, 6);
    PUT("x.npy", "<i4", "(3, 2)", int32_t, 0, 1, -3, 4, 5, 100);
    ds_good(XY);
    check_x(want, 6);
    PUT("x.npy", "<i8", "(3, 2)", int64_t, 0, 1, -3, 4, 5, 100);
    ds_good(XY);
    check_x(want, 6);
    PUT("x.npy", "|b1", "(3, 2)", uint8_t, 0, 1, 1, 0, 1, 0);
    ds_good(XY);
    check_x((const float[]){0, 1, 1, 0, 1, 0}, 6);
    PUT("x.npy", "|u1", "(3, 2)", uint8_t, 0, 1, 2, 3, 4, 255);
    ds_good(XY);
    ck_assert_uint_eq(ds.info.dtype, RN_U8);
    ck_assert_mem_eq(ds.x[RN_TRAIN], "\0\1\2\3\4\xff", 6);
}
END_TEST

START_TEST(targets)
{
    good_x();
    good_y();
    ds_good(XY);
    ck_assert_int_eq(ds.info.classes, 3);
    ck_assert_float_eq(ds.y[RN_TRAIN][1], 2);
    PUT("y.npy", "<i8", "(3, 1)", int64_t, 0, 4, 1);
    ds_good(XY);
    ck_assert_int_eq(ds.info.classes, 5);
    PUT("y.npy", "|b1", "(3,)", uint8_t, 0, 1, 1);
    ds_good(XY);
    ck_assert_int_eq(ds.info.classes, 2);
    PUT("y.npy", "<f4", "(3,)", float, 0.5f, 1, 1);
    ds_good(XY);
    ck_assert_int_eq(ds.info.classes, 0);
    ck_assert_int_eq(ds.info.target_width, 1);
    PUT("y.npy", "<f8", "(3, 2)", double, 0, 1, 2, 3, 4, -5);
    ds_good(XY);
    ck_assert_int_eq(ds.info.target_width, 2);
    ck_assert_float_eq(ds.y[RN_TRAIN][5], -5);
}
END_TEST

static void shape_is(int rank, int64_t a, int64_t b, int64_t c, int channels)
{
    ds_good("{x: %s/x.npy, y: %s/y.npy, layout: nchw}");
    ck_assert_int_eq(ds.info.input.rank, rank);
    ck_assert_int_eq(ds.info.input.dim[0], a);
    ck_assert_int_eq(ds.info.input.dim[1], b);
    ck_assert_int_eq(ds.info.input.dim[2], c);
    ck_assert_int_eq(ds.info.input.channels, channels);
}

START_TEST(shapes)
{
    uint8_t data[24];

    for (int i = 0; i < 24; i++)
        data[i] = (uint8_t)i;
    PUT("y.npy", "|u1", "(2,)", uint8_t, 0, 1);
    put("x.npy", "|u1", "(2, 12)", data, 24);
    shape_is(1, 12, 0, 0, 0);
    put("x.npy", "|u1", "(2, 3, 4)", data, 24);
    shape_is(3, 3, 4, 1, 1);
    ck_assert_mem_eq(ds.x[RN_TRAIN], data, 24);
    put("x.npy", "|u1", "(2, 3, 2, 2)", data, 24);
    shape_is(3, 2, 2, 3, 3);
    const uint8_t want[] = {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11, 12, 16};
    ck_assert_mem_eq(ds.x[RN_TRAIN], want, sizeof want);
    ds_good(XY);
    ck_assert_int_eq(ds.info.input.dim[0], 3);
    ck_assert_int_eq(ds.info.input.channels, 2);
    ck_assert_mem_eq(ds.x[RN_TRAIN], data, 24);
}
END_TEST

START_TEST(test_set)
{
    good_x();
    good_y();
    PUT("tx.npy", "<f8", "(1, 2)", double, 7, 8);
    PUT("ty.npy", "<i4", "(1,)", int32_t, 3);
    const char *yaml = "{x: %s/x.npy, y: %s/y.npy, x_test: %s/tx.npy, y_test: %s/ty.npy}";
    ds_good(yaml);
    ck_assert_int_eq(ds.info.count[RN_TEST], 1);
    ck_assert_int_eq(ds.info.classes, 4); /* of both */
    ck_assert_float_eq(((float *)ds.x[RN_TEST])[1], 8);
    ck_assert_str_ne(ds.sha256[RN_TRAIN], ds.sha256[RN_TEST]);
    PUT("ty.npy", "<f4", "(1,)", float, 3);
    ds_bad(yaml, "ty.npy: holds <f4, but");
    PUT("ty.npy", "<i4", "(2,)", int32_t, 3, 1);
    ds_bad(yaml, "has 2 targets for the 1 samples");
    PUT("ty.npy", "<i4", "(1,)", int32_t, 3);
    PUT("tx.npy", "<f4", "(1, 3)", float, 7, 8, 9);
    ds_bad(yaml, "holds 1 x 3 values, which does not go with the 3 x 2");
    PUT("tx.npy", "|u1", "(1, 2)", uint8_t, 7, 8);
    ds_bad(yaml, "bytes count as 1/255 each");
    PUT("y.npy", "<f4", "(3,)", float, 0, 1, 2);
    PUT("tx.npy", "<f8", "(1, 2)", double, 7, 8);
    PUT("ty.npy", "<f4", "(1, 2)", float, 3, 4);
    ds_bad(yaml, "has 2 values a sample, but the training targets have 1");
    ds_bad_status(RN_EINVAL, "{x: %s/x.npy, y: %s/y.npy, x_test: %s/x.npy}",
                  "x_test is given without y_test");
    ds_bad_status(RN_EINVAL, "{x: %s/x.npy, y: %s/y.npy, y_test: %s/x.npy}",
                  "y_test is given without x_test");
}
END_TEST

/* The forms of the header that other writers use. */
START_TEST(headers)
{
    const char *const good[] = {
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }\n",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2)}\n",
        "{\"shape\":(3,2,),\"descr\":\"|u1\",\"fortran_order\":False}            \n",
        " { 'fortran_order' : False , 'shape' : ( 3 , 2 ) , 'descr' : '|u1' , } \n",
    };

    good_y();
    for (int i = 0; i < 4; i++)
        for (int version = 1; version <= 3; version++) {
            head(version, good[i]);
            made_n += 6;
            ds_put("x.npy", made, made_n);
            ds_good(XY);
        }
}
END_TEST

/* ---- wrong files ----------------------------------------------------------- */

START_TEST(wrong_headers)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (3, 2), }\n",
         "big-endian values (>f4)"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }\n", "holds Python objects"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (3, 2), }\n", "of type <c8; <f4, <f8"},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (3, 2), }\n", "of type <f2"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 2), }\n", "records"},
        {"{'descr': '|u1', 'fortran_order': True, 'shape': (3, 2), }\n", "ascontiguousarray"},
        {"{'descr': '|u1', 'fortran_order': 0, 'shape': (3, 2), }\n",
         "byte 44, in the header: True"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3 2), }\n", "a comma or a closing"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (6), }\n", "a comma behind a single"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': [3, 2], }\n", "a shape in brackets"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, -2), }\n", "a whole number"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 02), }\n", "a whole number"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, ), }\n", "says 3 values"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (,), }\n", "a whole number"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 99999999999999999999), }\n",
         "at most 2^63"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 2, 3), }\n",
         "more than 4 dimensions"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (), }\n", "a single number"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 0), }\n", "is empty"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2), }\n", "2 bytes fewer"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 1), }\n", "3 bytes more"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n", "18 bytes fewer"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296), }\n",
         "more than any file"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2305843009213693952, 1), }\n",
         "more than any file"},
        {"{'descr': '|u1', 'shape': (3, 2), }\n", "descr, fortran_order and shape expected"},
        {"{'descr': '|u1', 'descr': '|u1', 'shape': (3, 2), }\n", "once and nothing else"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), 'x': 1}\n", "nothing else"},
        {"{'descr': '|u1' 'fortran_order': False, 'shape': (3, 2)}\n", "a comma or }"},
        {"{'descr' '|u1', 'fortran_order': False, 'shape': (3, 2)}\n", "a colon"},
        {"{descr: '|u1', 'fortran_order': False, 'shape': (3, 2)}\n", "a short text in quotes"},
        {"{'descr': '|u1\", 'fortran_order': False, 'shape': (3, 2)}\n", "of type |u1\", ; "},
        {"{'descr': '\x1b[1m', 'fortran_order': False, 'shape': (3, 2)}\n", "ASCII letters"},
        {"{'descr: |u1, fortran_order: False, shape: (3, 2)}\n", "a short text"},
        {"{'descr': 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}\n", "a short text"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }", "the end of the line"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }x\n", "the end of the line"},
        {"{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2)", "a comma or }"},
        {"", "{ expected"},
        {"[]\n", "{ expected"},
    };

    good_y();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_head("x.npy", bad[i].text, 6);
        ds_bad(XY, bad[i].says);
    }
}
END_TEST

static void with_byte(size_t at, int value, const char *says)
{
    good_x();
    uint8_t was = made[at];
    made[at] = (uint8_t)value;
    ds_put("x.npy", made, made_n);
    made[at] = was;
    good_y();
    ds_bad(XY, says);
}

START_TEST(wrong_starts)
{
    with_byte(0, 0x92, "does not begin with");
    with_byte(5, 'X', "does not begin with");
    with_byte(6, 0, "version 0.0");
    with_byte(6, 4, "version 4.0");
    with_byte(7, 1, "version 1.1");
    with_byte(9, 0xff, "claims a header of");
    with_byte(6, 2, "claims a header of");
    with_byte(8, 3, "a short text in quotes");
    with_byte(20, 0, "a 0 byte in its header");
    ds_put_text("x.npy", "PK\3\4            ");
    ds_bad(XY, "not an archive (.npz)");
    ds_bad("{x: %s/none.npy, y: %s/y.npy}", "none.npy: No such file");
}
END_TEST

START_TEST(every_length)
{
    good_y();
    good_x();
    for (size_t n = 0; n < made_n; n++) {
        good_x();
        ds_put("x.npy", made, n);
        ds_bad(XY, n < 12            ? "is no NumPy file: only"
                   : n < made_n - 24 ? "claims a header"
                                     : "fewer");
    }
}
END_TEST

START_TEST(wrong_values)
{
    good_y();
    PUT("x.npy", "<f8", "(3, 2)", double, 0, 1, 1e300, 4, 5, 100);
    ds_bad(XY, "x.npy: value 2 is 1e+300, too large");
    PUT("x.npy", "|b1", "(3, 2)", uint8_t, 0, 1, 0, 2, 0, 1);
    ds_bad(XY, "value 3 is 2, which is neither");
    PUT("x.npy", "|u1", "(3,)", uint8_t, 0, 1, 0);
    ds_bad(XY, "has one dimension");
    good_x();
    PUT("y.npy", "<i4", "(3,)", int32_t, 0, -1, 0);
    ds_bad(XY, "y.npy: label 1 is -1");
    PUT("y.npy", "<i8", "(3,)", int64_t, 0, INT64_MIN, INT64_MAX);
    ds_bad(XY, "label 1 is -9223372036854775808");
    PUT("y.npy", "<i8", "(3,)", int64_t, 0, 1 << 20, 1);
    ds_bad(XY, "label 1 is 1048576");
    PUT("y.npy", "|b1", "(3,)", uint8_t, 0, 1, 2);
    ds_bad(XY, "label 2 is 2");
    PUT("y.npy", "|u1", "(2,)", uint8_t, 0, 1);
    ds_bad(XY, "2 targets for the 3 samples");
    PUT("y.npy", "|u1", "(3, 2)", uint8_t, 0, 1, 0, 1, 1, 1);
    ds_bad(XY, "has 2 whole numbers a sample");
    PUT("y.npy", "<f4", "(3, 1, 1)", float, 0, 1, 0);
    ds_bad(XY, "has 3 dimensions");
    PUT("y.npy", "<f8", "(3,)", double, 0, -1e39, 0);
    ds_bad(XY, "y.npy: value 1 is -1e+39");
}
END_TEST

START_TEST(memory)
{
    good_x();
    good_y();
    ds_no_memory(XY);
}
END_TEST

START_TEST(damage)
{
    good_x();
    good_y();
    ds_damage(XY, "x.npy", 2000);
    ds_damage(XY, "y.npy", 2000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("npy");
    TCase *t = tcase_create("files");

    tcase_add_checked_fixture(t, setup, ds_teardown);
    tcase_add_test(t, types);
    tcase_add_test(t, targets);
    tcase_add_test(t, shapes);
    tcase_add_test(t, test_set);
    tcase_add_test(t, headers);
    tcase_add_test(t, wrong_headers);
    tcase_add_test(t, wrong_starts);
    tcase_add_test(t, every_length);
    tcase_add_test(t, wrong_values);
    tcase_add_test(t, memory);
    tcase_add_test(t, damage);
    suite_add_tcase(s, t);
    return suite_run(s);
}
