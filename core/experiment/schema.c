/* schema.c - a file's JSON Schema for editors, from the tables of the core and of all plugins. A
 * file that extends another or has `set` may leave out what is required: that is a part of its own,
 * `need`. */
#include "tables.h"

#include "base/error.h"
#include "base/json.h"
#include "config/value.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NUMBER    "[+-]?([0-9][0-9_]*\\.?[0-9_]*|\\.[0-9][0-9_]*)([eE][+-]?[0-9]+)?"
#define REFERENCE "\\$\\{"
#define STEPS     "steps?|epochs?|samples?|%"
#define TIMES     "s|m|h"
#define DRAFT     "http://json-schema.org/draft-07/schema#"

/* Everything is put at once into what owns it, so that nothing is lost when memory is; what is
 * missing then keeps the whole from being printed. */
static cJSON *put(cJSON *parent, const char *key, cJSON *item)
{
    bool done = key ? cJSON_AddItemToObject(parent, key, item) : cJSON_AddItemToArray(parent, item);

    if (done)
        return item;
    cJSON_Delete(item);
    return NULL;
}

static cJSON *put_object(cJSON *parent, const char *key)
{
    return put(parent, key, cJSON_CreateObject());
}

static cJSON *put_list(cJSON *parent, const char *key)
{
    return put(parent, key, cJSON_CreateArray());
}

static void put_text(cJSON *parent, const char *key, const char *text)
{
    put(parent, key, cJSON_CreateString(text));
}

/* {"key": "text"} */
static void put_pair(cJSON *list, const char *key, const char *text)
{
    put_text(put_object(list, NULL), key, text);
}

static void put_pattern(cJSON *list, const char *pattern)
{
    cJSON *o = put_object(list, NULL);

    put_text(o, "type", "string");
    put_text(o, "pattern", pattern);
}

static void put_ref(cJSON *parent, const char *key, const char *prefix, const char *name)
{
    char path[160];

    snprintf(path, sizeof path, "#/definitions/%s%s", prefix, name);
    put_text(put_object(parent, key), "$ref", path);
}

/* ---- one option ----------------------------------------------------------- */

static void put_bounds(cJSON *to, const struct rn_option *o)
{
    double limit = o->type == RN_OPT_FLOAT ? DBL_MAX : 0x1p62;
    bool open_min = o->flags & RN_OPT_OPEN_MIN, open_max = o->flags & RN_OPT_OPEN_MAX;

    if (o->min > -limit)
        cJSON_AddNumberToObject(to, open_min ? "exclusiveMinimum" : "minimum", o->min);
    if (o->max < limit)
        cJSON_AddNumberToObject(to, open_max ? "exclusiveMaximum" : "maximum", o->max);
}

static void put_choices(cJSON *any, const struct rn_option *o)
{
    cJSON *choice = put_object(any, NULL), *names = put_list(choice, "enum");
    cJSON *helps = put_list(choice, "enumDescriptions");

    for (const struct rn_choice *c = o->choices; c && c->name; c++) {
        put_text(names, NULL, c->name);
        put_text(helps, NULL, c->help ? c->help : "");
    }
}

/* Numbers as YAML knows them, and those with k, M, G, % or _, which it takes for text. */
static void put_number(cJSON *any, const struct rn_option *o)
{
    bool whole = o->type == RN_OPT_INT || o->type == RN_OPT_INTS;
    cJSON *number = put_object(any, NULL);

    if (o->choices) /* words for some of them */
        put_choices(any, o);
    put_text(number, "type", whole ? "integer" : "number");
    if (o->type == RN_OPT_INT || o->type == RN_OPT_FLOAT)
        put_bounds(number, o);
    put_pattern(any, whole ? "^[+-]?[0-9]+(_[0-9]+)*[kMG]$|^[+-]?[0-9]+(_[0-9]+)+$|" REFERENCE
                           : "^" NUMBER
                             "([kMG]%?|%)$|^[+-]?[0-9]+(_[0-9]+)+(\\.[0-9]+)?$|" REFERENCE);
}

static void put_numbers(cJSON *any, const struct rn_option *o)
{
    if (o->choices)
        put_choices(any, o);
    if (o->min <= 1)
        put_number(any, o);
    cJSON *list = put_object(any, NULL);
    put_text(list, "type", "array");
    cJSON *items = put_list(put_object(list, "items"), "anyOf");
    if (o->choices)
        put_choices(items, o);
    put_number(items, o);
    cJSON_AddNumberToObject(list, "minItems", o->min);
    cJSON_AddNumberToObject(list, "maxItems", o->max);
}

static void put_words(cJSON *any, double min, double max)
{
    cJSON *word = put_object(any, NULL), *types = put_list(word, "type");

    put_text(types, NULL, "string");
    put_text(types, NULL, "number");
    put_text(types, NULL, "boolean");
    if (min > 0)
        cJSON_AddNumberToObject(word, "minLength", 1); /* the option's are in bytes */
    if (max > 0)
        cJSON_AddNumberToObject(word, "maxLength", max);
}

static void put_span(cJSON *any, const struct rn_option *o)
{
    put_pattern(any, o->flags & RN_OPT_TIME      ? "^" NUMBER "[kMG]? *(" TIMES ")$|" REFERENCE
                     : o->flags & RN_OPT_NO_TIME ? "^" NUMBER "[kMG]? *(" STEPS ")$|" REFERENCE
                                                 : "^" NUMBER "[kMG]? *(" STEPS "|" TIMES
                                                   ")$|" REFERENCE);
}

static void put_value(cJSON *any, const struct rn_option *o)
{
    switch (o->type) {
    case RN_OPT_BOOL:
        put_pair(any, "type", "boolean");
        put_pattern(any, REFERENCE);
        break;
    case RN_OPT_INT:
    case RN_OPT_FLOAT: put_number(any, o); break;
    case RN_OPT_CHOICE:
        put_choices(any, o);
        put_pattern(any, REFERENCE);
        break;
    case RN_OPT_INTS:
    case RN_OPT_FLOATS: put_numbers(any, o); break;
    case RN_OPT_SPAN: put_span(any, o); break;
    case RN_OPT_SIZE:
        put_pair(any, "type", "integer");
        put_pattern(any, "^" NUMBER "[kMG]? *([kMGT]?B|[KMGT]iB|)$|" REFERENCE);
        break;
    case RN_OPT_LAYERS: put_ref(any, NULL, "list.", kind_name(RN_KIND_LAYER)); break;
    default: put_words(any, o->min, o->max);
    }
    if (!o->fallback && !(o->flags & RN_OPT_REQUIRED))
        put_pair(any, "type", "null");
}

/* The default as the editor may insert it. */
static void put_default(cJSON *to, const struct rn_option *o)
{
    double number;

    if (!o->fallback)
        return;
    if (o->type == RN_OPT_BOOL)
        cJSON_AddBoolToObject(to, "default", !strcmp(o->fallback, "true"));
    else if ((o->type == RN_OPT_INT || o->type == RN_OPT_FLOAT) &&
             options_float(o->fallback, &number) && isfinite(number))
        cJSON_AddNumberToObject(to, "default", number);
    else if (o->type != RN_OPT_INTS && o->type != RN_OPT_FLOATS && o->type != RN_OPT_LAYERS)
        put_text(to, "default", o->fallback);
}

static void put_option(cJSON *properties, const struct rn_option *o, const char *name)
{
    cJSON *to = put_object(properties, name);
    struct text type = {0}, words = {0};

    put_value(put_list(to, "anyOf"), o);
    put_default(to, o);
    options_type_text(o, &type);
    text_add(&words, "%s\n\n`%s`", o->help, text_str(&type));
    put_text(to, "description", o->help);
    if (words.status || type.status)
        json_lose();
    put(to, "markdownDescription", cJSON_CreateString(text_str(&words)));
    if ((o->flags & RN_OPT_DEPRECATED) || strcmp(name, o->name))
        put_text(to, "deprecationMessage", strcmp(name, o->name) ? "an older name" : "deprecated");
    text_free(&type);
    text_free(&words);
}

static void put_rows(cJSON *properties, const struct rn_option *rows, int n)
{
    for (int i = 0; rows && (n < 0 ? rows[i].name != NULL : i < n); i++) {
        put_option(properties, &rows[i], rows[i].name);
        if (rows[i].alias)
            put_option(properties, &rows[i], rows[i].alias);
    }
}

/* ---- maps ----------------------------------------------------------------- */

/* A map without other keys than those put into what is returned. */
static cJSON *put_map(cJSON *parent, const char *key)
{
    cJSON *map = put_object(parent, key);

    put_text(map, "type", "object");
    cJSON_AddTrueToObject(put_object(map, "patternProperties"), "^x-");
    cJSON_AddFalseToObject(map, "additionalProperties");
    return put_object(map, "properties");
}

static void put_section(cJSON *properties, const char *key, const struct section *s);

static void put_children(cJSON *properties, const char *path)
{
    for (const struct section *s = sections; s->path; s++) {
        const char *key = section_key(s, path);
        if (key)
            put_section(properties, key, s);
    }
}

static void put_empty(cJSON *any)
{
    put_pair(any, "type", "null");
    put_pattern(any, REFERENCE);
}

static void put_list_of(cJSON *any, const char *prefix, const char *name)
{
    cJSON *list = put_object(any, NULL);

    put_text(list, "type", "array");
    put_ref(list, "items", prefix, name);
}

static void put_section(cJSON *properties, const char *key, const struct section *s)
{
    if (s->form == SECTION_VALUE) {
        put_option(properties, section_row(s->rows, key), key);
        return;
    }
    cJSON *to = put_object(properties, key), *any = put_list(to, "anyOf");
    put_text(to, "description", s->help);
    switch (s->form) {
    case SECTION_OPTIONS: put_rows(put_map(any, NULL), s->rows, -1); break;
    case SECTION_MAP: put_children(put_map(any, NULL), s->path); break;
    case SECTION_PART: put_ref(any, NULL, "", kind_name(s->kind)); break;
    case SECTION_PARTS: put_ref(any, NULL, "list.", kind_name(s->kind)); break;
    case SECTION_FREE: put_pair(any, "type", "object"); break;
    case SECTION_WORDS: {
        cJSON *list = put_object(any, NULL);
        put_words(any, 0, 0);
        put_text(list, "type", "array");
        put_words(put_list(put_object(list, "items"), "anyOf"), 0, 0);
        break;
    }
    default: {
        cJSON *list = put_object(any, NULL);
        put_text(list, "type", "array");
        put_rows(put_map(list, "items"), s->rows, -1);
        cJSON *required = put_list(cJSON_GetObjectItem(list, "items"), "required");
        for (const struct rn_option *o = s->rows; o->name; o++)
            if (o->flags & RN_OPT_REQUIRED)
                put_text(required, NULL, o->name);
    }
    }
    put_empty(any);
}

/* ---- plugins -------------------------------------------------------------- */

static void put_plugin(cJSON *definitions, const struct section *s, const struct plugin *p)
{
    char name[160];

    snprintf(name, sizeof name, "%s.%s", kind_name(p->kind), p->name);
    cJSON *properties = put_map(definitions, name);
    cJSON *map = cJSON_GetObjectItem(definitions, name), *type = put_object(properties, "type");
    put_text(type, "const", p->name);
    put_text(type, "description", p->summary);
    if (p->doc)
        put_text(type, "markdownDescription", p->doc);
    put_text(map, "description", p->summary);
    put_text(put_list(map, "required"), NULL, "type");
    if (s->form == SECTION_PARTS) {
        cJSON *item = put_object(properties, "name");
        put_text(item, "type", "string");
        put_text(item, "pattern", "^[A-Za-z_][A-Za-z0-9_-]{0,63}$|" REFERENCE);
        put_text(item, "description", "what paths call it");
    }
    put_children(properties, s->path);
    put_rows(properties, s->rows, -1);
    put_rows(properties, p->options.rows, p->options.n);
}

/* A map whose type stands elsewhere: in the file that this one extends, in a ${...}. */
static void put_untyped(cJSON *any)
{
    cJSON *map = put_object(any, NULL), *type;

    put_text(map, "type", "object");
    any = put_list(map, "anyOf");
    put_text(put_list(put_object(put_object(any, NULL), "not"), "required"), NULL, "type");
    map = put_object(any, NULL);
    type = put_object(put_object(map, "properties"), "type");
    put_text(type, "type", "string");
    put_text(type, "pattern", REFERENCE);
    put_text(put_list(map, "required"), NULL, "type");
}

/* definitions: "layer" for one by a bare word or a map, "layer.dense" for each, "list.layer". */
static void put_kind(cJSON *definitions, const struct section *s, const struct plugin *const *list,
                     int n)
{
    const char *kind = kind_name(s->kind);
    char name[64];

    cJSON *any = put_list(put_object(definitions, kind), "anyOf");
    cJSON *word = put_object(any, NULL), *names = put_list(word, "enum");
    cJSON *helps = put_list(word, "enumDescriptions");
    for (int i = 0; i < n; i++) {
        put_text(names, NULL, list[i]->name);
        put_text(helps, NULL, list[i]->summary);
        snprintf(name, sizeof name, "%s.", kind);
        put_ref(any, NULL, name, list[i]->name);
        put_plugin(definitions, s, list[i]);
    }
    if (s->kind == RN_KIND_DEVICE)
        put_text(names, NULL, "auto");
    put_pattern(any, REFERENCE);
    put_untyped(any);
    snprintf(name, sizeof name, "list.%s", kind);
    any = put_list(put_object(definitions, name), "anyOf");
    put_list_of(any, "", kind);
    put_empty(any);
}

/* ---- what may not be left out ---------------------------------------------- */

static void put_required(cJSON *to, const struct rn_option *rows, int n)
{
    cJSON *list = put_list(to, "required");

    for (int i = 0; rows && (n < 0 ? rows[i].name != NULL : i < n); i++)
        if (rows[i].flags & RN_OPT_REQUIRED)
            put_text(list, NULL, rows[i].name);
}

/* "need.layer": for each plugin, what it requires; also in the branches of a container. */
static void put_kind_need(cJSON *definitions, const struct section *s,
                          const struct plugin *const *list, int n, bool typed)
{
    char name[64];

    snprintf(name, sizeof name, "need.%s", kind_name(s->kind));
    cJSON *need = put_object(definitions, name), *all = put_list(need, "allOf");
    cJSON *words = put_list(put_object(need, "not"), "enum");
    put(words, NULL, cJSON_CreateNull());
    cJSON *first = put_object(all, NULL);
    if (typed)
        put_text(put_list(first, "required"), NULL, "type");
    for (int i = 0; i < n; i++) {
        const struct option_table *t = &list[i]->options;
        bool any = false, required = false;
        for (int k = 0; k < t->n; k++) {
            required |= t->rows[k].flags & RN_OPT_REQUIRED;
            any |= t->rows[k].type == RN_OPT_LAYERS;
        }
        if (required)
            put_text(words, NULL, list[i]->name);
        if (!required && !any)
            continue;
        cJSON *rule = put_object(all, NULL), *when = put_object(rule, "if");
        put_text(put_object(put_object(when, "properties"), "type"), "const", list[i]->name);
        put_text(put_list(when, "required"), NULL, "type");
        cJSON *then = put_object(rule, "then"), *within = put_object(then, "properties");
        put_required(then, t->rows, t->n);
        for (int k = 0; k < t->n; k++)
            if (t->rows[k].type == RN_OPT_LAYERS)
                put_ref(put_object(within, t->rows[k].name), "items", "need.", kind_name(s->kind));
    }
}

static void put_needs(cJSON *to, const char *path, struct registry *r);

static void put_need(cJSON *properties, const char *key, const struct section *s,
                     struct registry *r)
{
    switch (s->form) {
    case SECTION_OPTIONS: put_required(put_object(properties, key), s->rows, -1); break;
    case SECTION_MAP: put_needs(put_object(properties, key), s->path, r); break;
    case SECTION_PART: {
        cJSON *all = put_list(put_object(properties, key), "allOf");
        if (s->needed)
            put_ref(all, NULL, "need.", kind_name(s->kind));
        put_needs(put_object(all, NULL), s->path, r);
        break;
    }
    case SECTION_PARTS: {
        cJSON *list = put_object(properties, key);
        put_ref(list, "items", "need.", kind_name(s->kind));
        if (s->needed)
            cJSON_AddNumberToObject(list, "minItems", 1);
        break;
    }
    default: break;
    }
}

/* What stands in the section, as far as something in it is required. */
static void put_needs(cJSON *to, const char *path, struct registry *r)
{
    cJSON *required = put_list(to, "required"), *properties = put_object(to, "properties");

    for (const struct section *s = sections; s->path; s++) {
        const char *key = section_key(s, path);
        if (!key)
            continue;
        if (s->needed && !(s->kind && registry_default(r, s->kind)))
            put_text(required, NULL, key);
        put_need(properties, key, s, r);
    }
}

/* ---- all ------------------------------------------------------------------ */

static int fill(cJSON *root, struct registry *r)
{
    cJSON *definitions = put_object(root, "definitions"), *not, *any;

    put_text(root, "$schema", DRAFT);
    put_text(root, "title", "an experiment of runner");
    put_text(root, "type", "object");
    cJSON_AddTrueToObject(put_object(root, "patternProperties"), "^x-");
    cJSON_AddFalseToObject(root, "additionalProperties");
    put_children(put_object(root, "properties"), "");
    for (const struct section *s = sections; s->path; s++) {
        const struct plugin *const *list;
        int n;
        if (!s->kind)
            continue;
        TRY(registry_all(r, s->kind, &list, &n, NULL));
        put_kind(definitions, s, list, n);
        put_kind_need(definitions, s, list, n,
                      s->form == SECTION_PARTS || !registry_default(r, s->kind));
    }
    not = put_object(put_object(root, "if"), "not");
    any = put_list(not, "anyOf");
    put_text(put_list(put_object(any, NULL), "required"), NULL, "extends");
    put_text(put_list(put_object(any, NULL), "required"), NULL, "set");
    put_needs(put_object(root, "then"), "", r);
    return RN_OK;
}

int experiment_schema(struct registry *r, struct text *out)
{
    error_clear();
    cJSON *root = cJSON_CreateObject();
    int status = fill(root, r);
    if (!status && error_status() == RN_ENOMEM) /* a part of it is missing */
        status = RN_ENOMEM;
    char *s = status ? NULL : cJSON_Print(root);

    if (s)
        text_add(out, "%s\n", s);
    else if (!status)
        status = RN_ENOMEM;
    cJSON_free(s);
    cJSON_Delete(root);
    return status ? status : out->status;
}
