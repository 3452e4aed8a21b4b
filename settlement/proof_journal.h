/* What the accounts were in the last blocks, for proofs that another thread makes while settlement goes on.
 *
 * Before an account changes for the first time in a block, what it was is kept: leaf, height of its last change,
 * balances. A reader who asks for height h takes what is there now, unless the account has changed since: then what
 * was kept first after h. At each block's end a row of hashes halfway up the tree, and the totals, are kept whole:
 *
 *     root      ┐ hashed again from the row of block h, once for each of the last rows that were asked for
 *      ···      │
 *     row       ┘┐ one row a block that changed something
 *      ···       │ as they are in the tree, where nothing below has changed since h; else hashed again from
 *     leaves    ─┘ the leaves below one node of the row that have: now, or as kept
 *
 * So a block costs a copy of what it changes and one row, not its paths, and a proof as many hashes as what has changed
 * since near the account.
 *
 *     kept      words: place | block | before | leaf height | leaf 4 | count | count x (asset, available, held)
 *               `before`: where this place was kept last; in a ring, the oldest is overwritten
 *
 * The writer never waits. What it overwrites, it says so first; what a reader has read is good if it was not
 * overwritten by the time it had read it. The reader has one more check, which takes the place of all trust in that:
 * its proof must lead to the header's root.
 *
 * Owner    keep and block: the thread of the settlement. Reading: any thread, each with a room of its own
 * Memory   the caller's arena, touched as it is used; not settlement's own, which checkpoints copy
 * Limits   PROOF_JOURNAL_MS of blocks; fewer when they change more than PROOF_JOURNAL_KEPT_BYTES or
 *          PROOF_JOURNAL_ROW_BYTES hold. Beyond: STATUS_NOT_FOUND
 * Cost     keep: some 100 bytes written; block: one row (16 KiB for 2^20 accounts). A proof at 2^20 accounts: a look at
 *          2^11 words, 11 hashes for each change since h in those places, at most 2,047, and 511 for a row that was
 *          not asked for lately
 * Progress keep and block: wait-free. Reading: lock-free
 */

#ifndef SETTLEMENT_PROOF_JOURNAL_H
#define SETTLEMENT_PROOF_JOURNAL_H

#include "common/params.h"
#include "common/proof.h"
#include "common/status.h"

#define PROOF_JOURNAL_MS         (10u * 60 * 1000)
#define PROOF_JOURNAL_KEPT_BYTES ((size_t)256 << 20)
#define PROOF_JOURNAL_ROW_BYTES  ((size_t)128 << 20)

struct account_tree;
struct arena;
struct balance_sheet;
struct proof_journal;
struct settlement;
struct totals;

/* How much is kept. */
struct proof_journal_limits {
    uint32_t blocks;
    size_t kept_bytes;
    size_t row_bytes;
};

/* What the parameters want. */
struct proof_journal_limits proof_journal_limits_of(const struct params *params);

size_t proof_journal_bytes(const struct params *params, const struct proof_journal_limits *limits);
MUST_CHECK struct proof_journal *proof_journal_new(struct arena *arena, const struct params *params,
                                                   const struct proof_journal_limits *limits);

/* ---- Writing ---- */

/* Keeps what the account at `place` was before block `height`. Needs: nothing of it has changed yet; `leaves` are the
 * tree's. */
void proof_journal_keep(struct proof_journal *journal, uint64_t height, uint32_t place,
                        const hash_t *leaves, uint64_t leaf_height,
                        const struct balance_sheet *sheet, uint32_t account, uint16_t asset_count);

/* Ends block `height`. Needs: the tree's root was asked for; rising heights. */
void proof_journal_block(struct proof_journal *journal, uint64_t height,
                         const struct account_tree *tree, bool changed, const struct totals *totals,
                         uint16_t asset_count);

/* ---- Reading ---- */

struct proof_journal_room; /* what a reader needs to work in, of zeros at first; of one journal */

size_t proof_journal_room_bytes(void);

/* Room for as many hashes as the leaves under one node of a row, for whoever reads otherwise (proof_shelf.h). */
hash_t *proof_journal_room_nodes(struct proof_journal_room *room);

/* The lowest height for which there may be an answer; 0: none. */
uint64_t proof_journal_first(const struct proof_journal *journal);

/* The account's leaf and path after block `height`. `settlement` is the one that keeps the journal; of it only what
 * is made to be read by others is read. STATUS_NOT_FOUND: the block is not kept any more, or not yet, or the account
 * was not there. What it gives may be wrong if the writer came by: compare account_proof_root with the header, and
 * ask again.
 * Needs: account >= 1 and within the parameters. */
MUST_CHECK enum status proof_journal_account(const struct proof_journal *journal,
                                             const struct settlement *settlement, uint32_t account,
                                             uint64_t height, struct proof_journal_room *room,
                                             struct proof_account *proof);

/* Asks for the memory that proof_journal_keep of this place begins with (expect.h). By the owner. */
void proof_journal_expect(const struct proof_journal *journal, uint32_t place);

/* The totals after block `height`, likewise. */
MUST_CHECK enum status proof_journal_totals(const struct proof_journal *journal, uint64_t height,
                                            struct proof_totals *proof);

#endif /* SETTLEMENT_PROOF_JOURNAL_H */
