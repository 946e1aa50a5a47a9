/* mem.h - all memory of the runner comes from here, so that tests can make it run out:
 * RN_FAIL_ALLOC=n fails the n-th allocation of the process, RN_FAIL_ALLOC=n+ that one and
 * all after it. Three forms: single blocks, pools that are freed whole, growing text. */
#ifndef MEM_H
#define MEM_H

#include <stdarg.h>
#include <runner/abi.h>

/* Zeroed, 64-byte aligned. NULL when out of memory, with RN_ENOMEM recorded. */
void *mem_alloc(size_t bytes);
/* count * size with the product checked. */
void *mem_array(size_t count, size_t size);
void mem_free(void *p);
uint64_t mem_live(void);  /* blocks not yet freed */
uint64_t mem_taken(void); /* blocks that this thread ever got */

/* A pool owns what was allocated from it until pool_free(). NULL when out of memory. */
struct pool;
struct pool *pool_new(void);
void pool_free(struct pool *p);
void *pool_alloc(struct pool *p, size_t bytes); /* zeroed, 16-byte aligned */
char *pool_strdup(struct pool *p, const char *s);
char *pool_strndup(struct pool *p, const char *s, size_t n);
char *pool_printf(struct pool *p, const char *fmt, ...) RN_PRINTF(2, 3);

/* Text that grows. After a failed allocation it ignores what is added, and status says so:
 * check once at the end. Zero-initialised is empty; s is NULL or ends in a 0 byte. */
struct text {
    char *s;
    size_t n, cap;
    int status;
};
void text_add(struct text *t, const char *fmt, ...) RN_PRINTF(2, 3);
void text_vadd(struct text *t, const char *fmt, va_list args) RN_PRINTF(2, 0);
void text_put(struct text *t, const char *s, size_t n);
void text_free(struct text *t);
const char *text_str(const struct text *t); /* never NULL */

#endif
