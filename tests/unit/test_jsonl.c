/* test_jsonl.c - metrics.jsonl: what a line says, that none is lost, torn or written late. */
#define _GNU_SOURCE
#include "support/plugin.h"

#include "base/json.h"
#include "support/suite.h"

#include <runner/reporter.h>

#include <check.h>
#include <math.h>
#include <unistd.h>

static const struct rn_reporter_ops *ops;
static char dir[64], path[128];
static uint64_t now;
static struct rn_host host;
static struct rn_report report = {.size = sizeof report, .dir = dir};

static uint64_t fake_clock(void) { return now; }

static void setup(void)
{
    host = *test_host();
    host.clock_ns = fake_clock;
    ops = (*test_query("reporters", "jsonl")(&host))->ops;
    snprintf(dir, sizeof dir, "/tmp/test_jsonl_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/metrics.jsonl", dir);
}

static void teardown(void)
{
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

static void *open_it(void)
{
    void *rep;

    ck_assert_int_eq(ops->open(NULL, &report, &rep), RN_OK);
    return rep;
}

static int record(void *rep, int64_t step, const char *split, double loss, double accuracy)
{
    const struct rn_metric m[] = {{"loss", loss}, {"accuracy", accuracy}};
    struct rn_record r = {.size = sizeof r,
                          .n_metrics = 2,
                          .split = split,
                          .step = step,
                          .epoch = 1,
                          .seconds = 12.41,
                          .metrics = m};

    return ops->record(rep, &r);
}

static char *content(void)
{
    void *data;
    uint64_t n;

    ck_assert_int_eq(file_read(path, UINT64_MAX, &data, &n), RN_OK);
    return data;
}

START_TEST(lines)
{
    void *rep = open_it();

    ck_assert_int_eq(record(rep, 844, "val", 0.1312, 0.9603), RN_OK);
    ck_assert_int_eq(record(rep, 845, "train", NAN, INFINITY), RN_OK);
    ck_assert_int_eq(record(rep, 846, "te\"st\n", -INFINITY, 1.0 / 3), RN_OK);
    ck_assert_int_eq(ops->end(rep, &report), RN_OK);
    ops->close(rep);
    char *s = content();
    ck_assert_str_eq(s,
                     "{\"v\":1,\"t\":12.410,\"step\":844,\"epoch\":1,\"split\":\"val\","
                     "\"loss\":0.1312,\"accuracy\":0.9603}\n"
                     "{\"v\":1,\"t\":12.410,\"step\":845,\"epoch\":1,\"split\":\"train\","
                     "\"loss\":\"nan\",\"accuracy\":\"inf\"}\n"
                     "{\"v\":1,\"t\":12.410,\"step\":846,\"epoch\":1,\"split\":\"te\\\"st\\u000a\","
                     "\"loss\":\"-inf\",\"accuracy\":0.3333333333333333}\n");
    mem_free(s);
}
END_TEST

/* 10,000 lines through a buffer that holds some hundred: all there, in order, whole. */
START_TEST(many)
{
    void *rep = open_it();
    int n = 0;

    for (int i = 0; i < 10000; i++)
        ck_assert_int_eq(record(rep, i, "train", 1e-300 * i, 0.1 + i), RN_OK);
    ck_assert_int_eq(ops->epoch(rep, &report), RN_OK);
    ops->close(rep);
    char *s = content();
    for (char *line = s, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, n++) {
        *end = '\0';
        cJSON *j = json_parse(line);
        ck_assert_ptr_nonnull(j);
        ck_assert_int_eq(cJSON_GetObjectItem(j, "step")->valueint, n);
        ck_assert(cJSON_GetObjectItem(j, "loss")->valuedouble == 1e-300 * n);
        ck_assert(cJSON_GetObjectItem(j, "accuracy")->valuedouble == 0.1 + n);
        cJSON_Delete(j);
    }
    ck_assert_int_eq(n, 10000);
    mem_free(s);
}
END_TEST

static bool is_empty(void)
{
    char *s = content();
    bool empty = !s[0];

    mem_free(s);
    return empty;
}

START_TEST(when)
{
    void *rep = open_it();

    ck_assert(is_empty()); /* made at once */
    ck_assert_int_eq(record(rep, 1, "train", 1, 1), RN_OK);
    ck_assert(is_empty());
    now += 1000000000;
    ck_assert_int_eq(record(rep, 2, "train", 1, 1), RN_OK);
    ck_assert(!is_empty());
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(record(rep, 3, "train", 1, 1), RN_OK);
    ck_assert(is_empty());
    ck_assert_int_eq(ops->epoch(rep, &report), RN_OK);
    ck_assert(!is_empty());
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(record(rep, 4, "train", 1, 1), RN_OK);
    ops->close(rep); /* as after an error elsewhere */
    ck_assert(!is_empty());
}
END_TEST

START_TEST(unwritable)
{
    void *rep;
    struct rn_report gone = {.size = sizeof gone, .dir = "/nonexistent/folder"};

    ck_assert_int_eq(ops->open(NULL, &gone, &rep), RN_EIO);
    ck_assert_ptr_null(rep);
    ck_assert_ptr_nonnull(strstr(error_text(), "/nonexistent/folder/metrics.jsonl"));
    rep = open_it();
    file_remove_tree(dir);
    ck_assert_int_eq(record(rep, 1, "train", 1, 1), RN_OK);
    ck_assert_int_eq(ops->epoch(rep, &report), RN_EIO);
    ops->close(rep);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("jsonl");
    TCase *t = tcase_create("jsonl");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, lines);
    tcase_add_test(t, many);
    tcase_add_test(t, when);
    tcase_add_test(t, unwritable);
    suite_add_tcase(s, t);
    return suite_run(s);
}
