/* crash.c - a callback for tests: ends its process behind the epoch `epoch` as bad programs and
 * bad machines do. */
#define _POSIX_C_SOURCE 200809L
#include <runner/callback.h>

#include <signal.h>
#include <unistd.h>

enum how { SEGV = 1, KILL, HANG };

struct crash {
    int64_t epoch, how;
};

static const struct rn_choice hows[] = {{"segv", SEGV, "as a wrong pointer does"},
                                        {"kill", KILL, "as a kernel without memory does"},
                                        {"hang", HANG, "as a deadlock does"},
                                        {NULL, 0, NULL}};

static const struct rn_option options[] = {
    RN_INT(struct crash, epoch, "2", 1, 1e9, NULL, "behind which it happens"),
    RN_CHOICE(struct crash, how, "segv", hows, "what happens"), RN_END};

static int at(const void *opts, void *state, struct rn_moment *m)
{
    const struct crash *c = opts;

    (void)state;
    if (m->epoch != c->epoch)
        return RN_OK;
    signal(SIGSEGV, SIG_DFL); /* sanitizers handle it otherwise */
    if (c->how != HANG)
        raise(c->how == SEGV ? SIGSEGV : SIGKILL);
    signal(SIGTERM, SIG_IGN);
    for (;;)
        pause();
}

static const struct rn_plugin plugin = {
    RN_PLUGIN_HEAD(RN_KIND_CALLBACK, struct crash),
    .options = options,
    .name = "crash",
    .version = "1",
    .license = "MIT",
    .summary = "ends its process in a bad way",
    .ops = &(const struct rn_callback_ops){.size = sizeof(struct rn_callback_ops),
                                           .when = RN_AT_EPOCH,
                                           .at = at},
};

RN_PLUGINS(&plugin);
