/* svg.h - the strokes that charts are made of. Nothing carries an id, so that many drawings fit
 * into one page. What may change with the page has a class beside its colour:
 *   paper ink soft axis grid good bad   s0..s6 (series)   h0..h7 (heat), t0..t7 (text on heat)
 * Numbers are in the C locale, in which a program starts; the runner never leaves it. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include "picture.h"

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };

struct svg_style {
    double size;      /* px */
    const char *kind; /* "ink", "soft", "good", "bad" or "t0".."t7" */
    enum svg_anchor anchor;
    bool bold;
    double turn; /* degrees, about the anchor */
};

#define SVG_SERIES 7 /* Okabe and Ito's colours, each with a dash of its own */
#define SVG_HEAT   8 /* steps from pale yellow over green to dark blue */

/* attributes: further ones of the root, with a space before each; NULL: none. */
void svg_begin(struct text *t, double w, double h, const char *title, const char *desc,
               const char *attributes);
void svg_end(struct text *t);
void svg_text(struct text *t, double x, double y, const struct svg_style *s, const char *words);
void svg_line(struct text *t, double x0, double y0, double x1, double y1, const char *kind,
              double width);
/* Attributes of a line of a series, which is faint and whole when it is thin, and of a shape. */
void svg_stroke(struct text *t, int series, double width);
void svg_fill(struct text *t, int series, double opacity);
/* A command of a path and where it goes to. */
void svg_move(struct text *t, char command, double x, double y);
const char *svg_series_colour(int series);
/* A box of heat level 0..7; -1 is an empty one, -2 a muted one. attributes: as of svg_begin(); tip:
 * shown on hover, or NULL. */
void svg_cell(struct text *t, double x, double y, double w, double h, int level,
              const char *attributes, const char *tip);
/* As a PNG inside the drawing. */
int svg_image(struct text *t, double x, double y, double w, double h, const struct picture *p);

double svg_width(const char *s, double size); /* estimated, px */
/* As much of s as fits into width, with an ellipsis when cut; out holds bytes. */
const char *svg_fit(char *out, size_t bytes, const char *s, double size, double width);

#endif
