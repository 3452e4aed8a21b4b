#include "ledger/trade_index.h"

#include "tests/harness.h"
#include "tests/unit/ledger/chain_folder.h"

static struct chain_folder folder;
static char directory[128];
static struct trade_spans spans;

static void fill(uint16_t market, uint64_t trade_id)
{
    uint8_t bytes[256] = {0};
    const struct fill_event event_fill = {.trade_id = trade_id, .market = market};
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    const uint8_t *at = bytes;
    struct event event;
    event_write_fill(&writer, &event_fill);
    assert_true(event_next(&at, writer.at, &event));
    trade_spans_add(&spans, &event);
}

/* Block `height` has trades 10h + 1 to 10h + 5 of market 3, and, when it is even, one of market 7. */
static void block(uint64_t height)
{
    trade_spans_begin(&spans);
    for (uint64_t i = 1; i <= 5; i++)
        fill(3, 5 * height + i);
    if (height % 2 == 0) fill(7, height / 2);
    assert_int_equal(trade_index_add(directory, height, &spans), STATUS_OK);
}

static uint64_t find(uint16_t market, uint64_t trade_id)
{
    uint64_t height = 0;
    const enum status status = trade_index_find(directory, market, trade_id, &height);
    assert_true(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK ? height : 0;
}

static void begin(void)
{
    chain_folder_make(&folder);
    snprintf(directory, sizeof(directory), "%s/trades", folder.path);
    assert_int_equal(find(3, 1), 0); /* no folder yet */
    assert_int_equal(trade_index_sync(directory), STATUS_OK);
    for (uint64_t height = 10; height < 110; height++)
        block(height);
    assert_int_equal(trade_index_sync(directory), STATUS_OK);
}

static void end(void)
{
    chain_folder_remove_files(directory);
    chain_folder_remove(&folder);
}

static void expect_all(uint64_t first, uint64_t last)
{
    for (uint64_t height = first; height <= last; height++)
        for (uint64_t i = 1; i <= 5; i++)
            assert_int_equal(find(3, 5 * height + i), height);
}

TEST(trade_index, every_trade_is_in_its_block)
{
    begin();
    expect_all(10, 109);
    for (uint64_t height = 10; height < 110; height += 2)
        assert_int_equal(find(7, height / 2), height);
    assert_int_equal(find(3, 50), 0);
    assert_int_equal(find(3, 551), 0);
    assert_int_equal(find(7, 4), 0);
    assert_int_equal(find(4, 60), 0);
    end();
}

/* A replay finds what is there and leaves it; one that differs takes its place and what is above goes. */
TEST(trade_index, blocks_that_come_again_change_nothing)
{
    begin();
    block(40);
    block(41);
    expect_all(10, 109);
    trade_spans_begin(&spans);
    fill(3, 9000);
    assert_int_equal(trade_index_add(directory, 60, &spans), STATUS_OK);
    expect_all(10, 59);
    assert_int_equal(find(3, 9000), 60);
    assert_int_equal(find(3, 5 * 61 + 1), 0);
    end();
}

/* What a power cut leaves behind the last whole record is not believed, and written over. */
TEST(trade_index, a_torn_tail_is_none)
{
    begin();
    char path[160];
    uint8_t zeros[37] = {0};
    snprintf(path, sizeof(path), "%s/3", directory);
    const int descriptor = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(descriptor, zeros, sizeof(zeros)), sizeof(zeros));
    assert_int_equal(pwrite(descriptor, zeros, 0, 0), 0);
    close(descriptor);
    assert_int_equal(find(3, 551), 0);
    expect_all(10, 109);
    block(110);
    expect_all(10, 110);
    end();
}

/* A record whose checksum is wrong is no record. */
TEST(trade_index, record_is_checked)
{
    uint8_t bytes[TRADE_INDEX_RECORD_BYTES];
    const struct trade_span span = {.first = 5, .count = 3};
    struct trade_span read;
    uint64_t height;
    trade_index_put(bytes, 9, &span);
    assert_true(trade_index_get(bytes, &height, &read));
    assert_int_equal(height, 9);
    assert_int_equal(read.first, 5);
    assert_int_equal(read.count, 3);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] ^= 1;
        assert_false(trade_index_get(bytes, &height, &read));
        bytes[i] ^= 1;
    }
}
