/* Sections: a state as one string of bytes, in runs of records of one size.
 *
 *     magic, version, sections, bytes, chain id │ kind, size, count │ records ... │ ... │ SHA-256
 *     header                                    │ section           │             │     │ of all before
 *
 * All sections are there, in their order, and each has records of one size: what lies where follows from
 * the counts, and a part of one is found, cut out and sent without reading the rest. What the records
 * say is their owner's: engine/snapshot.def, settlement/snapshot.def.
 *
 * Owner    the caller; pure
 * Memory   the writer's buffer is the caller's; a reader points into the bytes that it reads
 * Cost     every byte is copied and hashed once
 */

#ifndef COMMON_SECTION_H
#define COMMON_SECTION_H

#include "common/genesis.h"
#include "common/status.h"

#define SECTION_FILE_BYTES   56 /* the header of all */
#define SECTION_HEADER_BYTES 16 /* of one */
#define SECTION_BUFFER_BYTES ((size_t)64 * 1024)

/* What a kind of state is written as. */
struct section_form {
    const char *magic;  /* 8 bytes */
    const char *domain; /* before all that is hashed */
    uint32_t version;
    uint32_t count;               /* sections */
    const uint32_t *record_bytes; /* by section; at most SECTION_BUFFER_BYTES */
};

/* Where the bytes go, some 64 KiB at a time. `take` returns false when it cannot: the writing ends. */
struct snapshot_sink {
    bool (*take)(void *context, const uint8_t *bytes, size_t byte_count);
    void *context;
};

/* The hash at the end, of the bytes before it. */
void section_hash_begin(const struct section_form *form, struct hash_stream *hash);

/* ---- Writing: begin, then for each section in order its header and its records, then end. */

struct section_writer {
    const struct section_form *form;
    const struct snapshot_sink *sink;
    struct hash_stream hash;
    uint8_t *buffer; /* SECTION_BUFFER_BYTES */
    size_t used;
    bool failed; /* the sink did not take all: what follows is dropped */
};

/* Writes the header of all. `counts`: records by section. */
void section_begin(struct section_writer *writer, const struct section_form *form,
                   const struct genesis *genesis, const uint64_t *counts,
                   const struct snapshot_sink *sink, uint8_t *buffer);

/* The header of one section, whose records must follow. */
void section_open(struct section_writer *writer, uint32_t section, uint64_t count);

/* Gives what is in the buffer to the sink. */
void section_flush(struct section_writer *writer);

/* Room for the next record. Needs: byte_count <= SECTION_BUFFER_BYTES. */
static inline uint8_t *section_room(struct section_writer *writer, size_t byte_count)
{
    if (writer->used + byte_count > SECTION_BUFFER_BYTES) section_flush(writer);
    uint8_t *at = writer->buffer + writer->used;
    writer->used += byte_count;
    return at;
}

/* Writes the hash. STATUS_IO: the sink did not take it all. */
MUST_CHECK enum status section_end(struct section_writer *writer);

/* ---- Reading. */

/* One section as it lies. */
struct section_records {
    const uint8_t *begin;
    uint64_t count;
};

/* Finds where every section lies, and checks that the bytes are whole: `records` has form->count of them.
 *
 * STATUS_UNSUPPORTED: not of this form and version. STATUS_MISMATCH: of another genesis. STATUS_DAMAGED:
 * not the bytes that were hashed. STATUS_MALFORMED: they are, and no sections. */
MUST_CHECK enum status section_find(const struct section_form *form, const struct genesis *genesis,
                                    const uint8_t *bytes, size_t byte_count,
                                    struct section_records *records);

#endif /* COMMON_SECTION_H */
