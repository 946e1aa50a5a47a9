/* scenes_threads.c - bugs of kernels: barriers, shared memory, warps. */
#include "scene.h"

static bool missing_barrier(int bug)
{
    CUdeviceptr x = give_numbers();

    launch("turn", &x, &bug);
    return are(x, N - 1, -1);
}

static bool missing_second_barrier(int bug)
{
    CUdeviceptr x = give_numbers();

    launch("turn_twice", &x, &bug);
    return are(x, 0, 1);
}

static bool barrier_divergence(int bug)
{
    CUdeviceptr x = give_numbers();

    launch("divergent", &x, &bug);
    return are(x, 1, 0);
}

static bool unset_shared(int bug)
{
    CUdeviceptr x = give_numbers();

    launch("from_shared", &x, &bug);
    return are(x, 1, 0);
}

static bool behind_shared(int bug)
{
    CUdeviceptr x = give_numbers();
    int i = bug ? N : N - 1;

    launch("beyond_shared", &x, &i);
    return are(x, 1, 0) || bug;
}

static bool much_shared(int bug)
{
    CUdeviceptr x = give_numbers();

    launch(bug ? "much_shared" : "all_shared", &x, NULL);
    return are(x, 1, 0);
}

static bool blocks_at_one_place(int bug)
{
    CUdeviceptr x = give_numbers();
    void *args[] = {&x, &bug};

    MUST(try_launch("same_place", 2, 32, stream, args));
    float v[N];
    get(x, v);
    return bug ? v[0] == 1 : v[0] == 0 && v[1] == 1;
}

static bool missing_lane(int bug)
{
    CUdeviceptr x = give_numbers();
    int missing = bug ? 5 : -1;

    launch("sum_warps", &x, &missing);
    float v[N];
    get(x, v);
    return v[0] == 496 && v[31] == 496 && v[32] == 1520;
}

static bool half_a_warp(int bug)
{
    CUdeviceptr x = give_numbers();
    int missing = -1;
    void *args[] = {&x, &missing};

    MUST(try_launch("sum_warps", 1, bug ? 48 : 64, stream, args));
    MUST(cuStreamSynchronize(stream));
    return true;
}

static bool half_a_mask(int bug)
{
    CUdeviceptr x = give_numbers();

    if (bug)
        launch("half_mask", &x, NULL);
    return are(x, 0, 1);
}

const struct scene thread_scenes[] = {
    {"missing barrier", missing_barrier, SOMETIMES, NULL, true},
    {"missing second barrier", missing_second_barrier, SOMETIMES, NULL, true},
    {"barrier divergence", barrier_divergence, MISUSE, "waits in __syncthreads, and thread", false},
    {"unset shared memory", unset_shared, ALWAYS, NULL, false},
    {"behind shared memory", behind_shared, ONLY_ASAN, NULL, false},
    {"too much shared memory", much_shared, MISUSE, "more than 48 KiB of shared memory", false},
    {"two blocks write one value", blocks_at_one_place, SOMETIMES, NULL, true},
    {"a lane that is missing", missing_lane, MISUSE, "__shfl_xor_sync, and thread 5 has", false},
    {"a warp that isn't full", half_a_warp, MISUSE, "no lane 31", false},
    {"a mask that isn't full", half_a_mask, MISUSE, "only the full mask", false},
    {NULL, NULL, ALWAYS, NULL, false},
};
