/* hash.c - SHA-256, by Nettle. */
#include "hash.h"

#include "error.h"
#include "file.h"
#include "mem.h"

#include <nettle/sha2.h>
#include <stdio.h>

void hash_sha256(const void *data, uint64_t bytes, char out[HASH_TEXT])
{
    struct sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];

    sha256_init(&ctx);
    sha256_update(&ctx, bytes, data);
    sha256_digest(&ctx, sizeof digest, digest);
    int n = snprintf(out, HASH_TEXT, "sha256:");
    for (size_t i = 0; i < sizeof digest; i++)
        n += snprintf(out + n, HASH_TEXT - (size_t)n, "%02x", digest[i]);
}

int hash_file(const char *path, char out[HASH_TEXT])
{
    void *data;
    uint64_t bytes;

    TRY(file_read(path, UINT64_MAX, &data, &bytes));
    hash_sha256(data, bytes, out);
    mem_free(data);
    return RN_OK;
}
