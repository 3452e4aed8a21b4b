/* Many requests of a trader in one: each line of a body is a question of its own to the desk.
 *
 * A line is the text of an order, a cancel, a cancel-replace or an amend, as its route under /api/v3 takes it in a query;
 * which of them, its parameters tell. Each becomes its own command, proved to the other nodes by what they prove any
 * other by: the key's node for HMAC, where one signature covers all lines (SECURITY_BATCH), or the line's own signature
 * (SECURITY_ITEMS). One that is refused leaves the others. The answer has theirs, in the order of the lines.
 *
 * What was signed as another request must not pass as lines, nor these as one: no path is signed. So lines under one
 * signature all end with a newline, which no form of an order has, and the query in front of them has nothing but
 * timestamp, recvWindow and signature.
 *
 * Owner    the desk's thread
 * Memory   the question's own, by its asker's grow: about 4 KB a line
 * Limits   ORDER_BATCH_ITEMS_MAX lines. All of them weigh before any is asked
 */

#ifndef GATEWAY_ORDER_BATCH_H
#define GATEWAY_ORDER_BATCH_H

#include "gateway/desk.h"

#define ORDER_BATCH_ITEMS_MAX 100u

/* The line at *at, without its newline; moves past it. Needs: *at < end. */
struct auth_piece order_batch_next(const char **at, const char *end);

/* The route that the line is for, by the names of its parameters as they are written. Only that one can take it. */
const struct route *order_batch_route(const struct auth_piece *line);

/* Whether a parameter of the text is empty: an '&' stands at an end, or beside another. */
bool order_batch_has_gap(const struct auth_piece *text);

/* Lines of a body; the last may end with a newline or without. */
uint32_t order_batch_count(const char *body, size_t body_bytes);

/* Asks all lines of the question's body, and answers it now or when the last of them is answered. Needs: there are 1 to
 * ORDER_BATCH_ITEMS_MAX; the question was identified, and its own weight charged. */
void order_batch_ask(struct desk_question *whole);

/* Nobody waits for the answer any more. Needs: whole->items. */
void order_batch_forget(struct desk_question *whole);

#endif /* GATEWAY_ORDER_BATCH_H */
