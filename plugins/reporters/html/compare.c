/* compare.c - the page of a comparison: what can be said, what differs, scores, curves, and the
 * samples that only one of two runs got right. */
#include "index.h"
#include "pairs.h"
#include "run.h"

#include "html_files.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SHA_DIGITS 12
#define DASH       "\xE2\x80\x93"

struct comparing {
    const struct rn_comparison *c;
    struct page page;
};

static void put_heads(struct rn_text *t, const struct rn_comparison *c, const char *last)
{
    emit(t, "<thead><tr><td></td>");
    for (int64_t i = 0; i < c->n; i++)
        emit(t, "<th scope=\"col\"><span class=\"wrap\">%s</span></th>", c->labels[i]);
    if (last)
        emit(t, "<th scope=\"col\" class=\"left\">%s</th>", last);
    emit(t, "</tr></thead>\n<tbody>\n");
}

/* ---- head ----------------------------------------------------------------- */

static void put_header(struct comparing *k)
{
    const struct rn_comparison *c = k->c;
    struct rn_text *t = &k->page.body;

    emit(t, "<header><h1>Comparison of %I runs</h1>\n<ol class=\"runs\">\n", c->n);
    for (int64_t i = 0; i < c->n; i++) {
        const struct rn_run *r = &c->runs[i];
        char path[4096];
        snprintf(path, sizeof path, "%s%s%s/report.html", c->to_root, *c->to_root ? "/" : "",
                 r->dir);
        emit(t, "<li><a href=\"");
        page_href(t, path);
        emit(t, "\">%s</a> <small>%s</small>", r->name, r->id);
        page_badge(t, r->status, page_missed(c->reports[i]));
        for (int64_t j = 0; j < i; j++)
            if (!strcmp(r->dir, c->runs[j].dir)) {
                emit(t, " <small>the same run as number %I</small>", j + 1);
                break;
            }
        if (*r->note)
            emit(t, "<br><span class=\"soft\">%s</span>", r->note);
        emit(t, "</li>\n");
    }
    emit(t, "</ol></header>\n\n");
    page_section(&k->page, "findings", "What can be said");
    emit(t, "%r", c->n_findings ? "<ul class=\"findings\">\n" : "");
    for (int64_t i = 0; i < c->n_findings; i++)
        page_finding(t, &c->findings[i]);
    emit(t, "%r", c->n_findings ? "</ul>\n" : "");
    page_section_end(&k->page);
}

/* ---- what differs --------------------------------------------------------- */

/* The head of a row, which may break behind each part of its key. */
static void put_key(struct rn_text *t, const char *key)
{
    char part[256];

    emit(t, "<tr><th scope=\"row\"><span class=\"wrap\">");
    for (size_t n; *key; key += n) {
        n = strcspn(key, "._");
        n += key[n] != '\0';
        n = n < sizeof part ? n : sizeof part - 1;
        snprintf(part, sizeof part, "%.*s", (int)n, key);
        emit(t, key[n] ? "%s<wbr>" : "%s", part);
    }
    emit(t, "</span></th>");
}

/* Of a checksum the first digits tell it from others. */
static void put_value(struct rn_text *t, const char *value)
{
    size_t before = strncmp(value, "sha256:", 7) ? 0 : 7;
    size_t digits = strspn(value + before, "0123456789abcdef");
    char cut[7 + SHA_DIGITS + 1];

    if (value[before + digits] || digits < 40) {
        emit(t, "<td><span class=\"wrap\">%s</span></td>", value);
        return;
    }
    snprintf(cut, sizeof cut, "%.*s", (int)before + SHA_DIGITS, value);
    emit(t, "<td><span title=\"%s\">%s\xE2\x80\xA6</span></td>", value, cut);
}

static void put_rows(struct comparing *k, const char *caption, const struct rn_row *rows, int64_t n)
{
    struct rn_text *t = &k->page.body;

    if (!n)
        return;
    page_table(t, false, caption);
    put_heads(t, k->c, NULL);
    for (int64_t i = 0; i < n; i++) {
        put_key(t, rows[i].key);
        for (int64_t r = 0; r < k->c->n; r++)
            put_value(t, rows[i].values[r] ? rows[i].values[r] : DASH);
        emit(t, "</tr>\n");
    }
    emit(t, "</tbody>");
    page_table_end(t);
}

static bool is_row(const struct rn_comparison *c, const char *key)
{
    for (int64_t i = 0; i < c->n_parameters; i++)
        if (!strcmp(c->parameters[i].key, key))
            return true;
    return false;
}

/* Whether all values without a row are the same in a and b; both are sorted. */
static bool is_alike(const struct rn_comparison *c, const struct rn_run *a, const struct rn_run *b)
{
    int64_t i = 0, k = 0;

    while (i < a->n_config || k < b->n_config) {
        int order = i == a->n_config   ? 1
                    : k == b->n_config ? -1
                                       : strcmp(a->config[i].key, b->config[k].key);
        const char *key = order <= 0 ? a->config[i].key : b->config[k].key;
        if ((order || strcmp(a->config[i].value, b->config[k].value) != 0) && !is_row(c, key))
            return false;
        i += order <= 0;
        k += order >= 0;
    }
    return true;
}

static bool rest_is_alike(const struct rn_comparison *c)
{
    for (int64_t i = 1; i < c->n; i++)
        if (!is_alike(c, &c->runs[0], &c->runs[i]))
            return false;
    return true;
}

static void put_differences(struct comparing *k)
{
    const struct rn_comparison *c = k->c;
    struct rn_text *t = &k->page.body;
    bool alike = rest_is_alike(c);

    page_section(&k->page, "parameters", "Parameters that differ");
    if (!c->n_parameters)
        emit(t, alike ? "<p>None: all values of the configurations are the same.</p>\n"
                      : "<p>None; but names, notes or what is expected and reported differ.</p>\n");
    put_rows(k,
             alike ? "All others are the same"
                   : "Not here: names, notes, what is expected and reported, options of a part "
                     "that a run lacks",
             c->parameters, c->n_parameters);
    page_section_end(&k->page);
    page_section(&k->page, "environment", "What differs around them");
    if (c->n_environment)
        emit(t, "<div class=\"around\">\n");
    put_rows(k, "Data, machine, plugins, versions", c->environment, c->n_environment);
    if (c->n_environment)
        emit(t, "</div>\n");
    page_section_end(&k->page);
}

/* ---- scores --------------------------------------------------------------- */

/* In words where the file has a key of its own. */
static const char *score_name(const char *name)
{
    static const char *const shown[][2] = {{"test.accuracy", "test accuracy"},
                                           {"test.macro_f1", "test macro F1"},
                                           {"test.top3", "test, among the top 3"},
                                           {"test.loss", "test loss"},
                                           {"test.ece", "test calibration error"},
                                           {"best.val.accuracy", "best validation accuracy"},
                                           {"best.val.loss", "best validation loss"},
                                           {"fit.loss", "training loss, weights of the end"},
                                           {"val.loss", "validation loss, last epoch"},
                                           {"train_s", "training time"},
                                           {"seconds", "time in all"},
                                           {"samples_per_s", "samples a second"},
                                           {"peak_bytes", "peak memory"}};

    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        if (!strcmp(name, shown[i][0]))
            return shown[i][1];
    return name;
}

static void put_score(struct rn_text *t, const struct rn_score *s, double v)
{
    if (isnan(v))
        emit(t, DASH);
    else if (s->percent)
        emit(t, "%2 %%", 100 * v);
    else if (!strcmp(s->name, "peak_bytes"))
        page_bytes(t, v);
    else if (!strcmp(s->name, "train_s") || !strcmp(s->name, "seconds"))
        page_duration(t, v);
    else if (fabs(v) >= 1000 && fabs(v) < 9e15)
        emit(t, "%I", (int64_t)llround(v));
    else
        emit(t, "%g", v);
}

/* Two runs: the second less the first. */
static void put_difference(struct rn_text *t, const struct rn_score *s)
{
    double d = s->values[1] - s->values[0];

    emit(t, "<td>");
    if (isfinite(d) && s->percent)
        emit(t, "%r%2 points", d < 0 ? "\xE2\x88\x92" : "+", 100 * fabs(d));
    else if (isfinite(d)) {
        emit(t, d < 0 ? "\xE2\x88\x92" : "+");
        put_score(t, s, fabs(d));
    }
    emit(t, "</td>");
}

static void put_scores(struct comparing *k)
{
    const struct rn_comparison *c = k->c;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "scores", "Scores");
    if (c->n_scores) {
        page_table(t, false, "In small type: 95 % intervals");
        put_heads(t, c, c->n == 2 ? "second less first" : NULL);
    }
    for (int64_t i = 0; i < c->n_scores; i++) {
        const struct rn_score *s = &c->scores[i];
        put_key(t, score_name(s->name));
        for (int64_t r = 0; r < c->n; r++) {
            emit(t, "<td>");
            put_score(t, s, s->values[r]);
            if (isfinite(s->low[r]) && s->percent)
                emit(t, "<br><small>%2 to %2</small>", 100 * s->low[r], 100 * s->high[r]);
            else if (isfinite(s->low[r]))
                emit(t, "<br><small>%g to %g</small>", s->low[r], s->high[r]);
            emit(t, "</td>");
        }
        if (c->n == 2)
            put_difference(t, s);
        emit(t, "</tr>\n");
    }
    if (c->n_scores) {
        emit(t, "</tbody>");
        page_table_end(t);
    }
    page_section_end(&k->page);
}

/* ---- figures -------------------------------------------------------------- */

static void put_figures(struct comparing *k, const char *anchor, const char *title, bool curves)
{
    struct rn_text *t = &k->page.body;
    bool open = false;

    page_section(&k->page, anchor, title);
    for (int64_t i = 0; i < k->c->n_figures; i++) {
        const struct rn_figure *f = &k->c->figures[i];
        if ((strstr(f->svg, "data-chart=\"lines\"") != NULL) != curves)
            continue;
        emit(t, "%r", open ? "" : "<div class=\"pair\">\n");
        open = true;
        page_figure(t, f, NULL, false);
    }
    if (open)
        emit(t, "</div>\n");
    page_section_end(&k->page);
}

/* ---- pairs ---------------------------------------------------------------- */

static struct pair_side side_of(const struct rn_comparison *c, int64_t run)
{
    return (struct pair_side){c->reports[run]->test, c->labels[run], run};
}

static void put_pairs(struct comparing *k)
{
    const struct rn_comparison *c = k->c;
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "samples", "Sample by sample");
    if (c->n_pairs) {
        page_table(t, true,
                   "How many test samples were right; p of McNemar's exact test, two-sided, and "
                   "with Holm's correction for the number of pairs");
        emit(t, "<thead><tr>");
        page_th(t, "first", true);
        page_th(t, "second", true);
        page_th(t, "both", false);
        page_th(t, "first only", false);
        page_th(t, "second only", false);
        page_th(t, "neither", false);
        page_th(t, "p", false);
        page_th(t, "p, corrected", false);
        emit(t, "</tr></thead>\n<tbody>\n");
    }
    for (int64_t i = 0; i < c->n_pairs; i++) {
        const struct rn_pair *p = &c->pairs[i];
        emit(t,
             "<tr><td class=\"left\"><span class=\"wrap\">%s</span></td><td class=\"left\">"
             "<span class=\"wrap\">%s</span></td><td>%I</td><td>%I</td><td>%I</td><td>%I</td>",
             c->labels[p->a], c->labels[p->b], p->both, p->only_a, p->only_b, p->neither);
        pairs_p(t, p->p);
        pairs_p(t, p->p_corrected);
        emit(t, "</tr>\n");
    }
    if (c->n_pairs) {
        emit(t, "</tbody>");
        page_table_end(t);
    }
    for (int64_t i = 0; i < c->n_pairs; i++) {
        const struct rn_pair *p = &c->pairs[i];
        if (c->n > 2)
            emit(t, "<h3>%s and %s</h3>\n", c->labels[p->a], c->labels[p->b]);
        pairs_gallery(t, p, side_of(c, p->a), side_of(c, p->b), c->n == 2);
    }
    page_section_end(&k->page);
}

/* ---- the page ------------------------------------------------------------- */

static void put_diff(struct comparing *k)
{
    struct rn_text *t = &k->page.body;

    page_section(&k->page, "diff", "Configurations line by line");
    if (k->c->diff && *k->c->diff) {
        emit(t, "%r<details open><summary>All values, defaults included</summary><pre>",
             k->c->n > 2 ? "<p class=\"soft\">Of the first two.</p>\n" : "");
        for (const char *s = k->c->diff; *s;) {
            size_t n = strcspn(s, "\n");
            char line[1024];
            snprintf(line, sizeof line, "%.*s", (int)(n < 1000 ? n : 1000), s);
            const char *class = *s == '+' ? "plus" : *s == '-' ? "less" : *s == '@' ? "soft" : "";
            emit(t, "<span class=\"%r\">%s</span>\n", class, line);
            s += n + (s[n] == '\n');
        }
        emit(t, "</pre></details>\n");
    }
    page_section_end(&k->page);
}

int compare_write(const struct rn_comparison *c, const char *path)
{
    struct comparing k = {.c = c};
    struct rn_text style = {0};

    put_header(&k);
    put_differences(&k);
    put_scores(&k);
    put_figures(&k, "curves", "Curves", true);
    put_figures(&k, "tradeoffs", "What a better score cost", false);
    put_pairs(&k);
    put_diff(&k);
    rn_text_str(&style, compare_css);
    for (int64_t i = 0; i < c->n && c->n_pairs; i++) {
        char selector[16];
        snprintf(selector, sizeof selector, ".t%d", (int)i);
        run_sprite_style(&style, selector, c->reports[i]->test);
    }
    k.page.body.status = k.page.body.status ? k.page.body.status : style.status;
    int status = page_write(&k.page, path, "Comparison of runs", 0, style.s ? style.s : "");
    rn_host->free(style.s);
    return status;
}
