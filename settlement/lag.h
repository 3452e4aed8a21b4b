/* How far PostgreSQL is behind the chain and whether it answers: in the metrics always, in the log when it is news.
 *
 * Owner    the PostgreSQL writer's thread; lag_watch's call comes from the thread whose statement waits, and of its two
 *          connections both may wait at once
 * Memory   the caller's; progress and metrics outlive it
 */

#ifndef SETTLEMENT_LAG_H
#define SETTLEMENT_LAG_H

#include "settlement/database.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LAG_BLOCKS    100   /* ten seconds of trading: from there on the log tells of it */
#define LAG_TELL_MS   10000 /* and how often */
#define LAG_SILENT_MS 5000  /* a server that says nothing for so long does not answer */

struct metrics;
struct progress;

struct lag {
    struct progress *progress;
    struct metrics *metrics;
    uint32_t tell_ms;

    /* Since PostgreSQL was found to be behind the chain. */
    bool is_behind;
    uint64_t began_ms, told_ms;
    uint64_t from_height;
    uint64_t fills; /* written since */

    _Atomic uint32_t silent_count; /* connections whose server is silent */
    uint64_t was_up;               /* database_up, when the first of them became silent */
};

/* How many blocks PostgreSQL lacks, for the metrics too. */
uint64_t lag_measure(const struct lag *lag);

/* Blocks with so many fills were committed: the log says when they are far behind the last one, how it goes on every
 * tell_ms, and when none lacks any more. */
void lag_tell(struct lag *lag, uint64_t now_ms, uint64_t fill_count);

/* For database_watch: the gauge goes on while a statement waits, and database_up is 0 while the server is silent. */
struct database_watch lag_watch(struct lag *lag);

#endif /* SETTLEMENT_LAG_H */
