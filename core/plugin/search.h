/* search.h - the folders that plugins are looked for in, and the names of the files in them. */
#ifndef SEARCH_H
#define SEARCH_H

#include "registry.h"

#define SEARCH_DIRS_MAX 64
#define PLUGIN_SUFFIX   ".so"

struct search {
    struct pool *pool;
    const char *dirs[SEARCH_DIRS_MAX]; /* absolute */
    int n, n_asked;                    /* those that were asked for come first */
};

/* dirs, $RN_PLUGIN_PATH, the folders that belong to the executable. */
int search_init(struct search *s, struct pool *p, const char *const *dirs, int n);
/* Behind those asked for, before the others. RN_EINVAL: not absolute, or no folder. */
int search_add(struct search *s, const char *dir);
/* The names of plugin files of a kind in one folder, or in all for dir -1; sorted, each once. */
int search_names(struct search *s, int dir, uint32_t kind, const char *const **names, int *n);

#endif
