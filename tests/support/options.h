/* options.h - option structs of plugins from YAML text, and all variants worth a test. */
#ifndef TEST_OPTIONS_H
#define TEST_OPTIONS_H

#include "base/mem.h"

#include <runner/option.h>

/* "{units: 3, bias: false}" as the core reads it, allocated from p; NULL without options. Stops the
 * test program when the text is wrong. */
void *options_from(struct pool *p, const struct rn_plugin *plugin, const char *yaml);

/* Variant 0 is the defaults, with something small where a value is required; each further one
 * changes one option: the other bool, each other choice, another number. False: no more. */
enum { OPTIONS_TEXT = 256 };
bool options_variant(const struct rn_plugin *plugin, int i, char yaml[OPTIONS_TEXT]);

#endif
