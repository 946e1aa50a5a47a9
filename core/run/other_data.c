/* other_data.c - overrides are text: sections are put into them as JSON, which is YAML. */
#include "other_data.h"

#include "base/error.h"
#include "base/file.h"
#include "config/compose.h"
#include "experiment/experiment.h"

#include <string.h>

enum { OVERRIDES = 8 };

static const char *as_json(struct pool *p, const char *path, const struct node *node)
{
    struct text t = {0};

    compose_json(node, &t);
    const char *s = t.status ? NULL : pool_printf(p, "%s=%s", path, text_str(&t));
    text_free(&t);
    return s;
}

static int add(const char **list, int *n, const char *override)
{
    list[(*n)++] = override;
    return override ? RN_OK : RN_ENOMEM;
}

/* The data of another experiment, with absolute paths. */
static int of_file(struct pool *p, struct registry *r, const char *file, const char **out)
{
    struct experiment *e = NULL;
    struct diag *d = NULL;

    int status = experiment_load(file, NULL, 0, r, &d, &e);
    if (status >= 0) {
        *out = as_json(p, "data", tree_get(e->root, "data"));
        status = *out ? RN_OK : RN_ENOMEM;
    } else if (d && diag_errors(d)) {
        struct text why = {0};
        diag_text(d, false, &why);
        status = FAIL(status, "--data %s:\n%s", file, text_str(&why));
        text_free(&why);
    }
    experiment_free(e);
    return status;
}

static int of_spec(struct pool *p, struct registry *r, const char *spec, const char **out)
{
    if (spec[0] == '{')
        *out = pool_printf(p, "data=%s", spec);
    else if (file_exists(spec))
        return of_file(p, r, spec, out);
    else if (plugin_name_good(spec))
        *out = pool_printf(p, "data={type: %s}", spec);
    else
        return FAIL(RN_EINVAL,
                    "--data %s: no such file; expected an experiment, or YAML as '{type: NAME, "
                    "path: FOLDER}'",
                    spec);
    return *out ? RN_OK : RN_ENOMEM;
}

/* That of the run, also where it is none. */
static int add_normalization(struct pool *p, const char *config, const char **list, int *n)
{
    struct node *root = NULL;
    uint64_t bytes;
    void *text;

    TRY(file_read(config, 1 << 24, &text, &bytes));
    int status = tree_resolved(p, text, &root);
    const struct node *data = root ? tree_get(root, "data") : NULL;
    const struct node *own = data ? tree_get(data, "normalize") : NULL;
    mem_free(text);
    TRY(status);
    return add(list, n,
               own ? as_json(p, "data.normalize", own) : pool_strdup(p, "data.normalize=null"));
}

int other_data(struct pool *p, struct registry *r, const char *config, const char *name,
               const char *spec, int more, const char ***overrides, int *n)
{
    const char **list = pool_alloc(p, (size_t)(OVERRIDES + more) * sizeof *list), *data = NULL;

    *n = 0;
    *overrides = list;
    if (!list)
        return RN_ENOMEM;
    TRY(add(list, n, pool_printf(p, "name=%s_eval", name)));
    TRY(add(list, n, "expect=null"));
    if (!spec)
        return RN_OK;
    TRY(of_spec(p, r, spec, &data));
    TRY(add(list, n, data));
    return add_normalization(p, config, list, n);
}
