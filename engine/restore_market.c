#include "engine/restore_market.h"

#include "common/order_tag.h"
#include "engine/holds.h"

#define IDS_LIMIT  (UINT64_C(1) << 53)
#define SUMS_LIMIT ((unsigned __int128)1 << 120) /* 60 of them fit */
#define LOOK_AHEAD 16 /* orders between what asks for an order's lines and what needs them */
#define PLACED     (ORDER_ASLEEP | ORDER_PENDING)
#define FLAGS      (ORDER_ICEBERG | ORDER_DORMANT | ORDER_LISTED | ORDER_BOUND | PLACED)

/* A market on its way in. Its orders are slots first + 1 .. first + counts.orders. */
struct loading {
    struct engine *engine;
    struct sections *sections;
    const struct market *market;
    struct snapshot_market counts;
    uint64_t last_id;
    uint32_t first;
    uint32_t pending; /* orders that wait nowhere */
    uint32_t listed;  /* orders that no list has named yet */
    uint16_t index;
};

/* ---- Numbers and averages. */

static bool numbers_load(struct loading *loading)
{
    struct engine *engine = loading->engine;
    struct snapshot_market *counts = &loading->counts;
    struct book *book = &engine->books.markets[loading->index];
    if (!sections_market(loading->sections, counts)) return false;
    if (counts->last_order >= IDS_LIMIT || counts->last_trade >= IDS_LIMIT ||
        counts->last_aggregate >= IDS_LIMIT || counts->last_update >= IDS_LIMIT ||
        counts->last_prevented >= IDS_LIMIT || counts->last_list >= IDS_LIMIT)
        return false;
    book->last_order = counts->last_order;
    book->last_trade = counts->last_trade;
    book->last_aggregate = counts->last_aggregate;
    book->last_update = counts->last_update;
    engine->ids[loading->index].last_prevented = counts->last_prevented;
    engine->ids[loading->index].last_list = counts->last_list;
    return true;
}

static bool price_fits(const struct loading *loading, price_t price)
{
    return price.ticks >= loading->market->price_min.ticks &&
           price.ticks <= loading->market->price_max.ticks;
}

static unsigned __int128 wide(uint64_t low, uint64_t high)
{
    return (unsigned __int128)high << 64 | low;
}

static bool averages_load(struct loading *loading)
{
    const uint32_t count = loading->counts.minutes;
    const uint64_t now = loading->engine->stamp_ns / AVERAGES_MINUTE_NS;
    uint64_t from = 0, first = 0;
    if (count == 0) return loading->counts.last_price.ticks == 0; /* M3 */
    if (!price_fits(loading, loading->counts.last_price)) return false;
    for (uint32_t i = 0; i < count; i++) {
        struct snapshot_minute record;
        if (!sections_minute(loading->sections, &record)) return false;
        const struct averages_minute minute = {
            .minute = record.minute,
            .sum = {.value = wide(record.value_low, record.value_high),
                    .lots = wide(record.lots_low, record.lots_high)},
            .last = loading->counts.last_price,
            .market = loading->index,
        };
        if (i == 0) first = minute.minute;
        if (minute.minute < from || minute.minute > now ||
            minute.minute - first >= MARKET_AVERAGE_MINUTES_MAX)
            return false;
        if (minute.sum.lots == 0 || minute.sum.lots >= SUMS_LIMIT || minute.sum.value >= SUMS_LIMIT)
            return false;
        const unsigned __int128 price = minute.sum.value / minute.sum.lots;
        if (price > INT64_MAX || !price_fits(loading, (price_t){(int64_t)price})) return false;
        averages_restore(&loading->engine->averages, &minute);
        from = minute.minute + 1;
    }
    return true;
}

/* ---- Orders. */

static struct order *order_of(const struct loading *loading, uint32_t slot)
{
    return &loading->engine->books.orders.orders[slot];
}

/* Needs: the order has one. */
static struct order_extra *extra_of(const struct loading *loading, const struct order *order)
{
    return &loading->engine->books.orders.extras[order->extra];
}

/* Whether its fields are among those that there are, and its flags agree. */
static bool form_valid(const struct loading *loading, const struct order *order)
{
    const bool dormant = (order->flags & ORDER_DORMANT) != 0;
    const uint8_t placed = order->flags & PLACED;
    if (order->id <= loading->last_id || order->id > loading->counts.last_order) return false;
    if (!accounts_exists(&loading->engine->accounts, order->account)) return false;
    if (order->side > SELL || order->type < LIMIT || order->type > TAKE_PROFIT_LIMIT ||
        order->time_in_force < GTC || order->time_in_force > FOK ||
        order->self_trade >= SELF_TRADE_TRANSFER || (order->flags & ~FLAGS) != 0)
        return false;
    if (filters_time_in_force(order->type, order->time_in_force) != order->time_in_force)
        return false;
    if (placed == PLACED || dormant != (placed != 0)) return false; /* E4 */
    if (placed == ORDER_ASLEEP && !filters_is_stop(order->type)) return false;
    if (placed == ORDER_PENDING && (order->flags & ORDER_LISTED) == 0) return false;
    if (!dormant && (!filters_has_price(order->type) || order->time_in_force != GTC)) return false;
    const bool needs_extra = filters_is_stop(order->type) ||
                             (order->flags & (ORDER_ICEBERG | ORDER_LISTED | ORDER_BOUND)) != 0;
    return !needs_extra || order->extra != NO_SLOT;
}

static bool extra_valid(const struct loading *loading, const struct order *order,
                        const struct order_extra *extra)
{
    const bool stop = filters_is_stop(order->type), iceberg = (order->flags & ORDER_ICEBERG) != 0;
    if (extra->stop_price.ticks != 0 && !price_fits(loading, extra->stop_price)) return false;
    if (extra->hold_price.ticks != 0 && !price_fits(loading, extra->hold_price)) return false;
    if (extra->trailing_delta > MARKET_TRAILING_MAX) return false;
    if (stop != (extra->stop_price.ticks != 0 || extra->trailing_delta != 0)) return false;
    if (iceberg ? extra->iceberg_qty.lots <= 0 : extra->iceberg_qty.lots != 0) return false;
    if ((order->flags & ORDER_DORMANT) != 0 || !iceberg) return extra->hidden.lots == 0;
    return extra->hidden.lots >= 0;
}

/* Whether what it has left and has done adds up within the market's bounds. */
static bool amounts_valid(const struct loading *loading, const struct order *order)
{
    int64_t done = order->qty.lots;
    if (filters_has_price(order->type) ? !price_fits(loading, order->price)
                                       : order->price.ticks != 0)
        return false;
    if (order->qty.lots < 1 || order->qty.lots > loading->market->qty_max.lots) return false;
    if (order->left.lots < 1 || order->left.lots > done) return false;
    done -= order->left.lots;
    if ((order->flags & ORDER_DORMANT) != 0 && done != 0) return false; /* it has met nobody */
    if (order->extra != NO_SLOT) {
        const struct order_extra *extra = extra_of(loading, order);
        if (!extra_valid(loading, order, extra)) return false;
        if (extra->hidden.lots > done) return false;
        done -= extra->hidden.lots;
        if (extra->prevented.lots < 0 || extra->prevented.lots > done) return false;
        done -= extra->prevented.lots;
    }
    return order->quote_executed.units >= 0 &&
           order->quote_executed.units <=
               market_notional(loading->market, loading->market->price_max, (qty_t){done}).units;
}

static bool name_load(struct loading *loading, struct order *order)
{
    struct snapshot_name name;
    uint8_t all = 0;
    if (!sections_name(loading->sections, &name)) return false;
    memcpy(order->client_id, name.client_id, CLIENT_ID_BYTES);
    for (size_t i = 0; i < CLIENT_ID_BYTES; i++)
        all |= order->client_id[i];
    if (order_has_client_id(order->client_id))
        order->client_hash = directory_client_hash(order->account, order->market, order->client_id);
    return all != 0;
}

static bool extra_load(struct loading *loading, uint32_t slot)
{
    struct snapshot_extra record;
    if (!sections_extra(loading->sections, &record)) return false;
    struct order_extra *extra = order_extra_take(&loading->engine->books.orders, slot);
    extra->stop_price = record.stop_price;
    extra->iceberg_qty = record.iceberg_qty;
    extra->hidden = record.hidden;
    extra->prevented = record.prevented;
    extra->hold_price = record.hold_price;
    extra->trailing_delta = record.trailing_delta;
    return true;
}

/* What the order is called: in its extra, which every such order has. */
static bool tag_load(struct loading *loading, struct order *order)
{
    struct snapshot_tag record;
    if (loading->engine->params.rules < PARAMS_RULES_API || order->extra == NO_SLOT ||
        !sections_tag(loading->sections, &record))
        return false;
    const struct order_tag tag = {
        .strategy_id = record.strategy_id,
        .strategy_type = record.strategy_type,
        .flags = record.flags,
    };
    struct order_extra *extra = extra_of(loading, order);
    order->tag_flags = tag.flags;
    extra->strategy_id = tag.strategy_id;
    extra->strategy_type = tag.strategy_type;
    return tag.flags != 0 && order_tag_valid(T_ORDER_RESUBMIT, tag); /* of any: numbers alone */
}

/* Asks for what order_enter will need. */
static void order_hint(const struct loading *loading, const struct order *order)
{
    const struct engine *engine = loading->engine;
    const uint16_t asset = holds_asset(loading->market, order->side);
    directory_hint_cancel(&engine->directory, order->market, order->id);
    directory_hint_roster(&engine->directory, order->account, order->market);
    if (order->client_hash != 0) directory_hint_client(&engine->directory, order->client_hash);
    __builtin_prefetch(accounts_balance(&engine->accounts, order->account, asset), 1);
}

/* The next order, into the next slot. */
static bool order_load(struct loading *loading)
{
    struct snapshot_order record;
    struct order_pool *pool = &loading->engine->books.orders;
    if (!sections_order(loading->sections, &record)) return false;
    const uint32_t slot = order_pool_take(pool);
    struct order *order = &pool->orders[slot];
    *order = (struct order){
        .id = record.id,
        .price = record.price,
        .qty = record.qty,
        .left = record.left,
        .quote_executed = record.quote_executed,
        .account = record.account,
        .market = loading->index,
        .side = record.side,
        .type = record.type,
        .time_in_force = record.time_in_force,
        .self_trade = record.self_trade,
        .flags = record.flags,
        .created_ns = record.created_ns,
    };
    if ((record.has & ~(SNAPSHOT_HAS_NAME | SNAPSHOT_HAS_EXTRA | SNAPSHOT_HAS_TAG)) != 0)
        return false;
    if ((record.has & SNAPSHOT_HAS_NAME) != 0 && !name_load(loading, order)) return false;
    if ((record.has & SNAPSHOT_HAS_EXTRA) != 0 && !extra_load(loading, slot)) return false;
    if ((record.has & SNAPSHOT_HAS_TAG) != 0 && !tag_load(loading, order)) return false;
    if (!form_valid(loading, order) || !amounts_valid(loading, order)) return false;

    loading->last_id = order->id;
    loading->engine->dormant_count += (order->flags & ORDER_DORMANT) != 0;
    loading->pending += (order->flags & ORDER_PENDING) != 0;
    loading->listed += (order->flags & ORDER_LISTED) != 0;
    order_hint(loading, order);
    return true;
}

/* Takes what an order holds off what its account has in its orders (E1). */
static bool hold_explain(struct loading *loading, const struct order *order, amount_t need)
{
    struct accounts *accounts = &loading->engine->accounts;
    const uint16_t asset = holds_asset(loading->market, order->side);
    struct balance *balance =
        &accounts->balances[(size_t)order->account * accounts->assets_max + asset];
    if (balance->touched < (uint64_t)need.units) return false;
    balance->touched -= (uint64_t)need.units;
    return true;
}

static amount_t need_of(const struct loading *loading, uint32_t slot)
{
    return holds_need(&loading->engine->books.orders, loading->market, slot);
}

static bool order_enter(struct loading *loading, uint32_t slot)
{
    struct directory *directory = &loading->engine->directory;
    const struct order *order = order_of(loading, slot);
    if (order->client_hash != 0 &&
        directory_find_client_hashed(directory, order->account, order->market, order->client_id,
                                     order->client_hash) != NO_SLOT)
        return false; /* D1 */
    if (order->side == BUY) {
        const struct roster *roster = directory_roster(directory, order->account, order->market);
        const int64_t lots = order_open(&loading->engine->books.orders, slot).lots;
        if (roster != NULL && lots > INT64_MAX - roster->buy_lots) return false;
    }
    (void)directory_add(directory, slot);
    /* Those of a list hold together. */
    return (order->flags & ORDER_LISTED) != 0 ||
           hold_explain(loading, order, need_of(loading, slot));
}

static bool orders_load(struct loading *loading)
{
    const struct engine *engine = loading->engine;
    const uint32_t count = loading->counts.orders;
    if (count > engine->params.orders_max - engine->books.orders.count) return false;
    loading->first = engine->books.orders.count;
    for (uint32_t i = 0; i < count + LOOK_AHEAD; i++) {
        if (i < count && !order_load(loading)) return false;
        if (i >= LOOK_AHEAD && !order_enter(loading, loading->first + i - LOOK_AHEAD + 1))
            return false;
    }
    return true;
}

/* ---- Lists. */

/* The slot of a place in ORDERS, if it is one of this market's. */
static bool place_valid(const struct loading *loading, uint32_t place)
{
    return place - loading->first - 1 < loading->counts.orders;
}

static bool leg_load(struct loading *loading, uint32_t list_slot, uint32_t leg, uint32_t slot)
{
    struct list *list = &loading->engine->lists.lists[list_slot];
    if (!place_valid(loading, slot)) return false;
    for (uint32_t before = 0; before < leg; before++)
        if (list->legs[before] >= slot) return false;

    const struct order *order = order_of(loading, slot);
    if ((order->flags & ORDER_LISTED) == 0) return false;
    struct order_extra *extra = extra_of(loading, order);
    if (extra->list != 0 || (list->open > 0 && order->account != list->account)) return false;
    const bool pending = list->kind != LIST_OCO && leg > 0 && list->legs[0] != NO_SLOT;
    if (pending != ((order->flags & ORDER_PENDING) != 0)) return false;

    extra->list = list_slot;
    extra->leg = leg;
    list->account = order->account;
    list->legs[leg] = slot;
    list->open++;
    loading->listed--;
    return true;
}

/* Whether the orders that are open are some that the kind of list can have left. */
static bool shape_valid(const struct loading *loading, const struct list *list)
{
    const uint32_t *legs = list->legs;
    if (list->open == 0 || (legs[2] != NO_SLOT && list->kind != LIST_OTOCO)) return false;
    if (list->kind == LIST_OCO || legs[0] == NO_SLOT) return true;
    const struct order *working = order_of(loading, legs[0]);
    return (working->flags & ORDER_DORMANT) == 0 && !filters_is_stop(working->type) &&
           legs[1] != NO_SLOT && (list->kind == LIST_OTO || legs[2] != NO_SLOT);
}

static bool may_pair(const struct order *order)
{
    return order->type == LIMIT_MAKER || filters_is_stop(order->type);
}

/* One hold for both of a pair, the larger; for any other order its own. */
static bool list_explain(struct loading *loading, const struct list *list)
{
    const uint32_t first = list->kind == LIST_OCO ? 0 : 1;
    const uint32_t legs[2] = {list->legs[first], list->legs[first + 1]};
    if (first == 1 && list->legs[0] != NO_SLOT &&
        !hold_explain(loading, order_of(loading, list->legs[0]), need_of(loading, list->legs[0])))
        return false;
    amount_t need[2] = {{0}, {0}};
    for (int i = 0; i < 2; i++)
        if (legs[i] != NO_SLOT) need[i] = need_of(loading, legs[i]);
    if (legs[0] != NO_SLOT && legs[1] != NO_SLOT && list->kind != LIST_OTO) {
        const struct order *pair[2] = {order_of(loading, legs[0]), order_of(loading, legs[1])};
        return may_pair(pair[0]) && may_pair(pair[1]) && pair[0]->side == pair[1]->side &&
               hold_explain(loading, pair[0], need[0].units > need[1].units ? need[0] : need[1]);
    }
    for (int i = 0; i < 2; i++)
        if (legs[i] != NO_SLOT && !hold_explain(loading, order_of(loading, legs[i]), need[i]))
            return false;
    return true;
}

static bool list_load(struct loading *loading, uint64_t *last_id)
{
    struct lists *lists = &loading->engine->lists;
    struct snapshot_list record;
    if (!sections_list(loading->sections, &record) || lists->count >= lists->capacity) return false;
    if (record.kind < LIST_OCO || record.kind > LIST_OTOCO) return false;
    if (record.id <= *last_id || record.id > loading->counts.last_list) return false;
    *last_id = record.id;

    const uint32_t slot = lists_take(lists);
    struct list *list = &lists->lists[slot];
    list->id = record.id;
    list->market = loading->index;
    list->kind = record.kind;
    memcpy(list->client_id, record.client_id, CLIENT_ID_BYTES);
    const uint32_t legs[LIST_LEGS] = {record.a_order, record.b_order, record.c_order};
    for (uint32_t leg = 0; leg < LIST_LEGS; leg++)
        if (legs[leg] != 0 && !leg_load(loading, slot, leg, legs[leg])) return false;
    return shape_valid(loading, list) && list_explain(loading, list);
}

static bool lists_load(struct loading *loading)
{
    uint64_t last_id = 0;
    for (uint32_t i = 0; i < loading->counts.lists; i++)
        if (!list_load(loading, &last_id)) return false;
    return loading->listed == 0;
}

/* ---- Who waits where. */

/* The end of a queue, as far as it is loaded. */
struct tail {
    price_t price;
    uint64_t plain_id; /* of its last order with neither extra nor list */
};

static bool queued_load(struct loading *loading, enum side side, struct tail *tail)
{
    struct books *books = &loading->engine->books;
    struct snapshot_queued record;
    if (!sections_queued(loading->sections, &record) || !place_valid(loading, record.order))
        return false;
    /* The bytes ahead may be any section's: it is but a hint. */
    const uint32_t slot = record.order;
    const struct order *order = order_of(loading, slot);
    if ((order->flags & ORDER_DORMANT) != 0 || order->level != NO_SLOT || order->side != side)
        return false;
    if (order->price.ticks != tail->price.ticks) {
        const bool worse = side == BUY ? order->price.ticks < tail->price.ticks
                                       : order->price.ticks > tail->price.ticks;
        if (tail->price.ticks != 0 && !worse) return false;
        *tail = (struct tail){.price = order->price};
    }
    if (order->extra == NO_SLOT) {
        if (order->id <= tail->plain_id) return false; /* B3 */
        tail->plain_id = order->id;
    }
    book_add(books, slot);
    if ((order->flags & ORDER_ICEBERG) != 0)
        book_hide(books, slot, extra_of(loading, order)->hidden.lots);
    return books->levels.level_count <= books->levels_max;
}

/* Asks for the order that will be queued some records later. */
static void queued_hint(const struct loading *loading)
{
    if (loading->sections->left[SNAPSHOT_QUEUES] <= LOOK_AHEAD) return;
    const uint8_t *at = loading->sections->at[SNAPSHOT_QUEUES];
    struct snapshot_queued ahead;
    snapshot_queued_get(at + LOOK_AHEAD * SNAPSHOT_QUEUES_BYTES, &ahead);
    if (place_valid(loading, ahead.order)) book_hint_order(&loading->engine->books, ahead.order);
}

static bool queues_load(struct loading *loading)
{
    struct books *books = &loading->engine->books;
    struct book_change change;
    for (enum side side = BUY; side <= SELL; side++) {
        const uint32_t count = side == BUY ? loading->counts.bids : loading->counts.asks;
        struct tail tail = {.plain_id = 0};
        for (uint32_t i = 0; i < count; i++) {
            queued_hint(loading);
            if (!queued_load(loading, side, &tail)) return false;
        }
    }
    while (book_next_change(books, &change)) /* nobody is told */
        ;
    const price_t bid = book_best_price(books, loading->index, BUY);
    const price_t ask = book_best_price(books, loading->index, SELL);
    return bid.ticks == 0 || ask.ticks == 0 || bid.ticks < ask.ticks; /* B1 */
}

/* A dormant order's extra, if it is a stop asleep that has not been put to sleep yet; or NULL. */
static struct order_extra *asleep_extra(const struct loading *loading, uint32_t place)
{
    if (!place_valid(loading, place)) return NULL;
    const struct order *order = order_of(loading, place);
    if ((order->flags & ORDER_ASLEEP) == 0 || order->level != NO_SLOT) return NULL;
    return extra_of(loading, order);
}

static bool sleepers_load(struct loading *loading, bool rising)
{
    struct triggers *triggers = &loading->engine->triggers;
    const uint32_t count = rising ? loading->counts.rising : loading->counts.falling;
    int64_t last = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct snapshot_sleeper record;
        if (!sections_sleeper(loading->sections, &record)) return false;
        const struct order_extra *extra = asleep_extra(loading, record.order);
        if (extra == NULL || extra->stop_price.ticks == 0) return false;
        struct order *order = order_of(loading, record.order);
        const int64_t stop = extra->stop_price.ticks;
        if (filters_rises(order->type, order->side) != rising) return false;
        if (last != 0 && (rising ? stop < last : stop > last)) return false;
        last = stop;
        order->level =
            triggers_sleep(triggers, loading->index, record.order, rising, extra->stop_price);
    }
    return true;
}

/* Whether a follower may come after another one in the order in which they fire. */
static bool may_follow(const struct order *order, const struct order_extra *extra, price_t extreme,
                       const struct order *before, const struct order_extra *extra_before,
                       price_t extreme_before)
{
    if (order->side != before->side) return before->side == SELL;
    if (extra->trailing_delta != extra_before->trailing_delta)
        return extra->trailing_delta > extra_before->trailing_delta;
    if (extreme.ticks == extreme_before.ticks) return true;
    if (extreme.ticks == 0 || extreme_before.ticks == 0) return false;
    /* Who started later has seen less. */
    return order->side == SELL ? extreme.ticks < extreme_before.ticks
                               : extreme.ticks > extreme_before.ticks;
}

static bool followers_load(struct loading *loading)
{
    struct triggers *triggers = &loading->engine->triggers;
    const struct order *before = NULL;
    const struct order_extra *extra_before = NULL;
    price_t extreme_before = {0};
    for (uint32_t i = 0; i < loading->counts.trailing; i++) {
        struct snapshot_follower record;
        if (!sections_follower(loading->sections, &record)) return false;
        struct order_extra *extra = asleep_extra(loading, record.order);
        if (extra == NULL || extra->trailing_delta == 0) return false;
        struct order *order = order_of(loading, record.order);
        /* One with a stop price began at some price. */
        if (record.extreme.ticks == 0 ? extra->stop_price.ticks != 0
                                      : !price_fits(loading, record.extreme))
            return false;
        if (before != NULL &&
            !may_follow(order, extra, record.extreme, before, extra_before, extreme_before))
            return false;
        extra->extreme = record.extreme;
        order->level =
            triggers_trail(triggers, loading->index, record.order, (enum side)order->side,
                           extra->trailing_delta, record.extreme);
        before = order;
        extra_before = extra;
        extreme_before = record.extreme;
    }
    return true;
}

/* Each order waits once where it can, so that it is enough to count them (E3). */
static bool all_wait(const struct loading *loading)
{
    const struct snapshot_market *counts = &loading->counts;
    return (uint64_t)counts->bids + counts->asks + counts->rising + counts->falling +
               counts->trailing + loading->pending ==
           counts->orders;
}

bool restore_market(struct engine *engine, struct sections *sections, uint16_t market)
{
    struct loading loading = {
        .engine = engine,
        .sections = sections,
        .market = &engine->params.markets[market],
        .index = market,
    };
    return numbers_load(&loading) && averages_load(&loading) && orders_load(&loading) &&
           lists_load(&loading) && all_wait(&loading) && queues_load(&loading) &&
           sleepers_load(&loading, true) && sleepers_load(&loading, false) &&
           followers_load(&loading);
}
