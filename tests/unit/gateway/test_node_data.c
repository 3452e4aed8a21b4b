#include "tests/unit/gateway/desk_fixture.h"

static void seal(uint64_t height)
{
    uint8_t payload[BLOCK_SEALED_BYTES];
    struct block_sealed_notice sealed = {0};
    const struct block_header header = {.version = BLOCK_HEADER_VERSION,
                                        .height = height,
                                        .time_ns = FIXTURE_START_NS,
                                        .tx_count = 7,
                                        .fill_count = 2};
    block_header_encode(&header, sealed.header);
    memset(sealed.hash, 0xab, sizeof(sealed.hash));
    block_sealed_notice_put(payload, &sealed);
    block_list_apply(&desk_blocks, T_BLOCK_SEALED, payload);
}

TEST(node_data, status_tells_role_and_last_block)
{
    desk_open();
    seal(1);
    atomic_store(&desk_progress.is_leader, 1);
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/status", "", 0), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "{\"node\":1,\"role\":\"leader\",\"term\":0,\"epoch\":0,"
                                        "\"leader\":1,\"lastCommand\":0,\"height\":1,"
                                        "\"certifiedHeight\":0,\"headerHash\":\"abab"));
}

TEST(node_data, blocks_come_newest_first)
{
    desk_open();
    for (uint64_t height = 1; height <= 5; height++)
        seal(height);
    desk_blocks.certified_height = 4;
    assert_int_equal(desk_ask(METHOD_GET, "/quorex/v1/blocks", "limit=2", 0), OUTCOME_ANSWERED);
    assert_memory_equal(desk_answer, "[{\"height\":5,", 13);
    assert_non_null(strstr(desk_answer, "\"txCount\":7,\"fillCount\":2,\"certified\":false},"
                                        "{\"height\":4,"));
    assert_non_null(strstr(desk_answer, "\"certified\":true}]"));
}

/* A halted node is not healthy, and one that does not lead or is stopping is not ready. */
TEST(node_data, health_and_readiness_are_statuses)
{
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, "/healthz", "", 0), OUTCOME_ANSWERED);
    assert_int_equal(desk_request.http_status, 200);
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_int_equal(desk_request.http_status, 503);
    atomic_store(&desk_progress.is_leader, 1);
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_int_equal(desk_request.http_status, 200);
    atomic_store(&desk_progress.halted, 1);
    desk_ask(METHOD_GET, "/healthz", "", 0);
    assert_int_equal(desk_request.http_status, 503);
    desk_ask(METHOD_GET, "/readyz", "", 0);
    assert_int_equal(desk_request.http_status, 503);
}

TEST(node_data, metrics_are_text)
{
    desk_open();
    assert_int_equal(desk_ask(METHOD_GET, "/metrics", "", 0), OUTCOME_ANSWERED);
    assert_non_null(strstr(desk_answer, "quorex_fills_total"));
    assert_memory_equal(desk_request.content_type, "text/plain", 10);
}
