/* test_wrong.c - the checks find what they are for: each layer and loss in wrong/ has one fault. */
#include "promises.h"
#include "support/plugin.h"
#include "support/ref_device.h"

#include <check.h>

static const struct {
    const char *name;
    enum finding want;
} faults[] = {
    {"right", FINE},
    {"sign_flipped", GRADIENT},
    {"scale_missing", GRADIENT},
    {"one_row_short", GRADIENT},
    {"beta_ignored_din", BETA},
    {"beta_ignored_dparam", BETA},
    {"beta_swapped", BETA},
    {"always_adds", NOT_FINITE},
    {"null_ignored", FAILS},
    {"nothing_without_din", SKIP},
    {"one_row_more", OUTSIDE},
    {"last_row_unwritten", NOT_FINITE},
    {"forgets", NOT_FINITE},
    {"flag_missing", NOT_FINITE},
    {"plain_read", NOT_FINITE},
    {"writes_input", CHANGES_INPUT},
    {"writes_parameter", CHANGES_INPUT},
    {"counts_calls", UNSTEADY},
    {"not_in_place", INPLACE},
    {"no_view", VIEW},
    {"right_square", FINE},
    {"scale_ignored", GRADIENT},
    {"weight_missing", NOT_FINITE},
    {"weight_too_long", OUTSIDE},
    {"scratch_expected", NOT_FINITE},
};
enum { FAULTS = sizeof faults / sizeof *faults };

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
    const struct rn_plugin *p = plugin_called(faults[_i].name);
    struct rn_device *dev;
    char why[WHY_SIZE];

    ck_assert_int_eq(ref_device_open(&dev), RN_OK);
    for (int64_t n = 3; n <= 65; n += 62) { /* each element, and random directions */
        enum finding f = p->kind == RN_KIND_LAYER
                             ? layer_check(dev, p->ops, NULL, rn_vec(n), why)
                             : loss_check(dev, p->ops, NULL, false, rn_vec(n), why);

        ck_assert_msg(f == faults[_i].want, "%s, %d wide: %s (%s), not %s", p->name, (int)n,
                      finding_name(f), why, finding_name(faults[_i].want));
        ck_assert_msg(f == FINE || why[0], "%s: nothing is said", p->name);
    }
    dev->ops->close(dev);
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
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}
