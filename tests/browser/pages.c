/* pages.c - writes pages for check.py, by the reporter's plugin, from runs that never were: one
 * with everything a report can have, one of each other sort, and one full of each payload.
 *
 *   pages FOLDER     FOLDER/full/report.html, .../many, regression, running, empty; hostile-00 ...
 *                    and FOLDER/full/index.html, compare.html, sweep/ and bench/report.html,
 *                    over many runs; hostile-00 ...
 */
#define _GNU_SOURCE
#include "base/error.h"
#include "base/file.h"
#include "plugin/registry.h"
#include "support/made_facts.h"
#include "support/made_run.h"
#include "support/made_runs.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts of people who mean harm: out of an element, an attribute, a script, a style, a comment, an
 * address, a JSON block; and what turns or hides a line. Those that harm only where a text begins
 * come first: GROUPS of them, three in each page, and the first of each begins it. */
static const char *const payloads[] = {
    "javascript:alert(1)",
    "JaVaScRiPt&colon;alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//example.org/x.js",
    "http://example.org/?q=\"",
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd\" onclick=\"alert(1)",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\"><img src=x onerror=alert(1)>",
    "'><img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "</svg><img src=x onerror=alert(1)>",
    "</desc><script>alert(1)</script>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "x onload=alert(1) y",
    "`onload=alert(1)`",
    "<iframe src=javascript:alert(1)>",
    "<meta http-equiv=refresh content=0;url=http://example.org>",
    "<base href=http://example.org/>",
    "<link rel=stylesheet href=http://example.org/x.css>",
    "<style>@import url(http://example.org/x.css)</style>",
    "}body{background:url(http://example.org/x.png)}",
    ";background:url(http://example.org/x.png)",
    "<form action=http://example.org><input autofocus onfocus=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<video src=http://example.org/x onerror=alert(1)>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)>",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "\"}};alert(1);//",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "\xE2\x80\xAE\xE2\x81\xA6 gnp.exe \xE2\x80\xA8 alert(1) \xE2\x80\xA9",
    "&lt;img src=x onerror=alert(1)&gt;",
    "\xC0\xBCscript\xC0\xBE(alert)(1)\x80\xFF",
    "<img src=x onerror=window.__pwned=1 //",
};
enum { PAYLOADS = sizeof payloads / sizeof *payloads, GROUPS = (PAYLOADS + 2) / 3 };

static const struct rn_reporter_ops *html_ops(void)
{
    char path[512];
    const char *plugins = getenv("RN_PLUGIN_PATH");
    rn_plugin_query_fn *query = NULL;

    snprintf(path, sizeof path, "%s/reporters/html.so", plugins ? plugins : "");
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = so ? dlsym(so, RN_QUERY_SYMBOL) : NULL;
    if (!symbol) {
        fprintf(stderr, "pages: %s: set RN_PLUGIN_PATH to the folder of plugins\n", path);
        return NULL;
    }
    memcpy(&query, &symbol, sizeof query);
    return query(host_table())[0]->ops;
}

static int write_page(const char *folder, const char *name, const struct made_run *m, bool filled,
                      const char *status)
{
    const struct rn_reporter_ops *ops = html_ops();
    char dir[512];
    struct report *made = NULL;
    void *rep = NULL;

    snprintf(dir, sizeof dir, "%s/%s", folder, name);
    int result = ops ? file_mkdirs(dir) : RN_EPLUGIN;
    result = result ? result : made_run(m, dir, &made);
    if (!result) {
        struct rn_report r = *report_view(made);
        r.status = status ? status : r.status;
        r.parameters = 123456789;
        if (filled)
            made_facts(&r, m->text);
        result = ops->open(NULL, &r, &rep);
        result = result ? result : ops->end(rep, &r);
        if (rep)
            ops->close(rep);
    }
    report_close(made);
    return result;
}

/* dir/sweep/report.html */
static int write_sweep(const struct rn_reporter_ops *ops, const char *dir,
                       const struct rn_report *const *views, const char *const *texts)
{
    struct rn_sweep s;
    char path[600];

    made_sweep(&s, views, texts);
    snprintf(path, sizeof path, "%s/sweep", dir);
    int status = file_mkdirs(path);
    return status ? status : ops->sweep(NULL, &s, path);
}

/* dir/bench/report.html */
static int write_bench(const struct rn_reporter_ops *ops, const char *dir,
                       const struct rn_comparison *c, const char *const *texts)
{
    struct rn_bench b;
    char path[600];

    made_bench(&b, c, texts);
    snprintf(path, sizeof path, "%s/bench", dir);
    int status = file_mkdirs(path);
    return status ? status : ops->bench(NULL, &b, path);
}

/* The pages over many runs, index.html, compare.html and that of a sweep, into a folder that is
 * there. */
static int write_many(const char *folder, const char *name, const char *const *texts)
{
    const struct rn_reporter_ops *ops = html_ops();
    const struct rn_report *views[MADE_RUNS] = {NULL};
    struct report *made[MADE_RUNS] = {NULL};
    struct rn_runs runs;
    struct rn_comparison c;
    char dir[512], path[600];
    int n = texts ? MADE_RUNS : 3, result;

    snprintf(dir, sizeof dir, "%s/%s", folder, name);
    result = ops ? file_mkdirs(dir) : RN_EPLUGIN;
    for (int i = 0; !result && i < n; i++) {
        result = made_run(&(struct made_run){4, 3, 40, texts ? texts[i] : NULL, true, false}, dir,
                          &made[i]);
        views[i] = result ? NULL : report_view(made[i]);
    }
    if (!result) {
        made_runs(&runs, texts);
        snprintf(path, sizeof path, "%s/index.html", dir);
        result = ops->runs(NULL, &runs, path);
    }
    if (!result) {
        made_comparison(&c, views, n, texts);
        snprintf(path, sizeof path, "%s/compare.html", dir);
        result = ops->compare(NULL, &c, path);
    }
    result = result ? result : write_bench(ops, dir, &c, texts);
    result = result ? result : write_sweep(ops, dir, views, texts);
    for (int i = 0; i < n; i++)
        report_close(made[i]);
    return result;
}

int main(int argc, char **argv)
{
    const char *to = argc == 2 ? argv[1] : NULL;
    char name[32], text[512];

    if (!to) {
        fprintf(stderr, "usage: pages FOLDER\n");
        return 2;
    }
    int bad = write_page(to, "full", &(struct made_run){10, 12, 400, NULL, true, true}, true, NULL);
    bad = bad ? bad
              : write_page(to, "many", &(struct made_run){100, 3, 2000, NULL, true, false}, true,
                           NULL);
    bad = bad ? bad
              : write_page(to, "regression", &(struct made_run){0, 4, 50, NULL, false, true}, false,
                           NULL);
    bad = bad ? bad
              : write_page(to, "running", &(struct made_run){5, 1, 0, NULL, false, false}, false,
                           "running");
    bad = bad ? bad
              : write_page(to, "empty", &(struct made_run){5, 0, 0, NULL, false, false}, false,
                           "failed");
    bad = bad ? bad : write_many(to, "full", NULL);
    for (int i = 0; !bad && i < GROUPS; i++) {
        int last = i + 2 * GROUPS;
        snprintf(name, sizeof name, "hostile-%02d", i);
        snprintf(text, sizeof text, "%s %s %s", payloads[i], payloads[i + GROUPS],
                 last < PAYLOADS ? payloads[last] : "");
        bad = write_page(to, name, &(struct made_run){4, 3, 40, text, true, false}, true, NULL);
    }
    for (int i = 0; !bad && i < PAYLOADS; i += MADE_RUNS) {
        int rest = PAYLOADS - MADE_RUNS; /* the last pages share some */
        snprintf(name, sizeof name, "hostile-%02d", i);
        bad = write_many(to, name, payloads + (i < rest ? i : rest));
    }
    if (bad)
        fprintf(stderr, "pages: %s\n", error_text());
    return bad ? 1 : 0;
}
