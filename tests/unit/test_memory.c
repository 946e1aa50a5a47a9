/* test_memory.c - what the CPU says is free, by the files of made-up machines: they lie in system/
 * of a folder of the test. */
#define _XOPEN_SOURCE 700
#include "../../plugins/devices/cpu/cpu.h"

#include "base/error.h"
#include "base/file.h"
#include "support/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/memory-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[256], folder[256];

    snprintf(path, sizeof path, "system/%s", name);
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    ck_assert_int_eq(file_mkdirs(folder), RN_OK);
    ck_assert_int_eq(file_write(path, text, strlen(text)), RN_OK);
}

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    put("proc/meminfo", "MemTotal:       16000000 kB\nMemFree:         1000000 kB\n"
                        "MemAvailable:    8000000 kB\n");
}

static void teardown(void)
{
    file_remove_tree(dir);
    snprintf(dir, sizeof dir, "/tmp/memory-XXXXXX");
}

enum { KIB = 1024 };
static const uint64_t available = (uint64_t)8000000 * KIB;

START_TEST(a_machine_without_groups)
{
    ck_assert_uint_eq(memory_free(), available);
    put("proc/self/cgroup", "");
    ck_assert_uint_eq(memory_free(), available);
    file_remove_tree("system");
    ck_assert_uint_eq(memory_free(), 0); /* not known */
}
END_TEST

/* The least of all that it is in counts, and files that were only read are free. */
START_TEST(groups_of_version_2)
{
    put("proc/self/cgroup", "0::/user/job\n");
    put("sys/fs/cgroup/user/job/memory.max", "max\n");
    ck_assert_uint_eq(memory_free(), available);
    put("sys/fs/cgroup/user/memory.max", "5000000\n");
    put("sys/fs/cgroup/user/memory.current", "3000000\n");
    put("sys/fs/cgroup/user/memory.stat", "anon 1900000\nfile 1100000\nactive_file 400000\n"
                                          "inactive_file 600000\n");
    ck_assert_uint_eq(memory_free(), 3000000);
    put("sys/fs/cgroup/user/job/memory.max", "2000000\n");
    put("sys/fs/cgroup/user/job/memory.current", "500000\n");
    ck_assert_uint_eq(memory_free(), 1500000);
    put("sys/fs/cgroup/user/job/memory.current", "2500000\n");
    ck_assert_uint_eq(memory_free(), 1); /* nothing, which is not the same as not known */
}
END_TEST

/* In a container the name is that of outside, and the root is its own. */
START_TEST(groups_of_version_1)
{
    put("proc/self/cgroup", "9:pids:/other\n4:memory:/docker/abc\n0::/\n");
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "4000000\n");
    put("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000000\n");
    put("sys/fs/cgroup/memory/memory.stat", "cache 7\ntotal_active_file 100000\n"
                                            "total_inactive_file 200000\n");
    ck_assert_uint_eq(memory_free(), 3300000);
    put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"); /* none */
    ck_assert_uint_eq(memory_free(), available);
}
END_TEST

START_TEST(what_a_test_asks_for)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {{"", 0}, {"12345", 12345}, {"3K", 3 << 10}, {"64M", 64 << 20}, {"1G", 1 << 30}};

    unsetenv("RN_MEMORY");
    ck_assert_uint_eq(memory_asked(), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setenv("RN_MEMORY", rows[i].text, 1);
        ck_assert_uint_eq(memory_asked(), rows[i].bytes);
    }
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("memory");
    Suite *suite = suite_create("memory");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_machine_without_groups);
    tcase_add_test(c, groups_of_version_2);
    tcase_add_test(c, groups_of_version_1);
    tcase_add_test(c, what_a_test_asks_for);
    suite_add_tcase(suite, c);
    return suite_run(suite);
}
