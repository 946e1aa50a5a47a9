/* memory.c - places tensors in one arena by their lifetimes. */
#include "memory.h"

#include <stdbool.h>

#define ALIGN 256

static int64_t rounded(int64_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

static bool together(const struct memory_item *a, const struct memory_item *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which item fits beside the placed items that live when it does. */
static int64_t lowest(const struct memory_item *items, int n, const struct memory_item *item)
{
    int64_t at = 0;

    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const struct memory_item *o = &items[i];
            if (o == item || o->offset < 0 || !together(o, item) ||
                o->offset >= at + rounded(item->bytes) || at >= o->offset + rounded(o->bytes))
                continue;
            at = o->offset + rounded(o->bytes);
            moved = true;
        }
    }
    return at;
}

int64_t memory_place(struct memory_item *items, int n)
{
    int64_t total = 0;

    for (int i = 0; i < n; i++)
        items[i].offset = -1;
    for (int placed = 0; placed < n; placed++) {
        struct memory_item *next = 0;

        for (int i = 0; i < n; i++)
            if (items[i].offset < 0 && (!next || items[i].bytes > next->bytes))
                next = &items[i];
        next->offset = lowest(items, n, next);
        if (next->offset + rounded(next->bytes) > total)
            total = next->offset + rounded(next->bytes);
    }
    return total;
}
