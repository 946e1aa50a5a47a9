/* options.c - option structs for tests, by way of the core's own tables. */
#include "options.h"

#include "config/options.h"

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

bool options_variant(const struct rn_plugin *plugin, int i, char yaml[OPTIONS_TEXT])
{
    struct option_table table = {.rows = plugin->options, .size = plugin->options_size};

    while (plugin->options && plugin->options[table.n].name)
        table.n++;
    return variant_text(&table, i, yaml);
}
