/* kinds.c - the kinds of plugins: their names, their folders, where they stand in a file. */
#include "registry.h"

#include <string.h>

static const struct {
    const char *name, *folder;
} kinds[] = {
    [RN_KIND_DEVICE] = {"device", "devices"},
    [RN_KIND_LAYER] = {"layer", "layers"},
    [RN_KIND_LOSS] = {"loss", "losses"},
    [RN_KIND_OPTIMIZER] = {"optimizer", "optimizers"},
    [RN_KIND_DATASET] = {"dataset", "datasets"},
    [RN_KIND_REPORTER] = {"reporter", "reporters"},
    [RN_KIND_SCHEDULER] = {"scheduler", "schedulers"},
    [RN_KIND_CALLBACK] = {"callback", "callbacks"},
    [RN_KIND_AUGMENTATION] = {"augmentation", "augmentations"},
};
#define KINDS (sizeof kinds / sizeof *kinds)

const char *kind_name(uint32_t kind) { return kind && kind < KINDS ? kinds[kind].name : NULL; }

const char *kind_folder(uint32_t kind) { return kind && kind < KINDS ? kinds[kind].folder : NULL; }

uint32_t kind_by_name(const char *s)
{
    for (uint32_t i = 1; i < KINDS; i++)
        if (!strcmp(s, kinds[i].name) || !strcmp(s, kinds[i].folder))
            return i;
    return 0;
}
