/* cuda.h - the parts of the CUDA device. Operations become entries of a list; an entry is launched
 * into a stream at once, or, of a recording, when the list is captured as one graph, which a replay
 * launches. One stream for all work keeps it in order and its results the same. */
#ifndef CUDA_DEVICE_H
#define CUDA_DEVICE_H

#include "api.h"

#include <runner/operation.h>
#include <runner/text.h>

enum { WARP = 32, WARPS = 8, THREADS = WARP * WARPS }; /* as prelude.cu has them */

enum kernel {
    K_SET_BLOCK,
    K_GATHER,
    K_REDUCE_COLS,
    K_REDUCE_ALL,
    K_IM2COL,
    K_COL2IM,
    K_ADD_BIAS,
    K_POOL_MAX,
    K_POOL_AVERAGE,
    K_POOL_BACK,
    KERNELS
};

/* ---- source.c: chains as the texts of kernels ----------------------------------------- */

/* A chain is a few operations, one behind the other, that one kernel does: maps of the same size,
 * each element a thread; maps, reductions and argmax over the same rows, each row a warp; or maps
 * that have nothing to do with each other, side by side. The form is all that decides the text. */
enum { CHAIN_MAX = 16 };
enum chain_way { BY_ELEMENT, BY_ROW, BESIDE, WAYS };
struct link_form {
    uint8_t kind;             /* RN_OP_MAP, RN_OP_REDUCE of rows, RN_OP_ARGMAX */
    uint8_t reduction;        /* enum rn_reduction */
    const struct rn_map *map; /* by its text: two plugins may have the same */
    uint8_t span[RN_MAP_IN];
    bool adds[RN_MAP_OUT];
};
struct chain_form {
    int n;
    uint8_t way; /* enum chain_way */
    bool wide;   /* more than 2^31 elements */
    struct link_form link[CHAIN_MAX];
};
/* Adds the kernel `name`; its parameters are those that chain_launch() passes. */
void chain_source(const struct chain_form *f, const char *name, struct rn_text *out);
bool map_names_argument(const struct rn_map *map, int k); /* whether there is a parameter for it */
bool chain_draws(const struct chain_form *f);             /* random numbers */
/* Adds what stands before kernels; draws: with the functions of random numbers. */
void prelude_source(bool draws, struct rn_text *out);
void kernels_source(struct rn_text *out); /* the device's own kernels */

/* ---- compile.c: texts to modules, kept on disk ----------------------------------------- */

/* Compiles for the compute capability (90), or finds what an earlier run compiled. Free *cubin with
 * rn_host->free(). RN_EPLUGIN with the compiler's words. */
int compile(const char *text, int capability, void **cubin);

/* ---- the device ------------------------------------------------------------------------ */

struct chain_kernel { /* of a form that was seen */
    struct chain_kernel *next;
    struct chain_form form;
    char name[80];
    CUfunction function; /* NULL: not yet compiled */
};

struct op {
    struct rn_operation does;
    int group;                        /* it and those behind it that are launched together */
    const struct chain_kernel *chain; /* that does them; NULL where they are no chain */
    rn_real *parts;                   /* of a sum; NULL: done in one step */
    rn_real *col;   /* of a convolution, the matrix of windows; NULL: the image is that matrix */
    int64_t images; /* that col has room for */
};

struct op_list {
    struct op *op;
    int n, cap;
};

struct rn_recording {
    struct op_list list;
    CUgraphExec graph; /* NULL where operations are launched one by one */
};

struct module {
    struct module *next;
    CUmodule at;
};

struct memory {
    struct memory *next;
    size_t bytes;
    CUdeviceptr at;
};

struct cuda {
    struct rn_device base;
    CUdevice device;
    CUcontext context;
    bool context_held;
    CUstream stream, copy_stream;
    cublasHandle_t blas;
    CUdeviceptr blas_room;
    int capability;  /* 90 */
    bool one_by_one; /* RN_SYNC=1: each operation is waited for */
    bool tf32;
    bool capturing, replaying; /* neither may wait for the GPU or ask it for memory */
    int64_t conv_bytes;        /* of col */

    struct module *modules;
    CUfunction kernel[KERNELS];
    struct chain_kernel *chains;
    bool chains_pending;   /* some were not compiled yet */
    struct memory *memory; /* given by alloc() */
    /* What operations use one after the other. Recordings know its address: what is too small for a
     * later one stays for the earlier ones. */
    struct memory *scratch;
    CUdeviceptr block, zero_block; /* struct rn_block; what operations outside recordings read */
    uint32_t *mark;                /* host memory that kernels write: whose work began last */

    struct rn_recording *recording; /* being captured, or NULL */
    uint32_t tag;
    uint32_t fault_tag;
    bool faulted, fault_exact;

    CUevent used[2], copied[2]; /* the halves of stage(): who read one has ended; one is there */
    CUevent *timer;             /* timers of them */
    int timers;
};

static inline struct cuda *cuda_of(struct rn_device *d) { return (struct cuda *)d; }

static inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Launches the work of an operation and of its group; it reads the step block at `block`. */
int op_launch(struct cuda *c, const struct op *op, CUdeviceptr block);
int launch(struct cuda *c, CUfunction f, int64_t blocks, int64_t blocks_y, void **args);
/* Memory of at least so many bytes that is used before anything else is enqueued. */
int scratch_take(struct cuda *c, size_t bytes, rn_real **out);

/* C[m,n] = op(A) op(B) + beta C, row-major, `count` times, from one to the next so many values. */
struct products {
    struct rn_gemm one;
    int64_t count, next_a, next_b, next_c;
};
int products_launch(struct cuda *c, const struct products *p);

int64_t reduce_parts(const struct rn_reduce *r); /* values of room that it needs; 0: none */
int reduce_launch(struct cuda *c, const struct op *op, CUdeviceptr block);

int64_t conv_matrix_values(const struct rn_conv *c); /* of an image, in the matrix of windows */
int conv_prepare(struct cuda *c, struct op *op);     /* takes the memory for its matrix */
int conv_launch(struct cuda *c, const struct op *op);

bool is_link(const struct op *op); /* of a chain */
/* Decides which of n operations are done together, and finds or makes the kernels of chains. */
int chains_plan(struct cuda *c, struct op *op, int n);
int chains_compile(struct cuda *c); /* those that are not yet, in one program */
int chain_launch(struct cuda *c, const struct op *op, CUdeviceptr block);
int kernels_load(struct cuda *c);
void modules_free(struct cuda *c);

/* Notes whose error it was, unless there was one before; returns status. */
int note_fault(struct cuda *c, int status, uint32_t tag, bool exact);

#endif
