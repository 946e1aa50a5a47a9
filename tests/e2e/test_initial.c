/* test_initial.c - train.init_from: runs that start from weights of others, and of other programs.
 */
#include "base/file.h"
#include "base/mem.h"
#include "program.h"
#include "train/safetensors.h"

#include <stdlib.h>

static char first[PATH_MAX]; /* the folder of a run of tiny.yaml */

static void train_first(void)
{
    EXPECT_EXIT(0, "tiny.yaml -q reporters=[] ~expect");
    snprintf(first, sizeof first, "%s", run_folder("tiny"));
}

static void read_weights(const char *dir, struct safetensors *st)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof path, "%s/weights/last.safetensors", dir);
    ck_assert_int_eq(safetensors_read(in_dir(path), st), RN_OK);
}

/* Of two folders. */
static bool same_weights(const char *a, const char *b)
{
    struct safetensors x, y;
    bool same = true;

    read_weights(a, &x);
    read_weights(b, &y);
    ck_assert_int_eq(x.n, y.n);
    for (int i = 0; i < x.n; i++) {
        size_t n = sizeof(float);
        for (int k = 0; k < x.tensors[i].rank; k++)
            n *= (size_t)x.tensors[i].dim[k];
        same &= !memcmp(x.tensors[i].data, y.tensors[i].data, n);
    }
    safetensors_free(&x);
    safetensors_free(&y);
    return same;
}

/* An experiment on tiny.yaml that learns nothing. */
static void write_still(const char *path, const char *name, const char *layers)
{
    char text[1024];

    int n = snprintf(text, sizeof text,
                     "extends: %s\nname: %s\nseed: 99\nmodel: {layers: [flatten, %s]}\n"
                     "optimizer: {type: sgd, lr: 1e-30}\ntrain: {epochs: 1%s}\nexpect: []\n"
                     "reporters: []\n",
                     strchr(path, '/') ? "../tiny.yaml" : "tiny.yaml", name, layers,
                     strchr(path, '/') ? ", init_from: mine.safetensors" : "");
    ck_assert_int_eq(file_write(in_dir(path), text, (uint64_t)n), RN_OK);
}

#define TINY "{type: dense, units: 16}, relu, {type: dense, units: 4, name: scores}"

/* A run that learns nothing has the weights that it started from. */
static void start_from(const char *what)
{
    char line[PATH_MAX + 256];

    write_still("again.yaml", "again", TINY);
    snprintf(line, sizeof line, "again.yaml -q train.init_from=%s", what);
    EXPECT_EXIT(0, line);
    ck_assert_msg(same_weights(first, run_folder("again")), "%s", what);
}

START_TEST(a_run_starts_from_another)
{
    char word[PATH_MAX + 64];

    train_first();
    start_from("latest:tiny");
    start_from(strrchr(first, '/') + 1);
    start_from("reports/tiny/latest");
    snprintf(word, sizeof word, "%s/weights/last.safetensors", first);
    start_from(word);
    cJSON *root = read_json(run_folder("again"), "initial.json");
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(root, "path")), in_dir(word));
    ck_assert_uint_eq(strlen(cJSON_GetStringValue(cJSON_GetObjectItem(root, "sha256"))), 64);
    cJSON_Delete(root);
    ck_assert(!exists(first, "initial.json"));
    EXPECT_EXIT(0, "compare latest:tiny latest:again --json");
    EXPECT_TEXT(out, "\"initial weights\"");
}
END_TEST

START_TEST(a_path_is_relative_to_the_file)
{
    char path[PATH_MAX + 64];

    train_first();
    snprintf(path, sizeof path, "%s/weights/last.safetensors", first);
    void *data;
    uint64_t n;
    ck_assert_int_eq(file_read(in_dir(path), 1 << 20, &data, &n), RN_OK);
    file_mkdirs(in_dir("below"));
    ck_assert_int_eq(file_write(in_dir("below/mine.safetensors"), data, n), RN_OK);
    mem_free(data);
    write_still("below/x.yaml", "again", TINY);
    EXPECT_EXIT(0, "check below/x.yaml");
    EXPECT_EXIT(0, "below/x.yaml -q");
    ck_assert(same_weights(first, run_folder("again")));
    remove(in_dir("below/mine.safetensors"));
    EXPECT_EXIT(4, "check below/x.yaml");
    EXPECT_EXIT(0, "resume latest:again -q train.epochs=2"); /* has weights of its own */
}
END_TEST

/* As PyTorch saves a model: tensors in an order of its own, and counters. */
static void write_foreign(const char *counter)
{
    static const char head[] =
        "{\"%s\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"dense2.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[8,24]},"
        "\"dense1.weight\":{\"dtype\":\"F32\",\"shape\":[4,30],\"data_offsets\":[24,504]},"
        "\"dense1.bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[504,520]},"
        "\"dense2.weight\":{\"dtype\":\"F32\",\"shape\":[4,4],\"data_offsets\":[520,584]}}";
    static char file[4096];

    int n = snprintf(file + 8, sizeof file - 8, head, counter);
    uint64_t length = (uint64_t)n;
    memcpy(file, &length, 8);
    for (int i = 0; i < 146; i++) {
        float v = i < 2 ? 0 : (float)i / 64;
        memcpy(file + 8 + n + 4 * i, &v, 4);
    }
    ck_assert_int_eq(file_write(in_dir("theirs.safetensors"), file, 8 + length + 584), RN_OK);
}

#define THEIRS "theirs.yaml train.init_from=theirs.safetensors"

START_TEST(weights_of_others_are_taken)
{
    struct safetensors st;

    write_foreign("bn.num_batches_tracked");
    write_still("theirs.yaml", "theirs", "{type: dense, units: 4}, {type: dense, units: 4}");
    EXPECT_EXIT(0, THEIRS);
    read_weights(run_folder("theirs"), &st);
    ck_assert_str_eq(st.tensors[0].name, "dense1.weight");
    ck_assert_float_eq(st.tensors[0].data[0], 6.0F / 64);
    ck_assert_float_eq(st.tensors[0].data[119], 125.0F / 64);
    safetensors_free(&st);
    char path[PATH_MAX], log[8192];
    snprintf(path, sizeof path, "%s/log.txt", run_folder("theirs"));
    slurp(path, log, sizeof log);
    EXPECT_TEXT(log, "1 counters of batches (num_batches_tracked) are passed over");
    EXPECT_TEXT(log, "starts from the weights in ");
}
END_TEST

START_TEST(all_that_does_not_fit_is_said)
{
    write_foreign("steps");
    write_still("theirs.yaml", "theirs",
                "{type: dense, units: 5}, {type: dense, units: 4, name: out}");
    EXPECT_EXIT(4, THEIRS);
    EXPECT_TEXT(err, "train.init_from: ");
    EXPECT_TEXT(err, "does not fit the model, by names and shapes of PyTorch:");
    EXPECT_TEXT(err, "\n  dense1.weight is [4, 30], the model's is [5, 30]\n");
    EXPECT_TEXT(err, "\n  out.weight [4, 5] is missing\n");
    EXPECT_TEXT(err, "\n  dense2.bias [4] is not of the model\n");
    EXPECT_TEXT(err, "\n  steps holds whole numbers and is not of the model");
    ck_assert_str_eq(run_folder("theirs"), "");
    EXPECT_EXIT(4, "tiny.yaml -q train.init_from=nothing");
    EXPECT_TEXT(err, "train.init_from: nothing");
    EXPECT_EXIT(4, "check tiny.yaml train.init_from=./none.safetensors");
    EXPECT_TEXT(err, "there is no such file or folder");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_run_starts_from_another, a_path_is_relative_to_the_file,
                                  weights_of_others_are_taken, all_that_does_not_fit_is_said};

    return program_tests("initial", tests, sizeof tests / sizeof *tests);
}
