#include "node/bench_feed.h"

#include "common/batch.h"
#include "common/le.h"

#include <stdlib.h>
#include <string.h>

#define NODE_ID     1
#define KEY_BYTES   32
#define KEY_FILL    0x5a
#define BATCH_ROOM  (64 * 1024) /* of commands in a batch: what arrives together under load */
#define START_NS    (UINT64_C(1700000000) * 1000000000)
#define STEP_NS     1000000u
#define DEADLINE_NS (UINT64_C(5000) * 1000000)
#define FUNDS       INT64_C(800000000000000) /* of either asset, an account */

static struct market market_of(uint32_t index, bool anywhere)
{
    struct market_create_command listing = {
        .base = 0,
        .quote = 1,
        .tick_units = 1000000,              /* 0.01 */
        .lot_units = anywhere ? 100 : 1000, /* 0.00001, or less where one order buys a whole book */
        .price_min = {1},
        .price_max = {INT64_C(4000000000)},
        .qty_min = {1},
        .qty_max = {10000000},
        .notional_min = {1},
        .account_orders_max = 100000,
    };
    const struct asset assets[2] = {{.decimals = 8}, {.decimals = 8}};
    struct market market;
    memcpy(listing.symbol, "BENCH", 5);
    for (uint32_t digit = 0, rest = index; digit < 4; digit++, rest /= 10)
        listing.symbol[8 - digit] = (uint8_t)('0' + rest % 10);
    const bool listed = market_list(&listing, assets, &market);
    ASSERT(listed);
    market.filters.notional_max.units = INT64_MAX / 2;
    market.filters.position_max.units = INT64_MAX / 2;
    if (anywhere) return market;
    market.filters.bid_up = market.filters.ask_up = 1000000;
    market.filters.bid_down = market.filters.ask_down = 1;
    market.filters.band_ppm = 1000000;
    ASSERT(market_filters_valid(&market, &market.filters));
    return market;
}

void bench_feed_genesis(struct genesis *genesis, uint32_t markets, uint32_t accounts,
                        uint32_t orders, bool anywhere)
{
    *genesis = (struct genesis){
        .validators = {.count = 1, .members = {{.node = NODE_ID}}},
        .operator_count = 1,
    };
    struct params *params = &genesis->params;
    *params = (struct params){
        .rules = PARAMS_RULES,
        .accounts_max = accounts,
        .keys_max = 1,
        .orders_max = orders,
        .levels_max = orders + 1,
        .assets_max = 2,
        .markets_max = markets,
        .block_ms = 1000,
        .idle_block_ms = 1000,
        .stamp_step_ms = 1000,
        .uncertified_blocks_max = 1,
        .tier_count = 1,
        .tiers = {{.maker_ppm = 100, .taker_ppm = 200}},
        .asset_count = 2,
        .assets = {{.symbol = "BASE", .decimals = 8}, {.symbol = "QUOTE", .decimals = 8}},
        .market_count = (uint16_t)markets,
    };
    for (uint32_t market = 0; market < markets; market++)
        params->markets[market] = market_of(market, anywhere);
}

static void batch_begin(struct bench_feed *feed)
{
    feed->batch_start = feed->length;
    feed->batch_commands = 0;
    feed->batch_stamp_ns += STEP_NS;
    feed->length += sizeof(uint64_t) + BATCH_HEADER_BYTES;
}

static void batch_end(struct bench_feed *feed)
{
    if (feed->batch_commands == 0) {
        feed->length = feed->batch_start;
        return;
    }
    const struct batch_header header = {feed->batch_commands, feed->batch_stamp_ns};
    uint8_t *at = feed->bytes + feed->batch_start;
    batch_header_put(le_put_u64(at, feed->record_count + 1), &header);
    feed->records[feed->record_count++] = feed->batch_start;
    feed->records[feed->record_count] = feed->length;
}

/* Appends a command. Commands of traders (with a sequence) carry a key id as HMAC ones do. */
static uint8_t *command_begin(struct bench_feed *feed, uint16_t type, bool is_trader)
{
    if (feed->length - feed->batch_start > BATCH_ROOM) {
        batch_end(feed);
        batch_begin(feed);
    }
    const uint32_t auth = is_trader ? KEY_BYTES : 0;
    const struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type) + auth),
        .type = type,
        .origin = is_trader ? NODE_ID : 0,
        .auth_kind = is_trader ? AUTH_HMAC : AUTH_NONE,
        .auth_length = (uint16_t)auth,
        .origin_epoch = is_trader ? feed->epoch : 0,
        .origin_sequence = is_trader ? ++feed->sequence : 0,
        .deadline_ns = is_trader ? feed->batch_stamp_ns + DEADLINE_NS : 0,
        .ticket = feed->command_count,
    };
    uint8_t *at = feed->bytes + feed->length;
    ASSERT(feed->length + header.length <= feed->capacity);
    command_header_put(at, &header);
    memset(at + header.length - auth, KEY_FILL, auth);
    feed->length += header.length;
    feed->batch_commands++;
    feed->command_count++;
    return at + COMMAND_HEADER_BYTES;
}

/* 24 characters that look like a client's, different for every number. */
static void client_id_write(uint8_t *client_id, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t mixed = number * UINT64_C(0x9E3779B97F4A7C15);
    memset(client_id, 0, 36);
    memcpy(client_id, "x-", 2);
    for (int i = 0; i < 16; i++, mixed >>= 4)
        client_id[2 + i] = (uint8_t)digits[mixed & 15];
    for (int i = 0; i < 6; i++, number >>= 4)
        client_id[18 + i] = (uint8_t)digits[number & 15];
}

/* The key that all orders come by: the engine does not look whose it is, settlement would. */
static void key_put(struct bench_feed *feed, uint64_t nonce)
{
    struct key_add_command key = {.nonce = nonce, .account = 1, .permissions = KEY_TRADE};
    memset(key.key_id, KEY_FILL, sizeof(key.key_id));
    key_add_command_put(command_begin(feed, T_KEY_ADD, false), &key);
}

static void accounts_put(struct bench_feed *feed)
{
    uint64_t nonce = 0;
    struct hello_command hello = {.nonce = 1, .node = NODE_ID};
    hello_command_put(command_begin(feed, T_HELLO, false), &hello);
    feed->epoch = feed->command_count;
    for (uint32_t account = 1; account <= feed->account_count; account++) {
        const struct account_create_command create = {.nonce = ++nonce};
        account_create_command_put(command_begin(feed, T_ACCOUNT_CREATE, false), &create);
        for (uint16_t asset = 0; asset < 2; asset++) {
            const struct credit_command credit = {
                .nonce = ++nonce,
                .account = account,
                .asset = asset,
                .amount = {FUNDS / (feed->account_count / 10000 + 1)}};
            credit_command_put(command_begin(feed, T_CREDIT, false), &credit);
        }
    }
    key_put(feed, ++nonce);
}

/* The account that owns the order of this id: every account trades, in no order. */
static uint32_t owner_of(const struct bench_feed *feed, uint64_t id)
{
    const uint64_t mixed = id * UINT64_C(0xD6E8FEB86659FD93);
    return 1 + (uint32_t)((mixed >> 32) * feed->account_count >> 32);
}

static void record_put(struct bench_feed *feed, const struct flow_record *record)
{
    if (record->op == FLOW_CANCEL) {
        struct order_cancel_command cancel = {
            .order_id = record->id,
            .account = owner_of(feed, record->id),
            .market = record->market,
        };
        client_id_write(cancel.client_id, ~record->id);
        if (feed->by_name) {
            cancel.order_id = 0;
            client_id_write(cancel.orig_client_id, record->id);
        }
        order_cancel_command_put(command_begin(feed, T_ORDER_CANCEL, true), &cancel);
        return;
    }
    struct order_place_command place = {
        .price = {record->price},
        .qty = {record->qty},
        .account = owner_of(feed, record->id),
        .market = record->market,
        .side = record->side,
        .type = LIMIT,
        .time_in_force = record->op == FLOW_TAKE ? IOC : GTC,
    };
    client_id_write(place.client_id, record->id);
    order_place_command_put(command_begin(feed, T_ORDER_PLACE, true), &place);
}

/* Bytes of the largest log there could be. */
static size_t feed_bytes(uint64_t records, uint32_t accounts)
{
    const size_t order = COMMAND_HEADER_BYTES + ORDER_PLACE_BYTES + ORDER_CANCEL_BYTES + KEY_BYTES;
    const size_t account =
        3 * COMMAND_HEADER_BYTES + ACCOUNT_CREATE_BYTES + 2 * (size_t)CREDIT_BYTES;
    return (records * order + accounts * account + 65536) * 65 / 64;
}

bool bench_feed_make(struct bench_feed *feed, const struct flow *flow, uint32_t markets,
                     uint32_t accounts)
{
    const uint64_t count = flow->header.preload_count + flow->header.command_count;
    *feed = (struct bench_feed){
        .capacity = feed_bytes(count, accounts),
        .account_count = accounts,
        .batch_stamp_ns = START_NS,
        .by_name = markets > 1,
    };
    feed->record_capacity = feed->capacity / BATCH_ROOM + 64;
    feed->bytes = malloc(feed->capacity);
    feed->records = malloc(feed->record_capacity * sizeof(*feed->records));
    if (feed->bytes == NULL || feed->records == NULL) {
        bench_feed_free(feed);
        return false;
    }
    batch_begin(feed);
    accounts_put(feed);
    for (uint64_t i = 0; i < count; i++) {
        if (i == flow->header.preload_count) {
            batch_end(feed);
            feed->first_measured = feed->record_count;
            batch_begin(feed);
        }
        record_put(feed, &flow->records[i]);
    }
    batch_end(feed);
    return true;
}

void bench_feed_free(struct bench_feed *feed)
{
    free(feed->bytes);
    free(feed->records);
    *feed = (struct bench_feed){.bytes = NULL};
}
