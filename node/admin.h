/* quorex admin: what operators change, each change one signed command in the log.
 *
 *     quorex admin --url http://127.0.0.1:8080 --operator-key DIR/operator.key credit account=1 asset=BTC amount=5
 *
 * The signed text is the form of common/intent.h with a nonce (microseconds, so it rises) and a
 * timestamp, so a request that is sent twice is applied once.
 */

#ifndef NODE_ADMIN_H
#define NODE_ADMIN_H

#include "node/client.h"

/* Sends an action in the words of intent_admin: "action=credit&account=1&asset=BTC&amount=5".
 * Nonce, timestamp and signature are added. */
struct client_answer admin_send(struct client *client, const uint8_t secret_key[SECRET_KEY_BYTES],
                                const char *text);

/* Returns 0 when done, 1 when refused, 2 on wrong usage, 3 when the outcome is unknown. */
int admin_main(int argc, char **argv);

#endif /* NODE_ADMIN_H */
