/* A withdrawal as events tell it: WITHDRAWAL_MOVED, and up to rules 3 WITHDRAWAL_CHANGED, which knows of no fee.
 *
 * Everybody keeps the later form. Of an earlier event the fee is 0, and all of the amount is paid.
 *
 * Owner    the caller; pure
 */

#ifndef COMMON_WITHDRAWAL_EVENT_H
#define COMMON_WITHDRAWAL_EVENT_H

#include "common/messages.h"

static inline bool withdrawal_event_is(uint16_t type)
{
    return type == T_WITHDRAWAL_CHANGED || type == T_WITHDRAWAL_MOVED;
}

/* Needs: withdrawal_event_is of its type. */
void withdrawal_event_get(const struct event *event, struct withdrawal_moved_event *withdrawal);

/* Its payload under these rules, WITHDRAWAL_MOVED_BYTES at most; returns how many bytes it has. Needs: amount = fee + paid,
 * and no fee under rules that have none. */
uint16_t withdrawal_event_put(uint32_t rules, const struct withdrawal_moved_event *withdrawal,
                              uint8_t bytes[WITHDRAWAL_MOVED_BYTES]);

/* The event's type under these rules. */
uint16_t withdrawal_event_type(uint32_t rules);

void withdrawal_event_write(struct event_writer *out, uint32_t rules,
                            const struct withdrawal_moved_event *withdrawal);

#endif /* COMMON_WITHDRAWAL_EVENT_H */
