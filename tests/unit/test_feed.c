/* test_feed.c - samples that do not stay on the device: what is trained and measured is the same to
 * the bit, however the batches come there; who stays when memory is short; what is said when
 * nothing fits. */
#define _XOPEN_SOURCE 700
#include "train/loop.h"

#include "base/error.h"
#include "base/file.h"
#include "run/session.h"
#include "support/suite.h"
#include "train/state.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/feed-XXXXXX", file[64], state[64];

/* 100 pictures to train on, in batches of 24 and one of 4; 30 to validate, 33 to test in batches of
 * 16. Or many: */
static char set_many[64];
#define MANY set_many
enum { TRAIN = 5000, TEST = 1000, SIDE = 20 };
static const char base[] =
    "name: small\n"
    "seed: 3\n"
    "device: cpu\n"
    "data:\n"
    "  type: mnist\n"
    "  path: few\n"
    "  split: {train: 100, val: 30}\n"
    "  limit: {test: 33}\n"
    "  normalize: {mean: 0.13, std: 0.31}\n"
    "  resident: auto\n"
    "model: {layers: [flatten, {type: dense, units: 8}, relu, {type: dense, units: 10}]}\n"
    "loss: cross_entropy\n"
    "optimizer: {type: adam, lr: 0.01}\n"
    "train: {epochs: 3, batch_size: 24, eval_batch_size: 16, log_every: 2 steps}\n";

static struct session s;
static struct trainer *trainer;
static struct trainer_events events; /* nobody listens */

static void put(const char *where, const char *name, const uint8_t *head, size_t n_head, size_t n)
{
    uint8_t *bytes = malloc(n_head + n);
    char path[128];

    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, head, n_head);
    for (size_t i = 0; i < n; i++)
        bytes[n_head + i] = (uint8_t)(n_head == 8 ? i % 10 : i * i % 251);
    snprintf(path, sizeof path, "%s/%s/%s", dir, where, name);
    ck_assert_int_eq(file_write(path, bytes, n_head + n), RN_OK);
    free(bytes);
}

/* Of sizes in four bytes each, big end first. */
static void write_pictures(const char *where, const char *which, int n)
{
    uint8_t high = (uint8_t)(n >> 8), low = (uint8_t)n;
    const uint8_t images[16] = {0, 0, 8, 3, 0, 0, high, low, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
    const uint8_t labels[8] = {0, 0, 8, 1, 0, 0, high, low};
    char name[64];

    snprintf(name, sizeof name, "%s-images-idx3-ubyte", which);
    put(where, name, images, sizeof images, (size_t)n * SIDE * SIDE);
    snprintf(name, sizeof name, "%s-labels-idx1-ubyte", which);
    put(where, name, labels, sizeof labels, (size_t)n);
}

static void setup(void)
{
    char path[64];

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(set_many, sizeof set_many, "data.path=%s/many", dir);
    for (int many = 0; many < 2; many++) {
        const char *where = many ? "many" : "few";
        snprintf(path, sizeof path, "%s/%s", dir, where);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        write_pictures(where, "train", many ? TRAIN : 130);
        write_pictures(where, "t10k", many ? TEST : 33);
    }
    snprintf(file, sizeof file, "%s/small.yaml", dir);
    snprintf(state, sizeof state, "%s/state.safetensors", dir);
    ck_assert_int_eq(file_write(file, base, strlen(base)), RN_OK);
}

static void teardown(void)
{
    unsetenv("RN_MEMORY");
    file_remove_tree(dir);
    snprintf(dir, sizeof dir, "/tmp/feed-XXXXXX");
}

/* ---- runs ----------------------------------------------------------------------------------- */

#define MORE 8 /* overrides */
static int try_run(const char *device, const char *resident, const char *const *more)
{
    const char *const dirs[] = {getenv("RN_FAR")};
    const char *overrides[MORE + 2];
    char a[96], b[48];
    int n = 2;

    snprintf(a, sizeof a, "device=%s", device);
    snprintf(b, sizeof b, "data.resident=%s", resident);
    overrides[0] = a;
    overrides[1] = b;
    for (; more && *more && n < MORE + 2; more++)
        overrides[n++] = *more;
    int status = session_load(&s, file, overrides, n, dirs, 1);
    status = status < 0 ? status : session_plan(&s);
    status = status < 0 ? status : session_open(&s);
    return status < 0 ? status : trainer_open(s.experiment, s.model, &s.data, &trainer);
}

static void close_run(void)
{
    trainer_close(trainer);
    trainer = NULL;
    session_close(&s);
    ck_assert_uint_eq(mem_live(), 0);
}

static void open_run(const char *device, const char *resident, const char *const *more)
{
    int status = try_run(device, resident, more);

    ck_assert_msg(status >= 0, "%s, resident: %s: %s", device, resident, error_text());
}

enum { PARAMS = 8192, SCORES = 33 * 10 };
struct result {
    rn_real params[PARAMS], scores[SCORES];
    double train, fit, val, test;
    int64_t epochs;
};

static void finish_run(struct result *r)
{
    struct evaluation test;
    enum trainer_end end;
    int64_t epoch;
    uint8_t *pixels;

    memset(r, 0, sizeof *r);
    ck_assert_msg(trainer_run(trainer, &events, &end) >= 0, "%s", error_text());
    ck_assert_int_eq(trainer_finish(trainer, &events, &epoch), RN_OK);
    ck_assert_msg(trainer_test(trainer, &events, &test) >= 0, "%s", error_text());
    ck_assert_int_le(s.model->flat, PARAMS);
    ck_assert_int_eq(test.n * test.width, SCORES);
    memcpy(r->scores, test.scores, sizeof r->scores);
    ck_assert_int_eq(s.device->ops->download(s.device, r->params, s.model->param,
                                             (size_t)s.model->flat * sizeof(rn_real)),
                     RN_OK);
    r->train = trainer->train_loss;
    r->fit = trainer->fit.loss;
    r->val = trainer->val.loss;
    r->test = test.loss;
    r->epochs = trainer_epochs(trainer);
    ck_assert_int_eq(data_test_bytes(&s.data, 33, &pixels), RN_OK);
    int sum = 0;
    for (int i = 0; i < 33 * SIDE * SIDE; i++)
        sum += pixels[i] == i * i % 251;
    ck_assert_int_eq(sum, 33 * SIDE * SIDE);
    mem_free(pixels);
    close_run();
}

static void one_run(const char *device, const char *resident, const char *const *more,
                    struct result *r)
{
    open_run(device, resident, more);
    finish_run(r);
}

static bool same_bits(const rn_real *a, const rn_real *b, size_t n)
{
    const void *x = a, *y = b;

    return !memcmp(x, y, n * sizeof *a);
}

static void expect_same(const struct result *a, const struct result *b, const char *what)
{
    ck_assert_msg(same_bits(a->params, b->params, PARAMS), "%s: parameters differ", what);
    ck_assert_msg(same_bits(a->scores, b->scores, SCORES), "%s: scores differ", what);
    ck_assert_msg(a->train == b->train && a->fit == b->fit && a->val == b->val &&
                      a->test == b->test && a->epochs == b->epochs,
                  "%s: losses differ: %g %g, %g %g, %g %g, %g %g", what, a->train, b->train, a->fit,
                  b->fit, a->val, b->val, a->test, b->test);
}

/* ---- the same bits --------------------------------------------------------------------------- */

static const char *const ways[][2] = {{"{type: cpu, threads: 1}", "no"},
                                      {"{type: cpu, threads: 2}", "no"},
                                      {"far", "yes"},
                                      {"far", "no"},
                                      {"{type: far, order: early}", "no"},
                                      {"far_plain", "yes"},
                                      {"far_plain", "no"},
                                      {"{type: far, order: early}", "yes"}};
enum { WAYS = sizeof ways / sizeof *ways };

static struct result expected, got;

static void all_ways_agree(const char *const *more)
{
    one_run("{type: cpu, threads: 1}", "yes", more, &expected);
    for (int i = 0; i < WAYS; i++) {
        char what[128];
        snprintf(what, sizeof what, "%s, resident: %s, %s", ways[i][0], ways[i][1],
                 more ? *more : "");
        one_run(ways[i][0], ways[i][1], more, &got);
        expect_same(&expected, &got, what);
    }
}

#define AUGMENT "data.augment=[{type: shift, pixels: 2}, {type: rotate}]"

START_TEST(streamed_samples_give_the_same_bits)
{
    static const char *const more[][MORE] = {
        {NULL},
        {"train.accumulate=3", "train.shuffle=false", NULL},
        {"train.drop_last=true", "train.eval_batch_size=1000", NULL},
        {"data.split={train: 20, val: 50}", "train.eval_batch_size=11", NULL},
        {"train.batch_size=1000", NULL},
    };

    all_ways_agree(more[_i]);
}
END_TEST

/* Batches of floats and of bytes in turn, in the same two halves. */
START_TEST(streamed_and_augmented_samples_give_the_same_bits)
{
    static const char *const more[][MORE] = {
        {AUGMENT, NULL},
        {AUGMENT, "train.accumulate=2", "train.eval_batch_size=30", NULL},
    };

    all_ways_agree(more[_i]);
}
END_TEST

START_TEST(streamed_floats_give_the_same_bits)
{
    static const char *const more[] = {
        "data={type: synthetic, kind: blobs, classes: 10, features: 5, samples: 130, "
        "test_samples: 33, split: {train: 100, val: 30}}",
        "model.layers=[{type: dense, units: 10}]", NULL};
    struct evaluation a, b;
    rn_real scores[SCORES];

    open_run("cpu", "yes", more);
    ck_assert_int_eq(trainer_test(trainer, &events, &a), RN_OK);
    memcpy(scores, a.scores, sizeof scores);
    close_run();
    for (int i = 0; i < WAYS; i++) {
        open_run(ways[i][0], ways[i][1], more);
        ck_assert_int_eq(trainer_test(trainer, &events, &b), RN_OK);
        ck_assert(same_bits(scores, b.scores, SCORES));
        close_run();
    }
}
END_TEST

/* In the middle of an epoch, when another batch is begun already, and with what was kept brought
 * back. */
START_TEST(callbacks_that_end_it_see_the_same)
{
    static const char *const early[] = {
        "callbacks=[{type: early_stopping, patience: 1, min_delta: 10, restore: best}]", AUGMENT,
        "train.epochs=6", NULL};

    all_ways_agree(early);
    ck_assert_int_lt(expected.epochs, 6);
}
END_TEST

/* Written by a run whose samples stay, taken over by one whose samples come. */
START_TEST(a_checkpoint_goes_on_in_another_way)
{
    static const char *const more[] = {AUGMENT, "train.accumulate=2", NULL};
    struct safetensors st;
    enum trainer_end end;

    one_run("cpu", "yes", more, &expected);
    for (int i = 0; i < WAYS; i++) {
        open_run(ways[i][0], ways[i][1], more);
        trainer_pause_after(trainer, 2);
        ck_assert_int_eq(trainer_run(trainer, &events, &end), RN_OK);
        ck_assert_int_eq(end, TRAINER_PAUSED);
        ck_assert_int_eq(state_write(trainer, state, NULL, 0), RN_OK);
        close_run();
        open_run(ways[(i + 1) % WAYS][0], ways[(i + 1) % WAYS][1], more);
        ck_assert_int_eq(state_read(state, &st), RN_OK);
        ck_assert_msg(state_restore(trainer, &st, state) >= 0, "%s", error_text());
        safetensors_free(&st);
        finish_run(&got);
        expect_same(&expected, &got, ways[i][0]);
    }
}
END_TEST

/* The steps since the last good state are done again, from samples that come anew. */
START_TEST(the_layer_of_a_divergence_is_found)
{
    static const char *const more[] = {"optimizer={type: sgd, lr: 1e30}", "train.log_every=3 steps",
                                       AUGMENT, NULL};
    enum trainer_end end;
    char text[512] = "";

    for (int i = 0; i < WAYS; i++) {
        open_run(ways[i][0], ways[i][1], more);
        ck_assert_int_eq(trainer_run(trainer, &events, &end), RN_ENUMERIC);
        ck_assert_int_eq(end, TRAINER_DIVERGED);
        ck_assert_msg(strstr(error_text(), "dense") != NULL, "%s", error_text());
        ck_assert(!*text || !strcmp(text, error_text()));
        snprintf(text, sizeof text, "%s", error_text());
        close_run();
    }
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------- */

static void memory_is(long long bytes)
{
    char text[32];

    snprintf(text, sizeof text, "%lld", bytes);
    setenv("RN_MEMORY", text, 1);
}

/* Whether it opens with so much memory; when not, it was said beforehand. */
static bool opens(const char *device, const char *resident, const char *const *more,
                  long long bytes)
{
    memory_is(bytes);
    int status = try_run(device, resident, more);
    if (status < 0) {
        ck_assert_int_eq(status, RN_ENOMEM);
        ck_assert_msg(strstr(error_text(), " needs ") != NULL, "%s", error_text());
        ck_assert_int_ge(diag_errors(s.diag), 1);
    }
    close_run();
    return status >= 0;
}

/* The least that is enough. No allocation fails on the way, and not much is asked for too much. */
static long long least(const char *device, const char *resident, const char *const *more)
{
    long long bad = 0, good = 1 << 26;

    ck_assert(opens(device, resident, more, good));
    while (good - bad > 256)
        *(opens(device, resident, more, (good + bad) / 2) ? &good : &bad) = (good + bad) / 2;
    return good;
}

#define PART MANY, "data.split={train: 3000, val: 1000}" /* all 5000 are held */

START_TEST(what_was_added_up_is_what_is_allocated)
{
    static const char *const more[][MORE] = {
        {PART, NULL},
        {PART, AUGMENT, "train.clip_norm=1", "train.batch_size=1000", NULL},
        {PART, "callbacks=[ema]", "train.eval_batch_size=1", NULL},
    };
    static const char *const devices[] = {"far", "far_plain", "{type: cpu, threads: 1}"};
    static const char *const residents[] = {"yes", "no"};
    const char *device = devices[_i / 6], *resident = residents[_i / 3 % 2];

    long long enough = least(device, resident, more[_i % 3]);
    memory_is(enough + 4096);
    open_run(device, resident, more[_i % 3]);
    struct rn_device_info info = {.size = sizeof info};
    ck_assert_int_eq(s.device->ops->info(s.device, &info), RN_OK);
    ck_assert_int_gt(info.free_bytes, 0);
    if (_i < 12) /* on the CPU what the host keeps counts, too */
        ck_assert_int_lt(info.free_bytes, 64 << 10);
    close_run();
}
END_TEST

START_TEST(what_fits_stays_the_training_samples_first)
{
    static const char *const more[] = {PART, NULL};
    long long none = least("far", "no", more), all = least("far", "yes", more);
    const long long train = TRAIN * SIDE * SIDE, test = TEST * SIDE * SIDE, slack = 1 << 15;

    ck_assert_int_gt(all, none + train + test - slack);
    memory_is(all);
    open_run("far", "auto", more);
    ck_assert(!s.data.streamed[RN_TRAIN] && !s.data.streamed[RN_TEST]);
    ck_assert_ptr_null(s.data.streamed_note);
    close_run();
    memory_is(all - 4096);
    open_run("far", "auto", more);
    ck_assert(!s.data.streamed[RN_TRAIN] && s.data.streamed[RN_TEST]);
    ck_assert(strstr(s.data.streamed_note, "test samples come from the host: 391 KiB do not fit"));
    close_run();
    memory_is(none + test + slack);
    open_run("far", "auto", more);
    ck_assert(s.data.streamed[RN_TRAIN] && !s.data.streamed[RN_TEST]);
    ck_assert(strstr(s.data.streamed_note, "training samples come from the host: 1.9 MiB"));
    close_run();
    memory_is(none);
    open_run("far", "auto", more);
    ck_assert(s.data.streamed[RN_TRAIN] && s.data.streamed[RN_TEST]);
    close_run();
    memory_is(none);
    ck_assert_int_eq(try_run("far", "yes", more), RN_ENOMEM);
    ck_assert_msg(strstr(error_text(), ": data.resident: training needs "), "%s", error_text());
    close_run();
}
END_TEST

/* What is said would fit does, and one more does not. */
static void batch_would_fit(const char *device, const char *key, const char *says,
                            const char *other)
{
    char set[64], name[32];
    const char *more[] = {MANY, set, other, NULL};
    long long good;

    snprintf(set, sizeof set, "train.%s=3000", key);
    snprintf(name, sizeof name, ": train.%s: 3000 needs ", key);
    ck_assert_int_eq(try_run(device, "no", more), RN_ENOMEM);
    ck_assert_msg(strstr(error_text(), name) != NULL, "%s", error_text());
    const char *at = strstr(error_text(), says);
    ck_assert_msg(at && sscanf(at + strlen(says), "%lld", &good) == 1, "%s", error_text());
    ck_assert_ptr_nonnull(strstr(error_text(), " would fit"));
    ck_assert_int_eq(error_exit_code(RN_ENOMEM), 8);
    ck_assert_int_eq(diag_errors(s.diag), 1);
    close_run();
    snprintf(set, sizeof set, "train.%s=%lld", key, good);
    open_run(device, "no", more);
    close_run();
    snprintf(set, sizeof set, "train.%s=%lld", key, good + 1);
    ck_assert_int_eq(try_run(device, "no", more), RN_ENOMEM);
    close_run();
}

START_TEST(the_batch_that_would_fit_is_named)
{
    const char *split = "data.split={train: 3000, val: 2000}";

    memory_is(3 << 20);
    batch_would_fit("far", "batch_size", "; a batch of ", split);
    batch_would_fit("far", "eval_batch_size", "free; ", split);
    memory_is(7 << 20);
    batch_would_fit("cpu", "batch_size", "; a batch of ", split);
}
END_TEST

START_TEST(both_batches_may_be_too_large)
{
    static const char *const more[] = {"train.batch_size=3000", "train.eval_batch_size=3000", MANY,
                                       "data.split={train: 3000, val: 2000}", NULL};

    memory_is(3 << 20);
    ck_assert_int_eq(try_run("far", "auto", more), RN_ENOMEM);
    ck_assert_int_eq(diag_errors(s.diag), 2);
    close_run();
}
END_TEST

START_TEST(what_is_too_large_is_named)
{
    static const char *const wide[] = {
        "model.layers=[flatten, {type: dense, units: 20000}, {type: dense, units: 10}]", NULL};

    static const char *const many[] = {MANY, NULL};

    memory_is(2 << 20);
    ck_assert_int_eq(try_run("far", "auto", wide), RN_ENOMEM);
    ck_assert_msg(strstr(error_text(), "even a batch of 1 needs ") &&
                      strstr(error_text(), "the model is too large"),
                  "%s", error_text());
    close_run();
    ck_assert_int_eq(try_run("cpu", "auto", many), RN_ENOMEM);
    ck_assert_msg(strstr(error_text(), "the samples are too large; see data.limit") != NULL, "%s",
                  error_text());
    close_run();
}
END_TEST

START_TEST(the_cpu_knows_what_is_free)
{
    struct rn_device_info info = {.size = sizeof info};

    open_run("cpu", "auto", NULL);
    ck_assert_int_eq(s.device->ops->info(s.device, &info), RN_OK);
    ck_assert_uint_gt(info.free_bytes, 1 << 20);
    ck_assert_uint_le(info.free_bytes, info.memory_bytes);
    close_run();
}
END_TEST

int main(void)
{
    TCase *bits = tcase_create("bits"), *memory = tcase_create("memory");
    Suite *suite = suite_create("feed");

    tcase_add_checked_fixture(bits, setup, teardown);
    tcase_add_loop_test(bits, streamed_samples_give_the_same_bits, 0, 5);
    tcase_add_loop_test(bits, streamed_and_augmented_samples_give_the_same_bits, 0, 2);
    tcase_add_test(bits, streamed_floats_give_the_same_bits);
    tcase_add_test(bits, callbacks_that_end_it_see_the_same);
    tcase_add_test(bits, a_checkpoint_goes_on_in_another_way);
    tcase_add_test(bits, the_layer_of_a_divergence_is_found);
    suite_add_tcase(suite, bits);
    tcase_add_checked_fixture(memory, setup, teardown);
    tcase_add_loop_test(memory, what_was_added_up_is_what_is_allocated, 0, 18);
    tcase_add_test(memory, what_fits_stays_the_training_samples_first);
    tcase_add_test(memory, the_batch_that_would_fit_is_named);
    tcase_add_test(memory, both_batches_may_be_too_large);
    tcase_add_test(memory, what_is_too_large_is_named);
    tcase_add_test(memory, the_cpu_knows_what_is_free);
    suite_add_tcase(suite, memory);
    return suite_run(suite);
}
