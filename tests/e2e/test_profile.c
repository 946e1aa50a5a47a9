/* test_profile.c - `--profile`: the time of a step is accounted for, and training is the same. */
#include "program.h"

#include <math.h>

static double number(const cJSON *o, const char *key)
{
    const cJSON *v = cJSON_GetObjectItem(o, key);

    ck_assert_msg(cJSON_IsNumber(v), "no number %s", key);
    return v->valuedouble;
}

static const char *string(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(o, key));

    ck_assert_msg(s != NULL, "no string %s", key);
    return s;
}

static bool has(const cJSON *ops, const char *layer, const char *pass, double flops)
{
    const cJSON *o;

    cJSON_ArrayForEach(o, ops) if (!strcmp(string(o, "layer"), layer) &&
                                   !strcmp(string(o, "pass"), pass) &&
                                   number(o, "flops") >= flops) return true;
    return false;
}

/* 30 inputs, 16 units; steps of 16 samples */
START_TEST(operations_and_waiting_make_up_a_step)
{
    EXPECT_EXIT(0, "tiny.yaml --profile -q --threads 2");
    EXPECT_TEXT(out, "dense1");
    EXPECT_TEXT(out, "GFLOP/s");
    cJSON *root = read_json(run_folder("tiny"), "profile.json");
    const cJSON *k, *o;

    ck_assert_double_eq(number(root, "threads"), 2);
    cJSON_ArrayForEach(k, cJSON_GetObjectItem(root, "kinds"))
    {
        const cJSON *ops = cJSON_GetObjectItem(k, "ops");
        double sum = number(k, "waiting_us"), flops = 2.0 * number(k, "samples") * 30 * 16;
        double shares = 0;

        ck_assert_double_ge(number(k, "steps"), 1);
        ck_assert_int_eq(cJSON_GetArraySize(ops), (int)number(k, "operations"));
        cJSON_ArrayForEach(o, ops)
        {
            sum += number(o, "us");
            shares += number(o, "share");
        }
        ck_assert_double_eq_tol(sum, number(k, "us"), 1e-6 * sum);
        ck_assert(shares > 0 && shares <= 1 + 1e-9);
        ck_assert(has(ops, "data", "gather", 0));
        ck_assert(has(ops, "dense1", "forward", flops));
        ck_assert(has(ops, "dense1", "backward", flops));
        ck_assert(has(ops, "dense1", "update", 0));
    }
    ck_assert_double_eq(number(cJSON_GetObjectItem(root, "kinds")->child, "samples"), 16);
    cJSON_Delete(root);
}
END_TEST

START_TEST(stretches_of_a_thread_follow_each_other_within_their_step)
{
    double end[3] = {0}, step_begin = 0, step_end = 0;
    int steps = 0, stretches = 0;
    const cJSON *e;

    EXPECT_EXIT(0, "tiny.yaml --profile -q --threads 2");
    cJSON *root = read_json(run_folder("tiny"), "trace.json");
    cJSON_ArrayForEach(e, cJSON_GetObjectItem(root, "traceEvents"))
    {
        if (strcmp(string(e, "ph"), "X") != 0)
            continue;
        int lane = (int)number(e, "tid");
        double begin = number(e, "ts"), until = begin + number(e, "dur");

        ck_assert_int_lt(lane, 3);
        ck_assert_double_ge(begin, end[lane] - 0.002); /* they are written in whole ns */
        end[lane] = until;
        if (lane == 2) {
            step_begin = begin;
            step_end = until;
            steps++;
            continue;
        }
        stretches++;
        ck_assert(begin >= step_begin - 0.002 && until <= step_end + 0.002);
    }
    ck_assert_int_eq(steps, 16);
    ck_assert_int_ge(stretches, 16 * 20);
    cJSON_Delete(root);
}
END_TEST

START_TEST(a_profiled_run_learns_the_same)
{
    static char plain[1 << 16], profiled[1 << 16];
    char path[PATH_MAX];

    EXPECT_EXIT(0, "tiny.yaml -q");
    snprintf(path, sizeof path, "%s/predictions.csv", run_folder("tiny"));
    slurp(path, plain, sizeof plain);
    ck_assert(!exists(run_folder("tiny"), "profile.json"));
    EXPECT_EXIT(0, "tiny.yaml --profile -q");
    snprintf(path, sizeof path, "%s/predictions.csv", run_folder("tiny"));
    slurp(path, profiled, sizeof profiled);
    ck_assert_str_eq(plain, profiled);
}
END_TEST

START_TEST(the_step_that_updates_is_shown)
{
    EXPECT_EXIT(0, "tiny.yaml --profile -q train.accumulate=3");
    EXPECT_TEXT(out, " backward    update    all us");
    cJSON *root = read_json(run_folder("tiny"), "profile.json");
    const cJSON *k;
    int updating = 0, all = 0;

    cJSON_ArrayForEach(k, cJSON_GetObjectItem(root, "kinds"))
    {
        bool updates = cJSON_IsTrue(cJSON_GetObjectItem(k, "updates"));
        ck_assert(updates == has(cJSON_GetObjectItem(k, "ops"), "dense1", "update", 0));
        updating += updates;
        all++;
    }
    ck_assert(updating && updating < all);
    cJSON_Delete(root);
}
END_TEST

START_TEST(json_stays_one_document)
{
    EXPECT_EXIT(0, "tiny.yaml --profile --json");
    cJSON *root = cJSON_ParseWithOpts(out, NULL, true);
    ck_assert_ptr_nonnull(root);
    cJSON_Delete(root);
    ck_assert(exists(run_folder("tiny"), "trace.json"));
}
END_TEST

START_TEST(a_run_of_two_steps_says_that_it_is_too_short)
{
    EXPECT_EXIT(0, "tiny.yaml --profile -q --epochs 1 data.limit.train=32");
    EXPECT_TEXT(out, "too few steps");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {operations_and_waiting_make_up_a_step,
                                  stretches_of_a_thread_follow_each_other_within_their_step,
                                  a_profiled_run_learns_the_same,
                                  the_step_that_updates_is_shown,
                                  json_stays_one_document,
                                  a_run_of_two_steps_says_that_it_is_too_short};

    return program_tests("profile", tests, sizeof tests / sizeof *tests);
}
