#include "ledger/fetch_chunks.h"

#include <string.h>

/* An idle lane takes a chunk over when it would be done with the whole of it so many times sooner. */
#define TAKE_OVER_FACTOR 2

bool fetch_chunks_init(struct fetch_chunks *chunks, struct arena *arena, struct peers peers,
                       struct fetch_store store)
{
    *chunks = (struct fetch_chunks){.peers = peers, .store = store};
    chunks->states = arena_take(arena, CHECKPOINT_CHUNKS_MAX);
    bool made = chunks->states != NULL;
    for (uint32_t i = 0; made && i < FETCH_SLOTS; i++) {
        chunks->slots[i].bytes = arena_take(arena, CHECKPOINT_CHUNK_BYTES);
        made = chunks->slots[i].bytes != NULL;
    }
    return made;
}

static uint32_t chunk_length(const struct fetch_chunks *chunks, uint32_t chunk)
{
    enum checkpoint_section section;
    return checkpoint_chunk_bytes(chunks->manifest, chunk, &section);
}

void fetch_chunks_begin(struct fetch_chunks *chunks, const struct checkpoint_manifest *manifest)
{
    chunks->manifest = manifest;
    chunks->next_unseen = chunks->next_missing = chunks->kept = 0;
    chunks->kept_bytes = chunks->total_bytes = 0;
    memset(chunks->states, FETCH_UNSEEN, manifest->chunk_count);
    for (int section = 0; section < CHECKPOINT_SECTIONS; section++)
        chunks->total_bytes += manifest->section_bytes[section];
    for (uint32_t i = 0; i < FETCH_SLOTS; i++)
        chunks->slots[i].node = 0;
    for (uint32_t i = 0; i < chunks->lane_count; i++)
        chunks->lanes[i].open = false;
}

static void keep_count(struct fetch_chunks *chunks, uint32_t chunk)
{
    chunks->states[chunk] = FETCH_KEPT;
    chunks->kept++;
    chunks->kept_bytes += chunk_length(chunks, chunk);
}

enum status fetch_chunks_look(struct fetch_chunks *chunks, bool *seen)
{
    const uint32_t chunk = chunks->next_unseen;
    *seen = chunk == chunks->manifest->chunk_count;
    if (*seen) return STATUS_OK;
    uint8_t *bytes = chunks->slots[0].bytes; /* nothing is under way yet */
    const uint32_t length = chunk_length(chunks, chunk);
    const enum status status = chunks->store.read(chunks->store.context, chunk, bytes, length);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) return status;
    chunks->next_unseen++;
    chunks->states[chunk] = FETCH_MISSING;
    if (status == STATUS_OK &&
        hash_equal(checkpoint_chunk_hash(bytes, length), chunks->manifest->chunks[chunk]))
        keep_count(chunks, chunk);
    return STATUS_OK;
}

/* ---- Lanes ---- */

static struct fetch_lane *lane_of(struct fetch_chunks *chunks, uint32_t node)
{
    for (uint32_t i = 0; i < chunks->lane_count; i++)
        if (chunks->lanes[i].node == node) return &chunks->lanes[i];
    return NULL;
}

void fetch_chunks_open(struct fetch_chunks *chunks, uint32_t node)
{
    struct fetch_lane *lane = lane_of(chunks, node);
    if (lane == NULL) {
        ASSERT(chunks->lane_count < NODE_SET_LIMIT);
        lane = &chunks->lanes[chunks->lane_count++];
        *lane = (struct fetch_lane){.node = node, .window = FETCH_WINDOW_MIN};
    }
    lane->open = true;
}

static void give_back(struct fetch_chunks *chunks, struct fetch_slot *slot)
{
    chunks->states[slot->chunk] = FETCH_MISSING;
    if (slot->chunk < chunks->next_missing) chunks->next_missing = slot->chunk;
    slot->node = 0;
}

static void give_back_all(struct fetch_chunks *chunks, uint32_t node)
{
    for (uint32_t i = 0; i < FETCH_SLOTS; i++)
        if (chunks->slots[i].node == node) give_back(chunks, &chunks->slots[i]);
}

void fetch_chunks_close(struct fetch_chunks *chunks, uint32_t node)
{
    struct fetch_lane *lane = lane_of(chunks, node);
    if (lane == NULL || !lane->open) return;
    lane->open = false;
    lane->window = FETCH_WINDOW_MIN;
    give_back_all(chunks, node);
}

/* Pieces asked of this lane that have not come. */
static uint32_t under_way(const struct fetch_chunks *chunks, const struct fetch_lane *lane)
{
    uint32_t pieces = 0;
    for (uint32_t i = 0; i < FETCH_SLOTS; i++) {
        const struct fetch_slot *slot = &chunks->slots[i];
        if (slot->node != lane->node) continue;
        pieces += (slot->asked - slot->got + FETCH_PIECE_BYTES - 1) / FETCH_PIECE_BYTES;
    }
    return pieces;
}

uint32_t fetch_chunks_silent(struct fetch_chunks *chunks, uint64_t now_ms)
{
    for (uint32_t i = 0; i < chunks->lane_count; i++) {
        struct fetch_lane *lane = &chunks->lanes[i];
        if (!lane->open || now_ms < lane->heard_ms + FETCH_SILENT_MS) continue;
        if (under_way(chunks, lane) == 0) continue;
        lane->window = FETCH_WINDOW_MIN;
        lane->rest_until_ms = now_ms + FETCH_REST_MS;
        give_back_all(chunks, lane->node);
        return lane->node;
    }
    return 0;
}

/* ---- Asking ---- */

static struct fetch_slot *free_slot(struct fetch_chunks *chunks)
{
    for (uint32_t i = 0; i < FETCH_SLOTS; i++)
        if (chunks->slots[i].node == 0) return &chunks->slots[i];
    return NULL;
}

/* The next chunk that nobody sends, or chunk_count. */
static uint32_t next_missing(struct fetch_chunks *chunks)
{
    while (chunks->next_missing < chunks->manifest->chunk_count &&
           chunks->states[chunks->next_missing] != FETCH_MISSING)
        chunks->next_missing++;
    return chunks->next_missing;
}

static void begin_slot(struct fetch_chunks *chunks, struct fetch_slot *slot, uint32_t node,
                       uint32_t chunk, uint64_t now_ms)
{
    chunks->states[chunk] = FETCH_COMING;
    slot->node = node;
    slot->chunk = chunk;
    slot->length = chunk_length(chunks, chunk);
    slot->asked = slot->got = 0;
    slot->since_ms = now_ms;
}

/* The chunk whose sender would need the longest for the rest of it, when this lane would be done with the whole
 * much sooner. */
static struct fetch_slot *slot_to_take_over(struct fetch_chunks *chunks,
                                            const struct fetch_lane *lane, uint64_t now_ms)
{
    struct fetch_slot *slowest = NULL;
    uint64_t longest_ms = 0;
    if (lane->bytes_per_s == 0) return NULL;
    for (uint32_t i = 0; i < FETCH_SLOTS; i++) {
        struct fetch_slot *slot = &chunks->slots[i];
        if (slot->node == 0 || slot->node == lane->node) continue;
        const uint64_t spent_ms = now_ms - slot->since_ms;
        const uint64_t rest_ms = spent_ms * (slot->length - slot->got) / (slot->got + 1);
        const uint64_t own_ms = (uint64_t)slot->length * 1000 / lane->bytes_per_s + 1;
        if (rest_ms <= TAKE_OVER_FACTOR * own_ms || rest_ms <= longest_ms) continue;
        slowest = slot;
        longest_ms = rest_ms;
    }
    return slowest;
}

/* Another chunk for this lane, when all of its own are asked for. */
static struct fetch_slot *another_slot(struct fetch_chunks *chunks, const struct fetch_lane *lane,
                                       uint32_t own_slots, uint64_t now_ms)
{
    const uint32_t chunk = next_missing(chunks);
    struct fetch_slot *slot = NULL;
    if (chunk < chunks->manifest->chunk_count) {
        slot = free_slot(chunks);
        if (slot != NULL) begin_slot(chunks, slot, lane->node, chunk, now_ms);
    } else if (own_slots == 0) {
        slot = slot_to_take_over(chunks, lane, now_ms);
        if (slot != NULL) begin_slot(chunks, slot, lane->node, slot->chunk, now_ms);
    }
    return slot;
}

/* A chunk of this lane that is not wholly asked for; *own_slots: how many it has in all. */
static struct fetch_slot *slot_to_ask(struct fetch_chunks *chunks, const struct fetch_lane *lane,
                                      uint32_t *own_slots)
{
    struct fetch_slot *open = NULL;
    *own_slots = 0;
    for (uint32_t i = 0; i < FETCH_SLOTS; i++) {
        struct fetch_slot *slot = &chunks->slots[i];
        if (slot->node != lane->node) continue;
        ++*own_slots;
        if (slot->asked < slot->length) open = slot;
    }
    return open;
}

static bool ask_piece(struct fetch_chunks *chunks, const struct fetch_slot *slot)
{
    const uint32_t left = slot->length - slot->asked;
    const struct fetch_ask ask = {.object = {FETCH_CHUNK, slot->chunk, chunks->manifest->height},
                                  .offset = slot->asked,
                                  .count = left < FETCH_PIECE_BYTES ? left : FETCH_PIECE_BYTES};
    uint8_t bytes[FETCH_ASK_BYTES];
    const struct peers_piece piece = {bytes, fetch_ask_encode(&ask, bytes)};
    return chunks->peers.send(chunks->peers.context, slot->node, &piece, 1);
}

/* One piece more of this lane. False: it has all it may have. */
static bool ask_lane(struct fetch_chunks *chunks, struct fetch_lane *lane, uint64_t now_ms)
{
    const uint32_t pieces = under_way(chunks, lane);
    if (!lane->open || now_ms < lane->rest_until_ms || pieces >= lane->window) return false;
    uint32_t own_slots;
    struct fetch_slot *slot = slot_to_ask(chunks, lane, &own_slots);
    if (slot == NULL) slot = another_slot(chunks, lane, own_slots, now_ms);
    if (slot == NULL || !ask_piece(chunks, slot)) return false;
    const uint32_t left = slot->length - slot->asked;
    slot->asked += left < FETCH_PIECE_BYTES ? left : FETCH_PIECE_BYTES;
    if (pieces == 0) lane->heard_ms = now_ms;
    return true;
}

void fetch_chunks_ask(struct fetch_chunks *chunks, uint64_t now_ms)
{
    ASSERT(chunks->next_unseen == chunks->manifest->chunk_count);
    /* One piece each in turn, so that slots are shared out. Ends: windows fill. */
    for (bool asked = true; asked;) {
        asked = false;
        for (uint32_t i = 0; i < chunks->lane_count; i++)
            if (ask_lane(chunks, &chunks->lanes[i], now_ms)) asked = true;
    }
}

/* ---- Taking ---- */

static struct fetch_slot *slot_of(struct fetch_chunks *chunks, uint32_t node, uint32_t chunk)
{
    for (uint32_t i = 0; i < FETCH_SLOTS; i++)
        if (chunks->slots[i].node == node && chunks->slots[i].chunk == chunk)
            return &chunks->slots[i];
    return NULL;
}

/* A whole chunk has come. */
static enum fetch_taken take_chunk(struct fetch_chunks *chunks, struct fetch_lane *lane,
                                   struct fetch_slot *slot, uint64_t now_ms, enum status *failure)
{
    const uint32_t chunk = slot->chunk;
    if (!hash_equal(checkpoint_chunk_hash(slot->bytes, slot->length),
                    chunks->manifest->chunks[chunk])) {
        fetch_chunks_close(chunks, lane->node);
        return FETCH_TOOK_WRONG;
    }
    *failure = chunks->store.keep(chunks->store.context, chunk, slot->bytes, slot->length);
    if (*failure != STATUS_OK) return FETCH_TOOK_FAILED;
    lane->bytes += slot->length;
    lane->bytes_per_s = (uint64_t)slot->length * 1000 / (now_ms - slot->since_ms + 1) + 1;
    lane->window = 2 * lane->window < FETCH_WINDOW_MAX ? 2 * lane->window : FETCH_WINDOW_MAX;
    slot->node = 0;
    keep_count(chunks, chunk);
    return FETCH_TOOK_CHUNK;
}

enum fetch_taken fetch_chunks_take(struct fetch_chunks *chunks, uint64_t now_ms, uint32_t node,
                                   const struct fetch_piece *piece, enum status *failure)
{
    struct fetch_lane *lane = lane_of(chunks, node);
    struct fetch_slot *slot = slot_of(chunks, node, piece->object.part);
    if (lane == NULL || slot == NULL) return FETCH_TOOK_NOTHING;
    if (piece->total == 0) {
        fetch_chunks_close(chunks, node);
        return FETCH_TOOK_NONE;
    }
    /* Pieces come in the order they were asked for; others are answers to an older question. */
    if (piece->offset != slot->got || slot->asked == slot->got) return FETCH_TOOK_NOTHING;
    const uint32_t left = slot->length - slot->got;
    if (piece->total != slot->length ||
        piece->byte_count != (left < FETCH_PIECE_BYTES ? left : FETCH_PIECE_BYTES)) {
        fetch_chunks_close(chunks, node);
        return FETCH_TOOK_WRONG;
    }
    memcpy(slot->bytes + slot->got, piece->bytes, piece->byte_count);
    slot->got += piece->byte_count;
    lane->heard_ms = now_ms;
    return slot->got == slot->length ? take_chunk(chunks, lane, slot, now_ms, failure)
                                     : FETCH_TOOK_PIECE;
}

bool fetch_chunks_whole(const struct fetch_chunks *chunks)
{
    return chunks->kept == chunks->manifest->chunk_count;
}

uint64_t fetch_chunks_bytes(const struct fetch_chunks *chunks)
{
    uint64_t bytes = chunks->kept_bytes;
    for (uint32_t i = 0; i < FETCH_SLOTS; i++)
        if (chunks->slots[i].node != 0) bytes += chunks->slots[i].got;
    return bytes;
}

bool fetch_chunks_check(const struct fetch_chunks *chunks)
{
    uint32_t coming = 0, slots = 0, kept = 0;
    uint64_t kept_bytes = 0;
    for (uint32_t i = 0; i < chunks->manifest->chunk_count; i++) {
        if (chunks->states[i] == FETCH_COMING) coming++;
        if (chunks->states[i] != FETCH_KEPT) continue;
        kept++;
        kept_bytes += chunk_length(chunks, i);
    }
    for (uint32_t i = 0; i < FETCH_SLOTS; i++) {
        const struct fetch_slot *slot = &chunks->slots[i];
        if (slot->node == 0) continue;
        slots++;
        ASSERT(chunks->states[slot->chunk] == FETCH_COMING);
        ASSERT(slot->got <= slot->asked && slot->asked <= slot->length);
        for (uint32_t j = 0; j < chunks->lane_count; j++)
            ASSERT(chunks->lanes[j].node != slot->node || chunks->lanes[j].open);
    }
    ASSERT(coming == slots);
    ASSERT(kept == chunks->kept && kept_bytes == chunks->kept_bytes);
    return true;
}
