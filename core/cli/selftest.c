/* selftest.c - `runner selftest`: its words, and its table or document. */
#define _XOPEN_SOURCE 700
#include "cli/selftest.h"

#include "base/error.h"
#include "base/json.h"
#include "run/selftest.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void show_progress(void *ctx, const char *part, int64_t done, int64_t of)
{
    (void)ctx;
    fprintf(stderr, "\r\033[K%s %lld/%lld%s", part, (long long)done, (long long)of,
            done == of ? "\r\033[K" : "");
}

static const char *verdict(const struct selftest_row *r)
{
    return r->failed ? "FAILS" : r->cases ? "holds" : "not there";
}

static int as_table(const struct selftest *t, struct text *out)
{
    static const char *const head[] = {"part", "what", "cases", "worst", "verdict"};
    struct table table = {.p = t->pool, .columns = 5, .right = {false, false, true, true, false}};
    int failed = 0;

    for (int i = 0; i < 5; i++)
        TRY(table_add(&table, head[i]));
    table_rule(&table, 1);
    for (int i = 0; i < t->n_rows; i++) {
        const struct selftest_row *r = &t->rows[i];
        const char *cells[] = {r->part, r->name, pool_printf(t->pool, "%lld", (long long)r->cases),
                               pool_printf(t->pool, "%.2g", r->worst), verdict(r)};
        for (int k = 0; k < 5; k++)
            TRY(table_add(&table, cells[k]));
        failed += r->failed > 0;
    }
    for (int k = 0; k < 2; k++)
        text_add(out, "%s %s%s%s\n", k ? "against" : "device ", t->device[k],
                 *t->detail[k] ? ": " : "", t->detail[k]);
    text_put(out, "\n", 1);
    table_text(&table, 0, out);
    text_add(out, "\nworst: in units of what rounding explains; more than 1 fails.\n");
    for (int i = 0; i < t->n_rows; i++)
        if (t->rows[i].failed)
            text_add(out, "%s, %s: %s\n", t->rows[i].part, t->rows[i].name, t->rows[i].why);
    text_add(out, failed ? "%d of %d are not the same on both.\n" : "All is the same on both.\n",
             failed, t->n_rows);
    return out->status;
}

static void as_json(const struct selftest *t, uint64_t seed, struct text *out)
{
    text_put(out, "{", 1);
    json_text(out, "runner", RUNNER_VERSION);
    json_bool(out, "holds", t->holds);
    json_whole(out, "seed", (int64_t)seed);
    for (int k = 0; k < 2; k++) {
        json_key(out, k ? "against" : "device");
        text_put(out, "{", 1);
        json_text(out, "name", t->device[k]);
        json_text(out, "detail", t->detail[k]);
        text_put(out, "}", 1);
    }
    json_key(out, "rows");
    text_put(out, "[", 1);
    for (int i = 0; i < t->n_rows; i++) {
        const struct selftest_row *r = &t->rows[i];
        text_add(out, i ? ",{" : "{");
        json_text(out, "part", r->part);
        json_text(out, "name", r->name);
        json_whole(out, "cases", r->cases);
        json_whole(out, "failed", r->failed);
        json_real(out, "worst", r->worst);
        json_text(out, "why", r->why);
        text_put(out, "}", 1);
    }
    text_add(out, "]}\n");
}

/* --device X and --seed N are short for overrides, of which a selftest takes no others. */
static int take_words(const struct args *a, struct selftest_plan *p)
{
    for (int i = 0; i < a->n_overrides; i++) {
        const char *o = a->overrides[i];
        char *end = NULL;
        if (!strncmp(o, "device=", 7))
            p->device = o + 7;
        else if (!strncmp(o, "seed=", 5))
            p->seed = strtoull(o + 5, &end, 10);
        else
            return FAIL(RN_EINVAL, "'%s' means nothing to selftest; see `runner help selftest`", o);
        if (end && (end == o + 5 || *end || o[5] == '-' || p->seed > 1000000))
            return FAIL(RN_EINVAL, "--seed %s: expected a whole number from 0 to 1000000", o + 5);
    }
    if (a->n_words)
        return FAIL(RN_EINVAL, "selftest needs no file, and got %s; see `runner help selftest`",
                    a->words[0]);
    if (!p->device || !p->against)
        return FAIL(
            RN_EINVAL,
            "--device D --against D are needed: `runner plugins list device` says which there "
            "are");
    p->operations = !a->only || !strcmp(a->only, "operations");
    p->layers = !a->only || !strcmp(a->only, "layers");
    p->training = !a->only || !strcmp(a->only, "training");
    if (!p->operations && !p->layers && !p->training)
        return FAIL(RN_EINVAL, "--only %s: expected operations, layers or training", a->only);
    return RN_OK;
}

int selftest_command(const struct args *a, struct text *out, int *code)
{
    struct selftest_plan plan = {
        .against = a->against, .plugin_dirs = a->plugin_dirs, .n_plugin_dirs = a->n_plugin_dirs};
    struct selftest *t;

    TRY(take_words(a, &plan));
    if (a->verbosity >= 0 && isatty(STDERR_FILENO))
        plan.progress = show_progress;
    TRY(selftest_run(&plan, &t));
    *code = !t->holds;
    int status = RN_OK;
    if (a->json)
        as_json(t, plan.seed, out);
    else
        status = as_table(t, out);
    selftest_free(t);
    return status;
}
