/* test_predict.c - `runner predict`: what a model says of the files that it was tested on is what
 * the test said; and what does not fit it is told with what mends it. */
#define _GNU_SOURCE
#include "base/file.h"
#include "base/mem.h"
#include "program.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEIGHT = 6, WIDTH = 5, PIXELS = HEIGHT * WIDTH, TESTED = 200 };

static void setup(void)
{
    if (!*run_folder("tiny"))
        EXPECT_EXIT(0, "tiny.yaml -q");
}

static const uint8_t *pictures(void) /* of the test set */
{
    static uint8_t file[16 + TESTED * PIXELS + 1];

    slurp("data/t10k-images-idx3-ubyte", (char *)file, sizeof file);
    return file + 16;
}

/* One picture as PGM: as it is, inverted, each pixel `times` wide and high. */
static void write_pgm(const char *name, const uint8_t *pixels, bool invert, int times)
{
    uint8_t file[64 + PIXELS * 16];
    int n =
        snprintf((char *)file, 64, "P5\n# a picture\n%d %d\n255\n", WIDTH * times, HEIGHT * times);

    for (int y = 0; y < HEIGHT * times; y++)
        for (int x = 0; x < WIDTH * times; x++) {
            uint8_t v = pixels[y / times * WIDTH + x / times];
            file[n++] = invert ? (uint8_t)(255 - v) : v;
        }
    ck_assert_int_eq(file_write(in_dir(name), file, (uint64_t)n), RN_OK);
}

static cJSON *answers(const char *line) /* of --json */
{
    EXPECT_EXIT(0, line);
    cJSON *doc = cJSON_Parse(out);
    ck_assert_msg(doc != NULL, "%s", out);
    return doc;
}

static cJSON *answer(const cJSON *doc, int i)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(doc, "predictions"), i);
}

static int label(const cJSON *doc, int i)
{
    return cJSON_GetObjectItem(answer(doc, i), "label")->valueint;
}

static double probability(const cJSON *doc, int i)
{
    return cJSON_GetObjectItem(answer(doc, i), "probability")->valuedouble;
}

/* By what predictions.csv of the run says of each sample. */
START_TEST(it_says_what_the_test_said)
{
    static char said[1 << 16];
    char *line = said, name[128];

    setup();
    snprintf(name, sizeof name, "%s/predictions.csv", run_folder("tiny"));
    slurp(name, said, sizeof said);
    EXPECT_EXIT(0, "predict latest data/t10k-images-idx3-ubyte --csv");
    char *mine = out;
    for (int i = 0; i < TESTED; i++) {
        int index, truth, predicted, my_index, top;
        double p_true, p, my_p;
        line = strchr(line, '\n') + 1;
        mine = strchr(mine, '\n') + 1;
        ck_assert_int_eq(sscanf(line, "%d,%d,%d,%lf,%lf", &index, &truth, &predicted, &p_true, &p),
                         5);
        ck_assert_msg(
            sscanf(mine, "data/t10k-images-idx3-ubyte,%d,%d,%lf", &my_index, &top, &my_p) == 3,
            "%.80s", mine);
        ck_assert(my_index == index && top == predicted);
        ck_assert_double_eq_tol(my_p, p, 1e-5);
    }
}
END_TEST

START_TEST(images_are_read)
{
    setup();
    write_pgm("a.pgm", pictures(), false, 1);
    cJSON *all = answers("predict latest data/t10k-images-idx3-ubyte --json");
    cJSON *one = answers("predict latest a.pgm --json");
    ck_assert_int_eq(label(one, 0), label(all, 0));
    ck_assert_double_eq_tol(probability(one, 0), probability(all, 0), 1e-6);
    cJSON_Delete(one);
    pid_t pid = start("predict latest a.pgm - a.pgm --json"); /* nothing comes on standard input */
    ck_assert_int_eq(finish(pid), 4);
    EXPECT_TEXT(err, "standard input");
    one = answers("predict latest a.pgm a.pgm --json --weights best");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(one, "predictions")), 2);
    ck_assert_double_eq(probability(one, 0), probability(one, 1));
    cJSON_Delete(one);
    cJSON_Delete(all);
}
END_TEST

START_TEST(another_polarity_is_told)
{
    setup();
    write_pgm("light.pgm", pictures(), true, 1);
    cJSON *all = answers("predict latest data/t10k-images-idx3-ubyte --json");
    EXPECT_EXIT(4, "predict latest light.pgm");
    EXPECT_TEXT(err, "light.pgm: its mean is ");
    EXPECT_TEXT(err, "--invert");
    cJSON *one = answers("predict latest light.pgm --invert --json");
    ck_assert_double_eq_tol(probability(one, 0), probability(all, 0), 1e-6);
    cJSON_Delete(one);
    EXPECT_EXIT(0, "predict latest light.pgm --as-is");
    cJSON_Delete(all);
}
END_TEST

START_TEST(another_size_is_told)
{
    setup();
    write_pgm("big.pgm", pictures(), false, 3);
    cJSON *all = answers("predict latest data/t10k-images-idx3-ubyte --json");
    EXPECT_EXIT(4, "predict latest big.pgm");
    EXPECT_TEXT(err, "big.pgm: 18 x 15 pixels, the model takes 6 x 5: --resize");
    cJSON *one = answers("predict latest big.pgm --resize --json");
    ck_assert_int_eq(label(one, 0), label(all, 0));
    cJSON_Delete(one);
    cJSON_Delete(all);
}
END_TEST

START_TEST(tables_are_read)
{
    struct text t = {0};

    setup();
    for (int i = 0; i < PIXELS; i++)
        text_add(&t, "%s%d", i ? "," : "", pictures()[i]);
    ck_assert_int_eq(file_write(in_dir("a.csv"), text_str(&t), t.n), RN_OK);
    text_free(&t);
    EXPECT_EXIT(4, "predict latest a.csv");
    EXPECT_TEXT(err, "--divide 255");
    cJSON *all = answers("predict latest data/t10k-images-idx3-ubyte --json");
    cJSON *one = answers("predict latest a.csv --divide 255 --json");
    ck_assert_int_eq(label(one, 0), label(all, 0));
    ck_assert_double_eq_tol(probability(one, 0), probability(all, 0), 1e-5);
    cJSON_Delete(one);
    cJSON_Delete(all);
    ck_assert_int_eq(file_write(in_dir("b.csv"), "1,2,3\n", 6), RN_OK);
    EXPECT_EXIT(4, "predict latest b.csv");
    EXPECT_TEXT(err, "b.csv: samples of 3 values, the model takes 1x6x5");
}
END_TEST

/* The target's column is passed over where it is there; values, not classes. */
START_TEST(a_regression_says_values)
{
    struct text t = {0};

    for (int i = 0; i < 60; i++)
        text_add(&t, i ? "%d,%d,%d\n" : "a,b,y\n", i % 7, i % 5, i % 7 + 2 * (i % 5));
    ck_assert_int_eq(file_write(in_dir("line.csv"), text_str(&t), t.n), RN_OK);
    text_free(&t);
    const char config[] =
        "data: {type: csv, path: line.csv, label: y, task: numbers}\n"
        "model: {layers: [{type: dense, units: 1}]}\nloss: mse\n"
        "optimizer: {type: adam, lr: 0.1}\ntrain: {epochs: 100, batch_size: 16}\n";
    ck_assert_int_eq(file_write(in_dir("line.yaml"), config, strlen(config)), RN_OK);
    EXPECT_EXIT(0, "line.yaml -q");
    ck_assert_int_eq(file_write(in_dir("with.csv"), "a,b,y\n3,4,99\n1,0,5\n", 19), RN_OK);
    ck_assert_int_eq(file_write(in_dir("without.csv"), "a,b\n3,4\n1,0\n", 12), RN_OK);
    cJSON *with = answers("predict latest:line with.csv --json");
    cJSON *without = answers("predict latest:line without.csv --json");
    for (int i = 0; i < 2; i++) {
        double v =
            cJSON_GetArrayItem(cJSON_GetObjectItem(answer(with, i), "values"), 0)->valuedouble;
        ck_assert_double_eq_tol(v, i ? 1 : 11, 0.5);
        ck_assert_double_eq(
            v,
            cJSON_GetArrayItem(cJSON_GetObjectItem(answer(without, i), "values"), 0)->valuedouble);
    }
    cJSON_Delete(with);
    cJSON_Delete(without);
}
END_TEST

START_TEST(what_can_not_be_done_is_said)
{
    char from[256], to[256];

    setup();
    EXPECT_EXIT(2, "predict latest");
    EXPECT_TEXT(err, "predict RUN FILE");
    EXPECT_EXIT(4, "predict 1999 a.pgm");
    EXPECT_EXIT(4, "predict latest missing.png");
    EXPECT_TEXT(err, "missing.png");
    ck_assert_int_eq(file_write(in_dir("noise"), "\1\2\3\4\0\1\2\3", 8), RN_OK);
    EXPECT_EXIT(4, "predict latest noise");
    EXPECT_TEXT(err, "none of the data sets that read files reads this one");
    ck_assert_int_eq(file_write(in_dir("cut.pgm"), "P5 5 6 255 abc", 14), RN_OK);
    EXPECT_EXIT(4, "predict latest cut.pgm --json");
    EXPECT_TEXT(err, "{\"error\":{\"code\":4");
    EXPECT_TEXT(err, "cut.pgm: 6 x 5 pixels take 30 bytes, but 3 are there");
    EXPECT_EXIT(2, "predict latest cut.pgm --divide 0");
    EXPECT_EXIT(4, "predict latest cut.pgm --weights nowhere.safetensors");
    snprintf(from, sizeof from, "%s/weights/last.safetensors", run_folder("tiny"));
    snprintf(to, sizeof to, "%s/weights/away", run_folder("tiny"));
    ck_assert_int_eq(rename(in_dir(from), in_dir(to)), 0);
    EXPECT_EXIT(4, "predict latest a.pgm");
    EXPECT_TEXT(err, "last.safetensors is not there");
    ck_assert_int_eq(rename(in_dir(to), in_dir(from)), 0);
}
END_TEST

static double number(const char *folder, const char *key) /* of summary.json's test */
{
    cJSON *root = read_json(folder, "summary.json");
    const cJSON *test = cJSON_GetObjectItem(root, "test");
    double v = cJSON_GetObjectItem(test, key)->valuedouble;

    cJSON_Delete(root);
    return v;
}

START_TEST(an_evaluation_says_what_the_test_said)
{
    char folder[256];

    setup();
    snprintf(folder, sizeof folder, "%s", run_folder("tiny"));
    EXPECT_EXIT(0, "eval latest:tiny -q");
    EXPECT_TEXT(out, "test.accuracy=");
    const char *own = run_folder("tiny_eval");
    ck_assert_double_eq(number(own, "accuracy"), number(folder, "accuracy"));
    ck_assert_double_eq(number(own, "loss"), number(folder, "loss"));
    ck_assert(exists(own, "report.html") && exists(own, "predictions.csv"));
    ck_assert(!exists(own, "weights/last.safetensors") && !exists(own, "state/last.safetensors"));
    expect_status("tiny_eval", "finished");
    EXPECT_EXIT(0, "eval latest:tiny -q --data tiny.yaml data.limit.test=50");
    ck_assert_double_eq(number(run_folder("tiny_eval"), "n"), 50);
    EXPECT_EXIT(0, "eval latest:tiny -q --weights best --json");
    EXPECT_TEXT(out, "\"name\": \"tiny_eval\"");
}
END_TEST

/* Other values, but normalised as in training. */
START_TEST(an_evaluation_of_other_data)
{
    setup();
    EXPECT_EXIT(0, "eval latest:tiny -q --data {type:\tmnist,path:\tdata}");
    char text[1 << 14], name[256];
    snprintf(name, sizeof name, "%s/config.yaml", run_folder("tiny_eval"));
    slurp(name, text, sizeof text);
    EXPECT_TEXT(text, "mean: 0.25");
    EXPECT_EXIT(4,
                "eval latest:tiny --data {type:\tsynthetic,kind:\tblobs,classes:\t4,features:\t9}");
    EXPECT_TEXT(err, "dense1.weight is [16, 30], the model's is [16, 9]");
    EXPECT_EXIT(2, "eval latest:tiny --data nowhere.yaml");
    EXPECT_TEXT(err, "--data nowhere.yaml: no such file");
    EXPECT_EXIT(2, "eval");
    EXPECT_EXIT(4, "eval 1999");
}
END_TEST

/* A byte of the weights is another one. */
START_TEST(damaged_weights_are_refused)
{
    char name[256];
    uint64_t n;
    void *file;

    setup();
    snprintf(name, sizeof name, "%s/weights/best.safetensors", run_folder("tiny"));
    ck_assert_int_eq(file_read(in_dir(name), 1 << 20, &file, &n), RN_OK);
    ((uint8_t *)file)[n - 3] ^= 1;
    ck_assert_int_eq(file_write(in_dir(name), file, n), RN_OK);
    EXPECT_EXIT(4, "predict latest:tiny data/t10k-images-idx3-ubyte --weights best");
    EXPECT_TEXT(err, "best.safetensors");
    ((uint8_t *)file)[n - 3] ^= 1;
    ck_assert_int_eq(file_write(in_dir(name), file, n), RN_OK);
    mem_free(file);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {it_says_what_the_test_said,
                                  images_are_read,
                                  another_polarity_is_told,
                                  another_size_is_told,
                                  tables_are_read,
                                  a_regression_says_values,
                                  what_can_not_be_done_is_said,
                                  damaged_weights_are_refused,
                                  an_evaluation_says_what_the_test_said,
                                  an_evaluation_of_other_data};

    return program_tests("predict", tests, sizeof tests / sizeof *tests);
}
