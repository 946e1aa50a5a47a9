/* json.c - JSON: written piece by piece as text, or made and read by cJSON with our memory. */
#define _XOPEN_SOURCE 700
#include "json.h"

#include "file.h"

#include <runner/reporter.h>
#include <runner/text.h>

#include <limits.h>
#include <stdio.h>

void json_string(struct text *t, const char *s)
{
    char b[RN_JSON_CHAR];

    if (!s) {
        text_add(t, "null");
        return;
    }
    text_put(t, "\"", 1);
    for (size_t n; (n = rn_json_char(&s, b));)
        text_put(t, b, n);
    text_put(t, "\"", 1);
}

void json_number(struct text *t, double v)
{
    char b[RN_JSON_NUMBER];

    text_add(t, "%s", rn_json_number(v, b));
}

/* ---- cJSON ---------------------------------------------------------------- */

/* cJSON goes on when a part cannot be had. So that none is missed, nothing more can be had until
 * all of what is there is freed. */
static size_t blocks;
static bool lost;

static void *block_alloc(size_t bytes)
{
    lost = lost && blocks;
    void *p = lost ? NULL : mem_alloc(bytes);
    lost = !p;
    blocks += p != NULL;
    return p;
}

static void block_free(void *p)
{
    blocks -= p != NULL;
    mem_free(p);
}

void json_lose(void) { lost = true; }

void json_init(void) { cJSON_InitHooks(&(cJSON_Hooks){block_alloc, block_free}); }

cJSON *json_parse(const char *text)
{
    json_init();
    return cJSON_ParseWithOpts(text, NULL, 1);
}

cJSON *json_read(const char *dir, const char *name, uint64_t max_bytes)
{
    char path[PATH_MAX];
    void *text;
    uint64_t n;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path ||
        file_read(path, max_bytes, &text, &n) < 0)
        return NULL;
    cJSON *root = json_parse(text);
    mem_free(text);
    return root;
}

void json_key(struct text *t, const char *name)
{
    char last = t->n ? t->s[t->n - 1] : '{';

    text_add(t, last == '{' || last == '[' ? "" : ", ");
    json_string(t, name);
    text_add(t, ": ");
}

void json_text(struct text *t, const char *name, const char *value)
{
    json_key(t, name);
    json_string(t, value);
}

void json_real(struct text *t, const char *name, double value)
{
    json_key(t, name);
    json_number(t, value);
}

void json_whole(struct text *t, const char *name, int64_t value)
{
    json_key(t, name);
    text_add(t, "%lld", (long long)value);
}

void json_bool(struct text *t, const char *name, bool value)
{
    json_key(t, name);
    text_add(t, value ? "true" : "false");
}

void json_facts(struct text *t, const struct rn_fact *facts, int64_t n)
{
    text_add(t, "{");
    for (int64_t i = 0; i < n; i++)
        json_text(t, facts[i].key, facts[i].value);
    text_add(t, "}");
}
