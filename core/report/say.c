/* say.c - findings of comparisons being written. */
#include "say.h"

#include "base/error.h"

#include <stdio.h>

int say_open(struct saying *s, struct pool *p, int64_t room)
{
    *s = (struct saying){.p = p, .room = room};
    s->list = pool_alloc(p, (size_t)room * sizeof *s->list);
    return s->list ? RN_OK : RN_ENOMEM;
}

int say(struct saying *s, enum rn_tone tone, const char *rule, const char *fmt, ...)
{
    struct text t = {0};
    va_list args;

    va_start(args, fmt);
    text_vadd(&t, fmt, args);
    va_end(args);
    const char *text = t.status ? NULL : pool_strdup(s->p, text_str(&t));
    text_free(&t);
    if (!text || s->n == s->room)
        return text ? RN_OK : RN_ENOMEM;
    s->list[s->n++] = (struct rn_finding){.tone = tone, .rule = rule, .text = text};
    return RN_OK;
}

const char *say_p(double p, char out[32])
{
    snprintf(out, 32, p < 0.001 ? "p < 0.001" : "p = %.3f", p);
    return out;
}
