/* log.c - lines for people on stderr; the last are kept, and all from when a file is named. */
#define _POSIX_C_SOURCE 200809L
#include "log.h"

#include "file.h"
#include "mem.h"

#include <runner/utf8.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WARNINGS = 32, LINE = 2200, LOG_BYTES = 1 << 30 };

static int shown = RN_WARNING;
static char file[PATH_MAX];       /* "": there is none */
static char kept[LOG_KEPT][LINE]; /* a ring */
static char warnings[WARNINGS][LINE];
static int64_t n_kept, n_warnings;

void log_verbosity(int level) { shown = level; }

const char *log_kept(int i)
{
    int64_t first = n_kept > LOG_KEPT ? n_kept - LOG_KEPT : 0;

    return i >= 0 && first + i < n_kept ? kept[(first + i) % LOG_KEPT] : NULL;
}

const char *log_warning(int i) { return i >= 0 && i < n_warnings ? warnings[i] : NULL; }

int log_file(const char *path)
{
    const char *line;

    snprintf(file, sizeof file, "%s", path ? path : "");
    if (!path) {
        n_kept = n_warnings = 0;
        return RN_OK;
    }
    int status = file_append(file, "", 0);
    for (int i = 0; !status && (line = log_kept(i)); i++)
        status = file_append(file, line, strlen(line));
    return status;
}

static bool is_known(const char *warning)
{
    for (int64_t i = 0; i < n_warnings; i++)
        if (!strcmp(warnings[i], warning))
            return true;
    return false;
}

/* A line of log.txt as keep() made it; the time and the word have no space in them. */
static void recall(const char *line, size_t n)
{
    char text[LINE], *word, *said;

    snprintf(kept[n_kept++ % LOG_KEPT], LINE, "%.*s\n", (int)n, line);
    snprintf(text, sizeof text, "%.*s", (int)n, line);
    word = strchr(text, ' ');
    said = word ? strchr(word + 1, ' ') : NULL;
    if (!said || n_warnings == WARNINGS)
        return;
    *said++ = '\0';
    if ((!strcmp(word, " warning") || !strcmp(word, " error")) && !is_known(said))
        snprintf(warnings[n_warnings++], LINE, "%s", said);
}

int log_file_again(const char *path)
{
    struct text now = {0};
    uint64_t bytes;
    void *before;

    if (!file_exists(path))
        return log_file(path);
    int status = file_read(path, LOG_BYTES, &before, &bytes);
    if (status)
        return status;
    for (int i = 0; log_kept(i); i++)
        text_add(&now, "%s", log_kept(i));
    n_kept = 0;
    for (const char *at = before, *end; *at; at = *end ? end + 1 : end) {
        end = at + strcspn(at, "\n");
        recall(at, (size_t)(end - at));
    }
    snprintf(file, sizeof file, "%s", path);
    if (bytes && ((char *)before)[bytes - 1] != '\n') /* torn */
        status = file_append(file, "\n", 1);
    for (const char *at = text_str(&now), *end; *at; at = *end ? end + 1 : end) {
        end = at + strcspn(at, "\n");
        recall(at, (size_t)(end - at));
    }
    status = status ? status : now.status ? now.status : file_append(file, text_str(&now), now.n);
    text_free(&now);
    mem_free(before);
    return status;
}

void log_clean(char *text)
{
    for (int n; *text; text += n ? n : 1) {
        n = *text == '\r' ? 0 : rn_utf8_shown(text);
        if (!n)
            *text = '?';
    }
}

/* A line for the file and the report: the time, how bad it is, who says it, what. */
static void keep(int level, const char *word, const char *said)
{
    char stamp[32], *line = kept[n_kept++ % LOG_KEPT];
    time_t now = time(NULL);
    struct tm tm;

    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    snprintf(line, LINE, "%s %s %s\n", stamp, word, said);
    if (level <= RN_WARNING && n_warnings < WARNINGS)
        snprintf(warnings[n_warnings++], LINE, "%s", said);
    if (file[0] && file_append(file, line, strlen(line)))
        file[0] = '\0'; /* a full disk must not turn every line into an error */
}

static void say(int level, bool show, const char *who, const char *fmt, va_list args)
{
    static const char *const words[] = {"error", "warning", "info", "debug"};
    const char *word = words[level < 0 ? 0 : level > 3 ? 3 : level];
    char said[LINE - 40], text[2048]; /* 40: the time and the word */

    vsnprintf(text, sizeof text, fmt, args);
    log_clean(text);
    snprintf(said, sizeof said, "%s%s%s", who ? who : "", who ? ": " : "", text);
    if (show && level <= shown)
        fprintf(stderr, "%s: %s\n", word, said);
    keep(level, word, said);
}

void log_line(int level, const char *who, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(level, true, who, fmt, args);
    va_end(args);
}

void log_keep(int level, const char *who, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    say(level, false, who, fmt, args);
    va_end(args);
}
