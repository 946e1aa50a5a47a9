/* file.h - all reading and writing of files, so that tests can make it fail:
 * RN_FAIL_IO=n fails the n-th write-side system call of the process with ENOSPC,
 * RN_FAIL_IO=n+ that one and all after it. */
#ifndef FILE_H
#define FILE_H

#include <runner/abi.h>

/* The whole of a regular file of at most max_bytes, with one 0 byte behind it, from mem_alloc.
 * RN_EDATA: missing, a folder, a device, too large, unreadable; the message names the path. */
int file_read(const char *path, uint64_t max_bytes, void **data, uint64_t *bytes);
/* Replaced whole or left as it was: a temporary file beside it, fsync, rename, fsync of the
 * folder. RN_EIO. */
int file_write(const char *path, const void *data, uint64_t bytes);
/* The same without waiting for the disk, so that a power failure may take it: for what can be made
 * again. */
int file_write_soon(const char *path, const void *data, uint64_t bytes);
/* Added at its end, made when missing. RN_EIO: a part of it may be there. */
int file_append(const char *path, const void *data, uint64_t bytes);
int file_mkdirs(const char *path);                      /* with parents; fine when it exists */
int file_mkdir_new(const char *path);                   /* RN_EBUSY when it exists already */
int file_symlink(const char *target, const char *path); /* replaces path when that is a link */
void file_remove_tree(const char *path);                /* as far as possible; follows no links */
bool file_exists(const char *path);
/* The file as a lock that this process holds until *fd is closed, or until it ends, however it
 * does; holder is what the next one is told. RN_EBUSY: another has it. RN_EIO. */
int file_lock(const char *path, const char *holder, int *fd);

#endif
