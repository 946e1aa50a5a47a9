/* cpu.h - the CPU device for tests, as the core would open it. */
#ifndef TEST_CPU_H
#define TEST_CPU_H

#include "options.h"
#include "plugin.h"

#include <runner/device.h>

/* late: all work is delayed until sync(). Stops the test program when it can't be had. */
static inline struct rn_device *test_cpu(struct pool *p, int threads, bool late)
{
    const struct rn_plugin *cpu = test_plugin("devices", "cpu");
    const struct rn_device_ops *ops = cpu->ops;
    struct rn_device *d;

    setenv("RN_LATE", late ? "1" : "0", 1);
    if (ops->open(options_from(p, cpu, pool_printf(p, "{threads: %d}", threads)), &d)) {
        fprintf(stderr, "%s\n", error_text());
        exit(1);
    }
    d->ops = ops;
    return d;
}

#endif
