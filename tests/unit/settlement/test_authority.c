#include "settlement/authority.h"

#include "common/arena.h"
#include "common/key_rights.h"
#include "settlement/balance_sheet.h"
#include "settlement/keyring.h"
#include "tests/harness.h"
#include "tests/unit/settlement/world.h"

struct key_pair {
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint8_t secret_key[SECRET_KEY_BYTES];
};

struct fixture {
    struct genesis genesis;
    struct key_pair op, owner, trader, reader;
    struct arena arena;
    struct keyring *keys;
    struct balance_sheet *accounts;
    struct authority authority;
    uint8_t bytes[COMMAND_BYTES_MAX];
    struct command command;
};

static const char order_text[] = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"
                                 "&quantity=0.001&price=30000.01&newClientOrderId=mine"
                                 "&recvWindow=5000&timestamp=1700000000000";

static struct key_pair pair_of(uint8_t number)
{
    const uint8_t seed[32] = {number};
    struct key_pair pair;
    crypto_sign_seed_keypair(pair.public_key, pair.secret_key, seed);
    return pair;
}

static void add_key(struct fixture *f, uint8_t id, uint32_t account, uint16_t permissions,
                    uint16_t secret_version, const uint8_t *public_key)
{
    struct key_added_event key = {
        .account = account, .permissions = permissions, .secret_version = secret_version};
    key.key_id[0] = id;
    if (public_key != NULL) memcpy(key.public_key, public_key, PUBLIC_KEY_BYTES);
    assert_true(keyring_add(f->keys, &key));
}

static struct fixture *setup(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    uint8_t unused[SECRET_KEY_BYTES];
    if (f == NULL || !hash_start() || !arena_map(&f->arena, 1 << 20)) abort();
    world_genesis(&f->genesis, unused);
    f->op = pair_of(1), f->owner = pair_of(2), f->trader = pair_of(3), f->reader = pair_of(4);
    memcpy(f->genesis.operators[0], f->op.public_key, PUBLIC_KEY_BYTES);
    struct params *params = &f->genesis.params;
    params->asset_count = 2;
    params->assets[0] = (struct asset){"BTC", 8};
    params->assets[1] = (struct asset){"USDT", 8};
    params->market_count = 1;
    params->markets[0] = (struct market){.symbol = "BTCUSDT",
                                         .base = 0,
                                         .quote = 1,
                                         .status = MARKET_TRADING,
                                         .tick_units = 1000000,
                                         .lot_units = 1000,
                                         .units_per_step = 10,
                                         .price_min = {1},
                                         .price_max = {100000000},
                                         .qty_min = {1},
                                         .qty_max = {100000000},
                                         .account_orders_max = 10};
    f->keys = keyring_new(&f->arena, 10, 10);
    f->accounts = balance_sheet_new(&f->arena, 10, 2);
    balance_sheet_open(f->accounts, f->owner.public_key, 0);
    balance_sheet_open(f->accounts, f->reader.public_key, 0);
    add_key(f, 0xa1, 1, KEY_READ | KEY_TRADE, 0, f->trader.public_key);
    add_key(f, 0xa2, 1, KEY_READ, 1, f->reader.public_key);
    add_key(f, 0xa3, 1, KEY_READ | KEY_TRADE, 1, NULL);
    f->authority = (struct authority){
        .genesis = &f->genesis, .params = params, .keys = f->keys, .accounts = f->accounts};
    return f;
}

static void teardown(struct fixture *f)
{
    arena_unmap(&f->arena);
    free(f);
}

/* Builds the command and asks. */
static const char *ask(struct fixture *f, uint16_t type, const uint8_t *payload, uint16_t kind,
                       uint64_t deadline_ns, const uint8_t *auth, size_t auth_bytes)
{
    const size_t payload_bytes = message_payload_bytes(type);
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload_bytes + auth_bytes),
        .type = type,
        .origin = 1,
        .auth_kind = kind,
        .auth_length = (uint16_t)auth_bytes,
        .deadline_ns = deadline_ns,
    };
    command_header_put(f->bytes, &header);
    memcpy(f->bytes + COMMAND_HEADER_BYTES, payload, payload_bytes);
    if (auth_bytes > 0) memcpy(f->bytes + COMMAND_HEADER_BYTES + payload_bytes, auth, auth_bytes);
    assert_true(command_decode(f->bytes, header.length, &f->command));
    return authority_objection(&f->authority, &f->command);
}

static size_t sign(uint8_t *auth, const uint8_t *id, const struct key_pair *pair, const char *text)
{
    memset(auth, 0, 32);
    memcpy(auth, id, 32);
    hash_sign(pair->secret_key, text, strlen(text), auth + 32);
    memcpy(auth + 96, text, strlen(text));
    return 96 + strlen(text);
}

static const struct order_place_command order = {.price = {3000001},
                                                 .qty = {100},
                                                 .account = 1,
                                                 .side = BUY,
                                                 .type = LIMIT,
                                                 .time_in_force = GTC,
                                                 .client_id = "mine"};
static const uint64_t deadline = 1700000005000000000u;

static const char *ask_order(struct fixture *f, const struct order_place_command *place,
                             const uint8_t *id, const struct key_pair *pair, const char *text)
{
    uint8_t payload[256], auth[1024];
    order_place_command_put(payload, place);
    const size_t auth_bytes = sign(auth, id, pair, text);
    return ask(f, T_ORDER_PLACE, payload, AUTH_ED25519, deadline, auth, auth_bytes);
}

/* An order stands with its trading key's signature, or with the owner's own. */
TEST(authority, order_signed_by_key_or_owner_stands)
{
    struct fixture *f = setup();
    const uint8_t id[32] = {0xa1};
    assert_null(ask_order(f, &order, id, &f->trader, order_text));
    assert_null(ask_order(f, &order, f->owner.public_key, &f->owner, order_text));
    teardown(f);
}

static const char *vetting_says(const struct fixture *f)
{
    struct authority_signature by;
    return authority_but_signature(&f->authority, &f->command, &by);
}

/* What an order was called, and that it may come twice, is lost when the rules change while it is on its way: nobody stops
 * for that. Who takes a new one without its `idempotent=true` is found by those that vet it. */
TEST(authority, orders_from_before_the_rules_of_tags_stand)
{
    struct fixture *f = setup();
    const uint8_t id[32] = {0xa1};
    char called[512], once[512];
    snprintf(called, sizeof(called), "%s&strategyId=18446744073709551615", order_text);
    snprintf(once, sizeof(once), "%s&idempotent=true", order_text);
    for (uint32_t rules = PARAMS_RULES_API - 1; rules <= PARAMS_RULES_API; rules++) {
        f->genesis.params.rules = rules;
        assert_null(ask_order(f, &order, id, &f->trader, called));
        assert_null(vetting_says(f));
        assert_null(ask_order(f, &order, id, &f->trader, once));
        if (rules < PARAMS_RULES_API)
            assert_null(vetting_says(f));
        else
            assert_string_equal(vetting_says(f), "signed text");
    }
    teardown(f);
}

#define PAINTED_BYTES 65536 /* more than a judgement needs */

/* What a judgement finds on the stack if it does not write there first. */
static __attribute__((noinline)) void paint_stack(int with)
{
    volatile uint8_t bytes[PAINTED_BYTES];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)with;
}

/* Every node says the same of a text, whatever it judged before: nothing hangs on what is left in memory. */
TEST(authority, no_judgement_hangs_on_what_is_on_the_stack)
{
    struct fixture *f = setup();
    const uint8_t id[32] = {0xa1};
    static const char *const more[] = {"",
                                       "&idempotent=false",
                                       "&idempotent=true",
                                       "&strategyId=5",
                                       "&strategyType=1000001",
                                       "&strategyId=x&idempotent=no&strategyType="};
    struct order_place_command other = order;
    other.qty.lots++;
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        char text[512];
        snprintf(text, sizeof(text), "%s%s", order_text, more[i]);
        for (int paint = 0; paint <= 0xff; paint += 0xff) {
            f->genesis.params.rules = PARAMS_RULES_API - 1;
            assert_null(ask_order(f, &order, id, &f->trader, text));
            paint_stack(paint);
            assert_null(authority_objection(&f->authority, &f->command));
            paint_stack(paint);
            assert_null(vetting_says(f));
            f->genesis.params.rules = PARAMS_RULES;
            paint_stack(paint);
            assert_null(authority_objection(&f->authority, &f->command));
            assert_non_null(ask_order(f, &other, id, &f->trader, text));
            paint_stack(paint);
            assert_string_equal(authority_objection(&f->authority, &f->command), "signed text");
        }
    }
    teardown(f);
}

/* Any other signer, key, account, order or deadline does not. */
TEST(authority, order_that_its_owner_did_not_sign_is_objected_to)
{
    struct fixture *f = setup();
    const uint8_t id[32] = {0xa1}, reads[32] = {0xa2}, hmac_only[32] = {0xa3}, unknown[32] = {7};
    assert_string_equal(ask_order(f, &order, id, &f->owner, order_text), "signature");
    assert_string_equal(ask_order(f, &order, reads, &f->reader, order_text), "key");
    assert_string_equal(ask_order(f, &order, hmac_only, &f->trader, order_text), "key");
    assert_string_equal(ask_order(f, &order, unknown, &f->trader, order_text), "key");

    struct order_place_command other = order;
    other.account = 2; /* another's account under one's own key */
    assert_string_equal(ask_order(f, &other, id, &f->trader, order_text), "key");
    other.account = 3;
    assert_string_equal(ask_order(f, &other, id, &f->trader, order_text), "account");
    other = order;
    other.price.ticks++;
    assert_string_equal(ask_order(f, &other, id, &f->trader, order_text), "signed text");
    other = order;
    other.side = SELL;
    assert_string_equal(ask_order(f, &other, id, &f->trader, order_text), "signed text");
    assert_string_equal(ask_order(f, &order, id, &f->trader, "symbol=%"), "signed text");

    uint8_t payload[256], auth[1024];
    order_place_command_put(payload, &order);
    const size_t auth_bytes = sign(auth, id, &f->trader, order_text);
    assert_string_equal(
        ask(f, T_ORDER_PLACE, payload, AUTH_ED25519, deadline + 1, auth, auth_bytes),
        "signed text");
    auth[96 + 30] ^= 1;
    assert_string_equal(ask(f, T_ORDER_PLACE, payload, AUTH_ED25519, deadline, auth, auth_bytes),
                        "signature");
    assert_string_equal(ask(f, T_ORDER_PLACE, payload, AUTH_ED25519, deadline, auth, 96),
                        "length of signature");
    teardown(f);
}

/* An HMAC key trades for its own account if it may, and never does an operator's work. */
TEST(authority, hmac_key_trades_for_its_account_only)
{
    struct fixture *f = setup();
    uint8_t payload[256] = {0};
    const uint8_t may[32] = {0xa3}, reads[32] = {0xa2}, no_secret[32] = {0xa1};
    order_place_command_put(payload, &order);
    assert_null(ask(f, T_ORDER_PLACE, payload, AUTH_HMAC, 0, may, 32));
    assert_string_equal(ask(f, T_ORDER_PLACE, payload, AUTH_HMAC, 0, reads, 32), "key");
    assert_string_equal(ask(f, T_ORDER_PLACE, payload, AUTH_HMAC, 0, no_secret, 32), "key");
    assert_string_equal(ask(f, T_ORDER_PLACE, payload, AUTH_HMAC, 0, may, 31), "length of key id");
    struct order_place_command other = order;
    other.account = 2;
    order_place_command_put(payload, &other);
    assert_string_equal(ask(f, T_ORDER_PLACE, payload, AUTH_HMAC, 0, may, 32), "key");
    const struct credit_command credit = {.account = 1, .amount = {1}};
    credit_command_put(payload, &credit);
    assert_string_equal(ask(f, T_CREDIT, payload, AUTH_HMAC, 0, may, 32), "kind of authentication");
    teardown(f);
}

/* An operator's command needs that operator's key of the genesis, and the text it was made from. */
TEST(authority, operators_command_needs_its_operator)
{
    struct fixture *f = setup();
    uint8_t payload[256], auth[1024];
    const char *text = "action=credit&account=1&asset=BTC&amount=1.5&nonce=9";
    struct credit_command credit = {.nonce = 9, .account = 1, .amount = {150000000}};
    credit_command_put(payload, &credit);
    size_t auth_bytes = sign(auth, f->op.public_key, &f->op, text);
    assert_null(ask(f, T_CREDIT, payload, AUTH_OPERATOR, 0, auth, auth_bytes));
    assert_string_equal(ask(f, T_CREDIT, payload, AUTH_NONE, 0, auth, 0), "kind of authentication");
    assert_string_equal(ask(f, T_CREDIT, payload, AUTH_ED25519, 0, auth, auth_bytes),
                        "kind of authentication");

    credit.nonce = 10; /* the same text for another nonce: a replay */
    credit_command_put(payload, &credit);
    assert_string_equal(ask(f, T_CREDIT, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "signed text");
    credit.operator_index = 1;
    credit_command_put(payload, &credit);
    assert_string_equal(ask(f, T_CREDIT, payload, AUTH_OPERATOR, 0, auth, auth_bytes), "operator");
    credit = (struct credit_command){.nonce = 9, .account = 1, .amount = {150000000}};
    credit_command_put(payload, &credit);
    auth_bytes = sign(auth, f->owner.public_key, &f->owner, text);
    assert_string_equal(ask(f, T_CREDIT, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "operator's public key");
    order_place_command_put(payload, &order);
    assert_string_equal(ask(f, T_ORDER_PLACE, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "kind of authentication");
    teardown(f);
}

/* Every trading command is for the account in its payload, and only a trading key of that account may
 * bring it. A gateway may end a session, and set the switch of one, in the name of any trading key: a
 * key without an HMAC secret is the case in point. */
TEST(authority, every_trading_command_is_for_its_account)
{
    struct fixture *f = setup();
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const uint8_t may[32] = {0xa3}, reads[32] = {0xa2}, no_secret[32] = {0xa1};
    for (uint32_t account = 1; account <= 2; account++) {
        const struct order_amend_command amend = {.account = account};
        const struct order_replace_command replace = {.account = account};
        const struct list_place_command place = {.account = account};
        const struct list_cancel_command cancel = {.account = account};
        const struct switch_set_command set = {.account = account};
        const struct session_end_command end = {.account = account};
        for (uint16_t type = T_ORDER_AMEND; type <= T_SESSION_END; type++) {
            const bool is_gateways = type == T_SWITCH_SET || type == T_SESSION_END;
            if (type == T_ORDER_AMEND) order_amend_command_put(payload, &amend);
            if (type == T_ORDER_REPLACE) order_replace_command_put(payload, &replace);
            if (type == T_LIST_PLACE) list_place_command_put(payload, &place);
            if (type == T_LIST_CANCEL) list_cancel_command_put(payload, &cancel);
            if (type == T_SWITCH_SET) switch_set_command_put(payload, &set);
            if (type == T_SESSION_END) session_end_command_put(payload, &end);
            const bool own = account == 1;
            assert_int_equal(ask(f, type, payload, AUTH_HMAC, 0, may, 32) == NULL, own);
            assert_int_equal(key_rights_account(&f->command), account);
            assert_non_null(ask(f, type, payload, AUTH_HMAC, 0, reads, 32));
            assert_int_equal(ask(f, type, payload, AUTH_HMAC, 0, no_secret, 32) == NULL,
                             own && is_gateways);
        }
    }
    teardown(f);
}

/* A signed text of any new kind asks for exactly its command. */
TEST(authority, signed_switch_and_amend_are_those_that_were_signed)
{
    struct fixture *f = setup();
    uint8_t payload[COMMAND_PAYLOAD_MAX], auth[1024];
    const uint8_t id[32] = {0xa1};
    const char *text = "symbol=BTCUSDT&countdownTime=1500&recvWindow=5000&timestamp=1700000000000";
    struct switch_set_command set = {.timeout_ms = 1500, .account = 1};
    switch_set_command_put(payload, &set);
    size_t auth_bytes = sign(auth, id, &f->trader, text);
    assert_null(ask(f, T_SWITCH_SET, payload, AUTH_ED25519, deadline, auth, auth_bytes));
    set.timeout_ms = 0;
    switch_set_command_put(payload, &set);
    assert_string_equal(ask(f, T_SWITCH_SET, payload, AUTH_ED25519, deadline, auth, auth_bytes),
                        "signed text");

    text = "symbol=BTCUSDT&orderId=7&newQty=0.001&recvWindow=5000&timestamp=1700000000000";
    struct order_amend_command amend = {.order_id = 7, .qty = {100}, .account = 1};
    order_amend_command_put(payload, &amend);
    auth_bytes = sign(auth, id, &f->trader, text);
    assert_null(ask(f, T_ORDER_AMEND, payload, AUTH_ED25519, deadline, auth, auth_bytes));
    amend.qty.lots = 99;
    order_amend_command_put(payload, &amend);
    assert_string_equal(ask(f, T_ORDER_AMEND, payload, AUTH_ED25519, deadline, auth, auth_bytes),
                        "signed text");
    teardown(f);
}

/* The two new operators' commands are as operators' as the others. */
TEST(authority, tiers_and_filters_need_their_operator)
{
    struct fixture *f = setup();
    uint8_t payload[COMMAND_PAYLOAD_MAX], auth[1024];
    const char *text = "action=account-tier&account=1&tier=1&nonce=9";
    struct account_tier_command grade = {.nonce = 9, .account = 1, .tier = 1};
    account_tier_command_put(payload, &grade);
    size_t auth_bytes = sign(auth, f->op.public_key, &f->op, text);
    assert_null(ask(f, T_ACCOUNT_TIER, payload, AUTH_OPERATOR, 0, auth, auth_bytes));
    grade.tier = 0;
    account_tier_command_put(payload, &grade);
    assert_string_equal(ask(f, T_ACCOUNT_TIER, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "signed text");
    const struct market_filters_command filters = {.nonce = 9, .band_ppm = 70000};
    market_filters_command_put(payload, &filters);
    assert_string_equal(ask(f, T_MARKET_FILTERS, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "signed text");
    teardown(f);
}

/* Only what nodes say themselves may come without any authentication, and then with none at all. */
TEST(authority, only_nodes_own_commands_need_no_signature)
{
    struct fixture *f = setup();
    uint8_t payload[COMMAND_PAYLOAD_MAX] = {0};
    const uint8_t own[] = {T_HELLO,      T_SEAL, T_VOTE, T_CHECKPOINT_VOTE, T_LIABILITIES_VOTE,
                           T_ORIGIN_LOST};
    const uint8_t others[] = {
        T_ASSET_CREATE, T_MARKET_CREATE, T_MARKET_STATUS,  T_KEY_ADD,          T_ACCOUNT_CREATE,
        T_CREDIT,       T_DEBIT,         T_ORDER_PLACE,    T_ORDER_CANCEL,     T_CANCEL_ALL,
        T_ORDER_AMEND,  T_ORDER_REPLACE, T_LIST_PLACE,     T_LIST_CANCEL,      T_SWITCH_SET,
        T_SESSION_END,  T_ACCOUNT_TIER,  T_MARKET_FILTERS, T_LIABILITIES_ORDER};
    for (size_t i = 0; i < sizeof(own); i++) {
        assert_null(ask(f, own[i], payload, AUTH_NONE, 0, NULL, 0));
        assert_non_null(ask(f, own[i], payload, AUTH_NONE, 0, payload, 1));
    }
    for (size_t i = 0; i < sizeof(others); i++)
        assert_non_null(ask(f, others[i], payload, AUTH_NONE, 0, NULL, 0));
    assert_non_null(ask(f, T_SEAL, payload, 9, 0, NULL, 0));
    teardown(f);
}

/* A change of the node set is its operator's, word by word; it needs no timestamp, as no operators' command
 * does. */
TEST(authority, changes_of_the_node_set_need_their_operator)
{
    struct fixture *f = setup();
    uint8_t payload[256], auth[1024];
    char text[256], hex[65];
    struct node_add_command add = {.nonce = 9, .node = 8, .public_key = {8}, .address = "host:70"};
    hash_hex(add.public_key, sizeof(add.public_key), hex);
    snprintf(text, sizeof(text), "action=node-add&node=8&publicKey=%s&address=host%%3A70&nonce=9",
             hex);
    node_add_command_put(payload, &add);
    size_t auth_bytes = sign(auth, f->op.public_key, &f->op, text);
    assert_null(ask(f, T_NODE_ADD, payload, AUTH_OPERATOR, 0, auth, auth_bytes));
    assert_string_equal(ask(f, T_NODE_ADD, payload, AUTH_NONE, 0, auth, 0),
                        "kind of authentication");
    for (int field = 0; field < 3; field++) {
        struct node_add_command other = add;
        if (field == 0) other.node = 9;
        if (field == 1) other.public_key[31] = 1;
        if (field == 2) other.address[0] = 'H';
        node_add_command_put(payload, &other);
        assert_string_equal(ask(f, T_NODE_ADD, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                            "signed text");
    }
    const struct node_role_command change = {.nonce = 9, .node = 8, .role = 2};
    node_role_command_put(payload, &change);
    auth_bytes = sign(auth, f->op.public_key, &f->op, "action=node-role&node=8&role=VOTER&nonce=9");
    assert_null(ask(f, T_NODE_ROLE, payload, AUTH_OPERATOR, 0, auth, auth_bytes));
    auth_bytes =
        sign(auth, f->op.public_key, &f->op, "action=node-role&node=8&role=STANDBY&nonce=9");
    assert_string_equal(ask(f, T_NODE_ROLE, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "signed text");
    const struct node_remove_command gone = {.nonce = 9, .node = 8};
    node_remove_command_put(payload, &gone);
    auth_bytes = sign(auth, f->op.public_key, &f->op, "action=node-remove&node=8&nonce=9");
    assert_null(ask(f, T_NODE_REMOVE, payload, AUTH_OPERATOR, 0, auth, auth_bytes));
    const struct node_swap_command swap = {.nonce = 9, .old_node = 8, .new_node = 9};
    node_swap_command_put(payload, &swap);
    auth_bytes =
        sign(auth, f->op.public_key, &f->op, "action=node-swap&oldNode=8&newNode=9&nonce=9");
    assert_null(ask(f, T_NODE_SWAP, payload, AUTH_OPERATOR, 0, auth, auth_bytes));
    auth_bytes =
        sign(auth, f->op.public_key, &f->op, "action=node-swap&oldNode=9&newNode=8&nonce=9");
    assert_string_equal(ask(f, T_NODE_SWAP, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "signed text");
    teardown(f);
}

static const char *agree_to_three(void *context, const struct command *command)
{
    return command->header.auth_length == *(const uint16_t *)context ? NULL : "statements";
}

/* A change of epoch comes with statements, and stands when whoever judges them says so. */
TEST(authority, a_change_of_epoch_needs_its_statements)
{
    struct fixture *f = setup();
    uint8_t payload[64], auth[8] = {0};
    uint16_t three = 3;
    const struct epoch_change_command change = {.epoch = 1, .height = 2};
    epoch_change_command_put(payload, &change);
    assert_string_equal(ask(f, T_EPOCH_CHANGE, payload, AUTH_STATEMENTS, 0, auth, 3),
                        "statements for a change of epoch"); /* nobody can judge */
    f->authority.epoch_check = agree_to_three;
    f->authority.epoch_context = &three;
    assert_null(ask(f, T_EPOCH_CHANGE, payload, AUTH_STATEMENTS, 0, auth, 3));
    assert_string_equal(ask(f, T_EPOCH_CHANGE, payload, AUTH_STATEMENTS, 0, auth, 2), "statements");
    assert_string_equal(ask(f, T_EPOCH_CHANGE, payload, AUTH_NONE, 0, auth, 0),
                        "kind of authentication");
    uint8_t placed[256];
    order_place_command_put(placed, &order);
    assert_string_equal(ask(f, T_ORDER_PLACE, placed, AUTH_STATEMENTS, 0, auth, 3),
                        "kind of authentication");
    teardown(f);
}

/* A connector's key is good for what connectors say, signed by itself, and for nothing that an operator does; an
 * operator's is not good under a connector's number. */
TEST(authority, a_connectors_key_reports_and_does_nothing_else)
{
    struct fixture *f = setup();
    const char text[] = "action=deposit-reorg&chain=ETH&output=0&nonce=9&txid="
                        "0700000000000000000000000000000000000000000000000000000000000000";
    const char credit_text[] = "action=credit&account=1&asset=BTC&amount=1.5&nonce=9";
    uint8_t payload[COMMAND_PAYLOAD_MAX], auth[1024];
    struct deposit_reorg_command reorg = {
        .nonce = 9, .operator_index = PARAMS_CONNECTOR_FIRST, .chain = "ETH", .txid = {7}};
    deposit_reorg_command_put(payload, &reorg);
    const struct key_pair connector = pair_of(9);
    size_t auth_bytes = sign(auth, connector.public_key, &connector, text);
    assert_string_equal(ask(f, T_DEPOSIT_REORG, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "operator"); /* not added yet */
    f->genesis.params.connector_count = 1;
    memcpy(f->genesis.params.connectors[0], connector.public_key, PUBLIC_KEY_BYTES);
    assert_null(ask(f, T_DEPOSIT_REORG, payload, AUTH_OPERATOR, 0, auth, auth_bytes));

    auth_bytes = sign(auth, connector.public_key, &f->trader, text);
    assert_string_equal(ask(f, T_DEPOSIT_REORG, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "signature");
    auth_bytes = sign(auth, f->op.public_key, &f->op, text);
    assert_string_equal(ask(f, T_DEPOSIT_REORG, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "operator's public key");
    const struct credit_command credit = {
        .nonce = 9, .operator_index = PARAMS_CONNECTOR_FIRST, .account = 1, .amount = {150000000}};
    credit_command_put(payload, &credit);
    auth_bytes = sign(auth, connector.public_key, &connector, credit_text);
    assert_string_equal(ask(f, T_CREDIT, payload, AUTH_OPERATOR, 0, auth, auth_bytes), "operator");
    reorg.operator_index++;
    deposit_reorg_command_put(payload, &reorg);
    auth_bytes = sign(auth, connector.public_key, &connector, text);
    assert_string_equal(ask(f, T_DEPOSIT_REORG, payload, AUTH_OPERATOR, 0, auth, auth_bytes),
                        "operator");
    teardown(f);
}

/* To take a withdrawal back it takes what it took to ask for it; a wish's own text does not say it. */
TEST(authority, a_withdrawal_is_taken_back_by_its_accounts_key)
{
    struct fixture *f = setup();
    const char text[] = "action=withdraw-cancel&withdrawal=7&recvWindow=5000"
                        "&timestamp=1700000000000";
    const uint8_t trades[32] = {0xa1};
    uint8_t payload[COMMAND_PAYLOAD_MAX], auth[1024];
    struct withdrawal_cancel_command cancel = {.withdrawal = 7, .account = 1};
    withdrawal_cancel_command_put(payload, &cancel);
    size_t auth_bytes = sign(auth, f->owner.public_key, &f->owner, text);
    assert_null(ask(f, T_WITHDRAWAL_CANCEL, payload, AUTH_ED25519, deadline, auth, auth_bytes));
    assert_string_equal(ask(f, T_WITHDRAWAL_CANCEL, payload, AUTH_HMAC, deadline, trades, 32),
                        "kind of authentication");
    auth_bytes = sign(auth, trades, &f->trader, text);
    assert_string_equal(
        ask(f, T_WITHDRAWAL_CANCEL, payload, AUTH_ED25519, deadline, auth, auth_bytes), "key");
    cancel.withdrawal = 8;
    withdrawal_cancel_command_put(payload, &cancel);
    auth_bytes = sign(auth, f->owner.public_key, &f->owner, text);
    assert_string_equal(
        ask(f, T_WITHDRAWAL_CANCEL, payload, AUTH_ED25519, deadline, auth, auth_bytes),
        "signed text");
    teardown(f);
}

/* The wallet's words for a withdrawal say all that the command has: other amounts, addresses, networks or names, and the
 * same text for another moment, are objected to; so is every key that may not withdraw, and whatever the gateway vouches
 * for. Before their rules they say nothing. */
TEST(authority, a_withdrawal_in_the_wallets_words_is_its_owners)
{
    struct fixture *f = setup();
    const char text[] = "coin=BTC&address=a&amount=0.5&recvWindow=5000&timestamp=1700000000000";
    const uint8_t trades[32] = {0xa1}, withdraws[32] = {0xa4};
    uint8_t payload[COMMAND_PAYLOAD_MAX], auth[1024];
    add_key(f, 0xa4, 1, KEY_READ | KEY_WITHDRAW, 1, f->reader.public_key);
    f->genesis.params.routes[0] = (struct route_changed_event){.chain = "ETH"};
    f->genesis.params.route_count = 1;
    f->genesis.params.rules = PARAMS_RULES_APPLY;
    const struct withdraw_command asked = {.amount = {50000000},
                                           .account = 1,
                                           .chain = "ETH",
                                           .address = "a",
                                           .client_id = "at-1700000000000000000-5515221e700fb"};
    withdraw_command_put(payload, &asked);
    size_t auth_bytes = sign(auth, withdraws, &f->reader, text);
    assert_null(ask(f, T_WITHDRAW, payload, AUTH_ED25519, deadline, auth, auth_bytes));
    assert_null(vetting_says(f));
    assert_string_equal(ask(f, T_WITHDRAW, payload, AUTH_ED25519, deadline + 1, auth, auth_bytes),
                        "signed text");
    assert_string_equal(ask(f, T_WITHDRAW, payload, AUTH_HMAC, deadline, withdraws, 32),
                        "kind of authentication");
    for (size_t byte = 0; byte < WITHDRAW_BYTES; byte++) {
        payload[byte] ^= 1;
        assert_non_null(ask(f, T_WITHDRAW, payload, AUTH_ED25519, deadline, auth, auth_bytes));
        payload[byte] ^= 1;
    }
    auth_bytes = sign(auth, trades, &f->trader, text);
    assert_string_equal(ask(f, T_WITHDRAW, payload, AUTH_ED25519, deadline, auth, auth_bytes),
                        "key");
    auth_bytes = sign(auth, withdraws, &f->trader, text);
    assert_string_equal(ask(f, T_WITHDRAW, payload, AUTH_ED25519, deadline, auth, auth_bytes),
                        "signature");
    f->genesis.params.rules = PARAMS_RULES_APPLY - 1;
    auth_bytes = sign(auth, withdraws, &f->reader, text);
    assert_string_equal(ask(f, T_WITHDRAW, payload, AUTH_ED25519, deadline, auth, auth_bytes),
                        "signed text");
    teardown(f);
}

#define ORDER_BUT_ITS_SYMBOL \
    "side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=30000.01&newClientOrderId=mine" \
    "&recvWindow=5000&timestamp=1700000000000"

/* What the account's own key says to `text` as a command of that type. */
static const char *owner_asks(struct fixture *f, uint16_t type, const uint8_t *payload,
                              const char *text)
{
    uint8_t auth[1024];
    const size_t auth_bytes = sign(auth, f->owner.public_key, &f->owner, text);
    return ask(f, type, payload, AUTH_ED25519, deadline, auth, auth_bytes);
}

static struct fixture *setup_wallet(void)
{
    struct fixture *f = setup();
    f->genesis.params.routes[0] = (struct route_changed_event){.chain = "ETH"};
    f->genesis.params.route_count = 1;
    f->genesis.params.rules = PARAMS_RULES_APPLY;
    return f;
}

static const struct withdraw_command wallet_wish = {
    .amount = {50000000},
    .account = 1,
    .chain = "ETH",
    .address = "a",
    .client_id = "at-1700000000000000000-5515221e700fb",
};

/* Where the wallet's words are good, ours are still: the action says which they are, also when the wallet's stand beside
 * it. */
TEST(authority, our_own_words_for_a_withdrawal_stand_beside_the_wallets)
{
    struct fixture *f = setup_wallet();
    const char text[] =
        "action=withdraw&chain=ETH&asset=BTC&amount=0.5&address=a&withdrawOrderId=mine"
        "&coin=USDT&network=TRON&recvWindow=5000&timestamp=1700000000000";
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    struct withdraw_command asked = wallet_wish;
    memset(asked.client_id, 0, sizeof(asked.client_id));
    memcpy(asked.client_id, "mine", 4);
    withdraw_command_put(payload, &asked);
    assert_null(owner_asks(f, T_WITHDRAW, payload, text));
    asked.asset = 1;
    withdraw_command_put(payload, &asked);
    assert_string_equal(owner_asks(f, T_WITHDRAW, payload, text), "signed text");
    teardown(f);
}

/* A text is of one kind, whatever else stands in it: an order that names a coin, an address and an amount withdraws
 * nothing, and a withdrawal that has all that another command needs, but for its symbol or action, is none of them. */
TEST(authority, the_wallets_words_are_good_for_nothing_else)
{
    struct fixture *f = setup_wallet();
    const char both[] = "coin=BTC&address=a&amount=0.5&symbol=BTCUSDT&" ORDER_BUT_ITS_SYMBOL;
    const char wish[] =
        "coin=BTC&address=a&amount=0.5&chain=ETH&withdrawal=7&" ORDER_BUT_ITS_SYMBOL;
    uint8_t placed[COMMAND_PAYLOAD_MAX], wished[COMMAND_PAYLOAD_MAX], other[COMMAND_PAYLOAD_MAX];
    order_place_command_put(placed, &order);
    withdraw_command_put(wished, &wallet_wish);
    assert_null(owner_asks(f, T_ORDER_PLACE, placed, both));
    assert_string_equal(owner_asks(f, T_WITHDRAW, wished, both), "signed text");

    assert_null(owner_asks(f, T_WITHDRAW, wished, wish));
    assert_string_equal(owner_asks(f, T_ORDER_PLACE, placed, wish), "signed text");
    for (uint8_t allowed = 0; allowed < 2; allowed++) {
        const struct address_allow_command allow = {
            .account = 1, .allowed = allowed, .chain = "ETH", .address = "a"};
        address_allow_command_put(other, &allow);
        assert_string_equal(owner_asks(f, T_ADDRESS_ALLOW, other, wish), "signed text");
    }
    const struct withdrawal_cancel_command cancel = {.withdrawal = 7, .account = 1};
    withdrawal_cancel_command_put(other, &cancel);
    assert_string_equal(owner_asks(f, T_WITHDRAWAL_CANCEL, other, wish), "signed text");
    teardown(f);
}
