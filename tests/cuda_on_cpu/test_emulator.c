/* test_emulator.c - what the emulator promises to catch: each scene is played with its bug, which
 * is caught, and without, when it ends well under every order. Each play is a process of its own,
 * because misuse ends it. */
#define _GNU_SOURCE
#include "support/suite.h"

#include "scene.h"

#include <nvrtc.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
enum { WITH_ASAN = 1, WITH_TSAN = 0, SEEDS = 20 };
#elif defined(__SANITIZE_THREAD__)
enum { WITH_ASAN = 0, WITH_TSAN = 1, SEEDS = 2 }; /* orders don't matter to it, and it is slow */
#else
enum { WITH_ASAN = 0, WITH_TSAN = 0, SEEDS = 20 };
#endif

static const struct scene *scenes[100];
static int n_scenes;
static nvrtcResult compiled; /* once, before the processes of the scenes begin */

static char *read_kernels(void)
{
    enum { MOST = 1 << 16 };
    char *text = calloc(1, MOST);
    FILE *f = fopen(EMU_SOURCE "/scenes.cu", "r");

    if (f && text)
        text[fread(text, 1, MOST - 1, f)] = '\0';
    if (f)
        fclose(f);
    return text;
}

static void compile(void)
{
    static const char *const options[] = {"--gpu-architecture=sm_90"};
    nvrtcProgram p = NULL;
    char *text = read_kernels();
    size_t n = 0;

    compiled = nvrtcCreateProgram(&p, text, "scenes.cu", 0, NULL, NULL);
    if (!compiled)
        compiled = nvrtcCompileProgram(p, 1, options);
    if (!compiled && !nvrtcGetCUBINSize(p, &n) && (program = malloc(n)))
        nvrtcGetCUBIN(p, program);
    nvrtcDestroyProgram(&p);
    free(text);
}

static void add_scenes(const struct scene *s)
{
    for (; s->name; s++)
        scenes[n_scenes++] = s;
}

/* ---- a play ------------------------------------------------------------------------------- */

struct outcome {
    int status; /* of waitpid() */
    char said[16384];
};

static void act(const struct scene *s, int bug, int seed)
{
    char text[16];

    snprintf(text, sizeof text, "%d", seed);
    setenv("RN_EMU_SEED", text, 1);
    gpu_open();
    _exit(s->fn(bug) ? 0 : 1);
}

static void play(const struct scene *s, int bug, int seed, struct outcome *out)
{
    int ends[2];
    size_t n = 0;

    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        act(s, bug, seed);
    }
    close(ends[1]);
    for (ssize_t got = 1; got > 0;) {
        char rest[4096];
        const size_t room = sizeof out->said - 1 - n;
        got = read(ends[0], room ? out->said + n : rest, room ? room : sizeof rest);
        n += room && got > 0 ? (size_t)got : 0;
    }
    out->said[n] = '\0';
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &out->status, 0), child);
}

static bool faulted(const struct outcome *o)
{
    return (WIFSIGNALED(o->status) && WTERMSIG(o->status) == SIGSEGV) ||
           strstr(o->said, "runtime error: ") || strstr(o->said, "AddressSanitizer") ||
           strstr(o->said, "DEADLYSIGNAL");
}

static bool ended_with(const struct outcome *o, const char *said)
{
    return WIFSIGNALED(o->status) && WTERMSIG(o->status) == SIGABRT && strstr(o->said, said);
}

static bool raced(const struct outcome *o)
{
    return strstr(o->said, "ThreadSanitizer: data race") != NULL;
}

static bool wrong(const struct outcome *o)
{
    return WIFEXITED(o->status) && (WEXITSTATUS(o->status) == 1 || raced(o));
}

static bool caught(const struct scene *s, const struct outcome *o)
{
    switch (s->end) {
    case ALWAYS:
    case SOMETIMES: return wrong(o);
    case MISUSE: return ended_with(o, s->said);
    case EXACT: return WITH_ASAN ? faulted(o) : ended_with(o, s->said);
    case FAULT: return faulted(o);
    case ONLY_ASAN: return !WITH_ASAN || faulted(o);
    }
    return false;
}

START_TEST(right)
{
    const struct scene *s = scenes[_i];
    struct outcome o;

    for (int seed = 1; seed <= SEEDS; seed++) {
        play(s, 0, seed, &o);
        ck_assert_msg(o.status == 0 && !o.said[0], "%s, seed %d: status %x, said: %s", s->name,
                      seed, (unsigned)o.status, o.said);
    }
}
END_TEST

START_TEST(planted)
{
    const struct scene *s = scenes[_i];
    struct outcome o;
    int n = 0;

    for (int seed = 1; seed <= (s->end == SOMETIMES ? SEEDS : 3); seed++) {
        play(s, 1, seed, &o);
        const bool seen = caught(s, &o);
        n += seen;
        ck_assert_msg(seen || (s->end == SOMETIMES && o.status == 0),
                      "%s, seed %d: status %x, said: %s", s->name, seed, (unsigned)o.status,
                      o.said);
    }
    ck_assert_msg(n > 0, "%s: no seed of %d shows it", s->name, SEEDS);
}
END_TEST

/* Whatever the order was that the seed chose. */
START_TEST(races)
{
    const struct scene *s = scenes[_i];
    struct outcome o;

    if (!s->race)
        return;
    for (int seed = 1; seed <= SEEDS; seed++) {
        play(s, 1, seed, &o);
        ck_assert_msg(raced(&o), "%s, seed %d: said: %s", s->name, seed, o.said);
    }
}
END_TEST

START_TEST(kernels_compile)
{
    ck_assert_int_eq(compiled, NVRTC_SUCCESS);
    ck_assert_ptr_nonnull(program);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("emulator");
    TCase *tc = tcase_create("scenes");

    add_scenes(thread_scenes);
    add_scenes(memory_scenes);
    add_scenes(stream_scenes);
    add_scenes(call_scenes);
    compile();
    tcase_add_test(tc, kernels_compile);
    if (program) {
        tcase_add_loop_test(tc, right, 0, n_scenes);
        tcase_add_loop_test(tc, WITH_TSAN ? races : planted, 0, n_scenes);
    }
    suite_add_tcase(s, tc);
    const int status = suite_run(s);
    free(program);
    return status;
}
