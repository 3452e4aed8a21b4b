/* A lock that is there only where more than one thread comes: what a gateway's loops share is one loop's own while it is
 * alone, and costs it nothing.
 *
 * Owner    any thread; never held over a call out, and never two at once
 * Cost     alone: a branch; otherwise two atomic exchanges while nobody else has it, and a sleep while somebody does
 * Progress blocks while another thread has it, which is some tens of ns
 */

#ifndef GATEWAY_LATCH_H
#define GATEWAY_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum latch_state { LATCH_FREE, LATCH_TAKEN, LATCH_WAITED_FOR };

struct latch {
    _Atomic uint32_t state; /* enum latch_state */
    bool is_shared;
};

static inline void latch_init(struct latch *latch, bool is_shared)
{
    atomic_init(&latch->state, LATCH_FREE);
    latch->is_shared = is_shared;
}

/* In latch_os.c: the ways of those who meet another. */
void latch_wait(struct latch *latch);
void latch_wake(struct latch *latch);

static inline void latch_take(struct latch *latch)
{
    uint32_t found = LATCH_FREE;
    /* acquire: what the last one who had it has written. Pairs with latch_release. */
    if (latch->is_shared &&
        !atomic_compare_exchange_strong_explicit(&latch->state, &found, LATCH_TAKEN,
                                                 memory_order_acquire, memory_order_relaxed))
        latch_wait(latch);
}

static inline void latch_release(struct latch *latch)
{
    if (latch->is_shared && atomic_exchange_explicit(&latch->state, LATCH_FREE,
                                                     memory_order_release) == LATCH_WAITED_FOR)
        latch_wake(latch);
}

#endif /* GATEWAY_LATCH_H */
