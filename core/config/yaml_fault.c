/* yaml_fault.c - libyaml's complaints in the words of a user, and where the mistake is: libyaml
 * reports the token after it, and calls a missing bracket a parsing problem. */
#include "yaml_fault.h"

#include <runner/utf8.h>

#include <stdio.h>
#include <string.h>

static const struct wording {
    const char *context, *problem; /* libyaml's, as they begin */
    bool at_context;               /* the mistake is where the context began */
    const char *message, *hint;
} wordings[] = {
    {"while parsing a flow sequence", "", true, "this list lacks a ',' or its ']'", NULL},
    {"while parsing a flow mapping", "", true, "this map lacks a ',' or its '}'", NULL},
    {"while scanning a quoted scalar", "found unexpected", true, "this quote is not closed", NULL},
    {"while parsing a quoted scalar", "found unknown escape", false, "unknown escape sequence",
     "in 'single quotes' a backslash is just that"},
    {"while scanning a simple key", "could not find", true, "this key has no ':'",
     "write 'key: value', with a blank after the colon"},
    {"while parsing a block mapping", "did not find expected key", false,
     "this does not line up with the keys above", "use the same number of blanks"},
    {"while parsing a block collection", "did not find", false,
     "this does not line up with the items above", "each item begins with '- '"},
    {"", "mapping values are not allowed", false, "a ':' is not allowed here",
     "put a value that contains ': ' in quotes, and a nested map on lines of its own"},
    {"", "block sequence entries are not allowed", false, "a list item is not allowed here",
     "begin the list on a line of its own"},
    {"", "found undefined tag handle", false, "tags are not supported", NULL},
};

static bool begins(const char *s, const char *with)
{
    return !strncmp(s ? s : "", with, strlen(with));
}

/* A value that begins with a tab, or with @ ` or %. */
static void find_character(const yaml_parser_t *y, const char *text, struct yaml_fault *out)
{
    uint32_t c;

    for (size_t i = y->problem_mark.index; i && *text; i--)
        text += rn_utf8_next(text, RN_UTF8_MAX,
                             &c); /* checked before: the 0 byte ends each code point */
    out->hint = *text == '\t' ? "use blanks" : "put it in quotes";
    if (*text == '\t')
        snprintf(out->message, sizeof out->message, "a tab cannot indent");
    else
        snprintf(out->message, sizeof out->message, "a value cannot begin with '%c'", *text);
}

static void find_wording(const yaml_parser_t *y, struct yaml_fault *out)
{
    size_t line = y->problem_mark.line + 1, col = y->problem_mark.column + 1;

    for (size_t i = 0; i < sizeof wordings / sizeof *wordings; i++) {
        const struct wording *w = &wordings[i];
        if (!begins(y->context, w->context) || !begins(y->problem, w->problem))
            continue;
        out->hint = w->hint;
        if (w->at_context)
            out->at = y->context_mark;
        if (w->at_context)
            snprintf(out->message, sizeof out->message, "%s (noticed at %zu:%zu)", w->message, line,
                     col);
        else
            snprintf(out->message, sizeof out->message, "%s", w->message);
        return;
    }
    snprintf(out->message, sizeof out->message, "not valid YAML: %s%s%s",
             y->problem ? y->problem : "unknown error", y->context ? ", " : "",
             y->context ? y->context : "");
}

void yaml_fault_find(const yaml_parser_t *y, const char *text, struct yaml_fault *out)
{
    *out = (struct yaml_fault){.at = y->problem_mark};
    if (begins(y->problem, "found character that cannot start")) {
        find_character(y, text, out);
    } else if (begins(y->problem, "did not find expected node content")) { /* [1,, 2] */
        out->unclosed = y->eof && y->problem_mark.index >= y->mark.index;
        snprintf(out->message, sizeof out->message, "a value is missing here");
    } else {
        find_wording(y, out);
    }
}
