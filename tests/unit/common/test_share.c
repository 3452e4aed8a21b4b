#include "common/share.h"

#include "tests/harness.h"

static struct params params_of(uint32_t rules)
{
    return (struct params){
        .rules = rules, .accounts_max = 10, .keys_max = 80, .orders_max = 45, .levels_max = 1};
}

/* An eighth of the keys is operators', half of the addresses is for deposits, and of switches all are the accounts'. */
TEST(share, rooms_leave_what_is_not_the_accounts)
{
    struct params params = params_of(PARAMS_RULES_SHARES);
    assert_int_equal(share_keys(&params), 70);
    assert_int_equal(share_addresses(&params), 20);
    assert_int_equal(share_switches(&params), 45);
    params.keys_max = 7;
    assert_int_equal(share_keys(&params), 7);
}

/* Up to half to who comes first, above it up to one's share, and nothing where the room ends. */
TEST(share, above_half_there_are_shares)
{
    const struct params params = params_of(PARAMS_RULES_SHARES);
    static const struct {
        uint32_t room, taken, own;
        bool allowed;
    } rows[] = {
        {70, 34, 34, true}, {70, 35, 34, false}, {70, 35, 3, false}, {70, 35, 2, true},
        {70, 69, 0, true},  {70, 70, 0, false},  {70, 80, 0, false}, {45, 22, 22, true},
        {45, 23, 2, false}, {45, 23, 1, true},   {8, 3, 3, true},    {8, 4, 1, false},
        {8, 4, 0, true},    {8, 7, 0, true},     {8, 8, 0, false},   {1, 0, 0, true},
        {1, 1, 0, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(share_allows(&params, rows[i].room, rows[i].taken, rows[i].own),
                         rows[i].allowed);
}

/* Where half of the room is as large as accounts_max, one account's greed costs no other its first place. */
TEST(share, each_account_has_one_where_there_is_room_for_all)
{
    const struct params params = params_of(PARAMS_RULES_SHARES);
    const uint32_t room = 2 * params.accounts_max;
    uint32_t owns[10] = {0}, taken = 0;
    for (uint32_t account = 0; account < params.accounts_max; account++)
        while (share_allows(&params, room, taken, owns[account])) {
            owns[account]++;
            taken++;
        }
    assert_int_equal(owns[0], 10);
    for (uint32_t account = 1; account < params.accounts_max; account++)
        assert_int_equal(owns[account], 1);
}

TEST(share, there_are_none_before_rules_8)
{
    const struct params params = params_of(PARAMS_RULES_SHARES - 1);
    assert_true(share_allows(&params, 70, 70, 70));
}
