/* other_data.h - a trained model on other samples than its own: what changes in its configuration.
 */
#ifndef OTHER_DATA_H
#define OTHER_DATA_H

#include "plugin/registry.h"

/* Overrides for config, the configuration of a run called name, that put other samples in the place
 * of its own: spec is an experiment, whose data are taken, the name of a data set, or YAML as
 * {type: mnist, path: data/emnist}; NULL: the run's own. How values are normalised stays as it was.
 * The evaluation is called NAME_eval and expects nothing. Room for more of them is left behind. All
 * in p. The statuses of experiment_load(). */
int other_data(struct pool *p, struct registry *r, const char *config, const char *name,
               const char *spec, int more, const char ***overrides, int *n);

#endif
