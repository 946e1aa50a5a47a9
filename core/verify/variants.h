/* variants.h - sets of options that are worth a check, made up from a table. */
#ifndef VARIANTS_H
#define VARIANTS_H

#include "base/mem.h"
#include "config/options.h"

/* Variant 0 is the defaults, with something small where a value is required. Each further one
 * changes one option: the other bool, each other choice, other numbers and both ends of a range
 * unless they are large, lists of one to three. The last one changes all that it can. YAML, as
 * "{units: 3}". False: no more. */
enum { VARIANT_TEXT = 1024 };
bool variant_text(const struct option_table *t, int i, char yaml[VARIANT_TEXT]);

/* The options struct for such a text, from p; NULL without options. RN_EINVAL: the table does not
 * take it, with the reason recorded. */
int variant_options(struct pool *p, const struct option_table *t, const char *yaml, void **out);

#endif
