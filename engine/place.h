/* Whether an order may be placed, and what it will hold and take.
 *
 * Everything is decided here before anything changes: after place_plan says REJECT_NONE the order cannot
 * fail any more. The hold has then moved, and nothing else.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_PLACE_H
#define ENGINE_PLACE_H

#include "engine/state.h"

#include "common/reject.h"

/* An order on its way through the book. */
struct taker {
    struct order order; /* MARKET by quote: its quantity is what the walk found */
    amount_t quote_qty; /* MARKET by quote: the amount; otherwise 0 */
    amount_t hold;      /* what it holds now */
    bool kill;          /* FOK that the book cannot fill: ends without a match */
    bool content;       /* MARKET by quote whose quote amount ended before the book did */
    price_t fill_price; /* of its last fill, 0 before the first */
};

/* Fills `taker` from the command and holds what it needs. Otherwise the refusal, and nothing changed.
 * The order has no id yet. */
enum reject place_plan(struct engine *engine, const struct order_place_command *place,
                       uint64_t stamp_ns, struct taker *taker);

/* Whether what an order does not match at once rests in the book. */
static inline bool place_may_rest(uint8_t type, uint8_t time_in_force)
{
    return type == LIMIT_MAKER || (type == LIMIT && time_in_force == GTC);
}

#endif /* ENGINE_PLACE_H */
