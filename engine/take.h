/* Taking: an order meets the makers that wait on the other side, then ends or rests.
 *
 * Owner    the engine thread
 * Cost     O(1) a match
 */

#ifndef ENGINE_TAKE_H
#define ENGINE_TAKE_H

#include "engine/state.h"

/* An order on its way through the book. It is in the pool, and not in the book. */
struct taker {
    uint32_t slot;
    amount_t hold;      /* what it holds now */
    amount_t quote_qty; /* MARKET by quote, else 0 */
    price_t reach;      /* the worst price it trades at, 0: any */
    price_t fill_price; /* of its last fill, 0 before the first */
    bool entered;       /* in the directory already: it did not come with this command's order */
    bool kill;          /* FOK that the book cannot fill: ends without a match */
    bool content;       /* MARKET by quote whose quote amount ended before the book did */
    bool cut;           /* it lacked the funds for its whole quantity */
    bool prevented;     /* self-trade prevention took the last of it */
    qty_t beyond;       /* what `cut` left out of it */
    struct roster
        *roster; /* where it joins if the directory does not change before; NULL: unknown */
    bool met;    /* it met an order, and the directory may have changed */
};

/* Takes, ends or rests, and puts what its trades fire onto the work queue. */
void take(struct engine *engine, struct taker *taker, struct event_writer *out);

/* How far an order without a price reaches at this moment: the market's band round the last price, or
 * 0 for any. */
price_t take_band(const struct engine *engine, uint16_t market, enum side side);

#endif /* ENGINE_TAKE_H */
