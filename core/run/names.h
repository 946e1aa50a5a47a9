/* names.h - runs by what people type for them: a folder, an id or the beginning of one, `latest`,
 * `latest:NAME`, `@2`. */
#ifndef NAMES_H
#define NAMES_H

#include "base/mem.h"

struct run_name {
    const char *name, *id, *dir; /* dir: root/name/id, or the folder as typed */
};

/* All run folders root/NAME/ID, newest first, from p; of one name alone when it is not NULL. A root
 * that is not there has none. */
int run_names(struct pool *p, const char *root, const char *name, struct run_name **out,
              int64_t *n);

/* The run that word means. RN_EDATA: there is none, or there are several; the message says which.
 */
int run_find(struct pool *p, const char *root, const char *word, struct run_name *out);

#endif
