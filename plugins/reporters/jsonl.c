/* jsonl.c - metrics.jsonl in the run folder: one line a measurement, for programs. Lines are
 * gathered for at most a second or until an epoch ends, then added to the file at once.
 *   {"v":1,"t":12.41,"step":844,"epoch":1,"split":"val","loss":0.1312,"accuracy":0.9603} */
#define _POSIX_C_SOURCE 200809L
#include <runner/reporter.h>

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER      16384
#define INTERVAL_NS 1000000000u

struct jsonl {
    char path[PATH_MAX];
    uint64_t flushed_ns;
    size_t n;
    bool full; /* the line under way does not fit */
    char buffer[BUFFER];
};

static int flush(struct jsonl *j)
{
    size_t n = j->n;

    j->n = 0; /* also when it fails: nothing is written twice */
    j->flushed_ns = rn_host->clock_ns();
    return n ? rn_host->append_file(j->path, j->buffer, n) : RN_OK;
}

RN_PRINTF(2, 3) static void put(struct jsonl *j, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    int n = vsnprintf(j->buffer + j->n, BUFFER - j->n, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= BUFFER - j->n)
        j->full = true;
    else
        j->n += (size_t)n;
}

/* A name of the runner's own, with what JSON wants escaped. */
static void put_string(struct jsonl *j, const char *s)
{
    put(j, "\"");
    for (; *s; s++)
        if (*s == '"' || *s == '\\')
            put(j, "\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            put(j, "\\u%04x", *s);
        else
            put(j, "%c", *s);
    put(j, "\"");
}

/* The shortest text that reads back as v; JSON has no words for what is not finite. */
static void put_number(struct jsonl *j, double v)
{
    char s[40];

    if (!isfinite(v)) {
        put(j, "\"%s\"", isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, v);
        if (strtod(s, NULL) == v)
            break;
    }
    put(j, "%s", s);
}

static void put_record(struct jsonl *j, const struct rn_record *r)
{
    put(j, "{\"v\":1,\"t\":%.3f,\"step\":%lld,\"epoch\":%lld,\"split\":",
        isfinite(r->seconds) ? r->seconds : 0, (long long)r->step, (long long)r->epoch);
    put_string(j, r->split);
    for (uint32_t i = 0; i < r->n_metrics; i++) {
        put(j, ",");
        put_string(j, r->metrics[i].name);
        put(j, ":");
        put_number(j, r->metrics[i].value);
    }
    put(j, "}\n");
}

static int jsonl_record(void *rep, const struct rn_record *r)
{
    struct jsonl *j = rep;

    for (int again = 0; again < 2; again++) {
        size_t before = j->n;
        j->full = false;
        put_record(j, r);
        if (!j->full)
            break;
        j->n = before;
        if (!before)
            return RN_FAIL(RN_EBUG, "metrics.jsonl: a record of more than %d bytes", BUFFER);
        RN_TRY(flush(j));
    }
    return rn_host->clock_ns() - j->flushed_ns >= INTERVAL_NS ? flush(j) : RN_OK;
}

static int jsonl_flush(void *rep, const struct rn_report *r)
{
    (void)r;
    return flush(rep);
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
        status = rn_host->append_file(j->path, "", 0); /* it is there from the start */
    if (status < 0)
        rn_host->free(j);
    else
        *out = j;
    return status;
}

static void jsonl_close(void *rep)
{
    struct jsonl *j = rep;

    if (j->n)
        flush(j); /* after an error elsewhere: what was measured stays */
    rn_host->free(j);
}

static const struct rn_reporter_ops ops = {.size = sizeof ops,
                                           .open = jsonl_open,
                                           .record = jsonl_record,
                                           .epoch = jsonl_flush,
                                           .end = jsonl_flush,
                                           .close = jsonl_close};

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
