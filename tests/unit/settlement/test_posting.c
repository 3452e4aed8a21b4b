#include "settlement/posting.h"

#include "common/fee.h"
#include "tests/harness.h"

#include <stdlib.h>

static const struct market btc = {.base = 0, .quote = 1, .lot_units = 1000, .units_per_step = 10};

static int64_t sum(const struct posting_set *set, int32_t account, uint16_t asset, uint8_t place)
{
    int64_t units = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct posting *posting = &set->items[i];
        if (posting->account == account && posting->asset == asset && posting->place == place)
            units += posting->amount.units;
    }
    return units;
}

/* What an operator credits the house gives, and a debit goes back the same way; on a chain that began before the house
 * had an account both are external's. */
TEST(posting, credit_and_debit_mirror_each_other)
{
    static const enum posting_house givers[] = {POSTING_EXTERNAL, POSTING_EXTERNAL, POSTING_HOUSE};
    for (uint32_t rules = 1; rules <= 3; rules++) {
        const enum posting_house giver = posting_giver(&(struct params){.rules = rules});
        assert_int_equal(giver, givers[rules - 1]);
        const struct posting_set in = posting_credit(giver, 7, 1, (amount_t){500});
        const struct posting_set out = posting_debit(giver, 7, 1, (amount_t){500});
        assert_int_equal(sum(&in, 7, 1, POSTING_AVAILABLE), 500);
        assert_int_equal(sum(&in, giver, 1, POSTING_AVAILABLE), -500);
        assert_int_equal(sum(&out, 7, 1, POSTING_AVAILABLE), -500);
        assert_int_equal(sum(&out, giver, 1, POSTING_AVAILABLE), 500);
        assert_true(posting_balanced(&in));
        assert_true(posting_balanced(&out));
    }
}

/* Every movement of custody sums to zero; what departs comes to nothing again by arriving or by returning,
 * whatever the amount. */
TEST(posting, what_departs_arrives_or_returns)
{
    static const int64_t amounts[] = {1, 2, 999, INT64_MAX};
    for (size_t i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
        const amount_t amount = {amounts[i]};
        const struct posting_set sets[] = {
            posting_deposit(7, 1, amount), posting_reversal(7, 1, amount),
            posting_depart(7, 1, amount), posting_arrive(1, amount, (amount_t){0}),
            posting_return(7, 1, amount)};
        for (size_t k = 0; k < sizeof(sets) / sizeof(*sets); k++) {
            assert_true(posting_balanced(&sets[k]));
            assert_int_equal(sets[k].count, 2);
        }
        assert_int_equal(sum(&sets[0], 7, 1, POSTING_AVAILABLE), amount.units);
        assert_int_equal(sum(&sets[1], 7, 1, POSTING_AVAILABLE), -amount.units);
        assert_int_equal(sum(&sets[2], 7, 1, POSTING_HELD), -amount.units);
        assert_int_equal(sum(&sets[2], POSTING_IN_FLIGHT, 1, POSTING_AVAILABLE), amount.units);
        assert_int_equal(sum(&sets[3], POSTING_IN_FLIGHT, 1, POSTING_AVAILABLE), -amount.units);
        assert_int_equal(sum(&sets[3], POSTING_EXTERNAL, 1, POSTING_AVAILABLE), amount.units);
        assert_int_equal(sum(&sets[4], 7, 1, POSTING_AVAILABLE), amount.units);
    }
}

/* What a withdrawal costs goes to the fees when the rest leaves, under a kind of its own; together it is what departed. */
TEST(posting, a_fee_stays_when_the_rest_arrives)
{
    const struct posting_set set = posting_arrive(1, (amount_t){INT64_MAX - 5}, (amount_t){5});
    assert_true(posting_balanced(&set));
    assert_int_equal(set.count, 4);
    assert_int_equal(sum(&set, POSTING_IN_FLIGHT, 1, POSTING_AVAILABLE), -INT64_MAX);
    assert_int_equal(sum(&set, POSTING_EXTERNAL, 1, POSTING_AVAILABLE), INT64_MAX - 5);
    assert_int_equal(sum(&set, POSTING_FEES, 1, POSTING_AVAILABLE), 5);
    for (uint32_t i = 0; i < set.count; i++)
        assert_int_equal(set.items[i].kind, i < 2 ? POSTING_ARRIVE : POSTING_CHARGE);
}

/* Twelve postings, no unit lost: 3 lots at 3,000,001 ticks, 0.1% and 0.0777%. */
TEST(posting, fill_sums_to_zero_with_both_fees_and_release)
{
    const struct fill_event fill = {.price = {3000001},
                                    .qty = {3},
                                    .maker_account = 1,
                                    .taker_account = 2,
                                    .maker_rate_ppm = 1000,
                                    .taker_rate_ppm = 777,
                                    .taker_side = BUY};
    struct posting_fill moved;
    assert_true(posting_fill_of(&btc, &fill, &moved));
    assert_int_equal(moved.quote.units, 90000030);
    assert_int_equal(moved.base.units, 3000);
    moved.release.units = 41;
    const struct posting_set set = posting_fill_set(&btc, &moved);
    assert_int_equal(set.count, POSTING_SET_MAX);
    assert_true(posting_balanced(&set));
    assert_int_equal(sum(&set, 2, 1, POSTING_HELD), -90000030 - 41);
    assert_int_equal(sum(&set, 2, 1, POSTING_AVAILABLE), 41);
    assert_int_equal(sum(&set, 2, 0, POSTING_AVAILABLE), 3000 - 3);
    assert_int_equal(sum(&set, 1, 0, POSTING_HELD), -3000);
    assert_int_equal(sum(&set, 1, 1, POSTING_AVAILABLE), 90000030 - 90001);
    assert_int_equal(sum(&set, POSTING_FEES, 1, POSTING_AVAILABLE), 90000);
    assert_int_equal(sum(&set, POSTING_ROUNDING, 1, POSTING_AVAILABLE), 1);
    assert_int_equal(sum(&set, POSTING_FEES, 0, POSTING_AVAILABLE), 2);
    assert_int_equal(sum(&set, POSTING_ROUNDING, 0, POSTING_AVAILABLE), 1);
}

/* A maker's rate below zero: it pays nothing on what it received and gets a part of what it gave, which
 * the taker received, out of the taker's fee. Here the maker sells, and is given base. */
TEST(posting, rebate_comes_out_of_the_takers_fee_in_the_asset_the_maker_gave)
{
    const struct fill_event fill = {.price = {3000001},
                                    .qty = {3},
                                    .maker_account = 1,
                                    .taker_account = 2,
                                    .maker_rate_ppm = -700,
                                    .taker_rate_ppm = 2000,
                                    .taker_side = BUY};
    struct posting_fill moved;
    assert_true(posting_fill_of(&btc, &fill, &moved));
    const struct posting_set set = posting_fill_set(&btc, &moved);
    assert_true(posting_balanced(&set));
    assert_int_equal(sum(&set, 1, 1, POSTING_AVAILABLE), 90000030); /* whole: no fee */
    assert_int_equal(sum(&set, 1, 0, POSTING_HELD), -3000);
    assert_int_equal(sum(&set, 1, 0, POSTING_AVAILABLE), 2);        /* 0.07% of 3,000 is 2.1 */
    assert_int_equal(sum(&set, 2, 0, POSTING_AVAILABLE), 3000 - 6); /* 0.2% */
    assert_int_equal(sum(&set, POSTING_FEES, 0, POSTING_AVAILABLE), 6 - 2);
    assert_int_equal(sum(&set, POSTING_FEES, 1, POSTING_AVAILABLE), 0);

    /* The maker buys: its rebate is in quote, on the 90,000,030 it gave. */
    struct fill_event other = fill;
    other.taker_side = SELL;
    assert_true(posting_fill_of(&btc, &other, &moved));
    const struct posting_set quote = posting_fill_set(&btc, &moved);
    assert_true(posting_balanced(&quote));
    assert_int_equal(sum(&quote, 1, 1, POSTING_AVAILABLE), 63000); /* 0.07%: 63,000.021 */
    assert_int_equal(sum(&quote, 1, 0, POSTING_AVAILABLE), 3000);
    assert_int_equal(sum(&quote, POSTING_FEES, 1, POSTING_AVAILABLE), 180000 - 63000);
    assert_int_equal(sum(&quote, POSTING_ROUNDING, 1, POSTING_AVAILABLE), 1);
}

/* A set that loses one unit, or balances across two assets only, is not balanced. */
TEST(posting, one_unit_missing_is_not_balanced)
{
    struct posting_set set = posting_credit(POSTING_HOUSE, 7, 1, (amount_t){500});
    set.items[1].amount.units = 499;
    assert_false(posting_balanced(&set));
    set.items[1].amount.units = 500;
    set.items[1].asset = 0;
    assert_false(posting_balanced(&set));
}

/* Facts that cannot be are refused before any arithmetic on them. */
TEST(posting, impossible_fills_are_refused)
{
    const struct fill_event good = {.price = {10}, .qty = {10}, .taker_side = SELL};
    struct posting_fill moved;
    assert_true(posting_fill_of(&btc, &good, &moved));
    struct fill_event bad = good;
    bad.price.ticks = 0;
    assert_false(posting_fill_of(&btc, &bad, &moved));
    bad = good;
    bad.qty.lots = -1;
    assert_false(posting_fill_of(&btc, &bad, &moved));
    bad = good;
    bad.taker_side = 2;
    assert_false(posting_fill_of(&btc, &bad, &moved));
    bad = good;
    bad.taker_rate_ppm = -1;
    assert_false(posting_fill_of(&btc, &bad, &moved));
    bad = good;
    bad.maker_rate_ppm = -1; /* a maker's may be: a rebate */
    assert_true(posting_fill_of(&btc, &bad, &moved));
    bad.maker_rate_ppm = -1000001;
    assert_false(posting_fill_of(&btc, &bad, &moved));
    bad = good;
    bad.taker_rate_ppm = 1000001;
    assert_false(posting_fill_of(&btc, &bad, &moved));
    bad = good;
    bad.price.ticks = INT64_MAX;
    assert_false(posting_fill_of(&btc, &bad, &moved));
    bad = good;
    bad.qty.lots = INT64_MAX;
    assert_false(posting_fill_of(&btc, &bad, &moved));
}

/* ---- Whatever is filled. ---- */

static uint64_t dice_seed;

static uint32_t dice(uint32_t bound)
{
    dice_seed = dice_seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((dice_seed >> 32) * bound >> 32);
}

/* Small and large ones alike. */
static int64_t any_amount(void)
{
    const uint64_t bits = (uint64_t)dice(1u << 31) << 10 | dice(1024);
    return 1 + (int64_t)(bits >> dice(41));
}

/* A fill and what the books of users and house say of one asset after it. */
struct books {
    __int128 users, fees, rounding, others;
};

static struct books books_of(const struct posting_set *set, uint16_t asset)
{
    struct books books = {0};
    for (uint32_t i = 0; i < set->count; i++) {
        const struct posting *posting = &set->items[i];
        if (posting->asset != asset) continue;
        __int128 *book = posting->account > 0                   ? &books.users
                         : posting->account == POSTING_FEES     ? &books.fees
                         : posting->account == POSTING_ROUNDING ? &books.rounding
                                                                : &books.others;
        *book += posting->amount.units;
    }
    return books;
}

/* The exact fee, in millionths of a unit, of who received so much; below zero nobody pays. */
static __int128 exact_fee(amount_t received, int32_t rate_ppm)
{
    return rate_ppm < 0 ? 0 : (__int128)received.units * rate_ppm;
}

/* One asset: nothing is made or lost; the payer pays the exact fee or less than a unit more, never less; what that is
 * more lies in rounding; the rebate is the exact one or less than a unit less. */
static void assert_asset(const struct posting_set *set, uint16_t asset, amount_t amount,
                         int32_t receiver_ppm, int32_t giver_ppm)
{
    const struct books books = books_of(set, asset);
    const __int128 exact = exact_fee(amount, receiver_ppm);
    const __int128 promised = giver_ppm < 0 ? -(__int128)giver_ppm * amount.units : 0;
    const __int128 rebate = exact / FEE_RATE_ONE - books.fees; /* out of the floor of the fee */
    assert_true(books.users + books.fees + books.rounding == 0 && books.others == 0);
    assert_true(books.rounding == (exact % FEE_RATE_ONE != 0));
    assert_true(rebate * FEE_RATE_ONE <= promised && (rebate + 1) * FEE_RATE_ONE > promised);
    assert_true(books.fees >= 0); /* no rebate is above the taker's rate */
}

TEST(posting, whatever_is_filled_no_unit_is_made_or_lost_and_rounding_is_the_houses)
{
    const char *given = getenv("QUOREX_SEED");
    dice_seed = given == NULL ? 0xf111 : strtoull(given, NULL, 0);
    print_message("seed 0x%llx\n", (unsigned long long)dice_seed);
    for (int i = 0; i < 200000; i++) {
        const int32_t taker_ppm = (int32_t)dice(dice(4) == 0 ? FEE_RATE_ONE + 1 : 3000);
        const int32_t maker_ppm = dice(3) == 0 ? -(int32_t)dice((uint32_t)taker_ppm + 1)
                                               : (int32_t)dice(FEE_RATE_ONE + 1);
        const bool taker_buys = dice(2) == 0;
        const struct posting_fill moved = {
            .buyer = 1 + dice(3),
            .seller = 1 + dice(3), /* may be the same account */
            .buyer_rate_ppm = taker_buys ? taker_ppm : maker_ppm,
            .seller_rate_ppm = taker_buys ? maker_ppm : taker_ppm,
            .base = {any_amount()},
            .quote = {any_amount()},
            .release = {dice(2) == 0 ? 0 : any_amount()},
        };
        const struct posting_set set = posting_fill_set(&btc, &moved);
        assert_true(posting_balanced(&set));
        assert_asset(&set, btc.base, moved.base, moved.buyer_rate_ppm, moved.seller_rate_ppm);
        assert_asset(&set, btc.quote, moved.quote, moved.seller_rate_ppm, moved.buyer_rate_ppm);
        assert_int_equal(sum(&set, (int32_t)moved.buyer, btc.quote, POSTING_HELD),
                         -moved.quote.units - moved.release.units);
        assert_int_equal(sum(&set, (int32_t)moved.seller, btc.base, POSTING_HELD),
                         -moved.base.units);
    }
}
