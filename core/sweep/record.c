/* record.c - sweep.json, written. core/report/sweep_read.c reads it. */
#define _XOPEN_SOURCE 700
#include "record.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <limits.h>
#include <stdio.h>

static void put_axis(struct text *t, const char *path, const char *scale)
{
    text_add(t, "%s{", t->s[t->n - 1] == '[' ? "" : ", ");
    json_text(t, "path", path);
    json_text(t, "scale", scale);
    text_add(t, "}");
}

/* Rows of zip are of no path. */
static void put_axes(struct text *t, const struct sweep_spec *s)
{
    text_add(t, ",\n  \"axes\": [");
    for (int i = 0; i < s->n_axes; i++)
        if (s->axes[i].path)
            put_axis(t, s->axes[i].path, axis_is_log(&s->axes[i]) ? "log" : "linear");
    for (int i = 0; i < s->n_space; i++) {
        const struct dimension *d = &s->space[i];
        if (d->path)
            put_axis(t, d->path, d->n_choices ? "choice" : d->log ? "log" : "linear");
    }
    text_add(t, "]");
}

static void put_run(struct text *t, const struct plan_run *r, const struct run_record *rec)
{
    char seed[24];

    text_add(t, "\n      {");
    json_text(t, "id", r->id);
    snprintf(seed, sizeof seed, "%lld", (long long)r->seed);
    if (r->seed > 1LL << 53) /* as a JSON number it would be rounded by who reads it */
        json_text(t, "seed", seed);
    else
        json_whole(t, "seed", r->seed);
    json_text(t, "hash", r->hash);
    json_text(t, "status", rec->status);
    json_text(t, "reason", rec->reason);
    json_whole(t, "exit_code", rec->exit_code);
    json_whole(t, "attempts", rec->attempts);
    json_whole(t, "rung", rec->rung);
    text_add(t, "}");
}

static void put_group(struct text *t, const struct plan *p, const struct plan_group *g,
                      const struct run_record *records)
{
    text_add(t, "\n    {");
    json_text(t, "label", g->label);
    json_key(t, "values");
    json_facts(t, g->says, g->n_says);
    json_key(t, "runs");
    text_add(t, "[");
    for (int i = 0; i < g->n_runs; i++) {
        text_add(t, "%s", i ? "," : "");
        put_run(t, &p->runs[g->first + i], &records[g->first + i]);
    }
    text_add(t, "]}");
}

static void put_head(struct text *t, const struct plan *p, const char *command)
{
    static const char *const methods[] = {"", "grid", "random", "tpe"};
    const struct sweep_spec *s = p->spec;

    json_text(t, "name", s->name);
    json_text(t, "description", s->description);
    json_text(t, "file", s->file);
    json_text(t, "command", command);
    json_text(t, "method", methods[s->o.method]);
    json_key(t, "objective");
    text_add(t, "{");
    json_text(t, "metric", p->objective);
    json_text(t, "goal", p->more_is_better ? "max" : "min");
    text_add(t, "}");
    if (s->o.reference || s->o.method == SWEEP_GRID) /* no point of a search is one by itself */
        json_text(t, "reference", s->o.reference ? s->o.reference : p->groups[0].label);
}

static void put_all(struct text *t, const struct plan *p, const char *command,
                    const struct run_record *records)
{
    text_add(t, "{");
    put_head(t, p, command);
    put_axes(t, p->spec);
    text_add(t, ",\n  \"said\": [");
    for (int i = 0; i < p->n_said; i++) {
        text_add(t, "%s\n    ", i ? "," : "");
        json_string(t, p->said[i]);
    }
    text_add(t, "],\n  \"groups\": [");
    for (int i = 0; i < p->n_groups; i++) {
        text_add(t, "%s", i ? "," : "");
        put_group(t, p, &p->groups[i], records);
    }
    text_add(t, "]}\n");
}

int record_write(const struct plan *p, const char *dir, const char *command,
                 const struct run_record *records, bool lasting)
{
    char path[PATH_MAX];
    struct text t = {0};

    put_all(&t, p, command, records);
    snprintf(path, sizeof path, "%s/sweep.json", dir);
    int status = t.status;
    if (!status)
        status = lasting ? file_write(path, t.s, t.n) : file_write_soon(path, t.s, t.n);
    text_free(&t);
    return status;
}
