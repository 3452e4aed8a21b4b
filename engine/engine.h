/* The matching engine: accounts, balances, markets and books as one deterministic state.
 *
 * It changes only through match_step (match.h). Same commands in, byte-identical events out, on every
 * node: nothing observable depends on slots, on hash order or on the machine.
 *
 * Owner    the engine thread, alone. Nothing here is shared, nothing is atomic.
 * Memory   taken from the caller's arena by engine_new, by the bounds in the genesis parameters; no
 *          other call allocates, none frees. README.md has the bytes per order and account.
 * Limits   accounts_max, keys_max, orders_max, levels_max, assets_max, markets_max. A full one, by
 *          count, is a refusal in an event (ORDERS_FULL, ACCOUNTS_FULL, ...).
 *
 * Invariants, all asserted by engine_check beside those of books, accounts and directory:
 *   E1  per account and asset, what is held is the sum of what its open orders hold
 *   E2  per asset, available + held over all accounts + fees charged = credited - debited
 *   E3  every open order is in the directory, and either rests in a book or is dormant
 *   E4  between commands a dormant order is asleep or pending, and nothing waits for its turn
 */

#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "common/genesis.h"

struct arena;
struct engine;

/* What the engine has done since it was made; for metrics. */
struct engine_counts {
    uint64_t commands;
    uint64_t refusals;
    uint64_t noops;
    uint64_t fills;
    uint64_t votes;
    uint32_t open_orders;
    uint32_t levels;
    uint32_t accounts;
};

/* Bytes of arena that engine_new takes for these parameters. */
size_t engine_bytes(const struct genesis *genesis);

/* The state before the first command. NULL when the arena cannot hold it; nothing is taken then. */
MUST_CHECK struct engine *engine_new(struct arena *arena, const struct genesis *genesis);

/* Room for the events of any one command. Mostly never touched: a sweep of every order in every
 * book is what it is sized for. */
size_t engine_event_bytes_max(const struct engine *engine);

struct engine_counts engine_counts(const struct engine *engine);

/* Number of the last command stepped, 0 before the first. */
uint64_t engine_last_command(const struct engine *engine);

/* The last block that has ended, and the command that ended it; both 0 before the first. */
uint64_t engine_sealed_height(const struct engine *engine);
uint64_t engine_sealed_command(const struct engine *engine);

/* Engine time: the stamp of the last command. */
uint64_t engine_stamp(const struct engine *engine);

/* Whose commands apply, and up to which they have. */
struct origins;
const struct origins *engine_origins(const struct engine *engine);

/* The node set with every change that was decided, and the epoch. */
struct nodes;
const struct nodes *engine_nodes(const struct engine *engine);

/* The parameters as they stand now. */
const struct params *engine_params(const struct engine *engine);

/* Asserts every invariant of the engine and its parts; changes nothing. O(accounts x assets + orders). */
bool engine_check(struct engine *engine);

#endif /* ENGINE_ENGINE_H */
