/* How the validators came to be who they are: each set signed over by the one before it, from a set that one trusts.
 *
 * The last header under a set names the next one (next_validators_hash). A step is such a header, the certificate of
 * that very header by q of the old set, and the new set. Who trusts the genesis, or any later set, follows the steps
 * to the set of today and believes nobody on the way.
 *
 *     DIR/lineage   steps, appended, by rising height
 *
 *     step   length u32 | crc32c u32 | header 448 | certificate_bytes u32 | certificate |
 *            member_count u32 | member_count x (node u32 | public key 32), by rising node id
 *            length is that of the whole step; crc32c covers everything behind itself
 *
 * A set that lost its quorum cannot sign the next one over: there is no step then, and who comes from before needs a
 * later set by hand.
 *
 * Owner    the caller; the file: one thread appends, others read
 * Limits   GENESIS_VALIDATORS_LIMIT members; LINEAGE_BYTES_MAX of a file
 * Cost     a step followed: q signatures, 50 us each; one appended: an fdatasync
 */

#ifndef LEDGER_LINEAGE_H
#define LEDGER_LINEAGE_H

#include "common/status.h"
#include "ledger/certificate.h"

#define LINEAGE_STEP_HEADER_BYTES 8
#define LINEAGE_STEP_BYTES_MAX \
    (LINEAGE_STEP_HEADER_BYTES + BLOCK_HEADER_BYTES + 4 + CERTIFICATE_BYTES_MAX + 4 + \
     GENESIS_VALIDATORS_LIMIT * (4 + PUBLIC_KEY_BYTES))
#define LINEAGE_BYTES_MAX (64u * 1024 * 1024)

struct lineage_step {
    uint8_t header[BLOCK_HEADER_BYTES];
    uint64_t height; /* the header's; the new set counts from the next one on */
    struct certificate certificate;
    struct validator_set next; /* without addresses */
};

/* ---- The bytes (lineage.c, pure). ---- */

/* Writes a step; returns its length. Needs: LINEAGE_STEP_BYTES_MAX. */
size_t lineage_step_encode(const uint8_t header[BLOCK_HEADER_BYTES],
                           const struct certificate *certificate, const struct validator_set *next,
                           uint8_t *bytes);

/* Reads the step at the front of `bytes`; returns its length, 0 when there is no whole one. Strict. */
MUST_CHECK size_t lineage_step_decode(const uint8_t *bytes, size_t byte_count,
                                      struct lineage_step *step);

/* Where one who follows has come to: `set` counts from the height above `height` on. */
struct lineage {
    hash_t chain_id;
    uint64_t height;
    struct validator_set set;
};

/* Begins at a set that is trusted from the height above `height` on: the genesis' from height 0. */
void lineage_begin(struct lineage *lineage, hash_t chain_id, const struct validator_set *trusted,
                   uint64_t height);

enum lineage_answer {
    LINEAGE_FOLLOWED,
    LINEAGE_KNOWN, /* not above where we are: nothing new */
    LINEAGE_GAP,   /* it is not over from this set */
    LINEAGE_FALSE, /* nobody who was honest made this step */
};

/* Follows one step. */
MUST_CHECK enum lineage_answer lineage_follow(struct lineage *lineage,
                                              const struct lineage_step *step);

/* ---- The file (lineage_fs.c). ---- */

/* Puts a step behind the last one, durable when it returns. One that is not above the last is there already:
 * STATUS_OK. A torn tail is cut; behind damage nothing is kept: the file goes aside as lineage.bad, what is good of it
 * stays. STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY, logged. */
MUST_CHECK enum status lineage_append(const char *directory,
                                      const uint8_t header[BLOCK_HEADER_BYTES],
                                      const struct certificate *certificate,
                                      const struct validator_set *next);

/* The file in memory, for who answers peers: reads it again when it has grown. */
struct lineage_reader;

MUST_CHECK struct lineage_reader *lineage_reader_new(const char *directory); /* NULL: no memory */
void lineage_reader_free(struct lineage_reader *reader);

/* Height of the last step, 0 when there is none. */
uint64_t lineage_reader_height(struct lineage_reader *reader);

/* Whole steps above `height`, as many as fit; returns their bytes' count. */
uint32_t lineage_reader_steps(struct lineage_reader *reader, uint64_t height, uint8_t *bytes,
                              uint32_t capacity);

#endif /* LEDGER_LINEAGE_H */
