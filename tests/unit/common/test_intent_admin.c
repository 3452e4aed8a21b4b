#include "common/intent.h"

#include "tests/harness.h"
#include "tests/unit/common/world.h"

static struct params params;
static struct form form;
static struct intent intent;
static struct refusal refusal;

/* "ok", or the code as a client sees it. */
static const char *admin(const char *query)
{
    static char line[64];
    world_params(&params);
    assert_true(form_parse(&form, query, strlen(query), NULL, 0));
    if (intent_admin(&form, &params, &intent, &refusal)) return "ok";
    snprintf(line, sizeof(line), "%d %s", reject_code(refusal.reject), refusal.first);
    return line;
}

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

TEST(intent_admin, an_action_and_a_nonce_are_mandatory)
{
    assert_string_equal(admin("nonce=1"), "-1102 action");
    assert_string_equal(admin("action=burn&nonce=1"), "-1130 ");
    assert_string_equal(admin("action=asset-create&symbol=SOL&decimals=8"), "-1102 nonce");
    assert_string_equal(
        admin("action=asset-create&symbol=SOL&decimals=8&nonce=18446744073709551614"), "ok");
    assert_string_equal(
        admin("action=asset-create&symbol=SOL&decimals=8&nonce=18446744073709551615"),
        "-1130 nonce");
}

TEST(intent_admin, assets_have_a_symbol_and_up_to_8_decimals)
{
    assert_string_equal(admin("action=asset-create&nonce=9&symbol=SOL&decimals=8"), "ok");
    assert_int_equal(intent.type, T_ASSET_CREATE);
    assert_int_equal(intent.asset_create.nonce, 9);
    assert_int_equal(intent.asset_create.decimals, 8);
    assert_memory_equal(intent.asset_create.symbol, "SOL\0\0\0\0\0\0\0\0\0", 12);
    assert_string_equal(admin("action=asset-create&nonce=9&symbol=SOL&decimals=9"),
                        "-1130 decimals");
    assert_string_equal(admin("action=asset-create&nonce=9&symbol=sol&decimals=8"), "-1130 symbol");
    assert_string_equal(admin("action=asset-create&nonce=9&symbol=ABCDEFGHIJKL&decimals=0"), "ok");
    assert_string_equal(admin("action=asset-create&nonce=9&symbol=ABCDEFGHIJKLM&decimals=0"),
                        "-1130 symbol");
}

#define MARKET_TEXT \
    "action=market-create&nonce=1&symbol=ETHUSDT&base=ETH&quote=USDT&tick=0.01&lot=0.0001&" \
    "minPrice=0.01&maxPrice=1000000&minQty=0.0001&maxQty=9000&minNotional=5"

TEST(intent_admin, a_market_is_given_in_whole_quote_and_base)
{
    assert_string_equal(admin(MARKET_TEXT "&maxOrders=200"), "ok");
    const struct market_create_command *create = &intent.market_create;
    assert_int_equal(intent.type, T_MARKET_CREATE);
    assert_int_equal(create->base, ETH);
    assert_int_equal(create->quote, USDT);
    assert_int_equal(create->tick_units, 1000000);
    assert_int_equal(create->lot_units, 10000);
    assert_int_equal(create->price_min.ticks, 1);
    assert_int_equal(create->price_max.ticks, 100000000);
    assert_int_equal(create->qty_min.lots, 1);
    assert_int_equal(create->qty_max.lots, 90000000);
    assert_int_equal(create->notional_min.units, 500000000);
    assert_int_equal(create->account_orders_max, 200);
    assert_memory_equal(create->symbol, "ETHUSDT\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);

    struct market market;
    assert_true(market_list(create, params.assets, &market));
    assert_string_equal(admin(MARKET_TEXT), "-1102 maxOrders");
    assert_string_equal(admin("action=market-create&nonce=1&symbol=A&base=ETH&quote=EUR"),
                        "-1130 ");
    assert_string_equal(admin("action=market-create&nonce=1&symbol=A&base=ETH&quote=BTC&tick=0&"
                              "lot=1"),
                        "-1130 ");
    assert_string_equal(admin("action=market-create&nonce=1&symbol=A&base=ETH&quote=BTC&tick=0.02&"
                              "lot=1&minPrice=0.03"),
                        "-1130 ");
}

TEST(intent_admin, a_market_is_halted_and_resumed)
{
    assert_string_equal(admin("action=market-status&nonce=1&symbol=ETHBTC&status=HALT"), "ok");
    assert_int_equal(intent.market_status.market, ETHBTC);
    assert_int_equal(intent.market_status.status, MARKET_HALT);
    assert_string_equal(admin("action=market-status&nonce=1&symbol=ETHBTC&status=TRADING"), "ok");
    assert_int_equal(intent.market_status.status, MARKET_TRADING);
    assert_string_equal(admin("action=market-status&nonce=1&symbol=ETHBTC&status=OPEN"),
                        "-1130 status");
    assert_string_equal(admin("action=market-status&nonce=1&symbol=NOPE&status=HALT"), "-1121 ");
}

TEST(intent_admin, accounts_have_an_owners_key_and_a_tier)
{
    assert_string_equal(admin("action=account-create&nonce=1&publicKey=" KEY "&tier=0"), "ok");
    assert_int_equal(intent.account_create.public_key[1], 0x11);
    assert_string_equal(admin("action=account-create&nonce=1&publicKey=" KEY "&tier=65535"), "ok");
    assert_string_equal(admin("action=account-create&nonce=1&publicKey=" KEY "&tier=65536"),
                        "-1130 tier");
    assert_string_equal(admin("action=account-create&nonce=1&publicKey=00&tier=0"),
                        "-1100 publicKey");
}

/* A key that nothing can sign for would be a mistake, so one of the two ways is needed. */
TEST(intent_admin, a_key_signs_by_secret_or_by_public_key)
{
#define KEY_TEXT "action=key-add&nonce=1&account=7&keyId=" KEY "&permissions=READ,TRADE"
    assert_string_equal(admin(KEY_TEXT "&hmac=true"), "ok");
    assert_int_equal(intent.key_add.secret_version, 3);
    assert_int_equal(intent.key_add.permissions, KEY_READ | KEY_TRADE);
    assert_int_equal(intent.key_add.account, 7);
    assert_int_equal(intent.key_add.public_key[1], 0);
    assert_string_equal(admin(KEY_TEXT "&publicKey=" KEY), "ok");
    assert_int_equal(intent.key_add.secret_version, 0);
    assert_int_equal(intent.key_add.public_key[1], 0x11);
    assert_string_equal(admin(KEY_TEXT "&publicKey=" KEY "&hmac=true"), "ok");
    assert_string_equal(admin(KEY_TEXT), "-1102 publicKey");
    assert_string_equal(admin(KEY_TEXT "&hmac=false"), "-1102 publicKey");
    assert_string_equal(admin(KEY_TEXT "&hmac=1"), "-1130 hmac");
}

TEST(intent_admin, permissions_are_known_names_once_each)
{
#define WITH(names) "action=key-add&nonce=1&account=7&hmac=true&keyId=" KEY "&permissions=" names
    assert_string_equal(admin(WITH("WITHDRAW")), "ok");
    assert_int_equal(intent.key_add.permissions, KEY_WITHDRAW);
    assert_string_equal(admin(WITH("READ,READ")), "-1130 permissions");
    assert_string_equal(admin(WITH("READ,")), "-1130 permissions");
    assert_string_equal(admin(WITH(",READ")), "-1130 permissions");
    assert_string_equal(admin(WITH("read")), "-1130 permissions");
    assert_string_equal(admin(WITH("")), "-1105 permissions");
}

TEST(intent_admin, amounts_are_in_the_assets_own_units)
{
    assert_string_equal(admin("action=credit&nonce=1&account=2&asset=BTC&amount=0.00000001"), "ok");
    assert_int_equal(intent.type, T_CREDIT);
    assert_int_equal(intent.credit.amount.units, 1);
    assert_int_equal(intent.credit.asset, BTC);
    assert_string_equal(admin("action=debit&nonce=1&account=2&asset=CENTS&amount=1.25"), "ok");
    assert_int_equal(intent.type, T_DEBIT);
    assert_int_equal(intent.debit.amount.units, 125);
    assert_string_equal(admin("action=debit&nonce=1&account=2&asset=CENTS&amount=1.255"),
                        "-1130 amount");
    assert_string_equal(admin("action=credit&nonce=1&account=4294967296&asset=BTC&amount=1"),
                        "-1130 account");
    assert_string_equal(admin("action=credit&nonce=1&account=2&asset=BTC&amount=-1"),
                        "-1100 amount");
    assert_string_equal(admin("action=credit&nonce=1&account=2&asset=EUR&amount=1"), "-1130 ");
}

TEST(intent_admin, an_account_gets_its_lowest_tier)
{
    assert_string_equal(admin("action=account-tier&nonce=1&account=7&tier=2"), "ok");
    assert_int_equal(intent.type, T_ACCOUNT_TIER);
    assert_int_equal(intent.account_tier.account, 7);
    assert_int_equal(intent.account_tier.tier, 2);
    assert_string_equal(admin("action=account-tier&nonce=1&account=7"), "-1102 tier");
}

TEST(intent_admin, filters_name_their_market)
{
    assert_string_equal(admin("action=market-filters&nonce=1&symbol=ETHBTC&icebergParts=7"), "ok");
    assert_int_equal(intent.type, T_MARKET_FILTERS);
    assert_int_equal(intent.market_filters.market, ETHBTC);
    assert_int_equal(intent.market_filters.iceberg_parts_max, 7);
    assert_string_equal(admin("action=market-filters&nonce=1&icebergParts=7"), "-1102 symbol");
}

#define NODE_KEY "0101010101010101010101010101010101010101010101010101010101010101"

TEST(intent_admin, a_node_is_added_by_key_and_address)
{
    assert_string_equal(
        admin("action=node-add&nonce=1&node=7&publicKey=" NODE_KEY "&address=host%3A7001"), "ok");
    assert_int_equal(intent.type, T_NODE_ADD);
    assert_int_equal(intent.node_add.nonce, 1);
    assert_int_equal(intent.node_add.node, 7);
    assert_int_equal(intent.node_add.public_key[31], 1);
    assert_string_equal((const char *)intent.node_add.address, "host:7001");
    assert_string_equal(admin("action=node-add&nonce=1&node=7&publicKey=" NODE_KEY),
                        "-1102 address");
    const char *const bad[] = {"host",         "host%3A",   "%3A7001",
                               "host%3A65536", "host%3A07", "a%20b%3A1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text),
                 "action=node-add&nonce=1&node=7&publicKey=" NODE_KEY "&address=%s", bad[i]);
        assert_string_equal(admin(text), "-1130 address");
    }
    char longest[256];
    snprintf(longest, sizeof(longest),
             "action=node-add&nonce=1&node=7&publicKey=" NODE_KEY "&address=%059d%%3A1", 0);
    assert_string_equal(admin(longest), "ok"); /* 61 letters */
    snprintf(longest, sizeof(longest),
             "action=node-add&nonce=1&node=7&publicKey=" NODE_KEY "&address=%062d%%3A1", 0);
    assert_string_equal(admin(longest), "-1130 address"); /* 64: no room for an end */
}

TEST(intent_admin, nodes_change_by_their_ids)
{
    assert_string_equal(admin("action=node-role&nonce=1&node=7&role=VOTER"), "ok");
    assert_int_equal(intent.type, T_NODE_ROLE);
    assert_int_equal(intent.node_role.role, 2);
    assert_string_equal(admin("action=node-role&nonce=1&node=7&role=STANDBY"), "ok");
    assert_int_equal(intent.node_role.role, 1);
    assert_string_equal(admin("action=node-role&nonce=1&node=7&role=GONE"), "-1130 role");
    assert_string_equal(admin("action=node-role&nonce=1&node=7"), "-1102 role");
    assert_string_equal(admin("action=node-remove&nonce=1&node=7"), "ok");
    assert_int_equal(intent.type, T_NODE_REMOVE);
    assert_int_equal(intent.node_remove.node, 7);
    assert_string_equal(admin("action=node-remove&nonce=1&node=4294967296"), "-1130 node");
    assert_string_equal(admin("action=node-swap&nonce=1&oldNode=2&newNode=5"), "ok");
    assert_int_equal(intent.type, T_NODE_SWAP);
    assert_int_equal(intent.node_swap.old_node, 2);
    assert_int_equal(intent.node_swap.new_node, 5);
    assert_string_equal(admin("action=node-swap&nonce=1&oldNode=2"), "-1102 newNode");
}
