#include "settlement/liabilities_file.h"

#include "common/le.h"
#include "common/log.h"
#include "settlement/liabilities_index.h"
#include "settlement/liability_leaf.h"
#include "settlement/liability_split.h"
#include "settlement/proof_shelf.h"
#include "settlement/state.h"
#include "settlement/totals_proof.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define BUFFER_BYTES (4u << 20)
#define LOOK_EVERY   4096                  /* leaves: whether the node stops */
#define ROOM_LEFT    (UINT64_C(128) << 20) /* on the disk, for the log and the chain */

/* A file that grows at its end, synchronised as it does, so that the disk has an even load beside the log. */
struct grown {
    int descriptor;
    bool failed;
    uint8_t *buffer;
    size_t used;
};

struct writing {
    const char *directory, *shelf;
    const struct settlement *settlement;
    const _Atomic uint32_t *stopping;
    struct liabilities_head *head;
    uint64_t time_ns;
    uint32_t counts[PROOF_ASSETS_MAX]; /* of holders, by asset */
    struct grown file, index;
    bool malformed;

    /* Of the asset that is being written. */
    uint16_t asset;
    struct liability_keys keys;
    struct liabilities_holder *holders;
    uint32_t holder_count, part_count;
    unsigned __int128 sum;
    struct liabilities_node *rows;
    uint32_t row_count;
};

/* ---- Files that grow ---- */

static bool grown_open(struct grown *grown, const char *directory, uint64_t height,
                       const char *suffix)
{
    char path[PATH_MAX];
    if (!liabilities_index_path(path, directory, height, suffix)) return false;
    grown->descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return grown->descriptor >= 0;
}

static void flush(struct grown *grown)
{
    for (size_t done = 0; done < grown->used && !grown->failed;) {
        const ssize_t written = write(grown->descriptor, grown->buffer + done, grown->used - done);
        if (written <= 0) grown->failed = true;
        done += written > 0 ? (size_t)written : 0;
    }
    if (!grown->failed && fdatasync(grown->descriptor) != 0) grown->failed = true;
    grown->used = 0;
}

static void put(struct grown *grown, const void *bytes, size_t byte_count)
{
    const uint8_t *at = bytes;
    while (byte_count > 0) {
        const size_t room = BUFFER_BYTES - grown->used;
        const size_t now = byte_count < room ? byte_count : room;
        memcpy(grown->buffer + grown->used, at, now);
        grown->used += now;
        at += now;
        byte_count -= now;
        if (grown->used == BUFFER_BYTES) flush(grown);
    }
}

/* Puts the file in its place. */
static bool grown_name(struct grown *grown, const char *directory, uint64_t height,
                       const char *part, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX];
    flush(grown);
    return !grown->failed && liabilities_index_path(from, directory, height, part) &&
           liabilities_index_path(to, directory, height, name) && rename(from, to) == 0;
}

/* ---- An asset ---- */

static void count_holder(void *context, uint32_t account, const struct proof_balance *balance)
{
    struct writing *writing = context;
    if (balance->asset >= writing->head->asset_count ||
        account > writing->settlement->params.accounts_max || balance->available < 0 ||
        balance->held < 0)
        writing->malformed = true;
    else
        writing->counts[balance->asset]++;
}

static void add_holder(void *context, uint32_t account, const struct proof_balance *balance)
{
    struct writing *writing = context;
    struct liability_parts parts;
    if (balance->asset != writing->asset) return;
    const uint64_t amount = (uint64_t)balance->available + (uint64_t)balance->held;
    if (amount == 0 || writing->holder_count == writing->counts[balance->asset]) {
        writing->malformed = true;
        return;
    }
    liability_split_parts(&writing->keys, account, amount, &parts);
    writing->holders[writing->holder_count++] =
        (struct liabilities_holder){account, writing->part_count, amount};
    writing->part_count += parts.count;
    writing->sum += amount;
}

/* Who has the part with this ordinal: the last whose first part is not after it. Needs: it is somebody's. */
static const struct liabilities_holder *holder_of(const struct writing *writing, uint32_t ordinal)
{
    uint32_t low = 0, high = writing->holder_count - 1;
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        if (writing->holders[middle].first <= ordinal)
            low = middle;
        else
            high = middle - 1;
    }
    return &writing->holders[low];
}

static hash_t leaf_of(const struct writing *writing, uint32_t ordinal, uint64_t *amount)
{
    struct liability_parts parts;
    *amount = 0;
    if (ordinal >= writing->part_count) return liability_split_nobody(&writing->keys, ordinal);
    const struct liabilities_holder *holder = holder_of(writing, ordinal);
    const uint16_t part = (uint16_t)(ordinal - holder->first);
    liability_split_parts(&writing->keys, holder->account, holder->amount, &parts);
    const hash_t nonce = liability_split_nonce(&writing->keys, ordinal);
    const struct balance_owner *owner =
        balance_sheet_owner_place(writing->settlement->accounts, holder->account);
    *amount = parts.amounts[part];
    return liability_leaf_commitment(&nonce, owner->public_key, writing->asset, part, parts.count);
}

static bool is_stopping(const struct writing *writing)
{
    return writing->stopping != NULL &&
           atomic_load_explicit(writing->stopping, memory_order_acquire) != 0;
}

/* The leaves, from place to place, and the row above them. */
static enum status put_leaves(struct writing *writing, struct liabilities_row *row)
{
    struct liability_order order;
    struct liability_tree chunk, tree;
    liability_split_order(&writing->keys, row->leaf_count, &order);
    liability_leaf_tree_begin(&chunk);
    liability_leaf_tree_begin(&tree);
    for (uint32_t place = 0; place < row->leaf_count; place++) {
        uint8_t bytes[LIABILITIES_LEAF_BYTES];
        uint64_t amount;
        if (place % LOOK_EVERY == 0 && is_stopping(writing)) return STATUS_STOPPING;
        const hash_t commitment = leaf_of(writing, liability_split_ordinal(&order, place), &amount);
        le_put_bytes(le_put_u64(bytes, amount), commitment.bytes, HASH_BYTES);
        put(&writing->file, bytes, sizeof(bytes));
        const struct liabilities_node leaf =
            liability_leaf_node(writing->asset, amount, &commitment);
        liability_leaf_tree_add(&chunk, &leaf);
        if (chunk.leaf_count < LIABILITIES_CHUNK && place + 1 < row->leaf_count) continue;
        const struct liabilities_node node = liability_leaf_tree_root(&chunk);
        writing->rows[writing->row_count++] = node;
        liability_leaf_tree_add(&tree, &node);
        liability_leaf_tree_begin(&chunk);
    }
    const struct liabilities_node root = liability_leaf_tree_root(&tree);
    row->sum = root.sum;
    row->root = root.hash;
    return STATUS_OK;
}

static void put_index(struct writing *writing)
{
    uint8_t section[LIABILITIES_INDEX_SECTION];
    le_put_u64(le_put_u64(section, writing->holder_count + 1u), writing->row_count);
    writing->holders[writing->holder_count] =
        (struct liabilities_holder){UINT32_MAX, writing->part_count, 0};
    put(&writing->index, section, sizeof(section));
    put(&writing->index, writing->holders,
        ((size_t)writing->holder_count + 1) * sizeof(*writing->holders));
    put(&writing->index, writing->rows, (size_t)writing->row_count * sizeof(*writing->rows));
}

static enum status put_asset(struct writing *writing, uint16_t asset,
                             const struct proof_total *total)
{
    struct liabilities_row *row = &writing->head->assets[asset];
    writing->asset = asset;
    liability_split_keys(writing->settlement->tree, writing->head->height, asset, &writing->keys);
    writing->holder_count = writing->part_count = writing->row_count = 0;
    writing->sum = 0;
    writing->rows = NULL;
    writing->holders = malloc(((size_t)writing->counts[asset] + 1) * sizeof(*writing->holders));
    if (writing->holders == NULL) return STATUS_NO_MEMORY;
    enum status status = STATUS_OK;
    if (writing->counts[asset] > 0)
        status = proof_shelf_balances(writing->shelf, writing->head->height, add_holder, writing);
    if (status == STATUS_OK &&
        (writing->malformed || writing->holder_count != writing->counts[asset]))
        status = STATUS_DAMAGED;
    if (status == STATUS_OK && (__int128)writing->sum != total->users) status = STATUS_MISMATCH;
    *row = (struct liabilities_row){.asset = asset,
                                    .leaf_count = liability_split_leaf_count(writing->part_count)};
    if (status == STATUS_OK) {
        writing->rows = malloc((row->leaf_count / LIABILITIES_CHUNK + 1) * sizeof(*writing->rows));
        status = writing->rows == NULL ? STATUS_NO_MEMORY : put_leaves(writing, row);
    }
    if (status == STATUS_OK) put_index(writing);
    free(writing->rows);
    free(writing->holders);
    return status;
}

/* ---- The files ---- */

static void put_headers(struct writing *writing)
{
    uint8_t bytes[LIABILITIES_INDEX_HEADER] = {0};
    const uint8_t none[LIABILITIES_HEAD_BYTES_MAX] = {0};
    uint8_t *at = le_put_u32(bytes, LIABILITIES_INDEX_MAGIC);
    at = le_put_u32(at, LIABILITIES_INDEX_VERSION);
    le_put_u64(le_put_u64(at, writing->head->height), writing->time_ns);
    put(&writing->index, bytes, sizeof(bytes));
    put(&writing->file, none, liabilities_index_leaves_at(writing->head, 0));
}

/* The roots are known when the leaves are there. */
static bool put_head(struct writing *writing)
{
    uint8_t bytes[LIABILITIES_HEAD_BYTES_MAX];
    const size_t head_bytes = liabilities_head_put(writing->head, bytes);
    flush(&writing->file);
    return !writing->file.failed &&
           pwrite(writing->file.descriptor, bytes, head_bytes, 0) == (ssize_t)head_bytes;
}

/* Whether the disk takes all of it at its longest, and the log still has room: that runs full is what stops a node. Where
 * nobody can say, the writing itself finds out. */
static bool has_room(const struct writing *writing, uint32_t asset_count)
{
    struct statvfs disk;
    uint64_t bytes = 0;
    for (uint32_t asset = 0; asset < asset_count; asset++) {
        const uint64_t holders = writing->counts[asset];
        const uint64_t leaves = liability_split_leaf_count(holders * LIABILITIES_PARTS_MAX);
        bytes += leaves * LIABILITIES_LEAF_BYTES + holders * sizeof(struct liabilities_holder) +
                 leaves / LIABILITIES_CHUNK * sizeof(struct liabilities_node);
    }
    if (statvfs(writing->directory, &disk) != 0) return true;
    return (uint64_t)disk.f_bavail * disk.f_frsize >= bytes + ROOM_LEFT;
}

static enum status put_files(struct writing *writing, const struct proof_totals *totals)
{
    const uint64_t height = writing->head->height;
    enum status status = proof_shelf_balances(writing->shelf, height, count_holder, writing);
    if (status == STATUS_OK && writing->malformed) status = STATUS_DAMAGED;
    if (status == STATUS_OK && !has_room(writing, totals->count)) status = STATUS_NO_SPACE;
    if (status != STATUS_OK) return status;
    put_headers(writing);
    for (uint16_t asset = 0; status == STATUS_OK && asset < totals->count; asset++) {
        status = put_asset(writing, asset, &totals->assets[asset]);
        if (writing->file.failed || writing->index.failed) status = STATUS_IO;
    }
    if (status != STATUS_OK) return status;
    if (put_head(writing) &&
        grown_name(&writing->index, writing->directory, height, ".index.part", ".index") &&
        grown_name(&writing->file, writing->directory, height, ".part", ""))
        return STATUS_OK;
    return STATUS_IO;
}

static enum status write_files(struct writing *writing, const struct proof_totals *totals)
{
    struct grown *file = &writing->file, *index = &writing->index;
    const uint64_t height = writing->head->height;
    enum status status = STATUS_NO_MEMORY;
    file->descriptor = index->descriptor = -1;
    file->buffer = malloc(BUFFER_BYTES);
    index->buffer = malloc(BUFFER_BYTES);
    errno = 0;
    if (file->buffer != NULL && index->buffer != NULL)
        status = grown_open(file, writing->directory, height, ".part") &&
                         grown_open(index, writing->directory, height, ".index.part")
                     ? put_files(writing, totals)
                     : STATUS_IO;
    if (status == STATUS_IO && errno != 0) status = status_of_errno(errno);
    if (file->descriptor >= 0) close(file->descriptor);
    if (index->descriptor >= 0) close(index->descriptor);
    free(file->buffer);
    free(index->buffer);
    return status;
}

/* ---- What stays ---- */

/* The height that a file's name begins with; *end is what follows it. */
static uint64_t height_of(const struct dirent *entry, char **end)
{
    return strtoull(entry->d_name, end, 10);
}

static bool is_there(const char *directory, uint64_t height)
{
    char path[PATH_MAX];
    return liabilities_index_path(path, directory, height, "") && access(path, F_OK) == 0;
}

/* Whether its turn is over: certified ones and those that wait are counted apart, so that files nobody votes for push out
 * none that is published. What cannot be read goes with the oldest. */
static bool is_old(const char *directory, const struct liabilities_newest *newest, uint64_t height)
{
    struct liabilities_entry entry;
    const bool waits =
        liabilities_file_entry(directory, height, &entry) == STATUS_OK && !entry.is_certified;
    return height < (waits ? newest->waiting[LIABILITIES_WAITING - 1]
                           : newest->certified[LIABILITIES_KEPT - 1]);
}

static void remove_old(DIR *listing, const char *directory, const struct liabilities_newest *newest)
{
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL) {
        char *end;
        const uint64_t height = height_of(entry, &end);
        if (height > 0 && *end == '\0' && is_old(directory, newest, height))
            (void)!unlinkat(dirfd(listing), entry->d_name, 0);
    }
}

/* What lies beside a file that is gone, and what was not finished; but not the mark of one that is to be made. */
static void remove_orphans(DIR *listing, const char *directory, uint64_t newest)
{
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL) {
        char *end;
        const uint64_t height = height_of(entry, &end);
        const bool is_part = strstr(entry->d_name, ".part") != NULL;
        if (height > 0 && (is_part || (height < newest && !is_there(directory, height))))
            (void)!unlinkat(dirfd(listing), entry->d_name, 0);
    }
}

static void prune(const char *directory, const char *kept_shelf)
{
    struct liabilities_newest newest;
    DIR *listing = opendir(directory);
    if (listing == NULL) return;
    liabilities_index_newest(directory, &newest);
    const uint64_t last =
        newest.certified[0] > newest.waiting[0] ? newest.certified[0] : newest.waiting[0];
    remove_old(listing, directory, &newest);
    rewinddir(listing);
    remove_orphans(listing, directory, last);
    closedir(listing);
    listing = opendir(kept_shelf);
    if (listing == NULL) return;
    remove_orphans(listing, directory, last);
    closedir(listing);
}

/* Nothing of a height that could not be made. */
static void forget(const char *directory, const char *kept_shelf, uint64_t height)
{
    char path[PATH_MAX];
    if (is_there(directory, height)) return; /* another block's, of before */
    if (liabilities_index_path(path, directory, height, ".index")) (void)!unlink(path);
    if (liabilities_index_path(path, kept_shelf, height, "")) (void)!unlink(path);
}

/* ---- What is due ---- */

static bool kept_shelf_of(char path[PATH_MAX], const char *directory)
{
    const int length = snprintf(path, PATH_MAX, "%s/shelf", directory);
    return length > 0 && length < PATH_MAX;
}

enum status liabilities_file_mark(const char *directory, const char *shelf_directory,
                                  uint64_t height)
{
    char kept_shelf[PATH_MAX];
    if (!kept_shelf_of(kept_shelf, directory)) return STATUS_MALFORMED;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return liabilities_index_failed("the folder of liabilities cannot be made", directory);
    return proof_shelf_keep(shelf_directory, height, kept_shelf);
}

uint64_t liabilities_file_unmade(const char *directory)
{
    char kept_shelf[PATH_MAX];
    const struct dirent *entry;
    uint64_t newest = 0;
    DIR *listing = kept_shelf_of(kept_shelf, directory) ? opendir(kept_shelf) : NULL;
    if (listing == NULL) return 0;
    while ((entry = readdir(listing)) != NULL) {
        char *end;
        const uint64_t height = height_of(entry, &end);
        if (*end == '\0' && height > newest && !is_there(directory, height)) newest = height;
    }
    closedir(listing);
    return newest;
}

/* ---- The call ---- */

static enum status prepare(struct writing *writing, const struct block_header *header,
                           struct proof_totals *totals)
{
    const enum status status = proof_shelf_totals(writing->shelf, header->height, totals);
    if (status != STATUS_OK) return status;
    return totals_proof_fault(totals, header->totals_root) == NULL ? STATUS_OK : STATUS_MISMATCH;
}

static enum status write_new(struct writing *writing, const struct block_header *header,
                             const char *kept_shelf)
{
    static const char what[] = "liabilities cannot be made";
    struct proof_totals totals;
    /* First: a file that is there has its shelf's file beside it, whenever this was cut short. */
    enum status status = liabilities_file_mark(writing->directory, writing->shelf, header->height);
    prune(writing->directory, kept_shelf); /* what a crash has left takes room */
    if (status == STATUS_OK) status = prepare(writing, header, &totals);
    if (status == STATUS_OK) {
        writing->head->asset_count = totals.count;
        status = write_files(writing, &totals);
        sodium_memzero(&writing->keys, sizeof(writing->keys));
    }
    prune(writing->directory, kept_shelf);
    if (status == STATUS_OK || status == STATUS_STOPPING) return status;
    forget(writing->directory, kept_shelf, header->height);
    log_error("settlement", what, "height=%lu error=\"%s\"", header->height, status_text(status));
    return status;
}

enum status liabilities_file_write(const char *directory, const char *shelf_directory,
                                   const struct settlement *settlement,
                                   const uint8_t bytes[BLOCK_HEADER_BYTES],
                                   const _Atomic uint32_t *stopping, struct liabilities_head *head)
{
    struct block_header header;
    struct liabilities_entry there;
    char kept_shelf[PATH_MAX];
    if (!block_header_decode(bytes, &header) || !kept_shelf_of(kept_shelf, directory))
        return STATUS_MALFORMED;
    const hash_t hash = block_header_hash(bytes);
    if (liabilities_file_entry(directory, header.height, &there) == STATUS_OK &&
        hash_equal(there.head.header_hash, hash)) {
        *head = there.head;
        return STATUS_OK;
    }
    struct writing writing = {.directory = directory,
                              .shelf = shelf_directory,
                              .settlement = settlement,
                              .stopping = stopping,
                              .head = head,
                              .time_ns = header.time_ns};
    *head = (struct liabilities_head){
        .height = header.height, .chain_id = header.chain_id, .header_hash = hash};
    return write_new(&writing, &header, kept_shelf);
}
