#include "ledger/block.h"

#include "tests/harness.h"
#include "tests/unit/ledger/blocks.h"

static struct blocks blocks;
static struct block_fault fault;

static void two_blocks(void)
{
    blocks_begin(&blocks);
    blocks_next(&blocks);
    blocks_next(&blocks);
}

static bool body_right(const struct block_header *header)
{
    return block_body_check(header, blocks.body, blocks.body_bytes, &fault);
}

TEST(block, body_of_a_sealed_block_is_right)
{
    two_blocks();
    assert_true(body_right(&blocks.header));
}

/* body_hash sees to it; but no byte may crash the walk on the way there either. */
TEST(block, body_with_any_bit_flipped_is_wrong)
{
    two_blocks();
    for (size_t i = 0; i < blocks.body_bytes * 8; i++) {
        blocks.body[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(body_right(&blocks.header));
        blocks.body[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

TEST(block, body_cut_short_is_wrong)
{
    two_blocks();
    for (size_t bytes = 0; bytes < blocks.body_bytes; bytes++) {
        struct block_header header = blocks.header;
        header.body_length = bytes;
        assert_false(block_body_check(&header, blocks.body, bytes, &fault));
    }
}

/* Each figure that follows from the body is named when the header says another. */
TEST(block, header_that_does_not_follow_from_the_body_is_named)
{
    two_blocks();
    struct block_header header = blocks.header;
    header.fill_count = 2;
    assert_false(body_right(&header));
    assert_string_equal(fault.what, "fill_count");
    header = blocks.header;
    header.tx_root.bytes[3] ^= 1;
    assert_false(body_right(&header));
    assert_string_equal(fault.what, "tx_root");
    header = blocks.header;
    header.events_hash.bytes[3] ^= 1;
    assert_false(body_right(&header));
    assert_string_equal(fault.what, "events_hash");
    header = blocks.header;
    header.time_ns++;
    assert_false(body_right(&header));
    assert_string_equal(fault.what, "time_ns");
    header = blocks.header;
    header.last_command--;
    assert_false(body_right(&header));
    header = blocks.header;
    header.first_command++;
    assert_false(body_right(&header));
    header = blocks.header;
    header.height++; /* the SEALED event says another */
    assert_false(body_right(&header));
}

/* A re-sealed body without its SEAL is no block, although every hash is right. */
TEST(block, body_that_no_seal_ends_is_wrong)
{
    blocks_begin(&blocks);
    uint8_t payload[512] = {0}, events[4];
    struct event_writer none = {.at = events, .end = events + sizeof(events)};
    blocks.height = 1;
    seal_begin(&blocks.seal, 1);
    blocks_record(&blocks, T_VOTE, payload, &none, events);
    const struct seal_facts facts = {.height = 1, .time_ns = 1000001};
    struct block_header header;
    seal_step(&blocks.seal, &facts, &header);
    assert_false(body_right(&header));
    assert_string_equal(fault.what, "a SEAL does not end it");
}

/* A block of one SEAL with the events that `write` gives it; its header follows from them. */
static struct block_header seal_with(void (*write)(struct event_writer *))
{
    uint8_t payload[512] = {0}, events[1024];
    const struct seal_command seal = {.height = 1};
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    struct block_header header;
    blocks_begin(&blocks);
    blocks.height = 1;
    seal_begin(&blocks.seal, 1);
    seal_command_put(payload, &seal);
    write(&writer);
    blocks_record(&blocks, T_SEAL, payload, &writer, events);
    const struct seal_facts facts = {.height = 1, .time_ns = 1000001};
    seal_step(&blocks.seal, &facts, &header);
    return header;
}

static void write_sealed(struct event_writer *writer)
{
    const struct sealed_event sealed = {.height = 1, .first_command = 1};
    event_write_sealed(writer, &sealed);
}

/* What a switch did at that moment comes first, and the balances that it moved last. */
static void write_switch_and_sealed(struct event_writer *writer)
{
    const struct switch_fired_event fired = {.account = 1};
    const struct balance_event balance = {.available = {5}, .account = 1};
    event_write_switch_fired(writer, &fired);
    write_sealed(writer);
    event_write_balance(writer, &balance);
}

static void write_sealed_twice(struct event_writer *writer)
{
    write_sealed(writer);
    write_sealed(writer);
}

TEST(block, a_switch_may_fire_with_the_seal)
{
    struct block_header header = seal_with(write_sealed);
    assert_true(body_right(&header));
    header = seal_with(write_switch_and_sealed);
    assert_true(body_right(&header));
    header = seal_with(write_sealed_twice);
    assert_false(body_right(&header));
    assert_string_equal(fault.what, "a SEAL does not end it");
}

TEST(block, follows_the_block_before)
{
    blocks_begin(&blocks);
    blocks_next(&blocks);
    const struct block_header first = blocks.header;
    const hash_t first_hash = blocks.last_hash;
    assert_true(block_link_check(NULL, (hash_t){{0}}, &first, &fault));
    blocks_next(&blocks);
    assert_true(block_link_check(&first, first_hash, &blocks.header, &fault));

    struct block_header header = blocks.header;
    header.prev_hash.bytes[0] ^= 1;
    assert_false(block_link_check(&first, first_hash, &header, &fault));
    assert_string_equal(fault.what, "prev_hash");
    header = blocks.header;
    header.first_command++;
    assert_false(block_link_check(&first, first_hash, &header, &fault));
    assert_string_equal(fault.what, "first_command");
    header = blocks.header;
    header.height++;
    assert_false(block_link_check(&first, first_hash, &header, &fault));
    header = blocks.header;
    header.time_ns = first.time_ns - 1;
    assert_false(block_link_check(&first, first_hash, &header, &fault));
    header = blocks.header;
    header.chain_id.bytes[0] ^= 1;
    assert_false(block_link_check(&first, first_hash, &header, &fault));
    assert_false(block_link_check(NULL, first_hash, &blocks.header, &fault));
}

/* Every byte of a header belongs to a field that is compared. */
TEST(block, difference_of_headers_is_found_in_every_byte)
{
    two_blocks();
    for (size_t i = 6; i < BLOCK_HEADER_BYTES; i++) {
        struct block_header other;
        blocks.header_bytes[i] ^= 0x80;
        assert_true(block_header_decode(blocks.header_bytes, &other));
        assert_non_null(block_header_difference(&blocks.header, &other));
        blocks.header_bytes[i] ^= 0x80;
    }
    assert_null(block_header_difference(&blocks.header, &blocks.header));
}
