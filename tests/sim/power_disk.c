#include "tests/sim/power_disk.h"

#include "tests/sim/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 256 /* a log that waits for certificates is long, and its segments are small */
#define SECTOR    512

struct stored_file {
    bool exists;
    char name[32];
    uint8_t *live;    /* as the process sees it */
    uint8_t *durable; /* as it is after a power cut */
    size_t live_bytes, durable_bytes;
    bool lazy; /* opened as new: durable at sync */
};

struct power_disk {
    struct wal_disk table;
    struct random random;
    size_t file_bytes_max;
    struct stored_file files[FILES_MAX];
    uint64_t calls;
    uint64_t cut_at; /* 0: never */
    bool off, held, full;
    uint64_t quarantined;
#ifdef PLANT_ACK_BEFORE_WRITE
    int pending; /* file whose live bytes were acknowledged and not written; -1: none */
    uint64_t pending_offset;
    size_t pending_bytes;
#endif
};

/* Carries some of the sectors over: none, all, a prefix, or any subset. */
static void tear(struct power_disk *disk, uint8_t *to, const uint8_t *from, size_t byte_count)
{
    const uint64_t kind = random_below(&disk->random, 4);
    const size_t sectors = (byte_count + SECTOR - 1) / SECTOR;
    const size_t prefix = kind == 2 ? (size_t)random_below(&disk->random, sectors + 1) : 0;
    for (size_t i = 0; i < sectors; i++) {
        const bool kept = kind == 1 || (kind == 2 && i < prefix) ||
                          (kind == 3 && random_below(&disk->random, 2) == 0);
        const size_t at = i * SECTOR;
        const size_t count = byte_count - at < SECTOR ? byte_count - at : SECTOR;
        if (kept) memcpy(to + at, from + at, count);
    }
}

/* Counts a changing call; true when the power goes during it. */
static bool cut_now(struct power_disk *disk)
{
    disk->calls++;
    if (disk->cut_at == 0 || disk->calls < disk->cut_at) return false;
    disk->off = true;
    return true;
}

static int find(const struct power_disk *disk, const char *name)
{
    for (int i = 0; i < FILES_MAX; i++)
        if (disk->files[i].exists && strcmp(disk->files[i].name, name) == 0) return i;
    return -1;
}

static void file_clear(struct stored_file *file)
{
    free(file->live);
    free(file->durable);
    *file = (struct stored_file){0};
}

static void name_set(struct stored_file *file, const char *name)
{
    memset(file->name, 0, sizeof(file->name));
    memcpy(file->name, name, strnlen(name, sizeof(file->name) - 1));
}

static int disk_open(void *context, const char *name, enum wal_disk_mode mode)
{
    struct power_disk *disk = context;
    if (disk->off || disk->held) return -EIO;
    int index = find(disk, name);
    if (mode != WAL_DISK_NEW) {
        if (index >= 0 && mode == WAL_DISK_LOG) disk->files[index].lazy = false;
        return index < 0 ? -ENOENT : index;
    }
    if (index >= 0) file_clear(&disk->files[index]);
    for (index = 0; index < FILES_MAX && disk->files[index].exists; index++)
        ;
    if (index == FILES_MAX) return -ENOSPC;
    struct stored_file *file = &disk->files[index];
    file->exists = file->lazy = true;
    name_set(file, name);
    file->live = calloc(1, disk->file_bytes_max);
    file->durable = calloc(1, disk->file_bytes_max);
    return index;
}

static void disk_close(void *context, int file)
{
    (void)context;
    (void)file;
}

static int64_t disk_size(void *context, int file)
{
    struct power_disk *disk = context;
    return disk->off || disk->held ? -EIO : (int64_t)disk->files[file].live_bytes;
}

static int64_t disk_read(void *context, int file, uint64_t offset, void *bytes, size_t byte_count)
{
    struct power_disk *disk = context;
    if (disk->off || disk->held) return -EIO;
    const struct stored_file *stored = &disk->files[file];
    if (offset >= stored->live_bytes) return 0;
    const size_t left = stored->live_bytes - (size_t)offset;
    const size_t count = byte_count < left ? byte_count : left;
    memcpy(bytes, stored->live + offset, count);
    return (int64_t)count;
}

static void extend(struct stored_file *stored, uint64_t end)
{
    if (end > stored->live_bytes) stored->live_bytes = (size_t)end;
}

#ifdef PLANT_ACK_BEFORE_WRITE
/* The planted bug: a write is reported durable at once and reaches the disk with the next one. */
static void pending_flush(struct power_disk *disk)
{
    if (disk->pending < 0) return;
    struct stored_file *stored = &disk->files[disk->pending];
    memcpy(stored->durable + disk->pending_offset, stored->live + disk->pending_offset,
           disk->pending_bytes);
    disk->pending = -1;
}
#endif

static int64_t disk_write(void *context, int file, uint64_t offset, const void *bytes,
                          size_t byte_count)
{
    struct power_disk *disk = context;
    if (disk->off || disk->held) return -EIO;
    struct stored_file *stored = &disk->files[file];
    if (disk->full) return -ENOSPC;
    if (offset % 4096 != 0 || byte_count % 4096 != 0 || ((uintptr_t)bytes & 4095) != 0)
        return -EINVAL;
    if (offset + byte_count > disk->file_bytes_max) return -EFBIG;

    const bool cut = cut_now(disk);
    extend(stored, offset + byte_count);
    if (stored->lazy) {
        memcpy(stored->live + offset, bytes, byte_count);
        return cut ? -EIO : (int64_t)byte_count;
    }
    if (stored->durable_bytes < stored->live_bytes) stored->durable_bytes = stored->live_bytes;
    if (cut) {
        tear(disk, stored->durable + offset, bytes, byte_count);
        return -EIO;
    }
    memcpy(stored->live + offset, bytes, byte_count);
#ifdef PLANT_ACK_BEFORE_WRITE
    pending_flush(disk);
    disk->pending = file;
    disk->pending_offset = offset;
    disk->pending_bytes = byte_count;
#else
    memcpy(stored->durable + offset, bytes, byte_count);
#endif
    return (int64_t)byte_count;
}

static int disk_sync(void *context, int file)
{
    struct power_disk *disk = context;
    if (disk->off || disk->held) return -EIO;
    struct stored_file *stored = &disk->files[file];
    if (cut_now(disk)) return -EIO;
    memcpy(stored->durable, stored->live, disk->file_bytes_max);
    stored->durable_bytes = stored->live_bytes;
    return 0;
}

static int disk_rename(void *context, const char *from, const char *to)
{
    struct power_disk *disk = context;
    if (disk->off || disk->held) return -EIO;
    const int index = find(disk, from);
    if (index < 0) return -ENOENT;
    const bool cut = cut_now(disk);
    if (cut && random_below(&disk->random, 2) == 0) return -EIO;
    const int old = find(disk, to);
    if (old >= 0) file_clear(&disk->files[old]);
    name_set(&disk->files[index], to);
    return cut ? -EIO : 0;
}

static int disk_remove(void *context, const char *name)
{
    struct power_disk *disk = context;
    if (disk->off || disk->held) return -EIO;
    const int index = find(disk, name);
    if (index < 0) return -ENOENT;
    const bool cut = cut_now(disk);
    if (!cut || random_below(&disk->random, 2) == 0) file_clear(&disk->files[index]);
    return cut ? -EIO : 0;
}

/* Nothing reads what is in quarantine: it is gone. */
static int disk_quarantine(void *context, const char *name)
{
    struct power_disk *disk = context;
    if (disk->off || disk->held) return -EIO;
    const int index = find(disk, name);
    if (index < 0) return -ENOENT;
    const bool cut = cut_now(disk);
    if (!cut || random_below(&disk->random, 2) == 0) {
        disk->quarantined++;
        file_clear(&disk->files[index]);
    }
    return cut ? -EIO : 0;
}

static int disk_list(void *context, void (*each)(void *visitor, const char *name), void *visitor)
{
    struct power_disk *disk = context;
    if (disk->off || disk->held) return -EIO;
    for (int i = 0; i < FILES_MAX; i++)
        if (disk->files[i].exists) each(visitor, disk->files[i].name);
    return 0;
}

struct power_disk *power_disk_new(uint64_t seed, size_t file_bytes_max)
{
    struct power_disk *disk = calloc(1, sizeof(*disk));
    if (disk == NULL) abort();
    random_seed(&disk->random, seed);
    disk->file_bytes_max = file_bytes_max;
#ifdef PLANT_ACK_BEFORE_WRITE
    disk->pending = -1;
#endif
    disk->table = (struct wal_disk){
        .context = disk,
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
    return disk;
}

void power_disk_free(struct power_disk *disk)
{
    for (int i = 0; i < FILES_MAX; i++)
        file_clear(&disk->files[i]);
    free(disk);
}

const struct wal_disk *power_disk_table(struct power_disk *disk)
{
    return &disk->table;
}

void power_disk_cut_after(struct power_disk *disk, uint64_t calls)
{
    disk->cut_at = disk->calls + calls;
}

void power_disk_restore(struct power_disk *disk)
{
    for (int i = 0; i < FILES_MAX; i++) {
        struct stored_file *file = &disk->files[i];
        if (!file->exists) continue;
        if (file->lazy) {
            /* Never synced: any of its sectors, either of its lengths, or nothing of it. */
            tear(disk, file->durable, file->live, file->live_bytes);
            if (random_below(&disk->random, 2) == 0) file->durable_bytes = file->live_bytes;
            if (strstr(file->name, ".new") != NULL && random_below(&disk->random, 2) == 0) {
                file_clear(file);
                continue;
            }
        }
        memcpy(file->live, file->durable, disk->file_bytes_max);
        file->live_bytes = file->durable_bytes;
    }
#ifdef PLANT_ACK_BEFORE_WRITE
    disk->pending = -1; /* acknowledged, and gone */
#endif
    disk->off = false;
    disk->cut_at = 0;
}

void power_disk_hold(struct power_disk *disk, bool held)
{
    disk->held = held;
}

void power_disk_fill(struct power_disk *disk, bool full)
{
    disk->full = full;
}

bool power_disk_is_off(const struct power_disk *disk)
{
    return disk->off;
}

uint64_t power_disk_calls(const struct power_disk *disk)
{
    return disk->calls;
}

void power_disk_flip(struct power_disk *disk, const char *name, uint64_t offset)
{
    const int index = find(disk, name);
    if (index < 0) abort();
    disk->files[index].live[offset] ^= 1;
    disk->files[index].durable[offset] ^= 1;
}

uint64_t power_disk_quarantined(const struct power_disk *disk)
{
    return disk->quarantined;
}

bool power_disk_some_segment(struct power_disk *disk, uint64_t pick, char name[32])
{
    uint64_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t at = 0;
        for (int i = 0; i < FILES_MAX; i++) {
            const struct stored_file *file = &disk->files[i];
            if (!file->exists || strstr(file->name, ".wal") == NULL) continue;
            if (pass == 1 && at == pick % count) {
                memcpy(name, file->name, 32);
                return true;
            }
            at++;
        }
        count = at;
        if (count == 0) return false;
    }
    return false;
}

bool power_disk_newest_segment(struct power_disk *disk, char name[32])
{
    name[0] = '\0';
    for (int i = 0; i < FILES_MAX; i++) {
        const struct stored_file *file = &disk->files[i];
        if (!file->exists || strstr(file->name, ".wal") == NULL) continue;
        if (strcmp(file->name, name) > 0) memcpy(name, file->name, 32);
    }
    return name[0] != '\0';
}
