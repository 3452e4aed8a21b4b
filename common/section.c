#include "common/section.h"

#include "common/le.h"

#include <string.h>

#define MAGIC_BYTES 8

void section_hash_begin(const struct section_form *form, struct hash_stream *hash)
{
    hash_stream_begin(hash);
    hash_stream_add(hash, form->domain, strlen(form->domain));
}

/* ---- Writing. */

static void give(struct section_writer *writer)
{
    if (!writer->failed)
        writer->failed = !writer->sink->take(writer->sink->context, writer->buffer, writer->used);
    writer->used = 0;
}

void section_flush(struct section_writer *writer)
{
    hash_stream_add(&writer->hash, writer->buffer, writer->used);
    give(writer);
}

void section_begin(struct section_writer *writer, const struct section_form *form,
                   const struct genesis *genesis, const uint64_t *counts,
                   const struct snapshot_sink *sink, uint8_t *buffer)
{
    const hash_t chain_id = genesis_chain_id(genesis);
    uint64_t byte_count = SECTION_FILE_BYTES + HASH_BYTES;
    for (uint32_t section = 0; section < form->count; section++)
        byte_count += SECTION_HEADER_BYTES + counts[section] * form->record_bytes[section];

    *writer = (struct section_writer){.form = form, .sink = sink, .buffer = buffer};
    section_hash_begin(form, &writer->hash);
    uint8_t *at = section_room(writer, SECTION_FILE_BYTES);
    at = le_put_bytes(at, form->magic, MAGIC_BYTES);
    at = le_put_u32(at, form->version);
    at = le_put_u32(at, form->count);
    at = le_put_u64(at, byte_count);
    (void)le_put_bytes(at, chain_id.bytes, HASH_BYTES);
}

void section_open(struct section_writer *writer, uint32_t section, uint64_t count)
{
    ASSERT(section < writer->form->count);
    uint8_t *at = section_room(writer, SECTION_HEADER_BYTES);
    at = le_put_u32(at, section);
    at = le_put_u32(at, writer->form->record_bytes[section]);
    (void)le_put_u64(at, count);
}

enum status section_end(struct section_writer *writer)
{
    section_flush(writer);
    const hash_t hash = hash_stream_end(&writer->hash);
    (void)le_put_bytes(section_room(writer, HASH_BYTES), hash.bytes, HASH_BYTES);
    give(writer);
    return writer->failed ? STATUS_IO : STATUS_OK;
}

/* ---- Reading. */

static enum status header_check(const struct section_form *form, const struct genesis *genesis,
                                const uint8_t *bytes, size_t byte_count)
{
    if (byte_count < SECTION_FILE_BYTES + HASH_BYTES) return STATUS_MALFORMED;
    if (memcmp(bytes, form->magic, MAGIC_BYTES) != 0 || le_get_u32(bytes + 8) != form->version)
        return STATUS_UNSUPPORTED;
    if (le_get_u32(bytes + 12) != form->count || le_get_u64(bytes + 16) != byte_count)
        return STATUS_MALFORMED;
    const hash_t chain_id = genesis_chain_id(genesis);
    return memcmp(bytes + 24, chain_id.bytes, HASH_BYTES) == 0 ? STATUS_OK : STATUS_MISMATCH;
}

static bool hash_matches(const struct section_form *form, const uint8_t *bytes, size_t byte_count)
{
    struct hash_stream stream;
    section_hash_begin(form, &stream);
    hash_stream_add(&stream, bytes, byte_count);
    const hash_t hash = hash_stream_end(&stream);
    return memcmp(hash.bytes, bytes + byte_count, HASH_BYTES) == 0;
}

/* Returns the byte after the section's last one, or NULL when it is not what must be here. */
static const uint8_t *records_find(const struct section_form *form, uint32_t section,
                                   const uint8_t *at, const uint8_t *end,
                                   struct section_records *records)
{
    if (end - at < SECTION_HEADER_BYTES) return NULL;
    const uint32_t kind = le_get_u32(at), record_bytes = le_get_u32(at + 4);
    const uint64_t count = le_get_u64(at + 8);
    at += SECTION_HEADER_BYTES;
    if (kind != section || record_bytes != form->record_bytes[section]) return NULL;
    if (count > (uint64_t)(end - at) / record_bytes) return NULL;
    *records = (struct section_records){.begin = at, .count = count};
    return at + count * record_bytes;
}

enum status section_find(const struct section_form *form, const struct genesis *genesis,
                         const uint8_t *bytes, size_t byte_count, struct section_records *records)
{
    const enum status status = header_check(form, genesis, bytes, byte_count);
    if (status != STATUS_OK) return status;
    const uint8_t *const end = bytes + byte_count - HASH_BYTES;
    const uint8_t *at = bytes + SECTION_FILE_BYTES;
    if (!hash_matches(form, bytes, byte_count - HASH_BYTES)) return STATUS_DAMAGED;
    for (uint32_t section = 0; section < form->count; section++)
        if ((at = records_find(form, section, at, end, &records[section])) == NULL)
            return STATUS_MALFORMED;
    return at == end ? STATUS_OK : STATUS_MALFORMED;
}
