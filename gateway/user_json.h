/* What a user data stream says of an entry (user_event.h): executionReport, listStatus, outboundAccountPosition and
 * balanceUpdate of the Binance Spot API, each with "sequence", its number, which is ours.
 *
 * Event times (E, and T) are the stamp of the command: every node says the same.
 */

#ifndef GATEWAY_USER_JSON_H
#define GATEWAY_USER_JSON_H

#include "gateway/reply_order.h"
#include "gateway/user_event.h"

/* The longest message has every asset. */
#define USER_JSON_MAX (16 * 1024)

/* One message: of the entry at `place`, and when that is a position, of those before it that are of its message. */
void user_json_event(struct writer *json, const struct printing *printing,
                     const struct user_events *events, uint32_t place);

/* The stream ends here, as its reader has asked; or because its listen key is not good any more. */
void user_json_terminated(struct writer *json, uint64_t time);
void user_json_expired(struct writer *json, const char *key, size_t key_bytes, uint64_t time);

#endif /* GATEWAY_USER_JSON_H */
