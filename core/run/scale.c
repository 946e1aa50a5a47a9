/* scale.c - images of another size: one axis after the other, with weights of a triangle. */
#include "samples.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

/* n values, stride apart, into to_n of them. */
static void scale_line(const float *from, int64_t n, float *to, int64_t to_n, int64_t stride)
{
    const double step = (double)n / (double)to_n, support = step > 1 ? step : 1;

    for (int64_t i = 0; i < to_n; i++) {
        double centre = ((double)i + 0.5) * step, sum = 0, weights = 0;
        int64_t first = (int64_t)fmax(0, floor(centre - support));
        int64_t end = (int64_t)fmin((double)n, ceil(centre + support));

        for (int64_t k = first; k < end; k++) {
            double weight = fmax(0, 1 - fabs((double)k + 0.5 - centre) / support);
            sum += weight * (double)from[k * stride];
            weights += weight;
        }
        to[i * stride] = (float)(sum / weights);
    }
}

int scale_image(const float *from, int64_t h, int64_t w, int64_t channels, float *to, int64_t to_h,
                int64_t to_w)
{
    float *wide = mem_array((size_t)(h * to_w * channels), sizeof *wide);

    if (!wide)
        return RN_ENOMEM;
    for (int64_t y = 0; y < h; y++)
        for (int64_t c = 0; c < channels; c++)
            scale_line(from + y * w * channels + c, w, wide + y * to_w * channels + c, to_w,
                       channels);
    for (int64_t x = 0; x < to_w * channels; x++)
        scale_line(wide + x, h, to + x, to_h, to_w * channels);
    mem_free(wide);
    return RN_OK;
}
