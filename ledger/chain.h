/* The chain on disk: every block and certificate, appended once and read by height.
 *
 *     DIR/00000001.segment ...  records, appended; a new segment at CHAIN_SEGMENT_BYTES
 *     DIR/00000001.headers ...  what is left of a segment when the bodies went: headers and certificates
 *     DIR/index                 where each height's records are; follows from the others
 *     DIR/earlier/              of a chain that begins above a block: the blocks up to it, as they come from
 *                               others (backfill.h): a chain of its own, from block 1 on
 *     DIR/filled/HEIGHT         a BLOCK record: its segment has the header alone, for the body was lost to damage
 *
 *     record   length u32 | crc32c u32 | type u32 | zero u32 | height u64 | payload
 *              crc32c covers the record but itself; length is the payload's
 *     BLOCK         payload: header (448), body
 *     CERTIFICATE   payload: an encoded certificate (certificate.h)
 *     HEADER        payload: header (448): a block whose body is not here
 *     BASE          payload: header (448): the first record of a chain that begins above it
 *     index    header (64): magic u32 "QXCI" | version u32 | synced segment u32 | synced offset u32 |
 *              base u64 | first_body u64 | zero | crc32c u32; then 64 bytes a height from the base on, or from
 *              1: place of its block, place of its certificate (zero while there is none)
 *     place    segment u32 | offset u32 | length u32 | header crc32c u32 | height u64 | zero u32 |
 *              crc32c u32; the segment's highest bit: in its headers file
 *
 * The files are derived from the log, so nothing waits for the disk: they are synchronised every
 * CHAIN_SYNC_BLOCKS blocks, when a segment is full, and at the end. At open a torn tail is cut, and the
 * log brings it back; any other damage is named with file and offset and refused: chain_quarantine.
 *
 * A chain and its earlier one are read as one: what is at or below the base comes from earlier/, if it is there. Only when
 * that reaches the base the chain is said to begin with block 1.
 *
 * Bodies go by whole segments: the headers file is on disk before the index points into it, and the index
 * before the segment goes. A reader that comes between finds one or the other.
 *
 * Owner    a writer: one thread of one process (the directory is locked). Readers: each thread has its
 *          own; any number, in any process, while the writer appends and prunes. A reader sees whole records
 *          only: the writer writes a record before its place in the index.
 * Memory   chain_open gives, chain_close frees. What a read gives is good until the next read.
 * Limits   heights without a gap from 1, or from where the chain begins; a payload of CHAIN_PAYLOAD_MAX
 * Cost     append: two writes, no sync but as above; open for writing: reads every byte; read by
 *          height: two reads
 */

#ifndef LEDGER_CHAIN_H
#define LEDGER_CHAIN_H

#include "common/block_header.h"
#include "common/status.h"

#include <stddef.h>

#define CHAIN_SEGMENT_BYTES       (64u * 1024 * 1024)
#define CHAIN_SYNC_BLOCKS         1024
#define CHAIN_RECORD_HEADER_BYTES 24
#define CHAIN_PAYLOAD_MAX         (1u << 30)
#define CHAIN_INDEX_HEADER_BYTES  64
#define CHAIN_PLACE_BYTES         32
#define CHAIN_ENTRY_BYTES         (2 * CHAIN_PLACE_BYTES)

#define CHAIN_HEADERS_FILE 0x80000000u /* of a place's segment */

enum chain_record_type {
    CHAIN_BLOCK = 1,
    CHAIN_CERTIFICATE = 2,
    CHAIN_HEADER = 3,
    CHAIN_BASE = 4,
};

/* ---- The bytes (chain.c, pure). ---- */

struct chain_record {
    uint32_t type; /* enum chain_record_type */
    uint32_t length;
    uint64_t height;
    const uint8_t *payload;
};

/* Where a record is. */
struct chain_place {
    uint32_t segment; /* from 1, and CHAIN_HEADERS_FILE */
    uint32_t offset;
    uint32_t length;     /* of its payload */
    uint32_t header_crc; /* of a block's header; 0 for a certificate */
    uint64_t height;
};

/* Writes the record's header. `payload` is the payload's bytes in up to two pieces. */
void chain_record_put(uint8_t at[CHAIN_RECORD_HEADER_BYTES], const struct chain_record *record,
                      const uint8_t *second, uint32_t second_length);

/* Reads the record at the start of `bytes`. False when it is not whole or not right; then nothing in
 * `record` is. */
MUST_CHECK bool chain_record_get(const uint8_t *bytes, size_t byte_count,
                                 struct chain_record *record);

/* Payload length of the record header at `at`, or 0 when it cannot be one (no payload is empty). */
uint32_t chain_record_length(const uint8_t at[CHAIN_RECORD_HEADER_BYTES]);

void chain_place_put(uint8_t at[CHAIN_PLACE_BYTES], const struct chain_place *place);
MUST_CHECK bool chain_place_get(const uint8_t at[CHAIN_PLACE_BYTES], struct chain_place *place);

/* The place of a record, given where it is. */
struct chain_place chain_place_of(const struct chain_record *record, uint32_t segment,
                                  uint32_t offset);

/* Whether all bytes of a place or entry are zero: nothing there yet. */
bool chain_place_empty(const uint8_t at[CHAIN_PLACE_BYTES]);

/* What the index says beside the places. */
struct chain_index {
    uint32_t synced_segment, synced_offset; /* everything before it is known to be on disk */
    uint64_t base;                          /* chain_base */
    uint64_t first_body;                    /* from this height on bodies are here */
};

void chain_index_put(uint8_t at[CHAIN_INDEX_HEADER_BYTES], const struct chain_index *index);
MUST_CHECK bool chain_index_get(const uint8_t at[CHAIN_INDEX_HEADER_BYTES],
                                struct chain_index *index);

/* Byte of the index at which a height's entry starts. Needs: height > 0 and not below `base`. */
uint64_t chain_entry_offset(uint64_t base, uint64_t height);

/* ---- The files (chain_fs.c). ---- */

struct chain;

struct chain_block {
    const uint8_t *header; /* BLOCK_HEADER_BYTES */
    const uint8_t *body;
    size_t body_bytes;
};

/* Opens the directory, which exists, for appending. STATUS_DAMAGED (named in the log), STATUS_EXISTS
 * (another process writes it), STATUS_IO, STATUS_NO_SPACE or STATUS_NO_MEMORY, logged, otherwise. */
MUST_CHECK enum status chain_open(const char *directory, struct chain **chain);

/* Makes the chain of an empty directory begin above a block that others vouched for: its header and certificate
 * are kept, so that the next block's prev_hash can be checked and served. Then chain_open. STATUS_EXISTS: there
 * is a chain; STATUS_IO, STATUS_NO_SPACE: logged. A byte_count of 0: the block has no certificate of its own here.
 * Needs: a whole header, and its certificate, if there is one. */
MUST_CHECK enum status chain_begin_at(const char *directory,
                                      const uint8_t header[BLOCK_HEADER_BYTES],
                                      const uint8_t *certificate, size_t byte_count);

/* Moves what cannot be used into the folder quarantine/ of the directory: the first damaged file, all behind it,
 * and the index; nothing is removed. What was good of the damaged file stays. With `everything`, all files of
 * the chain. `tip`: the last block left, or 0; what is above comes again from the log, or from peers. STATUS_OK also
 * when nothing was wrong; STATUS_EXISTS: a process writes it; STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY.
 */
MUST_CHECK enum status chain_quarantine(const char *directory, bool everything, uint64_t *tip);

/* Makes a chain with damaged records whole again and loses as little of it as can be. Up to height `below` the log does
 * not give a block again: there a damaged certificate is left out, and of a damaged block the header stays, if the
 * hash that the next block or its own certificate names proves it (with one byte of it changed back, where that does),
 * and the body too, if the header proves it; the file as it was goes to quarantine/. Everything else,
 * and what is above `below`, as chain_quarantine. */
MUST_CHECK enum status chain_mend(const char *directory, uint64_t below, uint64_t *tip);

/* Opens it for reading. Nothing need be there yet. STATUS_NO_MEMORY otherwise. */
MUST_CHECK enum status chain_open_reader(const char *directory, struct chain **chain);

/* Closes; a writer synchronises first. NULL is let be. */
void chain_close(struct chain *chain);

/* The last block, or 0. For a reader: of what is there now. */
uint64_t chain_tip(struct chain *chain);

/* The height that the chain begins above, whose header and certificate are here but not its body; 0 for one
 * that begins with block 1, by itself or together with its earlier one. */
uint64_t chain_base(struct chain *chain);

#define CHAIN_EARLIER "earlier"
#define CHAIN_FILLED  "filled"

/* Reads from the files of a directory which block its chain begins above, as chain_begin_at left it there: also before
 * there is an index. STATUS_NOT_FOUND: none, it begins with block 1; STATUS_DAMAGED, STATUS_IO: logged. */
MUST_CHECK enum status chain_read_base(const char *directory, uint8_t header[BLOCK_HEADER_BYTES]);

/* The lowest height from which on every body is here; chain_tip + 1 when none is. */
uint64_t chain_first_body(struct chain *chain);

/* The lowest height above the chain's base whose body was not taken away: it is here, or was lost; chain_tip + 1: none. */
uint64_t chain_kept_from(struct chain *chain);

/* The last height with a certificate of its own, or 0. */
uint64_t chain_certified(struct chain *chain);

/* Appends the next block. After a failure the writer appends nothing more.
 * Needs: the header's height is chain_tip + 1. */
MUST_CHECK enum status chain_append_block(struct chain *chain,
                                          const uint8_t header[BLOCK_HEADER_BYTES],
                                          const uint8_t *body, size_t body_bytes);

/* Appends the next block without its body: headers that peers gave, below what the log gives.
 * Needs: the header's height is chain_tip + 1. */
MUST_CHECK enum status chain_append_header(struct chain *chain,
                                           const uint8_t header[BLOCK_HEADER_BYTES]);

/* Appends the certificate of a height. Needs: chain_certified < height <= chain_tip. */
MUST_CHECK enum status chain_append_certificate(struct chain *chain, uint64_t height,
                                                const uint8_t *bytes, size_t byte_count);

/* The highest block whose body was lost (chain_mend) and is not here again, if none but bodies that were taken away on
 * purpose lack below it; 0: none. For a reader. */
uint64_t chain_hole(struct chain *chain);

/* Keeps the body of a hole, durably; whoever reads finds it from then on. STATUS_IO, STATUS_NO_SPACE: logged.
 * Needs: a reader with a tip; the body is this header's. */
MUST_CHECK enum status chain_fill_hole(struct chain *chain, uint64_t height,
                                       const uint8_t header[BLOCK_HEADER_BYTES],
                                       const uint8_t *body, size_t body_bytes);

/* Puts everything appended on disk. */
MUST_CHECK enum status chain_sync(struct chain *chain);

/* Takes the bodies of blocks below height `below` away, by whole segments that hold no other; headers and
 * certificates stay. One segment a call: `more` says whether another call would find one. */
MUST_CHECK enum status chain_prune_bodies(struct chain *chain, uint64_t below, bool *more);

/* Reads. STATUS_NOT_FOUND, not logged, when it is not there (yet, or no more); STATUS_DAMAGED, named in the log, when
 * it is and is not right; STATUS_IO or STATUS_NO_MEMORY, logged. */
MUST_CHECK enum status chain_read_header(struct chain *chain, uint64_t height,
                                         uint8_t header[BLOCK_HEADER_BYTES]);
MUST_CHECK enum status chain_read_block(struct chain *chain, uint64_t height,
                                        struct chain_block *block);
MUST_CHECK enum status chain_read_certificate(struct chain *chain, uint64_t height,
                                              const uint8_t **bytes, size_t *byte_count);

#endif /* LEDGER_CHAIN_H */
