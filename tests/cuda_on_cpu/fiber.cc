/* fiber.cc - a grid of blocks, one block at a time, its threads as fibers. A thread runs until it
 * ends or waits; who waits for whom is checked, and the order of blocks, and of threads between two
 * barriers, is drawn anew. This file is never instrumented: its own writes are no part of a race.
 */
#include "emulator.h"

#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <xmmintrin.h>

/* ---- sanitizers, where the program has one --------------------------------------------------- */

extern "C" {
void __sanitizer_start_switch_fiber(void **, const void *, size_t) __attribute__((weak));
void __sanitizer_finish_switch_fiber(void *, const void **, size_t *) __attribute__((weak));
void __asan_poison_memory_region(void const volatile *, size_t) __attribute__((weak));
void __asan_unpoison_memory_region(void const volatile *, size_t) __attribute__((weak));
void *__tsan_get_current_fiber(void) __attribute__((weak));
void *__tsan_create_fiber(unsigned) __attribute__((weak));
void __tsan_switch_to_fiber(void *, unsigned) __attribute__((weak));
void __tsan_acquire(void *) __attribute__((weak));
void __tsan_release(void *) __attribute__((weak));
}
enum { NO_SYNC = 1 }; /* __tsan_switch_to_fiber_no_sync: a switch orders nothing */

static void acquire(void *at)
{
    if (__tsan_acquire)
        __tsan_acquire(at);
}

static void release(void *at)
{
    if (__tsan_release)
        __tsan_release(at);
}

/* ---- switching
 * ----------------------------------------------------------------------------------- */

/* Saves what a call must keep, stores the stack pointer in *from and goes on from `to`. */
extern "C" void emu_switch(void **from, void *to);
__asm__(".text\n.type emu_switch,@function\nemu_switch:\n"
        "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
        "movq %rsp,(%rdi)\nmovq %rsi,%rsp\n"
        "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\nret\n"
        ".size emu_switch,.-emu_switch\n");

static const size_t stack_bytes = 256 << 10;

struct fiber {
    char *stack;
    void *pointer; /* of its stack, while it doesn't run */
    void *fake, *tsan;
};

enum state { NEW, READY, AT_BARRIER, AT_WARP, DONE };

struct thread {
    state s;
    unsigned barriers, meetings;
    int fiber;        /* -1: none */
    const char *what; /* it waits in */
};

static struct {
    std::vector<fiber> fibers;
    std::vector<int> idle, spent, spent_before; /* the latter: see rest() */
    std::vector<thread> threads;
    int current;
    void *scheduler, *scheduler_fake, *scheduler_tsan;
    const void *scheduler_stack;
    size_t scheduler_bytes;
    const emu_kernel *k;
    void **args;
    char at_start, at_end, at_barrier[3], at_warp[32][3]; /* places for TSan to meet at */
    uint64_t value[32][2][32];                            /* of a warp's lanes, by turns */
} now;

emu_place emu_now;

static void to_scheduler(bool for_good)
{
    fiber &f = now.fibers[size_t(now.threads[size_t(now.current)].fiber)];

    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(for_good ? nullptr : &f.fake, now.scheduler_stack,
                                       now.scheduler_bytes);
    if (__tsan_switch_to_fiber)
        __tsan_switch_to_fiber(now.scheduler_tsan, NO_SYNC);
    emu_switch(&f.pointer, now.scheduler);
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(f.fake, &now.scheduler_stack, &now.scheduler_bytes);
}

/* A fiber does one thread behind the other. */
static void fiber_main()
{
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(nullptr, &now.scheduler_stack, &now.scheduler_bytes);
    for (;;) {
        acquire(&now.at_start);
        now.k->run(now.args);
        release(&now.at_end);
        now.threads[size_t(now.current)].s = DONE;
        to_scheduler(false);
    }
}

static int fiber_take()
{
    if (now.idle.empty()) {
        fiber f = {};
        f.stack = static_cast<char *>(
            mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (f.stack == MAP_FAILED)
            misuse("no memory for the stack of a thread");
        mprotect(f.stack, 4096, PROT_NONE);
        void **top = reinterpret_cast<void **>(f.stack + stack_bytes);
        top -= 1; /* as behind a call: aligned, the address to go on from, six registers */
        *--top = reinterpret_cast<void *>(fiber_main);
        for (int i = 0; i < 6; i++)
            *--top = nullptr;
        f.pointer = top;
        f.tsan = __tsan_create_fiber ? __tsan_create_fiber(0) : nullptr;
        now.idle.push_back(int(now.fibers.size()));
        now.fibers.push_back(f);
    }
    int i = now.idle.back();
    now.idle.pop_back();
    return i;
}

static void resume(int t)
{
    thread &th = now.threads[size_t(t)];

    if (th.fiber < 0)
        th.fiber = fiber_take();
    fiber &f = now.fibers[size_t(th.fiber)];
    now.current = t;
    emu_now.thread = {unsigned(t) % emu_now.block_dim.x, unsigned(t) / emu_now.block_dim.x, 0};
    th.s = READY;
    if (__sanitizer_start_switch_fiber)
        __sanitizer_start_switch_fiber(&now.scheduler_fake, f.stack, stack_bytes);
    if (__tsan_switch_to_fiber)
        __tsan_switch_to_fiber(f.tsan, NO_SYNC);
    emu_switch(&now.scheduler, f.pointer);
    if (__sanitizer_finish_switch_fiber)
        __sanitizer_finish_switch_fiber(now.scheduler_fake, nullptr, nullptr);
    if (now.threads[size_t(t)].s == DONE) {
        (__tsan_create_fiber ? now.spent : now.idle).push_back(now.threads[size_t(t)].fiber);
        now.threads[size_t(t)].fiber = -1;
    }
}

/* To TSan a fiber is a thread, which has no race with itself: none is taken for two threads of a
 * block, or of two blocks one behind the other. */
static void rest()
{
    now.idle.insert(now.idle.end(), now.spent_before.begin(), now.spent_before.end());
    now.spent_before = std::move(now.spent);
    now.spent.clear();
}

/* ---- what kernels call
 * --------------------------------------------------------------------------- */

static void barrier()
{
    thread &t = now.threads[size_t(now.current)];
    const unsigned turn = t.barriers++ % 3;

    release(&now.at_barrier[turn]);
    t.s = AT_BARRIER;
    t.what = "__syncthreads";
    to_scheduler(false);
    acquire(&now.at_barrier[turn]);
}

static unsigned meet(const char *what)
{
    const int lane_of = now.current;
    thread &t = now.threads[size_t(lane_of)];
    const unsigned warp = unsigned(lane_of) / 32, turn = t.meetings++;

    release(&now.at_warp[warp][turn % 3]);
    t.s = AT_WARP;
    t.what = what;
    to_scheduler(false);
    acquire(&now.at_warp[warp][turn % 3]);
    return turn;
}

static uint64_t exchange(const char *what, unsigned mask, uint64_t value, int from)
{
    const unsigned t = unsigned(now.current), warp = t / 32, lane = t % 32;
    const unsigned turn = now.threads[t].meetings % 2;

    if (mask != 0xffffffffu)
        misuse("%s in %s: only the full mask is known here", what, now.k->name);
    if (now.threads.size() < (warp + 1) * 32)
        misuse("%s in %s: the last warp has no lane 31", what, now.k->name);
    now.value[warp][turn][lane] = value;
    meet(what);
    return now.value[warp][turn][from < 0 || from > 31 ? lane : unsigned(from)];
}

/* ---- shared memory: fresh for each block, poisoned ----------------------------------------------
 */

static const size_t shared_max = 48 << 10, shared_room = 1 << 20;
static char *shared_base;
static size_t shared_used, shared_asked;
static std::vector<void *> shared_at;

/* Each block has memory of its own to TSan, or the threads of two blocks would race in it. */
static void shared_reset()
{
    if (shared_base && __tsan_create_fiber && shared_used) {
        munmap(shared_base, shared_room);
        shared_base = nullptr;
    }
    if (!shared_base)
        shared_base = static_cast<char *>(
            mmap(nullptr, shared_room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (__asan_poison_memory_region)
        __asan_poison_memory_region(shared_base, shared_used ? shared_used : shared_room);
    shared_used = shared_asked = 0;
    shared_at.clear();
}

static void *shared_memory(int id, size_t bytes)
{
    if (shared_at.size() <= size_t(id))
        shared_at.resize(size_t(id) + 1);
    if (!shared_at[size_t(id)]) {
        char *at = shared_base + shared_used;
        shared_used += (bytes + 127) / 64 * 64;
        if ((shared_asked += bytes) > shared_max || shared_used > shared_room)
            misuse("%s uses more than 48 KiB of shared memory", now.k->name);
        if (__asan_unpoison_memory_region)
            __asan_unpoison_memory_region(at, bytes);
        for (size_t i = 0; i < bytes; i++)
            const_cast<volatile char *>(at)[i] = char(0xff);
        shared_at[size_t(id)] = at;
    }
    return shared_at[size_t(id)];
}

static const emu_runtime runtime = {&emu_now, barrier, exchange, shared_memory};
const emu_runtime *emu_runtime_of() { return &runtime; }

/* ---- a block
 * ------------------------------------------------------------------------------------- */

[[noreturn]] static void diverged(int t, int other)
{
    const thread &a = now.threads[size_t(t)], &b = now.threads[size_t(other)];

    misuse("%s, block (%u, %u): thread %d waits in %s, and thread %d %s", now.k->name,
           emu_now.block.x, emu_now.block.y, t, a.what, other, b.s == DONE ? "has ended" : b.what);
}

/* All lanes of a warp wait in the same place: they go on. */
static bool release_warp(size_t first, size_t end)
{
    for (size_t t = first; t < end; t++)
        if (now.threads[t].s != AT_WARP)
            return false;
    for (size_t t = first; t < end; t++)
        if (strcmp(now.threads[t].what, now.threads[first].what) != 0)
            diverged(int(first), int(t));
    for (size_t t = first; t < end; t++)
        now.threads[t].s = READY;
    return true;
}

/* Nobody can run: who waits is let go on when all that have to are there. */
static void release_some(size_t n)
{
    bool any = false;

    for (size_t t = 0; t < n; t += 32)
        any |= release_warp(t, t + 32 < n ? t + 32 : n);
    if (any)
        return;
    for (size_t t = 0; t < n; t++)
        for (size_t other = 0; other < n; other++)
            if (now.threads[t].s == AT_WARP && other / 32 == t / 32 &&
                now.threads[other].s != AT_WARP)
                diverged(int(t), int(other));
            else if (now.threads[t].s == AT_BARRIER && now.threads[other].s != AT_BARRIER)
                diverged(int(t), int(other));
    for (size_t t = 0; t < n; t++)
        now.threads[t].s = READY;
}

static void run_block(size_t n)
{
    std::vector<int> order(n);

    shared_reset();
    rest();
    release(&now.at_start);
    now.threads.assign(n, thread{NEW, 0, 0, -1, ""});
    for (size_t done = 0; done < n;) {
        order.clear();
        for (size_t t = 0; t < n; t++)
            if (now.threads[t].s == NEW || now.threads[t].s == READY)
                order.push_back(int(t));
        if (order.empty()) {
            release_some(n);
            continue;
        }
        shuffle(order);
        for (int t : order) {
            resume(t);
            done += now.threads[size_t(t)].s == DONE;
        }
    }
}

void run_grid(const emu_kernel *k, dim grid, dim block, void **args)
{
    const unsigned before = _mm_getcsr();
    std::vector<unsigned> order(size_t(grid.x) * grid.y);

    _mm_setcsr(before | 0x8040); /* denormals are zero, in and out: --ftz=true */
    now.k = k;
    now.args = args;
    if (__tsan_get_current_fiber)
        now.scheduler_tsan = __tsan_get_current_fiber();
    emu_now.block_dim = {block.x, block.y, 1};
    emu_now.grid_dim = {grid.x, grid.y, 1};
    for (unsigned i = 0; i < order.size(); i++)
        order[i] = i;
    shuffle(order);
    for (unsigned i : order) {
        emu_now.block = {i % grid.x, i / grid.x, 0};
        run_block(size_t(block.x) * block.y);
    }
    acquire(&now.at_end);
    _mm_setcsr(before);
}
