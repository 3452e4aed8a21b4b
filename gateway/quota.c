#include "gateway/quota.h"

#include "common/money.h"

#define WAYS      8u /* places where one address may be */
#define SECOND_NS 1000000000u

_Bool quota_init(struct quota *quota, struct arena *arena)
{
    quota->entries = arena_take_array(arena, QUOTA_ADDRESSES, sizeof(*quota->entries));
    return quota->entries != NULL;
}

static _Bool is_banned(const struct quota_entry *entry, uint64_t now_ns)
{
    return entry->banned_until_s > now_ns / SECOND_NS;
}

/* How much it would be missed. */
static uint64_t worth_of(const struct quota_entry *entry, uint64_t now_ns)
{
    if (is_banned(entry, now_ns)) return (uint64_t)UINT32_MAX + entry->banned_until_s;
    return entry->minute == (uint32_t)(now_ns / QUOTA_MINUTE_NS) ? entry->used : 0;
}

/* Answers come by the clock of their request, so by the minute before too; further back only a clock goes that was set. */
static _Bool is_over(uint32_t entry_minute, uint32_t minute)
{
    return entry_minute != minute && entry_minute != minute + 1;
}

/* The entry of `address` in this minute, or the one that makes room for it: out of date first, else the lightest. */
static struct quota_entry *entry_of(struct quota *quota, uint64_t address, uint64_t now_ns)
{
    const uint32_t minute = (uint32_t)(now_ns / QUOTA_MINUTE_NS);
    const uint64_t mixed = address * 0x9e3779b97f4a7c15u;
    struct quota_entry *ways = &quota->entries[(mixed >> 40) % (QUOTA_ADDRESSES / WAYS) * WAYS];
    struct quota_entry *entry = &ways[0];
    for (uint32_t way = 0; way < WAYS; way++) {
        if (ways[way].address == address) {
            entry = &ways[way];
            break;
        }
        if (worth_of(&ways[way], now_ns) < worth_of(entry, now_ns)) entry = &ways[way];
    }
    if (entry->address != address) *entry = (struct quota_entry){.address = address};
    if (is_over(entry->minute, minute)) {
        entry->minute = minute;
        entry->used = 0;
        entry->refused = 0;
    }
    return entry;
}

static uint32_t charge(struct quota_entry *entry, uint32_t weight)
{
    if (__builtin_add_overflow(entry->used, weight, &entry->used)) entry->used = UINT32_MAX;
    return entry->used;
}

uint32_t quota_charge(struct quota *quota, uint64_t address, uint32_t weight, uint64_t now_ns)
{
    return charge(entry_of(quota, address, now_ns), weight);
}

static void ban(struct quota_entry *entry, uint64_t now_ns)
{
    const uint32_t now_s = (uint32_t)(now_ns / SECOND_NS);
    if (now_s - entry->banned_until_s > QUOTA_BAN_MAX_S) entry->bans = 0;
    uint32_t length_s = QUOTA_BAN_S;
    for (uint32_t i = 0; i < entry->bans && length_s < QUOTA_BAN_MAX_S; i++)
        length_s *= 2;
    entry->bans++;
    entry->banned_until_s = now_s + (length_s < QUOTA_BAN_MAX_S ? length_s : QUOTA_BAN_MAX_S);
}

struct quota_verdict quota_judge(struct quota *quota, uint64_t address, uint32_t weight,
                                 uint64_t now_ns)
{
    struct quota_entry *entry = entry_of(quota, address, now_ns);
    struct quota_verdict verdict = {.reject = REJECT_NONE};
    if (!is_banned(entry, now_ns)) {
        if (charge(entry, weight) > QUOTA_WEIGHT_MAX) {
            verdict.reject = REJECT_TOO_MUCH_WEIGHT;
            verdict.retry_after_s = quota_retry_after(now_ns);
            if (entry->refused++ >= QUOTA_PATIENCE) ban(entry, now_ns);
        }
    }
    verdict.used = entry->used;
    if (is_banned(entry, now_ns)) {
        verdict.reject = REJECT_BANNED;
        verdict.retry_after_s = entry->banned_until_s - (uint32_t)(now_ns / SECOND_NS);
        verdict.until_ms = entry->banned_until_s * 1000ull;
    }
    return verdict;
}

void quota_give_back(struct quota *quota, uint64_t address, uint32_t weight, uint64_t then_ns)
{
    struct quota_entry *entry = entry_of(quota, address, then_ns);
    if (entry->minute != (uint32_t)(then_ns / QUOTA_MINUTE_NS)) return;
    entry->used -= weight < entry->used ? weight : entry->used;
}

struct refusal quota_refusal(const struct quota_verdict *verdict)
{
    char until[DECIMAL_TEXT_MAX + 1];
    if (verdict->reject != REJECT_BANNED)
        return refusal_of(REJECT_TOO_MUCH_WEIGHT, "6000", "1 MINUTE");
    until[decimal_format((int64_t)verdict->until_ms, 0, until)] = 0;
    return refusal_of(REJECT_BANNED, until, NULL);
}

uint32_t quota_retry_after(uint64_t now_ns)
{
    return 60 - (uint32_t)(now_ns % QUOTA_MINUTE_NS / SECOND_NS);
}
