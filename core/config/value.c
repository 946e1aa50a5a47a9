/* value.c - one value of an option: its type, its range, and the words for what is wrong. */
#define _POSIX_C_SOURCE 200809L
#include "value.h"

#include "base/error.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct value { /* one reading of one node */
    struct pool *pool;
    const struct rn_option *o;
    struct value_fault *fault;
};

static const struct {
    size_t size, align;
    const char *name;
} types[] = {
    [RN_OPT_BOOL] = {sizeof(bool), _Alignof(bool), "true or false"},
    [RN_OPT_INT] = {sizeof(int64_t), _Alignof(int64_t), "int"},
    [RN_OPT_FLOAT] = {sizeof(double), _Alignof(double), "float"},
    [RN_OPT_STRING] = {sizeof(char *), _Alignof(char *), "text"},
    [RN_OPT_CHOICE] = {sizeof(int64_t), _Alignof(int64_t), "one of"},
    [RN_OPT_PATH] = {sizeof(char *), _Alignof(char *), "path"},
    [RN_OPT_INTS] = {sizeof(struct rn_ints), _Alignof(struct rn_ints), "list of int"},
    [RN_OPT_FLOATS] = {sizeof(struct rn_floats), _Alignof(struct rn_floats), "list of float"},
    [RN_OPT_SPAN] = {sizeof(struct rn_span_value), _Alignof(struct rn_span_value), "span"},
    [RN_OPT_SIZE] = {sizeof(int64_t), _Alignof(int64_t), "size"},
    [RN_OPT_LAYERS] = {sizeof(struct rn_layers), _Alignof(struct rn_layers), "list of layers"},
};
#define TYPES      (sizeof types / sizeof *types)
#define STEP_UNITS "steps, epochs, samples"
#define TIME_UNITS "s, m, h"
#define SIZE_UNITS "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB"

size_t value_size(uint32_t type) { return type < TYPES ? types[type].size : 0; }

size_t value_align(uint32_t type) { return type < TYPES ? types[type].align : 0; }

static bool is_list(uint32_t type)
{
    return type == RN_OPT_INTS || type == RN_OPT_FLOATS || type == RN_OPT_LAYERS;
}

/* ---- words ---------------------------------------------------------------- */

/* The shortest of the usual forms; a bound of 16777216 is not 1.67772e+07. */
static void number_add(double v, struct text *out)
{
    char text[32];

    snprintf(text, sizeof text, v == floor(v) && fabs(v) < 1e15 ? "%.0f" : "%g", v);
    char *comma = strchr(text, ','); /* of a locale that a library chose */
    if (comma)
        *comma = '.';
    text_add(out, "%s", text);
}

static void range_text(const struct rn_option *o, struct text *out)
{
    double limit = o->type == RN_OPT_INT || o->type == RN_OPT_SIZE ? 0x1p62 : DBL_MAX;
    bool below = o->min > -limit, above = o->max < limit;
    bool open_min = o->flags & RN_OPT_OPEN_MIN, open_max = o->flags & RN_OPT_OPEN_MAX;

    if (!below && !above)
        return;
    if (below && above) {
        text_add(out, " %s", open_min ? "(" : open_max ? "[" : "");
        number_add(o->min, out);
        text_add(out, "…");
        number_add(o->max, out);
        text_add(out, "%s", open_max ? ")" : open_min ? "]" : "");
        return;
    }
    text_add(out, " %s ", below ? (open_min ? ">" : "≥") : (open_max ? "<" : "≤"));
    number_add(below ? o->min : o->max, out);
}

static void choices_text(const struct rn_option *o, struct text *out)
{
    for (const struct rn_choice *c = o->choices; c && c->name; c++)
        text_add(out, "%s%s", c == o->choices ? "" : " | ", c->name);
}

void value_type_text(const struct rn_option *o, struct text *out)
{
    switch (o->type) {
    case RN_OPT_CHOICE: choices_text(o, out); return;
    case RN_OPT_INT:
    case RN_OPT_FLOAT:
    case RN_OPT_SIZE:
        text_add(out, "%s", types[o->type].name);
        range_text(o, out);
        break;
    case RN_OPT_INTS:
    case RN_OPT_FLOATS:
        if (o->choices) {
            choices_text(o, out);
            text_add(out, " | ");
        }
        if (o->min == o->max)
            text_add(out, "%.0f x ", o->min);
        else
            text_add(out, "%.0f…%.0f x ", o->min, o->max);
        text_add(out, "%s", types[o->type == RN_OPT_INTS ? RN_OPT_INT : RN_OPT_FLOAT].name);
        break;
    case RN_OPT_SPAN: text_add(out, o->flags & RN_OPT_TIME ? "time" : "span"); break;
    default: text_add(out, "%s", o->type < TYPES ? types[o->type].name : "?");
    }
    if (o->unit && o->type != RN_OPT_SIZE)
        text_add(out, " %s", o->unit);
}

/* What was expected, for a sentence: "int 1…64". */
static const char *wanted(const struct value *v)
{
    struct text t = {0};

    if (v->o->type == RN_OPT_CHOICE)
        text_add(&t, "one of ");
    value_type_text(v->o, &t);
    char *s = pool_strdup(v->pool, text_str(&t));
    text_free(&t);
    return s ? s : "another type";
}

/* The text of a scalar as messages quote it: not longer than a line. */
static const char *shown(const struct value *v, const char *text)
{
    size_t n = strlen(text), max = 60;

    if (n <= max)
        return text;
    while (max && ((unsigned char)text[max] & 0xC0) == 0x80)
        max--;
    char *s = pool_printf(v->pool, "%.*s…", (int)max, text);
    return s ? s : "";
}

#define HINT(v, ...) snprintf((v)->fault->hint, VALUE_HINT, __VA_ARGS__)

/* ---- ranges --------------------------------------------------------------- */

static int range_check(struct value *v, double x, const char *text)
{
    const struct rn_option *o = v->o;
    struct text bound = {0};
    const char *what = NULL;
    bool open_min = o->flags & RN_OPT_OPEN_MIN, open_max = o->flags & RN_OPT_OPEN_MAX;

    if (open_min ? x <= o->min : x < o->min)
        what = open_min ? "is not above" : "is below the minimum";
    else if (open_max ? x >= o->max : x > o->max)
        what = open_max ? "is not below" : "is above the maximum";
    if (!what)
        return RN_OK;
    number_add(x <= o->min ? o->min : o->max, &bound);
    int status = FAIL(RN_EINVAL, "%s %s %s", shown(v, text), what, text_str(&bound));
    text_free(&bound);
    return status;
}

static int length_check(struct value *v, double n, const char *unit)
{
    const struct rn_option *o = v->o;

    if (n >= o->min && n <= o->max)
        return RN_OK;
    if (o->min == o->max)
        return FAIL(RN_EINVAL, "has %.0f %s, expected %.0f", n, unit, o->min);
    return FAIL(RN_EINVAL, "has %.0f %s, expected %.0f to %.0f", n, unit, o->min, o->max);
}

/* ---- scalars -------------------------------------------------------------- */

static int read_bool(struct value *v, const char *s, bool quoted, bool *out)
{
    static const char *const alike[] = {"yes", "on", "y", "1", "no", "off", "n", "0"};

    if (!quoted && (!strcmp(s, "true") || !strcmp(s, "false"))) {
        *out = *s == 't';
        return RN_OK;
    }
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        if (!strcasecmp(s, alike[i]))
            HINT(v, "write %s", i < 4 ? "true" : "false");
    }
    if (!strcasecmp(s, "true") || !strcasecmp(s, "false"))
        HINT(v, "write %s%s", *s == 't' || *s == 'T' ? "true" : "false",
             quoted ? " without quotes" : "");
    return FAIL(RN_EINVAL, "%s'%s' is neither true nor false", quoted ? "the text " : "",
                shown(v, s));
}

/* Why s is not the number that was expected. */
static int not_a_number(struct value *v, const char *s, bool quoted)
{
    bool integer = v->o->type == RN_OPT_INT || v->o->type == RN_OPT_INTS, whole;
    const char *noun = integer ? "a whole number" : "a number";
    size_t sign = *s == '-' || *s == '+';
    double x;

    if (quoted) {
        HINT(v, "write %s without quotes", shown(v, s));
        return FAIL(RN_EINVAL, "the text '%s' is not %s", shown(v, s), noun);
    }
    if (s[sign] == '0' && (s[sign + 1] == 'x' || s[sign + 1] == 'o' || s[sign + 1] == 'b'))
        return FAIL(RN_EINVAL, "'%s' is not decimal", shown(v, s));
    if (value_looks_numeric(s, &whole) && (whole || !integer))
        return FAIL(RN_EINVAL, "%s is too large or too small for %s", shown(v, s), noun);
    if (options_float(s, &x) && x == floor(x) && fabs(x) < 1e15)
        HINT(v, "write %.0f", x);
    else
        HINT(v, "expected %s", wanted(v));
    return FAIL(RN_EINVAL, "'%s' is not %s", shown(v, s), noun);
}

static int read_int(struct value *v, const char *s, bool quoted, int64_t *out)
{
    return !quoted && options_int(s, out) ? RN_OK : not_a_number(v, s, quoted);
}

static int read_float(struct value *v, const char *s, bool quoted, double *out)
{
    if (quoted || !options_float(s, out))
        return not_a_number(v, s, quoted);
    bool infinite_range = isinf(v->o->min) || isinf(v->o->max);
    bool nan_range = isnan(v->o->min) || isnan(v->o->max);
    if ((isinf(*out) && !infinite_range) || (isnan(*out) && !nan_range))
        return FAIL(RN_EINVAL, "'%s' is not a finite number", s);
    return RN_OK;
}

static int read_choice(struct value *v, const char *s, int64_t *out)
{
    const char *names[64];
    int n = 0;

    for (const struct rn_choice *c = v->o->choices; c && c->name; c++) {
        if (!strcmp(c->name, s)) {
            *out = c->value;
            return RN_OK;
        }
        if (n < 64)
            names[n++] = c->name;
    }
    const char *near = diag_nearest(s, names, n);
    if (near)
        HINT(v, "did you mean '%s'?", near);
    return FAIL(RN_EINVAL, "'%s' is not %s", shown(v, s), wanted(v));
}

/* A text that is no span, or one of the wrong units. */
static int not_a_span(struct value *v, const char *s, bool is_span)
{
    bool time = v->o->flags & RN_OPT_TIME, other = v->o->flags & RN_OPT_NO_TIME;
    const char *first = time ? "s" : "epochs", *second = time ? "m" : "steps";
    double x;

    HINT(v, "units: %s",
         time    ? TIME_UNITS
         : other ? STEP_UNITS ", %"
                 : STEP_UNITS ", " TIME_UNITS ", %");
    if (is_span)
        return FAIL(RN_EINVAL,
                    time ? "'%s' is not a time" : "'%s' is a time, which means nothing here",
                    shown(v, s));
    if (options_float(s, &x))
        return FAIL(RN_EINVAL, "'%s' has no unit; write '%s %s' or '%s %s'", shown(v, s),
                    shown(v, s), first, shown(v, s), second);
    return FAIL(RN_EINVAL, "'%s' is not a number with a unit, as '3 %s'", shown(v, s), first);
}

static int read_span(struct value *v, const char *s, struct rn_span_value *out)
{
    uint32_t flags = v->o->flags;

    if (!options_span(s, out))
        return not_a_span(v, s, false);
    if (out->unit == RN_SECONDS ? flags & RN_OPT_NO_TIME : flags & RN_OPT_TIME)
        return not_a_span(v, s, true);
    if ((out->unit == RN_STEPS || out->unit == RN_SAMPLES) && out->value != floor(out->value))
        return FAIL(RN_EINVAL, "'%s': steps and samples are whole", shown(v, s));
    if (out->unit == RN_PERCENT && out->value > 100)
        return FAIL(RN_EINVAL, "%s is above the maximum 100%%", shown(v, s));
    return range_check(v, out->value, s);
}

static int read_size(struct value *v, const char *s, int64_t *out)
{
    if (options_size(s, out))
        return range_check(v, (double)*out, s);
    HINT(v, "units: %s", SIZE_UNITS);
    return FAIL(RN_EINVAL, "'%s' is not a size in bytes, as '64 MiB'", shown(v, s));
}

/* Drops the last segment of the first n bytes of out. */
static size_t path_up(const char *out, size_t n)
{
    while (n && out[--n] != '/')
        continue;
    return n;
}

char *value_path(struct pool *p, const char *dir, const char *text)
{
    char *joined =
        *text == '/' ? pool_strdup(p, text) : pool_printf(p, "%s/%s", dir ? dir : "", text);
    size_t n = 0;

    if (!joined)
        return NULL;
    for (const char *s = joined; *s;) {
        s += strspn(s, "/");
        size_t len = strcspn(s, "/");
        if (len == 2 && s[0] == '.' && s[1] == '.') {
            n = path_up(joined, n);
        } else if (len && !(len == 1 && *s == '.')) {
            joined[n++] = '/';
            memmove(joined + n, s, len); /* what is written lies before what is read */
            n += len;
        }
        s += len;
    }
    if (!n)
        joined[n++] = '/';
    joined[n] = '\0';
    return joined;
}

static int read_path(struct value *v, const struct node *node, const char **out)
{
    const struct source *source = node->mark.source;

    TRY(length_check(v, (double)strlen(node->text), "bytes"));
    if (!*node->text)
        return FAIL(RN_EINVAL, "is an empty path");
    *out = value_path(v->pool, source ? source->dir : NULL, node->text);
    return *out ? RN_OK : RN_ENOMEM;
}

static int read_scalar(struct value *v, const struct node *node, void *field)
{
    const char *s = node->text;
    int64_t *i = field;
    double *f = field;
    const char **text = field;

    switch (v->o->type) {
    case RN_OPT_BOOL: return read_bool(v, s, node->quoted, field);
    case RN_OPT_INT: TRY(read_int(v, s, node->quoted, i)); return range_check(v, (double)*i, s);
    case RN_OPT_FLOAT: TRY(read_float(v, s, node->quoted, f)); return range_check(v, *f, s);
    case RN_OPT_CHOICE: return read_choice(v, s, i);
    case RN_OPT_SPAN: return read_span(v, s, field);
    case RN_OPT_SIZE: return read_size(v, s, i);
    case RN_OPT_PATH: return read_path(v, node, text);
    default:
        TRY(length_check(v, (double)strlen(s), "bytes"));
        *text = pool_strdup(v->pool, s);
        return *text ? RN_OK : RN_ENOMEM;
    }
}

/* ---- lists ---------------------------------------------------------------- */

/* Is the item one of the words that stand for a number? */
static bool read_word(const struct value *v, const struct node *item, int64_t *out)
{
    for (const struct rn_choice *c = v->o->choices; c && c->name; c++)
        if (!strcmp(c->name, item->text)) {
            *out = c->value;
            return true;
        }
    return false;
}

static int read_item(struct value *v, const struct node *item, int i, void *at)
{
    v->fault->mark = item->mark;
    v->fault->item = i;
    if (item->kind != NODE_SCALAR)
        return FAIL(RN_EINVAL, "is not a number");
    if (v->o->type == RN_OPT_INTS && read_word(v, item, (int64_t *)at + i))
        return RN_OK;
    if (v->o->type == RN_OPT_INTS)
        return read_int(v, item->text, item->quoted, (int64_t *)at + i);
    return read_float(v, item->text, item->quoted, (double *)at + i);
}

static int read_list(struct value *v, const struct node *node, void *field)
{
    bool list = node->kind == NODE_LIST;
    int64_t count = list ? tree_count(node) : 1;
    const struct node *item = list ? node->child : node;

    if (v->o->type == RN_OPT_LAYERS) { /* what they are is not the table's to say */
        if (!list)
            return FAIL(RN_EINVAL, "is no list, expected [first, {type: second, ...}]");
        *(struct rn_layers *)field = (struct rn_layers){count};
        return RN_OK;
    }
    TRY(length_check(v, (double)count, count == 1 ? "value" : "values"));
    void *at = pool_alloc(v->pool, (size_t)(count + 1) * sizeof(double));
    if (!at)
        return RN_ENOMEM;
    for (int i = 0; i < count; i++, item = item->next)
        TRY(read_item(v, item, i, at));
    if (v->o->type == RN_OPT_INTS)
        *(struct rn_ints *)field = (struct rn_ints){count, at};
    else
        *(struct rn_floats *)field = (struct rn_floats){count, at};
    return RN_OK;
}

int value_read(struct pool *p, const struct rn_option *o, const struct node *node, void *field,
               struct value_fault *fault)
{
    static const char *const kinds[] = {"nothing", "a scalar", "a map", "a list"};
    struct value v = {p, o, fault};
    bool list = is_list(o->type);

    *fault = (struct value_fault){.mark = node->mark, .item = -1};
    if (node->kind == NODE_SCALAR || (list && node->kind == NODE_LIST))
        return list ? read_list(&v, node, field) : read_scalar(&v, node, field);
    if (node->kind == NODE_NULL && o->fallback)
        HINT(&v, "leave the key out for the default, %s", o->fallback);
    return FAIL(RN_EINVAL, "is %s, expected %s", kinds[node->kind & 3], wanted(&v));
}

/* ---- defaults ------------------------------------------------------------- */

static struct node *scalar_node(struct pool *p, const struct source *source, const char *text,
                                size_t n)
{
    struct node *node = pool_alloc(p, sizeof *node);

    if (!node || !(node->text = pool_strndup(p, text, n)))
        return NULL;
    node->kind = NODE_SCALAR;
    node->quoted = n == 0; /* in a file, nothing at all is no text */
    node->mark.source = source;
    node->origin = "default";
    return node;
}

/* "[0.9, 0.999]" */
static struct node *list_node(struct pool *p, const struct source *source, const char *text)
{
    struct node *list = pool_alloc(p, sizeof *list), **end = list ? &list->child : NULL;

    if (!list)
        return NULL;
    list->kind = NODE_LIST;
    list->mark.source = source;
    list->origin = "default";
    for (const char *s = text + 1; *s && *s != ']'; s += *s == ',') {
        s += strspn(s, " ");
        size_t n = strcspn(s, ",]"), used = n;
        while (used && s[used - 1] == ' ')
            used--;
        *end = scalar_node(p, source, s, used);
        if (!*end)
            return NULL;
        end = &(*end)->next;
        s += n;
    }
    return list;
}

struct node *value_fallback(struct pool *p, const struct rn_option *o, const struct source *source)
{
    if (!o->fallback)
        return NULL;
    if (is_list(o->type) && o->fallback[0] == '[')
        return list_node(p, source, o->fallback);
    return scalar_node(p, source, o->fallback, strlen(o->fallback));
}
