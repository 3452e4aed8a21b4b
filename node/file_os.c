#include "node/file_os.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status failed(const char *what, const char *path)
{
    const int error = errno;
    log_error("node", what, "path=\"%s\" reason=\"%s\"", path, strerror(error));
    return status_of_errno(error);
}

static enum status read_all(int descriptor, const char *path, char **bytes, size_t *byte_count)
{
    struct stat facts;
    if (fstat(descriptor, &facts) != 0) return failed("file not readable", path);
    if (!S_ISREG(facts.st_mode) || facts.st_size > FILE_BYTES_MAX) {
        log_error("node", "file refused", "path=\"%s\" reason=\"not a small plain file\"", path);
        return STATUS_MALFORMED;
    }
    char *space = malloc((size_t)facts.st_size + 1);
    if (space == NULL) return STATUS_NO_MEMORY;

    size_t filled = 0;
    while (filled < (size_t)facts.st_size) {
        const ssize_t got = read(descriptor, space + filled, (size_t)facts.st_size - filled);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            free(space);
            return failed("file not readable", path);
        }
        if (got == 0) break;
        filled += (size_t)got;
    }
    space[filled] = '\0';
    *bytes = space;
    *byte_count = filled;
    return STATUS_OK;
}

enum status file_read(const char *path, char **bytes, size_t *byte_count)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) return STATUS_NOT_FOUND;
    if (descriptor < 0) return failed("file not readable", path);
    const enum status status = read_all(descriptor, path, bytes, byte_count);
    close(descriptor);
    return status;
}

enum status file_read_secret(const char *path, char **bytes, size_t *byte_count)
{
    struct stat facts;
    if (stat(path, &facts) == 0 && (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        log_error("node", "secret refused",
                  "path=\"%s\" reason=\"others than its owner may open it\" remedy=\"chmod 600\"",
                  path);
        return STATUS_MALFORMED;
    }
    return file_read(path, bytes, byte_count);
}

static bool write_all(int descriptor, const uint8_t *bytes, size_t byte_count)
{
    size_t written = 0;
    while (written < byte_count) {
        const ssize_t count = write(descriptor, bytes + written, byte_count - written);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        written += (size_t)count;
    }
    return fsync(descriptor) == 0;
}

/* The file under a name of its own beside `path`, complete and on disk. */
static enum status write_beside(const char *path, char beside[FILE_PATH_MAX], const void *bytes,
                                size_t byte_count, mode_t mode)
{
    if (snprintf(beside, FILE_PATH_MAX, "%s.XXXXXX", path) >= FILE_PATH_MAX)
        return STATUS_MALFORMED;
    const int descriptor = mkostemp(beside, O_CLOEXEC);
    if (descriptor < 0) return failed("file not writable", path);

    enum status status = STATUS_OK;
    if (fchmod(descriptor, mode) != 0 || !write_all(descriptor, bytes, byte_count)) {
        status = failed("file not writable", path);
        unlink(beside);
    }
    close(descriptor);
    return status;
}

/* A new name lasts only when its folder has been synced too. */
static enum status sync_folder_of(const char *path)
{
    char copy[FILE_PATH_MAX];
    snprintf(copy, sizeof(copy), "%s", path);
    const int descriptor = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return failed("folder not readable", path);
    const int synced = fsync(descriptor);
    close(descriptor);
    return synced == 0 ? STATUS_OK : failed("folder not synced", path);
}

enum status file_create(const char *path, const void *bytes, size_t byte_count, mode_t mode)
{
    char beside[FILE_PATH_MAX];
    enum status status = write_beside(path, beside, bytes, byte_count, mode);
    if (status != STATUS_OK) return status;

    /* link, unlike rename, fails when the name is taken. */
    if (link(beside, path) != 0)
        status = errno == EEXIST ? STATUS_EXISTS : failed("file not writable", path);
    unlink(beside);
    return status == STATUS_OK ? sync_folder_of(path) : status;
}

enum status file_replace(const char *path, const void *bytes, size_t byte_count, mode_t mode)
{
    char beside[FILE_PATH_MAX];
    const enum status status = write_beside(path, beside, bytes, byte_count, mode);
    if (status != STATUS_OK) return status;

    if (rename(beside, path) != 0) {
        const enum status failure = failed("file not writable", path);
        unlink(beside);
        return failure;
    }
    return sync_folder_of(path);
}

enum status file_make_folder(const char *path, mode_t mode)
{
    char part[FILE_PATH_MAX];
    if (snprintf(part, sizeof(part), "%s", path) >= FILE_PATH_MAX) return STATUS_MALFORMED;

    for (char *at = part + 1; *at != '\0'; at++) {
        if (*at != '/') continue;
        *at = '\0';
        /* Folders on the way stay searchable: PostgreSQL's user may live beside us. */
        if (mkdir(part, 0755) != 0 && errno != EEXIST) return failed("folder not made", part);
        *at = '/';
    }
    if (mkdir(part, mode) != 0 && errno != EEXIST) return failed("folder not made", part);
    return STATUS_OK;
}

bool file_exists(const char *path)
{
    struct stat facts;
    return lstat(path, &facts) == 0;
}

bool file_path(char path[FILE_PATH_MAX], const char *folder, const char *name)
{
    return snprintf(path, FILE_PATH_MAX, "%s/%s", folder, name) < FILE_PATH_MAX;
}
