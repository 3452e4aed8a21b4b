#include "gateway/market_restore.h"

#include <string.h>

/* Twice the markets there may be, so that a probe is short. */
#define INDEX_SLOTS (2 * PARAMS_MARKETS_LIMIT)

struct market_views {
    struct arena *arena;
    struct params params;
    uint64_t now_ns;
    struct depth_pool pool;
    uint16_t count;
    struct market_view **markets; /* by market, params.markets_max of them */
    uint16_t index[INDEX_SLOTS];  /* market + 1 by hash of its symbol; 0: free */
};

/* What one market takes, and what alignment adds to each of its parts. */
static size_t bytes_of_market(void)
{
    const size_t parts = 4 + INTERVAL_COUNT;
    return sizeof(struct market_view) + DEPTH_HISTORY * sizeof(struct depth_change) +
           TRADES_KEPT * (sizeof(struct trade) + sizeof(struct aggregate_trade)) +
           TICKER_MINUTES * sizeof(struct candle) +
           (size_t)INTERVAL_COUNT * CANDLE_KEPT * sizeof(struct candle) + parts * 64 + 64;
}

/* A command's LEVELs come one by one, in the order in which they were first touched: between its first
 * and its last, levels from before it may stand beside those from after it. */
static uint32_t levels_at_once(const struct params *params)
{
    return params->levels_max * 2;
}

size_t market_view_bytes(const struct genesis *genesis)
{
    const struct params *params = &genesis->params;
    return sizeof(struct market_views) + 64 + params->markets_max * sizeof(void *) + 64 +
           ((size_t)levels_at_once(params) + 1) * sizeof(struct depth_node) + 64 +
           params->markets_max * bytes_of_market();
}

static uint32_t hash_symbol(const char *symbol, size_t symbol_bytes)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < symbol_bytes; i++) {
        hash = (hash ^ (uint8_t)symbol[i]) * 16777619u;
    }
    return hash % INDEX_SLOTS;
}

static void index_market(struct market_views *views, const struct market_view *view)
{
    uint32_t slot = hash_symbol(view->symbol, strlen(view->symbol));
    while (views->index[slot] != 0)
        slot = (slot + 1) % INDEX_SLOTS;
    views->index[slot] = (uint16_t)(view->market + 1);
}

static void lower_case(const char *symbol, char *lower)
{
    size_t i = 0;
    for (; symbol[i] != '\0'; i++) {
        lower[i] = symbol[i] >= 'A' && symbol[i] <= 'Z' ? (char)(symbol[i] - 'A' + 'a') : symbol[i];
    }
    lower[i] = '\0';
}

/* Takes the next market of the parameters into the views. */
static bool open_market(struct market_views *views)
{
    const uint16_t market = views->count;
    struct market_view *view = arena_take(views->arena, sizeof(*view));
    if (view == NULL) return false;
    view->market = market;
    memcpy(view->symbol, views->params.markets[market].symbol, sizeof(view->symbol));
    lower_case(view->symbol, view->stream_symbol);
    if (!depth_init(&view->depth, &views->pool, views->arena)) return false;
    if (!trades_init(&view->trades, views->arena)) return false;
    if (!ticker_init(&view->ticker, views->arena)) return false;
    for (int i = 0; i < INTERVAL_COUNT; i++) {
        if (!candle_series_init(&view->series[i], views->arena, (enum interval)i)) return false;
    }
    views->markets[market] = view;
    views->count++;
    index_market(views, view);
    return true;
}

struct market_views *market_views_new(struct arena *arena, const struct genesis *genesis)
{
    struct market_views *views = arena_take(arena, sizeof(*views));
    if (views == NULL) return NULL;
    views->arena = arena;
    views->params = genesis->params;
    views->markets = arena_take_array(arena, genesis->params.markets_max, sizeof(*views->markets));
    if (views->markets == NULL) return NULL;
    if (!depth_pool_init(&views->pool, arena, levels_at_once(&genesis->params))) return NULL;
    while (views->count < views->params.market_count) {
        if (!open_market(views)) return NULL;
    }
    return views;
}

bool market_views_adopt(struct market_views *views, const struct params *params)
{
    const char *reason;
    if (!params_valid(params, &reason) || !params_bounds_equal(&views->params, params))
        return false;
    if (params->market_count < views->count) return false;
    for (uint16_t market = 0; market < views->count; market++) {
        if (strcmp(views->markets[market]->symbol, params->markets[market].symbol) != 0)
            return false;
    }
    views->params = *params;
    while (views->count < params->market_count) {
        if (!open_market(views)) return false;
    }
    return true;
}

struct candle_fill market_view_fill(const struct params *params, const struct fill_event *event,
                                    uint64_t stamp_ns)
{
    ASSERT(event->market < params->market_count);
    const struct market *market = &params->markets[event->market];
    return (struct candle_fill){
        .trade_id = event->trade_id,
        .aggregate_id = event->aggregate_id,
        .stamp_ns = stamp_ns,
        .price = event->price,
        .qty = event->qty,
        .quote_units = market_notional(market, event->price, event->qty).units,
        .taker_side = event->taker_side == SELL ? SELL : BUY,
    };
}

static void apply_fill(struct market_views *views, const struct event *event, uint64_t stamp_ns)
{
    struct fill_event fill;
    fill_event_get(event->payload, &fill);
    struct market_view *view = market_views_at(views, fill.market);
    const struct candle_fill taken = market_view_fill(&views->params, &fill, stamp_ns);
    trades_add(&view->trades, &taken);
    ticker_add(&view->ticker, &taken);
    for (int i = 0; i < INTERVAL_COUNT; i++)
        candle_series_add(&view->series[i], &taken);
}

static void apply_level(struct market_views *views, const struct event *event)
{
    struct level_event level;
    level_event_get(event->payload, &level);
    struct market_view *view = market_views_at(views, level.market);
    depth_set(&view->depth, level.side == SELL ? SELL : BUY, level.price, level.qty,
              level.update_id);
}

void market_view_apply(struct market_views *views, const struct applied *applied,
                       const struct event *event)
{
    market_views_advance(views, applied->stamp_ns);
    if (event->type == T_FILL) {
        apply_fill(views, event, applied->stamp_ns);
    } else if (event->type == T_LEVEL) {
        apply_level(views, event);
    } else {
        params_apply(&views->params, event);
        /* market_view_bytes counted every market the parameters allow. */
        while (views->count < views->params.market_count)
            ASSERT(open_market(views));
    }
}

void market_views_advance(struct market_views *views, uint64_t stamp_ns)
{
    if (stamp_ns > views->now_ns) views->now_ns = stamp_ns;
}

uint64_t market_views_now_ns(const struct market_views *views)
{
    return views->now_ns;
}

const struct params *market_views_params(const struct market_views *views)
{
    return &views->params;
}

uint16_t market_views_count(const struct market_views *views)
{
    return views->count;
}

struct market_view *market_views_at(struct market_views *views, uint16_t market)
{
    ASSERT(market < views->count);
    return views->markets[market];
}

struct market_view *market_views_find(struct market_views *views, const char *symbol,
                                      size_t symbol_bytes)
{
    uint32_t slot = hash_symbol(symbol, symbol_bytes);
    for (; views->index[slot] != 0; slot = (slot + 1) % INDEX_SLOTS) {
        struct market_view *view = views->markets[views->index[slot] - 1];
        if (strlen(view->symbol) != symbol_bytes) continue;
        if (memcmp(view->symbol, symbol, symbol_bytes) == 0) return view;
    }
    return NULL;
}
