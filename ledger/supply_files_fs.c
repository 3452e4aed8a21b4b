#include "ledger/supply_files.h"

#include "common/log.h"
#include "ledger/backfill_relay.h"
#include "ledger/chain.h"
#include "ledger/checkpoint.h"
#include "ledger/lineage.h"
#include "ledger/replica.h"

#include <stdlib.h>
#include <string.h>

struct supply_files {
    char *checkpoint_directory;
    bool archive;
    const struct progress *progress;
    struct replica *replica; /* NULL: no log */
    struct supply *supply;
    struct backfill_relay *backfill; /* or NULL */
    struct lineage_reader *lineage;
    struct chain *chain; /* NULL: no blocks */
    uint64_t block_height;
    struct chain_block block; /* that one, until the chain's next read; 0: none */
    struct checkpoint_reader *readers[SUPPLY_READERS_MAX]; /* the last used comes first */
};

struct supply_files *supply_files_new(const struct supply_files_options *options)
{
    struct supply_files *files = calloc(1, sizeof(*files));
    if (files == NULL) return NULL;
    files->archive = options->archive;
    files->backfill = options->backfill;
    files->progress = options->progress;
    files->checkpoint_directory = strdup(options->checkpoint_directory);
    files->supply = malloc(sizeof(*files->supply));
    files->lineage = lineage_reader_new(options->checkpoint_directory);
    bool made =
        files->checkpoint_directory != NULL && files->supply != NULL && files->lineage != NULL;
    if (made && options->chain_directory != NULL)
        made = chain_open_reader(options->chain_directory, &files->chain) == STATUS_OK;
    if (made) return files;
    log_error("ledger", "no memory to supply others", "directory=\"%s\"",
              options->checkpoint_directory);
    supply_files_free(files);
    return NULL;
}

void supply_files_free(struct supply_files *files)
{
    if (files == NULL) return;
    for (int i = 0; i < SUPPLY_READERS_MAX; i++)
        checkpoint_reader_close(files->readers[i]);
    chain_close(files->chain);
    lineage_reader_free(files->lineage);
    free(files->supply);
    free(files->checkpoint_directory);
    free(files);
}

/* A node that keeps all bodies may have begun at a checkpoint. */
static bool has_everything(struct supply_files *files)
{
    return files->archive && files->chain != NULL && chain_first_body(files->chain) == 1;
}

static void offer(void *context, struct fetch_offer *offer)
{
    struct supply_files *files = context;
    const struct progress *progress = files->progress;
    *offer = (struct fetch_offer){
        .flags = has_everything(files) ? FETCH_ARCHIVE : 0,
        .height = atomic_load_explicit(&progress->sealed_height, memory_order_relaxed),
        .certified_height = atomic_load_explicit(&progress->certified_height, memory_order_relaxed),
        .checkpoint_height =
            atomic_load_explicit(&progress->checkpoint_height, memory_order_relaxed),
        .lineage_height = lineage_reader_height(files->lineage)};
    if (files->replica == NULL) return;
    const struct replica_facts facts = replica_facts(files->replica);
    offer->log_base = facts.base;
    offer->log_last = facts.stored;
}

/* A part of bytes that are in memory. */
static enum status give(const uint8_t *from, size_t from_bytes, uint32_t offset, uint8_t *bytes,
                        uint32_t capacity, uint32_t *byte_count, uint32_t *total)
{
    if (from_bytes > UINT32_MAX || offset >= from_bytes) return STATUS_NOT_FOUND;
    *total = (uint32_t)from_bytes;
    *byte_count = *total - offset < capacity ? *total - offset : capacity;
    memcpy(bytes, from + offset, *byte_count);
    return STATUS_OK;
}

/* ---- Checkpoints ---- */

/* The open checkpoint of this height in front, or STATUS_NOT_FOUND. */
static enum status open_checkpoint(struct supply_files *files, uint64_t height)
{
    struct checkpoint_reader *found = NULL;
    int place = 0;
    for (; place < SUPPLY_READERS_MAX - 1; place++)
        if (files->readers[place] == NULL ||
            checkpoint_reader_manifest(files->readers[place])->height == height)
            break;
    found = files->readers[place];
    if (found == NULL || checkpoint_reader_manifest(found)->height != height) {
        struct checkpoint_reader *opened;
        const enum status status =
            checkpoint_reader_open(files->checkpoint_directory, height, &opened);
        if (status != STATUS_OK) return STATUS_NOT_FOUND;
        checkpoint_reader_close(found);
        found = opened;
    }
    for (; place > 0; place--)
        files->readers[place] = files->readers[place - 1];
    files->readers[0] = found;
    return STATUS_OK;
}

static enum status read_chunk(struct supply_files *files, uint32_t chunk, uint32_t offset,
                              uint8_t *bytes, uint32_t capacity, uint32_t *byte_count,
                              uint32_t *total)
{
    struct checkpoint_reader *reader = files->readers[0];
    const struct checkpoint_manifest *manifest = checkpoint_reader_manifest(reader);
    enum checkpoint_section section;
    if (chunk >= manifest->chunk_count) return STATUS_NOT_FOUND;
    *total = checkpoint_chunk_bytes(manifest, chunk, &section);
    return checkpoint_reader_piece(reader, chunk, offset, bytes, capacity, byte_count);
}

static enum status read_checkpoint(struct supply_files *files, const struct fetch_object *object,
                                   uint32_t offset, uint8_t *bytes, uint32_t capacity,
                                   uint32_t *byte_count, uint32_t *total)
{
    if (object->height == 0 || open_checkpoint(files, object->height) != STATUS_OK)
        return STATUS_NOT_FOUND;
    struct checkpoint_reader *reader = files->readers[0];
    size_t length;
    if (object->kind == FETCH_CHUNK)
        return read_chunk(files, object->part, offset, bytes, capacity, byte_count, total);
    if (object->kind == FETCH_MANIFEST) {
        const uint8_t *manifest = checkpoint_reader_manifest_bytes(reader, &length);
        return give(manifest, length, offset, bytes, capacity, byte_count, total);
    }
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    length = certificate_encode(checkpoint_reader_certificate(reader), certificate);
    return give(certificate, length, offset, bytes, capacity, byte_count, total);
}

/* ---- Blocks ---- */

/* Headers from a height downwards, as many as are here; a run is one piece. */
static enum status read_headers(struct supply_files *files, const struct fetch_object *object,
                                uint32_t offset, uint8_t *bytes, uint32_t capacity,
                                uint32_t *byte_count, uint32_t *total)
{
    uint32_t count = 0;
    if (offset != 0) return STATUS_NOT_FOUND;
    for (; count < object->part && count < object->height; count++) {
        const size_t at = (size_t)count * BLOCK_HEADER_BYTES;
        if (at + BLOCK_HEADER_BYTES > capacity) break;
        if (chain_read_header(files->chain, object->height - count, bytes + at) != STATUS_OK) break;
    }
    *byte_count = *total = count * BLOCK_HEADER_BYTES;
    return count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status read_block(struct supply_files *files, const struct fetch_object *object,
                              uint32_t offset, uint8_t *bytes, uint32_t capacity,
                              uint32_t *byte_count, uint32_t *total)
{
    if (files->chain == NULL || object->height == 0) return STATUS_NOT_FOUND;
    if (object->kind == FETCH_BODY) {
        /* The pieces of one body come one after the other: it is read once. */
        if (files->block_height != object->height) {
            files->block_height = 0;
            if (chain_read_block(files->chain, object->height, &files->block) != STATUS_OK)
                return STATUS_NOT_FOUND;
            files->block_height = object->height;
        }
        return give(files->block.body, files->block.body_bytes, offset, bytes, capacity, byte_count,
                    total);
    }
    files->block_height = 0;
    if (object->kind == FETCH_HEADERS)
        return read_headers(files, object, offset, bytes, capacity, byte_count, total);
    if (object->kind == FETCH_HEADER) {
        uint8_t header[BLOCK_HEADER_BYTES];
        if (chain_read_header(files->chain, object->height, header) != STATUS_OK)
            return STATUS_NOT_FOUND;
        return give(header, sizeof(header), offset, bytes, capacity, byte_count, total);
    }
    const uint8_t *certificate;
    size_t length;
    if (chain_read_certificate(files->chain, object->height, &certificate, &length) != STATUS_OK)
        return STATUS_NOT_FOUND;
    return give(certificate, length, offset, bytes, capacity, byte_count, total);
}

/* ---- The source ---- */

static enum status read_lineage(struct supply_files *files, uint64_t height, uint32_t offset,
                                uint8_t *bytes, uint32_t capacity, uint32_t *byte_count,
                                uint32_t *total)
{
    if (offset != 0) return STATUS_NOT_FOUND;
    *byte_count = *total = lineage_reader_steps(files->lineage, height, bytes, capacity);
    return *total > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status read_object(void *context, const struct fetch_object *object, uint32_t offset,
                               uint8_t *bytes, uint32_t capacity, uint32_t *byte_count,
                               uint32_t *total)
{
    struct supply_files *files = context;
    switch (object->kind) {
    case FETCH_LINEAGE:
        return read_lineage(files, object->height, offset, bytes, capacity, byte_count, total);
    case FETCH_MANIFEST:
    case FETCH_CERTIFICATE:
    case FETCH_CHUNK:
        return read_checkpoint(files, object, offset, bytes, capacity, byte_count, total);
    default:
        return read_block(files, object, offset, bytes, capacity, byte_count, total);
    }
}

static enum status read_entry(void *context, uint64_t index, struct wal_entry *entry)
{
    struct supply_files *files = context;
    if (files->replica == NULL) return STATUS_NOT_FOUND;
    return replica_read(files->replica, index, entry);
}

struct supply_source supply_files_source(struct supply_files *files)
{
    return (struct supply_source){files, offer, read_object, read_entry};
}

static void hook_begin(void *context, const struct peers *peers, struct replica *replica)
{
    struct supply_files *files = context;
    files->replica = replica;
    supply_begin(files->supply, *peers, supply_files_source(files));
    if (files->backfill != NULL) backfill_relay_begin(files->backfill, *peers);
}

static void hook_message(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    const struct supply_files *files = context;
    if (byte_count > 0 && bytes[0] == FETCH_PIECE) {
        if (files->backfill != NULL)
            backfill_relay_answer(files->backfill, node, bytes, byte_count);
        return;
    }
    supply_receive(files->supply, node, bytes, byte_count);
}

static void hook_nodes(void *context, const struct node_set *nodes)
{
    const struct supply_files *files = context;
    if (files->backfill != NULL) backfill_relay_nodes(files->backfill, nodes);
}

static bool hook_turn(void *context)
{
    const struct supply_files *files = context;
    const bool more = files->backfill != NULL && backfill_relay_turn(files->backfill);
    return supply_turn(files->supply) || more;
}

struct consensus_supply supply_files_hooks(struct supply_files *files)
{
    return (struct consensus_supply){files, hook_begin, hook_message, hook_turn, hook_nodes};
}
