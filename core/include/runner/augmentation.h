/* augmentation.h - changes training images at random, on the host. Each sample's numbers are drawn
 * from a key and a counter, so that the result depends neither on threads nor on the order of work.
 */
#ifndef RN_AUGMENTATION_H
#define RN_AUGMENTATION_H

#include "option.h"
#include "random.h"

struct rn_augment_call {
    uint32_t size, reserved;
    const void *opts;
    int64_t rows, h, w, channels;
    const float *in;   /* [rows, h, w, channels], in the data set's own units, before normalising */
    float *out;        /* alike, another place; every element is to be written */
    float *scratch;    /* scratch(opts, h, w, channels) floats, not cleared; NULL when that is 0 */
    uint64_t key;      /* differs by seed and by place in the list */
    uint64_t draw;     /* differs by step */
    int64_t first_row; /* of these rows in the batch */
};

struct rn_augmentation_ops {
    uint32_t size, reserved;
    int (*check)(const void *opts, int64_t h, int64_t w, int64_t channels); /* opt; RN_EINVAL */
    int64_t (*scratch)(const void *opts, int64_t h, int64_t w, int64_t channels); /* opt */
    void (*apply)(const struct rn_augment_call *c); /* reads nothing else, keeps nothing */
};
RN_NO_TAIL_PADDING(struct rn_augmentation_ops, apply);

/* Where the numbers of a row begin, for rn_uniforms(); i < 2^24. */
static inline uint64_t rn_augment_index(const struct rn_augment_call *c, int64_t row, int64_t i)
{
    return ((uint64_t)(c->first_row + row) << 24) + (uint64_t)i;
}

/* Number i of this row, uniform in [0, 1). */
static inline float rn_augment_uniform(const struct rn_augment_call *c, int64_t row, int64_t i)
{
    return rn_uniform(c->key, c->draw, rn_augment_index(c, row, i));
}

#endif
