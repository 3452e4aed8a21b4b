/* The end of an order: out of book and directory, its hold released, its last word written.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_DONE_H
#define ENGINE_DONE_H

#include "engine/state.h"

/* Writes ORDER_DONE from what the order has executed by now. */
void done_write(const struct order *order, const struct order_terms *terms,
                enum order_status status, enum done_reason reason, struct event_writer *out);

/* Ends an open order: takes it out of book, directory and pool, releases what it still holds and
 * writes its ORDER_DONE. `slot` is free after it. */
void done_close(struct engine *engine, uint32_t slot, enum order_status status,
                enum done_reason reason, struct event_writer *out);

#endif /* ENGINE_DONE_H */
