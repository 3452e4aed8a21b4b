#include "ledger/fetch_message.h"

#include "common/le.h"

static_assert(FETCH_PIECE_HEADER_BYTES + FETCH_PIECE_MAX <= PEERS_MESSAGE_MAX, "a piece is sent");

/* type | second u8 | zero u16 | third u32: the front of every message. */
static uint8_t *put_front(uint8_t *bytes, enum fetch_message_type type, uint8_t second,
                          uint32_t third)
{
    uint8_t *at = le_put_u8(bytes, (uint8_t)type);
    at = le_put_u8(at, second);
    at = le_put_u16(at, 0);
    return le_put_u32(at, third);
}

static bool has_front(const uint8_t *bytes, size_t byte_count, enum fetch_message_type type)
{
    return byte_count >= FETCH_SHORT_BYTES && bytes[0] == (uint8_t)type &&
           le_get_u16(bytes + 2) == 0;
}

bool fetch_object_equal(const struct fetch_object *left, const struct fetch_object *right)
{
    return left->kind == right->kind && left->part == right->part && left->height == right->height;
}

size_t fetch_what_encode(uint8_t bytes[FETCH_SHORT_BYTES])
{
    put_front(bytes, FETCH_WHAT, 0, 0);
    return FETCH_SHORT_BYTES;
}

bool fetch_what_decode(const uint8_t *bytes, size_t byte_count)
{
    return byte_count == FETCH_SHORT_BYTES && has_front(bytes, byte_count, FETCH_WHAT) &&
           bytes[1] == 0 && le_get_u32(bytes + 4) == 0;
}

size_t fetch_offer_encode(const struct fetch_offer *offer, uint8_t bytes[FETCH_OFFER_BYTES])
{
    uint8_t *at = put_front(bytes, FETCH_OFFER, offer->flags, 0);
    at = le_put_u64(at, offer->height);
    at = le_put_u64(at, offer->certified_height);
    at = le_put_u64(at, offer->checkpoint_height);
    at = le_put_u64(at, offer->lineage_height);
    at = le_put_u64(at, offer->log_base);
    at = le_put_u64(at, offer->log_last);
    return (size_t)(at - bytes);
}

bool fetch_offer_decode(const uint8_t *bytes, size_t byte_count, struct fetch_offer *offer)
{
    if (byte_count != FETCH_OFFER_BYTES || !has_front(bytes, byte_count, FETCH_OFFER)) return false;
    *offer = (struct fetch_offer){.flags = bytes[1],
                                  .height = le_get_u64(bytes + 8),
                                  .certified_height = le_get_u64(bytes + 16),
                                  .checkpoint_height = le_get_u64(bytes + 24),
                                  .lineage_height = le_get_u64(bytes + 32),
                                  .log_base = le_get_u64(bytes + 40),
                                  .log_last = le_get_u64(bytes + 48)};
    return (offer->flags & ~FETCH_ARCHIVE) == 0 && le_get_u32(bytes + 4) == 0 &&
           offer->log_base <= offer->log_last;
}

size_t fetch_ask_encode(const struct fetch_ask *ask, uint8_t bytes[FETCH_ASK_BYTES])
{
    uint8_t *at = put_front(bytes, FETCH_ASK, ask->object.kind, ask->object.part);
    at = le_put_u64(at, ask->object.height);
    at = le_put_u32(at, ask->offset);
    at = le_put_u32(at, ask->count);
    return (size_t)(at - bytes);
}

static bool get_object(const uint8_t *bytes, struct fetch_object *object)
{
    *object = (struct fetch_object){
        .kind = bytes[1], .part = le_get_u32(bytes + 4), .height = le_get_u64(bytes + 8)};
    if (object->kind == FETCH_HEADERS) return object->part > 0 && object->part <= FETCH_HEADERS_MAX;
    return object->kind < FETCH_KINDS && (object->kind == FETCH_CHUNK || object->part == 0);
}

bool fetch_ask_decode(const uint8_t *bytes, size_t byte_count, struct fetch_ask *ask)
{
    if (byte_count != FETCH_ASK_BYTES || !has_front(bytes, byte_count, FETCH_ASK)) return false;
    ask->offset = le_get_u32(bytes + 16);
    ask->count = le_get_u32(bytes + 20);
    return get_object(bytes, &ask->object) && ask->count > 0 && ask->count <= FETCH_PIECE_MAX;
}

size_t fetch_piece_encode(const struct fetch_piece *piece, uint8_t bytes[FETCH_PIECE_HEADER_BYTES])
{
    uint8_t *at = put_front(bytes, FETCH_PIECE, piece->object.kind, piece->object.part);
    at = le_put_u64(at, piece->object.height);
    at = le_put_u32(at, piece->offset);
    at = le_put_u32(at, piece->total);
    return (size_t)(at - bytes);
}

bool fetch_piece_decode(const uint8_t *bytes, size_t byte_count, struct fetch_piece *piece)
{
    if (byte_count < FETCH_PIECE_HEADER_BYTES || !has_front(bytes, byte_count, FETCH_PIECE))
        return false;
    if (byte_count - FETCH_PIECE_HEADER_BYTES > FETCH_PIECE_MAX) return false;
    piece->offset = le_get_u32(bytes + 16);
    piece->total = le_get_u32(bytes + 20);
    piece->byte_count = (uint32_t)(byte_count - FETCH_PIECE_HEADER_BYTES);
    piece->bytes = bytes + FETCH_PIECE_HEADER_BYTES;
    if (!get_object(bytes, &piece->object)) return false;
    if (piece->total == 0) return piece->byte_count == 0;
    return piece->byte_count > 0 && piece->offset <= piece->total &&
           piece->byte_count <= piece->total - piece->offset;
}

size_t fetch_ask_entries_encode(const struct fetch_range *range, uint8_t bytes[FETCH_RANGE_BYTES])
{
    uint8_t *at = put_front(bytes, FETCH_ASK_ENTRIES, 0, range->count);
    at = le_put_u64(at, range->first);
    return (size_t)(at - bytes);
}

bool fetch_ask_entries_decode(const uint8_t *bytes, size_t byte_count, struct fetch_range *range)
{
    if (byte_count != FETCH_RANGE_BYTES || !has_front(bytes, byte_count, FETCH_ASK_ENTRIES))
        return false;
    range->count = le_get_u32(bytes + 4);
    range->first = le_get_u64(bytes + 8);
    return bytes[1] == 0 && range->first > 0 && range->count > 0 &&
           range->count <= FETCH_ENTRIES_MAX && range->first <= UINT64_MAX - range->count;
}

size_t fetch_entries_encode(const struct fetch_entries *entries, uint8_t *bytes)
{
    ASSERT(entries->count <= FETCH_ENTRIES_MAX);
    uint8_t *at = put_front(bytes, FETCH_ENTRIES, 0, entries->count);
    at = le_put_u64(at, entries->first);
    for (uint32_t i = 0; i < entries->count; i++) {
        at = le_put_u64(at, entries->entries[i].term);
        at = le_put_u32(at, entries->entries[i].type);
        at = le_put_u32(at, entries->entries[i].length);
    }
    return (size_t)(at - bytes);
}

bool fetch_entries_decode(const uint8_t *bytes, size_t byte_count, struct fetch_entries *entries)
{
    if (byte_count < FETCH_RANGE_BYTES || !has_front(bytes, byte_count, FETCH_ENTRIES))
        return false;
    entries->count = le_get_u32(bytes + 4);
    entries->first = le_get_u64(bytes + 8);
    if (bytes[1] != 0 || entries->count > FETCH_ENTRIES_MAX || entries->first == 0) return false;
    if (entries->first > UINT64_MAX - entries->count) return false;
    const size_t headers = (size_t)entries->count * FETCH_ENTRY_HEADER_BYTES;
    if (byte_count - FETCH_RANGE_BYTES < headers) return false;
    size_t offset = FETCH_RANGE_BYTES + headers;
    for (uint32_t i = 0; i < entries->count; i++) {
        const uint8_t *at = bytes + FETCH_RANGE_BYTES + (size_t)i * FETCH_ENTRY_HEADER_BYTES;
        struct fetch_entry *entry = &entries->entries[i];
        entry->term = le_get_u64(at);
        entry->type = le_get_u32(at + 8);
        entry->length = le_get_u32(at + 12);
        entry->bytes = bytes + offset;
        if (entry->length > byte_count - offset) return false;
        offset += entry->length;
    }
    return offset == byte_count;
}
