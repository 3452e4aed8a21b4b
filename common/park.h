/* Where a thread sleeps until another has something for it.
 *
 * A consumer of one or more rings owns one park. It drains its rings, says ring_sleepy to each, and
 * sleeps only if all agree; a producer whose ring_publish says so calls park_wake, once a batch.
 *
 * A consumer that spins looks at its rings again and again before it does that, for some time after the last thing that
 * it had to do: while it looks, producers wake nobody.
 *
 * Owner    the consumer calls park_sleep, park_busy and park_looks; any thread may call park_wake, also from a signal
 *          handler
 * Cost     wake: one system call. An event loop may instead watch park_descriptor and call
 *          park_clear when it is readable. A look: one system call, by which the processor is another thread's that is ready
 */

#ifndef COMMON_PARK_H
#define COMMON_PARK_H

#include "common/assert.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct park {
    int descriptor;
    uint64_t spin_ns;        /* 0: it sleeps at once */
    uint64_t looks_until_ns; /* monotonic; the consumer's own */
    uint8_t apart[40];       /* an array of them has a line for each consumer */
};
static_assert(sizeof(struct park) == 64, "one cache line");

/* False when the system has no descriptor left. */
MUST_CHECK bool park_open(struct park *park);
void park_close(struct park *park);

/* How long the consumer looks before it sleeps; 0, as after park_open: not at all. Needs: its thread calls, or does not run yet. */
void park_spin_for(struct park *park, uint32_t microseconds);

/* There was something to do: the time of looking begins anew. */
void park_busy(struct park *park);

/* Whether the consumer, who has found nothing, is to look again instead of sleeping. Who is ready for the processor has had
 * it meanwhile. */
MUST_CHECK bool park_looks(const struct park *park);

/* Sleeps until a wake that has not been slept through, or `milliseconds` (-1: no limit). */
void park_sleep(struct park *park, int milliseconds);
void park_wake(struct park *park);

/* A moment's pause of a thread that looks again at once, without a system call. */
static inline void park_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* For event loops: readable when a wake is waiting. */
int park_descriptor(const struct park *park);
void park_clear(struct park *park);

#endif /* COMMON_PARK_H */
