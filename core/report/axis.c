/* axis.c - scales and their ticks. */
#include "axis.h"

#include <math.h>
#include <stdio.h>

#define TICK_PITCH 18.0 /* px from label to label */

/* 1, 2 or 5 times a power of ten, so that span needs at most max steps. */
static double nice_step(double span, int max)
{
    double raw = span / max, power = pow(10, floor(log10(raw)));
    double lead = raw / power;

    return power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
}

static void add_tick(struct axis *a, double v)
{
    if (a->n_ticks < AXIS_TICKS)
        a->tick[a->n_ticks++] = v;
}

static void ticks_linear(struct axis *a, double step)
{
    a->n_ticks = 0;
    a->decimals = (int)fmax(0, -floor(log10(step * (a->percent ? 100 : 1)) + 1e-9));
    for (double i = ceil(a->low / step - 1e-9);
         i * step <= a->high + step * 1e-9 && a->n_ticks < AXIS_TICKS; i++)
        add_tick(a, i * step + 0.0); /* + 0: no -0 */
}

/* Whether labels would touch; never where nobody said how long the axis is. */
static bool is_crowded(const struct axis *a)
{
    for (int i = 1; a->from != a->to && i < a->n_ticks; i++)
        if (fabs(axis_at(a, a->tick[i]) - axis_at(a, a->tick[i - 1])) < TICK_PITCH)
            return true;
    return false;
}

/* The finest set of leading digits that gives at most max_ticks, and whole decades otherwise; if
 * these are fewer than two, the ticks of a linear scale. */
static void ticks_log(struct axis *a, int max_ticks)
{
    static const double leads[3][9] = {{1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 5}, {1}};
    static const int n_leads[3] = {9, 3, 1};
    double decades = log10(a->high / a->low);

    for (int set = 0; set < 3; set++) {
        double every = set < 2 ? 1 : fmax(1, ceil(decades / max_ticks));
        int n = 0;
        a->n_ticks = 0;
        double first = set < 2 ? floor(log10(a->low)) : ceil(log10(a->low) - 1e-9);
        for (double e = first; e <= log10(a->high) + 1e-9; e += every)
            for (int k = 0; k < n_leads[set]; k++) {
                double v = leads[set][k] * pow(10, e);
                if (v < a->low * (1 - 1e-9) || v > a->high * (1 + 1e-9))
                    continue;
                n++;
                add_tick(a, v);
            }
        if (n >= 2 && n <= (set < 2 ? max_ticks : AXIS_TICKS) && !is_crowded(a))
            return;
    }
    do
        ticks_linear(a, nice_step(a->high - a->low, max_ticks));
    while (is_crowded(a) && --max_ticks > 0);
}

void axis_fit(struct axis *a, double low, double high, int max_ticks)
{
    if (a->log) {
        double room = fmax(pow(high / low, 0.06), 1.1);
        a->low = low / room;
        a->high = high * room;
        ticks_log(a, max_ticks);
        return;
    }
    if (a->percent && low == 0 && high == 0)
        high = 0.1; /* no share is below 0 */
    if (!(high > low)) {
        double half = low != 0 ? fabs(low) * 0.1 : 0.5;
        low -= half;
        high += half;
    }
    double room = (high - low) * 0.06;
    a->low = low >= 0 && low < 0.35 * high ? 0 : low >= 0 ? fmax(0, low - room) : low - room;
    a->high = high + room;
    if (a->percent && high <= 1 && a->high > 1)
        a->high = 1;
    ticks_linear(a, nice_step(a->high - a->low, max_ticks));
}

void axis_fit_exact(struct axis *a, double low, double high, int max_ticks)
{
    a->low = low;
    a->high = high;
    ticks_linear(a, nice_step(high - low, max_ticks));
}

void axis_fit_whole(struct axis *a, double low, double high, int max_ticks)
{
    a->low = high > low ? low : low - 0.5;
    a->high = high > low ? high : high + 0.5;
    ticks_linear(a, fmax(1, nice_step(a->high - a->low, max_ticks)));
}

double axis_at(const struct axis *a, double v)
{
    double share =
        a->log ? log(v / a->low) / log(a->high / a->low) : (v - a->low) / (a->high - a->low);

    return a->from + share * (a->to - a->from);
}

const char *axis_label(const struct axis *a, double tick, char out[24])
{
    if (a->log && !a->percent && tick >= 1000 && tick < 1e6)
        snprintf(out, 24, "%.0f", tick);
    else if (a->log)
        snprintf(out, 24, a->percent ? "%.4g %%" : "%.4g", a->percent ? tick * 100 : tick);
    else if (a->percent)
        snprintf(out, 24, "%.*f %%", a->decimals, tick * 100);
    else if (a->decimals > 5 || fabs(tick) >= 1e6)
        snprintf(out, 24, "%.3g", tick);
    else
        snprintf(out, 24, "%.*f", a->decimals, tick);
    return out;
}
