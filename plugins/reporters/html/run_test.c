/* run_test.c - what the test pass showed: scores by class, confusion with the pictures behind it,
 * confidence, samples, the worst mistakes. Pictures are tiles of one sprite in the style sheet. */
#include "run.h"

#define ROWS_FOLDED  20 /* longer tables are folded */
#define CELLS_LISTED 10
#define CELL_TILES   8  /* pictures of a cell in that list */
#define CELL_SHOWN   60 /* and that the script shows */
#define TILE_SIDE    56 /* pixels on the screen, about */
#define GALLERY      40

/* ---- pictures ------------------------------------------------------------- */

void run_sprite_style(struct rn_text *t, const char *selector, const struct rn_test *test)
{
    if (!run_has_pictures(test))
        return;
    int64_t k = TILE_SIDE / test->picture_h > 1 ? TILE_SIDE / test->picture_h : 1;
    int64_t w = k * test->picture_w, h = k * test->picture_h;
    int64_t rows = (test->n_pictures + test->sprite_columns - 1) / test->sprite_columns;

    emit(t,
         "%r{width:%ipx;height:%ipx;background-size:%ipx %ipx;background-position:"
         "calc(var(--x)*-%ipx) calc(var(--y)*-%ipx);background-image:url(data:image/png;base64,",
         selector, w, h, w * test->sprite_columns, h * rows, w, h);
    page_base64(t, test->sprite, test->sprite_bytes);
    emit(t, ")}\n");
}

static const struct rn_sample *sample_of(const struct rn_test *t, int64_t picture)
{
    int64_t i = t->pictures[picture].sample;

    return i >= 0 && i < t->n ? &t->samples[i] : NULL;
}

static void put_tile(struct rn_text *p, const struct rn_test *t, int64_t picture)
{
    const struct rn_sample *s = sample_of(t, picture);

    emit(p, "<span class=\"t\" role=\"img\" aria-label=\"sample %i", t->pictures[picture].sample);
    if (s && t->classes)
        emit_short(p, ", %s, predicted %s", run_class_name(t, s->truth),
                   run_class_name(t, s->predicted));
    emit(p, "\" style=\"--x:%i;--y:%i\"></span>", picture % t->sprite_columns,
         picture / t->sprite_columns);
}

/* "97", "0.3", "<0.1", ">99.9" */
static void put_percent(struct rn_text *p, double share)
{
    if (share > 0 && share < 0.0005)
        emit(p, "&lt;0.1");
    else if (share > 0.9995 && share < 1)
        emit(p, "&gt;99.9");
    else if (share < 0.0995 || share > 0.995)
        emit(p, "%1", 100 * share);
    else
        emit(p, "%0", 100 * share);
}

/* The three most probable classes as bars; the true one stands out. */
static void put_top(struct rn_text *p, const struct rn_test *t, const struct rn_sample *s)
{
    emit(p, "<ol class=\"top\">");
    for (int k = 0; k < 3 && s->top[k] >= 0; k++) {
        emit_short(p, "<li%r style=\"--v:%1%%\"><span>%s</span> <span>",
                   s->top[k] == s->truth ? " class=\"true\"" : "", 100 * s->p_top[k],
                   run_class_name(t, s->top[k]));
        put_percent(p, s->p_top[k]);
        emit(p, " %%</span></li>");
    }
    emit(p, "</ol>");
}

static void put_sample(struct rn_text *p, const struct rn_test *t, int64_t picture)
{
    const struct rn_sample *s = sample_of(t, picture);
    bool wrong = s && s->truth != s->predicted;

    if (!s)
        return;
    emit(p, "<li%r>", wrong ? " class=\"wrong\"" : "");
    put_tile(p, t, picture);
    emit_short(p, "<div><p>%s", run_class_name(t, s->truth));
    if (wrong)
        emit_short(p, " <span class=\"bad\">\xE2\x86\x92 %s</span>",
                   run_class_name(t, s->predicted));
    emit(p, "</p>");
    put_top(p, t, s);
    emit(p, "</div></li>\n");
}

static int64_t count_pictures(const struct rn_test *t, uint32_t why)
{
    int64_t n = 0;

    for (int64_t i = 0; run_has_pictures(t) && i < t->n_pictures; i++)
        n += (t->pictures[i].why & why) != 0;
    return n;
}

/* In the order of the sprite; the worst first where they are sorted by loss. */
static void put_gallery(struct rn_text *p, const struct rn_test *t, uint32_t why, bool by_loss)
{
    int64_t left = count_pictures(t, why) < GALLERY ? count_pictures(t, why) : GALLERY;
    int64_t chosen[GALLERY], n = 0;

    for (int64_t i = 0; i < t->n_pictures; i++) {
        const struct rn_sample *s = sample_of(t, i);
        if (!(t->pictures[i].why & why) || !s || (n == left && !by_loss))
            continue;
        int64_t at = n;
        while (by_loss && at > 0 && sample_of(t, chosen[at - 1])->loss < s->loss)
            at--;
        if (at == left)
            continue;
        n += n < left;
        memmove(chosen + at + 1, chosen + at, (size_t)(n - at - 1) * sizeof *chosen);
        chosen[at] = i;
    }
    emit(p, "<ul class=\"gallery\">\n");
    for (int64_t i = 0; i < n; i++)
        put_sample(p, t, chosen[i]);
    emit(p, "</ul>\n");
}

void run_samples(struct run *run)
{
    const struct rn_test *t = run->r->test;
    struct rn_text *p = &run->page.body;

    page_section(&run->page, "samples", "Sample predictions");
    if (t && t->classes && count_pictures(t, RN_FIXED)) {
        run_place(run, "sample_predictions");
        emit(p,
             "<p class=\"soft\">%I test samples, the same in all runs on this test set: the true "
             "class, what it was taken for where that is another, and the most probable "
             "classes.</p>\n",
             count_pictures(t, RN_FIXED));
        put_gallery(p, t, RN_FIXED, false);
        emit(p, "<p class=\"soft\"><a href=\"predictions.csv\">All predictions as CSV</a></p>\n");
    } else {
        run_figure(run, "sample_predictions", true);
    }
    page_section_end(&run->page);
}

void run_worst(struct run *run)
{
    const struct rn_test *t = run->r->test;
    struct rn_text *p = &run->page.body;

    page_section(&run->page, "worst", "Worst mistakes");
    if (t && t->classes && count_pictures(t, RN_WORST)) {
        run_place(run, "worst_mistakes");
        emit(p, "<p class=\"soft\">The largest losses: the true class got the least "
                "probability.</p>\n");
        put_gallery(p, t, RN_WORST, true);
    } else {
        run_figure(run, "worst_mistakes", true);
    }
    if (t && t->classes && count_pictures(t, RN_SURE)) {
        run_place(run, "surest_mistakes");
        emit(p, "<h3>Wrong, and sure of it</h3>\n<p class=\"soft\">Look at their labels, too: "
                "some of these may be mislabelled.</p>\n");
        put_gallery(p, t, RN_SURE, false);
    } else {
        run_figure(run, "surest_mistakes", true);
    }
    page_section_end(&run->page);
}

/* ---- by class ------------------------------------------------------------- */

/* The class that samples of class c are most often taken for; -1: none was mistaken. */
static int64_t mistaken_for(const struct rn_test *t, int64_t c)
{
    int64_t best = -1;

    for (int64_t k = 0; k < t->classes; k++) {
        int64_t count = k == c ? 0 : t->confusion[c * t->classes + k];
        if (count && (best < 0 || count > t->confusion[c * t->classes + best]))
            best = k;
    }
    return best;
}

static void put_class(struct rn_text *p, const struct rn_test *t, int64_t c)
{
    const struct rn_class_fact *f = &t->per_class[c];
    int64_t other = mistaken_for(t, c);

    emit(p, "<tr><th scope=\"row\"");
    if (f->name[page_short_bytes(f->name)])
        emit(p, " title=\"%s\"", f->name);
    emit_short(p, ">%s</th>", f->name);
    page_bar(p, f->precision);
    page_bar(p, f->recall);
    page_bar(p, f->f1);
    emit(p, "<td>%I</td>", f->support);
    if (other < 0)
        emit(p, "<td class=\"left\">\xE2\x80\x93</td></tr>\n");
    else
        emit_short(p, "<td class=\"left\">%s <small>(%I)</small></td></tr>\n",
                   run_class_name(t, other), t->confusion[c * t->classes + other]);
}

void run_classes(struct run *run)
{
    const struct rn_test *t = run->r->test;
    struct rn_text *p = &run->page.body;
    bool folded = t && t->classes > ROWS_FOLDED;

    page_section(&run->page, "classes", "Classes");
    if (t && t->classes) {
        if (folded)
            emit(p, "<details><summary>Scores of all %I classes</summary>\n", t->classes);
        page_table(p, true, "Scores of each class on the test set");
        emit(p, "<thead><tr>");
        page_th(p, "class", true);
        page_th(p, "precision", false);
        page_th(p, "recall", false);
        page_th(p, "F1", false);
        page_th(p, "samples", false);
        page_th(p, "mostly taken for", true);
        emit(p, "</tr></thead>\n<tbody>\n");
        for (int64_t c = 0; c < t->classes; c++)
            put_class(p, t, c);
        emit(p, "</tbody>");
        page_table_end(p);
        emit(p, "%r", folded ? "</details>\n" : "");
    }
    run_figures(run, (const char *const[]){"class_scores", "class_errors", NULL}, false);
    page_section_end(&run->page);
}

/* ---- confusion ------------------------------------------------------------ */

static bool is_in(const struct rn_test *t, int64_t picture, int64_t truth, int64_t predicted)
{
    const struct rn_sample *s = sample_of(t, picture);

    return s && s->truth == truth && s->predicted == predicted;
}

static void put_largest(struct rn_text *p, const struct rn_test *t)
{
    if (!t->n_pairs) {
        emit(p, "<p>Not one test sample was mistaken.</p>\n");
        return;
    }
    emit(p, "<details><summary>The most frequent mistakes%r</summary>\n<ul class=\"cells\">\n",
         run_has_pictures(t) ? ", with pictures" : "");
    for (int64_t i = 0; i < t->n_pairs && i < CELLS_LISTED; i++) {
        const struct rn_confusion *c = &t->pairs[i];
        int shown = 0;
        emit_short(p, "<li><p><b>%s</b> taken for <b>%s</b>, %I time%r</p>",
                   run_class_name(t, c->truth), run_class_name(t, c->predicted), c->count,
                   c->count == 1 ? "" : "s");
        for (int64_t k = 0; run_has_pictures(t) && k < t->n_pictures && shown < CELL_TILES; k++)
            if (is_in(t, k, c->truth, c->predicted)) {
                put_tile(p, t, k);
                shown++;
            }
        emit(p, "</li>\n");
    }
    emit(p, "</ul></details>\n");
}

/* "3,8":{"n":12,"p":[[tile,sample,probability] ...]} */
static void put_cell(struct rn_text *p, const struct rn_test *t, int64_t first, bool *any)
{
    const struct rn_sample *s = sample_of(t, first);
    int shown = 0;

    for (int64_t k = 0; k < first; k++)
        if (is_in(t, k, s->truth, s->predicted))
            return;
    emit(p, "%r\"%i,%i\":{\"n\":%i,\"p\":[", *any ? ",\n" : "", s->truth, s->predicted,
         t->confusion[s->truth * t->classes + s->predicted]);
    *any = true;
    for (int64_t k = first; k < t->n_pictures && shown < CELL_SHOWN; k++)
        if (is_in(t, k, s->truth, s->predicted)) {
            emit(p, "%r[%i,%i,", shown++ ? "," : "", k, t->pictures[k].sample);
            rn_text_add(p, "%.3f]",
                        isfinite(sample_of(t, k)->p_predicted) ? sample_of(t, k)->p_predicted : 0);
        }
    emit(p, "]}");
}

/* For the script: which pictures stand behind which cell. */
static void put_cells(struct rn_text *p, const struct rn_test *t)
{
    bool any = false;

    emit(p,
         "<div class=\"panel\" id=\"cell\" aria-live=\"polite\" hidden></div>\n"
         "<script type=\"application/json\" id=\"cells\">{\"columns\":%i,\"classes\":[",
         t->sprite_columns);
    for (int64_t c = 0; c < t->classes; c++) {
        char cut[8 * PAGE_SHORT];
        snprintf(cut, sizeof cut, "%.*s", page_short_bytes(t->per_class[c].name),
                 t->per_class[c].name);
        emit(p, "%r", c ? "," : "");
        page_json(p, cut);
    }
    emit(p, "],\"cells\":{");
    for (int64_t i = 0; i < t->n_pictures; i++) {
        const struct rn_sample *s = sample_of(t, i);
        if (s && s->truth >= 0 && s->truth < t->classes && s->predicted >= 0 &&
            s->predicted < t->classes)
            put_cell(p, t, i, &any);
    }
    emit(p, "}}</script>\n");
}

void run_confusion(struct run *run)
{
    const struct rn_test *t = run->r->test;
    struct rn_text *p = &run->page.body;

    page_section(&run->page, "confusion", "Confusion");
    run_figures(
        run, (const char *const[]){"confusion_matrix_counts", "confusion_matrix_normalized", NULL},
        true);
    if (t && t->classes) {
        if (run_has_pictures(t))
            put_cells(p, t);
        put_largest(p, t);
    }
    page_section_end(&run->page);
}

/* ---- confidence ----------------------------------------------------------- */

void run_confidence(struct run *run)
{
    const struct rn_test *t = run->r->test;

    page_section(&run->page, "confidence", "Confidence");
    run_figures(run, (const char *const[]){"calibration", "confidence", "coverage", NULL}, false);
    if (t && t->classes && t->confidence && isfinite(t->ece) && run->page.body.n > run->page.after)
        emit(&run->page.body,
             "<p class=\"soft\">Expected calibration error: %4 (%I bins of equal width).</p>\n",
             t->ece, (int64_t)RN_CONFIDENCE_BINS);
    page_section_end(&run->page);
}
