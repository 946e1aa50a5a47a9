/* child.c - starts runners by posix_spawn and waits for them. */
#define _GNU_SOURCE
#include "child.h"

#include "base/error.h"
#include "base/log.h"
#include "train/share.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PARENT "RUNNER_PARENT" /* the process whose death is its child's */

void child_begin(void)
{
    const char *parent = getenv(PARENT);

    share_receive();
    if (!parent)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)strtol(parent, NULL, 10)) /* it died before that was said */
        kill(getpid(), SIGKILL);
    unsetenv(PARENT);
}

/* This environment, who the parent is, and where samples are that the children have in common. */
static char **environment(struct pool *p)
{
    int n = 0, fd[SHARE_SLOTS], n_fd = share_descriptors(fd);

    while (environ[n])
        n++;
    char **out = pool_alloc(p, (size_t)(n + 3) * sizeof *out);
    if (!out)
        return NULL;
    for (int i = 0; i < n; i++)
        out[i] = environ[i];
    char *shared = n_fd ? pool_printf(p, SHARE_VARIABLE "=%d", fd[0]) : NULL;
    for (int i = 1; i < n_fd && shared; i++)
        shared = pool_printf(p, "%s,%d", shared, fd[i]);
    out[n] = pool_printf(p, PARENT "=%ld", (long)getpid());
    out[n + 1] = shared;
    return out[n] && (shared || !n_fd) ? out : NULL;
}

static char **arguments(struct pool *p, const char *const *args)
{
    int n = 0;

    while (args[n])
        n++;
    char **out = pool_alloc(p, (size_t)(n + 2) * sizeof *out);
    if (!out)
        return NULL;
    for (int i = 0; i < n; i++)
        if (!(out[i + 1] = pool_strdup(p, args[i])))
            return NULL;
    out[0] = pool_strdup(p, "runner");
    return out[0] ? out : NULL;
}

static int prepare(posix_spawn_file_actions_t *files, posix_spawnattr_t *how, const char *log)
{
    sigset_t none, usual;
    int fd[SHARE_SLOTS], n = share_descriptors(fd);
    int bad = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

    bad =
        bad ? bad
            : posix_spawn_file_actions_addopen(files, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    bad = bad ? bad : posix_spawn_file_actions_adddup2(files, 1, 2);
    for (int i = 0; i < n && !bad; i++) /* onto itself: stays open */
        bad = posix_spawn_file_actions_adddup2(files, fd[i], fd[i]);
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    bad = bad ? bad : posix_spawnattr_setsigmask(how, &none);
    bad = bad ? bad : posix_spawnattr_setsigdefault(how, &usual);
    bad = bad ? bad : posix_spawnattr_setpgroup(how, 0);
    return bad ? bad
               : posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                   POSIX_SPAWN_SETPGROUP);
}

static int spawn(struct pool *p, const char *const *args, const char *log, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t child;
    char **argv = arguments(p, args), **env = environment(p);

    if (!argv || !env)
        return RN_ENOMEM;
    sigemptyset(&child); /* child_wait() takes it */
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    int bad = prepare(&files, &how, log);
    bad = bad ? bad : posix_spawn(pid, "/proc/self/exe", &files, &how, argv, env);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    if (bad)
        return FAIL(bad == ENOMEM ? RN_ENOMEM : RN_EIO,
                    "cannot start a runner with its log in %s: %s", log, strerror(bad));
    return RN_OK;
}

int child_start(const char *const *args, const char *log, pid_t *pid)
{
    struct pool *p = pool_new();
    int status = p ? spawn(p, args, log, pid) : RN_ENOMEM;

    pool_free(p);
    return status;
}

static bool reap(struct child_end *out)
{
    int status;

    *out = (struct child_end){.pid = waitpid(-1, &status, WNOHANG)};
    if (out->pid <= 0)
        return false;
    out->too_slow = false;
    out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    out->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return true;
}

int child_wait(int milliseconds, struct child_end *out)
{
    struct timespec limit = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    if (reap(out))
        return 1;
    sigtimedwait(&child, NULL, &limit);
    return reap(out);
}

const char *child_end_text(struct pool *p, const struct child_end *end)
{
    if (end->why)
        return end->why;
    if (end->signal)
        return pool_printf(p, "killed by signal %d (%s)", end->signal, strsignal(end->signal));
    return pool_printf(p, "exit code %d", end->exit_code);
}

const char *child_last_line(struct pool *p, const char *log)
{
    enum { TAIL = 4096, LONGEST = 300 };
    char text[TAIL + 1];
    int fd = open(log, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    ssize_t n = fd < 0 ? 0 : pread(fd, text, TAIL, size > TAIL ? size - TAIL : 0);

    if (fd >= 0)
        close(fd);
    while (n > 0 && strchr(" \r\n", text[n - 1]))
        n--;
    text[n > 0 ? n : 0] = '\0';
    const char *line = strrchr(text, '\n');
    char *out = pool_printf(p, "%.*s", LONGEST, line ? line + 1 : text);
    if (out)
        log_clean(out);
    return out;
}
