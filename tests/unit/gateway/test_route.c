#include "gateway/route.h"

#include "tests/harness.h"

TEST(route, method_and_path_find_one_handler)
{
    struct auth_piece value;
    bool path_exists;
    const struct route *route =
        route_find(METHOD_DELETE, "/api/v3/order", 13, &value, &path_exists);
    assert_non_null(route);
    assert_ptr_equal(route->handler, trading_cancel);
    assert_int_equal(route->security, SECURITY_TRADE);
    assert_null(route_find(METHOD_PUT, "/api/v3/order", 13, &value, &path_exists));
    assert_true(path_exists);
    assert_null(route_find(METHOD_GET, "/api/v3/orde", 12, &value, &path_exists));
    assert_false(path_exists);
}

/* No route hides another. */
TEST(route, every_route_is_found_by_its_own_name)
{
    uint32_t count;
    struct auth_piece value;
    bool path_exists;
    const struct route *routes = route_all(&count);
    assert_true(count >= 33);
    for (uint32_t index = 0; index < count; index++)
        assert_ptr_equal(route_find(routes[index].method, routes[index].path,
                                    routes[index].path_bytes, &value, &path_exists),
                         &routes[index]);
}

/* What moves money or orders is never open to everybody. The wallet API of the original asks for assets by POST, and a
 * listen key is asked for like that too. */
TEST(route, nothing_but_reads_is_unsigned)
{
    static const char assets[] = "/asset/get";
    uint32_t count;
    const struct route *routes = route_all(&count);
    for (uint32_t index = 0; index < count; index++) {
        const bool asks = (routes[index].security == SECURITY_USER_DATA &&
                           strstr(routes[index].path, assets) != NULL) ||
                          strcmp(routes[index].path, "/api/v3/userDataStream") == 0;
        if (routes[index].method != METHOD_GET)
            assert_true(asks || routes[index].security == SECURITY_TRADE ||
                        routes[index].security == SECURITY_BATCH ||
                        routes[index].security == SECURITY_ITEMS ||
                        routes[index].security == SECURITY_WITHDRAW ||
                        routes[index].security == SECURITY_OWNER ||
                        routes[index].security == SECURITY_OPENER ||
                        routes[index].security == SECURITY_OPERATOR ||
                        routes[index].security == SECURITY_CONNECTOR);
    }
}

/* A name in braces stands for one part of the path, whatever it is, and for no more. */
TEST(route, path_carries_a_value)
{
    struct auth_piece value;
    bool path_exists;
    const struct route *route =
        route_find(METHOD_GET, "/quorex/v1/blocks/12", 20, &value, &path_exists);
    assert_non_null(route);
    assert_ptr_equal(route->handler, chain_data_block);
    assert_int_equal(value.byte_count, 2);
    assert_memory_equal(value.bytes, "12", 2);
    route = route_find(METHOD_GET, "/quorex/v1/blocks/x/body", 24, &value, &path_exists);
    assert_ptr_equal(route->handler, chain_data_body);
    assert_int_equal(value.byte_count, 1);
    assert_null(route_find(METHOD_GET, "/quorex/v1/blocks/", 18, &value, &path_exists));
    assert_null(route_find(METHOD_GET, "/quorex/v1/blocks//body", 23, &value, &path_exists));
    assert_null(route_find(METHOD_GET, "/quorex/v1/blocks/1/2", 21, &value, &path_exists));
    assert_null(route_find(METHOD_GET, "/quorex/v1/blocks/1/bod", 23, &value, &path_exists));
    assert_false(path_exists);
    assert_null(route_find(METHOD_POST, "/quorex/v1/blocks/12", 20, &value, &path_exists));
    assert_true(path_exists);
}

/* Every read of our own is in its document, with the weight it costs. */
TEST(route, own_reads_are_documented)
{
    static char text[65536];
    uint32_t count;
    const struct route *routes = route_all(&count);
    FILE *file = fopen(TEST_SOURCE_DIR "/docs/api-quorex.md", "r");
    assert_non_null(file);
    const size_t text_bytes = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[text_bytes] = '\0';
    for (uint32_t index = 0; index < count; index++) {
        char heading[128];
        if (routes[index].method != METHOD_GET || strncmp(routes[index].path, "/quorex", 7) != 0)
            continue;
        snprintf(heading, sizeof(heading), "\n## GET %s (weight %u", routes[index].path,
                 routes[index].weight);
        if (strstr(text, heading) == NULL) fail_msg("not in docs/api-quorex.md:%s", heading);
    }
}
