/* test_layers.c - every layer and loss of this build, in double on the reference device, with all
 * variants of its options. The arguments are the plugins' files; none is named here. */
#include "promises.h"
#include "support/options.h"
#include "support/plugin.h"
#include "support/ref_device.h"

#include <check.h>

static char **files;

static const struct rn_shape shapes[] = {
    {1, 0, {1}},       {1, 0, {3}},       {1, 0, {8}},
    {1, 0, {17}},      {1, 0, {65}},      {1, 3, {12}}, /* an image after flatten */
    {3, 1, {4, 4, 1}}, {3, 3, {5, 3, 3}}, {3, 4, {7, 6, 4}},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static enum finding check_one(struct rn_device *dev, const struct rn_plugin *p, const char *yaml,
                              int shape, char *why)
{
    struct pool *pool = pool_new();
    void *opts = options_from(pool, p, yaml);
    enum finding f =
        p->kind == RN_KIND_LAYER
            ? layer_check(dev, p->ops, opts, shapes[shape], why)
            : loss_check(dev, p->ops, opts, p->traits & RN_TRAIT_CLASSIFIES, shapes[shape], why);

    pool_free(pool);
    return f;
}

START_TEST(keeps_all_promises)
{
    const struct rn_plugin *p = *test_query_file(files[_i])(test_host());
    struct rn_device *dev;
    char yaml[OPTIONS_TEXT], why[WHY_SIZE];

    ck_assert_int_eq(ref_device_open(&dev), RN_OK);
    for (int v = 0; options_variant(p, v, yaml); v++) {
        int accepted = 0;

        for (int s = 0; s < SHAPES; s++) {
            enum finding f = check_one(dev, p, yaml, s, why);

            ck_assert_msg(f == FINE || (f == REFUSES && why[0]), "%s %s, shape %d: %s: %s", p->name,
                          yaml, s, finding_name(f), why);
            accepted += f == FINE;
        }
        ck_assert_msg(accepted > 0, "%s %s takes none of the shapes: %s", p->name, yaml, why);
    }
    dev->ops->close(dev);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("layers and losses");
    TCase *tc = tcase_create("conformance");

    files = argv + 1;
    tcase_add_loop_test(tc, keeps_all_promises, 0, argc - 1);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = argc < 2 || srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}
