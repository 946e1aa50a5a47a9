/* test_chains.c - operations that one kernel does together give what each would by itself. */
#define _GNU_SOURCE
#include "rig.h"

RN_MAP(twice, 1, 2, 0, y0 = 2 * x0; y1 = x0 * a0;);
RN_MAP(drawn, 1, 1, 1, y0 = u < a0 ? 0 : x0;);

enum { SLOTS = 6, SLOT = 700, PROGRAM = 12 };
struct instruction {
    int kind; /* 0 to 3: a map; 4: a reduction of rows; 5: argmax */
    int64_t rows, cols, in[3], out[2];
    uint8_t span[3], op;
    float beta;
};

static unsigned drawn_number(unsigned n)
{
    static uint64_t state = 12345;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % n;
}

static bool overlap(int64_t a, int64_t n, int64_t b, int64_t m) { return a < b + m && b < a + n; }

/* An operation may read and write the same place only where each value is its own. */
static bool allowed(const struct instruction *p)
{
    static const int inputs[] = {2, 1, 3, 1, 1, 1}, outputs[] = {1, 2, 1, 1, 1, 1};
    const int64_t all = p->rows * p->cols, writes = p->kind < 4 ? all : p->rows;

    for (int o = 0; o < outputs[p->kind]; o++) {
        for (int i = 0; i < inputs[p->kind]; i++) {
            int64_t n = p->kind >= 4 || p->span[i] == RN_EACH ? all
                        : p->span[i] == RN_PER_COL            ? p->cols
                        : p->span[i] == RN_PER_ROW            ? p->rows
                                                              : 1;
            bool own = p->kind < 4 && p->span[i] == RN_EACH && p->in[i] == p->out[o];
            if (!own && overlap(p->in[i], n, p->out[o], writes))
                return false;
        }
        if (o && overlap(p->out[0], writes, p->out[1], writes))
            return false;
    }
    return true;
}

static struct instruction drawn_instruction(int64_t rows)
{
    static const int64_t widths[] = {1, 2, 10, 10, 33, 64};
    struct instruction p;

    do {
        p = (struct instruction){.kind = (int)drawn_number(6),
                                 .rows = drawn_number(6) ? rows : 1 + drawn_number(9),
                                 .cols = widths[drawn_number(6)],
                                 .op = (uint8_t)drawn_number(3),
                                 .beta = drawn_number(4) ? 0 : 1};
        for (int i = 0; i < 3; i++) {
            p.in[i] = SLOT * drawn_number(SLOTS) + (drawn_number(5) ? 0 : 5);
            p.span[i] = (uint8_t)(i && drawn_number(2) ? drawn_number(4) : RN_EACH);
        }
        for (int i = 0; i < 2; i++)
            p.out[i] = SLOT * drawn_number(SLOTS) + (drawn_number(5) ? 0 : 5);
    } while (!allowed(&p));
    return p;
}

static void enqueue(struct rn_device *d, float *at, const struct instruction *p)
{
    static const struct rn_map *const maps[] = {&plus, &twice, &shifted, &drawn};
    struct rn_map_call c = {.rows = p->rows, .cols = p->cols, .arg = {0.5f}, .key = 77};
    int status;

    for (int i = 0; i < 3; i++) {
        c.in[i] = at + p->in[i];
        c.span[i] = p->span[i];
    }
    for (int i = 0; i < 2; i++) {
        c.out[i] = at + p->out[i];
        c.beta[i] = p->beta;
    }
    if (p->kind < 4)
        status = d->ops->map(d, maps[p->kind], &c);
    else if (p->kind == 4)
        status = d->ops->reduce(d, &(struct rn_reduce){.rows = p->rows,
                                                       .cols = p->cols,
                                                       .in = c.in[0],
                                                       .out = c.out[0],
                                                       .op = p->op,
                                                       .over = RN_PER_ROW,
                                                       .beta = p->beta});
    else
        status = d->ops->argmax(d, p->rows, p->cols, c.in[0], c.out[0]);
    ck_assert_msg(status == RN_OK, "%s", error_text());
}

static void fill_slots(struct rn_device *d, float *at)
{
    float host[SLOTS * SLOT];

    for (int i = 0; i < SLOTS * SLOT; i++)
        host[i] = (float)((i * 37) % 101) / 50 - 1;
    ck_assert_int_eq(d->ops->upload(d, at, host, sizeof host), RN_OK);
    ck_assert_int_eq(d->ops->sync(d), RN_OK);
}

/* Programs drawn at random, with operands that overlap in all ways: as one recording, which is done
 * in chains, and one by one they give the same bits. */
START_TEST(chains_change_no_bit)
{
    static float one_by_one[SLOTS * SLOT], chained[SLOTS * SLOT];
    struct rn_device *d = opened();
    float *at = floats(d, SLOTS * SLOT);
    const struct rn_block block = {0};
    int shorter = 0;

    for (int trial = 0; trial < 40; trial++) {
        struct instruction program[PROGRAM];
        struct rn_recording *rec;
        int64_t rows = 1 + drawn_number(9);
        for (int i = 0; i < PROGRAM; i++)
            program[i] = drawn_instruction(rows);
        fill_slots(d, at);
        for (int i = 0; i < PROGRAM; i++)
            enqueue(d, at, &program[i]);
        ck_assert_int_eq(d->ops->download(d, one_by_one, at, sizeof one_by_one), RN_OK);
        fill_slots(d, at);
        ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
        for (int i = 0; i < PROGRAM; i++)
            enqueue(d, at, &program[i]);
        int before = count(log_text(), "  kernel chain");
        ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
        shorter += PROGRAM - (count(log_text(), "  kernel chain") - before);
        ck_assert_int_eq(d->ops->replay(d, rec, &block), RN_OK);
        ck_assert_int_eq(d->ops->download(d, chained, at, sizeof chained), RN_OK);
        ck_assert_msg(!memcmp(one_by_one, chained, sizeof chained), "program %d", trial);
        d->ops->discard(d, rec);
    }
    ck_assert_int_gt(shorter, 40 * PROGRAM / 4); /* chains there were */
    d->ops->close(d);
}
END_TEST

/* Seven operations that depend on each other row by row are two kernels with the product between.
 */
START_TEST(rows_and_elements_are_chained)
{
    struct rn_device *d = opened();
    struct rn_recording *step;

    record_step(d, floats(d, 1000), &step);
    const char *capture = strstr(log_text(), "cuStreamBeginCapture");
    ck_assert_int_eq(count(capture, "  kernel chain"), 2);
    ck_assert_int_eq(count(capture, "cublasSgemm"), 1);
    d->ops->discard(d, step);
    d->ops->close(d);
}
END_TEST

START_TEST(maps_beside_each_other_are_one_launch)
{
    struct rn_device *d = opened();
    float *at = floats(d, 4000), got[4000];
    struct rn_recording *rec;
    const struct rn_block block = {0};

    ck_assert_int_eq(d->ops->fill(d, at, 1, 4000), RN_OK);
    ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    for (int i = 0; i < 4; i++) /* of 300, 500, 700, 900 values */
        d->ops->map(d, &plus,
                    &(struct rn_map_call){.rows = 1,
                                          .cols = 300 + 200 * i,
                                          .in = {at + 1000 * i, at + 1000 * i},
                                          .out = {at + 1000 * i}});
    ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
    ck_assert_int_eq(count(strstr(log_text(), "cuStreamBeginCapture"), "  kernel chain"), 1);
    ck_assert_int_eq(d->ops->replay(d, rec, &block), RN_OK);
    ck_assert_int_eq(d->ops->download(d, got, at, sizeof got), RN_OK);
    for (int i = 0; i < 4000; i++)
        ck_assert_msg(got[i] == (i % 1000 < 300 + i / 1000 * 200 ? 2 : 1), "%d: %g", i,
                      (double)got[i]);
    d->ops->discard(d, rec);
    d->ops->close(d);
}
END_TEST

RN_MAP(full, RN_MAP_IN, RN_MAP_OUT, 1, y0 = x0 + x1 + x2 + x3 + x4 + x5; y1 = a0 + a1 + a2 + a3;
       y2 = (u < 2 ? a4 : 0) + a5 + a6 + a7;);

/* With all the inputs, outputs and arguments that operations can have. */
START_TEST(the_longest_chain_has_room)
{
    enum { LINKS = 16, COLS = 5 };
    struct rn_device *d = opened();
    float *in = floats(d, COLS), *out = floats(d, LINKS * RN_MAP_OUT * COLS);
    float got[LINKS][RN_MAP_OUT][COLS];
    struct rn_recording *rec;
    const struct rn_block block = {0};

    ck_assert_int_eq(d->ops->fill(d, in, 1, COLS), RN_OK);
    ck_assert_int_eq(d->ops->capture_begin(d), RN_OK);
    for (int i = 0; i < LINKS; i++) {
        struct rn_map_call c = {.rows = 1, .cols = COLS, .key = (uint64_t)i};
        for (int k = 0; k < RN_MAP_IN; k++)
            c.in[k] = in;
        for (int k = 0; k < RN_MAP_OUT; k++)
            c.out[k] = out + (ptrdiff_t)(i * RN_MAP_OUT + k) * COLS;
        for (int k = 0; k < RN_MAP_ARG; k++)
            c.arg[k] = (float)(100 * i + k);
        ck_assert_int_eq(d->ops->map(d, &full, &c), RN_OK);
    }
    ck_assert_int_eq(d->ops->capture_end(d, &rec), RN_OK);
    ck_assert_int_eq(count(strstr(log_text(), "cuStreamBeginCapture"), "  kernel chain"), 1);
    ck_assert_int_eq(d->ops->replay(d, rec, &block), RN_OK);
    ck_assert_int_eq(d->ops->download(d, got, out, sizeof got), RN_OK);
    for (int i = 0; i < LINKS; i++)
        for (int k = 0; k < COLS; k++) {
            ck_assert_msg(got[i][0][k] == RN_MAP_IN, "%d: %g", i, (double)got[i][0][k]);
            ck_assert_msg(got[i][1][k] == (float)(400 * i + 6), "%d: %g", i, (double)got[i][1][k]);
            ck_assert_msg(got[i][2][k] == (float)(400 * i + 22), "%d: %g", i, (double)got[i][2][k]);
        }
    d->ops->discard(d, rec);
    d->ops->close(d);
}
END_TEST

int main(void)
{
    TCase *t = tcase_create("chains");

    tcase_add_test(t, chains_change_no_bit);
    tcase_add_test(t, rows_and_elements_are_chained);
    tcase_add_test(t, maps_beside_each_other_are_one_launch);
    tcase_add_test(t, the_longest_chain_has_room);
    return rig_run("chains", t);
}
