/* The links to the other nodes: whole messages to a node id, whole messages from one.
 *
 * A table of functions, so that the consensus core and whoever fetches run over sockets (peers_uv.h) or in
 * the simulator's network alike. Between two nodes messages arrive in the order they were sent or not at
 * all: a link that breaks loses what was on it, and says so on both sides by coming up anew.
 *
 * Owner    one thread
 * Limits   PEERS_MESSAGE_MAX bytes a message; a link's queue is bounded: what does not fit is not sent
 */

#ifndef LEDGER_PEERS_H
#define LEDGER_PEERS_H

#include "common/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEERS_MESSAGE_MAX (1024 * 1024)
#define PEERS_PIECES_MAX  8

/* A message is sent as pieces, back to back: no copy of a batch before the one into the cipher. */
struct peers_piece {
    const uint8_t *bytes;
    size_t byte_count;
};

struct peers {
    void *context;
    /* Takes the message whole or not at all: false when the link is down or its queue is full. The bytes
     * are the caller's again when it returns. */
    bool (*send)(void *context, uint32_t node, const struct peers_piece *pieces, uint32_t count);
    bool (*is_up)(void *context, uint32_t node);
};

/* Who hears of messages. Both are called from the loop of the owner's thread, never from within send. */
struct peers_handler {
    void *context;
    void (*message)(void *context, uint32_t node, const uint8_t *bytes, size_t byte_count);
    /* A link came up (anew: what was sent before on an older one may be lost) or went down. */
    void (*changed)(void *context, uint32_t node, bool up);
};

#endif /* LEDGER_PEERS_H */
