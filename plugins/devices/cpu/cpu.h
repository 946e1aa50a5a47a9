/* cpu.h - the parts of the CPU device: a team of threads that walks a list of operations, each
 * thread some units of every result, with barriers only where one thread needs what another wrote.
 * A thread keeps the same units of a matrix from one operation to the next as long as there is no
 * barrier. */
#ifndef CPU_H
#define CPU_H

#include <runner/operation.h>

#include <stdatomic.h>

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

enum conv_step { CONV_ARRANGE, CONV_PIECES, CONV_ADD_UP };
enum reduce_step { REDUCE_WHOLE, REDUCE_PARTS, REDUCE_ADD_UP };

/* How the threads share out an operation: n columns or rows, whole units of them. Which way it goes
 * and what a unit is does not depend on the number of threads: oneDNN multiplies one unit a call,
 * so that it is always asked the same, and gives the same bits. */
enum { COL_UNIT = 64, ROW_UNIT = 32 };
enum axis { BY_COLS, BY_ROWS, BY_FIRST, BY_ALL }; /* the first thread alone; nobody knows */
struct share {
    uint8_t axis;
    int64_t n, unit;
};
struct op;
struct op_list;
struct share share_matrix(int64_t rows, int64_t cols); /* columns where there are many, else rows */
struct share share_rows(int64_t rows, int64_t unit);
/* Of op, which comes behind those of the list: elementwise work takes the rows of who wrote what it
 * reads, so that they stay with their thread. */
struct share share_op(const struct op_list *before, const struct op *op);
int64_t share_units(const struct share *s);
/* The first unit of a thread. */
int64_t share_first(const struct share *s, int thread, int threads);

/* Units u0 .. u1 - 1 of a [rows, cols] result */
struct slice {
    int64_t r0, r1, c0, c1;
};
struct slice slice_of(const struct share *s, int64_t rows, int64_t cols, int64_t u0, int64_t u1);

struct op {
    struct rn_operation does;
    bool barrier; /* all threads have done what stands before it */
    struct share share;
    int group;      /* it and those behind it that are done together, some units at a time */
    int64_t chunk;  /* units at a time */
    bool claimed;   /* units belong to who takes them first */
    int64_t claims; /* chunks that were taken, of all replays */
    uint8_t step;   /* of a sum, enum reduce_step; of a convolution, enum conv_step */
    double *parts;  /* of a sum: that of each piece */
    const struct convolution *v;
};

/* What a thread has for itself. */
struct lane {
    int number;
    rn_real *room; /* GEMM_ROOM values */
};
/* Does units u0 .. u1 - 1 of op. RN_OK, or RN_EDEVICE when oneDNN refuses. */
int op_run(const struct op *op, const struct rn_block *b, const struct lane *lane, int64_t u0,
           int64_t u1);

/* ---- describe.c ------------------------------------------------------------------ */

struct rn_cost op_cost(const struct op *op);
void op_describe(const struct op *op, struct rn_op_info *out);

/* ---- gemm.c ---------------------------------------------------------------------- */

enum { GEMM_ROOM = 3 << 14 }; /* for copies of blocks of both operands */
int gemm_run(const struct op *op, rn_real *room, int64_t u0, int64_t u1);

/* ---- reduce.c -------------------------------------------------------------------- */

/* Long sums are done in two steps: a sum of each piece, then the sum of those. */
int64_t reduce_parts(const struct rn_reduce *r); /* how many pieces; 0: it is done in one step */
int64_t reduce_piece(int over);                  /* rows in a piece; values for RN_ONE */
void reduce_run(const struct op *op, const struct rn_block *b, int64_t u0, int64_t u1);

/* ---- conv.c, conv_taps.c, pool.c -------------------------------------------------- */

/* A shape of convolution: the primitive for a piece of the rows, and memory for the weights in the
 * order that it wants them in. */
struct convolution {
    struct convolution *next;
    struct rn_conv shape;
    int64_t piece, pieces; /* rows in one; how many */
    int64_t count, stride; /* values in oneDNN's order; from one partial sum to the next */
    rn_real *arranged;     /* weights in that order; or the partial sums of each piece */
    int32_t *place;        /* where the i-th of them stands in ours; -1: it is padding */
    struct dnnl_primitive *primitive; /* NULL: done tap by tap */
    struct dnnl_stream *stream;
    struct conv_lane *lane; /* one for each thread, and its memory */
    void **memory;
};
struct convolutions { /* all that were seen */
    struct convolution *first;
    struct dnnl_engine *engine;
    struct dnnl_stream *stream;
    int threads;
    const char
        *taps; /* RN_TAPS, for tests: "1" wherever possible, "0" nowhere; NULL: where it pays */
};
/* The one for c's shape, made when there is none. RN_ENOMEM, RN_EUNSUPPORTED. */
int conv_find(struct convolutions *all, const struct rn_conv *c, struct convolution **out);
void conv_free(struct convolutions *all);
int conv_run(const struct op *op, int lane, int64_t u0, int64_t u1);
void pool_run(const struct op *op, int64_t u0, int64_t u1);

/* The gradient of weights by products: whether it is possible and worth it, the values that a
 * thread needs room for, zero to begin with, and the gradient of some rows, dw [as w]. */
bool taps_fit(const struct rn_conv *c, const char *forced);
int64_t taps_room_x(const struct rn_conv *c);
int64_t taps_room_y(const struct rn_conv *c);
int taps_run(const struct rn_conv *c, int64_t row, int64_t rows, rn_real *room_x, rn_real *room_y,
             rn_real *dw);

/* ---- hazards: which operations need a barrier before them ------------------ */

struct access {
    uintptr_t lo, hi;  /* bytes */
    int64_t stride, n; /* between rows; how many rows or columns are shared out */
    int64_t unit;      /* of them */
    uint8_t axis;      /* enum axis; BY_ALL: any thread may touch any of it */
    bool write;
};

struct op_list {
    struct op *op;
    int n, cap;
    int threads; /* that walk it: all of the team, or the caller alone */
    int64_t replays;
};

struct hazards { /* what was touched since the last barrier */
    struct access *at;
    int n, cap;
};

struct allocations { /* to bound what an operation with a moving output may touch */
    struct {
        char *base;
        void *raw;
        size_t bytes;
    } * at;
    int n, cap;
};
uintptr_t allocation_end(const struct allocations *a, const void *p);

/* Decides op->barrier and notes what op touches. RN_ENOMEM. */
int hazards_note(struct hazards *h, struct op *op, const struct allocations *a);
void hazards_free(struct hazards *h);

/* ---- plan.c ---------------------------------------------------------------------- */

/* Decides how the list is walked by so many threads; by all of them always, or by one where that is
 * quicker. */
void plan_list(struct op_list *list, int threads, bool always);

/* ---- the team ---------------------------------------------------------------- */

/* Where the team notes when each thread worked on what: room stretches for each, from at[thread *
 * room] on. n: how many there were, also of those that found no room. */
struct count {
    _Alignas(64) uint32_t n;
};
struct timings {
    struct rn_timing *at;
    uint32_t room;
    struct count *lane;
};

struct team;
/* threads - 1 threads besides the caller, waiting for work. RN_ENOMEM, RN_EDEVICE. */
int team_open(int threads, struct team **out);
void team_close(struct team *t); /* NULL is fine */
/* Walks the list, each thread its units, denormals flushed to zero meanwhile. */
int team_run(struct team *t, struct op_list *list, const struct rn_block *b);
int team_run_timed(struct team *t, struct op_list *list, const struct rn_block *b,
                   const struct timings *timings);
int team_default_threads(void); /* what affinity and cgroup leave us */

/* ---- memory.c --------------------------------------------------------------------- */

uint64_t memory_free(void);  /* that this process can still have; 0: not known */
uint64_t memory_asked(void); /* RN_MEMORY, "64M"; 0: nothing was said */

#endif
