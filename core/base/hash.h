/* hash.h - SHA-256, by Nettle. */
#ifndef HASH_H
#define HASH_H

#include <runner/abi.h>

#define HASH_TEXT 72 /* "sha256:", 64 hex digits, 0 */
void hash_sha256(const void *data, uint64_t bytes, char out[HASH_TEXT]);
int hash_file(const char *path, char out[HASH_TEXT]); /* RN_EDATA when it can't be read */

#endif
