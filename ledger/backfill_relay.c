#include "ledger/backfill_relay.h"

#include "common/le.h"
#include "ledger/fetch_message.h"

#include <string.h>

#define ASKS_BYTES    (64u * 1024)
#define ANSWERS_BYTES (8u * 1024 * 1024)
#define RECORD_HEADER 8

size_t backfill_relay_memory(void)
{
    return ring_bytes(ASKS_BYTES) + ring_bytes(ANSWERS_BYTES) + 2 * 64;
}

static struct ring *make_ring(struct arena *arena, size_t capacity)
{
    void *memory = arena_take(arena, ring_bytes(capacity));
    return memory == NULL ? NULL : ring_new(memory, capacity);
}

bool backfill_relay_init(struct backfill_relay *relay, struct arena *arena, struct park *park,
                         struct park *consensus_park)
{
    *relay = (struct backfill_relay){.asks = make_ring(arena, ASKS_BYTES),
                                     .answers = make_ring(arena, ANSWERS_BYTES),
                                     .park = park,
                                     .consensus_park = consensus_park};
    return relay->asks != NULL && relay->answers != NULL;
}

/* ---- The backfill thread's side ---- */

void backfill_relay_open(struct backfill_relay *relay)
{
    atomic_store_explicit(&relay->open, true, memory_order_release);
    park_wake(relay->consensus_park); /* it tells us whom to ask */
}

void backfill_relay_close(struct backfill_relay *relay)
{
    atomic_store_explicit(&relay->open, false, memory_order_release);
}

static bool send_ask(void *context, uint32_t node, const struct peers_piece *pieces, uint32_t count)
{
    struct backfill_relay *relay = context;
    ASSERT(count == 1);
    uint8_t *at = ring_reserve(relay->asks, RECORD_HEADER + pieces->byte_count);
    if (at == NULL) return false;
    at = le_put_u32(le_put_u32(at, 0), node);
    memcpy(at, pieces->bytes, pieces->byte_count);
    ring_commit(relay->asks, RECORD_HEADER + pieces->byte_count);
    return true;
}

static bool always_up(void *context, uint32_t node)
{
    (void)context;
    (void)node;
    return true;
}

struct peers backfill_relay_peers(struct backfill_relay *relay)
{
    return (struct peers){relay, send_ask, always_up};
}

void backfill_relay_flush(struct backfill_relay *relay)
{
    /* The loop never says that it sleeps: it is woken for whatever waits. */
    const bool sleeps = ring_publish(relay->asks);
    if (sleeps || ring_used(relay->asks) > 0) park_wake(relay->consensus_park);
}

bool backfill_relay_next(struct backfill_relay *relay, struct backfill_relay_record *record)
{
    size_t byte_count;
    const uint8_t *bytes = ring_peek(relay->answers, &byte_count);
    if (bytes == NULL) return false;
    *record = (struct backfill_relay_record){.news = (enum backfill_relay_news)le_get_u32(bytes),
                                             .node = le_get_u32(bytes + 4),
                                             .bytes = bytes + RECORD_HEADER,
                                             .byte_count = byte_count - RECORD_HEADER};
    ring_pop(relay->answers);
    return true;
}

void backfill_relay_release(struct backfill_relay *relay)
{
    ring_release(relay->answers);
}

/* ---- The loop's side ---- */

void backfill_relay_begin(struct backfill_relay *relay, struct peers peers)
{
    relay->peers = peers;
}

static bool tell(struct backfill_relay *relay, enum backfill_relay_news news, uint32_t node,
                 const uint8_t *bytes, size_t byte_count)
{
    if (!atomic_load_explicit(&relay->open, memory_order_acquire)) return false;
    uint8_t *at = ring_reserve(relay->answers, RECORD_HEADER + byte_count);
    if (at == NULL) return false;
    at = le_put_u32(le_put_u32(at, (uint32_t)news), node);
    if (byte_count > 0) memcpy(at, bytes, byte_count);
    ring_commit(relay->answers, RECORD_HEADER + byte_count);
    if (ring_publish(relay->answers)) park_wake(relay->park);
    return true;
}

void backfill_relay_nodes(struct backfill_relay *relay, const struct node_set *nodes)
{
    relay->nodes = *nodes;
    relay->nodes_told = false;
}

void backfill_relay_answer(struct backfill_relay *relay, uint32_t node, const uint8_t *bytes,
                           size_t byte_count)
{
    const bool told = tell(relay, BACKFILL_ANSWER, node, bytes, byte_count);
    (void)told; /* it asks again */
}

static bool tell_nodes(struct backfill_relay *relay)
{
    uint8_t bytes[NODE_SET_LIMIT * 4];
    uint8_t *at = bytes;
    for (uint32_t i = 0; i < relay->nodes.count; i++)
        at = le_put_u32(at, relay->nodes.members[i].node);
    return tell(relay, BACKFILL_NODES, 0, bytes, (size_t)(at - bytes));
}

bool backfill_relay_turn(struct backfill_relay *relay)
{
    size_t byte_count;
    if (!relay->nodes_told && relay->nodes.count > 0) relay->nodes_told = tell_nodes(relay);
    for (uint32_t i = 0; i < BACKFILL_RELAY_ASKS; i++) {
        const uint8_t *record = ring_peek(relay->asks, &byte_count);
        if (record == NULL) break;
        const uint32_t node = le_get_u32(record + 4);
        const struct peers_piece piece = {record + RECORD_HEADER, byte_count - RECORD_HEADER};
        if (!relay->peers.send(relay->peers.context, node, &piece, 1)) {
            const bool told = tell(relay, BACKFILL_REFUSED, node, NULL, 0);
            (void)told; /* it finds out by the silence */
        }
        ring_pop(relay->asks);
    }
    ring_release(relay->asks);
    return ring_used(relay->asks) > 0;
}
