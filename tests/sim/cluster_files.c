/* Files besides the log lie in a real folder, best on a tmpfs. The calls that change them are caught at the linker
 * (-Wl,--wrap): they fail when the owner's power is off, and what was not synchronised is remembered, so that a cut
 * of the power can lose any sectors of it. A name is taken to be durable at once: the code synchronises folders. */

#include "tests/sim/cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SECTOR 512

ssize_t __real_pwrite(int file, const void *bytes, size_t byte_count, off_t offset);
ssize_t __real_write(int file, const void *bytes, size_t byte_count);
ssize_t __real_pwritev(int file, const struct iovec *pieces, int count, off_t offset);
int __real_fsync(int file);
int __real_fdatasync(int file);
int __real_ftruncate(int file, off_t length);
int __real_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __real_unlink(const char *path);
int __real_unlinkat(int folder, const char *path, int flags);
int __real_link(const char *from, const char *to);

ssize_t __wrap_pwrite(int file, const void *bytes, size_t byte_count, off_t offset);
ssize_t __wrap_write(int file, const void *bytes, size_t byte_count);
ssize_t __wrap_pwritev(int file, const struct iovec *pieces, int count, off_t offset);
int __wrap_fsync(int file);
int __wrap_fdatasync(int file);
int __wrap_ftruncate(int file, off_t length);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_unlink(const char *path);
int __wrap_unlinkat(int folder, const char *path, int flags);
int __wrap_link(const char *from, const char *to);

/* A file with bytes that were not synchronised, and what is on the disk of it. */
struct lazy {
    struct lazy *next;
    ino_t inode;
    char path[256];
    uint8_t *durable;
    size_t durable_bytes;
};

struct files {
    struct lazy *lazy;
    uint64_t calls, cut_at;
    bool off, fails, full;
};

struct node *files_owner;
static struct files all[CLUSTER_NODES + 1];
static struct random files_random;

static struct files *mine(void)
{
    return files_owner == NULL ? NULL : &all[files_owner->id];
}

/* Counts a changing call. False: it fails, errno says how; `*torn`: the power goes in the middle of it. */
static bool allowed(struct files *files, bool writes, bool *torn)
{
    *torn = false;
    if (files->off || files->fails) {
        errno = EIO;
        return false;
    }
    if (files->full && writes) {
        errno = ENOSPC;
        return false;
    }
    files->calls++;
    if (files->cut_at == 0 || files->calls < files->cut_at) return true;
    files->off = true;
    figures.file_cuts++;
    *torn = true;
    return true;
}

static int cut(void)
{
    errno = EIO;
    return -1;
}

/* ---- What is not on the disk ---- */

static struct lazy *lazy_find(struct files *files, ino_t inode)
{
    for (struct lazy *lazy = files->lazy; lazy != NULL; lazy = lazy->next)
        if (lazy->inode == inode) return lazy;
    return NULL;
}

static bool is_durable_at_once(int file)
{
    const int flags = fcntl(file, F_GETFL);
    return (flags & O_DSYNC) != 0;
}

/* Keeps what the disk has of a file that is about to be changed. */
static void remember(struct files *files, int file)
{
    struct stat facts;
    if (is_durable_at_once(file) || fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode)) return;
    if (lazy_find(files, facts.st_ino) != NULL) return;
    struct lazy *lazy = calloc(1, sizeof(*lazy));
    char link_path[64];
    ASSERT(lazy != NULL);
    snprintf(link_path, sizeof(link_path), "/proc/self/fd/%d", file);
    const ssize_t length = readlink(link_path, lazy->path, sizeof(lazy->path) - 1);
    ASSERT(length > 0);
    lazy->inode = facts.st_ino;
    lazy->durable_bytes = (size_t)facts.st_size;
    lazy->durable = malloc(lazy->durable_bytes + 1);
    ASSERT(lazy->durable != NULL);
    const int reader = open(lazy->path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = reader < 0 ? -1 : pread(reader, lazy->durable, lazy->durable_bytes, 0);
    ASSERT(got == (ssize_t)lazy->durable_bytes);
    close(reader);
    lazy->next = files->lazy;
    files->lazy = lazy;
}

static void forget(struct files *files, int file)
{
    struct stat facts;
    if (fstat(file, &facts) != 0) return;
    for (struct lazy **at = &files->lazy; *at != NULL; at = &(*at)->next)
        if ((*at)->inode == facts.st_ino) {
            struct lazy *lazy = *at;
            *at = lazy->next;
            free(lazy->durable);
            free(lazy);
            return;
        }
}

static bool sector_kept(uint64_t kind, size_t sector, size_t prefix)
{
    if (kind == 0) return false;
    if (kind == 1) return true;
    if (kind == 2) return sector < prefix;
    return random_below(&files_random, 2) == 0;
}

/* How long the file is after a loss of this kind. */
static size_t length_after(const struct lazy *lazy, size_t live, uint64_t kind, size_t prefix)
{
    const size_t durable = lazy->durable_bytes;
    if (kind == 0) return durable;
    if (kind == 1 || live <= durable) return live;
    if (kind == 2)
        return prefix * SECTOR >= live      ? live
               : prefix * SECTOR <= durable ? durable
                                            : prefix * SECTOR;
    return durable + (size_t)random_below(&files_random, live - durable + 1);
}

static void lose_bytes(const struct lazy *lazy, int file, size_t live)
{
    const size_t longer = live > lazy->durable_bytes ? live : lazy->durable_bytes;
    const size_t sectors = (longer + SECTOR - 1) / SECTOR;
    const uint64_t kind = random_below(&files_random, 4);
    const size_t prefix = (size_t)random_below(&files_random, sectors + 1);
    const size_t end = length_after(lazy, live, kind, prefix);
    for (size_t i = 0; i * SECTOR < end; i++) {
        uint8_t bytes[SECTOR] = {0};
        if (sector_kept(kind, i, prefix)) continue;
        const size_t at = i * SECTOR;
        const size_t left = at < lazy->durable_bytes ? lazy->durable_bytes - at : 0;
        if (left > 0) memcpy(bytes, lazy->durable + at, left < SECTOR ? left : SECTOR);
        const size_t count = end - at < SECTOR ? end - at : SECTOR;
        const ssize_t written = __real_pwrite(file, bytes, count, (off_t)at);
        ASSERT(written == (ssize_t)count);
    }
    const int truncated = __real_ftruncate(file, (off_t)end);
    ASSERT(truncated == 0);
}

/* Some of what was written since the last synchronisation is there, some is not. */
static void lose(const struct lazy *lazy)
{
    struct stat facts;
    const int file = open(lazy->path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    if (fstat(file, &facts) == 0 && facts.st_ino == lazy->inode)
        lose_bytes(lazy, file, (size_t)facts.st_size);
    close(file);
}

static void files_clear(struct files *files, bool loses)
{
    while (files->lazy != NULL) {
        struct lazy *lazy = files->lazy;
        files->lazy = lazy->next;
        if (loses) lose(lazy);
        free(lazy->durable);
        free(lazy);
    }
}

/* ---- The calls ---- */

ssize_t __wrap_pwrite(int file, const void *bytes, size_t byte_count, off_t offset)
{
    struct files *files = mine();
    bool torn;
    if (files == NULL) return __real_pwrite(file, bytes, byte_count, offset);
    if (!allowed(files, true, &torn)) return -1;
    remember(files, file);
    if (torn) {
        const size_t some = (size_t)random_below(&files_random, byte_count + 1);
        if (some > 0 && __real_pwrite(file, bytes, some, offset) < 0) return -1;
        return cut();
    }
    return __real_pwrite(file, bytes, byte_count, offset);
}

ssize_t __wrap_write(int file, const void *bytes, size_t byte_count)
{
    struct files *files = mine();
    bool torn;
    if (files == NULL || file <= 2) return __real_write(file, bytes, byte_count);
    if (!allowed(files, true, &torn)) return -1;
    remember(files, file);
    if (torn) return cut();
    return __real_write(file, bytes, byte_count);
}

ssize_t __wrap_pwritev(int file, const struct iovec *pieces, int count, off_t offset)
{
    struct files *files = mine();
    bool torn;
    if (files == NULL) return __real_pwritev(file, pieces, count, offset);
    if (!allowed(files, true, &torn)) return -1;
    remember(files, file);
    if (torn) {
        if (count > 1 && __real_pwritev(file, pieces, count - 1, offset) < 0) return -1;
        return cut();
    }
    return __real_pwritev(file, pieces, count, offset);
}

int __wrap_fsync(int file)
{
    struct files *files = mine();
    bool torn;
    if (files == NULL) return __real_fsync(file);
    if (!allowed(files, false, &torn)) return -1;
    if (torn) return cut();
    forget(files, file);
    return 0;
}

int __wrap_fdatasync(int file)
{
    return files_owner == NULL ? __real_fdatasync(file) : __wrap_fsync(file);
}

int __wrap_ftruncate(int file, off_t length)
{
    struct files *files = mine();
    bool torn;
    if (files == NULL) return __real_ftruncate(file, length);
    if (!allowed(files, false, &torn)) return -1;
    remember(files, file);
    if (torn && random_below(&files_random, 2) == 0) return cut();
    const int result = __real_ftruncate(file, length);
    return torn ? cut() : result;
}

int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    struct files *files = mine();
    bool torn;
    if (files == NULL) return __real_renameat(from_folder, from, to_folder, to);
    if (!allowed(files, false, &torn)) return -1;
    if (torn && random_below(&files_random, 2) == 0) return cut();
    const int result = __real_renameat(from_folder, from, to_folder, to);
    return torn ? cut() : result;
}

int __wrap_unlink(const char *path)
{
    struct files *files = mine();
    bool torn;
    if (files == NULL) return __real_unlink(path);
    if (!allowed(files, false, &torn)) return -1;
    if (torn && random_below(&files_random, 2) == 0) return cut();
    const int result = __real_unlink(path);
    return torn ? cut() : result;
}

int __wrap_unlinkat(int folder, const char *path, int flags)
{
    struct files *files = mine();
    bool torn;
    if (files == NULL) return __real_unlinkat(folder, path, flags);
    if (!allowed(files, false, &torn)) return -1;
    if (torn && random_below(&files_random, 2) == 0) return cut();
    const int result = __real_unlinkat(folder, path, flags);
    return torn ? cut() : result;
}

int __wrap_link(const char *from, const char *to)
{
    struct files *files = mine();
    bool torn;
    if (files == NULL) return __real_link(from, to);
    if (!allowed(files, false, &torn)) return -1;
    if (torn && random_below(&files_random, 2) == 0) return cut();
    const int result = __real_link(from, to);
    return torn ? cut() : result;
}

/* ---- For the cluster ---- */

void files_open(struct cluster *cluster)
{
    files_owner = NULL;
    memset(all, 0, sizeof(all));
    random_seed(&files_random, cluster->seed ^ 0xf11e5);
}

void files_close(void)
{
    files_owner = NULL;
    for (uint32_t i = 0; i <= CLUSTER_NODES; i++)
        files_clear(&all[i], false);
}

void files_cut_after(uint32_t node, uint64_t calls)
{
    all[node].cut_at = all[node].calls + calls;
}

bool files_off(uint32_t node)
{
    return all[node].off;
}

void files_fail(uint32_t node, bool fail)
{
    all[node].fails = fail;
}

void files_full(uint32_t node, bool full)
{
    all[node].full = full;
}

void files_restore(struct cluster *cluster, uint32_t node)
{
    (void)cluster;
    files_owner = NULL;
    files_clear(&all[node], true);
    all[node].off = false;
    all[node].cut_at = 0;
}

/* ---- Trees ---- */

static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static int not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

void files_remove_tree(const char *folder)
{
    struct dirent **names;
    const int count = scandir(folder, &names, not_dots, by_name);
    for (int i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        if (__real_unlink(path) != 0) files_remove_tree(path);
        free(names[i]);
    }
    if (count >= 0) free(names);
    rmdir(folder);
}

struct found {
    const char *part;
    uint32_t count, wanted;
    char path[512];
};

static void walk(const char *folder, struct found *found)
{
    struct dirent **names;
    const int count = scandir(folder, &names, not_dots, by_name);
    for (int i = 0; i < count; i++) {
        char path[512];
        struct stat facts;
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        if (strcmp(names[i]->d_name, "quarantine") != 0 && lstat(path, &facts) == 0) {
            if (S_ISDIR(facts.st_mode))
                walk(path, found);
            else if (strstr(names[i]->d_name, found->part) != NULL && facts.st_size > 0 &&
                     found->count++ == found->wanted)
                memcpy(found->path, path, sizeof(path));
        }
        free(names[i]);
    }
    if (count >= 0) free(names);
}

bool files_flip(struct cluster *cluster, const char *folder, const char *part)
{
    struct found found = {.part = part, .wanted = UINT32_MAX};
    struct stat facts;
    uint8_t byte;
    walk(folder, &found);
    if (found.count == 0) return false;
    found.wanted = (uint32_t)cluster_below(cluster, found.count);
    found.count = 0;
    walk(folder, &found);
    const int file = open(found.path, O_RDWR | O_CLOEXEC);
    if (file < 0 || fstat(file, &facts) != 0) return false;
    const off_t at = (off_t)cluster_below(cluster, (uint64_t)facts.st_size);
    const bool flipped = pread(file, &byte, 1, at) == 1;
    byte ^= (uint8_t)(1u << cluster_below(cluster, 8));
    const ssize_t written = __real_pwrite(file, &byte, 1, at);
    ASSERT(flipped && written == 1);
    close(file);
    cluster_trace(cluster, "flip", (uint64_t)at, (uint64_t)facts.st_size, byte);
    return true;
}
