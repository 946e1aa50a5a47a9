/* option_table.c - the checks of a plugin's option table, once when it is loaded, and the table in
 * words for people. */
#include "options.h"

#include "base/error.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

#define ROWS_MAX 128
/* Rows of any plugin reach here; what comes behind may be missing and then reads as zero. */
#define ROW_MIN (offsetof(struct rn_option, max) + sizeof(double))

/* BAD("format of what is wrong", the option's name, the format's arguments) */
#define BAD(...) FAIL(RN_EPLUGIN, "option '%s' " __VA_ARGS__)

/* ---- checks --------------------------------------------------------------- */

static bool name_good(const char *s)
{
    if (*s < 'a' || *s > 'z')
        return false;
    return !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static bool same(const char *a, const char *b) { return a && b && !strcmp(a, b); }

static int check_names(const struct option_table *t, int i)
{
    const struct rn_option *o = &t->rows[i];

    if (!name_good(o->name) || (o->alias && !name_good(o->alias)))
        return BAD("has a name that is not [a-z][a-z0-9_]*", o->name);
    if (!o->help || !*o->help)
        return BAD("has no help; say what it is in one clause", o->name);
    if (same(o->name, o->alias))
        return BAD("is its own alias", o->name);
    for (int k = 0; k < i; k++) {
        const struct rn_option *b = &t->rows[k];
        if (same(o->name, b->name) || same(o->name, b->alias) || same(o->alias, b->name) ||
            same(o->alias, b->alias))
            return BAD("has the same name or alias as option '%s'", o->name, b->name);
    }
    return RN_OK;
}

static int check_field(const struct option_table *t, int i)
{
    const struct rn_option *o = &t->rows[i];
    size_t size = value_size(o->type);

    if (!size)
        return BAD("has the unknown type %u; build the plugin for this runner", o->name, o->type);
    if (o->offset > t->size || size > t->size - o->offset)
        return BAD("lies outside the options struct: offset %u, %zu bytes of %u", o->name,
                   o->offset, size, t->size);
    if (o->offset % value_align(o->type))
        return BAD("lies at offset %u, which does not suit its type", o->name, o->offset);
    for (int k = 0; k < i; k++) {
        const struct rn_option *b = &t->rows[k];
        if (o->offset < b->offset + value_size(b->type) && b->offset < o->offset + size)
            return BAD("shares its field with option '%s'", o->name, b->name);
    }
    return RN_OK;
}

static int check_choices(const struct rn_option *o)
{
    if (!o->choices || !o->choices->name)
        return BAD("is a choice of nothing; list its choices", o->name);
    for (const struct rn_choice *c = o->choices; c->name; c++)
        for (const struct rn_choice *b = o->choices; b < c; b++)
            if (same(b->name, c->name))
                return BAD("has the choice '%s' twice", o->name, c->name);
    return RN_OK;
}

static int check_range(const struct rn_option *o)
{
    switch (o->type) {
    case RN_OPT_BOOL: return RN_OK;
    case RN_OPT_CHOICE: return check_choices(o);
    case RN_OPT_STRING:
    case RN_OPT_PATH:
        if (!(o->max >= 1) || o->min < 0)
            return BAD("has no length: max is %g", o->name, o->max);
        break;
    case RN_OPT_INTS:
    case RN_OPT_FLOATS:
        if (!(o->max >= 1) || o->max > RN_LIST_MAX || o->min < 0)
            return BAD("has the lengths %g to %g, of 0 to %d", o->name, o->min, o->max,
                       RN_LIST_MAX);
        if (o->choices)
            TRY(check_choices(o));
        break;
    default: break;
    }
    if (o->min > o->max)
        return BAD("has the minimum %g above the maximum %g", o->name, o->min, o->max);
    return RN_OK;
}

static int check_fallback(struct pool *p, const struct rn_option *o)
{
    union {
        double number;
        struct rn_ints ints;
        struct rn_floats floats;
        struct rn_layers layers;
        struct rn_span_value span;
        const char *text;
    } field;
    struct value_fault fault;

    if (!o->fallback)
        return RN_OK;
    if (o->flags & RN_OPT_REQUIRED)
        return BAD("is required and has the default '%s'; one of them", o->name, o->fallback);
    const struct node *node = value_fallback(p, o, NULL);
    int status = node ? value_read(p, o, node, &field, &fault) : RN_ENOMEM;
    return status == RN_EINVAL ? BAD("has an unusable default: %s", o->name, error_text()) : status;
}

static int copy_rows(struct pool *p, const struct rn_option *rows, uint32_t stride,
                     struct option_table *t)
{
    const char *row = (const char *)rows;
    struct rn_option *copy = pool_alloc(p, ROWS_MAX * sizeof *copy);

    if (!copy)
        return RN_ENOMEM;
    for (;; row += stride, t->n++) {
        const char *name;
        memcpy(&name, row, sizeof name);
        if (!name)
            break;
        if (t->n == ROWS_MAX)
            return FAIL(RN_EPLUGIN, "its option table has no end; close it with RN_END");
        memcpy(&copy[t->n], row, stride < sizeof *copy ? stride : sizeof *copy);
    }
    t->rows = copy;
    return RN_OK;
}

int options_table(struct pool *p, const struct rn_option *rows, uint32_t stride, uint32_t size,
                  struct option_table *out)
{
    struct option_table t = {.size = size};

    *out = t;
    if (!rows)
        return RN_OK;
    if (stride < ROW_MIN || stride % _Alignof(struct rn_option))
        return FAIL(RN_EPLUGIN,
                    "its options have rows of %u bytes, at least %zu are needed; "
                    "set option_stride to sizeof(struct rn_option)",
                    stride, ROW_MIN);
    TRY(copy_rows(p, rows, stride, &t));
    for (int i = 0; i < t.n; i++) {
        TRY(check_names(&t, i));
        TRY(check_field(&t, i));
        TRY(check_range(&t.rows[i]));
        TRY(check_fallback(p, &t.rows[i]));
    }
    *out = t;
    return RN_OK;
}

/* ---- in words ------------------------------------------------------------- */

static void default_text(const struct rn_option *o, struct text *out)
{
    if (o->flags & RN_OPT_REQUIRED)
        text_add(out, "required");
    else if (o->fallback)
        text_add(out, "%s", *o->fallback ? o->fallback : "\"\"");
    else
        text_add(out, "none");
}

const char *options_type_name(uint32_t type)
{
    static const char *const names[] = {
        [RN_OPT_BOOL] = "bool",     [RN_OPT_INT] = "int",       [RN_OPT_FLOAT] = "float",
        [RN_OPT_STRING] = "string", [RN_OPT_CHOICE] = "choice", [RN_OPT_PATH] = "path",
        [RN_OPT_INTS] = "ints",     [RN_OPT_FLOATS] = "floats", [RN_OPT_SPAN] = "span",
        [RN_OPT_SIZE] = "size",     [RN_OPT_LAYERS] = "layers",
    };

    return type && type < sizeof names / sizeof *names ? names[type] : "?";
}

void options_type_text(const struct rn_option *o, struct text *out)
{
    value_type_text(o, out);
    text_add(out, o->fallback ? ", default " : ", ");
    default_text(o, out);
}

/* Columns on a terminal: code points, for text without wide characters. */
static int columns(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static void cell(struct text *out, const char *s, int width)
{
    text_add(out, "%s%*s", s, width - columns(s) + 2, "");
}

static int wider(int width, const char *s) { return columns(s) > width ? columns(s) : width; }

static void describe_row(const struct rn_option *o, const int width[3], struct text *out)
{
    struct text type = {0}, value = {0};

    value_type_text(o, &type);
    default_text(o, &value);
    text_add(out, "  ");
    cell(out, o->name, width[0]);
    cell(out, text_str(&type), width[1]);
    cell(out, text_str(&value), width[2]);
    text_add(out, "%s", o->help);
    if (o->alias)
        text_add(out, " (older name: %s)", o->alias);
    text_add(out, "%s\n", o->flags & RN_OPT_DEPRECATED ? " (deprecated)" : "");
    for (const struct rn_choice *c = o->choices; c && c->name; c++)
        if (c->help)
            text_add(out, "  %*s%s: %s\n", width[0] + width[1] + width[2] + 6, "", c->name,
                     c->help);
    if (type.status || value.status)
        out->status = RN_ENOMEM;
    text_free(&type);
    text_free(&value);
}

void options_describe(const struct option_table *t, struct text *out)
{
    int width[3] = {columns("option"), columns("type"), columns("default")};

    for (int i = 0; i < t->n; i++) {
        struct text type = {0}, value = {0};
        value_type_text(&t->rows[i], &type);
        default_text(&t->rows[i], &value);
        width[0] = wider(width[0], t->rows[i].name);
        width[1] = wider(width[1], text_str(&type));
        width[2] = wider(width[2], text_str(&value));
        text_free(&type);
        text_free(&value);
    }
    text_add(out, "  ");
    cell(out, "option", width[0]);
    cell(out, "type", width[1]);
    cell(out, "default", width[2]);
    text_add(out, "meaning\n");
    for (int i = 0; i < t->n; i++)
        describe_row(&t->rows[i], width, out);
}
