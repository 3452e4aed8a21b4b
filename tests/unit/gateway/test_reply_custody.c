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
    const struct withdrawal_changed_event withdrawal = {.withdrawal = 3,
                                                        .block = 57,
                                                        .amount = {100},
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
                        "\"chain\":\"ETH\",\"address\":\"0x1\",\"amount\":\"0.00000100\","
                        "\"chainAmount\":\"1\",\"approvals\":2,\"approvalsNeeded\":2,"
                        "\"block\":57,\"txid\":null,\"status\":\"RELEASED\"}");
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
