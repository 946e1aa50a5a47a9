/* chain.c - which operations are done by one kernel, and their launch. Nothing of a result depends
 * on it: each operation reads and writes what it would have by itself, in the same order of
 * additions. A small operation takes a GPU as long as the next ten: a softmax and its cross entropy
 * are one kernel this way, with no layer knowing of it. */
#include "cuda.h"

#include <string.h>

enum { ROW_MAX = 1024 }; /* columns that a warp goes through */

/* ---- what an operation touches ---------------------------------------------------------- */

/* Each thread (or warp) its own: number i touches values at + i * stride and the next of them. */
struct access {
    const rn_real *at;
    int64_t stride, n; /* 0: any of them may touch any of the n */
    bool write;
};
struct accesses {
    int n;
    struct access of[RN_MAP_IN + RN_MAP_OUT];
};

static void add(struct accesses *a, const rn_real *at, int64_t stride, int64_t n, bool write)
{
    a->of[a->n++] = (struct access){at, stride, n, write};
}

static int64_t rows_of(const struct op *op)
{
    return op->does.kind == RN_OP_MAP      ? op->does.map.call.rows
           : op->does.kind == RN_OP_REDUCE ? op->does.reduce.rows
                                           : op->does.argmax.rows;
}

static const int64_t *cols_at(const struct op *op)
{
    return op->does.kind == RN_OP_MAP      ? &op->does.map.call.cols
           : op->does.kind == RN_OP_REDUCE ? &op->does.reduce.cols
                                           : &op->does.argmax.cols;
}

static int64_t cols_of(const struct op *op) { return *cols_at(op); }

static void map_input(const struct op *op, int k, int64_t own, struct accesses *a)
{
    const struct rn_map_call *c = &op->does.map.call;
    const int64_t all = c->rows * c->cols;

    switch (c->span[k]) {
    case RN_EACH: add(a, c->in[k], own, all, false); break;
    case RN_PER_ROW: add(a, c->in[k], own == c->cols ? 1 : 0, c->rows, false); break;
    case RN_PER_COL: add(a, c->in[k], c->rows > 1 ? 0 : own, c->cols, false); break;
    default: add(a, c->in[k], all == 1 ? own : 0, 1, false);
    }
}

static struct accesses accesses_of(const struct op *op, enum chain_way way)
{
    struct accesses a = {0};
    const int64_t rows = rows_of(op), cols = cols_of(op);
    const int64_t own = way == BY_ELEMENT ? 1 : way == BY_ROW ? cols : 0; /* of a thread or warp */

    switch (op->does.kind) {
    case RN_OP_MAP:
        for (int k = 0; k < op->does.map.map->n_in; k++)
            map_input(op, k, own, &a);
        for (int k = 0; k < op->does.map.map->n_out; k++)
            add(&a, op->does.map.call.out[k], own, rows * cols, true);
        break;
    case RN_OP_REDUCE:
        add(&a, op->does.reduce.in, cols, rows * cols, false);
        add(&a, op->does.reduce.out, 1, rows, true);
        break;
    default:
        add(&a, op->does.argmax.in, cols, rows * cols, false);
        add(&a, op->does.argmax.out, 1, rows, true);
    }
    return a;
}

static bool conflict(const struct access *a, const struct access *b)
{
    const uintptr_t a0 = (uintptr_t)a->at, a1 = (uintptr_t)(a->at + a->n);
    const uintptr_t b0 = (uintptr_t)b->at, b1 = (uintptr_t)(b->at + b->n);

    return (a->write || b->write) && a0 < b1 && b0 < a1 &&
           !(a->at == b->at && a->stride == b->stride && a->stride);
}

static bool conflicts(const struct op *a, const struct op *b, enum chain_way way)
{
    const struct accesses of_a = accesses_of(a, way), of_b = accesses_of(b, way);

    for (int i = 0; i < of_a.n; i++)
        for (int j = 0; j < of_b.n; j++)
            if (conflict(&of_a.of[i], &of_b.of[j]))
                return true;
    return false;
}

/* ---- what is done together ------------------------------------------------------------------ */

bool is_link(const struct op *op)
{
    return op->does.kind == RN_OP_MAP || op->does.kind == RN_OP_ARGMAX ||
           (op->does.kind == RN_OP_REDUCE && op->does.reduce.over == RN_PER_ROW);
}

/* Where it writes is known beforehand. */
static bool stays(const struct op *op)
{
    bool moves = op->does.kind == RN_OP_REDUCE && op->does.reduce.out_from;

    for (int k = 0; op->does.kind == RN_OP_MAP && k < op->does.map.map->n_out; k++)
        moves |= op->does.map.call.out_from[k];
    return !moves;
}

static bool suits(const struct op *first, const struct op *op, enum chain_way way)
{
    if (way == BY_ROW)
        return rows_of(op) == rows_of(first) && cols_of(op) <= ROW_MAX;
    return op->does.kind == RN_OP_MAP &&
           (way == BESIDE || (rows_of(op) == rows_of(first) && cols_of(op) == cols_of(first)));
}

static bool joins(const struct op *first, const struct op *op, enum chain_way way)
{
    if (!is_link(op) || !stays(op) || !suits(first, op, way))
        return false;
    for (const struct op *before = first; before < op; before++)
        if (conflicts(before, op, way))
            return false;
    return true;
}

/* How many operations, from the first of n on, one kernel can do that way; 0: not even that. */
static int run_of(const struct op *op, int n, enum chain_way way)
{
    int run = 1;

    if (way != BY_ROW && op->does.kind != RN_OP_MAP)
        return 0;
    if (!stays(op) || !suits(op, op, way))
        return 1;
    while (run < n && run < CHAIN_MAX && joins(op, op + run, way))
        run++;
    return run;
}

/* ---- forms ---------------------------------------------------------------------------------- */

static struct link_form link_of(const struct op *op)
{
    struct link_form l = {.kind = op->does.kind};

    if (op->does.kind == RN_OP_REDUCE)
        l.reduction = op->does.reduce.op;
    if (op->does.kind != RN_OP_MAP)
        return l;
    l.map = op->does.map.map;
    memcpy(l.span, op->does.map.call.span, (size_t)l.map->n_in);
    for (int k = 0; k < l.map->n_out; k++)
        l.adds[k] = op->does.map.call.beta[k] != 0;
    return l;
}

static struct chain_form form_of(const struct op *op, int n, enum chain_way way)
{
    struct chain_form f = {.n = n, .way = (uint8_t)way};

    for (int i = 0; i < n; i++) {
        f.wide |= way != BY_ROW && rows_of(op + i) * cols_of(op + i) > INT32_MAX - THREADS;
        f.link[i] = link_of(op + i);
    }
    return f;
}

static bool same_map(const struct rn_map *a, const struct rn_map *b)
{
    return a == b || (a && b && a->n_in == b->n_in && a->n_out == b->n_out &&
                      a->uses_u == b->uses_u && !strcmp(a->body, b->body));
}

static bool same(const struct chain_form *a, const struct chain_form *b)
{
    bool equal = a->n == b->n && a->way == b->way && a->wide == b->wide;

    for (int i = 0; i < a->n && equal; i++) {
        const struct link_form *x = &a->link[i], *y = &b->link[i];
        equal = x->kind == y->kind && x->reduction == y->reduction && same_map(x->map, y->map) &&
                !memcmp(x->span, y->span, sizeof x->span) &&
                !memcmp(x->adds, y->adds, sizeof x->adds);
    }
    return equal;
}

static int find_kernel(struct cuda *c, const struct chain_form *form,
                       const struct chain_kernel **out)
{
    for (struct chain_kernel *k = c->chains; k; k = k->next)
        if (same(&k->form, form)) {
            *out = k;
            return RN_OK;
        }
    struct chain_kernel *k = rn_host->alloc(sizeof *k);
    if (!k)
        return RN_ENOMEM;
    *k = (struct chain_kernel){.next = c->chains, .form = *form};
    *out = c->chains = k;
    c->chains_pending = true;
    return RN_OK;
}

int chains_plan(struct cuda *c, struct op *op, int n)
{
    for (int i = 0; i < n; i += op[i].group) {
        op[i].group = 1;
        if (!is_link(&op[i]))
            continue;
        int most = 0;
        enum chain_way best = BY_ROW;
        for (int way = BY_ELEMENT; way < WAYS; way++) {
            int run = run_of(&op[i], n - i, (enum chain_way)way);
            if (run > most) {
                most = run;
                best = (enum chain_way)way;
            }
        }
        const struct chain_form form = form_of(&op[i], most, best);
        op[i].group = most;
        RN_TRY(find_kernel(c, &form, &op[i].chain));
    }
    return RN_OK;
}

/* ---- launches -------------------------------------------------------------------------------- */

/* Parameters as chain_source() lists them, and room for those that are made for the launch. */
struct arguments {
    void *at[4 + CHAIN_MAX * (3 + RN_MAP_IN + 2 * RN_MAP_OUT + 2 * RN_MAP_ARG + 2)];
    uint32_t word[CHAIN_MAX * (RN_MAP_OUT + RN_MAP_ARG + 2)];
    int n, words;
};

static void pass(struct arguments *a, const void *value)
{
    a->at[a->n++] = (void *)(uintptr_t)value;
}

static void pass_word(struct arguments *a, uint32_t word)
{
    a->word[a->words] = word;
    pass(a, &a->word[a->words++]);
}

static void pass_map(struct arguments *a, const struct op *op)
{
    const struct rn_map *map = op->does.map.map;
    const struct rn_map_call *call = &op->does.map.call;

    for (int k = 0; k < map->n_in; k++)
        pass(a, &call->in[k]);
    for (int k = 0; k < map->n_out; k++) {
        pass(a, &call->out[k]);
        pass_word(a, call->out_from[k]);
    }
    for (int k = 0; k < RN_MAP_ARG; k++)
        if (map_names_argument(map, k)) {
            pass(a, &call->arg[k]);
            pass_word(a, call->arg_from[k]);
        }
    if (map->uses_u) {
        pass(a, &call->key);
        pass_word(a, call->draw_from);
    }
}

static void pass_link(struct arguments *a, const struct op *op)
{
    switch (op->does.kind) {
    case RN_OP_MAP: pass_map(a, op); break;
    case RN_OP_REDUCE:
        pass(a, &op->does.reduce.in);
        pass(a, &op->does.reduce.out);
        pass_word(a, op->does.reduce.out_from);
        pass(a, &op->does.reduce.beta);
        break;
    default: pass(a, &op->does.argmax.in); pass(a, &op->does.argmax.out);
    }
}

int chain_launch(struct cuda *c, const struct op *op, CUdeviceptr block)
{
    struct arguments a = {0};
    const enum chain_way way = (enum chain_way)op->chain->form.way;
    int64_t count[CHAIN_MAX], n = way == BY_ROW ? rows_of(op) : rows_of(op) * cols_of(op);
    int64_t blocks = way == BESIDE ? 0 : ceil_div(n, way == BY_ROW ? WARPS : THREADS);

    pass(&a, &c->mark);
    pass(&a, &op->does.tag);
    pass(&a, &block);
    pass(&a, &n);
    for (int i = 0; i < op->group; i++) {
        pass(&a, cols_at(op + i));
        if (way == BESIDE) {
            count[i] = rows_of(op + i) * cols_of(op + i);
            blocks += ceil_div(count[i], THREADS);
            pass_word(&a, (uint32_t)blocks);
            pass(&a, &count[i]);
        }
        pass_link(&a, op + i);
    }
    return launch(c, op->chain->function, blocks, 1, a.at);
}
