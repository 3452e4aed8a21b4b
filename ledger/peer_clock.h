/* How far another node's clock is ahead of this one's, from messages that go to and fro.
 *
 *     ours    sent_ns ------ ping ------>                      echo_ns, held_ns come back with its clock
 *     theirs                    held      <------ ping ------
 *
 * Half of the time on the way is taken for the way back; a sample that was long on its way says little, and is
 * taken only when there is no better one left.
 *
 * Owner    the caller; pure
 */

#ifndef LEDGER_PEER_CLOCK_H
#define LEDGER_PEER_CLOCK_H

#include "common/assert.h"

#include <stdbool.h>
#include <stdint.h>

#define PEER_CLOCK_GOOD_NS  50000000u   /* a way to and fro that says enough */
#define PEER_CLOCK_WORST_NS 1000000000u /* and one that says nothing */
#define PEER_CLOCK_FRESH_NS 2000000000u /* a good sample stands for so long */
#define PEER_CLOCK_OLD_NS   5000000000u /* then the clock is not known any more */

struct peer_clock {
    int64_t ahead_ns;  /* of this node's clock */
    uint64_t taken_ns; /* monotonic; 0: never */
};

/* A message came at `now_ns` (monotonic) while this node's clock was `clock_ns`: the peer's clock was `peer_ns`
 * when it sent it, `held_ns` after it had got ours of `echo_ns`. */
void peer_clock_take(struct peer_clock *clock, uint64_t now_ns, uint64_t clock_ns, uint64_t peer_ns,
                     uint64_t echo_ns, uint64_t held_ns);

bool peer_clock_known(const struct peer_clock *clock, uint64_t now_ns);

/* The median of how far clocks are ahead of ours; of an even number the middle one that is nearer to ours, so that
 * one wrong clock of two accuses nobody. Sorts them. Needs: count > 0. */
int64_t peer_clock_median(int64_t *ahead_ns, uint32_t count);

#endif /* LEDGER_PEER_CLOCK_H */
