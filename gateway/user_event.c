#include "gateway/user_event.h"

#include "common/order_tag.h"
#include "common/reject.h"
#include "common/withdrawal_event.h"
#include "gateway/made_id.h"
#include "gateway/user_memory.h"

#include <string.h>

/* Of one event of the engine, and of a command's end, there are at most so many entries. */
#define ENTRIES_AN_EVENT 4

/* So many are free before an event comes. */
#define PLACES (USER_EVENTS_KEPT + ENTRIES_AN_EVENT)

struct user_account {
    struct user_number lost; /* its newest entry that is forgotten */
    uint32_t next_touched;   /* 0: none */
    bool is_watched;
    bool is_touched;
};

/* What is looked at of many entries, beside one another. */
struct user_mark {
    uint64_t command;
    uint32_t ordinal;
    uint32_t time_s;
};

/* What the command in hand said of itself that its events do not. */
struct command_facts {
    uint8_t cancel_id[36]; /* of the cancel that it is; zero: none */
    bool is_canceling;     /* an order has ended by it: what ends behind that, ends with it */
    bool is_replace;
    bool is_rejected; /* a replace that has canceled and will not place; not told yet: */
    uint16_t reject;
    struct order_replace_command replace;
    struct order_tag tag;
};

struct user_events {
    const struct view *view;
    const struct params *params;
    struct user_account *accounts; /* 1 .. accounts_max */
    struct user_memory memory;
    struct user_event *entries; /* by place */
    struct user_mark *marks;    /* likewise */
    struct user_number floor;   /* of what is not behind it nothing is known */
    uint32_t first_touched, last_touched;
    uint32_t accounts_max;
    uint32_t event_count; /* of the command, those before the one in hand */
    uint32_t entry_count; /* of the event in hand */
    struct command_facts command;
};

/* ---- numbers ---- */

int user_number_compare(struct user_number left, struct user_number right)
{
    if (left.command != right.command) return left.command < right.command ? -1 : 1;
    return (left.ordinal > right.ordinal) - (left.ordinal < right.ordinal);
}

struct user_number user_number_whole(uint64_t command)
{
    return (struct user_number){command, UINT32_MAX};
}

static size_t put_decimal(uint64_t value, char *to)
{
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    for (size_t at = 0; at < count; at++)
        to[at] = digits[count - 1 - at];
    return count;
}

size_t user_number_put(struct user_number number, char text[USER_NUMBER_TEXT])
{
    size_t used = put_decimal(number.command, text);
    text[used++] = '-';
    return used + put_decimal(number.ordinal, text + used);
}

/* Digits up to `end`, at least one, without a leading zero, at most `max`. */
static bool read_decimal(const char *at, const char *end, uint64_t max, uint64_t *value)
{
    *value = 0;
    if (at == end || (*at == '0' && end - at > 1)) return false;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9') return false;
        const uint64_t digit = (uint64_t)(*at - '0');
        if (*value > (max - digit) / 10) return false;
        *value = *value * 10 + digit;
    }
    return true;
}

bool user_number_read(const char *text, size_t text_bytes, struct user_number *number)
{
    const char *end = text + text_bytes;
    const char *dash = text_bytes == 0 ? NULL : memchr(text, '-', text_bytes);
    uint64_t ordinal;
    if (dash == NULL || !read_decimal(text, dash, UINT64_MAX, &number->command) ||
        !read_decimal(dash + 1, end, UINT32_MAX, &ordinal))
        return false;
    number->ordinal = (uint32_t)ordinal;
    return true;
}

/* ---- begin ---- */

size_t user_event_bytes(const struct genesis *genesis)
{
    const uint32_t accounts_max = genesis->params.accounts_max;
    return sizeof(struct user_events) + user_memory_bytes(accounts_max, PLACES) +
           ((size_t)accounts_max + 1) * sizeof(struct user_account) +
           ((size_t)PLACES + 1) * (sizeof(struct user_event) + sizeof(struct user_mark)) + 4 * 64;
}

struct user_events *user_event_new(struct arena *arena, const struct genesis *genesis,
                                   const struct view *view, const struct params *params)
{
    struct user_events *events = arena_take(arena, sizeof(*events));
    if (events == NULL) return NULL;
    events->view = view;
    events->params = params;
    events->accounts_max = genesis->params.accounts_max;
    events->accounts =
        arena_take_array(arena, (size_t)events->accounts_max + 1, sizeof(*events->accounts));
    events->entries = arena_take_array(arena, PLACES + 1, sizeof(*events->entries));
    events->marks = arena_take_array(arena, PLACES + 1, sizeof(*events->marks));
    const bool whole = events->accounts != NULL && events->entries != NULL && events->marks != NULL;
    return whole && user_memory_init(&events->memory, arena, events->accounts_max, PLACES) ? events
                                                                                           : NULL;
}

void user_event_restart(struct user_events *events)
{
    ASSERT(events->memory.taken == 0);
    events->floor = user_number_whole(view_command(events->view));
}

/* ---- entries ---- */

uint64_t user_event_count(const struct user_events *events)
{
    return events->memory.taken;
}

static struct user_event *entry_at(const struct user_events *events, uint32_t place)
{
    ASSERT(place != 0 && events->memory.places[place].account != 0);
    return &events->entries[place];
}

const struct user_event *user_event_at(const struct user_events *events, uint32_t place)
{
    return entry_at(events, place);
}

static void forget(struct user_events *events, uint32_t account)
{
    const struct user_mark *mark = &events->marks[user_memory_give(&events->memory, account)];
    events->accounts[account].lost = (struct user_number){mark->command, mark->ordinal};
}

/* Whose oldest goes next. */
static uint32_t who_forgets(const struct user_events *events, uint64_t stamp_ns)
{
    const struct user_memory *memory = &events->memory;
    const uint64_t oldest_s = events->marks[memory->oldest].time_s;
    if (stamp_ns / 1000000000u > oldest_s + USER_EVENT_OLD_NS / 1000000000u)
        return memory->places[memory->oldest].account;
    return user_memory_who_gives(memory);
}

static bool has_room(const struct user_events *events)
{
    return PLACES - events->memory.count >= ENTRIES_AN_EVENT;
}

bool user_event_fits(struct user_events *events, const struct applied *applied, uint64_t untold)
{
    const struct user_memory *memory = &events->memory;
    while (!has_room(events)) {
        const uint32_t account = who_forgets(events, applied->stamp_ns);
        if (memory->places[memory->owners[account].oldest].age >= untold) return false;
        forget(events, account);
    }
    return true;
}

/* What may still change stays: then it is the oldest of all that goes. */
static void make_room(struct user_events *events, const struct applied *applied)
{
    const struct user_memory *memory = &events->memory;
    while (!has_room(events)) {
        uint32_t account = who_forgets(events, applied->stamp_ns);
        const uint32_t oldest = memory->owners[account].oldest;
        if (memory->taken - memory->places[oldest].age <= USER_EVENTS_OPEN)
            account = memory->places[memory->oldest].account;
        forget(events, account);
    }
}

static void touch(struct user_events *events, uint32_t account)
{
    struct user_account *whose = &events->accounts[account];
    if (!whose->is_watched || whose->is_touched) return;
    whose->is_touched = true;
    whose->next_touched = 0;
    if (events->last_touched == 0)
        events->first_touched = account;
    else
        events->accounts[events->last_touched].next_touched = account;
    events->last_touched = account;
}

static struct user_event *add(struct user_events *events, const struct applied *applied,
                              uint32_t account, enum user_event_kind kind)
{
    ASSERT(account >= 1 && account <= events->accounts_max);
    ASSERT(events->entry_count < ENTRIES_AN_EVENT);
    const uint32_t place = user_memory_take(&events->memory, account);
    const struct user_number number = {applied->number, events->event_count * ENTRIES_AN_EVENT +
                                                            events->entry_count++};
    struct user_event *entry = &events->entries[place];
    entry->number = number;
    entry->index = events->memory.places[place].age;
    entry->time_ns = applied->stamp_ns;
    entry->account = account;
    entry->kind = (uint8_t)kind;
    events->marks[place] = (struct user_mark){number.command, number.ordinal,
                                              (uint32_t)(applied->stamp_ns / 1000000000u)};
    touch(events, account);
    return entry;
}

/* The place when its entry is one of the command's, or 0. */
static uint32_t of_command(const struct user_events *events, uint32_t place, uint64_t command)
{
    return place != 0 && events->marks[place].command == command ? place : 0;
}

/* The account's newest entry of the command, or 0; and the one before it. */
static uint32_t newest_of(const struct user_events *events, uint32_t account, uint64_t command)
{
    return of_command(events, events->memory.owners[account].newest, command);
}

static uint32_t older_of(const struct user_events *events, uint32_t place)
{
    return of_command(events, events->memory.places[place].older, events->marks[place].command);
}

/* ---- reports ---- */

/* A trailing stop without a stop price follows as soon as it is in force, if there is a price to begin with then. That is when
 * it was placed; one of a list may have waited for others, and when it came into force is told once. With a stop price it is a
 * trade that lets it begin, of which the engine says nothing. */
static uint64_t follows_since(const struct user_events *events, const struct user_event *entry)
{
    const struct user_report *report = &entry->report;
    const struct view_order *order = &report->order;
    if (order->trailing_delta == 0 || order->stop_price.ticks != 0 ||
        order->status == ORDER_PENDING_NEW || report->execution == USER_REJECTED)
        return 0;
    const bool is_alone = order->list_id == 0;
    if (!is_alone && (report->execution != USER_NEW || order->working_ns != 0)) return 0;
    const uint64_t since_ns = is_alone ? order->created_ns : entry->time_ns;
    return view_had_traded(events->view, order->market, since_ns) ? since_ns : 0;
}

static struct user_report *add_report(struct user_events *events, const struct applied *applied,
                                      enum user_execution execution, const struct view_order *order)
{
    struct user_event *entry = add(events, applied, order->account, USER_REPORT);
    entry->report = (struct user_report){.order = *order, .execution = (uint8_t)execution};
    entry->report.follows_ns = follows_since(events, entry);
    return &entry->report;
}

static const struct view_order *open_order(const struct user_events *events, uint32_t account,
                                           uint16_t market, uint64_t order_id)
{
    const struct view_order *order = view_open_order(events->view, account, market, order_id);
    ASSERT(order != NULL);
    return order;
}

static void add_new(struct user_events *events, const struct applied *applied, uint32_t account,
                    uint16_t market, uint64_t order_id)
{
    add_report(events, applied, USER_NEW, open_order(events, account, market, order_id));
}

static bool is_report_of(const struct user_event *entry, uint16_t market, uint64_t order_id)
{
    return entry->kind == USER_REPORT && entry->report.order.market == market &&
           entry->report.order.order_id == order_id;
}

static void on_accepted(struct user_events *events, const struct applied *applied,
                        const struct event *event)
{
    struct order_accepted_event accepted;
    order_accepted_event_get(event->payload, &accepted);
    add_new(events, applied, accepted.account, accepted.market, accepted.order_id);
}

static void copy_list(struct user_list *told, const struct view_list *list)
{
    told->list_id = list->list_id;
    told->order_count = list->order_count;
    told->market = list->market;
    told->kind = list->kind;
    memcpy(told->orders, list->orders, sizeof(told->orders));
    memcpy(told->client_id, list->client_id, sizeof(told->client_id));
}

/* A list that this command has placed learns its orders' ids from their terms. */
static void name_list_orders(struct user_events *events, uint32_t newest, uint64_t list_id)
{
    const uint16_t market = events->entries[newest].report.order.market;
    uint32_t place = older_of(events, newest);
    while (place != 0 && (events->entries[place].kind != USER_LIST ||
                          events->entries[place].list.list_id != list_id))
        place = older_of(events, place);
    if (place == 0) return;
    const struct view_list *list = view_list_open(view_lists(events->view), market, list_id);
    ASSERT(list != NULL);
    copy_list(&events->entries[place].list, list);
}

/* What follows an order's acceptance is of it: its report, the account's newest, shows that too. */
static void complete_report(struct user_events *events, const struct applied *applied,
                            uint32_t account, uint16_t market, uint64_t order_id)
{
    const uint32_t place = newest_of(events, account, applied->number);
    if (place == 0) return;
    struct user_event *newest = entry_at(events, place);
    if (!is_report_of(newest, market, order_id) || newest->report.execution != USER_NEW) return;
    const struct view_order *order = open_order(events, account, market, order_id);
    newest->report.order = *order;
    newest->report.follows_ns = follows_since(events, newest);
    if (order->list_id != 0) name_list_orders(events, place, order->list_id);
}

static void on_terms(struct user_events *events, const struct applied *applied,
                     const struct event *event)
{
    struct order_terms_event terms;
    order_terms_event_get(event->payload, &terms);
    complete_report(events, applied, terms.account, terms.market, terms.order_id);
}

static void on_tagged(struct user_events *events, const struct applied *applied,
                      const struct event *event)
{
    struct order_tagged_event tagged;
    order_tagged_event_get(event->payload, &tagged);
    complete_report(events, applied, tagged.account, tagged.market, tagged.order_id);
}

static void on_triggered(struct user_events *events, const struct applied *applied,
                         const struct event *event)
{
    struct order_triggered_event triggered;
    order_triggered_event_get(event->payload, &triggered);
    add_new(events, applied, triggered.account, triggered.market, triggered.order_id);
}

static void on_released(struct user_events *events, const struct applied *applied,
                        const struct event *event)
{
    struct order_released_event released;
    order_released_event_get(event->payload, &released);
    add_new(events, applied, released.account, released.market, released.order_id);
}

static void add_trade(struct user_events *events, const struct applied *applied,
                      const struct fill_event *fill, bool is_maker)
{
    const struct market *market = &events->params->markets[fill->market];
    const enum side taker_side = (enum side)fill->taker_side;
    const struct view_order *order =
        open_order(events, is_maker ? fill->maker_account : fill->taker_account, fill->market,
                   is_maker ? fill->maker_order : fill->taker_order);
    struct user_report *report = add_report(events, applied, USER_TRADE, order);
    report->is_maker = is_maker;
    report->last_price = fill->price;
    report->last_qty = fill->qty;
    report->trade_id = fill->trade_id;
    report->fee = view_fee(market, fill, is_maker ? opposite(taker_side) : taker_side,
                           is_maker ? fill->maker_rate_ppm : fill->taker_rate_ppm);
}

static void on_fill(struct user_events *events, const struct applied *applied,
                    const struct event *event)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    add_trade(events, applied, &fill, false);
    add_trade(events, applied, &fill, true);
}

/* What was open of the order before this took `lost` from it; by quote amount there is no telling. */
static int64_t open_before(const struct view_order *order, qty_t lost)
{
    if (order->qty.lots == 0) return INT64_MAX;
    return order->qty.lots - order->executed.lots - order->prevented.lots + lost.lots;
}

static void add_prevented(struct user_events *events, const struct applied *applied,
                          const struct view_order *order, const struct view_order *other,
                          const struct prevented_event *prevented, bool is_maker)
{
    const qty_t own = is_maker ? prevented->maker_qty : prevented->taker_qty;
    const qty_t others = is_maker ? prevented->taker_qty : prevented->maker_qty;
    const int64_t left = open_before(order, own), right = open_before(other, others);
    if (own.lots == 0) return; /* it was the other that gave way */
    struct user_report *report = add_report(events, applied, USER_PREVENTED, order);
    report->is_maker = is_maker;
    report->last_price = prevented->price;
    report->last_qty = own;
    /* When both lose, both lose what they would have traded: of an iceberg, what it shows. */
    report->prevented_match.lots = others.lots > 0 && prevented->mode == SELF_TRADE_DECREMENT
                                       ? own.lots
                                   : left < right ? left
                                                  : right;
    report->counter_order = other->order_id;
}

static void on_prevented(struct user_events *events, const struct applied *applied,
                         const struct event *event)
{
    struct prevented_event prevented;
    prevented_event_get(event->payload, &prevented);
    const struct view_order *maker =
        open_order(events, prevented.maker_account, prevented.market, prevented.maker_order);
    const struct view_order *taker =
        open_order(events, prevented.taker_account, prevented.market, prevented.taker_order);
    add_prevented(events, applied, taker, maker, &prevented, false);
    add_prevented(events, applied, maker, taker, &prevented, true);
}

static void on_amended(struct user_events *events, const struct applied *applied,
                       const struct event *event)
{
    struct order_amended_event amended;
    order_amended_event_get(event->payload, &amended);
    const struct view_order *order =
        open_order(events, amended.account, amended.market, amended.order_id);
    struct user_report *report = add_report(events, applied, USER_REPLACED, order);
    memcpy(report->other_id, view_former_client_id(events->view), sizeof(report->other_id));
    if (order->list_id == 0) return;
    const struct view_list *list =
        view_list_open(view_lists(events->view), order->market, order->list_id);
    ASSERT(list != NULL);
    struct user_event *entry = add(events, applied, amended.account, USER_LIST);
    entry->list = (struct user_list){.status = USER_LIST_UPDATED};
    copy_list(&entry->list, list);
}

/* ---- ends ---- */

/* Its last trade, or the match that was prevented, was the end of it: that has been told, and says so now. */
static void end_report(struct user_events *events, const struct applied *applied,
                       const struct view_order *order)
{
    uint32_t place = newest_of(events, order->account, applied->number);
    while (place != 0 && !is_report_of(&events->entries[place], order->market, order->order_id))
        place = older_of(events, place);
    ASSERT(place != 0);
    events->entries[place].report.order = *order;
}

static void add_end(struct user_events *events, const struct applied *applied,
                    const struct view_order *order)
{
    struct command_facts *command = &events->command;
    if (order->status != ORDER_CANCELED) {
        add_report(events, applied, USER_EXPIRED, order);
        return;
    }
    if (order->reason == DONE_CANCELED || order->reason == DONE_CANCELED_ALL ||
        order->reason == DONE_REPLACED)
        command->is_canceling = true;
    struct user_report *report = add_report(events, applied, USER_CANCELED, order);
    if (command->is_canceling)
        memcpy(report->other_id, command->cancel_id, sizeof(report->other_id));
}

static void on_done(struct user_events *events, const struct applied *applied,
                    const struct event *event)
{
    struct order_done_event ended;
    order_done_event_get(event->payload, &ended);
    /* The view has just put it at the end of the account's tail. */
    const struct view_order *order = view_next_done(events->view, ended.account, NULL);
    ASSERT(order != NULL && order->order_id == ended.order_id && order->market == ended.market);
    if (order->status == ORDER_FILLED || order->status == ORDER_EXPIRED_IN_MATCH)
        end_report(events, applied, order);
    else
        add_end(events, applied, order);
}

/* ---- lists ---- */

static void add_list(struct user_events *events, const struct applied *applied,
                     const struct view_list *list, enum user_list_status status)
{
    ASSERT(list != NULL);
    struct user_event *entry = add(events, applied, list->account, USER_LIST);
    entry->list = (struct user_list){.status = (uint8_t)status};
    copy_list(&entry->list, list);
}

static void on_list_accepted(struct user_events *events, const struct applied *applied,
                             const struct event *event)
{
    struct list_accepted_event accepted;
    list_accepted_event_get(event->payload, &accepted);
    add_list(events, applied,
             view_list_open(view_lists(events->view), accepted.market, accepted.list_id),
             USER_LIST_STARTED);
}

static void on_list_done(struct user_events *events, const struct applied *applied,
                         const struct event *event)
{
    struct list_done_event ended;
    list_done_event_get(event->payload, &ended);
    add_list(events, applied, view_list_next_done(view_lists(events->view), ended.account, NULL),
             USER_LIST_DONE);
}

/* ---- funds ---- */

static void add_delta(struct user_events *events, const struct applied *applied, uint32_t account,
                      uint16_t asset, int64_t units)
{
    if (units == 0) return;
    struct user_event *entry = add(events, applied, account, USER_DELTA);
    entry->delta = (struct user_delta){{units}, asset};
}

/* CREDITED and DEBITED have the same fields. */
static void on_credited(struct user_events *events, const struct applied *applied,
                        const struct event *event)
{
    struct credited_event moved;
    credited_event_get(event->payload, &moved);
    add_delta(events, applied, moved.account, moved.asset,
              event->type == T_CREDITED ? moved.amount.units : -moved.amount.units);
}

static void on_deposit(struct user_events *events, const struct applied *applied,
                       const struct event *event)
{
    struct deposit_changed_event deposit;
    deposit_changed_event_get(event->payload, &deposit);
    add_delta(events, applied, deposit.account, deposit.asset, deposit.moved.units);
}

/* In these the amount is not in the account any more; in the others it is there, held or free. */
static bool has_left(uint8_t state)
{
    return state == WITHDRAWAL_APPROVED || state == WITHDRAWAL_BROADCAST ||
           state == WITHDRAWAL_FINAL;
}

static void on_withdrawal(struct user_events *events, const struct applied *applied,
                          const struct event *event)
{
    struct withdrawal_moved_event withdrawal;
    withdrawal_event_get(event, &withdrawal);
    const int64_t amount = withdrawal.amount.units;
    add_delta(events, applied, withdrawal.account, withdrawal.asset,
              (has_left(withdrawal.before) ? amount : 0) -
                  (has_left(withdrawal.state) ? amount : 0));
}

/* ---- a replace that places nothing ---- */

static void read_replace(struct command_facts *facts, const struct command *command)
{
    facts->is_replace = true;
    order_replace_command_get(command->payload, &facts->replace);
    facts->tag = order_tag_of(command->header.type, command->payload, 0);
    memcpy(facts->cancel_id, facts->replace.cancel_client_id, sizeof(facts->cancel_id));
}

static void on_replaced(struct user_events *events, const struct applied *applied,
                        const struct event *event)
{
    struct order_replaced_event replaced;
    (void)applied; /* what it says is told when the cancel has been */
    order_replaced_event_get(event->payload, &replaced);
    struct command_facts *command = &events->command;
    ASSERT(command->is_replace);
    command->is_rejected = replaced.cancel_reject == REJECT_NONE && replaced.attempted != 0 &&
                           replaced.place_reject != REJECT_NONE;
    command->reject = replaced.place_reject;
}

/* Behind the cancel's report, and before what the command made of balances. */
static void tell_rejected(struct user_events *events, const struct applied *applied)
{
    struct command_facts *command = &events->command;
    const struct order_replace_command *replace = &command->replace;
    if (!command->is_rejected) return;
    command->is_rejected = false;
    struct view_order order = {
        .created_ns = applied->stamp_ns,
        .updated_ns = applied->stamp_ns,
        .price = replace->price,
        .qty = replace->qty,
        .quote_qty = replace->quote_qty,
        .stop_price = replace->stop_price,
        .iceberg_qty = replace->iceberg_qty,
        .strategy_id = command->tag.strategy_id,
        .strategy_type = command->tag.strategy_type,
        .trailing_delta = replace->trailing_delta,
        .account = replace->account,
        .market = replace->market,
        .side = replace->side,
        .type = replace->type,
        .time_in_force = replace->time_in_force,
        .self_trade = replace->self_trade,
        .tag_flags = command->tag.flags,
    };
    memcpy(order.client_id, replace->client_id, sizeof(order.client_id));
    add_report(events, applied, USER_REJECTED, &order)->reject = command->reject;
}

static void on_balance(struct user_events *events, const struct applied *applied,
                       const struct event *event)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    tell_rejected(events, applied);
    struct user_event *entry = add(events, applied, balance.account, USER_POSITION);
    entry->position = (struct user_position){balance.available, balance.held, balance.asset};
}

/* ---- commands and events ---- */

/* The first part of a command's events has the command too. */
static void begin_command(struct user_events *events, const struct applied *applied)
{
    struct command_facts *facts = &events->command;
    struct command command;
    events->event_count = 0;
    *facts = (struct command_facts){0};
    if (applied->command_length == 0) return;
    const bool whole = command_decode(applied->command, applied->command_length, &command);
    ASSERT(whole);
    if (order_tag_base(command.header.type) == T_ORDER_REPLACE) {
        read_replace(facts, &command);
    } else if (command.header.type == T_ORDER_CANCEL) {
        struct order_cancel_command cancel;
        order_cancel_command_get(command.payload, &cancel);
        memcpy(facts->cancel_id, cancel.client_id, sizeof(facts->cancel_id));
    } else if (command.header.type == T_LIST_CANCEL) {
        struct list_cancel_command cancel;
        list_cancel_command_get(command.payload, &cancel);
        memcpy(facts->cancel_id, cancel.client_id, sizeof(facts->cancel_id));
    } else if (command.header.type == T_CANCEL_ALL) {
        made_id_cancel(applied->number, facts->cancel_id);
    }
}

static void on_event(struct user_events *events, const struct applied *applied,
                     const struct event *event)
{
    static void (*const takers[])(struct user_events *, const struct applied *,
                                  const struct event *) = {
        [T_CREDITED - T_NOOP] = on_credited,
        [T_DEBITED - T_NOOP] = on_credited,
        [T_ORDER_ACCEPTED - T_NOOP] = on_accepted,
        [T_FILL - T_NOOP] = on_fill,
        [T_ORDER_DONE - T_NOOP] = on_done,
        [T_BALANCE - T_NOOP] = on_balance,
        [T_ORDER_TERMS - T_NOOP] = on_terms,
        [T_ORDER_TRIGGERED - T_NOOP] = on_triggered,
        [T_ORDER_RELEASED - T_NOOP] = on_released,
        [T_PREVENTED - T_NOOP] = on_prevented,
        [T_ORDER_AMENDED - T_NOOP] = on_amended,
        [T_ORDER_REPLACED - T_NOOP] = on_replaced,
        [T_LIST_ACCEPTED - T_NOOP] = on_list_accepted,
        [T_LIST_DONE - T_NOOP] = on_list_done,
        [T_DEPOSIT_CHANGED - T_NOOP] = on_deposit,
        [T_WITHDRAWAL_CHANGED - T_NOOP] = on_withdrawal,
        [T_WITHDRAWAL_MOVED - T_NOOP] = on_withdrawal,
        [T_ORDER_TAGGED - T_NOOP] = on_tagged,
    };
    const uint32_t place = (uint32_t)event->type - T_NOOP;
    if (place < sizeof(takers) / sizeof(takers[0]) && takers[place] != NULL)
        takers[place](events, applied, event);
}

void user_event_apply(struct user_events *events, const struct applied *applied,
                      const struct event *event)
{
    if (events->event_count == 0 && (applied->flags & APPLIED_FIRST) != 0)
        begin_command(events, applied);
    make_room(events, applied);
    events->entry_count = 0;
    on_event(events, applied, event);
    events->event_count++;
}

void user_event_end(struct user_events *events, const struct applied *applied)
{
    if ((applied->flags & APPLIED_LAST) == 0) return;
    make_room(events, applied);
    events->entry_count = 0;
    tell_rejected(events, applied);
    events->event_count = 0;
}

/* ---- who is told ---- */

void user_event_watch(struct user_events *events, uint32_t account, uint64_t untold)
{
    const uint32_t newest = events->memory.owners[account].newest;
    events->accounts[account].is_watched = true;
    if (newest != 0 && events->memory.places[newest].age >= untold) touch(events, account);
}

void user_event_unwatch(struct user_events *events, uint32_t account)
{
    events->accounts[account].is_watched = false;
}

uint32_t user_event_touched(const struct user_events *events, uint32_t account)
{
    return account == 0 ? events->first_touched : events->accounts[account].next_touched;
}

void user_event_forget_touched(struct user_events *events)
{
    for (uint32_t account = events->first_touched; account != 0;
         account = events->accounts[account].next_touched)
        events->accounts[account].is_touched = false;
    events->first_touched = events->last_touched = 0;
}

/* ---- what was missed ---- */

uint32_t user_event_joined(const struct user_events *events, uint32_t place)
{
    const struct user_event *entry = entry_at(events, place);
    const uint32_t newer = events->memory.places[place].newer;
    if (entry->kind != USER_POSITION || newer == 0) return 0;
    const struct user_event *next = &events->entries[newer];
    return next->kind == USER_POSITION && next->number.command == entry->number.command ? newer : 0;
}

uint32_t user_event_positions(const struct user_events *events, uint32_t place,
                              const struct user_event *positions[USER_POSITIONS_MAX])
{
    uint32_t count = 0;
    ASSERT(entry_at(events, place)->kind == USER_POSITION);
    for (; place != 0 && events->entries[place].kind == USER_POSITION && count < USER_POSITIONS_MAX;
         place = older_of(events, place))
        positions[count++] = &events->entries[place];
    for (uint32_t low = 0, high = count - 1; low < high; low++, high--) {
        const struct user_event *swapped = positions[low];
        positions[low] = positions[high];
        positions[high] = swapped;
    }
    return count;
}

bool user_event_remembers(const struct user_events *events, uint32_t account,
                          struct user_number from)
{
    ASSERT(account >= 1 && account <= events->accounts_max);
    return user_number_compare(from, events->floor) >= 0 &&
           user_number_compare(from, events->accounts[account].lost) >= 0;
}

static struct user_number number_at(const struct user_events *events, uint32_t place)
{
    return (struct user_number){events->marks[place].command, events->marks[place].ordinal};
}

static bool is_behind(const struct user_events *events, uint32_t place, struct user_number from)
{
    return place != 0 && user_number_compare(number_at(events, place), from) > 0;
}

/* Places are used again: the guess is one when the account's last entry that is not behind `from` is there. */
static bool is_there(const struct user_events *events, uint32_t account, struct user_number from,
                     uint32_t guess)
{
    if (guess == 0 || events->memory.places[guess].account != account) return false;
    const uint32_t newer = events->memory.places[guess].newer;
    return !is_behind(events, guess, from) && (newer == 0 || is_behind(events, newer, from));
}

uint32_t user_event_find(const struct user_events *events, uint32_t account,
                         struct user_number from, uint32_t *behind_count)
{
    ASSERT(user_event_remembers(events, account, from));
    uint32_t place = events->memory.owners[account].newest;
    *behind_count = 0;
    for (; is_behind(events, place, from); place = events->memory.places[place].older)
        ++*behind_count;
    return place;
}

uint32_t user_event_behind(const struct user_events *events, uint32_t account,
                           struct user_number from, uint32_t guess)
{
    ASSERT(user_event_remembers(events, account, from));
    const uint32_t oldest = events->memory.owners[account].oldest;
    uint32_t behind_count;
    if (is_there(events, account, from, guess)) return events->memory.places[guess].newer;
    if (is_behind(events, oldest, from)) return oldest;
    const uint32_t last = user_event_find(events, account, from, &behind_count);
    return last == 0 ? 0 : events->memory.places[last].newer;
}
