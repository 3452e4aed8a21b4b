/* What the gateway knows of accounts: keys, balances, open orders, and the last orders and fills that
 * PostgreSQL may not have yet.
 *
 * Built from events alone. The two tails hold what ended or traded last, linked per account (and
 * fills per market), newest first; an entry is dropped once PostgreSQL has it and TAIL_GRACE_NS have
 * passed, or when the tail is full. `dropped` is the highest command number that is no longer whole in
 * a tail: an answer merged from PostgreSQL is complete exactly when PostgreSQL's cursor has reached it.
 *
 * Owner    one gateway loop
 * Memory   from an arena at start, by the replicated parameters; untouched until used. Pointers are
 *          good until the next view_apply
 * Limits   open orders, accounts and keys as replicated; VIEW_ORDERS_KEPT and VIEW_FILLS_KEPT in the
 *          tails
 * Cost     apply: O(1) an event; finding an open order by client id: O(the account's open orders)
 */

#ifndef GATEWAY_VIEW_H
#define GATEWAY_VIEW_H

#include "common/applied.h"
#include "common/arena.h"
#include "common/genesis.h"
#include "gateway/custody_view.h"
#include "gateway/members.h"
#include "gateway/order_tally.h"
#include "gateway/view_amended.h"
#include "gateway/view_key.h"
#include "gateway/view_list.h"
#include "gateway/view_owner.h"
#include "gateway/view_prevented.h"

#define VIEW_ORDERS_KEPT 131072u /* powers of 2 */
#define VIEW_FILLS_KEPT  262144u
#define TAIL_GRACE_NS    10000000000ull

struct view;

struct view_account {
    uint8_t public_key[PUBLIC_KEY_BYTES];
    uint64_t updated_ns;
    uint64_t last_done;             /* its newest entry in the order tail, number + 1; 0: none */
    uint64_t last_fill;             /* the same in the fill tail */
    uint32_t first_open, last_open; /* slots, by age */
    uint32_t open_count;
    struct order_tally tally;
    uint16_t tier;
    bool exists;
    bool frozen;  /* it may cancel, and nothing else */
    bool pending; /* it may do nothing until an operator has approved of it */
};

struct view_balance {
    amount_t available;
    amount_t held;
};

/* An order, open or done. */
struct view_order {
    uint64_t order_id;
    uint64_t command; /* that ended it; 0 while open */
    uint64_t created_ns;
    uint64_t updated_ns;
    uint64_t previous; /* tail: the account's entry before, number + 1 */
    price_t price;
    qty_t qty;
    qty_t executed;
    amount_t quote_qty;
    amount_t quote_executed;
    price_t stop_price;    /* 0: none */
    qty_t iceberg_qty;     /* what it shows; 0: all */
    qty_t prevented;       /* taken by self-trade prevention */
    uint64_t prevented_id; /* of the last prevented match; 0: none */
    uint64_t list_id;      /* 0: none */
    uint64_t working_ns;   /* since when it may trade; 0: a stop that sleeps, or pending */
    uint64_t strategy_id;  /* the client's own numbers, as far as tag_flags says */
    uint32_t strategy_type;
    uint32_t trailing_delta;
    uint32_t account;
    uint32_t next_open, previous_open; /* open: the account's list, by slot */
    uint16_t market;
    uint8_t side;
    uint8_t type;
    uint8_t time_in_force;
    uint8_t self_trade;
    uint8_t status;    /* enum order_status */
    uint8_t reason;    /* enum done_reason, 0 while open */
    uint8_t tag_flags; /* enum order_tag_flag, of the numbers */
    uint8_t client_id[36];
};

struct view_fill {
    uint64_t command;
    uint64_t trade_id;
    uint64_t aggregate_id;
    uint64_t time_ns;
    uint64_t maker_order;
    uint64_t taker_order;
    uint64_t maker_list; /* of which order list each order is; 0: none */
    uint64_t taker_list;
    uint64_t previous_of_maker; /* the entry before, number + 1, of each account ... */
    uint64_t previous_of_taker;
    uint64_t previous_of_market; /* ... and of the market */
    price_t price;
    qty_t qty;
    amount_t maker_fee; /* below 0: a rebate, in the asset that the maker paid */
    amount_t taker_fee;
    uint32_t maker_account;
    uint32_t taker_account;
    uint16_t market;
    uint8_t taker_side;
};

size_t view_bytes(const struct genesis *genesis);

/* NULL when the arena cannot hold it. `markets` are the parameters that the market views move
 * forward: give every event to them first. */
MUST_CHECK struct view *view_new(struct arena *arena, const struct genesis *genesis,
                                 const struct params *markets);

/* The account, which exists, is frozen from here on. For restore.h. */
void view_freeze(struct view *view, uint32_t account);

/* Likewise: it waits for an operator. */
void view_make_wait(struct view *view, uint32_t account);

/* Deposits, withdrawals and addresses. */
struct custody_view *view_custody(const struct view *view);

/* Moves the view forward by one event of `applied`. */
void view_apply(struct view *view, const struct applied *applied, const struct event *event);

/* After the last event of a command. */
void view_finish(struct view *view, const struct applied *applied);

/* Drops from the tails what PostgreSQL has and is TAIL_GRACE_NS old at `now_ns`. */
void view_trim(struct view *view, uint64_t projected_command, uint64_t now_ns);

/* The last command the view has taken whole. */
uint64_t view_command(const struct view *view);

/* Command number of node's last accepted HELLO, 0 when there is none. */
uint64_t view_epoch(const struct view *view);
void view_watch_node(struct view *view, uint32_t node);

/* Commands up to this one may be missing from the tails. */
uint64_t view_dropped(const struct view *view);

/* NULL when there is no such account. */
const struct view_account *view_account(const struct view *view, uint32_t account);
struct view_balance view_balance(const struct view *view, uint32_t account, uint16_t asset);

/* The account whose owner has this public key, or 0. */
uint32_t view_find_owner(const struct view *view, const uint8_t public_key[PUBLIC_KEY_BYTES]);

/* Index of the key with this id, or -1; and the key at an index. */
int64_t view_find_key(const struct view *view, const uint8_t key_id[32]);
const struct view_key *view_key(const struct view *view, uint32_t index);

/* An open order of `account` or NULL; by id, or by client id (36 bytes, padded). */
const struct view_order *view_open_order(const struct view *view, uint32_t account, uint16_t market,
                                         uint64_t order_id);
const struct view_order *view_open_client(const struct view *view, uint32_t account,
                                          uint16_t market, const uint8_t client_id[36]);

/* Client id of the order that the last ORDER_AMENDED changed, as it was before. */
const uint8_t *view_former_client_id(const struct view *view);

/* The nodes. */
const struct members *view_members(const struct view *view);

/* Whether the market has had a trade. */
bool view_has_traded(const struct view *view, uint16_t market);

/* Whether it is known that the market had one by then. Of a time before the checkpoint that the view began with it is not. */
bool view_had_traded(const struct view *view, uint16_t market, uint64_t stamp_ns);

/* Order lists, prevented matches (struct view_prevented) and amendments (struct view_amended). */
const struct view_lists *view_lists(const struct view *view);
const struct account_tail *view_preventions(const struct view *view);
const struct account_tail *view_amendments(const struct view *view);

/* What a fill charges the order on `side` of what it received; below 0, what it gets of what it paid. */
amount_t view_fee(const struct market *market, const struct fill_event *fill, enum side side,
                  int32_t rate_ppm);

/* Walks an account's open orders: NULL starts; NULL at the end. Oldest first. */
const struct view_order *view_next_open(const struct view *view, uint32_t account,
                                        const struct view_order *order);

/* Walks an account's tail of done orders from the newest. */
const struct view_order *view_next_done(const struct view *view, uint32_t account,
                                        const struct view_order *order);

/* Walks an account's or a market's tail of fills from the newest. A fill of an account with itself
 * comes once. */
const struct view_fill *view_next_fill(const struct view *view, uint32_t account,
                                       const struct view_fill *fill);
const struct view_fill *view_next_market_fill(const struct view *view, uint16_t market,
                                              const struct view_fill *fill);

/* Asserts that lists, tables and counts agree. O(everything). */
bool view_check(const struct view *view);

#endif /* GATEWAY_VIEW_H */
