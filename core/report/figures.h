/* figures.h - a figure being made, and who draws which: figures.c has the list, figures_curves.c
 * what is measured each epoch, figures_inside.c the inside of the model and its time,
 * figures_test.c and figures_trust.c the test pass, figures_pictures.c what is made of pixels. */
#ifndef REPORT_FIGURES_H
#define REPORT_FIGURES_H

#include "chart.h"
#include "facts.h"

struct sheet {
    struct report *r;
    struct pool *p;
    struct rn_figure *figures;
    struct text svg, other, csv, alt;
};

/* Ends a figure: its texts go into the pool, and it into the list. status: of the drawing. The
 * scales name svg and other; NULL: there is only one. */
int sheet_keep(struct sheet *s, const char *name, const char *title, int status);
int sheet_keep_two(struct sheet *s, const char *name, const char *title, const char *scale,
                   const char *scale_other, int status);

/* The texts of a drawing with that status become a figure, and are freed. name stays the caller's.
 */
int figure_keep(struct pool *p, struct rn_figure *out, const char *name, const char *title,
                int status, struct text *svg, struct text *csv, struct text *alt);

/* For a CSV: a comma and the number, an empty cell for NaN. */
void put_cell(struct text *t, double v);

/* Each draws nothing where there is nothing to draw. */
int draw_loss(struct sheet *s);
int draw_accuracy(struct sheet *s);
int draw_rate(struct sheet *s);
int draw_gap(struct sheet *s);
int draw_throughput(struct sheet *s);

int draw_gradients(struct sheet *s);
int draw_ratios(struct sheet *s);
int draw_silent(struct sheet *s);
int draw_weights(struct sheet *s);
int draw_layer_times(struct sheet *s);

int draw_classes(struct sheet *s);
int draw_scores(struct sheet *s);
int draw_counts(struct sheet *s);
int draw_shares(struct sheet *s);
int draw_values(struct sheet *s);

int draw_calibration(struct sheet *s);
int draw_confidence(struct sheet *s);
int draw_coverage(struct sheet *s);

int draw_samples(struct sheet *s);
int draw_worst(struct sheet *s);
int draw_first_layer(struct sheet *s);

#endif
