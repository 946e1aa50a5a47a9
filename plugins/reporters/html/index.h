/* index.h - the pages over many runs: all of a root, and some chosen ones compared. */
#ifndef HTML_INDEX_H
#define HTML_INDEX_H

#include <runner/reporter.h>

int index_write(const struct rn_runs *all, const char *path);
int sweep_page(const struct rn_sweep *s, const char *dir); /* report.html */
int bench_page(const struct rn_bench *b, const char *dir); /* report.html */
int compare_write(const struct rn_comparison *c, const char *path);

#endif
