/* test_lint.c - `runner check` of every file of tests/golden/lint says exactly what its .txt holds:
 * the exit code, then what was written. RN_GOLDEN=write writes the texts anew: read the diff. */
#define _DEFAULT_SOURCE
#include "base/file.h"
#include "base/mem.h"
#include "program.h"

#include <dirent.h>
#include <stdlib.h>

static const char *source(const char *name, const char *ending)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/tests/golden/lint/%s%s", getenv("RN_SOURCE"), name, ending);
    return path;
}

static void copy_config(const char *name)
{
    char to[80];
    void *text;
    uint64_t bytes;

    ck_assert_int_eq(file_read(source(name, ".yaml"), 1 << 16, &text, &bytes), RN_OK);
    snprintf(to, sizeof to, "%s.yaml", name);
    ck_assert_int_eq(file_write(in_dir(to), text, bytes), RN_OK);
    mem_free(text);
}

static void compare(const char *name)
{
    static char said[sizeof out + sizeof err + 32];
    char line[96];
    void *want;
    uint64_t bytes;

    copy_config(name);
    snprintf(line, sizeof line, "check %s.yaml", name);
    int code = run(line);
    int n = snprintf(said, sizeof said, "exit %d\n%s%s", code, err, out);
    if (getenv("RN_GOLDEN")) {
        ck_assert_int_eq(file_write(source(name, ".txt"), said, (uint64_t)n), RN_OK);
        return;
    }
    ck_assert_msg(file_read(source(name, ".txt"), 1 << 16, &want, &bytes) == RN_OK,
                  "%s.txt is missing: RN_GOLDEN=write makes it", name);
    ck_assert_msg(!strcmp(want, said), "%s: expected\n%s\nand not\n%s", name, (char *)want, said);
    mem_free(want);
}

START_TEST(every_text_is_as_written)
{
    static char path[PATH_MAX];
    struct dirent *e;
    int n = 0;

    snprintf(path, sizeof path, "%s/tests/golden/lint", getenv("RN_SOURCE"));
    DIR *d = opendir(path);
    ck_assert_ptr_nonnull(d);
    while ((e = readdir(d))) {
        char name[64];
        char *ending = strstr(e->d_name, ".yaml");
        if (!ending || ending - e->d_name >= (ptrdiff_t)sizeof name)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(ending - e->d_name), e->d_name);
        compare(name);
        n++;
    }
    closedir(d);
    ck_assert_int_ge(n, 20);
}
END_TEST

START_TEST(strict_shows_what_it_fails_for)
{
    copy_config("lr");
    EXPECT_EXIT(2, "check lr.yaml --strict");
    EXPECT_TEXT(err, "warnings count as errors (--strict)");
    EXPECT_TEXT(err, "a learning rate of 0.5 is very large for adam");
    EXPECT_TEXT(err, "nothing was started");
    EXPECT_EXIT(2, "lr.yaml --strict");
    EXPECT_TEXT(err, "a learning rate of 0.5 is very large for adam");
    EXPECT_EXIT(2, "check lr.yaml --strict --json");
    cJSON *root = cJSON_Parse(err);
    ck_assert_int_eq(cJSON_GetArraySize(cJSON_GetObjectItem(root, "errors")), 2);
    cJSON_Delete(root);
    copy_config("lr_good");
    EXPECT_EXIT(0, "check lr_good.yaml --strict");
    ck_assert_str_eq(err, "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_text_is_as_written, strict_shows_what_it_fails_for};

    return program_tests("lint", tests, sizeof tests / sizeof *tests);
}
