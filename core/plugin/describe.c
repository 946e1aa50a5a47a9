/* describe.c - plugins in words: lists, one plugin with its options, an example line. */
#include "describe.h"

#include "base/error.h"
#include "base/json.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- example -------------------------------------------------------------- */

static const char *const sections[] = {
    [RN_KIND_DEVICE] = "device: ",       [RN_KIND_LAYER] = "- ",
    [RN_KIND_LOSS] = "loss: ",           [RN_KIND_OPTIMIZER] = "optimizer: ",
    [RN_KIND_DATASET] = "data: ",        [RN_KIND_REPORTER] = "- ",
    [RN_KIND_SCHEDULER] = "scheduler: ", [RN_KIND_CALLBACK] = "- ",
    [RN_KIND_AUGMENTATION] = "- ",
};

/* A number within the range, as near to 1 as it allows. */
static double example_number(const struct rn_option *o, double step)
{
    double low = o->flags & RN_OPT_OPEN_MIN ? o->min + step : o->min;
    double high = o->flags & RN_OPT_OPEN_MAX ? o->max - step : o->max;

    return fmin(fmax(1, low), high);
}

static void example_list(const struct rn_option *o, struct text *out)
{
    text_add(out, "[1");
    for (int i = 1; i < o->min; i++)
        text_add(out, ", 1");
    text_add(out, "]");
}

static void example_value(const struct rn_option *o, struct text *out)
{
    bool text = o->type == RN_OPT_STRING || o->type == RN_OPT_PATH;
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-";

    if (o->fallback && text && (!*o->fallback || o->fallback[strspn(o->fallback, plain)])) {
        json_string(out, o->fallback);
        return;
    }
    if (o->fallback) {
        text_add(out, "%s", o->fallback);
        return;
    }
    switch (o->type) {
    case RN_OPT_BOOL: text_add(out, "true"); return;
    case RN_OPT_INT: text_add(out, "%.0f", example_number(o, 1)); return;
    case RN_OPT_SIZE: text_add(out, "%.0f B", example_number(o, 1)); return;
    case RN_OPT_FLOAT:
        text_add(out, "%g", example_number(o, fmin(o->max / 2 - o->min / 2, 0.5)));
        return;
    case RN_OPT_CHOICE: text_add(out, "%s", o->choices->name); return;
    case RN_OPT_SPAN:
        text_add(out, "%g %s", example_number(o, 1), o->flags & RN_OPT_TIME ? "h" : "epochs");
        return;
    case RN_OPT_INTS:
    case RN_OPT_FLOATS: example_list(o, out); return;
    case RN_OPT_LAYERS: text_add(out, "[relu]"); return;
    default: text_add(out, "%s", o->name);
    }
}

/* What is required; where nothing is, the first option with a default. */
static bool in_example(const struct option_table *t, const struct rn_option *o)
{
    for (int i = 0; i < t->n; i++)
        if (t->rows[i].flags & RN_OPT_REQUIRED)
            return o->flags & RN_OPT_REQUIRED;
    for (int i = 0; i < t->n; i++)
        if (t->rows[i].fallback && !(t->rows[i].flags & RN_OPT_DEPRECATED))
            return o == &t->rows[i];
    return false;
}

void describe_example(const struct plugin *p, struct text *out)
{
    bool map = false;

    text_add(out, "%s", sections[p->kind]);
    for (int i = 0; i < p->options.n; i++) {
        const struct rn_option *o = &p->options.rows[i];
        if (!in_example(&p->options, o))
            continue;
        if (!map)
            text_add(out, "{type: %s", p->name);
        map = true;
        text_add(out, ", %s: ", o->name);
        example_value(o, out);
    }
    text_add(out, "%s", map ? "}" : p->name);
}

/* ---- devices -------------------------------------------------------------- */

/* Why a device can't be used on this machine, in p: it is opened to see. NULL: it can, or it is no
 * device. */
static const char *trouble_of(struct pool *p, const struct plugin *plugin)
{
    struct rn_device *dev = NULL;
    void *opts;

    if (plugin->kind != RN_KIND_DEVICE)
        return NULL;
    struct diag *d = diag_new(p);
    int status = d ? options_parse(p, &plugin->options, NULL, (struct mark){0}, "device",
                                   plugin->name, NULL, d, &opts)
                   : RN_ENOMEM;
    error_clear();
    status = status < 0 ? status : plugin->ops.device.open(opts, &dev);
    if (status < 0)
        return pool_strdup(p, *error_text() ? error_text() : "it does not say why");
    dev->ops = &plugin->ops.device;
    dev->ops->close(dev);
    return NULL;
}

/* ---- lists ---------------------------------------------------------------- */

static void list_text(struct pool *pool, const struct plugin *const *list, int n,
                      const struct text *bad, struct text *out)
{
    int name = 0, version = 0;

    for (int i = 0; i < n; i++) {
        int a = (int)strlen(list[i]->name), b = (int)strlen(list[i]->version);
        name = a > name ? a : name;
        version = b > version ? b : version;
    }
    for (int i = 0; i < n; i++) {
        const struct plugin *p = list[i];
        if (!i || list[i - 1]->kind != p->kind)
            text_add(out, "%s%s\n", i ? "\n" : "", kind_folder(p->kind));
        const char *trouble = trouble_of(pool, p);
        text_add(out, "  %-*s  %-*s  %s\n", name, p->name, version, p->version, p->summary);
        if (trouble)
            text_add(out, "  %*s  %*s  can't be used here: %s\n", name, "", version, "", trouble);
    }
    if (bad->n)
        text_add(out, "%scannot be used\n", n ? "\n" : "");
    for (const char *s = text_str(bad); *s;) {
        size_t line = strcspn(s, "\n") + 1;
        text_put(out, "  ", 2);
        text_put(out, s, line);
        s += line;
    }
    if (!n && !bad->n)
        text_add(out, "no plugins were found\n");
}

static void key_string(struct text *out, const char *key, const char *value)
{
    text_add(out, "%s\"%s\":", out->n && out->s[out->n - 1] == '{' ? "" : ",", key);
    if (value)
        json_string(out, value);
    else
        text_add(out, "null");
}

static void head_json(struct pool *pool, const struct plugin *p, struct text *out)
{
    const char *trouble = trouble_of(pool, p);

    text_add(out, "{\"kind\":\"%s\"", kind_name(p->kind));
    key_string(out, "name", p->name);
    key_string(out, "version", p->version);
    key_string(out, "summary", p->summary);
    key_string(out, "license", p->license);
    key_string(out, "file", p->path);
    if (p->kind == RN_KIND_DEVICE)
        key_string(out, "unusable", trouble);
}

static void list_json(struct pool *p, const struct plugin *const *list, int n, struct text *bad,
                      struct text *out)
{
    text_add(out, "{\"plugins\":[");
    for (int i = 0; i < n; i++) {
        text_add(out, i ? "," : "");
        head_json(p, list[i], out);
        text_add(out, "}");
    }
    text_add(out, "],\"unusable\":[");
    for (char *s = bad->s; s && *s;) {
        char *end = s + strcspn(s, "\n");
        *end = '\0';
        text_add(out, s == bad->s ? "" : ",");
        json_string(out, s);
        s = end + 1;
    }
    text_add(out, "]}\n");
}

int describe_list(struct registry *r, uint32_t kind, bool json, struct text *out)
{
    const struct plugin *const *list;
    struct pool *p = pool_new();
    struct text bad = {0};
    int n, status = p ? registry_all(r, kind, &list, &n, &bad) : RN_ENOMEM;

    if (!status && json)
        list_json(p, list, n, &bad, out);
    else if (!status)
        list_text(p, list, n, &bad, out);
    text_free(&bad);
    pool_free(p);
    return status ? status : out->status;
}

/* ---- one plugin ----------------------------------------------------------- */

static void indented(const char *s, struct text *out)
{
    for (size_t n; *s; s += n + (s[n] == '\n')) {
        n = strcspn(s, "\n");
        text_add(out, n ? "  %.*s\n" : "\n", (int)n, s);
    }
}

static void plugin_text(struct pool *pool, const struct plugin *p, struct text *out)
{
    const char *trouble = trouble_of(pool, p);

    text_add(out, "%s %s %s: %s\n", kind_name(p->kind), p->name, p->version, p->summary);
    if (p->doc && *p->doc) {
        text_add(out, "\n");
        indented(p->doc, out);
    }
    text_add(out, "\n");
    if (p->options.n)
        options_describe(&p->options, out);
    else
        text_add(out, "  no options\n");
    text_add(out, "\nexample  ");
    describe_example(p, out);
    if (trouble)
        text_add(out, "\nhere     can't be used: %s", trouble);
    text_add(out, "\nlicense  %s\nfile     %s\n", p->license, p->path);
}

static void bound_json(struct text *out, const char *key, double v)
{
    if (fabs(v) >= DBL_MAX)
        return;
    text_add(out, ",\"%s\":", key);
    json_number(out, v);
}

static void choices_json(const struct rn_option *o, struct text *out)
{
    text_add(out, ",\"choices\":[");
    for (const struct rn_choice *c = o->choices; c->name; c++) {
        text_add(out, c == o->choices ? "{" : ",{");
        key_string(out, "name", c->name);
        key_string(out, "help", c->help);
        text_add(out, "}");
    }
    text_add(out, "]");
}

static void option_json(const struct rn_option *o, struct text *out)
{
    struct text accepts = {0};

    options_type_text(o, &accepts);
    text_add(out, "{");
    key_string(out, "name", o->name);
    key_string(out, "type", options_type_name(o->type));
    key_string(out, "accepts", text_str(&accepts));
    out->status = out->status ? out->status : accepts.status;
    text_free(&accepts);
    key_string(out, "default", o->fallback);
    text_add(out, ",\"required\":%s", o->flags & RN_OPT_REQUIRED ? "true" : "false");
    if (o->choices)
        choices_json(o, out);
    if (o->type != RN_OPT_CHOICE && o->type != RN_OPT_BOOL) {
        bound_json(out, o->flags & RN_OPT_OPEN_MIN ? "above" : "min", o->min);
        bound_json(out, o->flags & RN_OPT_OPEN_MAX ? "below" : "max", o->max);
    }
    key_string(out, "unit", o->unit);
    key_string(out, "help", o->help);
    key_string(out, "alias", o->alias);
    text_add(out, ",\"deprecated\":%s}", o->flags & RN_OPT_DEPRECATED ? "true" : "false");
}

static void plugin_json(struct pool *pool, const struct plugin *p, struct text *out)
{
    struct text example = {0};

    describe_example(p, &example);
    head_json(pool, p, out);
    key_string(out, "doc", p->doc);
    key_string(out, "example", text_str(&example));
    out->status = out->status ? out->status : example.status;
    text_free(&example);
    text_add(out, ",\"options\":[");
    for (int i = 0; i < p->options.n; i++) {
        text_add(out, i ? "," : "");
        option_json(&p->options.rows[i], out);
    }
    text_add(out, "]}\n");
}

static int unknown_kind(const char *word)
{
    struct text kinds = {0};

    for (uint32_t k = 1; kind_name(k); k++)
        text_add(&kinds, "%s%s", k > 1 ? ", " : "", kind_name(k));
    int status =
        FAIL(RN_EINVAL, "'%s' is no kind of plugin; there are: %s", word, text_str(&kinds));
    text_free(&kinds);
    return status;
}

static int unknown_name(struct registry *r, const char *name)
{
    const struct plugin *const *list;
    const char *names[256];
    int n;

    TRY(registry_all(r, 0, &list, &n, NULL));
    n = n < 256 ? n : 256;
    for (int i = 0; i < n; i++)
        names[i] = list[i]->name;
    const char *near = diag_nearest(name, names, n);
    return FAIL(RN_EPLUGIN, "no plugin is called '%s'%s%s%s; see `runner plugins`", name,
                near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* By name alone: the only plugin of that name, or why its file can't be used. */
static int find_any(struct registry *r, const char *name, const struct plugin **out)
{
    struct text kinds = {0};
    uint32_t promised = 0;
    int count = 0;

    for (uint32_t k = 1; kind_name(k); k++) {
        const char *const *names;
        const struct plugin *p;
        int n;
        TRY(registry_names(r, k, &names, &n));
        for (int i = 0; i < n; i++)
            promised = strcmp(names[i], name) ? promised : k;
        int status = registry_find(r, k, name, &p);
        if (status == RN_ENOMEM)
            return text_free(&kinds), status;
        if (status)
            continue;
        text_add(&kinds, "%s%s", count++ ? ", " : "", kind_name(k));
        *out = p;
    }
    int status = RN_OK;
    if (count > 1)
        status = FAIL(RN_EINVAL, "'%s' is the name of several plugins; say which kind: %s", name,
                      text_str(&kinds));
    else if (!count)
        status = promised ? registry_find(r, promised, name, out) : unknown_name(r, name);
    text_free(&kinds);
    return status;
}

int describe_plugin(struct registry *r, const char *kind, const char *name, bool json,
                    struct text *out)
{
    const struct plugin *p;

    if (kind && !kind_by_name(kind))
        return unknown_kind(kind);
    TRY(kind ? registry_find(r, kind_by_name(kind), name, &p) : find_any(r, name, &p));
    struct pool *pool = pool_new();
    if (pool && json)
        plugin_json(pool, p, out);
    else if (pool)
        plugin_text(pool, p, out);
    pool_free(pool);
    return pool ? out->status : RN_ENOMEM;
}
