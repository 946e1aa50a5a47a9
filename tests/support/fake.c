/* fake.c - plugins with options and nothing to do, for tests of how files are read: their names,
 * ranges and words stay as they are, whatever the real ones become. fakes.h lays them out. */
#include <runner/dataset.h>
#include <runner/device.h>
#include <runner/layer.h>
#include <runner/loss.h>
#include <runner/optimizer.h>
#include <runner/option.h>
#include <runner/reporter.h>

static int nothing(void) { return RN_EUNSUPPORTED; }

#define FUNCTIONS 32 /* as many as the longest ops have, and some */
struct ops {
    uint32_t size, zero;
    int (*fn[FUNCTIONS])(void);
};
_Static_assert(sizeof(struct ops) >= sizeof(struct rn_device_ops), "more functions");
#define OPS(theirs) \
    { \
        .size = sizeof(theirs), .fn = { \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing, \
            nothing \
        } \
    }
static const struct ops device_ops = OPS(struct rn_device_ops),
                        layer_ops = OPS(struct rn_layer_ops), loss_ops = OPS(struct rn_loss_ops),
                        optimizer_ops = OPS(struct rn_optimizer_ops),
                        dataset_ops = OPS(struct rn_dataset_ops),
                        reporter_ops = OPS(struct rn_reporter_ops);

#define PLAIN(name_, kind_, ops_) \
    RN_PLUGIN_PLAIN(kind_), .name = name_, .version = "1", .license = "MIT", .summary = "a fake", \
                            .ops = &ops_
#define WITH(name_, kind_, ops_, struct_, rows) \
    RN_PLUGIN_HEAD(kind_, struct_), .name = name_, .version = "1", .license = "MIT", \
                                    .summary = "a fake", .ops = &ops_, .options = rows

/* ---- devices -------------------------------------------------------------- */

struct cpu {
    int64_t threads;
};
static const struct rn_option cpu_rows[] = {
    RN_INT(struct cpu, threads, "0", 0, 1024, NULL, "0 is all that there are"), RN_END};
static const struct rn_plugin cpu = {WITH("cpu", RN_KIND_DEVICE, device_ops, struct cpu, cpu_rows),
                                     .traits = RN_TRAIT_DEFAULT};

/* ---- layers --------------------------------------------------------------- */

static const struct rn_choice inits[] = {
    {"uniform", 1, "kaiming"}, {"zeros", 2, "nothing"}, {NULL, 0, NULL}};
struct dense {
    int64_t units, init, memory;
    bool bias;
    struct rn_ints shape;
    double scale;
};
static const struct rn_option dense_rows[] = {
    RN_INT(struct dense, units, NULL, 1, 16777216, NULL, "width of the output"),
    RN_BOOL(struct dense, bias, "true", "adds one number to each output"),
    RN_CHOICE(struct dense, init, "uniform", inits, "how the weights begin"),
    RN_INTS(struct dense, shape, "1", 1, 3, "of what comes out"),
    RN_FLOAT(struct dense, scale, "1", 0, 10, RN_OPT_OPEN_MIN, NULL, "of the weights"),
    RN_SIZE(struct dense, memory, "1 MiB", 0, 1e12, "at most so much"),
    RN_END};
static const struct rn_plugin dense = {WITH("dense", RN_KIND_LAYER, layer_ops, struct dense,
                                            dense_rows)},
                              relu = {PLAIN("relu", RN_KIND_LAYER, layer_ops)},
                              flatten = {PLAIN("flatten", RN_KIND_LAYER, layer_ops)},
                              softmax = {PLAIN("softmax", RN_KIND_LAYER, layer_ops),
                                         .traits = RN_TRAIT_PROBABILITIES};

struct dropout {
    double rate;
};
static const struct rn_option dropout_rows[] = {
    RN_FLOAT(struct dropout, rate, "0.5", 0, 1, RN_OPT_OPEN_MAX, NULL, "share that is zeroed"),
    RN_END};
static const struct rn_plugin dropout = {
    WITH("dropout", RN_KIND_LAYER, layer_ops, struct dropout, dropout_rows)};

struct residual {
    struct rn_layers layers, shortcut;
};
static const struct rn_option residual_rows[] = {
    RN_LAYERS(struct residual, layers, NULL, "what is added to the shortcut"),
    RN_LAYERS(struct residual, shortcut, "[]", "what the input goes through beside them"), RN_END};
static const struct rn_plugin residual = {
    WITH("residual", RN_KIND_LAYER, layer_ops, struct residual, residual_rows)};

/* ---- losses, optimizers --------------------------------------------------- */

static const struct rn_plugin cross_entropy = {PLAIN("cross_entropy", RN_KIND_LOSS, loss_ops),
                                               .traits = RN_TRAIT_WANTS_LOGITS},
                              mse = {PLAIN("mse", RN_KIND_LOSS, loss_ops)};

struct adam {
    double lr, beta1;
    struct rn_span_value warmup;
};
static const struct rn_option adam_rows[] = {
    RN_FLOAT(struct adam, lr, "0.001", 0, 1000, RN_OPT_OPEN_MIN, NULL, "learning rate"),
    RN_FLOAT(struct adam, beta1, "0.9", 0, 1, RN_OPT_OPEN_MAX, NULL, "decay of the mean"),
    RN_SPAN(struct adam, warmup, "0 steps", "until lr is reached"), RN_END};
static const struct rn_plugin adam = {
    WITH("adam", RN_KIND_OPTIMIZER, optimizer_ops, struct adam, adam_rows)};

struct sgd {
    double lr, momentum;
};
static const struct rn_option sgd_rows[] = {
    RN_FLOAT(struct sgd, lr, NULL, 0, 1000, RN_OPT_OPEN_MIN, NULL, "learning rate"),
    RN_FLOAT(struct sgd, momentum, "0", 0, 1, RN_OPT_OPEN_MAX, NULL, "share of the last step"),
    RN_END};
static const struct rn_plugin sgd = {
    WITH("sgd", RN_KIND_OPTIMIZER, optimizer_ops, struct sgd, sgd_rows)};

/* ---- data, reporters ------------------------------------------------------ */

struct mnist {
    const char *path;
};
static const struct rn_option mnist_rows[] = {
    RN_PATH(struct mnist, path, NULL, RN_OPT_REQUIRED, "folder of the four files"), RN_END};
static const struct rn_plugin mnist = {
    WITH("mnist", RN_KIND_DATASET, dataset_ops, struct mnist, mnist_rows)};

struct html {
    int64_t samples;
};
static const struct rn_option html_rows[] = {
    RN_INT(struct html, samples, "40", 0, 1000, NULL, "images shown"), RN_END};
static const struct rn_plugin console = {PLAIN("console", RN_KIND_REPORTER, reporter_ops),
                                         .traits = RN_TRAIT_DEFAULT, .priority = 10},
                              html = {WITH("html", RN_KIND_REPORTER, reporter_ops, struct html,
                                           html_rows),
                                      .traits = RN_TRAIT_DEFAULT, .priority = 20},
                              csv = {PLAIN("csv", RN_KIND_REPORTER, reporter_ops)};

RN_PLUGINS(&cpu, &dense, &relu, &flatten, &softmax, &dropout, &residual, &cross_entropy, &mse,
           &adam, &sgd, &mnist, &console, &html, &csv);
