/* test.c - `runner test`: baselines run, judged, and recorded. */
#define _XOPEN_SOURCE 700
#include "test.h"

#include "base/error.h"
#include "base/file.h"
#include "base/stop.h"
#include "list.h"
#include "report/unified.h"
#include "run/baseline.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_FILES "tests/baselines/*.yaml"
#define RECORD_SEEDS  20 /* of a first recording */

struct testing {
    const struct args *a;
    struct pool *p;
    struct diag *diag;
    struct registry *registry;
    const char **files;
    int n_files;
    int64_t *seeds; /* of --seeds */
    int64_t n_seeds;
    bool records, checks; /* checks: the files alone, nothing is run */
    const char *running;  /* the baseline */
    struct baseline **baselines;
    struct tested tested;
};

/* ---- what to run ---------------------------------------------------------- */

static int seeds_take(struct testing *t)
{
    const char *s = t->a->seeds;
    char *end;

    t->seeds = pool_alloc(t->p, BASELINE_SEEDS_MAX * sizeof *t->seeds);
    if (!t->seeds)
        return RN_ENOMEM;
    while (s && *s) {
        int64_t from = strtoll(s, &end, 10), to = *end == '-' ? strtoll(end + 1, &end, 10) : from;
        if (end == s || (*end && *end != ',') || from < 0 || to < from ||
            to - from >= BASELINE_SEEDS_MAX - t->n_seeds)
            return FAIL(RN_EINVAL, "--seeds %s: expected seeds as 1,2,5-9, at most %d", t->a->seeds,
                        BASELINE_SEEDS_MAX);
        for (; from <= to; from++)
            t->seeds[t->n_seeds++] = from;
        s = end + (*end == ',');
    }
    return RN_OK;
}

static int files_take(struct testing *t)
{
    const struct args *a = t->a;
    int first = !strcmp(a->verb, "test") && a->n_words && !strcmp(a->words[0], "record");
    glob_t g;

    t->records = first || a->update;
    t->files = a->words + first;
    t->n_files = a->n_words - first;
    if (t->n_files)
        return RN_OK;
    if (first)
        return FAIL(RN_EINVAL, "expected `test record FILE ...`; see `runner help test`");
    if (glob(DEFAULT_FILES, 0, NULL, &g))
        return FAIL(RN_EINVAL, "no file was named, and there is no " DEFAULT_FILES
                               " here; see `runner help test`");
    t->files = pool_alloc(t->p, g.gl_pathc * sizeof *t->files);
    for (size_t i = 0; t->files && i < g.gl_pathc; i++)
        t->files[t->n_files++] = pool_strdup(t->p, g.gl_pathv[i]);
    globfree(&g);
    return t->files ? RN_OK : RN_ENOMEM;
}

static int files_read(struct testing *t)
{
    size_t n = (size_t)t->n_files;
    struct baseline_result *results = pool_alloc(t->p, n * sizeof *results);
    struct verdicts *verdicts = pool_alloc(t->p, n * sizeof *verdicts);
    int status = RN_OK;

    t->baselines = pool_alloc(t->p, n * sizeof *t->baselines);
    if (!results || !verdicts || !t->baselines)
        return RN_ENOMEM;
    t->tested = (struct tested){results, verdicts, 0, t->a->strict};
    for (int i = 0; i < t->n_files; i++) {
        int bad =
            t->files[i] ? baseline_read(t->p, t->files[i], t->diag, &t->baselines[i]) : RN_ENOMEM;
        if (bad && bad != RN_EINVAL)
            return bad;
        status = bad ? bad : status;
    }
    return status;
}

static bool has_seed(const struct baseline *b, int64_t seed)
{
    for (int64_t i = 0; i < b->seeds.count; i++)
        if (b->seeds.at[i] == seed)
            return true;
    return false;
}

/* The seeds of the file, and those that were asked for; without any, those after the largest, as
 * many as were recorded. */
static int seeds_to_record(struct testing *t, const struct baseline *b, const int64_t **out,
                           int64_t *n)
{
    int64_t want = b->recorded && b->recorded->n ? b->recorded->n : RECORD_SEEDS, next = 0;
    int64_t *all = pool_alloc(t->p, (size_t)(want + b->seeds.count + t->n_seeds) * sizeof *all);

    if (!all)
        return RN_ENOMEM;
    for (*n = 0; *n < b->seeds.count; (*n)++) {
        all[*n] = b->seeds.at[*n];
        next = all[*n] > next ? all[*n] : next;
    }
    for (int64_t i = 0; i < t->n_seeds; i++)
        if (!has_seed(b, t->seeds[i]))
            all[(*n)++] = t->seeds[i];
    while (!t->n_seeds && *n < want)
        all[(*n)++] = ++next;
    *out = all;
    return RN_OK;
}

/* ---- lines ---------------------------------------------------------------- */

static void told(void *ctx, int64_t done, int64_t n)
{
    const struct testing *t = ctx;

    if (t->a->verbosity >= 0 && isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K%s %lld/%lld%s", t->running, (long long)done, (long long)n,
                done == n ? "\r\033[K" : "");
}

static const char *coloured(const struct testing *t, enum verdict v)
{
    static const char *const colours[] = {"\033[32m", "\033[33m", "\033[31m", "\033[33m"};

    return t->a->colour && isatty(STDOUT_FILENO) ? colours[v] : "";
}

static void line_put(const struct testing *t, const char *name, const struct judged *j,
                     struct text *out)
{
    const char *colour = coloured(t, j->verdict);

    text_add(out, "%s%s%s %s   %s", colour, verdict_words[j->verdict], *colour ? "\033[0m" : "",
             name, j->metric);
    if (j->got[0])
        text_add(out, " is %s", j->got);
    if (j->wanted[0])
        text_add(out, ", wanted %s", j->wanted);
    if (j->why[0])
        text_add(out, ": %s", j->why);
    text_add(out, "%s%s\n", j->verdict == VERDICT_PASS ? "" : "   ",
             j->verdict == VERDICT_PASS ? "" : j->where);
}

static void file_put(const struct testing *t, int i, struct text *out)
{
    const struct baseline_result *r = &t->tested.results[i];
    const struct verdicts *v = &t->tested.verdicts[i];
    const char *name = r->b->name, *colour = coloured(t, VERDICT_PASS);
    char time[32];

    if (v->holds)
        text_add(out, "%sPASS%s %s   %d of %d checks, %lld runs, %s\n", colour,
                 *colour ? "\033[0m" : "", name, v->count[VERDICT_PASS], v->n, (long long)r->n_runs,
                 duration_text(r->seconds, time));
    for (int k = 0; k < v->n; k++)
        if (v->list[k].verdict != VERDICT_PASS || t->a->verbosity > 0)
            line_put(t, name, &v->list[k], out);
    if (v->holds)
        return;
    if (!v->count[VERDICT_FAIL])
        text_add(out, "%sFAIL%s %s   what has to be compared cannot be\n",
                 coloured(t, VERDICT_FAIL), *colour ? "\033[0m" : "", name);
    for (int k = 0; k < v->n_likely; k++)
        text_add(out, "%s%s%s", k ? "; " : "     most likely: ", v->likely[k],
                 k + 1 < v->n_likely ? "" : "\n");
    text_add(out, "     runs: %s\n", r->dir);
}

static int flush(struct text *out)
{
    fputs(text_str(out), stdout);
    int status = out->status;
    text_free(out);
    if (!status && (fflush(stdout) || ferror(stdout)))
        return FAIL(RN_EIO, "cannot write to standard output");
    return status;
}

/* ---- doing it ------------------------------------------------------------- */

static int run_one(struct testing *t, int i)
{
    const struct baseline *b = t->baselines[i];
    struct baseline_result *r = &t->tested.results[i];
    struct baseline_how how = {.out = t->a->out,
                               .seeds = t->seeds,
                               .n_seeds = t->n_seeds,
                               .overrides = t->a->overrides,
                               .n_overrides = t->a->n_overrides,
                               .plugin_dirs = t->a->plugin_dirs,
                               .n_plugin_dirs = t->a->n_plugin_dirs,
                               .jobs = (int)t->a->jobs,
                               .registry = t->registry,
                               .diag = t->diag,
                               .told = told,
                               .ctx = t};

    t->running = b->name;
    if (t->records)
        TRY(seeds_to_record(t, b, &how.seeds, &how.n_seeds));
    TRY(baseline_run(t->p, b, &how, r));
    t->tested.n = i + 1;
    return baseline_judge(t->p, r, t->a->strict, &t->tested.verdicts[i]);
}

/* Nobody wrote into the file while its runs went on. */
static int unchanged(const char *file, const struct source *before)
{
    uint64_t n;
    void *now;

    TRY(file_read(file, TREE_BYTES_MAX, &now, &n));
    bool same = n == before->bytes && !memcmp(now, before->text, n);
    mem_free(now);
    return same ? RN_OK
                : FAIL(RN_EINVAL,
                       "%s changed while its runs went on: nothing was written; record it again",
                       file);
}

static int record_one(struct testing *t, int i, struct text *out)
{
    const struct baseline_result *r = &t->tested.results[i];
    const struct source *before = r->b->node->mark.source;
    struct text after = {0}, diff = {0};

    int status = baseline_record(t->p, r, &after);
    if (status >= 0)
        unified_diff(&diff, r->b->file, before->text, r->b->file, text_str(&after));
    if (status >= 0 && diff.n)
        status = unchanged(r->b->file, before);
    if (status >= 0 && diff.n)
        status = file_write(r->b->file, text_str(&after), after.n);
    if (status >= 0)
        text_add(out, "%s%s: %s\n", text_str(&diff), r->b->file,
                 diff.n ? "recorded" : "nothing changed");
    text_free(&after);
    text_free(&diff);
    return status;
}

static int test_all(struct testing *t)
{
    for (int i = 0; i < t->n_files; i++) {
        struct text out = {0};

        int status = run_one(t, i);
        if (status >= 0 && t->records)
            status = record_one(t, i, &out);
        else if (status >= 0)
            file_put(t, i, &out);
        if (status >= 0 && !t->a->json && t->a->verbosity >= -1)
            status = flush(&out);
        text_free(&out);
        TRY(status);
        if (!t->a->keep && (t->records || t->tested.verdicts[i].holds))
            file_remove_tree(t->tested.results[i].dir);
    }
    return RN_OK;
}

static int files_write(struct testing *t)
{
    const struct {
        const char *path;
        void (*put)(const struct tested *t, struct text *out);
    } outs[] = {{t->a->junit, tested_junit}, {t->a->table_file, tested_markdown}};
    struct text out = {0};

    for (size_t i = 0; i < sizeof outs / sizeof *outs; i++) {
        if (!outs[i].path)
            continue;
        outs[i].put(&t->tested, &out);
        int status = out.status ? out.status : file_write(outs[i].path, text_str(&out), out.n);
        text_free(&out);
        TRY(status);
    }
    if (t->records)
        return RN_OK;
    if (t->a->json)
        tested_json(&t->tested, &out);
    else {
        tested_line(&t->tested, &out);
        text_add(&out, "\n");
    }
    return flush(&out);
}

static int check_all(struct testing *t)
{
    const struct args *a = t->a;
    const struct baseline_how how = {.overrides = a->overrides,
                                     .n_overrides = a->n_overrides,
                                     .registry = t->registry,
                                     .diag = t->diag};
    struct text out = {0};
    int status = RN_OK;

    for (int i = 0; i < t->n_files && status >= 0; i++) {
        const struct baseline *b = t->baselines[i];
        status = baseline_plan(t->p, b, &how);
        if (!a->json && a->verbosity >= 0)
            text_add(&out, "%s: good: a baseline with %d checks and %lld seeds\n", b->file,
                     b->n_checks, (long long)b->seeds.count);
    }
    if (status >= 0 && a->json)
        diag_json(t->diag, &out);
    if (status >= 0)
        return flush(&out);
    text_free(&out);
    return status;
}

static int work(struct testing *t)
{
    TRY(seeds_take(t));
    TRY(files_take(t));
    TRY(files_read(t));
    TRY(registry_open(t->a->plugin_dirs, t->a->n_plugin_dirs, &t->registry));
    if (t->checks)
        return check_all(t);
    if (t->records && t->a->n_overrides)
        return FAIL(RN_EINVAL,
                    "%s: what is recorded is of the experiment as the file has it: "
                    "write the change into its 'set'",
                    t->a->overrides[0]);
    if (t->records && !t->a->force && tree_is_dirty(".", t->files, t->n_files))
        return FAIL(RN_EINVAL, "the git tree has changes, so that what is recorded would be of no "
                               "commit: commit them, or say --force");
    TRY(test_all(t));
    return files_write(t);
}

bool test_takes(const struct args *a)
{
    return !strcmp(a->verb, "test") || ((!strcmp(a->verb, "run") || !strcmp(a->verb, "check")) &&
                                        a->n_words == 1 && baseline_is_file(a->words[0]));
}

int test_baselines(const struct args *a, struct registry **registry, int *code)
{
    struct testing t = {.a = a, .p = pool_new(), .checks = !strcmp(a->verb, "check")};
    struct text out = {0};

    if (!t.p || !(t.diag = diag_new(t.p))) {
        pool_free(t.p);
        return RN_ENOMEM;
    }
    int status = work(&t);
    *registry = t.registry;
    if (status >= 0)
        *code = t.records || t.checks || tested_holds(&t.tested) ? 0 : 1;
    if (status == RN_EBUSY && stop_requested()) {
        *code = stop_requested() == SIGINT ? 130 : 75;
        fprintf(stderr, "runner: stopped; its runs were ended\n");
        status = RN_OK;
    } else if (status < 0 && diag_errors(t.diag)) {
        if (a->json)
            diag_json(t.diag, &out);
        else
            diag_text(t.diag, a->colour, &out);
        fputs(text_str(&out), stderr);
        text_free(&out);
        *code = error_exit_code(status);
        status = RN_OK;
    }
    pool_free(t.p);
    return status;
}
