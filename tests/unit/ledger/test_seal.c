#include "ledger/seal.h"

#include "tests/harness.h"
#include "tests/unit/ledger/blocks.h"

static void assert_hash(hash_t hash, const char *hex)
{
    char text[2 * HASH_BYTES + 1];
    hash_hex(hash.bytes, HASH_BYTES, text);
    assert_string_equal(text, hex);
}

/* The header's bytes, and with them its hash, never change: both were laid out by another program from
 * the description in block_header.h. */
TEST(seal, header_has_its_golden_bytes_and_hash)
{
    struct block_header header = {.version = 1,
                                  .height = 7,
                                  .time_ns = 1700000000000000000,
                                  .first_command = 101,
                                  .last_command = 120,
                                  .tx_count = 20,
                                  .fill_count = 3,
                                  .body_length = 4096};
    hash_t *const hashes[12] = {&header.chain_id,        &header.prev_hash,
                                &header.history_root,    &header.tx_root,
                                &header.fills_root,      &header.state_root,
                                &header.events_hash,     &header.totals_root,
                                &header.validators_hash, &header.next_validators_hash,
                                &header.params_hash,     &header.body_hash};
    for (int i = 0; i < 12; i++)
        memset(hashes[i]->bytes, 0x10 + i, HASH_BYTES);
    uint8_t bytes[BLOCK_HEADER_BYTES];
    block_header_encode(&header, bytes);
    static const uint8_t start[] = {'Q', 'X', 'B', 'H', 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0};
    assert_memory_equal(bytes, start, sizeof(start));
    assert_int_equal(bytes[64], 0x10);
    assert_int_equal(bytes[447], 0x1b);
    assert_hash(block_header_hash(bytes),
                "bb9699264944261fbc8ec841bfbd584b39e54dccb7d4f5a3f0e95e098a3bd926");
}

/* Every figure of the header that the body decides, counted by hand on the second block: three
 * commands, one fill at ordinal 1. */
TEST(seal, body_decides_counts_roots_and_hashes)
{
    struct blocks blocks;
    blocks_begin(&blocks);
    blocks_next(&blocks);
    blocks_next(&blocks);
    const struct block_header *header = &blocks.header;
    assert_int_equal(header->first_command, 3);
    assert_int_equal(header->last_command, 5);
    assert_int_equal(header->tx_count, 3);
    assert_int_equal(header->fill_count, 1);
    assert_int_equal(header->body_length, blocks.body_bytes);
    assert_true(hash_equal(header->body_hash, hash_of(blocks.body, blocks.body_bytes)));

    struct applied records[3];
    const uint8_t *at = blocks.body, *const end = at + blocks.body_bytes;
    struct hash_stream events;
    hash_t leaves[3];
    hash_stream_begin(&events);
    for (int i = 0; i < 3; i++) {
        assert_true(applied_next(&at, end, &records[i]));
        leaves[i] = merkle_leaf(records[i].command, records[i].command_length);
        hash_stream_add(&events, &records[i].number, 8);
        hash_stream_add(&events, records[i].events, records[i].events_length);
    }
    assert_true(
        hash_equal(header->tx_root, merkle_node(merkle_node(leaves[0], leaves[1]), leaves[2])));
    assert_true(hash_equal(header->events_hash, hash_stream_end(&events)));

    /* BALANCE is ordinal 0 of command 4, the FILL ordinal 1. */
    uint8_t leaf[12 + EVENT_HEADER_BYTES + FILL_BYTES] = {4, 0, 0, 0, 0, 0, 0, 0, 1};
    memcpy(leaf + 12, records[1].events + EVENT_HEADER_BYTES + BALANCE_BYTES,
           EVENT_HEADER_BYTES + FILL_BYTES);
    assert_true(hash_equal(header->fills_root, merkle_leaf(leaf, sizeof(leaf))));
}

/* A block without fills has the root of no leaves, not of zeros. */
TEST(seal, block_without_fills_has_the_empty_root)
{
    struct blocks blocks;
    blocks_begin(&blocks);
    blocks_next(&blocks);
    assert_int_equal(blocks.header.fill_count, 0);
    assert_true(hash_equal(blocks.header.fills_root, hash_of("", 0)));
}

/* seal_step looks, it does not end: the same header twice, and sealing may go on. */
TEST(seal, step_leaves_the_seal_as_it_is)
{
    struct blocks blocks;
    blocks_begin(&blocks);
    blocks_next(&blocks);
    const struct seal_facts facts = {.height = 1};
    struct block_header first, second;
    seal_step(&blocks.seal, &facts, &first);
    seal_step(&blocks.seal, &facts, &second);
    assert_null(block_header_difference(&first, &second));
}
