/* parts.c - what pages have in common inside their sections: figures with their numbers, tables,
 * findings, amounts in words. */
#include "page.h"

#include <math.h>
#include <string.h>

#define CSV_BYTES 60000 /* more numbers are not repeated on the page: the file has them */

/* ---- figures -------------------------------------------------------------- */

/* The next cell of a CSV file into out; returns what ended it: ',', '\n', or 0. */
static char next_cell(const char **csv, struct rn_text *out)
{
    const char *s = *csv;
    bool quoted = *s == '"';

    out->n = 0;
    rn_text_put(out, "", 0);
    for (s += quoted; *s; s++) {
        if (quoted && *s == '"') {
            if (s[1] != '"') {
                quoted = false;
                continue;
            }
            s++;
        } else if (!quoted && (*s == ',' || *s == '\n')) {
            break;
        }
        rn_text_put(out, s, 1);
    }
    *csv = *s ? s + 1 : s;
    return *s;
}

void page_csv(struct rn_text *t, const char *csv)
{
    struct rn_text cell = {0};
    bool head = true;

    emit(t,
         "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"numbers of the figure\">"
         "<table class=\"numbers\"><thead>");
    while (*csv) {
        emit(t, "<tr>");
        for (char end = ','; end == ',';) {
            end = next_cell(&csv, &cell);
            emit(t, head ? "<th scope=\"col\">%s" : "<td>%s", cell.s ? cell.s : "");
        }
        emit(t, head ? "</thead><tbody>\n" : "\n");
        head = false;
    }
    emit(t, "%r</table></div>\n", head ? "</thead>" : "</tbody>");
    t->status = t->status ? t->status : cell.status;
    rn_host->free(cell.s);
}

/* Buttons that show one scale or the other, by style alone. */
static void put_scales(struct rn_text *t, const struct rn_figure *f)
{
    emit(t,
         "<input type=\"radio\" name=\"%s-scale\" id=\"%s-first\" class=\"first\" checked>"
         "<label for=\"%s-first\">%s</label>"
         "<input type=\"radio\" name=\"%s-scale\" id=\"%s-other\" class=\"other\">"
         "<label for=\"%s-other\">%s</label>\n",
         f->name, f->name, f->name, f->scale ? f->scale : "linear", f->name, f->name, f->name,
         f->scale_other ? f->scale_other : "other scale");
}

void page_figure(struct rn_text *t, const struct rn_figure *f, const char *files, bool wide)
{
    const char *class = wide ? "drawing wide" : "drawing";

    emit(t, "<figure id=\"figure-%s\" aria-label=\"%s\">\n", f->name, f->title);
    if (f->svg_other)
        put_scales(t, f);
    emit(t, "<div class=\"%s first\">%r</div>\n", class, f->svg);
    if (f->svg_other)
        emit(t, "<div class=\"%s other\">%r</div>\n", class, f->svg_other);
    emit(t, "<figcaption>");
    if (f->csv && *f->csv && strlen(f->csv) <= CSV_BYTES) {
        emit(t, "<details><summary>Numbers</summary>\n");
        page_csv(t, f->csv);
        emit(t, "</details>");
    }
    if (files)
        emit(t,
             "<span class=\"files\"><a href=\"%s%s.csv\" aria-label=\"%s as CSV\">CSV</a> "
             "<a href=\"%s%s.svg\" aria-label=\"%s as SVG\">SVG</a></span>",
             files, f->name, f->title, files, f->name, f->title);
    emit(t, "</figcaption></figure>\n");
}

/* ---- tables --------------------------------------------------------------- */

void page_table(struct rn_text *t, bool sortable, const char *caption)
{
    emit(t,
         "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-label=\"%s\"><table class=\"%r\">"
         "<caption>%s</caption>\n",
         caption, sortable ? "sortable" : "plain", caption);
}

void page_table_end(struct rn_text *t) { emit(t, "</table></div>\n"); }

void page_th(struct rn_text *t, const char *text, bool left)
{
    emit(t, "<th scope=\"col\"%r>%s</th>", left ? " class=\"left\"" : "", text);
}

void page_bar(struct rn_text *t, double v)
{
    if (isfinite(v))
        emit(t, "<td class=\"bar\" style=\"--v:%1%%\">%3</td>", 100 * fmin(fmax(v, 0), 1), v);
    else
        emit(t, "<td>\xE2\x80\x93</td>");
}

/* ---- findings ------------------------------------------------------------- */

void page_finding(struct rn_text *t, const struct rn_finding *f)
{
    static const char *const tones[] = {"", "good", "", "bad"};

    emit(t, "<li class=\"%s\">%s</li>\n", tones[f->tone & 3], f->text);
}

void page_advice(struct rn_text *t, const struct rn_finding *f, int64_t n, const char *command)
{
    struct rn_text word = {0};
    bool open = false;

    for (int64_t i = 0; i < n; i++) {
        if (!f[i].override)
            continue;
        word.n = 0;
        rn_text_shell(&word, f[i].override);
        emit(t, "%r<li>%s<pre class=\"command\"><code>%s %s</code></pre></li>\n",
             open ? "" : "<ol class=\"advice\">\n", f[i].text, command, word.s ? word.s : "");
        open = true;
    }
    if (open)
        emit(t, "</ol>\n");
    t->status = t->status ? t->status : word.status;
    rn_host->free(word.s);
}

void page_badge(struct rn_text *t, const char *status, bool missed)
{
    bool bad = missed || !strcmp(status, "diverged") || !strcmp(status, "failed");
    const char *tone = bad ? "bad" : !strcmp(status, "finished") ? "good" : "soft";

    emit(t, "<span class=\"badge %s\">%s%s</span>", tone, status,
         missed ? ", expectation failed" : "");
}

/* ---- amounts -------------------------------------------------------------- */

void page_duration(struct rn_text *t, double s)
{
    if (!isfinite(s))
        emit(t, "\xE2\x80\x93");
    else if (s < 0.1)
        emit(t, "%1 ms", 1000 * s);
    else if (s < 60)
        emit(t, "%2 s", s);
    else if (s < 3600)
        emit(t, "%0 min %0 s", floor(s / 60), floor(fmod(s, 60)));
    else
        emit(t, "%0 h %0 min", floor(s / 3600), floor(fmod(s, 3600) / 60));
}

void page_bytes(struct rn_text *t, double bytes)
{
    if (bytes < 1024)
        emit(t, "%0 B", bytes);
    else if (bytes < 1048576)
        emit(t, "%1 KiB", bytes / 1024);
    else
        emit(t, "%1 MiB", bytes / 1048576);
}
