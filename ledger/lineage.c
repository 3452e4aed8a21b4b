#include "ledger/lineage.h"

#include "common/le.h"
#include "ledger/crc32c.h"

#include <string.h>

#define MEMBER_BYTES (4 + PUBLIC_KEY_BYTES)

size_t lineage_step_encode(const uint8_t header[BLOCK_HEADER_BYTES],
                           const struct certificate *certificate, const struct validator_set *next,
                           uint8_t *bytes)
{
    uint8_t signed_bytes[CERTIFICATE_BYTES_MAX];
    const size_t signed_count = certificate_encode(certificate, signed_bytes);
    uint8_t *at = le_put_bytes(bytes + LINEAGE_STEP_HEADER_BYTES, header, BLOCK_HEADER_BYTES);
    at = le_put_u32(at, (uint32_t)signed_count);
    at = le_put_bytes(at, signed_bytes, signed_count);
    at = le_put_u32(at, next->count);
    for (uint32_t i = 0; i < next->count; i++) {
        at = le_put_u32(at, next->members[i].node);
        at = le_put_bytes(at, next->members[i].public_key, PUBLIC_KEY_BYTES);
    }
    const size_t length = (size_t)(at - bytes);
    ASSERT(length <= LINEAGE_STEP_BYTES_MAX);
    le_put_u32(bytes, (uint32_t)length);
    le_put_u32(bytes + 4, crc32c_add(0, bytes + 8, length - 8));
    return length;
}

/* The set that fills exactly these bytes. */
static bool decode_set(const uint8_t *bytes, size_t byte_count, struct validator_set *set)
{
    *set = (struct validator_set){0};
    if (byte_count < 4) return false;
    set->count = le_get_u32(bytes);
    if (set->count == 0 || set->count > GENESIS_VALIDATORS_LIMIT) return false;
    if (byte_count != 4 + (size_t)set->count * MEMBER_BYTES) return false;
    uint32_t last = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const uint8_t *at = bytes + 4 + (size_t)i * MEMBER_BYTES;
        set->members[i].node = le_get_u32(at);
        memcpy(set->members[i].public_key, at + 4, PUBLIC_KEY_BYTES);
        if (set->members[i].node <= last) return false;
        last = set->members[i].node;
    }
    return true;
}

size_t lineage_step_decode(const uint8_t *bytes, size_t byte_count, struct lineage_step *step)
{
    const size_t front = LINEAGE_STEP_HEADER_BYTES + BLOCK_HEADER_BYTES + 4;
    if (byte_count < front) return 0;
    const size_t length = le_get_u32(bytes);
    if (length < front || length > byte_count || length > LINEAGE_STEP_BYTES_MAX) return 0;
    if (crc32c_add(0, bytes + 8, length - 8) != le_get_u32(bytes + 4)) return 0;

    struct block_header header;
    memcpy(step->header, bytes + LINEAGE_STEP_HEADER_BYTES, BLOCK_HEADER_BYTES);
    if (!block_header_decode(step->header, &header)) return 0;
    step->height = header.height;
    const size_t signed_count = le_get_u32(bytes + front - 4);
    if (signed_count > length - front) return 0;
    if (!certificate_decode(bytes + front, signed_count, &step->certificate)) return 0;
    if (!decode_set(bytes + front + signed_count, length - front - signed_count, &step->next))
        return 0;
    return length;
}

void lineage_begin(struct lineage *lineage, hash_t chain_id, const struct validator_set *trusted,
                   uint64_t height)
{
    *lineage = (struct lineage){.chain_id = chain_id, .height = height, .set = *trusted};
}

enum lineage_answer lineage_follow(struct lineage *lineage, const struct lineage_step *step)
{
    struct block_header header;
    if (!block_header_decode(step->header, &header)) return LINEAGE_FALSE;
    if (header.height <= lineage->height) return LINEAGE_KNOWN;
    if (!hash_equal(header.chain_id, lineage->chain_id)) return LINEAGE_FALSE;
    if (!hash_equal(header.validators_hash, validator_set_hash(&lineage->set))) return LINEAGE_GAP;

    const struct certificate *certificate = &step->certificate;
    if (!hash_equal(header.next_validators_hash, validator_set_hash(&step->next)) ||
        certificate->height != header.height || certificate->epoch != header.epoch ||
        !hash_equal(certificate->header_hash, block_header_hash(step->header)) ||
        certificate_fault(certificate, lineage->chain_id, &lineage->set) != NULL)
        return LINEAGE_FALSE;
    lineage->height = header.height;
    lineage->set = step->next;
    return LINEAGE_FOLLOWED;
}
