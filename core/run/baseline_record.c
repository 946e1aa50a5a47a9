/* baseline_record.c - a baseline's file with what was measured: values are replaced where they
 * stand in the text, so that all else of it stays as it was written. */
#define _GNU_SOURCE
#include "baseline.h"

#include "base/error.h"
#include "command.h"
#include "env.h"

#include <libgen.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COMMIT_SHOWN 12
#define WIDTH        96 /* columns of a line */

struct edit {
    size_t from, bytes;
    const char *text;
    int order; /* of those at one place */
};

struct recorder {
    struct pool *p;
    const struct baseline_result *r;
    struct baseline_result own; /* the runs of the file's seeds alone, in its order */
    const struct source *src;
    struct edit *edits;
    int n;
};

/* ---- places in the text --------------------------------------------------- */

static size_t line_start(const struct source *src, int line)
{
    const char *s = src->text;

    for (int i = 1; i < line && s; i++) {
        s = strchr(s, '\n');
        s = s ? s + 1 : NULL;
    }
    return s ? (size_t)(s - src->text) : src->bytes;
}

/* So many code points further. */
static size_t skip(const struct source *src, size_t at, int points)
{
    while (points-- > 0 && at < src->bytes)
        do
            at++;
        while (at < src->bytes && ((unsigned char)src->text[at] & 0xC0) == 0x80);
    return at;
}

static size_t place(const struct source *src, const struct mark *m)
{
    return skip(src, line_start(src, m->line), m->col - 1);
}

static size_t line_end(const struct source *src, size_t at)
{
    return at + strcspn(src->text + at, "\n");
}

static size_t indent_of(const char *line) { return strspn(line, " "); }

/* Behind the } of the map that begins at. */
static size_t flow_end(const struct source *src, size_t at)
{
    int depth = 0;
    char quote = '\0';

    for (; at < src->bytes; at++) {
        char c = src->text[at];
        if (quote) {
            at += quote == '"' && c == '\\';
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && !--depth) {
            return at + 1;
        }
    }
    return at;
}

static int change(struct recorder *w, size_t from, size_t bytes, const char *text)
{
    w->edits[w->n] = (struct edit){from, bytes, text, w->n};
    w->n++;
    return text ? RN_OK : RN_ENOMEM;
}

/* ---- checks --------------------------------------------------------------- */

/* map[key] becomes value; where it is missing, it is put behind the metric. */
static int put(struct recorder *w, const struct node *map, const char *key, const char *value)
{
    const struct node *old = tree_get(map, key), *metric = tree_get(map, "metric");

    if (!value)
        return RN_ENOMEM;
    if (old && old->text && !strcmp(old->text, value))
        return RN_OK;
    if (old) {
        size_t from = place(w->src, &old->mark);
        return change(w, from, skip(w->src, from, old->mark.width) - from, value);
    }
    size_t end = skip(w->src, place(w->src, &metric->mark), metric->mark.width);
    if (w->src->text[place(w->src, &map->mark)] == '{')
        return change(w, end, 0, pool_printf(w->p, ", %s: %s", key, value));
    return change(w, line_end(w->src, end), 0,
                  pool_printf(w->p, "\n%*s%s: %s", (int)metric->key_mark.col - 1, "", key, value));
}

static int put_check(struct recorder *w, const struct baseline_check *c)
{
    const struct baseline_run *run = c->seeded ? baseline_seed(w->r, c->keys->seed) : NULL;
    double mean, sd;

    if (c->kind == CHECK_BOUNDS)
        return RN_OK;
    if (c->seeded && !run)
        return FAIL(RN_EINVAL, "%s:%d: the seed %lld is not among those that are recorded",
                    w->r->b->file, (int)c->node->mark.line, (long long)c->keys->seed);
    if (c->kind == CHECK_DIGEST)
        return run->digest ? put(w, c->node, "value", run->digest)
                           : FAIL(RN_EINVAL, "seed %lld left no weights", (long long)c->keys->seed);
    bool own = !c->seeded && c->kind != CHECK_SPREAD; /* what `runner test` compares with */
    if (!baseline_mean(own ? &w->own : w->r, c, &mean, &sd))
        return FAIL(RN_EINVAL, "%s:%d: a run did not measure %s", w->r->b->file,
                    (int)c->node->mark.line, c->metric);
    if (c->kind == CHECK_SPREAD) {
        if (w->r->n_runs < BASELINE_SPREAD_MIN)
            return FAIL(RN_EINVAL,
                        "%s:%d: 'within' needs a spread over at least %d runs, and these are %lld: "
                        "--seeds 1-20",
                        w->r->b->file, (int)c->node->mark.line, BASELINE_SPREAD_MIN,
                        (long long)w->r->n_runs);
        TRY(put(w, c->node, "mean", pool_printf(w->p, "%.6g", mean)));
        return put(w, c->node, "sd", pool_printf(w->p, "%.3g", sd));
    }
    return put(w, c->node, "value",
               c->kind == CHECK_RATIO ? pool_printf(w->p, "%.6g", mean)
                                      : pool_printf(w->p, "%.9g", mean));
}

/* ---- recorded ------------------------------------------------------------- */

struct kept { /* of the old block */
    const char *text;
    size_t n;
};

/* The comment behind the value of a key in the old block, with the blanks before it. */
static void put_comment(const struct kept *old, const char *key, struct text *out)
{
    size_t n = strlen(key);

    for (const char *line = old->text, *end; line < old->text + old->n; line = end + 1) {
        end = line + strcspn(line, "\n");
        const char *word = line + indent_of(line);
        if (strncmp(word, key, n) != 0 || word[n] != ':')
            continue;
        const char *mark = memmem(word, (size_t)(end - word), " #", 2);
        while (mark && mark > word && mark[-1] == ' ')
            mark--;
        if (mark)
            text_put(out, mark, (size_t)(end - mark));
    }
}

static void put_key(const struct kept *old, int indent, const char *key, const char *value,
                    struct text *out)
{
    if (!value || !*value)
        return;
    text_add(out, "%*s%s: %s", indent, "", key, value);
    put_comment(old, key, out);
    text_put(out, "\n", 1);
}

static void put_lists(struct recorder *w, const struct kept *old, int indent, struct text *out)
{
    const struct rn_floats *loss = &w->r->val_loss;
    struct text t = {0};
    size_t line = 0;

    for (int64_t i = 0; i < loss->count; i++)
        text_add(&t, "%s%.9g", i ? ", " : "[", loss->at[i]);
    if (loss->count) {
        text_put(&t, "]", 1);
        put_key(old, indent, "val_loss", text_str(&t), out);
    }
    text_free(&t);
    for (int64_t i = 0; i < w->r->n_plugins; i++) {
        const struct rn_fact *f = &w->r->plugins[i];
        size_t n = strlen(f->key) + strlen(f->value) + 4;
        bool wrap = i && line + n > WIDTH - 20;
        line = wrap ? n : line + n;
        text_add(&t, "%s", !i ? "{" : wrap ? ",\n" : ", ");
        text_add(&t, "%*s%s: %s", wrap ? indent + 2 : 0, "", f->key, f->value);
    }
    text_put(&t, "}", 1);
    if (w->r->n_plugins)
        put_key(old, indent, "plugins", text_str(&t), out);
    out->status = out->status ? out->status : t.status;
    text_free(&t);
}

static void put_block(struct recorder *w, const struct kept *old, int indent, struct text *out)
{
    const struct baseline_result *r = w->r;
    char date[32], commit[72], n[32], dir[PATH_MAX];
    const char *data = NULL;
    struct tm tm;
    time_t now = time(NULL);

    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%Y-%m-%d", &tm);
    snprintf(dir, sizeof dir, "%s", r->b->file);
    env_commit(dirname(dir), commit);
    commit[COMMIT_SHOWN] = '\0';
    snprintf(n, sizeof n, "%lld", (long long)r->n_runs);
    for (int64_t i = 0; i < r->n_runs && !data; i++)
        data = r->runs[i].data;
    for (const char *line = old->text, *end; line && line < old->text + old->n; line = end + 1) {
        end = line + strcspn(line, "\n");
        if (line[indent_of(line)] == '#')
            text_put(out, line, (size_t)(end - line) + (*end == '\n'));
    }
    const char *const facts[][2] = {
        {"date", date}, {"commit", commit},      {"runner", RUNNER_VERSION},
        {"data", data}, {"machine", r->machine}, {"config", r->config},
        {"n", n}};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        put_key(old, indent, facts[i][0], facts[i][1], out);
    put_lists(w, old, indent, out);
}

/* Where the lines of the block end whose key stands in the line before start. */
static size_t block_end(const struct source *src, size_t start, size_t key_indent)
{
    size_t end = start;

    for (size_t at = start; at < src->bytes;) {
        const char *line = src->text + at;
        size_t indent = indent_of(line), next = line_end(src, at) + 1;
        bool blank = line[indent] == '\n' || !line[indent];
        if (!blank && indent <= key_indent)
            break;
        at = next < src->bytes ? next : src->bytes;
        end = blank ? end : at;
    }
    return end;
}

static int put_recorded(struct recorder *w)
{
    const struct baseline *b = w->r->b;
    const struct node *old = b->record_node, *checks = tree_get(b->node, "checks");
    const struct mark *key = old ? &old->key_mark : &checks->key_mark;
    size_t at = line_start(w->src, key->line), from = at, end = at;
    struct kept kept = {w->src->text, 0};
    struct text t = {0};

    if (old) {
        size_t value = place(w->src, &old->mark);
        bool flow = old->kind == NODE_MAP && w->src->text[value] == '{';
        from = flow ? value : line_end(w->src, at) + 1;
        from = from < w->src->bytes ? from : w->src->bytes;
        end = flow ? flow_end(w->src, value) : block_end(w->src, from, (size_t)key->col - 1);
        kept = (struct kept){w->src->text + from, end - from};
        bool cut = !flow && from && w->src->text[from - 1] != '\n'; /* the file ends in the key */
        text_add(&t, "%s", flow || cut ? "\n" : "");
    } else {
        text_add(&t, "%*srecorded:  # written by `runner test record`\n", (int)key->col - 1, "");
    }
    put_block(w, &kept, (int)key->col + 1, &t);
    if (old && from == place(w->src, &old->mark) && t.n)
        t.s[--t.n] = '\0'; /* the line of a flow map ends by itself */
    int status = t.status ? t.status : change(w, from, end - from, pool_strdup(w->p, text_str(&t)));
    text_free(&t);
    return status;
}

/* ---- all of it ------------------------------------------------------------ */

static int by_place(const void *a, const void *b)
{
    const struct edit *x = a, *y = b;

    return x->from < y->from ? -1 : x->from > y->from ? 1 : x->order - y->order;
}

static int own_runs(struct recorder *w)
{
    const struct rn_ints *seeds = &w->r->b->seeds;

    w->own = *w->r;
    w->own.n_runs = seeds->count;
    w->own.runs = pool_alloc(w->p, (size_t)seeds->count * sizeof *w->own.runs);
    if (!w->own.runs)
        return RN_ENOMEM;
    for (int64_t i = 0; i < seeds->count; i++) {
        const struct baseline_run *run = baseline_seed(w->r, seeds->at[i]);
        if (!run)
            return FAIL(RN_EINVAL, "%s: nothing is recorded: its seed %lld was not run",
                        w->r->b->file, (long long)seeds->at[i]);
        w->own.runs[i] = *run;
    }
    return RN_OK;
}

/* What is about to be written can be read. */
static int parse(struct pool *p, const char *file, const struct text *t)
{
    const struct source src = {.path = file, .text = text_str(t), .bytes = t->n};
    struct diag *d = diag_new(p);
    struct node *root;

    int status = d ? tree_parse(p, &src, d, &root) : RN_ENOMEM;
    if (status == RN_ENOMEM)
        return status;
    if (status < 0 || diag_errors(d) || !root)
        return FAIL(RN_EINVAL,
                    "%s: nothing is recorded: the section 'recorded' cannot be replaced as it is "
                    "written; remove it",
                    file);
    return RN_OK;
}

int baseline_record(struct pool *p, const struct baseline_result *r, struct text *out)
{
    struct recorder w = {.p = p, .r = r, .src = r->b->node->mark.source};
    size_t at = 0;

    w.edits = pool_alloc(p, (size_t)(2 * r->b->n_checks + 1) * sizeof *w.edits);
    if (!w.edits)
        return RN_ENOMEM;
    for (int64_t i = 0; i < r->n_runs; i++)
        if (r->runs[i].fault)
            return FAIL(RN_EINVAL, "%s: nothing is recorded: the run of seed %lld: %s", r->b->file,
                        (long long)r->runs[i].seed, r->runs[i].fault);
    TRY(own_runs(&w));
    for (int i = 0; i < r->b->n_checks; i++)
        TRY(put_check(&w, &r->b->checks[i]));
    TRY(put_recorded(&w));
    qsort(w.edits, (size_t)w.n, sizeof *w.edits, by_place);
    for (int i = 0; i < w.n; i++) {
        text_put(out, w.src->text + at, w.edits[i].from - at);
        text_add(out, "%s", w.edits[i].text);
        at = w.edits[i].from + w.edits[i].bytes;
    }
    text_put(out, w.src->text + at, w.src->bytes - at);
    return out->status ? out->status : parse(p, r->b->file, out);
}

/* ---- git ------------------------------------------------------------------ */

bool tree_is_dirty(const char *dir, const char *const *but, int n)
{
    static const char *const head[] = {"git", "status", "--porcelain", "--untracked-files=no",
                                       "--",  ":/"};
    enum { HEAD_N = sizeof head / sizeof *head };
    struct pool *p = pool_new();
    const char **args = p ? pool_alloc(p, (size_t)(n + HEAD_N + 1) * sizeof *args) : NULL;
    struct command git = {0};
    char real[PATH_MAX];
    int k = HEAD_N;

    if (args) {
        memcpy(args, head, sizeof head);
        for (int i = 0; i < n; i++)
            if (realpath(but[i], real) && (args[k] = pool_printf(p, ":(exclude)%s", real)))
                k++;
        if (command_run(args, dir, &git) < 0)
            git.exit_code = -1;
    }
    bool dirty = !git.exit_code && git.out.n;
    command_free(&git);
    pool_free(p);
    return dirty;
}
