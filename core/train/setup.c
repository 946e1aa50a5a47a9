/* setup.c - everything that a step needs is allocated and recorded here. */
#include "loop.h"

#include "base/error.h"
#include "budget.h"

#include <math.h>

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

/* In batches. */
static int64_t log_interval(const struct trainer *t)
{
    struct rn_progress_point batches = {.steps = t->state.steps_per_epoch * t->e->train.epochs,
                                        .steps_per_epoch = t->state.steps_per_epoch,
                                        .batch_size = t->e->train.batch_size};

    return max64(1, (int64_t)fmin(rn_span_steps(&t->e->train.log_every, &batches), 1e15));
}

static void set_rows(struct phase p[2], const int64_t rows[2])
{
    p[0].rows = rows[0];
    p[1].rows = rows[1];
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
    t->eval_target =
        pool_alloc(t->pool, (size_t)(n_eval * t->m->target_width + 1) * sizeof *t->eval_target);
    if (!t->eval_target)
        return RN_ENOMEM;
    return both_arrays(t, n_eval * t->width, &t->scores_dev, &t->scores);
}

bool loop_is_fed(const struct trainer *t, int split, bool training)
{
    return t->d->streamed[split] || (training && t->e->n_augments);
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

    if (loop_is_fed(t, split, training)) {
        io.input = feed_input(t->feed);
        io.input_index = feed_index(t->feed);
        io.dtype = training && t->e->n_augments ? RN_F32 : io.dtype;
    }
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

/* ---- recordings -------------------------------------------------------------------------- */

static int record_evaluation(struct trainer *t, int split, struct phase p[2])
{
    struct step_io io = io_of(t, split, false);

    for (int i = 0; i < 2; i++)
        if (p[i].rows)
            TRY(step_record(t->pool, t->m, 0, p[i].rows, t->arena, &io, &p[i].recording[0]));
    return RN_OK;
}

/* The place of a step of an epoch among those that make one update. */
int loop_place(const struct trainer *t, int64_t step)
{
    int64_t accumulate = t->e->train.accumulate;

    return (step % accumulate == 0 ? PHASE_FIRST : 0) |
           ((step + 1) % accumulate == 0 || step + 1 == t->state.steps_per_epoch ? PHASE_LAST : 0);
}

struct phase *loop_phase(struct trainer *t, int64_t step)
{
    int64_t batch = t->e->train.batch_size;

    return t->d->n_train - step * batch >= batch ? &t->train[0] : &t->train[1];
}

unsigned loop_flags(const struct trainer *t, int place)
{
    return STEP_TRAINS | (place & PHASE_FIRST ? 0u : STEP_ADDS) |
           (place & PHASE_LAST ? STEP_UPDATES : 0u) |
           (t->e->train.accumulate > 1 ? STEP_SHARES : 0u);
}

/* Each kind of step that occurs in an epoch, once. */
static int record_training(struct trainer *t)
{
    t->train_io = io_of(t, RN_TRAIN, true);
    for (int64_t step = 0; step < t->state.steps_per_epoch; step++) {
        struct phase *p = loop_phase(t, step);
        int place = loop_place(t, step);
        if (!p->recording[place])
            TRY(step_record(t->pool, t->m, loop_flags(t, place), p->rows, t->arena, &t->train_io,
                            &p->recording[place]));
    }
    return RN_OK;
}

int loop_set_up(struct trainer *t)
{
    const struct data *d = t->d;
    struct batches rows = data_batches(t->e, d);
    int64_t bytes;

    set_rows(t->train, rows.train);
    set_rows(t->train_eval, rows.val);
    set_rows(t->fit_eval, rows.fit);
    set_rows(t->test_eval, rows.test);
    t->state.steps_per_epoch = rate_batches(t->e, d->n_train);
    t->log_steps = log_interval(t);
    TRY(alloc_arrays(t));
    if (feed_size(t->e, d, &rows).half)
        TRY(feed_open(t->e, d, &rows, &t->feed));
    TRY(budget_arena(t->pool, t->m, &rows, &bytes));
    TRY(t->dev->ops->alloc(t->dev, (size_t)bytes, &t->arena));
    TRY(record_training(t));
    TRY(record_evaluation(t, RN_TRAIN, t->train_eval));
    TRY(record_evaluation(t, RN_TRAIN, t->fit_eval));
    return record_evaluation(t, RN_TEST, t->test_eval);
}
