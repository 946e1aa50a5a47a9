/* launcher.c - where the runs of a sweep are executed: the option `launcher`, and the call. */
#include "launcher.h"

#include "base/error.h"
#include "base/log.h"
#include "spec_parts.h"
#include "train/share.h"

#include <string.h>

static int say(struct sweep_spec *s, const struct node *n, const char *hint, const char *what)
{
    return diag_add(s->diag, DIAG_ERROR, n->mark, "sweep.launcher", hint, "%s", what);
}

/* More lines for #SBATCH: one, or a list. */
static int read_extra(struct sweep_spec *s, const struct node *n)
{
    bool list = n && n->kind == NODE_LIST;
    const char **lines = pool_alloc(s->pool, (size_t)(tree_count(n) + 1) * sizeof *lines);
    int count = 0;

    if (!lines)
        return RN_ENOMEM;
    for (const struct node *c = list ? n->child : n; c; c = list ? c->next : NULL) {
        if (c->kind != NODE_SCALAR)
            return say(s, c, "extra: [--qos=short, --exclude=node7]",
                       "extra takes a list of lines");
        lines[count++] = c->text;
    }
    s->slurm.extra = lines;
    s->slurm.n_extra = count;
    return RN_OK;
}

static int read_slurm(struct sweep_spec *s, const struct node *n)
{
    static const char *const skip[] = {"type", "extra", NULL};
    const struct node *options = n->kind == NODE_MAP ? n : NULL;
    struct option_table table;
    void *opts;

    TRY(options_table(s->pool, slurm_rows, sizeof *slurm_rows, sizeof s->slurm, &table));
    int status = options_parse(s->pool, &table, options, n->mark, "sweep.launcher", "slurm", skip,
                               s->diag, &opts);
    if (status < 0)
        return status;
    memcpy(&s->slurm, opts, sizeof s->slurm);
    TRY(read_extra(s, options ? tree_get(options, "extra") : NULL));
    s->on_slurm = true;
    return slurm_check(&s->slurm) < 0 ? say(s, n, NULL, error_text()) : RN_OK;
}

int launcher_read(struct sweep_spec *s, const struct node *n)
{
    static const char hint[] = "local, or {type: slurm, partition: gpu}";
    const struct node *type = n && n->kind == NODE_MAP ? tree_get(n, "type") : n;

    if (!n || n->kind == NODE_NULL)
        return RN_OK;
    if (!type || type->kind != NODE_SCALAR)
        return say(s, n, hint, "says no type");
    if (!strcmp(type->text, "slurm"))
        return read_slurm(s, n);
    if (strcmp(type->text, "local") != 0)
        return say(s, type, hint, "there are the launchers local and slurm");
    if (n->kind == NODE_MAP && tree_count(n) > 1)
        return say(s, n, "sweep.slots says how many runs at a time", "local has no options");
    return RN_OK;
}

int64_t launcher_threads(const struct sweep_spec *s)
{
    return s->on_slurm && s->slurm.cpus ? s->slurm.cpus : s->slots.threads;
}

int launcher_run(const struct sweep_spec *s, const char *dir, const struct launch_limits *limits,
                 const struct launch_task *tasks, int n, const struct launch_events *events)
{
    if (s->on_slurm)
        return launch_slurm(&s->slurm, dir, limits, tasks, n, events);
    if (share_open() < 0) /* each decodes for itself */
        log_line(RN_INFO, NULL, "%s", error_text());
    int status = launch_local(limits, tasks, n, events);
    share_close();
    return status;
}
