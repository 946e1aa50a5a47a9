/* selftest.h - whether a device does what another one does: every operation, every layer, loss and
 * optimizer that is found, and short trainings. No files are needed: the experiments are built in,
 * and their data come from a formula. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include "base/mem.h"

struct selftest_plan {
    const char *device, *against; /* as in YAML */
    const char *const *plugin_dirs;
    int n_plugin_dirs;
    uint64_t seed; /* of the made-up numbers and the trainings */
    int64_t every; /* of the cases: 0 and 1 all of them, 7 every seventh */
    bool operations, layers, training;
    /* part: "operations", "layers", "training mlp"; may be NULL */
    void (*progress)(void *ctx, const char *part, int64_t done, int64_t of);
    void *ctx;
};

struct selftest_row {
    const char *part, *name; /* "operations", "gemm"; "losses", "mse"; "mlp", "dense1 (dense)" */
    int64_t cases;           /* 0: the device has no such operation */
    int64_t failed;
    double worst;    /* in units of what is allowed; more than 1 fails */
    const char *why; /* it fails; NULL */
};

struct selftest {
    struct pool *pool;
    const char *device[2], *detail[2]; /* as the devices call themselves; the second: against */
    struct selftest_row *rows;
    int n_rows;
    bool holds;
};

/* RN_EDEVICE, RN_EPLUGIN: a device can't be used; RN_EINVAL: there is no such device or option. */
int selftest_run(const struct selftest_plan *p, struct selftest **out);
void selftest_free(struct selftest *t); /* NULL is fine */

/* selftest_texts.c: what is trained; name NULL ends the list */
struct selftest_experiment {
    const char *name;
    const char *const *lines;
};
extern const struct selftest_experiment selftest_experiments[];

#endif
