/* folder.h - the run folder: reports/<name>/<YYYYMMDD-HHMMSS>-<6 hex>/, its status, and `latest`.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include "base/mem.h"

struct folder {
    const char *id;  /* "20260914-153012-7f3a2c" */
    const char *dir; /* where it lies, as the user would type it */
    const char *parent;
    const char *started; /* UTC, RFC 3339 */
    long microseconds;   /* behind it */
};

/* Makes the folder with weights/, figures/ and state/; leaves nothing behind on an error. RN_EIO.
 */
int folder_create(struct pool *p, const char *root, const char *name, const char *config,
                  struct folder *out);
/* status.json: status is running, finished, diverged, interrupted or failed. */
int folder_status(const struct folder *f, const char *status, int exit_code, const char *reason);
int folder_latest(const struct folder *f); /* reports/<name>/latest */
/* Writes text as a file of the folder. */
int folder_write(const struct folder *f, const char *name, const char *text, size_t n);
const char *folder_path(const struct folder *f, const char *name, char *out, size_t n);
void folder_remove(const struct folder *f);

#endif
