/* export.h - `runner export`: runs and their models for other programs. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "args.h"
#include "plugin/registry.h"

/* What is to be printed goes to out, how to open what was written to hint. */
int export_command(const struct args *a, struct registry **reg, struct text *out,
                   struct text *hint);

#endif
