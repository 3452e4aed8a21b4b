/* The replicated parameters: everything that may change an event, and nothing else.
 *
 * They start from the genesis and change only by command. Engine, settlement and gateway each keep a
 * copy that they move forward by the same events, with params_apply.
 *
 * Limits   PARAMS_ASSETS_LIMIT assets, PARAMS_MARKETS_LIMIT markets, PARAMS_TIERS_LIMIT tiers,
 *          PARAMS_ROUTES_LIMIT routes
 */

#ifndef COMMON_PARAMS_H
#define COMMON_PARAMS_H

#include "common/hash.h"
#include "common/market.h"

#define PARAMS_ASSETS_LIMIT  64
#define PARAMS_MARKETS_LIMIT 1024
#define PARAMS_TIERS_LIMIT   8
#define PARAMS_ROUTES_LIMIT  64

/* Who signs operators' commands is known by a number: below PARAMS_CONNECTOR_FIRST an operator of the genesis, from
 * there on a connector. */
#define PARAMS_CONNECTOR_FIRST  16
#define PARAMS_CONNECTORS_LIMIT 64
#define PARAMS_SIGNERS_LIMIT    (PARAMS_CONNECTOR_FIRST + PARAMS_CONNECTORS_LIMIT)
#define PARAMS_BYTES_MAX        (256 * 1024)

/* The `rules` number this build knows best. 2: custody, and routes among the parameters. 3, of a genesis: the house
 * has an account. */
#define PARAMS_RULES             8
#define PARAMS_RULES_CUSTODY     2
#define PARAMS_RULES_HOUSE       3
#define PARAMS_RULES_LIABILITIES 3
#define PARAMS_RULES_RELEASE \
    3 /* releases are proved, connectors have keys, accounts cancel withdrawals */
#define PARAMS_RULES_CHARGES \
    4 /* withdrawals have a fee, and count towards the limit of a day only while they are not undone */

#define PARAMS_RULES_API 5 /* orders have the client's own numbers, and may be asked for twice */

/* 6: who asks twice asks for the same, and is forgotten by his own orders; withdrawals are asked for in the wallet's words
 * too. */
#define PARAMS_RULES_ONCE  6
#define PARAMS_RULES_APPLY 6

#define PARAMS_RULES_KEYS 7 /* accounts manage their own keys; the engine looks at what a key may */

#define PARAMS_RULES_OPENING 8 /* accounts are opened with a key pair alone */
#define PARAMS_RULES_CHAIN   8 /* what an owner signs about keys names its chain */
#define PARAMS_RULES_LATE    8 /* who gave a command that is behind its deadline, nobody looks at */

/* Tiers rise with the volume that an account needs for them. */
struct fee_tier {
    int32_t maker_ppm; /* below 0: a rebate (fee.h) */
    int32_t taker_ppm;
    amount_t volume_min; /* of the volume asset, over 30 days; 0 in the first */
};

/* What a withdrawal by a route costs. */
struct route_fee {
    amount_t before; /* until `from_ns` */
    amount_t fee;
    uint64_t from_ns;
};

struct params {
    uint32_t rules;        /* every change of behaviour is guarded by it */
    uint32_t accounts_max; /* accounts are numbered 1 .. accounts_max */
    uint32_t keys_max;
    uint32_t orders_max;  /* open at once, all markets */
    uint32_t levels_max;  /* price levels at once, all markets and sides; each stop counts as one */
    uint32_t assets_max;  /* at most PARAMS_ASSETS_LIMIT */
    uint32_t markets_max; /* at most PARAMS_MARKETS_LIMIT */
    uint32_t block_ms;    /* seal this often when something happened */
    uint32_t idle_block_ms;          /* and this often when nothing did */
    uint32_t stamp_step_ms;          /* a stamp is at most this far above the last */
    uint32_t uncertified_blocks_max; /* sealed and not certified; with more, nothing is admitted */
    uint32_t checkpoint_blocks;      /* a checkpoint at every height that it divides; 0: none */
    uint32_t origin_lost_ms; /* a node not heard of for so long loses its sessions; 0: never */
    uint32_t open_per_hour;  /* accounts that open themselves; 0 below PARAMS_RULES_OPENING */
    bool open_approval;      /* each of them waits for an operator */
    uint16_t gateway_secret_version;
    uint16_t tree_secret_version;
    uint16_t tier_count;
    uint16_t volume_asset; /* in which volumes for tiers are counted */
    uint16_t asset_count;
    uint16_t market_count;
    uint16_t route_count;     /* 0 below PARAMS_RULES_CUSTODY */
    uint16_t connector_count; /* 0 below PARAMS_RULES_RELEASE */
    struct fee_tier tiers[PARAMS_TIERS_LIMIT];
    struct route_changed_event routes[PARAMS_ROUTES_LIMIT]; /* one for each chain and asset */
    struct route_fee route_fees[PARAMS_ROUTES_LIMIT]; /* by route; 0 below PARAMS_RULES_CHARGES */
    uint8_t connectors[PARAMS_CONNECTORS_LIMIT][PUBLIC_KEY_BYTES];
    struct asset assets[PARAMS_ASSETS_LIMIT];
    struct market markets[PARAMS_MARKETS_LIMIT];
};

/* False when a bound is zero or above its limit, a tier's rate is out of range, or a rebate is above
 * the lowest taker fee. `reason` says which. */
MUST_CHECK bool params_valid(const struct params *params, const char **reason);

/* Whether the bounds are the same: they cannot change, since memory is laid out by them. */
bool params_bounds_equal(const struct params *left, const struct params *right);

/* Canonical bytes; returns their count, at most PARAMS_BYTES_MAX. */
size_t params_encode(const struct params *params, uint8_t *bytes);

/* Reads what params_encode wrote. False for anything else, and `params` is then of no use. */
MUST_CHECK bool params_decode(const uint8_t *bytes, size_t byte_count, struct params *params);

/* SHA-256 of the canonical bytes under their domain tag: params_hash of every header. */
hash_t params_hash(const struct params *params);

/* The filters that an event sets. */
struct market_filters params_filters_of(const struct market_filtered_event *filtered);

/* Whether a listing is the next one and can stand; true for events that do not concern `params`. For
 * events from outside: params_apply asserts it. */
MUST_CHECK bool params_follows(const struct params *params, const struct event *event);

/* Moves `params` forward by one event; events that do not concern them are ignored. */
void params_apply(struct params *params, const struct event *event);

/* Whether a route may be what it says, with these assets. */
bool params_route_valid(const struct params *params, const struct route_changed_event *route);

/* What a withdrawal by the route costs that is asked for at `stamp_ns`. */
amount_t params_route_fee(const struct params *params, int route, uint64_t stamp_ns);

/* Whether the route may cost that: it is of the asset, and a whole number of the chain's units too, so that what is left of
 * an amount that is one is one. */
bool params_route_fee_valid(const struct params *params, int route, amount_t fee);

/* Whether the chain has an account of the house: its genesis decides, once and for all its blocks, since a chart of
 * accounts that changed on the way would leave sums that mean two things. */
static inline bool params_has_house(const struct params *genesis)
{
    return genesis->rules >= PARAMS_RULES_HOUSE;
}

/* Whether a command of an account with this deadline (0: none) is void at `stamp_ns` whoever gave it, so that neither its key
 * nor its signature is looked at. */
static inline bool params_void(const struct params *params, uint64_t deadline_ns, uint64_t stamp_ns)
{
    return params->rules >= PARAMS_RULES_LATE && deadline_ns != 0 && stamp_ns > deadline_ns;
}

/* Index of the asset's route over the chain, or of the chain's first route, or -1. */
int params_find_route(const struct params *params, const uint8_t chain[CHAIN_BYTES],
                      uint16_t asset);
int params_find_chain(const struct params *params, const uint8_t chain[CHAIN_BYTES]);

/* Index of the asset's first route, which is its default network for good, or -1. */
int params_default_route(const struct params *params, uint16_t asset);

/* The key of the connector with this number, or NULL; the number of who has this key, or -1. */
const uint8_t *params_connector(const struct params *params, uint16_t number);
int params_find_connector(const struct params *params, const uint8_t public_key[PUBLIC_KEY_BYTES]);

/* How many deposits, and how many withdrawals, are remembered; how many addresses. */
static inline uint32_t params_transfers_max(const struct params *params)
{
    return params->orders_max < 65536 ? params->orders_max : 65536;
}

static inline uint32_t params_addresses_max(const struct params *params)
{
    return params->accounts_max < (1u << 18) ? 4 * params->accounts_max : 1u << 20;
}

/* Index of the asset or market with this symbol, or -1. Linear: for listings and start; the gateway
 * keeps its own index. */
int params_find_asset(const struct params *params, const char *symbol, size_t symbol_bytes);
int params_find_market(const struct params *params, const char *symbol, size_t symbol_bytes);

#endif /* COMMON_PARAMS_H */
