/* What an account may have of a table that all share, so that no number of accounts, opened by whomever, uses it up for the
 * others: from rules 8 on, engine and settlement alike.
 *
 * Half of the room is for who comes first. Of the other half an account gets a place while it has fewer than its share of
 * that half, which is one at least: where the half is as large as accounts_max, each account has one place whatever others
 * do. Counts alone decide.
 */

#ifndef COMMON_SHARE_H
#define COMMON_SHARE_H

#include "common/params.h"

#define PARAMS_RULES_SHARES 8

/* The rooms. What is left of the keys is for operators, and of the addresses for those to deposit to. */
static inline uint32_t share_keys(const struct params *params)
{
    return params->keys_max - params->keys_max / 8;
}

static inline uint32_t share_addresses(const struct params *params)
{
    return params_addresses_max(params) / 2;
}

static inline uint32_t share_switches(const struct params *params)
{
    return params->orders_max;
}

/* Whether an account that has `own` gets another place, where `taken` are in use. */
static inline bool share_allows(const struct params *params, uint32_t room, uint32_t taken,
                                uint32_t own)
{
    if (params->rules < PARAMS_RULES_SHARES) return true;
    if (taken >= room) return false;
    const uint32_t share = room / 2 / params->accounts_max;
    return taken < room - room / 2 || own < (share == 0 ? 1 : share);
}

#endif /* COMMON_SHARE_H */
