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

static int tell(void *ctx, const struct rn_reporter_ops *ops, const void *opts)
{
    struct sweep *s = ctx;

    return ops->sweep ? ops->sweep(opts, &s->view, s->dir) : RN_OK;
}

int sweep_report(struct registry *registry, const char *dir)
{
    struct sweep *s;

    TRY(sweep_open(dir, &s));
    int status = sweep_write(s);
    status = status ? status : reporters_each(registry, tell, s);
    sweep_close(s);
    return status;
}
