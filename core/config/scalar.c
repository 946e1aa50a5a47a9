/* scalar.c - numbers, spans and sizes as people write them: 1_000, 64k, 10%, 1e-3, 3 epochs,
 * 64 MiB. Always in the C locale, always the whole text, nothing octal or hexadecimal. */
#define _GNU_SOURCE /* strtod_l */
#include "value.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 128 /* characters of a number without its underscores */

struct number {
    char text[NUMBER_MAX]; /* sign, digits, point, exponent; no underscores */
    size_t n;
    bool whole; /* neither point nor exponent */
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static void number_put(struct number *num, char c)
{
    if (num->n < NUMBER_MAX)
        num->text[num->n++] = c;
}

/* Copies digits; one underscore may stand between two of them. Returns how many. */
static int number_digits(struct number *num, const char **s)
{
    int count = 0;

    for (;; (*s)++) {
        if (is_digit(**s))
            number_put(num, **s), count++;
        else if (!(**s == '_' && count && (*s)[-1] != '_' && is_digit((*s)[1])))
            return count;
    }
}

/* The decimal number that s begins with; returns where it ends, NULL when there is none. */
static const char *number_scan(const char *s, struct number *num)
{
    num->n = 0;
    num->whole = true;
    if (*s == '+' || *s == '-')
        number_put(num, *s++);
    int digits = number_digits(num, &s);
    if (*s == '.' && (digits || is_digit(s[1]))) {
        num->whole = false;
        number_put(num, *s++);
        if (is_digit(*s))
            digits += number_digits(num, &s);
    }
    if (!digits)
        return NULL;
    if ((*s == 'e' || *s == 'E') && is_digit(s[1 + (s[1] == '+' || s[1] == '-')])) {
        num->whole = false;
        number_put(num, *s++);
        if (!is_digit(*s))
            number_put(num, *s++);
        number_digits(num, &s);
    }
    if (num->n == NUMBER_MAX)
        return NULL;
    num->text[num->n] = '\0';
    return s;
}

/* k, M or G where no letter follows: 64k, but not the k of 10 kB. */
static int64_t multiplier(const char **s)
{
    int64_t by = **s == 'k' ? 1000 : **s == 'M' ? 1000000 : **s == 'G' ? 1000000000 : 1;

    if (by == 1 || is_letter((*s)[1]))
        return 1;
    (*s)++;
    return by;
}

static bool number_int(const struct number *num, int64_t by, int64_t *out)
{
    bool minus = num->text[0] == '-';
    int64_t v = 0;

    if (!num->whole)
        return false;
    for (const char *s = num->text + !is_digit(num->text[0]); *s; s++) {
        int64_t digit = minus ? '0' - *s : *s - '0';
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
            return false;
    }
    return !__builtin_mul_overflow(v, by, out);
}

/* False: beyond the range of a double. */
static bool number_float(const struct number *num, double *out)
{
    static locale_t c_locale;

    if (!c_locale && !(c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0)))
        return false;
    errno = 0;
    *out = strtod_l(num->text, NULL, c_locale);
    return errno != ERANGE;
}

bool options_int(const char *text, int64_t *out)
{
    struct number num;
    const char *end = number_scan(text, &num);

    if (!end)
        return false;
    int64_t by = multiplier(&end);
    return !*end && number_int(&num, by, out);
}

bool value_looks_numeric(const char *text, bool *whole)
{
    struct number num;
    const char *end = number_scan(text, &num);

    *whole = end && num.whole;
    if (end)
        multiplier(&end);
    return end && !*end;
}

/* As the core schema of YAML 1.2 spells them. */
static bool special_float(const char *text, double *out)
{
    const char *word = text + (*text == '+' || *text == '-');

    if (!strcmp(word, ".inf") || !strcmp(word, ".Inf") || !strcmp(word, ".INF"))
        *out = *text == '-' ? -(double)INFINITY : (double)INFINITY;
    else if (!strcmp(text, ".nan") || !strcmp(text, ".NaN") || !strcmp(text, ".NAN"))
        *out = (double)NAN;
    else
        return false;
    return true;
}

bool options_float(const char *text, double *out)
{
    struct number num;
    const char *end = number_scan(text, &num);

    if (!end)
        return special_float(text, out);
    double by = (double)multiplier(&end);
    if (!number_float(&num, out))
        return false;
    if (!strcmp(end, "%"))
        *out /= 100;
    else if (*end)
        return false;
    *out *= by;
    return isfinite(*out);
}

/* ---- numbers with a unit -------------------------------------------------- */

struct unit {
    const char *name;
    uint32_t unit; /* enum rn_unit */
    double scale;
};

static const struct unit span_units[] = {
    {"steps", RN_STEPS, 1},
    {"step", RN_STEPS, 1},
    {"epochs", RN_EPOCHS, 1},
    {"epoch", RN_EPOCHS, 1},
    {"samples", RN_SAMPLES, 1},
    {"sample", RN_SAMPLES, 1},
    {"s", RN_SECONDS, 1},
    {"m", RN_SECONDS, 60},
    {"h", RN_SECONDS, 3600},
    {"%", RN_PERCENT, 1},
    {NULL, 0, 0},
};

static const struct unit size_units[] = {
    {"", 0, 1},         {"B", 0, 1},        {"kB", 0, 1e3},     {"MB", 0, 1e6},
    {"GB", 0, 1e9},     {"TB", 0, 1e12},    {"KiB", 0, 0x1p10}, {"MiB", 0, 0x1p20},
    {"GiB", 0, 0x1p30}, {"TiB", 0, 0x1p40}, {NULL, 0, 0},
};

/* A number, perhaps spaces, then one of units; NULL when it is anything else. */
static const struct unit *unit_parse(const char *text, const struct unit *units, double *v)
{
    struct number num;
    const char *end = number_scan(text, &num);

    if (!end || !number_float(&num, v))
        return NULL;
    *v *= (double)multiplier(&end);
    while (*end == ' ')
        end++;
    while (units->name && strcmp(units->name, end))
        units++;
    return units->name ? units : NULL;
}

bool options_span(const char *text, struct rn_span_value *out)
{
    double v;
    const struct unit *u = unit_parse(text, span_units, &v);

    if (!u || !isfinite(v * u->scale))
        return false;
    *out = (struct rn_span_value){.value = v * u->scale, .unit = u->unit};
    return true;
}

bool options_size(const char *text, int64_t *out)
{
    double v;
    const struct unit *u = unit_parse(text, size_units, &v);

    if (!u)
        return false;
    if (u->scale == 1 && options_int(text, out)) /* every digit, also beyond 2^53 */
        return true;
    v *= u->scale;
    if (v != floor(v) || v < -0x1p63 || v >= 0x1p63)
        return false;
    *out = (int64_t)v;
    return true;
}
