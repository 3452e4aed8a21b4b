#include "common/order_tag.h"

#define TAG_BYTES (8 + 4 + 1)

static_assert((int)ORDER_SUBMIT_BYTES == (int)ORDER_PLACE_BYTES + TAG_BYTES,
              "an order, and its tag");
static_assert((int)ORDER_RESUBMIT_BYTES == (int)ORDER_REPLACE_BYTES + TAG_BYTES,
              "a replacement, and its order's tag");
static_assert((int)LIST_SUBMIT_BYTES == (int)LIST_PLACE_BYTES + 3 * TAG_BYTES,
              "a list, and its legs' tags");

struct order_tag order_tag_of(uint16_t type, const uint8_t *payload, uint32_t leg)
{
    const uint16_t base = order_tag_base(type);
    if (base == type) return (struct order_tag){.flags = 0};
    ASSERT(leg == 0 || (leg < 3 && base == T_LIST_PLACE));
    const uint8_t *at = payload + message_payload_bytes(base) + (size_t)leg * TAG_BYTES;
    return (struct order_tag){
        .strategy_id = le_get_u64(at),
        .strategy_type = le_get_u32(at + 8),
        .flags = at[12],
    };
}

bool order_tag_valid(uint16_t type, struct order_tag tag)
{
    const uint8_t known =
        type == T_ORDER_SUBMIT ? ORDER_TAG_NUMBERS | ORDER_TAG_IDEMPOTENT : ORDER_TAG_NUMBERS;
    const bool id_fits = (tag.flags & ORDER_TAG_ID) != 0 ? tag.strategy_id <= ORDER_TAG_ID_MAX
                                                         : tag.strategy_id == 0;
    const bool type_fits =
        (tag.flags & ORDER_TAG_TYPE) != 0
            ? tag.strategy_type >= ORDER_TAG_TYPE_MIN && tag.strategy_type <= ORDER_TAG_TYPE_MAX
            : tag.strategy_type == 0;
    return (tag.flags & ~known) == 0 && id_fits && type_fits;
}
