/* board_text.c - a sweep in words: the plan, the lines while it runs, the ranking at its end. */
#define _XOPEN_SOURCE 700
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "board.h"
#include "run_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- while it runs -------------------------------------------------------- */

int board_done(const struct board *b)
{
    int n = 0;

    for (int i = 0; i < b->n_known; i++)
        n += !strcmp(b->records[i].status, "finished") || !strcmp(b->records[i].status, "pruned");
    return n;
}

/* Of a search as many as it may come to. */
static int planned(const struct board *b)
{
    int64_t seeds = b->spec.n_seeds ? b->spec.n_seeds : 1;

    return b->spec.o.method == SWEEP_GRID ? b->plan.n_runs : (int)(b->spec.o.runs * seeds);
}

const char *board_left(const struct board *b, char out[48])
{
    int left = planned(b) - board_done(b) - board_failed(b);
    double s = b->n_run ? b->run_s / b->n_run * left / b->jobs : (double)NAN;

    if (!isfinite(s) || left <= 0)
        return "";
    snprintf(out, 48,
             s < 90     ? ", %.0f s left"
             : s < 5400 ? ", %.0f min left"
                        : ", %.1f h left",
             s < 90     ? s
             : s < 5400 ? s / 60
                        : s / 3600);
    return out;
}

static double value_of(const struct board *b, int run)
{
    return run_best(board_dir(b, run), b->plan.objective, b->plan.more_is_better, 0);
}

void board_say_run(struct board *b, int run)
{
    const struct run_record *rec = &b->records[run];
    char left[48];
    struct text t = {0};
    double v = value_of(b, run);

    if (b->args->verbosity < 0)
        return;
    text_add(&t, "[%d/%d] %s %s", board_done(b) + board_failed(b), planned(b), b->plan.runs[run].id,
             rec->status);
    if (isfinite(v))
        text_add(&t, "  %s %.5g", b->plan.objective, v);
    if (*rec->reason && strcmp(rec->status, "finished") != 0)
        text_add(&t, "  (%s)", rec->reason);
    text_add(&t, "%s", b->screen.live ? "" : board_left(b, left));
    screen_line(&b->screen, text_str(&t));
    text_free(&t);
}

/* One line of a run that goes on. */
static void draw_run(const struct board *b, struct pool *p, int run, struct text *t)
{
    const struct plan_run *r = &b->plan.runs[run];
    struct run_state state;
    double v = value_of(b, run);

    if (run_state_read(p, board_dir(b, run), &state) < 0)
        return;
    if (state.epochs < r->epochs)
        text_add(t, "  %-40s epoch %lld/%lld", r->id, (long long)state.epochs + 1,
                 (long long)r->epochs);
    else
        text_add(t, "  %-40s test", r->id);
    if (isfinite(v))
        text_add(t, "  %s %.5g", b->plan.objective, v);
    text_add(t, "\n");
}

void board_draw(struct board *b, const int *running, int n)
{
    struct pool *p = b->screen.live ? pool_new() : NULL;
    struct text t = {0};
    char left[48];

    if (!p)
        return;
    for (int i = 0; i < n; i++)
        draw_run(b, p, running[i], &t);
    text_add(&t, "%s: %d of %d runs done, %d running, %d failed%s\n", b->spec.name, board_done(b),
             planned(b), n, board_failed(b), board_left(b, left));
    screen_draw(&b->screen, text_str(&t));
    text_free(&t);
    pool_free(p);
}

/* ---- the plan ------------------------------------------------------------- */

static void plan_json(const struct board *b, struct text *out)
{
    text_add(out, "{");
    json_text(out, "name", b->spec.name);
    json_text(out, "dir", b->dir);
    json_key(out, "runs");
    text_add(out, "[");
    for (int i = 0; i < b->plan.n_runs; i++) {
        const struct plan_run *r = &b->plan.runs[i];
        const struct plan_group *g = &b->plan.groups[r->group];
        text_add(out, "%s\n  {", i ? "," : "");
        json_text(out, "id", r->id);
        json_text(out, "group", g->label);
        json_whole(out, "seed", r->seed);
        json_text(out, "hash", r->hash);
        json_text(out, "status", b->records[i].status);
        json_key(out, "values");
        json_facts(out, g->says, g->n_says);
        text_add(out, "}");
    }
    text_add(out, "]}\n");
}

int board_plan_text(struct board *b, struct text *out)
{
    if (b->args->json) {
        plan_json(b, out);
        return out->status;
    }
    for (int i = 0; i < b->plan.n_runs && b->args->verbosity >= 0; i++)
        text_add(out, "%-48s %s\n", b->plan.runs[i].id, b->records[i].status);
    text_add(out, "%d run%s in %d group%s, %d done; they lie in %s/runs\n", planned(b),
             planned(b) == 1 ? "" : "s", b->plan.n_groups, b->plan.n_groups == 1 ? "" : "s",
             board_done(b), b->dir);
    for (int i = 0; i < b->plan.n_said; i++)
        text_add(out, "%s\n", b->plan.said[i]);
    if (b->spec.o.method == SWEEP_TPE)
        text_add(out, "the points of this search depend on what the ones before them come to\n");
    return out->status;
}
