#include "ledger/light.h"

#include "tests/harness.h"
#include "tests/unit/ledger/light_chain.h"

#define FOUR  0x0fu /* nodes 1 to 4 */
#define THREE 0x07u /* q of them */
#define TWO   0x03u
#define LATER 0x1eu /* nodes 2 to 5 */

static struct light_chain chain, other;
static struct light light;
static const char *what;

static void begin(void)
{
    light_chain_begin(&chain, FOUR);
    const struct validator_set set = light_chain_set(&chain, FOUR);
    light_begin(&light, chain.chain_id, &set);
    what = NULL;
}

static enum light_answer take(const uint8_t *header)
{
    const struct light_step step = {.header = header};
    return light_take(&light, &step, &what);
}

static enum light_answer take_signed(const uint8_t *header, uint32_t signers)
{
    const struct certificate certificate = light_chain_sign(&chain, header, signers);
    const struct light_step step = {.header = header, .certificate = &certificate};
    return light_take(&light, &step, &what);
}

static enum light_answer take_turn(const uint8_t *header, uint32_t signers, uint32_t next)
{
    const struct certificate certificate = light_chain_sign(&chain, header, signers);
    const struct validator_set set = light_chain_set(&chain, next);
    const struct light_step step = {.header = header, .certificate = &certificate, .next = &set};
    return light_take(&light, &step, &what);
}

/* Nothing changed: what is certified, and what is pending. */
static void assert_refused(enum light_answer answer, enum light_answer expected, const char *words)
{
    static struct light before;
    assert_int_equal(answer, expected);
    if (words != NULL) assert_string_equal(what, words);
    before = light;
    light_forget_pending(&before);
    assert_memory_equal(&before.certified, &light.certified, sizeof(light.certified));
}

/* Headers above the newest certificate count for nothing; one certificate makes all below it count. */
TEST(light, certificate_certifies_every_ancestor)
{
    begin();
    for (int i = 0; i < 5; i++)
        assert_int_equal(take(light_chain_next(&chain)), LIGHT_PENDING);
    assert_int_equal(light.certified.height, 0);
    assert_int_equal(light_pending(&light), 5);
    assert_int_equal(take_signed(light_chain_next(&chain), THREE), LIGHT_CERTIFIED);
    assert_int_equal(light.certified.height, 6);
    assert_true(hash_equal(light.certified.hash, chain.last_hash));
    assert_int_equal(light_pending(&light), 0);
    assert_true(light_is_whole(&light));
    assert_true(hash_equal(history_root(&light.certified.history), history_root(&chain.history)));
    assert_int_equal(take(light_chain_next(&chain)), LIGHT_PENDING);
    light_forget_pending(&light);
    assert_int_equal(light.tip.height, 6);
    assert_int_equal(take(chain.headers[7]), LIGHT_PENDING); /* it may come again */
}

/* More than two thirds of the very voters, over the very header; anything less is said and changes nothing. */
TEST(light, certificate_needs_the_voters_of_its_header)
{
    begin();
    assert_int_equal(take_signed(light_chain_next(&chain), FOUR), LIGHT_CERTIFIED);
    const uint8_t *header = light_chain_next(&chain);
    assert_refused(take_signed(header, TWO), LIGHT_FALSE, "it has too few votes");
    assert_refused(take_signed(header, 0xe0), LIGHT_FALSE, "one of its votes is by no validator");
    assert_refused(take_signed(header, THREE | 0x80), LIGHT_FALSE,
                   "one of its votes is by no validator");
    struct certificate certificate = light_chain_sign(&chain, header, THREE);
    const struct light_step step = {.header = header, .certificate = &certificate};
    certificate.votes[1].signature[9] ^= 1;
    assert_refused(light_take(&light, &step, &what), LIGHT_FALSE, "one of its signatures is wrong");
    certificate = light_chain_sign(&chain, chain.headers[1], THREE);
    assert_refused(light_take(&light, &step, &what), LIGHT_FALSE,
                   "its certificate is of another header");
    certificate = light_chain_sign(&chain, header, THREE);
    certificate.epoch++;
    assert_refused(light_take(&light, &step, &what), LIGHT_FALSE,
                   "its certificate is of another header");
    assert_int_equal(light_pending(&light), 0);
    assert_int_equal(take_signed(header, THREE), LIGHT_CERTIFIED);
}

/* Every field that ties a header to the one before it, and to the chain. */
TEST(light, header_follows_the_one_before)
{
    static const char *const words[] = {
        "height",          "first_command", "prev_hash",
        "time_ns falls",   "epoch falls",   "it is of another chain",
        "validators_hash", "history_root",  "it is no header of ours"};
    begin();
    chain.epoch = 3;
    assert_int_equal(take_signed(light_chain_next(&chain), THREE), LIGHT_CERTIFIED);
    assert_int_equal(take_signed(light_chain_next(&chain), THREE), LIGHT_CERTIFIED);
    for (int i = 0; i < 9; i++) {
        uint8_t bytes[BLOCK_HEADER_BYTES];
        struct block_header header = light_chain_header(&chain, FOUR);
        if (i == 0) header.height++;
        if (i == 1) header.first_command++;
        if (i == 2) header.prev_hash.bytes[0] ^= 1;
        if (i == 3) header.time_ns = 5;
        if (i == 4) header.epoch--;
        if (i == 5) header.chain_id.bytes[0] ^= 1;
        if (i == 6) header.validators_hash.bytes[0] ^= 1;
        if (i == 7) header.history_root.bytes[0] ^= 1;
        block_header_encode(&header, bytes);
        if (i == 8) bytes[0] ^= 1;
        /* Also with the signatures of everybody: what does not follow is of another chain. */
        assert_refused(take(bytes), LIGHT_FALSE, words[i]);
        if (i < 8) assert_refused(take_signed(bytes, FOUR), LIGHT_FALSE, words[i]);
    }
    chain.epoch = 7; /* epochs may go on */
    assert_int_equal(take_signed(light_chain_next(&chain), THREE), LIGHT_CERTIFIED);
}

/* The first header is that of height 1, by the voters of the genesis. */
TEST(light, chain_begins_with_the_genesis)
{
    begin();
    light_chain_next(&chain);
    assert_refused(take(light_chain_next(&chain)), LIGHT_FALSE, "height");
    light_chain_begin(&chain, LATER);
    assert_refused(take_signed(light_chain_next(&chain), LATER), LIGHT_FALSE,
                   "its voters are not those that are trusted");
}

/* Another set counts when a header that names it has a certificate of its own by the old one. */
TEST(light, voters_are_handed_over_by_the_old_ones)
{
    begin();
    assert_int_equal(take_signed(light_chain_next(&chain), THREE), LIGHT_CERTIFIED);
    const uint8_t *turn = light_chain_turn(&chain, LATER);
    assert_refused(take_signed(turn, THREE), LIGHT_WANTS_SET, NULL);
    assert_int_equal(light.tip.height, 1);
    assert_refused(take_turn(turn, THREE, TWO), LIGHT_FALSE,
                   "it does not hand over to these voters");
    assert_refused(take_turn(turn, 0x1c, LATER), LIGHT_FALSE,
                   "one of its votes is by no validator");
    assert_int_equal(take_turn(turn, THREE, LATER), LIGHT_CERTIFIED);
    const uint8_t *header = light_chain_next(&chain);
    assert_refused(take_signed(header, THREE), LIGHT_FALSE, "one of its votes is by no validator");
    assert_int_equal(take_signed(header, 0x1c), LIGHT_CERTIFIED);
}

/* A hand-over without a certificate hands over nothing, whoever signs what comes after: it may still come. */
TEST(light, no_certificate_counts_behind_a_hand_over_without_one)
{
    begin();
    assert_int_equal(take(light_chain_turn(&chain, LATER)), LIGHT_PENDING);
    assert_int_equal(take_signed(light_chain_next(&chain), 0x1c), LIGHT_PENDING);
    assert_int_equal(take_signed(light_chain_turn(&chain, FOUR), 0x1c), LIGHT_PENDING);
    /* Back with the first ones: still nobody has said so. */
    assert_int_equal(take_signed(light_chain_next(&chain), THREE), LIGHT_PENDING);
    assert_int_equal(light.certified.height, 0);
    light_forget_pending(&light);
    assert_int_equal(take_turn(chain.headers[1], THREE, LATER), LIGHT_CERTIFIED);
    assert_int_equal(take_signed(chain.headers[2], 0x1c), LIGHT_CERTIFIED);
}

/* Where a set could not sign, its hand-over never comes: said when it is certain. */
TEST(light, gap_is_said_after_as_many_blocks_as_voters_wait)
{
    begin();
    assert_int_equal(take(light_chain_turn(&chain, LATER)), LIGHT_PENDING);
    for (int i = 0; i < LIGHT_TURN_MAX; i++)
        assert_int_equal(take_signed(light_chain_next(&chain), 0x1c), LIGHT_PENDING);
    assert_refused(take_signed(light_chain_next(&chain), 0x1c), LIGHT_GAP, NULL);
    assert_int_equal(light.tip.height, 1 + LIGHT_TURN_MAX);
    assert_int_equal(light.tip.turn, 1);
}

/* An operator's word leads over the gap: for that height and those voters, and everything below it is certified by
 * theirs. */
TEST(light, operator_s_word_leads_over_a_gap)
{
    const struct validator_set later = light_chain_set(&chain, LATER),
                               strangers = light_chain_set(&chain, 0xf0);
    begin();
    assert_int_equal(take_signed(light_chain_next(&chain), THREE), LIGHT_CERTIFIED);
    light_chain_turn(&chain, LATER);
    while (chain.height < 100)
        light_chain_next(&chain);
    for (int i = 0; i < 2; i++) {
        light_trust(&light, 90, i == 0 ? &strangers : &later);
        light_forget_pending(&light);
        assert_int_equal(take(chain.headers[2]), LIGHT_PENDING);
        for (uint64_t height = 3; height < 90; height++)
            assert_int_equal(take_signed(chain.headers[height], 0x1c), LIGHT_PENDING);
        if (i == 0)
            assert_refused(take_signed(chain.headers[90], 0x1c), LIGHT_FALSE,
                           "its voters are not those that the operator vouched for");
    }
    assert_int_equal(take_signed(chain.headers[90], 0x1c), LIGHT_CERTIFIED);
    assert_int_equal(light.certified.height, 90);
    assert_int_equal(take_signed(chain.headers[91], THREE), LIGHT_FALSE);
    assert_int_equal(take_signed(chain.headers[91], 0x1c), LIGHT_CERTIFIED);
}

/* Or one begins there: the history below is what the header says. */
TEST(light, chain_begins_at_an_operator_s_word)
{
    begin();
    while (chain.height < 20)
        light_chain_next(&chain);
    const struct validator_set set = light_chain_set(&chain, FOUR);
    light_begin_at(&light, chain.chain_id, 10, &set);
    assert_false(light_is_whole(&light));
    assert_refused(take(chain.headers[9]), LIGHT_FALSE, "height");
    assert_refused(take(chain.headers[11]), LIGHT_FALSE, "height");
    assert_int_equal(take(chain.headers[10]), LIGHT_PENDING);
    assert_int_equal(light_pending(&light), 1);
    assert_int_equal(light.certified.height, 0);
    assert_int_equal(take_signed(chain.headers[11], THREE), LIGHT_CERTIFIED);
    const struct validator_set strangers = light_chain_set(&chain, LATER);
    light_begin_at(&light, chain.chain_id, 10, &strangers);
    assert_refused(take(chain.headers[10]), LIGHT_FALSE,
                   "its voters are not those that are trusted");
}

/* What somebody else says above a common block is judged by the voters of that block. */
TEST(light, branch_is_followed_from_a_common_block)
{
    begin();
    assert_int_equal(take(light_chain_next(&chain)), LIGHT_PENDING);
    light_chain_turn(&chain, LATER);
    const struct validator_set later = light_chain_set(&chain, LATER);
    light_begin_above(&light, chain.headers[2], &later);
    assert_int_equal(light.certified.height, 2);
    assert_refused(take(chain.headers[2]), LIGHT_FALSE, "height");
    assert_int_equal(take_signed(light_chain_next(&chain), 0x1c), LIGHT_CERTIFIED);
}

TEST(light, pending_headers_are_bounded)
{
    begin();
    light_chain_next(&chain);
    light.certified.height = 0;
    light.tip.height = LIGHT_PENDING_MAX;
    light.tip.header = chain.last;
    light.tip.header.height = LIGHT_PENDING_MAX;
    light.tip.hash = chain.last_hash;
    light.first = 2; /* its history is not looked at */
    light.tip.height++;
    light.tip.header.height++;
    struct block_header header = light_chain_header(&chain, FOUR);
    uint8_t bytes[BLOCK_HEADER_BYTES];
    header.height = LIGHT_PENDING_MAX + 2;
    block_header_encode(&header, bytes);
    assert_refused(take_signed(bytes, THREE), LIGHT_FULL, NULL);
    light.first = 3;
    assert_int_equal(take_signed(bytes, THREE), LIGHT_CERTIFIED);
}

/* Whoever signed two headers of one height is found, whatever the certificates are worth otherwise. */
TEST(light, who_signed_twice_is_found)
{
    struct vote_command votes[2];
    begin();
    light_chain_begin(&other, FOUR);
    light_chain_next(&chain);
    struct block_header header = light_chain_header(&other, FOUR);
    header.tx_count = 9;
    light_chain_take(&other, &header, FOUR);
    const struct validator_set set = light_chain_set(&chain, FOUR);
    const struct certificate one = light_chain_sign(&chain, chain.headers[1], THREE);
    struct certificate two = light_chain_sign(&other, other.headers[1], 0x8e); /* 2, 3, 4 and 8 */
    assert_true(light_signed_twice(&one, &two, chain.chain_id, &set, 0, votes));
    assert_int_equal(votes[0].node, 2);
    assert_memory_equal(votes[0].header_hash, chain.last_hash.bytes, HASH_BYTES);
    assert_memory_equal(votes[1].header_hash, other.last_hash.bytes, HASH_BYTES);
    for (int i = 0; i < 2; i++)
        assert_true(certificate_vote_valid(&votes[i], chain.chain_id, &set));
    assert_true(light_signed_twice(&one, &two, chain.chain_id, &set, 1, votes));
    assert_int_equal(votes[1].node, 3);
    assert_false(light_signed_twice(&one, &two, chain.chain_id, &set, 2, votes));
    two.votes[0].signature[0] ^= 1; /* node 2 has not signed that */
    assert_true(light_signed_twice(&one, &two, chain.chain_id, &set, 0, votes));
    assert_int_equal(votes[0].node, 3);
    assert_false(light_signed_twice(&one, &two, chain.chain_id, &set, 1, votes));
    /* Of another epoch, or the same header: nobody lied. */
    assert_false(light_signed_twice(&one, &one, chain.chain_id, &set, 0, votes));
    two.epoch++;
    assert_false(light_signed_twice(&one, &two, chain.chain_id, &set, 0, votes));
}
