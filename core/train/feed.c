/* feed.c - the samples of a batch as they are, or as floats through the list of augmentations. The
 * batch is cut into slices of a few rows, which are independent of each other. */
#define _XOPEN_SOURCE 700
#include "feed.h"

#include "base/error.h"
#include "base/rng.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define SLICE 8 /* rows */

struct making {
    struct feed_batch batch;
    char *out;
    uint32_t half;
};

struct feed {
    struct pool *pool;
    const struct experiment *e;
    const struct data *d;
    struct rn_device *dev;
    struct feed_size size;
    int64_t h, w, channels, elements, scratch, slices;
    char *staging;       /* device: two batches */
    char *host;          /* the same on the host, where the host cannot follow staging */
    bool beside;         /* copies go beside the work, from memory of the device's own */
    int32_t *index_dev;  /* 0, 1, 2, ... */
    float *room;         /* for each slice two buffers of its rows, and scratch */
    struct making made;  /* or being made */
    uint32_t half;       /* where the next batch goes */
    bool ready;          /* a batch was begun and is not taken */
    int status;          /* of the batch that was made */
    struct error failed; /* why */

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, busy, quit;
};

const void *feed_input(const struct feed *f) { return f->staging; }

const int32_t *feed_index(const struct feed *f) { return f->index_dev; }

/* ---- one slice -------------------------------------------------------------------------- */

static int64_t value_bytes(const struct data *d) { return d->info.dtype == RN_U8 ? 1 : 4; }

static int64_t row_bytes(const struct data *d, bool augmented)
{
    return rn_count(&d->info.input) * (augmented ? (int64_t)sizeof(float) : value_bytes(d));
}

static void raw_rows(const struct feed *f, const struct feed_batch *b, int64_t first, int64_t n,
                     char *out)
{
    int64_t bytes = row_bytes(f->d, false);
    const char *from = f->d->split[b->split].host_input;

    for (int64_t r = 0; r < n; r++)
        memcpy(out + r * bytes, from + b->index[first + r] * bytes, (size_t)bytes);
}

static void float_rows(const struct feed *f, const struct feed_batch *b, int64_t first, int64_t n,
                       float *out)
{
    const uint8_t *from = f->d->split[b->split].host_input;

    if (f->d->info.dtype != RN_U8) {
        raw_rows(f, b, first, n, (char *)out);
        return;
    }
    for (int64_t r = 0; r < n; r++, out += f->elements)
        for (int64_t i = 0; i < f->elements; i++)
            out[i] = (float)from[b->index[first + r] * f->elements + i];
}

/* Back and forth between two buffers; the last one writes the batch. */
static void augment(const struct feed *f, int64_t slice, int64_t n)
{
    const struct feed_batch *b = &f->made.batch;
    int64_t first = slice * SLICE;
    float *a = f->room + slice * (2 * SLICE * f->elements + f->scratch);
    float *buffer[2] = {a, a + SLICE * f->elements}, *to = (float *)(void *)f->made.out;

    float_rows(f, b, first, n, buffer[0]);
    for (int i = 0; i < f->e->n_augments; i++) {
        const struct part *p = &f->e->augments[i];
        bool last = i + 1 == f->e->n_augments;
        struct rn_augment_call c = {.size = sizeof c,
                                    .opts = p->opts,
                                    .rows = n,
                                    .h = f->h,
                                    .w = f->w,
                                    .channels = f->channels,
                                    .in = buffer[i & 1],
                                    .out = last ? to + first * f->elements : buffer[~i & 1],
                                    .scratch = f->scratch ? a + 2 * SLICE * f->elements : NULL,
                                    .key = rng_key(f->e->seed, RNG_AUGMENT, (uint64_t)i),
                                    .draw = b->draw,
                                    .first_row = first};
        p->plugin->ops.augmentation.apply(&c);
    }
}

static void make_slice(void *ctx, int64_t slice)
{
    const struct feed *f = ctx;
    const struct feed_batch *b = &f->made.batch;
    int64_t first = slice * SLICE, n = b->n - first < SLICE ? b->n - first : SLICE;

    if (b->augmented)
        augment(f, slice, n);
    else
        raw_rows(f, b, first, n, f->made.out + first * row_bytes(f->d, false));
}

static int64_t slices_of(const struct feed_batch *b) { return (b->n + SLICE - 1) / SLICE; }

/* ---- a thread of ours ------------------------------------------------------------------- */

/* Where the batch before the last one was, which may still be on its way. */
static void make(struct feed *f)
{
    f->status = f->beside ? f->dev->ops->staged(f->dev, f->made.half) : RN_OK;
    if (f->status < 0)
        f->failed = error_save();
    for (int64_t s = 0; s < slices_of(&f->made.batch) && f->status >= 0; s++)
        make_slice(f, s);
}

static void *work(void *arg)
{
    struct feed *f = arg;

    pthread_mutex_lock(&f->lock);
    for (;;) {
        while (!f->busy && !f->quit)
            pthread_cond_wait(&f->changed, &f->lock);
        if (f->quit)
            break;
        pthread_mutex_unlock(&f->lock);
        make(f);
        pthread_mutex_lock(&f->lock);
        f->busy = false;
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

static int start_thread(struct feed *f)
{
    sigset_t all, before;

    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    sigfillset(&all); /* signals are the main thread's business */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&f->thread, NULL, work, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    f->started = !why;
    return why ? FAIL(RN_ENOMEM, "cannot start a thread that makes batches: %s", strerror(why))
               : RN_OK;
}

static void set_busy(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->busy = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void wait_idle(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    while (f->busy)
        pthread_cond_wait(&f->changed, &f->lock);
    pthread_mutex_unlock(&f->lock);
}

/* ---- batches ---------------------------------------------------------------------------- */

static void begin(struct feed *f, const struct feed_batch *b)
{
    f->made = (struct making){*b, f->host + f->half * f->size.half, f->half};
    f->ready = true;
    set_busy(f);
}

int feed_next(struct feed *f, const struct feed_batch *b)
{
    if (f->host)
        begin(f, b);
    return RN_OK;
}

void feed_settle(struct feed *f)
{
    if (f && f->ready)
        wait_idle(f);
    if (f)
        f->ready = false;
}

static bool same(const struct feed_batch *a, const struct feed_batch *b)
{
    return a->split == b->split && a->augmented == b->augmented && a->draw == b->draw &&
           a->index == b->index && a->n == b->n;
}

/* Beside the work, or when all work is done: then what was copied from this half is there. */
static int send(struct feed *f, const struct making *m)
{
    size_t bytes = (size_t)(m->batch.n * row_bytes(f->d, m->batch.augmented));
    char *to = f->staging + m->half * f->size.half;

    if (f->beside)
        return f->dev->ops->stage(f->dev, m->half, to, m->out, bytes);
    TRY(f->dev->ops->sync(f->dev));
    return f->dev->ops->upload(f->dev, to, m->out, bytes);
}

int feed_take(struct feed *f, const struct feed_batch *b, uint64_t *at)
{
    uint32_t half = f->half;

    *at = (uint64_t)(half * f->size.half / row_bytes(f->d, b->augmented));
    if (!f->host) { /* the device's threads are all there are */
        f->half = !half;
        f->made = (struct making){*b, f->staging + half * f->size.half, half};
        return f->dev->ops->task(f->dev, make_slice, f, slices_of(b));
    }
    if (!f->ready || !same(&f->made.batch, b)) {
        feed_settle(f);
        begin(f, b);
    }
    feed_settle(f);
    f->half = !half;
    if (f->status < 0) {
        error_restore(&f->failed);
        return f->status;
    }
    return send(f, &f->made);
}

/* ---- opening ---------------------------------------------------------------------------- */

int feed_check(const struct experiment *e, const struct rn_dataset_info *info, int *which)
{
    const struct rn_shape *in = &info->input;

    for (*which = 0; *which < e->n_augments; ++*which) {
        const struct part *p = &e->augments[*which];
        const struct rn_augmentation_ops *ops = &p->plugin->ops.augmentation;

        if (in->rank != 3 || !in->channels)
            return FAIL(RN_EINVAL, "changes images, and these data are none");
        int status = ops->check ? ops->check(p->opts, in->dim[0], in->dim[1], in->dim[2]) : RN_OK;
        if (status < 0)
            return status;
    }
    return RN_OK;
}

static int64_t larger(const int64_t rows[2]) { return rows[0] > rows[1] ? rows[0] : rows[1]; }

/* One kind of batch: how much room it needs. */
static void add_batch(struct feed_size *s, const struct data *d, bool augmented, int64_t rows)
{
    int64_t bytes = row_bytes(d, augmented), unit = row_bytes(d, true);
    int64_t half = (rows * bytes + unit - 1) / unit * unit;

    s->half = half > s->half ? half : s->half;
}

/* Halves begin at whole rows of each kind. */
struct feed_size feed_size(const struct experiment *e, const struct data *d,
                           const struct batches *rows)
{
    bool trains = e->n_augments || d->streamed[RN_TRAIN];
    struct feed_size s = {0};

    if (trains)
        add_batch(&s, d, e->n_augments > 0, larger(rows->train));
    if (d->streamed[RN_TRAIN]) {
        add_batch(&s, d, false, larger(rows->val));
        add_batch(&s, d, false, larger(rows->fit));
    }
    if (d->streamed[RN_TEST])
        add_batch(&s, d, false, larger(rows->test));
    s.indices = 2 * s.half / row_bytes(d, false);
    return s;
}

static void measure(struct feed *f, const struct batches *rows)
{
    const struct rn_shape *in = &f->d->info.input;

    f->elements = rn_count(in);
    f->slices = f->e->n_augments ? (larger(rows->train) + SLICE - 1) / SLICE : 0;
    for (int i = 0; i < f->e->n_augments; i++) {
        const struct part *p = &f->e->augments[i];
        const struct rn_augmentation_ops *ops = &p->plugin->ops.augmentation;
        f->h = in->dim[0];
        f->w = in->dim[1];
        f->channels = in->dim[2];
        int64_t n = ops->scratch ? ops->scratch(p->opts, f->h, f->w, f->channels) : 0;
        f->scratch = n > f->scratch ? n : f->scratch;
    }
    f->scratch = (f->scratch + 15) / 16 * 16;
}

static int make_index(struct feed *f)
{
    size_t bytes = (size_t)f->size.indices * sizeof(int32_t);
    int32_t *host = mem_alloc(bytes);
    void *p = NULL;

    if (!host)
        return RN_ENOMEM;
    for (int64_t i = 0; i < f->size.indices; i++)
        host[i] = (int32_t)i;
    int status = f->dev->ops->alloc(f->dev, bytes, &p);
    f->index_dev = p;
    status = status < 0 ? status : f->dev->ops->upload(f->dev, p, host, bytes);
    status = status < 0 ? status : f->dev->ops->sync(f->dev);
    mem_free(host);
    return status;
}

static int make_host(struct feed *f)
{
    size_t bytes = 2 * (size_t)f->size.half;
    void *p = NULL;

    f->beside = f->dev->ops->stage != NULL;
    int status = f->beside                          ? f->dev->ops->host_alloc(f->dev, bytes, &p)
                 : (p = pool_alloc(f->pool, bytes)) ? RN_OK
                                                    : RN_ENOMEM;
    f->host = p;
    return status;
}

static int make_room(struct feed *f)
{
    int64_t room = f->slices * (2 * SLICE * f->elements + f->scratch);
    void *p = NULL;

    if (f->size.indices > INT32_MAX)
        return FAIL(RN_ENOMEM, "batches of %lld bytes are too large", (long long)f->size.half);
    TRY(f->dev->ops->alloc(f->dev, 2 * (size_t)f->size.half, &p));
    f->staging = p;
    f->room = pool_alloc(f->pool, (size_t)room * sizeof *f->room);
    if (!f->room)
        return RN_ENOMEM;
    TRY(make_index(f));
    if (f->d->host_visible)
        return RN_OK;
    TRY(make_host(f));
    return start_thread(f);
}

int feed_open(const struct experiment *e, const struct data *d, const struct batches *rows,
              struct feed **out)
{
    struct pool *p = pool_new();
    struct feed *f = p ? pool_alloc(p, sizeof *f) : NULL;

    *out = f;
    if (!f) {
        pool_free(p);
        return RN_ENOMEM;
    }
    *f = (struct feed){.pool = p, .e = e, .d = d, .dev = d->dev, .size = feed_size(e, d, rows)};
    measure(f, rows);
    return make_room(f);
}

/* What is on its way from there comes first; the recorded error stays. */
static void free_host(struct feed *f)
{
    struct error why = error_save();

    f->dev->ops->sync(f->dev);
    f->dev->ops->host_free(f->dev, f->host);
    error_restore(&why);
}

void feed_close(struct feed *f)
{
    if (!f)
        return;
    if (f->started) {
        pthread_mutex_lock(&f->lock);
        f->quit = true;
        pthread_cond_broadcast(&f->changed);
        pthread_mutex_unlock(&f->lock);
        pthread_join(f->thread, NULL);
        pthread_cond_destroy(&f->changed);
        pthread_mutex_destroy(&f->lock);
    }
    if (f->beside && f->host)
        free_host(f);
    f->dev->ops->free(f->dev, f->staging);
    f->dev->ops->free(f->dev, f->index_dev);
    pool_free(f->pool);
}
