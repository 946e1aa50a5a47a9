/* my_name.c - a reporter: one text file in the run folder. reporter.h says what it hears of a run,
 * and when; text.h helps with JSON, HTML and long texts. */
#include <runner/reporter.h>

#include <stdio.h>
#include <string.h>

struct options {
    const char *file;
};

static const struct rn_option options[] = {
    RN_STRING(struct options, file, "my_name.txt", 0, "what it is called in the run folder"),
    RN_END,
};

struct reporter { /* between open() and close() */
    const struct options *options;
};

static int open_reporter(const void *opts, const struct rn_report *r, void **out)
{
    struct reporter *rep = rn_host->alloc(sizeof *rep);

    (void)r;
    if (!rep)
        return RN_FAIL(RN_ENOMEM, "my_name: out of memory");
    rep->options = opts;
    *out = rep;
    return RN_OK;
}

/* The last facts: the file is replaced whole, or left as it was. */
static int end(void *rep, const struct rn_report *r)
{
    const struct reporter *me = rep;
    char path[4096], text[1024];

    if (snprintf(path, sizeof path, "%s/%s", r->dir, me->options->file) >= (int)sizeof path)
        return RN_FAIL(RN_EINVAL, "my_name: the name of the file is too long");
    int n = snprintf(text, sizeof text, "%.200s: %s after %lld epochs\n", r->name, r->status,
                     (long long)r->n_epochs);
    if (r->test) /* NULL when it was not measured */
        n += snprintf(text + n, sizeof text - (size_t)n, "accuracy %.4f, loss %.4f\n",
                      r->test->accuracy, r->test->loss);
    return rn_host->write_file(path, text, (uint64_t)n);
}

static void close_reporter(void *rep) { rn_host->free(rep); }

static const struct rn_plugin plugin = {
    RN_PLUGIN_HEAD(RN_KIND_REPORTER, struct options),
    .name = "my_name",
    .version = "0.1.0",
    .license = "MIT",
    .summary = "a line or two in a text file",
    .doc = "Writes name, status, epochs and the test's result when a run ends.",
    .options = options,
    .ops = &(const struct rn_reporter_ops){.size = sizeof(struct rn_reporter_ops),
                                           .open = open_reporter,
                                           .end = end,
                                           .close = close_reporter},
};

RN_PLUGINS(&plugin);
