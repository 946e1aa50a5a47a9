/* profile.h - where the time of training steps goes: by operation, by layer, and as a trace. */
#ifndef PROFILE_H
#define PROFILE_H

#include "model/step.h"

struct profile;

/* All memory is p's. whole: each step counts, and some are kept for profile_trace(); else those
 * that were interrupted do not count, so that few steps are enough. RN_EUNSUPPORTED: the device
 * does not time its operations. */
int profile_open(struct pool *p, const struct model *m, bool whole, struct profile **out);
bool profile_possible(const struct model *m);
/* The device's replay(), timed. rows: those of the batch. */
int profile_replay(struct profile *p, struct rn_recording *r, int64_t rows,
                   const struct rn_block *block);
/* What passes until the next step is no part of training. NULL is fine. */
void profile_pause(struct profile *p);

/* Of the kind of step that profile_text() shows: how many were timed, and what one of them spends
 * on a layer of the model, in microseconds of the average thread. */
struct profile_layer {
    double forward, backward, update;
};
int64_t profile_steps(const struct profile *p);
struct profile_layer profile_layer(const struct profile *p, int layer); /* NaN without a step */

/* A table for people, of the kind of step that was done most and ends in an update. */
void profile_text(const struct profile *p, struct text *out);
/* All kinds of steps; reports/README.md describes it. */
void profile_json(const struct profile *p, struct text *out);
/* Some steps as they went, in the format of Chrome's tracing, for ui.perfetto.dev: a line for each
 * thread. */
void profile_trace(const struct profile *p, struct text *out);

#endif
