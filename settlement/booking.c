#include "settlement/booking.h"

#include "settlement/word.h"

static enum status post_house(struct settlement *s, const struct posting *posting)
{
    struct totals *totals = &s->totals[posting->asset];
    switch (posting->account) {
    case POSTING_FEES:
        totals->fees += posting->amount.units;
        return STATUS_OK;
    case POSTING_ROUNDING:
        totals->rounding += posting->amount.units;
        return STATUS_OK;
    case POSTING_IN_FLIGHT:
        totals->in_flight += posting->amount.units;
        return STATUS_OK;
    case POSTING_HOUSE:
        totals->house += posting->amount.units;
        return STATUS_OK;
    default:
        ASSERT(posting->account == POSTING_EXTERNAL);
        totals->external -= posting->amount.units; /* what came in is a debt of the house */
        return STATUS_OK;
    }
}

static enum status post_user(struct settlement *s, const struct posting *posting)
{
    const uint32_t account = (uint32_t)posting->account;
    struct balance_cell *cell = balance_sheet_cell(s->accounts, account, posting->asset);
    const bool held = posting->place == POSTING_HELD;
    amount_t *balance = held ? &cell->held : &cell->available;
    const struct settle_mismatch found = {.what = held ? "held balance" : "available balance",
                                          .account = account,
                                          .asset = posting->asset,
                                          .ours = balance->units};

    settle_touch(s, account);
    amount_t after;
    if (!amount_add(*balance, posting->amount, &after)) return settle_differs(s, &found);
    word_put(&balance->units, (uint64_t)after.units); /* a journal's reader may be there */
    s->totals[posting->asset].users += posting->amount.units;
    if (account <= s->sweep.to) s->sweep.users[posting->asset] += posting->amount.units;
    return STATUS_OK;
}

/* No balance may be below zero after a set; within one it may pass through it. */
static enum status check_not_negative(struct settlement *s, const struct posting *posting)
{
    if (posting->account == POSTING_FEES && s->totals[posting->asset].fees < 0)
        return settle_differs(s, &(struct settle_mismatch){.what = "fees below zero",
                                                           .asset = posting->asset,
                                                           .theirs = posting->amount.units});
    if (posting->account == POSTING_IN_FLIGHT && s->totals[posting->asset].in_flight < 0)
        return settle_differs(s, &(struct settle_mismatch){.what = "in flight below zero",
                                                           .asset = posting->asset,
                                                           .theirs = posting->amount.units});
    if (posting->account < 0) return STATUS_OK;
    const struct balance_cell *cell =
        balance_sheet_cell(s->accounts, (uint32_t)posting->account, posting->asset);
    if (cell->available.units >= 0 && cell->held.units >= 0) return STATUS_OK;
    const bool held = cell->held.units < 0;
    return settle_differs(
        s, &(struct settle_mismatch){.what = held ? "held balance below zero"
                                                  : "available balance below zero",
                                     .account = (uint32_t)posting->account,
                                     .asset = posting->asset,
                                     .ours = held ? cell->held.units : cell->available.units});
}

enum status booking_post(struct settlement *s, const struct posting_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct posting *posting = &set->items[i];
        const enum status status =
            posting->account < 0 ? post_house(s, posting) : post_user(s, posting);
        if (status != STATUS_OK) return status;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        const enum status status = check_not_negative(s, &set->items[i]);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

bool booking_need(const struct settlement *s, const struct hold_entry *entry, amount_t *need)
{
    if (order_by_quote(entry)) return false;
    if (entry->side == BUY && entry->hold_price.ticks == 0) return false;
    return posting_hold_needed(&s->params.markets[entry->market], entry->side, entry->hold_price,
                               order_rest(entry), need);
}

struct hold_entry *booking_sibling(struct settlement *s, const struct hold_entry *entry)
{
    /* OCO pairs legs 0 and 1, OTOCO 1 and 2; an OTO has no pair, nor has a working order. */
    const uint8_t first_leg = entry->list_kind == LIST_OTOCO;
    if (entry->list_id == 0 || entry->list_kind == LIST_OTO || entry->leg < first_leg) return NULL;
    const uint64_t other = entry->list_first + (entry->leg == first_leg) + first_leg;
    return hold_book_find(s->orders, entry->market, other);
}

bool booking_due(struct settlement *s, const struct hold_entry *entry, amount_t *due)
{
    amount_t sibling_need;
    *due = (amount_t){0};
    if (entry->state == HOLD_PENDING) return true;
    if (!booking_need(s, entry, due)) return false;
    const struct hold_entry *sibling = booking_sibling(s, entry);
    if (sibling == NULL) return true;
    if (!booking_need(s, sibling, &sibling_need)) return false;
    if (sibling_need.units > due->units) *due = sibling_need;
    if (sibling->leg < entry->leg) due->units = 0;
    return true;
}

enum status booking_hold(struct settlement *s, struct hold_entry *entry, amount_t to)
{
    const int64_t more = to.units - entry->left.units; /* both from 0 up */
    const amount_t moved = {more > 0 ? more : -more};
    const struct posting_set set = more > 0 ? posting_hold(entry->account, entry->asset, moved)
                                            : posting_release(entry->account, entry->asset, moved);
    entry->left = to;
    return booking_post(s, &set);
}

enum status booking_shrink(struct settlement *s, struct hold_entry *entry)
{
    amount_t need, sibling_need = {0};
    struct hold_entry *sibling = booking_sibling(s, entry);
    if (!booking_need(s, entry, &need)) return STATUS_OK;
    if (sibling != NULL && !booking_need(s, sibling, &sibling_need)) return STATUS_OK;
    if (sibling_need.units > need.units) need = sibling_need;

    /* One of the two carries the pair's hold. */
    struct hold_entry *carrier = sibling != NULL && sibling->left.units > 0 ? sibling : entry;
    if (need.units > carrier->left.units)
        return settle_differs_order(s, "hold below need", entry->market, entry->order_id,
                                    entry->account, need.units, carrier->left.units);
    return booking_hold(s, carrier, need);
}
