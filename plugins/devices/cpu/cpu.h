/* cpu.h - the parts of the CPU device: a team of threads that walks a list of operations, each
 * thread its own slice of every result, with barriers only where one thread needs what another
 * wrote. The slices of a matrix are the same in every operation that has its shape, so a thread
 * keeps the same columns of a matrix from one operation to the next. */
#ifndef CPU_H
#define CPU_H

#include <runner/device.h>

#include <stdatomic.h>

enum op_kind { OP_FILL, OP_COPY, OP_GEMM, OP_MAP, OP_REDUCE, OP_GATHER, OP_ARGMAX, OP_TASK };

struct op {
    uint8_t kind;
    bool barrier; /* all threads have done what stands before it */
    union {
        struct {
            rn_real *dst, v;
            int64_t n;
        } fill;
        struct {
            void *dst;
            const void *src;
            size_t bytes;
        } copy;
        struct rn_gemm gemm;
        struct {
            const struct rn_map *map;
            struct rn_map_call call;
        } map;
        struct rn_reduce reduce;
        struct rn_gather gather;
        struct {
            const rn_real *in;
            rn_real *out;
            int64_t rows, cols;
        } argmax;
        struct {
            void (*fn)(void *ctx, int64_t slice);
            void *ctx;
            int64_t slices;
        } task;
    };
};

/* What one thread does of a [rows, cols] result: a band of columns where there are many, else of
 * rows, else all or nothing. Bands are whole units, and which way they go does not depend on the
 * number of threads: oneDNN multiplies one unit a call, so that it is always asked the same, and
 * gives the same bits. */
enum { COL_UNIT = 64, ROW_UNIT = 32 };
enum axis { BY_COLS, BY_ROWS, BY_FIRST, BY_ALL };
struct slice {
    int64_t r0, r1, c0, c1;
};
enum axis slice_axis(int64_t rows, int64_t cols);
struct slice slice_of(int64_t rows, int64_t cols, int thread, int threads);
struct slice slice_rows(int64_t rows, int64_t cols, int thread, int threads);

/* Does thread's part of op. RN_OK, or RN_EDEVICE when oneDNN refuses. */
int op_run(const struct op *op, const struct rn_block *b, int thread, int threads);
double op_work(const struct op *op); /* a rough count of element operations */

/* ---- hazards: which operations need a barrier before them ------------------ */

struct access {
    uintptr_t lo, hi;  /* bytes */
    int64_t stride, n; /* between rows; how many rows or columns are shared out */
    uint8_t axis;      /* enum axis; BY_ALL: any thread may touch any of it */
    bool write;
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

/* ---- the team ---------------------------------------------------------------- */

struct op_list {
    struct op *op;
    int n, cap;
};

struct team;
/* threads - 1 threads besides the caller, waiting for work. RN_ENOMEM, RN_EDEVICE. */
int team_open(int threads, struct team **out);
void team_close(struct team *t); /* NULL is fine */
/* The whole team walks the list, each thread its slices, denormals flushed to zero meanwhile. */
int team_run(struct team *t, const struct op_list *list, const struct rn_block *b);
/* The caller alone does all slices of one operation. */
int team_run_alone(struct op *op, const struct rn_block *b);
int team_default_threads(void); /* what affinity and cgroup leave us */

#endif
