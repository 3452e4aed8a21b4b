#include "node/voters.h"

#include "ledger/lineage.h"
#include "tests/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETS 5

/* Set i has four voters: nodes i + 1 to i + 4, each with its own key. */
static struct genesis genesis;
static struct validator_set sets[SETS];
static uint8_t keys[SETS + 4][SECRET_KEY_BYTES];
static char folder[32];

static void begin(void)
{
    assert_true(hash_start());
    memset(&genesis, 0, sizeof(genesis));
    memset(sets, 0, sizeof(sets));
    for (uint32_t i = 0; i < SETS + 4; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1)}, public_key[PUBLIC_KEY_BYTES];
        crypto_sign_seed_keypair(public_key, keys[i], seed);
        for (uint32_t set = 0; set < SETS; set++) {
            if (i < set || i >= set + 4) continue;
            struct validator *member = &sets[set].members[sets[set].count++];
            member->node = i + 1;
            memcpy(member->public_key, public_key, PUBLIC_KEY_BYTES);
        }
    }
    genesis.validators = sets[0];
    memcpy(folder, "/tmp/voters-XXXXXX", 19);
    assert_non_null(mkdtemp(folder));
}

static void end(void)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/lineage", folder);
    unlink(path);
    assert_int_equal(rmdir(folder), 0);
}

/* The header of `height` hands over from set `from` to set `to`; `signer` is the set whose voters sign. */
static void step(uint64_t height, uint32_t from, uint32_t to, uint32_t signer)
{
    uint8_t bytes[BLOCK_HEADER_BYTES];
    static struct certificate certificate;
    const struct block_header header = {.version = 1,
                                        .height = height,
                                        .first_command = height,
                                        .last_command = height,
                                        .chain_id = genesis_chain_id(&genesis),
                                        .validators_hash = validator_set_hash(&sets[from]),
                                        .next_validators_hash = validator_set_hash(&sets[to])};
    block_header_encode(&header, bytes);
    certificate = (struct certificate){
        .height = height, .header_hash = block_header_hash(bytes), .vote_count = 3};
    for (uint32_t i = 0; i < 3; i++) {
        struct vote_command vote;
        certificate_sign(keys[signer + i], header.chain_id, 0, height, certificate.header_hash,
                         signer + i + 1, &vote);
        certificate.votes[i].node = signer + i + 1;
        memcpy(certificate.votes[i].signature, vote.signature, SIGNATURE_BYTES);
    }
    assert_int_equal(lineage_append(folder, bytes, &certificate, &sets[to]), STATUS_OK);
}

/* Whose word the set is, -1: it is not known. */
static int word_of(uint32_t set, const hash_t *trusted)
{
    struct voters *voters;
    enum voters_word word = VOTERS_OWN;
    assert_int_equal(voters_new(folder, &genesis, trusted, &voters), STATUS_OK);
    const struct validator_set *found = voters_find(voters, validator_set_hash(&sets[set]), &word);
    if (found != NULL)
        assert_true(hash_equal(validator_set_hash(found), validator_set_hash(&sets[set])));
    voters_free(voters);
    return found == NULL ? -1 : (int)word;
}

/* Each set that the one before has signed over follows from the genesis. */
TEST(voters, steps_lead_from_the_genesis)
{
    begin();
    assert_int_equal(word_of(0, NULL), VOTERS_GENESIS);
    assert_int_equal(word_of(1, NULL), -1);
    step(10, 0, 1, 0);
    step(20, 1, 2, 1);
    assert_int_equal(word_of(1, NULL), VOTERS_GENESIS);
    assert_int_equal(word_of(2, NULL), VOTERS_GENESIS);
    assert_int_equal(word_of(3, NULL), -1);
    end();
}

/* A step that the old set has not signed makes nobody known; a later one over the same gap says its own word only. */
TEST(voters, forged_steps_are_nobodys_word)
{
    begin();
    step(10, 0, 4, 4); /* signed by who would come */
    assert_int_equal(word_of(4, NULL), -1);
    step(20, 4, 3, 4);
    assert_int_equal(word_of(3, NULL), VOTERS_OWN);
    /* Keys of voters who have gone lead nowhere any more. */
    end();
    begin();
    step(10, 0, 1, 0);
    step(20, 0, 4, 0);
    assert_int_equal(word_of(1, NULL), VOTERS_GENESIS);
    assert_int_equal(word_of(4, NULL), VOTERS_OWN);
    end();
}

/* Where a set was replaced that could not sign, an operator's word takes its place, from there on and not before. */
TEST(voters, operator_s_word_closes_a_gap)
{
    begin();
    const hash_t second = validator_set_hash(&sets[2]), other = validator_set_hash(&sets[4]);
    step(10, 0, 1, 0);
    step(30, 2, 3, 2); /* nobody has signed 2 over */
    assert_int_equal(word_of(2, NULL), -1);
    assert_int_equal(word_of(3, NULL), VOTERS_OWN);
    assert_int_equal(word_of(3, &other), VOTERS_OWN);
    struct voters *voters;
    enum voters_word word;
    assert_int_equal(voters_new(folder, &genesis, &second, &voters), STATUS_OK);
    assert_int_equal(voters_add(voters, &sets[2]), STATUS_OK);
    assert_non_null(voters_find(voters, second, &word));
    assert_int_equal(word, VOTERS_OPERATOR);
    assert_int_equal(voters_add(voters, &sets[0]), STATUS_OK);
    assert_non_null(voters_find(voters, validator_set_hash(&sets[0]), &word));
    assert_int_equal(word, VOTERS_GENESIS); /* what is known better stays so */
    voters_free(voters);
    end();
    begin();
    const hash_t third = validator_set_hash(&sets[2]);
    step(10, 1, 2, 1); /* over a gap: 1 is not known */
    step(20, 2, 3, 2);
    assert_int_equal(word_of(3, NULL), VOTERS_OWN);
    assert_int_equal(word_of(2, &third), VOTERS_OPERATOR);
    assert_int_equal(word_of(3, &third), VOTERS_OPERATOR);
    end();
}
