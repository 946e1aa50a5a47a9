/* diag.c - the problems of a configuration: kept, sorted by position, and shown with the line
 * they are in. What comes from files is made safe for terminals here and nowhere else. */
#include "diag.h"

#include "base/json.h"

#include <runner/utf8.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX  20  /* problems of each severity */
#define LINE_SHOWN 100 /* code points of a source line */
#define WORD_MAX   64  /* longer words have no nearest name */

struct problem {
    struct problem *next;
    struct mark at;
    const char *path, *hint, *message;
    int severity, rank, order; /* rank of the source, order of arrival */
};

struct origin { /* a source that was read or complained about */
    struct origin *next;
    const struct source *source;
    bool file;
};

struct diag {
    struct pool *pool;
    struct problem *first, **last;
    struct origin *origins;
    int n, count[2];
};

struct diag *diag_new(struct pool *p)
{
    struct diag *d = pool_alloc(p, sizeof *d);

    if (!d)
        return NULL;
    d->pool = p;
    d->last = &d->first;
    return d;
}

/* The position of s among the sources, which it joins; -1 when out of memory. */
static int source_rank(struct diag *d, const struct source *s, bool file)
{
    struct origin **o = &d->origins;
    int rank = 1;

    for (; *o; o = &(*o)->next, rank++)
        if ((*o)->source == s)
            return rank;
    *o = pool_alloc(d->pool, sizeof **o);
    if (!*o)
        return -1;
    (*o)->source = s;
    (*o)->file = file;
    return rank;
}

int diag_file(struct diag *d, const struct source *s)
{
    return source_rank(d, s, true) < 0 ? RN_ENOMEM : RN_OK;
}

const struct source *diag_file_at(const struct diag *d, int i)
{
    for (const struct origin *o = d->origins; o; o = o->next)
        if (o->file && !i--)
            return o->source;
    return NULL;
}

int diag_add(struct diag *d, enum severity s, struct mark at, const char *path, const char *hint,
             const char *fmt, ...)
{
    struct problem *b = pool_alloc(d->pool, sizeof *b);
    struct text message = {0};
    va_list args;

    va_start(args, fmt);
    text_vadd(&message, fmt, args);
    va_end(args);
    if (b && !message.status) {
        b->message = pool_strdup(d->pool, text_str(&message));
        b->path = path ? pool_strdup(d->pool, path) : NULL;
        b->hint = hint ? pool_strdup(d->pool, hint) : NULL;
    }
    text_free(&message);
    if (!b || !b->message || (path && !b->path) || (hint && !b->hint))
        return RN_ENOMEM;
    b->rank = at.source ? source_rank(d, at.source, false) : 0;
    if (b->rank < 0)
        return RN_ENOMEM;
    b->at = at;
    b->severity = s;
    b->order = d->n++;
    d->count[s]++;
    *d->last = b;
    d->last = &b->next;
    return RN_EINVAL;
}

static bool is_known(const struct diag *d, const struct problem *b)
{
    for (const struct problem *k = d->first; k; k = k->next)
        if (k->severity == b->severity && k->at.source == b->at.source &&
            k->at.line == b->at.line && k->at.col == b->at.col &&
            !strncmp(k->message, b->message, strlen(b->message)))
            return true;
    return false;
}

int diag_merge(struct diag *d, const struct diag *from, const char *where)
{
    for (const struct problem *b = from->first; b; b = b->next) {
        if (is_known(d, b))
            continue;
        int status = diag_add(d, (enum severity)b->severity, b->at, b->path, b->hint, "%s (%s)",
                              b->message, where);
        if (status != RN_EINVAL)
            return status;
    }
    return RN_OK;
}

int diag_errors(const struct diag *d) { return d->count[DIAG_ERROR]; }

int diag_warnings(const struct diag *d) { return d->count[DIAG_WARNING]; }

const char *diag_warning_at(const struct diag *d, int i)
{
    const struct problem *b = d->first;

    for (; b && (b->severity != DIAG_WARNING || i-- > 0);)
        b = b->next;
    return b ? pool_printf(d->pool, "%s%s%s%s%s%s", b->path ? b->path : "", b->path ? ": " : "",
                           b->message, b->hint ? " (" : "", b->hint ? b->hint : "",
                           b->hint ? ")" : "")
             : NULL;
}

static int by_position(const void *pa, const void *pb)
{
    const struct problem *a = *(const struct problem *const *)pa;
    const struct problem *b = *(const struct problem *const *)pb;

    return a->rank != b->rank         ? a->rank - b->rank
           : a->at.line != b->at.line ? a->at.line - b->at.line
           : a->at.col != b->at.col   ? a->at.col - b->at.col
                                      : a->order - b->order;
}

/* The problems in order, from mem_alloc, n of them; NULL: out of memory. */
static const struct problem **sorted(const struct diag *d)
{
    const struct problem **list = mem_array((size_t)d->n + 1, sizeof *list);
    int n = 0;

    if (!list)
        return NULL;
    for (const struct problem *b = d->first; b; b = b->next)
        list[n++] = b;
    qsort(list, (size_t)n, sizeof *list, by_position);
    return list;
}

/* ---- for terminals -------------------------------------------------------- */

/* One column a code point: what a terminal would act on becomes '?', a tab a blank. */
static size_t put_safe(struct text *out, const char *s, size_t n)
{
    uint32_t c = 0;
    int len = rn_utf8_next(s, n, &c);

    if (!len || rn_utf8_forbidden(c) || rn_utf8_turns(c))
        text_put(out, "?", 1);
    else if (c == '\t' || c == '\n' || c == '\r')
        text_put(out, " ", 1);
    else
        text_put(out, s, (size_t)len);
    return len ? (size_t)len : 1;
}

static void put_word(struct text *out, const char *s)
{
    for (size_t n = strlen(s), i = 0; i < n;)
        i += put_safe(out, s + i, n - i);
}

/* Lines after the first are indented, so that none passes for a problem of its own. */
static void put_message(struct text *out, const char *s)
{
    for (size_t n = strlen(s), i = 0; i < n;) {
        if (s[i] != '\n') {
            i += put_safe(out, s + i, n - i);
            continue;
        }
        text_put(out, "\n      ", 7);
        i += 1 + strspn(s + i + 1, " ");
    }
}

/* The line-th line of a source, without its break; breaks are LF, CR LF and CR. */
static const char *line_find(const struct source *src, int line, size_t *n)
{
    const char *s = src->text, *end = s + src->bytes;

    for (; line > 1 && s < end; s++)
        if (*s == '\n' || (*s == '\r' && (s + 1 == end || s[1] != '\n')))
            line--;
    if (line > 1)
        s = end;
    const char *stop = s;
    while (stop < end && *stop != '\n' && *stop != '\r')
        stop++;
    *n = (size_t)(stop - s);
    return s;
}

static size_t points_skip(const char *s, size_t n, int points)
{
    size_t i = 0;
    uint32_t c;

    while (points-- > 0 && i < n) {
        int len = rn_utf8_next(s + i, n - i, &c);
        i += len ? (size_t)len : 1;
    }
    return i;
}

static void put_source_line(const struct problem *b, bool colour, struct text *out)
{
    const struct mark *at = &b->at;
    size_t n, i;
    const char *s = line_find(at->source, at->line, &n);
    int skipped = at->col > LINE_SHOWN - 20 ? at->col - LINE_SHOWN / 2 : 0;
    const char *dots = skipped ? "..." : "";
    int points = 0;

    i = points_skip(s, n, skipped);
    text_add(out, "%5d | %s", at->line, dots);
    for (; i < n && points < LINE_SHOWN; points++)
        i += put_safe(out, s + i, n - i);
    int before = at->col - 1 - skipped;
    int room = points - before;
    int width = at->width < room ? at->width : room;
    text_add(out, "%s\n      | %*s", i < n ? "..." : "", before + (skipped ? 3 : 0), "");
    text_add(out, "%s^", colour ? b->severity == DIAG_ERROR ? "\033[31m" : "\033[33m" : "");
    for (int k = 1; k < width; k++)
        text_put(out, "~", 1);
    text_add(out, "%s", colour ? "\033[0m" : "");
    if (b->hint) {
        text_put(out, " ", 1);
        put_message(out, b->hint);
    }
    text_put(out, "\n", 1);
}

static void put_problem(const struct problem *b, bool colour, struct text *out)
{
    const struct source *src = b->at.source;

    text_add(out, "%s", colour ? "\033[1m" : "");
    if (src) {
        put_word(out, src->path);
        if (b->at.line)
            text_add(out, ":%d:%d", b->at.line, b->at.col);
        text_put(out, ": ", 2);
    }
    text_add(out, "%s%s", colour ? "\033[0m" : "", b->severity == DIAG_WARNING ? "warning: " : "");
    if (b->path) {
        put_word(out, b->path);
        text_put(out, ": ", 2);
    }
    put_message(out, b->message);
    text_put(out, "\n", 1);
    if (src && b->at.line) {
        put_source_line(b, colour, out);
    } else if (b->hint) {
        text_put(out, "      ", 6);
        put_message(out, b->hint);
        text_put(out, "\n", 1);
    }
}

static const char *plural(int n) { return n == 1 ? "" : "s"; }

static void put_count(const struct diag *d, struct text *out)
{
    int files = 0, errors = d->count[DIAG_ERROR], warnings = d->count[DIAG_WARNING];

    for (const struct origin *o = d->origins; o; o = o->next)
        files += o->file;
    text_add(out, "%d file%s read, %d error%s", files, plural(files), errors, plural(errors));
    if (warnings)
        text_add(out, ", %d warning%s", warnings, plural(warnings));
    text_add(out, "%s\n", errors ? ", nothing was started" : "");
}

void diag_text(const struct diag *d, bool colour, struct text *out)
{
    const struct problem **list = sorted(d);
    int shown[2] = {0};

    if (!list) {
        out->status = RN_ENOMEM;
        return;
    }
    for (int i = 0; i < d->n; i++)
        if (shown[list[i]->severity]++ < SHOWN_MAX)
            put_problem(list[i], colour, out);
    if (d->count[DIAG_ERROR] > SHOWN_MAX)
        text_add(out, "... and %d more\n", d->count[DIAG_ERROR] - SHOWN_MAX);
    put_count(d, out);
    mem_free(list);
}

/* ---- for programs --------------------------------------------------------- */

static void json_word(struct text *out, const char *key, const char *s)
{
    text_add(out, "\"%s\":", key);
    if (s)
        json_string(out, s);
    else
        text_put(out, "null", 4);
    text_put(out, ",", 1);
}

static void json_problem(struct text *out, const struct problem *b)
{
    text_put(out, "{", 1);
    json_word(out, "file", b->at.source ? b->at.source->path : NULL);
    text_add(out, "\"line\":%d,\"col\":%d,", b->at.line, b->at.col);
    json_word(out, "path", b->path);
    json_word(out, "message", b->message);
    json_word(out, "hint", b->hint);
    text_add(out, "\"severity\":\"%s\"}", b->severity == DIAG_ERROR ? "error" : "warning");
}

void diag_json(const struct diag *d, struct text *out)
{
    const struct problem **list = sorted(d);

    if (!list) {
        out->status = RN_ENOMEM;
        return;
    }
    text_add(out, "{\"errors\":[");
    for (int i = 0; i < d->n; i++) {
        text_add(out, "%s", i ? "," : "");
        json_problem(out, list[i]);
    }
    text_add(out, "]}\n");
    mem_free(list);
}

/* ---- the nearest name ----------------------------------------------------- */

static int least(int a, int b) { return a < b ? a : b; }

static bool same(char a, char b) { return tolower((unsigned char)a) == tolower((unsigned char)b); }

/* Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
static int distance(const char *a, int m, const char *b, int n)
{
    int rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];

    for (int j = 0; j <= n; j++)
        above[j] = j;
    for (int i = 1; i <= m; i++) {
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int step = least(above[j], row[j - 1]) + 1;
            row[j] = least(step, above[j - 1] + !same(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        int *spare = before;
        before = above, above = row, row = spare;
    }
    return above[n];
}

const char *diag_nearest(const char *word, const char *const *names, int n)
{
    size_t m = strlen(word);
    const char *best = NULL;
    int best_far = 4;

    if (m > WORD_MAX)
        return NULL;
    for (int i = 0; i < n; i++) {
        size_t k = strlen(names[i]), shorter = k < m ? k : m;
        if (k > WORD_MAX)
            continue;
        int far = distance(word, (int)m, names[i], (int)k);
        if (far > (int)m / 2 && shorter >= 2 && !strncmp(word, names[i], shorter))
            far = least(far, 3);
        else if (far > (int)m / 2)
            continue;
        if (far < best_far) {
            best_far = far;
            best = names[i];
        }
    }
    return best;
}

const char *diag_suggest(struct pool *p, const char *word, const char *const *names, int n)
{
    const char *near = diag_nearest(word, names, n);

    if (near || !n)
        return near ? pool_printf(p, "did you mean '%s'?", near) : NULL;
    struct text list = {0};
    for (int i = 0; i < n; i++)
        text_add(&list, "%s%s", i ? ", " : "one of ", names[i]);
    const char *out = list.status ? NULL : pool_strdup(p, text_str(&list));
    text_free(&list);
    return out;
}
