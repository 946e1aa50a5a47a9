/* tables.c - all that can stand in a file, as a list: for the schema and the reference. */
#include "tables.h"

#include "loader.h"

#include <string.h>

const struct section sections[] = {
    {"name", "what runs of it are called; the file's name without one", SECTION_VALUE, 0, head_rows,
     false},
    {"description", "what it is for", SECTION_VALUE, 0, head_rows, false},
    {"tags", "words that a run is found by", SECTION_WORDS, 0, NULL, false},
    {"extends", "files that this one changes; paths are relative to it", SECTION_WORDS, 0, NULL,
     false},
    {"set", "path: value, applied to what was extended", SECTION_FREE, 0, NULL, false},
    {"vars", "values for ${vars.name}", SECTION_FREE, 0, NULL, false},
    {"seed", "where all random numbers come from", SECTION_VALUE, 0, head_rows, false},
    {"device", "what computes; auto takes the best that works", SECTION_PART, RN_KIND_DEVICE, NULL,
     false},
    {"data", "the samples", SECTION_PART, RN_KIND_DATASET, data_rows, true},
    {"data.split", "how the training samples are divided", SECTION_OPTIONS, 0, split_rows, false},
    {"data.normalize", "(x - mean) / std, for each channel", SECTION_OPTIONS, 0, normalize_rows,
     false},
    {"data.limit", "fewer samples, for a first try", SECTION_OPTIONS, 0, limit_rows, false},
    {"data.augment", "how training images are changed at random, in this order", SECTION_PARTS,
     RN_KIND_AUGMENTATION, NULL, false},
    {"model", "what is trained", SECTION_MAP, 0, NULL, true},
    {"model.layers", "from the input to the output", SECTION_PARTS, RN_KIND_LAYER, NULL, true},
    {"loss", "what training makes small", SECTION_PART, RN_KIND_LOSS, NULL, true},
    {"optimizer", "how parameters are updated", SECTION_PART, RN_KIND_OPTIMIZER, NULL, true},
    {"scheduler", "how the learning rate goes", SECTION_PART, RN_KIND_SCHEDULER, warmup_rows,
     false},
    {"train", "how long, and in what steps", SECTION_OPTIONS, 0, train_rows, true},
    {"metrics", "what is measured besides loss and accuracy", SECTION_WORDS, 0, NULL, false},
    {"callbacks", "who looks on and may step in", SECTION_PARTS, RN_KIND_CALLBACK, NULL, false},
    {"expect", "what has to hold in the end; exit code 1 when it does not", SECTION_ITEMS, 0,
     expect_rows, false},
    {"reporters", "who shows the run", SECTION_PARTS, RN_KIND_REPORTER, NULL, false},
    {"plugins", "where plugins come from", SECTION_MAP, 0, NULL, false},
    {"plugins.path", "folders to look in, relative to the file", SECTION_WORDS, 0, NULL, false},
    {NULL, NULL, 0, 0, NULL, false},
};

const char *section_key(const struct section *inner, const char *outer)
{
    size_t n = strlen(outer);
    const char *rest = inner->path + n + (n > 0);

    if (strncmp(inner->path, outer, n) || (n && inner->path[n] != '.'))
        return NULL;
    return strchr(rest, '.') ? NULL : rest;
}

const struct rn_option *section_row(const struct rn_option *rows, const char *name)
{
    for (; rows && rows->name; rows++)
        if (!strcmp(rows->name, name))
            return rows;
    return NULL;
}
