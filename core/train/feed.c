/* feed.c - the raw samples of a batch as floats, through the list of augmentations. The batch is
 * cut into slices of a few rows, which are independent of each other. */
#define _XOPEN_SOURCE 700
#include "feed.h"

#include "base/error.h"
#include "base/rng.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#define SLICE 8 /* rows */

struct batch {
    uint64_t draw;
    const int32_t *index;
    int64_t n;
    float *out;
};

struct feed {
    struct pool *pool;
    const struct experiment *e;
    const struct data *d;
    struct rn_device *dev;
    int64_t rows, h, w, channels, elements, scratch, slices;
    float *staging;     /* device: two batches */
    float *host;        /* the same on the host, where the host cannot follow staging */
    int32_t *index_dev; /* 0, 1, 2, ... */
    float *room;        /* for each slice two buffers of its rows, and scratch */
    struct batch made;  /* or being made */
    int half;           /* where the next batch goes */
    bool ready;         /* feed_next() was called and its batch not taken */

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool started, busy, quit;
};

const void *feed_input(const struct feed *f) { return f->staging; }

const int32_t *feed_index(const struct feed *f) { return f->index_dev; }

/* ---- one slice -------------------------------------------------------------------------- */

static void raw_rows(const struct feed *f, const int32_t *index, int64_t n, float *out)
{
    const void *from = f->d->split[RN_TRAIN].host_input;
    bool bytes = f->d->info.dtype == RN_U8;

    for (int64_t r = 0; r < n; r++, out += f->elements) {
        const uint8_t *u = (const uint8_t *)from + index[r] * f->elements;
        const float *x = (const float *)from + index[r] * f->elements;
        if (!bytes)
            memcpy(out, x, (size_t)f->elements * sizeof *out);
        for (int64_t i = 0; bytes && i < f->elements; i++)
            out[i] = (float)u[i];
    }
}

/* Back and forth between two buffers; the last one writes the batch. */
static void make_slice(void *ctx, int64_t slice)
{
    const struct feed *f = ctx;
    const struct batch *b = &f->made;
    int64_t first = slice * SLICE, n = b->n - first < SLICE ? b->n - first : SLICE;
    float *a = f->room + slice * (2 * SLICE * f->elements + f->scratch);
    float *buffer[2] = {a, a + SLICE * f->elements};

    if (n <= 0)
        return;
    raw_rows(f, b->index + first, n, buffer[0]);
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
                                    .out = last ? b->out + first * f->elements : buffer[~i & 1],
                                    .scratch = f->scratch ? a + 2 * SLICE * f->elements : NULL,
                                    .key = rng_key(f->e->seed, RNG_AUGMENT, (uint64_t)i),
                                    .draw = b->draw,
                                    .first_row = first};
        p->plugin->ops.augmentation.apply(&c);
    }
}

/* ---- a thread of ours ------------------------------------------------------------------- */

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
        for (int64_t s = 0; s < f->slices; s++)
            make_slice(f, s);
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
    return why ? FAIL(RN_ENOMEM, "cannot start a thread for augmentation: %s", strerror(why))
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

int feed_next(struct feed *f, uint64_t draw, const int32_t *index, int64_t n)
{
    if (!f->host)
        return RN_OK;
    f->made = (struct batch){draw, index, n, f->host + f->half * f->rows * f->elements};
    f->ready = true;
    set_busy(f);
    return RN_OK;
}

int feed_take(struct feed *f, uint64_t draw, const int32_t *index, int64_t n, uint64_t *at)
{
    int64_t first = f->half * f->rows, offset = first * f->elements;

    *at = (uint64_t)first;
    f->half = !f->half;
    if (!f->host) { /* the device's threads are all there are */
        f->made = (struct batch){draw, index, n, f->staging + offset};
        return f->dev->ops->task(f->dev, make_slice, f, (n + SLICE - 1) / SLICE);
    }
    if (f->ready)
        wait_idle(f);
    TRY(f->dev->ops->sync(f->dev)); /* what was uploaded from this half is there */
    if (!f->ready || f->made.draw != draw) {
        f->made = (struct batch){draw, index, n, f->host + offset};
        for (int64_t s = 0; s < f->slices; s++)
            make_slice(f, s);
    }
    f->ready = false;
    return f->dev->ops->upload(f->dev, f->staging + offset, f->host + offset,
                               (size_t)(n * f->elements) * sizeof *f->host);
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

static void measure(struct feed *f)
{
    const struct rn_shape *in = &f->d->info.input;

    f->h = in->dim[0];
    f->w = in->dim[1];
    f->channels = in->dim[2];
    f->elements = rn_count(in);
    f->slices = (f->rows + SLICE - 1) / SLICE;
    for (int i = 0; i < f->e->n_augments; i++) {
        const struct part *p = &f->e->augments[i];
        const struct rn_augmentation_ops *ops = &p->plugin->ops.augmentation;
        int64_t n = ops->scratch ? ops->scratch(p->opts, f->h, f->w, f->channels) : 0;
        f->scratch = n > f->scratch ? n : f->scratch;
    }
    f->scratch = (f->scratch + 15) / 16 * 16;
}

static int make_index(struct feed *f)
{
    int32_t *host = pool_alloc(f->pool, (size_t)(2 * f->rows) * sizeof *host);
    size_t bytes = (size_t)(2 * f->rows) * sizeof *host;
    void *p = NULL;

    if (!host)
        return RN_ENOMEM;
    for (int64_t i = 0; i < 2 * f->rows; i++)
        host[i] = (int32_t)i;
    TRY(f->dev->ops->alloc(f->dev, bytes, &p));
    f->index_dev = p;
    TRY(f->dev->ops->upload(f->dev, p, host, bytes));
    return f->dev->ops->sync(f->dev);
}

static int make_room(struct feed *f)
{
    int64_t batches = 2 * f->rows * f->elements;
    int64_t room = f->slices * (2 * SLICE * f->elements + f->scratch);
    void *p = NULL;

    TRY(f->dev->ops->alloc(f->dev, (size_t)batches * sizeof(float), &p));
    f->staging = p;
    f->room = pool_alloc(f->pool, (size_t)room * sizeof *f->room);
    if (!f->room)
        return RN_ENOMEM;
    if (f->d->host_visible)
        return make_index(f);
    f->host = pool_alloc(f->pool, (size_t)batches * sizeof *f->host);
    if (!f->host)
        return RN_ENOMEM;
    TRY(make_index(f));
    return start_thread(f);
}

int feed_open(const struct experiment *e, const struct data *d, int64_t rows, struct feed **out)
{
    struct pool *p = pool_new();
    struct feed *f = p ? pool_alloc(p, sizeof *f) : NULL;

    *out = f;
    if (!f) {
        pool_free(p);
        return RN_ENOMEM;
    }
    *f = (struct feed){.pool = p, .e = e, .d = d, .dev = d->dev, .rows = rows};
    measure(f);
    return make_room(f);
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
    f->dev->ops->free(f->dev, f->staging);
    f->dev->ops->free(f->dev, f->index_dev);
    pool_free(f->pool);
}
