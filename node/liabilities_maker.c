#include "node/liabilities_maker.h"

#include "common/le.h"
#include "common/log.h"
#include "common/node_set.h"
#include "ledger/chain.h"
#include "ledger/root_vote.h"
#include "settlement/liabilities_file.h"
#include "settlement/proof_shelf.h"
#include "settlement/settle.h"
#include "settlement/totals_proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATH_BYTES    4096
#define LOOK_AGAIN_NS UINT64_C(1000000000) /* for what is not in the chain yet */

struct liabilities_maker {
    struct liabilities_maker_options options;
    struct chain *chain; /* a reader; NULL until it is needed */

    /* Made last, waiting for its certificate. */
    struct vote_command vote;
    uint64_t proposed_ns; /* 0: not yet */
    uint32_t tries;
    bool waits;

    /* Of an earlier life, to be taken up; 0: nothing. */
    uint64_t unmade, unvoted;
    uint64_t looked_ns; /* for them in the chain */

    /* The newest certificate that is not used up; it may come before this node has made its own. */
    uint64_t certified; /* its height; 0: none */
    bool absent;        /* there is no file of it; looked for again when one is made */
    uint8_t certificate[CERTIFICATE_BYTES_MAX];
    size_t certificate_bytes;

    uint8_t headers[PROOF_HEADERS_MAX][BLOCK_HEADER_BYTES];
    uint8_t subject[PROOF_SUBJECT_BYTES_MAX];
    uint8_t proof[PROOF_BYTES_MAX];
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- The vote ---- */

/* As for a checkpoint: not before the block is certified. */
static bool votes(const struct liabilities_maker *maker)
{
    const struct progress *progress = maker->options.progress;
    return atomic_load_explicit(&progress->role, memory_order_relaxed) == NODE_VOTER &&
           atomic_load_explicit(&progress->halted, memory_order_acquire) == 0 &&
           atomic_load_explicit(&progress->certified_height, memory_order_acquire) >=
               maker->vote.height;
}

/* Nothing is signed for an epoch that is over: nobody counts it. */
static bool is_over(const struct liabilities_maker *maker)
{
    const struct progress *progress = maker->options.progress;
    return atomic_load_explicit(&progress->epoch, memory_order_relaxed) > maker->vote.epoch;
}

static void sign(struct liabilities_maker *maker)
{
    const struct liabilities_maker_options *options = &maker->options;
    certificate_statement_sign(CERTIFICATE_OF_LIABILITIES, options->secret_key,
                               genesis_chain_id(options->genesis), maker->vote.epoch,
                               maker->vote.height, root_vote_root(&maker->vote), options->node,
                               &maker->vote);
}

/* Lost when the ring is full or the leader dies with it: it is proposed again. */
static void propose(struct liabilities_maker *maker)
{
    struct ring *ring = maker->options.votes;
    uint8_t *at = ring_reserve(ring, ROOT_VOTE_BYTES);
    if (maker->tries == 0) sign(maker);
    maker->proposed_ns = now_ns();
    maker->tries++;
    if (at == NULL) return;
    root_vote_put(at, CERTIFICATE_OF_LIABILITIES, &maker->vote);
    ring_commit(ring, ROOT_VOTE_BYTES);
    if (ring_publish(ring)) park_wake(maker->options.consensus_park);
}

/* Proposes what waits when it is time to. A certificate that comes after the last try counts all the same. */
static void vote(struct liabilities_maker *maker)
{
    if (!maker->waits || maker->certified == maker->vote.height) return;
    if (is_over(maker) || maker->tries == LIABILITIES_VOTE_TRIES) {
        log_warn("node", "liabilities are voted for no more",
                 "height=%" PRIu64 " epoch=%" PRIu64 " tries=%" PRIu32, maker->vote.height,
                 maker->vote.epoch, maker->tries);
        maker->waits = false;
        return;
    }
    const bool is_time =
        maker->proposed_ns == 0 || now_ns() - maker->proposed_ns > maker->options.vote_again_ns;
    if (is_time && votes(maker)) propose(maker);
}

static void vote_for(struct liabilities_maker *maker, const struct block_header *header,
                     hash_t root)
{
    maker->vote = (struct vote_command){.height = header->height, .epoch = header->epoch};
    memcpy(maker->vote.header_hash, root.bytes, HASH_BYTES);
    maker->waits = true;
    maker->absent = false;
    maker->tries = 0;
    maker->proposed_ns = 0;
    vote(maker);
}

/* ---- Making ---- */

static void leave_out(struct liabilities_maker *maker, uint64_t height, enum status status)
{
    log_error("node", "liabilities are left out", "height=%" PRIu64 " reason=\"%s\"", height,
              status_text(status));
    metric_add(&maker->options.metrics->liabilities_failed_total, 1);
}

void liabilities_maker_due(struct liabilities_maker *maker, uint64_t height)
{
    const struct liabilities_maker_options *options = &maker->options;
    const enum status status = liabilities_file_mark(options->directory, options->shelf, height);
    if (status != STATUS_OK) /* making them tries again, and says what comes of it */
        log_warn("node", "due liabilities cannot be marked", "height=%" PRIu64 " reason=\"%s\"",
                 height, status_text(status));
}

void liabilities_maker_make(struct liabilities_maker *maker,
                            const uint8_t header[BLOCK_HEADER_BYTES])
{
    const struct liabilities_maker_options *options = &maker->options;
    const uint64_t began_ns = now_ns();
    struct liabilities_head head;
    struct block_header decoded;
    const bool whole = block_header_decode(header, &decoded);
    ASSERT(whole);
    const enum status status =
        liabilities_file_write(options->directory, options->shelf, options->settlement, header,
                               &options->progress->stopping, &head);
    if (status == STATUS_STOPPING) return; /* its mark stays */
    if (maker->unmade <= decoded.height) maker->unmade = 0;
    if (status != STATUS_OK) {
        leave_out(maker, decoded.height, status);
        return;
    }
    const uint64_t took_ms = (now_ns() - began_ns) / 1000000u;
    log_info("node", "liabilities made", "height=%" PRIu64 " ms=%" PRIu64, decoded.height, took_ms);
    metric_set(&options->metrics->liabilities_height, decoded.height);
    metric_set(&options->metrics->liabilities_ms, took_ms);
    vote_for(maker, &decoded, liabilities_root(&head));
}

/* ---- Its certificate ---- */

static enum status open_chain(struct liabilities_maker *maker)
{
    if (maker->chain != NULL) return STATUS_OK;
    return chain_open_reader(maker->options.chain_directory, &maker->chain);
}

/* The headers from `height` up to the first that has a certificate, and that: the same on every node, since all count
 * the same votes. */
static enum status read_attestation(struct liabilities_maker *maker, uint64_t height,
                                    struct proof *proof)
{
    const uint64_t tip = chain_certified(maker->chain);
    proof->headers = maker->headers[0];
    for (uint32_t i = 0; i < PROOF_HEADERS_MAX && height + i <= tip; i++) {
        enum status status = chain_read_header(maker->chain, height + i, maker->headers[i]);
        if (status != STATUS_OK) return status;
        proof->header_count = i + 1;
        status = chain_read_certificate(maker->chain, height + i, &proof->certificate,
                                        &proof->certificate_bytes);
        if (status != STATUS_NOT_FOUND) return status;
    }
    return STATUS_NOT_FOUND;
}

/* The proof of the users' totals of this height, that a file carries. STATUS_NOT_FOUND: its block is not certified yet. */
static enum status prove_totals(struct liabilities_maker *maker, uint64_t height, size_t *bytes)
{
    char shelf[PATH_BYTES];
    struct proof proof = {.kind = PROOF_TOTALS, .subject = maker->subject};
    struct proof_totals totals;
    struct block_header header;
    enum status status = open_chain(maker);
    if (status == STATUS_OK) status = read_attestation(maker, height, &proof);
    if (status != STATUS_OK) return status;
    snprintf(shelf, sizeof(shelf), "%s/shelf", maker->options.directory);
    status = proof_shelf_totals(shelf, height, &totals);
    if (status == STATUS_NOT_FOUND)
        status = proof_shelf_totals(maker->options.shelf, height, &totals);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_DAMAGED : status;
    if (!block_header_decode(maker->headers[0], &header) ||
        totals_proof_fault(&totals, header.totals_root) != NULL)
        return STATUS_DAMAGED;
    proof.subject_bytes = proof_totals_put(&totals, maker->subject);
    *bytes = proof_put(&proof, maker->proof);
    return *bytes > 0 ? STATUS_OK : STATUS_DAMAGED;
}

static void halt(struct liabilities_maker *maker, uint64_t height, hash_t ours, hash_t theirs)
{
    char ours_text[2 * HASH_BYTES + 1], theirs_text[2 * HASH_BYTES + 1];
    hash_hex(ours.bytes, HASH_BYTES, ours_text);
    hash_hex(theirs.bytes, HASH_BYTES, theirs_text);
    log_error("node", "halted",
              "reason=\"the liabilities differ from the certified ones\" height=%" PRIu64
              " ours=%s theirs=%s",
              height, ours_text, theirs_text);
    /* release: as the anchor's. */
    atomic_store_explicit(&maker->options.progress->halted, 1, memory_order_release);
}

/* From here on nothing waits for the certificate in hand any more. */
static void let_go(struct liabilities_maker *maker)
{
    if (maker->vote.height == maker->certified) maker->waits = false;
    maker->certified = 0;
}

/* What cannot be published stays as it is, here alone. */
static void give_up(struct liabilities_maker *maker, enum status status)
{
    log_error("node", "liabilities cannot be published", "height=%" PRIu64 " reason=\"%s\"",
              maker->certified, status_text(status));
    metric_add(&maker->options.metrics->liabilities_failed_total, 1);
    let_go(maker);
}

static void publish(struct liabilities_maker *maker, const struct certificate *certificate)
{
    const uint64_t height = certificate->height;
    size_t proof_bytes;
    enum status status = prove_totals(maker, height, &proof_bytes);
    if (status == STATUS_NOT_FOUND) return; /* in a later turn */
    if (status == STATUS_OK)
        status = liabilities_file_finish(maker->options.directory, height, maker->proof,
                                         proof_bytes, maker->certificate, maker->certificate_bytes);
    if (status != STATUS_OK) {
        give_up(maker, status);
        return;
    }
    let_go(maker);
    log_info("node", "liabilities certified", "height=%" PRIu64 " votes=%" PRIu32, height,
             certificate->vote_count);
    metric_set(&maker->options.metrics->liabilities_certified, height);
}

/* Puts the certificate in hand behind its file when both are there. */
static void finish(struct liabilities_maker *maker)
{
    struct liabilities_entry entry;
    struct certificate certificate;
    if (maker->certified == 0 || maker->absent) return;
    const enum status status =
        liabilities_file_entry(maker->options.directory, maker->certified, &entry);
    maker->absent = status == STATUS_NOT_FOUND;
    if (maker->absent) return; /* it may be made yet */
    if (status != STATUS_OK) {
        give_up(maker, status);
        return;
    }
    const bool whole =
        certificate_decode(maker->certificate, maker->certificate_bytes, &certificate);
    ASSERT(whole);
    const hash_t ours = liabilities_root(&entry.head);
    if (!hash_equal(ours, certificate.header_hash)) {
        let_go(maker);
        halt(maker, certificate.height, ours, certificate.header_hash);
    } else if (!entry.is_certified) {
        publish(maker, &certificate);
    } else {
        let_go(maker);
    }
}

/* Each as it comes, or the last of those that cannot be used yet. */
static void take_certificates(struct liabilities_maker *maker)
{
    struct ring *ring = maker->options.certificates;
    const uint8_t *record;
    finish(maker);
    for (size_t byte_count; (record = ring_peek(ring, &byte_count)) != NULL; ring_pop(ring)) {
        ASSERT(byte_count > 8 && byte_count - 8 <= sizeof(maker->certificate));
        maker->certified = le_get_u64(record);
        maker->absent = false;
        maker->certificate_bytes = byte_count - 8;
        memcpy(maker->certificate, record + 8, byte_count - 8);
        finish(maker);
    }
    ring_release(ring);
}

/* ---- Of an earlier life ---- */

void liabilities_maker_resume(struct liabilities_maker *maker)
{
    struct liabilities_entry entries[LIABILITIES_LISTED];
    const uint32_t count = liabilities_file_list(maker->options.directory, entries);
    maker->unmade = liabilities_file_unmade(maker->options.directory);
    if (count == 0) return;
    metric_set(&maker->options.metrics->liabilities_height, entries[0].height);
    for (uint32_t i = count; i > 0; i--)
        if (entries[i - 1].is_certified)
            metric_set(&maker->options.metrics->liabilities_certified, entries[i - 1].height);
    if (!entries[0].is_certified) maker->unvoted = entries[0].height;
}

/* False: not yet; whoever writes the chain may not have opened it. */
static bool read_header(struct liabilities_maker *maker, uint64_t height,
                        uint8_t bytes[BLOCK_HEADER_BYTES])
{
    return open_chain(maker) == STATUS_OK &&
           chain_read_header(maker->chain, height, bytes) == STATUS_OK;
}

static void take_up_vote(struct liabilities_maker *maker, uint64_t height)
{
    struct liabilities_entry entry;
    struct block_header header;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    if (!read_header(maker, height, bytes)) return;
    maker->unvoted = 0;
    if (maker->waits && maker->vote.height >= height) return; /* made once more, or later ones */
    if (liabilities_file_entry(maker->options.directory, height, &entry) != STATUS_OK ||
        entry.is_certified || !block_header_decode(bytes, &header) ||
        !hash_equal(block_header_hash(bytes), entry.head.header_hash))
        return; /* of a chain that was mended: it is made again */
    log_info("node", "liabilities wait for their certificate", "height=%" PRIu64, height);
    vote_for(maker, &header, liabilities_root(&entry.head));
}

static void take_up(struct liabilities_maker *maker)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    if (maker->unvoted == 0 && maker->unmade == 0) return;
    if (maker->looked_ns != 0 && now_ns() - maker->looked_ns < LOOK_AGAIN_NS) return;
    maker->looked_ns = now_ns();
    if (maker->unvoted != 0) take_up_vote(maker, maker->unvoted);
    /* While the log is replayed, settlement does not know all the owners yet. */
    if (maker->unmade != 0 && settlement_height(maker->options.settlement) >= maker->unmade &&
        read_header(maker, maker->unmade, bytes))
        liabilities_maker_make(maker, bytes);
}

void liabilities_maker_turn(struct liabilities_maker *maker)
{
    take_certificates(maker);
    take_up(maker);
    vote(maker);
}

/* ---- Beginning and end ---- */

struct liabilities_maker *liabilities_maker_new(const struct liabilities_maker_options *options)
{
    struct liabilities_maker *maker = calloc(1, sizeof(*maker));
    if (maker == NULL) {
        log_error("node", "no memory for liabilities", "bytes=%zu", sizeof(*maker));
        return NULL;
    }
    maker->options = *options;
    return maker;
}

void liabilities_maker_free(struct liabilities_maker *maker)
{
    if (maker == NULL) return;
    chain_close(maker->chain);
    free(maker);
}
