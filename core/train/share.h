/* share.h - decoded samples that runs started by one process have in common: memory that the first
 * run in need of a data set fills and seals, and that all others map to read. */
#ifndef SHARE_H
#define SHARE_H

#include "base/hash.h"
#include "base/mem.h"

#include <runner/dataset.h>

enum { SHARE_SLOTS = 4 }; /* different data sets at a time */

/* In the process that starts runs: makes room for them, empty as yet, and forgets it; what was
 * mapped stays. RN_EIO: the runs decode by themselves. */
int share_open(void);
void share_close(void);
/* What has to be open in a run under the same number, and how it is told of them; 0: nothing. */
int share_descriptors(int out[SHARE_SLOTS]);
#define SHARE_VARIABLE "RUNNER_SHARED" /* "3,4,5,6" */
/* In a run: takes them over from the environment. What is not such memory is left alone. */
void share_receive(void);

struct share_head {
    char magic[16];
    uint64_t bytes; /* of the whole, this included */
    char key[HASH_TEXT];
    char fingerprint[RN_SPLITS][HASH_TEXT]; /* "": none */
};

struct share_set {
    struct share_head *head;
    char *data; /* behind the head, at a page */
    uint64_t bytes;
    int slot, lock;
};

enum share_state { SHARE_NONE, SHARE_MAPPED, SHARE_TO_FILL };
/* Memory of so many bytes for the data set of that key. SHARE_NONE: there is none, or it would take
 * too much of what is free; SHARE_MAPPED: all is there, to read; SHARE_TO_FILL: to be written and
 * sealed, while others that need it wait. Waits for who is filling, until this process is asked
 * to stop: SHARE_NONE. */
enum share_state share_take(const char key[HASH_TEXT], uint64_t bytes, struct share_set *out);
/* From now on it can only be read, by everybody. RN_EIO; share_drop() it in any case. */
int share_seal(struct share_set *s);
void share_drop(struct share_set *s); /* what was not sealed is for the next one to fill */

#endif
