/* scenes_streams.c - bugs of order: waits, events, graphs. */
#include "scene.h"

static bool too_early(int bug)
{
    CUdeviceptr x = give_numbers();
    float *v = give_pinned();

    MUST(cuMemcpyDtoHAsync_v2(v, x, N * sizeof(float), stream));
    if (!bug)
        MUST(cuStreamSynchronize(stream));
    return v[N - 1] == N - 1;
}

static bool too_early_by_event(int bug)
{
    CUdeviceptr x = give_numbers();
    float *v = give_pinned();
    CUevent e;

    MUST(cuEventCreate(&e, 0));
    if (bug)
        MUST(cuEventRecord(e, stream));
    MUST(cuMemcpyDtoHAsync_v2(v, x, N * sizeof(float), stream));
    if (!bug)
        MUST(cuEventRecord(e, stream));
    MUST(cuEventSynchronize(e));
    return v[N - 1] == N - 1;
}

static bool pinned_changed(int bug)
{
    CUdeviceptr x = give(N * sizeof(float));
    float *v = give_pinned();

    for (int i = 0; i < N; i++)
        v[i] = 1;
    MUST(cuMemcpyHtoDAsync_v2(x, v, N * sizeof(float), stream));
    if (!bug)
        MUST(cuStreamSynchronize(stream));
    v[7] = 2;
    return are(x, 1, 0);
}

/* other sets what stream has added to, and stream reads it. */
static bool two_streams(int bug)
{
    CUdeviceptr x = give_numbers();
    CUevent there, added;
    float one = 1;
    int no = 0;

    MUST(cuEventCreate(&there, 0));
    MUST(cuEventCreate(&added, 0));
    launch("add", &x, &one);
    MUST(cuEventRecord(there, stream));
    if (bug != 1)
        MUST(cuStreamWaitEvent(other, there, 0));
    launch_in(other, "from_shared", &x, &no);
    MUST(cuEventRecord(added, other));
    if (bug != 2)
        MUST(cuStreamWaitEvent(stream, added, 0));
    return are(x, 1, 0);
}

static bool missing_wait_of_the_reader(int bug) { return two_streams(2 * bug); }

/* An event that was never recorded orders nothing. */
static bool missing_record(int bug)
{
    CUdeviceptr x = give_numbers();
    float one = 1;
    CUevent there;

    MUST(cuEventCreate(&there, 0));
    launch_in(stream, "add", &x, &one);
    if (!bug)
        MUST(cuEventRecord(there, stream));
    MUST(cuStreamWaitEvent(other, there, 0));
    float v[N];
    MUST(cuMemcpyDtoHAsync_v2(v, x, sizeof v, other));
    MUST(cuStreamSynchronize(other));
    return v[1] == 2;
}

static void touch(void *x) { *(float *)x += 1; }

static bool task_touches_device(int bug)
{
    CUdeviceptr x = give_numbers();
    float v = 0;

    MUST(cuLaunchHostFunc(stream, touch, bug ? (void *)x : &v));
    MUST(cuStreamSynchronize(stream));
    return v == 1;
}

/* ---- graphs ---------------------------------------------------------------------------------- */

/* Adds 1 by a graph, as often as asked; what: done while it is captured. */
static bool capture(CUdeviceptr x, CUresult (*what)(void), int times)
{
    CUgraph graph = NULL;
    CUgraphExec exec = NULL;
    float one = 1;

    MUST(cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    launch("add", &x, &one);
    one = 5; /* of no interest any more */
    if (what && what() != CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)
        return true;
    if (cuStreamEndCapture(stream, &graph) != CUDA_SUCCESS)
        return graph != NULL;
    MUST(cuGraphInstantiateWithFlags(&exec, graph, 0));
    MUST(cuGraphDestroy(graph));
    for (int i = 0; i < times; i++)
        MUST(cuGraphLaunch(exec, stream));
    bool right = are(x, (float)times, 1);
    MUST(cuGraphExecDestroy(exec));
    return right;
}

static CUresult alloc_some(void)
{
    CUdeviceptr at;
    return cuMemAlloc_v2(&at, 100);
}

static CUresult synchronize(void) { return cuStreamSynchronize(stream); }

static bool alloc_in_capture(int bug)
{
    return capture(give_numbers(), bug ? alloc_some : NULL, 1);
}
static bool sync_in_capture(int bug)
{
    return capture(give_numbers(), bug ? synchronize : NULL, 1);
}
static bool replays(int bug) { return capture(give_numbers(), NULL, 3 - bug) != bug; }

const struct scene stream_scenes[] = {
    {"read too early", too_early, ALWAYS, NULL, false},
    {"event recorded too early", too_early_by_event, ALWAYS, NULL, false},
    {"pinned memory changed too early", pinned_changed, SOMETIMES, NULL, false},
    {"missing wait of another stream", two_streams, SOMETIMES, NULL, false},
    {"missing wait for another stream", missing_wait_of_the_reader, SOMETIMES, NULL, false},
    {"missing record", missing_record, SOMETIMES, NULL, false},
    {"a task touches the device", task_touches_device, FAULT, NULL, false},
    {"memory asked for in a capture", alloc_in_capture, ALWAYS, NULL, false},
    {"waited in a capture", sync_in_capture, ALWAYS, NULL, false},
    {"replays", replays, ALWAYS, NULL, false},
    {NULL, NULL, ALWAYS, NULL, false},
};
