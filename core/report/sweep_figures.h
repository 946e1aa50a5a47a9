/* sweep_figures.h - a figure of a sweep being made: sweep_figures.c has the list, and what needs no
 * axes; sweep_figures_axes.c has the axes. */
#ifndef REPORT_SWEEP_FIGURES_H
#define REPORT_SWEEP_FIGURES_H

#include "chart.h"
#include "sweep.h"

enum { SWEEP_FIGURES = 40 };

struct album {
    struct sweep *s;
    struct rn_figure *figures;
    const char *label;         /* "val.accuracy" */
    struct text svg, csv, alt; /* of the figure under way */
};

/* Ends a figure, and makes the texts empty. name is the caller's for good. */
int album_keep(struct album *a, const char *name, const char *title, int status);
/* Groups that have a mean, n of them. */
bool group_counts(const struct group *g);
int64_t groups_counted(const struct sweep *s);

/* Each draws nothing where there is nothing to draw. */
int draw_effects(struct album *a);
int draw_grids(struct album *a);
int draw_parallel(struct album *a);
int draw_importance(struct album *a);

#endif
