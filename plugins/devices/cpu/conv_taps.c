/* conv_taps.c - the gradient of a convolution's weights by matrix products, one for each tap of the
 * kernel: what tap (i, j) reads of an image is the whole image, moved by i rows and j pixels. The
 * gradient of the output is spread to the width of the padded image, with zeros between its rows,
 * so that both have the same step from pixel to pixel, and a product sums over all of them:
 *
 *   dw[i, j] [channels, filters] += x moved by (i, j) [pixels, channels]' * dy [pixels, filters]
 *
 * Where the processor has no AVX-512, oneDNN's own kernel reaches two thirds of the speed of a
 * product, and this nine tenths of it, less the zeros. */
#include "cpu.h"

#include <oneapi/dnnl/dnnl.h>
#include <string.h>

#define FEW    8   /* channels or filters that make no product worth its call */
#define PIXELS 100 /* fewer, and the time goes into reading and writing the sums */

static int64_t wide(const struct rn_window *w) { return w->w + w->pad_left + w->pad_right; }

static int64_t high(const struct rn_window *w) { return w->h + w->pad_top + w->pad_bottom; }

static bool pads(const struct rn_window *w)
{
    return w->pad_top || w->pad_left || w->pad_bottom || w->pad_right;
}

bool taps_fit(const struct rn_conv *c, const char *forced)
{
    const struct rn_window *w = &c->window;

    if (c->pass != RN_CONV_GRAD_WEIGHT || c->groups != 1 || w->stride_h != 1 || w->stride_w != 1)
        return false;
    if (forced)
        return *forced == '1';
    return w->channels >= FEW && c->filters >= FEW && (int64_t)w->out_h * w->out_w >= PIXELS &&
           !__builtin_cpu_supports("avx512f");
}

int64_t taps_room_x(const struct rn_conv *c)
{
    return pads(&c->window) ? high(&c->window) * wide(&c->window) * c->window.channels : 0;
}

int64_t taps_room_y(const struct rn_conv *c)
{
    return c->window.out_h * wide(&c->window) * c->filters;
}

/* n rows of an image to rows that are `pitch` values apart; what lies between stays zero */
static void spread(const rn_real *from, int64_t n, int64_t width, int64_t pitch, rn_real *to)
{
    for (int64_t i = 0; i < n; i++)
        memcpy(to + i * pitch, from + i * width, (size_t)width * sizeof *to);
}

static int add_image(const struct rn_conv *c, const rn_real *x, const rn_real *dy, bool first,
                     rn_real *dw)
{
    const struct rn_window *w = &c->window;
    int64_t pixels = (w->out_h - 1) * wide(w) + w->out_w, tap = w->channels * c->filters;

    for (int64_t i = 0; i < w->kernel_h; i++)
        for (int64_t j = 0; j < w->kernel_w; j++, dw += tap) {
            int64_t moved = i * w->dilation_h * wide(w) + j * w->dilation_w;
            if (dnnl_sgemm('T', 'N', w->channels, c->filters, pixels, 1.f, x + moved * w->channels,
                           w->channels, dy, c->filters, first ? 0.f : 1.f, dw,
                           c->filters) != dnnl_success)
                return RN_EDEVICE;
        }
    return RN_OK;
}

int taps_run(const struct rn_conv *c, int64_t row, int64_t rows, rn_real *room_x, rn_real *room_y,
             rn_real *dw)
{
    const struct rn_window *w = &c->window;
    int64_t line = (int64_t)w->w * w->channels, y_line = (int64_t)w->out_w * c->filters;

    for (int64_t r = row; r < row + rows; r++) {
        const rn_real *x = c->x + r * rn_values_in(w);

        if (pads(w)) {
            spread(x, w->h, line, wide(w) * w->channels,
                   room_x + (w->pad_top * wide(w) + w->pad_left) * w->channels);
            x = room_x;
        }
        spread(c->y + r * rn_values_out(w, c->filters), w->out_h, y_line, wide(w) * c->filters,
               room_y);
        RN_TRY(add_image(c, x, room_y, r == row, dw));
    }
    return RN_OK;
}
