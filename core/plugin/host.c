/* host.c - what the runner offers every plugin. */
#include "registry.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

const struct rn_host *host_table(void)
{
    static const struct rn_host host = {
        .size = sizeof host,
        .abi_major = RN_ABI_MAJOR,
        .abi_minor = RN_ABI_MINOR,
        .runner = "runner " RUNNER_VERSION,
        .alloc = mem_alloc,
        .free = mem_free,
        .fail = error_set,
        .log = log_line,
        .clock_ns = clock_ns,
        .read_file = file_read,
        .write_file = file_write_soon,
        .append_file = file_append,
        .sha256 = hash_sha256,
    };
    return &host;
}
