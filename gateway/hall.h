/* The hall: what the loops of one gateway have in common, so that a client may take the same of a node whichever loop has
 * his connections.
 *
 *     what an address has used, and its bans (quota.h)      listen keys (listen_key.h)
 *     who is there: connections, commands and lookups of an address, orders under way of an account, and how far the log
 *     had come when the last of them ended
 *     whether the port is open, who still waits for answers, what each loop counts (metrics.h)
 *
 * Owner    any loop's thread, but for hall_new
 * Memory   from an arena at start
 * Limits   HALL_LOOPS_MAX loops, HALL_CONNECTIONS_MAX connections. Commands, orders and lookups are counted first and
 *          entered then: of those that come or end at the very same moment over other loops, one for each may pass a limit.
 *          Connections are never more than they may be
 * Cost     a latch a call: nothing while one loop is alone
 */

#ifndef GATEWAY_HALL_H
#define GATEWAY_HALL_H

#include "common/arena.h"
#include "common/metrics.h"

#include <stdbool.h>
#include <stdint.h>

#define HALL_LOOPS_MAX       8
#define HALL_CONNECTIONS_MAX 65536 /* more than that are never taken, whatever the options say */

enum hall_crowd {
    HALL_COMMANDS,    /* under way, by address */
    HALL_ORDERS,      /* that they place, by account */
    HALL_LOOKUPS,     /* who waits for PostgreSQL or for files, by address */
    HALL_CONNECTIONS, /* by address */
    HALL_CROWDS
};

/* What becomes of a connection. */
enum hall_door { HALL_IN, HALL_IS_FULL, HALL_ADDRESS_IS_FULL };

struct hall;
struct listen_keys;
struct quota;

size_t hall_bytes(uint32_t loop_count);

/* NULL when the arena cannot hold it. `metrics` are the first loop's; the hall has some for each other one. */
MUST_CHECK struct hall *hall_new(struct arena *arena, uint32_t loop_count, struct metrics *metrics);

struct quota *hall_quota(struct hall *hall);
struct listen_keys *hall_keys(struct hall *hall);

/* How many `who` has in a crowd. */
uint32_t hall_count(struct hall *hall, enum hall_crowd crowd, uint64_t who);

/* So many more, or less, which may be none. */
void hall_enter(struct hall *hall, enum hall_crowd crowd, uint64_t who, uint32_t count);
void hall_leave(struct hall *hall, enum hall_crowd crowd, uint64_t who, uint32_t count);

/* Orders of `account` leave HALL_ORDERS next, which command `number` has placed. Nothing while one loop is alone. */
void hall_note_placed(struct hall *hall, uint32_t account, uint64_t number);

/* A view that has this command has all orders of the account that have left the crowd. It may be one of another account's. */
uint64_t hall_placed(const struct hall *hall, uint32_t account);

/* Enters a connection of this address, unless `all_max` are there, or `address_max` of the address (0: any number). */
MUST_CHECK enum hall_door hall_connect(struct hall *hall, uint64_t address, uint32_t all_max,
                                       uint32_t address_max);

/* The first loop has opened the port: from now on the others may join it there. */
void hall_open_port(struct hall *hall);
bool hall_port_is_open(const struct hall *hall);

/* A loop that stops has answered all commands, and takes none any more: once a loop. True for the last one. */
MUST_CHECK bool hall_is_last_to_answer(struct hall *hall);

uint32_t hall_loop_count(const struct hall *hall);

/* What a loop counts: it alone writes there. */
struct metrics *hall_metrics(const struct hall *hall, uint32_t loop);

/* The sums over all loops. */
void hall_sum_metrics(const struct hall *hall, struct metrics *sum);

#endif /* GATEWAY_HALL_H */
