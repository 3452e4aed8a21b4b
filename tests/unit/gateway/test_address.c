#include "gateway/address.h"

#include "tests/harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static uint64_t four(const char *text)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(99)};
    assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return address_of((const struct sockaddr *)&address);
}

static uint64_t six(const char *text)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(99)};
    assert_int_equal(inet_pton(AF_INET6, text, &address.sin6_addr), 1);
    return address_of((const struct sockaddr *)&address);
}

/* Through a listener of both kinds each IPv4 client is himself, not one crowd with all others. */
TEST(address, mapped_ipv4_is_ipv4)
{
    assert_true(six("::ffff:10.0.0.1") == four("10.0.0.1"));
    assert_true(six("::ffff:10.0.0.1") != six("::ffff:10.0.0.2"));
    assert_true(four("10.0.0.1") != four("10.0.0.2"));
}

/* One customer has a network of IPv6; the one beside it is another's. */
TEST(address, ipv6_counts_by_network)
{
    assert_true(six("2001:db8:0:1::1") == six("2001:db8:0:1:ffff::9"));
    assert_true(six("2001:db8:0:1::1") != six("2001:db8:0:2::1"));
    assert_true(six("2000:db8::1") != six("2100:db8::1"));
}

/* No number is nobody's, and none is of both kinds: 2001:db8::/64 begins with the bytes of 32.1.13.184. */
TEST(address, kinds_do_not_meet)
{
    assert_true(six("2001:db8::1") != four("32.1.13.184"));
    assert_true(four("0.0.0.0") != 0);
    const struct sockaddr local = {.sa_family = AF_UNIX};
    assert_true(address_of(&local) == six("::1") && six("::1") != 0);
}

/* Tables find addresses by some bits of their numbers: neighbours must not all fall into one place. */
TEST(address, neighbours_are_spread)
{
    for (unsigned shift = 0; shift <= 56; shift += 8) {
        bool is_seen[256] = {false};
        uint32_t seen = 0;
        for (uint32_t last = 0; last < 256; last++) {
            char text[32];
            snprintf(text, sizeof(text), "10.0.0.%u", last);
            bool *place = &is_seen[four(text) >> shift & 255];
            seen += !*place;
            *place = true;
        }
        assert_true(seen > 128); /* 162 of chance */
    }
}
