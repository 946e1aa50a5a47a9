/* others.c - optimizers, schedulers, callbacks and augmentation, each right and then wrong in a way
 * that the checks have to find. The name says the fault. */
#include <runner/augmentation.h>
#include <runner/callback.h>
#include <runner/optimizer.h>
#include <runner/scheduler.h>

#define WORDS(id) \
    .name = #id, .version = "1.0.0", .license = "MIT", .summary = "a test of the tests"

/* ---- optimizers ------------------------------------------------------------------------ */

struct rates {
    double lr, weight_decay;
};

static const struct rn_option rates[] = {
    RN_FLOAT(struct rates, lr, "1e-3", 0, DBL_MAX, 0, NULL, "learning rate"),
    RN_FLOAT(struct rates, weight_decay, "0", 0, DBL_MAX, 0, NULL, "share that is lost"),
    RN_END,
};

RN_MAP(down, 2, 1, 0, y0 = x0 - a0 * (x1 + a1 * x0););
RN_MAP(down_and_on, 2, 1, 0, y0 = x0 - (a0 + 0.001f) * x1;);

static int scalars(const void *opts, int64_t n, double lr, double out[RN_SCALARS])
{
    (void)opts, (void)n;
    out[0] = lr;
    return RN_OK;
}

static int negative_scalars(const void *opts, int64_t n, double lr, double out[RN_SCALARS])
{
    (void)opts, (void)n;
    out[0] = -lr;
    return RN_OK;
}

static int moved(const struct rn_update *u, const struct rn_map *map, bool decays, int64_t rows)
{
    const struct rates *o = u->opts;
    struct rn_map_call call = {.rows = rows,
                               .cols = u->cols,
                               .in = {u->param, u->grad},
                               .out = {u->param},
                               .arg = {0, (rn_real)(decays ? o->weight_decay : 0)}};

    call.arg_from[0] = (uint8_t)u->scalar_from;
    return u->dev->ops->map(u->dev, map, &call);
}

static int descends(const struct rn_update *u) { return moved(u, &down, u->decays, u->rows); }
static int always_moves(const struct rn_update *u) { return moved(u, &down_and_on, 0, u->rows); }
static int decays_all(const struct rn_update *u) { return moved(u, &down, true, u->rows); }
static int first_row_only(const struct rn_update *u) { return moved(u, &down, u->decays, 1); }

#define OPTIMIZER(id, scalars_, record_) \
    static const struct rn_plugin id##_plugin = { \
        RN_PLUGIN_HEAD(RN_KIND_OPTIMIZER, struct rates), WORDS(id), .options = rates, \
        .ops = &(const struct rn_optimizer_ops){ \
            .size = sizeof(struct rn_optimizer_ops), .scalars = scalars_, .record = record_}}
OPTIMIZER(descends, scalars, descends);
OPTIMIZER(climbs, negative_scalars, descends);
OPTIMIZER(always_moves, scalars, always_moves);
OPTIMIZER(decays_all, scalars, decays_all);
OPTIMIZER(first_row_only, scalars, first_row_only);

/* ---- schedulers -------------------------------------------------------------------------- */

static double goes_down(const void *opts, const void *state, const struct rn_progress_point *p)
{
    (void)opts, (void)state;
    return 1 - (double)p->step / (double)p->steps;
}

static double goes_below(const void *opts, const void *state, const struct rn_progress_point *p)
{
    (void)opts, (void)state;
    return 1 - 0.03 * (double)p->step;
}

static double counts_itself(const void *opts, const void *state, const struct rn_progress_point *p)
{
    static int calls;

    (void)opts, (void)state, (void)p;
    return 1.0 / ++calls;
}

#define SCHEDULER(id) \
    static const struct rn_plugin id##_plugin = { \
        RN_PLUGIN_PLAIN(RN_KIND_SCHEDULER), WORDS(id), \
        .ops = &(const struct rn_scheduler_ops){.size = sizeof(struct rn_scheduler_ops), \
                                                .factor = id}}
SCHEDULER(goes_down);
SCHEDULER(goes_below);
SCHEDULER(counts_itself);

/* ---- callbacks ----------------------------------------------------------------------------- */

static int stops(const void *opts, void *state, struct rn_moment *m)
{
    (void)opts, (void)state;
    if (m->epoch == 3) {
        m->want = RN_WANT_STOP;
        m->reason[0] = '3';
    }
    return RN_OK;
}

static int says_nothing(const void *opts, void *state, struct rn_moment *m)
{
    (void)opts, (void)state;
    m->want = RN_WANT_STOP;
    return RN_OK;
}

#define CALLBACK(id) \
    static const struct rn_plugin id##_plugin = { \
        RN_PLUGIN_PLAIN(RN_KIND_CALLBACK), WORDS(id), \
        .ops = &(const struct rn_callback_ops){ \
            .size = sizeof(struct rn_callback_ops), .when = RN_AT_EPOCH, .at = id}}
CALLBACK(stops);
CALLBACK(says_nothing);

/* ---- augmentation ---------------------------------------------------------------------------- */

static void mirrored(const struct rn_augment_call *c, int64_t first_row, int64_t columns)
{
    struct rn_augment_call call = *c;

    call.first_row = first_row;
    for (int64_t r = 0; r < c->rows; r++) {
        bool turn = rn_augment_uniform(&call, r, 0) < 0.5f;

        for (int64_t y = 0; y < c->h; y++)
            for (int64_t x = 0; x < columns; x++)
                for (int64_t k = 0; k < c->channels; k++) {
                    int64_t row = (r * c->h + y) * c->w, from = turn ? c->w - 1 - x : x;

                    c->out[(row + x) * c->channels + k] = c->in[(row + from) * c->channels + k];
                }
    }
}

static void mirrors(const struct rn_augment_call *c) { mirrored(c, c->first_row, c->w); }
static void leaves_a_column(const struct rn_augment_call *c)
{
    mirrored(c, c->first_row, c->w - 1);
}
static void row_of_the_call(const struct rn_augment_call *c) { mirrored(c, 0, c->w); }

#define AUGMENTATION(id) \
    static const struct rn_plugin id##_plugin = { \
        RN_PLUGIN_PLAIN(RN_KIND_AUGMENTATION), WORDS(id), \
        .ops = &(const struct rn_augmentation_ops){.size = sizeof(struct rn_augmentation_ops), \
                                                   .apply = id}}
AUGMENTATION(mirrors);
AUGMENTATION(leaves_a_column);
AUGMENTATION(row_of_the_call);

RN_PLUGINS(&descends_plugin, &climbs_plugin, &always_moves_plugin, &decays_all_plugin,
           &first_row_only_plugin, &goes_down_plugin, &goes_below_plugin, &counts_itself_plugin,
           &stops_plugin, &says_nothing_plugin, &mirrors_plugin, &leaves_a_column_plugin,
           &row_of_the_call_plugin);
