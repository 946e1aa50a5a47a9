/* test_cifar.c - both variants in their binary files, and files that are wrong. */
#define _GNU_SOURCE
#include "support/dataset.h"

enum { IMAGE = 3072 };

static void setup(void) { ds_setup("cifar"); }

/* Records whose labels count up from first; byte p of plane k of record i is 40 k + p + i. */
static size_t records(uint8_t *out, int n, int labels, int first)
{
    uint8_t *at = out;

    for (int i = 0; i < n; i++) {
        for (int l = 0; l < labels; l++)
            *at++ = (uint8_t)((first + i) / (l == 0 && labels == 2 ? 5 : 1));
        for (int p = 0; p < IMAGE; p++)
            *at++ = (uint8_t)(40 * (p / 1024) + p % 1024 + i);
    }
    return (size_t)(at - out);
}

static void put(const char *name, int n, int labels, int first)
{
    static uint8_t bytes[8 * (2 + IMAGE)];

    ds_put(name, bytes, records(bytes, n, labels, first));
}

static const char *const ten[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                  "data_batch_4.bin", "data_batch_5.bin"};

static void put_ten(void)
{
    for (int i = 0; i < 5; i++)
        put(ten[i], 1 + i % 2, 1, i);
    put("test_batch.bin", 2, 1, 8);
    ds_put_text("batches.meta.txt",
                "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
}

static void put_hundred(void)
{
    put("train.bin", 3, 2, 50);
    put("test.bin", 1, 2, 99);
}

#define TEN              "{path: %s}"
#define HUNDRED          "{path: %s, variant: 100}"
#define HUNDRED_OF(what) "{path: %s, variant: 100, labels: " what "}"

START_TEST(cifar_10)
{
    put_ten();
    ds_good(TEN);
    ck_assert_uint_eq(ds.info.dtype, RN_U8);
    ck_assert_int_eq(ds.info.count[RN_TRAIN], 7);
    ck_assert_int_eq(ds.info.count[RN_TEST], 2);
    ck_assert_int_eq(ds.info.classes, 10);
    ck_assert_int_eq(ds.info.input.rank, 3);
    ck_assert_int_eq(ds.info.input.channels, 3);
    ck_assert_int_eq(rn_count(&ds.info.input), IMAGE);
    ck_assert_str_eq(ds.name[0], "airplane");
    ck_assert_str_eq(ds.name[9], "truck");
    const float labels[] = {0, 1, 2, 2, 3, 4, 4}; /* files of 1, 2, 1, 2 and 1 */
    for (int i = 0; i < 7; i++)
        ck_assert_float_eq(ds.y[RN_TRAIN][i], labels[i]);
    ck_assert_float_eq(ds.y[RN_TEST][1], 9);
    const uint8_t *x = (const uint8_t *)ds.x[RN_TRAIN] + 2 * IMAGE; /* red, green, blue of points */
    const uint8_t points[] = {1, 41, 81, 2, 42, 82};
    ck_assert_mem_eq(x, points, sizeof points);
    ck_assert_uint_eq(x[IMAGE - 1], (uint8_t)(80 + 1023 + 1));
    ck_assert_str_ne(ds.sha256[RN_TRAIN], ds.sha256[RN_TEST]);
}
END_TEST

START_TEST(cifar_100)
{
    put_hundred();
    ds_good(HUNDRED);
    ck_assert_int_eq(ds.info.classes, 100);
    ck_assert_int_eq(ds.info.count[RN_TRAIN], 3);
    ck_assert_ptr_null(ds.info.class_names);
    ck_assert_float_eq(ds.y[RN_TRAIN][2], 52);
    ck_assert_float_eq(ds.y[RN_TEST][0], 99);
    ck_assert_mem_eq(ds.x[RN_TRAIN], "\0\50\120\1", 4);
    ds_good(HUNDRED_OF("coarse"));
    ck_assert_int_eq(ds.info.classes, 20);
    ck_assert_float_eq(ds.y[RN_TRAIN][2], 10);
    ck_assert_float_eq(ds.y[RN_TEST][0], 19);
    char text[256] = "";
    for (int i = 0; i < 20; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "group %d\r\n", i);
    ds_put_text("coarse_label_names.txt", text);
    ds_good(HUNDRED_OF("coarse"));
    ck_assert_str_eq(ds.name[19], "group 19");
}
END_TEST

START_TEST(folders)
{
    ds_folder("cifar-100-binary");
    put("cifar-100-binary/train.bin", 1, 2, 0);
    ds_good(HUNDRED); /* no test set */
    ck_assert_int_eq(ds.info.count[RN_TEST], 0);
    ck_assert_ptr_nonnull(strstr(ds.info.source, "cifar-100-binary"));
    ds_good("{path: %s/cifar-100-binary, variant: 100}");
    ds_bad(TEN, "data_batch_1.bin: No such file or directory; the files of the binary version of "
                "CIFAR-10 are expected there");
    ds_bad("{path: %s/none}", "none/data_batch_1.bin: No such file");
}
END_TEST

START_TEST(wrong_files)
{
    put_ten();
    for (int i = 0; i < 5; i++) {
        unlink(ds_path(ten[i]));
        ds_bad(TEN, ten[i]);
        put(ten[i], 1, 1, 10);
        ds_bad(TEN, "byte 0: record 0 has the label 10, 0 to 9 expected");
        put(ten[i], 2, 1, 9);
        ds_bad(TEN, "byte 3073: record 1 has the label 10");
        ds_put_text(ten[i], "");
        ds_bad(TEN, "0 bytes; a multiple of the 3073 bytes of a record");
        put(ten[i], 2, 1, 0);
        ck_assert_int_eq(truncate(ds_path(ten[i]), 3074), 0);
        ds_bad(TEN, "3074 bytes; a multiple");
        ck_assert_int_eq(truncate(ds_path(ten[i]), 3073LL << 20), 0); /* sparse */
        ds_bad(TEN, "of a record expected, up to 1073741824");
        unlink(ds_path(ten[i]));
        ds_folder(ten[i]);
        ds_bad(TEN, "not a regular file");
        rmdir(ds_path(ten[i]));
        put(ten[i], 1, 1, 0);
    }
    put("test_batch.bin", 1, 2, 8);
    ds_bad(TEN, "test_batch.bin: 3074 bytes");
    put("test_batch.bin", 1, 1, 10);
    ds_bad(TEN, "test_batch.bin: byte 0");
    unlink(ds_path("test_batch.bin"));
    ds_good(TEN);
}
END_TEST

START_TEST(wrong_labels_of_100)
{
    put("train.bin", 1, 2, 100);
    ds_bad(HUNDRED, "byte 1: record 0 has the label 100, 0 to 99 expected");
    ds_bad(HUNDRED_OF("coarse"), "byte 0: record 0 has the label 20, 0 to 19 expected");
    put("train.bin", 1, 1, 0);
    ds_bad(HUNDRED, "3073 bytes; a multiple of the 3074 bytes");
}
END_TEST

START_TEST(wrong_names)
{
    put_ten();
    ds_put_text("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\n");
    ds_bad(TEN, "9 names, one for each of 10 classes");
    ds_put_text("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk");
    ds_bad(TEN, "11 names");
    ds_put("batches.meta.txt", "a\nb\0\n", 5);
    ds_bad(TEN, "a 0 byte");
    ds_put_text("batches.meta.txt", "a\nb\r\nc\n\nd\ne\nf\ng\nh\ni\nj");
    ds_good(TEN);
    ck_assert_str_eq(ds.name[1], "b");
    ck_assert_str_eq(ds.name[9], "j");
    ck_assert_int_eq(truncate(ds_path("batches.meta.txt"), 5000), 0);
    ds_bad(TEN, "more than the 4096");
    unlink(ds_path("batches.meta.txt"));
    ds_good(TEN);
    ck_assert_ptr_null(ds.info.class_names);
}
END_TEST

START_TEST(memory)
{
    put_ten();
    ds_no_memory(TEN);
}
END_TEST

START_TEST(damage)
{
    put_ten();
    put_hundred();
    ds_damage(TEN, "batches.meta.txt", 2000);
    ds_damage(TEN, "data_batch_2.bin", 1000);
    ds_damage(HUNDRED, "train.bin", 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cifar");
    TCase *t = tcase_create("files");

    tcase_add_checked_fixture(t, setup, ds_teardown);
    tcase_add_test(t, cifar_10);
    tcase_add_test(t, cifar_100);
    tcase_add_test(t, folders);
    tcase_add_test(t, wrong_files);
    tcase_add_test(t, wrong_labels_of_100);
    tcase_add_test(t, wrong_names);
    tcase_add_test(t, memory);
    tcase_add_test(t, damage);
    suite_add_tcase(s, t);
    return suite_run(s);
}
