/* What settlement will read, asked of memory before it does.
 *
 * With a hundred thousand accounts each event finds its balances, orders and keys in no cache: some 100 ns each. A record
 * says beforehand whose they are, and its bytes have to be hashed anyway: meanwhile they come. Nothing is changed, and
 * nothing hangs on it but time.
 *
 * Owner    the thread of the settlement it belongs to
 */

#ifndef SETTLEMENT_EXPECT_H
#define SETTLEMENT_EXPECT_H

#include "settlement/settle.h"

/* Before settle_command and settle_event of the record. What cannot be is passed over. */
void expect_record(const struct settlement *settlement, const struct command *command,
                   const uint8_t *events, size_t events_bytes);

/* Before the account is closed at a block's end: some accounts ahead, and half as many. */
void expect_account(const struct settlement *settlement, uint32_t account);
void expect_leaf(const struct settlement *settlement, uint32_t account);

#endif /* SETTLEMENT_EXPECT_H */
