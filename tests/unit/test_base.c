/* test_base.c - random numbers against known answers; memory, files and errors. */
#define _XOPEN_SOURCE 700
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/stop.h"
#include "support/suite.h"

#include <runner/text.h>

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test_base_XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

/* ---- random numbers --------------------------------------------------------- */

static void expect_philox(uint64_t key, uint64_t hi, uint64_t lo, const uint32_t want[4])
{
    struct rn_philox r = rn_philox(key, hi, lo);

    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(r.v[i], want[i]);
}

START_TEST(philox_known_answers) /* Random123's kat_vectors, philox4x32 10 */
{
    expect_philox(0, 0, 0, (uint32_t[]){0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    expect_philox(~0ull, ~0ull, ~0ull,
                  (uint32_t[]){0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    expect_philox(0x299f31d0a4093822ull, 0x0370734413198a2eull, 0x85a308d3243f6a88ull,
                  (uint32_t[]){0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}
END_TEST

START_TEST(uniform_and_normal_have_their_moments)
{
    double sum = 0, squares = 0, normal = 0, normal_squares = 0;
    int n = 100000;

    for (int i = 0; i < n; i++) {
        double u = (double)rn_uniform(7, 3, (uint64_t)i), z = rng_normal(9, (uint64_t)i);
        ck_assert(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
        normal += z;
        normal_squares += z * z;
    }
    ck_assert_double_eq_tol(sum / n, 0.5, 0.005);
    ck_assert_double_eq_tol(squares / n, 1.0 / 3, 0.005);
    ck_assert_double_eq_tol(normal / n, 0, 0.015);
    ck_assert_double_eq_tol(normal_squares / n, 1, 0.02);
}
END_TEST

START_TEST(shuffle_is_a_fair_permutation)
{
    int first[6] = {0};

    for (uint64_t key = 0; key < 6000; key++) {
        int32_t v[6] = {0, 1, 2, 3, 4, 5};
        int seen = 0;
        rng_shuffle(key, v, 6);
        for (int i = 0; i < 6; i++)
            seen |= 1 << v[i];
        ck_assert_int_eq(seen, 63);
        first[v[0]]++;
    }
    for (int i = 0; i < 6; i++) /* 1000 expected, sd 29 */
        ck_assert(first[i] > 870 && first[i] < 1130);
}
END_TEST

START_TEST(keys_differ_by_seed_purpose_and_index)
{
    ck_assert_uint_ne(rng_key(1, RNG_INIT, 0), rng_key(2, RNG_INIT, 0));
    ck_assert_uint_ne(rng_key(1, RNG_INIT, 0), rng_key(1, RNG_SHUFFLE, 0));
    ck_assert_uint_ne(rng_key(1, RNG_INIT, 0), rng_key(1, RNG_INIT, 1));
}
END_TEST

/* ---- memory ----------------------------------------------------------------- */

START_TEST(memory_is_zeroed_aligned_and_counted)
{
    uint64_t before = mem_live();
    unsigned char *p = mem_alloc(100);

    ck_assert_uint_eq((uintptr_t)p % 64, 0);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(p[i], 0);
    ck_assert_uint_eq(mem_live(), before + 1);
    mem_free(p);
    ck_assert_uint_eq(mem_live(), before);
}
END_TEST

START_TEST(memory_overflow_is_an_error)
{
    ck_assert_ptr_null(mem_array(SIZE_MAX / 2, 3));
    ck_assert_int_eq(error_status(), RN_ENOMEM);
    ck_assert_ptr_null(mem_alloc(SIZE_MAX));
}
END_TEST

START_TEST(pool_keeps_what_it_gave)
{
    struct pool *p = pool_new();
    char *texts[1000];
    char want[16];

    for (int i = 0; i < 1000; i++)
        texts[i] = pool_printf(p, "text %d", i);
    for (int i = 0; i < 1000; i++) {
        snprintf(want, sizeof want, "text %d", i);
        ck_assert_str_eq(texts[i], want);
    }
    memset(pool_alloc(p, 100000), 1, 100000); /* larger than a chunk */
    pool_free(p);
}
END_TEST

START_TEST(text_grows)
{
    struct text t = {0};

    ck_assert_str_eq(text_str(&t), "");
    for (int i = 0; i < 1000; i++)
        text_add(&t, "%d,", i % 10);
    ck_assert_uint_eq(t.n, 2000);
    ck_assert_uint_eq(strlen(t.s), 2000);
    text_free(&t);
}
END_TEST

/* ---- files -------------------------------------------------------------------- */

START_TEST(file_written_whole_and_read_back)
{
    void *data;
    uint64_t n;

    ck_assert_int_eq(file_write(in_dir("a"), "hello", 5), RN_OK);
    ck_assert_int_eq(file_append(in_dir("a"), " you", 4), RN_OK);
    ck_assert_int_eq(file_read(in_dir("a"), 100, &data, &n), RN_OK);
    ck_assert_uint_eq(n, 9);
    ck_assert_str_eq(data, "hello you");
    mem_free(data);
    ck_assert_int_eq(file_read(in_dir("a"), 8, &data, &n), RN_EDATA);
    ck_assert_ptr_nonnull(strstr(error_text(), "9 bytes, more than the 8"));
}
END_TEST

START_TEST(file_reads_refuse_what_is_no_file)
{
    void *data;
    uint64_t n;

    mkfifo(in_dir("fifo"), 0600);
    ck_assert_int_eq(file_read(in_dir("fifo"), 100, &data, &n), RN_EDATA);
    ck_assert_int_eq(file_read(dir, 100, &data, &n), RN_EDATA);
    ck_assert_int_eq(file_read("/dev/zero", 100, &data, &n), RN_EDATA);
    ck_assert_int_eq(file_read(in_dir("none"), 100, &data, &n), RN_EDATA);
    ck_assert_ptr_nonnull(strstr(error_text(), "none: No such file"));
}
END_TEST

START_TEST(file_write_failures_leave_nothing)
{
    ck_assert_int_eq(file_write(in_dir("no/such/folder"), "x", 1), RN_EIO);
    ck_assert_int_eq(file_write("/dev/full/x", "x", 1), RN_EIO);
    ck_assert_int_eq(error_exit_code(RN_EIO), 5);
    ck_assert(!file_exists(in_dir("no")));
}
END_TEST

START_TEST(folders_are_made_and_removed)
{
    ck_assert_int_eq(file_mkdirs(in_dir("x/y/z")), RN_OK);
    ck_assert_int_eq(file_mkdirs(in_dir("x/y/z")), RN_OK);
    ck_assert_int_eq(file_mkdir_new(in_dir("x/y/z")), RN_EBUSY);
    file_write(in_dir("x/f"), "x", 1);
    ck_assert_int_eq(file_mkdirs(in_dir("x/f/g")), RN_EIO);
    ck_assert_int_eq(file_symlink("y", in_dir("x/latest")), RN_OK);
    ck_assert_int_eq(file_symlink("z", in_dir("x/latest")), RN_OK);
    ck_assert_int_eq(file_symlink("z", in_dir("x/f")), RN_EIO);
    file_remove_tree(in_dir("x"));
    ck_assert(!file_exists(in_dir("x")));
}
END_TEST

START_TEST(sha256_known_answer)
{
    char out[HASH_TEXT];

    hash_sha256("abc", 3, out);
    ck_assert_str_eq(out,
                     "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

/* ---- errors --------------------------------------------------------------------- */

START_TEST(errors_carry_their_context)
{
    ck_assert_int_eq(FAIL(RN_EDATA, "file %s is short", "x"), RN_EDATA);
    ck_assert_int_eq(error_prefix(RN_EDATA, "data"), RN_EDATA);
    ck_assert_str_eq(error_text(), "data: file x is short");
    FAIL(RN_EIO, "again: %s", error_text()); /* an argument may be the text itself */
    ck_assert_str_eq(error_text(), "again: data: file x is short");
    struct error kept = error_save();
    error_clear();
    ck_assert_str_eq(error_text(), "");
    error_restore(&kept);
    ck_assert_int_eq(error_status(), RN_EIO);
}
END_TEST

START_TEST(a_status_without_a_message_stays_an_error)
{
    error_clear();
    ck_assert_int_eq(error_prefix(RN_EDEVICE, "layer"), RN_EDEVICE);
    ck_assert_str_eq(error_text(), "layer: failed with status -5 and did not say why");
    FAIL(RN_EIO, "old news");
    ck_assert_int_eq(error_prefix(RN_EDATA, "data"), RN_EDATA);
    ck_assert_ptr_null(strstr(error_text(), "old news"));
}
END_TEST

START_TEST(log_text_is_safe_for_a_terminal)
{
    char bad[] = "a\033[31mb\xFF\xC2\x9B"
                 "c\r\xC3\xA9",
         cut[] = "x\xE2\x82";

    log_clean(bad);
    ck_assert_str_eq(bad, "a?[31mb??"
                          "?c?\xC3\xA9");
    log_clean(cut);
    ck_assert_str_eq(cut, "x??");
    char forms[] = "\xC0\xAF \xE0\x80\xAF \xED\xA0\x80 \xF4\x90\x80\x80 \xE2\x80\xAE"
                   "a \xED\x9F\xBF\xF0\x9F\x98\x80";
    log_clean(forms); /* overlong, a surrogate, beyond Unicode, right to left; then good ones */
    ck_assert_str_eq(forms, "?? ??? ??? ???? ???"
                            "a \xED\x9F\xBF\xF0\x9F\x98\x80");
}
END_TEST

/* Lines of before the file are its first ones. */
START_TEST(the_log_keeps_its_end_and_its_warnings)
{
    void *text;
    uint64_t n;
    int i = 0;

    log_verbosity(-1);
    log_file(NULL);
    log_line(RN_WARNING, "device", "takes %s", "another");
    ck_assert_int_eq(log_file(in_dir("log.txt")), 0);
    log_keep(RN_WARNING, NULL, "shown already");
    for (int k = 0; k < 60; k++)
        log_line(RN_INFO, NULL, "line %d", k);
    ck_assert_str_eq(log_warning(0), "device: takes another");
    ck_assert_str_eq(log_warning(1), "shown already");
    ck_assert_ptr_null(log_warning(2));
    ck_assert_int_eq(file_read(in_dir("log.txt"), 1 << 16, &text, &n), 0);
    ck_assert_ptr_nonnull(strstr(text, "Z warning device: takes another\n"));
    while (log_kept(i))
        i++;
    ck_assert_int_eq(i, 40);
    ck_assert_ptr_nonnull(strstr(log_kept(0), "line 20\n"));
    const char *end = text;
    for (int k = 0; k < 22; k++)
        end = strchr(end, '\n') + 1;
    for (i = 0; log_kept(i); end += strlen(log_kept(i++)))
        ck_assert(!strncmp(end, log_kept(i), strlen(log_kept(i))));
    ck_assert_str_eq(end, "");
    log_file(NULL);
    ck_assert_ptr_null(log_kept(0));
    ck_assert_ptr_null(log_warning(0));
    mem_free(text);
}
END_TEST

/* ---- JSON ------------------------------------------------------------------------ */

static void expect_json(const char *in, const char *want)
{
    struct text t = {0};

    json_string(&t, in);
    ck_assert_str_eq(text_str(&t), want);
    text_free(&t);
}

START_TEST(json_strings_show_what_they_hold)
{
    expect_json("\"\\\n\t\x7F</a>\xC3\xA9", "\"\\\"\\\\\\u000a\\u0009\\u007f</a>\xC3\xA9\"");
    expect_json("\xE2\x80\xA8\xE2\x80\xAE", "\"\\u2028\\u202e\""); /* a line end, right to left */
    expect_json("\xED\xA0\x80-\xC3", "\"\\ufffd\\ufffd\\ufffd-\\ufffd\"");
    expect_json(NULL, "null");
}
END_TEST

START_TEST(json_numbers_read_back)
{
    static const double v[] = {0.1, 1.0 / 3, 1e300, -0.0, 5e-324, 235146};
    char out[RN_JSON_NUMBER];

    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        ck_assert(strtod(rn_json_number(v[i], out), NULL) == v[i]);
    ck_assert_str_eq(rn_json_number(0.1, out), "0.1");
    ck_assert_str_eq(rn_json_number(-INFINITY, out), "\"-inf\"");
}
END_TEST

/* Whatever allocation fails: a document is whole, or it is not printed; and the next one is. */
START_TEST(json_is_printed_whole_or_not)
{
    char n[16];
    int whole = 0;

    snprintf(n, sizeof n, "%d", _i + 1);
    setenv("RN_FAIL_ALLOC", n, 1); /* before the first allocation of this process */
    json_init();
    for (int k = 0; k < 2; k++) {
        cJSON *root = cJSON_CreateObject();
        cJSON_AddStringToObject(root, "a", "b");
        cJSON_AddStringToObject(root, "c", "d");
        char *s = cJSON_PrintUnformatted(root);
        cJSON_Delete(root);
        if (s)
            ck_assert_str_eq(s, "{\"a\":\"b\",\"c\":\"d\"}");
        whole += s != NULL;
        cJSON_free(s);
    }
    ck_assert_int_ge(whole, 1);
    ck_assert(_i || whole == 1);
    ck_assert_uint_eq(mem_live(), 0);
}
END_TEST

START_TEST(a_signal_is_noted_on_a_stack_of_its_own_and_a_second_one_kills)
{
    struct sigaction act;
    stack_t stack;

    stop_install();
    sigaction(SIGTERM, NULL, &act);
    sigaltstack(NULL, &stack);
    ck_assert(act.sa_flags & SA_ONSTACK);
    ck_assert(!(stack.ss_flags & SS_DISABLE));
    ck_assert_int_eq(stop_requested(), 0);
    raise(SIGUSR1);
    ck_assert_int_eq(stop_requested(), SIGUSR1);
    sigaction(SIGINT, NULL, &act);
    ck_assert(act.sa_handler == SIG_DFL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base");
    TCase *t = tcase_create("base");
    const TTest *const tests[] = {philox_known_answers,
                                  uniform_and_normal_have_their_moments,
                                  shuffle_is_a_fair_permutation,
                                  keys_differ_by_seed_purpose_and_index,
                                  memory_is_zeroed_aligned_and_counted,
                                  memory_overflow_is_an_error,
                                  pool_keeps_what_it_gave,
                                  text_grows,
                                  file_written_whole_and_read_back,
                                  file_reads_refuse_what_is_no_file,
                                  file_write_failures_leave_nothing,
                                  folders_are_made_and_removed,
                                  sha256_known_answer,
                                  errors_carry_their_context,
                                  a_status_without_a_message_stays_an_error,
                                  a_signal_is_noted_on_a_stack_of_its_own_and_a_second_one_kills,
                                  log_text_is_safe_for_a_terminal,
                                  the_log_keeps_its_end_and_its_warnings,
                                  json_strings_show_what_they_hold,
                                  json_numbers_read_back};

    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(t, tests[i]);
    tcase_add_loop_test(t, json_is_printed_whole_or_not, 0, 40);
    suite_add_tcase(s, t);
    if (!mkdtemp(dir))
        return 1;
    int failed = suite_run(s);
    file_remove_tree(dir);
    return failed != 0;
}
