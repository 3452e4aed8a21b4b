/* Everything the engine is made of. For the files of engine/ that make up the verb; others see
 * engine.h.
 *
 * Owner    the engine thread
 */

#ifndef ENGINE_STATE_H
#define ENGINE_STATE_H

#include "common/genesis.h"
#include "engine/accounts.h"
#include "engine/averages.h"
#include "engine/book.h"
#include "engine/custody.h"
#include "engine/directory.h"
#include "engine/engine.h"
#include "engine/filters.h"
#include "engine/keys.h"
#include "engine/lists.h"
#include "engine/nodes.h"
#include "engine/origins.h"
#include "engine/repeats.h"
#include "engine/switches.h"
#include "engine/triggers.h"
#include "engine/volumes.h"

/* What few orders of a market need; what all need is the book's. */
struct market_ids {
    uint64_t last_prevented;
    uint64_t last_list;
    struct filters_window window; /* of prices, kept because they seldom change; zero: to be made */
};

/* Orders that wait for their turn within a command, linked by older and newer. */
struct work_queue {
    uint32_t first;
    uint32_t last;
};

#define OPENING_HOUR_NS UINT64_C(3600000000000)

/* In which hour since 1970 an account was opened last with a key pair alone, and how many in that hour. */
struct opening_hour {
    uint32_t hour;
    uint32_t count;
};

struct engine {
    struct params params; /* as they stand now */
    hash_t chain_id;
    struct accounts accounts;
    struct books books;
    struct directory directory;
    struct lists lists;
    struct triggers triggers;
    struct averages averages;
    struct volumes volumes;
    struct switches switches;
    struct repeats repeats;
    struct keys keys;
    struct origins origins;
    struct nodes nodes;
    struct custody custody;
    struct market_ids *ids; /* by market */
    uint32_t ahead_hash;    /* of the client id of the command in hand, 0: not known (ahead.h) */
    price_t *prints;        /* the run in hand: prices it traded at, neighbours differ */
    uint32_t print_count;
    uint32_t dormant_count; /* orders with ORDER_DORMANT: each may need a level */
    uint32_t bound_oldest;  /* orders bound to sessions, in order of acceptance */
    uint32_t bound_newest;
    struct work_queue work;
    bool volumes_counted; /* some tier asks for volume */
    uint32_t origin;      /* of the command in hand */
    uint64_t stamp_ns;    /* likewise */
    uint32_t day;         /* UTC day of the stamp */
    uint32_t operator_count;
    uint64_t operator_nonces[PARAMS_SIGNERS_LIMIT]; /* last one used; connectors' too */
    struct opening_hour opened;
    uint64_t last_command;
    uint64_t sealed_height;
    uint64_t sealed_command; /* that ended block sealed_height */
    struct engine_counts counts;
};

static inline struct order *state_order(struct engine *engine, uint32_t slot)
{
    return &engine->books.orders.orders[slot];
}

/* What few orders have. Needs: the order has it. */
static inline struct order_extra *state_extra(struct engine *engine, const struct order *order)
{
    ASSERT(order->extra != NO_SLOT);
    return &engine->books.orders.extras[order->extra];
}

static inline const struct market *state_market(const struct engine *engine,
                                                const struct order *order)
{
    return &engine->params.markets[order->market];
}

#endif /* ENGINE_STATE_H */
