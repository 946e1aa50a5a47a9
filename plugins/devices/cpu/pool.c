/* pool.c - maxima and averages of windows. Each thread does whole images; the innermost loops run
 * over the channels, which lie side by side. */
#include "cpu.h"

enum { CHUNK = 32 }; /* channels that are looked at together */

/* a window or an image along one axis, height or width */
struct side {
    int32_t size, out, kernel, stride, dilation, pad;
};

struct sides {
    struct side y, x;
};

static struct sides sides_of(const struct rn_window *w)
{
    return (struct sides){
        {w->h, w->out_h, w->kernel_h, w->stride_h, w->dilation_h, w->pad_top},
        {w->w, w->out_w, w->kernel_w, w->stride_w, w->dilation_w, w->pad_left},
    };
}

/* the elements of window `out` that lie in the image: i0 to i1 - 1; i stands at at + i * dilation
 */
struct part {
    int32_t at, i0, i1;
};

static inline struct part part_of(const struct side *s, int32_t out)
{
    struct part p = {.at = out * s->stride - s->pad, .i1 = s->kernel};

    if (p.at < 0)
        p.i0 = (-p.at + s->dilation - 1) / s->dilation;
    if (p.at + (s->kernel - 1) * s->dilation >= s->size)
        p.i1 = p.at >= s->size ? 0 : (s->size - p.at + s->dilation - 1) / s->dilation;
    p.i1 = p.i1 < p.i0 ? p.i0 : p.i1;
    return p;
}

/* ---- forward ------------------------------------------------------------------------- */

/* m channels of one window, from those that image points at; m <= CHUNK. NaN is larger than all,
 * and the first of equals stays. where may be NULL. */
static inline void one_maximum(const struct sides *s, const rn_real *image, int32_t n,
                               struct part v, struct part h, int32_t m, rn_real *y, rn_real *where)
{
    rn_real best[CHUNK], found[CHUNK];

    for (int32_t c = 0; c < m; c++) {
        best[c] = -INFINITY;
        found[c] = (rn_real)(v.i0 * s->x.kernel + h.i0);
    }
    for (int32_t i = v.i0; i < v.i1; i++)
        for (int32_t j = h.i0; j < h.i1; j++) {
            int64_t at = (int64_t)(v.at + i * s->y.dilation) * s->x.size + h.at + j * s->x.dilation;
            const rn_real *x = image + at * n, number = (rn_real)(i * s->x.kernel + j);

            for (int32_t c = 0; c < m; c++) {
                int take = !(x[c] <= best[c]) & (best[c] == best[c]);

                best[c] = take ? x[c] : best[c];
                found[c] = take ? number : found[c];
            }
        }
    for (int32_t c = 0; c < m; c++)
        y[c] = best[c];
    for (int32_t c = 0; where && c < m; c++)
        where[c] = found[c];
}

static inline void maxima(const struct sides *s, const rn_real *image, int32_t n, struct part v,
                          struct part h, rn_real *y, rn_real *where)
{
    int32_t c = 0;

    for (; c + CHUNK <= n; c += CHUNK) /* a constant: the best stay in registers */
        one_maximum(s, image + c, n, v, h, CHUNK, y + c, where ? where + c : NULL);
    if (c < n)
        one_maximum(s, image + c, n, v, h, n - c, y + c, where ? where + c : NULL);
}

static inline rn_real share_of(const struct rn_pool *p, const struct sides *s, struct part v,
                               struct part h)
{
    int32_t all = s->y.kernel * s->x.kernel, inside = (v.i1 - v.i0) * (h.i1 - h.i0);

    return 1 / (rn_real)(p->inside_only ? inside ? inside : 1 : all);
}

static inline void one_average(const struct sides *s, const rn_real *image, int32_t n,
                               struct part v, struct part h, rn_real share, rn_real *y)
{
    for (int32_t c = 0; c < n; c++)
        y[c] = 0;
    for (int32_t i = v.i0; i < v.i1; i++)
        for (int32_t j = h.i0; j < h.i1; j++) {
            int64_t at = (int64_t)(v.at + i * s->y.dilation) * s->x.size + h.at + j * s->x.dilation;

            for (int32_t c = 0; c < n; c++)
                y[c] += image[at * n + c];
        }
    for (int32_t c = 0; c < n; c++)
        y[c] *= share;
}

RN_CLONES static void forward(const struct rn_pool *p, int64_t row)
{
    const struct sides s = sides_of(&p->window);
    int32_t n = p->window.channels;
    int64_t outputs = (int64_t)s.y.out * s.x.out * n, at = row * outputs;
    const rn_real *image = p->x + row * s.y.size * s.x.size * n;

    for (int32_t oy = 0; oy < s.y.out; oy++)
        for (int32_t ox = 0; ox < s.x.out; ox++, at += n) {
            struct part v = part_of(&s.y, oy), h = part_of(&s.x, ox);

            if (p->op == RN_POOL_MAX)
                maxima(&s, image, n, v, h, p->y + at, p->where ? p->where + at : NULL);
            else
                one_average(&s, image, n, v, h, share_of(p, &s, v, h), p->y + at);
        }
}

/* ---- backward ------------------------------------------------------------------------ */

/* Each element of the input lies in one window. */
static bool tiles(const struct side *s)
{
    return s->stride == s->kernel && s->dilation == 1 && !s->pad && s->out * s->stride == s->size;
}

/* m channels of what one window passes back; dx is written when the window is the only one. */
static inline void pass_to(const rn_real *dy, const rn_real *where, rn_real number, rn_real share,
                           int32_t m, bool only, rn_real *dx)
{
    for (int32_t c = 0; c < m; c++) {
        rn_real d = !where ? dy[c] * share : where[c] == number ? dy[c] : 0;
        dx[c] = only ? d : dx[c] + d;
    }
}

static inline void pass_back(const struct rn_pool *p, const struct sides *s, struct part v,
                             struct part h, int64_t at, bool only, rn_real *image)
{
    int32_t n = p->window.channels;
    const rn_real *where = p->op == RN_POOL_MAX ? p->where + at : NULL;
    rn_real share = share_of(p, s, v, h);

    for (int32_t i = v.i0; i < v.i1; i++)
        for (int32_t j = h.i0; j < h.i1; j++) {
            int64_t pixel =
                (int64_t)(v.at + i * s->y.dilation) * s->x.size + h.at + j * s->x.dilation;
            rn_real *dx = image + pixel * n, number = (rn_real)(i * s->x.kernel + j);

            if (only)
                pass_to(p->y + at, where, number, share, n, true, dx);
            else
                pass_to(p->y + at, where, number, share, n, false, dx);
        }
}

RN_CLONES static void backward(const struct rn_pool *p, int64_t row)
{
    const struct sides s = sides_of(&p->window);
    int32_t n = p->window.channels;
    int64_t inputs = (int64_t)s.y.size * s.x.size * n, at = row * s.y.out * s.x.out * n;
    rn_real *image = p->x + row * inputs;
    bool only = p->beta == 0 && tiles(&s.y) && tiles(&s.x);

    for (int64_t i = 0; i < inputs && !only; i++)
        image[i] = p->beta != 0 ? p->beta * image[i] : 0;
    for (int32_t oy = 0; oy < s.y.out; oy++)
        for (int32_t ox = 0; ox < s.x.out; ox++, at += n)
            pass_back(p, &s, part_of(&s.y, oy), part_of(&s.x, ox), at, only, image);
}

void pool_run(const struct op *op, int64_t u0, int64_t u1)
{
    const struct rn_pool *p = &op->does.pool;
    struct slice s = slice_of(&op->share, p->rows, 1, u0, u1);

    for (int64_t r = s.r0; r < s.r1; r++)
        p->backward ? backward(p, r) : forward(p, r);
}
