#include "gateway/market_choice.h"
#include "gateway/recall.h"
#include "gateway/reply_ticker.h"
#include "gateway/route.h"
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
        !request_limit(request, 100, DEPTH_LIMIT_MAX, &limit) ||
        !market_choice_status(request, facts, market))
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

/* Every trade here comes out of a book: none is a block trade. */
enum outcome market_data_block_trades(struct request *request, const struct facts *facts)
{
    uint16_t market;
    uint32_t limit;
    if (!request_market(request, facts, &market) ||
        !request_u64(request, "fromId", &(uint64_t){0}, NULL) ||
        !request_limit(request, 500, 1000, &limit))
        return OUTCOME_REFUSED;
    writer_array(&request->json);
    writer_array_end(&request->json);
    return OUTCOME_ANSWERED;
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

/* ---- averages and references ---- */

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
        reply_average(json, facts->params, market, "price", average.quote_units,
                      average.volume_lots);
    else
        reply_price(json, facts->params, market, "price", average.last);
    writer_key_u64(json, "closeTime", average.last_stamp_ns / request->time_unit_ns);
    writer_object_end(json);
    return OUTCOME_ANSWERED;
}

/* Markets go by their last price and its average alone: no symbol has a reference price, nor a way to
 * calculate one. */
enum outcome market_data_reference(struct request *request, const struct facts *facts)
{
    uint16_t market;
    if (!request_market(request, facts, &market)) return OUTCOME_REFUSED;
    return request_refuse(request, REJECT_NO_REFERENCE_PRICE, NULL, NULL);
}
