/* The same bugs on settlement's own side: this program has postings that get one thing wrong, and a
 * right engine. Each must be found before the block ends, and none when nothing is planted. */

#include "common/fee.h"
#include "settlement/posting.h"
#include "settlement/settle.h"

#include "tests/harness.h"

enum own_plant {
    OWN_NONE,
    OWN_FEE_DOWN,    /* fees round down, nothing to rounding */
    OWN_FEE_UP,      /* a unit more than due */
    OWN_FEE_SIDE,    /* each side pays the other's rate */
    OWN_FEE_PAYER,   /* the seller pays the buyer's fee */
    OWN_HOLD,        /* a buyer's hold one unit too small */
    OWN_HOLD_SIDE,   /* a seller's hold as a buyer's */
    OWN_NO_RELEASE,  /* nothing is released by a fill */
    OWN_RELEASE_ALL, /* a cancelled order gives back one unit less */
    OWN_COUNT
};

static enum own_plant own;

static struct fee planted_fee(amount_t received, int32_t rate_ppm)
{
    struct fee fee = fee_of(received, rate_ppm);
    if (own == OWN_FEE_DOWN) fee = (struct fee){fee.earned, fee.earned, {0}};
    if (own == OWN_FEE_UP)
        fee = (struct fee){{fee.charged.units + 1}, {fee.earned.units + 1}, fee.rounding};
    return fee;
}

/* The whole of posting.c, with the planted functions between it and settle.c. */
#define fee_of              planted_fee
#define posting_fill_of     right_fill_of
#define posting_fill_set    right_fill_set
#define posting_hold_needed right_hold_needed
#define posting_release     right_release
bool right_fill_of(const struct market *, const struct fill_event *, struct posting_fill *);
struct posting_set right_fill_set(const struct market *, const struct posting_fill *);
bool right_hold_needed(const struct market *, enum side, price_t, qty_t, amount_t *);
struct posting_set right_release(uint32_t, uint16_t, amount_t);
#include "settlement/posting.c"
#undef fee_of
#undef posting_fill_of
#undef posting_fill_set
#undef posting_hold_needed
#undef posting_release

bool posting_fill_of(const struct market *market, const struct fill_event *fill,
                     struct posting_fill *moved)
{
    if (!right_fill_of(market, fill, moved)) return false;
    if (own != OWN_FEE_SIDE) return true;
    const int32_t swap = moved->buyer_rate_ppm;
    moved->buyer_rate_ppm = moved->seller_rate_ppm;
    moved->seller_rate_ppm = swap;
    return true;
}

struct posting_set posting_fill_set(const struct market *market, const struct posting_fill *moved)
{
    struct posting_fill planted = *moved;
    if (own == OWN_NO_RELEASE) planted.release.units = 0;
    struct posting_set set = right_fill_set(market, &planted);
    for (uint32_t i = 0; i < set.count && own == OWN_FEE_PAYER; i++)
        if (set.items[i].kind == POSTING_FEE && set.items[i].account == (int32_t)moved->buyer)
            set.items[i].account = (int32_t)moved->seller;
    return set;
}

bool posting_hold_needed(const struct market *market, enum side side, price_t price, qty_t qty,
                         amount_t *needed)
{
    const enum side asked = own == OWN_HOLD_SIDE ? BUY : side;
    if (!right_hold_needed(market, asked, price, qty, needed)) return false;
    if (own == OWN_HOLD && side == BUY && needed->units > 0) needed->units--;
    return true;
}

struct posting_set posting_release(uint32_t account, uint16_t asset, amount_t amount)
{
    if (own == OWN_RELEASE_ALL && amount.units > 0) amount.units--;
    return right_release(account, asset, amount);
}

#include "tests/unit/settlement/world.h"

static enum status play(struct world *world)
{
    world_seal(world);
    const uint64_t resting = world_buy(world, 3, 2900000, 4);
    world_sell(world, 1, 3000001, 3);
    world_buy(world, 2, 3000100, 5);
    world_cancel(world, 3, resting);
    return world_seal(world);
}

TEST(planted, every_bug_of_settlement_is_a_mismatch)
{
    for (own = OWN_NONE; own < OWN_COUNT; own++) {
        struct world *world = world_new();
        const enum status status = play(world);
        if (own == OWN_NONE) {
            assert_int_equal(status, STATUS_OK);
            assert_null(settlement_mismatch(world->settlement));
        } else {
            if (status != STATUS_MISMATCH) fail_msg("not found: own plant %d", (int)own);
            assert_non_null(settlement_mismatch(world->settlement));
        }
        world_free(world);
    }
}
