/* trainer.c - epochs of recorded steps. The losses of the steps stay on the device and are read
 * once an interval; nothing is allocated after trainer_open(), but by a profile. */
#include "loop.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/stop.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define REDRAW_S   0.1
#define SAMPLED    20 /* steps that are timed without --profile, of the first SAMPLE_END */
#define SAMPLE_END 1000

const struct trainer_state *trainer_state(const struct trainer *t) { return &t->state; }

int64_t trainer_epochs(const struct trainer *t)
{
    return t->over ? t->state.epoch : t->state.epoch - 1;
}

const char *trainer_reason(const struct trainer *t)
{
    return *t->wanted.reason ? t->wanted.reason : "a callback ended it";
}

int trainer_profile(struct trainer *t)
{
    t->samples = false;
    return profile_open(t->pool, t->m, true, &t->profile);
}

const struct trainer_inside *trainer_inside(const struct trainer *t) { return &t->inside.shown; }

const struct profile *trainer_profiled(const struct trainer *t)
{
    return t->samples ? NULL : t->profile;
}

bool trainer_layer_times(const struct trainer *t, int layer, struct profile_layer *out)
{
    if (!t->profile || !profile_steps(t->profile))
        return false;
    *out = profile_layer(t->profile, layer);
    return true;
}

bool trainer_kept(const struct trainer *t) { return t->wanted.restored; }

void trainer_pause_after(struct trainer *t, int64_t epoch) { t->pause_after = epoch; }

int trainer_show(struct trainer *t, bool evaluated) { return watch_show(t->watch, evaluated); }

/* ---- opening ------------------------------------------------------------------------------ */

static int find_metrics(struct trainer *t)
{
    const struct experiment *e = t->e;

    t->metrics = pool_alloc(t->pool, (size_t)(e->n_metrics + 1) * sizeof *t->metrics);
    if (!t->metrics)
        return RN_ENOMEM;
    for (int i = 0; i < e->n_metrics && t->n_metrics < EXTRA_METRICS_MAX; i++) {
        const struct metric *m = metric_find(e->metrics[i]);
        if (m && !(t->classifies && !strcmp(m->name, "accuracy")))
            t->metrics[t->n_metrics++] = m;
    }
    return RN_OK;
}

int trainer_open(const struct experiment *e, struct model *m, struct data *d, struct trainer **out)
{
    struct pool *p = pool_new();
    struct trainer *t = p ? pool_alloc(p, sizeof *t) : NULL;

    *out = t;
    if (!t) {
        pool_free(p);
        return RN_ENOMEM;
    }
    *t =
        (struct trainer){.pool = p, .e = e, .m = m, .d = d, .dev = m->dev, .bad = -1, .over = true};
    t->classifies = e->loss.plugin->traits & RN_TRAIT_CLASSIFIES;
    t->width = rn_count(&m->layers[m->n_layers].in);
    t->state.best_val_loss = NAN;
    t->fit = t->val = (struct evaluation){.loss = NAN, .accuracy = NAN};
    t->train_loss = t->train_accuracy = NAN;
    TRY(rate_open(p, e, &t->rate));
    TRY(watch_open(p, e, m, &t->watch));
    TRY(find_metrics(t));
    TRY(loop_set_up(t));
    TRY(loop_inside_open(t));
    t->samples = profile_possible(m);
    TRY(t->samples ? profile_open(p, m, false, &t->profile) : RN_OK);
    struct rn_progress_point start = loop_point(t);
    t->lr = rate_at(&t->rate, &start);
    return RN_OK;
}

void trainer_close(struct trainer *t)
{
    if (!t)
        return;
    struct phase *phases[] = {t->train, t->train_eval, t->fit_eval, t->test_eval};
    void *blocks[] = {t->arena,          t->order_dev,      t->eval_index,
                      t->row_loss_dev,   t->row_weight_dev, t->scores_dev,
                      t->history[0].dev, t->history[1].dev, t->history[2].dev};
    for (int i = 0; i < 4 * 2 * PHASES; i++)
        t->dev->ops->discard(t->dev,
                             phases[i / (2 * PHASES)][i / PHASES % 2].recording[i % PHASES]);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        t->dev->ops->free(t->dev, blocks[i]);
    feed_close(t->feed);
    pool_free(t->pool);
}

/* ---- steps -------------------------------------------------------------------------------- */

int loop_shuffle(struct trainer *t)
{
    memcpy(t->order, t->d->train_index, (size_t)t->d->n_train * sizeof *t->order);
    if (t->e->train.shuffle)
        rng_shuffle(rng_key(t->e->seed, RNG_SHUFFLE, (uint64_t)t->state.epoch), t->order,
                    t->d->n_train);
    return t->dev->ops->upload(t->dev, t->order_dev, t->order,
                               (size_t)t->d->n_train * sizeof *t->order);
}

/* The share of a batch among the samples of its update. */
static double share_of(const struct trainer *t, int64_t step)
{
    int64_t batch = t->e->train.batch_size, group = t->e->train.accumulate;
    int64_t first = step / group * group, last = min64(first + group, t->state.steps_per_epoch);
    int64_t samples = min64(last * batch, t->d->n_train) - first * batch;

    return (double)min64(batch, t->d->n_train - step * batch) / (double)samples;
}

static int fill_scalars(struct trainer *t)
{
    const struct rn_optimizer_ops *ops = &t->e->optimizer.plugin->ops.optimizer;
    struct rn_progress_point at = loop_point(t);
    double scalars[RN_SCALARS] = {0};

    t->lr = rate_at(&t->rate, &at);
    TRY(ops->scalars(t->e->optimizer.opts, t->state.updates + 1, t->lr, scalars));
    for (int i = 0; i < RN_SCALARS; i++)
        t->block.f[F_SCALARS + i] = (rn_real)scalars[i];
    t->block.f[F_SHARE] = (rn_real)share_of(t, t->state.step_in_epoch);
    return watch_scalars(t->watch, t->state.updates + 1, t->lr, &t->block);
}

/* Of the step that comes next. */
static struct feed_batch batch_of(struct trainer *t)
{
    int64_t step = t->state.step_in_epoch;

    return (struct feed_batch){.split = RN_TRAIN,
                               .augmented = t->e->n_augments > 0,
                               .draw = (uint64_t)t->state.step,
                               .index = t->order + step * t->e->train.batch_size,
                               .n = loop_phase(t, step)->rows};
}

/* Begun behind a step, while the device is at it, when the epoch has another. */
static int feed_another(struct trainer *t)
{
    if (!loop_is_fed(t, RN_TRAIN, true) || t->state.step_in_epoch == t->state.steps_per_epoch)
        return RN_OK;
    struct feed_batch b = batch_of(t);
    return feed_next(t->feed, &b);
}

/* Fills the step block for the step that comes next. */
int loop_prepare(struct trainer *t)
{
    int64_t at = t->state.step_in_epoch * t->e->train.batch_size;

    TRY(fill_scalars(t));
    t->block.u[U_START] = t->block.u[U_INPUT] = (uint64_t)at;
    t->block.u[U_STEP] = (uint64_t)t->state.step_in_epoch;
    t->block.u[U_DRAW] = (uint64_t)t->state.step;
    if (!loop_is_fed(t, RN_TRAIN, true))
        return RN_OK;
    struct feed_batch b = batch_of(t);
    return feed_take(t->feed, &b, &t->block.u[U_INPUT]);
}

static bool is_timed(const struct trainer *t)
{
    return t->profile &&
           (!t->samples || (t->state.step < SAMPLE_END && profile_steps(t->profile) < SAMPLED));
}

/* A step that is neither timed nor looked at; in the first ones a device may still get ready. */
static bool is_steady(const struct trainer *t)
{
    return t->steps_here > t->state.steps_per_epoch && !is_timed(t) &&
           t->state.step_in_epoch != t->inside.step;
}

static int count_step(struct trainer *t)
{
    int place = loop_place(t, t->state.step_in_epoch);

    t->steps_here++;
    t->state.step++;
    t->state.step_in_epoch++;
    t->state.updates += (place & PHASE_LAST) != 0;
    return feed_another(t);
}

static int do_step(struct trainer *t)
{
    int place = loop_place(t, t->state.step_in_epoch);
    const struct phase *p = loop_phase(t, t->state.step_in_epoch);

    TRY(loop_prepare(t));
    struct rn_recording *recording = p->recording[place];
    if (t->state.step_in_epoch == t->inside.step)
        TRY(loop_inside(t));
    else
        TRY(is_timed(t) ? profile_replay(t->profile, recording, p->rows, &t->block)
                        : t->dev->ops->replay(t->dev, recording, &t->block));
    return count_step(t);
}

int loop_step(struct trainer *t)
{
    bool steady = is_steady(t);
    uint64_t taken = mem_taken();
    int status = do_step(t);

    (void)steady, (void)taken;
    assert(status < 0 || !steady || mem_taken() == taken);
    return status;
}

static int step_seen(struct trainer *t, step_look *look, void *ctx)
{
    int64_t step = t->state.step_in_epoch;
    struct pool *p = pool_new();

    int status = p ? loop_prepare(t) : RN_ENOMEM;
    if (status >= 0)
        status = step_probe(p, t->m, loop_flags(t, loop_place(t, step)), loop_phase(t, step)->rows,
                            t->arena, &t->train_io, &t->block, look, ctx);
    pool_free(p);
    return status < 0 ? status : count_step(t);
}

/* ---- the loop ----------------------------------------------------------------------------- */

/* What callbacks asked for ends it. */
static int obey(struct trainer *t, enum trainer_end *end)
{
    if (t->wanted.diverged) {
        *end = TRAINER_DIVERGED;
        return loop_find_culprit(t);
    }
    if (t->wanted.stop && *end == TRAINER_DONE)
        *end = TRAINER_ENOUGH;
    return RN_OK;
}

static int interval(struct trainer *t, enum trainer_end *end)
{
    TRY(loop_read_history(t));
    if (t->bad < 0)
        TRY(loop_tell_training(t));
    t->told_to = t->read_to;
    TRY(loop_tell_callbacks(t, RN_AT_INTERVAL));
    return obey(t, end);
}

static bool interval_over(const struct trainer *t)
{
    return t->state.step % t->log_steps == 0 || t->state.step_in_epoch == t->state.steps_per_epoch;
}

/* Within an interval nothing is told of it: whoever goes on from here tells the whole. */
static int stop(struct trainer *t, enum trainer_end *end)
{
    TRY(loop_read_history(t));
    if (t->bad >= 0)
        TRY(interval(t, end));
    if (*end == TRAINER_DONE)
        *end = TRAINER_STOPPED;
    return RN_OK;
}

/* A signal ends it behind a step, and behind the look at the losses so far. before: seconds of this
 * epoch in an earlier attempt. */
static int train_steps(struct trainer *t, uint64_t begun_ns, double before, enum trainer_end *end)
{
    while (t->state.step_in_epoch < t->state.steps_per_epoch && *end == TRAINER_DONE) {
        TRY(loop_step(t));
        TRY(loop_tell_callbacks(t, RN_AT_STEP));
        if (interval_over(t) || t->wanted.stop)
            TRY(interval(t, end));
        if (clock_s(t->shown_ns) > REDRAW_S && *end == TRAINER_DONE)
            TRY(loop_tell_progress(t, before + clock_s(begun_ns)));
        if (stop_requested() && *end == TRAINER_DONE)
            TRY(stop(t, end));
    }
    return t->dev->ops->sync(t->dev);
}

static void begin_epoch(struct trainer *t)
{
    t->over = false;
    t->state.epoch++;
    t->state.step_in_epoch = t->read_to = t->told_to = 0;
    t->bad = -1;
    t->train_s = 0;
}

int trainer_step(struct trainer *t, step_look *look, void *ctx, double *loss)
{
    if (t->over || t->state.step_in_epoch == t->state.steps_per_epoch) {
        begin_epoch(t);
        TRY(loop_shuffle(t));
    }
    TRY(look ? step_seen(t, look, ctx) : loop_step(t));
    TRY(loop_read_history(t));
    struct sums s = loop_sums(t, t->read_to - 1, t->read_to);
    *loss = s.loss / s.weight;
    return RN_OK;
}

static int train_epoch(struct trainer *t, enum trainer_end *end)
{
    uint64_t begun = clock_ns();

    if (t->over)
        begin_epoch(t);
    double before = t->train_s;
    profile_pause(t->profile);
    TRY(loop_shuffle(t));
    int status = train_steps(t, begun, before, end);
    double now = clock_s(begun);
    t->train_s = before + now;
    t->state.train_s += now;
    return status;
}

/* Validation, and the same measure on as many training samples, or all where there are fewer. */
static int measure(struct trainer *t)
{
    struct sums s = loop_sums(t, 0, t->read_to);
    bool fewer = t->d->n_train < t->d->n_val;

    t->train_loss = s.loss / s.weight;
    t->train_accuracy = t->classifies ? s.correct / (double)loop_samples_done(t) : NAN;
    if (!t->d->n_val)
        return RN_OK;
    TRY(loop_evaluate(t, RN_TRAIN, t->train_eval, t->d->val_index, t->d->n_val, &t->val));
    TRY(loop_evaluate(t, RN_TRAIN, fewer ? t->fit_eval : t->train_eval, t->d->train_index,
                      fewer ? t->d->n_train : t->d->n_val, &t->fit));
    TRY(loop_tell_evaluation(t, "fit", &t->fit));
    return loop_tell_evaluation(t, "val", &t->val);
}

/* Callbacks and reporters see and save what was evaluated. */
static int end_epoch(struct trainer *t, enum trainer_end *end)
{
    TRY(watch_show(t->watch, true));
    TRY(measure(t));
    bool best = isfinite(t->val.loss) && !(t->val.loss >= t->state.best_val_loss);
    if (best) {
        t->state.best_val_loss = t->val.loss;
        t->state.best_epoch = t->state.epoch;
    }
    TRY(loop_tell_epoch(t, best));
    TRY(loop_tell_callbacks(t, RN_AT_EPOCH));
    TRY(watch_show(t->watch, false));
    if (rate_monitor(&t->rate))
        rate_observe(&t->rate, loop_monitored(t, rate_monitor(&t->rate)));
    t->over = true;
    return obey(t, end);
}

static bool all_done(const struct trainer *t)
{
    return t->over && t->state.epoch >= t->e->train.epochs;
}

/* Between two epochs. */
static int rest(struct trainer *t, enum trainer_end *end)
{
    if (*end != TRAINER_DONE || all_done(t))
        return RN_OK;
    if (t->pause_after && t->state.epoch >= t->pause_after)
        *end = TRAINER_PAUSED;
    else if (t->events->rest)
        TRY(t->events->rest(t->events->ctx));
    return RN_OK;
}

int trainer_run(struct trainer *t, const struct trainer_events *events, enum trainer_end *end)
{
    *end = t->wanted.stop ? TRAINER_ENOUGH : TRAINER_DONE;
    t->events = events;
    t->started_ns = t->shown_ns = clock_ns();
    if (!t->state.epoch)
        TRY(loop_tell_callbacks(t, RN_AT_INTERVAL)); /* before the first step */
    else if (t->over)
        TRY(rest(t, end));
    while (*end == TRAINER_DONE && !all_done(t)) {
        TRY(train_epoch(t, end));
        if (*end == TRAINER_ENOUGH ||
            (t->state.step_in_epoch == t->state.steps_per_epoch && *end != TRAINER_DIVERGED))
            TRY(end_epoch(t, end));
        if (t->over)
            TRY(rest(t, end));
    }
    if (*end == TRAINER_STOPPED && all_done(t))
        *end = TRAINER_DONE; /* whoever asked to stop came too late */
    return RN_OK;
}

int trainer_finish(struct trainer *t, const struct trainer_events *events, int64_t *epoch)
{
    t->events = events;
    t->wanted = (struct watch_result){0};
    feed_settle(t->feed); /* it may be at work on a batch that nobody wants any more */
    TRY(loop_tell_callbacks(t, RN_AT_END));
    *epoch = t->wanted.restored ? t->wanted.kept_epoch : 0;
    return RN_OK;
}

int trainer_test(struct trainer *t, const struct trainer_events *events, struct evaluation *out)
{
    t->events = events;
    TRY(watch_show(t->watch, true));
    TRY(loop_evaluate(t, RN_TEST, t->test_eval, t->d->test_index, t->d->n_test, out));
    return loop_tell_evaluation(t, "test", out);
}
