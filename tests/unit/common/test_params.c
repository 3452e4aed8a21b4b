#include "common/params.h"

#include "tests/harness.h"
#include "tests/unit/common/world.h"

static struct params params;

static bool valid_with(void (*change)(struct params *))
{
    const char *reason;
    world_params(&params);
    if (change != NULL) change(&params);
    const bool valid = params_valid(&params, &reason);
    assert_int_equal(valid, reason == NULL);
    return valid;
}

/* Each bound one past its end, and at its end. */
#define CHANGE(name, statement) \
    static void name(struct params *p) \
    { \
        statement; \
    }
CHANGE(rules_0, p->rules = 0)
CHANGE(rules_later, p->rules = PARAMS_RULES + 1)
CHANGE(accounts_0, p->accounts_max = 0)
CHANGE(accounts_most, p->accounts_max = 1u << 24)
CHANGE(accounts_more, p->accounts_max = (1u << 24) + 1)
CHANGE(orders_0, p->orders_max = 0)
CHANGE(orders_most, p->orders_max = 1u << 26)
CHANGE(orders_more, p->orders_max = (1u << 26) + 1)
CHANGE(levels_0, p->levels_max = 0)
CHANGE(keys_0, p->keys_max = 0)
CHANGE(assets_most, p->assets_max = PARAMS_ASSETS_LIMIT)
CHANGE(assets_more, p->assets_max = PARAMS_ASSETS_LIMIT + 1)
CHANGE(assets_few, p->assets_max = 3)
CHANGE(markets_more, p->markets_max = PARAMS_MARKETS_LIMIT + 1)
CHANGE(markets_few, p->markets_max = 1)
CHANGE(block_9, p->block_ms = 9)
CHANGE(block_10, p->block_ms = 10)
CHANGE(idle_below, p->idle_block_ms = p->block_ms - 1)
CHANGE(idle_equal, p->idle_block_ms = p->block_ms)
CHANGE(step_0, p->stamp_step_ms = 0)
CHANGE(uncertified_0, p->uncertified_blocks_max = 0)
CHANGE(tiers_0, p->tier_count = 0)
CHANGE(tiers_9, p->tier_count = PARAMS_TIERS_LIMIT + 1)
CHANGE(taker_all, p->tiers[0].taker_ppm = 1000000)
CHANGE(taker_most, p->tiers[0].taker_ppm = 999999)
CHANGE(maker_rebate, p->tiers[0].maker_ppm = -p->tiers[0].taker_ppm)
CHANGE(maker_less, p->tiers[0].maker_ppm = -p->tiers[0].taker_ppm - 1)
CHANGE(first_volume, p->tiers[0].volume_min.units = 1)
CHANGE(volume_asset_more, p->volume_asset = (uint16_t)p->assets_max)
CHANGE(maker_0, p->tiers[0].maker_ppm = 0)

TEST(params, bounds_are_checked_from_both_sides)
{
    void (*const good[])(struct params *) = {NULL,        accounts_most, orders_most,
                                             assets_most, block_10,      idle_equal,
                                             taker_most,  maker_0,       maker_rebate};
    void (*const bad[])(struct params *) = {
        rules_0,   rules_later, accounts_0,   accounts_more,     orders_0,     orders_more,
        levels_0,  keys_0,      assets_more,  assets_few,        markets_more, markets_few,
        block_9,   idle_below,  step_0,       uncertified_0,     tiers_0,      tiers_9,
        taker_all, maker_less,  first_volume, volume_asset_more,
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(valid_with(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(valid_with(bad[i]));
}

/* Two nodes with the same parameters must sign the same header, so these bytes are golden. */
TEST(params, the_canonical_bytes_are_golden)
{
    static uint8_t bytes[PARAMS_BYTES_MAX];
    static char text[2 * PARAMS_BYTES_MAX + 1];
    world_params(&params);
    params.asset_count = 1;
    params.market_count = 1;
    hash_hex(bytes, params_encode(&params, bytes), text);
    assert_string_equal(text,
                        "01000000e8030000e8030000e8030000e8030000" /* rules .. levels_max */
                        "080000000800000064000000e8030000e8030000" /* assets_max .. stamp_step_ms */
                        "64000000"
                        "1027000020030000" /* checkpoint_blocks, origin_lost_ms */
                        "0300"
                        "0100" /* uncertified, secrets */
                        "0000" /* volume asset */
                        "0100"
                        "e8030000e8030000"
                        "0000000000000000" /* one tier, its volume */
                        "0100"
                        "08"
                        "425443000000000000000000" /* BTC */
                        "0100"
                        "0000"
                        "0100"
                        "01" /* BTCUSDT: base, quote, status */
                        "40420f0000000000"
                        "e803000000000000" /* tick, lot */
                        "0100000000000000"
                        "00e1f50500000000" /* price_min, price_max */
                        "0100000000000000"
                        "00e9a43500000000" /* qty_min, qty_max */
                        "0065cd1d00000000"
                        "c8000000" /* notional_min, orders */
                        "4254435553445400000000000000000000000000"
                        "0100000000000000"
                        "00e9a43500000000" /* MARKET_LOT_SIZE */
                        "0000000000000000"
                        "0000000000000000"                 /* notional_max, position_max */
                        "00000000000000000000000000000000" /* percent price */
                        "0000000005000000"                 /* band, minutes */
                        "050000000a00000064000000"         /* algo, iceberg, parts */
                        "140000000a000000d0070000"         /* lists, trailing */
                        "0000"
                        "1f00" /* self-trade modes and default */);
}

/* What is read is what was written, and nothing else is read: whatever changed bytes are taken for would
 * be written as those bytes. */
TEST(params, the_canonical_bytes_are_read_back)
{
    static uint8_t bytes[PARAMS_BYTES_MAX], again[PARAMS_BYTES_MAX];
    static struct params read;
    uint32_t refused = 0;
    world_params(&params);
    params.markets[1].status = MARKET_BREAK;
    params.markets[0].filters.band_ppm = 70000;
    const size_t byte_count = params_encode(&params, bytes);
    assert_true(params_decode(bytes, byte_count, &read));
    assert_true(hash_equal(params_hash(&read), params_hash(&params)));
    assert_int_equal(read.markets[0].units_per_step, params.markets[0].units_per_step);
    assert_string_equal(read.markets[1].symbol, params.markets[1].symbol);
    for (size_t count = 0; count < byte_count; count++)
        assert_false(params_decode(bytes, count, &read));
    assert_false(params_decode(bytes, byte_count + 1, &read));
    for (size_t i = 0; i < byte_count; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1u << bit);
            const bool good = params_decode(bytes, byte_count, &read);
            refused += !good;
            if (good) {
                assert_int_equal(params_encode(&read, again), byte_count);
                assert_memory_equal(again, bytes, byte_count);
            }
            bytes[i] ^= (uint8_t)(1u << bit);
        }
    }
    assert_true(refused > byte_count);
}

TEST(params, the_hash_changes_with_any_parameter)
{
    world_params(&params);
    const hash_t before = params_hash(&params);
    assert_true(hash_equal(before, params_hash(&params)));
    params.markets[1].status = MARKET_HALT;
    const hash_t halted = params_hash(&params);
    assert_false(hash_equal(before, halted));
    params.tiers[0].taker_ppm++;
    assert_false(hash_equal(halted, params_hash(&params)));
}

static void apply(struct params *to, const uint8_t *bytes, struct event_writer *writer)
{
    struct event event;
    const uint8_t *at = bytes;
    while (event_next(&at, writer->at, &event))
        params_apply(to, &event);
    assert_ptr_equal(at, writer->at);
}

TEST(params, events_move_every_copy_alike)
{
    uint8_t bytes[1024];
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    static struct params other;
    world_params(&params);
    world_params(&other);

    event_write_asset_created(
        &writer, &(struct asset_created_event){.asset = 4, .decimals = 6, .symbol = "SOL"});
    event_write_market_created(&writer, &(struct market_created_event){.market = 2,
                                                                       .base = 4,
                                                                       .quote = USDT,
                                                                       .tick_units = 1000000,
                                                                       .lot_units = 1000000,
                                                                       .price_min = {1},
                                                                       .price_max = {1000},
                                                                       .qty_min = {1},
                                                                       .qty_max = {1000},
                                                                       .account_orders_max = 5,
                                                                       .symbol = "SOLUSDT"});
    event_write_market_status_changed(
        &writer, &(struct market_status_changed_event){.market = BTCUSDT, .status = MARKET_HALT});
    event_write_credited(&writer, &(struct credited_event){.account = 1}); /* not theirs */
    apply(&params, bytes, &writer);
    apply(&other, bytes, &writer);

    assert_int_equal(params.asset_count, 5);
    assert_int_equal(params.assets[4].decimals, 6);
    assert_int_equal(params.market_count, 3);
    assert_string_equal(params.markets[2].symbol, "SOLUSDT");
    assert_int_equal(params.markets[2].units_per_step, 1000000);
    assert_int_equal(params.markets[2].status, MARKET_TRADING);
    assert_int_equal(params.markets[BTCUSDT].status, MARKET_HALT);
    assert_int_equal(params.markets[ETHBTC].status, MARKET_TRADING);
    assert_true(hash_equal(params_hash(&params), params_hash(&other)));
}

TEST(params, symbols_are_found_whole)
{
    world_params(&params);
    assert_int_equal(params_find_market(&params, "ETHBTC", 6), ETHBTC);
    assert_int_equal(params_find_market(&params, "ETHBTCX", 6), ETHBTC);
    assert_int_equal(params_find_market(&params, "ETHBT", 5), -1);
    assert_int_equal(params_find_market(&params, "ETHBTCX", 7), -1);
    assert_int_equal(params_find_market(&params, "", 0), -1);
    assert_int_equal(params_find_asset(&params, "CENTS", 5), CENTS);
    assert_int_equal(params_find_asset(&params, "EUR", 3), -1);
}

/* What memory is laid out by, and nothing else. */
TEST(params, bounds_are_those_that_cannot_change)
{
    static struct params other;
    uint32_t *const bounds[] = {&other.accounts_max, &other.keys_max,   &other.orders_max,
                                &other.levels_max,   &other.assets_max, &other.markets_max};
    world_params(&params);
    other = params;
    other.block_ms++;
    other.market_count--;
    assert_true(params_bounds_equal(&params, &other));
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        ++*bounds[i];
        assert_false(params_bounds_equal(&params, &other));
        --*bounds[i];
    }
}

static bool follows(const struct connector_added_event *added)
{
    uint8_t bytes[64] = {0};
    struct event event;
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    event_write_connector_added(&writer, added);
    const uint8_t *at = bytes;
    assert_true(event_next(&at, writer.at, &event));
    if (!params_follows(&params, &event)) return false;
    params_apply(&params, &event);
    return true;
}

/* Connectors are among the parameters from rules 3 on: numbered behind the operators, each key once, up to their
 * limit, and read back as they were. */
TEST(params, connectors_are_numbered_and_kept)
{
    static uint8_t bytes[PARAMS_BYTES_MAX];
    static struct params read;
    world_params(&params);
    params.rules = PARAMS_RULES_RELEASE - 1;
    struct connector_added_event added = {.connector = PARAMS_CONNECTOR_FIRST, .public_key = {1}};
    assert_false(follows(&added));
    params.rules = PARAMS_RULES_RELEASE;
    const hash_t before = params_hash(&params);
    assert_true(follows(&added));
    assert_false(hash_equal(before, params_hash(&params)));
    added.connector++;
    assert_false(follows(&added)); /* the same key */
    added.public_key[0] = 0;
    assert_false(follows(&added)); /* none */
    added.connector++;
    added.public_key[0] = 2;
    assert_false(follows(&added)); /* a number too far */
    for (uint16_t i = 1; i < PARAMS_CONNECTORS_LIMIT; i++) {
        added.connector = (uint16_t)(PARAMS_CONNECTOR_FIRST + i);
        added.public_key[0] = (uint8_t)(i + 1);
        assert_true(follows(&added));
    }
    added.connector++;
    added.public_key[0] = 200;
    assert_false(follows(&added));

    const size_t byte_count = params_encode(&params, bytes);
    assert_true(params_decode(bytes, byte_count, &read));
    assert_int_equal(read.connector_count, PARAMS_CONNECTORS_LIMIT);
    assert_int_equal(params_connector(&read, PARAMS_CONNECTOR_FIRST + 1)[0], 2);
    assert_null(params_connector(&read, PARAMS_CONNECTOR_FIRST - 1));
    assert_null(params_connector(&read, PARAMS_SIGNERS_LIMIT));
    const uint8_t second[PUBLIC_KEY_BYTES] = {2}, nobody[PUBLIC_KEY_BYTES] = {201};
    assert_int_equal(params_find_connector(&read, second), PARAMS_CONNECTOR_FIRST + 1);
    assert_int_equal(params_find_connector(&read, nobody), -1);
}

static struct route_fee_changed_event fee_of_btc(int64_t before, int64_t fee, uint64_t from_ns)
{
    return (struct route_fee_changed_event){
        .from_ns = from_ns, .fee_before = {before}, .fee = {fee}, .asset = BTC, .chain = "ETH"};
}

static bool fee_follows(struct route_fee_changed_event changed)
{
    uint8_t bytes[64] = {0};
    struct event event;
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    event_write_route_fee_changed(&writer, &changed);
    const uint8_t *at = bytes;
    assert_true(event_next(&at, writer.at, &event));
    if (!params_follows(&params, &event)) return false;
    params_apply(&params, &event);
    return true;
}

static bool smallest_follows(int64_t units)
{
    uint8_t bytes[128] = {0};
    struct event event;
    struct event_writer writer = {.at = bytes, .end = bytes + sizeof(bytes)};
    struct route_changed_event changed = params.routes[0];
    changed.withdrawal_min.units = units;
    event_write_route_changed(&writer, &changed);
    const uint8_t *at = bytes;
    assert_true(event_next(&at, writer.at, &event));
    return params_follows(&params, &event);
}

/* From rules 8 on the opening of accounts is among what is hashed and read back: five bytes at the end, which rules 7 have not. */
TEST(params, openings_are_kept_from_their_rules_on)
{
    static uint8_t older[PARAMS_BYTES_MAX], bytes[PARAMS_BYTES_MAX];
    static struct params read;
    world_params(&params);
    params.rules = PARAMS_RULES_OPENING - 1;
    const size_t byte_count = params_encode(&params, older);
    params.rules = PARAMS_RULES_OPENING;
    params.open_per_hour = 0x01020304;
    params.open_approval = true;
    assert_int_equal(params_encode(&params, bytes), byte_count + 5);
    assert_memory_equal(bytes + 4, older + 4, byte_count - 4); /* behind the number of the rules */
    static const uint8_t opening[] = {4, 3, 2, 1, 1};
    assert_memory_equal(bytes + byte_count, opening, sizeof(opening));
    assert_true(params_decode(bytes, byte_count + 5, &read));
    assert_int_equal(read.open_per_hour, params.open_per_hour);
    assert_true(read.open_approval);

    const hash_t before = params_hash(&params);
    params.open_per_hour++;
    assert_false(hash_equal(before, params_hash(&params)));
    params.open_per_hour--;
    params.open_approval = false;
    assert_false(hash_equal(before, params_hash(&params)));

    assert_false(params_decode(bytes, byte_count + 4, &read));
    bytes[byte_count + 4] = 2;
    assert_false(params_decode(bytes, byte_count + 5, &read));
}

/* From rules 4 on a route has a fee, from its nanosecond on; it is among what is hashed and read back, and below rules 4
 * nothing of it is. */
TEST(params, a_routes_fee_is_kept_from_its_rules_on)
{
    static uint8_t bytes[PARAMS_BYTES_MAX], later[PARAMS_BYTES_MAX];
    static struct params read;
    world_params(&params);
    params.rules = PARAMS_RULES_CHARGES - 1;
    params.route_count = 1;
    params.routes[0] = (struct route_changed_event){.withdrawal_min = {300},
                                                    .withdrawal_max = {300},
                                                    .day_max = {300},
                                                    .confirmations = 1,
                                                    .asset = BTC,
                                                    .decimals = 6,
                                                    .approvals = 1,
                                                    .status = ROUTE_OPEN,
                                                    .chain = "ETH"};
    assert_false(fee_follows(fee_of_btc(0, 100, 5)));
    const size_t byte_count = params_encode(&params, bytes);
    params.route_fees[0].fee.units = 7;
    assert_int_equal(params_encode(&params, later), byte_count);
    assert_memory_equal(bytes, later, byte_count); /* of rules 3, byte for byte */
    params.route_fees[0].fee.units = 0;

    params.rules = PARAMS_RULES_CHARGES;
    const hash_t before = params_hash(&params);
    assert_false(fee_follows(fee_of_btc(0, 101, 5))); /* the chain has no such unit */
    assert_false(fee_follows(fee_of_btc(1, 100, 5)));
    assert_false(fee_follows(fee_of_btc(0, -100, 5)));
    assert_false(fee_follows(fee_of_btc(0, 400, 5))); /* above the smallest withdrawal */
    assert_false(fee_follows(fee_of_btc(400, 100, 5)));
    struct route_fee_changed_event stray = fee_of_btc(0, 100, 5);
    stray.asset = USDT;
    assert_false(fee_follows(stray));
    assert_true(fee_follows(fee_of_btc(300, 100, 5)));
    assert_true(smallest_follows(100));
    assert_false(smallest_follows(99));
    assert_false(hash_equal(before, params_hash(&params)));
    assert_int_equal(params_route_fee(&params, 0, 4).units, 300);
    assert_int_equal(params_route_fee(&params, 0, 5).units, 100);

    const size_t with_fee = params_encode(&params, later);
    assert_int_equal(with_fee, byte_count + 24);
    assert_true(params_decode(later, with_fee, &read));
    assert_int_equal(params_route_fee(&read, 0, 4).units, 300);
    assert_int_equal(params_route_fee(&read, 0, 5).units, 100);
    assert_false(params_decode(later, with_fee - 1, &read));
    later[with_fee - 8] = 1; /* a fee of 1: no whole unit there */
    assert_false(params_decode(later, with_fee, &read));
}
