/* options.h - option structs of plugins from YAML text, and all variants worth a test. */
#ifndef TEST_OPTIONS_H
#define TEST_OPTIONS_H

#include "base/mem.h"
#include "verify/variants.h"

#include <runner/option.h>

/* "{units: 3, bias: false}" as the core reads it, allocated from p; NULL without options. Stops the
 * test program when the text is wrong. */
void *options_from(struct pool *p, const struct rn_plugin *plugin, const char *yaml);

/* variant_text() for a plugin whose table was not checked yet. */
enum { OPTIONS_TEXT = VARIANT_TEXT };
bool options_variant(const struct rn_plugin *plugin, int i, char yaml[OPTIONS_TEXT]);

#endif
