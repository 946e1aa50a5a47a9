/* picture.h - small pictures of a report: made small enough for a page, and as PNG in memory.
 * Pixels are bytes row by row, of 1 (grey) or 3 (red, green, blue) channels; a PNG may have one
 * more that says how solid they are. */
#ifndef REPORT_PICTURE_H
#define REPORT_PICTURE_H

#include "base/mem.h"

struct picture {
    int64_t w, h, channels;
    const uint8_t *pixels;
};

#define PICTURE_SIDE 64 /* pixels a side that are kept */

/* How large it is once no side is longer than PICTURE_SIDE. */
void picture_size(int64_t w, int64_t h, int64_t *to_w, int64_t *to_h);
/* Into pixels of that size: means over equal blocks. */
void picture_shrink(uint8_t *to, const uint8_t *from, int64_t w, int64_t h, int64_t channels);

/* A whole file of *bytes, from mem_alloc; NULL: out of memory. */
uint8_t *picture_png(const struct picture *p, size_t *bytes);
/* path: for messages. *pixels, which are out's, are to be freed by mem_free(). RN_EDATA. */
int picture_read(const void *png, size_t bytes, const char *path, struct picture *out,
                 uint8_t **pixels);

#endif
