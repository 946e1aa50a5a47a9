/* test_safetensors.c - what is written reads back; what is damaged, lies or is forged does not. */
#define _GNU_SOURCE
#include "train/safetensors.h"

#include "base/error.h"
#include "base/file.h"
#include "support/suite.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char path[] = "/tmp/test_safetensors_XXXXXX";

static void setup(void) { ck_assert_int_ge(mkstemp(path), 0); }

static void teardown(void)
{
    remove(path);
    ck_assert_uint_eq(mem_live(), 0);
}

static const float weight[] = {1, -2.5f, 3e-30f, 4, 5, 0.1f}, bias[] = {7};
static const int64_t dim_weight[] = {2, 3}, dim_none[] = {4, 0}, dim_bias[] = {1};
static const struct st_tensor three[] = {{"fc1.weight", 2, dim_weight, weight},
                                         {"nothing", 2, dim_none, NULL},
                                         {"scalar", 0, NULL, weight + 5},
                                         {"\"ümläut\"", 1, dim_bias, bias}};
static const struct rn_fact meta[] = {
    {"name", "a \"b\"\n\\"},
    {"fake", "sha256:0000000000000000000000000000000000000000000000000000000000000000"}};

START_TEST(round_trip)
{
    struct safetensors st;

    ck_assert_int_eq(safetensors_write(path, three, 4, meta, 2), RN_OK);
    ck_assert_msg(safetensors_read(path, &st) == RN_OK, "%s", error_text());
    ck_assert(st.verified);
    ck_assert_int_eq(st.n, 4);
    for (int i = 0; i < 4; i++) {
        size_t n = 1;
        ck_assert_str_eq(st.tensors[i].name, three[i].name);
        ck_assert_int_eq(st.tensors[i].rank, three[i].rank);
        for (int k = 0; k < three[i].rank; k++) {
            ck_assert_int_eq(st.tensors[i].dim[k], three[i].dim[k]);
            n *= (size_t)three[i].dim[k];
        }
        if (n)
            ck_assert_mem_eq(st.tensors[i].data, three[i].data, n * sizeof(float));
        ck_assert_uint_eq((uintptr_t)st.tensors[i].data % 4, 0);
    }
    ck_assert_int_eq(st.n_meta, 3);
    ck_assert_str_eq(st.meta[1].key, "name");
    ck_assert_str_eq(st.meta[1].value, meta[0].value);
    ck_assert_str_eq(st.meta[2].value, meta[1].value);
    ck_assert_int_eq(st.not_finite, 0);
    safetensors_free(&st);
}
END_TEST

START_TEST(not_finite)
{
    const float odd[] = {NAN, 1, INFINITY, -INFINITY};
    const int64_t dim = 4;
    struct safetensors st;

    ck_assert_int_eq(safetensors_write(path, &(struct st_tensor){"x", 1, &dim, odd}, 1, NULL, 0),
                     0);
    ck_assert_int_eq(safetensors_read(path, &st), RN_OK);
    ck_assert_int_eq(st.not_finite, 3);
    safetensors_free(&st);
    ck_assert_int_eq(safetensors_write(path, NULL, 0, NULL, 0), RN_OK); /* no tensors at all */
    ck_assert_int_eq(safetensors_read(path, &st), RN_OK);
    ck_assert_int_eq(st.n, 0);
    safetensors_free(&st);
}
END_TEST

/* Every byte changed in three ways, every length: refused, or at least not called verified. */
START_TEST(damage)
{
    struct safetensors st;
    void *data;
    uint64_t n;

    ck_assert_int_eq(safetensors_write(path, three, 4, meta, 2), RN_OK);
    ck_assert_int_eq(file_read(path, UINT64_MAX, &data, &n), RN_OK);
    unsigned char *file = data;
    int unverified = 0;
    for (uint64_t at = 0; at < n; at++)
        for (int how = 0; how < 3; how++) {
            const unsigned char was = file[at];
            file[at] ^= how == 0 ? 1 : how == 1 ? 0x80 : 0x20;
            FILE *f = fopen(path, "wb");
            ck_assert_uint_eq(fwrite(file, 1, n, f), n);
            fclose(f);
            file[at] = was;
            int status = safetensors_read(path, &st);
            if (status) {
                ck_assert_int_eq(status, RN_EDATA);
                ck_assert_ptr_nonnull(strstr(error_text(), path));
                continue;
            }
            ck_assert(!st.verified); /* the key of the checksum itself was hit */
            unverified++;
            safetensors_free(&st);
        }
    ck_assert_int_le(unverified, 3 * (int)strlen("__metadata__sha256"));
    for (uint64_t cut = 0; cut < n; cut++) {
        FILE *f = fopen(path, "wb");
        ck_assert_uint_eq(fwrite(file, 1, cut, f), cut);
        fclose(f);
        ck_assert_int_eq(safetensors_read(path, &st), RN_EDATA);
    }
    mem_free(data);
}
END_TEST

/* A header, then so many zero bytes. */
static int try_read(const char *header, size_t data, struct safetensors *st)
{
    char file[4096] = {0};
    uint64_t n = strlen(header);

    memcpy(file, &n, 8);
    memcpy(file + 8, header, n);
    ck_assert_int_eq(file_write(path, file, 8 + n + data), RN_OK);
    return safetensors_read(path, st);
}

static const struct {
    const char *header;
    size_t data;
} good[] = {
    {"{}", 0},
    {"{}      ", 0},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}}  \n", 0},
    {"{\"a\":{\"data_offsets\":[0,8],\"dtype\":\"F32\",\"shape\":[1,2]},\"__metadata__\":{}}", 8},
    {"{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
     "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     8},
};

START_TEST(foreign)
{
    struct safetensors st;

    ck_assert_msg(try_read(good[_i].header, good[_i].data, &st) == RN_OK, "%s", error_text());
    ck_assert(!st.verified);
    for (int i = 0; i < st.n; i++)
        ck_assert_uint_eq((uintptr_t)st.tensors[i].data % 4, 0);
    safetensors_free(&st);
}
END_TEST

#define T(dtype, shape, at) \
    "{\"a\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" at "}}"
static const struct {
    const char *header;
    size_t data;
    const char *says;
} bad[] = {
    {"", 0, "does not begin with {"},
    {" {}", 0, "does not begin with {"},
    {"[]", 0, "does not begin with {"},
    {"{} x", 0, "no JSON"},
    {"{\"a\":1,}", 0, "no JSON"},
    {"{", 0, "no JSON"},
    {"{\"a\":1}", 0, "dtype"},
    {"{\"a\":{}}", 0, "dtype"},
    {"{}", 4, "belong to no tensor"},
    {T("F16", "[1]", "[0,2]"), 2, "only F32"},
    {T("F32", "[1]", "[0,2]"), 2, "asks for 4"},
    {T("F32", "[1]", "[4,8]"), 8, "begins at byte 4"},
    {T("F32", "[1]", "[4,0]"), 8, "lies outside"},
    {T("F32", "[1]", "[0,4]"), 0, "lies outside"},
    {T("F32", "[1]", "[0,4]"), 8, "4 bytes of data belong to no"},
    {T("F32", "[-1]", "[0,4]"), 4, "impossible"},
    {T("F32", "[1.5]", "[0,6]"), 6, "impossible"},
    {T("F32", "[1e300]", "[0,4]"), 4, "impossible"},
    {T("F32", "[4294967296,4294967296]", "[0,0]"), 0, "impossible"},
    {T("F32", "[\"1\"]", "[0,4]"), 4, "impossible"},
    {T("F32", "1", "[0,4]"), 4, "just dtype"},
    {T("F32", "[1]", "[0,4,8]"), 4, "just dtype"},
    {T("F32", "[1]", "[0]"), 4, "just dtype"},
    {T("F32", "[1]", "[0,4],\"x\":1"), 4, "just dtype"},
    {T("F32", "[1]", "[0,4],\"dtype\":\"F32\""), 4, "just dtype"},
    {T("F32", "[1]", "[-4,0]"), 4, "lies outside"},
    {T("F32", "[1]", "[0,1e400]"), 4, "lies outside"},
    {"{\"\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "name"},
    {"{\"a\\n\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "name"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
     8, "occurs twice"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
     8, "begins at byte 4"},
    {"{\"__metadata__\":{\"x\":1}}", 0, "no string"},
    {"{\"__metadata__\":[]}", 0, "not one map"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "not one map"},
    {"{\"__metadata__\":{\"sha256\":\"no\"}}", 0, "checksum"},
};

START_TEST(lies)
{
    struct safetensors st;

    ck_assert_msg(try_read(bad[_i].header, bad[_i].data, &st) == RN_EDATA, "%s accepted",
                  bad[_i].header);
    ck_assert_msg(strstr(error_text(), bad[_i].says) != NULL, "%s: says '%s', not '%s'",
                  bad[_i].header, error_text(), bad[_i].says);
    ck_assert_ptr_null(st.file);
}
END_TEST

START_TEST(lengths)
{
    struct safetensors st;
    const uint64_t length[] = {UINT64_MAX, UINT64_MAX - 7, 3, 100000001, 1ull << 63};
    struct text deep = {0};

    for (int i = 0; i < 5; i++) {
        char file[10] = {0};
        memcpy(file, &length[i], 8);
        memcpy(file + 8, "{}", 2);
        ck_assert_int_eq(file_write(path, file, sizeof file), RN_OK);
        ck_assert_int_eq(safetensors_read(path, &st), RN_EDATA);
    }
    text_put(&deep, "\x84\x1a\x06\0\0\0\0\0{\"a\":", 13); /* 400,004 bytes */
    for (int i = 0; i < 399999; i++)
        text_put(&deep, "[", 1);
    ck_assert_int_eq(file_write(path, deep.s, deep.n), RN_OK);
    ck_assert_int_eq(safetensors_read(path, &st), RN_EDATA);
    text_free(&deep);
}
END_TEST

/* The rules of the format, by somebody else's JSON reader and numpy. */
START_TEST(python)
{
    char command[1024];

    ck_assert_int_eq(safetensors_write(path, three, 4, meta, 2), RN_OK);
    snprintf(command, sizeof command,
             "python3 -c 'import json, struct, sys, hashlib\n"
             "f = open(\"%s\", \"rb\").read()\n"
             "n = struct.unpack(\"<Q\", f[:8])[0]\n"
             "assert n %% 8 == 0\n"
             "h = json.loads(f[8:8 + n])\n"
             "m = h.pop(\"__metadata__\")\n"
             "assert m[\"name\"] == \"a \\\"b\\\"\\n\\\\\"\n"
             "d = m[\"sha256\"][7:].encode()\n"
             "assert hashlib.sha256(f.replace(d, b\"0\" * 64)).hexdigest() == d.decode()\n"
             "w = h[\"fc1.weight\"]\n"
             "b, e = w[\"data_offsets\"]\n"
             "assert w[\"shape\"] == [2, 3]\n"
             "v = struct.unpack(\"<6f\", f[8 + n + b:8 + n + e])\n"
             "assert v[0] == 1 and v[1] == -2.5 and v[4] == 5, v\n"
             "assert max(t[\"data_offsets\"][1] for t in h.values()) == len(f) - 8 - n'",
             path);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

int main(void)
{
    Suite *s = suite_create("safetensors");
    TCase *t = tcase_create("file");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, not_finite);
    tcase_add_test(t, damage);
    tcase_add_loop_test(t, foreign, 0, COUNT(good));
    tcase_add_loop_test(t, lies, 0, COUNT(bad));
    tcase_add_test(t, lengths);
    tcase_add_test(t, python);
    suite_add_tcase(s, t);
    return suite_run(s);
}
