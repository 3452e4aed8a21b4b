/* What each client address has used of late, and who is banned for not heeding its limits.
 *
 * Counted are weight, by the minute, and requests and WebSocket handshakes, by five minutes, all aligned to the clock.
 * Who asks for more than its limit is refused. Who goes on, and is refused in more than QUOTA_PATIENCE seconds of one
 * minute, is banned: for QUOTA_BAN_S, twice as long each further time, up to QUOTA_BAN_MAX_S. A time as long as that
 * without a ban, and the next one is a first one again. What was sent before the first refusal could be read harms
 * nobody: all refusals of a second are one. Refused handshakes ban nobody: after a restart of the node all streams of an
 * address come again, as often as their clients try, and its orders are not to wait for them.
 *
 * Owner    one gateway loop, or any of those that share it: each call takes the latch
 * Memory   QUOTA_ADDRESSES entries from an arena
 * Limits   when more addresses come within a minute than their part of the table holds, the one that is furthest from
 *          any limit is forgotten, the banned last of all
 */

#ifndef GATEWAY_QUOTA_H
#define GATEWAY_QUOTA_H

#include "common/arena.h"
#include "common/reject.h"
#include "gateway/latch.h"

#define QUOTA_WEIGHT_MAX     6000u   /* a minute */
#define QUOTA_REQUESTS_MAX   300000u /* in five */
#define QUOTA_HANDSHAKES_MAX 300u    /* in five */
#define QUOTA_ADDRESSES      16384u
#define QUOTA_MINUTE_NS      60000000000ull
#define QUOTA_PATIENCE       20u
#define QUOTA_BAN_S          120u
#define QUOTA_BAN_MAX_S      259200u /* three days */

enum quota_kind { QUOTA_WEIGHT, QUOTA_REQUESTS, QUOTA_HANDSHAKES, QUOTA_KINDS };

struct quota_entry {
    uint64_t address; /* a hash; 0: nobody */
    uint32_t minute;  /* that holds the last use */
    uint32_t used[QUOTA_KINDS];
    uint32_t banned_until_s; /* since 1970; 0: never was */
    uint32_t refused_s;      /* when it was refused last, */
    uint16_t refused;        /* and in how many seconds of this minute */
    uint16_t bans;
};

struct quota {
    struct latch latch;
    struct quota_entry *entries;
};

struct quota_verdict {
    enum reject reject; /* REJECT_NONE, REJECT_BANNED, or the one of the limit that is used up */
    _Bool begins_ban;   /* this one has banned it */
    uint32_t used;      /* of what was asked for, in its window */
    uint32_t retry_after_s;
    uint64_t until_ms; /* of a ban, since 1970 */
};

size_t quota_bytes(void);

/* For one loop. */
MUST_CHECK _Bool quota_init(struct quota *quota, struct arena *arena);

/* For several, before any of them begins. */
void quota_share(struct quota *quota);

/* Adds to what `address` used in the window of `now_ns`, or in the next one if that has begun for it; returns the
 * sum. */
uint32_t quota_charge(struct quota *quota, enum quota_kind kind, uint64_t address, uint32_t count,
                      uint64_t now_ns);

/* The same, and whether the request may go on. A banned address uses nothing. */
struct quota_verdict quota_judge(struct quota *quota, enum quota_kind kind, uint64_t address,
                                 uint32_t count, uint64_t now_ns);

/* REJECT_BANNED with its end, or REJECT_NONE. Nothing is counted, nobody is remembered for it. */
struct quota_verdict quota_ban(struct quota *quota, uint64_t address, uint64_t now_ns);

/* Weight that a request was charged at `then_ns` counts no longer; when a later minute has begun it does not anyway. */
void quota_give_back(struct quota *quota, uint64_t address, uint32_t weight, uint64_t then_ns);

/* What a verdict that refuses tells the client. */
struct refusal quota_refusal(const struct quota_verdict *verdict);

/* Seconds until the kind's next window, 1 to 300. */
uint32_t quota_retry_after(enum quota_kind kind, uint64_t now_ns);

#endif /* GATEWAY_QUOTA_H */
