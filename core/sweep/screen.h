/* screen.h - what a sweep shows on stderr while it runs: lines that stay, and on a terminal some
 * below them that are drawn again and again. */
#ifndef SWEEP_SCREEN_H
#define SWEEP_SCREEN_H

#include "base/mem.h"

struct screen {
    bool live; /* a terminal that can go up */
    int drawn; /* lines that are drawn again */
};

void screen_open(struct screen *s, bool quiet);
void screen_line(struct screen *s, const char *text); /* one that stays */
/* Takes the place of the lines before; each ends with '\n' and is cut to the terminal's width. */
void screen_draw(struct screen *s, const char *lines);

#endif
