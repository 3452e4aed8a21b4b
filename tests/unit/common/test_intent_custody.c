#include "common/intent_custody.h"

#include "common/parameter.h"
#include "common/wide.h"
#include "tests/harness.h"
#include "tests/unit/common/world.h"

static struct params params;
static struct form form;
static struct intent intent;
static struct refusal refusal;

typedef bool reader(const struct form *form, const struct params *params, struct intent *intent,
                    struct refusal *refusal);

static uint32_t rules = 1;

/* "ok", or the code as a client sees it. Of BTC there are two ways, the first over ETH. */
static const char *read_with(reader *read, const char *query)
{
    static char line[64];
    world_params(&params);
    params.rules = rules;
    params.routes[0] = (struct route_changed_event){.asset = USDT, .chain = "TRON"};
    params.routes[1] = (struct route_changed_event){.asset = BTC, .chain = "ETH"};
    params.routes[2] = (struct route_changed_event){.asset = BTC, .chain = "BTC"};
    params.route_count = 3;
    intent = (struct intent){0};
    assert_true(form_parse(&form, query, strlen(query), NULL, 0));
    if (read(&form, &params, &intent, &refusal)) return "ok";
    snprintf(line, sizeof(line), "%d %s", reject_code(refusal.reject), refusal.first);
    return line;
}

static const char *action(const char *query)
{
    return read_with(intent_admin, query);
}

#define TXID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ROUTE \
    "action=route-set&nonce=1&chain=ETH&asset=BTC&decimals=18&confirmations=3&connector=0" \
    "&withdrawMin=0.001&withdrawMax=2&withdrawDayMax=3&approvalAbove=1&approvals=2" \
    "&addressDelay=60"

TEST(intent_custody, a_route_is_read_in_whole_units)
{
    assert_string_equal(action(ROUTE), "-1102 status");
    assert_string_equal(action(ROUTE "&status=AJAR"), "-1130 status");
    assert_string_equal(action(ROUTE "&status=OPEN"), "ok");
    const struct route_set_command *route = &intent.route_set;
    assert_int_equal(intent.type, T_ROUTE_SET);
    assert_int_equal(route->withdrawal_min.units, 100000);
    assert_int_equal(route->day_max.units, 300000000);
    assert_int_equal(route->decimals, 18);
    assert_memory_equal(route->chain, "ETH\0\0\0\0\0\0\0\0\0", 12);
}

TEST(intent_custody, a_fee_is_read_in_units_of_its_asset)
{
#define FEE "action=route-fee-set&nonce=1&chain=ETH&asset=BTC"
    assert_string_equal(action(FEE), "-1102 withdrawFee");
    assert_string_equal(action(FEE "&withdrawFee=0.0005"), "ok");
    assert_int_equal(intent.type, T_ROUTE_FEE_SET);
    assert_int_equal(intent.route_fee_set.fee.units, 50000);
    assert_int_equal(intent.route_fee_set.nonce, 1);
    assert_memory_equal(intent.route_fee_set.chain, "ETH\0\0\0\0\0\0\0\0\0", 12);
    assert_string_equal(action(FEE "&withdrawFee=0"), "ok");
    assert_true(intent_custody_is(T_ROUTE_FEE_SET));
    assert_string_not_equal(action(FEE "&withdrawFee=-1"), "ok");
    assert_string_not_equal(action(FEE "&withdrawFee=0.000000001"), "ok");
    struct intent given = {.rules_set = {.operator_index = 3}};
    intent_custody_fill(&intent, &given);
#undef FEE
}

#define REPORT \
    "action=deposit-report&nonce=1&chain=ETH&txid=" TXID \
    "&output=7&asset=BTC&address=0xAbC&height=9&confirmations=2"

TEST(intent_custody, a_deposit_comes_in_the_chains_own_unit)
{
    char text[WIDE_TEXT_MAX];
    assert_string_equal(action(REPORT), "-1102 amount");
    assert_string_equal(action(REPORT "&amount=1.5"), "-1130 amount");
    assert_string_equal(action(REPORT "&amount=007"), "-1130 amount");
    assert_string_equal(action(REPORT "&amount=340282366920938463463374607431768211456"), "ok");
    wide_print(intent.deposit_report.amount, text);
    assert_string_equal(text, "340282366920938463463374607431768211456");
    assert_int_equal(intent.deposit_report.output, 7);
    assert_int_equal(intent.deposit_report.txid[1], 0x11);
    assert_string_equal((const char *)intent.deposit_report.address, "0xAbC");
}

TEST(intent_custody, operators_texts_are_read)
{
    assert_string_equal(action("action=rules-set&nonce=1&rules=2"), "ok");
    assert_string_equal(action("action=account-freeze&nonce=1&account=3&frozen=true"), "ok");
    assert_int_equal(intent.account_freeze.frozen, 1);
    assert_string_equal(action("action=account-freeze&nonce=1&account=3&frozen=maybe"),
                        "-1130 frozen");
    assert_string_equal(action("action=deposit-address&nonce=1&account=3&chain=eth&address=a"),
                        "-1130 chain");
    assert_string_equal(action("action=deposit-address&nonce=1&account=3&chain=ETH&address=a%20b"),
                        "-1100 address");
    assert_string_equal(action("action=deposit-reorg&nonce=1&chain=ETH&txid=" TXID "&output=0"),
                        "ok");
    assert_string_equal(action("action=withdrawal-approve&nonce=1&withdrawal=4&asset=BTC&amount=0.5"
                               "&address=a"),
                        "ok");
    assert_int_equal(intent.withdrawal_approve.amount.units, 50000000);
    assert_string_equal(action("action=withdrawal-deny&nonce=1&withdrawal=4"), "ok");
    assert_string_equal(action("action=withdrawal-report&nonce=1&withdrawal=4&status=FINAL"),
                        "-1102 txid");
    assert_string_equal(action("action=withdrawal-report&nonce=1&withdrawal=4&status=FAILED"),
                        "ok");
    assert_string_equal(action("action=withdrawal-report&nonce=1&withdrawal=4&status=HELD"),
                        "-1130 status");
    assert_string_equal(action("action=liabilities-order&nonce=6"), "ok");
    assert_int_equal(intent.type, T_LIABILITIES_ORDER);
    assert_int_equal(intent.liabilities_order.nonce, 6);
    assert_string_equal(action("action=liabilities-order"), "-1102 nonce");
}

#define WISH "chain=ETH&asset=BTC&amount=0.5&address=a"

/* The action is part of what is signed: a text for one thing is not a text for another. */
TEST(intent_custody, an_accounts_texts_name_their_action_and_their_id)
{
    assert_string_equal(read_with(intent_custody_withdraw, WISH "&withdrawOrderId=x"),
                        "-1102 action");
    assert_string_equal(
        read_with(intent_custody_withdraw, "action=address-allow&" WISH "&withdrawOrderId=x"),
        "-1130 action");
    assert_string_equal(read_with(intent_custody_withdraw, "action=withdraw&" WISH),
                        "-1102 withdrawOrderId");
    assert_string_equal(
        read_with(intent_custody_withdraw, "action=withdraw&" WISH "&withdrawOrderId=x"), "ok");
    assert_int_equal(intent.withdraw.amount.units, 50000000);
    assert_string_equal(read_with(intent_custody_allow, "action=withdraw&" WISH), "-1130 action");
    assert_string_equal(
        read_with(intent_custody_allow, "action=address-forbid&chain=ETH&address=a"), "ok");
    assert_int_equal(intent.address_allow.allowed, 0);
}

#define APPLY "coin=BTC&amount=0.5&address=a"

static const char *apply(const char *query)
{
    return read_with(intent_custody_apply, query);
}

/* The wallet's words lead to the same command, from their rules on: over the network that is named, or the coin's first. */
TEST(intent_custody, a_withdrawal_is_asked_for_in_the_wallets_words)
{
    rules = PARAMS_RULES_APPLY - 1;
    assert_string_equal(apply(APPLY "&timestamp=1700000000000"), "-9101 ");
    rules = PARAMS_RULES_APPLY;
    assert_string_equal(apply(APPLY "&network=BTC&withdrawOrderId=mine"), "ok");
    assert_int_equal(intent.type, T_WITHDRAW);
    assert_int_equal(intent.withdraw.asset, BTC);
    assert_int_equal(intent.withdraw.amount.units, 50000000);
    assert_memory_equal(intent.withdraw.chain, "BTC\0\0\0\0\0\0\0\0\0", 12);
    assert_string_equal((const char *)intent.withdraw.address, "a");
    assert_string_equal((const char *)intent.withdraw.client_id, "mine");
    assert_string_equal(apply(APPLY "&withdrawOrderId=mine"), "ok");
    assert_memory_equal(intent.withdraw.chain, "ETH\0\0\0\0\0\0\0\0\0", 12);
    assert_string_equal(apply("coin=ETH&amount=0.5&address=a&withdrawOrderId=x"), "-9102 ");
    assert_string_equal(apply("coin=NONE&amount=0.5&address=a&withdrawOrderId=x"), "-1130 ");
    assert_string_equal(apply(APPLY "&network=eth&withdrawOrderId=x"), "-1130 network");
    assert_string_equal(apply("coin=BTC&amount=0.5&withdrawOrderId=x"), "-1102 address");
    assert_string_equal(apply("coin=BTC&address=a&withdrawOrderId=x"), "-1102 amount");
    assert_string_equal(apply("amount=0.5&address=a&withdrawOrderId=x"), "-1102 coin");
    rules = 1;
}

static void assert_called(const char *text, const char *id)
{
    uint8_t padded[CLIENT_ID_BYTES] = {0};
    assert_in_range(strlen(id), 1, CLIENT_ID_BYTES);
    memcpy(padded, id, strlen(id));
    assert_string_equal(apply(text), "ok");
    assert_memory_equal(intent.withdraw.client_id, padded, CLIENT_ID_BYTES);
}

/* Who gives it no name calls it by its moment, in whichever unit that is said, and by what it is: the same text is one
 * withdrawal, also when it does not name the network that it goes over anyway. The longest has no byte to spare. */
TEST(intent_custody, a_withdrawal_without_a_name_is_called_by_its_moment)
{
    rules = PARAMS_RULES_APPLY;
    assert_called(APPLY "&timestamp=1700000000123", "at-1700000000123000000-5515221e700fb");
    assert_called(APPLY "&timestamp=1700000000123000", "at-1700000000123000000-5515221e700fb");
    assert_called(APPLY "&timestamp=1700000000123&network=ETH&recvWindow=60000",
                  "at-1700000000123000000-5515221e700fb");
    assert_called(APPLY "&timestamp=0", "at-0-5515221e700fb");
    assert_called(APPLY "&timestamp=9223372036854775", "at-9223372036854775000-5515221e700fb");
    assert_string_equal(apply(APPLY "&timestamp=9223372036854776"), "-1021 ");
    assert_string_equal(apply(APPLY), "-1102 timestamp");
    assert_string_equal(apply(APPLY "&timestamp=1700000000123&withdrawOrderId=a%20b"),
                        "-1100 withdrawOrderId");
    rules = 1;
}

/* Two wishes of one moment are two, whatever it is that differs. */
TEST(intent_custody, two_withdrawals_of_one_moment_have_two_names)
{
    rules = PARAMS_RULES_APPLY;
    assert_called("coin=BTC&amount=0.6&address=a&timestamp=7", "at-7000000-4842a6b4633e2");
    assert_called("coin=BTC&amount=0.5&address=b&timestamp=7", "at-7000000-d188f942cfa3c");
    assert_called(APPLY "&network=BTC&timestamp=7", "at-7000000-00e1504111839");
    assert_called("coin=USDT&amount=0.5&address=a&network=ETH&timestamp=7",
                  "at-7000000-b47e3c0a28f29");
    assert_called(APPLY "&timestamp=7", "at-7000000-5515221e700fb");
    rules = 1;
}

/* What is another request's text, or would have to go to a tag or from another wallet, is not taken for this. */
TEST(intent_custody, the_wallets_words_are_no_others)
{
    rules = PARAMS_RULES_APPLY;
    assert_string_equal(apply("action=withdraw&" APPLY "&withdrawOrderId=x"), "-1106 action");
    assert_string_equal(apply("action=&" APPLY "&withdrawOrderId=x"), "-1106 action");
    assert_string_equal(apply("symbol=&" APPLY "&withdrawOrderId=x"), "-1106 symbol");
    assert_string_equal(apply("symbol=BTCUSDT&" APPLY "&withdrawOrderId=x"), "-1106 symbol");
    assert_string_equal(apply(APPLY "&addressTag=7&withdrawOrderId=x"), "-1106 addressTag");
    assert_string_equal(apply(APPLY "&addressTag=&withdrawOrderId=x"), "ok");
    assert_string_equal(apply(APPLY "&walletType=1&withdrawOrderId=x"), "-1130 walletType");
    assert_string_equal(apply(APPLY "&walletType=0&name=home&transactionFeeFlag=true"
                                    "&withdrawOrderId=x"),
                        "ok");
    rules = 1;
}
