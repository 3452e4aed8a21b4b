/* From where a key may be used: up to IP_LIST_MAX networks, as the log has them.
 *
 * A network is IP_RANGE_BYTES: the 16 bytes of an IPv6 address, IPv4 as ::ffff:a.b.c.d, then how many of its bits count, of
 * 128. What follows the last one of a list is zero.
 *
 * Invariants   no bit beyond those that count is set (ip_list_valid)
 */

#ifndef COMMON_IP_LIST_H
#define COMMON_IP_LIST_H

#include "common/assert.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IP_BYTES       16
#define IP_RANGE_BYTES (IP_BYTES + 1)
#define IP_LIST_MAX    8
#define IP_LIST_BYTES  (IP_LIST_MAX * IP_RANGE_BYTES)
#define IP_TEXT_BYTES  64 /* of the longest text of one, with its terminator */

struct ip_list {
    uint8_t count; /* 0: any address */
    uint8_t ranges[IP_LIST_BYTES];
};

/* As a message has it. */
static inline struct ip_list ip_list_of(uint8_t count, const uint8_t ranges[IP_LIST_BYTES])
{
    struct ip_list list = {.count = count};
    memcpy(list.ranges, ranges, IP_LIST_BYTES);
    return list;
}

/* Reads `1.2.3.4`, `1.2.3.0/24`, `2001:db8::/32` and so on, joined by commas: one at least. False: one is none, has bits
 * beyond those that count, or there are more than IP_LIST_MAX. */
MUST_CHECK bool ip_list_parse(const char *text, struct ip_list *list);

/* Whether a list that came from elsewhere can be one. */
bool ip_list_valid(const struct ip_list *list);

/* Whether the list has no network, or one in which the address lies. IPv4 mapped into IPv6: it lies in networks of IPv4 and
 * in those of ::ffff:0:0/96, in no wider one. */
bool ip_list_holds(const struct ip_list *list, const uint8_t ip[IP_BYTES]);

/* The text of one network, with its bits unless it is one address alone. Needs: index < list->count. */
void ip_list_text(const struct ip_list *list, uint32_t index, char text[IP_TEXT_BYTES]);

#endif /* COMMON_IP_LIST_H */
