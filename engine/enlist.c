#include "engine/enlist.h"

#include "engine/cancel.h"
#include "engine/holds.h"
#include "engine/place.h"
#include "engine/walk.h"
#include "engine/work.h"

#include <string.h>

/* A list on its way in: its legs as the orders they would be alone. */
struct proposal {
    struct list_place_command list;
    struct order_place_command legs[LIST_LEGS];
    struct order_tag tags[LIST_LEGS];
    price_t hold_prices[LIST_LEGS];
    uint32_t count;
    uint32_t pending_from; /* legs from here on are pending */
    amount_t hold;         /* of the legs that are not */
};

#define LEG_READ(proposal, index, letter) \
    leg_read((proposal), (index), \
             &(struct order_place_command){ \
                 .price = (proposal)->list.letter##_price, \
                 .qty = (proposal)->list.letter##_qty, \
                 .stop_price = (proposal)->list.letter##_stop_price, \
                 .iceberg_qty = (proposal)->list.letter##_iceberg_qty, \
                 .trailing_delta = (proposal)->list.letter##_trailing_delta, \
                 .side = (proposal)->list.letter##_side, \
                 .type = (proposal)->list.letter##_type, \
                 .time_in_force = (proposal)->list.letter##_time_in_force, \
             }, \
             (proposal)->list.letter##_client_id)

static void leg_read(struct proposal *proposal, uint32_t index,
                     const struct order_place_command *read, const uint8_t *client_id)
{
    struct order_place_command *leg = &proposal->legs[index];
    *leg = *read;
    leg->account = proposal->list.account;
    leg->market = proposal->list.market;
    leg->session = proposal->list.session;
    leg->self_trade = proposal->list.self_trade;
    memcpy(leg->client_id, client_id, sizeof(leg->client_id));
}

static struct proposal proposal_read(const struct command *command)
{
    struct proposal proposal = {.count = LIST_LEGS, .pending_from = 1};
    list_place_command_get(command->payload, &proposal.list);
    for (uint32_t leg = 0; leg < LIST_LEGS; leg++)
        proposal.tags[leg] = order_tag_of(command->header.type, command->payload, leg);
    LEG_READ(&proposal, 0, a);
    LEG_READ(&proposal, 1, b);
    LEG_READ(&proposal, 2, c);
    if (proposal.list.kind != LIST_OTOCO) proposal.count = 2;
    if (proposal.list.kind == LIST_OCO) proposal.pending_from = 2;
    return proposal;
}

static bool leg_is_empty(const struct order_place_command *leg, struct order_tag tag)
{
    static const uint8_t none[CLIENT_ID_BYTES];
    return tag.flags == 0 && leg->price.ticks == 0 && leg->qty.lots == 0 &&
           leg->stop_price.ticks == 0 && leg->iceberg_qty.lots == 0 && leg->trailing_delta == 0 &&
           leg->side == 0 && leg->type == 0 && leg->time_in_force == 0 &&
           memcmp(leg->client_id, none, CLIENT_ID_BYTES) == 0;
}

static bool takes_profit(uint8_t type)
{
    return type == LIMIT_MAKER || type == TAKE_PROFIT || type == TAKE_PROFIT_LIMIT;
}

static bool stops_loss(uint8_t type)
{
    return type == STOP_LOSS || type == STOP_LOSS_LIMIT;
}

static bool pair_fits(const struct order_place_command *above,
                      const struct order_place_command *below)
{
    if (above->side != below->side || above->qty.lots != below->qty.lots) return false;
    const bool sells = above->side == SELL;
    return takes_profit(sells ? above->type : below->type) &&
           stops_loss(sells ? below->type : above->type);
}

static bool shape_fits(const struct proposal *proposal)
{
    const struct order_place_command *legs = proposal->legs;
    if (proposal->count == 2 && !leg_is_empty(&legs[2], proposal->tags[2])) return false;
    if (proposal->list.kind == LIST_OCO) return pair_fits(&legs[0], &legs[1]);
    if (legs[0].type != LIMIT && legs[0].type != LIMIT_MAKER) return false;
    if (proposal->list.kind == LIST_OTOCO) return pair_fits(&legs[1], &legs[2]);
    return legs[1].quote_qty.units == 0;
}

/* UNKNOWN_ACCOUNT to PRICE_BAND. */
static enum reject legs_check(struct engine *engine, const struct proposal *proposal)
{
    enum reject reject =
        cancel_check_parties(engine, proposal->list.account, proposal->list.market);
    if (reject != REJECT_NONE) return reject;
    if (accounts_frozen(&engine->accounts, proposal->list.account)) return REJECT_ACCOUNT_FROZEN;
    const struct market *market = &engine->params.markets[proposal->list.market];
    if (market->status != MARKET_TRADING) return REJECT_MARKET_CLOSED;
    if (proposal->list.kind < LIST_OCO || proposal->list.kind > LIST_OTOCO)
        return REJECT_COMBINATION;

    for (uint32_t i = 0; i < proposal->count && reject == REJECT_NONE; i++)
        reject = filters_form(market, &proposal->legs[i]);
    if (reject == REJECT_NONE && !shape_fits(proposal)) reject = REJECT_COMBINATION;
    for (uint32_t i = 0; i < proposal->count && reject == REJECT_NONE; i++)
        reject = place_check(engine, &proposal->legs[i]);
    return reject;
}

static bool list_client_id_taken(const struct engine *engine, const struct proposal *proposal)
{
    const struct order_pool *pool = &engine->books.orders;
    if (!order_has_client_id(proposal->list.client_id)) return false;
    const struct roster *roster =
        directory_roster(&engine->directory, proposal->list.account, proposal->list.market);
    uint32_t slot = roster == NULL ? NO_SLOT : roster->oldest;
    for (; slot != NO_SLOT; slot = pool->orders[slot].roster_newer) {
        const struct list *list = lists_of(&engine->lists, pool, slot);
        if (list != NULL && memcmp(list->client_id, proposal->list.client_id, CLIENT_ID_BYTES) == 0)
            return true;
    }
    return false;
}

static bool client_ids_taken(const struct engine *engine, const struct proposal *proposal)
{
    if (list_client_id_taken(engine, proposal)) return true;
    for (uint32_t i = 0; i < proposal->count; i++) {
        const struct order_place_command *leg = &proposal->legs[i];
        if (!order_has_client_id(leg->client_id)) continue;
        if (directory_find_client(&engine->directory, leg->account, leg->market, leg->client_id) !=
            NO_SLOT)
            return true;
        for (uint32_t j = 0; j < i; j++)
            if (memcmp(leg->client_id, proposal->legs[j].client_id, CLIENT_ID_BYTES) == 0)
                return true;
    }
    return false;
}

static enum reject counts_check(struct engine *engine, const struct proposal *proposal)
{
    const struct market *market = &engine->params.markets[proposal->list.market];
    const struct place_counts counts =
        place_count(engine, proposal->list.account, proposal->list.market);
    uint32_t algos = 0, icebergs = 0;
    int64_t buys = 0;
    for (uint32_t i = 0; i < proposal->count; i++) {
        const struct order_place_command *leg = &proposal->legs[i];
        algos += filters_is_stop(leg->type);
        icebergs += leg->iceberg_qty.lots != 0 && leg->iceberg_qty.lots < leg->qty.lots;
        if (leg->side == BUY) buys += leg->qty.lots;
    }
    if (counts.lists >= market->filters.order_lists_max) return REJECT_MAX_NUM_ORDER_LISTS;
    if (counts.open + proposal->count > market->account_orders_max) return REJECT_MAX_NUM_ORDERS;
    if (algos > 0 && counts.algos + algos > market->filters.algo_orders_max)
        return REJECT_MAX_NUM_ALGO_ORDERS;
    if (icebergs > 0 && counts.icebergs + icebergs > market->filters.iceberg_orders_max)
        return REJECT_MAX_NUM_ICEBERG_ORDERS;
    if (buys == 0) return REJECT_NONE;
    return place_position(engine, proposal->list.account, proposal->list.market, counts.buy_lots,
                          buys);
}

static enum reject room_check(const struct engine *engine, const struct proposal *proposal)
{
    const struct books *books = &engine->books;
    if (books->orders.count + proposal->count > engine->params.orders_max)
        return REJECT_ORDERS_FULL;
    if (books->levels.level_count + engine->dormant_count + proposal->count >
        engine->params.levels_max)
        return REJECT_ORDERS_FULL;
    return REJECT_NONE;
}

/* The price by which a leg of a pair stands above or below, 0 for a trailing one without it. */
static int64_t pair_ticks(const struct order_place_command *leg)
{
    return leg->type == LIMIT_MAKER ? leg->price.ticks : leg->stop_price.ticks;
}

/* Whether `above` > `below`; a price of 0 is not compared. */
static bool is_above(int64_t above, int64_t below)
{
    return above == 0 || below == 0 || above > below;
}

static bool relation_holds(const struct proposal *proposal, price_t last)
{
    if (proposal->list.kind == LIST_OTO) return true;
    const struct order_place_command *pair =
        &proposal->legs[proposal->list.kind == LIST_OCO ? 0 : 1];
    const int64_t above = pair_ticks(&pair[0]), below = pair_ticks(&pair[1]);
    if (!is_above(above, below)) return false;
    return proposal->list.kind != LIST_OCO ||
           (is_above(above, last.ticks) && is_above(last.ticks, below));
}

/* NO_LAST_PRICE of what is not pending; fills in what each stop without a price holds by. */
static enum reject hold_prices_find(struct proposal *proposal, price_t last)
{
    for (uint32_t i = 0; i < proposal->pending_from; i++) {
        const struct order_place_command *leg = &proposal->legs[i];
        proposal->hold_prices[i] = leg->stop_price.ticks != 0 ? leg->stop_price : last;
        if (filters_has_price(leg->type)) proposal->hold_prices[i] = leg->price;
        if (leg->side == BUY && proposal->hold_prices[i].ticks == 0) return REJECT_NO_LAST_PRICE;
    }
    return REJECT_NONE;
}

static enum reject triggers_check_legs(const struct engine *engine, const struct proposal *proposal,
                                       price_t last)
{
    for (uint32_t i = 0; i < proposal->pending_from; i++) {
        const struct order_place_command *leg = &proposal->legs[i];
        if (leg->stop_price.ticks != 0 && last.ticks != 0 &&
            filters_fires(leg->type, leg->side, leg->stop_price, last))
            return REJECT_WOULD_TRIGGER;
    }
    for (uint32_t i = 0; i < proposal->pending_from; i++) {
        const struct order_place_command *leg = &proposal->legs[i];
        const enum side makers = opposite((enum side)leg->side);
        const price_t best = book_best_price(&engine->books, leg->market, makers);
        if (leg->type == LIMIT_MAKER && best.ticks != 0 && walk_reaches(leg->price, makers, best))
            return REJECT_WOULD_TAKE;
    }
    return REJECT_NONE;
}

static enum reject list_decide(struct engine *engine, struct proposal *proposal)
{
    const struct market *market = &engine->params.markets[proposal->list.market];
    const price_t last = averages_last(&engine->averages, proposal->list.market);
    if (client_ids_taken(engine, proposal)) return REJECT_DUPLICATE_ORDER;
    enum reject reject = counts_check(engine, proposal);
    if (reject == REJECT_NONE) reject = room_check(engine, proposal);
    if (reject == REJECT_NONE) reject = hold_prices_find(proposal, last);
    if (reject == REJECT_NONE && !relation_holds(proposal, last)) reject = REJECT_PRICE_RELATION;
    if (reject == REJECT_NONE) reject = triggers_check_legs(engine, proposal, last);
    if (reject != REJECT_NONE) return reject;

    for (uint32_t i = 0; i < proposal->pending_from; i++) {
        const struct order_place_command *leg = &proposal->legs[i];
        const amount_t need = holds_of(market, leg->side, proposal->hold_prices[i], leg->qty);
        if (need.units > proposal->hold.units) proposal->hold = need;
    }
    const struct balance *balance = accounts_balance(&engine->accounts, proposal->list.account,
                                                     holds_asset(market, proposal->legs[0].side));
    return balance->available.units < proposal->hold.units ? REJECT_INSUFFICIENT_BALANCE
                                                           : REJECT_NONE;
}

/* Makes the legs' orders and enters them. Returns the list's slot. */
static uint32_t legs_enter(struct engine *engine, const struct proposal *proposal)
{
    const uint32_t list_slot = lists_take(&engine->lists);
    struct list *list = &engine->lists.lists[list_slot];
    list->id = ++engine->ids[proposal->list.market].last_list;
    list->account = proposal->list.account;
    list->market = proposal->list.market;
    list->kind = proposal->list.kind;
    list->open = (uint8_t)proposal->count;
    memcpy(list->client_id, proposal->list.client_id, CLIENT_ID_BYTES);

    for (uint32_t leg = 0; leg < proposal->count; leg++) {
        const uint32_t slot =
            place_order(engine, &proposal->legs[leg], proposal->tags[leg], proposal->legs[leg].qty);
        struct order *order = state_order(engine, slot);
        struct order_extra *extra = order->extra != NO_SLOT
                                        ? state_extra(engine, order)
                                        : order_extra_take(&engine->books.orders, slot);
        order->flags |= ORDER_LISTED | ORDER_DORMANT;
        if (leg >= proposal->pending_from) order->flags |= ORDER_PENDING;
        extra->list = list_slot;
        extra->leg = leg;
        if (filters_is_stop(order->type)) extra->hold_price = proposal->hold_prices[leg];
        list->legs[leg] = slot;
        engine->dormant_count++;
        (void)directory_add(&engine->directory, slot);
    }
    return list_slot;
}

static void accepted_write(struct engine *engine, const struct proposal *proposal,
                           const struct list *list, struct event_writer *out)
{
    struct list_accepted_event accepted = {
        .list_id = list->id,
        .a_order = state_order(engine, list->legs[0])->id,
        .b_order = state_order(engine, list->legs[1])->id,
        .c_order = list->legs[2] == NO_SLOT ? 0 : state_order(engine, list->legs[2])->id,
        .account = list->account,
        .market = list->market,
        .kind = list->kind,
    };
    memcpy(accepted.client_id, list->client_id, sizeof(accepted.client_id));
    event_write_list_accepted(out, &accepted);
    for (uint32_t leg = 0; leg < proposal->count; leg++)
        place_write_accepted(engine, list->legs[leg],
                             (amount_t){leg == 0 ? proposal->hold.units : 0}, (amount_t){0}, out);
}

/* What is not pending goes to work: stops sleep, the rest takes. */
static void leg_start(struct engine *engine, uint32_t slot, struct event_writer *out)
{
    struct order *order = state_order(engine, slot);
    if (filters_is_stop(order->type)) {
        work_sleep(engine, slot);
        return;
    }
    order->flags &= (uint8_t)~ORDER_DORMANT;
    engine->dormant_count--;
    struct taker taker = {
        .slot = slot,
        .hold = holds_need(&engine->books.orders, state_market(engine, order), slot),
        .reach = order->price,
        .entered = true,
    };
    if (order->time_in_force == FOK) {
        const struct walk_terms terms = {
            .books = &engine->books,
            .market = state_market(engine, order),
            .market_index = order->market,
            .makers = opposite((enum side)order->side),
            .limit = order->price,
            .own = order->self_trade == SELF_TRADE_NONE ? 0 : order->account,
        };
        taker.kill = !walk_fills(&terms, order->self_trade, order->left);
    }
    take(engine, &taker, out);
}

enum reject enlist(struct engine *engine, const struct command *command, struct event_writer *out)
{
    struct proposal proposal = proposal_read(command);
    enum reject reject = place_check_tags(engine, command, LIST_LEGS);
    if (reject == REJECT_NONE) reject = legs_check(engine, &proposal);
    if (reject == REJECT_NONE) reject = list_decide(engine, &proposal);
    if (reject != REJECT_NONE) return reject;

    place_tier(engine, proposal.list.account, out);
    const struct market *market = &engine->params.markets[proposal.list.market];
    const bool held = accounts_hold(&engine->accounts, proposal.list.account,
                                    holds_asset(market, proposal.legs[0].side), proposal.hold);
    ASSERT(held);
    const struct list *list = &engine->lists.lists[legs_enter(engine, &proposal)];
    accepted_write(engine, &proposal, list, out);

    const uint32_t legs[LIST_LEGS] = {list->legs[0], list->legs[1], list->legs[2]};
    for (uint32_t leg = 0; leg < proposal.pending_from; leg++)
        leg_start(engine, legs[leg], out);
    work_drain(engine, out);
    return REJECT_NONE;
}
