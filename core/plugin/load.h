/* load.h - one plugin file, opened and checked. */
#ifndef LOAD_H
#define LOAD_H

#include "registry.h"

/* found: where the search found the file; real: the same without links. Opens it for the rest of
 * the process and checks all that it provides: *list has *n plugins from p. RN_EPLUGIN: one fault
 * refuses the whole file; the message does not name it. */
int plugin_load(struct pool *p, const char *found, const char *real, struct plugin **list, int *n);

#endif
