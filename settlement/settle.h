/* Settlement: every movement of money, derived a second time from the facts.
 *
 * Engine events say what happened (price, quantity, rates, side) and what the balances were after
 * it. Settlement turns the facts into postings that sum to zero, keeps its own balances and its own
 * remaining holds by them, checks who authorised each command, and compares: two derivations, so
 * that one bug cannot agree with itself. A difference is STATUS_MISMATCH, which stays: the node
 * stops before it signs.
 *
 * For each command in log order: settle_command, then settle_event for each of its events; after the
 * events of a SEAL that sealed, settle_block.
 *
 * Owner    one thread (the anchor); pure: no clock, no I/O, no allocation after settlement_new
 * Memory   the caller's arena, settlement_bytes in all, touched only as accounts and orders come
 * Limits   those of the genesis parameters; an engine that goes past them is a mismatch
 * Cost     an event O(1); a block O(dirty accounts x log accounts_max); an Ed25519 or operator's
 *          command one signature check (about 50 us)
 *
 * Invariants, asserted by settle_check:
 *   S1  per asset: users' available and held + fees + rounding + in flight + house = deposits minus withdrawals
 *   S2  per asset: the accounts' held amounts are the sum of what open orders and waiting withdrawals hold
 *   S3  no user's available or held amount is negative
 *   S4  no asset's fees account is negative
 *   S5  per asset: in flight is the sum of the withdrawals that were approved and have not come to an end
 */

#ifndef SETTLEMENT_SETTLE_H
#define SETTLEMENT_SETTLE_H

#include "common/genesis.h"
#include "common/status.h"
#include "settlement/totals.h"

struct arena;
struct proof_journal;
struct settlement;
struct sharing;

/* What settlement adds to a block's header. */
struct settle_roots {
    hash_t state_root;  /* of all accounts (tree.h) */
    hash_t totals_root; /* of the per-asset totals (totals.h) */
    hash_t params_hash;
};

/* What differs, for the log line with which the node stops. Fields that have no meaning for the
 * difference are 0; `ours` is settlement's figure, `theirs` the one in the event or command. */
struct settle_mismatch {
    const char *what; /* "available balance", "hold", "trade id", "signature" ... */
    uint64_t height;  /* 0: found before the block's end */
    uint64_t command; /* command number */
    uint64_t order_id;
    uint32_t account;
    uint16_t asset;
    uint16_t market;
    int64_t ours;
    int64_t theirs;
};

/* Memory for everything the parameters bound. */
size_t settlement_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold it. `genesis` must outlive it; the secret is copied.
 * Needs: hash_start, params_valid(genesis->params). */
MUST_CHECK struct settlement *settlement_new(struct arena *arena, const struct genesis *genesis,
                                             const uint8_t tree_secret[32]);

/* Begins the command `number` and checks its authentication (authority.h).
 * Needs: numbers rise by one. */
MUST_CHECK enum status settle_command(struct settlement *settlement, uint64_t number,
                                      uint64_t stamp_ns, const struct command *command);

/* Books one event of the command begun last. */
MUST_CHECK enum status settle_event(struct settlement *settlement, const struct event *event);

/* Ends block `height`: compares every balance touched since the last block with the engine's last
 * figure, checks the totals, moves the account tree forward. */
MUST_CHECK enum status settle_block(struct settlement *settlement, uint64_t height,
                                    struct settle_roots *roots);

/* Where it stands: the last command, and the height of the last block that was STATUS_OK; 0: none yet.
 * The height may be asked by any thread, for which all accounts of that block are there then. */
uint64_t settlement_command(const struct settlement *settlement);
uint64_t settlement_height(const struct settlement *settlement);

/* The number of the rules in force (params.h). */
uint32_t settlement_rules(const struct settlement *settlement);

/* The roots of that block. Needs: nothing was settled since. */
void settlement_roots(struct settlement *settlement, struct settle_roots *roots);

/* From here on what changes is kept in `journal`, from which another thread makes proofs (proof_journal.h).
 * Needs: no block is under way; the journal is new and outlives it. */
void settlement_keep(struct settlement *settlement, struct proof_journal *journal);

/* From here on the end of a block is worked at in parts by `sharing`, which outlives the settlement or the next call;
 * NULL, as at first: by the caller alone. */
void settlement_share(struct settlement *settlement, const struct sharing *sharing);

/* Says of the statements with which an EPOCH_CHANGE comes what is wrong with them, NULL: nothing. */
typedef const char *(*settle_epoch_check)(void *context, const struct command *command);

/* From here on changes of the epoch are judged by `check`; without one none may stand. Whoever restores a
 * settlement sets it again. */
void settlement_check_epochs(struct settlement *settlement, settle_epoch_check check,
                             void *context);

/* The difference that made a call return STATUS_MISMATCH, or NULL. */
const struct settle_mismatch *settlement_mismatch(const struct settlement *settlement);

/* Views, for reconciliation, audits and tests. Account and asset must exist; accounts are 1 to settlement_accounts. */
uint32_t settlement_accounts(const struct settlement *settlement);
amount_t settlement_available(const struct settlement *settlement, uint32_t account,
                              uint16_t asset);
amount_t settlement_held(const struct settlement *settlement, uint32_t account, uint16_t asset);
struct totals settlement_totals(const struct settlement *settlement, uint16_t asset);

/* Asserts S1 to S5. O(accounts x assets + orders): call it through INVARIANT. */
bool settle_check(const struct settlement *settlement);

#endif /* SETTLEMENT_SETTLE_H */
