#include "settlement/reconcile.h"

#include "common/le.h"
#include "settlement/state.h"

#include <string.h>

static enum status differs(struct settlement *s, const struct balance_slice *slice,
                           const char *what, uint32_t account, uint16_t asset, int64_t ours,
                           int64_t theirs)
{
    const bool exists = balance_sheet_has(s->accounts, account);
    return settle_differs(
        s, &(struct settle_mismatch){
               .what = what,
               .height = slice->height,
               .command = exists ? balance_sheet_owner(s->accounts, account)->last_command : 0,
               .account = account,
               .asset = asset,
               .ours = ours,
               .theirs = theirs});
}

/* Every figure is compared with the engine's memory and with what its events said. */
static enum status compare_balance(struct settlement *s, const struct balance_slice *slice,
                                   uint32_t account, uint16_t asset)
{
    const struct balance_cell *cell = balance_sheet_cell(s->accounts, account, asset);
    const struct balance_pair pair = balance_slice_pair(slice, account - slice->first, asset);
    if (cell->available.units != pair.available.units)
        return differs(s, slice, "available balance in the engine's memory", account, asset,
                       cell->available.units, pair.available.units);
    if (cell->held.units != pair.held.units)
        return differs(s, slice, "held balance in the engine's memory", account, asset,
                       cell->held.units, pair.held.units);
    if (cell->engine_available.units != pair.available.units)
        return differs(s, slice, "available balance of the engine's last event", account, asset,
                       cell->engine_available.units, pair.available.units);
    if (cell->engine_held.units != pair.held.units)
        return differs(s, slice, "held balance of the engine's last event", account, asset,
                       cell->engine_held.units, pair.held.units);
    s->sweep.users[asset] += (__int128)pair.available.units + pair.held.units;
    return STATUS_OK;
}

/* Of two hashes that differ, the first eight bytes. */
static enum status compare_leaf(struct settlement *s, const struct balance_slice *slice,
                                uint32_t account)
{
    if (balance_sheet_owner(s->accounts, account)->leaf_height == 0) return STATUS_OK;
    const hash_t leaf = settle_leaf_hash(s, account);
    hash_t found;
    if (account_tree_holds(s->tree, account, leaf, &found)) return STATUS_OK;
    return differs(s, slice, "leaf or node of the account tree", account, 0, le_get_i64(leaf.bytes),
                   le_get_i64(found.bytes));
}

static enum status compare_totals(struct settlement *s, const struct balance_slice *slice)
{
    for (uint16_t asset = 0; asset < slice->asset_count; asset++) {
        const __int128 ours = s->totals[asset].users + s->totals[asset].in_flight;
        const int64_t theirs = balance_slice_total(slice, asset).units;
        if (ours == theirs) continue;
        return differs(s, slice, "users' total of the engine", 0, asset, (int64_t)ours, theirs);
    }
    return STATUS_OK;
}

/* All accounts have been seen: together they have what the totals say. */
static enum status compare_sums(struct settlement *s, const struct balance_slice *slice)
{
    for (uint16_t asset = 0; asset < slice->asset_count; asset++) {
        if (s->sweep.users[asset] == s->totals[asset].users) continue;
        return differs(s, slice, "sum of all users' balances", 0, asset,
                       (int64_t)s->sweep.users[asset], (int64_t)s->totals[asset].users);
    }
    return STATUS_OK;
}

static enum status compare_accounts(struct settlement *s, const struct balance_slice *slice)
{
    for (uint32_t account = slice->first; account < slice->first + slice->count; account++) {
        for (uint16_t asset = 0; asset < slice->asset_count; asset++) {
            const enum status status = compare_balance(s, slice, account, asset);
            if (status != STATUS_OK) return status;
        }
        const enum status status = compare_leaf(s, slice, account);
        if (status != STATUS_OK) return status;
        s->sweep.balances += slice->asset_count;
        s->sweep.to = account;
    }
    return STATUS_OK;
}

enum status reconcile_slice(struct settlement *s, const struct balance_slice *slice, bool *ended,
                            struct reconcile_pass *pass)
{
    ASSERT(slice->height == s->height);
    *ended = false;
    if (s->has_mismatch) return STATUS_MISMATCH;
    const uint32_t accounts = balance_sheet_count(s->accounts);
    if (slice->total != accounts)
        return differs(s, slice, "number of accounts", 0, 0, accounts, slice->total);
    if (slice->asset_count != s->params.asset_count)
        return differs(s, slice, "number of assets", 0, 0, s->params.asset_count,
                       slice->asset_count);
    if (slice->first == 1)
        s->sweep = (struct reconcile_sweep){.from_height = slice->height};
    else if (slice->first != s->sweep.to + 1)
        return STATUS_OK; /* of a pass that began before this settlement did */

    enum status status = compare_totals(s, slice);
    if (status == STATUS_OK) status = compare_accounts(s, slice);
    if (status != STATUS_OK || !balance_slice_ends(slice)) return status;
    status = compare_sums(s, slice);
    if (status != STATUS_OK) return status;
    *ended = true;
    *pass = (struct reconcile_pass){.wanted = slice->wanted,
                                    .from_height = s->sweep.from_height,
                                    .to_height = slice->height,
                                    .balances = s->sweep.balances,
                                    .accounts = accounts};
    return STATUS_OK;
}
