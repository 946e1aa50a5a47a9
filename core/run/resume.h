/* resume.h - what earlier attempts left in a run folder, and whether the run goes on from there. */
#ifndef RESUME_H
#define RESUME_H

#include "folder.h"
#include "report/report.h"
#include "run.h"
#include "train/safetensors.h"
#include "train/trainer.h"

#include <limits.h>

struct resumed {
    bool finished; /* there is nothing to do */
    bool goes_on;  /* behind the state; false: from the beginning */
    bool changed;  /* it is trained otherwise than before */
    const struct rn_change
        *changes; /* of the configuration in the folder; from the experiment's pool */
    int64_t n_changes;
    struct safetensors state;
    char path[PATH_MAX]; /* of the state */
    int64_t records;     /* measurements that reporters were handed by then */
    struct report_spent spent;
};

/* Looks at the folder, which is locked. RN_EINVAL: its run is of another configuration, or can't go
 * on; RN_EDATA: its checkpoint is damaged; the message says what to do. */
int resume_look(const struct session *s, const struct run_args *args, struct folder *f,
                struct resumed *out);
/* What the first attempt knew of itself: its command, its configuration as written, what was no
 * default. */
int resume_facts(const struct session *s, const struct folder *f, const struct resumed *x,
                 struct rn_report *facts);
/* Puts the report, which was just opened, where the state says; so many epochs are over. */
int resume_report(const struct resumed *x, struct report *r, int64_t epochs);
/* The state of the run with all that resume_look() wants. */
int resume_save(struct trainer *t, const struct session *s, const struct report *r,
                const char *path, int64_t records, const struct report_spent *spent);
void resume_close(struct resumed *x);

#endif
