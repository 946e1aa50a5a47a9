/* value.h - one value of an option: from a node of the file to a field of a struct. What the
 * sources of options.h share; value_path() is for the paths that no option table describes, too. */
#ifndef VALUE_H
#define VALUE_H

#include "options.h"

#define VALUE_HINT 320

struct value_fault { /* what goes with the recorded message */
    struct mark mark;
    int item; /* of a list, -1: the value itself */
    char hint[VALUE_HINT];
};

/* Checks node against the type and range of o and writes the field. RN_EINVAL: the message is
 * recorded, without the place or the option's name, and *fault says where and gives a hint. */
int value_read(struct pool *p, const struct rn_option *o, const struct node *node, void *field,
               struct value_fault *fault);

/* The default as a node, as if it stood in a file of source; NULL: none, or out of memory. */
struct node *value_fallback(struct pool *p, const struct rn_option *o, const struct source *source);

/* Bytes and alignment of the field; 0 for an unknown type. */
size_t value_size(uint32_t type);
size_t value_align(uint32_t type);

/* "int 1…16777216 samples", without default and help. */
void value_type_text(const struct rn_option *o, struct text *out);

/* A number by its form, however large; whole: without point and exponent. */
bool value_looks_numeric(const char *text, bool *whole);

/* text as an absolute path without "//", "." and ".."; a relative one begins at dir. */
char *value_path(struct pool *p, const char *dir, const char *text);

#endif
