/* test_replay.c - recordings of the CPU device: made-up programs over overlapping memory, and
 * single hand-overs, leave what one thread leaves that does one operation after the other.
 * RN_TEST_DEVICE names another device, which has no threads: it is taken twice. */
#define _GNU_SOURCE
#include "support/cpu.h"
#include "support/value.h"
#include "support/suite.h"

#include <runner/layer.h>

#include <check.h>

enum { ARENA = 76000, STEPS = 30, REPLAYS = 3, PROGRAMS = 100, INDEXES = 64, MOVED = 1 };
enum { GEMM, MAP, REDUCE, GATHER, ARGMAX, FILL, TASK, UPLOAD, CONV, POOL, OPS };

static struct pool *pool;

static void setup(void) { pool = pool_new(); }

static void teardown(void)
{
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

/* ---- programs ------------------------------------------------------------------- */

/* bounded, so that nothing overflows however long a program goes on */
RN_MAP(squash, 1, 1, 0, y0 = x0 / (1 + fabsf(x0)););
RN_MAP(mix, 2, 1, 0, y0 = (x0 - 0.5f * x1) / (1 + fabsf(x0) + fabsf(x1)););

struct region {
    int64_t at, rows, cols;
};

struct step {
    int op;
    struct region out, a, b;
    int64_t k;
    int ta, tb, span, reduction, over, pass;
    bool adds, moves;
};

struct machine {
    struct rn_device *d;
    float *arena;
    int32_t *index;
    const float *source; /* on the host: what uploads take */
    bool host_visible;
};

static uint32_t dice(uint32_t program, int *drawn, uint32_t sides)
{
    return rn_philox(program, 0, (uint64_t)(*drawn)++).v[0] % sides;
}

/* Few places and few shapes: the same memory is seen again, as another matrix. */
static struct region any_region(uint32_t program, int *drawn)
{
    static const int64_t shape[][2] = {{64, 128}, {64, 10}, {128, 64}, {1, 640}, {33, 65}, {1, 128},
                                       {64, 64},  {100, 7}, {100, 20}, {5, 96},  {64, 33}};
    uint32_t s = dice(program, drawn, sizeof shape / sizeof *shape);

    return (struct region){2048 * dice(program, drawn, 15), shape[s][0], shape[s][1]};
}

static bool overlap(const struct region *x, const struct region *y)
{
    const int64_t slack = 64; /* an output may move by this much */

    return x->at < y->at + y->rows * y->cols + slack && y->at < x->at + x->rows * x->cols + slack;
}

static struct region input_apart(uint32_t program, int *drawn, const struct region *out,
                                 int64_t rows, int64_t cols)
{
    struct region r = {0, rows, cols};

    do
        r.at = 2048 * dice(program, drawn, (uint32_t)((40000 - rows * cols) / 2048));
    while (overlap(&r, out));
    return r;
}

/* images of 6 x 6 x 4, 3 x 3 filters to 4 x 4 x 8, windows of 2 x 2 to 3 x 3 x 4 */
enum { IMAGE = 6 * 6 * 4, FILTERED = 4 * 4 * 8, WEIGHTS = 3 * 3 * 4 * 8, POOLED = 3 * 3 * 4 };

static void any_images(uint32_t program, int *drawn, struct step *s)
{
    static const int64_t rows[] = {1, 16, 33};
    int64_t n = rows[dice(program, drawn, 3)], y = s->op == CONV ? FILTERED : POOLED;
    bool conv = s->op == CONV, back = s->pass == RN_CONV_GRAD_INPUT;

    s->k = n;
    s->out.rows = conv && s->pass == RN_CONV_GRAD_WEIGHT ? 1 : n;
    s->out.cols = back                                     ? IMAGE
                  : conv && s->pass == RN_CONV_GRAD_WEIGHT ? WEIGHTS
                  : conv                                   ? y
                                                           : 2 * y; /* and where */
    s->a = input_apart(program, drawn, &s->out, n, back ? y : IMAGE);
    s->b = conv && s->pass != RN_CONV_GRAD_WEIGHT ? input_apart(program, drawn, &s->out, 1, WEIGHTS)
                                                  : input_apart(program, drawn, &s->out, n, y);
}

static struct step any_step(uint32_t program, int *drawn)
{
    struct step s = {.op = (int)dice(program, drawn, OPS), .out = any_region(program, drawn)};
    int64_t rows = s.out.rows, cols = s.out.cols;

    s.adds = dice(program, drawn, 3) == 0;
    s.ta = (int)dice(program, drawn, 2);
    s.tb = (int)dice(program, drawn, 2);
    s.span = (int)dice(program, drawn, 4);
    s.reduction = (int)dice(program, drawn, 3);
    s.over = RN_PER_COL + (int)dice(program, drawn, 3);
    s.moves = dice(program, drawn, 4) == 0;
    s.k = cols > 128 ? 1 + dice(program, drawn, 8) : dice(program, drawn, 2) ? 64 : 33;
    s.pass = (int)dice(program, drawn, 3);
    s.a = s.b = input_apart(program, drawn, &s.out, rows, cols);
    if (s.op == CONV || s.op == POOL) {
        any_images(program, drawn, &s);
    } else if (s.op == REDUCE && dice(program, drawn, 3) == 0) { /* of many pieces */
        s.a = (struct region){42000, 2100, 16};
    }
    if (s.op == GEMM) {
        s.a = input_apart(program, drawn, &s.out, s.ta ? s.k : rows, s.ta ? rows : s.k);
        s.b = input_apart(program, drawn, &s.out, s.tb ? cols : s.k, s.tb ? s.k : cols);
    } else if (s.op == MAP && s.span == RN_EACH && dice(program, drawn, 2)) {
        s.a = s.out; /* in place */
        s.moves = false;
    }
    return s;
}

static void bump(void *ctx, int64_t slice)
{
    float *x = ctx;

    for (int i = 0; i < 20; i++)
        x[slice * 20 + i] = 0.5f * x[slice * 20 + i] + 0.25f;
}

static int settle(const struct machine *m, const struct region *r, int64_t n)
{
    float *x = m->arena + r->at;

    return rn_apply(m->d, &squash,
                    (struct rn_map_call){.rows = 1, .cols = n, .in = {x}, .out = {x}});
}

/* As settle(), but it is read before it is written to again. */
static int read_and_settle(const struct machine *m, const struct region *r, int64_t n)
{
    RN_TRY(rn_apply(
        m->d, &squash,
        (struct rn_map_call){
            .rows = 1, .cols = n, .in = {m->arena + r->at}, .out = {m->arena + ARENA - 5000}}));
    return settle(m, r, n);
}

static int do_map(const struct machine *m, const struct step *s, int64_t moved, bool recording)
{
    struct rn_map_call c = {.rows = s->out.rows,
                            .cols = s->out.cols,
                            .in = {m->arena + s->a.at, m->arena + s->b.at},
                            .span = {RN_EACH, (uint8_t)s->span},
                            .out = {m->arena + s->out.at},
                            .beta = {s->adds ? 1 : 0}};

    if (s->moves && recording)
        c.out_from[0] = MOVED;
    else if (s->moves)
        c.out[0] += moved;
    RN_TRY(m->d->ops->map(m->d, &mix, &c));
    return s->moves ? RN_OK : settle(m, &s->out, s->out.rows * s->out.cols);
}

static int do_reduce(const struct machine *m, const struct step *s)
{
    int64_t n = s->over == RN_PER_ROW ? s->a.rows : s->over == RN_PER_COL ? s->a.cols : 1;

    RN_TRY(rn_reduce(m->d, (enum rn_reduction)s->reduction, (enum rn_span)s->over, s->a.rows,
                     s->a.cols, m->arena + s->a.at, s->adds ? 1 : 0, m->arena + s->out.at));
    return settle(m, &s->out, n);
}

static struct rn_window window_of(int kernel, int stride, int out)
{
    return (struct rn_window){.h = 6,
                              .w = 6,
                              .channels = 4,
                              .out_h = out,
                              .out_w = out,
                              .kernel_h = kernel,
                              .kernel_w = kernel,
                              .stride_h = stride,
                              .stride_w = stride,
                              .dilation_h = 1,
                              .dilation_w = 1};
}

static int do_conv(const struct machine *m, const struct step *s)
{
    float *out = m->arena + s->out.at, *a = m->arena + s->a.at, *b = m->arena + s->b.at;
    bool forward = s->pass == RN_CONV_FORWARD, to_x = s->pass == RN_CONV_GRAD_INPUT;
    struct rn_conv c = {.window = window_of(3, 1, 4),
                        .filters = 8,
                        .groups = 1,
                        .rows = s->k,
                        .x = to_x ? out : a,
                        .w = forward || to_x ? b : out,
                        .y = forward ? out
                             : to_x  ? a
                                     : b,
                        .bias = forward && s->ta ? b : NULL,
                        .beta = !forward && s->adds,
                        .pass = (uint8_t)s->pass};

    RN_TRY(m->d->ops->conv(m->d, &c));
    return read_and_settle(m, &s->out, s->out.rows * s->out.cols);
}

static int do_pool(const struct machine *m, const struct step *s)
{
    float *out = m->arena + s->out.at;
    bool backward = s->pass == RN_CONV_GRAD_INPUT, largest = s->ta;
    struct rn_pool p = {.window = window_of(2, 2, 3),
                        .rows = s->k,
                        .op = largest ? RN_POOL_MAX : RN_POOL_AVERAGE,
                        .backward = backward,
                        .x = backward ? out : m->arena + s->a.at,
                        .y = backward ? m->arena + s->a.at : out,
                        .beta = backward && s->adds};

    if (largest)
        p.where = backward ? m->arena + s->b.at : out + s->k * POOLED;
    RN_TRY(m->d->ops->pool(m->d, &p));
    return read_and_settle(m, &s->out, s->k * (backward ? IMAGE : POOLED));
}

static int do_step(const struct machine *m, const struct step *s, int64_t moved, bool recording)
{
    int64_t rows = s->out.rows, cols = s->out.cols;
    float *out = m->arena + s->out.at;

    switch (s->op) {
    case GEMM:
        RN_TRY(rn_gemm(m->d, s->ta, s->tb, rows, cols, s->k, m->arena + s->a.at, m->arena + s->b.at,
                       s->adds ? 1 : 0, out));
        return settle(m, &s->out, rows * cols);
    case MAP: return do_map(m, s, moved, recording);
    case REDUCE: return do_reduce(m, s);
    case GATHER:
        return m->d->ops->gather(m->d, &(struct rn_gather){.rows = rows < 40 ? rows : 40,
                                                           .cols = cols,
                                                           .channels = 1,
                                                           .from = m->arena + s->a.at,
                                                           .index = m->index,
                                                           .out = out,
                                                           .dtype = RN_F32});
    case ARGMAX:
        RN_TRY(m->d->ops->argmax(m->d, rows, cols, m->arena + s->a.at, out));
        return settle(m, &s->out, rows);
    case FILL: return m->d->ops->fill(m->d, out, 0.125f, rows * cols);
    case CONV: return do_conv(m, s);
    case POOL: return do_pool(m, s);
    case TASK:
        return m->host_visible ? m->d->ops->task(m->d, bump, out, rows * cols / 20)
                               : m->d->ops->fill(m->d, out, 0.25f, rows * cols);
    default: return m->d->ops->upload(m->d, out, m->source, sizeof(float) * (size_t)rows);
    }
}

static struct machine machine_open(int threads, bool late)
{
    struct machine m = {.d = test_device(pool, threads, late)};
    float *start = pool_alloc(pool, ARENA * sizeof *start), *source;
    struct rn_device_info info = {.size = sizeof info};
    int32_t index[INDEXES];
    void *p;

    source = pool_alloc(pool, 512 * sizeof *source);
    ck_assert(start && source);
    for (int i = 0; i < ARENA; i++)
        start[i] = (float)test_value(1, i);
    for (int i = 0; i < 512; i++)
        source[i] = (float)test_value(2, i);
    for (int i = 0; i < INDEXES; i++)
        index[i] = 0; /* the first row, whatever the shape: it is always there */
    ck_assert_int_eq(m.d->ops->alloc(m.d, ARENA * sizeof *m.arena, &p), RN_OK);
    m.arena = p;
    m.source = source;
    ck_assert_int_eq(m.d->ops->info(m.d, &info), RN_OK);
    m.host_visible = info.host_visible;
    ck_assert_int_eq(m.d->ops->alloc(m.d, sizeof index, &p), RN_OK);
    m.index = p;
    ck_assert_int_eq(m.d->ops->upload(m.d, m.arena, start, ARENA * sizeof *start), RN_OK);
    ck_assert_int_eq(m.d->ops->upload(m.d, m.index, index, sizeof index), RN_OK);
    ck_assert_int_eq(m.d->ops->sync(m.d), RN_OK);
    return m;
}

static void machine_read(struct machine *m, float *out)
{
    ck_assert_int_eq(m->d->ops->download(m->d, out, m->arena, ARENA * sizeof *out), RN_OK);
    m->d->ops->close(m->d);
}

static int64_t moved_by(int replay) { return 17 * replay % 64; }

static void run_eager(const struct step *program, int threads, bool late, float *out)
{
    struct machine m = machine_open(threads, late);

    for (int r = 0; r < REPLAYS; r++)
        for (int i = 0; i < STEPS; i++)
            if (do_step(&m, &program[i], moved_by(r), false))
                ck_abort_msg("step %d: %s", i, error_text());
    machine_read(&m, out);
}

static void run_recorded(const struct step *program, int threads, float *out)
{
    struct machine m = machine_open(threads, false);
    struct rn_recording *rec;

    ck_assert_int_eq(m.d->ops->capture_begin(m.d), RN_OK);
    for (int i = 0; i < STEPS; i++)
        if (do_step(&m, &program[i], 0, true))
            ck_abort_msg("step %d: %s", i, error_text());
    ck_assert_int_eq(m.d->ops->capture_end(m.d, &rec), RN_OK);
    for (int r = 0; r < REPLAYS; r++) {
        struct rn_block block = {.u = {0, (uint64_t)moved_by(r)}};

        ck_assert_int_eq(m.d->ops->replay(m.d, rec, &block), RN_OK);
    }
    ck_assert_int_eq(m.d->ops->sync(m.d), RN_OK);
    m.d->ops->discard(m.d, rec);
    machine_read(&m, out);
}

static void same_arena(const float *got, const float *want, const char *what)
{
    for (int i = 0; i < ARENA; i++)
        if (memcmp(&got[i], &want[i], sizeof *got))
            ck_abort_msg("%s: value %d is %.9g, not %.9g", what, i, (double)got[i],
                         (double)want[i]);
}

START_TEST(programs_do_not_race)
{
    static float want[ARENA], got[ARENA];
    struct step program[STEPS];
    int drawn = 0;

    for (int i = 0; i < STEPS; i++)
        program[i] = any_step((uint32_t)_i, &drawn);
    run_eager(program, 1, false, want);
    for (int i = 0; i < ARENA; i++)
        if (!isfinite(want[i]))
            ck_abort_msg("the program itself is bad: %d", i);
    for (int threads = 1; threads <= (test_device_other() ? 2 : 4); threads++) {
        run_recorded(program, threads, got);
        same_arena(got, want, pool_printf(pool, "replayed, %d threads", threads));
    }
    run_eager(program, 3, false, got);
    same_arena(got, want, "done at once, 3 threads");
    run_eager(program, 2, true, got);
    same_arena(got, want, "delayed, 2 threads");
}
END_TEST

/* ---- one writes, another reads ------------------------------------------------------ */

/* Where the parts of a hand-over lie. The first thread is kept busy with SLOW. */
enum { WRITTEN = 0, READ = 16384, OTHER = 32768, SLOW = 49152 };

static int keep_first_busy(const struct machine *m)
{
    enum { ROWS = 64, COLS = 96, K = 128 }; /* 3 units of columns: 2 for the first of two */
    const float *a = m->arena + SLOW, *b = a + ROWS * K;

    for (int i = 0; i < 10; i++)
        RN_TRY(rn_gemm(m->d, false, false, ROWS, COLS, K, a, b, 0, m->arena + SLOW + 20480));
    return RN_OK;
}

static const struct {
    const char *what;
    int64_t rows, cols; /* as it is written */
    int ta, tb;
    int64_t m, n, k; /* of the product that reads; k = 0: a map reads it as [m, n] */
    bool as_b;       /* it is the second matrix of the product */
} hand_overs[] = {
    {"the first matrix, shared by columns", 64, 128, 0, 0, 64, 128, 128, false},
    {"the first matrix transposed", 128, 128, 1, 0, 128, 128, 128, false},
    {"the first matrix transposed, shared by rows", 64, 33, 1, 0, 33, 10, 64, false},
    {"the second matrix, shared by rows", 64, 10, 0, 0, 64, 10, 64, true},
    {"the second matrix transposed", 128, 128, 0, 1, 64, 128, 128, true},
    {"the same rows, closer", 64, 33, 0, 0, 64, 10, 0, false},
    {"the same rows, wider apart", 64, 10, 0, 0, 64, 33, 0, false},
    {"the same place in more rows", 64, 10, 0, 0, 100, 10, 0, false},
    {"the same columns, shifted", 64, 128, 0, 0, 64, 96, 0, false},
    {"a row of it", 64, 128, 0, 0, 1, 640, 0, false},
};
enum { HAND_OVERS = sizeof hand_overs / sizeof *hand_overs };

static int hand_over(const struct machine *m, int i)
{
    const float *written = m->arena + WRITTEN, *other = m->arena + OTHER;
    int64_t rows = hand_overs[i].m, cols = hand_overs[i].n;

    RN_TRY(keep_first_busy(m));
    RN_TRY(rn_apply(m->d, &squash,
                    (struct rn_map_call){.rows = hand_overs[i].rows,
                                         .cols = hand_overs[i].cols,
                                         .in = {other},
                                         .out = {m->arena + WRITTEN}}));
    if (!hand_overs[i].k)
        return rn_apply(m->d, &squash,
                        (struct rn_map_call){
                            .rows = rows, .cols = cols, .in = {written}, .out = {m->arena + READ}});
    return rn_gemm(m->d, hand_overs[i].ta, hand_overs[i].tb, rows, cols, hand_overs[i].k,
                   hand_overs[i].as_b ? other : written, hand_overs[i].as_b ? written : other, 0,
                   m->arena + READ);
}

START_TEST(nothing_is_read_before_it_is_written)
{
    static float want[ARENA], got[ARENA];
    const struct rn_block block = {0};
    struct machine eager = machine_open(1, false);

    ck_assert_int_eq(hand_over(&eager, _i), RN_OK);
    machine_read(&eager, want);
    for (int threads = 2; threads <= 3; threads++) {
        struct machine m = machine_open(threads, false);
        struct rn_recording *rec;

        ck_assert_int_eq(m.d->ops->capture_begin(m.d), RN_OK);
        ck_assert_int_eq(hand_over(&m, _i), RN_OK);
        ck_assert_int_eq(m.d->ops->capture_end(m.d, &rec), RN_OK);
        ck_assert_int_eq(m.d->ops->replay(m.d, rec, &block), RN_OK);
        m.d->ops->discard(m.d, rec);
        machine_read(&m, got);
        same_arena(got, want, hand_overs[_i].what);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recordings of the cpu");
    TCase *tc = tcase_create("programs");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, programs_do_not_race, 0, PROGRAMS / test_every());
    tcase_add_loop_test(tc, nothing_is_read_before_it_is_written, 0, HAND_OVERS);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
