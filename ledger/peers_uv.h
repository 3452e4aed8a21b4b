/* The links of a node over TCP, on the caller's uv loop: a table as peers.h has it.
 *
 * Of two members the one with the smaller node id calls the other. One link a pair follows without any
 * tie to break, and it is enough: the address of every member is in the node set that all of them have,
 * and a caller never stops trying (PEERS_RETRY_MS_MIN to PEERS_RETRY_MS_MAX apart, with jitter). A node
 * that starts again is let in at once: its new link takes the place of one that has not noticed yet.
 *
 * Messages are sealed when they are sent and written together at the end of the loop's round, or by
 * peers_uv_flush. A link that nothing came from for PEERS_SILENCE_MS is closed; both sides send an empty
 * frame after PEERS_BEAT_MS of their own silence. Only turns of the loop count as time, so a node that was
 * stopped for a while reads first what has come.
 *
 * Owner    the loop's thread; writer of the peer_* metrics
 * Memory   malloc: a link's buffers grow with what they hold, to the limits below
 * Limits   PEERS_QUEUE_MAX bytes wait on a link; PEERS_ACCEPTED_MAX accepted connections that have not
 *          proved to be a member, then the oldest goes, and none stays longer than PEERS_HANDSHAKE_MS;
 *          PEERS_STRANGERS_MAX strangers a second that know the chain are looked at
 * Progress never blocks
 */

#ifndef LEDGER_PEERS_UV_H
#define LEDGER_PEERS_UV_H

#include "common/metrics.h"
#include "common/node_set.h"
#include "common/status.h"
#include "ledger/peers.h"

#define PEERS_QUEUE_MAX     (8 * 1024 * 1024)
#define PEERS_ACCEPTED_MAX  16
#define PEERS_STRANGERS_MAX 200
#define PEERS_RETRY_MS_MIN  50
#define PEERS_RETRY_MS_MAX  1000
#define PEERS_HANDSHAKE_MS  3000
#define PEERS_BEAT_MS       500
#define PEERS_SILENCE_MS    2000

struct peers_uv;
struct uv_loop_s;

struct peers_options {
    struct uv_loop_s *loop;
    const char *host; /* numeric address to listen on */
    uint16_t port;
    uint32_t node;
    const uint8_t *secret_key; /* Ed25519, SECRET_KEY_BYTES; not needed after peers_uv_new */
    hash_t chain_id;
    struct peers_handler handler;
    struct metrics *metrics; /* or NULL */
};

/* With no members, and not listening. NULL: no memory, or the secret key is none. */
MUST_CHECK struct peers_uv *peers_uv_new(const struct peers_options *options);

/* Opens the port. STATUS_ADDRESS_IN_USE, STATUS_IO and STATUS_MALFORMED (the host) are logged. */
MUST_CHECK enum status peers_uv_listen(struct peers_uv *peers);

/* Who may be linked to from now on: links of others are closed (their `changed` comes from the loop
 * later), new ones called. This node itself may be among them. Calls no handler. */
void peers_uv_set_nodes(struct peers_uv *peers, const struct node_set *set);

/* The table; good until peers_uv_free. send takes no more once PEERS_QUEUE_MAX would be passed. */
struct peers peers_uv_table(struct peers_uv *peers);

/* Writes what was sent now, not at the end of the loop's round: before a slow write to disk. */
void peers_uv_flush(struct peers_uv *peers);

/* Hands what was sent to the kernel as far as it takes it, closes everything and calls no handler any
 * more. Memory goes once the loop has closed the handles: run it until it has none, then close it. */
void peers_uv_free(struct peers_uv *peers);

#endif /* LEDGER_PEERS_UV_H */
