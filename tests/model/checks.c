#include "tests/model/parts.h"

#include <string.h>

/* Text is padded with zero bytes: one that begins with them is none. */
bool model_id_is_none(const uint8_t id[36])
{
    return id[0] == 0;
}

enum reject model_check_names(struct model *model, uint32_t account, uint16_t market)
{
    if (account == 0 || account > model->account_count) return REJECT_UNKNOWN_ACCOUNT;
    if (market >= model->params.market_count) return REJECT_UNKNOWN_MARKET;
    return REJECT_NONE;
}

static bool fields_belong(const struct order_place_command *ask)
{
    const bool good_till_canceled = ask->time_in_force == GTC || ask->type == LIMIT_MAKER;
    if (ask->price.ticks != 0 && !has_price(ask->type)) return false;
    if (ask->quote_qty.units != 0 && ask->type != MARKET) return false;
    if (ask->quote_qty.units != 0 && ask->qty.lots != 0) return false;
    if (!is_stop(ask->type) && (ask->stop_price.ticks != 0 || ask->trailing_delta != 0))
        return false;
    if (is_stop(ask->type) && ask->stop_price.ticks == 0 && ask->trailing_delta == 0) return false;
    return ask->iceberg_qty.lots == 0 || (has_price(ask->type) && good_till_canceled);
}

/* From SIDE to TIME_IN_FORCE. */
enum reject model_check_form(struct model *model, const struct order_place_command *ask)
{
    const uint8_t modes = market_of(model, ask->market)->filters.self_trade_modes;
    const bool own_choice = ask->type == LIMIT || (is_stop(ask->type) && has_price(ask->type));
    if (ask->side > SELL) return REJECT_SIDE;
    if (ask->type < LIMIT || ask->type > TAKE_PROFIT_LIMIT) return REJECT_ORDER_TYPE_DISABLED;
    if (ask->self_trade > 7 || (modes >> ask->self_trade & 1) == 0) return REJECT_SELF_TRADE_MODE;
    if (!fields_belong(ask)) return REJECT_COMBINATION;
    if (own_choice && (ask->time_in_force < GTC || ask->time_in_force > FOK))
        return REJECT_TIME_IN_FORCE;
    if (!own_choice && ask->time_in_force > GTC) return REJECT_TIME_IN_FORCE;
    return REJECT_NONE;
}

static bool zero_value(const struct order_place_command *ask)
{
    if (ask->price.ticks < 0 || ask->qty.lots < 0 || ask->quote_qty.units < 0 ||
        ask->stop_price.ticks < 0 || ask->iceberg_qty.lots < 0)
        return true;
    if (has_price(ask->type) && ask->price.ticks == 0) return true;
    return ask->qty.lots == 0 && ask->quote_qty.units == 0;
}

static bool notional_bad(const struct market *market, int64_t quote)
{
    const int64_t most = market->filters.notional_max.units;
    return quote < market->notional_min.units || (most != 0 && quote > most);
}

static enum reject check_lots(const struct market *market, const struct order_place_command *ask)
{
    const struct market_filters *filters = &market->filters;
    const int64_t qty = ask->qty.lots, shown = ask->iceberg_qty.lots;
    if (ask->quote_qty.units != 0) return REJECT_NONE;
    if (qty < market->qty_min.lots || qty > market->qty_max.lots) return REJECT_LOT_SIZE;
    if (ask->type == MARKET &&
        (qty < filters->market_qty_min.lots || qty > filters->market_qty_max.lots))
        return REJECT_MARKET_LOT_SIZE;
    if (shown == 0) return REJECT_NONE;
    if (shown < market->qty_min.lots || shown > qty) return REJECT_LOT_SIZE;
    if ((qty + shown - 1) / shown > filters->iceberg_parts_max) return REJECT_ICEBERG_PARTS;
    return REJECT_NONE;
}

static enum reject check_price(struct model *model, const struct order_place_command *ask)
{
    const struct market_filters *filters = &market_of(model, ask->market)->filters;
    const __int128 price = ask->price.ticks, average = model_average_price(model, ask->market);
    const __int128 last = model->markets[ask->market].last_price;
    const uint32_t up = ask->side == BUY ? filters->bid_up : filters->ask_up;
    const uint32_t down = ask->side == BUY ? filters->bid_down : filters->ask_down;
    if (average != 0 && up != 0 && price * 10000 > average * up) return REJECT_PERCENT_PRICE;
    if (average != 0 && down != 0 && price * 10000 < average * down) return REJECT_PERCENT_PRICE;
    const __int128 away = price > last ? price - last : last - price;
    if (filters->band_ppm != 0 && last != 0 && away * 1000000 > last * filters->band_ppm)
        return REJECT_PRICE_BAND;
    return REJECT_NONE;
}

static bool price_outside(const struct market *market, int64_t price)
{
    return price < market->price_min.ticks || price > market->price_max.ticks;
}

/* From ZERO_VALUE to PRICE_BAND. */
enum reject model_check_values(struct model *model, const struct order_place_command *ask)
{
    const struct market *market = market_of(model, ask->market);
    if (zero_value(ask)) return REJECT_ZERO_VALUE;
    if (has_price(ask->type) && price_outside(market, ask->price.ticks)) return REJECT_PRICE_FILTER;
    if (ask->stop_price.ticks != 0 && price_outside(market, ask->stop_price.ticks))
        return REJECT_PRICE_FILTER;
    const enum reject lots = check_lots(market, ask);
    if (lots != REJECT_NONE) return lots;
    if (ask->trailing_delta != 0 && (ask->trailing_delta < market->filters.trailing_min ||
                                     ask->trailing_delta > market->filters.trailing_max))
        return REJECT_TRAILING_DELTA;
    if (ask->quote_qty.units != 0 && notional_bad(market, ask->quote_qty.units))
        return REJECT_NOTIONAL;
    if (!has_price(ask->type)) return REJECT_NONE;
    if (notional_bad(market, model_quote_of(model, ask->market, ask->price.ticks, ask->qty.lots)))
        return REJECT_NOTIONAL;
    return check_price(model, ask);
}

/* What is open already, of an account in a market and altogether. */
struct count {
    int64_t open, stops, icebergs, lists, buy_lots;
    int64_t all, levels, dormant;
    bool has_level;
};

/* Levels in use: every price of every queue once. */
static void count_levels(const struct model *model, const struct order_place_command *ask,
                         struct count *count)
{
    for (uint16_t market = 0; market < model->params.market_count; market++) {
        for (uint8_t side = BUY; side <= SELL; side++) {
            int64_t price = 0;
            for (int i = 0; i < model->markets[market].queue_counts[side]; i++) {
                const struct model_order *order = model->markets[market].queues[side][i];
                count->levels += order->price != price;
                price = order->price;
                count->has_level |=
                    market == ask->market && side == ask->side && price == ask->price.ticks;
            }
        }
    }
}

static struct count count_open(struct model *model, const struct order_place_command *ask)
{
    struct count count = {.all = model->open_count};
    count_levels(model, ask, &count);
    for (int i = 0; i < model->open_count; i++) {
        const struct model_order *order = model->open[i];
        count.dormant += is_dormant(order);
        if (order->account != ask->account || order->market != ask->market) continue;
        count.open++;
        count.stops += is_stop(order->type);
        count.icebergs += order->iceberg != 0;
        if (order->side == BUY) count.buy_lots += order->left;
    }
    for (int i = 0; i < model->list_slots; i++)
        count.lists += model->lists[i].open && model->lists[i].account == ask->account &&
                       model->lists[i].market == ask->market;
    return count;
}

static bool shows_less(const struct order_place_command *ask)
{
    return ask->iceberg_qty.lots != 0 && ask->iceberg_qty.lots != ask->qty.lots;
}

static bool position_bad(struct model *model, const struct order_place_command *ask,
                         const struct count *count, int64_t lots)
{
    const struct market *market = market_of(model, ask->market);
    const struct model_balance *base = &model->accounts[ask->account].balances[market->base];
    const __int128 position = (__int128)base->available + base->held +
                              (__int128)(count->buy_lots + lots) * market->lot_units;
    return market->filters.position_max.units != 0 && position > market->filters.position_max.units;
}

bool model_condition_met(uint8_t type, uint8_t side, int64_t stop_price, int64_t price)
{
    return is_rising(type, side) ? price >= stop_price : price <= stop_price;
}

static bool needs_last_price(const struct order_place_command *ask)
{
    return (ask->type == STOP_LOSS || ask->type == TAKE_PROFIT) && ask->side == BUY &&
           ask->stop_price.ticks == 0;
}

static bool would_trigger(struct model *model, const struct order_place_command *ask)
{
    const int64_t last = model->markets[ask->market].last_price;
    return ask->stop_price.ticks != 0 && last != 0 &&
           model_condition_met(ask->type, ask->side, ask->stop_price.ticks, last);
}

static enum reject check_room(struct model *model, const struct order_place_command *ask)
{
    const struct market *market = market_of(model, ask->market);
    const struct count count = count_open(model, ask);
    const bool stop = is_stop(ask->type);
    const bool may_rest =
        stop || ask->type == LIMIT_MAKER || (ask->type == LIMIT && ask->time_in_force == GTC);
    if (may_rest && count.open >= market->account_orders_max) return REJECT_MAX_NUM_ORDERS;
    if (stop && count.stops >= market->filters.algo_orders_max) return REJECT_MAX_NUM_ALGO_ORDERS;
    if (shows_less(ask) && count.icebergs >= market->filters.iceberg_orders_max)
        return REJECT_MAX_NUM_ICEBERG_ORDERS;
    if (ask->side == BUY && position_bad(model, ask, &count, ask->qty.lots))
        return REJECT_MAX_POSITION;
    if (!may_rest) return REJECT_NONE;
    if (count.all >= model->params.orders_max) return REJECT_ORDERS_FULL;
    if (count.levels + count.dormant >= model->params.levels_max && (stop || !count.has_level))
        return REJECT_ORDERS_FULL;
    return REJECT_NONE;
}

/* From DUPLICATE_ORDER to INSUFFICIENT_BALANCE. */
enum reject model_check_state(struct model *model, const struct order_place_command *ask)
{
    if (!model_id_is_none(ask->client_id) &&
        model_order_find(model, ask->account, ask->market, 0, ask->client_id) != NULL)
        return REJECT_DUPLICATE_ORDER;
    const enum reject room = check_room(model, ask);
    if (room != REJECT_NONE) return room;
    if (needs_last_price(ask) && model->markets[ask->market].last_price == 0)
        return REJECT_NO_LAST_PRICE;
    if (would_trigger(model, ask)) return REJECT_WOULD_TRIGGER;
    if (ask->type == LIMIT_MAKER &&
        model_would_take(model, ask->market, ask->side, ask->price.ticks))
        return REJECT_WOULD_TAKE;

    struct model_order order = model_order_of_ask(model, ask);
    if (ask->type == MARKET && ask->quote_qty.units == 0) {
        const int64_t bound = model_price_bound(model, &order);
        const int64_t quote = model_dry_walk(model, &order, bound, order.left, INT64_MAX).quote;
        if (quote != 0 && notional_bad(market_of(model, ask->market), quote))
            return REJECT_NOTIONAL;
    }
    const uint16_t asset = model_hold_asset_of(model, ask->market, ask->side);
    if (model->accounts[ask->account].balances[asset].available < model_hold_of_ask(model, &order))
        return REJECT_INSUFFICIENT_BALANCE;
    return REJECT_NONE;
}

/* The order as it would be accepted. */
struct model_order model_order_of_ask(struct model *model, const struct order_place_command *ask)
{
    const bool own_choice = ask->type == LIMIT || (is_stop(ask->type) && has_price(ask->type));
    struct model_order order = {
        .place = TAKES,
        .account = ask->account,
        .session = ask->session,
        .origin = model->header.origin,
        .market = ask->market,
        .side = ask->side,
        .type = ask->type,
        .time_in_force = own_choice ? ask->time_in_force : (uint8_t)GTC,
        .self_trade = ask->self_trade,
        .price = ask->price.ticks,
        .qty = ask->qty.lots,
        .quote_qty = ask->quote_qty.units,
        .stop_price = ask->stop_price.ticks,
        .iceberg = shows_less(ask) ? ask->iceberg_qty.lots : 0,
        .delta = ask->trailing_delta,
        .left = ask->qty.lots,
    };
    memcpy(order.client_id, ask->client_id, sizeof(order.client_id));
    return order;
}

/* What the order holds when it comes into force; sets what that was reckoned by. */
int64_t model_hold_of_ask(struct model *model, struct model_order *order)
{
    const int64_t bound = model_price_bound(model, order);
    if (order->quote_qty != 0) {
        const struct market *market = market_of(model, order->market);
        const struct walk walk =
            model_dry_walk(model, order, bound, market->qty_max.lots, order->quote_qty);
        order->qty = order->left = walk.lots;
        order->content = walk.lots > 0 &&
                         (walk.quote == order->quote_qty ||
                          (walk.next_price != 0 &&
                           walk.quote + model_quote_of(model, order->market, walk.next_price, 1) >
                               order->quote_qty));
    }
    if (order->side == SELL) return model_base_of(model, order->market, order->left);
    if (order->type == MARKET) {
        order->cash = true;
        if (order->quote_qty != 0) return order->quote_qty;
        return model_dry_walk(model, order, bound, order->left, INT64_MAX).quote;
    }
    if (!has_price(order->type))
        order->need_price =
            order->stop_price != 0 ? order->stop_price : model->markets[order->market].last_price;
    return model_hold_needed(model, order);
}

int64_t model_pair_need(struct model *model, struct model_order *first, struct model_order *second)
{
    const int64_t a = model_hold_of_ask(model, first), b = model_hold_of_ask(model, second);
    return a > b ? a : b;
}

/* ---- Lists ---- */

static bool pair_shape_good(const struct order_place_command *above,
                            const struct order_place_command *below)
{
    const struct order_place_command *stop = above->side == SELL ? below : above;
    const struct order_place_command *other = above->side == SELL ? above : below;
    if (above->side != below->side || above->qty.lots != below->qty.lots) return false;
    if (stop->type != STOP_LOSS && stop->type != STOP_LOSS_LIMIT) return false;
    return other->type == LIMIT_MAKER || other->type == TAKE_PROFIT ||
           other->type == TAKE_PROFIT_LIMIT;
}

static bool c_is_zero(const struct model *model, const struct list_place_command *ask)
{
    static const uint8_t none[36];
    return model->tags[2].flags == 0 && ask->c_price.ticks == 0 && ask->c_qty.lots == 0 &&
           ask->c_stop_price.ticks == 0 && ask->c_iceberg_qty.lots == 0 &&
           ask->c_trailing_delta == 0 && ask->c_side == 0 && ask->c_type == 0 &&
           ask->c_time_in_force == 0 && memcmp(ask->c_client_id, none, sizeof(none)) == 0;
}

enum reject model_check_list_shape(const struct model *model, const struct list_place_command *ask,
                                   const struct order_place_command legs[3])
{
    const bool works = legs[0].type == LIMIT || legs[0].type == LIMIT_MAKER;
    bool good = false;
    if (ask->kind == LIST_OCO) good = pair_shape_good(&legs[0], &legs[1]) && c_is_zero(model, ask);
    if (ask->kind == LIST_OTO) good = works && c_is_zero(model, ask);
    if (ask->kind == LIST_OTOCO) good = works && pair_shape_good(&legs[1], &legs[2]);
    return good ? REJECT_NONE : REJECT_COMBINATION;
}

static enum reject check_list_names(struct model *model, const struct list_place_command *ask,
                                    const struct order_place_command legs[3])
{
    for (int i = 0; i < model->list_slots; i++) {
        const struct model_list *list = &model->lists[i];
        if (list->open && list->account == ask->account && list->market == ask->market &&
            !model_id_is_none(ask->client_id) && memcmp(list->client_id, ask->client_id, 36) == 0)
            return REJECT_DUPLICATE_ORDER;
    }
    for (int leg = 0; leg < leg_count(ask->kind); leg++) {
        const uint8_t *id = legs[leg].client_id;
        if (model_id_is_none(id)) continue;
        if (model_order_find(model, ask->account, ask->market, 0, id) != NULL)
            return REJECT_DUPLICATE_ORDER;
        for (int earlier = 0; earlier < leg; earlier++)
            if (memcmp(legs[earlier].client_id, id, 36) == 0) return REJECT_DUPLICATE_ORDER;
    }
    return REJECT_NONE;
}

static enum reject check_list_room(struct model *model, const struct list_place_command *ask,
                                   const struct order_place_command legs[3])
{
    const struct market *market = market_of(model, ask->market);
    const struct count count = count_open(model, &legs[0]);
    const int all = leg_count(ask->kind);
    int64_t stops = 0, icebergs = 0, buys = 0, buy_lots = 0;
    for (int leg = 0; leg < all; leg++) {
        stops += is_stop(legs[leg].type);
        icebergs += shows_less(&legs[leg]);
        buys += legs[leg].side == BUY;
        if (legs[leg].side == BUY) buy_lots += legs[leg].qty.lots;
    }
    if (count.lists >= market->filters.order_lists_max) return REJECT_MAX_NUM_ORDER_LISTS;
    if (count.open + all > market->account_orders_max) return REJECT_MAX_NUM_ORDERS;
    if (stops > 0 && count.stops + stops > market->filters.algo_orders_max)
        return REJECT_MAX_NUM_ALGO_ORDERS;
    if (icebergs > 0 && count.icebergs + icebergs > market->filters.iceberg_orders_max)
        return REJECT_MAX_NUM_ICEBERG_ORDERS;
    if (buys > 0 && position_bad(model, &legs[0], &count, buy_lots)) return REJECT_MAX_POSITION;
    if (count.all + all > model->params.orders_max) return REJECT_ORDERS_FULL;
    if (count.levels + count.dormant + all > model->params.levels_max) return REJECT_ORDERS_FULL;
    return REJECT_NONE;
}

/* By what a pair's orders are compared; 0: by nothing. */
static int64_t relation_price(const struct order_place_command *leg)
{
    return leg->type == LIMIT_MAKER ? leg->price.ticks : leg->stop_price.ticks;
}

static bool relation_bad(struct model *model, const struct list_place_command *ask,
                         const struct order_place_command legs[3])
{
    if (ask->kind == LIST_OTO) return false;
    const int first = ask->kind == LIST_OCO ? 0 : 1;
    const int64_t above = relation_price(&legs[first]), below = relation_price(&legs[first + 1]);
    const int64_t last = model->markets[ask->market].last_price;
    if (above != 0 && below != 0 && above <= below) return true;
    if (ask->kind != LIST_OCO || last == 0) return false;
    return (above != 0 && above <= last) || (below != 0 && below >= last);
}

static int64_t list_hold(struct model *model, const struct list_place_command *ask,
                         const struct order_place_command legs[3])
{
    struct model_order first = model_order_of_ask(model, &legs[0]);
    struct model_order second = model_order_of_ask(model, &legs[1]);
    if (ask->kind == LIST_OCO) return model_pair_need(model, &first, &second);
    return model_hold_of_ask(model, &first);
}

/* From DUPLICATE_ORDER to INSUFFICIENT_BALANCE. */
enum reject model_check_list_state(struct model *model, const struct list_place_command *ask,
                                   const struct order_place_command legs[3])
{
    const int all = leg_count(ask->kind);
    enum reject reject = check_list_names(model, ask, legs);
    if (reject == REJECT_NONE) reject = check_list_room(model, ask, legs);
    if (reject != REJECT_NONE) return reject;
    for (int leg = 0; leg < all; leg++)
        if (!is_pending_leg(ask->kind, leg) && needs_last_price(&legs[leg]) &&
            model->markets[ask->market].last_price == 0)
            return REJECT_NO_LAST_PRICE;
    if (relation_bad(model, ask, legs)) return REJECT_PRICE_RELATION;
    for (int leg = 0; leg < all; leg++)
        if (!is_pending_leg(ask->kind, leg) && would_trigger(model, &legs[leg]))
            return REJECT_WOULD_TRIGGER;
    for (int leg = 0; leg < all; leg++)
        if (!is_pending_leg(ask->kind, leg) && legs[leg].type == LIMIT_MAKER &&
            model_would_take(model, ask->market, legs[leg].side, legs[leg].price.ticks))
            return REJECT_WOULD_TAKE;
    const uint16_t asset = model_hold_asset_of(model, ask->market, legs[0].side);
    if (model->accounts[ask->account].balances[asset].available < list_hold(model, ask, legs))
        return REJECT_INSUFFICIENT_BALANCE;
    return REJECT_NONE;
}
