/* selftest.c - a device beside another: operations by verify/device_check, layers, losses and
 * optimizers by verify/beside, trainings by agree. */
#define _XOPEN_SOURCE 700
#include "selftest.h"

#include "agree.h"
#include "base/error.h"
#include "base/file.h"
#include "session.h"
#include "verify/beside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 1024, STEPS = 50, PATH = 64 };

/* What step 1 may differ by, relative to the largest value of a tensor, and losses of all steps.
 * Measured over 16 seeds between the CPU and itself with every product and convolution moved by up
 * to 1e-6, ten times what a rounding is: at most 1.9e-5 in step 1, where normalisation divides a
 * small spread, and losses 1.1e-6. An error of a formula is 1e-2 and more. */
#define STEP_APART 1e-4
#define LOSS_APART 1e-4

struct selftest_job {
    const struct selftest_plan *plan;
    struct selftest *t;
    const char *part; /* for progress */
};

static struct selftest_row *add_row(struct selftest *t, const char *part, const char *name)
{
    struct selftest_row *r = &t->rows[t->n_rows < ROWS ? t->n_rows++ : ROWS - 1];

    *r = (struct selftest_row){.part = part, .name = name};
    return r;
}

static void add_device_row(struct selftest *t, const char *part, const struct device_row *from)
{
    struct selftest_row *r = add_row(t, part, from->name);

    r->cases = from->cases;
    r->failed = from->failed;
    r->worst = from->worst;
    r->why = from->failed ? from->why : NULL;
}

static void progress(void *ctx, int64_t done, int64_t of)
{
    const struct selftest_job *j = ctx;

    if (j->plan->progress)
        j->plan->progress(j->plan->ctx, j->part, done, of);
}

/* ---- experiments ---------------------------------------------------------------------------- */

/* A file of its own, since experiments are read from files; the caller removes it. */
static int write_experiment(const char *const *lines, char path[PATH])
{
    const char *dir = getenv("TMPDIR");

    if (snprintf(path, PATH, "%s/runner-XXXXXX", dir && *dir ? dir : "/tmp") >= PATH)
        snprintf(path, PATH, "/tmp/runner-XXXXXX");
    struct text t = {0};
    int fd = mkstemp(path);
    if (fd < 0)
        return FAIL(RN_EIO, "%s: cannot be made; set TMPDIR to a folder that can be written", path);
    close(fd);
    for (int i = 0; lines[i]; i++)
        text_put(&t, lines[i], strlen(lines[i]));
    int status = t.status < 0 ? t.status : file_write(path, text_str(&t), t.n);
    text_free(&t);
    return status;
}

/* ---- operations ----------------------------------------------------------------------------- */

static int open_device(const struct selftest_job *j, const char *file, int k, struct session *s)
{
    const struct selftest_plan *p = j->plan;
    const char *device = k ? p->against : p->device;
    struct rn_device_info info = {.size = sizeof info};
    const char *override = pool_printf(j->t->pool, "device=%s", device);

    if (!override)
        return RN_ENOMEM;
    int status = session_load(s, file, &override, 1, p->plugin_dirs, p->n_plugin_dirs);
    status = status < 0 ? status : session_plan(s);
    if (status < 0 && s->diag && diag_errors(s->diag)) {
        struct text t = {0};
        diag_text(s->diag, false, &t);
        FAIL(status, "%s", text_str(&t));
        text_free(&t);
    }
    status = status < 0 ? status : session_open(s);
    status = status < 0 ? status : s->device->ops->info(s->device, &info);
    if (status < 0)
        return error_prefix(status, "device %s can't be used", device);
    j->t->device[k] = pool_strdup(j->t->pool, info.name);
    j->t->detail[k] = pool_strdup(j->t->pool, info.detail);
    return j->t->device[k] && j->t->detail[k] ? RN_OK : RN_ENOMEM;
}

static int check_operations(struct selftest_job *j, struct session s[2])
{
    struct device_row *rows = pool_alloc(j->t->pool, DEVICE_ROWS * sizeof *rows);

    if (!rows)
        return RN_ENOMEM;
    j->part = "operations";
    TRY(device_check(s[0].device, s[1].device, j->plan->seed, j->plan->every, progress, j, rows));
    for (int i = 0; i < DEVICE_ROWS; i++)
        add_device_row(j->t, "operations", &rows[i]);
    return RN_OK;
}

/* ---- layers, losses, optimizers -------------------------------------------------------------- */

static int check_kind(struct selftest_job *j, struct session s[2], uint32_t kind)
{
    const struct plugin *const *list;
    struct text bad = {0};
    int n;

    int status = registry_all(s[0].registry, kind, &list, &n, &bad);
    text_free(&bad); /* `runner plugins` says what is wrong with a file */
    j->part = kind_folder(kind);
    for (int i = 0; i < n && status >= 0; i++) {
        struct device_row *row = pool_alloc(j->t->pool, sizeof *row);

        if (!row)
            return RN_ENOMEM;
        if (beside_knows(list[i])) {
            TRY(beside_check(s[0].device, s[1].device, list[i], j->plan->seed, j->plan->every,
                             row));
            row->name = pool_strdup(j->t->pool, row->name); /* the sessions end first */
            add_device_row(j->t, j->part, row);
        }
        progress(j, i + 1, n);
    }
    return status;
}

static int check_layers(struct selftest_job *j, struct session s[2])
{
    TRY(check_kind(j, s, RN_KIND_LAYER));
    TRY(check_kind(j, s, RN_KIND_LOSS));
    return check_kind(j, s, RN_KIND_OPTIMIZER);
}

/* Both devices are opened in any case: whether they can be used is the first thing to know. */
static int do_calls(struct selftest_job *j)
{
    struct session s[2] = {{0}, {0}};
    char path[PATH];

    int status = write_experiment(selftest_experiments[0].lines, path);
    for (int k = 0; k < 2 && status >= 0; k++)
        status = open_device(j, path, k, &s[k]);
    if (status >= 0 && j->plan->operations)
        status = check_operations(j, s);
    if (status >= 0 && j->plan->layers)
        status = check_layers(j, s);
    session_close(&s[1]);
    session_close(&s[0]);
    remove(path);
    return status;
}

/* ---- training ------------------------------------------------------------------------------- */

static int add_layer(struct selftest *t, const char *part, const struct agree_layer *l)
{
    struct selftest_row *r = add_row(t, part, pool_printf(t->pool, "%s (%s)", l->name, l->type));

    for (int k = 0; k < AGREE_PARTS; k++) {
        const struct agree_figure *f = &l->at[AGREE_FIRST][k];
        r->cases += f->values > 0;
        r->failed += f->relative > STEP_APART;
        if (f->relative / STEP_APART <= r->worst)
            continue;
        r->worst = f->relative / STEP_APART;
        if (r->worst > 1)
            r->why = pool_printf(t->pool,
                                 "step 1: %s%s%s is %.3g apart, in relation to its "
                                 "largest value",
                                 agree_part_name((enum agree_part)k), f->tensor ? " " : "",
                                 f->tensor ? f->tensor : "", f->relative);
    }
    return r->name ? RN_OK : RN_ENOMEM;
}

/* What is wrong in one layer is wrong behind it, and in gradients before it, too. */
static void add_begin(struct selftest *t, const char *part, const struct agree *a)
{
    struct selftest_row *r = add_row(t, part, "step 1");
    enum agree_part of;
    int layer;

    r->cases = a->n_layers;
    r->failed = agree_first(a, AGREE_FIRST, STEP_APART, &layer, &of);
    if (!r->failed)
        return;
    r->worst = a->layers[layer].at[AGREE_FIRST][of].relative / STEP_APART;
    r->why = pool_printf(t->pool, "it begins in %s (%s): %s", a->layers[layer].name,
                         a->layers[layer].type, agree_part_name(of));
}

static int add_training(struct selftest *t, const char *part, const struct agree *a)
{
    add_begin(t, part, a);
    for (int i = 0; i < a->n_layers; i++)
        TRY(add_layer(t, part, &a->layers[i]));
    struct selftest_row *r = add_row(t, part, "losses");
    r->cases = a->steps;
    r->worst = a->loss_gap / LOSS_APART;
    r->failed = r->worst > 1;
    if (r->failed)
        r->why = pool_printf(t->pool, "the losses of %lld steps are up to %.3g apart",
                             (long long)a->steps, a->loss_gap);
    return RN_OK;
}

static int do_training(struct selftest_job *j, const struct selftest_experiment *e)
{
    const struct selftest_plan *p = j->plan;
    struct selftest *t = j->t;
    struct agree *a = NULL;
    char path[PATH];
    const char *seed = pool_printf(t->pool, "seed=%llu", (unsigned long long)p->seed + 1);

    if (!seed || !(j->part = pool_printf(t->pool, "training %s", e->name)))
        return RN_ENOMEM;
    int status = write_experiment(e->lines, path);
    if (status >= 0)
        status = agree_run(&(struct agree_plan){.file = path,
                                                .overrides = &seed,
                                                .n_overrides = 1,
                                                .plugin_dirs = p->plugin_dirs,
                                                .n_plugin_dirs = p->n_plugin_dirs,
                                                .device = {p->device, p->against},
                                                .steps = STEPS,
                                                .progress = progress,
                                                .ctx = j},
                           &a);
    status = status < 0 ? status : add_training(t, e->name, a);
    agree_free(a);
    remove(path);
    return status;
}

static int do_all(struct selftest_job *j)
{
    TRY(do_calls(j));
    for (const struct selftest_experiment *e = selftest_experiments; e->name; e++)
        TRY(j->plan->training ? do_training(j, e) : RN_OK);
    return RN_OK;
}

int selftest_run(const struct selftest_plan *p, struct selftest **out)
{
    struct pool *pool = pool_new();
    struct selftest *t = pool ? pool_alloc(pool, sizeof *t) : NULL;
    struct selftest_row *rows = t ? pool_alloc(pool, ROWS * sizeof *rows) : NULL;

    *out = NULL;
    if (!rows) {
        pool_free(pool);
        return RN_ENOMEM;
    }
    *t = (struct selftest){.pool = pool, .rows = rows, .holds = true};
    int status = do_all(&(struct selftest_job){.plan = p, .t = t});
    if (status < 0) {
        pool_free(pool);
        return status;
    }
    for (int i = 0; i < t->n_rows; i++)
        t->holds = t->holds && !t->rows[i].failed;
    *out = t;
    return RN_OK;
}

void selftest_free(struct selftest *t) { pool_free(t ? t->pool : NULL); }
