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
    const struct rn_philox drawn = {{c0, c1, c2, c3}}; /* as C++ has it, too */
    return drawn;
}

/* Uniform in [0, 1) with 24 bits; i counts the elements of one draw. Chosen by selection: with an
 * index the block goes through memory, which takes half as long again. */
static inline float rn_uniform(uint64_t key, uint64_t draw, uint64_t i)
{
    const struct rn_philox p = rn_philox(key, draw, i >> 2);
    const uint32_t low = i & 1 ? p.v[1] : p.v[0], high = i & 1 ? p.v[3] : p.v[2];

    return (float)((i & 2 ? high : low) >> 8) * 0x1p-24f;
}

#ifndef __CUDACC_RTC__ /* a thread of a GPU draws its own number */
/* Elements i to i + RN_UNIFORMS - 1 of one draw: four at a time, in a form that compilers turn into
 * vectors. */
enum { RN_UNIFORMS = 64, RN_UNIFORM_GROUPS = RN_UNIFORMS / 4 + 1 };
static inline void rn_uniforms(uint64_t key, uint64_t draw, uint64_t i, float out[RN_UNIFORMS])
{
    uint32_t c[4][RN_UNIFORM_GROUPS], k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    float all[4 * RN_UNIFORM_GROUPS];

    for (uint32_t g = 0; g < RN_UNIFORM_GROUPS; g++) {
        const uint64_t lo = (i >> 2) + g;
        c[0][g] = (uint32_t)lo;
        c[1][g] = (uint32_t)(lo >> 32);
        c[2][g] = (uint32_t)draw;
        c[3][g] = (uint32_t)(draw >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (uint32_t g = 0; g < RN_UNIFORM_GROUPS; g++) {
            const uint64_t p0 = (uint64_t)0xD2511F53u * c[0][g];
            const uint64_t p1 = (uint64_t)0xCD9E8D57u * c[2][g];
            c[0][g] = (uint32_t)(p1 >> 32) ^ c[1][g] ^ k0;
            c[1][g] = (uint32_t)p1;
            c[2][g] = (uint32_t)(p0 >> 32) ^ c[3][g] ^ k1;
            c[3][g] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (uint32_t g = 0; g < RN_UNIFORM_GROUPS; g++)
        for (uint32_t j = 0; j < 4; j++)
            all[4 * g + j] = (float)(int32_t)(c[j][g] >> 8) * 0x1p-24f;
    for (uint32_t k = 0; k < RN_UNIFORMS; k++)
        out[k] = all[(i & 3) + k];
}

#endif

#endif
