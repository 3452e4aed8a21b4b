/* The liabilities of the heights that are due, in a file each: written in the background, certified, read, opened.
 *
 *     DIR/<height>           what is published: head | leaves of each asset | tail (common/liabilities.h)
 *     DIR/<height>.index     this node's own, what openings need without reading all of it:
 *                            magic u32 "QXLI" | version u32 | height u64 | time_ns u64 | certified bytes u64 | sha256 32 |
 *                            zero up to 128
 *                            per asset: entries u64 | rows u64 | entries x (account u32, first ordinal u32, amount u64) |
 *                            rows x (sum u128, hash 32), a node of the tree for every LIABILITIES_CHUNK leaves
 *     DIR/shelf/<height>     proof_shelf.h's file of the height, kept as long as the others (a second name of it). One
 *                            without the others is a mark: they are to be made yet
 *     DIR/<height>*.part     being written
 *
 * All nodes write the same bytes: what is in a file follows from the balances at its height and the tree secret. The tail
 * comes from the log, too. A file counts as certified only once the whole of it is on the disk and the index says so.
 *
 * Owner    write and finish: one thread. The rest: any, each call by itself
 * Memory   write: 16 bytes an account with a balance in one asset, and the buffers; opening: some 100 KiB a million
 *          accounts. Given back before the call returns
 * Limits   the newest LIABILITIES_KEPT certified heights stay, however many came after them without votes, and of
 *          those the newest LIABILITIES_WAITING; what is more goes when the next is written
 * Cost     write: see benchmarks/README.md (bench_liabilities); opening: LIABILITIES_CHUNK leaves hashed a part, a
 *          node for every LIABILITIES_CHUNK leaves read and hashed once
 */

#ifndef SETTLEMENT_LIABILITIES_FILE_H
#define SETTLEMENT_LIABILITIES_FILE_H

#include "common/liabilities.h"
#include "common/status.h"

#define LIABILITIES_KEPT    3 /* certified */
#define LIABILITIES_WAITING 2 /* for their votes */
#define LIABILITIES_LISTED  (LIABILITIES_KEPT + LIABILITIES_WAITING)
#define LIABILITIES_CHUNK   1024u /* leaves below one node of the index */

struct settlement;

struct liabilities_entry {
    uint64_t height;
    uint64_t time_ns; /* of the block */
    uint64_t bytes;   /* of the whole file; 0 until it is certified */
    bool is_certified;
    hash_t sha256; /* of the whole file, once it is certified */
    struct liabilities_head head;
};

/* Marks a height as due, before its file is written. Makes the folders. STATUS_NOT_FOUND: there is no such shelf file.
 * STATUS_IO, STATUS_NO_SPACE: logged. */
MUST_CHECK enum status liabilities_file_mark(const char *directory, const char *shelf_directory,
                                             uint64_t height);

/* The newest height that is marked and has no file: whoever was to write it was stopped. 0: none. */
uint64_t liabilities_file_unmade(const char *directory);

/* Writes the file of the block whose header this is, up to its tail, from the shelf's file of its height, and removes
 * the oldest. Makes the folders. When it is there already, it is only read. `head` is what is in it:
 * liabilities_root(head) is what the node votes for. Nothing of settlement is read but the tree secret and owners' keys, which
 * do not change, so it may go on meanwhile.
 * `stopping`: is looked at now and then, other than 0: STATUS_STOPPING, and what was written goes, but not its mark;
 * NULL: never. After any other failure nothing of this height is left, so that its room on the disk is free again. STATUS_NO_SPACE, too,
 * when less than 128 MiB would be free behind it: the log runs full first otherwise, and stops the node.
 * STATUS_NOT_FOUND: there is no such shelf file. STATUS_MISMATCH: its balances are not those that the header's
 * totals_root says: nothing is written. STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY. All logged. */
MUST_CHECK enum status liabilities_file_write(const char *directory, const char *shelf_directory,
                                              const struct settlement *settlement,
                                              const uint8_t header[BLOCK_HEADER_BYTES],
                                              const _Atomic uint32_t *stopping,
                                              struct liabilities_head *head);

/* Puts the tail behind a file that was written: `totals_proof`: the bytes of a proof of kind PROOF_TOTALS of its height;
 * `certificate`: of q votes for its root, encoded. Neither is looked into but for its length: the caller made them. Reads
 * the whole file once, for its SHA-256. When it is certified already: STATUS_OK, and nothing changes. STATUS_NOT_FOUND: no
 * such file. STATUS_IO, STATUS_NO_SPACE: logged; it is as it was before. */
MUST_CHECK enum status liabilities_file_finish(const char *directory, uint64_t height,
                                               const uint8_t *totals_proof, size_t proof_bytes,
                                               const uint8_t *certificate,
                                               size_t certificate_bytes);

/* What is there, certified or not, the newest first; returns how many. */
uint32_t liabilities_file_list(const char *directory,
                               struct liabilities_entry entries[LIABILITIES_LISTED]);

/* One of them. STATUS_NOT_FOUND: none of this height. */
MUST_CHECK enum status liabilities_file_entry(const char *directory, uint64_t height,
                                              struct liabilities_entry *entry);

/* A piece of a certified file. `read`: how many bytes of it there were; fewer than asked for at its end only.
 * STATUS_NOT_FOUND: none of this height is certified. */
MUST_CHECK enum status liabilities_file_read(const char *directory, uint64_t height,
                                             uint64_t offset, uint8_t *bytes, size_t byte_count,
                                             size_t *read);

/* The holder's leaves of one asset, as the subject of a proof of kind PROOF_LIABILITY: to be put into the frame with the
 * headers and the certificate of its height. Reads some 100 KiB and hashes some 3,000 leaves: for a thread that may
 * wait. STATUS_NOT_FOUND: none of this height is certified, or the account had nothing of the asset then.
 * STATUS_DAMAGED: what is on the disk does not lead to the root; logged. */
MUST_CHECK enum status liabilities_file_opening(const char *directory,
                                                const struct settlement *settlement,
                                                uint32_t account, uint16_t asset, uint64_t height,
                                                uint8_t subject[PROOF_LIABILITY_BYTES_MAX],
                                                size_t *subject_bytes);

#endif /* SETTLEMENT_LIABILITIES_FILE_H */
