/* chart_parts.c - the words above a chart, its key, its axes. */
#include "chart_parts.h"

#include <math.h>
#include <string.h>

const struct svg_style chart_soft = {.size = CHART_LABEL, .kind = "soft"};
const struct svg_style chart_soft_middle = {
    .size = CHART_LABEL, .kind = "soft", .anchor = SVG_MIDDLE};
const struct svg_style chart_soft_end = {.size = CHART_LABEL, .kind = "soft", .anchor = SVG_END};

static const struct svg_style title_style = {.size = 15, .kind = "ink", .bold = true};

/* ---- words ---------------------------------------------------------------- */

#define LINE 17.0

/* In as many lines as it takes, the first on the baseline y; returns that of the last. */
static double draw_words(struct text *t, double y, const char *kind, const char *words)
{
    struct svg_style style = {.size = CHART_LABEL, .kind = kind};
    char line[256], cut[256];
    size_t n = 0;

    for (const char *at = words; *at;) {
        size_t word = strcspn(at, " "), more = n ? n + 1 + word : word;
        if (more < sizeof line) {
            if (n)
                line[n] = ' ';
            memcpy(line + more - word, at, word);
            line[more] = '\0';
        }
        bool fits = more < sizeof line && svg_width(line, CHART_LABEL) <= CHART_WIDTH - 32;
        if (fits || !n) { /* a word that is wider than the chart is cut */
            n = more < sizeof line ? more : sizeof line - 1;
            at += word + strspn(at + word, " ");
        }
        if (*at && fits)
            continue;
        line[n] = '\0';
        if (t)
            svg_text(t, CHART_EDGE, y, &style,
                     svg_fit(cut, sizeof cut, line, CHART_LABEL, CHART_WIDTH - 32));
        y += *at ? LINE : 0;
        n = 0;
    }
    return y;
}

double chart_head(struct text *t, const struct chart_head *h)
{
    double y = 26;

    if (t)
        svg_text(t, CHART_EDGE, y, &title_style, h->title);
    if (h->subtitle && *h->subtitle)
        y = draw_words(t, y + 20, "soft", h->subtitle);
    if (h->note)
        y = draw_words(t, y + 20, "bad", h->note);
    return y;
}

/* ---- key ------------------------------------------------------------------ */

#define KEY_NAME 200.0 /* px that a name may take */

void chart_sign(struct text *t, enum key_form form, int look, double x, double y)
{
    switch (form) {
    case KEY_LINE:
    case KEY_THIN:
        text_add(t, "<path d=\"M%.1f %.1fh22\"", x - 11, y);
        svg_stroke(t, look, form == KEY_LINE ? 2 : 1);
        break;
    case KEY_BAND:
        text_add(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"22\" height=\"12\"", x - 11, y - 6);
        svg_fill(t, look, 0.2);
        break;
    case KEY_BOX:
        text_add(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"1.5\"", x - 6,
                 y - 6);
        svg_fill(t, look, 0.75);
        break;
    case KEY_DOT:
        text_add(t, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\"", x, y);
        svg_fill(t, look, 1);
        break;
    case KEY_DIAMOND:
        text_add(t, "<path d=\"M%.1f %.1fl4.5 4.5l-4.5 4.5l-4.5-4.5z\"", x, y - 4.5);
        svg_fill(t, look, 1);
        break;
    case KEY_TICK:
        text_add(t, "<rect x=\"%.1f\" y=\"%.1f\" width=\"3\" height=\"13\"", x - 1.5, y - 6.5);
        svg_fill(t, look, 1);
        break;
    }
    text_add(t, "/>\n");
}

double chart_keys(struct text *t, const struct chart_key *keys, int n, double y)
{
    double x = CHART_EDGE;
    char name[256];

    y += n ? 22 : 0;
    for (int i = 0; i < n; i++) {
        double sign = keys[i].form <= KEY_BAND ? 22 : 12;
        svg_fit(name, sizeof name, keys[i].name, CHART_LABEL, KEY_NAME);
        double width = sign + 6 + svg_width(name, CHART_LABEL);
        if (x > CHART_EDGE && x + width > CHART_WIDTH - CHART_EDGE) {
            x = CHART_EDGE;
            y += 20;
        }
        if (t) {
            chart_sign(t, keys[i].form, keys[i].look, x + sign / 2, y - CHART_LABEL * 0.35);
            svg_text(t, x + sign + 6, y, &chart_soft, name);
        }
        x += width + 18;
    }
    return y;
}

/* ---- axes ----------------------------------------------------------------- */

double chart_left(const struct axis *a)
{
    double widest = 0;
    char label[24];

    for (int i = 0; i < a->n_ticks; i++)
        widest = fmax(widest, svg_width(axis_label(a, a->tick[i], label), CHART_LABEL));
    return fmax(CHART_LEFT, CHART_EDGE / 2 + widest + 8);
}

void chart_axes(struct text *t, const struct axis *x, const struct axis *y)
{
    char label[24];

    for (int i = 0; i < y->n_ticks; i++) {
        double at = axis_at(y, y->tick[i]);
        svg_line(t, x->from, at, x->to, at, "grid", 1);
        svg_text(t, x->from - 8, at + CHART_LABEL * 0.36, &chart_soft_end,
                 axis_label(y, y->tick[i], label));
    }
    svg_line(t, x->from, y->from, x->to, y->from, "axis", 1);
    for (int i = 0; i < x->n_ticks; i++) {
        double at = axis_at(x, x->tick[i]);
        svg_line(t, at, y->from, at, y->from + 4, "axis", 1);
        svg_text(t, at, y->from + 19, &chart_soft_middle, axis_label(x, x->tick[i], label));
    }
}
