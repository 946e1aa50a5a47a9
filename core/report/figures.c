/* figures.c - which figures a report has, in their order, and how one ends. */
#include "figures.h"

#include "base/error.h"
#include "escape.h"

#include <math.h>

static int (*const all[])(struct sheet *) = {
    draw_loss,       draw_accuracy, draw_rate,    draw_gap,     draw_classes,
    draw_scores,     draw_counts,   draw_shares,  draw_values,  draw_calibration,
    draw_confidence, draw_coverage, draw_samples, draw_worst,   draw_first_layer,
    draw_gradients,  draw_ratios,   draw_silent,  draw_weights, draw_layer_times,
    draw_throughput,
};
enum { FIGURES = sizeof all / sizeof *all };

static void sheet_clear(struct sheet *s)
{
    text_free(&s->svg);
    text_free(&s->other);
    text_free(&s->csv);
    text_free(&s->alt);
}

int sheet_keep_two(struct sheet *s, const char *name, const char *title, const char *scale,
                   const char *scale_other, int status)
{
    struct rn_figure *f = &s->figures[s->r->view.n_figures];
    bool two = s->other.n > 0;

    if (!status && (s->svg.status || s->other.status || s->csv.status || s->alt.status))
        status = RN_ENOMEM;
    if (!status)
        *f = (struct rn_figure){
            .name = name,
            .title = pool_strdup(s->p, title),
            .alt = pool_strdup(s->p, text_str(&s->alt)),
            .svg = pool_strndup(s->p, text_str(&s->svg), s->svg.n),
            .csv = pool_strndup(s->p, text_str(&s->csv), s->csv.n),
            .svg_other = two ? pool_strndup(s->p, text_str(&s->other), s->other.n) : NULL,
            .scale = two ? scale : NULL,
            .scale_other = two ? scale_other : NULL,
        };
    if (!status && (!f->title || !f->alt || !f->svg || !f->csv || (two && !f->svg_other)))
        status = RN_ENOMEM;
    sheet_clear(s);
    s->r->view.n_figures += !status;
    return status;
}

int sheet_keep(struct sheet *s, const char *name, const char *title, int status)
{
    return sheet_keep_two(s, name, title, NULL, NULL, status);
}

int figure_keep(struct pool *p, struct rn_figure *out, const char *name, const char *title,
                int status, struct text *svg, struct text *csv, struct text *alt)
{
    status = status ? status : svg->status ? svg->status : csv->status ? csv->status : alt->status;
    if (!status) {
        *out = (struct rn_figure){.name = name,
                                  .title = pool_strdup(p, title),
                                  .alt = pool_strdup(p, text_str(alt)),
                                  .svg = pool_strndup(p, text_str(svg), svg->n),
                                  .csv = pool_strndup(p, text_str(csv), csv->n)};
        status = out->title && out->svg && out->csv && out->alt ? RN_OK : RN_ENOMEM;
    }
    text_free(svg);
    text_free(csv);
    text_free(alt);
    return status;
}

void put_cell(struct text *t, double v)
{
    text_add(t, ",");
    if (!isnan(v))
        number_csv(t, v);
}

int figures_draw(struct report *r)
{
    struct sheet s = {.r = r, .p = r->drawn};
    int status = RN_OK;

    s.figures = pool_alloc(s.p, FIGURES * sizeof *s.figures);
    if (!s.figures)
        return RN_ENOMEM;
    r->view.figures = s.figures;
    for (int i = 0; !status && i < FIGURES; i++)
        status = all[i](&s);
    sheet_clear(&s);
    return status;
}
