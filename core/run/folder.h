/* folder.h - the run folder: reports/<name>/<YYYYMMDD-HHMMSS>-<6 hex>/, its status, and `latest`.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include "base/mem.h"

#include <stdbool.h>

struct folder {
    const char *id;  /* "20260914-153012-7f3a2c" */
    const char *dir; /* where it lies, as the user would type it */
    const char *parent;
    const char *started; /* UTC, RFC 3339 */
    long microseconds;   /* behind it */
    int64_t attempt;     /* from 1 */
    bool made;           /* by this process */
    bool made_parent;    /* for runs of that name, not by who wanted this folder */
    int lock;            /* a file descriptor */
};

/* Makes the folder; leaves nothing behind on an error. RN_EIO. To be closed. */
int folder_create(struct pool *p, const char *root, const char *name, const char *config,
                  struct folder *out);
/* The folder dir itself, made when it is not there. RN_EBUSY: a live run has it, which the message
 * names. RN_EINVAL: the last part of dir can't be the name of a run, or there are files in dir that
 * are no run's. To be closed. */
int folder_enter(struct pool *p, const char *dir, struct folder *out);
int folder_inside(
    const struct folder *f); /* weights/, figures/ and state/, where they are missing */
/* Removes what an earlier attempt left for this one to make: all that counts, but for its log. */
void folder_clear(const struct folder *f);
void folder_clear_test(const struct folder *f); /* what was made of the test set alone */
void folder_close(struct folder *f);            /* another process may have it */
/* file_lock() that names this process, its host, and since when. */
int folder_lock(const char *path, int *fd);
/* status.json: status is running, finished, diverged, interrupted or failed. */
int folder_status(const struct folder *f, const char *status, int exit_code, const char *reason);
int folder_latest(const struct folder *f); /* reports/<name>/latest */
/* Writes text as a file of the folder. */
int folder_write(const struct folder *f, const char *name, const char *text, size_t n);
const char *folder_path(const struct folder *f, const char *name, char *out, size_t n);
/* What was made of it, after a beginning that failed. */
void folder_remove(const struct folder *f);

#endif
