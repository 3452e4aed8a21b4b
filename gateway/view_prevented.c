#include "gateway/view_prevented.h"

void view_prevented_add(struct account_tail *tail, const struct prevented_event *prevented,
                        const struct applied *applied)
{
    /* Only orders of one account are kept from each other. */
    struct view_prevented *entry =
        account_tail_add(tail, prevented->taker_account, applied->number);
    entry->prevented_id = prevented->prevented_id;
    entry->maker_order = prevented->maker_order;
    entry->taker_order = prevented->taker_order;
    entry->time_ns = applied->stamp_ns;
    entry->price = prevented->price;
    entry->maker_qty = prevented->maker_qty;
    entry->taker_qty = prevented->taker_qty;
    entry->market = prevented->market;
    entry->mode = prevented->mode;
}
