/* page.h - text for Markdown, and the pages of sweeps and benchmarks. */
#ifndef MARKDOWN_PAGE_H
#define MARKDOWN_PAGE_H

#include <runner/reporter.h>
#include <runner/text.h>

/* So that it shows as it is, in a line or a cell of a table: no mark-up, no HTML, no link, nobody
 * is notified. */
void md_escape(struct rn_text *p, const char *s);
#define emit(p, ...) rn_text_form(p, md_escape, __VA_ARGS__)

/* dir/report.md; figures: the ending of their files. */
int bench_markdown(const struct rn_bench *b, const char *dir, const char *figures);
int sweep_markdown(const struct rn_sweep *s, const char *dir, const char *figures);

#endif
