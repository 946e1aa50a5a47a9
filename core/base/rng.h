/* rng.h - keys for counter-based random numbers: one a purpose and index, from the run's seed. */
#ifndef RNG_H
#define RNG_H

#include <runner/random.h>

/* The numbers are part of what a seed means. */
enum rng_purpose {
    RNG_SPLIT = 1,
    RNG_SHUFFLE = 2,
    RNG_INIT = 3,
    RNG_LAYER = 4,
    RNG_AUGMENT = 5,
    RNG_SEARCH = 6 /* of a sweep's own seed */
};

uint64_t rng_key(uint64_t seed, enum rng_purpose purpose, uint64_t index);
/* Standard normal, by Box and Muller; i counts the elements of one key. */
double rng_normal(uint64_t key, uint64_t i);
/* A uniformly random order of v[0..n-1], by Fisher and Yates. */
void rng_shuffle(uint64_t key, int32_t *v, int64_t n);

#endif
