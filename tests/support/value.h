/* value.h - made-up numbers: the same for the same arguments, on every machine. */
#ifndef TEST_VALUE_H
#define TEST_VALUE_H

#include <stdint.h>

/* 0.1 < |v| < 1.5, either sign: away from what bends at 0 */
static inline double test_value(uint64_t stream, int64_t i)
{
    uint64_t x = (uint64_t)i * 0x9E3779B97F4A7C15u + stream * 0xD1B54A32D192ED03u; /* splitmix64 */

    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    double size = 0.1 + 1.4 * (double)(x >> 11 & 0xFFFFFF) * 0x1p-24;
    return x >> 63 ? -size : size;
}

#endif
