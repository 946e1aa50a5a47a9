/* figures.h - a figure being made, for figures.c (curves) and figures_test.c (the test pass). */
#ifndef REPORT_FIGURES_H
#define REPORT_FIGURES_H

#include "facts.h"

struct sheet {
    struct report *r;
    struct pool *p;
    struct rn_figure *figures;
    struct text svg, csv, alt;
};

/* Ends a figure: its three texts go into the pool, and into the list. status: of the drawing. */
int sheet_keep(struct sheet *s, const char *name, const char *title, int status);

int draw_classes(struct sheet *s);
int draw_confusion(struct sheet *s, bool normalized);
int draw_values(struct sheet *s);  /* only when numbers were kept */
int draw_samples(struct sheet *s); /* only when there are pictures */

#endif
