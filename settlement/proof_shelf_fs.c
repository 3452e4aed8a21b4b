#include "common/le.h"
#include "common/log.h"
#include "settlement/proof_journal.h"
#include "settlement/proof_shelf.h"
#include "settlement/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC         0x53505851u
#define VERSION       3u
#define HEADER_BYTES  112
#define ROOTS_AT      48
#define TOTAL_BYTES   96
#define ACCOUNT_BYTES 16
#define BUFFER_BYTES  (1u << 20)

/* What a file's header says, and where its parts are. */
struct shelf {
    int descriptor;
    uint64_t height, balance_count;
    uint32_t depth, row_level, account_count, asset_count;
    bool has_house; /* totals have an account of the house */
    hash_t state_root, totals_root;
};

struct writer {
    int descriptor;
    bool failed;
    uint8_t *buffer;
    size_t used;
};

static enum status io_failed(const char *what, const char *path)
{
    const enum status status = status_of_errno(errno);
    log_error("settlement", what, "path=\"%s\" error=\"%s\"", path, strerror(errno));
    return status;
}

static bool path_of(char path[PATH_MAX], const char *directory, uint64_t height, const char *suffix)
{
    const int length = snprintf(path, PATH_MAX, "%s/%" PRIu64 "%s", directory, height, suffix);
    return length > 0 && length < PATH_MAX;
}

/* ---- Writing ---- */

static void flush(struct writer *out)
{
    for (size_t done = 0; done < out->used && !out->failed;) {
        const ssize_t written = write(out->descriptor, out->buffer + done, out->used - done);
        if (written <= 0) out->failed = true;
        done += written > 0 ? (size_t)written : 0;
    }
    out->used = 0;
}

static void put(struct writer *out, const void *bytes, size_t byte_count)
{
    const uint8_t *at = bytes;
    while (byte_count > 0) {
        const size_t room = BUFFER_BYTES - out->used;
        const size_t now = byte_count < room ? byte_count : room;
        memcpy(out->buffer + out->used, at, now);
        out->used += now;
        at += now;
        byte_count -= now;
        if (out->used == BUFFER_BYTES) flush(out);
    }
}

static bool cell_is_zero(const struct balance_cell *cell)
{
    return cell->available.units == 0 && cell->held.units == 0;
}

static uint32_t balances_of(const struct settlement *s, uint32_t account)
{
    uint32_t count = 0;
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++)
        count += !cell_is_zero(balance_sheet_cell(s->accounts, account, asset));
    return count;
}

static void put_accounts(struct writer *out, const struct settlement *s, uint32_t account_count)
{
    uint32_t first = 0;
    for (uint32_t account = 1; account <= account_count; account++) {
        uint8_t bytes[ACCOUNT_BYTES];
        const uint32_t count = balances_of(s, account);
        uint8_t *at = le_put_u64(bytes, balance_sheet_owner(s->accounts, account)->leaf_height);
        le_put_u32(le_put_u32(at, first), count);
        put(out, bytes, sizeof(bytes));
        first += count;
    }
}

static void put_balances(struct writer *out, const struct settlement *s, uint32_t account_count)
{
    for (uint32_t account = 1; account <= account_count; account++)
        for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
            const struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
            uint8_t bytes[PROOF_BALANCE_BYTES];
            if (cell_is_zero(cell)) continue;
            uint8_t *at = le_put_u16(bytes, asset);
            le_put_i64(le_put_i64(at, cell->available.units), cell->held.units);
            put(out, bytes, sizeof(bytes));
        }
}

static uint8_t *put_i128(uint8_t *at, __int128 value)
{
    at = le_put_u64(at, (uint64_t)value);
    return le_put_u64(at, (uint64_t)((unsigned __int128)value >> 64));
}

static void put_totals(struct writer *out, const struct settlement *s)
{
    for (uint16_t asset = 0; asset < s->params.asset_count; asset++) {
        const struct totals *totals = &s->totals[asset];
        uint8_t bytes[TOTAL_BYTES];
        uint8_t *at = put_i128(bytes, totals->users);
        at = put_i128(at, totals->fees);
        at = put_i128(at, totals->rounding);
        at = put_i128(at, totals->in_flight);
        at = put_i128(at, totals->external);
        put_i128(at, totals->house);
        put(out, bytes, sizeof(bytes));
    }
}

static hash_t totals_root_of(const struct settlement *s)
{
    return totals_root(s->totals, s->params.asset_count, params_has_house(&s->genesis->params));
}

static void put_header(struct writer *out, const struct settlement *s, uint64_t balance_count)
{
    const uint32_t depth = account_tree_depth(s->tree);
    const hash_t state = account_tree_root(s->tree), totals = totals_root_of(s);
    uint8_t header[HEADER_BYTES] = {0};
    uint8_t *at = le_put_u32(le_put_u32(header, MAGIC), VERSION);
    at = le_put_u64(at, s->height);
    at = le_put_u32(le_put_u32(at, depth), (depth + 1) / 2);
    at = le_put_u32(le_put_u32(at, balance_sheet_count(s->accounts)), s->params.asset_count);
    at = le_put_u64(at, balance_count);
    le_put_u8(at, params_has_house(&s->genesis->params));
    le_put_bytes(le_put_bytes(header + ROOTS_AT, state.bytes, HASH_BYTES), totals.bytes,
                 HASH_BYTES);
    put(out, header, sizeof(header));
}

static void put_file(struct writer *out, const struct settlement *s)
{
    const uint32_t depth = account_tree_depth(s->tree), row_level = (depth + 1) / 2;
    const uint32_t account_count = balance_sheet_count(s->accounts);
    uint64_t balance_count = 0;
    for (uint32_t account = 1; account <= account_count; account++)
        balance_count += balances_of(s, account);
    put_header(out, s, balance_count);
    put_totals(out, s);
    put(out, account_tree_level(s->tree, row_level), sizeof(hash_t) << (depth - row_level));
    put(out, account_tree_level(s->tree, 0), sizeof(hash_t) << depth);
    put_accounts(out, s, account_count);
    put_balances(out, s, account_count);
    flush(out);
}

/* Removes all but the newest up to `last`; what was not finished goes too. */
static void prune(const char *directory, uint64_t last)
{
    uint64_t newest[PROOF_SHELF_KEPT] = {0};
    DIR *listing = opendir(directory);
    if (listing == NULL) return;
    for (int pass = 0; pass < 2; pass++, rewinddir(listing)) {
        const struct dirent *entry;
        while ((entry = readdir(listing)) != NULL) {
            char *end;
            const uint64_t height = strtoull(entry->d_name, &end, 10);
            if (height == 0) continue;
            if (pass == 1 &&
                (*end != '\0' || height < newest[PROOF_SHELF_KEPT - 1] || height > last))
                (void)!unlinkat(dirfd(listing), entry->d_name, 0);
            if (pass == 1 || *end != '\0' || height > last) continue;
            for (uint64_t i = 0, moved = height; i < PROOF_SHELF_KEPT; i++) {
                const uint64_t there = newest[i];
                if (moved <= there) continue;
                newest[i] = moved;
                moved = there;
            }
        }
    }
    closedir(listing);
}

enum status proof_shelf_write(const char *directory, const struct settlement *s)
{
    char path[PATH_MAX], draft[PATH_MAX];
    if (!path_of(path, directory, s->height, "") || !path_of(draft, directory, s->height, ".part"))
        return STATUS_MALFORMED;
    if (proof_shelf_has(directory, s->height, account_tree_root(s->tree), totals_root_of(s)))
        return STATUS_OK;
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return io_failed("the folder of proofs cannot be made", directory);
    struct writer out = {.buffer = malloc(BUFFER_BYTES)};
    if (out.buffer == NULL) return STATUS_NO_MEMORY;
    out.descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    out.failed = out.descriptor < 0;
    if (!out.failed) put_file(&out, s);
    const bool done = !out.failed && rename(draft, path) == 0;
    const enum status status = done ? STATUS_OK : io_failed("proofs cannot be written", path);
    if (out.descriptor >= 0) close(out.descriptor);
    free(out.buffer);
    prune(directory, s->height);
    return status;
}

/* ---- Reading ---- */

static bool read_at(const struct shelf *shelf, void *bytes, size_t byte_count, uint64_t offset)
{
    return pread(shelf->descriptor, bytes, byte_count, (off_t)offset) == (ssize_t)byte_count;
}

static uint64_t rows_at(const struct shelf *shelf)
{
    return HEADER_BYTES + (uint64_t)shelf->asset_count * TOTAL_BYTES;
}

static uint64_t leaves_at(const struct shelf *shelf)
{
    return rows_at(shelf) + (sizeof(hash_t) << (shelf->depth - shelf->row_level));
}

static uint64_t accounts_at(const struct shelf *shelf)
{
    return leaves_at(shelf) + (sizeof(hash_t) << shelf->depth);
}

static bool header_get(struct shelf *shelf, const uint8_t bytes[HEADER_BYTES], uint64_t height)
{
    shelf->height = le_get_u64(bytes + 8);
    shelf->depth = le_get_u32(bytes + 16);
    shelf->row_level = le_get_u32(bytes + 20);
    shelf->account_count = le_get_u32(bytes + 24);
    shelf->asset_count = le_get_u32(bytes + 28);
    shelf->balance_count = le_get_u64(bytes + 32);
    shelf->has_house = bytes[40] != 0;
    memcpy(shelf->state_root.bytes, bytes + ROOTS_AT, HASH_BYTES);
    memcpy(shelf->totals_root.bytes, bytes + ROOTS_AT + HASH_BYTES, HASH_BYTES);
    return le_get_u32(bytes) == MAGIC && le_get_u32(bytes + 4) == VERSION &&
           shelf->height == height && shelf->depth <= ACCOUNT_TREE_DEPTH_MAX &&
           shelf->row_level == (shelf->depth + 1) / 2 && shelf->asset_count <= PROOF_ASSETS_MAX;
}

/* STATUS_OK: to be closed by the caller. */
static enum status shelf_open(struct shelf *shelf, const char *directory, uint64_t height)
{
    char path[PATH_MAX];
    uint8_t header[HEADER_BYTES];
    if (height == 0 || !path_of(path, directory, height, "")) return STATUS_NOT_FOUND;
    shelf->descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (shelf->descriptor < 0 && errno == ENOENT) return STATUS_NOT_FOUND;
    if (shelf->descriptor < 0) return io_failed("proofs cannot be read", path);
    if (read_at(shelf, header, sizeof(header), 0) && header_get(shelf, header, height))
        return STATUS_OK;
    close(shelf->descriptor);
    return STATUS_NOT_FOUND;
}

bool proof_shelf_has(const char *directory, uint64_t height, hash_t state_root, hash_t totals_root)
{
    struct shelf shelf;
    if (shelf_open(&shelf, directory, height) != STATUS_OK) return false;
    close(shelf.descriptor);
    return hash_equal(shelf.state_root, state_root) && hash_equal(shelf.totals_root, totals_root);
}

static bool read_leaf(const struct shelf *shelf, const struct settlement *s, uint32_t account,
                      struct proof_account *proof)
{
    uint8_t entry[ACCOUNT_BYTES], bytes[PROOF_ASSETS_MAX * PROOF_BALANCE_BYTES];
    const uint64_t accounts = accounts_at(shelf);
    if (account > shelf->account_count ||
        !read_at(shelf, entry, sizeof(entry), accounts + (uint64_t)(account - 1) * ACCOUNT_BYTES))
        return false;
    const uint64_t first = le_get_u32(entry + 8), count = le_get_u32(entry + 12);
    const uint64_t balances = accounts + (uint64_t)shelf->account_count * ACCOUNT_BYTES;
    if (count > PROOF_ASSETS_MAX ||
        !read_at(shelf, bytes, count * PROOF_BALANCE_BYTES, balances + first * PROOF_BALANCE_BYTES))
        return false;
    proof->count = (uint16_t)count;
    for (uint16_t i = 0; i < count; i++) {
        const uint8_t *at = bytes + (size_t)i * PROOF_BALANCE_BYTES;
        proof->balances[i] =
            (struct proof_balance){le_get_u16(at), le_get_i64(at + 2), le_get_i64(at + 10)};
    }
    proof->salt = account_tree_salt(s->tree, account, le_get_u64(entry));
    memcpy(proof->public_key, balance_sheet_owner_place(s->accounts, account)->public_key,
           PUBLIC_KEY_BYTES);
    return true;
}

/* Leaf, then the path through the leaves about it and through the row. */
static bool read_account(const struct shelf *shelf, const struct settlement *s, uint32_t account,
                         hash_t *nodes, struct proof_account *proof)
{
    const uint32_t below = 1u << shelf->row_level, rows = 1u << (shelf->depth - shelf->row_level);
    const uint32_t position = account_tree_position(s->tree, account);
    proof->position = position;
    proof->depth = shelf->depth;
    if (shelf->depth != account_tree_depth(s->tree) || !read_leaf(shelf, s, account, proof))
        return false;
    const uint64_t first = position / below * below;
    if (!read_at(shelf, nodes, below * sizeof(hash_t), leaves_at(shelf) + first * sizeof(hash_t)))
        return false;
    account_tree_fold(s->tree, nodes, below, position % below, 0, proof->siblings);
    if (!read_at(shelf, nodes, rows * sizeof(hash_t), rows_at(shelf))) return false;
    account_tree_fold(s->tree, nodes, rows, position / below, shelf->row_level,
                      proof->siblings + shelf->row_level);
    return true;
}

enum status proof_shelf_account(const char *directory, const struct settlement *s, uint32_t account,
                                uint64_t height, struct proof_journal_room *room,
                                struct proof_account *proof)
{
    struct shelf shelf;
    const enum status status = shelf_open(&shelf, directory, height);
    if (status != STATUS_OK) return status;
    const bool read = read_account(&shelf, s, account, proof_journal_room_nodes(room), proof);
    close(shelf.descriptor);
    return read ? STATUS_OK : STATUS_NOT_FOUND;
}

static __int128 get_i128(const uint8_t *at)
{
    return (__int128)((unsigned __int128)le_get_u64(at + 8) << 64 | le_get_u64(at));
}

enum status proof_shelf_totals(const char *directory, uint64_t height, struct proof_totals *proof)
{
    struct shelf shelf;
    uint8_t bytes[PROOF_ASSETS_MAX * TOTAL_BYTES];
    const enum status status = shelf_open(&shelf, directory, height);
    if (status != STATUS_OK) return status;
    const bool read = read_at(&shelf, bytes, (size_t)shelf.asset_count * TOTAL_BYTES, HEADER_BYTES);
    close(shelf.descriptor);
    if (!read) return STATUS_NOT_FOUND;
    proof->count = shelf.asset_count;
    proof->has_house = shelf.has_house;
    for (uint16_t asset = 0; asset < shelf.asset_count; asset++) {
        const uint8_t *at = bytes + (size_t)asset * TOTAL_BYTES;
        proof->assets[asset] = (struct proof_total){.asset = asset,
                                                    .users = get_i128(at),
                                                    .fees = get_i128(at + 16),
                                                    .rounding = get_i128(at + 32),
                                                    .in_flight = get_i128(at + 48),
                                                    .external = get_i128(at + 64),
                                                    .house = get_i128(at + 80)};
    }
    return STATUS_OK;
}

/* ---- All of it ---- */

#define WALK_ACCOUNTS 1024u
#define WALK_BYTES    (WALK_ACCOUNTS * (ACCOUNT_BYTES + PROOF_ASSETS_MAX * PROOF_BALANCE_BYTES))

/* A number of accounts, and their balances behind them in `bytes`. `next`: the first balance not yet given. */
static enum status walk_accounts(const struct shelf *shelf, uint32_t first, uint32_t count,
                                 uint8_t *bytes, uint64_t *next, proof_shelf_each each,
                                 void *context)
{
    const uint64_t accounts = accounts_at(shelf);
    const uint64_t balances = accounts + (uint64_t)shelf->account_count * ACCOUNT_BYTES;
    const uint8_t *entry = bytes;
    uint64_t balance_count = 0;
    if (!read_at(shelf, bytes, (size_t)count * ACCOUNT_BYTES,
                 accounts + (uint64_t)first * ACCOUNT_BYTES))
        return STATUS_DAMAGED;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t of_it = le_get_u32(bytes + (size_t)i * ACCOUNT_BYTES + 12);
        if (of_it > PROOF_ASSETS_MAX) return STATUS_DAMAGED;
        balance_count += of_it;
    }
    uint8_t *at = bytes + (size_t)count * ACCOUNT_BYTES;
    if (!read_at(shelf, at, balance_count * PROOF_BALANCE_BYTES,
                 balances + *next * PROOF_BALANCE_BYTES))
        return STATUS_DAMAGED;
    for (uint32_t i = 0; i < count; i++, entry += ACCOUNT_BYTES) {
        if (le_get_u32(entry + 8) != *next) return STATUS_DAMAGED;
        for (uint32_t of_it = le_get_u32(entry + 12); of_it > 0; of_it--) {
            const struct proof_balance balance = {le_get_u16(at), le_get_i64(at + 2),
                                                  le_get_i64(at + 10)};
            each(context, first + i + 1, &balance);
            at += PROOF_BALANCE_BYTES;
            (*next)++;
        }
    }
    return STATUS_OK;
}

enum status proof_shelf_balances(const char *directory, uint64_t height, proof_shelf_each each,
                                 void *context)
{
    struct shelf shelf;
    uint64_t next = 0;
    enum status status = shelf_open(&shelf, directory, height);
    if (status != STATUS_OK) return status;
    uint8_t *bytes = malloc(WALK_BYTES);
    if (bytes == NULL) status = STATUS_NO_MEMORY;
    for (uint32_t first = 0; status == STATUS_OK && first < shelf.account_count;) {
        const uint32_t left = shelf.account_count - first;
        const uint32_t count = left < WALK_ACCOUNTS ? left : WALK_ACCOUNTS;
        status = walk_accounts(&shelf, first, count, bytes, &next, each, context);
        first += count;
    }
    free(bytes);
    close(shelf.descriptor);
    return status;
}

enum status proof_shelf_keep(const char *directory, uint64_t height, const char *kept)
{
    char from[PATH_MAX], to[PATH_MAX];
    if (!path_of(from, directory, height, "") || !path_of(to, kept, height, ""))
        return STATUS_MALFORMED;
    if (mkdir(kept, 0700) != 0 && errno != EEXIST)
        return io_failed("the folder of kept proofs cannot be made", kept);
    struct stat ours, theirs;
    if (link(from, to) == 0) return STATUS_OK;
    if (errno == EEXIST && stat(from, &ours) == 0 && stat(to, &theirs) == 0) {
        if (ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev) return STATUS_OK;
        /* The height was reached anew: what is kept is of a state that the chain does not have. */
        if (unlink(to) == 0 && link(from, to) == 0) return STATUS_OK;
    }
    return errno == ENOENT ? STATUS_NOT_FOUND : io_failed("proofs cannot be kept", to);
}
