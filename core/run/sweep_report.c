/* sweep_report.c - the pages of a sweep, made from the files of its folder. */
#define _XOPEN_SOURCE 700
#include "sweep_report.h"

#include "base/error.h"
#include "base/file.h"
#include "rebuild.h"
#include "report/sweep.h"

#include <limits.h>
#include <stdio.h>

bool sweep_is_folder(const char *dir)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/" SWEEP_FILE, dir) < (int)sizeof path &&
           file_exists(path);
}

static int tell(struct pool *p, const struct plugin *plugin, struct sweep *s)
{
    void *opts;

    TRY(reporter_defaults(p, plugin, &opts));
    int status = plugin->ops.reporter.sweep(opts, &s->view, s->dir);
    return status < 0 ? error_prefix(status, "reporter (%s)", plugin->name) : RN_OK;
}

static int tell_all(struct registry *registry, struct sweep *s)
{
    const struct plugin *const *all;
    struct text bad = {0};
    struct pool *p = pool_new();
    int n = 0, status = p ? registry_all(registry, RN_KIND_REPORTER, &all, &n, &bad) : RN_ENOMEM;

    for (int i = 0; !status && i < n; i++)
        if (all[i]->ops.reporter.sweep && all[i]->traits & RN_TRAIT_DEFAULT)
            status = tell(p, all[i], s);
    text_free(&bad);
    pool_free(p);
    return status;
}

int sweep_report(struct registry *registry, const char *dir)
{
    struct sweep *s;

    TRY(sweep_open(dir, &s));
    int status = sweep_write(s);
    status = status ? status : tell_all(registry, s);
    sweep_close(s);
    return status;
}
