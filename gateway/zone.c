#include "gateway/zone.h"

#define MINUTE_NS  60000000000ll
#define HOUR_NS    (60 * MINUTE_NS)
#define ZONE_MIN   (-12 * HOUR_NS)
#define ZONE_MAX   (14 * HOUR_NS)
#define MONTH_NS   (31 * 24 * HOUR_NS) /* the longest */
#define CUT_MARGIN 16                  /* parts that memory may forget until the answer comes */

static bool read_digits(const char **at, const char *end, int64_t *value)
{
    const char *const begin = *at;
    *value = 0;
    for (; *at < end && *at - begin < 2 && **at >= '0' && **at <= '9'; (*at)++)
        *value = *value * 10 + (**at - '0');
    return *at > begin;
}

bool zone_read(const char *text, size_t text_bytes, int64_t *zone_ns)
{
    const char *at = text, *const end = text + text_bytes;
    int64_t hours, minutes = 0;
    const bool is_west = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (!read_digits(&at, end, &hours)) return false;
    if (at < end &&
        (*at++ != ':' || end - at != 2 || !read_digits(&at, end, &minutes) || minutes >= 60))
        return false;
    *zone_ns = hours * HOUR_NS + minutes * MINUTE_NS;
    if (is_west) *zone_ns = -*zone_ns;
    return at == end && *zone_ns >= ZONE_MIN && *zone_ns <= ZONE_MAX;
}

/* Months and weeks begin with a day. */
static uint64_t grid_of(enum interval interval)
{
    const enum interval grid = interval > INTERVAL_3D ? INTERVAL_1D : interval;
    return interval_length_ns(grid);
}

static bool is_part(enum interval part, enum interval interval, int64_t zone_ns)
{
    const uint64_t length = interval_length_ns(part);
    const uint64_t distance = (uint64_t)(zone_ns < 0 ? -zone_ns : zone_ns);
    return grid_of(interval) % length == 0 && distance % length == 0;
}

bool zone_is_utc(enum interval interval, int64_t zone_ns)
{
    return zone_ns == 0 || (interval < INTERVAL_1D && is_part(interval, interval, zone_ns));
}

/* The zone's time; what lies before its beginning is its beginning. */
static uint64_t to_zone(uint64_t time_ns, int64_t zone_ns)
{
    if (time_ns >= (uint64_t)INT64_MAX - (uint64_t)ZONE_MAX) return INT64_MAX;
    const int64_t there = (int64_t)time_ns + zone_ns;
    return there < 0 ? 0 : (uint64_t)there;
}

static uint64_t from_zone(uint64_t zone_time_ns, int64_t zone_ns)
{
    const int64_t here = (int64_t)zone_time_ns - zone_ns;
    return here < 0 ? 0 : (uint64_t)here;
}

uint64_t zone_open_ns(enum interval interval, int64_t zone_ns, uint64_t stamp_ns)
{
    return from_zone(interval_open_ns(interval, to_zone(stamp_ns, zone_ns)), zone_ns);
}

uint64_t zone_next_ns(enum interval interval, int64_t zone_ns, uint64_t open_ns)
{
    return from_zone(interval_next_ns(interval, to_zone(open_ns, zone_ns)), zone_ns);
}

/* The longest interval whose candles the zone's are made of. */
static enum interval parts_of(enum interval interval, int64_t zone_ns)
{
    enum interval parts = INTERVAL_12H;
    while (!is_part(parts, interval, zone_ns))
        parts--;
    return parts;
}

bool zone_candle_at(const struct candle_series *series_of_market, enum interval interval,
                    int64_t zone_ns, uint64_t open_ns, struct candle *candle)
{
    const bool is_utc = zone_is_utc(interval, zone_ns);
    const struct candle_series *parts =
        &series_of_market[is_utc ? interval : parts_of(interval, zone_ns)];
    const uint64_t next_ns = zone_next_ns(interval, zone_ns, open_ns);
    const uint32_t count = candle_series_count(parts);
    uint32_t index = count;
    while (index > 0 && candle_series_at(parts, index - 1)->open_ns >= open_ns)
        index--;
    const bool had_traded = index > 0;
    const price_t close = had_traded ? candle_series_at(parts, index - 1)->close : (price_t){0};
    *candle = candle_carried(open_ns, close);
    for (; index < count && candle_series_at(parts, index)->open_ns < next_ns; index++) {
        struct candle part = *candle_series_at(parts, index);
        part.open_ns = open_ns;
        candle_join(candle, &part);
    }
    return had_traded || candle->fill_count > 0;
}

/* Where the first candle that may be shown opens, in UTC: the first at or after the start, or the one that leaves `limit`
 * up to the end. */
static uint64_t first_open(const struct history_query *query, uint64_t now_ns)
{
    const uint64_t start = to_zone(query->start_ns, query->zone_ns);
    uint64_t open = interval_open_ns(query->interval, start);
    if (open < start) open = interval_next_ns(query->interval, open);
    if (query->newest) {
        const uint64_t end_ns = query->end_ns < now_ns ? query->end_ns : now_ns;
        uint64_t from = interval_open_ns(query->interval, to_zone(end_ns, query->zone_ns));
        for (uint32_t i = 1; i < query->limit && from > 0; i++)
            from = interval_open_ns(query->interval, from - 1);
        if (from > open) open = from;
    }
    return from_zone(open, query->zone_ns);
}

void zone_ask(struct history_query *query, int64_t zone_ns,
              const struct candle_series *series_of_market, uint64_t now_ns)
{
    query->kind = HISTORY_ZONE_CANDLES;
    query->zone_ns = zone_ns;
    query->parts = parts_of(query->interval, zone_ns);
    const uint64_t length = interval_length_ns(query->interval);
    query->span_ns = (length == 0 ? (uint64_t)MONTH_NS : length) * query->limit;
    query->from_ns = first_open(query, now_ns);

    const struct candle_series *parts = &series_of_market[query->parts];
    const uint32_t kept = candle_series_count(parts);
    query->cut_ns = 0;
    if (parts->begun > kept) query->cut_ns = candle_series_at(parts, CUT_MARGIN)->open_ns;
}

/* A candle before the first one says what it may carry. */
bool zone_is_whole(const struct history_query *query, const struct candle_series *parts)
{
    const uint32_t kept = candle_series_count(parts);
    return parts->begun <= kept || query->from_ns > candle_series_at(parts, 0)->open_ns;
}

static bool gather_rows(const struct history_query *query, const struct history_rows *rows,
                        struct candle *sources, uint32_t *count)
{
    for (uint32_t row = 0; row < rows->row_count && *count <= query->limit; row++) {
        struct candle *candle = &sources[*count];
        if (!query_read_candle(rows, row, candle)) return false;
        if (*count > 0 && candle->open_ns < sources[*count - 1].open_ns) return false;
        (*count)++;
    }
    return true;
}

bool zone_gather(const struct history_query *query, const struct candle_series *parts,
                 const struct history_rows *rows, struct candle *sources, uint32_t *source_count)
{
    const uint32_t kept = candle_series_count(parts);
    uint32_t count = 0;
    *source_count = 0;
    if (rows == NULL && !zone_is_whole(query, parts)) return false;
    /* Below the cut are rows; from there on memory, which must not have forgotten any of it meanwhile. */
    const uint64_t cut_ns = rows == NULL ? 0 : query->cut_ns;
    if (rows != NULL && (rows->cursor_time_ns < cut_ns ||
                         (parts->begun > kept && candle_series_at(parts, 0)->open_ns > cut_ns)))
        return false;
    if (rows != NULL && !gather_rows(query, rows, sources, &count)) return false;
    for (uint32_t i = 0; i < kept; i++) {
        struct candle part = *candle_series_at(parts, i);
        if (part.open_ns < cut_ns) continue;
        part.open_ns = interval_open_ns(query->interval, to_zone(part.open_ns, query->zone_ns));
        if (count > 0 && sources[count - 1].open_ns == part.open_ns)
            candle_join(&sources[count - 1], &part);
        else
            sources[count++] = part;
    }
    *source_count = count;
    return true;
}
