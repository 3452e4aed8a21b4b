#include "tests/model/dice_roll.h"

/* An autumn day of 2026, a little before midnight. */
#define FIRST_STAMP_NS (UINT64_C(1793836700) * NS_PER_SEC)

static const uint32_t plain_weights[KINDS] = {
    [PLACE] = 600, [CANCEL] = 60,      [CANCEL_ALL] = 2, [AMEND] = 50,  [REPLACE] = 60,
    [LIST] = 90,   [LIST_CANCEL] = 10, [SWITCH] = 3,     [SESSION] = 3, [LOST] = 1,
    [HELLO] = 2,   [SEAL] = 3,         [VOTE] = 2,       [CREDIT] = 50, [DEBIT] = 8,
    [STATUS] = 4,  [FILTERS] = 3,      [TIER] = 5,       [LISTING] = 3, [PEOPLE] = 2,
};

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
    dice->tags = seed % 3 == 2 ? 40 : seed % 3 == 1 ? 15 : 0;
    open_weights(dice);
    if (dice->full) {
        dice->filters = dice->huge = false;
        dice->wealth = 20;
    }

    struct params *params = &genesis->params;
    dice->accounts = 2 + below(dice, 5);
    dice->markets = 1 + below(dice, 3);
    params->accounts_max = dice->accounts + ONE_OF(dice, 0, 1, 1, 6, 20);
    params->keys_max = ONE_OF(dice, 2, 3, 5, 6, 9, 16, 17, MODEL_KEYS);
    params->orders_max = ONE_OF(dice, 4, 7, 20, 60, 60, 120, 120);
    params->levels_max = ONE_OF(dice, 3, 5, 20, 60, 60, 120, 200);
    params->checkpoint_blocks = ONE_OF(dice, 0, 1, 3, 4);
    if (dice->full) params->orders_max = 6 + below(dice, 8);
    params->assets_max = 3 + below(dice, 2);
    params->markets_max = dice->markets + below(dice, 2);
    open_tiers(dice, params);
}

/* ---- The first commands: assets, markets, nodes, accounts and their money ---- */

void dice_put_asset(struct dice *dice, struct trial_command *command, uint32_t index)
{
    static const char *const symbols[] = {"COIN", "USD", "GOLD", "TIN", "COIN"};
    struct asset_create_command create = {.decimals = (uint8_t)ONE_OF(dice, 0, 0, 1)};
    if (chance(dice, 50)) create.decimals = 0;
    if (slip(dice)) create.decimals = 9;
    memcpy(create.symbol, symbols[index % 5], strlen(symbols[index % 5]));
    PUT(ASSET_CREATE, asset_create, &create);
}

void dice_put_market(struct dice *dice, struct trial_command *command, const struct model *model,
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

void dice_put_filters(struct dice *dice, struct trial_command *command, const struct model *model,
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

void dice_put_credit(struct dice *dice, struct trial_command *command, uint32_t account,
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
bool dice_put_setup(struct dice *dice, const struct model *model, struct trial_command *command)
{
    uint32_t step = dice->setup++;
    if (step < 3) return dice_put_asset(dice, command, step), true;
    step -= 3;
    if (step < dice->markets) return dice_put_market(dice, command, model, step), true;
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
        return dice_put_credit(dice, command, 1 + step / 3, (uint16_t)(step % 3)), true;
    step -= dice->accounts * 3;
    if (step >= dice->markets) return false;
    dice_put_filters(dice, command, model, (uint16_t)step);
    return true;
}
