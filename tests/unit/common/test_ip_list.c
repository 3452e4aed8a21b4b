#include "common/ip_list.h"

#include "tests/harness.h"

#include <arpa/inet.h>

/* The address of the text as a peer's is known: IPv4 mapped into IPv6. */
static const uint8_t *ip_of(const char *text)
{
    static uint8_t ip[IP_BYTES];
    memset(ip, 0, sizeof(ip));
    if (inet_pton(AF_INET, text, ip + 12) == 1)
        ip[10] = ip[11] = 0xff;
    else
        assert_int_equal(inet_pton(AF_INET6, text, ip), 1);
    return ip;
}

/* An address is in a network when the bits that count are its; both neighbours of one are outside. */
TEST(ip_list, holds_a_network_and_nothing_beside_it)
{
    struct ip_list list;
    assert_true(ip_list_parse("192.0.2.128/25,2001:db8:0:8000::/49,::1,10.0.0.7", &list));
    assert_int_equal(list.count, 4);
    static const char *const inside[] = {
        "192.0.2.128", "192.0.2.255", "2001:db8:0:8000::", "2001:db8:0:ffff:ffff:ffff:ffff:ffff",
        "::1",         "10.0.0.7"};
    static const char *const outside[] = {
        "192.0.2.127", "192.0.3.0", "2001:db8:0:7fff:ffff:ffff:ffff:ffff", "2001:db8:1::", "::2",
        "10.0.0.6",    "10.0.0.8"};
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
        assert_true(ip_list_holds(&list, ip_of(inside[i])));
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        assert_false(ip_list_holds(&list, ip_of(outside[i])));
    assert_true(ip_list_parse("0.0.0.0/0", &list)); /* all of IPv4 */
    assert_true(ip_list_holds(&list, ip_of("203.0.113.9")));
    assert_false(ip_list_holds(&list, ip_of("2001:db8::1")));
    static const char *const all_of_ipv6[] = {"::/0", "::/64", "::/80", "::fffe:0:0/95"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(ip_list_parse(all_of_ipv6[i], &list));
        assert_false(ip_list_holds(&list, ip_of("203.0.113.9")));
        assert_true(ip_list_holds(&list, ip_of(i < 3 ? "::1" : "::fffe:0:1")));
    }
    assert_true(ip_list_parse("::ffff:0:0/96", &list)); /* all of IPv4, by its mapped name */
    assert_true(ip_list_holds(&list, ip_of("203.0.113.9")));
    assert_false(ip_list_holds(&list, ip_of("::1")));
}

/* No list is any address. */
TEST(ip_list, an_empty_one_holds_all)
{
    const struct ip_list list = {0};
    assert_true(ip_list_valid(&list));
    assert_true(ip_list_holds(&list, ip_of("203.0.113.9")));
    assert_true(ip_list_holds(&list, ip_of("::")));
}

/* What is read is what is written again, in the shortest form. */
TEST(ip_list, its_text_is_its_own)
{
    struct ip_list list;
    char text[IP_TEXT_BYTES];
    static const char *const written[] = {"192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "::1",
                                          "0.0.0.0/0",    "::/0",      "10.0.0.0/8",    "fe80::1"};
    assert_true(ip_list_parse(
        "192.0.2.0/24,192.0.2.7/32,2001:0db8:0::/32,::1/128,0.0.0.0/0,::/0,10.0.0.0/8,fe80::1",
        &list));
    assert_true(ip_list_valid(&list));
    for (uint32_t i = 0; i < list.count; i++) {
        ip_list_text(&list, i, text);
        assert_string_equal(text, written[i]);
    }
}

/* What is no list of networks is refused as a whole. */
TEST(ip_list, refuses_what_is_none)
{
    static const char *const none[] = {
        "",
        ",",
        "192.0.2.7,",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.7/33",
        "::/129",
        "192.0.2.7/",
        "192.0.2.7/+8",
        "192.0.2.1/24",
        "2001:db8::1/32",
        "name",
        " 192.0.2.7",
        "192.0.2.0/024",
        "192.0.2.7/24/8",
        "1.1.1.1/0000000024",
        "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1",
        "2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001"};
    struct ip_list list;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_false(ip_list_parse(none[i], &list));
}

/* A list from elsewhere: no more than there is room for, no bit beyond those that count, nothing behind the last. */
TEST(ip_list, a_strange_one_is_not_valid)
{
    struct ip_list list;
    assert_true(ip_list_parse("192.0.2.0/24", &list));
    assert_true(ip_list_valid(&list));
    list.count = 9;
    assert_false(ip_list_valid(&list));
    list.count = 1;
    list.ranges[15] = 1;
    assert_false(ip_list_valid(&list));
    list.ranges[15] = 0;
    list.ranges[16] = 129;
    assert_false(ip_list_valid(&list));
    list.ranges[16] = 120;
    assert_true(ip_list_valid(&list));
    list.ranges[IP_LIST_BYTES - 1] = 1;
    assert_false(ip_list_valid(&list));
}
