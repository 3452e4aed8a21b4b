#include "node/conservation.h"

#include "common/applied.h"
#include "common/arena.h"
#include "common/fee.h"
#include "common/withdrawal_event.h"
#include "settlement/settle.h"
#include "settlement/totals.h"

#include <stdio.h>

struct told {
    int64_t available;
    int64_t held;
};

struct conservation {
    const struct genesis *genesis;
    struct params params;
    struct told *told; /* by account - 1 and asset */
    struct totals totals[PARAMS_ASSETS_LIMIT];
    uint64_t moved; /* assets that the command in hand moved: bit n for asset n */
};

static_assert(PARAMS_ASSETS_LIMIT <= 64, "a bit an asset");

static size_t told_count(const struct genesis *genesis)
{
    return (size_t)genesis->params.accounts_max * genesis->params.assets_max;
}

size_t conservation_bytes(const struct genesis *genesis)
{
    return sizeof(struct conservation) + told_count(genesis) * sizeof(struct told) + 256;
}

struct conservation *conservation_new(struct arena *arena, const struct genesis *genesis)
{
    struct conservation *c = arena_take(arena, sizeof(*c));
    if (c == NULL) return NULL;
    c->genesis = genesis;
    c->params = genesis->params;
    c->told = arena_take_array(arena, told_count(genesis), sizeof(struct told));
    return c->told != NULL ? c : NULL;
}

static int64_t nearest(__int128 value)
{
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

static struct told *told_of(const struct conservation *c, uint32_t account, uint16_t asset)
{
    return &c->told[(size_t)(account - 1) * c->params.assets_max + asset];
}

void conservation_begin(struct conservation *c, const struct settlement *settlement,
                        const struct params *params)
{
    c->params = *params;
    for (uint16_t asset = 0; asset < params->asset_count; asset++) {
        c->totals[asset] = settlement_totals(settlement, asset);
        c->totals[asset].users = 0;
    }
    for (uint32_t account = 1; account <= settlement_accounts(settlement); account++)
        for (uint16_t asset = 0; asset < params->asset_count; asset++) {
            const struct told told = {settlement_available(settlement, account, asset).units,
                                      settlement_held(settlement, account, asset).units};
            if (told.available == 0 && told.held == 0) continue;
            *told_of(c, account, asset) = told;
            c->totals[asset].users += (__int128)told.available + told.held;
        }
}

bool conservation_meets(const struct conservation *c, const struct settlement *settlement,
                        struct conservation_fault *fault)
{
    *fault = (struct conservation_fault){0};
    for (uint32_t account = 1; account <= settlement_accounts(settlement); account++)
        for (uint16_t asset = 0; asset < c->params.asset_count; asset++) {
            const struct told *told = told_of(c, account, asset);
            const int64_t available = settlement_available(settlement, account, asset).units;
            const int64_t held = settlement_held(settlement, account, asset).units;
            if (told->available == available && told->held == held) continue;
            const int64_t ours = told->available != available ? told->available : told->held;
            const int64_t theirs = told->available != available ? available : held;
            *fault = (struct conservation_fault){
                "a balance of the checkpoint is not what the blocks below it came to", 0, account,
                asset, nearest((__int128)ours - theirs)};
            return false;
        }
    return true;
}

/* The asset's sums, which the command moves; NULL: there is no such asset. */
static struct totals *moved_of(struct conservation *c, uint16_t asset)
{
    if (asset >= c->params.asset_count) return NULL;
    c->moved |= UINT64_C(1) << asset;
    return &c->totals[asset];
}

static bool account_exists(const struct conservation *c, uint32_t account)
{
    return account >= 1 && account <= c->params.accounts_max;
}

/* ---- Events: each returns NULL, or what is wrong. ---- */

static const char *on_balance(struct conservation *c, const struct event *event,
                              struct conservation_fault *fault)
{
    struct balance_event balance;
    balance_event_get(event->payload, &balance);
    fault->account = balance.account;
    struct totals *totals = moved_of(c, balance.asset);
    if (totals == NULL || !account_exists(c, balance.account)) return "a balance of nobody";
    fault->asset = balance.asset;
    if (balance.available.units < 0 || balance.held.units < 0) return "a balance below zero";
    struct told *told = told_of(c, balance.account, balance.asset);
    totals->users -= (__int128)told->available + told->held;
    *told = (struct told){balance.available.units, balance.held.units};
    totals->users += (__int128)told->available + told->held;
    fault->account = 0;
    return NULL;
}

/* What an operator put in; taken out: below zero. */
static const char *on_operator(struct conservation *c, uint16_t asset, int64_t units)
{
    struct totals *totals = moved_of(c, asset);
    if (totals == NULL) return "a credit or debit of no asset";
    if (params_has_house(&c->genesis->params))
        totals->house -= units;
    else
        totals->external += units;
    return NULL;
}

/* Fee of one who received `amount`, or the rebate of one who gave it. */
static void take_fee(struct totals *totals, amount_t amount, int32_t rate_ppm)
{
    const struct fee fee = fee_of(amount, rate_ppm);
    totals->fees += fee.earned.units;
    totals->rounding += fee.rounding.units;
}

static const char *on_fill(struct conservation *c, const struct event *event)
{
    struct fill_event fill;
    amount_t base, quote;
    fill_event_get(event->payload, &fill);
    if (fill.market >= c->params.market_count) return "a fill in no market";
    const struct market *market = &c->params.markets[fill.market];
    if (fill.price.ticks <= 0 || fill.qty.lots <= 0 || fill.taker_side > SELL ||
        fill.taker_rate_ppm < 0 || fill.taker_rate_ppm > FEE_RATE_ONE ||
        fill.maker_rate_ppm < -FEE_RATE_ONE || fill.maker_rate_ppm > FEE_RATE_ONE ||
        !amount_of(fill.price, fill.qty, market->units_per_step, &quote) ||
        __builtin_mul_overflow(fill.qty.lots, market->lot_units, &base.units))
        return "a fill of amounts that cannot be";

    const bool taker_buys = fill.taker_side == BUY;
    struct totals *taken = moved_of(c, taker_buys ? market->base : market->quote);
    struct totals *made = moved_of(c, taker_buys ? market->quote : market->base);
    const amount_t taker_got = taker_buys ? base : quote, maker_got = taker_buys ? quote : base;
    if (taken == NULL || made == NULL) return "a fill of no asset";
    take_fee(taken, taker_got, fill.taker_rate_ppm);
    if (fill.maker_rate_ppm < 0)
        taken->fees -= fee_rebate(taker_got, fill.maker_rate_ppm).units;
    else
        take_fee(made, maker_got, fill.maker_rate_ppm);
    return NULL;
}

static const char *on_deposit(struct conservation *c, const struct event *event)
{
    struct deposit_changed_event deposit;
    deposit_changed_event_get(event->payload, &deposit);
    struct totals *totals = moved_of(c, deposit.asset);
    if (totals == NULL) return "a deposit of no asset";
    totals->external += deposit.moved.units;
    return NULL;
}

/* Whether a withdrawal in this state has left its account and not the exchange. */
static bool flies(uint8_t state)
{
    return state == WITHDRAWAL_APPROVED || state == WITHDRAWAL_BROADCAST;
}

static const char *on_withdrawal(struct conservation *c, const struct event *event)
{
    struct withdrawal_moved_event withdrawal;
    withdrawal_event_get(event, &withdrawal);
    struct totals *totals = moved_of(c, withdrawal.asset);
    if (totals == NULL || withdrawal.paid.units <= 0) return "a withdrawal of nothing";
    if (withdrawal.fee.units < 0 ||
        (__int128)withdrawal.paid.units + withdrawal.fee.units != withdrawal.amount.units)
        return "a withdrawal that is not its fee and what is paid";
    const uint8_t from = withdrawal.before, to = withdrawal.state;
    totals->in_flight += (__int128)withdrawal.amount.units * (flies(to) - flies(from));
    if (to == WITHDRAWAL_FINAL && from != WITHDRAWAL_FINAL) {
        totals->external -= withdrawal.paid.units;
        totals->fees += withdrawal.fee.units;
    }
    return NULL;
}

static const char *on_event(struct conservation *c, const struct event *event,
                            struct conservation_fault *fault)
{
    switch (event->type) {
    case T_BALANCE:
        return on_balance(c, event, fault);
    case T_CREDITED: {
        struct credited_event credited;
        credited_event_get(event->payload, &credited);
        return on_operator(c, credited.asset, credited.amount.units);
    }
    case T_DEBITED: {
        struct debited_event debited;
        debited_event_get(event->payload, &debited);
        if (debited.amount.units < 0) return "a debit below zero";
        return on_operator(c, debited.asset, -debited.amount.units);
    }
    case T_FILL:
        return on_fill(c, event);
    case T_DEPOSIT_CHANGED:
        return on_deposit(c, event);
    case T_WITHDRAWAL_CHANGED:
    case T_WITHDRAWAL_MOVED:
        return on_withdrawal(c, event);
    default:
        if (!params_follows(&c->params, event)) return "a listing that cannot follow";
        params_apply(&c->params, event);
        return NULL;
    }
}

/* ---- Sums ---- */

/* The assets that the command moved. */
static const char *command_end(struct conservation *c, struct conservation_fault *fault)
{
    for (; c->moved != 0; c->moved &= c->moved - 1) {
        const struct totals *totals = &c->totals[__builtin_ctzll(c->moved)];
        fault->asset = (uint16_t)__builtin_ctzll(c->moved);
        if (totals->fees < 0) return "fees below zero";
        if (totals->in_flight < 0) return "withdrawals in flight below zero";
        fault->units = nearest(totals->users + totals->fees + totals->rounding + totals->in_flight +
                               totals->house - totals->external);
        if (fault->units != 0) return "what is owed is not what came in";
    }
    return NULL;
}

bool conservation_block(struct conservation *c, const uint8_t *body, size_t body_bytes,
                        struct conservation_fault *fault)
{
    const uint8_t *at = body, *const end = body + body_bytes;
    struct applied record;
    *fault = (struct conservation_fault){0};
    while (applied_next(&at, end, &record)) {
        const uint8_t *next = record.events, *const last = next + record.events_length;
        struct event event;
        fault->command = record.number;
        while (fault->what == NULL && event_next(&next, last, &event))
            fault->what = on_event(c, &event, fault);
        if (fault->what == NULL) fault->what = command_end(c, fault);
        if (fault->what != NULL) return false;
    }
    return true;
}

hash_t conservation_root(const struct conservation *c)
{
    return totals_root(c->totals, c->params.asset_count, params_has_house(&c->genesis->params));
}

void conservation_print(const struct conservation_fault *fault, char *text, size_t text_bytes)
{
    char account[32] = "", difference[48] = "";
    if (fault->account != 0) snprintf(account, sizeof(account), ", account %u", fault->account);
    if (fault->units != 0) snprintf(difference, sizeof(difference), ", by %ld units", fault->units);
    snprintf(text, text_bytes, "conservation: %s: asset %u%s%s", fault->what, fault->asset, account,
             difference);
}
