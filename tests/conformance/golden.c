/* golden.c - what the tests against PyTorch's values share: the files, the device, comparisons. */
#define _GNU_SOURCE
#include "golden.h"
#include "support/cpu.h"
#include "support/golden.h"
#include "verify/ref_device.h"

struct pool *pool;
struct rn_device *dev;

static char *golden; /* the file's text */

#ifdef RN_DOUBLE
static const double tolerance = 1e-12;

const struct rn_plugin *golden_plugin(const char *folder, const char *name)
{
    const char *path = pool_printf(pool, "%s/%s_f64.so", getenv("RN_F64"), name);

    (void)folder;
    return *test_query_file(path)(test_host());
}

static void open_device(void) { ck_assert_int_eq(ref_device_open(&dev), RN_OK); }
#else
static const double tolerance = 1e-5;

const struct rn_plugin *golden_plugin(const char *folder, const char *name)
{
    return test_plugin(folder, name);
}

static void open_device(void) { dev = test_cpu(pool, 2, false); }
#endif

static void setup(void)
{
    pool = pool_new();
    golden = NULL;
    open_device();
}

static void teardown(void)
{
    dev->ops->close(dev);
    mem_free(golden);
    pool_free(pool);
    ck_assert_uint_eq(mem_live(), 0);
}

/* ---- the files -------------------------------------------------------------- */

void golden_read(const char *name) { golden = golden_text(pool, name); }

double *golden_values(const char *name, int64_t n) { return golden_line(pool, golden, name, n); }

double *golden_part(const char *layer, const char *what, int64_t n)
{
    return golden_values(pool_printf(pool, "%s.%s", layer, what), n);
}

void golden_same(const char *what, const rn_real *got, const double *want, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double g = (double)got[i];

        if (isfinite(want[i]))
            ck_assert_msg(fabs(g - want[i]) <= tolerance * (0.1 + fabs(want[i])),
                          "%s[%d]: %.9g, PyTorch has %.9g", what, (int)i, g, want[i]);
        else
            ck_assert_msg(isnan(want[i]) ? isnan(g) : g == want[i], "%s[%d]: %g, PyTorch has %g",
                          what, (int)i, g, want[i]);
    }
}

void golden_put(struct area *a, const double *from)
{
    for (int64_t i = 0; i < a->n; i++)
        a->at[i] = (rn_real)from[i];
}

double *golden_stored(const double *shown, const struct rn_view *v, int64_t n, int64_t rows)
{
    double *out = pool_alloc(pool, (size_t)(n * rows) * sizeof *out);

    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++)
            out[r * n + (v->rank ? rig_stored_at(v, i) : i)] = shown[r * n + i];
    return out;
}

TCase *golden_case(Suite *suite, const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_add_checked_fixture(tc, setup, teardown);
    suite_add_tcase(suite, tc);
    return tc;
}
