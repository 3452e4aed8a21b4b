#include "benchmarks/cluster.h"

#include "node/demo.h"

#include <string.h>

/* Of each asset, an account: a million of them fit into an amount. */
#define FUNDS_UNITS INT64_C(4000000000000)

#define ACCOUNT_COMMANDS (2 + DEMO_ASSET_COUNT)
#define KEY_BYTES        32
#define FAR_TICKS        1000 /* from the middle: nothing takes from there */
#define SPREAD_TICKS     400

void traffic_begin(struct traffic *traffic, uint32_t node, uint32_t accounts, uint32_t orders)
{
    memset(traffic, 0, sizeof(*traffic));
    traffic->node = node;
    traffic->accounts = accounts;
    traffic->orders = orders;
    traffic->random = node * UINT64_C(0x9e3779b97f4a7c15);
    /* Never the client ids of an earlier life of this node. */
    traffic->client = cluster_now_ns() << 3 | (node & 7);
}

uint64_t traffic_total(const struct traffic *traffic, uint32_t work)
{
    if (work == WORK_ACCOUNTS) return (uint64_t)traffic->accounts * ACCOUNT_COMMANDS;
    return work == WORK_ORDERS ? traffic->orders : 0;
}

static uint32_t below(struct traffic *traffic, uint32_t bound)
{
    traffic->random = traffic->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((traffic->random >> 32) * bound >> 32);
}

static void key_of(uint32_t account, uint8_t key[KEY_BYTES])
{
    memset(key, 0, KEY_BYTES);
    le_put_u64(key, account * UINT64_C(0x9e3779b97f4a7c15));
    le_put_u32(key + 8, account);
}

/* Header and authentication round a payload that is there already. `account` 0: nobody signs. */
static size_t finish(uint16_t type, uint64_t ticket, uint32_t account, uint8_t *at,
                     const uint8_t *end)
{
    const size_t payload = (size_t)(end - at) - COMMAND_HEADER_BYTES;
    const uint16_t auth = account == 0 ? 0 : KEY_BYTES;
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + payload + auth),
        .type = type,
        .auth_kind = account == 0 ? AUTH_NONE : AUTH_HMAC,
        .auth_length = auth,
        .ticket = ticket,
    };
    command_header_put(at, &header);
    if (account != 0) key_of(account, at + COMMAND_HEADER_BYTES + payload);
    return header.length;
}

/* ---- Once. */

static size_t account_next(uint64_t number, uint64_t ticket, uint8_t *at)
{
    uint8_t *payload = at + COMMAND_HEADER_BYTES;
    const uint32_t account = (uint32_t)(number / ACCOUNT_COMMANDS) + 1;
    const uint32_t part = (uint32_t)(number % ACCOUNT_COMMANDS);
    if (part == 0) {
        struct account_create_command create = {.nonce = number + 1};
        le_put_u32(create.public_key, account);
        return finish(T_ACCOUNT_CREATE, ticket, 0, at,
                      account_create_command_put(payload, &create));
    }
    if (part == 1) {
        struct key_add_command key = {.nonce = number + 1,
                                      .account = account,
                                      .permissions = KEY_READ | KEY_TRADE,
                                      .secret_version = 1};
        key_of(account, key.key_id);
        return finish(T_KEY_ADD, ticket, 0, at, key_add_command_put(payload, &key));
    }
    const struct credit_command credit = {.nonce = number + 1,
                                          .account = account,
                                          .asset = (uint16_t)(part - 2),
                                          .amount = {FUNDS_UNITS}};
    return finish(T_CREDIT, ticket, 0, at, credit_command_put(payload, &credit));
}

/* ---- Orders. */

static void client_id_put(uint8_t client_id[36], uint64_t client)
{
    memset(client_id, 0, 36);
    for (int i = 0; i < 16; i++)
        client_id[i] = (uint8_t) "0123456789abcdef"[client >> (60 - 4 * i) & 15];
}

/* A LIMIT order of some hundred dollars. */
static size_t order_put(struct traffic *traffic, const struct order_place_command *asked,
                        uint64_t ticket, uint8_t *at)
{
    struct order_place_command order = *asked;
    order.type = LIMIT;
    traffic->client += 8;
    client_id_put(order.client_id, traffic->client);
    return finish(T_ORDER_PLACE, ticket, order.account, at,
                  order_place_command_put(at + COMMAND_HEADER_BYTES, &order));
}

/* Far from the middle, `number`th of all. */
static size_t resting_next(struct traffic *traffic, uint64_t number, uint64_t ticket, uint8_t *at)
{
    const uint16_t market = (uint16_t)(number % DEMO_MARKET_COUNT);
    const bool sells = number / DEMO_MARKET_COUNT % 2 != 0;
    const int64_t distance = FAR_TICKS + below(traffic, FAR_TICKS);
    const int64_t middle = demo_markets[market].price_ticks;
    const struct order_place_command order = {
        .account = (uint32_t)(number * 7 % traffic->accounts) + 1,
        .market = market,
        .side = sells ? SELL : BUY,
        .time_in_force = GTC,
        .price = {middle + (sells ? distance : -distance)},
        .qty = {demo_markets[market].order_lots / 100},
    };
    return order_put(traffic, &order, ticket, at);
}

static size_t match_next(struct traffic *traffic, uint64_t ticket, uint8_t *at)
{
    const uint64_t number = traffic->count;
    const uint16_t market = (uint16_t)(number % DEMO_MARKET_COUNT);
    const struct order_place_command order = {
        .account = below(traffic, traffic->accounts) + 1,
        .market = market,
        .side = number / DEMO_MARKET_COUNT % 2 != 0 ? SELL : BUY,
        .time_in_force = GTC,
        .price = {demo_markets[market].price_ticks},
        .qty = {demo_markets[market].order_lots / 100},
    };
    return order_put(traffic, &order, ticket, at);
}

static size_t cancel_put(struct traffic *traffic, uint32_t slot, uint64_t ticket, uint8_t *at)
{
    struct order_cancel_command cancel = {.account = traffic->slots[slot].account,
                                          .market = traffic->slots[slot].market};
    client_id_put(cancel.orig_client_id, traffic->slots[slot].client);
    traffic->client += 8;
    client_id_put(cancel.client_id, traffic->client);
    traffic->slots[slot].client = 0;
    return finish(T_ORDER_CANCEL, ticket, cancel.account, at,
                  order_cancel_command_put(at + COMMAND_HEADER_BYTES, &cancel));
}

/* A slot that is taken is cancelled, an empty one filled: about as many of either. */
static size_t book_next(struct traffic *traffic, uint64_t ticket, uint8_t *at)
{
    const bool takes = below(traffic, 100) < 8;
    const uint32_t slot = below(traffic, TRAFFIC_SLOTS);
    if (!takes && traffic->slots[slot].client != 0) return cancel_put(traffic, slot, ticket, at);

    const uint16_t market = (uint16_t)below(traffic, DEMO_MARKET_COUNT);
    const bool sells = below(traffic, 2) != 0;
    const int64_t distance = 1 + below(traffic, SPREAD_TICKS);
    const struct order_place_command order = {
        .account = below(traffic, traffic->accounts) + 1,
        .market = market,
        .side = sells ? SELL : BUY,
        .time_in_force = takes ? IOC : GTC,
        .price = {demo_markets[market].price_ticks + (sells != takes ? distance : -distance)},
        .qty = {demo_markets[market].order_lots / 100},
    };
    const size_t byte_count = order_put(traffic, &order, ticket, at);
    if (!takes) {
        traffic->slots[slot].client = traffic->client;
        traffic->slots[slot].account = order.account;
        traffic->slots[slot].market = market;
    }
    return byte_count;
}

size_t traffic_next(struct traffic *traffic, uint32_t work, uint64_t ticket, uint8_t *at)
{
    const uint64_t total = traffic_total(traffic, work);
    size_t byte_count = 0;
    if (work != traffic->work) traffic->count = 0;
    traffic->work = work;
    if (total != 0 && traffic->count >= total) return 0;
    if (work == WORK_ACCOUNTS) byte_count = account_next(traffic->count, ticket, at);
    if (work == WORK_ORDERS) byte_count = resting_next(traffic, traffic->count, ticket, at);
    if (work == WORK_MATCH) byte_count = match_next(traffic, ticket, at);
    if (work == WORK_BOOK) byte_count = book_next(traffic, ticket, at);
    traffic->count++;
    return byte_count;
}
