#include "common/log.h"
#include "ledger/certificate.h"
#include "ledger/wal.h"
#include "node/epoch_cut.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX 1000

static enum status io_failed(const char *what, const char *path)
{
    const enum status status = status_of_errno(errno);
    log_error("node", what, "path=\"%s\" error=\"%s\"", path, strerror(errno));
    return status;
}

/* ---- Folders ---- */

static enum status sync_folder(const char *path)
{
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = folder >= 0 && fsync(folder) == 0;
    const enum status status = synced ? STATUS_OK : io_failed("folder not synchronised", path);
    if (folder >= 0) close(folder);
    return status;
}

/* Moves DIR/name to DIR/quarantine/name.N; nothing of that name is no failure. */
static enum status put_aside(const struct epoch_state *state, const char *name)
{
    const char *directory = state->files.config->directory;
    char from[FILE_PATH_MAX], folder[FILE_PATH_MAX], to[FILE_PATH_MAX], inner[128];
    if (!file_path(from, directory, name) || !file_path(folder, directory, "quarantine"))
        return STATUS_MALFORMED;
    if (!file_exists(from)) return STATUS_OK;
    enum status status = file_make_folder(folder, 0700);
    if (status != STATUS_OK) return status;
    for (unsigned i = 1; i < TRIES_MAX; i++) {
        snprintf(inner, sizeof(inner), "%s.%u", name, i);
        if (!file_path(to, folder, inner)) return STATUS_MALFORMED;
        if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
            log_warn("node", "put aside", "what=\"%s\" as=\"%s\"", from, to);
            status = sync_folder(folder);
            return status == STATUS_OK ? sync_folder(directory) : status;
        }
        if (errno != EEXIST) break;
    }
    return io_failed("cannot be put aside", from);
}

/* An empty folder DIR/name; what an earlier try left there goes aside. */
static enum status fresh_folder(const struct epoch_state *state, const char *name,
                                char path[FILE_PATH_MAX])
{
    const enum status status = put_aside(state, name);
    if (status != STATUS_OK) return status;
    if (!file_path(path, state->files.config->directory, name)) return STATUS_MALFORMED;
    return file_make_folder(path, 0700);
}

/* The fresh folder takes the place of the old one, in one step, and the old one goes aside under the fresh name. */
static enum status exchange(const struct epoch_state *state, const char *fresh_name,
                            const char *fresh, const char *old)
{
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, old, RENAME_EXCHANGE) != 0)
        return io_failed("cannot take its place", old);
    const enum status status = sync_folder(state->files.config->directory);
    return status == STATUS_OK ? put_aside(state, fresh_name) : status;
}

/* ---- The log ---- */

static enum status copy_entries(struct wal *from, struct wal *to, uint64_t last)
{
    enum status status = STATUS_OK;
    for (uint64_t i = wal_base_index(from) + 1; i <= last && status == STATUS_OK; i++) {
        struct wal_entry entry;
        const uint64_t commit = wal_commit_index(from);
        status = wal_read(from, i, &entry);
        if (status == STATUS_OK) status = wal_append(to, &entry, 1, commit < i ? commit : i);
    }
    return status;
}

static enum status copy_log(struct wal *from, const struct wal_options *options,
                            const struct epoch_mark *last)
{
    struct wal *to = NULL;
    struct wal_damage damage;
    enum status status = wal_create(options);
    if (status == STATUS_OK && wal_base_index(from) > 0)
        status = wal_begin_at(options, wal_base(from));
    if (status == STATUS_OK) status = wal_open(options, &to, &damage);
    if (status == STATUS_OK) status = copy_entries(from, to, last->index);
    if (status == STATUS_OK) status = wal_set_vote(to, wal_term(from), wal_voted_for(from));
    if (status == STATUS_OK && !hash_equal(wal_last_hash(to), last->hash)) status = STATUS_MISMATCH;
    wal_close(to);
    return status;
}

static enum status cut_log(const struct epoch_state *state, const struct epoch_mark *last)
{
    char path[FILE_PATH_MAX];
    struct wal *from = NULL;
    struct wal_damage damage;
    enum status status = fresh_folder(state, "wal.cut", path);
    if (status != STATUS_OK) return status;
    struct wal_options options = {.disk = wal_disk_directory(state->files.wal),
                                  .segment_bytes = state->files.config->wal_segment_bytes,
                                  .chain_id = state->chain_id,
                                  .node = state->files.id};
    struct wal_options fresh = options;
    fresh.disk = wal_disk_directory(path);
    status =
        options.disk == NULL || fresh.disk == NULL ? STATUS_IO : wal_open(&options, &from, &damage);
    if (status == STATUS_OK) status = copy_log(from, &fresh, last);
    wal_close(from);
    wal_disk_free((struct wal_disk *)(uintptr_t)options.disk);
    wal_disk_free((struct wal_disk *)(uintptr_t)fresh.disk);
    return status == STATUS_OK ? exchange(state, "wal.cut", path, state->files.wal) : status;
}

/* ---- The chain ---- */

static enum status copy_block(struct chain *from, struct chain *to, uint64_t height)
{
    struct chain_block block;
    uint8_t header[BLOCK_HEADER_BYTES];
    const uint8_t *bytes;
    size_t byte_count;
    enum status status = chain_read_block(from, height, &block);
    if (status == STATUS_OK) {
        status = chain_append_block(to, block.header, block.body, block.body_bytes);
    } else if (status == STATUS_NOT_FOUND) {
        status = chain_read_header(from, height, header);
        if (status == STATUS_OK) status = chain_append_header(to, header);
    }
    if (status == STATUS_OK) {
        status = chain_read_certificate(from, height, &bytes, &byte_count);
        if (status == STATUS_NOT_FOUND) return STATUS_OK;
    }
    return status == STATUS_OK ? chain_append_certificate(to, height, bytes, byte_count) : status;
}

/* A chain that begins above a block begins there again. */
static enum status begin_chain(struct chain *from, const char *path)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    const uint8_t *bytes = NULL;
    size_t byte_count = 0;
    const uint64_t base = chain_base(from);
    if (base == 0) return STATUS_OK;
    enum status status = chain_read_header(from, base, header);
    if (status == STATUS_OK) status = chain_read_certificate(from, base, &bytes, &byte_count);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    return chain_begin_at(path, header, bytes, status == STATUS_OK ? byte_count : 0);
}

static enum status cut_chain(struct epoch_state *state, uint64_t height)
{
    char path[FILE_PATH_MAX];
    struct chain *to = NULL;
    enum status status = fresh_folder(state, "chain.cut", path);
    if (status == STATUS_OK) status = begin_chain(state->chain, path);
    if (status == STATUS_OK) status = chain_open(path, &to);
    for (uint64_t i = chain_base(state->chain) + 1; i <= height && status == STATUS_OK; i++)
        status = copy_block(state->chain, to, i);
    chain_close(to);
    if (status == STATUS_OK) status = exchange(state, "chain.cut", path, state->files.chain);
    /* It follows from the headers, and is made again. */
    return status == STATUS_OK ? put_aside(state, "history") : status;
}

enum status epoch_cut(struct epoch_state *state, const struct epoch_mark *last)
{
    if (last->index < state->base_index) {
        log_error("node", "the cut lies below the newest checkpoint",
                  "index=%" PRIu64 " checkpoint=%" PRIu64, last->index, state->base_index);
        return STATUS_BEHIND;
    }
    const uint64_t height = epoch_state_height_of(state, last->commands);
    const enum status status = cut_chain(state, height);
    return status == STATUS_OK ? cut_log(state, last) : status;
}
