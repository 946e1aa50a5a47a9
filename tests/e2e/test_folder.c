/* test_folder.c - the folder of --run-dir: what is no run's stays as it is, and what a run cannot
 * have written is refused. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "program.h"
#include "train/safetensors.h"

#include <math.h>

#define INTO_R "tiny.yaml -q --run-dir runs/r"

static void put(const char *name, const char *data, size_t n)
{
    ck_assert_int_eq(file_write(in_dir(name), data, n), RN_OK);
}

START_TEST(files_of_others_stay)
{
    static const char *const status[] = {"{\"status\":\"ok\"}", "{\"pid\": 3}", "[", NULL};

    file_mkdirs(in_dir("runs/r/weights"));
    put("runs/r/weights/mine.bin", "x", 1);
    for (int i = 0; i < 4; i++) {
        remove(in_dir("runs/r/status.json"));
        if (status[i])
            put("runs/r/status.json", status[i], strlen(status[i]));
        EXPECT_EXIT(2, INTO_R);
        EXPECT_TEXT(err, "choose a folder that is empty or not there");
        ck_assert(exists("runs/r", "weights/mine.bin") && !exists("runs/r", "run.lock"));
    }
    file_mkdirs(in_dir("runs/empty"));
    EXPECT_EXIT(75, "tiny.yaml -q --run-dir runs/empty --until 1");
    ck_assert_int_eq(remove(in_dir("runs/empty/run.lock")), 0);
    EXPECT_EXIT(0, "tiny.yaml -q --run-dir runs/empty");
}
END_TEST

/* With a number among the data that is none: found when they are read. */
START_TEST(a_beginning_that_fails_leaves_the_folders_of_others)
{
    static const char yaml[] =
        "data: {type: npy, x: x.npy, y: x.npy, split: {train: 2, val: 2}}\n"
        "model: {layers: [{type: dense, units: 1}]}\nloss: mse\noptimizer: {type: sgd, lr: 0.1}\n"
        "train: {epochs: 1, batch_size: 2}\n";
    static const char head[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 1), }";
    const float rows[] = {1, 2, 3, NAN};
    char npy[128 + sizeof rows] = "\x93NUMPY\x01";

    memset(npy + 10, ' ', 118);
    memcpy(npy + 10, head, strlen(head));
    memcpy(npy + 128, rows, sizeof rows);
    npy[8] = 118;
    npy[127] = '\n';
    put("x.npy", npy, sizeof npy);
    put("bad.yaml", yaml, strlen(yaml));
    file_mkdirs(in_dir("mine"));
    EXPECT_EXIT(4, "bad.yaml -q --run-dir mine/x");
    ck_assert(exists("mine", "") && !exists("mine", "x"));
    EXPECT_EXIT(4, "bad.yaml -q");
    ck_assert(!exists("reports", "bad"));
}
END_TEST

/* Files whose checksum holds, and that this program did not write. */
START_TEST(facts_that_cannot_be_are_refused)
{
    static const char name[] = "runs/r/state/last.safetensors";
    char status[4096], *at;
    struct safetensors st;
    int n = 0;

    file_remove_tree(in_dir("runs"));
    EXPECT_EXIT(75, INTO_R " --until 1");
    ck_assert_int_eq(safetensors_read(in_dir(name), &st), RN_OK);
    for (int i = 0; i < st.n_meta; i++)
        if (strcmp(st.meta[i].key, "epoch") && strcmp(st.meta[i].key, "sha256"))
            st.meta[n++] = st.meta[i];
    ck_assert_int_eq(safetensors_write(in_dir(name), st.tensors, st.n, st.meta, n), RN_OK);
    safetensors_free(&st);
    EXPECT_EXIT(4, INTO_R);
    EXPECT_TEXT(err, "it lacks what belongs to its run");
    slurp("runs/r/status.json", status, sizeof status - 8);
    at = strstr(status, "\"microseconds\":");
    ck_assert_ptr_nonnull(at);
    at += strlen("\"microseconds\":");
    size_t digits = strcspn(at, ",");
    memmove(at + 5, at + digits, strlen(at + digits) + 1);
    for (int i = 0; i < 2; i++) {
        memcpy(at, i ? "1e300" : "-1e30", 5);
        put("runs/r/status.json", status, strlen(status));
        EXPECT_EXIT(4, INTO_R);
        EXPECT_TEXT(err, "runs/r/status.json: microseconds is");
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {files_of_others_stay,
                                  a_beginning_that_fails_leaves_the_folders_of_others,
                                  facts_that_cannot_be_are_refused};

    return program_tests("folder", tests, sizeof tests / sizeof *tests);
}
