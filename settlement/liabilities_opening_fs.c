#include "settlement/liabilities_file.h"

#include "common/le.h"
#include "common/log.h"
#include "settlement/liabilities_index.h"
#include "settlement/liability_leaf.h"
#include "settlement/liability_split.h"
#include "settlement/state.h"

#include <stdlib.h>

/* An asset's part of the index, and the room for what is on the way from one leaf to its root. */
struct asset_index {
    uint64_t holders_at, rows_at; /* in the index's file */
    uint64_t leaves_at;           /* in the other */
    uint32_t holder_count, row_count;
    uint8_t leaves[LIABILITIES_CHUNK * LIABILITIES_LEAF_BYTES];
    struct liabilities_node chunk[LIABILITIES_CHUNK];
    struct liabilities_node rows[];
};

/* Where the asset's entries and rows are: behind those of the assets before it. */
static bool find_section(const struct liabilities_index *index, uint16_t asset,
                         uint64_t *holders_at, uint64_t *holder_count, uint64_t *row_count)
{
    uint64_t at = LIABILITIES_INDEX_HEADER;
    for (uint16_t i = 0;; i++) {
        uint8_t bytes[LIABILITIES_INDEX_SECTION];
        if (!liabilities_index_read(index->index, bytes, sizeof(bytes), at)) return false;
        *holder_count = le_get_u64(bytes);
        *row_count = le_get_u64(bytes + 8);
        const uint64_t chunks =
            (index->head.assets[i].leaf_count + LIABILITIES_CHUNK - 1) / LIABILITIES_CHUNK;
        if (*holder_count == 0 || *holder_count > UINT32_MAX || *row_count != chunks) return false;
        *holders_at = at + sizeof(bytes);
        at = *holders_at + *holder_count * sizeof(struct liabilities_holder) +
             *row_count * sizeof(struct liabilities_node);
        if (i == asset) return true;
    }
}

/* STATUS_OK: to be freed. */
static enum status open_asset(const struct liabilities_index *index, uint16_t asset,
                              struct asset_index **opened)
{
    uint64_t holders_at, holder_count, row_count;
    if (!find_section(index, asset, &holders_at, &holder_count, &row_count)) return STATUS_DAMAGED;
    struct asset_index *room =
        malloc(sizeof(*room) + (size_t)row_count * sizeof(struct liabilities_node));
    if (room == NULL) return STATUS_NO_MEMORY;
    room->holders_at = holders_at;
    room->rows_at = holders_at + holder_count * sizeof(struct liabilities_holder);
    room->leaves_at = liabilities_index_leaves_at(&index->head, asset);
    room->holder_count = (uint32_t)holder_count - 1; /* without the one that ends them */
    room->row_count = (uint32_t)row_count;
    *opened = room;
    return STATUS_OK;
}

/* The account's entry and the one after it. */
static enum status find_holder(const struct liabilities_index *index,
                               const struct asset_index *room, uint32_t account,
                               struct liabilities_holder found[2])
{
    uint32_t low = 0, high = room->holder_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (!liabilities_index_read(index->index, found, 2 * sizeof(*found),
                                    room->holders_at + (uint64_t)middle * sizeof(*found)))
            return STATUS_DAMAGED;
        if (found[0].account == account) return STATUS_OK;
        if (found[0].account < account)
            low = middle + 1;
        else
            high = middle;
    }
    return STATUS_NOT_FOUND;
}

/* The beginning of the way from the part's leaf: through the leaves about it. False: the leaf is another one. */
static bool read_chunk(const struct liabilities_index *index, struct asset_index *room,
                       uint16_t asset, const struct liabilities_node *mine,
                       struct liabilities_part *part)
{
    const struct liabilities_row *row = &index->head.assets[asset];
    const uint32_t chunk = part->position / LIABILITIES_CHUNK;
    const uint32_t in_chunk = part->position % LIABILITIES_CHUNK;
    const uint64_t first = (uint64_t)chunk * LIABILITIES_CHUNK, left = row->leaf_count - first;
    const uint32_t count = left < LIABILITIES_CHUNK ? (uint32_t)left : LIABILITIES_CHUNK;
    if (!liabilities_index_read(index->file, room->leaves, (size_t)count * LIABILITIES_LEAF_BYTES,
                                room->leaves_at + first * LIABILITIES_LEAF_BYTES))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *leaf = room->leaves + (size_t)i * LIABILITIES_LEAF_BYTES;
        hash_t bound;
        memcpy(bound.bytes, leaf + 8, HASH_BYTES);
        if (le_get_u64(leaf) > INT64_MAX) return false;
        room->chunk[i] = liability_leaf_node(asset, le_get_u64(leaf), &bound);
    }
    if (!hash_equal(room->chunk[in_chunk].hash, mine->hash)) return false;
    part->path_count = liability_leaf_path(room->chunk, count, in_chunk, part->path);
    return true;
}

/* The rest of it, through the row, of all parts. False: one does not lead to the asset's root. */
static bool read_rows(const struct liabilities_index *index, struct asset_index *room,
                      const struct liabilities_node mine[], struct liabilities_opening *opening)
{
    const struct liabilities_row *row = &index->head.assets[opening->asset];
    if (!liabilities_index_read(index->index, room->rows, room->row_count * sizeof(*room->rows),
                                room->rows_at))
        return false;
    liability_leaf_rise(room->rows, room->row_count, LIABILITIES_CHUNK, opening->parts,
                        opening->part_count);
    for (uint16_t i = 0; i < opening->part_count; i++)
        if (liability_leaf_fault(&opening->parts[i], mine[i], row) != NULL) return false;
    return true;
}

static enum status open_parts(const struct liabilities_index *index, struct asset_index *room,
                              const struct settlement *settlement,
                              const struct liabilities_holder holder[2],
                              struct liabilities_opening *opening)
{
    struct liability_parts parts;
    struct liability_order order;
    const uint16_t asset = opening->asset;
    const uint64_t leaf_count = index->head.assets[asset].leaf_count;
    struct liabilities_node mine[LIABILITIES_PARTS_MAX];
    struct liability_keys keys;
    liability_split_keys(settlement->tree, index->height, asset, &keys);
    bool read = leaf_count > 1 && holder->amount > 0 && holder->amount <= (uint64_t)INT64_MAX * 2;
    if (read) liability_split_parts(&keys, holder->account, holder->amount, &parts);
    read = read && holder[1].first - holder->first == parts.count && holder[1].first <= leaf_count;
    if (read) liability_split_order(&keys, leaf_count, &order);
    opening->part_count = read ? parts.count : 0;
    for (uint16_t i = 0; read && i < parts.count; i++) {
        struct liabilities_part *part = &opening->parts[i];
        part->position = liability_split_place(&order, holder->first + i);
        part->amount = parts.amounts[i];
        part->nonce = liability_split_nonce(&keys, holder->first + i);
        const hash_t commitment =
            liability_leaf_commitment(&part->nonce, opening->public_key, asset, i, parts.count);
        mine[i] = liability_leaf_node(asset, part->amount, &commitment);
        read = read_chunk(index, room, asset, &mine[i], part);
    }
    read = read && read_rows(index, room, mine, opening);
    sodium_memzero(&keys, sizeof(keys));
    return read ? STATUS_OK : STATUS_DAMAGED;
}

/* The certificate is the end of the file. */
static enum status read_certificate(const struct liabilities_index *index,
                                    struct liabilities_opening *opening)
{
    uint8_t lengths[LIABILITIES_TAIL_FIXED];
    const uint64_t tail = liabilities_index_leaves_at(&index->head, index->head.asset_count);
    if (!liabilities_index_read(index->file, lengths, sizeof(lengths), tail)) return STATUS_DAMAGED;
    const uint32_t proof_bytes = le_get_u32(lengths), bytes = le_get_u32(lengths + 4);
    if (bytes > sizeof(opening->certificate) ||
        !liabilities_index_read(index->file, opening->certificate, bytes,
                                tail + sizeof(lengths) + proof_bytes))
        return STATUS_DAMAGED;
    opening->certificate_bytes = bytes;
    return STATUS_OK;
}

static enum status open_account(const struct liabilities_index *index,
                                const struct settlement *settlement, uint32_t account,
                                struct liabilities_opening *opening)
{
    struct liabilities_holder holder[2];
    struct asset_index *room = NULL;
    enum status status = open_asset(index, opening->asset, &room);
    if (status == STATUS_OK) status = find_holder(index, room, account, holder);
    if (status == STATUS_OK) {
        memcpy(opening->public_key,
               balance_sheet_owner_place(settlement->accounts, account)->public_key,
               PUBLIC_KEY_BYTES);
        status = open_parts(index, room, settlement, holder, opening);
    }
    free(room);
    return status;
}

enum status liabilities_file_opening(const char *directory, const struct settlement *settlement,
                                     uint32_t account, uint16_t asset, uint64_t height,
                                     uint8_t subject[PROOF_LIABILITY_BYTES_MAX],
                                     size_t *subject_bytes)
{
    struct liabilities_index index;
    enum status status = liabilities_index_open(&index, directory, height);
    if (status != STATUS_OK) return status;
    struct liabilities_opening *opening = malloc(sizeof(*opening));
    if (opening == NULL) status = STATUS_NO_MEMORY;
    if (index.certified_bytes == 0 || asset >= index.head.asset_count || account == 0 ||
        account > settlement->params.accounts_max)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK) {
        opening->asset = asset;
        opening->head = index.head;
        status = read_certificate(&index, opening);
    }
    if (status == STATUS_OK) status = open_account(&index, settlement, account, opening);
    if (status == STATUS_OK) *subject_bytes = liabilities_opening_put(opening, subject);
    if (status == STATUS_DAMAGED)
        log_error("settlement", "liabilities are damaged", "height=%lu asset=%u", height, asset);
    liabilities_index_close(&index);
    free(opening);
    return status;
}
