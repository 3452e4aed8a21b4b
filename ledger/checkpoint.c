#include "ledger/checkpoint.h"

#include "common/le.h"

#include <string.h>

#define MAGIC   0x50435851u /* "QXCP" */
#define VERSION 1u

static uint32_t chunks_of(uint64_t bytes)
{
    return (uint32_t)((bytes + CHECKPOINT_CHUNK_BYTES - 1) / CHECKPOINT_CHUNK_BYTES);
}

size_t checkpoint_manifest_bytes(const struct checkpoint_manifest *manifest)
{
    return CHECKPOINT_MANIFEST_HEADER_BYTES + CHECKPOINT_SECTIONS * 16 +
           (size_t)manifest->chunk_count * HASH_BYTES;
}

size_t checkpoint_manifest_encode(const struct checkpoint_manifest *manifest, uint8_t *bytes)
{
    ASSERT(manifest->chunk_count <= CHECKPOINT_CHUNKS_MAX);
    uint8_t *at = le_put_u32(bytes, MAGIC);
    at = le_put_u32(at, VERSION);
    at = le_put_u64(at, manifest->height);
    at = le_put_u64(at, manifest->epoch);
    at = le_put_bytes(at, manifest->chain_id.bytes, HASH_BYTES);
    at = le_put_bytes(at, manifest->header, BLOCK_HEADER_BYTES);
    const hash_t *next = manifest->chunks;
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++) {
        const uint32_t count = chunks_of(manifest->section_bytes[section]);
        at = le_put_u64(at, manifest->section_bytes[section]);
        at = le_put_u32(at, count);
        at = le_put_u32(at, 0);
        if (count > 0) at = le_put_bytes(at, next, (size_t)count * HASH_BYTES);
        next += count;
    }
    ASSERT(next == manifest->chunks + manifest->chunk_count);
    ASSERT((size_t)(at - bytes) == checkpoint_manifest_bytes(manifest));
    return (size_t)(at - bytes);
}

/* What the manifest says of itself and what its header says are one thing. */
static bool header_agrees(const struct checkpoint_manifest *manifest)
{
    struct block_header header;
    return manifest->height > 0 && block_header_decode(manifest->header, &header) &&
           header.height == manifest->height && header.epoch == manifest->epoch &&
           hash_equal(header.chain_id, manifest->chain_id);
}

bool checkpoint_manifest_decode(const uint8_t *bytes, size_t byte_count,
                                struct checkpoint_manifest *manifest, hash_t *chunks)
{
    if (byte_count < CHECKPOINT_MANIFEST_HEADER_BYTES) return false;
    if (le_get_u32(bytes) != MAGIC || le_get_u32(bytes + 4) != VERSION) return false;
    manifest->height = le_get_u64(bytes + 8);
    manifest->epoch = le_get_u64(bytes + 16);
    memcpy(manifest->chain_id.bytes, bytes + 24, HASH_BYTES);
    memcpy(manifest->header, bytes + 24 + HASH_BYTES, BLOCK_HEADER_BYTES);
    if (!header_agrees(manifest)) return false;

    size_t offset = CHECKPOINT_MANIFEST_HEADER_BYTES;
    manifest->chunk_count = 0;
    manifest->chunks = chunks;
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++, offset += 16) {
        if (byte_count - offset < 16) return false;
        const uint64_t section_bytes = le_get_u64(bytes + offset);
        const uint32_t count = le_get_u32(bytes + offset + 8);
        if (le_get_u32(bytes + offset + 12) != 0) return false;
        if (section_bytes > (uint64_t)CHECKPOINT_CHUNKS_MAX * CHECKPOINT_CHUNK_BYTES) return false;
        if (count != chunks_of(section_bytes)) return false;
        if (count > CHECKPOINT_CHUNKS_MAX - manifest->chunk_count) return false;
        const size_t hash_bytes = (size_t)count * HASH_BYTES;
        if (byte_count - offset - 16 < hash_bytes) return false;
        memcpy(chunks + manifest->chunk_count, bytes + offset + 16, hash_bytes);
        manifest->section_bytes[section] = section_bytes;
        manifest->chunk_count += count;
        offset += hash_bytes;
    }
    return offset == byte_count;
}

hash_t checkpoint_root(const uint8_t *manifest, size_t byte_count)
{
    return hash_tagged("quorex/checkpoint/1", manifest, byte_count);
}

uint32_t checkpoint_section_chunks(const struct checkpoint_manifest *manifest,
                                   enum checkpoint_section section)
{
    return chunks_of(manifest->section_bytes[section]);
}

uint32_t checkpoint_section_chunk(const struct checkpoint_manifest *manifest,
                                  enum checkpoint_section section)
{
    uint32_t first = 0;
    for (int before = 0; before < (int)section; before++)
        first += chunks_of(manifest->section_bytes[before]);
    return first;
}

uint32_t checkpoint_chunk_bytes(const struct checkpoint_manifest *manifest, uint32_t chunk,
                                enum checkpoint_section *section)
{
    ASSERT(chunk < manifest->chunk_count);
    int at = 0;
    uint32_t within = chunk;
    /* Ends: the chunks of all sections are chunk_count. */
    for (uint32_t count; within >= (count = chunks_of(manifest->section_bytes[at])); at++)
        within -= count;
    ASSERT(at < CHECKPOINT_SECTIONS);
    *section = (enum checkpoint_section)at;
    const uint64_t left = manifest->section_bytes[at] - (uint64_t)within * CHECKPOINT_CHUNK_BYTES;
    return left < CHECKPOINT_CHUNK_BYTES ? (uint32_t)left : CHECKPOINT_CHUNK_BYTES;
}

hash_t checkpoint_chunk_hash(const uint8_t *bytes, size_t byte_count)
{
    return hash_tagged("quorex/chunk/1", bytes, byte_count);
}

const char *checkpoint_fault(const struct checkpoint_manifest *manifest, const uint8_t *bytes,
                             size_t byte_count, const struct certificate *certificate,
                             hash_t chain_id, const struct validator_set *set)
{
    struct block_header header;
    if (!header_agrees(manifest) || !block_header_decode(manifest->header, &header))
        return "its header is not of its height, epoch and chain";
    if (!hash_equal(manifest->chain_id, chain_id)) return "it is of another chain";
    if (certificate->height != manifest->height) return "its certificate is for another height";
    if (certificate->epoch != manifest->epoch) return "its certificate is of another epoch";
    if (!hash_equal(certificate->header_hash, checkpoint_root(bytes, byte_count)))
        return "its certificate is for another root";
    if (!hash_equal(header.validators_hash, validator_set_hash(set)))
        return "its header names other validators";
    return certificate_statement_fault(CERTIFICATE_OF_CHECKPOINT, certificate, chain_id, set);
}
