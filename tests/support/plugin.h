/* plugin.h - what the tests of one plugin need: its descriptor by kind and name, from the folder
 * in RN_PLUGIN_PATH, and its options by their names, without the registry in between. */
#ifndef TEST_PLUGIN_H
#define TEST_PLUGIN_H

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

#include <runner/option.h>

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline uint64_t test_clock_ns(void)
{
    struct timespec t;

    timespec_get(&t, TIME_UTC);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline const struct rn_host *test_host(void)
{
    static const struct rn_host host = {.size = sizeof host,
                                        .abi_major = RN_ABI_MAJOR,
                                        .abi_minor = RN_ABI_MINOR,
                                        .runner = "test",
                                        .alloc = mem_alloc,
                                        .free = mem_free,
                                        .fail = error_set,
                                        .log = log_line,
                                        .clock_ns = test_clock_ns,
                                        .read_file = file_read,
                                        .write_file = file_write,
                                        .append_file = file_append,
                                        .sha256 = hash_sha256};
    return &host;
}

/* The query function of a plugin's file. Stops the test program when it can't be had. */
static inline rn_plugin_query_fn *test_query_file(const char *path)
{
    rn_plugin_query_fn *query;
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *symbol = lib ? dlsym(lib, RN_QUERY_SYMBOL) : NULL;

    if (!symbol) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    memcpy(&query, &symbol, sizeof query);
    return query;
}

static inline rn_plugin_query_fn *test_query(const char *folder, const char *name)
{
    char path[PATH_MAX];
    const char *dir = getenv("RN_PLUGIN_PATH");

    snprintf(path, sizeof path, "%s/%s/%s.so", dir ? dir : "plugins", folder, name);
    return test_query_file(path);
}

/* folder: "datasets"; name: "mnist" */
static inline const struct rn_plugin *test_plugin(const char *folder, const char *name)
{
    return *test_query(folder, name)(test_host());
}

static inline void *test_option(const struct rn_plugin *p, void *opts, const char *name)
{
    for (const struct rn_option *o = p->options; o->name; o++)
        if (!strcmp(o->name, name))
            return (char *)opts + o->offset;
    fprintf(stderr, "%s has no option %s\n", p->name, name);
    exit(1);
}

static inline void test_set_string(const struct rn_plugin *p, void *opts, const char *name,
                                   const char *value)
{
    memcpy(test_option(p, opts, name), &value, sizeof value);
}

#endif
