/* Operators' commands: assets, markets, accounts, keys, credits and debits.
 *
 * Each carries its operator's index and a nonce above that operator's last one; a refused command does not
 * use its nonce up. Checked in this order: operator, nonce, then what the command asks for.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_OPERATOR_H
#define ENGINE_OPERATOR_H

#include "engine/state.h"

#include "common/reject.h"

/* Applies the command and writes its event; BALANCEs are the caller's to write. REJECT_NONE when done;
 * otherwise nothing changed and nothing was written.
 * Needs: a type from ASSET_CREATE to DEBIT. */
enum reject operator_step(struct engine *engine, const struct command *command,
                          struct event_writer *out);

#endif /* ENGINE_OPERATOR_H */
