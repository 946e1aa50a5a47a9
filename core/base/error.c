/* error.c - the last error of this thread: a status and one message. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local struct error last;

int error_set(int status, const char *file, int line, const char *fmt, ...)
{
    char text[ERROR_MAX]; /* the arguments may contain the message recorded so far */
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    memcpy(last.text, text, sizeof text);
    last.status = status;
    last.file = file;
    last.line = line;
    return status;
}

int error_prefix(int status, const char *fmt, ...)
{
    char text[ERROR_MAX];
    va_list args;

    if (last.status != status)
        error_set(status, __FILE__, __LINE__, "failed with status %d and did not say why", status);
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n > 0 && n < ERROR_MAX - 2)
        snprintf(text + n, sizeof text - (size_t)n, ": %s", last.text);
    memcpy(last.text, text, sizeof text);
    return status;
}

const char *error_text(void) { return last.text; }

int error_status(void) { return last.status; }

const char *error_origin(void)
{
    static _Thread_local char origin[256];
    const char *slash = last.file ? strrchr(last.file, '/') : NULL;

    snprintf(origin, sizeof origin, "%s:%d",
             slash       ? slash + 1
             : last.file ? last.file
                         : "?",
             last.line);
    return origin;
}

struct error error_save(void) { return last; }

void error_restore(const struct error *e) { last = *e; }

void error_clear(void)
{
    last.status = 0;
    last.text[0] = '\0';
}

int error_exit_code(int status)
{
    switch (status) {
    case RN_OK: return 0;
    case RN_EINVAL:
    case RN_ESHAPE: return 2;
    case RN_EDEVICE:
    case RN_EUNSUPPORTED:
    case RN_EPLUGIN: return 3;
    case RN_EDATA: return 4;
    case RN_EIO: return 5;
    case RN_ENUMERIC: return 6;
    case RN_EBUSY: return 7;
    case RN_ENOMEM: return 8;
    default: return 70;
    }
}
