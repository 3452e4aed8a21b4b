#include "ledger/receipt.h"

#include "common/le.h"
#include "ledger/block.h"
#include "ledger/merkle.h"

static_assert(PROOF_PATH_MAX >= 32, "a block has fewer than 2^32 fills");

const char *receipt_fault(const struct proof_trade *trade, const struct block_header *header)
{
    struct merkle_path path = {.count = trade->path_count};
    memcpy(path.hashes, trade->path, trade->path_count * sizeof(hash_t));
    if (trade->command < header->first_command || trade->command > header->last_command)
        return "its command is not of the block";
    if (!merkle_included(merkle_leaf(trade->leaf, PROOF_FILL_BYTES), trade->index,
                         header->fill_count, header->fills_root, &path))
        return "its path does not lead to fills_root";
    return NULL;
}

/* Adds the leaves of one record's fills; notes the one that is looked for. False: more than there is room for. */
static bool take_fills(const struct applied *record, uint32_t leaf_max, uint16_t market,
                       uint64_t trade_id, hash_t *leaves, uint32_t *leaf_count,
                       struct proof_trade *trade)
{
    const uint8_t *at = record->events, *const end = at + record->events_length;
    struct event event;
    uint8_t leaf[PROOF_FILL_BYTES];
    for (uint32_t ordinal = 0; event_next(&at, end, &event); ordinal++) {
        struct fill_event fill;
        if (event.type != T_FILL) continue;
        if (*leaf_count == leaf_max) return false;
        uint8_t *put = le_put_u64(leaf, record->number);
        put = le_put_u32(put, ordinal);
        le_put_bytes(put, event.payload - EVENT_HEADER_BYTES, EVENT_HEADER_BYTES + FILL_BYTES);
        fill_event_get(event.payload, &fill);
        if (fill.market == market && fill.trade_id == trade_id) {
            trade->index = *leaf_count;
            trade->command = record->number;
            trade->ordinal = ordinal;
            trade->fill = fill;
            memcpy(trade->leaf, leaf, sizeof(leaf));
        }
        leaves[(*leaf_count)++] = merkle_leaf(leaf, sizeof(leaf));
    }
    return true;
}

enum status receipt_make(const struct block_header *header, const uint8_t *body, size_t body_bytes,
                         uint16_t market, uint64_t trade_id, hash_t *leaves,
                         struct proof_trade *trade)
{
    const uint8_t *at = body, *const end = body + body_bytes;
    struct applied record;
    struct command command;
    struct merkle_path path;
    uint32_t leaf_count = 0;
    *trade = (struct proof_trade){.index = UINT32_MAX};
    while (block_next(&at, end, &record, &command))
        if (!take_fills(&record, header->fill_count, market, trade_id, leaves, &leaf_count, trade))
            return STATUS_DAMAGED;
    if (at != end || leaf_count != header->fill_count) return STATUS_DAMAGED;
    if (trade->index == UINT32_MAX) return STATUS_NOT_FOUND;
    merkle_prove_inclusion(leaves, leaf_count, trade->index, &path);
    ASSERT(path.count <= PROOF_PATH_MAX);
    trade->path_count = path.count;
    memcpy(trade->path, path.hashes, path.count * sizeof(hash_t));
    return receipt_fault(trade, header) == NULL ? STATUS_OK : STATUS_DAMAGED;
}
