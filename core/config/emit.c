/* emit.c - a tree as YAML: to be read again, or to be looked at with the origin of each value. */
#include "compose.h"

#include <runner/utf8.h>

#include <stdio.h>
#include <string.h>

#define COMMENT_COL 48

struct emitter {
    struct text *out;
    unsigned flags;
    size_t line; /* where the current line begins in out */
};

/* Plain scalars of these never need quotes, whatever surrounds them. */
static bool is_plain(const char *s)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./";
    static const char rest[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-%@()=;<> ";
    static const char *const nulls[] = {"null", "Null", "NULL", "---", "..."};
    size_t n = strlen(s);

    if (!n || s[n - 1] == ' ' || strspn(s, rest) != n)
        return false;
    if (!strchr(first, *s) && !((*s == '-' || *s == '+') && n > 1 && strchr(first, s[1])))
        return false;
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        if (!strcmp(s, nulls[i]))
            return false;
    return true;
}

static void put_quoted(struct text *out, const char *s)
{
    uint32_t c = 0;

    text_put(out, "\"", 1);
    for (size_t n = strlen(s), i = 0; i < n;) {
        int len = rn_utf8_next(s + i, n - i, &c);
        if (s[i] == '"' || s[i] == '\\')
            text_add(out, "\\%c", s[i]);
        else if (s[i] == '\n')
            text_put(out, "\\n", 2);
        else if (c < 0x20 || (c >= 0x7F && c < 0xA0))
            text_add(out, "\\x%02X", (unsigned)c);
        else if (len && (rn_utf8_forbidden(c) || rn_utf8_turns(c)))
            text_add(out, c > 0xFFFF ? "\\U%08X" : "\\u%04X", (unsigned)c);
        else if (!strncmp(s + i, "${", 2))
            text_put(out, "$$", 2);
        else
            text_put(out, s + i, len ? (size_t)len : 1);
        i += len ? (size_t)len : 1;
    }
    text_put(out, "\"", 1);
}

static void put_scalar(struct text *out, const struct node *n)
{
    if (n->kind == NODE_NULL)
        text_put(out, "null", 4);
    else if (n->quoted || !is_plain(n->text))
        put_quoted(out, n->text);
    else
        text_put(out, n->text, strlen(n->text));
}

static void put_key(struct text *out, const char *key)
{
    if (is_plain(key))
        text_put(out, key, strlen(key));
    else
        put_quoted(out, key);
    text_put(out, ":", 1);
}

static bool is_leaf(const struct node *n) { return n->kind == NODE_SCALAR || n->kind == NODE_NULL; }

/* A list that fits a line: [a, b]. */
static bool is_short(const struct node *list)
{
    size_t n = 0;

    for (const struct node *c = list->child; c; c = c->next) {
        if (!is_leaf(c))
            return false;
        n += c->text ? strlen(c->text) + 2 : 6;
    }
    return n < 80;
}

static bool is_shown(const struct emitter *e, const struct node *n)
{
    if (!(e->flags & EMIT_CHANGED))
        return true;
    if (n->origin && strcmp(n->origin, "default") && (is_leaf(n) || !n->child))
        return true;
    for (const struct node *c = n->child; c; c = c->next)
        if (is_shown(e, c))
            return true;
    return false;
}

static void put_origin(struct emitter *e, const struct node *n)
{
    const char *origin = n->origin ? n->origin : "default";
    const struct source *src = n->mark.source;
    size_t width = e->out->n - e->line;

    if (!(e->flags & EMIT_ORIGIN))
        return;
    text_add(e->out, "%*s# ", width < COMMENT_COL ? (int)(COMMENT_COL - width) : 2, "");
    if (!n->mark.line || !strcmp(origin, "command line"))
        text_add(e->out, "%s", origin);
    else if (!strcmp(origin, "file"))
        text_add(e->out, "%s:%d", src->path, n->mark.line);
    else
        text_add(e->out, "%s:%d (%s)", src->path, n->mark.line, origin);
}

static void end_line(struct emitter *e, const struct node *n)
{
    if (n)
        put_origin(e, n);
    text_put(e->out, "\n", 1);
    e->line = e->out->n;
}

static void put_children(struct emitter *e, const struct node *n, int indent, bool started);

/* What follows "key:" or "-"; lead is what goes before it on the same line. */
static void put_value(struct emitter *e, const struct node *n, int indent, bool item)
{
    if (is_leaf(n)) {
        text_put(e->out, " ", 1);
        put_scalar(e->out, n);
        end_line(e, n);
    } else if (!n->child) {
        text_put(e->out, n->kind == NODE_MAP ? " {}" : " []", 3);
        end_line(e, n);
    } else if (n->kind == NODE_LIST && is_short(n)) {
        for (const struct node *c = n->child; c; c = c->next) {
            text_put(e->out, c == n->child ? " [" : ", ", 2);
            put_scalar(e->out, c);
        }
        text_put(e->out, "]", 1);
        end_line(e, n);
    } else if (item) {
        text_put(e->out, " ", 1);
        put_children(e, n, indent + 2, true);
    } else {
        end_line(e, NULL);
        put_children(e, n, indent + 2, false);
    }
}

/* started: the first child goes on the line that is there, behind "- ". */
static void put_children(struct emitter *e, const struct node *n, int indent, bool started)
{
    for (const struct node *c = n->child; c; c = c->next) {
        if (!is_shown(e, c))
            continue;
        text_add(e->out, "%*s", started ? 0 : indent, "");
        started = false;
        if (n->kind == NODE_MAP)
            put_key(e->out, c->key);
        else
            text_put(e->out, "-", 1);
        put_value(e, c, indent, n->kind == NODE_LIST);
    }
}

void compose_show(const struct node *root, unsigned flags, struct text *out)
{
    struct emitter e = {.out = out, .flags = flags, .line = out->n};

    if (is_leaf(root) || !root->child || (root->kind == NODE_LIST && is_short(root)))
        put_value(&e, root, 0, false);
    else
        put_children(&e, root, 0, false);
}

void compose_emit(const struct node *root, struct text *out) { compose_show(root, 0, out); }
