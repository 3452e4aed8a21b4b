/* The tree of all headers, kept in a file: proofs for any two sizes without reading the headers again.
 *
 * Every complete subtree's hash is there, once, in the order in which headers complete them (RFC 9162
 * hashing, history.h's leaves):
 *
 *     leaves        1   2       3   4           5
 *     the file      a   b  ab   c   d  cd abcd  e  ...        header of 64 bytes, then 32 bytes each
 *
 *     nodes of the first n leaves       2n - popcount(n)
 *     subtree of 2^level leaves whose last leaf is m    place 2(m - 1) - popcount(m - 1) + level
 *     header    magic u32 "QXHT" | version u32 | base u64 | synced u64 | zero | crc32c u32 (last)
 *
 * A store may begin above height 0, from the peaks that stand for all headers up to its base; what lies
 * inside those is zeros, and proofs for sizes below the base are not to be had.
 *
 * The file follows from the headers, so nothing waits for the disk: it is synchronised every
 * HISTORY_SYNC_HEADERS headers, and its header says up to where. At open only that much is believed;
 * history_store_follow checks its root against the chain and adds the rest from the chain's headers. A file
 * that does not agree is begun anew.
 *
 * Owner    a writer: one thread of one process. Readers: each thread its own, while the writer adds, for
 *          sizes that the writer has told them of (progress.sealed_height)
 * Memory   some 3 KiB each
 * Cost     add: one write; a proof: O(log^2 n) reads of 32 bytes at worst, about 150 for 10^9 headers
 */

#ifndef LEDGER_HISTORY_STORE_H
#define LEDGER_HISTORY_STORE_H

#include "common/block_header.h"
#include "common/status.h"
#include "ledger/history.h"

#define HISTORY_STORE_HEADER_BYTES 64
#define HISTORY_SYNC_HEADERS       1024

/* ---- The bytes (history_store.c, pure). ---- */

/* How many nodes the first `leaf_count` leaves have in the file. Needs: leaf_count < 2^62. */
uint64_t history_store_nodes(uint64_t leaf_count);

/* Where the hash of the complete subtree is whose last leaf is number `last` (from 1) and which has 2^level
 * leaves, counted in nodes. Needs: last is a multiple of 2^level. */
uint64_t history_store_place(uint64_t last, uint32_t level);

void history_store_header_put(uint8_t at[HISTORY_STORE_HEADER_BYTES], uint64_t base,
                              uint64_t synced);
MUST_CHECK bool history_store_header_get(const uint8_t at[HISTORY_STORE_HEADER_BYTES],
                                         uint64_t *base, uint64_t *synced);

/* Where a proof finds the hash of a complete subtree. */
struct history_nodes {
    void *context;
    enum status (*node)(void *context, uint64_t last, uint32_t level, hash_t *hash);
};

/* Root of the first `size` leaves. Needs: size > 0. */
MUST_CHECK enum status history_nodes_root(const struct history_nodes *nodes, uint64_t size,
                                          hash_t *root);
/* The peaks of the first `size` leaves. */
MUST_CHECK enum status history_nodes_peaks(const struct history_nodes *nodes, uint64_t size,
                                           struct history *history);
/* As merkle.h's proofs over leaves: that leaf `index` (from 0) is in the tree of `size`; that the tree of
 * `old_size` grew into that of `size`. Needs: index < size; 0 < old_size <= size. */
MUST_CHECK enum status history_nodes_inclusion(const struct history_nodes *nodes, uint64_t index,
                                               uint64_t size, struct merkle_path *path);
MUST_CHECK enum status history_nodes_consistency(const struct history_nodes *nodes,
                                                 uint64_t old_size, uint64_t size,
                                                 struct merkle_path *path);

/* ---- The file (history_store_fs.c). ---- */

struct history_store;

/* The chain's headers, for history_store_follow. STATUS_NOT_FOUND stops it. */
struct history_headers {
    void *context;
    enum status (*header)(void *context, uint64_t height, uint8_t header[BLOCK_HEADER_BYTES]);
};

/* Opens the file for adding, or makes it. A file that is not one is begun anew. STATUS_IO,
 * STATUS_NO_SPACE, STATUS_NO_MEMORY, logged. */
MUST_CHECK enum status history_store_open(const char *path, struct history_store **store);

/* Opens it for proofs; it need not be there yet. STATUS_NO_MEMORY. */
MUST_CHECK enum status history_store_open_reader(const char *path, struct history_store **store);

/* Closes; a writer synchronises first. NULL is let be. */
void history_store_close(struct history_store *store);

/* Begins anew above the headers that `base` stands for (none: an empty history). */
MUST_CHECK enum status history_store_begin(struct history_store *store, const struct history *base);

/* Brings a writer to the chain's tip: keeps what agrees with the header at the tip or below, unless it begins above
 * `base`, and adds the others. `base`: what the chain begins above (an empty history for one from block 1 on), used when the
 * file has to be begun anew. */
MUST_CHECK enum status history_store_follow(struct history_store *store, const struct history *base,
                                            uint64_t tip, const struct history_headers *headers);

/* Headers in it, those below its base included. A writer's. */
uint64_t history_store_height(const struct history_store *store);

/* Adds header `height`; one that is there already is let be. Needs: height <= history_store_height + 1. */
MUST_CHECK enum status history_store_add(struct history_store *store, uint64_t height,
                                         hash_t header_hash);

/* Proofs and roots, for readers and writers. STATUS_NOT_FOUND: below the base, or not there yet; STATUS_IO, and
 * STATUS_DAMAGED for a proof that does not lead to the file's own root, logged. `height` and sizes count from 1; height <= size, from <= to. */
MUST_CHECK enum status history_store_root(struct history_store *store, uint64_t size, hash_t *root);
MUST_CHECK enum status history_store_inclusion(struct history_store *store, uint64_t height,
                                               uint64_t size, struct merkle_path *path);
MUST_CHECK enum status history_store_consistency(struct history_store *store, uint64_t from,
                                                 uint64_t to, struct merkle_path *path);

#endif /* LEDGER_HISTORY_STORE_H */
