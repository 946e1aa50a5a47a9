/* fault.c - a fault that the environment asks for. */
#include "fault.h"

#include <limits.h>
#include <stdlib.h>

#define OFF (-1)

/* Twice the number, plus one where it means all after it, too: one value, so that threads which
 * read it at the same time cannot see half of it. */
static long long fault_read(const char *variable)
{
    const char *s = getenv(variable);
    char *end = NULL;
    long long n = s ? strtoll(s, &end, 10) : 0;

    return n > 0 && n < LLONG_MAX / 2 ? 2 * n + (*end == '+') : OFF;
}

bool fault_hits(struct fault *f)
{
    long long at = f->at;

    if (!at)
        f->at = at = fault_read(f->variable);
    if (at == OFF)
        return false;
    long long call = ++f->calls;
    return at % 2 ? call >= at / 2 : call == at / 2;
}
