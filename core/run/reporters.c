/* reporters.c - hands what happens in a run to each reporter of the experiment. */
#include "reporters.h"

#include "base/error.h"
#include "base/log.h"
#include "report/runs.h"

static const struct rn_reporter_ops *ops_of(const struct reporters *rs, int i)
{
    return &rs->parts[i].plugin->ops.reporter;
}

static int named(const struct reporters *rs, int i, int status)
{
    return status < 0 ? error_prefix(status, "reporter (%s)", rs->parts[i].plugin->name) : RN_OK;
}

int reporters_open(struct pool *p, const struct experiment *e, const struct rn_report *r,
                   struct reporters *rs)
{
    *rs = (struct reporters){.parts = e->reporters, .n = e->n_reporters};
    rs->handles = pool_alloc(p, (size_t)(rs->n + 1) * sizeof *rs->handles);
    if (!rs->handles)
        return RN_ENOMEM;
    for (; rs->n_open < rs->n; rs->n_open++) {
        int i = rs->n_open;
        TRY(named(rs, i, ops_of(rs, i)->open(rs->parts[i].opts, r, &rs->handles[i])));
    }
    return RN_OK;
}

/* The optional operation op of every reporter on what, the first of the list last: it speaks when
 * the others' files are there. The last failure is the result. */
#define EACH(rs, op, what) \
    do { \
        int status_ = RN_OK; \
        for (int i = (rs)->n_open - 1; i >= 0; i--) { \
            if (!ops_of(rs, i)->op) \
                continue; \
            int s_ = named(rs, i, ops_of(rs, i)->op((rs)->handles[i], what)); \
            status_ = s_ < 0 ? s_ : status_; \
        } \
        return status_; \
    } while (0)

int reporters_progress(struct reporters *rs, const struct rn_progress *p) { EACH(rs, progress, p); }

int reporters_record(struct reporters *rs, const struct rn_record *r) { EACH(rs, record, r); }

int reporters_epoch(struct reporters *rs, const struct rn_report *r) { EACH(rs, epoch, r); }

int reporters_end(struct reporters *rs, const struct rn_report *r) { EACH(rs, end, r); }

int reporters_flush(struct reporters *rs)
{
    for (int i = 0; i < rs->n_open; i++)
        if (ops_of(rs, i)->flush)
            TRY(named(rs, i, ops_of(rs, i)->flush(rs->handles[i])));
    return RN_OK;
}

void reporters_runs(const struct reporters *rs, const char *root)
{
    struct error why = error_save();

    for (int i = 0; i < rs->n; i++)
        if (runs_page(root, rs->parts[i].plugin, rs->parts[i].opts) < 0)
            log_line(RN_WARNING, NULL, "the page over all runs is as it was: %s", error_text());
    error_restore(&why);
}

void reporters_close(struct reporters *rs)
{
    while (rs->n_open > 0) {
        rs->n_open--;
        ops_of(rs, rs->n_open)->close(rs->handles[rs->n_open]);
    }
}
