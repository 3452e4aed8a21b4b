/* A whole chain in memory, honest or forged, and on disk.
 *
 * story_tell lets a journal write it. A forger then changes what he likes in bodies and headers;
 * story_seal makes every hash, link, vote and signature anew around his lie.
 */

#ifndef TESTS_NODE_STORY_H
#define TESTS_NODE_STORY_H

#include "engine/slices.h"
#include "engine/state.h"
#include "ledger/certificate.h"
#include "ledger/chain.h"
#include "node/digest.h"
#include "tests/unit/node/journal.h"

#define STORY_BLOCKS 8
#define STORY_BODY   (64 * 1024)

struct story_block {
    struct block_header header;
    uint8_t bytes[BLOCK_HEADER_BYTES];
    hash_t hash;
    uint8_t body[STORY_BODY];
    size_t body_bytes;
};

/* What makes a story another than the small one of everybody: all zero is that one. */
struct story_plan {
    uint32_t voters;                       /* 0: one */
    uint32_t rules;                        /* of the genesis; 0: 1 */
    void (*more)(struct journal *journal); /* what else is in block 2; NULL: nothing */
};

struct story {
    struct story_plan plan;
    struct journal journal;
    struct digest digest;
    struct arena arena;
    struct slices slices; /* without a ring: the engine tells no balances */
    uint32_t
        flip_height; /* at the end of this block one of the engine's balances is a unit too high */
    bool trusting;   /* settlement is not asked: the commands themselves are forged */
    uint32_t height;
    struct story_block blocks[STORY_BLOCKS]; /* by height - 1 */
};

/* What the engine tells at a block's end. */
static inline void story_slice(struct story *story)
{
    struct accounts *accounts = &story->journal.engine->accounts;
    struct balance *balance = &accounts->balances[2 * accounts->assets_max + JOURNAL_USDT];
    const bool flips = story->height == story->flip_height;
    if (story->slices.ring == NULL) return;
    balance->available.units += flips;
    slices_step(&story->slices, story->journal.engine, story->height, 0);
    balance->available.units -= flips;
}

static inline void story_take(void *context, const struct applied *record,
                              const struct command *command)
{
    struct story *story = context;
    struct story_block *block = &story->blocks[story->height];
    struct digest_block made;
    bool sealed = command->header.type == T_SEAL;
    uint8_t *at = block->body + block->body_bytes;
    applied_header_put(at, record);
    at = le_put_bytes(at + APPLIED_HEADER_BYTES, record->command, record->command_length);
    at = le_put_bytes(at, record->events, record->events_length);
    block->body_bytes = (size_t)(at - block->body);
    if (block->body_bytes > STORY_BODY) abort();
    if (!story->trusting) {
        if (digest_record(&story->digest, record, command, &made, &sealed) != STATUS_OK) abort();
        if (!sealed) return;
        block->header = made.header;
    }
    if (!sealed) return;
    story->height++;
    story_slice(story);
}

/* Makes all headers, votes and hashes anew: bodies and the roots that only execution gives stay. */
static inline void story_seal(struct story *story)
{
    struct history history;
    hash_t last_hash = {{0}};
    const hash_t chain_id = genesis_chain_id(&story->journal.genesis);
    history_begin(&history);
    for (uint32_t i = 0; i < story->height; i++) {
        struct story_block *block = &story->blocks[i];
        const uint8_t *at = block->body, *const end = at + block->body_bytes;
        struct applied record = {0};
        struct command command;
        struct seal seal;
        seal_begin(&seal, i == 0 ? 1 : story->blocks[i - 1].header.last_command + 1);
        while (block_next(&at, end, &record, &command)) {
            if (command.header.type == T_VOTE) {
                struct vote_command vote;
                certificate_sign(story->journal.node_secret, chain_id, 0, i, last_hash, 1, &vote);
                vote_command_put((uint8_t *)(uintptr_t)command.payload, &vote);
            }
            const uint8_t *events = record.events;
            struct event event;
            seal_command(&seal, &record);
            while (event_next(&events, record.events + record.events_length, &event))
                seal_event(&seal, &event);
        }
        if (at != end) abort();
        const hash_t validators = validator_set_hash(&story->journal.genesis.validators);
        const struct seal_facts facts = {.height = i + 1,
                                         .time_ns = record.stamp_ns,
                                         .chain_id = chain_id,
                                         .prev_hash = last_hash,
                                         .history_root = history_root(&history),
                                         .state_root = block->header.state_root,
                                         .totals_root = block->header.totals_root,
                                         .validators_hash = validators,
                                         .next_validators_hash = validators,
                                         .params_hash = block->header.params_hash,
                                         .releases = (block->header.flags & BLOCK_RELEASES) != 0};
        seal_step(&seal, &facts, &block->header);
        block_header_encode(&block->header, block->bytes);
        block->hash = last_hash = block_header_hash(block->bytes);
        history_add(&history, i + 1, last_hash);
    }
}

/* Voter 1 has the journal's key. */
static inline void story_voter_seed(uint32_t id, uint8_t seed[32])
{
    static const char *const ones[] = {"one", "two", "three", "four", "five", "six", "seven"};
    memset(seed, 0, 32);
    snprintf((char *)seed, 32, "node %s", ones[id - 1]);
}

static inline void story_voter(uint32_t id, uint8_t public_key[PUBLIC_KEY_BYTES],
                               uint8_t secret[SECRET_KEY_BYTES])
{
    uint8_t seed[32];
    story_voter_seed(id, seed);
    crypto_sign_seed_keypair(public_key, secret, seed);
}

/* What all voters sign, or those of whom `among` has bit id - 1; node 1 with the key that the journal has by now. */
static inline size_t story_certify(const struct story *story, uint32_t among,
                                   enum certificate_statement statement, uint64_t height,
                                   hash_t root, uint8_t bytes[CERTIFICATE_BYTES_MAX])
{
    const struct genesis *genesis = &story->journal.genesis;
    struct certificate certificate = {.height = height, .header_hash = root};
    for (uint32_t id = 1; id <= genesis->validators.count; id++) {
        uint8_t public_key[PUBLIC_KEY_BYTES], secret[SECRET_KEY_BYTES];
        struct vote_command vote;
        if ((among >> (id - 1) & 1) == 0) continue;
        story_voter(id, public_key, secret);
        if (id == 1) memcpy(secret, story->journal.node_secret, sizeof(secret));
        certificate_statement_sign(statement, secret, genesis_chain_id(genesis), 0, height, root,
                                   id, &vote);
        certificate.votes[certificate.vote_count].node = id;
        memcpy(certificate.votes[certificate.vote_count++].signature, vote.signature,
               SIGNATURE_BYTES);
    }
    return certificate_encode(&certificate, bytes);
}

/* The journal of the plan. */
static inline void story_journal(struct story *story)
{
    struct journal *journal = &story->journal;
    struct validator_set *set = &journal->genesis.validators;
    uint8_t secret[SECRET_KEY_BYTES];
    journal_begin(journal);
    if (story->plan.rules != 0) journal->genesis.params.rules = story->plan.rules;
    for (uint32_t id = 2; id <= story->plan.voters; id++, set->count++) {
        set->members[id - 1].node = id;
        story_voter(id, set->members[id - 1].public_key, secret);
    }
    arena_unmap(&journal->arena);
    if (!arena_map(&journal->arena, engine_bytes(&journal->genesis))) abort();
    journal->engine = engine_new(&journal->arena, &journal->genesis);
    if (journal->engine == NULL) abort();
}

/* Keeps `plan`, `slices.ring` and `flip_height`; the rest is made anew. Six blocks of trading. The vote for each is in the
 * next, node 1's. `forged_credit` is put on the first credit after its operator signed it. */
static inline void story_tell(struct story *story, int64_t forged_credit)
{
    struct ring *slices = story->slices.ring;
    const uint32_t flip_height = story->flip_height;
    const struct story_plan plan = story->plan;
    memset(story, 0, sizeof(*story));
    story->plan = plan;
    story->slices.ring = slices;
    story->flip_height = flip_height;
    story_journal(story);
    story->journal.take = story_take;
    story->journal.context = story;
    story->journal.forged_credit = forged_credit;
    story->trusting = forged_credit != 0;
    if (!arena_map(&story->arena, settlement_bytes(&story->journal.genesis))) abort();
    struct settlement *settlement =
        settlement_new(&story->arena, &story->journal.genesis, journal_tree_secret);
    digest_begin(&story->digest, &story->journal.genesis, settlement);
    journal_open(&story->journal);
    for (uint32_t i = 1; i < 6; i++) {
        struct vote_command vote;
        certificate_sign(story->journal.node_secret, story->digest.chain_id, 0, i,
                         story->digest.last_hash, 1, &vote);
        journal_vote(&story->journal, &vote);
        if (i == 1 && plan.more != NULL) plan.more(&story->journal);
        journal_trade(&story->journal, 5000000 + i);
    }
    if (story->height != 6) abort();
    story_seal(story);
}

static inline void story_end(struct story *story)
{
    story->slices.ring = NULL;
    story->flip_height = 0;
    journal_end(&story->journal);
    arena_unmap(&story->arena);
}

/* Finds the event of this type with this place among its like in a block's body. */
static inline uint8_t *story_event(struct story *story, uint64_t height, uint16_t type,
                                   uint32_t place)
{
    struct story_block *block = &story->blocks[height - 1];
    const uint8_t *at = block->body;
    struct applied record;
    struct command command;
    while (block_next(&at, block->body + block->body_bytes, &record, &command)) {
        const uint8_t *events = record.events;
        struct event event;
        while (event_next(&events, record.events + record.events_length, &event))
            if (event.type == type && place-- == 0) return (uint8_t *)(uintptr_t)event.payload;
    }
    abort();
}

/* Writes the chain to a folder; bit h - 1 of `certified` gives block h a certificate. */
static inline void story_write(struct story *story, const char *folder, uint32_t certified)
{
    struct chain *chain;
    if (chain_open(folder, &chain) != STATUS_OK) abort();
    for (uint32_t i = 0; i < story->height; i++) {
        const struct story_block *block = &story->blocks[i];
        if (chain_append_block(chain, block->bytes, block->body, block->body_bytes) != STATUS_OK)
            abort();
        uint8_t bytes[CERTIFICATE_BYTES_MAX];
        if ((certified >> i & 1) != 0 &&
            chain_append_certificate(chain, i + 1, bytes,
                                     story_certify(story, UINT32_MAX, CERTIFICATE_OF_BLOCK, i + 1,
                                                   block->hash, bytes)) != STATUS_OK)
            abort();
    }
    chain_close(chain);
}

#endif /* TESTS_NODE_STORY_H */
