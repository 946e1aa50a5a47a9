/* far.c - a device for tests: the CPU, as if it were far away. The host does not see its memory,
 * and what is enqueued is done as late as the interface allows, or copies beside the work as early
 * as it allows. It fails on demand. Built three times: far, far_plain without
 * copies beside the work, and absent, which `auto` likes best and no machine has. */
#include <runner/device.h>
#include <runner/option.h>

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LATE, EARLY };
enum { EXACT, NEAR, NOTHING };

struct options {
    int64_t order, fail, call, knows;
    const char *once;
};

static const struct rn_choice orders[] = {
    {"late", LATE, "when they are waited for"},
    {"early", EARLY, "before the work that does not need them"},
    {NULL, 0, NULL}};

static const struct rn_choice knowledge[] = {{"exact", EXACT, "which part it was"},
                                             {"near", NEAR, "that it was not before that part"},
                                             {"nothing", NOTHING, "of the place"},
                                             {NULL, 0, NULL}};

static const struct rn_option rows[] = {
    RN_CHOICE(struct options, order, "late", orders, "when copies beside the work are done"),
    RN_INT(struct options, fail, "0", 0, 1e9, NULL, "the replay that fails, from 1; 0: none"),
    RN_INT(struct options, call, "0", 0, 1e9, NULL,
           "of its parts, the one at fault, from 0; the last where there are fewer"),
    RN_CHOICE(struct options, knows, "exact", knowledge, "what it can tell of a fault"),
    RN_STRING(struct options, once, NULL, 0, "a file, which opening takes away; none: it is gone"),
    RN_END};

struct item { /* of work: a replay, or a copy */
    struct rn_recording *recording;
    struct rn_block block;
    void *dst;
    const void *src;
    size_t bytes;
    int half; /* that it fills; -1: none */
};

#define TAGS 256
struct tags { /* of a recording, in their order */
    struct tags *next;
    const struct rn_recording *recording;
    uint32_t at[TAGS];
    int n;
};

struct far {
    struct rn_device base;
    struct options o;
    const struct rn_device_ops *ops; /* the CPU's */
    struct rn_device *cpu;
    pthread_mutex_t lock;
    struct item *queue;
    long n, cap, done; /* items done are gone from the front when all are */
    long mark[2];      /* what was enqueued when a half was filled last */
    bool capturing, broken;
    struct tags *tags, *current; /* current: of what is being recorded */
    long replays;
    const struct rn_recording *failed;
};

static struct far *far_of(struct rn_device *d) { return (struct far *)d; }

/* ---- work ----------------------------------------------------------------------------- */

static int fail(void)
{
    return RN_FAIL(RN_EDEVICE, "error 700 (an illegal memory access was encountered)");
}

/* Counts a replay; one that fails is the last. */
static int count(struct far *f, const struct rn_recording *r)
{
    if (++f->replays == f->o.fail) {
        f->broken = true;
        f->failed = r;
    }
    return f->broken ? fail() : RN_OK;
}

static int do_item(struct far *f, struct item *i)
{
    if (f->broken)
        return fail();
    if (i->dst) {
        memcpy(i->dst, i->src, i->bytes);
        return RN_OK;
    }
    RN_TRY(count(f, i->recording));
    return f->ops->replay(f->cpu, i->recording, &i->block);
}

/* The first so many of all items that were ever enqueued since the queue was empty. */
static int run_to(struct far *f, long end)
{
    while (f->done < end)
        RN_TRY(do_item(f, &f->queue[f->done++]));
    return f->broken ? fail() : RN_OK;
}

static int flush(struct far *f)
{
    int status = run_to(f, f->n);

    f->n = f->done = f->mark[0] = f->mark[1] = 0;
    return status;
}

static int add(struct far *f, const struct item *i)
{
    if (f->n == f->cap) {
        long cap = 2 * f->cap + 64;
        struct item *queue = realloc(f->queue, (size_t)cap * sizeof *queue);
        if (!queue)
            return RN_FAIL(RN_ENOMEM, "out of memory");
        f->queue = queue;
        f->cap = cap;
    }
    f->queue[f->n++] = *i;
    return RN_OK;
}

static int locked(struct far *f, int (*fn)(struct far *f))
{
    pthread_mutex_lock(&f->lock);
    int status = fn(f);
    pthread_mutex_unlock(&f->lock);
    return status;
}

/* ---- memory ----------------------------------------------------------------------------- */

static int far_info(struct rn_device *d, struct rn_device_info *out)
{
    int status = far_of(d)->ops->info(far_of(d)->cpu, out);

    out->host_visible = 0;
    snprintf(out->name, sizeof out->name, "far away");
    return status;
}

static int far_alloc(struct rn_device *d, size_t bytes, void **out)
{
    return far_of(d)->ops->alloc(far_of(d)->cpu, bytes, out);
}

static void far_free(struct rn_device *d, void *p)
{
    if (!p)
        return;
    locked(far_of(d), flush);
    far_of(d)->ops->free(far_of(d)->cpu, p);
}

static int far_sync(struct rn_device *d) { return locked(far_of(d), flush); }

static int far_upload(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    struct far *f = far_of(d);

    pthread_mutex_lock(&f->lock);
    int status = f->capturing ? f->ops->upload(f->cpu, dst, src, bytes)
                 : f->broken  ? fail()
                 : bytes
                     ? add(f, &(struct item){.dst = dst, .src = src, .bytes = bytes, .half = -1})
                     : RN_OK;
    pthread_mutex_unlock(&f->lock);
    return status;
}

static int far_download(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    RN_TRY(locked(far_of(d), flush));
    return far_of(d)->ops->download(far_of(d)->cpu, dst, src, bytes);
}

/* ---- copies beside the work --------------------------------------------------------------- */

#ifndef PLAIN
static int far_host_alloc(struct rn_device *d, size_t bytes, void **out)
{
    (void)d;
    *out = calloc(1, bytes);
    return *out ? RN_OK : RN_FAIL(RN_ENOMEM, "out of memory");
}

static void far_host_free(struct rn_device *d, void *p)
{
    (void)d;
    free(p);
}

/* What was enqueued before the other half was filled may read this one. */
static int stage_early(struct far *f, uint32_t half, void *dst, const void *src, size_t bytes)
{
    RN_TRY(run_to(f, f->mark[!half]));
    memcpy(dst, src, bytes);
    f->mark[half] = f->n;
    return RN_OK;
}

static int far_stage(struct rn_device *d, uint32_t half, void *dst, const void *src, size_t bytes)
{
    struct far *f = far_of(d);
    const struct item copy = {.dst = dst, .src = src, .bytes = bytes, .half = (int)half};

    pthread_mutex_lock(&f->lock);
    int status = f->broken             ? fail()
                 : f->o.order == EARLY ? stage_early(f, half, dst, src, bytes)
                                       : add(f, &copy);
    pthread_mutex_unlock(&f->lock);
    return status;
}

static int far_staged(struct rn_device *d, uint32_t half)
{
    struct far *f = far_of(d);
    long end = 0;

    pthread_mutex_lock(&f->lock);
    for (long i = f->done; i < f->n; i++)
        end = f->queue[i].half == (int)half ? i + 1 : end;
    int status = run_to(f, end);
    pthread_mutex_unlock(&f->lock);
    return status;
}
#endif

/* ---- operations ----------------------------------------------------------------------------- */

/* Recorded, or done behind all that is enqueued. */
#define FORWARD(call) \
    do { \
        struct far *f = far_of(d); \
        pthread_mutex_lock(&f->lock); \
        int status = f->capturing ? RN_OK : flush(f); \
        status = status < 0 ? status : f->ops->call; \
        pthread_mutex_unlock(&f->lock); \
        return status; \
    } while (0)

static int far_fill(struct rn_device *d, rn_real *dst, rn_real v, int64_t n)
{
    FORWARD(fill(f->cpu, dst, v, n));
}

static int far_gemm(struct rn_device *d, const struct rn_gemm *g) { FORWARD(gemm(f->cpu, g)); }

static int far_map(struct rn_device *d, const struct rn_map *m, const struct rn_map_call *c)
{
    FORWARD(map(f->cpu, m, c));
}

static int far_reduce(struct rn_device *d, const struct rn_reduce *r)
{
    FORWARD(reduce(f->cpu, r));
}

static int far_gather(struct rn_device *d, const struct rn_gather *g)
{
    FORWARD(gather(f->cpu, g));
}

static int far_argmax(struct rn_device *d, int64_t n, int64_t cols, const rn_real *in, rn_real *out)
{
    FORWARD(argmax(f->cpu, n, cols, in, out));
}

static int far_task(struct rn_device *d, void (*fn)(void *, int64_t), void *ctx, int64_t slices)
{
    FORWARD(task(f->cpu, fn, ctx, slices));
}

static int far_conv(struct rn_device *d, const struct rn_conv *c) { FORWARD(conv(f->cpu, c)); }

static int far_pool(struct rn_device *d, const struct rn_pool *p) { FORWARD(pool(f->cpu, p)); }

/* ---- recordings ----------------------------------------------------------------------------- */

static int far_capture_begin(struct rn_device *d)
{
    struct far *f = far_of(d);

    RN_TRY(locked(f, flush));
    f->current = calloc(1, sizeof *f->current);
    if (!f->current)
        return RN_FAIL(RN_ENOMEM, "out of memory");
    f->current->next = f->tags;
    f->tags = f->current;
    RN_TRY(f->ops->capture_begin(f->cpu));
    f->capturing = true;
    return RN_OK;
}

static int far_capture_end(struct rn_device *d, struct rn_recording **out)
{
    struct far *f = far_of(d);
    int status = f->ops->capture_end(f->cpu, out);

    f->capturing = false;
    f->current->recording = status < 0 ? NULL : *out;
    f->current = NULL;
    return status;
}

static int far_replay(struct rn_device *d, struct rn_recording *r, const struct rn_block *block)
{
    struct far *f = far_of(d);

    pthread_mutex_lock(&f->lock);
    int status = add(f, &(struct item){.recording = r, .block = *block, .half = -1});
    pthread_mutex_unlock(&f->lock);
    return status;
}

static void far_discard(struct rn_device *d, struct rn_recording *r)
{
    struct far *f = far_of(d);

    if (!r)
        return;
    locked(f, flush);
    for (struct tags *t = f->tags; t; t = t->next)
        t->recording = t->recording == r && r != f->failed ? NULL : t->recording;
    f->ops->discard(f->cpu, r);
}

static void far_tag(struct rn_device *d, uint32_t tag)
{
    struct far *f = far_of(d);
    struct tags *t = f->current;

    f->ops->tag(f->cpu, tag);
    if (t && t->n < TAGS && (!t->n || t->at[t->n - 1] != tag))
        t->at[t->n++] = tag;
}

static int far_op_info(struct rn_device *d, const struct rn_recording *r, uint32_t i,
                       struct rn_op_info *out)
{
    return far_of(d)->ops->op_info(far_of(d)->cpu, r, i, out);
}

static int far_replay_timed(struct rn_device *d, struct rn_recording *r,
                            const struct rn_block *block, struct rn_timing *out, uint32_t room,
                            uint32_t *n)
{
    struct far *f = far_of(d);

    *n = 0;
    pthread_mutex_lock(&f->lock);
    int status = flush(f);
    status = status < 0 ? status : count(f, r);
    status = status < 0 ? status : f->ops->replay_timed(f->cpu, r, block, out, room, n);
    pthread_mutex_unlock(&f->lock);
    return status;
}

static int far_fault(struct rn_device *d, uint32_t *tag, int *exact)
{
    struct far *f = far_of(d);

    for (const struct tags *t = f->tags; f->broken && f->o.knows != NOTHING && t; t = t->next)
        if (t->recording == f->failed && t->n) {
            *tag = t->at[f->o.call < t->n ? f->o.call : t->n - 1];
            *exact = f->o.knows == EXACT;
            return RN_OK;
        }
    return RN_EINVAL;
}

/* ---- the device ----------------------------------------------------------------------------- */

static void far_close(struct rn_device *d)
{
    struct far *f = far_of(d);

    locked(f, flush);
    for (struct tags *next, *t = f->tags; t; t = next) {
        next = t->next;
        free(t);
    }
    f->ops->close(f->cpu);
    pthread_mutex_destroy(&f->lock);
    free(f->queue);
    free(f);
}

/* The CPU's plugin lies where the runner finds it, too. */
static const struct rn_device_ops *find_cpu(void)
{
    char path[PATH_MAX];
    void *lib = NULL;
    rn_plugin_query_fn *query;

    for (const char *dirs = getenv("RN_PLUGIN_PATH"); dirs && *dirs && !lib;) {
        int n = (int)strcspn(dirs, ":");
        snprintf(path, sizeof path, "%.*s/devices/cpu.so", n, dirs);
        lib = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        dirs += n + (dirs[n] == ':');
    }
    void *symbol = lib ? dlsym(lib, RN_QUERY_SYMBOL) : NULL;
    if (!symbol)
        return NULL;
    memcpy(&query, &symbol, sizeof query);
    return (*query(rn_host))->ops;
}

static int far_open(const void *opts, struct rn_device **out)
{
    const struct {
        int64_t threads;
    } one = {1};
#ifdef ABSENT
    return RN_FAIL(RN_EDEVICE, "libabsent.so.1: cannot open shared object file");
#endif
    const char *once = ((const struct options *)opts)->once;
    if (once && unlink(once) < 0)
        return RN_FAIL(RN_EDEVICE, "the card was taken out");
    const struct rn_device_ops *ops = find_cpu();
    struct far *f = ops ? calloc(1, sizeof *f) : NULL;

    if (!f)
        return RN_FAIL(RN_EDEVICE, "$RN_PLUGIN_PATH/devices/cpu.so can't be had");
    f->o = *(const struct options *)opts;
    f->ops = ops;
    pthread_mutex_init(&f->lock, NULL);
    int status = ops->open(&one, &f->cpu);
    if (status < 0) {
        free(f);
        return status;
    }
    f->cpu->ops = ops;
    *out = &f->base;
    return RN_OK;
}

static const struct rn_device_ops far_ops = {
    .size = sizeof(struct rn_device_ops),
    .open = far_open,
    .close = far_close,
    .info = far_info,
    .alloc = far_alloc,
    .free = far_free,
    .sync = far_sync,
    .upload = far_upload,
    .download = far_download,
    .fill = far_fill,
    .gemm = far_gemm,
    .map = far_map,
    .reduce = far_reduce,
    .gather = far_gather,
    .argmax = far_argmax,
    .task = far_task,
    .capture_begin = far_capture_begin,
    .capture_end = far_capture_end,
    .replay = far_replay,
    .discard = far_discard,
    .conv = far_conv,
    .pool = far_pool,
    .tag = far_tag,
    .op_info = far_op_info,
    .replay_timed = far_replay_timed,
    .fault = far_fault,
#ifndef PLAIN
    .host_alloc = far_host_alloc,
    .host_free = far_host_free,
    .stage = far_stage,
    .staged = far_staged,
#endif
};

static const struct rn_plugin plugin = {
    RN_PLUGIN_HEAD(RN_KIND_DEVICE, struct options),
#if defined(PLAIN)
    .name = "far_plain",
#elif defined(ABSENT)
    .name = "absent",
    .priority = 90,
#else
    .name = "far",
#endif
    .version = "1",
    .license = "MIT",
    .summary = "the CPU as if it were far away",
    .options = rows,
    .ops = &far_ops,
};

RN_PLUGINS(&plugin);
