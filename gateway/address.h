/* A peer's address as one number: what limits go by.
 *
 * IPv4 as it is, also where a socket that listens for both shows it mapped into IPv6 (::ffff:a.b.c.d);
 * of IPv6 the network of 64 bits that one customer has.
 *
 * Invariants   an IPv4 address never shares its number with an IPv6 network: it stands for one in 00ff::/16, which is
 *              not assigned. Any bits of a number are as good as others to find it by: it has been mixed, one to one
 */

#ifndef GATEWAY_ADDRESS_H
#define GATEWAY_ADDRESS_H

#include <stdint.h>

struct sockaddr;

/* The address itself: IPv4 mapped into IPv6, all zero for what is neither. */
void address_ip(const struct sockaddr *peer, uint8_t ip[16]);

/* Never 0; what is neither IPv4 nor IPv6 shares the number of ::/64. */
uint64_t address_of(const struct sockaddr *peer);

#endif /* GATEWAY_ADDRESS_H */
