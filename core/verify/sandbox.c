/* sandbox.c - `plugins verify`: each plugin of a file in a process of its own, which reports
 * through memory that both share; and the table of what came out. */
#define _DEFAULT_SOURCE
#include "verify.h"

#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/stop.h"
#include "plugin/load.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_S = 300 };

struct shared { /* no pointers: both processes see it */
    int n;      /* plugins in the file; 0: not loaded yet */
    int status;
    bool done;
    uint32_t kind;
    char name[PLUGIN_NAME_MAX + 1], version[32];
    char error[ERROR_MAX];
    struct verdict verdict;
};

/* ---- the child ------------------------------------------------------------------- */

static int verify_kth(struct shared *s, const char *path, int k, uint64_t seed)
{
    struct pool *pool = pool_new();
    struct plugin *list;
    int n;

    if (!pool)
        return RN_ENOMEM;
    TRY(plugin_load(pool, path, path, &list, &n));
    s->kind = list[k].kind;
    snprintf(s->name, sizeof s->name, "%s", list[k].name);
    snprintf(s->version, sizeof s->version, "%s", list[k].version);
    s->n = n; /* from now on a crash is the plugin's */
    return verify_plugin(&list[k], seed, &s->verdict);
}

/* Never returns. What a plugin prints must not get into our document. */
static void child(struct shared *s, const char *path, int k, uint64_t seed)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGUSR1, SIGXFSZ};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        signal(ours[i], SIG_DFL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    alarm(LIMIT_S);
    s->status = verify_kth(s, path, k, seed);
    snprintf(s->error, sizeof s->error, "%s", error_text());
    s->done = true;
    _exit(0);
}

/* ---- the parent --------------------------------------------------------------------- */

static void describe_end(int status, const char *doing, char out[WHY_SIZE])
{
    const char *in = *doing ? doing : "a function of it";

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        snprintf(out, WHY_SIZE, "%s took longer than %d s", in, LIMIT_S);
    else if (WIFSIGNALED(status))
        snprintf(out, WHY_SIZE, "%s crashed: signal %d, %s", in, WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(out, WHY_SIZE, "%s ended the process with exit code %d", in, WEXITSTATUS(status));
}

static int run_child(struct shared *s, const char *path, int k, uint64_t seed)
{
    char why[WHY_SIZE];
    int status;

    memset(s, 0, sizeof *s);
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return FAIL(RN_EIO, "no process can be started: %s", strerror(errno));
    if (!pid)
        child(s, path, k, seed);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return FAIL(RN_EIO, "lost the process that verifies: %s", strerror(errno));
    if (stop_requested())
        raise(stop_requested()); /* Ctrl-C ended both */
    if (s->done)
        return s->status < 0 ? FAIL(s->status, "%s", s->error) : RN_OK;
    describe_end(status, s->n ? s->verdict.doing : "loading the file", why);
    if (!s->n)
        return FAIL(RN_EPLUGIN, "%s", why);
    verdict_broken(&s->verdict, CRASH, why);
    return RN_OK;
}

/* ---- the report ---------------------------------------------------------------------- */

static bool told(const struct verdict *v, int f) { return v->of[f].held || v->of[f].broken; }

static int broken(const struct verdict *v)
{
    int n = 0;

    for (int f = 0; f < FINDINGS; f++)
        n += v->of[f].broken > 0;
    return n;
}

static void add_clean(struct text *out, const char *s)
{
    char line[WHY_SIZE];

    snprintf(line, sizeof line, "%s", s);
    log_clean(line);
    text_add(out, "%s", line);
}

static void add_table(const struct shared *s, struct text *out)
{
    const struct verdict *v = &s->verdict;

    text_add(out, "%s %s %s\n", kind_name(s->kind), s->name, s->version);
    text_add(out, "  ok      its descriptor and its table of options\n");
    for (int f = 0; f < FINDINGS; f++) {
        if (!told(v, f))
            continue;
        text_add(out, "  %-6s  %s\n", v->of[f].broken ? "FAILED" : "ok",
                 finding_promise((enum finding)f));
        if (v->of[f].broken) {
            text_add(out, "          ");
            add_clean(out, v->of[f].why);
            text_add(out, "\n");
        }
    }
    if (verify_knows(s->kind))
        text_add(out, "  tried with %d sets of options, %d times in all; %d of these it refused\n",
                 v->variants, v->trials, v->refused);
    else
        text_add(out, "  for a %s no more than this is checked\n", kind_name(s->kind));
}

static void add_json(const struct shared *s, struct text *out)
{
    const struct verdict *v = &s->verdict;
    const char *comma = "";

    text_add(out, "{\"kind\": \"%s\", \"name\": \"%s\", \"version\": ", kind_name(s->kind),
             s->name);
    json_string(out, s->version);
    text_add(out, ", \"first\": ");
    json_string(out, v->first ? finding_name(v->first) : NULL);
    text_add(out,
             ", \"holds\": %s, \"variants\": %d, \"trials\": %d, \"refused\": %d, \"promises\": [",
             broken(v) ? "false" : "true", v->variants, v->trials, v->refused);
    for (int f = 0; f < FINDINGS; f++) {
        if (!told(v, f))
            continue;
        text_add(out, "%s\n  {\"finding\": \"%s\", \"promise\": ", comma,
                 finding_name((enum finding)f));
        json_string(out, finding_promise((enum finding)f));
        text_add(out, ", \"holds\": %s, \"why\": ", v->of[f].broken ? "false" : "true");
        json_string(out, v->of[f].broken ? v->of[f].why : NULL);
        text_add(out, "}");
        comma = ",";
    }
    text_add(out, "]}");
}

static int verify_all(struct shared *s, const char *path, uint64_t seed, bool json,
                      struct text *out, bool *holds)
{
    int k = 0, n, faults = 0;

    if (json)
        text_add(out, "{\"plugins\": [");
    do {
        TRY(run_child(s, path, k, seed));
        if (json)
            text_add(out, k ? ",\n" : "\n");
        (json ? add_json : add_table)(s, out);
        faults += broken(&s->verdict);
        n = s->n;
    } while (++k < n);
    *holds = faults == 0;
    if (json) {
        text_add(out, "],\n\"file\": ");
        json_string(out, path);
        text_add(out, ", \"holds\": %s}\n", *holds ? "true" : "false");
    } else if (faults)
        text_add(out, "%d promise%s broken\n", faults, faults == 1 ? " is" : "s are");
    else
        text_add(out, "all that was checked holds\n");
    return out->status;
}

int verify_file(const char *path, uint64_t seed, bool json, struct text *out, bool *holds)
{
    char real[PATH_MAX];

    *holds = false;
    if (!realpath(path, real))
        return FAIL(RN_EPLUGIN, "%s: %s", path, strerror(errno));
    struct shared *s =
        mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s == MAP_FAILED)
        return FAIL(RN_ENOMEM, "out of memory: %zu bytes", sizeof *s);
    int status = verify_all(s, real, seed, json, out, holds);
    munmap(s, sizeof *s);
    return status < 0 ? error_prefix(status, "%s", path) : RN_OK;
}
