#include "tests/model/dice.h"

#include "common/le.h"

#include <string.h>

#define NS_PER_MS  UINT64_C(1000000)
#define NS_PER_SEC (1000 * NS_PER_MS)

/* An autumn day of 2026, a little before midnight. */
#define FIRST_STAMP_NS (UINT64_C(1793836700) * NS_PER_SEC)

/* What a command of each kind is; their weights are a world's. */
enum kind {
    PLACE,
    CANCEL,
    CANCEL_ALL,
    AMEND,
    REPLACE,
    LIST,
    LIST_CANCEL,
    SWITCH,
    SESSION,
    LOST,
    HELLO,
    SEAL,
    VOTE,
    CREDIT,
    DEBIT,
    STATUS,
    FILTERS,
    TIER,
    LISTING,
    PEOPLE,
    KINDS
};
static_assert(KINDS <= DICE_WEIGHTS, "a weight each");

static const uint32_t plain_weights[KINDS] = {
    [PLACE] = 600, [CANCEL] = 60,      [CANCEL_ALL] = 2, [AMEND] = 50,  [REPLACE] = 60,
    [LIST] = 90,   [LIST_CANCEL] = 10, [SWITCH] = 3,     [SESSION] = 3, [LOST] = 1,
    [HELLO] = 2,   [SEAL] = 3,         [VOTE] = 2,       [CREDIT] = 50, [DEBIT] = 8,
    [STATUS] = 4,  [FILTERS] = 3,      [TIER] = 5,       [LISTING] = 3, [PEOPLE] = 2,
};

static uint64_t roll(struct dice *dice)
{
    dice->state ^= dice->state >> 12;
    dice->state ^= dice->state << 25;
    dice->state ^= dice->state >> 27;
    return dice->state * 0x2545f4914f6cdd1du;
}

static uint32_t below(struct dice *dice, uint32_t bound)
{
    return (uint32_t)((roll(dice) >> 32) * bound >> 32);
}

static bool chance(struct dice *dice, uint32_t percent)
{
    return below(dice, 100) < percent;
}

/* Now and then, as often as this world slips: a field that should not be. */
static bool slip(struct dice *dice)
{
    return below(dice, 1000) < dice->slips;
}

static uint32_t one_of(struct dice *dice, const uint32_t *values, uint32_t count)
{
    return values[below(dice, count)];
}

#define ONE_OF(dice, ...) \
    one_of(dice, (const uint32_t[]){__VA_ARGS__}, \
           sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* ---- Worlds ---- */

static void open_tiers(struct dice *dice, struct params *params)
{
    static const struct fee_tier sets[][3] = {
        {{1000, 2000, {0}}, {0, 0, {0}}, {0, 0, {0}}},
        {{10000, 30000, {0}}, {5000, 25000, {5000}}, {-20000, 20000, {50000}}},
        {{0, 0, {0}}, {0, 0, {0}}, {0, 0, {0}}},
        {{100000, 250000, {0}}, {-90000, 90000, {3000}}, {-50000, 100000, {20000}}},
        {{999999, 999999, {0}}, {0, 70000, {0}}, {3, 1, {400}}},
    };
    const uint32_t set = below(dice, 5);
    params->tier_count = (uint16_t)(1 + below(dice, 3));
    memcpy(params->tiers, sets[set], params->tier_count * sizeof(params->tiers[0]));
    params->volume_asset = (uint16_t)below(dice, 3);
    dice->volumes = params->tier_count > 1 && (set == 1 || set == 3);
}

static void open_weights(struct dice *dice)
{
    memcpy(dice->weights, plain_weights, sizeof(plain_weights));
    switch (below(dice, 7)) {
    case 0: /* everything */
        break;
    case 1: /* stops that trigger stops */
        dice->stops = 60;
        dice->weights[LIST] = 40;
        break;
    case 2: /* lists */
        dice->weights[LIST] = 350;
        break;
    case 3: /* its own orders in every way */
        dice->self_trades = 90;
        dice->icebergs = 50;
        break;
    case 4: /* filled books, few cancels */
        dice->weights[CANCEL] = 15;
        dice->weights[CREDIT] = 150;
        break;
    case 5: /* lists and stops, until everything is full */
        dice->weights[LIST] = 600;
        dice->weights[PLACE] = 150;
        dice->weights[CANCEL] = dice->weights[REPLACE] = 20;
        dice->weights[SWITCH] = dice->weights[SESSION] = 0;
        dice->stops = 50;
        dice->full = true;
        break;
    default: /* switches, sessions, origins and days */
        dice->weights[SWITCH] = 40;
        dice->weights[SESSION] = 30;
        dice->weights[LOST] = 8;
        dice->weights[HELLO] = 10;
    }
}

void dice_open(struct dice *dice, uint64_t seed, struct genesis *genesis)
{
    *dice = (struct dice){.state = seed * 0x9e3779b97f4a7c15u + 0x632be59bd9b4e019u};
    if (dice->state == 0) dice->state = 1;
    for (int i = 0; i < 4; i++)
        (void)roll(dice);
    dice->stamp_ns = FIRST_STAMP_NS;
    dice->stops = ONE_OF(dice, 0, 15, 30);
    dice->icebergs = ONE_OF(dice, 0, 10, 30);
    dice->self_trades = ONE_OF(dice, 0, 20, 60, 100);
    dice->slips = ONE_OF(dice, 0, 2, 6);
    dice->filters = chance(dice, 40);
    dice->wealth = ONE_OF(dice, 1, 5, 20);
    dice->wide = chance(dice, 15);
    dice->huge = chance(dice, 10);
    dice->step_ns = ONE_OF(dice, 3, 1, 1, 1, 2000);
    dice->step_ns *= ONE_OF(dice, 3, NS_PER_MS, 500 * NS_PER_MS);
    dice->membership = seed % 4 == 3;
    dice->custody = seed % 3 == 1;
    open_weights(dice);
    if (dice->full) {
        dice->filters = dice->huge = false;
        dice->wealth = 20;
    }

    struct params *params = &genesis->params;
    dice->accounts = 2 + below(dice, 5);
    dice->markets = 1 + below(dice, 3);
    params->accounts_max = dice->accounts + below(dice, 2);
    params->keys_max = 2;
    params->orders_max = ONE_OF(dice, 4, 7, 20, 60, 60, 120, 120);
    params->levels_max = ONE_OF(dice, 3, 5, 20, 60, 60, 120, 200);
    params->checkpoint_blocks = ONE_OF(dice, 0, 1, 3, 4);
    if (dice->full) params->orders_max = 6 + below(dice, 8);
    params->assets_max = 3 + below(dice, 2);
    params->markets_max = dice->markets + below(dice, 2);
    open_tiers(dice, params);
}

/* ---- The first commands: assets, markets, nodes, accounts and their money ---- */

static void command_begin(struct dice *dice, struct trial_command *command, uint16_t type)
{
    struct command_header header = {
        .length = (uint32_t)(COMMAND_HEADER_BYTES + message_payload_bytes(type)), .type = type};
    if (type >= T_ORDER_PLACE && below(dice, 8) != 0) header.origin = below(dice, 2) == 0 ? 1 : 7;
    if (header.origin != 0 && dice->membership && dice->origin != 0 && chance(dice, 60))
        header.origin = dice->origin;
    if (type >= T_NODE_ADD) header.origin = dice->membership && chance(dice, 50) ? 1 : 0;
    command->stamp_ns = dice->stamp_ns;
    command->byte_count = (uint16_t)header.length;
    command->regular = true;
    command->aim = 0;
    command_header_put(command->bytes, &header);
}

/* `message` is a pointer. Draws of the dice stand in statements of their own wherever there are two: the
 * order within one is the compiler's. */
#define PUT(NAME, name, ...) \
    do { \
        command_begin(dice, command, T_##NAME); \
        name##_command_put(command->bytes + COMMAND_HEADER_BYTES, __VA_ARGS__); \
    } while (0)

static int64_t center_of(const struct model *model, uint16_t market)
{
    const struct market *spec = &model->params.markets[market];
    const int64_t middle = (spec->price_min.ticks + spec->price_max.ticks) / 2;
    return middle > 1000 ? 100 : middle;
}

static void put_asset(struct dice *dice, struct trial_command *command, uint32_t index)
{
    static const char *const symbols[] = {"COIN", "USD", "GOLD", "TIN", "COIN"};
    struct asset_create_command create = {.decimals = (uint8_t)ONE_OF(dice, 0, 0, 1)};
    if (chance(dice, 50)) create.decimals = 0;
    if (slip(dice)) create.decimals = 9;
    memcpy(create.symbol, symbols[index % 5], strlen(symbols[index % 5]));
    PUT(ASSET_CREATE, asset_create, &create);
}

static void put_market(struct dice *dice, struct trial_command *command, const struct model *model,
                       uint32_t index)
{
    static const struct {
        const char *symbol;
        uint16_t base, quote;
        int64_t center;
    } listings[] = {{"COINUSD", 0, 1, 100}, {"GOLDUSD", 2, 1, 100}, {"GOLDCOIN", 2, 0, 20}};
    const int64_t center = listings[index % 3].center;
    const uint8_t decimals = model->params.assets[listings[index % 3].base].decimals;
    struct market_create_command create = {
        .base = listings[index % 3].base,
        .quote = listings[index % 3].quote,
        .price_min = {dice->wide ? 1 : center - 7},
        .price_max = {dice->wide ? 1000000 : center + 7},
    };
    create.tick_units = ONE_OF(dice, 1, 1, 2, 5);
    create.lot_units = ONE_OF(dice, 1, 1, 3);
    if (dice->huge) create.tick_units *= dice->wide ? 100000 : 400000000;
    if (dice->huge) create.lot_units *= 1000000;
    create.qty_min.lots = ONE_OF(dice, 1, 1, 2);
    create.qty_max.lots = dice->huge ? 12 : ONE_OF(dice, 9, 12, 1000);
    if (dice->filters) create.notional_min.units = ONE_OF(dice, 0, 150, 250);
    create.account_orders_max = ONE_OF(dice, 3, 8, 50, 200);
    for (int i = 0; i < decimals; i++)
        create.lot_units *= 10;
    if (slip(dice)) create.base = 40;
    memcpy(create.symbol, listings[index % 3].symbol, strlen(listings[index % 3].symbol));
    PUT(MARKET_CREATE, market_create, &create);
}

static void put_filters(struct dice *dice, struct trial_command *command, const struct model *model,
                        uint16_t market)
{
    struct market_filters_command filters = {
        .market_qty_min = {1}, .market_qty_max = {5}, .market = market, .self_trade_modes = 31};
    filters.trailing_min = ONE_OF(dice, 1, 10, 100);
    filters.trailing_max = ONE_OF(dice, 300, 2000, 9999);
    filters.iceberg_parts_max = ONE_OF(dice, 2, 4, 100);
    filters.algo_orders_max = dice->filters ? ONE_OF(dice, 0, 2, 5, 50) : 50;
    filters.iceberg_orders_max = dice->filters ? ONE_OF(dice, 0, 1, 3, 50) : 50;
    filters.order_lists_max = dice->filters ? ONE_OF(dice, 0, 1, 4, 50) : 50;
    if (market < model->params.market_count) {
        filters.market_qty_min.lots = model->params.markets[market].qty_min.lots;
        filters.market_qty_max.lots = model->params.markets[market].qty_max.lots;
    }
    const uint32_t often = dice->filters ? 40 : 4;
    if (chance(dice, often)) filters.market_qty_max.lots = 5;
    if (chance(dice, often)) filters.market_qty_min.lots = 3;
    if (chance(dice, often)) filters.notional_max.units = ONE_OF(dice, 600, 1000, 5000);
    if (chance(dice, often)) filters.position_max.units = ONE_OF(dice, 20, 60, 200);
    if (chance(dice, often)) filters.bid_up = ONE_OF(dice, 10000, 10300, 10500);
    if (chance(dice, often)) filters.bid_down = ONE_OF(dice, 9500, 9700, 9900);
    if (chance(dice, often)) filters.ask_up = ONE_OF(dice, 10100, 10300, 10500);
    if (chance(dice, often)) filters.ask_down = ONE_OF(dice, 9500, 9700, 10000);
    if (chance(dice, often)) filters.band_ppm = ONE_OF(dice, 19999, 30001, 50000, 1000000);
    if (chance(dice, 70)) filters.average_minutes = ONE_OF(dice, 1, 2, 5, 60);
    if (chance(dice, often / 4)) {
        filters.self_trade_default = (uint8_t)below(dice, 5);
        filters.self_trade_modes = (uint8_t)(below(dice, 32) | 1u << filters.self_trade_default);
    }
    if (slip(dice)) filters.iceberg_parts_max = 0;
    PUT(MARKET_FILTERS, market_filters, &filters);
}

static void put_credit(struct dice *dice, struct trial_command *command, uint32_t account,
                       uint16_t asset)
{
    const uint32_t most = (asset == 1 ? 3000 : 60) * dice->wealth;
    struct credit_command credit = {
        .account = account, .asset = asset, .amount = {1 + below(dice, most)}};
    if (dice->huge) credit.amount.units *= asset == 1 ? INT64_C(40000000000000) : 10000000;
    if (slip(dice)) credit.amount.units = chance(dice, 50) ? INT64_MAX : -1;
    PUT(CREDIT, credit, &credit);
}

/* True while the world is being set up. */
static bool put_setup(struct dice *dice, const struct model *model, struct trial_command *command)
{
    uint32_t step = dice->setup++;
    if (step < 3) return put_asset(dice, command, step), true;
    step -= 3;
    if (step < dice->markets) return put_market(dice, command, model, step), true;
    step -= dice->markets;
    if (step < 2) {
        PUT(HELLO, hello, &(struct hello_command){.node = step == 0 ? 1 : 7});
        return true;
    }
    step -= 2;
    if (step < dice->accounts) {
        const uint16_t tier = (uint16_t)below(dice, model->params.tier_count);
        PUT(ACCOUNT_CREATE, account_create,
            &(struct account_create_command){.tier = dice->volumes ? (uint16_t)0 : tier});
        return true;
    }
    step -= dice->accounts;
    if (step < dice->accounts * 3)
        return put_credit(dice, command, 1 + step / 3, (uint16_t)(step % 3)), true;
    step -= dice->accounts * 3;
    if (step >= dice->markets) return false;
    put_filters(dice, command, model, (uint16_t)step);
    return true;
}

/* ---- Orders ---- */

static void name_put(struct dice *dice, uint8_t client_id[36])
{
    if (chance(dice, 40)) return;
    const uint32_t name = below(dice, 6);
    for (uint32_t i = 0; i < 1 + name * 7; i++) /* of 1 to 36 letters */
        client_id[i] = (uint8_t)('a' + name);
    client_id[35] = (uint8_t)below(dice, 2);
}

/* Around the center, mostly within the book's ten prices. */
static int64_t near(struct dice *dice, int64_t center)
{
    if (slip(dice)) return (int64_t)below(dice, 300);
    if (dice->wide && chance(dice, 20)) return 1 + below(dice, 1u << below(dice, 20));
    return center - 5 + below(dice, 11);
}

/* A stop price on the side where it sleeps, mostly. */
static int64_t stop_near(struct dice *dice, const struct model *model,
                         const struct order_place_command *ask, int64_t center)
{
    const int64_t last = model->markets[ask->market].last_price;
    const bool rising =
        (ask->type == STOP_LOSS || ask->type == STOP_LOSS_LIMIT) == (ask->side == BUY);
    if (last == 0 || chance(dice, 10)) return near(dice, center);
    return rising ? last + 1 + below(dice, 4) : last - 1 - (int64_t)below(dice, 4);
}

/* A price that reaches the other side, if there is one. */
static int64_t meeting_price(struct dice *dice, const struct model *model,
                             const struct order_place_command *ask)
{
    const struct model_market *market = &model->markets[ask->market];
    const int other = ask->side == BUY ? SELL : BUY;
    const int64_t deeper = (int64_t)below(dice, 3);
    if (market->queue_counts[other] == 0) return ask->price.ticks;
    const int64_t best = market->queues[other][0]->price;
    return ask->side == BUY ? best + deeper : best - deeper;
}

static void ask_terms(struct dice *dice, const struct model *model, int64_t center,
                      struct order_place_command *ask)
{
    const bool stop = ask->type >= STOP_LOSS;
    const bool priced = ask->type == LIMIT || ask->type == LIMIT_MAKER ||
                        ask->type == STOP_LOSS_LIMIT || ask->type == TAKE_PROFIT_LIMIT;
    ask->time_in_force = GTC;
    if (ask->type == LIMIT || ask->type == STOP_LOSS_LIMIT || ask->type == TAKE_PROFIT_LIMIT)
        ask->time_in_force = (uint8_t)ONE_OF(dice, GTC, GTC, GTC, GTC, GTC, GTC, IOC, FOK);
    else if (chance(dice, 30))
        ask->time_in_force = 0;
    if (priced) ask->price.ticks = near(dice, center);
    if (priced && chance(dice, 25)) ask->price.ticks = meeting_price(dice, model, ask);
    if (stop && chance(dice, 80)) ask->stop_price.ticks = stop_near(dice, model, ask, center);
    if (stop && (ask->stop_price.ticks == 0 || chance(dice, 25)))
        ask->trailing_delta = ONE_OF(dice, 50, 100, 100, 200, 300, 500);
    if (priced && ask->time_in_force == GTC && chance(dice, dice->icebergs))
        ask->iceberg_qty.lots = 1 + below(dice, ask->qty.lots > 0 ? (uint32_t)ask->qty.lots : 1);
}

static void ask_slip(struct dice *dice, struct order_place_command *ask)
{
    if (slip(dice)) ask->side = 2;
    if (slip(dice)) ask->type = (uint8_t)below(dice, 10);
    if (slip(dice)) ask->self_trade = (uint8_t)below(dice, 10);
    if (slip(dice)) ask->time_in_force = (uint8_t)below(dice, 6);
    if (slip(dice)) ask->qty.lots = (int64_t)below(dice, 20) - 4;
    if (slip(dice)) ask->price.ticks = (int64_t)below(dice, 2) - 1;
    if (slip(dice)) ask->quote_qty.units = (int64_t)below(dice, 900) - 100;
    if (slip(dice)) ask->stop_price.ticks = (int64_t)below(dice, 140) - 10;
    if (slip(dice)) ask->iceberg_qty.lots = (int64_t)below(dice, 12) - 2;
    if (slip(dice)) ask->trailing_delta = below(dice, 12000);
}

static uint32_t some_account(struct dice *dice)
{
    return slip(dice) ? below(dice, dice->accounts + 3) : 1 + below(dice, dice->accounts);
}

static uint16_t some_market(struct dice *dice)
{
    return (uint16_t)(slip(dice) ? below(dice, dice->markets + 2) : below(dice, dice->markets));
}

static uint8_t some_mode(struct dice *dice)
{
    return chance(dice, dice->self_trades) ? (uint8_t)(1 + below(dice, 4)) : SELF_TRADE_NONE;
}

static int64_t some_lots(struct dice *dice)
{
    return chance(dice, 90) ? 2 + below(dice, 6) : 1 + below(dice, 12);
}

/* The side with fewer resting orders, so that there is something to meet on both. */
static uint8_t thinner_side(const struct model *model, uint16_t market)
{
    const int *counts = model->markets[market].queue_counts;
    return counts[BUY] <= counts[SELL] ? BUY : SELL;
}

static struct order_place_command some_order(struct dice *dice, const struct model *model,
                                             uint16_t market)
{
    struct order_place_command ask = {.market = market};
    ask.qty.lots = some_lots(dice);
    ask.account = some_account(dice);
    ask.session = below(dice, 3);
    ask.side = (uint8_t)below(dice, 2);
    ask.self_trade = some_mode(dice);
    if (chance(dice, 50)) ask.side = thinner_side(model, market);
    const int64_t center = center_of(model, ask.market);
    if (chance(dice, dice->stops))
        ask.type = (uint8_t)(STOP_LOSS + below(dice, 4));
    else
        ask.type = (uint8_t)ONE_OF(dice, LIMIT, LIMIT, LIMIT, LIMIT, LIMIT, MARKET, LIMIT_MAKER);
    if (ask.type == MARKET && chance(dice, 70))
        ask.side = (uint8_t)(1 - thinner_side(model, market));
    if (ask.type == MARKET && chance(dice, 40)) {
        ask.qty.lots = 0;
        ask.quote_qty.units = 1 + below(dice, (uint32_t)(center > 0 ? center : 1) * 12);
    }
    ask_terms(dice, model, center, &ask);
    name_put(dice, ask.client_id);
    ask_slip(dice, &ask);
    return ask;
}

/* Names an open order: by id, by client id or by both; or something that is not there. */
static int16_t aim(struct dice *dice, const struct model *model, uint32_t *account,
                   uint16_t *market, uint64_t *id, uint8_t client_id[36])
{
    *account = some_account(dice);
    *market = some_market(dice);
    if (model->open_count == 0 || chance(dice, 10)) {
        *id = below(dice, 40);
        name_put(dice, client_id);
        return 0;
    }
    const int16_t from_newest = (int16_t)(1 + below(dice, (uint32_t)model->open_count));
    const struct model_order *order = model->open[model->open_count - from_newest];
    *account = order->account;
    *market = order->market;
    if (chance(dice, 70)) *id = order->id;
    if (*id == 0 || chance(dice, 20)) memcpy(client_id, order->client_id, 36);
    if (!slip(dice)) return from_newest;
    name_put(dice, client_id);
    return 0;
}

static void put_place(struct dice *dice, const struct model *model, struct trial_command *command)
{
    const struct order_place_command ask = some_order(dice, model, some_market(dice));
    PUT(ORDER_PLACE, order_place, &ask);
}

static void put_cancel(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct order_cancel_command ask = {
        .restriction = (uint8_t)ONE_OF(dice, CANCEL_ANY, CANCEL_ANY, CANCEL_ANY, CANCEL_ONLY_NEW,
                                       CANCEL_ONLY_PARTIALLY_FILLED)};
    const int16_t from_newest =
        aim(dice, model, &ask.account, &ask.market, &ask.order_id, ask.orig_client_id);
    if (slip(dice)) ask.restriction = (uint8_t)below(dice, 5);
    PUT(ORDER_CANCEL, order_cancel, &ask);
    command->aim = from_newest;
}

static void put_amend(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct order_amend_command ask = {0};
    const int16_t from_newest =
        aim(dice, model, &ask.account, &ask.market, &ask.order_id, ask.orig_client_id);
    ask.qty.lots = below(dice, 8);
    name_put(dice, ask.client_id);
    if (slip(dice)) ask.qty.lots = -1;
    PUT(ORDER_AMEND, order_amend, &ask);
    command->aim = from_newest;
}

static void put_replace(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct order_replace_command ask = {0};
    const int16_t from_newest = aim(dice, model, &ask.account, &ask.market, &ask.cancel_order_id,
                                    ask.cancel_orig_client_id);
    const struct order_place_command place = some_order(dice, model, ask.market);
    ask.price = place.price;
    ask.qty = place.qty;
    ask.quote_qty = place.quote_qty;
    ask.stop_price = place.stop_price;
    ask.iceberg_qty = place.iceberg_qty;
    ask.trailing_delta = place.trailing_delta;
    ask.session = place.session;
    ask.side = place.side;
    ask.type = place.type;
    ask.time_in_force = place.time_in_force;
    ask.self_trade = place.self_trade;
    memcpy(ask.client_id, place.client_id, sizeof(ask.client_id));
    ask.mode = (uint8_t)(1 + below(dice, 2));
    if (chance(dice, 20)) ask.restriction = (uint8_t)below(dice, 3);
    if (slip(dice)) ask.mode = (uint8_t)below(dice, 4);
    PUT(ORDER_REPLACE, order_replace, &ask);
    command->aim = from_newest;
}

/* ---- Lists ---- */

#define LEG_PUT(list, leg, ask) \
    do { \
        (list).leg##_price = (ask).price; \
        (list).leg##_qty = (ask).qty; \
        (list).leg##_stop_price = (ask).stop_price; \
        (list).leg##_iceberg_qty = (ask).iceberg_qty; \
        (list).leg##_trailing_delta = (ask).trailing_delta; \
        (list).leg##_side = (ask).side; \
        (list).leg##_type = (ask).type; \
        (list).leg##_time_in_force = (ask).time_in_force; \
        memcpy((list).leg##_client_id, (ask).client_id, 36); \
    } while (0)

/* One order of a pair: `above` or below the last price, as its side wants it. */
static struct order_place_command pair_leg(struct dice *dice, const struct model *model,
                                           const struct order_place_command *like, bool above)
{
    struct order_place_command ask = *like;
    const bool stop = above == (ask.side == BUY);
    const int64_t last = model->markets[ask.market].last_price;
    const int64_t center = last != 0 ? last : center_of(model, ask.market);
    const int64_t away = 1 + below(dice, 4);
    ask.type = (uint8_t)(stop ? ONE_OF(dice, STOP_LOSS, STOP_LOSS_LIMIT)
                              : ONE_OF(dice, LIMIT_MAKER, TAKE_PROFIT, TAKE_PROFIT_LIMIT));
    ask_terms(dice, model, center, &ask);
    const int64_t price = above ? center + away : center - away;
    if (ask.type == LIMIT_MAKER && chance(dice, 90)) ask.price.ticks = price;
    if (ask.stop_price.ticks != 0 && chance(dice, 90)) ask.stop_price.ticks = price;
    memset(ask.client_id, 0, sizeof(ask.client_id));
    name_put(dice, ask.client_id);
    ask_slip(dice, &ask);
    return ask;
}

/* Something in the leg that two of the kinds do not have. */
static void put_third_leg(struct dice *dice, struct list_place_command *ask)
{
    const uint32_t field = below(dice, 9);
    if (field == 0) ask->c_price.ticks ^= 1;
    if (field == 1) ask->c_qty.lots ^= 1;
    if (field == 2) ask->c_stop_price.ticks ^= 1;
    if (field == 3) ask->c_iceberg_qty.lots ^= 1;
    if (field == 4) ask->c_trailing_delta ^= 1;
    if (field == 5) ask->c_side ^= 1;
    if (field == 6) ask->c_type ^= 1;
    if (field == 7) ask->c_time_in_force ^= 1;
    if (field == 8) ask->c_client_id[7] ^= 1;
}

static void put_list(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct order_place_command legs[3] = {0};
    const uint16_t market = some_market(dice);
    legs[0] = some_order(dice, model, market);
    legs[1] = some_order(dice, model, market);
    struct list_place_command ask = {.account = legs[0].account,
                                     .session = legs[0].session,
                                     .market = legs[0].market,
                                     .self_trade = legs[0].self_trade};
    ask.kind = (uint8_t)(1 + below(dice, 3));
    if (ask.kind != LIST_OCO && chance(dice, 95))
        legs[0].type = (uint8_t)ONE_OF(dice, LIMIT, LIMIT, LIMIT_MAKER);
    legs[0].qty.lots = some_lots(dice);
    legs[0].stop_price.ticks = 0;
    legs[0].trailing_delta = 0;
    legs[0].iceberg_qty.lots = 0;
    ask_terms(dice, model, center_of(model, market), &legs[0]);
    if (ask.kind == LIST_OCO || ask.kind == LIST_OTOCO) {
        const int first = ask.kind == LIST_OCO ? 0 : 1;
        struct order_place_command pair = {.market = market, .side = (uint8_t)below(dice, 2)};
        pair.qty.lots = some_lots(dice);
        legs[first] = pair_leg(dice, model, &pair, true);
        legs[first + 1] = pair_leg(dice, model, &pair, false);
        if (slip(dice)) legs[first].qty.lots++;
    }
    if (ask.kind == LIST_OTO && legs[1].quote_qty.units != 0) {
        legs[1].quote_qty.units = 0;
        legs[1].qty.lots = some_lots(dice);
    }
    name_put(dice, ask.client_id);
    if (slip(dice)) ask.kind = (uint8_t)below(dice, 5);
    LEG_PUT(ask, a, legs[0]);
    LEG_PUT(ask, b, legs[1]);
    LEG_PUT(ask, c, legs[2]);
    if (slip(dice)) put_third_leg(dice, &ask);
    PUT(LIST_PLACE, list_place, &ask);
}

static void put_list_cancel(struct dice *dice, const struct model *model,
                            struct trial_command *command)
{
    struct list_cancel_command ask = {.account = some_account(dice)};
    ask.market = some_market(dice);
    const struct model_list *list = &model->lists[below(dice, (uint32_t)model->list_slots)];
    for (int i = 0; i < model->list_slots && !list->open; i++)
        list = &model->lists[i];
    if (list->open && chance(dice, 90)) {
        ask.account = list->account;
        ask.market = list->market;
        if (chance(dice, 70)) ask.list_id = list->id;
        if (chance(dice, 40)) memcpy(ask.orig_client_id, list->client_id, 36);
    } else {
        ask.list_id = below(dice, 5);
        name_put(dice, ask.orig_client_id);
    }
    PUT(LIST_CANCEL, list_cancel, &ask);
}

/* ---- Everything else ---- */

static void put_debit(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct debit_command debit = {.account = some_account(dice)};
    debit.asset = (uint16_t)below(dice, 3);
    int64_t available = 0;
    if (debit.account <= model->account_count)
        available = model->accounts[debit.account].balances[debit.asset].available;
    /* To the last unit, to a little, or a bit too much. */
    debit.amount.units =
        available - (int64_t)ONE_OF(dice, 0, 0, 1, 100) + (chance(dice, 5) ? 1 : 0);
    if (chance(dice, 50)) debit.amount.units = available / 2;
    if (debit.amount.units <= 0 && chance(dice, 95)) debit.amount.units = 1;
    PUT(DEBIT, debit, &debit);
}

static void put_tier(struct dice *dice, struct trial_command *command)
{
    struct account_tier_command ask = {.operator_index = (uint16_t)below(dice, 2)};
    ask.account = some_account(dice);
    ask.tier = (uint16_t)below(dice, 4);
    PUT(ACCOUNT_TIER, account_tier, &ask);
}

static void put_people(struct dice *dice, struct trial_command *command)
{
    if (chance(dice, 40)) {
        struct key_add_command add = {.account = some_account(dice), .permissions = KEY_TRADE};
        add.key_id[0] = (uint8_t)below(dice, 4);
        PUT(KEY_ADD, key_add, &add);
        return;
    }
    struct account_create_command create = {.operator_index = (uint16_t)below(dice, 3)};
    create.tier = (uint16_t)below(dice, 4);
    create.public_key[0] = (uint8_t)below(dice, 3);
    PUT(ACCOUNT_CREATE, account_create, &create);
}

static void put_status(struct dice *dice, struct trial_command *command)
{
    uint8_t status = (uint8_t)below(dice, 12);
    if (status > MARKET_BREAK) status = MARKET_TRADING;
    if (status == 0 && chance(dice, 80)) status = MARKET_TRADING;
    PUT(MARKET_STATUS, market_status,
        &(struct market_status_command){.market = some_market(dice), .status = status});
}

static void put_node(struct dice *dice, struct trial_command *command, enum kind kind)
{
    if (kind == LOST)
        PUT(ORIGIN_LOST, origin_lost,
            &(struct origin_lost_command){.node = ONE_OF(dice, 1, 1, 7, 3)});
    else if (kind == HELLO)
        PUT(HELLO, hello,
            &(struct hello_command){.node = ONE_OF(dice, 1, 1, 7, 7, 7, 4),
                                    .nonce = ONE_OF(dice, 5, 5, 6, 7)});
    else if (kind == SEAL)
        PUT(SEAL, seal, &(struct seal_command){0});
    else if (chance(dice, 80))
        PUT(VOTE, vote, &(struct vote_command){.height = 1});
    else if (chance(dice, 50))
        PUT(CHECKPOINT_VOTE, checkpoint_vote, &(struct checkpoint_vote_command){.height = 1});
    else
        PUT(LIABILITIES_VOTE, liabilities_vote, &(struct liabilities_vote_command){.height = 1});
}

/* ---- Nodes that come and go ---- */

static uint32_t some_node(struct dice *dice, const struct model *model)
{
    if (slip(dice) || chance(dice, 3)) return below(dice, model->last_node + 3);
    return model->members[below(dice, (uint32_t)model->member_count)].node;
}

/* One of this role, if there is any. */
static uint32_t some_member(struct dice *dice, const struct model *model, uint8_t role)
{
    uint32_t found[NODE_SET_LIMIT], count = 0;
    for (int i = 0; i < model->member_count; i++)
        if (model->members[i].role == role) found[count++] = model->members[i].node;
    return count == 0 || chance(dice, 10) ? some_node(dice, model) : found[below(dice, count)];
}

static void put_node_add(struct dice *dice, const struct model *model,
                         struct trial_command *command)
{
    struct node_add_command add = {.operator_index = (uint16_t)below(dice, 2)};
    add.node = model->last_node + (uint32_t)chance(dice, 95) * ONE_OF(dice, 1, 1, 1, 3);
    add.public_key[0] = (uint8_t)(chance(dice, 95) ? add.node : below(dice, 20));
    memcpy(add.address, "node:7000", 9);
    add.address[3] = (uint8_t)('a' + add.node % 26);
    add.address[8] = (uint8_t)('0' + below(dice, 10));
    if (chance(dice, 3)) add.address[4] = 0;
    PUT(NODE_ADD, node_add, &add);
}

static void put_node_change(struct dice *dice, const struct model *model,
                            struct trial_command *command)
{
    const uint32_t drawn = below(dice, 10);
    if (drawn < 3) return put_node_add(dice, model, command);
    if (drawn < 4) {
        struct node_remove_command ask = {.node = some_node(dice, model)};
        if (model->member_count < 4) ask.node = some_member(dice, model, NODE_STANDBY);
        PUT(NODE_REMOVE, node_remove, &ask);
    } else if (drawn < 6) {
        struct node_swap_command ask = {.old_node = some_member(dice, model, NODE_VOTER)};
        ask.new_node = some_member(dice, model, NODE_STANDBY);
        PUT(NODE_SWAP, node_swap, &ask);
    } else {
        struct node_role_command ask = {.role = chance(dice, 75) ? NODE_VOTER : NODE_STANDBY};
        ask.node = some_member(dice, model, ask.role == NODE_VOTER ? NODE_STANDBY : NODE_VOTER);
        if (chance(dice, 2)) ask.role = (uint8_t)below(dice, 4);
        PUT(NODE_ROLE, node_role, &ask);
    }
}

static void put_node_vote(struct dice *dice, const struct model *model,
                          struct trial_command *command)
{
    struct vote_command ask = {.node = some_member(dice, model, NODE_VOTER), .epoch = model->epoch};
    ask.height = model->sealed_height;
    if (chance(dice, 5)) ask.height += below(dice, 2);
    if (chance(dice, 10) && ask.height > 110) ask.height -= ONE_OF(dice, 1, 98, 99, 100, 101);
    if (chance(dice, 3)) ask.epoch += 1;
    PUT(VOTE, vote, &ask);
}

static void put_membership(struct dice *dice, const struct model *model,
                           struct trial_command *command)
{
    const uint32_t drawn = below(dice, 100);
    if (drawn < 40) {
        PUT(SEAL, seal, &(struct seal_command){0});
    } else if (drawn < 75) {
        put_node_vote(dice, model, command);
    } else if (drawn < 83) {
        struct hello_command ask = {.node = some_node(dice, model), .nonce = below(dice, 3)};
        PUT(HELLO, hello, &ask);
        dice->origin = ask.node;
    } else if (drawn < 84) {
        struct epoch_change_command ask = {.epoch = model->epoch + 1};
        ask.height = model->sealed_height + below(dice, 2);
        if (chance(dice, 20)) ask.epoch += 1;
        PUT(EPOCH_CHANGE, epoch_change, &ask);
    } else {
        put_node_change(dice, model, command);
    }
}

/* ---- Deposits and withdrawals ---- */

/* One of two chains; now and then of none. */
static void chain_put(struct dice *dice, uint8_t chain[CHAIN_BYTES])
{
    static const char *const names[] = {"ETH", "BTC", "XMR"};
    const uint32_t drawn = chance(dice, 2) ? 2 : below(dice, 2);
    memcpy(chain, names[drawn], 3);
}

static void address_put(struct dice *dice, uint8_t address[CHAIN_ADDRESS_BYTES])
{
    if (slip(dice)) return;
    address[0] = (uint8_t)('a' + below(dice, 6));
}

/* Who says it: mostly whom the route of the chain and asset names (asset -1: the chain's first). */
static uint16_t some_connector(struct dice *dice, const struct model *model, const uint8_t *chain,
                               int asset)
{
    if (slip(dice)) return (uint16_t)(chance(dice, 50) ? 1 : 15 + below(dice, 4));
    for (int i = 0; i < model->params.route_count; i++)
        if (memcmp(model->params.routes[i].chain, chain, CHAIN_BYTES) == 0 &&
            (asset < 0 || model->params.routes[i].asset == asset))
            return model->params.routes[i].connector;
    return 0;
}

static void put_connector(struct dice *dice, struct trial_command *command)
{
    struct connector_add_command ask = {.operator_index = (uint16_t)below(dice, 2)};
    if (!slip(dice)) ask.public_key[0] = (uint8_t)(1 + below(dice, 5));
    PUT(CONNECTOR_ADD, connector_add, &ask);
}

/* Its fields draw one by one, so that every bound is passed now and then. */
static void put_route(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct route_set_command ask = {.operator_index = (uint16_t)below(dice, 2)};
    chain_put(dice, ask.chain);
    ask.asset = (uint16_t)below(dice, 3);
    ask.decimals = (uint8_t)(ask.asset == 2 ? 0 : 2); /* those that are there stay as they are */
    ask.withdrawal_min.units = ONE_OF(dice, 1, 1, 2, 10);
    ask.withdrawal_max.units = ask.withdrawal_min.units + ONE_OF(dice, 0, 10, 50, 2000);
    ask.day_max.units = ask.withdrawal_max.units + ONE_OF(dice, 0, 10, 100, 100000);
    ask.approval_above.units = ONE_OF(dice, 0, 3, 10, 100000);
    ask.confirmations = ONE_OF(dice, 1, 2, 3);
    ask.address_delay_s = ONE_OF(dice, 0, 0, 0, 1, 60);
    ask.approvals = (uint8_t)ONE_OF(dice, 1, 1, 2);
    ask.status = (uint8_t)ONE_OF(dice, ROUTE_OPEN, ROUTE_OPEN, ROUTE_OPEN, ROUTE_CLOSED);
    if (slip(dice)) ask.decimals = (uint8_t)ONE_OF(dice, 1, 36, 37);
    if (slip(dice)) ask.day_max.units = ask.withdrawal_max.units - 1;
    if (slip(dice)) ask.approvals = (uint8_t)ONE_OF(dice, 0, 3);
    if (model->params.connector_count > 0 && chance(dice, 50))
        ask.connector = (uint16_t)(16 + below(dice, model->params.connector_count));
    if (slip(dice)) ask.connector = (uint16_t)ONE_OF(dice, 2, 15, 16, 90);
    if (slip(dice)) ask.chain[4] = 'x';
    if (slip(dice)) ask.asset = 9;
    PUT(ROUTE_SET, route_set, &ask);
}

static void put_address(struct dice *dice, const struct model *model, struct trial_command *command)
{
    if (chance(dice, 50)) {
        struct address_allow_command ask = {.allowed = chance(dice, 90)};
        ask.account = some_account(dice);
        chain_put(dice, ask.chain);
        address_put(dice, ask.address);
        PUT(ADDRESS_ALLOW, address_allow, &ask);
        return;
    }
    struct deposit_address_command ask = {.account = some_account(dice)};
    chain_put(dice, ask.chain);
    ask.operator_index = some_connector(dice, model, ask.chain, -1);
    address_put(dice, ask.address);
    PUT(DEPOSIT_ADDRESS, deposit_address, &ask);
}

/* A deposit as it would be told, or one that there is, again. */
static void put_report(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct deposit_report_command ask = {0};
    ask.height = 100 + (uint64_t)model->deposit_count + below(dice, 4);
    ask.confirmations = below(dice, 4);
    ask.output = below(dice, 2);
    ask.asset = (uint16_t)below(dice, 3);
    chain_put(dice, ask.chain);
    address_put(dice, ask.address);
    ask.txid[0] = (uint8_t)below(dice, 40);
    ask.txid[31] = (uint8_t)(model->deposit_count / 4);
    le_put_u64(ask.amount, (uint64_t)ONE_OF(dice, 1, 30, 500, 2000) * (ask.asset == 2 ? 1 : 100));
    if (chance(dice, 2)) ask.amount[below(dice, 32)]++;
    const int known = model->deposit_count - model->deposits_forgotten;
    if (known > 0 && chance(dice, 50)) {
        const struct deposit_changed_event *deposit =
            &model->deposits[model->deposit_count - 1 - (int)below(dice, (uint32_t)known)];
        ask.asset = deposit->asset;
        ask.output = deposit->output;
        memcpy(ask.chain, deposit->chain, sizeof(ask.chain));
        memcpy(ask.txid, deposit->txid, sizeof(ask.txid));
        for (int i = 0; i < model->address_count; i++)
            if (model->addresses[i].kind == ADDRESS_DEPOSIT &&
                model->addresses[i].account == deposit->account &&
                memcmp(model->addresses[i].chain, ask.chain, sizeof(ask.chain)) == 0)
                memcpy(ask.address, model->addresses[i].address, sizeof(ask.address));
        int zeros = 2;
        if (deposit->asset == 2) zeros = 0;
        zeros -= model->params.assets[deposit->asset].decimals;
        uint64_t amount = (uint64_t)deposit->amount.units;
        for (; zeros > 0; zeros--)
            amount *= 10;
        memset(ask.amount, 0, sizeof(ask.amount));
        if (zeros < 0) amount /= 10;
        le_put_u64(ask.amount, amount + (slip(dice) ? 100 : 0));
    }
    ask.operator_index = some_connector(dice, model, ask.chain, ask.asset);
    PUT(DEPOSIT_REPORT, deposit_report, &ask);
}

static void put_reorg(struct dice *dice, const struct model *model, struct trial_command *command)
{
    struct deposit_reorg_command ask = {0};
    int asset = -1; /* the chain's first */
    chain_put(dice, ask.chain);
    if (model->deposit_count > 0 && !slip(dice)) {
        const struct deposit_changed_event *deposit =
            &model->deposits[below(dice, (uint32_t)model->deposit_count)];
        ask.output = deposit->output;
        memcpy(ask.chain, deposit->chain, sizeof(ask.chain));
        memcpy(ask.txid, deposit->txid, sizeof(ask.txid));
        if (!chance(dice, 5)) asset = deposit->asset;
    }
    ask.operator_index = some_connector(dice, model, ask.chain, asset);
    PUT(DEPOSIT_REORG, deposit_reorg, &ask);
}

static void put_withdraw(struct dice *dice, const struct model *model,
                         struct trial_command *command)
{
    struct withdraw_command ask = {.account = some_account(dice)};
    ask.asset = (uint16_t)below(dice, 3);
    chain_put(dice, ask.chain);
    address_put(dice, ask.address);
    if (model->address_count > 0 && chance(dice, 85)) {
        const struct model_address *address =
            &model->addresses[below(dice, (uint32_t)model->address_count)];
        ask.account = address->account;
        memcpy(ask.chain, address->chain, sizeof(ask.chain));
        memcpy(ask.address, address->address, sizeof(ask.address));
    }
    ask.amount.units = ONE_OF(dice, 0, 1, 2, 5, 10, 11, 20, 60, 2500);
    le_put_u32(ask.client_id, (uint32_t)model->withdrawal_count - (chance(dice, 10) ? 1u : 0u));
    ask.client_id[35] = 1;
    PUT(WITHDRAW, withdraw, &ask);
    if (chance(dice, 30)) le_put_u64(command->bytes + 32, dice->stamp_ns + below(dice, 1u << 31));
}

static void put_word(struct dice *dice, const struct model *model, struct trial_command *command)
{
    const int known = model->withdrawal_count - model->withdrawals_forgotten;
    const uint32_t back = known > 0 ? below(dice, (uint32_t)known) : 0;
    uint64_t number = (uint64_t)model->withdrawal_count - back;
    if (slip(dice)) number += below(dice, 40);
    struct withdrawal_changed_event facts = {0};
    if (number > 0 && number <= (uint64_t)model->withdrawal_count)
        facts = model->withdrawals[number - 1].facts;
    const uint32_t drawn = below(dice, 10);
    if (drawn < 3) {
        struct withdrawal_approve_command ask = {.withdrawal = number, .amount = facts.amount};
        ask.operator_index = (uint16_t)below(dice, 2);
        memcpy(ask.address, facts.address, sizeof(ask.address));
        if (slip(dice)) ask.amount.units++;
        if (slip(dice)) ask.address[1] ^= 1;
        PUT(WITHDRAWAL_APPROVE, withdrawal_approve, &ask);
    } else if (drawn == 9 && chance(dice, 60)) {
        struct withdrawal_cancel_command ask = {.withdrawal = number, .account = facts.account};
        if (slip(dice)) ask.account = some_account(dice);
        PUT(WITHDRAWAL_CANCEL, withdrawal_cancel, &ask);
    } else if (drawn < 4) {
        PUT(WITHDRAWAL_DENY, withdrawal_deny,
            &(struct withdrawal_deny_command){.withdrawal = number});
    } else {
        struct withdrawal_report_command ask = {.withdrawal = number, .txid = {7}};
        ask.operator_index = some_connector(dice, model, facts.chain, facts.asset);
        ask.state = (uint8_t)ONE_OF(dice, WITHDRAWAL_BROADCAST, WITHDRAWAL_BROADCAST,
                                    WITHDRAWAL_FINAL, WITHDRAWAL_FINAL, WITHDRAWAL_FAILED);
        if (slip(dice)) ask.state = (uint8_t)below(dice, 9);
        if (slip(dice)) ask.txid[0]++;
        PUT(WITHDRAWAL_REPORT, withdrawal_report, &ask);
    }
}

static void put_custody(struct dice *dice, const struct model *model, struct trial_command *command)
{
    const uint32_t drawn = below(dice, 100);
    if (model->params.rules < 3 && chance(dice, model->params.rules < 2 ? 30 : 5)) {
        PUT(RULES_SET, rules_set,
            &(struct rules_set_command){.rules = model->params.rules + 1 + slip(dice)});
    } else if (chance(dice, 3)) {
        PUT(LIABILITIES_ORDER, liabilities_order, &(struct liabilities_order_command){0});
    } else if (chance(dice, model->params.connector_count < 2 ? 8 : 1)) {
        put_connector(dice, command);
    } else if (drawn < 5 || (model->params.route_count < 3 && drawn < 50)) {
        put_route(dice, model, command);
    } else if (drawn < 20) {
        put_address(dice, model, command);
    } else if (drawn < 45) {
        put_report(dice, model, command);
    } else if (drawn < 50) {
        put_reorg(dice, model, command);
    } else if (drawn < 55) {
        PUT(SEAL, seal, &(struct seal_command){0});
    } else if (drawn < 62) {
        put_node_vote(dice, model, command);
    } else if (drawn < 65) {
        struct account_freeze_command ask = {.frozen = chance(dice, 10)};
        ask.account = some_account(dice);
        PUT(ACCOUNT_FREEZE, account_freeze, &ask);
    } else if (drawn < 82) {
        put_withdraw(dice, model, command);
    } else {
        put_word(dice, model, command);
    }
}

static void put_switch(struct dice *dice, struct trial_command *command)
{
    const uint64_t step_ms = dice->step_ns / NS_PER_MS;
    uint32_t timeout_ms = below(dice, (uint32_t)(step_ms > 1000 ? 300000 : step_ms * 300 + 5));
    if (slip(dice)) timeout_ms = 86400000 + below(dice, 2);
    struct switch_set_command ask = {.timeout_ms = chance(dice, 15) ? 0 : timeout_ms};
    ask.account = some_account(dice);
    ask.market = some_market(dice);
    PUT(SWITCH_SET, switch_set, &ask);
}

static void put_cancel_all(struct dice *dice, struct trial_command *command)
{
    struct cancel_all_command ask = {.account = some_account(dice)};
    ask.market = some_market(dice);
    PUT(CANCEL_ALL, cancel_all, &ask);
}

static void put_session(struct dice *dice, struct trial_command *command)
{
    struct session_end_command ask = {.session = below(dice, 3)};
    ask.account = some_account(dice);
    ask.market = some_market(dice);
    PUT(SESSION_END, session_end, &ask);
}

static void put_kind(struct dice *dice, const struct model *model, struct trial_command *command,
                     enum kind kind)
{
    uint32_t kind_account;
    switch (kind) {
    case PLACE:
        return put_place(dice, model, command);
    case CANCEL:
        return put_cancel(dice, model, command);
    case CANCEL_ALL:
        return put_cancel_all(dice, command);
    case AMEND:
        return put_amend(dice, model, command);
    case REPLACE:
        return put_replace(dice, model, command);
    case LIST:
        return put_list(dice, model, command);
    case LIST_CANCEL:
        return put_list_cancel(dice, model, command);
    case SWITCH:
        return put_switch(dice, command);
    case SESSION:
        return put_session(dice, command);
    case CREDIT:
        kind_account = some_account(dice);
        return put_credit(dice, command, kind_account, (uint16_t)below(dice, 3));
    case DEBIT:
        return put_debit(dice, model, command);
    case STATUS:
        return put_status(dice, command);
    case FILTERS:
        return put_filters(dice, command, model, some_market(dice));
    case TIER:
        return put_tier(dice, command);
    case LISTING:
        if (chance(dice, 50)) return put_asset(dice, command, below(dice, 5));
        return put_market(dice, command, model, below(dice, 3));
    case PEOPLE:
        return put_people(dice, command);
    default:
        return put_node(dice, command, kind);
    }
}

/* The next moment at which something turns: a switch's deadline, a minute, a day; or one before it. */
static uint64_t turning_stamp(struct dice *dice, const struct model *model)
{
    const uint64_t minute = 60 * NS_PER_SEC, day = 24 * 60 * minute;
    uint64_t turn = (dice->stamp_ns / minute + 1) * minute;
    if (dice->volumes && chance(dice, 30)) turn = (dice->stamp_ns / day + 1) * day;
    for (uint32_t i = 0; i < model->switch_count; i++)
        if (model->switches[i].deadline_ns < turn) turn = model->switches[i].deadline_ns;
    return turn - below(dice, 2);
}

static void stamp_move(struct dice *dice, const struct model *model)
{
    dice->stamp_ns += below(dice, (uint32_t)dice->step_ns);
    if (below(dice, 200) == 0) dice->stamp_ns += below(dice, 90) * NS_PER_SEC;
    if (dice->volumes && below(dice, 300) == 0)
        dice->stamp_ns += ONE_OF(dice, 1, 1, 3, 12, 35) * 24 * 3600 * NS_PER_SEC;
    if (below(dice, 200) != 0) return;
    const uint64_t turn = turning_stamp(dice, model);
    if (turn > dice->stamp_ns) dice->stamp_ns = turn;
}

/* A header that is stale, late, or of a later version. */
static void header_slip(struct dice *dice, struct trial_command *command)
{
    if (slip(dice)) {
        command->regular = false; /* epoch and sequence are 0; so is a nonce */
        if (chance(dice, 50)) le_put_u32(command->bytes + 8, 3);
    }
    if (slip(dice)) le_put_u16(command->bytes + 6, 1);
    if (chance(dice, 3)) le_put_u64(command->bytes + 32, dice->stamp_ns - 2 + below(dice, 4));
}

/* What is shut does not stay so for long, or nothing would happen any more. */
static bool put_repair(struct dice *dice, const struct model *model, struct trial_command *command)
{
    for (int i = 0; i < model->origin_count; i++) {
        if (model->origins[i].epoch != 0 || !chance(dice, 20)) continue;
        if (dice->membership && model->origins[i].node > 7 && !chance(dice, 5)) continue;
        PUT(HELLO, hello, &(struct hello_command){.node = model->origins[i].node});
        return true;
    }
    for (uint16_t i = 0; i < model->params.market_count; i++) {
        if (model->params.markets[i].status == MARKET_TRADING || !chance(dice, 15)) continue;
        PUT(MARKET_STATUS, market_status,
            &(struct market_status_command){.market = i, .status = MARKET_TRADING});
        return true;
    }
    return false;
}

void dice_next(struct dice *dice, const struct model *model, struct trial_command *command)
{
    if (put_setup(dice, model, command)) return;
    stamp_move(dice, model);
    if (put_repair(dice, model, command)) return;
    if (dice->membership && chance(dice, 30)) {
        put_membership(dice, model, command);
        header_slip(dice, command);
        return;
    }
    if (dice->custody && chance(dice, 35)) {
        put_custody(dice, model, command);
        header_slip(dice, command);
        return;
    }
    uint32_t total = 0;
    for (int kind = 0; kind < KINDS; kind++)
        total += dice->weights[kind];
    uint32_t drawn = below(dice, total);
    int kind = 0;
    while (drawn >= dice->weights[kind])
        drawn -= dice->weights[kind++];
    put_kind(dice, model, command, (enum kind)kind);
    header_slip(dice, command);
}
