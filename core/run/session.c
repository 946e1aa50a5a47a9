/* session.c - opens what a command needs, in the order that finds mistakes before work is done. */
#include "session.h"

#include "base/error.h"
#include "base/log.h"
#include "report/report.h"
#include "train/budget.h"
#include "train/feed.h"
#include "train/lint.h"
#include "train/rate.h"

#include <string.h>

int session_load(struct session *s, const char *file, const char *const *overrides, int n_overrides,
                 const char *const *plugin_dirs, int n_plugin_dirs)
{
    *s = (struct session){0};
    TRY(registry_open(plugin_dirs, n_plugin_dirs, &s->registry));
    return experiment_load(file, overrides, n_overrides, s->registry, &s->diag, &s->experiment);
}

/* Before hours of training, not after. */
static int check_expectations(struct session *s)
{
    const struct experiment *e = s->experiment;
    int status = RN_OK, n;
    const char *const *names = report_names(e->pool, e->metrics, e->n_metrics, &n);

    if (!names)
        return RN_ENOMEM;
    for (int i = 0; i < e->n_expects; i++) {
        if (!report_is_named(names, n, e->expects[i].metric))
            status =
                diag_add(s->diag, DIAG_ERROR, e->expects[i].mark, "expect",
                         diag_suggest(e->pool, e->expects[i].metric, names, n),
                         "there is no metric '%s'; see the section metrics", e->expects[i].metric);
    }
    return status;
}

/* What the optimizer refuses of its options, before anything is started. */
static int check_optimizer(struct session *s)
{
    const struct part *part = &s->experiment->optimizer;
    double scalars[RN_SCALARS];
    int status =
        part->plugin->ops.optimizer.scalars(part->opts, 1, rate_base(s->experiment), scalars);

    if (status >= 0)
        return RN_OK;
    error_prefix(status, "%s", part->plugin->name);
    return diag_add(s->diag, DIAG_ERROR, part->mark, part->path, NULL, "%s", error_text());
}

/* What an augmentation refuses of its options or of the data. */
static int check_augmentation(struct session *s)
{
    int i, status = feed_check(s->experiment, &s->data.info, &i);

    if (status >= 0)
        return RN_OK;
    const struct part *part = &s->experiment->augments[i];
    error_prefix(status, "%s", part->plugin->name);
    return diag_add(s->diag, DIAG_ERROR, part->mark, part->path, NULL, "%s", error_text());
}

/* With shapes that fit; the first status < 0 of all that is looked at. */
static int check_rest(struct session *s)
{
    int checks[] = {check_expectations(s), check_optimizer(s), check_augmentation(s),
                    lint_training(s->experiment, &s->data, s->diag)};

    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        TRY(checks[i]);
    return RN_OK;
}

int session_plan_data(struct session *s, struct pool *p)
{
    struct experiment *e = s->experiment;

    s->data_open = true;
    TRY(data_open(p, e, &s->data));
    int status = data_divide(p, e, &s->data);
    if (status == RN_EINVAL)
        diag_add(s->diag, DIAG_ERROR, e->data.mark, NULL, NULL, "%s", error_text());
    return status;
}

int session_plan_model(struct session *s)
{
    struct experiment *e = s->experiment;

    int planned = model_plan(e->pool, e, &s->data.info, s->diag, &s->model);
    int rest = check_rest(s);
    return planned < 0 ? planned : rest;
}

int session_plan(struct session *s)
{
    int status = session_plan_data(s, s->experiment->pool);

    if (status < 0 && status != RN_EINVAL)
        return status;
    int planned = session_plan_model(s);
    return status < 0 ? status : planned;
}

bool session_accepts(const struct session *s, const char *file, const char *override)
{
    struct session t = {.registry = s->registry, .data = s->data};

    int status = experiment_load(file, &override, 1, s->registry, &t.diag, &t.experiment);
    if (status >= 0 && s->data_open)
        status = session_plan_model(&t);
    bool good = status >= 0 && !diag_errors(t.diag) &&
                diag_warnings(t.diag) <= (s->diag ? diag_warnings(s->diag) : 0);
    model_close(t.model);
    experiment_free(t.experiment);
    return good;
}

static int open_device(struct session *s, const struct plugin *plugin, const void *opts)
{
    struct rn_device *dev = NULL;

    TRY(plugin->ops.device.open(opts, &dev));
    dev->ops = &plugin->ops.device;
    s->device = dev;
    s->device_plugin = plugin;
    return RN_OK;
}

static int open_named_device(struct session *s)
{
    const struct part *part = &s->experiment->device;
    int status = open_device(s, part->plugin, part->opts);

    return status < 0 ? error_prefix(status, "device (%s)", part->plugin->name) : RN_OK;
}

/* The first that works; registry_all() puts the highest priority first. */
static int open_any_device(struct session *s)
{
    struct pool *p = s->experiment->pool;
    const struct plugin *const *list;
    struct text bad = {0};
    int n;

    int status = registry_all(s->registry, RN_KIND_DEVICE, &list, &n, &bad);
    text_free(&bad);
    TRY(status);
    for (int i = 0; i < n; i++) {
        void *opts;

        TRY(options_parse(p, &list[i]->options, NULL, (struct mark){0}, "device", list[i]->name,
                          NULL, s->diag, &opts));
        if (open_device(s, list[i], opts) >= 0)
            return RN_OK;
        s->device_note =
            pool_printf(p, "%s%s%s can't be used: %s", s->device_note ? s->device_note : "",
                        s->device_note ? "; " : "", list[i]->name, error_text());
        log_line(RN_INFO, "device", "%s can't be used: %s", list[i]->name, error_text());
    }
    return FAIL(RN_EDEVICE, "no device can be used%s%s", s->device_note ? ": " : "",
                s->device_note ? s->device_note : "");
}

static uint64_t device_free(const struct session *s)
{
    struct rn_device_info info = {.size = sizeof info};

    if (s->device->ops->info(s->device, &info) < 0 || info.host_visible)
        return 0;
    return info.free_bytes;
}

double session_device_bytes(const struct session *s)
{
    uint64_t left = s->device && s->device_free ? device_free(s) : 0;

    return left && left < s->device_free ? (double)(s->device_free - left) : 0;
}

int session_open_device(struct session *s)
{
    TRY(s->experiment->device_auto ? open_any_device(s) : open_named_device(s));
    s->device_free = device_free(s);
    return RN_OK;
}

int session_open(struct session *s)
{
    struct experiment *e = s->experiment;

    TRY(session_open_device(s));
    TRY(budget_decide(e, s->model, &s->data, s->device, s->diag));
    TRY(data_load(e, &s->data, s->device));
    return model_open(s->model, s->device);
}

void session_close(struct session *s)
{
    model_close(s->model);
    if (s->data_open)
        data_close(&s->data);
    if (s->device)
        s->device->ops->close(s->device);
    experiment_free(s->experiment);
    registry_close(s->registry);
    *s = (struct session){0};
}
