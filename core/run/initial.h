/* initial.h - weights that a run starts from instead of drawing them: train.init_from. */
#ifndef INITIAL_H
#define INITIAL_H

#include "folder.h"
#include "session.h"

#include "base/hash.h"

struct initial {
    const char *path; /* NULL: weights are drawn */
    char hash[HASH_TEXT];
};

/* Finds them, a run below root, and holds them against the model, which is planned. RN_EDATA: they
 * are not there, or of another model. out may be NULL. */
int initial_find(const struct session *s, const char *root, struct initial *out);
/* Into the model, which is open. */
int initial_load(const struct session *s, const struct initial *x);
/* initial.json of the run folder: what they were. */
int initial_write(const struct session *s, const struct folder *f, const struct initial *x);

#endif
