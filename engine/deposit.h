/* Deposits: seen, confirming, credited; reorged, and taken back as far as the account still has it.
 *
 *     told ──► CONFIRMING ──n of m──► CREDITED ──gone──► REORGED     (OWED while the account lacks some of it,
 *                  │  ▲                   ▲                 │         which freezes it)
 *                  │  └──── told again ───┼─────────────────┤
 *                  └───────── gone ───────┼────────────────►│
 *                                         └── n of m ───────┘
 *
 * The key is (chain, txid, output): the same told twice changes nothing and is answered with the deposit as it is.
 *
 * Owner    the engine thread
 * Cost     O(1)
 */

#ifndef ENGINE_DEPOSIT_H
#define ENGINE_DEPOSIT_H

#include "common/reject.h"
#include "engine/state.h"

enum reject deposit_address(struct engine *engine, const struct command *command,
                            struct event_writer *out);
enum reject deposit_report(struct engine *engine, const struct command *command,
                           struct event_writer *out);
enum reject deposit_reorg(struct engine *engine, const struct command *command,
                          struct event_writer *out);

/* ACCOUNT_FREEZE: operators' own. */
enum reject deposit_freeze(struct engine *engine, const struct command *command,
                           struct event_writer *out);

#endif /* ENGINE_DEPOSIT_H */
