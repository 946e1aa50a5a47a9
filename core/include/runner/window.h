/* window.h - what layers with a window that slides over images share: their options, checked, and
 * the shape that comes out. Messages name the layer. */
#ifndef RN_WINDOW_H
#define RN_WINDOW_H

#include "layer.h"

enum { RN_WINDOW_MAX = 4096 };        /* of kernels, strides, paddings and dilations */
enum { RN_PADDING_SAME = INT32_MIN }; /* the output is as large as the input */
struct rn_window_options {   /* one value, or height and width; a count of 0: as `fallback` */
    const char *layer;       /* "conv2d" */
    const char *kernel_name; /* of its option: "kernel" */
    struct rn_ints kernel;   /* required */
    struct rn_ints stride;   /* none: the kernel's */
    struct rn_ints padding;  /* none: 0 */
    struct rn_ints dilation; /* none: 1 */
    bool half_padding;       /* padding may be half the kernel at most */
};

/* Value i of the option: of height (0) or width (1). */
static inline int rn_window_value_(const struct rn_window_options *o, const char *name,
                                   const struct rn_ints *list, int i, int64_t least,
                                   int64_t fallback, int32_t *out)
{
    int64_t v = !list->count ? fallback : list->at[list->count > 1 ? i : 0];

    if ((v < least || v > RN_WINDOW_MAX) && !(v == RN_PADDING_SAME && list == &o->padding))
        return RN_FAIL(RN_EINVAL, "'%s' is %lld, expected %lld to %d", name, (long long)v,
                       (long long)least, (int)RN_WINDOW_MAX);
    *out = (int32_t)v;
    return RN_OK;
}

/* One axis: what comes out of `size` elements, and the padding behind them. */
static inline int rn_window_axis_(const struct rn_window_options *o, int64_t size, int i,
                                  int32_t *kernel, int32_t *stride, int32_t *dilation,
                                  int32_t *before, int32_t *after, int32_t *out)
{
    const char *axis = i ? "width" : "height";

    RN_TRY(rn_window_value_(o, o->kernel_name, &o->kernel, i, 1, 1, kernel));
    RN_TRY(rn_window_value_(o, "stride", &o->stride, i, 1, *kernel, stride));
    RN_TRY(rn_window_value_(o, "dilation", &o->dilation, i, 1, 1, dilation));
    RN_TRY(rn_window_value_(o, "padding", &o->padding, i, 0, 0, before));
    int32_t reach = (*kernel - 1) * *dilation + 1;

    *after = *before;
    if (o->half_padding && *before > *kernel / 2)
        return RN_FAIL(RN_EINVAL,
                       "'padding' is %d, at most half of '%s' is allowed, %d, so that each window "
                       "has something of the image",
                       (int)*before, o->kernel_name, (int)(*kernel / 2));
    if (*before == RN_PADDING_SAME && *stride > 1)
        return RN_FAIL(RN_EINVAL,
                       "'padding: same' needs a stride of 1, and it is %d: write the padding as "
                       "a number, %d for half the kernel",
                       (int)*stride, (int)(reach / 2));
    if (*before == RN_PADDING_SAME) { /* PyTorch puts the odd one behind */
        *before = (reach - 1) / 2;
        *after = reach - 1 - *before;
    }
    if (*stride < 1)
        return RN_FAIL(RN_EINVAL, "a stride of %d, expected 1 or more", (int)*stride);
    if (size + *before + *after < reach)
        return RN_FAIL(
            RN_ESHAPE,
            "the window covers %d of the %s, and the image has %lld with padding: "
            "make '%s' smaller or 'padding' larger, or leave out a pooling layer before it",
            (int)reach, axis, (long long)(size + *before + *after), o->kernel_name);
    *out = (int32_t)((size + *before + *after - reach) / *stride) + 1;
    return RN_OK;
}

/* RN_ESHAPE when in is no image, or smaller than the window; RN_EINVAL. */
static inline int rn_window_of(const struct rn_window_options *o, const struct rn_shape *in,
                               struct rn_window *w)
{
    *w = (struct rn_window){.h = 0};
    if (in->rank != 3 || !in->channels)
        return RN_FAIL(RN_ESHAPE,
                       "%s needs an image, channels x height x width, and this input has %d "
                       "dimension%s: put it before flatten and dense layers",
                       o->layer, (int)in->rank, in->rank == 1 ? "" : "s");
    if (in->dim[0] > INT32_MAX - 2 * RN_WINDOW_MAX || in->dim[1] > INT32_MAX - 2 * RN_WINDOW_MAX)
        return RN_FAIL(RN_ESHAPE, "the image is too large");
    *w = (struct rn_window){
        .h = (int32_t)in->dim[0], .w = (int32_t)in->dim[1], .channels = (int32_t)in->dim[2]};
    RN_TRY(rn_window_axis_(o, in->dim[0], 0, &w->kernel_h, &w->stride_h, &w->dilation_h,
                           &w->pad_top, &w->pad_bottom, &w->out_h));
    return rn_window_axis_(o, in->dim[1], 1, &w->kernel_w, &w->stride_w, &w->dilation_w,
                           &w->pad_left, &w->pad_right, &w->out_w);
}

/* kernel_shape, strides, pads and dilations of ONNX; returns how many. */
static inline int32_t rn_window_attributes(const struct rn_window *w, struct rn_attribute out[4])
{
    out[0] = (struct rn_attribute){.name = "kernel_shape",
                                   .type = RN_ATTRIBUTE_INTS,
                                   .n = 2,
                                   .at = {w->kernel_h, w->kernel_w}};
    out[1] = (struct rn_attribute){
        .name = "strides", .type = RN_ATTRIBUTE_INTS, .n = 2, .at = {w->stride_h, w->stride_w}};
    out[2] = (struct rn_attribute){.name = "pads",
                                   .type = RN_ATTRIBUTE_INTS,
                                   .n = 4,
                                   .at = {w->pad_top, w->pad_left, w->pad_bottom, w->pad_right}};
    out[3] = (struct rn_attribute){.name = "dilations",
                                   .type = RN_ATTRIBUTE_INTS,
                                   .n = 2,
                                   .at = {w->dilation_h, w->dilation_w}};
    return 4;
}

static inline struct rn_shape rn_image_shape(int64_t h, int64_t w, int64_t channels)
{
    return (struct rn_shape){.rank = 3, .channels = (int32_t)channels, .dim = {h, w, channels}};
}

#endif
