#include "gateway/ws_method.h"
#include "tests/harness.h"

/* A method without a route, or a handler of its own, could not be answered. */
TEST(ws_method, every_method_has_who_answers_it)
{
    uint32_t count;
    const struct ws_method *methods = ws_method_all(&count);
    assert_true(count >= 35);
    for (uint32_t index = 0; index < count; index++) {
        struct auth_piece value;
        bool path_exists;
        if (methods[index].own.handler == NULL &&
            route_find(methods[index].method, methods[index].path, strlen(methods[index].path),
                       &value, &path_exists) == NULL)
            fail_msg("no route: %s", methods[index].path);
        assert_ptr_equal(ws_method_find(methods[index].name, methods[index].name_bytes),
                         &methods[index]);
    }
}

TEST(ws_method, a_version_may_stand_before_the_name)
{
    const struct ws_method *place = ws_method_find("order.place", 11);
    assert_non_null(place);
    assert_ptr_equal(ws_method_find("v3/order.place", 14), place);
    assert_null(ws_method_find("v4/order.place", 14));
    assert_null(ws_method_find("v3/v3/order.place", 17));
    assert_null(ws_method_find("order.plac", 10));
    assert_null(ws_method_find("", 0));
}
