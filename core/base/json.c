/* json.c - JSON: written piece by piece as text, read by cJSON with our memory. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of the well-formed UTF-8 character at s (RFC 3629); 0: there is none. */
static int utf8_length(const unsigned char *s)
{
    int n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;

    if (s[0] > 0xF4 || (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

void json_string(struct text *t, const char *s)
{
    text_put(t, "\"", 1);
    while (*s) {
        unsigned char c = (unsigned char)*s;
        int n = utf8_length((const unsigned char *)s);
        if (!n)
            text_put(t, "\\ufffd", 6);
        else if (c < 0x20 || c == 0x7F)
            text_add(t, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            text_add(t, "\\%c", c);
        else
            text_put(t, s, (size_t)n);
        s += n ? n : 1;
    }
    text_put(t, "\"", 1);
}

void json_number(struct text *t, double v)
{
    char s[40];

    if (!isfinite(v)) {
        text_add(t, isnan(v) ? "\"nan\"" : v > 0 ? "\"inf\"" : "\"-inf\"");
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, v);
        if (strtod(s, NULL) == v)
            break;
    }
    text_put(t, s, strlen(s));
}

cJSON *json_parse(const char *text)
{
    static cJSON_Hooks hooks = {mem_alloc, mem_free};

    cJSON_InitHooks(&hooks);
    return cJSON_ParseWithOpts(text, NULL, 1);
}
