/* launch.h - many runs, each in a process of its own: who starts them, and what is told of them. */
#ifndef LAUNCH_H
#define LAUNCH_H

#include "child.h"

struct launch_task {
    const char *id, *dir, *log; /* its name, its run folder, where both of its outputs go */
    const char *const *args;    /* of runner, ended by NULL, without the program's name */
};

struct launch_events {
    void *ctx;
    int (*started)(void *ctx, int task);
    /* It is over. 1: begin it again, behind those that wait; 0: it is done with. */
    int (*ended)(void *ctx, int task, const struct child_end *end);
    int (*tick)(void *ctx); /* a few times a second */
};

struct launch_limits {
    int jobs;      /* tasks at a time */
    double time_s; /* of one task, which is ended then, by force when it does not listen; 0: none */
    const bool *halt; /* becomes true: no more tasks are begun; NULL: never */
};

/* Runs all tasks. When a signal asks this process to stop, the tasks are asked, too, no more are
 * begun, and it returns when all are over. A status < 0 of an event, or of its own, ends all tasks
 * and is returned. */
int launch_local(const struct launch_limits *limits, const struct launch_task *tasks, int n,
                 const struct launch_events *events);

#endif
