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
static const double first_step = 1e-6, largest = 1e-6, tolerance = 1e-6, least = 1e-7, noise = 0;
#else
enum { FULL = 64, STEPS = 8 };
static const double first_step = 0x1p-6, largest = 0x1p-4, tolerance = 1e-3, least = 1e-6,
                    noise = 8 * (double)FLT_EPSILON;
#endif
enum { DIRECTIONS = 24 };

/* How far element i goes in direction k of n elements, for a step of 1. */
static double component(const struct differences *d, int64_t k, int64_t i, int64_t n,
                        const rn_real *v)
{
    if (n <= FULL)
        return i == k ? fmax(1, fabs((double)v[i])) : 0;
    return i % DIRECTIONS == k ? made_up(d->seed + 100 + (uint64_t)k, i) : 0;
}

struct slope {
    double numeric, analytic, bound; /* bound: of what rounding may have done */
};

/* Along direction k from `room`, the values as they are. The steps that were really taken count:
 * in float v + h is not h away. */
static enum finding slope(const struct differences *d, rn_real *v, const rn_real *grad, int64_t n,
                          const rn_real *room, int64_t k, double h, struct slope *out)
{
    double up, down, size;

    for (int64_t i = 0; i < n; i++)
        v[i] = room[i] + (rn_real)(h * component(d, k, i, n, room));
    PASS(d->value(d->trial, &up, &size));
    out->analytic = 0;
    for (int64_t i = 0; i < n; i++) {
        rn_real was = v[i];

        v[i] = room[i] - (rn_real)(h * component(d, k, i, n, room));
        out->analytic += (double)grad[i] * ((double)was - (double)v[i]) / (2 * h);
    }
    PASS(d->value(d->trial, &down, &size));
    out->numeric = (up - down) / (2 * h);
    out->bound = least + noise * size / h;
    return FINE;
}

static bool close_enough(const struct slope *s, double error, double unsure)
{
    return fabs(error) <= tolerance * fmax(fabs(s->numeric), fabs(s->analytic)) + s->bound + unsure;
}

/* The difference between the two slopes, extrapolated; *unsure is how far it may be off. */
static enum finding refined(const struct differences *d, rn_real *v, const rn_real *grad, int64_t n,
                            const rn_real *room, int64_t k, struct slope *at, double *error,
                            double *unsure)
{
    double table[STEPS][STEPS];

    *unsure = INFINITY;
    for (int i = 0; i < STEPS; i++) {
        struct slope s;

        PASS(slope(d, v, grad, n, room, k, ldexp(largest, -i), &s));
        table[i][0] = s.numeric - s.analytic;
        for (int j = 1; j <= i; j++) {
            double factor = ldexp(1, 2 * j);

            table[i][j] = (factor * table[i][j - 1] - table[i - 1][j - 1]) / (factor - 1);
            double off =
                fmax(fabs(table[i][j] - table[i][j - 1]), fabs(table[i][j] - table[i - 1][j - 1]));
            if (off + s.bound < *unsure + (isinf(*unsure) ? 0 : at->bound)) {
                *unsure = off;
                *error = table[i][j];
                *at = s;
            }
        }
    }
    return FINE;
}

static enum finding direction(const struct differences *t, rn_real *v, const rn_real *grad,
                              int64_t n, const rn_real *room, int64_t k)
{
    struct slope s;

    PASS(slope(t, v, grad, n, room, k, first_step, &s));
    double error = s.numeric - s.analytic, unsure = 0;
    if (close_enough(&s, error, 0))
        return FINE;
    if (STEPS > 1)
        PASS(refined(t, v, grad, n, room, k, &s, &error, &unsure));
    if (STEPS > 1 && close_enough(&s, error, 8 * unsure))
        return FINE;
    double scale = n <= FULL ? component(t, k, k, n, room) : 1;
    char where[64] = "some elements together";
    if (n <= FULL)
        snprintf(where, sizeof where, "element %d of sample %d", (int)(t->row ? k % t->row : k),
                 (int)(t->row ? k / t->row : 0));
    if (n <= FULL && !t->row)
        snprintf(where, sizeof where, "element %d", (int)k);
    snprintf(t->why, WHY_SIZE, "gradient of %s, %s: %.6g by differences, %.6g by backward()", t->of,
             where, (s.analytic + error) / scale, s.analytic / scale);
    return GRADIENT;
}

enum finding differences_check(const struct differences *d, rn_real *v, const rn_real *grad,
                               int64_t n, rn_real *room)
{
    enum finding f = FINE;

    memcpy(room, v, (size_t)n * sizeof *v);
    for (int64_t k = 0; f == FINE && k < (n <= FULL ? n : DIRECTIONS); k++) {
        f = direction(d, v, grad, n, room, k);
        memcpy(v, room, (size_t)n * sizeof *v);
    }
    return f;
}
