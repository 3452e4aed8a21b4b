/* Tickers as the Binance Spot API prints them: a day's, and those of windows that a client chooses. */

#ifndef GATEWAY_REPLY_TICKER_H
#define GATEWAY_REPLY_TICKER_H

#include "gateway/market_view.h"
#include "gateway/reply_order.h"

/* /ticker/24hr. `mini`: without changes, best prices and last quantity. */
void reply_ticker_day(struct writer *json, const struct printing *printing,
                      const struct market_view *view, const struct ticker_figures *figures,
                      bool mini);

/* /ticker and /ticker/tradingDay. `mini`: without changes. */
void reply_ticker_window(struct writer *json, const struct printing *printing, uint16_t market,
                         const struct ticker_figures *figures, bool mini);

/* bidPrice, bidQty, askPrice, askQty of an object that is open; zeros where a side is empty. */
void reply_best(struct writer *json, const struct printing *printing, uint16_t market,
                const struct depth *depth);

/* quote / base in whole units, with 8 decimals. Needs: volume_lots > 0, or quote_units 0. */
void reply_average(struct writer *json, const struct params *params, uint16_t market,
                   const char *name, __int128 quote_units, __int128 volume_lots);

#endif /* GATEWAY_REPLY_TICKER_H */
