/* runs.h - all runs under a root: found by their status.json, read, and remembered in
 * <root>/index.jsonl, one line a run, which is nothing but a cache: it may be removed. */
#ifndef REPORT_RUNS_H
#define REPORT_RUNS_H

#include "plugin/registry.h"

#define RUNS_CACHE "index.jsonl"

struct run_list { /* of n runs, the same one at the same place; newest first */
    const char *root;
    struct rn_run *runs;
    struct run_more {
        const struct rn_metric *metrics; /* "test.accuracy"; sorted */
        int64_t n;
    } * more;
    int64_t n;
};

/* Folders one to four levels below the root; what is no run is passed over. All is in p. A root
 * that is not there has no runs. RN_EINVAL: it is a file; RN_ENOMEM. */
int runs_read(struct pool *p, const char *root, struct run_list *out);
struct rn_runs runs_view(const struct run_list *l);

/* What a filter or a sort key may name: a metric ("test.accuracy", "best.val.loss"), a fact (name,
 * id, status, started, device, data, note, seed, ...) or a value of the configuration by its path;
 * NULL: the run has none. room is for numbers. */
const char *run_value(const struct run_list *l, int64_t i, const char *key, char room[32]);
double run_metric(const struct run_list *l, int64_t i, const char *name); /* NaN: none */

/* Keeps the runs that pass every filter: "test.accuracy>0.98", "name=mlp*", "tag=cnn", or a word
 * that name, id or tags hold. RN_EINVAL: a filter that cannot be read, or names what no run has. */
int runs_filter(struct pool *p, struct run_list *l, const char *const *filters, int n);
/* By a key as of run_value(), "-" before it: largest first. Runs without a value come last. */
int runs_sort(struct pool *p, struct run_list *l, const char *key);

/* The page over all runs, <root>/index.html, when the reporter makes one. Several processes may do
 * it at once: who comes last has read what the others left. */
int runs_page(const char *root, const struct plugin *reporter, const void *opts);

#endif
