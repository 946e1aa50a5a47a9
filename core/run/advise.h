/* advise.h - answers what the findings of a report ask before they propose something: is there such
 * a plugin, and would this experiment take such an override. */
#ifndef ADVISE_H
#define ADVISE_H

#include "session.h"

#include "report/report.h"

struct advice {
    const struct session *session; /* its registry; its data and warnings, where it has any */
    const char *config;            /* a file: the resolved configuration */
};

/* Asks a, which must outlive the report. */
struct adviser advise(struct advice *a);

#endif
