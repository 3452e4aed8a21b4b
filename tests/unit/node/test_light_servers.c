#include "node/light_servers.h"

#include "common/log.h"
#include "tests/harness.h"
#include "tests/unit/node/light_town.h"

static struct light_chain chain;
static struct light_servers servers;
static struct town_server town;
static struct client_answer answer;

static struct light_server *begin(enum town_lie lie)
{
    light_chain_begin(&chain, 0x0f);
    while (chain.height < 20)
        light_chain_next(&chain);
    town_start(&town, &chain, 20);
    town.lie = (int)lie;
    memset(&servers, 0, sizeof(servers));
    assert_true(light_servers_add(&servers, town.url));
    return &servers.list[0];
}

static void end(void)
{
    light_servers_free(&servers);
    town_end(&town);
}

static enum light_reply ask(struct light_server *server, const char *path, const char *query)
{
    return light_servers_ask(server, path, query, &answer);
}

/* What a refusal means decides what becomes of the server: to be behind, or to have forgotten, is no fault. */
TEST(light_servers, answers_are_told_apart)
{
    struct light_server *server = begin(TOWN_HONEST);
    assert_int_equal(ask(server, "/quorex/v1/headers", "from=3&limit=2"), LIGHT_REPLY_GIVEN);
    assert_int_equal(ask(server, "/quorex/v1/headers", "from=21"), LIGHT_REPLY_AHEAD);
    assert_int_equal(ask(server, "/quorex/v1/validators", "hash=00"), LIGHT_REPLY_ABSENT);
    assert_true(light_servers_ready(server));
    town.lie = TOWN_ENDLESS;
    assert_int_equal(ask(server, "/quorex/v1/headers", "from=3"), LIGHT_REPLY_FALSE);
    assert_true(server->is_dropped);
    assert_false(light_servers_ready(server));
    assert_int_equal(light_servers_left(&servers), 0);
    end();
}

/* Who does not answer rests, twice as long each time, up to a bound; an answer ends that. */
TEST(light_servers, rests_grow_and_end)
{
    struct light_server *server = begin(TOWN_HTTP_500);
    uint64_t last = 0;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(ask(server, "/quorex/v1/headers", ""), LIGHT_REPLY_NONE);
        assert_true(server->rest_ms == 2 * last || last == 0 ||
                    server->rest_ms == LIGHT_REST_MAX_MS);
        assert_true(server->rests_until_ms > light_servers_now_ms());
        last = server->rest_ms;
    }
    assert_int_equal(last, LIGHT_REST_MAX_MS);
    assert_false(light_servers_ready(server));
    light_servers_show(server, 20, 20);
    assert_int_equal(server->rest_ms, 0);
    assert_false(server->is_silent);
    town.lie = TOWN_TRUNCATED;
    assert_int_equal(ask(server, "/quorex/v1/headers", "from=1"), LIGHT_REPLY_NONE);
    assert_int_equal(server->rest_ms, LIGHT_REST_MIN_MS);
    assert_false(server->is_dropped);
    end();
}

/* A server that says for how long it wants to rest is asked again then: a bound of requests is no illness. */
TEST(light_servers, bound_of_requests_is_kept_to)
{
    struct light_server *server = begin(TOWN_BUSY);
    const uint64_t before = light_servers_now_ms();
    assert_int_equal(ask(server, "/quorex/v1/headers", "from=1"), LIGHT_REPLY_NONE);
    assert_true(server->rests_until_ms >= before + 7000);
    assert_true(server->rests_until_ms <= light_servers_now_ms() + 7000);
    assert_int_equal(server->rest_ms, 0);
    assert_false(server->is_dropped);
    end();
}

/* A server is behind when it is so by more than a moment. */
TEST(light_servers, lag_is_named_from_a_bound_on)
{
    struct light_server *server = begin(TOWN_HONEST);
    light_servers_show(server, 100, 100 + LIGHT_LAG_MAX);
    assert_false(server->lags);
    light_servers_show(server, 100, 101 + LIGHT_LAG_MAX);
    assert_true(server->lags);
    light_servers_show(server, 90, 50);
    assert_false(server->lags);
    assert_int_equal(server->height, 100);
    end();
}
