#include "ledger/supply.h"

#include <string.h>

void supply_begin(struct supply *supply, struct peers peers, struct supply_source source)
{
    supply->peers = peers;
    supply->source = source;
    supply->turn = 0;
    memset(supply->queues, 0, sizeof(supply->queues));
}

/* The queue of a node, or a free one; NULL when all are others'. One is free again when nothing waits in it. */
static struct supply_queue *queue_of(struct supply *supply, uint32_t node)
{
    struct supply_queue *spare = NULL;
    for (uint32_t i = 0; i < NODE_SET_LIMIT; i++) {
        struct supply_queue *queue = &supply->queues[i];
        if (queue->node == node) return queue;
        if (spare == NULL && queue->count == 0) spare = queue;
    }
    if (spare != NULL) *spare = (struct supply_queue){.node = node};
    return spare;
}

static bool decode(const uint8_t *bytes, size_t byte_count, struct supply_question *question)
{
    if (byte_count == 0) return false;
    question->type = bytes[0];
    switch (bytes[0]) {
    case FETCH_WHAT:
        return fetch_what_decode(bytes, byte_count);
    case FETCH_ASK:
        return fetch_ask_decode(bytes, byte_count, &question->ask);
    case FETCH_ASK_ENTRIES:
        return fetch_ask_entries_decode(bytes, byte_count, &question->range);
    default:
        return false;
    }
}

void supply_receive(struct supply *supply, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    struct supply_question question = {0};
    if (!decode(bytes, byte_count, &question)) return;
    struct supply_queue *queue = queue_of(supply, node);
    if (queue == NULL || queue->count == SUPPLY_ASKS_MAX) return;
    queue->questions[(queue->first + queue->count++) % SUPPLY_ASKS_MAX] = question;
}

static bool send_to(struct supply *supply, uint32_t node, const uint8_t *front, size_t front_bytes,
                    const uint8_t *rest, size_t rest_bytes)
{
    const struct peers_piece pieces[2] = {{front, front_bytes}, {rest, rest_bytes}};
    return supply->peers.send(supply->peers.context, node, pieces, rest_bytes > 0 ? 2 : 1);
}

static bool answer_what(struct supply *supply, uint32_t node)
{
    struct fetch_offer offer = {0};
    uint8_t front[FETCH_OFFER_BYTES];
    supply->source.offer(supply->source.context, &offer);
    return send_to(supply, node, front, fetch_offer_encode(&offer, front), NULL, 0);
}

static bool answer_ask(struct supply *supply, uint32_t node, const struct fetch_ask *ask)
{
    struct fetch_piece piece = {.object = ask->object, .offset = ask->offset};
    uint8_t front[FETCH_PIECE_HEADER_BYTES];
    const uint32_t capacity = ask->count < FETCH_PIECE_MAX ? ask->count : FETCH_PIECE_MAX;
    const enum status status =
        supply->source.read(supply->source.context, &ask->object, ask->offset, supply->buffer,
                            capacity, &piece.byte_count, &piece.total);
    if (status != STATUS_OK || piece.byte_count == 0) piece.byte_count = piece.total = 0;
    ASSERT(piece.byte_count <= capacity);
    return send_to(supply, node, front, fetch_piece_encode(&piece, front), supply->buffer,
                   piece.byte_count);
}

/* As many as are there and fit a piece; the first may be larger. */
static bool answer_entries(struct supply *supply, uint32_t node, const struct fetch_range *range)
{
    struct fetch_entries *entries = &supply->entries;
    size_t written = 0;
    entries->first = range->first;
    entries->count = 0;
    while (entries->count < range->count) {
        struct wal_entry entry;
        const uint64_t index = range->first + entries->count;
        if (supply->source.entry(supply->source.context, index, &entry) != STATUS_OK) break;
        const size_t room = entries->count == 0 ? SUPPLY_ENTRY_MAX : FETCH_PIECE_MAX;
        if (written + entry.length > room) break;
        memcpy(supply->buffer + written, entry.bytes, entry.length);
        written += entry.length;
        entries->entries[entries->count++] =
            (struct fetch_entry){.term = entry.term, .type = entry.type, .length = entry.length};
    }
    uint8_t front[FETCH_RANGE_BYTES + FETCH_ENTRIES_MAX * FETCH_ENTRY_HEADER_BYTES];
    return send_to(supply, node, front, fetch_entries_encode(entries, front), supply->buffer,
                   written);
}

static bool answer(struct supply *supply, uint32_t node, const struct supply_question *question)
{
    switch (question->type) {
    case FETCH_WHAT:
        return answer_what(supply, node);
    case FETCH_ASK:
        return answer_ask(supply, node, &question->ask);
    default:
        return answer_entries(supply, node, &question->range);
    }
}

/* Whether the question at the front of this queue could be answered. */
static bool answer_first(struct supply *supply, struct supply_queue *queue)
{
    if (queue->count == 0) return false;
    if (!supply->peers.is_up(supply->peers.context, queue->node)) {
        queue->count = 0; /* what it asked over an older link it asks again */
        return false;
    }
    if (!answer(supply, queue->node, &queue->questions[queue->first])) return false;
    queue->first = (queue->first + 1) % SUPPLY_ASKS_MAX;
    queue->count--;
    return true;
}

static bool anything_waits(const struct supply *supply)
{
    for (uint32_t i = 0; i < NODE_SET_LIMIT; i++)
        if (supply->queues[i].count > 0) return true;
    return false;
}

bool supply_turn(struct supply *supply)
{
    for (uint32_t i = 0; i < NODE_SET_LIMIT; i++) {
        const uint32_t place = (supply->turn + i) % NODE_SET_LIMIT;
        if (!answer_first(supply, &supply->queues[place])) continue;
        supply->turn = place + 1;
        return anything_waits(supply);
    }
    return false;
}
