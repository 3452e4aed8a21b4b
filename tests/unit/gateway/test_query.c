#include "gateway/query.h"

#include "tests/harness.h"

/* An id beyond bigint is as large as bigint, not negative. */
TEST(query, parameters_stay_within_bigint)
{
    struct query_parameters parameters;
    const struct history_query query = {.kind = HISTORY_TRADES, .id_max = UINT64_MAX, .limit = 1};
    query_parameters_of(&query, &parameters);
    assert_string_equal(parameters.texts[2], "9223372036854775807");
}
