#include "common/block_header.h"

#include "tests/harness.h"

static struct block_header header;
static uint8_t bytes[BLOCK_HEADER_BYTES];

static hash_t filled(uint8_t byte)
{
    hash_t hash;
    memset(hash.bytes, byte, HASH_BYTES);
    return hash;
}

static void make_header(void)
{
    header = (struct block_header){
        .version = BLOCK_HEADER_VERSION,
        .flags = 0x0203,
        .height = 0x1112131415161718,
        .time_ns = 0x2122232425262728,
        .epoch = 0x3132333435363738,
        .first_command = 0x4142434445464748,
        .last_command = 0x5152535455565758,
        .tx_count = 0x61626364,
        .fill_count = 0x71727374,
        .body_length = 0x8182838485868788,
        .chain_id = filled(0xa0),
        .prev_hash = filled(0xa1),
        .history_root = filled(0xa2),
        .tx_root = filled(0xa3),
        .fills_root = filled(0xa4),
        .state_root = filled(0xa5),
        .events_hash = filled(0xa6),
        .totals_root = filled(0xa7),
        .validators_hash = filled(0xa8),
        .next_validators_hash = filled(0xa9),
        .params_hash = filled(0xaa),
        .body_hash = filled(0xab),
    };
    block_header_encode(&header, bytes);
}

#define FULL(digit) \
    digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit \
        digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit \
            digit digit

TEST(block_header, the_448_bytes_are_golden)
{
    char text[2 * BLOCK_HEADER_BYTES + 1];
    make_header();
    hash_hex(bytes, sizeof(bytes), text);
    assert_string_equal(text, "51584248" /* QXBH */
                              "0100"     /* version */
                              "0302"     /* flags */
                              "1817161514131211"
                              "2827262524232221"
                              "3837363534333231"
                              "4847464544434241"
                              "5857565554535251"
                              "64636261"
                              "74737271"
                              "8887868584838281" FULL("a0") FULL("a1") FULL("a2") FULL("a3")
                                  FULL("a4") FULL("a5") FULL("a6") FULL("a7") FULL("a8") FULL("a9")
                                      FULL("aa") FULL("ab"));
}

TEST(block_header, a_header_reads_back_as_itself)
{
    struct block_header back;
    uint8_t again[BLOCK_HEADER_BYTES];
    make_header();
    assert_true(block_header_decode(bytes, &back));
    block_header_encode(&back, again);
    assert_memory_equal(bytes, again, sizeof(bytes));
    assert_true(back.last_command == header.last_command);
    assert_true(hash_equal(back.params_hash, header.params_hash));
}

TEST(block_header, another_magic_or_version_is_refused)
{
    struct block_header back;
    make_header();
    for (size_t i = 0; i < 6; i++) {
        bytes[i]++;
        assert_false(block_header_decode(bytes, &back));
        bytes[i]--;
    }
    assert_true(block_header_decode(bytes, &back));
}

TEST(block_header, every_byte_is_under_the_hash)
{
    make_header();
    const hash_t hash = block_header_hash(bytes);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] ^= 1;
        assert_false(hash_equal(hash, block_header_hash(bytes)));
        bytes[i] ^= 1;
    }
    assert_true(hash_equal(hash, block_header_hash(bytes)));
}

/* The tag keeps a header's hash apart from the hash of the same bytes as anything else. */
TEST(block_header, the_hash_is_sha256_under_its_tag)
{
    uint8_t tagged[15 + BLOCK_HEADER_BYTES];
    make_header();
    memcpy(tagged, "quorex/header/1", 15);
    memcpy(tagged + 15, bytes, sizeof(bytes));
    assert_true(hash_equal(block_header_hash(bytes), hash_of(tagged, sizeof(tagged))));
}

TEST(block_header, a_vote_signs_chain_epoch_height_and_hash)
{
    uint8_t vote[BLOCK_VOTE_BYTES];
    char text[2 * BLOCK_VOTE_BYTES + 1];
    block_vote_message(filled(0xa0), 0x0102, 0x0304, filled(0xa1), vote);
    hash_hex(vote, sizeof(vote), text);
    assert_string_equal(text, "71756f7265782f766f74652f31000000" /* quorex/vote/1 */
                        FULL("a0") "0201000000000000"
                                   "0403000000000000" FULL("a1"));
}
