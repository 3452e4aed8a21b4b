/* Accounts that are opened with a key pair alone, and those of them that wait for an operator. From rules 8 on.
 *
 * That the signature is the key's, and the text of this chain, settlement checks: engines do no signatures.
 *
 * Owner    the engine thread
 * Limits   open_per_hour of the parameters in an hour of the log's time; of the accounts there may be, one in eight is left
 *          to operators, so that strangers cannot take all
 */

#ifndef ENGINE_OPENING_H
#define ENGINE_OPENING_H

#include "engine/state.h"

/* ACCOUNT_OPEN. */
enum reject opening_open(struct engine *engine, const struct command *command,
                         struct event_writer *out);

/* ACCOUNT_APPROVE: an operator's. */
enum reject opening_approve(struct engine *engine, const struct command *command,
                            struct event_writer *out);

#endif /* ENGINE_OPENING_H */
