#include "gateway/stream.h"

#include <string.h>

#define MS_NS          1000000ull
#define TOP_LEVELS_MAX 20

/* A market with the decimals of its two assets: what every number below is printed by. */
struct scale {
    const struct market *market;
    int base_decimals;
    int quote_decimals;
};

static struct scale scale_of(const struct params *params, uint16_t index)
{
    const struct market *market = &params->markets[index];
    return (struct scale){market, params->assets[market->base].decimals,
                          params->assets[market->quote].decimals};
}

static void key_u64(struct text *text, const char *key, uint64_t value)
{
    text_add(text, key);
    text_u64(text, value);
}

static void key_ms(struct text *text, const char *key, uint64_t stamp_ns)
{
    key_u64(text, key, stamp_ns / MS_NS);
}

/* Ids that are absent are -1. */
static void key_id(struct text *text, const char *key, bool present, uint64_t id)
{
    text_add(text, key);
    if (present) {
        text_u64(text, id);
    } else {
        text_add(text, "-1");
    }
}

static void key_bool(struct text *text, const char *key, bool value)
{
    text_add(text, key);
    text_add(text, value ? "true" : "false");
}

static void key_price(struct text *text, const char *key, struct scale scale, price_t price)
{
    text_add(text, key);
    text_price(text, scale.market, scale.quote_decimals, price);
}

static void key_lots(struct text *text, const char *key, struct scale scale, __int128 lots)
{
    text_add(text, key);
    text_lots(text, scale.market, scale.base_decimals, lots);
}

static void key_quote(struct text *text, const char *key, struct scale scale, __int128 units)
{
    text_add(text, key);
    text_units(text, scale.quote_decimals, units);
}

/* {"e":"<type>","E":<ms>,"s":"<symbol>" */
static void begin(struct text *text, const char *type, uint64_t event_ns,
                  const struct market_view *view)
{
    text_add(text, "{\"e\":\"");
    text_add(text, type);
    key_ms(text, "\",\"E\":", event_ns);
    text_add(text, ",\"s\":\"");
    text_add(text, view->symbol);
    text_add(text, "\"");
}

struct stream_best stream_best_of(const struct depth *depth)
{
    struct stream_best best = {0};
    if (!depth_best(depth, BUY, &best.bid)) best.bid = (struct depth_level){0};
    if (!depth_best(depth, SELL, &best.ask)) best.ask = (struct depth_level){0};
    return best;
}

void stream_trade(struct text *text, const struct params *params, const struct market_view *view,
                  const struct trade *trade)
{
    const struct scale scale = scale_of(params, view->market);
    begin(text, "trade", trade->stamp_ns, view);
    key_u64(text, ",\"t\":", trade->id);
    key_price(text, ",\"p\":", scale, trade->price);
    key_lots(text, ",\"q\":", scale, trade->qty.lots);
    key_ms(text, ",\"T\":", trade->stamp_ns);
    key_bool(text, ",\"m\":", trade->buyer_is_maker);
    text_add(text, ",\"M\":true}");
}

void stream_aggregate_trade(struct text *text, const struct params *params,
                            const struct market_view *view, const struct aggregate_trade *aggregate)
{
    const struct scale scale = scale_of(params, view->market);
    begin(text, "aggTrade", aggregate->stamp_ns, view);
    key_u64(text, ",\"a\":", aggregate->id);
    key_price(text, ",\"p\":", scale, aggregate->price);
    key_lots(text, ",\"q\":", scale, aggregate->qty.lots);
    key_u64(text, ",\"f\":", aggregate->first_id);
    key_u64(text, ",\"l\":", aggregate->last_id);
    key_ms(text, ",\"T\":", aggregate->stamp_ns);
    key_bool(text, ",\"m\":", aggregate->buyer_is_maker);
    text_add(text, ",\"M\":true}");
}

void stream_best(struct text *text, const struct params *params, const struct market_view *view,
                 const struct stream_best *best)
{
    const struct scale scale = scale_of(params, view->market);
    key_u64(text, "{\"u\":", view->depth.update_id);
    text_add(text, ",\"s\":\"");
    text_add(text, view->symbol);
    key_price(text, "\",\"b\":", scale, best->bid.price);
    key_lots(text, ",\"B\":", scale, best->bid.qty.lots);
    key_price(text, ",\"a\":", scale, best->ask.price);
    key_lots(text, ",\"A\":", scale, best->ask.qty.lots);
    text_add(text, "}");
}

static void put_level(struct text *text, struct scale scale, price_t price, qty_t qty, bool first)
{
    text_add(text, first ? "[" : ",[");
    text_price(text, scale.market, scale.quote_decimals, price);
    text_add(text, ",");
    text_lots(text, scale.market, scale.base_decimals, qty.lots);
    text_add(text, "]");
}

void stream_difference(struct text *text, const struct params *params,
                       const struct market_view *view, uint64_t event_ns, uint64_t first_id,
                       struct depth_change *changes)
{
    const struct scale scale = scale_of(params, view->market);
    const uint32_t count = depth_changes(&view->depth, first_id, changes);
    begin(text, "depthUpdate", event_ns, view);
    key_u64(text, ",\"U\":", first_id);
    key_u64(text, ",\"u\":", view->depth.update_id);
    text_add(text, ",\"b\":[");
    uint32_t i = 0;
    for (; i < count && changes[i].side == BUY; i++) {
        put_level(text, scale, changes[i].price, depth_qty(&view->depth, BUY, changes[i].price),
                  i == 0);
    }
    text_add(text, "],\"a\":[");
    for (const uint32_t first = i; i < count; i++) {
        put_level(text, scale, changes[i].price, depth_qty(&view->depth, SELL, changes[i].price),
                  i == first);
    }
    text_add(text, "]}");
}

void stream_top(struct text *text, const struct params *params, const struct market_view *view,
                uint32_t level_count)
{
    ASSERT(level_count <= TOP_LEVELS_MAX);
    const struct scale scale = scale_of(params, view->market);
    struct depth_level levels[TOP_LEVELS_MAX];
    key_u64(text, "{\"lastUpdateId\":", view->depth.update_id);
    for (int side = BUY; side <= SELL; side++) {
        const uint32_t count = depth_top(&view->depth, (enum side)side, levels, level_count);
        text_add(text, side == BUY ? ",\"bids\":[" : "],\"asks\":[");
        for (uint32_t i = 0; i < count; i++) {
            put_level(text, scale, levels[i].price, levels[i].qty, i == 0);
        }
    }
    text_add(text, "]}");
}

void stream_kline(struct text *text, const struct params *params, const struct market_view *view,
                  uint64_t event_ns, enum interval interval, const struct candle *candle,
                  bool is_closed)
{
    const struct scale scale = scale_of(params, view->market);
    const bool any = candle->fill_count > 0;
    begin(text, "kline", event_ns, view);
    key_ms(text, ",\"k\":{\"t\":", candle->open_ns);
    key_u64(text, ",\"T\":", interval_next_ns(interval, candle->open_ns) / MS_NS - 1);
    text_add(text, ",\"s\":\"");
    text_add(text, view->symbol);
    text_add(text, "\",\"i\":\"");
    text_add(text, interval_name(interval));
    key_id(text, "\",\"f\":", any, candle->first_trade_id);
    key_id(text, ",\"L\":", any, candle->last_trade_id);
    key_price(text, ",\"o\":", scale, candle->open);
    key_price(text, ",\"c\":", scale, candle->close);
    key_price(text, ",\"h\":", scale, candle->high);
    key_price(text, ",\"l\":", scale, candle->low);
    key_lots(text, ",\"v\":", scale, candle->volume_lots);
    key_u64(text, ",\"n\":", candle->fill_count);
    key_bool(text, ",\"x\":", is_closed);
    key_quote(text, ",\"q\":", scale, candle->quote_units);
    key_lots(text, ",\"V\":", scale, candle->taker_volume_lots);
    key_quote(text, ",\"Q\":", scale, candle->taker_quote_units);
    text_add(text, ",\"B\":\"0\"}}");
}

void stream_change(struct text *text, const struct params *params, uint16_t market,
                   const struct ticker_figures *figures)
{
    const struct scale scale = scale_of(params, market);
    const __int128 ticks = (__int128)figures->last.ticks - figures->open.ticks;
    text_decimal(text, ticks * scale.market->tick_units, scale.quote_decimals, TEXT_DECIMALS);
}

void stream_change_percent(struct text *text, const struct ticker_figures *figures)
{
    const __int128 ticks = (__int128)figures->last.ticks - figures->open.ticks;
    const __int128 open = figures->open.ticks > 0 ? figures->open.ticks : 1;
    text_ratio(text, ticks * 100, open, 3);
}

void stream_average(struct text *text, const struct params *params, uint16_t market,
                    __int128 quote_units, __int128 volume_lots)
{
    const struct scale scale = scale_of(params, market);
    if (volume_lots == 0) {
        text_decimal(text, 0, 0, TEXT_DECIMALS);
        return;
    }
    /* (quote units / 10^quote) / (base units / 10^base), with 8 decimals. Both products stay below
     * 2^126: 24 hours of quote units are below 2^70, 10^16 below 2^54. */
    const __int128 numerator = quote_units * decimal_power(scale.base_decimals);
    const __int128 denominator = volume_lots * scale.market->lot_units;
    const int shown = TEXT_DECIMALS;
    text_ratio(text, numerator, denominator * decimal_power(scale.quote_decimals), shown);
}

/* Fields both tickers have, in the figures' own order. */
static void put_window(struct text *text, struct scale scale, const struct ticker_figures *figures)
{
    key_price(text, ",\"o\":", scale, figures->open);
    key_price(text, ",\"h\":", scale, figures->high);
    key_price(text, ",\"l\":", scale, figures->low);
    key_lots(text, ",\"v\":", scale, figures->volume_lots);
    key_quote(text, ",\"q\":", scale, figures->quote_units);
}

void stream_ticker(struct text *text, const struct params *params, struct market_view *view,
                   uint64_t event_ns)
{
    const struct scale scale = scale_of(params, view->market);
    const struct stream_best best = stream_best_of(&view->depth);
    struct ticker_figures figures;
    ticker_read(&view->ticker, event_ns, &figures);
    const bool any = figures.fill_count > 0;

    begin(text, "24hrTicker", event_ns, view);
    text_add(text, ",\"p\":\"");
    stream_change(text, params, view->market, &figures);
    text_add(text, "\",\"P\":\"");
    stream_change_percent(text, &figures);
    text_add(text, "\",\"w\":\"");
    stream_average(text, params, view->market, figures.quote_units, figures.volume_lots);
    key_price(text, "\",\"x\":", scale, figures.previous_close);
    key_price(text, ",\"c\":", scale, figures.last);
    key_lots(text, ",\"Q\":", scale, figures.last_qty.lots);
    key_price(text, ",\"b\":", scale, best.bid.price);
    key_lots(text, ",\"B\":", scale, best.bid.qty.lots);
    key_price(text, ",\"a\":", scale, best.ask.price);
    key_lots(text, ",\"A\":", scale, best.ask.qty.lots);
    put_window(text, scale, &figures);
    key_ms(text, ",\"O\":", figures.open_ns);
    key_ms(text, ",\"C\":", figures.close_ns);
    key_id(text, ",\"F\":", any, figures.first_trade_id);
    key_id(text, ",\"L\":", any, figures.last_trade_id);
    key_u64(text, ",\"n\":", figures.fill_count);
    text_add(text, "}");
}

void stream_mini_ticker(struct text *text, const struct params *params, struct market_view *view,
                        uint64_t event_ns)
{
    const struct scale scale = scale_of(params, view->market);
    struct ticker_figures figures;
    ticker_read(&view->ticker, event_ns, &figures);
    begin(text, "24hrMiniTicker", event_ns, view);
    key_price(text, ",\"c\":", scale, figures.last);
    put_window(text, scale, &figures);
    text_add(text, "}");
}

static void put_hash(struct text *text, const char *key, const hash_t *hash)
{
    char hex[2 * HASH_BYTES + 1];
    hash_hex(hash->bytes, HASH_BYTES, hex);
    text_add(text, key);
    text_add(text, hex);
}

void stream_block(struct text *text, const struct stream_block *block,
                  const struct stream_certificate *certificate)
{
    text_add(text, "{\"e\":\"");
    text_add(text, certificate == NULL ? "blockSealed" : "blockCertified");
    key_u64(text, "\",\"height\":", block->height);
    put_hash(text, ",\"hash\":\"", &block->hash);
    put_hash(text, "\",\"stateRoot\":\"", &block->state_root);
    key_ms(text, "\",\"time\":", block->time_ns);
    key_u64(text, ",\"firstCommand\":", block->first_command);
    key_u64(text, ",\"lastCommand\":", block->last_command);
    key_u64(text, ",\"txCount\":", block->tx_count);
    key_u64(text, ",\"fillCount\":", block->fill_count);
    key_bool(text, ",\"certified\":", certificate != NULL);
    if (certificate != NULL) {
        key_u64(text, ",\"certificateHeight\":", certificate->height);
        key_u64(text, ",\"votes\":", certificate->vote_count);
    }
    text_add(text, "}");
}
