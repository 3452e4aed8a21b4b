/* Request weight per client address, in clock-aligned minutes, and who is banned for not heeding it.
 *
 * Who asks for more than QUOTA_WEIGHT_MAX in a minute is refused; who goes on, and is refused more than QUOTA_PATIENCE times in
 * one minute, is banned: for QUOTA_BAN_S, twice as long each further time, up to QUOTA_BAN_MAX_S. A time as long as
 * that without a ban, and the next one is a first one again.
 *
 * Owner    one gateway loop
 * Memory   QUOTA_ADDRESSES entries from an arena
 * Limits   when more addresses come within a minute than their part of the table holds, the one with
 *          the least weight is forgotten, the banned last of all
 */

#ifndef GATEWAY_QUOTA_H
#define GATEWAY_QUOTA_H

#include "common/arena.h"
#include "common/reject.h"

#define QUOTA_WEIGHT_MAX 6000u /* a minute */
#define QUOTA_ADDRESSES  16384u
#define QUOTA_MINUTE_NS  60000000000ull
#define QUOTA_PATIENCE   50u
#define QUOTA_BAN_S      120u
#define QUOTA_BAN_MAX_S  259200u /* three days */

struct quota_entry {
    uint64_t address; /* a hash; 0: nobody */
    uint32_t minute;
    uint32_t used;
    uint32_t banned_until_s; /* since 1970; 0: never was */
    uint16_t refused;        /* in this minute */
    uint16_t bans;
};

struct quota {
    struct quota_entry *entries;
};

struct quota_verdict {
    enum reject reject; /* REJECT_NONE, REJECT_TOO_MUCH_WEIGHT, REJECT_BANNED */
    uint32_t used;      /* in this minute */
    uint32_t retry_after_s;
    uint64_t until_ms; /* of a ban, since 1970 */
};

MUST_CHECK _Bool quota_init(struct quota *quota, struct arena *arena);

/* Adds `weight` to what `address` used in the minute of `now_ns`, or in the next one if that has begun for it; returns
 * the sum. */
uint32_t quota_charge(struct quota *quota, uint64_t address, uint32_t weight, uint64_t now_ns);

/* The same, and whether the request may go on. A banned address uses nothing. */
struct quota_verdict quota_judge(struct quota *quota, uint64_t address, uint32_t weight,
                                 uint64_t now_ns);

/* What a request was charged at `then_ns` counts no longer; when a later minute has begun it does not anyway. */
void quota_give_back(struct quota *quota, uint64_t address, uint32_t weight, uint64_t then_ns);

/* What a verdict that refuses tells the client. */
struct refusal quota_refusal(const struct quota_verdict *verdict);

/* Seconds until the next minute, 1 to 60. */
uint32_t quota_retry_after(uint64_t now_ns);

#endif /* GATEWAY_QUOTA_H */
