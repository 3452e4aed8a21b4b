#include "common/withdrawal_event.h"
#include "gateway/recall.h"

#include "tests/unit/gateway/asker_fixture.h"

#define DEPOSITS    "/sapi/v1/capital/deposit/hisrec"
#define WITHDRAWALS "/sapi/v1/capital/withdraw/history"
#define ADDRESS     "/sapi/v1/capital/deposit/address"

static void open_wallets(void)
{
    desk_open();
    desk_account(1);
    desk_account(2);
    const struct route_changed_event route = {
        .confirmations = 3, .decimals = 18, .status = ROUTE_OPEN, .chain = "ETH"};
    event_write_route_changed(&desk_events, &route);
    desk_apply();
}

static void put_deposit(uint64_t number, uint32_t account, uint8_t state)
{
    const struct deposit_changed_event deposit = {.deposit = number,
                                                  .amount = {(int64_t)number},
                                                  .account = account,
                                                  .state = state,
                                                  .chain = "ETH",
                                                  .txid = {(uint8_t)number}};
    event_write_deposit_changed(&desk_events, &deposit);
    desk_apply();
}

static void put_address(uint32_t account, uint8_t kind, const char *text)
{
    struct address_changed_event address = {
        .active_ns = 1, .account = account, .kind = kind, .chain = "ETH"};
    memcpy(address.address, text, strlen(text));
    event_write_address_changed(&desk_events, &address);
    desk_apply();
}

/* The question is put together; memory has all, and answers. */
static const char *listed(const char *path, const char *query)
{
    static char bytes[8192];
    struct writer json;
    assert_int_equal(desk_ask(METHOD_GET, path, query, 1), OUTCOME_HISTORY);
    const struct printing printing = request_printing(&desk_request, &desk_facts);
    assert_true(recall_is_whole(&desk_request.history, desk_view, fixture_views));
    writer_start(&json, bytes, sizeof(bytes) - 1);
    assert_true(recall_answer(NULL, &desk_request.history, NULL, desk_view, fixture_views,
                              &printing, &json, &desk_request.refusal));
    bytes[json.used] = 0;
    return bytes;
}

/* How many are listed, and the number of the first. */
static void assert_listed(const char *path, const char *query, int count, const char *first)
{
    const char *text = listed(path, query);
    int found = 0;
    for (const char *at = text; (at = strstr(at, "{\"id\":\"")) != NULL; at++)
        found++;
    assert_int_equal(found, count);
    if (count > 0) assert_memory_equal(text + 8, first, strlen(first));
}

/* Newest first, the account's alone; by coin, state, txid and time; so many passed over, so many told. */
TEST(wallet_data, deposits_are_chosen_by_what_is_asked)
{
    open_wallets();
    put_deposit(1, 1, DEPOSIT_CREDITED);
    put_deposit(2, 2, DEPOSIT_CREDITED);
    put_deposit(3, 1, DEPOSIT_CONFIRMING);
    put_deposit(4, 1, DEPOSIT_CREDITED);
    put_deposit(3, 1, DEPOSIT_CREDITED);
    assert_listed(DEPOSITS, "", 3, "4\"");
    assert_listed(DEPOSITS, "limit=1&offset=1", 1, "3\"");
    assert_listed(DEPOSITS, "status=1", 3, "4\"");
    assert_listed(DEPOSITS, "status=0", 0, "");
    assert_listed(DEPOSITS, "coin=ETH", 0, "");
    assert_listed(DEPOSITS, "coin=BTC", 3, "4\"");
    assert_listed(DEPOSITS, "txId=0100000000000000000000000000000000000000000000000000000000000000",
                  1, "1\"");
    /* The third came two commands after the first, and is told by when it came. */
    assert_listed(DEPOSITS, "startTime=1700000040003&endTime=1700000040004", 1, "3\"");
    assert_listed(DEPOSITS, "endTime=1700000040002", 1, "1\"");
    assert_non_null(strstr(listed(DEPOSITS, "limit=1&offset=1"),
                           "\"insertTime\":1700000040004,\"completeTime\":1700000040006,"));
    assert_refused(METHOD_GET, DEPOSITS, "coin=NOPE", REJECT_UNKNOWN_ASSET);
    assert_refused(METHOD_GET, DEPOSITS, "status=9", REJECT_DATA);
    assert_refused(METHOD_GET, DEPOSITS, "startTime=1600000000000&endTime=1607776000001",
                   REJECT_TIME_RANGE);
    assert_int_equal(
        desk_ask(METHOD_GET, DEPOSITS, "startTime=1600000000000&endTime=1607776000000", 1),
        OUTCOME_HISTORY);
}

TEST(wallet_data, withdrawals_are_found_by_what_the_account_calls_them)
{
    open_wallets();
    for (uint64_t number = 1; number <= 3; number++) {
        struct withdrawal_moved_event withdrawal = {.withdrawal = number,
                                                    .amount = {50},
                                                    .paid = {50},
                                                    .account = 1,
                                                    .state = WITHDRAWAL_HELD,
                                                    .chain = "ETH",
                                                    .address = "a"};
        withdrawal.client_id[0] = (uint8_t)('w' + number);
        withdrawal_event_write(&desk_events, PARAMS_RULES_RELEASE, &withdrawal);
        desk_apply();
    }
    assert_listed(WITHDRAWALS, "", 3, "3\"");
    assert_listed(WITHDRAWALS, "withdrawOrderId=y", 1, "2\"");
    assert_listed(WITHDRAWALS, "status=6", 0, "");
    assert_non_null(
        strstr(listed(WITHDRAWALS, "limit=1"), "\"applyTime\":\"2023-11-14 22:14:00\""));
}

/* The account's own, to deposit to, on the chain that is named. */
TEST(wallet_data, address_is_the_accounts_own)
{
    open_wallets();
    assert_refused(METHOD_GET, ADDRESS, "coin=BTC", REJECT_ADDRESS);
    put_address(2, ADDRESS_DEPOSIT, "bobs");
    put_address(1, ADDRESS_WITHDRAWAL, "elsewhere");
    assert_refused(METHOD_GET, ADDRESS, "coin=BTC", REJECT_ADDRESS);
    put_address(1, ADDRESS_DEPOSIT, "anns");
    assert_answer(ADDRESS, "coin=BTC&network=ETH", 1,
                  "{\"address\":\"anns\",\"coin\":\"BTC\",\"tag\":\"\",\"url\":\"\"}");
    assert_refused(METHOD_GET, ADDRESS, "coin=BTC&network=ET", REJECT_ADDRESS);
    assert_refused(METHOD_GET, ADDRESS, "coin=USDT", REJECT_ADDRESS);
    assert_refused(METHOD_GET, ADDRESS, "", REJECT_MANDATORY);
    put_deposit(1, 1, DEPOSIT_CREDITED);
    assert_non_null(strstr(listed(DEPOSITS, ""), "\"address\":\"anns\","));
    put_address(1, ADDRESS_DEPOSIT, "anns-2");
    assert_non_null(strstr(listed(DEPOSITS, ""), "\"address\":\"\","));
}

/* What withdrawals cost and how small they may be is what the cheapest open way says; what has no way does not move. */
TEST(wallet_data, details_tell_of_the_ways_of_assets)
{
    open_wallets();
    struct route_changed_event route = {.asset = 1,
                                        .confirmations = 3,
                                        .decimals = 18,
                                        .status = ROUTE_CLOSED,
                                        .chain = "NEAR",
                                        .withdrawal_min = {5}};
    event_write_route_changed(&desk_events, &route);
    desk_apply();
    assert_answer("/sapi/v1/asset/assetDetail", "asset=USDT", 1,
                  "{\"USDT\":{\"minWithdrawAmount\":\"0.00000005\",\"depositStatus\":true,"
                  "\"withdrawFee\":\"0.00000000\",\"withdrawStatus\":false}}");
    memcpy(route.chain, "FAR", 4);
    route.status = ROUTE_OPEN;
    route.withdrawal_min.units = 7;
    event_write_route_changed(&desk_events, &route);
    desk_apply();
    assert_answer("/sapi/v1/asset/assetDetail", "asset=USDT", 1,
                  "{\"USDT\":{\"minWithdrawAmount\":\"0.00000007\",\"depositStatus\":true,"
                  "\"withdrawFee\":\"0.00000000\",\"withdrawStatus\":true}}");
    assert_answer("/sapi/v1/asset/assetDetail", "asset=ETH", 1,
                  "{\"ETH\":{\"minWithdrawAmount\":\"0.00000000\",\"depositStatus\":false,"
                  "\"withdrawFee\":\"0.00000000\",\"withdrawStatus\":false}}");
    assert_answer("/sapi/v1/asset/assetDetail", "asset=NONE", 1, "{}");
    assert_int_equal(desk_ask(METHOD_GET, "/sapi/v1/asset/assetDetail", "", 1), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "{\"BTC\":{\"minWithdrawAmount\":\"0.00000001\""));
    assert_non_null(strstr(desk_answer, ",\"USDT\":{"));
}

/* A key is told what it may do, and that alone: nothing of it is a guess. */
TEST(wallet_data, restrictions_are_the_permissions_of_the_key)
{
    static const char *const marks[] = {"\"enableReading\":true",
                                        "\"enableSpotAndMarginTrading\":true",
                                        "\"enableWithdrawals\":true"};
    static const uint16_t permissions[] = {KEY_READ, KEY_TRADE, KEY_WITHDRAW};
    static struct asker ann;
    asker_open();
    for (int mask = 0; mask < 4; mask++) {
        struct key_added_event key = {.account = 1, .permissions = KEY_READ, .secret_version = 1};
        if (mask & 1) key.permissions |= KEY_TRADE;
        if (mask & 2) key.permissions |= KEY_WITHDRAW;
        memset(key.key_id, 0xb0 + mask, sizeof(key.key_id));
        event_write_key_added(&desk_events, &key);
        desk_apply();
        asker_ask_with(&ann, (uint8_t)(0xb0 + mask), METHOD_GET, "/sapi/v1/account/apiRestrictions",
                       "a=b");
        assert_int_equal(ann.question.answer.http_status, 200);
        for (int i = 0; i < 3; i++)
            assert_int_equal(strstr(ann.text, marks[i]) != NULL,
                             (key.permissions & permissions[i]) != 0);
        desk_forget(&ann.question);
    }
    asker_close();
}

TEST(wallet_data, a_frozen_account_is_told_so)
{
    desk_open();
    desk_one_fill();
    assert_answer("/sapi/v1/account/status", "", 1, "{\"data\":\"Normal\"}");
    view_freeze(desk_view, 1);
    assert_answer("/sapi/v1/account/status", "", 1, "{\"data\":\"Abnormal\"}");
    assert_int_equal(desk_ask(METHOD_GET, "/sapi/v1/account/apiTradingStatus", "", 1),
                     OUTCOME_ANSWERED);
    assert_memory_equal(desk_answer, "{\"data\":{\"isLocked\":true,", 25);
}

/* What there is some of, or the one that is named; there is no other wallet. */
TEST(wallet_data, assets_and_their_snapshot_are_the_balances)
{
    desk_open();
    desk_one_fill();
    assert_int_equal(desk_ask(METHOD_POST, "/sapi/v3/asset/getUserAsset", "", 1), OUTCOME_ANSWERED);
    assert_string_equal(desk_answer, "[{\"asset\":\"BTC\",\"free\":\"0.00997000\",\"locked\":"
                                     "\"0.00003000\",\"freeze\":\"0.00000000\",\"withdrawing\":"
                                     "\"0.00000000\",\"ipoable\":\"0.00000000\"}]");
    assert_int_equal(desk_ask(METHOD_POST, "/sapi/v3/asset/getUserAsset", "asset=ETH", 1),
                     OUTCOME_ANSWERED);
    assert_memory_equal(desk_answer, "[{\"asset\":\"ETH\",\"free\":\"0.00000000\"", 35);
    assert_int_equal(desk_ask(METHOD_POST, "/sapi/v1/asset/get-funding-asset", "", 1),
                     OUTCOME_ANSWERED);
    assert_string_equal(desk_answer, "[]");
    assert_int_equal(desk_ask(METHOD_GET, "/sapi/v1/accountSnapshot", "type=SPOT", 1),
                     OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "{\"code\":200,\"msg\":\"\",\"snapshotVos\":[{\"data\":{"
                                        "\"balances\":[{\"asset\":\"BTC\",\"free\":\"0.00997000\","
                                        "\"locked\":\"0.00003000\"}"));
    assert_refused(METHOD_GET, "/sapi/v1/accountSnapshot", "type=MARGIN", REJECT_DATA);
    assert_refused(METHOD_GET, "/sapi/v1/accountSnapshot", "type=SPOT&endTime=1600000000000",
                   REJECT_DATA);
}
