#include "node/light_check.h"

#include "tests/harness.h"
#include "tests/unit/node/light_home.h"

#include <unistd.h>

#define BLOCKS 100

static struct light_chain chain;
static struct light_home home;
static hash_t leaves[BLOCKS];
static struct light_known known;
static char words[LIGHT_CHECK_REASON_MAX];

static void begin(uint64_t certified)
{
    light_home_begin(&home, &chain, 0x0f);
    while (chain.height < BLOCKS) {
        light_chain_next(&chain);
        leaves[chain.height - 1] = history_leaf(chain.last_hash);
    }
    light_home_take(&home, &chain, certified, 0x07);
    known = (struct light_known){home.light, home.store};
}

static hash_t root_of(uint64_t size)
{
    struct history history;
    history_begin(&history);
    for (uint64_t height = 1; height <= size; height++)
        history_add(&history, height, block_header_hash(chain.headers[height]));
    return history_root(&history);
}

static struct light_proof inclusion(uint64_t height, uint64_t at)
{
    struct light_proof proof = {.kind = LIGHT_PROOF_INCLUSION, .low = height, .high = at};
    proof.low_hash = block_header_hash(chain.headers[height]);
    proof.root = root_of(at);
    merkle_prove_inclusion(leaves, at, height - 1, &proof.path);
    return proof;
}

static struct light_proof consistency(uint64_t from, uint64_t to)
{
    struct light_proof proof = {.kind = LIGHT_PROOF_CONSISTENCY, .low = from, .high = to};
    proof.low_hash = root_of(from);
    proof.root = root_of(to);
    merkle_prove_consistency(leaves, from, to, &proof.path);
    return proof;
}

static bool proves(const struct light_proof *proof)
{
    return light_check_proof(&known, proof, words);
}

/* Any header below, any older history: up to what is certified, and not a block above. */
TEST(light_check, proofs_end_in_certified_roots)
{
    begin(60);
    for (uint64_t at = 1; at <= 61; at++) {
        const struct light_proof last = inclusion(at < 60 ? at : 1, at), whole = consistency(1, at);
        assert_int_equal(proves(&last), at <= 60);
        assert_int_equal(proves(&whole), at <= 60);
    }
    assert_string_equal(words, "the root of 61 headers is not known here: blocks 1 to 60 are");
    const struct light_proof one = inclusion(7, 33);
    assert_true(proves(&one));
    assert_non_null(strstr(words, "block 7 of the certified chain has the header "));
    light_home_end(&home);
}

/* A header that lies here without a certificate, after a crash, is not what a proof may end in. */
TEST(light_check, headers_without_a_certificate_prove_nothing)
{
    char path[96];
    struct stat facts;
    begin(60);
    light_home_take(&home, &chain, 90, 0x07);
    light_store_close(home.store);
    snprintf(path, sizeof(path), "%s/chain/00000001.segment", home.folder);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(truncate(path, facts.st_size - 9), 0);
    assert_int_equal(light_home_open(&home), STATUS_OK);
    known = (struct light_known){home.light, home.store};
    const struct light_proof good = inclusion(40, 59), bad = inclusion(40, 70);
    uint8_t header[BLOCK_HEADER_BYTES];
    assert_int_equal(known.light.certified.height, 60);
    assert_int_equal(light_store_header(known.store, 71, header), STATUS_OK);
    assert_true(proves(&good));
    assert_false(proves(&bad));
    light_home_end(&home);
}

/* Every field of a proof that leads elsewhere. */
TEST(light_check, altered_proofs_prove_nothing)
{
    begin(90);
    for (int kind = 0; kind < 2; kind++) {
        const struct light_proof good = kind == 0 ? inclusion(21, 80) : consistency(21, 80);
        assert_true(proves(&good));
        for (int change = 0; change < 7; change++) {
            struct light_proof proof = good;
            if (change == 0) proof.low++;
            if (change == 1) proof.high++;
            if (change == 2) proof.low_hash.bytes[5] ^= 1;
            if (change == 3) proof.root.bytes[5] ^= 1;
            if (change == 4) proof.path.count--;
            if (change == 5) proof.path.hashes[proof.path.count++] = proof.root;
            if (change == 6) proof.path.hashes[1].bytes[31] ^= 1;
            assert_false(proves(&proof));
        }
    }
    light_home_end(&home);
}

/* A right proof between the wrong trees: what was never certified proves nothing. */
TEST(light_check, proofs_of_another_chain_prove_nothing)
{
    static struct light_chain ours;
    begin(90);
    ours = chain;
    light_chain_begin(&chain, 0x0f);
    chain.chain_id = ours.chain_id;
    while (chain.height < BLOCKS) {
        struct block_header header = light_chain_header(&chain, 0x0f);
        header.tx_count = chain.height + 1 == 50;
        light_chain_take(&chain, &header, 0x0f);
        leaves[chain.height - 1] = history_leaf(chain.last_hash);
    }
    const struct light_proof other = inclusion(50, 80), older = consistency(60, 80);
    assert_false(proves(&other));
    assert_string_equal(words, "its root is not that of the certified chain");
    assert_false(proves(&older));
    const struct light_proof common = inclusion(40, 49); /* below, both are one */
    assert_true(proves(&common));
    light_home_end(&home);
}

/* What is here may begin above the older size, whose root then only the proof has: the path alone must say which size it is
 * of. Every other size below is tried with it. */
TEST(light_check, an_older_root_is_of_one_size)
{
    begin(90);
    known.light.first = 60; /* the roots below 59 are not known here */
    for (uint64_t from = 1; from <= 58; from++) {
        struct light_proof proof = consistency(from, 80);
        assert_true(proves(&proof));
        for (proof.low = 1; proof.low <= 58; proof.low++)
            assert_int_equal(proves(&proof), proof.low == from);
    }
    light_home_end(&home);
}

/* A server may not answer one question with the right answer to another: of another kind, of another size at either end. */
TEST(light_check, what_was_asked_is_what_is_proved)
{
    begin(90);
    const struct light_proof proofs[] = {inclusion(40, 80), consistency(40, 80),
                                         inclusion(39, 80), consistency(39, 80),
                                         inclusion(40, 79), consistency(40, 79)};
    for (int kind = 0; kind < 2; kind++) {
        const struct light_asked asked = {
            kind == 0 ? LIGHT_PROOF_INCLUSION : LIGHT_PROOF_CONSISTENCY, 40, 80};
        for (int i = 0; i < 6; i++) {
            assert_true(proves(&proofs[i]));
            assert_int_equal(light_check_is_asked(&proofs[i], &asked), i == kind);
        }
    }
    light_home_end(&home);
}
