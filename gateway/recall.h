/* The past as one list: rows from PostgreSQL, and what memory holds above PostgreSQL's cursor.
 *
 * An entry that memory and PostgreSQL both have comes from PostgreSQL. When PostgreSQL has not reached
 * what memory has let go (view_dropped), part of the list is nowhere: that is a refusal, never a
 * silent gap.
 *
 * Owner    one gateway loop
 * Memory   scratch for one answer, from an arena at start
 * Cost     O(rows + what memory holds of the account or market)
 *
 * Invariants (tests/unit/gateway/test_recall.c):
 *   H1  ids rise, none twice, and no id is missing that lies between two that are there and matched
 *   H2  the same list comes out wherever the cursor stands
 */

#ifndef GATEWAY_RECALL_H
#define GATEWAY_RECALL_H

#include "gateway/market_view.h"
#include "gateway/query_read.h"
#include "gateway/reply.h"
#include "gateway/writer.h"

#define RECALL_LIMIT_MAX 1000

struct recall;

size_t recall_bytes(void);
MUST_CHECK struct recall *recall_new(struct arena *arena);

/* Whether memory alone has every entry the query may show. */
bool recall_is_whole(const struct history_query *query, const struct view *view,
                     struct market_views *markets);

/* Writes the answer's JSON. `rows` is NULL when memory alone answers (recall_is_whole). False with
 * REJECT_HISTORY_UNAVAILABLE (or REJECT_NO_SUCH_ORDER, REJECT_NO_SUCH_LIST for single ones). */
MUST_CHECK bool recall_answer(struct recall *recall, const struct history_query *query,
                              const struct history_rows *rows, const struct view *view,
                              struct market_views *markets, const struct printing *printing,
                              struct writer *json, struct refusal *refusal);

/* One element of trades, aggTrades and klines. */
void recall_put_trade(struct writer *json, const struct printing *printing, uint16_t market,
                      const struct trade *trade);
void recall_put_aggregate(struct writer *json, const struct printing *printing, uint16_t market,
                          const struct aggregate_trade *aggregate);
void recall_put_candle(struct writer *json, const struct printing *printing, uint16_t market,
                       enum interval interval, const struct candle *candle);

#endif /* GATEWAY_RECALL_H */
