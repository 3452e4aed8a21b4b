#include "settlement/posting.h"

#include "common/fee.h"

static void add(struct posting_set *set, int32_t account, uint16_t asset, enum posting_place place,
                enum posting_kind kind, int64_t units)
{
    if (units == 0) return;
    ASSERT(set->count < POSTING_SET_MAX);
    set->items[set->count++] =
        (struct posting){account, asset, (uint8_t)place, (uint8_t)kind, {units}};
}

bool posting_balanced(const struct posting_set *set)
{
    for (uint32_t i = 0; i < set->count; i++) {
        __int128 sum = 0;
        for (uint32_t j = 0; j < set->count; j++)
            if (set->items[j].asset == set->items[i].asset) sum += set->items[j].amount.units;
        if (sum != 0) return false;
    }
    return true;
}

static struct posting_set checked(const struct posting_set *set)
{
    ASSERT(posting_balanced(set));
    return *set;
}

/* One amount from one place to another. */
struct leg {
    int32_t account;
    enum posting_place place;
};

static struct posting_set moved(struct leg from, struct leg to, uint16_t asset,
                                enum posting_kind kind, amount_t amount)
{
    struct posting_set set = {0};
    ASSERT(amount.units > 0);
    add(&set, from.account, asset, from.place, kind, -amount.units);
    add(&set, to.account, asset, to.place, kind, amount.units);
    return checked(&set);
}

static const struct leg external = {POSTING_EXTERNAL, POSTING_AVAILABLE};
static const struct leg in_flight = {POSTING_IN_FLIGHT, POSTING_AVAILABLE};

static struct leg house(enum posting_house account)
{
    ASSERT(account == POSTING_HOUSE || account == POSTING_EXTERNAL);
    return (struct leg){account, POSTING_AVAILABLE};
}

static struct leg user(uint32_t account, enum posting_place place)
{
    return (struct leg){(int32_t)account, place};
}

struct posting_set posting_credit(enum posting_house giver, uint32_t account, uint16_t asset,
                                  amount_t amount)
{
    return moved(house(giver), user(account, POSTING_AVAILABLE), asset, POSTING_CREDIT, amount);
}

struct posting_set posting_debit(enum posting_house giver, uint32_t account, uint16_t asset,
                                 amount_t amount)
{
    return moved(user(account, POSTING_AVAILABLE), house(giver), asset, POSTING_DEBIT, amount);
}

struct posting_set posting_deposit(uint32_t account, uint16_t asset, amount_t amount)
{
    return moved(external, user(account, POSTING_AVAILABLE), asset, POSTING_DEPOSIT, amount);
}

struct posting_set posting_reversal(uint32_t account, uint16_t asset, amount_t amount)
{
    return moved(user(account, POSTING_AVAILABLE), external, asset, POSTING_REVERSAL, amount);
}

struct posting_set posting_depart(uint32_t account, uint16_t asset, amount_t amount)
{
    return moved(user(account, POSTING_HELD), in_flight, asset, POSTING_DEPART, amount);
}

struct posting_set posting_arrive(uint16_t asset, amount_t paid, amount_t fee)
{
    struct posting_set set = moved(in_flight, external, asset, POSTING_ARRIVE, paid);
    ASSERT(fee.units >= 0);
    add(&set, POSTING_IN_FLIGHT, asset, POSTING_AVAILABLE, POSTING_CHARGE, -fee.units);
    add(&set, POSTING_FEES, asset, POSTING_AVAILABLE, POSTING_CHARGE, fee.units);
    return checked(&set);
}

struct posting_set posting_return(uint32_t account, uint16_t asset, amount_t amount)
{
    return moved(in_flight, user(account, POSTING_AVAILABLE), asset, POSTING_RETURN, amount);
}

struct posting_set posting_hold(uint32_t account, uint16_t asset, amount_t amount)
{
    struct posting_set set = {0};
    ASSERT(amount.units >= 0);
    add(&set, (int32_t)account, asset, POSTING_AVAILABLE, POSTING_HOLD, -amount.units);
    add(&set, (int32_t)account, asset, POSTING_HELD, POSTING_HOLD, amount.units);
    return checked(&set);
}

/* Appends a release: a fill has one in its own set. */
static void add_release(struct posting_set *set, uint32_t account, uint16_t asset, amount_t amount)
{
    ASSERT(amount.units >= 0);
    add(set, (int32_t)account, asset, POSTING_HELD, POSTING_RELEASE, -amount.units);
    add(set, (int32_t)account, asset, POSTING_AVAILABLE, POSTING_RELEASE, amount.units);
}

struct posting_set posting_release(uint32_t account, uint16_t asset, amount_t amount)
{
    struct posting_set set = {0};
    add_release(&set, account, asset, amount);
    return checked(&set);
}

/* Takes the fee from what the receiver got; who has a rate below zero pays none. */
static void add_fee(struct posting_set *set, uint16_t asset, int32_t receiver, amount_t amount,
                    int32_t rate_ppm)
{
    if (rate_ppm < 0) return;
    const struct fee fee = fee_of(amount, rate_ppm);
    add(set, receiver, asset, POSTING_AVAILABLE, POSTING_FEE, -fee.charged.units);
    add(set, POSTING_FEES, asset, POSTING_AVAILABLE, POSTING_FEE, fee.earned.units);
    add(set, POSTING_ROUNDING, asset, POSTING_AVAILABLE, POSTING_FEE, fee.rounding.units);
}

/* Gives a giver of a rate below zero its rebate: the other side's fee in this asset came just before. */
static void add_rebate(struct posting_set *set, uint16_t asset, int32_t giver, amount_t amount,
                       int32_t rate_ppm)
{
    if (rate_ppm >= 0) return;
    const amount_t rebate = fee_rebate(amount, rate_ppm);
    add(set, POSTING_FEES, asset, POSTING_AVAILABLE, POSTING_REBATE, -rebate.units);
    add(set, giver, asset, POSTING_AVAILABLE, POSTING_REBATE, rebate.units);
}

/* One way of a trade: `amount` out of one user's hold to what another may use. */
struct way {
    uint16_t asset;
    uint32_t giver;
    uint32_t receiver;
    amount_t amount;
    int32_t giver_rate_ppm;
    int32_t receiver_rate_ppm;
};

static void add_way(struct posting_set *set, const struct way *way)
{
    const int32_t from = (int32_t)way->giver, to = (int32_t)way->receiver;
    add(set, from, way->asset, POSTING_HELD, POSTING_TRADE, -way->amount.units);
    add(set, to, way->asset, POSTING_AVAILABLE, POSTING_TRADE, way->amount.units);
    add_fee(set, way->asset, to, way->amount, way->receiver_rate_ppm);
    add_rebate(set, way->asset, from, way->amount, way->giver_rate_ppm);
}

struct posting_set posting_fill_set(const struct market *market, const struct posting_fill *moved)
{
    struct posting_set set = {0};
    const int32_t buyer_rate = moved->buyer_rate_ppm, seller_rate = moved->seller_rate_ppm;
    const struct way base = {market->base, moved->seller, moved->buyer,
                             moved->base,  seller_rate,   buyer_rate};
    const struct way quote = {market->quote, moved->buyer, moved->seller,
                              moved->quote,  buyer_rate,   seller_rate};
    add_way(&set, &base);
    add_way(&set, &quote);
    add_release(&set, moved->buyer, market->quote, moved->release);
    return checked(&set);
}

bool posting_hold_needed(const struct market *market, enum side side, price_t price, qty_t qty,
                         amount_t *needed)
{
    if (qty.lots < 0 || price.ticks < 0) return false;
    if (side == BUY) return amount_of(price, qty, market->units_per_step, needed);
    return !__builtin_mul_overflow(qty.lots, market->lot_units, &needed->units);
}

/* Only a maker may have less than nothing to pay. */
static bool rates_valid(const struct fill_event *fill)
{
    return fill->taker_rate_ppm >= 0 && fill->taker_rate_ppm <= FEE_RATE_ONE &&
           fill->maker_rate_ppm >= -FEE_RATE_ONE && fill->maker_rate_ppm <= FEE_RATE_ONE;
}

bool posting_fill_of(const struct market *market, const struct fill_event *fill,
                     struct posting_fill *moved)
{
    const bool taker_buys = fill->taker_side == BUY;
    *moved = (struct posting_fill){
        .buyer = taker_buys ? fill->taker_account : fill->maker_account,
        .seller = taker_buys ? fill->maker_account : fill->taker_account,
        .buyer_rate_ppm = taker_buys ? fill->taker_rate_ppm : fill->maker_rate_ppm,
        .seller_rate_ppm = taker_buys ? fill->maker_rate_ppm : fill->taker_rate_ppm,
    };
    return fill->taker_side <= SELL && fill->price.ticks > 0 && fill->qty.lots > 0 &&
           rates_valid(fill) &&
           posting_hold_needed(market, BUY, fill->price, fill->qty, &moved->quote) &&
           posting_hold_needed(market, SELL, fill->price, fill->qty, &moved->base);
}
