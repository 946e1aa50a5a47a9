/* stop_at.c - a callback for tests: asks its process to end in step number RN_STOP_AT of those that
 * it does, from 1. */
#define _POSIX_C_SOURCE 200809L
#include <runner/callback.h>

#include <signal.h>
#include <stdlib.h>

static int stop_at(const void *opts, void *state, struct rn_moment *m)
{
    static long steps;
    const char *at = getenv("RN_STOP_AT");

    (void)opts, (void)state, (void)m;
    steps++;
    if (at && strtol(at, NULL, 10) == steps)
        raise(SIGTERM);
    return RN_OK;
}

static const struct rn_plugin plugin = {
    RN_PLUGIN_PLAIN(RN_KIND_CALLBACK),
    .name = "stop_at",
    .version = "1",
    .license = "MIT",
    .summary = "ends its process in a given step",
    .ops = &(const struct rn_callback_ops){.size = sizeof(struct rn_callback_ops),
                                           .when = RN_AT_STEP,
                                           .at = stop_at},
};

RN_PLUGINS(&plugin);
