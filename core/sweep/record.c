/* record.c - sweep.json, written. core/report/sweep_load.c reads it. */
#define _XOPEN_SOURCE 700
#include "record.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <limits.h>
#include <stdio.h>

static void key(struct text *t, const char *name, const char *value)
{
    text_add(t, ", \"%s\": ", name);
    json_string(t, value);
}

static void put_axes(struct text *t, const struct sweep_spec *s)
{
    bool first = true;

    text_add(t, ",\n  \"axes\": [");
    for (int i = 0; i < s->n_axes; i++) {
        if (!s->axes[i].path)
            continue;
        text_add(t, "%s{\"path\": ", first ? "" : ", ");
        json_string(t, s->axes[i].path);
        text_add(t, ", \"scale\": \"%s\"}", axis_is_log(&s->axes[i]) ? "log" : "linear");
        first = false;
    }
    for (int i = 0; i < s->n_space; i++) {
        const struct dimension *d = &s->space[i];
        if (!d->path)
            continue;
        text_add(t, "%s{\"path\": ", first ? "" : ", ");
        json_string(t, d->path);
        text_add(t, ", \"scale\": \"%s\"}", d->n_choices ? "choice" : d->log ? "log" : "linear");
        first = false;
    }
    text_add(t, "]");
}

static void put_run(struct text *t, const struct plan_run *r, const struct run_record *rec)
{
    text_add(t, "\n      {\"id\": ");
    json_string(t, r->id);
    /* beyond 2^53 a JSON number is rounded by who reads it */
    text_add(t, r->seed > 1LL << 53 ? ", \"seed\": \"%lld\"" : ", \"seed\": %lld",
             (long long)r->seed);
    key(t, "hash", r->hash);
    key(t, "status", rec->status);
    key(t, "reason", rec->reason);
    text_add(t, ", \"exit_code\": %d, \"attempts\": %lld, \"rung\": %lld}", rec->exit_code,
             (long long)rec->attempts, (long long)rec->rung);
}

static void put_group(struct text *t, const struct plan *p, const struct plan_group *g,
                      const struct run_record *records)
{
    text_add(t, "\n    {\"label\": ");
    json_string(t, g->label);
    text_add(t, ", \"values\": {");
    for (int64_t i = 0; i < g->n_says; i++) {
        text_add(t, "%s", i ? ", " : "");
        json_string(t, g->says[i].key);
        text_add(t, ": ");
        json_string(t, g->says[i].value);
    }
    text_add(t, "}, \"runs\": [");
    for (int i = 0; i < g->n_runs; i++) {
        text_add(t, "%s", i ? "," : "");
        put_run(t, &p->runs[g->first + i], &records[g->first + i]);
    }
    text_add(t, "]}");
}

static void put_all(struct text *t, const struct plan *p, const char *command,
                    const struct run_record *records)
{
    static const char *const methods[] = {"", "grid", "random", "tpe"};
    const struct sweep_spec *s = p->spec;

    text_add(t, "{\"name\": ");
    json_string(t, s->name);
    key(t, "description", s->description);
    key(t, "file", s->file);
    key(t, "command", command);
    key(t, "method", methods[s->o.method]);
    text_add(t, ",\n  \"objective\": {\"metric\": ");
    json_string(t, p->objective);
    text_add(t, ", \"goal\": \"%s\"}", p->more_is_better ? "max" : "min");
    key(t, "reference", s->o.reference ? s->o.reference : p->groups[0].label);
    put_axes(t, s);
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
