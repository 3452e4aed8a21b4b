/* Takes orders out: one, a list, all of an account in a market, those of a session, of a node that is lost or
 * begins anew, and those of a dead-man's switch that nobody held.
 *
 * A market that is halted still cancels.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_CANCEL_H
#define ENGINE_CANCEL_H

#include "engine/state.h"

#include "common/reject.h"

/* An open order, as commands name one: by id, or by client id where the id is 0. */
struct cancel_name {
    uint64_t order_id;
    uint32_t account;
    uint16_t market;
    const uint8_t *client_id; /* CLIENT_ID_BYTES, all zero: not given */
};

/* UNKNOWN_ACCOUNT or UNKNOWN_MARKET. */
enum reject cancel_check_parties(const struct engine *engine, uint32_t account, uint16_t market);

/* The open order, or NO_SLOT: not open, not this account's, or its two names disagree. */
uint32_t cancel_find(const struct engine *engine, const struct cancel_name *name);

/* Cancels one; otherwise the refusal, and nothing changed. */
enum reject cancel_named(struct engine *engine, const struct cancel_name *name, uint8_t restriction,
                         enum done_reason reason, struct event_writer *out);

/* Ends every order bound to a session of the node, in the order of their acceptance. */
void cancel_bound(struct engine *engine, uint32_t node, struct event_writer *out);

/* REJECT_NONE when what the command asks for is done; otherwise nothing changed. */
enum reject cancel_order(struct engine *engine, const struct command *command,
                         struct event_writer *out);
enum reject cancel_all(struct engine *engine, const struct command *command,
                       struct event_writer *out);
enum reject cancel_list(struct engine *engine, const struct command *command,
                        struct event_writer *out);
enum reject cancel_session(struct engine *engine, const struct command *command,
                           struct event_writer *out);
enum reject cancel_origin(struct engine *engine, const struct command *command,
                          struct event_writer *out);
enum reject cancel_switch_set(struct engine *engine, const struct command *command,
                              struct event_writer *out);

/* Fires every switch that is due. */
void cancel_switches(struct engine *engine, struct event_writer *out);

#endif /* ENGINE_CANCEL_H */
