/* child.h - a runner of its own for one run: what kills it costs that run only. */
#ifndef CHILD_H
#define CHILD_H

#include "base/mem.h"

#include <sys/types.h>

struct child_end {
    pid_t pid;
    int exit_code;   /* -1: a signal killed it */
    int signal;      /* 0: it exited */
    bool too_slow;   /* it was asked to end, for it took too long */
    bool cancelled;  /* by somebody else: it is not to begin again */
    const char *why; /* in words, where there are better ones; NULL */
};

/* Starts this same program with args (ended by NULL, without the program's name), in a process
 * group of its own, with nothing on its standard input and both outputs appended to the file log.
 * When this process dies, however it does, the child is killed. RN_EIO. */
int child_start(const char *const *args, const char *log, pid_t *pid);
/* Waits at most so long for a child to end. 1: *out tells of one that did; 0: none did, the time is
 * over, or a signal came. */
int child_wait(int milliseconds, struct child_end *out);
/* "killed by signal 9 (Killed)", "exit code 5"; from p. NULL: out of memory. */
const char *child_end_text(struct pool *p, const struct child_end *end);

/* The last line of its log that says anything, clean for terminals, from p; "" without one. NULL:
 * out of memory. */
const char *child_last_line(struct pool *p, const char *log);

/* In main(), before all else: what child_start() wants of the program that it starts. */
void child_begin(void);

#endif
