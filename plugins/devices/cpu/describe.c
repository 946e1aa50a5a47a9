/* describe.c - what an operation takes and is called, where it is done in several steps. */
#include "cpu.h"

#define REAL ((double)sizeof(rn_real))

struct rn_cost op_cost(const struct op *op)
{
    const bool of_sum = op->does.kind == RN_OP_REDUCE && op->step == REDUCE_ADD_UP;

    if (op->does.kind == RN_OP_CONV && op->step != CONV_PIECES)
        return (struct rn_cost){0, REAL * (double)op->v->count *
                                       (op->step == CONV_ARRANGE ? 2 : 1 + (double)op->v->pieces)};
    return of_sum ? (struct rn_cost){0, 0} : rn_operation_cost(&op->does);
}

void op_describe(const struct op *op, struct rn_op_info *out)
{
    const struct rn_cost cost = op_cost(op);
    const char *step = "";

    if (op->does.kind == RN_OP_REDUCE && op->step == REDUCE_ADD_UP)
        step = ", pieces";
    if (op->does.kind == RN_OP_CONV && op->step != CONV_PIECES)
        step = op->step == CONV_ARRANGE ? ", order" : ", pieces";
    rn_operation_info(&op->does, out);
    strncat(out->name, step, sizeof out->name - strlen(out->name) - 1);
    out->flops = cost.flops;
    out->bytes = cost.bytes;
}
