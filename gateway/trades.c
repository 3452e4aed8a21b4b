#include "gateway/trades.h"

bool trades_init(struct trades *trades, struct arena *arena)
{
    *trades = (struct trades){0};
    trades->trades = arena_take_array(arena, TRADES_KEPT, sizeof(*trades->trades));
    trades->aggregates = arena_take_array(arena, TRADES_KEPT, sizeof(*trades->aggregates));
    return trades->trades != NULL && trades->aggregates != NULL;
}

void trades_add(struct trades *trades, const struct candle_fill *fill)
{
    trades->trades[trades->trade_count % TRADES_KEPT] = (struct trade){
        .id = fill->trade_id,
        .aggregate_id = fill->aggregate_id,
        .stamp_ns = fill->stamp_ns,
        .price = fill->price,
        .qty = fill->qty,
        .quote_units = fill->quote_units,
        .buyer_is_maker = fill->taker_side == SELL,
    };
    trades->trade_count++;

    if (trades->aggregate_count > 0) {
        const uint64_t last = (trades->aggregate_count - 1) % TRADES_KEPT;
        struct aggregate_trade *aggregate = &trades->aggregates[last];
        if (aggregate->id == fill->aggregate_id) {
            aggregate->last_id = fill->trade_id;
            aggregate->qty.lots += fill->qty.lots;
            return;
        }
    }
    trades->aggregates[trades->aggregate_count % TRADES_KEPT] = (struct aggregate_trade){
        .id = fill->aggregate_id,
        .first_id = fill->trade_id,
        .last_id = fill->trade_id,
        .stamp_ns = fill->stamp_ns,
        .price = fill->price,
        .qty = fill->qty,
        .buyer_is_maker = fill->taker_side == SELL,
    };
    trades->aggregate_count++;
}

static uint32_t kept(uint64_t count)
{
    return count < TRADES_KEPT ? (uint32_t)count : TRADES_KEPT;
}

uint32_t trades_kept(const struct trades *trades)
{
    return kept(trades->trade_count);
}

uint32_t trades_aggregates_kept(const struct trades *trades)
{
    return kept(trades->aggregate_count);
}

const struct trade *trades_at(const struct trades *trades, uint32_t index)
{
    const uint32_t count = kept(trades->trade_count);
    ASSERT(index < count);
    return &trades->trades[(trades->trade_count - count + index) % TRADES_KEPT];
}

const struct aggregate_trade *trades_aggregate_at(const struct trades *trades, uint32_t index)
{
    const uint32_t count = kept(trades->aggregate_count);
    ASSERT(index < count);
    return &trades->aggregates[(trades->aggregate_count - count + index) % TRADES_KEPT];
}

const struct trade *trades_last(const struct trades *trades)
{
    return trades->trade_count == 0 ? NULL : trades_at(trades, kept(trades->trade_count) - 1);
}

const struct aggregate_trade *trades_aggregate_last(const struct trades *trades)
{
    if (trades->aggregate_count == 0) return NULL;
    return trades_aggregate_at(trades, kept(trades->aggregate_count) - 1);
}

uint32_t trades_find(const struct trades *trades, uint64_t id)
{
    uint32_t low = 0, high = trades_kept(trades);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (trades_at(trades, middle)->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t trades_aggregate_find(const struct trades *trades, uint64_t id)
{
    uint32_t low = 0, high = trades_aggregates_kept(trades);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (trades_aggregate_at(trades, middle)->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
