/* tree_json.c - a tree as JSON: `runner config --json`. */
#include "compose.h"
#include "options.h"

#include "base/json.h"

#include <string.h>

static void scalar(const struct node *n, struct text *out)
{
    double number;

    if (!n->quoted && (!strcmp(n->text, "true") || !strcmp(n->text, "false")))
        text_add(out, "%s", n->text);
    else if (!n->quoted && options_float(n->text, &number))
        json_number(out, number);
    else
        json_string(out, n->text);
}

static void value(const struct node *n, int depth, struct text *out)
{
    bool map = n->kind == NODE_MAP;

    if (n->kind == NODE_NULL)
        text_add(out, "null");
    if (n->kind == NODE_SCALAR)
        scalar(n, out);
    if (!map && n->kind != NODE_LIST)
        return;
    text_add(out, map ? "{" : "[");
    for (const struct node *c = n->child; c; c = c->next) {
        text_add(out, "%s\n%*s", c == n->child ? "" : ",", 2 * (depth + 1), "");
        if (map) {
            json_string(out, c->key);
            text_add(out, ": ");
        }
        value(c, depth + 1, out);
    }
    if (n->child)
        text_add(out, "\n%*s", 2 * depth, "");
    text_add(out, map ? "}" : "]");
}

void compose_json(const struct node *root, struct text *out)
{
    value(root, 0, out);
    text_add(out, "\n");
}
