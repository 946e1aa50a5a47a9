/* test_devices.c - a device of its own memory, seen from outside: what is said when it fails, can't
 * be opened, or has too little memory, and that it trains the same. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "program.h"

#include <stdlib.h>

static void use_far_devices(void)
{
    char path[2 * PATH_MAX];

    if (strstr(getenv("RN_PLUGIN_PATH"), getenv("RN_FAR")))
        return;
    snprintf(path, sizeof path, "%s:%s", getenv("RN_FAR"), getenv("RN_PLUGIN_PATH"));
    setenv("RN_PLUGIN_PATH", path, 1);
}

/* ---- faults ------------------------------------------------------------------------------- */

static void expect_fault(const char *device, const char *more, const char *says)
{
    char line[256], extra[256];

    use_far_devices();
    snprintf(extra, sizeof extra, "device: {type: far, %s}\n", device);
    write_config("far.yaml", extra);
    snprintf(line, sizeof line, "far.yaml --name fault%s", more);
    EXPECT_EXIT(3, line);
    EXPECT_TEXT(err, says);
    expect_status("fault", "failed");
    cJSON *status = read_json(run_folder("fault"), "status.json");
    EXPECT_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(status, "reason")), says);
    ck_assert_int_eq(cJSON_GetObjectItem(status, "exit_code")->valueint, 3);
    cJSON_Delete(status);
    file_remove_tree(in_dir("reports"));
}

#define FAULT "error 700 (an illegal memory access was encountered)"

START_TEST(a_fault_names_layer_and_pass)
{
    /* of one of the first steps, which are timed; of a later one; of an evaluation */
    expect_fault("fail: 3, call: 10", "", "device (far): backward of dense1 (dense): " FAULT);
    expect_fault("fail: 40, call: 8", "", "device (far): backward of scores (dense): " FAULT);
    expect_fault("fail: 37, call: 6", "", "device (far): scores of loss (cross_entropy): " FAULT);
    expect_fault("fail: 40, call: 0", "", "device (far): gather of data (mnist): " FAULT);
    expect_fault("fail: 40, call: 12", "", "device (far): update of dense1 (dense): " FAULT);
    expect_fault("fail: 40, call: 5", "", "device (far): forward of loss (cross_entropy): " FAULT);
}
END_TEST

START_TEST(a_fault_that_may_lie_behind_says_so)
{
    expect_fault("fail: 40, call: 2, knows: near", "",
                 "device (far): " FAULT ", in the work of dense1 (forward) or behind it; "
                 "RN_SYNC=1 finds the call");
}
END_TEST

START_TEST(a_fault_without_a_place_says_what_it_was)
{
    expect_fault("fail: 40, knows: nothing", "", "device (far): " FAULT);
}
END_TEST

/* It is met by the thread that makes batches, which waits for a copy. */
START_TEST(a_fault_met_by_the_other_thread_is_told)
{
    expect_fault("fail: 40, call: 10", " data.resident=no",
                 "device (far): backward of dense1 (dense): " FAULT);
}
END_TEST

/* ---- auto ---------------------------------------------------------------------------------- */

static int count(const char *text, const char *part)
{
    int n = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        n++;
    return n;
}

static void expect_in_file(const char *file, const char *part)
{
    static char text[1 << 20];
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", run_folder("auto"), file);
    slurp(path, text, sizeof text);
    ck_assert_msg(strstr(text, part) != NULL, "%s does not say: %s", file, part);
}

START_TEST(auto_says_once_why_it_is_not_the_best_device)
{
    const char *why = "trained on the cpu since absent can't be used: libabsent.so.1: cannot open "
                      "shared object file";

    use_far_devices();
    EXPECT_EXIT(0, "tiny.yaml --name auto device=auto");
    ck_assert_int_eq(count(err, "absent"), 2); /* the device and its library */
    EXPECT_TEXT(err, why);
    expect_in_file("summary.json", why);
    expect_in_file("report.md", why);
    expect_in_file("report.html", "trained on the cpu since absent can");
    cJSON *summary = read_json(run_folder("auto"), "summary.json");
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(summary, "warnings")), 0);
    cJSON_Delete(summary);
}
END_TEST

START_TEST(plugins_say_why_a_device_cannot_be_used)
{
    const char *why = "can't be used here: libabsent.so.1: cannot open shared object file";

    use_far_devices();
    EXPECT_EXIT(0, "plugins list device");
    EXPECT_TEXT(out, why);
    EXPECT_EXIT(0, "plugins describe absent");
    EXPECT_TEXT(out, "here     can't be used: libabsent.so.1");
    EXPECT_EXIT(0, "plugins describe cpu");
    ck_assert_ptr_null(strstr(out, "can't be used"));
    EXPECT_EXIT(0, "plugins list device --json");
    EXPECT_TEXT(out, "\"unusable\":\"libabsent.so.1: cannot open shared object file\"");
    EXPECT_TEXT(out, "\"unusable\":null");
    EXPECT_EXIT(3, "tiny.yaml --name absent device=absent");
    EXPECT_TEXT(err, "device (absent): libabsent.so.1");
}
END_TEST

/* ---- memory --------------------------------------------------------------------------------- */

START_TEST(what_does_not_fit_is_exit_8_at_its_place)
{
    write_config("large.yaml", "");
    setenv("RN_MEMORY", "90K", 1);
    EXPECT_EXIT(8, "large.yaml --name large train.eval_batch_size=1 data.limit.val=1");
    unsetenv("RN_MEMORY");
    EXPECT_TEXT(err, "large.yaml:");
    EXPECT_TEXT(err, " which has 90.0 KiB free: ");
    EXPECT_TEXT(err, ", nothing was started");
    ck_assert(!*run_folder("large"));
}
END_TEST

START_TEST(a_batch_that_is_too_large_is_marked)
{
    char text[4096];

    write_config("large.yaml", "device: {type: far}\n");
    use_far_devices();
    slurp("large.yaml", text, sizeof text);
    char *at = strstr(text, "batch_size: 16");
    ck_assert_ptr_nonnull(at);
    at[strlen("batch_size: ")] = at[strlen("batch_size: ") + 1] = '9';
    ck_assert_int_eq(file_write(in_dir("large.yaml"), text, strlen(text)), 0);
    setenv("RN_MEMORY", "45K", 1);
    EXPECT_EXIT(8, "large.yaml --name large data.resident=no train.eval_batch_size=1");
    unsetenv("RN_MEMORY");
    EXPECT_TEXT(err, "large.yaml:8:32: train.batch_size: 99 needs ");
    EXPECT_TEXT(err, " would fit");
}
END_TEST

START_TEST(a_run_says_once_that_samples_come_from_the_host)
{
    const char *says = "all samples come from the host: data.resident is no";

    use_far_devices();
    EXPECT_EXIT(0, "tiny.yaml --name stay device=far");
    ck_assert_ptr_null(strstr(err, "come from the host"));
    EXPECT_EXIT(0, "tiny.yaml --name come device=far data.resident=no");
    ck_assert_int_eq(count(err, says), 1);
    cJSON *a = read_json(run_folder("stay"), "summary.json");
    cJSON *b = read_json(run_folder("come"), "summary.json");
    EXPECT_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(b, "data")), says);
    ck_assert(cJSON_Compare(cJSON_GetObjectItem(a, "test"), cJSON_GetObjectItem(b, "test"), true));
    ck_assert_int_eq(cJSON_IsObject(cJSON_GetObjectItem(a, "test")), 1);
    cJSON_Delete(a);
    cJSON_Delete(b);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_fault_names_layer_and_pass,
                                  a_fault_that_may_lie_behind_says_so,
                                  a_fault_without_a_place_says_what_it_was,
                                  a_fault_met_by_the_other_thread_is_told,
                                  auto_says_once_why_it_is_not_the_best_device,
                                  plugins_say_why_a_device_cannot_be_used,
                                  what_does_not_fit_is_exit_8_at_its_place,
                                  a_batch_that_is_too_large_is_marked,
                                  a_run_says_once_that_samples_come_from_the_host};

    return program_tests("devices", tests, sizeof tests / sizeof *tests);
}
