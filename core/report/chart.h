/* chart.h - charts as SVG documents: lines, points, bars, dots, strips, histograms, heat maps,
 * parallel coordinates, pictures.
 * The same input gives the same bytes. Values that are not finite are left out; no text overlaps
 * another or leaves the drawing. */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include "base/mem.h"

struct chart_head {
    const char *title, *desc;    /* desc: all of it in words */
    const char *subtitle, *note; /* under the title; a note warns; NULL: none */
};

/* ---- chart.c -------------------------------------------------------------- */

struct chart_series {
    const char *name, *column; /* column: of the CSV that has these numbers; NULL: none */
    const double *x, *y;       /* n of each; x ascends */
    int64_t n;
    const double *low, *high; /* a band about y; NULL: none */
    int look;                 /* colour and dash, see svg.h */
    bool faint;               /* a thin line behind the others */
};

struct chart_lines {
    struct chart_head head;
    const char *x_label, *y_label; /* y_label: NULL: the title says it */
    const struct chart_series *series;
    int n_series;
    double x_low, x_high;         /* what x covers; equal: what the series have */
    bool whole;                   /* x: whole numbers alone have ticks */
    bool x_percent, log, percent; /* log: of y; percent: fractions shown as % */
    double height;                /* px; 0: the usual one */
    double mark;                  /* x that a line marks; NaN: none */
    const char *marked;           /* what stands beside it */
    double shade_from, shade_to;  /* a range of x that is shaded; equal: none */
    const char *shaded;           /* what stands in it */
    double level;                 /* y that a line marks where it is shown; NaN: none */
    const char *level_name;
};
/* The page's script finds in the root what the plot area covers, and each curve's column. */
int chart_lines(struct text *out, const struct chart_lines *c);

struct chart_points { /* and the line on which both are equal */
    struct chart_head head;
    const char *x_label, *y_label;
    const double *x, *y;
    int64_t n;
};
int chart_points(struct text *out, const struct chart_points *c);

/* ---- chart_scatter.c ------------------------------------------------------ */

enum { CHART_SCATTER_MAX = 16 };
struct chart_point {
    const char *name;
    double x, y, low, high; /* low, high: an interval of y; NaN: none */
};
struct chart_scatter { /* points that have a name each */
    struct chart_head head;
    const char *x_label, *y_label;
    const struct chart_point *points;
    int n;
    bool x_percent, percent, diagonal; /* diagonal: the line on which both are equal */
};
int chart_scatter(struct text *out, const struct chart_scatter *c);

/* ---- chart_bars.c --------------------------------------------------------- */

#define CHART_PARTS 3
enum { CHART_LEVELS_MAX = 6 };

struct chart_bar {            /* lies, of parts one behind the other */
    const char *name, *value; /* value: as text at its right */
    double part[CHART_PARTS];
    double low, high; /* an interval; NaN: none */
};
struct chart_level { /* a value that a line marks through all rows */
    const char *name;
    double at;
    int look;
};
struct chart_bars {
    struct chart_head head;
    const char *part_names[CHART_PARTS]; /* NULL: no such part; only one needs no name */
    const struct chart_bar *bars;
    int64_t n;
    bool percent;
    const struct chart_level *levels;
    int n_levels; /* at most CHART_LEVELS_MAX */
};
int chart_bars(struct text *out, const struct chart_bars *c);

struct chart_dots_row {
    const char *name;
    double value[CHART_PARTS];
    double low, high; /* an interval of the first */
};
struct chart_dots {
    struct chart_head head;
    const char *names[CHART_PARTS];
    const struct chart_dots_row *rows;
    int64_t n;
};
int chart_dots(struct text *out, const struct chart_dots *c); /* fractions, as % */

struct chart_strip { /* a row: values as dots, their mean as a diamond with its interval */
    const char *name;
    const double *x;
    int64_t n;
    double mean, low, high; /* NaN: none */
    int look;
};
struct chart_strips {
    struct chart_head head;
    const char *x_label;
    const struct chart_strip *strips;
    int64_t n;
    bool percent;
    double level; /* x that a line marks; NaN: none */
};
int chart_strips(struct text *out, const struct chart_strips *c);

/* ---- chart_bins.c --------------------------------------------------------- */

struct chart_bins { /* columns over equal bins from 0 to 1, side by side */
    struct chart_head head;
    const char *x_label, *y_label, *names[2];
    const double *share[2];
    int n;
};
int chart_bins(struct text *out, const struct chart_bins *c);

struct chart_reliability { /* against the line on which both are equal, over counts */
    struct chart_head head;
    const char *x_label, *y_label, *count_label;
    const double *x, *y, *low, *high; /* NaN: an empty bin */
    const int64_t *count;
    int n;
};
int chart_reliability(struct text *out, const struct chart_reliability *c);

struct chart_histogram { /* outlines over the same numbers */
    const char *name;
    const double *share[CHART_PARTS]; /* n each; NULL: none */
    double least[CHART_PARTS], most[CHART_PARTS];
};
struct chart_histograms {
    struct chart_head head;
    const char *names[CHART_PARTS];
    const struct chart_histogram *parts;
    int64_t n_parts;
    int n; /* bins */
};
int chart_histograms(struct text *out, const struct chart_histograms *c);

/* ---- chart_heat.c --------------------------------------------------------- */

struct chart_heat {
    struct chart_head head;
    const char *row_label, *col_label;
    const char *row_margin, *col_margin; /* what stands right of each row, and below each column */
    const char *scale_low, *scale_high;  /* the words at the ends of the colour scale */
    const char *const *names;            /* n, of rows and columns alike */
    const int64_t *numbers;              /* of the classes shown, for the page's script */
    int64_t n;
    /* of the cell (row, col), both at most n: n is the margin */
    double (*shade)(const void *ctx, int64_t row, int64_t col); /* 0..1; < 0: empty; > 1: muted */
    void (*label)(const void *ctx, int64_t row, int64_t col, char out[16]);
    void (*tip)(const void *ctx, int64_t row, int64_t col, struct text *out); /* on hover */
    const void *ctx;
};
int chart_heat(struct text *out, const struct chart_heat *c);

/* ---- chart_grid.c --------------------------------------------------------- */

struct chart_grid { /* rows x cols values, shaded from the least to the most; NaN: empty */
    struct chart_head head;
    const char *row_label, *col_label;
    const char *const *rows, *const *cols;
    int64_t n_rows, n_cols;
    const double *values;
    const char *const *words, *const *tips; /* in each cell; on hover */
};
int chart_grid(struct text *out, const struct chart_grid *c);

/* ---- chart_cloud.c -------------------------------------------------------- */

enum key_form { KEY_LINE, KEY_THIN, KEY_BAND, KEY_BOX, KEY_DOT, KEY_DIAMOND, KEY_TICK };
struct chart_key {
    const char *name;
    int look;
    enum key_form form;
};

struct chart_mark {
    double x, y, low, high; /* low, high: an interval of y; NaN: none */
    enum key_form form;
    int look;
    bool faint;
    const char *tip; /* on hover; NULL: none */
};
struct chart_cloud { /* points, the faint ones behind the others */
    struct chart_head head;
    const char *x_label, *y_label;
    const struct chart_mark *marks;
    int64_t n;
    const struct chart_key *keys;
    int n_keys;
    const char *const *names; /* across, x is 0, 1, ...; NULL: x is a number */
    int64_t n_names;
    bool x_log, x_percent, percent, diagonal; /* diagonal: the line on which both are equal */
    const double *line_x, *line_y;            /* a line; steps: level from one to the next */
    int64_t n_line;
    int line_look;
    bool steps;
};
int chart_cloud(struct text *out, const struct chart_cloud *c);

struct chart_parallel_axis {
    const char *name, *low, *high; /* what stands at its ends */
};
struct chart_path {
    const double *at; /* of each axis 0 to 1; NaN: it has none */
    int look;
    bool faint;
    const char *tip;
};
struct chart_parallel {
    struct chart_head head;
    const struct chart_parallel_axis *axes;
    int n_axes;
    const struct chart_path *paths;
    int64_t n;
    const struct chart_key *keys;
    int n_keys;
};
int chart_parallel(struct text *out, const struct chart_parallel *c);

/* ---- chart_tiles.c -------------------------------------------------------- */

struct chart_tile {
    const uint8_t *pixels;
    const char *verdict; /* after a tick or a cross, in green or in red */
    bool good;
    const char *name[CHART_PARTS]; /* the most probable classes; NULL: fewer */
    double p[CHART_PARTS];
    int truth; /* which of them is the true one; -1: none */
};
struct chart_gallery {
    const char *heading;
    const struct chart_tile *tiles;
    int64_t n;
};
struct chart_pictures {
    struct chart_head head;
    int64_t w, h, channels; /* of every picture */
    struct chart_gallery gallery[2];
};
int chart_pictures(struct text *out, const struct chart_pictures *c);

struct chart_units { /* the weights of units that see pixels, as pictures */
    struct chart_head head;
    const float *values;       /* unit, channel, row, column */
    int64_t n, w, h, channels; /* channels: 1, or 3 for red, green and blue */
};
int chart_units(struct text *out, const struct chart_units *c);

#endif
