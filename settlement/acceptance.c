#include "settlement/acceptance.h"

#include "settlement/booking.h"
#include "settlement/waking.h"

#include <string.h>

/* An ORDER_REPLACE begins with the fields of an ORDER_PLACE. */
static_assert((int)ORDER_REPLACE_BYTES == (int)ORDER_PLACE_BYTES + 8 + 1 + 1 + 36 + 36,
              "a replacement's order is decoded as an order");

#define LEG_OF(list, leg) \
    (struct order_place_command) \
    { \
        .price = (list)->leg##_price, .qty = (list)->leg##_qty, \
        .stop_price = (list)->leg##_stop_price, .iceberg_qty = (list)->leg##_iceberg_qty, \
        .trailing_delta = (list)->leg##_trailing_delta, .account = (list)->account, \
        .session = (list)->session, .market = (list)->market, .side = (list)->leg##_side, \
        .type = (list)->leg##_type, .time_in_force = (list)->leg##_time_in_force, \
        .self_trade = (list)->self_trade \
    }

static struct order_place_command leg_of(const struct list_place_command *list, uint32_t leg)
{
    struct order_place_command asked = leg == 0   ? LEG_OF(list, a)
                                       : leg == 1 ? LEG_OF(list, b)
                                                  : LEG_OF(list, c);
    const uint8_t *client_id = leg == 0   ? list->a_client_id
                               : leg == 1 ? list->b_client_id
                                          : list->c_client_id;
    memcpy(asked.client_id, client_id, sizeof(asked.client_id));
    return asked;
}

/* The order that must be accepted next, of those the command asked for. False when there is none. */
static bool asked_next(const struct settlement *s, struct order_place_command *asked)
{
    const struct command_state *command = &s->command;
    if (command->type == T_LIST_PLACE) {
        struct list_place_command list;
        list_place_command_get(command->payload, &list);
        *asked = leg_of(&list, command->accepted_count);
        return command->accepted_count < command->leg_count;
    }
    order_place_command_get(command->payload, asked);
    if (command->accepted_count > 0) return false;
    return command->type == T_ORDER_PLACE ||
           (command->type == T_ORDER_REPLACE && command->replace_places);
}

static uint8_t recorded_time_in_force(const struct order_place_command *asked)
{
    const bool has_choice =
        asked->type == LIMIT || asked->type == STOP_LOSS_LIMIT || asked->type == TAKE_PROFIT_LIMIT;
    return has_choice ? asked->time_in_force : GTC;
}

/* Whether the engine accepted what was asked, down to the client id. */
static bool is_as_asked(const struct order_accepted_event *accepted,
                        const struct order_place_command *asked)
{
    return accepted->account == asked->account && accepted->market == asked->market &&
           accepted->side == asked->side && accepted->type == asked->type &&
           accepted->price.ticks == asked->price.ticks && accepted->qty.lots == asked->qty.lots &&
           accepted->quote_qty.units == asked->quote_qty.units &&
           accepted->time_in_force == recorded_time_in_force(asked) &&
           accepted->self_trade == asked->self_trade &&
           memcmp(accepted->client_id, asked->client_id, sizeof(asked->client_id)) == 0;
}

/* The account's first order or list of a day: its tier must be the one that is due. */
static enum status check_tier(struct settlement *s, uint32_t account)
{
    const uint32_t day = (uint32_t)(s->command.stamp_ns / TIER_BOOK_DAY_NS);
    if (balance_sheet_owner(s->accounts, account)->is_frozen)
        return settle_differs(
            s, &(struct settle_mismatch){.what = "order of a frozen account", .account = account});
    if (tier_book_look(s->tiers, account, day)) return STATUS_OK;
    const uint16_t due = tier_book_due(s->tiers, &s->params, account, day);
    const uint16_t tier = balance_sheet_owner(s->accounts, account)->tier;
    if (tier == due) return STATUS_OK;
    return settle_differs(
        s, &(struct settle_mismatch){
               .what = "fee tier not changed", .account = account, .ours = due, .theirs = tier});
}

/* The order as it stands when it has been accepted and nothing has moved. */
static struct hold_entry entry_of(const struct settlement *s, uint64_t order_id,
                                  const struct order_place_command *asked)
{
    const struct command_state *command = &s->command;
    const struct market *market = &s->params.markets[asked->market];
    const bool is_iceberg =
        asked->iceberg_qty.lots > 0 && asked->iceberg_qty.lots < asked->qty.lots;
    return (struct hold_entry){
        .order_id = order_id,
        .created_ns = command->stamp_ns,
        .client_hash = client_hash(asked->client_id),
        .price = asked->price,
        .stop_price = asked->stop_price,
        .hold_price = waking_hold_price(asked->type, asked->price, asked->stop_price,
                                        s->markets[asked->market].last),
        .qty = asked->qty,
        .iceberg_qty = {is_iceberg ? asked->iceberg_qty.lots : 0},
        .quote_qty = asked->quote_qty,
        .account = asked->account,
        .origin = command->origin,
        .session = asked->session,
        .trailing_delta = asked->trailing_delta,
        .market = asked->market,
        .asset = asked->side == BUY ? market->quote : market->base,
        .side = asked->side,
        .type = asked->type,
        .time_in_force = recorded_time_in_force(asked),
        .self_trade = asked->self_trade,
    };
}

/* Puts the leg where its list has it. */
static void join_list(const struct settlement *s, struct hold_entry *entry)
{
    struct list_place_command list;
    list_place_command_get(s->command.payload, &list);
    entry->leg = (uint8_t)s->command.accepted_count;
    entry->list_id = s->markets[entry->market].list;
    entry->list_first = entry->order_id - entry->leg;
    entry->list_client_hash = client_hash(list.client_id);
    entry->list_kind = list.kind;
    if (list.kind != LIST_OCO && entry->leg > 0) entry->state = HOLD_PENDING;
}

/* What an order that takes or sleeps at once must hold: `told` where only the engine can know. */
static bool hold_alone(const struct settlement *s, const struct hold_entry *entry, amount_t told,
                       amount_t *due)
{
    *due = told;
    if (booking_need(s, entry, due)) return true;
    if (entry->type != MARKET) return false;
    if (entry->side == BUY && order_by_quote(entry)) *due = entry->quote_qty;
    return told.units >= 0;
}

/* A pair holds once, with its first leg; what is pending holds nothing. */
static bool hold_due(const struct settlement *s, const struct hold_entry *entry, amount_t told,
                     amount_t *due)
{
    *due = (amount_t){0};
    if (entry->state == HOLD_PENDING) return true;
    if (entry->list_kind != LIST_OCO) return hold_alone(s, entry, told, due);
    if (entry->leg == 1) return true;

    struct list_place_command list;
    list_place_command_get(s->command.payload, &list);
    const struct order_place_command below = leg_of(&list, 1);
    const struct hold_entry sibling = entry_of(s, entry->order_id + 1, &below);
    amount_t sibling_need;
    if (!booking_need(s, entry, due) || !booking_need(s, &sibling, &sibling_need)) return false;
    if (sibling_need.units > due->units) *due = sibling_need;
    return true;
}

/* What the order accepted last is to be called. */
static struct order_tag tag_asked(const struct settlement *s)
{
    const struct command_state *command = &s->command;
    return order_tag_of(command->tagged_type, command->payload, command->accepted_count - 1);
}

/* Where the order goes from here: to sleep, to wait, to take, or to rest. */
static enum status begin_life(struct settlement *s, const struct hold_entry *entry, amount_t hold)
{
    struct command_state *command = &s->command;
    struct hold_entry *open = hold_book_add(s->orders, entry);
    if (open == NULL)
        return settle_differs_order(s, "open orders", entry->market, entry->order_id,
                                    entry->account, hold_book_count(s->orders), 0);
    s->markets[entry->market].order = entry->order_id;
    command->accepted_count++;
    command->tag_due = (tag_asked(s).flags & ORDER_TAG_NUMBERS) != 0;
    command->next_market = entry->market;
    command->terms_order = entry->order_id;
    if (command->tag_due) command->next = NEXT_TAG;
    if (entry->list_id != 0 || entry->stop_price.ticks != 0 || entry->trailing_delta != 0 ||
        entry->iceberg_qty.lots != 0) {
        command->next = NEXT_TERMS;
    }
    if (order_is_stop(open->type) && open->state != HOLD_PENDING) {
        waking_sleep(s, open, false);
    } else if (open->state != HOLD_PENDING) {
        open->state = HOLD_WORKING;
        open->ready_command = command->number;
        if (!order_may_rest(open)) order_owes(s, open, HOLD_OWES_END);
    }
    return booking_hold(s, open, hold);
}

enum status acceptance_order(struct settlement *s, const struct event *event)
{
    struct order_accepted_event accepted;
    struct order_place_command asked;
    order_accepted_event_get(event->payload, &accepted);
    const uint16_t market = accepted.market;
    const uint64_t id = accepted.order_id;

    if (market >= s->params.market_count || accepted.side > SELL ||
        s->params.markets[market].status != MARKET_TRADING ||
        !balance_sheet_has(s->accounts, accepted.account) || !asked_next(s, &asked) ||
        !is_as_asked(&accepted, &asked))
        return settle_differs_order(s, "order accepted", market, id, accepted.account, 0, 0);
    if (id != s->markets[market].order + 1)
        return settle_differs_order(s, "order id", market, id, accepted.account,
                                    (int64_t)s->markets[market].order + 1, (int64_t)id);

    struct hold_entry entry = entry_of(s, id, &asked);
    enum status status = STATUS_OK;
    if (s->command.type == T_LIST_PLACE)
        join_list(s, &entry);
    else
        status = check_tier(s, accepted.account);
    if (status != STATUS_OK) return status;

    amount_t due;
    if (!hold_due(s, &entry, accepted.hold, &due) || due.units != accepted.hold.units)
        return settle_differs_order(s, "hold", market, id, accepted.account, due.units,
                                    accepted.hold.units);
    if (accepted.hold_asset != entry.asset)
        return settle_differs_order(s, "asset held", market, id, accepted.account, entry.asset,
                                    accepted.hold_asset);
    return begin_life(s, &entry, due);
}

enum status acceptance_list(struct settlement *s, const struct event *event)
{
    struct list_accepted_event accepted;
    struct list_place_command asked;
    list_accepted_event_get(event->payload, &accepted);
    list_place_command_get(s->command.payload, &asked);
    if (s->command.type != T_LIST_PLACE || s->command.leg_count != 0 ||
        accepted.market >= s->params.market_count || accepted.account != asked.account ||
        accepted.market != asked.market || accepted.kind != asked.kind || asked.kind < LIST_OCO ||
        asked.kind > LIST_OTOCO || !balance_sheet_has(s->accounts, accepted.account) ||
        memcmp(accepted.client_id, asked.client_id, sizeof(asked.client_id)) != 0)
        return settle_differs_order(s, "list accepted", accepted.market, accepted.a_order,
                                    accepted.account, 0, 0);

    struct market_state *market = &s->markets[accepted.market];
    const uint64_t first = market->order + 1;
    const uint64_t third = accepted.kind == LIST_OTOCO ? first + 2 : 0;
    if (accepted.list_id != market->list + 1)
        return settle_differs_order(s, "list id", accepted.market, accepted.a_order,
                                    accepted.account, (int64_t)market->list + 1,
                                    (int64_t)accepted.list_id);
    if (accepted.a_order != first || accepted.b_order != first + 1 || accepted.c_order != third)
        return settle_differs_order(s, "orders of a list", accepted.market, accepted.a_order,
                                    accepted.account, (int64_t)first, (int64_t)accepted.a_order);
    market->list++;
    s->command.leg_count = accepted.kind == LIST_OTOCO ? 3 : 2;
    return check_tier(s, accepted.account);
}

enum status acceptance_replaced(struct settlement *s, const struct event *event)
{
    struct command_state *command = &s->command;
    struct order_replaced_event replaced;
    order_replaced_event_get(event->payload, &replaced);
    if (command->type != T_ORDER_REPLACE || command->main_count > 1 || replaced.attempted > 1)
        return settle_differs_count(s, "order replaced", 0, replaced.attempted);
    command->replaced = true;
    command->replace_cancels = replaced.cancel_reject == 0;
    command->replace_places = replaced.attempted == 1 && replaced.place_reject == 0;
    return STATUS_OK;
}

enum status acceptance_terms(struct settlement *s, const struct event *event)
{
    struct command_state *command = &s->command;
    struct order_terms_event terms;
    order_terms_event_get(event->payload, &terms);
    const struct hold_entry *entry = hold_book_find(s->orders, terms.market, terms.order_id);
    const bool announced = command->next == NEXT_TERMS;
    if (entry == NULL || entry->account != terms.account || entry->list_id != terms.list_id ||
        entry->stop_price.ticks != terms.stop_price.ticks ||
        entry->iceberg_qty.lots != terms.iceberg_qty.lots ||
        entry->trailing_delta != terms.trailing_delta ||
        (entry->state == HOLD_PENDING) != terms.pending ||
        (announced &&
         (command->terms_order != terms.order_id || command->next_market != terms.market)))
        return settle_differs_order(s, "order terms", terms.market, terms.order_id, terms.account,
                                    0, 0);
    if (entry->prevented.lots != terms.prevented.lots)
        return settle_differs_order(s, "prevented quantity", terms.market, terms.order_id,
                                    terms.account, entry->prevented.lots, terms.prevented.lots);
    command->next = !announced ? NEXT_DONE : command->tag_due ? NEXT_TAG : NEXT_ANY;
    command->next_market = terms.market;
    command->terms_order = terms.order_id;
    return STATUS_OK;
}

enum status acceptance_tagged(struct settlement *s, const struct event *event)
{
    struct command_state *command = &s->command;
    struct order_tagged_event tagged;
    order_tagged_event_get(event->payload, &tagged);
    const struct order_tag tag = {tagged.strategy_id, tagged.strategy_type, tagged.flags};
    const struct hold_entry *entry = hold_book_find(s->orders, tagged.market, tagged.order_id);
    const bool named =
        command->terms_order == tagged.order_id && command->next_market == tagged.market;
    const bool announced = command->next == NEXT_TAG;
    bool stands = s->params.rules >= PARAMS_RULES_API && entry != NULL &&
                  entry->account == tagged.account && tag.flags != 0 &&
                  order_tag_valid(T_ORDER_RESUBMIT, tag) && !command->end_named;
    if (command->next != NEXT_ANY) stands = stands && named;
    if (announced) {
        struct order_tag asked = tag_asked(s);
        asked.flags &= ORDER_TAG_NUMBERS;
        stands = stands && order_tag_equal(tag, asked);
    }
    if (!stands)
        return settle_differs_order(s, "order's tag", tagged.market, tagged.order_id,
                                    tagged.account, 0, 0);
    command->end_named = !announced;
    if (announced)
        command->next = NEXT_ANY;
    else if (command->next == NEXT_ANY)
        command->next = NEXT_END;
    command->next_market = tagged.market;
    command->terms_order = tagged.order_id;
    return STATUS_OK;
}

/* Whether the command is one that may be answered by what another has done. */
static bool may_be_repeated(const struct settlement *s)
{
    const struct command_state *command = &s->command;
    return s->params.rules >= PARAMS_RULES_API && command->tagged_type == T_ORDER_SUBMIT &&
           command->main_count == 1 &&
           (order_tag_of(T_ORDER_SUBMIT, command->payload, 0).flags & ORDER_TAG_IDEMPOTENT) != 0;
}

/* Whether an order of that number, moment and command can have been: there was one, and it was not to come. */
static bool has_been(const struct settlement *s, const struct order_repeated_event *repeated)
{
    const struct command_state *command = &s->command;
    return repeated->market < s->params.market_count && repeated->order_id >= 1 &&
           repeated->order_id <= s->markets[repeated->market].order && repeated->command >= 1 &&
           repeated->command < command->number && repeated->stamp_ns <= command->stamp_ns;
}

/* From rules 6 on: what is told again is what is asked for. By quote, the quantity is an outcome. */
static bool is_the_same(const struct settlement *s, const struct order_repeated_event *repeated,
                        const struct order_place_command *asked)
{
    if (s->params.rules < PARAMS_RULES_ONCE) return true;
    const struct hold_entry entry = entry_of(s, repeated->order_id, asked);
    struct order_tag tag = order_tag_of(T_ORDER_SUBMIT, s->command.payload, 0);
    tag.flags &= ORDER_TAG_NUMBERS;
    const struct order_tag told = {repeated->strategy_id, repeated->strategy_type, repeated->flags};
    return order_tag_equal(tag, told) && repeated->side == entry.side &&
           repeated->type == entry.type && repeated->price.ticks == entry.price.ticks &&
           repeated->quote_qty.units == entry.quote_qty.units &&
           (order_by_quote(&entry) || repeated->qty.lots == entry.qty.lots) &&
           repeated->stop_price.ticks == entry.stop_price.ticks &&
           repeated->iceberg_qty.lots == entry.iceberg_qty.lots &&
           repeated->trailing_delta == entry.trailing_delta &&
           repeated->time_in_force == entry.time_in_force &&
           repeated->self_trade == entry.self_trade;
}

/* From rules 6 on: how it went is how an order can have gone, and one that is still open is the account's, of that moment.
 * Its name is not compared: an amend may have changed it since. */
static bool can_have_gone(const struct settlement *s, const struct order_repeated_event *repeated)
{
    if (s->params.rules < PARAMS_RULES_ONCE) return true;
    const struct hold_entry *open = hold_book_find(s->orders, repeated->market, repeated->order_id);
    const bool is_known =
        repeated->status >= ORDER_NEW && repeated->status <= ORDER_EXPIRED_IN_MATCH;
    const bool by_quote = repeated->quote_qty.units != 0;
    return is_known && repeated->executed.lots >= 0 &&
           (by_quote || repeated->executed.lots <= repeated->qty.lots) &&
           (open == NULL ||
            (open->account == repeated->account && open->created_ns == repeated->stamp_ns));
}

enum status acceptance_repeated(struct settlement *s, const struct event *event)
{
    struct command_state *command = &s->command;
    struct order_repeated_event repeated;
    order_repeated_event_get(event->payload, &repeated);
    struct order_place_command asked;
    order_place_command_get(command->payload, &asked);
    if (!may_be_repeated(s) || !has_been(s, &repeated) || repeated.account != asked.account ||
        repeated.market != asked.market ||
        memcmp(repeated.client_id, asked.client_id, sizeof(asked.client_id)) != 0 ||
        !is_the_same(s, &repeated, &asked) || !can_have_gone(s, &repeated))
        return settle_differs_order(s, "order repeated", repeated.market, repeated.order_id,
                                    repeated.account, 0, 0);
    command->refused = true; /* nothing follows */
    return STATUS_OK;
}

enum status acceptance_close(struct settlement *s)
{
    const struct command_state *command = &s->command;
    if (command->type == T_LIST_PLACE && command->accepted_count != command->leg_count)
        return settle_differs_count(s, "orders of a list", command->leg_count,
                                    command->accepted_count);
    if (command->replace_cancels) return settle_differs_count(s, "replaced order still open", 0, 1);
    if (command->replace_places != (command->type == T_ORDER_REPLACE && command->accepted_count))
        return settle_differs_count(s, "replacement", command->replace_places,
                                    command->accepted_count);
    return STATUS_OK;
}
