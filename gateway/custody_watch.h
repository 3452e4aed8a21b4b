/* How many deposits and withdrawals are in a state that must end, and for how long: what an operator is woken for.
 *
 * Built from events; of what was there when the node started its age counts from then.
 *
 * Owner    one gateway loop
 * Memory   from an arena at start: 9 bytes for each deposit and withdrawal that is remembered (custody_view.h)
 * Limits   as replicated
 * Cost     apply: O(1). measure: a byte for each that is remembered while anything is under way (65,536: 0.2 ms), and
 *          a look at each that is approved; else O(1)
 */

#ifndef GATEWAY_CUSTODY_WATCH_H
#define GATEWAY_CUSTODY_WATCH_H

#include "common/genesis.h"
#include "common/metrics.h"

struct arena;
struct custody_view;
struct custody_watch;

size_t custody_watch_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold it. */
MUST_CHECK struct custody_watch *custody_watch_new(struct arena *arena,
                                                   const struct genesis *genesis);

/* Begins with what the view has, as of `now_ns`. Needs: nothing was applied yet. */
void custody_watch_fill(struct custody_watch *watch, const struct custody_view *view,
                        uint64_t now_ns);

/* An event of a command of this stamp; events of other kinds are ignored. */
void custody_watch_apply(struct custody_watch *watch, uint64_t stamp_ns, const struct event *event);

/* Sets the gauges. `certified_height` parts what is released from what waits for its certificate. */
void custody_watch_measure(const struct custody_watch *watch, const struct custody_view *view,
                           uint64_t certified_height, uint64_t now_ns, struct metrics *metrics);

#endif /* GATEWAY_CUSTODY_WATCH_H */
