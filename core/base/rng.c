/* rng.c - keys for counter-based random numbers, and what is drawn with them on the host. */
#define _XOPEN_SOURCE 700
#include "rng.h"

#include <math.h>

uint64_t rng_key(uint64_t seed, enum rng_purpose purpose, uint64_t index)
{
    struct rn_philox r = rn_philox(seed, (uint64_t)purpose, index);

    return r.v[0] | (uint64_t)r.v[1] << 32;
}

double rng_normal(uint64_t key, uint64_t i)
{
    struct rn_philox r = rn_philox(key, 0, i);
    double u = ((double)r.v[0] + 0.5) * 0x1p-32; /* never 0 */
    double v = (double)r.v[1] * 0x1p-32;

    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Below n without bias: Lemire, "Fast random integer generation in an interval", 2019. */
static uint32_t below(uint64_t key, uint64_t draw, uint32_t n)
{
    for (uint64_t again = 0;; again++) {
        struct rn_philox r = rn_philox(key, again, draw);
        for (int k = 0; k < 4; k++) {
            uint64_t m = (uint64_t)r.v[k] * n;
            if ((uint32_t)m >= (uint32_t)(-n) % n)
                return (uint32_t)(m >> 32);
        }
    }
}

void rng_shuffle(uint64_t key, int32_t *v, int64_t n)
{
    for (int64_t i = n - 1; i > 0; i--) {
        uint32_t j = below(key, (uint64_t)i, (uint32_t)i + 1);
        int32_t t = v[i];

        v[i] = v[j];
        v[j] = t;
    }
}
