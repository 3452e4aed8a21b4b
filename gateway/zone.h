/* Candles of another time zone, put together from candles of UTC.
 *
 * Only UTC's are kept. A candle of a zone is the sum of shorter ones that lie in it: those of the longest interval that
 * divides its length and the zone's distance from UTC, its *parts*. Parts before `cut_ns` are added up by PostgreSQL,
 * those from there on by memory, which has them all; the cut lies a little above memory's oldest, so that it
 * still has them when the answer comes. All that is added up is in the zone's own time: UTC plus its distance.
 *
 * Owner    one gateway loop
 * Limits   zones from -12:00 to +14:00, by the minute
 * Cost     PostgreSQL reads every part: `limit` candles of 1d are 3,000 rows in a zone of whole 8 hours and 96,000 in one of
 *          quarters of an hour
 */

#ifndef GATEWAY_ZONE_H
#define GATEWAY_ZONE_H

#include "gateway/query_read.h"

/* Reads "8", "-1:00", "05:45". */
MUST_CHECK bool zone_read(const char *text, size_t text_bytes, int64_t *zone_ns);

/* Whether the zone's candles of the interval are UTC's own. */
bool zone_is_utc(enum interval interval, int64_t zone_ns);

/* Where the zone's candle that holds `stamp_ns` opens, and where the one after it does; all in UTC. */
uint64_t zone_open_ns(enum interval interval, int64_t zone_ns, uint64_t stamp_ns);
uint64_t zone_next_ns(enum interval interval, int64_t zone_ns, uint64_t open_ns);

/* The zone's candle that opens at `open_ns` (UTC), from memory: carried when it had no fill. False when the
 * market had not traded by its end. Needs: memory has its parts, as it has those of the newest hundred.
 * Cost: O(candles since then). */
MUST_CHECK bool zone_candle_at(const struct candle_series *series_of_market, enum interval interval,
                               int64_t zone_ns, uint64_t open_ns, struct candle *candle);

/* Makes a HISTORY_CANDLES question one for the zone's: which parts, from when on, and where the cut is. `series_of_market`:
 * the market's series by interval. */
void zone_ask(struct history_query *query, int64_t zone_ns,
              const struct candle_series *series_of_market, uint64_t now_ns);

/* Whether memory alone has all parts that the question may show. `parts` is the series of query->parts. */
bool zone_is_whole(const struct history_query *query, const struct candle_series *parts);

/* Rows and memory's parts as candles in the zone's time, rising. False when a row is none, or when a part may be in
 * neither. `sources` has room for as many as a series keeps and `limit` more. */
MUST_CHECK bool zone_gather(const struct history_query *query, const struct candle_series *parts,
                            const struct history_rows *rows, struct candle *sources,
                            uint32_t *source_count);

#endif /* GATEWAY_ZONE_H */
