/* differences.c - central differences along directions. In double one step is enough. In float the
 * step has to be large: what is not clearly right at first is looked at with eight steps, and their
 * errors are extrapolated to a step of 0 (Ridders, "Accurate computation of F'(x) and F'(x)F''(x)",
 * 1982), which also says how sure the result is. */
#include "differences.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#ifdef RN_DOUBLE
enum { FULL = 200, STEPS = 1 };
static const double first_step = 1e-6, largest = 1e-6, tolerance = 1e-6, least = 1e-7,
                    noise = 4 * DBL_EPSILON;
#else
enum { FULL = 64, STEPS = 8 };
static const double first_step = 0x1p-6, largest = 0x1p-4, tolerance = 1e-3, least = 1e-6,
                    noise = 8 * (double)FLT_EPSILON;
#endif
enum { DIRECTIONS = 24 };

/* A direction: one element alone, or each of the DIRECTIONS-th from the first on. */
struct direction {
    int64_t first;
    bool alone;
    uint64_t stream; /* of made_up() */
};

/* How far element i of room goes, for a step of 1. */
static double component(const struct direction *k, int64_t i, const rn_real *room)
{
    if (k->alone)
        return i == k->first ? fmax(1, fabs((double)room[i])) : 0;
    return i % DIRECTIONS == k->first ? made_up(k->stream, i) : 0;
}

struct slope {
    double up, down;                 /* the values at both ends */
    double numeric, analytic, bound; /* bound: of what rounding may have done */
};

/* Along direction k from `room`, the values as they are. The steps that were really taken count:
 * in float v + h is not h away. */
static enum finding slope(const struct differences *d, rn_real *v, const rn_real *grad, int64_t n,
                          const rn_real *room, const struct direction *k, double h,
                          struct slope *out)
{
    double size;

    for (int64_t i = 0; i < n; i++)
        v[i] = room[i] + (rn_real)(h * component(k, i, room));
    PASS(d->value(d->trial, &out->up, &size));
    out->analytic = 0;
    for (int64_t i = 0; i < n; i++) {
        rn_real was = v[i];

        v[i] = room[i] - (rn_real)(h * component(k, i, room));
        out->analytic += (double)grad[i] * ((double)was - (double)v[i]) / (2 * h);
    }
    PASS(d->value(d->trial, &out->down, &size));
    out->numeric = (out->up - out->down) / (2 * h);
    out->bound = least + noise * size / h;
    return FINE;
}

struct estimate {
    struct slope at;
    double error;  /* the difference of the two slopes, extrapolated */
    double unsure; /* how far that may be off */
};

static bool close_enough(const struct estimate *e)
{
    const struct slope *s = &e->at;

    return fabs(e->error) <=
           tolerance * fmax(fabs(s->numeric), fabs(s->analytic)) + s->bound + e->unsure;
}

static enum finding refined(const struct differences *d, rn_real *v, const rn_real *grad, int64_t n,
                            const rn_real *room, const struct direction *k, struct estimate *best)
{
    double table[STEPS][STEPS];

    for (int i = 0; i < STEPS; i++) {
        struct slope s;

        PASS(slope(d, v, grad, n, room, k, ldexp(largest, -i), &s));
        table[i][0] = s.numeric - s.analytic;
        if (i == 0)
            *best = (struct estimate){s, table[0][0], INFINITY};
        for (int j = 1; j <= i; j++) {
            double factor = ldexp(1, 2 * j);

            table[i][j] = (factor * table[i][j - 1] - table[i - 1][j - 1]) / (factor - 1);
            double off =
                fmax(fabs(table[i][j] - table[i][j - 1]), fabs(table[i][j] - table[i - 1][j - 1]));
            if (off + s.bound < best->unsure + best->at.bound)
                *best = (struct estimate){s, table[i][j], off};
        }
    }
    best->unsure *= 8;
    return FINE;
}

/* At a kink the slopes to both sides differ however small the step is; backward() may give either,
 * or what lies between. Where a function bends much, that is as good as float can tell. */
static enum finding between_sides(const struct differences *d, rn_real *v, const rn_real *grad,
                                  int64_t n, const rn_real *room, const struct direction *k,
                                  bool *between)
{
    const double h = ldexp(largest, 1 - STEPS);
    double there, size;
    struct estimate e = {.unsure = 0};

    memcpy(v, room, (size_t)n * sizeof *v);
    PASS(d->value(d->trial, &there, &size));
    PASS(slope(d, v, grad, n, room, k, h, &e.at));
    double up = (e.at.up - there) / h - e.at.analytic,
           down = (there - e.at.down) / h - e.at.analytic;
    e.error = up * down <= 0 ? 0 : copysign(fmin(fabs(up), fabs(down)), up);
    *between = close_enough(&e);
    return FINE;
}

static void say_where(const struct differences *d, const struct direction *k,
                      const struct estimate *e, double scale)
{
    char where[64];
    int at = (int)k->first;

    if (d->row)
        snprintf(where, sizeof where, "element %d of sample %d", at % d->row, at / d->row);
    else
        snprintf(where, sizeof where, "element %d", at);
    snprintf(d->why, WHY_SIZE, "gradient of %s, %s: %.6g by differences, %.6g by backward()", d->of,
             where, (e->at.analytic + e->error) / scale, e->at.analytic / scale);
}

static enum finding along(const struct differences *d, rn_real *v, const rn_real *grad, int64_t n,
                          const rn_real *room, const struct direction *k)
{
    struct estimate e = {.unsure = 0};

    PASS(slope(d, v, grad, n, room, k, first_step, &e.at));
    e.error = e.at.numeric - e.at.analytic;
    if (close_enough(&e))
        return FINE;
    if (STEPS > 1)
        PASS(refined(d, v, grad, n, room, k, &e));
    bool between = STEPS > 1 && close_enough(&e);
    if (STEPS > 1 && !between)
        PASS(between_sides(d, v, grad, n, room, k, &between));
    if (between)
        return FINE;
    say_where(d, k, &e, k->alone ? component(k, k->first, room) : 1);
    return GRADIENT;
}

/* Where many elements move at once, a function with kinks crosses one: then each by itself. */
static enum finding together(const struct differences *d, rn_real *v, const rn_real *grad,
                             int64_t n, const rn_real *room, const struct direction *k)
{
    enum finding f = along(d, v, grad, n, room, k);

    for (int64_t i = k->first; f == GRADIENT && i < n; i += DIRECTIONS) {
        memcpy(v, room, (size_t)n * sizeof *v);
        PASS(along(d, v, grad, n, room, &(struct direction){i, true, 0}));
    }
    return f == GRADIENT ? FINE : f;
}

enum finding differences_check(const struct differences *d, rn_real *v, const rn_real *grad,
                               int64_t n, rn_real *room)
{
    enum finding f = FINE;

    memcpy(room, v, (size_t)n * sizeof *v);
    for (int64_t i = 0; f == FINE && i < (n <= FULL ? n : DIRECTIONS); i++) {
        struct direction k = {i, n <= FULL, d->seed + 100 + (uint64_t)i};

        f = k.alone ? along(d, v, grad, n, room, &k) : together(d, v, grad, n, room, &k);
        memcpy(v, room, (size_t)n * sizeof *v);
    }
    return f;
}
