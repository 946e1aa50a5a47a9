/* test_bench.c - what the file of a benchmark comes to, which files are refused, and what is said
 * of times that are known. */
#define _XOPEN_SOURCE 700
#include "base/error.h"
#include "bench/plan.h"
#include "support/fakes.h"
#include "support/suite.h"

#include <math.h>
#include <unistd.h>

static struct pool *pool;
static struct registry *registry;
static struct bench_spec spec;
static struct bench_plan plan;
static char dir[32];

static void setup(void)
{
    pool = pool_new();
    ck_assert_int_eq(registry_open(NULL, 0, &registry), RN_OK);
    snprintf(dir, sizeof dir, "/tmp/rn-bench-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    scratch_write(dir, "base.yaml",
                  "name: base\nseed: 7\ndevice: {type: cpu, threads: 1}\n"
                  "data: {type: synthetic, kind: spirals, classes: 3, samples: 90, "
                  "test_samples: 30}\n"
                  "model: {layers: [{type: dense, units: 8}, relu, {type: dense, units: 3}]}\n"
                  "loss: cross_entropy\noptimizer: {type: adam, lr: 0.01}\n"
                  "train: {epochs: 40, batch_size: 16}\n"
                  "expect: [{metric: test.accuracy, min: 0.9}]\n");
}

static void teardown(void)
{
    registry_close(registry);
    pool_free(pool);
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

static int read_file(const char *text, const char *devices)
{
    const struct bench_words words = {.devices = devices};

    scratch_write(dir, "b.yaml", text);
    int status = bench_spec_read(pool, "b.yaml", &words, &spec);
    return status < 0 ? status : bench_plan(&spec, registry, &plan);
}

static void expect_good(int status)
{
    struct text t = {0};

    diag_text(spec.diag, false, &t);
    ck_assert_msg(status == RN_OK, "%s\n%s", text_str(&t), error_text());
    text_free(&t);
}

static void expect_problem(const char *text, const char *part)
{
    struct text t = {0};

    ck_assert_int_eq(read_file(text, NULL), RN_EINVAL);
    diag_text(spec.diag, false, &t);
    ck_assert_msg(strstr(text_str(&t), part) != NULL, "no '%s' in\n%s", part, text_str(&t));
    text_free(&t);
}

static void expect_line(int point, const char *line, bool there)
{
    ck_assert_msg((strstr(plan.points[point].config, line) != NULL) == there, "'%s' in\n%s", line,
                  plan.points[point].config);
}

#define BENCH "name: b\nbase: base.yaml\n"

/* ---- plans -------------------------------------------------------------------------------- */

START_TEST(points_are_by_batch_then_variant)
{
    expect_good(read_file(BENCH "set: {optimizer.lr: 0.5}\n"
                                "bench:\n"
                                "  devices: [cpu, {type: cpu, threads: 2}]\n"
                                "  batch_sizes: [32, 8]\n"
                                "  warmup: 2\n"
                                "  measure: {epochs: 5}\n",
                          NULL));
    ck_assert_int_eq(plan.n_points, 4);
    ck_assert_str_eq(plan.points[0].id, "cpu-b8");
    ck_assert_str_eq(plan.points[1].id, "cpu_threads_2-b8");
    ck_assert_str_eq(plan.points[3].id, "cpu_threads_2-b32");
    expect_line(3, "batch_size: 32\n", true);
    expect_line(3, "threads: 2\n", true);
    expect_line(3, "epochs: 7\n", true);
    expect_line(0, "lr: 0.5\n", true);
    expect_line(0, "expect", false); /* one that is timed has nothing to prove */
    expect_line(0, "reporters: []\n", true);
    ck_assert_str_ne(plan.device[0], plan.device[1]);
    ck_assert_ptr_null(strchr(plan.device[1], '\n'));
    ck_assert_msg(!strstr(plan.device[1], "  "), "%s", plan.device[1]);
    ck_assert_ptr_nonnull(strstr(plan.device[1], "\"type\": \"cpu\", \"threads\": 2"));
    ck_assert_int_eq(plan.samples[0], 81);
}
END_TEST

START_TEST(an_epoch_has_the_samples_that_it_trains_with)
{
    expect_good(read_file(BENCH
                          "set: {train.drop_last: true}\n"
                          "bench:\n"
                          "  variants: [{name: few}, {name: many, set: {data.samples: 900}}]\n"
                          "  batch_sizes: [9, 50]\n",
                          NULL));
    ck_assert_int_eq(plan.points[0].samples, 81);
    ck_assert_int_eq(plan.points[1].samples, 810);
    ck_assert_int_eq(plan.points[2].samples, 50); /* the other 31 are no whole batch */
    ck_assert_int_eq(plan.points[3].samples, 800);
}
END_TEST

START_TEST(variants_take_precedence_over_what_is_for_all)
{
    expect_good(read_file(BENCH "set: {device.threads: 3}\n"
                                "bench:\n"
                                "  reference: two\n"
                                "  variants:\n"
                                "    - {name: one, set: {device.threads: 1}}\n"
                                "    - {name: two, required: false}\n"
                                "    - {name: none, set: {device: nosuch}, required: false}\n",
                          NULL));
    ck_assert_int_eq(spec.reference, 1);
    ck_assert(spec.variants[0].required && !spec.variants[1].required);
    expect_line(0, "threads: 1\n", true);
    expect_line(1, "threads: 3\n", true);
    expect_line(0, "batch_size: 16\n", true); /* that of the experiment */
    ck_assert_ptr_nonnull(strstr(plan.unusable[2], "nosuch"));
    ck_assert_ptr_null(plan.unusable[0]);
}
END_TEST

START_TEST(devices_of_the_command_line_take_the_place_of_variants)
{
    expect_good(read_file(BENCH "bench: {devices: [cpu], reference: cpu, batch_sizes: [8]}\n",
                          "{type: cpu, threads: 1},{type: cpu, threads: 2}"));
    ck_assert_int_eq(spec.n_variants, 2);
    ck_assert_str_eq(spec.variants[0].name, "cpu_threads_1");
    ck_assert_int_eq(plan.points[0].batch, 8);
    const struct bench_words words = {.devices = "cpu"};
    expect_good(bench_spec_read(pool, "base.yaml", &words, &spec));
    ck_assert_str_eq(spec.name, "base_bench");
    ck_assert_int_eq(bench_spec_read(pool, "base.yaml", &(struct bench_words){0}, &spec),
                     RN_EINVAL);
    ck_assert_ptr_nonnull(strstr(error_text(), "--devices"));
}
END_TEST

START_TEST(what_cannot_be_read_is_not_a_file_without_a_section)
{
    struct text t = {0};

    ck_assert_int_eq(bench_spec_read(pool, "nosuch.yaml", &(struct bench_words){0}, &spec),
                     RN_EINVAL);
    diag_text(spec.diag, false, &t);
    ck_assert_ptr_nonnull(strstr(text_str(&t), "cannot read nosuch.yaml"));
    text_free(&t);
    scratch_write(dir, "b.yaml", "bench: {devices: [cpu\n");
    ck_assert_int_eq(bench_spec_read(pool, "b.yaml", &(struct bench_words){0}, &spec), RN_EINVAL);
    diag_text(spec.diag, false, &t);
    ck_assert_ptr_nonnull(strstr(text_str(&t), "b.yaml:1:18: this list lacks"));
    text_free(&t);
}
END_TEST

START_TEST(mistakes_have_their_place)
{
    const char *const words[] = {"trian.epochs=1"};
    struct text t = {0};

    scratch_write(dir, "b.yaml", BENCH "bench: {devices: [cpu]}\n");
    ck_assert_int_eq(bench_spec_read(pool, "b.yaml",
                                     &(struct bench_words){.overrides = words, .n_overrides = 1},
                                     &spec),
                     RN_OK);
    ck_assert_int_eq(bench_plan(&spec, registry, &plan), RN_EINVAL);
    diag_text(spec.diag, false, &t);
    ck_assert_ptr_nonnull(strstr(text_str(&t), "command line:1:1: unknown section 'trian'"));
    text_free(&t);
    expect_problem(BENCH "bench: {device: [cpu]}\n", "b.yaml:3:9: bench: unknown option 'device'");
    expect_problem(BENCH "bench: {}\n", "b.yaml:3:8: bench.variants: takes a list");
    expect_problem(BENCH "bench:\n", "bench.variants: takes a list");
    expect_problem(BENCH "bench: [cpu]\n", "b.yaml:3:8: bench: is a list");
    expect_problem(BENCH "bench: {variants: [{set: {}}]}\n", "name: is missing");
    expect_problem(BENCH "bench: {variants: [{name: a/b}]}\n", "'a/b' cannot be the name");
    expect_problem(BENCH "bench: {variants: [{name: a}, {name: a}]}\n", "another variant 'a'");
    expect_problem(BENCH "bench: {devices: [cpu, cpu]}\n", "another variant 'cpu'");
    expect_problem(BENCH "bench: {devices: [cpu], variants: [{name: a}]}\n", "leave one out");
    expect_problem(BENCH "bench: {devices: [cpu], reference: cpo}\n", "did you mean 'cpu'");
    expect_problem(BENCH "bench: {devices: [cpu], batch_sizes: [8, 8]}\n",
                   "bench.batch_sizes: takes sizes from 1, each once");
    expect_problem(BENCH "bench: {devices: [cpu], batch_sizes: [0]}\n", "takes sizes from 1");
    expect_problem(BENCH "bench: {devices: [cpu], batch_sizes: [81, 82]}\n",
                   "b.yaml:3:38: bench.batch_sizes: 82, but there are only 81 training samples");
    expect_problem(BENCH "bench: {devices: [cpu], measure: {epoch: 1}}\n", "mean 'epochs'");
    expect_problem(BENCH "bench: {devices: [cpu], verify: {rel: 0}}\n", "bench.verify.rel");
    expect_problem(BENCH "bench: {devices: [cpu], known: [{name: a, epoch_time: 0 s}]}\n",
                   "bench.known.epoch_time: takes a time above 0");
    expect_problem(BENCH "bench: {devices: [cpu], known: [{name: a}]}\n", "epoch_time: is missing");
    ck_assert_int_eq(read_file(BENCH "bench: {devices: [nosuch]}\n", NULL), RN_EPLUGIN);
    ck_assert_int_eq(diag_errors(spec.diag), 1);
    expect_problem(BENCH "bench: {variants: [{name: a, set: {train.batch: 1}}]}\n", "(a)");
    expect_problem("name: b\nbench: {devices: [cpu]}\n", "base: the experiment");
    expect_problem("name: runs/x\nbase: base.yaml\nbench: {devices: [cpu]}\n",
                   "cannot be the name of a benchmark");
}
END_TEST

/* ---- words -------------------------------------------------------------------------------- */

enum { BATCHES = 3, VARIANTS = 2 };

static double epochs[BATCHES][VARIANTS][3];
static struct rn_bench_time times[BATCHES * VARIANTS];
static struct rn_bench_variant variants[VARIANTS];
static struct bench made;

/* Epochs of the reference last 1 s, those of the other as given, each with spread to both sides. */
static void make_times(const double *other, double spread)
{
    static const int64_t batches[BATCHES] = {64, 256, 1024};

    variants[0] = (struct rn_bench_variant){.name = "slow", .device = ""};
    variants[1] = (struct rn_bench_variant){.name = "quick", .device = ""};
    for (int i = 0; i < BATCHES * VARIANTS; i++) {
        double at = i % VARIANTS ? other[i / VARIANTS] : 1, *e = epochs[i / VARIANTS][i % VARIANTS];
        e[0] = at, e[1] = at * (1 + spread), e[2] = at / (1 + spread);
        times[i] = (struct rn_bench_time){.variant = i % VARIANTS,
                                          .batch = batches[i / VARIANTS],
                                          .samples = 1000,
                                          .epochs = e,
                                          .n = at > 0 ? 3 : 0,
                                          .planned = 3};
    }
    made = (struct bench){.view = {.name = "b",
                                   .description = "",
                                   .file = "b.yaml",
                                   .command = "",
                                   .status = "finished",
                                   .samples = 1000,
                                   .n_variants = VARIANTS,
                                   .n_times = BATCHES * VARIANTS},
                          .p = pool_new(),
                          .times = times,
                          .variants = variants,
                          .load = NAN};
}

static void expect_words(const char *part)
{
    ck_assert_int_eq(bench_derive(&made), RN_OK);
    for (int64_t i = 0; i < made.view.n_findings; i++)
        if (strstr(made.view.findings[i].text, part)) {
            bench_free(&made);
            return;
        }
    ck_abort_msg("no '%s'; %lld findings, the first: %s", part, (long long)made.view.n_findings,
                 made.view.n_findings ? made.view.findings[0].text : "");
}

START_TEST(the_crossover_is_said_in_words)
{
    make_times((double[]){2, 0.5, 0.1}, 0.02);
    expect_words("quick is faster than slow from batch 256 on: 0.5 (0.");
    make_times((double[]){0.5, 0.4, 0.1}, 0.02);
    expect_words("quick is faster than slow with every batch size measured");
    make_times((double[]){2, 3, 4}, 0.02);
    expect_words("quick is slower than slow with every batch size measured");
    make_times((double[]){0.5, 0.6, 3}, 0.02);
    expect_words("quick is faster than slow up to batch 256");
    make_times((double[]){0.5, 2, 0.5}, 0.02);
    expect_words("faster than slow from batch 1024 on"); /* whatever it was before */
    make_times((double[]){2, 0.5, 2}, 0.02);
    expect_words("quick is faster than slow with some batch sizes, and with others not");
    make_times((double[]){2, 1, 1}, 0.02);
    expect_words("quick is not faster than slow with any batch size measured");
    make_times((double[]){0, 0.5, 0}, 0.02); /* the others were not timed */
    expect_words("quick is faster than slow: 2 (1.96 to 2.04) times as fast with 256.");
}
END_TEST

START_TEST(what_the_spread_hides_is_no_difference)
{
    make_times((double[]){0.9, 0.9, 0.9}, 0.5);
    expect_words("quick is not faster than slow with any batch size measured");
    make_times((double[]){0, 0.9, 0}, 0.5);
    expect_words("Between quick and slow no difference of speed can be seen");
}
END_TEST

START_TEST(medians_and_quartiles)
{
    ck_assert_double_eq(quantile((double[]){1, 2, 3, 4}, 4, 0.5), 2.5);
    ck_assert_double_eq(quantile((double[]){1, 2, 3, 4, 5}, 5, 0.25), 2);
    ck_assert_double_eq(quantile((double[]){7}, 1, 0.75), 7);
    ck_assert_double_nan(quantile(NULL, 0, 0.5));
    make_times((double[]){0.5, 0.25, 0}, 1);
    ck_assert_int_eq(bench_derive(&made), RN_OK);
    const struct rn_bench_time *t = bench_time(&made.view, 1, 1);
    ck_assert_double_eq(t->median, 0.25);
    ck_assert_double_eq(t->low, 0.1875);
    ck_assert_double_eq(t->high, 0.375);
    ck_assert_double_eq(t->samples_per_s, 4000);
    ck_assert_double_eq(t->speedup, 4);
    ck_assert_double_eq(t->speedup_low, 2);  /* 0.75 / 0.375 */
    ck_assert_double_eq(t->speedup_high, 8); /* 1.5 / 0.1875 */
    t = bench_time(&made.view, 2, 1);        /* not timed: no number, and no bar */
    ck_assert_double_nan(t->samples_per_s);
    ck_assert_double_nan(t->speedup);
    ck_assert_ptr_null(strstr(made.view.figures[0].csv, "1024,quick"));
    ck_assert_ptr_nonnull(strstr(made.view.figures[0].csv, "1024,slow,1000,"));
    bench_free(&made);
}
END_TEST

START_TEST(of_epochs_that_differ_in_length_the_samples_are_compared)
{
    make_times((double[]){0.5, 0.5, 0.5}, 0.02);
    for (int i = 1; i < BATCHES * VARIANTS; i += VARIANTS)
        times[i].samples = 250;
    ck_assert_int_eq(bench_derive(&made), RN_OK);
    const struct rn_bench_time *t = bench_time(&made.view, 1, 1);
    ck_assert_double_eq(t->samples_per_s, 500);
    ck_assert_double_eq(t->speedup, 0.5);
    ck_assert_ptr_nonnull(strstr(made.view.figures[0].csv, "256,quick,500,"));
    expect_words("quick is slower than slow with every batch size measured");
}
END_TEST

START_TEST(a_single_epoch_proves_nothing)
{
    make_times((double[]){0.5, 0.1, 0.5}, 0.02);
    for (int i = 0; i < BATCHES * VARIANTS; i++)
        times[i].n = 1;
    ck_assert_int_eq(bench_derive(&made), RN_OK);
    const struct rn_bench_time *t = bench_time(&made.view, 1, 1);
    ck_assert_double_eq(t->speedup, 10);
    ck_assert_double_nan(t->low);
    ck_assert_double_nan(t->speedup_high);
    ck_assert_ptr_null(strstr(made.view.figures[0].svg, "nan"));
    expect_words("quick beside slow: 2 times as fast with 64, 10 with 256, 2 with 1024. A single");
    times[0].n = times[1].n = 3; /* what has a spread can be judged */
    expect_words("quick is faster than slow: 2 (1.96 to 2.04) times as fast with 64.");
}
END_TEST

START_TEST(a_device_that_cannot_be_used_is_named_and_has_no_bar)
{
    const struct rn_bench_known known = {"elsewhere", 2, 0}; /* drawn as if of 1000, and said so */

    make_times((double[]){0, 0, 0}, 0);
    made.view.known = &known;
    made.view.n_known = 1;
    variants[1].unusable = "no driver";
    ck_assert_int_eq(bench_derive(&made), RN_OK);
    ck_assert_int_eq(made.view.n_figures, 1);
    const char *svg = made.view.figures[0].svg;
    ck_assert_ptr_nonnull(strstr(svg, "quick cannot be used: no driver"));
    ck_assert_ptr_null(strstr(svg, "64, quick"));
    ck_assert_ptr_null(strstr(svg, ">quick<")); /* nor a place in the key */
    ck_assert_ptr_nonnull(strstr(svg, ">elsewhere<"));
    ck_assert_ptr_nonnull(strstr(svg, "500 samples/s, if its epoch had as many samples as here"));
    ck_assert_ptr_nonnull(strstr(made.view.figures[0].csv, ",elsewhere,500,,,2,"));
    expect_words("quick cannot be used: no driver.");
}
END_TEST

START_TEST(agreement_is_judged_by_the_first_step)
{
    const struct rn_agreed layers[] = {{"dense1", "dense", {1e-6, 0.5}, {3e-6, 0.5}},
                                       {"loss", "x", {1e-7, 0.1}, {NAN, NAN}}};
    struct rn_agreement a = {
        .variant = 1, .steps = 50, .rel = 1e-3, .loss_gap = 0.01, .layers = layers, .n_layers = 2};

    for (int i = 0; i < 3; i++) {
        static const char *const words[] = {
            "further apart than 3e-06 of its largest value (gradient of dense1), and over 50 steps",
            "the output of dense1 is further apart than 0.001", "is not known: it was stopped"};
        make_times((double[]){0.5, 0.5, 0.5}, 0.02);
        a.beyond = i == 1 ? "output of dense1" : NULL;
        a.why = i == 2 ? "it was stopped" : NULL;
        made.agreements = &a;
        made.view.n_agreements = 1;
        expect_words(words[i]);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bench");
    TCase *t = tcase_create("bench");
    const TTest *const tests[] = {points_are_by_batch_then_variant,
                                  an_epoch_has_the_samples_that_it_trains_with,
                                  what_cannot_be_read_is_not_a_file_without_a_section,
                                  variants_take_precedence_over_what_is_for_all,
                                  devices_of_the_command_line_take_the_place_of_variants,
                                  mistakes_have_their_place,
                                  the_crossover_is_said_in_words,
                                  what_the_spread_hides_is_no_difference,
                                  medians_and_quartiles,
                                  of_epochs_that_differ_in_length_the_samples_are_compared,
                                  a_single_epoch_proves_nothing,
                                  a_device_that_cannot_be_used_is_named_and_has_no_bar,
                                  agreement_is_judged_by_the_first_step};

    tcase_add_checked_fixture(t, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    suite_add_tcase(s, t);
    return suite_run(s);
}
