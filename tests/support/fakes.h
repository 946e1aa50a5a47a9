/* fakes.h - a plugin folder of links to the one file with all fakes ($RN_FAKES), and scratch
 * files for tests of configurations. */
#ifndef FAKES_H
#define FAKES_H

#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const fakes[] = {"devices/cpu",       "layers/dense",   "layers/relu",
                                    "layers/flatten",    "layers/softmax", "layers/dropout",
                                    "layers/residual",   "losses/mse",     "losses/cross_entropy",
                                    "optimizers/adam",   "optimizers/sgd", "datasets/mnist",
                                    "reporters/console", "reporters/html", "reporters/csv"};

/* ck_assert works only within a test, and folders are made before. */
static inline void fakes_need(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cannot go on: %s\n", what);
    exit(1);
}

/* A fresh folder in /tmp; plugins of $RN_PLUGIN_PATH are the fakes in it from now on. */
static inline const char *fakes_open(void)
{
    static char dir[64];
    char path[PATH_MAX];
    const char *so = getenv("RN_FAKES");

    fakes_need(so != NULL, "RN_FAKES is not set: run this by meson test");
    snprintf(dir, sizeof dir, "/tmp/rn-test-XXXXXX");
    fakes_need(mkdtemp(dir) != NULL, "no folder in /tmp");
    for (size_t i = 0; i < sizeof fakes / sizeof *fakes; i++) {
        snprintf(path, sizeof path, "%s/plugins/%s", dir, fakes[i]);
        *strrchr(path, '/') = '\0';
        fakes_need(!file_mkdirs(path), path);
        snprintf(path, sizeof path, "%s/plugins/%s.so", dir, fakes[i]);
        fakes_need(!file_symlink(so, path), path);
    }
    snprintf(path, sizeof path, "%s/plugins/layers/broken.so", dir);
    fakes_need(!file_write(path, "not a plugin", 12), path);
    snprintf(path, sizeof path, "%s/plugins", dir);
    setenv("RN_PLUGIN_PATH", path, 1);
    return dir;
}

static inline const char *scratch_write(const char *dir, const char *name, const char *text)
{
    static char path[4][PATH_MAX];
    static int turn;
    char *out = path[turn++ % 4];

    snprintf(out, PATH_MAX, "%s/%s", dir, name);
    fakes_need(!file_write(out, text, strlen(text)), out);
    return out;
}

#endif
