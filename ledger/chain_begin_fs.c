#include "common/log.h"
#include "ledger/chain_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status failed(const char *directory, const char *what, const char *file)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "directory=\"%s\" file=\"%s\" error=\"%s\"", directory, file,
              strerror(errno));
    return status;
}

/* The highest number of a segment, in either file; -1: errno says why. */
static int64_t last_segment(int folder)
{
    const int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    if (listing == NULL) {
        if (copy >= 0) close(copy);
        return -1;
    }
    uint32_t last = 0;
    for (const struct dirent *found; (found = readdir(listing)) != NULL;) {
        const uint32_t number = chain_segment_number(found->d_name) & ~CHAIN_HEADERS_FILE;
        if (number > last) last = number;
    }
    closedir(listing);
    return last;
}

/* ---- Beginning above a block ---- */

static size_t put_records(uint8_t *at, const uint8_t header[BLOCK_HEADER_BYTES], uint64_t height,
                          const uint8_t *certificate, size_t byte_count)
{
    struct chain_record record = {
        .type = CHAIN_BASE, .length = BLOCK_HEADER_BYTES, .height = height, .payload = header};
    chain_record_put(at, &record, header, 0);
    memcpy(at + CHAIN_RECORD_HEADER_BYTES, header, BLOCK_HEADER_BYTES);
    uint8_t *second = at + CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES;
    if (byte_count == 0) return (size_t)(second - at);
    record = (struct chain_record){.type = CHAIN_CERTIFICATE,
                                   .length = (uint32_t)byte_count,
                                   .height = height,
                                   .payload = certificate};
    chain_record_put(second, &record, certificate, 0);
    memcpy(second + CHAIN_RECORD_HEADER_BYTES, certificate, byte_count);
    return 2 * CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES + byte_count;
}

/* Writes the file that the chain begins with, whole on disk before it has its name. */
static enum status write_first(int folder, const char *directory, const uint8_t *bytes,
                               size_t byte_count)
{
    char name[CHAIN_FILE_NAME_MAX];
    chain_segment_name(1 | CHAIN_HEADERS_FILE, name);
    const int file = openat(folder, CHAIN_UNFINISHED, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool good = file >= 0 && chain_files_write_bytes(file, bytes, byte_count, 0) &&
                      fsync(file) == 0 && renameat(folder, CHAIN_UNFINISHED, folder, name) == 0 &&
                      fsync(folder) == 0;
    const enum status status =
        good ? STATUS_OK : failed(directory, "chain cannot be written", name);
    if (file >= 0) close(file);
    return status;
}

enum status chain_begin_at(const char *directory, const uint8_t header[BLOCK_HEADER_BYTES],
                           const uint8_t *certificate, size_t byte_count)
{
    struct block_header decoded;
    ASSERT(byte_count <= CHAIN_PAYLOAD_MAX);
    if (!block_header_decode(header, &decoded) || decoded.height == 0) return STATUS_MALFORMED;
    const int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int64_t last = folder < 0 ? -1 : last_segment(folder);
    uint8_t *bytes = malloc(2 * CHAIN_RECORD_HEADER_BYTES + BLOCK_HEADER_BYTES + byte_count);
    enum status status = STATUS_OK;
    if (last < 0)
        status = failed(directory, "chain cannot be opened", ".");
    else if (last > 0)
        status = STATUS_EXISTS;
    else if (bytes == NULL)
        status = STATUS_NO_MEMORY;
    else if (unlinkat(folder, "index", 0) != 0 && errno != ENOENT)
        status = failed(directory, "chain file cannot be removed", "index");
    if (status == STATUS_OK)
        status = write_first(folder, directory, bytes,
                             put_records(bytes, header, decoded.height, certificate, byte_count));
    free(bytes);
    if (folder >= 0) close(folder);
    return status;
}

/* ---- Putting aside ---- */

struct aside {
    const char *directory;
    int folder;
    int quarantine;
};

/* Moves a file under the first free number behind its name. No such file is no failure. */
static enum status put_aside(const struct aside *aside, const char *name)
{
    char to[CHAIN_FILE_NAME_MAX + 16];
    unsigned number = 0;
    do
        snprintf(to, sizeof(to), "%s.%u", name, ++number);
    while (faccessat(aside->quarantine, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
    if (renameat(aside->folder, name, aside->quarantine, to) != 0)
        return errno == ENOENT ? STATUS_OK
                               : failed(aside->directory, "chain file cannot be moved", name);
    log_warn("ledger", "a chain file was put into quarantine", "directory=\"%s\" file=\"%s\"",
             aside->directory, name);
    return STATUS_OK;
}

/* Both files of every segment from `last` down to `first`: a cut leaves a chain that ends earlier. */
static enum status put_segments_aside(const struct aside *aside, uint32_t first, uint32_t last)
{
    enum status status = STATUS_OK;
    for (uint32_t number = last; number >= first && number > 0 && status == STATUS_OK; number--) {
        char name[CHAIN_FILE_NAME_MAX];
        chain_segment_name(number, name);
        status = put_aside(aside, name);
        chain_segment_name(number | CHAIN_HEADERS_FILE, name);
        if (status == STATUS_OK) status = put_aside(aside, name);
    }
    return status;
}

/* Copies the first `byte_count` bytes of a file. */
static bool copy_part(int folder, const char *from, const char *to, uint64_t byte_count)
{
    static const size_t piece = 1u << 20;
    uint8_t *bytes = malloc(piece);
    const int source = openat(folder, from, O_RDONLY | O_CLOEXEC);
    const int copy = openat(folder, to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = bytes != NULL && source >= 0 && copy >= 0;
    for (uint64_t done = 0; good && done < byte_count;) {
        const size_t wanted = byte_count - done < piece ? (size_t)(byte_count - done) : piece;
        const int64_t got = chain_read_at(source, bytes, wanted, done);
        good = got == (int64_t)wanted && chain_files_write_bytes(copy, bytes, wanted, done);
        done += wanted;
    }
    good = good && fsync(copy) == 0;
    if (source >= 0) close(source);
    if (copy >= 0) close(copy);
    free(bytes);
    return good;
}

/* Puts the damaged file and all behind it aside, and what was good of it back. */
static enum status put_damage_aside(const struct aside *aside, const struct chain_scan *scan,
                                    uint32_t last)
{
    const uint32_t number = scan->file_segment & ~CHAIN_HEADERS_FILE;
    char name[CHAIN_FILE_NAME_MAX];
    chain_segment_name(scan->file_segment, name);
    const bool part = scan->file_offset > 0;
    enum status status = put_aside(aside, "index");
    if (status == STATUS_OK) status = put_segments_aside(aside, number + 1, last);
    if (status == STATUS_OK && part &&
        !copy_part(aside->folder, name, CHAIN_UNFINISHED, scan->file_offset))
        status = failed(aside->directory, "chain file cannot be copied", name);
    if (status == STATUS_OK) status = put_segments_aside(aside, number, number);
    if (status == STATUS_OK && part &&
        renameat(aside->folder, CHAIN_UNFINISHED, aside->folder, name) != 0)
        status = failed(aside->directory, "chain file cannot be moved", name);
    if (status == STATUS_OK && (fsync(aside->quarantine) != 0 || fsync(aside->folder) != 0))
        status = failed(aside->directory, "chain cannot be synchronised", ".");
    return status;
}

static enum status put_everything_aside(const struct aside *aside, uint32_t last)
{
    enum status status = put_aside(aside, "index");
    if (status == STATUS_OK) status = put_segments_aside(aside, 1, last);
    if (status == STATUS_OK && (fsync(aside->quarantine) != 0 || fsync(aside->folder) != 0))
        status = failed(aside->directory, "chain cannot be synchronised", ".");
    return status;
}

/* Ends: each pass puts at least one file aside. */
static enum status put_what_is_wrong_aside(const struct aside *aside, uint32_t last, uint64_t *tip)
{
    for (;;) {
        struct chain_scan scan;
        enum status status = chain_scan(aside->directory, &scan);
        if (status == STATUS_DAMAGED) {
            log_warn("ledger", "the chain is damaged and will be rebuilt from there on",
                     "file=\"%s\" offset=%lu what=\"%s\"", scan.file, scan.file_offset, scan.fault);
            status = put_damage_aside(aside, &scan, last);
            chain_scan_end(&scan);
            if (status != STATUS_OK) return status;
            continue;
        }
        *tip = scan.tip;
        chain_scan_end(&scan);
        return status;
    }
}

enum status chain_quarantine(const char *directory, bool everything, uint64_t *tip)
{
    *tip = 0;
    struct aside aside = {.directory = directory, .quarantine = -1};
    aside.folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (aside.folder < 0) return failed(directory, "chain cannot be opened", ".");
    const int index = openat(aside.folder, "index", O_RDWR | O_CLOEXEC);
    const int64_t last = last_segment(aside.folder);
    enum status status = STATUS_OK;
    if (index >= 0 && flock(index, LOCK_EX | LOCK_NB) != 0) {
        log_error("ledger", "chain is written by another process", "directory=\"%s\"", directory);
        status = STATUS_EXISTS;
    } else if (last < 0 ||
               (mkdirat(aside.folder, CHAIN_QUARANTINE, 0700) != 0 && errno != EEXIST)) {
        status = failed(directory, "chain cannot be opened", CHAIN_QUARANTINE);
    } else {
        aside.quarantine =
            openat(aside.folder, CHAIN_QUARANTINE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (aside.quarantine < 0)
            status = failed(directory, "chain cannot be opened", CHAIN_QUARANTINE);
    }
    if (status == STATUS_OK)
        status = everything ? put_everything_aside(&aside, (uint32_t)last)
                            : put_what_is_wrong_aside(&aside, (uint32_t)last, tip);
    if (aside.quarantine >= 0) close(aside.quarantine);
    if (index >= 0) close(index);
    close(aside.folder);
    return status;
}
