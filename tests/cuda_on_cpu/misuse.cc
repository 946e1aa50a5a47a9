/* misuse.cc - how the emulator ends a test, and the calls that fail because one wants them to. */
#include "emulator.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>

void misuse(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("cuda_on_cpu: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

bool wanted_to_fail(const std::string &call)
{
    static std::map<std::string, long> seen;
    const char *wish = getenv("RN_EMU_FAIL");

    if (!wish)
        return false;
    const std::string text = wish;
    const size_t colon = text.rfind(':');
    if (colon == std::string::npos || text.substr(0, colon) != call)
        return false;
    const long n = ++seen[text], first = atol(text.c_str() + colon + 1);
    return text.back() == '+' ? n >= first : n == first;
}

void log_call(const std::string &line)
{
    static const char *const path = getenv("RN_EMU_LOG");
    static FILE *const file = path ? fopen(path, "ae") : nullptr;

    if (file) {
        fprintf(file, "%s\n", line.c_str());
        fflush(file);
    }
}

uint64_t chance(uint64_t n)
{
    static const char *const seed = getenv("RN_EMU_SEED");
    static uint64_t state = seed ? strtoull(seed, nullptr, 10) : 1;

    state += 0x9e3779b97f4a7c15u; /* SplitMix64 */
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n;
}
