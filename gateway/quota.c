#include "gateway/quota.h"

#include "common/money.h"

#define WAYS      8u /* places where one address may be */
#define SECOND_NS 1000000000u
#define MILLION   1000000u

static const struct {
    uint32_t limit;
    uint32_t minutes; /* of a window */
    enum reject reject;
    _Bool is_patient; /* refusals of it bring no ban */
    const char *limit_text, *window_text;
} kinds[QUOTA_KINDS] = {
    [QUOTA_WEIGHT] = {QUOTA_WEIGHT_MAX, 1, REJECT_TOO_MUCH_WEIGHT, 0, "6000", "1 MINUTE"},
    [QUOTA_REQUESTS] = {QUOTA_REQUESTS_MAX, 5, REJECT_TOO_MANY_REQUESTS, 0, "300000", "5 MINUTE"},
    [QUOTA_HANDSHAKES] = {QUOTA_HANDSHAKES_MAX, 5, REJECT_TOO_MANY_HANDSHAKES, 1, "300",
                          "5 MINUTE"},
};

size_t quota_bytes(void)
{
    return QUOTA_ADDRESSES * sizeof(struct quota_entry);
}

void quota_share(struct quota *quota)
{
    latch_init(&quota->latch, true);
}

_Bool quota_init(struct quota *quota, struct arena *arena)
{
    latch_init(&quota->latch, false);
    quota->entries = arena_take_array(arena, QUOTA_ADDRESSES, sizeof(*quota->entries));
    return quota->entries != NULL;
}

static uint32_t minute_of(uint64_t now_ns)
{
    return (uint32_t)(now_ns / QUOTA_MINUTE_NS);
}

static _Bool is_same_window(enum quota_kind kind, uint32_t minute, uint32_t other)
{
    return minute / kinds[kind].minutes == other / kinds[kind].minutes;
}

static _Bool is_banned(const struct quota_entry *entry, uint64_t now_ns)
{
    return entry->banned_until_s > now_ns / SECOND_NS;
}

/* How much it would be missed: how near it is to a limit, in millionths. */
static uint64_t worth_of(const struct quota_entry *entry, uint64_t now_ns)
{
    uint64_t worth = 0;
    if (is_banned(entry, now_ns)) return (uint64_t)UINT32_MAX * MILLION + entry->banned_until_s;
    for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++) {
        if (!is_same_window(kind, entry->minute, minute_of(now_ns))) continue;
        const uint64_t part = (uint64_t)entry->used[kind] * MILLION / kinds[kind].limit;
        if (part > worth) worth = part;
    }
    return worth;
}

/* Answers come by the clock of their request, so by the minute before too; further back only a clock goes that was set. */
static _Bool is_over(uint32_t entry_minute, uint32_t minute)
{
    return entry_minute != minute && entry_minute != minute + 1;
}

static struct quota_entry *ways_of(const struct quota *quota, uint64_t address)
{
    const uint64_t mixed = address * 0x9e3779b97f4a7c15u;
    return &quota->entries[(mixed >> 40) % (QUOTA_ADDRESSES / WAYS) * WAYS];
}

static void begin_minute(struct quota_entry *entry, uint32_t minute)
{
    for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++)
        if (!is_same_window(kind, entry->minute, minute)) entry->used[kind] = 0;
    entry->minute = minute;
    entry->refused = 0;
}

/* The entry of `address` in this minute, or the one that makes room for it: out of date first, else the lightest. */
static struct quota_entry *entry_of(struct quota *quota, uint64_t address, uint64_t now_ns)
{
    const uint32_t minute = minute_of(now_ns);
    struct quota_entry *ways = ways_of(quota, address);
    struct quota_entry *entry = &ways[0];
    for (uint32_t way = 0; way < WAYS; way++) {
        if (ways[way].address == address) {
            entry = &ways[way];
            break;
        }
        if (worth_of(&ways[way], now_ns) < worth_of(entry, now_ns)) entry = &ways[way];
    }
    if (entry->address != address) *entry = (struct quota_entry){.address = address};
    if (is_over(entry->minute, minute)) begin_minute(entry, minute);
    return entry;
}

static uint32_t charge(struct quota_entry *entry, enum quota_kind kind, uint32_t count)
{
    uint32_t *used = &entry->used[kind];
    if (__builtin_add_overflow(*used, count, used)) *used = UINT32_MAX;
    return *used;
}

uint32_t quota_charge(struct quota *quota, enum quota_kind kind, uint64_t address, uint32_t count,
                      uint64_t now_ns)
{
    latch_take(&quota->latch);
    const uint32_t used = charge(entry_of(quota, address, now_ns), kind, count);
    latch_release(&quota->latch);
    return used;
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

/* Whether that is one time too many. */
static _Bool note_refusal(struct quota_entry *entry, uint64_t now_ns)
{
    const uint32_t now_s = (uint32_t)(now_ns / SECOND_NS);
    if (entry->refused > 0 && entry->refused_s == now_s) return 0;
    entry->refused_s = now_s;
    return entry->refused++ >= QUOTA_PATIENCE;
}

static void tell_ban(const struct quota_entry *entry, uint64_t now_ns,
                     struct quota_verdict *verdict)
{
    verdict->reject = REJECT_BANNED;
    verdict->retry_after_s = entry->banned_until_s - (uint32_t)(now_ns / SECOND_NS);
    verdict->until_ms = entry->banned_until_s * 1000ull;
}

static struct quota_verdict judge(struct quota_entry *entry, enum quota_kind kind, uint32_t count,
                                  uint64_t now_ns)
{
    struct quota_verdict verdict = {.reject = REJECT_NONE};
    if (!is_banned(entry, now_ns) && charge(entry, kind, count) > kinds[kind].limit) {
        verdict.reject = kinds[kind].reject;
        verdict.retry_after_s = quota_retry_after(kind, now_ns);
        verdict.begins_ban = !kinds[kind].is_patient && note_refusal(entry, now_ns);
        if (verdict.begins_ban) ban(entry, now_ns);
    }
    verdict.used = entry->used[kind];
    if (is_banned(entry, now_ns)) tell_ban(entry, now_ns, &verdict);
    return verdict;
}

struct quota_verdict quota_judge(struct quota *quota, enum quota_kind kind, uint64_t address,
                                 uint32_t count, uint64_t now_ns)
{
    latch_take(&quota->latch);
    const struct quota_verdict verdict =
        judge(entry_of(quota, address, now_ns), kind, count, now_ns);
    latch_release(&quota->latch);
    return verdict;
}

struct quota_verdict quota_ban(struct quota *quota, uint64_t address, uint64_t now_ns)
{
    const struct quota_entry *ways = ways_of(quota, address);
    struct quota_verdict verdict = {.reject = REJECT_NONE};
    latch_take(&quota->latch);
    for (uint32_t way = 0; way < WAYS; way++)
        if (ways[way].address == address && is_banned(&ways[way], now_ns))
            tell_ban(&ways[way], now_ns, &verdict);
    latch_release(&quota->latch);
    return verdict;
}

void quota_give_back(struct quota *quota, uint64_t address, uint32_t weight, uint64_t then_ns)
{
    latch_take(&quota->latch);
    struct quota_entry *entry = entry_of(quota, address, then_ns);
    uint32_t *used = &entry->used[QUOTA_WEIGHT];
    if (entry->minute == minute_of(then_ns)) *used -= weight < *used ? weight : *used;
    latch_release(&quota->latch);
}

struct refusal quota_refusal(const struct quota_verdict *verdict)
{
    char until[DECIMAL_TEXT_MAX + 1];
    for (enum quota_kind kind = 0; kind < QUOTA_KINDS; kind++)
        if (verdict->reject == kinds[kind].reject)
            return refusal_of(verdict->reject, kinds[kind].limit_text, kinds[kind].window_text);
    until[decimal_format((int64_t)verdict->until_ms, 0, until)] = 0;
    return refusal_of(REJECT_BANNED, until, NULL);
}

uint32_t quota_retry_after(enum quota_kind kind, uint64_t now_ns)
{
    const uint64_t window_ns = kinds[kind].minutes * QUOTA_MINUTE_NS;
    return (uint32_t)((window_ns - now_ns % window_ns - 1) / SECOND_NS) + 1;
}
