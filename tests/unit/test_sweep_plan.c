/* test_sweep_plan.c - what the file of a sweep comes to: which runs, in which order, of what
 * configuration; which files are refused; and where searches look. */
#define _XOPEN_SOURCE 700
#include "base/error.h"
#include "support/fakes.h"
#include "support/suite.h"
#include "sweep/plan.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

static struct pool *pool;
static struct registry *registry;
static struct sweep_spec spec;
static struct plan plan;
static char dir[] = "/tmp/rn-sweep-XXXXXX";

static void put(const char *name, const char *text) { scratch_write(dir, name, text); }

static void setup(void)
{
    pool = pool_new();
    ck_assert_int_eq(registry_open(NULL, 0, &registry), RN_OK);
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    put("base.yaml", "name: base\n"
                     "seed: 7\n"
                     "vars: {units: 8}\n"
                     "device: cpu\n"
                     "data: {type: synthetic, kind: spirals, classes: 3, samples: 90, "
                     "test_samples: 30}\n"
                     "model:\n"
                     "  layers:\n"
                     "    - {type: dense, name: first, units: \"${vars.units}\"}\n"
                     "    - relu\n"
                     "    - {type: dense, name: last, units: 3}\n"
                     "loss: cross_entropy\n"
                     "optimizer: {type: adam, lr: 0.01}\n"
                     "train: {epochs: 4, batch_size: 16}\n");
    plan = (struct plan){0};
}

static void teardown(void)
{
    plan_close(&plan);
    registry_close(registry);
    pool_free(pool);
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

/* The plan of a file with this sweep section. */
static int read_words(const char *file, const char *const *words, int n)
{
    plan_close(&plan);
    int status = spec_read(pool, file, NULL, words, n, &spec);
    plan_open(&plan, &spec, registry);
    return status < 0                    ? status
           : spec.o.method == SWEEP_GRID ? plan_grid(&plan)
                                         : plan_check_space(&plan);
}

static void write_regression(void)
{
    put("numbers.yaml", "data: {type: csv, path: d.csv, task: numbers}\n"
                        "model: {layers: [{type: dense, units: 1}]}\n"
                        "loss: mse\nmetrics: [mae]\noptimizer: sgd\n"
                        "train: {epochs: 2, batch_size: 4}\n");
    put("d.csv", "x,y\n1,2\n2,4\n3,6\n4,8\n5,10\n6,12\n7,14\n8,16\n9,18\n10,20\n");
}

static int read_plan(const char *text)
{
    put("s.yaml", text);
    return read_words("s.yaml", NULL, 0);
}

static void expect_good(int status)
{
    struct text t = {0};

    diag_text(spec.diag, false, &t);
    ck_assert_msg(status == RN_OK, "%s\n%s", text_str(&t), error_text());
    text_free(&t);
}

static void good(const char *text) { expect_good(read_plan(text)); }

static void expect_labels(const char *labels)
{
    struct text t = {0};

    for (int i = 0; i < plan.n_groups; i++)
        text_add(&t, "%s%s", i ? " " : "", plan.groups[i].label);
    ck_assert_str_eq(text_str(&t), labels);
    text_free(&t);
}

/* Whether the configuration of a run has that line. */
static void expect_line(int run, const char *line)
{
    ck_assert_msg(strstr(plan.runs[run].config, line) != NULL, "no '%s' in\n%s", line,
                  plan.runs[run].config);
}

static void expect_problem(const char *part)
{
    struct text t = {0};

    diag_text(spec.diag, false, &t);
    if (!diag_errors(spec.diag))
        text_add(&t, "%s", error_text());
    ck_assert_msg(strstr(text_str(&t), part) != NULL, "no '%s' in\n%s", part, text_str(&t));
    text_free(&t);
}

#define SWEEP "name: s\nbase: base.yaml\n"

/* ---- points ------------------------------------------------------------------------------- */

START_TEST(a_grid_is_a_product)
{
    good(SWEEP "sweep:\n"
               "  grid: {optimizer.lr: [0.1, 0.01], train.batch_size: [8, 16, 32]}\n"
               "  exclude: [{optimizer.lr: 1e-1, train.batch_size: 32}]\n"
               "  include: [{optimizer.lr: 0.5, scheduler: {type: cosine}}]\n");
    expect_labels("lr0.1-batch_size8 lr0.1-batch_size16 lr0.01-batch_size8 lr0.01-batch_size16 "
                  "lr0.01-batch_size32 lr0.5-scheduler_cosine");
    ck_assert_int_eq(plan.n_runs, 6);
    expect_line(0, "lr: 0.1");
    expect_line(4, "batch_size: 32");
    expect_line(5, "type: cosine");
    ck_assert_int_eq(plan.runs[0].seed, 7);
    ck_assert_str_eq(plan.groups[1].says[1].key, "train.batch_size");
    ck_assert_str_eq(plan.groups[1].says[1].value, "16");
    ck_assert_str_eq(plan.objective, "val.accuracy");
    ck_assert(plan.more_is_better);
}
END_TEST

START_TEST(rows_of_zip_move_together)
{
    good(SWEEP "sweep:\n"
               "  grid: {optimizer.lr: [0.1, 0.01]}\n"
               "  zip:\n"
               "    - {train.batch_size: 8, train.epochs: 2}\n"
               "    - {train.batch_size: 16, train.epochs: 3}\n");
    expect_labels("lr0.1-batch_size8-epochs2 lr0.1-batch_size16-epochs3 lr0.01-batch_size8-epochs2 "
                  "lr0.01-batch_size16-epochs3");
    expect_line(1, "epochs: 3");
    expect_line(1, "batch_size: 16");
    ck_assert_int_eq(plan.epochs, 4 - 1);
}
END_TEST

START_TEST(patches_have_an_order)
{
    const char *words[] = {"train.epochs=9"};

    put("other.yaml", "optimizer: {type: sgd, lr: 0.3}\nvars: {units: 5}\n");
    put("s.yaml", SWEEP "set: {optimizer.lr: 0.2, train.batch_size: 10, train.epochs: 8}\n"
                        "sweep:\n"
                        "  variants:\n"
                        "    plain: {}\n"
                        "    other: {extends: other.yaml, train: {batch_size: 20}}\n"
                        "    wide: {vars.units: 6, optimizer: {type: adam}}\n"
                        "  grid: {train.batch_size: [30]}\n");
    expect_good(read_words("s.yaml", words, 1));
    expect_labels("plain-batch_size30 other-batch_size30 wide-batch_size30");
    for (int i = 0; i < 3; i++) {
        expect_line(i, "batch_size: 30"); /* an axis is behind set, set behind the variant */
        expect_line(i, "lr: 0.2");
        expect_line(i, "epochs: 9"); /* the command line is last */
    }
    expect_line(0, "units: 8");
    expect_line(1, "type: sgd");
    expect_line(1, "units: 5");
    expect_line(2, "units: 6");
}
END_TEST

START_TEST(seeds_repeat_a_group)
{
    good(SWEEP "sweep:\n  variants: {a: {}, b: {optimizer.lr: 1}}\n  repeat: {seed: [3, 9]}\n");
    ck_assert_int_eq(plan.n_groups, 2);
    ck_assert_int_eq(plan.n_runs, 4);
    ck_assert_int_eq(plan.groups[1].first, 2);
    ck_assert_int_eq(plan.runs[3].seed, 9);
    ck_assert_int_eq(plan.runs[3].group, 1);
    expect_line(3, "seed: 9");
    ck_assert_int_eq(strncmp(plan.runs[3].id, "b-s9-", 5), 0);
    ck_assert_int_eq((int)strlen(plan.runs[3].id), 5 + 8);
    good(SWEEP "sweep: {repeat: {seed: 3}}\n");
    expect_labels("base");
    ck_assert_int_eq(plan.runs[0].seed, 1);
    ck_assert_int_eq(plan.runs[2].seed, 3);
}
END_TEST

START_TEST(the_identity_of_a_run_is_what_makes_its_numbers)
{
    char first[HASH_TEXT];

    good(SWEEP "sweep: {repeat: {seed: 1}}\n");
    memcpy(first, plan.runs[0].hash, sizeof first);
    good(SWEEP "set: {device.threads: 2, description: other, tags: [a], reporters: [console]}\n"
               "sweep: {repeat: {seed: 1}}\n");
    ck_assert_str_eq(plan.runs[0].hash, first);
    good(SWEEP "set: {optimizer.eps: 2e-8}\nsweep: {repeat: {seed: 1}}\n");
    ck_assert_str_ne(plan.runs[0].hash, first);
    good(SWEEP "sweep: {repeat: {seed: [2]}}\n");
    ck_assert_str_ne(plan.runs[0].hash, first);
}
END_TEST

/* A list of n values, the last of them of its own. */
static void weigh(int n, const char *last, char *out, size_t room)
{
    size_t at = (size_t)snprintf(out, room, "[");

    for (int i = 1; i < n; i++)
        at += (size_t)snprintf(out + at, room - at, "0.12345, ");
    snprintf(out + at, room - at, "%s]", last);
}

START_TEST(what_is_long_is_told_apart)
{
    static char a[16384], b[16384], text[40000];

    weigh(1000, "0.5", a, sizeof a);
    weigh(1000, "0.6", b, sizeof b);
    snprintf(text, sizeof text,
             SWEEP
             "set: {tags: []}\nsweep:\n  variants:\n    a: {data.normalize: {mean: %s, std: %s}}\n"
             "    b: {data.normalize: {mean: %s, std: %s}}\n",
             "0.1", "1", "0.1", "2");
    good(text);
    expect_labels("a b");
    struct node *x, *y;
    char one[HASH_TEXT], other[HASH_TEXT];
    const char *const pairs[][2] = {{a, b}, {"[\"a, b\"]", "[a, b]"}, {"[null]", "[\"null\"]"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const char *u = pool_printf(pool, "k: %s\n", pairs[i][0]);
        const char *v = pool_printf(pool, "k: %s\n", pairs[i][1]);
        ck_assert_int_eq(tree_resolved(pool, u, &x), RN_OK);
        ck_assert_int_eq(tree_resolved(pool, v, &y), RN_OK);
        ck_assert_int_eq(experiment_tree_identity(pool, x, one), RN_OK);
        ck_assert_int_eq(experiment_tree_identity(pool, y, other), RN_OK);
        ck_assert_str_ne(one, other);
    }
}
END_TEST

START_TEST(metrics_know_which_way_is_better)
{
    static const struct {
        const char *objective;
        bool more;
    } cases[] = {{"val.loss", false},
                 {"val.accuracy", true},
                 {"val.top3", true},
                 {"{metric: val.loss, goal: max}", true}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *o = cases[i].objective;
        good(pool_printf(
            pool, SWEEP "set: {metrics: [top3]}\nsweep: {repeat: {seed: 1}, objective: %s%s%s}\n",
            *o == '{' ? "" : "{metric: ", o, *o == '{' ? "" : "}"));
        ck_assert_msg(plan.more_is_better == cases[i].more, "%s", o);
    }
    write_regression();
    good("name: s\nbase: numbers.yaml\nsweep: {repeat: {seed: 1}, objective: {metric: val.mae}}\n");
    ck_assert(!plan.more_is_better);
}
END_TEST

START_TEST(a_seed_of_the_command_line_takes_the_place_of_repeat)
{
    const char *words[] = {"seed=5"};

    put("s.yaml", SWEEP "sweep: {variants: {a: {}, b: {optimizer.lr: 1}}, repeat: {seed: 3}}\n");
    expect_good(read_words("s.yaml", words, 1));
    ck_assert_int_eq(plan.n_runs, 2);
    ck_assert_int_eq(plan.runs[1].seed, 5);
}
END_TEST

START_TEST(the_same_point_is_run_once)
{
    good(SWEEP "sweep: {variants: {a: {}, b: {optimizer.lr: 0.01}, c: {optimizer.lr: 0.02}}}\n");
    expect_labels("a c");
    ck_assert_int_eq(plan.n_said, 1);
    ck_assert_str_eq(plan.said[0], "b is the same as a, and is left out.");
}
END_TEST

START_TEST(labels_are_names_of_folders)
{
    good(SWEEP
         "sweep: {grid: {model.layers.first.units: [4, 5], model.layers.last.units: [3, 4]}}\n");
    expect_labels("first.units4-last.units3 first.units4-last.units4 first.units5-last.units3 "
                  "first.units5-last.units4");
    good(SWEEP "sweep: {grid: {description: [\"../x\", \"a b\"], optimizer.lr: [1, 2]}}\n");
    expect_labels("description.._x-lr1 description.._x-lr2");
    ck_assert_int_eq(plan.n_said, 2); /* descriptions make no numbers */
}
END_TEST

START_TEST(words_make_a_sweep_of_an_experiment)
{
    const char *words[] = {"optimizer.lr=0.1,0.01", "train.epochs=2", "seed=1,2",
                           "data.split={train: 0.8, val: 0.2}"};

    ck_assert_int_eq(read_words("base.yaml", words, 4), RN_OK);
    expect_labels("lr0.1 lr0.01");
    ck_assert_int_eq(plan.n_runs, 4);
    ck_assert_str_eq(spec.name, "base_sweep");
    expect_line(0, "epochs: 2");
    expect_line(0, "train: 0.8");
    ck_assert_int_eq(read_words("base.yaml", words + 1, 1), RN_EINVAL);
    expect_problem("is one experiment; say what changes");
    const char *const mistakes[] = {"seed=1,2", "trian.epochs=1"};
    ck_assert_int_eq(read_words("base.yaml", mistakes, 2), RN_EINVAL);
    expect_problem("command line:1:1: unknown section 'trian'");
}
END_TEST

/* ---- mistakes ----------------------------------------------------------------------------- */

START_TEST(mistakes_are_found_before_anything_runs)
{
    static const struct {
        const char *text, *problem;
    } bad[] = {
        {"name: s\nsweep: {repeat: {seed: 2}}\n", "s.yaml:1:1: base: the experiment"},
        {"name: s\nbase: gone.yaml\nsweep: {repeat: {seed: 2}}\n",
         "s.yaml:2:7: base: there is no file"},
        {"name: a/b\nbase: base.yaml\nsweep: {repeat: {seed: 2}}\n", "s.yaml:1:7: name: 'a/b'"},
        {SWEEP "sweep: {}\n", "s.yaml:3:8: sweep: nothing changes"},
        {SWEEP "sweep: {gird: {a: [1]}, repeat: {seed: 2}}\n", "did you mean 'grid'"},
        {SWEEP "sweep: {grid: {optimizer.lr: 0.1}}\n", "s.yaml:3:30: optimizer.lr: takes a list"},
        {SWEEP "sweep: {grid: {optimizer.lr: [0.1, -1]}}\n", "s.yaml:3:36: optimizer.lr"},
        {SWEEP "sweep: {grid: {optimizer.lrr: [0.1]}}\n", "s.yaml:3:26: optimizer (adam): unknown"},
        {SWEEP "sweep: {grid: {model.layers.last.units: [3, 2]}}\n", "(units2)"},
        {SWEEP "sweep: {grid: {seed: [1, 2]}}\n", "seeds repeat a point"},
        {SWEEP "sweep: {repeat: {seed: 0}}\n", "s.yaml:3:24: sweep.repeat.seed"},
        {SWEEP "sweep: {repeat: {seed: [1, 1]}}\n", "seed 1 is there twice"},
        {SWEEP "sweep: {repeat: {seed: 2}, objective: {metric: test.accuracy}}\n",
         "s.yaml:3:48: sweep.objective.metric: the test set is never the objective"},
        {SWEEP "sweep: {repeat: {seed: 2}, objective: {metric: val.acuracy}}\n",
         "'val.acuracy' is not measured after each epoch"},
        {SWEEP "sweep: {repeat: {seed: 2}, objective: {metric: parameters}}\n",
         "'parameters' is not measured after each epoch"},
        {SWEEP "sweep: {repeat: {seed: 2}, reference: nobody}\n", "there is no 'nobody'"},
        {SWEEP "sweep: {repeat: {seed: 2}, prune: {rung: 100 steps}}\n", "takes whole epochs"},
        {SWEEP "sweep: {repeat: {seed: 2}, prune: {rung: 0.5 epochs}}\n", "takes whole epochs"},
        {"name: latest\nbase: base.yaml\nsweep: {grid: {optimizer.lr: [1, 2]}}\n",
         "s.yaml:1:7: name: 'latest'"},
        {SWEEP "sweep: {method: random}\n", "a search needs a space"},
        {SWEEP "sweep: {space: {optimizer.lr: {low: 0, high: 1}}}\n", "method: random"},
        {SWEEP "sweep: {method: tpe, space: {optimizer.lr: {low: 1, high: 0}}}\n",
         "low is not below high"},
        {SWEEP "sweep: {method: tpe, space: {optimizer.lr: {low: 0, high: 1, scale: log}}}\n",
         "a log scale begins above 0"},
        {SWEEP "sweep: {method: tpe, space: {train.batch_size: {low: 1, high: 4}}}\n",
         "(batch_size"},
        {SWEEP "sweep: {variants: {\"a b\": {}}}\n", "'a b' cannot be the name of a variant"},
        {SWEEP "sweep: {variants: {a: {extends: gone.yaml}}}\n", "there is no file"},
        {SWEEP "sweep: {grid: {optimizer.lr: [1]}, exclude: [{optimizer.lr: 1}]}\n",
         "nothing is left to run"},
        {"base: s.yaml\nsweep: {repeat: {seed: 2}}\n", "an experiment is needed here"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(read_plan(bad[i].text) < 0, "accepted: %s", bad[i].text);
        expect_problem(bad[i].problem);
    }
}
END_TEST

START_TEST(one_mistake_of_many_runs_is_told_once)
{
    struct text t = {0};

    ck_assert_int_eq(read_plan(SWEEP
                               "set: {optimizer.beta1: 2}\n"
                               "sweep: {grid: {optimizer.lr: [1, 2, 3]}, repeat: {seed: 2}}\n"),
                     RN_EINVAL);
    ck_assert_int_eq(diag_errors(spec.diag), 1);
    diag_text(spec.diag, false, &t);
    ck_assert_ptr_nonnull(strstr(text_str(&t), "(lr1)"));
    text_free(&t);
}
END_TEST

/* ---- searches ----------------------------------------------------------------------------- */

#define SPACE \
    SWEEP "sweep:\n" \
          "  method: tpe\n" \
          "  seed: 5\n" \
          "  space:\n" \
          "    optimizer.lr: {low: 1e-4, high: 1, scale: log}\n" \
          "    train.batch_size: {low: 8, high: 32, step: 8}\n" \
          "    optimizer.beta1: {low: 0, high: 0.5}\n" \
          "    model.layers.first.units: {choice: [4, 8, 16]}\n" \
          "  zip: [{train.epochs: 2}, {train.epochs: 3}]\n"
enum { DIMENSIONS = 5 };

START_TEST(random_points_are_spread_over_the_space)
{
    int steps[4] = {0}, below = 0, rows[2] = {0};
    double at[DIMENSIONS], again[DIMENSIONS];
    struct piece x;

    good(SPACE);
    ck_assert_int_eq(spec.n_space, DIMENSIONS);
    for (int64_t k = 0; k < 400; k++) {
        search_random(&spec, k, at);
        search_random(&spec, k, again);
        ck_assert_int_eq(memcmp(at, again, sizeof at), 0);
        ck_assert_int_eq(search_piece(pool, &spec.space[0], at[0], &x), RN_OK);
        double lr = strtod(x.says->value, NULL);
        ck_assert(lr >= 1e-4 * 0.9999 && lr <= 1.0001);
        below += lr < 1e-2; /* half of a log scale */
        ck_assert_int_eq(search_piece(pool, &spec.space[1], at[1], &x), RN_OK);
        int batch = (int)strtol(x.says->value, NULL, 10);
        ck_assert(batch >= 8 && batch <= 32 && batch % 8 == 0);
        steps[batch / 8 - 1]++;
        ck_assert_int_eq(search_piece(pool, &spec.space[4], at[4], &x), RN_OK);
        ck_assert_ptr_null(x.path);
        rows[(int)at[4]]++;
    }
    ck_assert_int_gt(below, 160); /* 5 standard deviations of 200 are 50 */
    ck_assert_int_lt(below, 240);
    for (int i = 0; i < 4; i++)
        ck_assert_int_gt(steps[i], 60);
    ck_assert_int_gt(rows[0], 150);
    ck_assert_int_gt(rows[1], 150);
}
END_TEST

/* Least at lr 0.01, batch 16, second choice. */
static double cost_of(const double *at)
{
    return fabs(at[0] - 0.5) + 0.3 * fabs(floor(at[1] * 4) - 1) + 0.2 * at[2] +
           ((int)at[3] == 1 ? 0 : 0.5);
}

static double search(bool tpe, int64_t seed, int n, double *last)
{
    struct point *seen = pool_alloc(pool, (size_t)n * sizeof *seen);
    double best = INFINITY, sum = 0;

    spec.o.seed = seed;
    for (int k = 0; k < n; k++) {
        seen[k].at = pool_alloc(pool, DIMENSIONS * sizeof(double));
        if (tpe)
            ck_assert_int_eq(search_tpe(pool, &spec, seen, k, k, seen[k].at), RN_OK);
        else
            search_random(&spec, k, seen[k].at);
        seen[k].cost = k % 7 == 6 ? INFINITY : cost_of(seen[k].at); /* some fail */
        best = fmin(best, cost_of(seen[k].at));
        sum += k >= n - 20 ? cost_of(seen[k].at) / 20 : 0;
    }
    *last = sum;
    return best;
}

START_TEST(tpe_looks_where_good_points_were)
{
    double tpe = 0, random = 0, late_tpe = 0, late_random = 0, last;

    good(SPACE);
    for (int64_t seed = 1; seed <= 10; seed++) {
        tpe += search(true, seed, 60, &last) / 10;
        late_tpe += last / 10;
        random += search(false, seed, 60, &last) / 10;
        late_random += last / 10;
    }
    ck_assert_msg(tpe < 0.6 * random, "best %g against %g at random", tpe, random);
    ck_assert_msg(late_tpe < 0.5 * late_random, "the last %g against %g", late_tpe, late_random);
}
END_TEST

START_TEST(tpe_repeats_itself)
{
    double first, second, other;

    good(SPACE);
    double a = search(true, 3, 40, &first), b = search(true, 3, 40, &second);
    ck_assert(!(a < b) && !(a > b) && !(first < second) && !(first > second));
    search(true, 4, 40, &other);
    ck_assert(first < other || first > other);
}
END_TEST

START_TEST(points_become_groups)
{
    double *at = pool_alloc(pool, DIMENSIONS * sizeof *at), *twin;
    bool added;

    good(SPACE);
    ck_assert_int_eq(plan.n_groups, 0);
    search_random(&spec, 0, at);
    ck_assert_int_eq(plan_point(&plan, at, &added), RN_OK);
    ck_assert(added);
    ck_assert_int_eq(plan.n_groups, 1);
    ck_assert_int_eq((int)plan.groups[0].n_says, DIMENSIONS);
    ck_assert(isnan(plan.groups[0].point.cost));
    twin = pool_alloc(pool, DIMENSIONS * sizeof *twin);
    memcpy(twin, at, DIMENSIONS * sizeof *twin);
    ck_assert_int_eq(plan_point(&plan, twin, &added), RN_OK);
    ck_assert(!added);
    ck_assert_int_eq(plan.n_runs, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_grid_is_a_product,
                                  rows_of_zip_move_together,
                                  patches_have_an_order,
                                  seeds_repeat_a_group,
                                  the_identity_of_a_run_is_what_makes_its_numbers,
                                  what_is_long_is_told_apart,
                                  metrics_know_which_way_is_better,
                                  a_seed_of_the_command_line_takes_the_place_of_repeat,
                                  the_same_point_is_run_once,
                                  labels_are_names_of_folders,
                                  words_make_a_sweep_of_an_experiment,
                                  mistakes_are_found_before_anything_runs,
                                  one_mistake_of_many_runs_is_told_once,
                                  random_points_are_spread_over_the_space,
                                  tpe_looks_where_good_points_were,
                                  tpe_repeats_itself,
                                  points_become_groups};
    Suite *s = suite_create("sweep_plan");
    TCase *c = tcase_create("sweep_plan");

    tcase_add_checked_fixture(c, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return suite_run(s);
}
