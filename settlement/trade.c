#include "settlement/trade.h"

#include "settlement/booking.h"
#include "settlement/waking.h"

/* Two orders that meet, by the event's words. */
struct meeting {
    uint16_t market;
    uint8_t taker_side;
    price_t price;
    uint64_t maker_order;
    uint64_t taker_order;
    uint32_t maker_account;
    uint32_t taker_account;
    struct hold_entry *maker;
    struct hold_entry *taker;
};

static bool may_take(const struct settlement *s, const struct hold_entry *entry)
{
    return entry->state == HOLD_WORKING && entry->type != LIMIT_MAKER &&
           entry->ready_command == s->command.number;
}

static bool rests(const struct settlement *s, const struct hold_entry *entry)
{
    return entry->state == HOLD_WORKING && order_may_rest(entry) &&
           entry->order_id != s->command.taker;
}

/* The order whose turn it is; the one before it has had its turn. */
static void begin_turn(struct settlement *s, const struct hold_entry *taker)
{
    struct command_state *command = &s->command;
    if (command->taker == taker->order_id) return;
    struct hold_entry *before = hold_book_find(s->orders, taker->market, command->taker);
    if (command->taker != 0 && before != NULL) before->ready_command = 0;
    command->taker = taker->order_id;
    command->taker_market = taker->market;
}

static bool within_limit(const struct hold_entry *taker, price_t price)
{
    if (!order_has_price(taker->type)) return true;
    return taker->side == BUY ? price.ticks <= taker->price.ticks
                              : price.ticks >= taker->price.ticks;
}

/* Finds the two and says whether they may meet like this; then it is the taker's turn. */
static bool meet(struct settlement *s, struct meeting *meeting)
{
    const struct command_state *command = &s->command;
    const uint16_t market = meeting->market;
    if (market >= s->params.market_count ||
        (command->taker != 0 && command->taker_market != market))
        return false;
    struct hold_entry *maker = hold_book_find(s->orders, market, meeting->maker_order);
    struct hold_entry *taker = hold_book_find(s->orders, market, meeting->taker_order);
    if (maker == NULL || taker == NULL || maker == taker) return false;
    if (maker->account != meeting->maker_account || taker->account != meeting->taker_account ||
        taker->side != meeting->taker_side || maker->side != opposite((enum side)taker->side) ||
        maker->price.ticks != meeting->price.ticks || !within_limit(taker, meeting->price) ||
        !may_take(s, taker))
        return false;
    begin_turn(s, taker);
    if (!rests(s, maker)) return false;
    maker->ready_command = 0;
    meeting->maker = maker;
    meeting->taker = taker;
    return true;
}

/* What the maker shows: an iceberg's slice is known from the first time that it is met. */
static qty_t shown_of(struct hold_entry *maker)
{
    if (maker->iceberg_qty.lots == 0) return order_rest(maker);
    if (maker->shown.lots == 0) maker->shown = qty_min(maker->iceberg_qty, order_rest(maker));
    return maker->shown;
}

/* Takes from the maker's slice; the next one shows when it is empty. */
static void take_shown(struct hold_entry *maker, qty_t qty)
{
    if (maker->iceberg_qty.lots > 0) maker->shown = qty_less(maker->shown, qty);
}

/* Whether the taker's rest is a number of lots that settlement knows: not by quote amount, nor when a
 * stop was cut for lack of funds. */
static bool rest_is_known(const struct hold_entry *taker)
{
    return !order_by_quote(taker) &&
           !(taker->side == BUY && (taker->type == STOP_LOSS || taker->type == TAKE_PROFIT));
}

/* A match is of what the maker shows or what is left of the taker, whichever is less. */
static bool is_whole_match(struct hold_entry *maker, const struct hold_entry *taker, qty_t qty)
{
    const qty_t shown = shown_of(maker);
    if (qty.lots <= 0 || qty.lots > shown.lots) return false;
    if (order_by_quote(taker)) return true;
    const qty_t whole = qty_min(shown, order_rest(taker));
    return rest_is_known(taker) ? qty.lots == whole.lots : qty.lots <= whole.lots;
}

static void note_spent(struct settlement *s, struct hold_entry *entry)
{
    if (!order_by_quote(entry) && order_rest(entry).lots == 0) order_owes(s, entry, HOLD_OWES_END);
}

static enum status check_ids(struct settlement *s, const struct fill_event *fill)
{
    struct market_state *market = &s->markets[fill->market];
    if (fill->trade_id != market->trade + 1)
        return settle_differs_order(s, "trade id", fill->market, fill->taker_order,
                                    fill->taker_account, (int64_t)market->trade + 1,
                                    (int64_t)fill->trade_id);
    market->trade++;

    /* An aggregate is one taker's fills at one price, one after the other. */
    const bool same = market->aggregate_order == fill->taker_order &&
                      market->aggregate_ticks == fill->price.ticks && market->aggregate > 0;
    const uint64_t due = same ? market->aggregate : market->aggregate + 1;
    if (fill->aggregate_id != due)
        return settle_differs_order(s, "aggregate id", fill->market, fill->taker_order,
                                    fill->taker_account, (int64_t)due, (int64_t)fill->aggregate_id);
    market->aggregate = due;
    market->aggregate_order = fill->taker_order;
    market->aggregate_ticks = fill->price.ticks;
    return STATUS_OK;
}

static enum status check_rate(struct settlement *s, const struct fill_event *fill,
                              const struct hold_entry *entry, bool is_maker)
{
    const struct fee_tier *tier =
        &s->params.tiers[balance_sheet_owner(s->accounts, entry->account)->tier];
    const int32_t ours = is_maker ? tier->maker_ppm : tier->taker_ppm;
    const int32_t theirs = is_maker ? fill->maker_rate_ppm : fill->taker_rate_ppm;
    if (ours == theirs) return STATUS_OK;
    return settle_differs_order(s, is_maker ? "maker's fee rate" : "taker's fee rate", fill->market,
                                entry->order_id, entry->account, ours, theirs);
}

/* Takes a fill's part out of an order. False when the order has not that much. */
static bool consume(struct hold_entry *entry, const struct posting_fill *moved, qty_t qty)
{
    const amount_t part = entry->side == BUY ? moved->quote : moved->base;
    if (part.units > entry->left.units) return false;
    if (!order_by_quote(entry) && qty.lots > order_rest(entry).lots) return false;
    entry->left.units -= part.units;
    entry->executed.lots += qty.lots;
    return amount_add(entry->quote_executed, moved->quote, &entry->quote_executed);
}

/* What a buyer's hold is above what the rest of its limit order needs; it is let go at once. */
static bool surplus(const struct settlement *s, struct hold_entry *buyer, amount_t *release)
{
    amount_t needed;
    *release = (amount_t){0};
    if (buyer->hold_price.ticks == 0) return true;
    if (!booking_need(s, buyer, &needed) || needed.units > buyer->left.units) return false;
    release->units = buyer->left.units - needed.units;
    buyer->left = needed;
    return true;
}

/* Moves the money of a fill. */
static enum status move(struct settlement *s, const struct fill_event *fill,
                        const struct meeting *meeting, struct posting_fill *moved)
{
    struct hold_entry *maker = meeting->maker, *taker = meeting->taker;
    struct hold_entry *buyer = taker->side == BUY ? taker : maker;
    if (!consume(maker, moved, fill->qty))
        return settle_differs_order(s, "maker's hold", fill->market, maker->order_id,
                                    maker->account, maker->left.units, fill->qty.lots);
    if (!consume(taker, moved, fill->qty))
        return settle_differs_order(s, "taker's hold", fill->market, taker->order_id,
                                    taker->account, taker->left.units, fill->qty.lots);
    if (!surplus(s, buyer, &moved->release))
        return settle_differs_order(s, "buyer's hold", fill->market, buyer->order_id,
                                    buyer->account, buyer->left.units, 0);
    take_shown(maker, fill->qty);
    note_spent(s, maker);
    note_spent(s, taker);
    const struct posting_set set = posting_fill_set(&s->params.markets[fill->market], moved);
    return booking_post(s, &set);
}

/* Adds the fill to what both accounts traded today. */
static void count_volume(struct settlement *s, const struct fill_event *fill,
                         const struct posting_fill *moved)
{
    if (!tier_book_counts(&s->params)) return;
    const uint32_t day = (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS);
    const struct market *market = &s->params.markets[fill->market];
    const bool direct =
        market->quote == s->params.volume_asset || market->base == s->params.volume_asset;
    uint16_t reference = 0;
    price_t last = {0};
    if (!direct && tier_book_reference(&s->params, fill->market, &reference))
        last = s->markets[reference].last;
    const amount_t value =
        tier_book_value(&s->params, fill->market, moved->base, moved->quote, reference, last);
    tier_book_add(s->tiers, fill->maker_account, day, value);
    tier_book_add(s->tiers, fill->taker_account, day, value);
}

enum status trade_fill(struct settlement *s, const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    struct meeting meeting = {.market = fill.market,
                              .taker_side = fill.taker_side,
                              .price = fill.price,
                              .maker_order = fill.maker_order,
                              .taker_order = fill.taker_order,
                              .maker_account = fill.maker_account,
                              .taker_account = fill.taker_account};
    struct posting_fill moved;
    if (!meet(s, &meeting) || !posting_fill_of(&s->params.markets[fill.market], &fill, &moved) ||
        (fill.maker_account == fill.taker_account && meeting.taker->self_trade != SELF_TRADE_NONE))
        return settle_differs_order(s, "parties of a fill", fill.market, fill.taker_order,
                                    fill.taker_account, 0, fill.price.ticks);
    if (booking_sibling(s, meeting.maker) != NULL || booking_sibling(s, meeting.taker) != NULL ||
        !sibling_allows(s, fill.market, fill.maker_order))
        return settle_differs_order(s, "sibling of a pair", fill.market, fill.maker_order,
                                    fill.maker_account, 0, 0);
    if (!is_whole_match(meeting.maker, meeting.taker, fill.qty))
        return settle_differs_order(s, "quantity of a fill", fill.market, fill.maker_order,
                                    fill.maker_account, shown_of(meeting.maker).lots,
                                    fill.qty.lots);

    enum status status = check_ids(s, &fill);
    if (status == STATUS_OK) status = check_rate(s, &fill, meeting.maker, true);
    if (status == STATUS_OK) status = check_rate(s, &fill, meeting.taker, false);
    if (status == STATUS_OK) status = move(s, &fill, &meeting, &moved);
    if (status != STATUS_OK) return status;
    count_volume(s, &fill, &moved);
    s->command.trade_market = fill.market;
    return waking_price(s, fill.market, fill.price);
}

/* Whether what was prevented is what the mode takes from either. */
static bool takes_by_mode(struct meeting *meeting, const struct prevented_event *prevented)
{
    struct hold_entry *maker = meeting->maker, *taker = meeting->taker;
    const bool takes_maker = prevented->mode != SELF_TRADE_EXPIRE_TAKER;
    const bool takes_taker = prevented->mode != SELF_TRADE_EXPIRE_MAKER;
    if (prevented->mode == SELF_TRADE_DECREMENT)
        return prevented->maker_qty.lots == prevented->taker_qty.lots &&
               is_whole_match(maker, taker, prevented->maker_qty);
    if (prevented->maker_qty.lots != (takes_maker ? order_rest(maker).lots : 0)) return false;
    if (!takes_taker) return prevented->taker_qty.lots == 0;
    if (order_by_quote(taker)) return prevented->taker_qty.lots >= 0;
    return rest_is_known(taker) ? prevented->taker_qty.lots == order_rest(taker).lots
                                : prevented->taker_qty.lots >= 0 &&
                                      prevented->taker_qty.lots <= order_rest(taker).lots;
}

enum status trade_prevented(struct settlement *s, const struct event *event)
{
    struct prevented_event prevented;
    prevented_event_get(event->payload, &prevented);
    struct meeting meeting = {.market = prevented.market,
                              .taker_side = prevented.taker_side,
                              .price = prevented.price,
                              .maker_order = prevented.maker_order,
                              .taker_order = prevented.taker_order,
                              .maker_account = prevented.maker_account,
                              .taker_account = prevented.taker_account};
    if (!meet(s, &meeting) || prevented.maker_account != prevented.taker_account ||
        prevented.mode != meeting.taker->self_trade || prevented.mode == SELF_TRADE_NONE ||
        prevented.mode > SELF_TRADE_DECREMENT)
        return settle_differs_order(s, "parties of a prevented match", prevented.market,
                                    prevented.taker_order, prevented.taker_account, 0,
                                    prevented.price.ticks);
    struct market_state *market = &s->markets[prevented.market];
    if (prevented.prevented_id != market->prevented + 1)
        return settle_differs_order(s, "prevented id", prevented.market, prevented.taker_order,
                                    prevented.taker_account, (int64_t)market->prevented + 1,
                                    (int64_t)prevented.prevented_id);
    market->prevented++;
    if (!takes_by_mode(&meeting, &prevented))
        return settle_differs_order(s, "prevented quantity", prevented.market,
                                    prevented.maker_order, prevented.maker_account,
                                    order_rest(meeting.maker).lots, prevented.maker_qty.lots);

    if (prevented.mode == SELF_TRADE_DECREMENT) take_shown(meeting.maker, prevented.maker_qty);
    meeting.maker->prevented.lots += prevented.maker_qty.lots;
    meeting.taker->prevented.lots += prevented.taker_qty.lots;
    note_spent(s, meeting.maker);
    note_spent(s, meeting.taker);
    const enum status status = booking_shrink(s, meeting.maker);
    return status == STATUS_OK ? booking_shrink(s, meeting.taker) : status;
}
