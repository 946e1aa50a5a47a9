/* test_tables.c - the list of all that can stand in a file is whole. */
#include "experiment/loader.h"
#include "experiment/tables.h"
#include "support/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static bool listed(const char *key)
{
    for (const struct section *s = sections; s->path; s++)
        if (section_key(s, "") && !strcmp(s->path, key))
            return true;
    return false;
}

START_TEST(every_key_of_the_root_is_listed)
{
    int n = 0, have = 0;

    for (; top_keys[n]; n++)
        ck_assert_msg(listed(top_keys[n]), "sections[] lacks '%s'", top_keys[n]);
    for (size_t i = 0; i < sizeof consumed_keys / sizeof *consumed_keys; i++, n++)
        ck_assert_msg(listed(consumed_keys[i]), "sections[] lacks '%s'", consumed_keys[i]);
    for (const struct section *s = sections; s->path; s++)
        have += section_key(s, "") != NULL;
    ck_assert_int_eq(have, n);
}
END_TEST

START_TEST(forms_have_what_they_need)
{
    for (const struct section *s = sections; s->path; s++) {
        bool part = s->form == SECTION_PART || s->form == SECTION_PARTS;
        ck_assert_msg(part == (s->kind != 0), "%s: kind %u", s->path, s->kind);
        if (s->form == SECTION_VALUE)
            ck_assert_ptr_nonnull(section_row(s->rows, s->path));
        if (s->form == SECTION_OPTIONS || s->form == SECTION_ITEMS)
            ck_assert_ptr_nonnull(s->rows);
        ck_assert_msg(s->help && *s->help, "%s has no help", s->path);
    }
}
END_TEST

START_TEST(a_section_stands_in_the_one_above_it)
{
    const struct section in = {"data.split", "", SECTION_OPTIONS, 0, NULL, false};

    ck_assert_str_eq(section_key(&in, "data"), "split");
    ck_assert_ptr_null(section_key(&in, ""));
    ck_assert_ptr_null(section_key(&in, "dat"));
    ck_assert_ptr_null(section_key(&in, "data.split"));
    ck_assert_ptr_null(section_key(&in, "model"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tables");
    TCase *t = tcase_create("tables");

    tcase_add_test(t, every_key_of_the_root_is_listed);
    tcase_add_test(t, forms_have_what_they_need);
    tcase_add_test(t, a_section_stands_in_the_one_above_it);
    suite_add_tcase(s, t);
    return suite_run(s);
}
