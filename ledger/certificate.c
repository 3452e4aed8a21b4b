#include "ledger/certificate.h"

#include "common/le.h"

static_assert(CERTIFICATE_HEADER_BYTES == 8 + 8 + HASH_BYTES + 4, "the header's fields fill it");

size_t certificate_encode(const struct certificate *certificate,
                          uint8_t bytes[CERTIFICATE_BYTES_MAX])
{
    ASSERT(certificate->vote_count <= GENESIS_VALIDATORS_LIMIT);
    uint8_t *at = le_put_u64(bytes, certificate->height);
    at = le_put_u64(at, certificate->epoch);
    at = le_put_bytes(at, certificate->header_hash.bytes, HASH_BYTES);
    at = le_put_u32(at, certificate->vote_count);
    for (uint32_t i = 0; i < certificate->vote_count; i++) {
        at = le_put_u32(at, certificate->votes[i].node);
        at = le_put_bytes(at, certificate->votes[i].signature, SIGNATURE_BYTES);
    }
    return (size_t)(at - bytes);
}

bool certificate_decode(const uint8_t *bytes, size_t byte_count, struct certificate *certificate)
{
    if (byte_count < CERTIFICATE_HEADER_BYTES) return false;
    certificate->height = le_get_u64(bytes);
    certificate->epoch = le_get_u64(bytes + 8);
    memcpy(certificate->header_hash.bytes, bytes + 16, HASH_BYTES);
    certificate->vote_count = le_get_u32(bytes + 48);

    const uint32_t count = certificate->vote_count;
    if (count > GENESIS_VALIDATORS_LIMIT) return false;
    if (byte_count != CERTIFICATE_HEADER_BYTES + (size_t)count * CERTIFICATE_VOTE_BYTES)
        return false;
    const uint8_t *at = bytes + CERTIFICATE_HEADER_BYTES;
    for (uint32_t i = 0; i < count; i++, at += CERTIFICATE_VOTE_BYTES) {
        certificate->votes[i].node = le_get_u32(at);
        memcpy(certificate->votes[i].signature, at + 4, SIGNATURE_BYTES);
        if (i > 0 && certificate->votes[i].node <= certificate->votes[i - 1].node) return false;
    }
    return true;
}

const char *certificate_statement_name(enum certificate_statement statement)
{
    return statement == CERTIFICATE_OF_BLOCK        ? "block"
           : statement == CERTIFICATE_OF_CHECKPOINT ? "checkpoint"
                                                    : "liabilities";
}

/* Statements differ in the first bytes of what is signed, so that one is never shown as the other. */
void certificate_statement_message(enum certificate_statement statement, hash_t chain_id,
                                   uint64_t epoch, uint64_t height, hash_t hash,
                                   uint8_t message[BLOCK_VOTE_BYTES])
{
    block_vote_message(chain_id, epoch, height, hash, message);
    if (statement == CERTIFICATE_OF_CHECKPOINT) le_put_bytes(message, "quorex/chkpt/1\0", 16);
    if (statement == CERTIFICATE_OF_LIABILITIES) le_put_bytes(message, "quorex/liabs/1\0", 16);
}

static bool signature_valid(enum certificate_statement statement, const struct validator *member,
                            hash_t chain_id, uint64_t epoch, uint64_t height, hash_t header_hash,
                            const uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t message[BLOCK_VOTE_BYTES];
    certificate_statement_message(statement, chain_id, epoch, height, header_hash, message);
    return hash_verify(member->public_key, message, sizeof(message), signature);
}

const char *certificate_statement_fault(enum certificate_statement statement,
                                        const struct certificate *certificate, hash_t chain_id,
                                        const struct validator_set *set)
{
    if (certificate->vote_count < validator_set_quorum(set)) return "it has too few votes";
    for (uint32_t i = 0; i < certificate->vote_count; i++) {
        const struct certificate_vote *vote = &certificate->votes[i];
        if (i > 0 && vote->node <= certificate->votes[i - 1].node)
            return "its votes are not by rising node id";
        const struct validator *member = validator_set_find(set, vote->node);
        if (member == NULL) return "one of its votes is by no validator";
        if (!signature_valid(statement, member, chain_id, certificate->epoch, certificate->height,
                             certificate->header_hash, vote->signature))
            return "one of its signatures is wrong";
    }
    return NULL;
}

const char *certificate_fault(const struct certificate *certificate, hash_t chain_id,
                              const struct validator_set *set)
{
    return certificate_statement_fault(CERTIFICATE_OF_BLOCK, certificate, chain_id, set);
}

void certificate_statement_sign(enum certificate_statement statement,
                                const uint8_t secret_key[SECRET_KEY_BYTES], hash_t chain_id,
                                uint64_t epoch, uint64_t height, hash_t hash, uint32_t node,
                                struct vote_command *vote)
{
    uint8_t message[BLOCK_VOTE_BYTES];
    certificate_statement_message(statement, chain_id, epoch, height, hash, message);
    *vote = (struct vote_command){.height = height, .epoch = epoch, .node = node};
    memcpy(vote->header_hash, hash.bytes, HASH_BYTES);
    hash_sign(secret_key, message, sizeof(message), vote->signature);
}

void certificate_sign(const uint8_t secret_key[SECRET_KEY_BYTES], hash_t chain_id, uint64_t epoch,
                      uint64_t height, hash_t header_hash, uint32_t node, struct vote_command *vote)
{
    certificate_statement_sign(CERTIFICATE_OF_BLOCK, secret_key, chain_id, epoch, height,
                               header_hash, node, vote);
}

static hash_t voted_hash(const struct vote_command *vote)
{
    hash_t hash;
    memcpy(hash.bytes, vote->header_hash, HASH_BYTES);
    return hash;
}

bool certificate_statement_valid(enum certificate_statement statement,
                                 const struct vote_command *vote, hash_t chain_id,
                                 const struct validator_set *set)
{
    const struct validator *member = validator_set_find(set, vote->node);
    if (member == NULL) return false;
    return signature_valid(statement, member, chain_id, vote->epoch, vote->height, voted_hash(vote),
                           vote->signature);
}

bool certificate_vote_valid(const struct vote_command *vote, hash_t chain_id,
                            const struct validator_set *set)
{
    return certificate_statement_valid(CERTIFICATE_OF_BLOCK, vote, chain_id, set);
}

void certificate_tally_begin(struct certificate_tally *tally, hash_t chain_id, uint64_t epoch,
                             uint64_t certified_height)
{
    memset(tally, 0, sizeof(*tally));
    tally->chain_id = chain_id;
    tally->epoch = epoch;
    tally->certified_height = certified_height;
    tally->stride = 1;
}

static uint64_t place_of(const struct certificate_tally *tally, uint64_t height)
{
    return height / tally->stride % CERTIFICATE_WINDOW;
}

void certificate_tally_open(struct certificate_tally *tally, uint64_t height, uint64_t epoch,
                            const struct validator_set *set, bool turns)
{
    struct certificate_ballot *ballot = &tally->ballots[place_of(tally, height)];
    ASSERT(height % tally->stride == 0 && height > ballot->height && epoch >= tally->epoch);
    ballot->height = height;
    ballot->epoch = epoch;
    ballot->turns = turns;
    ballot->made = false;
    ballot->set = *set;
    ballot->vote_count = 0;
    tally->epoch = epoch;
}

void certificate_tally_end_epoch(struct certificate_tally *tally, uint64_t epoch)
{
    ASSERT(epoch > tally->epoch);
    tally->epoch = epoch;
}

static const struct vote_command *vote_of(const struct certificate_ballot *ballot, uint32_t node)
{
    for (uint32_t i = 0; i < ballot->vote_count; i++)
        if (ballot->votes[i].node == node) return &ballot->votes[i];
    return NULL;
}

static uint32_t votes_for(const struct certificate_ballot *ballot, hash_t hash)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ballot->vote_count; i++)
        if (hash_equal(voted_hash(&ballot->votes[i]), hash)) count++;
    return count;
}

static void insert_vote(struct certificate *certificate, const struct vote_command *vote)
{
    uint32_t place = certificate->vote_count++;
    for (; place > 0 && certificate->votes[place - 1].node > vote->node; place--)
        certificate->votes[place] = certificate->votes[place - 1];
    certificate->votes[place].node = vote->node;
    memcpy(certificate->votes[place].signature, vote->signature, SIGNATURE_BYTES);
}

static void make_certificate(const struct certificate_ballot *ballot, hash_t hash,
                             struct certificate *certificate)
{
    *certificate = (struct certificate){
        .height = ballot->height, .epoch = ballot->epoch, .header_hash = hash, .vote_count = 0};
    for (uint32_t i = 0; i < ballot->vote_count; i++)
        if (hash_equal(voted_hash(&ballot->votes[i]), hash))
            insert_vote(certificate, &ballot->votes[i]);
}

/* Whether a certificate of this height is of use still. */
static bool is_wanted(const struct certificate_tally *tally,
                      const struct certificate_ballot *ballot)
{
    return !ballot->made && (ballot->height > tally->certified_height || ballot->turns);
}

enum certificate_count certificate_tally_add(struct certificate_tally *tally,
                                             const struct vote_command *vote,
                                             struct certificate *certificate)
{
    struct certificate_ballot *ballot = &tally->ballots[place_of(tally, vote->height)];
    if (vote->height == 0 || ballot->height != vote->height) return CERTIFICATE_NOOP;
    if (vote->epoch != ballot->epoch || vote->epoch != tally->epoch) return CERTIFICATE_NOOP;
    const struct vote_command *before = vote_of(ballot, vote->node);
    if (before != NULL && hash_equal(voted_hash(before), voted_hash(vote))) return CERTIFICATE_NOOP;
    if (!certificate_statement_valid(tally->statement, vote, tally->chain_id, &ballot->set))
        return CERTIFICATE_NOOP;
    if (before != NULL) {
        tally->twice[0] = *before;
        tally->twice[1] = *vote;
        return CERTIFICATE_TWICE;
    }

    ASSERT(ballot->vote_count < GENESIS_VALIDATORS_LIMIT);
    ballot->votes[ballot->vote_count++] = *vote;
    if (!is_wanted(tally, ballot) ||
        votes_for(ballot, voted_hash(vote)) < validator_set_quorum(&ballot->set))
        return CERTIFICATE_COUNTED;
    make_certificate(ballot, voted_hash(vote), certificate);
    ballot->made = true;
    if (ballot->height > tally->certified_height) tally->certified_height = ballot->height;
    return CERTIFICATE_MADE;
}

const struct validator_set *certificate_tally_set(const struct certificate_tally *tally,
                                                  uint64_t height)
{
    const struct certificate_ballot *ballot = &tally->ballots[place_of(tally, height)];
    return height != 0 && ballot->height == height ? &ballot->set : NULL;
}

bool certificate_tally_stuck(const struct certificate_tally *tally, uint64_t height)
{
    const struct certificate_ballot *ballot = &tally->ballots[place_of(tally, height)];
    if (height == 0 || ballot->height != height || height <= tally->certified_height) return false;
    uint32_t most = 0;
    for (uint32_t i = 0; i < ballot->vote_count; i++) {
        const uint32_t votes = votes_for(ballot, voted_hash(&ballot->votes[i]));
        if (votes > most) most = votes;
    }
    const uint32_t silent = ballot->set.count - ballot->vote_count;
    return most + silent < validator_set_quorum(&ballot->set);
}
