/* golden.h - the values in tests/golden, one file a kind: a line is a name and its numbers. */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include "base/file.h"
#include "base/mem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* The text of tests/golden/<name>, which the caller frees with mem_free(). */
static inline char *golden_text(struct pool *p, const char *name)
{
    void *data;
    uint64_t bytes;
    const char *path = pool_printf(p, "%s/tests/golden/%s", getenv("RN_SOURCE"), name);

    ck_assert_msg(!file_read(path, 1 << 20, &data, &bytes), "%s: no such text", path);
    return data;
}

/* The values of the line `name`, which has n of them. */
static inline double *golden_line(struct pool *p, const char *text, const char *name, int64_t n)
{
    double *out = pool_alloc(p, (size_t)n * sizeof *out);
    size_t length = strlen(name);
    const char *at = text;

    while (at && (strncmp(at, name, length) || at[length] != ' ')) {
        at = strchr(at, '\n');
        at = at ? at + 1 : NULL;
    }
    ck_assert_msg(at, "no line %s", name);
    at += length;
    for (int64_t i = 0; i < n; i++) {
        char *end;

        ck_assert_msg(*at == ' ', "%s has fewer than %d values", name, (int)n);
        out[i] = strtod(at, &end);
        at = end;
    }
    ck_assert_msg(*at == '\n', "%s has more than %d values", name, (int)n);
    return out;
}

#endif
