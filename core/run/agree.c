/* agree.c - two sessions of one experiment, step by step, and what each layer gave on both. */
#include "agree.h"

#include "base/error.h"

int agree_run(const struct agree_plan *p, struct agree **out)
{
    (void)p;
    *out = NULL;
    return FAIL(RN_EUNSUPPORTED, "two devices can't be compared yet");
}

void agree_free(struct agree *a) { pool_free(a ? a->pool : NULL); }

bool agree_first(const struct agree *a, enum agree_moment at, double relative, int *layer,
                 enum agree_part *part)
{
    (void)a, (void)at, (void)relative, (void)layer, (void)part;
    return false;
}

const char *agree_part_name(enum agree_part part)
{
    static const char *const names[] = {"output", "gradient of its input",
                                        "gradient of its parameters", "parameters"};

    return names[part];
}
