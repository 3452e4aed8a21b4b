#include "ledger/checkpoint_files.h"

#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum status checkpoint_files_failed(const char *what, const char *directory, const char *name)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "directory=\"%s\" name=\"%s\" error=\"%s\"", directory, name,
              strerror(errno));
    return status;
}

void checkpoint_files_name(uint64_t height, const char *suffix, char name[CHECKPOINT_NAME_MAX])
{
    snprintf(name, CHECKPOINT_NAME_MAX, "%lu%s", height, suffix);
}

void checkpoint_files_chunk(uint32_t chunk, char name[CHECKPOINT_NAME_MAX])
{
    snprintf(name, CHECKPOINT_NAME_MAX, "%05u.chunk", chunk);
}

uint64_t checkpoint_files_height(const char *name, const char *suffix)
{
    if (*name < '1' || *name > '9') return 0;
    char *end;
    errno = 0;
    const uint64_t height = strtoull(name, &end, 10);
    return errno == 0 && strcmp(end, suffix) == 0 ? height : 0;
}

static bool write_all(int file, const uint8_t *bytes, size_t byte_count)
{
    while (byte_count > 0) {
        const ssize_t written = write(file, bytes, byte_count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        byte_count -= (size_t)written;
    }
    return true;
}

/* Closes and keeps the errno of what went wrong before. */
static void close_quietly(int file)
{
    const int kept = errno;
    close(file);
    errno = kept;
}

bool checkpoint_files_write(int folder, const char *name, const uint8_t *bytes, size_t byte_count)
{
    const int file = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return false;
    const bool whole = write_all(file, bytes, byte_count) && fdatasync(file) == 0;
    close_quietly(file);
    return whole;
}

bool checkpoint_files_read_at(int file, uint8_t *bytes, size_t byte_count, uint64_t offset)
{
    while (byte_count > 0) {
        const ssize_t got = pread(file, bytes, byte_count, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = 0;
        if (got <= 0) return false;
        bytes += got;
        offset += (uint64_t)got;
        byte_count -= (size_t)got;
    }
    return true;
}

bool checkpoint_files_read(int folder, const char *name, uint8_t *bytes, size_t capacity,
                           size_t *byte_count)
{
    const int file = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    struct stat facts;
    bool whole = fstat(file, &facts) == 0;
    if (whole && (uint64_t)facts.st_size > capacity) {
        errno = EFBIG;
        whole = false;
    }
    if (whole) {
        *byte_count = (size_t)facts.st_size;
        whole = checkpoint_files_read_at(file, bytes, *byte_count, 0);
    }
    close_quietly(file);
    return whole;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t text_bytes = strlen(text), end_bytes = strlen(end);
    return text_bytes >= end_bytes && strcmp(text + text_bytes - end_bytes, end) == 0;
}

bool checkpoint_files_each(int folder, bool (*each)(void *context, int folder, const char *name),
                           void *context)
{
    const int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = own < 0 ? NULL : fdopendir(own);
    if (names == NULL) {
        if (own >= 0) close_quietly(own);
        return false;
    }
    bool done = true;
    errno = 0;
    for (const struct dirent *entry; done && (entry = readdir(names)) != NULL; errno = 0)
        done = entry->d_name[0] == '.' || each(context, folder, entry->d_name);
    done = done && errno == 0;
    const int kept = errno;
    closedir(names);
    errno = kept;
    return done;
}

struct seen {
    bool manifest, certificate, aside;
};

static bool see(void *context, int folder, const char *name)
{
    struct seen *seen = context;
    (void)folder;
    if (strcmp(name, "manifest") == 0) seen->manifest = true;
    if (strcmp(name, "certificate") == 0) seen->certificate = true;
    if (ends_with(name, ".bad")) seen->aside = true;
    return true;
}

bool checkpoint_files_whole(int parent, const char *name, bool *whole, bool *certified)
{
    *whole = *certified = false;
    const int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return errno == ENOENT || errno == ENOTDIR;
    struct seen seen = {0};
    const bool listed = checkpoint_files_each(folder, see, &seen);
    close_quietly(folder);
    *whole = seen.manifest && !seen.aside;
    *certified = seen.certificate;
    return listed;
}

void checkpoint_files_put_aside(int folder, const char *name)
{
    char aside[CHECKPOINT_NAME_MAX + 8];
    snprintf(aside, sizeof(aside), "%s.bad", name);
    if (renameat(folder, name, folder, aside) != 0 && errno == ENOENT) {
        const int file = openat(folder, aside, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (file >= 0) close(file);
    }
    fsync(folder);
}

static bool remove_file(void *context, int folder, const char *name)
{
    (void)context;
    return unlinkat(folder, name, 0) == 0;
}

static bool remove_if_aside(void *context, int folder, const char *name)
{
    return !ends_with(name, ".bad") || remove_file(context, folder, name);
}

bool checkpoint_files_remove_aside(int folder)
{
    return checkpoint_files_each(folder, remove_if_aside, NULL);
}

static bool remove_folder(int parent, const char *name)
{
    const int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return errno == ENOENT;
    const bool removed = checkpoint_files_each(folder, remove_file, NULL);
    close_quietly(folder);
    return removed && unlinkat(parent, name, AT_REMOVEDIR) == 0;
}

bool checkpoint_files_remove(int parent, const char *name)
{
    char gone[CHECKPOINT_NAME_MAX + 8];
    if (ends_with(name, ".gone")) return remove_folder(parent, name);
    snprintf(gone, sizeof(gone), "%s.gone", name);
    if (!remove_folder(parent, gone)) return false;
    if (renameat(parent, name, parent, gone) != 0) return errno == ENOENT;
    return fsync(parent) == 0 && remove_folder(parent, gone);
}
