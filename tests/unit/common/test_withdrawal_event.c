#include "common/withdrawal_event.h"

#include "common/params.h"
#include "tests/harness.h"

static const struct withdrawal_moved_event told = {.withdrawal = 3,
                                                   .block = 9,
                                                   .amount = {100},
                                                   .fee = {30},
                                                   .paid = {70},
                                                   .account = 4,
                                                   .asset = 2,
                                                   .approvers = 5,
                                                   .before = WITHDRAWAL_HELD,
                                                   .state = WITHDRAWAL_APPROVED,
                                                   .chain = "ETH",
                                                   .address = "0x1",
                                                   .client_id = "mine",
                                                   .txid = {7}};

static struct withdrawal_moved_event there_and_back(uint32_t rules, uint16_t type)
{
    uint8_t bytes[512], payload[WITHDRAWAL_MOVED_BYTES];
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    struct withdrawal_moved_event back;
    struct event event;
    const uint8_t *at = bytes;
    withdrawal_event_write(&writer, rules, &told);
    assert_true(event_next(&at, writer.at, &event));
    assert_int_equal(event.type, type);
    assert_int_equal(withdrawal_event_type(rules), type);
    assert_true(withdrawal_event_is(event.type));
    assert_int_equal(withdrawal_event_put(rules, &told, payload), event.payload_length);
    assert_memory_equal(payload, event.payload, event.payload_length);
    withdrawal_event_get(&event, &back);
    return back;
}

static void assert_same(const struct withdrawal_moved_event *left,
                        const struct withdrawal_moved_event *right)
{
    uint8_t one[WITHDRAWAL_MOVED_BYTES], other[WITHDRAWAL_MOVED_BYTES];
    withdrawal_moved_event_put(one, left);
    withdrawal_moved_event_put(other, right);
    assert_memory_equal(one, other, sizeof(one));
}

TEST(withdrawal_event, it_is_told_with_its_fee)
{
    const struct withdrawal_moved_event back =
        there_and_back(PARAMS_RULES_CHARGES, T_WITHDRAWAL_MOVED);
    assert_same(&back, &told);
}

/* As every build up to rules 3 wrote it: no fee, and all of it is paid. The rest is the same. */
TEST(withdrawal_event, under_earlier_rules_there_is_no_fee)
{
    struct withdrawal_moved_event back =
        there_and_back(PARAMS_RULES_CHARGES - 1, T_WITHDRAWAL_CHANGED);
    assert_int_equal(back.fee.units, 0);
    assert_int_equal(back.paid.units, 100);
    back.fee = told.fee;
    back.paid = told.paid;
    assert_same(&back, &told);
    assert_false(withdrawal_event_is(T_DEPOSIT_CHANGED));
}
