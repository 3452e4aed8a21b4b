/* Following: what servers show is taken header by header (ledger/light.h), kept when it is certified, and compared when it
 * is known already.
 *
 *     a round    every server in turn: its header at the newest certified height must be ours, then page after page of
 *                what comes above, until it has no more or `patience_ms` have passed
 *
 * Another header than a certified one is looked into (node/light_fork.h): either two chains are certified, and then a third
 * of the voters or more lied, or the server lied. Votes seen in certificates that were worth nothing are remembered, so
 * that a node which signed two headers of a height is found.
 *
 * Owner    one thread
 * Memory   struct light_follow is the caller's, some 1.3 MiB
 * Limits   LIGHT_KEPT_VOTES certificates remembered; pending headers are fetched again unless there are many
 */

#ifndef NODE_LIGHT_FOLLOW_H
#define NODE_LIGHT_FOLLOW_H

#include "node/light_page.h"
#include "node/light_servers.h"
#include "node/light_store.h"

#define LIGHT_KEPT_VOTES 16

/* A certificate that was worth nothing, and who might have signed it. */
struct light_kept {
    struct certificate certificate; /* height 0: none */
    struct validator_set set;
};

struct light_follow {
    struct light light;
    struct light_store *store;
    struct light_servers *servers;
    bool (*stop)(void *context); /* asked between pages */
    void (*progress)(void *context, const struct light *light);
    void *context;
    uint64_t
        patience_ms; /* then the next server is heard, so that a slow one does not keep us from the others */
    bool more;    /* after a round: a server has more than it could say in that time */
    uint64_t gap; /* the hand-over that nobody signed, 0: none is known */
    bool
        pending_of_others; /* what is pending came from another server than the one that is heard */
    uint32_t next_kept;
    struct light_kept kept[LIGHT_KEPT_VOTES];
    struct light_page page;
};

enum light_round {
    LIGHT_ROUND_DONE,    /* every server that could be asked was */
    LIGHT_ROUND_NOTHING, /* none gave anything: they rest, or are dropped */
    LIGHT_ROUND_STOPPED, /* stop said so */
    LIGHT_ROUND_FORK,    /* two certified chains: the evidence is kept */
    LIGHT_ROUND_FAILED,  /* the folder cannot be written; logged */
};

/* Asks every server once. */
MUST_CHECK enum light_round light_follow_round(struct light_follow *follow);

/* Asks servers for the voters with this hash, `first` before the others. False: nobody who may be asked has them. */
MUST_CHECK bool light_follow_voters(struct light_servers *servers, struct light_server *first,
                                    hash_t hash, struct validator_set *set);

/* Asks one server for headers from `from` on. When it is LIGHT_REPLY_GIVEN, the page is there, and its first header is
 * that height's. `from` 0: the newest one, of whatever height. */
MUST_CHECK enum light_reply light_follow_page(struct light_server *server, uint64_t from,
                                              uint32_t limit, struct light_page *page);

#endif /* NODE_LIGHT_FOLLOW_H */
