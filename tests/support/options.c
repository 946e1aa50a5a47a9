/* options.c - option structs for tests, by way of the core's own tables. */
#include "options.h"

#include "config/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *options_from(struct pool *p, const struct rn_plugin *plugin, const char *yaml)
{
    struct source source = {.path = "test", .dir = "/", .text = yaml, .bytes = strlen(yaml)};
    struct diag *d = diag_new(p);
    struct option_table table;
    struct node *map = NULL;
    struct text said = {0};
    void *out = NULL;

    if (!plugin->options)
        return NULL;
    if (d && !tree_parse(p, &source, d, &map) &&
        !options_table(p, plugin->options, plugin->option_stride, plugin->options_size, &table) &&
        !options_parse(p, &table, map, (struct mark){.source = &source}, "test", plugin->name, NULL,
                       d, &out))
        return out;
    if (d)
        diag_text(d, false, &said);
    fprintf(stderr, "%s: %s\n%s\n", plugin->name, yaml, text_str(&said));
    exit(1);
}

static double within(const struct rn_option *o, double v) { return fmin(fmax(v, o->min), o->max); }

/* The k-th value of an option that is not its default; k = -1: one for an option without any. */
static bool other_value(const struct rn_option *o, int k, char *out, size_t n)
{
    double was = o->fallback ? atof(o->fallback) : 1;

    switch (o->type) {
    case RN_OPT_BOOL:
        snprintf(out, n, "%s", o->fallback && !strcmp(o->fallback, "true") ? "false" : "true");
        return k <= 0;
    case RN_OPT_INT:
        snprintf(out, n, "%.0f", within(o, k < 0 ? 3 : was == 1 ? was + 1 : 1));
        return k <= 0;
    case RN_OPT_FLOAT: snprintf(out, n, "%g", within(o, was != 0 ? was / 2 : 0.25)); return k <= 0;
    case RN_OPT_CHOICE:
        for (const struct rn_choice *c = o->choices; c->name; c++)
            if ((!o->fallback || strcmp(c->name, o->fallback)) && k-- <= 0) {
                snprintf(out, n, "%s", c->name);
                return true;
            }
        return false;
    case RN_OPT_FLOATS: snprintf(out, n, "[1]"); return k < 0;
    case RN_OPT_SPAN:
        snprintf(out, n, "%s", o->flags & RN_OPT_TIME ? "2 m" : "2 steps");
        return k <= 0;
    default: return false;
    }
}

/* which = NULL: what is required; else that option with its k-th other value, too */
static void compose(const struct rn_plugin *plugin, const struct rn_option *which,
                    const char *value, char yaml[OPTIONS_TEXT])
{
    size_t n = (size_t)snprintf(yaml, OPTIONS_TEXT, "{");
    char text[64];

    for (const struct rn_option *o = plugin->options; o && o->name; o++) {
        const char *v = o == which ? value : text;

        if (o != which && (!(o->flags & RN_OPT_REQUIRED) || !other_value(o, -1, text, sizeof text)))
            continue;
        if (n < OPTIONS_TEXT)
            n += (size_t)snprintf(yaml + n, OPTIONS_TEXT - n, "%s%s: %s", n > 1 ? ", " : "",
                                  o->name, v);
    }
    if (n < OPTIONS_TEXT)
        snprintf(yaml + n, OPTIONS_TEXT - n, "}");
}

bool options_variant(const struct rn_plugin *plugin, int i, char yaml[OPTIONS_TEXT])
{
    char value[64];

    if (!i) {
        compose(plugin, NULL, NULL, yaml);
        return true;
    }
    for (const struct rn_option *o = plugin->options; o && o->name; o++)
        for (int k = 0; other_value(o, k, value, sizeof value); k++)
            if (!--i) {
                compose(plugin, o, value, yaml);
                return true;
            }
    return false;
}
