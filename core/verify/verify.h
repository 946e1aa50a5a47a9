/* verify.h - holds plugins to the promises of their kind. */
#ifndef VERIFY_H
#define VERIFY_H

#include "finding.h"

/* All variants of its options with inputs of many shapes, into *v, which is zeroed before. Devices,
 * data sets and reporters have none but those that the registry checks. seed: of the made-up
 * numbers. RN_ENOMEM: it could not be done. */
int verify_plugin(const struct plugin *p, uint64_t seed, struct verdict *v);
/* Whether verify_plugin() does anything for plugins of a kind. */
bool verify_knows(uint32_t kind);

/* The i-th input that plugins of a kind that verify_knows() are tried with, and what it is called.
 * False: no more; there is none at all for kinds that have no input. */
enum { VERIFY_WORDS = 32 };
bool verify_input(uint32_t kind, int i, struct rn_shape *in, char words[VERIFY_WORDS]);

/* Loads a file as the registry does and verifies each plugin in it, each in a process of its own,
 * so that one that crashes or never ends is a finding like others. Adds a table or one JSON
 * document to out. *holds: no promise is broken. RN_EPLUGIN: the file can't be used. */
int verify_file(const char *path, uint64_t seed, bool json, struct text *out, bool *holds);

#endif
