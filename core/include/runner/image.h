/* image.h - reads an image between its pixels: for augmentations that turn, stretch or bend it. */
#ifndef RN_IMAGE_H
#define RN_IMAGE_H

#include "device.h"

#include <math.h>

static inline int32_t rn_image_clamp_(int32_t v, int32_t n)
{
    v = v < 0 ? 0 : v;
    return v < n ? v : n - 1;
}

/* Channel k of n pixels; without a branch, so that it becomes vectors and gathers. */
__attribute__((always_inline)) static inline void
rn_image_channel_(const float *restrict in, int32_t h, int32_t w, int32_t channels, int32_t k,
                  const float *restrict xs, const float *restrict ys, int32_t n, float fill,
                  float *restrict out)
{
    /* all beyond is as far outside; no constants, for which gcc 12 would make branches */
    const float left = (float)-w - 1, right = (float)w, top = (float)-h - 1, bottom = (float)h;

    for (int32_t i = 0; i < n; i++) {
        float x = xs[i] < right ? xs[i] : right, y = ys[i] < bottom ? ys[i] : bottom;
        x = x > left ? x : left;
        y = y > top ? y : top;
        float column = floorf(x), line = floorf(y), fx = x - column, fy = y - line;
        int32_t x0 = (int32_t)column, y0 = (int32_t)line, x1 = x0 + 1, y1 = y0 + 1;
        int32_t has_x0 = (x0 >= 0) & (x0 < w), has_x1 = (x1 >= 0) & (x1 < w);
        int32_t has_y0 = (y0 >= 0) & (y0 < h), has_y1 = (y1 >= 0) & (y1 < h);
        int32_t at0 = rn_image_clamp_(y0, h) * w, at1 = rn_image_clamp_(y1, h) * w;
        x0 = rn_image_clamp_(x0, w);
        x1 = rn_image_clamp_(x1, w);
        float a = in[(at0 + x0) * channels + k], b = in[(at0 + x1) * channels + k];
        float c = in[(at1 + x0) * channels + k], d = in[(at1 + x1) * channels + k];
        a = has_y0 & has_x0 ? a : fill;
        b = has_y0 & has_x1 ? b : fill;
        c = has_y1 & has_x0 ? c : fill;
        d = has_y1 & has_x1 ? d : fill;
        float upper = a + fx * (b - a), lower = c + fx * (d - c);

        out[i * channels + k] = upper + fy * (lower - upper);
    }
}

/* n pixels of out [n, channels], each out of the four about column xs[i], row ys[i] of the image
 * in [h, w, channels], which has fewer than 2^31 values: bilinear, 0 is the centre of the first
 * pixel, outside of the image is fill. As torch.nn.functional.grid_sample, but for the fill. */
RN_CLONES static void rn_image_read(const float *restrict in, int32_t h, int32_t w,
                                    int32_t channels, const float *restrict xs,
                                    const float *restrict ys, int32_t n, float fill,
                                    float *restrict out)
{
    if (channels == 1) /* neighbours in memory */
        rn_image_channel_(in, h, w, 1, 0, xs, ys, n, fill, out);
    for (int32_t k = 0; channels > 1 && k < channels; k++)
        rn_image_channel_(in, h, w, channels, k, xs, ys, n, fill, out);
}

/* How many lines rn_image_map() works on together: enough for vectors, not too many for the cache.
 */
static inline int32_t rn_image_lines_(int64_t h, int64_t w)
{
    int64_t n = 1024 / w < 1 ? 1 : 1024 / w;

    return (int32_t)(n < h ? n : h);
}

/* So many floats of scratch does rn_image_map() need. */
static inline int64_t rn_image_map_scratch(int64_t h, int64_t w)
{
    return 2 * rn_image_lines_(h, w) * w;
}

/* The whole image: what stands at (dx, dy) from the centre comes from (to_x[0] dx + to_x[1] dy,
 * to_y[0] dx + to_y[1] dy), x to the right, y down. */
static inline void rn_image_map(const float *in, int32_t h, int32_t w, int32_t channels,
                                const float to_x[2], const float to_y[2], float fill,
                                float *scratch, float *out)
{
    const int32_t lines = rn_image_lines_(h, w);
    const float cx = (float)(w - 1) / 2, cy = (float)(h - 1) / 2;
    const float xx = to_x[0], xy = to_x[1], yx = to_y[0], yy = to_y[1];
    float *xs = scratch, *ys = scratch + (int64_t)lines * w;

    for (int32_t y = 0; y < h; y += lines) {
        int32_t end = y + lines < h ? y + lines : h, n = 0;

        for (int32_t line = y; line < end; line++)
            for (int32_t x = 0; x < w; x++, n++) {
                float dx = (float)x - cx, dy = (float)line - cy;

                xs[n] = cx + (xx * dx + xy * dy);
                ys[n] = cy + (yx * dx + yy * dy);
            }
        rn_image_read(in, h, w, channels, xs, ys, n, fill, out + (int64_t)y * w * channels);
    }
}

#endif
