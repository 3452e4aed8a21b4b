#include "common/withdrawal_event.h"
#include "tests/unit/gateway/desk_fixture.h"

#define CANCEL "action=withdraw-cancel&withdrawal=1&timestamp=1"

#define WISH \
    "action=withdraw&chain=ETH&asset=BTC&amount=0.5&address=a&withdrawOrderId=x&timestamp=1"

static void open_desk(void)
{
    desk_open();
    for (uint32_t account = 1; account <= 3; account++)
        desk_account(account);
    const struct route_changed_event route = {.withdrawal_min = {1},
                                              .withdrawal_max = {1000000000},
                                              .day_max = {1000000000},
                                              .confirmations = 3,
                                              .decimals = 18,
                                              .approvals = 2,
                                              .status = ROUTE_OPEN,
                                              .chain = "ETH"};
    event_write_route_changed(&desk_events, &route);
    desk_apply();
}

static void put_withdrawal(uint64_t number, uint32_t account, uint8_t state, uint64_t block)
{
    const struct withdrawal_moved_event changed = {.withdrawal = number,
                                                   .block = block,
                                                   .amount = {50000000},
                                                   .account = account,
                                                   .state = state,
                                                   .chain = "ETH",
                                                   .address = "a",
                                                   .client_id = "x"};
    withdrawal_event_write(&desk_events, PARAMS_RULES_RELEASE, &changed);
    desk_apply();
}

/* A gateway's word is not enough to move money out. */
TEST(custody_data, a_withdrawal_needs_an_ed25519_key)
{
    open_desk();
    desk_signs = AUTH_HMAC;
    assert_refused(METHOD_POST, "/quorex/v1/withdrawals", WISH, REJECT_WITHDRAWAL_KEY);
}

/* A text that names a chain is good there alone; it need not. */
TEST(custody_data, what_is_signed_for_another_chain_is_not_taken)
{
    static const struct {
        enum method method;
        const char *path, *text;
    } asked[] = {
        {METHOD_POST, "/quorex/v1/withdrawals", WISH},
        {METHOD_DELETE, "/quorex/v1/withdrawals", CANCEL},
        {METHOD_POST, "/quorex/v1/addresses",
         "action=address-allow&chain=ETH&address=a&timestamp=1"},
        {METHOD_POST, "/sapi/v1/capital/withdraw/apply",
         "coin=BTC&amount=0.5&address=a&timestamp=1700000000000"},
    };
    open_desk();
    put_withdrawal(1, 2, WITHDRAWAL_HELD, 0);
    desk_signs = AUTH_ED25519;
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        char hex[65], text[512];
        hash_hex(desk_facts.chain_id.bytes, HASH_BYTES, hex);
        snprintf(text, sizeof(text), "%s&chainId=%s", asked[i].text, hex);
        assert_int_equal(desk_ask(asked[i].method, asked[i].path, asked[i].text, 2),
                         OUTCOME_COMMAND);
        assert_int_equal(desk_ask(asked[i].method, asked[i].path, text, 2), OUTCOME_COMMAND);
        text[strlen(text) - 1] ^= 1;
        assert_refused(asked[i].method, asked[i].path, text, REJECT_OTHER_CHAIN);
    }
    desk_signs = AUTH_HMAC;
}

#define APPLY "coin=BTC&amount=0.5&address=a&timestamp=1700000000000"

/* Nor in the wallet's words, whatever the key may: every node that could check an HMAC could have made it. */
TEST(custody_data, the_wallets_words_need_an_ed25519_key_too)
{
    open_desk();
    desk_signs = AUTH_HMAC;
    assert_refused(METHOD_POST, "/sapi/v1/capital/withdraw/apply", APPLY, REJECT_WITHDRAWAL_KEY);
}

TEST(custody_data, the_wallets_words_are_a_withdrawal)
{
    open_desk();
    desk_signs = AUTH_ED25519;
    assert_int_equal(desk_ask(METHOD_POST, "/sapi/v1/capital/withdraw/apply", APPLY, 2),
                     OUTCOME_COMMAND);
    desk_signs = AUTH_HMAC;
    assert_int_equal(desk_request.reply_kind, REPLY_APPLY);
    assert_int_equal(desk_request.intent.type, T_WITHDRAW);
    assert_int_equal(desk_request.intent.withdraw.account, 2);
    assert_int_equal(desk_request.intent.withdraw.amount.units, 50000000);
    assert_string_equal((const char *)desk_request.intent.withdraw.chain, "ETH");
    assert_memory_equal(desk_request.intent.withdraw.client_id,
                        "at-1700000000000000000-5515221e700fb",
                        sizeof(desk_request.intent.withdraw.client_id));
    fixture_genesis.params.rules = PARAMS_RULES_APPLY - 1;
    desk_reopen();
    assert_refused(METHOD_POST, "/sapi/v1/capital/withdraw/apply", APPLY, REJECT_RULES);
}

TEST(custody_data, older_rules_take_nothing)
{
    desk_open();
    fixture_genesis.params.rules = 1;
    desk_reopen();
    desk_account(2);
    desk_apply();
    assert_refused(METHOD_POST, "/quorex/v1/withdrawals", WISH, REJECT_RULES);
    assert_refused(METHOD_POST, "/quorex/v1/addresses", "action=address-allow&chain=ETH&address=a",
                   REJECT_RULES);
}

/* Released is what is approved in a block that has a certificate; others are not shown as such. */
TEST(custody_data, released_is_what_is_certified)
{
    open_desk();
    put_withdrawal(1, 2, WITHDRAWAL_APPROVED, 5);
    put_withdrawal(2, 2, WITHDRAWAL_APPROVED, 6);
    put_withdrawal(3, 3, WITHDRAWAL_HELD, 0);
    desk_blocks.certified_height = 5;
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/custody/withdrawals", "status=RELEASED", 0),
                     OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"id\":1,"));
    assert_non_null(strstr(desk_answer, "\"status\":\"RELEASED\""));
    assert_non_null(strstr(desk_answer, "\"chainAmount\":\"500000000000000000\""));
    assert_null(strstr(desk_answer, "\"id\":2,"));
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/custody/withdrawals", "fromId=2", 0),
                     OUTCOME_ANSWERED);
    assert_null(strstr(desk_answer, "\"id\":1,"));
    assert_non_null(strstr(desk_answer, "\"id\":2,"));
    assert_non_null(strstr(desk_answer, "\"status\":\"APPROVED\""));
    assert_refused(METHOD_GET, "/quorex/v1/custody/withdrawals", "status=GONE", REJECT_DATA);
}

/* An account sees its own, newest first. */
TEST(custody_data, an_account_sees_its_own)
{
    open_desk();
    put_withdrawal(1, 2, WITHDRAWAL_HELD, 0);
    put_withdrawal(2, 3, WITHDRAWAL_HELD, 0);
    put_withdrawal(3, 2, WITHDRAWAL_HELD, 0);
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/withdrawals", "", 2), OUTCOME_ANSWERED);
    const char *third = strstr(desk_answer, "\"id\":3,"), *first = strstr(desk_answer, "\"id\":1,");
    assert_true(third != NULL && first != NULL && third < first);
    assert_null(strstr(desk_answer, "\"id\":2,"));
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/withdrawals", "limit=1", 2),
                     OUTCOME_ANSWERED);
    assert_null(strstr(desk_answer, "\"id\":1,"));

    const struct deposit_changed_event deposit = {.deposit = 1,
                                                  .amount = {250000000},
                                                  .account = 3,
                                                  .confirmations = 1,
                                                  .state = DEPOSIT_CONFIRMING,
                                                  .chain = "ETH",
                                                  .txid = {1}};
    event_write_deposit_changed(&desk_events, &deposit);
    desk_apply();
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/deposits", "", 2), OUTCOME_ANSWERED);
    assert_string_equal(desk_answer, "[]");
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/deposits", "", 3), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"amount\":\"2.50000000\""));
    assert_non_null(strstr(desk_answer, "\"confirmationsNeeded\":3"));
}

/* A connector's path takes a connector's words only. */
TEST(custody_data, a_connector_does_not_credit)
{
    open_desk();
    assert_refused(METHOD_POST, "/quorex/v1/custody/reports",
                   "action=credit&nonce=1&account=1&asset=BTC&amount=1", REJECT_ACTION);
    assert_int_equal(desk_ask(METHOD_POST, "/quorex/v1/custody/reports",
                              "action=deposit-reorg&nonce=1&chain=ETH&output=0&txid="
                              "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
                              0),
                     OUTCOME_COMMAND);
    assert_int_equal(desk_request.reply_kind, REPLY_ADMIN);
}

/* Taking back is as much the account's own as asking. */
TEST(custody_data, a_withdrawal_is_taken_back_with_an_ed25519_key)
{
    open_desk();
    assert_int_equal(desk_ask(METHOD_DELETE, "/quorex/v1/withdrawals", CANCEL, 2), OUTCOME_REFUSED);
    assert_int_equal(desk_request.refusal.reject, REJECT_WITHDRAWAL_KEY);
    fixture_genesis.params.rules = PARAMS_RULES_RELEASE - 1;
    desk_reopen();
    assert_refused(METHOD_DELETE, "/quorex/v1/withdrawals", CANCEL, REJECT_RULES);
}

static void add_connector(uint8_t first)
{
    const struct connector_added_event added = {.connector = PARAMS_CONNECTOR_FIRST,
                                                .public_key = {first}};
    event_write_connector_added(&desk_events, &added);
    struct route_changed_event route = {.withdrawal_min = {1},
                                        .withdrawal_max = {1000000000},
                                        .day_max = {1000000000},
                                        .confirmations = 3,
                                        .asset = 1,
                                        .connector = PARAMS_CONNECTOR_FIRST,
                                        .decimals = 18,
                                        .approvals = 2,
                                        .status = ROUTE_OPEN,
                                        .chain = "ETH"};
    event_write_route_changed(&desk_events, &route);
    desk_apply();
}

/* A connector is shown what is of the routes that name it; an operator is shown all. */
TEST(custody_data, a_connector_sees_its_routes)
{
    open_desk();
    add_connector(0x5c);
    put_withdrawal(1, 2, WITHDRAWAL_APPROVED, 1);
    struct withdrawal_moved_event changed = {.withdrawal = 2,
                                             .block = 1,
                                             .amount = {7},
                                             .account = 2,
                                             .asset = 1,
                                             .state = WITHDRAWAL_APPROVED,
                                             .chain = "ETH",
                                             .address = "a"};
    withdrawal_event_write(&desk_events, PARAMS_RULES_RELEASE, &changed);
    desk_apply();
    const uint8_t connector[PUBLIC_KEY_BYTES] = {0x5c};
    desk_signer = connector;
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/custody/withdrawals", "", 0),
                     OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"id\":2,"));
    assert_null(strstr(desk_answer, "\"id\":1,"));
    desk_signer = NULL;
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/custody/withdrawals", "", 0),
                     OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "\"id\":1,"));
}
