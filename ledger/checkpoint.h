/* A checkpoint: all replicated state after one block, in chunks under a root that the nodes sign.
 *
 *     DIR/<height>/manifest       what it is, and the hash of every chunk
 *     DIR/<height>/00000.chunk .. the sections' bytes, back to back, cut every CHECKPOINT_CHUNK_BYTES
 *     DIR/<height>/certificate    q signatures on its root; the checkpoint counts from then on
 *     DIR/<height>.part/          the same while it is being written or fetched
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
 * What is signed is (tag, chain id, epoch, height, root): CHECKPOINT_VOTE commands through the log, counted as
 * block votes are.
 *
 * Owner    a writer and readers of one directory: one thread each; a whole checkpoint never changes
 * Limits   CHECKPOINT_CHUNKS_MAX chunks
 */

#ifndef LEDGER_CHECKPOINT_H
#define LEDGER_CHECKPOINT_H

#include "common/block_header.h"
#include "common/status.h"
#include "ledger/certificate.h"

#define CHECKPOINT_CHUNK_BYTES (4u * 1024 * 1024)
#define CHECKPOINT_CHUNKS_MAX  65536u /* 256 GiB */

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

/* Strict. manifest->chunks points into `chunks`, which has room for CHECKPOINT_CHUNKS_MAX. */
MUST_CHECK bool checkpoint_manifest_decode(const uint8_t *bytes, size_t byte_count,
                                           struct checkpoint_manifest *manifest, hash_t *chunks);
hash_t checkpoint_root(const uint8_t *manifest, size_t byte_count);

/* Length of a chunk, and which section's it is. */
uint32_t checkpoint_chunk_bytes(const struct checkpoint_manifest *manifest, uint32_t chunk,
                                enum checkpoint_section *section);
hash_t checkpoint_chunk_hash(const uint8_t *bytes, size_t byte_count);

/* What a node signs; and votes counted, as certificate.h has it for blocks (a certificate whose header_hash is the
 * root). */
void checkpoint_sign(const uint8_t secret_key[SECRET_KEY_BYTES], hash_t chain_id, uint64_t epoch,
                     uint64_t height, hash_t root, uint32_t node,
                     struct checkpoint_vote_command *vote);
MUST_CHECK bool checkpoint_vote_valid(const struct checkpoint_vote_command *vote, hash_t chain_id,
                                      const struct validator_set *set);
/* NULL, or what is wrong with a certificate under the set in force at its height. */
const char *checkpoint_certificate_fault(const struct certificate *certificate, hash_t chain_id,
                                         const struct validator_set *set);

/* ---- The files (checkpoint_fs.c). ---- */

struct checkpoint_writer;
struct checkpoint_reader;

/* Begins DIR/<height>.part anew. Sections come in their order, each with any number of puts. */
MUST_CHECK enum status checkpoint_writer_open(const char *directory, uint64_t height,
                                              struct checkpoint_writer **writer);
void checkpoint_writer_section(struct checkpoint_writer *writer, enum checkpoint_section section);
MUST_CHECK enum status checkpoint_writer_put(struct checkpoint_writer *writer, const uint8_t *bytes,
                                             size_t byte_count);
/* Ends it: manifest written, everything synchronised, DIR/<height> in its place. */
MUST_CHECK enum status checkpoint_writer_finish(struct checkpoint_writer *writer, uint64_t epoch,
                                                hash_t chain_id,
                                                const uint8_t header[BLOCK_HEADER_BYTES],
                                                hash_t *root);
void checkpoint_writer_close(
    struct checkpoint_writer *writer); /* what is not finished is removed */

/* Its certificate has come: durable when it returns. */
MUST_CHECK enum status checkpoint_certify(const char *directory, uint64_t height,
                                          const uint8_t *certificate, size_t byte_count);

/* The newest whole one that has a certificate, 0 when there is none. Looks at names, not at chunks. */
MUST_CHECK enum status checkpoint_newest(const char *directory, uint64_t *height);

/* Opens a whole one: manifest and certificate decoded and matching each other. */
MUST_CHECK enum status checkpoint_reader_open(const char *directory, uint64_t height,
                                              struct checkpoint_reader **reader);
void checkpoint_reader_close(struct checkpoint_reader *reader);
const struct checkpoint_manifest *checkpoint_reader_manifest(
    const struct checkpoint_reader *reader);
const struct certificate *checkpoint_reader_certificate(const struct checkpoint_reader *reader);

/* A whole section, mapped, every chunk's hash checked; good until close. STATUS_DAMAGED names the chunk in the
 * log and moves it to DIR/<height>/NNNNN.bad: it can be fetched again. */
MUST_CHECK enum status checkpoint_reader_section(struct checkpoint_reader *reader,
                                                 enum checkpoint_section section,
                                                 const uint8_t **bytes, size_t *byte_count);

/* Removes those below the newest `keep` certified ones, and parts that nobody writes. */
MUST_CHECK enum status checkpoint_prune(const char *directory, uint32_t keep);

#endif /* LEDGER_CHECKPOINT_H */
