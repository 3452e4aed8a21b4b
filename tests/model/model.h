/* An engine too simple to be wrong: docs/matching.md and docs/membership.md a second time, in plain arrays searched from end to
 * end. It says which bytes of events every command must have, and which balances are left.
 *
 * It was written from the text, not from engine/; the two share the codec, the listing of markets and the
 * arithmetic of fees in common/, and nothing else.
 *
 * Owner    one thread
 * Memory   calloc in model_new, given back by model_free
 * Limits   the bounds in the genesis parameters; meant for a few hundred orders
 *
 * Invariants, all asserted by model_check:
 *   MO1  per account and asset, what is held is the sum of what its open orders hold, pairs once, and its
 *        withdrawals that wait
 *   MO2  per asset, available + held over all accounts + fees + in flight = credited - debited; nothing is
 *        below zero
 *   MO3  an order that rests shows something; price and arrival order each queue; books never cross
 *   MO4  levels in use and dormant orders together, and open orders, stay within their bounds
 */

#ifndef TESTS_MODEL_MODEL_H
#define TESTS_MODEL_MODEL_H

#include "common/genesis.h"
#include "common/node_set.h"
#include "common/reject.h"

#define MODEL_ORIGINS  NODE_SET_LIMIT
#define MODEL_MINUTES  64
#define MODEL_DAYS     64
#define MODEL_ACCOUNTS 32
#define MODEL_MARKETS  8
#define MODEL_ASSETS   8
#define MODEL_KEYS     32

enum model_place {
    TAKES,   /* it is the taker in hand */
    RESTS,   /* in the book */
    SLEEPS,  /* a stop: until its stop price is met */
    TRAILS,  /* a trailing stop that has started */
    PENDING, /* until the working order of its list is filled */
    FIRED,   /* in the work queue */
};

struct model_list;

/* What a client calls an order: flags 1 an id, 2 a type, and of a command 4 that it may be asked for twice. */
struct model_tag {
    uint64_t strategy_id;
    uint32_t strategy_type;
    uint8_t flags;
};

struct model_order {
    bool open;
    enum model_place place;
    uint64_t id, created_ns;
    uint32_t account, session, origin;
    uint16_t market;
    uint8_t side, type, time_in_force, self_trade;
    uint8_t client_id[36];
    int64_t price, qty, quote_qty, stop_price;
    int64_t iceberg; /* 0: it shows all it has */
    uint32_t delta;

    int64_t executed, quote_executed, prevented;
    int64_t left;  /* hidden included */
    int64_t shown; /* while it rests */

    int64_t hold; /* its own; a pair's is in the list */
    int64_t
        need_price; /* of a dormant BUY without a price: what each lot of its hold was reckoned at */
    bool cash;      /* its hold falls by what it pays, and by nothing else until it ends */
    bool content;   /* by quote: less is left over than another lot costs */

    uint64_t slept, started; /* when: 1, 2, 3 ... */
    int64_t extreme;         /* of a trailing stop; 0: no price yet */
    int64_t fired_at;

    struct model_tag tag;
    uint8_t end_status, end_reason; /* of one that is not open any more */

    struct model_list *list;
    int leg;
    bool special; /* ORDER_TERMS */
    bool waits;   /* until ORDER_RELEASED */
    bool due;     /* fires at the price in hand */
};

struct model_list {
    bool open;
    bool closing; /* its other orders are being ended */
    uint64_t id;
    uint32_t account;
    uint16_t market;
    uint8_t kind;
    uint8_t client_id[36];
    struct model_order *legs[3]; /* NULL: ended, or none */
    int64_t pair_hold;           /* while both orders of its pair are open and in force */
};

struct model_balance {
    int64_t available, held;
    bool touched;
};

struct model_account {
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint16_t tier, given_tier;
    bool frozen, pending;
    bool opened; /* with a key pair alone, and when */
    uint64_t opened_ns;
    uint64_t key_time_ns; /* of its last request about its keys */
    struct model_balance balances[MODEL_ASSETS];
    struct {
        uint64_t day;
        int64_t value;
    } days[MODEL_DAYS];
    int day_count;
};

/* `account` 0: it was added below rules 7, and nothing was said of it since. */
struct model_key {
    uint8_t id[32];
    uint32_t account;
    uint32_t owner; /* whose it is in truth, for the dice */
    uint16_t permissions;
    uint64_t removed_ns; /* 0: it was not */
};

struct model_market {
    struct model_order **queues[2]; /* by side: best price first, then oldest first */
    int queue_counts[2];
    uint64_t last_order, last_trade, last_aggregate, last_prevented, last_list, last_update;
    int64_t last_price;
    struct {
        uint64_t minute;
        __int128 product, lots;
    } minutes[MODEL_MINUTES];
    int minute_count;
};

struct model_switch {
    uint64_t deadline_ns;
    uint32_t account;
    uint16_t market;
};

struct model_work {
    struct model_order *stop;   /* a fired stop, or */
    struct model_list *release; /* a list whose working order is filled */
};

struct model_member {
    uint32_t node;
    uint8_t role; /* enum node_role */
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint8_t address[NODE_ADDRESS_BYTES];
    uint64_t voted; /* the highest block, since it is a voter */
};

struct model_address {
    uint64_t active_ns;
    uint32_t account;
    uint8_t kind; /* enum address_kind */
    uint8_t chain[CHAIN_BYTES], address[CHAIN_ADDRESS_BYTES];
};

struct model_withdrawal {
    struct withdrawal_moved_event facts;
    uint64_t deadline_ns, day;
    bool counts_undone; /* for the limit of its day: asked for below rules 4 */
};

struct model {
    struct params params;
    char chain_id[2 * HASH_BYTES + 1]; /* in hex */
    uint32_t operator_count;
    uint64_t nonces[PARAMS_SIGNERS_LIMIT];
    struct {
        uint32_t node;
        uint64_t epoch, nonce, last_sequence;
    } origins[MODEL_ORIGINS];
    int origin_count;
    struct model_member members[NODE_SET_LIMIT]; /* in any order */
    int member_count;
    uint32_t last_node;
    uint64_t change_height, epoch;
    uint64_t sealed_height, first_command;

    struct model_account accounts[MODEL_ACCOUNTS + 1];
    uint32_t account_count;
    struct model_key keys[MODEL_KEYS]; /* by place */
    uint32_t key_count;
    int64_t supply[MODEL_ASSETS], fees[MODEL_ASSETS], in_flight[MODEL_ASSETS];
    struct model_address addresses[4 * MODEL_ACCOUNTS];
    int address_count;
    struct deposit_changed_event *deposits; /* number n at n - 1; all there ever were */
    int deposit_count, deposits_forgotten;
    struct model_withdrawal *withdrawals; /* likewise */
    int withdrawal_count, withdrawals_forgotten;
    struct model_market markets[MODEL_MARKETS];

    struct model_order *orders; /* slots */
    int order_slots;
    struct model_order **open; /* in the order in which they were accepted */
    int open_count;
    struct model_list *lists;
    int list_slots;
    struct model_switch *switches;
    uint32_t switch_count;
    struct order_repeated_event *repeats; /* oldest first */
    uint32_t repeat_count;
    uint64_t ticks; /* counts what went to sleep or started */

    /* The command in hand. */
    struct command_header header;
    uint64_t number, stamp_ns;
    struct model_tag tags[3];   /* of its orders */
    struct model_order *placed; /* the order that it placed last */
    bool remembers;             /* and how that has gone at its end */
    struct event_writer *out;
    struct model_work *work;
    int work_count;
    int64_t *run_prices;
    int run_price_count;
    struct {
        uint32_t account;
        uint16_t asset;
    } touched[(MODEL_ACCOUNTS + 1) * MODEL_ASSETS];
    int touched_count;
    struct {
        uint16_t market;
        uint8_t side;
        int64_t price;
    } * changed;
    int changed_count, changed_room;
};

/* NULL when the bounds are beyond the model's. */
MUST_CHECK struct model *model_new(const struct genesis *genesis);
void model_free(struct model *model);

/* Applies one command: the events it must have go to `out`. */
void model_step(struct model *model, const struct command *command, uint64_t number,
                uint64_t stamp_ns, struct event_writer *out);

/* Asserts the invariants above. */
bool model_check(const struct model *model);

#endif /* TESTS_MODEL_MODEL_H */
