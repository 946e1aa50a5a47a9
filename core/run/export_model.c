/* export_model.c - where the file goes, what is told of the model, and who writes it. */
#include "export_model.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"

#include <stdio.h>
#include <string.h>

const char export_model_formats[] = "safetensors, npz, onnx, c";

static const struct format {
    const char *name, *ending;
    int (*text)(const struct trained *t, const struct weights *w, struct text *out);
} formats[] = {{"safetensors", "safetensors", NULL},
               {"npz", "npz", export_npz},
               {"onnx", "onnx", export_onnx},
               {"c", "c", export_c}};

static const struct format *find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(name, formats[i].name))
            return &formats[i];
    return NULL;
}

bool export_is_model(const char *format) { return find(format) != NULL; }

/* ---- what is told of it ------------------------------------------------------------------------
 */

static void numbers(struct text *t, const struct rn_floats *list)
{
    text_add(t, "[");
    for (int64_t i = 0; i < list->count; i++) {
        text_add(t, i ? ", " : "");
        json_number(t, list->at[i]);
    }
    text_add(t, "]");
}

static void words(struct text *t, const char *const *list, int64_t n)
{
    text_add(t, "[");
    for (int64_t i = 0; i < n; i++) {
        text_add(t, i ? ", " : "");
        json_string(t, list[i]);
    }
    text_add(t, "]");
}

/* An empty list says nothing. The text is freed. */
static int put(struct pool *p, struct export_facts *f, const char *key, struct text *value)
{
    const char *s = value->status ? NULL : pool_strdup(p, text_str(value));

    text_free(value);
    if (s && strcmp(s, "[]") != 0)
        f->fact[f->n++] = (struct rn_fact){key, s};
    return s ? RN_OK : RN_ENOMEM;
}

int export_tell(const struct trained *t, struct pool *p, struct export_facts *f)
{
    const struct experiment *e = t->session.experiment;
    char hash[HASH_TEXT], shape[SHAPE_TEXT];
    struct text mean = {0}, std = {0}, names = {0}, input = {0}, config = {0};

    TRY(experiment_identity(e, hash));
    text_add(&config, "%s", hash);
    text_add(&input, "%s", shape_text(&t->info.input, shape));
    numbers(&mean, &e->split.mean);
    numbers(&std, &e->split.std);
    words(&names, t->class_names, t->info.classes);
    const char *slash = strrchr(t->weights, '/');
    *f = (struct export_facts){.fact = {{"run", t->run.id},
                                        {"experiment", e->name},
                                        {"runner", RUNNER_VERSION},
                                        {"weights", slash ? slash + 1 : t->weights}},
                               .n = 4};
    const struct {
        const char *key;
        struct text *value;
    } rest[] = {{"config", &config},
                {"input", &input},
                {"normalize.mean", &mean},
                {"normalize.std", &std},
                {"class_names", &names}};
    int status = RN_OK;
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        int one = put(p, f, rest[i].key, rest[i].value);
        status = status ? status : one;
    }
    return status;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static int make_folder(struct pool *p, const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash || slash == path)
        return RN_OK;
    const char *dir = pool_strndup(p, path, (size_t)(slash - path));
    return dir ? file_mkdirs(dir) : RN_ENOMEM;
}

static const char *path_of(const struct trained *t, struct pool *p, const struct format *format,
                           const char *file, const char *dir)
{
    const char *name = t->session.experiment->name;

    if (file)
        return file;
    return dir ? pool_printf(p, "%s/%s-%s.%s", dir, name, t->run.id, format->ending)
               : pool_printf(p, "%s/export/%s.%s", t->run.dir, name, format->ending);
}

static int write_safetensors(const struct trained *t, struct pool *p, const struct weights *w,
                             const char *path)
{
    struct export_facts f;

    TRY(make_folder(p, path));
    TRY(export_tell(t, p, &f));
    f.fact[f.n++] = (struct rn_fact){"format", "pt"};
    return safetensors_write(path, w->tensors, w->n, f.fact, f.n);
}

static int write_file(const struct trained *t, struct pool *p, const struct format *format,
                      const struct weights *w, const char *path)
{
    struct text out = {0};

    if (!format->text)
        return write_safetensors(t, p, w, path);
    int status = format->text(t, w, &out);
    if (status >= 0)
        status = out.status;
    if (status >= 0)
        status = make_folder(p, path);
    if (status >= 0)
        status = file_write(path, out.s, out.n);
    text_free(&out);
    return status;
}

int export_model(const struct trained *t, const char *format, const char *file, const char *dir,
                 struct text *said)
{
    struct weights w;

    int status = checkpoint_collect(t->session.model, &w);
    const char *path = status < 0 ? NULL : path_of(t, w.pool, find(format), file, dir);
    if (status >= 0)
        status = path ? write_file(t, w.pool, find(format), &w, path) : RN_ENOMEM;
    if (status >= 0)
        text_add(said, "%s\n", path);
    weights_free(&w);
    return status;
}
