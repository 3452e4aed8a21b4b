/* Cancels: one order, by id or client id, or all of an account in a market.
 *
 * A market that is halted still cancels.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_CANCEL_H
#define ENGINE_CANCEL_H

#include "engine/state.h"

#include "common/reject.h"

/* REJECT_NONE when the order is cancelled; otherwise nothing changed. UNKNOWN_ORDER: not open, not
 * this account's, or its two names disagree. LEVELs are written; BALANCEs are the caller's. */
enum reject cancel_order(struct engine *engine, const struct order_cancel_command *cancel,
                         struct event_writer *out);

/* Cancels in rising order id. UNKNOWN_ORDER when none is open. */
enum reject cancel_all(struct engine *engine, const struct cancel_all_command *cancel,
                       struct event_writer *out);

#endif /* ENGINE_CANCEL_H */
