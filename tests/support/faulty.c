/* faulty.c - the CPU device under another name, with one operation wrong: $RN_FAULT says which. All
 * stay within the memory that they are given, except the one that is there to leave it. */
#define _GNU_SOURCE
#include <runner/device.h>
#include <runner/layer.h>

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rn_host *the_host;
static const struct rn_device_ops *real;

static bool has(const char *fault)
{
    const char *is = getenv("RN_FAULT");

    return is && !strcmp(is, fault);
}

RN_MAP(rounded, 1, 1, 0, y0 = x0 * (1 + a0 * (float)(col % 3 - 1)););

/* "rounds" is no fault: another device that rounds in its own way, ten times as much as most.
 * "coarse" is one: products of numbers with 10 bits. */
static bool rounds(void) { return has("rounds") || has("coarse"); }

static int round_off(struct rn_device *d, int64_t rows, int64_t cols, rn_real *x)
{
    return real->map(d, &rounded,
                     &(struct rn_map_call){.rows = rows,
                                           .cols = cols,
                                           .in = {x},
                                           .out = {x},
                                           .arg = {has("coarse") ? 5e-4f : 1e-6f}});
}

static int faulty_gemm(struct rn_device *d, const struct rn_gemm *given)
{
    static int calls;
    struct rn_gemm g = *given;

    if (has("gemm_transposed") && g.tb && g.k > 1)
        g.k--;
    if (has("gemm_beta"))
        g.beta = 0;
    if (has("unsteady") && g.k > 1 && ++calls % 2)
        g.k--;
    RN_TRY(real->gemm(d, &g));
    return rounds() && g.ldc == g.n ? round_off(d, g.m, g.n, g.c) : RN_OK;
}

static int faulty_map(struct rn_device *d, const struct rn_map *map, const struct rn_map_call *c)
{
    struct rn_map_call m = *c;

    for (int i = 0; i < map->n_in && has("map_rows"); i++)
        m.span[i] = m.span[i] == RN_PER_ROW ? RN_ONE : m.span[i];
    for (int i = 0; i < RN_MAP_ARG && has("map_block"); i++)
        m.arg_from[i] = 0;
    if (has("map_draws"))
        m.key ^= 1;
    return real->map(d, map, &m);
}

static int faulty_reduce(struct rn_device *d, const struct rn_reduce *given)
{
    struct rn_reduce r = *given;

    if (has("reduce_last_row") && r.over == RN_PER_COL && r.rows > 1)
        r.rows--;
    return real->reduce(d, &r);
}

static int faulty_gather(struct rn_device *d, const struct rn_gather *given)
{
    struct rn_gather g = *given;

    if (has("gather_start"))
        g.start_from = 0;
    return real->gather(d, &g);
}

static int faulty_argmax(struct rn_device *d, int64_t rows, int64_t cols, const rn_real *in,
                         rn_real *out)
{
    return real->argmax(d, rows, has("argmax_transposed") ? 1 : cols, in, out);
}

static int faulty_fill(struct rn_device *d, rn_real *dst, rn_real v, int64_t n)
{
    return real->fill(d, dst, v, n + has("fill_outside"));
}

static int faulty_conv(struct rn_device *d, const struct rn_conv *given)
{
    struct rn_conv c = *given;

    if (has("conv_bias"))
        c.bias = NULL;
    RN_TRY(real->conv(d, &c));
    if (!rounds() || c.pass != RN_CONV_FORWARD)
        return RN_OK;
    return round_off(d, c.rows * c.window.out_h * c.window.out_w, c.filters, c.y);
}

static int faulty_pool(struct rn_device *d, const struct rn_pool *given)
{
    struct rn_pool p = *given;

    if (has("pool_border"))
        p.inside_only = 0;
    return real->pool(d, &p);
}

static int faulty_replay(struct rn_device *d, struct rn_recording *r, const struct rn_block *block)
{
    if (has("takes_memory"))
        the_host->free(the_host->alloc(1));
    return real->replay(d, r, block);
}

static const struct rn_plugin *const *query_cpu(const struct rn_host *host)
{
    const char *dir = getenv("RN_PLUGIN_PATH");
    rn_plugin_query_fn *query;
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/devices/cpu.so", dir ? dir : "plugins");
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    void *symbol = lib ? dlsym(lib, RN_QUERY_SYMBOL) : NULL;
    if (!symbol)
        return NULL;
    memcpy(&query, &symbol, sizeof query);
    return query(host);
}

RN_EXPORT const struct rn_plugin *const *rn_plugin_query_v1(const struct rn_host *host);
const struct rn_plugin *const *rn_plugin_query_v1(const struct rn_host *host)
{
    static struct rn_device_ops ops;
    static struct rn_plugin plugin;
    static const struct rn_plugin *list[] = {&plugin, NULL};
    const struct rn_plugin *const *cpu = query_cpu(host);

    if (!cpu)
        return NULL;
    the_host = host;
    real = cpu[0]->ops;
    ops = *real;
    ops.gemm = faulty_gemm;
    ops.map = faulty_map;
    ops.reduce = faulty_reduce;
    ops.gather = faulty_gather;
    ops.argmax = faulty_argmax;
    ops.fill = faulty_fill;
    ops.conv = faulty_conv;
    ops.pool = faulty_pool;
    ops.replay = faulty_replay;
    plugin = *cpu[0];
    plugin.name = "faulty";
    plugin.priority = 0;
    plugin.ops = &ops;
    return list;
}
