/* runs_filter.c - which runs of a list are wanted, and in which order. */
#define _GNU_SOURCE
#include "runs.h"

#include "base/error.h"
#include "config/diag.h"

#include <fnmatch.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- values by name ------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
} facts[] = {
    {"name", offsetof(struct rn_run, name)},     {"id", offsetof(struct rn_run, id)},
    {"dir", offsetof(struct rn_run, dir)},       {"status", offsetof(struct rn_run, status)},
    {"reason", offsetof(struct rn_run, reason)}, {"started", offsetof(struct rn_run, started)},
    {"device", offsetof(struct rn_run, device)}, {"data", offsetof(struct rn_run, data)},
    {"note", offsetof(struct rn_run, note)},     {"differs", offsetof(struct rn_run, differs)}};
enum { FACTS = sizeof facts / sizeof *facts };

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct rn_fact *)a)->key, ((const struct rn_fact *)b)->key);
}

const char *run_value(const struct run_list *l, int64_t i, const char *key, char room[32])
{
    const struct rn_run *r = &l->runs[i];
    const struct rn_fact want = {key, NULL};

    for (size_t k = 0; k < FACTS; k++)
        if (!strcmp(key, facts[k].name)) {
            const char *value;
            memcpy(&value, (const char *)r + facts[k].offset, sizeof value);
            return value;
        }
    if (!strcmp(key, "expect")) {
        static const char *const words[] = {"none", "hold", "failed"};
        return words[r->expected];
    }
    double v = run_metric(l, i, key);
    if (!isnan(v)) {
        snprintf(room, 32, "%.9g", v);
        return room;
    }
    const struct rn_fact *f =
        r->n_config ? bsearch(&want, r->config, (size_t)r->n_config, sizeof want, by_key) : NULL;
    return f ? f->value : NULL;
}

/* ---- filters -------------------------------------------------------------- */

enum relation { WORD, EQUAL, UNEQUAL, LESS, AT_MOST, MORE, AT_LEAST };

struct filter {
    char *key; /* NULL: a word */
    const char *value, *text;
    enum relation relation;
};

static bool number(const char *s, double *v)
{
    char *end;

    *v = strtod(s, &end);
    return end != s && !*end;
}

static int parse(struct pool *p, const char *text, struct filter *f)
{
    static const char signs[][3] = {"", "=", "!=", "<", "<=", ">", ">="};
    size_t n = strcspn(text, "!<>=");

    *f = (struct filter){.value = text, .text = text};
    if (!text[n])
        return RN_OK;
    for (int i = EQUAL; i <= AT_LEAST; i++)
        if (!strncmp(text + n, signs[i], strlen(signs[i])) &&
            strlen(signs[i]) >= strlen(signs[f->relation]))
            f->relation = (enum relation)i;
    f->value = text + n + strlen(signs[f->relation]);
    f->value += f->relation == EQUAL && *f->value == '='; /* as programmers type it */
    if (!n || !f->relation || !*f->value)
        return FAIL(RN_EINVAL,
                    "filter '%s': expected KEY, one of = != < <= > >=, and a value, as "
                    "'test.accuracy>0.98'; or a word",
                    text);
    f->key = pool_strndup(p, text, n);
    return f->key ? RN_OK : RN_ENOMEM;
}

static bool holds_number(double a, enum relation relation, double b)
{
    switch (relation) {
    case LESS: return a < b;
    case AT_MOST: return a <= b;
    case MORE: return a > b;
    case AT_LEAST: return a >= b;
    case UNEQUAL: return fabs(a - b) > 1e-12 * fabs(b);
    default: return fabs(a - b) <= 1e-12 * fabs(b); /* as written, whatever its last digits */
    }
}

static bool holds(const char *value, const struct filter *f)
{
    double a, b;

    if (number(value, &a) && number(f->value, &b))
        return holds_number(a, f->relation, b);
    if (f->relation <= UNEQUAL)
        return (fnmatch(f->value, value, FNM_CASEFOLD) == 0) == (f->relation == EQUAL);
    return holds_number(strcmp(value, f->value), f->relation, 0); /* times as text */
}

static bool has_tag(const struct rn_run *r, const char *pattern)
{
    for (int64_t i = 0; i < r->n_tags; i++)
        if (!fnmatch(pattern, r->tags[i], FNM_CASEFOLD))
            return true;
    return false;
}

static bool has_word(const struct rn_run *r, const char *word)
{
    for (int64_t i = 0; i < r->n_tags; i++)
        if (strcasestr(r->tags[i], word))
            return true;
    return !strcmp(word, "*") || strcasestr(r->name, word) || strcasestr(r->id, word);
}

static bool passes(const struct run_list *l, int64_t i, const struct filter *f)
{
    char room[32];

    if (!f->key)
        return has_word(&l->runs[i], f->value);
    if (!strcmp(f->key, "tag") && f->relation <= UNEQUAL)
        return has_tag(&l->runs[i], f->value) == (f->relation == EQUAL);
    const char *value = run_value(l, i, f->key, room);
    return value && holds(value, f);
}

/* ---- names that no run knows ---------------------------------------------- */

static const char *nearest(const struct run_list *l, const char *key)
{
    const char *names[512];
    int n = 0;

    for (int k = 0; k < FACTS; k++)
        names[n++] = facts[k].name;
    names[n++] = "tag";
    names[n++] = "expect";
    for (int64_t k = 0; l->n && k < l->more[0].n && n < 200; k++)
        names[n++] = l->more[0].metrics[k].name;
    for (int64_t k = 0; l->n && k < l->runs[0].n_config && n < 512; k++)
        names[n++] = l->runs[0].config[k].key;
    return diag_nearest(key, names, n);
}

/* A metric of the test may be missing because no run came so far. */
static bool is_known(const struct run_list *l, const char *key)
{
    static const char *const always[] = {"tag",     "test.accuracy", "test.loss",
                                         "train_s", "best.val.loss", "best.val.accuracy",
                                         "seconds", "epochs",        "parameters"};
    char room[32];

    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (!strcmp(key, always[i]))
            return true;
    for (int64_t i = 0; i < l->n; i++)
        if (run_value(l, i, key, room))
            return true;
    return !l->n;
}

static int know(const struct run_list *l, const char *key)
{
    if (is_known(l, key))
        return RN_OK;
    const char *near = nearest(l, key);
    return FAIL(RN_EINVAL,
                near ? "no run has a value '%s'; did you mean '%s'?"
                     : "no run has a value '%s'; see `runner help runs`",
                key, near);
}

static bool is_pattern(const char *s) { return strpbrk(s, "*?[") != NULL; }

static bool is_metric(const struct run_list *l, const char *key)
{
    for (int64_t i = 0; i < l->n; i++)
        if (!isnan(run_metric(l, i, key)))
            return true;
    return false;
}

/* A value that no run could have is a slip. */
static int check_value(const struct run_list *l, const struct filter *f)
{
    static const char *const words[] = {"finished", "diverged", "interrupted", "failed",
                                        "running",  "lost",     "unknown"};
    double v;

    if (f->relation <= UNEQUAL && is_pattern(f->value))
        return RN_OK;
    if (is_metric(l, f->key) && !number(f->value, &v))
        return FAIL(RN_EINVAL, "filter '%s': '%s' is no number, and the values of %s are numbers",
                    f->text, f->value, f->key);
    if (strcmp(f->key, "status") != 0 || f->relation > UNEQUAL)
        return RN_OK;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcasecmp(f->value, words[i]))
            return RN_OK;
    return FAIL(RN_EINVAL,
                "filter '%s': no run has that status; expected one of finished, diverged, "
                "interrupted, failed, running, lost, unknown",
                f->text);
}

int runs_filter(struct pool *p, struct run_list *l, const char *const *filters, int n)
{
    struct filter *f = pool_alloc(p, (size_t)n * sizeof *f + 1);
    int64_t kept = 0;

    if (!f)
        return RN_ENOMEM;
    for (int k = 0; k < n; k++) {
        TRY(parse(p, filters[k], &f[k]));
        TRY(f[k].key ? know(l, f[k].key) : RN_OK);
        TRY(f[k].key ? check_value(l, &f[k]) : RN_OK);
    }
    for (int64_t i = 0; i < l->n; i++) {
        int k = 0;
        while (k < n && passes(l, i, &f[k]))
            k++;
        if (k < n)
            continue;
        l->runs[kept] = l->runs[i];
        l->more[kept++] = l->more[i];
    }
    l->n = kept;
    return RN_OK;
}

/* ---- order ---------------------------------------------------------------- */

struct rank {
    int64_t at;
    const char *text; /* NULL: no value */
    double value;     /* NaN: no number */
    bool down;
};

static int by_rank(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    int order = 0;

    if (!x->text || !y->text)
        order = !x->text - !y->text;
    else if (isnan(x->value) != isnan(y->value))
        order = isnan(x->value) - isnan(y->value); /* numbers before words */
    else if (!isnan(x->value))
        order = ((x->value > y->value) - (x->value < y->value)) * (x->down ? -1 : 1);
    else
        order = strcmp(x->text, y->text) * (x->down ? -1 : 1);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

int runs_sort(struct pool *p, struct run_list *l, const char *key)
{
    bool down = key[0] == '-';
    struct rank *ranks = pool_alloc(p, (size_t)l->n * sizeof *ranks + 1);
    struct rn_run *runs = pool_alloc(p, (size_t)l->n * sizeof *runs + 1);
    struct run_more *more = pool_alloc(p, (size_t)l->n * sizeof *more + 1);
    char room[32];

    key += down;
    TRY(ranks && runs && more ? know(l, key) : RN_ENOMEM);
    for (int64_t i = 0; i < l->n; i++) {
        const char *value = run_value(l, i, key, room);
        ranks[i] = (struct rank){.at = i, .value = NAN, .down = down};
        if (value && !number(value, &ranks[i].value))
            ranks[i].value = NAN;
        ranks[i].text = value ? pool_strdup(p, value) : NULL;
        if (value && !ranks[i].text)
            return RN_ENOMEM;
    }
    if (l->n)
        qsort(ranks, (size_t)l->n, sizeof *ranks, by_rank);
    for (int64_t i = 0; i < l->n; i++) {
        runs[i] = l->runs[ranks[i].at];
        more[i] = l->more[ranks[i].at];
    }
    l->runs = runs;
    l->more = more;
    return RN_OK;
}
