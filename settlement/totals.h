/* What the exchange owes and holds in each asset, and the root that binds it into a header.
 *
 * The root is the RFC 9162 tree hash over one leaf an asset:
 *
 *     0x00 | asset u16 | users | fees | rounding | in flight | external | house (i128 each, little-endian)
 *
 * without `house` on a chain whose genesis is older than that account (params_has_house).
 *
 * Users' available and held amounts are one figure: the split would show hidden orders.
 */

#ifndef SETTLEMENT_TOTALS_H
#define SETTLEMENT_TOTALS_H

#include "common/hash.h"

#define TOTALS_LEAF_BYTES     99
#define TOTALS_LEAF_BYTES_OLD 83 /* without the house */

/* Totals of one asset. Wider than an amount: no number of accounts overflows them. */
struct totals {
    __int128 users; /* available and held, all accounts */
    __int128 fees;
    __int128 rounding;
    __int128 in_flight; /* withdrawals that have left an account and not the exchange */
    __int128 external;  /* deposits minus withdrawals */
    __int128 house;     /* what the exchange itself has; below zero: what operators credited */
};

/* Whether what is owed equals what came in. */
bool totals_conserved(const struct totals *totals);

/* Root over assets 0 to count - 1. The root of none is SHA-256 of nothing.
 * Needs: has_house, or no asset's house has anything. */
hash_t totals_root(const struct totals *totals, uint16_t count, bool has_house);

#endif /* SETTLEMENT_TOTALS_H */
