/* test_layers.c - every plugin of this build whose promises can be checked, in double on the
 * reference device, with all variants of its options. The arguments are the plugins' files; none is
 * named here. */
#include "support/plugin.h"
#include "verify/verify.h"
#include "support/suite.h"

#include <check.h>

static char **files;

START_TEST(keeps_all_promises)
{
    struct pool *pool = pool_new();
    struct verdict *v = mem_alloc(sizeof *v);
    struct plugin p;

    ck_assert_msg(!plugin_check(pool, *test_query_file(files[_i])(test_host()), files[_i], &p),
                  "%s", error_text());
    ck_assert_int_eq(verify_plugin(&p, 0, v), RN_OK);
    for (int f = 0; f < FINDINGS; f++)
        ck_assert_msg(!v->of[f].broken, "%s: not so: %s: %s", p.name,
                      finding_promise((enum finding)f), v->of[f].why);
    ck_assert_int_gt(v->trials - v->refused, 0);
    mem_free(v);
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("promises of plugins");
    TCase *tc = tcase_create("conformance");

    files = argv + 1;
    tcase_add_loop_test(tc, keeps_all_promises, 0, argc - 1);
    suite_add_tcase(suite, tc);
    return argc < 2 || suite_run(suite);
}
