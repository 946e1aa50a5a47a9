/* screen.c - lines on stderr. */
#define _DEFAULT_SOURCE
#include "screen.h"

#include "base/log.h"

#include <runner/utf8.h>

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int columns(void)
{
    struct winsize w;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || !w.ws_col ? 80 : w.ws_col;
}

/* A line that the terminal does not take costs nothing but itself. */
static void put(const char *s, size_t n)
{
    while (n) {
        ssize_t put = write(STDERR_FILENO, s, n);
        if (put <= 0)
            return;
        s += put;
        n -= (size_t)put;
    }
}

void screen_open(struct screen *s, bool quiet)
{
    const char *term = getenv("TERM");

    *s = (struct screen){.live =
                             !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0};
}

static void wipe(struct screen *s, struct text *t)
{
    if (s->drawn)
        text_add(t, "\033[%dA\033[J", s->drawn);
    s->drawn = 0;
}

static void flush(struct text *t)
{
    if (!t->status)
        put(text_str(t), t->n);
    text_free(t);
}

void screen_line(struct screen *s, const char *text)
{
    struct text t = {0};

    wipe(s, &t);
    text_add(&t, "%s\n", text);
    flush(&t);
}

void screen_draw(struct screen *s, const char *lines)
{
    struct text t = {0};
    int width = columns() - 1;

    if (!s->live)
        return;
    wipe(s, &t);
    for (const char *from = lines; *from; s->drawn++) {
        size_t n = strcspn(from, "\n"), shown = 0;
        uint32_t c;
        for (int k = 0; shown < n && k < width; k++) {
            int bytes = rn_utf8_next(from + shown, n - shown, &c);
            shown += bytes ? (size_t)bytes : 1;
        }
        text_put(&t, from, shown < n ? shown : n);
        text_add(&t, "\n");
        from += n + (from[n] == '\n');
    }
    flush(&t);
}
