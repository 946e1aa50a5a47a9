/* say.h - findings of comparisons being written. */
#ifndef REPORT_SAY_H
#define REPORT_SAY_H

#include "base/mem.h"

#include <runner/reporter.h>

struct saying {
    struct pool *p;
    struct rn_finding *list; /* from p */
    int64_t n, room;         /* what comes after `room` of them is left out */
};
int say_open(struct saying *s, struct pool *p, int64_t room);
int say(struct saying *s, enum rn_tone tone, const char *rule, const char *fmt, ...)
    RN_PRINTF(4, 5);
/* "p = 0.012", "p < 0.001" */
const char *say_p(double p, char out[32]);

#endif
