#include "gateway/reply_custody.h"

#include "tests/harness.h"

#include <string.h>

static struct params params;
static char text[4096];

static struct writer begin(struct printing *printing)
{
    struct writer json;
    params = (struct params){.rules = 2, .asset_count = 1, .assets = {{"BTC", 8}}};
    params.route_count = 1;
    params.routes[0] = (struct route_changed_event){
        .confirmations = 3, .decimals = 6, .approvals = 2, .chain = "ETH"};
    *printing = (struct printing){.params = &params, .time_unit_ns = 1000000};
    memset(text, 0, sizeof(text));
    writer_start(&json, text, sizeof(text) - 1);
    return json;
}

TEST(reply_custody, a_deposit_tells_both_amounts)
{
    struct printing printing;
    struct writer json = begin(&printing);
    const struct deposit_changed_event deposit = {.deposit = 7,
                                                  .height = 100,
                                                  .amount = {250000000},
                                                  .account = 2,
                                                  .confirmations = 1,
                                                  .output = 4,
                                                  .state = DEPOSIT_OWED,
                                                  .chain = "ETH",
                                                  .txid = {0xab}};
    reply_deposit(&json, &printing, &deposit);
    assert_string_equal(
        text, "{\"id\":7,\"account\":2,\"asset\":\"BTC\",\"chain\":\"ETH\",\"txid\":\"ab"
              "00000000000000000000000000000000000000000000000000000000000000\",\"output\":4,"
              "\"amount\":\"2.50000000\",\"chainAmount\":\"2500000\",\"credited\":\"0.00000000\","
              "\"height\":100,\"confirmations\":1,\"confirmationsNeeded\":3,\"status\":\"OWED\"}");
}

/* One block short of the certificate it is approved; with it, released. */
TEST(reply_custody, a_withdrawal_is_released_by_its_block)
{
    struct printing printing;
    const struct withdrawal_moved_event withdrawal = {.withdrawal = 3,
                                                      .block = 57,
                                                      .amount = {10000},
                                                      .fee = {3000},
                                                      .paid = {7000},
                                                      .account = 2,
                                                      .approvers = 5,
                                                      .state = WITHDRAWAL_APPROVED,
                                                      .chain = "ETH",
                                                      .address = "0x1",
                                                      .client_id = "mine"};
    struct writer json = begin(&printing);
    reply_withdrawal(&json, &printing, &withdrawal, 56);
    assert_non_null(strstr(text, "\"status\":\"APPROVED\""));
    json = begin(&printing);
    reply_withdrawal(&json, &printing, &withdrawal, 57);
    assert_string_equal(text,
                        "{\"id\":3,\"withdrawOrderId\":\"mine\",\"account\":2,\"asset\":\"BTC\","
                        "\"chain\":\"ETH\",\"address\":\"0x1\",\"amount\":\"0.00010000\","
                        "\"transactionFee\":\"0.00003000\",\"paid\":\"0.00007000\","
                        "\"chainAmount\":\"70\",\"approvals\":2,\"approvalsNeeded\":2,"
                        "\"block\":57,\"txid\":null,\"status\":\"RELEASED\"}");
}

/* As the clients of Binance read it: the fee of now, and the smallest amount of which something is left; besides, the fee
 * that is to come until it has. */
TEST(reply_custody, a_network_tells_what_a_withdrawal_costs)
{
    const uint64_t from_ns = UINT64_C(1700000000001000000);
    struct printing printing;
    struct writer json = begin(&printing);
    params.rules = PARAMS_RULES_CHARGES;
    params.routes[0].withdrawal_min.units = 700;
    params.routes[0].withdrawal_max.units = 100000;
    params.routes[0].status = ROUTE_OPEN;
    params.route_fees[0] = (struct route_fee){.before = {300}, .fee = {700}, .from_ns = from_ns};
    reply_network(&json, &printing, 0, from_ns - 1);
    assert_non_null(strstr(text, "{\"network\":\"ETH\""));
    assert_non_null(
        strstr(text, "\"withdrawEnable\":true,\"withdrawFee\":\"0.00000300\","
                     "\"nextWithdrawFee\":\"0.00000700\",\"nextWithdrawFeeFrom\":1700000000001,"
                     "\"withdrawMin\":\"0.00000700\",\"withdrawMax\":\"0.00100000\","
                     "\"withdrawIntegerMultiple\":\"0.00000100\",\"minConfirm\":3"));
    json = begin(&printing);
    params.route_fees[0] = (struct route_fee){.before = {300}, .fee = {700}, .from_ns = from_ns};
    params.routes[0].withdrawal_min.units = 700;
    params.routes[0].status = ROUTE_CLOSED;
    reply_network(&json, &printing, 0, from_ns);
    assert_non_null(strstr(text, "\"withdrawEnable\":false,\"withdrawFee\":\"0.00000700\","
                                 "\"withdrawMin\":\"0.00000800\""));
    assert_null(strstr(text, "nextWithdrawFee"));
}

/* The coin's first network is the one that a withdrawal goes by when it names none. */
TEST(reply_custody, a_coins_first_network_is_its_default)
{
    struct printing printing;
    struct writer json = begin(&printing);
    params.routes[1] = params.routes[0];
    memcpy(params.routes[1].chain, "BTC", 3);
    params.route_count = 2;
    reply_network(&json, &printing, 0, 0);
    assert_non_null(strstr(text, "\"isDefault\":true"));
    json = begin(&printing);
    params.routes[1] = params.routes[0];
    params.route_count = 2;
    reply_network(&json, &printing, 1, 0);
    assert_non_null(strstr(text, "\"isDefault\":false"));
}

TEST(reply_custody, states_have_words)
{
    uint8_t found;
    assert_true(reply_withdrawal_state("RELEASED", &found));
    assert_int_equal(found, 0);
    assert_true(reply_withdrawal_state("FAILED", &found));
    assert_int_equal(found, WITHDRAWAL_FAILED);
    assert_false(reply_withdrawal_state("released", &found));
}
