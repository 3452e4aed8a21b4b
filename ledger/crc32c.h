/* CRC-32C (Castagnoli): the checksum of every record this folder writes.
 *
 * Finds accidents, not forgers; what must not be forged is hashed.
 *
 * Cost     eight bytes an instruction where the processor has SSE4.2 (asked at run time), otherwise
 *          two look-ups a byte
 */

#ifndef LEDGER_CRC32C_H
#define LEDGER_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `byte_count` bytes that follow bytes whose checksum is `crc`; 0 to begin. */
uint32_t crc32c_add(uint32_t crc, const void *bytes, size_t byte_count);

/* The same by table, whatever the processor has. */
uint32_t crc32c_add_portable(uint32_t crc, const void *bytes, size_t byte_count);

#endif /* LEDGER_CRC32C_H */
