/* test_image_folder.c - PNG files of every kind, folders of every kind, and what is wrong in them.
 * libpng writes the files. */
#define _GNU_SOURCE
#include "support/dataset.h"

#include <png.h>
#include <zlib.h>

#define ALL        "{path: %s}"
#define WITH(more) "{path: %s, " more "}"

static void setup(void) { ds_setup("image_folder"); }

/* ---- making files ----------------------------------------------------------- */

struct picture {
    int width, height, depth, type; /* type: PNG_COLOR_TYPE_... */
    int interlace;
    const uint8_t *rows;  /* packed as the file has them */
    const uint8_t *alpha; /* of a palette's entries */
    int alphas;
    int clear; /* > 0: the gray value or red that tRNS makes transparent */
};

static void write_rows(png_structp png, const struct picture *p, size_t row)
{
    int passes = png_set_interlace_handling(png);

    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < p->height; y++)
            png_write_row(png, p->rows + (size_t)y * row);
}

static void put(const char *name, const struct picture *p)
{
    static const int channels[] = {[PNG_COLOR_TYPE_GRAY] = 1,
                                   [PNG_COLOR_TYPE_RGB] = 3,
                                   [PNG_COLOR_TYPE_PALETTE] = 1,
                                   [PNG_COLOR_TYPE_GRAY_ALPHA] = 2,
                                   [PNG_COLOR_TYPE_RGB_ALPHA] = 4};
    static const png_color colours[4] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {9, 9, 9}};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color_16 clear = {.gray = (uint16_t)p->clear, .red = (uint16_t)p->clear};
    FILE *f;

    unlink(ds_path(name));
    ck_assert_ptr_nonnull(f = fopen(ds_path(name), "wb"));
    ck_assert(!setjmp(png_jmpbuf(png)));
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, p->depth, p->type,
                 p->interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (p->type == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, colours, 4);
    if (p->alphas || p->clear)
        png_set_tRNS(png, info, p->alpha, p->alphas, &clear);
    png_write_info(png, info);
    write_rows(png, p, (size_t)(p->width * channels[p->type] * p->depth + 7) / 8);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    ck_assert_int_eq(fclose(f), 0);
}

static void put_gray(const char *name, int width, int height, int first)
{
    uint8_t rows[4096];

    for (int i = 0; i < width * height; i++)
        rows[i] = (uint8_t)(first + i);
    put(name, &(struct picture){width, height, 8, PNG_COLOR_TYPE_GRAY, .rows = rows});
}

static void put_rgb(const char *name, int width, int height, int first)
{
    uint8_t rows[4096];

    for (int i = 0; i < 3 * width * height; i++)
        rows[i] = (uint8_t)(first + i);
    put(name, &(struct picture){width, height, 8, PNG_COLOR_TYPE_RGB, .rows = rows});
}

/* Two classes for training, one of them for the test. */
static void put_set(void)
{
    ds_folder("train");
    ds_folder("train/dog");
    ds_folder("train/cat");
    ds_folder("test");
    ds_folder("test/dog");
    put_gray("train/dog/1.png", 3, 2, 10);
    put_gray("train/cat/b.png", 3, 2, 30);
    put_gray("train/cat/a.PNG", 3, 2, 20);
    put_gray("test/dog/1.png", 3, 2, 40);
}

static const uint8_t *x(int split) { return ds.x[split]; }

/* ---- good files -------------------------------------------------------------- */

START_TEST(folders)
{
    const uint8_t want[] = {20, 21, 22, 23, 24, 25, 30, 31, 32, 33, 34, 35, 10, 11, 12, 13, 14, 15};

    put_set();
    ds_put_text("train/.hidden", "x");
    ds_put_text("train/README", "x");
    ds_put_text("train/cat/.hidden.txt", "x");
    ds_good(ALL);
    ck_assert_uint_eq(ds.info.dtype, RN_U8);
    ck_assert_int_eq(ds.info.count[RN_TRAIN], 3);
    ck_assert_int_eq(ds.info.count[RN_TEST], 1);
    ck_assert_int_eq(ds.info.classes, 2);
    ck_assert_str_eq(ds.name[0], "cat");
    ck_assert_str_eq(ds.name[1], "dog");
    ck_assert_int_eq(ds.info.input.rank, 3);
    ck_assert_int_eq(ds.info.input.dim[0], 2);
    ck_assert_int_eq(ds.info.input.dim[1], 3);
    ck_assert_int_eq(ds.info.input.dim[2], 1);
    ck_assert_int_eq(ds.info.input.channels, 1);
    ck_assert_mem_eq(x(RN_TRAIN), want, sizeof want);
    ck_assert_uint_eq(x(RN_TEST)[0], 40);
    const float *y = ds.y[RN_TRAIN];
    ck_assert(y[0] == 0 && y[1] == 0 && y[2] == 1 && ds.y[RN_TEST][0] == 1);
    ds_good("{path: %s/train}"); /* the classes directly */
    ck_assert_mem_eq(x(RN_TRAIN), want, sizeof want);
    ck_assert_int_eq(ds.info.count[RN_TEST], 0);
    ds_good(WITH("train: test, test: train/none"));
    ck_assert_int_eq(ds.info.count[RN_TRAIN], 1);
    ck_assert_int_eq(ds.info.count[RN_TEST], 0);
}
END_TEST

START_TEST(fingerprint)
{
    char before[72];

    put_set();
    ds_good(ALL);
    snprintf(before, sizeof before, "%s", ds.sha256[RN_TRAIN]);
    put_gray("train/dog/1.png", 3, 2, 10);
    ds_good(ALL);
    ck_assert_str_eq(ds.sha256[RN_TRAIN], before);
    unlink(ds_path("train/dog/1.png")); /* the name counts, too */
    put_gray("train/dog/2.png", 3, 2, 10);
    ds_good(ALL);
    ck_assert_str_ne(ds.sha256[RN_TRAIN], before);
}
END_TEST

static void kind(const struct picture *p, const char *yaml, const void *want, size_t n)
{
    put("c/1.png", p);
    ds_good(yaml);
    ck_assert_int_eq(ds.info.input.channels * ds.info.input.dim[0] * ds.info.input.dim[1],
                     (int64_t)n);
    ck_assert_msg(!memcmp(x(RN_TRAIN), want, n), "type %d depth %d: %d %d %d", p->type, p->depth,
                  x(RN_TRAIN)[0], x(RN_TRAIN)[1], x(RN_TRAIN)[2]);
}

#define KIND(yaml, w, h, bits, kind_, more, ...) \
    kind(&(struct picture){w, h, bits, PNG_COLOR_TYPE_##kind_, more}, yaml, \
         ((const uint8_t[]){__VA_ARGS__}), sizeof((const uint8_t[]){__VA_ARGS__}))
#define ROWS(...) \
    .rows = (const uint8_t[]) { __VA_ARGS__ }

/* Each kind of PNG as bytes of the kind that is asked for. */
START_TEST(kinds)
{
    ds_folder("c");
    KIND(ALL, 8, 1, 1, GRAY, ROWS(0xa1), 255, 0, 255, 0, 0, 0, 0, 255);
    KIND(ALL, 4, 1, 2, GRAY, ROWS(0x1b), 0, 85, 170, 255);
    KIND(ALL, 2, 1, 4, GRAY, ROWS(0x1f), 17, 255);
    KIND(ALL, 2, 1, 16, GRAY, ROWS(0x12, 0xff, 0xff, 0xff), 0x13, 255);
    KIND(ALL, 1, 1, 16, RGB, ROWS(0x80, 0x80, 1, 1, 0xfe, 0xfe), 128, 1, 254);
    const uint8_t alpha[] = {255, 128, 0};
    const struct picture palette = {4, 1, 2, PNG_COLOR_TYPE_PALETTE, ROWS(0x1b)};
    kind(&palette, ALL, "\xff\0\0\0\xff\0\0\0\xff\x9\x9\x9", 12);
    const struct picture clear = {
        4, 1, 2, PNG_COLOR_TYPE_PALETTE, ROWS(0x1b), .alpha = alpha, .alphas = 3};
    kind(&clear, ALL, "\xff\0\0\0\x80\0\0\0\0\x9\x9\x9", 12);
    KIND(ALL, 3, 1, 8, GRAY_ALPHA, ROWS(200, 255, 200, 128, 200, 0), 200, 100, 0);
    KIND(ALL, 1, 1, 8, RGB_ALPHA, ROWS(255, 100, 10, 51), 51, 20, 2);
    const struct picture key = {3, 1, 8, PNG_COLOR_TYPE_GRAY, ROWS(7, 8, 9), .clear = 8};
    kind(&key, ALL, "\7\0\11", 3);
    KIND(WITH("channels: rgb"), 2, 1, 8, GRAY, ROWS(5, 6), 5, 5, 5, 6, 6, 6);
    KIND(WITH("channels: gray"), 2, 1, 8, RGB, ROWS(255, 0, 0, 0, 255, 0), 76, 150);
    KIND(WITH("channels: gray"), 2, 1, 8, RGB, ROWS(99, 99, 99, 255, 255, 255), 99, 255);
}
END_TEST

START_TEST(interlaced)
{
    uint8_t rows[12 * 10];

    ds_folder("c");
    for (int i = 0; i < 120; i++)
        rows[i] = (uint8_t)i;
    const struct picture p = {
        12, 10, 8, PNG_COLOR_TYPE_GRAY, .interlace = PNG_INTERLACE_ADAM7, .rows = rows};
    kind(&p, ALL, rows, sizeof rows);
}
END_TEST

START_TEST(options)
{
    put_set();
    ds_good(WITH("size: [2, 3]"));
    ds_bad(WITH("size: [3, 2]"), "train/cat/a.PNG: 2 x 3 pixels (height x width), but 3 x 2");
    ds_bad_status(RN_EINVAL, WITH("size: [0, 2]"), "size: 0 pixels, 1 to 16384");
    ds_bad_status(RN_EINVAL, WITH("size: [2, 16385]"), "size: 16385 pixels");
    ds_bad_status(RN_EINVAL, WITH("test: train"), "are the same folder, 'train'");
    put_rgb("train/cat/b.png", 3, 2, 0);
    ds_bad(ALL, "train/cat/b.png: has colours, but the first image has none");
    ds_good(WITH("channels: gray"));
    ck_assert_int_eq(ds.info.input.channels, 1);
    ds_good(WITH("channels: rgb"));
    ck_assert_int_eq(ds.info.input.channels, 3);
    put_rgb("train/cat/a.PNG", 3, 2, 0);
    ds_good(ALL); /* gray among colours loses nothing */
    ck_assert_int_eq(ds.info.input.channels, 3);
}
END_TEST

/* ---- wrong files ------------------------------------------------------------- */

START_TEST(wrong_folders)
{
    ds_bad("{path: %s/none}", "none: no such folder");
    ds_bad(ALL, "no folders; one for each class expected");
    ds_folder("test");
    ds_bad(ALL, "/train: no such folder; training images");
    rmdir(ds_path("test"));
    put_set();
    ds_bad(WITH("train: learn"), "/learn: no such folder; training images");
    ds_folder("test/bird");
    ds_bad(ALL, "test/bird: there is no class of that name in");
    rmdir(ds_path("test/bird"));
    ds_folder("train/bird");
    ds_bad(ALL, "train/bird: a class without an image");
    rmdir(ds_path("train/bird"));
    ds_folder("train/cat/more");
    ds_bad(ALL,
           "train/cat/more: a folder; the folder of a class holds .png, .pgm and .ppm files only");
    rmdir(ds_path("train/cat/more"));
    ds_put_text("train/cat/c.jpg", "x");
    ds_bad(ALL, "train/cat/c.jpg: no image file; the folder of a class");
    unlink(ds_path("train/cat/c.jpg"));
    ds_folder("train/cat/z.png");
    ds_bad(ALL, "train/cat/z.png: a folder");
    rmdir(ds_path("train/cat/z.png"));
    ck_assert_int_eq(mkfifo(ds_path("train/cat/z.png"), 0600), 0);
    ds_bad(ALL, "not a regular file");
    unlink(ds_path("train/cat/z.png"));
    ds_good(ALL);
}
END_TEST

START_TEST(wrong_images)
{
    put_set();
    put_gray("train/dog/1.png", 2, 3, 0);
    ds_bad(ALL, "train/dog/1.png: 3 x 2 pixels (height x width), but 2 x 3 expected");
    put_gray("train/dog/1.png", 3, 2, 0);
    put_gray("test/dog/1.png", 3, 3, 0);
    ds_bad(ALL, "test/dog/1.png: 3 x 3 pixels");
    ds_put_text("test/dog/1.png", "");
    ds_bad(ALL, "test/dog/1.png: no PNG, PGM or PPM file");
    ds_put_text("test/dog/1.png", "GIF89a..............");
    ds_bad(ALL, "no PNG, PGM or PPM file");
}
END_TEST

/* Every byte of IHDR, its checksum left alone and mended; every length of the file. */
START_TEST(wrong_headers)
{
    int refused = 0;
    uint64_t n;
    void *data;

    ds_folder("c");
    put_rgb("c/1.png", 3, 2, 0);
    ck_assert_int_eq(file_read(ds_path("c/1.png"), 4096, &data, &n), RN_OK);
    uint8_t *b = data;
    for (size_t at = 8; at < 33; at++) {
        b[at] ^= 0x81;
        ds_put("c/1.png", b, n);
        ds_bad(ALL, "c/1.png: cannot be decoded at byte");
        b[at] ^= 0x81;
    }
    for (size_t at = 16; at < 29; at++) /* a valid checksum over a wrong header */
        for (int bit = 0; bit < 8; bit++) {
            b[at] ^= (uint8_t)(1 << bit);
            png_uint_32 crc = (png_uint_32)crc32(crc32(0, NULL, 0), b + 12, 17);
            uint8_t was[4];
            memcpy(was, b + 29, 4);
            png_save_uint_32(b + 29, crc);
            ds_put("c/1.png", b, n);
            ck_assert(!ds_try(ALL) || ds.status == RN_EDATA);
            refused += ds.status != RN_OK;
            memcpy(b + 29, was, 4);
            b[at] ^= (uint8_t)(1 << bit);
        }
    ck_assert_int_gt(refused, 80); /* libpng forgives rows that are longer than the image */
    for (size_t cut = 0; cut < n; cut++) {
        ds_put("c/1.png", b, cut);
        ds_bad(ALL, cut < 8 ? "no PNG, PGM or PPM file" : "it is cut off");
    }
    mem_free(data);
}
END_TEST

START_TEST(claims)
{
    static uint8_t rows[4];

    ds_folder("c");
    put("c/1.png", &(struct picture){1, 1, 8, PNG_COLOR_TYPE_GRAY, .rows = rows});
    uint64_t n;
    void *data;
    ck_assert_int_eq(file_read(ds_path("c/1.png"), 4096, &data, &n), RN_OK);
    uint8_t *b = data;
    png_save_uint_32(b + 16, 16384);
    png_save_uint_32(b + 20, 16384);
    png_save_uint_32(b + 29, (png_uint_32)crc32(crc32(0, NULL, 0), b + 12, 17));
    ds_put("c/1.png", b, n);
    ds_bad(ALL, "claims 16384 x 16384 pixels, more than");
    png_save_uint_32(b + 16, 16385);
    png_save_uint_32(b + 29, (png_uint_32)crc32(crc32(0, NULL, 0), b + 12, 17));
    ds_put("c/1.png", b, n);
    ds_bad(ALL, "cannot be decoded");
    mem_free(data);
    unlink(ds_path("c/1.png"));
    ds_put_text("c/1.png", "");
    ck_assert_int_eq(truncate(ds_path("c/1.png"), 1LL << 32), 0); /* sparse */
    ds_bad(ALL, "more than the");
}
END_TEST

START_TEST(memory)
{
    put_set();
    ds_no_memory(ALL);
}
END_TEST

START_TEST(damage)
{
    put_set();
    put_rgb("train/cat/a.PNG", 3, 2, 0);
    ds_damage(WITH("channels: gray"), "train/cat/a.PNG", 3000);
    ds_damage(ALL, "test/dog/1.png", 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("image_folder");
    TCase *t = tcase_create("files");

    tcase_add_checked_fixture(t, setup, ds_teardown);
    tcase_add_test(t, folders);
    tcase_add_test(t, fingerprint);
    tcase_add_test(t, kinds);
    tcase_add_test(t, interlaced);
    tcase_add_test(t, options);
    tcase_add_test(t, wrong_folders);
    tcase_add_test(t, wrong_images);
    tcase_add_test(t, wrong_headers);
    tcase_add_test(t, claims);
    tcase_add_test(t, memory);
    tcase_add_test(t, damage);
    suite_add_tcase(s, t);
    return suite_run(s);
}
