/* The gateway: HTTP and WebSocket in front, commands behind, events coming back.
 *
 * One call runs one loop: it listens, answers reads from the view it builds out of events, writes
 * commands into the ring to the log, and answers them when the engine's events return. It opens its
 * port only when that view has passed everything the log held at start. Several loops of one node listen at the same port,
 * the first one first; each has rings and a view of its own, and what a client may take is counted in their hall (hall.h).
 *
 * Owner    the thread that calls gateway_run; everything inside is that thread's alone, but for the hall
 * Memory   options must outlive the call; what it maps and allocates is returned at the end. What of them may change
 *          (struct gateway_settings) is copied, and comes anew through the mailbox
 * Limits   connections_max sockets of all loops, GATEWAY_WAITING_MAX requests of this one that wait for the log;
 *          beyond them a connection is closed and a request is refused, by name
 */

#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "common/genesis.h"
#include "common/metrics.h"
#include "common/park.h"
#include "common/progress.h"
#include "common/ring.h"
#include "common/status.h"

#define GATEWAY_CONNECTIONS_MAX 16384
#define GATEWAY_WAITING_MAX     16384

/* How long requests that wait for the log may have their answers when a stop has begun (progress.closing). The other
 * threads go on that long, if it takes it. */
#define GATEWAY_STOP_MS 5000

#define GATEWAY_TEXT_MAX 512 /* of a setting, with the byte behind it */

struct hall;
struct restore;
struct chain_source;
struct proof_source;
struct tls_identity;

/* Checkpoints, seen from a gateway. Both are called on its thread; either may be NULL. */
struct gateway_checkpoints {
    void *context;
    /* Once, before the first record, when the log begins above the genesis: sets the views, restore_end
     * included. False, which it has logged: the gateway does not start. */
    bool (*start)(void *context, struct restore *restore);
    /* After each SEAL whose height params.checkpoint_blocks divides, in a replay too, with nothing of the
     * commands after it in the views: restore_save writes the MARKETS section. */
    void (*sealed)(void *context, uint64_t height, const struct restore *restore);
};

/* What a thread that reads files for a gateway reads by: nobody else's. Either may be NULL. */
struct gateway_reader {
    const struct chain_source *chain;
    const struct proof_source *proofs;
};

/* What one client may take; of each 0 is the default, the one of config.def. */
struct gateway_limits {
    uint32_t address_connections_max; /* 0: any number */
    uint32_t
        header_ms; /* from the first byte of a request to the end of its header section; and for a TLS handshake */
    uint32_t body_ms; /* from then to the end of its body */
    uint32_t ws_ping_s;
    uint32_t ws_pong_s;
    uint32_t ws_life_s;
    uint32_t ws_notice_s;
    uint32_t ws_messages; /* a second */
    uint32_t farewell_ms; /* at a stop, until connections that wait for nothing are closed */
};

/* What may change while a gateway runs. */
struct gateway_settings {
    bool limits_on;           /* request weight per address */
    uint32_t connections_max; /* HTTP and WebSocket together; 0: GATEWAY_CONNECTIONS_MAX */
    struct gateway_limits limits;
    char elsewhere
        [GATEWAY_TEXT_MAX]; /* URLs of other nodes, with commas: for clients when this one stops */
    char origins[GATEWAY_TEXT_MAX]; /* whose pages may do more than read what is public: origin.h */
    struct tls_identity *identity;  /* taken over; NULL: the one before stays */
};

/* Where another thread leaves new settings. */
struct gateway_mailbox {
    _Atomic(struct gateway_settings *) settings; /* malloc; NULL: nothing new */
};

/* Leaves settings, allocated by malloc, and all that is theirs, for the gateway to take in its next round. Any thread,
 * but one at a time. */
void gateway_leave(struct gateway_mailbox *mailbox, struct gateway_settings *settings,
                   struct park *park);

/* Lets go of settings that nobody took. No gateway runs any more. */
void gateway_mailbox_empty(struct gateway_mailbox *mailbox);

struct gateway_options {
    const char *host; /* numeric address, e.g. "127.0.0.1" */
    uint16_t port;
    uint32_t
        loop_index; /* below the hall's count; the first one opens the port, and tells of custody */
    struct hall *hall; /* what this loop shares with the node's others; NULL: there are none */
    uint32_t node;     /* our node id, the origin of our commands */
    const struct genesis *genesis;
    const uint8_t *gateway_secret; /* HASH_BYTES: HMAC secrets are derived from it */
    const char *conninfo;          /* libpq's; NULL or "": history is what memory holds */
    struct ring *submissions;      /* to the log */
    struct park *submissions_park; /* the consensus loop's */
    struct ring *applied;          /* from the engine */
    struct ring *notices;          /* from the anchor */
    struct park *park;             /* ours: who fills the two rings above wakes it */
    struct metrics *metrics;
    struct progress *progress;
    bool limits_on;           /* request weight per address */
    uint32_t connections_max; /* HTTP and WebSocket together; 0: GATEWAY_CONNECTIONS_MAX */
    struct gateway_limits limits;
    struct gateway_checkpoints checkpoints;
    const struct chain_source *chain;     /* this loop's own; NULL: what the notices tell */
    const struct proof_source *proofs;    /* likewise; NULL: none are given */
    const struct gateway_reader *readers; /* of files, off the loop; one thread for each */
    uint32_t reader_count;                /* 0: the loop reads itself, by the two above */
    const char *genesis_text;             /* the genesis file as it is; NULL: not served */
    size_t genesis_text_bytes;
    const struct tls_identity *identity; /* NULL: no TLS */
    const char *elsewhere, *origins;     /* as gateway_settings; NULL: none */
    struct gateway_mailbox *mailbox;     /* NULL: nothing changes */
};

/* Bytes that a loop takes when it begins, by what the parameters can ever need: little of it is touched at first. */
size_t gateway_bytes(const struct genesis *genesis);

/* Runs until progress.stopping, then stops accepting, finishes what waits (a few seconds at most) and
 * returns STATUS_OK. STATUS_ADDRESS_IN_USE, STATUS_IO or STATUS_NO_MEMORY when it cannot start. */
MUST_CHECK enum status gateway_run(const struct gateway_options *options);

#endif /* GATEWAY_GATEWAY_H */
