#include "settlement/tier_book.h"

#include "common/arena.h"
#include "settlement/image.h"

#define DAYS TIER_BOOK_DAYS

struct look {
    uint32_t day; /* looked at last, plus one */
    uint16_t floor;
};

struct traded {
    int64_t days[DAYS]; /* by day % DAYS */
    uint32_t day;       /* the newest of them */
};

struct tier_book {
    struct look *looks;    /* by account - 1 */
    struct traded *traded; /* likewise */
    uint32_t accounts_max;
};

size_t tier_book_bytes(uint32_t accounts_max)
{
    return (size_t)accounts_max * (sizeof(struct look) + sizeof(struct traded)) +
           sizeof(struct tier_book) + 192;
}

struct tier_book *tier_book_new(struct arena *arena, uint32_t accounts_max)
{
    struct tier_book *book = arena_take(arena, sizeof(*book));
    if (book == NULL) return NULL;
    book->accounts_max = accounts_max;
    book->looks = arena_take_array(arena, accounts_max, sizeof(struct look));
    book->traded = arena_take_array(arena, accounts_max, sizeof(struct traded));
    return book->looks == NULL || book->traded == NULL ? NULL : book;
}

static uint32_t place_of(const struct tier_book *book, uint32_t account)
{
    ASSERT(account >= 1 && account <= book->accounts_max);
    return account - 1;
}

void tier_book_set_floor(struct tier_book *book, uint32_t account, uint16_t tier)
{
    book->looks[place_of(book, account)].floor = tier;
}

bool tier_book_counts(const struct params *params)
{
    for (uint16_t i = 0; i < params->tier_count; i++)
        if (params->tiers[i].volume_min.units > 0) return true;
    return false;
}

bool tier_book_reference(const struct params *params, uint16_t market, uint16_t *reference)
{
    const uint16_t quote = params->markets[market].quote;
    for (uint16_t i = 0; i < params->market_count; i++) {
        const struct market *other = &params->markets[i];
        if (other->base != quote || other->quote != params->volume_asset) continue;
        *reference = i;
        return true;
    }
    return false;
}

amount_t tier_book_value(const struct params *params, uint16_t market, amount_t base,
                         amount_t quote, uint16_t reference, price_t reference_last)
{
    const struct market *traded = &params->markets[market];
    if (traded->quote == params->volume_asset) return quote;
    if (traded->base == params->volume_asset) return base;
    if (reference_last.ticks == 0) return (amount_t){0};

    /* Units of one whole quote asset, times quote units, over the units of a whole one. */
    const struct market *worth = &params->markets[reference];
    const __int128 whole = (__int128)reference_last.ticks * worth->tick_units;
    const __int128 value =
        whole * quote.units / decimal_power(params->assets[traded->quote].decimals);
    return (amount_t){value > INT64_MAX ? INT64_MAX : (int64_t)value};
}

/* Clears the days between the newest that is known and this one. */
static void turn_to(struct traded *traded, uint32_t day)
{
    const uint32_t passed = day - traded->day;
    for (uint32_t i = 1; i <= passed && i <= DAYS; i++)
        traded->days[(traded->day + i) % DAYS] = 0;
    traded->day = day;
}

void tier_book_add(struct tier_book *book, uint32_t account, uint32_t day, amount_t value)
{
    struct traded *traded = &book->traded[place_of(book, account)];
    ASSERT(value.units >= 0 && day >= traded->day);
    turn_to(traded, day);
    int64_t *today = &traded->days[day % DAYS];
    if (__builtin_add_overflow(*today, value.units, today)) *today = INT64_MAX;
}

/* The 30 days before `day`. */
static int64_t traded_before(const struct traded *traded, uint32_t day)
{
    __int128 sum = 0;
    for (uint32_t back = 1; back < DAYS && back <= day; back++) {
        const uint32_t one = day - back;
        /* A day is kept when it is one of the DAYS up to the newest. */
        if (one <= traded->day && traded->day - one < DAYS) sum += traded->days[one % DAYS];
    }
    return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

uint16_t tier_book_due(const struct tier_book *book, const struct params *params, uint32_t account,
                       uint32_t day)
{
    const uint32_t place = place_of(book, account);
    uint16_t tier = book->looks[place].floor;
    if (!tier_book_counts(params)) return tier;

    const int64_t volume = traded_before(&book->traded[place], day);
    for (uint16_t i = tier; i < params->tier_count; i++)
        if (params->tiers[i].volume_min.units <= volume) tier = i;
    return tier;
}

void tier_book_expect(const struct tier_book *book, uint32_t account)
{
    __builtin_prefetch(&book->looks[place_of(book, account)], 1);
}

bool tier_book_look(struct tier_book *book, uint32_t account, uint32_t day)
{
    struct look *look = &book->looks[place_of(book, account)];
    const bool looked = look->day == day + 1;
    look->day = day + 1;
    return looked;
}

bool tier_book_looked(const struct tier_book *book, uint32_t account, uint32_t day)
{
    return book->looks[place_of(book, account)].day == day + 1;
}

uint16_t tier_book_floor(const struct tier_book *book, uint32_t account)
{
    return book->looks[place_of(book, account)].floor;
}

bool tier_book_traded(const struct tier_book *book, uint32_t account, uint32_t *day,
                      amount_t *value)
{
    const struct traded *traded = &book->traded[place_of(book, account)];
    const uint32_t oldest = traded->day < DAYS ? 0 : traded->day - (DAYS - 1);
    for (uint32_t at = *day < oldest ? oldest : *day; at <= traded->day; at++) {
        if (traded->days[at % DAYS] == 0) continue;
        *day = at;
        value->units = traded->days[at % DAYS];
        return true;
    }
    return false;
}

struct tier_book *tier_book_image(struct arena *arena, const struct tier_book *book,
                                  const struct image_move *move)
{
    struct tier_book *copy = image_take(arena, move, book, sizeof(*copy));
    if (copy == NULL) return NULL;
    copy->looks = image_at(move, copy->looks);
    copy->traded = image_at(move, copy->traded);
    return copy;
}
