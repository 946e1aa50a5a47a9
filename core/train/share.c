/* share.c - decoded samples in sealed memory. Only what is sealed is believed, and the lock of who
 * fills goes with its process: one that was killed leaves nothing behind. */
#define _GNU_SOURCE
#include "share.h"

#include "base/error.h"
#include "base/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 4096
#define MAGIC      "runner samples1"
#define SEALS      (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)

_Static_assert(sizeof(struct share_head) <= HEAD_BYTES, "the head fits its page");

static struct {
    int fd[SHARE_SLOTS];
    int n;
} slots;

int share_open(void)
{
    share_close();
    while (slots.n < SHARE_SLOTS) {
        int fd = memfd_create("samples", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0)
            return FAIL(RN_EIO, "no memory for samples in common: %s", strerror(errno));
        slots.fd[slots.n++] = fd;
    }
    return RN_OK;
}

void share_close(void)
{
    while (slots.n)
        close(slots.fd[--slots.n]);
}

int share_descriptors(int out[SHARE_SLOTS])
{
    memcpy(out, slots.fd, sizeof slots.fd);
    return slots.n;
}

void share_receive(void)
{
    const char *s = getenv(SHARE_VARIABLE);
    char *end;

    for (; s && *s && slots.n < SHARE_SLOTS; s = *end ? end + 1 : end) {
        long fd = strtol(s, &end, 10);
        if (end == s || (*end && *end != ','))
            break;
        if (fd > 2 && fd < 1 << 20 && fcntl((int)fd, F_GET_SEALS) >= 0) {
            fcntl((int)fd, F_SETFD, FD_CLOEXEC);
            slots.fd[slots.n++] = (int)fd;
        }
    }
    unsetenv(SHARE_VARIABLE);
}

static bool is_sealed(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & SEALS) == SEALS;
}

/* Another description of the same memory, whose lock is this process's own. What is sealed can be
 * mapped as shared only through one that cannot write. */
static int reader_of(int fd)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

static bool map(struct share_set *s, int fd, int protection)
{
    void *at = mmap(NULL, s->bytes, protection, MAP_SHARED, fd, 0);

    if (at == MAP_FAILED)
        return false;
    s->head = at;
    s->data = (char *)at + HEAD_BYTES;
    return true;
}

/* Maps what is sealed, if it is that data set. */
static bool map_sealed(struct share_set *s, const char key[HASH_TEXT])
{
    struct stat st;

    if (fstat(s->lock, &st) || (uint64_t)st.st_size != s->bytes || !map(s, s->lock, PROT_READ))
        return false;
    if (!memcmp(s->head->magic, MAGIC, sizeof MAGIC) && s->head->bytes == s->bytes &&
        !strncmp(s->head->key, key, HASH_TEXT))
        return true;
    munmap(s->head, s->bytes);
    s->head = NULL;
    return false;
}

/* Half of what is free: runs need room, too. */
static bool is_affordable(uint64_t bytes)
{
    char line[128];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/meminfo", "re");

    while (f && !kib && fgets(line, sizeof line, f))
        if (!strncmp(line, "MemAvailable:", 13))
            kib = strtoull(line + 13, NULL, 10);
    if (f)
        fclose(f);
    return bytes / 1024 < kib / 2;
}

/* The lock is held. What somebody began before and did not seal is thrown away. */
static bool begin(struct share_set *s, const char key[HASH_TEXT])
{
    int fd = slots.fd[s->slot];

    if (!is_affordable(s->bytes) || s->bytes > INT64_MAX || ftruncate(fd, 0) ||
        posix_fallocate(fd, 0, (off_t)s->bytes) || !map(s, fd, PROT_READ | PROT_WRITE))
        return false;
    memcpy(s->head->magic, MAGIC, sizeof MAGIC);
    memcpy(s->head->key, key, HASH_TEXT);
    s->head->bytes = s->bytes;
    return true;
}

/* Until this process is asked to stop: who fills may hang. */
static bool wait_for(int lock)
{
    static const struct timespec turn = {.tv_nsec = 5000000};

    while (flock(lock, LOCK_EX | LOCK_NB)) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || stop_requested())
            return false;
        nanosleep(&turn, NULL);
    }
    return true;
}

enum share_state share_take(const char key[HASH_TEXT], uint64_t bytes, struct share_set *out)
{
    uint64_t all;

    *out = (struct share_set){.lock = -1};
    if (__builtin_add_overflow(bytes, HEAD_BYTES, &all))
        return SHARE_NONE;
    for (int i = 0; i < slots.n; i++) {
        *out = (struct share_set){.bytes = all, .slot = i, .lock = reader_of(slots.fd[i])};
        if (out->lock < 0)
            return SHARE_NONE;
        if (!is_sealed(slots.fd[i]) && !wait_for(out->lock)) {
            share_drop(out);
            return SHARE_NONE;
        }
        if (!is_sealed(slots.fd[i])) {
            if (begin(out, key))
                return SHARE_TO_FILL;
            share_drop(out);
            return SHARE_NONE;
        }
        flock(out->lock, LOCK_UN);
        if (map_sealed(out, key))
            return SHARE_MAPPED;
        share_drop(out);
    }
    return SHARE_NONE;
}

int share_seal(struct share_set *s)
{
    int fd = slots.fd[s->slot];

    munmap(s->head, s->bytes);
    s->head = NULL;
    if (fcntl(fd, F_ADD_SEALS, SEALS) || !map(s, s->lock, PROT_READ))
        return FAIL(RN_EIO, "samples in common cannot be sealed: %s", strerror(errno));
    flock(s->lock, LOCK_UN);
    return RN_OK;
}

void share_drop(struct share_set *s)
{
    if (s->head)
        munmap(s->head, s->bytes);
    if (s->lock >= 0)
        close(s->lock);
    *s = (struct share_set){.lock = -1};
}
