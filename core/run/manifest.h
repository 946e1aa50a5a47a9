/* manifest.h - what is known about a run before it starts: for the report and the run folder. */
#ifndef MANIFEST_H
#define MANIFEST_H

#include "folder.h"
#include "session.h"

#include <runner/reporter.h>

/* Experiment, data, device, model and environment into r; owned by the experiment's pool. */
int manifest_fill(struct session *s, struct rn_report *r);
/* env.json, data.json and plugins.json of the run folder. same: RN_EDATA when the data are not
 * those of the data.json that is there. */
int manifest_write(struct session *s, const struct folder *f, bool same);

#endif
