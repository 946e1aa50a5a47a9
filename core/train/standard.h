/* standard.h - a model in evaluation as a list of ONNX's operations, with what they are done to:
 * what programs that know nothing of layers are made of. */
#ifndef STANDARD_H
#define STANDARD_H

#include "checkpoint.h"

struct std_value {
    const char *name;
    struct rn_shape shape; /* without the batch, images channels first */
    const float *data;     /* of a parameter or a constant, in that order; else NULL */
    int maker;             /* the node that gives it; -1: none, it is data or the input */
};

struct std_node {
    const char *op;
    const char *layer; /* its name, for messages */
    int in[8], n_in;   /* values */
    int out;
    struct rn_attribute *attributes;
    int n_attributes;
};

struct standard {
    struct pool *pool;
    struct std_value *values; /* 0 is the input, normalised */
    struct std_node *nodes;   /* in the order of computation */
    int n_values, n_nodes;
    int result; /* the value that is the model's output */
};

/* All is in the pool of w. RN_EUNSUPPORTED: a layer does not say what it is. */
int standard_of(const struct weights *w, struct standard *out);
/* An attribute; NULL: the node has none of that name. */
const struct rn_attribute *standard_attribute(const struct std_node *n, const char *name);

#endif
