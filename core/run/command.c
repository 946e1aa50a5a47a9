/* command.c - runs a program and reads both of its outputs. */
#define _GNU_SOURCE
#include "command.h"

#include "base/clock.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* As in a terminal, whatever this process blocks or ignores. */
static int usual_signals(posix_spawnattr_t *how)
{
    sigset_t none, usual;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    int bad = posix_spawnattr_setsigmask(how, &none);
    bad = bad ? bad : posix_spawnattr_setsigdefault(how, &usual);
    return bad ? bad
               : posix_spawnattr_setflags(how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int spawn(char *const *argv, const char *dir, const int out[2], const int err[2], pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;

    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    int bad = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    bad = bad ? bad : posix_spawn_file_actions_adddup2(&files, out[1], 1);
    bad = bad ? bad : posix_spawn_file_actions_adddup2(&files, err[1], 2);
    bad = bad || !dir ? bad : posix_spawn_file_actions_addchdir_np(&files, dir);
    bad = bad ? bad : usual_signals(&how);
    bad = bad ? bad : posix_spawnp(pid, argv[0], &files, &how, argv, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    return bad;
}

/* False: no more comes. */
static bool take(int fd, struct text *to)
{
    char buffer[4096];
    ssize_t n = read(fd, buffer, sizeof buffer);

    if (n > 0 && to->n < COMMAND_BYTES_MAX)
        text_put(to, buffer, (size_t)n);
    return n > 0 || (n < 0 && errno == EINTR);
}

/* False: it takes too long. */
static bool collect(struct command *c, int out, int err)
{
    struct pollfd from[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    struct text *to[2] = {&c->out, &c->err};

    for (uint64_t begun = clock_ns(); from[0].fd >= 0 || from[1].fd >= 0;) {
        if (clock_s(begun) > COMMAND_S)
            return false;
        if (poll(from, 2, 1000) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (from[i].fd >= 0 && from[i].revents && !take(from[i].fd, to[i]))
                from[i].fd = -1;
    }
    return true;
}

static int pipes(int fd[4])
{
    if (pipe2(fd, O_CLOEXEC))
        return FAIL(RN_EIO, "no pipe: %s", strerror(errno));
    if (!pipe2(fd + 2, O_CLOEXEC))
        return RN_OK;
    int why = errno;
    close(fd[0]);
    close(fd[1]);
    return FAIL(RN_EIO, "no pipe: %s", strerror(why));
}

static int exit_code(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int command_run(const char *const *argv, const char *dir, struct command *c)
{
    int fd[4], n = 0;
    pid_t pid;

    *c = (struct command){.exit_code = -1};
    while (argv[n])
        n++;
    char **copy = mem_array((size_t)n + 1, sizeof *copy);
    if (!copy)
        return RN_ENOMEM;
    memcpy(copy, argv, (size_t)n * sizeof *copy);
    int status = pipes(fd);
    int bad = status < 0 ? 0 : spawn(copy, dir, fd, fd + 2, &pid);
    mem_free(copy);
    TRY(status);
    close(fd[1]);
    close(fd[3]);
    if (!bad && !collect(c, fd[0], fd[2]))
        kill(pid, SIGKILL);
    close(fd[0]);
    close(fd[2]);
    if (bad)
        return FAIL(bad == ENOMEM ? RN_ENOMEM : RN_EIO, "cannot start %s: %s", argv[0],
                    strerror(bad));
    c->exit_code = exit_code(pid);
    return c->out.status < 0 ? c->out.status : c->err.status;
}

void command_free(struct command *c)
{
    text_free(&c->out);
    text_free(&c->err);
}
