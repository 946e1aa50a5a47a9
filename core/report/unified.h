/* unified.h - the differences of two texts by lines, in the form of `diff -u`. */
#ifndef REPORT_UNIFIED_H
#define REPORT_UNIFIED_H

#include "base/mem.h"

/* Nothing when they are the same. Three lines around each change. Texts of more than 4,000 lines
 * are only said to differ. */
void unified_diff(struct text *out, const char *name_a, const char *a, const char *name_b,
                  const char *b);

#endif
