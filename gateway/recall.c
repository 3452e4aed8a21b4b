#include "gateway/recall.h"

#include "gateway/account_book.h"
#include "gateway/recall_custody.h"
#include "gateway/recall_wallet.h"
#include "gateway/reply_ticker.h"
#include "gateway/zone.h"

#include <stdlib.h>
#include <string.h>

#define CANDLE_SOURCES (RECALL_LIMIT_MAX + 1 + CANDLE_KEPT)

/* One entry of the list to be: its id, and where it is. */
struct pick {
    uint64_t id;
    const void *item;
};

/* The best `limit` of all that was offered: a heap whose first is the first to go. */
struct picks {
    struct pick *items;
    uint32_t count;
    uint32_t limit;
    bool newest;
};

struct recall {
    struct pick picks[RECALL_LIMIT_MAX];
    union {
        struct view_order orders[RECALL_LIMIT_MAX];
        struct view_fill fills[RECALL_LIMIT_MAX];
        struct aggregate_trade aggregates[RECALL_LIMIT_MAX];
        struct view_list lists[RECALL_LIMIT_MAX];
        struct view_prevented prevented[RECALL_LIMIT_MAX];
        struct view_amended amended[RECALL_LIMIT_MAX];
    } rows;
    struct aggregate_trade merged[RECALL_LIMIT_MAX + 1]; /* made from memory's fills */
    struct candle sources[CANDLE_SOURCES];
    struct candle candles[RECALL_LIMIT_MAX];
};

size_t recall_bytes(void)
{
    return (sizeof(struct recall) + 63) / 64 * 64;
}

struct recall *recall_new(struct arena *arena)
{
    return arena_take(arena, sizeof(struct recall));
}

/* ---- the best of what is offered ---- */

/* Whether `left` gives way before `right` does. */
static bool goes_first(const struct picks *picks, uint64_t left, uint64_t right)
{
    return picks->newest ? left < right : left > right;
}

static void sift_down(struct picks *picks, uint32_t at)
{
    for (;;) {
        uint32_t first = at;
        for (uint32_t child = at * 2 + 1; child <= at * 2 + 2 && child < picks->count; child++) {
            if (goes_first(picks, picks->items[child].id, picks->items[first].id)) first = child;
        }
        if (first == at) return;
        const struct pick swapped = picks->items[at];
        picks->items[at] = picks->items[first];
        picks->items[first] = swapped;
        at = first;
    }
}

static void sift_up(struct picks *picks, uint32_t at)
{
    while (at > 0) {
        const uint32_t parent = (at - 1) / 2;
        if (!goes_first(picks, picks->items[at].id, picks->items[parent].id)) return;
        const struct pick swapped = picks->items[at];
        picks->items[at] = picks->items[parent];
        picks->items[parent] = swapped;
        at = parent;
    }
}

static void offer(struct picks *picks, uint64_t id, const void *item)
{
    if (picks->count < picks->limit) {
        picks->items[picks->count] = (struct pick){id, item};
        sift_up(picks, picks->count++);
    } else if (goes_first(picks, picks->items[0].id, id)) {
        picks->items[0] = (struct pick){id, item};
        sift_down(picks, 0);
    }
}

static int by_id(const void *left, const void *right)
{
    const uint64_t left_id = ((const struct pick *)left)->id;
    const uint64_t right_id = ((const struct pick *)right)->id;
    return (left_id > right_id) - (left_id < right_id);
}

static struct picks picks_over(struct recall *recall, const struct history_query *query)
{
    const uint32_t limit = query->limit < RECALL_LIMIT_MAX ? query->limit : RECALL_LIMIT_MAX;
    return (struct picks){recall->picks, 0, limit, query->newest};
}

static bool in_range(const struct history_query *query, uint64_t id, uint64_t time_ns)
{
    return id >= query->id_min && id <= query->id_max && time_ns >= query->start_ns &&
           time_ns <= query->end_ns;
}

static uint32_t row_count(const struct history_rows *rows)
{
    if (rows == NULL) return 0;
    return rows->row_count < RECALL_LIMIT_MAX ? rows->row_count : RECALL_LIMIT_MAX;
}

/* Above this command memory speaks. */
static uint64_t cursor_of(const struct history_rows *rows)
{
    return rows == NULL ? 0 : rows->cursor;
}

/* ---- orders ---- */

static bool order_matches(const struct history_query *query, const struct view_order *order)
{
    if (order->market != query->market) return false;
    if (query->client_id[0] != 0 &&
        strncmp((const char *)order->client_id, query->client_id, 36) != 0)
        return false;
    return query->kind == HISTORY_CLIENT || in_range(query, order->order_id, order->created_ns);
}

static bool in_rows(const struct recall *recall, uint32_t count, uint64_t order_id)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (recall->rows.orders[middle].order_id < order_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && recall->rows.orders[low].order_id == order_id;
}

static bool pick_orders(struct recall *recall, const struct history_query *query,
                        const struct history_rows *rows, const struct view *view,
                        struct picks *picks)
{
    const uint32_t stored = row_count(rows);
    for (uint32_t row = 0; row < stored; row++) {
        struct view_order *order = &recall->rows.orders[row];
        if (!query_read_order(rows, row, query, order)) return false;
        if (order_matches(query, order)) offer(picks, order->order_id, order);
    }
    const struct view_order *order = NULL;
    while ((order = view_next_done(view, query->account, order)) != NULL) {
        if (order->command <= cursor_of(rows)) break; /* older ones are too */
        if (order_matches(query, order)) offer(picks, order->order_id, order);
    }
    /* PostgreSQL may be ahead of us: an order open here can be a row already. */
    order = NULL;
    while ((order = view_next_open(view, query->account, order)) != NULL) {
        if (order_matches(query, order) && !in_rows(recall, stored, order->order_id))
            offer(picks, order->order_id, order);
    }
    return true;
}

/* ---- fills ---- */

static bool own_fill_matches(const struct history_query *query, const struct view_fill *fill)
{
    if (fill->market != query->market) return false;
    if (query->order_id != 0 && fill->maker_order != query->order_id &&
        fill->taker_order != query->order_id)
        return false;
    return in_range(query, fill->trade_id, fill->time_ns);
}

static bool read_fills(struct recall *recall, const struct history_query *query,
                       const struct history_rows *rows, struct picks *picks)
{
    const uint32_t stored = row_count(rows);
    for (uint32_t row = 0; row < stored; row++) {
        struct view_fill *fill = &recall->rows.fills[row];
        if (!query_read_fill(rows, row, query, fill)) return false;
        offer(picks, fill->trade_id, fill);
    }
    return true;
}

static bool pick_own_fills(struct recall *recall, const struct history_query *query,
                           const struct history_rows *rows, const struct view *view,
                           struct picks *picks)
{
    if (!read_fills(recall, query, rows, picks)) return false;
    const struct view_fill *fill = NULL;
    while ((fill = view_next_fill(view, query->account, fill)) != NULL) {
        if (fill->command <= cursor_of(rows)) break;
        if (own_fill_matches(query, fill)) offer(picks, fill->trade_id, fill);
    }
    return true;
}

static bool pick_market_fills(struct recall *recall, const struct history_query *query,
                              const struct history_rows *rows, const struct view *view,
                              struct picks *picks)
{
    if (!read_fills(recall, query, rows, picks)) return false;
    const struct view_fill *fill = NULL;
    while ((fill = view_next_market_fill(view, query->market, fill)) != NULL) {
        if (fill->command <= cursor_of(rows) || fill->trade_id < query->id_min) break;
        if (in_range(query, fill->trade_id, fill->time_ns)) offer(picks, fill->trade_id, fill);
    }
    return true;
}

/* ---- order lists, prevented matches and amendments ---- */

static bool list_matches(const struct history_query *query, const struct view_list *list)
{
    if (!query->any_market && list->market != query->market) return false;
    if (query->client_id[0] != 0 &&
        strncmp((const char *)list->client_id, query->client_id, 36) != 0)
        return false;
    return in_range(query, list->list_id, list->created_ns);
}

static bool list_in_rows(const struct recall *recall, uint32_t count, const struct view_list *list)
{
    for (uint32_t row = 0; row < count; row++) {
        const struct view_list *stored = &recall->rows.lists[row];
        if (stored->list_id == list->list_id && stored->market == list->market) return true;
    }
    return false;
}

/* By time: ids are each market's own. */
static bool pick_lists(struct recall *recall, const struct history_query *query,
                       const struct history_rows *rows, const struct view *view,
                       struct picks *picks)
{
    const struct view_lists *lists = view_lists(view);
    const struct view_list *list = NULL;
    const uint32_t stored = row_count(rows);
    for (uint32_t row = 0; row < stored; row++) {
        struct view_list *read = &recall->rows.lists[row];
        if (!query_read_list(rows, row, query, read)) return false;
        if (list_matches(query, read)) offer(picks, read->created_ns, read);
    }
    while ((list = view_list_next_done(lists, query->account, list)) != NULL) {
        if (list->command <= cursor_of(rows)) break; /* older ones are too */
        if (list_matches(query, list)) offer(picks, list->created_ns, list);
    }
    /* PostgreSQL may be ahead of us: a list open here can be a row already. */
    list = NULL;
    while ((list = view_list_next_open(lists, query->account, list)) != NULL)
        if (list_matches(query, list) && !list_in_rows(recall, stored, list))
            offer(picks, list->created_ns, list);
    return true;
}

static bool prevented_matches(const struct history_query *query, const struct view_prevented *entry)
{
    if (entry->market != query->market) return false;
    if (query->order_id != 0 && entry->maker_order != query->order_id &&
        entry->taker_order != query->order_id)
        return false;
    return in_range(query, entry->prevented_id, entry->time_ns);
}

static bool pick_prevented(struct recall *recall, const struct history_query *query,
                           const struct history_rows *rows, const struct view *view,
                           struct picks *picks)
{
    const struct view_prevented *entry = NULL;
    const uint32_t stored = row_count(rows);
    for (uint32_t row = 0; row < stored; row++) {
        struct view_prevented *read = &recall->rows.prevented[row];
        if (!query_read_prevented(rows, row, query, read)) return false;
        if (prevented_matches(query, read)) offer(picks, read->prevented_id, read);
    }
    while ((entry = account_tail_next(view_preventions(view), query->account, entry)) != NULL) {
        if (entry->link.command <= cursor_of(rows)) break; /* older ones are too */
        if (prevented_matches(query, entry)) offer(picks, entry->prevented_id, entry);
    }
    return true;
}

static bool amended_matches(const struct history_query *query, const struct view_amended *entry)
{
    return entry->market == query->market && entry->order_id == query->order_id &&
           entry->link.command >= query->id_min;
}

/* How many of the first `count` rows there are up to the last whose former name the projection did not know
 * (settlement/open_order.h). */
static uint32_t up_to_unnamed(const struct recall *recall, uint32_t count)
{
    while (count > 0 && recall->rows.amended[count - 1].former_client_id[0] != 0)
        count--;
    return count;
}

/* Memory may know that name. Rows rise by command and entries fall: each is come by once. Returns how many rows are
 * left to be named. */
static uint32_t name_row(struct recall *recall, const struct history_query *query, uint32_t unnamed,
                         const struct view_amended *entry)
{
    struct view_amended *rows = recall->rows.amended;
    while (unnamed > 0 && rows[unnamed - 1].link.command > entry->link.command)
        unnamed = up_to_unnamed(recall, unnamed - 1);
    if (unnamed == 0 || rows[unnamed - 1].link.command != entry->link.command ||
        !amended_matches(query, entry))
        return unnamed;
    memcpy(rows[unnamed - 1].former_client_id, entry->former_client_id,
           sizeof(entry->former_client_id));
    return up_to_unnamed(recall, unnamed - 1);
}

static bool pick_amended(struct recall *recall, const struct history_query *query,
                         const struct history_rows *rows, const struct view *view,
                         struct picks *picks)
{
    const struct view_amended *entry = NULL;
    const uint32_t stored = row_count(rows);
    for (uint32_t row = 0; row < stored; row++) {
        struct view_amended *read = &recall->rows.amended[row];
        if (!query_read_amended(rows, row, query, read)) return false;
        if (amended_matches(query, read)) offer(picks, read->link.command, read);
    }
    uint32_t unnamed = up_to_unnamed(recall, stored);
    while ((entry = account_tail_next(view_amendments(view), query->account, entry)) != NULL) {
        if (entry->link.command <= cursor_of(rows)) {
            if (unnamed == 0) break; /* nor are older ones of use */
            unnamed = name_row(recall, query, unnamed, entry);
        } else if (amended_matches(query, entry)) {
            offer(picks, entry->link.command, entry);
        }
    }
    return true;
}

/* ---- aggregates ---- */

static struct aggregate_trade aggregate_of(const struct view_fill *fill)
{
    return (struct aggregate_trade){
        .id = fill->aggregate_id,
        .first_id = fill->trade_id,
        .last_id = fill->trade_id,
        .stamp_ns = fill->time_ns,
        .price = fill->price,
        .qty = fill->qty,
        .buyer_is_maker = fill->taker_side == SELL,
    };
}

/* Walks memory's fills from the newest and merges neighbours of one aggregate. Keeps the newest or the
 * oldest `limit` in `merged`, the latter by writing round and round; returns how many were made. */
static uint64_t merge_fills(struct recall *recall, const struct history_query *query,
                            uint64_t cursor, const struct view *view, uint32_t limit)
{
    uint64_t made = 0;
    struct aggregate_trade *last = NULL;
    const struct view_fill *fill = NULL;
    while ((fill = view_next_market_fill(view, query->market, fill)) != NULL) {
        if (fill->command <= cursor || fill->aggregate_id < query->id_min) break;
        if (!in_range(query, fill->aggregate_id, fill->time_ns)) continue;
        if (last != NULL && last->id == fill->aggregate_id) {
            last->first_id = fill->trade_id;
            last->qty.lots += fill->qty.lots;
            continue;
        }
        if (query->newest && made == limit) break;
        last = &recall->merged[made++ % limit];
        *last = aggregate_of(fill);
    }
    return made;
}

static bool pick_aggregates(struct recall *recall, const struct history_query *query,
                            const struct history_rows *rows, const struct view *view,
                            struct picks *picks)
{
    const uint32_t stored = row_count(rows);
    for (uint32_t row = 0; row < stored; row++) {
        struct aggregate_trade *aggregate = &recall->rows.aggregates[row];
        if (!query_read_aggregate(rows, row, aggregate)) return false;
        offer(picks, aggregate->id, aggregate);
    }
    const uint64_t made = merge_fills(recall, query, cursor_of(rows), view, picks->limit);
    const uint64_t kept = made < picks->limit ? made : picks->limit;
    for (uint64_t index = 0; index < kept; index++)
        offer(picks, recall->merged[index].id, &recall->merged[index]);
    return true;
}

/* ---- JSON ---- */

void recall_put_trade(struct writer *json, const struct printing *printing, uint16_t market,
                      const struct trade *trade)
{
    writer_object(json);
    writer_key_u64(json, "id", trade->id);
    reply_price(json, printing->params, market, "price", trade->price);
    reply_qty(json, printing->params, market, "qty", trade->qty);
    reply_quote(json, printing->params, market, "quoteQty", trade->quote_units);
    writer_key_u64(json, "time", trade->stamp_ns / printing->time_unit_ns);
    writer_key_bool(json, "isBuyerMaker", trade->buyer_is_maker);
    writer_key_bool(json, "isBestMatch", true);
    writer_object_end(json);
}

void recall_put_aggregate(struct writer *json, const struct printing *printing, uint16_t market,
                          const struct aggregate_trade *aggregate)
{
    writer_object(json);
    writer_key_u64(json, "a", aggregate->id);
    reply_price(json, printing->params, market, "p", aggregate->price);
    reply_qty(json, printing->params, market, "q", aggregate->qty);
    writer_key_u64(json, "f", aggregate->first_id);
    writer_key_u64(json, "l", aggregate->last_id);
    writer_key_u64(json, "T", aggregate->stamp_ns / printing->time_unit_ns);
    writer_key_bool(json, "m", aggregate->buyer_is_maker);
    writer_key_bool(json, "M", true);
    writer_object_end(json);
}

/* A candle in the time of a zone, which is so far from UTC. */
static void put_candle(struct writer *json, const struct printing *printing, uint16_t market,
                       enum interval interval, int64_t zone_ns, const struct candle *candle)
{
    const struct market *listing = &printing->params->markets[market];
    const int quote = printing->params->assets[listing->quote].decimals;
    const int base = printing->params->assets[listing->base].decimals;
    const price_t prices[] = {candle->open, candle->high, candle->low, candle->close};
    const uint64_t open_ns = (uint64_t)((int64_t)candle->open_ns - zone_ns);
    const uint64_t next_ns =
        (uint64_t)((int64_t)interval_next_ns(interval, candle->open_ns) - zone_ns);

    writer_array(json);
    writer_u64(json, open_ns / printing->time_unit_ns);
    for (int index = 0; index < 4; index++)
        writer_decimal(json, (__int128)prices[index].ticks * listing->tick_units, quote);
    writer_decimal(json, candle->volume_lots * listing->lot_units, base);
    writer_u64(json, next_ns / printing->time_unit_ns - 1);
    writer_decimal(json, candle->quote_units, quote);
    writer_u64(json, candle->fill_count);
    writer_decimal(json, candle->taker_volume_lots * listing->lot_units, base);
    writer_decimal(json, candle->taker_quote_units, quote);
    writer_string(json, "0");
    writer_array_end(json);
}

void recall_put_candle(struct writer *json, const struct printing *printing, uint16_t market,
                       enum interval interval, const struct candle *candle)
{
    put_candle(json, printing, market, interval, 0, candle);
}

static void put_market_fill(struct writer *json, const struct printing *printing,
                            const struct view_fill *fill)
{
    const struct trade trade = {
        .id = fill->trade_id,
        .stamp_ns = fill->time_ns,
        .price = fill->price,
        .qty = fill->qty,
        .quote_units =
            market_notional(&printing->params->markets[fill->market], fill->price, fill->qty).units,
        .buyer_is_maker = fill->taker_side == SELL,
    };
    recall_put_trade(json, printing, fill->market, &trade);
}

static void put_picks(const struct picks *picks, const struct history_query *query,
                      const struct printing *printing, struct writer *json)
{
    qsort(picks->items, picks->count, sizeof(*picks->items), by_id);
    if (!query->single) writer_array(json);
    for (uint32_t index = 0; index < picks->count; index++) {
        const void *item = picks->items[index].item;
        switch (query->kind) {
        case HISTORY_ORDERS:
        case HISTORY_CLIENT:
            reply_order(json, printing, item);
            break;
        case HISTORY_FILLS:
            reply_fill(json, printing, item, query->account, query->order_id);
            break;
        case HISTORY_TRADES:
            put_market_fill(json, printing, item);
            break;
        case HISTORY_AGGREGATES:
            recall_put_aggregate(json, printing, query->market, item);
            break;
        case HISTORY_LISTS:
            reply_list(json, printing, item);
            break;
        case HISTORY_PREVENTED:
            reply_prevented(json, printing, item);
            break;
        case HISTORY_AMENDMENTS:
            reply_amendment(json, printing, item);
            break;
        default:
            ASSERT(query->kind != HISTORY_CANDLES && query->kind < HISTORY_KINDS);
        }
    }
    if (!query->single) writer_array_end(json);
}

/* ---- candles ---- */

/* Stored candles older than memory's oldest, then memory's. False when a row is not a candle, or when
 * PostgreSQL has not reached the time from which memory has them all. */
static bool gather_candles(struct recall *recall, const struct candle_series *series, bool is_whole,
                           const struct history_rows *rows, uint32_t *source_count)
{
    const uint32_t kept = candle_series_count(series);
    const uint64_t from_ns = kept > 0 ? candle_series_at(series, 0)->open_ns : UINT64_MAX;
    uint32_t count = 0;
    if (!is_whole && (rows == NULL || rows->cursor_time_ns < from_ns)) return false;
    const uint32_t stored = rows == NULL ? 0 : rows->row_count;
    for (uint32_t row = 0; row < stored && count < RECALL_LIMIT_MAX + 1; row++) {
        if (!query_read_candle(rows, row, &recall->sources[count])) return false;
        if (recall->sources[count].open_ns < from_ns) count++;
    }
    for (uint32_t index = 0; index < kept; index++)
        recall->sources[count++] = *candle_series_at(series, index);
    *source_count = count;
    return true;
}

/* The stored oldest `limit` of a range may end before memory begins; what lies between would then be
 * shown as carried. Cut the answer where the stored rows end. */
static uint64_t known_end(const struct history_query *query, const struct history_rows *rows,
                          const struct recall *recall, uint32_t stored, uint64_t memory_from_ns)
{
    if (rows == NULL || query->newest || stored == 0) return query->end_ns;
    if (stored < rows->row_count) return query->end_ns; /* they reach into memory's */
    const uint32_t before = recall->sources[0].open_ns < query->start_ns;
    if (rows->row_count - before < query->limit) return query->end_ns;
    const uint64_t last_ns = recall->sources[stored - 1].open_ns;
    return last_ns < memory_from_ns && last_ns < query->end_ns ? last_ns : query->end_ns;
}

static bool answer_candles(struct recall *recall, const struct history_query *query, bool is_whole,
                           const struct history_rows *rows, struct market_views *markets,
                           const struct printing *printing, struct writer *json)
{
    const struct candle_series *series =
        &market_views_at(markets, query->market)->series[query->interval];
    uint32_t sources = 0;
    if (!gather_candles(recall, series, is_whole, rows, &sources)) return false;
    const uint32_t kept = candle_series_count(series);
    const uint64_t from_ns = kept > 0 ? candle_series_at(series, 0)->open_ns : UINT64_MAX;
    const uint64_t now_ns = market_views_now_ns(markets);
    uint64_t end_ns = known_end(query, rows, recall, sources - kept, from_ns);
    if (end_ns > now_ns) end_ns = now_ns;

    const uint32_t count =
        candle_continue(query->interval, recall->sources, sources, query->start_ns, end_ns,
                        query->newest, recall->candles, query->limit);
    writer_array(json);
    for (uint32_t index = 0; index < count; index++)
        recall_put_candle(json, printing, query->market, query->interval, &recall->candles[index]);
    writer_array_end(json);
    return true;
}

static const struct candle_series *parts_of(const struct history_query *query,
                                            struct market_views *markets)
{
    return &market_views_at(markets, query->market)->series[query->parts];
}

/* One ticker of all that the days of a zone hold, which are in the zone's time. */
static bool answer_window(struct recall *recall, const struct history_query *query,
                          const struct history_rows *rows, struct market_views *markets,
                          const struct printing *printing, struct writer *json)
{
    const struct ticker *ticker = &market_views_at(markets, query->market)->ticker;
    const int64_t from = (int64_t)query->from_ns + query->zone_ns;
    struct ticker_figures figures;
    struct candle sum = {0};
    uint32_t sources = 0;
    if (!zone_gather(query, parts_of(query, markets), rows, recall->sources, &sources))
        return false;
    for (uint32_t index = 0; index < sources; index++) {
        struct candle day = recall->sources[index];
        if ((int64_t)day.open_ns < from) continue; /* what a candle would be carried from */
        day.open_ns = 0;
        candle_join(&sum, &day);
    }
    ticker_figures_of(ticker, &sum, query->from_ns, market_views_now_ns(markets), &figures);
    if (!query->single) writer_array(json);
    reply_ticker_window(json, printing, query->market, &figures,
                        query->window == HISTORY_WINDOW_MINI);
    if (!query->single) writer_array_end(json);
    return true;
}

/* All in the zone's time. */
static bool answer_zone(struct recall *recall, const struct history_query *query,
                        const struct history_rows *rows, struct market_views *markets,
                        const struct printing *printing, struct writer *json)
{
    uint32_t sources = 0;
    if (!zone_gather(query, parts_of(query, markets), rows, recall->sources, &sources))
        return false;
    const uint64_t now_ns = market_views_now_ns(markets);
    const uint64_t end_ns = query->end_ns < now_ns ? query->end_ns : now_ns;
    const int64_t from = (int64_t)query->from_ns + query->zone_ns;
    const int64_t end = (int64_t)end_ns + query->zone_ns;
    const uint32_t count =
        candle_continue(query->interval, recall->sources, sources, from < 0 ? 0 : (uint64_t)from,
                        end < 0 ? 0 : (uint64_t)end, query->newest, recall->candles, query->limit);
    writer_array(json);
    for (uint32_t index = 0; index < count; index++)
        put_candle(json, printing, query->market, query->interval, query->zone_ns,
                   &recall->candles[index]);
    writer_array_end(json);
    return true;
}

/* ---- the answer ---- */

bool recall_is_whole(const struct history_query *query, const struct view *view,
                     struct market_views *markets)
{
    if (account_book_has(query->kind)) return false;
    if (query->kind == HISTORY_ZONE_CANDLES) return zone_is_whole(query, parts_of(query, markets));
    if (query->wallet.is_asked) return recall_wallet_is_whole(query, view);
    if (recall_custody_has(query->kind))
        return recall_custody_is_whole(query, view, market_views_params(markets));
    if (query->kind == HISTORY_LISTS) return !view_list_lost(view_lists(view), query->account);
    if (query->kind == HISTORY_PREVENTED)
        return !account_tail_lost(view_preventions(view), query->account);
    if (query->kind == HISTORY_AMENDMENTS)
        return !account_tail_lost(view_amendments(view), query->account);
    if (query->kind != HISTORY_CANDLES) return view_dropped(view) == 0;
    const struct candle_series *series =
        &market_views_at(markets, query->market)->series[query->interval];
    const uint32_t kept = candle_series_count(series);
    if (series->begun <= kept) return true;
    const uint64_t now_ns = market_views_now_ns(markets);
    if (query->start_ns >= candle_series_at(series, 0)->open_ns) return true;
    /* The newest ones up to now: as many candles with fills are kept as may be asked for. */
    return query->newest && query->end_ns >= now_ns && query->limit <= kept;
}

static bool pick_all(struct recall *recall, const struct history_query *query,
                     const struct history_rows *rows, const struct view *view, struct picks *picks)
{
    switch (query->kind) {
    case HISTORY_ORDERS:
    case HISTORY_CLIENT:
        return pick_orders(recall, query, rows, view, picks);
    case HISTORY_FILLS:
        return pick_own_fills(recall, query, rows, view, picks);
    case HISTORY_TRADES:
        return pick_market_fills(recall, query, rows, view, picks);
    case HISTORY_AGGREGATES:
        return pick_aggregates(recall, query, rows, view, picks);
    case HISTORY_LISTS:
        return pick_lists(recall, query, rows, view, picks);
    case HISTORY_PREVENTED:
        return pick_prevented(recall, query, rows, view, picks);
    case HISTORY_AMENDMENTS:
        return pick_amended(recall, query, rows, view, picks);
    default:
        ASSERT(query->kind != HISTORY_CANDLES && query->kind < HISTORY_KINDS);
        return false;
    }
}

/* What PostgreSQL must have reached for the rows and memory together to be all there is. */
static uint64_t needed_cursor(const struct history_query *query, const struct view *view)
{
    if (query->kind == HISTORY_LISTS)
        return view_list_lost(view_lists(view), query->account)
                   ? view_list_dropped(view_lists(view))
                   : 0;
    const struct account_tail *tail = query->kind == HISTORY_PREVENTED    ? view_preventions(view)
                                      : query->kind == HISTORY_AMENDMENTS ? view_amendments(view)
                                                                          : NULL;
    if (tail != NULL) return account_tail_lost(tail, query->account) ? tail->dropped : 0;
    return view_dropped(view);
}

/* Why what was asked for by name is not there. An order that is found by its id is called something else. */
static enum reject missing(const struct history_query *query, const struct history_rows *rows)
{
    if (query->kind == HISTORY_LISTS) return REJECT_NO_SUCH_LIST;
    const bool by_id = query->kind == HISTORY_ORDERS && row_count(rows) > 0;
    return by_id ? REJECT_CLIENT_ORDER_ID : REJECT_NO_SUCH_ORDER;
}

bool recall_answer(struct recall *recall, const struct history_query *query,
                   const struct history_rows *rows, const struct view *view,
                   struct market_views *markets, const struct printing *printing,
                   struct writer *json, struct refusal *refusal)
{
    *refusal = refusal_of(REJECT_HISTORY_UNAVAILABLE, NULL, NULL);
    ASSERT(query->limit > 0 && query->limit <= RECALL_LIMIT_MAX);
    if (query->wallet.is_asked)
        return recall_wallet_answer(query, rows, view, printing, json, refusal);
    if (recall_custody_has(query->kind))
        return recall_custody_answer(query, rows, view, printing, json);
    if (query->kind == HISTORY_CANDLES)
        return answer_candles(recall, query, recall_is_whole(query, view, markets), rows, markets,
                              printing, json);
    if (query->window != HISTORY_NO_WINDOW)
        return answer_window(recall, query, rows, markets, printing, json);
    if (query->kind == HISTORY_ZONE_CANDLES)
        return answer_zone(recall, query, rows, markets, printing, json);
    const bool is_book = account_book_has(query->kind);
    if (!is_book && cursor_of(rows) < needed_cursor(query, view)) return false;
    if (rows != NULL && rows->gone) {
        *refusal = refusal_of(REJECT_HISTORY_DROPPED, NULL, NULL);
        return false;
    }
    if (is_book) return rows != NULL && account_book_answer(query, rows, printing, json);

    struct picks picks = picks_over(recall, query);
    if (!pick_all(recall, query, rows, view, &picks)) return false;
    if (query->single && picks.count == 0) {
        *refusal = refusal_of(missing(query, rows), NULL, NULL);
        return false;
    }
    put_picks(&picks, query, printing, json);
    return true;
}
