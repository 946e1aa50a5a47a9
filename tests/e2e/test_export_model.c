/* test_export_model.c - models for other programs, read back and held against what the runner
 * itself computes. That PyTorch, numpy and onnxruntime agree stands in tests/full/export.py. */
#define _DEFAULT_SOURCE
#include "base/error.h"
#include "base/file.h"
#include "base/mem.h"
#include "program.h"
#include "support/scores.h"
#include "train/safetensors.h"

#include <math.h>
#include <stdlib.h>
#include <zlib.h>

enum { SAMPLES = 20, PIXELS = 30 };

static const struct net {
    const char *name, *layers;
} nets[] = {
    {"mlp", "[flatten, {type: dense, units: 16}, relu, {type: dense, units: 4}]"},
    {"cnn",
     "[{type: conv2d, filters: 4, kernel: 3, padding: 1}, batchnorm, relu, maxpool2d,"
     " {type: conv2d, filters: 6, kernel: 2, groups: 2, dilation: [2, 1]}, silu, flatten,"
     " {type: dropout, rate: 0.1}, {type: dense, units: 8}, leaky_relu, {type: gelu, approximate: "
     "tanh}, sigmoid, {type: dense, units: 4, bias: false}]"},
    {"sum",
     "[{type: conv2d, filters: 4, kernel: 3, padding: same},"
     " {type: residual, layers: [{type: conv2d, filters: 4, kernel: 3, padding: 1}, batchnorm,"
     " gelu], shortcut: [{type: conv2d, filters: 4, kernel: 1}]}, layernorm, elu,"
     " {type: residual, layers: [tanh]}, {type: avgpool2d, size: 2, padding: 1},"
     " global_avgpool2d, {type: dense, units: 4}, softmax]"},
};
enum { NETS = sizeof nets / sizeof *nets };

static void train(const struct net *net)
{
    char text[2048], line[256];

    int n =
        snprintf(text, sizeof text,
                 "name: %s\nseed: 3\ndata: {type: mnist, path: data, split: {train: 0.8, val: 0.2},"
                 "\n  normalize: {mean: 0.25, std: 0.3}}\nmodel:\n  layers: %s\n"
                 "loss: cross_entropy\noptimizer: {type: adam, lr: 0.01}\n"
                 "train: {epochs: 1, batch_size: 16}\nreporters: []\n",
                 net->name, net->layers);
    ck_assert_int_eq(file_write(in_dir("net.yaml"), text, (uint64_t)n), RN_OK);
    snprintf(line, sizeof line, "net.yaml -q");
    EXPECT_EXIT(0, line);
}

/* *path is the exported file. */
static void export_to(const char *format, char path[PATH_MAX], const char *more)
{
    char line[256];

    snprintf(line, sizeof line, "export latest --to %s%s", format, more);
    EXPECT_EXIT(0, line);
    snprintf(path, PATH_MAX, "%.*s", (int)strcspn(out, "\n"), out);
}

static void *read_all(const char *path, uint64_t *n)
{
    void *data;

    ck_assert_msg(file_read(path, 1 << 24, &data, n) == RN_OK, "%s: %s", path, error_text());
    return data;
}

/* ---- safetensors, npz --------------------------------------------------------------------------
 */

static const char *meta_of(const struct safetensors *st, const char *key)
{
    for (int i = 0; i < st->n_meta; i++)
        if (!strcmp(st->meta[i].key, key))
            return st->meta[i].value;
    return "none";
}

START_TEST(safetensors_say_what_they_are)
{
    struct safetensors st;
    char path[PATH_MAX];

    train(&nets[1]);
    export_to("safetensors", path, "");
    ck_assert_int_eq(safetensors_read(path, &st), RN_OK);
    ck_assert_str_eq(meta_of(&st, "experiment"), "cnn");
    ck_assert_str_eq(meta_of(&st, "format"), "pt");
    ck_assert_str_eq(meta_of(&st, "input"), "1x6x5");
    ck_assert_str_eq(meta_of(&st, "normalize.mean"), "[0.25]");
    ck_assert_str_eq(meta_of(&st, "normalize.std"), "[0.3]");
    ck_assert_str_eq(meta_of(&st, "class_names"), "[\"0\", \"1\", \"2\", \"3\"]");
    ck_assert_str_eq(meta_of(&st, "weights"), "last.safetensors");
    ck_assert_str_eq(meta_of(&st, "run"), strrchr(run_folder("cnn"), '/') + 1);
    EXPECT_TEXT(meta_of(&st, "config"), "sha256:");
    ck_assert_str_eq(st.tensors[0].name, "conv2d1.weight");
    safetensors_free(&st);
    export_to("safetensors", path, " --weights best --file w.safetensors --force --json");
    EXPECT_TEXT(out, "{\"exported\": [\"w.safetensors\"]}");
    ck_assert_int_eq(safetensors_read("w.safetensors", &st), RN_OK);
    ck_assert_str_eq(meta_of(&st, "weights"), "best.safetensors");
    safetensors_free(&st);
}
END_TEST

static uint32_t number(const uint8_t *p, int bytes)
{
    uint32_t v = 0;

    while (bytes--)
        v = v << 8 | p[bytes];
    return v;
}

/* Entry of the directory at *at holds that tensor; what all readers of archives check. */
static void entry_is(const uint8_t *file, uint64_t n, uint64_t *at, const struct st_tensor *t)
{
    const uint8_t *entry = file + *at;
    uint32_t bytes = number(entry + 20, 4), length = number(entry + 28, 2);
    uint64_t local = number(entry + 42, 4), values = 1;
    const uint8_t *data = file + local + 30 + length;
    char name[300], shape[64] = "";

    ck_assert_uint_eq(number(entry, 4), 0x02014B50);
    ck_assert_uint_eq(number(file + local, 4), 0x04034B50);
    ck_assert_int_eq(memcmp(file + local + 4, entry + 6, 26), 0);
    ck_assert_uint_le(local + 30 + length + bytes, n);
    snprintf(name, sizeof name, "%.*s", (int)length, (const char *)entry + 46);
    ck_assert_int_eq(strncmp(name, t->name, strlen(t->name)), 0);
    ck_assert_str_eq(name + strlen(t->name), ".npy");
    ck_assert_int_eq(memcmp(file + local + 30, entry + 46, length), 0);
    ck_assert_uint_eq(number(entry + 16, 4), crc32(0, data, bytes));
    ck_assert_int_eq(memcmp(data, "\x93NUMPY\x01\x00", 8), 0);
    uint32_t head = number(data + 8, 2);
    ck_assert_uint_eq((10 + head) % 64, 0);
    for (int i = 0, k = 0; i < t->rank; i++) {
        k += snprintf(shape + k, sizeof shape - (size_t)k, i ? ", %lld" : "%lld",
                      (long long)t->dim[i]);
        values *= (uint64_t)t->dim[i];
    }
    char *text = strndup((const char *)data + 10, head);
    EXPECT_TEXT(text, "'descr': '<f4', 'fortran_order': False, 'shape': (");
    EXPECT_TEXT(text, shape);
    free(text);
    ck_assert_uint_eq(bytes, 10 + head + values * sizeof(float));
    ck_assert_int_eq(memcmp(data + 10 + head, t->data, values * sizeof(float)), 0);
    *at += 46 + length;
}

START_TEST(npz_holds_the_same_tensors)
{
    struct safetensors st;
    char path[PATH_MAX], weights[PATH_MAX];
    uint64_t n, at;

    train(&nets[2]);
    export_to("safetensors", weights, "");
    export_to("npz", path, " --dir arrays");
    EXPECT_TEXT(path, "arrays/sum-20");
    uint8_t *file = read_all(path, &n);
    const uint8_t *end = file + n - 22;
    ck_assert_int_eq(safetensors_read(weights, &st), RN_OK);
    ck_assert_uint_eq(number(end, 4), 0x06054B50);
    ck_assert_uint_eq(number(end + 10, 2), (uint32_t)st.n);
    at = number(end + 16, 4);
    for (int i = 0; i < st.n; i++)
        entry_is(file, n, &at, &st.tensors[i]);
    ck_assert_ptr_eq(file + at, end);
    safetensors_free(&st);
    mem_free(file);
}
END_TEST

/* ---- programs ----------------------------------------------------------------------------------
 */

static void shell(const char *fmt, ...)
{
    char line[3 * PATH_MAX];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    ck_assert_msg(!system(line), "%s", line);
}

/* Samples that no training has seen. */
static const uint8_t *samples(void)
{
    static uint8_t pixels[SAMPLES * PIXELS];

    for (int i = 0; i < SAMPLES * PIXELS; i++)
        pixels[i] = (uint8_t)(i * 37 % 256);
    ck_assert_int_eq(file_write(in_dir("samples.bin"), pixels, sizeof pixels), RN_OK);
    return pixels;
}

/* The numbers in a file, and what the runner says itself. */
static void same_scores(const char *file)
{
    float *want;
    int64_t n, width;
    char text[8192], *at = text;

    ck_assert_msg(scores_of("reports", "latest", samples(), SAMPLES * PIXELS, &want, &n, &width) ==
                      RN_OK,
                  "%s", error_text());
    ck_assert_int_eq(n, SAMPLES);
    ck_assert_int_eq(width, 4);
    slurp(file, text, sizeof text);
    for (int64_t i = 0; i < n * width; i++) {
        char *end;
        double got = strtod(at, &end), limit = 1e-5 * fmax(1, fabs((double)want[i]));
        ck_assert_msg(end != at && fabs(got - (double)want[i]) < limit, "score %d: %.9g, %.9g",
                      (int)i, got, (double)want[i]);
        at = end;
    }
    ck_assert_str_eq(at, "\n");
    mem_free(want);
}

static void c_is_the_same(const struct net *net)
{
    char path[PATH_MAX], upper[8] = "";

    for (int i = 0; net->name[i]; i++)
        upper[i] = (char)(net->name[i] - 'a' + 'A');
    train(net);
    export_to("c", path, " --file model.c --force");
    ck_assert_str_eq(path, "model.c");
    samples();
    shell("cc -std=c99 -Wall -Wextra -Wpedantic -Wmissing-prototypes -Werror -O1 -D%s_MAIN "
          "model.c -o model -lm && ./model <samples.bin >scores.txt",
          upper);
    same_scores("scores.txt");
    shell("cc -std=c99 -Wall -Wextra -Werror -c model.c -o model.o && ! nm model.o | grep -w main");
}

START_TEST(c_computes_the_same)
{
    for (int i = 0; i < NETS; i++)
        c_is_the_same(&nets[i]);
}
END_TEST

/* ---- ONNX --------------------------------------------------------------------------------------
 */

struct field { /* of a protocol buffer */
    unsigned number, wire;
    uint64_t value;      /* a varint, or the number of bytes */
    const uint8_t *data; /* of bytes */
};

static uint64_t varint(const uint8_t **at, const uint8_t *end)
{
    uint64_t v = 0;

    for (int shift = 0;; shift += 7) {
        ck_assert(*at < end);
        ck_assert_int_lt(shift, 64);
        v |= (uint64_t)(**at & 127) << shift;
        if (*(*at)++ < 128)
            return v;
    }
}

/* False: the message is over, just where it should be. */
static bool next_field(const uint8_t **at, const uint8_t *end, struct field *f)
{
    if (*at == end)
        return false;
    uint64_t key = varint(at, end);
    *f = (struct field){.number = (unsigned)(key >> 3), .wire = key & 7};
    ck_assert_msg(f->wire == 0 || f->wire == 2 || f->wire == 5, "wire type %u", f->wire);
    f->value = f->wire == 5 ? 4 : varint(at, end);
    if (!f->wire)
        return true;
    f->data = *at;
    ck_assert_uint_le(f->value, (uint64_t)(end - *at));
    *at += f->value;
    return true;
}

/* Field i of that number in a message; the test fails when there is none. */
static struct field field_of(const struct field *message, unsigned number, int i)
{
    const uint8_t *at = message->data, *end = at + message->value;
    struct field f;

    while (next_field(&at, end, &f))
        if (f.number == number && !i--)
            return f;
    ck_abort_msg("no field %u", number);
    return f;
}

static bool text_is(struct field f, const char *text)
{
    return f.value == strlen(text) && !memcmp(f.data, text, f.value);
}

static int fields_of(const struct field *message, unsigned number)
{
    const uint8_t *at = message->data;
    struct field f;
    int n = 0;

    while (next_field(&at, message->data + message->value, &f))
        n += f.number == number;
    return n;
}

/* Its data are as many as its dimensions say; the values of a parameter are those of the weights.
 */
static bool tensor_is_whole(const struct field *tensor, const struct safetensors *st)
{
    struct field raw = field_of(tensor, 9, 0), name = field_of(tensor, 8, 0);
    uint64_t n = 4;

    for (int i = 0; i < fields_of(tensor, 1); i++)
        n *= field_of(tensor, 1, i).value;
    ck_assert_uint_eq(field_of(tensor, 2, 0).value, 1);
    ck_assert_uint_eq(raw.value, n);
    for (int i = 0; i < st->n; i++)
        if (text_is(name, st->tensors[i].name))
            return !memcmp(raw.data, st->tensors[i].data, n);
    return false;
}

/* Sizes and field numbers of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. */
START_TEST(onnx_is_a_protocol_buffer)
{
    struct safetensors st;
    char path[PATH_MAX], weights[PATH_MAX];
    uint64_t n;
    int found = 0;

    train(&nets[1]);
    export_to("safetensors", weights, "");
    ck_assert_int_eq(safetensors_read(weights, &st), RN_OK);
    export_to("onnx", path, "");
    uint8_t *file = read_all(path, &n);
    struct field model = {.value = n, .data = file}, graph = field_of(&model, 7, 0);
    struct field opset = field_of(&model, 8, 0), meta = field_of(&model, 14, 0);
    ck_assert_uint_eq(field_of(&model, 1, 0).value, 7);
    ck_assert_uint_eq(field_of(&opset, 2, 0).value, 13);
    ck_assert(text_is(field_of(&meta, 1, 0), "run"));
    ck_assert(text_is(field_of(&meta, 2, 0), strrchr(run_folder("cnn"), '/') + 1));
    struct field first = field_of(&graph, 1, 0), conv = field_of(&graph, 1, 2);
    ck_assert(text_is(field_of(&first, 4, 0), "Sub"));
    ck_assert(text_is(field_of(&conv, 4, 0), "Conv"));
    ck_assert(text_is(field_of(&conv, 1, 1), "conv2d1.weight"));
    struct field shape = field_of(&conv, 5, 0);
    ck_assert(text_is(field_of(&shape, 1, 0), "kernel_shape"));
    ck_assert_uint_eq(field_of(&shape, 8, 1).value, 3);
    ck_assert_uint_eq(field_of(&shape, 20, 0).value, 7);
    struct field second = field_of(&graph, 1, 6), apart = field_of(&second, 5, 3);
    ck_assert(text_is(field_of(&apart, 1, 0), "dilations"));
    ck_assert_uint_eq(field_of(&apart, 8, 0).value, 2);
    ck_assert_uint_eq(field_of(&apart, 8, 1).value, 1);
    struct field last = field_of(&graph, 1, fields_of(&graph, 1) - 1);
    ck_assert(text_is(field_of(&last, 4, 0), "Gemm"));
    ck_assert(text_is(field_of(&last, 2, 0), "scores"));
    for (int i = 0; i < fields_of(&graph, 5); i++) {
        struct field tensor = field_of(&graph, 5, i);
        found += tensor_is_whole(&tensor, &st);
    }
    ck_assert_int_eq(found, st.n);
    safetensors_free(&st);
    mem_free(file);
}
END_TEST

START_TEST(a_layer_that_says_nothing_is_named)
{
    const struct net own = {"own",
                            "[flatten, {type: my_name, name: mine}, {type: dense, units: 4}]"};
    char line[PATH_MAX];

    shell("mkdir -p plug/layers && cp '%s/template_layer.so' plug/layers/my_name.so",
          getenv("RN_TEMPLATES"));
    snprintf(line, sizeof line, "%s:%s", in_dir("plug"), getenv("RN_PLUGIN_PATH"));
    setenv("RN_PLUGIN_PATH", line, 1);
    train(&own);
    EXPECT_EXIT(0, "export latest --to npz");
    EXPECT_EXIT(3, "export latest --to c --file none.c");
    EXPECT_EXIT(3, "export latest --to onnx --file none.c");
    EXPECT_TEXT(err, "layer mine: my_name does not say what it is in other programs");
    ck_assert(!file_exists("none.c"));
}
END_TEST

START_TEST(what_other_programs_have_not_is_named)
{
    const struct net late = {"late", "[{type: conv2d, filters: 2, kernel: 3}, flatten, batchnorm,"
                                     " {type: dense, units: 4}]"};

    train(&late);
    EXPECT_EXIT(3, "export latest --to onnx --file none.onnx");
    EXPECT_TEXT(err, "layer batchnorm1: batchnorm behind the flatten of an image");
    EXPECT_TEXT(err, "put it before flatten");
    ck_assert(!file_exists("none.onnx"));
    EXPECT_EXIT(0, "export latest --to safetensors");
}
END_TEST

/* Memory that runs out, and a disk that is full, here and there: nothing is left half-written. */
START_TEST(faults_are_said)
{
    static const struct {
        const char *variable;
        int code, stride;
    } faults[] = {{"RN_FAIL_ALLOC", 8, 31}, {"RN_FAIL_IO", 5, 1}};
    static const char *const formats[] = {"safetensors", "npz", "onnx", "c"};
    char line[128], value[16];

    train(&nets[2]);
    for (int i = 0; i < 8; i++) {
        int failures = 0;
        for (int n = 1, good = 0; good < 12; n += faults[i / 4].stride) {
            snprintf(line, sizeof line, "export latest --to %s --file faulty", formats[i % 4]);
            snprintf(value, sizeof value, "%d", n);
            setenv(faults[i / 4].variable, value, 1);
            int got = run(line);
            unsetenv(faults[i / 4].variable);
            ck_assert_msg(!got || (got == faults[i / 4].code && err[0]), "%s=%d, %s: exit %d: %s",
                          faults[i / 4].variable, n, line, got, err);
            ck_assert_msg(got || file_exists("faulty"), "%s", line);
            ck_assert_msg(!got || !file_exists("faulty"), "%s", line);
            remove("faulty");
            failures += got != 0;
            good = got ? 0 : good + 1;
        }
        ck_assert_int_gt(failures, 0);
    }
}
END_TEST

START_TEST(what_cannot_be_is_said)
{
    train(&nets[0]);
    EXPECT_EXIT(2, "export latest --to npz --file a.npz --dir b");
    EXPECT_TEXT(err, "--file or --dir, not both");
    EXPECT_EXIT(2, "export latest @1 --to npz --file a.npz");
    EXPECT_EXIT(2, "export latest --to mlflow --file a");
    EXPECT_TEXT(err, "--file is for formats of models");
    EXPECT_EXIT(4, "export latest --to npz --weights none.safetensors");
    ck_assert(!file_exists(in_dir("a.npz")));
    ck_assert_int_eq(file_write(in_dir("mine.npz"), "mine", 4), RN_OK);
    EXPECT_EXIT(2, "export latest --to npz --file mine.npz");
    EXPECT_TEXT(err, "mine.npz is there already; --force");
    EXPECT_EXIT(0, "export latest --to npz --file mine.npz --force");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {safetensors_say_what_they_are,
                                  npz_holds_the_same_tensors,
                                  c_computes_the_same,
                                  onnx_is_a_protocol_buffer,
                                  a_layer_that_says_nothing_is_named,
                                  what_other_programs_have_not_is_named,
                                  faults_are_said,
                                  what_cannot_be_is_said};

    return program_tests("export_model", tests, sizeof tests / sizeof *tests);
}
