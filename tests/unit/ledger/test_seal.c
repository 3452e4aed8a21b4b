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

#define MANY_BYTES (4u << 20)

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (*seed >> 33) % below;
}

/* A record of events of several kinds, now none and now more than a run has room for, and a command of any length. */
static size_t random_record(uint64_t *seed, uint64_t number, uint8_t *at)
{
    static uint8_t command[4096], events[32768];
    struct event_writer writer = {.at = events, .end = events + sizeof(events)};
    const uint64_t count = draw(seed, 40) == 0 ? 200 : draw(seed, 6);
    for (uint64_t i = 0; i < count; i++) {
        const struct fill_event fill = {.trade_id = i, .price = {7}, .qty = {(int64_t)number}};
        const struct balance_event balance = {.available = {(int64_t)i}, .account = 2};
        const struct withdrawal_changed_event approved = {.before = WITHDRAWAL_HELD,
                                                          .state = WITHDRAWAL_APPROVED};
        const uint64_t kind = draw(seed, 20);
        if (kind == 0)
            event_write_withdrawal_changed(&writer, &approved);
        else if (kind < 12)
            event_write_fill(&writer, &fill);
        else
            event_write_balance(&writer, &balance);
    }
    const uint32_t length = (uint32_t)draw(seed, draw(seed, 30) == 0 ? sizeof(command) : 300);
    memset(command, (int)draw(seed, 256), sizeof(command));
    const struct applied record = {.number = number,
                                   .command_length = length,
                                   .events_length = (uint32_t)(writer.at - events),
                                   .event_count = writer.count,
                                   .flags = APPLIED_FIRST | APPLIED_LAST};
    applied_header_put(at, &record);
    memcpy(at + APPLIED_HEADER_BYTES, command, length);
    memcpy(at + APPLIED_HEADER_BYTES + length, events, record.events_length);
    return APPLIED_HEADER_BYTES + length + record.events_length;
}

/* Records in runs of any length give the header that they give one by one. */
TEST(seal, records_in_runs_are_records_one_by_one)
{
    static uint8_t body[MANY_BYTES];
    uint64_t seed = 0x5ea1;
    struct seal one_by_one, runs;
    uint32_t releases = 0, fills = 0;
    seal_begin(&one_by_one, 1);
    seal_begin(&runs, 1);
    size_t begin = 0, end = 0;
    for (uint64_t number = 1; number <= 3000; number++) {
        const uint8_t *at = body + end;
        end += random_record(&seed, number, body + end);
        assert_true(end + 65536 < sizeof(body));
        struct applied record;
        struct event event;
        assert_true(applied_next(&at, body + end, &record));
        seal_command(&one_by_one, &record);
        for (const uint8_t *next = record.events; event_next(&next, body + end, &event);)
            seal_event(&one_by_one, &event);
        if (draw(&seed, 300) != 0 && number != 3000) continue;
        seal_records(&runs, body + begin, end - begin);
        begin = end;
        const struct seal_facts facts = {.height = 1, .releases = true};
        struct block_header expected, found;
        seal_step(&one_by_one, &facts, &expected);
        seal_step(&runs, &facts, &found);
        assert_null(block_header_difference(&expected, &found));
        releases = (uint32_t)runs.releases.leaf_count;
        fills = found.fill_count;
    }
    assert_int_equal(begin, end);
    assert_true(releases > 100 && fills > 1000); /* there was something to compare */
}
