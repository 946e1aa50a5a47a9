/* reference.c - all that a file can say, as Markdown: the core's sections, then every plugin. */
#include "tables.h"

#include "base/error.h"
#include "config/value.h"
#include "plugin/describe.h"

#include <stdlib.h>
#include <string.h>

/* ---- tables --------------------------------------------------------------- */

/* Text within a cell of a table. */
static void put_cell(struct text *out, const char *s)
{
    for (size_t n; *s; s += n + (s[n] != '\0')) {
        n = strcspn(s, "|\n");
        text_put(out, s, n);
        text_add(out, "%s", s[n] == '|' ? "\\|" : s[n] ? " " : "");
    }
}

static void put_row(struct text *out, const struct rn_option *o)
{
    struct text type = {0};

    value_type_text(o, &type);
    text_add(out, "| `%s` | ", o->name);
    put_cell(out, text_str(&type));
    if (o->flags & RN_OPT_REQUIRED)
        text_add(out, " | required | ");
    else if (o->fallback)
        text_add(out, " | `%s` | ", *o->fallback ? o->fallback : "\"\"");
    else
        text_add(out, " | | ");
    put_cell(out, o->help);
    for (const struct rn_choice *c = o->choices; c && c->name; c++) {
        if (!c->help)
            continue;
        text_add(out, "; `%s`: ", c->name);
        put_cell(out, c->help);
    }
    if (o->alias)
        text_add(out, "; older name `%s`", o->alias);
    text_add(out, "%s |\n", o->flags & RN_OPT_DEPRECATED ? "; deprecated" : "");
    out->status = out->status ? out->status : type.status;
    text_free(&type);
}

static void put_rows(struct text *out, const struct rn_option *rows, int n)
{
    text_add(out, "\n| Option | Type | Default | Meaning |\n|---|---|---|---|\n");
    for (int i = 0; n < 0 ? rows[i].name != NULL : i < n; i++)
        put_row(out, &rows[i]);
}

/* ---- the core's sections ---------------------------------------------------- */

static void put_takes(struct text *out, const struct section *s)
{
    const struct rn_option *row = s->form == SECTION_VALUE ? section_row(s->rows, s->path) : NULL;
    const char *kind = s->kind ? kind_name(s->kind) : "";

    switch (s->form) {
    case SECTION_VALUE: options_type_text(row, out); break;
    case SECTION_PART:
        text_add(out, "%s [%s](#%s)", strchr("aeiou", *kind) ? "an" : "a", kind,
                 kind_folder(s->kind));
        break;
    case SECTION_PARTS:
        text_add(out, "a list of [%s](#%s)", kind_folder(s->kind), kind_folder(s->kind));
        break;
    case SECTION_WORDS: text_add(out, "a word or a list of words"); break;
    case SECTION_ITEMS: text_add(out, "a list of maps"); break;
    default: text_add(out, "a map"); break;
    }
}

static void put_sections(struct text *out, const char *heading, const struct section *list)
{
    text_add(out, "## %s\n\n| Section | Takes | Meaning |\n|---|---|---|\n", heading);
    for (const struct section *s = list; s->path; s++) {
        text_add(out, "| `%s` | ", s->path);
        put_takes(out, s);
        text_add(out, " | ");
        put_cell(out, s->help);
        text_add(out, " |\n");
    }
    for (const struct section *s = list; s->path; s++) {
        if (!s->rows || s->form == SECTION_VALUE)
            continue;
        text_add(out, "\n### `%s`%s\n", s->path,
                 s->form == SECTION_ITEMS  ? ", each item"
                 : s->form == SECTION_PART ? ", whatever its type"
                                           : "");
        put_rows(out, s->rows, -1);
    }
}

/* ---- plugins -------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct plugin *const *)a)->name,
                  (*(const struct plugin *const *)b)->name);
}

static void put_plugin(struct text *out, const struct plugin *p)
{
    text_add(out, "\n### `%s`\n\n%s%s. Example: `", p->name, p->summary,
             p->traits & RN_TRAIT_DEFAULT ? " (used by default)" : "");
    describe_example(p, out);
    text_add(out, "`\n");
    if (p->doc && *p->doc)
        text_add(out, "\n```text\n%s%s```\n", p->doc,
                 p->doc[strlen(p->doc) - 1] == '\n' ? "" : "\n");
    if (p->options.n)
        put_rows(out, p->options.rows, p->options.n);
    else
        text_add(out, "\nNo options.\n");
}

static int put_kind(struct text *out, struct registry *r, uint32_t kind)
{
    const struct plugin *const *list;
    int n;

    TRY(registry_all(r, kind, &list, &n, NULL));
    const struct plugin **sorted = mem_array((size_t)n + 1, sizeof *sorted);
    if (!sorted)
        return RN_ENOMEM;
    if (n) {
        memcpy(sorted, list, (size_t)n * sizeof *sorted);
        qsort(sorted, (size_t)n, sizeof *sorted, by_name);
    }
    text_add(out, "\n## %s\n", kind_folder(kind));
    for (int i = 0; i < n; i++)
        put_plugin(out, sorted[i]);
    mem_free(sorted);
    return RN_OK;
}

int experiment_reference(struct registry *r, const struct other_file *others, struct text *out)
{
    text_add(out, "# Reference\n\n"
                  "Everything that a file can say. Made from the tables that the runner itself "
                  "reads a file by,\nwith `runner plugins reference`; `runner plugins describe "
                  "NAME` shows one plugin.\n\n");
    put_sections(out, "The file of an experiment", sections);
    for (; others->heading; others++) {
        text_add(out, "\n");
        put_sections(out, others->heading, others->sections);
    }
    for (uint32_t kind = 1; kind_name(kind); kind++)
        TRY(put_kind(out, r, kind));
    return out->status;
}
