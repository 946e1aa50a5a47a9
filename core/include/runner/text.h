/* text.h - what reporters write with: text that grows, a small language for pages, JSON. No part of
 * the ABI: it is compiled into the plugin that includes it, and uses the host's memory.
 *
 *   struct rn_text t = {0};
 *   rn_text_add(&t, "%d steps", n);
 *   status = t.status ? t.status : rn_host->write_file(path, t.s, t.n);
 *   rn_host->free(t.s);
 */
#ifndef RN_TEXT_H
#define RN_TEXT_H

#include "abi.h"
#include "utf8.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text that grows ------------------------------------------------------ */

/* Zero-initialised is empty. After a failed allocation it ignores what is added, and status says
 * so: check once at the end. s is NULL or ends in a 0 byte that n does not count. */
struct rn_text {
    char *s;
    size_t n, cap;
    int status;
};

static inline bool rn_text_room(struct rn_text *t, size_t n)
{
    if (t->status || t->cap - t->n > n)
        return !t->status;
    size_t cap = (t->n + n) * 2 + 4096;
    char *s = rn_host->alloc(cap);
    if (!s) {
        t->status = RN_FAIL(RN_ENOMEM, "out of memory: a text of %zu bytes", cap);
        return false;
    }
    if (t->n)
        memcpy(s, t->s, t->n);
    rn_host->free(t->s);
    t->s = s;
    t->cap = cap;
    return true;
}

static inline void rn_text_put(struct rn_text *t, const void *s, size_t n)
{
    if (!rn_text_room(t, n))
        return;
    memcpy(t->s + t->n, s, n);
    t->n += n;
    t->s[t->n] = '\0';
}

static inline void rn_text_str(struct rn_text *t, const char *s) { rn_text_put(t, s, strlen(s)); }

RN_PRINTF(2, 3) static inline void rn_text_add(struct rn_text *t, const char *fmt, ...)
{
    va_list args, again;

    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n > 0 && rn_text_room(t, (size_t)n)) {
        vsnprintf(t->s + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

/* So that a shell takes it for one word, in quotes where it needs some. */
static inline void rn_text_shell(struct rn_text *t, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._=/+:,@%";

    if (*s && !s[strspn(s, plain)]) {
        rn_text_str(t, s);
        return;
    }
    rn_text_put(t, "'", 1);
    for (; *s; s++)
        rn_text_put(t, *s == '\'' ? "'\\''" : s, *s == '\'' ? 4 : 1);
    rn_text_put(t, "'", 1);
}

/* ---- pages ---------------------------------------------------------------- */

/* 235146 as "235,146" */
static inline const char *rn_grouped(int64_t v, char out[32])
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)v), at = 0;

    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0 && digits[i - 1] != '-')
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static inline void rn_text_number(struct rn_text *t, double v, char form)
{
    if (!isfinite(v))
        rn_text_str(t, isnan(v) ? "–" : v > 0 ? "∞" : "-∞");
    else if (form == 'g')
        rn_text_add(t, "%.4g", v);
    else
        rn_text_add(t, "%.*f", form - '0', v);
}

typedef void rn_escape_fn(struct rn_text *t, const char *s);

/* Not printf, whose %s would let a text through as it is:
 *   %s  text, by way of escape           %r  text as it is, of the caller's own making
 *   %i  int64_t   %I  the same, 1,234    %u  uint64_t
 *   %g  double with four digits          %0 to %9  with so many decimals        %%  a percent sign
 */
static inline void rn_text_form(struct rn_text *t, rn_escape_fn *escape, const char *form, ...)
{
    va_list args;
    char b[32];

    va_start(args, form);
    for (const char *at; (at = strchr(form, '%')); form = at + 2) {
        rn_text_put(t, form, (size_t)(at - form));
        switch (at[1]) {
        case 's': escape(t, va_arg(args, const char *)); break;
        case 'r': rn_text_str(t, va_arg(args, const char *)); break;
        case 'i': rn_text_add(t, "%lld", (long long)va_arg(args, int64_t)); break;
        case 'I': rn_text_str(t, rn_grouped(va_arg(args, int64_t), b)); break;
        case 'u': rn_text_add(t, "%llu", (unsigned long long)va_arg(args, uint64_t)); break;
        case '%': rn_text_put(t, "%", 1); break;
        default: rn_text_number(t, va_arg(args, double), at[1]);
        }
    }
    rn_text_str(t, form);
    va_end(args);
}

/* ---- JSON ----------------------------------------------------------------- */

#define RN_JSON_CHAR   8
#define RN_JSON_NUMBER 40

/* The character at *s inside a JSON string, which moves on; returns the bytes, 0 at the end. What
 * is not to be shown is escaped; what is broken becomes U+FFFD. */
static inline size_t rn_json_char(const char **s, char out[RN_JSON_CHAR])
{
    uint32_t c = 0xFFFD;
    int n = rn_utf8_next(*s, RN_UTF8_MAX, &c);
    const char *at = *s;

    if (!*at)
        return 0;
    *s += n ? n : 1;
    if (c == '"' || c == '\\')
        return (size_t)snprintf(out, RN_JSON_CHAR, "\\%c", (char)c);
    if (!n || c < 0x20 || (c <= 0xFFFF && (rn_utf8_forbidden(c) || rn_utf8_turns(c))))
        return (size_t)snprintf(out, RN_JSON_CHAR, "\\u%04x", (unsigned)c);
    memcpy(out, at, (size_t)n);
    return (size_t)n;
}

/* The shortest text that reads back as v; "nan", "inf", "-inf" as strings, JSON has none. */
static inline const char *rn_json_number(double v, char out[RN_JSON_NUMBER])
{
    if (!isfinite(v))
        return isnan(v) ? "\"nan\"" : v > 0 ? "\"inf\"" : "\"-inf\"";
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(out, RN_JSON_NUMBER, "%.*g", digits, v);
        if (strtod(out, NULL) == v)
            break;
    }
    return out;
}

static inline void rn_text_json_string(struct rn_text *t, const char *s) /* with its quotes */
{
    char b[RN_JSON_CHAR];

    rn_text_put(t, "\"", 1);
    for (size_t n; (n = rn_json_char(&s, b));)
        rn_text_put(t, b, n);
    rn_text_put(t, "\"", 1);
}

static inline void rn_text_json_number(struct rn_text *t, double v)
{
    char b[RN_JSON_NUMBER];

    rn_text_str(t, rn_json_number(v, b));
}

#endif
