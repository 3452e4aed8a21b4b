#include "gateway/quota.h"

#define WAYS 8u /* places where one address may be */

_Bool quota_init(struct quota *quota, struct arena *arena)
{
    quota->entries = arena_take_array(arena, QUOTA_ADDRESSES, sizeof(*quota->entries));
    return quota->entries != NULL;
}

/* The entry of `address`, or the one that makes room for it: out of date first, else the lightest. */
static struct quota_entry *entry_of(struct quota *quota, uint64_t address, uint32_t minute)
{
    const uint64_t mixed = address * 0x9e3779b97f4a7c15u;
    struct quota_entry *ways = &quota->entries[(mixed >> 40) % (QUOTA_ADDRESSES / WAYS) * WAYS];
    struct quota_entry *victim = &ways[0];
    for (uint32_t way = 0; way < WAYS; way++) {
        struct quota_entry *entry = &ways[way];
        if (entry->address == address) return entry;
        const uint32_t weight = entry->minute == minute ? entry->used : 0;
        const uint32_t victim_weight = victim->minute == minute ? victim->used : 0;
        if (weight < victim_weight) victim = entry;
    }
    *victim = (struct quota_entry){.address = address, .minute = minute};
    return victim;
}

uint32_t quota_charge(struct quota *quota, uint64_t address, uint32_t weight, uint64_t now_ns)
{
    const uint32_t minute = (uint32_t)(now_ns / QUOTA_MINUTE_NS);
    struct quota_entry *entry = entry_of(quota, address, minute);
    if (entry->minute != minute) {
        entry->minute = minute;
        entry->used = 0;
    }
    if (__builtin_add_overflow(entry->used, weight, &entry->used)) entry->used = UINT32_MAX;
    return entry->used;
}

uint32_t quota_retry_after(uint64_t now_ns)
{
    return 60 - (uint32_t)(now_ns % QUOTA_MINUTE_NS / 1000000000u);
}
