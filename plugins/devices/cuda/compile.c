/* compile.c - texts of kernels to binaries. What was compiled is kept in the user's cache folder
 * under the hash of all that decides it; a file there is only used when its own hash is right. */
#define _XOPEN_SOURCE 700
#include "cuda.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define HASH_TEXT 72 /* "sha256:", 64 digits, 0 */
#define CUBIN_MAX (64u << 20)
enum { PATH_ROOM = 1024 };

/* ---- the folder ------------------------------------------------------------------------ */

static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        int status = mkdir(path, 0700);
        if (status < 0 && errno != EEXIST)
            return false;
        if (!slash)
            return true;
        *slash = '/';
    }
}

/* $XDG_CACHE_HOME/runner/cuda/<hash>.cubin, else below ~/.cache; false: nowhere. */
static bool cache_path(const char *key, char path[PATH_ROOM])
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    bool given = cache && *cache == '/';

    if (!given && !(home && *home == '/'))
        return false;
    int n =
        snprintf(path, PATH_ROOM, "%s%s/runner/cuda", given ? cache : home, given ? "" : "/.cache");
    if (n < 0 || n + HASH_TEXT + 8 > PATH_ROOM || !make_folders(path))
        return false;
    snprintf(path + n, (size_t)(PATH_ROOM - n), "/%s.cubin", key + strlen("sha256:"));
    return true;
}

/* A file is the hash of what follows, a line end, and the binary. */
static void *cache_read(const char *path)
{
    char hash[HASH_TEXT];
    void *data = NULL;
    uint64_t bytes = 0;
    const size_t head = HASH_TEXT;

    if (rn_host->read_file(path, CUBIN_MAX, &data, &bytes) < 0)
        return NULL;
    if (bytes > head) {
        rn_host->sha256((char *)data + head, bytes - head, hash);
        if (!memcmp(data, hash, HASH_TEXT - 1)) {
            memmove(data, (char *)data + head, bytes - head);
            return data;
        }
    }
    rn_host->log(RN_WARNING, "cuda", "%s is damaged and is made again", path);
    rn_host->free(data);
    return NULL;
}

static void cache_write(const char *path, const void *cubin, size_t bytes)
{
    char *file = rn_host->alloc(HASH_TEXT + bytes);

    if (!file)
        return;
    rn_host->sha256(cubin, bytes, file);
    file[HASH_TEXT - 1] = '\n';
    memcpy(file + HASH_TEXT, cubin, bytes);
    if (rn_host->write_file(path, file, HASH_TEXT + bytes) < 0)
        rn_host->log(RN_DEBUG, "cuda", "%s can't be written: kernels are compiled each time", path);
    rn_host->free(file);
}

/* ---- compiling ------------------------------------------------------------------------- */

static int compiler_failed(nvrtcProgram program, const char *what, nvrtcResult r)
{
    size_t n = 0;
    char *log = NULL;

    if (program && api.nvrtcGetProgramLogSize(program, &n) == NVRTC_SUCCESS && n)
        log = rn_host->alloc(n + 1);
    if (log)
        api.nvrtcGetProgramLog(program, log);
    int status = RN_FAIL(r == NVRTC_ERROR_OUT_OF_MEMORY ? RN_ENOMEM : RN_EPLUGIN,
                         "NVRTC can't %s the kernels: %s\n%s", what, api.nvrtcGetErrorString(r),
                         log ? log : "");
    rn_host->free(log);
    return status;
}

static int run_compiler(const char *text, const char *const *options, int n, void **cubin,
                        size_t *bytes)
{
    nvrtcProgram program = NULL;
    const char *what = "compile";
    int status = RN_OK;

    nvrtcResult r = api.nvrtcCreateProgram(&program, text, "kernels.cu", 0, NULL, NULL);
    if (r == NVRTC_SUCCESS)
        r = api.nvrtcCompileProgram(program, n, options);
    if (r == NVRTC_SUCCESS) {
        what = "give";
        r = api.nvrtcGetCUBINSize(program, bytes);
    }
    if (r == NVRTC_SUCCESS && !(*cubin = rn_host->alloc(*bytes + 1)))
        r = NVRTC_ERROR_OUT_OF_MEMORY;
    if (r == NVRTC_SUCCESS)
        r = api.nvrtcGetCUBIN(program, *cubin);
    if (r != NVRTC_SUCCESS) {
        status = compiler_failed(program, what, r);
        rn_host->free(*cubin);
        *cubin = NULL;
    }
    if (program)
        api.nvrtcDestroyProgram(&program);
    return status;
}

/* The hash of all that decides the binary. */
static int key_of(const char *text, const char *const *options, int n, char key[HASH_TEXT])
{
    struct rn_text all = {0};
    int major = 0, minor = 0;

    api.nvrtcVersion(&major, &minor);
    rn_text_add(&all, "NVRTC %d.%d\n", major, minor);
    for (int i = 0; i < n; i++)
        rn_text_add(&all, "%s\n", options[i]);
    rn_text_add(&all, "%s", text);
    int status = all.status;
    if (!status)
        rn_host->sha256(all.s, all.n, key);
    rn_host->free(all.s);
    return status;
}

int compile(const char *text, int capability, void **cubin)
{
    char architecture[40], key[HASH_TEXT], path[PATH_ROOM];
    const char *options[] = {architecture, "--ftz=true", "-default-device"};
    const int n = sizeof options / sizeof *options;
    size_t bytes = 0;

    *cubin = NULL;
    snprintf(architecture, sizeof architecture, "--gpu-architecture=sm_%d", capability);
    RN_TRY(key_of(text, options, n, key));
    bool kept = cache_path(key, path);
    if (kept && (*cubin = cache_read(path)))
        return RN_OK;
    RN_TRY(run_compiler(text, options, n, cubin, &bytes));
    if (kept)
        cache_write(path, *cubin, bytes);
    return RN_OK;
}
