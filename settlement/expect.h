/* What settlement will read, asked of memory before it does.
 *
 * With a hundred thousand accounts each event finds its balances, orders and keys in no cache: some 100 ns each. A record
 * says beforehand whose they are: what it names is asked for while one or two before it are settled. Nothing is changed,
 * and nothing hangs on it but time.
 *
 * Owner    the thread of the settlement it belongs to
 */

#ifndef SETTLEMENT_EXPECT_H
#define SETTLEMENT_EXPECT_H

#include "settlement/settle.h"

#define EXPECT_NAMED_MAX 16

/* What a record names, as far as there is room: asked for a second time, one step further. */
struct expect_named {
    uint32_t account_count, order_count;
    bool has_key;
    uint8_t key_id[32];
    uint32_t accounts[EXPECT_NAMED_MAX];
    struct {
        uint64_t order_id;
        uint16_t market;
    } orders[EXPECT_NAMED_MAX];
};

/* Some time before settle_command and settle_event of the record; fills `named`. What cannot be is passed over. */
void expect_record(const struct settlement *settlement, const struct command *command,
                   const uint8_t *events, size_t events_bytes, struct expect_named *named);

/* Between the two: what those places lead to. */
void expect_named(const struct settlement *settlement, const struct expect_named *named);

/* Before the account is closed at a block's end: some accounts ahead, and half as many. */
void expect_account(const struct settlement *settlement, uint32_t account);
void expect_leaf(const struct settlement *settlement, uint32_t account);

#endif /* SETTLEMENT_EXPECT_H */
