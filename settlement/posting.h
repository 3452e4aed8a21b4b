/* Postings: one movement of money as entries that sum to zero in every asset.
 *
 * The chart of accounts, per asset: each user's available and held amount; fees; rounding (what fee.h
 * rounds up above the exact fee); house (what the exchange itself has: below zero by what operators credited that no
 * chain brought in); in flight (withdrawn, and not gone yet); external, whose balance is minus what came in from
 * outside and has not left. A set is made from facts alone (price, quantity, rates, side), and posting_balanced is
 * asserted as it is made.
 *
 *     credit    house -> available              hold      available -> held
 *     debit     available -> house              release   held -> available
 *     deposit   external -> available       reversal  available -> external
 *     depart    held -> in flight           arrive    in flight -> external      return  in flight -> available
 *     charge    in flight -> fees, with arrive: what a withdrawal costs
 *     trade     buyer's held quote -> seller's available, seller's held base -> buyer's available
 *     fee       from what each received -> fees, rounding
 *     rebate    fees -> a maker of a rate below zero, in the asset it gave (fee.h)
 *
 * On a chain whose genesis is older than the house's account, credits and debits are external's.
 *
 * Memory   a set is a value
 * Limits   POSTING_SET_MAX postings in a set
 */

#ifndef SETTLEMENT_POSTING_H
#define SETTLEMENT_POSTING_H

#include "common/params.h"

/* Two ways of two assets, two fees of three entries, one release: 4 + 6 + 2. */
#define POSTING_SET_MAX 12

/* Numbers are those of the `kind` column in SQL: append-only. */
enum posting_kind {
    POSTING_CREDIT = 1,
    POSTING_DEBIT = 2,
    POSTING_HOLD = 3,
    POSTING_RELEASE = 4,
    POSTING_TRADE = 5,
    POSTING_FEE = 6,
    POSTING_REBATE = 7,
    POSTING_DEPOSIT = 8,
    POSTING_REVERSAL = 9,
    POSTING_DEPART = 10,
    POSTING_ARRIVE = 11,
    POSTING_RETURN = 12,
    POSTING_CHARGE = 13,
};

/* The house's accounts; users are numbered from 1. Append-only. */
enum posting_house {
    POSTING_FEES = -1,
    POSTING_ROUNDING = -2,
    POSTING_EXTERNAL = -3,
    POSTING_IN_FLIGHT = -4,
    POSTING_HOUSE = -5,
};

enum posting_place { POSTING_AVAILABLE, POSTING_HELD };

struct posting {
    int32_t account; /* a user's number or enum posting_house */
    uint16_t asset;
    uint8_t place; /* enum posting_place; a house account has only POSTING_AVAILABLE */
    uint8_t kind;  /* enum posting_kind */
    amount_t amount;
};

struct posting_set {
    uint32_t count;
    struct posting items[POSTING_SET_MAX];
};

/* What one fill moves. */
struct posting_fill {
    uint32_t buyer;
    uint32_t seller;
    int32_t buyer_rate_ppm; /* below 0: the maker's, a rebate */
    int32_t seller_rate_ppm;
    amount_t base;    /* what the seller gives */
    amount_t quote;   /* what the buyer gives */
    amount_t release; /* what the buyer's hold is above what its limit still needs */
};

/* Who gives an operator's credit and takes a debit, by the chain's genesis. */
static inline enum posting_house posting_giver(const struct params *genesis)
{
    return params_has_house(genesis) ? POSTING_HOUSE : POSTING_EXTERNAL;
}

/* Each makes one set. Needs: amount > 0 (release and hold may be 0: then the set is empty); `giver` is
 * posting_giver's. */
struct posting_set posting_credit(enum posting_house giver, uint32_t account, uint16_t asset,
                                  amount_t amount);
struct posting_set posting_debit(enum posting_house giver, uint32_t account, uint16_t asset,
                                 amount_t amount);
struct posting_set posting_hold(uint32_t account, uint16_t asset, amount_t amount);
struct posting_set posting_release(uint32_t account, uint16_t asset, amount_t amount);

struct posting_set posting_deposit(uint32_t account, uint16_t asset, amount_t amount);
struct posting_set posting_reversal(uint32_t account, uint16_t asset, amount_t amount);
struct posting_set posting_depart(uint32_t account, uint16_t asset, amount_t amount);
/* `paid` leaves, `fee` stays; it may be 0. */
struct posting_set posting_arrive(uint16_t asset, amount_t paid, amount_t fee);
struct posting_set posting_return(uint32_t account, uint16_t asset, amount_t amount);

/* Reads what a fill moves, release 0. False when price, quantity, a rate or a product is out of
 * range. */
MUST_CHECK bool posting_fill_of(const struct market *market, const struct fill_event *fill,
                                struct posting_fill *moved);

struct posting_set posting_fill_set(const struct market *market, const struct posting_fill *moved);

/* What `qty` of an order on `side` at limit `price` must hold: quote for a buyer, base for a seller.
 * False on overflow or a negative figure. */
MUST_CHECK bool posting_hold_needed(const struct market *market, enum side side, price_t price,
                                    qty_t qty, amount_t *needed);

/* Whether the postings sum to zero in every asset. */
bool posting_balanced(const struct posting_set *set);

#endif /* SETTLEMENT_POSTING_H */
