/* test_tensorboard.c - event files, read back with a reader of their own: every record's length and
 * checksums, the events' fields, one file a split, and the same bytes for the same run. */
#define _GNU_SOURCE
#include "support/plugin.h"

#include "support/made_run.h"
#include "support/suite.h"

#include <check.h>
#include <limits.h>
#include <unistd.h>

static const struct rn_reporter_ops *ops;
static char dir[64];
static struct options {
    const char *dir;
} options;

static void setup(void)
{
    ops = (*test_query("reporters", "tensorboard")(test_host()))->ops;
    snprintf(dir, sizeof dir, "/tmp/test_tensorboard_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    options.dir = NULL;
}

static void teardown(void)
{
    file_remove_tree(dir);
    ck_assert_uint_eq(mem_live(), 0);
}

/* ---- the reader ----------------------------------------------------------- */

/* By a table, unlike the writer. */
static uint32_t crc(const uint8_t *p, size_t n)
{
    static uint32_t table[256];
    uint32_t c = 0xFFFFFFFF;

    for (uint32_t i = 0; i < 256 && !table[255]; i++) {
        uint32_t v = i;
        for (int k = 0; k < 8; k++)
            v = v & 1 ? v >> 1 ^ 0x82F63B78 : v >> 1;
        table[i] = v;
    }
    for (size_t i = 0; i < n; i++)
        c = table[(c ^ p[i]) & 0xFF] ^ c >> 8;
    return ~c;
}

static uint64_t number(const uint8_t *p, int bytes)
{
    uint64_t v = 0;

    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static void check_sum(const uint8_t *data, size_t n, const uint8_t *sum)
{
    uint32_t c = crc(data, n);

    ck_assert_uint_eq(number(sum, 4), (uint32_t)((c >> 15 | c << 17) + 0xa282ead8));
}

struct bytes {
    const uint8_t *at, *end;
};

static uint64_t varint(struct bytes *b)
{
    uint64_t v = 0;

    for (int shift = 0;; shift += 7) {
        ck_assert(b->at < b->end && shift < 64);
        v |= (uint64_t)(*b->at & 0x7F) << shift;
        if (!(*b->at++ & 0x80))
            return v;
    }
}

/* The field's content; of a varint its value. False at the end of the message. */
struct field {
    unsigned number;
    uint64_t value;
    struct bytes content;
};

static bool next_field(struct bytes *b, struct field *f)
{
    if (b->at == b->end)
        return false;
    uint64_t key = varint(b);
    f->number = (unsigned)(key >> 3);
    uint64_t n = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : 0;
    ck_assert((key & 7) == 0 || (key & 7) == 1 || (key & 7) == 2 || (key & 7) == 5);
    if ((key & 7) == 0)
        f->value = varint(b);
    else if ((key & 7) == 2)
        n = varint(b);
    ck_assert_uint_le(n, (uint64_t)(b->end - b->at));
    f->content = (struct bytes){b->at, b->at + n};
    if (n == 8 || n == 4)
        f->value = number(b->at, (int)n);
    b->at += n;
    return true;
}

/* The field of that number in a message, which is there. */
static struct field find(struct bytes message, unsigned wanted)
{
    struct field f;

    while (next_field(&message, &f))
        if (f.number == wanted)
            return f;
    ck_abort_msg("field %u is missing", wanted);
    return f;
}

static double as_double(struct field f)
{
    double v;

    memcpy(&v, f.content.at, sizeof v);
    return v;
}

static double as_float(struct field f)
{
    float v;

    memcpy(&v, f.content.at, sizeof v);
    return (double)v;
}

static bool is_text(struct field f, const char *s)
{
    size_t n = (size_t)(f.content.end - f.content.at);

    return n == strlen(s) && !memcmp(f.content.at, s, n);
}

struct found {
    int64_t events, step;
    double wall;
    struct bytes value; /* of the n-th event with that tag */
};

static char *file_of(const char *under)
{
    static char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%sevents.out.tfevents.1767225600.20260101-000000-abcdef.0", dir,
             under);
    return path;
}

/* Reads all of a file; remembers the n-th event with the tag, from 0. */
static struct found look(const char *under, const char *tag, int nth, void **data)
{
    struct found out = {0};
    uint64_t bytes;

    ck_assert_int_eq(file_read(file_of(under), UINT64_MAX, data, &bytes), RN_OK);
    for (const uint8_t *p = *data, *end = p + bytes; p < end; out.events++) {
        ck_assert_int_ge(end - p, 16);
        uint64_t n = number(p, 8);
        check_sum(p, 8, p + 8);
        ck_assert_uint_le(n, (uint64_t)(end - p - 16));
        check_sum(p + 12, n, p + 12 + n);
        struct bytes event = {p + 12, p + 12 + n};
        p += n + 16;
        if (!out.events) {
            ck_assert(is_text(find(event, 3), "brain.Event:2"));
            continue;
        }
        struct bytes value = find(find(event, 5).content, 1).content;
        if (!is_text(find(value, 1), tag) || nth--)
            continue;
        out.wall = as_double(find(event, 1));
        out.step = (int64_t)find(event, 2).value;
        out.value = value;
    }
    return out;
}

static void scalar(const char *under, const char *tag, int nth, int64_t step, double v)
{
    void *data;
    struct found f = look(under, tag, nth, &data);

    ck_assert_msg(f.value.at != NULL, "%s%s %d is missing", under, tag, nth);
    ck_assert_int_eq(f.step, step);
    ck_assert_double_eq_tol(as_float(find(f.value, 2)), v, 1e-6);
    mem_free(data);
}

static void absent(const char *under, const char *tag)
{
    void *data;

    ck_assert_ptr_null(look(under, tag, 0, &data).value.at);
    mem_free(data);
}

/* ---- what is written ------------------------------------------------------ */

static struct rn_report report(void)
{
    static const struct rn_fact changed[] = {
        {"optimizer.lr", "0.01"}, {"loss.type", "mse"}, {"train.shuffle", "false"}};

    return (struct rn_report){.size = sizeof(struct rn_report),
                              .name = "run",
                              .id = "20260101-000000-abcdef",
                              .dir = dir,
                              .started = "2026-01-01T00:00:00Z",
                              .status = "finished",
                              .changed = changed,
                              .n_changed = 3};
}

static void *opened(const struct rn_report *r)
{
    void *rep;

    ck_assert_int_eq(ops->open(&options, r, &rep), RN_OK);
    return rep;
}

static void record(void *rep, const char *split, int64_t step, double loss, double seconds)
{
    const struct rn_metric m[] = {{"loss", loss}, {"accuracy", 0.5}};
    const struct rn_record r = {.size = sizeof r,
                                .n_metrics = 2,
                                .split = split,
                                .step = step,
                                .seconds = seconds,
                                .metrics = m};

    ck_assert_int_eq(ops->record(rep, &r), RN_OK);
}

START_TEST(the_checksum_is_the_known_one)
{
    ck_assert_uint_eq(crc((const uint8_t *)"123456789", 9), 0xE3069283);
    ck_assert_uint_eq(crc((const uint8_t[32]){0}, 32), 0x8A9136AA); /* RFC 3720, B.4 */
}
END_TEST

START_TEST(measurements_go_to_the_folder_of_their_split)
{
    struct rn_report r = report();
    void *rep = opened(&r), *data;

    record(rep, "train", 50, 0.25, 1.5);
    record(rep, "train", 100, 0.125, 2.5);
    record(rep, "val", 100, NAN, 2.75);
    ck_assert_int_eq(ops->epoch(rep, &r), RN_OK);
    scalar("tb/train/", "loss", 0, 50, 0.25);
    scalar("tb/train/", "loss", 1, 100, 0.125);
    scalar("tb/train/", "accuracy", 1, 100, 0.5);
    struct found f = look("tb/val/", "loss", 0, &data);
    ck_assert(isnan(as_float(find(f.value, 2))));
    ck_assert_double_eq_tol(f.wall, 1767225602.75, 1e-6);
    mem_free(data);
    ck_assert(!file_exists(file_of("tb/fit/"))); /* nothing was measured */
    ops->close(rep);
}
END_TEST

START_TEST(what_was_measured_stays_after_an_error)
{
    struct rn_report r = report();
    void *rep = opened(&r);

    record(rep, "train", 1, 0.5, 1);
    ops->close(rep);
    scalar("tb/train/", "loss", 0, 1, 0.5);
}
END_TEST

START_TEST(parameters_are_written_once_an_epoch)
{
    int64_t bins[RN_BINS] = {[0] = 3, [31] = 1};
    struct rn_epoch e[] = {{.epoch = 1, .step = 10, .train_s = 1, .val_s = 1},
                           {.epoch = 2, .step = 20, .train_s = 1, .val_s = NAN}};
    struct rn_param_fact p[] = {{.name = "a.weight",
                                 .epoch = 1,
                                 .n = 4,
                                 .grad_norm = 2,
                                 .weight_norm = 4,
                                 .update_norm = 1,
                                 .least = -1,
                                 .most = 1},
                                {.name = "a.weight",
                                 .epoch = 2,
                                 .n = 4,
                                 .grad_norm = 3,
                                 .weight_norm = 0,
                                 .least = -1,
                                 .most = 1,
                                 .bins = bins}};
    struct rn_units_fact u = {"relu1", 2, 4, 1};
    struct rn_report r = report();
    void *rep = opened(&r), *data;

    r.epochs = e;
    r.params = p;
    r.units = &u;
    r.n_units = r.n_epochs = r.n_params = 1;
    u.epoch = 2;
    ck_assert_int_eq(ops->epoch(rep, &r), RN_OK);
    r.n_epochs = r.n_params = 2;
    ck_assert_int_eq(ops->epoch(rep, &r), RN_OK);
    ck_assert_int_eq(ops->end(rep, &r), RN_OK);
    ops->close(rep);
    scalar("tb/", "gradient_norm/a.weight", 0, 10, 2);
    scalar("tb/", "gradient_norm/a.weight", 1, 20, 3);
    scalar("tb/", "update_ratio/a.weight", 0, 10, 0.25);
    struct found f = look("tb/", "gradient_norm/a.weight", 2, &data); /* not twice */
    ck_assert_ptr_null(f.value.at);
    mem_free(data);
    f = look("tb/", "parameters/a.weight", 0, &data);
    ck_assert_int_eq(f.step, 20);
    ck_assert_double_eq_tol(f.wall, 1767225603, 1e-6);
    struct bytes histogram = find(f.value, 5).content;
    const double head[] = {-1, 1, 4, 3 * (-1 + 1 / 32.0) + 1 - 1 / 32.0, 0};
    for (unsigned i = 0; i < 5; i++)
        ck_assert_double_eq_tol(as_double(find(histogram, i + 1)), head[i], 1e-12);
    struct bytes limits = find(histogram, 6).content, counts = find(histogram, 7).content;
    ck_assert_int_eq(limits.end - limits.at, 8 * RN_BINS);
    ck_assert_int_eq(counts.end - counts.at, 8 * RN_BINS);
    ck_assert_double_eq_tol(as_double((struct field){.content = limits}), -1 + 1 / 16.0, 1e-12);
    ck_assert_double_eq(as_double((struct field){.content = counts}), 3);
    mem_free(data);
}
END_TEST

START_TEST(the_end_has_pictures_final_metrics_and_the_session)
{
    uint8_t png[40] = {[18] = 1, [19] = 2, [23] = 7};
    struct rn_test t = {.loss = 0.5,
                        .accuracy = 0.75,
                        .macro_f1 = NAN,
                        .sprite = png,
                        .sprite_bytes = sizeof png,
                        .picture_channels = 3};
    struct rn_report r = report();
    void *rep = opened(&r), *data;

    record(rep, "test", 30, 0.5, 4);
    r.test = &t;
    ck_assert_int_eq(ops->end(rep, &r), RN_OK);
    ops->close(rep);
    scalar("tb/test/", "loss", 0, 30, 0.5);
    scalar("tb/", "final/test.accuracy", 0, 30, 0.75);
    absent("tb/", "final/test.macro_f1");
    struct bytes image = find(look("tb/", "test/pictures", 0, &data).value, 4).content;
    ck_assert_uint_eq(find(image, 1).value, 7);
    ck_assert_uint_eq(find(image, 2).value, 0x102);
    ck_assert_uint_eq(find(image, 3).value, 3);
    ck_assert_int_eq(find(image, 4).content.end - find(image, 4).content.at, sizeof png);
    mem_free(data);
    struct found f = look("tb/", "_hparams_/session_start_info", 0, &data);
    struct bytes plugin = find(find(f.value, 9).content, 1).content;
    ck_assert(is_text(find(plugin, 1), "hparams"));
    struct bytes start = find(find(plugin, 2).content, 3).content, at = start;
    struct field entry;
    for (int i = 0; i < 3 && next_field(&at, &entry); i++) {
        struct bytes value = find(entry.content, 2).content;
        ck_assert_uint_eq(entry.number, 1);
        ck_assert(i != 0 || as_double(find(value, 2)) == 0.01);
        ck_assert(i != 1 || is_text(find(value, 3), "mse"));
        ck_assert(i != 2 || find(value, 4).value == 0);
    }
    ck_assert(is_text(find(start, 4), "20260101-000000-abcdef"));
    mem_free(data);
    f = look("tb/", "_hparams_/session_end_info", 0, &data);
    plugin = find(find(f.value, 9).content, 1).content;
    ck_assert_uint_eq(find(find(find(plugin, 2).content, 4).content, 1).value, 1);
    mem_free(data);
}
END_TEST

START_TEST(the_same_run_gives_the_same_files)
{
    struct rn_report r = report();
    void *first, *second;
    uint64_t n, m;

    for (int i = 0; i < 2; i++) {
        void *rep = opened(&r);
        record(rep, "train", 1, 0.5, 1);
        ck_assert_int_eq(ops->end(rep, &r), RN_OK);
        ops->close(rep);
        ck_assert_int_eq(file_read(file_of("tb/"), UINT64_MAX, i ? &second : &first, i ? &m : &n),
                         RN_OK);
    }
    ck_assert_uint_eq(n, m);
    ck_assert_int_eq(memcmp(first, second, n), 0);
    mem_free(first);
    mem_free(second);
}
END_TEST

START_TEST(a_folder_for_many_runs)
{
    struct rn_report r = report();

    options.dir = dir;
    r.dir = "/nonexistent";
    ops->close(opened(&r));
    ck_assert(file_exists(file_of("run/20260101-000000-abcdef/")));
}
END_TEST

START_TEST(hostile_texts_are_no_broken_files)
{
    const struct rn_fact bad = {HOSTILE, HOSTILE};
    struct rn_report r = report();
    void *data;

    r.changed = &bad;
    r.n_changed = 1;
    r.started = HOSTILE; /* now, then: the name of the file is not known */
    r.id = "x";
    options.dir = NULL;
    ops->close(opened(&r));
    r = report();
    r.changed = &bad;
    r.n_changed = 1;
    ops->close(opened(&r));
    struct found f = look("tb/", "_hparams_/session_start_info", 0, &data);
    struct bytes start =
        find(find(find(find(f.value, 9).content, 1).content, 2).content, 3).content;
    struct field key = find(find(start, 1).content, 1);
    ck_assert(!memmem(key.content.at, (size_t)(key.content.end - key.content.at), "\x80\x01", 2));
    ck_assert_ptr_nonnull(
        memmem(key.content.at, (size_t)(key.content.end - key.content.at), "\xEF\xBF\xBD\x01", 4));
    mem_free(data);
}
END_TEST

START_TEST(unwritable)
{
    struct rn_report r = report();
    void *rep;

    r.dir = "/proc/nowhere";
    ck_assert_int_eq(ops->open(&options, &r, &rep), RN_EIO);
    ck_assert_ptr_null(rep);
    ck_assert_ptr_nonnull(strstr(error_text(), "/proc/nowhere"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tensorboard");
    TCase *t = tcase_create("tensorboard");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_checksum_is_the_known_one);
    tcase_add_test(t, measurements_go_to_the_folder_of_their_split);
    tcase_add_test(t, what_was_measured_stays_after_an_error);
    tcase_add_test(t, parameters_are_written_once_an_epoch);
    tcase_add_test(t, the_end_has_pictures_final_metrics_and_the_session);
    tcase_add_test(t, the_same_run_gives_the_same_files);
    tcase_add_test(t, a_folder_for_many_runs);
    tcase_add_test(t, hostile_texts_are_no_broken_files);
    tcase_add_test(t, unwritable);
    suite_add_tcase(s, t);
    return suite_run(s);
}
