/* The world's market: every kind of order, matched and paid for without any cleverness.
 *
 * Orders lie in one array and are searched from end to end; holds are computed anew each time. Included
 * by world.h.
 */

#ifndef TESTS_UNIT_SETTLEMENT_WORLD_MARKET_H
#define TESTS_UNIT_SETTLEMENT_WORLD_MARKET_H

static inline uint16_t world_asset(const struct world_order *order)
{
    return order->side == BUY ? USDT : BTC;
}

static inline bool world_priced(const struct world_order *order)
{
    return order->type == LIMIT || order->type == LIMIT_MAKER || order->type == STOP_LOSS_LIMIT ||
           order->type == TAKE_PROFIT_LIMIT;
}

static inline bool world_stop(const struct world_order *order)
{
    return order->type >= STOP_LOSS;
}

static inline int64_t world_rest(const struct world_order *order)
{
    return order->qty - order->executed - order->prevented;
}

static inline uint64_t world_day(const struct world *world)
{
    return world->stamp_ns / WORLD_DAY_NS - 1700000000000000000u / WORLD_DAY_NS;
}

static inline struct world_order *world_find(struct world *world, uint64_t id)
{
    for (int i = 0; i < WORLD_ORDERS; i++)
        if (world->orders[i].account != 0 && world->orders[i].id == id) return &world->orders[i];
    return NULL;
}

/* The list's open order with this leg. */
static inline struct world_order *world_leg(struct world *world, uint64_t list, uint8_t leg)
{
    for (int i = 0; i < WORLD_ORDERS; i++) {
        struct world_order *order = &world->orders[i];
        if (order->account != 0 && list != 0 && order->list == list && order->leg == leg)
            return order;
    }
    return NULL;
}

static inline struct world_order *world_sibling(struct world *world,
                                                const struct world_order *order)
{
    if (order->kind == LIST_OCO) return world_leg(world, order->list, order->leg == 0);
    if (order->kind != LIST_OTOCO || order->leg == 0) return NULL;
    return world_leg(world, order->list, order->leg == 1 ? 2 : 1);
}

/* What an order needs by itself, where that can be said without the book. */
static inline int64_t world_need(const struct world_order *order)
{
    if (order->side == SELL) return world_rest(order) * LOT_UNITS;
    const int64_t price = world_priced(order) ? order->price
                          : order->stop       ? order->stop
                                              : order->last;
    return price * world_rest(order) * STEP_UNITS;
}

/* Moves an order's hold to `to`. */
static inline void world_hold(struct world *world, struct world_order *order, int64_t to)
{
    const int64_t more = to - order->left;
    if (more != 0) world_move(world, order->account, world_asset(order), -more, more);
    order->left = to;
}

/* Less is left of it: it, or its pair, lets go what is no longer needed. */
static inline void world_shrink(struct world *world, struct world_order *order)
{
    struct world_order *sibling = world_sibling(world, order);
    int64_t need = world_need(order);
    if (sibling != NULL && world_need(sibling) > need) need = world_need(sibling);
    if (sibling != NULL && sibling->left > 0) order = sibling;
    world_hold(world, order, need);
}

static inline void world_write_terms(struct world *world, const struct world_order *order)
{
    if (order->list == 0 && order->stop == 0 && order->delta == 0 && order->iceberg == 0 &&
        order->prevented == 0)
        return;
    struct order_terms_event terms = {.order_id = order->id,
                                      .list_id = order->list,
                                      .stop_price = {order->stop},
                                      .iceberg_qty = {order->iceberg},
                                      .prevented = {order->prevented},
                                      .trailing_delta = order->delta,
                                      .account = order->account,
                                      .pending = order->is_pending};
    if (world->plant == PLANT_TERMS) terms.stop_price.ticks++;
    event_write_order_terms(&world->out, &terms);
}

/* What the order is called, after its terms; `ends`: its ORDER_DONE is next. */
static inline void world_write_tag(struct world *world, const struct world_order *order, bool ends)
{
    if (order->strategy == 0 || (!ends && world->plant == PLANT_TAG_MISSING)) return;
    struct order_tagged_event tagged = {.order_id = order->id,
                                        .strategy_id = order->strategy,
                                        .account = order->account,
                                        .flags = ORDER_TAG_ID};
    if (!ends && world->plant == PLANT_TAG) tagged.strategy_id++;
    if (ends && world->plant == PLANT_TAG_END_OTHER) tagged.account++;
    event_write_order_tagged(&world->out, &tagged);
}

static inline void world_name(uint64_t id, uint8_t client_id[36])
{
    memset(client_id, 0, 36);
    snprintf((char *)client_id, 36, "c%llu", (unsigned long long)id);
}

static inline void world_end_list(struct world *world, const struct world_order *ended,
                                  uint8_t status, uint8_t reason);

/* The order's last word; a pair's hold goes over to the one that stays. */
static inline void world_done(struct world *world, struct world_order *order, uint8_t status,
                              uint8_t reason)
{
    world_write_terms(world, order);
    world_write_tag(world, order, true);
    struct order_done_event done = {.order_id = order->id,
                                    .created_ns = order->created_ns,
                                    .price = {order->price},
                                    .qty = {order->qty > 0 ? order->qty : order->executed},
                                    .executed = {order->executed},
                                    .quote_qty = {order->quote_qty},
                                    .quote_executed = {order->quote_executed},
                                    .account = order->account,
                                    .side = order->side,
                                    .type = order->type,
                                    .time_in_force = order->force,
                                    .self_trade = order->mode,
                                    .status = status,
                                    .reason = reason};
    world_name(order->id, done.client_id);
    if (world->plant == PLANT_EXECUTED) done.executed.lots--;
    event_write_order_done(&world->out, &done);

    struct world_order *sibling = world_sibling(world, order);
    if (sibling != NULL && !sibling->is_pending) {
        sibling->left += order->left;
        order->left = 0;
        if (world->plant != PLANT_SIBLING_KEEPS) world_hold(world, sibling, world_need(sibling));
    } else if (order->left > 0 && world->plant != PLANT_DONE_KEEPS_HOLD) {
        world_hold(world, order, 0);
    }
    const struct world_order ended = *order;
    memset(order, 0, sizeof(*order));
    if (ended.list != 0) world_end_list(world, &ended, status, reason);
}

/* What an order's end means for the others of its list; the last to end says LIST_DONE. */
static inline void world_end_list(struct world *world, const struct world_order *ended,
                                  uint8_t status, uint8_t reason)
{
    const bool is_working = ended->kind != LIST_OCO && ended->leg == 0;
    const bool by_rule = reason == DONE_LIST_CANCELED || reason == DONE_WORKING_ENDED;
    const bool releases =
        is_working && (status == ORDER_FILLED || world->plant == PLANT_RELEASE_CANCELED);
    if (releases) world->work[world->work_count++] = (struct world_work){.list = ended->list};

    bool is_alone = true;
    for (uint8_t leg = 0; leg < 3; leg++) {
        struct world_order *other = world_leg(world, ended->list, leg);
        if (other == NULL) continue;
        is_alone = false;
        if (releases || status == ORDER_FILLED || reason == DONE_OCO || by_rule ||
            world->plant == PLANT_LIST_LEFT_OPEN)
            continue;
        world_done(world, other, status == ORDER_CANCELED ? ORDER_CANCELED : ORDER_EXPIRED,
                   is_working ? DONE_WORKING_ENDED : DONE_LIST_CANCELED);
    }
    if (!is_alone) return;
    const struct list_done_event list = {ended->list, ended->account, 0};
    event_write_list_done(&world->out, &list);
}

/* ceil(received x ppm / 10^6), the long way round. */
static inline int64_t world_fee(const struct world *world, int64_t received, int32_t ppm)
{
    const __int128 exact = (__int128)received * ppm;
    __int128 fee = exact / 1000000;
    if (fee * 1000000 < exact && world->plant != PLANT_ROUNDING) fee++;
    return ppm < 0 ? 0 : (int64_t)fee;
}

/* floor(paid x -ppm / 10^6) for a rate below zero. */
static inline int64_t world_rebate(const struct world *world, int64_t paid, int32_t ppm)
{
    if (ppm >= 0) return 0;
    const __int128 exact = (__int128)paid * -ppm;
    return (int64_t)(exact / 1000000) + (world->plant == PLANT_REBATE_UP && exact % 1000000 != 0);
}

/* Moves the money of a fill; the fees of the house are not the world's. */
static inline void world_pay(struct world *world, const struct fill_event *fill,
                             struct world_order *buyer, struct world_order *seller)
{
    const bool taker_buys = fill->taker_side == BUY;
    int32_t buyer_ppm = taker_buys ? fill->taker_rate_ppm : fill->maker_rate_ppm;
    int32_t seller_ppm = taker_buys ? fill->maker_rate_ppm : fill->taker_rate_ppm;
    const int64_t base = fill->qty.lots * LOT_UNITS;
    const int64_t quote = fill->price.ticks * fill->qty.lots * STEP_UNITS;
    if (world->plant == PLANT_FEE_PAYER) {
        const int32_t swap = buyer_ppm;
        buyer_ppm = seller_ppm;
        seller_ppm = swap;
    }
    world_move(world, buyer->account, USDT, 0, -quote);
    world_move(world, seller->account, BTC, 0, -base);
    if (world->plant == PLANT_FEE_SIDE) {
        world_move(world, buyer->account, BTC, base, 0);
        world_move(world, buyer->account, USDT, -world_fee(world, quote, buyer_ppm), 0);
    } else {
        world_move(world, buyer->account, BTC, base - world_fee(world, base, buyer_ppm), 0);
    }
    world_move(world, seller->account, USDT, quote - world_fee(world, quote, seller_ppm), 0);

    const bool swapped = world->plant == PLANT_REBATE_ASSET;
    const int64_t more = world->plant == PLANT_REBATE_FREE;
    const int64_t to_buyer = world_rebate(world, quote, buyer_ppm);
    const int64_t to_seller = world_rebate(world, base, seller_ppm);
    if (to_buyer > 0) world_move(world, buyer->account, swapped ? BTC : USDT, to_buyer + more, 0);
    if (to_seller > 0)
        world_move(world, seller->account, swapped ? USDT : BTC, to_seller + more, 0);
    buyer->left -= quote;
    seller->left -= base;
}

static inline void world_fill(struct world *world, struct world_order *maker,
                              struct world_order *taker, int64_t qty)
{
    struct world_order *buyer = taker->side == BUY ? taker : maker;
    struct world_order *seller = taker->side == BUY ? maker : taker;
    const struct fee_tier *tiers = world->genesis.params.tiers;
    if (world->plant == PLANT_OVERFILL) qty++;
    int64_t price = maker->price;
    if (world->plant == PLANT_PRICE) price = taker->price;
    struct fill_event fill = {.trade_id = ++world->trade_id,
                              .aggregate_id = world->aggregate_id,
                              .maker_order = maker->id,
                              .taker_order = taker->id,
                              .price = {price},
                              .qty = {qty},
                              .maker_account = maker->account,
                              .taker_account = taker->account,
                              .maker_rate_ppm = tiers[world->tiers[maker->account]].maker_ppm,
                              .taker_rate_ppm = tiers[world->tiers[taker->account]].taker_ppm,
                              .taker_side = taker->side};
    if (world->plant == PLANT_TRADE_ID) fill.trade_id++;
    if (world->plant == PLANT_AGGREGATE_ID) fill.aggregate_id++;
    if (world->plant == PLANT_RATE) fill.taker_rate_ppm++;
    event_write_fill(&world->out, &fill);
    world->fill_count++;
    world->was_prevented = false;
    world_pay(world, &fill, buyer, seller);

    const int64_t quote = price * qty * STEP_UNITS;
    maker->executed += qty;
    taker->executed += qty;
    maker->quote_executed += quote;
    taker->quote_executed += quote;
    if (world_priced(buyer) && world->plant != PLANT_NO_RELEASE)
        world_hold(world, buyer, world_need(buyer));
    world->traded[maker->account][world_day(world)] += quote;
    world->traded[taker->account][world_day(world)] += quote;
    world->last = price;
    world->prices[world->price_count++] = price;
}

/* The oldest of the best orders that `taker` may meet, or NULL. */
static inline struct world_order *world_best(struct world *world, const struct world_order *taker)
{
    struct world_order *best = NULL;
    const int64_t sign = taker->side == BUY ? 1 : -1;
    for (int i = 0; i < WORLD_ORDERS; i++) {
        struct world_order *order = &world->orders[i];
        if (order->account == 0 || order == taker || order->side == taker->side ||
            order->is_asleep || order->is_pending)
            continue;
        if (world_priced(taker) && sign * order->price > sign * taker->price) continue;
        if (best == NULL || sign * order->price < sign * best->price ||
            (order->price == best->price && order->queue < best->queue))
            best = order;
    }
    return best;
}

/* A dry walk: what a MARKET order of `qty` costs. Its own account's orders do not count if they may
 * not meet. */
static inline int64_t world_cost(struct world *world, struct world_order *taker)
{
    struct world_order saved[WORLD_ORDERS], *maker;
    int64_t cost = 0, left = world_rest(taker);
    memcpy(saved, world->orders, sizeof(saved));
    while (left > 0 && (maker = world_best(world, taker)) != NULL) {
        const bool is_own = maker->account == taker->account && taker->mode != SELF_TRADE_NONE;
        const int64_t rest = is_own ? 0 : world_rest(maker);
        const int64_t part = left < rest ? left : rest;
        cost += maker->price * part * STEP_UNITS;
        left -= part;
        maker->account = 0;
    }
    memcpy(world->orders, saved, sizeof(saved));
    return cost;
}

static inline int64_t world_shown(const struct world_order *order)
{
    const int64_t rest = world_rest(order);
    return order->iceberg == 0 || rest < order->shown ? rest : order->shown;
}

/* After a match: gone, or the next slice at the back of the queue. */
static inline void world_after(struct world *world, struct world_order *maker, int64_t taken,
                               uint8_t status, uint8_t reason)
{
    maker->shown -= taken;
    if (world_rest(maker) <= 0) {
        world_done(world, maker, status, reason);
    } else if (maker->iceberg > 0 && maker->shown == 0) {
        maker->shown = maker->iceberg;
        maker->queue = ++world->clock;
    }
}

static inline void world_prevent(struct world *world, struct world_order *maker,
                                 struct world_order *taker)
{
    const bool equal = taker->mode == SELF_TRADE_DECREMENT;
    const int64_t shown = world_shown(maker), rest = world_rest(taker);
    const int64_t less = shown < rest ? shown : rest;
    const int64_t from_maker = equal                                    ? less
                               : taker->mode == SELF_TRADE_EXPIRE_TAKER ? 0
                                                                        : world_rest(maker);
    const int64_t from_taker = equal ? less : taker->mode == SELF_TRADE_EXPIRE_MAKER ? 0 : rest;
    struct prevented_event prevented = {.prevented_id = ++world->prevented_id,
                                        .maker_order = maker->id,
                                        .taker_order = taker->id,
                                        .price = {maker->price},
                                        .maker_qty = {from_maker},
                                        .taker_qty = {from_taker},
                                        .maker_account = maker->account,
                                        .taker_account = taker->account,
                                        .taker_side = taker->side,
                                        .mode = taker->mode};
    if (world->plant == PLANT_PREVENTED_ID) prevented.prevented_id++;
    event_write_prevented(&world->out, &prevented);
    if (world->plant == PLANT_PREVENTED_TRADES) {
        world_fill(world, maker, taker, less);
        world_after(world, maker, less, ORDER_FILLED, DONE_FILLED);
        return;
    }
    world->was_prevented = true;
    maker->prevented += from_maker;
    taker->prevented += from_taker;
    if (world->plant != PLANT_PREVENTED_HOLDS) {
        world_shrink(world, maker);
        if (world_priced(taker) || taker->side == SELL) world_shrink(world, taker);
    }
    if (from_maker > 0)
        world_after(world, maker, equal ? less : shown, ORDER_EXPIRED_IN_MATCH, DONE_SELF_TRADE);
}

static inline void world_match(struct world *world, struct world_order *taker)
{
    struct world_order *maker;
    int64_t last_price = 0;
    while ((taker->qty == 0 || world_rest(taker) > 0) &&
           (maker = world_best(world, taker)) != NULL) {
        if (maker->account == taker->account && taker->mode != SELF_TRADE_NONE &&
            world->plant != PLANT_SELF_TRADE) {
            world_prevent(world, maker, taker);
            continue;
        }
        const int64_t rest =
            world->plant == PLANT_ICEBERG_DEEP ? world_rest(maker) : world_shown(maker);
        int64_t qty =
            taker->qty == 0 ? taker->left / (maker->price * STEP_UNITS) : world_rest(taker);
        if (qty > rest) qty = rest;
        if (qty == 0) break;
        struct world_order *sibling = world_sibling(world, maker);
        if (sibling != NULL && world->plant != PLANT_SIBLING_STAYS)
            world_done(world, sibling, ORDER_EXPIRED, DONE_OCO);
        if (maker->price != last_price) world->aggregate_id++;
        last_price = maker->price;
        world_fill(world, maker, taker, qty);
        world_after(world, maker, qty, ORDER_FILLED, DONE_FILLED);
    }
}

static inline bool world_rises(const struct world_order *order)
{
    const bool loss = order->type == STOP_LOSS || order->type == STOP_LOSS_LIMIT;
    return loss == (order->side == BUY);
}

/* Whether a price fires a plain stop, or starts a trailing one. */
static inline bool world_meets(const struct world *world, const struct world_order *order,
                               int64_t price)
{
    const int64_t early = world->plant == PLANT_TRIGGER_EARLY ||
                          (world->plant == PLANT_TRAILING_UNSTARTED && order->delta > 0);
    return world_rises(order) ? price + early >= order->stop : price - early <= order->stop;
}

static inline bool world_trails(const struct world *world, const struct world_order *order,
                                int64_t price)
{
    const int64_t delta =
        world->plant == PLANT_TRAILING_EARLY ? order->delta / 2 : (int64_t)order->delta;
    return order->side == SELL ? price * 10000 <= order->extreme * (10000 - delta)
                               : price * 10000 >= order->extreme * (10000 + delta);
}

static inline void world_fire(struct world *world, struct world_order *order, int64_t price)
{
    if (world->plant == PLANT_TRIGGER_NEVER) return;
    order->is_due = true;
    world->work[world->work_count++] = (struct world_work){order->id, 0, price};
}

/* Shows one price to every sleeper. The order in which several fire is not settlement's business. */
static inline void world_show(struct world *world, int64_t price)
{
    for (int i = 0; i < WORLD_ORDERS; i++) {
        struct world_order *order = &world->orders[i];
        if (order->account == 0 || !order->is_asleep || order->is_due) continue;
        if (order->delta == 0) {
            if (world_meets(world, order, price)) world_fire(world, order, price);
        } else if (order->extreme == 0) {
            if (order->stop == 0 || world_meets(world, order, price)) order->extreme = price;
        } else if (order->side == SELL ? price > order->extreme : price < order->extreme) {
            order->extreme = price;
        } else if (world_trails(world, order, price)) {
            world_fire(world, order, price);
        }
    }
}

/* One taker's run, its end, and what its prices fire. */
static inline void world_run(struct world *world, struct world_order *order)
{
    order->queue = ++world->clock;
    world->price_count = 0;
    world_match(world, order);
    const bool rests = world_priced(order) && order->force == GTC;
    const bool prevented = world->was_prevented;
    if (order->qty > 0 && world_rest(order) <= 0)
        world_done(world, order, prevented ? ORDER_EXPIRED_IN_MATCH : ORDER_FILLED,
                   prevented ? DONE_SELF_TRADE : DONE_FILLED);
    else if (!rests)
        world_done(world, order, ORDER_EXPIRED,
                   world_priced(order) ? DONE_IOC_UNFILLED : DONE_NO_LIQUIDITY);
    else
        order->shown = order->iceberg > 0 && order->iceberg < world_rest(order) ? order->iceberg
                                                                                : world_rest(order);
    for (uint32_t i = 0; i < world->price_count; i++)
        world_show(world, world->prices[i]);
}

/* A fired stop comes into force. */
static inline void world_trigger(struct world *world, struct world_order *order, int64_t price)
{
    struct world_order *sibling = world_sibling(world, order);
    if (sibling != NULL) world_done(world, sibling, ORDER_EXPIRED, DONE_OCO);
    const bool walks = order->side == BUY && !world_priced(order);
    int64_t hold = order->left;
    if (walks) hold = world_cost(world, order);
    if (world->plant == PLANT_TRIGGER_HOLD) hold++;
    const struct order_triggered_event triggered = {
        .order_id = order->id,
        .trigger_price = {price + (world->plant == PLANT_TRIGGER_PRICE)},
        .hold = {hold},
        .account = order->account,
        .hold_asset = world_asset(order)};
    event_write_order_triggered(&world->out, &triggered);
    world_hold(world, order, hold);
    order->is_asleep = order->is_due = false;
    world_run(world, order);
}

/* Pending orders come into force: each is told, then each goes to sleep or takes. */
static inline void world_release(struct world *world, uint64_t list)
{
    struct world_order *legs[] = {world_leg(world, list, 1), world_leg(world, list, 2)};
    int64_t hold = 0;
    for (size_t i = 0; i < 2; i++) {
        if (legs[i] == NULL) continue;
        legs[i]->last = world->last;
        const int64_t need = legs[i]->type == MARKET && legs[i]->side == BUY
                                 ? world_cost(world, legs[i])
                                 : world_need(legs[i]);
        if (need > hold) hold = need;
    }
    for (size_t i = 0; i < 2; i++) {
        if (legs[i] == NULL) continue;
        const struct order_released_event released = {.order_id = legs[i]->id,
                                                      .hold = {hold},
                                                      .account = legs[i]->account,
                                                      .hold_asset = world_asset(legs[i])};
        if (world->plant != PLANT_RELEASE_HALF || i == 0)
            event_write_order_released(&world->out, &released);
        world_hold(world, legs[i], hold);
        legs[i]->is_pending = false;
        hold = 0;
    }
    for (size_t i = 0; i < 2; i++) {
        if (legs[i] == NULL || legs[i]->account == 0) continue;
        legs[i]->is_asleep = world_stop(legs[i]);
        if (legs[i]->is_asleep && legs[i]->delta == 0 && world_meets(world, legs[i], world->last))
            world_fire(world, legs[i], world->last);
        else if (legs[i]->is_asleep && legs[i]->delta > 0 &&
                 (legs[i]->stop == 0 || world_meets(world, legs[i], world->last)))
            legs[i]->extreme = world->last;
        else if (!legs[i]->is_asleep)
            world_run(world, legs[i]);
    }
}

static inline void world_work_off(struct world *world)
{
    while (world->work_done < world->work_count) {
        const struct world_work work = world->work[world->work_done++];
        if (work.price == 0) {
            world_release(world, work.list);
            continue;
        }
        struct world_order *order = world_find(world, work.order);
        if (order != NULL && order->is_due) world_trigger(world, order, work.price);
    }
    world->work_count = world->work_done = 0;
}

/* The tier that is due today: by the 30 days before, or the lowest that it may have. */
static inline uint16_t world_due_tier(const struct world *world, uint32_t account)
{
    const struct params *params = &world->genesis.params;
    const uint64_t today = world_day(world) + (world->plant == PLANT_TIER_TODAY);
    int64_t volume = 0;
    bool counts = false;
    for (uint64_t day = today < 30 ? 0 : today - 30; day < today; day++)
        volume += world->traded[account][day];
    uint16_t tier = world->floors[account];
    for (uint16_t i = 0; i < params->tier_count; i++)
        counts |= params->tiers[i].volume_min.units > 0;
    for (uint16_t i = 0; i < params->tier_count && counts; i++)
        if (i > tier && params->tiers[i].volume_min.units <= volume) tier = i;
    return tier;
}

static inline void world_look(struct world *world, uint32_t account)
{
    if (world->looked[account] == world_day(world) + 1) return;
    world->looked[account] = world_day(world) + 1;
    const uint16_t due = world_due_tier(world, account);
    if (due == world->tiers[account] || world->plant == PLANT_TIER_LATE) return;
    world->tiers[account] = due;
    const struct tier_changed_event changed = {account, due};
    event_write_tier_changed(&world->out, &changed);
}

/* Ends what a switch, a session or a cancel-all ends, in rising id. */
static inline void world_sweep(struct world *world, uint32_t account, uint32_t session,
                               uint8_t reason)
{
    for (uint64_t id = 1; id <= world->order_id; id++) {
        struct world_order *order = world_find(world, id);
        if (order != NULL && order->account == account &&
            (reason != DONE_SESSION || order->session == session))
            world_done(world, order, ORDER_CANCELED, reason);
    }
}

/* Switches whose time has come, before anything else. */
static inline void world_begin(struct world *world)
{
    for (uint32_t account = 1; account <= WORLD_ACCOUNTS; account++) {
        const uint64_t early = world->plant == PLANT_SWITCH_EARLY ? WORLD_DAY_NS : 0;
        const uint64_t deadline = world->deadlines[account];
        if (deadline == 0 || deadline > world->stamp_ns + early ||
            world->plant == PLANT_SWITCH_NEVER)
            continue;
        const struct switch_fired_event fired = {deadline, account, 0};
        world->deadlines[account] = 0;
        event_write_switch_fired(&world->out, &fired);
        world_sweep(world, world->plant == PLANT_SWITCH_OTHER ? account % 4 + 1 : account, 0,
                    DONE_SWITCH);
    }
}

/* Takes the order in, with its id and `hold`, and says so. */
static inline struct world_order *world_accept(struct world *world, const struct world_order *terms,
                                               int64_t hold)
{
    struct world_order *order = world->orders;
    while (order->account != 0)
        order++;
    *order = *terms;
    world->order_id += world->plant == PLANT_ORDER_ID ? 2 : 1;
    order->id = world->order_id;
    order->created_ns = world->stamp_ns;
    order->last = world->last;
    if (order->force == 0) order->force = GTC;
    if (order->iceberg == order->qty) order->iceberg = 0;
    if (order->side == BUY && world->plant == PLANT_HOLD) hold++;
    order->left = hold;
    struct order_accepted_event accepted = {.order_id = order->id,
                                            .price = {order->price},
                                            .qty = {order->qty},
                                            .quote_qty = {order->quote_qty},
                                            .hold = {hold},
                                            .account = order->account,
                                            .hold_asset = world_asset(order),
                                            .side = order->side,
                                            .type = order->type,
                                            .time_in_force = order->force,
                                            .self_trade = order->mode};
    if (world->plant == PLANT_HOLD_ASSET) accepted.hold_asset = BTC;
    world_name(order->id, accepted.client_id);
    event_write_order_accepted(&world->out, &accepted);
    order->is_asleep = world_stop(order) && !order->is_pending;
    if (order->is_asleep && order->delta > 0 && order->stop == 0) order->extreme = world->last;
    world_write_terms(world, order);
    world_write_tag(world, order, false);
    if (hold != 0) world_move(world, order->account, world_asset(order), -hold, hold);
    return order;
}

/* What an order holds when it is taken in by itself. */
static inline int64_t world_first_hold(struct world *world, const struct world_order *terms)
{
    struct world_order probe = *terms;
    probe.last = world->last;
    if (probe.quote_qty > 0) return probe.quote_qty;
    return probe.type == MARKET && probe.side == BUY ? world_cost(world, &probe)
                                                     : world_need(&probe);
}

static inline struct order_place_command world_command_of(const struct world *world,
                                                          const struct world_order *terms,
                                                          uint64_t id)
{
    (void)world;
    struct order_place_command place = {.price = {terms->price},
                                        .qty = {terms->qty},
                                        .quote_qty = {terms->quote_qty},
                                        .stop_price = {terms->stop},
                                        .iceberg_qty = {terms->iceberg},
                                        .trailing_delta = terms->delta,
                                        .account = terms->account,
                                        .session = terms->session,
                                        .side = terms->side,
                                        .type = terms->type,
                                        .time_in_force = terms->force == 0 ? GTC : terms->force,
                                        .self_trade = terms->mode};
    world_name(id, place.client_id);
    return place;
}

/* The order's command, which is an ORDER_SUBMIT if there is more to say of it, with the events written so far. */
static inline void world_put_order(struct world *world, const struct world_order *terms,
                                   const struct order_place_command *place, uint8_t *payload)
{
    uint8_t *at = order_place_command_put(payload, place);
    at = le_put_u64(at, terms->strategy);
    at = le_put_u32(at, 0);
    (void)le_put_u8(at, (uint8_t)((terms->strategy != 0 ? ORDER_TAG_ID : 0) |
                                  (terms->is_once ? ORDER_TAG_IDEMPOTENT : 0)));
    const bool plain = terms->strategy == 0 && !terms->is_once;
    world_trade(world, plain ? T_ORDER_PLACE : T_ORDER_SUBMIT, terms->account, payload);
}

/* Places an order with all its terms, and plays all that follows. Returns its id. */
static inline uint64_t world_enter(struct world *world, const struct world_order *terms)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    world_begin(world);
    world_look(world, terms->account);
    struct world_order *order = world_accept(world, terms, world_first_hold(world, terms));
    const uint64_t id = order->id;
    const struct order_place_command place = world_command_of(world, terms, id);
    if (!order->is_asleep) world_run(world, order);
    world_work_off(world);
    world_report(world);
    world_put_order(world, terms, &place, payload);
    return id;
}

static inline void world_lie_of_repeat(const struct world *world,
                                       struct order_repeated_event *repeated)
{
    const enum plant plant = world->plant;
    if (plant == PLANT_REPEAT_OTHER) repeated->client_id[0]++;
    if (plant == PLANT_REPEAT_NO_ORDER) repeated->order_id = 0;
    if (plant == PLANT_REPEAT_NO_COMMAND) repeated->command = 0;
    if (plant == PLANT_REPEAT_COMMAND) repeated->command = world->number + 1;
    if (plant == PLANT_REPEAT_AHEAD) repeated->stamp_ns = world->stamp_ns + 1;
    if (plant == PLANT_REPEAT_PRICE) repeated->price.ticks++;
    if (plant == PLANT_REPEAT_QTY) repeated->qty.lots++;
    if (plant == PLANT_REPEAT_STOP) repeated->stop_price.ticks++;
    if (plant == PLANT_REPEAT_STRATEGY) repeated->strategy_id++;
    if (plant == PLANT_REPEAT_FORCE) repeated->time_in_force++;
    if (plant == PLANT_REPEAT_STATUS) repeated->status = ORDER_PENDING_NEW;
    if (plant == PLANT_REPEAT_BELOW) repeated->executed.lots = -1;
    if (plant == PLANT_REPEAT_ABOVE) repeated->executed.lots = repeated->qty.lots + 1;
    if (plant == PLANT_REPEAT_MOMENT) repeated->stamp_ns--;
    for (uint32_t i = 0; plant == PLANT_REPEAT_ANOTHERS && i < WORLD_ORDERS; i++) {
        const struct world_order *open = &world->orders[i];
        if (open->account == 0 || open->account == repeated->account) continue;
        repeated->order_id = open->id;
        repeated->stamp_ns = open->created_ns;
    }
}

/* Asks once more for an order that may be asked for again, and is told of the first. */
static inline void world_enter_again(struct world *world, const struct world_order *terms,
                                     uint64_t id)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const struct world_order *open = world_find(world, id);
    world_begin(world);
    const struct order_place_command place = world_command_of(world, terms, id);
    struct order_repeated_event repeated = {.command = 1,
                                            .stamp_ns =
                                                open == NULL ? world->stamp_ns : open->created_ns,
                                            .order_id = id,
                                            .price = place.price,
                                            .qty = place.qty,
                                            .stop_price = place.stop_price,
                                            .strategy_id = terms->strategy,
                                            .account = terms->account,
                                            .side = place.side,
                                            .type = place.type,
                                            .time_in_force = place.time_in_force,
                                            .self_trade = place.self_trade,
                                            .status = ORDER_NEW,
                                            .flags = terms->strategy != 0 ? ORDER_TAG_ID : 0};
    memcpy(repeated.client_id, place.client_id, sizeof(repeated.client_id));
    world_lie_of_repeat(world, &repeated);
    event_write_order_repeated(&world->out, &repeated);
    if (world->plant == PLANT_REPEAT_ON) event_write_order_repeated(&world->out, &repeated);
    world_put_order(world, terms, &place, payload);
}

/* A MARKET buy by quote amount has qty 0. */
static inline uint64_t world_place(struct world *world, uint32_t account, enum side side,
                                   uint8_t type, int64_t price, int64_t qty, int64_t quote_qty)
{
    const struct world_order terms = {.account = account,
                                      .side = (uint8_t)side,
                                      .type = type,
                                      .price = price,
                                      .qty = qty,
                                      .quote_qty = quote_qty};
    return world_enter(world, &terms);
}

static inline uint64_t world_buy(struct world *world, uint32_t account, int64_t price, int64_t qty)
{
    return world_place(world, account, BUY, LIMIT, price, qty, 0);
}

static inline uint64_t world_sell(struct world *world, uint32_t account, int64_t price, int64_t qty)
{
    return world_place(world, account, SELL, LIMIT, price, qty, 0);
}

static inline void world_cancel(struct world *world, uint32_t account, uint64_t order_id)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const struct order_cancel_command cancel = {.order_id = order_id, .account = account};
    order_cancel_command_put(payload, &cancel);
    world_begin(world);
    for (int i = 0; i < WORLD_ORDERS; i++) {
        struct world_order *order = &world->orders[i];
        const bool other = world->plant == PLANT_CANCEL_OTHER;
        if (order->account == 0 || (order->id == order_id) == other) continue;
        world_done(world, order, ORDER_CANCELED, DONE_CANCELED);
        break;
    }
    world_work_off(world);
    world_report(world);
    world_trade(world, T_ORDER_CANCEL, account, payload);
}

#define WORLD_PUT_LEG(list, leg, place) \
    do { \
        (list)->leg##_price = (place)->price; \
        (list)->leg##_qty = (place)->qty; \
        (list)->leg##_stop_price = (place)->stop_price; \
        (list)->leg##_iceberg_qty = (place)->iceberg_qty; \
        (list)->leg##_trailing_delta = (place)->trailing_delta; \
        (list)->leg##_side = (place)->side; \
        (list)->leg##_type = (place)->type; \
        (list)->leg##_time_in_force = (place)->time_in_force; \
        memcpy((list)->leg##_client_id, (place)->client_id, 36); \
    } while (0)

/* Places a list of two or three orders of one account. Returns the id of its first. */
static inline uint64_t world_place_list(struct world *world, uint8_t kind,
                                        const struct world_order *legs)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const uint8_t count = kind == LIST_OTOCO ? 3 : 2;
    const uint64_t first = world->order_id + 1;
    struct list_place_command list = {
        .account = legs[0].account, .session = legs[0].session, .kind = kind};
    for (uint8_t i = 0; i < count; i++) {
        const struct order_place_command place = world_command_of(world, &legs[i], first + i);
        if (i == 0) WORLD_PUT_LEG(&list, a, &place);
        if (i == 1) WORLD_PUT_LEG(&list, b, &place);
        if (i == 2) WORLD_PUT_LEG(&list, c, &place);
    }
    list_place_command_put(payload, &list);

    world_begin(world);
    world_look(world, legs[0].account);
    world->list_id += world->plant == PLANT_LIST_ID ? 2 : 1;
    const struct list_accepted_event accepted = {.list_id = world->list_id,
                                                 .a_order = first,
                                                 .b_order = first + 1,
                                                 .c_order = count == 3 ? first + 2 : 0,
                                                 .account = legs[0].account,
                                                 .kind = kind};
    event_write_list_accepted(&world->out, &accepted);
    const int64_t a_need = world_first_hold(world, &legs[0]);
    const int64_t b_need = world_first_hold(world, &legs[1]);
    int64_t pair = a_need > b_need ? a_need : b_need;
    if (world->plant == PLANT_PAIR_HOLDS_LESS) pair = a_need + b_need - pair;
    for (uint8_t i = 0; i < count; i++) {
        struct world_order terms = legs[i];
        terms.list = world->list_id;
        terms.kind = kind;
        terms.leg = i;
        terms.is_pending = kind != LIST_OCO && i > 0;
        int64_t hold = terms.is_pending ? 0 : kind == LIST_OCO ? (i == 0 ? pair : 0) : a_need;
        if (world->plant == PLANT_PENDING_HOLDS && terms.is_pending) hold = b_need;
        if (world->plant == PLANT_PAIR_HOLDS_TWICE && kind == LIST_OCO) hold = pair;
        world_accept(world, &terms, hold);
    }
    for (uint8_t i = 0; i < count; i++) {
        struct world_order *order = world_find(world, first + i);
        if (order != NULL && !order->is_asleep && !order->is_pending) world_run(world, order);
    }
    world_work_off(world);
    world_report(world);
    world_trade(world, T_LIST_PLACE, legs[0].account, payload);
    return first;
}

static inline void world_amend(struct world *world, uint64_t order_id, int64_t qty)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    struct world_order *order = world_find(world, order_id);
    world_begin(world);
    if (world->plant == PLANT_AMEND_MORE) qty = order->qty + 1;
    struct order_amend_command amend = {
        .order_id = order_id, .qty = {qty}, .account = order->account};
    if (!world->amends_unnamed) world_name(order_id, amend.orig_client_id);
    order_amend_command_put(payload, &amend);
    struct order_amended_event amended = {
        .order_id = order_id, .qty_before = {order->qty}, .qty = {qty}, .account = order->account};
    world_name(order_id, amended.client_id);
    event_write_order_amended(&world->out, &amended);
    order->qty = qty;
    if (world->plant != PLANT_AMEND_KEEPS) world_hold(world, order, world_need(order));
    world_report(world);
    world_trade(world, T_ORDER_AMEND, order->account, payload);
}

/* Cancels one order and places another, both well. Returns the new one's id. */
static inline uint64_t world_replace(struct world *world, uint64_t order_id,
                                     const struct world_order *terms)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const struct order_place_command place = world_command_of(world, terms, world->order_id + 1);
    struct order_replace_command replace = {.price = place.price,
                                            .qty = place.qty,
                                            .quote_qty = place.quote_qty,
                                            .stop_price = place.stop_price,
                                            .iceberg_qty = place.iceberg_qty,
                                            .trailing_delta = place.trailing_delta,
                                            .account = place.account,
                                            .session = place.session,
                                            .side = place.side,
                                            .type = place.type,
                                            .time_in_force = place.time_in_force,
                                            .self_trade = place.self_trade,
                                            .cancel_order_id = order_id,
                                            .mode = REPLACE_STOP_ON_FAILURE};
    memcpy(replace.client_id, place.client_id, sizeof(replace.client_id));
    order_replace_command_put(payload, &replace);
    world_begin(world);
    const struct order_replaced_event replaced = {.attempted = 1};
    event_write_order_replaced(&world->out, &replaced);
    if (world->plant != PLANT_REPLACE_KEEPS)
        world_done(world, world_find(world, order_id), ORDER_CANCELED, DONE_REPLACED);
    world_look(world, terms->account);
    struct world_order *order = world_accept(world, terms, world_first_hold(world, terms));
    const uint64_t id = order->id;
    if (!order->is_asleep) world_run(world, order);
    world_work_off(world);
    world_report(world);
    world_trade(world, T_ORDER_REPLACE, terms->account, payload);
    return id;
}

static inline void world_arm(struct world *world, uint32_t account, uint32_t timeout_ms)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const struct switch_set_command set = {.timeout_ms = timeout_ms, .account = account};
    switch_set_command_put(payload, &set);
    world_begin(world);
    world->deadlines[account] = timeout_ms == 0 ? 0 : world->stamp_ns + timeout_ms * 1000000ul;
    const struct switch_armed_event armed = {world->deadlines[account], account, 0};
    event_write_switch_armed(&world->out, &armed);
    world_report(world);
    world_trade(world, T_SWITCH_SET, account, payload);
}

static inline void world_end_session(struct world *world, uint32_t account, uint32_t session)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    const struct session_end_command end = {.session = session, .account = account};
    session_end_command_put(payload, &end);
    world_begin(world);
    world_sweep(world, account, world->plant == PLANT_SESSION_OTHER ? session + 1 : session,
                DONE_SESSION);
    world_report(world);
    world_trade(world, T_SESSION_END, account, payload);
}

/* Gives the market a price band; all else stays as listed. */
static inline void world_band(struct world *world, uint32_t band_ppm)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX], event[MARKET_FILTERED_BYTES];
    char text[128];
    const struct market_filters_command filters = {.nonce = ++world->nonce,
                                                   .market_qty_min = {1},
                                                   .market_qty_max = {100000000},
                                                   .average_minutes = 5,
                                                   .algo_orders_max = 5,
                                                   .iceberg_orders_max = 10,
                                                   .iceberg_parts_max = 100,
                                                   .order_lists_max = 20,
                                                   .trailing_min = 10,
                                                   .trailing_max = 2000,
                                                   .band_ppm = band_ppm,
                                                   .self_trade_modes = 31};
    struct market_filtered_event filtered;
    market_filters_command_put(payload, &filters);
    memcpy(event, payload + 10, sizeof(event));
    market_filtered_event_get(event, &filtered);
    if (world->plant == PLANT_FILTERS) filtered.band_ppm++;
    event_write_market_filtered(&world->out, &filtered);
    snprintf(text, sizeof(text), "action=market-filters&symbol=BTCUSDT&bandPpm=%u", band_ppm);
    world_operate(world, T_MARKET_FILTERS, payload, text);
}

/* Gives the account a lowest tier. */
static inline void world_grade(struct world *world, uint32_t account, uint16_t tier)
{
    uint8_t payload[COMMAND_PAYLOAD_MAX];
    char text[128];
    const struct account_tier_command grade = {
        .nonce = ++world->nonce, .account = account, .tier = tier};
    const struct tier_set_event set = {account, tier};
    account_tier_command_put(payload, &grade);
    event_write_tier_set(&world->out, &set);
    world->floors[account] = tier;
    const uint16_t due = world_due_tier(world, account);
    const struct tier_changed_event changed = {account, due};
    if (due != world->tiers[account]) event_write_tier_changed(&world->out, &changed);
    world->tiers[account] = due;
    snprintf(text, sizeof(text), "action=account-tier&account=%u&tier=%u", account, tier);
    world_operate(world, T_ACCOUNT_TIER, payload, text);
}

/* ---- Whatever comes: one command drawn from `r`, around a price of 3,000,000. ---- */

static inline void world_act_list(struct world *world, uint32_t account, uint64_t r)
{
    const int64_t last = world->last == 0 ? 3000000 : world->last;
    const int64_t qty = 1 + (int64_t)(r % 5);
    const struct world_order pair[] = {
        {.account = account, .side = SELL, .type = LIMIT_MAKER, .price = 3000400, .qty = qty},
        {.account = account,
         .side = SELL,
         .type = STOP_LOSS_LIMIT,
         .stop = last - 3 - (int64_t)(r / 5 % 9),
         .price = last - 20,
         .qty = qty}};
    const struct world_order chain[] = {{.account = account,
                                         .side = BUY,
                                         .type = LIMIT,
                                         .price = last + 3 - (int64_t)(r / 5 % 9),
                                         .qty = qty},
                                        {.account = account,
                                         .side = SELL,
                                         .type = LIMIT,
                                         .price = last + 5,
                                         .qty = qty,
                                         .iceberg = 1}};
    world_place_list(world, r / 50 % 2 ? LIST_OCO : LIST_OTO, r / 50 % 2 ? pair : chain);
}

static inline void world_act_order(struct world *world, uint32_t account, uint64_t r)
{
    const int64_t last = world->last == 0 ? 3000000 : world->last;
    struct world_order terms = {.account = account,
                                .side = r % 2 ? BUY : SELL,
                                .type = LIMIT,
                                .price = 3000000 + (int64_t)(r / 4 % 41) - 20,
                                .qty = 1 + (int64_t)(r / 200 % 9)};
    switch (r / 1800 % 8) {
    case 0:
        terms.type = MARKET;
        terms.price = 0;
        break;
    case 1:
    case 2:
        terms.mode = (uint8_t)(1 + r / 14400 % 4);
        break;
    case 3:
        terms.iceberg = 1 + (terms.qty - 1) / 2;
        break;
    case 4:
        terms.type = r / 14400 % 2 ? STOP_LOSS_LIMIT : STOP_LOSS;
        terms.stop = last + (terms.side == BUY ? 1 : -1) * (1 + (int64_t)(r / 4 % 9));
        if (terms.type == STOP_LOSS) terms.price = 0;
        break;
    default:
        break;
    }
    world_enter(world, &terms);
}

static inline void world_act(struct world *world, uint64_t r)
{
    int open = 0;
    for (int i = 0; i < WORLD_ORDERS; i++)
        open += world->orders[i].account != 0;
    struct world_order *any = &world->orders[r / 7 % WORLD_ORDERS];
    const uint32_t account = (uint32_t)(1 + r % 4);
    if (open > 45)
        while (any->account == 0)
            any = any == world->orders ? &world->orders[WORLD_ORDERS - 1] : any - 1;
    const bool is_alone = any->account != 0 && any->list == 0 && !any->is_pending;
    const uint64_t kind = r / 64 % 16;
    if (any->account != 0 && (open > 45 || kind < 3))
        world_cancel(world, any->account, any->id);
    else if (kind == 3 && is_alone && world_rest(any) > 1)
        world_amend(world, any->id, any->qty - 1);
    else if (kind == 4)
        world_act_list(world, account, r / 1024);
    else
        world_act_order(world, account, r / 1024);
}

#endif /* TESTS_UNIT_SETTLEMENT_WORLD_MARKET_H */
