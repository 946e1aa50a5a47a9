/* chart_parts.h - what the files of the charts share: sizes and styles, the words above a chart,
 * its key, its axes. What measures too takes NULL for the text: it draws nothing then. */
#ifndef REPORT_CHART_PARTS_H
#define REPORT_CHART_PARTS_H

#include "axis.h"
#include "chart.h"
#include "svg.h"

#define CHART_WIDTH  520.0
#define CHART_EDGE   16.0
#define CHART_LEFT   72.0                 /* plots begin here, if their labels let them: so that */
#define CHART_RIGHT  (CHART_WIDTH - 24.0) /* charts under each other line up */
#define CHART_BOTTOM 46.0                 /* below a plot, for ticks and a label */
#define CHART_LABEL  13.0                 /* font size, px */

extern const struct svg_style chart_soft, chart_soft_middle, chart_soft_end;

/* Title, subtitle and note; returns the baseline of the last line. */
double chart_head(struct text *t, const struct chart_head *h);

/* In rows below the baseline y; returns that of the last row. */
double chart_keys(struct text *t, const struct chart_key *keys, int n, double y);

/* The sign of a key about a point; a line and a box are wide. */
void chart_sign(struct text *t, enum key_form form, int look, double x, double y);

double chart_left(const struct axis *y); /* where a plot begins, so that the ticks of y fit */
/* Grid lines and labels of y, ticks and labels of x, which lies at y->from. */
void chart_axes(struct text *t, const struct axis *x, const struct axis *y);

#endif
