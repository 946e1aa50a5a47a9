/* experiment.h - a configuration with every value checked, every default filled in, and every
 * plugin found. Nothing was opened or started yet. */
#ifndef EXPERIMENT_H
#define EXPERIMENT_H

#include "plugin/registry.h"

struct part { /* one use of a plugin */
    const struct plugin *plugin;
    void *opts;              /* its options struct */
    const char *name;        /* "dense1", or as given */
    const char *path;        /* "model.layers.dense1" */
    struct mark mark;        /* of its value in the file, for later messages */
    struct branch *branches; /* of a container, in the order of its options */
    int n_branches;
};

struct branch { /* layers in an option of a layer */
    const char *key;
    struct part *layers;
    int n_layers;
};

#define CHANNELS_MAX 64 /* that have a mean and a deviation of their own */

/* The value of an option of this type; NULL: the plugin has none. */
const void *part_option(const struct part *p, const char *name, uint32_t type);
/* The metric that an option `monitor` names; NULL when the plugin has no such option. */
const char *part_monitor(const struct part *p);

struct expect {
    const char *metric; /* "test.accuracy", "best.val.loss", "epoch3.val.loss" */
    double min, max;    /* NaN: no such bound */
    bool warns;         /* when it does not hold, that is no failure */
    struct mark mark;
};

/* Whether the samples stay in the device's memory: as far as they fit, always, never. */
enum resident { RESIDENT_AUTO, RESIDENT_YES, RESIDENT_NO };

struct experiment {
    struct pool *pool;
    const char *file, *dir; /* as named; absolute folder it lies in */
    const char *name, *description;
    const char *const *tags;
    int n_tags;
    uint64_t seed;
    struct part device, data, loss, optimizer;
    struct part scheduler; /* plugin NULL: the learning rate stays as it is */
    struct {
        struct rn_span_value span; /* value 0: none */
        double from;               /* as a share of the learning rate */
    } warmup;
    bool device_auto; /* device was left to us: `auto` */
    struct part *layers, *reporters, *callbacks, *augments;
    int n_layers, n_reporters, n_callbacks, n_augments;
    const char *const *metrics; /* besides loss and accuracy */
    int n_metrics;
    struct mark metrics_mark;
    struct {
        double train, val; /* shares of the training set, or counts when above 1 */
        int64_t seed;
        struct rn_floats mean, std;                 /* count 0: leave as it is */
        int64_t limit_train, limit_val, limit_test; /* 0: all */
        int64_t resident;                           /* enum resident */
    } split;
    struct {
        int64_t epochs, batch_size, eval_batch_size;
        int64_t accumulate;           /* batches that make one update */
        double clip_norm, clip_value; /* of the gradient; 0: not clipped */
        bool shuffle, drop_last;
        struct rn_span_value log_every;
        const char *init_from; /* a path, absolute, or a run; NULL: weights are drawn */
    } train;
    struct expect *expects;
    int n_expects;
    struct node *root;        /* resolved, with origins */
    const char *config_yaml;  /* root as text: runs again as it is */
    const char *config_input; /* the file as written, what it extends appended as comments */
};

/* Reads, composes, checks. Problems go to *diag, made here and owned by the pool of *out. When the
 * result is not RN_OK, *out still holds pool and diag for printing; free it in any case. Statuses:
 * RN_EINVAL for problems in the file, RN_EPLUGIN when a plugin file is broken or missing. */
int experiment_load(const char *path, const char *const *overrides, int n_overrides,
                    struct registry *r, struct diag **diag, struct experiment **out);
/* The same from a tree that was composed, with the pool that it is in, which *out owns from now on;
 * file: where it comes from, for messages. Without config_input. d stays the caller's. */
int experiment_from_tree(struct pool *p, const char *file, struct node *root, struct registry *r,
                         struct diag *d, struct experiment **out);
void experiment_free(struct experiment *e);

/* Whether the value at a path says nothing about how a run is trained: its name, what is expected,
 * who reports, where plugins are. */
bool experiment_beside(const char *path);
/* Whether it only says where and by how many something is done: any value gives the same bits. */
bool experiment_places(const char *path);
/* What makes two experiments the same: "sha256:..." over all that has a say in their numbers and in
 * what is expected of these, but not over what experiment_places(). HASH_TEXT bytes. */
int experiment_identity(const struct experiment *e, char *out);
/* The same of a configuration that was resolved. */
int experiment_tree_identity(struct pool *p, const struct node *root, char *out);

/* Whether an experiment may have that name: it becomes the name of a folder. */
bool experiment_name_fits(const char *s);
/* Whether the root of all runs, or the folder of a name, has that name for itself. */
bool experiment_name_taken(const char *s);

/* `runner config`: each value with where it came from; only_changed: values that are no defaults.
 */
void experiment_show(const struct experiment *e, bool origin, bool only_changed, struct text *out);

#endif
