/* variants.c - values of options, other than the defaults. */
#include "variants.h"

#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_TEXT = 96 };

static bool number_fits(const struct rn_option *o, double v)
{
    return (o->flags & RN_OPT_OPEN_MIN ? v > o->min : v >= o->min) &&
           (o->flags & RN_OPT_OPEN_MAX ? v < o->max : v <= o->max);
}

/* The k-th of the candidates that fit and are not the default. */
static bool pick_number(const struct rn_option *o, const double *from, int n, int k, char *out)
{
    double was = o->fallback ? strtod(o->fallback, NULL) : (double)NAN;

    for (int i = 0; i < n; i++) {
        bool seen = from[i] == was || !number_fits(o, from[i]);

        for (int j = 0; j < i && !seen; j++)
            seen = from[j] == from[i];
        if (!seen && k-- <= 0) {
            snprintf(out, VALUE_TEXT, "%.9g", from[i]);
            return true;
        }
    }
    return false;
}

static double end_of_range(double v, double most) { return fabs(v) <= most ? v : (double)NAN; }

static bool other_int(const struct rn_option *o, int k, char *out)
{
    const double all[] = {2, 3, 1, end_of_range(o->min, 64), end_of_range(o->max, 64), o->min};
    const double required[] = {3, 2, 1, o->min};

    return k < 0 ? pick_number(o, required, 4, 0, out) : pick_number(o, all, 5, k, out);
}

static bool other_float(const struct rn_option *o, int k, char *out)
{
    double was = o->fallback ? strtod(o->fallback, NULL) : 0;
    const double all[] = {was != 0 ? was / 2 : 0.25, end_of_range(o->min, 8),
                          end_of_range(o->max, 8),   0.25,
                          (o->min + o->max) / 2,     o->min};

    return k < 0 ? pick_number(o, all, 6, 0, out) : pick_number(o, all, 3, k, out);
}

/* A list of the k-th length that is allowed. What is 0 by default, as padding is, is often bounded
 * by another option, and a large one refused. */
static bool other_list(const struct rn_option *o, int k, char *out)
{
    static const char *const small[] = {"[1]", "[1, 0]", "[1, 0, 1]"};
    static const char *const ints[] = {"[2]", "[2, 1]", "[2, 1, 3]"};
    static const char *const floats[] = {"[0.5]", "[0.5, 1.25]", "[0.5, 1.25, 2]"};
    const bool from_0 = o->fallback && !strcmp(o->fallback, "0");
    const char *const *from = o->type != RN_OPT_INTS ? floats : from_0 ? small : ints;

    for (int n = 1; n <= 3; n++)
        if (n >= o->min && n <= o->max && k-- <= 0) {
            snprintf(out, VALUE_TEXT, "%s", from[n - 1]);
            return true;
        }
    return false;
}

static bool other_choice(const struct rn_option *o, int k, char *out)
{
    for (const struct rn_choice *c = o->choices; c->name; c++)
        if ((!o->fallback || strcmp(c->name, o->fallback) != 0) && k-- <= 0) {
            snprintf(out, VALUE_TEXT, "%s", c->name);
            return true;
        }
    return false;
}

/* The k-th value of an option that is not its default; k = -1: one for an option without any. */
static bool other_value(const struct rn_option *o, int k, char *out)
{
    const char *text = NULL;

    switch (o->type) {
    case RN_OPT_INT:
    case RN_OPT_SIZE: return other_int(o, k, out);
    case RN_OPT_FLOAT: return other_float(o, k, out);
    case RN_OPT_INTS:
    case RN_OPT_FLOATS: return other_list(o, k, out);
    case RN_OPT_CHOICE: return other_choice(o, k, out);
    case RN_OPT_BOOL: text = o->fallback && !strcmp(o->fallback, "true") ? "false" : "true"; break;
    case RN_OPT_SPAN: text = o->flags & RN_OPT_TIME ? "2 s" : "2 epochs"; break;
    case RN_OPT_LAYERS: text = k < 0 ? "[first]" : NULL; break;
    case RN_OPT_STRING: text = k < 0 ? "val.loss" : NULL; break;
    case RN_OPT_PATH: text = k < 0 ? "made-up" : NULL; break;
    default: break;
    }
    if (!text || k > 0)
        return false;
    snprintf(out, VALUE_TEXT, "%s", text);
    return true;
}

/* which NULL: what is required; else that option with a value of its own, too; all: each option. */
static void compose(const struct option_table *t, const struct rn_option *which, const char *value,
                    bool all, char yaml[VARIANT_TEXT])
{
    size_t n = (size_t)snprintf(yaml, VARIANT_TEXT, "{");
    char text[VALUE_TEXT];

    for (int i = 0; i < t->n && n < VARIANT_TEXT; i++) {
        const struct rn_option *o = &t->rows[i];
        bool required = o->flags & RN_OPT_REQUIRED;
        const char *v = o == which ? value : text;

        if (o->flags & RN_OPT_DEPRECATED ||
            (o != which && (!(required || all) || !other_value(o, required ? -1 : 0, text))))
            continue;
        n +=
            (size_t)snprintf(yaml + n, VARIANT_TEXT - n, "%s%s: %s", n > 1 ? ", " : "", o->name, v);
    }
    if (n < VARIANT_TEXT)
        snprintf(yaml + n, VARIANT_TEXT - n, "}");
}

bool variant_text(const struct option_table *t, int i, char yaml[VARIANT_TEXT])
{
    char value[VALUE_TEXT];
    int changeable = 0;

    if (!i) {
        compose(t, NULL, NULL, false, yaml);
        return true;
    }
    for (int r = 0; r < t->n; r++) {
        const struct rn_option *o = &t->rows[r];

        if (o->flags & RN_OPT_DEPRECATED)
            continue;
        for (int k = 0; other_value(o, k, value); k++) {
            changeable += k == 0;
            if (!--i) {
                compose(t, o, value, false, yaml);
                return true;
            }
        }
    }
    if (i != 1 || changeable < 2)
        return false;
    compose(t, NULL, NULL, true, yaml);
    return true;
}

int variant_options(struct pool *p, const struct option_table *t, const char *yaml, void **out)
{
    struct source source = {.path = "options", .dir = "/", .text = yaml, .bytes = strlen(yaml)};
    struct diag *d = diag_new(p);
    struct node *map = NULL;
    struct text said = {0};

    *out = NULL;
    if (!t->n)
        return RN_OK;
    if (d && !tree_parse(p, &source, d, &map) &&
        !options_parse(p, t, map, (struct mark){.source = &source}, "options", "it", NULL, d, out))
        return RN_OK;
    if (d)
        diag_text(d, false, &said);
    int status = FAIL(RN_EINVAL, "%s: %s", yaml, text_str(&said));
    text_free(&said);
    return status;
}
