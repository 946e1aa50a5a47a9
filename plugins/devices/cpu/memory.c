/* memory.c - how much memory this process can still have: what the machine has without swapping,
 * and what is left in each of the control groups that it is in, where files that were only read
 * count as free. */
#include "cpu.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SYSTEM
#define SYSTEM "" /* tests have one of their own */
#endif
#define ROOT SYSTEM "/sys/fs/cgroup"

/* The sum of the lines of a file that begin with one of two words; false: there is none. */
static bool lines(const char *path, const char *a, const char *b, uint64_t *sum)
{
    char line[256], word[64];
    bool found = false;
    uint64_t value;
    FILE *f = fopen(path, "re");

    *sum = 0;
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "%63[^: ]%*[: ]%" SCNu64, word, &value) != 2)
            continue;
        if (strcmp(word, a) != 0 && strcmp(word, b) != 0)
            continue;
        *sum += value;
        found = true;
    }
    if (f)
        fclose(f);
    return found;
}

/* "max" is no number. */
static bool number(const char *path, uint64_t *out)
{
    FILE *f = fopen(path, "re");
    bool good = f && fscanf(f, "%" SCNu64, out) == 1;

    if (f)
        fclose(f);
    return good;
}

struct version { /* of control groups: where they are, what the files are called */
    const char *root, *limit, *usage, *files[2];
};
static const struct version versions[] = {
    {ROOT, "memory.max", "memory.current", {"active_file", "inactive_file"}},
    {ROOT "/memory",
     "memory.limit_in_bytes",
     "memory.usage_in_bytes",
     {"total_active_file", "total_inactive_file"}},
};

static uint64_t left_in(const struct version *v, const char *group, uint64_t most)
{
    char path[1200];
    uint64_t limit, usage, files;

    snprintf(path, sizeof path, "%s%s/%s", v->root, group, v->limit);
    if (!number(path, &limit) || limit >= INT64_MAX / 4096 * 4096)
        return most;
    snprintf(path, sizeof path, "%s%s/%s", v->root, group, v->usage);
    if (!number(path, &usage))
        return most;
    snprintf(path, sizeof path, "%s%s/memory.stat", v->root, group);
    lines(path, v->files[0], v->files[1], &files);
    usage -= files < usage ? files : usage;
    limit = limit > usage ? limit - usage : 1;
    return limit < most ? limit : most;
}

/* In the group and in all that it is in. Within a container the names may be those of outside: then
 * only the root is there, which is the container's own. */
static uint64_t left_in_all(const struct version *v, char *group, uint64_t most)
{
    for (char *end; (end = strrchr(group, '/')); *end = '\0')
        most = left_in(v, group, most);
    return left_in(v, "", most);
}

static uint64_t left_in_groups(uint64_t most)
{
    char line[1024];
    FILE *f = fopen(SYSTEM "/proc/self/cgroup", "re");

    while (f && fgets(line, sizeof line, f)) {
        char *names = strchr(line, ':'), *group = names ? strchr(names + 1, ':') : NULL;
        if (!group)
            continue;
        group[strcspn(group, "\n")] = '\0';
        bool second = names + 1 == group;
        *group = '\0';
        if (second || !strcmp(names + 1, "memory"))
            most = left_in_all(&versions[!second], group + 1, most);
    }
    if (f)
        fclose(f);
    return most;
}

uint64_t memory_free(void)
{
    uint64_t available;

    if (!lines(SYSTEM "/proc/meminfo", "MemAvailable", "", &available))
        return 0;
    return left_in_groups(available << 10);
}

uint64_t memory_asked(void)
{
    const char *text = getenv("RN_MEMORY");
    char *end = NULL;
    uint64_t n = text ? strtoull(text, &end, 10) : 0;
    int shift = !text ? 0 : *end == 'G' ? 30 : *end == 'M' ? 20 : *end == 'K' ? 10 : 0;

    return n << shift;
}
