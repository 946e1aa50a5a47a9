/* sweep_summary.c - all numbers of a sweep as summary.json; docs/sweep.schema.json says what each
 * key means. */
#define _XOPEN_SOURCE 700
#include "sweep.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <limits.h>
#include <stdio.h>

static void line(struct text *t, const char *name)
{
    text_add(t, ",\n  ");
    json_string(t, name);
    text_add(t, ": ");
}

static void put_words(struct text *t, const char *name, const char *const *words, int64_t n)
{
    line(t, name);
    text_add(t, "[");
    for (int64_t i = 0; i < n; i++) {
        text_add(t, "%s\n    ", i ? "," : "");
        json_string(t, words[i]);
    }
    text_add(t, "]");
}

static void put_estimate(struct text *t, const char *name, const struct rn_estimate *e)
{
    json_key(t, name);
    text_add(t, "{");
    json_whole(t, "n", e->n);
    json_real(t, "mean", e->mean);
    json_real(t, "sd", e->sd);
    json_real(t, "low", e->low);
    json_real(t, "high", e->high);
    text_add(t, "}");
}

static void put_difference(struct text *t, const struct rn_difference *d)
{
    static const char *const by[] = {"nothing", "seeds", "samples"};

    json_key(t, "difference");
    text_add(t, "{");
    json_text(t, "by", by[d->by]);
    json_bool(t, "differs", d->differs);
    json_whole(t, "n", d->n);
    json_whole(t, "left_out", d->left_out);
    json_real(t, "mean", d->mean);
    json_real(t, "sd", d->sd);
    json_real(t, "low", d->low);
    json_real(t, "high", d->high);
    json_real(t, "p", d->p);
    json_real(t, "p_corrected", d->p_corrected);
    json_whole(t, "only_this", d->only_this);
    json_whole(t, "only_reference", d->only_reference);
    text_add(t, "}");
}

static void put_trial(struct text *t, const struct rn_trial *r)
{
    text_add(t, "{");
    json_text(t, "id", r->id);
    json_key(t, "seed");
    text_add(t, "%llu", (unsigned long long)r->seed);
    json_text(t, "status", r->status);
    json_text(t, "reason", r->reason);
    json_whole(t, "exit_code", r->exit_code);
    json_whole(t, "attempts", r->attempts);
    json_whole(t, "rung", r->rung);
    json_bool(t, "counts", r->counts);
    json_real(t, "objective", r->objective);
    json_whole(t, "best_epoch", r->best_epoch);
    json_whole(t, "epochs", r->epochs);
    json_real(t, "test", r->test);
    json_real(t, "train_s", r->train_s);
    json_whole(t, "parameters", r->parameters);
    text_add(t, "}");
}

static void put_group(struct text *t, const struct rn_sweep *s, const struct rn_group *g)
{
    text_add(t, "{");
    json_text(t, "label", g->label);
    json_key(t, "values");
    text_add(t, "{");
    for (int64_t a = 0; a < s->n_axes; a++)
        if (g->values[a])
            json_text(t, s->axes[a].path, g->values[a]);
    text_add(t, "}");
    put_estimate(t, "objective", &g->objective);
    put_estimate(t, "test", &g->test);
    put_estimate(t, "train_s", &g->train_s);
    put_difference(t, &g->difference);
    json_real(t, "best_share", g->best_share);
    json_whole(t, "parameters", g->parameters);
    json_whole(t, "failed", g->n_failed);
    json_whole(t, "diverged", g->n_diverged);
    json_whole(t, "waiting", g->n_waiting);
    json_bool(t, "pareto_time", g->pareto_time);
    json_bool(t, "pareto_size", g->pareto_size);
    json_key(t, "runs");
    text_add(t, "[");
    for (int64_t i = 0; i < g->n_trials; i++) {
        text_add(t, "%s\n      ", i ? "," : "");
        put_trial(t, &g->trials[i]);
    }
    text_add(t, "]}");
}

static void put_axis(struct text *t, const struct rn_axis *a)
{
    text_add(t, "{");
    json_text(t, "path", a->path);
    json_text(t, "scale", a->scale);
    json_real(t, "importance", a->importance);
    json_key(t, "effects");
    text_add(t, "[");
    for (int64_t i = 0; i < a->n_effects; i++) {
        text_add(t, "%s\n      {", i ? "," : "");
        json_text(t, "value", a->effects[i].value);
        json_whole(t, "groups", a->effects[i].n_groups);
        put_estimate(t, "objective", &a->effects[i].objective);
        text_add(t, "}");
    }
    text_add(t, "]}");
}

static void put_finding(struct text *t, const struct rn_finding *f)
{
    static const char *const tones[] = {"", "good", "neutral", "bad"};

    text_add(t, "{");
    json_text(t, "rule", f->rule);
    json_text(t, "tone", tones[f->tone]);
    json_text(t, "text", f->text);
    text_add(t, "}");
}

static void put_head(struct text *t, const struct rn_sweep *s)
{
    text_add(t, "{\n  \"format\": 1");
    line(t, "name");
    json_string(t, s->name);
    line(t, "description");
    json_string(t, s->description);
    line(t, "file");
    json_string(t, s->file);
    line(t, "command");
    json_string(t, s->command);
    line(t, "method");
    json_string(t, s->method);
    line(t, "objective");
    text_add(t, "{");
    json_text(t, "metric", s->metric);
    json_text(t, "goal", s->more_is_better ? "max" : "min");
    json_text(t, "test_metric", s->test_metric);
    text_add(t, "}");
    line(t, "reference");
    json_string(t, s->reference < 0 ? NULL : s->groups[s->reference].label);
    line(t, "comparisons");
    text_add(t, "%lld", (long long)s->n_comparisons);
    line(t, "best_share");
    text_add(t, "{");
    json_whole(t, "seeds", s->best_seeds);
    json_whole(t, "draws", s->draws);
    text_add(t, "}");
}

void sweep_summary_json(const struct sweep *sweep, struct text *t)
{
    const struct rn_sweep *s = &sweep->view;

    put_head(t, s);
    line(t, "groups");
    text_add(t, "[");
    for (int64_t g = 0; g < s->n; g++) {
        text_add(t, "%s\n    ", g ? "," : "");
        put_group(t, s, &s->groups[g]);
    }
    text_add(t, "]");
    line(t, "axes");
    text_add(t, "[");
    for (int64_t a = 0; a < s->n_axes; a++) {
        text_add(t, "%s\n    ", a ? "," : "");
        put_axis(t, &s->axes[a]);
    }
    text_add(t, "]");
    line(t, "findings");
    text_add(t, "[");
    for (int64_t i = 0; i < s->n_findings; i++) {
        text_add(t, "%s\n    ", i ? "," : "");
        put_finding(t, &s->findings[i]);
    }
    text_add(t, "]");
    put_words(t, "said", s->said, s->n_said);
    text_add(t, "\n}\n");
}

int sweep_write(struct sweep *s)
{
    char path[PATH_MAX];
    struct text t = {0};

    TRY(figures_write(s->dir, s->view.figures, s->view.n_figures));
    if (snprintf(path, sizeof path, "%s/summary.json", s->dir) >= (int)sizeof path)
        return FAIL(RN_EIO, "%s: the path is too long", s->dir);
    sweep_summary_json(s, &t);
    int status = t.status ? t.status : file_write_soon(path, text_str(&t), t.n);
    text_free(&t);
    return status;
}
