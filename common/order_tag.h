/* What a client calls its orders by, and how it asks for them: of the commands that extend ORDER_PLACE, ORDER_REPLACE and
 * LIST_PLACE, that which they have beyond those.
 *
 *     ORDER_SUBMIT       ORDER_PLACE's payload    | strategy id u64 | strategy type u32 | flags u8
 *     ORDER_RESUBMIT     ORDER_REPLACE's payload  | the same
 *     LIST_SUBMIT        LIST_PLACE's payload     | the same, three times: legs a, b, c
 *
 * Whoever has no use for a tag reads such a command as the one that it extends.
 */

#ifndef COMMON_ORDER_TAG_H
#define COMMON_ORDER_TAG_H

#include "common/messages.h"

#define ORDER_TAG_TYPE_MIN 1000000
#define ORDER_TAG_TYPE_MAX INT32_MAX
#define ORDER_TAG_ID_MAX   INT64_MAX

enum order_tag_flag {
    ORDER_TAG_ID = 1,   /* it has a strategy id, */
    ORDER_TAG_TYPE = 2, /* a strategy type */
    ORDER_TAG_NUMBERS = ORDER_TAG_ID | ORDER_TAG_TYPE,
    ORDER_TAG_IDEMPOTENT =
        4, /* of ORDER_SUBMIT alone: a repeat is answered as the first was, and does nothing */
};

struct order_tag {
    uint64_t strategy_id;   /* 0 without ORDER_TAG_ID, */
    uint32_t strategy_type; /* without ORDER_TAG_TYPE */
    uint8_t flags;
};

/* The type of the command that this one extends; `type` itself when it extends none. */
static inline uint16_t order_tag_base(uint16_t type)
{
    if (type < T_ORDER_SUBMIT || type > T_LIST_SUBMIT) return type;
    return type == T_ORDER_SUBMIT     ? T_ORDER_PLACE
           : type == T_ORDER_RESUBMIT ? T_ORDER_REPLACE
                                      : T_LIST_PLACE;
}

/* The tag of leg 0, 1 or 2 of a command (of one order: 0), as its payload has it. All zero when it has none. */
struct order_tag order_tag_of(uint16_t type, const uint8_t *payload, uint32_t leg);

/* Whether the flags are some that a command of this type may have, and numbers are there where flags say so. */
bool order_tag_valid(uint16_t type, struct order_tag tag);

static inline bool order_tag_equal(struct order_tag left, struct order_tag right)
{
    return left.strategy_id == right.strategy_id && left.strategy_type == right.strategy_type &&
           left.flags == right.flags;
}

#endif /* COMMON_ORDER_TAG_H */
