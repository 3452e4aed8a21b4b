/* An order that is only tested: what the engine would say of it at this moment, as far as the gateway
 * sees the market and the account.
 *
 * The order of the checks is that of docs/matching.md. Room in the engine's books and the exact cost of
 * a market order are the engine's alone to know; a market order is priced at the best level.
 */

#ifndef GATEWAY_REHEARSE_H
#define GATEWAY_REHEARSE_H

#include "common/reject.h"
#include "gateway/market_view.h"
#include "gateway/view.h"

/* `market` is the order's, at `now_ns`. */
MUST_CHECK bool rehearse_order(const struct order_place_command *order, const struct params *params,
                               const struct view *view, const struct market_view *market,
                               uint64_t now_ns, struct refusal *refusal);

/* The market's average price over the last `minutes` UTC minutes, as PERCENT_PRICE_BY_SIDE goes by it:
 * the last price when there were no fills; 0 when there never was one. */
price_t rehearse_average(const struct market_view *market, const struct market *listing,
                         uint32_t minutes, uint64_t now_ns);

#endif /* GATEWAY_REHEARSE_H */
