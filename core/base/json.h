/* json.h - JSON: written piece by piece as text, read by cJSON with our memory. */
#ifndef JSON_H
#define JSON_H

#include "mem.h"

#include <cjson/cJSON.h>

void json_string(struct text *t, const char *s); /* with its quotes; broken UTF-8 becomes U+FFFD */
/* The shortest text that reads back as v; "nan", "inf", "-inf" as strings, JSON has none. */
void json_number(struct text *t, double v);
/* text ends in a 0 byte. NULL: not JSON to its end, or out of memory. Free with cJSON_Delete(). */
cJSON *json_parse(const char *text);

#endif
