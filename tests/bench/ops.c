/* ops.c - how long the operations of one training step take on the CPU device, each by itself: the
 * convolutional network of PyTorch's MNIST example, batch 64. Prints for each the fastest of many
 * runs, which a busy machine disturbs least, and the rate that it amounts to.
 *
 *   bench_ops [THREADS [MILLISECONDS]]      threads: 1; how long each is repeated: 300 */
#define _GNU_SOURCE
#include "support/cpu.h"

#include <runner/layer.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BATCH = 64, ROOM = 8 << 20 };
enum { X, Y, Z, W, SMALL, BUFFERS };

static struct rn_device *dev;
static rn_real *buffer[BUFFERS];
static double limit_s = 0.3, total;
static clockid_t clock_used; /* one thread: the time that it really had */

RN_MAP(relu, 1, 1, 0, y0 = x0 < 0 ? 0 : x0;);
RN_MAP(relu_back, 2, 1, 0, y0 = x0 <= 0 ? 0 : x1;);
RN_MAP(shift, 3, 1, 0, y0 = x0 * x1 + x2;); /* as a normalisation of channels does */

static double now(void)
{
    struct timespec t;

    clock_gettime(clock_used, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(int status)
{
    if (!status)
        return;
    fprintf(stderr, "%s\n", error_text());
    exit(1);
}

/* Records what `ops` enqueues and replays it. work: in floating point operations, or in bytes. */
static void measure(const char *name, void (*ops)(void), double work, const char *unit)
{
    static const struct rn_block block;
    struct rn_recording *rec;
    double best = 1e9, start = now();

    check(dev->ops->capture_begin(dev));
    ops();
    check(dev->ops->capture_end(dev, &rec));
    do {
        double t = now();

        check(dev->ops->replay(dev, rec, &block));
        t = now() - t;
        best = t < best ? t : best;
    } while (now() - start < limit_s);
    dev->ops->discard(dev, rec);
    total += best;
    printf("%-34s %8.3f ms  %7.1f %s\n", name, 1e3 * best, 1e-9 * work / best, unit);
}

/* ---- the operations -------------------------------------------------------------- */

static struct rn_conv conv(int32_t size, int32_t channels, int32_t filters, enum rn_conv_pass pass)
{
    return (struct rn_conv){.window = {.h = size,
                                       .w = size,
                                       .channels = channels,
                                       .out_h = size - 2,
                                       .out_w = size - 2,
                                       .kernel_h = 3,
                                       .kernel_w = 3,
                                       .stride_h = 1,
                                       .stride_w = 1,
                                       .dilation_h = 1,
                                       .dilation_w = 1},
                            .filters = filters,
                            .groups = 1,
                            .rows = BATCH,
                            .x = buffer[X],
                            .w = buffer[W],
                            .y = buffer[Y],
                            .bias = pass == RN_CONV_FORWARD ? buffer[SMALL] : NULL,
                            .pass = (uint8_t)pass};
}

static void do_conv(int32_t size, int32_t channels, int32_t filters, enum rn_conv_pass pass)
{
    struct rn_conv c = conv(size, channels, filters, pass);

    check(dev->ops->conv(dev, &c));
}

static void first_forward(void) { do_conv(28, 1, 32, RN_CONV_FORWARD); }
static void first_weights(void) { do_conv(28, 1, 32, RN_CONV_GRAD_WEIGHT); }
static void second_forward(void) { do_conv(26, 32, 64, RN_CONV_FORWARD); }
static void second_input(void) { do_conv(26, 32, 64, RN_CONV_GRAD_INPUT); }
static void second_weights(void) { do_conv(26, 32, 64, RN_CONV_GRAD_WEIGHT); }

static void bias_of(int64_t rows, int64_t cols)
{
    check(rn_reduce(dev, RN_SUM, RN_PER_COL, rows, cols, buffer[Y], 0, buffer[SMALL]));
}

static void first_bias(void) { bias_of((int64_t)BATCH * 26 * 26, 32); }
static void second_bias(void) { bias_of((int64_t)BATCH * 24 * 24, 64); }

static void forward_relu(int64_t cols)
{
    check(rn_apply(
        dev, &relu,
        (struct rn_map_call){.rows = BATCH, .cols = cols, .in = {buffer[Y]}, .out = {buffer[Y]}}));
}

static void backward_relu(int64_t cols)
{
    check(rn_apply(
        dev, &relu_back,
        (struct rn_map_call){
            .rows = BATCH, .cols = cols, .in = {buffer[Y], buffer[Z]}, .out = {buffer[Z]}}));
}

static void first_relu(void) { forward_relu(26 * 26 * 32); }
static void second_relu(void) { forward_relu(24 * 24 * 64); }
static void first_relu_back(void) { backward_relu(26 * 26 * 32); }
static void second_relu_back(void) { backward_relu(24 * 24 * 64); }

static void do_pool(bool backward)
{
    check(dev->ops->pool(dev, &(struct rn_pool){.window = {.h = 24,
                                                           .w = 24,
                                                           .channels = 64,
                                                           .out_h = 12,
                                                           .out_w = 12,
                                                           .kernel_h = 2,
                                                           .kernel_w = 2,
                                                           .stride_h = 2,
                                                           .stride_w = 2,
                                                           .dilation_h = 1,
                                                           .dilation_w = 1},
                                                .rows = BATCH,
                                                .x = buffer[Y],
                                                .y = buffer[X],
                                                .where = buffer[Z],
                                                .op = RN_POOL_MAX,
                                                .backward = backward}));
}

static void pool(void) { do_pool(false); }
static void pool_back(void) { do_pool(true); }

static void dense(void)
{
    check(rn_gemm(dev, false, false, BATCH, 128, 9216, buffer[X], buffer[W], 0, buffer[SMALL]));
}

static void dense_weights(void)
{
    check(rn_gemm(dev, true, false, 9216, 128, BATCH, buffer[X], buffer[SMALL], 0, buffer[W]));
}

static void dense_input(void)
{
    check(rn_gemm(dev, false, true, BATCH, 9216, 128, buffer[SMALL], buffer[W], 0, buffer[X]));
}

static void channels(int64_t rows, int64_t cols)
{
    check(rn_apply(dev, &shift,
                   (struct rn_map_call){.rows = rows,
                                        .cols = cols,
                                        .in = {buffer[Y], buffer[SMALL], buffer[SMALL] + 256},
                                        .span = {RN_EACH, RN_PER_COL, RN_PER_COL},
                                        .out = {buffer[Y]}}));
}

static void scale_16(void) { channels((int64_t)BATCH * 26 * 26, 16); }
static void scale_64(void) { channels((int64_t)BATCH * 24 * 24, 64); }

static void largest_product(void)
{
    check(rn_gemm(dev, false, false, 1024, 1024, 1024, buffer[X], buffer[W], 0, buffer[Y]));
}

int main(int argc, char **argv)
{
    struct pool *memory = pool_new();
    const double pixels = BATCH * 24 * 24, second = 2 * pixels * 64 * 32 * 9;
    const double first = 2.0 * BATCH * 26 * 26 * 32 * 9, fc = 2.0 * BATCH * 9216 * 128;
    const double act = BATCH * 26 * 26 * 32 * sizeof(rn_real), act2 = pixels * 64 * sizeof(rn_real);

    int threads = argc > 1 ? atoi(argv[1]) : 1;

    clock_used = threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
    dev = test_cpu(memory, threads, false);
    limit_s = argc > 2 ? 1e-3 * atof(argv[2]) : limit_s;
    for (int b = 0; b < BUFFERS; b++) {
        void *p;

        check(dev->ops->alloc(dev, ROOM * sizeof(rn_real), &p));
        buffer[b] = p;
        for (int64_t i = 0; i < ROOM; i++)
            buffer[b][i] = (rn_real)((double)(i * 7919 % 1009) / 500 - 1);
    }
    measure("conv 1x28x28 to 32, forward", first_forward, first, "GFLOP/s");
    measure("  gradient of weights", first_weights, first, "GFLOP/s");
    measure("  gradient of bias", first_bias, act, "GB/s");
    measure("relu of 32x26x26", first_relu, 2 * act, "GB/s");
    measure("  gradient", first_relu_back, 3 * act, "GB/s");
    measure("conv 32x26x26 to 64, forward", second_forward, second, "GFLOP/s");
    measure("  gradient of input", second_input, second, "GFLOP/s");
    measure("  gradient of weights", second_weights, second, "GFLOP/s");
    measure("  gradient of bias", second_bias, act2, "GB/s");
    measure("relu of 64x24x24", second_relu, 2 * act2, "GB/s");
    measure("  gradient", second_relu_back, 3 * act2, "GB/s");
    measure("maxpool of 64x24x24", pool, 1.5 * act2, "GB/s");
    measure("  gradient", pool_back, 1.5 * act2, "GB/s");
    measure("dense 9216 to 128, forward", dense, fc, "GFLOP/s");
    measure("  gradient of weights", dense_weights, fc, "GFLOP/s");
    measure("  gradient of input", dense_input, fc, "GFLOP/s");
    printf("%-34s %8.3f ms  %7.1f GFLOP/s\n", "all of these", 1e3 * total,
           1e-9 * (2 * first + 3 * second + 3 * fc) / total);
    measure("product of 1024 x 1024", largest_product, 2e0 * 1024 * 1024 * 1024, "GFLOP/s");
    measure("channels of 16x26x26 scaled", scale_16, act, "GB/s");
    measure("channels of 64x24x24 scaled", scale_64, 2 * act2, "GB/s");
    dev->ops->close(dev);
    pool_free(memory);
    return 0;
}
