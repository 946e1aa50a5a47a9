/* infer.c - evaluation steps over samples in memory: recorded for a full batch and for what is left
 * over, replayed, and freed again. */
#include "infer.h"

#include "base/error.h"
#include "data.h"
#include "model/step.h"

#include <string.h>

enum { ARRAYS = 9 };

struct inference {
    struct pool *pool;
    const struct model *m;
    struct rn_device *dev;
    void *array[ARRAYS]; /* device memory, to be freed */
    int n_arrays;
    struct rn_recording *recording[2];
    int64_t rows[2]; /* of a full batch, and of what is left over */
    struct step_io io;
    void *arena;
};

static int take(struct inference *f, int64_t bytes, void **out)
{
    TRY(f->dev->ops->alloc(f->dev, (size_t)(bytes ? bytes : 1), out));
    f->array[f->n_arrays++] = *out;
    return RN_OK;
}

static int take_values(struct inference *f, int64_t n, rn_real **out)
{
    void *p = NULL;

    TRY(take(f, n * (int64_t)sizeof(rn_real), &p));
    *out = p;
    return RN_OK;
}

/* Targets there are none: all are 0, and the losses of nobody's interest. */
static int take_targets(struct inference *f, int64_t rows)
{
    rn_real *target, *zero = mem_array((size_t)(rows * f->m->target_width + 1), sizeof *zero);
    size_t bytes = (size_t)(rows * f->m->target_width) * sizeof *zero;

    int status = zero ? take_values(f, rows * f->m->target_width, &target) : RN_ENOMEM;
    if (status >= 0)
        status = f->dev->ops->upload(f->dev, target, zero, bytes);
    if (status >= 0)
        status = f->dev->ops->sync(f->dev);
    if (status >= 0)
        f->io.target = target;
    mem_free(zero);
    return status;
}

static int take_index(struct inference *f, int64_t rows)
{
    int32_t *index = pool_alloc(f->pool, (size_t)rows * sizeof *index);
    void *p = NULL;

    if (!index)
        return RN_ENOMEM;
    for (int64_t i = 0; i < rows; i++)
        index[i] = (int32_t)i;
    TRY(take(f, rows * (int64_t)sizeof *index, &p));
    TRY(f->dev->ops->upload(f->dev, p, index, (size_t)rows * sizeof *index));
    f->io.index = f->io.input_index = p;
    return f->dev->ops->sync(f->dev);
}

static int take_normalization(struct inference *f, const struct experiment *e, uint32_t dtype)
{
    rn_real values[2][CHANNELS_MAX], *scale, *shift;
    int64_t n = data_normalization(e, dtype, values[0], values[1]);

    TRY(take_values(f, n, &scale));
    TRY(take_values(f, n, &shift));
    TRY(f->dev->ops->upload(f->dev, scale, values[0], (size_t)n * sizeof *scale));
    TRY(f->dev->ops->upload(f->dev, shift, values[1], (size_t)n * sizeof *shift));
    f->io.scale = scale;
    f->io.shift = shift;
    f->io.channels = n;
    return f->dev->ops->sync(f->dev);
}

static int64_t sample_bytes(const struct model *m, uint32_t dtype)
{
    return rn_count(&m->input) * (int64_t)(dtype == RN_U8 ? 1 : sizeof(float));
}

static int64_t width_of(const struct model *m) { return rn_count(model_shape(m, m->n_layers)); }

static int set_up(struct inference *f, const struct experiment *e, uint32_t dtype)
{
    int64_t rows = f->rows[0];
    struct step_layout layout;
    void *input = NULL;

    f->io.dtype = (uint8_t)dtype;
    TRY(take(f, rows * sample_bytes(f->m, dtype), &input));
    f->io.input = input;
    TRY(take_targets(f, rows));
    TRY(take_index(f, rows));
    TRY(take_normalization(f, e, dtype));
    TRY(take_values(f, rows, &f->io.row_loss));
    TRY(take_values(f, rows, &f->io.row_weight));
    TRY(take_values(f, rows * width_of(f->m), &f->io.scores));
    TRY(step_layout(f->pool, f->m, false, rows, &layout));
    TRY(take(f, layout.bytes, &f->arena));
    for (int i = 0; i < 2; i++)
        if (f->rows[i])
            TRY(step_record(f->pool, f->m, 0, f->rows[i], f->arena, &f->io, &f->recording[i]));
    return RN_OK;
}

static int some(struct inference *f, int which, const char *input, rn_real *scores)
{
    const struct rn_block block = {0};
    int64_t rows = f->rows[which];
    void *to = (void *)(uintptr_t)f->io.input;

    TRY(f->dev->ops->upload(f->dev, to, input, (size_t)(rows * sample_bytes(f->m, f->io.dtype))));
    TRY(f->dev->ops->replay(f->dev, f->recording[which], &block));
    return f->dev->ops->download(f->dev, scores, f->io.scores,
                                 (size_t)(rows * width_of(f->m)) * sizeof *scores);
}

static int all(struct inference *f, const struct experiment *e, uint32_t dtype, const char *input,
               int64_t n, rn_real *scores)
{
    TRY(set_up(f, e, dtype));
    for (int64_t at = 0; at < n; at += f->rows[n - at < f->rows[0]])
        TRY(some(f, n - at < f->rows[0], input + at * sample_bytes(f->m, dtype),
                 scores + at * width_of(f->m)));
    return RN_OK;
}

int infer(const struct experiment *e, const struct model *m, uint32_t dtype, const void *input,
          int64_t n, rn_real *scores)
{
    int64_t batch = e->train.eval_batch_size < n ? e->train.eval_batch_size : n;
    struct inference f = {.pool = pool_new(), .m = m, .dev = m->dev, .rows = {batch, 0}};

    if (n < 1)
        return RN_OK;
    f.rows[1] = n % batch;
    int status = f.pool ? all(&f, e, dtype, input, n, scores) : RN_ENOMEM;
    for (int i = 0; i < 2; i++)
        f.dev->ops->discard(f.dev, f.recording[i]);
    for (int i = 0; i < f.n_arrays; i++)
        f.dev->ops->free(f.dev, f.array[i]);
    pool_free(f.pool);
    return status;
}
