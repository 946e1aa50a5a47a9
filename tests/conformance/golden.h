/* golden.h - PyTorch's values in tests/golden, and comparisons with them. Built twice: in double on
 * the reference device, and in float, from the plugins as they are, on the CPU. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include "verify/rig.h"
#include "support/options.h"
#include "support/plugin.h"
#include "support/suite.h"

#include <math.h>

extern struct pool *pool; /* of one test, as is the device */
extern struct rn_device *dev;

const struct rn_plugin *golden_plugin(const char *folder, const char *name);
void golden_read(const char *name); /* the file that the next ones look into */
/* The n values of the line `name`, or `layer.what`. */
double *golden_values(const char *name, int64_t n);
double *golden_part(const char *layer, const char *what, int64_t n);
/* Each row of n values, from the order in which v shows them to the one in memory. */
double *golden_stored(const double *shown, const struct rn_view *v, int64_t n, int64_t rows);

void golden_same(const char *what, const rn_real *got, const double *want, int64_t n);
void golden_put(struct area *a, const double *from);

TCase *golden_case(Suite *suite, const char *name); /* with a pool and a device for each test */

#endif
