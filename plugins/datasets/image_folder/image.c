/* image.c - decodes PNG by libpng and PNM by itself. Everything that libpng needs comes from the
 * host; its errors come back by longjmp to the function that called it, and every such function
 * holds nothing that would be lost. */
#include "image.h"

#include <ctype.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#define MAX_BYTES   ((uint64_t)1 << 26) /* of a file, and of any piece that libpng asks for */
#define MAX_DEFLATE 1032                /* bytes that one compressed byte can become */

/* ---- PNG --------------------------------------------------------------------- */

struct decoder {
    const char *path;
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t n, at;
    int64_t width, height;
    bool colour, out_of_memory;
    char why[160];
};

static void *decoder_alloc(png_structp png, png_alloc_size_t bytes)
{
    struct decoder *d = png_get_mem_ptr(png);
    void *p = rn_host->alloc(bytes);

    d->out_of_memory = d->out_of_memory || !p;
    return p;
}

static void decoder_free(png_structp png, void *p)
{
    (void)png;
    rn_host->free(p);
}

static void decoder_error(png_structp png, const char *message)
{
    struct decoder *d = png_get_error_ptr(png);

    snprintf(d->why, sizeof d->why, "%s", message);
    png_longjmp(png, 1);
}

static void decoder_warning(png_structp png, const char *message)
{
    (void)png;
    (void)message;
}

static void decoder_read(png_structp png, png_bytep out, size_t n)
{
    struct decoder *d = png_get_io_ptr(png);

    if (n > d->n - d->at)
        png_error(png, "it is cut off");
    memcpy(out, d->bytes + d->at, n);
    d->at += n;
}

static int no_memory(const char *path) { return RN_FAIL(RN_ENOMEM, "%s: out of memory", path); }

static int decoder_failed(const struct decoder *d)
{
    if (d->out_of_memory)
        return no_memory(d->path);
    return RN_FAIL(RN_EDATA, "%s: cannot be decoded at byte %llu: %s; get or make it again",
                   d->path, (unsigned long long)d->at, d->why);
}

static int decoder_header(struct decoder *d)
{
    if (setjmp(png_jmpbuf(d->png)))
        return decoder_failed(d);
    png_set_user_limits(d->png, IMAGE_SIDE_MAX, IMAGE_SIDE_MAX);
    png_set_chunk_malloc_max(d->png, MAX_BYTES);
    png_set_read_fn(d->png, d, decoder_read);
    png_read_info(d->png, d->info);
    d->width = png_get_image_width(d->png, d->info);
    d->height = png_get_image_height(d->png, d->info);
    d->colour = png_get_color_type(d->png, d->info) & PNG_COLOR_MASK_COLOR;
    if (png_get_rowbytes(d->png, d->info) > MAX_DEFLATE * d->n / (size_t)d->height)
        return RN_FAIL(RN_EDATA, "%s: claims %lld x %lld pixels, more than %zu bytes can hold",
                       d->path, (long long)d->height, (long long)d->width, d->n);
    return RN_OK;
}

/* Whatever the file holds as eight bits of red, green, blue and alpha. */
static void rows_read(struct decoder *d, uint8_t *rgba)
{
    png_set_expand(d->png);
    png_set_scale_16(d->png);
    png_set_gray_to_rgb(d->png);
    png_set_add_alpha(d->png, 0xff, PNG_FILLER_AFTER);
    int passes = png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    if (png_get_rowbytes(d->png, d->info) != 4 * (size_t)d->width)
        png_error(d->png, "unexpected size of a row");
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < d->height; y++)
            png_read_row(d->png, rgba + y * 4 * d->width, NULL);
    png_read_end(d->png, NULL);
}

static int decoder_pixels(struct decoder *d, uint8_t *rgba)
{
    if (setjmp(png_jmpbuf(d->png)))
        return decoder_failed(d);
    rows_read(d, rgba);
    return RN_OK;
}

static int decoder_open(struct decoder *d)
{
    d->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, d, decoder_error, decoder_warning, d,
                                      decoder_alloc, decoder_free);
    d->info = d->png ? png_create_info_struct(d->png) : NULL;
    return d->info ? decoder_header(d) : no_memory(d->path);
}

static int png_open(struct image *m)
{
    struct decoder *d = rn_host->alloc(sizeof *d);

    if (!d)
        return no_memory(m->path);
    m->png = d;
    *d = (struct decoder){.path = m->path, .bytes = m->bytes, .n = m->n};
    RN_TRY(decoder_open(d));
    m->height = d->height;
    m->width = d->width;
    m->colour = d->colour;
    return RN_OK;
}

/* ---- PNM: https://netpbm.sourceforge.net/doc/pgm.html ------------------------ */

/* The next number of the header, behind blanks and comments; -1: there is none. */
static int64_t pnm_number(struct image *m)
{
    int64_t v = -1;

    while (m->at < m->n && (isspace(m->bytes[m->at]) || m->bytes[m->at] == '#')) {
        bool comment = m->bytes[m->at++] == '#';
        while (comment && m->at < m->n && m->bytes[m->at] != '\n')
            m->at++;
    }
    for (; m->at < m->n && isdigit(m->bytes[m->at]) && v < INT32_MAX; m->at++)
        v = (v < 0 ? 0 : v) * 10 + (m->bytes[m->at] - '0');
    return v;
}

static int64_t pnm_sample_bytes(const struct image *m) { return m->max > 255 ? 2 : 1; }

static int pnm_open(struct image *m)
{
    m->colour = m->bytes[1] == '6';
    m->at = 2;
    m->width = pnm_number(m);
    m->height = pnm_number(m);
    m->max = pnm_number(m);
    if (m->width < 1 || m->height < 1 || m->max < 1 || m->max > 65535)
        return RN_FAIL(RN_EDATA, "%s: the header of this PNM file is damaged", m->path);
    if (m->width > IMAGE_SIDE_MAX || m->height > IMAGE_SIDE_MAX)
        return RN_FAIL(RN_EDATA, "%s: claims %lld x %lld pixels, more than %d a side", m->path,
                       (long long)m->height, (long long)m->width, IMAGE_SIDE_MAX);
    m->at++; /* one blank */
    uint64_t want = (uint64_t)(m->width * m->height * pnm_sample_bytes(m) * (m->colour ? 3 : 1));
    if (m->at > m->n || m->n - m->at < want)
        return RN_FAIL(RN_EDATA,
                       "%s: %lld x %lld pixels take %llu bytes, but %llu are there: it "
                       "is cut off",
                       m->path, (long long)m->height, (long long)m->width, (unsigned long long)want,
                       (unsigned long long)(m->at > m->n ? 0 : m->n - m->at));
    return RN_OK;
}

static uint8_t pnm_sample(const struct image *m, int64_t i)
{
    const uint8_t *p = m->bytes + m->at + i * pnm_sample_bytes(m);
    int64_t v = m->max > 255 ? p[0] << 8 | p[1] : p[0];

    return (uint8_t)(((v > m->max ? m->max : v) * 255 + m->max / 2) / m->max);
}

static void pnm_pixels(const struct image *m, uint8_t *rgba)
{
    for (int64_t i = 0; i < m->height * m->width; i++) {
        for (int c = 0; c < 3; c++)
            *rgba++ = pnm_sample(m, m->colour ? 3 * i + c : i);
        *rgba++ = 255;
    }
}

/* ---- either ------------------------------------------------------------------ */

int image_open(struct image *m)
{
    void *data;

    RN_TRY(rn_host->read_file(m->path, MAX_BYTES, &data, &m->n));
    m->bytes = data;
    if (m->n >= 8 && !png_sig_cmp(m->bytes, 0, 8))
        return png_open(m);
    if (m->n >= 3 && m->bytes[0] == 'P' && (m->bytes[1] == '5' || m->bytes[1] == '6') &&
        (isspace(m->bytes[2]) || m->bytes[2] == '#'))
        return pnm_open(m);
    return RN_FAIL(RN_EUNSUPPORTED, "%s: no PNG, PGM or PPM file: it does not begin as one",
                   m->path);
}

int image_pixels(struct image *m, uint8_t *rgba)
{
    if (m->png)
        return decoder_pixels(m->png, rgba);
    pnm_pixels(m, rgba);
    return RN_OK;
}

void image_close(struct image *m)
{
    struct decoder *d = m->png;

    if (d)
        png_destroy_read_struct(d->png ? &d->png : NULL, &d->info, NULL);
    rn_host->free(d);
    rn_host->free((void *)(uintptr_t)m->bytes);
    *m = (struct image){0};
}
