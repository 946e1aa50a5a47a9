/* rebuild.h - `runner report`: the pages of a run made again from the files of its folder. */
#ifndef REBUILD_H
#define REBUILD_H

#include "names.h"
#include "plugin/registry.h"

/* Figures, and what the reporters make: all that are used by default and can be made from files, or
 * the one that is named. RN_EINVAL: that one cannot; RN_EDATA: the folder is none, or damaged. */
int run_rebuild(struct registry *registry, const struct run_name *run, const char *reporter);
/* The page over all runs of the root. */
int runs_rebuild(struct registry *registry, const char *root);
/* Its options when nobody says any. RN_EINVAL: it needs some. */
int reporter_defaults(struct pool *p, const struct plugin *plugin, void **out);
/* tell() for each reporter that is used by default, with its defaults; it leaves out those that
 * have no such page. */
int reporters_each(struct registry *registry,
                   int (*tell)(void *ctx, const struct rn_reporter_ops *ops, const void *opts),
                   void *ctx);

#endif
