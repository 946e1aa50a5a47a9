/* hex.h - bytes as hexadecimal digits, for texts that have to hold them. */
#ifndef HEX_H
#define HEX_H

#include "mem.h"

/* From p, and back: false when s is not just so many. */
char *hex_text(struct pool *p, const void *bytes, size_t n);
bool hex_bytes(const char *s, void *out, size_t n);

#endif
