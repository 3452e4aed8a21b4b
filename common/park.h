/* Where a thread sleeps until another has something for it.
 *
 * A consumer of one or more rings owns one park. It drains its rings, says ring_sleepy to each, and
 * sleeps only if all agree; a producer whose ring_publish says so calls park_wake, once a batch.
 *
 * Owner    the consumer calls park_sleep; any thread may call park_wake, also from a signal handler
 * Cost     wake: one system call. An event loop may instead watch park_descriptor and call
 *          park_clear when it is readable.
 */

#ifndef COMMON_PARK_H
#define COMMON_PARK_H

#include "common/assert.h"

#include <stdbool.h>

struct park {
    int descriptor;
};

/* False when the system has no descriptor left. */
MUST_CHECK bool park_open(struct park *park);
void park_close(struct park *park);

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
