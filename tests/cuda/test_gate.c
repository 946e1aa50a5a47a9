/* test_gate.c - every kernel of the CUDA device, those made of every map of every plugin included,
 * through NVIDIA's own compiler for each generation of cards: it takes them without a warning, and
 * what comes out spills no register, does no arithmetic in double and adds up nothing in an order
 * of chance. No card is needed. The arguments are the plugins' files. */
#include "support/suite.h"
#include "support/plugin.h"

#include "../../plugins/devices/cuda/cuda.h"

#include <unistd.h>

const struct rn_host *rn_host;
struct cuda_api api;
extern const struct rn_map *const __start_rn_maps[], *const __stop_rn_maps[]; /* the core's own */

enum { FORMS = 4, ARCHITECTURES = 7 };
static const int architectures[ARCHITECTURES] = {75, 80, 86, 89, 90, 100, 120};
static const char *compiler_path;
static char **files;
static int n_files;

/* ---- NVRTC -------------------------------------------------------------------------------- */

static nvrtcResult (*ptx_size)(nvrtcProgram, size_t *), (*get_ptx)(nvrtcProgram, char *);

static void find(void *lib, const char *name, void *function)
{
    void *found = dlsym(lib, name);

    ck_assert_msg(found != NULL, "%s has no %s", compiler_path, name);
    memcpy(function, &found, sizeof found);
}

static void setup(void)
{
    void *lib = dlopen(compiler_path, RTLD_NOW | RTLD_LOCAL);

    ck_assert_msg(lib != NULL, "%s", dlerror());
#define FIND(name) find(lib, #name, &api.name);
    COMPILER_FUNCTIONS(FIND)
    find(lib, "nvrtcGetPTXSize", &ptx_size);
    find(lib, "nvrtcGetPTX", &get_ptx);
}

/* Compiles for "sm_90" to a binary, for "compute_90" to PTX alone, as the device does; the log and
 * the PTX are the caller's. */
static nvrtcResult run(const char *text, const char *architecture, char **log, char **ptx)
{
    char option[64];
    const char *options[] = {option, "--ftz=true", "-default-device", "--ptxas-options=-v"};
    nvrtcProgram program;
    size_t n = 0;

    snprintf(option, sizeof option, "--gpu-architecture=%s", architecture);
    ck_assert_int_eq(api.nvrtcCreateProgram(&program, text, "kernels.cu", 0, NULL, NULL), 0);
    nvrtcResult r = api.nvrtcCompileProgram(program, 4, options);
    api.nvrtcGetProgramLogSize(program, &n);
    *log = mem_alloc(n + 1);
    api.nvrtcGetProgramLog(program, *log);
    n = 0;
    ptx_size(program, &n);
    *ptx = mem_alloc(n + 1);
    if (n)
        get_ptx(program, *ptx);
    api.nvrtcDestroyProgram(&program);
    return r;
}

/* ---- all kernels ----------------------------------------------------------------------------- */

/* As most are called; with inputs spread and results added; with more values than 2^31; by rows. */
static struct chain_form form_of(const struct rn_map *map, int which)
{
    struct chain_form f = {.n = 1, .wide = which == 2, .way = which == 3 ? BY_ROW : BY_ELEMENT};
    struct link_form *l = &f.link[0];

    l->kind = RN_OP_MAP;
    l->map = map;
    for (int k = 0; which && k < map->n_in; k++)
        l->span[k] = (uint8_t)((k + which) % 4);
    for (int k = 0; which && k < map->n_out; k++)
        l->adds[k] = true;
    return f;
}

static int add_maps(const struct rn_map *const *from, const struct rn_map *const *end, bool all,
                    int n, struct rn_text *text)
{
    const int first = all ? 0 : 1, step = all ? 1 : 2;

    for (; from && from < end; from++)
        for (int which = first; which < FORMS; which += step) {
            char name[120];
            const struct chain_form f = form_of(*from, which);
            snprintf(name, sizeof name, "map_%d_%.60s_%d", n++, (*from)->name, which);
            chain_source(&f, name, text);
        }
    return n;
}

/* A longest chain of all kinds of links, each map of the core in turn at its places. */
static int add_chain(int n, struct rn_text *text)
{
    struct chain_form f = {.n = CHAIN_MAX, .way = BY_ROW};
    const struct rn_map *const *map = __start_rn_maps;

    for (int i = 0; i < CHAIN_MAX; i++) {
        f.link[i].kind = (uint8_t)(i % 4 == 1   ? RN_OP_REDUCE
                                   : i % 4 == 3 ? RN_OP_ARGMAX
                                                : RN_OP_MAP);
        f.link[i].reduction = (uint8_t)(i % 3);
        f.link[i].map = map + i < __stop_rn_maps ? map[i] : map[0];
    }
    chain_source(&f, "chain_of_all", text);
    for (int i = 0; i < CHAIN_MAX; i++)
        f.link[i] = f.link[0];
    f.way = BESIDE;
    chain_source(&f, "chain_beside", text);
    return n + 2;
}

/* all: in each form, else in two of them. */
static char *all_maps(bool all, int *n)
{
    struct rn_text text = {0};

    prelude_source(true, &text);
    *n = add_maps(__start_rn_maps, __stop_rn_maps, all, 0, &text);
    for (int i = 0; i < n_files; i++)
        for (const struct rn_plugin *const *p = test_query_file(files[i])(test_host()); *p; p++) {
            *n = add_maps((*p)->maps, (*p)->maps_end, all, *n, &text);
            break; /* all plugins of a file list the same */
        }
    *n = add_chain(*n, &text);
    ck_assert_int_eq(text.status, RN_OK);
    return text.s;
}

static char *own_kernels(void)
{
    struct rn_text text = {0};

    prelude_source(false, &text);
    kernels_source(&text);
    ck_assert_int_eq(text.status, RN_OK);
    return text.s;
}

static int count(const char *text, const char *what)
{
    int n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

/* What is wrong with the binary or the PTX, into `what`; "": nothing. */
static void look(const char *text, const char *architecture, int kernels, char what[4096])
{
    static const char *const never[] = {".f64", "atom.", "red.global", "red.shared"};
    char *log, *ptx;
    const bool binary = !strncmp(architecture, "sm_", 3);
    const nvrtcResult r = run(text, architecture, &log, &ptx);
    const int clean = count(log, " 0 bytes spill stores, 0 bytes spill loads");

    what[0] = '\0';
    if (r || strstr(log, "warning"))
        snprintf(what, 4096, "%s: %.3000s", architecture, log);
    else if (binary && (clean != kernels || count(log, "bytes spill stores") != kernels))
        snprintf(what, 4096, "%s: %d of %d kernels without spills", architecture, clean, kernels);
    for (size_t i = 0; i < sizeof never / sizeof *never && !binary && !*what; i++)
        if (strstr(ptx, never[i]))
            snprintf(what, 4096, "%s: %.60s", architecture, strstr(ptx, never[i]) - 20);
    mem_free(log);
    mem_free(ptx);
}

static void check_all(const char *text, int kernels, int architecture)
{
    char name[32], what[4096];

    snprintf(name, sizeof name, "sm_%d", architecture);
    look(text, name, kernels, what);
    ck_assert_str_eq(what, "");
    if (architecture != architectures[0] && architecture != architectures[ARCHITECTURES - 1])
        return; /* what PTX holds hardly depends on it */
    snprintf(name, sizeof name, "compute_%d", architecture);
    look(text, name, kernels, what);
    ck_assert_str_eq(what, "");
}

START_TEST(own_kernels_compile)
{
    char *text = own_kernels();

    check_all(text, KERNELS, architectures[_i]);
    mem_free(text);
}
END_TEST

START_TEST(kernels_of_maps_compile)
{
    int n;
    bool all = architectures[_i] == 90;
    char *text = all_maps(all, &n);

    ck_assert_int_gt(n, 70 * (all ? FORMS : 2)); /* there are as many maps in the tree */
    check_all(text, n, architectures[_i]);
    mem_free(text);
}
END_TEST

START_TEST(what_is_looked_for_is_seen)
{
    static const struct {
        const char *text, *architecture, *seen;
    } bad[] = {
        {"x[0] = x[1] * 1.1;", "compute_90", ".f64"},
        {"atomicAdd(x, 1.0f);", "compute_90", "atom"},
        {"int unused; x[0] = 1;", "sm_90", "warning"},
        {"x[0] = y;", "sm_90", "undefined"},
        {"volatile float a[300]; for (int i = 0; i < 300; i++) a[i] = x[i]; x[0] = a[(int)x[1]];",
         "sm_90", ""},
        {"x[0] = 1;", "sm_90", ""},
        {"x[0] = x[1] * 1.5f;", "compute_90", ""},
    };
    char text[512], what[4096];

    snprintf(text, sizeof text, "extern \"C\" __global__ void k(float *x) { %s }\n", bad[_i].text);
    look(text, bad[_i].architecture, 1, what);
    if (*bad[_i].seen)
        ck_assert_msg(strstr(what, bad[_i].seen) != NULL, "%s: '%s'", bad[_i].text, what);
    else
        ck_assert_str_eq(what, "");
}
END_TEST

int main(int argc, char **argv)
{
    files = argv + 1;
    n_files = argc - 1;
    rn_host = test_host();
    compiler_path = getenv("RN_NVRTC");
    if (!compiler_path || access(compiler_path, R_OK) < 0) {
        printf("no NVRTC of the CUDA toolkit, so %d generations of cards were not "
               "compiled for\n",
               ARCHITECTURES);
        return 77;
    }
    Suite *s = suite_create("gate");
    TCase *t = tcase_create("compile");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, own_kernels_compile, 0, ARCHITECTURES);
    tcase_add_loop_test(t, kernels_of_maps_compile, 0, ARCHITECTURES);
    tcase_add_loop_test(t, what_is_looked_for_is_seen, 0, 7);
    suite_add_tcase(s, t);
    return suite_run(s);
}
