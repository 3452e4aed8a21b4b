/* Keys as their accounts manage them, and whether a key may give the command that it signed. From rules 7 on.
 *
 * That the signature is the owner's, or the key's, settlement checks: engines do no signatures.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_PERMIT_H
#define ENGINE_PERMIT_H

#include "engine/state.h"

/* REJECT_KEY_PERMISSION when the key by which the command came may not give it (any more), or is none: its place may be
 * another's by now. REJECT_OTHER_CHAIN when it is about keys and its text was not signed for this exchange.
 * REJECT_ACCOUNT_PENDING of all that is an account's that waits. */
enum reject permit_check(const struct engine *engine, const struct command *command);

/* KEY_CREATE, KEY_LIMIT, KEY_REMOVE. */
enum reject permit_create(struct engine *engine, const struct command *command,
                          struct event_writer *out);
enum reject permit_limit(struct engine *engine, const struct command *command,
                         struct event_writer *out);
enum reject permit_remove(struct engine *engine, const struct command *command,
                          struct event_writer *out);

#endif /* ENGINE_PERMIT_H */
