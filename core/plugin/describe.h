/* describe.h - plugins in words: for `runner plugins`, as text or as one JSON document. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "registry.h"

/* All plugins of a kind (0: of every kind), and the files that can't be used with the reasons. */
int describe_list(struct registry *r, uint32_t kind, bool json, struct text *out);
/* kind may be NULL where the name is enough. RN_EINVAL: no such kind, or several plugins of that
 * name; RN_EPLUGIN: no such plugin, or its file can't be used. */
int describe_plugin(struct registry *r, const char *kind, const char *name, bool json,
                    struct text *out);

/* A line of a file that uses the plugin, and is right: "- {type: dropout, rate: 0.5}". */
void describe_example(const struct plugin *p, struct text *out);

#endif
