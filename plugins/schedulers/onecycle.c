/* onecycle.c - a learning rate that rises to its maximum and falls to almost nothing. */
#include <runner/scheduler.h>

#include <math.h>

#define PI 3.14159265358979323846

struct onecycle {
    double div_factor, final_div_factor, pct_start;
    int64_t anneal; /* enum shape */
};

enum shape { COSINE, LINEAR };
static const struct rn_choice shapes[] = {{"cos", COSINE, "half a cosine wave up, half one down"},
                                          {"linear", LINEAR, "two straight lines"},
                                          {NULL, 0, NULL}};

static const struct rn_option options[] = {
    RN_FLOAT(struct onecycle, div_factor, "25", 0, DBL_MAX, RN_OPT_OPEN_MIN, NULL,
             "lr divided by this is where it starts"),
    RN_FLOAT(struct onecycle, final_div_factor, "1e4", 0, DBL_MAX, RN_OPT_OPEN_MIN, NULL,
             "the start divided by this is where it ends"),
    RN_FLOAT(struct onecycle, pct_start, "0.3", 0, 1, 0, NULL, "share of the steps that rise"),
    RN_CHOICE(struct onecycle, anneal, "cos", shapes, "how it rises and falls"),
    RN_END,
};

static double between(double from, double to, double done, int64_t shape)
{
    double share = shape == LINEAR ? 1 - done : (1 + cos(PI * done)) / 2;

    return to + (from - to) * share;
}

/* PyTorch's: the peak is one step before the end of the share, the end is the last step. */
static double onecycle_factor(const void *opts, const void *state,
                              const struct rn_progress_point *p)
{
    const struct onecycle *o = opts;
    double t = (double)p->step, peak = o->pct_start * (double)p->steps - 1;
    double last = (double)p->steps - 1, first = 1 / o->div_factor;

    (void)state;
    if (t <= peak)
        return between(first, 1, peak > 0 ? t / peak : 1, o->anneal);
    double done = last > peak ? fmin((t - peak) / (last - peak), 1) : 1;
    return between(1, first / o->final_div_factor, done, o->anneal);
}

static const struct rn_plugin onecycle = {
    RN_PLUGIN_HEAD(RN_KIND_SCHEDULER, struct onecycle),
    .name = "onecycle",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "rises to lr and falls to almost nothing",
    .doc = "from lr / div_factor to lr in pct_start of the steps, then to\n"
           "lr / div_factor / final_div_factor in the last\n"
           "\n"
           "The optimizer's lr is the maximum. Smith and Topin, \"Super-convergence: very fast\n"
           "training of neural networks using large learning rates\", 2018, as\n"
           "torch.optim.lr_scheduler.OneCycleLR has it, with anneal_strategy as anneal, and\n"
           "without the cycle of the momentum. It has a warm-up of its own.",
    .options = options,
    .ops = &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops),
                                            .factor = onecycle_factor},
};

RN_PLUGINS(&onecycle);
