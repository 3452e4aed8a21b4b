/* Looking ahead in a batch: asks for the cache lines that a command will touch while earlier ones run.
 *
 * It changes nothing, and no event depends on it. Each command is looked at three times, because what it
 * needs is found step by step: the table's line, then the order's, then those of its neighbours.
 *
 *     stepped   ...   6: neighbours   ...   12: order, level   ...   18: tables, balances   ►
 *
 * Owner    the engine thread
 * Cost     a few ns a command; only where the state is too large for the caches, as it then pays
 */

#ifndef ENGINE_AHEAD_H
#define ENGINE_AHEAD_H

#include "engine/engine.h"

/* Fewer open orders than this stay in the caches by themselves. */
#define AHEAD_ORDERS   8192
#define AHEAD_ACCOUNTS 65536 /* likewise of accounts */

#define AHEAD_SEEN 32 /* a power of two, above the farthest look */

/* What a command will touch. */
struct ahead_seen {
    uint64_t key;         /* price of an ORDER_PLACE, id of an ORDER_CANCEL */
    uint32_t client_hash; /* of an ORDER_PLACE; 0: none made */
    uint32_t account;
    uint16_t market;
    uint8_t side;
    uint8_t kind; /* enum ahead_kind */
};

enum ahead_kind { AHEAD_NOTHING, AHEAD_PLACE, AHEAD_CANCEL };

struct ahead {
    const struct engine *engine;
    const uint8_t *at; /* the first command not looked at */
    const uint8_t *end;
    struct ahead_seen seen[AHEAD_SEEN]; /* by their count in the batch */
    uint32_t count;                     /* looked at */
    uint32_t stepped;
    bool on;
};

/* Begins at a batch's first command. The bytes need not be checked. */
struct ahead ahead_begin(const struct engine *engine, const uint8_t *at, const uint8_t *end);

uint32_t ahead_look(struct ahead *ahead);

/* Before each command is stepped. Returns the hash of its order's client id, or 0 when none was made. */
static inline uint32_t ahead_next(struct ahead *ahead)
{
    return ahead->on ? ahead_look(ahead) : 0;
}

#endif /* ENGINE_AHEAD_H */
