/* jsonl.c - metrics.jsonl in the run folder: one line a measurement, for programs. Lines are
 * gathered for at most a second or until an epoch ends, then added to the file at once.
 *   {"v":1,"t":12.41,"step":844,"epoch":1,"split":"val","loss":0.1312,"accuracy":0.9603} */
#define _POSIX_C_SOURCE 200809L
#include <runner/reporter.h>
#include <runner/text.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BUFFER      16384
#define INTERVAL_NS 1000000000u
#define FILE_MAX    (UINT64_C(1) << 36)

struct jsonl {
    char path[PATH_MAX];
    uint64_t flushed_ns;
    struct rn_text lines;
};

static int flush(struct jsonl *j)
{
    size_t n = j->lines.n;

    j->lines.n = 0; /* also when it fails: nothing is written twice */
    j->flushed_ns = rn_host->clock_ns();
    return n ? rn_host->append_file(j->path, j->lines.s, n) : RN_OK;
}

static int jsonl_record(void *rep, const struct rn_record *r)
{
    struct jsonl *j = rep;
    struct rn_text *t = &j->lines;
    size_t before = t->n;

    rn_text_add(t, "{\"v\":1,\"t\":%.3f,\"step\":%lld,\"epoch\":%lld,\"split\":",
                isfinite(r->seconds) ? r->seconds : 0, (long long)r->step, (long long)r->epoch);
    rn_text_json_string(t, r->split);
    for (uint32_t i = 0; i < r->n_metrics; i++) {
        rn_text_str(t, ",");
        rn_text_json_string(t, r->metrics[i].name);
        rn_text_str(t, ":");
        rn_text_json_number(t, r->metrics[i].value);
    }
    rn_text_str(t, "}\n");
    if (t->status) {
        t->n = before; /* no half a line */
        return t->status;
    }
    return t->n > BUFFER || rn_host->clock_ns() - j->flushed_ns >= INTERVAL_NS ? flush(j) : RN_OK;
}

static int jsonl_flush(void *rep, const struct rn_report *r)
{
    (void)r;
    return flush(rep);
}

static int jsonl_flush_now(void *rep) { return flush(rep); }

/* The file has the measurements that were handed out before, and no more: what came behind the
 * checkpoint is measured again, and a last line may be torn. */
static int cut(const struct jsonl *j, int64_t records)
{
    void *data;
    uint64_t bytes;

    RN_TRY(rn_host->append_file(j->path, "", 0)); /* it is there from the start */
    RN_TRY(rn_host->read_file(j->path, FILE_MAX, &data, &bytes));
    const char *text = data, *end = text, *line;
    while (records-- > 0 && (line = strchr(end, '\n')))
        end = line + 1;
    uint64_t keep = (uint64_t)(end - text);
    int status = keep < bytes ? rn_host->write_file(j->path, text, keep) : RN_OK;
    rn_host->free(data);
    return status;
}

static int jsonl_open(const void *opts, const struct rn_report *r, void **out)
{
    struct jsonl *j = rn_host->alloc(sizeof *j);
    int status;

    (void)opts;
    *out = NULL;
    if (!j)
        return RN_FAIL(RN_ENOMEM, "jsonl: out of memory");
    j->flushed_ns = rn_host->clock_ns();
    int n = snprintf(j->path, sizeof j->path, "%s/metrics.jsonl", r->dir);
    if (n < 0 || (size_t)n >= sizeof j->path)
        status = RN_FAIL(RN_EIO, "%s/metrics.jsonl: the path is too long", r->dir);
    else
        status = cut(j, r->resumed_records);
    if (status < 0)
        rn_host->free(j);
    else
        *out = j;
    return status;
}

static void jsonl_close(void *rep)
{
    struct jsonl *j = rep;

    flush(j); /* after an error elsewhere: what was measured stays */
    rn_host->free(j->lines.s);
    rn_host->free(j);
}

static const struct rn_reporter_ops ops = {.size = sizeof ops,
                                           .open = jsonl_open,
                                           .record = jsonl_record,
                                           .epoch = jsonl_flush,
                                           .end = jsonl_flush,
                                           .close = jsonl_close,
                                           .flush = jsonl_flush_now};

static const struct rn_plugin jsonl = {
    RN_PLUGIN_PLAIN(RN_KIND_REPORTER),
    .traits = RN_TRAIT_DEFAULT,
    .priority = 30,
    .name = "jsonl",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "metrics.jsonl: every measurement as a line of JSON",
    .doc =
        "Keys: v (1), t (seconds since the start of training), step, epoch, split, then one for\n"
        "each metric. Numbers that are not finite are the strings \"nan\", \"inf\", \"-inf\".",
    .ops = &ops,
};

RN_PLUGINS(&jsonl);
