#include "engine/sections.h"

static enum status header_check(const struct genesis *genesis, const uint8_t *bytes,
                                size_t byte_count)
{
    if (byte_count < SNAPSHOT_HEADER_BYTES + HASH_BYTES) return STATUS_MALFORMED;
    if (memcmp(bytes, SNAPSHOT_MAGIC, 8) != 0 || le_get_u32(bytes + 8) != SNAPSHOT_VERSION)
        return STATUS_UNSUPPORTED;
    if (le_get_u32(bytes + 12) != SNAPSHOT_SECTIONS || le_get_u64(bytes + 16) != byte_count)
        return STATUS_MALFORMED;
    const hash_t chain_id = genesis_chain_id(genesis);
    return memcmp(bytes + 24, chain_id.bytes, HASH_BYTES) == 0 ? STATUS_OK : STATUS_MISMATCH;
}

static bool hash_matches(const uint8_t *bytes, size_t byte_count)
{
    struct hash_stream stream;
    snapshot_hash_begin(&stream);
    hash_stream_add(&stream, bytes, byte_count);
    const hash_t hash = hash_stream_end(&stream);
    return memcmp(hash.bytes, bytes + byte_count, HASH_BYTES) == 0;
}

/* Finds where a section lies. Returns the byte after it, or NULL when it is not what must be here. */
static const uint8_t *section_find(struct sections *sections, enum snapshot_section section,
                                   const uint8_t *at, const uint8_t *end)
{
    if (end - at < SNAPSHOT_SECTION_BYTES) return NULL;
    const uint32_t kind = le_get_u32(at), record_bytes = le_get_u32(at + 4);
    const uint64_t count = le_get_u64(at + 8);
    at += SNAPSHOT_SECTION_BYTES;
    if (kind != section || record_bytes != snapshot_record_bytes(section)) return NULL;
    if (count > (uint64_t)(end - at) / record_bytes) return NULL;
    sections->begins[section] = at;
    sections->at[section] = at;
    sections->left[section] = count;
    return at + count * record_bytes;
}

enum status sections_open(struct sections *sections, const struct genesis *genesis,
                          const uint8_t *bytes, size_t byte_count)
{
    const enum status status = header_check(genesis, bytes, byte_count);
    if (status != STATUS_OK) return status;
    const uint8_t *const end = bytes + byte_count - HASH_BYTES;
    const uint8_t *at = bytes + SNAPSHOT_HEADER_BYTES;
    if (!hash_matches(bytes, byte_count - HASH_BYTES)) return STATUS_DAMAGED;
    for (enum snapshot_section section = 0; section < SNAPSHOT_SECTIONS; section++)
        if ((at = section_find(sections, section, at, end)) == NULL) return STATUS_MALFORMED;
    return at == end ? STATUS_OK : STATUS_MALFORMED;
}

bool sections_done(const struct sections *sections)
{
    for (enum snapshot_section section = 0; section < SNAPSHOT_SECTIONS; section++)
        if (sections->left[section] != 0) return false;
    return true;
}
