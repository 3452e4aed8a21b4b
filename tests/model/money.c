#include "tests/model/parts.h"

#include "common/fee.h"

#define NS_PER_MINUTE UINT64_C(60000000000)
#define NS_PER_DAY    (NS_PER_MINUTE * 60 * 24)

int64_t model_quote_of(struct model *model, uint16_t market, int64_t price, int64_t lots)
{
    return market_notional(market_of(model, market), (price_t){price}, (qty_t){lots}).units;
}

int64_t model_base_of(struct model *model, uint16_t market, int64_t lots)
{
    return market_base_amount(market_of(model, market), (qty_t){lots}).units;
}

uint16_t model_hold_asset_of(struct model *model, uint16_t market, uint8_t side)
{
    return side == BUY ? market_of(model, market)->quote : market_of(model, market)->base;
}

void model_balance_move(struct model *model, uint32_t account, uint16_t asset, int64_t available,
                        int64_t held)
{
    struct model_balance *balance = &model->accounts[account].balances[asset];
    if (available == 0 && held == 0) return;
    balance->available += available;
    balance->held += held;
    ASSERT(balance->available >= 0);
    ASSERT(balance->held >= 0);
    if (balance->touched) return;
    balance->touched = true;
    model->touched[model->touched_count].account = account;
    model->touched[model->touched_count++].asset = asset;
}

/* The other order of a pair, while it is open. */
struct model_order *model_sibling_of(const struct model_order *order)
{
    if (order->list == NULL) return NULL;
    if (order->list->kind == LIST_OCO) return order->list->legs[1 - order->leg];
    if (order->list->kind == LIST_OTOCO && order->leg > 0) return order->list->legs[3 - order->leg];
    return NULL;
}

/* Where the order's hold is written: a pair has one. */
static int64_t *hold_place(struct model_order *order)
{
    return model_sibling_of(order) != NULL ? &order->list->pair_hold : &order->hold;
}

void model_hold_take(struct model *model, struct model_order *order, int64_t units)
{
    *hold_place(order) += units;
    model_balance_move(model, order->account,
                       model_hold_asset_of(model, order->market, order->side), -units, units);
}

/* What the order alone must have set aside for what it has left. */
int64_t model_hold_needed(struct model *model, const struct model_order *order)
{
    if (order->place == PENDING) return 0;
    if (order->cash) return order->hold;
    if (order->side == SELL) return model_base_of(model, order->market, order->left);
    const int64_t price = has_price(order->type) ? order->price : order->need_price;
    return model_quote_of(model, order->market, price, order->left);
}

/* Lets the hold fall to what the order, or its pair, still needs. */
void model_hold_fall(struct model *model, struct model_order *order)
{
    const struct model_order *sibling = model_sibling_of(order);
    int64_t *hold = hold_place(order);
    int64_t needed = model_hold_needed(model, order);
    if (sibling != NULL && model_hold_needed(model, sibling) > needed)
        needed = model_hold_needed(model, sibling);
    ASSERT(needed <= *hold);
    const int64_t freed = *hold - needed;
    *hold = needed;
    model_balance_move(model, order->account,
                       model_hold_asset_of(model, order->market, order->side), freed, -freed);
}

/* The order ends. Its sibling, if there is one, keeps what it needs itself of their hold. */
void model_hold_end(struct model *model, struct model_order *order)
{
    struct model_order *sibling = model_sibling_of(order);
    int64_t *hold = hold_place(order);
    const int64_t kept = sibling == NULL ? 0 : model_hold_needed(model, sibling);
    ASSERT(kept <= *hold);
    const int64_t freed = *hold - kept;
    *hold = 0;
    if (sibling != NULL) sibling->hold = kept;
    model_balance_move(model, order->account,
                       model_hold_asset_of(model, order->market, order->side), freed, -freed);
}

/* Receives, less the fee. */
static void receive(struct model *model, uint32_t account, uint16_t asset, int64_t units,
                    int32_t rate_ppm)
{
    const int64_t fee = rate_ppm <= 0 ? 0 : fee_of((amount_t){units}, rate_ppm).charged.units;
    model->fees[asset] += fee;
    model_balance_move(model, account, asset, units - fee, 0);
}

/* One side of a fill, after its `left` has fallen: it pays from its hold, what the hold is above what is
 * left to be paid for comes back, it receives, and a rate below zero gives it a rebate of what it paid. */
void model_fill_pay(struct model *model, struct model_order *order, int64_t price, int64_t lots,
                    int32_t rate_ppm)
{
    const struct market *market = market_of(model, order->market);
    const int64_t quote = model_quote_of(model, order->market, price, lots);
    const int64_t base = model_base_of(model, order->market, lots);
    const int64_t paid = order->side == BUY ? quote : base;
    const uint16_t paid_asset = order->side == BUY ? market->quote : market->base;
    ASSERT(model_sibling_of(order) == NULL);
    ASSERT(order->hold >= paid);
    order->hold -= paid;
    const int64_t freed = order->hold - model_hold_needed(model, order);
    ASSERT(freed >= 0);
    order->hold -= freed;
    model_balance_move(model, order->account, paid_asset, freed, -paid - freed);
    receive(model, order->account, order->side == BUY ? market->base : market->quote,
            order->side == BUY ? base : quote, rate_ppm);
    if (rate_ppm < 0) {
        const int64_t rebate = fee_rebate((amount_t){paid}, rate_ppm).units;
        model->fees[paid_asset] -= rebate;
        model_balance_move(model, order->account, paid_asset, rebate, 0);
    }
}

static bool tiers_ask_for_volume(const struct model *model)
{
    for (int i = 0; i < model->params.tier_count; i++)
        if (model->params.tiers[i].volume_min.units > 0) return true;
    return false;
}

/* The fill's value in the volume asset. */
static int64_t volume_value(struct model *model, uint16_t market_index, int64_t base, int64_t quote)
{
    const struct market *market = market_of(model, market_index);
    const uint16_t wanted = model->params.volume_asset;
    if (market->quote == wanted) return quote;
    if (market->base == wanted) return base;
    for (uint16_t i = 0; i < model->params.market_count; i++) {
        const struct market *other = market_of(model, i);
        if (other->base != market->quote || other->quote != wanted) continue;
        const __int128 units = (__int128)quote * model->markets[i].last_price * other->tick_units /
                               decimal_power(model->params.assets[other->base].decimals);
        return units > INT64_MAX ? INT64_MAX : (int64_t)units;
    }
    return 0;
}

static void volume_add(struct model_account *account, uint64_t day, int64_t value)
{
    int kept = 0;
    for (int i = 0; i < account->day_count; i++)
        if (account->days[i].day + 31 > day) account->days[kept++] = account->days[i];
    account->day_count = kept;
    if (kept == 0 || account->days[kept - 1].day != day) {
        account->days[account->day_count].day = day;
        account->days[account->day_count++].value = 0;
    }
    int64_t *sum = &account->days[account->day_count - 1].value;
    if (__builtin_add_overflow(*sum, value, sum)) *sum = INT64_MAX;
}

void model_volumes_count(struct model *model, const struct model_order *maker,
                         const struct model_order *taker, int64_t price, int64_t lots)
{
    if (!tiers_ask_for_volume(model)) return;
    const int64_t value =
        volume_value(model, maker->market, model_base_of(model, maker->market, lots),
                     model_quote_of(model, maker->market, price, lots));
    volume_add(&model->accounts[maker->account], model->stamp_ns / NS_PER_DAY, value);
    volume_add(&model->accounts[taker->account], model->stamp_ns / NS_PER_DAY, value);
}

/* The account's tier is found out anew, and TIER_CHANGED when it is another. */
static void tier_find(struct model *model, uint32_t number)
{
    struct model_account *account = &model->accounts[number];
    uint16_t tier = account->given_tier;
    if (tiers_ask_for_volume(model)) {
        const uint64_t today = model->stamp_ns / NS_PER_DAY;
        __int128 volume = 0;
        for (int i = 0; i < account->day_count; i++)
            if (account->days[i].day < today && account->days[i].day + 30 >= today)
                volume += account->days[i].value;
        for (uint16_t i = 0; i < model->params.tier_count; i++)
            if (model->params.tiers[i].volume_min.units <= volume && i > tier) tier = i;
    }
    if (tier == account->tier) return;
    account->tier = tier;
    event_write_tier_changed(model->out, &(struct tier_changed_event){number, tier});
}

/* On the account's first order or list of a day, and whenever an operator gives it a tier. */
void model_tier_look(struct model *model, uint32_t account)
{
    tier_find(model, account);
}

void model_average_count(struct model *model, uint16_t market_index, int64_t price, int64_t lots)
{
    struct model_market *market = &model->markets[market_index];
    const uint64_t minute = model->stamp_ns / NS_PER_MINUTE;
    market->last_price = price;
    int kept = 0;
    for (int i = 0; i < market->minute_count; i++)
        if (market->minutes[i].minute + MARKET_AVERAGE_MINUTES_MAX > minute)
            market->minutes[kept++] = market->minutes[i];
    if (kept == 0 || market->minutes[kept - 1].minute != minute) {
        market->minutes[kept].minute = minute;
        market->minutes[kept].product = market->minutes[kept].lots = 0;
        kept++;
    }
    market->minute_count = kept;
    market->minutes[kept - 1].product += (__int128)price * lots;
    market->minutes[kept - 1].lots += lots;
}

/* 0: there is none. */
int64_t model_average_price(struct model *model, uint16_t market_index)
{
    const struct model_market *market = &model->markets[market_index];
    const uint64_t minute = model->stamp_ns / NS_PER_MINUTE;
    const uint32_t minutes = model->params.markets[market_index].filters.average_minutes;
    __int128 product = 0, lots = 0;
    for (int i = 0; i < market->minute_count; i++) {
        if (market->minutes[i].minute + minutes <= minute) continue;
        product += market->minutes[i].product;
        lots += market->minutes[i].lots;
    }
    return lots == 0 ? market->last_price : (int64_t)(product / lots);
}
