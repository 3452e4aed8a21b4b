#include "settlement/ending.h"

#include "settlement/booking.h"
#include "settlement/membership.h"
#include "settlement/waking.h"

/* Text begins with its first byte: what has a zero there is no client id, whatever a gateway that lies puts
 * behind it. */
static bool has_client_id(const uint8_t client_id[36])
{
    return client_id[0] != 0;
}

/* Whether an order or list is the one that is named: by id, by client id, or by both. */
static bool is_named(uint64_t id, uint64_t hash, uint64_t named_id, const uint8_t client_id[36])
{
    const bool by_client = has_client_id(client_id);
    if (named_id == 0 && !by_client) return false;
    return (named_id == 0 || named_id == id) && (!by_client || client_hash(client_id) == hash);
}

static bool restriction_allows(uint8_t restriction, const struct hold_entry *entry)
{
    if (restriction == CANCEL_ONLY_NEW) return entry->executed.lots == 0;
    if (restriction == CANCEL_ONLY_PARTIALLY_FILLED) return entry->executed.lots > 0;
    return restriction == CANCEL_ANY;
}

/* The first open order of a list after `skip`, in leg order; NULL: none is open. */
static struct hold_entry *open_leg(struct settlement *s, uint16_t market, uint64_t first,
                                   uint64_t list_id, uint64_t skip)
{
    for (uint64_t id = first; id < first + 3; id++) {
        struct hold_entry *entry = hold_book_find(s->orders, market, id);
        if (entry != NULL && entry->list_id == list_id && id != skip) return entry;
    }
    return NULL;
}

static bool is_cancel(struct settlement *s, const struct hold_entry *entry)
{
    if (s->command.type == T_ORDER_CANCEL) {
        struct order_cancel_command asked;
        order_cancel_command_get(s->command.payload, &asked);
        return asked.account == entry->account && asked.market == entry->market &&
               is_named(entry->order_id, entry->client_hash, asked.order_id,
                        asked.orig_client_id) &&
               restriction_allows(asked.restriction, entry);
    }
    if (s->command.type != T_LIST_CANCEL || entry->list_id == 0) return false;
    struct list_cancel_command asked;
    list_cancel_command_get(s->command.payload, &asked);
    return asked.account == entry->account && asked.market == entry->market &&
           is_named(entry->list_id, entry->list_client_hash, asked.list_id, asked.orig_client_id) &&
           open_leg(s, entry->market, entry->list_first, entry->list_id, 0) == entry;
}

/* Orders that end by a sweep do so in rising id. */
static bool is_swept(struct settlement *s, const struct hold_entry *entry)
{
    if (entry->order_id <= s->command.swept_order) return false;
    s->command.swept_order = entry->order_id;
    return true;
}

static bool is_cancel_all(struct settlement *s, const struct hold_entry *entry)
{
    struct cancel_all_command asked;
    cancel_all_command_get(s->command.payload, &asked);
    return s->command.type == T_CANCEL_ALL && asked.account == entry->account &&
           asked.market == entry->market && is_swept(s, entry);
}

static bool is_replaced(struct settlement *s, const struct hold_entry *entry)
{
    struct order_replace_command asked;
    if (s->command.type != T_ORDER_REPLACE || !s->command.replace_cancels) return false;
    order_replace_command_get(s->command.payload, &asked);
    return asked.account == entry->account && asked.market == entry->market &&
           s->command.accepted_count == 0 &&
           is_named(entry->order_id, entry->client_hash, asked.cancel_order_id,
                    asked.cancel_orig_client_id) &&
           restriction_allows(asked.restriction, entry);
}

static bool is_session_over(struct settlement *s, const struct hold_entry *entry)
{
    struct session_end_command asked;
    session_end_command_get(s->command.payload, &asked);
    return s->command.type == T_SESSION_END && asked.account == entry->account &&
           asked.market == entry->market && asked.session != 0 && asked.session == entry->session &&
           entry->origin == s->command.origin && is_swept(s, entry);
}

static bool is_origin_lost(const struct settlement *s, const struct hold_entry *entry)
{
    return entry->session != 0 && membership_sessions_over(s, entry->origin);
}

static bool is_switch_fired(struct settlement *s, const struct hold_entry *entry)
{
    const struct command_state *command = &s->command;
    return command->phase == PHASE_SWITCHES && command->fired_account == entry->account &&
           command->fired_market == entry->market && is_swept(s, entry);
}

/* Came into force in this command, and takes as an order without a price does. */
static bool took_at_market(const struct settlement *s, const struct hold_entry *entry)
{
    return entry->state == HOLD_WORKING && entry->ready_command == s->command.number &&
           !order_has_price(entry->type);
}

static bool took_by_limit(const struct settlement *s, const struct hold_entry *entry, uint8_t force)
{
    return entry->state == HOLD_WORKING && entry->ready_command == s->command.number &&
           order_has_price(entry->type) && entry->time_in_force == force &&
           order_rest(entry).lots > 0;
}

/* Its working order is filled, and it cannot be paid for: it is the first that is to be released. */
static bool is_unreleasable(struct settlement *s, const struct hold_entry *entry)
{
    return (entry->owed & HOLD_OWES_RELEASE) != 0 &&
           open_leg(s, entry->market, entry->list_first, entry->list_id, 0) == entry;
}

static bool all_gone(const struct hold_entry *entry)
{
    return !order_by_quote(entry) && order_rest(entry).lots == 0;
}

/* Whether the command, or what it led to, is a cause for the end that the reason names. */
static bool has_cause(struct settlement *s, const struct hold_entry *entry, uint8_t reason)
{
    switch (reason) {
    case DONE_FILLED:
        return entry->executed.lots > 0 &&
               (all_gone(entry) || (order_by_quote(entry) && took_at_market(s, entry)));
    case DONE_CANCELED:
        return is_cancel(s, entry);
    case DONE_CANCELED_ALL:
        return is_cancel_all(s, entry);
    case DONE_IOC_UNFILLED:
        return took_by_limit(s, entry, IOC);
    case DONE_FOK_UNFILLED:
        return took_by_limit(s, entry, FOK) && entry->executed.lots == 0;
    case DONE_NO_LIQUIDITY:
        return took_at_market(s, entry);
    case DONE_PRICE_RANGE:
        return took_at_market(s, entry) && s->params.markets[entry->market].filters.band_ppm != 0;
    case DONE_SELF_TRADE:
        return entry->prevented.lots > 0 && (all_gone(entry) || took_at_market(s, entry));
    case DONE_OCO:
        return entry->state != HOLD_PENDING && booking_sibling(s, entry) != NULL;
    case DONE_NO_BALANCE:
        return is_unreleasable(s, entry) ||
               (took_at_market(s, entry) && order_is_stop(entry->type) && entry->side == BUY);
    case DONE_WOULD_TAKE:
        return (entry->owed & HOLD_OWES_RELEASE) != 0 && entry->type == LIMIT_MAKER;
    case DONE_SWITCH:
        return is_switch_fired(s, entry);
    case DONE_SESSION:
        return is_session_over(s, entry);
    case DONE_ORIGIN_LOST:
        return is_origin_lost(s, entry);
    case DONE_REPLACED:
        return is_replaced(s, entry);
    default:
        return false;
    }
}

/* The status that goes with a reason of its own; a list's orders take that of the one they follow. */
static uint8_t status_of(uint8_t reason)
{
    switch (reason) {
    case DONE_FILLED:
        return ORDER_FILLED;
    case DONE_SELF_TRADE:
        return ORDER_EXPIRED_IN_MATCH;
    case DONE_CANCELED:
    case DONE_CANCELED_ALL:
    case DONE_SWITCH:
    case DONE_SESSION:
    case DONE_ORIGIN_LOST:
    case DONE_REPLACED:
        return ORDER_CANCELED;
    default:
        return ORDER_EXPIRED;
    }
}

/* Whether the order may end like this, now. */
static bool may_end(struct settlement *s, const struct hold_entry *entry,
                    const struct order_done_event *done)
{
    const struct list_ending *ending = &s->command.ending;
    if (ending->list_id == 0)
        return has_cause(s, entry, done->reason) && done->status == status_of(done->reason);
    const uint8_t reason = ending->working_ended ? DONE_WORKING_ENDED : DONE_LIST_CANCELED;
    return open_leg(s, ending->market, ending->first, ending->list_id, 0) == entry &&
           done->reason == reason &&
           done->status == (ending->canceled ? ORDER_CANCELED : ORDER_EXPIRED);
}

static bool is_same_order(const struct hold_entry *entry, const struct order_done_event *done)
{
    return entry->account == done->account && entry->side == done->side &&
           entry->type == done->type && entry->price.ticks == done->price.ticks &&
           entry->time_in_force == done->time_in_force && entry->self_trade == done->self_trade &&
           entry->quote_qty.units == done->quote_qty.units &&
           entry->created_ns == done->created_ns &&
           entry->client_hash == client_hash(done->client_id);
}

/* Whether the order has what ORDER_TERMS tells; then that must have come right before. */
static bool has_terms(const struct hold_entry *entry)
{
    return entry->list_id != 0 || entry->stop_price.ticks != 0 || entry->trailing_delta != 0 ||
           entry->iceberg_qty.lots != 0 || entry->prevented.lots != 0;
}

static enum status check_sums(struct settlement *s, const struct hold_entry *entry,
                              const struct order_done_event *done)
{
    /* Ordered by quote amount, the quantity is an outcome: what was executed, or not let trade. */
    const bool by_quote = order_by_quote(entry);
    const int64_t outcome = entry->executed.lots + entry->prevented.lots;
    const bool same = by_quote ? done->qty.lots == outcome || done->qty.lots == entry->executed.lots
                               : done->qty.lots == entry->qty.lots;
    if (!same)
        return settle_differs_order(s, "order's quantity", done->market, done->order_id,
                                    done->account, by_quote ? outcome : entry->qty.lots,
                                    done->qty.lots);
    if (entry->executed.lots != done->executed.lots)
        return settle_differs_order(s, "executed quantity", done->market, done->order_id,
                                    done->account, entry->executed.lots, done->executed.lots);
    if (entry->quote_executed.units != done->quote_executed.units)
        return settle_differs_order(s, "executed quote", done->market, done->order_id,
                                    done->account, entry->quote_executed.units,
                                    done->quote_executed.units);
    return STATUS_OK;
}

/* Gives back what the order held; what its open sibling needs of it goes over to that one. */
static enum status release(struct settlement *s, struct hold_entry *entry)
{
    amount_t need = {0};
    struct hold_entry *sibling = booking_sibling(s, entry);
    if (sibling == NULL || sibling->state == HOLD_PENDING)
        return booking_hold(s, entry, (amount_t){0});

    const amount_t whole = {entry->left.units + sibling->left.units}; /* with one of the two */
    if (!booking_need(s, sibling, &need) || need.units > whole.units)
        return settle_differs_order(s, "hold of a pair", entry->market, entry->order_id,
                                    entry->account, need.units, whole.units);
    sibling->left = whole;
    entry->left.units = 0;
    return booking_hold(s, sibling, need);
}

/* A filled working order has its pending ones released. */
static void owe_release(struct settlement *s, const struct hold_entry *working)
{
    for (uint64_t id = working->list_first + 1; id < working->list_first + 3; id++) {
        struct hold_entry *pending = hold_book_find(s->orders, working->market, id);
        if (pending != NULL && pending->list_id == working->list_id)
            order_owes(s, pending, HOLD_OWES_RELEASE);
    }
}

/* What the end of one order means for the others of its list. */
static void end_leg(struct settlement *s, const struct hold_entry *entry, uint8_t status,
                    uint8_t reason)
{
    struct command_state *command = &s->command;
    struct hold_entry *other =
        open_leg(s, entry->market, entry->list_first, entry->list_id, entry->order_id);
    const bool is_working = entry->list_kind != LIST_OCO && entry->leg == 0;
    command->next_market = entry->market;
    if (other == NULL) {
        command->next = NEXT_LIST_DONE;
        command->done_list = entry->list_id;
        command->done_account = entry->account;
    } else if (reason == DONE_OCO) {
        command->next = NEXT_SIBLING;
        command->sibling = booking_sibling(s, entry)->order_id;
    } else if (status == ORDER_FILLED) {
        if (is_working) owe_release(s, entry);
    } else {
        command->next = NEXT_LEG;
        if (command->ending.list_id != 0) return;
        command->ending = (struct list_ending){.list_id = entry->list_id,
                                               .first = entry->list_first,
                                               .market = entry->market,
                                               .canceled = status == ORDER_CANCELED,
                                               .working_ended = is_working};
    }
}

enum status ending_order(struct settlement *s, const struct event *event)
{
    struct command_state *command = &s->command;
    struct order_done_event done;
    order_done_event_get(event->payload, &done);
    const bool terms_given = command->next == NEXT_DONE;
    const bool named = terms_given || command->next == NEXT_END;
    struct hold_entry *entry = hold_book_find(s->orders, done.market, done.order_id);
    if (entry == NULL || !is_same_order(entry, &done) || has_terms(entry) != terms_given ||
        (named && (command->terms_order != done.order_id || command->next_market != done.market)))
        return settle_differs_order(s, "order done", done.market, done.order_id, done.account, 0,
                                    0);
    if (!may_end(s, entry, &done))
        return settle_differs_order(s, "reason of an order's end", done.market, done.order_id,
                                    done.account, done.status, done.reason);
    enum status status = check_sums(s, entry, &done);
    if (status == STATUS_OK) status = release(s, entry);
    if (status != STATUS_OK) return status;

    command->next = NEXT_ANY;
    command->end_named = false;
    if (done.reason == DONE_REPLACED) command->replace_cancels = false; /* once */
    if (entry->list_id != 0) end_leg(s, entry, done.status, done.reason);
    waking_forget(s, entry);
    order_owes_no_more(s, entry, HOLD_OWES_END | HOLD_OWES_TRIGGER | HOLD_OWES_RELEASE);
    hold_book_remove(s->orders, entry);
    return STATUS_OK;
}

enum status ending_list(struct settlement *s, const struct event *event)
{
    struct command_state *command = &s->command;
    struct list_done_event done;
    list_done_event_get(event->payload, &done);
    if (command->next != NEXT_LIST_DONE || done.list_id != command->done_list ||
        done.market != command->next_market || done.account != command->done_account)
        return settle_differs_order(s, "list done", done.market, done.list_id, done.account,
                                    (int64_t)command->done_list, (int64_t)done.list_id);
    command->next = NEXT_ANY;
    command->ending.list_id = 0;
    return STATUS_OK;
}

enum status ending_amended(struct settlement *s, const struct event *event)
{
    struct order_amended_event amended;
    struct order_amend_command asked;
    order_amended_event_get(event->payload, &amended);
    order_amend_command_get(s->command.payload, &asked);
    struct hold_entry *entry = hold_book_find(s->orders, amended.market, amended.order_id);
    if (entry == NULL || s->command.type != T_ORDER_AMEND || s->command.main_count > 1 ||
        entry->account != amended.account ||
        balance_sheet_owner(s->accounts, entry->account)->is_frozen ||
        asked.account != amended.account || asked.market != amended.market ||
        asked.qty.lots != amended.qty.lots ||
        !is_named(entry->order_id, entry->client_hash, asked.order_id, asked.orig_client_id) ||
        entry->state == HOLD_PENDING || booking_sibling(s, entry) != NULL ||
        client_hash(amended.client_id) !=
            (has_client_id(asked.client_id) ? client_hash(asked.client_id) : entry->client_hash))
        return settle_differs_order(s, "order amended", amended.market, amended.order_id,
                                    amended.account, 0, 0);
    if (amended.qty_before.lots != entry->qty.lots || amended.qty.lots >= entry->qty.lots ||
        amended.qty.lots <= entry->executed.lots + entry->prevented.lots)
        return settle_differs_order(s, "amended quantity", amended.market, amended.order_id,
                                    amended.account, entry->qty.lots, amended.qty.lots);

    entry->client_hash = client_hash(amended.client_id);
    entry->qty = amended.qty;
    /* What an iceberg hides goes first. */
    if (entry->shown.lots > 0) entry->shown = qty_min(entry->shown, order_rest(entry));
    return booking_shrink(s, entry);
}
