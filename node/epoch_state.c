#include "node/epoch_state.h"

#include "common/batch.h"
#include "common/log.h"
#include "ledger/block.h"
#include "node/chain_section.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static enum status unfit(const char *what, uint64_t height)
{
    log_error("node", "the node's files do not fit together: start it once, and stop it",
              "what=\"%s\" height=%" PRIu64, what, height);
    return STATUS_MISMATCH;
}

/* ---- Whose statements count ---- */

/* The set and the epoch at the checkpoint that the node would start from. */
static enum status membership_at_start(struct epoch_state *state)
{
    const struct start *start = &state->start;
    struct chain_section section;
    struct block_header header;
    membership_begin(&state->membership, &state->files.genesis);
    if (start->height == 0) return STATUS_OK;
    if (!chain_section_get(start->sections[CHECKPOINT_CHAIN],
                           start->section_bytes[CHECKPOINT_CHAIN], &section) ||
        !digest_snapshot_membership(&state->files.genesis, section.digest, section.digest_bytes,
                                    &state->membership) ||
        !block_header_decode(checkpoint_reader_manifest(start->reader)->header, &header))
        return unfit("checkpoint", start->height);
    state->base_index = start->base.index;
    state->base_commands = header.last_command;
    return STATUS_OK;
}

static enum status follow_block(struct epoch_state *state, uint64_t height)
{
    struct chain_block block;
    const enum status status = chain_read_block(state->chain, height, &block);
    if (status != STATUS_OK) return status;
    const uint8_t *at = block.body, *const end = block.body + block.body_bytes;
    struct applied record;
    struct command command;
    while (block_next(&at, end, &record, &command)) {
        const uint8_t *next = record.events, *const last = next + record.events_length;
        struct event event;
        while (event_next(&next, last, &event)) {
            if (event.type != T_NODE_CHANGED && event.type != T_EPOCH_CHANGED) continue;
            const char *fault = membership_event(&state->membership, &event, record.number, height);
            if (fault != NULL) return unfit(fault, height);
        }
    }
    if (at != end) return unfit("body", height);
    membership_end_block(&state->membership, height);
    return STATUS_OK;
}

/* Follows the events of all blocks above the checkpoint; the last header must name the set that comes of it. */
static enum status follow_chain(struct epoch_state *state)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    state->tip = chain_tip(state->chain);
    if (state->tip < state->start.height) return unfit("chain", state->tip);
    enum status status = STATUS_OK;
    for (uint64_t height = state->start.height + 1; height <= state->tip; height++) {
        status = follow_block(state, height);
        if (status != STATUS_OK) return status;
    }
    node_set_voters(&state->membership.nodes, &state->voters);
    if (state->membership.change_height != 0) {
        log_error("node", "a change of the node set does not count yet: two blocks more are needed",
                  "from_height=%" PRIu64, state->membership.change_height);
        return STATUS_MISMATCH;
    }
    if (state->tip == 0) return STATUS_OK;
    status = chain_read_header(state->chain, state->tip, bytes);
    if (status != STATUS_OK) return status;
    if (!block_header_decode(bytes, &header) ||
        !hash_equal(header.next_validators_hash, validator_set_hash(&state->voters)))
        return unfit("validators", state->tip);
    return STATUS_OK;
}

uint64_t epoch_state_height_of(struct epoch_state *state, uint64_t commands)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    struct block_header header;
    uint64_t height = state->tip;
    for (; height > chain_base(state->chain); height--)
        if (chain_read_header(state->chain, height, bytes) == STATUS_OK &&
            block_header_decode(bytes, &header) && header.last_command <= commands)
            break;
    return height;
}

/* ---- The log's end ---- */

/* A mark for each of the last entries; all above the checkpoint are read, for their commands. */
static enum status read_marks(struct epoch_state *state, struct wal *wal)
{
    const uint64_t last = wal_last_index(wal);
    uint64_t commands = state->base_commands;
    for (uint64_t index = state->base_index + 1; index <= last; index++) {
        struct wal_entry entry;
        struct batch_header batch;
        enum status status = wal_read(wal, index, &entry);
        if (status != STATUS_OK) return status;
        if (entry.type == WAL_COMMANDS) {
            if (!batch_header_get(entry.bytes, entry.length, &batch))
                return unfit("entry of the log", index);
            commands += batch.command_count;
        }
        if (last - index >= EPOCH_MARKS_MAX) continue;
        struct epoch_mark *mark = &state->marks[state->mark_count++];
        *mark = (struct epoch_mark){.index = index, .commands = commands};
        status = wal_hash(wal, index, &mark->term, &mark->hash);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static enum status read_log(struct epoch_state *state)
{
    struct wal *wal = NULL;
    struct wal_damage damage;
    struct wal_disk *disk = wal_disk_directory(state->files.wal);
    if (disk == NULL) return STATUS_IO;
    const struct wal_options options = {.disk = disk,
                                        .segment_bytes = state->files.config->wal_segment_bytes,
                                        .chain_id = state->chain_id,
                                        .node = state->files.id};
    state->marks = calloc(EPOCH_MARKS_MAX, sizeof(*state->marks));
    enum status status =
        state->marks == NULL ? STATUS_NO_MEMORY : wal_open(&options, &wal, &damage);
    if (status == STATUS_OK) {
        state->log_index = wal_last_index(wal);
        state->log_commit = wal_commit_index(wal);
        status = state->log_index < state->base_index
                     ? unfit("log", state->start.height)
                     : wal_hash(wal, state->log_index, &state->log_term, &state->log_hash);
    }
    if (status == STATUS_OK) status = read_marks(state, wal);
    wal_close(wal);
    wal_disk_free(disk);
    return status;
}

/* ---- Opening ---- */

enum status epoch_state_open(struct epoch_state *state, const struct config *config)
{
    char path[FILE_PATH_MAX];
    *state = (struct epoch_state){.tip = 0};
    if (!file_path(path, config->directory, "quorex.pid")) return STATUS_MALFORMED;
    enum status status = pid_file_acquire(&state->pid_file, path);
    if (status != STATUS_OK) return status;
    state->locked = true;
    status = node_files_load(&state->files, config);
    if (status != STATUS_OK) return status;
    state->chain_id = genesis_chain_id(&state->files.genesis);
    status = start_open(&state->start, state->files.checkpoint, &state->files.genesis);
    if (status == STATUS_OK) status = membership_at_start(state);
    if (status == STATUS_OK) status = chain_open_reader(state->files.chain, &state->chain);
    if (status == STATUS_OK) status = follow_chain(state);
    if (status == STATUS_OK) status = read_log(state);
    return status;
}

void epoch_state_close(struct epoch_state *state)
{
    free(state->marks);
    chain_close(state->chain);
    start_close(&state->start);
    node_files_close(&state->files);
    if (state->locked) pid_file_release(&state->pid_file);
}
