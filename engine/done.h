/* The end of an order: out of wherever it is, its hold released, its last word written, and with it the
 * other orders of its list where one ends all.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_DONE_H
#define ENGINE_DONE_H

#include "engine/state.h"
#include "engine/take.h"

/* Ends an open order that is not taking. `slot` is free after it. */
void done_close(struct engine *engine, uint32_t slot, enum order_status status,
                enum done_reason reason, struct event_writer *out);

/* Ends a resting order without extra that its last fill, of `last`, has filled. The directory was not told
 * of that fill. */
void done_filled(struct engine *engine, uint32_t slot, qty_t last, struct event_writer *out);

/* Ends the order that is taking. */
void done_taker(struct engine *engine, const struct taker *taker, enum order_status status,
                enum done_reason reason, struct event_writer *out);

/* What an open order that is not taking holds; of a pair, what both hold together. */
amount_t done_hold(struct engine *engine, uint32_t slot);

/* Ends the OCO sibling of an order that is about to trade or to fire, if it has one open. */
void done_sibling(struct engine *engine, uint32_t slot, struct event_writer *out);

/* Writes ORDER_TERMS of an order that has more to say than a plain one. */
void done_write_terms(struct engine *engine, const struct order *order, struct event_writer *out);

/* Writes ORDER_TAGGED of an order that is called something. */
void done_write_tag(struct engine *engine, const struct order *order, struct event_writer *out);

#endif /* ENGINE_DONE_H */
