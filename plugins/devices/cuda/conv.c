/* conv.c - convolutions as products with the matrix of what each window sees, for as many images at
 * a time as its memory holds. Where a window is one value, the image is that matrix.
 *
 *   col [images * out_h * out_w, groups, K = kernel_h * kernel_w * channels / groups]
 *   forward      y = col w + bias      to the input      col = y w', x = what col2im adds up
 *   to the weights      w = col' y, summed over the images in their order */
#include "cuda.h"

/* ---- sizes ------------------------------------------------------------------------------- */

static int64_t places(const struct rn_window *w) { return (int64_t)w->out_h * w->out_w; }

static int64_t row_of_col(const struct rn_conv *c) /* values in a row of col, of all groups */
{
    return (int64_t)c->window.kernel_h * c->window.kernel_w * c->window.channels;
}

int64_t conv_matrix_values(const struct rn_conv *c) { return places(&c->window) * row_of_col(c); }

static bool is_its_own_matrix(const struct rn_window *w)
{
    return w->kernel_h == 1 && w->kernel_w == 1 && w->stride_h == 1 && w->stride_w == 1 &&
           w->out_h == w->h && w->out_w == w->w && !w->pad_top && !w->pad_left;
}

int conv_prepare(struct cuda *c, struct op *op)
{
    const struct rn_conv *v = &op->does.conv;
    int64_t image = conv_matrix_values(v) * (int64_t)sizeof(float);

    op->images = v->rows;
    if (is_its_own_matrix(&v->window))
        return RN_OK;
    if (op->images > c->conv_bytes / image)
        op->images = c->conv_bytes / image > 1 ? c->conv_bytes / image : 1;
    return scratch_take(c, (size_t)(op->images * image), &op->col);
}

/* ---- products ------------------------------------------------------------------------------ */

/* One for each group: `images` images whose part of col and of y is given. */
static int products(struct cuda *c, const struct rn_conv *v, rn_real *col, rn_real *y,
                    int64_t images, rn_real beta)
{
    const int64_t m = images * places(&v->window), all = row_of_col(v), k = all / v->groups;
    const int64_t filters = v->filters / v->groups;
    struct products p = {.count = v->groups};

    switch (v->pass) {
    case RN_CONV_FORWARD:
        p.one = (struct rn_gemm){.m = m, .n = filters, .k = k, .a = col, .b = v->w, .c = y};
        p.one.lda = all;
        p.one.ldb = p.one.ldc = v->filters;
        p.next_a = k;
        p.next_b = p.next_c = filters;
        break;
    case RN_CONV_GRAD_INPUT:
        p.one = (struct rn_gemm){.m = m, .n = k, .k = filters, .a = y, .b = v->w, .c = col};
        p.one.tb = 1;
        p.one.lda = p.one.ldb = v->filters;
        p.one.ldc = all;
        p.next_a = p.next_b = filters;
        p.next_c = k;
        break;
    default:
        p.one = (struct rn_gemm){.m = k, .n = filters, .k = m, .a = col, .b = y, .c = v->w};
        p.one.ta = 1;
        p.one.lda = all;
        p.one.ldb = p.one.ldc = v->filters;
        p.next_a = k;
        p.next_b = p.next_c = filters;
    }
    p.one.beta = beta;
    return products_launch(c, &p);
}

/* ---- the kernels between ------------------------------------------------------------------- */

static int im2col(struct cuda *c, const struct op *op, const rn_real *x, int64_t images)
{
    struct rn_conv v = op->does.conv;
    int64_t n = images * conv_matrix_values(&v);
    uint32_t tag = op->does.tag;
    rn_real *col = op->col;
    void *args[] = {&c->mark, &tag, &n, &v.window, &v.groups, &x, &col};

    return launch(c, c->kernel[K_IM2COL], ceil_div(n, THREADS), 1, args);
}

static int col2im(struct cuda *c, const struct op *op, rn_real *x, int64_t images)
{
    struct rn_conv v = op->does.conv;
    int64_t n = images * rn_values_in(&v.window);
    uint32_t tag = op->does.tag;
    rn_real *col = op->col;
    void *args[] = {&c->mark, &tag, &n, &v.window, &v.groups, &col, &x, &v.beta};

    return launch(c, c->kernel[K_COL2IM], ceil_div(n, THREADS), 1, args);
}

static int add_bias(struct cuda *c, const struct op *op)
{
    struct rn_conv v = op->does.conv;
    int64_t n = v.rows * rn_values_out(&v.window, v.filters);
    uint32_t tag = op->does.tag;
    void *args[] = {&c->mark, &tag, &n, &v.filters, &v.bias, &v.y};

    return v.bias ? launch(c, c->kernel[K_ADD_BIAS], ceil_div(n, THREADS), 1, args) : RN_OK;
}

/* ---- some images at a time ------------------------------------------------------------------- */

static int some_images(struct cuda *c, const struct op *op, int64_t first, int64_t images)
{
    const struct rn_conv *v = &op->does.conv;
    rn_real *x = v->x + first * rn_values_in(&v->window);
    rn_real *y = v->y + first * rn_values_out(&v->window, v->filters);
    rn_real *col = op->col ? op->col : x;

    if (v->pass == RN_CONV_GRAD_INPUT) {
        RN_TRY(products(c, v, col, y, images, op->col ? 0 : v->beta));
        return op->col ? col2im(c, op, x, images) : RN_OK;
    }
    if (op->col)
        RN_TRY(im2col(c, op, x, images));
    return products(c, v, col, y, images, v->pass == RN_CONV_FORWARD ? 0 : first ? 1 : v->beta);
}

int conv_launch(struct cuda *c, const struct op *op)
{
    const struct rn_conv *v = &op->does.conv;

    for (int64_t first = 0; first < v->rows; first += op->images) {
        int64_t left = v->rows - first;
        RN_TRY(some_images(c, op, first, left < op->images ? left : op->images));
    }
    return v->pass == RN_CONV_FORWARD ? add_bias(c, op) : RN_OK;
}
