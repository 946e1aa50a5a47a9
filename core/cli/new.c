/* new.c - `runner plugins new`: a folder with a plugin that works as it is. */
#include "new.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "config/diag.h"
#include "plugin/registry.h"
#include "templates.h"

#include <string.h>

struct plan {
    struct pool *pool;
    const char *name;
    uint32_t kind;
    const char *folder; /* to be made */
};

static int kind_of(const char *word, uint32_t *out)
{
    const char *names[32];
    int n = 0;

    for (uint32_t k = 1; kind_name(k); k++)
        names[n++] = kind_name(k);
    *out = kind_by_name(word);
    if (*out == RN_KIND_DEVICE)
        return FAIL(RN_EINVAL, "there is no small device to begin with: runner/device.h says what "
                               "one has to do, plugins/devices/cpu in runner's source does it");
    if (*out)
        return RN_OK;
    const char *near = diag_nearest(word, names, n);
    return FAIL(RN_EINVAL, "'%s' is no kind of plugin%s%s%s; see `runner help plugins`", word,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* text with my_name, my_kind and my_folder replaced. */
static void put_filled(const struct plan *plan, const char *text, struct text *out)
{
    const char *const words[][2] = {{"my_name", plan->name},
                                    {"my_kind", kind_name(plan->kind)},
                                    {"my_folder", kind_folder(plan->kind)}};

    for (const char *at; (at = strstr(text, "my_"));) {
        size_t n = sizeof "my_" - 1;
        const char *value = "my_";
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (!strncmp(at, words[i][0], strlen(words[i][0])))
                n = strlen(words[i][0]), value = words[i][1];
        text_put(out, text, (size_t)(at - text));
        text_put(out, value, strlen(value));
        text = at + n;
    }
    text_put(out, text, strlen(text));
}

static char *filled(const struct plan *plan, const char *text)
{
    struct text t = {0};

    put_filled(plan, text, &t);
    char *s = t.status ? NULL : pool_strdup(plan->pool, text_str(&t));
    text_free(&t);
    return s;
}

static int write_file(const struct plan *plan, const struct template_file *f)
{
    const char *name = filled(plan, f->name);
    const char *slash = name ? strrchr(name, '/') : NULL;
    const char *path = name ? pool_printf(plan->pool, "%s/%s", plan->folder, name) : NULL;
    struct text t = {0};

    if (!path)
        return RN_ENOMEM;
    if (slash) {
        const char *dir =
            pool_printf(plan->pool, "%s/%.*s", plan->folder, (int)(slash - name), name);
        TRY(dir ? file_mkdirs(dir) : RN_ENOMEM);
    }
    for (const char *const *line = f->lines; *line; line++)
        put_filled(plan, *line, &t);
    int status = t.status ? t.status : file_write(path, text_str(&t), t.n);
    text_free(&t);
    return status;
}

static bool wanted(const struct plan *plan, const struct template_file *f)
{
    return !f->kind || f->kind == plan->kind;
}

static int write_all(const struct plan *plan)
{
    for (const struct template_file *f = template_files; f->name; f++)
        if (wanted(plan, f))
            TRY(write_file(plan, f));
    return RN_OK;
}

static int say(const struct plan *plan, bool json, struct text *out)
{
    int n = 0;

    text_add(out, json ? "{\"folder\":" : "made %s with", plan->folder);
    if (json) {
        json_string(out, plan->folder);
        text_add(out, ",\"files\":[");
    }
    for (const struct template_file *f = template_files; f->name; f++) {
        const char *name = wanted(plan, f) ? filled(plan, f->name) : "";
        if (!name)
            return RN_ENOMEM;
        if (!*name)
            continue;
        text_add(out, n++ ? ", " : json ? "" : " ");
        if (json)
            json_string(out, name);
        else
            text_add(out, "%s", name);
    }
    if (json)
        text_add(out, "]}\n");
    else
        text_add(out, "\n  cd %s && meson setup build && meson test -C build\n", plan->folder);
    return out->status;
}

int plugin_new(struct pool *p, const char *kind, const char *name, const char *dir, bool json,
               struct text *out)
{
    struct plan plan = {.pool = p, .name = name};

    TRY(kind_of(kind, &plan.kind));
    if (!plugin_name_good(name))
        return FAIL(RN_EINVAL,
                    "'%s' cannot be the name of a plugin: small letters, digits and '_', a letter "
                    "first, at most %d of them",
                    name, PLUGIN_NAME_MAX);
    plan.folder = strcmp(dir, ".") ? pool_printf(p, "%s/%s", dir, name) : name;
    if (!plan.folder)
        return RN_ENOMEM;
    if (file_exists(plan.folder))
        return FAIL(RN_EINVAL,
                    "%s exists already; choose another name, or another folder with "
                    "--out",
                    plan.folder);
    TRY(file_mkdirs(dir));
    TRY(file_mkdir_new(plan.folder));
    int status = write_all(&plan);
    status = status ? status : say(&plan, json, out);
    if (!status)
        return RN_OK;
    struct error why = error_save();
    file_remove_tree(plan.folder);
    error_restore(&why);
    return status;
}
