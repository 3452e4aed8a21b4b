#include "engine/volumes.h"

#include "common/arena.h"

static size_t rounded(size_t byte_count)
{
    return (byte_count + 63) & ~(size_t)63;
}

/* Of accounts, and of slots: number 0 is none. */
static size_t slot_count(const struct params *params)
{
    return (size_t)params->accounts_max + 1;
}

size_t volumes_bytes(const struct params *params)
{
    return rounded(slot_count(params) * sizeof(struct volumes_account)) +
           rounded(slot_count(params) * sizeof(struct volumes_slot));
}

bool volumes_init(struct volumes *volumes, struct arena *arena, const struct params *params)
{
    *volumes = (struct volumes){.accounts_max = params->accounts_max};
    volumes->accounts = arena_take_array(arena, slot_count(params), sizeof(struct volumes_account));
    volumes->slots = arena_take_array(arena, slot_count(params), sizeof(struct volumes_slot));
    return volumes->accounts != NULL && volumes->slots != NULL;
}

bool volumes_counted(const struct params *params)
{
    /* They rise from tier to tier. */
    return params->tiers[params->tier_count - 1].volume_min.units > 0;
}

/* The first market that has `asset` as base and the volume asset as quote; -1: none. */
static int reference_of(struct volumes *volumes, const struct params *params, uint16_t asset)
{
    struct volumes_reference *reference = &volumes->references[asset];
    while (reference->found == 0 && reference->markets_seen < params->market_count) {
        const struct market *market = &params->markets[reference->markets_seen++];
        if (market->base == asset && market->quote == params->volume_asset)
            reference->found = reference->markets_seen;
    }
    return reference->found - 1;
}

amount_t volumes_value(struct volumes *volumes, const struct params *params,
                       const struct averages *averages, uint16_t market, amount_t base,
                       amount_t quote)
{
    ASSERT(market < params->market_count && base.units >= 0 && quote.units >= 0);
    const struct market *traded = &params->markets[market];
    if (traded->quote == params->volume_asset) return quote;
    if (traded->base == params->volume_asset) return base;

    const int reference = reference_of(volumes, params, traded->quote);
    if (reference < 0) return (amount_t){0};
    /* A price is in units of the volume asset for one whole quote asset. In units it fits in 63 bits
     * (market_list), as an amount does. */
    const price_t last = averages_last(averages, (uint16_t)reference);
    const uint64_t one = (uint64_t)decimal_power(params->assets[traded->quote].decimals);
    const unsigned __int128 price_units =
        (unsigned __int128)last.ticks * (uint64_t)params->markets[reference].tick_units;
    const unsigned __int128 value = (uint64_t)quote.units * price_units / one;
    return (amount_t){value < INT64_MAX ? (int64_t)value : INT64_MAX};
}

void volumes_turn(struct volumes *volumes, uint32_t account, uint32_t day)
{
    ASSERT(account >= 1 && account <= volumes->accounts_max);
    struct volumes_account *entry = &volumes->accounts[account];
    ASSERT(day >= entry->day);
    if (entry->today.units != 0) {
        if (entry->slot == 0) {
            ASSERT(volumes->used < volumes->accounts_max);
            entry->slot = ++volumes->used;
            volumes->slots[entry->slot].account = account;
        }
        struct volumes_slot *slot = &volumes->slots[entry->slot];
        slot->days[entry->day % VOLUMES_DAYS] = entry->today;
        /* Nothing was traded on the days in between; their places hold what is 30 days older. */
        const uint32_t passed =
            day - entry->day - 1 < VOLUMES_DAYS ? day - entry->day - 1 : VOLUMES_DAYS;
        for (uint32_t i = 1; i <= passed; i++)
            slot->days[(entry->day + i) % VOLUMES_DAYS] = (amount_t){0};
    }
    entry->today = (amount_t){0};
    entry->day = day;
}

/* What the account traded on a day not after the one it knows, and at most 30 before that. */
static amount_t traded_on(const struct volumes *volumes, const struct volumes_account *entry,
                          uint32_t day)
{
    if (day == entry->day) return entry->today;
    if (entry->slot == 0) return (amount_t){0};
    return volumes->slots[entry->slot].days[day % VOLUMES_DAYS];
}

static uint32_t days_before(uint32_t day)
{
    return day < VOLUMES_DAYS ? 0 : day - VOLUMES_DAYS;
}

amount_t volumes_before(const struct volumes *volumes, uint32_t account, uint32_t day)
{
    ASSERT(account >= 1 && account <= volumes->accounts_max);
    const struct volumes_account *entry = &volumes->accounts[account];
    ASSERT(day >= entry->day);

    amount_t sum = {0};
    for (uint32_t at = days_before(day); at < day && at <= entry->day; at++)
        if (!amount_add(sum, traded_on(volumes, entry, at), &sum)) return (amount_t){INT64_MAX};
    return sum;
}

uint16_t volumes_tier(const struct params *params, const struct volumes *volumes, uint32_t account,
                      uint32_t day, uint16_t floor_tier)
{
    ASSERT(floor_tier < params->tier_count);
    if (!volumes_counted(params)) return floor_tier;
    const amount_t before = volumes_before(volumes, account, day);
    uint16_t tier = (uint16_t)(params->tier_count - 1);
    while (tier > floor_tier && params->tiers[tier].volume_min.units > before.units)
        tier--;
    return tier;
}

bool volumes_next(const struct volumes *volumes, struct volumes_day *day)
{
    /* From the day after the last one, or from the first account's first. */
    uint32_t account = day->value.units == 0 ? 1 : day->account;
    uint64_t from = day->value.units == 0 ? 0 : (uint64_t)day->day + 1;
    for (; account <= volumes->accounts_max; account++, from = 0) {
        const struct volumes_account *entry = &volumes->accounts[account];
        const uint32_t first = days_before(entry->day);
        for (uint64_t at = from < first ? first : from; at <= entry->day; at++) {
            const amount_t value = traded_on(volumes, entry, (uint32_t)at);
            if (value.units == 0) continue;
            *day = (struct volumes_day){account, (uint32_t)at, value};
            return true;
        }
    }
    return false;
}

static void check_account(const struct volumes *volumes, uint32_t account)
{
    const struct volumes_account *entry = &volumes->accounts[account];
    ASSERT(entry->today.units >= 0);                                 /* V2 */
    ASSERT(entry->today.units > 0 || entry->day + entry->slot == 0); /* V3 */
    if (entry->slot == 0) return;
    ASSERT(entry->slot <= volumes->used);
    ASSERT(volumes->slots[entry->slot].account == account); /* V1 */
    for (uint32_t i = 0; i < VOLUMES_DAYS; i++)
        ASSERT(volumes->slots[entry->slot].days[i].units >= 0); /* V2 */
}

bool volumes_check(const struct volumes *volumes)
{
    uint32_t with_slot = 0;
    for (uint32_t account = 1; account <= volumes->accounts_max; account++) {
        check_account(volumes, account);
        if (volumes->accounts[account].slot != 0) with_slot++;
    }
    ASSERT(with_slot == volumes->used); /* V1 */
    return true;
}
