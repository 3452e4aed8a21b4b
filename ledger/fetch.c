#include "ledger/fetch.h"

#include "common/le.h"

#include <string.h>

struct fetch_peer {
    uint32_t node;
    bool up;
    bool dropped;
    bool offered;
    bool spent; /* has no further step of the lineage */
    struct fetch_offer offer;
    uint64_t asked_ms; /* for an offer; 0: not since the link came up */
    uint64_t rest_until_ms;
    uint64_t lacks_height; /* says that it does not have this one */
};

/* The one question at a time of everything before the chunks. */
struct question {
    struct fetch_peer *peer;
    struct fetch_object object;
    uint32_t offset;
    uint64_t asked_ms;
};

struct fetch {
    struct fetch_options options;
    struct validator_set trusted;
    uint32_t quorum;
    enum fetch_phase phase;
    enum status status;
    uint64_t offered_ms; /* when the first offer came; 0: none */
    uint64_t height;     /* of the checkpoint chosen; 0: none */
    struct question question;
    struct lineage lineage;
    struct certificate certificate;
    uint8_t certificate_bytes[CERTIFICATE_BYTES_MAX], signatures[CERTIFICATE_BYTES_MAX];
    uint32_t certificate_count, signature_count;
    uint8_t *manifest_bytes;
    uint32_t manifest_count;
    hash_t *hashes;
    struct checkpoint_manifest manifest;
    bool begun; /* the store has it */
    struct fetch_chunks chunks;
    uint32_t peer_count;
    struct fetch_peer peers[NODE_SET_LIMIT];
};

size_t fetch_memory(void)
{
    return sizeof(struct fetch) + CHECKPOINT_MANIFEST_BYTES_MAX +
           CHECKPOINT_CHUNKS_MAX * HASH_BYTES + FETCH_CHUNKS_MEMORY + 4096;
}

struct fetch *fetch_new(struct arena *arena, const struct fetch_options *options)
{
    struct fetch *fetch = arena_take(arena, sizeof(*fetch));
    if (fetch == NULL) return NULL;
    fetch->options = *options;
    fetch->trusted = *options->trusted;
    fetch->options.trusted = &fetch->trusted;
    fetch->manifest_bytes = arena_take(arena, CHECKPOINT_MANIFEST_BYTES_MAX);
    fetch->hashes = arena_take_array(arena, CHECKPOINT_CHUNKS_MAX, sizeof(hash_t));
    if (fetch->manifest_bytes == NULL || fetch->hashes == NULL ||
        !fetch_chunks_init(&fetch->chunks, arena, options->peers, options->store))
        return NULL;
    struct validator_set voters;
    node_set_voters(options->nodes, &voters);
    fetch->quorum = validator_set_quorum(&voters);
    fetch_nodes(fetch, options->nodes);
    fetch->options.nodes = NULL;
    lineage_begin(&fetch->lineage, options->chain_id, &fetch->trusted, options->trusted_height);
    return fetch;
}

/* ---- Peers ---- */

static struct fetch_peer *peer_of(struct fetch *fetch, uint32_t node)
{
    for (uint32_t i = 0; i < fetch->peer_count; i++)
        if (fetch->peers[i].node == node) return &fetch->peers[i];
    return NULL;
}

void fetch_nodes(struct fetch *fetch, const struct node_set *nodes)
{
    for (uint32_t i = 0; i < nodes->count; i++) {
        const uint32_t node = nodes->members[i].node;
        if (node == fetch->options.node || peer_of(fetch, node) != NULL) continue;
        if (fetch->peer_count == NODE_SET_LIMIT) return;
        fetch->peers[fetch->peer_count++] = (struct fetch_peer){.node = node};
    }
}

static bool send_to(struct fetch *fetch, uint32_t node, const uint8_t *bytes, size_t byte_count)
{
    const struct peers_piece piece = {bytes, byte_count};
    return fetch->options.peers.send(fetch->options.peers.context, node, &piece, 1);
}

static bool may_be_asked(const struct fetch_peer *peer, uint64_t now_ms)
{
    return peer->up && !peer->dropped && peer->offered && now_ms >= peer->rest_until_ms;
}

static void choose_again(struct fetch *fetch)
{
    fetch->phase = FETCH_ASKING;
    fetch->question.peer = NULL;
}

static void fail(struct fetch *fetch, enum status status)
{
    fetch->phase = FETCH_FAILED;
    fetch->status = status;
}

/* Named once and for all. */
static void drop(struct fetch *fetch, struct fetch_peer *peer, const char *what, uint32_t chunk)
{
    if (peer->dropped) return;
    peer->dropped = true;
    fetch_chunks_close(&fetch->chunks, peer->node);
    fetch->options.hooks.blame(fetch->options.hooks.context, peer->node, what, fetch->height,
                               chunk);
    if (fetch->question.peer == peer) choose_again(fetch);
}

/* It is gone, silent or has nothing: others first. */
static void rest(struct fetch *fetch, struct fetch_peer *peer, uint64_t now_ms)
{
    peer->rest_until_ms = now_ms + FETCH_REST_MS;
    if (fetch->question.peer == peer) choose_again(fetch);
}

void fetch_link(struct fetch *fetch, uint64_t now_ms, uint32_t node, bool up)
{
    struct fetch_peer *peer = peer_of(fetch, node);
    (void)now_ms;
    if (peer == NULL) return;
    /* On a new link nothing is under way any more, and the peer may be another than it was. */
    peer->up = up;
    peer->asked_ms = 0;
    peer->rest_until_ms = 0;
    peer->lacks_height = 0;
    fetch_chunks_close(&fetch->chunks, node);
    if (fetch->question.peer == peer) choose_again(fetch);
}

static void ask_for_offers(struct fetch *fetch, uint64_t now_ms)
{
    const uint64_t again_ms =
        fetch->phase == FETCH_ASKING ? FETCH_ASK_AGAIN_MS : 5 * FETCH_ASK_AGAIN_MS;
    for (uint32_t i = 0; i < fetch->peer_count; i++) {
        struct fetch_peer *peer = &fetch->peers[i];
        if (!peer->up || peer->dropped) continue;
        if (peer->asked_ms != 0 && now_ms < peer->asked_ms + again_ms) continue;
        uint8_t bytes[FETCH_SHORT_BYTES];
        if (send_to(fetch, peer->node, bytes, fetch_what_encode(bytes)))
            peer->asked_ms = now_ms > 0 ? now_ms : 1;
    }
}

static void take_offer(struct fetch *fetch, uint64_t now_ms, struct fetch_peer *peer,
                       const struct fetch_offer *offer)
{
    if (!peer->offered || offer->lineage_height > peer->offer.lineage_height) peer->spent = false;
    peer->offer = *offer;
    peer->offered = true;
    if (fetch->offered_ms == 0) fetch->offered_ms = now_ms > 0 ? now_ms : 1;
}

/* ---- Choosing ---- */

/* The highest checkpoint that somebody who may be asked now offers; 0: none. */
static uint64_t highest_offered(const struct fetch *fetch, uint64_t now_ms)
{
    uint64_t highest = 0;
    for (uint32_t i = 0; i < fetch->peer_count; i++) {
        const struct fetch_peer *peer = &fetch->peers[i];
        const uint64_t height = peer->offer.checkpoint_height;
        if (!may_be_asked(peer, now_ms) || height == peer->lacks_height) continue;
        if (height > highest) highest = height;
    }
    return highest;
}

static bool all_have_answered(const struct fetch *fetch)
{
    for (uint32_t i = 0; i < fetch->peer_count; i++)
        if (!fetch->peers[i].offered && !fetch->peers[i].dropped) return false;
    return true;
}

static bool all_are_dropped(const struct fetch *fetch)
{
    for (uint32_t i = 0; i < fetch->peer_count; i++)
        if (!fetch->peers[i].dropped) return false;
    return fetch->peer_count > 0;
}

/* Whether enough have said that there is none, be they still there or gone to work, and nobody who is there says
 * that there is one. */
static bool there_is_none(const struct fetch *fetch, bool waited)
{
    uint32_t without = 0;
    for (uint32_t i = 0; i < fetch->peer_count; i++) {
        const struct fetch_peer *peer = &fetch->peers[i];
        if (peer->dropped || !peer->offered) continue;
        if (peer->offer.checkpoint_height == 0)
            without++;
        else if (peer->up)
            return false;
    }
    return without == fetch->peer_count || (waited && without + 1 >= fetch->quorum);
}

static bool ask(struct fetch *fetch, uint64_t now_ms, struct fetch_peer *peer,
                struct fetch_object object, uint32_t offset)
{
    const struct fetch_ask question = {object, offset, FETCH_PIECE_BYTES};
    uint8_t bytes[FETCH_ASK_BYTES];
    if (!send_to(fetch, peer->node, bytes, fetch_ask_encode(&question, bytes))) {
        peer->rest_until_ms = now_ms + FETCH_REST_MS;
        choose_again(fetch);
        return false;
    }
    fetch->question = (struct question){peer, object, offset, now_ms};
    return true;
}

/* Who can lead us on: of those that claim steps we have not seen, the one that claims most. */
static struct fetch_peer *next_leader(struct fetch *fetch, uint64_t now_ms)
{
    struct fetch_peer *best = NULL;
    for (uint32_t i = 0; i < fetch->peer_count; i++) {
        struct fetch_peer *peer = &fetch->peers[i];
        if (!may_be_asked(peer, now_ms) || peer->spent) continue;
        if (peer->offer.lineage_height <= fetch->lineage.height) continue;
        if (best == NULL || peer->offer.lineage_height > best->offer.lineage_height) best = peer;
    }
    return best;
}

static struct fetch_peer *next_witness(struct fetch *fetch, uint64_t now_ms)
{
    for (uint32_t i = 0; i < fetch->peer_count; i++) {
        struct fetch_peer *peer = &fetch->peers[i];
        if (may_be_asked(peer, now_ms) && peer->offer.checkpoint_height == fetch->height &&
            peer->lacks_height != fetch->height)
            return peer;
    }
    return NULL;
}

static void ask_for_certificate(struct fetch *fetch, uint64_t now_ms)
{
    struct fetch_peer *peer = next_witness(fetch, now_ms);
    choose_again(fetch);
    if (peer == NULL) return;
    const struct fetch_object object = {FETCH_CERTIFICATE, 0, fetch->height};
    if (ask(fetch, now_ms, peer, object, 0)) fetch->phase = FETCH_CERTIFYING;
}

/* The next steps of the lineage from whoever has some; then the certificate. All peers that claim more are asked,
 * so that nobody leads us to validators that have long been others. */
static void follow_on(struct fetch *fetch, uint64_t now_ms)
{
    struct fetch_peer *peer = next_leader(fetch, now_ms);
    if (peer == NULL) {
        ask_for_certificate(fetch, now_ms);
        return;
    }
    const struct fetch_object object = {FETCH_LINEAGE, 0, fetch->lineage.height};
    if (ask(fetch, now_ms, peer, object, 0)) fetch->phase = FETCH_FOLLOWING;
}

static void choose(struct fetch *fetch, uint64_t now_ms)
{
    const bool waited = fetch->offered_ms != 0 && now_ms >= fetch->offered_ms + FETCH_GRACE_MS;
    const uint64_t height = highest_offered(fetch, now_ms);
    if (all_are_dropped(fetch)) {
        fail(fetch, STATUS_MISMATCH);
        return;
    }
    if (height == 0 && there_is_none(fetch, waited)) fetch->phase = FETCH_NOTHING;
    if (height == 0 || (!waited && !all_have_answered(fetch))) return;
    if (fetch->begun) fetch->options.store.leave(fetch->options.store.context);
    fetch->begun = false;
    fetch->height = height;
    if (fetch->lineage.height >= height) {
        lineage_begin(&fetch->lineage, fetch->options.chain_id, &fetch->trusted,
                      fetch->options.trusted_height);
        for (uint32_t i = 0; i < fetch->peer_count; i++)
            fetch->peers[i].spent = false;
    }
    follow_on(fetch, now_ms);
}

/* ---- Answers before the chunks ---- */

/* Follows the steps of one answer, up to the checkpoint's height. */
static void take_lineage(struct fetch *fetch, uint64_t now_ms, const struct fetch_piece *piece)
{
    struct fetch_peer *peer = fetch->question.peer;
    const uint64_t before = fetch->lineage.height;
    struct lineage_step step;
    uint32_t offset = 0;
    bool beyond = false;
    while (offset < piece->byte_count && !beyond) {
        const size_t length =
            lineage_step_decode(piece->bytes + offset, piece->byte_count - offset, &step);
        if (length == 0) {
            drop(fetch, peer, "its lineage is no lineage", 0);
            return;
        }
        offset += (uint32_t)length;
        beyond = step.height >= fetch->height;
        if (beyond) break;
        const enum lineage_answer answer = lineage_follow(&fetch->lineage, &step);
        if (answer == LINEAGE_FALSE) {
            drop(fetch, peer, "a step of its lineage is not signed over", 0);
            return;
        }
        if (answer == LINEAGE_GAP) break;
        if (answer == LINEAGE_FOLLOWED)
            fetch->options.hooks.proved(fetch->options.hooks.context, &step);
    }
    if (beyond || fetch->lineage.height == before) peer->spent = true;
    follow_on(fetch, now_ms);
}

static void take_certificate(struct fetch *fetch, uint64_t now_ms, const struct fetch_piece *piece)
{
    struct fetch_peer *peer = fetch->question.peer;
    if (piece->byte_count != piece->total ||
        !certificate_decode(piece->bytes, piece->byte_count, &fetch->certificate)) {
        drop(fetch, peer, "its certificate is none", 0);
        return;
    }
    memcpy(fetch->certificate_bytes, piece->bytes, piece->byte_count);
    fetch->certificate_count = piece->byte_count;
    fetch->manifest_count = 0;
    const struct fetch_object object = {FETCH_MANIFEST, 0, fetch->height};
    if (ask(fetch, now_ms, peer, object, 0)) fetch->phase = FETCH_PROVING;
}

static void take_manifest(struct fetch *fetch, uint64_t now_ms, const struct fetch_piece *piece)
{
    struct fetch_peer *peer = fetch->question.peer;
    const uint32_t left = piece->total - piece->offset;
    if (piece->total > CHECKPOINT_MANIFEST_BYTES_MAX ||
        piece->byte_count != (left < FETCH_PIECE_BYTES ? left : FETCH_PIECE_BYTES)) {
        drop(fetch, peer, "its manifest has no manifest's length", 0);
        return;
    }
    memcpy(fetch->manifest_bytes + piece->offset, piece->bytes, piece->byte_count);
    fetch->manifest_count = piece->offset + piece->byte_count;
    struct fetch_object object = piece->object;
    if (fetch->manifest_count < piece->total) {
        (void)!ask(fetch, now_ms, peer, object, fetch->manifest_count);
        return;
    }
    const char *fault = "its manifest is none";
    if (checkpoint_manifest_decode(fetch->manifest_bytes, fetch->manifest_count, &fetch->manifest,
                                   fetch->hashes) &&
        fetch->manifest.height == fetch->height)
        fault = checkpoint_fault(&fetch->manifest, fetch->manifest_bytes, fetch->manifest_count,
                                 &fetch->certificate, fetch->options.chain_id, &fetch->lineage.set);
    if (fault != NULL) {
        drop(fetch, peer, fault, 0);
        return;
    }
    object.kind = FETCH_SIGNATURES;
    if (ask(fetch, now_ms, peer, object, 0)) fetch->phase = FETCH_SIGNING;
}

/* Everything is proved. */
static void begin_chunks(struct fetch *fetch)
{
    const struct checkpoint_proof proof = {.height = fetch->height,
                                           .manifest = fetch->manifest_bytes,
                                           .manifest_bytes = fetch->manifest_count,
                                           .certificate = fetch->certificate_bytes,
                                           .certificate_bytes = fetch->certificate_count,
                                           .signatures = fetch->signatures,
                                           .signature_bytes = fetch->signature_count};
    fetch->question.peer = NULL;
    const enum status status = fetch->options.store.begin(fetch->options.store.context, &proof);
    if (status != STATUS_OK) {
        fail(fetch, status);
        return;
    }
    fetch->begun = true;
    fetch_chunks_begin(&fetch->chunks, &fetch->manifest);
    fetch->phase = FETCH_LOOKING;
}

/* The block's own certificate, if it has one: not every block does. */
static void take_signatures(struct fetch *fetch, const struct fetch_piece *piece)
{
    struct certificate certificate;
    fetch->signature_count = 0;
    if (piece->total == piece->byte_count && piece->total > 0 &&
        certificate_decode(piece->bytes, piece->byte_count, &certificate) &&
        certificate.height == fetch->height && certificate.epoch == fetch->manifest.epoch &&
        hash_equal(certificate.header_hash, block_header_hash(fetch->manifest.header)) &&
        certificate_fault(&certificate, fetch->options.chain_id, &fetch->lineage.set) == NULL) {
        memcpy(fetch->signatures, piece->bytes, piece->byte_count);
        fetch->signature_count = piece->byte_count;
    }
    begin_chunks(fetch);
}

static void take_answer(struct fetch *fetch, uint64_t now_ms, const struct fetch_piece *piece)
{
    struct fetch_peer *peer = fetch->question.peer;
    if (piece->total == 0 && fetch->phase == FETCH_FOLLOWING) {
        peer->spent = true;
        follow_on(fetch, now_ms);
    } else if (piece->total == 0 && fetch->phase != FETCH_SIGNING) {
        peer->lacks_height = fetch->height;
        choose_again(fetch);
    } else if (fetch->phase == FETCH_FOLLOWING) {
        take_lineage(fetch, now_ms, piece);
    } else if (fetch->phase == FETCH_CERTIFYING) {
        take_certificate(fetch, now_ms, piece);
    } else if (fetch->phase == FETCH_PROVING) {
        take_manifest(fetch, now_ms, piece);
    } else if (fetch->phase == FETCH_SIGNING) {
        take_signatures(fetch, piece);
    }
}

/* ---- Chunks ---- */

static void open_lanes(struct fetch *fetch, uint64_t now_ms)
{
    for (uint32_t i = 0; i < fetch->peer_count; i++) {
        const struct fetch_peer *peer = &fetch->peers[i];
        if (may_be_asked(peer, now_ms) && peer->offer.checkpoint_height >= fetch->height &&
            peer->lacks_height != fetch->height)
            fetch_chunks_open(&fetch->chunks, peer->node);
    }
}

/* Nobody has this one any more, and somebody a newer one; or nobody is left to be asked. */
static void look_further(struct fetch *fetch, uint64_t now_ms)
{
    for (uint32_t i = 0; i < fetch->chunks.lane_count; i++)
        if (fetch->chunks.lanes[i].open) return;
    if (all_are_dropped(fetch) || highest_offered(fetch, now_ms) > fetch->height)
        choose_again(fetch);
}

static bool turn_chunks(struct fetch *fetch, uint64_t now_ms)
{
    open_lanes(fetch, now_ms);
    while (fetch_chunks_silent(&fetch->chunks, now_ms) != 0) {
    }
    if (fetch_chunks_whole(&fetch->chunks)) {
        const enum status status = fetch->options.store.finish(fetch->options.store.context);
        fetch->phase = FETCH_DONE;
        if (status != STATUS_OK) fail(fetch, status);
        return false;
    }
    fetch_chunks_ask(&fetch->chunks, now_ms);
    look_further(fetch, now_ms);
    INVARIANT(fetch_check(fetch));
    return false;
}

static void take_chunk_piece(struct fetch *fetch, uint64_t now_ms, struct fetch_peer *peer,
                             const struct fetch_piece *piece)
{
    enum status failure = STATUS_OK;
    switch (fetch_chunks_take(&fetch->chunks, now_ms, peer->node, piece, &failure)) {
    case FETCH_TOOK_WRONG:
        drop(fetch, peer, "a chunk is not what was signed", piece->object.part);
        break;
    case FETCH_TOOK_NONE:
        peer->lacks_height = fetch->height;
        break;
    case FETCH_TOOK_FAILED:
        fail(fetch, failure);
        break;
    default:
        break;
    }
}

/* ---- All together ---- */

void fetch_receive(struct fetch *fetch, uint64_t now_ms, uint32_t node, const uint8_t *bytes,
                   size_t byte_count)
{
    struct fetch_peer *peer = peer_of(fetch, node);
    struct fetch_offer offer;
    struct fetch_piece piece;
    if (peer == NULL || peer->dropped || !peer->up || fetch->phase >= FETCH_DONE) return;
    if (fetch_offer_decode(bytes, byte_count, &offer)) {
        take_offer(fetch, now_ms, peer, &offer);
        return;
    }
    if (!fetch_piece_decode(bytes, byte_count, &piece)) return;
    if (fetch->phase == FETCH_CHUNKS) {
        if (piece.object.kind == FETCH_CHUNK && piece.object.height == fetch->height)
            take_chunk_piece(fetch, now_ms, peer, &piece);
        return;
    }
    const struct question *question = &fetch->question;
    if (question->peer == peer && question->offset == piece.offset &&
        fetch_object_equal(&question->object, &piece.object))
        take_answer(fetch, now_ms, &piece);
}

bool fetch_turn(struct fetch *fetch, uint64_t now_ms)
{
    if (fetch->phase >= FETCH_DONE) return false;
    ask_for_offers(fetch, now_ms);
    bool seen = false;
    enum status status;
    switch (fetch->phase) {
    case FETCH_ASKING:
        choose(fetch, now_ms);
        return false;
    case FETCH_LOOKING:
        status = fetch_chunks_look(&fetch->chunks, &seen);
        if (status != STATUS_OK) fail(fetch, status);
        if (seen) fetch->phase = FETCH_CHUNKS;
        return status == STATUS_OK;
    case FETCH_CHUNKS:
        return turn_chunks(fetch, now_ms);
    default:
        if (now_ms >= fetch->question.asked_ms + FETCH_SILENT_MS)
            rest(fetch, fetch->question.peer, now_ms);
        return false;
    }
}

struct fetch_facts fetch_facts(const struct fetch *fetch)
{
    struct fetch_facts facts = {
        .phase = fetch->phase, .status = fetch->status, .height = fetch->height};
    for (uint32_t i = 0; i < fetch->peer_count; i++) {
        facts.answered += fetch->peers[i].offered;
        facts.dropped += fetch->peers[i].dropped;
        facts.senders += fetch_bytes_of(fetch, fetch->peers[i].node) > 0;
    }
    if (!fetch->begun) return facts;
    facts.bytes = fetch_chunks_bytes(&fetch->chunks);
    facts.total_bytes = fetch->chunks.total_bytes;
    return facts;
}

uint64_t fetch_bytes_of(const struct fetch *fetch, uint32_t node)
{
    for (uint32_t i = 0; i < fetch->chunks.lane_count; i++)
        if (fetch->chunks.lanes[i].node == node) return fetch->chunks.lanes[i].bytes;
    return 0;
}

const struct fetch_offer *fetch_offer_of(const struct fetch *fetch, uint32_t node)
{
    for (uint32_t i = 0; i < fetch->peer_count; i++)
        if (fetch->peers[i].node == node && fetch->peers[i].offered) return &fetch->peers[i].offer;
    return NULL;
}

bool fetch_check(const struct fetch *fetch)
{
    for (uint32_t i = 0; i < fetch->chunks.lane_count; i++) {
        const struct fetch_lane *lane = &fetch->chunks.lanes[i];
        for (uint32_t j = 0; j < fetch->peer_count; j++)
            ASSERT(!lane->open || fetch->peers[j].node != lane->node || !fetch->peers[j].dropped);
    }
    return !fetch->begun || fetch_chunks_check(&fetch->chunks);
}
