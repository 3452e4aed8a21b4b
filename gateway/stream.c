#include "gateway/stream.h"

#include "gateway/crc32.h"

#include <string.h>

#define HOUR_NS        (3600 * 1000000000ull)
#define TOP_LEVELS_MAX 20

/* A price and a quantity, as text_decimal prints the largest there may be, and two colons. */
#define CHECKED_LEVEL_BYTES 96

/* A market with the decimals of its two assets: what every number below is printed by. */
struct scale {
    const struct market *market;
    int base_decimals;
    int quote_decimals;
};

static struct scale scale_of(const struct stream_form *form, uint16_t index)
{
    const struct params *params = form->params;
    const struct market *market = &params->markets[index];
    return (struct scale){market, params->assets[market->base].decimals,
                          params->assets[market->quote].decimals};
}

static void key_u64(struct text *text, const char *key, uint64_t value)
{
    text_add(text, key);
    text_u64(text, value);
}

static void key_time(struct text *text, const char *key, const struct stream_form *form,
                     uint64_t stamp_ns)
{
    key_u64(text, key, stamp_ns / form->time_unit_ns);
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

/* {"e":"<type>","E":<time>,"s":"<symbol>" */
static void begin(struct text *text, const struct stream_form *form, const char *type,
                  uint64_t event_ns, const struct market_view *view)
{
    text_add(text, "{\"e\":\"");
    text_add(text, type);
    key_time(text, "\",\"E\":", form, event_ns);
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

void stream_trade(struct text *text, const struct stream_form *form, const struct market_view *view,
                  const struct trade *trade)
{
    const struct scale scale = scale_of(form, view->market);
    begin(text, form, "trade", trade->stamp_ns, view);
    key_u64(text, ",\"t\":", trade->id);
    key_price(text, ",\"p\":", scale, trade->price);
    key_lots(text, ",\"q\":", scale, trade->qty.lots);
    key_time(text, ",\"T\":", form, trade->stamp_ns);
    key_bool(text, ",\"m\":", trade->buyer_is_maker);
    text_add(text, ",\"M\":true}");
}

void stream_aggregate_trade(struct text *text, const struct stream_form *form,
                            const struct market_view *view, const struct aggregate_trade *aggregate)
{
    const struct scale scale = scale_of(form, view->market);
    begin(text, form, "aggTrade", aggregate->stamp_ns, view);
    key_u64(text, ",\"a\":", aggregate->id);
    key_price(text, ",\"p\":", scale, aggregate->price);
    key_lots(text, ",\"q\":", scale, aggregate->qty.lots);
    key_u64(text, ",\"f\":", aggregate->first_id);
    key_u64(text, ",\"l\":", aggregate->last_id);
    key_time(text, ",\"T\":", form, aggregate->stamp_ns);
    key_bool(text, ",\"m\":", aggregate->buyer_is_maker);
    text_add(text, ",\"M\":true}");
}

void stream_best(struct text *text, const struct stream_form *form, const struct market_view *view,
                 const struct stream_best *best)
{
    const struct scale scale = scale_of(form, view->market);
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

/* ,"U":..,"u":..,"b":[..],"a":[..] */
static void put_changes(struct text *text, struct scale scale, const struct depth *depth,
                        uint64_t first_id, struct depth_change *changes)
{
    const uint32_t count = depth_changes(depth, first_id, changes);
    key_u64(text, ",\"U\":", first_id);
    key_u64(text, ",\"u\":", depth->update_id);
    text_add(text, ",\"b\":[");
    uint32_t i = 0;
    for (; i < count && changes[i].side == BUY; i++) {
        put_level(text, scale, changes[i].price, depth_qty(depth, BUY, changes[i].price), i == 0);
    }
    text_add(text, "],\"a\":[");
    for (const uint32_t first = i; i < count; i++) {
        put_level(text, scale, changes[i].price, depth_qty(depth, SELL, changes[i].price),
                  i == first);
    }
    text_add(text, "]");
}

/* ,"bids":[..],"asks":[..] */
static void put_sides(struct text *text, struct scale scale, const struct depth *depth,
                      struct depth_level *levels, uint32_t level_count)
{
    for (int side = BUY; side <= SELL; side++) {
        const uint32_t count = depth_top(depth, (enum side)side, levels, level_count);
        text_add(text, side == BUY ? ",\"bids\":[" : "],\"asks\":[");
        for (uint32_t i = 0; i < count; i++) {
            put_level(text, scale, levels[i].price, levels[i].qty, i == 0);
        }
    }
    text_add(text, "]");
}

void stream_difference(struct text *text, const struct stream_form *form,
                       const struct market_view *view, uint64_t event_ns, uint64_t first_id,
                       struct depth_change *changes)
{
    begin(text, form, "depthUpdate", event_ns, view);
    put_changes(text, scale_of(form, view->market), &view->depth, first_id, changes);
    text_add(text, "}");
}

void stream_top(struct text *text, const struct stream_form *form, const struct market_view *view,
                uint32_t level_count)
{
    ASSERT(level_count <= TOP_LEVELS_MAX);
    struct depth_level levels[TOP_LEVELS_MAX];
    key_u64(text, "{\"lastUpdateId\":", view->depth.update_id);
    put_sides(text, scale_of(form, view->market), &view->depth, levels, level_count);
    text_add(text, "}");
}

static void put_checksum(struct text *text, struct scale scale, const struct depth *depth)
{
    const struct market *market = scale.market;
    char bytes[2 * STREAM_CHECKED * CHECKED_LEVEL_BYTES];
    struct text checked = text_over(bytes, sizeof(bytes));
    for (int side = BUY; side <= SELL; side++) {
        struct depth_level levels[STREAM_CHECKED];
        const uint32_t count = depth_top(depth, (enum side)side, levels, STREAM_CHECKED);
        for (uint32_t i = 0; i < count; i++) {
            if (checked.used > 0) text_add(&checked, ":");
            text_decimal(&checked, (__int128)levels[i].price.ticks * market->tick_units,
                         scale.quote_decimals, TEXT_DECIMALS);
            text_add(&checked, ":");
            text_decimal(&checked, (__int128)levels[i].qty.lots * market->lot_units,
                         scale.base_decimals, TEXT_DECIMALS);
        }
    }
    ASSERT(!text_full(&checked));
    key_u64(text, ",\"checksum\":", crc32_of(checked.bytes, checked.used));
}

void stream_book_change(struct text *text, const struct stream_form *form,
                        const struct market_view *view, uint64_t event_ns, uint64_t first_id,
                        struct depth_change *changes)
{
    const struct scale scale = scale_of(form, view->market);
    begin(text, form, "bookUpdate", event_ns, view);
    put_changes(text, scale, &view->depth, first_id, changes);
    put_checksum(text, scale, &view->depth);
    text_add(text, "}");
}

void stream_book(struct text *text, const struct stream_form *form, const struct market_view *view,
                 uint64_t event_ns, bool is_resync, struct depth_level *levels)
{
    const struct scale scale = scale_of(form, view->market);
    begin(text, form, is_resync ? "bookResync" : "bookSnapshot", event_ns, view);
    key_u64(text, ",\"u\":", view->depth.update_id);
    put_sides(text, scale, &view->depth, levels, STREAM_BOOK_LEVELS);
    put_checksum(text, scale, &view->depth);
    text_add(text, "}");
}

void stream_kline(struct text *text, const struct stream_form *form, const struct market_view *view,
                  uint64_t event_ns, const struct stream_kline *kline, const struct candle *candle)
{
    const struct scale scale = scale_of(form, view->market);
    const bool any = candle->fill_count > 0;
    begin(text, form, "kline", event_ns, view);
    key_time(text, ",\"k\":{\"t\":", form, candle->open_ns);
    key_u64(text, ",\"T\":", kline->next_ns / form->time_unit_ns - 1);
    text_add(text, ",\"s\":\"");
    text_add(text, view->symbol);
    text_add(text, "\",\"i\":\"");
    text_add(text, interval_name(kline->interval));
    key_id(text, "\",\"f\":", any, candle->first_trade_id);
    key_id(text, ",\"L\":", any, candle->last_trade_id);
    key_price(text, ",\"o\":", scale, candle->open);
    key_price(text, ",\"c\":", scale, candle->close);
    key_price(text, ",\"h\":", scale, candle->high);
    key_price(text, ",\"l\":", scale, candle->low);
    key_lots(text, ",\"v\":", scale, candle->volume_lots);
    key_u64(text, ",\"n\":", candle->fill_count);
    key_bool(text, ",\"x\":", kline->is_closed);
    key_quote(text, ",\"q\":", scale, candle->quote_units);
    key_lots(text, ",\"V\":", scale, candle->taker_volume_lots);
    key_quote(text, ",\"Q\":", scale, candle->taker_quote_units);
    text_add(text, ",\"B\":\"0\"}}");
}

static void put_change(struct text *text, struct scale scale, const struct ticker_figures *figures)
{
    const __int128 ticks = (__int128)figures->last.ticks - figures->open.ticks;
    const __int128 open = figures->open.ticks > 0 ? figures->open.ticks : 1;
    text_add(text, ",\"p\":\"");
    text_decimal(text, ticks * scale.market->tick_units, scale.quote_decimals, TEXT_DECIMALS);
    text_add(text, "\",\"P\":\"");
    text_ratio(text, ticks * 100, open, 3);
    text_add(text, "\"");
}

static void put_average(struct text *text, struct scale scale, __int128 quote_units,
                        __int128 volume_lots)
{
    text_add(text, ",\"w\":\"");
    if (volume_lots == 0) {
        text_decimal(text, 0, 0, TEXT_DECIMALS);
    } else {
        /* (quote units / 10^quote) / (base units / 10^base), with 8 decimals. Both products stay below
         * 2^126: 24 hours of quote units are below 2^70, 10^16 below 2^54. */
        const __int128 numerator = quote_units * decimal_power(scale.base_decimals);
        const __int128 denominator = volume_lots * scale.market->lot_units;
        text_ratio(text, numerator, denominator * decimal_power(scale.quote_decimals),
                   TEXT_DECIMALS);
    }
    text_add(text, "\"");
}

/* Fields that a ticker and a small one have, in the figures' own order. */
static void put_window(struct text *text, struct scale scale, const struct ticker_figures *figures)
{
    key_price(text, ",\"o\":", scale, figures->open);
    key_price(text, ",\"h\":", scale, figures->high);
    key_price(text, ",\"l\":", scale, figures->low);
    key_lots(text, ",\"v\":", scale, figures->volume_lots);
    key_quote(text, ",\"q\":", scale, figures->quote_units);
}

/* When the window began and ended, and which trades are in it. */
static void put_ends(struct text *text, const struct stream_form *form,
                     const struct ticker_figures *figures)
{
    const bool any = figures->fill_count > 0;
    key_time(text, ",\"O\":", form, figures->open_ns);
    key_time(text, ",\"C\":", form, figures->close_ns);
    key_id(text, ",\"F\":", any, figures->first_trade_id);
    key_id(text, ",\"L\":", any, figures->last_trade_id);
    key_u64(text, ",\"n\":", figures->fill_count);
}

void stream_ticker(struct text *text, const struct stream_form *form, struct market_view *view,
                   uint64_t event_ns)
{
    const struct scale scale = scale_of(form, view->market);
    const struct stream_best best = stream_best_of(&view->depth);
    struct ticker_figures figures;
    ticker_read(&view->ticker, event_ns, &figures);
    begin(text, form, "24hrTicker", event_ns, view);
    put_change(text, scale, &figures);
    put_average(text, scale, figures.quote_units, figures.volume_lots);
    key_price(text, ",\"x\":", scale, figures.previous_close);
    key_price(text, ",\"c\":", scale, figures.last);
    key_lots(text, ",\"Q\":", scale, figures.last_qty.lots);
    key_price(text, ",\"b\":", scale, best.bid.price);
    key_lots(text, ",\"B\":", scale, best.bid.qty.lots);
    key_price(text, ",\"a\":", scale, best.ask.price);
    key_lots(text, ",\"A\":", scale, best.ask.qty.lots);
    put_window(text, scale, &figures);
    put_ends(text, form, &figures);
    text_add(text, "}");
}

void stream_mini_ticker(struct text *text, const struct stream_form *form, struct market_view *view,
                        uint64_t event_ns)
{
    const struct scale scale = scale_of(form, view->market);
    struct ticker_figures figures;
    ticker_read(&view->ticker, event_ns, &figures);
    begin(text, form, "24hrMiniTicker", event_ns, view);
    key_price(text, ",\"c\":", scale, figures.last);
    put_window(text, scale, &figures);
    text_add(text, "}");
}

/* "1hTicker", "1dTicker": the event of a window of whole hours. */
static void window_event(uint64_t window_ns, char name[16])
{
    const uint64_t hours = window_ns / HOUR_NS;
    const bool is_days = hours % 24 == 0;
    struct text text = text_over(name, 15);
    text_u64(&text, is_days ? hours / 24 : hours);
    text_add(&text, is_days ? "dTicker" : "hTicker");
    ASSERT(!text_full(&text));
    name[text.used] = '\0';
}

void stream_window(struct text *text, const struct stream_form *form, struct market_view *view,
                   uint64_t event_ns, uint64_t window_ns)
{
    const struct scale scale = scale_of(form, view->market);
    struct ticker_figures figures;
    char event[16];
    ticker_window(&view->ticker, event_ns, window_ns, &figures);
    window_event(window_ns, event);
    begin(text, form, event, event_ns, view);
    put_change(text, scale, &figures);
    key_price(text, ",\"o\":", scale, figures.open);
    key_price(text, ",\"h\":", scale, figures.high);
    key_price(text, ",\"l\":", scale, figures.low);
    key_price(text, ",\"c\":", scale, figures.last);
    put_average(text, scale, figures.quote_units, figures.volume_lots);
    key_lots(text, ",\"v\":", scale, figures.volume_lots);
    key_quote(text, ",\"q\":", scale, figures.quote_units);
    put_ends(text, form, &figures);
    text_add(text, "}");
}

void stream_average(struct text *text, const struct stream_form *form,
                    const struct market_view *view, uint64_t event_ns)
{
    const struct scale scale = scale_of(form, view->market);
    struct ticker_average average;
    ticker_average(&view->ticker, event_ns, &average);
    begin(text, form, "avgPrice", event_ns, view);
    text_add(text, ",\"i\":\"5m\"");
    if (average.volume_lots > 0) {
        put_average(text, scale, average.quote_units, average.volume_lots);
    } else {
        key_price(text, ",\"w\":", scale, average.last);
    }
    key_time(text, ",\"T\":", form, average.last_stamp_ns);
    text_add(text, "}");
}

static void put_hash(struct text *text, const char *key, const hash_t *hash)
{
    char hex[2 * HASH_BYTES + 1];
    hash_hex(hash->bytes, HASH_BYTES, hex);
    text_add(text, key);
    text_add(text, hex);
}

void stream_block(struct text *text, const struct stream_form *form,
                  const struct block_entry *block, const struct stream_certificate *certificate)
{
    const struct block_header *header = &block->header;
    text_add(text, "{\"e\":\"");
    text_add(text, certificate == NULL ? "blockSealed" : "blockCertified");
    key_u64(text, "\",\"height\":", header->height);
    put_hash(text, ",\"hash\":\"", &block->hash);
    put_hash(text, "\",\"stateRoot\":\"", &header->state_root);
    key_time(text, "\",\"time\":", form, header->time_ns);
    key_u64(text, ",\"firstCommand\":", header->first_command);
    key_u64(text, ",\"lastCommand\":", header->last_command);
    key_u64(text, ",\"txCount\":", header->tx_count);
    key_u64(text, ",\"fillCount\":", header->fill_count);
    key_bool(text, ",\"certified\":", certificate != NULL);
    if (certificate != NULL) {
        key_u64(text, ",\"certificateHeight\":", certificate->height);
        key_u64(text, ",\"votes\":", certificate->vote_count);
    }
    text_add(text, "}");
}

void stream_shutdown(struct text *text, uint64_t time_unit_ns, uint64_t event_ns,
                     const char *elsewhere)
{
    key_u64(text, "{\"e\":\"serverShutdown\",\"E\":", event_ns / time_unit_ns);
    const char *between = ",\"elsewhere\":[\"";
    for (const char *url = elsewhere; *url != '\0';) {
        const size_t bytes = strcspn(url, ",");
        text_add(text, between);
        text_put(text, url, bytes);
        between = "\",\"";
        url += bytes + (url[bytes] == ',');
    }
    text_add(text, *elsewhere != '\0' ? "\"]}" : "}");
}
