#include "common/order_tag.h"

#include "tests/harness.h"

static uint8_t payload[COMMAND_PAYLOAD_MAX];

/* A command that extends another begins with all of it: whoever reads the other reads this one. */
TEST(order_tag, an_extended_command_begins_with_what_it_extends)
{
    const struct order_submit_command submit = {
        .price = {5}, .account = 7, .client_id = "name", .strategy_id = 9, .flags = ORDER_TAG_ID};
    struct order_place_command place;
    order_submit_command_put(payload, &submit);
    order_place_command_get(payload, &place);
    assert_int_equal(place.price.ticks, 5);
    assert_int_equal(place.account, 7);
    assert_string_equal((const char *)place.client_id, "name");
    assert_int_equal(order_tag_base(T_ORDER_SUBMIT), T_ORDER_PLACE);
    assert_int_equal(order_tag_base(T_ORDER_RESUBMIT), T_ORDER_REPLACE);
    assert_int_equal(order_tag_base(T_LIST_SUBMIT), T_LIST_PLACE);
    for (uint16_t type = 1; type < T_NOOP; type++)
        if (type < T_ORDER_SUBMIT || type > T_LIST_SUBMIT)
            assert_int_equal(order_tag_base(type), type);
}

/* Each leg has its own; commands that extend nothing have none. */
TEST(order_tag, tags_are_read_by_leg)
{
    const struct list_submit_command list = {.kind = LIST_OTOCO,
                                             .a_strategy_id = 1,
                                             .a_flags = ORDER_TAG_ID,
                                             .b_strategy_type = 1000002,
                                             .b_flags = ORDER_TAG_TYPE,
                                             .c_strategy_id = 3,
                                             .c_strategy_type = 1000003,
                                             .c_flags = ORDER_TAG_NUMBERS};
    list_submit_command_put(payload, &list);
    const struct order_tag expected[] = {
        {1, 0, ORDER_TAG_ID}, {0, 1000002, ORDER_TAG_TYPE}, {3, 1000003, ORDER_TAG_NUMBERS}};
    for (uint32_t leg = 0; leg < 3; leg++)
        assert_true(order_tag_equal(order_tag_of(T_LIST_SUBMIT, payload, leg), expected[leg]));
    assert_int_equal(order_tag_of(T_LIST_PLACE, payload, 2).flags, 0);

    const struct order_resubmit_command again = {
        .mode = 1, .strategy_id = 4, .flags = ORDER_TAG_ID};
    order_resubmit_command_put(payload, &again);
    assert_int_equal(order_tag_of(T_ORDER_RESUBMIT, payload, 0).strategy_id, 4);
}

/* Numbers without their flag, or beyond their bounds, are none; only a single order may be asked for twice. */
TEST(order_tag, bounds_are_kept_on_both_sides)
{
    static const struct {
        uint16_t type;
        struct order_tag tag;
        bool valid;
    } cases[] = {
        {T_ORDER_SUBMIT, {0, 0, 0}, true},
        {T_ORDER_SUBMIT, {0, 0, ORDER_TAG_ID}, true},
        {T_ORDER_SUBMIT, {1, 0, 0}, false},
        {T_ORDER_SUBMIT, {INT64_MAX, 0, ORDER_TAG_ID}, true},
        {T_ORDER_SUBMIT, {(uint64_t)INT64_MAX + 1, 0, ORDER_TAG_ID}, false},
        {T_ORDER_SUBMIT, {0, 999999, ORDER_TAG_TYPE}, false},
        {T_ORDER_SUBMIT, {0, 1000000, ORDER_TAG_TYPE}, true},
        {T_ORDER_SUBMIT, {0, INT32_MAX, ORDER_TAG_TYPE}, true},
        {T_ORDER_SUBMIT, {0, (uint32_t)INT32_MAX + 1, ORDER_TAG_TYPE}, false},
        {T_ORDER_SUBMIT, {0, 1000000, 0}, false},
        {T_ORDER_SUBMIT, {0, 0, ORDER_TAG_IDEMPOTENT}, true},
        {T_ORDER_RESUBMIT, {0, 0, ORDER_TAG_IDEMPOTENT}, false},
        {T_LIST_SUBMIT, {0, 0, ORDER_TAG_IDEMPOTENT}, false},
        {T_ORDER_SUBMIT, {0, 0, 8}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (order_tag_valid(cases[i].type, cases[i].tag) != cases[i].valid) fail_msg("case %zu", i);
}
