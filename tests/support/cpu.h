/* cpu.h - the CPU device for tests, as the core would open it. */
#ifndef TEST_CPU_H
#define TEST_CPU_H

#include "options.h"
#include "plugin.h"

#include <runner/device.h>

static inline struct rn_device *test_open_device(struct pool *p, const char *name,
                                                 const char *options)
{
    const struct rn_plugin *plugin = test_plugin("devices", name);
    const struct rn_device_ops *ops = plugin->ops;
    struct rn_device *d;

    if (ops->open(options_from(p, plugin, options), &d)) {
        fprintf(stderr, "%s\n", error_text());
        exit(1);
    }
    d->ops = ops;
    return d;
}

/* late: all work is delayed until sync(). Stops the test program when it can't be had. */
static inline struct rn_device *test_cpu(struct pool *p, int threads, bool late)
{
    setenv("RN_LATE", late ? "1" : "0", 1);
    return test_open_device(p, "cpu", pool_printf(p, "{threads: %d}", threads));
}

/* $RN_TEST_DEVICE, where it is another than the CPU; else NULL. */
static inline const char *test_device_other(void)
{
    const char *name = getenv("RN_TEST_DEVICE");

    return name && *name && strcmp(name, "cpu") != 0 ? name : NULL;
}

/* Which of its cases another device is tried with: $RN_FEWER 3 is every third. */
static inline int test_every(void)
{
    const char *fewer = test_device_other() ? getenv("RN_FEWER") : NULL;

    return fewer && atoi(fewer) > 1 ? atoi(fewer) : 1;
}

/* That device with its defaults, or else the CPU as asked for. */
static inline struct rn_device *test_device(struct pool *p, int threads, bool late)
{
    const char *other = test_device_other();

    return other ? test_open_device(p, other, "{}") : test_cpu(p, threads, late);
}

#endif
