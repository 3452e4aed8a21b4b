#include "ledger/receipt.h"

#include "tests/harness.h"
#include "tests/unit/ledger/blocks.h"

#define FILLS 13

static struct blocks blocks;
static struct proof_trade trade;
static hash_t leaves[FILLS];

/* A block of thirteen fills in three commands, trades 101 to 113 of market 2. */
static void thirteen(void)
{
    uint8_t payload[512] = {0}, events[4096];
    assert_true(hash_start());
    blocks_begin(&blocks);
    blocks.height = 1;
    seal_begin(&blocks.seal, 1);
    uint64_t id = 101;
    for (uint32_t count = 3; count <= 5; count++) {
        struct event_writer writer = {.at = events, .end = events + sizeof(events)};
        const struct balance_event balance = {.account = 7};
        const uint32_t fills = count == 5 ? 6 : count; /* 3 + 4 + 6 */
        for (uint32_t i = 0; i < fills; i++) {
            const struct fill_event fill = {
                .trade_id = id++, .market = 2, .maker_account = 4, .taker_account = 5};
            event_write_balance(&writer, &balance);
            event_write_fill(&writer, &fill);
        }
        blocks_record(&blocks, T_ORDER_PLACE, payload, &writer, events);
    }
    const struct seal_facts facts = {.height = 1, .time_ns = 1};
    seal_step(&blocks.seal, &facts, &blocks.header);
    assert_int_equal(blocks.header.fill_count, FILLS);
}

static enum status make(uint16_t market, uint64_t id)
{
    return receipt_make(&blocks.header, blocks.body, blocks.body_bytes, market, id, leaves, &trade);
}

TEST(receipt, of_every_fill_leads_to_fills_root)
{
    thirteen();
    for (uint64_t id = 101; id <= 113; id++) {
        assert_int_equal(make(2, id), STATUS_OK);
        assert_int_equal(trade.fill.trade_id, id);
        assert_int_equal(trade.index, id - 101);
        assert_int_equal(trade.ordinal % 2, 1); /* a balance before each */
        assert_null(receipt_fault(&trade, &blocks.header));
    }
}

TEST(receipt, of_what_is_not_there_is_not_found)
{
    thirteen();
    assert_int_equal(make(2, 100), STATUS_NOT_FOUND);
    assert_int_equal(make(2, 114), STATUS_NOT_FOUND);
    assert_int_equal(make(1, 105), STATUS_NOT_FOUND);
}

/* Another fill, place, command or block: each leads elsewhere. */
TEST(receipt, with_another_figure_is_refused)
{
    thirteen();
    assert_int_equal(make(2, 105), STATUS_OK);
    struct proof_trade other = trade;
    other.leaf[20] ^= 1;
    assert_string_equal(receipt_fault(&other, &blocks.header),
                        "its path does not lead to fills_root");
    other = trade;
    other.index++;
    assert_non_null(receipt_fault(&other, &blocks.header));
    other = trade;
    other.path_count--;
    assert_non_null(receipt_fault(&other, &blocks.header));
    struct block_header header = blocks.header;
    header.first_command = 4;
    assert_string_equal(receipt_fault(&trade, &header), "its command is not of the block");
    header = blocks.header;
    header.fill_count = 4; /* the place is outside of it */
    assert_non_null(receipt_fault(&trade, &header));
}

/* A body that is not the header's gives no receipt, and no crash. */
TEST(receipt, of_a_body_that_is_not_the_headers_is_damage)
{
    thirteen();
    struct block_header header = blocks.header;
    header.fill_count = 12;
    assert_int_equal(receipt_make(&header, blocks.body, blocks.body_bytes, 2, 105, leaves, &trade),
                     STATUS_DAMAGED);
    assert_int_equal(
        receipt_make(&blocks.header, blocks.body, blocks.body_bytes - 1, 2, 105, leaves, &trade),
        STATUS_DAMAGED);
    header = blocks.header;
    header.fills_root.bytes[0] ^= 1;
    assert_int_equal(receipt_make(&header, blocks.body, blocks.body_bytes, 2, 105, leaves, &trade),
                     STATUS_DAMAGED);
}
