/* chart.h - charts as SVG documents: lines over epochs, points, horizontal bars, heat maps,
 * pictures in a grid. The same input gives the same bytes. Values that are not finite are left out.
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "base/mem.h"

struct chart_series {
    const char *name;
    const double *y;          /* at x = first, first + 1, ... */
    const double *low, *high; /* a band about y; NULL: none */
    int look;                 /* colour and dash, see svg.h */
};

struct chart_lines {
    const char *title, *desc;
    const char *x_label, *y_label;
    int64_t n, first; /* points of each series; x of the first, whole numbers */
    const struct chart_series *series;
    int n_series;
    bool log, percent;  /* y; percent: fractions shown as % */
    double mark;        /* x that a line marks; NaN: none */
    const char *marked; /* what stands beside it */
    const char *note;   /* a warning under the title; NULL: none */
};
int chart_lines(struct text *out, const struct chart_lines *c);

struct chart_points { /* and the line on which both are equal */
    const char *title, *desc, *x_label, *y_label;
    const double *x, *y;
    int64_t n;
};
int chart_points(struct text *out, const struct chart_points *c);

struct chart_bar {
    const char *name, *value; /* value: as text behind the bar */
    double length, low, high; /* low, high: an interval; NaN: none */
};

struct chart_bars {
    const char *title, *desc, *x_label;
    const struct chart_bar *bars;
    int64_t n;
    bool percent;
};
int chart_bars(struct text *out, const struct chart_bars *c);

struct chart_heat {
    const char *title, *subtitle, *desc, *row_label, *col_label;
    const char *scale_low, *scale_high; /* the words at the ends of the colour scale */
    const char *const *names;           /* n, of rows and columns alike */
    int64_t n;
    /* of the cell (row, col), both below n */
    double (*shade)(const void *ctx, int64_t row, int64_t col); /* 0..1; < 0: empty; > 1: muted */
    void (*label)(const void *ctx, int64_t row, int64_t col, char out[16]);
    void (*tip)(const void *ctx, int64_t row, int64_t col, struct text *out); /* on hover */
    const void *ctx;
};
int chart_heat(struct text *out, const struct chart_heat *c);

struct chart_tile {
    const uint8_t *pixels;
    const char *verdict; /* "right" in green or "wrong" in red, after a tick or a cross */
    bool good;
    const char *line[2];
};
struct chart_gallery {
    const char *heading;
    const struct chart_tile *tiles;
    int64_t n;
};
struct chart_pictures {
    const char *title, *desc;
    int64_t w, h, channels; /* of every picture */
    struct chart_gallery gallery[2];
};
int chart_pictures(struct text *out, const struct chart_pictures *c);

#endif
