/* templates.h - the files of plugins/template, built into the program. */
#ifndef TEMPLATES_H
#define TEMPLATES_H

#include <runner/abi.h>

struct template_file {
    const char *name; /* within the new folder; NULL ends the list */
    uint32_t kind;    /* 0: for every kind */
    const char *const *lines;
};
/* In names and lines stand my_name, my_kind and my_folder for the plugin's. */
extern const struct template_file template_files[];

#endif
