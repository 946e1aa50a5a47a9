/* log.c - lines for people on stderr, and kept for log.txt of the run folder. */
#define _POSIX_C_SOURCE 200809L
#include "log.h"

#include "file.h"

#include <runner/utf8.h>

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
    for (int n; *text; text += n ? n : 1) {
        n = *text == '\r' ? 0 : rn_utf8_shown(text);
        if (!n)
            *text = '?';
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
