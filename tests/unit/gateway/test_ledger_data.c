#include "gateway/recall.h"
#include "tests/unit/gateway/desk_fixture.h"

#define LEDGER "/quorex/v1/ledger"

static const struct history_query *asked(const char *path, const char *query)
{
    assert_int_equal(desk_ask(METHOD_GET, path, query, 2), OUTCOME_HISTORY);
    assert_int_equal(desk_request.history.account, 2);
    assert_false(recall_is_whole(&desk_request.history, desk_view, fixture_views));
    return &desk_request.history;
}

static void open_book(void)
{
    desk_open();
    desk_account(1);
    desk_account(2);
    desk_apply();
}

/* From a height, a time or an entry on it goes forward; without any of them, or before an entry, the newest come. */
TEST(ledger_data, a_ledger_is_read_from_where_it_is_asked)
{
    open_book();
    const struct history_query *query = asked(LEDGER, "");
    assert_true(query->newest);
    assert_int_equal(query->limit, 500);
    assert_int_equal(query->place, HISTORY_NO_PLACE);
    query = asked(LEDGER, "fromHeight=7&toHeight=9&limit=10");
    assert_false(query->newest);
    assert_int_equal(query->id_min, 7);
    assert_int_equal(query->id_max, 9);
    query = asked(LEDGER, "startTime=5");
    assert_false(query->newest);
    assert_int_equal(query->start_ns, 5 * DESK_MS_NS);
    query = asked(LEDGER, "fromHeight=7&after=9-1-5");
    assert_false(query->newest);
    assert_int_equal(query->id_min, 9);
    assert_int_equal(query->place, query_place(1, 5));
    query = asked(LEDGER, "fromHeight=7&after=6-1-5"); /* nothing of height 7 is passed over */
    assert_int_equal(query->id_min, 7);
    assert_int_equal(query->place, HISTORY_NO_PLACE);
    query = asked(LEDGER, "before=9-1-5");
    assert_true(query->newest);
    assert_int_equal(query->id_max, 9);
    assert_int_equal(query->place, query_place(1, 5));
    assert_refused(METHOD_GET, LEDGER, "after=9", REJECT_DATA);
    assert_refused(METHOD_GET, LEDGER, "after=9-1-5&before=9-1-5", REJECT_OPTIONAL_COMBINATION);
    assert_refused(METHOD_GET, LEDGER, "limit=0", REJECT_DATA);
}

TEST(ledger_data, changes_are_of_one_or_of_all_addresses)
{
    open_book();
    const struct history_query *query = asked("/quorex/v1/deposits/7/history", "fromCommand=3");
    assert_int_equal(query->kind, HISTORY_DEPOSIT_CHANGES);
    assert_int_equal(query->subject, 7);
    assert_int_equal(query->id_min, 3);
    query = asked("/quorex/v1/withdrawals/8/history", "");
    assert_int_equal(query->kind, HISTORY_WITHDRAWAL_CHANGES);
    assert_int_equal(query->subject, 8);
    query = asked("/quorex/v1/addresses/history", "");
    assert_int_equal(query->kind, HISTORY_ADDRESS_CHANGES);
    assert_true(query->newest);
    assert_refused(METHOD_GET, "/quorex/v1/deposits/x/history", "", REJECT_DATA);
}
