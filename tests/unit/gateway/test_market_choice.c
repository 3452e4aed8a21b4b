#include "gateway/market_choice.h"

#include "tests/unit/gateway/desk_fixture.h"

static bool choose(const char *query, struct market_choice *choice)
{
    memset(&desk_request, 0, sizeof(desk_request));
    desk_request.form = &desk_form;
    assert_true(form_parse(&desk_form, query, strlen(query), NULL, 0));
    return market_choice_read(&desk_request, &desk_facts, choice);
}

/* By one name, by several, by none: and what a request is charged for is what it named, of whatever status. */
TEST(market_choice, names_decide_the_shape_and_status_what_is_left)
{
    static struct market_choice choice;
    desk_open();
    const struct market_status_changed_event halted = {.market = 1, .status = MARKET_HALT};
    event_write_market_status_changed(&desk_events, &halted);
    desk_apply();
    assert_true(choose("symbol=ETHBTC", &choice));
    assert_true(choice.is_single && !choice.is_all && choice.count == 1 && choice.markets[0] == 1);
    assert_true(choose("symbols=[\"ETHBTC\",\"BTCUSDT\"]&symbolStatus=TRADING", &choice));
    assert_true(!choice.is_single && !choice.is_all && choice.markets[0] == 0);
    assert_int_equal(choice.count, 1);
    assert_int_equal(choice.asked_count, 2);
    assert_true(choose("symbolStatus=BREAK", &choice));
    assert_true(!choice.is_single && choice.is_all && choice.count == 0);
    assert_int_equal(choice.asked_count, 2);
}

TEST(market_choice, one_market_must_have_the_status_that_is_named)
{
    static struct market_choice choice;
    desk_open();
    assert_true(choose("symbol=ETHBTC&symbolStatus=TRADING", &choice));
    assert_false(choose("symbol=ETHBTC&symbolStatus=HALT", &choice));
    assert_int_equal(desk_request.refusal.reject, REJECT_STATUS_MISMATCH);
    assert_false(choose("symbol=ETHBTC&symbolStatus=halt", &choice));
    assert_int_equal(desk_request.refusal.reject, REJECT_SYMBOL_STATUS);
    assert_false(choose("symbol=ETHBTC&symbols=[\"ETHBTC\"]", &choice));
    assert_int_equal(desk_request.refusal.reject, REJECT_OPTIONAL_COMBINATION);
}
