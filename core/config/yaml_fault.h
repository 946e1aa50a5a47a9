/* yaml_fault.h - libyaml's complaints in the words of a user. */
#ifndef YAML_FAULT_H
#define YAML_FAULT_H

#include <runner/abi.h>
#include <yaml.h>

struct yaml_fault {
    yaml_mark_t at;
    bool unclosed; /* the text ended within brackets: the place is where the last was opened */
    char message[192];
    const char *hint; /* NULL: none */
};

/* y stopped with an error in text, which ends in a 0 byte. */
void yaml_fault_find(const yaml_parser_t *y, const char *text, struct yaml_fault *out);

#endif
