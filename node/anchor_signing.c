#include "node/anchor_signing.h"

#include "common/log.h"
#include "ledger/chain.h"
#include "node/anchor_block.h"
#include "node/anchor_halt.h"

#include <string.h>

#define VOTE_COMMAND_BYTES (COMMAND_HEADER_BYTES + VOTE_BYTES)

void anchor_signing_update(struct anchor *anchor)
{
    const struct sign_once_record *last = &anchor->once.last;
    const uint64_t epoch = anchor->digest->membership.next_epoch;
    if (last->epoch < epoch)
        anchor->voting.signed_to = 0;
    else if (last->epoch == epoch && !last->closed)
        anchor->voting.signed_to = last->height;
    else
        anchor->voting.signed_to = UINT64_MAX; /* nothing, until the log is where the file is */
}

static enum status open_once(struct anchor *anchor)
{
    const char *path = anchor->options->sign_once_path;
    const enum status status = sign_once_open(&anchor->once, path);
    if (status != STATUS_OK) return status;
    anchor_signing_update(anchor);
    anchor->votes = anchor->options->votes != NULL;
    return STATUS_OK;
}

static enum status amnesiac(const struct anchor *anchor, const char *what, uint64_t height)
{
    log_error("anchor", "what this node signed is not known: it may not sign",
              "reason=\"%s\" height=%lu path=\"%s\"", what, height,
              anchor->options->sign_once_path);
    return STATUS_AMNESIAC;
}

/* The member with this node's id, whose key must be this node's. */
static enum status find_self(const struct anchor *anchor, const struct node_set *set,
                             const struct node_member **self)
{
    const struct anchor_options *options = anchor->options;
    *self = node_set_find(set, options->node);
    /* The second half of an Ed25519 secret key is its public key. */
    if (*self == NULL ||
        memcmp((*self)->public_key, options->secret_key + PUBLIC_KEY_BYTES, PUBLIC_KEY_BYTES) == 0)
        return STATUS_OK;
    log_error("anchor", "the node's key is not the member's", "node=%u", options->node);
    return STATUS_MALFORMED;
}

enum status anchor_signing_open(struct anchor *anchor)
{
    const struct membership *membership = &anchor->digest->membership;
    const struct node_member *self, *next;
    enum status status = find_self(anchor, &membership->nodes, &self);
    if (status == STATUS_OK) status = find_self(anchor, &membership->next, &next);
    if (status != STATUS_OK) return status;
    const bool votes = self != NULL && self->role == NODE_VOTER;
    const bool will_vote = next != NULL && next->role == NODE_VOTER;
    if (votes || will_vote) anchor->voting.first = votes ? 1 : membership->change_height;
    if (votes && !will_vote) anchor->voting.last = membership->change_height - 1;

    if (anchor->options->votes == NULL) return STATUS_OK;
    status = open_once(anchor);
    if (status != STATUS_NOT_FOUND) return status;
    return votes || will_vote ? amnesiac(anchor, "no sign-once file", anchor->digest->height)
                              : STATUS_OK;
}

enum status anchor_signing_begin(struct anchor *anchor, uint64_t height)
{
    anchor->voting.first = height;
    anchor->voting.last = 0;
    if (anchor->votes || anchor->options->votes == NULL) return STATUS_OK;
    enum status status = open_once(anchor);
    if (status != STATUS_NOT_FOUND) return status;
    if (chain_tip(anchor->chain) >= height) return amnesiac(anchor, "no sign-once file", height);
    status = sign_once_create(anchor->options->sign_once_path);
    return status == STATUS_OK ? open_once(anchor) : status;
}

enum status anchor_signing_logged(struct anchor *anchor, const struct vote_command *vote)
{
    const struct sign_once_record *last = &anchor->once.last;
    if (anchor->votes && last->closed && vote->epoch <= last->epoch) {
        if (vote->epoch == last->epoch && vote->height > last->height)
            log_error("anchor", "a vote with this node's key that it did not sign",
                      "epoch=%lu height=%lu", vote->epoch, vote->height);
        return STATUS_OK;
    }
    if (anchor->votes &&
        (vote->epoch > last->epoch || (vote->epoch == last->epoch && vote->height > last->height)))
        return amnesiac(anchor, "the log has a later vote than the sign-once file", vote->height);
    vote_logged(&anchor->voting, vote->height);
    return STATUS_OK;
}

static void vote_put(uint8_t bytes[VOTE_COMMAND_BYTES], const struct vote_command *vote)
{
    const struct command_header header = {
        .length = VOTE_COMMAND_BYTES, .type = T_VOTE, .auth_kind = AUTH_NONE};
    command_header_put(bytes, &header);
    vote_command_put(bytes + COMMAND_HEADER_BYTES, vote);
}

/* Signs `height` and hands the vote to the log; the sign-once file comes before the signature. */
static enum status propose(struct anchor *anchor, uint64_t height, uint8_t *room)
{
    const struct anchor_options *options = anchor->options;
    const uint64_t epoch = anchor->tally.epoch;
    struct sign_once_record wanted = {.epoch = epoch, .height = height};
    enum status status = anchor_block_hash(anchor, height, &wanted.header_hash);
    if (status == STATUS_OK) status = sign_once_claim(&anchor->once, &wanted);
    if (status == STATUS_MISMATCH) {
        const struct evidence_halt found = {
            .height = height, .what = "another header of this height was signed before"};
        anchor_halt_hashes(anchor, found, "hash", wanted.header_hash,
                           anchor->once.last.header_hash);
        return STATUS_OK;
    }
    if (status != STATUS_OK) return status;

    struct vote_command vote;
    certificate_sign(options->secret_key, anchor->digest->chain_id, epoch, height,
                     wanted.header_hash, options->node, &vote);
    vote_put(room, &vote);
    ring_commit(options->votes, VOTE_COMMAND_BYTES);
    vote_proposed(&anchor->voting, height);
    return STATUS_OK;
}

/* Which leader a vote goes to; while there is none it is the last one's. */
static void term_update(struct anchor *anchor)
{
    const struct progress *progress = anchor->options->progress;
    if (atomic_load_explicit(&progress->leader, memory_order_relaxed) != 0)
        anchor->voting.term = atomic_load_explicit(&progress->term, memory_order_relaxed);
}

enum status anchor_signing_propose(struct anchor *anchor)
{
    const struct anchor_options *options = anchor->options;
    if (!anchor->votes || anchor->halted) return STATUS_OK;
    /* 0 until the log is replayed up to this node's own HELLO. acquire: pairs with the release in the
     * consensus loop, after which it takes what we propose. */
    const uint64_t replay =
        atomic_load_explicit(&options->progress->replay_command, memory_order_acquire);
    term_update(anchor);
    anchor->voting.replaying = replay == 0 || anchor->digest->command < replay;

    enum status status = STATUS_OK;
    uint64_t height;
    while (status == STATUS_OK && !anchor->halted && (height = vote_next(&anchor->voting)) != 0) {
        uint8_t *room = ring_reserve(options->votes, VOTE_COMMAND_BYTES);
        if (room == NULL) break; /* the log is busy; by then a newer block may be the one */
        status = propose(anchor, height, room);
    }
    if (ring_publish(options->votes)) park_wake(options->consensus_park);
    return status;
}
