/* plan.c - how a list of operations is walked: what is done together, whose units are whose, and by
 * how many threads. None of it changes a result: units are the same whoever does them. */
#include "cpu.h"

#define NEAR_BYTES   65536.0 /* that stay near from one operation of a group to the next */
#define CLAIMS       8       /* for each thread, so that they end at about the same time */
#define MEET_NS      600.0   /* of threads at a barrier */
#define OPERATION_NS 60.0

/* ---- what an operation takes -------------------------------------------------------- */

/* About what one thread takes for it. */
static double op_ns(const struct op *op)
{
    const struct rn_cost c = op_cost(op);
    const struct rn_window *w = &op->does.pool.window;
    double values = c.bytes / sizeof(rn_real) * 0.15;

    switch (op->does.kind) {
    case RN_OP_GEMM:
    case RN_OP_CONV: return OPERATION_NS + fmax(c.flops / 60, values);
    case RN_OP_POOL:
        return OPERATION_NS + 0.5 * (double)op->does.pool.rows *
                                  (double)rn_values_out(w, w->channels) * w->kernel_h * w->kernel_w;
    case RN_OP_MAP:
        return OPERATION_NS + values +
               0.3 * (double)op->does.map.call.rows * (double)op->does.map.call.cols;
    case RN_OP_TASK: return 1e6; /* who knows */
    default: return OPERATION_NS + values;
    }
}

/* With several, each operation takes as long as the thread with the most units. */
static bool one_is_quicker(const struct op_list *list, int threads)
{
    double alone = 0, together = 2 * MEET_NS; /* to begin and to end */

    for (int i = 0; i < list->n; i++) {
        const struct op *op = &list->op[i];
        double ns = op_ns(op), units = (double)share_units(&op->share);
        alone += ns;
        together += ns * ceil(units / threads) / fmax(1, units) + (op->barrier ? MEET_NS : 0);
    }
    return threads == 1 || alone <= together;
}

/* ---- groups --------------------------------------------------------------------------- */

/* Memory that a unit of op goes through. */
static double unit_bytes(const struct op *op)
{
    return op_cost(op).bytes / (double)share_units(&op->share);
}

/* With no barrier between them and the same units: each reads what is still near. */
static bool joins(const struct op *one, const struct op *next)
{
    return !next->barrier && one->share.axis <= BY_ROWS && next->share.axis <= BY_ROWS &&
           share_units(&one->share) == share_units(&next->share);
}

static void group(struct op_list *list, int i)
{
    struct op *op = &list->op[i];
    double bytes = fmax(1, unit_bytes(op)), units = (double)share_units(&op->share);

    for (op->group = 1; i + op->group < list->n && joins(op, op + op->group); op->group++)
        bytes = fmax(bytes, unit_bytes(op + op->group));
    op->chunk = (int64_t)fmax(1, op->group > 1 ? fmin(units, NEAR_BYTES / bytes) : units);
}

/* Between two barriers nothing else: then nobody has to do the units that are his, and a thread
 * that is held up holds up nobody. */
static void open_to_all(struct op_list *list, int i, int threads)
{
    struct op *op = &list->op[i];
    int64_t units = share_units(&op->share), some = units / (CLAIMS * threads);
    int next = i + op->group;

    if ((i && !op->barrier) || (next < list->n && !list->op[next].barrier) || some < 1)
        return;
    op->claimed = true;
    op->chunk = op->group > 1 && op->chunk < some ? op->chunk : some;
}

void plan_list(struct op_list *list, int threads, bool always)
{
    list->threads = !always && one_is_quicker(list, threads) ? 1 : threads;
    for (int i = 0; i < list->n; i += list->op[i].group) {
        group(list, i);
        if (list->threads > 1)
            open_to_all(list, i, list->threads);
    }
}
