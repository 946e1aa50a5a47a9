/* device.c - the CPU as a device: memory, recording and replay. Outside a recording an operation
 * is done at once; RN_LATE=1 in the environment delays it to the next sync(), download() or
 * replay(), so that code which reads a result too early is found without a GPU. With RN_TEAM=1 all
 * threads take part in everything, however small, and with RN_MEMORY=64M there is only so much
 * memory: for tests. */
#include "cpu.h"

#include <runner/option.h>

#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ALIGN       256
#define MAX_THREADS 256

struct options {
    int64_t threads;
};
static const struct rn_option options[] = {
    RN_INT(struct options, threads, "0", 0, MAX_THREADS, "threads",
           "that work on one operation; 0: as many as the process may use"),
    RN_END,
};

/* Room for the sums of pieces: reductions of one size share it, hazards keep them apart. */
struct parts {
    struct parts *next;
    int64_t n;
    double *at;
};

struct cpu {
    struct rn_device base;
    int threads;
    struct team *team;
    bool late, always; /* RN_LATE, RN_TEAM */
    struct allocations memory;
    uint64_t limit, used;           /* RN_MEMORY; 0: as much as there is */
    struct rn_recording *recording; /* being captured, or NULL */
    struct op_list pending;         /* delayed by RN_LATE */
    struct convolutions convolutions;
    struct parts *parts; /* all that were needed */
    uint32_t tag;
    struct count *timed; /* of each thread; NULL until something is timed */
};

struct rn_recording {
    struct op_list list;
    struct hazards hazards;
};

static const struct rn_block empty_block;

static struct cpu *cpu_of(struct rn_device *d) { return (struct cpu *)d; }

static int status_of(int status)
{
    return status ? RN_FAIL(status, "oneDNN reported an error of a product or a convolution")
                  : RN_OK;
}

static int list_add(struct op_list *l, const struct op *op)
{
    void *at = l->op;

    RN_TRY(rn_grow(&at, l->n, &l->cap, sizeof *op));
    l->op = at;
    l->op[l->n++] = *op;
    return RN_OK;
}

static int run_now(struct cpu *c, struct op *op)
{
    struct op_list one = {.op = op, .n = 1, .cap = 1};

    plan_list(&one, c->threads, c->always);
    return status_of(team_run(c->team, &one, &empty_block));
}

static int flush(struct cpu *c)
{
    int status = RN_OK;

    for (int i = 0; i < c->pending.n && !status; i++)
        status = run_now(c, &c->pending.op[i]);
    c->pending.n = 0;
    return status;
}

static int enqueue(struct rn_device *d, struct op op)
{
    struct cpu *c = cpu_of(d);

    const struct op_list none = {0};

    op.does.tag = c->tag;
    op.share = share_op(c->recording ? &c->recording->list : &none, &op);
    if (c->recording) {
        RN_TRY(hazards_note(&c->recording->hazards, &op, &c->memory));
        return list_add(&c->recording->list, &op);
    }
    return c->late ? list_add(&c->pending, &op) : run_now(c, &op);
}

/* ---- memory ---------------------------------------------------------------- */

static uint64_t rounded(uint64_t bytes) { return (bytes + ALIGN - 1) / ALIGN * ALIGN; }

static int cpu_alloc(struct rn_device *d, size_t bytes, void **out)
{
    struct allocations *m = &cpu_of(d)->memory;

    *out = NULL;
    void *at = m->at;
    RN_TRY(rn_grow(&at, m->n, &m->cap, sizeof *m->at));
    m->at = at;
    uint64_t used = cpu_of(d)->used + rounded(bytes);
    bool none = bytes > SIZE_MAX / 2 || (cpu_of(d)->limit && used > cpu_of(d)->limit);
    void *raw = none ? NULL : rn_host->alloc(bytes + ALIGN);
    if (!raw)
        return RN_FAIL(RN_ENOMEM, "out of memory: the device needs %zu bytes more", bytes);
    char *base = (char *)(((uintptr_t)raw + ALIGN - 1) / ALIGN * ALIGN);
    m->at[m->n].raw = raw;
    m->at[m->n].base = base;
    m->at[m->n++].bytes = bytes;
    cpu_of(d)->used = used;
    *out = base;
    return RN_OK;
}

static void cpu_free(struct rn_device *d, void *p)
{
    struct allocations *m = &cpu_of(d)->memory;

    for (int i = 0; i < m->n; i++) {
        if (m->at[i].base != p)
            continue;
        rn_host->free(m->at[i].raw);
        cpu_of(d)->used -= rounded(m->at[i].bytes);
        m->at[i] = m->at[--m->n];
        return;
    }
}

static int cpu_sync(struct rn_device *d) { return flush(cpu_of(d)); }

static int cpu_upload(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_COPY, .copy = {dst, src, bytes}}});
}

static int cpu_download(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    RN_TRY(flush(cpu_of(d)));
    memcpy(dst, src, bytes);
    return RN_OK;
}

/* ---- operations ------------------------------------------------------------ */

static int cpu_fill(struct rn_device *d, rn_real *dst, rn_real v, int64_t n)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_FILL, .fill = {dst, v, n}}});
}

static int cpu_gemm(struct rn_device *d, const struct rn_gemm *g)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_GEMM, .gemm = *g}});
}

static int cpu_map(struct rn_device *d, const struct rn_map *map, const struct rn_map_call *call)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_MAP, .map = {map, *call}}});
}

static int room_for_parts(struct cpu *c, int64_t n, double **out)
{
    struct parts *p = c->parts;

    while (p && p->n != n)
        p = p->next;
    if (!p) {
        p = rn_host->alloc(sizeof *p + (size_t)n * sizeof *p->at);
        if (!p)
            return RN_ENOMEM;
        *p = (struct parts){c->parts, n, (double *)(p + 1)};
        c->parts = p;
    }
    *out = p->at;
    return RN_OK;
}

static int cpu_reduce(struct rn_device *d, const struct rn_reduce *r)
{
    struct op op = {.does = {.kind = RN_OP_REDUCE, .reduce = *r}};
    int64_t parts = reduce_parts(r);

    if (!parts)
        return enqueue(d, op);
    RN_TRY(room_for_parts(cpu_of(d), parts * (r->over == RN_ONE ? 1 : r->cols), &op.parts));
    op.step = REDUCE_PARTS;
    RN_TRY(enqueue(d, op));
    op.step = REDUCE_ADD_UP;
    return enqueue(d, op);
}

static int cpu_gather(struct rn_device *d, const struct rn_gather *g)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_GATHER, .gather = *g}});
}

static int cpu_argmax(struct rn_device *d, int64_t rows, int64_t cols, const rn_real *in,
                      rn_real *out)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_ARGMAX, .argmax = {in, out, rows, cols}}});
}

static int cpu_task(struct rn_device *d, void (*fn)(void *, int64_t), void *ctx, int64_t slices)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_TASK, .task = {fn, ctx, slices}}});
}

static int cpu_conv(struct rn_device *d, const struct rn_conv *c)
{
    bool partial = c->pass == RN_CONV_GRAD_WEIGHT;
    struct op op = {.does = {.kind = RN_OP_CONV, .conv = *c}};
    struct convolution *v;

    RN_TRY(conv_find(&cpu_of(d)->convolutions, c, &v));
    op.v = v;
    op.step = partial ? CONV_PIECES : CONV_ARRANGE;
    RN_TRY(enqueue(d, op));
    op.step = partial ? CONV_ADD_UP : CONV_PIECES;
    return enqueue(d, op);
}

static int cpu_pool(struct rn_device *d, const struct rn_pool *p)
{
    return enqueue(d, (struct op){.does = {.kind = RN_OP_POOL, .pool = *p}});
}

/* ---- recordings ------------------------------------------------------------ */

static void cpu_discard(struct rn_device *d, struct rn_recording *r)
{
    (void)d;
    if (!r)
        return;
    hazards_free(&r->hazards);
    rn_host->free(r->list.op);
    rn_host->free(r);
}

static int cpu_capture_begin(struct rn_device *d)
{
    struct cpu *c = cpu_of(d);

    if (c->recording) /* one was left unfinished by an error */
        cpu_discard(d, c->recording);
    RN_TRY(flush(c));
    c->recording = rn_host->alloc(sizeof *c->recording);
    return c->recording ? RN_OK : RN_ENOMEM;
}

static int cpu_capture_end(struct rn_device *d, struct rn_recording **out)
{
    struct cpu *c = cpu_of(d);

    *out = c->recording;
    c->recording = NULL;
    hazards_free(&(*out)->hazards);
    plan_list(&(*out)->list, c->threads, c->always);
    return RN_OK;
}

static int cpu_replay(struct rn_device *d, struct rn_recording *r, const struct rn_block *block)
{
    struct cpu *c = cpu_of(d);

    RN_TRY(flush(c));
    return status_of(team_run(c->team, &r->list, block));
}

/* ---- profiles -------------------------------------------------------------- */

static void cpu_tag(struct rn_device *d, uint32_t tag) { cpu_of(d)->tag = tag; }

static int cpu_op_info(struct rn_device *d, const struct rn_recording *r, uint32_t i,
                       struct rn_op_info *out)
{
    (void)d;
    if (i >= (uint32_t)r->list.n)
        return RN_EINVAL;
    op_describe(&r->list.op[i], out);
    return RN_OK;
}

static int cpu_replay_timed(struct rn_device *d, struct rn_recording *r,
                            const struct rn_block *block, struct rn_timing *out, uint32_t room,
                            uint32_t *n)
{
    struct cpu *c = cpu_of(d);
    uint32_t threads = (uint32_t)r->list.threads, most = 0;

    *n = 0;
    RN_TRY(flush(c));
    if (!c->timed && !(c->timed = rn_host->alloc((size_t)c->threads * sizeof *c->timed)))
        return RN_ENOMEM;
    const struct timings timings = {.at = out, .room = room / threads, .lane = c->timed};
    memset(c->timed, 0, threads * sizeof *c->timed);
    int status = status_of(team_run_timed(c->team, &r->list, block, &timings));
    for (uint32_t t = 0; t < threads; t++)
        most = c->timed[t].n > most ? c->timed[t].n : most;
    if (most > timings.room) {
        *n = most * threads;
        return status;
    }
    for (uint32_t t = 0; t < threads; t++) {
        memmove(out + *n, out + t * timings.room, c->timed[t].n * sizeof *out);
        *n += c->timed[t].n;
    }
    return status;
}

/* ---- the device ------------------------------------------------------------ */

static int cpu_open(const void *opts, struct rn_device **out)
{
    const struct options *o = opts;
    const char *late = getenv("RN_LATE"), *always = getenv("RN_TEAM");
    struct cpu *c = rn_host->alloc(sizeof *c);

    if (!c)
        return RN_ENOMEM;
    c->threads = o->threads ? (int)o->threads : team_default_threads();
    c->threads = c->threads > MAX_THREADS ? MAX_THREADS : c->threads;
    c->late = late && late[0] == '1';
    c->always = always && always[0] == '1';
    c->limit = memory_asked();
    c->convolutions.threads = c->threads;
    c->convolutions.taps = getenv("RN_TAPS");
    int status = team_open(c->threads, &c->team);
    if (status) {
        rn_host->free(c);
        return status;
    }
    *out = &c->base;
    return RN_OK;
}

static void cpu_close(struct rn_device *d)
{
    struct cpu *c = cpu_of(d);

    team_close(c->team);
    cpu_discard(d, c->recording);
    for (int i = 0; i < c->memory.n; i++)
        rn_host->free(c->memory.at[i].raw);
    rn_host->free(c->memory.at);
    for (struct parts *next, *p = c->parts; p; p = next) {
        next = p->next;
        rn_host->free(p);
    }
    conv_free(&c->convolutions);
    rn_host->free(c->pending.op);
    rn_host->free(c->timed);
    rn_host->free(c);
}

static void processor_name(char *out, size_t n)
{
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "re");

    snprintf(out, n, "CPU");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10))
            continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(out, n, "%s", colon + 2);
        break;
    }
    if (f)
        fclose(f);
}

static int cpu_info(struct rn_device *d, struct rn_device_info *out)
{
    const dnnl_version_t *v = dnnl_version();
    const char *isa = __builtin_cpu_supports("avx512f") ? "AVX-512"
                      : __builtin_cpu_supports("avx2")  ? "AVX2"
                                                        : "SSE2";

    processor_name(out->name, sizeof out->name);
    snprintf(out->detail, sizeof out->detail, "oneDNN %d.%d.%d, %s", v->major, v->minor, v->patch,
             isa);
    out->threads = (uint32_t)cpu_of(d)->threads;
    out->host_visible = 1;
    out->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    out->free_bytes = cpu_of(d)->limit ? cpu_of(d)->limit - cpu_of(d)->used : memory_free();
    return RN_OK;
}

static const struct rn_device_ops ops = {
    .size = sizeof(struct rn_device_ops),
    .open = cpu_open,
    .close = cpu_close,
    .info = cpu_info,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .sync = cpu_sync,
    .upload = cpu_upload,
    .download = cpu_download,
    .fill = cpu_fill,
    .gemm = cpu_gemm,
    .map = cpu_map,
    .reduce = cpu_reduce,
    .gather = cpu_gather,
    .argmax = cpu_argmax,
    .task = cpu_task,
    .capture_begin = cpu_capture_begin,
    .capture_end = cpu_capture_end,
    .replay = cpu_replay,
    .discard = cpu_discard,
    .conv = cpu_conv,
    .pool = cpu_pool,
    .tag = cpu_tag,
    .op_info = cpu_op_info,
    .replay_timed = cpu_replay_timed,
};

static const struct rn_plugin cpu = {
    RN_PLUGIN_HEAD(RN_KIND_DEVICE, struct options),
    .traits = RN_TRAIT_DEFAULT,
    .priority = 1,
    .name = "cpu",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "this machine's processor, by oneDNN",
    .doc =
        "Matrix products and convolutions by oneDNN; everything else in loops that the compiler\n"
        "vectorises for the processor at hand. How work is cut does not depend on the number of\n"
        "threads, and so neither do results. Denormal numbers are flushed to zero.",
    .options = options,
    .ops = &ops,
};
RN_PLUGINS(&cpu);
