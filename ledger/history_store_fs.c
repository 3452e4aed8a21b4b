#include "ledger/history_store.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct history_store {
    char path[PATH_MAX];
    int descriptor; /* -1: a reader's that has not found its file yet */
    bool writes;
    uint64_t base;
    uint64_t synced;        /* headers known to be on disk */
    struct history history; /* a writer's: all headers so far */
};

static enum status io_failed(const struct history_store *store, const char *what)
{
    const enum status status = status_of_errno(errno);
    log_error("ledger", what, "path=\"%s\" error=\"%s\"", store->path, strerror(errno));
    return status;
}

static bool write_bytes(int descriptor, const void *bytes, size_t byte_count, uint64_t offset)
{
    const ssize_t written = pwrite(descriptor, bytes, byte_count, (off_t)offset);
    if (written >= 0 && (size_t)written != byte_count) errno = ENOSPC;
    return written >= 0 && (size_t)written == byte_count;
}

static uint64_t offset_of(uint64_t place)
{
    return HISTORY_STORE_HEADER_BYTES + place * HASH_BYTES;
}

static enum status write_header(struct history_store *store)
{
    uint8_t header[HISTORY_STORE_HEADER_BYTES];
    history_store_header_put(header, store->base, store->synced);
    return write_bytes(store->descriptor, header, sizeof(header), 0)
               ? STATUS_OK
               : io_failed(store, "history file cannot be written");
}

/* The nodes before the header that says they are there. */
static enum status synchronise(struct history_store *store)
{
    if (store->synced == history_height(&store->history)) return STATUS_OK;
    if (fdatasync(store->descriptor) != 0)
        return io_failed(store, "history file cannot be synchronised");
    store->synced = history_height(&store->history);
    return write_header(store);
}

/* ---- Reading nodes ---- */

/* STATUS_NOT_FOUND when there is no whole header yet. */
static enum status read_header(struct history_store *store, uint64_t *base, uint64_t *synced)
{
    uint8_t header[HISTORY_STORE_HEADER_BYTES];
    if (store->descriptor < 0) store->descriptor = open(store->path, O_RDONLY | O_CLOEXEC);
    if (store->descriptor < 0) return STATUS_NOT_FOUND;
    const ssize_t got = pread(store->descriptor, header, sizeof(header), 0);
    if (got < 0) return io_failed(store, "history file cannot be read");
    if (got != (ssize_t)sizeof(header) || !history_store_header_get(header, base, synced))
        return STATUS_NOT_FOUND;
    return STATUS_OK;
}

/* All zero is what a file has where nothing was written: below a base, or not yet. */
static enum status read_node(void *context, uint64_t last, uint32_t level, hash_t *hash)
{
    static const hash_t nothing;
    struct history_store *store = context;
    const uint64_t offset = offset_of(history_store_place(last, level));
    const ssize_t got = pread(store->descriptor, hash->bytes, HASH_BYTES, (off_t)offset);
    if (got < 0) return io_failed(store, "history file cannot be read");
    if (got != HASH_BYTES || hash_equal(*hash, nothing)) return STATUS_NOT_FOUND;
    return STATUS_OK;
}

static struct history_nodes nodes_of(struct history_store *store)
{
    return (struct history_nodes){store, read_node};
}

/* ---- Begin and end ---- */

static enum status new_store(const char *path, struct history_store **store)
{
    *store = calloc(1, sizeof(**store));
    if (*store == NULL) return STATUS_NO_MEMORY;
    (*store)->descriptor = -1;
    const size_t length = strlen(path);
    if (length >= sizeof((*store)->path)) {
        free(*store);
        *store = NULL;
        return STATUS_NO_MEMORY;
    }
    memcpy((*store)->path, path, length + 1);
    history_begin(&(*store)->history);
    return STATUS_OK;
}

enum status history_store_open_reader(const char *path, struct history_store **store)
{
    return new_store(path, store);
}

void history_store_close(struct history_store *store)
{
    if (store == NULL) return;
    /* What is not synchronised is added again from the chain. */
    if (store->writes && synchronise(store) != STATUS_OK)
        log_warn("ledger", "history file is not whole", "path=\"%s\"", store->path);
    if (store->descriptor >= 0) close(store->descriptor);
    free(store);
}

enum status history_store_begin(struct history_store *store, const struct history *base)
{
    const struct merkle *tree = &base->tree;
    uint64_t last = 0;
    ASSERT(store->writes);
    store->history = *base;
    store->base = store->synced = history_height(base);
    if (ftruncate(store->descriptor, 0) != 0)
        return io_failed(store, "history file cannot be written");
    for (uint32_t peak = 0, left = tree->peak_count; left > 0; peak++, left--) {
        const uint32_t level = 63u - (uint32_t)__builtin_clzll(tree->leaf_count - last);
        last += UINT64_C(1) << level;
        if (!write_bytes(store->descriptor, tree->peaks[peak].bytes, HASH_BYTES,
                         offset_of(history_store_place(last, level))))
            return io_failed(store, "history file cannot be written");
    }
    if (fdatasync(store->descriptor) != 0)
        return io_failed(store, "history file cannot be synchronised");
    return write_header(store);
}

enum status history_store_open(const char *path, struct history_store **store)
{
    struct history empty;
    uint64_t base = 0, synced = 0;
    enum status status = new_store(path, store);
    if (status != STATUS_OK) return status;
    struct history_store *opened = *store;
    opened->descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (opened->descriptor < 0) {
        status = io_failed(opened, "history file cannot be opened");
        goto close_store;
    }
    opened->writes = true;
    history_begin(&empty);
    status = read_header(opened, &base, &synced);
    if (status == STATUS_OK) {
        const struct history_nodes nodes = nodes_of(opened);
        opened->base = base;
        opened->synced = synced;
        status = history_nodes_peaks(&nodes, synced, &opened->history);
    }
    if (status == STATUS_NOT_FOUND) {
        if (lseek(opened->descriptor, 0, SEEK_END) > 0)
            log_warn("ledger", "history file has no whole header: it is made again", "path=\"%s\"",
                     opened->path);
        status = history_store_begin(opened, &empty);
    }
    if (status == STATUS_OK) return STATUS_OK;
close_store:
    opened->writes = false;
    history_store_close(opened);
    *store = NULL;
    return status;
}

/* ---- Adding ---- */

uint64_t history_store_height(const struct history_store *store)
{
    return history_height(&store->history);
}

enum status history_store_add(struct history_store *store, uint64_t height, hash_t header_hash)
{
    uint8_t bytes[MERKLE_DEPTH_MAX * HASH_BYTES];
    const struct merkle *tree = &store->history.tree;
    const uint64_t had = tree->leaf_count;
    ASSERT(store->writes && height <= had + 1);
    if (height <= had) return STATUS_OK;

    /* The leaf, then each subtree that it completes: one for each peak that goes. */
    hash_t node = history_leaf(header_hash);
    uint32_t count = 0, peak = tree->peak_count;
    memcpy(bytes, node.bytes, HASH_BYTES);
    for (uint64_t bits = had; (bits & 1) != 0; bits >>= 1) {
        node = merkle_node(tree->peaks[--peak], node);
        memcpy(bytes + ++count * HASH_BYTES, node.bytes, HASH_BYTES);
    }
    if (!write_bytes(store->descriptor, bytes, (count + 1) * (size_t)HASH_BYTES,
                     offset_of(history_store_place(height, 0))))
        return io_failed(store, "history file cannot be written");
    history_add(&store->history, height, header_hash);
    return height - store->synced < HISTORY_SYNC_HEADERS ? STATUS_OK : synchronise(store);
}

/* Whether what the store has up to `height` is what the header above it commits to. */
static enum status agrees(struct history_store *store, uint64_t height,
                          const struct history_headers *headers, bool *agreed)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    struct history history;
    const struct history_nodes nodes = nodes_of(store);
    *agreed = false;
    enum status status = history_nodes_peaks(&nodes, height, &history);
    if (status == STATUS_NOT_FOUND) return STATUS_OK;
    if (status == STATUS_OK) status = headers->header(headers->context, height + 1, bytes);
    if (status != STATUS_OK) return status;
    *agreed = block_header_decode(bytes, &header) &&
              hash_equal(header.history_root, history_root(&history));
    if (*agreed) store->history = history;
    return STATUS_OK;
}

enum status history_store_follow(struct history_store *store, const struct history *base,
                                 uint64_t tip, const struct history_headers *headers)
{
    const uint64_t begins = history_height(base);
    uint64_t height = history_store_height(store);
    bool agreed = false;
    enum status status = STATUS_OK;
    ASSERT(begins <= tip);
    /* The header above is what says whether it is right: one below the tip at most. */
    if (height + 1 > tip) height = tip > 0 ? tip - 1 : 0;
    /* One that begins higher than the chain does now: older blocks have come since. */
    const bool short_of = store->base > begins;
    if (height > begins && !short_of) status = agrees(store, height, headers, &agreed);
    if (status == STATUS_OK && !agreed) {
        if (height > begins && !short_of)
            log_warn("ledger", "history file does not agree with the chain: it is made again",
                     "path=\"%s\" height=%lu", store->path, height);
        status = history_store_begin(store, base);
    }
    if (store->synced > history_store_height(store)) store->synced = history_store_height(store);
    while (status == STATUS_OK && history_store_height(store) < tip) {
        uint8_t bytes[BLOCK_HEADER_BYTES];
        const uint64_t next = history_store_height(store) + 1;
        status = headers->header(headers->context, next, bytes);
        if (status == STATUS_OK) status = history_store_add(store, next, block_header_hash(bytes));
    }
    return status;
}

/* ---- Proofs ---- */

/* Whether sizes from `size` on can be answered; a reader finds its file when it is there. */
static enum status reaches(struct history_store *store, uint64_t size)
{
    uint64_t base = store->base, synced;
    if (size == 0) return STATUS_NOT_FOUND;
    if (!store->writes) {
        const enum status status = read_header(store, &base, &synced);
        if (status != STATUS_OK) return status;
    }
    return size < base ? STATUS_NOT_FOUND : STATUS_OK;
}

enum status history_store_root(struct history_store *store, uint64_t size, hash_t *root)
{
    const struct history_nodes nodes = nodes_of(store);
    const enum status status = reaches(store, size);
    return status == STATUS_OK ? history_nodes_root(&nodes, size, root) : status;
}

/* A node that has rotted leads elsewhere: such a proof is not given to anybody. */
static enum status fitting(const struct history_store *store, bool fits)
{
    if (fits) return STATUS_OK;
    log_error("ledger", "history file is damaged: a proof from it leads elsewhere", "path=\"%s\"",
              store->path);
    return STATUS_DAMAGED;
}

enum status history_store_inclusion(struct history_store *store, uint64_t height, uint64_t size,
                                    struct merkle_path *path)
{
    const struct history_nodes nodes = nodes_of(store);
    hash_t leaf, root;
    ASSERT(height > 0 && height <= size);
    enum status status = reaches(store, height);
    if (status == STATUS_OK) status = history_nodes_inclusion(&nodes, height - 1, size, path);
    if (status == STATUS_OK) status = read_node(store, height, 0, &leaf);
    if (status == STATUS_OK) status = history_nodes_root(&nodes, size, &root);
    if (status != STATUS_OK) return status;
    return fitting(store, merkle_included(leaf, height - 1, size, root, path));
}

enum status history_store_consistency(struct history_store *store, uint64_t from, uint64_t to,
                                      struct merkle_path *path)
{
    const struct history_nodes nodes = nodes_of(store);
    hash_t old_root, root;
    ASSERT(from > 0 && from <= to);
    enum status status = reaches(store, from);
    if (status == STATUS_OK) status = history_nodes_consistency(&nodes, from, to, path);
    if (status == STATUS_OK) status = history_nodes_root(&nodes, from, &old_root);
    if (status == STATUS_OK) status = history_nodes_root(&nodes, to, &root);
    if (status != STATUS_OK) return status;
    return fitting(store, merkle_consistent(from, old_root, to, root, path));
}
