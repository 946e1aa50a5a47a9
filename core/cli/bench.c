/* bench.c - `runner bench`: hands the command line to a benchmark, and shows what came of it. */
#include "bench.h"

#include "base/error.h"
#include "base/file.h"
#include "bench/bench.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool bench_takes(const struct args *a)
{
    return !strcmp(a->verb, "bench") ||
           ((!strcmp(a->verb, "run") || !strcmp(a->verb, "check")) && a->n_words == 1 &&
            (a->devices || spec_has(a->words[0], "bench")));
}

/* ---- the table ------------------------------------------------------------ */

static const char *seconds(char out[48], double v)
{
    snprintf(out, 48, "%.4g s", v);
    return isfinite(v) ? out : "";
}

static const char *megabytes(char out[48], double v)
{
    snprintf(out, 48, v < 1e7 ? "%.2g MB" : "%.0f MB", v / 1e6);
    return isfinite(v) ? out : "";
}

static int put_time(struct table *t, const struct rn_bench *b, const struct rn_bench_time *x)
{
    char cell[96], rate[32];

    snprintf(cell, sizeof cell, "%lld", (long long)x->batch);
    TRY(table_add(t, cell));
    TRY(table_add(t, b->variants[x->variant].name));
    TRY(table_add(t, seconds(cell, x->median)));
    if (isfinite(x->low))
        snprintf(cell, sizeof cell, "%.4g to %.4g", x->low, x->high);
    TRY(table_add(t, isfinite(x->low) ? cell : ""));
    TRY(table_add(t, bench_rate(x->samples_per_s, rate)));
    snprintf(cell, sizeof cell, "%.3g", x->speedup);
    TRY(table_add(t, isfinite(x->speedup) ? cell : ""));
    TRY(table_add(t, megabytes(cell, x->host_bytes)));
    TRY(table_add(t, megabytes(cell, x->device_bytes)));
    return table_add(t, b->variants[x->variant].unusable ? "cannot be used" : x->why ? x->why : "");
}

static int put_table(struct pool *p, const struct rn_bench *b, struct text *out)
{
    static const char *const heads[] = {"batch",     "variant",   "epoch",
                                        "quartiles", "samples/s", "times as fast",
                                        "memory",    "on device", "note"};
    enum { COLUMNS = sizeof heads / sizeof *heads };
    struct table t = {.p = p, .columns = COLUMNS};

    for (int i = 0; i < COLUMNS; i++) {
        TRY(table_add(&t, heads[i]));
        t.right[i] = i != 1 && i != COLUMNS - 1;
    }
    for (int64_t i = 0; i < b->n_times; i++)
        TRY(put_time(&t, b, &b->times[i]));
    table_text(&t, terminal_columns(), out);
    return out->status;
}

static int show(struct pool *p, const struct args *a, const struct bench *b, struct text *out)
{
    if (a->json) {
        bench_json(b, out);
        return out->status;
    }
    if (a->verbosity >= 0) {
        TRY(put_table(p, &b->view, out));
        for (int64_t i = 0; i < b->view.n_findings; i++)
            text_add(out, "%s%s\n", i ? "" : "\n", b->view.findings[i].text);
    }
    text_add(out, "%s/report.html\n", b->dir);
    return out->status;
}

/* ---- the command ---------------------------------------------------------- */

static int compare(const struct args *a, struct text *out)
{
    const struct agree_args args = {.file = a->words[0],
                                    .device = a->agree,
                                    .steps = a->steps ? a->steps : 1,
                                    .rel = a->rel > 0 ? a->rel : 1e-3,
                                    .plugin_dirs = a->plugin_dirs,
                                    .n_plugin_dirs = a->n_plugin_dirs};
    struct text json = {0};

    int status = bench_agree(&args, &json);
    if (status >= 0 && a->out_given)
        status = file_write_soon(a->out, text_str(&json), json.n);
    else if (status >= 0)
        text_put(out, text_str(&json), json.n);
    text_free(&json);
    return status < 0 ? status : out->status;
}

int bench_command(struct pool *p, const struct args *a, struct registry *r, struct diag **diag,
                  int *code, struct text *out)
{
    const char **words = pool_alloc(p, (size_t)(a->n_overrides + 1) * sizeof *words);
    struct bench_args args = {.root = a->out,
                              .command = a->command,
                              .words = {.devices = a->devices, .overrides = words},
                              .plugin_dirs = a->plugin_dirs,
                              .n_plugin_dirs = a->n_plugin_dirs,
                              .quiet = a->json || a->verbosity < 0};
    struct bench b;

    if (a->n_words != 1)
        return FAIL(RN_EINVAL, "%s; see `runner help bench`",
                    a->n_words ? "one file at a time" : "a file is needed");
    if (!words)
        return RN_ENOMEM;
    args.file = a->words[0];
    for (int i = 0; i < a->n_overrides; i++)
        if (!strncmp(a->overrides[i], "name=", 5))
            args.words.name = a->overrides[i] + 5;
        else
            words[args.words.n_overrides++] = a->overrides[i];
    if (a->agree)
        return compare(a, out);
    if (a->plan || !strcmp(a->verb, "check"))
        return bench_show(p, r, &args, diag, out);
    int status = bench_run(p, r, &args, diag, code, &b);
    status = status < 0 ? status : show(p, a, &b, out);
    bench_free(&b);
    return status;
}
