/* trained.h - the model of a run, with the weights that it left, ready to be used. */
#ifndef TRAINED_H
#define TRAINED_H

#include "names.h"
#include "session.h"

struct trained {
    struct pool *pool;
    struct run_name run;
    struct session session;      /* its data set is not open, unless data.json says too little */
    struct rn_dataset_info info; /* of its samples; without counts */
    const char *const *class_names;
    double brightness;   /* mean of the training inputs, as shares of white; NaN: not known */
    const char *weights; /* the file they are from */
};

struct trained_args {
    const char *root, *word; /* a run, as of run_find() */
    const char *weights;     /* "best", "last" or a file; NULL: those that were tested, the last */
    const char *const *overrides; /* of its configuration */
    int n_overrides;
    const char *const *plugin_dirs;
    int n_plugin_dirs;
};

/* Finds the run, and where its configuration and its weights are; name: of its experiment. All in
 * p. RN_EDATA: there is no such run, or no such weights. */
int trained_files(struct pool *p, const struct trained_args *args, const char **name,
                  const char **config, const char **weights);
/* Finds the run, checks its configuration, infers shapes. In any case to be closed. RN_EDATA: there
 * is no such run, or its folder is damaged. */
int trained_plan(const struct trained_args *args, struct trained *t);
/* Opens the device, and reads the weights. */
int trained_open(const struct trained_args *args, struct trained *t);
/* A status of these with what is wrong with the configuration of the run as its message, as for any
 * file. */
int trained_told(const struct trained *t, int status);
void trained_close(struct trained *t);

#endif
