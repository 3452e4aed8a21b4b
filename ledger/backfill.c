#include "ledger/backfill.h"

#include "ledger/block.h"

#include <string.h>

#define LOOKS_MAX 1024u /* headers compared, */
#define KEEPS_MAX 4u    /* and runs or blocks kept, in a turn */

void backfill_begin(struct backfill *backfill, const struct backfill_options *options)
{
    struct block_header base;
    const bool decoded = block_header_decode(options->base_header, &base);
    ASSERT(decoded && options->tip <= base.height);
    memset(backfill, 0, sizeof(*backfill));
    backfill->node = options->node;
    backfill->chain_id = options->chain_id;
    backfill->peers = options->peers;
    backfill->store = options->store;
    backfill->base = backfill->lowest = base.height;
    backfill->wanted = base.prev_hash;
    memcpy(backfill->base_header, options->base_header, BLOCK_HEADER_BYTES);
    backfill->tip = options->tip;
    backfill->tip_hash = options->tip_hash;
    backfill->bodies_from = options->bodies_from;
    backfill->piece_bytes = BACKFILL_PIECE_BYTES;
    if (backfill->tip == backfill->base) backfill->phase = BACKFILL_DONE;
}

static void fail(struct backfill *backfill, enum status status)
{
    if (backfill->phase == BACKFILL_FAILED) return;
    backfill->phase = BACKFILL_FAILED;
    backfill->status = status;
}

/* ---- Peers ---- */

static struct backfill_peer *peer_of(struct backfill *backfill, uint32_t node)
{
    for (uint32_t i = 0; i < backfill->peer_count; i++)
        if (backfill->list[i].node == node) return &backfill->list[i];
    return NULL;
}

void backfill_nodes(struct backfill *backfill, const uint32_t *nodes, uint32_t count)
{
    for (uint32_t i = 0; i < count && backfill->peer_count < NODE_SET_LIMIT; i++) {
        if (nodes[i] == backfill->node || peer_of(backfill, nodes[i]) != NULL) continue;
        backfill->list[backfill->peer_count++] = (struct backfill_peer){.node = nodes[i]};
    }
}

/* Takes back what was asked of a node, or also what it gave and is not kept yet. A body begins anew: its pieces come from
 * one peer, so that it is known who was wrong. */
static void forget(struct backfill *backfill, uint32_t node, bool also_given)
{
    struct backfill_peer *peer = peer_of(backfill, node);
    for (uint32_t i = 0; i < BACKFILL_SLOTS; i++) {
        struct backfill_slot *slot = &backfill->slots[i];
        if (slot->node != node || slot->state == BACKFILL_FREE) continue;
        /* A block that is whole was checked; a run is only when its turn comes. */
        if (slot->state == BACKFILL_WHOLE && !(also_given && slot->object.kind == FETCH_HEADERS))
            continue;
        if (slot->state == BACKFILL_ASKED) peer->asked--;
        slot->state = BACKFILL_WAITING;
        slot->offset = 0;
        slot->node = 0;
    }
}

static bool is_gone(const struct backfill_peer *peer, uint64_t now_ms)
{
    return peer->silent_ms != 0 && now_ms - peer->silent_ms >= BACKFILL_GONE_MS;
}

static void silent(struct backfill *backfill, uint64_t now_ms, struct backfill_peer *peer)
{
    peer->rests_until_ms = now_ms + (is_gone(peer, now_ms) ? BACKFILL_GONE_MS : BACKFILL_REST_MS);
    if (peer->silent_ms == 0) peer->silent_ms = now_ms > 0 ? now_ms : 1;
    forget(backfill, peer->node, false);
}

void backfill_refused(struct backfill *backfill, uint64_t now_ms, uint32_t node)
{
    struct backfill_peer *peer = peer_of(backfill, node);
    if (peer != NULL) silent(backfill, now_ms, peer);
}

static void drop(struct backfill *backfill, uint32_t node, const char *what, uint64_t height)
{
    struct backfill_peer *peer = peer_of(backfill, node);
    if (peer == NULL || peer->dropped) return;
    peer->dropped = true;
    backfill->dropped++;
    backfill->store.blame(backfill->store.context, node, what, height);
    forget(backfill, node, true);
    if (backfill->dropped == backfill->peer_count) fail(backfill, STATUS_MALFORMED);
}

/* ---- Asking ---- */

static uint64_t bit_of(const struct backfill *backfill, const struct backfill_peer *peer)
{
    return UINT64_C(1) << (peer - backfill->list);
}

/* The peer that is asked next for a slot, or NULL. `none`: nobody who could be waited for has the object. */
static struct backfill_peer *choose(struct backfill *backfill, const struct backfill_slot *slot,
                                    uint64_t now_ms, bool *none)
{
    struct backfill_peer *chosen = NULL;
    *none = slot->lacking != 0;
    for (uint32_t i = 0; i < backfill->peer_count; i++) {
        struct backfill_peer *peer =
            &backfill->list[(backfill->next_peer + i) % backfill->peer_count];
        if (peer->dropped || (slot->lacking & bit_of(backfill, peer)) != 0) continue;
        if (!is_gone(peer, now_ms)) *none = false;
        if (now_ms < peer->rests_until_ms || peer->asked >= BACKFILL_PEER_SLOTS) continue;
        /* One that was silent is tried with one question. */
        if (peer->silent_ms != 0 && peer->asked > 0) continue;
        if (chosen == NULL || peer->asked < chosen->asked) chosen = peer;
    }
    backfill->next_peer++;
    return chosen;
}

static uint32_t piece_length(const struct backfill *backfill, const struct backfill_slot *slot)
{
    if (slot->object.kind == FETCH_HEADERS) return slot->object.part * BLOCK_HEADER_BYTES;
    if (slot->object.kind == FETCH_SIGNATURES) return CERTIFICATE_BYTES_MAX;
    const uint64_t left = slot->header.body_length - slot->offset;
    return left < backfill->piece_bytes ? (uint32_t)left : backfill->piece_bytes;
}

/* A certificate that nobody has is none; a body or a header is waited for. */
static void nobody_has(struct backfill *backfill, struct backfill_slot *slot, uint64_t now_ms)
{
    if (slot->object.kind == FETCH_SIGNATURES) {
        slot->state = BACKFILL_WHOLE;
        return;
    }
    slot->lacking = 0;
    slot->rests_until_ms = now_ms + BACKFILL_AGAIN_MS;
    if (backfill->missing == 0 || slot->height < backfill->missing)
        backfill->missing = slot->height;
}

/* False when there is no budget any more. */
static bool ask(struct backfill *backfill, struct backfill_slot *slot, uint64_t now_ms)
{
    bool none = false;
    if (now_ms < slot->rests_until_ms) return true;
    const uint32_t count = piece_length(backfill, slot);
    struct backfill_peer *peer =
        slot->node != 0 ? peer_of(backfill, slot->node) : choose(backfill, slot, now_ms, &none);
    if (peer == NULL && none) nobody_has(backfill, slot, now_ms);
    if (peer == NULL || peer->asked >= BACKFILL_PEER_SLOTS) return true;
    if (backfill->budget < count) return false;

    uint8_t bytes[FETCH_ASK_BYTES];
    const struct fetch_ask question = {slot->object, slot->offset, count};
    const struct peers_piece piece = {bytes, fetch_ask_encode(&question, bytes)};
    if (!backfill->peers.send(backfill->peers.context, peer->node, &piece, 1)) return false;
    backfill->budget -= count;
    slot->state = BACKFILL_ASKED;
    slot->piece_bytes = count;
    slot->node = peer->node;
    slot->asked_ms = now_ms;
    peer->asked++;
    return true;
}

static void refill(struct backfill *backfill, uint64_t now_ms)
{
    const uint64_t passed = now_ms - backfill->budget_ms, most = BACKFILL_BYTES_PER_S / 8;
    backfill->budget_ms = now_ms;
    const uint64_t more = passed < 1000 ? passed * BACKFILL_BYTES_PER_S / 1000 : most;
    backfill->budget = backfill->budget + more < most ? backfill->budget + more : most;
}

static void ask_all(struct backfill *backfill, uint64_t now_ms)
{
    for (uint32_t i = 0; i < backfill->peer_count; i++) {
        struct backfill_peer *peer = &backfill->list[i];
        for (uint32_t k = 0; k < BACKFILL_SLOTS && peer->asked > 0; k++) {
            const struct backfill_slot *slot = &backfill->slots[k];
            if (slot->state != BACKFILL_ASKED || slot->node != peer->node) continue;
            if (now_ms - slot->asked_ms >= BACKFILL_ANSWER_MS) silent(backfill, now_ms, peer);
        }
    }
    refill(backfill, now_ms);
    for (uint32_t i = 0; i < BACKFILL_SLOTS; i++)
        if (backfill->slots[i].state == BACKFILL_WAITING &&
            !ask(backfill, &backfill->slots[i], now_ms))
            return;
}

/* ---- Slots ---- */

static void want(struct backfill_slot *slot, uint8_t kind, uint32_t part)
{
    slot->object = (struct fetch_object){kind, part, slot->height};
    slot->offset = 0;
    slot->node = 0;
    slot->lacking = 0;
    slot->rests_until_ms = 0;
    slot->state = BACKFILL_WAITING;
}

static void want_run(struct backfill_slot *slot, uint64_t height, uint32_t count)
{
    slot->height = height;
    slot->count = count;
    want(slot, FETCH_HEADERS, count);
}

static void fill_runs(struct backfill *backfill)
{
    for (uint32_t i = 0; i < BACKFILL_SLOTS && backfill->next > backfill->tip; i++) {
        struct backfill_slot *slot = &backfill->slots[i];
        const uint64_t left = backfill->next - backfill->tip;
        const uint32_t count = left < FETCH_HEADERS_MAX ? (uint32_t)left : FETCH_HEADERS_MAX;
        if (slot->state != BACKFILL_FREE) continue;
        slot->bytes = backfill->store.room(backfill->store.context, i,
                                           FETCH_HEADERS_MAX * BLOCK_HEADER_BYTES);
        if (slot->bytes == NULL) {
            fail(backfill, STATUS_NO_MEMORY);
            return;
        }
        want_run(slot, backfill->next, count);
        backfill->next -= count;
    }
}

static enum status header_of(const struct backfill *backfill, uint64_t height,
                             uint8_t header[BLOCK_HEADER_BYTES])
{
    if (height == backfill->base) memcpy(header, backfill->base_header, BLOCK_HEADER_BYTES);
    if (height == backfill->base) return STATUS_OK;
    return backfill->store.header(backfill->store.context, height, header);
}

/* Takes up the next block, if its body still finds room. */
static enum status fill_block(struct backfill *backfill, uint32_t number)
{
    struct backfill_slot *slot = &backfill->slots[number];
    const enum status status = header_of(backfill, backfill->next, slot->header_bytes);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_DAMAGED : status;
    if (!block_header_decode(slot->header_bytes, &slot->header)) return STATUS_DAMAGED;
    const uint64_t length = slot->header.body_length;
    const bool wanted = backfill->next >= backfill->bodies_from;
    if (wanted && (length == 0 || length > UINT32_MAX)) return STATUS_UNSUPPORTED;
    if (wanted && backfill->bodies_under_way > 0 &&
        backfill->bodies_under_way + length > BACKFILL_BODIES_MAX)
        return STATUS_NOT_FOUND;
    slot->height = backfill->next++;
    slot->body_here = false;
    slot->byte_count = slot->certificate_bytes = 0;
    if (!wanted) {
        want(slot, FETCH_SIGNATURES, 0);
        return STATUS_OK;
    }
    slot->bytes = backfill->store.room(backfill->store.context, number, (size_t)length + 1);
    if (slot->bytes == NULL) return STATUS_NO_MEMORY;
    backfill->bodies_under_way += length;
    want(slot, FETCH_BODY, 0);
    return STATUS_OK;
}

static void fill_blocks(struct backfill *backfill)
{
    for (uint32_t i = 0; i < BACKFILL_SLOTS && backfill->next <= backfill->base; i++) {
        if (backfill->slots[i].state != BACKFILL_FREE) continue;
        const enum status status = fill_block(backfill, i);
        if (status == STATUS_NOT_FOUND) return; /* no room yet */
        if (status != STATUS_OK) {
            fail(backfill, status);
            return;
        }
    }
}

static struct backfill_slot *whole_at(struct backfill *backfill, uint64_t height)
{
    for (uint32_t i = 0; i < BACKFILL_SLOTS; i++)
        if (backfill->slots[i].state == BACKFILL_WHOLE && backfill->slots[i].height == height)
            return &backfill->slots[i];
    return NULL;
}

static void empty_slots(struct backfill *backfill)
{
    for (uint32_t i = 0; i < BACKFILL_SLOTS; i++)
        backfill->slots[i].state = BACKFILL_FREE;
    for (uint32_t i = 0; i < backfill->peer_count; i++)
        backfill->list[i].asked = 0;
}

/* ---- Headers ---- */

/* Whether these are the bytes of the header below the lowest one. Then it is the lowest. */
static bool proves(struct backfill *backfill, const uint8_t header[BLOCK_HEADER_BYTES])
{
    struct block_header decoded;
    if (!block_header_decode(header, &decoded) || decoded.height != backfill->lowest - 1 ||
        !hash_equal(decoded.chain_id, backfill->chain_id) ||
        !hash_equal(block_header_hash(header), backfill->wanted))
        return false;
    backfill->lowest--;
    backfill->wanted = decoded.prev_hash;
    return true;
}

/* All headers are there: they must lead to the block that is here, or to the beginning of the chain. */
static void begin_blocks(struct backfill *backfill)
{
    static const hash_t none;
    empty_slots(backfill);
    if (!hash_equal(backfill->wanted, backfill->tip > 0 ? backfill->tip_hash : none)) {
        fail(backfill, STATUS_MISMATCH);
        return;
    }
    backfill->phase = BACKFILL_BLOCKS;
    backfill->missing = 0;
    backfill->next = backfill->tip + 1;
}

static bool look(struct backfill *backfill)
{
    uint8_t header[BLOCK_HEADER_BYTES];
    for (uint32_t i = 0; i < LOOKS_MAX && backfill->lowest > backfill->tip + 1; i++) {
        const enum status status =
            backfill->store.header(backfill->store.context, backfill->lowest - 1, header);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            fail(backfill, status);
            return false;
        }
        if (status == STATUS_OK && proves(backfill, header)) continue;
        backfill->phase = BACKFILL_HEADERS;
        backfill->next = backfill->lowest - 1;
        return true;
    }
    if (backfill->lowest == backfill->tip + 1) begin_blocks(backfill);
    return true;
}

/* Keeps what is right of a run, and asks others for the rest. */
static void keep_run(struct backfill *backfill, struct backfill_slot *slot)
{
    const uint64_t height = slot->height;
    const uint32_t got = (uint32_t)(slot->byte_count / BLOCK_HEADER_BYTES), node = slot->node;
    uint32_t right = 0;
    while (right < got && proves(backfill, slot->bytes + (size_t)right * BLOCK_HEADER_BYTES))
        right++;
    if (right > 0) {
        const enum status status =
            backfill->store.keep_headers(backfill->store.context, height, right, slot->bytes);
        if (status != STATUS_OK) {
            fail(backfill, status);
            return;
        }
        backfill->bytes += (uint64_t)right * BLOCK_HEADER_BYTES;
        backfill->missing = 0;
    }
    if (right == slot->count) {
        slot->state = BACKFILL_FREE;
    } else {
        const struct backfill_peer *peer = peer_of(backfill, node);
        want_run(slot, height - right, slot->count - right);
        /* Who gave less has no more of it. */
        slot->lacking = peer == NULL ? 0 : bit_of(backfill, peer);
    }
    if (right < got) drop(backfill, node, "a header is not the one before", height - right);
}

static bool turn_headers(struct backfill *backfill)
{
    bool kept = false;
    for (uint32_t i = 0; i < KEEPS_MAX && backfill->phase == BACKFILL_HEADERS; i++) {
        struct backfill_slot *slot = whole_at(backfill, backfill->lowest - 1);
        if (slot == NULL) break;
        keep_run(backfill, slot);
        kept = true;
        if (backfill->phase == BACKFILL_HEADERS && backfill->lowest == backfill->tip + 1)
            begin_blocks(backfill);
    }
    if (backfill->phase == BACKFILL_HEADERS) fill_runs(backfill);
    return kept;
}

/* ---- Blocks ---- */

static bool turn_blocks(struct backfill *backfill)
{
    bool kept = false;
    for (uint32_t i = 0; i < KEEPS_MAX && backfill->phase == BACKFILL_BLOCKS; i++) {
        struct backfill_slot *slot = whole_at(backfill, backfill->tip + 1);
        if (slot == NULL) break;
        const enum status status = backfill->store.keep_block(
            backfill->store.context, slot->header_bytes, slot->body_here ? slot->bytes : NULL,
            slot->body_here ? slot->byte_count : 0, slot->certificate, slot->certificate_bytes);
        if (status != STATUS_OK) {
            fail(backfill, status);
            return false;
        }
        if (slot->body_here) backfill->bodies_under_way -= slot->header.body_length;
        if (slot->certificate_bytes > 0)
            backfill->certificates++;
        else
            backfill->uncertified++;
        backfill->bytes += slot->byte_count + slot->certificate_bytes;
        backfill->tip = slot->height;
        backfill->missing = 0;
        slot->state = BACKFILL_FREE;
        kept = true;
        if (backfill->tip == backfill->base) backfill->phase = BACKFILL_DONE;
    }
    if (backfill->phase == BACKFILL_BLOCKS) fill_blocks(backfill);
    return kept;
}

/* ---- Answers ---- */

/* What is wrong with a certificate, or NULL; also NULL, and `known` false, when nobody here can tell. */
static const char *certificate_wrong(struct backfill *backfill, const struct backfill_slot *slot,
                                     const uint8_t *bytes, size_t byte_count, bool *known)
{
    struct certificate certificate;
    *known = true;
    if (!certificate_decode(bytes, byte_count, &certificate)) return "a certificate is malformed";
    if (certificate.height != slot->height || certificate.epoch != slot->header.epoch ||
        !hash_equal(certificate.header_hash, block_header_hash(slot->header_bytes)))
        return "a certificate is for another header";
    const struct validator_set *voters =
        backfill->store.voters(backfill->store.context, slot->header.validators_hash);
    *known = voters != NULL;
    if (!*known) return NULL;
    return certificate_fault(&certificate, backfill->chain_id, voters);
}

static void take_certificate(struct backfill *backfill, struct backfill_slot *slot,
                             const struct fetch_piece *piece)
{
    bool known;
    const uint32_t node = slot->node;
    const char *what = piece->byte_count != piece->total
                           ? "a certificate is too long"
                           : certificate_wrong(backfill, slot, piece->bytes, piece->total, &known);
    if (what != NULL) {
        slot->state = BACKFILL_WAITING;
        slot->node = 0;
        drop(backfill, node, what, slot->height);
        return;
    }
    if (known) {
        memcpy(slot->certificate, piece->bytes, piece->total);
        slot->certificate_bytes = piece->total;
    }
    slot->state = BACKFILL_WHOLE;
}

static void take_headers(struct backfill *backfill, struct backfill_slot *slot,
                         const struct fetch_piece *piece)
{
    const uint32_t node = slot->node;
    if (piece->byte_count != piece->total || piece->total > slot->piece_bytes ||
        piece->total % BLOCK_HEADER_BYTES != 0) {
        slot->state = BACKFILL_WAITING;
        slot->node = 0;
        drop(backfill, node, "a run of headers is none", slot->height);
        return;
    }
    memcpy(slot->bytes, piece->bytes, piece->total);
    slot->byte_count = piece->total;
    slot->state = BACKFILL_WHOLE;
}

static void take_body(struct backfill *backfill, struct backfill_slot *slot,
                      const struct fetch_piece *piece)
{
    const uint32_t node = slot->node;
    struct block_fault fault = {.what = "body_length"};
    bool right = piece->total == slot->header.body_length && piece->byte_count == slot->piece_bytes;
    slot->state = BACKFILL_WAITING;
    if (right) {
        memcpy(slot->bytes + slot->offset, piece->bytes, piece->byte_count);
        slot->offset += piece->byte_count;
        if (slot->offset < piece->total) return; /* the next piece, of the same peer */
        right = block_body_check(&slot->header, slot->bytes, slot->offset, &fault);
    }
    slot->node = 0;
    if (!right) {
        slot->offset = 0;
        drop(backfill, node, fault.what, slot->height);
        return;
    }
    slot->byte_count = slot->offset;
    slot->body_here = true;
    want(slot, FETCH_SIGNATURES, 0);
}

static void take(struct backfill *backfill, struct backfill_slot *slot,
                 const struct backfill_peer *peer, const struct fetch_piece *piece)
{
    if (piece->total == 0) {
        slot->lacking |= bit_of(backfill, peer);
        slot->state = BACKFILL_WAITING;
        slot->offset = 0;
        slot->node = 0;
    } else if (piece->object.kind == FETCH_HEADERS) {
        take_headers(backfill, slot, piece);
    } else if (piece->object.kind == FETCH_SIGNATURES) {
        take_certificate(backfill, slot, piece);
    } else {
        take_body(backfill, slot, piece);
    }
}

void backfill_receive(struct backfill *backfill, uint64_t now_ms, uint32_t node,
                      const uint8_t *bytes, size_t byte_count)
{
    struct fetch_piece piece;
    struct backfill_peer *peer = peer_of(backfill, node);
    (void)now_ms;
    if (peer == NULL || peer->dropped || byte_count == 0 || bytes[0] != FETCH_PIECE) return;
    if (!fetch_piece_decode(bytes, byte_count, &piece)) {
        drop(backfill, node, "a piece is malformed", 0);
        return;
    }
    for (uint32_t i = 0; i < BACKFILL_SLOTS; i++) {
        struct backfill_slot *slot = &backfill->slots[i];
        if (slot->state != BACKFILL_ASKED || slot->node != node || slot->offset != piece.offset ||
            !fetch_object_equal(&slot->object, &piece.object))
            continue;
        peer->asked--;
        peer->silent_ms = 0;
        take(backfill, slot, peer, &piece);
        return;
    }
}

bool backfill_turn(struct backfill *backfill, uint64_t now_ms)
{
    bool more = false;
    if (backfill->phase == BACKFILL_LOOKING) return look(backfill);
    if (backfill->phase == BACKFILL_HEADERS) more = turn_headers(backfill);
    if (backfill->phase == BACKFILL_BLOCKS) more |= turn_blocks(backfill);
    if (backfill->phase == BACKFILL_HEADERS || backfill->phase == BACKFILL_BLOCKS)
        ask_all(backfill, now_ms);
    return more;
}

bool backfill_check(const struct backfill *backfill)
{
    if (backfill->phase == BACKFILL_BLOCKS) ASSERT(backfill->tip < backfill->base); /* B1 */
    if (backfill->phase == BACKFILL_HEADERS) ASSERT(backfill->tip + 1 < backfill->lowest);
    for (uint32_t i = 0; i < backfill->peer_count; i++) {
        const struct backfill_peer *peer = &backfill->list[i];
        uint32_t asked = 0, runs = 0;
        for (uint32_t k = 0; k < BACKFILL_SLOTS; k++) {
            const struct backfill_slot *slot = &backfill->slots[k];
            if (slot->node != peer->node) continue;
            asked += slot->state == BACKFILL_ASKED;
            runs += slot->state == BACKFILL_WHOLE && slot->object.kind == FETCH_HEADERS;
        }
        ASSERT(asked == peer->asked);                              /* B2 */
        ASSERT(!peer->dropped || (peer->asked == 0 && runs == 0)); /* B3 */
    }
    return true;
}
