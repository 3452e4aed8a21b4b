/* What the accounts were at the heights of checkpoints, in a file each: for proofs of longer ago than the journal.
 *
 *     DIR/<height>    magic u32 "QXPS" | version u32 | height u64 | depth u32 | row_level u32 | accounts u32 |
 *                     assets u32 | balances u64 | house u8 | zero up to 48 | state_root | totals_root
 *                     assets x (users, fees, rounding, in flight, external, house: i128 each)
 *                     row: 2^(depth - row_level) hashes; leaves: 2^depth hashes, empty ones zero
 *                     accounts x (leaf height u64 | first of its balances u32 | how many u32)
 *                     balances x (asset u16, available i64, held i64)
 *
 * Written from the frozen copy of settlement from which the checkpoint is. A chain that was cut may come to the same
 * height with another state: the roots say of which one the file is. Nothing of a file is believed but its lengths:
 * what it proves must lead to the block's header. So it is not synchronised, nor checked.
 *
 * Owner    writing: one thread. Reading: any
 * Memory   the caller's room for reading (proof_journal.h); a buffer of 1 MiB while writing
 * Limits   the newest PROOF_SHELF_KEPT files stay
 * Cost     writing: 32 bytes a place, 16 an account, 18 a balance: 140 MB for 2^20 accounts of five; reading: 80 KiB
 */

#ifndef SETTLEMENT_PROOF_SHELF_H
#define SETTLEMENT_PROOF_SHELF_H

#include "common/hash.h"
#include "common/proof.h"
#include "common/status.h"

#define PROOF_SHELF_KEPT 3

struct proof_journal_room;
struct settlement;

/* Writes the file of settlement's height, unless that of this state is there, and removes the oldest, and those of
 * heights above it, which are a cut chain's. Makes the folder. STATUS_IO, STATUS_NO_SPACE, STATUS_NO_MEMORY, logged.
 * Needs: no block is under way in it. */
MUST_CHECK enum status proof_shelf_write(const char *directory,
                                         const struct settlement *settlement);

/* Whether there is a file of the height, and of the state that has these roots. */
bool proof_shelf_has(const char *directory, uint64_t height, hash_t state_root, hash_t totals_root);

/* As proof_journal_account and proof_journal_totals. STATUS_NOT_FOUND: there is no such file, or the account was not
 * there. */
MUST_CHECK enum status proof_shelf_account(const char *directory,
                                           const struct settlement *settlement, uint32_t account,
                                           uint64_t height, struct proof_journal_room *room,
                                           struct proof_account *proof);
MUST_CHECK enum status proof_shelf_totals(const char *directory, uint64_t height,
                                          struct proof_totals *proof);

/* One balance that is not nothing. */
typedef void (*proof_shelf_each)(void *context, uint32_t account,
                                 const struct proof_balance *balance);

/* Gives every balance of the height, by rising account and asset. STATUS_NOT_FOUND: there is no such file.
 * STATUS_DAMAGED: it ends too early, or its parts are not of each other. STATUS_NO_MEMORY. */
MUST_CHECK enum status proof_shelf_balances(const char *directory, uint64_t height,
                                            proof_shelf_each each, void *context);

/* Gives the file of the height another name, DIR/<height> of `kept`, so that it outlives its own. It may have it
 * already; another file that has it is let go. STATUS_NOT_FOUND, STATUS_IO, logged. */
MUST_CHECK enum status proof_shelf_keep(const char *directory, uint64_t height, const char *kept);

#endif /* SETTLEMENT_PROOF_SHELF_H */
