/* random.h - counter-based random numbers: no state, no order, the same on every
 * device and thread count. Philox 4x32-10, Salmon et al., "Parallel random numbers:
 * as easy as 1, 2, 3", SC 2011; checked against the known answers of Random123. */
#ifndef RN_RANDOM_H
#define RN_RANDOM_H

#include <stdint.h>

struct rn_philox {
    uint32_t v[4];
};

static inline struct rn_philox rn_philox(uint64_t key, uint64_t hi, uint64_t lo)
{
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)lo, c1 = (uint32_t)(lo >> 32);
    uint32_t c2 = (uint32_t)hi, c3 = (uint32_t)(hi >> 32);

    for (int i = 0; i < 10; i++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;

        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return (struct rn_philox){{c0, c1, c2, c3}};
}

/* Uniform in [0, 1) with 24 bits; i counts the elements of one draw. */
static inline float rn_uniform(uint64_t key, uint64_t draw, uint64_t i)
{
    return (float)(rn_philox(key, draw, i >> 2).v[i & 3] >> 8) * 0x1p-24f;
}

#endif
