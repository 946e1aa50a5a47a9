/* axis.h - scales: which part of the numbers a chart shows, where a value falls, which ticks are
 * round numbers. */
#ifndef REPORT_AXIS_H
#define REPORT_AXIS_H

#include <stdbool.h>

#define AXIS_TICKS 12

struct axis {
    double low, high;  /* values at the ends */
    double from, to;   /* where they lie, px */
    bool log, percent; /* percent: 0.5 is written "50 %" */
    int n_ticks, decimals;
    double tick[AXIS_TICKS];
};

/* Covers low..high (any two numbers) with room at the ends, at most max_ticks. */
void axis_fit(struct axis *a, double low, double high, int max_ticks);
/* The same without room; with whole numbers: no fractions. */
void axis_fit_exact(struct axis *a, double low, double high, int max_ticks);
void axis_fit_whole(struct axis *a, double low, double high, int max_ticks);
double axis_at(const struct axis *a, double value); /* px */
const char *axis_label(const struct axis *a, double tick, char out[24]);

#endif
