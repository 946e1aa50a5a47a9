/* html.c - the reporter: when its pages are written, and where. */
#include "index.h"
#include "run.h"

#define REWRITE_NS 2000000000u /* while it runs */

struct html {
    uint64_t written_ns; /* 0: never */
};

static int write_page(struct html *h, const struct rn_report *r)
{
    char path[4096];

    if (snprintf(path, sizeof path, "%s/report.html", r->dir) >= (int)sizeof path)
        return RN_FAIL(RN_EIO, "html: the path %s is too long", r->dir);
    int status = run_write(r, path);
    h->written_ns = rn_host->clock_ns();
    return status;
}

static int html_open(const void *opts, const struct rn_report *r, void **out)
{
    (void)opts, (void)r;
    *out = rn_host->alloc(sizeof(struct html));
    return *out ? RN_OK : RN_FAIL(RN_ENOMEM, "out of memory: html");
}

static int html_epoch(void *rep, const struct rn_report *r)
{
    struct html *h = rep;

    if (h->written_ns && rn_host->clock_ns() - h->written_ns < REWRITE_NS)
        return RN_OK;
    return write_page(h, r);
}

static int html_end(void *rep, const struct rn_report *r) { return write_page(rep, r); }

static void html_close(void *rep) { rn_host->free(rep); }

static int html_runs(const void *opts, const struct rn_runs *runs, const char *path)
{
    (void)opts;
    return index_write(runs, path);
}

static int html_compare(const void *opts, const struct rn_comparison *c, const char *path)
{
    (void)opts;
    return compare_write(c, path);
}

static int html_sweep(const void *opts, const struct rn_sweep *s, const char *dir)
{
    (void)opts;
    return sweep_page(s, dir);
}

static int html_bench(const void *opts, const struct rn_bench *b, const char *dir)
{
    (void)opts;
    return bench_page(b, dir);
}

static const struct rn_plugin html = {
    RN_PLUGIN_PLAIN(RN_KIND_REPORTER),
    .traits = RN_TRAIT_DEFAULT | RN_TRAIT_FROM_FILES,
    .priority = 10,
    .name = "html",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "report.html: the whole run on one page that needs nothing else",
    .doc =
        "Writes report.html into the run folder, at the end and, while it runs, after an epoch\n"
        "at most every 2 s. The page has figures, pictures and a small script inside and loads\n"
        "nothing; without the script all is there but values under the pointer, sorting, and\n"
        "pictures behind the cells of the confusion matrix. After each run index.html, beside the\n"
        "folders of the experiments, has all runs in a table; `runner compare --html` makes a "
        "page\n"
        "of a few, and a sweep one over all its runs, a benchmark one of what it timed, "
        "report.html in\n"
        "their folders.",
    .ops = &(const struct rn_reporter_ops){.size = sizeof(struct rn_reporter_ops),
                                           .open = html_open,
                                           .epoch = html_epoch,
                                           .end = html_end,
                                           .close = html_close,
                                           .runs = html_runs,
                                           .compare = html_compare,
                                           .sweep = html_sweep,
                                           .bench = html_bench},
};

RN_PLUGINS(&html);
