/* file.c - whole-file reads, atomic writes, folders; with injectable faults. */
#define _DEFAULT_SOURCE
#define _XOPEN_SOURCE 700
#include "file.h"

#include "error.h"
#include "fault.h"
#include "mem.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* True when this write-side call is to fail; errno is set then. */
static bool fault(void)
{
    static struct fault f = {.variable = "RN_FAIL_IO"};

    if (!fault_hits(&f))
        return false;
    errno = ENOSPC;
    return true;
}

static int io_error(const char *verb, const char *path)
{
    const char *advice = errno == ENOSPC || errno == EDQUOT  ? "; free some space and run it again"
                         : errno == EACCES || errno == EROFS ? "; choose another folder with --out"
                                                             : "";
    return FAIL(RN_EIO, "cannot %s %s: %s%s", verb, path, strerror(errno), advice);
}

int file_read(const char *path, uint64_t max_bytes, void **data, uint64_t *bytes)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *data = NULL;
    *bytes = 0;
    if (fd < 0)
        return FAIL(RN_EDATA, "cannot read %s: %s", path, strerror(errno));
    int status = RN_OK;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        status = FAIL(RN_EDATA, "cannot read %s: not a regular file", path);
    else if ((uint64_t)st.st_size > max_bytes)
        status = FAIL(RN_EDATA, "cannot read %s: %lld bytes, more than the %llu that are allowed",
                      path, (long long)st.st_size, (unsigned long long)max_bytes);
    char *buf = status ? NULL : mem_alloc((size_t)st.st_size + 1);
    if (!status && !buf)
        status = RN_ENOMEM;
    size_t n = 0;
    while (!status && n < (size_t)st.st_size) {
        ssize_t got = read(fd, buf + n, (size_t)st.st_size - n);
        if (got > 0)
            n += (size_t)got;
        else if (got == 0)
            status = FAIL(RN_EDATA, "cannot read %s: it became shorter while it was read", path);
        else if (errno != EINTR)
            status = FAIL(RN_EDATA, "cannot read %s: %s", path, strerror(errno));
    }
    close(fd);
    if (status) {
        mem_free(buf);
        return status;
    }
    *data = buf;
    *bytes = n;
    return RN_OK;
}

static int write_all(int fd, const char *p, uint64_t n)
{
    while (n) {
        if (fault())
            return -1;
        ssize_t put = write(fd, p, n > 1u << 30 ? 1u << 30 : n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return -1;
        p += put;
        n -= (uint64_t)put;
    }
    return 0;
}

static void sync_folder_of(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (!slash)
        snprintf(dir, sizeof dir, ".");
    else
        snprintf(dir, sizeof dir, "%.*s", (int)(slash == path ? 1 : slash - path), path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd); /* the rename has happened: nothing to undo when this fails */
    close(fd);
}

static int replace(const char *path, const void *data, uint64_t bytes, bool lasting)
{
    char tmp[PATH_MAX];

    if (snprintf(tmp, sizeof tmp, "%s.tmp-%ld", path, (long)getpid()) >= (int)sizeof tmp)
        return FAIL(RN_EIO, "cannot write %s: the path is too long", path);
    int fd = fault() ? -1 : open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return io_error("write", path);
    int bad = write_all(fd, data, bytes) || (lasting && (fault() || fsync(fd)));
    int why = errno;
    if (close(fd) && !bad)
        bad = 1, why = errno;
    if (!bad && (fault() || rename(tmp, path)))
        bad = 1, why = errno;
    if (bad) {
        unlink(tmp);
        errno = why;
        return io_error("write", path);
    }
    if (lasting)
        sync_folder_of(path);
    return RN_OK;
}

int file_write(const char *path, const void *data, uint64_t bytes)
{
    return replace(path, data, bytes, true);
}

int file_write_soon(const char *path, const void *data, uint64_t bytes)
{
    return replace(path, data, bytes, false);
}

int file_append(const char *path, const void *data, uint64_t bytes)
{
    int fd =
        fault() ? -1 : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);

    if (fd < 0)
        return io_error("write", path);
    int bad = write_all(fd, data, bytes);
    int why = errno;
    if (close(fd) && !bad)
        bad = 1, why = errno;
    errno = why;
    return bad ? io_error("write", path) : RN_OK;
}

int file_mkdirs(const char *path)
{
    char dir[PATH_MAX];

    if (snprintf(dir, sizeof dir, "%s", path) >= (int)sizeof dir)
        return FAIL(RN_EIO, "cannot make the folder %s: the path is too long", path);
    for (char *p = dir + 1;; p++) {
        if (*p && *p != '/')
            continue;
        char c = *p;
        *p = '\0';
        struct stat st;
        if (fault() || (mkdir(dir, 0777) && (errno != EEXIST || stat(dir, &st) ||
                                             (!S_ISDIR(st.st_mode) && (errno = ENOTDIR)))))
            return io_error("make the folder", dir);
        *p = c;
        if (!c)
            return RN_OK;
    }
}

int file_mkdir_new(const char *path)
{
    if (!fault() && !mkdir(path, 0777))
        return RN_OK;
    if (errno == EEXIST)
        return FAIL(RN_EBUSY, "the folder %s exists already", path);
    return io_error("make the folder", path);
}

int file_symlink(const char *target, const char *path)
{
    char tmp[PATH_MAX];
    struct stat st;

    if (!lstat(path, &st) && !S_ISLNK(st.st_mode))
        return FAIL(RN_EIO, "cannot make the link %s: something else has that name", path);
    if (snprintf(tmp, sizeof tmp, "%s.tmp-%ld", path, (long)getpid()) >= (int)sizeof tmp)
        return FAIL(RN_EIO, "cannot make the link %s: the path is too long", path);
    unlink(tmp);
    if (fault() || symlink(target, tmp) || rename(tmp, path)) {
        int why = errno;
        unlink(tmp);
        errno = why;
        return io_error("make the link", path);
    }
    return RN_OK;
}

static int lock_taken(const char *path, int fd)
{
    char holder[256];
    ssize_t n = read(fd, holder, sizeof holder - 1);

    holder[n > 0 ? n : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    return FAIL(RN_EBUSY, "%s is in use%s%s; wait until that is over, or stop it", path,
                *holder ? " by " : "", holder);
}

int file_lock(const char *path, const char *holder, int *fd)
{
    *fd = fault() ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (*fd < 0)
        return io_error("write", path);
    int status = RN_OK;
    if (flock(*fd, LOCK_EX | LOCK_NB))
        status = errno == EWOULDBLOCK ? lock_taken(path, *fd) : io_error("lock", path);
    else if (ftruncate(*fd, 0) || write_all(*fd, holder, strlen(holder)))
        status = io_error("write", path);
    if (!status)
        return RN_OK;
    close(*fd);
    *fd = -1;
    return status;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    remove(path);
    return 0;
}

void file_remove_tree(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

bool file_exists(const char *path)
{
    struct stat st;

    return !stat(path, &st);
}
