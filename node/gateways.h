/* The node's gateway loops, one a thread: what each has of its own, what they share, and what runs there.
 *
 *     consensus loop ◄── submissions ─┐                       ┌─ applied ◄── engine
 *                                     ├─ loop 0 .. loop n-1 ──┤
 *                          the hall ──┘                       └─ notices ◄── anchor
 *
 * Each loop has rings, a park, a mailbox, views, readers of files and a connection to PostgreSQL of its own; the hall
 * (gateway/hall.h) counts for all of them what a client may take.
 *
 * Owner    the main thread, but for gateways_run
 * Memory   gateways_new to gateways_free
 * Limits   HALL_LOOPS_MAX loops. The engine waits for each of them as for one: the slowest holds up the log
 */

#ifndef NODE_GATEWAYS_H
#define NODE_GATEWAYS_H

#include "common/config.h"
#include "gateway/gateway.h"

struct checkpoint_maker;
struct membership;
struct node_files;
struct proof_journal;
struct settlement;
struct start;
struct gateways;

struct gateways_options {
    const struct config *config;
    const struct node_files *files;
    struct start *start; /* what they begin with; the last one to have read it closes it */
    const struct membership *membership;
    struct settlement *settlement;
    struct proof_journal *journal;
    struct checkpoint_maker *maker; /* NULL: this chain makes none */
    const struct tls_identity *identity;
    struct park *consensus_park;
    struct metrics *metrics; /* the node's, which the first loop's are */
    struct progress *progress;
};

/* One loop's ends of its rings, for who is at the others. */
struct gateways_wires {
    struct ring *submissions; /* to the consensus loop */
    struct ring *applied;     /* from the engine */
    struct ring *notices;     /* from the anchor */
    struct park *park;        /* the loop's */
};

/* As many threads for files and names as all loops need at once: libuv has one set of them, of four. Whoever runs the node may
 * say otherwise (UV_THREADPOOL_SIZE).
 * Needs: the process has no other thread yet, and no loop has begun. */
void gateways_prepare(const struct config *config);

/* Bytes of all its rings. */
size_t gateways_ring_bytes(const struct config *config);

/* Bytes of all its views, and of what else each loop has by the parameters. */
size_t gateways_view_bytes(const struct config *config, const struct genesis *genesis);

/* NULL when there is no memory, or no descriptor. Needs: `options` outlives it. */
MUST_CHECK struct gateways *gateways_new(const struct gateways_options *options);

/* NULL is nothing. Needs: no loop runs. */
void gateways_free(struct gateways *gateways);

uint32_t gateways_count(const struct gateways *gateways);
struct gateways_wires gateways_wires(struct gateways *gateways, uint32_t loop);

/* The body of a loop's thread: as gateway_run, and statuses of files that could not be opened. */
MUST_CHECK enum status gateways_run(struct gateways *gateways, uint32_t loop);

/* Each loop looks at the node's progress. */
void gateways_wake(struct gateways *gateways);

/* As gateway_leave, to all of them: takes `settings` over. False, and nothing is changed, when there is no memory. */
MUST_CHECK bool gateways_leave(struct gateways *gateways, struct gateway_settings *settings);

#endif /* NODE_GATEWAYS_H */
