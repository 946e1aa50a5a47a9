/* resume.c - goes on with a run in its folder: what has to be the same, and what was before. */
#define _XOPEN_SOURCE 700
#include "resume.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "base/log.h"
#include "config/flatten.h"
#include "experiment/experiment.h"
#include "previous.h"
#include "train/state.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX (64u << 20)
#define SAID      6 /* differences in a message */

static const cJSON *member(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

/* A text of the folder, from p; NULL: it is not there. */
static int text_of(struct pool *p, const struct folder *f, const char *name, const char **out)
{
    char path[PATH_MAX];
    uint64_t bytes;
    void *data;

    *out = NULL;
    if (!file_exists(folder_path(f, name, path, sizeof path)))
        return RN_OK;
    TRY(file_read(path, BYTES_MAX, &data, &bytes));
    *out = pool_strdup(p, data);
    mem_free(data);
    return *out ? RN_OK : RN_ENOMEM;
}

/* ---- configurations ------------------------------------------------------------------------ */

static bool begins(const char *s, const char *with) { return !strncmp(s, with, strlen(with)); }

static bool ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);

    return n >= m && !strcmp(s + n - m, with);
}

/* Where it is computed. */
static bool is_where(const char *key) { return !strcmp(key, "device") || begins(key, "device."); }

/* Data that were moved: what is in them is compared. */
static bool is_place(const struct experiment *e, const char *key)
{
    const struct option_table *t = &e->data.plugin->options;
    const struct rn_option *row = begins(key, "data.") ? options_row(t, key + 5) : NULL;

    return row && row->type == RN_OPT_PATH;
}

/* What may be another when a run goes on: nothing that its state or its past depends on. */
static bool may_change(const struct experiment *e, const struct rn_change *c)
{
    static const char *const parts[] = {"optimizer.", "scheduler.", "callbacks."};
    static const char *const keys[] = {"train.epochs", "train.log_every", "train.eval_batch_size",
                                       "train.clip_norm", "train.clip_value"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(c->key, keys[i]))
            return true;
    if (is_place(e, c->key))
        return true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (begins(c->key, parts[i]))
            return c->before && c->now && !ends(c->key, ".type");
    return false;
}

struct differences {
    struct rn_change *at;
    int64_t n, n_matter; /* but for where it is computed */
};

static int settings(struct pool *p, const char *config, const struct rn_fact **facts, int64_t *n)
{
    struct node *root;

    TRY(tree_resolved(p, config, &root));
    if (!root)
        return FAIL(RN_EDATA, "the configuration of the run can't be read: its folder is damaged");
    return tree_flatten(p, root, facts, n);
}

/* Without what stands beside the training, and what gives the same bits whatever it is. */
static int compare(struct pool *p, const char *before, const char *now, struct differences *d)
{
    const struct rn_fact *a, *b;
    int64_t n_a = 0, n_b = 0, n = 0;

    *d = (struct differences){0};
    if (!strcmp(before, now))
        return RN_OK;
    TRY(settings(p, before, &a, &n_a));
    TRY(settings(p, now, &b, &n_b));
    d->at = pool_alloc(p, (size_t)(n_a + n_b + 1) * sizeof *d->at);
    if (!d->at)
        return RN_ENOMEM;
    previous_changes(a, n_a, b, n_b, d->at, &n);
    for (int64_t i = 0; i < n; i++) {
        if (experiment_places(d->at[i].key))
            continue;
        d->n_matter += !is_where(d->at[i].key);
        d->at[d->n++] = d->at[i];
    }
    return RN_OK;
}

static void say(struct text *t, int64_t said, const struct rn_change *c)
{
    if (said < SAID)
        text_add(t, "%s%s was %s, is %s", said ? "; " : "", c->key,
                 c->before ? c->before : "absent", c->now ? c->now : "absent");
    else if (said == SAID)
        text_add(t, "; ...");
}

/* lenient: but for what may change. */
static int refuse(const struct experiment *e, const struct folder *f, const struct differences *d,
                  bool lenient)
{
    struct text t = {0};
    int64_t said = 0;

    for (int64_t i = 0; i < d->n; i++)
        if (!is_where(d->at[i].key) && !(lenient && may_change(e, &d->at[i])))
            say(&t, said++, &d->at[i]);
    int status =
        !said ? RN_OK
        : lenient
            ? FAIL(RN_EINVAL, "%s cannot go on as another experiment: %s; start a run of its own",
                   f->dir, text_str(&t))
            : FAIL(RN_EINVAL, "%s has a run of another configuration: %s; choose another folder",
                   f->dir, text_str(&t));
    text_free(&t);
    return status;
}

static void tell(const struct differences *d)
{
    for (int64_t i = 0; i < d->n; i++)
        log_line(RN_WARNING, NULL, "goes on with %s = %s, which was %s", d->at[i].key,
                 d->at[i].now ? d->at[i].now : "absent",
                 d->at[i].before ? d->at[i].before : "absent");
}

/* ---- the folder ---------------------------------------------------------------------------- */

struct past {
    const char *status, *reason; /* "": none */
    const char *config;          /* NULL: it was not begun */
};

/* Microseconds behind a second; RN_EDATA. */
static int fraction(const struct folder *f, const cJSON *v, long *out)
{
    double us = cJSON_IsNumber(v) ? v->valuedouble : 0;

    if (!(us >= 0 && us < 1e6))
        return FAIL(RN_EDATA,
                    "%s/status.json: microseconds is %g, expected 0 to 999999; correct it", f->dir,
                    us);
    *out = (long)us;
    return RN_OK;
}

static int read_past(struct pool *p, struct folder *f, struct past *out)
{
    cJSON *now = json_read(f->dir, "status.json", BYTES_MAX);
    const cJSON *attempt = member(now, "attempt"), *behind = member(now, "microseconds");
    const char *status = cJSON_GetStringValue(member(now, "status"));
    const char *reason = cJSON_GetStringValue(member(now, "reason"));
    const char *started = cJSON_GetStringValue(member(now, "started"));

    out->status = pool_strdup(p, status ? status : "");
    out->reason = pool_strdup(p, reason ? reason : "");
    if (cJSON_IsNumber(attempt) && attempt->valuedouble >= 1 && attempt->valuedouble < 1e9)
        f->attempt = (int64_t)attempt->valuedouble + 1;
    else if (now)
        f->attempt = 2;
    if (started)
        f->started = pool_strdup(p, started);
    int known = started ? fraction(f, behind, &f->microseconds) : RN_OK;
    cJSON_Delete(now);
    TRY(known);
    if (!out->status || !out->reason || !f->started)
        return RN_ENOMEM;
    return text_of(p, f, "config.yaml", &out->config);
}

/* Back to what stands in the state beside training. */
static int read_facts(struct resumed *x)
{
    const char *records = state_fact(&x->state, "run/records");

    if (!records || !hex_bytes(state_fact(&x->state, "run/spent"), &x->spent, sizeof x->spent) ||
        !state_fact(&x->state, "run/config") || !state_fact(&x->state, "epoch"))
        return FAIL(RN_EDATA,
                    "%s: it lacks what belongs to its run; remove it, and the run begins "
                    "anew",
                    x->path);
    x->records = strtoll(records, NULL, 10);
    return RN_OK;
}

static int look_at_state(const struct session *s, const struct run_args *args,
                         const struct folder *f, const char *status, struct resumed *x)
{
    struct pool *p = s->experiment->pool;
    struct differences d;

    TRY(state_read(x->path, &x->state));
    TRY(read_facts(x));
    TRY(compare(p, state_fact(&x->state, "run/config"), s->experiment->config_yaml, &d));
    TRY(refuse(s->experiment, f, &d, args->resume));
    x->changed = d.n_matter > 0;
    x->finished = !x->changed && !strcmp(status, "finished");
    int64_t done = strtoll(state_fact(&x->state, "epoch"), NULL, 10);
    if (x->changed && s->experiment->train.epochs < done)
        return FAIL(RN_EINVAL, "%s: train.epochs is %lld, and it is in epoch %lld already", f->dir,
                    (long long)s->experiment->train.epochs, (long long)done);
    if (!x->finished)
        tell(&d);
    x->goes_on = !x->finished;
    return RN_OK;
}

int resume_look(const struct session *s, const struct run_args *args, struct folder *f,
                struct resumed *x)
{
    struct pool *p = s->experiment->pool;
    struct differences d;
    struct past past;

    *x = (struct resumed){0};
    folder_path(f, "state/last.safetensors", x->path, sizeof x->path);
    TRY(read_past(p, f, &past));
    if (!past.config)
        return RN_OK;
    TRY(compare(p, past.config, s->experiment->config_yaml, &d));
    TRY(refuse(s->experiment, f, &d, args->resume));
    x->changes = d.at;
    x->n_changes = d.n;
    if (!strcmp(past.status, "finished") && !d.n_matter) {
        x->finished = true;
        return RN_OK;
    }
    if (!args->resume && (!strcmp(past.status, "diverged") || !strcmp(past.status, "failed")))
        return RN_OK;
    if (!strcmp(past.status, "diverged"))
        return FAIL(RN_EINVAL, "%s diverged, and would again: %s; start a run of its own", f->dir,
                    past.reason);
    if (file_exists(x->path))
        return look_at_state(s, args, f, past.status, x);
    if (!strcmp(past.status, "finished"))
        return FAIL(RN_EDATA, "%s is not there: a finished run can't go on without it", x->path);
    return RN_OK;
}

void resume_close(struct resumed *x)
{
    safetensors_free(&x->state);
    *x = (struct resumed){0};
}

/* ---- facts --------------------------------------------------------------------------------- */

/* Value of the key in what changed now; NULL: it did not. */
static const char *changed_now(const struct resumed *x, const char *key)
{
    for (int64_t i = 0; i < x->n_changes; i++)
        if (!strcmp(x->changes[i].key, key))
            return x->changes[i].now;
    return NULL;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct rn_fact *)a)->key, ((const struct rn_fact *)b)->key);
}

/* What was no default before, and what is changed now. */
static int changed_facts(struct pool *p, const struct resumed *x, const cJSON *before,
                         struct rn_report *facts)
{
    size_t room = (size_t)cJSON_GetArraySize(before) + (size_t)x->n_changes + 1;
    struct rn_fact *to = pool_alloc(p, room * sizeof *to);
    const cJSON *v;
    int64_t n = 0;

    if (!to)
        return RN_ENOMEM;
    cJSON_ArrayForEach(v, before)
    {
        const char *value = cJSON_GetStringValue(v);
        if (changed_now(x, v->string))
            continue;
        to[n] = (struct rn_fact){pool_strdup(p, v->string), pool_strdup(p, value ? value : "")};
        if (!to[n].key || !to[n].value)
            return RN_ENOMEM;
        n++;
    }
    for (int64_t i = 0; i < x->n_changes; i++)
        if (x->changes[i].now)
            to[n++] = (struct rn_fact){x->changes[i].key, x->changes[i].now};
    if (n)
        qsort(to, (size_t)n, sizeof *to, by_key);
    facts->changed = to;
    facts->n_changed = n;
    return RN_OK;
}

int resume_facts(const struct session *s, const struct folder *f, const struct resumed *x,
                 struct rn_report *facts)
{
    struct pool *p = s->experiment->pool;
    cJSON *summary = json_read(f->dir, "summary.json", BYTES_MAX);
    const char *command = cJSON_GetStringValue(member(summary, "command")), *input;
    int status = RN_OK;

    if (command && !(facts->command = pool_strdup(p, command)))
        status = RN_ENOMEM;
    if (!status && summary)
        status = changed_facts(p, x, member(summary, "changed"), facts);
    cJSON_Delete(summary);
    status = status ? status : text_of(p, f, "config.input.yaml", &input);
    if (!status && input)
        facts->config_input = input;
    return status;
}

/* ---- the report in the state --------------------------------------------------------------- */

int resume_report(const struct resumed *x, struct report *r, int64_t epochs)
{
    const char *text = state_fact(&x->state, "run/curve");
    size_t bytes = text ? strlen(text) / 2 : 0;
    void *curve = mem_alloc(bytes + 1);

    if (!curve)
        return RN_ENOMEM;
    int status = report_again(r, epochs);
    if (!status && (!hex_bytes(text, curve, bytes) || !report_take_curve(r, curve, bytes)))
        status = FAIL(RN_EDATA, "%s: the curve in it can't be read", x->path);
    mem_free(curve);
    return status;
}

static int save(struct pool *p, struct trainer *t, const struct session *s, const struct report *r,
                const char *path, int64_t records, const struct report_spent *spent)
{
    size_t bytes;
    const void *curve = report_curve(p, r, &bytes);
    const struct rn_fact facts[] = {
        {"run/config", s->experiment->config_yaml},
        {"run/records", pool_printf(p, "%lld", (long long)records)},
        {"run/spent", hex_text(p, spent, sizeof *spent)},
        {"run/curve", curve ? hex_text(p, curve, bytes) : NULL},
    };

    return state_write(t, path, facts, sizeof facts / sizeof *facts);
}

int resume_save(struct trainer *t, const struct session *s, const struct report *r,
                const char *path, int64_t records, const struct report_spent *spent)
{
    struct pool *p = pool_new();
    int status = p ? save(p, t, s, r, path, records, spent) : RN_ENOMEM;

    pool_free(p);
    return status;
}
