/* Operators' commands: assets, markets, accounts, keys, credits and debits, and the node set.
 *
 * Each carries its operator's index and a nonce above that operator's last one; a refused command does not
 * use its nonce up. Checked in this order: operator (for reports also a
 * connector), nonce, then what the command asks for.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_OPERATOR_H
#define ENGINE_OPERATOR_H

#include "engine/state.h"

#include "common/reject.h"

/* Applies the command and writes its event; BALANCEs are the caller's to write. REJECT_NONE when done;
 * otherwise nothing changed and nothing was written.
 * Needs: an operators' type: ASSET_CREATE to MARKET_FILTERS, NODE_ADD to NODE_SWAP. */
enum reject operator_step(struct engine *engine, const struct command *command,
                          struct event_writer *out);

#endif /* ENGINE_OPERATOR_H */
