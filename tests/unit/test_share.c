/* test_share.c - samples in common: decoded once, the same for all, out of reach of whoever would
 * write, and no worse than nothing when something is wrong with them. */
#define _GNU_SOURCE
#include "run/child.h"
#include "run/session.h"
#include "train/share.h"

#include "base/error.h"
#include "base/file.h"
#include "base/stop.h"
#include "support/suite.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRAIN = 60, TEST = 12, PIXELS = 16 };

static char dir[64];
static const char key[HASH_TEXT] = "sha256:0123";

static const char config[] = "name: small\n"
                             "device: {type: cpu, threads: 1}\n"
                             "data: {type: mnist, path: set, split: {train: 40, val: 20}}\n"
                             "model: {layers: [flatten, {type: dense, units: 10}]}\n"
                             "loss: cross_entropy\n"
                             "optimizer: {type: sgd, lr: 0.1}\n"
                             "train: {epochs: 1, batch_size: 8}\n";

static const char points[] = "name: points\n"
                             "device: {type: cpu, threads: 1}\n"
                             "data: {type: npy, x: x.npy, y: x.npy, split: {train: 40, val: 20}}\n"
                             "model: {layers: [{type: dense, units: 4}]}\n"
                             "loss: mse\n"
                             "optimizer: {type: sgd, lr: 0.1}\n"
                             "train: {epochs: 1, batch_size: 8}\n";

static const char *in_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* A file of n times size bytes, all of that value, with the head of its kind. */
static void write_idx(const char *name, uint8_t n, uint8_t size, uint8_t value)
{
    uint8_t b[16 + TRAIN * PIXELS] = {0, 0, 8, size > 1 ? 3 : 1, 0, 0, 0, n, 0, 0, 0, 4, 0,
                                      0, 0, 4};
    size_t head = size > 1 ? 16 : 8;

    memset(b + head, value, (size_t)n * size);
    ck_assert_int_eq(file_write_soon(in_dir(name), b, head + (size_t)n * size), RN_OK);
}

/* TRAIN rows of 4 numbers, the last of them as given. */
static void write_points(float last)
{
    char b[128 + TRAIN * 4 * sizeof(float)] = "\x93NUMPY\x01";
    static const char head[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (60, 4), }";

    memset(b + 10, ' ', 118);
    memcpy(b + 10, head, strlen(head));
    b[8] = 118;
    b[127] = '\n';
    memcpy(b + sizeof b - sizeof last, &last, sizeof last);
    ck_assert_int_eq(file_write_soon(in_dir("x.npy"), b, sizeof b), RN_OK);
}

static void write_set(uint8_t pixel, uint8_t label)
{
    write_idx("set/train-images-idx3-ubyte", TRAIN, PIXELS, pixel);
    write_idx("set/train-labels-idx1-ubyte", TRAIN, 1, label);
    write_idx("set/t10k-images-idx3-ubyte", TEST, PIXELS, pixel);
    write_idx("set/t10k-labels-idx1-ubyte", TEST, 1, label);
}

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_share_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(file_mkdirs(in_dir("set")), RN_OK);
    ck_assert_int_eq(file_write_soon(in_dir("small.yaml"), config, strlen(config)), RN_OK);
    ck_assert_int_eq(file_write_soon(in_dir("points.yaml"), points, strlen(points)), RN_OK);
    ck_assert_int_eq(symlink("set", in_dir("other")), 0);
    write_set(100, 3);
}

static void teardown(void)
{
    share_close();
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

struct seen {
    bool in_common;
    long pixels;
    float label;
    char fingerprint[HASH_TEXT];
};

static int open_run(struct session *s, const char *file, const char *override)
{
    int status = session_load(s, in_dir(file), &override, override != NULL, NULL, 0);

    status = status < 0 ? status : session_plan(s);
    return status < 0 ? status : session_open(s);
}

/* What a run gets to see. */
static struct seen load(const char *override)
{
    struct session s;
    struct seen out = {0};

    ck_assert_int_eq(open_run(&s, "small.yaml", override), RN_OK);
    const struct data_split *train = &s.data.split[RN_TRAIN];
    const uint8_t *input = train->input;
    out.in_common = s.data.shared.head != NULL;
    for (int i = 0; i < TRAIN * PIXELS; i++)
        out.pixels += input[i];
    out.label = (float)train->target[TRAIN - 1];
    ck_assert(out.label == s.data.split[RN_TEST].host_target[TEST - 1]);
    ck_assert_int_eq(data_fingerprint(&s.data, RN_TRAIN, out.fingerprint), RN_OK);
    session_close(&s);
    return out;
}

START_TEST(the_files_are_read_once)
{
    struct seen alone = load(NULL);

    ck_assert(!alone.in_common);
    ck_assert_int_eq(alone.pixels, 100L * TRAIN * PIXELS);
    ck_assert_int_eq(share_open(), RN_OK);
    struct seen first = load(NULL);
    write_set(7, 3);
    struct seen next = load("seed=2");
    ck_assert(first.in_common && next.in_common);
    ck_assert_int_eq(first.pixels, alone.pixels);
    ck_assert_int_eq(next.pixels, alone.pixels);
    ck_assert(next.label == 3);
    ck_assert_str_eq(first.fingerprint, alone.fingerprint);
    ck_assert_str_eq(next.fingerprint, alone.fingerprint);
}
END_TEST

START_TEST(other_options_are_another_data_set)
{
    char path[128];

    ck_assert_int_eq(share_open(), RN_OK);
    load(NULL);
    write_set(7, 3);
    snprintf(path, sizeof path, "data.path=%s", in_dir("other"));
    for (int i = 0; i < 2; i++) {
        struct seen other = load(path);
        ck_assert(other.in_common);
        ck_assert_int_eq(other.pixels, 7L * TRAIN * PIXELS);
    }
    ck_assert_int_eq(load(NULL).pixels, 100L * TRAIN * PIXELS);
}
END_TEST

START_TEST(when_all_places_are_taken)
{
    struct share_set s;

    ck_assert_int_eq(share_open(), RN_OK);
    for (int i = 0; i < SHARE_SLOTS; i++) {
        char other[HASH_TEXT] = "sha256:";
        other[7] = (char)('a' + i);
        ck_assert_int_eq(share_take(other, 10, &s), SHARE_TO_FILL);
        ck_assert_int_eq(share_seal(&s), RN_OK);
        share_drop(&s);
    }
    struct seen own = load(NULL);
    ck_assert(!own.in_common);
    ck_assert_int_eq(own.pixels, 100L * TRAIN * PIXELS);
}
END_TEST

/* In a process of its own: begins to fill. Says so by its pipe, then goes on when something comes
 * through go, or is killed. */
static pid_t filler(int go)
{
    int said[2];
    char c;

    ck_assert_int_eq(pipe(said), 0);
    pid_t pid = fork();
    if (!pid) {
        struct share_set s;
        bool good = share_take(key, 3, &s) == SHARE_TO_FILL;
        memcpy(s.data, "abc", 3);
        good = good && write(said[1], "x", 1) == 1 && read(go, &c, 1) == 1;
        usleep(20000);
        _exit(good && share_seal(&s) == RN_OK ? 0 : 1);
    }
    ck_assert_int_eq(read(said[0], &c, 1), 1);
    close(said[0]);
    close(said[1]);
    return pid;
}

START_TEST(who_fills_is_waited_for)
{
    int go[2], status;
    struct share_set s;

    ck_assert_int_eq(share_open(), RN_OK);
    ck_assert_int_eq(pipe(go), 0);
    pid_t pid = filler(go[0]);
    ck_assert_int_eq(write(go[1], "x", 1), 1);
    ck_assert_int_eq(share_take(key, 3, &s), SHARE_MAPPED);
    ck_assert_int_eq(memcmp(s.data, "abc", 3), 0);
    share_drop(&s);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    close(go[0]);
    close(go[1]);
}
END_TEST

/* The exit code of a process that ends within 3 seconds. */
static int ended(pid_t pid)
{
    int status = 0, done = 0;

    for (int i = 0; i < 300 && !done; i++, usleep(10000))
        done = waitpid(pid, &status, WNOHANG);
    if (!done) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(who_waits_can_be_asked_to_stop)
{
    int ready[2];
    struct share_set s;
    char c;

    ck_assert_int_eq(share_open(), RN_OK);
    ck_assert_int_eq(pipe(ready), 0);
    ck_assert_int_eq(share_take(key, 3, &s), SHARE_TO_FILL);
    pid_t pid = fork();
    if (!pid) {
        struct share_set mine;
        stop_install();
        bool good = write(ready[1], "x", 1) == 1;
        _exit(good && share_take(key, 3, &mine) == SHARE_NONE && stop_requested() ? 0 : 1);
    }
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    usleep(20000);
    kill(pid, SIGTERM);
    ck_assert_int_eq(ended(pid), 0);
    share_drop(&s);
    close(ready[0]);
    close(ready[1]);
}
END_TEST

START_TEST(who_was_killed_while_filling_leaves_nothing)
{
    int go[2];

    ck_assert_int_eq(share_open(), RN_OK);
    ck_assert_int_eq(pipe(go), 0);
    pid_t pid = filler(go[0]);
    kill(pid, SIGKILL);
    struct seen next = load(NULL); /* it may still be dying */
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert(next.in_common);
    ck_assert_int_eq(next.pixels, 100L * TRAIN * PIXELS);
    close(go[0]);
    close(go[1]);
}
END_TEST

START_TEST(bad_data_are_not_kept)
{
    struct session s;

    ck_assert_int_eq(share_open(), RN_OK);
    for (int good = 0; good < 3; good++) {
        write_points(good ? 5 : NAN);
        ck_assert_int_eq(open_run(&s, "points.yaml", NULL), good ? RN_OK : RN_EDATA);
        ck_assert_int_eq(s.data.shared.head != NULL, good > 0);
        if (good)
            ck_assert(s.data.split[RN_TRAIN].host_target[TRAIN * 4 - 1] == 5);
        session_close(&s);
    }
}
END_TEST

START_TEST(nobody_can_write)
{
    struct share_set s;
    int status, fd[SHARE_SLOTS];

    ck_assert_int_eq(share_open(), RN_OK);
    ck_assert_int_eq(share_take(key, 3, &s), SHARE_TO_FILL);
    s.data[0] = 'a';
    ck_assert_int_eq(share_seal(&s), RN_OK);
    pid_t pid = fork();
    if (!pid) {
        signal(SIGSEGV, SIG_DFL);
        s.data[0] = 'b';
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(!WIFEXITED(status) || WEXITSTATUS(status)); /* a sanitizer exits */
    ck_assert_int_eq(share_descriptors(fd), SHARE_SLOTS);
    ck_assert_int_lt(pwrite(fd[0], "b", 1, 4096), 0);
    ck_assert_int_lt(ftruncate(fd[0], 0), 0);
    ck_assert_int_eq(s.data[0], 'a');
    share_drop(&s);
}
END_TEST

START_TEST(too_large_for_what_is_free)
{
    struct share_set s;

    ck_assert_int_eq(share_open(), RN_OK);
    ck_assert_int_eq(share_take(key, 1ull << 50, &s), SHARE_NONE);
    ck_assert_int_eq(share_take(key, UINT64_MAX - 8, &s), SHARE_NONE);
    ck_assert_int_eq(share_take(key, 3, &s), SHARE_TO_FILL);
    share_drop(&s);
}
END_TEST

/* Sealed memory of so many bytes, not made by us. */
static int foreign(const void *data, size_t bytes)
{
    int fd = memfd_create("foreign", MFD_ALLOW_SEALING);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, bytes), (int)bytes);
    ck_assert_int_eq(
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL), 0);
    return fd;
}

START_TEST(what_is_no_such_memory_is_left_alone)
{
    static const char *const wrong[] = {
        "", ",", "x", "-1", "0,1,2", "900", "99999999999999999999", "3x", "4 5"};
    int fd[SHARE_SLOTS], file = open(in_dir("small.yaml"), O_RDONLY);
    char text[64];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv(SHARE_VARIABLE, wrong[i], 1);
        share_receive();
        ck_assert_int_eq(share_descriptors(fd), 0);
        ck_assert_ptr_null(getenv(SHARE_VARIABLE));
    }
    snprintf(text, sizeof text, "%d", file);
    setenv(SHARE_VARIABLE, text, 1);
    share_receive();
    ck_assert_int_eq(share_descriptors(fd), 0);
    close(file);
}
END_TEST

START_TEST(what_was_not_made_by_us_is_not_believed)
{
    static char head[4096 + 3]; /* the size fits, and nothing else */
    int fd[SHARE_SLOTS], small = foreign("x", 1), like = foreign(head, sizeof head);
    char text[64];
    struct share_set s;

    snprintf(text, sizeof text, "%d,%d", small, like);
    setenv(SHARE_VARIABLE, text, 1);
    share_receive();
    ck_assert_int_eq(share_descriptors(fd), 2);
    ck_assert_int_eq(share_take(key, 3, &s), SHARE_NONE);
    struct seen own = load(NULL);
    ck_assert(!own.in_common);
}
END_TEST

/* What the program does where it is started with a word: a run that looks for its samples. */
static int be_child(void)
{
    struct share_set s;
    int fd[SHARE_SLOTS];

    child_begin();
    bool good = share_descriptors(fd) == SHARE_SLOTS && share_take(key, 3, &s) == SHARE_MAPPED &&
                !memcmp(s.data, "abc", 3);
    share_drop(&s);
    share_close();
    return good ? 0 : 3;
}

START_TEST(a_child_gets_them)
{
    const char *const args[] = {"child", NULL};
    struct child_end end = {0};
    struct share_set s;
    pid_t pid;

    ck_assert_int_eq(share_open(), RN_OK);
    ck_assert_int_eq(share_take(key, 3, &s), SHARE_TO_FILL);
    memcpy(s.data, "abc", 3);
    ck_assert_int_eq(share_seal(&s), RN_OK);
    ck_assert_int_eq(child_start(args, in_dir("log"), &pid), RN_OK);
    while (!child_wait(1000, &end))
        ;
    ck_assert_int_eq(end.pid, pid);
    ck_assert_int_eq(end.exit_code, 0);
    share_drop(&s);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return be_child();
    Suite *s = suite_create("share");
    TCase *t = tcase_create("share");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_files_are_read_once);
    tcase_add_test(t, other_options_are_another_data_set);
    tcase_add_test(t, when_all_places_are_taken);
    tcase_add_test(t, who_fills_is_waited_for);
    tcase_add_test(t, who_waits_can_be_asked_to_stop);
    tcase_add_test(t, who_was_killed_while_filling_leaves_nothing);
    tcase_add_test(t, bad_data_are_not_kept);
    tcase_add_test(t, nobody_can_write);
    tcase_add_test(t, too_large_for_what_is_free);
    tcase_add_test(t, what_is_no_such_memory_is_left_alone);
    tcase_add_test(t, what_was_not_made_by_us_is_not_believed);
    tcase_add_test(t, a_child_gets_them);
    suite_add_tcase(s, t);
    return suite_run(s);
}
