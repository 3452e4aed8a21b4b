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

/* Statements differ in the first bytes of what is signed, so that one is never shown as the other. */
static void statement_message(enum certificate_statement statement, hash_t chain_id, uint64_t epoch,
                              uint64_t height, hash_t hash, uint8_t message[BLOCK_VOTE_BYTES])
{
    block_vote_message(chain_id, epoch, height, hash, message);
    if (statement == CERTIFICATE_OF_CHECKPOINT) le_put_bytes(message, "quorex/chkpt/1\0", 16);
}

static bool signature_valid(enum certificate_statement statement, const struct validator *member,
                            hash_t chain_id, uint64_t epoch, uint64_t height, hash_t header_hash,
                            const uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t message[BLOCK_VOTE_BYTES];
    statement_message(statement, chain_id, epoch, height, header_hash, message);
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
    statement_message(statement, chain_id, epoch, height, hash, message);
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
                             const struct validator_set *set)
{
    memset(tally, 0, sizeof(*tally));
    tally->chain_id = chain_id;
    tally->epoch = epoch;
    tally->set = set;
    tally->stride = 1;
}

/* The ballot of `height`, emptied of a lower one; NULL when a higher one has its place. */
static struct certificate_ballot *ballot_of(struct certificate_tally *tally, uint64_t height)
{
    struct certificate_ballot *ballot =
        &tally->ballots[height / tally->stride % CERTIFICATE_WINDOW];
    if (ballot->height > height) return NULL;
    if (ballot->height < height) {
        ballot->height = height;
        ballot->vote_count = 0;
    }
    return ballot;
}

static bool has_voted(const struct certificate_ballot *ballot, uint32_t node)
{
    for (uint32_t i = 0; i < ballot->vote_count; i++)
        if (ballot->votes[i].node == node) return true;
    return false;
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

static void make_certificate(const struct certificate_ballot *ballot, uint64_t epoch, hash_t hash,
                             struct certificate *certificate)
{
    *certificate = (struct certificate){
        .height = ballot->height, .epoch = epoch, .header_hash = hash, .vote_count = 0};
    for (uint32_t i = 0; i < ballot->vote_count; i++)
        if (hash_equal(voted_hash(&ballot->votes[i]), hash))
            insert_vote(certificate, &ballot->votes[i]);
}

enum certificate_count certificate_tally_add(struct certificate_tally *tally,
                                             const struct vote_command *vote,
                                             uint64_t sealed_height,
                                             struct certificate *certificate)
{
    if (vote->epoch != tally->epoch || vote->height > sealed_height) return CERTIFICATE_NOOP;
    if (vote->height <= tally->certified_height) return CERTIFICATE_NOOP;
    if (vote->height % tally->stride != 0) return CERTIFICATE_NOOP;
    /* The signature comes before the ballot: a forged vote must not empty a lower height's. */
    if (!certificate_statement_valid(tally->statement, vote, tally->chain_id, tally->set))
        return CERTIFICATE_NOOP;
    struct certificate_ballot *ballot = ballot_of(tally, vote->height);
    if (ballot == NULL || has_voted(ballot, vote->node)) return CERTIFICATE_NOOP;

    ASSERT(ballot->vote_count < GENESIS_VALIDATORS_LIMIT);
    ballot->votes[ballot->vote_count++] = *vote;
    if (votes_for(ballot, voted_hash(vote)) < validator_set_quorum(tally->set))
        return CERTIFICATE_COUNTED;
    make_certificate(ballot, tally->epoch, voted_hash(vote), certificate);
    tally->certified_height = ballot->height;
    return CERTIFICATE_MADE;
}
