/* memory.h - one arena: lifetimes in, offsets out. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

struct memory_item {
    int64_t bytes;
    int first, last; /* when it is written first and read last; inclusive */
    int64_t offset;  /* the result, a multiple of 256 */
};

/* Items that live at the same time do not overlap. The larger ones are placed first, each at the
 * lowest offset that is free for as long as it lives. Returns the size of the arena. */
int64_t memory_place(struct memory_item *items, int n);

#endif
