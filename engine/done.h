/* The end of an order: out of book and directory, its hold released, its last word written.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_DONE_H
#define ENGINE_DONE_H

#include "engine/state.h"

/* Writes ORDER_DONE of an order that has executed this much; `quote_qty` as in struct taker. */
void done_write(const struct order *order, qty_t executed, amount_t quote_qty,
                enum order_status status, enum done_reason reason, struct event_writer *out);

/* Ends an open order: takes it out of book, directory and pool, releases what it still holds and
 * writes its ORDER_DONE. `slot` is free after it. */
void done_close(struct engine *engine, uint32_t slot, enum order_status status,
                enum done_reason reason, struct event_writer *out);

/* Writes a LEVEL for each level that the command has changed. */
void done_write_levels(struct engine *engine, struct event_writer *out);

#endif /* ENGINE_DONE_H */
