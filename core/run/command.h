/* command.h - other programs, and what they print. No shell is involved. */
#ifndef COMMAND_H
#define COMMAND_H

#include "base/mem.h"

struct command {
    struct text out, err; /* free both with command_free() */
    int exit_code;        /* -1: a signal ended it, or it took longer than COMMAND_S */
};

enum { COMMAND_S = 60, COMMAND_BYTES_MAX = 64 << 20 };

/* Runs argv[0], looked for in PATH, in the folder dir (NULL: this one), without input. RN_EIO: it
 * could not be started. */
int command_run(const char *const *argv, const char *dir, struct command *c);
void command_free(struct command *c);

#endif
