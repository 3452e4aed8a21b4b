#include "engine/cancel.h"

#include "engine/done.h"

#include <string.h>

static enum reject parties_check(const struct engine *engine, uint32_t account, uint16_t market)
{
    if (!accounts_exists(&engine->accounts, account)) return REJECT_UNKNOWN_ACCOUNT;
    if (market >= engine->params.market_count) return REJECT_UNKNOWN_MARKET;
    return REJECT_NONE;
}

/* The open order that the command names, or NO_SLOT. */
static uint32_t order_named(const struct engine *engine, const struct order_cancel_command *cancel)
{
    const struct directory *directory = &engine->directory;
    if (cancel->order_id == 0)
        return order_has_client_id(cancel->orig_client_id)
                   ? directory_find_client(directory, cancel->account, cancel->market,
                                           cancel->orig_client_id)
                   : NO_SLOT;

    const uint32_t slot = directory_find(directory, cancel->market, cancel->order_id);
    if (slot == NO_SLOT) return NO_SLOT;
    if (engine->books.orders.orders[slot].account != cancel->account) return NO_SLOT;
    const uint8_t *client_id = engine->books.orders.orders[slot].client_id;
    if (order_has_client_id(cancel->orig_client_id) &&
        memcmp(client_id, cancel->orig_client_id, CLIENT_ID_BYTES) != 0)
        return NO_SLOT;
    return slot;
}

static enum reject restriction_check(const struct order_pool *orders, uint32_t slot,
                                     uint8_t restriction)
{
    const bool traded = order_executed(orders, slot).lots > 0;
    if (restriction > CANCEL_ONLY_PARTIALLY_FILLED) return REJECT_COMBINATION;
    if (restriction == CANCEL_ONLY_NEW && traded) return REJECT_CANCEL_RESTRICTED;
    if (restriction == CANCEL_ONLY_PARTIALLY_FILLED && !traded) return REJECT_CANCEL_RESTRICTED;
    return REJECT_NONE;
}

enum reject cancel_order(struct engine *engine, const struct order_cancel_command *cancel,
                         struct event_writer *out)
{
    enum reject reject = parties_check(engine, cancel->account, cancel->market);
    if (reject != REJECT_NONE) return reject;

    const uint32_t slot = order_named(engine, cancel);
    if (slot == NO_SLOT) return REJECT_UNKNOWN_ORDER;
    reject = restriction_check(&engine->books.orders, slot, cancel->restriction);
    if (reject != REJECT_NONE) return reject;

    done_close(engine, slot, ORDER_CANCELED, DONE_CANCELED, out);
    done_write_levels(engine, out);
    return REJECT_NONE;
}

enum reject cancel_all(struct engine *engine, const struct cancel_all_command *cancel,
                       struct event_writer *out)
{
    const enum reject reject = parties_check(engine, cancel->account, cancel->market);
    if (reject != REJECT_NONE) return reject;

    const struct roster *roster =
        directory_roster(&engine->directory, cancel->account, cancel->market);
    if (roster == NULL) return REJECT_UNKNOWN_ORDER;

    uint32_t slot = roster->oldest; /* `roster` is gone with its last order */
    while (slot != NO_SLOT) {
        const uint32_t newer = engine->books.orders.orders[slot].roster_newer;
        done_close(engine, slot, ORDER_CANCELED, DONE_CANCELED_ALL, out);
        slot = newer;
    }
    done_write_levels(engine, out);
    return REJECT_NONE;
}
