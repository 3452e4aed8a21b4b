/* The same bugs on settlement's own side: this program has postings that get one thing wrong, and a
 * right engine. Each must be found before the block ends, and none when nothing is planted. What makes or loses a
 * unit is found twice: as a set is made, and by the totals at the block's end. */

#include "common/fee.h"
#include "settlement/posting.h"
#include "settlement/settle.h"

#include "tests/harness.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

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
    OWN_AGREED,      /* those above leave sets balanced */

    OWN_CREDIT_FREE = OWN_AGREED, /* the giver of a credit gives a unit less */
    OWN_FEE_FREE,                 /* the fees account gets a unit that nobody paid */
    OWN_COUNT,

    /* What posting.c itself would make of its own mistake: not for a whole exchange. */
    OWN_FEE_MADE = OWN_COUNT, /* charged is not what was earned and rounded: a unit more came */
    OWN_FEE_LOST              /* or less */
};

static enum own_plant own;

static struct fee planted_fee(amount_t received, int32_t rate_ppm)
{
    struct fee fee = fee_of(received, rate_ppm);
    if (own == OWN_FEE_DOWN) fee = (struct fee){fee.earned, fee.earned, {0}};
    if (own == OWN_FEE_UP)
        fee = (struct fee){{fee.charged.units + 1}, {fee.earned.units + 1}, fee.rounding};
    if (own == OWN_FEE_MADE) fee.earned.units++;
    if (own == OWN_FEE_LOST) fee.charged.units++;
    return fee;
}

/* The whole of posting.c, with the planted functions between it and settle.c. */
#define fee_of              planted_fee
#define posting_credit      right_credit
#define posting_fill_of     right_fill_of
#define posting_fill_set    right_fill_set
#define posting_hold_needed right_hold_needed
#define posting_release     right_release
struct posting_set right_credit(enum posting_house, uint32_t, uint16_t, amount_t);
bool right_fill_of(const struct market *, const struct fill_event *, struct posting_fill *);
struct posting_set right_fill_set(const struct market *, const struct posting_fill *);
bool right_hold_needed(const struct market *, enum side, price_t, qty_t, amount_t *);
struct posting_set right_release(uint32_t, uint16_t, amount_t);
#include "settlement/posting.c"
#undef fee_of
#undef posting_credit
#undef posting_fill_of
#undef posting_fill_set
#undef posting_hold_needed
#undef posting_release

/* A unit more for the first posting of a house account, behind the check of the set. */
static void unbalance(struct posting_set *set, int32_t account, uint8_t kind)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (set->items[i].account == account && set->items[i].kind == kind) {
            set->items[i].amount.units++;
            return;
        }
}

struct posting_set posting_credit(enum posting_house giver, uint32_t account, uint16_t asset,
                                  amount_t amount)
{
    struct posting_set set = right_credit(giver, account, asset, amount);
    if (own == OWN_CREDIT_FREE) unbalance(&set, giver, POSTING_CREDIT);
    return set;
}

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
    if (own == OWN_FEE_FREE) unbalance(&set, POSTING_FEES, POSTING_FEE);
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

/* Money out of nothing, in a set that was not checked: every balance agrees with the engine's, and the block's totals
 * say by how much and of what there is too much. Both assets have one fee set each of the one fill. */
TEST(planted, a_unit_out_of_nothing_is_in_the_totals)
{
    static const struct {
        enum own_plant plant;
        int64_t more; /* owed than came in */
    } cases[] = {{OWN_CREDIT_FREE, 4}, {OWN_FEE_FREE, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        own = cases[i].plant;
        struct world *world = world_new();
        const int64_t came_in = 4 * INT64_C(100000000000);
        assert_int_equal(play(world), STATUS_MISMATCH);
        const struct settle_mismatch *found = settlement_mismatch(world->settlement);
        assert_string_equal(found->what, "totals");
        assert_int_equal(found->asset, BTC);
        assert_int_equal(found->ours - found->theirs, cases[i].more);
        assert_int_equal(found->theirs, own == OWN_CREDIT_FREE ? came_in - 4 : came_in);
        assert_true(found->height > 0);
        world_free(world);
    }
    own = OWN_NONE;
}

/* How a process ends that makes this set: 0, or the signal. */
static int signal_of(enum own_plant plant, int32_t buyer_ppm, int32_t seller_ppm)
{
    const struct market btc = {.base = 0, .quote = 1, .lot_units = 1000, .units_per_step = 10};
    const struct posting_fill moved = {.buyer = 1,
                                       .seller = 2,
                                       .buyer_rate_ppm = buyer_ppm,
                                       .seller_rate_ppm = seller_ppm,
                                       .base = {3000},
                                       .quote = {90000030}};
    int state;
    fflush(stdout);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)!freopen("/dev/null", "w", stderr);
        own = plant;
        (void)posting_fill_set(&btc, &moved);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &state, 0), child);
    return WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state);
}

/* A set is checked as it is made: one that does not sum to zero in every asset ends the process there, whichever side
 * pays a fee; nothing is booked by it. */
TEST(planted, a_set_that_does_not_sum_to_zero_is_never_made)
{
    static const int32_t rates[][2] = {{1000, 2000}, {1000, 0}, {0, 2000}, {-500, 2000}};
    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        assert_int_equal(signal_of(OWN_NONE, rates[i][0], rates[i][1]), 0);
        assert_int_equal(signal_of(OWN_FEE_MADE, rates[i][0], rates[i][1]), SIGABRT);
        assert_int_equal(signal_of(OWN_FEE_LOST, rates[i][0], rates[i][1]), SIGABRT);
    }
}
