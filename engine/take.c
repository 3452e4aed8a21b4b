#include "engine/take.h"

#include "common/fee.h"
#include "engine/ahead.h"
#include "engine/done.h"
#include "engine/holds.h"
#include "engine/walk.h"
#include "engine/work.h"

static const struct fee_tier *tier_of(const struct engine *engine, uint32_t account)
{
    return &engine->params.tiers[engine->accounts.terms[account].tier];
}

/* What a match moves, before fees. */
struct moved {
    amount_t base;
    amount_t quote;
};

/* The buyer pays quote from its hold, which falls by what its own limit had set aside, and receives base.
 * Returns what left the hold. */
static amount_t buyer_settle(struct engine *engine, const struct market *market,
                             const struct order *order, const struct fill_event *fill,
                             const struct moved *moved, int32_t rate_ppm)
{
    amount_t freed = {0};
    if (order->price.ticks != 0) {
        ASSERT(fill->price.ticks <= order->price.ticks);
        if (order->price.ticks != fill->price.ticks)
            freed.units =
                market_notional(market, order->price, fill->qty).units - moved->quote.units;
    }
    accounts_spend(&engine->accounts, order->account, market->quote, moved->quote, freed);
    amount_t charged = {0};
    if (rate_ppm >= 0)
        charged = fee_of(moved->base, rate_ppm).charged;
    else
        accounts_rebate(&engine->accounts, order->account, market->quote,
                        fee_rebate(moved->quote, rate_ppm));
    accounts_receive(&engine->accounts, order->account, market->base, moved->base, charged);
    return (amount_t){moved->quote.units + freed.units};
}

/* The seller pays base from its hold and receives quote; a maker with a rebate gets it in what it paid,
 * like a buyer. */
static amount_t seller_settle(struct engine *engine, const struct market *market,
                              const struct order *order, const struct moved *moved,
                              int32_t rate_ppm)
{
    accounts_spend(&engine->accounts, order->account, market->base, moved->base, (amount_t){0});
    amount_t charged = {0};
    if (rate_ppm >= 0)
        charged = fee_of(moved->quote, rate_ppm).charged;
    else
        accounts_rebate(&engine->accounts, order->account, market->base,
                        fee_rebate(moved->base, rate_ppm));
    accounts_receive(&engine->accounts, order->account, market->quote, moved->quote, charged);
    return moved->base;
}

/* Buyer first, whoever of the two takes: the order of BALANCE events follows from it. */
static void both_settle(struct engine *engine, const struct market *market, struct taker *taker,
                        const struct order *taking, const struct order *maker,
                        const struct fill_event *fill, const struct moved *moved)
{
    amount_t from_hold;
    if (taking->side == BUY) {
        from_hold = buyer_settle(engine, market, taking, fill, moved, fill->taker_rate_ppm);
        (void)seller_settle(engine, market, maker, moved, fill->maker_rate_ppm);
    } else {
        (void)buyer_settle(engine, market, maker, fill, moved, fill->maker_rate_ppm);
        from_hold = seller_settle(engine, market, taking, moved, fill->taker_rate_ppm);
    }
    taker->hold.units -= from_hold.units;
    ASSERT(taker->hold.units >= 0);
}

/* The facts of a match. Consecutive fills of one taker at one price share an aggregate id. */
static struct fill_event fill_of(struct engine *engine, const struct taker *taker,
                                 const struct order *taking, const struct order *maker, qty_t qty)
{
    struct book *book = &engine->books.markets[maker->market];
    if (taker->fill_price.ticks != maker->price.ticks) book->last_aggregate++;
    return (struct fill_event){
        .trade_id = ++book->last_trade,
        .aggregate_id = book->last_aggregate,
        .maker_order = maker->id,
        .taker_order = taking->id,
        /* The maker's price, always: the taker agreed to anything up to its limit. */
        .price = maker->price,
        .qty = qty,
        .maker_account = maker->account,
        .taker_account = taking->account,
        .maker_rate_ppm = tier_of(engine, maker->account)->maker_ppm,
        .taker_rate_ppm = tier_of(engine, taking->account)->taker_ppm,
        .market = maker->market,
        .taker_side = taking->side,
    };
}

static void volume_count(struct engine *engine, const struct fill_event *fill,
                         const struct moved *moved)
{
    const amount_t value = volumes_value(&engine->volumes, &engine->params, &engine->averages,
                                         fill->market, moved->base, moved->quote);
    volumes_add(&engine->volumes, fill->maker_account, engine->day, value);
    volumes_add(&engine->volumes, fill->taker_account, engine->day, value);
}

/* A maker with nothing shown shows more of what it hides, or ends. */
static void maker_exhausted(struct engine *engine, uint32_t slot, enum order_status status,
                            enum done_reason reason, struct event_writer *out)
{
    struct order *maker = state_order(engine, slot);
    if ((maker->flags & ORDER_ICEBERG) != 0) {
        struct order_extra *extra = state_extra(engine, maker);
        const qty_t slice = qty_min(extra->iceberg_qty, extra->hidden);
        if (slice.lots > 0) {
            extra->hidden = qty_less(extra->hidden, slice);
            book_hide(&engine->books, slot, -slice.lots);
            book_refresh(&engine->books, slot, slice);
            return;
        }
    }
    done_close(engine, slot, status, reason, out);
}

/* Notes a price of the run, for what it may fire. */
static void print_note(struct engine *engine, price_t price)
{
    if (engine->print_count == 0 || engine->prints[engine->print_count - 1].ticks != price.ticks)
        engine->prints[engine->print_count++] = price;
}

/* Who is next in the queue trades soon, with this taker or another: asks for what that will touch, and for
 * the order behind it, so that its own fields are here when it is next. */
static void next_hint(const struct engine *engine, const struct market *market, uint32_t slot)
{
    const struct order *next = &engine->books.orders.orders[slot];
    if (engine->books.orders.count < AHEAD_ORDERS) return;
    book_hint_order(&engine->books, next->newer);
    __builtin_prefetch(accounts_balance(&engine->accounts, next->account, market->base), 1);
    __builtin_prefetch(accounts_balance(&engine->accounts, next->account, market->quote), 1);
    directory_hint_roster(&engine->directory, next->account, next->market);
    directory_hint_client(&engine->directory, next->client_hash);
    directory_hint_cancel(&engine->directory, next->market, next->id);
}

/* The taker and the maker at the front of its queue trade what both have. */
static void pair_trade(struct engine *engine, const struct market *market, struct taker *taker,
                       uint32_t maker_slot, struct event_writer *out)
{
    struct order *taking = state_order(engine, taker->slot);
    struct order *maker = state_order(engine, maker_slot);
    if ((maker->flags & ORDER_LISTED) != 0) done_sibling(engine, maker_slot, out);

    const qty_t qty = qty_min(taking->left, maker->left);
    const struct fill_event fill = fill_of(engine, taker, taking, maker, qty);
    const struct moved moved = {market_base_amount(market, qty),
                                market_notional(market, fill.price, qty)};
    event_write_fill(out, &fill);
    engine->counts.fills++;
    both_settle(engine, market, taker, taking, maker, &fill, &moved);

    taker->fill_price = fill.price;
    if (taker->entered) directory_reduce(&engine->directory, taking, qty.lots);
    taking->left = qty_less(taking->left, qty);
    taking->quote_executed.units += moved.quote.units; /* at most qty x a price within bounds */
    maker->quote_executed.units += moved.quote.units;
    averages_fill(&engine->averages, fill.market, engine->stamp_ns, fill.price, qty);
    if (engine->volumes_counted) volume_count(engine, &fill, &moved);
    if (triggers_pending(&engine->triggers, fill.market)) print_note(engine, fill.price);
    book_fill(&engine->books, maker_slot, qty);
    if (maker->left.lots == 0) next_hint(engine, market, maker->newer);
    if (maker->left.lots == 0 && maker->extra == NO_SLOT) {
        done_filled(engine, maker_slot, qty, out);
        return;
    }
    directory_reduce(&engine->directory, maker, qty.lots);
    if (maker->left.lots == 0) maker_exhausted(engine, maker_slot, ORDER_FILLED, DONE_FILLED, out);
}

/* What self-trade prevention takes from each of the two. */
static struct prevented_event prevented_of(struct engine *engine, const struct order *taking,
                                           const struct order *maker)
{
    const struct order_pool *pool = &engine->books.orders;
    const int64_t hidden = maker->extra == NO_SLOT ? 0 : pool->extras[maker->extra].hidden.lots;
    struct prevented_event prevented = {
        .prevented_id = ++engine->ids[maker->market].last_prevented,
        .maker_order = maker->id,
        .taker_order = taking->id,
        .price = maker->price,
        .maker_account = maker->account,
        .taker_account = taking->account,
        .market = maker->market,
        .taker_side = taking->side,
        .mode = taking->self_trade,
    };
    if (taking->self_trade == SELF_TRADE_DECREMENT) {
        prevented.taker_qty = qty_min(taking->left, maker->left);
        prevented.maker_qty = prevented.taker_qty;
        return prevented;
    }
    if (taking->self_trade != SELF_TRADE_EXPIRE_MAKER) prevented.taker_qty = taking->left;
    if (taking->self_trade != SELF_TRADE_EXPIRE_TAKER)
        prevented.maker_qty.lots = maker->left.lots + hidden;
    return prevented;
}

static struct order_extra *extra_of(struct engine *engine, uint32_t slot)
{
    const struct order *order = state_order(engine, slot);
    return order->extra != NO_SLOT ? state_extra(engine, order)
                                   : order_extra_take(&engine->books.orders, slot);
}

/* Takes `by` off the maker, hidden first where it loses all. Its hold falls with it. */
static void maker_prevented(struct engine *engine, const struct market *market, uint32_t slot,
                            qty_t by, struct event_writer *out)
{
    struct order *maker = state_order(engine, slot);
    struct order_extra *extra = extra_of(engine, slot);
    const bool all = by.lots > maker->left.lots || extra->hidden.lots == 0;
    const amount_t held = done_hold(engine, slot);

    directory_reduce(&engine->directory, maker, by.lots);
    extra->prevented.lots += by.lots;
    if (all && extra->hidden.lots > 0) {
        book_hide(&engine->books, slot, -extra->hidden.lots);
        by.lots -= extra->hidden.lots;
        extra->hidden.lots = 0;
    }
    book_reduce(&engine->books, slot, by);
    accounts_release(&engine->accounts, maker->account, holds_asset(market, maker->side),
                     (amount_t){held.units - done_hold(engine, slot).units});
    if (maker->left.lots == 0)
        maker_exhausted(engine, slot, ORDER_EXPIRED_IN_MATCH, DONE_SELF_TRADE, out);
}

/* Two orders of one account meet, and may not trade. */
static void pair_prevented(struct engine *engine, const struct market *market, struct taker *taker,
                           uint32_t maker_slot, struct event_writer *out)
{
    struct order *taking = state_order(engine, taker->slot);
    const struct prevented_event prevented =
        prevented_of(engine, taking, state_order(engine, maker_slot));
    event_write_prevented(out, &prevented);

    if (prevented.taker_qty.lots > 0) {
        extra_of(engine, taker->slot)->prevented.lots += prevented.taker_qty.lots;
        if (taker->entered) directory_reduce(&engine->directory, taking, prevented.taker_qty.lots);
        taking->left = qty_less(taking->left, prevented.taker_qty);
        taker->prevented = taking->left.lots == 0;
    }
    if (prevented.maker_qty.lots > 0)
        maker_prevented(engine, market, maker_slot, prevented.maker_qty, out);
}

static void run(struct engine *engine, const struct market *market, struct taker *taker,
                struct event_writer *out)
{
    const struct order *taking = state_order(engine, taker->slot);
    const enum side makers = opposite((enum side)taking->side);
    engine->print_count = 0;

    /* Ends: each pass takes something from the taker or from what waits before it. */
    while (taking->left.lots > 0) {
        const price_t price = book_best_price(&engine->books, taking->market, makers);
        if (price.ticks == 0 || !walk_reaches(taker->reach, makers, price)) break;
        const uint32_t front = book_front(&engine->books, taking->market, makers);
        taker->met = true;
        const bool own = state_order(engine, front)->account == taking->account;
        if (own && taking->self_trade != SELF_TRADE_NONE)
            pair_prevented(engine, market, taker, front, out);
        else
            pair_trade(engine, market, taker, front, out);
    }
}

static void rest(struct engine *engine, const struct market *market, struct taker *taker)
{
    struct order *order = state_order(engine, taker->slot);
    if ((order->flags & ORDER_ICEBERG) != 0) {
        struct order_extra *extra = state_extra(engine, order);
        const qty_t shown = qty_min(order->left, extra->iceberg_qty);
        extra->hidden = qty_less(order->left, shown);
        order->left = shown;
    }
    /* What it holds above its need was freed by its fills; what prevention took is freed here. */
    const amount_t need = holds_need(&engine->books.orders, market, taker->slot);
    ASSERT(taker->hold.units >= need.units);
    if (taker->hold.units > need.units)
        accounts_release(&engine->accounts, order->account, holds_asset(market, order->side),
                         (amount_t){taker->hold.units - need.units});
    if (!taker->entered && !taker->met && taker->roster != NULL)
        (void)directory_add_at(&engine->directory, taker->slot, taker->roster);
    else if (!taker->entered)
        (void)directory_add(&engine->directory, taker->slot);
    book_add(&engine->books, taker->slot);
    if ((order->flags & ORDER_ICEBERG) != 0)
        book_hide(&engine->books, taker->slot, state_extra(engine, order)->hidden.lots);
}

static enum done_reason unfilled_reason(const struct engine *engine, const struct taker *taker,
                                        const struct order *order)
{
    if (filters_has_price(order->type))
        return order->time_in_force == FOK ? DONE_FOK_UNFILLED : DONE_IOC_UNFILLED;
    if (taker->cut) return DONE_NO_BALANCE;
    const enum side makers = opposite((enum side)order->side);
    const price_t best = book_best_price(&engine->books, order->market, makers);
    return best.ticks != 0 && !walk_reaches(taker->reach, makers, best) ? DONE_PRICE_RANGE
                                                                        : DONE_NO_LIQUIDITY;
}

static void finish(struct engine *engine, const struct market *market, struct taker *taker,
                   struct event_writer *out)
{
    struct order *order = state_order(engine, taker->slot);
    const bool by_quote = taker->quote_qty.units != 0;
    const bool filled = by_quote ? taker->content : order->left.lots == 0 && !taker->cut;
    order->left.lots += taker->beyond.lots;

    if (taker->prevented)
        done_taker(engine, taker, ORDER_EXPIRED_IN_MATCH, DONE_SELF_TRADE, out);
    else if (filled)
        done_taker(engine, taker, ORDER_FILLED, DONE_FILLED, out);
    else if (filters_has_price(order->type) && order->time_in_force == GTC)
        rest(engine, market, taker);
    else
        done_taker(engine, taker, ORDER_EXPIRED, unfilled_reason(engine, taker, order), out);
}

void take(struct engine *engine, struct taker *taker, struct event_writer *out)
{
    const uint16_t market_index = state_order(engine, taker->slot)->market;
    const struct market *market = &engine->params.markets[market_index];
    engine->print_count = 0;
    if (!taker->kill) run(engine, market, taker, out);
    finish(engine, market, taker, out);
    if (engine->print_count > 0) work_fire(engine, market_index);
}

price_t take_band(const struct engine *engine, uint16_t market_index, enum side side)
{
    const uint32_t band = engine->params.markets[market_index].filters.band_ppm;
    const int64_t last = averages_last(&engine->averages, market_index).ticks;
    if (band == 0 || last == 0) return (price_t){0};
    const __int128 edge = (__int128)last * (side == BUY ? 1000000 + band : 1000000 - band);
    if (side == BUY) {
        const __int128 up = edge / 1000000;
        return (price_t){up > INT64_MAX ? INT64_MAX : (int64_t)up};
    }
    const int64_t down = (int64_t)((edge + 999999) / 1000000);
    return (price_t){down > 0 ? down : 1};
}
