#include "settlement/waking.h"

#include "settlement/booking.h"

price_t waking_hold_price(uint8_t type, price_t price, price_t stop_price, price_t last)
{
    if (order_has_price(type)) return price;
    if (!order_is_stop(type)) return (price_t){0};
    return stop_price.ticks > 0 ? stop_price : last;
}

/* Whether a price at or above the stop price fires it, not one at or below. */
static bool is_rising(const struct hold_entry *entry)
{
    const bool stop_loss = entry->type == STOP_LOSS || entry->type == STOP_LOSS_LIMIT;
    return stop_loss == (entry->side == BUY);
}

static bool meets(const struct hold_entry *entry, price_t price)
{
    return is_rising(entry) ? price.ticks >= entry->stop_price.ticks
                            : price.ticks <= entry->stop_price.ticks;
}

/* The order's heap, and the key that makes the one that fires first the smallest. */
static uint32_t *heap_of(struct settlement *s, const struct hold_entry *entry, int64_t *key)
{
    struct market_state *market = &s->markets[entry->market];
    const bool rising = is_rising(entry);
    *key = rising ? entry->stop_price.ticks : -entry->stop_price.ticks;
    return rising ? &market->rising : &market->falling;
}

/* `extreme` 0: the first trade sets it. */
static void start_trailing(struct settlement *s, struct hold_entry *entry, uint64_t first_trade,
                           price_t extreme)
{
    entry->start_trade = first_trade;
    entry->woken_price = extreme;
    s->markets[entry->market].trailing_count++;
}

static void fire(struct settlement *s, struct hold_entry *entry, price_t price)
{
    entry->state = HOLD_FIRED;
    entry->woken_price = price;
    order_owes(s, entry, HOLD_OWES_TRIGGER);
}

void waking_sleep(struct settlement *s, struct hold_entry *entry, bool may_fire)
{
    const struct market_state *market = &s->markets[entry->market];
    const bool trails = entry->trailing_delta != 0;
    const bool met = may_fire && entry->stop_price.ticks > 0 && market->last.ticks > 0 &&
                     meets(entry, market->last);
    entry->state = HOLD_ASLEEP;
    if (trails && (met || entry->stop_price.ticks == 0)) {
        start_trailing(s, entry, market->trade + 1, market->last);
        return;
    }
    if (met) {
        fire(s, entry, market->last);
        return;
    }
    waking_sleep_on(s, entry);
}

void waking_sleep_on(struct settlement *s, const struct hold_entry *entry)
{
    int64_t key;
    uint32_t *heap = heap_of(s, entry, &key);
    if (entry->start_trade != 0)
        s->markets[entry->market].trailing_count++;
    else
        pairing_add(s->sleepers, heap, hold_book_number(s->orders, entry), key);
}

void waking_forget(struct settlement *s, struct hold_entry *entry)
{
    if (entry->state != HOLD_ASLEEP) return;
    if (entry->start_trade != 0) {
        /* With nobody to ask for them, prices are forgotten; who starts later asks for later ones. */
        if (--s->markets[entry->market].trailing_count == 0)
            price_trail_forget(&s->trails[entry->market]);
        return;
    }
    int64_t key;
    uint32_t *heap = heap_of(s, entry, &key);
    pairing_remove(s->sleepers, heap, hold_book_number(s->orders, entry));
}

/* Fires, or starts, all of one heap that the price meets. */
static void wake_heap(struct settlement *s, uint32_t *heap, uint64_t trade_id, price_t price)
{
    while (*heap != 0) {
        struct hold_entry *entry = hold_book_at(s->orders, *heap);
        if (!meets(entry, price)) return;
        pairing_remove(s->sleepers, heap, *heap);
        if (entry->trailing_delta != 0)
            start_trailing(s, entry, trade_id, price);
        else
            fire(s, entry, price);
    }
}

enum status waking_price(struct settlement *s, uint16_t market_index, price_t price)
{
    struct market_state *market = &s->markets[market_index];
    struct command_state *command = &s->command;
    const bool repeats = market->last.ticks == price.ticks;
    market->last = price;
    wake_heap(s, &market->rising, market->trade, price);
    wake_heap(s, &market->falling, market->trade, price);
    if (market->trailing_count == 0) return STATUS_OK;

    /* Prices are kept only while somebody trails: the one kept last need not be the last one. */
    const uint32_t count = command->price_count;
    if (count > 0 && repeats && s->prices[count - 1].price.ticks == price.ticks) return STATUS_OK;
    if (count == s->prices_max)
        return settle_differs_count(s, "prices of one command", s->prices_max, price.ticks);
    s->prices[command->price_count++] = (struct command_price){market->trade, price};
    if (count == 0) command->price_high = command->price_low = price;
    return STATUS_OK;
}

void waking_close(struct settlement *s)
{
    struct command_state *command = &s->command;
    struct price_trail *trail = &s->trails[command->trade_market];
    if (command->price_count > 0 && s->markets[command->trade_market].trailing_count > 0)
        for (uint32_t i = 0; i < command->price_count; i++)
            price_trail_add(trail, s->prices[i].trade_id, s->prices[i].price);
    else if (command->price_count > 0)
        price_trail_forget(trail);
    command->price_count = 0;
    command->price_at = 0;
}

static price_t farther(enum side side, price_t left, price_t right)
{
    if (left.ticks == 0) return right;
    if (right.ticks == 0) return left;
    const bool left_higher = left.ticks > right.ticks;
    return left_higher == (side == SELL) ? left : right;
}

/* The extreme that the order has seen when this command's prices have come to price_at. */
static price_t extreme_of(const struct settlement *s, const struct hold_entry *entry)
{
    const struct command_state *command = &s->command;
    const struct price_trail *trail = &s->trails[entry->market];
    const enum side side = (enum side)entry->side;
    price_t extreme = entry->woken_price;
    if (entry->start_trade < s->prices[0].trade_id) {
        const price_t before = side == SELL ? price_trail_high(trail, entry->start_trade)
                                            : price_trail_low(trail, entry->start_trade);
        extreme = farther(side, extreme, before);
        return farther(side, extreme, side == SELL ? command->price_high : command->price_low);
    }
    for (uint32_t i = command->price_at + 1; i > 0; i--) {
        if (s->prices[i - 1].trade_id < entry->start_trade) break;
        extreme = farther(side, extreme, s->prices[i - 1].price);
    }
    return extreme;
}

/* Whether the price at price_at fires the started order. */
static bool trail_fires(const struct settlement *s, const struct hold_entry *entry)
{
    const struct command_price *now = &s->prices[s->command.price_at];
    if (now->trade_id < entry->start_trade) return false;
    const __int128 scaled = (__int128)now->price.ticks * 10000;
    const __int128 extreme = extreme_of(s, entry).ticks;
    return entry->side == SELL ? scaled <= extreme * (10000 - (int64_t)entry->trailing_delta)
                               : scaled >= extreme * (10000 + (int64_t)entry->trailing_delta);
}

/* Orders trigger in the order in which prices fired them, so the search only goes on. */
static bool find_trailing_price(struct settlement *s, const struct hold_entry *entry, price_t price)
{
    struct command_state *command = &s->command;
    if (entry->market != command->trade_market || command->price_count == 0) return false;
    for (;;) {
        const price_t here = s->prices[command->price_at].price;
        if (here.ticks == price.ticks && trail_fires(s, entry)) return true;
        if (command->price_at + 1 == command->price_count) return false;
        const price_t next = s->prices[++command->price_at].price;
        command->price_high = farther(SELL, command->price_high, next);
        command->price_low = farther(BUY, command->price_low, next);
    }
}

/* Whether the order may trigger by this price; it is no sleeper from here on. */
static bool wake_by(struct settlement *s, struct hold_entry *entry, price_t price)
{
    if (entry->state == HOLD_FIRED) {
        order_owes_no_more(s, entry, HOLD_OWES_TRIGGER);
        return entry->woken_price.ticks == price.ticks;
    }
    if (entry->state != HOLD_ASLEEP || entry->start_trade == 0) return false;
    if (!find_trailing_price(s, entry, price)) return false;
    waking_forget(s, entry);
    return true;
}

/* In force: it takes, unless it only rests. */
static void set_working(struct settlement *s, struct hold_entry *entry)
{
    entry->state = HOLD_WORKING;
    entry->ready_command = s->command.number;
    if (!order_may_rest(entry)) order_owes(s, entry, HOLD_OWES_END);
}

enum status waking_triggered(struct settlement *s, const struct event *event)
{
    struct order_triggered_event triggered;
    order_triggered_event_get(event->payload, &triggered);
    struct hold_entry *entry = hold_book_find(s->orders, triggered.market, triggered.order_id);
    if (entry == NULL || entry->account != triggered.account ||
        entry->asset != triggered.hold_asset || triggered.hold.units < 0)
        return settle_differs_order(s, "order triggered", triggered.market, triggered.order_id,
                                    triggered.account, 0, 0);
    if (booking_sibling(s, entry) != NULL ||
        !sibling_allows(s, triggered.market, triggered.order_id) ||
        !wake_by(s, entry, triggered.trigger_price))
        return settle_differs_order(s, "trigger", triggered.market, triggered.order_id,
                                    triggered.account, entry->stop_price.ticks,
                                    triggered.trigger_price.ticks);

    /* A buyer without a limit holds what the book now costs: by the engine's walk. */
    const bool walks = entry->side == BUY && !order_has_price(entry->type);
    if (!walks && triggered.hold.units != entry->left.units)
        return settle_differs_order(s, "hold of a triggered order", triggered.market,
                                    triggered.order_id, triggered.account, entry->left.units,
                                    triggered.hold.units);
    set_working(s, entry);
    if (!walks) return STATUS_OK;
    entry->hold_price.ticks = 0;
    return booking_hold(s, entry, triggered.hold);
}

/* What the released order holds: nothing if its sibling, released before it, holds for both. */
static bool release_hold(struct settlement *s, struct hold_entry *entry, amount_t told,
                         amount_t *due)
{
    struct hold_entry *sibling = booking_sibling(s, entry);
    const price_t last = s->markets[entry->market].last;
    amount_t sibling_need;
    *due = (amount_t){0};
    if (sibling != NULL && sibling->state != HOLD_PENDING) return true;

    entry->hold_price = waking_hold_price(entry->type, entry->price, entry->stop_price, last);
    if (!booking_need(s, entry, due)) {
        *due = told;
        return entry->type == MARKET && told.units >= 0;
    }
    if (sibling == NULL) return true;
    sibling->hold_price =
        waking_hold_price(sibling->type, sibling->price, sibling->stop_price, last);
    if (!booking_need(s, sibling, &sibling_need)) return false;
    if (sibling_need.units > due->units) *due = sibling_need;
    return true;
}

enum status waking_released(struct settlement *s, const struct event *event)
{
    struct order_released_event released;
    order_released_event_get(event->payload, &released);
    struct hold_entry *entry = hold_book_find(s->orders, released.market, released.order_id);
    if (entry == NULL || entry->account != released.account ||
        entry->asset != released.hold_asset || entry->state != HOLD_PENDING ||
        (entry->owed & HOLD_OWES_RELEASE) == 0)
        return settle_differs_order(s, "order released", released.market, released.order_id,
                                    released.account, 0, 0);
    amount_t due;
    if (!release_hold(s, entry, released.hold, &due) || due.units != released.hold.units)
        return settle_differs_order(s, "hold of a released order", released.market,
                                    released.order_id, released.account, due.units,
                                    released.hold.units);
    order_owes_no_more(s, entry, HOLD_OWES_RELEASE);
    if (order_is_stop(entry->type))
        waking_sleep(s, entry, true);
    else
        set_working(s, entry);
    return booking_hold(s, entry, due);
}
