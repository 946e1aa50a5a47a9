/* finding.c - the promises in words, and the record of what became of them. */
#include "finding.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *promise;
} words[FINDINGS] = {
    [FINE] = {"fine", "it keeps what it promises"},
    [REFUSES] = {"refuses", "it says why it refuses something"},
    [FAILS] = {"fails", "its calls succeed"},
    [DECLARES] = {"declares",
                  "plan() declares names, shapes and views that can be, always the same"},
    [NOT_FINITE] = {"not finite", "it writes all of its results, from what it was given alone"},
    [OUTSIDE] = {"outside", "it writes within what it was given"},
    [CHANGES_INPUT] = {"changes input", "it leaves alone what it may only read"},
    [UNSTEADY] = {"unsteady", "the same call gives the same result"},
    [ORDER] = {"order", "the result does not depend on how the work is cut"},
    [GRADIENT] = {"gradient", "gradients agree with finite differences"},
    [BETA] = {"beta", "gradients are added where beta says so"},
    [SKIP] = {"skip", "a gradient that is not wanted changes no other"},
    [EVALUATION] = {"evaluation", "evaluation changes nothing that is kept, and draws nothing"},
    [STATE] = {"state", "parameters and kept buffers, saved and loaded, are its whole state"},
    [DRAWS] = {"draws", "what is random differs from step to step"},
    [HIDES_NAN] = {"hides NaN", "NaN in gives NaN out"},
    [INPLACE] = {"in place", "the result in place is the same"},
    [VIEW] = {"view", "a view has as many values as its input, and computes nothing"},
    [WEIGHT] = {"weight", "weights are not negative and do not depend on the prediction"},
    [DESCENDS] = {"descends", "it gets down a parabola in 20 steps"},
    [RATE] = {"rate", "a rate of 0 moves nothing; rates are numbers, and not negative"},
    [DECAY] = {"decay", "weight decay shrinks parameters, but those that are to be left alone"},
    [WANTS] = {"wants", "it asks for what there is, with names and reasons that end"},
    [CRASH] = {"crash", "its functions return"},
};

const char *finding_name(enum finding f) { return words[f].name; }
const char *finding_promise(enum finding f) { return words[f].promise; }

void verdict_held(struct verdict *v, enum finding f) { v->of[f].held++; }

void verdict_broken(struct verdict *v, enum finding f, const char *why)
{
    if (f == REFUSES && *why) {
        v->refused++;
        snprintf(v->refusal, sizeof v->refusal, "%s", why);
        return;
    }
    if (!v->first)
        v->first = f;
    if (!v->of[f].broken++)
        snprintf(v->of[f].why, sizeof v->of[f].why, "%s%s%s", v->where, *v->where ? ": " : "",
                 *why ? why : "it does not say why");
}

enum finding stages_run(struct verdict *v, const struct stage *stages, int n, void *trial,
                        char why[WHY_SIZE])
{
    static const enum finding always[] = {FAILS, OUTSIDE, CHANGES_INPUT};
    enum finding first = FINE;

    for (int i = 0; i < n; i++) {
        why[0] = '\0';
        enum finding f = stages[i].run(trial);
        if (f == NOT_ASKED)
            continue;
        if (f == FINE)
            verdict_held(v, stages[i].covers);
        else
            verdict_broken(v, f, why);
        first = first ? first : f;
        if (i == 0 && f != FINE)
            return first;
        for (size_t k = 0; i == 0 && k < sizeof always / sizeof *always; k++)
            verdict_held(v, always[k]);
    }
    return first;
}

const char *failure_text(void)
{
    return *error_text() ? error_text() : "a call failed and did not say why";
}

bool same_bits(const void *a, const void *b, size_t bytes) { return !memcmp(a, b, bytes); }

double made_up(uint64_t stream, int64_t i)
{
    uint64_t x = (uint64_t)i * 0x9E3779B97F4A7C15u + stream * 0xD1B54A32D192ED03u; /* splitmix64 */

    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    double size = 0.1 + 1.4 * (double)(x >> 11 & 0xFFFFFF) * 0x1p-24;
    return x >> 63 ? -size : size;
}
