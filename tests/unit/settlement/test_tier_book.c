#include "settlement/tier_book.h"

#include "common/arena.h"
#include "tests/harness.h"

static struct params three_tiers(void)
{
    return (struct params){.tier_count = 3,
                           .tiers = {{1000, 2000, {0}}, {500, 900, {100}}, {0, 500, {1000}}}};
}

static struct tier_book *book_of(struct arena *arena, uint32_t accounts)
{
    if (!arena_map(arena, tier_book_bytes(accounts))) abort();
    struct tier_book *book = tier_book_new(arena, accounts);
    assert_non_null(book);
    return book;
}

/* A day counts from the day after it to the thirtieth after it. */
TEST(tier_book, volume_counts_for_the_thirty_days_after_its_own)
{
    struct arena arena;
    struct tier_book *book = book_of(&arena, 3);
    const struct params params = three_tiers();
    tier_book_add(book, 2, 20000, (amount_t){99});
    tier_book_add(book, 2, 20000, (amount_t){1});
    tier_book_add(book, 1, 20000, (amount_t){99});
    assert_int_equal(tier_book_due(book, &params, 2, 20000), 0);
    assert_int_equal(tier_book_due(book, &params, 2, 20001), 1);
    assert_int_equal(tier_book_due(book, &params, 1, 20001), 0);
    assert_int_equal(tier_book_due(book, &params, 2, 20030), 1);
    assert_int_equal(tier_book_due(book, &params, 2, 20031), 0);
    tier_book_add(book, 2, 20030, (amount_t){900});
    assert_int_equal(tier_book_due(book, &params, 2, 20030), 1);
    assert_int_equal(tier_book_due(book, &params, 2, 20031), 1); /* the first day is out */
    tier_book_add(book, 2, 20031, (amount_t){100});
    assert_int_equal(tier_book_due(book, &params, 2, 20032), 2);
    arena_unmap(&arena);
}

/* Whatever is traded when, the sum is that of a plain array of days. */
TEST(tier_book, agrees_with_a_plain_array_of_days)
{
    struct arena arena;
    struct tier_book *book = book_of(&arena, 1);
    struct params params = three_tiers();
    static int64_t days[4000];
    uint64_t seed = 0x71e5;
    print_message("seed 0x%llx\n", (unsigned long long)seed);
    for (uint32_t day = 0; day < 3900;) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        const int64_t value = (int64_t)(seed >> 33) % 80;
        tier_book_add(book, 1, day, (amount_t){value});
        days[day] += value;
        day += (uint32_t)(seed >> 50) % 4 == 0 ? 1 + (uint32_t)(seed >> 55) % 40 : 0;
        int64_t sum = 0;
        for (uint32_t back = 1; back <= 30 && back <= day; back++)
            sum += days[day - back];
        const uint16_t due = sum >= 1000 ? 2 : sum >= 100 ? 1 : 0;
        assert_int_equal(tier_book_due(book, &params, 1, day), due);
    }
    arena_unmap(&arena);
}

/* The given tier is the lowest; it is the only one while no tier asks for volume. */
TEST(tier_book, floor_holds_and_alone_counts_without_volumes)
{
    struct arena arena;
    struct tier_book *book = book_of(&arena, 1);
    struct params params = three_tiers();
    tier_book_set_floor(book, 1, 1);
    assert_int_equal(tier_book_due(book, &params, 1, 20000), 1);
    tier_book_add(book, 1, 20000, (amount_t){INT64_MAX});
    tier_book_add(book, 1, 20000, (amount_t){1}); /* full, not round the corner */
    tier_book_add(book, 1, 20001, (amount_t){INT64_MAX});
    assert_int_equal(tier_book_due(book, &params, 1, 20002), 2);
    params.tiers[1].volume_min.units = params.tiers[2].volume_min.units = 0;
    assert_false(tier_book_counts(&params));
    assert_int_equal(tier_book_due(book, &params, 1, 20002), 1);
    arena_unmap(&arena);
}

/* The first look of a day says so. */
TEST(tier_book, looks_once_a_day)
{
    struct arena arena;
    struct tier_book *book = book_of(&arena, 1);
    assert_false(tier_book_look(book, 1, 20000));
    assert_true(tier_book_look(book, 1, 20000));
    assert_false(tier_book_look(book, 1, 20001));
    arena_unmap(&arena);
}

/* What a trade is worth: its own side in the volume asset, or its quote amount at the last price of the
 * first market that has one, rounded down. */
TEST(tier_book, value_is_counted_in_the_volume_asset)
{
    /* Assets: BTC, USDT, ETH (8 decimals each), XYZ of 2. The volume is counted in USDT. */
    struct params params = three_tiers();
    params.volume_asset = 1;
    params.asset_count = 4;
    for (int i = 0; i < 4; i++)
        params.assets[i].decimals = i == 3 ? 2 : 8;
    params.market_count = 5;
    params.markets[0] = (struct market){.base = 2, .quote = 0};                        /* ETHBTC */
    params.markets[1] = (struct market){.base = 0, .quote = 1, .tick_units = 1000000}; /* BTCUSDT */
    params.markets[2] = (struct market){.base = 1, .quote = 2};                        /* USDTETH */
    params.markets[3] = (struct market){.base = 0, .quote = 3};                        /* BTCXYZ */
    params.markets[4] = (struct market){.base = 3, .quote = 1, .tick_units = 1};       /* XYZUSDT */
    const amount_t base = {700}, quote = {123456789};
    uint16_t reference = 99;

    assert_int_equal(tier_book_value(&params, 1, base, quote, 0, (price_t){0}).units, 123456789);
    assert_int_equal(tier_book_value(&params, 2, base, quote, 0, (price_t){0}).units, 700);
    assert_true(tier_book_reference(&params, 0, &reference));
    assert_int_equal(reference, 1);
    /* 1.23456789 BTC at 30,000.01: 37,037.0490457... */
    assert_int_equal(tier_book_value(&params, 0, base, quote, 1, (price_t){3000001}).units,
                     3703704904567);
    assert_int_equal(tier_book_value(&params, 0, base, quote, 1, (price_t){0}).units, 0);
    assert_true(tier_book_reference(&params, 3, &reference));
    assert_int_equal(reference, 4);
    /* 1,234,567.89 XYZ at 7 units of USDT each, rounded down. */
    assert_int_equal(tier_book_value(&params, 3, base, quote, 4, (price_t){7}).units, 8641975);
    params.markets[4].quote = 2;
    assert_false(tier_book_reference(&params, 3, &reference));
    const amount_t huge = {INT64_MAX};
    assert_int_equal(tier_book_value(&params, 0, base, huge, 1, (price_t){3000001}).units,
                     INT64_MAX);
}

/* The days that are kept are walked from any of them on, whatever came between; what passed out of the
 * ring is gone. */
TEST(tier_book, days_are_walked_as_they_were_traded)
{
    static const uint32_t days[] = {3, 4, 20, 33, 40};
    struct arena arena;
    assert_true(arena_map(&arena, tier_book_bytes(2)));
    struct tier_book *book = tier_book_new(&arena, 2);
    amount_t value;
    uint32_t day = 0;
    assert_false(tier_book_traded(book, 1, &day, &value));
    for (size_t i = 0; i < 5; i++)
        tier_book_add(book, 1, days[i], (amount_t){100 + days[i]});
    tier_book_add(book, 1, 45, (amount_t){0}); /* keeps 15 to 45 */
    for (size_t i = 2; i < 5; i++, day++) {
        assert_true(tier_book_traded(book, 1, &day, &value));
        assert_int_equal(day, days[i]);
        assert_int_equal(value.units, 100 + days[i]);
    }
    assert_false(tier_book_traded(book, 1, &day, &value));
    day = 0;
    assert_false(tier_book_traded(book, 2, &day, &value));

    tier_book_set_floor(book, 2, 5);
    assert_int_equal(tier_book_floor(book, 2), 5);
    assert_false(tier_book_looked(book, 2, 45));
    assert_false(tier_book_look(book, 2, 45));
    assert_true(tier_book_looked(book, 2, 45));
    assert_false(tier_book_looked(book, 2, 46));
    arena_unmap(&arena);
}
