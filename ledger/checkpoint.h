/* A checkpoint: all replicated state after one block, in chunks under a root that the nodes sign.
 *
 *     DIR/<height>/manifest       what it is, and the hash of every chunk
 *     DIR/<height>/00000.chunk .. each section's bytes, cut every CHECKPOINT_CHUNK_BYTES
 *     DIR/<height>/certificate    q signatures on its root; the checkpoint counts from then on
 *     DIR/<height>/signatures     of one that was fetched: the certificate of the block itself, if it had one
 *     DIR/<height>/NAME.bad       a file that was not what it should be: the checkpoint is not whole
 *     DIR/<height>.part/          the same while it is being written or fetched
 *     DIR/<height>.gone/          being removed
 *
 *     manifest   magic u32 "QXCP" | version u32 | height u64 | epoch u64 | chain_id 32 | header 448 |
 *                per section: bytes u64 | chunk_count u32 | zero u32 | chunk_count x hash 32
 *     root       hash of the manifest's bytes under a tag
 *
 * The sections, in this order:
 *     ENGINE       engine/snapshot.h
 *     SETTLEMENT   settlement/snapshot.h
 *     CHAIN        node/digest_snapshot.h, then where the log stands (struct replica_base, encoded)
 *     MARKETS      what market data cannot be had from the others: open candles, 24 h buckets, last trades
 *
 * The root is voted for, by CHECKPOINT_VOTE commands through the log (root_vote.h).
 *
 * Nothing appears under its name before it is whole and synchronised: a cut of the power at any moment leaves
 * the directory as it was, and parts, which are resumed or removed.
 *
 * Owner    a writer, readers and a part: one thread each, of one directory; a whole checkpoint never changes
 * Memory   writer and part: a chunk or a manifest; a reader: the sections it was asked for. Close frees.
 * Limits   CHECKPOINT_CHUNKS_MAX chunks
 * Cost     written and read once each; a chunk is synchronised as it is written, so that the disk has an
 *          even load beside the log
 */

#ifndef LEDGER_CHECKPOINT_H
#define LEDGER_CHECKPOINT_H

#include "common/block_header.h"
#include "common/status.h"
#include "ledger/certificate.h"

#define CHECKPOINT_CHUNK_BYTES (4u * 1024 * 1024)
#define CHECKPOINT_CHUNKS_MAX  65536u /* 256 GiB */

#define CHECKPOINT_MANIFEST_HEADER_BYTES (4 + 4 + 8 + 8 + HASH_BYTES + BLOCK_HEADER_BYTES)
#define CHECKPOINT_MANIFEST_BYTES_MAX \
    (CHECKPOINT_MANIFEST_HEADER_BYTES + CHECKPOINT_SECTIONS * 16 + \
     CHECKPOINT_CHUNKS_MAX * HASH_BYTES)

enum checkpoint_section {
    CHECKPOINT_ENGINE,
    CHECKPOINT_SETTLEMENT,
    CHECKPOINT_CHAIN,
    CHECKPOINT_MARKETS,
    CHECKPOINT_SECTIONS
};

struct checkpoint_manifest {
    uint64_t height;
    uint64_t epoch;
    hash_t chain_id;
    uint8_t header[BLOCK_HEADER_BYTES];
    uint64_t section_bytes[CHECKPOINT_SECTIONS];
    uint32_t chunk_count; /* of all sections; each section begins a chunk of its own */
    const hash_t *chunks;
};

/* ---- The bytes (checkpoint.c, pure). ---- */

size_t checkpoint_manifest_bytes(const struct checkpoint_manifest *manifest);
size_t checkpoint_manifest_encode(const struct checkpoint_manifest *manifest, uint8_t *bytes);

/* Strict: as checkpoint_manifest_encode writes it, the header of the same height, epoch and chain. manifest->chunks
 * is `chunks`, which has room for CHECKPOINT_CHUNKS_MAX. */
MUST_CHECK bool checkpoint_manifest_decode(const uint8_t *bytes, size_t byte_count,
                                           struct checkpoint_manifest *manifest, hash_t *chunks);
hash_t checkpoint_root(const uint8_t *manifest, size_t byte_count);

/* Length of a chunk, and which section's it is. */
uint32_t checkpoint_chunk_bytes(const struct checkpoint_manifest *manifest, uint32_t chunk,
                                enum checkpoint_section *section);
hash_t checkpoint_chunk_hash(const uint8_t *bytes, size_t byte_count);

/* The first chunk of a section, and how many it has. */
uint32_t checkpoint_section_chunk(const struct checkpoint_manifest *manifest,
                                  enum checkpoint_section section);
uint32_t checkpoint_section_chunks(const struct checkpoint_manifest *manifest,
                                   enum checkpoint_section section);

/* NULL, or why a manifest (decoded from these bytes) is not what `certificate` certifies under the set in force at
 * its height: the set that the manifest's own header names. */
const char *checkpoint_fault(const struct checkpoint_manifest *manifest, const uint8_t *bytes,
                             size_t byte_count, const struct certificate *certificate,
                             hash_t chain_id, const struct validator_set *set);

/* ---- The files (checkpoint_fs.c). ---- */

struct checkpoint_writer;
struct checkpoint_reader;

/* Begins DIR/<height>.part anew. Sections come in their order, each with any number of puts; one may be left out.
 * STATUS_EXISTS: somebody else is writing it. After a failure every later call gives it again. */
MUST_CHECK enum status checkpoint_writer_open(const char *directory, uint64_t height,
                                              struct checkpoint_writer **writer);
void checkpoint_writer_section(struct checkpoint_writer *writer, enum checkpoint_section section);
MUST_CHECK enum status checkpoint_writer_put(struct checkpoint_writer *writer, const uint8_t *bytes,
                                             size_t byte_count);
/* Ends it: manifest written, everything synchronised, DIR/<height> in its place. One that is there already with
 * the same manifest keeps its certificate, and gets back what it lacks; STATUS_MISMATCH: it is certified and
 * another one.
 * Needs: the header is of this height, epoch and chain. */
MUST_CHECK enum status checkpoint_writer_finish(struct checkpoint_writer *writer, uint64_t epoch,
                                                hash_t chain_id,
                                                const uint8_t header[BLOCK_HEADER_BYTES],
                                                hash_t *root);
void checkpoint_writer_close(
    struct checkpoint_writer *writer); /* what is not finished is removed */

/* Its certificate has come: durable when it returns. STATUS_NOT_FOUND, not logged: this node has not made it (yet).
 * STATUS_MISMATCH: it made another one. STATUS_MALFORMED: no certificate of this height. */
MUST_CHECK enum status checkpoint_certify(const char *directory, uint64_t height,
                                          const uint8_t *certificate, size_t byte_count);

/* The newest whole one that has a certificate, 0 when there is none. Looks at names, not at chunks. A directory that
 * is not there has none. */
MUST_CHECK enum status checkpoint_newest(const char *directory, uint64_t *height);

/* The lowest such at or above `from`, 0 when there is none. */
MUST_CHECK enum status checkpoint_lowest(const char *directory, uint64_t from, uint64_t *height);

/* Opens a whole one: manifest and certificate decoded and matching each other; whose the signatures are is left to
 * checkpoint_fault. STATUS_NOT_FOUND, not logged: it is not there, or not whole. STATUS_DAMAGED names the file in
 * the log and puts it aside: the checkpoint is not whole any more. */
MUST_CHECK enum status checkpoint_reader_open(const char *directory, uint64_t height,
                                              struct checkpoint_reader **reader);
void checkpoint_reader_close(struct checkpoint_reader *reader);

/* The same for an auditor, who leaves the folder as it is: what is damaged is named and stays. */
MUST_CHECK enum status checkpoint_reader_audit(const char *directory, uint64_t height,
                                               struct checkpoint_reader **reader);

/* Its certificate is not what it should be after all: `what` goes to the log, and the file aside, unless the reader is
 * an auditor's. Returns STATUS_DAMAGED. */
enum status checkpoint_reader_refuse(struct checkpoint_reader *reader, const char *what);

const struct checkpoint_manifest *checkpoint_reader_manifest(
    const struct checkpoint_reader *reader);
const struct certificate *checkpoint_reader_certificate(const struct checkpoint_reader *reader);

const uint8_t *checkpoint_reader_manifest_bytes(const struct checkpoint_reader *reader,
                                                size_t *byte_count);

/* The certificate of the block at its height, that came with a fetched one; 0 bytes: it did not. */
size_t checkpoint_reader_signatures(const struct checkpoint_reader *reader,
                                    uint8_t bytes[CERTIFICATE_BYTES_MAX]);

/* A whole section in memory, every chunk's hash checked; good until close. STATUS_DAMAGED names the chunk in the
 * log and moves it to DIR/<height>/NNNNN.chunk.bad: it can be fetched again. */
MUST_CHECK enum status checkpoint_reader_section(struct checkpoint_reader *reader,
                                                 enum checkpoint_section section,
                                                 const uint8_t **bytes, size_t *byte_count);

/* Up to `capacity` bytes of a chunk from `offset` on, for a peer, who checks them. STATUS_NOT_FOUND: no such
 * chunk, or it was put aside. */
MUST_CHECK enum status checkpoint_reader_piece(struct checkpoint_reader *reader, uint32_t chunk,
                                               uint32_t offset, uint8_t *bytes, uint32_t capacity,
                                               uint32_t *byte_count);

/* Removes those below the newest `keep` certified ones, those below the newest certified one that have no
 * certificate, and parts that nobody writes. */
MUST_CHECK enum status checkpoint_prune(const char *directory, uint32_t keep);

/* ---- A checkpoint that comes from others, chunk by chunk (checkpoint_part_fs.c). ---- */

struct checkpoint_part;

/* What is known of a checkpoint before its chunks come. */
struct checkpoint_proof {
    uint64_t height;
    const uint8_t *manifest, *certificate;
    size_t manifest_bytes, certificate_bytes;
    const uint8_t *signatures; /* of the block itself, for its chain; 0 bytes: there are none */
    size_t signature_bytes;
};

/* Opens DIR/<height>.part with the chunks that an earlier try left there, or, when there is none, makes it of a
 * DIR/<height> that is not whole. The directory is made when it is missing. STATUS_EXISTS: somebody writes it.
 * Needs: the proof was checked. */
MUST_CHECK enum status checkpoint_part_open(const char *directory,
                                            const struct checkpoint_proof *proof,
                                            struct checkpoint_part **part);

/* A chunk that lies there, of exactly this length, not checked. STATUS_NOT_FOUND, not logged, when it does not. */
MUST_CHECK enum status checkpoint_part_read(struct checkpoint_part *part, uint32_t chunk,
                                            uint8_t *bytes, uint32_t byte_count);

/* Keeps a chunk whose hash was checked. */
MUST_CHECK enum status checkpoint_part_keep(struct checkpoint_part *part, uint32_t chunk,
                                            const uint8_t *bytes, uint32_t byte_count);

/* All chunks are there: synchronises them and puts DIR/<height> in its place, certified. */
MUST_CHECK enum status checkpoint_part_finish(struct checkpoint_part *part);

/* What is not finished stays, to be taken up again. NULL is nothing. */
void checkpoint_part_close(struct checkpoint_part *part);

#endif /* LEDGER_CHECKPOINT_H */
