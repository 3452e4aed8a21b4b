#include "gateway/quota.h"

#include "tests/harness.h"

static struct quota quota;

static void open_quota(void)
{
    static uint8_t memory[1 << 20] __attribute__((aligned(64)));
    struct arena arena;
    memset(memory, 0, sizeof(memory));
    arena_init(&arena, memory, sizeof(memory));
    assert_true(quota_init(&quota, &arena));
}

/* Windows begin at :00 of every minute, and each address has its own. */
TEST(quota, weight_is_counted_per_address_and_minute)
{
    open_quota();
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 20, QUOTA_MINUTE_NS), 20);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 8, 1, QUOTA_MINUTE_NS), 1);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 5, 2 * QUOTA_MINUTE_NS - 1), 25);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 5, 2 * QUOTA_MINUTE_NS), 5);
}

TEST(quota, retry_after_is_the_rest_of_the_minute)
{
    assert_int_equal(quota_retry_after(QUOTA_WEIGHT, QUOTA_MINUTE_NS), 60);
    assert_int_equal(quota_retry_after(QUOTA_WEIGHT, QUOTA_MINUTE_NS + 59999999999u), 1);
}

/* More addresses than places: the heaviest stay known, so that a flood of others frees nobody. */
TEST(quota, heavy_address_outlives_a_flood_of_light_ones)
{
    open_quota();
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 1, 6000, QUOTA_MINUTE_NS), 6000);
    for (uint64_t address = 2; address < 400000; address++)
        assert_true(quota_charge(&quota, QUOTA_WEIGHT, address, 1, QUOTA_MINUTE_NS) >= 1);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 1, 1, QUOTA_MINUTE_NS), 6001);
}

#define SECOND_NS 1000000000ull
#define START_NS  (100000 * QUOTA_MINUTE_NS)

/* Uses up the minute of `now_ns`, and goes on, once a second, until it is banned; returns the verdict. */
static struct quota_verdict provoke(uint64_t now_ns)
{
    struct quota_verdict verdict = quota_judge(&quota, QUOTA_WEIGHT, 7, QUOTA_WEIGHT_MAX, now_ns);
    assert_int_equal(verdict.reject, REJECT_NONE);
    for (uint32_t i = 0; i < QUOTA_PATIENCE; i++) {
        verdict = quota_judge(&quota, QUOTA_WEIGHT, 7, 1, now_ns + i * SECOND_NS);
        assert_int_equal(verdict.reject, REJECT_TOO_MUCH_WEIGHT);
        assert_false(verdict.begins_ban);
        assert_int_equal(verdict.retry_after_s, 60 - now_ns / SECOND_NS % 60 - i);
    }
    verdict = quota_judge(&quota, QUOTA_WEIGHT, 7, 1, now_ns + QUOTA_PATIENCE * SECOND_NS);
    assert_int_equal(verdict.reject, REJECT_BANNED);
    assert_true(verdict.begins_ban);
    return verdict;
}

/* Refused first, with when to come back; who does not listen is banned, on every minute until it ends. */
TEST(quota, who_goes_on_is_banned)
{
    open_quota();
    const struct quota_verdict banned = provoke(START_NS + SECOND_NS);
    const uint64_t begin_ns = START_NS + (1 + QUOTA_PATIENCE) * SECOND_NS;
    assert_int_equal(banned.retry_after_s, QUOTA_BAN_S);
    assert_int_equal(banned.until_ms, begin_ns / 1000000 + QUOTA_BAN_S * 1000);
    const uint64_t last_ns = begin_ns + QUOTA_BAN_S * SECOND_NS - 1;
    const struct quota_verdict still = quota_judge(&quota, QUOTA_WEIGHT, 7, 1, last_ns);
    assert_int_equal(still.reject, REJECT_BANNED);
    assert_false(still.begins_ban);
    assert_int_equal(still.retry_after_s, 1);
    assert_int_equal(still.used, 0);
    assert_int_equal(quota_judge(&quota, QUOTA_REQUESTS, 7, 1, last_ns).reject, REJECT_BANNED);
    assert_int_equal(quota_judge(&quota, QUOTA_WEIGHT, 8, 1, last_ns).reject, REJECT_NONE);
    assert_int_equal(quota_judge(&quota, QUOTA_WEIGHT, 7, 1, last_ns + 1).reject, REJECT_NONE);
    const struct refusal refusal = quota_refusal(&banned);
    char text[REFUSAL_TEXT_MAX];
    refusal_text(&refusal, text);
    assert_memory_equal(text, "Way too much request weight used; IP banned until 6000141000.", 61);
}

/* What a client has sent before it could read the first refusal is no defiance, however much it is. */
TEST(quota, refusals_of_one_second_are_one)
{
    open_quota();
    for (uint32_t second = 0; second < QUOTA_PATIENCE; second++)
        for (uint32_t i = 0; i < 1000; i++)
            assert_int_not_equal(
                quota_judge(&quota, QUOTA_WEIGHT, 7, 6001, START_NS + second * SECOND_NS + i)
                    .reject,
                REJECT_BANNED);
    const uint64_t next_ns = START_NS + QUOTA_PATIENCE * SECOND_NS;
    assert_int_equal(quota_judge(&quota, QUOTA_WEIGHT, 7, 1, next_ns).reject, REJECT_BANNED);
}

/* Whether an address is banned can be asked without a trace. */
TEST(quota, looking_for_a_ban_counts_nothing)
{
    open_quota();
    assert_int_equal(quota_ban(&quota, 7, START_NS).reject, REJECT_NONE);
    assert_int_equal(provoke(START_NS).reject, REJECT_BANNED);
    const uint64_t last_ns = START_NS + (QUOTA_PATIENCE + QUOTA_BAN_S) * SECOND_NS - 1;
    const struct quota_verdict banned = quota_ban(&quota, 7, last_ns);
    assert_int_equal(banned.reject, REJECT_BANNED);
    assert_int_equal(banned.retry_after_s, 1);
    assert_int_equal(quota_ban(&quota, 8, last_ns).reject, REJECT_NONE);
    assert_int_equal(quota_ban(&quota, 7, last_ns + 1).reject, REJECT_NONE);
    assert_int_equal(quota_charge(&quota, QUOTA_REQUESTS, 7, 0, last_ns), 0);
}

/* Requests and handshakes are counted by five minutes, each for itself; the refusal says which and until when. */
TEST(quota, requests_and_handshakes_have_five_minutes)
{
    char text[REFUSAL_TEXT_MAX];
    open_quota();
    assert_int_equal(quota_charge(&quota, QUOTA_REQUESTS, 7, QUOTA_REQUESTS_MAX, START_NS),
                     QUOTA_REQUESTS_MAX);
    assert_int_equal(quota_charge(&quota, QUOTA_HANDSHAKES, 7, QUOTA_HANDSHAKES_MAX - 1, START_NS),
                     QUOTA_HANDSHAKES_MAX - 1);
    const uint64_t later_ns = START_NS + 5 * QUOTA_MINUTE_NS - SECOND_NS;
    assert_int_equal(quota_judge(&quota, QUOTA_WEIGHT, 7, 1, later_ns).used, 1);
    assert_int_equal(quota_judge(&quota, QUOTA_HANDSHAKES, 7, 1, later_ns).reject, REJECT_NONE);
    struct quota_verdict verdict = quota_judge(&quota, QUOTA_HANDSHAKES, 7, 1, later_ns);
    assert_int_equal(verdict.reject, REJECT_TOO_MANY_HANDSHAKES);
    assert_int_equal(verdict.retry_after_s, 1);
    struct refusal refusal = quota_refusal(&verdict);
    refusal_text(&refusal, text);
    assert_string_equal(text, "Too many connection attempts; current limit is 300 per 5 MINUTE.");
    verdict = quota_judge(&quota, QUOTA_REQUESTS, 7, 1, later_ns);
    assert_int_equal(verdict.reject, REJECT_TOO_MANY_REQUESTS);
    refusal = quota_refusal(&verdict);
    refusal_text(&refusal, text);
    assert_memory_equal(text, "Too many requests; current limit is 300000 requests per 5 MINUTE.",
                        65);
    assert_int_equal(quota_judge(&quota, QUOTA_REQUESTS, 7, 1, later_ns + SECOND_NS).used, 1);
    assert_int_equal(quota_retry_after(QUOTA_REQUESTS, START_NS), 300);
}

/* Clients that connect again and again, each second of a minute, are refused that and nothing else. */
TEST(quota, refused_handshakes_ban_nobody)
{
    open_quota();
    assert_int_equal(quota_charge(&quota, QUOTA_HANDSHAKES, 7, QUOTA_HANDSHAKES_MAX, START_NS),
                     QUOTA_HANDSHAKES_MAX);
    for (uint64_t second = 0; second < 60; second++) {
        const uint64_t now_ns = START_NS + second * SECOND_NS;
        const struct quota_verdict verdict = quota_judge(&quota, QUOTA_HANDSHAKES, 7, 1, now_ns);
        assert_int_equal(verdict.reject, REJECT_TOO_MANY_HANDSHAKES);
        assert_false(verdict.begins_ban);
        assert_int_equal(quota_judge(&quota, QUOTA_WEIGHT, 7, 1, now_ns).reject, REJECT_NONE);
    }
}

/* Who is near any of the limits stays known in a flood of others. */
TEST(quota, tried_handshakes_outlive_a_flood_of_light_ones)
{
    open_quota();
    assert_int_equal(quota_charge(&quota, QUOTA_HANDSHAKES, 1, 299, QUOTA_MINUTE_NS), 299);
    for (uint64_t address = 2; address < 400000; address++)
        assert_true(quota_charge(&quota, QUOTA_WEIGHT, address, 100, 2 * QUOTA_MINUTE_NS) >= 100);
    assert_int_equal(quota_charge(&quota, QUOTA_HANDSHAKES, 1, 1, 3 * QUOTA_MINUTE_NS), 300);
}

/* 2, 4, 8 ... minutes, up to three days; after as long without one the next is a first one. */
TEST(quota, bans_grow_and_are_forgotten)
{
    open_quota();
    uint64_t now_ns = START_NS;
    uint32_t length_s = QUOTA_BAN_S;
    for (int i = 0; i < 14; i++) {
        assert_int_equal(provoke(now_ns).retry_after_s, length_s);
        now_ns = (now_ns / QUOTA_MINUTE_NS + length_s / 60 + 1) * QUOTA_MINUTE_NS;
        length_s = length_s * 2 < QUOTA_BAN_MAX_S ? length_s * 2 : QUOTA_BAN_MAX_S;
    }
    now_ns += QUOTA_BAN_MAX_S * SECOND_NS + QUOTA_MINUTE_NS;
    assert_int_equal(provoke(now_ns).retry_after_s, QUOTA_BAN_S);
}

/* A flood of addresses does not set a banned one free. */
TEST(quota, banned_outlive_a_flood_of_others)
{
    open_quota();
    assert_int_equal(provoke(START_NS).reject, REJECT_BANNED);
    for (uint64_t address = 8; address < 400000; address++)
        assert_true(quota_charge(&quota, QUOTA_WEIGHT, address, 5999, START_NS + QUOTA_MINUTE_NS) >=
                    1);
    assert_int_equal(quota_judge(&quota, QUOTA_WEIGHT, 7, 1, START_NS + QUOTA_MINUTE_NS).reject,
                     REJECT_BANNED);
}

TEST(quota, weight_comes_back_in_its_own_minute)
{
    open_quota();
    quota_charge(&quota, QUOTA_WEIGHT, 7, 10, START_NS);
    quota_give_back(&quota, 7, 4, START_NS);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 0, START_NS), 6);
    quota_charge(&quota, QUOTA_WEIGHT, 7, 10, START_NS + QUOTA_MINUTE_NS);
    quota_give_back(&quota, 7, 4, START_NS);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 0, START_NS + QUOTA_MINUTE_NS), 10);
    quota_give_back(&quota, 7, 11, START_NS + QUOTA_MINUTE_NS);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 0, START_NS + QUOTA_MINUTE_NS), 0);
}

/* A request of the last minute is answered in this one: nobody starts anew by it. */
TEST(quota, late_answer_begins_no_minute)
{
    open_quota();
    quota_charge(&quota, QUOTA_WEIGHT, 7, 10, START_NS + QUOTA_MINUTE_NS);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 0, START_NS), 10);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 2, START_NS), 12);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 1, START_NS + QUOTA_MINUTE_NS), 13);
}

/* A clock that was set back is believed: nobody pays for an hour that comes twice. */
TEST(quota, clock_that_was_set_back_begins_anew)
{
    open_quota();
    quota_charge(&quota, QUOTA_WEIGHT, 7, 10, START_NS + 60 * QUOTA_MINUTE_NS);
    assert_int_equal(quota_charge(&quota, QUOTA_WEIGHT, 7, 1, START_NS), 1);
}
