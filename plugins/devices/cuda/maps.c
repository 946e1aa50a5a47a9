/* maps.c - the kernels of maps: which were seen, their compilation, their launch; and the modules
 * that hold all kernels. */
#include "cuda.h"

#include <stdio.h>
#include <string.h>

static const char *const names[KERNELS] = {
    [K_SET_BLOCK] = "set_block",
    [K_GATHER] = "gather",
    [K_REDUCE_ROWS] = "reduce_rows",
    [K_REDUCE_COLS] = "reduce_cols",
    [K_REDUCE_ALL] = "reduce_all",
    [K_ARGMAX] = "argmax",
    [K_IM2COL] = "im2col",
    [K_COL2IM] = "col2im",
    [K_ADD_BIAS] = "add_bias",
    [K_POOL_MAX] = "pool_max",
    [K_POOL_AVERAGE] = "pool_average",
    [K_POOL_BACK] = "pool_back",
};

/* ---- modules ------------------------------------------------------------------------------ */

static int module_load(struct cuda *c, const struct rn_text *source, CUmodule *out)
{
    struct module *m = rn_host->alloc(sizeof *m);
    void *cubin = NULL;
    int status = !m || source->status ? RN_ENOMEM : compile(source->s, c->capability, &cubin);

    if (status >= 0)
        status = CU(api.cuModuleLoadData(&m->at, cubin));
    rn_host->free(cubin);
    if (status < 0) {
        rn_host->free(m);
        return status;
    }
    m->next = c->modules;
    c->modules = m;
    *out = m->at;
    return RN_OK;
}

int kernels_load(struct cuda *c)
{
    struct rn_text source = {0};
    CUmodule module;

    prelude_source(false, &source);
    kernels_source(&source);
    int status = module_load(c, &source, &module);
    rn_host->free(source.s);
    for (int k = 0; k < KERNELS && status >= 0; k++)
        status = CU(api.cuModuleGetFunction(&c->kernel[k], module, names[k]));
    return status;
}

void modules_free(struct cuda *c)
{
    for (struct map_kernel *next, *k = c->maps; k; k = next) {
        next = k->next;
        rn_host->free(k);
    }
    for (struct module *next, *m = c->modules; m; m = next) {
        next = m->next;
        api.cuModuleUnload(m->at);
        rn_host->free(m);
    }
}

/* ---- maps ---------------------------------------------------------------------------------- */

/* Two plugins may have maps that look the same. */
static bool same(const struct map_form *a, const struct map_form *b)
{
    return a->map->n_in == b->map->n_in && a->map->n_out == b->map->n_out &&
           a->map->uses_u == b->map->uses_u && a->wide == b->wide &&
           !memcmp(a->span, b->span, sizeof a->span) && !memcmp(a->adds, b->adds, sizeof a->adds) &&
           !strcmp(a->map->body, b->map->body);
}

int map_find(struct cuda *c, const struct rn_map *map, const struct rn_map_call *call,
             struct map_kernel **out)
{
    const struct map_form form = map_form_of(map, call);
    int number = 0;

    for (struct map_kernel *k = c->maps; k; k = k->next, number++)
        if (same(&k->form, &form)) {
            *out = k;
            return RN_OK;
        }
    struct map_kernel *k = rn_host->alloc(sizeof *k);
    if (!k)
        return RN_ENOMEM;
    *k = (struct map_kernel){.next = c->maps, .form = form};
    snprintf(k->name, sizeof k->name, "map_%.60s_%d", map->name, number);
    c->maps = *out = k;
    c->maps_pending = true;
    return RN_OK;
}

int maps_compile(struct cuda *c)
{
    struct rn_text source = {0};
    bool draws = false;
    CUmodule module;

    if (!c->maps_pending)
        return RN_OK;
    for (struct map_kernel *k = c->maps; k; k = k->next)
        draws |= !k->function && k->form.map->uses_u;
    prelude_source(draws, &source);
    for (struct map_kernel *k = c->maps; k; k = k->next)
        if (!k->function)
            map_source(&k->form, k->name, &source);
    int status = module_load(c, &source, &module);
    rn_host->free(source.s);
    for (struct map_kernel *k = c->maps; k && status >= 0; k = k->next)
        if (!k->function)
            status = CU(api.cuModuleGetFunction(&k->function, module, k->name));
    c->maps_pending = status < 0;
    return status;
}

int map_launch(struct cuda *c, const struct op *op, CUdeviceptr block)
{
    const struct map_kernel *k = op->map.kernel;
    const struct rn_map *map = k->form.map;
    struct rn_map_call call = op->map.call;
    int64_t n = call.rows * call.cols;
    uint32_t tag = op->tag, draw = call.draw_from, move[RN_MAP_OUT], from[RN_MAP_ARG];
    void *args[7 + RN_MAP_IN + 2 * RN_MAP_OUT + 2 * RN_MAP_ARG] = {
        &c->mark, &tag, &block, &n, &call.cols, &call.key, &draw};
    int at = 7;

    for (int i = 0; i < map->n_in; i++)
        args[at++] = &call.in[i];
    for (int i = 0; i < map->n_out; i++) {
        move[i] = call.out_from[i];
        args[at++] = &call.out[i];
        args[at++] = &move[i];
    }
    for (int i = 0; i < RN_MAP_ARG; i++) {
        from[i] = call.arg_from[i];
        if (!map_names_argument(map, i))
            continue;
        args[at++] = &call.arg[i];
        args[at++] = &from[i];
    }
    return launch(c, k->function, ceil_div(n, THREADS), 1, args);
}
