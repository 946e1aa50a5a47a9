/* fault.h - a fault that the environment asks for, so that tests can meet every way to fail:
 * NAME=n is the n-th time only, NAME=n+ that one and all after it. */
#ifndef FAULT_H
#define FAULT_H

#include <stdatomic.h>
#include <stdbool.h>

struct fault {
    const char *variable;
    atomic_llong at; /* 0: the environment is not read yet */
    atomic_llong calls;
};

bool fault_hits(struct fault *f); /* counts this call; true: it is to fail */

#endif
