/* device.c - an NVIDIA GPU as a device: opening, memory, recordings as CUDA graphs, data that come
 * while it works, and faults. With RN_SYNC=1 in the environment each operation is waited for, so
 * that an error names the one that made it. */
#include "enqueue.h"

#include <runner/option.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB           (1 << 20)
#define SCRATCH_LEAST (64 << 10)
#define BLAS_BYTES    (32 * MIB) /* what cuBLAS wants on the largest cards; less costs speed */

struct options {
    int64_t index, conv_memory;
    bool tf32;
};
static const struct rn_option options[] = {
    RN_INT(struct options, index, "0", 0, 255, NULL, "which of the cards, as nvidia-smi counts"),
    RN_BOOL(struct options, tf32, "false",
            "products with 10 bits of mantissa, several times as fast and about 1e-3 off"),
    RN_SIZE(
        struct options, conv_memory, "256M", 1e6, 64e9,
        "for the matrix that a convolution multiplies; with less it takes fewer images at once"),
    RN_END,
};

/* ---- faults ------------------------------------------------------------------------------ */

/* The first error is the one to tell of: what follows fails because of it. */
int note_fault(struct cuda *c, int status, uint32_t tag, bool exact)
{
    if (!c->faulted) {
        c->faulted = true;
        c->fault_tag = tag;
        c->fault_exact = exact;
    }
    return status;
}

/* Behind a wait: work enqueued earlier may have failed. */
static int waited(struct cuda *c, int status)
{
    return status < 0 ? note_fault(c, status, *c->mark, false) : RN_OK;
}

static int wait_for_all(struct cuda *c)
{
    assert(!c->replaying && !c->capturing);
    return waited(c, CU(api.cuStreamSynchronize(c->stream)));
}

static int cuda_fault(struct rn_device *d, uint32_t *tag, int *exact)
{
    const struct cuda *c = cuda_of(d);

    if (!c->faulted)
        return RN_EINVAL;
    *tag = c->fault_tag;
    *exact = c->fault_exact;
    return RN_OK;
}

/* ---- memory -------------------------------------------------------------------------------- */

/* What no operation has written holds anything. */
static int memory_new(const struct cuda *c, size_t bytes, struct memory **list, CUdeviceptr *out)
{
    struct memory *m = rn_host->alloc(sizeof *m);

    (void)c;
    assert(!c->replaying && !c->capturing);
    if (!m)
        return RN_ENOMEM;
    int status = CU(api.cuMemAlloc_v2(&m->at, bytes ? bytes : 1));
    if (status < 0) {
        rn_host->free(m);
        return status == RN_ENOMEM
                   ? RN_FAIL(RN_ENOMEM, "the GPU has no %zu bytes more: use a smaller batch", bytes)
                   : status;
    }
    m->bytes = bytes;
    m->next = *list;
    *list = m;
    *out = m->at;
    return RN_OK;
}

/* Before a copy of the other stream comes. */
static int clear(struct cuda *c, CUdeviceptr at, size_t bytes)
{
    if (!bytes)
        return RN_OK;
    RN_TRY(CU(api.cuMemsetD8Async(at, 0, bytes, c->stream)));
    return CU(api.cuStreamSynchronize(c->stream));
}

static void memory_free(struct memory **list, CUdeviceptr at)
{
    for (struct memory **m = list; *m; m = &(*m)->next)
        if ((*m)->at == at) {
            struct memory *gone = *m;
            *m = gone->next;
            api.cuMemFree_v2(gone->at);
            rn_host->free(gone);
            return;
        }
}

int scratch_take(struct cuda *c, size_t bytes, rn_real **out)
{
    CUdeviceptr at = 0;

    for (const struct memory *m = c->scratch; m && !at; m = m->next)
        if (m->bytes >= bytes)
            at = m->at;
    if (!at)
        RN_TRY(memory_new(c, bytes > SCRATCH_LEAST ? bytes : SCRATCH_LEAST, &c->scratch, &at));
    *out = (rn_real *)at;
    return RN_OK;
}

static int cuda_alloc(struct rn_device *d, size_t bytes, void **out)
{
    struct cuda *c = cuda_of(d);
    CUdeviceptr at = 0;

    *out = NULL;
    RN_TRY(memory_new(c, bytes, &c->memory, &at));
    int status = clear(c, at, bytes);
    if (status < 0)
        memory_free(&c->memory, at);
    else
        *out = (void *)at;
    return status;
}

static void cuda_free(struct rn_device *d, void *p)
{
    memory_free(&cuda_of(d)->memory, (CUdeviceptr)p);
}

static int cuda_sync(struct rn_device *d) { return wait_for_all(cuda_of(d)); }

static int cuda_download(struct rn_device *d, void *dst, const void *src, size_t bytes)
{
    struct cuda *c = cuda_of(d);

    if (bytes)
        RN_TRY(waited(c, CU(api.cuMemcpyDtoHAsync_v2(dst, (CUdeviceptr)src, bytes, c->stream))));
    return wait_for_all(c);
}

/* ---- data that come while it works ----------------------------------------------------------- */

static int cuda_host_alloc(struct rn_device *d, size_t bytes, void **out)
{
    (void)d;
    *out = NULL;
    RN_TRY(CU(api.cuMemHostAlloc(out, bytes ? bytes : 1, CU_MEMHOSTALLOC_PORTABLE)));
    memset(*out, 0, bytes);
    return RN_OK;
}

static void cuda_host_free(struct rn_device *d, void *p)
{
    (void)d;
    if (p)
        api.cuMemFreeHost(p);
}

/* All that reads the other half is enqueued by now. This half's readers were then, a call ago: the
 * copy waits for those alone, beside the work on the other half. */
static int cuda_stage(struct rn_device *d, uint32_t half, void *dst, const void *src, size_t bytes)
{
    struct cuda *c = cuda_of(d);

    RN_TRY(CU(api.cuEventRecord(c->used[!half], c->stream)));
    RN_TRY(CU(api.cuStreamWaitEvent(c->copy_stream, c->used[half], 0)));
    RN_TRY(CU(api.cuMemcpyHtoDAsync_v2((CUdeviceptr)dst, src, bytes, c->copy_stream)));
    RN_TRY(CU(api.cuEventRecord(c->copied[half], c->copy_stream)));
    return CU(api.cuStreamWaitEvent(c->stream, c->copied[half], 0));
}

static int cuda_staged(struct rn_device *d, uint32_t half)
{
    struct cuda *c = cuda_of(d);

    RN_TRY(CU(api.cuCtxSetCurrent(c->context))); /* of the calling thread */
    return CU(api.cuEventSynchronize(c->copied[half]));
}

/* ---- recordings ------------------------------------------------------------------------------ */

static void cuda_discard(struct rn_device *d, struct rn_recording *r)
{
    (void)d;
    if (!r)
        return;
    if (r->graph)
        api.cuGraphExecDestroy(r->graph);
    rn_host->free(r->list.op);
    rn_host->free(r);
}

static int cuda_capture_begin(struct rn_device *d)
{
    struct cuda *c = cuda_of(d);

    cuda_discard(d, c->recording); /* one was left unfinished by an error */
    c->recording = rn_host->alloc(sizeof *c->recording);
    return c->recording ? RN_OK : RN_ENOMEM;
}

static int walk(struct cuda *c, const struct rn_recording *r)
{
    for (int i = 0; i < r->list.n; i += r->list.op[i].group)
        RN_TRY(op_run(c, &r->list.op[i], c->block));
    return RN_OK;
}

static int make_graph(struct cuda *c, struct rn_recording *r)
{
    CUgraph graph = NULL;

    RN_TRY(CU(api.cuStreamBeginCapture_v2(c->stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)));
    c->capturing = true;
    int status = walk(c, r);
    c->capturing = false;
    int ended = CU(api.cuStreamEndCapture(c->stream, &graph));
    status = status < 0 ? status : ended;
    if (status >= 0)
        status = CU(api.cuGraphInstantiateWithFlags(&r->graph, graph, 0));
    if (graph)
        api.cuGraphDestroy(graph);
    return status;
}

static int cuda_capture_end(struct rn_device *d, struct rn_recording **out)
{
    struct cuda *c = cuda_of(d);
    struct rn_recording *r = c->recording;

    *out = NULL;
    c->recording = NULL;
    int status = chains_plan(c, r->list.op, r->list.n);
    status = status < 0 ? status : chains_compile(c);
    if (status >= 0 && r->list.n && !c->one_by_one)
        status = make_graph(c, r);
    if (status < 0) {
        cuda_discard(d, r);
        return status;
    }
    *out = r;
    return RN_OK;
}

static int set_block(struct cuda *c, const struct rn_block *block)
{
    void *args[] = {&c->block, (void *)(uintptr_t)block};

    return launch(c, c->kernel[K_SET_BLOCK], 1, 1, args);
}

static int cuda_replay(struct rn_device *d, struct rn_recording *r, const struct rn_block *block)
{
    struct cuda *c = cuda_of(d);

    c->replaying = !c->one_by_one;
    int status = set_block(c, block);
    if (status >= 0 && r->graph)
        status = CU(api.cuGraphLaunch(r->graph, c->stream));
    else if (status >= 0)
        status = walk(c, r);
    c->replaying = false;
    return waited(c, status);
}

/* ---- profiles -------------------------------------------------------------------------------- */

static void cuda_tag(struct rn_device *d, uint32_t tag) { cuda_of(d)->tag = tag; }

static int cuda_op_info(struct rn_device *d, const struct rn_recording *r, uint32_t i,
                        struct rn_op_info *out)
{
    (void)d;
    if (i >= (uint32_t)r->list.n)
        return RN_EINVAL;
    const struct op *op = &r->list.op[i];
    rn_operation_info(&op->does, out);
    if (op->col) /* the matrix of windows is written and read, beside the images themselves */
        out->bytes += 2 * (double)sizeof(rn_real) * (double)op->does.conv.rows *
                      (double)conv_matrix_values(&op->does.conv);
    return RN_OK;
}

static int timers_make(struct cuda *c, int n)
{
    if (n <= c->timers)
        return RN_OK;
    CUevent *all = rn_host->alloc((size_t)n * sizeof *all);
    if (!all)
        return RN_ENOMEM;
    if (c->timers)
        memcpy(all, c->timer, (size_t)c->timers * sizeof *all);
    rn_host->free(c->timer);
    c->timer = all;
    for (; c->timers < n; c->timers++)
        RN_TRY(CU(api.cuEventCreate(&all[c->timers], CU_EVENT_DEFAULT)));
    return RN_OK;
}

/* A graph can't be looked into: its operations are launched one behind the other. */
static int walk_timed(struct cuda *c, const struct rn_recording *r)
{
    RN_TRY(CU(api.cuEventRecord(c->timer[0], c->stream)));
    for (int i = 0; i < r->list.n; i += r->list.op[i].group) {
        RN_TRY(op_run(c, &r->list.op[i], c->block));
        RN_TRY(CU(api.cuEventRecord(c->timer[i + r->list.op[i].group], c->stream)));
    }
    return wait_for_all(c);
}

/* Operations that one kernel did have equal parts of its time. */
static int group_times(struct cuda *c, int first, int n, double *now_ns, struct rn_timing *out)
{
    float ms = 0;

    RN_TRY(CU(api.cuEventElapsedTime(&ms, c->timer[0], c->timer[first + n])));
    const double begin = *now_ns, each = ((double)ms * 1e6 - begin) / n;
    for (int i = 0; i < n; i++)
        out[first + i] = (struct rn_timing){.op = (uint32_t)(first + i),
                                            .begin_ns = (uint64_t)(begin + i * each),
                                            .end_ns = (uint64_t)(begin + (i + 1) * each)};
    *now_ns = (double)ms * 1e6;
    return RN_OK;
}

static int cuda_replay_timed(struct rn_device *d, struct rn_recording *r,
                             const struct rn_block *block, struct rn_timing *out, uint32_t room,
                             uint32_t *n)
{
    struct cuda *c = cuda_of(d);
    double now_ns = 0;

    *n = (uint32_t)r->list.n;
    RN_TRY(timers_make(c, r->list.n + 1));
    RN_TRY(set_block(c, block));
    RN_TRY(walk_timed(c, r));
    for (int i = 0; i < r->list.n && *n <= room; i += r->list.op[i].group)
        RN_TRY(group_times(c, i, r->list.op[i].group, &now_ns, out));
    return RN_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static int find_card(struct cuda *c, int64_t index)
{
    int n = 0, major = 0, minor = 0;

    RN_TRY(CU(api.cuInit(0)));
    RN_TRY(CU(api.cuDeviceGetCount(&n)));
    if (index >= n)
        return RN_FAIL(RN_EDEVICE, "there is no card %lld: this machine has %d; set device.index",
                       (long long)index, n);
    RN_TRY(CU(api.cuDeviceGet(&c->device, (int)index)));
    RN_TRY(CU(
        api.cuDeviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, c->device)));
    RN_TRY(CU(
        api.cuDeviceGetAttribute(&minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, c->device)));
    c->capability = 10 * major + minor;
    RN_TRY(CU(api.cuDevicePrimaryCtxRetain(&c->context, c->device)));
    c->context_held = true;
    return CU(api.cuCtxSetCurrent(c->context));
}

static int open_streams(struct cuda *c)
{
    void *mark = NULL;

    RN_TRY(CU(api.cuStreamCreate(&c->stream, CU_STREAM_NON_BLOCKING)));
    RN_TRY(CU(api.cuStreamCreate(&c->copy_stream, CU_STREAM_NON_BLOCKING)));
    for (int i = 0; i < 2; i++) {
        RN_TRY(CU(api.cuEventCreate(&c->used[i], CU_EVENT_DISABLE_TIMING)));
        RN_TRY(CU(api.cuEventCreate(&c->copied[i], CU_EVENT_DISABLE_TIMING)));
    }
    RN_TRY(CU(api.cuMemHostAlloc(&mark, sizeof *c->mark, CU_MEMHOSTALLOC_DEVICEMAP)));
    c->mark = mark;
    *c->mark = 0;
    RN_TRY(memory_new(c, sizeof(struct rn_block), &c->memory, &c->block));
    RN_TRY(memory_new(c, sizeof(struct rn_block), &c->memory, &c->zero_block));
    return clear(c, c->zero_block, sizeof(struct rn_block));
}

static int open_blas(struct cuda *c)
{
    RN_TRY(memory_new(c, BLAS_BYTES, &c->memory, &c->blas_room));
    RN_TRY(BLAS(api.cublasCreate_v2(&c->blas)));
    RN_TRY(BLAS(api.cublasSetStream_v2(c->blas, c->stream))); /* resets the workspace */
    RN_TRY(BLAS(api.cublasSetWorkspace_v2(c->blas, (void *)c->blas_room, BLAS_BYTES)));
    return BLAS(api.cublasSetMathMode(c->blas,
                                      c->tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_PEDANTIC_MATH));
}

static void cuda_close(struct rn_device *d)
{
    struct cuda *c = cuda_of(d);

    if (c->context_held) {
        api.cuCtxSetCurrent(c->context);
        if (c->stream)
            api.cuStreamSynchronize(c->stream);
        if (c->blas)
            api.cublasDestroy_v2(c->blas);
        cuda_discard(d, c->recording);
        modules_free(c);
        for (int i = 0; i < c->timers; i++)
            api.cuEventDestroy_v2(c->timer[i]);
        for (int i = 0; i < 2; i++) {
            if (c->used[i])
                api.cuEventDestroy_v2(c->used[i]);
            if (c->copied[i])
                api.cuEventDestroy_v2(c->copied[i]);
        }
        while (c->memory)
            memory_free(&c->memory, c->memory->at);
        while (c->scratch)
            memory_free(&c->scratch, c->scratch->at);
        if (c->mark)
            api.cuMemFreeHost(c->mark);
        if (c->copy_stream)
            api.cuStreamDestroy_v2(c->copy_stream);
        if (c->stream)
            api.cuStreamDestroy_v2(c->stream);
        api.cuDevicePrimaryCtxRelease_v2(c->device);
    }
    rn_host->free(c->timer);
    rn_host->free(c);
}

static int cuda_open(const void *opts, struct rn_device **out)
{
    const struct options *o = opts;
    const char *sync = getenv("RN_SYNC");

    RN_TRY(api_open());
    struct cuda *c = rn_host->alloc(sizeof *c);
    if (!c)
        return RN_ENOMEM;
    c->one_by_one = sync && sync[0] == '1';
    c->conv_bytes = o->conv_memory;
    c->tf32 = o->tf32;
    int status = find_card(c, o->index);
    status = status < 0 ? status : open_streams(c);
    status = status < 0 ? status : open_blas(c);
    status = status < 0 ? status : kernels_load(c);
    if (status < 0) {
        cuda_close(&c->base);
        return status;
    }
    *out = &c->base;
    return RN_OK;
}

static int cuda_info(struct rn_device *d, struct rn_device_info *out)
{
    struct cuda *c = cuda_of(d);
    int driver = 0, major = 0, minor = 0, blas = 0;
    size_t left = 0, all = 0;

    RN_TRY(CU(api.cuDeviceGetName(out->name, sizeof out->name, c->device)));
    RN_TRY(CU(api.cuDriverGetVersion(&driver)));
    RN_TRY(BLAS(api.cublasGetVersion_v2(c->blas, &blas)));
    RN_TRY(CU(api.cuMemGetInfo_v2(&left, &all)));
    api.nvrtcVersion(&major, &minor);
    snprintf(out->detail, sizeof out->detail,
             "compute capability %d.%d, driver for CUDA %d.%d, NVRTC %d.%d, cuBLAS %d.%d.%d%s",
             c->capability / 10, c->capability % 10, driver / 1000, driver % 1000 / 10, major,
             minor, blas / 10000, blas % 10000 / 100, blas % 100, c->tf32 ? ", TF32" : "");
    out->memory_bytes = all;
    out->free_bytes = left;
    out->reserve_bytes = (uint64_t)c->conv_bytes + 64 * MIB; /* col, kernels, graphs */
    return RN_OK;
}

static const struct rn_device_ops ops = {
    .size = sizeof(struct rn_device_ops),
    .open = cuda_open,
    .close = cuda_close,
    .info = cuda_info,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .sync = cuda_sync,
    .upload = cuda_upload,
    .download = cuda_download,
    .fill = cuda_fill,
    .gemm = cuda_gemm,
    .map = cuda_map,
    .reduce = cuda_reduce,
    .gather = cuda_gather,
    .argmax = cuda_argmax,
    .task = cuda_task,
    .capture_begin = cuda_capture_begin,
    .capture_end = cuda_capture_end,
    .replay = cuda_replay,
    .discard = cuda_discard,
    .conv = cuda_conv,
    .pool = cuda_pool,
    .tag = cuda_tag,
    .op_info = cuda_op_info,
    .replay_timed = cuda_replay_timed,
    .host_alloc = cuda_host_alloc,
    .host_free = cuda_host_free,
    .stage = cuda_stage,
    .staged = cuda_staged,
    .fault = cuda_fault,
};

static const struct rn_plugin cuda = {
    RN_PLUGIN_HEAD(RN_KIND_DEVICE, struct options),
    .priority = 10,
    .name = "cuda",
    .version = "1.0.0",
    .license = "MIT",
    .summary = "an NVIDIA GPU, by cuBLAS and kernels compiled for the card at hand",
    .doc =
        "Matrix products by cuBLAS in float32 (TF32 only with tf32: true); convolutions as "
        "products;\n"
        "everything else by kernels that NVRTC compiles for the card when they are first needed "
        "and\n"
        "keeps in ~/.cache/runner/cuda. A step is one CUDA graph; one stream and sums in a fixed\n"
        "order give the same bits each time on the same card and libraries. RN_SYNC=1 in the\n"
        "environment waits for each operation, so that an error names the one that made it.",
    .options = options,
    .ops = &ops,
};
RN_PLUGINS(&cuda);
