/* test_wrong.c - the checks find what they are for: each plugin in wrong/ has one fault. */
#include "support/plugin.h"
#include "verify/verify.h"
#include "wrong/faults.h"
#include "support/suite.h"

#include <check.h>

static char **files;
static int n_files;

static const struct rn_plugin *plugin_called(const char *name)
{
    for (int i = 0; i < n_files; i++)
        for (const struct rn_plugin *const *p = test_query_file(files[i])(test_host()); *p; p++)
            if (!strcmp((*p)->name, name))
                return *p;
    ck_abort_msg("%s is in no file", name);
    return NULL;
}

START_TEST(each_fault_is_found)
{
    const char *want = faults[_i].want;
    struct pool *pool = pool_new();
    struct verdict *v = mem_alloc(sizeof *v);
    struct plugin p;

    ck_assert_msg(!plugin_check(pool, plugin_called(faults[_i].name), "wrong", &p), "%s",
                  error_text());
    for (uint64_t seed = 0; seed < 3; seed++) {
        ck_assert_int_eq(verify_plugin(&p, seed, v), RN_OK);
        ck_assert_msg(!strcmp(finding_name(v->first), want), "%s: %s (%s), not %s", p.name,
                      finding_name(v->first), v->of[v->first].why, want);
        ck_assert_msg(v->first == FINE || v->of[v->first].why[0], "%s: nothing is said", p.name);
    }
    mem_free(v);
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

START_TEST(no_fault_is_left_out)
{
    int n = 0;

    for (int i = 0; i < n_files; i++)
        for (const struct rn_plugin *const *p = test_query_file(files[i])(test_host()); *p; p++)
            n++;
    ck_assert_int_eq(n, FAULTS);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("the checks themselves");
    TCase *tc = tcase_create("faults");

    files = argv + 1;
    n_files = argc - 1;
    tcase_add_loop_test(tc, each_fault_is_found, 0, FAULTS);
    tcase_add_test(tc, no_fault_is_left_out);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
