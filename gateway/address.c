#include "gateway/address.h"

#include <netinet/in.h>
#include <string.h>

#define IPV4_TAG 0x0000ff00u

/* The end of splitmix64: each step can be undone, and only 0 becomes 0. */
static uint64_t mixed(uint64_t number)
{
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

static uint64_t number_of_ipv4(uint32_t address)
{
    return mixed((uint64_t)address << 32 | IPV4_TAG);
}

uint64_t address_of(const struct sockaddr *peer)
{
    if (peer->sa_family == AF_INET) {
        return number_of_ipv4(((const struct sockaddr_in *)(const void *)peer)->sin_addr.s_addr);
    }
    if (peer->sa_family != AF_INET6) return mixed(1);
    const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(six)) {
        uint32_t four;
        memcpy(&four, six->s6_addr + 12, sizeof(four));
        return number_of_ipv4(four);
    }
    uint64_t network;
    memcpy(&network, six->s6_addr, sizeof(network));
    return mixed(network == 0 ? 1 : network);
}

void address_ip(const struct sockaddr *peer, uint8_t ip[16])
{
    memset(ip, 0, 16);
    if (peer->sa_family == AF_INET) {
        ip[10] = ip[11] = 0xff;
        memcpy(ip + 12, &((const struct sockaddr_in *)(const void *)peer)->sin_addr, 4);
    } else if (peer->sa_family == AF_INET6) {
        memcpy(ip, ((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr.s6_addr, 16);
    }
}
