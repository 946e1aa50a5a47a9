/* test_sweep.c - what is said of many runs: planted differences and none, corrections, one seed,
 * seeds that lack, divergence, damage; and that the test set never chooses. */
#define _GNU_SOURCE
#include "base/error.h"
#include "base/file.h"
#include "report/sweep.h"
#include "support/suite.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static char root[] = "/tmp/test_sweep_XXXXXX";
static struct sweep *sweep;
static struct text plan; /* the groups of sweep.json */
static int n_groups;

static void setup(void)
{
    memcpy(strrchr(root, '_') + 1, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(root));
    plan = (struct text){0};
    n_groups = 0;
    sweep = NULL;
}

static void teardown(void)
{
    sweep_close(sweep);
    text_free(&plan);
    file_remove_tree(root);
    ck_assert_uint_eq(mem_live(), 0);
}

static void put(const char *dir, const char *name, const char *text)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s%s%s", root, *dir ? "/" : "", dir);
    ck_assert_int_eq(file_mkdirs(path), RN_OK);
    snprintf(path, sizeof path, "%s%s%s/%s", root, *dir ? "/" : "", dir, name);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

/* ---- made runs ------------------------------------------------------------ */

struct made {
    const char *status; /* NULL: finished */
    double val, test;   /* accuracies; val is reached in the second of three epochs */
    double train_s;
    int parameters;
    int right; /* of 100 test samples the first are; < 0: no predictions */
    int64_t rung;
};

static void put_run(const char *id, struct made m)
{
    char dir[256], text[4096];

    snprintf(dir, sizeof dir, "runs/%s", id);
    put(dir, "status.json", "{\"status\": \"finished\", \"reason\": \"done\"}");
    snprintf(text, sizeof text,
             "{\"name\": \"made\", \"training\": {\"epochs\": 3}, \"model\": {\"parameters\": %d}, "
             "\"times\": {\"train_s\": %g}, \"samples\": {\"test\": 100}, "
             "\"test\": {\"accuracy\": %.9g, \"loss\": 1}}",
             m.parameters ? m.parameters : 10, m.train_s > 0 ? m.train_s : 1, m.test);
    put(dir, "summary.json", text);
    snprintf(text, sizeof text,
             "epoch,val_loss,val_accuracy\n1,%.9g,%.9g\n2,%.9g,%.9g\n3,nan,%.9g\n", 1 - m.val + 0.1,
             m.val - 0.1, 1 - m.val, m.val, m.val - 0.05);
    put(dir, "epochs.csv", text);
    put(dir, "data.json", "{\"type\": \"made\", \"fingerprint\": {\"test\": \"abc\"}}");
    if (m.right < 0)
        return;
    struct text t = {0};
    text_add(&t, "index,true,predicted,p_true,p_predicted,loss\n");
    for (int i = 0; i < 100; i++)
        text_add(&t, "%d,%d,%d,1,1,0\n", i, i % 3, i < m.right ? i % 3 : (i + 1) % 3);
    put(dir, "predictions.csv", text_str(&t));
    text_free(&t);
}

/* values: "{\"x\": \"1\"}" */
static void begin_group(const char *label, const char *values)
{
    text_add(&plan, "%s{\"label\": \"%s\", \"values\": %s, \"runs\": [", n_groups++ ? "]}, " : "",
             label, values ? values : "{}");
}

static void add_run(const char *label, int seed, struct made m)
{
    char id[128];
    const char *status = m.status ? m.status : "finished";

    snprintf(id, sizeof id, "%s-s%d-00000000", label, seed);
    text_add(&plan, "%s{\"id\": \"%s\", \"seed\": %d, \"status\": \"%s\", \"rung\": %lld}",
             plan.s[plan.n - 1] == '[' ? "" : ", ", id, seed, status, (long long)m.rung);
    if (strcmp(status, "pending") != 0)
        put_run(id, m);
}

static void add_group(const char *label, const char *values, const double *val, int n)
{
    begin_group(label, values);
    for (int i = 0; i < n; i++)
        add_run(label, i + 1, (struct made){.val = val[i], .test = val[i] - 0.01, .right = -1});
}

static int open_as(const char *reference, const char *axes, const char *metric, const char *goal)
{
    struct text t = {0};

    text_add(&t,
             "{\"name\": \"made\", \"description\": \"\", \"method\": \"grid\", \"objective\": "
             "{\"metric\": \"%s\", \"goal\": \"%s\"}, \"reference\": \"%s\", \"axes\": [%s], "
             "\"said\": [\"It was planned.\"], \"groups\": [%s%s]}",
             metric, goal, reference, axes, text_str(&plan), n_groups ? "]}" : "");
    put("", "sweep.json", text_str(&t));
    text_free(&t);
    return sweep_open(root, &sweep);
}

static void open_sweep(const char *reference)
{
    ck_assert_msg(!open_as(reference, "", "val.accuracy", "max"), "%s", error_text());
}

static const char *finding(const char *rule)
{
    for (int64_t i = 0; i < sweep->view.n_findings; i++)
        if (!strcmp(sweep->view.findings[i].rule, rule))
            return sweep->view.findings[i].text;
    return "";
}

#define HAS(text, what)   ck_assert_msg(strstr(text, what) != NULL, "no '%s' in: %s", what, text)
#define LACKS(text, what) ck_assert_msg(!strstr(text, what), "'%s' in: %.2000s", what, text)

static const struct rn_group *group(const char *label)
{
    for (int64_t g = 0; g < sweep->view.n; g++)
        if (!strcmp(sweep->view.groups[g].label, label))
            return &sweep->view.groups[g];
    ck_abort_msg("no group %s", label);
    return NULL;
}

static const struct rn_figure *figure(const char *name)
{
    for (int64_t i = 0; i < sweep->view.n_figures; i++)
        if (!strcmp(sweep->view.figures[i].name, name))
            return &sweep->view.figures[i];
    return NULL;
}

static const double base[] = {0.950, 0.953, 0.948, 0.955, 0.951};
/* base and 0.004, 0.0015, 0.0062, 0.0031, 0.0007, of which test_stats.c knows the interval */
static const double above[] = {0.954, 0.9545, 0.9542, 0.9581, 0.9517};
static const double mixed[] = {0.953, 0.949, 0.951, 0.954, 0.952};

/* ---- over seeds ----------------------------------------------------------- */

START_TEST(a_difference_is_told)
{
    add_group("ref", NULL, base, 5);
    add_group("new", NULL, above, 5);
    open_sweep("ref");
    ck_assert_str_eq(sweep->view.groups[0].label, "new");
    ck_assert_int_eq(sweep->view.reference, 1);
    HAS(finding("best"), "First by val.accuracy is new: 95.45 % on average of 5 seeds");
    HAS(finding("difference"), "new is better than ref (0.31 points on average, interval 0.04 to "
                               "0.58 points, paired t over 5 seeds, p = 0.033)");
    const struct rn_difference *d = &group("new")->difference;
    ck_assert_double_eq_tol(d->low, 0.0004124355571299039, 1e-9);
    ck_assert(d->differs && d->by == RN_BY_SEEDS);
    ck_assert_int_eq(sweep->view.n_comparisons, 1);
    ck_assert_ptr_nonnull(figure("ranking"));
    ck_assert_ptr_nonnull(figure("differences"));
    ck_assert_ptr_nonnull(figure("curves"));
    HAS(finding("said"), "It was planned.");
}
END_TEST

START_TEST(a_correction_takes_it_away)
{
    add_group("ref", NULL, base, 5);
    add_group("new", NULL, above, 5);
    add_group("a", NULL, mixed, 5);
    add_group("b", NULL, mixed, 5);
    add_group("c", NULL, mixed, 5);
    open_sweep("ref");
    ck_assert(!group("new")->difference.differs);
    ck_assert_double_eq_tol(group("new")->difference.low, -0.001076533567508189, 1e-9);
    HAS(finding("difference"), "No difference between new and ref can be shown with 5 seeds");
    HAS(finding("difference"), "corrected for 4 comparisons");
    HAS(finding("seeds_needed"), "seeds to show it with a chance of 80 %");
    HAS(finding("alike"), "can be shown with 5 seeds for a, b, c");
}
END_TEST

START_TEST(no_difference_is_no_difference)
{
    add_group("ref", NULL, base, 3);
    add_group("new", NULL, mixed, 3);
    open_sweep("ref");
    HAS(finding("difference"), "No difference between new and ref can be shown with 3 seeds");
    for (int64_t i = 0; i < sweep->view.n_findings; i++)
        LACKS(sweep->view.findings[i].text, "better than");
    HAS(finding("best_share"), "which is the best is open");
    ck_assert_double_eq_tol(group("ref")->best_share + group("new")->best_share, 1, 1e-9);
}
END_TEST

/* t(0.975, 4) = 2.776445, sd of base = 0.002701851 */
START_TEST(one_configuration_has_a_spread)
{
    add_group("ref", NULL, base, 5);
    open_sweep("ref");
    HAS(finding("best"), "The only configuration by val.accuracy is ref: 95.14 % on average of 5");
    HAS(finding("spread"), "a standard deviation of 0.27 points: one more run lies between 94.32 % "
                           "and 95.96 % with a chance of 95 %");
}
END_TEST

/* Each seed differs by the same: a seed that decides nothing, or luck. */
START_TEST(without_spread_nothing_is_shown)
{
    add_group("ref", NULL, (const double[]){0.9, 0.9}, 2);
    add_group("new", NULL, (const double[]){0.95, 0.95}, 2);
    open_sweep("ref");
    ck_assert(!group("new")->difference.differs);
    HAS(finding("difference"), "new less ref is 5.00 points with each of 2 seeds");
}
END_TEST

START_TEST(seeds_that_only_one_has_are_left_out)
{
    add_group("ref", NULL, base, 5);
    begin_group("new", NULL);
    for (int i = 1; i < 5; i++)
        add_run("new", i + 2, (struct made){.val = i < 4 ? above[i + 1] : 0.99, .right = -1});
    open_sweep("ref"); /* new has the seeds 3 to 6 */
    ck_assert_int_eq(group("new")->difference.n, 3);
    ck_assert_int_eq(group("new")->difference.left_out, 3);
    HAS(finding("left_out"), "new (3)");
    ck_assert_double_eq_tol(group("new")->difference.mean, (0.0062 + 0.0031 + 0.0007) / 3, 1e-9);
    ck_assert_int_eq(sweep->view.best_seeds, 3);
}
END_TEST

START_TEST(the_test_set_never_chooses)
{
    begin_group("ref", NULL);
    for (int i = 0; i < 3; i++)
        add_run("ref", i, (struct made){.val = 0.9 + 0.001 * i, .test = 0.99, .right = -1});
    begin_group("new", NULL);
    for (int i = 0; i < 3; i++)
        add_run("new", i, (struct made){.val = 0.91 + 0.002 * i, .test = 0.5, .right = -1});
    begin_group("mid", NULL);
    for (int i = 0; i < 3; i++)
        add_run("mid", i, (struct made){.val = 0.905 + 0.002 * i, .test = 0.7, .right = -1});
    open_sweep("ref");
    ck_assert_str_eq(sweep->view.groups[0].label, "new");
    ck_assert_str_eq(sweep->view.groups[2].label, "ref");
    ck_assert_double_eq_tol(group("new")->test.mean, 0.5, 1e-9);
    HAS(finding("test"), "On the test set, which chose nothing, new has test.accuracy 50.00 %");
    HAS(finding("optimism"), "may come of choosing it by validation");
    ck_assert_ptr_nonnull(figure("validation_test"));
}
END_TEST

START_TEST(the_best_epoch_counts_and_less_may_be_better)
{
    add_group("ref", NULL, base, 2);
    add_group("new", NULL, above, 2);
    ck_assert_int_eq(open_as("ref", "", "val.loss", "min"), RN_OK);
    ck_assert_str_eq(sweep->view.groups[0].label, "new");
    ck_assert_double_eq_tol(group("new")->trials[0].objective, 1 - 0.954, 1e-9);
    ck_assert_int_eq(group("new")->trials[0].best_epoch, 2);
    ck_assert_int_eq(group("new")->trials[0].epochs, 3);
    ck_assert(!sweep->view.percent);
}
END_TEST

/* ---- ends ----------------------------------------------------------------- */

START_TEST(what_diverged_ranks_below)
{
    begin_group("wild", NULL);
    add_run("wild", 1, (struct made){.val = 0.999, .right = -1});
    add_run("wild", 2, (struct made){.status = "diverged", .val = 0.999, .right = -1});
    add_group("ref", NULL, base, 2);
    begin_group("none", NULL);
    add_run("none", 1, (struct made){.status = "failed", .val = 1, .right = -1});
    begin_group("half", NULL);
    add_run("half", 1, (struct made){.status = "pruned", .val = 1, .right = -1, .rung = 1});
    begin_group("first", NULL);
    add_run("first", 1, (struct made){.status = "pruned", .val = 1, .right = -1});
    begin_group("later", NULL);
    add_run("later", 1, (struct made){.status = "pending"});
    open_sweep("ref");
    static const char *const order[] = {"ref", "wild", "half", "first", "none", "later"};
    for (int i = 0; i < 6; i++)
        ck_assert_msg(!strcmp(sweep->view.groups[i].label, order[i]) ||
                          (i > 3 && (!strcmp(order[i], "none") || !strcmp(order[i], "later"))),
                      "%d is %s", i, sweep->view.groups[i].label);
    HAS(finding("diverged"), "1 of 8 runs diverged: wild (1 of 2)");
    HAS(finding("failed"), "1 of 8 runs gave no number");
    HAS(finding("waiting"), "1 of 8 runs go on or have not begun");
    ck_assert(isnan(group("none")->objective.mean));
    ck_assert_int_eq(group("half")->objective.n, 0);
}
END_TEST

START_TEST(a_sweep_that_only_begins)
{
    begin_group("a", NULL);
    add_run("a", 1, (struct made){.status = "pending"});
    open_sweep("a");
    HAS(finding("best"), "Nothing can be said yet");
    ck_assert_int_eq(sweep->view.n_figures, 0);
    sweep_close(sweep);
    text_free(&plan);
    n_groups = 0;
    open_sweep("");
    HAS(finding("best"), "Nothing can be said yet");
}
END_TEST

/* ---- one seed ------------------------------------------------------------- */

START_TEST(one_seed_is_compared_by_samples)
{
    begin_group("ref", NULL);
    add_run("ref", 7, (struct made){.val = 0.9, .test = 0.5, .right = 50});
    begin_group("new", NULL);
    add_run("new", 7, (struct made){.val = 0.92, .test = 0.7, .right = 70});
    begin_group("near", NULL);
    add_run("near", 7, (struct made){.val = 0.91, .test = 0.53, .right = 53});
    open_sweep("ref");
    const struct rn_difference *d = &group("new")->difference;
    ck_assert(d->by == RN_BY_SAMPLES && d->differs);
    ck_assert_int_eq(d->only_this, 20);
    ck_assert_int_eq(d->only_reference, 0);
    ck_assert_double_eq_tol(d->p_corrected, 2 * d->p, 1e-12);
    HAS(finding("difference"), "new gets more of the same test samples right than ref");
    ck_assert(!group("near")->difference.differs);
    HAS(finding("alike"), "can be shown with 1 seed for near");
    HAS(finding("one_seed"), "several seeds would have to show");
}
END_TEST

START_TEST(one_seed_without_predictions_says_nothing)
{
    add_group("ref", NULL, base, 1);
    add_group("new", NULL, above, 1);
    open_sweep("ref");
    HAS(finding("difference"), "can be shown with 1 seed: more seeds are needed");
    ck_assert_int_eq(sweep->view.n_comparisons, 0);
}
END_TEST

/* ---- axes ----------------------------------------------------------------- */

#define X_Y "{\"path\": \"x\", \"scale\": \"log\"}, {\"path\": \"y\", \"scale\": \"choice\"}"

START_TEST(effects_are_means_over_the_other_axes)
{
    static const double v[4][3] = {
        {0.80, 0.82, 0.81}, {0.90, 0.91, 0.92}, {0.70, 0.71, 0.72}, {0.84, 0.85, 0.83}};
    static const char *const values[] = {
        "{\"x\": \"0.1\", \"y\": \"a\"}", "{\"x\": \"0.01\", \"y\": \"a\"}",
        "{\"x\": \"0.1\", \"y\": \"b\"}", "{\"x\": \"0.01\", \"y\": \"b\"}"};
    static const char *const labels[] = {"g1", "g2", "g3", "g4"};

    for (int i = 0; i < 4; i++)
        add_group(labels[i], values[i], v[i], 3);
    ck_assert_int_eq(open_as("g1", X_Y, "val.accuracy", "max"), RN_OK);
    const struct rn_axis *x = &sweep->view.axes[0];
    ck_assert_int_eq(x->n_effects, 2);
    ck_assert_str_eq(x->effects[0].value, "0.01"); /* ascending */
    ck_assert_int_eq(x->effects[0].n_groups, 2);
    ck_assert_double_eq_tol(x->effects[0].objective.mean, 0.875, 1e-9);
    ck_assert_double_eq_tol(x->effects[1].objective.mean, 0.76, 1e-9);
    /* of seeds: 0.75, 0.765, 0.765 */
    ck_assert_double_eq_tol(x->effects[1].objective.sd, 0.00866025403784, 1e-9);
    ck_assert_int_eq(x->effects[1].objective.n, 3);
    ck_assert_str_eq(sweep->view.axes[1].effects[0].value, "a"); /* as in the file */
    ck_assert(x->importance > sweep->view.axes[1].importance);
    ck_assert_ptr_nonnull(figure("effect_1"));
    ck_assert_ptr_nonnull(figure("grid_2_1"));
    HAS(figure("grid_2_1")->csv, "0.01,a,0.91,1");
    ck_assert_ptr_null(figure("parallel"));
    HAS(finding("importance"), "x ");
}
END_TEST

START_TEST(a_search_has_its_order_and_all_axes)
{
    char label[16], values[64];

    for (int i = 0; i < 20; i++) {
        snprintf(label, sizeof label, "t%d", i);
        snprintf(values, sizeof values, "{\"x\": \"%g\", \"y\": \"%c\"}", pow(10, -i / 5.0),
                 'a' + i % 2);
        add_group(label, values, (const double[]){0.9 - 0.002 * (i - 7) * (i - 7) / 7.0}, 1);
    }
    ck_assert_int_eq(open_as("", X_Y, "val.accuracy", "max"), RN_OK);
    ck_assert_str_eq(sweep->view.groups[0].label, "t7");
    ck_assert_int_eq(sweep->view.axes[0].n_effects, 0);
    ck_assert_double_gt(sweep->view.axes[0].importance, 0.5);
    ck_assert_double_lt(sweep->view.axes[1].importance, 0.2);
    ck_assert_ptr_nonnull(figure("trials"));
    ck_assert_ptr_nonnull(figure("parallel"));
    ck_assert_ptr_nonnull(figure("effect_1"));
    ck_assert_ptr_nonnull(figure("importance"));
    HAS(finding("reference"), "no difference was tested");
    int64_t lines = 0;
    for (int64_t g = 0; g < sweep->view.n; g++)
        lines += sweep->view.groups[g].look >= 0;
    ck_assert_int_eq(lines, SWEEP_LINES - 1);
    ck_assert_ptr_nonnull(strstr(figure("curves")->svg, "6 of 20"));
}
END_TEST

START_TEST(what_is_as_good_and_cheaper_is_the_front)
{
    static const struct made m[] = {{.val = 0.9, .train_s = 10, .parameters = 100, .right = -1},
                                    {.val = 0.8, .train_s = 2, .parameters = 200, .right = -1},
                                    {.val = 0.7, .train_s = 5, .parameters = 50, .right = -1}};
    static const char *const labels[] = {"good", "fast", "small"};

    for (int i = 0; i < 3; i++) {
        begin_group(labels[i], NULL);
        add_run(labels[i], 1, m[i]);
    }
    open_sweep("good");
    ck_assert(group("good")->pareto_time && group("fast")->pareto_time);
    ck_assert(!group("small")->pareto_time);
    ck_assert(group("good")->pareto_size && group("small")->pareto_size);
    ck_assert(!group("fast")->pareto_size);
    HAS(figure("time")->csv, "fast,2,0.8,yes");
    HAS(figure("size")->csv, "fast,200,0.8,no");
}
END_TEST

/* ---- damage --------------------------------------------------------------- */

START_TEST(runs_that_cannot_be_read_are_shown_as_such)
{
    add_group("ref", NULL, base, 3);
    add_group("new", NULL, above, 3);
    open_sweep("ref");
    sweep_close(sweep);
    put("runs/new-s1-00000000", "epochs.csv", "epoch,val_accuracy\n1,no number\n");
    put("runs/new-s2-00000000", "status.json", "{");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/runs/new-s3-00000000", root);
    file_remove_tree(path);
    open_sweep("ref");
    for (int i = 0; i < 3; i++) {
        ck_assert_str_eq(group("new")->trials[i].status, "unreadable");
        ck_assert(!group("new")->trials[i].counts);
    }
    HAS(group("new")->trials[0].reason, "epochs.csv:2");
    HAS(group("new")->trials[2].reason, "not there");
    ck_assert_int_eq(group("new")->n_failed, 3);
    ck_assert_str_eq(sweep->view.groups[0].label, "ref");
    HAS(finding("failed"), "3 of 6 runs");
}
END_TEST

static const char *const damaged[] = {
    "",
    "[]",
    "{",
    "{\"name\": 3}",
    "{\"objective\": {\"metric\": \"test.accuracy\", \"goal\": \"max\"}}",
    "{\"objective\": {\"metric\": \"val.accuracy\", \"goal\": \"most\"}}",
#define OBJECTIVE "{\"objective\": {\"metric\": \"val.accuracy\", \"goal\": \"max\"}, "
    OBJECTIVE "\"groups\": {}}",
    OBJECTIVE "\"groups\": [3]}",
    OBJECTIVE "\"groups\": [{\"label\": \"\"}]}",
    OBJECTIVE "\"groups\": [{\"label\": \"a\", \"values\": 3}]}",
    OBJECTIVE "\"axes\": [{\"path\": \"\"}]}",
    OBJECTIVE "\"axes\": [{\"path\": \"x\", \"scale\": \"round\"}]}",
    OBJECTIVE "\"said\": [3]}",
#define RUNS OBJECTIVE "\"groups\": [{\"label\": \"a\", \"runs\": ["
    RUNS "{\"id\": \"../x\", \"seed\": 1, \"status\": \"finished\"}]}]}",
    RUNS "{\"id\": \"..\", \"seed\": 1, \"status\": \"finished\"}]}]}",
    RUNS "{\"id\": \"a/b\", \"seed\": 1, \"status\": \"finished\"}]}]}",
    RUNS "{\"id\": \"\", \"seed\": 1, \"status\": \"finished\"}]}]}",
    RUNS "{\"id\": \"a\", \"seed\": -1, \"status\": \"finished\"}]}]}",
    RUNS "{\"id\": \"a\", \"seed\": 1.5, \"status\": \"finished\"}]}]}",
    RUNS "{\"id\": \"a\", \"seed\": 1, \"status\": \"fine\"}]}]}",
    RUNS "{\"id\": \"a\", \"status\": \"finished\"}]}]}",
    RUNS "{\"id\": \"a\", \"seed\": 1, \"status\": \"failed\"}, "
         "{\"id\": \"b\", \"seed\": 1, \"status\": \"failed\"}]}]}",
};

START_TEST(a_damaged_plan_is_refused)
{
    put("", "sweep.json", damaged[_i]);
    ck_assert_msg(sweep_open(root, &sweep) == RN_EDATA, "%s is taken", damaged[_i]);
    HAS(error_text(), "sweep.json");
    ck_assert_ptr_null(sweep);
}
END_TEST

START_TEST(seeds_beyond_doubles_are_texts)
{
    put("", "sweep.json",
        RUNS "{\"id\": \"a\", \"seed\": \"18446744073709551615\", \"status\": \"failed\"}]}]}");
    ck_assert_int_eq(sweep_open(root, &sweep), RN_OK);
    ck_assert(sweep->view.groups[0].trials[0].seed == UINT64_MAX);
}
END_TEST

START_TEST(texts_of_strangers_stay_texts)
{
    static const char *const label = "</svg><script>alert(1)</script>&";

    begin_group("a", NULL);
    add_run("a", 1, (struct made){.val = 0.9, .test = 0.9, .right = -1});
    begin_group(label, "{\"x\": \"<img src=x>\", \"y\": \"=cmd\"}");
    add_run("b", 1, (struct made){.val = 0.91, .test = 0.9, .train_s = 3, .right = -1});
    ck_assert_int_eq(open_as("a", X_Y, "val.accuracy", "max"), RN_OK);
    for (int64_t i = 0; i < sweep->view.n_figures; i++) {
        LACKS(sweep->view.figures[i].svg, "<script");
        LACKS(sweep->view.figures[i].svg, "<img");
        LACKS(sweep->view.figures[i].csv, "\n=cmd");
    }
    ck_assert_int_gt(sweep->view.n_figures, 2);
    ck_assert_int_eq(sweep_write(sweep), RN_OK);
    struct text t = {0};
    sweep_summary_json(sweep, &t);
    HAS(text_str(&t), "\"comparisons\": 0");
    text_free(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sweep");
    TCase *t = tcase_create("sweep");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_difference_is_told);
    tcase_add_test(t, a_correction_takes_it_away);
    tcase_add_test(t, no_difference_is_no_difference);
    tcase_add_test(t, one_configuration_has_a_spread);
    tcase_add_test(t, without_spread_nothing_is_shown);
    tcase_add_test(t, seeds_that_only_one_has_are_left_out);
    tcase_add_test(t, the_test_set_never_chooses);
    tcase_add_test(t, the_best_epoch_counts_and_less_may_be_better);
    tcase_add_test(t, what_diverged_ranks_below);
    tcase_add_test(t, a_sweep_that_only_begins);
    tcase_add_test(t, one_seed_is_compared_by_samples);
    tcase_add_test(t, one_seed_without_predictions_says_nothing);
    tcase_add_test(t, effects_are_means_over_the_other_axes);
    tcase_add_test(t, a_search_has_its_order_and_all_axes);
    tcase_add_test(t, what_is_as_good_and_cheaper_is_the_front);
    tcase_add_test(t, runs_that_cannot_be_read_are_shown_as_such);
    tcase_add_loop_test(t, a_damaged_plan_is_refused, 0, (int)(sizeof damaged / sizeof *damaged));
    tcase_add_test(t, seeds_beyond_doubles_are_texts);
    tcase_add_test(t, texts_of_strangers_stay_texts);
    suite_add_tcase(s, t);
    return suite_run(s);
}
