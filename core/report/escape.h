/* escape.h - text of unknown origin in the forms that files want. Broken UTF-8, control
 * characters and those that turn the direction of writing become U+FFFD. */
#ifndef REPORT_ESCAPE_H
#define REPORT_ESCAPE_H

#include "base/mem.h"

void escape_xml(struct text *t, const char *s); /* for elements and quoted attributes */
/* One cell of text: quoted where needed; = + - @ at its start gets a ' so that no spreadsheet
 * takes it for a formula. */
void escape_csv(struct text *t, const char *s);

/* Nine digits; nan, inf, -inf. */
void number_csv(struct text *t, double v);

/* The next code point, replaced where need be; 0 at the end; *s moves on. */
uint32_t escape_next(const char **s);
/* One word for a shell, in quotes where it needs some. */
void escape_shell(struct text *t, const char *s);

#endif
