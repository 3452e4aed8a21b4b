/* The last verb: events and notices in, stream messages out.
 *
 * Every stream is a channel (channel.h). A message is printed once for a channel
 * that has subscribers, whoever and however many they are, and handed to the sink; a channel without
 * subscribers costs a counter. Real-time streams go out with the command, the others with
 * publish_tick when something has changed.
 *
 * Call order for one record of the applied ring: for each event market_view_apply, then
 * publish_event; after the last event of the record publish_end.
 *
 * Owner    one gateway loop
 * Memory   from the arena at start, PUBLISH_TEXT_MAX of scratch and per-channel counters
 * Limits   a depth difference holds at most DEPTH_HISTORY / 2 updates: more than that within a period
 *          goes out early, so that no message outgrows a connection's queue
 *
 * Invariants (tests/unit/gateway/test_publish.c rebuilds books from them):
 *   P1  the differences of one depth channel tile the update ids: U is the previous u + 1
 *   P2  a difference shows, for every level changed in U .. u, its quantity at u
 */

#ifndef GATEWAY_PUBLISH_H
#define GATEWAY_PUBLISH_H

#include "gateway/channel.h"
#include "gateway/user_stream.h"

#define PUBLISH_TEXT_MAX (1024 * 1024)

struct publisher;

struct publish_message {
    uint32_t channel;
    const char *payload; /* JSON, good until the sink returns */
    size_t payload_bytes;
    uint64_t first_update_id; /* depth differences, the book's too: U; else 0 */
    bool conflatable;         /* a slow reader may be given a later state instead of this one */
};

/* Where messages go: the socket shell. */
struct publish_sink {
    void *context;
    void (*message)(void *context, const struct publish_message *message);
};

size_t publish_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold it. Views and blocks must outlive it. */
MUST_CHECK struct publisher *publish_new(struct arena *arena, const struct genesis *genesis,
                                         struct market_views *views,
                                         const struct block_list *blocks);

struct market_views *publish_views(const struct publisher *publisher);

/* User data too: the stream gets every event that the publisher gets. Without one there is none. */
void publish_follow(struct publisher *publisher, struct user_stream *users);
struct user_stream *publish_users(const struct publisher *publisher);

/* The views were restored: streams go on from where they are now, without what was before. */
void publish_restart(struct publisher *publisher);

/* Until a sink is attached nothing is printed. */
void publish_attach(struct publisher *publisher, struct publish_sink sink);

/* One event that the views have just taken. */
void publish_event(struct publisher *publisher, const struct applied *applied,
                   const struct event *event);

/* After the last event of a record: what waits for the command's end goes out. */
void publish_end(struct publisher *publisher, const struct applied *applied);

/* One notice of the anchor: `type` is T_BLOCK_SEALED or T_BLOCK_CERTIFIED, `payload` its bytes. Needs: the list of blocks has
 * taken it. */
void publish_notice(struct publisher *publisher, uint16_t type, const uint8_t *payload);

/* Sends what is due. `now_ns` is the wall clock; call it about every 50 ms. socket_h2o.c does. */
void publish_tick(struct publisher *publisher, uint64_t now_ns);

/* Subscriptions are counted, so that nothing is printed for nobody. */
void publish_subscribe(struct publisher *publisher, uint32_t channel);
void publish_unsubscribe(struct publisher *publisher, uint32_t channel);

/* Whether a reader of the channel begins with its present state, and gets messages only from there on:
 * publish_current with first_update_id 0. */
bool publish_begins_with_state(const struct publisher *publisher, uint32_t channel);

/* The present state of a conflatable channel, for a reader that has skipped messages; for a depth
 * difference everything since `first_update_id`, for a book too, or the whole of it when that is 0 or no
 * longer known. Points into scratch, good until the next call. False when a difference is no longer
 * known: the reader is too slow. payload_bytes 0: nothing to send now, ask again after the next tick. */
MUST_CHECK bool publish_current(struct publisher *publisher, uint32_t channel,
                                uint64_t first_update_id, struct publish_message *message);

#endif /* GATEWAY_PUBLISH_H */
