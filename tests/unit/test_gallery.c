/* test_gallery.c - which test samples are shown as pictures and why, their sprite, and how far
 * confidence can be trusted. */
#include "support/made_run.h"
#include "support/suite.h"

#include <check.h>
#include <stdlib.h>

static struct report *made(int64_t classes, int64_t n)
{
    struct report *r;

    ck_assert_int_eq(made_run(&(struct made_run){classes, 3, n, NULL, true, false}, "/tmp", &r), 0);
    return r;
}

static int64_t count(const struct rn_test *t, uint32_t why)
{
    int64_t n = 0;

    for (int64_t i = 0; i < t->n_pictures; i++)
        n += (t->pictures[i].why & why) != 0;
    return n;
}

static bool has(const struct rn_test *t, int64_t sample, uint32_t why)
{
    for (int64_t i = 0; i < t->n_pictures; i++)
        if (t->pictures[i].sample == sample)
            return t->pictures[i].why & why;
    return false;
}

/* Of 700 samples of 5 classes every seventh is wrong, in 5 cells of 20. */
START_TEST(pictures_are_kept_once_with_all_reasons)
{
    struct report *r = made(5, 700);
    const struct rn_test *t = report_view(r)->test;

    ck_assert_int_eq(count(t, RN_FIXED), 40);
    ck_assert_int_eq(count(t, RN_WORST), 40);
    ck_assert_int_eq(count(t, RN_SURE), 20);
    ck_assert_int_eq(count(t, RN_CELL), 100 + 4 * 5); /* all mistakes, four right ones a class */
    for (int64_t i = 1; i < t->n_pictures; i++)
        ck_assert_int_lt(t->pictures[i - 1].sample, t->pictures[i].sample);
    ck_assert(has(t, 6, RN_WORST) && has(t, 6, RN_SURE) && has(t, 6, RN_CELL));
    ck_assert_int_eq(t->pictures[t->n_pictures - 1].pixels[1],
                     (uint8_t)(16 + t->pictures[t->n_pictures - 1].sample));
    report_close(r);
}
END_TEST

/* However few there are. */
START_TEST(what_is_right_is_no_mistake)
{
    struct report *r = made(5, 70);
    const struct rn_test *t = report_view(r)->test;

    ck_assert_int_eq(count(t, RN_WORST), 10);
    for (int64_t i = 0; i < t->n_pictures; i++)
        if (t->pictures[i].why & (RN_WORST | RN_SURE))
            ck_assert_int_ne(t->samples[t->pictures[i].sample].truth,
                             t->samples[t->pictures[i].sample].predicted);
    report_close(r);
}
END_TEST

START_TEST(the_fixed_ones_are_the_same_in_every_run)
{
    struct report *a = made(5, 700), *b = made(7, 700), *few = made(2, 30);

    for (int64_t i = 0; i < 700; i++)
        ck_assert_int_eq(has(report_view(a)->test, i, RN_FIXED),
                         has(report_view(b)->test, i, RN_FIXED));
    ck_assert_int_eq(count(report_view(few)->test, RN_FIXED), 30);
    report_close(a);
    report_close(b);
    report_close(few);
}
END_TEST

/* Two samples a cell of 100 classes; pictures of 64 x 64 after shrinking, so 97 fit. */
START_TEST(cells_share_what_room_there_is)
{
    enum { N = 2 * 100, SIDE = 128 };
    static double scores[N * 100], loss[N];
    static int64_t truth[N];
    uint8_t *pixels = calloc(N, SIDE * SIDE);
    struct report *r;

    for (int i = 0; i < N; i++) {
        truth[i] = i / 2;
        scores[i * 100 + (i / 2 + 1) % 100] = 0.5;
    }
    report_open(&(struct rn_report){.name = "x", .classes = 100}, &r);
    ck_assert_int_eq(report_test(r, &(struct report_test){.n = N,
                                                          .classes = 100,
                                                          .scores = scores,
                                                          .truth = truth,
                                                          .loss = loss,
                                                          .pixels = pixels,
                                                          .h = SIDE,
                                                          .w = SIDE,
                                                          .channels = 1}),
                     0);
    const struct rn_test *t = report_view(r)->test;
    ck_assert_int_eq(t->picture_h, 64);
    ck_assert_int_eq(t->n_pictures, 400000 / 4096);
    int64_t first = 0, second = 0;
    for (int64_t i = 0; i < t->n_pictures; i++)
        if (t->pictures[i].why == RN_CELL)
            t->pictures[i].sample % 2 ? second++ : first++;
    ck_assert_int_gt(first, 0); /* a second one only where each has a first */
    ck_assert_int_eq(second, 0);
    free(pixels);
    report_close(r);
}
END_TEST

START_TEST(the_sprite_has_all_of_them)
{
    struct report *r = made(5, 700);
    const struct rn_test *t = report_view(r)->test;
    int64_t columns = t->sprite_columns, rows = (t->n_pictures + columns - 1) / columns;

    ck_assert_int_ge(columns * columns, t->n_pictures);
    ck_assert_int_lt((columns - 1) * (columns - 1), t->n_pictures);
    ck_assert_int_eq(memcmp(t->sprite, "\x89PNG", 4), 0);
    ck_assert_int_eq(t->sprite[18] << 8 | t->sprite[19], 4 * columns);
    ck_assert_int_eq(t->sprite[22] << 8 | t->sprite[23], 4 * rows);
    report_close(r);
}
END_TEST

/* Each is given 0.9, and 6 of 7 are right. */
START_TEST(confidence_is_compared_with_what_was_right)
{
    struct report *r = made(5, 700);
    const struct rn_test *t = report_view(r)->test;

    ck_assert_double_eq_tol(t->ece, 0.9 - 6 / 7.0, 1e-6);
    ck_assert_int_eq(t->confidence[13].n, 700); /* (13/15, 14/15] */
    ck_assert_int_eq(t->confidence[13].right, 600);
    ck_assert_double_eq_tol(t->confidence[13].mean, 0.9, 1e-6);
    ck_assert(isnan(t->confidence[3].mean) && !t->confidence[3].n);
    report_close(r);
}
END_TEST

START_TEST(the_three_most_probable_come_in_their_order)
{
    const double scores[] = {0.1, 0.3, 0.2, 0.3, 0.1, 0.4, NAN, 0.6, NAN, NAN}, loss[] = {1, 1};
    const int64_t truth[] = {2, 1};
    struct report *r;

    report_open(&(struct rn_report){.name = "x", .classes = 5}, &r);
    report_test(r, &(struct report_test){
                       .n = 2, .classes = 5, .scores = scores, .truth = truth, .loss = loss});
    const struct rn_test *t = report_view(r)->test;
    ck_assert(t->samples[0].top[0] == 1 && t->samples[0].top[1] == 3 && t->samples[0].top[2] == 2);
    ck_assert(t->samples[1].top[0] == 2 && t->samples[1].top[1] == 0 && t->samples[1].top[2] == 1);
    ck_assert_double_eq_tol(t->samples[0].p_top[2], 0.2, 1e-9);
    ck_assert_double_eq_tol(t->top3, 1, 1e-9);
    report_close(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gallery");
    TCase *c = tcase_create("gallery");

    tcase_add_test(c, pictures_are_kept_once_with_all_reasons);
    tcase_add_test(c, what_is_right_is_no_mistake);
    tcase_add_test(c, the_fixed_ones_are_the_same_in_every_run);
    tcase_add_test(c, cells_share_what_room_there_is);
    tcase_add_test(c, the_sprite_has_all_of_them);
    tcase_add_test(c, confidence_is_compared_with_what_was_right);
    tcase_add_test(c, the_three_most_probable_come_in_their_order);
    suite_add_tcase(s, c);
    return suite_run(s);
}
