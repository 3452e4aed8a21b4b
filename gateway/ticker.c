#include "gateway/ticker.h"

#include <assert.h>

#define MINUTE_NS (60ull * 1000000000ull)

static_assert((TICKER_MINUTES & (TICKER_MINUTES - 1)) == 0, "minutes are indexed by a mask");
static_assert(TICKER_MINUTES > TICKER_WINDOW_NS / MINUTE_NS + 1, "a window touches 1,441 minutes");

bool ticker_init(struct ticker *ticker, struct arena *arena)
{
    *ticker = (struct ticker){0};
    ticker->minutes = arena_take_array(arena, TICKER_MINUTES, sizeof(*ticker->minutes));
    return ticker->minutes != NULL;
}

static struct candle *minute_at(const struct ticker *ticker, uint64_t number)
{
    return &ticker->minutes[number & (TICKER_MINUTES - 1)];
}

void ticker_add(struct ticker *ticker, const struct candle_fill *fill)
{
    ticker_advance(ticker, fill->stamp_ns);

    if (!ticker->any) ticker->previous_close = fill->price;
    ticker->any = true;
    ticker->last = fill->price;
    ticker->last_qty = fill->qty;
    ticker->last_stamp_ns = fill->stamp_ns;

    if (ticker->expired == ticker->begun) {
        ticker->window = candle_carried(0, fill->price);
    }
    candle_fold(&ticker->window, fill);

    if (ticker->begun > ticker->expired) {
        struct candle *minute = minute_at(ticker, ticker->begun - 1);
        if (fill->stamp_ns < minute->open_ns + MINUTE_NS) {
            candle_fold(minute, fill);
            return;
        }
    }
    *minute_at(ticker, ticker->begun) = candle_begin(INTERVAL_1M, fill);
    ticker->begun++;
}

/* The window anew from its minutes: what left may have been the high or the low. */
static void sum_up(struct ticker *ticker)
{
    ticker->window = (struct candle){0};
    for (uint64_t number = ticker->expired; number < ticker->begun; number++) {
        struct candle minute = *minute_at(ticker, number);
        minute.open_ns = 0;
        candle_join(&ticker->window, &minute);
    }
}

void ticker_advance(struct ticker *ticker, uint64_t now_ns)
{
    const uint64_t before = ticker->expired;
    while (ticker->expired < ticker->begun) {
        const struct candle *oldest = minute_at(ticker, ticker->expired);
        if (oldest->open_ns + MINUTE_NS + TICKER_WINDOW_NS > now_ns) break;
        ticker->previous_close = oldest->close;
        ticker->expired++;
    }
    if (ticker->expired != before) sum_up(ticker);
}

void ticker_read(struct ticker *ticker, uint64_t now_ns, struct ticker_figures *figures)
{
    ticker_advance(ticker, now_ns);
    *figures = (struct ticker_figures){
        .any = ticker->any,
        .open_ns = now_ns < TICKER_WINDOW_NS ? 0 : now_ns - TICKER_WINDOW_NS,
        .close_ns = now_ns,
        .open = ticker->last,
        .high = ticker->last,
        .low = ticker->last,
        .last = ticker->last,
        .previous_close = ticker->previous_close,
        .last_qty = ticker->last_qty,
    };
    if (ticker->expired == ticker->begun) return;

    const struct candle *window = &ticker->window;
    figures->open = window->open;
    figures->high = window->high;
    figures->low = window->low;
    figures->first_trade_id = window->first_trade_id;
    figures->last_trade_id = window->last_trade_id;
    figures->fill_count = window->fill_count;
    figures->volume_lots = window->volume_lots;
    figures->quote_units = window->quote_units;
}

void ticker_average(const struct ticker *ticker, uint64_t now_ns, struct ticker_average *average)
{
    *average = (struct ticker_average){
        .any = ticker->any, .last = ticker->last, .last_stamp_ns = ticker->last_stamp_ns};
    /* Whole minutes: the one that runs and the four before it. */
    const uint64_t minute_ns = now_ns - now_ns % MINUTE_NS;
    const uint64_t from_ns =
        minute_ns + MINUTE_NS < TICKER_AVERAGE_NS ? 0 : minute_ns + MINUTE_NS - TICKER_AVERAGE_NS;
    for (uint64_t number = ticker->begun; number > ticker->expired; number--) {
        const struct candle *minute = minute_at(ticker, number - 1);
        if (minute->open_ns < from_ns) break;
        average->volume_lots += minute->volume_lots;
        average->quote_units += minute->quote_units;
    }
}
