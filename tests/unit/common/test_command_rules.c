#include "common/command_rules.h"

#include "common/params.h"
#include "tests/harness.h"

/* What the first build knew; commands that came later have other ids. RULES_SET is how a chain leaves rules 1. */
static bool is_first(uint16_t type)
{
    return type <= T_RULES_SET && type != T_LIABILITIES_VOTE;
}

/* A command that is forgotten in the table would stop the older builds of a chain that goes on under older rules: so
 * each of messages.def that is not of the first build must be there, and none of the first may be. */
TEST(command_rules, every_later_command_has_its_rules)
{
    uint32_t later = 0;
    for (uint16_t type = 1; type < T_NOOP; type++) {
        if (message_payload_bytes(type) == 0) continue;
        const uint32_t since = command_rules_since(type);
        if (is_first(type) != (since == 1)) fail_msg("%s: rules %u", message_name(type), since);
        assert_true(since >= 1 && since <= PARAMS_RULES);
        later += since > 1;
    }
    assert_true(later >= 14);
}

TEST(command_rules, a_command_is_allowed_from_its_rules_on)
{
    static const struct {
        uint16_t type;
        uint32_t since;
    } some[] = {{T_VOTE, 1},          {T_CHECKPOINT_VOTE, 1},   {T_RULES_SET, 1},
                {T_WITHDRAW, 2},      {T_DEPOSIT_REPORT, 2},    {T_LIABILITIES_VOTE, 3},
                {T_CONNECTOR_ADD, 3}, {T_LIABILITIES_ORDER, 3}, {T_WITHDRAWAL_CANCEL, 3}};
    for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++)
        for (uint32_t rules = 1; rules <= PARAMS_RULES; rules++)
            assert_int_equal(command_rules_allow(rules, some[i].type), rules >= some[i].since);
}
