/* test_verify.c - `plugins verify` over the plugins of this build, over wrong ones, over some that
 * crash. RN_WRONG: the folder of wrong_*_f32.so; RN_ABI_DIR: of files that are none. */
#define _DEFAULT_SOURCE
#include "program.h"
#include "conformance/wrong/faults.h"

#include <glob.h>
#include <stdlib.h>

static char document[1 << 20];

static cJSON *verify(int code, const char *path)
{
    char line[PATH_MAX + 64];

    snprintf(line, sizeof line, "plugins verify --json %s", path);
    EXPECT_EXIT(code, line);
    slurp("out", document, sizeof document);
    cJSON *root = cJSON_Parse(document);
    ck_assert_msg(root != NULL, "no JSON: %s", document);
    ck_assert_int_eq(cJSON_IsTrue(cJSON_GetObjectItem(root, "holds")), code == 0);
    return root;
}

START_TEST(plugins_of_this_build_hold)
{
    char pattern[PATH_MAX];
    glob_t g;

    snprintf(pattern, sizeof pattern, "%s/*/*.so", getenv("RN_PLUGIN_PATH"));
    ck_assert_int_eq(glob(pattern, 0, NULL, &g), 0);
    ck_assert_uint_gt(g.gl_pathc, 10);
    for (size_t i = 0; i < g.gl_pathc; i++)
        cJSON_Delete(verify(0, g.gl_pathv[i]));
    globfree(&g);
}
END_TEST

static const char *wanted(const char *name)
{
    for (int i = 0; i < FAULTS; i++)
        if (!strcmp(faults[i].name, name))
            return faults[i].want;
    ck_abort_msg("%s is not known", name);
    return NULL;
}

/* What was found first, and that it says something. */
static void expect_finding(const cJSON *plugin)
{
    const char *name = cJSON_GetObjectItem(plugin, "name")->valuestring;
    const char *first = cJSON_GetStringValue(cJSON_GetObjectItem(plugin, "first"));
    const cJSON *p;

    first = first ? first : "fine";
    ck_assert_msg(!strcmp(first, wanted(name)), "%s: %s, not %s", name, first, wanted(name));
    cJSON_ArrayForEach(p, cJSON_GetObjectItem(plugin, "promises"))
    {
        const char *why = cJSON_GetStringValue(cJSON_GetObjectItem(p, "why"));

        ck_assert_msg(cJSON_IsTrue(cJSON_GetObjectItem(p, "holds")) || (why && *why),
                      "%s: nothing is said", name);
    }
}

START_TEST(each_fault_is_found_in_float)
{
    static const char *const files[] = {"layers", "losses", "random", "others"};
    char path[PATH_MAX];
    const cJSON *p;
    int n = 0;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/wrong_%s_f32.so", getenv("RN_WRONG"), files[i]);
        cJSON *root = verify(1, path);
        cJSON_ArrayForEach(p, cJSON_GetObjectItem(root, "plugins"))
        {
            expect_finding(p);
            n++;
        }
        cJSON_Delete(root);
    }
    ck_assert_int_eq(n, FAULTS);
}
END_TEST

START_TEST(a_crash_is_a_finding)
{
    char line[PATH_MAX + 64];

    snprintf(line, sizeof line, "plugins verify %s/wrong_crash_f32.so", getenv("RN_WRONG"));
    EXPECT_EXIT(1, line);
    EXPECT_TEXT(out, "layer traps_in_backward 1.0.0");
    EXPECT_TEXT(out, "FAILED  its functions return");
    EXPECT_TEXT(out, "input 3, batch of 5: backward() ");
    EXPECT_TEXT(out, "forward() ended the process");
    EXPECT_TEXT(strstr(out, "layer copies 1.0.0"), "ok      gradients agree");
    EXPECT_TEXT(out, "2 promises are broken");
}
END_TEST

START_TEST(a_file_that_cannot_be_used)
{
    char line[PATH_MAX + 64];

    EXPECT_EXIT(3, "plugins verify nowhere.so");
    EXPECT_TEXT(err, "nowhere.so: No such file");
    snprintf(line, sizeof line, "plugins verify %s/README.md", getenv("RN_SOURCE"));
    EXPECT_EXIT(3, line);
    EXPECT_TEXT(err, "build it as a shared object");
    snprintf(line, sizeof line, "plugins verify %s/crash.so", getenv("RN_ABI_DIR"));
    EXPECT_EXIT(3, line);
    EXPECT_TEXT(err, "crash.so: loading the file ");
    snprintf(line, sizeof line, "plugins verify %s/stride.so", getenv("RN_ABI_DIR"));
    EXPECT_EXIT(3, line);
    EXPECT_TEXT(err, "stride.so: layer 'stride'");
    EXPECT_EXIT(2, "plugins verify");
    EXPECT_TEXT(err, "expected `verify FILE.so`");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {plugins_of_this_build_hold, each_fault_is_found_in_float,
                                  a_crash_is_a_finding, a_file_that_cannot_be_used};

    return program_tests("plugins verify", tests, sizeof tests / sizeof *tests);
}
