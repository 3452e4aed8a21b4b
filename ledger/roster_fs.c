#include "common/le.h"
#include "common/log.h"
#include "ledger/crc32c.h"
#include "ledger/roster.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME  "members"
#define DRAFT_NAME "members.new"
#define FILE_BYTES (4 + ROSTER_BYTES_MAX)

static enum status io_failed(const char *what, const char *directory)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "directory=\"%s\" error=\"%s\"", directory, strerror(errno));
    return status;
}

static bool write_draft(int folder, const uint8_t *bytes, size_t byte_count)
{
    const int file = openat(folder, DRAFT_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return false;
    const ssize_t written = pwrite(file, bytes, byte_count, 0);
    if (written >= 0 && (size_t)written != byte_count) errno = ENOSPC;
    const bool whole = written == (ssize_t)byte_count && fsync(file) == 0;
    close(file);
    return whole;
}

enum status roster_keep(const struct roster *roster, const char *directory)
{
    uint8_t bytes[FILE_BYTES];
    struct node_set known;
    roster_known(roster, &known);
    const size_t byte_count = roster_encode(&known, bytes + 4);
    le_put_u32(bytes, crc32c_add(0, bytes + 4, byte_count));
    const int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return io_failed("the members cannot be kept", directory);
    enum status status = STATUS_OK;
    if (!write_draft(folder, bytes, 4 + byte_count) ||
        renameat(folder, DRAFT_NAME, folder, FILE_NAME) != 0 || fsync(folder) != 0)
        status = io_failed("the members cannot be kept", directory);
    close(folder);
    return status;
}

void roster_recall(struct roster *roster, const char *directory)
{
    uint8_t bytes[FILE_BYTES + 1];
    char path[4096];
    struct node_set known;
    if ((size_t)snprintf(path, sizeof(path), "%s/" FILE_NAME, directory) >= sizeof(path)) return;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return; /* the first start */
    const ssize_t byte_count = pread(file, bytes, sizeof(bytes), 0);
    close(file);
    if (byte_count < 4 || (size_t)byte_count > FILE_BYTES ||
        crc32c_add(0, bytes + 4, (size_t)byte_count - 4) != le_get_u32(bytes) ||
        !roster_decode(bytes + 4, (size_t)byte_count - 4, &known)) {
        log_warn("ledger", "the file of members is damaged and not used", "path=\"%s\"", path);
        return;
    }
    roster_take_left(roster, &known);
}
