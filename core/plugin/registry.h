/* registry.h - finds, checks and keeps plugins by kind and name. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "config/options.h"

#include <runner/augmentation.h>
#include <runner/callback.h>
#include <runner/dataset.h>
#include <runner/device.h>
#include <runner/layer.h>
#include <runner/loss.h>
#include <runner/optimizer.h>
#include <runner/reporter.h>
#include <runner/scheduler.h>

struct plugin { /* a checked copy: the plugin's own memory is not read again */
    uint32_t kind, traits;
    int32_t priority;
    const char *name, *version, *license, *summary, *doc;
    struct option_table options;
    union {
        struct rn_device_ops device;
        struct rn_layer_ops layer;
        struct rn_loss_ops loss;
        struct rn_optimizer_ops optimizer;
        struct rn_dataset_ops dataset;
        struct rn_reporter_ops reporter;
        struct rn_scheduler_ops scheduler;
        struct rn_callback_ops callback;
        struct rn_augmentation_ops augmentation;
    } ops;
    const char *path; /* of the shared object, absolute and real */
};

struct registry;
/* dirs: absolute folders to search first, in order (--plugin-dir, the file's plugins.path); then
 * $RN_PLUGIN_PATH, the executable's plugins/ (build tree) and ../lib/runner/plugins (installed). */
int registry_open(const char *const *dirs, int n_dirs, struct registry **out);
void registry_close(struct registry *r); /* never dlcloses */
int registry_add_dir(struct registry *r, const char *dir);

/* Loads <dir>/<kind folder>/<name>.so when needed. RN_EPLUGIN: what was tried and the nearest name,
 * or what is wrong with the file. */
int registry_find(struct registry *r, uint32_t kind, const char *name, const struct plugin **out);
/* The plugin of that kind that is used by default, highest priority; NULL: none. */
const struct plugin *registry_default(struct registry *r, uint32_t kind);
/* Loads all of that kind (0: of every kind); files that can't be used go to bad as lines. */
int registry_all(struct registry *r, uint32_t kind, const struct plugin *const **list, int *n,
                 struct text *bad);
/* Names of that kind by file name, without loading. */
int registry_names(struct registry *r, uint32_t kind, const char *const **names, int *n);

const char *kind_name(uint32_t kind);   /* "layer" */
const char *kind_folder(uint32_t kind); /* "layers" */
uint32_t kind_by_name(const char *s);   /* also the folder's name; 0: none */

const struct rn_host *host_table(void);

#define PLUGIN_NAME_MAX 64
bool plugin_name_good(const char *s); /* [a-z][a-z0-9_]* */

/* The checks of one descriptor, pure: RN_EPLUGIN with the reason recorded. */
int plugin_check(struct pool *p, const struct rn_plugin *theirs, const char *path,
                 struct plugin *out);

#endif
