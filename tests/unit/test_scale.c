/* test_scale.c - images of another size: values worked out by hand, as Pillow's BILINEAR has them.
 */
#include "run/samples.h"
#include "support/suite.h"

#include <check.h>

START_TEST(the_same_size_is_the_same)
{
    const float from[2 * 3 * 2] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    float to[12];

    ck_assert_int_eq(scale_image(from, 2, 3, 2, to, 2, 3), RN_OK);
    for (int i = 0; i < 12; i++)
        ck_assert_float_eq(to[i], from[i]);
}
END_TEST

/* The triangle is two pixels wide to each side: 0.75 0.75 0.25 of 1.75. */
START_TEST(what_is_smaller_is_averaged)
{
    const float from[4] = {0, 0, 255, 255};
    float to[2];

    ck_assert_int_eq(scale_image(from, 1, 4, 1, to, 1, 2), RN_OK);
    ck_assert_float_eq_tol(to[0], 255 * 0.25f / 1.75f, 1e-4f);
    ck_assert_float_eq_tol(to[1], 255 * 1.5f / 1.75f, 1e-4f);
    ck_assert_int_eq(scale_image(from, 4, 1, 1, to, 2, 1), RN_OK);
    ck_assert_float_eq_tol(to[0], 255 * 0.25f / 1.75f, 1e-4f);
}
END_TEST

START_TEST(what_is_larger_is_interpolated)
{
    const float from[2] = {0, 100};
    float to[4];
    const float want[4] = {0, 25, 75, 100};

    ck_assert_int_eq(scale_image(from, 1, 2, 1, to, 1, 4), RN_OK);
    for (int i = 0; i < 4; i++)
        ck_assert_float_eq_tol(to[i], want[i], 1e-4f);
}
END_TEST

/* Channels do not mix, whatever the sizes are. */
START_TEST(one_colour_stays_one_colour)
{
    float from[7 * 5 * 3], to[11 * 11 * 3];

    for (int i = 0; i < 7 * 5 * 3; i++)
        from[i] = (float)(10 * (i % 3) + 1);
    for (int h = 1; h <= 11; h++)
        for (int w = 1; w <= 11; w++) {
            ck_assert_int_eq(scale_image(from, 7, 5, 3, to, h, w), RN_OK);
            for (int i = 0; i < h * w * 3; i++)
                ck_assert_float_eq_tol(to[i], (float)(10 * (i % 3) + 1), 1e-4f);
        }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("scale");
    TCase *c = tcase_create("images");

    tcase_add_test(c, the_same_size_is_the_same);
    tcase_add_test(c, what_is_smaller_is_averaged);
    tcase_add_test(c, what_is_larger_is_interpolated);
    tcase_add_test(c, one_colour_stays_one_colour);
    suite_add_tcase(s, c);
    return suite_run(s);
}
