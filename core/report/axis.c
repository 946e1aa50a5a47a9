/* axis.c - scales and their ticks. */
#include "axis.h"

#include <math.h>
#include <stdio.h>

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
    for (double i = ceil(a->low / step - 1e-9); i * step <= a->high + step * 1e-9; i++)
        add_tick(a, i * step + 0.0); /* + 0: no -0 */
}

static void ticks_log(struct axis *a, int max_ticks)
{
    static const double leads[3][9] = {{1}, {1, 2, 5}, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
    static const int n_leads[3] = {1, 3, 9};
    double decades = log10(a->high / a->low);
    int set = decades > max_ticks / 2.0 ? 0 : decades > 0.7 ? 1 : 2;
    double every = set ? 1 : fmax(1, ceil(decades / max_ticks));

    a->n_ticks = 0;
    for (double e = floor(log10(a->low)); e <= log10(a->high); e += every)
        for (int k = 0; k < n_leads[set]; k++) {
            double v = leads[set][k] * pow(10, e);
            if (v >= a->low * (1 - 1e-9) && v <= a->high * (1 + 1e-9))
                add_tick(a, v);
        }
}

void axis_fit(struct axis *a, double low, double high, int max_ticks)
{
    if (a->log) {
        double room = fmax(pow(high / low, 0.06), 1.1);
        a->low = low / room;
        a->high = high * room;
        ticks_log(a, max_ticks);
        if (a->n_ticks >= 2)
            return;
        a->log = false; /* less than one decade and no round number in it */
    }
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
    if (a->log)
        snprintf(out, 24, "%.4g", tick);
    else if (a->percent)
        snprintf(out, 24, "%.*f %%", a->decimals, tick * 100);
    else if (a->decimals > 5 || fabs(tick) >= 1e6)
        snprintf(out, 24, "%.3g", tick);
    else
        snprintf(out, 24, "%.*f", a->decimals, tick);
    return out;
}
