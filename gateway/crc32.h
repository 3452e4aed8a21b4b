/* CRC-32 as zlib and most languages' libraries have it (IEEE 802.3, reflected): what clients check a book by.
 *
 * Cost: two table look-ups a byte.
 */

#ifndef GATEWAY_CRC32_H
#define GATEWAY_CRC32_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32_of(const char *bytes, size_t byte_count);

#endif /* GATEWAY_CRC32_H */
