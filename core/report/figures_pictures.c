/* figures_pictures.c - the figures that are made of pixels: samples and what was said of them, the
 * worst mistakes, the weights that see an image. */
#include "figures.h"

#include "base/error.h"
#include "escape.h"

#include <math.h>
#include <stdio.h>

#define TILES 40 /* of a gallery */

/* ---- samples -------------------------------------------------------------- */

static const struct rn_test *pictured_test(const struct sheet *s)
{
    const struct rn_test *t = s->r->view.test;

    return t && t->classes > 0 && t->n_pictures > 0 ? t : NULL;
}

static int fill_tile(struct sheet *s, const struct rn_picture *p, const char *shown_as,
                     struct chart_tile *tile)
{
    const struct rn_test *t = s->r->view.test;
    const struct rn_sample *x = &t->samples[p->sample];
    const char *truth = t->per_class[x->truth].name;
    bool good = x->truth == x->predicted;

    *tile = (struct chart_tile){.pixels = p->pixels, .good = good, .truth = -1};
    tile->verdict = pool_printf(s->p, "%s true: %s", good ? "\xE2\x9C\x93" : "\xE2\x9C\x97", truth);
    if (!tile->verdict)
        return RN_ENOMEM;
    for (int k = 0; k < CHART_PARTS; k++) {
        if (x->top[k] < 0 || !isfinite(x->p_top[k]))
            continue;
        tile->name[k] = t->per_class[x->top[k]].name;
        tile->p[k] = x->p_top[k];
        tile->truth = x->top[k] == x->truth ? k : tile->truth;
    }
    text_add(&s->csv, "%s,%lld,", shown_as, (long long)x->index);
    escape_csv(&s->csv, truth);
    text_add(&s->csv, ",");
    escape_csv(&s->csv, t->per_class[x->predicted].name);
    put_cell(&s->csv, x->p_true);
    put_cell(&s->csv, x->p_predicted);
    put_cell(&s->csv, x->loss);
    text_add(&s->csv, "\n");
    return RN_OK;
}

static void begin_csv(struct sheet *s)
{
    text_add(&s->csv, "shown_as,index,true,predicted,p_true,p_predicted,loss\n");
}

static int put_gallery(struct sheet *s, const char *name, const char *title,
                       const struct chart_gallery *first, const struct chart_gallery *second)
{
    const struct rn_test *t = s->r->view.test;
    struct chart_pictures c = {.head = {title, text_str(&s->alt),
                                        "Bars: the most probable classes; green is the true one.",
                                        NULL},
                               .w = t->picture_w,
                               .h = t->picture_h,
                               .channels = t->picture_channels,
                               .gallery = {*first}};

    if (second)
        c.gallery[1] = *second;
    return sheet_keep(s, name, title, chart_pictures(&s->svg, &c));
}

int draw_samples(struct sheet *s)
{
    const struct rn_test *t = pictured_test(s);
    struct chart_tile tiles[TILES];
    struct chart_gallery g = {.tiles = tiles};
    int64_t right = 0;
    char heading[96];

    for (int64_t i = 0; t && i < t->n_pictures && g.n < TILES; i++)
        g.n += (t->pictures[i].why & RN_FIXED) != 0;
    if (!g.n)
        return RN_OK;
    begin_csv(s);
    for (int64_t i = 0, k = 0; k < g.n; i++) {
        if (!(t->pictures[i].why & RN_FIXED))
            continue;
        TRY(fill_tile(s, &t->pictures[i], "fixed", &tiles[k]));
        right += tiles[k++].good;
    }
    snprintf(heading, sizeof heading, "%lld test samples, the same in every run", (long long)g.n);
    g.heading = heading;
    text_add(&s->alt,
             "Pictures of %s, with their true class and the most probable ones; %lld are right.",
             heading, (long long)right);
    return put_gallery(s, "sample_predictions", "Sample predictions", &g, NULL);
}

/* ---- mistakes ------------------------------------------------------------- */

static double by_loss(const struct rn_sample *x) { return isnan(x->loss) ? INFINITY : x->loss; }

static double by_confidence(const struct rn_sample *x) { return x->p_predicted; }

/* The mistakes that were kept for `why` and not for `but`, highest rank first; returns how many. */
static int64_t choose(const struct rn_test *t, uint32_t why, uint32_t but,
                      double (*rank)(const struct rn_sample *), const struct rn_picture *out[TILES])
{
    int64_t n = 0;

    for (int64_t i = 0; i < t->n_pictures; i++) {
        const struct rn_picture *p = &t->pictures[i];
        const struct rn_sample *x = &t->samples[p->sample];
        if (!(p->why & why) || (p->why & but))
            continue;
        int64_t at = n < TILES ? n++ : TILES;
        for (; at > 0 && rank(&t->samples[out[at - 1]->sample]) < rank(x); at--)
            if (at < TILES)
                out[at] = out[at - 1];
        if (at < TILES)
            out[at] = p;
    }
    return n;
}

static int64_t count_mistakes(const struct rn_test *t)
{
    int64_t n = 0;

    for (int64_t c = 0; c < t->classes; c++)
        n += t->per_class[c].support - t->per_class[c].correct;
    return n;
}

int draw_worst(struct sheet *s)
{
    const struct rn_test *t = pictured_test(s);
    const struct rn_picture *worst[TILES], *sure[TILES];
    struct chart_tile tiles[2][TILES];
    struct chart_gallery g[2] = {{.tiles = tiles[0]}, {.tiles = tiles[1]}};
    int64_t both = 0;
    char heading[2][128];

    if (!t)
        return RN_OK;
    g[0].n = choose(t, RN_WORST, 0, by_loss, worst);
    g[1].n = choose(t, RN_SURE, RN_WORST, by_confidence, sure);
    if (!g[0].n)
        return RN_OK;
    begin_csv(s);
    for (int64_t i = 0; i < g[0].n; i++) {
        bool is_sure = worst[i]->why & RN_SURE;
        TRY(fill_tile(s, worst[i], is_sure ? "worst and sure" : "worst", &tiles[0][i]));
        both += is_sure;
    }
    for (int64_t i = 0; i < g[1].n; i++)
        TRY(fill_tile(s, sure[i], "sure", &tiles[1][i]));
    snprintf(heading[0], sizeof heading[0], "%lld of %lld mistakes, the largest loss first",
             (long long)g[0].n, (long long)count_mistakes(t));
    snprintf(heading[1], sizeof heading[1],
             "%lld more that the model was surest of: are they labelled right?", (long long)g[1].n);
    g[0].heading = heading[0];
    g[1].heading = heading[1];
    text_add(&s->alt, "Pictures of %s, with their true class and the most probable ones.",
             heading[0]);
    if (both)
        text_add(&s->alt, " %lld of them are among those the model was surest of.",
                 (long long)both);
    if (g[1].n)
        text_add(&s->alt, " Then %s", heading[1]);
    return put_gallery(s, "worst_mistakes", "Worst mistakes", &g[0], &g[1]);
}

/* ---- weights -------------------------------------------------------------- */

#define CSV_MOST  200000 /* bytes of a table with every value */
#define CELL_MOST 8      /* about so many are one value */

struct spread {
    double least, most, mean, norm;
};

static struct spread spread_of(const float *v, int64_t n)
{
    struct spread x = {INFINITY, -INFINITY, 0, 0};

    for (int64_t i = 0; i < n; i++) {
        double w = (double)v[i];
        x.least = fmin(x.least, w);
        x.most = fmax(x.most, w);
        x.mean += w / (double)n;
        x.norm += w * w;
    }
    x.norm = sqrt(x.norm);
    return x;
}

static void units_csv(struct text *t, const struct first_layer *f, int64_t inputs)
{
    bool whole = f->shown * inputs * CELL_MOST < CSV_MOST;

    text_add(t, "unit,least,most,mean,norm");
    for (int64_t i = 0; whole && i < inputs; i++)
        text_add(t, ",w%lld", (long long)i);
    for (int64_t u = 0; u < f->shown; u++) {
        const float *v = f->values + u * inputs;
        struct spread x = spread_of(v, inputs);
        text_add(t, "\n%lld,%.4g,%.4g,%.4g,%.4g", (long long)u, x.least, x.most, x.mean, x.norm);
        for (int64_t i = 0; whole && i < inputs; i++)
            text_add(t, ",%.4g", (double)v[i]);
    }
    text_add(t, "\n");
}

int draw_first_layer(struct sheet *s)
{
    static const char title[] = "Weights of the first layer";
    const struct first_layer *f = &s->r->first_layer;
    char subtitle[192];

    if (!f->values || !s->r->view.test)
        return RN_OK;
    int64_t inputs = f->h * f->w * f->channels;
    struct spread all = spread_of(f->values, f->shown * inputs);
    units_csv(&s->csv, f, inputs);
    snprintf(subtitle, sizeof subtitle,
             "%lld of %lld units, each as the %lld x %lld pixels it sees%s", (long long)f->shown,
             (long long)f->units, (long long)f->h, (long long)f->w,
             f->channels == 3 ? "; grey: 0 in red, green and blue" : "");
    text_add(&s->alt, "Weights %s as pictures: %s. They lie between %.3g and %.3g.", f->name,
             subtitle, all.least, all.most);
    int status = chart_units(
        &s->svg, &(struct chart_units){.head = {title, text_str(&s->alt), subtitle, NULL},
                                       .values = f->values,
                                       .n = f->shown,
                                       .w = f->w,
                                       .h = f->h,
                                       .channels = f->channels});
    return sheet_keep(s, "first_layer_weights", title, status);
}
