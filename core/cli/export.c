/* export.c - `runner export`. */
#include "cli/export.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "run/export.h"
#include "run/export_model.h"

#include <string.h>

/* The model of a run in a file. */
static int export_models(const struct args *a, struct text *said)
{
    int status = RN_OK;

    if (a->file && (a->n_words > 1 || a->dir))
        return FAIL(RN_EINVAL, a->dir ? "--file or --dir, not both"
                                      : "--file takes one run; for several there is --dir");
    if (a->file && !a->force && file_exists(a->file))
        return FAIL(RN_EINVAL, "%s is there already; --force writes over it", a->file);
    for (int i = 0; i < a->n_words && status >= 0; i++) {
        const struct trained_args args = {.root = a->out,
                                          .word = a->words[i],
                                          .weights = a->weights,
                                          .overrides = a->overrides,
                                          .n_overrides = a->n_overrides,
                                          .plugin_dirs = a->plugin_dirs,
                                          .n_plugin_dirs = a->n_plugin_dirs};
        struct trained t;
        status = trained_told(&t, trained_open(&args, &t));
        if (status >= 0)
            status = export_model(&t, a->to, a->file, a->dir, said);
        trained_close(&t);
    }
    return status;
}

/* What a run measured. */
static int export_runs(const struct args *a, struct registry **reg, struct text *said,
                       struct text *hint)
{
    struct pool *p = pool_new();
    struct export_job job = {.p = p, .to = a->dir, .said = said, .hint = hint};
    int status = p ? RN_OK : RN_ENOMEM;

    if (a->file || a->weights)
        status = FAIL(RN_EINVAL, "--%s is for formats of models (%s), and %s is none",
                      a->file ? "file" : "weights", export_model_formats, a->to);
    status = status < 0 ? status : registry_open(a->plugin_dirs, a->n_plugin_dirs, reg);
    for (int i = 0; status >= 0 && i < a->n_words; i++)
        status = export_run(*reg, a->out, a->words[i], a->to, &job);
    pool_free(p);
    return status;
}

static void as_json(const struct text *lines, struct text *out)
{
    const char *line = text_str(lines);

    text_add(out, "{\"exported\": [");
    for (size_t n; *line; line += n + (line[n] == '\n')) {
        struct text one = {0};
        n = strcspn(line, "\n");
        text_put(&one, line, n);
        text_add(out, line == text_str(lines) ? "" : ", ");
        json_string(out, text_str(&one));
        text_free(&one);
    }
    text_add(out, "]}\n");
}

int export_command(const struct args *a, struct registry **reg, struct text *out, struct text *hint)
{
    struct text said = {0};

    if (!a->n_words || !a->to)
        return FAIL(RN_EINVAL, "expected `export RUN ... --to FORMAT`; see `runner help export`");
    int status =
        export_is_model(a->to) ? export_models(a, &said) : export_runs(a, reg, &said, hint);
    if (status >= 0 && a->json)
        as_json(&said, out);
    else
        text_put(out, text_str(&said), said.n);
    if (status >= 0)
        status = said.status ? said.status : out->status;
    text_free(&said);
    return status;
}
