/* escape.h - text of unknown origin in the three forms that files want. Broken UTF-8, control
 * characters and those that turn the direction of writing become U+FFFD. */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include "base/mem.h"

void escape_xml(struct text *t, const char *s);  /* for elements and quoted attributes */
void escape_json(struct text *t, const char *s); /* with its quotes; NULL: null */
/* One cell of text: quoted where needed; = + - @ at its start gets a ' so that no spreadsheet
 * takes it for a formula. */
void escape_csv(struct text *t, const char *s);

/* Nine digits. In CSV: nan, inf, -inf; in JSON the same as strings, for it has no such numbers. */
void number_csv(struct text *t, double v);
void number_json(struct text *t, double v);

/* The next code point, 0 at the end; *s moves on. */
uint32_t utf8_next(const char **s);

#endif
