/* interpolate.c - ${...} in values: each is replaced once, what it refers to first. */
#include "interpolate.h"

#include "base/error.h"
#include "patch.h"

#include <runner/utf8.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { UNTOUCHED, UNDER_WAY, DONE };

struct interp {
    struct pool *pool;
    struct node *root;
    struct diag *diag;
    int copied, references; /* nodes; ${...} met */
};

static int resolve(struct interp *x, struct node *n, int depth);

/* The value of ${env:body}, body being NAME or NAME,default; NULL: said why. */
static const char *env_value(struct interp *x, const struct node *n, const char *body)
{
    size_t len = strcspn(body, ",");
    const char *name = pool_strndup(x->pool, body, len);
    const char *value = name ? getenv(name) : NULL;
    uint32_t c = 0;
    int bytes = 1;

    if (!name)
        return NULL;
    if (!value && body[len])
        return body + len + 1;
    if (!value) {
        diag_add(x->diag, DIAG_ERROR, n->mark, NULL, "${env:NAME,default} has one for this case",
                 "the environment has no '%s'", name);
        return NULL;
    }
    for (size_t i = 0, all = strlen(value); i < all && bytes; i += (size_t)bytes) {
        bytes = rn_utf8_next(value + i, all - i, &c);
        bytes = rn_utf8_forbidden(c) ? 0 : bytes;
    }
    if (bytes)
        return pool_strdup(x->pool, value);
    diag_add(x->diag, DIAG_ERROR, n->mark, NULL, NULL, "the environment's '%s' is not plain text",
             name);
    return NULL;
}

static int circle(struct interp *x, const struct node *n)
{
    return diag_add(x->diag, DIAG_ERROR, n->mark, NULL, NULL,
                    "%s refers to itself, or to too many others", n->text ? n->text : "this");
}

/* What ${path} stands for, with its own ${...} replaced; NULL: said why. */
static struct node *target_of(struct interp *x, const struct node *n, const char *path, int depth)
{
    const char *why, *hint;
    struct node *target = path_find(x->pool, x->root, path, &why, &hint);

    if (!target) {
        diag_add(x->diag, DIAG_ERROR, n->mark, NULL, hint, "${%s}: %s", path, why);
        return NULL;
    }
    if (target->interp == UNDER_WAY || depth > TREE_DEPTH_MAX) {
        circle(x, n);
        return NULL;
    }
    return resolve(x, target, depth + 1) ? NULL : target;
}

static bool is_env(const char *body) { return !strncmp(body, "env:", 4); }

static int count_all(const struct node *n)
{
    int count = 1;

    for (const struct node *c = n->child; c; c = c->next)
        count += count_all(c);
    return count;
}

static int height_of(const struct node *n)
{
    int height = 0;

    for (const struct node *c = n->child; c; c = c->next) {
        int h = height_of(c) + 1;
        height = h > height ? h : height;
    }
    return height;
}

/* n is exactly ${body}: it becomes what that is. */
static int become(struct interp *x, struct node *n, const char *body, int depth)
{
    if (is_env(body)) {
        n->text = env_value(x, n, body + 4);
        n->quoted = false;
        return n->text ? RN_OK : RN_EINVAL;
    }
    const struct node *target = target_of(x, n, body, depth);
    if (!target || x->copied > TREE_NODES_MAX)
        return RN_EINVAL;
    x->copied += count_all(target);
    if (x->copied > TREE_NODES_MAX || height_of(target) >= TREE_DEPTH_MAX / 2)
        return diag_add(x->diag, DIAG_ERROR, n->mark, NULL, NULL,
                        "${%s} makes the configuration too large", body);
    const struct node *copy = tree_copy(x->pool, target);
    if (!copy)
        return RN_ENOMEM;
    n->kind = copy->kind;
    n->quoted = copy->quoted;
    n->text = copy->text;
    n->child = copy->child;
    return RN_OK;
}

static int put_reference(struct interp *x, const struct node *n, const char *body, int depth,
                         struct text *out)
{
    const char *value;

    if (is_env(body)) {
        value = env_value(x, n, body + 4);
    } else {
        const struct node *target = target_of(x, n, body, depth);
        if (!target)
            return RN_EINVAL;
        if (target->kind != NODE_SCALAR)
            return diag_add(x->diag, DIAG_ERROR, n->mark, NULL, NULL,
                            "${%s} is not a single value: it cannot stand within a text", body);
        value = target->text;
    }
    if (!value)
        return RN_EINVAL;
    text_put(out, value, strlen(value));
    return RN_OK;
}

static int replace_all(struct interp *x, struct node *n, int depth, struct text *out)
{
    const char *s = n->text;

    for (const char *at; (at = strchr(s, '$'));) {
        text_put(out, s, (size_t)(at - s));
        if (!strncmp(at, "$${", 3)) {
            text_put(out, "${", 2);
            s = at + 3;
            continue;
        }
        if (at[1] != '{') {
            text_put(out, "$", 1);
            s = at + 1;
            continue;
        }
        const char *end = strchr(at, '}');
        if (!end)
            return diag_add(x->diag, DIAG_ERROR, n->mark, NULL, "$${ is a plain ${",
                            "'${' lacks its '}'");
        const char *body = pool_strndup(x->pool, at + 2, (size_t)(end - at - 2));
        if (!body)
            return RN_ENOMEM;
        if (++x->references > INTERPOLATE_MAX)
            return x->references > INTERPOLATE_MAX + 1
                       ? RN_EINVAL /* said so */
                       : diag_add(x->diag, DIAG_ERROR, n->mark, NULL, NULL, "more than %d ${...}",
                                  INTERPOLATE_MAX);
        if (at == n->text && !end[1])
            return become(x, n, body, depth);
        TRY(put_reference(x, n, body, depth, out));
        if (out->n > TREE_SCALAR_MAX)
            return diag_add(x->diag, DIAG_ERROR, n->mark, NULL, NULL,
                            "the ${...} in this make it longer than %d bytes", TREE_SCALAR_MAX);
        s = end + 1;
    }
    text_put(out, s, strlen(s));
    if (out->status)
        return out->status;
    n->text = pool_strdup(x->pool, text_str(out));
    return n->text ? RN_OK : RN_ENOMEM;
}

/* The status is of n alone or of what is in it; problems are in the diag already. */
static int resolve(struct interp *x, struct node *n, int depth)
{
    int status = RN_OK;

    if (n->interp == DONE)
        return RN_OK;
    n->interp = UNDER_WAY;
    if (n->kind == NODE_SCALAR && strstr(n->text, "${")) {
        struct text out = {0};
        status = replace_all(x, n, depth, &out);
        text_free(&out);
    } else {
        for (struct node *c = n->child; c && status != RN_ENOMEM; c = c->next) {
            int bad = c->interp == UNDER_WAY ? circle(x, c) : resolve(x, c, depth);
            status = bad ? bad : status;
        }
    }
    n->interp = DONE;
    return status;
}

int interpolate(struct pool *p, struct node *root, struct diag *d)
{
    struct interp x = {.pool = p, .root = root, .diag = d};

    TRY(resolve(&x, root, 0));
    if (height_of(root) > TREE_DEPTH_MAX)
        return diag_add(d, DIAG_ERROR, root->mark, NULL, NULL,
                        "nested deeper than %d levels once ${...} are replaced", TREE_DEPTH_MAX);
    return RN_OK;
}
