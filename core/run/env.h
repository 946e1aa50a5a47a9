/* env.h - where a run takes place: machine, system, compiler, source version. Read from files and
 * system calls, without starting a process. */
#ifndef ENV_H
#define ENV_H

#include "base/mem.h"

#include <runner/reporter.h>

/* Facts in a fixed order, all from p; what can't be found out is left out. */
int env_facts(struct pool *p, const struct rn_fact **out, int *n);

/* The processors that this process may use: affinity, then the cgroup's quota rounded up. */
int env_cores(void);
/* "-avx2": the widest vectors that this processor has of those that matter; "" of others. */
const char *env_vectors(void);
/* The commit that is checked out in the git repository around dir: 40 or 64 hex digits, or empty.
 */
void env_commit(const char *dir, char out[72]);

#endif
