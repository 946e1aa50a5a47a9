/* finding.h - what plugins promise, and what became of each promise. */
#ifndef FINDING_H
#define FINDING_H

#include "plugin/registry.h"

enum finding {
    FINE,
    REFUSES,       /* RN_ESHAPE or RN_EINVAL, with a reason: nothing to check with this */
    FAILS,         /* a call returns an error, or the device refuses what it was asked */
    DECLARES,      /* plan() gives names, shapes or views that cannot be, or not twice the same */
    NOT_FINITE,    /* NaN: reads what nobody wrote, leaves an output unwritten, or looks at values
                      while it is recorded */
    OUTSIDE,       /* touches memory around what it was given */
    CHANGES_INPUT, /* writes what it may only read */
    UNSTEADY,      /* the same call twice, two results */
    ORDER,         /* other results when the work is cut into other pieces */
    GRADIENT,      /* differs from finite differences */
    BETA,          /* does not add to what is there */
    SKIP,          /* other results when some are not wanted */
    EVALUATION,    /* changes what it keeps while evaluating, or draws numbers there */
    STATE,         /* what it keeps is not all in its parameters and buffers */
    DRAWS,         /* random, but the same in each step */
    HIDES_NAN,     /* NaN in, none out */
    INPLACE,       /* other results in place */
    VIEW,          /* a view that is none */
    WEIGHT,        /* a loss whose weights depend on the prediction, or are negative */
    DESCENDS,      /* an optimizer that does not get down a parabola */
    RATE,          /* an optimizer that moves with a rate of 0, or a rate that is negative */
    DECAY,         /* decays what it is told to leave alone, or nothing at all */
    WANTS,         /* a callback that asks for what there is not, or without a name or reason */
    CRASH,         /* ends the process, or never returns */
    FINDINGS,
    NOT_ASKED, /* of a stage: it has nothing to check here */
};
const char *finding_name(enum finding f);    /* "gradient": in one word or two */
const char *finding_promise(enum finding f); /* what holds without it */

enum { WHY_SIZE = 512, WHERE_SIZE = 320 };

/* Of one plugin. No pointers: a child process fills it in shared memory. */
struct verdict {
    int variants, trials, refused;     /* sets of options; trials, refused ones among them */
    enum finding first;                /* FINE: all holds */
    char where[WHERE_SIZE], doing[64]; /* the trial under way, and the function called last */
    char refusal[WHY_SIZE];            /* why the last one was refused */
    struct {
        int held, broken; /* trials */
        char why[WHY_SIZE];
    } of[FINDINGS];
};
/* Records the end of a check that is there to find f; broken ones say why. */
void verdict_held(struct verdict *v, enum finding f);
void verdict_broken(struct verdict *v, enum finding f, const char *why);

/* One trial: a plugin with options, and an input for those that have one. */
struct check {
    struct rn_device *dev; /* a reference device */
    const struct plugin *plugin;
    const void *opts;
    struct rn_shape in;
    uint64_t seed; /* of the made-up numbers */
    struct verdict *v;
};
/* Each records its findings in v and returns the first of them. */
enum finding check_layer(const struct check *c);
int check_inputs(const struct plugin *p); /* how many a layer is tried with: one a branch */
enum finding check_loss(const struct check *c);
enum finding check_optimizer(const struct check *c);
enum finding check_scheduler(const struct check *c);
enum finding check_callback(const struct check *c);
enum finding check_augmentation(const struct check *c);

/* ---- for the checks ---------------------------------------------------------- */

/* One step of a check, for stage_run(): what it is there to find, and the function. */
struct stage {
    enum finding covers;
    enum finding (*run)(void *trial);
};
/* Runs the stages in order; one that finds something does not keep the next from running, except
 * the first. why is where they say it. Returns the first finding. */
enum finding stages_run(struct verdict *v, const struct stage *stages, int n, void *trial,
                        char why[WHY_SIZE]);

/* For functions that return a finding and have t->why. */
#define EXPECT(what, finding, ...) \
    do { \
        if (!(what)) { \
            snprintf(t->why, WHY_SIZE, __VA_ARGS__); \
            return (finding); \
        } \
    } while (0)
#define CALL(call) EXPECT((call) >= 0, FAILS, "%s", failure_text())
#define PASS(call) \
    do { \
        enum finding found_ = (call); \
        if (found_ != FINE) \
            return found_; \
    } while (0)
const char *failure_text(void); /* of the last error; or that nothing was said */

/* Bit for bit: also of NaN, and 0 is not -0. */
bool same_bits(const void *a, const void *b, size_t bytes);

/* 0.1 < |v| < 1.5, either sign, the same for the same arguments: away from what bends at 0 */
double made_up(uint64_t stream, int64_t i);

#endif
