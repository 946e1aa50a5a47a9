/* yaml.c - from libyaml's events to nodes. libyaml 0.2.5 has no limits and reports the token
 * after a mistake: depth, sizes and wording are ours. */
#include "tree.h"

#include "base/error.h"
#include "yaml_fault.h"

#include <runner/utf8.h>

#include <string.h>

struct frame { /* a container that is not closed yet */
    struct node *node, *last;
    const char *key; /* waits for its value */
    struct mark key_mark;
    bool skip; /* the value waited for is a duplicate's: parsed, then dropped */
    bool merges;
    int keys, height, nodes_before, anchor;
};

struct anchor {
    const char *name;
    struct node *node;
    int nodes, height; /* of what it names; nodes 0: not closed yet */
};

struct builder {
    struct pool *pool;
    const struct source *src;
    struct diag *diag;
    yaml_parser_t yaml;
    struct frame stack[TREE_DEPTH_MAX];
    struct anchor anchors[TREE_ANCHORS_MAX];
    struct node *root;
    int depth, n_anchors, nodes, documents;
    bool stop; /* what follows would be noise */
    int status;
};

/* Records a problem; the status of the parse is the first. */
#define PROBLEM(b, at, hint, ...) \
    note((b), diag_add((b)->diag, DIAG_ERROR, (at), NULL, (hint), __VA_ARGS__))

static void note(struct builder *b, int status)
{
    if (!b->status || status == RN_ENOMEM)
        b->status = status;
    b->stop |= status == RN_ENOMEM;
}

static struct mark mark_of(const struct builder *b, yaml_mark_t from, yaml_mark_t to)
{
    struct mark m = {.source = b->src, .line = (int32_t)from.line + 1, .width = 1};

    m.col = (int32_t)from.column + 1;
    if (to.line > from.line)
        m.width = INT32_MAX; /* up to the end of the line */
    else if (to.column > from.column)
        m.width = (int32_t)(to.column - from.column);
    return m;
}

static struct mark point(const struct builder *b, yaml_mark_t at) { return mark_of(b, at, at); }

/* ---- values --------------------------------------------------------------- */

static bool count_nodes(struct builder *b, struct mark at, int n, const char *alias)
{
    if (b->nodes + n <= TREE_NODES_MAX) {
        b->nodes += n;
        return true;
    }
    b->stop = true;
    if (alias)
        PROBLEM(b, at, NULL, "*%s stands for %d values, which makes more than the %d allowed",
                alias, n, TREE_NODES_MAX);
    else
        PROBLEM(b, at, NULL, "more than %d values", TREE_NODES_MAX);
    return false;
}

static int anchor_add(struct builder *b, const yaml_char_t *name, struct node *n)
{
    if (!name)
        return -1;
    if (b->n_anchors == TREE_ANCHORS_MAX) {
        b->stop = true;
        PROBLEM(b, n->mark, NULL, "more than %d anchors", TREE_ANCHORS_MAX);
        return -1;
    }
    const char *copy = pool_strdup(b->pool, (const char *)name);
    if (!copy)
        note(b, RN_ENOMEM);
    b->anchors[b->n_anchors] = (struct anchor){copy, n, 0, 0};
    return copy ? b->n_anchors++ : -1;
}

/* Puts a value where one is expected: the root, a list, or behind a key. */
static void place(struct builder *b, struct node *n, int height)
{
    if (!b->depth) {
        b->root = n;
        return;
    }
    struct frame *f = &b->stack[b->depth - 1];
    if (height > f->height)
        f->height = height;
    bool skip = f->skip;
    if (f->node->kind == NODE_MAP) {
        n->key = f->key;
        n->key_mark = f->key_mark;
        f->key = NULL;
        f->skip = false;
    }
    if (skip)
        return;
    *(f->last ? &f->last->next : &f->node->child) = n;
    f->last = n;
}

static bool key_expected(const struct builder *b)
{
    const struct frame *f = b->depth ? &b->stack[b->depth - 1] : NULL;

    return f && f->node->kind == NODE_MAP && !f->key;
}

static void take_key(struct builder *b, const yaml_event_t *ev, struct mark at)
{
    struct frame *f = &b->stack[b->depth - 1];
    bool plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

    f->key = pool_strndup(b->pool, (const char *)ev->data.scalar.value, ev->data.scalar.length);
    f->key_mark = at;
    if (!f->key) {
        note(b, RN_ENOMEM);
        return;
    }
    if (!*f->key)
        PROBLEM(b, at, NULL, "a key is empty");
    if (++f->keys > TREE_KEYS_MAX) {
        b->stop = true;
        PROBLEM(b, at, NULL, "a map of more than %d keys", TREE_KEYS_MAX);
        return;
    }
    const struct node *twin = tree_get(f->node, f->key);
    if (twin) {
        f->skip = true;
        PROBLEM(b, at, NULL, "key '%s' appears twice, first at %d:%d", f->key, twin->key_mark.line,
                twin->key_mark.col);
    }
    f->merges |= plain && !strcmp(f->key, "<<");
}

static bool is_null(const yaml_event_t *ev)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
            !strcmp((const char *)ev->data.scalar.value, words[i]))
            return true;
    return false;
}

static void on_scalar(struct builder *b, const yaml_event_t *ev)
{
    struct mark at = mark_of(b, ev->start_mark, ev->end_mark);

    if (ev->data.scalar.length > TREE_SCALAR_MAX) {
        b->stop = true;
        PROBLEM(b, at, NULL, "a value of %zu bytes, more than the %d allowed",
                ev->data.scalar.length, TREE_SCALAR_MAX);
        return;
    }
    if (ev->data.scalar.tag)
        PROBLEM(b, at, "leave it out: the option says of what type it is",
                "tags are not supported");
    if (key_expected(b)) {
        take_key(b, ev, at);
        return;
    }
    struct node *n = tree_new(b->pool, is_null(ev) ? NODE_NULL : NODE_SCALAR, at, "file");
    const char *value = (const char *)ev->data.scalar.value;
    if (!n || !(n->text = pool_strndup(b->pool, value, ev->data.scalar.length))) {
        note(b, RN_ENOMEM);
        return;
    }
    n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (!count_nodes(b, at, 1, NULL))
        return;
    int i = anchor_add(b, ev->data.scalar.anchor, n);
    if (i >= 0)
        b->anchors[i].nodes = 1;
    place(b, n, 0);
}

static void on_alias(struct builder *b, const yaml_event_t *ev)
{
    const char *name = (const char *)ev->data.alias.anchor;
    struct mark at = mark_of(b, ev->start_mark, ev->end_mark);
    int i = b->n_anchors;

    while (--i >= 0 && strcmp(b->anchors[i].name, name))
        continue;
    const struct anchor *a = i < 0 ? NULL : &b->anchors[i];
    const char *why = !a                                      ? "names no anchor before it"
                      : !a->nodes                             ? "is inside of what it names"
                      : b->depth + a->height > TREE_DEPTH_MAX ? "makes it nested too deep"
                      : key_expected(b)                       ? "cannot be a key"
                                                              : NULL;
    if (why) {
        b->stop = true;
        PROBLEM(b, at, NULL, "*%s %s", name, why);
        return;
    }
    if (!count_nodes(b, at, a->nodes, name))
        return;
    struct node *copy = tree_copy(b->pool, a->node);
    if (!copy) {
        note(b, RN_ENOMEM);
        return;
    }
    place(b, copy, a->height);
}

/* ---- containers ----------------------------------------------------------- */

static void on_open(struct builder *b, const yaml_event_t *ev)
{
    bool map = ev->type == YAML_MAPPING_START_EVENT;
    const yaml_char_t *tag = map ? ev->data.mapping_start.tag : ev->data.sequence_start.tag;
    const yaml_char_t *anchor =
        map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor;
    struct mark at = point(b, ev->start_mark);
    bool deep = b->depth == TREE_DEPTH_MAX;

    if (deep || key_expected(b)) {
        b->stop = true;
        if (deep)
            PROBLEM(b, at, NULL, "nested deeper than %d levels", TREE_DEPTH_MAX);
        else
            PROBLEM(b, at, NULL, "a key must be a single word, not a %s", map ? "map" : "list");
        return;
    }
    if (tag)
        PROBLEM(b, at, NULL, "tags are not supported");
    int before = b->nodes;
    if (!count_nodes(b, at, 1, NULL))
        return;
    struct node *n = tree_new(b->pool, map ? NODE_MAP : NODE_LIST, at, "file");
    if (!n) {
        note(b, RN_ENOMEM);
        return;
    }
    int i = anchor_add(b, anchor, n);
    place(b, n, 0);
    b->stack[b->depth++] = (struct frame){.node = n, .nodes_before = before, .anchor = i};
}

static void merge_one(struct builder *b, struct frame *f, struct node *from)
{
    for (struct node *c = from->child, *next; c; c = next) {
        next = c->next;
        if (tree_get(f->node, c->key))
            continue;
        if (++f->keys > TREE_KEYS_MAX) {
            b->stop = true;
            PROBLEM(b, f->node->mark, NULL, "a map of more than %d keys", TREE_KEYS_MAX);
            return;
        }
        tree_set_origin(c, "merge key");
        c->next = NULL;
        f->last->next = c;
        f->last = c;
    }
}

/* <<: *base, or <<: [*a, *b]: the keys that the map has not itself, the first wins. */
static void merge(struct builder *b, struct frame *f)
{
    struct node *with = tree_get(f->node, "<<");
    struct node *one = with->kind == NODE_LIST ? with->child : with;

    f->keys--; /* << itself goes */
    for (; one; one = with->kind == NODE_LIST ? one->next : NULL) {
        if (one->kind == NODE_MAP)
            merge_one(b, f, one);
        else
            PROBLEM(b, one->mark, NULL, "'<<' takes a map, or a list of maps");
    }
    tree_remove(f->node, with);
}

static void on_close(struct builder *b)
{
    struct frame *f = &b->stack[--b->depth];
    int height = f->height + 1;

    if (f->merges)
        merge(b, f);
    if (f->anchor >= 0) {
        b->anchors[f->anchor].nodes = b->nodes - f->nodes_before;
        b->anchors[f->anchor].height = height;
    }
    if (b->depth && height > b->stack[b->depth - 1].height)
        b->stack[b->depth - 1].height = height;
}

static void on_event(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->documents++) {
            b->stop = true;
            PROBLEM(b, point(b, ev->start_mark), NULL, "a second document begins here; one is all");
        }
        break;
    case YAML_SCALAR_EVENT: on_scalar(b, ev); break;
    case YAML_ALIAS_EVENT: on_alias(b, ev); break;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: on_open(b, ev); break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: on_close(b); break;
    default: break;
    }
}

/* ---- what is wrong with the text ------------------------------------------- */

static void explain(struct builder *b, const char *text)
{
    const struct node *open = b->depth ? b->stack[b->depth - 1].node : NULL;
    struct yaml_fault fault;

    b->stop = true;
    if (b->yaml.error == YAML_MEMORY_ERROR) {
        note(b, FAIL(RN_ENOMEM, "out of memory while reading YAML"));
        return;
    }
    yaml_fault_find(&b->yaml, text, &fault);
    if (fault.unclosed && open)
        PROBLEM(b, open->mark, NULL, "this %s lacks its '%c'",
                open->kind == NODE_MAP ? "map" : "list", open->kind == NODE_MAP ? '}' : ']');
    else
        PROBLEM(b, point(b, fault.at), fault.hint, "%s", fault.message);
}

/* Characters that no configuration needs, before libyaml sees them. */
static bool text_is_clean(struct builder *b, const char *s, size_t n)
{
    struct mark at = {.source = b->src, .line = 1, .col = 1, .width = 1};
    uint32_t c = 0;
    int len;

    if (n >= 2 && (!memcmp(s, "\xFF\xFE", 2) || !memcmp(s, "\xFE\xFF", 2))) {
        PROBLEM(b, ((struct mark){.source = b->src}), NULL, "this is UTF-16; save it as UTF-8");
        return false;
    }
    for (size_t i = 0; i < n; i += (size_t)len, at.col++) {
        len = rn_utf8_next(s + i, n - i, &c);
        if (!len || !c || rn_utf8_forbidden(c))
            break;
        if (c == '\n' || (c == '\r' && (i + 1 == n || s[i + 1] != '\n')))
            at.line++, at.col = 0;
        if (i + (size_t)len == n)
            return true;
    }
    if (!n)
        return true;
    if (!len)
        PROBLEM(b, at, "save the file as UTF-8", "a byte that is not UTF-8");
    else if (!c)
        PROBLEM(b, ((struct mark){.source = b->src}), NULL, "not a text file: it has 0 bytes");
    else
        PROBLEM(b, at, NULL, "the character U+%04X is not allowed", (unsigned)c);
    return false;
}

static void build(struct builder *b, const char *text, size_t n)
{
    yaml_event_t ev;
    bool end = false;

    yaml_parser_set_encoding(&b->yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b->yaml, (const unsigned char *)text, n);
    while (!end && !b->stop) {
        if (!yaml_parser_parse(&b->yaml, &ev)) {
            explain(b, text);
            return;
        }
        on_event(b, &ev);
        end = ev.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&ev);
    }
}

int tree_parse_from(struct pool *p, const struct source *src, size_t from, struct diag *d,
                    struct node **out)
{
    struct builder *b = mem_alloc(sizeof *b);
    struct text text = {0};
    uint32_t c;

    *out = NULL;
    if (!b)
        return RN_ENOMEM;
    b->pool = p, b->src = src, b->diag = d;
    /* blanks for what is left out keep the columns right */
    for (size_t i = 0, len; i < from; i += len ? len : 1) {
        len = (size_t)rn_utf8_next(src->text + i, src->bytes - i, &c);
        text_put(&text, " ", 1);
    }
    text_put(&text, src->text + from, src->bytes - from);
    if (text.status)
        b->status = RN_ENOMEM;
    else if (text.n > TREE_BYTES_MAX)
        PROBLEM(b, ((struct mark){.source = src}), NULL, "more than %d bytes", TREE_BYTES_MAX);
    else if (!text_is_clean(b, text.s, text.n))
        ; /* said so */
    else if (!yaml_parser_initialize(&b->yaml))
        b->status = FAIL(RN_ENOMEM, "out of memory");
    else
        build(b, text_str(&text), text.n);
    yaml_parser_delete(&b->yaml);
    text_free(&text);
    int status = b->status;
    *out = b->stop || status == RN_ENOMEM ? NULL : b->root;
    mem_free(b);
    return status;
}

int tree_parse(struct pool *p, const struct source *src, struct diag *d, struct node **out)
{
    return tree_parse_from(p, src, 0, d, out);
}
