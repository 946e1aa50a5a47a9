/* mem.c - allocation with an injectable fault, pools, growing text. */
#define _DEFAULT_SOURCE
#include "mem.h"

#include "error.h"
#include "fault.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE ((size_t)2 << 20) /* a large page: fewer of them are to be looked up */

static atomic_ullong live;
static _Thread_local uint64_t taken;
static struct fault fault = {.variable = "RN_FAIL_ALLOC"};

void *mem_alloc(size_t bytes)
{
    size_t rounded = (bytes + 63) & ~(size_t)63;
    bool large = bytes >= HUGE / 2;
    void *p = NULL;

    if (rounded < bytes || fault_hits(&fault) ||
        posix_memalign(&p, large ? HUGE : 64, rounded ? rounded : 64)) {
        FAIL(RN_ENOMEM, "out of memory: %zu bytes could not be had", bytes);
        return NULL;
    }
    if (large) /* whole large pages only: what is behind the block belongs to others */
        madvise(p, rounded & ~(HUGE - 1), MADV_HUGEPAGE);
    memset(p, 0, rounded ? rounded : 64);
    live++;
    taken++;
    return p;
}

void *mem_array(size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes)) {
        FAIL(RN_ENOMEM, "out of memory: %zu x %zu bytes could not be had", count, size);
        return NULL;
    }
    return mem_alloc(bytes);
}

void mem_free(void *p)
{
    if (!p)
        return;
    live--;
    free(p);
}

uint64_t mem_live(void) { return live; }

uint64_t mem_taken(void) { return taken; }

/* ---- pools ---------------------------------------------------------------- */

#define CHUNK 16384

struct chunk {
    struct chunk *next;
    size_t used, cap;
    _Alignas(16) char data[];
};

struct pool {
    struct chunk *head;
};

struct pool *pool_new(void) { return mem_alloc(sizeof(struct pool)); }

void pool_free(struct pool *p)
{
    if (!p)
        return;
    for (struct chunk *c = p->head, *next; c; c = next) {
        next = c->next;
        mem_free(c);
    }
    mem_free(p);
}

void *pool_alloc(struct pool *p, size_t bytes)
{
    size_t rounded = (bytes + 15) & ~(size_t)15;
    struct chunk *c = p->head;

    if (rounded < bytes)
        return FAIL(RN_ENOMEM, "out of memory"), NULL;
    if (!c || c->cap - c->used < rounded) {
        size_t cap = rounded > CHUNK ? rounded : CHUNK;
        c = mem_alloc(sizeof *c + cap);
        if (!c)
            return NULL;
        c->cap = cap;
        c->next = p->head;
        p->head = c;
    }
    void *out = c->data + c->used;
    c->used += rounded;
    return out;
}

char *pool_strndup(struct pool *p, const char *s, size_t n)
{
    char *out = pool_alloc(p, n + 1);

    if (out)
        memcpy(out, s, n);
    return out;
}

char *pool_strdup(struct pool *p, const char *s) { return pool_strndup(p, s, strlen(s)); }

char *pool_printf(struct pool *p, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *out = pool_alloc(p, (size_t)(n < 0 ? 0 : n) + 1);
    if (out && n >= 0)
        vsnprintf(out, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return out;
}

/* ---- text ----------------------------------------------------------------- */

static bool text_room(struct text *t, size_t n)
{
    if (t->status)
        return false;
    if (t->cap - t->n > n)
        return true;
    size_t cap = (t->n + n + 1) * 2;
    char *s = mem_alloc(cap < 256 ? 256 : cap);
    if (!s) {
        t->status = RN_ENOMEM;
        return false;
    }
    if (t->n)
        memcpy(s, t->s, t->n);
    mem_free(t->s);
    t->s = s;
    t->cap = cap < 256 ? 256 : cap;
    return true;
}

void text_put(struct text *t, const char *s, size_t n)
{
    if (!text_room(t, n))
        return;
    memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = '\0';
}

/* Into the room that is there; a second time when that was too little. */
void text_vadd(struct text *t, const char *fmt, va_list args)
{
    size_t room = t->cap - t->n;
    va_list again;

    if (t->status)
        return;
    va_copy(again, args);
    int n = vsnprintf(room ? t->s + t->n : NULL, room, fmt, args);
    if (n > 0 && (size_t)n >= room) {
        if (room)
            t->s[t->n] = '\0';
        n = text_room(t, (size_t)n) ? vsnprintf(t->s + t->n, (size_t)n + 1, fmt, again) : 0;
    }
    t->n += n > 0 ? (size_t)n : 0;
    va_end(again);
}

void text_add(struct text *t, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    text_vadd(t, fmt, args);
    va_end(args);
}

void text_free(struct text *t)
{
    mem_free(t->s);
    *t = (struct text){0};
}

const char *text_str(const struct text *t) { return t->s ? t->s : ""; }
