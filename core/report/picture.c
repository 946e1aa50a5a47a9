/* picture.c - small pictures of a report: made small enough for a page, and as PNG in memory. */
#include "picture.h"

#include "base/error.h"

#include <png.h>
#include <string.h>
#include <zlib.h>

#define PIXELS_MAX (16 << 20) /* of a file that is read */

/* ---- small enough --------------------------------------------------------- */

/* Pixels along a side that become one. */
static int64_t block(int64_t longer, int64_t side)
{
    int64_t k = (longer + PICTURE_SIDE - 1) / PICTURE_SIDE;

    return k < side ? k : side; /* of a thin strip one row is left */
}

void picture_size(int64_t w, int64_t h, int64_t *to_w, int64_t *to_h)
{
    int64_t longer = w > h ? w : h;

    *to_w = w / block(longer, w);
    *to_h = h / block(longer, h);
}

void picture_shrink(uint8_t *to, const uint8_t *from, int64_t w, int64_t h, int64_t channels)
{
    int64_t longer = w > h ? w : h, kx = block(longer, w), ky = block(longer, h);

    for (int64_t y = 0; y + ky <= h; y += ky)
        for (int64_t x = 0; x + kx <= w; x += kx)
            for (int64_t c = 0; c < channels; c++) {
                int64_t sum = 0;
                for (int64_t i = 0; i < kx * ky; i++)
                    sum += from[((y + i / kx) * w + x + i % kx) * channels + c];
                *to++ = (uint8_t)(sum / (kx * ky));
            }
}

/* ---- PNG ------------------------------------------------------------------ */

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static size_t put_chunk(uint8_t *out, const char *type, const uint8_t *data, size_t n)
{
    put_u32(out, (uint32_t)n);
    memcpy(out + 4, type, 4);
    if (n)
        memmove(out + 8, data, n);
    put_u32(out + 8 + n, (uint32_t)crc32(0, out + 4, (uInt)(n + 4)));
    return n + 12;
}

/* Each row behind a 0: no filter, which is best for pictures as small as these. */
static uint8_t *filtered(const struct picture *p)
{
    size_t row = (size_t)(p->w * p->channels);
    uint8_t *rows = mem_array((size_t)p->h, row + 1);

    for (int64_t y = 0; rows && y < p->h; y++)
        memcpy(rows + (size_t)y * (row + 1) + 1, p->pixels + (size_t)y * row, row);
    return rows;
}

uint8_t *picture_png(const struct picture *p, size_t *bytes)
{
    size_t raw = (size_t)(p->h * (1 + p->w * p->channels));
    uLongf packed = compressBound((uLong)raw);
    static const uint8_t types[] = {0, 0, 4, 2, 6}; /* PNG's number for so many channels */
    uint8_t header[13] = {[8] = 8, [9] = types[p->channels]};
    uint8_t *rows = filtered(p), *png = rows ? mem_alloc(packed + 128) : NULL;

    *bytes = 0;
    if (png) {
        put_u32(header, (uint32_t)p->w);
        put_u32(header + 4, (uint32_t)p->h);
        memcpy(png, "\x89PNG\r\n\x1a\n", 8);
        size_t n = 8 + put_chunk(png + 8, "IHDR", header, sizeof header);
        if (compress2(png + n + 8, &packed, rows, (uLong)raw, 6) == Z_OK) {
            n += put_chunk(png + n, "IDAT", png + n + 8, packed);
            *bytes = n + put_chunk(png + n, "IEND", NULL, 0);
        }
    }
    mem_free(rows);
    if (*bytes)
        return png;
    mem_free(png);
    FAIL(RN_ENOMEM, "out of memory: a picture of the report could not be packed");
    return NULL;
}

int picture_read(const void *png, size_t bytes, const char *path, struct picture *out,
                 uint8_t **pixels)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    static const char damaged[] = "the file is damaged, restore it or remove it";

    *pixels = NULL;
    if (!png_image_begin_read_from_memory(&image, png, bytes))
        return FAIL(RN_EDATA, "%s: no PNG (%s); %s", path, image.message, damaged);
    image.format = image.format & PNG_FORMAT_FLAG_COLOR ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    *out =
        (struct picture){image.width, image.height, PNG_IMAGE_SAMPLE_CHANNELS(image.format), NULL};
    int status = RN_OK;
    if (out->w * out->h > PIXELS_MAX)
        status = FAIL(RN_EDATA, "%s: %lld x %lld pixels are too many; %s", path, (long long)out->w,
                      (long long)out->h, damaged);
    else if (!(*pixels = mem_alloc((size_t)(out->w * out->h * out->channels))))
        status = RN_ENOMEM;
    else if (!png_image_finish_read(&image, &(png_color){0, 0, 0}, *pixels, 0, NULL))
        status = FAIL(RN_EDATA, "%s: %s; %s", path, image.message, damaged);
    png_image_free(&image);
    out->pixels = *pixels;
    if (!status)
        return RN_OK;
    mem_free(*pixels);
    *pixels = NULL;
    return status;
}
