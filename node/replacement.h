/* quorex admin replace-node: a new node takes the place of one that is lost, step by step.
 *
 *     add the new one ─► it starts, fetches what it needs, says HELLO ─► it follows ─► swap
 *
 * Every step may have been done before: the command is run again as often as one likes, and goes on where it
 * was. What is not its time yet (the last change does not count, the node has not said HELLO) is asked again.
 *
 * Owner    the command-line program
 * Limits   `wait_ms` for the whole
 */

#ifndef NODE_REPLACEMENT_H
#define NODE_REPLACEMENT_H

#include "node/client.h"

#define REPLACEMENT_ACTION "replace-node"
#define REPLACEMENT_KEYS \
    "oldNode= newNode= publicKey=HEX address=HOST:PORT [wait=SECONDS] (add, wait until it " \
    "follows, " \
    "swap)"
#define REPLACEMENT_WAIT_S     3600
#define REPLACEMENT_ASK_MS     1000
#define REPLACEMENT_BEHIND_MAX 20 /* blocks: a node that is no further behind follows */

struct replacement {
    uint32_t old_node, new_node;
    char public_key[2 * PUBLIC_KEY_BYTES + 1];
    char address[64];
    uint64_t wait_ms; /* for the whole */
    uint32_t ask_ms;  /* between two questions */
};

/* Reads key=value pairs. False, and the reason printed, when one is missing or wrong. */
bool replacement_read(int pair_count, char **pairs, struct replacement *replacement);

/* What the status of a node (its JSON) says of the new one. */
enum replacement_news {
    REPLACEMENT_UNKNOWN, /* no member, or not heard of */
    REPLACEMENT_BEHIND,
    REPLACEMENT_FOLLOWS,
    REPLACEMENT_VOTES, /* it is a voter already */
    REPLACEMENT_NONSENSE,
};
enum replacement_news replacement_news(const char *status, uint32_t new_node);

/* Does it, and prints each step. Returns 0 when done, 1 when refused or out of time, 3 when the node did not
 * answer. */
int replacement_perform(struct client *client, const uint8_t secret_key[SECRET_KEY_BYTES],
                        const struct replacement *replacement);

#endif /* NODE_REPLACEMENT_H */
