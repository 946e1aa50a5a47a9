/* test_trainer.c - what training does beyond a plain step: batches that are added up, clipping,
 * warm-up, augmented batches, copies that are kept, and what callbacks bring about. */
#define _XOPEN_SOURCE 700
#include "train/loop.h"
#include "train/snapshot.h"

#include "base/error.h"
#include "run/session.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/trainer-XXXXXX", file[64];

/* An experiment of three classes in two dimensions, 40 samples to train on. */
static const char base[] =
    "name: small\n"
    "seed: 3\n"
    "device: {type: cpu, threads: 1}\n"
    "data: {type: synthetic, kind: blobs, classes: 3, features: 4,\n"
    "  samples: 60, test_samples: 12, split: {train: 40, val: 20}}\n"
    "model: {layers: [{type: dense, units: 8}, relu, {type: dense, units: 3}]}\n"
    "loss: cross_entropy\n"
    "optimizer: {type: sgd, lr: 0.1}\n"
    "train: {epochs: 2, batch_size: 8}\n";

static struct session s;
static struct trainer *trainer;
static struct trainer_events events; /* nobody listens */

static void setup(void)
{
    FILE *f;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/small.yaml", dir);
    f = fopen(file, "w");
    ck_assert_ptr_nonnull(f);
    fputs(base, f);
    fclose(f);
}

static void teardown(void)
{
    remove(file);
    rmdir(dir);
    snprintf(dir, sizeof dir, "/tmp/trainer-XXXXXX");
}

static void open_run(const char *const *overrides, int n)
{
    int status = session_load(&s, file, overrides, n, NULL, 0);

    status = status < 0 ? status : session_plan(&s);
    status = status < 0 ? status : session_open(&s);
    status = status < 0 ? status : trainer_open(s.experiment, s.model, &s.data, &trainer);
    ck_assert_msg(status >= 0, "%s", error_text());
}

static void close_run(void)
{
    trainer_close(trainer);
    session_close(&s);
    ck_assert_uint_eq(mem_live(), 0);
}

/* Trains, and copies the parameters to out[flat]; returns how it ended. */
static enum trainer_end train(rn_real *out, int64_t cap)
{
    enum trainer_end end;

    ck_assert_msg(trainer_run(trainer, &events, &end) >= 0 || end == TRAINER_DIVERGED, "%s",
                  error_text());
    ck_assert_int_le(s.model->flat, cap);
    ck_assert_int_eq(
        s.device->ops->download(s.device, out, s.model->param, (size_t)s.model->flat * sizeof *out),
        RN_OK);
    return end;
}

enum { CAP = 4096 };
static rn_real a[CAP], b[CAP];

static double apart(int64_t n)
{
    double most = 0;

    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)(a[i] - b[i])));
    return most;
}

/* ---- batches that are added up ------------------------------------------------------------ */

/* 40 samples: five batches of 8, three of 16 with the last one short. */
START_TEST(two_batches_are_as_good_as_one_twice_as_large)
{
    static const char *const large[] = {"train.batch_size=16"};
    static const char *const small[] = {"train.accumulate=2"};

    open_run(large, 1);
    train(a, CAP);
    ck_assert_int_eq(trainer_state(trainer)->updates, 6);
    close_run();
    open_run(small, 1);
    train(b, CAP);
    ck_assert_int_eq(trainer_state(trainer)->updates, 6);
    ck_assert_int_eq(trainer_state(trainer)->step, 10);
    ck_assert_double_le(apart(s.model->flat), 2e-7);
    close_run();
}
END_TEST

/* ---- clipping ------------------------------------------------------------------------------ */

static void one_step(const char *const *overrides, int n, rn_real *before, rn_real *after)
{
    open_run(overrides, n);
    ck_assert_int_eq(s.device->ops->download(s.device, before, s.model->param,
                                             (size_t)s.model->flat * sizeof *before),
                     RN_OK);
    train(after, CAP);
}

/* One step of SGD with lr 1 subtracts the gradient itself. */
START_TEST(the_gradient_is_clipped)
{
    static const char *const plain[] = {"train.epochs=1", "train.batch_size=40", "optimizer.lr=1"};
    static const char *const norm[] = {"train.epochs=1", "train.batch_size=40", "optimizer.lr=1",
                                       "train.clip_norm=0.01"};
    static const char *const value[] = {"train.epochs=1", "train.batch_size=40", "optimizer.lr=1",
                                        "train.clip_value=0.002"};
    static rn_real start[CAP], g[CAP];
    double sum = 0;

    one_step(plain, 3, start, a);
    for (int64_t i = 0; i < s.model->flat; i++) {
        g[i] = start[i] - a[i];
        sum += (double)g[i] * (double)g[i];
    }
    close_run();
    ck_assert_double_gt(sqrt(sum), 0.1);
    one_step(norm, 4, start, a);
    for (int64_t i = 0; i < s.model->flat; i++)
        ck_assert_double_eq_tol((double)(start[i] - a[i]), (double)g[i] * 0.01 / (sqrt(sum) + 1e-6),
                                3e-7);
    close_run();
    one_step(value, 4, start, a);
    for (int64_t i = 0; i < s.model->flat; i++)
        ck_assert_double_eq_tol((double)(start[i] - a[i]), fmax(-0.002, fmin(0.002, (double)g[i])),
                                3e-7);
    close_run();
}
END_TEST

/* ---- the rate ------------------------------------------------------------------------------ */

START_TEST(the_warm_up_comes_before_the_schedule)
{
    static const char *const o[] = {"scheduler={type: linear, warmup: 4 steps, warmup_from: 0.2}",
                                    "train.epochs=4"};
    struct rn_progress_point at = {
        .size = sizeof at, .steps = 20, .steps_per_epoch = 5, .batch_size = 8};
    struct rate r;

    open_run(o, 2);
    ck_assert_int_eq(rate_open(s.experiment->pool, s.experiment, &r), RN_OK);
    for (; at.step < 20; at.step++) {
        double want =
            at.step < 4 ? 0.2 + 0.8 * (double)at.step / 4 : 1 - (double)(at.step - 4) / 16;
        ck_assert_double_eq_tol(rate_at(&r, &at), 0.1 * want, 1e-12);
    }
    close_run();
}
END_TEST

START_TEST(the_curve_is_that_of_the_run)
{
    static const char *const o[] = {"scheduler={type: step, step_size: 1 epoch, gamma: 0.5}",
                                    "train.accumulate=2"};
    struct rate_curve c;

    open_run(o, 2);
    ck_assert_int_eq(rate_curve(s.experiment, s.data.n_train, &c), RN_OK);
    ck_assert_int_eq(c.updates, 6);
    ck_assert_int_eq(c.updates_per_epoch, 3);
    ck_assert_double_eq_tol(c.first, 0.1, 1e-12);
    ck_assert_double_eq_tol(c.last, 0.05, 1e-12);
    close_run();
}
END_TEST

/* ---- what is kept --------------------------------------------------------------------------- */

START_TEST(a_snapshot_brings_everything_back)
{
    static const char *const o[] = {"optimizer={type: adam}", "callbacks=[ema]",
                                    "model.layers.1=batchnorm"};
    struct snapshot kept = {0};
    bool good;

    open_run(o, 3);
    ck_assert_int_eq(s.model->n_watches, 1);
    ck_assert_int_gt(s.model->kept, 0);
    train(a, CAP);
    ck_assert_int_eq(snapshot_take(s.experiment->pool, s.model, &kept, &good), RN_OK);
    ck_assert(good);
    ck_assert_int_eq(s.device->ops->fill(s.device, s.model->param, 7, s.model->flat), RN_OK);
    ck_assert_int_eq(s.device->ops->fill(s.device, s.model->slots[1], 7, s.model->flat), RN_OK);
    ck_assert_int_eq(s.device->ops->fill(s.device, s.model->watches[0].slots[0], 7, 4), RN_OK);
    ck_assert_int_eq(snapshot_restore(s.model, &kept), RN_OK);
    struct snapshot again = {0};
    ck_assert_int_eq(snapshot_take(s.experiment->pool, s.model, &again, &good), RN_OK);
    ck_assert(!memcmp(again.copy[0], kept.copy[0], (size_t)s.model->flat * sizeof *a));
    ck_assert(!memcmp(again.copy[0], a, (size_t)s.model->flat * sizeof *a));
    ck_assert(!memcmp(again.copy[4], kept.copy[4], (size_t)s.model->flat * sizeof *a));
    ck_assert(!memcmp(again.copy[5], kept.copy[5], 4 * sizeof *a));
    ck_assert_int_eq(s.device->ops->fill(s.device, s.model->param, (rn_real)NAN, 1), RN_OK);
    ck_assert_int_eq(snapshot_take(s.experiment->pool, s.model, &again, &good), RN_OK);
    ck_assert(!good);
    ck_assert(!memcmp(again.copy[0], a, (size_t)s.model->flat * sizeof *a));
    close_run();
}
END_TEST

/* The average after two updates, computed by hand from the parameters of each. */
START_TEST(the_average_is_what_is_evaluated)
{
    static const char *const o[] = {"callbacks=[{type: ema, decay: 0.5, warmup: false}]",
                                    "train.batch_size=40", "train.epochs=1"};
    static rn_real start[CAP];
    struct evaluation shown, plain;

    open_run(o, 3);
    ck_assert_int_eq(s.device->ops->download(s.device, start, s.model->param,
                                             (size_t)s.model->flat * sizeof *start),
                     RN_OK);
    train(a, CAP);
    ck_assert_int_eq(trainer_test(trainer, &events, &shown), RN_OK);
    ck_assert_int_eq(
        s.device->ops->download(s.device, b, s.model->param, (size_t)s.model->flat * sizeof *b),
        RN_OK);
    for (int64_t i = 0; i < s.model->flat; i++)
        ck_assert_double_eq_tol((double)b[i], 0.5 * (double)(start[i] + a[i]), 1e-7);
    ck_assert_int_eq(trainer_show(trainer, false), RN_OK);
    ck_assert_int_eq(
        s.device->ops->download(s.device, b, s.model->param, (size_t)s.model->flat * sizeof *b),
        RN_OK);
    ck_assert(apart(s.model->flat) == 0);
    (void)plain;
    close_run();
}
END_TEST

/* ---- divergence ------------------------------------------------------------------------------ */

static void learning_diverges(const char *const *o, int n, const char *where)
{
    enum trainer_end end;

    open_run(o, n);
    int status = trainer_run(trainer, &events, &end);
    ck_assert_int_eq(end, TRAINER_DIVERGED);
    ck_assert_int_eq(status, RN_ENUMERIC);
    ck_assert_msg(strstr(error_text(), where) != NULL, "%s", error_text());
    ck_assert(trainer_kept(trainer));
    ck_assert_int_eq(
        s.device->ops->download(s.device, a, s.model->param, (size_t)s.model->flat * sizeof *a),
        RN_OK);
    for (int64_t i = 0; i < s.model->flat; i++)
        ck_assert(isfinite(a[i]));
    close_run();
}

START_TEST(divergence_names_step_and_layer_and_keeps_the_good)
{
    static const char *const every[] = {"optimizer.lr=1e30", "train.log_every=1 steps"};
    static const char *const late[] = {"optimizer.lr=1e30", "train.log_every=1 epochs",
                                       "train.accumulate=2"};
    static const char *const image[] = {"optimizer.lr=1e36", "train.log_every=4 steps"};

    learning_diverges(every, 2, "the loss is not finite at step ");
    learning_diverges(every, 2, "dense");
    learning_diverges(late, 3, "dense");
    learning_diverges(image, 2, "dense");
}
END_TEST

/* ---- augmented batches ----------------------------------------------------------------------- */

/* By the device's threads and by one of ours: the same batches, whatever was made before. */
START_TEST(both_ways_of_making_a_batch_agree)
{
    static const char *const o[] = {
        "data={type: mnist, path: \"${env:RN_TEST_MNIST}\", limit: {train: 100, val: 0, test: 10}, "
        "augment: [{type: rotate}, {type: shift}, {type: elastic}]}",
        "model.layers=[flatten, {type: dense, units: 10}]", "train.batch_size=30"};
    enum { ROWS = 30, PIXELS = 784 };
    static float first[ROWS * PIXELS], second[ROWS * PIXELS];
    struct data other;
    const struct batches rows = {.train = {ROWS, 10}};
    struct feed *ours, *theirs;
    uint64_t at;

    open_run(o, 3);
    const int32_t *index = s.data.train_index;
    other = s.data;
    other.host_visible = false;
    ck_assert_int_eq(feed_open(s.experiment, &s.data, &rows, &theirs), RN_OK);
    ck_assert_int_eq(feed_open(s.experiment, &other, &rows, &ours), RN_OK);
    for (uint64_t draw = 0; draw < 4; draw++) {
        int64_t n = draw == 3 ? 10 : ROWS;
        struct feed_batch batch = {.augmented = true, .draw = draw, .index = index, .n = n};
        ck_assert_int_eq(feed_take(theirs, &batch, &at), RN_OK);
        memcpy(first, (const float *)feed_input(theirs) + at * PIXELS,
               (size_t)n * PIXELS * sizeof *first);
        ck_assert_int_eq(feed_take(ours, &batch, &at), RN_OK);
        ck_assert_int_eq(s.device->ops->sync(s.device), RN_OK);
        memcpy(second, (const float *)feed_input(ours) + at * PIXELS,
               (size_t)n * PIXELS * sizeof *first);
        ck_assert(!memcmp(first, second, (size_t)n * PIXELS * sizeof *first));
        batch.draw += draw != 1;
        batch.n = draw == 2 ? 10 : ROWS;
        if (draw < 3)
            ck_assert_int_eq(feed_next(ours, &batch), RN_OK);
    }
    feed_close(ours);
    feed_close(theirs);
    close_run();
}
END_TEST

/* ---- the inside of the model ----------------------------------------------------------------- */

/* One epoch with and without a look inside; how much differs. */
static bool looking_changes(const char *const *o, int n)
{
    open_run(o, n);
    ck_assert_int_ge(trainer->inside.step, 0);
    trainer->inside.step = -1;
    train(a, CAP);
    ck_assert_int_eq(trainer_inside(trainer)->epoch, 0);
    close_run();
    open_run(o, n);
    train(b, CAP);
    ck_assert_int_eq(trainer_inside(trainer)->epoch, 2);
    bool changes = memcmp(a, b, (size_t)s.model->flat * sizeof *a) != 0;
    close_run();
    return changes;
}

START_TEST(looking_inside_changes_nothing)
{
    static const char *const plain[] = {"seed=3"};
    static const char *const much[] = {
        "optimizer=adam",          "train.accumulate=2",    "train.clip_norm=0.1",
        "callbacks=[ema]",         "+model.layers=dropout", "+model.layers={type: dense, units: 3}",
        "model.layers.1=batchnorm"};
    static const char *const image[] = {
        "data={type: mnist, path: \"${env:RN_TEST_MNIST}\", limit: {train: 100, val: 10, test: "
        "10}}",
        "model.layers=[{type: conv2d, filters: 2, kernel: 5, stride: 4}, relu, flatten, "
        "{type: dense, units: 10}]",
        "train.batch_size=30"};

    ck_assert(!looking_changes(plain, 1));
    ck_assert(!looking_changes(much, 7));
    ck_assert(!looking_changes(image, 3));
}
END_TEST

static double length(const rn_real *x, const rn_real *y, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += pow((double)(y ? x[i] - y[i] : x[i]), 2);
    return sqrt(sum);
}

/* One step of SGD with lr 0.5, of which all can be told from the parameters before and after. Units
 * 0 to 2 of the hidden layer never wake. */
START_TEST(what_is_seen_inside_is_what_happened)
{
    static const char *const o[] = {"train.epochs=1", "train.batch_size=40", "optimizer.lr=0.5"};
    const rn_real low[3] = {-1e6F, -1e6F, -1e6F};

    open_run(o, 3);
    rn_real *bias = s.model->param + s.model->params[1].offset;
    ck_assert_int_eq(s.device->ops->upload(s.device, bias, low, sizeof low), RN_OK);
    ck_assert_int_eq(
        s.device->ops->download(s.device, b, s.model->param, (size_t)s.model->flat * sizeof *b),
        RN_OK);
    train(a, CAP);
    const struct trainer_inside *in = trainer_inside(trainer);
    ck_assert_int_eq(in->epoch, 1);
    ck_assert_int_eq(in->n_params, 4);
    for (int i = 0; i < in->n_params; i++) {
        const struct rn_param_fact *p = &in->params[i];
        const rn_real *now = a + s.model->params[i].offset, *then = b + s.model->params[i].offset;
        int64_t sum = 0;

        ck_assert_str_eq(p->name, s.model->params[i].name);
        ck_assert_double_eq_tol(p->weight_norm, length(now, NULL, p->n), 1e-6 * p->weight_norm);
        ck_assert_double_eq_tol(p->update_norm, length(now, then, p->n), 1e-12);
        if (i != 1)
            ck_assert_double_eq_tol(p->update_norm, 0.5 * p->grad_norm, 1e-6 * p->grad_norm);
        for (int64_t k = 0; k < p->n; k++)
            ck_assert(p->least <= (double)now[k] && (double)now[k] <= p->most);
        for (int k = 0; k < RN_BINS; k++)
            sum += p->bins[k];
        ck_assert_int_eq(sum, p->n);
    }
    ck_assert_int_eq(in->params[1].bins[0], 3);
    ck_assert_int_eq(in->params[1].bins[RN_BINS - 1], 5);
    ck_assert_int_eq(in->n_units, 1);
    ck_assert_str_eq(in->units[0].layer, s.model->layers[1].name);
    ck_assert_int_eq(in->units[0].n, 8);
    ck_assert_int_ge(in->units[0].silent, 3);
    ck_assert_int_lt(in->units[0].silent, 8);
    close_run();
}
END_TEST

/* Of 40 samples in batches of 16: the second step, for the third has 8. */
START_TEST(the_last_full_batch_is_looked_at)
{
    static const char *const o[] = {"train.batch_size=16"}, *const tiny[] = {"train.batch_size=64"};
    static const char *const added[] = {"train.batch_size=16", "train.accumulate=3"};

    open_run(o, 1);
    ck_assert_int_eq(trainer->inside.step, 1);
    close_run();
    open_run(tiny, 1);
    ck_assert_int_eq(trainer->inside.step, 0);
    close_run();
    open_run(added, 2); /* the only update is behind the third */
    ck_assert_int_eq(trainer->inside.step, 2);
    close_run();
}
END_TEST

/* A device whose memory only it may follow. */
START_TEST(what_is_seen_of_a_far_device_is_the_same)
{
    static double norms[4];

    open_run(NULL, 0);
    train(a, CAP);
    for (int i = 0; i < 4; i++)
        norms[i] = trainer_inside(trainer)->params[i].update_norm;
    close_run();
    open_run(NULL, 0);
    s.data.host_visible = false;
    train(b, CAP);
    for (int i = 0; i < 4; i++)
        ck_assert(norms[i] > 0 && norms[i] == trainer_inside(trainer)->params[i].update_norm);
    close_run();
}
END_TEST

/* ---- what an epoch measures ---------------------------------------------------------------- */

static int sees_fit(void *ctx, const struct rn_epoch *e, bool best, const struct evaluation *fit,
                    const struct evaluation *val)
{
    int *epochs = ctx;

    (void)best;
    ck_assert(isfinite(e->fit_loss) && isfinite(e->fit_accuracy));
    ck_assert_int_eq(fit->n, 20);
    ck_assert_int_eq(val->n, 40);
    ++*epochs;
    return RN_OK;
}

START_TEST(fewer_training_than_validation_samples_are_measured_all_the_same)
{
    static const char *const split[] = {"data.split={train: 20, val: 40}"};
    int epochs = 0;

    events = (struct trainer_events){.ctx = &epochs, .epoch = sees_fit};
    open_run(split, 1);
    train(a, CAP);
    close_run();
    events = (struct trainer_events){0};
    ck_assert_int_eq(epochs, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trainer");
    TCase *c = tcase_create("training");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, two_batches_are_as_good_as_one_twice_as_large);
    tcase_add_test(c, the_gradient_is_clipped);
    tcase_add_test(c, the_warm_up_comes_before_the_schedule);
    tcase_add_test(c, the_curve_is_that_of_the_run);
    tcase_add_test(c, a_snapshot_brings_everything_back);
    tcase_add_test(c, the_average_is_what_is_evaluated);
    tcase_add_test(c, looking_inside_changes_nothing);
    tcase_add_test(c, what_is_seen_inside_is_what_happened);
    tcase_add_test(c, the_last_full_batch_is_looked_at);
    tcase_add_test(c, what_is_seen_of_a_far_device_is_the_same);
    tcase_add_test(c, divergence_names_step_and_layer_and_keeps_the_good);
    tcase_add_test(c, both_ways_of_making_a_batch_agree);
    tcase_add_test(c, fewer_training_than_validation_samples_are_measured_all_the_same);
    suite_add_tcase(suite, c);
    return suite_run(suite);
}
