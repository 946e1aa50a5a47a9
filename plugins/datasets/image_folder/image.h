/* image.h - one image file, PNG or PNM (PGM and PPM of bytes, P5 and P6), as eight bits of red,
 * green, blue and alpha. */
#ifndef IMAGE_H
#define IMAGE_H

#include <runner/abi.h>

#define IMAGE_SIDE_MAX 16384

struct image {
    const char *path; /* set before image_open() */
    const uint8_t *bytes;
    uint64_t n;
    int64_t height, width;
    bool colour;
    void *png;   /* what decodes it; NULL: PNM, */
    uint64_t at; /* whose pixels begin here */
    int64_t max; /* and mean white by this */
};

/* Reads the file and its header. RN_EUNSUPPORTED: neither PNG nor PNM. RN_EDATA. To be closed in
 * any case. */
int image_open(struct image *m);
/* Once: height x width x 4 bytes. */
int image_pixels(struct image *m, uint8_t *rgba);
void image_close(struct image *m);

#endif
