/* Market views as bytes and back: the markets of a checkpoint's MARKETS section (restore.h).
 *
 *     market      trade_count u64 | aggregate_count u64 | trades | aggregates |
 *                 minutes_begun u64 | minute_count u32 | minutes | INTERVAL_COUNT x series
 *     series      begun u64 | candles
 *     trade       id u64 | aggregate_id u64 | stamp_ns u64 | price i64 | qty i64 | buyer_is_maker u8
 *     aggregate   id u64 | first_id u64 | last_id u64 | stamp_ns u64 | price i64 | qty i64 |
 *                 buyer_is_maker u8
 *     candle      open_ns u64 | fill_count u64 | first_trade_id u64 | last_trade_id u64 |
 *                 open, high, low, close i64 | volume_lots, quote_units, taker_volume_lots,
 *                 taker_quote_units (16 bytes each)
 *
 * Of trades, aggregates and candles the newest are there, as many as a view keeps of as many as there ever
 * were; of minutes those in the 24 hours that end with the last stamp, and the one before them, whose
 * close a ticker shows. Levels are not here: the engine has them.
 */

#ifndef GATEWAY_MARKET_RESTORE_H
#define GATEWAY_MARKET_RESTORE_H

#include "gateway/byte_stream.h"
#include "gateway/market_view.h"

/* Writes every market, by rising number. */
void market_views_save(struct market_views *views, struct byte_writer *writer);

/* Takes the parameters that a checkpoint has instead of the genesis', and opens their markets. False when
 * the bounds are others or a market that is open already has another symbol. Needs: the views are new. */
MUST_CHECK bool market_views_adopt(struct market_views *views, const struct params *params);

/* Reads every market. False when anything there cannot be at `now_ns`, the last stamp. The reader stands
 * behind the markets then. Needs: market_views_adopt, and no event yet. */
MUST_CHECK bool market_views_load(struct market_views *views, uint64_t now_ns,
                                  struct byte_reader *reader);

#endif /* GATEWAY_MARKET_RESTORE_H */
