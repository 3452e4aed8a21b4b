/* Amounts as other chains count them: whole numbers of up to 256 bits, scaled exactly or not at all.
 *
 * A chain counts an asset in units of 10^-its decimals (ether: 18), we in units of 10^-ours (8 at most). What is
 * no whole number on the other side is refused: nothing of a deposit is dropped, nothing is rounded.
 *
 * Memory   32 bytes, little-endian, as they lie in a command
 * Limits   scales differ by WIDE_SHIFT_MAX decimals at most
 */

#ifndef COMMON_WIDE_H
#define COMMON_WIDE_H

#include "common/money.h"

#include <stddef.h>

#define WIDE_BYTES     32
#define WIDE_TEXT_MAX  79 /* 78 digits and a zero byte */
#define WIDE_SHIFT_MAX 36

/* Reads digits without a leading zero ("0" is one). False for anything else, or from 2^256 on. */
MUST_CHECK bool wide_parse(const char *text, size_t text_bytes, uint8_t wide[WIDE_BYTES]);

/* Writes digits and a zero byte; returns how many digits. */
size_t wide_print(const uint8_t wide[WIDE_BYTES], char text[WIDE_TEXT_MAX]);

/* What is `wide` in units of 10^-from, in units of 10^-to. False when that is no whole number below 2^63. */
MUST_CHECK bool wide_units(const uint8_t wide[WIDE_BYTES], int from, int to, amount_t *units);

/* The other way round. False when it is no whole number, or the amount is below zero. */
MUST_CHECK bool wide_of_units(amount_t units, int from, int to, uint8_t wide[WIDE_BYTES]);

#endif /* COMMON_WIDE_H */
