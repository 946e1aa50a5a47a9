/* diag.h - the problems of a configuration, collected so that all are listed at once. */
#ifndef DIAG_H
#define DIAG_H

#include "base/mem.h"

struct source {       /* a text that nodes point into: a file, or the command line */
    const char *path; /* as shown to people; "command line" for overrides */
    const char *dir;  /* absolute folder that relative paths in it start from */
    const char *text; /* whole, for the caret lines */
    size_t bytes;
};

struct mark { /* where; line 0 means nowhere in particular */
    const struct source *source;
    int32_t line, col, width; /* from 1, in code points; width of what is underlined */
};

enum severity { DIAG_ERROR, DIAG_WARNING };

/* A problem is in the diag and does not keep the rest from being checked; only what is no problem
 * of the file, such as missing memory, ends the reading. */
#define CHECKED(call) \
    do { \
        int checked_ = (call); \
        if (checked_ < 0 && checked_ != RN_EINVAL) \
            return checked_; \
    } while (0)

struct diag;
struct diag *diag_new(struct pool *p);
/* A file was read: it counts in the last line, and problems are listed in the order of files. */
int diag_file(struct diag *d, const struct source *s);
const struct source *diag_file_at(const struct diag *d, int i); /* NULL: no more */

/* "file:line:col: path: message", then the line, a caret line, and hint behind the caret when it
 * is not NULL. path may be NULL. Returns RN_EINVAL, or RN_ENOMEM. */
int diag_add(struct diag *d, enum severity s, struct mark at, const char *path, const char *hint,
             const char *fmt, ...) RN_PRINTF(6, 7);
/* Adds the problems of from that d does not have yet, with " (where)" behind the message. */
int diag_merge(struct diag *d, const struct diag *from, const char *where);
int diag_errors(const struct diag *d);
int diag_warnings(const struct diag *d);
/* Warning i, as it came, in one line, from the pool; NULL: no more, or out of memory. */
const char *diag_warning_at(const struct diag *d, int i);
/* All of them, in order of position, at most 20 errors and a line for the rest; a last line
 * counts: "1 file read, 2 errors, nothing was started". */
void diag_text(const struct diag *d, bool colour, struct text *out);
/* {"errors":[{"file","line","col","path","message","hint","severity"}...]}: all, in that order */
void diag_json(const struct diag *d, struct text *out);

/* The nearest of names to word by Damerau-Levenshtein, at most half its length away (fio's rule)
 * and at most 3; a name that word begins, or that begins with word, counts as near. NULL: none. */
const char *diag_nearest(const char *word, const char *const *names, int n);
/* "did you mean 'units'?", or "one of a, b, c"; NULL without names or memory. */
const char *diag_suggest(struct pool *p, const char *word, const char *const *names, int n);

#endif
