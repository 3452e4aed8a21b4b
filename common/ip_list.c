#include "common/ip_list.h"

#include <arpa/inet.h>
#include <string.h>

#define IP_BITS   128
#define IPV4_BITS 32

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

/* Whether the two agree in their first bits. */
static bool bits_equal(const uint8_t left[IP_BYTES], const uint8_t right[IP_BYTES], uint32_t bits)
{
    const uint32_t whole = bits / 8, rest = bits % 8;
    if (memcmp(left, right, whole) != 0) return false;
    return rest == 0 || ((left[whole] ^ right[whole]) >> (8 - rest)) == 0;
}

/* Whether all bits from there on are 0. */
static bool is_clear_from(const uint8_t ip[IP_BYTES], uint32_t bits)
{
    for (uint32_t bit = bits; bit < IP_BITS; bit++)
        if ((ip[bit / 8] >> (7 - bit % 8) & 1) != 0) return false;
    return true;
}

/* 1 to 3 digits as a number of at most `most`; without any, `most` itself. */
static bool read_bits(const char *digits, uint32_t most, uint32_t *bits)
{
    *bits = most;
    if (digits == NULL) return true;
    const size_t count = strlen(digits);
    if (count == 0 || count > 3 || strspn(digits, "0123456789") != count) return false;
    if (count > 1 && digits[0] == '0') return false;
    *bits = 0;
    for (size_t i = 0; i < count; i++)
        *bits = *bits * 10 + (uint32_t)(digits[i] - '0');
    return *bits <= most;
}

static bool read_range(char *text, uint8_t range[IP_RANGE_BYTES])
{
    char *slash = strchr(text, '/');
    uint32_t bits, before = 0;
    if (slash != NULL) *slash++ = '\0';
    if (inet_pton(AF_INET, text, range + sizeof(mapped)) == 1) {
        memcpy(range, mapped, sizeof(mapped));
        before = IP_BITS - IPV4_BITS;
    } else if (inet_pton(AF_INET6, text, range) != 1) {
        return false;
    }
    if (!read_bits(slash, IP_BITS - before, &bits)) return false;
    range[IP_BYTES] = (uint8_t)(before + bits);
    return is_clear_from(range, before + bits);
}

bool ip_list_parse(const char *text, struct ip_list *list)
{
    *list = (struct ip_list){0};
    for (const char *at = text;; at++) {
        char one[IP_TEXT_BYTES] = {0};
        const size_t byte_count = strcspn(at, ",");
        if (byte_count >= sizeof(one) || list->count == IP_LIST_MAX) return false;
        memcpy(one, at, byte_count);
        if (!read_range(one, list->ranges + (size_t)list->count * IP_RANGE_BYTES)) return false;
        list->count++;
        at += byte_count;
        if (*at == '\0') return true;
    }
}

bool ip_list_valid(const struct ip_list *list)
{
    if (list->count > IP_LIST_MAX) return false;
    for (uint32_t i = 0; i < list->count; i++) {
        const uint8_t *range = list->ranges + (size_t)i * IP_RANGE_BYTES;
        if (range[IP_BYTES] > IP_BITS || !is_clear_from(range, range[IP_BYTES])) return false;
    }
    for (size_t at = (size_t)list->count * IP_RANGE_BYTES; at < IP_LIST_BYTES; at++)
        if (list->ranges[at] != 0) return false;
    return true;
}

bool ip_list_holds(const struct ip_list *list, const uint8_t ip[IP_BYTES])
{
    const bool is_ipv4 = memcmp(ip, mapped, sizeof(mapped)) == 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const uint8_t *range = list->ranges + (size_t)i * IP_RANGE_BYTES;
        /* A network of IPv6 in which IPv4 is mapped, ::/0 for one, is of IPv6 all the same. */
        if (is_ipv4 && range[IP_BYTES] < IP_BITS - IPV4_BITS) continue;
        if (bits_equal(range, ip, range[IP_BYTES])) return true;
    }
    return list->count == 0;
}

void ip_list_text(const struct ip_list *list, uint32_t index, char text[IP_TEXT_BYTES])
{
    ASSERT(index < list->count);
    const uint8_t *range = list->ranges + (size_t)index * IP_RANGE_BYTES;
    const bool is_ipv4 =
        memcmp(range, mapped, sizeof(mapped)) == 0 && range[IP_BYTES] >= IP_BITS - IPV4_BITS;
    const uint32_t before = is_ipv4 ? IP_BITS - IPV4_BITS : 0;
    char address[INET6_ADDRSTRLEN];
    const char *written = is_ipv4 ? inet_ntop(AF_INET, range + before / 8, address, sizeof(address))
                                  : inet_ntop(AF_INET6, range, address, sizeof(address));
    ASSERT(written != NULL); /* it has room for the longest */
    size_t used = strlen(address);
    memcpy(text, address, used);
    if (range[IP_BYTES] != IP_BITS) {
        const uint32_t bits = range[IP_BYTES] - before;
        text[used++] = '/';
        for (uint32_t digit = bits >= 100 ? 100 : bits >= 10 ? 10 : 1; digit > 0; digit /= 10)
            text[used++] = (char)('0' + bits / digit % 10);
    }
    text[used] = '\0';
}
