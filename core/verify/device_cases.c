/* device_cases.c - which cases are worth a try, how much of a difference rounding explains, and
 * what a case is called. */
#include "device_cases.h"

#include "base/error.h"

#include <runner/device.h>

#include <float.h>
#include <math.h>
#include <stdio.h>

struct to { /* who is to have them */
    case_visit *visit;
    void *ctx;
};

static int put(const struct to *to, struct device_case c) { return to->visit(to->ctx, &c); }

static const int64_t sizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 127, 129, 255, 1000};
enum { SIZES = sizeof sizes / sizeof *sizes };
enum { FEW = 9000 }; /* elements: what all pairs of sizes are tried up to */

/* ---- the operations -------------------------------------------------------------- */

static const double betas[] = {0, 1, 0.5};

static int gemms(const struct to *to, int part)
{
    for (int j = 0; j < SIZES; j++)
        for (int t = 0; t < 4; t++) {
            struct device_case c = {.op = CASE_GEMM,
                                    .rows = sizes[part],
                                    .cols = sizes[j],
                                    .k = sizes[(5 * part + 3 * j + 7 * t) % SIZES],
                                    .pad = (part + j + t) % 3,
                                    .beta = betas[(part + 2 * j + t) % 3],
                                    .ta = t & 1,
                                    .tb = t >> 1};

            while (c.k > 1 && c.rows * c.cols * c.k > 200000)
                c.k /= 2;
            if (c.rows * c.cols <= FEW || !t)
                TRY(put(to, c));
        }
    return RN_OK;
}

/* long sums, on few results */
static int gemm_sums_long_rows(const struct to *to, int part)
{
    static const int64_t k[] = {1024, 1025, 4096};

    for (int t = 0; t < 4; t++)
        TRY(put(
            to,
            (struct device_case){
                .op = CASE_GEMM, .rows = 5, .cols = 33, .k = k[part], .ta = t & 1, .tb = t >> 1}));
    return RN_OK;
}

/* rows of operands that lie 512 and 1024 values apart; loop: both transposed or not */
static int gemm_of_rows_pages_apart(const struct to *to, int part)
{
    static const int64_t shape[][3] = {/* m, n, k */ {20, 512, 300},
                                       {40, 1024, 257},
                                       {15, 512, 9},
                                       {1024, 70, 65},
                                       {1024, 512, 20},
                                       {512, 20, 512},
                                       {70, 10, 1024}};

    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        TRY(put(to, (struct device_case){.op = CASE_GEMM,
                                         .rows = shape[i][0],
                                         .cols = shape[i][1],
                                         .k = shape[i][2],
                                         .beta = betas[i % 3],
                                         .ta = part & 1,
                                         .tb = part >> 1}));
    TRY(put(to, (struct device_case){.op = CASE_GEMM,
                                     .rows = 300,
                                     .cols = 100,
                                     .k = 40,
                                     .pad = 206,
                                     .ta = part & 1,
                                     .tb = part >> 1}));
    return RN_OK;
}

static int maps(const struct to *to, int part)
{
    for (int j = 0; j < SIZES; j++) {
        int64_t rows = sizes[part], cols = sizes[j];

        if (rows * cols > FEW)
            break;
        for (int moves = 0; moves < 2; moves++)
            TRY(put(to, (struct device_case){.op = CASE_SIX,
                                             .rows = rows,
                                             .cols = cols,
                                             .span = (part * SIZES + j) * 37,
                                             .beta = betas[(part + j) % 3],
                                             .moves = moves}));
        TRY(put(to, (struct device_case){.op = CASE_CURVE, .rows = rows, .cols = cols}));
        TRY(put(to, (struct device_case){.op = CASE_PLACE, .rows = rows, .cols = cols}));
        TRY(put(to,
                (struct device_case){.op = CASE_DRAW, .rows = rows, .cols = cols, .moves = j & 1}));
        for (int apart = 0; apart < 2; apart++)
            TRY(put(to, (struct device_case){
                            .op = CASE_TASK, .rows = rows, .cols = cols, .apart = apart}));
        TRY(put(to, (struct device_case){.op = CASE_FILL, .rows = rows, .cols = cols}));
    }
    return RN_OK;
}

static int reduces(const struct to *to, int part)
{
    static const int over[] = {RN_PER_ROW, RN_PER_COL, RN_ONE};

    for (int j = 0; j < SIZES && sizes[part] * sizes[j] <= FEW; j++)
        for (int k = 0; k < 9; k++)
            TRY(put(to, (struct device_case){.op = CASE_REDUCE,
                                             .rows = sizes[part],
                                             .cols = sizes[j],
                                             .op_code = k % 3,
                                             .over = over[k / 3],
                                             .beta = betas[(part + j + k) % 3],
                                             .moves = (part + j + k) % 2}));
    return RN_OK;
}

/* more rows, or values, than one piece holds; pieces of the columns, too */
static int long_reduces(const struct to *to, int part)
{
    static const int64_t shape[][2] = {{3000, 1},  {2047, 16},  {2048, 17}, {2600, 64},
                                       {5001, 33}, {2100, 150}, {1, 70000}, {70001, 1}};

    for (int k = 0; k < 6; k++)
        TRY(put(to, (struct device_case){.op = CASE_REDUCE,
                                         .rows = shape[part][0],
                                         .cols = shape[part][1],
                                         .op_code = k % 3,
                                         .over = k < 3 ? RN_PER_COL : RN_ONE,
                                         .beta = betas[(part + k) % 3],
                                         .moves = (part + k) % 2}));
    return RN_OK;
}

static int gathers(const struct to *to, int part)
{
    for (int j = 0; j < SIZES && sizes[part] * sizes[j] <= FEW; j++)
        for (int k = 0; k < 8; k++)
            TRY(put(to, (struct device_case){.op = CASE_GATHER,
                                             .rows = sizes[part],
                                             .cols = sizes[j] * (k & 2 ? 3 : 1),
                                             .dtype = k & 1 ? RN_U8 : RN_F32,
                                             .channels = k & 2   ? 3
                                                         : k & 4 ? 1
                                                                 : 0,
                                             .span = (part + j) % 4,
                                             .moves = k & 4}));
    return RN_OK;
}

static int argmaxs(const struct to *to, int part)
{
    for (int j = 0; j < SIZES; j++)
        TRY(put(to,
                (struct device_case){.op = CASE_ARGMAX, .rows = sizes[part], .cols = sizes[j]}));
    return RN_OK;
}

static const int64_t channel_counts[] = {1, 3, 8, 16, 17};
static const int64_t batches[] = {1, 2, 5, 33};
static const int images[][2] = {{9, 7}, {5, 11}, {13, 6}};
enum { CHANNELS = sizeof channel_counts / sizeof *channel_counts };

/* padding 0: none, 1: to the same size, 2: another on each side */
static struct case_window any_window(int kernel, int stride, int padding, int mix)
{
    struct case_window w = {.h = images[mix % 3][0],
                            .w = images[mix % 3][1],
                            .kernel_h = kernel,
                            .kernel_w = mix % 4 ? kernel : 1,
                            .stride = stride,
                            .dilation = kernel == 3 && padding && mix % 3 == 1 ? 2 : 1};

    if (padding == 1)
        w.top = w.left = w.bottom = w.right = (kernel - 1) * w.dilation / 2;
    if (padding == 2 && kernel > 1) {
        w.bottom = w.right = 1;
        w.left = kernel / 2;
    }
    w.left = w.left < w.kernel_w ? w.left : 0;
    w.right = w.right < w.kernel_w ? w.right : 0;
    return w;
}

/* loop: channels */
static int convs(const struct to *to, int part)
{
    int64_t channels = channel_counts[part];

    for (int k = 0; k < 3 * 2 * 3 * 3; k++) {
        int pass = k % 3, mix = k / 3 + 5 * part + k / 18;
        struct device_case c = {.op = CASE_CONV,
                                .op_code = pass,
                                .rows = batches[mix % 4],
                                .cols = channel_counts[(mix / 2) % CHANNELS],
                                .channels = channels,
                                .groups = 1,
                                .window =
                                    any_window(1 + 2 * (k / 3 % 3), 1 + k / 9 % 2, k / 18, mix),
                                .bias = pass == RN_CONV_FORWARD && mix % 3 != 2,
                                .beta = pass == RN_CONV_FORWARD ? 0 : betas[(mix + pass) % 3]};

        TRY(put(to, c));
        if (channels == 1 || k % 4)
            continue;
        c.groups = (int)channels; /* each channel alone, one filter or two */
        c.cols = channels * (1 + mix % 2);
        TRY(put(to, c));
        c.groups = channels % 2 ? 1 : 2;
        c.cols = 10;
        TRY(put(to, c));
    }
    return RN_OK;
}

/* loop: channels */
static int pools(const struct to *to, int part)
{
    for (int k = 0; k < 2 * 3 * 2 * 3 * 2; k++) {
        int mix = k + 3 * part + k / 12;
        struct device_case c = {.op = CASE_POOL,
                                .op_code = k % 2 ? RN_POOL_AVERAGE : RN_POOL_MAX,
                                .rows = batches[mix % 4],
                                .channels = channel_counts[part],
                                .groups = 1,
                                .window =
                                    any_window(2 + k / 2 % 3, 1 + k / 6 % 2, k / 12 % 3, mix)};

        c.inside = c.op_code == RN_POOL_AVERAGE && mix % 2;
        c.odd_values = c.op_code == RN_POOL_MAX && mix % 3 != 2;
        TRY(put(to, c));
        c.back = true;
        c.beta = betas[mix % 3];
        TRY(put(to, c));
    }
    return RN_OK;
}

static int large_ones(const struct to *to, int part)
{
    static const int64_t large[][2] = {{1000, 1000}, {1000, 255}, {255, 1000}, {1, 100000}};
    int64_t rows = large[part][0], cols = large[part][1];

    for (int over = RN_PER_COL; over <= RN_ONE; over++)
        TRY(put(
            to,
            (struct device_case){
                .op = CASE_REDUCE, .rows = rows, .cols = cols, .op_code = over % 3, .over = over}));
    TRY(put(
        to,
        (struct device_case){
            .op = CASE_SIX, .rows = rows, .cols = cols, .span = 0x1e4, .beta = 1, .moves = true}));
    TRY(put(to, (struct device_case){
                    .op = CASE_GATHER, .rows = rows, .cols = 255, .dtype = RN_U8, .channels = 1}));
    TRY(put(to, (struct device_case){.op = CASE_FILL, .rows = rows, .cols = cols}));
    TRY(put(to, (struct device_case){.op = CASE_ARGMAX, .rows = rows, .cols = cols}));
    TRY(put(to, (struct device_case){.op = CASE_TASK, .rows = rows, .cols = cols}));
    return RN_OK;
}

static const struct {
    int (*make)(const struct to *to, int part);
    int parts;
} groups[] = {
    {gemms, SIZES},   {gemm_sums_long_rows, 3}, {gemm_of_rows_pages_apart, 4},
    {maps, SIZES},    {reduces, SIZES},         {long_reduces, 8},
    {gathers, SIZES}, {convs, CHANNELS},        {pools, CHANNELS},
    {argmaxs, SIZES}, {large_ones, 4},
};
enum { GROUPS = sizeof groups / sizeof *groups };

int device_cases(int part, case_visit *visit, void *ctx)
{
    const struct to to = {visit, ctx};

    for (int g = 0; g < GROUPS; part -= groups[g++].parts)
        if (part < groups[g].parts)
            return groups[g].make(&to, part);
    return RN_EINVAL;
}

int device_case_parts(void)
{
    int n = 0;

    for (int g = 0; g < GROUPS; g++)
        n += groups[g].parts;
    return n;
}

/* ---- comparing ------------------------------------------------------------------ */

const char *device_case_op(enum case_op op)
{
    static const char *const name[] = {"fill",   "gemm",   "six",    "curve", "place", "draw",
                                       "reduce", "gather", "argmax", "task",  "conv",  "pool"};

    return name[op];
}

const char *device_case_text(const struct device_case *c)
{
    static char text[400];
    const struct case_window *w = &c->window;
    int n = snprintf(
        text, sizeof text,
        "%s %dx%d k %d pad %d beta %g ta %d tb %d op %d over %d span %d dtype %d channels %d%s",
        device_case_op(c->op), (int)c->rows, (int)c->cols, (int)c->k, (int)c->pad, c->beta, c->ta,
        c->tb, c->op_code, c->over, c->span, c->dtype, (int)c->channels,
        c->moves ? ", moving" : "");

    if (c->op == CASE_CONV || c->op == CASE_POOL)
        snprintf(
            text + n, sizeof text - (size_t)n,
            ", image %dx%d kernel %dx%d stride %d dilation %d padding %d %d %d %d groups %d%s%s"
            "%s%s",
            w->h, w->w, w->kernel_h, w->kernel_w, w->stride, w->dilation, w->top, w->left,
            w->bottom, w->right, c->groups, c->bias ? " bias" : "", c->back ? " back" : "",
            c->inside ? " inside" : "", c->odd_values ? " odd" : "");
    return text;
}

/* how many products one value of a convolution's result adds up */
static double products(const struct device_case *c)
{
    const struct case_window *w = &c->window;
    double taps = (double)w->kernel_h * w->kernel_w;

    if (c->op_code == RN_CONV_FORWARD)
        return taps * (double)(c->channels / c->groups) + 1;
    return c->op_code == RN_CONV_GRAD_INPUT ? taps * (double)(c->cols / c->groups) + 1
                                            : (double)c->rows * w->h * w->w + 1;
}

/* How many roundings, as a multiple of FLT_EPSILON, of the result on absolute values. */
double device_case_roundings(const struct device_case *c)
{
    int64_t n = c->over == RN_PER_ROW   ? c->cols
                : c->over == RN_PER_COL ? c->rows
                                        : c->rows * c->cols;
    switch (c->op) {
    case CASE_GEMM: return 8 * sqrt((double)c->k);
    case CASE_REDUCE: return c->op_code == RN_MAX && c->beta == 0 ? 0 : 4 * sqrt((double)n);
    case CASE_SIX: return 4;
    case CASE_CURVE: return 1e-6 / (double)FLT_EPSILON;
    case CASE_TASK: return 4;
    case CASE_GATHER: return c->channels ? 4 : 0;
    case CASE_CONV: return 8 * sqrt(products(c));
    case CASE_POOL: return c->op_code == RN_POOL_AVERAGE || c->back ? 16 : 0;
    default: return 0;
    }
}

void device_case_compare(double bound, const double *got, const double *want, const double *room,
                         int64_t n, struct case_gap *out)
{
    *out = (struct case_gap){.at = -1};
    for (int64_t i = 0; i < n; i++) {
        double off = fabs(got[i] - want[i]), most = bound * fabs(room[i]);
        double worst = got[i] == want[i] || (isnan(got[i]) && isnan(want[i])) ? 0
                       : isfinite(off) && most > 0                            ? off / most
                                                                              : INFINITY;

        if (worst > out->worst) {
            out->worst = worst;
            out->at = i;
        }
        if (want[i] != 77 && isfinite(off) && isfinite(room[i])) { /* no guard */
            out->error += off * off;
            out->norm += room[i] * room[i];
        }
    }
}
