#include "gateway/reply_ticker.h"

#include "gateway/text.h"

static void put_ratio(struct writer *json, const char *name, __int128 numerator,
                      __int128 denominator, int places)
{
    char bytes[64];
    struct text text = text_over(bytes, sizeof(bytes));
    text_ratio(&text, numerator, denominator > 0 ? denominator : 1, places);
    writer_key_text(json, name, bytes, text.used);
}

/* The powers of ten of both assets are brought in. */
void reply_average(struct writer *json, const struct params *params, uint16_t market,
                   const char *name, __int128 quote_units, __int128 volume_lots)
{
    const struct market *listing = &params->markets[market];
    const int shift =
        params->assets[listing->base].decimals - params->assets[listing->quote].decimals;
    const __int128 base_units = volume_lots * listing->lot_units;
    if (shift >= 0)
        put_ratio(json, name, quote_units * decimal_power(shift), base_units, 8);
    else
        put_ratio(json, name, quote_units, base_units * decimal_power(-shift), 8);
}

void reply_best(struct writer *json, const struct printing *printing, uint16_t market,
                const struct depth *depth)
{
    const struct params *params = printing->params;
    struct depth_level bid, ask;
    if (!depth_best(depth, BUY, &bid)) bid = (struct depth_level){0};
    if (!depth_best(depth, SELL, &ask)) ask = (struct depth_level){0};
    reply_price(json, params, market, "bidPrice", bid.price);
    reply_qty(json, params, market, "bidQty", bid.qty);
    reply_price(json, params, market, "askPrice", ask.price);
    reply_qty(json, params, market, "askQty", ask.qty);
}

static void put_changes(struct writer *json, const struct params *params, uint16_t market,
                        const struct ticker_figures *figures)
{
    const int64_t change = figures->last.ticks - figures->open.ticks;
    reply_price(json, params, market, "priceChange", (price_t){change});
    put_ratio(json, "priceChangePercent", (__int128)change * 100, figures->open.ticks, 3);
    reply_average(json, params, market, "weightedAvgPrice", figures->quote_units,
                  figures->volume_lots);
}

static void put_range(struct writer *json, const struct printing *printing, uint16_t market,
                      const struct ticker_figures *figures)
{
    const struct params *params = printing->params;
    const struct market *listing = &params->markets[market];
    reply_price(json, params, market, "openPrice", figures->open);
    reply_price(json, params, market, "highPrice", figures->high);
    reply_price(json, params, market, "lowPrice", figures->low);
    writer_key_decimal(json, "volume", figures->volume_lots * listing->lot_units,
                       params->assets[listing->base].decimals);
    reply_quote(json, params, market, "quoteVolume", figures->quote_units);
}

static void put_time_and_count(struct writer *json, const struct printing *printing,
                               const struct ticker_figures *figures)
{
    const bool traded = figures->fill_count > 0;
    writer_key_u64(json, "openTime", figures->open_ns / printing->time_unit_ns);
    writer_key_u64(json, "closeTime", figures->close_ns / printing->time_unit_ns);
    writer_key_i64(json, "firstId", traded ? (int64_t)figures->first_trade_id : -1);
    writer_key_i64(json, "lastId", traded ? (int64_t)figures->last_trade_id : -1);
    writer_key_u64(json, "count", figures->fill_count);
}

void reply_ticker_day(struct writer *json, const struct printing *printing,
                      const struct market_view *view, const struct ticker_figures *figures,
                      bool mini)
{
    const struct params *params = printing->params;
    writer_object(json);
    writer_key_string(json, "symbol", view->symbol);
    if (!mini) {
        put_changes(json, params, view->market, figures);
        reply_price(json, params, view->market, "prevClosePrice", figures->previous_close);
    }
    reply_price(json, params, view->market, "lastPrice", figures->last);
    if (!mini) {
        reply_qty(json, params, view->market, "lastQty", figures->last_qty);
        reply_best(json, printing, view->market, &view->depth);
    }
    put_range(json, printing, view->market, figures);
    put_time_and_count(json, printing, figures);
    writer_object_end(json);
}

void reply_ticker_window(struct writer *json, const struct printing *printing, uint16_t market,
                         const struct ticker_figures *figures, bool mini)
{
    const struct params *params = printing->params;
    writer_object(json);
    writer_key_string(json, "symbol", params->markets[market].symbol);
    if (!mini) put_changes(json, params, market, figures);
    reply_price(json, params, market, "lastPrice", figures->last);
    put_range(json, printing, market, figures);
    put_time_and_count(json, printing, figures);
    writer_object_end(json);
}
