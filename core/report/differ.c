/* differ.c - which settings of several runs differ. */
#include "differ.h"

#include "base/error.h"
#include "experiment/experiment.h"

#include <string.h>

/* ---- all keys ------------------------------------------------------------- */

struct keys {
    const char **key;
    int64_t n;
};

static bool has_all(const struct keys *all, const struct settings *s)
{
    int64_t k = 0;

    for (int64_t i = 0; i < s->n; i++) {
        while (k < all->n && strcmp(all->key[k], s->facts[i].key) < 0)
            k++;
        if (k == all->n || strcmp(all->key[k], s->facts[i].key) != 0)
            return false;
    }
    return true;
}

/* Most runs bring no new key: a list is made only where one does. */
static int add_keys(struct pool *p, struct keys *all, const struct settings *s)
{
    int64_t n = 0, a = 0, b = 0;

    if (has_all(all, s))
        return RN_OK;
    const char **out = pool_alloc(p, (size_t)(all->n + s->n) * sizeof *out);
    if (!out)
        return RN_ENOMEM;
    while (a < all->n || b < s->n) {
        int order = a == all->n ? 1 : b == s->n ? -1 : strcmp(all->key[a], s->facts[b].key);
        const char *key = order <= 0 ? all->key[a] : s->facts[b].key;
        a += order <= 0;
        b += order >= 0;
        if (!n || strcmp(out[n - 1], key) != 0)
            out[n++] = key;
    }
    *all = (struct keys){out, n};
    return RN_OK;
}

/* ---- rows ----------------------------------------------------------------- */

struct seen {
    bool differs, lacking; /* lacking: some run has none */
    bool alike;            /* where there is one */
};

static struct seen look(const char *const *values, int64_t n)
{
    struct seen s = {.alike = true};
    const char *one = NULL;

    for (int64_t i = 0; i < n; i++) {
        s.lacking |= !values[i];
        if (values[i] && one && strcmp(values[i], one) != 0)
            s.alike = false;
        one = values[i] ? values[i] : one;
    }
    s.differs = s.lacking || !s.alike;
    return s;
}

/* The value of the key that is the first stem bytes of key and "type"; NULL: there is none. */
static const char *type_at(const struct settings *s, const char *key, size_t stem)
{
    for (int64_t low = 0, high = s->n; low < high;) {
        int64_t mid = low + (high - low) / 2;
        const char *other = s->facts[mid].key;
        int order = strncmp(other, key, stem);
        order = order ? order : strcmp(other + stem, "type");
        if (!order)
            return s->facts[mid].value;
        low = order < 0 ? mid + 1 : low;
        high = order < 0 ? high : mid;
    }
    return NULL;
}

/* Whether key is an option of a part that some run lacks, or (brief) has of another type: then the
 * type is a row of its own, which says as much. */
static bool goes_without_saying(const struct settings *runs, int64_t n, const char *key, bool brief)
{
    const char *dot = strrchr(key, '.'), *one = NULL;
    bool lacking = false, other = false;

    if (!dot || !strcmp(dot, ".type"))
        return false;
    for (int64_t i = 0; i < n; i++) {
        const char *type = type_at(&runs[i], key, (size_t)(dot - key) + 1);
        lacking |= !type;
        other |= type && one && strcmp(type, one) != 0;
        one = type ? type : one;
    }
    return one && (lacking || (brief && other));
}

static int fill(struct pool *p, const struct settings *runs, int64_t n, const struct keys *all,
                bool brief, struct rn_row *rows, int64_t *n_rows)
{
    int64_t *cursor = pool_alloc(p, (size_t)n * sizeof *cursor + 1);
    const char **values = NULL;

    if (!cursor)
        return RN_ENOMEM;
    for (int64_t k = 0; k < all->n; k++) {
        values = values ? values : pool_alloc(p, (size_t)n * sizeof *values + 1);
        if (!values)
            return RN_ENOMEM;
        for (int64_t i = 0; i < n; i++) {
            const struct settings *s = &runs[i];
            bool has = cursor[i] < s->n && !strcmp(s->facts[cursor[i]].key, all->key[k]);
            values[i] = has ? s->facts[cursor[i]++].value : NULL;
            while (has && cursor[i] < s->n && !strcmp(s->facts[cursor[i]].key, all->key[k]))
                cursor[i]++; /* twice the same key: the first counts */
        }
        struct seen s = look(values, n);
        if (!s.differs || experiment_beside(all->key[k]) ||
            (s.lacking && s.alike && goes_without_saying(runs, n, all->key[k], brief)))
            continue;
        rows[(*n_rows)++] = (struct rn_row){all->key[k], values};
        values = NULL;
    }
    return RN_OK;
}

int differ(struct pool *p, const struct settings *runs, int64_t n, bool brief, struct rn_row **rows,
           int64_t *n_rows)
{
    struct keys all = {0};

    *n_rows = 0;
    for (int64_t i = 0; i < n; i++)
        TRY(add_keys(p, &all, &runs[i]));
    *rows = pool_alloc(p, (size_t)all.n * sizeof **rows + 1);
    return *rows ? fill(p, runs, n, &all, brief, *rows, n_rows) : RN_ENOMEM;
}
