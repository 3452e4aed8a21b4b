#include "engine/cancel.h"

#include "common/share.h"
#include "engine/done.h"

#include <string.h>

#define SWITCH_TIMEOUT_MS_MAX 86400000u

enum reject cancel_check_parties(const struct engine *engine, uint32_t account, uint16_t market)
{
    if (!accounts_exists(&engine->accounts, account)) return REJECT_UNKNOWN_ACCOUNT;
    if (market >= engine->params.market_count) return REJECT_UNKNOWN_MARKET;
    return REJECT_NONE;
}

uint32_t cancel_find(const struct engine *engine, const struct cancel_name *name)
{
    const struct directory *directory = &engine->directory;
    if (name->order_id == 0)
        return order_has_client_id(name->client_id)
                   ? directory_find_client(directory, name->account, name->market, name->client_id)
                   : NO_SLOT;

    const uint32_t slot = directory_find(directory, name->market, name->order_id);
    if (slot == NO_SLOT) return NO_SLOT;
    const struct order *order = &engine->books.orders.orders[slot];
    if (order->account != name->account) return NO_SLOT;
    if (order_has_client_id(name->client_id) &&
        memcmp(order->client_id, name->client_id, CLIENT_ID_BYTES) != 0)
        return NO_SLOT;
    return slot;
}

static enum reject restriction_check(const struct order_pool *orders, uint32_t slot,
                                     uint8_t restriction)
{
    if (restriction == CANCEL_ANY) return REJECT_NONE;
    const bool traded = order_executed(orders, slot).lots > 0;
    if (restriction > CANCEL_ONLY_PARTIALLY_FILLED) return REJECT_COMBINATION;
    return traded == (restriction == CANCEL_ONLY_PARTIALLY_FILLED) ? REJECT_NONE
                                                                   : REJECT_CANCEL_RESTRICTED;
}

enum reject cancel_named(struct engine *engine, const struct cancel_name *name, uint8_t restriction,
                         enum done_reason reason, struct event_writer *out)
{
    const uint32_t slot = cancel_find(engine, name);
    if (slot == NO_SLOT) return REJECT_UNKNOWN_ORDER;
    const enum reject reject = restriction_check(&engine->books.orders, slot, restriction);
    if (reject == REJECT_NONE) done_close(engine, slot, ORDER_CANCELED, reason, out);
    return reject;
}

enum reject cancel_order(struct engine *engine, const struct command *command,
                         struct event_writer *out)
{
    struct order_cancel_command cancel;
    order_cancel_command_get(command->payload, &cancel);
    const enum reject reject = cancel_check_parties(engine, cancel.account, cancel.market);
    if (reject != REJECT_NONE) return reject;
    const struct cancel_name name = {cancel.order_id, cancel.account, cancel.market,
                                     cancel.orig_client_id};
    return cancel_named(engine, &name, cancel.restriction, DONE_CANCELED, out);
}

/* Ends the account's open orders in the market, in rising id. */
static void roster_close(struct engine *engine, uint32_t account, uint16_t market,
                         enum done_reason reason, struct event_writer *out)
{
    const struct roster *roster;
    /* Ends: each pass closes one, and those of its list. */
    while ((roster = directory_roster(&engine->directory, account, market)) != NULL)
        done_close(engine, roster->oldest, ORDER_CANCELED, reason, out);
}

enum reject cancel_all(struct engine *engine, const struct command *command,
                       struct event_writer *out)
{
    struct cancel_all_command cancel;
    cancel_all_command_get(command->payload, &cancel);
    const enum reject reject = cancel_check_parties(engine, cancel.account, cancel.market);
    if (reject != REJECT_NONE) return reject;
    if (directory_roster(&engine->directory, cancel.account, cancel.market) == NULL)
        return REJECT_UNKNOWN_ORDER;
    roster_close(engine, cancel.account, cancel.market, DONE_CANCELED_ALL, out);
    return REJECT_NONE;
}

static bool list_is(const struct list *list, const struct list_cancel_command *cancel)
{
    const bool by_client = order_has_client_id(cancel->orig_client_id);
    if (cancel->list_id == 0 && !by_client) return false;
    if (cancel->list_id != 0 && list->id != cancel->list_id) return false;
    return !by_client || memcmp(list->client_id, cancel->orig_client_id, CLIENT_ID_BYTES) == 0;
}

enum reject cancel_list(struct engine *engine, const struct command *command,
                        struct event_writer *out)
{
    struct list_cancel_command cancel;
    list_cancel_command_get(command->payload, &cancel);
    const enum reject reject = cancel_check_parties(engine, cancel.account, cancel.market);
    if (reject != REJECT_NONE) return reject;

    const struct order_pool *pool = &engine->books.orders;
    const struct roster *roster =
        directory_roster(&engine->directory, cancel.account, cancel.market);
    uint32_t slot = roster == NULL ? NO_SLOT : roster->oldest;
    for (; slot != NO_SLOT; slot = pool->orders[slot].roster_newer) {
        const struct list *list = lists_of(&engine->lists, pool, slot);
        if (list == NULL || !list_is(list, &cancel)) continue;
        /* The first of it in rising id is its first open leg. */
        done_close(engine, slot, ORDER_CANCELED, DONE_CANCELED, out);
        return REJECT_NONE;
    }
    return REJECT_UNKNOWN_ORDER;
}

static bool is_of_session(struct engine *engine, const struct order *order, uint32_t session)
{
    if ((order->flags & ORDER_BOUND) == 0) return false;
    const struct order_extra *extra = state_extra(engine, order);
    return extra->session == session && extra->origin == engine->origin;
}

/* The account's first order above `id` that is bound to the session, or NO_SLOT. */
static uint32_t session_next(struct engine *engine, const struct session_end_command *end,
                             uint64_t id)
{
    const struct roster *roster = directory_roster(&engine->directory, end->account, end->market);
    uint32_t slot = roster == NULL ? NO_SLOT : roster->oldest;
    for (; slot != NO_SLOT; slot = state_order(engine, slot)->roster_newer) {
        const struct order *order = state_order(engine, slot);
        if (order->id > id && is_of_session(engine, order, end->session)) return slot;
    }
    return NO_SLOT;
}

enum reject cancel_session(struct engine *engine, const struct command *command,
                           struct event_writer *out)
{
    struct session_end_command end;
    session_end_command_get(command->payload, &end);
    const enum reject reject = cancel_check_parties(engine, end.account, end.market);
    if (reject != REJECT_NONE) return reject;

    uint64_t id = 0;
    uint32_t slot;
    while ((slot = session_next(engine, &end, id)) != NO_SLOT) {
        id = state_order(engine, slot)->id;
        done_close(engine, slot, ORDER_CANCELED, DONE_SESSION, out);
    }
    return REJECT_NONE;
}

/* The first order from `slot` on, in order of acceptance, that is bound to the origin. */
static uint32_t bound_next(struct engine *engine, uint32_t slot, uint32_t origin)
{
    while (slot != NO_SLOT) {
        const struct order_extra *extra = state_extra(engine, state_order(engine, slot));
        if (extra->origin == origin) return slot;
        slot = extra->bound_newer;
    }
    return NO_SLOT;
}

void cancel_bound(struct engine *engine, uint32_t node, struct event_writer *out)
{
    uint32_t slot = bound_next(engine, engine->bound_oldest, node);
    while (slot != NO_SLOT) {
        const struct order *order = state_order(engine, slot);
        const uint32_t newer = state_extra(engine, order)->bound_newer;
        const bool listed = (order->flags & ORDER_LISTED) != 0;
        done_close(engine, slot, ORDER_CANCELED, DONE_ORIGIN_LOST, out);
        /* The end of a list's order may have ended the next one too. */
        slot = bound_next(engine, listed ? engine->bound_oldest : newer, node);
    }
}

enum reject cancel_origin(struct engine *engine, const struct command *command,
                          struct event_writer *out)
{
    struct origin_lost_command lost;
    origin_lost_command_get(command->payload, &lost);
    if (!origins_lose(&engine->origins, lost.node, lost.epoch)) return REJECT_STALE_SEQUENCE;

    cancel_bound(engine, lost.node, out);
    return REJECT_NONE;
}

/* Whether the account may have one more, or has one there already. */
static bool may_arm(const struct engine *engine, const struct switch_set_command *set)
{
    const struct switches *switches = &engine->switches;
    return share_allows(&engine->params, share_switches(&engine->params), switches->count,
                        switches->owned[set->account]) ||
           switches_has(switches, set->account, set->market);
}

enum reject cancel_switch_set(struct engine *engine, const struct command *command,
                              struct event_writer *out)
{
    struct switch_set_command set;
    switch_set_command_get(command->payload, &set);
    const enum reject reject = cancel_check_parties(engine, set.account, set.market);
    if (reject != REJECT_NONE) return reject;
    if (set.timeout_ms > SWITCH_TIMEOUT_MS_MAX) return REJECT_SWITCH_TIMEOUT;

    struct switch_armed_event armed = {.account = set.account, .market = set.market};
    if (set.timeout_ms == 0) {
        switches_clear(&engine->switches, set.account, set.market);
    } else {
        armed.deadline_ns = engine->stamp_ns + set.timeout_ms * UINT64_C(1000000);
        if (!may_arm(engine, &set) ||
            !switches_set(&engine->switches, set.account, set.market, armed.deadline_ns))
            return REJECT_ORDERS_FULL;
    }
    event_write_switch_armed(out, &armed);
    return REJECT_NONE;
}

void cancel_switches(struct engine *engine, struct event_writer *out)
{
    struct switch_due due;
    while (switches_due(&engine->switches, engine->stamp_ns, &due)) {
        const struct switch_fired_event fired = {
            .deadline_ns = due.deadline_ns, .account = due.account, .market = due.market};
        event_write_switch_fired(out, &fired);
        roster_close(engine, due.account, due.market, DONE_SWITCH, out);
    }
}
