#include "gateway/request.h"

#include "tests/unit/gateway/desk_fixture.h"

static uint16_t markets[PARAMS_MARKETS_LIMIT];
static uint32_t count;
static bool single;

static void parse(const char *query)
{
    memset(&desk_request, 0, sizeof(desk_request));
    desk_request.form = &desk_form;
    assert_true(form_parse(&desk_form, query, strlen(query), NULL, 0));
}

static bool read_markets(const char *query)
{
    parse(query);
    return request_markets(&desk_request, &desk_facts, markets, &count, &single);
}

/* symbol is one object, symbols a JSON array however it is spaced, and neither means all. */
TEST(request, symbols_come_in_three_ways)
{
    desk_open();
    assert_true(read_markets("symbol=ETHBTC"));
    assert_true(single && count == 1 && markets[0] == 1);
    assert_true(read_markets("symbols=%5B%22ETHBTC%22,%20%22BTCUSDT%22%5D"));
    assert_true(!single && count == 2 && markets[0] == 1 && markets[1] == 0);
    assert_true(read_markets(""));
    assert_true(!single && count == 2 && markets[0] == 0);
}

TEST(request, broken_symbols_are_refused)
{
    static const char *const broken[] = {
        "symbols=BTCUSDT",
        "symbols=%5B%5D",
        "symbols=%5B%22BTCUSDT%22",
        "symbols=%5B",
        "symbols=%5B%22BTCUSDT%5D",
        "symbols=%5B%22BTCUSDT%22,%5D",
        "symbols=%5B%22BTCUSDT%22%5Dx",
        "symbols=%5B%22btcusdt%22%5D",
        "symbols=%5B%22%22%5D",
        "symbols=%5B%22BTCUSDTBTCUSDTBTCUSDT%22%5D",
    };
    desk_open();
    for (size_t index = 0; index < sizeof(broken) / sizeof(broken[0]); index++) {
        assert_false(read_markets(broken[index]));
        assert_int_equal(desk_request.refusal.reject, REJECT_ILLEGAL_CHARACTERS);
    }
    assert_false(read_markets("symbols=%5B%22NOPE%22%5D"));
    assert_int_equal(desk_request.refusal.reject, REJECT_UNKNOWN_MARKET);
    assert_false(read_markets("symbols=%5B%22BTCUSDT%22,%22ETHBTC%22,%22BTCUSDT%22%5D"));
    assert_int_equal(desk_request.refusal.reject, REJECT_SYMBOL_TWICE);
    assert_false(read_markets("symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D"));
    assert_int_equal(desk_request.refusal.reject, REJECT_OPTIONAL_COMBINATION);
}

/* Too large a limit is cut without a word, as the API does; zero and words are refused. */
TEST(request, limit_is_cut_at_its_maximum)
{
    uint32_t limit;
    desk_open();
    parse("");
    assert_true(request_limit(&desk_request, 500, 1000, &limit) && limit == 500);
    parse("limit=1001");
    assert_true(request_limit(&desk_request, 500, 1000, &limit) && limit == 1000);
    parse("limit=1");
    assert_true(request_limit(&desk_request, 500, 1000, &limit) && limit == 1);
    parse("limit=0");
    assert_false(request_limit(&desk_request, 500, 1000, &limit));
    parse("limit=-1");
    assert_false(request_limit(&desk_request, 500, 1000, &limit));
    parse("limit=99999999999999999999");
    assert_true(request_limit(&desk_request, 500, 1000, &limit) && limit == 1000);
}

/* Times are ms or us; an end in ms covers its whole millisecond. */
TEST(request, range_is_read_in_either_unit)
{
    uint64_t start, end;
    bool has_start, has_end;
    desk_open();
    parse("startTime=1700000000000&endTime=1700000000001");
    assert_true(request_range(&desk_request, &start, &has_start, &end, &has_end));
    assert_true(has_start && has_end);
    assert_int_equal(start, 1700000000000000000);
    assert_int_equal(end, 1700000000001999999);
    parse("startTime=1700000000000001");
    assert_true(request_range(&desk_request, &start, &has_start, &end, &has_end));
    assert_int_equal(start, 1700000000000001000);
    assert_false(has_end);
    assert_int_equal(end, INT64_MAX);
}
