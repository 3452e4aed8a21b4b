#include "ledger/wal_disk.h"

#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct directory {
    struct wal_disk disk; /* first: wal_disk_free finds us by it */
    int descriptor;
    bool no_direct; /* the file system refused O_DIRECT, and we said so */
};

static int result_of(int64_t result)
{
    return result < 0 ? -errno : (int)result;
}

static int mode_flags(enum wal_disk_mode mode)
{
    if (mode == WAL_DISK_READ) return O_RDONLY;
    if (mode == WAL_DISK_LOG) return O_RDWR | O_DSYNC;
    return O_RDWR | O_CREAT | O_TRUNC;
}

static int disk_open(void *context, const char *name, enum wal_disk_mode mode)
{
    struct directory *directory = context;
    const int flags = mode_flags(mode) | O_CLOEXEC;
    if (mode == WAL_DISK_READ) return result_of(openat(directory->descriptor, name, flags));

    if (!directory->no_direct) {
        const int file = openat(directory->descriptor, name, flags | O_DIRECT, 0600);
        if (file >= 0 || errno != EINVAL) return result_of(file);
        directory->no_direct = true;
        log_warn("ledger", "no direct writes here, using O_DSYNC alone", "file=\"%s\"", name);
    }
    return result_of(openat(directory->descriptor, name, flags, 0600));
}

static void disk_close(void *context, int file)
{
    (void)context;
    close(file);
}

static int64_t disk_size(void *context, int file)
{
    (void)context;
    struct stat facts;
    return fstat(file, &facts) == 0 ? (int64_t)facts.st_size : -errno;
}

static int64_t disk_read(void *context, int file, uint64_t offset, void *bytes, size_t byte_count)
{
    (void)context;
    size_t done = 0;
    while (done < byte_count) {
        const ssize_t got =
            pread(file, (uint8_t *)bytes + done, byte_count - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        if (got == 0) break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

static int64_t disk_write(void *context, int file, uint64_t offset, const void *bytes,
                          size_t byte_count)
{
    (void)context;
    size_t done = 0;
    /* A short write goes on where it stopped, so that a full disk says that it is full. */
    while (done < byte_count) {
        const ssize_t put =
            pwrite(file, (const uint8_t *)bytes + done, byte_count - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return -errno;
        if (put == 0) break;
        done += (size_t)put;
    }
    return (int64_t)done;
}

static int disk_sync(void *context, int file)
{
    (void)context;
    return result_of(fsync(file));
}

static int disk_rename(void *context, const char *from, const char *to)
{
    const struct directory *directory = context;
    if (renameat(directory->descriptor, from, directory->descriptor, to) != 0) return -errno;
    return result_of(fsync(directory->descriptor));
}

static int disk_remove(void *context, const char *name)
{
    const struct directory *directory = context;
    if (unlinkat(directory->descriptor, name, 0) != 0) return -errno;
    return result_of(fsync(directory->descriptor));
}

static int disk_quarantine(void *context, const char *name)
{
    const struct directory *directory = context;
    if (mkdirat(directory->descriptor, "quarantine", 0700) != 0 && errno != EEXIST) return -errno;
    const int folder =
        openat(directory->descriptor, "quarantine", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return -errno;
    char free_name[300];
    unsigned number = 0;
    do
        snprintf(free_name, sizeof(free_name), "%.255s.%u", name, ++number);
    while (faccessat(folder, free_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    int result = renameat(directory->descriptor, name, folder, free_name) == 0 ? 0 : -errno;
    /* Where it went before where it was. */
    if (result == 0 && (fsync(folder) != 0 || fsync(directory->descriptor) != 0)) result = -errno;
    close(folder);
    return result;
}

static int disk_list(void *context, void (*each)(void *visitor, const char *name), void *visitor)
{
    const struct directory *directory = context;
    const int descriptor = openat(directory->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    DIR *entries = fdopendir(descriptor);
    if (entries == NULL) {
        const int failure = -errno;
        close(descriptor);
        return failure;
    }
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
        each(visitor, entry->d_name);
    closedir(entries);
    return 0;
}

struct wal_disk *wal_disk_directory(const char *path)
{
    struct directory *directory = calloc(1, sizeof(*directory));
    if (directory == NULL) return NULL;
    directory->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->descriptor < 0) {
        log_error("ledger", "cannot open the log's directory", "path=\"%s\" error=\"%s\"", path,
                  strerror(errno));
        free(directory);
        return NULL;
    }
    directory->disk = (struct wal_disk){
        .context = directory,
        .open = disk_open,
        .close = disk_close,
        .size = disk_size,
        .read = disk_read,
        .write = disk_write,
        .sync = disk_sync,
        .rename = disk_rename,
        .remove = disk_remove,
        .quarantine = disk_quarantine,
        .list = disk_list,
    };
    return &directory->disk;
}

void wal_disk_free(struct wal_disk *disk)
{
    if (disk == NULL) return;
    struct directory *directory = container_of(disk, struct directory, disk);
    close(directory->descriptor);
    free(directory);
}
