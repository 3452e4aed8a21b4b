#include "gateway/reply_wallet.h"

#include "tests/unit/gateway/desk_fixture.h"

static char bytes[4096];
static struct writer json;

static void open_route(void)
{
    desk_open();
    const struct route_changed_event route = {
        .confirmations = 12, .decimals = 18, .status = ROUTE_OPEN, .chain = "ETH"};
    event_write_route_changed(&desk_events, &route);
    desk_apply();
}

/* The API's numbers: pending 0, done 1 and 6, rejected 2 and 3, and so on. */
TEST(reply_wallet, states_are_the_apis_numbers)
{
    assert_int_equal(reply_wallet_deposit_status(DEPOSIT_CONFIRMING), 0);
    assert_int_equal(reply_wallet_deposit_status(DEPOSIT_CREDITED), 1);
    assert_int_equal(reply_wallet_deposit_status(DEPOSIT_REORGED), 2);
    assert_int_equal(reply_wallet_deposit_status(DEPOSIT_OWED), 2);
    assert_int_equal(reply_wallet_withdrawal_status(WITHDRAWAL_CANCELED), 1);
    assert_int_equal(reply_wallet_withdrawal_status(WITHDRAWAL_HELD), 2);
    assert_int_equal(reply_wallet_withdrawal_status(WITHDRAWAL_DENIED), 3);
    assert_int_equal(reply_wallet_withdrawal_status(WITHDRAWAL_APPROVED), 4);
    assert_int_equal(reply_wallet_withdrawal_status(WITHDRAWAL_BROADCAST), 4);
    assert_int_equal(reply_wallet_withdrawal_status(WITHDRAWAL_FAILED), 5);
    assert_int_equal(reply_wallet_withdrawal_status(WITHDRAWAL_FINAL), 6);
}

TEST(reply_wallet, deposit_has_the_members_of_the_api)
{
    open_route();
    const struct deposit_changed_event deposit = {.deposit = 7,
                                                  .amount = {150000000},
                                                  .confirmations = 3,
                                                  .state = DEPOSIT_CONFIRMING,
                                                  .chain = "ETH",
                                                  .txid = {0xab}};
    const struct transfer_times times = {FIXTURE_START_NS, FIXTURE_START_NS + 1000000000u};
    const struct printing printing = {desk_facts.params, DESK_MS_NS, desk_view};
    writer_start(&json, bytes, sizeof(bytes) - 1);
    reply_wallet_deposit(&json, &printing, &deposit, &times, NULL);
    bytes[json.used] = 0;
    assert_string_equal(
        bytes, "{\"id\":\"7\",\"amount\":\"1.50000000\",\"coin\":\"BTC\",\"network\":\"ETH\","
               "\"status\":0,\"address\":\"\",\"addressTag\":\"\",\"txId\":"
               "\"ab00000000000000000000000000000000000000000000000000000000000000\","
               "\"insertTime\":1700000040000,\"transferType\":0,\"confirmTimes\":\"3/12\","
               "\"unlockConfirm\":12,\"walletType\":0}");
}

/* Dates are text, also of the days that calendars are got wrong on; what arrives and the fee stand apart. */
TEST(reply_wallet, withdrawal_has_dates_and_what_arrives)
{
    static const struct {
        uint64_t seconds;
        const char *date;
    } cases[] = {{0, "1970-01-01 00:00:00"},          {951827696, "2000-02-29 12:34:56"},
                 {951868800, "2000-03-01 00:00:00"},  {1700000040, "2023-11-14 22:14:00"},
                 {1735689599, "2024-12-31 23:59:59"}, {4107542400, "2100-03-01 00:00:00"}};
    open_route();
    const struct printing printing = {desk_facts.params, DESK_MS_NS, desk_view};
    const struct withdrawal_moved_event withdrawal = {.withdrawal = 9,
                                                      .amount = {150000000},
                                                      .fee = {1000000},
                                                      .paid = {149000000},
                                                      .state = WITHDRAWAL_FINAL,
                                                      .chain = "ETH",
                                                      .address = "a1",
                                                      .client_id = "mine"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[64];
        const struct transfer_times times = {cases[i].seconds * 1000000000u, 1000000000u};
        writer_start(&json, bytes, sizeof(bytes) - 1);
        reply_wallet_withdrawal(&json, &printing, &withdrawal, &times);
        bytes[json.used] = 0;
        snprintf(expected, sizeof(expected), "\"applyTime\":\"%s\",", cases[i].date);
        assert_non_null(strstr(bytes, expected));
    }
    assert_non_null(strstr(bytes, "\"amount\":\"1.49000000\",\"transactionFee\":\"0.01000000\","));
    assert_non_null(strstr(bytes, "\"txId\":\"\","));
    assert_non_null(strstr(bytes, "\"completeTime\":\"1970-01-01 00:00:01\"}"));
}
