/* Everything settlement is made of, for the files that make up the verb; others see settle.h.
 *
 * One command is a run of phases: switches fire, then comes what the command does, then levels, then
 * balances. Within it some events must be followed by a certain other one at once; `next` says which.
 *
 * Owner    the thread of the settlement it belongs to
 */

#ifndef SETTLEMENT_STATE_H
#define SETTLEMENT_STATE_H

#include "common/le.h"
#include "common/order_tag.h"
#include "settlement/account_tree.h"
#include "settlement/balance_sheet.h"
#include "settlement/custody_book.h"
#include "settlement/hold_book.h"
#include "settlement/keyring.h"
#include "settlement/pairing.h"
#include "settlement/price_trail.h"
#include "settlement/proof_journal.h"
#include "settlement/reconcile.h"
#include "settlement/settle.h"
#include "settlement/switch_book.h"
#include "settlement/tier_book.h"

/* Where a market's ids have come to, its last price, and who waits for the next. */
struct market_state {
    uint64_t order;
    uint64_t trade;
    uint64_t aggregate;
    uint64_t aggregate_order; /* its taker's order */
    int64_t aggregate_ticks;  /* and its price */
    uint64_t prevented;
    uint64_t list;
    uint64_t update;
    price_t last;            /* 0: never traded */
    uint32_t rising;         /* heaps of sleeping stops, by stop price */
    uint32_t falling;        /* likewise, by its negative */
    uint32_t trailing_count; /* started trailing stops */
};

enum command_phase { PHASE_SWITCHES, PHASE_MAIN, PHASE_LEVELS, PHASE_BALANCES };

enum next_event {
    NEXT_ANY,
    NEXT_TERMS,     /* ORDER_TERMS of the order just accepted */
    NEXT_TAG,       /* ORDER_TAGGED of the order just accepted */
    NEXT_DONE,      /* ORDER_DONE of the order whose ORDER_TERMS came */
    NEXT_END,       /* ORDER_DONE of the order whose ORDER_TAGGED came, and no ORDER_TERMS */
    NEXT_LEG,       /* the end of the next open order of a list that ends */
    NEXT_LIST_DONE, /* LIST_DONE: the list's last order has ended */
    NEXT_SIBLING,   /* FILL or ORDER_TRIGGERED of the order whose sibling ended for it */
};

/* A list whose orders end one after the other. */
struct list_ending {
    uint64_t list_id; /* 0: none */
    uint64_t first;   /* its leg a */
    uint16_t market;
    bool canceled;      /* the order that began it was */
    bool working_ended; /* and it was leg a of an OTO or OTOCO */
};

/* A trade's price, for those that trail it. */
struct command_price {
    uint64_t trade_id;
    price_t price;
};

/* The command begun last. */
struct command_state {
    uint64_t number;
    uint64_t stamp_ns;
    uint64_t deadline_ns;
    uint32_t origin;
    uint32_t actor;       /* whose orders it may touch; 0: nobody's */
    uint16_t type;        /* order_tag_base */
    uint16_t tagged_type; /* as the log has it */
    uint8_t phase;
    uint8_t next; /* enum next_event */
    bool refused;
    bool must_refuse;     /* its key may not give it (any more), or its account waits */
    bool tag_due;         /* the order just accepted is called something */
    bool end_named;       /* the order that ends next was */
    uint64_t terms_order; /* of the last ORDER_TERMS, or the one whose terms must come */
    uint64_t sibling;     /* that must trade or trigger */
    uint64_t done_list;   /* whose LIST_DONE must come */
    uint32_t done_account;
    uint16_t next_market;
    uint64_t main_count; /* events of PHASE_MAIN */
    uint64_t taker;      /* the order that takes now; 0: none yet */
    uint16_t taker_market;
    uint16_t trade_market;
    uint32_t owing_count;    /* orders that owe something (enum hold_owed) */
    uint32_t accepted_count; /* orders */
    uint32_t leg_count;      /* of the accepted list; 0: none */
    uint64_t swept_order;    /* the last that this command or a switch ended by sweep */
    uint64_t fired_deadline_ns;
    uint32_t fired_account; /* whose switch fired last; 0: none */
    uint16_t fired_market;
    bool replaced;        /* ORDER_REPLACED came */
    bool replace_cancels; /* and says that the cancel did well, */
    bool replace_places;  /* that the order was accepted */
    bool tier_set;
    uint32_t freeze_due;  /* an account that must be frozen yet; 0: none */
    uint32_t pending_due; /* an account of which ACCOUNT_PENDING must come yet; 0: none */
    bool epoch_changed;
    bool epoch_opened;    /* HELLO_ACCEPTED came */
    uint8_t node_changes; /* NODE_CHANGEDs so far */
    struct list_ending ending;

    uint32_t price_count; /* prices of this command for those that trail */
    uint32_t price_at;    /* where the last trigger came from */
    price_t price_high;   /* of those up to price_at */
    price_t price_low;
    uint8_t payload[COMMAND_PAYLOAD_MAX];
};

struct settlement {
    const struct genesis *genesis;
    hash_t chain_id;
    struct params params;
    struct balance_sheet *accounts;
    struct hold_book *orders;
    struct keyring *keys;
    struct account_tree *tree;
    struct switch_book *switches;
    struct tier_book *tiers;
    struct custody_book *custody;
    struct totals *totals;         /* by asset */
    struct market_state *markets;  /* by market */
    struct price_trail *trails;    /* by market */
    struct pairing_node *sleepers; /* by the order's number in the hold book */
    struct command_price *prices;  /* of this command */
    uint32_t prices_max;
    uint32_t open_hour;  /* since 1970, in which an account was opened last with a key pair alone */
    uint32_t open_count; /* and how many in that hour */
    uint64_t height;     /* of the last block */
    hash_t params_hash;  /* of `params`, unless they moved */
    bool params_moved;
    struct proof_journal *journal;  /* NULL: nothing is kept; outside of the arena */
    const struct sharing *sharing;  /* who works at a block's end; NULL: its thread alone */
    settle_epoch_check epoch_check; /* NULL: no change of epoch may stand */
    void *epoch_context;
    bool has_mismatch;
    struct settle_mismatch mismatch;
    struct reconcile_sweep sweep;
    struct command_state command;
};

/* Makes the account dirty, and keeps what it was. Needs: its balances have not been changed yet in this block, or it
 * is dirty already. */
void settle_touch(struct settlement *s, uint32_t account);

/* Hashes the account's leaf as it is since block leaf_height, and puts it into the tree. */
void settle_leaf(struct settlement *s, uint32_t account);

/* What that hash is. */
hash_t settle_leaf_hash(const struct settlement *s, uint32_t account);

/* Each keeps the first difference, which explains the rest, and returns STATUS_MISMATCH. */
enum status settle_differs(struct settlement *s, const struct settle_mismatch *found);
enum status settle_differs_order(struct settlement *s, const char *what, uint16_t market,
                                 uint64_t order_id, uint32_t account, int64_t ours, int64_t theirs);
enum status settle_differs_count(struct settlement *s, const char *what, int64_t ours,
                                 int64_t theirs);

/* What kind of thing a type of order is. */
static inline bool order_has_price(uint8_t type)
{
    return type == LIMIT || type == LIMIT_MAKER || type == STOP_LOSS_LIMIT ||
           type == TAKE_PROFIT_LIMIT;
}

static inline bool order_is_stop(uint8_t type)
{
    return type >= STOP_LOSS && type <= TAKE_PROFIT_LIMIT;
}

/* What is left of an order; nothing is known of one by quote amount. */
static inline qty_t order_rest(const struct hold_entry *entry)
{
    return (qty_t){entry->qty.lots - entry->executed.lots - entry->prevented.lots};
}

static inline bool order_by_quote(const struct hold_entry *entry)
{
    return entry->qty.lots == 0;
}

/* Whether a buyer's hold is counted by a price that was the last one when it was taken: the order has
 * none. */
static inline bool order_holds_by_last(const struct hold_entry *entry)
{
    return entry->side == BUY && !order_has_price(entry->type) && entry->stop_price.ticks == 0;
}

/* A trailing stop that has started. */
static inline bool order_follows(const struct hold_entry *entry)
{
    return entry->state == HOLD_ASLEEP && entry->start_trade != 0;
}

static inline bool order_may_rest(const struct hold_entry *entry)
{
    return order_has_price(entry->type) && entry->time_in_force == GTC;
}

/* Notes what the order must have done when its command is over, or that it has. */
static inline void order_owes(struct settlement *s, struct hold_entry *entry, enum hold_owed owed)
{
    s->command.owing_count += entry->owed == 0;
    entry->owed |= (uint8_t)owed;
}

static inline void order_owes_no_more(struct settlement *s, struct hold_entry *entry,
                                      enum hold_owed owed)
{
    const bool owed_before = entry->owed != 0;
    entry->owed &= (uint8_t)~owed;
    s->command.owing_count -= owed_before && entry->owed == 0;
}

/* After DONE_OCO nothing but the sibling may trade or trigger. */
static inline bool sibling_allows(struct settlement *s, uint16_t market, uint64_t order_id)
{
    struct command_state *command = &s->command;
    if (command->next != NEXT_SIBLING) return true;
    command->next = NEXT_ANY;
    return command->next_market == market && command->sibling == order_id;
}

#define CLIENT_HASH_PRIME UINT64_C(0x100000001b3)

/* Of a name of 36 bytes: two of them differ in it but for one case in 2^64. Zeros at a name's end are taken four at a
 * time: each does no more than multiply. */
static inline uint64_t client_hash(const uint8_t client_id[36])
{
    /* The prime to the power of 4 for each four of those bytes. */
    static const uint64_t powers[] = {0x0000000000000001u, 0x9ffaac085635bc91u, 0x1efac7090aef4a21u,
                                      0xf54383a05ace38b1u, 0x4efe15c813151841u, 0xe22cbbe2283778d1u,
                                      0x26a7a93bbd69ea61u, 0x56c104a22d31fcf1u, 0x0558b2e6a2f64081u,
                                      0x571fdafdd58e4511u};
    uint32_t zeros = 0;
    uint64_t hash = 0xcbf29ce484222325u;
    while (zeros < 9 && le_get_u32(client_id + 36 - 4 * (zeros + 1)) == 0)
        zeros++;
    for (uint32_t i = 0; i < 36 - 4 * zeros; i++)
        hash = (hash ^ client_id[i]) * CLIENT_HASH_PRIME;
    return hash * powers[zeros];
}

#endif /* SETTLEMENT_STATE_H */
