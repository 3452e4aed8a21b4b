#include "gateway/channel.h"

#include <string.h>

/* clang-format off */
static const char *const suffixes[CHANNEL_KLINE] = {
    [CHANNEL_TRADE]           = "trade",
    [CHANNEL_AGGREGATE_TRADE] = "aggTrade",
    [CHANNEL_BEST]            = "bookTicker",
    [CHANNEL_DIFFERENCE]      = "depth",
    [CHANNEL_DIFFERENCE_FAST] = "depth@100ms",
    [CHANNEL_TOP_5]           = "depth5",
    [CHANNEL_TOP_10]          = "depth10",
    [CHANNEL_TOP_20]          = "depth20",
    [CHANNEL_TOP_5_FAST]      = "depth5@100ms",
    [CHANNEL_TOP_10_FAST]     = "depth10@100ms",
    [CHANNEL_TOP_20_FAST]     = "depth20@100ms",
    [CHANNEL_TICKER]          = "ticker",
    [CHANNEL_MINI_TICKER]     = "miniTicker",
    [CHANNEL_TICKER_1H]       = "ticker_1h",
    [CHANNEL_TICKER_4H]       = "ticker_4h",
    [CHANNEL_TICKER_1D]       = "ticker_1d",
    [CHANNEL_BOOK]            = "book",
    [CHANNEL_AVERAGE]         = "avgPrice",
};

static const char *const global_names[CHANNEL_KINDS_END - CHANNEL_KINDS] = {
    [CHANNEL_BLOCK - CHANNEL_KINDS]            = "quorex@block",
    [CHANNEL_ALL_MINI_TICKERS - CHANNEL_KINDS] = "!miniTicker@arr",
    [CHANNEL_ALL_TICKERS - CHANNEL_KINDS]      = "!ticker@arr",
    [CHANNEL_ALL_TICKERS_1H - CHANNEL_KINDS]   = "!ticker_1h@arr",
    [CHANNEL_ALL_TICKERS_4H - CHANNEL_KINDS]   = "!ticker_4h@arr",
    [CHANNEL_ALL_TICKERS_1D - CHANNEL_KINDS]   = "!ticker_1d@arr",
};
/* clang-format on */

#define GLOBAL_COUNT (CHANNEL_KINDS_END - CHANNEL_KINDS)

static const char kline_prefix[] = "kline_";
static const char east_suffix[] = "@+08:00";

/* Channels of one unit. */
static uint32_t count_of_unit(uint32_t markets_max)
{
    return markets_max * CHANNEL_KINDS + GLOBAL_COUNT;
}

uint32_t channel_count(uint32_t markets_max)
{
    return CHANNEL_UNITS * count_of_unit(markets_max);
}

struct channel channel_of(uint32_t number, uint32_t markets_max)
{
    ASSERT(number < channel_count(markets_max));
    const enum channel_unit unit = (enum channel_unit)(number / count_of_unit(markets_max));
    number %= count_of_unit(markets_max);
    if (number >= markets_max * CHANNEL_KINDS) {
        const uint32_t index = number - markets_max * CHANNEL_KINDS;
        return (struct channel){.kind = (enum channel_kind)(CHANNEL_KINDS + index), .unit = unit};
    }
    struct channel channel = {.kind = (enum channel_kind)(number % CHANNEL_KINDS),
                              .unit = unit,
                              .market = (uint16_t)(number / CHANNEL_KINDS)};
    if (channel.kind >= CHANNEL_KLINE) {
        const enum channel_kind kline =
            channel.kind >= CHANNEL_KLINE_EAST ? CHANNEL_KLINE_EAST : CHANNEL_KLINE;
        channel.interval = (enum interval)(channel.kind - kline);
        channel.kind = kline;
    }
    return channel;
}

uint32_t channel_number(uint16_t market, enum channel_kind kind)
{
    ASSERT(kind < CHANNEL_KINDS);
    return (uint32_t)market * CHANNEL_KINDS + (uint32_t)kind;
}

uint32_t channel_number_global(enum channel_kind kind, uint32_t markets_max)
{
    ASSERT(kind >= CHANNEL_KINDS && kind < CHANNEL_KINDS_END);
    return markets_max * CHANNEL_KINDS + (uint32_t)(kind - CHANNEL_KINDS);
}

uint32_t channel_in(uint32_t number, enum channel_unit unit, uint32_t markets_max)
{
    ASSERT(number < count_of_unit(markets_max));
    return number + (uint32_t)unit * count_of_unit(markets_max);
}

static bool equals(const char *text, size_t text_bytes, const char *word)
{
    return strlen(word) == text_bytes && memcmp(text, word, text_bytes) == 0;
}

/* The market with this lower-case symbol, or NULL. */
static struct market_view *find_market(struct market_views *views, const char *name, size_t bytes)
{
    char symbol[MARKET_SYMBOL_BYTES];
    if (bytes == 0 || bytes > sizeof(symbol)) return NULL;
    for (size_t i = 0; i < bytes; i++) {
        if (name[i] >= 'A' && name[i] <= 'Z') return NULL;
        symbol[i] = name[i] >= 'a' && name[i] <= 'z' ? (char)(name[i] - 'a' + 'A') : name[i];
    }
    return market_views_find(views, symbol, bytes);
}

/* "1m", or "1m@+08:00". */
static uint32_t find_kline(uint16_t market, const char *name, size_t name_bytes)
{
    const size_t east_bytes = sizeof(east_suffix) - 1;
    enum channel_kind kline = CHANNEL_KLINE;
    enum interval interval;
    if (name_bytes > east_bytes &&
        memcmp(name + name_bytes - east_bytes, east_suffix, east_bytes) == 0) {
        kline = CHANNEL_KLINE_EAST;
        name_bytes -= east_bytes;
    }
    if (!interval_parse(name, name_bytes, &interval)) return CHANNEL_NONE;
    return channel_number(market, channel_kline(kline, interval));
}

/* Some clients spell out the usual speed of depth: "depth@1000ms" is "depth". */
static size_t without_usual_speed(const char *suffix, size_t suffix_bytes)
{
    static const char depth[] = "depth", speed[] = "@1000ms";
    const size_t depth_bytes = sizeof(depth) - 1, speed_bytes = sizeof(speed) - 1;
    if (suffix_bytes < depth_bytes + speed_bytes) return suffix_bytes;
    if (memcmp(suffix, depth, depth_bytes) != 0) return suffix_bytes;
    if (memcmp(suffix + suffix_bytes - speed_bytes, speed, speed_bytes) != 0) return suffix_bytes;
    return suffix_bytes - speed_bytes;
}

static uint32_t find_suffix(uint16_t market, const char *suffix, size_t suffix_bytes)
{
    suffix_bytes = without_usual_speed(suffix, suffix_bytes);
    const size_t kline_bytes = sizeof(kline_prefix) - 1;
    for (int kind = 0; kind < CHANNEL_KLINE; kind++) {
        if (equals(suffix, suffix_bytes, suffixes[kind])) {
            return channel_number(market, (enum channel_kind)kind);
        }
    }
    if (suffix_bytes <= kline_bytes || memcmp(suffix, kline_prefix, kline_bytes) != 0) {
        return CHANNEL_NONE;
    }
    return find_kline(market, suffix + kline_bytes, suffix_bytes - kline_bytes);
}

uint32_t channel_find(struct market_views *views, const char *name, size_t name_bytes)
{
    const uint32_t markets_max = market_views_params(views)->markets_max;
    for (int i = 0; i < GLOBAL_COUNT; i++) {
        if (equals(name, name_bytes, global_names[i])) {
            return channel_number_global((enum channel_kind)(CHANNEL_KINDS + i), markets_max);
        }
    }
    const char *at = memchr(name, '@', name_bytes);
    if (at == NULL) return CHANNEL_NONE;
    const struct market_view *view = find_market(views, name, (size_t)(at - name));
    if (view == NULL) return CHANNEL_NONE;
    return find_suffix(view->market, at + 1, name_bytes - (size_t)(at + 1 - name));
}

static size_t append(char *name, size_t used, const char *word)
{
    const size_t bytes = strlen(word);
    ASSERT(used + bytes < CHANNEL_NAME_MAX);
    memcpy(name + used, word, bytes + 1);
    return used + bytes;
}

size_t channel_name(struct market_views *views, uint32_t number, char name[CHANNEL_NAME_MAX])
{
    const struct channel channel = channel_of(number, market_views_params(views)->markets_max);
    if (channel.kind >= CHANNEL_KINDS) {
        return append(name, 0, global_names[channel.kind - CHANNEL_KINDS]);
    }
    size_t used = append(name, 0, market_views_at(views, channel.market)->stream_symbol);
    used = append(name, used, "@");
    if (channel.kind < CHANNEL_KLINE) return append(name, used, suffixes[channel.kind]);
    used = append(name, used, kline_prefix);
    used = append(name, used, interval_name(channel.interval));
    return channel.kind == CHANNEL_KLINE_EAST ? append(name, used, east_suffix) : used;
}

uint32_t channel_top_levels(enum channel_kind kind)
{
    switch (kind) {
    case CHANNEL_TOP_5:
    case CHANNEL_TOP_5_FAST:
        return 5;
    case CHANNEL_TOP_10:
    case CHANNEL_TOP_10_FAST:
        return 10;
    case CHANNEL_TOP_20:
    case CHANNEL_TOP_20_FAST:
        return 20;
    default:
        return 0;
    }
}

uint64_t channel_window_ns(enum channel_kind kind)
{
    const uint64_t hour_ns = 3600 * 1000000000ull;
    switch (kind) {
    case CHANNEL_TICKER_1H:
    case CHANNEL_ALL_TICKERS_1H:
        return hour_ns;
    case CHANNEL_TICKER_4H:
    case CHANNEL_ALL_TICKERS_4H:
        return 4 * hour_ns;
    case CHANNEL_TICKER_1D:
    case CHANNEL_ALL_TICKERS_1D:
        return 24 * hour_ns;
    default:
        return 0;
    }
}
