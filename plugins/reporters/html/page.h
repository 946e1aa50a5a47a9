/* page.h - what all pages are made of: escaped text, head and navigation, sections, figures with
 * their numbers, tables, small facts. A page needs nothing else and works without its script. */
#ifndef HTML_PAGE_H
#define HTML_PAGE_H

#include <runner/reporter.h>
#include <runner/text.h>

/* For elements and for attributes in quotes; emit() is the only way of a text into a page. */
void page_escape(struct rn_text *t, const char *s);
#define emit(t, ...) rn_text_form(t, page_escape, __VA_ARGS__)

/* The same of the beginning of a name: one of a thousand letters is in the way everywhere. */
enum { PAGE_SHORT = 48 };
int page_short_bytes(const char *s);
void page_short(struct rn_text *t, const char *s);
#define emit_short(t, ...) rn_text_form(t, page_short, __VA_ARGS__)

/* A string for a block of JSON in a <script>, with its quotes. */
void page_json(struct rn_text *t, const char *s);

enum { PAGE_SECTIONS = 24 };
struct page {
    struct rn_text body; /* all between <main> and </main> */
    struct {
        const char *anchor, *title;
    } sections[PAGE_SECTIONS];
    int n_sections;
    const char *script, *script_sha256; /* one more of the page's own; NULL: none */
    size_t before, after;               /* where the section begins, and where its heading ends */
};

/* <section>, <h2>, and an entry of the navigation. A section in which nothing was written is taken
 * out again when it ends: call these around what may write nothing. */
void page_section(struct page *p, const char *anchor, const char *title);
void page_section_end(struct page *p);

/* The whole page to a file, by way of rn_host->write_file; frees p->body also after an error.
 * refresh: seconds, 0: it does not refresh itself. style: more of it, of the caller's making. */
int page_write(struct page *p, const char *path, const char *title, int refresh, const char *style);

/* ---- parts ---------------------------------------------------------------- */

/* files: the folder of its .csv and .svg as the page sees it, with a slash; NULL: no links. wide:
 * on a narrow screen it scrolls and does not shrink. */
void page_figure(struct rn_text *t, const struct rn_figure *f, const char *files, bool wide);
/* rows of numbers as they are in a CSV file, the first are the headings */
void page_csv(struct rn_text *t, const char *csv);

void page_table(struct rn_text *t, bool sortable, const char *caption); /* to before <thead> */
void page_table_end(struct rn_text *t);
/* A cell of it: v between 0 and 1 as a number with a bar behind it. */
void page_bar(struct rn_text *t, double v);
/* A heading of a column: text at the left, numbers at the right. */
void page_th(struct rn_text *t, const char *text, bool left);

void page_finding(struct rn_text *t, const struct rn_finding *f); /* an item of a list */
/* findings with an override: the whole command to type. A list, or nothing. */
void page_advice(struct rn_text *t, const struct rn_finding *f, int64_t n, const char *command);
/* missed: an expectation does not hold */
static inline bool page_missed(const struct rn_report *r)
{
    bool missed = false;

    for (int64_t i = 0; i < r->n_expectations; i++)
        missed |= !r->expectations[i].holds && !r->expectations[i].warns;
    return missed && strcmp(r->status, "running") != 0;
}
void page_badge(struct rn_text *t, const char *status, bool missed);
void page_duration(struct rn_text *t, double seconds);
void page_bytes(struct rn_text *t, double bytes);
void page_base64(struct rn_text *t, const uint8_t *bytes, int64_t n);
/* An address within the pages: every byte that is not plain is escaped with a percent sign. */
void page_href(struct rn_text *t, const char *path);

#endif
