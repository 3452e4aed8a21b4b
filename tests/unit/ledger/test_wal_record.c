#include "ledger/wal_record.h"

#include "tests/harness.h"

static uint8_t block[4 * WAL_BLOCK_BYTES];

static struct wal_record some_record(void)
{
    static const uint8_t payload[300] = "a batch";
    return (struct wal_record){.generation = 0x1122334455667788,
                               .write = 9,
                               .durable_write = 8,
                               .durable_index = 41,
                               .commit = 40,
                               .flags = WAL_RECORD_LAST,
                               .index = 42,
                               .term = 3,
                               .type = 1,
                               .length = sizeof(payload),
                               .payload = payload};
}

static hash_t some_hash(void)
{
    assert_true(hash_start());
    return hash_of("before", 6);
}

/* What was put is got back, field by field, and carries the hash that follows from the one before. */
TEST(wal_record, comes_back_as_it_was_put)
{
    const struct wal_record put = some_record();
    memset(block, 0xee, sizeof(block));
    const hash_t hash = wal_record_put(block, 4096, &put, some_hash());
    struct wal_record got;
    assert_int_equal(wal_record_get(block, 4096, sizeof(block), put.generation, &got),
                     WAL_IS_RECORD);
    assert_int_equal(got.write, 9);
    assert_int_equal(got.durable_write, 8);
    assert_int_equal(got.durable_index, 41);
    assert_int_equal(got.commit, 40);
    assert_int_equal(got.flags, WAL_RECORD_LAST);
    assert_int_equal(got.index, 42);
    assert_int_equal(got.term, 3);
    assert_int_equal(got.type, 1);
    assert_int_equal(got.length, 300);
    assert_memory_equal(got.payload, put.payload, 300);
    assert_true(hash_equal(got.hash, hash));
    assert_true(hash_equal(wal_record_hash(block, &got, some_hash()), hash));
    assert_int_equal(block[WAL_BLOCK_BYTES], 0xee); /* not a byte beyond its block */
}

/* Every bit of the last record's block is covered: whichever flips, it is no record any more. */
TEST(wal_record, every_flipped_bit_is_seen)
{
    const struct wal_record put = some_record();
    wal_record_put(block, 4096, &put, some_hash());
    for (size_t bit = 0; bit < 8 * WAL_BLOCK_BYTES; bit++) {
        struct wal_record got;
        block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_int_not_equal(wal_record_get(block, 4096, WAL_BLOCK_BYTES, put.generation, &got),
                             WAL_IS_RECORD);
        block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

/* Zeros, other bytes, an older life of the segment, and a record that was cut are told apart. */
TEST(wal_record, names_what_is_not_a_record)
{
    struct wal_record put = some_record(), got;
    memset(block, 0, sizeof(block));
    assert_int_equal(wal_record_get(block, 0, 4096, put.generation, &got), WAL_IS_ZERO);
    assert_int_equal(wal_record_get(block, 0, 0, put.generation, &got), WAL_IS_ZERO);
    block[17] = 1;
    assert_int_equal(wal_record_get(block, 0, 4096, put.generation, &got), WAL_IS_FOREIGN);
    wal_record_put(block, 0, &put, some_hash());
    assert_int_equal(wal_record_get(block, 0, 4096, put.generation + 1, &got), WAL_IS_FOREIGN);
    assert_int_equal(wal_record_get(block, 0, 4095, put.generation, &got), WAL_IS_BROKEN);
    assert_int_equal(wal_record_get(block, 0, 200, put.generation, &got), WAL_IS_BROKEN);
}

/* The running hash depends on the entry and on all before it, and not on how it was written. */
TEST(wal_record, hash_is_of_the_entry_and_its_past)
{
    struct wal_record record = some_record();
    const hash_t hash = wal_record_put(block, 0, &record, some_hash());
    record.write = 77;
    record.durable_write = 70;
    record.commit = 1;
    record.generation = 5;
    record.flags = 0;
    assert_true(hash_equal(wal_record_put(block, 8, &record, some_hash()), hash));
    assert_false(hash_equal(wal_record_put(block, 8, &record, hash_of("other", 5)), hash));
    record.term = 4;
    assert_false(hash_equal(wal_record_put(block, 8, &record, some_hash()), hash));
    record.type = WAL_CUT;
    assert_true(hash_equal(wal_record_put(block, 8, &record, some_hash()), some_hash()));
}

/* A record takes whole 8 bytes, the last one of a write whole blocks of its segment. */
TEST(wal_record, spans_end_on_words_and_blocks)
{
    assert_int_equal(wal_record_span(0, 0, false), 112);
    assert_int_equal(wal_record_span(0, 1, false), 120);
    assert_int_equal(wal_record_span(0, 0, true), 4096);
    assert_int_equal(wal_record_span(4096 - 112, 0, true), 112);
    assert_int_equal(wal_record_span(4096 - 112, 1, true), 112 + 4096);
    assert_int_equal(wal_record_span(4096 + 8, 4096 - 112 - 8, true), 4096 - 8);
}

/* A segment's header comes back, and no bit of it may differ. */
TEST(wal_record, segment_header_is_checked_whole)
{
    static uint8_t configuration[WAL_CONFIGURATION_BYTES_MAX];
    memset(configuration, 0x5a, sizeof(configuration));
    const struct wal_segment put = {.sequence = 3,
                                    .generation = 99,
                                    .segment_bytes = 65536,
                                    .replaces = 2,
                                    .patch = 1,
                                    .node = 7,
                                    .chain_id = some_hash(),
                                    .write = 55,
                                    .commit = 12,
                                    .lost = 77,
                                    .base = {.index = 13,
                                             .term = 4,
                                             .hash = hash_of("base", 4),
                                             .configuration_index = 9,
                                             .configuration = configuration,
                                             .configuration_bytes = sizeof(configuration)}};
    struct wal_segment got;
    wal_segment_put(block, &put);
    assert_null(wal_segment_get(block, &got));
    assert_int_equal(got.sequence, 3);
    assert_int_equal(got.generation, 99);
    assert_int_equal(got.segment_bytes, 65536);
    assert_int_equal(got.replaces, 2);
    assert_int_equal(got.patch, 1);
    assert_int_equal(got.node, 7);
    assert_true(hash_equal(got.chain_id, put.chain_id));
    assert_int_equal(got.write, 55);
    assert_int_equal(got.commit, 12);
    assert_int_equal(got.lost, 77);
    assert_int_equal(got.base.index, 13);
    assert_int_equal(got.base.term, 4);
    assert_true(hash_equal(got.base.hash, put.base.hash));
    assert_int_equal(got.base.configuration_index, 9);
    assert_int_equal(got.base.configuration_bytes, sizeof(configuration));
    assert_memory_equal(got.base.configuration, configuration, sizeof(configuration));
    for (size_t bit = 0; bit < 8 * WAL_HEADER_BYTES; bit += bit < 2000 ? 1 : 37) {
        block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_non_null(wal_segment_get(block, &got));
        block[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
}

/* What may follow what: writes without gaps, indexes without gaps, nothing committed replaced, and
 * after a write that was not whole only its rest or a cut. */
TEST(wal_record, a_scan_takes_only_what_follows)
{
    struct wal_scan scan = {.hash = some_hash()};
    struct wal_record record = {.write = 1, .index = 1, .term = 1, .type = 3};
    assert_null(wal_scan_follows(&scan, &record));
    record.index = 2;
    assert_non_null(wal_scan_follows(&scan, &record));
    record.index = 1;
    record.write = 2;
    assert_non_null(wal_scan_follows(&scan, &record));

    record = (struct wal_record){.write = 1, .index = 1, .term = 1, .type = 3};
    wal_scan_take(&scan, &record); /* not the last of its write */
    assert_int_equal(wal_scan_missing_write(&scan), 1);
    record = (struct wal_record){.write = 2, .durable_write = 1, .index = 2, .term = 1, .type = 1};
    assert_non_null(wal_scan_follows(&scan, &record));
    record = (struct wal_record){.write = 2, .index = 1, .type = WAL_CUT, .flags = WAL_RECORD_LAST};
    assert_null(wal_scan_follows(&scan, &record));
    record.index = 2;
    assert_non_null(wal_scan_follows(&scan, &record));
    record =
        (struct wal_record){.write = 1, .index = 2, .term = 1, .type = 1, .flags = WAL_RECORD_LAST};
    assert_null(wal_scan_follows(&scan, &record));
    wal_scan_take(&scan, &record);
    assert_int_equal(wal_scan_missing_write(&scan), 2);

    record = (struct wal_record){.write = 2,
                                 .durable_write = 1,
                                 .index = 3,
                                 .term = 1,
                                 .type = 1,
                                 .commit = 2,
                                 .flags = WAL_RECORD_LAST};
    wal_scan_take(&scan, &record);
    record = (struct wal_record){.write = 3, .durable_write = 2, .index = 3, .term = 2, .type = 1};
    assert_null(wal_scan_follows(&scan, &record)); /* replaces 3 */
    record.index = 2;
    assert_non_null(wal_scan_follows(&scan, &record)); /* 2 is committed */
    record.index = 4;
    record.term = 0;
    assert_non_null(wal_scan_follows(&scan, &record));
}
