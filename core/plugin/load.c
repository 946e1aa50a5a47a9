/* load.c - opens one plugin file: who may write it, the dynamic linker, the query, the checks.
 * A file that crashes while it is opened is named on stderr before the process ends. */
#define _GNU_SOURCE /* ElfW */
#include "load.h"

#include "base/error.h"
#include "base/log.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROVIDES_MAX 64 /* plugins in one file */
#define MAJORS_MAX   16 /* other ABIs that a message can name */

/* ---- who may write it ----------------------------------------------------- */

/* near: the file or its folder. Further up a sticky folder is fine: nobody can put another in the
 * place of what is ours. */
static int check_writable(const char *path, bool near)
{
    struct stat st;

    if (stat(path, &st))
        return FAIL(RN_EPLUGIN, "cannot be looked at");
    if (!(st.st_mode & S_IWOTH) || (!near && (st.st_mode & S_ISVTX)))
        return RN_OK;
    bool folder = S_ISDIR(st.st_mode);
    return FAIL(RN_EPLUGIN,
                "%s%s can be written by everyone, so anyone could run code here; "
                "chmod o-w %s",
                folder ? "its folder " : "the file", folder ? path : "", path);
}

/* The file, and levels folders above it. */
static int check_trust(struct pool *p, const char *path, int levels)
{
    char *s = pool_strdup(p, path), *slash;

    if (!s)
        return RN_ENOMEM;
    TRY(check_writable(s, true));
    for (int level = 1; level <= levels && (slash = strrchr(s, '/')) && slash != s; level++) {
        *slash = '\0';
        TRY(check_writable(s, level == 1));
    }
    return RN_OK;
}

/* ---- crashes -------------------------------------------------------------- */

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define CRASHES (sizeof crashes / sizeof *crashes)
static struct sigaction before[CRASHES];
static const char *volatile opening; /* the file; NULL: none */

/* Names the file and lets the signal happen again, to whoever dealt with it before. */
static void on_crash(int signal)
{
    static const char text[] = "runner: this plugin crashed while it was loaded: ";
    const char *path = opening;
    ssize_t n = write(STDERR_FILENO, text, sizeof text - 1);

    n += write(STDERR_FILENO, path, strlen(path));
    n += write(STDERR_FILENO, "\n", 1);
    (void)n;
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &before[i], NULL);
    raise(signal); /* pending until this handler returns */
}

static void watch_begin(const char *path)
{
    struct sigaction act = {.sa_handler = on_crash};

    opening = path;
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &act, &before[i]);
}

static void watch_end(void)
{
    for (size_t i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &before[i], NULL);
    opening = NULL;
}

/* ---- the dynamic linker --------------------------------------------------- */

/* The linker maps a file without looking at its length, and dies of one that is cut short. The
 * table of sections comes last. */
static int check_whole(const char *real)
{
    ElfW(Ehdr) head = {0};
    struct stat st;
    int fd = open(real, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return FAIL(RN_EPLUGIN, "it cannot be read: %s", strerror(errno));
    bool known = !fstat(fd, &st) && read(fd, &head, sizeof head) == sizeof head &&
                 !memcmp(head.e_ident, ELFMAG, SELFMAG);
    close(fd);
    uint64_t end = head.e_shoff + (uint64_t)head.e_shnum * head.e_shentsize;
    if (known && end > (uint64_t)st.st_size)
        return FAIL(RN_EPLUGIN, "it is cut short: %lld bytes of %llu; build or copy it again",
                    (long long)st.st_size, (unsigned long long)end);
    return RN_OK;
}

static int open_failed(const char *real)
{
    const char *why = dlerror();
    size_t n = strlen(real);

    if (!why)
        why = "it cannot be opened";
    if (!strncmp(why, real, n) && !strncmp(why + n, ": ", 2))
        why += n + 2;
    if (strstr(why, "ELF") || strstr(why, "file too short"))
        return FAIL(RN_EPLUGIN, "%s; build it as a shared object for this machine", why);
    if (strstr(why, "undefined symbol"))
        return FAIL(RN_EPLUGIN, "%s; link it with -Wl,--no-undefined and use the rn_host table",
                    why);
    return FAIL(RN_EPLUGIN, "%s; run `ldd %s` to see what it needs", why, real);
}

static int no_query(void *lib)
{
    for (int major = 0; major < MAJORS_MAX; major++) {
        char name[32];
        snprintf(name, sizeof name, "rn_plugin_query_v%d", major);
        if (dlsym(lib, name))
            return FAIL(RN_EPLUGIN,
                        "built for plugin ABI %d; this runner speaks %d: build it again "
                        "with this runner's headers",
                        major, RN_ABI_MAJOR);
    }
    return FAIL(RN_EPLUGIN, "no plugin: it exports no %s; end its source with RN_PLUGINS(&name);",
                RN_QUERY_SYMBOL);
}

/* A library linked with -ffast-math makes the processor treat small numbers as zero. */
static void restore_arithmetic(const fenv_t *env, const char *real)
{
    volatile float small = 1e-40f, one = 1.0f;

    if (small * one != 0.0f)
        return;
    fesetenv(env);
    log_line(RN_WARNING, real,
             "built with -ffast-math, it switched the arithmetic of the whole "
             "process to flush small numbers to zero; undone. Build it without");
}

static int query_file(const char *real, const struct rn_plugin *const **list)
{
    void *lib = dlopen(real, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *symbol = lib ? dlsym(lib, RN_QUERY_SYMBOL) : NULL;
    rn_plugin_query_fn *query;

    if (!lib)
        return open_failed(real);
    if (!symbol)
        return no_query(lib);
    memcpy(&query, &symbol, sizeof query);
    *list = query(host_table());
    if (!*list || !**list)
        return FAIL(RN_EPLUGIN, "it provides no plugin; list them in RN_PLUGINS(&name);");
    return RN_OK;
}

int plugin_load(struct pool *p, const char *found, const char *real, struct plugin **list, int *n)
{
    const struct rn_plugin *const *theirs = NULL;
    fenv_t env;

    TRY(check_trust(p, found, 2)); /* the file, the folder of its kind, the plugin folder */
    TRY(check_trust(p, real, 1));
    TRY(check_whole(real));
    fegetenv(&env);
    watch_begin(real);
    int status = query_file(real, &theirs);
    watch_end();
    restore_arithmetic(&env, real);
    TRY(status);
    for (*n = 0; theirs[*n];)
        if (++*n > PROVIDES_MAX)
            return FAIL(RN_EPLUGIN, "its list of plugins has no end; use RN_PLUGINS(&name);");
    *list = pool_alloc(p, (size_t)*n * sizeof **list);
    if (!*list)
        return RN_ENOMEM;
    for (int i = 0; i < *n; i++)
        TRY(plugin_check(p, theirs[i], real, &(*list)[i]));
    return RN_OK;
}
