/* Withdrawals: asked for by the account, held, approved, and gone once the chain says so.
 *
 *     WITHDRAW ──► HELD ──m operators──► APPROVED ──told──► BROADCAST ──told──► FINAL
 *         │         │ ├──one──► DENIED      ▲   └──────────────┴──────told────► FAILED: refunded
 *         │         │ └──its account──► CANCELED
 *         └─────────┼──up to approval_above─┘
 *
 * available ─► held ─► in flight ─► gone. An approval counts for what the operator saw: amount and address are in
 * it. BROADCAST is refused until a quorum of voters has voted for the block that holds the approval. The votes'
 * signatures are checked by who makes certificates, and who polls for releases gets certified ones only.
 *
 * Owner    the engine thread
 * Cost     O(1)
 */

#ifndef ENGINE_WITHDRAWAL_H
#define ENGINE_WITHDRAWAL_H

#include "common/reject.h"
#include "engine/state.h"

/* The account's own. */
enum reject withdrawal_ask(struct engine *engine, const struct command *command,
                           struct event_writer *out);
enum reject withdrawal_allow(struct engine *engine, const struct command *command,
                             struct event_writer *out);
enum reject withdrawal_cancel(struct engine *engine, const struct command *command,
                              struct event_writer *out);

/* Operators' and connectors'. */
enum reject withdrawal_approve(struct engine *engine, const struct command *command,
                               struct event_writer *out);
enum reject withdrawal_deny(struct engine *engine, const struct command *command,
                            struct event_writer *out);
enum reject withdrawal_report(struct engine *engine, const struct command *command,
                              struct event_writer *out);

#endif /* ENGINE_WITHDRAWAL_H */
