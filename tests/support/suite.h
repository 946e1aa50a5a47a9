/* suite.h - how a test program ends. */
#ifndef TEST_SUITE_H
#define TEST_SUITE_H

#include <check.h>
#undef fail /* an old name of check.h, which struct rn_host has too */

/* Runs all tests of it, frees it, and gives the exit status: 0 when none failed. */
static inline int suite_run(Suite *s)
{
    SRunner *r = srunner_create(s);

    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#endif
