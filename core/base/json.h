/* json.h - JSON: written piece by piece as text, or made and read by cJSON with our memory. */
#ifndef JSON_H
#define JSON_H

#include "mem.h"

#include <cjson/cJSON.h>

/* With its quotes. What is not to be shown is escaped, broken UTF-8 becomes U+FFFD; NULL: null. */
void json_string(struct text *t, const char *s);
/* The shortest text that reads back as v; "nan", "inf", "-inf" as strings, JSON has none. */
void json_number(struct text *t, double v);

/* A member of an object: a comma where one is before it, its name, its value. */
void json_key(struct text *t, const char *name); /* the value is what is added next */
void json_text(struct text *t, const char *name, const char *value);
void json_real(struct text *t, const char *name, double value);
void json_whole(struct text *t, const char *name, int64_t value);
void json_bool(struct text *t, const char *name, bool value);

/* {"optimizer.lr": "0.01", ...} */
struct rn_fact;
void json_facts(struct text *t, const struct rn_fact *facts, int64_t n);

/* From now on cJSON takes its memory here. Before any other use of it, in the only thread that
 * uses it. A document that lost a part for want of memory is not printed: cJSON_Print() is NULL. */
void json_init(void);
/* What is under way lost a part for want of memory in some other way: it is not printed. */
void json_lose(void);
/* text ends in a 0 byte. NULL: not JSON to its end, or out of memory. Free with cJSON_Delete(). */
cJSON *json_parse(const char *text);
/* The file dir/name of at most max_bytes. NULL also when it is not there: for what may be missing.
 */
cJSON *json_read(const char *dir, const char *name, uint64_t max_bytes);

#endif
