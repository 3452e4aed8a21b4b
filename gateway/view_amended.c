#include "gateway/view_amended.h"

#include <string.h>

void view_amended_add(struct account_tail *tail, const struct order_amended_event *amended,
                      const uint8_t former_client_id[36], const struct applied *applied)
{
    struct view_amended *entry = account_tail_add(tail, amended->account, applied->number);
    entry->order_id = amended->order_id;
    entry->time_ns = applied->stamp_ns;
    entry->qty_before = amended->qty_before;
    entry->qty = amended->qty;
    entry->market = amended->market;
    memcpy(entry->former_client_id, former_client_id, sizeof(entry->former_client_id));
    memcpy(entry->client_id, amended->client_id, sizeof(entry->client_id));
}
