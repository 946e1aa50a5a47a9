/* new.h - `runner plugins new`: a folder with a plugin that works as it is. */
#ifndef NEW_H
#define NEW_H

#include "base/mem.h"

/* Makes dir/name with the files of a plugin of that kind and says so in out. RN_EINVAL: the kind or
 * the name cannot be, or the folder exists; whatever fails, no part of the folder stays. */
int plugin_new(struct pool *p, const char *kind, const char *name, const char *dir, bool json,
               struct text *out);

#endif
