/* memory.cc - device memory lies in a reserved range that nobody may touch but while queued work
 * runs. Each piece ends, but for the 256 bytes that it is aligned to, before a page that is never
 * open, and addresses are never given twice: what was freed, or lies behind a piece, is a fault.
 * What was written into the rest of a piece's pages shows when it is freed; AddressSanitizer sees
 * the exact ends at once. */
#include "emulator.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <sys/mman.h>

extern "C" void __asan_poison_memory_region(void const volatile *, size_t) __attribute__((weak));

static const size_t reserved = size_t(64) << 30, page = 4096, aligned = 256;
static std::map<char *, size_t> given, host_given; /* by address: bytes asked for */
static std::set<char *> owned;                     /* of them, by cuBLAS */
static char *base, *next;
static size_t used;
static int opened;

/* What a piece has beside what was asked for: its pages, of which it has the end. */
struct room {
    char *start, *end;
};

static size_t up_to(size_t bytes, size_t to) { return (bytes + to - 1) / to * to; }

static room room_of(char *at, size_t bytes)
{
    return {at - reinterpret_cast<uintptr_t>(at) % page, at + up_to(bytes, aligned)};
}

static size_t capacity()
{
    const char *text = getenv("RN_EMU_MEMORY"); /* MiB, or with a unit: 64M, 2G */
    char *unit = nullptr;

    if (!text)
        return size_t(8) << 30;
    const size_t n = strtoull(text, &unit, 10);
    if (n && (!*unit || !strcmp(unit, "M")))
        return n << 20;
    if (n && !strcmp(unit, "G"))
        return n << 30;
    misuse("RN_EMU_MEMORY is '%s', expected MiB as 64 or 64M, or GiB as 2G", text);
}

static void protect(char *at, size_t bytes, bool open)
{
    const room r = room_of(at, bytes);

    if (mprotect(r.start, size_t(r.end - r.start), open ? PROT_READ | PROT_WRITE : PROT_NONE))
        misuse("mprotect failed");
}

static void poison(char *from, char *to)
{
    if (__asan_poison_memory_region)
        __asan_poison_memory_region(from, size_t(to - from));
}

/* Of a large piece, both ends are: a workspace that nobody writes takes no time. */
static const size_t poisoned = size_t(4) << 20;

bool memory_give(size_t bytes, CUdeviceptr *out)
{
    const size_t pages = up_to(bytes, page);

    if (!base) {
        base = static_cast<char *>(
            mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
        if (base == MAP_FAILED)
            misuse("no address space for device memory");
        next = base + page;
    }
    if (bytes > capacity() - used)
        return false;
    if (pages + page > size_t(base + reserved - next)) /* which no card lacks */
        misuse("all addresses were given once: %zu GiB in one process", reserved >> 30);
    char *at = next + pages - up_to(bytes, aligned), *start = next;
    next += pages + page;
    protect(at, bytes, true);
    if (pages <= 2 * poisoned)
        memset(start, 0xff, pages); /* NaN, and no index that one could use */
    else {
        memset(start, 0xff, poisoned);
        memset(next - page - poisoned, 0xff, poisoned);
    }
    poison(start, at);
    poison(at + bytes, next);
    if (!opened)
        protect(at, bytes, false);
    given[at] = bytes;
    used += bytes;
    *out = reinterpret_cast<CUdeviceptr>(at);
    return true;
}

/* The rest of its pages is as it was. */
static void check_rest(char *at, size_t bytes)
{
    const room r = room_of(at, bytes);

    protect(at, bytes, true);
    for (const char *p = r.start == at ? at + bytes : r.start; p < r.end;
         p = p + 1 == at ? at + bytes : p + 1)
        if (*p != char(0xff))
            misuse("byte %td of a piece of %zu was written to", p - at, bytes);
}

void memory_take_back(CUdeviceptr p)
{
    char *at = reinterpret_cast<char *>(p);
    auto found = given.find(at);

    if (found == given.end())
        misuse("cuMemFree of %p, which was not given or is freed already", static_cast<void *>(at));
    const room r = room_of(at, found->second);
    check_rest(at, found->second);
    madvise(r.start, size_t(r.end - r.start), MADV_DONTNEED);
    protect(at, found->second, false);
    poison(r.start, r.end);
    used -= found->second;
    owned.erase(at);
    given.erase(found);
}

void memory_left(size_t *free_bytes, size_t *all)
{
    *all = capacity();
    *free_bytes = *all - used;
}

size_t memory_live() { return used; }

/* What nobody gave back before the program ended by itself. */
__attribute__((destructor)) static void check_end()
{
    if (!used || sticky != CUDA_SUCCESS)
        return;
    fflush(nullptr); /* what the program said would be lost */
    misuse("%zu bytes of device memory were not freed when the program ended", used);
}

static bool holds(const std::map<char *, size_t> &pieces, const void *p, size_t bytes)
{
    char *at = static_cast<char *>(const_cast<void *>(p));
    auto behind = pieces.upper_bound(at);

    if (behind == pieces.begin())
        return false;
    --behind;
    return size_t(at - behind->first) <= behind->second &&
           bytes <= behind->second - size_t(at - behind->first);
}

bool memory_holds(const void *at, size_t bytes) { return holds(given, at, bytes); }

bool memory_is_device(const void *at) { return base && at >= base && at < base + reserved; }

void memory_open(bool open)
{
    opened += open ? 1 : -1;
    if (opened != (open ? 1 : 0))
        return;
    for (auto &piece : given)
        if (!owned.count(piece.first))
            protect(piece.first, piece.second, open);
}

void memory_own(const void *p)
{
    auto found = given.find(static_cast<char *>(const_cast<void *>(p)));

    if (found == given.end())
        misuse("the workspace is no piece of device memory");
    protect(found->first, found->second, false);
    owned.insert(found->first);
}

void *host_give(size_t bytes)
{
    char *at = static_cast<char *>(malloc(bytes));

    if (at)
        host_given[at] = bytes;
    return at;
}

void host_take_back(void *at)
{
    if (!host_given.erase(static_cast<char *>(at)))
        misuse("cuMemFreeHost of %p, which was not given or is freed already", at);
    free(at);
}

bool host_holds(const void *at, size_t bytes) { return holds(host_given, at, bytes); }
