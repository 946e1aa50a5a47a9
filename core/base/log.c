/* log.c - lines for people on stderr, and kept for log.txt of the run folder. */
#define _POSIX_C_SOURCE 200809L
#include "log.h"

#include "file.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int shown = RN_WARNING;
static char kept[PATH_MAX];

void log_verbosity(int level) { shown = level; }

int log_file(const char *path)
{
    snprintf(kept, sizeof kept, "%s", path ? path : "");
    return path ? file_append(kept, "", 0) : RN_OK;
}

void log_clean(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        int more = *p < 0x80                 ? 0
                   : *p >= 0xF0 && *p < 0xF5 ? 3
                   : *p >= 0xE0              ? 2
                   : *p >= 0xC2              ? 1
                                             : -1;
        bool good = *p >= 0xF5 ? false : more >= 0;

        for (int i = 1; good && i <= more; i++)
            good = (p[i] & 0xC0) == 0x80;
        if (!good || (*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7F ||
            (*p == 0xC2 && p[1] < 0xA0)) /* C1 controls */
            *p = '?';
        else
            p += more;
    }
}

void log_line(int level, const char *who, const char *fmt, ...)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};
    char line[2048], stamp[32];
    va_list args;
    time_t now = time(NULL);
    struct tm tm;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    log_clean(line);
    const char *word = words[level < 0 ? 0 : level > 3 ? 3 : level];
    if (level <= shown)
        fprintf(stderr, "%s: %s%s%s\n", word, who ? who : "", who ? ": " : "", line);
    if (!kept[0])
        return;
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    char out[2200];
    int n = snprintf(out, sizeof out, "%s %s %s%s%s\n", stamp, word, who ? who : "",
                     who ? ": " : "", line);
    if (n > 0 && file_append(kept, out, (uint64_t)n))
        kept[0] = '\0'; /* a full disk must not turn every line into an error */
}
