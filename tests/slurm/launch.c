/* launch.c - the launcher without a sweep: tasks of known length and end, which count how often
 * they were begun and go on where they were stopped.
 *
 *     launch FOLDER LIMIT TASK ...     TASK: "name:seconds:exit code"; says what it is told
 *     launch task FOLDER NAME SECONDS CODE */
#define _XOPEN_SOURCE 700
#include "run/slurm.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/stop.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TASKS_MAX = 4000 };

static struct launch_task tasks[TASKS_MAX];

static FILE *open_file(const char *folder, const char *name, const char *suffix, const char *mode)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
    return fopen(path, mode);
}

/* A tenth of a second at a time, each noted. */
static int be_task(char **arg)
{
    const char *folder = arg[0], *name = arg[1];
    int tenths = (int)(10 * strtod(arg[2], NULL)), done = 0;
    struct timespec tenth = {0, 100000000L};
    FILE *f = open_file(folder, name, ".done", "r");

    stop_install();
    if (f) {
        if (fscanf(f, "%d", &done) != 1)
            done = 0;
        fclose(f);
    }
    if (!(f = open_file(folder, name, ".begun", "a")))
        return 5;
    fprintf(f, "%d\n", done);
    fclose(f);
    while (done < tenths && !stop_requested()) {
        nanosleep(&tenth, NULL);
        if (!(f = open_file(folder, name, ".done", "w")))
            return 5;
        fprintf(f, "%d\n", ++done);
        fclose(f);
    }
    printf("%s: %d of %d\n", name, done, tenths);
    return done < tenths ? 75 : (int)strtol(arg[3], NULL, 10);
}

static int started(void *ctx, int task)
{
    (void)ctx;
    printf("started %s\n", tasks[task].id);
    return fflush(stdout);
}

static int ended(void *ctx, int task, const struct child_end *end)
{
    struct pool *p = ctx;

    printf("ended %s %d %s\n", tasks[task].id, end->exit_code, child_end_text(p, end));
    return fflush(stdout);
}

static const char **words_of(struct pool *p, const char *folder, const char *name, const char *rest)
{
    const char **args = pool_alloc(p, 6 * sizeof *args);
    char *seconds = pool_strdup(p, rest), *code = strchr(seconds, ':');

    *code++ = '\0';
    args[0] = "task";
    args[1] = folder;
    args[2] = name;
    args[3] = seconds;
    args[4] = code;
    return args;
}

int main(int argc, char **argv)
{
    struct pool *p = pool_new();

    if (argc > 2 && !strcmp(argv[1], "task"))
        return be_task(argv + 2);
    stop_install();
    json_init();
    for (int i = 0; i < argc - 3; i++) {
        char *colon = strchr(argv[i + 3], ':');
        tasks[i].id = pool_strndup(p, argv[i + 3], (size_t)(colon - argv[i + 3]));
        tasks[i].dir = argv[1];
        tasks[i].log = pool_printf(p, "%s/%s.log", argv[1], tasks[i].id);
        tasks[i].args = words_of(p, argv[1], tasks[i].id, colon + 1);
    }
    struct slurm_options o = {.array_limit = strtol(argv[2], NULL, 10),
                              .signal_before = {60, 0, 0}};
    struct launch_limits limits = {0};
    struct launch_events events = {p, started, ended, NULL};
    const char *extra = getenv("EXTRA"), *minutes = getenv("MINUTES"),
               *before = getenv("SIGNAL_BEFORE");
    o.extra = &extra;
    o.n_extra = extra != NULL;
    o.signal_before.value = before ? strtod(before, NULL) : 60;
    o.time.value = minutes ? 60 * strtod(minutes, NULL) : 0;
    int status = launch_slurm(&o, argv[1], &limits, tasks, argc - 3, &events);
    if (status < 0)
        fprintf(stderr, "%s\n", error_text());
    printf("over %d\n", status);
    pool_free(p);
    return error_exit_code(status);
}
