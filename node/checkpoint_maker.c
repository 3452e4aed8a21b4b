#include "node/checkpoint_maker.h"

#include "common/le.h"
#include "common/log.h"
#include "engine/image.h"
#include "engine/snapshot.h"
#include "gateway/restore.h"
#include "ledger/certificate.h"
#include "ledger/checkpoint.h"
#include "ledger/replica_mark.h"
#include "ledger/root_vote.h"
#include "node/chain_section.h"
#include "node/liabilities_maker.h"
#include "settlement/image.h"
#include "settlement/proof_shelf.h"
#include "settlement/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define REST_MS 200 /* how long a stop or a lost vote may go unnoticed */
#define VOTE_AGAIN_NS \
    UINT64_C(5000000000) /* a vote that no certificate followed is proposed again */
#define CERTIFY_NS \
    UINT64_C(10000000000) /* for so long liabilities wait for the checkpoint to be certified */
#define NICENESS 10       /* matching comes first where cores are few */

/* Who has done what for the checkpoint in hand. Each bit is set with release by its thread, and read with
 * acquire by the maker: what that thread has written before is there. */
enum { ENGINE_DONE = 1, ANCHOR_DONE = 2, GATEWAY_DONE = 4 };

struct bytes {
    uint8_t *at;
    size_t count, room;
    bool failed; /* there was no memory for all of it */
};

struct checkpoint_maker {
    struct maker_options options;
    struct freeze engine_freeze, settlement_freeze;

    /* The maker opens; the engine takes by storing a height. */
    _Atomic uint32_t open;
    _Atomic uint64_t height; /* in hand; 0: none */
    _Atomic uint32_t done;
    uint8_t digest[DIGEST_SNAPSHOT_BYTES_MAX]; /* the anchor's until ANCHOR_DONE */
    size_t digest_bytes;
    uint8_t header[BLOCK_HEADER_BYTES];
    uint64_t epoch;
    bool liabilities;     /* are due; likewise */
    struct bytes markets; /* the gateway's until GATEWAY_DONE */

    uint8_t mark[REPLICA_MARK_BYTES_MAX]; /* of the newest SEAL that the log told of */
    size_t mark_bytes;

    /* Made last, waiting for its certificate. */
    struct vote_command vote;
    uint64_t made_index;
    uint64_t proposed_ns;
    bool waits;

    /* The newest certificate; it may come before this node has made its own. */
    uint64_t certified;
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;
};

/* ---- What the other threads do ---- */

static bool in_hand(struct checkpoint_maker *maker, uint64_t height)
{
    /* acquire: the engine's store comes before anyone else hears of this height. */
    return atomic_load_explicit(&maker->height, memory_order_acquire) == height;
}

static void done(struct checkpoint_maker *maker, uint32_t bit)
{
    atomic_fetch_or_explicit(&maker->done, bit, memory_order_release);
    park_wake(maker->options.park);
}

void maker_engine(struct checkpoint_maker *maker, uint64_t height)
{
    /* acquire: the maker has cleared what the last one left. */
    if (atomic_load_explicit(&maker->open, memory_order_acquire) == 0) return;
    if (!freeze_begin(&maker->engine_freeze)) return;
    atomic_store_explicit(&maker->height, height, memory_order_release);
    /* release: whoever sees that it is not open any more sees of which height it is. */
    atomic_store_explicit(&maker->open, 0, memory_order_release);
    done(maker, ENGINE_DONE);
}

void maker_anchor(struct checkpoint_maker *maker, uint64_t height, const struct digest *digest,
                  const uint8_t *header, bool liabilities)
{
    struct block_header decoded;
    if (!in_hand(maker, height)) return;
    /* A range that cannot be frozen now cannot be imaged: the maker sees that and gives this one up. */
    maker->digest_bytes =
        freeze_begin(&maker->settlement_freeze) ? digest_snapshot_put(digest, maker->digest) : 0;
    memcpy(maker->header, header, BLOCK_HEADER_BYTES);
    const bool whole = block_header_decode(header, &decoded);
    ASSERT(whole && decoded.height == height);
    maker->epoch = decoded.epoch;
    maker->liabilities = liabilities;
    done(maker, ANCHOR_DONE);
}

static bool bytes_take(void *context, const uint8_t *bytes, size_t byte_count)
{
    struct bytes *all = context;
    if (byte_count > all->room - all->count) {
        size_t room = all->room == 0 ? 1u << 20 : all->room;
        while (byte_count > room - all->count)
            room *= 2;
        uint8_t *grown = realloc(all->at, room);
        if (grown == NULL) return false;
        all->at = grown;
        all->room = room;
    }
    memcpy(all->at + all->count, bytes, byte_count);
    all->count += byte_count;
    return true;
}

void maker_gateway(struct checkpoint_maker *maker, uint64_t height, const struct restore *views)
{
    if (!in_hand(maker, height)) return;
    const struct restore_sink sink = {.take = bytes_take, .context = &maker->markets};
    maker->markets.count = 0;
    maker->markets.failed = !restore_save(views, &sink);
    done(maker, GATEWAY_DONE);
}

/* ---- Making one ---- */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool is_stopping(const struct checkpoint_maker *maker)
{
    return atomic_load_explicit(&maker->options.progress->stopping, memory_order_acquire) != 0;
}

/* False: the node stops first. */
static bool await(struct checkpoint_maker *maker, uint32_t bit)
{
    /* acquire: pairs with done(). */
    while ((atomic_load_explicit(&maker->done, memory_order_acquire) & bit) == 0) {
        if (is_stopping(maker)) return false;
        park_sleep(maker->options.park, REST_MS);
    }
    return true;
}

static bool writer_take(void *context, const uint8_t *bytes, size_t byte_count)
{
    return checkpoint_writer_put(context, bytes, byte_count) == STATUS_OK;
}

/* Scratch as the snapshot of what is in the image needs it. */
static enum status with_scratch(size_t byte_count, struct arena *scratch)
{
    if (arena_map(scratch, byte_count + 4096)) return STATUS_OK;
    log_error("node", "no memory for a checkpoint", "bytes=%zu", byte_count);
    return STATUS_NO_MEMORY;
}

static enum status write_engine(struct checkpoint_maker *maker, struct checkpoint_writer *writer)
{
    const struct maker_options *options = &maker->options;
    const struct snapshot_sink sink = {.take = writer_take, .context = writer};
    struct arena image, scratch;
    enum status status = with_scratch(image_bytes(), &image);
    if (status != STATUS_OK) return status;
    const struct engine *engine = image_engine(&image, freeze_image(&maker->engine_freeze),
                                               options->engine_arena->bytes, options->engine);
    ASSERT(engine != NULL);
    status = with_scratch(snapshot_scratch_bytes(engine), &scratch);
    if (status == STATUS_OK) {
        checkpoint_writer_section(writer, CHECKPOINT_ENGINE);
        status = snapshot_write(engine, options->genesis, &scratch, &sink);
        arena_unmap(&scratch);
    }
    arena_unmap(&image);
    return status;
}

static enum status write_settlement(struct checkpoint_maker *maker,
                                    struct checkpoint_writer *writer)
{
    const struct maker_options *options = &maker->options;
    const struct snapshot_sink sink = {.take = writer_take, .context = writer};
    struct arena image, scratch;
    enum status status = with_scratch(image_settlement_bytes(), &image);
    if (status != STATUS_OK) return status;
    const struct settlement *settlement =
        image_settlement(&image, freeze_image(&maker->settlement_freeze),
                         options->settlement_arena->bytes, options->settlement);
    ASSERT(settlement != NULL);
    status = with_scratch(settlement_snapshot_scratch_bytes(settlement), &scratch);
    if (status == STATUS_OK) {
        checkpoint_writer_section(writer, CHECKPOINT_SETTLEMENT);
        status = settlement_snapshot_write(settlement, options->genesis, &scratch, &sink);
        if (status == STATUS_OK && options->shelf != NULL)
            status = proof_shelf_write(options->shelf, settlement);
        arena_unmap(&scratch);
    }
    arena_unmap(&image);
    return status;
}

/* The mark of `height`: the log delivers a SEAL before anyone else sees it. Older ones are of checkpoints that
 * were left out. */
static void take_mark(struct checkpoint_maker *maker, uint64_t height, struct replica_mark *mark)
{
    struct ring *ring = maker->options.marks;
    bool found = false;
    const uint8_t *record;
    for (size_t byte_count; !found && (record = ring_peek(ring, &byte_count)) != NULL;
         ring_pop(ring)) {
        ASSERT(byte_count <= sizeof(maker->mark));
        memcpy(maker->mark, record, byte_count);
        maker->mark_bytes = byte_count;
        const bool whole = replica_mark_get(maker->mark, byte_count, mark);
        ASSERT(whole && mark->height <= height);
        found = mark->height == height;
    }
    ring_release(ring);
    ASSERT(found);
}

static enum status write_chain(struct checkpoint_maker *maker, struct checkpoint_writer *writer)
{
    uint8_t *bytes = malloc(CHAIN_SECTION_BYTES_MAX);
    if (bytes == NULL) return STATUS_NO_MEMORY;
    const size_t byte_count = chain_section_put(maker->digest, maker->digest_bytes, maker->mark,
                                                maker->mark_bytes, bytes);
    checkpoint_writer_section(writer, CHECKPOINT_CHAIN);
    const enum status status = checkpoint_writer_put(writer, bytes, byte_count);
    free(bytes);
    return status;
}

static enum status write_markets(struct checkpoint_maker *maker, struct checkpoint_writer *writer)
{
    if (maker->markets.failed) return STATUS_NO_MEMORY;
    checkpoint_writer_section(writer, CHECKPOINT_MARKETS);
    return checkpoint_writer_put(writer, maker->markets.at, maker->markets.count);
}

static enum status write_sections(struct checkpoint_maker *maker, struct checkpoint_writer *writer)
{
    enum status status = write_engine(maker, writer);
    freeze_end(&maker->engine_freeze);
    if (status == STATUS_OK) status = write_settlement(maker, writer);
    freeze_end(&maker->settlement_freeze);
    if (status == STATUS_OK && !await(maker, GATEWAY_DONE)) status = STATUS_STOPPING;
    if (status == STATUS_OK) status = write_chain(maker, writer);
    if (status == STATUS_OK) status = write_markets(maker, writer);
    return status;
}

static enum status write_checkpoint(struct checkpoint_maker *maker, uint64_t height, hash_t *root)
{
    const hash_t chain_id = genesis_chain_id(maker->options.genesis);
    struct checkpoint_writer *writer;
    enum status status = checkpoint_writer_open(maker->options.directory, height, &writer);
    if (status != STATUS_OK) {
        freeze_end(&maker->engine_freeze);
        freeze_end(&maker->settlement_freeze);
        return status;
    }
    status = write_sections(maker, writer);
    if (status == STATUS_OK)
        status = checkpoint_writer_finish(writer, maker->epoch, chain_id, maker->header, root);
    checkpoint_writer_close(writer);
    return status;
}

/* Lost when the ring is full or the leader dies with it: it is proposed again. */
static void propose_vote(struct checkpoint_maker *maker)
{
    struct ring *ring = maker->options.votes;
    uint8_t *at = ring_reserve(ring, ROOT_VOTE_BYTES);
    maker->proposed_ns = now_ns();
    if (at == NULL) return;
    root_vote_put(at, CERTIFICATE_OF_CHECKPOINT, &maker->vote);
    ring_commit(ring, ROOT_VOTE_BYTES);
    if (ring_publish(ring)) park_wake(maker->options.consensus_park);
}

/* Whether to vote for what waits now: not before its block is certified. Whoever starts from a certified checkpoint takes
 * its block for certified, and a chain that is stuck may be cut below it (docs/trust.md). */
static bool votes(const struct checkpoint_maker *maker)
{
    const struct progress *progress = maker->options.progress;
    return atomic_load_explicit(&progress->role, memory_order_relaxed) == NODE_VOTER &&
           atomic_load_explicit(&progress->halted, memory_order_acquire) == 0 &&
           atomic_load_explicit(&progress->certified_height, memory_order_acquire) >=
               maker->vote.height;
}

/* Copies what engine and anchor have frozen, as soon as it is. */
static enum status make(struct checkpoint_maker *maker)
{
    const struct maker_options *options = &maker->options;
    const uint64_t height = atomic_load_explicit(&maker->height, memory_order_acquire);
    freeze_copy_all(&maker->engine_freeze);
    if (!await(maker, ANCHOR_DONE)) {
        freeze_end(&maker->engine_freeze);
        return STATUS_STOPPING;
    }
    if (maker->digest_bytes == 0) { /* settlement could not be frozen */
        freeze_end(&maker->engine_freeze);
        return await(maker, GATEWAY_DONE) ? STATUS_OK : STATUS_STOPPING;
    }
    freeze_copy_all(&maker->settlement_freeze);
    struct replica_mark mark;
    take_mark(maker, height, &mark);

    hash_t root;
    const enum status status = write_checkpoint(maker, height, &root);
    if (status != STATUS_OK) return status;
    log_info("node", "checkpoint made", "height=%" PRIu64 " index=%" PRIu64, height,
             mark.base.index);
    certificate_statement_sign(CERTIFICATE_OF_CHECKPOINT, options->secret_key,
                               genesis_chain_id(options->genesis), maker->epoch, height, root,
                               options->node, &maker->vote);
    maker->made_index = mark.base.index;
    maker->waits = true;
    maker->proposed_ns = 0;
    if (votes(maker)) propose_vote(maker);
    return STATUS_OK;
}

/* ---- Its certificate ---- */

static void halt(struct checkpoint_maker *maker, uint64_t height, hash_t ours, hash_t theirs)
{
    char ours_text[2 * HASH_BYTES + 1], theirs_text[2 * HASH_BYTES + 1];
    hash_hex(ours.bytes, HASH_BYTES, ours_text);
    hash_hex(theirs.bytes, HASH_BYTES, theirs_text);
    log_error("node", "halted",
              "reason=\"the checkpoint differs from the certified one\" height=%" PRIu64
              " ours=%s theirs=%s",
              height, ours_text, theirs_text);
    /* release: as the anchor's. */
    atomic_store_explicit(&maker->options.progress->halted, 1, memory_order_release);
}

/* Puts the certificate beside the checkpoint when both are there. */
static enum status certify(struct checkpoint_maker *maker)
{
    const struct maker_options *options = &maker->options;
    struct certificate certificate;
    if (!maker->waits || maker->certified != maker->vote.height) return STATUS_OK;
    const bool whole =
        certificate_decode(maker->certificate, maker->certificate_bytes, &certificate);
    ASSERT(whole);
    maker->waits = false;
    const hash_t ours = root_vote_root(&maker->vote);
    if (!hash_equal(ours, certificate.header_hash)) {
        halt(maker, certificate.height, ours, certificate.header_hash);
        return STATUS_OK;
    }
    enum status status = checkpoint_certify(options->directory, certificate.height,
                                            maker->certificate, maker->certificate_bytes);
    if (status == STATUS_OK) status = checkpoint_prune(options->directory, options->kept);
    if (status != STATUS_OK) return status;
    log_info("node", "checkpoint certified", "height=%" PRIu64 " votes=%" PRIu32,
             certificate.height, certificate.vote_count);
    atomic_store_explicit(&options->progress->checkpoint_height, certificate.height,
                          memory_order_relaxed);
    /* release: the checkpoint is on disk. Pairs with the acquire of the consensus loop, which may now give
     * back the log below. */
    atomic_store_explicit(&options->progress->forget_index, maker->made_index,
                          memory_order_release);
    park_wake(options->consensus_park);
    return STATUS_OK;
}

/* Each as it comes: one may be of this node's own when the next ones wait already. */
static enum status take_certificates(struct checkpoint_maker *maker)
{
    struct ring *ring = maker->options.certificates;
    enum status status = certify(maker);
    const uint8_t *record;
    for (size_t byte_count; status == STATUS_OK && (record = ring_peek(ring, &byte_count)) != NULL;
         ring_pop(ring)) {
        ASSERT(byte_count > 8 && byte_count - 8 <= sizeof(maker->certificate));
        maker->certified = le_get_u64(record);
        maker->certificate_bytes = byte_count - 8;
        memcpy(maker->certificate, record + 8, byte_count - 8);
        status = certify(maker);
    }
    ring_release(ring);
    return status;
}

/* What is waited for: its certificate. */
static enum status look_around(struct checkpoint_maker *maker)
{
    const enum status status = take_certificates(maker);
    if (status == STATUS_OK && maker->waits && votes(maker) &&
        (maker->proposed_ns == 0 || now_ns() - maker->proposed_ns > VOTE_AGAIN_NS))
        propose_vote(maker);
    return status;
}

/* The liabilities that are due with the checkpoint in hand. It is certified first: making them takes long, and may fail,
 * while the log below it is kept and joiners cannot have it. Only the checkpoint itself stops a node. */
static enum status make_liabilities(struct checkpoint_maker *maker)
{
    struct liabilities_maker *liabilities = maker->options.liabilities;
    const uint64_t began_ns = now_ns();
    liabilities_maker_due(liabilities, maker->vote.height);
    enum status status = look_around(maker);
    while (status == STATUS_OK && maker->waits && !is_stopping(maker) &&
           now_ns() - began_ns < CERTIFY_NS) {
        park_sleep(maker->options.park, REST_MS);
        status = look_around(maker);
    }
    if (status == STATUS_OK && !is_stopping(maker))
        liabilities_maker_make(liabilities, maker->header);
    return status;
}

/* ---- The thread ---- */

/* Ready for the next: with memory for its images, and nothing of the last. */
static void open(struct checkpoint_maker *maker)
{
    freeze_prepare(&maker->engine_freeze);
    freeze_prepare(&maker->settlement_freeze);
    atomic_store_explicit(&maker->done, 0, memory_order_relaxed);
    atomic_store_explicit(&maker->height, 0, memory_order_relaxed);
    atomic_store_explicit(&maker->open, 1, memory_order_release);
}

/* For the next, or taken by it already. */
static bool is_open(struct checkpoint_maker *maker)
{
    return atomic_load_explicit(&maker->open, memory_order_acquire) != 0 ||
           atomic_load_explicit(&maker->height, memory_order_relaxed) != 0;
}

static bool is_begun(struct checkpoint_maker *maker)
{
    return (atomic_load_explicit(&maker->done, memory_order_acquire) & ENGINE_DONE) != 0;
}

/* One that there was no memory for is left out, like one that came too soon. */
static enum status make_next(struct checkpoint_maker *maker)
{
    enum status status = make(maker);
    const bool is_made = status == STATUS_OK && maker->waits && maker->digest_bytes > 0;
    if (is_made && maker->liabilities && maker->options.liabilities != NULL)
        status = make_liabilities(maker);
    if (status != STATUS_OK && status != STATUS_NO_MEMORY) return status;
    open(maker);
    return STATUS_OK;
}

enum status maker_run(struct checkpoint_maker *maker)
{
    struct liabilities_maker *liabilities = maker->options.liabilities;
    enum status status = STATUS_OK;
    setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
    if (liabilities != NULL) liabilities_maker_resume(liabilities);
    if (!is_open(maker)) open(maker);
    while (status == STATUS_OK && !is_stopping(maker)) {
        status = look_around(maker);
        if (status != STATUS_OK) break;
        if (is_begun(maker)) {
            status = make_next(maker);
            continue;
        }
        if (liabilities != NULL) liabilities_maker_turn(liabilities);
        park_sleep(maker->options.park, REST_MS);
    }
    atomic_store_explicit(&maker->open, 0, memory_order_relaxed);
    return status == STATUS_STOPPING ? STATUS_OK : status;
}

struct checkpoint_maker *maker_new(const struct maker_options *options)
{
    struct checkpoint_maker *maker = calloc(1, sizeof(*maker));
    if (maker == NULL) return NULL;
    maker->options = *options;
    if (!freeze_init(&maker->engine_freeze, options->engine_arena->bytes,
                     options->engine_arena->capacity, 0)) {
        log_error("node", "the engine's memory cannot be imaged", "bytes=%zu",
                  options->engine_arena->capacity);
        free(maker);
        return NULL;
    }
    if (!freeze_init(&maker->settlement_freeze, options->settlement_arena->bytes,
                     options->settlement_arena->capacity, 0)) {
        log_error("node", "settlement's memory cannot be imaged", "bytes=%zu",
                  options->settlement_arena->capacity);
        freeze_close(&maker->engine_freeze);
        free(maker);
        return NULL;
    }
    open(maker); /* before any thread runs: the log is replayed faster than this one begins */
    return maker;
}

/* Whoever was told to stop may have frozen something first. */
static void thaw(struct freeze *freeze)
{
    if (!atomic_load_explicit(&freeze->active, memory_order_acquire)) return;
    freeze_copy_all(freeze);
    freeze_end(freeze);
}

void maker_free(struct checkpoint_maker *maker)
{
    if (maker == NULL) return;
    thaw(&maker->engine_freeze);
    thaw(&maker->settlement_freeze);
    freeze_close(&maker->engine_freeze);
    freeze_close(&maker->settlement_freeze);
    free(maker->markets.at);
    free(maker);
}
