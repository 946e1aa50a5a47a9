/* kernels.c - the modules that hold all kernels: the device's own, and those of chains. */
#include "cuda.h"

static const char *const names[KERNELS] = {
    [K_SET_BLOCK] = "set_block",   [K_GATHER] = "gather",     [K_REDUCE_COLS] = "reduce_cols",
    [K_REDUCE_ALL] = "reduce_all", [K_IM2COL] = "im2col",     [K_COL2IM] = "col2im",
    [K_ADD_BIAS] = "add_bias",     [K_POOL_MAX] = "pool_max", [K_POOL_AVERAGE] = "pool_average",
    [K_POOL_BACK] = "pool_back",
};

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

int chains_compile(struct cuda *c)
{
    struct rn_text source = {0};
    bool draws = false;
    CUmodule module;
    int number = 0; /* in its module: what was compiled before has no say in the text */

    if (!c->chains_pending)
        return RN_OK;
    for (struct chain_kernel *k = c->chains; k; k = k->next)
        draws |= !k->function && chain_draws(&k->form);
    prelude_source(draws, &source);
    for (struct chain_kernel *k = c->chains; k; k = k->next)
        if (!k->function) {
            const struct link_form *first = &k->form.link[0];
            snprintf(k->name, sizeof k->name, "chain_%d_%.50s", number++,
                     first->map ? first->map->name : "rows");
            chain_source(&k->form, k->name, &source);
        }
    int status = module_load(c, &source, &module);
    rn_host->free(source.s);
    for (struct chain_kernel *k = c->chains; k && status >= 0; k = k->next)
        if (!k->function)
            status = CU(api.cuModuleGetFunction(&k->function, module, k->name));
    c->chains_pending = status < 0;
    return status;
}

void modules_free(struct cuda *c)
{
    for (struct chain_kernel *next, *k = c->chains; k; k = next) {
        next = k->next;
        rn_host->free(k);
    }
    for (struct module *next, *m = c->modules; m; m = next) {
        next = m->next;
        api.cuModuleUnload(m->at);
        rn_host->free(m);
    }
}
