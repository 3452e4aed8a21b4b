/* How many orders an account has placed of late, in windows of the log's time: the API's order count.
 *
 * Ten seconds and a UTC day, aligned to the clock. An order counts when it is accepted and until it has its first fill. A
 * node counts what it has seen: one that starts from a checkpoint begins with what came after it.
 *
 * Owner    the view it is in
 */

#ifndef GATEWAY_ORDER_TALLY_H
#define GATEWAY_ORDER_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#define ORDER_TALLY_TEN_SECONDS_MAX 100u
#define ORDER_TALLY_DAY_MAX         200000u

enum order_tally_window { TALLY_TEN_SECONDS, TALLY_DAY, TALLY_WINDOWS };

struct order_tally {
    uint32_t number[TALLY_WINDOWS]; /* which window, since 1970 */
    uint32_t placed[TALLY_WINDOWS]; /* in it */
};

void order_tally_add(struct order_tally *tally, uint64_t stamp_ns);

/* For one that was placed: it is filled, wholly or in part. */
void order_tally_give_back(struct order_tally *tally, uint64_t stamp_ns);

uint32_t order_tally_placed(const struct order_tally *tally, enum order_tally_window window,
                            uint64_t stamp_ns);

uint32_t order_tally_limit(enum order_tally_window window);
uint64_t order_tally_length_ns(enum order_tally_window window);

/* Whether `count` more fit; false with the window that is full. */
bool order_tally_has_room(const struct order_tally *tally, uint32_t count, uint64_t stamp_ns,
                          enum order_tally_window *full);

#endif /* GATEWAY_ORDER_TALLY_H */
