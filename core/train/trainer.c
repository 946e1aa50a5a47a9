/* trainer.c - epochs of recorded steps. The losses of the steps stay on the device and are read
 * once an interval; nothing is allocated after trainer_open(). */
#include "trainer.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "base/stop.h"
#include "model/step.h"

#include <math.h>
#include <string.h>

#define REDRAW_S 0.1

struct phase { /* a recorded step over a fixed number of rows */
    int64_t rows;
    struct rn_recording *recording;
};

struct history { /* one value a step of the epoch, on the device and as last read */
    rn_real *dev, *host;
};

enum { LOSS, WEIGHT, CORRECT, HISTORIES };

struct trainer {
    struct pool *pool;
    const struct experiment *e;
    struct model *m;
    struct data *d;
    struct rn_device *dev;
    bool classifies;
    void *arena;
    struct phase train[2], train_eval[2], test_eval[2]; /* a full batch, and what is left over */
    struct history history[HISTORIES];
    int32_t *order, *order_dev, *eval_index; /* this epoch's samples; device copies */
    rn_real *row_loss_dev, *row_weight_dev, *scores_dev;
    rn_real *row_loss, *row_weight, *scores;
    int64_t eval_rows, width, log_steps;
    int64_t read_to, told_to; /* steps of the epoch that were read, and told */
    int64_t bad;              /* the first whose loss is not finite; -1: none */
    struct rn_block block;
    struct trainer_state state;
    double lr;
    uint64_t started_ns;
    const struct trainer_events *events;
    uint64_t shown_ns;
};

const struct trainer_state *trainer_state(const struct trainer *t) { return &t->state; }

double trainer_lr(const struct experiment *e)
{
    const struct rn_option *row = options_row(&e->optimizer.plugin->options, "lr");

    return *(const double *)(const void *)((const char *)e->optimizer.opts + row->offset);
}

/* ---- setting up ------------------------------------------------------------------ */

static int device_array(struct trainer *t, int64_t n, size_t size, void **out)
{
    return t->dev->ops->alloc(t->dev, (size_t)(n > 0 ? n : 1) * size, out);
}

static int both_arrays(struct trainer *t, int64_t n, rn_real **dev, rn_real **host)
{
    void *p = NULL;

    TRY(device_array(t, n, sizeof(rn_real), &p));
    *dev = p;
    *host = pool_alloc(t->pool, (size_t)(n > 0 ? n : 1) * sizeof **host);
    return *host ? RN_OK : RN_ENOMEM;
}

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t log_interval(const struct trainer *t)
{
    const struct rn_span_value *every = &t->e->train.log_every;
    double per_epoch = (double)t->state.steps_per_epoch, steps = every->value;

    if (every->unit == RN_EPOCHS)
        steps = every->value * per_epoch;
    if (every->unit == RN_SAMPLES)
        steps = every->value / (double)t->e->train.batch_size;
    if (every->unit == RN_PERCENT)
        steps = every->value / 100 * per_epoch * (double)t->e->train.epochs;
    return max64(1, (int64_t)fmin(steps, 1e15));
}

/* Rows of the full batch and of the last one, 0 where there is none. */
static void set_rows(struct phase p[2], int64_t n, int64_t batch, bool drop_last)
{
    p[0].rows = n >= batch ? batch : 0;
    p[1].rows = drop_last && n >= batch ? 0 : n % batch;
}

static int alloc_arrays(struct trainer *t)
{
    int64_t n_eval = max64(t->d->n_val, t->d->n_test), steps = t->state.steps_per_epoch;
    void *p = NULL;

    for (int i = 0; i < HISTORIES; i++)
        TRY(both_arrays(t, steps, &t->history[i].dev, &t->history[i].host));
    t->order = pool_alloc(t->pool, (size_t)t->d->n_train * sizeof *t->order);
    if (!t->order)
        return RN_ENOMEM;
    TRY(device_array(t, t->d->n_train, sizeof(int32_t), &p));
    t->order_dev = p;
    TRY(device_array(t, n_eval, sizeof(int32_t), &p));
    t->eval_index = p;
    TRY(both_arrays(t, n_eval, &t->row_loss_dev, &t->row_loss));
    TRY(both_arrays(t, n_eval, &t->row_weight_dev, &t->row_weight));
    return both_arrays(t, n_eval * t->width, &t->scores_dev, &t->scores);
}

static int arena_bytes(struct trainer *t, bool training, const struct phase p[2], int64_t *bytes)
{
    for (int i = 0; i < 2; i++) {
        struct step_layout l = {0};
        if (p[i].rows)
            TRY(step_layout(t->pool, t->m, training, p[i].rows, &l));
        *bytes = max64(*bytes, l.bytes);
    }
    return RN_OK;
}

static struct step_io io_of(const struct trainer *t, int split, bool training)
{
    const struct data *d = t->d;
    struct step_io io = {.input = d->split[split].input,
                         .target = d->split[split].target,
                         .index = training ? t->order_dev : t->eval_index,
                         .input_index = training ? t->order_dev : t->eval_index,
                         .scale = d->scale,
                         .shift = d->shift,
                         .channels = d->channels,
                         .dtype = (uint8_t)d->info.dtype};

    if (training) {
        io.step_loss = t->history[LOSS].dev;
        io.step_weight = t->history[WEIGHT].dev;
        io.step_correct = t->classifies ? t->history[CORRECT].dev : NULL;
    } else {
        io.row_loss = t->row_loss_dev;
        io.row_weight = t->row_weight_dev;
        io.scores = t->scores_dev;
    }
    return io;
}

static int record_phase(struct trainer *t, int split, bool training, struct phase p[2])
{
    struct step_io io = io_of(t, split, training);

    for (int i = 0; i < 2; i++)
        if (p[i].rows)
            TRY(step_record(t->pool, t->m, training ? STEP_TRAINS | STEP_UPDATES : 0, p[i].rows,
                            t->arena, &io, &p[i].recording));
    return RN_OK;
}

static int set_up(struct trainer *t)
{
    const struct data *d = t->d;
    int64_t batch = t->e->train.batch_size, eval = t->e->train.eval_batch_size, bytes = 0;
    int64_t left = d->n_train % batch;

    set_rows(t->train, d->n_train, batch, t->e->train.drop_last);
    set_rows(t->train_eval, d->n_val, min64(eval, max64(d->n_val, 1)), false);
    set_rows(t->test_eval, d->n_test, min64(eval, max64(d->n_test, 1)), false);
    t->state.steps_per_epoch = d->n_train / batch + (left && t->train[1].rows ? 1 : 0);
    t->log_steps = log_interval(t);
    TRY(alloc_arrays(t));
    TRY(arena_bytes(t, true, t->train, &bytes));
    TRY(arena_bytes(t, false, t->train_eval, &bytes));
    TRY(arena_bytes(t, false, t->test_eval, &bytes));
    TRY(t->dev->ops->alloc(t->dev, (size_t)bytes, &t->arena));
    TRY(record_phase(t, RN_TRAIN, true, t->train));
    TRY(record_phase(t, RN_TRAIN, false, t->train_eval));
    return record_phase(t, RN_TEST, false, t->test_eval);
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
    *t = (struct trainer){.pool = p, .e = e, .m = m, .d = d, .dev = m->dev};
    t->classifies = e->loss.plugin->traits & RN_TRAIT_CLASSIFIES;
    t->width = rn_count(&m->layers[m->n_layers].in);
    t->lr = trainer_lr(e);
    t->state.best_val_loss = NAN;
    return set_up(t);
}

void trainer_close(struct trainer *t)
{
    if (!t)
        return;
    void *blocks[] = {t->arena,          t->order_dev,      t->eval_index,
                      t->row_loss_dev,   t->row_weight_dev, t->scores_dev,
                      t->history[0].dev, t->history[1].dev, t->history[2].dev};
    for (int i = 0; i < 2; i++) {
        t->dev->ops->discard(t->dev, t->train[i].recording);
        t->dev->ops->discard(t->dev, t->train_eval[i].recording);
        t->dev->ops->discard(t->dev, t->test_eval[i].recording);
    }
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        t->dev->ops->free(t->dev, blocks[i]);
    pool_free(t->pool);
}

/* ---- evaluation -------------------------------------------------------------------- */

static double accuracy_of(const struct trainer *t, const struct data_split *s, const int32_t *index,
                          int64_t n)
{
    int64_t right = 0;

    for (int64_t i = 0; i < n; i++) {
        const rn_real *x = t->scores + i * t->width;
        int64_t best = 0;
        for (int64_t c = 1; c < t->width; c++)
            best = x[c] > x[best] ? c : best;
        right += best == (int64_t)s->host_target[index[i]];
    }
    return (double)right / (double)n;
}

static int collect(struct trainer *t, int split, const int32_t *index, int64_t n,
                   struct evaluation *out)
{
    double loss = 0, weight = 0;

    TRY(t->dev->ops->download(t->dev, t->row_loss, t->row_loss_dev, (size_t)n * sizeof(rn_real)));
    TRY(t->dev->ops->download(t->dev, t->row_weight, t->row_weight_dev,
                              (size_t)n * sizeof(rn_real)));
    TRY(t->dev->ops->download(t->dev, t->scores, t->scores_dev,
                              (size_t)(n * t->width) * sizeof(rn_real)));
    for (int64_t i = 0; i < n; i++) {
        loss += (double)t->row_loss[i];
        weight += (double)t->row_weight[i];
    }
    out->n = n;
    out->width = t->width;
    out->scores = t->scores;
    out->row_loss = t->row_loss;
    out->loss = loss / weight;
    out->accuracy = t->classifies ? accuracy_of(t, &t->d->split[split], index, n) : NAN;
    return RN_OK;
}

static int evaluate(struct trainer *t, int split, const struct phase p[2], const int32_t *index,
                    int64_t n, struct evaluation *out)
{
    uint64_t begun = clock_ns();

    TRY(t->dev->ops->upload(t->dev, t->eval_index, index, (size_t)n * sizeof *index));
    for (int64_t at = 0; at < n;) {
        const struct phase *now = n - at >= p[0].rows && p[0].rows ? &p[0] : &p[1];
        t->block.u[U_START] = t->block.u[U_INPUT] = t->block.u[U_ROW] = (uint64_t)at;
        t->block.u[U_SCORE] = (uint64_t)(at * t->width);
        TRY(t->dev->ops->replay(t->dev, now->recording, &t->block));
        at += now->rows;
    }
    TRY(collect(t, split, index, n, out));
    out->seconds = clock_s(begun);
    return RN_OK;
}

/* ---- telling ------------------------------------------------------------------------ */

static int tell_record(struct trainer *t, const char *split, double loss, double accuracy)
{
    struct rn_metric metrics[] = {{"loss", loss}, {"accuracy", accuracy}};
    struct rn_record r = {.size = sizeof r,
                          .n_metrics = t->classifies ? 2 : 1,
                          .split = split,
                          .step = t->state.step,
                          .epoch = t->state.epoch,
                          .seconds = clock_s(t->started_ns),
                          .metrics = metrics};

    return t->events->record ? t->events->record(t->events->ctx, &r) : RN_OK;
}

struct sums {
    double loss, weight, correct;
};

static struct sums sums_of(const struct trainer *t, int64_t from, int64_t to)
{
    struct sums s = {0};

    for (int64_t i = from; i < to; i++) {
        s.loss += (double)t->history[LOSS].host[i];
        s.weight += (double)t->history[WEIGHT].host[i];
        s.correct += (double)t->history[CORRECT].host[i];
    }
    return s;
}

/* Fetches the steps not read yet and looks for one whose loss is not finite. */
static int read_history(struct trainer *t)
{
    int64_t n = t->state.step_in_epoch - t->read_to;

    for (int i = 0; i < HISTORIES && n; i++)
        if (i != CORRECT || t->classifies)
            TRY(t->dev->ops->download(t->dev, t->history[i].host + t->read_to,
                                      t->history[i].dev + t->read_to, (size_t)n * sizeof(rn_real)));
    for (; t->read_to < t->state.step_in_epoch; t->read_to++) {
        rn_real loss = t->history[LOSS].host[t->read_to];

        if (!isfinite(loss) && t->bad < 0)
            t->bad = t->read_to;
    }
    return RN_OK;
}

static int64_t samples_done(const struct trainer *t)
{
    return min64(t->state.step_in_epoch * t->e->train.batch_size, t->d->n_train);
}

static int tell_progress(struct trainer *t, double epoch_s)
{
    const struct trainer_state *s = &t->state;

    TRY(read_history(t));
    struct sums sums = sums_of(t, 0, t->read_to);
    double done = (double)(s->epoch - 1) + (double)s->step_in_epoch / (double)s->steps_per_epoch;
    double per_epoch = clock_s(t->started_ns) / done;
    struct rn_progress p = {.size = sizeof p,
                            .phase = "train",
                            .epoch = s->epoch,
                            .epochs = t->e->train.epochs,
                            .step = s->step_in_epoch,
                            .steps = s->steps_per_epoch,
                            .loss = sums.loss / sums.weight,
                            .samples_per_s = (double)samples_done(t) / epoch_s,
                            .seconds_left = per_epoch * ((double)t->e->train.epochs - done)};

    t->shown_ns = clock_ns();
    return t->events->progress ? t->events->progress(t->events->ctx, &p) : RN_OK;
}

/* ---- training ------------------------------------------------------------------------ */

static int shuffle(struct trainer *t)
{
    memcpy(t->order, t->d->train_index, (size_t)t->d->n_train * sizeof *t->order);
    if (t->e->train.shuffle)
        rng_shuffle(rng_key(t->e->seed, RNG_SHUFFLE, (uint64_t)t->state.epoch), t->order,
                    t->d->n_train);
    return t->dev->ops->upload(t->dev, t->order_dev, t->order,
                               (size_t)t->d->n_train * sizeof *t->order);
}

static int one_step(struct trainer *t)
{
    const struct rn_optimizer_ops *ops = &t->e->optimizer.plugin->ops.optimizer;
    int64_t at = t->state.step_in_epoch * t->e->train.batch_size;
    const struct phase *p =
        t->d->n_train - at >= t->e->train.batch_size ? &t->train[0] : &t->train[1];
    double scalars[RN_SCALARS] = {0};

    TRY(ops->scalars(t->e->optimizer.opts, t->state.step + 1, t->lr, scalars));
    for (int i = 0; i < RN_SCALARS; i++)
        t->block.f[F_SCALARS + i] = (rn_real)scalars[i];
    t->block.u[U_START] = t->block.u[U_INPUT] = (uint64_t)at;
    t->block.u[U_STEP] = (uint64_t)t->state.step_in_epoch;
    t->block.u[U_DRAW] = (uint64_t)t->state.step;
    TRY(t->dev->ops->replay(t->dev, p->recording, &t->block));
    t->state.step++;
    t->state.step_in_epoch++;
    return RN_OK;
}

static int diverged(struct trainer *t, enum trainer_end *end)
{
    *end = TRAINER_DIVERGED;
    t->state.step += t->bad + 1 - t->state.step_in_epoch;
    t->state.step_in_epoch = t->bad + 1;
    return FAIL(RN_ENUMERIC,
                "the loss is not finite at step %lld (epoch %lld): lower the learning rate, now %g",
                (long long)t->state.step, (long long)t->state.epoch, t->lr);
}

/* The interval is over: read, look for divergence, tell. */
static int interval(struct trainer *t, enum trainer_end *end)
{
    TRY(read_history(t));
    if (t->bad >= 0)
        return diverged(t, end);
    struct sums s = sums_of(t, t->told_to, t->read_to);
    int64_t samples = samples_done(t) - t->told_to * t->e->train.batch_size;
    t->told_to = t->read_to;
    return tell_record(t, "train", s.loss / s.weight, s.correct / (double)samples);
}

static bool interval_over(const struct trainer *t)
{
    return t->state.step % t->log_steps == 0 ||
           t->state.step_in_epoch == t->state.steps_per_epoch || stop_requested();
}

/* A signal ends it behind a step, and behind the look at the losses so far. */
static int train_steps(struct trainer *t, uint64_t begun_ns, enum trainer_end *end)
{
    while (t->state.step_in_epoch < t->state.steps_per_epoch && *end == TRAINER_DONE) {
        bool stop = stop_requested();

        TRY(one_step(t));
        if (interval_over(t))
            TRY(interval(t, end));
        if (clock_s(t->shown_ns) > REDRAW_S)
            TRY(tell_progress(t, clock_s(begun_ns)));
        if (stop)
            *end = TRAINER_STOPPED;
    }
    return t->dev->ops->sync(t->dev);
}

static int train_epoch(struct trainer *t, enum trainer_end *end)
{
    uint64_t begun = clock_ns();

    t->state.step_in_epoch = t->read_to = t->told_to = 0;
    t->bad = -1;
    TRY(shuffle(t));
    int status = train_steps(t, begun, end);
    t->state.train_s += clock_s(begun);
    return status;
}

/* Validation, the same measure on as many training samples, and the row of the epoch. */
static int end_epoch(struct trainer *t, double train_s)
{
    struct sums s = sums_of(t, 0, t->read_to);
    int64_t samples = samples_done(t), n_fit = min64(t->d->n_val, t->d->n_train);
    struct evaluation fit = {.loss = NAN, .accuracy = NAN}, val = fit;
    bool measured = t->d->n_val > 0 && n_fit == t->d->n_val;

    if (t->d->n_val)
        TRY(evaluate(t, RN_TRAIN, t->train_eval, t->d->val_index, t->d->n_val, &val));
    if (measured)
        TRY(evaluate(t, RN_TRAIN, t->train_eval, t->d->train_index, n_fit, &fit));
    bool best = isfinite(val.loss) && !(val.loss >= t->state.best_val_loss);
    if (best) {
        t->state.best_val_loss = val.loss;
        t->state.best_epoch = t->state.epoch;
    }
    if (measured)
        TRY(tell_record(t, "fit", fit.loss, fit.accuracy));
    if (t->d->n_val)
        TRY(tell_record(t, "val", val.loss, val.accuracy));
    struct rn_epoch row = {.epoch = t->state.epoch,
                           .step = t->state.step,
                           .train_loss = s.loss / s.weight,
                           .train_accuracy = t->classifies ? s.correct / (double)samples : NAN,
                           .fit_loss = fit.loss,
                           .fit_accuracy = fit.accuracy,
                           .val_loss = val.loss,
                           .val_accuracy = val.accuracy,
                           .lr = t->lr,
                           .train_s = train_s,
                           .samples_per_s = (double)samples / train_s};
    return t->events->epoch ? t->events->epoch(t->events->ctx, &row, best) : RN_OK;
}

int trainer_run(struct trainer *t, const struct trainer_events *events, enum trainer_end *end)
{
    *end = TRAINER_DONE;
    t->events = events;
    t->started_ns = t->shown_ns = clock_ns();
    for (int64_t epoch = 1; epoch <= t->e->train.epochs && *end == TRAINER_DONE; epoch++) {
        double before = t->state.train_s;

        t->state.epoch = epoch;
        TRY(train_epoch(t, end));
        if (t->state.step_in_epoch == t->state.steps_per_epoch)
            TRY(end_epoch(t, t->state.train_s - before));
    }
    if (t->state.epoch == t->e->train.epochs && t->state.step_in_epoch == t->state.steps_per_epoch)
        *end = TRAINER_DONE; /* whoever asked to stop came too late */
    return RN_OK;
}

int trainer_test(struct trainer *t, const struct trainer_events *events, struct evaluation *out)
{
    t->events = events;
    TRY(evaluate(t, RN_TEST, t->test_eval, t->d->test_index, t->d->n_test, out));
    return tell_record(t, "test", out->loss, out->accuracy);
}
