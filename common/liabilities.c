#include "common/liabilities.h"

#include "common/le.h"

#define CERTIFICATE_AT_MOST LIABILITIES_VOTES_BYTES_MAX
#define PART_FIXED          (4 + 8 + HASH_BYTES + 2)
#define NODE_BYTES          (16 + HASH_BYTES)
#define OWNER_BYTES         (PUBLIC_KEY_BYTES + 2 + 2)

static_assert(OWNER_BYTES + LIABILITIES_HEAD_BYTES_MAX + 4 + CERTIFICATE_AT_MOST +
                      LIABILITIES_PARTS_MAX * (PART_FIXED + LIABILITIES_PATH_MAX * NODE_BYTES) <=
                  PROOF_LIABILITY_BYTES_MAX,
              "every opening fits");

static uint8_t *put_u128(uint8_t *at, unsigned __int128 value)
{
    return le_put_u64(le_put_u64(at, (uint64_t)value), (uint64_t)(value >> 64));
}

static unsigned __int128 get_u128(const uint8_t *at)
{
    return (unsigned __int128)le_get_u64(at + 8) << 64 | le_get_u64(at);
}

/* ---- head ---- */

size_t liabilities_head_put(const struct liabilities_head *head,
                            uint8_t bytes[LIABILITIES_HEAD_BYTES_MAX])
{
    ASSERT(head->asset_count <= PROOF_ASSETS_MAX);
    uint8_t *at = le_put_u32(bytes, LIABILITIES_MAGIC);
    at = le_put_u16(at, LIABILITIES_VERSION);
    at = le_put_u16(at, (uint16_t)head->asset_count);
    at = le_put_u64(at, head->height);
    at = le_put_bytes(at, head->chain_id.bytes, HASH_BYTES);
    at = le_put_bytes(at, head->header_hash.bytes, HASH_BYTES);
    for (uint32_t i = 0; i < head->asset_count; i++) {
        const struct liabilities_row *row = &head->assets[i];
        at = le_put_u16(at, row->asset);
        at = le_put_u64(at, row->leaf_count);
        at = put_u128(at, row->sum);
        at = le_put_bytes(at, row->root.bytes, HASH_BYTES);
    }
    return (size_t)(at - bytes);
}

/* A sum is at most what its leaves can be, so that no sum of a path, which is not above it, wraps. */
static bool row_get(const uint8_t *at, uint32_t asset, struct liabilities_row *row)
{
    row->asset = le_get_u16(at);
    row->leaf_count = le_get_u64(at + 2);
    row->sum = get_u128(at + 10);
    memcpy(row->root.bytes, at + 26, HASH_BYTES);
    return row->asset == asset && row->leaf_count > 0 &&
           row->leaf_count <= LIABILITIES_LEAVES_MAX &&
           row->sum <= (unsigned __int128)row->leaf_count * INT64_MAX;
}

size_t liabilities_head_get(const uint8_t *bytes, size_t byte_count, struct liabilities_head *head)
{
    if (byte_count < LIABILITIES_HEAD_FIXED || le_get_u32(bytes) != LIABILITIES_MAGIC ||
        le_get_u16(bytes + 4) != LIABILITIES_VERSION)
        return 0;
    head->asset_count = le_get_u16(bytes + 6);
    head->height = le_get_u64(bytes + 8);
    memcpy(head->chain_id.bytes, bytes + 16, HASH_BYTES);
    memcpy(head->header_hash.bytes, bytes + 16 + HASH_BYTES, HASH_BYTES);
    if (head->asset_count > PROOF_ASSETS_MAX) return 0;
    const size_t head_bytes =
        LIABILITIES_HEAD_FIXED + (size_t)head->asset_count * LIABILITIES_ROW_BYTES;
    if (byte_count < head_bytes) return 0;
    const uint8_t *at = bytes + LIABILITIES_HEAD_FIXED;
    for (uint32_t i = 0; i < head->asset_count; i++, at += LIABILITIES_ROW_BYTES)
        if (!row_get(at, i, &head->assets[i])) return 0;
    return head_bytes;
}

hash_t liabilities_root(const struct liabilities_head *head)
{
    uint8_t bytes[LIABILITIES_HEAD_BYTES_MAX];
    return hash_tagged("quorex/liabilities/1", bytes, liabilities_head_put(head, bytes));
}

/* ---- opening ---- */

static uint8_t *put_part(uint8_t *at, const struct liabilities_part *part)
{
    ASSERT(part->path_count <= LIABILITIES_PATH_MAX);
    at = le_put_u32(at, part->position);
    at = le_put_u64(at, part->amount);
    at = le_put_bytes(at, part->nonce.bytes, HASH_BYTES);
    at = le_put_u16(at, (uint16_t)part->path_count);
    for (uint32_t i = 0; i < part->path_count; i++) {
        at = put_u128(at, part->path[i].sum);
        at = le_put_bytes(at, part->path[i].hash.bytes, HASH_BYTES);
    }
    return at;
}

size_t liabilities_opening_put(const struct liabilities_opening *opening,
                               uint8_t bytes[PROOF_LIABILITY_BYTES_MAX])
{
    ASSERT(opening->part_count <= LIABILITIES_PARTS_MAX &&
           opening->certificate_bytes <= CERTIFICATE_AT_MOST);
    uint8_t *at = le_put_bytes(bytes, opening->public_key, PUBLIC_KEY_BYTES);
    at = le_put_u16(at, opening->asset);
    at = le_put_u16(at, (uint16_t)opening->part_count);
    at += liabilities_head_put(&opening->head, at);
    at = le_put_u32(at, opening->certificate_bytes);
    at = le_put_bytes(at, opening->certificate, opening->certificate_bytes);
    for (uint32_t i = 0; i < opening->part_count; i++)
        at = put_part(at, &opening->parts[i]);
    return (size_t)(at - bytes);
}

/* Returns the byte after the part; NULL: there is none. */
static const uint8_t *get_part(const uint8_t *at, const uint8_t *end, struct liabilities_part *part)
{
    if (end - at < PART_FIXED) return NULL;
    part->position = le_get_u32(at);
    part->amount = le_get_u64(at + 4);
    memcpy(part->nonce.bytes, at + 12, HASH_BYTES);
    part->path_count = le_get_u16(at + 12 + HASH_BYTES);
    at += PART_FIXED;
    if (part->path_count > LIABILITIES_PATH_MAX ||
        end - at < (ptrdiff_t)(part->path_count * NODE_BYTES))
        return NULL;
    for (uint32_t i = 0; i < part->path_count; i++, at += NODE_BYTES) {
        part->path[i].sum = get_u128(at);
        memcpy(part->path[i].hash.bytes, at + 16, HASH_BYTES);
    }
    return at;
}

bool liabilities_opening_get(const uint8_t *bytes, size_t byte_count,
                             struct liabilities_opening *opening)
{
    const uint8_t *at = bytes, *const end = bytes + byte_count;
    if (byte_count < OWNER_BYTES || byte_count > PROOF_LIABILITY_BYTES_MAX) return false;
    memcpy(opening->public_key, at, PUBLIC_KEY_BYTES);
    opening->asset = le_get_u16(at + PUBLIC_KEY_BYTES);
    opening->part_count = le_get_u16(at + PUBLIC_KEY_BYTES + 2);
    at += OWNER_BYTES;
    const size_t head_bytes = liabilities_head_get(at, (size_t)(end - at), &opening->head);
    at += head_bytes;
    if (head_bytes == 0 || end - at < 4 || opening->part_count == 0 ||
        opening->part_count > LIABILITIES_PARTS_MAX || opening->asset >= opening->head.asset_count)
        return false;
    opening->certificate_bytes = le_get_u32(at);
    at += 4;
    if (opening->certificate_bytes > CERTIFICATE_AT_MOST ||
        end - at < (ptrdiff_t)opening->certificate_bytes)
        return false;
    memcpy(opening->certificate, at, opening->certificate_bytes);
    at += opening->certificate_bytes;
    for (uint32_t i = 0; i < opening->part_count && at != NULL; i++)
        at = get_part(at, end, &opening->parts[i]);
    return at == end;
}
