#include "gateway/recall.h"
#include "gateway/route.h"
#include "gateway/text.h"
#include "gateway/zone.h"

#include "common/parameter.h"

#define DEPTH_LIMIT_MAX 5000

/* ---- depth ---- */

static void put_levels(struct request *request, const struct facts *facts, uint16_t market,
                       const char *name, const struct depth_level *levels, uint32_t count)
{
    const struct market *listing = &facts->params->markets[market];
    const int quote = facts->params->assets[listing->quote].decimals;
    const int base = facts->params->assets[listing->base].decimals;
    struct writer *json = &request->json;
    writer_key(json, name);
    writer_array(json);
    for (uint32_t index = 0; index < count; index++) {
        writer_array(json);
        writer_decimal(json, (__int128)levels[index].price.ticks * listing->tick_units, quote);
        writer_decimal(json, (__int128)levels[index].qty.lots * listing->lot_units, base);
        writer_array_end(json);
    }
    writer_array_end(json);
}

enum outcome market_data_depth(struct request *request, const struct facts *facts)
{
    uint16_t market;
    uint32_t limit;
    struct depth_level levels[DEPTH_LIMIT_MAX];
    if (!request_market(request, facts, &market) ||
        !request_limit(request, 100, DEPTH_LIMIT_MAX, &limit))
        return OUTCOME_REFUSED;
    request->weight = limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1000 ? 50 : 250;

    const struct depth *depth = &market_views_at(facts->markets, market)->depth;
    writer_object(&request->json);
    writer_key_u64(&request->json, "lastUpdateId", depth->update_id);
    put_levels(request, facts, market, "bids", levels, depth_top(depth, BUY, levels, limit));
    put_levels(request, facts, market, "asks", levels, depth_top(depth, SELL, levels, limit));
    writer_object_end(&request->json);
    return OUTCOME_ANSWERED;
}

/* ---- trades ---- */

static enum outcome put_trades(struct request *request, const struct facts *facts, uint16_t market,
                               uint32_t first, uint32_t limit)
{
    const struct trades *trades = &market_views_at(facts->markets, market)->trades;
    const struct printing printing = request_printing(request, facts);
    const uint32_t kept = trades_kept(trades);
    writer_array(&request->json);
    for (uint32_t index = first; index < kept && index - first < limit; index++)
        recall_put_trade(&request->json, &printing, market, trades_at(trades, index));
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome market_data_trades(struct request *request, const struct facts *facts)
{
    uint16_t market;
    uint32_t limit;
    if (!request_market(request, facts, &market) || !request_limit(request, 500, 1000, &limit))
        return OUTCOME_REFUSED;
    const uint32_t kept = trades_kept(&market_views_at(facts->markets, market)->trades);
    return put_trades(request, facts, market, kept > limit ? kept - limit : 0, limit);
}

enum outcome market_data_historical_trades(struct request *request, const struct facts *facts)
{
    uint16_t market;
    uint32_t limit;
    uint64_t from = 0;
    bool has_from;
    if (!request_market(request, facts, &market) ||
        !request_u64(request, "fromId", &from, &has_from) ||
        !request_limit(request, 500, 1000, &limit))
        return OUTCOME_REFUSED;
    if (!has_from) return market_data_trades(request, facts);

    const struct trades *trades = &market_views_at(facts->markets, market)->trades;
    const uint32_t kept = trades_kept(trades);
    if (kept == trades->trade_count || from >= trades_at(trades, 0)->id)
        return put_trades(request, facts, market, trades_find(trades, from), limit);
    request->history = (struct history_query){
        .kind = HISTORY_TRADES,
        .market = market,
        .limit = limit,
        .id_min = from,
        .id_max = INT64_MAX,
        .end_ns = INT64_MAX,
    };
    return OUTCOME_HISTORY;
}

/* ---- aggregates ---- */

static bool aggregate_matches(const struct history_query *query,
                              const struct aggregate_trade *aggregate)
{
    return aggregate->id >= query->id_min && aggregate->stamp_ns >= query->start_ns &&
           aggregate->stamp_ns <= query->end_ns;
}

/* Whether memory has every aggregate the query may show. */
static bool aggregates_suffice(const struct history_query *query, const struct trades *trades)
{
    const uint32_t kept = trades_aggregates_kept(trades);
    if (kept == trades->aggregate_count) return true;
    const struct aggregate_trade *oldest = trades_aggregate_at(trades, 0);
    if (query->id_min >= oldest->id || query->start_ns > oldest->stamp_ns) return true;
    return query->newest && query->end_ns == INT64_MAX;
}

static enum outcome put_aggregates(struct request *request, const struct facts *facts,
                                   const struct history_query *query)
{
    const struct trades *trades = &market_views_at(facts->markets, query->market)->trades;
    const struct printing printing = request_printing(request, facts);
    const uint32_t kept = trades_aggregates_kept(trades);
    uint32_t matching = 0;
    for (uint32_t index = 0; index < kept && query->newest; index++)
        matching += aggregate_matches(query, trades_aggregate_at(trades, index));
    uint32_t skip = matching > query->limit ? matching - query->limit : 0;
    uint32_t put = 0;

    writer_array(&request->json);
    for (uint32_t index = 0; index < kept && put < query->limit; index++) {
        const struct aggregate_trade *aggregate = trades_aggregate_at(trades, index);
        if (!aggregate_matches(query, aggregate)) continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        recall_put_aggregate(&request->json, &printing, query->market, aggregate);
        put++;
    }
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
}

enum outcome market_data_aggregates(struct request *request, const struct facts *facts)
{
    struct history_query *query = &request->history;
    bool has_from, has_start, has_end;
    *query = (struct history_query){.kind = HISTORY_AGGREGATES, .id_max = INT64_MAX};
    if (!request_market(request, facts, &query->market) ||
        !request_u64(request, "fromId", &query->id_min, &has_from) ||
        !request_range(request, &query->start_ns, &has_start, &query->end_ns, &has_end) ||
        !request_limit(request, 500, 1000, &query->limit))
        return OUTCOME_REFUSED;
    query->newest = !has_from && !has_start;
    if (aggregates_suffice(query, &market_views_at(facts->markets, query->market)->trades))
        return put_aggregates(request, facts, query);
    return OUTCOME_HISTORY;
}

/* ---- candles ---- */

enum outcome market_data_candles(struct request *request, const struct facts *facts)
{
    struct history_query *query = &request->history;
    const struct form_field *interval, *zone;
    bool has_start, has_end;
    int64_t zone_ns = 0;
    *query = (struct history_query){.kind = HISTORY_CANDLES, .id_max = INT64_MAX};
    if (!request_market(request, facts, &query->market) ||
        !parameter_mandatory(request->form, "interval", &interval, &request->refusal) ||
        !parameter_optional(request->form, "timeZone", &zone, &request->refusal) ||
        !request_range(request, &query->start_ns, &has_start, &query->end_ns, &has_end) ||
        !request_limit(request, 500, RECALL_LIMIT_MAX, &query->limit))
        return OUTCOME_REFUSED;
    if (!interval_parse(interval->value, interval->value_bytes, &query->interval))
        return request_refuse(request, REJECT_INTERVAL, NULL, NULL);
    if (zone != NULL && !zone_read(zone->value, zone->value_bytes, &zone_ns))
        return request_refuse(request, REJECT_DATA, "timeZone", NULL);
    query->newest = !has_start;
    if (!zone_is_utc(query->interval, zone_ns))
        zone_ask(query, zone_ns, market_views_at(facts->markets, query->market)->series,
                 market_views_now_ns(facts->markets));
    return OUTCOME_HISTORY;
}

/* ---- tickers ---- */

static void put_price(struct writer *json, const struct facts *facts, uint16_t market,
                      const char *name, price_t price)
{
    reply_price(json, facts->params, market, name, price);
}

static void put_best(struct writer *json, const struct facts *facts, uint16_t market,
                     const struct depth *depth)
{
    struct depth_level bid, ask;
    if (!depth_best(depth, BUY, &bid)) bid = (struct depth_level){0};
    if (!depth_best(depth, SELL, &ask)) ask = (struct depth_level){0};
    put_price(json, facts, market, "bidPrice", bid.price);
    reply_qty(json, facts->params, market, "bidQty", bid.qty);
    put_price(json, facts, market, "askPrice", ask.price);
    reply_qty(json, facts->params, market, "askQty", ask.qty);
}

static void put_ratio(struct writer *json, const char *name, __int128 numerator,
                      __int128 denominator, int places)
{
    char bytes[64];
    struct text text = text_over(bytes, sizeof(bytes));
    text_ratio(&text, numerator, denominator > 0 ? denominator : 1, places);
    writer_key_text(json, name, bytes, text.used);
}

/* quote / base in whole units: the powers of ten of both assets are brought in. */
static void put_average(struct writer *json, const struct facts *facts, uint16_t market,
                        const char *name, __int128 quote_units, __int128 volume_lots)
{
    const struct market *listing = &facts->params->markets[market];
    const int shift = facts->params->assets[listing->base].decimals -
                      facts->params->assets[listing->quote].decimals;
    const __int128 base_units = volume_lots * listing->lot_units;
    if (shift >= 0)
        put_ratio(json, name, quote_units * decimal_power(shift), base_units, 8);
    else
        put_ratio(json, name, quote_units, base_units * decimal_power(-shift), 8);
}

static void put_volumes(struct writer *json, const struct facts *facts, uint16_t market,
                        const struct ticker_figures *figures)
{
    const struct market *listing = &facts->params->markets[market];
    writer_key_decimal(json, "volume", figures->volume_lots * listing->lot_units,
                       facts->params->assets[listing->base].decimals);
    reply_quote(json, facts->params, market, "quoteVolume", figures->quote_units);
}

static void put_window(struct request *request, const struct ticker_figures *figures)
{
    const bool traded = figures->fill_count > 0;
    struct writer *json = &request->json;
    writer_key_u64(json, "openTime", figures->open_ns / request->time_unit_ns);
    writer_key_u64(json, "closeTime", figures->close_ns / request->time_unit_ns);
    writer_key_i64(json, "firstId", traded ? (int64_t)figures->first_trade_id : -1);
    writer_key_i64(json, "lastId", traded ? (int64_t)figures->last_trade_id : -1);
    writer_key_u64(json, "count", figures->fill_count);
}

static void put_changes(struct writer *json, const struct facts *facts, uint16_t market,
                        const struct ticker_figures *figures)
{
    const int64_t change = figures->last.ticks - figures->open.ticks;
    put_price(json, facts, market, "priceChange", (price_t){change});
    put_ratio(json, "priceChangePercent", (__int128)change * 100, figures->open.ticks, 3);
    put_average(json, facts, market, "weightedAvgPrice", figures->quote_units,
                figures->volume_lots);
    put_price(json, facts, market, "prevClosePrice", figures->previous_close);
}

static void put_day(struct request *request, const struct facts *facts, uint16_t market, bool mini)
{
    struct market_view *view = market_views_at(facts->markets, market);
    struct writer *json = &request->json;
    struct ticker_figures figures;
    ticker_read(&view->ticker, market_views_now_ns(facts->markets), &figures);

    writer_object(json);
    writer_key_string(json, "symbol", view->symbol);
    if (!mini) put_changes(json, facts, market, &figures);
    put_price(json, facts, market, "lastPrice", figures.last);
    if (!mini) {
        reply_qty(json, facts->params, market, "lastQty", figures.last_qty);
        put_best(json, facts, market, &view->depth);
    }
    put_price(json, facts, market, "openPrice", figures.open);
    put_price(json, facts, market, "highPrice", figures.high);
    put_price(json, facts, market, "lowPrice", figures.low);
    put_volumes(json, facts, market, &figures);
    put_window(request, &figures);
    writer_object_end(json);
}

/* Walks the markets that were asked for: an object for one symbol, an array otherwise. */
static enum outcome put_tickers(struct request *request, const struct facts *facts, bool mini,
                                void (*put)(struct request *, const struct facts *, uint16_t, bool))
{
    uint16_t markets[PARAMS_MARKETS_LIMIT];
    uint32_t count;
    bool single;
    if (!request_markets(request, facts, markets, &count, &single)) return OUTCOME_REFUSED;
    if (!single) writer_array(&request->json);
    for (uint32_t index = 0; index < count; index++)
        put(request, facts, markets[index], mini);
    if (!single) writer_array_end(&request->json);
    if (!single && request->weight < 4) request->weight = 4;
    return OUTCOME_ANSWERED;
}

enum outcome market_data_day(struct request *request, const struct facts *facts)
{
    static const struct parameter_word types[] = {{"FULL", 0}, {"MINI", 1}};
    const struct form_field *type;
    uint8_t mini = 0;
    if (!parameter_optional(request->form, "type", &type, &request->refusal))
        return OUTCOME_REFUSED;
    if (type != NULL && !parameter_word(type, types, 2, REJECT_DATA, &mini, &request->refusal))
        return OUTCOME_REFUSED;
    if (form_find(request->form, "symbol") == NULL)
        request->weight = form_find(request->form, "symbols") == NULL ? 80 : 40;
    return put_tickers(request, facts, mini != 0, put_day);
}

static void put_last_price(struct request *request, const struct facts *facts, uint16_t market,
                           bool mini)
{
    (void)mini;
    const struct market_view *view = market_views_at(facts->markets, market);
    writer_object(&request->json);
    writer_key_string(&request->json, "symbol", view->symbol);
    put_price(&request->json, facts, market, "price", view->ticker.last);
    writer_object_end(&request->json);
}

enum outcome market_data_price(struct request *request, const struct facts *facts)
{
    return put_tickers(request, facts, false, put_last_price);
}

static void put_best_prices(struct request *request, const struct facts *facts, uint16_t market,
                            bool mini)
{
    (void)mini;
    const struct market_view *view = market_views_at(facts->markets, market);
    writer_object(&request->json);
    writer_key_string(&request->json, "symbol", view->symbol);
    put_best(&request->json, facts, market, &view->depth);
    writer_object_end(&request->json);
}

enum outcome market_data_best(struct request *request, const struct facts *facts)
{
    return put_tickers(request, facts, false, put_best_prices);
}

enum outcome market_data_average(struct request *request, const struct facts *facts)
{
    uint16_t market;
    struct ticker_average average;
    struct writer *json = &request->json;
    if (!request_market(request, facts, &market)) return OUTCOME_REFUSED;
    const struct ticker *ticker = &market_views_at(facts->markets, market)->ticker;
    ticker_average(ticker, market_views_now_ns(facts->markets), &average);

    writer_object(json);
    writer_key_u64(json, "mins", TICKER_AVERAGE_NS / 60000000000u);
    if (average.volume_lots > 0)
        put_average(json, facts, market, "price", average.quote_units, average.volume_lots);
    else
        put_price(json, facts, market, "price", average.last);
    writer_key_u64(json, "closeTime", average.last_stamp_ns / request->time_unit_ns);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}
