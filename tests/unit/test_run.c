/* test_run.c - what a reporter hears of a whole run: all that reporter.h promises, from the first
 * epoch on. */
#define _XOPEN_SOURCE 700
#include "run/run.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "support/suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char text[] =
    "name: heard\n"
    "device: {type: cpu, threads: 1}\n"
    "data: {type: synthetic, kind: blobs, classes: 3, features: 4,\n"
    "  samples: 300, test_samples: 60, split: {train: 200, val: 100}}\n"
    "model: {layers: [{type: dense, units: 8}, relu, {type: dense, units: 3}]}\n"
    "loss: cross_entropy\n"
    "optimizer: {type: sgd, lr: 0.1}\n"
    "callbacks: [nan_guard, {type: early_stopping, patience: 7}]\n"
    "train: {epochs: 4, batch_size: 8}\n";

static char dir[] = "/tmp/test_run-XXXXXX", file[64];

static struct heard { /* by the reporter */
    int64_t epochs, drawn, rows;
    uint64_t begun_ns;
    bool ended;
} heard;

/* ---- the reporter ------------------------------------------------------------------------- */

static int64_t rows_of_curve(const struct rn_report *r)
{
    int64_t n = -1; /* the head */

    for (int64_t i = 0; i < r->n_figures; i++)
        if (!strcmp(r->figures[i].name, "loss_train_val"))
            for (const char *s = r->figures[i].csv; (s = strchr(s, '\n')); s++)
                n++;
    return n;
}

static void times_add_up(const struct rn_report *r)
{
    double sum = 0;

    for (int64_t i = 0; i < r->n_times; i++) {
        ck_assert(r->times[i].seconds >= 0);
        sum += r->times[i].seconds;
    }
    ck_assert_double_gt(r->seconds, 0);
    ck_assert_double_eq_tol(sum, r->seconds, 1e-6 * r->seconds);
    ck_assert_double_gt(r->peak_bytes, 1e6);
}

static void inside_is_there(const struct rn_report *r, int64_t epoch)
{
    const struct rn_param_fact *last = &r->params[r->n_params - 1];

    ck_assert_int_eq(r->n_params, 4 * epoch);
    ck_assert_int_eq(r->n_units, epoch);
    ck_assert_int_eq(last->epoch, epoch);
    ck_assert_ptr_nonnull(last->bins);
    ck_assert(last->grad_norm > 0 && last->update_norm > 0 && last->weight_norm > 0);
}

static int reporter_open(const void *opts, const struct rn_report *r, void **out)
{
    (void)opts;
    *out = &heard;
    ck_assert_int_eq(r->patience, 7);
    ck_assert_str_eq(r->patience_monitor, "val.loss");
    ck_assert_ptr_nonnull(strstr(r->config_input, "name: heard"));
    bool lr = false;
    for (int64_t i = 0; i < r->n_changed; i++) {
        lr |= !strcmp(r->changed[i].key, "optimizer.lr") && !strcmp(r->changed[i].value, "0.2");
        ck_assert_str_ne(r->changed[i].key, "optimizer.momentum"); /* a default */
    }
    ck_assert(lr);
    return RN_OK;
}

/* Figures and findings from the first epoch on; made again when they are old enough. */
static int reporter_epoch(void *rep, const struct rn_report *r)
{
    int64_t rows = rows_of_curve(r);

    (void)rep;
    heard.epochs++;
    ck_assert_int_eq(r->n_epochs, heard.epochs);
    ck_assert_int_ge(rows, 1);
    ck_assert_int_ge(r->n_findings, 1);
    heard.drawn += rows != heard.rows;
    heard.rows = rows;
    ck_assert_double_le((double)(heard.drawn - 1), clock_s(heard.begun_ns) / 2);
    inside_is_there(r, heard.epochs);
    times_add_up(r);
    return RN_OK;
}

static int reporter_end(void *rep, const struct rn_report *r)
{
    (void)rep;
    heard.ended = true;
    ck_assert_int_eq(rows_of_curve(r), r->n_epochs);
    inside_is_there(r, r->n_epochs);
    times_add_up(r);
    ck_assert_int_gt(r->n_steps, 1);
    ck_assert_int_eq(r->steps[r->n_steps - 1].step, 4 * 25);
    ck_assert(isfinite(r->steps[0].loss));
    ck_assert_double_eq_tol(r->steps[0].lr, 0.2, 1e-9);
    ck_assert_double_gt(r->layers[0].forward_us, 0);
    ck_assert_double_gt(r->layers[2].update_us, 0);
    ck_assert_int_eq(r->n_warnings, 1);
    ck_assert_ptr_nonnull(strstr(r->warnings[0], "has a patience of 7 epochs"));
    ck_assert_ptr_nonnull(strstr(r->log, "has a patience of 7 epochs"));
    ck_assert_ptr_nonnull(strstr(r->log, "first step"));
    return RN_OK;
}

static void reporter_close(void *rep) { (void)rep; }

/* ---- the run ------------------------------------------------------------------------------ */

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/heard.yaml", dir);
    ck_assert_int_eq(file_write(file, text, strlen(text)), RN_OK);
}

static void teardown(void) { file_remove_tree(dir); }

START_TEST(a_reporter_hears_all_of_a_run)
{
    static const char *const overrides[] = {"optimizer.lr=0.2"};
    const struct plugin plugin = {.name = "listener",
                                  .version = "1",
                                  .kind = RN_KIND_REPORTER,
                                  .path = file, /* of which plugins.json has the hash */
                                  .ops.reporter = {.size = sizeof plugin.ops.reporter,
                                                   .open = reporter_open,
                                                   .epoch = reporter_epoch,
                                                   .end = reporter_end,
                                                   .close = reporter_close}};
    struct part listener = {.plugin = &plugin, .name = "listener", .path = "reporters.listener"};
    struct session s;
    int code = -1;

    log_verbosity(-1);
    int status = session_load(&s, file, overrides, 1, NULL, 0);
    status = status < 0 ? status : session_plan(&s);
    ck_assert_msg(status >= 0, "%s", error_text());
    heard.begun_ns = clock_ns();
    s.experiment->reporters = &listener;
    s.experiment->n_reporters = 1;
    status = run_experiment(
        &s,
        &(struct run_args){
            .out = dir, .command = "runner", .begun_ns = clock_ns(), .verbosity = -2},
        &code, NULL, NULL);
    ck_assert_msg(status >= 0, "%s", error_text());
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(heard.epochs, 4);
    ck_assert(heard.ended);
    session_close(&s);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("run");
    TCase *t = tcase_create("all");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_reporter_hears_all_of_a_run);
    suite_add_tcase(s, t);
    return suite_run(s);
}
