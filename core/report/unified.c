/* unified.c - the differences of two texts by lines: their longest common sequence, then hunks. */
#include "unified.h"

#include <stdint.h>
#include <string.h>

enum { LINES_MAX = 4000, AROUND = 3 };

struct lines {
    const char *at[LINES_MAX + 1]; /* at[n]: the end */
    int n;
};

static bool split(const char *s, struct lines *out)
{
    for (out->n = 0; *s; out->n++) {
        if (out->n == LINES_MAX)
            return false;
        out->at[out->n] = s;
        s += strcspn(s, "\n");
        s += *s == '\n';
    }
    out->at[out->n] = s;
    return true;
}

static size_t length(const struct lines *l, int i)
{
    size_t n = (size_t)(l->at[i + 1] - l->at[i]);

    return n && l->at[i][n - 1] == '\n' ? n - 1 : n;
}

static bool same(const struct lines *a, int i, const struct lines *b, int j)
{
    size_t n = length(a, i);

    return n == length(b, j) && !memcmp(a->at[i], b->at[j], n);
}

/* ---- edits ---------------------------------------------------------------- */

struct edit { /* of a line: ' ' stays, '-' goes, '+' comes */
    char what;
    int a, b;
};

/* best[i * (m + 1) + j]: the longest common sequence of what begins at line i of a and j of b. */
static void fill(const struct lines *a, const struct lines *b, uint16_t *best)
{
    size_t m = (size_t)b->n + 1;

    for (int i = a->n - 1; i >= 0; i--)
        for (int j = b->n - 1; j >= 0; j--) {
            uint16_t *here = &best[(size_t)i * m + (size_t)j];
            uint16_t down = here[m], right = here[1];
            *here = same(a, i, b, j) ? (uint16_t)(here[m + 1] + 1) : down > right ? down : right;
        }
}

static int walk(const struct lines *a, const struct lines *b, const uint16_t *best,
                struct edit *out)
{
    size_t m = (size_t)b->n + 1;
    int n = 0;

    for (int i = 0, j = 0; i < a->n || j < b->n;) {
        const uint16_t *here = &best[(size_t)i * m + (size_t)j];
        if (i < a->n && j < b->n && same(a, i, b, j))
            out[n++] = (struct edit){' ', i++, j++};
        else if (i < a->n && (j == b->n || here[m] >= here[1]))
            out[n++] = (struct edit){'-', i++, j};
        else
            out[n++] = (struct edit){'+', i, j++};
    }
    return n;
}

/* ---- hunks ---------------------------------------------------------------- */

static void put_hunk(struct text *out, const struct lines *a, const struct lines *b,
                     const struct edit *e, int n)
{
    int from_a = 0, from_b = 0;

    for (int i = 0; i < n; i++) {
        from_a += e[i].what != '+';
        from_b += e[i].what != '-';
    }
    text_add(out, "@@ -%d,%d +%d,%d @@\n", e[0].a + (from_a > 0), from_a, e[0].b + (from_b > 0),
             from_b);
    for (int i = 0; i < n; i++) {
        const struct lines *l = e[i].what == '+' ? b : a;
        int k = e[i].what == '+' ? e[i].b : e[i].a;
        text_put(out, &e[i].what, 1);
        text_put(out, l->at[k], length(l, k));
        text_put(out, "\n", 1);
    }
}

static void put_hunks(struct text *out, const struct lines *a, const struct lines *b,
                      const struct edit *e, int n)
{
    for (int i = 0; i < n;) {
        int first = i, last;
        while (first < n && e[first].what == ' ')
            first++;
        if (first == n)
            return;
        last = first;
        for (int k = first; k < n && k - last <= 2 * AROUND + 1; k++)
            last = e[k].what == ' ' ? last : k;
        int from = first - AROUND > i ? first - AROUND : i;
        int to = last + AROUND + 1 < n ? last + AROUND + 1 : n;
        put_hunk(out, a, b, e + from, to - from);
        i = to;
    }
}

void unified_diff(struct text *out, const char *name_a, const char *a, const char *name_b,
                  const char *b)
{
    struct lines *one = mem_alloc(sizeof *one), *two = mem_alloc(sizeof *two);
    bool short_enough = one && two && split(a, one) && split(b, two);
    size_t cells = short_enough ? (size_t)(one->n + 1) * (size_t)(two->n + 1) : 0;
    uint16_t *best = cells ? mem_array(cells, sizeof *best) : NULL;
    struct edit *edits = cells ? mem_array((size_t)(one->n + two->n) + 1, sizeof *edits) : NULL;

    if (strcmp(a, b) != 0)
        text_add(out, "--- %s\n+++ %s\n", name_a, name_b);
    if (best && edits) {
        fill(one, two, best);
        put_hunks(out, one, two, edits, walk(one, two, best, edits));
    } else if (one && two && !short_enough && strcmp(a, b) != 0) {
        text_add(out, "They differ; they are too long to say where.\n");
    } else if (!one || !two || short_enough) {
        out->status = RN_ENOMEM;
    }
    mem_free(edits);
    mem_free(best);
    mem_free(two);
    mem_free(one);
}
