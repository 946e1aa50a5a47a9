/* stop.c - signals that ask the process to end. */
#define _XOPEN_SOURCE 700
#include "stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t requested;

static const int asking[] = {SIGINT, SIGTERM, SIGUSR1};

static void note(int sig)
{
    requested = sig;
    for (size_t i = 0; i < sizeof asking / sizeof *asking; i++)
        signal(asking[i], SIG_DFL);
}

/* On a stack of its own: the kernels that oneDNN writes at run time keep other things than a stack
 * under the stack pointer, and a handler's frame there would overwrite the heap. */
void stop_install(void)
{
    static char stack[1 << 16];
    struct sigaction act = {.sa_handler = note, .sa_flags = SA_RESTART | SA_ONSTACK};

    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof asking / sizeof *asking; i++)
        sigaction(asking[i], &act, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
}

int stop_requested(void) { return requested; }
