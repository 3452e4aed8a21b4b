#include "gateway/query.h"

#include "tests/harness.h"

/* Every statement asks for the cursor too, and takes as many parameters as are given. */
TEST(query_sql, statements_take_the_parameters_they_are_given)
{
    for (int kind = 0; kind < HISTORY_KINDS; kind++) {
        struct history_query query = {.kind = (enum history_kind)kind, .limit = 5};
        if (kind == HISTORY_ORDER_FILLS) /* what an order's fills are asked for by */
            query = (struct history_query){.kind = HISTORY_FILLS, .order_id = 7, .limit = 5};
        struct query_parameters parameters;
        query_parameters_of(&query, &parameters);
        for (int newest = 0; newest < 2; newest++) {
            query.newest = newest;
            const char *sql = query_sql(query_statement(&query));
            char place[] = "$0";
            assert_non_null(strstr(sql, "FROM quorex.cursor"));
            place[1] = (char)('0' + parameters.count);
            assert_non_null(strstr(sql, place));
            place[1]++;
            assert_null(strstr(sql, place));
        }
    }
}
