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

static bool in_window(const struct ticker *ticker, uint64_t number, uint64_t now_ns)
{
    return minute_at(ticker, number)->open_ns + MINUTE_NS + TICKER_WINDOW_NS > now_ns;
}

uint64_t ticker_oldest(const struct ticker *ticker, uint64_t now_ns)
{
    const uint64_t kept = ticker->begun < TICKER_MINUTES ? 0 : ticker->begun - TICKER_MINUTES;
    const uint64_t first = ticker->first > kept ? ticker->first : kept;
    uint64_t number = ticker->expired;
    while (number < ticker->begun && !in_window(ticker, number, now_ns))
        number++;
    while (number > first && in_window(ticker, number - 1, now_ns))
        number--;
    return number;
}

const struct candle *ticker_minute(const struct ticker *ticker, uint64_t number)
{
    ASSERT(number >= ticker->first && number < ticker->begun);
    ASSERT(ticker->begun - number <= TICKER_MINUTES);
    return minute_at(ticker, number);
}

/* What the fill before the window cost; the first of all when it is in the window. */
static price_t close_before(const struct ticker *ticker)
{
    if (ticker->expired > ticker->first) return minute_at(ticker, ticker->expired - 1)->close;
    return minute_at(ticker, ticker->first)->open;
}

void ticker_advance(struct ticker *ticker, uint64_t now_ns)
{
    const uint64_t oldest = ticker_oldest(ticker, now_ns);
    if (oldest == ticker->expired) return;
    ticker->expired = oldest;
    ticker->previous_close = close_before(ticker);
    sum_up(ticker);
}

void ticker_add(struct ticker *ticker, const struct candle_fill *fill)
{
    ticker_advance(ticker, fill->stamp_ns);

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
    if (ticker->begun == 0) ticker->previous_close = fill->price;
    *minute_at(ticker, ticker->begun) = candle_begin(INTERVAL_1M, fill);
    ticker->begun++;
}

void ticker_restore(struct ticker *ticker, uint64_t begun, const struct candle *minutes,
                    uint32_t minute_count, const struct candle_fill *last)
{
    ASSERT(minute_count <= TICKER_MINUTES && minute_count <= begun);
    ticker->begun = begun;
    ticker->first = ticker->expired = begun - minute_count;
    for (uint32_t index = 0; index < minute_count; index++)
        *minute_at(ticker, ticker->first + index) = minutes[index];
    if (minute_count == 0) return;
    ticker->any = true;
    ticker->last = last->price;
    ticker->last_qty = last->qty;
    ticker->last_stamp_ns = last->stamp_ns;
    ticker->expired = ticker_oldest(ticker, last->stamp_ns);
    ticker->previous_close = close_before(ticker);
    sum_up(ticker);
}

void ticker_figures_of(const struct ticker *ticker, const struct candle *sum, uint64_t from_ns,
                       uint64_t now_ns, struct ticker_figures *figures)
{
    *figures = (struct ticker_figures){
        .any = ticker->any,
        .open_ns = from_ns,
        .close_ns = now_ns,
        .open = ticker->last,
        .high = ticker->last,
        .low = ticker->last,
        .last = ticker->last,
        .last_qty = ticker->last_qty,
    };
    if (sum->fill_count == 0) return;
    figures->open = sum->open;
    figures->high = sum->high;
    figures->low = sum->low;
    figures->first_trade_id = sum->first_trade_id;
    figures->last_trade_id = sum->last_trade_id;
    figures->fill_count = sum->fill_count;
    figures->volume_lots = sum->volume_lots;
    figures->quote_units = sum->quote_units;
}

static const struct candle *whole_window(const struct ticker *ticker)
{
    static const struct candle nothing;
    return ticker->expired == ticker->begun ? &nothing : &ticker->window;
}

void ticker_read(struct ticker *ticker, uint64_t now_ns, struct ticker_figures *figures)
{
    ticker_advance(ticker, now_ns);
    ticker_figures_of(ticker, whole_window(ticker),
                      now_ns < TICKER_WINDOW_NS ? 0 : now_ns - TICKER_WINDOW_NS, now_ns, figures);
    figures->previous_close = ticker->previous_close;
}

void ticker_window(struct ticker *ticker, uint64_t now_ns, uint64_t span_ns,
                   struct ticker_figures *figures)
{
    ASSERT(span_ns <= TICKER_WINDOW_NS);
    ticker_advance(ticker, now_ns);
    const uint64_t from_ns = now_ns < span_ns ? 0 : (now_ns - span_ns) / MINUTE_NS * MINUTE_NS;
    if (span_ns == TICKER_WINDOW_NS) {
        ticker_figures_of(ticker, whole_window(ticker), from_ns, now_ns, figures);
        return;
    }
    struct candle sum = {0};
    uint64_t number = ticker->begun;
    while (number > ticker->expired && minute_at(ticker, number - 1)->open_ns >= from_ns)
        number--;
    for (; number < ticker->begun; number++) {
        struct candle minute = *minute_at(ticker, number);
        minute.open_ns = 0;
        candle_join(&sum, &minute);
    }
    ticker_figures_of(ticker, &sum, from_ns, now_ns, figures);
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
